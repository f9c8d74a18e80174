//! Opus and L16: untouched between two phones that speak one of them, and changed for all others.

use media::{Codec, LegMedia, MediaCommand, MediaEvent, OpusWishes, Prompts, Source};
use media::{compare, g711, l16, opus, tone};

use crate::stage::{Heard, Phone, Stage, beat, decode, read_wav, share};
use crate::steady::unhindered;

/// The payload type of digits by the clock of Opus.
const DIGITS: u8 = 110;

/// A voice of two seconds.
fn voice(seed: u64) -> Vec<i16> {
    tone::voice(seed, 12_000, 16_000)
}

/// A leg that speaks Opus as a browser does.
fn opus_leg(stage: &mut Stage) -> (LegMedia, Phone) {
    let (mut media, phone) = stage.leg(Codec::Opus);
    media.digits_payload_type = Some(DIGITS);
    media.digits_clock_rate = 48_000;
    media.opus = OpusWishes { fec: true, ..OpusWishes::default() };
    stage.set(&media);
    (media, phone)
}

/// Two legs that hear each other.
fn join(stage: &Stage, one: &mut LegMedia, other: &mut LegMedia) {
    one.hears = Source::Leg(other.leg);
    other.hears = Source::Leg(one.leg);
    stage.set(one);
    stage.set(other);
}

/// The packets of a voice, each with its ticks: of so many samples of 8 kHz.
fn packets(codec: Codec, voice: &[i16], samples: usize) -> Vec<(Vec<u8>, u32)> {
    let mut encoder =
        opus::Encoder::new(OpusWishes { fec: true, ..OpusWishes::default() }).unwrap();
    let mut doubler = l16::Doubler::default();
    let ticks = samples as u32 * (codec.clock_rate() / 8_000);
    let frames = voice.chunks_exact(samples);
    let coded = frames.map(|frame| {
        let mut bytes = vec![0; 4 * samples.max(160)];
        let length = match codec {
            Codec::Opus => encoder.encode(frame, &mut bytes).unwrap(),
            Codec::L16 => {
                l16::write(frame, &mut bytes);
                2 * samples
            }
            Codec::L16Wide => {
                let mut wide = vec![0; 2 * samples];
                doubler.double(frame, &mut wide);
                l16::write(&wide, &mut bytes);
                4 * samples
            }
            Codec::Pcma | Codec::Pcmu | Codec::G722 => {
                g711::encode(codec, frame, &mut bytes);
                samples
            }
        };
        bytes.truncate(length);
        (bytes, ticks)
    });
    coded.collect()
}

fn send(phone: &mut Phone, (payload, ticks): &(Vec<u8>, u32)) {
    phone.send_as(phone.payload_type, payload);
    phone.header.timestamp = phone.header.timestamp.wrapping_add(*ticks);
}

/// Sends a voice in packets of so many samples, no more at once than a socket holds, and hears the
/// other phone: a packet for each 20 ms.
fn pass(from: &mut Phone, voice: &[i16], samples: usize, to: &Phone) -> Vec<Heard> {
    let mut heard = Vec::new();
    for some in packets(from.codec, voice, samples).chunks(3_200 / samples) {
        some.iter().for_each(|packet| send(from, packet));
        heard.extend(to.hear_many(20));
    }
    heard
}

/// What a phone makes of what it hears.
fn listened(codec: Codec, heard: &[Heard]) -> Vec<i16> {
    let mut decoder = opus::Decoder::new().unwrap();
    let mut halver = l16::Halver::default();
    let mut all = Vec::new();
    for Heard { header, payload, .. } in heard {
        let mut samples = vec![0; 1_500];
        let length = match codec {
            Codec::Opus => {
                let at = (header.sequence, header.timestamp / 6);
                decoder.decode(at, payload, &mut samples).unwrap().samples
            }
            Codec::L16 => {
                l16::read(payload, &mut samples);
                payload.len() / 2
            }
            Codec::L16Wide => {
                let mut wide = vec![0; payload.len() / 2];
                l16::read(payload, &mut wide);
                halver.halve(&wide, &mut samples);
                payload.len() / 4
            }
            Codec::Pcma | Codec::Pcmu | Codec::G722 => {
                all.extend(decode(codec, payload));
                0
            }
        };
        all.extend(&samples[..length]);
    }
    all
}

fn likeness(voice: &[i16], heard: &[i16]) -> f64 {
    compare::find(&voice[..8_000], heard).map_or(0.0, |found| found.correlation)
}

