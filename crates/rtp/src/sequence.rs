//! What arrives of one stream: extended sequence, loss, order and jitter (RFC 3550 A.1, A.3, A.8).

use model::Mono;

use crate::CLOCK_RATE;
use crate::gaps::Gaps;
use crate::rtcp::ReportBlock;

/// A jump forward beyond which the numbering may have begun anew (RFC 3550 A.1).
const MAX_DROPOUT: u16 = 3000;
/// How far a packet may come behind the newest and still belong (RFC 3550 A.1).
const MAX_MISORDER: u16 = 100;
/// How many numbers behind the newest are remembered, to tell a late packet from a repeated one.
const WINDOW: u32 = u128::BITS;
/// Nanoseconds of one tick.
const TICK_NANOS: u64 = 1_000_000_000 / CLOCK_RATE as u64;

/// What a packet's sequence number says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The newest so far; `skipped` numbers before it have not come yet.
    Newest {
        /// How many.
        skipped: u16,
    },
    /// Behind the newest, for the first time.
    Late,
    /// Seen before.
    Duplicate,
    /// Far off: counting begins anew if the next one follows it, and until then it is not counted.
    Astray,
    /// The second in a row of a numbering that began anew.
    Restarted,
}

/// Follows one stream. Unlike RFC 3550 A.1 it counts from the first packet on: whoever feeds it
/// has already decided that the source is the right one.
#[derive(Debug, Clone, Default)]
pub struct SequenceTracker {
    /// `None` until the first packet.
    numbering: Option<Numbering>,
    /// The number that would make a restart believed.
    astray_next: Option<u16>,
    /// Of numberings that ended: packets that should have come.
    expected_before: u64,
    received: u64,
    bursts: u64,
    late: u64,
    duplicates: u64,
    jitter: Jitter,
    gaps: Gaps,
    /// What was expected and received at the last report.
    reported: (u64, u64),
}

/// One run of sequence numbers, extended by the count of wraps.
#[derive(Debug, Clone, Copy)]
struct Numbering {
    /// Begins at 2^16, so that a packet behind the first one has a number too.
    first: u64,
    newest: u64,
    /// Bit n: the number `newest - n` came.
    seen: u128,
}

impl SequenceTracker {
    /// Takes in one packet.
    pub fn handle_packet(&mut self, sequence: u16, timestamp: u32, now: Mono) -> Arrival {
        let arrival = self.place(sequence);
        match arrival {
            Arrival::Duplicate => self.duplicates += 1,
            Arrival::Astray => {}
            Arrival::Late => {
                self.received += 1;
                self.late += 1;
            }
            Arrival::Newest { .. } | Arrival::Restarted => {
                self.received += 1;
                let skipped = match arrival {
                    Arrival::Newest { skipped } => skipped,
                    _ => 0,
                };
                self.bursts += u64::from(skipped > 0);
                self.gaps.handle_packet(skipped);
                self.jitter.handle_packet(timestamp, now);
            }
        }
        arrival
    }

    fn place(&mut self, sequence: u16) -> Arrival {
        let Some(numbering) = &mut self.numbering else {
            self.numbering = Some(Numbering::starting(sequence));
            return Arrival::Newest { skipped: 0 };
        };
        let ahead = sequence.wrapping_sub(numbering.newest as u16);
        if ahead == 0 {
            return Arrival::Duplicate;
        }
        if ahead < MAX_DROPOUT {
            numbering.newest += u64::from(ahead);
            numbering.seen = numbering.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
            self.astray_next = None;
            return Arrival::Newest { skipped: ahead - 1 };
        }
        let behind = ahead.wrapping_neg();
        if behind <= MAX_MISORDER {
            debug_assert!(u32::from(MAX_MISORDER) < WINDOW);
            let bit = 1 << behind;
            if numbering.seen & bit != 0 {
                return Arrival::Duplicate;
            }
            numbering.seen |= bit;
            numbering.first = numbering.first.min(numbering.newest - u64::from(behind));
            return Arrival::Late;
        }
        if self.astray_next == Some(sequence) {
            self.expected_before += numbering.expected();
            *numbering = Numbering::starting(sequence);
            self.astray_next = None;
            return Arrival::Restarted;
        }
        self.astray_next = Some(sequence.wrapping_add(1));
        Arrival::Astray
    }

    /// The newest sequence number, with the count of its wraps in the upper half.
    pub fn extended_highest(&self) -> u32 {
        self.numbering.map_or(0, |numbering| (numbering.newest - Numbering::BASE) as u32)
    }

    /// How many packets should have come.
    pub fn expected(&self) -> u64 {
        self.expected_before + self.numbering.map_or(0, |numbering| numbering.expected())
    }

