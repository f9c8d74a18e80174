//! What stands behind the web: everything that this room asks of the engine.
//!
//! The room itself keeps no state but its connections. Sign-ins, records, recordings, audit and the
//! event stream are behind [`Backend`], which the engine implements over `store` and the brain and
//! a test implements in memory.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use access::Principal;
use async_trait::async_trait;
use model::{
    AgentId, CallId, Fact, LegId, Mono, Outcome, Permission, Pii, QueueId, RecordingId, Transport,
    UserId, Wall,
};
use tokio::io::{AsyncRead, AsyncSeek};
use tokio::sync::mpsc;

use crate::why::{WhyMoment, WhyOffer};

/// Someone who is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// What the client sends as bearer token: hard to guess, valid until signed out or expired,
    /// of the characters `A-Z a-z 0-9 - _` only, so that it may stand in a URL.
    pub token: Pii<String>,
    /// Who, and what they may do.
    pub principal: Arc<Principal>,
    /// The name for people, such as `王芳`.
    pub name: String,
}

/// Why a sign-in was refused. An unknown user and a wrong password are the same refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInError {
    /// The user is unknown, or the password is wrong.
    Wrong,
    /// Too soon after a wrong attempt; the password was not looked at.
    Slowed {
        /// When the next attempt will be looked at, from now.
        retry_after_ms: u64,
    },
    /// Too many wrong attempts; the password was not looked at.
    Locked {
        /// When the lock ends, from now.
        retry_after_ms: u64,
    },
    /// The engine cannot tell now (store failing, stopping).
    Unavailable,
}

/// Why the backend gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendError {
    /// The `cursor` was not one of ours, or belongs to other filters.
    BadCursor,
    /// Busy, stopping, or the store fails: the same request may succeed later.
    Unavailable,
    /// A bug or damaged data; the text is for the log, never for the client.
    Internal(String),
}

/// Which calls are asked for. Every field that is given narrows the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Calls that this agent answered, was offered or wrapped up.
    pub agent: Option<AgentId>,
    /// Calls that entered this queue.
    pub queue: Option<QueueId>,
    /// Calls that ended so.
    pub outcome: Option<Outcome>,
    /// Calls from exactly this number.
    pub ani: Option<Pii<String>>,
    /// Calls that arrived at this time or later.
    pub from: Option<Wall>,
    /// Calls that arrived before this time.
    pub until: Option<Wall>,
}

/// Which recordings are asked for. Every field that is given narrows the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordingFilter {
    /// Recordings of this call.
    pub call: Option<CallId>,
    /// Recordings of this agent's conversations.
    pub agent: Option<AgentId>,
    /// Messages for the people of this queue.
    pub mailbox: Option<QueueId>,
    /// Of messages: those with which nobody has dealt.
    pub open: bool,
    /// Recordings that started at this time or later.
    pub from: Option<Wall>,
    /// Recordings that started before this time.
    pub until: Option<Wall>,
}

/// Which part of a list is asked for. Lists are newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many items: 1 to [`crate::MAX_PAGE_ITEMS`].
    pub limit: usize,
    /// Where the page before ended: its `next`, unchanged, at most
    /// [`crate::MAX_CURSOR_BYTES`] long.
    pub cursor: Option<String>,
}

/// One part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// The cursor of the next page; none at the end.
    pub next: Option<String>,
}

/// One recording with the call that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecording {
    /// The call.
    pub call: CallId,
    /// Its recording.
    pub recording: report::Recording,
}

/// A reader that can be positioned: an open file, or anything that behaves like one.
pub trait AudioReader: AsyncRead + AsyncSeek + Send + Unpin {}

impl<T: AsyncRead + AsyncSeek + Send + Unpin> AudioReader for T {}

/// A recording opened for playing, as WAV.
pub struct Audio {
    /// The content, at its beginning.
    pub reader: Box<dyn AudioReader>,
    /// How many bytes there are to read. What is appended later is not served by this opening.
    pub bytes: u64,
}

/// How long one [`Peak`] lasts, in milliseconds.
pub const PEAK_MS: u64 = 20;

