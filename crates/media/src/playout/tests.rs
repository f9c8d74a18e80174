//! A voice through its playout buffer: on time, late, lost, out of order, drifting, anew.

use super::*;
use crate::compare;
use crate::tone::{sine, voice};

/// A sender, its way and one listener in virtual time.
struct Line {
    playout: Playout,
    heard: Vec<i16>,
    /// When the listener reads next.
    due: Mono,
    silent_frames: usize,
}

const MS: u64 = 1_000_000;
const START: u64 = 5_000 * MS;

impl Line {
    fn new(phase_ms: u64) -> Self {
        let due = Mono(START + phase_ms * MS);
        Self { playout: Playout::default(), heard: Vec::new(), due, silent_frames: 0 }
    }

    /// Time passes: the listener reads what is due.
    fn pass(&mut self, until: Mono) {
        while self.due <= until {
            let mut frame = [0; FRAME_SAMPLES];
            if !self.playout.read(self.due, &mut frame) {
                self.silent_frames += 1;
            }
            self.heard.extend(frame);
            self.due = Mono(self.due.0 + 20 * MS);
        }
    }

    fn send(&mut self, arrived: Mono, ssrc: u32, timestamp: u32, samples: &[i16]) {
        self.pass(arrived);
        let mut payload = vec![0; samples.len()];
        g711::encode(Codec::Pcma, samples, &mut payload);
        let packet =
            VoicePacket { arrived, ssrc, timestamp, codec: Codec::Pcma, payload: &payload };
        self.playout.handle_packet(&packet);
    }

    /// Sends a voice packet by packet; `way` gives each packet's delay in ms, or loses it.
    fn talk(&mut self, spoken: &[i16], length: usize, way: impl Fn(usize) -> Option<u64>) {
        let mut packets: Vec<(Mono, usize)> = (0..spoken.len() / length)
            .filter_map(|at| {
                let left = START + (at as u64 + 1) * length as u64 * SAMPLE_NANOS;
                way(at).map(|ms| (Mono(left + ms * MS), at))
            })
            .collect();
        packets.sort();
        for (arrived, at) in packets {
            let timestamp = 4_000_000_000_u32.wrapping_add((at * length) as u32);
            self.send(arrived, 9, timestamp, &spoken[at * length..][..length]);
        }
        self.pass(Mono(START + spoken.len() as u64 * SAMPLE_NANOS + 300 * MS));
    }
}

fn coded(samples: &[i16]) -> Vec<i16> {
    let once =
        |sample: &i16| g711::decode_sample(Codec::Pcma, g711::encode_sample(Codec::Pcma, *sample));
    samples.iter().map(once).collect()
}

#[test]
fn a_voice_on_time_is_heard_sample_by_sample_whatever_the_beat() {
    let spoken = voice(1, 12_000, 8_000);
    for phase_ms in [0, 3, 19] {
        for length in [80, 160, 240, 480] {
            let mut line = Line::new(phase_ms);
            line.talk(&spoken, length, |_| Some(5));
            let found = compare::find(&coded(&spoken[..1_600]), &line.heard).expect("a voice");
            assert!(found.correlation > 0.98, "{phase_ms} ms, {length}: {found:?}");
            let share = compare::coverage(&coded(&spoken), &line.heard, 160, 0.98);
            assert!(share >= Some(0.95), "{phase_ms} ms, {length}: {share:?}");
            // Behind the speaking: a packet, its way, the first delay and the beat.
            let delay_ms = found.lag as u64 / 8;
            let most = length as u64 / 8 + 5 + 20 + 20;
            assert!(delay_ms <= most, "{phase_ms} ms, {length}: {delay_ms} ms");
            assert_eq!(line.playout.counts().missed, 0);
        }
    }
}

#[test]
fn jitter_and_order_are_not_heard() {
    let spoken = voice(2, 12_000, 32_000);
    let mut line = Line::new(7);
    // Up to 50 ms: packets overtake one another.
    line.talk(&spoken, 160, |at| Some((at as u64 * 7_919) % 51));
    let settled = &spoken[16_000..];
    let share = compare::coverage(settled, &line.heard, 160, 0.98).expect("a voice");
    assert!(share > 0.9, "{share}");
    let counts = line.playout.counts();
    assert!(counts.missed < counts.packets / 10, "{counts:?}");
}

#[test]
fn a_lost_packet_is_concealed_without_a_step() {
    let spoken = sine(160.0, 10_000, 16_000);
    let mut line = Line::new(11);
    line.talk(&spoken, 160, |at| (at % 10 != 9).then_some(3));
    let middle = &line.heard[1_600..14_000];
    let step = middle.windows(2).map(|pair| pair[1].abs_diff(pair[0])).max().unwrap_or(0);
    let natural = coded(&spoken).windows(2).map(|p| p[1].abs_diff(p[0])).max().unwrap_or(0);
    assert!(step <= natural * 2, "{step} where the tone's own is {natural}");
    let quiet = middle.chunks_exact(160).filter(|frame| compare::is_silent(frame)).count();
    assert_eq!(quiet, 0, "what was lost is filled");
    assert!(line.playout.counts().concealed >= 9 * 160);
}

