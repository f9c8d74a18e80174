//! Prompts and music, and one stream for the caller whatever is heard.

use std::time::{Duration, Instant};

use media::{Codec, MediaEvent, Prompts, Source, g711};

use crate::stage::{FRAME, Heard, Stage, assert_continuous, beat};
use crate::steady::unhindered;

/// Prompts whose every frame is told by its first byte: `hello` from 1, `menu` from 101, `music`
/// from 201.
fn prompts() -> Prompts {
    let numbered = |first: u8, frames: u8| {
        (first..first + frames)
            .flat_map(|number| [g711::decode_sample(Codec::Pcma, number); 160])
            .collect()
    };
    Prompts::from_samples([
        ("hello".into(), numbered(1, 10)),
        ("menu".into(), numbered(101, 5)),
        ("music".into(), numbered(201, 50)),
    ])
    .unwrap()
}

fn numbers(heard: &[Heard]) -> Vec<u8> {
    heard.iter().map(|heard| heard.payload[159]).collect()
}

fn finished(stage: &Stage) -> model::PlayId {
    stage.event(|event| match event {
        MediaEvent::PlayFinished { play, .. } => Some(*play),
        _ => None,
    })
}

#[test]
fn prompts_are_heard_to_their_end_once() {
    unhindered(|| {
        let mut stage = Stage::with(51, prompts(), |_| {});
        let (mut media, phone) = stage.leg(Codec::Pcma);
        let play = stage.play(&mut media, &["hello", "menu"], false);
        let heard = phone.hear_many(15);
        assert_eq!(numbers(&heard), (1..11).chain(101..106).collect::<Vec<u8>>());
        assert_continuous(&heard);
        assert!(heard.iter().all(|heard| heard.payload.len() == 160));
        assert_eq!(finished(&stage), play);
        // Told again, the same playing is still over.
        stage.set(&media);
        assert!(stage.settle().is_empty());
        assert!(phone.hear_rest().is_empty());
    });
}

#[test]
fn frames_leave_every_20_ms_and_never_faster_for_long() {
    unhindered(|| {
        let mut stage = Stage::with(52, prompts(), |_| {});
        let (mut media, phone) = stage.leg(Codec::Pcmu);
        stage.play(&mut media, &["music"], true);
        let heard = phone.hear_many(150);
        let took = heard[149].at - heard[0].at;
        assert!(took >= FRAME * 148, "{took:?} for 149 frames");
        let steps = |pair: &[Heard]| {
            pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp) as usize
        };
        // Unless the machine stood still for long, the time line is whole frames.
        let skipped = stage.workers.counters().frames_skipped;
        assert!(skipped > 0 || heard.windows(2).all(|pair| steps(pair) == 160));
    });
}

#[test]
fn what_the_caller_hears_is_one_stream() {
    unhindered(|| {
        let mut stage = Stage::with(53, prompts(), |_| {});
        let (mut media, phone) = stage.leg(Codec::Pcma);
        let (agent, mut agent_phone) = stage.leg(Codec::Pcma);
        let mut heard = Vec::new();

        let play = stage.play(&mut media, &["hello"], false);
        heard.extend(phone.hear_many(10));
        assert_eq!(finished(&stage), play);
        stage.play(&mut media, &["music"], true);
        heard.extend(phone.hear_many(10));
        media.hears = Source::Leg(agent.leg);
        stage.set(&media);
        stage.settle();
        heard.extend(phone.hear_rest());
        let music = heard.len() - 10;
        let began = Instant::now();
        for n in 0..10 {
            beat(began, usize::from(n));
            agent_phone.send(&[60 + n; 160]);
            heard.push(phone.hear());
        }
        stage.play(&mut media, &["menu"], false);
        heard.extend(phone.hear_many(5));

        assert_continuous(&heard);
        let told = numbers(&heard);
        assert_eq!(told[..10], (1..11).collect::<Vec<u8>>());
        assert!(told[10..10 + music].iter().all(|number| (201..=250).contains(number)), "{told:?}");
        let rest: Vec<u8> = (60..70).chain(101..106).collect();
        assert_eq!(told[10 + music..], rest);
        // A new source is marked, so that a receiver may begin anew.
        let marked: Vec<usize> = (0..heard.len()).filter(|at| heard[*at].header.marker).collect();
        assert!(marked.contains(&0) && marked.contains(&(10 + music)), "{marked:?}");
        // The time line follows the clock: as many samples as passed, give or take two frames.
        let (first, last) = (&heard[0], &heard[heard.len() - 1]);
        let samples = last.header.timestamp.wrapping_sub(first.header.timestamp);
        let passed = (last.at - first.at).as_secs_f64() * 8_000.0;
        assert!((f64::from(samples) - passed).abs() < 480.0, "{samples} samples in {passed}");
    });
}

