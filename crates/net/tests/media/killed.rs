//! Killed in the middle: what was recorded is there, up to the last second, and can be sealed.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use media::{Codec, LegMedia, Prompts, Source, tone};

use crate::stage::{HEARD, Phone, Stage, assert_whole, mended, read_wav, share, talk};
use crate::steady::unhindered;

/// Asks a test binary to be an engine that records until it is killed; says where.
const FOLDER: &str = "HOTLINE_TEST_RECORD_INTO";
/// Recorded calls at the moment when it is killed.
const CALLS: &str = "HOTLINE_TEST_CALLS";
/// How many of them there are where many are killed at once.
const MANY: usize = 200;
/// How often that is done; with the variable `HOTLINE_TEST_KILLS` as often as it says.
const KILLS: usize = 2;

fn files(folder: &Path) -> Vec<PathBuf> {
    let day = folder.join("2025/01/02");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(day).unwrap().map(|entry| entry.unwrap().path()).collect();
    // By their numbers, that is in the order in which they were begun.
    files.sort_by_key(|file| (file.as_os_str().len(), file.clone()));
    files
}

/// Repairs a recording and looks for what was said in it, which took until `said` after it began.
fn assert_recovered(file: &Path, voice: &[i16], said: Duration) {
    // Even unrepaired it is a file that plays.
    let playable = read_wav(file).0.len();
    let seal = mended(file);
    assert!(seal.frames >= playable as u64);
    assert_whole(file, &seal);
    let lost = said.as_millis() as u64 - seal.frames / 8;
    assert!(lost <= 1_000, "{lost} ms lost");
    let (left, _) = read_wav(file);
    let share = share(&voice[..left.len() - 800], &left);
    assert!(share >= HEARD, "{share}");
}

#[test]
fn dropped_without_a_stop_the_recording_is_there() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = Stage::with(81, Prompts::default(), |config| {
            config.recordings.dir = folder.path().to_owned();
        });
        let [(a, mut phone_a), (b, _)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        stage.settle();
        let began = Instant::now();
        stage.record(&a, &b);
        let voice = tone::voice(10, 12_000, 24_000);
        talk(&mut [(&mut phone_a, &voice)]);
        let said = began.elapsed();
        let Stage { workers, events, .. } = stage;
        drop(workers);
        // The channel ends when the threads have.
        let told: Vec<media::MediaEvent> = events.iter().collect();
        assert!(told.is_empty(), "nothing is sealed or closed: {told:?}");
        let files = files(folder.path());
        assert_eq!(files.len(), 1);
        assert_recovered(&files[0], &voice, said);
    });
}

/// Not a test by itself: the engine that the next ones kill.
#[test]
fn an_engine_that_records_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let calls: usize = std::env::var(CALLS).unwrap().parse().unwrap();
    let mut stage = Stage::with(82, Prompts::default(), |config| {
        config.recordings.dir = folder.into();
        config.workers = 2;
    });
    let mut out = std::io::stdout();
    for _ in 0..calls {
        let [(a, phone), (b, _)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        stage.record(&a, &b);
        writeln!(out, "leg {} {}", a.leg.0.counter(), phone.engine).unwrap();
        // The phone is the other process: its address is told when it is known.
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        let remote = line.trim().parse().unwrap();
        stage.set(&LegMedia { remote, hears: Source::Leg(b.leg), ..a });
    }
    stage.settle();
    writeln!(out, "leg - ready").unwrap();
    // Until it is killed, or everyone has gone: then the input ends.
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    drop(stage);
}

/// Has an engine record so many calls, each a voice of its own of so many samples, and kills it.
/// Says how long they had talked then.
fn killed(folder: &Path, calls: usize, samples: usize) -> (Vec<Vec<i16>>, Duration) {
    let mut engine = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::an_engine_that_records_until_it_is_killed", "--nocapture"])
        .env(FOLDER, folder)
        .env(CALLS, calls.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(engine.stdout.take().unwrap()).lines();
    let mut tell = engine.stdin.take().unwrap();
    let mut next = || loop {
        let line = told.next().expect("the engine runs").unwrap();
        if let Some((_, rest)) = line.split_once("leg ") {
            return rest.to_owned();
        }
    };
    let mut phones = Vec::new();
    for n in 0..calls as u32 {
        let line = next();
        let (_, address) = line.split_once(' ').unwrap();
        let ip = std::net::Ipv4Addr::new(127, 88, 3, 82);
        let phone = Phone::new(ip, address.parse().unwrap(), Codec::Pcma, n + 1);
        writeln!(tell, "{}", phone.address()).unwrap();
        phones.push(phone);
    }
    assert_eq!(next(), "- ready");
    let voices: Vec<Vec<i16>> =
        (0..calls as u64).map(|n| tone::voice(20 + n, 12_000, samples)).collect();
    let mut talking: Vec<(&mut Phone, &[i16])> =
        phones.iter_mut().zip(&voices).map(|(phone, voice)| (phone, voice.as_slice())).collect();
    let talked = Instant::now();
    talk(&mut talking);
    let said = talked.elapsed();
    // SIGKILL: nothing in the engine hears of it.
    engine.kill().unwrap();
    engine.wait().unwrap();
    (voices, said)
}

/// Every call has its recording, and that has all that was said up to the last second: its length
/// is looked at in each, its sound in every `step`-th.
fn assert_all_recovered(folder: &Path, voices: &[Vec<i16>], said: Duration, step: usize) {
    let files = files(folder);
    assert_eq!(files.len(), voices.len(), "none is orphaned");
    for (number, (file, voice)) in files.iter().zip(voices).enumerate() {
        let seal = mended(file);
        assert_whole(file, &seal);
        assert!(seal.frames / 8 + 1_000 >= said.as_millis() as u64, "{said:?}: {seal:?}");
        if !number.is_multiple_of(step) {
            continue;
        }
        let (left, _) = read_wav(file);
        // What was said until a second before the end is all there.
        let share = share(&voice[..voice.len() - 8_000], &left);
        assert!(share >= HEARD, "{share}");
    }
}

#[test]
fn after_kill_9_every_recording_plays_up_to_the_last_second() {
    unhindered(|| {
        let folder = tempfile::tempdir().unwrap();
        let (voices, said) = killed(folder.path(), 5, 24_000);
        assert_all_recovered(folder.path(), &voices, said, 1);
    });
}

#[test]
fn after_kill_9_under_two_hundred_calls_none_is_orphaned_and_each_plays_up_to_the_last_second() {
    let kills = std::env::var("HOTLINE_TEST_KILLS").ok();
    let kills = kills.map_or(KILLS, |kills| kills.parse().unwrap());
    for kill in 0..kills {
        unhindered(|| {
            let folder = tempfile::tempdir().unwrap();
            // Another moment each time, also within a piece.
            let samples = 12_000 + 160 * (7 * kill % 51);
            let (voices, said) = killed(folder.path(), MANY, samples);
            assert_all_recovered(folder.path(), &voices, said, 20);
        });
    }
}