#[test]
fn a_voice_that_ends_fades_and_then_costs_nothing() {
    let mut line = Line::new(0);
    line.talk(&voice(3, 12_000, 1_600), 160, |_| Some(0));
    let before = line.silent_frames;
    let now = line.due;
    line.pass(now + std::time::Duration::from_secs(2));
    assert_eq!(line.silent_frames - before, 101);
    assert!(line.playout.counts().concealed <= 600);
    // And it comes again, with the timestamps of all the time in between.
    let passed = (line.due.0 - START) / SAMPLE_NANOS;
    let timestamp = 4_000_000_000_u32.wrapping_add(passed as u32);
    let again = voice(4, 12_000, 3_200);
    for (at, samples) in again.chunks_exact(160).enumerate() {
        let arrived = Mono(START + (passed + 160 * (at as u64 + 1)) * SAMPLE_NANOS);
        line.send(arrived, 9, timestamp.wrapping_add(160 * at as u32), samples);
    }
    let end = line.due;
    line.pass(end + std::time::Duration::from_millis(100));
    let found = compare::find(&again[160..], &line.heard).expect("it is heard");
    assert!(found.correlation > 0.99, "{found:?}");
}

#[test]
fn silence_that_is_sent_is_told_as_silence() {
    let mut line = Line::new(4);
    line.talk(&[0; 16_000], 160, |_| Some(2));
    assert_eq!(line.silent_frames, line.heard.len() / 160);
    assert_eq!(line.playout.counts().concealed, 0);
}

#[test]
fn another_source_and_another_numbering_go_on_at_once() {
    let mut line = Line::new(0);
    let spoken = voice(5, 12_000, 48_000);
    let kinds = [(1, 500_u32), (2, 4_000_000_000), (2, 77)];
    for (at, samples) in spoken.chunks_exact(160).enumerate() {
        let (ssrc, first) = kinds[at / 100];
        let arrived = Mono(START + (at as u64 + 1) * 20 * MS);
        line.send(arrived, ssrc, first.wrapping_add(160 * at as u32), samples);
    }
    let end = line.due;
    line.pass(end + std::time::Duration::from_millis(100));
    for part in [&spoken[..15_000], &spoken[16_100..31_000], &spoken[32_400..47_000]] {
        let share = compare::coverage(part, &line.heard, 160, 0.98).expect("a voice");
        assert!(share > 0.9, "{share}");
    }
    assert!(line.playout.counts().missed <= 1);
}

#[test]
fn strays_of_another_time_change_nothing() {
    let mut line = Line::new(0);
    let spoken = voice(6, 12_000, 16_000);
    for (at, samples) in spoken.chunks_exact(160).enumerate() {
        let arrived = Mono(START + (at as u64 + 1) * 20 * MS);
        line.send(arrived, 1, 160 * at as u32, samples);
        if at % 10 == 5 {
            line.send(arrived, 1, 4_000_000 + at as u32, &[30_000; 160]);
        }
    }
    let share = compare::coverage(&coded(&spoken[..14_000]), &line.heard, 160, 0.98);
    assert_eq!(share, Some(1.0));
    assert_eq!(line.playout.counts().missed, 10);
}

#[test]
fn odd_packets_and_hours_of_silence_do_no_harm() {
    let mut playout = Playout::default();
    let mut frame = [7; FRAME_SAMPLES];
    assert!(!playout.read(Mono(0), &mut frame));
    assert_eq!(frame, [7; FRAME_SAMPLES], "nothing to hear leaves the frame as it is");
    let mut state = 1_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 33
    };
    let payload = [0x2a; 2_000];
    let mut now = 0;
    for _ in 0..20_000 {
        now += next() % (if next() % 100 == 0 { 3_600_000 * MS } else { 40 * MS });
        let packet = VoicePacket {
            arrived: Mono(now),
            ssrc: (next() % 3) as u32,
            timestamp: (next() % 4 * 0x3fff_ff00 + next() % 20_000) as u32,
            codec: Codec::Pcmu,
            payload: &payload[..next() as usize % 2_000],
        };
        playout.handle_packet(&packet);
        playout.read(Mono(now + next() % (20 * MS)), &mut frame);
    }
    assert_eq!(playout.counts().packets, 20_000);
}

/// In the place of what was lost lies, a turn of the ring later, what is to be heard now.
#[test]
fn what_was_lost_while_nobody_listened_changes_nothing_later() {
    let spoken = voice(3, 12_000, 16_000);
    let mut line = Line::new(1_500);
    // Its place is written again just before the first reading.
    let lost = (12_000 - RING) / 160 - 1;
    line.talk(&spoken, 160, |at| (at != lost).then_some(5));
    let begins = (lost * 160 + RING) / 160 * 160;
    let share = compare::coverage(&coded(&spoken[begins..15_000]), &line.heard, 160, 0.98);
    assert_eq!(share, Some(1.0));
}
