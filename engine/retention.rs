//! Deletes recordings whose time is over, each with its certificate. What is due is decided by
//! [`recording::Retention`]; here files are hashed and removed, and facts written.
//!
//! A deletion has three steps, and each is kept before the next one begins: what is in the file is
//! noted (`recording_doomed`), the file is removed, that is certified (`recording_deleted`). An
//! engine that was killed between two of them goes on with the next.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use model::{Deletion, FactBody, RecordingId, Wall};
use recording::{
    Chain, Decision, Ended, KeepFrom, Keyring, Retention, Rule, SWEEP_EVERY_MS, Taped,
};
use store::{KeptRecording, Settling, Store};
use tokio::sync::{Mutex, oneshot};

use crate::brain::{Handle, Inbox};
use crate::clock::Clock;
use crate::config::{self, Config};

/// How long the database may take to have what was told.
const SETTLES_WITHIN: Duration = Duration::from_secs(10);
/// How long nothing is deleted by a clock that is doubted: someone can set it right.
const DOUBT: Duration = Duration::from_secs(86_400);
/// The alarm's name.
const ALARM: &str = "retention";

/// Taken while a recording is deleted, and while one is put under hold: who was told that it is
/// held finds it there.
pub type Keeping = Arc<Mutex<()>>;

/// What is kept for how long, as configured.
pub fn policy(config: &Config) -> Retention {
    let rule = |rule: &config::Retention| Rule {
        name: rule.name.clone(),
        queue: rule.queue.as_deref().map(Into::into),
        class: rule.disposition.clone(),
        years: rule.keep_years,
        days: rule.keep_days,
        from: match rule.from {
            config::KeepFrom::PolicyEnd => KeepFrom::PolicyEnd,
            config::KeepFrom::Recorded => KeepFrom::Recorded,
        },
    };
    Retention::new(config.retention.iter().map(rule).collect())
}

/// What looks some times a day what is due.
pub struct Sweeper {
    /// What is known of recordings.
    pub store: Store,
    /// How far what was told is in there.
    pub settling: Settling,
    /// Where the facts go.
    pub brain: Handle,
    /// Where the recordings are.
    pub folder: PathBuf,
    /// How long each is kept.
    pub retention: Retention,
    /// What certificates are signed with.
    pub keys: Arc<Keyring>,
    /// Taken for each deletion.
    pub keeping: Keeping,
}

impl Sweeper {
    /// Looks at once and then each [`SWEEP_EVERY_MS`], as long as the engine of `epoch` runs; by a
    /// clock far ahead of all that is known only a day later.
    pub async fn run(self, clock: Clock, epoch: u32) {
        let mut is_raised = false;
        if let Ok(Some(last)) = self.store.newest_wall_before(epoch).await
            && recording::is_doubtful(clock.wall(), last)
        {
            let days = recording::DOUBTED_AFTER_DAYS;
            let detail = format!(
                "the clock is more than {days} days ahead of the last fact: recordings are deleted \
                 by it from tomorrow on, unless it is set right and the engine started again"
            );
            self.alarm(&mut is_raised, Some(detail));
            tokio::time::sleep(DOUBT).await;
        }
        let mut every = tokio::time::interval(Duration::from_millis(SWEEP_EVERY_MS));
        loop {
            every.tick().await;
            let failed = match self.sweep(clock.wall()).await {
                Ok(Swept { deleted, failed }) => {
                    if deleted > 0 {
                        tracing::info!(deleted, "recordings whose time was over");
                    }
                    failed
                }
                Err(error) => Some(error),
            };
            self.alarm(&mut is_raised, failed.map(|error| format!("{error:#}")));
        }
    }

