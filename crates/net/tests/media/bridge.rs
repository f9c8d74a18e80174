//! Two legs that hear each other.

use std::time::Duration;

use media::{Codec, MediaCommand, MediaEvent, Source, g711, tone};

use crate::stage::{Stage, assert_continuous};
use crate::steady::unhindered;

#[test]
fn what_one_phone_sends_the_other_hears_byte_by_byte() {
    unhindered(|| {
        let mut stage = Stage::new(1);
        let [(a, mut phone_a), (b, mut phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        for n in 0..200_u32 {
            let forth: Vec<u8> = (0..160).map(|at| (n * 7 + at) as u8).collect();
            let back: Vec<u8> = (0..160).map(|at| (n * 11 + 3 * at) as u8).collect();
            phone_a.send(&forth);
            phone_b.send(&back);
            let (at_b, at_a) = (phone_b.hear(), phone_a.hear());
            assert_eq!((at_b.payload, at_a.payload), (forth, back));
            assert_eq!((at_b.header.payload_type, at_a.header.payload_type), (8, 8));
        }
        // The numbers are the engine's, one unbroken stream each.
        let sent = phone_a.header;
        phone_a.send(&[1; 160]);
        let heard = phone_b.hear().header;
        assert_ne!(heard.ssrc, sent.ssrc);
        for (media, lost) in [(&a, 0), (&b, 0)] {
            stage.workers.send(MediaCommand::Close { leg: media.leg }).unwrap();
            let stats = stage.event(|event| match event {
                MediaEvent::Closed { leg, stats, .. } if *leg == media.leg => Some(*stats),
                _ => None,
            });
            assert!(stats.packets_received >= 200 && stats.packets_sent >= 200, "{stats:?}");
            assert_eq!(
                (stats.packets_lost, stats.packets_refused, stats.send_errors),
                (lost, 0, 0)
            );
            assert_eq!(stats.bytes_received, 172 * stats.packets_received);
            assert_eq!(stats.loss_bursts, 0);
            assert!((100..=441).contains(&stats.mos), "{stats:?}");
        }
    });
}

#[test]
fn the_numbers_go_on_as_the_sender_counts_them() {
    unhindered(|| {
        let mut stage = Stage::new(2);
        let [(_, mut phone_a), (_, phone_b)] = stage.bridge(Codec::Pcmu, Codec::Pcmu);
        let mut heard = Vec::new();
        for n in 0..100 {
            phone_a.send(&[n; 160]);
            heard.push(phone_b.hear());
        }
        assert_continuous(&heard);
        assert!(heard.windows(2).all(|pair| {
            pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp) == 160
        }));
        // A packet that was lost on the way to the engine is lost for the receiver, too.
        phone_a.header.sequence = phone_a.header.sequence.wrapping_add(3);
        phone_a.header.timestamp = phone_a.header.timestamp.wrapping_add(480);
        phone_a.send(&[9; 160]);
        let (last, next) = (&heard[99].header, phone_b.hear().header);
        assert_eq!(next.sequence, last.sequence.wrapping_add(4));
        assert_eq!(next.timestamp, last.timestamp.wrapping_add(640));
    });
}

#[test]
fn loss_on_the_way_to_the_engine_is_in_the_legs_score() {
    unhindered(|| {
        let mut stage = Stage::new(10);
        let [(a, mut phone_a), (b, phone_b)] = stage.bridge(Codec::Pcmu, Codec::Pcmu);
        for n in 0..200_u8 {
            // Four in a row of every forty.
            if n % 40 >= 36 {
                phone_a.skip(160);
            } else {
                phone_a.send(&[n; 160]);
                phone_b.hear();
            }
        }
        phone_a.send(&[1; 160]);
        phone_b.hear();
        let close = |leg| {
            stage.workers.send(MediaCommand::Close { leg }).unwrap();
            stage.event(|event| match event {
                MediaEvent::Closed { leg: closed, stats, .. } if *closed == leg => Some(*stats),
                _ => None,
            })
        };
        let (lossy, silent) = (close(a.leg), close(b.leg));
        assert_eq!((lossy.packets_lost, lossy.loss_bursts), (20, 5));
        assert!((100..350).contains(&lossy.mos), "10 % in bursts: {lossy:?}");
        assert_eq!(silent.mos, 0, "nothing came from it");
    });
}

#[test]
fn other_codecs_are_translated() {
    unhindered(|| {
        let mut stage = Stage::new(3);
        let [(_, mut phone_a), (_, mut phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcmu);
        let voice = tone::voice(1, 12_000, 1_600);
        for samples in voice.chunks(160) {
            let sent = phone_a.encode(samples);
            phone_a.send(&sent);
            let heard = phone_b.hear();
            assert_eq!(heard.header.payload_type, 0);
            let mut wanted = sent.clone();
            g711::transcode(Codec::Pcma, Codec::Pcmu, &mut wanted);
            assert_eq!(heard.payload, wanted);

            let sent = phone_b.encode(samples);
            phone_b.send(&sent);
            let heard = phone_a.hear();
            assert_eq!(heard.header.payload_type, 8);
            let mut wanted = sent.clone();
            g711::transcode(Codec::Pcmu, Codec::Pcma, &mut wanted);
            assert_eq!(heard.payload, wanted);
        }
    });
}

#[test]
fn a_payload_type_of_its_own_is_used_for_each_side() {
    unhindered(|| {
        let mut stage = Stage::new(4);
        let [(mut a, mut phone_a), (_, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        a.payload_type = 98;
        stage.set(&a);
        stage.settle();
        phone_a.payload_type = 98;
        phone_a.send(&[3; 160]);
        assert_eq!(phone_b.hear().header.payload_type, 8);
        // What was not agreed on is refused.
        phone_a.send_as(18, &[4; 20]);
        phone_a.send(&[5; 160]);
        assert_eq!(phone_b.hear().payload, [5; 160]);
        stage.settle();
        assert_eq!(stage.workers.counters().refused_content, 1);
    });
}

#[test]
fn a_leg_on_hold_hears_nothing_and_goes_on_afterwards() {
    unhindered(|| {
        let mut stage = Stage::new(5);
        let [(_, mut phone_a), (mut b, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        phone_a.send(&[1; 160]);
        let before = phone_b.hear();
        b.sends = false;
        stage.set(&b);
        stage.settle();
        phone_a.send(&[2; 160]);
        stage.settle();
        assert!(phone_b.hear_rest().is_empty());
        b.sends = true;
        stage.set(&b);
        stage.settle();
        phone_a.send(&[3; 160]);
        let after = phone_b.hear();
        assert_eq!(after.payload, [3; 160]);
        assert!(after.header.marker, "a pause ends with a mark");
        assert_continuous(&[before, after]);
    });
}

#[test]
fn told_the_same_again_nothing_changes() {
    unhindered(|| {
        let mut stage = Stage::new(6);
        let [(a, mut phone_a), (b, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        let mut heard = Vec::new();
        for n in 0..50 {
            stage.set(&a);
            stage.set(&b);
            phone_a.send(&[n; 160]);
            heard.push(phone_b.hear());
        }
        assert_continuous(&heard);
        assert_eq!(heard.iter().filter(|heard| heard.header.marker).count(), 1);
        assert!(phone_b.hear_within(Duration::from_millis(30)).is_none(), "each came once");
    });
}

#[test]
fn several_legs_may_hear_one() {
    unhindered(|| {
        let mut stage = Stage::new(7);
        let [(a, mut phone_a), (_, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        let (mut c, phone_c) = stage.leg(Codec::Pcmu);
        c.hears = Source::Leg(a.leg);
        stage.set(&c);
        stage.settle();
        let sent: Vec<u8> = (0..160).map(|at| at as u8).collect();
        phone_a.send(&sent);
        assert_eq!(phone_b.hear().payload, sent);
        let mut wanted = sent;
        g711::transcode(Codec::Pcma, Codec::Pcmu, &mut wanted);
        assert_eq!(phone_c.hear().payload, wanted);
        // When the one is gone, the others are left in silence, and the third leaves quietly.
        for leg in [a.leg, c.leg] {
            stage.workers.send(MediaCommand::Close { leg }).unwrap();
        }
        stage.settle();
        assert!(phone_b.hear_rest().is_empty() && phone_c.hear_rest().is_empty());
    });
}

#[test]
fn garbage_changes_nothing() {
    unhindered(|| {
        let mut stage = Stage::new(8);
        let [(_, mut phone_a), (_, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        let mut sent = 0;
        for length in [0, 1, 11, 12, 40, 171, 1_500, 1_501, 9_000] {
            for first in [0x00, 0x40, 0x8f, 0x9f, 0xb0, 0xff] {
                let mut datagram = vec![0xff; length];
                if let Some(byte) = datagram.first_mut() {
                    *byte = first;
                }
                phone_a.send_raw(&datagram);
                sent += 1;
            }
        }
        phone_a.send(&[7; 160]);
        assert_eq!(phone_b.hear().payload, [7; 160]);
        stage.settle();
        assert_eq!(stage.workers.counters().refused_content, sent);
    });
}

#[test]
fn commands_for_nobody_do_nothing() {
    unhindered(|| {
        let mut stage = Stage::new(9);
        let [(a, _), (b, _)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        for media in [&a, &b] {
            stage.workers.send(MediaCommand::Close { leg: media.leg }).unwrap();
            stage.workers.send(MediaCommand::Close { leg: media.leg }).unwrap();
            stage.set(media);
        }
        let recording = stage.recording_id();
        stage.stop_recording(recording);
        let closed = stage.settle();
        assert_eq!(closed.len(), 2, "{closed:?}");
        assert_eq!(stage.workers.counters().legs_closed, 3);
    });
}
