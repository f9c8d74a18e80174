//! One user's events: numbered without gaps, the last of them kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use model::Wall;

use crate::Event;
use crate::session::{SessionId, Stamped};

/// How a session that names a number goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    /// With the events it missed, which were delivered.
    Resumed,
    /// With a snapshot, which is yet to be asked for.
    Afresh,
}

/// One user's events.
#[derive(Debug)]
pub(crate) struct Stream {
    /// The number of the stream's first event, kept or not.
    first: u64,
    /// The number of its next one.
    next: u64,
    pushed: u64,
    /// The last ones: `next - history.len()` to `next - 1`.
    history: VecDeque<Arc<Stamped>>,
    limit: usize,
    /// Sessions with what is added to the stream's number for them, wrapping: not 0 for one that
    /// named a number which this stream no longer or never knew, and which goes on from there.
    sessions: BTreeMap<SessionId, u64>,
    /// The highest number that an event had for a session it was renumbered for. Up to here a
    /// number does not tell which event it was.
    renumbered_up_to: Option<u64>,
}

impl Stream {
    pub(crate) fn new(first: u64, limit: usize) -> Self {
        Self {
            first,
            next: first,
            pushed: 0,
            history: VecDeque::new(),
            limit,
            sessions: BTreeMap::new(),
            renumbered_up_to: None,
        }
    }

    /// How many events it ever had.
    pub(crate) fn pushed(&self) -> u64 {
        self.pushed
    }

    pub(crate) fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.sessions.keys().copied()
    }

    pub(crate) fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Adds a session that saw everything up to `after`, if it names a number. `deliver` gets what
    /// it missed.
    pub(crate) fn join(
        &mut self,
        session: SessionId,
        after: Option<u64>,
        mut deliver: impl FnMut(Arc<Stamped>),
    ) -> Joined {
        let Some(after) = after else {
            self.sessions.insert(session, 0);
            return Joined::Afresh;
        };
        // Only the stream's own numbers are taken at their word, and of those only what no session
        // has seen on another event: a snapshot is always right, a guess is not.
        let is_own = (self.first..self.next).contains(&after);
        if is_own && self.renumbered_up_to.is_none_or(|number| number < after) {
            let missed = usize::try_from(self.next - 1 - after).unwrap_or(usize::MAX);
            if let Some(skipped) = self.history.len().checked_sub(missed) {
                for stamped in self.history.range(skipped..) {
                    deliver(Arc::clone(stamped));
                }
                self.sessions.insert(session, 0);
                return Joined::Resumed;
            }
        }
        self.sessions.insert(session, (after + 1).wrapping_sub(self.next));
        Joined::Afresh
    }

    pub(crate) fn leave(&mut self, session: SessionId) {
        self.sessions.remove(&session);
    }

    /// Appends an event. `deliver` gets it once for each session.
    pub(crate) fn push(
        &mut self,
        at: Wall,
        event: Arc<Event>,
        mut deliver: impl FnMut(SessionId, Arc<Stamped>),
    ) {
        let stamped = Arc::new(Stamped { seq: self.next, at, event });
        self.next += 1;
        self.pushed += 1;
        for (&session, &shift) in &self.sessions {
            let told = renumbered(&stamped, shift);
            if shift != 0 {
                self.renumbered_up_to = self.renumbered_up_to.max(Some(told.seq));
            }
            deliver(session, told);
        }
        if self.history.len() == self.limit {
            self.history.pop_front();
        }
        self.history.push_back(stamped);
    }
}

fn renumbered(stamped: &Arc<Stamped>, shift: u64) -> Arc<Stamped> {
    if shift == 0 {
        return Arc::clone(stamped);
    }
    let seq = stamped.seq.wrapping_add(shift);
    Arc::new(Stamped { seq, at: stamped.at, event: Arc::clone(&stamped.event) })
}
