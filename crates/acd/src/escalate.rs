//! How a waiting call opens to more and more agents: the queue's steps, one after the other.
//!
//! Time opens a step by a deadline of the call's own. How many are idle is counted when a call is
//! to be offered: whoever waits on after that has none whom it may have, so that nothing is left to
//! count. Estimates and the service level are looked at when a call begins to wait, and from then
//! on once a second for a whole queue, as long as they may open anything there.

use std::time::Duration;

use model::{CallId, Mono, Opened};

use crate::call::{Call, Progress};
use crate::timer::Timer;
use crate::{Acd, Output};

/// How often estimates and the service level are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Acd {
    /// A deadline opens calls to more agents, and so do the others of the same kind at `due`.
    pub(crate) fn open_more(&mut self, first: Timer, due: Mono) {
        let mut next = Some(first);
        while let Some(timer) = next {
            let call = match timer {
                Timer::Tier(call) | Timer::Preference(call) | Timer::Again(call) => Some(call),
                Timer::Watch(_)
                | Timer::Rest(_)
                | Timer::Acw(_)
                | Timer::Offer(_)
                | Timer::Dial(_)
                | Timer::RingMore(_)
                | Timer::Limit(_) => None,
            };
            match timer {
                Timer::Tier(call) => self.open_tiers(call),
                Timer::Preference(call) => self.end_preference(call),
                Timer::Again(call) => self.callback_again(call),
                Timer::Watch(queue) => self.watch(queue),
                Timer::Rest(_)
                | Timer::Acw(_)
                | Timer::Offer(_)
                | Timer::Dial(_)
                | Timer::RingMore(_)
                | Timer::Limit(_) => {}
            }
            let call = call.and_then(|call| self.calls.get(&call));
            self.opened.extend(call.map(|call| call.place));
            next = self.timers.pop_opening(due);
        }
    }

    /// Opens a call to the steps whose time has come, and sets the time of the next one.
    pub(crate) fn open_tiers(&mut self, id: CallId) {
        let Some(mut call) = self.calls.get(&id).copied() else { return };
        let waits = call.progress == Progress::Waiting;
        if waits {
            self.unwait(&call);
        }
        // That one has come, or was cancelled.
        call.next_step_at = None;
        self.reach_tiers(&mut call);
        if waits {
            self.wait(&call);
        }
        self.calls.insert(id, call);
        self.note_room(&call);
    }

    /// The same for a call that is in no list.
    pub(crate) fn reach_tiers(&mut self, call: &mut Call) {
        let queue = &self.queues[call.queue as usize];
        let left = queue.steps.get(call.reached..).unwrap_or_default();
        let due = left.iter().rposition(|step| step.is_due(call.entered, self.now));
        if let Some(at) = due {
            self.reach(call, call.reached + at + 1, Opened::Waited);
        }
        self.set_next_step(call);
    }

    /// Sets the time at which a call reaches the next step that has one.
    fn set_next_step(&mut self, call: &mut Call) {
        let id = call.place.call;
        if let Some(at) = call.next_step_at.take() {
            self.timers.cancel(at, Timer::Tier(id));
        }
        let steps = &self.queues[call.queue as usize].steps;
        let mut left = steps.get(call.reached..).unwrap_or_default().iter();
        call.next_step_at = left
            .find_map(|step| step.opens.after_ms)
            .map(|ms| call.entered + Duration::from_millis(ms));
        if let Some(at) = call.next_step_at {
            self.timers.set(at, Timer::Tier(id));
        }
    }

    /// A call that is in no list has reached so many steps; the last of them for this reason.
    fn reach(&mut self, call: &mut Call, reached: usize, why: Opened) {
        let queue = &self.queues[call.queue as usize];
        // A step that is open from the start is not reached, it is there.
        for at in call.reached.max(queue.at_once)..reached {
            let Some(step) = queue.steps.get(at) else { break };
            let why = match step.is_due(call.entered, self.now) {
                _ if at + 1 == reached => why,
                true => Opened::Waited,
                false => Opened::Later,
            };
            self.outputs.push_back(Output::TierReached {
                call: call.place.call,
                queue: queue.id.clone(),
                tier: step.tier,
                step: u32::try_from(at + 1).unwrap_or(u32::MAX),
                why,
            });
        }
        call.reached = call.reached.max(reached);
    }

    /// The same for a call that waits.
    fn open_to(&mut self, id: CallId, reached: usize, why: Opened) {
        let Some(mut call) = self.calls.get(&id).copied() else { return };
        self.unwait(&call);
        self.reach(&mut call, reached, why);
        self.set_next_step(&mut call);
        self.wait(&call);
        self.calls.insert(id, call);
    }

    /// Opens what does not wait for a time to a call that is to be offered to all whom it has
    /// reached.
    pub(crate) fn open_early(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id).copied() else { return };
        let queue = &self.queues[call.queue as usize];
        if call.reached < queue.watched && !self.is_restoring {
            self.pass(call.queue);
            let queue = &self.queues[call.queue as usize];
            if let Some((reached, why)) = queue.watched_for(&call, self.now) {
                self.open_to(id, reached, why);
            }
        }
        while let Some(reached) = self.too_few_idle(id) {
            self.open_to(id, reached, Opened::Idle);
        }
    }

    /// How many steps a call has reached with the next one, if that opens because so few are idle.
    fn too_few_idle(&self, id: CallId) -> Option<usize> {
        let call = self.calls.get(&id)?;
        let queue = &self.queues[call.queue as usize];
        let at_most = queue.steps.get(call.reached)?.opens.idle?;
        let few = queue.idle_count(call) <= at_most as usize;
        few.then_some(call.reached + 1)
    }

    /// Opens the steps of a queue that estimates and the service level open now.
    fn watch(&mut self, queue: u32) {
        self.queues[queue as usize].watch_at = None;
        self.pass(queue);
        let due = self.queues[queue as usize].watched_for_all(self.now);
        for (place, (reached, why)) in due {
            self.open_to(place.call, reached, why);
            self.opened.insert(place);
        }
        self.keep_watch(queue);
    }

    /// Sets when a queue is looked at next, as long as anyone waits to whom that may open a step.
    pub(crate) fn keep_watch(&mut self, at: u32) {
        let queue = &mut self.queues[at as usize];
        if queue.watch_at.is_none() && queue.is_watched() {
            let next = self.now + LOOK_EVERY;
            queue.watch_at = Some(next);
            self.timers.set(next, Timer::Watch(at));
            self.note_queue(at);
        }
    }

    fn pass(&mut self, queue: u32) {
        self.note_queue(queue);
        self.queues[queue as usize].pass(self.now);
    }
}
