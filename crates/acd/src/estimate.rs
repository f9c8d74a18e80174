//! How long a caller will wait: a range, learnt from how fast the queue has moved of late.
//!
//! While someone waits, every agent who becomes free takes the next call. What is learnt is how
//! often that happens for each agent at work (whatever the reason: calls, after-call work, other
//! queues, missed offers), and how soon those who wait lose patience. A caller with `n` others
//! ahead is through when `n + 1` such steps are done, each of them at random: their sum has nearly
//! a gamma distribution, whose median and ninetieth percentile are told.

use std::time::Duration;

use model::Mono;

/// How many steps are remembered: older ones fade.
const MEMORY: f64 = 300.0;
/// As long as fewer have been seen, nothing is told.
const KNOWN_FROM: f64 = 20.0;
/// Steps are added up in groups whose size is their place divided by this: the first ones one by
/// one, 70 groups for 10,000. Within a group rates differ by an eighth at most, and its middle
/// stands for it to within two in a thousand. The groups are the same for everybody, so that
/// whoever is farther behind never has the shorter estimate.
const GROUPS: usize = 8;
/// The ninetieth percentile of the normal distribution.
const Z90: f64 = 1.281_551_565_545;

/// How long a caller is likely to wait until an agent is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Half of the callers in this place wait no longer.
    pub median_ms: u64,
    /// Nine of ten wait no longer.
    pub p90_ms: u64,
}

/// What a queue has learnt about how fast it moves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pace {
    at: Mono,
    /// Agents who took the next call when they became free.
    steps: f64,
    /// The time of agents at work while someone waited, in seconds.
    agent_s: f64,
    /// Callers who left while waiting.
    left: f64,
    /// The time that callers waited, in seconds.
    waited_s: f64,
}

/// The same, as it is kept: sums of 64-bit floating point as their bits, so that what is learnt
/// from them is the same again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PaceRecord {
    /// Until when it was added up.
    pub at: Mono,
    /// The sums.
    pub sums: [u64; 4],
}

impl Pace {
    pub(crate) fn record(&self) -> PaceRecord {
        let sums = [self.steps, self.agent_s, self.left, self.waited_s].map(f64::to_bits);
        PaceRecord { at: self.at, sums }
    }

    pub(crate) fn of(record: &PaceRecord) -> Self {
        // A sum that is none would make all that comes of it none.
        let sums =
            record.sums.map(f64::from_bits).map(|sum| if sum.is_finite() { sum } else { 0.0 });
        let [steps, agent_s, left, waited_s] = sums;
        Self { at: record.at, steps, agent_s, left, waited_s }
    }

    /// Until now so many agents were at work and so many callers waited.
    pub(crate) fn advance(&mut self, now: Mono, agents: u32, waiting: usize) {
        let passed_s = now.since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        if waiting > 0 {
            self.agent_s += passed_s * f64::from(agents);
            self.waited_s += passed_s * waiting as f64;
        }
    }

    /// An agent became free and took the next call.
    pub(crate) fn step(&mut self) {
        let fades = 1.0 - 1.0 / MEMORY;
        for sum in [&mut self.steps, &mut self.agent_s, &mut self.left, &mut self.waited_s] {
            *sum *= fades;
        }
        self.steps += 1.0;
    }

    /// A caller who waited has left.
    pub(crate) fn leave(&mut self) {
        self.left += 1.0;
    }

    /// How long a caller with so many others ahead will wait with so many agents at work; `None`
    /// without agents, or as long as too little has been seen.
    pub(crate) fn estimate(&self, ahead: usize, agents: u32) -> Option<Estimate> {
        if self.steps < KNOWN_FROM || agents == 0 || self.agent_s <= 0.0 {
            return None;
        }
        let steps_a_s = self.steps / self.agent_s * f64::from(agents);
        let leave_a_s = if self.waited_s > 0.0 { self.left / self.waited_s } else { 0.0 };
        // Those ahead of whom fewer and fewer lose patience: groups of them alike.
        let (mut mean_s, mut variance) = (0.0, 0.0);
        let mut next = 0;
        while next <= ahead {
            let first = next;
            next += (first / GROUPS).clamp(1, ahead - first + 1);
            let last = next - 1;
            let count = (next - first) as f64;
            let rate = steps_a_s + leave_a_s * (first + last) as f64 / 2.0;
            mean_s += count / rate;
            variance += count / (rate * rate);
        }
        let (shape, scale_s) = (mean_s * mean_s / variance, variance / mean_s);
        let at = |z| Duration::from_secs_f64(scale_s * gamma_quantile(shape, z));
        let ms = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Some(Estimate { median_ms: ms(at(0.0)), p90_ms: ms(at(Z90)) })
    }
}

