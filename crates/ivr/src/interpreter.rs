//! Walks a script for one call.
//!
//! One deadline is pending at a time; it says what is waited for ([`Wait`]). Every path ends: an
//! asking ends by its time-outs and attempts, a playing and a look-up by their own limits, and a
//! caller who goes round in circles by [`MAX_STEPS`].

mod walk;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use model::{Mono, Permission, Pii, PolicyCard, PromptId, QueueId};

use crate::input::{Input, Keyed};
use crate::{NodeName, Script};

/// Nodes entered and questions asked in one call; then it goes to the script's `exhausted` node.
pub const MAX_STEPS: u32 = 200;

/// Keys that are kept while nothing is asked; further ones are dropped.
pub const MAX_TYPE_AHEAD: usize = 32;

/// Policies of an answer that are kept.
pub const MAX_POLICIES: usize = 20;

/// How long one playing may take before it counts as finished: the media side lost it.
pub const PLAY_LIMIT: Duration = Duration::from_secs(120);

/// What the call has to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Play `prompts` one after the other, in place of what plays now; report their end by
    /// [`Interpreter::handle_play_finished`].
    Play {
        /// What.
        prompts: Vec<PromptId>,
        /// Whether they start over at their end: never, in a menu.
        repeat: bool,
        /// Whether a digit will end them early.
        barge_in: bool,
    },
    /// Stop playing; the end of it is not to be reported.
    StopPlay,
    /// Look this up and report by [`Interpreter::handle_lookup`].
    Lookup(Query),
    /// The caller goes into a queue. The script is over.
    Enqueue {
        /// Which.
        queue: QueueId,
        /// What the agent must be allowed to do.
        permission: Option<Permission>,
    },
    /// The call ends. The script is over.
    HangUp,
    /// The call came to a node.
    Entered {
        /// Which.
        node: NodeName,
    },
    /// The caller keyed something.
    Collected {
        /// Where.
        node: NodeName,
        /// What, masked where it identifies a person.
        digits: String,
    },
}

/// What is to be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// The policy of this number.
    PolicyNumber(Pii<String>),
    /// The policies of the person with this identity number.
    IdentityNumber(Pii<String>),
}

/// What a look-up found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyAnswer {
    /// Policies; none at all is the same as `Unknown`.
    Found(Vec<PolicyCard>),
    /// Nobody and nothing has this number.
    Unknown,
    /// The source failed.
    Failed,
}

/// Walks a script for one call.
#[derive(Debug, Clone)]
pub struct Interpreter {
    script: Arc<Script>,
    state: State,
    deadline: Option<(Mono, Wait)>,
    outputs: VecDeque<Output>,
    /// Nodes entered and questions asked.
    steps: u32,
    /// Keys that came while nothing was asked.
    type_ahead: Keyed,
    /// What was collected, by the node that did.
    collected: BTreeMap<NodeName, Collected>,
    /// What the last look-up found.
    policies: Vec<PolicyCard>,
    /// A look-up missed its deadline. None is asked any more in this call: a late answer could
    /// not be told from the next one's.
    source_is_late: bool,
}

/// Right digits, and how often it took to ask for them.
#[derive(Debug, Clone)]
struct Collected {
    input: Input,
    asked: u32,
}

/// Where the call is. `playing`: whether a play's end is still to come.
#[derive(Debug, Clone)]
enum State {
    /// Something is said.
    Saying { next: NodeName, barge_in: bool },
    /// A key is asked for, for the `asked`th time.
    Menu { node: NodeName, asked: u32, playing: bool },
    /// Digits are asked for, for the `asked`th time.
    Collecting { node: NodeName, asked: u32, playing: bool, keyed: Keyed },
    /// An answer is waited for, and the end of what is said meanwhile.
    LookingUp { node: NodeName, playing: bool, answer: Option<PolicyAnswer> },
    /// The script is over.
    Over,
}

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The end of a playing.
    Play,
    /// The first key.
    FirstKey,
    /// A further key.
    NextKey,
    /// The answer of a look-up.
    Answer,
}

impl Wait {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Play => "a prompt's end",
            Self::FirstKey => "the first key",
            Self::NextKey => "the next key",
            Self::Answer => "a look-up's answer",
        }
    }
}