/// Each packet follows the one before by 20 ms, with no number left out.
fn assert_unbroken(heard: &[Heard], ticks: u32) {
    for pair in heard.windows(2) {
        let (one, next) = (pair[0].header, pair[1].header);
        assert_eq!(next.sequence, one.sequence.wrapping_add(1));
        assert_eq!(next.timestamp, one.timestamp.wrapping_add(ticks));
    }
}

#[test]
fn what_both_speak_goes_through_byte_by_byte_by_its_own_clock() {
    let mut stage = Stage::new(160);
    let ((mut a, mut phone_a), (mut b, phone_b)) = (opus_leg(&mut stage), opus_leg(&mut stage));
    b.payload_type = 96;
    join(&stage, &mut a, &mut b);
    let mut heard = Vec::new();
    for number in 0..50_u32 {
        // Of any length, and bytes that no coder makes.
        let payload: Vec<u8> = (0..20 + number).map(|at| (number * 31 + at * 7) as u8).collect();
        send(&mut phone_a, &(payload.clone(), 960));
        let packet = phone_b.hear();
        assert_eq!((&packet.payload, packet.header.payload_type), (&payload, 96));
        heard.push(packet);
    }
    assert_unbroken(&heard, 960);
}

#[test]
fn who_speaks_it_and_who_speaks_g_711_hear_each_other_in_packets_of_any_length() {
    for (codec, least) in [(Codec::Opus, 0.95), (Codec::L16, 0.99), (Codec::L16Wide, 0.99)] {
        for (law, samples) in [(Codec::Pcma, 80), (Codec::Pcmu, 160), (Codec::Pcma, 320)] {
            let mut stage = Stage::new(161);
            let (mut a, mut phone) = match codec {
                Codec::Opus => opus_leg(&mut stage),
                other => stage.leg(other),
            };
            let (mut b, mut narrow) = stage.leg(law);
            join(&stage, &mut a, &mut b);
            let (forth, back) = (voice(1), voice(2));
            let heard = pass(&mut phone, &forth, samples, &narrow);
            assert_unbroken(&heard, 160);
            let likes = likeness(&forth, &listened(law, &heard));
            assert!(likes > least, "{codec:?} {samples}: {likes}");
            let heard = pass(&mut narrow, &back, samples, &phone);
            assert!(heard.iter().all(|packet| packet.header.payload_type == codec.payload_type()));
            assert_unbroken(&heard, 160 * codec.clock_rate() / 8_000);
            let likes = likeness(&back, &listened(codec, &heard));
            assert!(likes > least, "back, {codec:?} {samples}: {likes}");
        }
    }
}

#[test]
fn what_was_lost_of_opus_is_made_good_for_who_hears_it_in_g_711() {
    let mut stage = Stage::new(162);
    let ((mut a, mut phone), (mut b, narrow)) = (opus_leg(&mut stage), stage.leg(Codec::Pcma));
    join(&stage, &mut a, &mut b);
    let spoken = voice(3);
    for (nth, packet) in packets(Codec::Opus, &spoken, 160).iter().enumerate() {
        if nth % 8 == 5 {
            phone.skip(960);
        } else {
            send(&mut phone, packet);
        }
    }
    // As many as were spoken, as if none had been lost.
    let heard = narrow.hear_many(100);
    assert_unbroken(&heard, 160);
    let likes = likeness(&spoken, &listened(Codec::Pcma, &heard));
    assert!(likes > 0.85, "{likes}");
    stage.workers.send(MediaCommand::Close { leg: a.leg }).unwrap();
    let stats = stage.event(|event| match event {
        MediaEvent::Closed { leg, stats, .. } if *leg == a.leg => Some(*stats),
        _ => None,
    });
    assert_eq!((stats.packets_received, stats.packets_lost), (88, 12));
}

/// What a phone sends in each 20 ms: nothing while nobody speaks, but for a packet that says so.
fn sparse(voice: &[i16]) -> Vec<Option<Vec<u8>>> {
    let wishes = OpusWishes { dtx: true, ..OpusWishes::default() };
    let (mut encoder, mut was_silent) = (opus::Encoder::new(wishes).unwrap(), false);
    let packets = voice.chunks_exact(160).map(|frame| {
        let mut bytes = vec![0; opus::MAX_BYTES];
        let length = encoder.encode(frame, &mut bytes).unwrap();
        bytes.truncate(length);
        let is_silent = opus::is_silence(&bytes);
        (!is_silent || !std::mem::replace(&mut was_silent, is_silent)).then(|| {
            was_silent = is_silent;
            bytes
        })
    });
    packets.collect()
}

