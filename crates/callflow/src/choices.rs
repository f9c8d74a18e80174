//! What a caller may choose instead of waiting: to be called back, or another queue. They wait on
//! in their place while they choose; whoever presses nothing stays.

use std::time::Duration;

use acd::{CallbackInput, Input as AcdInput, Left, Party};
use model::{
    CallId, FactBody, HangupCause, Mono, Outcome, OverflowTarget, Pii, PromptId, QueueId, Wall,
};

use crate::Callflow;
use crate::calls::Stage;
use crate::config::Choice;
use crate::queue::Coming;
use crate::timers::Timer;

/// How long a caller who was asked something has for the next key, from its end, in milliseconds;
/// then they stay.
const KEY_MS: u64 = 10_000;
/// How long what is asked takes at most, in milliseconds.
const ASKS_MS: u64 = 60_000;
/// The most digits of a number that is keyed: E.164 has 15, and an access code before them.
const DIGITS_MAX: usize = 20;

/// What a caller who waits was asked about being called back.
#[derive(Debug, Clone)]
pub(crate) enum Asked {
    /// Whether this is the number.
    WhetherThis(Pii<String>),
    /// The number; so much of it was keyed.
    Number(Pii<String>),
    /// Nothing more: whether the queue calls back is on its way.
    Nothing,
}

impl Callflow {
    /// A key of a caller who waits.
    pub(crate) fn handle_choice(&mut self, call: CallId, digit: char) {
        // Who is about to be answered stays.
        if self.acd.is_offered(call) {
            return;
        }
        let Some(known) = self.calls.get(&call) else { return };
        let Stage::Waiting { waiting, .. } = &known.stage else { return };
        match (waiting.asked.clone(), digit) {
            (None, _) => match self.choice(&waiting.queue.clone(), digit) {
                Some(Choice::Callback) => self.ask_whether(call),
                Some(Choice::Queue(queue)) => {
                    self.change_queue(call, queue, "chosen");
                }
                Some(Choice::Mailbox(mailbox)) => self.choose_mailbox(call, mailbox),
                None => {}
            },
            (Some(Asked::WhetherThis(number)), '1') => self.ask_callback(call, number),
            (Some(Asked::WhetherThis(_)), '2') => self.ask_number(call, false),
            (Some(Asked::WhetherThis(_)), '0') => self.stay(call),
            (Some(Asked::WhetherThis(_) | Asked::Nothing), _) => {}
            (Some(Asked::Number(keyed)), digit) => self.key_number(call, &keyed, digit),
        }
    }

    fn choice(&self, queue: &QueueId, digit: char) -> Option<Choice> {
        self.config.choices.get(queue)?.get(&digit).cloned()
    }

    /// What a caller is told of their choices, beside their position.
    pub(crate) fn choices_prompts(&self, queue: &QueueId) -> Vec<PromptId> {
        self.config.prompts.choices.get(queue).cloned().unwrap_or_default()
    }

    /// Whether the caller is choosing: they are told nothing else meanwhile.
    pub(crate) fn is_choosing(&self, call: CallId) -> bool {
        match self.calls.get(&call).map(|known| &known.stage) {
            Some(Stage::Waiting { waiting, .. }) => waiting.asked.is_some(),
            Some(
                Stage::Arriving
                | Stage::Greeting { .. }
                | Stage::Connected(_)
                | Stage::Dialled(_)
                | Stage::Message(_)
                | Stage::Leaving
                | Stage::Over,
            )
            | None => false,
        }
    }

    fn set_asked(&mut self, call: CallId, asked: Option<Asked>) {
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Stage::Waiting { waiting, .. } = &mut known.stage else { return };
        let is_asked = asked.is_some();
        waiting.asked = asked;
        match is_asked {
            true => self.set_choice_timer(call, ASKS_MS),
            false => self.timers.stop(call, Timer::Choice),
        }
    }

    fn set_choice_timer(&mut self, call: CallId, ms: u64) {
        self.timers.set(call, Timer::Choice, self.now + Duration::from_millis(ms));
    }

    /// What a waiting caller was told is over: who was asked something has a while for an answer.
    pub(crate) fn handle_waiting_play_finished(&mut self, call: CallId) {
        if self.is_choosing(call) {
            self.set_choice_timer(call, KEY_MS);
        }
        self.play(call, self.config.prompts.music.clone(), true);
    }

    /// Asks whether the number that the caller calls from is the one; or for one, where that
    /// cannot be called.
    fn ask_whether(&mut self, call: CallId) {
        let Some(known) = self.calls.get(&call) else { return };
        let number = known.ani.clone();
        match self.may_be_called(&number) {
            true => self.read_back(call, number),
            false => self.ask_number(call, false),
        }
    }

    fn read_back(&mut self, call: CallId, number: Pii<String>) {
        let said = &self.config.prompts.callback;
        let digits = ivr::fragment::digits(number.reveal());
        let prompts = [said.number.as_slice(), &digits, &said.confirm].concat();
        self.set_asked(call, Some(Asked::WhetherThis(number)));
        self.play(call, prompts, false);
    }

    fn ask_number(&mut self, call: CallId, was_wrong: bool) {
        let said = &self.config.prompts.callback;
        let wrong = if was_wrong { said.wrong.as_slice() } else { &[] };
        let prompts = [wrong, &said.ask].concat();
        self.set_asked(call, Some(Asked::Number(Pii::from(""))));
        self.play(call, prompts, false);
    }

