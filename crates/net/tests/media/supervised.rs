//! A supervisor at a call, by what each phone hears, and what the recording keeps of it.

use media::{Codec, MediaCommand, MediaEvent, Prompts, Sides, Supervision, TapedVoices, tone};

use crate::mixed::{FRAMES, all_talk, assert_matrix, parties};
use crate::stage::{HEARD, Stage, assert_continuous, middle, read_wav, share, talk};
use crate::steady::unhindered;

const CUSTOMER: usize = 0;
const AGENT: usize = 1;
const BOSS: usize = 2;

/// All three send their tones; asserts whom the customer, the agent and the supervisor hear.
fn assert_heard(host: u8, supervision: Supervision, wanted: [&[usize]; 3]) {
    let mut stage = Stage::new(host);
    let mut parties = parties(&mut stage, 3);
    let [customer, agent, boss] = [0, 1, 2].map(|at: usize| parties[at].0.leg);
    let sides = Sides { customers: &[customer], agents: &[agent] };
    for (leg, hears) in sides.supervised(supervision, boss) {
        for (media, _) in parties.iter_mut().filter(|(media, _)| media.leg == leg) {
            media.hears = hears.clone();
            stage.set(media);
        }
    }
    stage.settle();
    let heard = all_talk(&mut parties, 6_000, FRAMES);
    assert_matrix(&parties, &heard, 6_000.0, |listener, speaker| {
        wanted[listener].contains(&speaker)
    });
}

#[test]
fn a_monitor_hears_both_and_is_heard_by_none() {
    unhindered(|| {
        assert_heard(81, Supervision::Monitor, [&[AGENT], &[CUSTOMER], &[CUSTOMER, AGENT]]);
    });
}

#[test]
fn a_whisper_is_heard_by_the_agent_and_not_by_the_customer() {
    unhindered(|| {
        assert_heard(82, Supervision::Whisper, [&[AGENT], &[CUSTOMER, BOSS], &[CUSTOMER, AGENT]]);
    });
}

#[test]
fn who_barges_in_is_heard_by_all() {
    unhindered(|| {
        let wanted: [&[usize]; 3] = [&[AGENT, BOSS], &[CUSTOMER, BOSS], &[CUSTOMER, AGENT]];
        assert_heard(83, Supervision::Barge, wanted);
    });
}

#[test]
fn who_takes_over_speaks_with_the_customer_alone() {
    unhindered(|| {
        assert_heard(84, Supervision::Takeover, [&[BOSS], &[], &[CUSTOMER]]);
    });
}

#[test]
fn who_changes_how_they_listen_breaks_nobodys_stream_and_is_heard_by_whom_they_speak_to() {
    unhindered(|| {
        let mut stage = Stage::new(87);
        let mut parties = parties(&mut stage, 3);
        let [customer, agent, boss] = [0, 1, 2].map(|at: usize| parties[at].0.leg);
        let sides = Sides { customers: &[customer], agents: &[agent] };
        let monitor: [&[usize]; 3] = [&[AGENT], &[CUSTOMER], &[CUSTOMER, AGENT]];
        let whisper: [&[usize]; 3] = [&[AGENT], &[CUSTOMER, BOSS], &[CUSTOMER, AGENT]];
        let barge: [&[usize]; 3] = [&[AGENT, BOSS], &[CUSTOMER, BOSS], &[CUSTOMER, AGENT]];
        let modes = [
            (Supervision::Monitor, monitor),
            (Supervision::Whisper, whisper),
            (Supervision::Barge, barge),
            (Supervision::Monitor, monitor),
        ];
        let mut streams = [const { Vec::new() }; 3];
        for (supervision, wanted) in modes {
            for (leg, hears) in sides.supervised(supervision, boss) {
                for (media, _) in parties.iter_mut().filter(|(media, _)| media.leg == leg) {
                    media.hears = hears.clone();
                    stage.set(media);
                }
            }
            stage.settle();
            let heard = all_talk(&mut parties, 6_000, FRAMES);
            assert_matrix(&parties, &heard, 6_000.0, |listener, speaker| {
                wanted[listener].contains(&speaker)
            });
            for (stream, heard) in streams.iter_mut().zip(heard) {
                stream.extend(heard);
            }
        }
        for stream in &streams {
            assert_continuous(stream);
        }
    });
}

#[test]
fn a_recording_follows_the_call_from_agent_to_agent_and_keeps_whispers_by_choice() {
    unhindered(|| {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_path_buf();
        let mut stage = Stage::with(85, Prompts::default(), |config| config.recordings.dir = root);
        let [(customer, mut caller), (agent, mut phone), (boss, mut chief)] =
            [Codec::Pcma, Codec::Pcmu, Codec::Pcma].map(|codec| stage.leg(codec));
        let (recording, path) = stage.record(&customer, &agent);
        let sides = Sides { customers: &[customer.leg], agents: &[agent.leg] };
        let wanted = [
            sides.taped_agents(Supervision::Whisper, boss.leg, false),
            sides.taped_agents(Supervision::Whisper, boss.leg, true),
            sides.taped_agents(Supervision::Takeover, boss.leg, false),
        ];
        // In each part customer and agent speak at once, then the supervisor, each a new voice.
        let voices =
            [1, 2, 3].map(|part| [10, 20, 30].map(|who| tone::voice(part + who, 9_000, 8_000)));
        for ([customers, agents, bosses], taped) in voices.iter().zip(wanted) {
            let customers_legs = [customer.leg].into();
            let taped = TapedVoices { recording, customers: customers_legs, agents: taped };
            stage.workers.send(MediaCommand::TapeVoices(taped)).unwrap();
            stage.settle();
            talk(&mut [(&mut caller, customers), (&mut phone, agents)]);
            talk(&mut [(&mut chief, bosses)]);
        }
        stage.settle();
        stage.stop_recording(recording);
        stage.event(|event| match event {
            MediaEvent::RecordingSealed { recording: sealed, .. } if *sealed == recording => {
                Some(())
            }
            _ => None,
        });
        let (left, right) = read_wav(&dir.path().join(path));
        let is_taped = [[false, true, false], [false, true, true], [false, false, true]];
        for (part, voices) in voices.iter().enumerate() {
            assert!(share(&voices[CUSTOMER], &left) > HEARD, "the customer in part {part}");
            for speaker in [CUSTOMER, AGENT, BOSS] {
                let share = share(&voices[speaker], &right);
                let told = format!("part {part}, voice {speaker}: {share:.2}");
                assert!(
                    if is_taped[part][speaker] { share > HEARD } else { share < 0.2 },
                    "{told}"
                );
            }
        }
        // The sides stay together through the changes: who spoke at once lies side by side.
        for voices in &voices[..2] {
            let apart = middle(&voices[CUSTOMER], &left).abs_diff(middle(&voices[AGENT], &right));
            assert!(apart <= 800, "{apart} samples apart");
        }
    });
}
