//! The least recently used numbers leave first; every answer grows old.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{CustomerCard, Mono};

/// What a source said about a number: the customer, or that there is none.
pub(crate) type Answer = Option<Arc<CustomerCard>>;

/// Answers by number, at most `capacity` of them, none older than its time.
#[derive(Debug)]
pub(crate) struct Cache {
    capacity: usize,
    entries: BTreeMap<String, Entry>,
    /// Numbers by when they were last used, oldest first.
    by_use: BTreeMap<u64, String>,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    answer: Answer,
    good_until: Mono,
    used: u64,
}

impl Cache {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { capacity, entries: BTreeMap::new(), by_use: BTreeMap::new(), uses: 0 }
    }

    /// The answer for `phone`, if one is kept and still good at `now`.
    pub(crate) fn find(&mut self, phone: &str, now: Mono) -> Option<Answer> {
        let entry = self.entries.get_mut(phone)?;
        if entry.good_until <= now {
            self.remove(phone);
            return None;
        }
        let before = std::mem::replace(&mut entry.used, self.uses);
        let answer = entry.answer.clone();
        if let Some(phone) = self.by_use.remove(&before) {
            self.by_use.insert(self.uses, phone);
        }
        self.uses += 1;
        Some(answer)
    }

    /// Keeps `answer` until `good_until`; the least recently used number makes room.
    pub(crate) fn keep(&mut self, phone: &str, answer: Answer, good_until: Mono) {
        if self.capacity == 0 {
            return;
        }
        self.remove(phone);
        if self.entries.len() >= self.capacity
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.entries.remove(&oldest);
        }
        self.entries.insert(phone.to_owned(), Entry { answer, good_until, used: self.uses });
        self.by_use.insert(self.uses, phone.to_owned());
        self.uses += 1;
    }

    /// Forgets `phone`.
    pub(crate) fn remove(&mut self, phone: &str) {
        if let Some(entry) = self.entries.remove(phone) {
            self.by_use.remove(&entry.used);
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.by_use.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_number_makes_room() {
        let mut cache = Cache::new(2);
        let later = Mono::from_ms(10);
        cache.keep("1", None, later);
        cache.keep("2", None, later);
        assert_eq!(cache.find("1", Mono(0)), Some(None));
        cache.keep("3", None, later);
        assert_eq!(cache.find("2", Mono(0)), None);
        assert_eq!(cache.find("1", Mono(0)), Some(None));
        assert_eq!(cache.find("3", Mono(0)), Some(None));
        assert_eq!((cache.len(), cache.by_use.len()), (2, 2));
    }

    #[test]
    fn an_old_answer_is_gone() {
        let mut cache = Cache::new(2);
        cache.keep("1", None, Mono::from_ms(10));
        assert_eq!(cache.find("1", Mono::from_ms(9)), Some(None));
        assert_eq!(cache.find("1", Mono::from_ms(10)), None);
        assert_eq!((cache.len(), cache.by_use.len()), (0, 0));
    }

    #[test]
    fn a_cache_of_no_capacity_keeps_nothing() {
        let mut cache = Cache::new(0);
        cache.keep("1", None, Mono::from_ms(10));
        assert_eq!((cache.find("1", Mono(0)), cache.len()), (None, 0));
    }
}
