//! The engine's monotonic clock, read.

use std::time::Instant;

use model::Mono;

/// Reads [`Mono`]: nanoseconds since `origin`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn new(origin: Instant) -> Self {
        Self { origin }
    }

    pub(crate) fn now(&self) -> Mono {
        let nanos = self.origin.elapsed().as_nanos();
        Mono(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The present as the system's own clock has it, for those who count in that.
    pub(crate) fn instant(&self) -> Instant {
        Instant::now()
    }

    /// A time of the system's own clock.
    pub(crate) fn mono(&self, at: Instant) -> Mono {
        let nanos = at.saturating_duration_since(self.origin).as_nanos();
        Mono(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}
