//! How a stream's losses lie: in bursts, or one by one in the gaps between (RFC 3611 §4.7.2).
//!
//! The counting is that of its appendix A.2: a burst ends where [`crate::rtcp`]'s 16 packets in a
//! row have come.

use crate::rtcp::GMIN;

/// Counts transitions between what came and what did not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Gaps {
    /// Packets that came in a row until now.
    row: u64,
    /// Losses of the burst at hand; 1 is not a burst yet.
    losses: u64,
    /// Came after came, in a gap.
    kept_in_gap: u64,
    /// A single loss, in a gap.
    lost_in_gap: u64,
    /// A gap ended: a burst, or a single loss, began.
    gaps_ended: u64,
    /// Came after came, in a burst.
    kept_in_burst: u64,
    /// Lost after it came, in a burst.
    turns: u64,
    /// Lost after lost, in a burst.
    lost_in_burst: u64,
}

/// What is told of bursts and gaps: densities in 256ths, mean lengths in packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) burst_density: u8,
    pub(crate) gap_density: u8,
    pub(crate) burst_packets: u64,
    pub(crate) gap_packets: u64,
}

impl Gaps {
    /// A packet came, before which `skipped` did not.
    pub(crate) const fn handle_packet(&mut self, skipped: u16) {
        if skipped > 0 {
            self.lose(skipped as u64);
        }
        self.row += 1;
    }

    const fn lose(&mut self, count: u64) {
        if self.row >= GMIN as u64 {
            if self.losses == 1 {
                self.lost_in_gap += 1;
            } else {
                self.gaps_ended += 1;
            }
            self.losses = 1;
            self.kept_in_gap += self.row;
        } else if self.row == 0 {
            self.losses += 1;
            self.lost_in_burst += 1;
        } else {
            self.losses += 1;
            self.turns += 1;
            self.kept_in_burst += self.row - 1;
        }
        // The others follow it without one that came between.
        self.losses += count - 1;
        self.lost_in_burst += count - 1;
        self.row = 0;
    }

    /// The figures so far.
    pub(crate) fn figures(&self) -> Figures {
        // A stream that is whole until now is one gap.
        let kept = self.kept_in_gap + if self.row >= u64::from(GMIN) { self.row } else { 0 };
        let in_gap = kept + self.lost_in_gap;
        let gap_density = share(self.lost_in_gap, in_gap);
        let gaps = self.gaps_ended;
        if gaps == 0 {
            return Figures { gap_density, gap_packets: in_gap, ..Figures::default() };
        }
        // Each burst that began has ended or will; each turn within one was followed by another.
        let (out_of_loss, stays) = (self.gaps_ended + self.turns + self.lost_in_burst, self.turns);
        let p32 = ratio(stays, out_of_loss);
        let p23 = match self.turns + self.kept_in_burst {
            0 => 1.0,
            came => 1.0 - ratio(self.kept_in_burst, came),
        };
        let burst_density = (256.0 * p23 / (p23 + p32)).min(255.0) as u8;
        let all = in_gap + 2 * self.gaps_ended + self.kept_in_burst;
        let all = all + 2 * self.turns + self.lost_in_burst;
        let gap_packets = (in_gap + self.gaps_ended) / gaps;
        let burst_packets = (all / gaps).saturating_sub(gap_packets);
        Figures { burst_density, gap_density, burst_packets, gap_packets }
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn share(part: u64, whole: u64) -> u8 {
    (256.0 * ratio(part, whole)).min(255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a stream in which `x` did not come.
    fn figures(stream: &str) -> Figures {
        let mut gaps = Gaps::default();
        let mut skipped = 0;
        for fate in stream.chars() {
            match fate {
                'x' => skipped += 1,
                _ => {
                    gaps.handle_packet(skipped);
                    skipped = 0;
                }
            }
        }
        gaps.figures()
    }

    #[test]
    fn a_whole_stream_has_no_burst() {
        let found = figures(&".".repeat(500));
        assert_eq!(found, Figures { gap_packets: 500, ..Figures::default() });
    }

    #[test]
    fn losses_far_apart_are_a_thin_gap() {
        let found = figures(&format!("{}x", ".".repeat(99)).repeat(10));
        // One in a hundred: 2.56 of 256.
        assert!((2..=3).contains(&found.gap_density), "{found:?}");
        assert!(found.burst_packets <= 1, "{found:?}");
    }

    #[test]
    fn losses_close_together_are_a_dense_burst() {
        let found = figures(&format!("{}xx.xx.xx", ".".repeat(100)).repeat(20));
        assert_eq!(found.gap_density, 0, "{found:?}");
        // Six of eight.
        assert!((170..=215).contains(&found.burst_density), "{found:?}");
        assert!((6..=10).contains(&found.burst_packets), "{found:?}");
        assert!((95..=105).contains(&found.gap_packets), "{found:?}");
    }

    #[test]
    fn a_long_hole_is_counted_at_once_as_one_by_one() {
        let mut at_once = Gaps::default();
        (0..40).for_each(|_| at_once.handle_packet(0));
        at_once.handle_packet(3_000);
        let mut singly = Gaps::default();
        (0..40).for_each(|_| singly.handle_packet(0));
        (0..3_000).for_each(|_| singly.lose(1));
        singly.handle_packet(0);
        assert_eq!(at_once, singly);
    }
}
