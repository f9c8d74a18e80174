//! Conferences: who hears whom, told by tones; the stream that each party gets; what is lost.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::{Codec, LegMedia, MediaCommand, Prompts, Source, tone};
use model::LegId;

use crate::stage::{FRAME, Heard, Phone, Stage, assert_continuous, beat, decode};
use crate::steady::unhindered;

/// Frames that everybody sends: 4 s.
pub(crate) const FRAMES: usize = 200;
/// Samples that are measured at a time.
const WINDOW: usize = 4_000;
/// Samples until all is settled.
const SETTLED: usize = 4_000;

/// Everyone's own tone, unevenly spaced: what G.711's rounding makes of two of them lies beside
/// the others.
fn pitch(party: usize) -> f64 {
    (311 + 97 * party + 3 * party * party) as f64
}

/// The level of a tone in samples, as an amplitude.
fn level(samples: &[i16], hertz: f64) -> f64 {
    let (mut real, mut imaginary) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        let turn = TAU * hertz * at as f64 / 8_000.0;
        // Hann's window: what is beside the tone does not leak into it.
        let window = 1.0 - (TAU * at as f64 / samples.len() as f64).cos();
        real += f64::from(*sample) * window * turn.cos();
        imaginary += f64::from(*sample) * window * turn.sin();
    }
    2.0 * real.hypot(imaginary) / samples.len() as f64
}

/// Legs with their phones, each on an address of its own, silent at first.
pub(crate) fn parties(stage: &mut Stage, count: usize) -> Vec<(LegMedia, Phone)> {
    let codecs = [Codec::Pcma, Codec::Pcmu];
    (0..count).map(|at| stage.leg(codecs[at % 2])).collect()
}

/// The same in a conference: each hears all others.
fn conference(stage: &mut Stage, count: usize) -> Vec<(LegMedia, Phone)> {
    let mut parties = parties(stage, count);
    let all = ids(&parties);
    for (media, _) in &mut parties {
        media.hears = Source::Mix(Arc::clone(&all));
        stage.set(media);
    }
    parties
}

/// A stage that has music, so many parties on it, and what the first of them hears who hears it.
fn with_music(number: u8, amplitude: i16, count: usize) -> (Stage, Vec<(LegMedia, Phone)>, Source) {
    let music = tone::sine(700.0, amplitude, 8_000);
    let prompts = Prompts::from_samples([("music".into(), music)]).unwrap();
    let mut stage = Stage::with(number, prompts, |_| {});
    let parties = parties(&mut stage, count);
    let mut first = LegMedia { hears: Source::Silence, ..parties[0].0.clone() };
    stage.play(&mut first, &["music"], true);
    (stage, parties, first.hears)
}

fn ids(parties: &[(LegMedia, Phone)]) -> Arc<[LegId]> {
    parties.iter().map(|(media, _)| media.leg).collect()
}

/// Every phone sends its own tone for a while; what each heard.
pub(crate) fn all_talk(
    parties: &mut [(LegMedia, Phone)],
    amplitude: i16,
    frames: usize,
) -> Vec<Vec<Heard>> {
    talk(parties, frames, |at| tone::sine(pitch(at), amplitude, 160 * frames))
}

/// One sends its tone, the others silence; what each heard.
fn one_talks(
    parties: &mut [(LegMedia, Phone)],
    speaker: usize,
    amplitude: i16,
    frames: usize,
) -> Vec<Vec<Heard>> {
    let tone = tone::sine(pitch(speaker), amplitude, 160 * frames);
    talk(parties, frames, |at| if at == speaker { tone.clone() } else { vec![0; tone.len()] })
}

fn talk(
    parties: &mut [(LegMedia, Phone)],
    frames: usize,
    says: impl Fn(usize) -> Vec<i16>,
) -> Vec<Vec<Heard>> {
    let tones: Vec<Vec<i16>> = (0..parties.len()).map(says).collect();
    let mut heard = vec![Vec::new(); parties.len()];
    let began = Instant::now();
    for frame in 0..frames {
        beat(began, frame);
        for (at, (_, phone)) in parties.iter_mut().enumerate() {
            let bytes = phone.encode(&tones[at][160 * frame..][..160]);
            phone.send(&bytes);
            heard[at].extend(phone.hear_ready());
        }
    }
    heard
}

