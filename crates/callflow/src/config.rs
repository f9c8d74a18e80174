//! What the machine is told once, when it is made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use model::{AgentId, PromptId, QueueId, Wall};
use sip::digest::{Algorithm, Secrets};
use sip::locate::LocateConfig;
use trunk::Trunks;

use crate::priority::Priorities;
use crate::sides::Listener;

/// All that the call's path depends on.
#[derive(Debug, Clone)]
pub struct Config {
    /// This site's number.
    pub site: u16,
    /// How often the engine has been started here, from 1.
    pub epoch: u32,
    /// The time of day when the engine's clock was 0.
    pub started: Wall,
    /// For tags, nonces and SSRCs that nobody can guess. New at each start.
    pub secret: [u8; 32],
    /// The lines that calls come in on.
    pub trunks: Trunks,
    /// What lines are checked by that are known by their credentials, by user.
    pub trunk_secrets: BTreeMap<String, Secrets>,
    /// The menus by name.
    pub scripts: BTreeMap<String, Arc<ivr::Script>>,
    /// Queues, tiers and agents.
    pub acd: acd::Config,
    /// When queues are open; one that is not named is open always.
    pub hours: BTreeMap<QueueId, Arc<acd::Calendar>>,
    /// What puts callers forward, and to whom.
    pub priorities: Priorities,
    /// Look-ups' limits.
    pub lookup: lookup::Config,
    /// Queues that call the customer back before they ring the agent, whom they have reserved.
    pub customer_first: BTreeSet<QueueId>,
    /// Where callers go whom a queue sends away, if the first place is none for them.
    pub onwards: Onwards,
    /// How messages are taken, by the queue whose people they are for; where it is not named none
    /// are.
    pub messages: BTreeMap<QueueId, MessageRule>,
    /// By which key callers choose what, by queue.
    pub choices: BTreeMap<QueueId, BTreeMap<char, Choice>>,
    /// Desktops' limits.
    pub cti: cti::Config,
    /// Phones by the agent whose they are.
    pub phones: BTreeMap<AgentId, Phone>,
    /// Registrations' limits, and how often phones are asked whether they are there.
    pub registrar: sip::RegistrarConfig,
    /// How servers are located whose URI has a name.
    pub locate: LocateConfig,
    /// When those who guess phones' passwords are slowed and locked.
    pub lockout: access::LockoutConfig,
    /// How many workers run transactions.
    pub sip_workers: usize,
    /// The realm of digest challenges.
    pub realm: String,
    /// The domains that phones register in, beside the realm and our addresses; with none, they
    /// may name any.
    pub domains: Vec<String>,
    /// Whether all phones ring that an agent has registered, or the best of them alone.
    pub ring_all_phones: bool,
    /// The algorithms that a phone without an account is challenged with.
    pub default_algorithms: Vec<Algorithm>,
    /// What an agent may say a call was about.
    pub dispositions: Vec<String>,
    /// What SIP is spoken on, in the order of the workers' listeners.
    pub listeners: Vec<Listener>,
    /// The codecs that phones are offered, the preferred one first.
    pub phone_codecs: Vec<sdp::Codec>,
    /// Whether the voice of phones is protected (SRTP).
    pub phone_srtp: sdp::SrtpPolicy,
    /// Of the certificate that browsers are shown; `None` where they are not phones.
    pub browsers: Option<sdp::Fingerprint>,
    /// What is wished of session timers (RFC 4028).
    pub session: call::SessionLimits,
    /// How long the phone waits for the screen.
    pub pop_timeout_ms: u64,
    /// A phone that answers an INVITE with nothing at all for so long is unreachable.
    pub unreachable_after_ms: u64,
    /// How often a waiting caller is told their position.
    pub announce_every_ms: u64,
    /// Whether conversations are taped.
    pub records: bool,
    /// How long a recording is paused at most, in milliseconds.
    pub pause_max_ms: u64,
    /// The most calls at one time; one more is answered 503.
    pub calls_max: usize,
    /// What callers hear besides the menus.
    pub prompts: QueuePrompts,
}

/// What a caller may choose instead of waiting on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// To be called back, with the place in line.
    Callback,
    /// Another queue, with the time waited.
    Queue(QueueId),
    /// To leave a message for the people of this queue.
    Mailbox(QueueId),
}

/// What comes after the first place to which a queue sends its callers (`acd::Limits`): tried in
/// order where that is none for a caller: a number that nobody answers, a callback of a number that
/// is withheld, a mailbox where nothing is recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Onwards {
    /// By queue, and why it sends them away.
    pub queues: BTreeMap<(QueueId, acd::OverflowCause), Vec<acd::Overflow>>,
    /// By emergency plan and queue.
    pub plans: BTreeMap<(Arc<str>, QueueId), Vec<acd::Overflow>>,
}

