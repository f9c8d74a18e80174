//! Streams that are not as they should be: jumps, restarts, late beginnings, anything at all.

use model::Mono;
use proptest::collection::vec;
use proptest::prelude::*;
use recording::{MAX_PACKET, Packet, Side, Timeline};

fn packet(
    arrived_ms: u64,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    samples: &[i16],
) -> Packet<'_> {
    Packet { arrived: Mono::from_ms(arrived_ms), ssrc, sequence, timestamp, samples }
}

/// Everything that is left, the caller's channel alone, in blocks of 20 ms.
fn blocks(timeline: &mut Timeline) -> Vec<i16> {
    let mut caller = Vec::new();
    while let Some(frames) = timeline.poll_output() {
        caller.extend(frames.chunks(2).map(|frame| frame[0]));
    }
    caller.chunks(160).map(|block| block[80]).collect()
}

/// A stream of numbered packets; each tuple is arrival in ms, sequence, frame of the timestamp.
fn tape(packets: &[(u64, u16, u32)], end_ms: u64) -> Vec<i16> {
    let mut timeline = Timeline::new(Mono(0));
    let mut heard = Vec::new();
    for (number, (arrived, sequence, frame)) in packets.iter().enumerate() {
        let samples = [number as i16 + 1; 160];
        let timestamp = frame.wrapping_mul(160);
        timeline.handle_packet(Side::Caller, &packet(*arrived, 9, *sequence, timestamp, &samples));
        heard.extend(blocks(&mut timeline));
    }
    timeline.finish(Mono::from_ms(end_ms));
    heard.extend(blocks(&mut timeline));
    heard
}

#[test]
fn for_as_long_as_a_lost_packet_was_what_came_before_it_goes_on() {
    let heard = tape(&[(20, 0, 0), (40, 1, 1), (80, 3, 3), (100, 4, 4)], 120);
    assert_eq!(heard, [1, 2, 2, 3, 4, 0]);
}

#[test]
fn reordered_and_doubled_packets_find_their_places() {
    let packets = [(20, 0, 0), (40, 2, 2), (42, 1, 1), (60, 2, 2), (80, 4, 4), (82, 3, 3)];
    // Packet 2 came first with a delay of nothing: its predecessor's place is before it.
    assert_eq!(tape(&packets, 100)[..4], [3, 4, 6, 5]);
}

#[test]
fn a_late_beginning_does_not_delay_what_follows() {
    // The first two packets come 60 ms late, all others in time.
    let mut packets: Vec<(u64, u16, u32)> =
        (0..20).map(|n| (if n < 2 { 80 } else { 20 } + 20 * n, n as u16, n as u32)).collect();
    packets.sort_unstable();
    let mut timeline = Timeline::new(Mono(0));
    for (arrived, sequence, frame) in packets {
        let samples = [sequence as i16 + 1; 160];
        timeline.handle_packet(Side::Caller, &packet(arrived, 1, sequence, frame * 160, &samples));
    }
    timeline.finish(Mono::from_ms(400));
    let heard = blocks(&mut timeline);
    assert_eq!(heard, (1..=20).collect::<Vec<i16>>());
}

#[test]
fn two_seconds_in_which_all_is_late_move_nothing() {
    let mut timeline = Timeline::new(Mono(0));
    for n in 0..1_000_u16 {
        // A busy machine: 10 ms.
        let late = if (300..400).contains(&n) { 10 } else { 0 };
        let (arrived, timestamp) = (20 + 20 * u64::from(n) + late, u32::from(n) * 160);
        timeline.handle_packet(Side::Caller, &packet(arrived, 1, n, timestamp, &[7; 160]));
        blocks(&mut timeline);
    }
    let counts = timeline.counts(Side::Caller);
    assert_eq!((counts.anchors, counts.corrected, counts.missed), (1, 0, 0));
}

#[test]
fn a_jump_of_the_timestamps_moves_nothing() {
    for jump in [1_000_000_u32, u32::MAX - 1_000_000, 1 << 31, 8_000 / 160] {
        let packets: Vec<(u64, u16, u32)> = (0..100)
            .map(|n| {
                let frame = n as u32 + if n < 50 { 0 } else { jump };
                (20 + 20 * n, n as u16, frame)
            })
            .collect();
        assert_eq!(tape(&packets, 2_000), (1..=100).collect::<Vec<i16>>(), "jump {jump}");
    }
}

