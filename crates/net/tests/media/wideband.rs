//! G.722: untouched between two phones that speak it, and changed for those who do not.

use media::{Codec, LegMedia, MediaCommand, Prompts, Source, compare, g722, tone};

use crate::stage::{Heard, Phone, Stage, decode, read_wav, share};
use crate::steady::unhindered;

/// A voice of a second and a half.
fn voice(seed: u64) -> Vec<i16> {
    tone::voice(seed, 12_000, 12_000)
}

fn coded(samples: &[i16]) -> Vec<u8> {
    let mut bytes = vec![0; samples.len()];
    g722::Encoder::default().encode_narrow(samples, &mut bytes);
    bytes
}

/// What a phone of G.722 makes of what it hears.
fn listened(heard: &[Heard]) -> Vec<i16> {
    let mut decoder = g722::Decoder::default();
    let mut samples = Vec::new();
    for packet in heard {
        let mut piece = vec![0; packet.payload.len()];
        decoder.decode_narrow(&packet.payload, &mut piece);
        samples.extend(piece);
    }
    samples
}

/// How alike a voice is to what was heard, wherever it begins there.
fn likeness(voice: &[i16], heard: &[i16]) -> f64 {
    compare::find(&voice[..6_000], heard).map_or(0.0, |found| found.correlation)
}

/// Sends a voice packet by packet, each taken before the next is sent, and hears the other phone.
fn pass(from: &mut Phone, bytes: &[u8], to: &Phone) -> Vec<Heard> {
    let each = |packet: &[u8]| {
        from.send(packet);
        to.hear()
    };
    bytes.chunks(160).map(each).collect()
}

#[test]
fn what_both_speak_goes_through_byte_by_byte() {
    let mut stage = Stage::new(110);
    let [(_, mut phone_a), (_, phone_b)] = stage.bridge(Codec::G722, Codec::G722);
    // Bytes that no coder makes show that none was at work.
    for number in 0..100_u32 {
        let payload: Vec<u8> = (0..160).map(|at| (number * 31 + at * 7) as u8).collect();
        phone_a.send(&payload);
        let heard = phone_b.hear();
        assert_eq!((heard.payload, heard.header.payload_type), (payload, 9));
    }
}

#[test]
fn who_speaks_g_711_and_who_speaks_g_722_hear_each_other() {
    for law in [Codec::Pcma, Codec::Pcmu] {
        let mut stage = Stage::new(111);
        let [(_, mut wide), (_, mut narrow)] = stage.bridge(Codec::G722, law);
        let (forth, back) = (voice(1), voice(2));
        let heard = pass(&mut wide, &coded(&forth), &narrow);
        let samples: Vec<i16> =
            heard.iter().flat_map(|packet| decode(law, &packet.payload)).collect();
        assert!(likeness(&forth, &samples) > 0.99, "{}", likeness(&forth, &samples));
        let bytes = narrow.encode(&back);
        let heard = pass(&mut narrow, &bytes, &wide);
        assert!(heard.iter().all(|packet| packet.header.payload_type == 9));
        let samples = listened(&heard);
        assert!(likeness(&back, &samples) > 0.99, "{}", likeness(&back, &samples));
    }
}

#[test]
fn packets_of_any_length_are_changed_into_those_that_are_wished_for() {
    let mut stage = Stage::new(112);
    let [(_, mut wide), (_, narrow)] = stage.bridge(Codec::G722, Codec::Pcma);
    let spoken = voice(3);
    let bytes = coded(&spoken);
    let (mut at, mut samples) = (0, Vec::new());
    // 10, 30, 60 and 20 ms.
    for length in [80, 240, 480, 160].into_iter().cycle().take(40) {
        wide.send(&bytes[at..at + length]);
        at += length;
    }
    // What is left of it fills no packet.
    for heard in narrow.hear_many(at / 160) {
        assert_eq!(heard.payload.len(), 160);
        samples.extend(decode(Codec::Pcma, &heard.payload));
    }
    assert!(likeness(&spoken, &samples) > 0.99);
}

#[test]
fn prompts_are_heard_in_g_722() {
    unhindered(|| {
        let spoken = voice(4);
        let prompts = [("hello".into(), spoken.clone())];
        let mut stage = Stage::with(113, Prompts::from_samples(prompts).unwrap(), |_| {});
        let (mut media, phone) = stage.leg(Codec::G722);
        stage.play(&mut media, &["hello"], false);
        let samples = listened(&phone.hear_many(spoken.len() / 160));
        assert!(likeness(&spoken, &samples) > 0.99, "{}", likeness(&spoken, &samples));
    });
}

#[test]
fn a_conference_of_all_codecs_hears_everyone() {
    unhindered(|| {
        let mut stage = Stage::new(114);
        let codecs = [Codec::G722, Codec::Pcma, Codec::G722];
        let mut parties: Vec<(LegMedia, Phone)> =
            codecs.into_iter().map(|codec| stage.leg(codec)).collect();
        let all: Vec<_> = parties.iter().map(|(media, _)| media.leg).collect();
        for (media, _) in &mut parties {
            media.hears = Source::Mix(all.as_slice().into());
            stage.workers.send(MediaCommand::Set(media.clone())).unwrap();
        }
        let spoken = voice(5);
        let bytes = coded(&spoken);
        let mut heard: Vec<Vec<Heard>> = vec![Vec::new(); 3];
        let began = std::time::Instant::now();
        for (frame, packet) in bytes.chunks(160).enumerate() {
            crate::stage::beat(began, frame);
            parties[0].1.send(packet);
            for (into, (_, phone)) in heard.iter_mut().zip(&parties) {
                into.extend(phone.hear_ready());
            }
        }
        let narrow: Vec<i16> =
            heard[1].iter().flat_map(|packet| decode(Codec::Pcma, &packet.payload)).collect();
        for samples in [narrow, listened(&heard[2])] {
            assert!(share(&spoken, &samples) > crate::stage::HEARD);
        }
        assert!(share(&spoken, &listened(&heard[0])) < 0.1, "nobody hears itself");
    });
}

#[test]
fn a_recording_holds_the_voice_of_g_722() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = Stage::with(115, Prompts::default(), |config| {
            config.recordings.dir = folder.path().to_path_buf();
        });
        let [(a, mut phone_a), (b, phone_b)] = stage.bridge(Codec::G722, Codec::G722);
        let (recording, path) = stage.record(&a, &b);
        let spoken = voice(6);
        let bytes = coded(&spoken);
        let began = std::time::Instant::now();
        for (frame, packet) in bytes.chunks(160).enumerate() {
            crate::stage::beat(began, frame);
            phone_a.send(packet);
        }
        assert_eq!(phone_b.hear_many(75).len(), 75, "they still hear each other");
        stage.stop_recording(recording);
        stage.event(|event| match event {
            media::MediaEvent::RecordingSealed { .. } => Some(()),
            _ => None,
        });
        let (callers, agents) = read_wav(&folder.path().join(path));
        assert!(share(&spoken, &callers) > crate::stage::HEARD);
        assert!(share(&spoken, &agents) < 0.1);
    });
}
