//! One voice, decoded and kept for those who mix it: a playout buffer.
//!
//! Samples lie in a ring at positions counted by the sender's timestamps; nothing is moved when it
//! is read, so any number of listeners read the same voice, each on a beat of its own. They read
//! it [`Delay`] behind the clock, so that packets which come late or in another order find their
//! place; what does not come is concealed ([`Concealment`]). A voice that sends nothing, or
//! silence, is told as such and costs its listeners nothing.

use model::Mono;

use crate::conceal::{Concealment, FADE, HISTORY, fade};
use crate::delay::{Delay, MAX_DELAY};
use crate::holes::Holes;
use crate::mix::SILENT;
use crate::{Codec, FRAME_SAMPLES, SAMPLE_RATE, g711};

/// The most samples of a packet that are taken: what an RTP packet can hold at all.
pub const MAX_PACKET_SAMPLES: usize = rtp::MAX_PACKET_BYTES;

/// Samples the ring holds: more than the delay, a packet, an early packet and a late reader.
const RING: usize = 8_192;
/// A packet that is that much later than it may be, or [`EARLY`] earlier, is of another numbering.
const LATE: i64 = 3_200;
const EARLY: i64 = 2_400;
/// What is missing for longer than this is a pause, not packets that were overtaken.
const PAUSE: i64 = 1_600;
/// Quiet for so many samples, the delay may change without being heard: 40 ms.
const QUIET: i64 = 320;
/// Nanoseconds a sample lasts.
const SAMPLE_NANOS: u64 = 1_000_000_000 / SAMPLE_RATE as u64;

/// One packet of a voice.
#[derive(Debug, Clone, Copy)]
pub struct VoicePacket<'a> {
    /// When it arrived.
    pub arrived: Mono,
    /// RTP: the source.
    pub ssrc: u32,
    /// RTP: the timestamp of the first sample, 8,000 a second.
    pub timestamp: u32,
    /// What the payload is coded in.
    pub codec: Codec,
    /// At most [`MAX_PACKET_SAMPLES`]; what is more is ignored.
    pub payload: &'a [u8],
}

/// What became of a voice's packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlayoutCounts {
    /// All packets.
    pub packets: u64,
    /// Packets that came when their place had been read, or lay far off.
    pub missed: u64,
    /// Samples that were made in place of those that did not come in time.
    pub concealed: u64,
}

#[derive(Debug, Clone, Copy)]
struct Anchor {
    ssrc: u32,
    timestamp: u32,
    /// Where the sample of `timestamp` lies.
    position: i64,
}

/// One voice, decoded. Allocates once, when it is made (16 kB).
#[derive(Debug)]
pub struct Playout {
    ring: Box<[i16; RING]>,
    anchor: Option<Anchor>,
    delay: Delay,
    /// The packet before was far off: another one believes it.
    is_astray: bool,
    /// Up to here the ring is filled, with what came or what conceals.
    filled: i64,
    /// Up to here it has been read by somebody.
    read: i64,
    /// Up to here there is something to hear; after it all is silence.
    sounds: i64,
    /// What is missing before `filled`.
    holes: Holes,
    concealment: Concealment,
    /// Where what conceals the end begins; `None` if what lies before `filled` came.
    made_up: Option<i64>,
    counts: PlayoutCounts,
}

impl Default for Playout {
    fn default() -> Self {
        Self {
            ring: Box::new([0; RING]),
            anchor: None,
            delay: Delay::new(0),
            is_astray: false,
            filled: 0,
            read: 0,
            sounds: 0,
            holes: Holes::default(),
            concealment: Concealment::silent(),
            made_up: None,
            counts: PlayoutCounts::default(),
        }
    }
}

impl Playout {
    /// A packet of the voice came.
    pub fn handle_packet(&mut self, packet: &VoicePacket<'_>) {
        self.counts.packets += 1;
        let length = packet.payload.len().min(MAX_PACKET_SAMPLES);
        let payload = &packet.payload[..length];
        let placed = length > 0 && {
            let start = self.place(packet, position(packet.arrived), length as i64);
            start.is_some_and(|start| self.write(start, packet.codec, payload))
        };
        if !placed {
            self.counts.missed += 1;
        }
    }

    /// The 20 ms that are to be heard from `at` on. False, and `frame` is left as it is, if there
    /// is nothing to hear in them.
    pub fn read(&mut self, at: Mono, frame: &mut [i16; FRAME_SAMPLES]) -> bool {
        if self.anchor.is_none() {
            return false;
        }
        let to = position(at) - self.delay.in_force();
        let from = to - FRAME_SAMPLES as i64;
        while let Some((from, to)) = self.holes.first_before(to) {
            self.conceal_hole(from, to);
        }
        self.conceal_up_to(to);
        self.read = self.read.max(to);
        if from >= self.sounds || from < self.filled - RING as i64 {
            return false;
        }
        let there = (self.filled - from).clamp(0, FRAME_SAMPLES as i64) as usize;
        let at = slot(from);
        let head = there.min(RING - at);
        frame[..head].copy_from_slice(&self.ring[at..at + head]);
        frame[head..there].copy_from_slice(&self.ring[..there - head]);
        frame[there..].fill(0);
        true
    }

    /// What became of the packets so far.
    pub const fn counts(&self) -> PlayoutCounts {
        self.counts
    }

