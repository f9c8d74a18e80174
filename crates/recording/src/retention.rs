//! How long recordings are kept, and when they have to be gone: rules by queue and by what the call
//! was about, and legal hold.
//!
//! Business records of insurance are kept for five years, counted from the end of the contract
//! (Insurance Law, article 87): so a recording is kept from the end of the customer's last policy,
//! or from its own end where there is no policy. Days and years are those of China, which has one
//! time zone without summer time. Nothing is deleted before that; looking each [`SWEEP_EVERY_MS`]
//! whether something is due, nothing is there a day later.

use model::{QueueId, Wall};

use crate::path::{date, days_of};

/// How often it is looked what is due, in milliseconds.
pub const SWEEP_EVERY_MS: u64 = 6 * 3_600_000;
/// Years that recordings are kept where no rule fits.
pub const DEFAULT_YEARS: u16 = 5;
/// The longest that a rule may keep, in years.
pub const YEARS_MAX: u16 = 100;
/// The longest that a rule may keep beside its years, in days.
pub const DAYS_MAX: u32 = 36_600;
/// Rules that a policy holds at most.
pub const RULES_MAX: usize = 256;
/// How far the clock may be ahead of the last thing known before it is doubted, in days.
pub const DOUBTED_AFTER_DAYS: i64 = 30;

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;
/// How far China's clocks are ahead of UTC, in microseconds.
const ZONE_MICROS: i64 = 8 * 3_600_000_000;

/// The end of a day in China, `YYYY-MM-DD`; `None` if there is no such day.
pub fn end_of_day(day: &str) -> Option<Wall> {
    let mut parts = day.splitn(3, '-');
    let mut part = |digits| {
        let part = parts.next().filter(|part: &&str| part.len() == digits)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<i64>().ok())?
    };
    let (year, month, of_month) = (part(4)?, part(2)?, part(2)?);
    let number = days_of(year, month, of_month);
    let is_one = (1..=12).contains(&month) && date(number) == (year, month, of_month);
    is_one.then(|| Wall((number + 1) * DAY_MICROS - ZONE_MICROS))
}

/// A moment as certificates tell it: RFC 3339 with China's offset, to the microsecond.
pub(crate) fn stamp(at: Wall) -> String {
    let local = at.0.saturating_add(ZONE_MICROS);
    let (year, month, day) = date(local.div_euclid(DAY_MICROS));
    let micros = local.rem_euclid(DAY_MICROS);
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+08:00")
}

/// Whether a clock that says `now` may be wrong, `last` being the newest that was known before: who
/// believed it would delete what has to be kept.
pub fn is_doubtful(now: Wall, last: Wall) -> bool {
    now.0.saturating_sub(last.0) > DOUBTED_AFTER_DAYS * DAY_MICROS
}

/// From when on a recording's time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepFrom {
    /// From the end of the customer's last policy; where there is none, from the recording's.
    PolicyEnd,
    /// From the recording's end.
    Recorded,
}

/// How long the recordings are kept that it fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it is called in certificates.
    pub name: String,
    /// Calls of this queue; of any if none is named.
    pub queue: Option<QueueId>,
    /// Calls that were about this, by the code of the disposition; about anything if none is named.
    pub class: Option<String>,
    /// Years, by the calendar.
    pub years: u16,
    /// And days.
    pub days: u32,
    /// From when on.
    pub from: KeepFrom,
}

/// What is known of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taped {
    /// The queue of its call.
    pub queue: Option<QueueId>,
    /// What its call was about.
    pub class: Option<String>,
    /// When it was over.
    pub ended: Wall,
    /// When the customer's last policy is over, as far as there is one.
    pub policy_end: Option<Wall>,
    /// Whether it is under legal hold.
    pub is_held: bool,
}

/// What is to become of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<'a> {
    /// It is kept until then.
    Keep {
        /// When it is due.
        until: Wall,
        /// By which rule.
        rule: &'a Rule,
    },
    /// It is kept until it is released.
    Held,
    /// It has to be gone.
    Delete {
        /// Since when.
        due: Wall,
        /// By which rule.
        rule: &'a Rule,
    },
}

