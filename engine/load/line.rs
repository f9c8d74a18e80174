//! The line that callers and agents of a load are on: what it loses and delays, on purpose.

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// How bad a line is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Impairment {
    /// Of so many packets of a hundred nothing arrives.
    pub(super) loss_percent: f64,
    /// A packet takes up to so many milliseconds longer, each for itself: they overtake each other.
    pub(super) jitter_ms: u64,
}

/// A packet on its way, and the socket it leaves by.
#[derive(Debug)]
pub(super) struct Delayed {
    pub(super) socket: usize,
    pub(super) to: SocketAddr,
    pub(super) packet: Vec<u8>,
}

/// The line out of all legs. What comes in goes unhindered.
#[derive(Debug)]
pub(super) struct Line {
    impairment: Impairment,
    /// Of Marsaglia's xorshift64: the same in every run.
    chance: u64,
    /// By the tick at which they leave, and in their order.
    delayed: BTreeMap<(u64, u64), Delayed>,
    number: u64,
    /// Packets that were lost here.
    pub(super) dropped: u64,
}

impl Line {
    pub(super) const fn new(impairment: Impairment) -> Self {
        let delayed = BTreeMap::new();
        Self { impairment, chance: 0x9551_2955_1295_5129, delayed, number: 0, dropped: 0 }
    }

    /// A packet of that tick: it comes back if it is to be sent at once.
    pub(super) fn take(&mut self, tick: u64, packet: Delayed) -> Option<Delayed> {
        let Impairment { loss_percent, jitter_ms } = self.impairment;
        if loss_percent > 0.0 && self.part() * 100.0 < loss_percent {
            self.dropped += 1;
            return None;
        }
        let delay = (self.part() * (jitter_ms + 1) as f64) as u64;
        if delay == 0 {
            return Some(packet);
        }
        self.number += 1;
        self.delayed.insert((tick + delay, self.number), packet);
        None
    }

    /// The next packet that leaves at that tick, or should have before.
    pub(super) fn next_due(&mut self, tick: u64) -> Option<Delayed> {
        let entry = self.delayed.first_entry().filter(|entry| entry.key().0 <= tick)?;
        Some(entry.remove())
    }

    /// Whether it hinders anything.
    pub(super) fn is_clean(&self) -> bool {
        self.impairment == Impairment::default()
    }

    /// Anything from 0 to below 1.
    fn part(&mut self) -> f64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u64) -> Delayed {
        let packet = number.to_be_bytes().to_vec();
        Delayed { socket: 0, to: ([127, 0, 0, 1], 9).into(), packet }
    }

    /// When each of so many packets leaves, one a tick.
    fn through(impairment: Impairment, packets: u64) -> (Vec<(u64, u64)>, u64) {
        let (mut line, mut left) = (Line::new(impairment), Vec::new());
        let number = |sent: &Delayed| u64::from_be_bytes(sent.packet[..].try_into().expect("8"));
        for tick in 0..packets + 1_000 {
            let at_once = (tick < packets).then(|| line.take(tick, packet(tick))).flatten();
            left.extend(at_once.iter().map(|sent| (tick, number(sent))));
            while let Some(sent) = line.next_due(tick) {
                left.push((tick, number(&sent)));
            }
        }
        (left, line.dropped)
    }

    #[test]
    fn a_clean_line_hinders_nothing() {
        let (left, dropped) = through(Impairment::default(), 1_000);
        assert_eq!(dropped, 0);
        assert!(left.iter().zip(0..).all(|(left, tick)| *left == (tick, tick)));
        assert!(Line::new(Impairment::default()).is_clean());
    }

    #[test]
    fn a_bad_one_loses_its_share_and_lets_packets_overtake_each_other_within_its_jitter() {
        let bad = Impairment { loss_percent: 5.0, jitter_ms: 40 };
        let (left, dropped) = through(bad, 20_000);
        assert_eq!(left.len() as u64 + dropped, 20_000, "what is not lost arrives, once");
        assert!((900..1_100).contains(&dropped), "{dropped}");
        let delays = || left.iter().map(|(tick, number)| tick - number);
        assert_eq!((delays().min(), delays().max()), (Some(0), Some(40)));
        assert!(left.windows(2).filter(|pair| pair[1].1 < pair[0].1).count() > 5_000);
    }
}