    /// Where the packet's first sample lies; `None` if it is a stray.
    fn place(&mut self, packet: &VoicePacket<'_>, arrived: i64, length: i64) -> Option<i64> {
        let Some(anchor) = self.anchor.as_mut() else {
            self.delay = Delay::new(length);
            self.filled = arrived - length;
            self.read = self.filled;
            self.sounds = self.filled - RING as i64;
            // It begins in the middle of a sound: it is faded in.
            self.made_up = Some(self.filled - 1);
            return Some(self.anchor_at(packet, arrived - length));
        };
        let ahead = packet.timestamp.wrapping_sub(anchor.timestamp) as i32;
        let start = anchor.position + i64::from(ahead);
        let lateness = arrived - start;
        let is_near = (-EARLY..LATE).contains(&(lateness - self.delay.in_force()));
        if anchor.ssrc != packet.ssrc || (!is_near && self.is_astray) {
            // The delay stays as it is, so that nobody's listening jumps.
            return Some(self.anchor_at(packet, arrived - self.delay.lateness_of_anew()));
        }
        self.is_astray = !is_near;
        if !is_near {
            return None;
        }
        if ahead > 0 {
            (anchor.timestamp, anchor.position) = (packet.timestamp, start);
        }
        let is_quiet = self.sounds + QUIET < self.filled.max(self.read);
        self.delay.observe(lateness, is_quiet);
        Some(start)
    }

    fn anchor_at(&mut self, packet: &VoicePacket<'_>, position: i64) -> i64 {
        let (ssrc, timestamp) = (packet.ssrc, packet.timestamp);
        self.anchor = Some(Anchor { ssrc, timestamp, position });
        self.is_astray = false;
        position
    }

    /// Writes what has not been read yet. False if all of it was.
    fn write(&mut self, start: i64, codec: Codec, payload: &[u8]) -> bool {
        let end = start + payload.len() as i64;
        if end <= self.read || end <= self.filled - RING as i64 / 2 {
            return false;
        }
        if start > self.filled {
            self.leave_out(start);
        }
        let from = start.max(self.read);
        // What goes before is made up: no step from it to what came.
        let fades = self.made_up.is_some_and(|made_up| made_up < from && from <= self.filled);
        let mut is_silent = true;
        for at in from..end {
            let mut sample = g711::decode_sample(codec, payload[(at - start) as usize]);
            if fades && at - from < FADE {
                let made = match at < self.filled {
                    true => self.ring[slot(at)],
                    false => self.concealment.next_sample(),
                };
                sample = fade(made, sample, at - from);
            }
            is_silent &= sample.unsigned_abs() <= SILENT;
            self.ring[slot(at)] = sample;
        }
        self.holes.fill(from, end);
        if end > self.filled {
            self.filled = end;
            self.made_up = None;
        }
        if !is_silent {
            self.sounds = self.sounds.max(end);
        }
        true
    }

    /// What comes next begins at `to`: what lies before may still come, or has been a pause.
    fn leave_out(&mut self, to: i64) {
        let is_pause = to - self.filled > PAUSE;
        if is_pause || self.made_up.is_some() {
            self.conceal_up_to(to);
            self.filled = self.filled.max(to - RING as i64);
            for at in self.filled..to {
                self.ring[slot(at)] = 0;
            }
            self.filled = to;
            return;
        }
        if !self.holes.push(self.filled, to)
            && let Some((from, until)) = self.holes.first_before(to)
        {
            self.conceal_hole(from, until);
            self.holes.push(self.filled, to);
        }
        self.filled = to;
    }

    /// Makes up what is missing before `to`, as far as it is more than silence.
    fn conceal_up_to(&mut self, to: i64) {
        if self.filled >= to {
            return;
        }
        if self.made_up.is_none() {
            self.made_up = Some(self.filled);
            self.begin_concealment(self.filled);
        }
        while self.filled < to && !self.concealment.is_over() {
            self.ring[slot(self.filled)] = self.concealment.next_sample();
            self.filled += 1;
            self.counts.concealed += 1;
            self.sounds = self.filled;
        }
    }

    /// Makes up what is missing between two packets.
    fn conceal_hole(&mut self, from: i64, to: i64) {
        self.holes.remove_first();
        if from - (HISTORY as i64) < self.filled - RING as i64 {
            // Nobody read for long: in its place in the ring is what came later.
            return;
        }
        self.begin_concealment(from);
        for at in from..to {
            self.counts.concealed += u64::from(!self.concealment.is_over());
            self.ring[slot(at)] = self.concealment.next_sample();
        }
        for at in to..self.filled.min(to + FADE) {
            let sample = &mut self.ring[slot(at)];
            *sample = fade(self.concealment.next_sample(), *sample, at - to);
        }
    }

    /// What follows goes on with what lies before `at`.
    fn begin_concealment(&mut self, at: i64) {
        if self.sounds <= at - HISTORY as i64 {
            self.concealment = Concealment::silent();
            return;
        }
        let mut history = [0; HISTORY];
        for (sample, at) in history.iter_mut().zip(at - HISTORY as i64..) {
            *sample = self.ring[slot(at)];
        }
        self.concealment.begin(&history);
    }
}

/// A time as a number of samples.
const fn position(at: Mono) -> i64 {
    (at.0 / SAMPLE_NANOS) as i64
}

/// The place of a position in the ring.
const fn slot(position: i64) -> usize {
    position.rem_euclid(RING as i64) as usize
}

const _: () = assert!(
    RING as i64 > MAX_DELAY + LATE + EARLY + MAX_PACKET_SAMPLES as i64 / 2,
    "all that may be waiting finds room"
);

#[cfg(test)]
mod tests;