#[test]
fn a_jump_of_the_sequence_numbers_moves_nothing() {
    for jump in [500_u16, 30_000, 40_000, 65_000] {
        let packets: Vec<(u64, u16, u32)> = (0..100)
            .map(|n| {
                let sequence = (n as u16).wrapping_add(if n < 50 { 0 } else { jump });
                (20 + 20 * n, sequence, n as u32)
            })
            .collect();
        assert_eq!(tape(&packets, 2_000), (1..=100).collect::<Vec<i16>>(), "jump {jump}");
    }
}

#[test]
fn a_stray_of_the_past_is_not_heard_again() {
    let mut packets: Vec<(u64, u16, u32)> =
        (0..100).map(|n| (20 + 20 * n, n as u16, n as u32)).collect();
    packets.insert(60, (1_205, 10, 10));
    let heard = tape(&packets, 2_000);
    assert!(!heard.contains(&61), "{heard:?}");
    assert_eq!(heard.iter().filter(|block| **block != 0).count(), 100);
}

#[test]
fn a_longer_way_is_followed_within_seconds() {
    // After one second everything comes 80 ms later than before.
    let mut timeline = Timeline::new(Mono(0));
    let mut heard = Vec::new();
    for n in 0..500_u16 {
        let arrived = 20 + 20 * u64::from(n) + if n < 50 { 0 } else { 80 };
        let samples = [n as i16 + 1; 160];
        let packet = packet(arrived, 1, n, u32::from(n) * 160, &samples);
        timeline.handle_packet(Side::Caller, &packet);
        heard.extend(blocks(&mut timeline));
    }
    timeline.finish(Mono::from_ms(10_080));
    heard.extend(blocks(&mut timeline));
    let place = |value: i16| heard.iter().position(|block| *block == value);
    assert_eq!(place(50), Some(49));
    assert_eq!(place(500), Some(503));
}

#[test]
fn packets_of_other_lengths_are_taped_alike() {
    for samples in [80_usize, 240, 480, MAX_PACKET] {
        let mut timeline = Timeline::new(Mono(0));
        let mut heard = Vec::new();
        let packets = 16_000 / samples as u32;
        let voice = vec![7; samples];
        for n in 0..packets {
            let timestamp = n * samples as u32;
            let arrived = u64::from(timestamp + samples as u32) / 8;
            let packet = packet(arrived, 1, n as u16, timestamp, &voice);
            timeline.handle_packet(Side::Caller, &packet);
            heard.extend(blocks(&mut timeline));
        }
        timeline.finish(Mono::from_ms(u64::from(packets * samples as u32) / 8));
        heard.extend(blocks(&mut timeline));
        assert!(heard.iter().all(|block| *block == 7), "{samples}: {heard:?}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_the_recording_is_as_long_as_its_time(
        packets in vec((0_u64..300, any::<bool>(), 0_u32..3, any::<u16>(), any::<u32>(),
            0_usize..2_000), 0..200),
        drain in 1_usize..10,
        rest_ms in 0_u64..1_000,
    ) {
        let voice = [1; 2_000];
        let mut timeline = Timeline::new(Mono::from_ms(500));
        let (mut now, mut frames) = (500, 0);
        for (n, (later, is_caller, ssrc, sequence, timestamp, length)) in
            packets.into_iter().enumerate()
        {
            now += later;
            let side = if is_caller { Side::Caller } else { Side::Agent };
            timeline.handle_packet(side, &packet(now, ssrc, sequence, timestamp, &voice[..length]));
            if n % drain == 0 {
                while let Some(block) = timeline.poll_output() {
                    frames += block.len() / 2;
                }
            }
        }
        timeline.finish(Mono::from_ms(now + rest_ms));
        while let Some(block) = timeline.poll_output() {
            frames += block.len() / 2;
        }
        prop_assert_eq!(frames as u64, (now + rest_ms - 500) * 8);
        prop_assert!(timeline.is_complete());
        prop_assert!(timeline.poll_output().is_none());
        let counts = timeline.counts(Side::Caller);
        prop_assert!(counts.missed <= counts.packets);
    }
}