#[test]
fn who_sends_nothing_while_nobody_speaks_loses_nothing_and_the_noise_goes_on() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = Stage::with(166, Prompts::default(), |config| {
            config.recordings.dir = folder.path().to_path_buf();
        });
        let ((mut a, mut phone), (mut b, narrow)) = (opus_leg(&mut stage), stage.leg(Codec::Pcma));
        join(&stage, &mut a, &mut b);
        let (mut c, same) = opus_leg(&mut stage);
        c.hears = Source::Leg(a.leg);
        stage.set(&c);
        let (mut d, mixed) = stage.leg(Codec::Pcma);
        d.hears = Source::Mix([a.leg, b.leg, d.leg].as_slice().into());
        stage.set(&d);
        let (recording, path) = stage.record(&a, &b);
        stage.settle();
        let mut noise = vec![0; 16_000];
        media::ComfortNoise::new(&[60]).fill(&mut noise);
        let (first, then) = (voice(7), voice(8));
        let spoken = [&first[..], &noise, &then].concat();
        let sent = sparse(&spoken);
        let count = sent.iter().flatten().count();
        assert!(count < 260, "{count} of 300 packets: it says nothing for the most of two seconds");
        let began = std::time::Instant::now();
        let (mut heard, mut summed) = (Vec::new(), Vec::new());
        for (frame, packet) in sent.iter().enumerate() {
            beat(began, frame);
            match packet {
                Some(packet) => send(&mut phone, &(packet.clone(), 960)),
                None => phone.header.timestamp = phone.header.timestamp.wrapping_add(960),
            }
            heard.extend(narrow.hear_ready());
            summed.extend(mixed.hear_ready());
        }
        beat(began, 310);
        heard.extend(narrow.hear_ready());
        summed.extend(mixed.hear_ready());
        stage.stop_recording(recording);
        stage.event(|event| match event {
            MediaEvent::RecordingSealed { .. } => Some(()),
            _ => None,
        });
        assert_eq!(same.hear_ready().len(), count, "who speaks it gets it as it came");
        let (taped, _) = read_wav(&folder.path().join(path));
        let heard = listened(Codec::Pcma, &heard);
        for samples in [heard, listened(Codec::Pcma, &summed), taped] {
            let place = |voice: &[i16]| compare::find(&voice[6_000..10_000], &samples).unwrap();
            let (one, other) = (place(&first), place(&then));
            assert!(one.correlation > 0.8 && other.correlation > 0.8, "{one:?} {other:?}");
            assert!(
                (other.lag - one.lag).abs_diff(32_000) < 400,
                "time is kept: {one:?} {other:?}"
            );
            // In the middle of the two seconds.
            let middle = &samples[one.lag + 16_000..one.lag + 20_000];
            let loud = middle.iter().map(|it| f64::from(*it).powi(2)).sum::<f64>() / 4_000.0;
            assert!((2.0..300.0).contains(&loud.sqrt()), "noise, and no voice: {}", loud.sqrt());
        }
        stage.workers.send(MediaCommand::Close { leg: a.leg }).unwrap();
        let stats = stage.event(|event| match event {
            MediaEvent::Closed { leg, stats, .. } if *leg == a.leg => Some(*stats),
            _ => None,
        });
        assert_eq!((stats.packets_received, stats.packets_lost), (count as u64, 0));
        assert!(stats.longest_gap_ms < 200, "{} ms", stats.longest_gap_ms);
    });
}

#[test]
fn who_wishes_nothing_while_nobody_speaks_is_sent_next_to_nothing_and_time_goes_on() {
    let mut stage = Stage::new(167);
    let ((mut a, phone), (mut b, mut narrow)) = (opus_leg(&mut stage), stage.leg(Codec::Pcma));
    a.opus.dtx = true;
    join(&stage, &mut a, &mut b);
    let spoken = [voice(9), vec![0; 16_000], voice(10)].concat();
    let mut heard = Vec::new();
    for some in packets(Codec::Pcma, &spoken, 160).chunks(20) {
        some.iter().for_each(|packet| send(&mut narrow, packet));
        stage.settle();
        heard.extend(phone.hear_ready());
    }
    assert!((200..260).contains(&heard.len()), "{} of 300", heard.len());
    assert!(heard.iter().all(|packet| packet.payload.len() > 2), "each says something");
    let first = heard[0].header;
    for pair in heard.windows(2) {
        let (one, next) = (pair[0].header, pair[1].header);
        assert_eq!(next.sequence, one.sequence.wrapping_add(1), "no number is left out");
        let step = next.timestamp.wrapping_sub(one.timestamp);
        assert!(step.is_multiple_of(960) && next.marker == (step > 960), "{one:?} {next:?}");
    }
    let passed = heard.last().unwrap().header.timestamp.wrapping_sub(first.timestamp);
    assert_eq!(passed, 299 * 960);
}

