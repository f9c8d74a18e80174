//! Makes what was written survive a power cut: one flush of the recordings' disk for all files,
//! at most once an interval, beside the recorder, so that no flush ever holds it up. A finished
//! recording is told to be sealed when a flush behind its end has succeeded; after one that failed,
//! when what that may have lost was written again and another has succeeded.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use media::MediaEvent;
use model::{Mono, RecordingId, Seal};
use recording::{Disk, Notice};

use super::file::TapeFile;
use super::flushes::Flushes;
use crate::media::clock::Clock;
use crate::media::outbox::Outbox;

/// How long the last events wait for the brain to take them.
const PATIENCE: Duration = Duration::from_secs(1);
/// How soon events that the brain did not take are told again.
const UNTAKEN: Duration = Duration::from_millis(100);
/// Finished files that wait for a flush; further ones wait in the channel, until the recorder has
/// ended: then this is the last flush's.
const WAITING_LIMIT: usize = 4_096;
/// What is told of a file that may not be what was written.
const DOUBTFUL: &str = "it may not be on the disk: it stays unsealed until the next start reads it";

/// A finished file.
pub(crate) struct Job {
    pub(crate) recording: RecordingId,
    pub(crate) seal: Seal,
    pub(crate) disk: Disk,
    /// Closed.
    pub(crate) file: TapeFile,
}

/// What a sealer is told.
pub(crate) enum ToSealer {
    /// Something was written.
    Written,
    /// A file is complete.
    Finished(Box<Job>),
}

/// Makes everything that was written on a disk survive a power cut.
type Flush = Box<dyn FnMut() -> io::Result<()> + Send>;

/// The thread that flushes and seals.
pub(crate) struct SealerThread {
    inbox: Receiver<ToSealer>,
    flushes: Flushes,
    flush: Flush,
    every: Duration,
    /// Finished, and not flushed yet.
    waiting: VecDeque<Box<Job>>,
    /// Whether there is something to flush.
    is_dirty: bool,
    /// How flushing goes.
    disk: Disk,
    /// Not before this.
    next: Mono,
    clock: Clock,
    outbox: Outbox,
}

impl SealerThread {
    /// Flushes the disk below `dir`, at most once in `every`.
    pub(crate) fn new(
        inbox: Receiver<ToSealer>,
        flushes: Flushes,
        (dir, every): (PathBuf, Duration),
        clock: Clock,
        outbox: Outbox,
    ) -> Self {
        let (waiting, is_dirty, next) = (VecDeque::new(), false, Mono(0));
        let (flush, disk) = (flush_of(dir), Disk::default());
        Self { inbox, flushes, flush, every, waiting, is_dirty, disk, next, clock, outbox }
    }