/// How messages are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRule {
    /// What is shorter than this is no message, in milliseconds.
    pub min_ms: u64,
    /// The longest message, in milliseconds.
    pub max_ms: u64,
    /// After so much quiet it is over, in milliseconds.
    pub quiet_ms: u64,
}

/// An agent's phone.
#[derive(Debug, Clone)]
pub struct Phone {
    /// What it is challenged with and checked by, the preferred algorithm first (RFC 8760).
    pub secrets: Secrets,
    /// Whether the agent is signed in and ready as soon as the phone registers.
    pub ready_when_registered: bool,
}

/// What a waiting caller hears.
#[derive(Debug, Clone)]
pub struct QueuePrompts {
    /// What a caller hears first, by queue.
    pub welcome: BTreeMap<QueueId, Vec<PromptId>>,
    /// After it, if all agents are busy.
    pub all_busy: Vec<PromptId>,
    /// Before the position, if it is the same as when it was last told.
    pub still_busy: Vec<PromptId>,
    /// The queues whose callers are told how long they will wait, after the position.
    pub says_wait: BTreeSet<QueueId>,
    /// In place of all that while nobody who serves the queue is at work.
    pub no_agents: Vec<PromptId>,
    /// Music.
    pub music: Vec<PromptId>,
    /// The tone that the called one's telephone rings: what an agent hears who waits for that.
    pub ringback: Vec<PromptId>,
    /// Something went wrong; before the engine hangs up.
    pub sorry: Vec<PromptId>,
    /// What those hear whom a queue sends away with an announcement.
    pub send_off: Vec<PromptId>,
    /// What callers may choose instead, said after their position, by queue.
    pub choices: BTreeMap<QueueId, Vec<PromptId>>,
    /// What a caller hears who may leave a message, by the queue whose people it is for.
    pub message_greetings: BTreeMap<QueueId, Vec<PromptId>>,
    /// The tone after which a message is spoken.
    pub message_tone: Vec<PromptId>,
    /// That a message is there; before the engine hangs up.
    pub message_thanks: Vec<PromptId>,
    /// About being called back; not needed where no queue calls back.
    pub callback: CallbackPrompts,
}

/// What those hear who would rather be called back.
#[derive(Debug, Clone, Default)]
pub struct CallbackPrompts {
    /// Before the digits of the number.
    pub number: Vec<PromptId>,
    /// After them: 1 if it is right, 2 for another one, 0 to wait on.
    pub confirm: Vec<PromptId>,
    /// To key a number, ended by #.
    pub ask: Vec<PromptId>,
    /// That this number cannot be called.
    pub wrong: Vec<PromptId>,
    /// That nobody is called back now.
    pub refused: Vec<PromptId>,
    /// That they are called back; before the engine hangs up.
    pub booked: Vec<PromptId>,
    /// What a customer hears who picks up before an agent does.
    pub hello: Vec<PromptId>,
}

impl CallbackPrompts {
    /// All of them, with the digits of numbers; none where there are none.
    fn all(&self) -> impl Iterator<Item = PromptId> {
        let Self { number, confirm, ask, wrong, refused, booked, hello } = self;
        let fixed = [number, confirm, ask, wrong, refused, booked, hello];
        let fixed: Vec<PromptId> = fixed.into_iter().flatten().cloned().collect();
        let digits = match fixed.is_empty() {
            true => Vec::new(),
            false => ivr::fragment::digit_vocabulary(),
        };
        fixed.into_iter().chain(digits)
    }
}

impl QueuePrompts {
    /// Every prompt that a waiting caller can come to hear.
    pub fn all(&self) -> impl Iterator<Item = PromptId> {
        let Self {
            welcome,
            all_busy,
            still_busy,
            says_wait,
            no_agents,
            music,
            ringback,
            sorry,
            send_off,
            choices,
            message_greetings,
            message_tone,
            message_thanks,
            callback,
        } = self;
        let fixed = [all_busy, still_busy, no_agents, music, ringback, sorry, send_off];
        let fixed = fixed.into_iter().chain([message_tone, message_thanks]);
        let by_queue = welcome.values().chain(choices.values()).chain(message_greetings.values());
        let named = by_queue.chain(fixed).flatten().cloned().chain(callback.all());
        let waits = if says_wait.is_empty() { Vec::new() } else { ivr::wait_vocabulary() };
        named.chain(ivr::fragment::position_vocabulary()).chain(waits)
    }
}

/// Why a configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// Queues or agents.
    Acd(acd::ConfigError),
    /// Desktops.
    Cti(cti::ConfigError),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acd(error) => error.fmt(f),
            Self::Cti(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConfigError {}

impl From<acd::ConfigError> for ConfigError {
    fn from(error: acd::ConfigError) -> Self {
        Self::Acd(error)
    }
}

impl From<cti::ConfigError> for ConfigError {
    fn from(error: cti::ConfigError) -> Self {
        Self::Cti(error)
    }
}
