//! The stream that one receiver hears: one SSRC, one sequence, one time line, whatever its source.

use model::Mono;

use crate::{CLOCK_RATE, Header, Malformed, Packet};

/// A jump of the source's sequence beyond which its numbering began anew (RFC 3550 A.1).
const MAX_DROPOUT: u16 = 3000;
/// How far a packet may come behind the newest and still belong (RFC 3550 A.1).
const MAX_MISORDER: u16 = 100;
/// Nanoseconds of one tick.
const TICK_NANOS: u64 = 1_000_000_000 / CLOCK_RATE as u64;

/// What is being sent, and how its numbers become ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Nothing yet, or the next packet begins a new source.
    None,
    /// Frames made here.
    Own,
    /// Packets of another leg, forwarded.
    Forwarded {
        /// Their stream.
        ssrc: u32,
        /// The newest of their sequence numbers.
        newest: u16,
        /// Ours minus theirs.
        sequence_shift: u16,
        /// Ours minus theirs.
        timestamp_shift: u32,
    },
}

/// The stream that one receiver hears.
///
/// When the source changes, the sequence goes on without a gap, the timestamp goes on by the time
/// that has passed, and the first packet is marked.
#[derive(Debug, Clone)]
pub struct OutStream {
    ssrc: u32,
    source: Source,
    /// The newest sequence number that was sent.
    sequence: u16,
    /// The newest timestamp that was sent.
    timestamp: u32,
    /// When that was.
    sent: Mono,
    /// How many packets were sent.
    packets: u64,
    /// How many bytes of payload.
    payload_bytes: u64,
}
impl OutStream {
    /// A stream whose first packet has these numbers; they are to be random (RFC 3550 §5.1).
    pub const fn new(ssrc: u32, first_sequence: u16, first_timestamp: u32) -> Self {
        Self {
            ssrc,
            source: Source::None,
            sequence: first_sequence.wrapping_sub(1),
            timestamp: first_timestamp,
            sent: Mono(0),
            packets: 0,
            payload_bytes: 0,
        }
    }

    /// The stream's name.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// How many packets were sent.
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// How many bytes of payload were sent.
    pub const fn payload_bytes(&self) -> u64 {
        self.payload_bytes
    }
}

impl OutStream {
    /// The next packet comes from another source, or after a pause: it is marked, and its
    /// timestamp goes on by the time that has passed.
    pub const fn begin_source(&mut self) {
        self.source = Source::None;
    }

    /// The header of the next frame made here, `samples` long, which follows the one before.
    pub fn own(&mut self, payload_type: u8, samples: u32, now: Mono) -> Header {
        let _ = (samples, now);
        Header { payload_type, marker: false, sequence: 0, timestamp: 0, ssrc: self.ssrc }
    }

    /// Makes another leg's packet ours, in place: its loss, order and timing stay as they are.
    ///
    /// # Errors
    /// The datagram is no RTP packet; it is left as it was.
    pub fn forward(
        &mut self,
        datagram: &mut [u8],
        payload_type: u8,
        now: Mono,
    ) -> Result<Header, Malformed> {
        let packet = Packet::parse(datagram)?;
        let header = Header { payload_type, ssrc: self.ssrc, ..packet.header };
        let _ = now;
        header.overwrite(datagram);
        Ok(header)
    }
}
