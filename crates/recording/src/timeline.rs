//! Two voices on one clock: packets of both legs in, interleaved stereo frames out.
//!
//! Frame `n` of a recording is what was heard `n / 8000` seconds after its start on the engine's
//! monotonic clock, on both channels. Each leg is placed by its own RTP timestamps, anchored to
//! that clock by when its packets arrive (`stream.rs`); frames leave when they are [`HORIZON_MS`]
//! old, so that late and reordered packets still find their place. The memory is bounded: one
//! ring a side, one block for what is emitted.

use model::Mono;

use crate::stream::{Counts, Stream};
use crate::wav::{MAX_FRAMES, RATE};

/// How long a frame waits for late packets before it is emitted, in milliseconds.
pub const HORIZON_MS: u64 = 400;
/// Frames in a block: 20 ms.
pub const BLOCK: usize = 160;

/// The most voices of one channel at a time.
pub const MAX_VOICES: usize = 16;

/// Nanoseconds a sample lasts.
const SAMPLE_NANOS: u64 = 1_000_000_000 / RATE as u64;
/// [`HORIZON_MS`] in samples.
pub(crate) const HORIZON: u64 = HORIZON_MS * RATE as u64 / 1_000;

/// Whose voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one who called in: the left channel.
    Caller,
    /// The agent: the right channel.
    Agent,
}

/// One packet of audio, decoded.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// When it arrived.
    pub arrived: Mono,
    /// RTP: the source.
    pub ssrc: u32,
    /// RTP: the sequence number.
    pub sequence: u16,
    /// RTP: the timestamp of the first sample, 8,000 a second.
    pub timestamp: u32,
    /// At most [`crate::MAX_PACKET`]; what is more is ignored.
    pub samples: &'a [i16],
}

/// The timeline of one recording.
///
/// After each input, drain [`Timeline::poll_output`]: packets that lie further ahead than the
/// ring is long are dropped (and counted).
#[derive(Debug)]
pub struct Timeline {
    start: Mono,
    now: Mono,
    /// Frames emitted so far.
    emitted: u64,
    /// How many frames it will have, once that is known.
    length: Option<u64>,
    caller: Vec<Stream>,
    agent: Vec<Stream>,
    block: [i16; 2 * BLOCK],
}

impl Timeline {
    /// A recording whose frame 0 is at `start`.
    pub fn new(start: Mono) -> Self {
        Self {
            start,
            now: start,
            emitted: 0,
            length: None,
            caller: vec![Stream::new()],
            agent: vec![Stream::new()],
            block: [0; 2 * BLOCK],
        }
    }

    /// A packet came. Its arrival also moves the clock: never back.
    ///
    /// What arrived before the start or after the end is not part of the recording.
    pub fn handle_packet(&mut self, side: Side, packet: &Packet<'_>) {
        self.handle_voice(side, 0, packet);
    }

    /// A packet came of one of several voices on one channel: they are summed. A voice keeps its
    /// number while it is heard; then another may have it. Numbers from [`MAX_VOICES`] on are
    /// ignored.
    pub fn handle_voice(&mut self, side: Side, voice: u8, packet: &Packet<'_>) {
        let voice = usize::from(voice);
        if voice >= MAX_VOICES {
            return;
        }
        if packet.arrived < self.start || self.length.is_some() {
            return;
        }
        self.now = self.now.max(packet.arrived);
        let (arrived, emitted) = (self.position(packet.arrived), self.emitted);
        let voices = match side {
            Side::Caller => &mut self.caller,
            Side::Agent => &mut self.agent,
        };
        if voices.len() <= voice {
            voices.resize_with(voice + 1, Stream::new);
        }
        voices[voice].handle_packet(packet, arrived, emitted);
    }

    /// The clock moves to `now`, and no packet that arrived earlier is still to be handed in.
    pub fn handle_timeout(&mut self, now: Mono) {
        self.now = self.now.max(now);
    }

    /// The recording ends at `at`: everything up to there can be emitted now.
    pub fn finish(&mut self, at: Mono) {
        if self.length.is_none() {
            let length = self.position(at).max(self.emitted).min(MAX_FRAMES);
            self.length = Some(length);
        }
    }

    /// The next frames, interleaved (caller, agent): a whole [`BLOCK`], at the end also less.
    pub fn poll_output(&mut self) -> Option<&[i16]> {
        let due = match self.length {
            Some(length) => length,
            None => self.position(self.now).saturating_sub(HORIZON).min(MAX_FRAMES),
        };
        let frames = (due.saturating_sub(self.emitted)).min(BLOCK as u64) as usize;
        if frames == 0 || (frames < BLOCK && self.length.is_none()) {
            return None;
        }
        let block = &mut self.block[..2 * frames];
        block.fill(0);
        for (channel, voices) in [&mut self.caller, &mut self.agent].into_iter().enumerate() {
            for voice in voices {
                voice.read(block, channel);
            }
        }
        self.emitted += frames as u64;
        Some(&self.block[..2 * frames])
    }

