//! What arrives of one stream: extended sequence, loss, order and jitter (RFC 3550 A.1, A.3, A.8).

use model::Mono;

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

/// Follows one stream.
#[derive(Debug, Clone, Default)]
pub struct SequenceTracker {}

impl SequenceTracker {
    /// Takes in one packet.
    pub fn handle_packet(&mut self, sequence: u16, timestamp: u32, now: Mono) -> Arrival {
        let _ = (sequence, timestamp, now);
        Arrival::Newest { skipped: 0 }
    }

    /// The newest sequence number, with the count of its wraps in the upper half.
    pub const fn extended_highest(&self) -> u32 {
        0
    }

    /// How many packets came, duplicates not counted.
    pub const fn received(&self) -> u64 {
        0
    }

    /// How many did not come.
    pub const fn lost(&self) -> u64 {
        0
    }

    /// How many came behind a newer one.
    pub const fn late(&self) -> u64 {
        0
    }

    /// How many came twice.
    pub const fn duplicates(&self) -> u64 {
        0
    }

    /// Interarrival jitter in ticks of the stream's clock.
    pub const fn jitter(&self) -> u32 {
        0
    }
}
