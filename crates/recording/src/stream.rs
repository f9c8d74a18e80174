//! One leg's samples in order of its own RTP timestamps, anchored to the engine's clock.
//!
//! Samples lie in a ring at positions counted by the sender's timestamps. The reader walks the
//! ring in step with the recording; how far both are apart is the stream's *lead*. A packet says
//! how late it is: the end of its samples by its arrival, less their end by its timestamp. Delay
//! on the way only adds to lateness, so the least lateness of a window shows where the sender's
//! clock is:
//! - within [`DEADBAND`]: fine, that is the noise of schedulers;
//! - up to [`STEP_LIMIT`], for two windows if it is late: the sender's clock drifts; the reader
//!   leaves out or adds one sample a block (0.6 %), where it is heard least, until the difference
//!   is gone;
//! - more: the way became longer or shorter, the sender's timestamps jumped, it is another sender
//!   (SSRC): anchored anew by the arrival.
//!
//! What was lost on the way is made up of what was heard before it, for as long as that can go on
//! unheard ([`Concealment`]: fading, and nothing is left of it after 60 ms); what was not sent, as
//! the sender's sequence numbers tell, is silence. What came twice is written twice to the same
//! place, and what comes too late for its place is counted.

use media::{Concealment, FADE, HISTORY, Holes, fade};

use crate::timeline::{BLOCK, HORIZON, Packet};

/// Lateness, in samples (8 a millisecond), that is not corrected: 4 ms.
pub const DEADBAND: i64 = 32;
/// Lateness, in samples, beyond which a stream is anchored anew rather than corrected gently.
pub const STEP_LIMIT: i64 = 160;
/// The most samples of a packet that are looked at: 200 ms.
pub const MAX_PACKET: usize = 1_600;

/// Samples the ring holds: more than the horizon, a block, the longest packet and a step.
const RING: usize = 8_192;
/// Samples between two looks at the least lateness: 2 s.
const WINDOW: u64 = 16_000;
/// Packets a window must have for its least lateness to mean something.
const WINDOW_PACKETS: u32 = 10;
/// Samples after an anchor during which an earlier packet moves it at once: 500 ms.
const SETTLE: u64 = 4_000;
/// While settling: less than this, in samples, is corrected gently where voice would be cut.
const CUT_LIMIT: i64 = 40;
/// How far back a sequence number may lie and still mean a late packet (RFC 3550, appendix A.1).
const MAX_MISORDER: u16 = 100;
/// What is missing for longer than this, in samples, is not made up: 200 ms, most of them silence.
const MAX_HOLE: i64 = 1_600;
/// Samples that stay in the ring behind the reader, for what goes on after them.
const KEPT: i64 = (HISTORY + BLOCK) as i64;

/// What became of a side's packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All packets.
    pub packets: u64,
    /// Packets that came too late for their place, or lay too far ahead.
    pub missed: u64,
    /// Times the stream was anchored, the first time included.
    pub anchors: u64,
    /// Samples left out or repeated because the sender's clock drifts.
    pub corrected: u64,
    /// Samples that were made up in place of lost ones.
    pub concealed: u64,
}

#[derive(Debug)]
struct Anchor {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// Where the sample of `timestamp` lies.
    position: i64,
    /// When it was anchored, in frames of the recording.
    since: u64,
}

/// The least lateness since a while.
#[derive(Debug, Default)]
struct Window {
    began: u64,
    packets: u32,
    least: i64,
    /// That of the window before.
    before: Option<i64>,
}

/// One side of a recording.
#[derive(Debug)]
pub(crate) struct Stream {
    ring: Box<[i16]>,
    /// Position of the next sample to be read.
    read: i64,
    /// Up to here the ring is empty again.
    cleared: i64,
    /// Up to here something came.
    end: i64,
    /// What was lost, as far as it has not been read.
    holes: Holes,
    anchor: Option<Anchor>,
    window: Window,
    /// Samples by which the voice is still to be moved: later if positive, earlier if negative.
    pending: i64,
    counts: Counts,
}

