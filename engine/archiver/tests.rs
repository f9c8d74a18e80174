//! What is old enough is archived and told; retention, holds and certificates know no difference.

use std::io::Read as _;

use model::{CallId, Mono, RecordingId};
use net::recorder::{Audio, Expected, Verdict};
use recording::{Header, Tape};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::retention::tests::{DAY, House, NEW_YEAR, call, id, keys, rule};

/// A second after all that is told here, and two days later.
const LATER: Wall = Wall(NEW_YEAR.0 + 2 * DAY);

impl House {
    fn archiver(&self) -> Archiver {
        let sweeper = &self.sweeper;
        Archiver {
            store: sweeper.store.clone(),
            settling: sweeper.settling.clone(),
            brain: sweeper.brain.clone(),
            folder: sweeper.folder.clone(),
            after: Duration::from_secs(86_400),
            keys: Arc::clone(&sweeper.keys),
            keeping: Arc::clone(&sweeper.keeping),
            counts: Arc::default(),
            runtime: runtime::Handle::current(),
        }
    }

    /// A recording of two seconds, sealed.
    async fn tapes(&self, counter: u32) -> (PathBuf, Expected) {
        let (recording, call) = (id(counter), call(counter));
        let header = Header { recording, call, wall: NEW_YEAR, mono: Mono(0), key: None };
        let drawn = recording::Drawn { key: [counter as u8; 32].into(), nonce: [3; 12] };
        let (header, key) = header.with_key(&self.sweeper.keys, &drawn).unwrap();
        let mut bytes = Vec::new();
        let mut tape = Tape::new(&header, key, &mut bytes);
        let voice = media::tone::voice(counter.into(), 12_000, 32_000);
        voice.chunks(8_000).for_each(|piece| tape.sound(piece, &mut bytes).unwrap());
        let seal = tape.seal(&mut bytes).unwrap();
        let path = self.records(counter, NEW_YEAR).await;
        std::fs::write(&path, bytes).unwrap();
        let told =
            FactBody::RecordingSealed { call, recording, seal: seal.clone(), recovered: false };
        self.tell(told).await;
        (path, Expected { recording: Some(recording), seal: Some(seal) })
    }
}

fn heard(path: &std::path::Path, expected: &Expected) -> Vec<u8> {
    let mut wav = Vec::new();
    Audio::open(path, &keys(), expected).unwrap().read_to_end(&mut wav).unwrap();
    wav
}

/// A round on a thread of its own, as it has in the engine.
async fn round(archiver: Archiver, now: Wall) -> (Round, Archiver) {
    let (_stop, stops) = crossbeam_channel::bounded(0);
    let rounding = std::thread::spawn(move || (archiver.round(now, &stops).unwrap(), archiver));
    tokio::task::spawn_blocking(move || rounding.join().unwrap()).await.unwrap()
}

