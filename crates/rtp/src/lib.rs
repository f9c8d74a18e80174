//! RTP and RTCP packets, sequence, RFC 4733 digits, SRTP, and STUN as ICE uses it.
//!
//! Packets are read in place and written into the caller's buffer: nothing here allocates for a
//! packet. [`OutStream`] keeps what a receiver hears one continuous stream while its source
//! changes.

pub mod digits;
mod gaps;
mod out;
mod packet;
mod quality;
pub mod rtcp;
mod sequence;
pub mod srtp;
pub mod stun;

pub use out::OutStream;
pub use packet::{BufferTooSmall, HEADER_BYTES, Header, Malformed, Packet};
pub use quality::{BEST_MOS, Quality, WORST_MOS};
pub use sdp::{MasterKey, Suite};
pub use sequence::{Arrival, SequenceTracker};

/// Ticks a second of telephone voice (RFC 3551 §4.5.14).
pub const CLOCK_RATE: u32 = 8000;

/// The longest packet that is read, in bytes: an Ethernet frame's worth.
pub const MAX_PACKET_BYTES: usize = 1500;

/// Ticks of [`CLOCK_RATE`] in microseconds, as many as fit.
pub fn micros(ticks: u32) -> u32 {
    let micros = u64::from(ticks) * 1_000_000 / u64::from(CLOCK_RATE);
    u32::try_from(micros).unwrap_or(u32::MAX)
}