/// The quantile of the gamma distribution with this shape and the scale 1, from the quantile of the
/// normal distribution (Wilson and Hilferty 1931); within 1 % for shapes of at least 1.
fn gamma_quantile(shape: f64, z: f64) -> f64 {
    let ninth = 1.0 / (9.0 * shape);
    let root = 1.0 - ninth + z * ninth.sqrt();
    shape * (root * root * root).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue with 10 agents of 100 s a call, seen for long enough.
    fn pace(leaving: bool) -> Pace {
        let mut pace = Pace::default();
        for step in 1..=1_000 {
            pace.advance(Mono::from_ms(step * 10_000), 10, 4);
            if leaving && step % 4 == 0 {
                pace.leave();
            }
            pace.step();
        }
        pace
    }

    #[test]
    fn the_next_in_line_waits_for_one_agent_of_ten() {
        // Exponential with a mean of 10 s: the median at 6.9 s, the ninetieth percentile at 23.0 s.
        let Estimate { median_ms, p90_ms } = pace(false).estimate(0, 10).unwrap();
        assert!((6_700..7_100).contains(&median_ms), "{median_ms}");
        assert!((22_500..23_500).contains(&p90_ms), "{p90_ms}");
    }

    #[test]
    fn a_place_far_behind_takes_longer_and_is_known_better() {
        let far = pace(false).estimate(99, 10).unwrap();
        assert!((985_000..1_000_000).contains(&far.median_ms), "{far:?}");
        assert!((1_120_000..1_140_000).contains(&far.p90_ms), "{far:?}");
        let twice_the_agents = pace(false).estimate(99, 20).unwrap();
        assert!(twice_the_agents.median_ms.abs_diff(far.median_ms / 2) < 10);
    }

    #[test]
    fn those_ahead_who_lose_patience_shorten_the_wait() {
        let far = pace(true).estimate(99, 10).unwrap();
        // Every caller leaves after 160 s on average: 160 s times ln(1 + 100 / 16).
        assert!((310_000..320_000).contains(&far.median_ms), "{far:?}");
        let farther = pace(true).estimate(9_999, 10).unwrap();
        assert!(farther.median_ms > far.median_ms && farther.p90_ms < 1_300_000, "{farther:?}");
    }

    /// The sum that groups stand for, with each step by itself.
    fn one_by_one(pace: &Pace, ahead: usize, agents: u32) -> (f64, f64) {
        let steps_a_s = pace.steps / pace.agent_s * f64::from(agents);
        let leave_a_s = pace.left / pace.waited_s;
        let rates = (0..=ahead).map(|at| steps_a_s + leave_a_s * at as f64);
        rates.fold((0.0, 0.0), |(mean, variance), rate| {
            (mean + 1.0 / rate, variance + 1.0 / (rate * rate))
        })
    }

    #[test]
    fn groups_of_steps_are_as_good_as_each_step_by_itself() {
        let pace = pace(true);
        for ahead in [0, 15, 16, 17, 99, 1_000, 9_999, 99_999] {
            let (mean_s, variance) = one_by_one(&pace, ahead, 10);
            let (shape, scale_s) = (mean_s * mean_s / variance, variance / mean_s);
            let exact_ms = scale_s * gamma_quantile(shape, Z90) * 1e3;
            let told_ms = pace.estimate(ahead, 10).unwrap().p90_ms as f64;
            assert!((told_ms / exact_ms - 1.0).abs() < 0.002, "{ahead}: {told_ms}, {exact_ms}");
        }
    }

    #[test]
    fn whoever_is_farther_behind_never_waits_less() {
        for pace in [pace(false), pace(true)] {
            let told = (0..5_000).map(|ahead| pace.estimate(ahead, 10).unwrap().median_ms);
            assert!(told.is_sorted());
        }
    }

    #[test]
    fn nothing_is_told_before_anything_is_known() {
        assert_eq!(Pace::default().estimate(0, 10), None);
        assert_eq!(pace(false).estimate(0, 0), None);
    }
}
