//! Digits as events in RTP (RFC 4733): received once each, sent so that their loss is survived.

use model::Mono;

use crate::Packet;

/// One key, pressed and let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pressed {
    /// `0`-`9`, `*`, `#`, `A`-`D`.
    pub digit: char,
    /// How long, in milliseconds, as far as it was seen.
    pub duration_ms: u32,
}

/// Puts the packets of events together again.
#[derive(Debug, Clone, Default)]
pub struct Receiver {}

impl Receiver {
    /// Takes in a packet whose payload type is that of digits.
    pub fn handle_packet(&mut self, packet: &Packet<'_>, now: Mono) {
        let _ = (packet, now);
    }

    /// Ends an event whose end was lost.
    pub fn handle_timeout(&mut self, now: Mono) {
        let _ = now;
    }

    /// The next key that was pressed and let go.
    pub fn poll_output(&mut self) -> Option<Pressed> {
        None
    }

    /// When [`Self::handle_timeout`] is due, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        None
    }
}
