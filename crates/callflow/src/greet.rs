//! Step 3: the menu. Digits in; play, collect, look up, enqueue out.

use cti::{CallPhase, MenuInput};
use ivr::{Interpreter, PolicyAnswer};
use media::{Play, Source};
use model::{CallId, FactBody, HangupCause, Outcome, PlayId, PromptId};

use crate::calls::Stage;
use crate::timers::Timer;
use crate::{Callflow, Output};

impl Callflow {
    pub(crate) fn greet(&mut self, call: CallId, script: &str) {
        let Some(script) = self.config.scripts.get(script).cloned() else {
            return self.give_up(call, Outcome::Error, HangupCause::Response(500), 500);
        };
        let menu = Box::new(Interpreter::new(script, self.now));
        self.enter_stage(call, Stage::Greeting { menu });
        self.publish_call(call, CallPhase::Menu);
        self.drain_menu(call);
    }

    /// Feeds the menu and does what it then asks for.
    fn with_menu(&mut self, call: CallId, feed: impl FnOnce(&mut Interpreter)) {
        if let Some(Stage::Greeting { menu }) = self.calls.get_mut(&call).map(|c| &mut c.stage) {
            feed(menu);
            self.drain_menu(call);
        }
    }

    pub(crate) fn handle_digit(&mut self, call: CallId, digit: char) {
        let now = self.now;
        self.with_menu(call, |menu| menu.handle_digit(digit, now));
    }

    pub(crate) fn handle_menu_timeout(&mut self, call: CallId) {
        let now = self.now;
        self.with_menu(call, |menu| menu.handle_timeout(now));
    }

    pub(crate) fn handle_menu_play_finished(&mut self, call: CallId) {
        let now = self.now;
        self.with_menu(call, |menu| menu.handle_play_finished(now));
    }

    pub(crate) fn handle_policy(&mut self, call: CallId, answer: PolicyAnswer) {
        if let (Some(call), PolicyAnswer::Found(policies)) = (self.calls.get_mut(&call), &answer) {
            // An answer that comes when the menu is left serves nobody.
            let in_menu = matches!(call.stage, Stage::Greeting { .. });
            call.served |= in_menu && !policies.is_empty();
        }
        let now = self.now;
        self.with_menu(call, |menu| menu.handle_lookup(answer, now));
    }

    fn drain_menu(&mut self, call: CallId) {
        loop {
            let Some(entry) = self.calls.get_mut(&call) else { return };
            let Stage::Greeting { menu } = &mut entry.stage else { return };
            let Some(output) = menu.poll_output() else {
                match menu.poll_timeout() {
                    Some((at, _)) => self.timers.set(call, Timer::Menu, at),
                    None => self.timers.stop(call, Timer::Menu),
                }
                return;
            };
            self.perform_menu(call, output);
        }
    }

    fn perform_menu(&mut self, call: CallId, output: ivr::Output) {
        match output {
            ivr::Output::Play { prompts, repeat, barge_in: _ } => {
                self.play(call, prompts, repeat);
            }
            ivr::Output::StopPlay => self.hear_silence(call),
            ivr::Output::Lookup(query) => {
                self.outputs.push_back(Output::FindPolicy { call, query })
            }
            ivr::Output::Enqueue { queue, permission } => {
                self.timers.stop(call, Timer::Menu);
                self.enter_queue(call, queue, permission);
            }
            ivr::Output::HangUp => {
                let outcome = match self.calls.get(&call) {
                    Some(entry) if entry.served => Outcome::SelfService,
                    Some(_) | None => Outcome::AbandonedInMenu,
                };
                self.give_up(call, outcome, HangupCause::LocalBye, 480);
            }
            ivr::Output::Entered { node } => {
                let node = node.to_string();
                if let Some(entry) = self.calls.get_mut(&call) {
                    entry.menu_path.push(node.clone());
                }
                self.note(FactBody::MenuEntered { call, node });
            }
            ivr::Output::Collected { node, digits } => {
                let node = node.to_string();
                if let Some(entry) = self.calls.get_mut(&call) {
                    entry
                        .menu_inputs
                        .push(MenuInput { node: node.clone(), digits: digits.clone() });
                }
                self.note(FactBody::DigitsCollected { call, node, digits });
            }
        }
    }

    /// Plays to the caller in place of what plays now.
    pub(crate) fn play(&mut self, call: CallId, prompts: Vec<PromptId>, repeat: bool) {
        let id = PlayId(self.ids.mint());
        let Some(entry) = self.calls.get_mut(&call) else { return };
        entry.playing = Some(id);
        let caller = entry.caller;
        self.hear(caller, Source::Play(Play { id, prompts, repeat }));
    }

    pub(crate) fn hear_silence(&mut self, call: CallId) {
        let Some(entry) = self.calls.get_mut(&call) else { return };
        entry.playing = None;
        let caller = entry.caller;
        self.hear(caller, Source::Silence);
    }
}
