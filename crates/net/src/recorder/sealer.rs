//! Seals finished recordings beside the recorder, so that flushing and hashing never hold it up.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use media::MediaEvent;
use model::{RecordingId, Seal};
use recording::{Disk, Notice};

use super::repair;
use crate::media::clock::Clock;
use crate::media::outbox::Outbox;

/// How long the last events wait for the brain to take them.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a file that could not be sealed is looked at.
const RETRY_EVERY: Duration = Duration::from_millis(100);

/// Files that failed and are tried again; one more is left as it is.
const FAILED_LIMIT: usize = 4_096;

/// A finished file.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) recording: RecordingId,
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) disk: Disk,
}

/// The thread that seals.
#[derive(Debug)]
pub(crate) struct SealerThread {
    jobs: Receiver<Job>,
    /// Those that failed, to be tried again.
    failed: VecDeque<Job>,
    clock: Clock,
    outbox: Outbox,
}

impl SealerThread {
    pub(crate) fn new(jobs: Receiver<Job>, clock: Clock, outbox: Outbox) -> Self {
        Self { jobs, failed: VecDeque::new(), clock, outbox }
    }

    /// Seals until the recorder has ended and nothing is left.
    pub(crate) fn run(mut self) {
        loop {
            let next = if self.failed.is_empty() {
                self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                self.jobs.recv_timeout(RETRY_EVERY)
            };
            match next {
                Ok(job) => self.seal(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.retry();
            self.outbox.flush();
        }
        for job in std::mem::take(&mut self.failed) {
            self.seal(job);
        }
        for job in &self.failed {
            tracing::error!(recording = %job.recording, "not sealed: repair it at the next start");
        }
        self.outbox.close(PATIENCE);
    }

    /// Seals those whose time has come again.
    fn retry(&mut self) {
        for _ in 0..self.failed.len() {
            if let Some(job) = self.failed.pop_front() {
                if job.disk.may_write(self.clock.now()) {
                    self.seal(job);
                } else {
                    self.failed.push_back(job);
                }
            }
        }
    }

    fn seal(&mut self, mut job: Job) {
        let recording = job.recording;
        match flush_and_seal(&job.file, &job.path) {
            Ok(seal) => {
                match job.disk.handle_success() {
                    Some(Notice::Resumed) => {
                        self.outbox.push(MediaEvent::RecordingResumed { recording });
                    }
                    Some(Notice::Gap { .. }) | None => {}
                }
                self.outbox.push(MediaEvent::RecordingSealed { recording, seal });
            }
            Err(error) => {
                match job.disk.handle_failure(&error.to_string(), self.clock.now()) {
                    Some(Notice::Gap { error }) => {
                        tracing::error!(%recording, error, "cannot seal a recording");
                        self.outbox.push(MediaEvent::RecordingGap { recording, error });
                    }
                    Some(Notice::Resumed) | None => {}
                }
                if self.failed.len() < FAILED_LIMIT {
                    self.failed.push_back(job);
                } else {
                    tracing::error!(%recording, "not sealed: repair it at the next start");
                }
            }
        }
    }
}

/// Makes a file survive a power cut, with its name, and computes its seal.
fn flush_and_seal(file: &File, path: &Path) -> io::Result<Seal> {
    let seal = repair::seal(file)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(seal)
}
