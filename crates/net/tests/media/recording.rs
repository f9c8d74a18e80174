//! What is recorded: each voice on its own channel, where and when it was heard, and sealed.

use std::path::Path;

use media::{Codec, MediaEvent, tone};
use model::{RecordingId, Seal};
use net::recorder::Audio;
use recording::{Expected, Keyring};
use rtp::digits::Sender;

use crate::stage::{
    DIGITS, HEARD, Stage, assert_whole, beat, mended, middle, read_wav, read_wav_with, share, talk,
};
use crate::steady::unhindered;

fn with_recordings(host: u8, folder: &Path) -> Stage {
    Stage::with(host, media::Prompts::default(), |config| {
        config.recordings.dir = folder.to_owned();
    })
}

fn sealed(stage: &Stage, wanted: RecordingId) -> Seal {
    stage.event(|event| match event {
        MediaEvent::RecordingSealed { recording, seal } if *recording == wanted => {
            Some(seal.clone())
        }
        MediaEvent::RecordingGap { error, .. } => panic!("a gap: {error}"),
        _ => None,
    })
}

#[test]
fn each_voice_is_on_its_own_channel() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = with_recordings(61, folder.path());
        let [(a, mut phone_a), (b, mut phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcmu);
        stage.settle();
        let began = stage.now();
        let (recording, path) = stage.record(&a, &b);
        let (caller, agent) = (tone::voice(1, 12_000, 16_000), tone::voice(2, 9_000, 16_000));
        talk(&mut [(&mut phone_a, &caller), (&mut phone_b, &agent)]);
        stage.stop_recording(recording);
        let took_ms = stage.now().ms_since(began);
        let seal = sealed(&stage, recording);

        let file = folder.path().join(&path);
        let (left, right) = read_wav(&file);
        assert_eq!(seal.frames, left.len() as u64);
        assert!(took_ms.abs_diff(seal.frames / 8) <= 100, "{took_ms} ms, {} frames", seal.frames);
        let shares = [(&caller, &left), (&agent, &right), (&caller, &right), (&agent, &left)]
            .map(|(voice, channel)| share(voice, channel));
        assert!(shares[0] >= HEARD && shares[1] >= HEARD, "each on its own: {shares:?}");
        assert!(shares[2] <= 0.1 && shares[3] <= 0.1, "and on no other: {shares:?}");
        let (at_left, at_right) = (middle(&caller, &left), middle(&agent, &right));
        assert!(at_left.abs_diff(at_right) <= 160, "{at_left} and {at_right} are not together");

        assert_whole(&file, &seal);
        assert_eq!(mended(&file), seal, "a whole recording stays as it is");
    });
}

#[test]
fn the_agents_channel_follows_who_has_the_call() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = with_recordings(59, folder.path());
        let [(a, mut phone_a), (b, mut phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcmu);
        let (mut c, mut phone_c) = stage.leg(Codec::Pcma);
        c.hears = media::Source::Leg(a.leg);
        stage.set(&c);
        stage.settle();
        let (recording, path) = stage.record(&a, &b);
        let caller = tone::voice(1, 12_000, 16_000);
        let (first, second) = (tone::voice(2, 9_000, 8_000), tone::voice(3, 9_000, 8_000));
        talk(&mut [(&mut phone_a, &caller[..8_000]), (&mut phone_b, &first)]);
        let (customers, agents) = ([a.leg].into(), [c.leg].into());
        let voices = media::TapedVoices { recording, customers, agents };
        stage.workers.send(media::MediaCommand::TapeVoices(voices)).unwrap();
        stage.settle();
        // Who gave the call away may still be talking: nobody hears it.
        let talks_on = tone::voice(4, 9_000, 8_000);
        talk(&mut [
            (&mut phone_a, &caller[8_000..]),
            (&mut phone_b, &talks_on),
            (&mut phone_c, &second),
        ]);
        stage.stop_recording(recording);
        sealed(&stage, recording);
        let (left, right) = read_wav(&folder.path().join(path));
        let heard = [&first, &second].map(|voice| share(voice, &right));
        assert!(heard.iter().all(|share| *share >= HEARD), "both, one after the other: {heard:?}");
        assert!(share(&talks_on, &right) <= 0.1, "and nobody else");
        assert!(share(&caller[..8_000], &left) >= HEARD && share(&caller[8_000..], &left) >= HEARD);
        assert!(middle(&first, &right) < middle(&second, &right));
    });
}

#[test]
fn a_voice_lies_where_it_was_heard() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = with_recordings(62, folder.path());
        let [(a, mut phone_a), (b, _)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        stage.settle();
        let (recording, path) = stage.record(&a, &b);
        let began = std::time::Instant::now();
        let voice = tone::voice(3, 12_000, 8_000);
        // Half a second of nothing, half a second of voice, a new stream for the other half.
        beat(began, 25);
        talk(&mut [(&mut phone_a, &voice[..4_000])]);
        beat(began, 75);
        phone_a.header.ssrc ^= 0xffff;
        phone_a.header.timestamp ^= 0x0ff0_0ff0;
        phone_a.header.sequence ^= 0x0ff0;
        talk(&mut [(&mut phone_a, &voice[4_000..])]);
        stage.stop_recording(recording);
        sealed(&stage, recording);
        let (left, right) = read_wav(&folder.path().join(path));
        for (half, wanted_ms) in [(&voice[..4_000], 730), (&voice[4_000..], 1_730)] {
            let at_ms = middle(half, &left) as u64 / 8;
            assert!(at_ms.abs_diff(wanted_ms) <= 100, "at {at_ms} ms, not {wanted_ms}");
        }
        assert!(right.iter().all(|sample| *sample == 0));
    });
}