/// The lowest and the highest sample of each side, in 256 steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peak {
    /// The caller's.
    pub caller: [i8; 2],
    /// The agent's.
    pub agent: [i8; 2],
}

/// One call with all that is known about it.
#[derive(Debug, Clone)]
pub struct CallDetail {
    /// The record that the facts fold into.
    pub record: report::CallRecord,
    /// The call's facts in their order, at most [`crate::MAX_TIMELINE_FACTS`].
    pub facts: Vec<Fact>,
}

/// A call's SIP messages.
#[derive(Default)]
pub struct CallTrace {
    /// Whether anything is traced.
    pub is_enabled: bool,
    /// Whether the trace reaches back to the call's beginning.
    pub is_complete: bool,
    /// Whether there were more messages than these.
    pub is_cut: bool,
    /// The call's dialogs, in the order in which they began.
    pub legs: Vec<TraceLeg>,
    /// In the order of their times.
    pub messages: Vec<TraceMessage>,
}

/// One party's dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceLeg {
    /// The leg.
    pub leg: LegId,
    /// Whose phone; none for the caller.
    pub agent: Option<AgentId>,
    /// SIP's Call-ID.
    pub sip_call_id: String,
}

/// One SIP message, its secrets removed. It has no `Debug`: nothing of it belongs in a log.
#[derive(Clone)]
pub struct TraceMessage {
    /// When.
    pub at: Wall,
    /// When, on the engine's clock.
    pub mono: Mono,
    /// Which of the legs, by its place in [`CallTrace::legs`].
    pub leg: usize,
    /// The engine sent it; otherwise it came.
    pub is_from_us: bool,
    /// What carried it.
    pub transport: Transport,
    /// The engine's address.
    pub local: SocketAddr,
    /// The other side's address.
    pub remote: SocketAddr,
    /// It could not be read; `bytes` are its beginning.
    pub is_malformed: bool,
    /// The message.
    pub bytes: Pii<Vec<u8>>,
}

/// What must be on record before its answer leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audit {
    /// Someone was refused something for want of a permission.
    Refused {
        /// Who.
        user: UserId,
        /// From where.
        source: IpAddr,
        /// What was missing.
        permission: Permission,
        /// What they asked for, such as `GET /api/v1/calls/c1-2-3`.
        what: String,
    },
    /// Someone was shown personal data in clear.
    Unmasked {
        /// Who.
        user: UserId,
        /// Whose data, as ids: such as `call c1-2-3` or `screen_pop c1-2-3`.
        what: String,
    },
    /// Someone listened to a recording.
    Played {
        /// Who.
        user: UserId,
        /// The call that was listened to.
        call: CallId,
        /// Its recording.
        recording: RecordingId,
    },
    /// Someone put a recording under legal hold.
    Held {
        /// Who.
        user: UserId,
        /// Its call.
        call: CallId,
        /// Which.
        recording: RecordingId,
        /// Why.
        why: String,
    },
    /// Someone released it.
    Released {
        /// Who.
        user: UserId,
        /// Its call.
        call: CallId,
        /// Which.
        recording: RecordingId,
    },
    /// Someone has dealt with a message.
    MessageDone {
        /// Who.
        user: UserId,
        /// Its call.
        call: CallId,
        /// Its recording.
        recording: RecordingId,
    },
    /// Someone looked at a call's SIP messages.
    Traced {
        /// Who.
        user: UserId,
        /// The call.
        call: CallId,
    },
}

/// What the engine sends to one desktop.
#[derive(Debug, Clone)]
pub enum ToDesktop {
    /// The next event of the user's stream.
    Event(Arc<cti::Stamped>),
    /// The answer to a command.
    Reply {
        /// The command's id, as the desktop chose it.
        id: String,
        /// Done, or why not.
        result: Result<(), cti::CommandError>,
    },
    /// Close the connection, for that reason. Nothing is read after it.
    Close(cti::CloseReason),
    /// The session is over (signed out elsewhere, expired): close the connection. Nothing is read
    /// after it.
    SessionOver,
}

/// Why a desktop is not connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectError {
    /// The event stream's room refuses.
    Refused(cti::ConnectRefused),
    /// Busy or stopping: the same request may succeed later.
    Unavailable,
}

