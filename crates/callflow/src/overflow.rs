//! A queue that does not take a call, or keeps it no longer: where the caller goes then.

use acd::{NotEnqueued, Overflow, OverflowCause};
use cti::CallPhase;
use model::{
    CallId, Direction, FactBody, HangupCause, Mono, Outcome, OverflowTarget, PromptId, QueueId,
};

use crate::Callflow;
use crate::calls::Stage;

impl Callflow {
    /// The call goes elsewhere: to another queue it went by itself, with its place; else it hears
    /// why, and ends. Too late for who has hung up at the same moment.
    pub(crate) fn overflowed(
        &mut self,
        call: CallId,
        queue: QueueId,
        why: OverflowCause,
        to: Overflow,
        entered: Mono,
    ) {
        if !self.is_waiting(call) {
            return;
        }
        let to = match to {
            Overflow::Queue(next) => OverflowTarget::Queue(next),
            Overflow::Announcement(prompt) => OverflowTarget::Announcement(prompt),
            // No queue is configured to send anyone there.
            Overflow::Number(_) | Overflow::Mailbox(_) | Overflow::Callback => {
                return self.apologise(call);
            }
        };
        let why = why.as_str().to_owned();
        self.note(FactBody::Overflowed { call, queue, why, to: to.clone() });
        match to {
            OverflowTarget::Queue(next) => self.move_on(call, next, entered),
            OverflowTarget::Announcement(prompt) => self.send_off(call, vec![prompt]),
        }
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
        let Some(known) = self.calls.get_mut(&call) else { return };
        let outcome = match known.direction {
            Direction::Inbound | Direction::Internal => Outcome::TurnedAway,
            // The agent who called them has talked with them.
            Direction::Outbound => Outcome::Answered,
        };
        known.outcome.get_or_insert((outcome, HangupCause::LocalBye));
        self.timers.stop_all(call);
        self.enter_stage(call, Stage::Leaving);
        self.publish_again(call);
        self.play(call, prompts, false);
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