fn samples(phone: &Phone, heard: &[Heard]) -> Vec<i16> {
    heard.iter().flat_map(|heard| decode(phone.codec, &heard.payload)).collect()
}

/// Asserts who hears whom: `hears(listener, speaker)`, and that nothing else is above -60 dB of all
/// that is heard. A machine that stands still for a moment breaks the tones there: who is heard
/// is heard in some window, who is not is in none, and the best window tells.
pub(crate) fn assert_matrix(
    parties: &[(LegMedia, Phone)],
    heard: &[Vec<Heard>],
    amplitude: f64,
    hears: impl Fn(usize, usize) -> bool,
) {
    for (listener, (_, phone)) in parties.iter().enumerate() {
        assert_continuous(&heard[listener]);
        let samples = samples(phone, &heard[listener]);
        let wanted = (0..parties.len()).filter(|speaker| hears(listener, *speaker)).count();
        let loudness = amplitude * (wanted.max(1) as f64).sqrt();
        if wanted == 0 {
            assert!(samples.iter().all(|sample| sample.unsigned_abs() <= 8), "{listener} hears");
            continue;
        }
        let windows = || samples[SETTLED..].windows(WINDOW).step_by(WINDOW / 4);
        assert!(windows().count() >= 3, "{listener} hears too little: {}", samples.len());
        for speaker in 0..parties.len() {
            let levels = windows().map(|window| level(window, pitch(speaker)));
            if hears(listener, speaker) {
                let level = 20.0 * (levels.fold(0.0, f64::max) / amplitude).log10();
                assert!(level > -3.0, "{listener} hears {speaker} at {level:.1} dB only");
            } else {
                let level = 20.0 * (levels.fold(f64::MAX, f64::min) / loudness).log10();
                assert!(level < -60.0, "{listener} hears {speaker} at {level:.1} dB");
            }
        }
    }
}

#[test]
fn of_three_each_hears_the_two_others_and_never_itself() {
    unhindered(|| {
        let mut stage = Stage::new(61);
        let mut parties = conference(&mut stage, 3);
        let heard = all_talk(&mut parties, 6_000, FRAMES);
        assert_matrix(&parties, &heard, 6_000.0, |listener, speaker| listener != speaker);
        // A steady stream: a packet a frame, all through one numbering.
        for heard in &heard {
            assert!(heard.len() + 5 >= FRAMES, "{} of {FRAMES}", heard.len());
            assert!(heard.iter().all(|heard| heard.payload.len() == 160));
        }
    });
}

#[test]
fn sixteen_hear_fifteen_each() {
    unhindered(|| {
        let mut stage = Stage::new(62);
        let mut parties = conference(&mut stage, 16);
        // All at once, below what is bent: each of the others is there, in some window.
        let heard = all_talk(&mut parties, 1_200, 100);
        for (listener, (_, phone)) in parties.iter().enumerate() {
            assert_continuous(&heard[listener]);
            let samples = samples(phone, &heard[listener]);
            for speaker in (0..16).filter(|speaker| *speaker != listener) {
                let windows = samples.windows(WINDOW).step_by(WINDOW / 4);
                let level = windows.map(|window| level(window, pitch(speaker))).fold(0.0, f64::max);
                assert!(level > 300.0, "{listener} hears {speaker} at {level:.0} only");
            }
        }
        // One after another, as what G.711 makes of fifteen tones would hide an echo: who speaks
        // hears nothing at all.
        for speaker in 0..16 {
            for (_, phone) in &parties {
                phone.hear_ready();
            }
            let heard = one_talks(&mut parties, speaker, 8_000, 25);
            for (listener, (_, phone)) in parties.iter().enumerate() {
                let samples = samples(phone, &heard[listener]);
                let level = level(&samples[samples.len() - 2_400..], pitch(speaker));
                if listener == speaker {
                    let loudest = samples[2_400..].iter().map(|sample| sample.unsigned_abs()).max();
                    assert!(loudest <= Some(8), "{speaker} hears itself: {loudest:?}");
                } else {
                    assert!(level > 1_000.0, "{listener} hears {speaker} at {level:.0} only");
                }
            }
        }
    });
}

