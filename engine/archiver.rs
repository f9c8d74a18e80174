//! Archives recordings that are old enough, one after the other, on one thread that works when
//! nobody else does. How a file is replaced by its archive is [`net::recorder::prepare`]'s; here it
//! is decided which, and facts are written.
//!
//! A recording that was archived and of which the fact was not kept, because the engine was killed
//! in between, is found in its archived form by the next round, verified, and told then.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use model::{FactBody, Wall};
use net::recorder::{Archived, Prepared};
use recording::Keyring;
use store::{Settling, Store, Unarchived};
use tokio::runtime;
use tokio::sync::oneshot;

use crate::brain::{Handle, Inbox};
use crate::clock::Clock;
use crate::figures::ArchiveCounts;
use crate::retention::Keeping;

/// How long after a round the next one begins.
const EVERY: Duration = Duration::from_secs(6 * 3_600);
/// How long the database may take to have what was told.
const SETTLES_WITHIN: Duration = Duration::from_secs(10);
/// The alarm's name.
const ALARM: &str = "archive";

/// What archives.
pub struct Archiver {
    /// What is known of recordings.
    pub store: Store,
    /// How far what was told is in there.
    pub settling: Settling,
    /// Where the facts go.
    pub brain: Handle,
    /// Where the recordings are.
    pub folder: PathBuf,
    /// How old a recording is that is archived.
    pub after: Duration,
    /// What opens recordings and encrypts archives.
    pub keys: Arc<Keyring>,
    /// Taken while a recording is replaced, as while one is deleted.
    pub keeping: Keeping,
    /// What was done.
    pub counts: Arc<ArchiveCounts>,
    /// Where the store's questions are asked.
    pub runtime: runtime::Handle,
}

/// The thread that archives. It ends when this is gone, at the next piece.
#[derive(Debug)]
pub struct Archiving {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Archiving {
    /// Ends it: what was begun is undone.
    pub fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the thread that archives panicked");
        }
    }
}

/// What a round came to.
#[derive(Debug, Default)]
pub struct Round {
    /// Recordings that were archived.
    pub archived: u64,
    /// Why one could not be: the first of them.
    pub failed: Option<anyhow::Error>,
}