fn of(counter: u32) -> (CallId, RecordingId) {
    (call(counter), id(counter))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_enough_is_archived_once_and_plays_as_before() {
    let house = House::new(rule(365)).await;
    let (path, expected) = house.tapes(7).await;
    let (wav, before) = (heard(&path, &expected), std::fs::metadata(&path).unwrap().len());
    let (none, archiver) = round(house.archiver(), NEW_YEAR).await;
    assert_eq!((none.archived, std::fs::metadata(&path).unwrap().len()), (0, before));
    let (some, archiver) = round(archiver, LATER).await;
    assert!(some.archived == 1 && some.failed.is_none(), "{some:?}");
    let after = std::fs::metadata(&path).unwrap().len();
    assert_eq!(archiver.counts.saved_bytes.load(Ordering::Relaxed), before - after);
    assert_eq!(heard(&path, &expected), wav);
    assert_eq!(net::recorder::verify(&path, &expected, &keys()).unwrap(), Verdict::Ok);
    let (again, _) = round(archiver, LATER).await;
    assert_eq!(again.archived, 0, "it is told");
    let Archiver { store, folder, .. } = house.archiver();
    let verify = crate::recordings::Command::Verify { which: Vec::new() };
    crate::recordings::run(&store, (&folder, &keys()), verify).await.unwrap();
    // Who has no key knows the file itself.
    let nobody = Keyring::default();
    let verify = || crate::recordings::Command::Verify { which: vec![id(7).to_string()] };
    crate::recordings::run(&store, (&folder, &nobody), verify()).await.unwrap();
    let made = std::fs::read(&path).unwrap();
    std::fs::write(&path, forged(made)).unwrap();
    let said = crate::recordings::run(&store, (&folder, &nobody), verify()).await.unwrap_err();
    assert_eq!(said.to_string(), "1 recordings are missing or changed");
}

/// An archive with another sound in its first piece, and that piece's hash made anew.
fn forged(mut archive: Vec<u8>) -> Vec<u8> {
    let from = recording::ARCHIVE_HEADER_BYTES;
    let bytes = recording::ArchivedHead::read(&archive[from..]).unwrap().bytes();
    archive[from + bytes - 60] ^= 1;
    let (body, hash) = archive[from..from + bytes].split_at_mut(bytes - 32);
    hash.copy_from_slice(&Sha256::digest(body));
    archive
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_archived_by_an_engine_that_was_killed_before_it_told_is_told_by_the_next() {
    let house = House::new(rule(365)).await;
    let (path, expected) = house.tapes(7).await;
    let seal = expected.seal.clone().unwrap();
    let prepared = net::recorder::prepare(&path, (id(7), &seal), &keys(), &mut |_| Ok(())).unwrap();
    let Prepared::Ready(ready) = prepared else { panic!("{prepared:?}") };
    let made = ready.replace(&mut |_| Ok(())).unwrap();
    let house = house.killed().await;
    let (told, archiver) = round(house.archiver(), LATER).await;
    assert_eq!((told.archived, std::fs::metadata(&path).unwrap().len()), (1, made.after));
    assert_eq!(round(archiver, LATER).await.0.archived, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_held_deleted_and_certified_as_its_recording_would_be() {
    let house = House::new(rule(5)).await;
    let (path, expected) = house.tapes(7).await;
    let ((call, recording), by) = (of(7), model::UserId::from("qa"));
    let hold = FactBody::RecordingHeld { call, recording, by: by.clone(), why: "case 7".into() };
    house.tell(hold).await;
    assert_eq!(round(house.archiver(), LATER).await.0.archived, 1, "held, and archived");
    let due = Wall(NEW_YEAR.0 + 6 * DAY);
    assert_eq!((house.sweep(due).await, path.exists()), (0, true));
    let hash = hex::encode(Sha256::digest(std::fs::read(&path).unwrap()));
    house.tell(FactBody::RecordingReleased { call, recording, by }).await;
    assert_eq!((house.sweep(due).await, path.exists()), (1, false));
    let texts = house.certificates().await;
    let seal = expected.seal.unwrap().sha256;
    assert!(texts[0].contains(&hash) && texts[0].contains(&seal), "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_not_as_sealed_keeps_nobody_else_and_is_told() {
    let house = House::new(rule(365)).await;
    let (damaged, _) = house.tapes(7).await;
    let mut bytes = std::fs::read(&damaged).unwrap();
    bytes[20_000] ^= 1;
    std::fs::write(&damaged, &bytes).unwrap();
    let gone = house.tapes(8).await.0;
    std::fs::remove_file(&gone).unwrap();
    house.tapes(9).await;
    let (some, archiver) = round(house.archiver(), LATER).await;
    let failed = format!("{:#}", some.failed.unwrap());
    assert_eq!((some.archived, failed.as_str()), (1, "the recording r1-1-7: altered at second 0"));
    assert_eq!(archiver.counts.failed.load(Ordering::Relaxed), 2);
    assert_eq!(std::fs::read(&damaged).unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_to_be_deleted_is_not_archived_and_a_stop_ends_the_thread() {
    let house = House::new(rule(1)).await;
    let (path, _) = house.tapes(7).await;
    let doomed = house.archiver();
    let keeping = Arc::clone(&house.sweeper.keeping);
    let taken = keeping.lock().await;
    let (_stop, stops) = crossbeam_channel::bounded(0);
    let rounding = std::thread::spawn(move || doomed.round(LATER, &stops).unwrap());
    // It waits for its turn to replace; by then the recording is deleted.
    let (call, recording) = of(7);
    let deletion =
        Box::new(model::Deletion { rule: "short".into(), due: LATER, sha256: None, bytes: 0 });
    house.tell(FactBody::RecordingDoomed { call, recording, deletion }).await;
    net::recorder::erase(&path).unwrap();
    drop(taken);
    let round = tokio::task::spawn_blocking(move || rounding.join().unwrap()).await.unwrap();
    assert_eq!(round.archived, 0);
    assert!(!path.exists() && !path.with_extension("tape.new").exists());
    let clock = Clock::start();
    let archiving = house.archiver().start(clock).unwrap();
    tokio::task::spawn_blocking(|| archiving.stop()).await.unwrap();
}