/// Why a command was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandRefused {
    /// The brain's inbox is full; the same command may be sent again.
    Busy,
    /// The engine stops.
    Stopping,
}

/// One desktop's way to the brain. Dropping it tells the engine that the desktop has gone.
pub trait CommandSink: Send + Sync {
    /// Hands a command over without waiting. Its answer comes as [`ToDesktop::Reply`].
    fn send(&self, id: String, command: cti::Command) -> Result<(), CommandRefused>;
}

/// One desktop's event stream and its way back.
pub struct Connection {
    /// Bounded by the engine. When it is full the engine drops its sender instead of waiting;
    /// this room then closes the WebSocket as too slow (or, while [`Health::draining`], as
    /// stopping) and the desktop resumes from its last sequence number.
    pub events: mpsc::Receiver<ToDesktop>,
    /// The way back.
    pub commands: Box<dyn CommandSink>,
}

/// How the engine is, for load balancers and people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// New calls are being refused because the engine is about to stop.
    pub draining: bool,
    /// Each part: its name (`store`, `sip`, `media`, `recordings`), and what is wrong if anything.
    pub parts: Vec<(&'static str, Option<String>)>,
}

/// A code with the words that people see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What is sent in commands and events.
    pub code: String,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// The parts of the configuration that a desktop needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DesktopConfig {
    /// The hotline's numbers, such as `95512`.
    pub numbers: Vec<String>,
    /// What may be chosen at wrap-up.
    pub dispositions: Vec<Named>,
    /// The queues.
    pub queues: Vec<Named>,
    /// How long after-call work lasts unless extended, in milliseconds.
    pub acw_ms: u64,
    /// How long an agent's phone rings, in milliseconds.
    pub ring_timeout_ms: u64,
    /// The engine's version.
    pub version: String,
}

/// What came of reading the configuration again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// What is otherwise from now on, by name.
    pub changed: Vec<String>,
    /// What will be so from the next start on.
    pub restart: Vec<String>,
}

/// Why the configuration stays as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReloadError {
    /// It has faults: each with its place and remedy.
    Refused(String),
    /// It cannot be read or put into force now.
    Failed(String),
}

impl std::fmt::Display for ReloadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(why) | Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ReloadError {}

/// Which day is run again, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayRequest {
    /// The day, such as 2026-11-22, in China's time.
    pub day: String,
    /// How agents would have been chosen, if that is asked.
    pub strategy: Option<String>,
    /// The queue that would have chosen so; all where none is named.
    pub queue: Option<String>,
}

/// The replay that was asked for last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// What was asked.
    pub request: ReplayRequest,
    /// What came of it; `None` while it runs.
    pub came: Option<Result<Arc<ReplayReport>, String>>,
}

/// What came of a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// Facts of the day.
    pub facts: u64,
    /// Calls that came to a queue.
    pub calls: u64,
    /// Offers that were made.
    pub offers: u64,
    /// Of how many calls not every offer was the same again.
    pub differing: u64,
    /// The first of them.
    pub differences: Vec<ReplayDifference>,
    /// Why the day may not be the same again: another configuration, then or at a time of the day.
    pub cautions: Vec<String>,
    /// What would have become of each queue's calls, where a strategy was asked for.
    pub queues: Vec<ReplayQueue>,
}

/// An offer that was not the same again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayDifference {
    /// When.
    pub at: Wall,
    /// Which call.
    pub call: CallId,
    /// From which queue.
    pub queue: QueueId,
    /// To whom it went then, if to anyone.
    pub then: Option<AgentId>,
    /// To whom again.
    pub again: Option<AgentId>,
}

/// What a queue's calls came to, and would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayQueue {
    /// Which.
    pub queue: QueueId,
    /// As it was.
    pub then: ReplayFigures,
    /// With the other strategy.
    pub instead: ReplayFigures,
    /// Calls that would have ended otherwise.
    pub ended_otherwise: u64,
}

/// What calls came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayFigures {
    /// How many.
    pub calls: u64,
    /// Answered.
    pub answered: u64,
    /// Answered within 20 s.
    pub in_time: u64,
    /// Left without an answer.
    pub abandoned: u64,
    /// Half of those answered waited no longer, in milliseconds; `None` without any.
    pub median_ms: Option<u64>,
    /// Nine of ten waited no longer.
    pub p90_ms: Option<u64>,
}

