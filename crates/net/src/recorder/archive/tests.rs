//! A recording is whole and plays before, while and after it is archived, and whoever is killed or
//! finds the disk full in between leaves it so.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::process::Command;

use media::tone;
use model::Mono;
use recording::{Header, Tape};

use super::super::file::tests::{header, keys};
use super::super::{Audio, examine, peaks};
use super::*;

/// Asks the test binary to archive a recording and to die at a step; says in which folder.
const FOLDER: &str = "HOTLINE_TEST_ARCHIVE_IN";
/// At how many steps it dies.
const STEPS: &str = "HOTLINE_TEST_ARCHIVE_STEPS";
/// That the recording is deleted at that step, before it dies.
const ERASED: &str = "HOTLINE_TEST_ARCHIVE_ERASED";
/// Pieces of the recordings here.
const PIECES: usize = 7;
/// Steps of archiving one.
const ALL_STEPS: usize = PIECES + 8;

/// A recording's file of voices, one piece of silence and a short one at the end; and its seal.
pub(super) fn taped(counter: u32, pieces: usize, keys: &Keyring) -> (Vec<u8>, Header, Seal) {
    let recording = RecordingId(model::Id::new(1, 1, counter));
    let header = Header { recording, mono: Mono(counter.into()), ..header() };
    let (header, key) = header.with_key(keys, &draw().unwrap()).unwrap();
    let mut file = Vec::new();
    let mut tape = Tape::new(&header, key, &mut file);
    let voices =
        [1, 2].map(|side| tone::voice(u64::from(side * 1_000 + counter), 12_000, 4_000 * pieces));
    let frames: Vec<i16> =
        voices[0].iter().zip(&voices[1]).flat_map(|(a, b)| [*a & !7, *b & !7]).collect();
    for (number, piece) in frames.chunks(8_000).enumerate() {
        match number {
            3 => tape.silence(&mut file).unwrap(),
            _ if number + 1 == pieces => tape.sound(&piece[..2 * 1_234], &mut file).unwrap(),
            _ => tape.sound(piece, &mut file).unwrap(),
        }
    }
    let seal = tape.seal(&mut file).unwrap();
    (file, header, seal)
}

fn written(folder: &Path, keys: &Keyring) -> (PathBuf, Vec<u8>, (RecordingId, Seal)) {
    let (file, header, seal) = taped(9, PIECES, keys);
    let path = folder.join("r1-1-9.tape");
    std::fs::write(&path, &file).unwrap();
    (path, file, (header.recording, seal))
}

fn archive(path: &Path, (recording, seal): &(RecordingId, Seal), keys: &Keyring) -> Prepared {
    prepare(path, (*recording, seal), keys, &mut |_| Ok(())).unwrap()
}

/// Archives a recording to the end.
pub(super) fn archived(path: &Path, of: &(RecordingId, Seal), keys: &Keyring) -> Archived {
    match archive(path, of, keys) {
        Prepared::Ready(ready) => ready.replace(&mut |_| Ok(())).unwrap(),
        Prepared::Already(archived) => archived,
        Prepared::NoSmaller => panic!("it is smaller"),
    }
}

fn expected((recording, seal): &(RecordingId, Seal)) -> Expected {
    Expected { recording: Some(*recording), seal: Some(seal.clone()) }
}

fn played(path: &Path, of: &(RecordingId, Seal), keys: &Keyring) -> Vec<u8> {
    let mut audio = Audio::open(path, keys, &expected(of)).unwrap();
    assert!(audio.is_sealed());
    let mut wav = Vec::new();
    audio.read_to_end(&mut wav).unwrap();
    assert_eq!((wav.len() as u64, audio.faults()), (audio.length(), Vec::new()));
    wav
}

fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn an_archive_is_smaller_and_plays_verifies_and_draws_as_the_recording_did() {
    for keys in [Keyring::default(), keys()] {
        let folder = tempfile::tempdir().unwrap();
        let (path, file, of) = written(folder.path(), &keys);
        let (wav, drawn) = (played(&path, &of, &keys), peaks(&path, &keys, &expected(&of)));
        let made = archived(&path, &of, &keys);
        let now = std::fs::read(&path).unwrap();
        assert_eq!((made.before, made.after), (file.len() as u64, now.len() as u64));
        assert_eq!(made.sha256, hex::encode(Sha256::digest(&now)));
        assert!(made.after < made.before * 4 / 5, "{made:?}");
        assert_eq!(played(&path, &of, &keys), wav);
        assert_eq!(peaks(&path, &keys, &expected(&of)).unwrap(), drawn.unwrap());
        assert_eq!(verify(&path, &expected(&of), &keys).unwrap(), Verdict::Ok);
        let report = examine(&path, &keys).unwrap().unwrap();
        assert_eq!((report.to_string().as_str(), report.frames), ("whole", of.1.frames));
        let mut audio = Audio::open(&path, &keys, &expected(&of)).unwrap();
        for (from, count) in [(0, 50), (43, 2), (16_043, 9), (31_000, 40_000), (7, 90_000)] {
            let mut part = vec![0; count];
            audio.seek(SeekFrom::Start(from as u64)).unwrap();
            audio.read_exact(&mut part).unwrap();
            assert_eq!(part, wav[from..from + count], "{count} bytes from {from}");
        }
        assert_eq!(names(folder.path()), ["r1-1-9.tape"]);
        assert!(matches!(archive(&path, &of, &keys), Prepared::Already(again) if again == made));
    }
}

