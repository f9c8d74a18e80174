//! What a recorder and its sealer know of flushes: which began, which succeeded, which failed, and
//! what of a file no good flush has begun behind.
//!
//! A flush that fails says so once, and the system then believes the pages clean that it could not
//! write: the next flush succeeds and has written nothing of them. So all that was written since
//! the last good flush began is written again before another one counts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::Sender;

use super::sealer::ToSealer;

/// Flushes are numbered from 1; 0 is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flushed {
    /// The last that began.
    pub(crate) begun: u64,
    /// The last that succeeded.
    pub(crate) good: u64,
    /// The last that failed.
    pub(crate) failed: u64,
}

#[derive(Debug, Default)]
struct Shared {
    /// Whether something was written that no flush has begun behind.
    is_marked: AtomicBool,
    /// Whether the recorder ends.
    is_closing: AtomicBool,
    flushed: Mutex<Flushed>,
}

/// What a recorder and its sealer share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flushes(Arc<Shared>);

impl Flushes {
    /// Something was written: the sealer is told unless it has been.
    pub(crate) fn mark(&self, sealer: &Sender<ToSealer>) {
        if !self.0.is_marked.swap(true, Ordering::AcqRel) {
            // A full channel keeps the sealer awake anyway.
            let _ = sealer.try_send(ToSealer::Written);
        }
    }

    /// What is known now.
    pub(crate) fn now(&self) -> Flushed {
        *self.flushed()
    }

    /// The recorder ends: the sealer is to take all that it is still given.
    pub(crate) fn close(&self) {
        self.0.is_closing.store(true, Ordering::Release);
    }

    /// Whether the recorder ends.
    pub(crate) fn are_closing(&self) -> bool {
        self.0.is_closing.load(Ordering::Acquire)
    }

    /// A flush begins: it takes in everything that was written before.
    pub(crate) fn begin(&self) {
        // Marked again by whatever is written from here on.
        self.0.is_marked.store(false, Ordering::Release);
        self.flushed().begun += 1;
    }

    /// The flush that began last has ended.
    pub(crate) fn end(&self, is_good: bool) {
        let mut flushed = self.flushed();
        let number = flushed.begun;
        *(if is_good { &mut flushed.good } else { &mut flushed.failed }) = number;
    }

    fn flushed(&self) -> MutexGuard<'_, Flushed> {
        self.0.flushed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// From where on the bytes of one file may not be on the disk yet. What was written before a flush
/// began is named by the number of the flush before that one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AtRisk {
    /// What was written before the flush of `latest` began: the next to succeed takes it in.
    older: Option<u64>,
    /// The last flush that had begun when something was written, and from where on that was.
    latest: Option<(u64, u64)>,
    /// The last failure that was heeded.
    heeded: u64,
    /// What was written again after a failure: safe when a later flush than this has succeeded.
    again: Option<u64>,
}

impl AtRisk {
    /// Bytes from `from` on were written, when `begun` was the last flush to have begun.
    pub(crate) fn wrote(&mut self, from: u64, begun: u64) {
        match self.latest {
            Some((number, _)) if number == begun => {}
            Some((_, at)) => {
                self.older.get_or_insert(at);
                self.latest = Some((begun, from));
            }
            None => self.latest = Some((begun, from)),
        }
    }

    /// Takes in what is known of flushes, unless one failed that has to be heeded first: then says
    /// from where on the file must be written again.
    pub(crate) fn settle(&mut self, flushed: Flushed) -> Option<u64> {
        if flushed.failed > self.heeded {
            if let Some(from) = self.older.or(self.latest.map(|(_, at)| at)) {
                return Some(from);
            }
            self.heeded = flushed.failed;
        }
        if let Some((number, _)) = self.latest {
            if flushed.good >= number {
                self.older = None;
            }
            if flushed.good > number {
                self.latest = None;
            }
        }
        self.again = self.again.filter(|begun| flushed.good <= *begun);
        None
    }

    /// Bytes from `from` on were written again because of the failure of `heeded`, when `begun` was
    /// the last flush to have begun.
    pub(crate) fn wrote_again(&mut self, from: u64, begun: u64, heeded: u64) {
        let latest = Some((begun, from));
        *self = Self { older: None, latest, heeded, again: Some(begun) };
    }

    /// Whether something was written again that no flush has taken in since.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.again.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flush(flushes: &Flushes, is_good: bool) {
        flushes.begin();
        flushes.end(is_good);
    }

    #[test]
    fn a_sealer_is_told_once_of_what_is_written_until_it_flushes() {
        let (sealer, inbox) = crossbeam_channel::unbounded();
        let flushes = Flushes::default();
        for _ in 0..5 {
            flushes.mark(&sealer);
        }
        assert_eq!(inbox.len(), 1);
        flushes.begin();
        flushes.mark(&sealer);
        assert_eq!(inbox.len(), 2);
    }

    #[test]
    fn what_a_good_flush_began_behind_is_safe_and_nothing_else_is() {
        let (flushes, mut file) = (Flushes::default(), AtRisk::default());
        file.wrote(0, flushes.now().begun);
        flush(&flushes, true);
        assert_eq!(file.settle(flushes.now()), None);
        assert_eq!(file.latest, None);
        // Written before a flush, while it works, and behind it.
        file.wrote(100, flushes.now().begun);
        flushes.begin();
        file.wrote(200, flushes.now().begun);
        flushes.end(true);
        assert_eq!(file.settle(flushes.now()), None);
        file.wrote(300, flushes.now().begun);
        flush(&flushes, false);
        assert_eq!(file.settle(flushes.now()), Some(200), "the first 200 bytes are safe");
    }

    #[test]
    fn a_success_behind_a_failure_makes_nothing_safe_that_was_not_written_again() {
        let (flushes, mut file) = (Flushes::default(), AtRisk::default());
        file.wrote(0, flushes.now().begun);
        flush(&flushes, false);
        flush(&flushes, true);
        let flushed = flushes.now();
        assert_eq!(file.settle(flushed), Some(0));
        // While it is written again a flush begins, which may have come too early.
        flushes.begin();
        file.wrote_again(0, flushes.now().begun, flushed.failed);
        flushes.end(true);
        assert_eq!((file.settle(flushes.now()), file.is_in_doubt()), (None, true));
        flush(&flushes, true);
        assert_eq!((file.settle(flushes.now()), file.is_in_doubt()), (None, false));
        assert_eq!(file.latest, None);
    }

    #[test]
    fn a_file_that_wrote_nothing_since_is_not_touched_by_a_failure() {
        let (flushes, mut file) = (Flushes::default(), AtRisk::default());
        file.wrote(0, flushes.now().begun);
        flush(&flushes, true);
        assert_eq!(file.settle(flushes.now()), None);
        flush(&flushes, false);
        assert_eq!(file.settle(flushes.now()), None);
        file.wrote(700, flushes.now().begun);
        assert_eq!(file.settle(flushes.now()), None, "that failure was before it");
        for _ in 0..3 {
            flush(&flushes, false);
            file.wrote(900, flushes.now().begun);
        }
        assert_eq!(file.settle(flushes.now()), Some(700));
    }
}