    /// A digit of the number, or its end. What is more than a number can have is no number.
    fn key_number(&mut self, call: CallId, keyed: &Pii<String>, digit: char) {
        let mut number = keyed.reveal().clone();
        if digit == '#' {
            return self.number_is_keyed(call, &Pii::new(number));
        }
        if number.is_empty() {
            self.hear_silence(call);
        }
        if digit.is_ascii_digit() && number.len() < DIGITS_MAX {
            number.push(digit);
        }
        self.set_asked(call, Some(Asked::Number(Pii::new(number))));
        self.set_choice_timer(call, KEY_MS);
    }

    fn number_is_keyed(&mut self, call: CallId, keyed: &Pii<String>) {
        let number = Pii::new(trunk::normalise(keyed.reveal()));
        match self.may_be_called(&number) {
            true => self.read_back(call, number),
            false => self.ask_number(call, true),
        }
    }

    /// No key came: of a number it is the end, and else the caller stays.
    pub(crate) fn handle_choice_timeout(&mut self, call: CallId) {
        let Some(known) = self.calls.get(&call) else { return };
        let Stage::Waiting { waiting, .. } = &known.stage else { return };
        match waiting.asked.clone() {
            Some(Asked::Number(keyed)) if !keyed.reveal().is_empty() => {
                self.number_is_keyed(call, &keyed);
            }
            Some(Asked::Number(_) | Asked::WhetherThis(_) | Asked::Nothing) => self.stay(call),
            None => {}
        }
    }

    /// The caller waits on, with music.
    fn stay(&mut self, call: CallId) {
        self.set_asked(call, None);
        self.play(call, self.config.prompts.music.clone(), true);
    }

    /// Whether a customer may be called back there: any line may, and it is no number for help.
    pub(crate) fn may_be_called(&self, number: &Pii<String>) -> bool {
        let ways = self.config.trunks.ways_out(number.reveal());
        ways.is_ok_and(|ways| ways.iter().all(|way| !way.is_emergency))
    }

    /// Asks the queue to call back instead.
    fn ask_callback(&mut self, call: CallId, number: Pii<String>) {
        let Some(known) = self.calls.get(&call) else { return };
        let Stage::Waiting { waiting, .. } = &known.stage else { return };
        let (queue, before_ms) = (waiting.queue.clone(), waiting.before_ms);
        self.set_asked(call, Some(Asked::Nothing));
        let first = self.first_of(&queue);
        if !self.callbacks.add(call, queue, number, before_ms) {
            return self.callback_refused(call);
        }
        let input = CallbackInput::Ask { call, party: Party(call.0.0), first };
        self.acd.handle_input(AcdInput::Callback(input), self.now);
    }

    /// The queue calls nobody back now, or this customer already: the caller stays.
    pub(crate) fn callback_refused(&mut self, call: CallId) {
        let Some(known) = self.calls.get(&call) else { return };
        let Stage::Waiting { waiting, .. } = &known.stage else { return };
        if let Some(Asked::Nothing) = waiting.asked {
            self.set_asked(call, None);
            self.play(call, self.config.prompts.callback.refused.clone(), false);
        }
    }

    /// The caller keeps the place, is told so, and may hang up.
    pub(crate) fn callback_booked(&mut self, call: CallId, queue: QueueId, entered: Mono) {
        let Some(entry) = self.callbacks.get(call) else { return };
        let (number, before_ms) = (entry.number.clone(), entry.before_ms);
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Stage::Waiting { waiting, .. } = &known.stage else { return };
        let permission = waiting.permission.map(|needed| needed.as_str().to_owned());
        known.outcome.get_or_insert((Outcome::CalledBack, HangupCause::LocalBye));
        // What was waited before an engine's restart, or in conversation, counts as well.
        let before_us = i64::try_from(before_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let entered = Wall(self.wall_at(entered).0.saturating_sub(before_us));
        self.note(FactBody::CallbackBooked { call, queue, number, permission, entered });
        self.timers.stop_all(call);
        self.enter_stage(call, Stage::Leaving);
        self.publish_again(call);
        self.play(call, self.config.prompts.callback.booked.clone(), false);
    }

    /// The caller leaves a message, and the line. Who cannot stays.
    fn choose_mailbox(&mut self, call: CallId, mailbox: QueueId) {
        let Some(known) = self.calls.get(&call) else { return };
        let Stage::Waiting { waiting, .. } = &known.stage else { return };
        let (queue, why) = (waiting.queue.clone(), "chosen".to_owned());
        if !self.takes_messages(call, &mailbox) {
            return;
        }
        let to = OverflowTarget::Mailbox(mailbox.clone());
        self.acd.handle_input(AcdInput::Leave { call, why: Left::Elsewhere }, self.now);
        self.note(FactBody::Overflowed { call, queue, why, to });
        self.greet_for_message(call, mailbox);
    }

    /// The caller goes to another queue, with the time that they have waited. False where that does
    /// not take them.
    pub(crate) fn change_queue(&mut self, call: CallId, queue: QueueId, why: &str) -> bool {
        let Some(known) = self.calls.get(&call) else { return false };
        let Stage::Waiting { waiting, .. } = &known.stage else { return false };
        if waiting.queue == queue {
            return false;
        }
        let before_ms = waiting.before_ms + self.now.ms_since(waiting.entered);
        // A permission that the old queue asked for is what the caller wants: it still holds, if
        // anyone of the new queue has it.
        let wanted = waiting.permission;
        let needed = [wanted, None];
        let needed = needed.into_iter().find(|needed| self.acd.takes(&queue, *needed).is_ok());
        let Some(permission) = needed else { return false };
        let (from, why) = (waiting.queue.clone(), why.to_owned());
        let to = OverflowTarget::Queue(queue.clone());
        self.acd.handle_input(AcdInput::Leave { call, why: Left::Elsewhere }, self.now);
        self.note(FactBody::Overflowed { call, queue: from, why, to });
        self.wait(call, (queue, Coming::Anew), permission, before_ms);
        true
    }
}