#[test]
fn what_was_plain_is_encrypted_where_there_are_keys_by_now_and_nothing_is_said_without_them() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _, of) = written(folder.path(), &Keyring::default());
    let wav = played(&path, &of, &keys());
    archived(&path, &of, &keys());
    assert_eq!(played(&path, &of, &keys()), wav);
    let nobody = Keyring::default();
    let error = Audio::open(&path, &nobody, &expected(&of)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    let verdict = verify(&path, &expected(&of), &nobody).unwrap();
    assert!(matches!(verdict, Verdict::Undecrypted(_)), "{verdict:?}");
    let other = Keyring::parse(&format!("k1 = {}", "08".repeat(32))).unwrap();
    let verdict = verify(&path, &expected(&of), &other).unwrap();
    assert!(matches!(verdict, Verdict::Damaged(_)), "a key of that name that does not open");
}

#[test]
fn what_is_not_as_sealed_or_cannot_be_opened_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (path, file, of) = written(folder.path(), &keys());
    let refused = |keys: &Keyring| {
        let error = prepare(&path, (of.0, &of.1), keys, &mut |_| Ok(())).unwrap_err();
        assert_eq!(names(folder.path()), ["r1-1-9.tape"]);
        error
    };
    assert_eq!(refused(&Keyring::default()).kind(), io::ErrorKind::PermissionDenied);
    assert_eq!(std::fs::read(&path).unwrap(), file);
    let mut altered = file.clone();
    altered[40_000] ^= 1;
    std::fs::write(&path, &altered).unwrap();
    assert_eq!(refused(&keys()).to_string(), "altered at second 1");
    // Whole in itself, and not what was sealed.
    let (other, _, _) = taped(9, PIECES + 1, &keys());
    std::fs::write(&path, &other).unwrap();
    assert_eq!(refused(&keys()).kind(), io::ErrorKind::InvalidData);
    assert_eq!(std::fs::read(&path).unwrap(), other);
    let wav = folder.path().join("r1-1-9.wav");
    assert!(prepare(&wav, (of.0, &of.1), &keys(), &mut |_| Ok(())).is_err());
}

#[test]
fn what_would_be_no_smaller_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r1-1-9.tape");
    let mut file = Vec::new();
    let header = header();
    let mut tape = Tape::new(&header, None, &mut file);
    let mut noise = vec![0_u8; 16_000];
    getrandom::fill(&mut noise).unwrap();
    let noise: Vec<i16> =
        noise.chunks(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    tape.sound(&noise, &mut file).unwrap();
    let of = (header.recording, tape.seal(&mut file).unwrap());
    std::fs::write(&path, &file).unwrap();
    assert!(matches!(archive(&path, &of, &Keyring::default()), Prepared::NoSmaller));
    assert_eq!(std::fs::read(&path).unwrap(), file);
    assert_eq!(names(folder.path()), ["r1-1-9.tape"]);
}

#[test]
fn a_disk_that_is_full_at_any_step_leaves_the_recording_and_nothing_beside_it() {
    for fails_at in 0..=PIECES + 3 {
        let folder = tempfile::tempdir().unwrap();
        let (path, file, of) = written(folder.path(), &keys());
        let mut steps = 0;
        let mut full = |_| {
            steps += 1;
            let is_full = steps > fails_at;
            if is_full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        };
        let error = prepare(&path, (of.0, &of.1), &keys(), &mut full).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull, "at {fails_at}");
        assert_eq!(std::fs::read(&path).unwrap(), file);
        assert_eq!(names(folder.path()), ["r1-1-9.tape"]);
    }
}

/// Not a test by itself: the engine that the next one kills while it archives.
#[test]
fn an_engine_that_archives_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let dies_at: usize = std::env::var(STEPS).unwrap().parse().unwrap();
    let path = Path::new(&folder).join("r1-1-9.tape");
    let seal = std::fs::read_to_string(Path::new(&folder).join("seal")).unwrap();
    let (sha256, numbers) = seal.split_once(' ').unwrap();
    let (bytes, frames) = numbers.split_once(' ').unwrap();
    let seal = Seal {
        sha256: sha256.to_owned(),
        bytes: bytes.parse().unwrap(),
        frames: frames.parse().unwrap(),
    };
    let mut steps = 0;
    let mut watch = |_| {
        steps += 1;
        if steps >= dies_at {
            if std::env::var_os(ERASED).is_some() {
                erase(&path).unwrap();
            }
            // No destructor runs, nothing is flushed or undone.
            let _ = rustix::process::kill_process(
                rustix::process::getpid(),
                rustix::process::Signal::KILL,
            );
        }
        Ok(())
    };
    let recording = RecordingId(model::Id::new(1, 1, 9));
    match prepare(&path, (recording, &seal), &keys(), &mut watch).unwrap() {
        Prepared::Ready(ready) => drop(ready.replace(&mut watch).unwrap()),
        Prepared::Already(_) | Prepared::NoSmaller => panic!("it is not archived yet"),
    }
}

