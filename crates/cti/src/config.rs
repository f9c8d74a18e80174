//! The limits of the room, by name.

use std::fmt;

/// The greatest number an event may carry: what JSON readers keep exactly (2^53 - 1).
pub const MAX_SEQ: u64 = (1 << 53) - 1;

/// The greatest number that a desktop may claim to have seen: what follows it still counts to
/// [`MAX_SEQ`] for longer than anyone lives.
pub const MAX_AFTER: u64 = MAX_SEQ / 4 * 3;

/// The limits of a [`Cti`](crate::Cti).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The engine's start count, from 1. Every start numbers its events from a range of its own, so
    /// that a desktop which comes back over a restart is seen to do so.
    pub epoch: u32,
    /// Events kept for each user, for resuming.
    pub history: usize,
    /// Users with a stream. The one longest without a session makes room for another.
    pub max_users: usize,
    /// Sessions altogether.
    pub max_sessions: usize,
    /// Sessions of one user at once.
    pub max_sessions_per_user: usize,
    /// Events of one snapshot; what is beyond is left out and counted.
    pub max_snapshot: usize,
    /// Events that the engine holds for a session that does not read: the bound of its queue, which
    /// must have room for a whole history or a whole snapshot, and some more.
    pub session_queue: usize,
    /// Commands remembered for each user, so that the same id twice is done once.
    pub max_commands: usize,
    /// How long a command may take before the desktop is told that it did not come to an end.
    pub command_timeout_ms: u64,
    /// How long the stream of a user without a session is kept.
    pub retention_ms: u64,
}

/// The greatest start count: that of [`model::Id`].
const MAX_EPOCH: u32 = 0x3f_ffff;

/// Room in a session's queue for what happens while a history or a snapshot is being read.
pub(crate) const QUEUE_HEADROOM: usize = 256;

impl Default for Config {
    fn default() -> Self {
        Self {
            epoch: 1,
            history: 1_000,
            max_users: 20_000,
            max_sessions: 20_000,
            max_sessions_per_user: 8,
            max_snapshot: 2_000,
            session_queue: 4_096,
            max_commands: 256,
            command_timeout_ms: 10_000,
            retention_ms: 600_000,
        }
    }
}

/// Why a configuration is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigError {
    /// A limit is zero.
    Zero {
        /// Which.
        key: &'static str,
    },
    /// `epoch` has more than 22 bits.
    Epoch,
    /// `session_queue` cannot hold a history or a snapshot.
    SessionQueue {
        /// The least that can.
        at_least: usize,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero { key } => write!(f, "'{key}' is 0; it must be at least 1"),
            Self::Epoch => write!(f, "'epoch' must be at most {MAX_EPOCH}"),
            Self::SessionQueue { at_least } => write!(
                f,
                "'session_queue' must be at least {at_least}, so that 'history' and \
                 'max_snapshot' fit"
            ),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Checks that the limits go together.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (key, zero) in [
            ("epoch", self.epoch == 0),
            ("history", self.history == 0),
            ("max_snapshot", self.max_snapshot == 0),
            ("max_users", self.max_users == 0),
            ("max_sessions", self.max_sessions == 0),
            ("max_sessions_per_user", self.max_sessions_per_user == 0),
            ("max_commands", self.max_commands == 0),
            ("command_timeout_ms", self.command_timeout_ms == 0),
            ("retention_ms", self.retention_ms == 0),
        ] {
            if zero {
                return Err(ConfigError::Zero { key });
            }
        }
        if self.epoch > MAX_EPOCH {
            return Err(ConfigError::Epoch);
        }
        let at_least = self.history.max(self.max_snapshot).saturating_add(QUEUE_HEADROOM);
        if self.session_queue < at_least {
            return Err(ConfigError::SessionQueue { at_least });
        }
        Ok(())
    }

    /// The number of the first event of a stream: 1 in the first epoch, and 2^30 more in each.
    pub(crate) const fn first_seq(&self) -> u64 {
        ((self.epoch as u64 - 1) << 30) + 1
    }
}