    /// Raises the alarm once, and clears it once.
    fn alarm(&self, is_raised: &mut bool, wrong: Option<String>) {
        let body = match wrong {
            Some(detail) => {
                tracing::error!(detail, "recordings are not deleted");
                FactBody::AlarmRaised { alarm: ALARM.into(), detail }
            }
            None => FactBody::AlarmCleared { alarm: ALARM.into() },
        };
        let is_wrong = matches!(body, FactBody::AlarmRaised { .. });
        if std::mem::replace(is_raised, is_wrong) != is_wrong {
            self.brain.send_surely(Inbox::Note { body, kept: None });
        }
    }

    /// Ends the deletions that were begun and deletes what is due at `now`. What cannot be deleted
    /// is tried again by the next sweep.
    ///
    /// # Errors
    /// The database fails.
    pub async fn sweep(&self, now: Wall) -> anyhow::Result<Swept> {
        let mut swept = Swept::default();
        let begun = self.store.doomed_recordings().await?;
        for kept in &begun {
            swept.add(kept.recording, self.delete(kept.recording, now).await);
        }
        let before = self.retention.oldest_kept(now);
        let mut last = None;
        loop {
            let some = self.store.kept_recordings(before, last.as_ref()).await?;
            for kept in some.iter().filter(|kept| kept.doom.is_none()) {
                match self.due(kept, now) {
                    Ok(Some(_)) => {
                        swept.add(kept.recording, self.delete(kept.recording, now).await);
                    }
                    Ok(None) => {}
                    Err(error) => swept.add(kept.recording, Err(error)),
                }
            }
            let Some(end) = some.into_iter().next_back() else { return Ok(swept) };
            last = Some(end);
        }
    }

    /// Since when a recording is due at `now`, and by which rule; nothing while it is kept, or is
    /// not sealed and may still be mended.
    fn due(&self, kept: &KeptRecording, now: Wall) -> anyhow::Result<Option<(Wall, &Rule)>> {
        let Some(taped) = taped(kept)? else { return Ok(None) };
        match self.retention.decide(&taped, now) {
            Decision::Delete { due, rule } => Ok(Some((due, rule))),
            Decision::Held | Decision::Keep { .. } => Ok(None),
        }
    }

    /// Deletes one, decided anew by all that is known now. False if it is kept after all.
    async fn delete(&self, recording: RecordingId, now: Wall) -> anyhow::Result<bool> {
        let _taken = self.keeping.lock().await;
        ensure!(self.settling.catch_up(SETTLES_WITHIN).await, "the database is behind");
        let Some(kept) = self.store.kept_recording(recording).await? else { return Ok(false) };
        let path = self.place(&kept)?;
        let deletion = match &kept.doom {
            Some(doom) => doom.clone(),
            None => match self.due(&kept, now)? {
                Some((due, rule)) => self.doom(&kept, &path, due, rule).await?,
                None => return Ok(false),
            },
        };
        // Another site's engine may have put it under hold in the same moment: who told it looks
        // for the doom afterwards, as it is looked for the hold here, so that one of the two sees.
        let newest = self.store.kept_recording(recording).await?;
        if newest.is_none_or(|newest| newest.is_held) {
            return Ok(false);
        }
        tokio::task::spawn_blocking(move || net::recorder::erase(&path)).await??;
        self.certify(&kept, deletion, now).await?;
        Ok(true)
    }

    /// Where a recording's file is.
    fn place(&self, kept: &KeptRecording) -> anyhow::Result<PathBuf> {
        ensure!(recording::is_safe(&kept.path), "'{}' is not safe", kept.path);
        Ok(self.folder.join(&kept.path))
    }

    /// Notes what is in the file that is to be removed. From here on nothing keeps it.
    async fn doom(
        &self,
        kept: &KeptRecording,
        path: &Path,
        due: Wall,
        rule: &Rule,
    ) -> anyhow::Result<Deletion> {
        let (path, folder) = (path.to_owned(), self.folder.clone());
        let found = tokio::task::spawn_blocking(move || hashed(&path, &folder)).await??;
        if found.is_none() {
            tracing::error!(recording = %kept.recording, "it was gone before its time was over");
        }
        let (sha256, bytes) = found.map_or((None, 0), |(hash, bytes)| (Some(hash), bytes));
        let deletion = Deletion { rule: rule.name.clone(), due, sha256, bytes };
        let (call, recording) = (kept.call, kept.recording);
        let boxed = Box::new(deletion.clone());
        self.note(FactBody::RecordingDoomed { call, recording, deletion: boxed }).await?;
        Ok(deletion)
    }