    /// When the next block is due.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        match self.length {
            Some(_) => None,
            None if self.emitted >= MAX_FRAMES => None,
            None => {
                let frames = self.emitted + BLOCK as u64 + HORIZON;
                Some((Mono(self.start.0 + frames * SAMPLE_NANOS), "a block is due"))
            }
        }
    }

    /// Frames emitted so far.
    pub fn frames(&self) -> u64 {
        self.emitted
    }

    /// Whether everything was emitted: after [`Timeline::finish`], or at [`MAX_FRAMES`].
    pub fn is_complete(&self) -> bool {
        self.emitted >= self.length.unwrap_or(MAX_FRAMES)
    }

    /// What became of a side's packets, over all its voices.
    pub fn counts(&self, side: Side) -> Counts {
        let voices = match side {
            Side::Caller => &self.caller,
            Side::Agent => &self.agent,
        };
        let none = Counts::default();
        voices.iter().map(Stream::counts).fold(none, |all, voice| Counts {
            packets: all.packets + voice.packets,
            missed: all.missed + voice.missed,
            anchors: all.anchors + voice.anchors,
            corrected: all.corrected + voice.corrected,
            concealed: all.concealed + voice.concealed,
        })
    }

    /// The frame at a time.
    fn position(&self, at: Mono) -> u64 {
        at.0.saturating_sub(self.start.0) / SAMPLE_NANOS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(arrived: Mono, sequence: u16, samples: &[i16]) -> Packet<'_> {
        let timestamp = u32::from(sequence) * 160;
        Packet { arrived, ssrc: 1, sequence, timestamp, samples }
    }

    fn drain(timeline: &mut Timeline) -> Vec<i16> {
        let mut all = Vec::new();
        while let Some(frames) = timeline.poll_output() {
            all.extend_from_slice(frames);
        }
        all
    }

    #[test]
    fn each_voice_is_on_its_own_channel() {
        let mut timeline = Timeline::new(Mono::from_ms(1_000));
        for n in 0..10_u16 {
            let arrived = Mono::from_ms(1_020 + 20 * u64::from(n));
            timeline.handle_packet(Side::Caller, &packet(arrived, n, &[100; 160]));
            timeline.handle_packet(Side::Agent, &packet(arrived, n + 7, &[-200; 160]));
        }
        timeline.finish(Mono::from_ms(1_200));
        let frames = drain(&mut timeline);
        assert_eq!(frames.len(), 2 * 1_600);
        assert!(frames.chunks(2).all(|frame| frame == [100, -200]));
        assert!(timeline.is_complete());
    }

    #[test]
    fn voices_of_one_channel_are_summed_and_change_while_it_runs() {
        let mut timeline = Timeline::new(Mono::from_ms(0));
        for n in 0..30_u16 {
            let arrived = Mono::from_ms(20 + 20 * u64::from(n));
            timeline.handle_packet(Side::Caller, &packet(arrived, n, &[1_000; 160]));
            // The agent all the time, an expert in the middle, another in his place at the end.
            timeline.handle_voice(Side::Agent, 0, &packet(arrived, n, &[100; 160]));
            if (10..20).contains(&n) {
                timeline.handle_voice(Side::Agent, 1, &packet(arrived, n, &[20_000; 160]));
                timeline.handle_voice(Side::Agent, 2, &packet(arrived, n, &[20_000; 160]));
            } else if n >= 20 {
                let other = Packet { ssrc: 7, ..packet(arrived, n + 500, &[-30; 160]) };
                timeline.handle_voice(Side::Agent, 1, &other);
            }
            timeline.handle_voice(Side::Agent, MAX_VOICES as u8, &packet(arrived, n, &[9; 160]));
        }
        timeline.finish(Mono::from_ms(600));
        let frames = drain(&mut timeline);
        assert!(frames.iter().step_by(2).all(|customer| *customer == 1_000));
        let agents: Vec<i16> = frames.iter().skip(1).step_by(2).copied().collect();
        let wanted = |at: usize| [100, i16::MAX, 70][at / 1_600];
        assert!((0..4_800).all(|at| agents[at] == wanted(at)), "they lie where they were heard");
        assert_eq!(timeline.counts(Side::Agent).packets, 30 + 10 + 10 + 10);
    }

    #[test]
    fn nothing_leaves_before_the_horizon_and_all_of_it_after() {
        let mut timeline = Timeline::new(Mono::from_ms(0));
        timeline.handle_packet(Side::Caller, &packet(Mono::from_ms(20), 0, &[5; 160]));
        timeline.handle_timeout(Mono::from_ms(419));
        assert!(timeline.poll_output().is_none());
        assert_eq!(timeline.poll_timeout().map(|due| due.0), Some(Mono::from_ms(420)));
        timeline.handle_timeout(Mono::from_ms(420));
        assert_eq!(timeline.poll_output().map(<[i16]>::len), Some(320));
        assert!(timeline.poll_output().is_none());
    }

    #[test]
    fn a_recording_without_any_packet_is_silence_of_its_length() {
        let mut timeline = Timeline::new(Mono::from_ms(50));
        timeline.finish(Mono::from_ms(1_057));
        let frames = drain(&mut timeline);
        assert_eq!(frames.len(), 2 * 8_056);
        assert!(frames.iter().all(|sample| *sample == 0));
        assert_eq!(timeline.frames(), 8_056);
    }

    /// A voice of packets of 20 ms of which some do not come, or come last of all; what is taped.
    fn taped_without(voice: &[i16], lost: &[usize], late: &[usize]) -> (Vec<i16>, u64) {
        let mut timeline = Timeline::new(Mono::from_ms(0));
        let all = voice.len() / 160;
        let handed = |timeline: &mut Timeline, n: usize, arrived| {
            let samples = &voice[n * 160..][..160];
            timeline.handle_packet(Side::Caller, &packet(arrived, n as u16, samples));
        };
        let at = |n: usize| Mono::from_ms(20 + 20 * n as u64);
        for n in (0..all).filter(|n| !lost.contains(n) && !late.contains(n)) {
            handed(&mut timeline, n, at(n));
        }
        late.iter().for_each(|n| handed(&mut timeline, *n, at(all)));
        timeline.finish(at(all - 1));
        let left = drain(&mut timeline).iter().step_by(2).copied().collect();
        (left, timeline.counts(Side::Caller).concealed)
    }

    #[test]
    fn what_was_lost_is_made_up_of_what_was_heard_before_it_and_fades() {
        let voice = media::tone::sine(125.0, 10_000, 20 * 160);
        let (whole, none) = taped_without(&voice, &[], &[]);
        assert_eq!((&whole, none), (&voice, 0));
        let (taped, concealed) = taped_without(&voice, &[6], &[]);
        assert_eq!((taped.len(), concealed), (voice.len(), 160));
        let strays = |range: std::ops::Range<usize>, most: u16| {
            taped[range.clone()].iter().zip(&voice[range]).all(|(a, b)| a.abs_diff(*b) <= most)
        };
        assert!(strays(0..6 * 160, 0) && strays(7 * 160 + 40..20 * 160, 0), "nothing else changes");
        assert!(strays(6 * 160..6 * 160 + 80, 1_500), "it goes on as it was");
        // Five in a row: 60 ms are made up, the rest is silence.
        let (taped, concealed) = taped_without(&voice, &[6, 7, 8, 9, 10], &[]);
        assert_eq!(concealed, 480);
        assert!(taped[9 * 160..11 * 160].iter().all(|sample| *sample == 0));
        assert!(taped[11 * 160..12 * 160].iter().any(|sample| *sample > 9_000));
    }

    #[test]
    fn what_comes_in_another_order_is_not_made_up() {
        let voice = media::tone::sine(125.0, 10_000, 18 * 160);
        assert_eq!(taped_without(&voice, &[], &[6, 3, 12]), (voice, 0));
    }

    #[test]
    fn what_was_not_sent_is_silence() {
        let mut timeline = Timeline::new(Mono::from_ms(0));
        let voice = media::tone::sine(125.0, 10_000, 160);
        // Silence suppressed for 40 ms after the third: the numbers go on, the time has gone.
        for (n, late) in [(0, 0), (1, 0), (2, 0), (3, 2), (4, 2)] {
            let arrived = Mono::from_ms(20 + 20 * (n + late));
            let timestamp = 160 * (n + late) as u32;
            let spoken = Packet { timestamp, ..packet(arrived, n as u16, &voice) };
            timeline.handle_packet(Side::Caller, &spoken);
        }
        timeline.finish(Mono::from_ms(140));
        let left: Vec<i16> = drain(&mut timeline).iter().step_by(2).copied().collect();
        assert!(left[3 * 160..5 * 160].iter().all(|sample| *sample == 0));
        assert_eq!(left[5 * 160..], [&voice[..], &voice[..]].concat());
        assert_eq!(timeline.counts(Side::Caller).concealed, 0);
    }

    #[test]
    fn what_came_before_the_start_is_not_taped() {
        let mut timeline = Timeline::new(Mono::from_ms(1_000));
        timeline.handle_packet(Side::Agent, &packet(Mono::from_ms(990), 0, &[9; 160]));
        timeline.finish(Mono::from_ms(1_100));
        assert!(drain(&mut timeline).iter().all(|sample| *sample == 0));
    }
}
