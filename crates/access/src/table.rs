//! Failures by key, in bounded memory, such that forgetting can never unlock anything.

use std::collections::{BTreeMap, BTreeSet};

use model::Mono;

use crate::lockout::{Limits, Verdict};

/// What is known of one key.
#[derive(Debug, Clone, Copy)]
struct Entry {
    failures: u32,
    /// No attempt is verified before.
    not_before: Mono,
    /// Whether `not_before` ends a lock, not a mere wait.
    locked: bool,
    /// When the entry means nothing any more and may go.
    forget_at: Mono,
}

/// Failures of keys that had any.
///
/// An entry leaves when it is forgiven or has run out, never to make room. When the table is full,
/// keys without an entry are a crowd that shares one attempt in `crowd_gap_ms`: a flood of made-up
/// names buys neither room for more guesses nor the end of anyone's lock.
#[derive(Debug)]
pub(crate) struct Table<K> {
    limits: Limits,
    capacity: usize,
    crowd_gap_ms: u64,
    crowd_not_before: Mono,
    entries: BTreeMap<K, Entry>,
    by_forget_at: BTreeSet<(Mono, K)>,
}

impl<K: Copy + Ord> Table<K> {
    pub(crate) fn new(limits: Limits, capacity: usize, crowd_gap_ms: u64) -> Self {
        Self {
            limits,
            capacity,
            crowd_gap_ms,
            crowd_not_before: Mono::default(),
            entries: BTreeMap::new(),
            by_forget_at: BTreeSet::new(),
        }
    }

    /// What an attempt of `key` would meet at `now`, without charging it.
    pub(crate) fn verdict(&mut self, key: K, now: Mono) -> Verdict {
        self.forget(now);
        let (not_before, locked) = match self.entries.get(&key) {
            Some(entry) => (entry.not_before, entry.locked),
            None if self.entries.len() < self.capacity => return Verdict::Check,
            None => (self.crowd_not_before, false),
        };
        // Rounded up, so that coming back after that many milliseconds is late enough.
        let retry_after_ms = not_before.0.saturating_sub(now.0).div_ceil(1_000_000);
        match (retry_after_ms, locked) {
            (0, _) => Verdict::Check,
            (_, true) => Verdict::Locked { retry_after_ms },
            (_, false) => Verdict::Wait { retry_after_ms },
        }
    }

    /// Counts one failure of `key`.
    pub(crate) fn charge(&mut self, key: K, now: Mono) {
        self.forget(now);
        let failures = match self.entries.get(&key) {
            // Charged late, by an attempt that was let through before the lock: it changes nothing.
            Some(entry) if entry.locked => return,
            Some(entry) => entry.failures.saturating_add(1),
            None if self.entries.len() < self.capacity => 1,
            None => {
                self.crowd_not_before = after_ms(now, self.crowd_gap_ms);
                return;
            }
        };
        let locked = failures >= self.limits.lock_after;
        let wait_ms = if locked { self.limits.lock_ms } else { self.delay_ms(failures) };
        let not_before = after_ms(now, wait_ms);
        // A lock is forgotten the moment it ends: the next attempt starts afresh.
        let remember_ms = if locked { wait_ms } else { self.limits.forget_ms.max(wait_ms) };
        let forget_at = after_ms(now, remember_ms);
        self.remove(key);
        self.entries.insert(key, Entry { failures, not_before, locked, forget_at });
        self.by_forget_at.insert((forget_at, key));
    }

    /// Forgives every failure of `key`.
    pub(crate) fn forgive(&mut self, key: K) {
        self.remove(key);
    }

    /// How many keys are remembered.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn delay_ms(&self, failures: u32) -> u64 {
        let Some(doublings) = failures.checked_sub(self.limits.free_failures.saturating_add(1))
        else {
            return 0;
        };
        let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
        self.limits.first_delay_ms.saturating_mul(factor).min(self.limits.max_delay_ms)
    }

    fn forget(&mut self, now: Mono) {
        while let Some(&(forget_at, key)) = self.by_forget_at.first()
            && forget_at <= now
        {
            self.remove(key);
        }
    }

    fn remove(&mut self, key: K) {
        if let Some(entry) = self.entries.remove(&key) {
            self.by_forget_at.remove(&(entry.forget_at, key));
        }
    }
}

fn after_ms(now: Mono, ms: u64) -> Mono {
    Mono(now.0.saturating_add(ms.saturating_mul(1_000_000)))
}
