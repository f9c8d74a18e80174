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
}
