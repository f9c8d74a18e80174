//! How long packets are: as each phone wishes, and no longer than it takes.

use media::{Codec, FRAME_SAMPLES, LegMedia, Prompts, Source, tone};

use crate::stage::{Heard, Phone, Stage, decode};
use crate::steady::unhindered;

/// A voice as bytes of A-law.
fn voice(seed: u64, samples: usize) -> Vec<u8> {
    let mut bytes = vec![0; samples];
    media::g711::encode(Codec::Pcma, &tone::voice(seed, 12_000, samples), &mut bytes);
    bytes
}

fn bytes_of(heard: &[Heard]) -> Vec<u8> {
    heard.iter().flat_map(|packet| packet.payload.clone()).collect()
}

/// Asserts that every packet follows the one before in number and time.
fn assert_unbroken(heard: &[Heard]) {
    for pair in heard.windows(2) {
        let (one, next) = (&pair[0], &pair[1]);
        assert_eq!(next.header.sequence, one.header.sequence.wrapping_add(1));
        let end = one.header.timestamp.wrapping_add(one.payload.len() as u32);
        assert_eq!((next.header.timestamp, next.header.ssrc), (end, one.header.ssrc));
        assert!(!next.header.marker, "one stream from its first packet on");
    }
}

/// Two legs that hear each other, of whom the second wishes such packets.
fn bridge(
    stage: &mut Stage,
    (one, other): (Codec, Codec),
    packet_ms: u32,
    max_packet_ms: Option<u32>,
) -> [(LegMedia, Phone); 2] {
    let [a, (b, phone_b)] = stage.bridge(one, other);
    let b = LegMedia { packet_ms, max_packet_ms, ..b };
    stage.set(&b);
    // The phones' first packet is not sent before the engine knows it.
    stage.settle();
    [a, (b, phone_b)]
}

#[test]
fn prompts_come_in_packets_of_the_length_that_is_wished_for() {
    unhindered(|| {
        let spoken = tone::voice(4, 12_000, 7 * FRAME_SAMPLES);
        let prompts = Prompts::from_samples([("hello".into(), spoken)]).unwrap();
        let wanted = prompts.find(&"hello".into()).unwrap().audio(Codec::Pcma).to_vec();
        for packet_ms in [10, 20, 30, 40, 60] {
            let mut stage = Stage::with(130, prompts.clone(), |_| {});
            let (media, phone) = stage.leg(Codec::Pcma);
            let mut media = LegMedia { packet_ms, ..media };
            stage.play(&mut media, &["hello"], false);
            let bytes = packet_ms as usize * 8;
            let heard = phone.hear_many(wanted.len().div_ceil(bytes));
            let (last, others) = heard.split_last().unwrap();
            assert!(others.iter().all(|packet| packet.payload.len() == bytes), "{packet_ms}");
            assert_eq!(last.payload.len(), wanted.len() - others.len() * bytes, "the rest, too");
            assert_eq!(bytes_of(&heard), wanted, "{packet_ms}");
            assert_unbroken(&heard);
        }
    });
}

#[test]
fn a_conference_is_heard_in_packets_of_each_ones_length() {
    unhindered(|| {
        let mut stage = Stage::new(131);
        let mut parties: Vec<(LegMedia, Phone)> = [30, 10, 60]
            .into_iter()
            .map(|packet_ms| {
                let (media, phone) = stage.leg(Codec::Pcma);
                (LegMedia { packet_ms, ..media }, phone)
            })
            .collect();
        let all: Vec<_> = parties.iter().map(|(media, _)| media.leg).collect();
        for (media, _) in &mut parties {
            media.hears = Source::Mix(all.as_slice().into());
            stage.set(media);
        }
        for (media, phone) in &parties {
            let heard = phone.hear_many(4);
            let bytes = media.packet_ms as usize * 8;
            assert!(heard.iter().all(|packet| packet.payload.len() == bytes), "{bytes}");
            assert_unbroken(&heard);
        }
    });
}

#[test]
fn what_is_longer_than_a_phone_takes_is_taken_apart_and_all_else_stays_as_it_came() {
    let mut stage = Stage::new(132);
    let [(_, mut sender), (_, receiver)] =
        bridge(&mut stage, (Codec::Pcma, Codec::Pcma), 20, Some(30));
    let spoken = voice(1, 3 * 240 + 5 * 480);
    let (short, long) = spoken.split_at(3 * 240);
    for packet in short.chunks(240) {
        sender.send(packet);
        assert_eq!(receiver.hear().payload, packet, "30 ms are not too long");
    }
    for packet in long.chunks(480) {
        sender.send(packet);
    }
    let heard = receiver.hear_many(long.len() / 160);
    assert!(heard.iter().all(|packet| packet.payload.len() == 160));
    assert_eq!(bytes_of(&heard), long);
    assert_unbroken(&heard);
    // Once it is another stream it stays that one.
    sender.send(&spoken[..80]);
    sender.send(&spoken[80..160]);
    assert_eq!(receiver.hear().payload, spoken[..160]);
}