    /// Certifies that the file was removed.
    async fn certify(
        &self,
        kept: &KeptRecording,
        deletion: Deletion,
        removed: Wall,
    ) -> anyhow::Result<()> {
        let mut chain = match self.store.last_certificate().await? {
            Some(last) => Chain::after(&last).context("the last certificate")?,
            None => Chain::default(),
        };
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce).map_err(io::Error::other)?;
        let (call, recording) = (kept.call, kept.recording);
        let ended = Ended {
            recording,
            call,
            path: &kept.path,
            began: kept.started,
            sealed: kept.sealed.as_ref().map(|(frames, seal)| (*frames, seal.as_str())),
            deletion: &deletion,
            removed,
        };
        let certificate = Box::new(chain.certify(&ended, &self.keys, nonce)?);
        let deletion = Box::new(deletion);
        self.note(FactBody::RecordingDeleted { call, recording, deletion, certificate }).await
    }

    /// Keeps a fact, and waits until the database has it and a power cut does not take it.
    async fn note(&self, body: FactBody) -> anyhow::Result<()> {
        let (kept, is_kept) = oneshot::channel();
        self.brain.send_surely(Inbox::Note { body, kept: Some(kept) });
        is_kept.await.context("the engine ends")?;
        ensure!(self.settling.catch_up(SETTLES_WITHIN).await, "the database is behind");
        Ok(())
    }
}

/// What a sweep came to.
#[derive(Debug, Default)]
pub struct Swept {
    /// How many recordings were deleted.
    pub deleted: u64,
    /// Why one could not be: the first of them.
    pub failed: Option<anyhow::Error>,
}

impl Swept {
    fn add(&mut self, recording: RecordingId, deleted: anyhow::Result<bool>) {
        match deleted {
            Ok(is_deleted) => self.deleted += u64::from(is_deleted),
            Err(error) => {
                let error = error.context(format!("the recording {recording}"));
                tracing::error!("it could not be deleted: {error:#}");
                self.failed.get_or_insert(error);
            }
        }
    }
}

/// What decides on a recording; nothing while it may still be made, or mended.
///
/// # Errors
/// The day when its policy ends is none: better kept than deleted early.
fn taped(kept: &KeptRecording) -> anyhow::Result<Option<Taped>> {
    let rate = u64::from(recording::RATE);
    let length = match (&kept.sealed, kept.lost) {
        (Some((frames, _)), _) => Duration::from_millis(frames.saturating_mul(1_000) / rate),
        (None, true) => Duration::ZERO,
        (None, false) => return Ok(None),
    };
    let day = kept.policy_ends_on.as_deref();
    let end = day.map(|day| recording::end_of_day(day).with_context(|| format!("'{day}'")));
    Ok(Some(Taped {
        queue: kept.queue.clone(),
        class: kept.disposition.clone(),
        ended: kept.started.after(length),
        policy_end: end.transpose().context("no day on which a policy ends")?,
        is_held: kept.is_held,
    }))
}

/// The hash and the bytes of a file; `None` if it is gone.
///
/// # Errors
/// It cannot be read; or nothing is below `folder`, where it would be: a disk that is not there has
/// not lost what is on it.
fn hashed(path: &Path, folder: &Path) -> io::Result<Option<(String, u64)>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let is_there = std::fs::read_dir(folder)?.next().is_some();
            let empty = || io::Error::new(io::ErrorKind::NotFound, "the folder is empty");
            return if is_there { Ok(None) } else { Err(empty()) };
        }
        Err(error) => return Err(error),
    };
    net::recorder::hashed(&file).map(Some)
}

#[cfg(test)]
pub(crate) mod tests;