/// The rules, the first that fits counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    rules: Vec<Rule>,
    otherwise: Rule,
}

impl Default for Retention {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Retention {
    /// These rules in this order; where none fits, [`DEFAULT_YEARS`] from the policy's end.
    pub fn new(rules: Vec<Rule>) -> Self {
        let otherwise = Rule {
            name: "default".to_owned(),
            queue: None,
            class: None,
            years: DEFAULT_YEARS,
            days: 0,
            from: KeepFrom::PolicyEnd,
        };
        Self { rules, otherwise }
    }

    /// What is to become of a recording at `now`.
    pub fn decide(&self, taped: &Taped, now: Wall) -> Decision<'_> {
        if taped.is_held {
            return Decision::Held;
        }
        let rule = self.rules.iter().find(|rule| rule.fits(taped)).unwrap_or(&self.otherwise);
        let due = rule.due(taped);
        match due <= now {
            true => Decision::Delete { due, rule },
            false => Decision::Keep { until: due, rule },
        }
    }

    /// What began later than this cannot be due at `now`, whatever it is.
    pub fn oldest_kept(&self, now: Wall) -> Wall {
        let least = |rule: &Rule| i64::from(rule.years) * 365 + i64::from(rule.days);
        let days = self.rules.iter().chain([&self.otherwise]).map(least).min().unwrap_or(0);
        Wall(now.0.saturating_sub(days.saturating_mul(DAY_MICROS)))
    }
}

impl Rule {
    fn fits(&self, taped: &Taped) -> bool {
        let is_queue = self.queue.is_none() || self.queue == taped.queue;
        is_queue && (self.class.is_none() || self.class == taped.class)
    }