#[test]
fn keys_are_not_recorded_as_sound() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = with_recordings(63, folder.path());
        let [(a, mut phone_a), (b, _)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        stage.settle();
        let (recording, path) = stage.record(&a, &b);
        let began = std::time::Instant::now();
        for (n, digit) in "4711".chars().enumerate() {
            let mut sender = Sender::new(digit, 60).unwrap();
            while let Some(packet) = sender.next_packet() {
                phone_a.send_as(DIGITS, &packet.payload);
            }
            phone_a.header.timestamp = phone_a.header.timestamp.wrapping_add(1_600);
            beat(began, 5 * (n + 1));
        }
        stage.stop_recording(recording);
        sealed(&stage, recording);
        let (left, right) = read_wav(&folder.path().join(path));
        assert!(left.len() > 3_000);
        assert!(left.iter().chain(&right).all(|sample| *sample == 0));
    });
}

#[test]
fn told_to_stop_in_order_every_recording_is_sealed() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = with_recordings(64, folder.path());
        let voice = tone::voice(4, 12_000, 4_800);
        let mut paths = Vec::new();
        for _ in 0..5 {
            let [(a, mut phone_a), (b, _)] = stage.bridge(Codec::Pcma, Codec::Pcma);
            stage.settle();
            paths.push(stage.record(&a, &b));
            // The same again is the same recording.
            talk(&mut [(&mut phone_a, &voice)]);
        }
        let Stage { workers, events, .. } = stage;
        workers.stop();
        let mut seals: Vec<(RecordingId, Seal)> = events
            .iter()
            .filter_map(|event| match event {
                MediaEvent::RecordingSealed { recording, seal } => Some((recording, seal)),
                _ => None,
            })
            .collect();
        seals.sort_by_key(|(recording, _)| *recording);
        assert_eq!(seals.len(), 5);
        for ((recording, path), (sealed, seal)) in paths.iter().zip(&seals) {
            assert_eq!(recording, sealed);
            let file = folder.path().join(path);
            assert_whole(&file, seal);
            let share = share(&voice, &read_wav(&file).0);
            assert!(share >= HEARD, "{path}: {share}");
        }
    });
}

#[test]
fn a_recording_may_begin_and_end_while_others_run() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = with_recordings(65, folder.path());
        let [(a, mut phone_a), (b, _)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        let [(c, mut phone_c), (d, _)] = stage.bridge(Codec::Pcmu, Codec::Pcmu);
        stage.settle();
        let voice = tone::voice(5, 12_000, 4_800);
        let mut times = vec![stage.now()];
        let (first, first_path) = stage.record(&a, &b);
        talk(&mut [(&mut phone_a, &voice)]);
        times.push(stage.now());
        let (second, second_path) = stage.record(&c, &d);
        talk(&mut [(&mut phone_c, &voice)]);
        times.push(stage.now());
        stage.stop_recording(first);
        // The slot of the first is free for a third.
        sealed(&stage, first);
        times.push(stage.now());
        let (third, third_path) = stage.record(&a, &b);
        talk(&mut [(&mut phone_a, &voice), (&mut phone_c, &voice)]);
        times.push(stage.now());
        stage.stop_recording(second);
        stage.stop_recording(third);
        let (second_seal, third_seal) = (sealed(&stage, second), sealed(&stage, third));
        for (path, from, to) in [(first_path, 0, 2), (second_path, 1, 4), (third_path, 3, 4)] {
            let (left, right) = read_wav(&folder.path().join(&path));
            let frames = 8 * times[to].ms_since(times[from]) as usize;
            assert!(left.len().abs_diff(frames) <= 800, "{path}: {} of {frames}", left.len());
            assert!(share(&voice, &left) >= HEARD, "{path}");
            assert!(right.iter().all(|sample| *sample == 0));
        }
        assert!(second_seal.frames > third_seal.frames);
    });
}

#[test]
fn an_encrypted_recording_is_heard_with_its_key_alone_and_mended_without() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let digits = "1f".repeat(32);
        let keys = std::sync::Arc::new(Keyring::parse(&format!("k = {digits}")).unwrap());
        let mut stage = Stage::with(68, media::Prompts::default(), |config| {
            config.recordings.dir = folder.path().to_owned();
            config.recordings.keys = std::sync::Arc::clone(&keys);
        });
        let [(a, mut phone_a), (b, _)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        stage.settle();
        let (recording, path) = stage.record(&a, &b);
        let voice = tone::voice(6, 12_000, 12_000);
        talk(&mut [(&mut phone_a, &voice)]);
        stage.stop_recording(recording);
        let seal = sealed(&stage, recording);
        let file = folder.path().join(path);
        assert_whole(&file, &seal);
        let error = Audio::open(&file, &Keyring::default(), &Expected::default()).unwrap_err();
        assert!(error.to_string().contains("'k'"), "{error}");
        // What a killed engine leaves: the end is missing. It is sealed by whoever has no key.
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..whole.len() - 200]).unwrap();
        assert!(mended(&file).frames < seal.frames);
        let (left, _) = read_wav_with(&file, &keys);
        let share = share(&voice[..left.len() - 1_600], &left);
        assert!(share >= HEARD, "{share}");
    });
}
