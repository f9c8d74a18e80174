//! How long a caller will wait, said with recorded fragments: a range that promises nothing which
//! is not known.
//!
//! The lower number is the median rounded down, the upper one the ninetieth percentile rounded up
//! (预计等待时间，三分钟到五分钟). Both are numbers that are recorded: `minutes_N`, and
//! `from_minutes_N` before the upper one. What is less than a minute is called so; where the middle
//! is less, only the upper number is said (不超过); and where nine of ten do not get through in the
//! time for which the queue keeps them, only what half of them wait for longer (可能超过).

use model::PromptId;

/// The numbers of minutes that are recorded.
const STEPS: [u64; 17] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60];

const MINUTE_MS: u64 = 60_000;

/// How long a caller will wait, as far as that is known, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Half of the callers in this place wait no longer.
    pub median_ms: u64,
    /// Nine of ten wait no longer.
    pub p90_ms: u64,
    /// For how long the queue keeps a caller in all, and for how long it keeps this one still.
    pub limit_ms: Option<(u64, u64)>,
}

/// What is said of a wait, in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitSaid {
    /// Less than one.
    Soon,
    /// So many at most.
    Within(u64),
    /// From the first number to the second.
    Between(u64, u64),
    /// Perhaps more than so many.
    Beyond(u64),
}

impl WaitSaid {
    /// What can be said; `None` where nothing honest is left to say.
    pub fn of(wait: Wait) -> Option<Self> {
        let Wait { median_ms, p90_ms, limit_ms } = wait;
        let (limit_ms, left_ms) = limit_ms.unwrap_or((u64::MAX, u64::MAX));
        let low = STEPS.into_iter().rev().find(|step| step * MINUTE_MS <= median_ms);
        let high = STEPS.into_iter().find(|step| step * MINUTE_MS >= p90_ms);
        let is_kept = p90_ms <= left_ms;
        if is_kept && p90_ms < MINUTE_MS {
            return Some(Self::Soon);
        }
        match (low, high.filter(|high| is_kept && high * MINUTE_MS <= limit_ms)) {
            (Some(low), Some(high)) if low < high => Some(Self::Between(low, high)),
            (_, Some(high)) => Some(Self::Within(high)),
            // Who will not have been served in half of all cases is not kept that long, either.
            (Some(low), None) if median_ms < left_ms => Some(Self::Beyond(low)),
            (_, None) => None,
        }
    }

    /// The longest time that was said, in milliseconds; `None` where none was.
    pub const fn most_ms(self) -> Option<u64> {
        match self {
            Self::Soon => Some(MINUTE_MS),
            Self::Within(most) | Self::Between(_, most) => Some(most * MINUTE_MS),
            Self::Beyond(_) => None,
        }
    }

    /// How it is said.
    pub fn prompts(self) -> Vec<PromptId> {
        let minutes = |count: u64| PromptId::from(format!("minutes_{count}"));
        match self {
            Self::Soon => vec!["wait_soon".into()],
            Self::Within(most) => vec!["wait_within".into(), minutes(most)],
            Self::Between(least, most) => {
                let least = format!("from_minutes_{least}").into();
                vec!["wait_between".into(), least, minutes(most)]
            }
            Self::Beyond(least) => vec!["wait_beyond".into(), minutes(least)],
        }
    }
}

/// Every prompt that [`WaitSaid::prompts`] can need.
pub fn wait_vocabulary() -> Vec<PromptId> {
    let around = ["wait_soon", "wait_within", "wait_between", "wait_beyond"];
    let most = STEPS.iter().map(|step| format!("minutes_{step}"));
    // Nothing comes after the last one.
    let least = STEPS.iter().rev().skip(1).map(|step| format!("from_minutes_{step}"));
    let numbers = most.chain(least).map(PromptId::from);
    around.map(PromptId::from).into_iter().chain(numbers).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: u64 = 1_000;

    fn said(median_s: u64, p90_s: u64, limit_s: Option<(u64, u64)>) -> String {
        let limit_ms = limit_s.map(|(limit, left)| (limit * S, left * S));
        let wait = Wait { median_ms: median_s * S, p90_ms: p90_s * S, limit_ms };
        let prompts = WaitSaid::of(wait).map(WaitSaid::prompts).unwrap_or_default();
        prompts.iter().map(PromptId::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_range_is_rounded_outwards() {
        for (median_s, p90_s, expected) in [
            (0, 0, "wait_soon"),
            (20, 59, "wait_soon"),
            (20, 60, "wait_within minutes_1"),
            (59, 61, "wait_within minutes_2"),
            (60, 61, "wait_between from_minutes_1 minutes_2"),
            (239, 241, "wait_between from_minutes_3 minutes_5"),
            (240, 240, "wait_within minutes_4"),
            (700, 1_000, "wait_between from_minutes_10 minutes_20"),
            (3_000, 3_600, "wait_between from_minutes_50 minutes_60"),
            (1_900, 3_601, "wait_beyond minutes_30"),
            (30, 3_601, ""),
            (90_000, 90_001, "wait_beyond minutes_60"),
        ] {
            assert_eq!(said(median_s, p90_s, None), expected, "{median_s} {p90_s}");
        }
    }

    #[test]
    fn nothing_is_said_that_is_longer_than_the_queue_keeps_anyone() {
        for (median_s, p90_s, limit_s, expected) in [
            (120, 290, (300, 300), "wait_between from_minutes_2 minutes_5"),
            // Rounded up it is no more than the limit, though a part of that has passed.
            (120, 250, (300, 255), "wait_between from_minutes_2 minutes_5"),
            (120, 301, (300, 300), "wait_beyond minutes_2"),
            (120, 290, (300, 280), "wait_beyond minutes_2"),
            (120, 245, (290, 290), "wait_beyond minutes_2"),
            (310, 400, (300, 300), ""),
            (10, 50, (300, 40), ""),
            (10, 50, (300, 60), "wait_soon"),
        ] {
            let told = said(median_s, p90_s, Some(limit_s));
            assert_eq!(told, expected, "{median_s} {p90_s} {limit_s:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_said_holds_the_middle_and_nine_of_ten_and_is_recorded(
            median_ms in 0_u64..5_000_000, more_ms in 0_u64..5_000_000,
            limit_ms in proptest::option::of((1_000_u64..4_000_000, 0_u64..4_000_000)),
        ) {
            let p90_ms = median_ms + more_ms;
            let limit_ms = limit_ms.map(|(limit, passed)| (limit, limit.saturating_sub(passed)));
            let Some(said) = WaitSaid::of(Wait { median_ms, p90_ms, limit_ms }) else {
                return Ok(());
            };
            let vocabulary = wait_vocabulary();
            prop_assert!(said.prompts().iter().all(|prompt| vocabulary.contains(prompt)));
            if let Some(most_ms) = said.most_ms() {
                prop_assert!(p90_ms <= most_ms, "{said:?}");
            }
            match said {
                WaitSaid::Soon => prop_assert!(p90_ms < MINUTE_MS),
                WaitSaid::Within(most) | WaitSaid::Between(_, most) => {
                    let (limit, left) = limit_ms.unwrap_or((u64::MAX, u64::MAX));
                    prop_assert!(most * MINUTE_MS <= limit && p90_ms <= left, "{said:?}");
                }
                WaitSaid::Beyond(_) => {}
            }
            if let WaitSaid::Between(least, _) | WaitSaid::Beyond(least) = said {
                prop_assert!(least * MINUTE_MS <= median_ms, "{said:?}");
            }
        }
    }
}
