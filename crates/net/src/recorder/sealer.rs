//! Makes what was written survive a power cut: one flush of the recordings' disk for all files,
//! at most once an interval, beside the recorder, so that no flush ever holds it up. A finished
//! recording is told to be sealed when a flush behind its end has succeeded.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use media::MediaEvent;
use model::{Mono, RecordingId, Seal};
use recording::{Disk, Notice};

use crate::media::clock::Clock;
use crate::media::outbox::Outbox;

/// How long the last events wait for the brain to take them.
const PATIENCE: Duration = Duration::from_secs(1);
/// How soon events that the brain did not take are told again.
const UNTAKEN: Duration = Duration::from_millis(100);
/// Finished files that wait for a flush; further ones wait in the channel.
const WAITING_LIMIT: usize = 4_096;

/// A finished file.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) recording: RecordingId,
    pub(crate) seal: Seal,
    pub(crate) disk: Disk,
}

/// What a sealer is told.
#[derive(Debug)]
pub(crate) enum ToSealer {
    /// Something was written.
    Written,
    /// A file is complete.
    Finished(Job),
}

/// Whether something was written that no flush has begun behind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unflushed(Arc<AtomicBool>);

impl Unflushed {
    /// Something was written: the sealer is told unless it has been.
    pub(crate) fn mark(&self, sealer: &Sender<ToSealer>) {
        if !self.0.swap(true, Ordering::AcqRel) {
            // A full channel keeps the sealer awake anyway.
            let _ = sealer.try_send(ToSealer::Written);
        }
    }
}

/// The thread that flushes and seals.
#[derive(Debug)]
pub(crate) struct SealerThread {
    inbox: Receiver<ToSealer>,
    unflushed: Unflushed,
    dir: PathBuf,
    every: Duration,
    /// Finished, and not flushed yet.
    waiting: VecDeque<Job>,
    /// Whether there is something to flush.
    is_dirty: bool,
    /// Not before this.
    next: Mono,
    clock: Clock,
    outbox: Outbox,
}

impl SealerThread {
    /// Flushes the disk below `dir`, at most once in `every`.
    pub(crate) fn new(
        inbox: Receiver<ToSealer>,
        unflushed: Unflushed,
        (dir, every): (PathBuf, Duration),
        clock: Clock,
        outbox: Outbox,
    ) -> Self {
        let (waiting, is_dirty, next) = (VecDeque::new(), false, Mono(0));
        Self { inbox, unflushed, dir, every, waiting, is_dirty, next, clock, outbox }
    }

    /// Seals until the recorder has ended and nothing is left.
    pub(crate) fn run(mut self) {
        loop {
            let now = self.clock.now();
            let told = if !self.is_dirty && self.outbox.is_empty() {
                self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else if !self.is_dirty {
                self.inbox.recv_timeout(UNTAKEN)
            } else if self.waiting.len() >= WAITING_LIMIT {
                std::thread::sleep(self.next.since(now));
                Err(RecvTimeoutError::Timeout)
            } else {
                self.inbox.recv_timeout(self.next.since(now))
            };
            match told {
                Ok(told) => self.handle(told),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.is_dirty && self.next <= self.clock.now() {
                self.flush();
            }
            self.outbox.flush();
        }
        if self.is_dirty {
            self.flush();
        }
        for job in &self.waiting {
            tracing::error!(recording = %job.recording, "not sealed: repair it at the next start");
        }
        self.outbox.close(PATIENCE);
    }

    fn handle(&mut self, told: ToSealer) {
        self.is_dirty = true;
        match told {
            ToSealer::Written => {}
            ToSealer::Finished(job) => self.waiting.push_back(job),
        }
    }

    fn flush(&mut self) {
        // Marked again by whatever is written from here on.
        self.unflushed.0.store(false, Ordering::Release);
        let flushed = flush(&self.dir);
        let now = self.clock.now();
        self.next = now + self.every;
        match flushed {
            Ok(()) => {
                self.is_dirty = false;
                for job in std::mem::take(&mut self.waiting) {
                    self.sealed(job);
                }
            }
            Err(error) => {
                tracing::error!(%error, "what was recorded cannot be flushed to the disk");
                for job in &mut self.waiting {
                    let recording = job.recording;
                    match job.disk.handle_failure(&error.to_string(), now) {
                        Some(Notice::Gap { error }) => {
                            self.outbox.push(MediaEvent::RecordingGap { recording, error });
                        }
                        Some(Notice::Resumed) | None => {}
                    }
                }
            }
        }
    }

    fn sealed(&mut self, mut job: Job) {
        let recording = job.recording;
        match job.disk.handle_success() {
            Some(Notice::Resumed) => self.outbox.push(MediaEvent::RecordingResumed { recording }),
            Some(Notice::Gap { .. }) | None => {}
        }
        self.outbox.push(MediaEvent::RecordingSealed { recording, seal: job.seal });
    }
}

/// Makes everything that was written on the disk of `dir` survive a power cut, names included.
fn flush(dir: &PathBuf) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(dir)?)?)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use model::Id;

    use super::*;

    fn job(counter: u32) -> ToSealer {
        ToSealer::Finished(Job {
            recording: RecordingId(Id::new(1, 1, counter)),
            seal: Seal { sha256: String::new(), bytes: 0, frames: u64::from(counter) },
            disk: Disk::default(),
        })
    }

    /// A sealer that is told these and then ends.
    fn told(dir: PathBuf, told: Vec<ToSealer>) -> Vec<MediaEvent> {
        let (jobs, inbox) = crossbeam_channel::unbounded();
        let (sender, events) = crossbeam_channel::unbounded();
        told.into_iter().for_each(|told| jobs.send(told).unwrap());
        drop(jobs);
        let (clock, outbox) = (Clock::new(Instant::now()), Outbox::new(sender));
        let every = Duration::from_secs(3_600);
        SealerThread::new(inbox, Unflushed::default(), (dir, every), clock, outbox).run();
        events.try_iter().collect()
    }

    #[test]
    fn finished_files_share_a_flush_and_none_waits_for_the_interval_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let events = told(folder.path().to_owned(), (0..50).map(job).collect());
        let sealed = events.iter().zip(0..).all(|(event, number)| {
            matches!(event, MediaEvent::RecordingSealed { seal, .. } if seal.frames == number)
        });
        assert!(sealed && events.len() == 50, "{events:?}");
    }

    #[test]
    fn what_cannot_be_flushed_is_not_told_to_be_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let events = told(folder.path().join("missing"), vec![ToSealer::Written, job(1), job(2)]);
        let is_gap = |event: &MediaEvent| matches!(event, MediaEvent::RecordingGap { .. });
        assert!(events.len() <= 2 && events.iter().all(is_gap), "{events:?}");
    }

    #[test]
    fn a_sealer_is_told_once_of_what_is_written_until_it_flushes() {
        let (sealer, inbox) = crossbeam_channel::unbounded();
        let unflushed = Unflushed::default();
        for _ in 0..5 {
            unflushed.mark(&sealer);
        }
        assert_eq!(inbox.len(), 1);
        unflushed.0.store(false, Ordering::Release);
        unflushed.mark(&sealer);
        assert_eq!(inbox.len(), 2);
    }
}
