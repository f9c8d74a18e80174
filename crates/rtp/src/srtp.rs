//! SRTP and SRTCP (RFC 3711): packets encrypted and authenticated in place, without allocation.
//!
//! AES-128 in counter mode with HMAC-SHA1, the only transform that every phone has, and AES in
//! Galois/counter mode (RFC 7714), which browsers prefer. There is no MKI, and no key is derived
//! again: a leg's keys live as long as its description says.

mod gcm;
mod session;
mod transform;
mod window;

use std::fmt;

use sdp::{MasterKey, Suite};

pub(crate) use session::mac_of;
pub use transform::{Master, Profile};

use crate::HEADER_BYTES;
use transform::Transform;
use window::Window;

/// The bytes that a protected packet is longer than the plain one, at most: a report's tag, flag
/// and index.
pub const MAX_GROWTH: usize = gcm::TAG_BYTES + INDEX_BYTES;

/// Sources of one direction whose packets are told apart; beyond it the one that was silent for
/// longest is forgotten, and what it sent may be sent again. Phones have one, and some another one
/// after each hold.
const MAX_SOURCES: usize = 16;
/// Tags of RTCP have that length in every suite of RFC 3711 (RFC 4568 §6.2.2).
const REPORT_TAG_BYTES: usize = 10;
/// The flag and the index of a report.
const INDEX_BYTES: usize = 4;
/// The header and the sender of a report: what of it is not encrypted.
const REPORT_HEADER_BYTES: usize = 8;
/// Says that a report is encrypted.
const ENCRYPTED: u32 = 1 << 31;
/// The most packets of one key (RFC 3711 §9.2): 48 bits, and 31 for reports.
const LAST_INDEX: u64 = (1 << 48) - 1;
const LAST_REPORT: u64 = (1 << 31) - 1;

/// Why a packet was not protected, or is not to be believed. Nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No packet, or one that has no room for what it should have.
    Malformed,
    /// Its tag is not that of its bytes.
    Forged,
    /// It was there before, or is too old to be told from one that was.
    Replayed,
    /// The key was used for as many packets as it may be.
    Exhausted,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it is no SRTP packet",
            Self::Forged => "its authentication tag is wrong",
            Self::Replayed => "it was there before",
            Self::Exhausted => "its key was used up",
        })
    }
}

impl std::error::Error for Refused {}

/// What one direction needs: its keys and what it has seen.
#[derive(Debug, Clone)]
struct Direction {
    transform: Transform,
    /// Found by SSRC; the one that was used last is last.
    sources: Vec<Source>,
}

/// The packets of one source.
#[derive(Debug, Clone, Copy)]
struct Source {
    ssrc: u32,
    voice: Window,
    reports: Window,
}

impl Direction {
    fn new(master: &Master) -> Self {
        Self { transform: Transform::new(master), sources: Vec::with_capacity(MAX_SOURCES) }
    }

    /// What was seen of that source.
    fn source(&self, ssrc: u32) -> Source {
        let known = self.sources.iter().rev().find(|source| source.ssrc == ssrc);
        let fresh = Source { ssrc, voice: Window::default(), reports: Window::default() };
        known.copied().unwrap_or(fresh)
    }

    /// So much was seen of that source.
    fn keep(&mut self, source: Source) {
        match self.sources.last_mut() {
            Some(last) if last.ssrc == source.ssrc => *last = source,
            Some(_) | None => {
                self.sources.retain(|other| other.ssrc != source.ssrc);
                if self.sources.len() == MAX_SOURCES {
                    self.sources.remove(0);
                }
                self.sources.push(source);
            }
        }
    }
}

/// Protects what is sent.
#[derive(Debug, Clone)]
pub struct Sender(Direction);

impl Sender {
    /// With the key of our own description.
    pub fn new(suite: Suite, master: &MasterKey) -> Self {
        Self::by(&Master::Counter(suite, *master))
    }

    /// With a master key that came by DTLS.
    pub fn by(master: &Master) -> Self {
        Self(Direction::new(master))
    }

    /// Protects the RTP packet of `length` bytes at the start of `packet`, in place; returns its
    /// new length. A number that was sent before is never used again: two packets under one
    /// number would show what both say.
    ///
    /// # Errors
    /// It is no RTP packet, `packet` has less room than [`MAX_GROWTH`], or its number was used.
    pub fn protect(&mut self, packet: &mut [u8], length: usize) -> Result<usize, Refused> {
        let end = length + self.0.transform.tag_bytes();
        let packet = packet.get_mut(..end).ok_or(Refused::Malformed)?;
        let numbers = numbers(&packet[..length]).ok_or(Refused::Malformed)?;
        let mut source = self.0.source(numbers.ssrc);
        let index = source.voice.index_of(numbers.sequence);
        if !source.voice.is_fresh(index) {
            return Err(Refused::Replayed);
        }
        if index > LAST_INDEX {
            return Err(Refused::Exhausted);
        }
        if !self.0.transform.seal(packet, &numbers, index) {
            return Err(Refused::Malformed);
        }
        source.voice.mark(index);
        self.0.keep(source);
        Ok(end)
    }

