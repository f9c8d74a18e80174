//! Recordings that come to their end, with real files and a real database, in virtual time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use model::{AgentId, CallId, Fact, Id, Mono, SCHEMA_VERSION, Seal, UserId};
use recording::CertificateFault;
use sha2::{Digest as _, Sha256};
use store::{Notice, Purpose, Writer, WriterLimits};

use super::*;

pub(crate) const DAY: i64 = 86_400_000_000;
/// Midnight in China, 2025-01-01.
pub(crate) const NEW_YEAR: Wall = Wall(1_735_660_800_000_000);

/// A store, its writer, and in the brain's place what keeps every fact that is told.
pub(crate) struct House {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) sweeper: Sweeper,
    brain: JoinHandle<Writer>,
}

pub(crate) fn id(counter: u32) -> RecordingId {
    RecordingId(Id::new(1, 1, counter))
}

pub(crate) fn call(counter: u32) -> CallId {
    CallId(Id::new(1, 1, counter))
}

pub(crate) fn rule(days: u32) -> Retention {
    let (name, from) = ("short".to_owned(), KeepFrom::Recorded);
    Retention::new(vec![Rule { name, queue: None, class: None, years: 0, days, from }])
}

pub(crate) fn keys() -> Arc<Keyring> {
    Arc::new(Keyring::parse(&format!("k1 = {}", "5a".repeat(32))).unwrap())
}

/// Keeps what is told until nobody can tell anything any more.
fn brain(
    inbox: crossbeam_channel::Receiver<Inbox>,
    store: &Store,
) -> (JoinHandle<Writer>, Settling) {
    let (committed, commits) = crossbeam_channel::unbounded();
    let notify = move |notice| {
        if let Notice::Committed { up_to_seq } = notice {
            let _ = committed.send(up_to_seq);
        }
    };
    let writer = Writer::start(store, None, WriterLimits::default(), notify).unwrap();
    let settling = writer.settling();
    static EPOCH: AtomicU64 = AtomicU64::new(1);
    let epoch = EPOCH.fetch_add(1, Ordering::Relaxed) as u32;
    let thread = std::thread::spawn(move || {
        for (message, seq) in inbox.iter().zip(1..) {
            let Inbox::Note { body, kept } = message else { continue };
            let (mono, wall) = (Mono(0), NEW_YEAR);
            let fact = Fact { site: 1, epoch, seq, mono, wall, version: SCHEMA_VERSION, body };
            writer.append(vec![fact], Vec::new()).unwrap();
            while commits.recv().unwrap() < seq {}
            if let Some(kept) = kept {
                let _ = kept.send(());
            }
        }
        writer
    });
    (thread, settling)
}

