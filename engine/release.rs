//! What acknowledges something leaves only when what it acknowledges is kept.

use std::collections::VecDeque;

/// Holds what waits for facts to be committed. One queue: what acknowledges leaves in order.
#[derive(Debug)]
pub struct Release<T> {
    held: VecDeque<(u64, T)>,
    committed: u64,
}

impl<T> Default for Release<T> {
    fn default() -> Self {
        Self { held: VecDeque::new(), committed: 0 }
    }
}

impl<T> Release<T> {
    /// Something that acknowledges all facts up to number `needs`: it comes back at once if they
    /// are kept and nothing waits before it.
    pub fn hold(&mut self, needs: u64, held: T) -> Option<T> {
        if self.held.is_empty() && needs <= self.committed {
            return Some(held);
        }
        self.held.push_back((needs, held));
        None
    }

    /// All facts up to this number are kept.
    pub fn commit(&mut self, up_to: u64) {
        self.committed = self.committed.max(up_to);
    }

    /// The next that may leave.
    pub fn release(&mut self) -> Option<T> {
        let (needs, _) = self.held.front()?;
        if *needs > self.committed {
            return None;
        }
        self.held.pop_front().map(|(_, held)| held)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_before_its_facts_are_kept() {
        let mut release = Release::default();
        assert_eq!(release.hold(0, "nothing to keep"), Some("nothing to keep"));
        assert_eq!(release.hold(3, "three"), None);
        assert_eq!(release.hold(5, "five"), None);
        assert_eq!(release.release(), None);
        release.commit(4);
        assert_eq!(release.release(), Some("three"));
        assert_eq!(release.release(), None);
        release.commit(9);
        assert_eq!(release.release(), Some("five"));
        assert!(release.is_empty());
    }

    #[test]
    fn what_comes_later_does_not_overtake() {
        let mut release = Release::default();
        assert_eq!(release.hold(2, 'a'), None);
        assert_eq!(release.hold(1, 'b'), None);
        release.commit(1);
        assert_eq!(release.release(), None);
        release.commit(2);
        assert_eq!((release.release(), release.release()), (Some('a'), Some('b')));
        assert_eq!(release.len(), 0);
    }

    #[test]
    fn an_old_commit_changes_nothing() {
        let mut release = Release::default();
        release.commit(5);
        release.commit(3);
        assert_eq!(release.hold(5, ()), Some(()));
    }
}
