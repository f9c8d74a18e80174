//! Keys pressed on phones (RFC 4733).

use media::{Codec, MediaEvent, tone};
use rtp::digits::Sender;

use crate::stage::{DIGITS, Phone, Stage};

/// Presses a key for 100 ms; returns the payloads that were sent.
fn press(phone: &mut Phone, payload_type: u8, digit: char) -> Vec<[u8; 4]> {
    let mut sender = Sender::new(digit, 100).unwrap();
    let mut sent = Vec::new();
    while let Some(packet) = sender.next_packet() {
        phone.header.marker = packet.first;
        phone.send_as(payload_type, &packet.payload);
        sent.push(packet.payload);
    }
    phone.header.timestamp = phone.header.timestamp.wrapping_add(1_600);
    sent
}

fn digits(events: &[MediaEvent]) -> String {
    events
        .iter()
        .filter_map(|event| match event {
            MediaEvent::Digit { digit, .. } => Some(*digit),
            _ => None,
        })
        .collect()
}

#[test]
fn every_key_is_told_once() {
    let mut stage = Stage::new(31);
    let (media, mut phone) = stage.leg(Codec::Pcma);
    for digit in "0123456789*#ABCD55".chars() {
        press(&mut phone, DIGITS, digit);
        let told = stage.event(|event| match event {
            MediaEvent::Digit { leg, digit, duration_ms } => {
                assert_eq!((*leg, *duration_ms), (media.leg, 100));
                Some(*digit)
            }
            _ => None,
        });
        assert_eq!(told, digit);
    }
    assert_eq!(digits(&stage.settle()), "");
}

#[test]
fn a_key_whose_end_was_lost_is_told_by_the_clock() {
    let mut stage = Stage::new(32);
    let (_, mut phone) = stage.leg(Codec::Pcmu);
    let mut sender = Sender::new('7', 100).unwrap();
    for _ in 0..3 {
        phone.send_as(DIGITS, &sender.next_packet().unwrap().payload);
    }
    let digit = stage.event(|event| match event {
        MediaEvent::Digit { digit, .. } => Some(*digit),
        _ => None,
    });
    assert_eq!(digit, '7');
}

#[test]
fn keys_reach_the_other_phone_with_its_own_payload_type() {
    let mut stage = Stage::new(33);
    let [(_, mut phone_a), (mut b, mut phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcmu);
    b.digits_payload_type = Some(96);
    stage.set(&b);
    stage.settle();
    phone_a.send(&[0xd5; 160]);
    let voice = phone_b.hear().header;
    let sent = press(&mut phone_a, DIGITS, '5');
    let heard = phone_b.hear_many(sent.len());
    for (n, (heard, sent)) in heard.iter().zip(&sent).enumerate() {
        assert_eq!(heard.payload, sent, "an event is not voice: nothing is translated");
        assert_eq!(heard.header.payload_type, 96);
        assert_eq!(heard.header.timestamp, voice.timestamp.wrapping_add(160));
        assert_eq!(heard.header.sequence, voice.sequence.wrapping_add(1 + n as u16));
        assert_eq!(heard.header.marker, n == 0);
    }
    let sent = press(&mut phone_b, 96, '9');
    assert!(phone_a.hear_many(sent.len()).iter().all(|heard| heard.header.payload_type == DIGITS));
    assert_eq!(digits(&stage.settle()), "59");
}

#[test]
fn a_phone_that_knows_no_events_gets_none() {
    let mut stage = Stage::new(34);
    let [(_, mut phone_a), (mut b, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
    b.digits_payload_type = None;
    stage.set(&b);
    stage.settle();
    press(&mut phone_a, DIGITS, '1');
    phone_a.send(&[2; 160]);
    assert_eq!(phone_b.hear().payload, [2; 160]);
    assert_eq!(digits(&stage.settle()), "1");
}

/// Two tones, as a telephone without events presses a key.
fn tones(low: f64, high: f64, samples: usize) -> Vec<i16> {
    let (one, other) = (tone::sine(low, 6_000, samples), tone::sine(high, 6_000, samples));
    one.iter().zip(other).map(|(one, other)| one + other).collect()
}

#[test]
fn a_phone_that_sends_no_events_is_heard_by_its_tones() {
    for codec in [Codec::Pcma, Codec::Pcmu, Codec::G722] {
        let mut stage = Stage::new(120);
        let (mut media, mut phone) = stage.leg(codec);
        media.digits_payload_type = None;
        stage.set(&media);
        let mut said = tone::voice(3, 8_000, 8_000);
        for (low, high) in [(697.0, 1_209.0), (941.0, 1_477.0)] {
            said.extend(tones(low, high, 800));
            said.extend([0; 640]);
        }
        let bytes = match codec {
            Codec::G722 => {
                let mut bytes = vec![0; said.len()];
                media::g722::Encoder::default().encode_narrow(&said, &mut bytes);
                bytes
            }
            Codec::Pcma | Codec::Pcmu | Codec::Opus | Codec::L16 | Codec::L16Wide => {
                phone.encode(&said)
            }
        };
        for packet in bytes.chunks(160) {
            phone.send(packet);
        }
        let next = || {
            stage.event(|event| match event {
                MediaEvent::Digit { leg, digit, duration_ms } if *leg == media.leg => {
                    assert!((80..=120).contains(duration_ms), "{duration_ms}");
                    Some(*digit)
                }
                _ => None,
            })
        };
        let told = [next(), next()];
        assert_eq!(told, ['1', '#'], "{codec:?}");
    }
}

#[test]
fn a_tone_whose_stream_ends_is_a_key_and_of_who_sends_events_tones_are_none() {
    let mut stage = Stage::new(121);
    let (mut media, mut phone) = stage.leg(Codec::Pcma);
    let (events, mut other) = stage.leg(Codec::Pcma);
    media.digits_payload_type = None;
    stage.set(&media);
    let bytes = phone.encode(&tones(852.0, 1_336.0, 800));
    for packet in bytes.chunks(160) {
        other.send(packet);
        phone.send(packet);
    }
    let (leg, digit) = stage.event(|event| match event {
        MediaEvent::Digit { leg, digit, .. } => Some((*leg, *digit)),
        _ => None,
    });
    assert_eq!((leg, digit), (media.leg, '8'));
    let told = stage.settle();
    assert!(!told.iter().any(|event| matches!(event, MediaEvent::Digit { .. })), "{told:?}");
    assert!(events.digits_payload_type.is_some());
}