#[test]
fn the_eighteenth_of_a_list_is_not_heard_and_is_counted() {
    unhindered(|| {
        let mut stage = Stage::new(63);
        let parties = parties(&mut stage, 18);
        let mut first = parties[0].0.clone();
        first.hears = Source::Mix(ids(&parties));
        stage.set(&first);
        stage.settle();
        assert_eq!(stage.workers.counters().commands_unknown, 1);
        // Named twice is heard once, and who is not open is no error.
        first.hears = Source::Mix(Arc::from(vec![parties[1].0.leg; 40]));
        stage.set(&first);
        stage.settle();
        assert_eq!(stage.workers.counters().commands_unknown, 1);
    });
}

#[test]
fn from_a_leg_to_a_mix_to_music_and_back_it_is_one_stream() {
    unhindered(|| {
        let (mut stage, mut parties, play) = with_music(64, 8_000, 3);
        let (all, second) = (ids(&parties), parties[1].0.leg);
        let mut first = parties[0].0.clone();
        let mix = Source::Mix(all);
        let turns = [Source::Leg(second), mix.clone(), play, mix, Source::Leg(second)];
        let mut heard = Vec::new();
        for hears in turns {
            first.hears = hears;
            stage.set(&first);
            stage.settle();
            heard.extend(all_talk(&mut parties, 6_000, 20).swap_remove(0));
        }
        assert_continuous(&heard);
        // Timestamps and arrival go together: nothing is left out, nothing sent twice.
        let (begin, end) = (&heard[0], &heard[heard.len() - 1]);
        let by_timestamp = u64::from(end.header.timestamp.wrapping_sub(begin.header.timestamp)) / 8;
        let by_clock = (end.at - begin.at).as_millis() as u64;
        assert!(by_timestamp.abs_diff(by_clock) <= 60, "{by_timestamp} ms in {by_clock} ms");
        assert!(heard.len() >= 90, "{}", heard.len());
    });
}

#[test]
fn no_change_of_source_clicks() {
    unhindered(|| {
        let (mut stage, mut parties, play) = with_music(70, 6_000, 2);
        let (all, second) = (ids(&parties), parties[1].0.leg);
        let mut first = parties[0].0.clone();
        let mix = Source::Mix(all);
        let turns =
            [mix.clone(), Source::Leg(second), play.clone(), Source::Leg(second), mix, play];
        let mut heard = Vec::new();
        for turn in 0..24 {
            first.hears = turns[turn % turns.len()].clone();
            stage.set(&first);
            stage.settle();
            // A whole number of periods in a frame: the sender itself has no step.
            let frames = 7 + turn % 3;
            let said = talk(&mut parties, frames, |_| tone::sine(250.0, 6_000, 160 * frames));
            heard.extend(said.into_iter().next().unwrap());
        }
        assert_continuous(&heard);
        let samples = samples(&parties[0].1, &heard);
        let natural = (6_000.0 * TAU * 700.0 / 8_000.0) as u16;
        let step = samples.windows(2).map(|pair| pair[1].abs_diff(pair[0])).max().unwrap_or(0);
        assert!(
            step <= natural + 12_000 / 40 + 512,
            "a step of {step}, the tones' own is {natural}"
        );
    });
}

#[test]
fn who_joins_and_who_leaves_is_not_noticed_in_the_stream() {
    unhindered(|| {
        let mut stage = Stage::new(65);
        let mut parties = parties(&mut stage, 3);
        let mut first = parties[0].0.clone();
        let lists = [&[1][..], &[1, 2], &[2], &[], &[2, 1]];
        let mut heard = Vec::new();
        for list in lists {
            let list: Vec<LegId> = list.iter().map(|at| parties[*at].0.leg).collect();
            first.hears = Source::Mix(list.into());
            stage.set(&first);
            stage.set(&first);
            heard.extend(all_talk(&mut parties, 6_000, 20).swap_remove(0));
        }
        assert_continuous(&heard);
        let marks = heard.iter().filter(|heard| heard.header.marker).count();
        assert_eq!(marks, 1, "the stream begins once");
        let steps = heard
            .windows(2)
            .map(|pair| pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp));
        assert!(steps.clone().all(|step| step == 160), "{:?}", steps.collect::<Vec<_>>());
        // A party that hangs up is silent, the others go on.
        stage.workers.send(MediaCommand::Close { leg: parties[2].0.leg }).unwrap();
        stage.settle();
        let (_, mut gone) = parties.remove(2);
        gone.send(&[0x2a; 160]);
        let heard = all_talk(&mut parties, 6_000, FRAMES);
        assert_matrix(&parties, &heard, 6_000.0, |listener, speaker| (listener, speaker) == (0, 1));
    });
}

