//! The engine's two clocks, read here and nowhere else.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use model::{Mono, Wall};

/// The monotonic clock from the engine's start, and the time of day when it started.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
    started: Wall,
}

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX);
        Self { origin: Instant::now(), started: Wall(micros) }
    }

    /// The zero of [`Mono`].
    pub const fn origin(&self) -> Instant {
        self.origin
    }

    /// The time of day at that zero.
    pub const fn started(&self) -> Wall {
        self.started
    }

    /// Now, on the engine's clock.
    pub fn mono(&self) -> Mono {
        Mono(u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// Now, for people: the start and what has passed since, so that it never jumps.
    pub fn wall(&self) -> Wall {
        self.started.after(self.origin.elapsed())
    }
}
