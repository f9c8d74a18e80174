//! How long until the next report (RFC 3550 §6.2, §6.3.1): random, so that legs which began
//! together do not report together.

use std::time::Duration;

/// The least mean interval of a leg, in microseconds: 360 over the session's bandwidth in kilobits
/// a second, as §6.2 allows. G.711 of 20 ms has 80 kbit/s with its headers, hence 4.5 s and not 5.
const LEAST_MEAN_US: u64 = 360 * 1_000_000 / SESSION_KBITS;
/// Of one voice, headers included.
const SESSION_KBITS: u64 = 80;
/// What RTCP may have of it, in bytes a second: 5 %.
const SHARE_BYTES: u64 = SESSION_KBITS * 1000 / 8 / 20;
/// Who takes part: the phone and we, both sending or not.
const MEMBERS: u64 = 2;
/// What IP and UDP add to a packet, in bytes: they count (§6.2).
const IP_UDP_BYTES: u64 = 28;
/// Of which size packets are thought to be before any is known, in bytes.
const FIRST_SIZE: u64 = 120;
/// `e - 3/2` in hundred-thousandths: makes up for what the reconsideration of a group shortens
/// (§6.3.1); two parties that follow the same rule keep to it.
const COMPENSATION: u64 = 121_828;

/// The intervals of one leg. Chance follows from the seed alone.
#[derive(Debug, Clone)]
pub struct Interval {
    state: u64,
    /// The mean size of packets sent and received, in sixteenths of a byte (§6.3.3).
    mean_size: u64,
    is_first: bool,
}

impl Interval {
    /// With that seed.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed, mean_size: FIRST_SIZE * 16, is_first: true }
    }

    /// A packet of that many bytes was sent or received.
    pub const fn handle_packet(&mut self, bytes: usize) {
        let bytes = bytes as u64 + IP_UDP_BYTES;
        self.mean_size = self.mean_size - self.mean_size / 16 + bytes;
    }

    /// The time from now to the next report: half as long at most for the first one.
    pub fn next_interval(&mut self) -> Duration {
        let by_size = MEMBERS * self.mean_size * 1_000_000 / 16 / SHARE_BYTES;
        let least = if self.is_first { LEAST_MEAN_US / 2 } else { LEAST_MEAN_US };
        self.is_first = false;
        let mean = by_size.max(least);
        // From half to one and a half of it.
        let chosen = mean / 2 + self.chance() % (mean + 1);
        Duration::from_micros(chosen * 100_000 / COMPENSATION)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    pub(crate) const fn chance(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_spread_around_the_least_mean() {
        let mut interval = Interval::new(7);
        let first = interval.next_interval().as_micros();
        // 2.25 s, times 0.5 to 1.5, over 1.21828.
        assert!((923_000..=2_771_000).contains(&first), "{first}");
        let chosen: Vec<u128> = (0..2_000).map(|_| interval.next_interval().as_micros()).collect();
        let (least, most) = (chosen.iter().min(), chosen.iter().max());
        assert!(least.is_some_and(|least| (1_846_000..1_900_000).contains(least)), "{least:?}");
        assert!(most.is_some_and(|most| (5_480_000..=5_541_000).contains(most)), "{most:?}");
        let mean = chosen.iter().sum::<u128>() / 2_000;
        assert!((3_600_000..3_800_000).contains(&mean), "{mean}");
    }

    #[test]
    fn the_same_seed_gives_the_same_intervals_and_another_seed_others() {
        let chosen = |seed| {
            let mut interval = Interval::new(seed);
            (0..20).map(|_| interval.next_interval()).collect::<Vec<_>>()
        };
        assert_eq!(chosen(1), chosen(1));
        assert_ne!(chosen(1), chosen(2));
    }

    #[test]
    fn large_packets_come_more_seldom() {
        let mut interval = Interval::new(3);
        for _ in 0..200 {
            interval.handle_packet(1_472);
        }
        let mean = (0..500).map(|_| interval.next_interval().as_micros()).sum::<u128>() / 500;
        // Two members, 1,500 bytes each, share 500 bytes a second: 6 s, over 1.21828.
        assert!((4_700_000..5_150_000).contains(&mean), "{mean}");
    }
}