#[test]
fn a_mix_may_name_a_leg_that_opens_later() {
    unhindered(|| {
        let mut stage = Stage::new(66);
        let mut parties = parties(&mut stage, 2);
        let later = stage.leg_id();
        for (media, _) in &mut parties {
            let mut all: Vec<LegId> = vec![later];
            all.push(media.leg);
            media.hears = Source::Mix(all.into());
            stage.set(media);
        }
        stage.settle();
        let third = stage.leg_of(later, Codec::Pcma);
        parties.push(third);
        let heard = all_talk(&mut parties, 6_000, FRAMES);
        assert_matrix(&parties, &heard, 6_000.0, |listener, speaker| listener < 2 && speaker == 2);
    });
}

#[test]
fn lost_and_late_packets_are_not_heard_as_holes() {
    unhindered(|| {
        let mut stage = Stage::new(67);
        let mut parties = parties(&mut stage, 2);
        let speaker = parties[1].0.leg;
        let mut first = parties[0].0.clone();
        first.hears = Source::Mix(Arc::from([speaker]));
        stage.set(&first);
        let voice = tone::sine(160.0, 8_000, 160 * 250);
        let (mut heard, mut kept) = (Vec::new(), None);
        let began = Instant::now();
        for (frame, samples) in voice.chunks_exact(160).enumerate() {
            beat(began, frame);
            let phone = &mut parties[1].1;
            let bytes = phone.encode(samples);
            match frame % 20 {
                // Lost on the way.
                9 => phone.skip(160),
                // Overtaken by the next.
                14 => kept = Some(phone.write(&bytes)),
                15 => {
                    phone.send(&bytes);
                    phone.send_raw(&kept.take().unwrap());
                }
                _ => phone.send(&bytes),
            }
            heard.extend(parties[0].1.hear_ready());
        }
        assert_continuous(&heard);
        let samples = samples(&parties[0].1, &heard);
        let settled = &samples[100 * 160..];
        let silent =
            settled.chunks_exact(80).filter(|part| media::compare::is_silent(part)).count();
        assert!(silent <= 4, "{silent} pieces of 10 ms are silent");
    });
}

#[test]
fn who_is_on_hold_gets_nothing_and_comes_back_into_the_mix() {
    unhindered(|| {
        let mut stage = Stage::new(68);
        let mut parties = conference(&mut stage, 3);
        all_talk(&mut parties, 6_000, 5);
        parties[0].0.sends = false;
        stage.set(&parties[0].0);
        stage.settle();
        parties[0].1.hear_rest();
        let heard = all_talk(&mut parties, 6_000, 10);
        assert!(heard[0].is_empty(), "{}", heard[0].len());
        assert!(heard[1].len() >= 8);
        parties[0].0.sends = true;
        stage.set(&parties[0].0);
        let heard = all_talk(&mut parties, 6_000, FRAMES);
        assert!(heard[0][0].header.marker, "a pause ends with a mark");
        assert_matrix(&parties, &heard, 6_000.0, |listener, speaker| listener != speaker);
    });
}

#[test]
fn silence_is_sent_where_nobody_speaks() {
    unhindered(|| {
        let mut stage = Stage::new(69);
        let mut parties = parties(&mut stage, 3);
        let mut first = parties[0].0.clone();
        first.hears = Source::Mix(ids(&parties));
        stage.set(&first);
        let phone = &mut parties[0].1;
        let heard = phone.hear_many(10);
        assert_continuous(&heard);
        assert!(heard.iter().all(|heard| heard.payload == [0xd5; 160]));
        assert!(heard[9].at - heard[0].at >= FRAME * 7);
        // The mix ends with its leg, not before.
        stage.workers.send(MediaCommand::Close { leg: first.leg }).unwrap();
        stage.settle();
        phone.hear_rest();
        assert!(phone.hear_within(Duration::from_millis(60)).is_none());
    });
}
