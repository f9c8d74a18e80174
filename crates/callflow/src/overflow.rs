//! A queue that does not take a call, or keeps it no longer: where the caller goes then. To another
//! queue, to a number, to a mailbox, to be called back, or to an announcement and the end; and if
//! the first place is none for them, to the next one that the queue names.

use std::collections::VecDeque;

use acd::{CallbackInput, Input as AcdInput, NotEnqueued, Overflow, OverflowCause, Party};
use cti::CallPhase;
use model::{
    CallId, Direction, FactBody, HangupCause, Mono, Outcome, OverflowTarget, Pii, PromptId,
    QueueId, Target, TransferKind,
};

use crate::Callflow;
use crate::calls::{Stage, Waiting};
use crate::conversation::{Conversation, Talk};
use crate::queue::Coming;

/// Where a caller goes whom a queue has sent away.
#[derive(Debug)]
pub(crate) struct Onward {
    /// The place that they had.
    waiting: Waiting,
    /// Why they had to go.
    why: String,
    /// The places that have not been tried.
    left: VecDeque<Overflow>,
}

impl Callflow {
    /// The call goes elsewhere: to another queue it went by itself, with its place. Too late for
    /// who has hung up at the same moment.
    pub(crate) fn overflowed(
        &mut self,
        call: CallId,
        queue: QueueId,
        why: OverflowCause,
        to: Overflow,
        entered: Mono,
    ) {
        let Some(Stage::Waiting { waiting, .. }) = self.calls.get(&call).map(|known| &known.stage)
        else {
            return;
        };
        let waiting = Waiting { queue: queue.clone(), ..waiting.clone() };
        if let Overflow::Queue(next) = to {
            let (why, to) = (why.as_str().to_owned(), OverflowTarget::Queue(next.clone()));
            self.note(FactBody::Overflowed { call, queue, why, to });
            return self.move_on(call, next, entered);
        }
        let next = self.after_first(&queue, why);
        let left = [to].into_iter().chain(next).collect();
        let onward = Onward { waiting, why: why.as_str().to_owned(), left };
        if let Some(known) = self.calls.get_mut(&call) {
            known.onward = Some(onward);
        }
        self.send_on(call);
    }

    /// What comes after the first place to which a queue sends its callers for that reason.
    fn after_first(&self, queue: &QueueId, why: OverflowCause) -> Vec<Overflow> {
        let onwards = &self.config.onwards;
        let found = match why {
            OverflowCause::Emergency => {
                let on =
                    self.config.acd.plans.iter().filter(|plan| self.plans.contains(&plan.name));
                let plan = on.into_iter().find(|plan| plan.queues.contains_key(queue));
                plan.and_then(|plan| onwards.plans.get(&(plan.name.clone(), queue.clone())))
            }
            OverflowCause::Closed
            | OverflowCause::Unstaffed
            | OverflowCause::Full
            | OverflowCause::TimedOut => onwards.queues.get(&(queue.clone(), why)),
        };
        found.cloned().unwrap_or_default()
    }

