//! Time as plain integers, so that it can be written down, replayed and simulated.

use std::ops::{Add, Sub};
use std::time::Duration;

/// The engine's monotonic clock: nanoseconds since the engine started.
///
/// Unlike `std::time::Instant` it can be stored, compared across a replay and made by a simulator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Mono(pub u64);

impl Mono {
    /// `ms` milliseconds after the engine started.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms * 1_000_000)
    }

    /// Whole milliseconds since the engine started.
    pub const fn as_ms(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Time passed since `earlier`; zero if `earlier` is later.
    pub const fn since(self, earlier: Mono) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Whole milliseconds passed since `earlier`; zero if `earlier` is later.
    pub const fn ms_since(self, earlier: Mono) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000_000
    }
}

impl Add<Duration> for Mono {
    type Output = Mono;
    fn add(self, duration: Duration) -> Mono {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Mono(self.0.saturating_add(nanos))
    }
}

impl Sub for Mono {
    type Output = Duration;
    fn sub(self, earlier: Mono) -> Duration {
        self.since(earlier)
    }
}

/// The time of day: microseconds since 1970-01-01T00:00:00Z.
///
/// Only for people and for stored records; nothing in the engine waits on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Wall(pub i64);

impl Wall {
    /// The time of day `duration` later.
    pub fn after(self, duration: Duration) -> Wall {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Wall(self.0.saturating_add(micros))
    }

    /// Whole milliseconds since an earlier time of day; none where that is later.
    pub const fn ms_since(self, earlier: Wall) -> u64 {
        let micros = self.0.saturating_sub(earlier.0);
        if micros > 0 { micros.unsigned_abs() / 1_000 } else { 0 }
    }
}