impl Interpreter {
    /// A caller at the script's start.
    pub fn new(script: Arc<Script>, now: Mono) -> Self {
        let start = script.start.clone();
        let mut interpreter = Self {
            script,
            state: State::Over,
            deadline: None,
            outputs: VecDeque::new(),
            steps: 0,
            type_ahead: Keyed::default(),
            collected: BTreeMap::new(),
            policies: Vec::new(),
            source_is_late: false,
        };
        interpreter.enter(start, now);
        interpreter
    }

    /// The caller keyed `digit`: one of `0`-`9`, `*`, `#`, `A`-`D`; any other is ignored.
    pub fn handle_digit(&mut self, digit: char, now: Mono) {
        if !matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D') {
            return;
        }
        match self.state.clone() {
            State::Saying { next, barge_in: true } => {
                self.outputs.push_back(Output::StopPlay);
                self.type_ahead.push(digit, MAX_TYPE_AHEAD);
                self.enter(next, now);
            }
            State::Saying { next: _, barge_in: false } => {
                self.type_ahead.push(digit, MAX_TYPE_AHEAD);
            }
            State::Menu { node, asked, playing } => {
                self.stop_play_if(playing);
                self.handle_key(node, asked, digit, now);
            }
            State::Collecting { node, asked, playing, keyed } => {
                self.stop_play_if(playing);
                self.handle_keyed(node, asked, keyed, digit, now);
            }
            // What is keyed here belongs to no question, and may well be the rest of a number
            // that identifies a person: it must not reach the next question.
            State::LookingUp { .. } | State::Over => {}
        }
    }

    /// What the last [`Output::Play`] asked for was played to its end. The ends of earlier
    /// playings must not be reported.
    pub fn handle_play_finished(&mut self, now: Mono) {
        match self.state.clone() {
            State::Saying { next, barge_in: _ } => self.enter(next, now),
            State::Menu { node, asked, playing: true } => self.listen_for_key(node, asked, now),
            State::Collecting { node, asked, playing: true, keyed } => {
                self.listen_for_digits(node, asked, keyed, now);
            }
            State::LookingUp { node, playing: true, answer } => match answer {
                Some(answer) => self.resolve(node, answer, now),
                None => self.state = State::LookingUp { node, playing: false, answer: None },
            },
            State::Menu { playing: false, .. }
            | State::Collecting { playing: false, .. }
            | State::LookingUp { playing: false, .. }
            | State::Over => {}
        }
    }

    /// The answer to the last [`Output::Lookup`].
    pub fn handle_lookup(&mut self, answer: PolicyAnswer, now: Mono) {
        match self.state.clone() {
            State::LookingUp { node, playing: false, answer: None } => {
                self.resolve(node, answer, now);
            }
            // What is said meanwhile is short: it is heard to its end.
            State::LookingUp { node, playing: true, answer: None } => {
                self.state = State::LookingUp { node, playing: true, answer: Some(answer) };
                self.deadline = Some((now + PLAY_LIMIT, Wait::Play));
            }
            State::LookingUp { answer: Some(_), .. }
            | State::Saying { .. }
            | State::Menu { .. }
            | State::Collecting { .. }
            | State::Over => {}
        }
    }

    /// Time passed: to be called at or after [`Interpreter::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Mono) {
        let Some((at, wait)) = self.deadline else { return };
        if now < at {
            return;
        }
        self.deadline = None;
        match (wait, self.state.clone()) {
            (Wait::Play, state) => {
                if !matches!(state, State::Over) {
                    self.outputs.push_back(Output::StopPlay);
                }
                self.handle_play_finished(now);
            }
            (Wait::FirstKey, State::Menu { node, asked, .. }) => {
                self.ask_again(node, asked, walk::Missing::Nothing, now);
            }
            (Wait::FirstKey | Wait::NextKey, State::Collecting { node, asked, keyed, .. }) => {
                self.finish_digits(node, asked, keyed, now);
            }
            (Wait::Answer, State::LookingUp { node, playing, answer: _ }) => {
                self.source_is_late = true;
                self.stop_play_if(playing);
                self.resolve(node, PolicyAnswer::Failed, now);
            }
            (Wait::FirstKey | Wait::NextKey | Wait::Answer, _) => {}
        }
    }

    /// When time is next waited for, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        self.deadline.map(|(at, wait)| (at, wait.as_str()))
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether the script is over: nothing more will be asked for.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }
}