    /// Whether nobody has the call because a queue has sent it away.
    pub(crate) fn is_sent_on(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|known| {
            let nobody = known.conversation().is_none_or(|talk| talk.holder.is_none());
            known.onward.is_some() && nobody
        })
    }

    /// The call goes to the first place that is left and takes it; where none does, the caller is
    /// told so, and that is the end.
    pub(crate) fn send_on(&mut self, call: CallId) {
        loop {
            let Some(known) = self.calls.get_mut(&call) else { return };
            let Some(onward) = &mut known.onward else { return };
            let Some(to) = onward.left.pop_front() else {
                known.onward = None;
                let sorry = self.config.prompts.sorry.clone();
                return self.send_off(call, sorry);
            };
            let waiting = onward.waiting.clone();
            // Whatever was tried before, nobody has the call now.
            known.stage = Stage::Waiting { waiting: waiting.clone(), offers: Vec::new() };
            if self.goes_to(call, &waiting, to) {
                return;
            }
        }
    }

    /// Whether the call goes there, or may, which is told in a moment.
    fn goes_to(&mut self, call: CallId, waiting: &Waiting, to: Overflow) -> bool {
        match to {
            Overflow::Queue(next) => {
                let before_ms = waiting.before_ms + self.now.ms_since(waiting.entered);
                self.note_sent(call, OverflowTarget::Queue(next.clone()));
                self.sent(call);
                self.wait(call, (next, Coming::Anew), waiting.permission, before_ms);
                true
            }
            Overflow::Announcement(prompt) => {
                self.note_sent(call, OverflowTarget::Announcement(prompt.clone()));
                self.sent(call);
                self.send_off(call, vec![prompt]);
                true
            }
            Overflow::Number(number) => self.goes_to_number(call, waiting, &number),
            Overflow::Mailbox(mailbox) => {
                let mailbox = QueueId::from(&*mailbox);
                let takes = self.takes_messages(call, &mailbox);
                if takes {
                    self.note_sent(call, OverflowTarget::Mailbox(mailbox.clone()));
                    self.sent(call);
                    self.greet_for_message(call, mailbox);
                }
                takes
            }
            Overflow::Callback => self.goes_to_callback(call, waiting),
        }
    }

    /// The caller has arrived somewhere.
    fn sent(&mut self, call: CallId) {
        if let Some(known) = self.calls.get_mut(&call) {
            known.onward = None;
        }
    }

    fn note_sent(&mut self, call: CallId, to: OverflowTarget) {
        let onward = self.calls.get(&call).and_then(|known| known.onward.as_ref());
        let Some(Onward { waiting, why, .. }) = onward else { return };
        let (queue, why) = (waiting.queue.clone(), why.clone());
        self.note(FactBody::Overflowed { call, queue, why, to });
    }

    /// A telephone is called for the caller, who hears music until it answers. Which lines may call
    /// it is a matter of their lists alone; a number for help is not called for others.
    fn goes_to_number(&mut self, call: CallId, waiting: &Waiting, number: &str) -> bool {
        let ways = self.config.trunks.ways_out(number).unwrap_or_default();
        let may = !ways.is_empty() && ways.iter().all(|way| !way.is_emergency);
        if !may || !self.is_from_outside(call) {
            return false;
        }
        let number = Pii::new(trunk::normalise(number));
        self.note_sent(call, OverflowTarget::Number(number.clone()));
        self.timers.stop_all(call);
        let leg = self.call_over(call, number.reveal(), ways);
        let whom = Target::Number(number.clone());
        let guest = Self::called_guest((whom, number, leg), None, TransferKind::Blind);
        let waiting = Some(waiting.clone());
        let talk = Talk::Transferring(guest);
        let conversation = Conversation { waiting, holder: None, talk };
        self.enter_stage(call, Stage::Connected(Box::new(conversation)));
        if let Some(known) = self.calls.get_mut(&call) {
            known.playing = None;
        }
        self.bridge(call);
        self.publish_conversation(call);
        true
    }

    /// The caller is called back at the number that they call from, unasked; the queue says in a
    /// moment whether it does that.
    fn goes_to_callback(&mut self, call: CallId, waiting: &Waiting) -> bool {
        let Some(known) = self.calls.get(&call) else { return false };
        let number = Pii::new(trunk::normalise(known.ani.reveal()));
        let queue = waiting.queue.clone();
        let asks = known.direction == Direction::Inbound
            && self.may_be_called(&number)
            && self.callbacks.add(call, queue.clone(), number, waiting.before_ms);
        if asks {
            let book = CallbackInput::Book {
                call,
                first: self.first_of(&queue),
                queue,
                permission: waiting.permission,
                entered: waiting.entered,
                head_start_ms: waiting.before_ms,
                party: Party(call.0.0),
            };
            self.acd.handle_input(AcdInput::Callback(book), self.now);
        }
        asks
    }

    /// The queue calls back: that is where who was sent to it for that has gone.
    pub(crate) fn sent_to_callback(&mut self, call: CallId) {
        self.note_sent(call, OverflowTarget::Callback);
        self.sent(call);
    }

    /// Whether the other side of a call is someone outside, and no agent who called a queue.
    pub(crate) fn is_from_outside(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|known| match known.direction {
            Direction::Inbound | Direction::Outbound => true,
            Direction::Internal => false,
        })
    }

    /// The call is in another queue now. Who has just come is welcomed there; who was in line
    /// before hears the music go on, and next the position in the new line.
    fn move_on(&mut self, call: CallId, next: QueueId, entered: Mono) {
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Stage::Waiting { waiting, .. } = &mut known.stage else { return };
        waiting.queue = next.clone();
        let permission = waiting.permission.map(|permission| permission.as_str().to_owned());
        waiting.told = None;
        let has_just_come = waiting.entered == self.now;
        self.note(FactBody::Queued { call, queue: next, entered, permission });
        self.publish_call(call, CallPhase::Queued);
        if has_just_come {
            self.welcome(call);
        }
    }

    /// No queue takes the call, and none is configured to have it then: the record says so as of
    /// one that sends its callers to an announcement.
    pub(crate) fn not_enqueued(&mut self, call: CallId, queue: QueueId, why: NotEnqueued) {
        if !self.is_waiting(call) {
            return;
        }
        let why = match why {
            NotEnqueued::QueueFull => OverflowCause::Full,
            NotEnqueued::Closed => OverflowCause::Closed,
            NotEnqueued::UnknownQueue | NotEnqueued::AlreadyKnown | NotEnqueued::NobodyMay => {
                return self.apologise(call);
            }
        };
        let why = why.as_str().to_owned();
        let sorry = self.config.prompts.sorry.clone();
        let first = sorry.first().cloned().unwrap_or_else(|| PromptId::from("sorry"));
        let to = OverflowTarget::Announcement(first);
        self.note(FactBody::Overflowed { call, queue, why, to });
        self.send_off(call, sorry);
    }

    /// The caller hears `prompts`, and that is the end: how the call ends is certain from now on.
    fn send_off(&mut self, call: CallId, prompts: Vec<PromptId>) {
        self.turn_away_certainly(call);
        self.timers.stop_all(call);
        self.enter_stage(call, Stage::Leaving);
        self.publish_again(call);
        self.play(call, prompts, false);
    }

    /// Nobody takes the call any more: that is how it ends.
    pub(crate) fn turn_away_certainly(&mut self, call: CallId) {
        let Some(known) = self.calls.get_mut(&call) else { return };
        let outcome = match known.direction {
            Direction::Inbound | Direction::Internal => Outcome::TurnedAway,
            // The agent who called them has talked with them.
            Direction::Outbound => Outcome::Answered,
        };
        known.outcome.get_or_insert((outcome, HangupCause::LocalBye));
    }

    /// The caller hung up while hearing that nobody takes the call: that is how it ends all the
    /// same.
    pub(crate) fn left_unserved(&mut self, call: CallId, cause: HangupCause) {
        let Some(known) = self.calls.get_mut(&call) else { return };
        let unserved = known.outcome_unserved();
        let outcome = known.outcome.take().map_or(unserved, |(outcome, _)| outcome);
        self.decide(call, outcome, cause);
    }

    pub(crate) fn is_waiting(&self, call: CallId) -> bool {
        let stage = self.calls.get(&call).map(|known| &known.stage);
        matches!(stage, Some(Stage::Waiting { .. }))
    }
}
