//! Which legs get a frame in which tick: a wheel a little longer than a frame.

use model::Mono;

use super::playing::FRAME_NANOS;

/// The wheel: one bucket a tick. An entry is a leg's key; a leg has at most one.
#[derive(Debug)]
pub(crate) struct Wheel {
    tick_nanos: u64,
    buckets: Vec<Vec<u64>>,
    /// The last tick whose bucket was emptied.
    tick: u64,
    /// The bucket that is being worked on, kept for its memory.
    taken: Vec<u64>,
}

impl Wheel {
    /// A wheel that turns every `tick_nanos`, at most a frame.
    pub(crate) fn new(tick_nanos: u64) -> Self {
        let tick_nanos = tick_nanos.max(1);
        let buckets = usize::try_from(FRAME_NANOS / tick_nanos).unwrap_or(0) + 2;
        Self { tick_nanos, buckets: vec![Vec::new(); buckets], tick: 0, taken: Vec::new() }
    }

    /// The leg is to be looked at when `due` has come: at most a frame ahead.
    pub(crate) fn insert(&mut self, key: u64, due: Mono) {
        let last = self.tick + self.buckets.len() as u64;
        let tick = due.0.div_ceil(self.tick_nanos).clamp(self.tick + 1, last);
        let at = (tick % self.buckets.len() as u64) as usize;
        self.buckets[at].push(key);
    }

    /// Hands every leg that is due to `each`, which may insert it again.
    pub(crate) fn turn(&mut self, now: Mono, mut each: impl FnMut(&mut Self, u64)) {
        let tick = now.0 / self.tick_nanos;
        // After a long sleep each bucket is visited once, whatever the number of ticks.
        let first = (self.tick + 1).max((tick + 1).saturating_sub(self.buckets.len() as u64));
        for tick in first..=tick {
            self.tick = tick;
            let at = (tick % self.buckets.len() as u64) as usize;
            let mut taken = std::mem::take(&mut self.taken);
            std::mem::swap(&mut taken, &mut self.buckets[at]);
            for key in taken.drain(..) {
                each(self, key);
            }
            self.taken = taken;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn each_leg_comes_once_a_frame_at_its_own_phase() {
        for tick_ms in [1, 2, 3, 5, 20] {
            let mut wheel = Wheel::new(tick_ms * MS);
            let mut due: Vec<Mono> = (0..40).map(|leg| Mono(leg * MS / 2)).collect();
            for (leg, due) in due.iter().enumerate() {
                wheel.insert(leg as u64, *due);
            }
            let mut turns = [0_u64; 40];
            let mut now = Mono(0);
            while now < Mono::from_ms(600) {
                now = Mono(now.0 + tick_ms * MS);
                wheel.turn(now, |wheel, leg| {
                    let at = &mut due[leg as usize];
                    assert!(*at <= now, "too early");
                    assert!(now.0 - at.0 <= tick_ms * MS, "too late");
                    turns[leg as usize] += 1;
                    at.0 += FRAME_NANOS;
                    wheel.insert(leg, *at);
                });
            }
            assert!(turns.iter().all(|turns| (29..=31).contains(turns)), "{tick_ms}: {turns:?}");
        }
    }

    #[test]
    fn after_a_long_sleep_every_leg_comes_once() {
        let mut wheel = Wheel::new(2 * MS);
        for leg in 0..10 {
            wheel.insert(leg, Mono(leg * 2 * MS));
        }
        let mut came = Vec::new();
        wheel.turn(Mono::from_ms(60_000), |_, leg| came.push(leg));
        came.sort_unstable();
        assert_eq!(came, (0..10).collect::<Vec<u64>>());
        wheel.turn(Mono::from_ms(60_100), |_, _| panic!("nothing is left"));
    }
}