impl House {
    pub(crate) async fn new(retention: Retention) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::again(folder, retention).await
    }

    /// After the engine was killed, with what it left.
    pub(crate) async fn again(folder: tempfile::TempDir, retention: Retention) -> Self {
        let database = folder.path().join("hotline.db").display().to_string();
        let store = Store::open(&database, 1, Purpose::Engine).await.unwrap();
        let (handle, inbox) = Handle::bounded(64);
        let (brain, settling) = brain(inbox, &store);
        let recordings = folder.path().join("recordings");
        std::fs::create_dir_all(&recordings).unwrap();
        let sweeper = Sweeper {
            store,
            settling,
            brain: handle,
            folder: recordings,
            retention,
            keys: keys(),
            keeping: Keeping::default(),
        };
        Self { folder, sweeper, brain }
    }

    pub(crate) async fn killed(self) -> Self {
        let (retention, store) = (self.sweeper.retention.clone(), self.sweeper.store.clone());
        drop(self.sweeper);
        let writer = self.brain.join().unwrap();
        writer.stop(Duration::from_secs(60)).await.unwrap();
        store.close().await;
        // With the last of them the lock is gone, for the next engine to take.
        drop(store);
        Self::again(self.folder, retention).await
    }

    pub(crate) async fn tell(&self, body: FactBody) {
        self.sweeper.note(body).await.unwrap();
    }

    /// A recording of one second that began `at`, sealed.
    pub(crate) async fn records(&self, counter: u32, at: Wall) -> PathBuf {
        let (recording, call) = (id(counter), call(counter));
        let path = recording::relative_path(recording, at);
        let file = self.sweeper.folder.join(&path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, counter.to_string().repeat(300)).unwrap();
        let agent = AgentId::from("8001");
        let mailbox = None;
        let started = FactBody::RecordingStarted { call, recording, agent, path, mailbox };
        self.tell(started).await;
        let seal = Seal { sha256: "cd".repeat(32), bytes: 300, frames: 8_000 };
        self.tell(FactBody::RecordingSealed { call, recording, seal, recovered: false }).await;
        file
    }

    pub(crate) async fn sweep(&self, now: Wall) -> u64 {
        let swept = self.sweeper.sweep(now).await.unwrap();
        assert!(swept.failed.is_none(), "{:?}", swept.failed);
        swept.deleted
    }

    /// Checks all certificates and gives their texts.
    pub(crate) async fn certificates(&self) -> Vec<String> {
        let mut chain = Chain::default();
        let all = self.sweeper.store.certificates(0).await.unwrap();
        for of in &all {
            assert_eq!(chain.check(&of.certificate, of.recording, &self.sweeper.keys), Ok(()));
        }
        all.into_iter().map(|of| of.certificate.text).collect()
    }

    pub(crate) fn kept(&self, counter: u32) -> impl Future<Output = Option<KeptRecording>> {
        let store = self.sweeper.store.clone();
        async move { store.kept_recording(id(counter)).await.unwrap() }
    }
}

/// When what began at [`NEW_YEAR`] and is kept for a day is due.
pub(crate) const DUE: Wall = Wall(NEW_YEAR.0 + 1_000_000 + DAY);