#[test]
fn a_phone_that_takes_packets_as_they_come_again_hears_what_was_lost_as_lost() {
    let mut stage = Stage::new(134);
    let [(_, mut sender), (b, receiver)] = bridge(&mut stage, (Codec::Pcma, Codec::Pcmu), 30, None);
    let spoken = voice(3, 9 * 160);
    let mut packets = spoken.chunks(160);
    packets.by_ref().take(3).for_each(|packet| sender.send(packet));
    let before = receiver.hear_many(2)[1].header;
    stage.set(&LegMedia { packet_ms: 20, ..b });
    stage.settle();
    packets.by_ref().take(2).for_each(|packet| sender.send(packet));
    sender.skip(160);
    packets.for_each(|packet| sender.send(packet));
    let heard = receiver.hear_many(6);
    assert!(heard.iter().all(|packet| packet.payload.len() == 160));
    assert!(heard[0].header.marker, "it begins anew");
    assert_eq!(heard[0].header.sequence, before.sequence.wrapping_add(1));
    assert_unbroken(&heard[..2]);
    assert_unbroken(&heard[2..]);
    let (last, after) = (heard[1].header, heard[2].header);
    assert_eq!(after.sequence.wrapping_sub(last.sequence), 2, "one was lost");
    assert_eq!(after.timestamp.wrapping_sub(last.timestamp), 320);
}

#[test]
fn what_is_coded_anew_has_the_length_that_is_wished_for_and_keeps_its_time() {
    for wide in [false, true] {
        let codec = if wide { Codec::G722 } else { Codec::Pcmu };
        let mut stage = Stage::new(133);
        let [(_, mut sender), (_, receiver)] = bridge(&mut stage, (Codec::Pcma, codec), 40, None);
        let spoken = voice(2, 24 * 80);
        for packet in spoken[..12 * 80].chunks(80) {
            sender.send(packet);
        }
        // 30 ms are lost, and what was not sent yet goes out before the gap.
        sender.skip(240);
        for packet in spoken[12 * 80..].chunks(240) {
            sender.send(packet);
        }
        let heard = receiver.hear_many(6);
        assert!(heard.iter().all(|packet| packet.payload.len() == 320), "{codec:?}");
        assert_unbroken(&heard[..3]);
        assert_unbroken(&heard[3..]);
        let (before, after) = (heard[2].header, heard[3].header);
        assert_eq!(after.sequence, before.sequence.wrapping_add(1), "nothing of ours was lost");
        assert_eq!(after.timestamp.wrapping_sub(before.timestamp), 320 + 240, "time went by");
        if !wide {
            let samples = decode(Codec::Pcmu, &bytes_of(&heard));
            let said = decode(Codec::Pcma, &spoken);
            let found = media::compare::find(&said[..900], &samples).unwrap();
            assert!(found.lag == 0 && found.correlation > 0.99, "{found:?}");
        }
    }
}

#[test]
fn a_digit_among_packets_of_another_length_is_one_digit() {
    let mut stage = Stage::new(134);
    let [(_, mut sender), (_, receiver)] =
        bridge(&mut stage, (Codec::Pcma, Codec::Pcma), 20, Some(20));
    let spoken = voice(3, 960);
    sender.send(&spoken[..480]);
    let mut numbers: Vec<_> = receiver.hear_many(3).iter().map(|one| one.header).collect();
    for flags in [0x0a, 0x0a, 0x8a, 0x8a, 0x8a] {
        sender.send_as(101, &[5, flags, 3, 0x20]);
        let digit = receiver.hear();
        assert_eq!((digit.header.payload_type, digit.payload), (101, vec![5, flags, 3, 0x20]));
        numbers.push(digit.header);
    }
    sender.send(&spoken[480..]);
    numbers.extend(receiver.hear_many(3).iter().map(|one| one.header));
    for pair in numbers.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
    }
    let times: Vec<u32> =
        numbers.iter().map(|one| one.timestamp.wrapping_sub(numbers[0].timestamp)).collect();
    assert_eq!(times, [0, 160, 320, 480, 480, 480, 480, 480, 480, 640, 800]);
}
