//! The table of calls, which knows what changed in it.

use std::collections::BTreeSet;

use model::{CallId, Found};

use crate::call::Call;

/// The calls, found by their id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls {
    known: Found<CallId, Call>,
    /// Those that were put in or taken out since facts were told, if anyone wants them.
    pub(crate) changed: Option<BTreeSet<CallId>>,
    /// How many are a queue's, waiting or with an agent, by its place in the table.
    held: Vec<u32>,
}

impl Calls {
    pub(crate) fn get(&self, id: &CallId) -> Option<&Call> {
        self.known.get(id)
    }

    pub(crate) fn contains_key(&self, id: &CallId) -> bool {
        self.known.contains_key(id)
    }

    pub(crate) fn get_mut(&mut self, id: &CallId) -> Option<&mut Call> {
        self.mark(*id);
        self.known.get_mut(id)
    }

    pub(crate) fn insert(&mut self, id: CallId, call: Call) {
        self.mark(id);
        let at = call.queue as usize;
        if self.held.len() <= at {
            self.held.resize(at + 1, 0);
        }
        self.held[at] += 1;
        let before = self.known.insert(id, call);
        self.count_out(before);
    }

    pub(crate) fn remove(&mut self, id: &CallId) {
        self.mark(*id);
        let before = self.known.remove(id);
        self.count_out(before);
    }

    fn count_out(&mut self, before: Option<Call>) {
        if let Some(held) = before.and_then(|call| self.held.get_mut(call.queue as usize)) {
            *held -= 1;
        }
    }

    /// Whether any call is a queue's.
    pub(crate) fn are_of(&self, queue: u32) -> bool {
        self.held.get(queue as usize).is_some_and(|held| *held > 0)
    }

    /// What is told of a call changes.
    pub(crate) fn mark(&mut self, id: CallId) {
        if let Some(changed) = &mut self.changed {
            changed.insert(id);
        }
    }

    /// Every call, in an order that is nobody's business.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Call> {
        self.known.values()
    }
}

#[cfg(test)]
impl Calls {
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    pub(crate) fn newest(&self) -> u32 {
        self.known.keys().max().map_or(0, |call| call.0.counter())
    }
}

#[cfg(test)]
impl std::ops::Index<&CallId> for Calls {
    type Output = Call;
    fn index(&self, id: &CallId) -> &Call {
        &self.known[id]
    }
}