#[test]
fn keys_pass_between_clocks_and_last_as_long() {
    let mut stage = Stage::new(163);
    let ((mut a, mut phone), (mut b, mut narrow)) = (opus_leg(&mut stage), stage.leg(Codec::Pcma));
    join(&stage, &mut a, &mut b);
    let spoken = packets(Codec::Opus, &voice(4), 160);
    spoken[..5].iter().for_each(|packet| send(&mut phone, packet));
    narrow.hear_many(5);
    // 100 ms of a 7 by the clock of Opus, the end three times.
    for (flags, duration) in [(10, 960_u16), (10, 1_920), (0x8a, 4_800), (0x8a, 4_800)] {
        let [high, low] = duration.to_be_bytes();
        phone.send_as(DIGITS, &[7, flags, high, low]);
    }
    let heard = narrow.hear_many(4);
    let durations: Vec<u16> = heard
        .iter()
        .map(|packet| u16::from_be_bytes([packet.payload[2], packet.payload[3]]))
        .collect();
    assert_eq!(durations, [160, 320, 800, 800]);
    assert!(heard.iter().all(|packet| packet.header.payload_type == crate::stage::DIGITS));
    assert!(heard.iter().all(|packet| packet.header.timestamp == heard[0].header.timestamp));
    // And the other way.
    narrow.send_as(crate::stage::DIGITS, &[3, 0x8a, 0x03, 0x20]);
    let packet = phone.hear();
    assert_eq!(
        (packet.header.payload_type, &packet.payload[..]),
        (DIGITS, &[3, 0x8a, 0x12, 0xc0][..])
    );
    let mut told = Vec::new();
    while told.len() < 2 {
        told.push(stage.event(|event| match event {
            MediaEvent::Digit { digit, duration_ms, .. } => Some((*digit, *duration_ms)),
            _ => None,
        }));
    }
    assert_eq!(told, [('7', 100), ('3', 100)]);
}

#[test]
fn prompts_are_heard_in_it() {
    unhindered(|| {
        let spoken = voice(5);
        for codec in [Codec::Opus, Codec::L16Wide] {
            let prompts = [("hello".into(), spoken.clone())];
            let mut stage = Stage::with(164, Prompts::from_samples(prompts).unwrap(), |_| {});
            let (mut media, phone) = stage.leg(codec);
            stage.play(&mut media, &["hello"], false);
            let heard = phone.hear_many(spoken.len() / 160);
            let likes = likeness(&spoken, &listened(codec, &heard));
            assert!(likes > 0.95, "{codec:?}: {likes}");
        }
    });
}

#[test]
fn a_conference_of_all_codecs_and_its_recording_hear_everyone() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = Stage::with(165, Prompts::default(), |config| {
            config.recordings.dir = folder.path().to_path_buf();
        });
        let mut parties = vec![opus_leg(&mut stage)];
        for codec in [Codec::Pcma, Codec::L16, Codec::L16Wide, Codec::Opus] {
            parties.push(stage.leg(codec));
        }
        let all: Vec<_> = parties.iter().map(|(media, _)| media.leg).collect();
        for (media, _) in &mut parties {
            media.hears = Source::Mix(all.as_slice().into());
            stage.set(media);
        }
        let (recording, path) = stage.record(&parties[0].0, &parties[1].0);
        let spoken = voice(6);
        let mut heard: Vec<Vec<Heard>> = vec![Vec::new(); 5];
        let began = std::time::Instant::now();
        for (frame, packet) in packets(Codec::Opus, &spoken, 160).iter().enumerate() {
            beat(began, frame);
            send(&mut parties[0].1, packet);
            for (into, (_, phone)) in heard.iter_mut().zip(&parties) {
                into.extend(phone.hear_ready());
            }
        }
        stage.stop_recording(recording);
        stage.event(|event| match event {
            MediaEvent::RecordingSealed { .. } => Some(()),
            _ => None,
        });
        for (heard, (media, _)) in heard.iter().zip(&parties).skip(1) {
            let share = share(&spoken, &listened(media.codec, heard));
            assert!(share > 0.8, "{:?}: {share}", media.codec);
        }
        assert!(share(&spoken, &listened(Codec::Opus, &heard[0])) < 0.1, "nobody hears itself");
        let (callers, agents) = read_wav(&folder.path().join(path));
        assert!(share(&spoken, &callers) > 0.8, "{}", share(&spoken, &callers));
        assert!(share(&spoken, &agents) < 0.1);
    });
}
