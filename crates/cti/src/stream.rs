//! One user's events: numbered without gaps, the last of them kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use model::Wall;

use crate::Event;
use crate::cti::{SessionId, Stamped};

/// How many numberings beside the stream's own are remembered.
const MAX_NUMBERINGS: usize = 16;

/// A numbering other than the stream's own: that of a session which named a number that this
/// stream no longer or never knew, and which must go on from there without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbering {
    /// What is added to the stream's number, wrapping.
    shift: u64,
    /// The stream's number of the first event numbered so.
    from: u64,
}

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
    numberings: VecDeque<Numbering>,
    /// Sessions with the shift of their numbering; 0 is the stream's own.
    sessions: BTreeMap<SessionId, u64>,
}

impl Stream {
    pub(crate) fn new(first: u64, limit: usize) -> Self {
        Self {
            first,
            next: first,
            pushed: 0,
            history: VecDeque::new(),
            limit,
            numberings: VecDeque::new(),
            sessions: BTreeMap::new(),
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
        if let Some((shift, seen)) = self.place_of(after) {
            let missed = usize::try_from(self.next - 1 - seen).unwrap_or(usize::MAX);
            if let Some(skipped) = self.history.len().checked_sub(missed) {
                for stamped in self.history.range(skipped..) {
                    deliver(renumbered(stamped, shift));
                }
                self.sessions.insert(session, shift);
                return Joined::Resumed;
            }
        }
        let shift = self.number_from(after + 1);
        self.sessions.insert(session, shift);
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
            deliver(session, renumbered(&stamped, shift));
        }
        if self.history.len() == self.limit {
            self.history.pop_front();
        }
        self.history.push_back(stamped);
    }

    /// The numbering that `after` belongs to, as shift, and the stream's own number of that event.
    ///
    /// `None` as well where two numberings gave that number out: a snapshot is always right, a
    /// guess is not.
    fn place_of(&self, after: u64) -> Option<(u64, u64)> {
        let own = Numbering { shift: 0, from: self.first };
        let mut places = std::iter::once(own)
            .chain(self.numberings.iter().copied())
            .map(|numbering| (numbering, after.wrapping_sub(numbering.shift)))
            .filter(|(numbering, seen)| (numbering.from..self.next).contains(seen));
        match (places.next(), places.next()) {
            (Some((numbering, seen)), None) => Some((numbering.shift, seen)),
            (Some(_) | None, _) => None,
        }
    }

    /// Has the next event numbered `seq` for a session; the shift that does it.
    fn number_from(&mut self, seq: u64) -> u64 {
        if seq == self.next {
            return 0;
        }
        if self.sessions.is_empty() && seq > self.next {
            // Nobody listens who could notice: the whole stream moves, as after a restart.
            self.first = seq;
            self.next = seq;
            self.history.clear();
            self.numberings.clear();
            return 0;
        }
        let numbering = Numbering { shift: seq.wrapping_sub(self.next), from: self.next };
        if self.numberings.len() == MAX_NUMBERINGS {
            let unused =
                |numbering: &Numbering| !self.sessions.values().any(|&s| s == numbering.shift);
            let evicted = self.numberings.iter().position(unused).unwrap_or(0);
            self.numberings.remove(evicted);
        }
        self.numberings.push_back(numbering);
        numbering.shift
    }
}

fn renumbered(stamped: &Arc<Stamped>, shift: u64) -> Arc<Stamped> {
    if shift == 0 {
        return Arc::clone(stamped);
    }
    let seq = stamped.seq.wrapping_add(shift);
    Arc::new(Stamped { seq, at: stamped.at, event: Arc::clone(&stamped.event) })
}
