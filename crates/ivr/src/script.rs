//! A script that was read and checked: nodes by name, nothing in them left to doubt.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Permission, PromptId, QueueId};

use crate::parse;
use crate::piece::Piece;

/// The name of a node, such as `menu`.
pub type NodeName = Arc<str>;

/// What a script may refer to.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The prompts that have audio.
    pub prompts: &'a BTreeSet<PromptId>,
    /// The queues of the configuration.
    pub queues: &'a BTreeSet<QueueId>,
}

/// One hotline's menu. Only [`Script::parse`] makes one, so every script that exists was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    pub(crate) start: NodeName,
    pub(crate) exhausted: NodeName,
    pub(crate) nodes: BTreeMap<NodeName, Node>,
}

impl Script {
    /// The longest text of a script that is read, in bytes.
    pub const MAX_BYTES: usize = 256 * 1024;
    /// The most nodes of a script.
    pub const MAX_NODES: usize = 500;

    /// Reads and checks the `text` of the script in `file`.
    ///
    /// There is a script exactly when there is no finding.
    pub fn parse(
        file: &str,
        text: &str,
        known: Known<'_>,
    ) -> (Option<Script>, Vec<crate::Diagnostic>) {
        parse::parse(file, text, known)
    }

    /// Where a call begins.
    pub fn start(&self) -> &NodeName {
        &self.start
    }

    /// Where a call goes that goes round in circles ([`crate::interpreter::MAX_STEPS`]).
    pub fn exhausted(&self) -> &NodeName {
        &self.exhausted
    }

    /// All nodes, by name.
    pub fn nodes(&self) -> &BTreeMap<NodeName, Node> {
        &self.nodes
    }

    /// Every prompt that the script can play, the fragments of its values among them.
    pub fn prompts(&self) -> BTreeSet<PromptId> {
        self.nodes.values().flat_map(Node::prompts).collect()
    }
}

/// One step of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Says something and goes on.
    Say(Say),
    /// Asks for one key.
    Menu(Menu),
    /// Asks for digits.
    Collect(Collect),
    /// Looks up what was collected.
    LookUp(LookUp),
    /// Puts the caller into a queue; the script is over.
    Enqueue(Enqueue),
    /// Ends the call; the script is over.
    HangUp,
}

/// Says something and goes on. A digit ends it early and counts for the next question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Say {
    /// What is said.
    pub prompts: Vec<Piece>,
    /// Whether it is said once, or once for each of something.
    pub each: Option<Each>,
    /// Whether a digit ends it early.
    pub barge_in: bool,
    /// Where the call goes on.
    pub next: NodeName,
}

/// What a [`Say`] is repeated for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Each {
    /// At most so many of the policies found.
    pub limit: usize,
    /// Said once after the last where there are more than `limit`.
    pub more: Vec<PromptId>,
}

/// Asks for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// The question.
    pub prompts: Vec<PromptId>,
    /// Where each key leads.
    pub keys: BTreeMap<char, NodeName>,
    /// The key that asks the question once more, without counting as an attempt.
    pub repeat: Option<char>,
    /// How long a key is waited for after the question, in milliseconds.
    pub timeout_ms: u64,
    /// How often the question is asked in all.
    pub attempts: u32,
    /// Said before asking again after a key that leads nowhere.
    pub on_wrong: Vec<PromptId>,
    /// Said before asking again after no key.
    pub on_timeout: Vec<PromptId>,
    /// Where the call goes after the last attempt.
    pub exhausted: NodeName,
}

/// Asks for digits: they end with the terminator, or when no more come for `inter_digit_ms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collect {
    /// The question.
    pub prompts: Vec<PromptId>,
    /// What is right.
    pub accepts: Vec<Accepts>,
    /// The key that ends the digits.
    pub terminator: char,
    /// Whether the digits identify a person: then they leave the interpreter masked or as `Pii`.
    pub personal: bool,
    /// How long the first digit is waited for after the question, in milliseconds.
    pub timeout_ms: u64,
    /// How long each further digit is waited for, in milliseconds.
    pub inter_digit_ms: u64,
    /// How often digits are asked for in all; a look-up that finds nothing counts.
    pub attempts: u32,
    /// Said before asking again after digits that are not right.
    pub on_wrong: Vec<PromptId>,
    /// Said before asking again after no digit.
    pub on_timeout: Vec<PromptId>,
    /// Where the call goes after the last attempt.
    pub exhausted: NodeName,
    /// Where the call goes with right digits.
    pub next: NodeName,
}

impl Collect {
    /// The most digits that can be right.
    pub fn longest(&self) -> usize {
        self.accepts.iter().map(|accepts| accepts.longest()).max().unwrap_or(0)
    }
}

/// What a [`Collect`] takes for right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accepts {
    /// An identity number (GB 11643), `*` for its X.
    IdentityNumber,
    /// A policy number of so many digits.
    PolicyNumber {
        /// At least.
        min: usize,
        /// At most.
        max: usize,
    },
    /// Any digits, so many.
    Digits {
        /// At least.
        min: usize,
        /// At most.
        max: usize,
    },
}

impl Accepts {
    /// The most digits that can be right.
    pub const fn longest(self) -> usize {
        match self {
            Self::IdentityNumber => 18,
            Self::PolicyNumber { min: _, max } | Self::Digits { min: _, max } => max,
        }
    }
}

/// Looks up the policies of what was collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookUp {
    /// The [`Collect`] whose digits are looked up; it asks again, an attempt less, where they are
    /// unknown.
    pub input: NodeName,
    /// Said while it takes its time.
    pub prompts: Vec<PromptId>,
    /// Said before `input` asks again.
    pub on_unknown: Vec<PromptId>,
    /// How long the answer is waited for, in milliseconds; none by then is a failure.
    pub timeout_ms: u64,
    /// Where the call goes with policies.
    pub found: NodeName,
    /// Where the call goes when the source fails.
    pub failed: NodeName,
}

/// Puts the caller into a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enqueue {
    /// The queue.
    pub queue: QueueId,
    /// What the agent must be allowed to do.
    pub permission: Option<Permission>,
}

impl Node {
    /// Every prompt that the node can play.
    pub fn prompts(&self) -> Vec<PromptId> {
        match self {
            Self::Say(say) => {
                let more = say.each.iter().flat_map(|each| each.more.iter().cloned());
                say.prompts.iter().flat_map(Piece::prompts).chain(more).collect()
            }
            Self::Menu(menu) => [&menu.prompts[..], &menu.on_wrong, &menu.on_timeout].concat(),
            Self::Collect(collect) => {
                [&collect.prompts[..], &collect.on_wrong, &collect.on_timeout].concat()
            }
            Self::LookUp(look_up) => [&look_up.prompts[..], &look_up.on_unknown].concat(),
            Self::Enqueue(_) | Self::HangUp => Vec::new(),
        }
    }

    /// Every node that this one leads to.
    pub fn targets(&self) -> Vec<&NodeName> {
        match self {
            Self::Say(say) => vec![&say.next],
            Self::Menu(menu) => menu.keys.values().chain([&menu.exhausted]).collect(),
            Self::Collect(collect) => vec![&collect.next, &collect.exhausted],
            Self::LookUp(look_up) => vec![&look_up.found, &look_up.failed, &look_up.input],
            Self::Enqueue(_) | Self::HangUp => Vec::new(),
        }
    }
}
