//! Recorder threads: what media workers tap is put on a timeline, written as chained pieces, and
//! sealed.
//!
//! ```text
//!  media worker ──chunks of taps──▶ recorder thread ──finished files──▶ sealer thread
//!       ▲     (bounded: a pool)       timeline, SHA-256, AES             one flush for all
//!       └────── empty chunks ─────────┘
//! ```
//! A recorder wakes by the clock, as the media workers do. A file is playable at any moment and is
//! less than a second behind: a piece has half a second, and a frame leaves the timeline 400 ms
//! after it was heard. Nothing of a file is ever written again. When writing fails, the call goes
//! on; what is missing is silence of the right length. Hashing and encrypting are done here, never
//! on a media worker.

mod archive;
mod archived;
mod audio;
mod file;
mod flushes;
mod repair;
mod sealer;
mod tap;
mod taped;
mod thread;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Sender;
use media::MediaEvent;
use model::Wall;
use recording::{Drawn, Keyring};

pub use archive::{Archived, Prepared, Ready, Step, Watch, erase, hashed, prepare};
pub use audio::{Audio, Peak, peaks};
pub use recording::{Expected, Verdict};
pub use repair::{Mended, examine, repair, verify};
#[cfg(test)]
pub(crate) use tap::ToRecorder;
pub(crate) use tap::{Begin, Head, Link, Tapper};

use crate::media::clock::Clock;
use crate::media::outbox::Outbox;

/// Starts and stops that may wait for a recorder, beside the taps.
const CONTROL_LIMIT: usize = 4_096;
/// Finished files that may wait for the sealer.
const SEAL_LIMIT: usize = 4_096;

/// How recordings are written.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder below which they are.
    pub dir: PathBuf,
    /// What encrypts them; nothing if it is empty.
    pub keys: Arc<Keyring>,
    /// What was written is flushed to the disk at most this often, in milliseconds: what a power
    /// cut can take.
    pub flush_ms: u64,
    /// The time of day at the zero of the clock.
    pub started: Wall,
}

impl Default for Settings {
    /// Into `recordings`, not encrypted, flushed each second; the clock's zero is not known.
    fn default() -> Self {
        let (dir, keys) = (PathBuf::from("recordings"), Arc::default());
        Self { dir, keys, flush_ms: 1_000, started: Wall(0) }
    }
}

/// One recorder: a thread that writes, and one that flushes and seals.
#[derive(Debug)]
pub(crate) struct Recorder {
    link: Link,
    threads: Vec<JoinHandle<()>>,
}

impl Recorder {
    /// Starts the threads.
    pub(crate) fn start(
        number: usize,
        settings: &Settings,
        clock: Clock,
        events: &Sender<MediaEvent>,
    ) -> io::Result<Self> {
        let (link, inbox) = Link::new(CONTROL_LIMIT);
        let (jobs, finished) = crossbeam_channel::bounded(SEAL_LIMIT);
        let flushes = flushes::Flushes::default();
        let flushing = (settings.dir.clone(), Duration::from_millis(settings.flush_ms));
        let outbox = Outbox::new(events.clone());
        let sealer = sealer::SealerThread::new(finished, flushes.clone(), flushing, clock, outbox);
        let thread = thread::RecorderThread {
            inbox,
            pool: link.empty(),
            jobs,
            flushes,
            settings: settings.clone(),
            clock,
            outbox: Outbox::new(events.clone()),
        };
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

/// Whether a recording is an old one, a WAV.
fn is_wav(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "wav")
}

/// A key and a nonce for a recording.
fn draw() -> io::Result<Drawn> {
    let mut drawn = Drawn { key: [0; recording::KEY_BYTES].into(), nonce: [0; 12] };
    getrandom::fill(&mut *drawn.key).map_err(io::Error::other)?;
    getrandom::fill(&mut drawn.nonce).map_err(io::Error::other)?;
    Ok(drawn)
}
