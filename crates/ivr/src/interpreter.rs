//! Walks a script for one call.

use std::collections::VecDeque;
use std::sync::Arc;

use model::{Mono, Permission, Pii, PolicyCard, PromptId, QueueId};

use crate::{NodeName, Script};

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
    outputs: VecDeque<Output>,
}

impl Interpreter {
    /// A caller at the script's start.
    pub fn new(script: Arc<Script>, _now: Mono) -> Self {
        Self { script, outputs: VecDeque::new() }
    }

    /// The caller keyed `digit`: one of `0`-`9`, `*`, `#`, `A`-`D`; any other is ignored.
    pub fn handle_digit(&mut self, _digit: char, _now: Mono) {}

    /// What the last [`Output::Play`] asked for was played to its end.
    pub fn handle_play_finished(&mut self, _now: Mono) {}

    /// The answer to the last [`Output::Lookup`].
    pub fn handle_lookup(&mut self, _answer: PolicyAnswer, _now: Mono) {}

    /// Time passed: to be called at or after [`Interpreter::poll_timeout`].
    pub fn handle_timeout(&mut self, _now: Mono) {}

    /// When time is next waited for, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        None
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether the script is over: nothing more will be asked for.
    pub fn is_over(&self) -> bool {
        self.script.nodes.is_empty()
    }
}