/// Why no replay is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayError {
    /// The day, the strategy or the queue is none.
    Refused(String),
    /// Another one runs.
    Busy,
}

/// The engine, as the web sees it. Every method may be called from many tasks at once, and may be
/// dropped before its end: a client that leaves takes its request along.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Signs `user` in from the address `source`. Slowing and locking by user and source, the
    /// password's check and the audit of a refusal are the backend's.
    async fn sign_in(
        &self,
        user: &str,
        password: &Pii<String>,
        source: IpAddr,
    ) -> Result<Session, SignInError>;

    /// Ends the session of `token`; its desktops are told [`ToDesktop::SessionOver`].
    async fn sign_out(&self, token: &Pii<String>) -> Result<(), BackendError>;

    /// The session of `token`, if it is one and still valid.
    async fn authenticate(&self, token: &Pii<String>) -> Result<Option<Session>, BackendError>;

    /// Connects one desktop to its user's event stream: from the event after `after`, or from a
    /// snapshot where `after` is none or no longer known.
    async fn connect(
        &self,
        session: &Session,
        after: Option<u64>,
    ) -> Result<Connection, ConnectError>;

    /// Calls, newest first. What the viewer may see is already part of `filter`.
    async fn calls(
        &self,
        filter: &CallFilter,
        page: &PageRequest,
    ) -> Result<Page<report::CallRecord>, BackendError>;

    /// One call.
    async fn call(&self, call: CallId) -> Result<Option<CallDetail>, BackendError>;

    /// A call's SIP messages, also while it goes on; none if there is no such call.
    async fn trace(&self, call: CallId) -> Result<Option<CallTrace>, BackendError>;

    /// A call's offers and why they were made, in order, also while it goes on; none if there is
    /// no such call.
    async fn why(&self, call: CallId) -> Result<Option<Vec<WhyOffer>>, BackendError>;

    /// Why `agent` had a call or had it not, at each offer and where it waited without one, also
    /// while it goes on; none if there is no such call.
    async fn why_agent(
        &self,
        call: CallId,
        agent: &AgentId,
    ) -> Result<Option<Vec<WhyMoment>>, BackendError>;

    /// Recordings, newest first. What the viewer may see is already part of `filter`.
    async fn recordings(
        &self,
        filter: &RecordingFilter,
        page: &PageRequest,
    ) -> Result<Page<CallRecording>, BackendError>;

    /// One recording's description.
    async fn recording(&self, id: RecordingId) -> Result<Option<CallRecording>, BackendError>;

    /// Opens a recording that [`Backend::recording`] described; none if its file is gone.
    async fn open_audio(&self, id: RecordingId) -> Result<Option<Audio>, BackendError>;

    /// A recording's peaks, each of [`PEAK_MS`]; none if its file is gone or has none.
    async fn peaks(&self, id: RecordingId) -> Result<Option<Vec<Peak>>, BackendError>;

    /// Puts `entry` on record and returns when it is committed. What it is about is not shown, or
    /// the refusal not given, before that.
    async fn audit(&self, entry: Audit) -> Result<(), BackendError>;

    /// Reads the configuration again, as `by` wants, and puts into force what may change at run
    /// time. Returns when that is committed.
    ///
    /// # Errors
    /// Nothing has changed, and why.
    async fn reload(&self, by: UserId) -> Result<Reloaded, ReloadError>;

    /// Begins to run a stored day again, beside the calls; one at a time.
    ///
    /// # Errors
    /// It is none, or another one runs.
    async fn begin_replay(&self, request: ReplayRequest) -> Result<(), ReplayError>;

    /// The replay that was begun last since the engine's start.
    fn replay(&self) -> Option<Replay>;

    /// How the engine is.
    async fn health(&self) -> Health;

    /// The engine's figures as Prometheus text (version 0.0.4); this room adds its own.
    async fn metrics(&self) -> String;

    /// What a desktop needs to know of the configuration.
    fn desktop_config(&self) -> Arc<DesktopConfig>;
}
