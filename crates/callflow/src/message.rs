//! A caller whom nobody can take speaks to a tape: a greeting, a tone, the message, and thanks. It
//! is a recording like any other, for the people of a queue, who see it until one of them has dealt
//! with it.

use std::time::Duration;

use model::{CallId, FactBody, HangupCause, Mono, Outcome, QueueId, RecordingId};

use crate::Callflow;
use crate::calls::Stage;
use crate::timers::Timer;

/// The key that ends a message.
const END_KEY: char = '#';

/// A message, until the call is over.
#[derive(Debug)]
pub(crate) struct Message {
    /// For the people of this queue.
    mailbox: QueueId,
    step: Step,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The caller hears what to do, and the tone; nothing is taped.
    Greeting,
    /// The caller speaks.
    Speaking { recording: RecordingId, since: Mono },
    /// The caller is thanked.
    Thanked,
}

impl Callflow {
    /// Whether a caller may leave a message there: it has a mailbox, recordings are made, and the
    /// caller is somebody outside.
    pub(crate) fn takes_messages(&self, call: CallId, mailbox: &QueueId) -> bool {
        let has_mailbox = self.config.messages.contains_key(mailbox);
        has_mailbox && self.config.records && self.is_from_outside(call)
    }

    /// The caller is told to speak after the tone. How the call ends is certain from now on.
    pub(crate) fn greet_for_message(&mut self, call: CallId, mailbox: QueueId) {
        let said = &self.config.prompts;
        let greeting = said.message_greetings.get(&mailbox).cloned().unwrap_or_default();
        let prompts = [greeting, said.message_tone.clone()].concat();
        self.turn_away_certainly(call);
        self.timers.stop_all(call);
        self.enter_stage(call, Stage::Message(Message { mailbox, step: Step::Greeting }));
        self.publish_again(call);
        self.play(call, prompts, false);
    }

    fn message(&mut self, call: CallId) -> Option<&mut Message> {
        match &mut self.calls.get_mut(&call)?.stage {
            Stage::Message(message) => Some(message),
            Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Waiting { .. }
            | Stage::Connected(_)
            | Stage::Dialled(_)
            | Stage::Leaving
            | Stage::Over => None,
        }
    }

    pub(crate) fn handle_message_play_finished(&mut self, call: CallId) {
        let Some(message) = self.message(call) else { return };
        match message.step {
            Step::Greeting => self.tape_message(call),
            Step::Speaking { .. } => {}
            Step::Thanked => self.give_up(call, Outcome::TurnedAway, HangupCause::LocalBye, 480),
        }
    }

    /// The tone is over: what the caller says is the message.
    fn tape_message(&mut self, call: CallId) {
        let Some(mailbox) = self.message(call).map(|message| message.mailbox.clone()) else {
            return;
        };
        let Some(rule) = self.config.messages.get(&mailbox).copied() else { return };
        self.hear_silence(call);
        let since = self.now;
        let Some(recording) = self.tape(call, None, Some((mailbox, rule.quiet_ms))) else { return };
        if let Some(message) = self.message(call) {
            message.step = Step::Speaking { recording, since };
        }
        self.timers.set(call, Timer::Message, self.now + Duration::from_millis(rule.max_ms));
    }

    pub(crate) fn handle_message_key(&mut self, call: CallId, digit: char) {
        if digit == END_KEY {
            self.message_is_whole(call);
        }
    }

    /// The caller has said nothing for a while: the message ended where that began.
    pub(crate) fn handle_quiet(&mut self, recording: RecordingId) {
        let Some(call) = self.recordings.get(&recording).copied() else { return };
        let Some(message) = self.message(call) else { return };
        let mailbox = message.mailbox.clone();
        match message.step {
            Step::Speaking { recording: speaking, .. } if speaking == recording => {
                let quiet_ms = self.config.messages.get(&mailbox).map_or(0, |rule| rule.quiet_ms);
                self.end_message(call, quiet_ms);
                self.thank(call);
            }
            Step::Greeting | Step::Speaking { .. } | Step::Thanked => {}
        }
    }

    /// The caller is done, or the message as long as one may be.
    pub(crate) fn message_is_whole(&mut self, call: CallId) {
        if self.end_message(call, 0) {
            self.thank(call);
        }
    }

    /// The caller hung up: what they said before is the message.
    pub(crate) fn left_message(&mut self, call: CallId, cause: HangupCause) {
        self.end_message(call, 0);
        self.left_unserved(call, cause);
    }

    /// Nothing more is taped. What was said, less `quiet_ms`, is a message if it is long enough.
    /// False if the caller was not speaking.
    fn end_message(&mut self, call: CallId, quiet_ms: u64) -> bool {
        let now = self.now;
        let Some(message) = self.message(call) else { return false };
        let Step::Speaking { recording, since } = message.step else { return false };
        message.step = Step::Thanked;
        let mailbox = message.mailbox.clone();
        self.timers.stop(call, Timer::Message);
        self.stop_tape(call);
        let length_ms = now.ms_since(since).saturating_sub(quiet_ms);
        let least = self.config.messages.get(&mailbox).map_or(0, |rule| rule.min_ms);
        if length_ms >= least {
            self.note(FactBody::MessageLeft { call, recording, mailbox, length_ms });
        }
        true
    }

    fn thank(&mut self, call: CallId) {
        self.play(call, self.config.prompts.message_thanks.clone(), false);
    }
}
