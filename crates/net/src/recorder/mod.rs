//! Recorder threads: what media workers tap is put on a timeline, written as WAV and sealed.
//!
//! ```text
//!  media worker ──chunks of taps──▶ recorder thread ──finished files──▶ sealer thread
//!       ▲     (bounded: a pool)       timeline, hound                    fsync, SHA-256
//!       └────── empty chunks ─────────┘
//! ```
//! A recorder wakes by the clock, as the media workers do. A file on disk is a playable WAV at any
//! moment and is at most a second behind, because data and header are written together every
//! 500 ms and a frame leaves the timeline 400 ms after it was heard. When writing fails, the call
//! goes on; what is missing is silence of the right length.

mod file;
mod repair;
mod sealer;
mod spool;
mod tap;
mod thread;

use std::io;
use std::path::PathBuf;
use std::thread::JoinHandle;

use crossbeam_channel::Sender;
use media::MediaEvent;

pub use recording::Verdict;
pub use repair::{repair, verify};
#[cfg(test)]
pub(crate) use tap::ToRecorder;
pub(crate) use tap::{Head, Link, Tapper};

use crate::media::clock::Clock;
use crate::media::outbox::Outbox;

/// Starts and stops that may wait for a recorder, beside the taps.
const CONTROL_LIMIT: usize = 4_096;
/// Finished files that may wait for the sealer.
const SEAL_LIMIT: usize = 4_096;

/// One recorder: a thread that writes, and one that seals.
#[derive(Debug)]
pub(crate) struct Recorder {
    link: Link,
    threads: Vec<JoinHandle<()>>,
}

impl Recorder {
    /// Starts the threads; files go below `dir`.
    pub(crate) fn start(
        number: usize,
        dir: PathBuf,
        clock: Clock,
        events: &Sender<MediaEvent>,
    ) -> io::Result<Self> {
        let (link, inbox) = Link::new(CONTROL_LIMIT);
        let (jobs, finished) = crossbeam_channel::bounded(SEAL_LIMIT);
        let sealer = sealer::SealerThread::new(finished, clock, Outbox::new(events.clone()));
        let outbox = Outbox::new(events.clone());
        let thread = thread::RecorderThread::new(inbox, link.empty(), jobs, dir, clock, outbox);
        let spawn = std::thread::Builder::new;
        let threads = vec![
            spawn().name(format!("recorder-{number}")).spawn(move || thread.start().run())?,
            spawn().name(format!("sealer-{number}")).spawn(move || sealer.run())?,
        ];
        Ok(Self { link, threads })
    }

    /// The way to this recorder.
    pub(crate) fn link(&self) -> Link {
        self.link.clone()
    }

    /// Ends the threads: what was stopped before is written and sealed, what was not is left as a
    /// killed process would leave it. The workers' links must be gone.
    pub(crate) fn join(self) {
        drop(self.link);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a recorder thread panicked");
            }
        }
    }
}