    /// How many packets came, duplicates not counted.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// How many did not come.
    pub fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }

    /// In how many runs numbers were skipped, those included that were filled by late packets.
    pub const fn bursts(&self) -> u64 {
        self.bursts
    }

    /// How many came behind a newer one.
    pub const fn late(&self) -> u64 {
        self.late
    }

    /// How many came twice.
    pub const fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Interarrival jitter in ticks of the stream's clock.
    pub const fn jitter(&self) -> u32 {
        self.jitter.sixteenths >> 4
    }

    /// Interarrival jitter in microseconds.
    pub fn jitter_us(&self) -> u32 {
        crate::micros(self.jitter())
    }

    /// How the losses lie; what came behind a newer one is lost here.
    pub(crate) const fn gaps(&self) -> &Gaps {
        &self.gaps
    }

    /// The report on the stream `ssrc` since the last report (RFC 3550 A.3).
    pub fn report(&mut self, ssrc: u32) -> ReportBlock {
        let (expected, received) = (self.expected(), self.received);
        let (expected_then, received_then) = self.reported;
        self.reported = (expected, received);
        let expected_since = expected - expected_then;
        let lost_since = expected_since.saturating_sub(received - received_then);
        let fraction = (lost_since << 8).checked_div(expected_since).unwrap_or(0);
        ReportBlock {
            ssrc,
            fraction_lost: fraction.min(255) as u8,
            lost: self.lost().min(0x7f_ffff) as u32,
            highest: self.extended_highest(),
            jitter: self.jitter(),
            last_report: 0,
            since_last_report: 0,
        }
    }
}

impl Numbering {
    const BASE: u64 = 1 << 16;

    const fn starting(sequence: u16) -> Self {
        let first = Self::BASE + sequence as u64;
        Self { first, newest: first, seen: 1 }
    }

    const fn expected(&self) -> u64 {
        self.newest - self.first + 1
    }
}

/// RFC 3550 A.8, in integers, sixteen times enlarged.
#[derive(Debug, Clone, Default)]
struct Jitter {
    sixteenths: u32,
    /// The last packet's timestamp, and its arrival minus that, in ticks.
    last: Option<(u32, u32)>,
}

impl Jitter {
    fn handle_packet(&mut self, timestamp: u32, now: Mono) {
        let transit = ((now.0 / TICK_NANOS) as u32).wrapping_sub(timestamp);
        if let Some((last_timestamp, last_transit)) = self.last {
            let difference = (transit.wrapping_sub(last_transit) as i32).unsigned_abs();
            // Packets of one digit share a timestamp, and a jump of a second is a new time line:
            // neither says anything about the network.
            if timestamp == last_timestamp {
                return;
            }
            if difference < CLOCK_RATE {
                self.sixteenths += difference;
                self.sixteenths -= (self.sixteenths - difference + 8) >> 4;
            }
        }
        self.last = Some((timestamp, transit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(numbers: impl IntoIterator<Item = u16>) -> (SequenceTracker, Vec<Arrival>) {
        let mut tracker = SequenceTracker::default();
        let arrivals = numbers
            .into_iter()
            .enumerate()
            .map(|(at, number)| {
                let at = at as u64;
                tracker.handle_packet(number, at as u32 * 160, Mono::from_ms(at * 20))
            })
            .collect();
        (tracker, arrivals)
    }

    #[test]
    fn loss_is_what_did_not_come_across_a_wrap() {
        let (tracker, _) = track([65_533, 65_534, 0, 1, 4]);
        assert_eq!((tracker.expected(), tracker.received(), tracker.lost()), (8, 5, 3));
        assert_eq!(tracker.extended_highest(), 0x1_0004);
    }

    #[test]
    fn late_packets_are_not_lost_and_repeated_ones_not_received() {
        let (tracker, arrivals) = track([10, 12, 11, 11, 12, 9]);
        assert_eq!(
            arrivals[1..],
            [
                Arrival::Newest { skipped: 1 },
                Arrival::Late,
                Arrival::Duplicate,
                Arrival::Duplicate,
                Arrival::Late,
            ]
        );
        assert_eq!((tracker.received(), tracker.lost()), (4, 0));
        assert_eq!((tracker.late(), tracker.duplicates()), (2, 2));
    }

    #[test]
    fn a_stray_number_is_ignored_and_two_in_a_row_begin_anew() {
        let (tracker, arrivals) = track([1, 2, 30_000, 3, 40_000, 40_001, 40_002]);
        assert_eq!(
            arrivals[2..6],
            [Arrival::Astray, Arrival::Newest { skipped: 0 }, Arrival::Astray, Arrival::Restarted,]
        );
        assert_eq!((tracker.expected(), tracker.received(), tracker.lost()), (5, 5, 0));
    }

    #[test]
    fn a_report_tells_what_was_lost_since_the_last() {
        let (mut tracker, _) = track([0, 1, 3]);
        let report = tracker.report(5);
        assert_eq!((report.fraction_lost, report.lost, report.highest), (64, 1, 3));
        tracker.handle_packet(4, 0, Mono(0));
        let report = tracker.report(5);
        assert_eq!((report.fraction_lost, report.lost), (0, 1));
        assert_eq!(SequenceTracker::default().report(5).fraction_lost, 0);
    }

    #[test]
    fn jitter_is_zero_for_a_steady_stream_and_settles_at_the_mean_deviation() {
        let (steady, _) = track(0..500);
        assert_eq!(steady.jitter(), 0);
        let mut shaken = SequenceTracker::default();
        for at in 0..2000_u64 {
            let late_ms = if at % 2 == 0 { 0 } else { 5 };
            shaken.handle_packet(at as u16, at as u32 * 160, Mono::from_ms(at * 20 + late_ms));
        }
        // Every difference is 5 ms, 40 ticks.
        assert!((38..=40).contains(&shaken.jitter()), "{}", shaken.jitter());
    }
}