    /// When what it fits has to be gone.
    fn due(&self, taped: &Taped) -> Wall {
        let from = match self.from {
            KeepFrom::Recorded => taped.ended,
            KeepFrom::PolicyEnd => taped.policy_end.map_or(taped.ended, |end| end.max(taped.ended)),
        };
        let local = from.0.saturating_add(ZONE_MICROS);
        let (day, time) = (local.div_euclid(DAY_MICROS), local.rem_euclid(DAY_MICROS));
        let (year, month, of_month) = date(day);
        // From the 29th of February to the 1st of March where there is none: never early.
        let day = days_of(year + i64::from(self.years), month, of_month) + i64::from(self.days);
        Wall(day.saturating_mul(DAY_MICROS).saturating_add(time - ZONE_MICROS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One o'clock at night in China: there it is another day than in Greenwich.
    fn at(year: i64, month: i64, day: i64) -> Wall {
        Wall(days_of(year, month, day) * DAY_MICROS + 3_600_000_000 - ZONE_MICROS)
    }

    fn taped(ended: Wall) -> Taped {
        Taped { queue: None, class: None, ended, policy_end: None, is_held: false }
    }

    fn until(retention: &Retention, taped: &Taped) -> (Wall, String) {
        match retention.decide(taped, Wall(i64::MIN)) {
            Decision::Keep { until, rule } => (until, rule.name.clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_rules_it_is_five_years_from_the_end_of_the_policy() {
        let (retention, mut tape) = (Retention::default(), taped(at(2024, 2, 29)));
        let default = |due| (due, "default".to_owned());
        assert_eq!(until(&retention, &tape), default(at(2029, 3, 1)), "no 29th of February");
        tape.policy_end = Some(at(2025, 6, 30));
        assert_eq!(until(&retention, &tape), default(at(2030, 6, 30)));
        tape.policy_end = Some(at(2020, 6, 30));
        assert_eq!(until(&retention, &tape), default(at(2029, 3, 1)), "it was over before");
    }

    #[test]
    fn days_are_those_of_china_and_what_is_no_day_is_none() {
        assert_eq!(end_of_day("2025-06-30"), Some(Wall(1_751_299_200_000_000)));
        let leap_day = end_of_day("2024-02-29").map(stamp);
        assert_eq!(leap_day.as_deref(), Some("2024-03-01T00:00:00.000000+08:00"));
        for none in
            ["2025-02-29", "2100-02-29", "2025-13-01", "2025-00-10", "2025-1-01", "20250101"]
        {
            assert_eq!(end_of_day(none), None, "{none}");
        }
        for none in ["", "2025-01-01T00", "2025-01-+1", "-025-01-01", "2025-01", "２０２５-01-01"]
        {
            assert_eq!(end_of_day(none), None, "{none}");
        }
        assert_eq!(stamp(Wall(-1)), "1970-01-01T07:59:59.999999+08:00");
    }

    #[test]
    fn a_leap_day_that_a_year_has_not_is_the_next_day() {
        let retention = Retention::default();
        let due = |day: &str| {
            let policy_end = end_of_day(day);
            stamp(until(&retention, &Taped { policy_end, ..taped(at(2020, 1, 1)) }).0)
        };
        assert_eq!(due("2024-02-28"), "2029-03-01T00:00:00.000000+08:00");
        assert_eq!(due("2024-02-29"), "2029-03-01T00:00:00.000000+08:00");
        assert_eq!(due("2023-02-28"), "2028-03-01T00:00:00.000000+08:00");
        assert_eq!(due("2022-12-31"), "2028-01-01T00:00:00.000000+08:00");
        assert_eq!(due("2095-02-28"), "2100-03-01T00:00:00.000000+08:00");
    }

    #[test]
    fn a_clock_far_ahead_of_all_that_is_known_is_doubted() {
        let last = at(2026, 11, 22);
        assert!(!is_doubtful(Wall(last.0 + 30 * DAY_MICROS), last));
        assert!(is_doubtful(Wall(last.0 + 30 * DAY_MICROS + 1), last));
        assert!(!is_doubtful(Wall(0), last), "a clock that is behind deletes nothing");
    }

    #[test]
    fn the_first_rule_that_fits_queue_and_class_counts() {
        let rule = |name: &str, queue: Option<&str>, class: Option<&str>, years, days| Rule {
            name: name.to_owned(),
            queue: queue.map(QueueId::from),
            class: class.map(str::to_owned),
            years,
            days,
            from: KeepFrom::Recorded,
        };
        let retention = Retention::new(vec![
            rule("complaints", None, Some("complaint_recorded"), 10, 0),
            rule("claims", Some("claims"), None, 0, 90),
        ]);
        let began = at(2025, 1, 1);
        let of = |queue: &str, class: &str| {
            let (queue, class) = (Some(QueueId::from(queue)), Some(class.to_owned()));
            let policy_end = Some(at(2031, 1, 1));
            until(&retention, &Taped { queue, class, policy_end, ..taped(began) })
        };
        let named = |due, name: &str| (due, name.to_owned());
        assert_eq!(of("claims", "complaint_recorded"), named(at(2035, 1, 1), "complaints"));
        assert_eq!(of("claims", "answered"), named(at(2025, 4, 1), "claims"));
        assert_eq!(of("general", "answered"), named(at(2036, 1, 1), "default"));
        assert_eq!(retention.oldest_kept(at(2025, 4, 1)), began);
    }

    #[test]
    fn to_the_microsecond_nothing_goes_early_and_a_hold_keeps_for_ever() {
        let (retention, mut tape) = (Retention::default(), taped(at(2025, 1, 1)));
        let due = at(2030, 1, 1);
        let kept = retention.decide(&tape, Wall(due.0 - 1));
        assert!(matches!(kept, Decision::Keep { until, .. } if until == due));
        assert!(matches!(retention.decide(&tape, due), Decision::Delete { .. }));
        tape.is_held = true;
        assert_eq!(retention.decide(&tape, Wall(i64::MAX)), Decision::Held);
    }
}
