//! What the DNS said, as long as it is true; and which targets failed of late.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use model::Mono;

use super::{Answer, LocateConfig, Question, Target};

/// Things that are known until some time; at the limit the one goes that would go first.
#[derive(Debug)]
pub(super) struct Until<K, V> {
    known: BTreeMap<K, (Mono, V)>,
    by_time: BTreeSet<(Mono, K)>,
    most: usize,
}

impl<K: Ord + Clone, V> Until<K, V> {
    pub(super) const fn new(most: usize) -> Self {
        Self { known: BTreeMap::new(), by_time: BTreeSet::new(), most }
    }

    pub(super) fn insert(&mut self, key: K, value: V, until: Mono) {
        self.remove(&key);
        self.by_time.insert((until, key.clone()));
        self.known.insert(key, (until, value));
        while self.known.len() > self.most {
            let Some((_, first)) = self.by_time.pop_first() else { return };
            self.known.remove(&first);
        }
    }

    pub(super) fn remove(&mut self, key: &K) {
        if let Some((until, _)) = self.known.remove(key) {
            self.by_time.remove(&(until, key.clone()));
        }
    }

    pub(super) fn get(&self, key: &K, now: Mono) -> Option<&V> {
        self.known.get(key).filter(|(until, _)| *until > now).map(|(_, value)| value)
    }

    /// Forgets what is over.
    pub(super) fn expire(&mut self, now: Mono) {
        while self.by_time.first().is_some_and(|(until, _)| *until <= now) {
            if let Some((_, key)) = self.by_time.pop_first() {
                self.known.remove(&key);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.known.len(), self.by_time.len());
        self.known.len()
    }
}

/// Answers by their question.
pub(super) type Answers = Until<Question, Arc<Answer>>;
/// Targets that failed.
pub(super) type FailedTargets = Until<Target, ()>;

/// How long an answer is remembered.
pub(super) fn lifetime(answer: &Answer, config: &LocateConfig) -> Duration {
    let seconds = |ttl_s: u32| Duration::from_secs(ttl_s.into());
    match answer {
        Answer::Found { ttl_s, .. } => seconds(*ttl_s).min(config.ttl_max),
        Answer::Nothing { ttl_s } => {
            let said = ttl_s.map_or(config.negative_ttl_max, seconds);
            said.min(config.negative_ttl_max)
        }
        Answer::Failed => config.unanswered_for,
    }
}
