//! How much a trunk may bring: calls at one time, and calls a second.

use std::collections::BTreeMap;

use model::{Mono, TrunkId};

use crate::{Refusal, Trunks};

/// One call in the units of the bucket: a nanosecond earns as many as the trunk has calls a second.
const CALL: u64 = 1_000_000_000;

/// What a trunk may bring; `None` is no limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Calls at one time.
    pub calls: Option<u32>,
    /// New calls a second, on average; after a quiet second so many at once.
    pub calls_per_s: Option<u32>,
}

/// What a trunk brings now, and what was refused since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrunkFigures {
    /// Calls in progress.
    pub calls: u32,
    /// Refused for the number of calls.
    pub refused_calls: u64,
    /// Refused for their rate.
    pub refused_rate: u64,
    /// Refused for the number dialled.
    pub refused_number: u64,
}

#[derive(Debug)]
struct Load {
    limits: Limits,
    figures: TrunkFigures,
    bucket: u64,
    filled_at: Mono,
}

/// What all trunks bring: one entry for each that is configured.
#[derive(Debug, Default)]
pub struct Loads(BTreeMap<TrunkId, Load>);

impl Loads {
    /// No calls yet.
    pub fn new(trunks: &Trunks) -> Self {
        let load = |limits: Limits| Load {
            limits,
            figures: TrunkFigures::default(),
            bucket: capacity(limits),
            filled_at: Mono::default(),
        };
        Self(trunks.iter().map(|trunk| (trunk.id.clone(), load(trunk.limits))).collect())
    }

    /// Takes one call more, if the trunk may bring it; say [`Loads::handle_ended`] at its end.
    ///
    /// # Errors
    /// Too many at one time, or too fast. Neither counts towards the rate.
    pub fn handle_call(&mut self, trunk: &TrunkId, now: Mono) -> Result<(), Refusal> {
        let Some(load) = self.0.get_mut(trunk) else { return Ok(()) };
        if load.limits.calls.is_some_and(|most| load.figures.calls >= most) {
            load.figures.refused_calls += 1;
            return Err(Refusal::TooManyCalls);
        }
        if let Some(rate) = load.limits.calls_per_s {
            let nanos = now.0.saturating_sub(load.filled_at.0).min(CALL);
            let earned = nanos.saturating_mul(rate.into());
            load.bucket = load.bucket.saturating_add(earned).min(capacity(load.limits));
            load.filled_at = now;
            let Some(left) = load.bucket.checked_sub(CALL) else {
                load.figures.refused_rate += 1;
                return Err(Refusal::TooFast);
            };
            load.bucket = left;
        }
        load.figures.calls += 1;
        Ok(())
    }

    /// Takes a call more that no limit may keep from going out, and counts it.
    pub fn handle_emergency(&mut self, trunk: &TrunkId) {
        if let Some(load) = self.0.get_mut(trunk) {
            load.figures.calls = load.figures.calls.saturating_add(1);
        }
    }

    /// A call that was taken is over.
    pub fn handle_ended(&mut self, trunk: &TrunkId) {
        if let Some(load) = self.0.get_mut(trunk) {
            load.figures.calls = load.figures.calls.saturating_sub(1);
        }
    }

    /// A number was dialled that the trunk may not dial.
    pub fn handle_unknown_number(&mut self, trunk: &TrunkId) {
        if let Some(load) = self.0.get_mut(trunk) {
            load.figures.refused_number += 1;
        }
    }

    /// The figures of every trunk.
    pub fn figures(&self) -> impl Iterator<Item = (&TrunkId, TrunkFigures)> {
        self.0.iter().map(|(trunk, load)| (trunk, load.figures))
    }
}

/// A full bucket: one second's calls, at least one.
fn capacity(limits: Limits) -> u64 {
    u64::from(limits.calls_per_s.unwrap_or(0).max(1)).saturating_mul(CALL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Trunk, trunk_for_tests};

    fn loads(calls: Option<u32>, calls_per_s: Option<u32>) -> (Loads, TrunkId) {
        let limits = Limits { calls, calls_per_s };
        let trunk = Trunk { limits, ..trunk_for_tests("carrier") };
        (Loads::new(&Trunks::new(vec![trunk])), "carrier".into())
    }

    fn figures(loads: &Loads) -> TrunkFigures {
        loads.figures().next().expect("there is one").1
    }

    #[test]
    fn calls_at_one_time_are_limited_and_one_that_ends_makes_room() {
        let (mut loads, trunk) = loads(Some(2), None);
        let now = Mono::from_ms(1);
        assert_eq!(loads.handle_call(&trunk, now), Ok(()));
        assert_eq!(loads.handle_call(&trunk, now), Ok(()));
        assert_eq!(loads.handle_call(&trunk, now), Err(Refusal::TooManyCalls));
        loads.handle_ended(&trunk);
        assert_eq!(loads.handle_call(&trunk, now), Ok(()));
        let TrunkFigures { calls, refused_calls, refused_rate, .. } = figures(&loads);
        assert_eq!((calls, refused_calls, refused_rate), (2, 1, 0));
    }

    #[test]
    fn over_any_time_no_more_calls_pass_than_the_rate_and_one_seconds_burst() {
        let (mut loads, trunk) = loads(None, Some(10));
        let mut taken = Vec::new();
        for ms in 0..10_000 {
            taken.extend(loads.handle_call(&trunk, Mono::from_ms(ms)).is_ok().then_some(ms));
        }
        let first = taken.iter().filter(|ms| **ms < 1_000).count();
        assert!((19..=20).contains(&first), "{first}");
        assert!((108..=110).contains(&taken.len()), "{}", taken.len());
        // Nothing is saved up beyond one second.
        let later: usize =
            (0..100).filter(|_| loads.handle_call(&trunk, Mono::from_ms(99_000)).is_ok()).count();
        assert_eq!(later, 10);
        assert_eq!(figures(&loads).refused_rate, 10_000 - taken.len() as u64 + 90);
    }

    #[test]
    fn a_call_that_saves_lives_passes_every_limit_and_counts() {
        let (mut loads, trunk) = loads(Some(1), Some(1));
        let now = Mono::from_ms(1);
        assert_eq!(loads.handle_call(&trunk, now), Ok(()));
        loads.handle_emergency(&trunk);
        assert_eq!(figures(&loads).calls, 2);
        loads.handle_ended(&trunk);
        assert_eq!(loads.handle_call(&trunk, now), Err(Refusal::TooManyCalls));
    }

    #[test]
    fn a_trunk_without_limits_or_that_nobody_knows_is_not_limited() {
        let (mut loads, trunk) = loads(None, None);
        for _ in 0..1_000 {
            assert_eq!(loads.handle_call(&trunk, Mono::default()), Ok(()));
            assert_eq!(loads.handle_call(&"other".into(), Mono::default()), Ok(()));
        }
        assert_eq!(figures(&loads).calls, 1_000);
    }
}