impl Archiver {
    /// Begins at once, and again six hours after each round.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(self, clock: Clock) -> io::Result<Archiving> {
        let (stop, stops) = crossbeam_channel::bounded(0);
        let thread = std::thread::Builder::new().name("archiver".to_owned()).spawn(move || {
            net::scheduling::stand_back();
            let mut is_raised = false;
            loop {
                let round = self.round(clock.wall(), &stops);
                let failed = match round {
                    Ok(Round { archived, failed }) => {
                        if archived > 0 {
                            tracing::info!(archived, "recordings were archived");
                        }
                        failed
                    }
                    Err(error) => Some(error),
                };
                if has_ended(&stops) {
                    return;
                }
                self.alarm(&mut is_raised, failed.map(|error| format!("{error:#}")));
                match stops.recv_timeout(EVERY) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(Archiving { stop, thread })
    }

    /// Raises the alarm once, and clears it once.
    fn alarm(&self, is_raised: &mut bool, wrong: Option<String>) {
        let is_wrong = wrong.is_some();
        let body = match wrong {
            Some(detail) => {
                tracing::error!(detail, "recordings are not archived");
                FactBody::AlarmRaised { alarm: ALARM.into(), detail }
            }
            None => FactBody::AlarmCleared { alarm: ALARM.into() },
        };
        if std::mem::replace(is_raised, is_wrong) != is_wrong {
            self.brain.send_surely(Inbox::Note { body, kept: None });
        }
    }

    /// Archives what is old enough at `now`, until the sender of `stops` is gone. One that cannot
    /// be archived stays as it is and is tried again by the next round; where the disk fails or is
    /// full the round ends.
    ///
    /// # Errors
    /// The database fails, or the disk.
    pub fn round(&self, now: Wall, stops: &Receiver<()>) -> anyhow::Result<Round> {
        let micros = i64::try_from(self.after.as_micros()).unwrap_or(i64::MAX);
        let before = Wall(now.0.saturating_sub(micros));
        let (mut round, mut last) = (Round::default(), None);
        loop {
            let some = self.store.unarchived_recordings(before, last.as_ref());
            let some = self.runtime.block_on(some)?;
            for one in &some {
                if has_ended(stops) {
                    return Ok(round);
                }
                match self.archive(one, stops) {
                    Ok(is_archived) => round.archived += u64::from(is_archived),
                    Err(_) if has_ended(stops) => return Ok(round),
                    Err(error) => {
                        self.counts.failed.fetch_add(1, Ordering::Relaxed);
                        let is_of_disk = is_of_disk(&error);
                        let error = error.context(format!("the recording {}", one.recording));
                        tracing::error!("it could not be archived: {error:#}");
                        round.failed.get_or_insert(error);
                        if is_of_disk {
                            return Ok(round);
                        }
                    }
                }
            }
            let Some(end) = some.into_iter().next_back() else { return Ok(round) };
            last = Some(end);
        }
    }

    /// Archives one. False if it stays as it is.
    fn archive(&self, one: &Unarchived, stops: &Receiver<()>) -> anyhow::Result<bool> {
        ensure!(recording::is_safe(&one.path), "'{}' is not a path for recordings", one.path);
        let path = self.folder.join(&one.path);
        let mut goes_on = |_| match has_ended(stops) {
            true => Err(io::ErrorKind::Interrupted.into()),
            false => Ok(()),
        };
        let wanted = (one.recording, &one.seal);
        let prepared = match net::recorder::prepare(&path, wanted, &self.keys, &mut goes_on) {
            Ok(prepared) => prepared,
            Err(error) => {
                // What was deleted meanwhile is no failure.
                return if self.is_doomed(one)? { Ok(false) } else { Err(error.into()) };
            }
        };
        let archived = match prepared {
            Prepared::Ready(ready) => {
                let _taken = self.runtime.block_on(self.keeping.lock());
                if self.is_doomed(one)? {
                    return Ok(false);
                }
                ready.replace(&mut |_| Ok(()))?
            }
            Prepared::Already(archived) => archived,
            Prepared::NoSmaller => {
                self.counts.left.fetch_add(1, Ordering::Relaxed);
                return Ok(false);
            }
        };
        let Archived { before, after, sha256 } = archived;
        self.counts.archived.fetch_add(1, Ordering::Relaxed);
        self.counts.saved_bytes.fetch_add(before.saturating_sub(after), Ordering::Relaxed);
        let (call, recording) = (one.call, one.recording);
        self.note(FactBody::RecordingArchived { call, recording, bytes: after, sha256 })?;
        Ok(true)
    }

    /// Whether it was deleted, or is about to be, since it was listed.
    fn is_doomed(&self, one: &Unarchived) -> anyhow::Result<bool> {
        let kept = self.runtime.block_on(self.store.kept_recording(one.recording))?;
        Ok(kept.is_none_or(|kept| kept.doom.is_some()))
    }

    /// Keeps a fact, and waits until the database has it.
    fn note(&self, body: FactBody) -> anyhow::Result<()> {
        let (kept, is_kept) = oneshot::channel();
        self.brain.send_surely(Inbox::Note { body, kept: Some(kept) });
        is_kept.blocking_recv().context("the engine ends")?;
        let settled = self.runtime.block_on(self.settling.catch_up(SETTLES_WITHIN));
        ensure!(settled, "the database is behind");
        Ok(())
    }
}

fn has_ended(stops: &Receiver<()>) -> bool {
    matches!(stops.try_recv(), Err(TryRecvError::Disconnected))
}

/// Whether it is the disk that failed, and not one recording that is not as it should be.
fn is_of_disk(error: &anyhow::Error) -> bool {
    let Some(error) = error.downcast_ref::<io::Error>() else { return false };
    !matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::InvalidData | io::ErrorKind::PermissionDenied
    )
}

#[cfg(test)]
mod tests;
