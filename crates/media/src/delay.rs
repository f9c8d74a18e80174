//! How long a voice is kept back so that its late packets still find their place.
//!
//! A packet's *lateness* is its arrival on the engine's clock less its first sample by its
//! sender's timestamp: the sender's clock, its packets' length and the way all count into it, and
//! only its changes matter. The delay follows the lateness that 31 of 32 packets keep, so that it
//! adapts to jitter and to the drift of the sender's clock by one and the same rule. While somebody
//! speaks it grows by a sample a packet (by 10 ms with one that came too late) and shrinks by a
//! sample every fourth, which is not audible; while nobody does, or nothing comes in time, it is at
//! once what it should be.

/// The most that a voice is kept back over the least lateness of late, in samples: 200 ms.
pub(crate) const MAX_DELAY: i64 = 1_600;
/// What a voice is kept back at first, over the lateness of its first packet: 10 ms, so that a
/// smooth way never changes it.
const AT_FIRST: i64 = MARGIN + DEADBAND;
/// Kept back over the lateness that nearly all packets keep: the worker's tick and a bit.
const MARGIN: i64 = 40;
/// Less than this too much delay stays as it is: 5 ms.
const DEADBAND: i64 = 40;
/// How much the estimate rises at least with a packet that is later, in [`PARTS`] of a sample, and
/// [`FALL`] with one that is not: it rests where one of 32 or less is later.
const RISE: i64 = 124;
const FALL: i64 = 4;
/// How fast the least lateness is forgotten, in [`PARTS`] a packet: 6 samples a second.
const FORGET: i64 = 2;
/// Parts of a sample in which estimates are kept.
const PARTS: i64 = 16;
/// While somebody speaks, the delay shrinks by a sample with every so many packets.
const SHRINK_EVERY: u8 = 4;
/// By how much it grows with a packet that came too late: 10 ms.
const AFTER_A_BREAK: i64 = 80;
/// Late packets in a row after which the delay is at once what they need.
const LATE_IN_A_ROW: u8 = 2;

/// The delay of one voice.
#[derive(Debug, Clone)]
pub(crate) struct Delay {
    /// In samples.
    in_force: i64,
    /// The lateness that nearly all packets keep, in [`PARTS`].
    usual: i64,
    /// The least lateness of late, in [`PARTS`].
    least: i64,
    late_in_a_row: u8,
    /// Packets since it shrank.
    since_shrunk: u8,
}

impl Delay {
    /// The delay of a voice whose first packet has that lateness.
    pub(crate) const fn new(lateness: i64) -> Self {
        Self {
            in_force: lateness + AT_FIRST,
            usual: (lateness + AT_FIRST - MARGIN) * PARTS,
            least: lateness * PARTS,
            late_in_a_row: 0,
            since_shrunk: 0,
        }
    }

    /// The lateness that the first packet of a numbering that begins anew is to have, so that the
    /// delay can go on as it is.
    pub(crate) const fn lateness_of_anew(&self) -> i64 {
        self.in_force - AT_FIRST
    }

    /// How far behind the clock the voice is heard.
    pub(crate) const fn in_force(&self) -> i64 {
        self.in_force
    }

    /// A packet of that lateness came, while there was (not) anything to hear.
    pub(crate) fn observe(&mut self, lateness: i64, is_quiet: bool) {
        let parts = lateness * PARTS;
        self.least = (self.least + FORGET).min(parts);
        self.usual += match parts - self.usual {
            over @ 1.. => (over / 2).clamp(RISE, AFTER_A_BREAK * PARTS),
            ..=0 => -FALL,
        };
        let is_late = lateness > self.in_force;
        self.late_in_a_row = if is_late { self.late_in_a_row.saturating_add(1) } else { 0 };
        let is_starved = self.late_in_a_row >= LATE_IN_A_ROW;
        if is_starved {
            self.usual = self.usual.max(parts);
            // Later than any delay may be: the way has become longer for good, or the sender
            // stood still.
            self.least = self.least.max(parts - (MAX_DELAY - MARGIN) * PARTS);
        }
        let most = self.least + (MAX_DELAY - MARGIN) * PARTS;
        self.usual = self.usual.clamp(self.least, most);
        let step = if is_quiet || is_starved {
            i64::from(u32::MAX)
        } else if is_late {
            // There is a break to be heard anyway.
            AFTER_A_BREAK
        } else {
            1
        };
        self.follow(self.usual / PARTS + MARGIN, step);
    }

