//! From node to node: what each begins with, and what its input leads to.

use std::time::Duration;

use model::{Mono, PolicyCard, PromptId};

use super::{
    Collected, Interpreter, MAX_STEPS, Output, PLAY_LIMIT, PolicyAnswer, Query, State, Wait,
};
use crate::input::{Input, Keyed};
use crate::piece::{Piece, Value};
use crate::script::{Collect, LookUp, Menu, Node, Say};
use crate::{NodeName, fragment};

/// Why a question was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// Nothing was keyed.
    Nothing,
    /// The wrong was keyed.
    Right,
}

impl Interpreter {
    /// The call comes to `node`, and goes on as long as nothing is waited for.
    pub(super) fn enter(&mut self, node: NodeName, now: Mono) {
        let mut next = Some(node);
        while let Some(node) = next.take() {
            let node = if self.step() { node } else { self.script.exhausted.clone() };
            next = self.begin(node, now);
        }
    }

    /// Counts a step; false once, when the call has gone round in circles for too long.
    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_add(1);
        self.steps != MAX_STEPS + 1
    }

    /// Begins `name`; the next node where nothing is to be waited for.
    fn begin(&mut self, name: NodeName, now: Mono) -> Option<NodeName> {
        self.deadline = None;
        self.outputs.push_back(Output::Entered { node: name.clone() });
        let script = self.script.clone();
        match script.nodes.get(&name) {
            Some(Node::Say(say)) => return self.begin_say(say, now),
            Some(Node::Menu(_)) => {
                if let Some(key) = self.type_ahead.pop_first() {
                    self.handle_key(name, 1, key, now);
                } else {
                    self.ask(name, 1, &[], now);
                }
            }
            Some(Node::Collect(_)) => self.begin_collect(name, now),
            Some(Node::LookUp(look_up)) => self.begin_look_up(name, look_up, now),
            Some(Node::Enqueue(enqueue)) => {
                let (queue, permission) = (enqueue.queue.clone(), enqueue.permission);
                self.end(Output::Enqueue { queue, permission });
            }
            // A checked script names no node that it does not have.
            Some(Node::HangUp) | None => self.end(Output::HangUp),
        }
        None
    }

    fn end(&mut self, output: Output) {
        self.outputs.push_back(output);
        self.state = State::Over;
        self.deadline = None;
        self.type_ahead = Keyed::default();
        self.policies.clear();
        self.collected.clear();
    }

    fn begin_say(&mut self, say: &Say, now: Mono) -> Option<NodeName> {
        let skipped = say.barge_in && !self.type_ahead.is_empty();
        let prompts = if skipped { Vec::new() } else { self.words(say) };
        if !self.play(prompts, say.barge_in, now) {
            return Some(say.next.clone());
        }
        self.state = State::Saying { next: say.next.clone(), barge_in: say.barge_in };
        None
    }

    fn begin_collect(&mut self, name: NodeName, now: Mono) {
        if self.type_ahead.is_empty() {
            self.ask(name, 1, &[], now);
            return;
        }
        self.listen_for_digits(name.clone(), 1, Keyed::default(), now);
        while let State::Collecting { node, asked, playing: false, keyed } = self.state.clone() {
            if node != name {
                return;
            }
            let Some(digit) = self.type_ahead.pop_first() else { return };
            self.handle_keyed(node, asked, keyed, digit, now);
        }
    }

    fn begin_look_up(&mut self, name: NodeName, look_up: &LookUp, now: Mono) {
        self.type_ahead = Keyed::default();
        let query = match self.collected.get(&look_up.input).map(|collected| &collected.input) {
            Some(Input::IdentityNumber(number)) => Some(Query::IdentityNumber(number.clone())),
            Some(Input::PolicyNumber(number)) => Some(Query::PolicyNumber(number.clone())),
            // A checked script looks up only what these two collected.
            Some(Input::Digits(_)) | None => None,
        };
        let Some(query) = query.filter(|_| !self.source_is_late) else {
            self.resolve(name, PolicyAnswer::Failed, now);
            return;
        };
        self.outputs.push_back(Output::Lookup(query));
        let playing = self.play(look_up.prompts.clone(), false, now);
        self.state = State::LookingUp { node: name, playing, answer: None };
        self.deadline = Some((now + Duration::from_millis(look_up.timeout_ms), Wait::Answer));
    }

    /// Asks the question of `node` for the `asked`th time, `first` before it.
    fn ask(&mut self, node: NodeName, asked: u32, first: &[PromptId], now: Mono) {
        let script = self.script.clone();
        match script.nodes.get(&node) {
            Some(Node::Menu(menu)) => {
                let prompts = [first, &menu.prompts[..]].concat();
                if self.play(prompts, true, now) {
                    self.state = State::Menu { node, asked, playing: true };
                } else {
                    self.listen_for_key(node, asked, now);
                }
            }
            Some(Node::Collect(collect)) => {
                let keyed = Keyed::default();
                let prompts = [first, &collect.prompts[..]].concat();
                if self.play(prompts, true, now) {
                    self.state = State::Collecting { node, asked, playing: true, keyed };
                } else {
                    self.listen_for_digits(node, asked, keyed, now);
                }
            }
            Some(Node::Say(_) | Node::LookUp(_) | Node::Enqueue(_) | Node::HangUp) | None => {}
        }
    }

    /// Asks once more after `missing`, or goes where the node's last attempt leads.
    pub(super) fn ask_again(&mut self, node: NodeName, asked: u32, missing: Missing, now: Mono) {
        let script = self.script.clone();
        let (on_wrong, on_timeout, attempts, exhausted) = match script.nodes.get(&node) {
            Some(Node::Menu(Menu { on_wrong, on_timeout, attempts, exhausted, .. })) => {
                (on_wrong, on_timeout, *attempts, exhausted)
            }
            Some(Node::Collect(Collect { on_wrong, on_timeout, attempts, exhausted, .. })) => {
                (on_wrong, on_timeout, *attempts, exhausted)
            }
            Some(Node::Say(_) | Node::LookUp(_) | Node::Enqueue(_) | Node::HangUp) | None => return,
        };
        // Keys that were meant for what did not come are not answers to what is asked now.
        self.type_ahead = Keyed::default();
        if asked >= attempts {
            self.enter(exhausted.clone(), now);
        } else if !self.step() {
            self.enter(script.exhausted.clone(), now);
        } else {
            let first = match missing {
                Missing::Nothing => on_timeout,
                Missing::Right => on_wrong,
            };
            self.ask(node, asked + 1, first, now);
        }
    }

    pub(super) fn listen_for_key(&mut self, node: NodeName, asked: u32, now: Mono) {
        if let Some(Node::Menu(menu)) = self.script.nodes.get(&node) {
            let wait = Duration::from_millis(menu.timeout_ms);
            self.deadline = Some((now + wait, Wait::FirstKey));
            self.state = State::Menu { node, asked, playing: false };
        }
    }

    pub(super) fn listen_for_digits(
        &mut self,
        node: NodeName,
        asked: u32,
        keyed: Keyed,
        now: Mono,
    ) {
        if let Some(Node::Collect(collect)) = self.script.nodes.get(&node) {
            let (wait_ms, wait) = if keyed.is_empty() {
                (collect.timeout_ms, Wait::FirstKey)
            } else {
                (collect.inter_digit_ms, Wait::NextKey)
            };
            self.deadline = Some((now + Duration::from_millis(wait_ms), wait));
            self.state = State::Collecting { node, asked, playing: false, keyed };
        }
    }

    /// One key for a menu.
    pub(super) fn handle_key(&mut self, node: NodeName, asked: u32, key: char, now: Mono) {
        let script = self.script.clone();
        let Some(Node::Menu(menu)) = script.nodes.get(&node) else { return };
        self.outputs.push_back(Output::Collected { node: node.clone(), digits: key.to_string() });
        if let Some(target) = menu.keys.get(&key) {
            self.enter(target.clone(), now);
        } else if menu.repeat != Some(key) {
            self.ask_again(node, asked, Missing::Right, now);
        } else if self.step() {
            self.ask(node, asked, &[], now);
        } else {
            self.enter(script.exhausted.clone(), now);
        }
    }

    /// One more digit for a collect.
    pub(super) fn handle_keyed(
        &mut self,
        node: NodeName,
        asked: u32,
        mut keyed: Keyed,
        digit: char,
        now: Mono,
    ) {
        let script = self.script.clone();
        let Some(Node::Collect(collect)) = script.nodes.get(&node) else { return };
        if digit == collect.terminator {
            self.finish_digits(node, asked, keyed, now);
            return;
        }
        // Digits beyond the longest right number are counted but not kept: what is personal must
        // not run over into the next question.
        keyed.push(digit, collect.longest());
        if keyed.is_endless() {
            self.finish_digits(node, asked, keyed, now);
        } else {
            self.listen_for_digits(node, asked, keyed, now);
        }
    }

    /// No more digits come for a collect.
    pub(super) fn finish_digits(&mut self, node: NodeName, asked: u32, keyed: Keyed, now: Mono) {
        let script = self.script.clone();
        let Some(Node::Collect(collect)) = script.nodes.get(&node) else { return };
        if keyed.is_empty() {
            self.ask_again(node, asked, Missing::Nothing, now);
            return;
        }
        let digits = keyed.shown(collect.personal);
        self.outputs.push_back(Output::Collected { node: node.clone(), digits });
        match keyed.read(&collect.accepts) {
            Some(input) => {
                self.collected.insert(node, Collected { input, asked });
                self.enter(collect.next.clone(), now);
            }
            None => self.ask_again(node, asked, Missing::Right, now),
        }
    }

    /// The look-up of `node` ended.
    pub(super) fn resolve(&mut self, node: NodeName, answer: PolicyAnswer, now: Mono) {
        let script = self.script.clone();
        let Some(Node::LookUp(look_up)) = script.nodes.get(&node) else { return };
        match answer {
            PolicyAnswer::Found(policies) if !policies.is_empty() => {
                self.policies = policies;
                self.policies.truncate(super::MAX_POLICIES);
                self.enter(look_up.found.clone(), now);
            }
            PolicyAnswer::Found(_) | PolicyAnswer::Unknown => self.unknown(look_up, now),
            PolicyAnswer::Failed => self.enter(look_up.failed.clone(), now),
        }
    }

    /// What was collected is not known: the collect asks again, or its attempts are used up.
    fn unknown(&mut self, look_up: &LookUp, now: Mono) {
        let script = self.script.clone();
        let asked = self.collected.remove(&look_up.input).map(|collected| collected.asked);
        let (Some(asked), Some(Node::Collect(collect))) = (asked, script.nodes.get(&look_up.input))
        else {
            self.enter(look_up.failed.clone(), now);
            return;
        };
        if asked >= collect.attempts {
            self.enter(collect.exhausted.clone(), now);
        } else if !self.step() {
            self.enter(script.exhausted.clone(), now);
        } else {
            self.outputs.push_back(Output::Entered { node: look_up.input.clone() });
            self.ask(look_up.input.clone(), asked + 1, &look_up.on_unknown, now);
        }
    }

    /// Plays `prompts`, if there are any.
    fn play(&mut self, prompts: Vec<PromptId>, barge_in: bool, now: Mono) -> bool {
        if prompts.is_empty() {
            return false;
        }
        self.outputs.push_back(Output::Play { prompts, repeat: false, barge_in });
        self.deadline = Some((now + PLAY_LIMIT, Wait::Play));
        true
    }

    pub(super) fn stop_play_if(&mut self, playing: bool) {
        if playing {
            self.outputs.push_back(Output::StopPlay);
        }
    }

    /// What a say node says about the policies found.
    fn words(&self, say: &Say) -> Vec<PromptId> {
        let said = |pieces: &[Piece], policy: Option<&PolicyCard>| -> Vec<PromptId> {
            pieces.iter().flat_map(|piece| self.word(piece, policy)).collect()
        };
        match &say.each {
            None => said(&say.prompts, None),
            Some(each) => {
                let policies = self.policies.iter().take(each.limit);
                let mut prompts: Vec<_> =
                    policies.flat_map(|policy| said(&say.prompts, Some(policy))).collect();
                if self.policies.len() > each.limit {
                    prompts.extend_from_slice(&each.more);
                }
                prompts
            }
        }
    }

    fn word(&self, piece: &Piece, policy: Option<&PolicyCard>) -> Vec<PromptId> {
        let value = match piece {
            Piece::Prompt(prompt) => return vec![prompt.clone()],
            Piece::Value(value) => *value,
        };
        match (value, policy) {
            (Value::PoliciesCount, _) => {
                let number = u32::try_from(self.policies.len()).unwrap_or(u32::MAX);
                fragment::policies(number).into_iter().collect()
            }
            (Value::PolicyProduct, Some(policy)) => vec![fragment::product(&policy.product)],
            (Value::PolicyStatus, Some(policy)) => vec![fragment::status(policy.status)],
            (Value::PolicyStartsOn, Some(policy)) => fragment::date(&policy.starts_on),
            (Value::PolicyEndsOn, Some(policy)) => fragment::date(&policy.ends_on),
            // A checked script says these only for each policy.
            (
                Value::PolicyProduct
                | Value::PolicyStatus
                | Value::PolicyStartsOn
                | Value::PolicyEndsOn,
                None,
            ) => Vec::new(),
        }
    }
}
