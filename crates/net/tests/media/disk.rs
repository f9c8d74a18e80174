//! Disks that are full, or not there: the call goes on, an alarm is told, recording resumes.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use media::{Codec, MediaEvent, Prompts, tone};
use model::RecordingId;

use crate::stage::{HEARD, Phone, Stage, assert_whole, middle, read_wav, share, talk};
use crate::steady::unhindered;

fn gap(stage: &Stage, wanted: RecordingId) -> String {
    stage.event(|event| match event {
        MediaEvent::RecordingGap { recording, error } if *recording == wanted => {
            Some(error.clone())
        }
        MediaEvent::RecordingSealed { .. } => panic!("sealed before the disk failed"),
        _ => None,
    })
}

fn resumed(stage: &Stage, wanted: RecordingId) {
    stage.event(|event| match event {
        MediaEvent::RecordingResumed { recording } if *recording == wanted => Some(()),
        MediaEvent::RecordingGap { error, .. } => panic!("told again: {error}"),
        _ => None,
    });
}

fn seal(stage: &Stage, wanted: RecordingId) -> model::Seal {
    stage.event(|event| match event {
        MediaEvent::RecordingSealed { recording, seal } if *recording == wanted => {
            Some(seal.clone())
        }
        _ => None,
    })
}

fn with_recordings(host: u8, folder: &Path) -> Stage {
    Stage::with(host, Prompts::default(), |config| config.recordings.dir = folder.to_owned())
}

/// The call goes on: what one says the other hears.
fn assert_talking(one: &mut Phone, other: &Phone) {
    other.hear_rest();
    one.send(&[42; 160]);
    assert_eq!(other.hear().payload, [42; 160]);
}

/// A small file system of its own; unmounted at the end.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    /// `None`, said aloud, where mounting is not allowed.
    fn mount(at: &'a Path, bytes: u32) -> Option<Self> {
        let size = format!("size={bytes}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(at)
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            // Past the capture of test output: a skip is to be seen.
            let _ = writeln!(std::io::stderr(), "SKIPPED: no tmpfs can be mounted here");
        }
        mounted.then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_makes_a_gap_and_the_rest_is_recorded() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let Some(_disk) = SmallDisk::mount(folder.path(), 256 * 1024) else { return };
        let ballast = folder.path().join("ballast");
        std::fs::write(&ballast, vec![0; 216 * 1024]).unwrap();
        let mut stage = with_recordings(71, folder.path());
        let [(a, mut phone_a), (b, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        stage.settle();
        let (recording, path) = stage.record(&a, &b);
        // 32 kB a second: the disk is full after a second or so.
        let (before, lost) = (tone::voice(6, 12_000, 4_800), tone::voice(7, 12_000, 32_000));
        talk(&mut [(&mut phone_a, &before)]);
        talk(&mut [(&mut phone_a, &lost)]);
        let error = gap(&stage, recording);
        assert!(error.contains("space"), "{error}");
        assert_talking(&mut phone_a, &phone_b);

        std::fs::remove_file(&ballast).unwrap();
        resumed(&stage, recording);
        let after = tone::voice(8, 12_000, 8_000);
        talk(&mut [(&mut phone_a, &after)]);
        stage.stop_recording(recording);
        let ended_ms = stage.now().as_ms();
        let seal = seal(&stage, recording);
        let file = folder.path().join(path);
        assert_whole(&file, &seal);
        let (left, _) = read_wav(&file);
        assert!(share(&before, &left) >= HEARD, "what was said before is there");
        assert!(share(&after, &left) >= HEARD, "what was said afterwards is there");
        // And lies where it was said: the gap has its length.
        let to_end = left.len() - middle(&after, &left);
        assert!((4_000 - 160..4_000 + 1_600).contains(&to_end), "{to_end} samples before the end");
        assert!(seal.frames / 8 <= ended_ms && seal.frames > 45_000, "{seal:?}");
    });
}

#[test]
fn a_folder_that_cannot_be_made_is_tried_again_until_it_can() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let recordings = folder.path().join("recordings");
        std::fs::write(&recordings, b"a file where the folder should be").unwrap();
        let mut stage = with_recordings(72, &recordings);
        let [(a, mut phone_a), (b, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        stage.settle();
        let (recording, path) = stage.record(&a, &b);
        gap(&stage, recording);
        assert_talking(&mut phone_a, &phone_b);
        // It is not given up when the call is over, either.
        let voice = tone::voice(9, 12_000, 8_000);
        talk(&mut [(&mut phone_a, &voice)]);
        stage.stop_recording(recording);
        std::fs::remove_file(&recordings).unwrap();
        resumed(&stage, recording);
        let seal = seal(&stage, recording);
        let file = recordings.join(path);
        assert_whole(&file, &seal);
        let (left, _) = read_wav(&file);
        assert!(share(&voice, &left) >= HEARD);
    });
}

#[test]
fn a_path_that_leaves_the_folder_is_refused() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = with_recordings(73, &folder.path().join("recordings"));
        let [(a, _), (b, _)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        let recording = stage.recording_id();
        let command = media::MediaCommand::StartRecording {
            call: stage.call,
            recording,
            caller: a.leg,
            agent: Some(b.leg),
            path: "../escaped.tape".to_owned(),
            at: stage.now(),
            quiet_ms: None,
        };
        stage.workers.send(command).unwrap();
        let refused = stage.event(|event| match event {
            MediaEvent::RecordingLost { recording: lost, error, is_left: false } => {
                (*lost == recording).then(|| error.clone())
            }
            _ => None,
        });
        assert!(refused.contains("escaped"), "{refused}");
        stage.stop_recording(recording);
        stage.settle();
        stage.workers.stop();
        assert!(!folder.path().join("escaped.tape").exists());
    });
}