    /// Comes nearer to the wanted delay, by no more than that.
    fn follow(&mut self, wanted: i64, step: i64) {
        self.since_shrunk = self.since_shrunk.saturating_add(1);
        if wanted > self.in_force {
            self.in_force = wanted.min(self.in_force + step);
        } else if wanted < self.in_force - DEADBAND
            && (step > AFTER_A_BREAK || self.since_shrunk >= SHRINK_EVERY)
        {
            self.in_force = wanted.max(self.in_force - step);
            self.since_shrunk = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of these latenesses; how many came too late.
    fn feed(delay: &mut Delay, latenesses: impl Iterator<Item = i64>, is_quiet: bool) -> usize {
        latenesses
            .filter(|lateness| {
                let is_late = *lateness > delay.in_force();
                delay.observe(*lateness, is_quiet);
                is_late
            })
            .count()
    }

    /// Evenly spread from 0 to `most`, in no order.
    fn jitter(most: i64, packets: usize) -> impl Iterator<Item = i64> {
        let mut state = 7_u64;
        (0..packets).map(move |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as i64 % (most + 1)
        })
    }

    #[test]
    fn a_smooth_way_ends_with_the_margin_alone() {
        for is_quiet in [true, false] {
            let mut delay = Delay::new(160);
            assert_eq!(feed(&mut delay, std::iter::repeat_n(160, 1_000), is_quiet), 0);
            let rest = delay.in_force() - 160;
            assert!((MARGIN..=MARGIN + DEADBAND + 8).contains(&rest), "{is_quiet}: {rest}");
        }
    }

    #[test]
    fn it_grows_with_jitter_and_shrinks_after_it() {
        let mut delay = Delay::new(0);
        feed(&mut delay, jitter(800, 500), false);
        let late = feed(&mut delay, jitter(800, 2_000), false);
        assert!(late <= 2_000 / 20, "{late} of 2000 too late");
        assert!((700..=1_000).contains(&delay.in_force()), "{}", delay.in_force());
        feed(&mut delay, jitter(16, 6_000), false);
        assert!(delay.in_force() < 160, "{}", delay.in_force());
    }

    #[test]
    fn one_straggler_changes_little_and_a_longer_way_all_at_once() {
        let mut delay = Delay::new(0);
        feed(&mut delay, std::iter::repeat_n(0, 500), false);
        let before = delay.in_force();
        feed(&mut delay, [1_200].into_iter(), false);
        assert!(delay.in_force() <= before + AFTER_A_BREAK);
        let late = feed(&mut delay, std::iter::repeat_n(1_200, 100), false);
        assert!(late <= 2, "{late} too late");
    }

    #[test]
    fn a_sender_that_stood_still_is_heard_at_once_again() {
        for pause in [1_000, 2_000, 2_500, 3_100] {
            let mut delay = Delay::new(0);
            feed(&mut delay, std::iter::repeat_n(0, 500), false);
            let late = feed(&mut delay, std::iter::repeat_n(pause, 100), false);
            assert!(late <= 2, "{late} too late after {pause} samples");
        }
    }

    #[test]
    fn it_follows_a_drifting_clock_for_hours_both_ways() {
        for drift in [-1, 1] {
            let mut delay = Delay::new(0);
            // 200 ppm: 32 samples in 1000 packets of 20 ms, for two hours.
            let late = feed(&mut delay, (0..360_000).map(|at| drift * at * 32 / 1_000), false);
            assert!(late < 360, "{drift}: {late} too late");
            let behind = delay.in_force() - drift * 359_999 * 32 / 1_000;
            assert!((0..=200).contains(&behind), "{drift}: {behind}");
        }
    }

    #[test]
    fn it_is_never_longer_than_its_limit() {
        let mut delay = Delay::new(0);
        feed(&mut delay, jitter(8_000, 5_000), true);
        assert!(delay.in_force() <= MAX_DELAY + 100, "{}", delay.in_force());
    }
}