#[tokio::test]
async fn what_is_due_is_deleted_to_the_microsecond_and_certified() {
    let house = House::new(rule(1)).await;
    let file = house.records(7, NEW_YEAR).await;
    assert_eq!(house.sweep(Wall(DUE.0 - 1)).await, 0);
    assert!(file.exists());
    assert_eq!(house.sweep(DUE).await, 1);
    assert!(!file.exists());
    assert_eq!(house.sweep(Wall(DUE.0 + DAY)).await, 0);
    let texts = house.certificates().await;
    let [text] = &texts[..] else { panic!("{texts:?}") };
    let hash = hex::encode(Sha256::digest("7".repeat(300)));
    for line in [
        "recording: r1-1-7\n",
        "call: c1-1-7\n",
        "file: 2024/12/31/r1-1-7.tape\n",
        "began: 2025-01-01T00:00:00.000000+08:00\n",
        "frames: 8000\n",
        &format!("sha256: {hash}\nbytes: 300\n"),
        "rule: short\n",
        "due: 2025-01-02T00:00:01.000000+08:00\nremoved: 2025-01-02T00:00:01.000000+08:00\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(text.contains("\nsignature: "), "{text}");
}

#[tokio::test]
async fn an_engine_killed_at_any_step_leaves_what_the_next_one_ends_with_the_same_certificate() {
    for steps in 0..=4 {
        let house = House::new(rule(1)).await;
        let file = house.records(7, NEW_YEAR).await;
        let kept = house.kept(7).await.unwrap();
        let sweeper = &house.sweeper;
        if steps >= 1 {
            let due = sweeper.due(&kept, DUE).unwrap().unwrap();
            sweeper.doom(&kept, &file, due.0, due.1).await.unwrap();
        }
        if steps == 2 {
            std::fs::write(&file, [0; 300]).unwrap();
        } else if steps >= 3 {
            net::recorder::erase(&file).unwrap();
        }
        if steps == 4 {
            let doom = house.kept(7).await.unwrap().doom.unwrap();
            sweeper.certify(&kept, doom, DUE).await.unwrap();
        }
        let house = house.killed().await;
        let certified = steps == 4;
        assert_eq!(house.sweep(DUE).await, u64::from(!certified), "after {steps} steps");
        assert!(!file.exists());
        let texts = house.certificates().await;
        let hash = hex::encode(Sha256::digest("7".repeat(300)));
        assert!(texts.len() == 1 && texts[0].contains(&hash), "after {steps} steps: {texts:?}");
    }
}

#[tokio::test]
async fn a_deletion_that_was_begun_is_ended_whatever_the_rules_are_now() {
    let house = House::new(rule(1)).await;
    let file = house.records(7, NEW_YEAR).await;
    let kept = house.kept(7).await.unwrap();
    let due = house.sweeper.due(&kept, DUE).unwrap().unwrap();
    house.sweeper.doom(&kept, &file, due.0, due.1).await.unwrap();
    net::recorder::erase(&file).unwrap();
    let mut house = house.killed().await;
    house.sweeper.retention = rule(3_650);
    assert_eq!((house.sweep(DUE).await, house.certificates().await.len()), (1, 1));
}

#[tokio::test]
async fn what_is_held_stays_until_it_is_released_and_what_was_gone_is_said_to_be() {
    let house = House::new(rule(1)).await;
    let (first, second) = (house.records(1, NEW_YEAR).await, house.records(2, NEW_YEAR).await);
    let (call, recording, by) = (call(1), id(1), UserId::from("qa"));
    let why = "case 7".to_owned();
    house.tell(FactBody::RecordingHeld { call, recording, by: by.clone(), why }).await;
    std::fs::remove_file(&second).unwrap();
    let later = Wall(DUE.0 + 3_650 * DAY);
    assert_eq!(house.sweep(later).await, 1);
    assert!(first.exists());
    let texts = house.certificates().await;
    assert!(texts[0].contains("\nsha256: none: it was gone already\nbytes: 0\n"), "{texts:?}");
    house.tell(FactBody::RecordingReleased { call, recording, by }).await;
    assert_eq!(house.sweep(later).await, 1);
    assert!(!first.exists());
    assert_eq!(house.certificates().await.len(), 2);
}

#[tokio::test]
async fn a_hold_of_another_site_that_crosses_the_doom_is_stronger_until_it_is_released() {
    let house = House::new(rule(1)).await;
    let file = house.records(7, NEW_YEAR).await;
    let kept = house.kept(7).await.unwrap();
    let due = house.sweeper.due(&kept, DUE).unwrap().unwrap();
    house.sweeper.doom(&kept, &file, due.0, due.1).await.unwrap();
    let (call, recording, by) = (call(7), id(7), UserId::from("qa"));
    let why = "case 7".to_owned();
    house.tell(FactBody::RecordingHeld { call, recording, by: by.clone(), why }).await;
    assert_eq!(house.sweep(DUE).await, 0);
    assert!(file.exists());
    house.tell(FactBody::RecordingReleased { call, recording, by }).await;
    assert_eq!((house.sweep(DUE).await, file.exists()), (1, false));
}

#[tokio::test]
async fn a_disk_that_is_not_there_has_lost_nothing_and_one_that_fails_keeps_nobody_else() {
    let house = House::new(rule(1)).await;
    let file = house.records(1, NEW_YEAR).await;
    let (mounted, away) = (house.sweeper.folder.clone(), house.folder.path().join("away"));
    std::fs::rename(&mounted, &away).unwrap();
    for make in [false, true] {
        if make {
            std::fs::create_dir(&mounted).unwrap();
        }
        let swept = house.sweeper.sweep(DUE).await.unwrap();
        assert!(swept.deleted == 0 && swept.failed.is_some(), "{swept:?}");
    }
    assert!(house.certificates().await.is_empty() && house.kept(1).await.unwrap().doom.is_none());
    std::fs::remove_dir(&mounted).unwrap();
    std::fs::rename(&away, &mounted).unwrap();
    // A folder in a file's place cannot be hashed; the recording beside it is deleted all the same.
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let other = house.records(2, NEW_YEAR).await;
    let swept = house.sweeper.sweep(DUE).await.unwrap();
    assert!(swept.deleted == 1 && swept.failed.is_some() && !other.exists(), "{swept:?}");
}

#[tokio::test]
async fn a_year_of_recordings_goes_day_by_day_and_every_one_has_its_certificate() {
    let house = House::new(rule(30)).await;
    let mut files = Vec::new();
    for counter in 1..=40 {
        // The facts are all of New Year's day; how long each lasts is in its seal.
        files.push(house.records(counter, NEW_YEAR).await);
        let (call, recording) = (call(counter), id(counter));
        let frames = u64::from(counter) * 86_400 * 8_000;
        let seal = Seal { sha256: "cd".repeat(32), bytes: 300, frames };
        house.tell(FactBody::RecordingSealed { call, recording, seal, recovered: true }).await;
    }
    let due = |number: usize| NEW_YEAR.0 + (number as i64 + 31) * DAY;
    for now in (NEW_YEAR.0..NEW_YEAR.0 + 80 * DAY).step_by(SWEEP_EVERY_MS as usize * 1_000) {
        house.sweep(Wall(now)).await;
        for (number, file) in files.iter().enumerate() {
            assert_eq!(file.exists(), now < due(number), "{number} at {now}");
        }
    }
    assert_eq!(house.certificates().await.len(), 40);
    let mut all = house.sweeper.store.certificates(0).await.unwrap();
    all.remove(7);
    let mut chain = Chain::default();
    let check = |of: &store::Certified| chain.check(&of.certificate, of.recording, &keys());
    let faults: Vec<_> = all.iter().map(check).filter_map(Result::err).collect();
    assert_eq!(faults, [CertificateFault::LeftOut(8)]);
}

#[tokio::test]
async fn verifying_knows_what_was_deleted_and_minds_a_file_that_is_there_again() {
    let house = House::new(rule(1)).await;
    let file = house.records(7, NEW_YEAR).await;
    assert_eq!(house.sweep(DUE).await, 1);
    let Sweeper { store, folder, keys, .. } = &house.sweeper;
    let verify = || crate::recordings::Command::Verify { which: Vec::new() };
    crate::recordings::run(store, (folder, keys), verify()).await.unwrap();
    std::fs::write(&file, "again").unwrap();
    let said = crate::recordings::run(store, (folder, keys), verify()).await.unwrap_err();
    assert_eq!(said.to_string(), "1 recordings are missing or changed");
}

fn kept() -> KeptRecording {
    KeptRecording {
        call: call(1),
        recording: id(2),
        path: "2025/01/01/r1-1-2.tape".to_owned(),
        started: Wall(0),
        sealed: Some((80_000, "cd".to_owned())),
        lost: false,
        is_held: false,
        doom: None,
        queue: Some("claims".into()),
        disposition: None,
        policy_ends_on: Some("2025-06-30".to_owned()),
    }
}

#[test]
fn what_is_still_being_made_is_not_decided_upon_nor_what_has_a_day_that_is_none() {
    let made = taped(&kept()).unwrap().unwrap();
    assert_eq!(made.ended, Wall(10_000_000));
    // The last day of the policy is over at midnight in China.
    assert_eq!(made.policy_end, Some(Wall(1_751_299_200_000_000)));
    assert_eq!(taped(&KeptRecording { sealed: None, ..kept() }).unwrap(), None);
    let lost = taped(&KeptRecording { sealed: None, lost: true, ..kept() });
    assert_eq!(lost.unwrap().unwrap().ended, Wall(0));
    let never = Some("2025-06-31".to_owned());
    assert!(taped(&KeptRecording { policy_ends_on: never, ..kept() }).is_err());
}

#[test]
fn what_is_configured_is_what_is_decided_by() {
    let mut config = Config::without_trunks();
    assert_eq!(policy(&config), Retention::default());
    config.retention.push(config::Retention {
        name: "claims".to_owned(),
        queue: Some("claims".to_owned()),
        disposition: None,
        keep_years: 0,
        keep_days: 1,
        from: config::KeepFrom::Recorded,
    });
    let due = Wall(DAY + 10_000_000);
    let policy = policy(&config);
    let decided = policy.decide(&taped(&kept()).unwrap().unwrap(), due);
    assert!(matches!(decided, Decision::Delete { due: since, .. } if since == due));
}