impl Stream {
    pub(crate) fn new() -> Self {
        Self {
            ring: vec![0; RING].into_boxed_slice(),
            read: 0,
            cleared: -KEPT,
            end: 0,
            holes: Holes::default(),
            anchor: None,
            window: Window::default(),
            pending: 0,
            counts: Counts::default(),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// A packet arrived at frame `arrived` of the recording, of which `emitted` were read.
    pub(crate) fn handle_packet(&mut self, packet: &Packet<'_>, arrived: u64, emitted: u64) {
        let samples = &packet.samples[..packet.samples.len().min(MAX_PACKET)];
        self.counts.packets += 1;
        let by_arrival = arrived as i64 + self.read - emitted as i64 - samples.len() as i64;
        let before = self.anchor.as_ref().filter(|anchor| anchor.ssrc == packet.ssrc);
        let step = before.map_or(0, |before| packet.sequence.wrapping_sub(before.sequence));
        let start = self.place(packet, by_arrival, arrived);
        match start {
            Some(start) if self.write(start, samples) => {
                self.leave_out(start, start + samples.len() as i64, step);
            }
            Some(_) | None => self.counts.missed += 1,
        }
    }

    /// A packet was written there, `step` numbers behind the newest before it.
    fn leave_out(&mut self, start: i64, end: i64, step: u16) {
        self.holes.fill(start, end);
        let is_lost = (2..=MAX_MISORDER).contains(&step);
        if is_lost && (1..=MAX_HOLE).contains(&(start - self.end)) {
            // One too many stays silence.
            self.holes.push(self.end, start);
        }
        self.end = self.end.max(end);
    }

    /// Where the packet's first sample lies; `by_arrival` is where it would lie if it had come
    /// without delay. `None` if it is a stray of the past.
    fn place(&mut self, packet: &Packet<'_>, by_arrival: i64, arrived: u64) -> Option<i64> {
        let Some(anchor) = self.anchor.as_mut().filter(|anchor| anchor.ssrc == packet.ssrc) else {
            return Some(self.anchor_at(packet, by_arrival, arrived));
        };
        let ahead = packet.timestamp.wrapping_sub(anchor.timestamp) as i32;
        let start = anchor.position + i64::from(ahead);
        let late = by_arrival - start;
        let step = packet.sequence.wrapping_sub(anchor.sequence);
        if step == 0 || step > u16::MAX - MAX_MISORDER {
            return (-STEP_LIMIT..=HORIZON as i64).contains(&late).then_some(start);
        }
        let age = arrived.saturating_sub(anchor.since);
        let settling = age < SETTLE;
        if step > u16::MAX / 2 || late > HORIZON as i64 || (!settling && late < -STEP_LIMIT) {
            return Some(self.anchor_at(packet, by_arrival, arrived));
        }
        if settling && late < -(HORIZON as i64) {
            return Some(self.anchor_at(packet, by_arrival, arrived));
        }
        anchor.sequence = packet.sequence;
        anchor.timestamp = packet.timestamp;
        anchor.position = start;
        if settling && late < 0 && (age < HORIZON || late < -CUT_LIMIT) {
            // The first packets were late ones: all that is not read yet was earlier, too.
            self.skip(-late);
            self.observe(0, arrived);
        } else {
            self.observe(late, arrived);
        }
        Some(start)
    }

    /// Anchors the stream at a packet, by its arrival.
    fn anchor_at(&mut self, packet: &Packet<'_>, by_arrival: i64, arrived: u64) -> i64 {
        self.anchor = Some(Anchor {
            ssrc: packet.ssrc,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            position: by_arrival,
            since: arrived,
        });
        self.pending = 0;
        self.window = Window { began: arrived, packets: 1, least: 0, before: None };
        self.counts.anchors += 1;
        by_arrival
    }

    /// Takes a packet's lateness into account.
    fn observe(&mut self, late: i64, arrived: u64) {
        let window = &mut self.window;
        window.least = if window.packets == 0 { late } else { window.least.min(late) };
        window.packets += 1;
        if late < -DEADBAND {
            // Nothing arrives before it was sent: no need to wait for the window's end.
            self.pending = self.pending.min(late);
        }
        if arrived < self.window.began + WINDOW {
            return;
        }
        let Window { least, packets, before, .. } = self.window;
        let is_telling = packets >= WINDOW_PACKETS;
        let known = is_telling.then_some(least);
        self.window = Window { began: arrived, packets: 0, least: 0, before: known };
        if !is_telling || least.abs() <= DEADBAND {
            return;
        }
        if least <= STEP_LIMIT {
            // A machine that is busy for a moment is late as well: two windows have to say so.
            let sure = if least > 0 { before.unwrap_or(0).min(least) } else { least };
            if sure.abs() > DEADBAND {
                self.pending = sure;
                self.window.before = None;
            }
        } else if let Some(anchor) = self.anchor.as_mut() {
            // The way has become longer: what comes from now on is placed later.
            anchor.position += least;
            self.pending = 0;
            self.counts.anchors += 1;
        }
    }

    /// Writes samples at a position, leaving out what was read already. False if nothing is left
    /// or they lie too far ahead.
    fn write(&mut self, start: i64, samples: &[i16]) -> bool {
        let gone = (self.read - start).max(0);
        let end = start + samples.len() as i64;
        if gone >= samples.len() as i64 || end > self.cleared + RING as i64 {
            return false;
        }
        let samples = &samples[gone as usize..];
        let at = slot(start + gone);
        let head = samples.len().min(RING - at);
        self.ring[at..at + head].copy_from_slice(&samples[..head]);
        self.ring[..samples.len() - head].copy_from_slice(&samples[head..]);
        true
    }

    /// Adds to one channel of interleaved `frames` and forgets what was read.
    pub(crate) fn read(&mut self, frames: &mut [i16], channel: usize) {
        let frames = frames.chunks_exact_mut(2);
        // By how many samples this block is longer here than there.
        let more = if frames.len() == BLOCK { -self.pending.signum() } else { 0 };
        let count = (frames.len() as i64 + more) as usize;
        while let Some((from, to)) = self.holes.first_before(self.read + count as i64) {
            self.holes.remove_first();
            self.conceal(from, to);
        }
        let at = slot(self.read);
        let head = count.min(RING - at);
        let samples = self.ring[at..at + head].iter().chain(&self.ring[..count - head]).copied();
        if more == 0 {
            frames.zip(samples).for_each(|(frame, sample)| add(&mut frame[channel], sample));
        } else {
            let mut block = [0; BLOCK + 1];
            block.iter_mut().zip(samples).for_each(|(into, sample)| *into = sample);
            stretch(&mut block, count);
            frames.zip(block).for_each(|(frame, sample)| add(&mut frame[channel], sample));
            self.counts.corrected += 1;
            self.pending += more;
            self.window.least += more;
            self.window.before = self.window.before.map(|least| least + more);
        }
        self.skip(count as i64);
    }

    /// The next samples are behind the reader.
    fn skip(&mut self, samples: i64) {
        self.read += samples;
        let to = self.read - KEPT;
        let count = (to - self.cleared).clamp(0, RING as i64) as usize;
        let at = slot(self.cleared);
        let head = count.min(RING - at);
        self.ring[at..at + head].fill(0);
        self.ring[..count - head].fill(0);
        self.cleared = self.cleared.max(to);
    }

    /// Makes up what is missing between what came before and after it.
    fn conceal(&mut self, from: i64, to: i64) {
        if from - (HISTORY as i64) < self.cleared {
            // It was passed over.
            return;
        }
        let mut history = [0; HISTORY];
        for (sample, at) in history.iter_mut().zip(from - HISTORY as i64..) {
            *sample = self.ring[slot(at)];
        }
        let mut made = Concealment::after(&history);
        for at in from..to {
            self.counts.concealed += u64::from(!made.is_over());
            self.ring[slot(at)] = made.next_sample();
        }
        for at in to..to + FADE {
            let sample = &mut self.ring[slot(at)];
            *sample = fade(made.next_sample(), *sample, at - to);
        }
    }
}

/// Makes a whole block of one that is a sample too long or too short, where that is heard least: a
/// sample is left out between two that are alike, or put between two that are.
fn stretch(block: &mut [i16; BLOCK + 1], count: usize) {
    let apart = |one: usize, other: usize| block[one].abs_diff(block[other]);
    if count > BLOCK {
        let at = (1..BLOCK).min_by_key(|at| apart(at - 1, at + 1)).unwrap_or(1);
        block.copy_within(at + 1.., at);
    } else {
        let at = (1..count).min_by_key(|at| apart(at - 1, *at)).unwrap_or(1);
        let between = i32::midpoint(block[at - 1].into(), block[at].into()) as i16;
        block.copy_within(at..count, at + 1);
        block[at] = between;
    }
}

/// Voices on one channel are summed; what is too loud is cut.
const fn add(sum: &mut i16, sample: i16) {
    *sum = sum.saturating_add(sample);
}

/// The place of a position in the ring.
fn slot(position: i64) -> usize {
    position.rem_euclid(RING as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_made_whole_without_a_step() {
        let voice = media::tone::voice(3, 12_000, 8_000);
        let step = |samples: &[i16]| {
            samples.windows(2).map(|pair| pair[1].abs_diff(pair[0])).max().unwrap_or(0)
        };
        for from in (0..7_800).step_by(160) {
            for count in [BLOCK - 1, BLOCK + 1] {
                let mut block = [0; BLOCK + 1];
                block[..count].copy_from_slice(&voice[from..from + count]);
                stretch(&mut block, count);
                let (block, voice) = (&block[..BLOCK], &voice[from..from + count]);
                assert!(step(block) <= step(voice), "{count} from {from}");
                let same = |(one, other): (&i16, &i16)| one == other;
                let front = block.iter().zip(voice).take_while(|pair| same(*pair)).count();
                let back = block.iter().rev().zip(voice.iter().rev());
                let back = back.take_while(|pair| same(*pair)).count();
                assert!(front + back >= BLOCK - 1, "nothing else changes: {front} {back}");
            }
        }
    }
}