    /// Seals until the recorder has ended and nothing is left.
    pub(crate) fn run(mut self) {
        loop {
            let now = self.clock.now();
            let is_full = self.waiting.len() >= WAITING_LIMIT;
            let told = if !self.is_dirty && self.outbox.is_empty() {
                self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else if !self.is_dirty {
                self.inbox.recv_timeout(UNTAKEN)
            } else if is_full && !self.flushes.are_closing() {
                std::thread::sleep(self.next.since(now).min(UNTAKEN));
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
        let began = self.clock.now();
        for job in &mut self.waiting {
            let notice = match job.file.secure() {
                Ok(()) => job.disk.handle_success(),
                Err(error) => job.disk.handle_failure(&error.to_string(), began),
            };
            tell(notice, job.recording, &mut self.outbox);
        }
        self.flushes.begin();
        let flushed = (self.flush)();
        self.flushes.end(flushed.is_ok());
        // The interval is from one beginning to the next.
        self.next = began + self.every;
        match flushed {
            Ok(()) => {
                self.disk.handle_success();
                let may_write = |job: &Job| job.disk.may_write(began);
                let (safe, kept) =
                    std::mem::take(&mut self.waiting).into_iter().partition(|job| may_write(job));
                self.waiting = kept;
                self.is_dirty = !self.waiting.is_empty();
                VecDeque::into_iter(safe).for_each(|job| self.sealed(*job));
            }
            Err(error) => {
                tracing::error!(%error, "what was recorded cannot be flushed to the disk");
                self.is_dirty = true;
                self.disk.handle_failure("", began);
                if let Some((retry, _)) = self.disk.poll_timeout() {
                    self.next = self.next.max(retry);
                }
                for job in &mut self.waiting {
                    let notice = job.disk.handle_unflushed(&error.to_string());
                    tell(notice, job.recording, &mut self.outbox);
                }
            }
        }
    }

    fn sealed(&mut self, mut job: Job) {
        let recording = job.recording;
        if job.file.is_doubtful() {
            let error = DOUBTFUL.to_owned();
            tracing::error!(%recording, error);
            self.outbox.push(MediaEvent::RecordingLost { recording, error, is_left: true });
            return;
        }
        tell(job.disk.handle_flushed(), recording, &mut self.outbox);
        self.outbox.push(MediaEvent::RecordingSealed { recording, seal: job.seal });
    }
}

/// Tells what became of a recording's disk.
pub(crate) fn tell(notice: Option<Notice>, recording: RecordingId, outbox: &mut Outbox) {
    match notice {
        Some(Notice::Gap { error }) => {
            outbox.push(MediaEvent::RecordingGap { recording, error });
        }
        Some(Notice::Resumed) => outbox.push(MediaEvent::RecordingResumed { recording }),
        None => {}
    }
}

/// Flushes the disk of `dir`, names included. It stays open from one time to the next: so the
/// system tells every error since, also one that came between two flushes.
fn flush_of(dir: PathBuf) -> Flush {
    let mut opened: Option<File> = None;
    Box::new(move || {
        let folder = match opened.take() {
            Some(folder) => folder,
            None => File::open(&dir)?,
        };
        rustix::fs::syncfs(&folder)?;
        opened = Some(folder);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Instant;

    use crossbeam_channel::Sender;
    use recording::Keyring;

    use super::super::file::tests::header;
    use super::*;

    fn job(folder: &Path, counter: u32, flushes: &Flushes) -> ToSealer {
        let recording = RecordingId(model::Id::new(1, 1, counter));
        let header = recording::Header { recording, ..header() };
        let path = folder.join(format!("{counter}.tape"));
        let file = TapeFile::new(path, header, &Keyring::default()).unwrap();
        let mut file = file.flushed_by(flushes.clone());
        file.write(&[9; 20]);
        let seal = file.finish(&mut Vec::new()).unwrap();
        file.close();
        ToSealer::Finished(Box::new(Job { recording, seal, disk: Disk::default(), file }))
    }

    fn sealer(dir: PathBuf, every_ms: u64) -> (SealerThread, Sender<ToSealer>, Flushes, Told) {
        let (jobs, inbox) = crossbeam_channel::unbounded();
        let (sender, events) = crossbeam_channel::unbounded();
        let (clock, outbox) = (Clock::new(Instant::now()), Outbox::new(sender));
        let (flushes, every) = (Flushes::default(), Duration::from_millis(every_ms));
        let thread = SealerThread::new(inbox, flushes.clone(), (dir, every), clock, outbox);
        (thread, jobs, flushes, events)
    }

    type Told = Receiver<MediaEvent>;

    #[test]
    fn finished_files_share_a_flush_and_none_waits_for_the_interval_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let (mut thread, jobs, flushes, events) = sealer(folder.path().to_owned(), 3_600_000);
        let flushed = Arc::new(AtomicU64::new(0));
        let (count, mut flush) = (flushed.clone(), flush_of(folder.path().to_owned()));
        thread.flush = Box::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            flush()
        });
        (0..50).for_each(|counter| jobs.send(job(folder.path(), counter, &flushes)).unwrap());
        drop(jobs);
        thread.run();
        let told: Vec<MediaEvent> = events.try_iter().collect();
        let sealed = told.iter().zip(0..).all(|(event, number)| {
            matches!(event, MediaEvent::RecordingSealed { recording, .. }
                if recording.0.counter() == number)
        });
        assert!(sealed && told.len() == 50, "{told:?}");
        assert!(flushed.load(Ordering::Relaxed) <= 2);
    }

    #[test]
    fn what_cannot_be_flushed_is_not_told_to_be_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let (thread, jobs, flushes, events) = sealer(folder.path().join("missing"), 3_600_000);
        jobs.send(ToSealer::Written).unwrap();
        for counter in 1..=2 {
            jobs.send(job(folder.path(), counter, &flushes)).unwrap();
        }
        drop(jobs);
        thread.run();
        let told: Vec<MediaEvent> = events.try_iter().collect();
        let is_gap = |event: &MediaEvent| matches!(event, MediaEvent::RecordingGap { .. });
        assert!(told.len() <= 2 && told.iter().all(is_gap), "{told:?}");
    }

    #[test]
    fn an_engine_that_stops_does_not_wait_for_a_disk_that_never_flushes() {
        let folder = tempfile::tempdir().unwrap();
        let (mut thread, jobs, flushes, events) = sealer(folder.path().to_owned(), 1);
        thread.flush = Box::new(|| Err(io::Error::from_raw_os_error(5)));
        for counter in 0..=WAITING_LIMIT as u32 {
            jobs.send(job(folder.path(), counter, &flushes)).unwrap();
        }
        // As it is when the recorder still has some for which the channel has no room.
        let last = job(folder.path(), 9_999, &flushes);
        let ended = std::thread::spawn(move || thread.run());
        while !jobs.is_empty() && jobs.len() > 1 {
            std::thread::yield_now();
        }
        flushes.close();
        jobs.send(last).unwrap();
        drop(jobs);
        ended.join().unwrap();
        let is_gap = |event: &MediaEvent| matches!(event, MediaEvent::RecordingGap { .. });
        assert!(events.try_iter().all(|event| is_gap(&event)), "nothing is told to be sealed");
    }

    #[test]
    fn after_a_failed_flush_a_file_is_sealed_only_when_it_was_written_again_and_flushed() {
        let folder = tempfile::tempdir().unwrap();
        let (mut thread, jobs, flushes, events) = sealer(folder.path().to_owned(), 1);
        let mut results = vec![Ok(()), Err(io::Error::from_raw_os_error(5))].into_iter().rev();
        thread.flush = Box::new(move || results.next().unwrap_or(Ok(())));
        let path = folder.path().join("1.tape");
        thread.handle(job(folder.path(), 1, &flushes));
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        let modified = || std::fs::metadata(&path).unwrap().modified().unwrap();
        thread.flush();
        thread.outbox.flush();
        let gap = events.try_recv().unwrap();
        assert!(matches!(gap, MediaEvent::RecordingGap { .. }) && events.is_empty());
        assert_eq!(modified(), std::time::UNIX_EPOCH);
        assert!(thread.is_dirty && thread.next > thread.clock.now());
        thread.flush();
        thread.outbox.flush();
        assert_ne!(modified(), std::time::UNIX_EPOCH);
        let told: Vec<MediaEvent> = events.try_iter().collect();
        let [MediaEvent::RecordingResumed { .. }, MediaEvent::RecordingSealed { .. }] = &told[..]
        else {
            panic!("{told:?}");
        };
        drop(jobs);
    }

    #[test]
    fn a_file_that_cannot_be_read_back_stays_unsealed() {
        let folder = tempfile::tempdir().unwrap();
        let (mut thread, _jobs, flushes, events) = sealer(folder.path().to_owned(), 1);
        let mut results = vec![Ok(()), Err(io::Error::from_raw_os_error(5))].into_iter().rev();
        thread.flush = Box::new(move || results.next().unwrap_or(Ok(())));
        thread.handle(job(folder.path(), 1, &flushes));
        thread.flush();
        std::fs::write(folder.path().join("1.tape"), [0; 100]).unwrap();
        thread.flush();
        thread.outbox.flush();
        let told: Vec<MediaEvent> = events.try_iter().collect();
        let [MediaEvent::RecordingGap { .. }, MediaEvent::RecordingLost { is_left: true, .. }] =
            &told[..]
        else {
            panic!("{told:?}");
        };
    }
}