#[test]
fn another_announcement_keeps_the_beat() {
    unhindered(|| {
        let mut stage = Stage::with(54, prompts(), |_| {});
        let (mut media, phone) = stage.leg(Codec::Pcma);
        stage.play(&mut media, &["music"], true);
        let mut heard = phone.hear_many(5);
        stage.play(&mut media, &["hello"], false);
        heard.extend(phone.hear_many(10));
        assert_continuous(&heard);
        let steps: Vec<u32> = heard
            .windows(2)
            .map(|pair| pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp))
            .collect();
        assert!(steps.iter().all(|step| *step == 160), "{steps:?}");
    });
}

#[test]
fn music_has_gone_on_when_a_caller_comes_back_to_it() {
    unhindered(|| {
        let mut stage = Stage::with(55, prompts(), |_| {});
        let (mut one, phone_one) = stage.leg(Codec::Pcma);
        let (mut other, phone_other) = stage.leg(Codec::Pcma);
        stage.play(&mut one, &["music"], true);
        let first = &phone_one.hear_many(8)[7];
        stage.play(&mut other, &["music"], true);
        let joined = phone_other.hear();
        let frames = i64::from(joined.payload[159]) - i64::from(first.payload[159]);
        let passed = (joined.at - first.at).as_millis() as i64 / 20;
        let off = (frames - passed).rem_euclid(50);
        assert!(off.min(50 - off) <= 2, "{frames} frames on after {passed} frames of time");
    });
}

#[test]
fn a_missing_prompt_is_passed_over_and_alarmed() {
    unhindered(|| {
        let mut stage = Stage::with(56, prompts(), |_| {});
        let (mut media, phone) = stage.leg(Codec::Pcma);
        let play = stage.play(&mut media, &["nothing", "menu", "nowhere"], false);
        assert_eq!(numbers(&phone.hear_many(5)), (101..106).collect::<Vec<u8>>());
        assert_eq!(finished(&stage), play);
        let play = stage.play(&mut media, &["nothing"], false);
        assert_eq!(finished(&stage), play, "an announcement of nothing is over at once");
        stage.settle();
        assert_eq!(stage.workers.counters().commands_unknown, 3);
    });
}

#[test]
fn a_new_codec_goes_on_at_the_same_place() {
    unhindered(|| {
        let mut stage = Stage::with(57, prompts(), |_| {});
        let (mut media, phone) = stage.leg(Codec::Pcma);
        let play = stage.play(&mut media, &["hello", "menu"], false);
        let before = numbers(&phone.hear_many(4));
        (media.codec, media.payload_type) = (Codec::Pcmu, 0);
        stage.set(&media);
        let rest: Vec<Heard> =
            std::iter::from_fn(|| phone.hear_within(Duration::from_millis(500))).collect();
        assert_eq!(finished(&stage), play);
        let all: Vec<u8> = (1..11).chain(101..106).collect();
        assert_eq!(before.len() + rest.len(), all.len(), "nothing is left out or heard twice");
        assert_eq!(before, all[..before.len()]);
        for (heard, number) in rest.iter().zip(&all[before.len()..]) {
            let codec = if heard.header.payload_type == 0 { Codec::Pcmu } else { Codec::Pcma };
            let sample = i32::from(g711::decode_sample(codec, heard.payload[0]));
            let wanted = i32::from(g711::decode_sample(Codec::Pcma, *number));
            // The other law has other steps.
            let step = wanted.abs() / 16 + 16;
            assert!((sample - wanted).abs() <= step, "{number}: {sample}, not {wanted}");
        }
        assert_eq!(rest.last().map(|heard| heard.header.payload_type), Some(0));
    });
}

#[test]
fn on_hold_a_playing_goes_on_unheard() {
    unhindered(|| {
        let mut stage = Stage::with(58, prompts(), |_| {});
        let (mut media, phone) = stage.leg(Codec::Pcma);
        media.sends = false;
        let play = stage.play(&mut media, &["hello"], false);
        assert_eq!(finished(&stage), play);
        assert!(phone.hear_rest().is_empty());
    });
}
