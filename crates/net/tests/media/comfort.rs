//! Phones that send comfort noise (RFC 3389) in place of silence.

use media::{Codec, MediaCommand, MediaEvent, Prompts, Source, tone};

use crate::stage::{Heard, Stage, beat, decode, read_wav};
use crate::steady::unhindered;

/// The static payload type of comfort noise.
const NOISE: u8 = 13;
/// −30 dBov: an effective value of 1,036.
const LEVEL: u8 = 30;

fn effective(samples: &[i16]) -> f64 {
    let power: f64 = samples.iter().map(|it| f64::from(*it) * f64::from(*it)).sum();
    (power / samples.len().max(1) as f64).sqrt()
}

#[test]
fn who_takes_it_is_sent_it_and_for_all_others_nothing_is_missing() {
    let mut stage = Stage::new(150);
    let [(a, mut speaker), (mut taker, phone)] = stage.bridge(Codec::Pcma, Codec::Pcma);
    let (mut other, plain) = stage.leg(Codec::Pcma);
    taker.noise_payload_type = Some(98);
    stage.set(&taker);
    other.hears = Source::Leg(a.leg);
    stage.set(&other);
    stage.settle();
    for round in 0..5 {
        speaker.send(&[round; 160]);
        speaker.send_as(NOISE, &[LEVEL, 3]);
        speaker.header.timestamp = speaker.header.timestamp.wrapping_add(1_600);
    }
    speaker.send(&[9; 160]);
    let taken = phone.hear_many(11);
    // Noise is made for the other one where this machine stood still meanwhile.
    let mut left = vec![plain.hear()];
    while left.last().is_some_and(|packet| packet.payload != [9; 160]) {
        left.push(plain.hear());
    }
    assert_eq!(taken[1].header.payload_type, 98);
    assert_eq!(taken[1].payload, [LEVEL, 3]);
    assert!(left.iter().all(|packet| packet.payload.len() == 160));
    for heard in [taken, left] {
        for pair in heard.windows(2) {
            let (one, next) = (pair[0].header, pair[1].header);
            assert_eq!(next.sequence, one.sequence.wrapping_add(1), "no number is left out");
        }
    }
    stage.workers.send(MediaCommand::Close { leg: a.leg }).unwrap();
    let stats = stage.event(|event| match event {
        MediaEvent::Closed { leg, stats, .. } if *leg == a.leg => Some(*stats),
        _ => None,
    });
    assert_eq!((stats.packets_lost, stats.packets_received), (0, 11));
    assert_eq!((stats.packets_refused, stats.longest_gap_ms < 1_000), (0, true));
}

#[test]
fn whoever_does_not_take_it_hears_noise_of_that_level_until_there_is_a_voice_again() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = Stage::with(151, Prompts::default(), |config| {
            config.recordings.dir = folder.path().to_path_buf();
        });
        let [(a, mut speaker), (mut b, listener)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        let (recording, path) = stage.record(&a, &b);
        b.hears = Source::Mix([a.leg, b.leg].as_slice().into());
        stage.set(&b);
        let (mut c, plain) = stage.leg(Codec::Pcmu);
        c.hears = Source::Leg(a.leg);
        stage.set(&c);
        stage.settle();
        let said = speaker.encode(&tone::sine(500.0, 12_000, 160));
        let began = std::time::Instant::now();
        let (mut heard, mut transcoded) = (Vec::new(), Vec::new());
        // A second of noise between two tones of a fifth.
        for frame in 0..75 {
            beat(began, frame);
            match frame {
                0..10 | 60.. => speaker.send(&said),
                10 => {
                    speaker.send_as(NOISE, &[LEVEL]);
                    speaker.header.timestamp = speaker.header.timestamp.wrapping_add(160);
                }
                _ => speaker.header.timestamp = speaker.header.timestamp.wrapping_add(160),
            }
            heard.extend(listener.hear_ready());
            transcoded.extend(plain.hear_ready());
        }
        beat(began, 80);
        heard.extend(listener.hear_ready());
        transcoded.extend(plain.hear_ready());
        stage.stop_recording(recording);
        stage.event(|event| match event {
            MediaEvent::RecordingSealed { .. } => Some(()),
            _ => None,
        });
        for pair in transcoded.windows(2) {
            let (one, next) = (pair[0].header, pair[1].header);
            assert_eq!(next.sequence, one.sequence.wrapping_add(1), "no number is left out");
        }
        let decoded = |heard: Vec<Heard>, codec| -> Vec<i16> {
            heard.iter().flat_map(|packet| decode(codec, &packet.payload)).collect()
        };
        let mixed = decoded(heard, Codec::Pcma);
        let transcoded = decoded(transcoded, Codec::Pcmu);
        let (taped, silent) = read_wav(&folder.path().join(path));
        for samples in [mixed, taped, transcoded] {
            let loud = samples.iter().position(|sample| sample.unsigned_abs() > 8_000).unwrap();
            // In the middle of what is neither tone.
            let noise = effective(&samples[loud + 4_000..loud + 8_000]);
            assert!((900.0..1_200.0).contains(&noise), "{noise}");
            assert!(effective(&samples[loud + 10_200..loud + 10_800]) > 6_000.0, "the tone again");
        }
        assert!(effective(&silent) < 10.0);
    });
}