    /// A packet that leaves without this protection: its number is never used here any more.
    pub fn pass_over(&mut self, packet: &[u8]) {
        let Some(Numbers { sequence, ssrc, .. }) = numbers(packet) else { return };
        let mut source = self.0.source(ssrc);
        source.voice.mark(source.voice.index_of(sequence));
        self.0.keep(source);
    }

    /// Protects the RTCP packet of `length` bytes at the start of `packet`, in place; returns its
    /// new length.
    ///
    /// # Errors
    /// It is no RTCP packet, or `packet` has less room than [`MAX_GROWTH`].
    pub fn protect_report(&mut self, packet: &mut [u8], length: usize) -> Result<usize, Refused> {
        let end = length + INDEX_BYTES + self.0.transform.report_tag_bytes();
        let packet = packet.get_mut(..end).ok_or(Refused::Malformed)?;
        if length < REPORT_HEADER_BYTES {
            return Err(Refused::Malformed);
        }
        let ssrc = word(packet, 4).ok_or(Refused::Malformed)?;
        let mut source = self.0.source(ssrc);
        let index = source.reports.next();
        if index > LAST_REPORT {
            return Err(Refused::Exhausted);
        }
        if !self.0.transform.seal_report(packet, length, (ssrc, index)) {
            return Err(Refused::Malformed);
        }
        source.reports.mark(index);
        self.0.keep(source);
        Ok(end)
    }
}

/// Reads what comes.
#[derive(Debug, Clone)]
pub struct Receiver(Direction);

impl Receiver {
    /// With the key of the other side's description.
    pub fn new(suite: Suite, master: &MasterKey) -> Self {
        Self::by(&Master::Counter(suite, *master))
    }

    /// With a master key that came by DTLS.
    pub fn by(master: &Master) -> Self {
        Self(Direction::new(master))
    }

    /// Makes an RTP packet plain, in place; returns its new length.
    ///
    /// # Errors
    /// It is not to be believed; neither it nor what is known of its source has changed.
    pub fn unprotect(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let tag_bytes = self.0.transform.tag_bytes();
        let length = packet.len().checked_sub(tag_bytes).ok_or(Refused::Malformed)?;
        let numbers = numbers(&packet[..length]).ok_or(Refused::Malformed)?;
        let mut source = self.0.source(numbers.ssrc);
        let index = source.voice.index_of(numbers.sequence);
        if index > LAST_INDEX || !source.voice.is_fresh(index) {
            return Err(Refused::Replayed);
        }
        if !self.0.transform.open(packet, &numbers, index) {
            return Err(Refused::Forged);
        }
        source.voice.mark(index);
        self.0.keep(source);
        Ok(length)
    }

    /// Makes an RTCP packet plain, in place; returns its new length.
    ///
    /// # Errors
    /// As [`Receiver::unprotect`].
    pub fn unprotect_report(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let behind = INDEX_BYTES + self.0.transform.report_tag_bytes();
        let length = packet.len().checked_sub(behind);
        let length = length.filter(|length| *length >= REPORT_HEADER_BYTES);
        let length = length.ok_or(Refused::Malformed)?;
        let ssrc = word(packet, 4).ok_or(Refused::Malformed)?;
        let flagged = self.0.transform.flagged(packet, length).ok_or(Refused::Malformed)?;
        let index = u64::from(flagged & !ENCRYPTED);
        let mut source = self.0.source(ssrc);
        if !source.reports.is_fresh(index) {
            return Err(Refused::Replayed);
        }
        if !self.0.transform.open_report(packet, length, (ssrc, flagged)) {
            return Err(Refused::Forged);
        }
        source.reports.mark(index);
        self.0.keep(source);
        Ok(length)
    }
}

/// What SRTP has to know of an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbers {
    sequence: u16,
    ssrc: u32,
    /// Where the part that is encrypted begins: behind contributing sources and extension.
    payload: usize,
}

fn numbers(packet: &[u8]) -> Option<Numbers> {
    let header = packet.first_chunk::<HEADER_BYTES>()?;
    if header[0] >> 6 != 2 {
        return None;
    }
    let mut payload = HEADER_BYTES + 4 * usize::from(header[0] & 0x0f);
    if header[0] & 0x10 != 0 {
        let words = word(packet, payload)? & 0xffff;
        payload += 4 + 4 * words as usize;
    }
    let sequence = u16::from_be_bytes([header[2], header[3]]);
    (payload <= packet.len()).then_some(Numbers { sequence, ssrc: word(packet, 8)?, payload })
}

/// The four bytes at that place.
fn word(packet: &[u8], at: usize) -> Option<u32> {
    packet.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests;
