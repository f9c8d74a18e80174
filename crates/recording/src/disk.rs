//! What to do when a recording cannot be written: say so once, try again on a schedule, say when
//! it works again. The call never notices.

use model::Mono;

/// After the first failure, the next attempt comes this much later, in milliseconds; after each
/// further one twice as much as before.
pub const RETRY_FIRST_MS: u64 = 500;
/// No longer than this, in milliseconds.
pub const RETRY_LAST_MS: u64 = 30_000;

/// What others are to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// From now on something is missing.
    Gap {
        /// The first error of the row.
        error: String,
    },
    /// From now on it works again.
    Resumed,
}

/// The state of the disk as one recording sees it: whether it takes what is written, and whether
/// that has come to rest on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    writing: Writing,
    /// A flush failed, and none has taken in since what that one may have lost.
    is_unflushed: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Writing {
    #[default]
    Works,
    Failed {
        /// When next to try.
        retry: Mono,
        /// How long after that, in milliseconds.
        then_ms: u64,
    },
}

impl Disk {
    /// Whether to try to write at `now`.
    pub fn may_write(&self, now: Mono) -> bool {
        match self.writing {
            Writing::Works => true,
            Writing::Failed { retry, .. } => retry <= now,
        }
    }

    /// An attempt to write failed.
    pub fn handle_failure(&mut self, error: &str, now: Mono) -> Option<Notice> {
        let is_new = self.is_well();
        let wait_ms = match self.writing {
            Writing::Works => RETRY_FIRST_MS,
            Writing::Failed { then_ms, .. } => then_ms,
        };
        self.writing = Writing::Failed {
            retry: now + std::time::Duration::from_millis(wait_ms),
            then_ms: (wait_ms * 2).min(RETRY_LAST_MS),
        };
        is_new.then(|| Notice::Gap { error: error.to_owned() })
    }

    /// An attempt to write succeeded.
    pub fn handle_success(&mut self) -> Option<Notice> {
        let was_well = self.is_well();
        self.writing = Writing::Works;
        (!was_well && self.is_well()).then_some(Notice::Resumed)
    }

    /// A flush failed behind something that was written.
    pub fn handle_unflushed(&mut self, error: &str) -> Option<Notice> {
        let is_new = self.is_well();
        self.is_unflushed = true;
        is_new.then(|| Notice::Gap { error: error.to_owned() })
    }

    /// All that a failed flush may have lost was written again, and a flush has taken it in.
    pub fn handle_flushed(&mut self) -> Option<Notice> {
        let was_well = self.is_well();
        self.is_unflushed = false;
        (!was_well && self.is_well()).then_some(Notice::Resumed)
    }

    /// When the next attempt is due.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        match self.writing {
            Writing::Works => None,
            Writing::Failed { retry, .. } => Some((retry, "the disk failed: try again")),
        }
    }

    fn is_well(&self) -> bool {
        self.writing == Writing::Works && !self.is_unflushed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_once_and_its_end_once() {
        let mut disk = Disk::default();
        let gap = Notice::Gap { error: "no space left on device".to_owned() };
        assert_eq!(disk.handle_success(), None);
        assert_eq!(disk.handle_failure("no space left on device", Mono::from_ms(0)), Some(gap));
        assert_eq!(disk.handle_failure("read-only file system", Mono::from_ms(500)), None);
        assert_eq!(disk.handle_success(), Some(Notice::Resumed));
        assert_eq!(disk.handle_success(), None);
        assert_eq!(disk.poll_timeout(), None);
    }

    #[test]
    fn attempts_grow_rarer_up_to_a_limit() {
        let mut disk = Disk::default();
        let mut now = Mono::from_ms(0);
        let mut waits = Vec::new();
        for _ in 0..9 {
            assert!(disk.may_write(now));
            disk.handle_failure("full", now);
            assert!(!disk.may_write(now));
            let (retry, _why) = disk.poll_timeout().unwrap();
            waits.push(retry.ms_since(now));
            now = retry;
        }
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn two_troubles_at_once_are_one_gap_and_it_ends_with_the_last_of_them() {
        let mut disk = Disk::default();
        assert!(disk.handle_unflushed("input/output error").is_some());
        assert_eq!(disk.handle_unflushed("input/output error"), None);
        assert!(disk.may_write(Mono(0)), "it may still take what is written");
        assert_eq!(disk.handle_failure("full", Mono(0)), None);
        assert_eq!(disk.handle_flushed(), None, "it is still full");
        assert_eq!(disk.handle_success(), Some(Notice::Resumed));
        assert_eq!((disk.handle_flushed(), disk.handle_success()), (None, None));
        assert!(disk.handle_failure("full", Mono(0)).is_some());
        assert_eq!((disk.handle_unflushed("full"), disk.handle_success()), (None, None));
        assert_eq!(disk.handle_flushed(), Some(Notice::Resumed));
    }
}