/// Archives a recording until it is killed at that step, at which it `is_erased` before.
fn killed(folder: &Path, (_, seal): &(RecordingId, Seal), dies_at: usize, is_erased: bool) {
    let seal = format!("{} {} {}", seal.sha256, seal.bytes, seal.frames);
    std::fs::write(folder.join("seal"), seal).unwrap();
    let name = "recorder::archive::tests::an_engine_that_archives_until_it_is_killed";
    let mut engine = Command::new(std::env::current_exe().unwrap());
    engine.args(["--exact", name]).env(FOLDER, folder).env(STEPS, dies_at.to_string());
    if is_erased {
        engine.env(ERASED, "1");
    }
    assert!(!engine.output().unwrap().status.success(), "it is killed at step {dies_at}");
    std::fs::remove_file(folder.join("seal")).unwrap();
}

#[test]
fn killed_at_any_step_it_leaves_a_whole_recording_and_the_next_attempt_archives_it() {
    for dies_at in 1..=ALL_STEPS {
        let folder = tempfile::tempdir().unwrap();
        let (path, file, of) = written(folder.path(), &keys());
        let wav = played(&path, &of, &keys());
        killed(folder.path(), &of, dies_at, false);
        assert_eq!(played(&path, &of, &keys()), wav, "killed at step {dies_at}");
        assert_eq!(verify(&path, &expected(&of), &keys()).unwrap(), Verdict::Ok);
        let is_archived = std::fs::read(&path).unwrap() != file;
        assert_eq!(is_archived, dies_at > ALL_STEPS - 4, "killed at step {dies_at}");
        let made = archived(&path, &of, &keys());
        assert!(made.after < made.before && !beside(&path).exists());
        assert_eq!(played(&path, &of, &keys()), wav);
    }
}

/// Deletes the recording at a step; by which error its archiving ends.
fn deleted_at(erases_at: usize) -> (io::ErrorKind, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (path, _, of) = written(folder.path(), &keys());
    let mut steps = 0;
    let mut watch = |_| {
        steps += 1;
        if steps == erases_at {
            erase(&path)?;
        }
        Ok(())
    };
    let error = prepare(&path, (of.0, &of.1), &keys(), &mut watch).unwrap_err();
    (error.kind(), names(folder.path()))
}

#[test]
fn what_is_deleted_while_it_is_archived_leaves_nothing_and_is_no_archive() {
    // When the new file was made, at each of its pieces, when it was written and when flushed.
    for erases_at in 1..=PIECES + 3 {
        let left = deleted_at(erases_at);
        assert_eq!(left, (io::ErrorKind::NotFound, Vec::new()), "at step {erases_at}");
    }
}

#[test]
fn what_is_deleted_between_the_looking_and_the_making_ends_before_there_is_any_sound() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _, of) = written(folder.path(), &keys());
    let mut seen = Vec::new();
    let mut watch = |step| {
        seen.push(step);
        // As if it had been deleted before the new file was made: that one stays.
        match step {
            Step::Made => erase_one(&path),
            _ => Ok(()),
        }
    };
    let error = prepare(&path, (of.0, &of.1), &keys(), &mut watch).unwrap_err();
    assert_eq!((error.kind(), seen), (io::ErrorKind::NotFound, vec![Step::Made]));
    assert!(names(folder.path()).is_empty());
}

#[test]
fn who_is_killed_while_a_recording_is_deleted_leaves_nothing_that_plays() {
    for dies_at in 1..=PIECES + 3 {
        let folder = tempfile::tempdir().unwrap();
        let (_, _, of) = written(folder.path(), &keys());
        killed(folder.path(), &of, dies_at, true);
        let left: Vec<PathBuf> =
            names(folder.path()).iter().map(|name| folder.path().join(name)).collect();
        for path in left {
            let sound = std::fs::metadata(&path).unwrap().len();
            assert_eq!(sound, 0, "killed at step {dies_at}: {path:?}");
        }
    }
}

#[test]
fn what_was_replaced_or_is_deleted_keeps_no_key_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _, of) = written(folder.path(), &keys());
    let old = File::open(&path).unwrap();
    archived(&path, &of, &keys());
    let mut header = [1; TAPE_HEADER_BYTES];
    old.read_exact_at(&mut header, 0).unwrap();
    assert_eq!(header, [0; TAPE_HEADER_BYTES]);
    std::fs::write(beside(&path), [7; 900]).unwrap();
    let (new, left) = (File::open(&path).unwrap(), File::open(beside(&path)).unwrap());
    erase(&path).unwrap();
    assert!(names(folder.path()).is_empty());
    for file in [new, left] {
        let mut header = [1; ARCHIVE_HEADER_BYTES];
        file.read_exact_at(&mut header, 0).unwrap();
        assert_eq!(header, [0; ARCHIVE_HEADER_BYTES]);
    }
    erase(&path).unwrap();
}
