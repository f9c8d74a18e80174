//! The trace: every SIP message of the last while, in bounded memory, to be asked for by Call-ID.
//!
//! Each worker writes what it parsed and what it sent to a tape of its own: one copy of the bytes,
//! no lock, no allocation once the tape is full. Whoever asks sends a question; the worker answers
//! it between two turns with references to what is on its tape, and the asking thread searches.
//!
//! Secrets are removed when messages are read, not when they are written: the tape is memory of
//! this process like the sockets' buffers that the bytes came through, it has this one door, and
//! the call's path does not pay for what is hardly ever looked at.

mod hep;
mod sender;
mod tape;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use model::{Mono, Transport, Wall};

use super::wake::Waker;
pub use hep::{HepPacket, encode};
pub(super) use sender::{Hep, HepQueue};
use tape::{Entry, Segment};
pub(super) use tape::{Question, Tape};

/// The most messages that one answer holds; later ones are left out.
pub const TRACED_MAX: usize = 2_000;
/// What is kept of a datagram that is no SIP, in bytes.
pub const MALFORMED_CUT: usize = 256;
/// Questions that may wait for a worker; there is one asker at a time.
const QUESTIONS: usize = 4;
/// How long a worker may take to answer. It is woken, and answers between two turns.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is traced.
#[derive(Debug, Clone)]
pub struct TraceConfig {
    /// Memory of all tapes together, in bytes; 0 traces nothing. Less than a few segments a worker
    /// (256 KiB each) is taken as so many.
    pub budget_bytes: usize,
    /// The time of day at the zero of [`Mono`], for what leaves for a collector.
    pub wall_at_zero: Wall,
    /// Where a copy of each message goes.
    pub hep: Option<HepConfig>,
}

impl Default for TraceConfig {
    fn default() -> Self {
        Self { budget_bytes: 64 << 20, wall_at_zero: Wall::default(), hep: None }
    }
}

/// A Homer collector (HEPv3 over UDP).
#[derive(Clone, PartialEq, Eq)]
pub struct HepConfig {
    /// Where it listens.
    pub collector: SocketAddr,
    /// What this engine is called there.
    pub capture_id: u32,
    /// What the collector asks for, if anything.
    pub auth_key: Option<String>,
}

impl std::fmt::Debug for HepConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { collector, capture_id, auth_key: _ } = self;
        f.debug_struct("HepConfig")
            .field("collector", collector)
            .field("capture_id", capture_id)
            .finish_non_exhaustive()
    }
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the engine.
    In,
    /// From the engine.
    Out,
}

/// One message, its secrets removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// When the worker had it in hand.
    pub at: Mono,
    /// Which of the Call-IDs that were asked for, by its place there.
    pub call: usize,
    /// Which way it went.
    pub direction: Direction,
    /// What carried it.
    pub transport: Transport,
    /// Our address, as the other side knows it.
    pub local: SocketAddr,
    /// Theirs.
    pub remote: SocketAddr,
    /// It could not be parsed: `bytes` are its first [`MALFORMED_CUT`].
    pub is_malformed: bool,
    /// What was on the wire but for secrets, which are `*`.
    pub bytes: Vec<u8>,
}

/// What the tapes hold of some calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// In the order of their times.
    pub messages: Vec<Traced>,
    /// Everything since then is there; what was before may be gone.
    pub complete_since: Mono,
    /// There were more than [`TRACED_MAX`].
    pub is_cut: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nothing is traced: the budget is 0.
    Off,
    /// A worker does not answer, or has ended.
    Silent,
}

/// The way to all tapes.
#[derive(Clone)]
pub struct Trace(Arc<Inner>);

struct Inner {
    tapes: Vec<(Sender<Question>, Waker)>,
    /// One at a time: what a search holds is kept beside the budget until it ends.
    asking: Mutex<()>,
}

/// The two ends of a tape's questions, if there is a tape.
pub(super) fn questions(config: &TraceConfig) -> Option<(Sender<Question>, Receiver<Question>)> {
    (config.budget_bytes > 0).then(|| crossbeam_channel::bounded(QUESTIONS))
}

impl Trace {
    pub(super) fn new(tapes: Vec<(Sender<Question>, Waker)>) -> Self {
        Self(Arc::new(Inner { tapes, asking: Mutex::new(()) }))
    }

    /// What is known of the calls with these Call-IDs. Waits for the workers: not for the brain.
    ///
    /// # Errors
    /// Nothing is traced, or a worker does not answer.
    pub fn find(&self, call_ids: &[&str]) -> Result<Found, NoAnswer> {
        if self.0.tapes.is_empty() {
            return Err(NoAnswer::Off);
        }
        let asking = self.0.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answers = Vec::new();
        for (questions, waker) in &self.0.tapes {
            let (answer, answered) = crossbeam_channel::bounded(1);
            questions.try_send(answer).map_err(|_| NoAnswer::Silent)?;
            waker.wake();
            answers.push(answered);
        }
        let mut found = Found::default();
        for answered in answers {
            let tape = answered.recv_timeout(PATIENCE).map_err(|_| NoAnswer::Silent)?;
            found.complete_since = found.complete_since.max(tape.complete_since);
            for segment in tape.segments {
                search(&segment, call_ids, &mut found.messages);
            }
        }
        drop(asking);
        // Within a tape the order is that of the worker; times of several are one clock's.
        found.messages.sort_by_key(|message| message.at);
        found.is_cut = found.messages.len() > TRACED_MAX;
        found.messages.truncate(TRACED_MAX);
        for message in &mut found.messages {
            sip::hide_secrets(&mut message.bytes);
        }
        Ok(found)
    }
}

fn search(segment: &Segment, call_ids: &[&str], found: &mut Vec<Traced>) {
    let hashes: Vec<u64> = call_ids.iter().map(|call_id| sip::hash_of(call_id)).collect();
    for entry in segment.entries() {
        let bytes = segment.bytes(entry);
        let is = |(nth, hash): (usize, &u64)| {
            let may_be = entry.is_malformed || *hash == entry.call;
            (may_be && call_ids.get(nth).is_some_and(|id| says(bytes, entry, id))).then_some(nth)
        };
        if let Some(call) = hashes.iter().enumerate().find_map(is) {
            found.push(traced(entry, call, bytes));
        }
    }
}

fn traced(entry: &Entry, call: usize, bytes: &[u8]) -> Traced {
    Traced {
        at: entry.at,
        call,
        direction: entry.direction,
        transport: entry.transport,
        local: entry.local,
        remote: entry.remote,
        is_malformed: entry.is_malformed,
        bytes: bytes.to_vec(),
    }
}

/// Whether a message has this Call-ID; of what is no message, whether it has a line that says so.
fn says(bytes: &[u8], entry: &Entry, call_id: &str) -> bool {
    if !entry.is_malformed {
        return sip::Message::parse(bytes).is_ok_and(|message| message.call_id() == call_id);
    }
    let mut lines = bytes.split(|byte| matches!(byte, b'\r' | b'\n'));
    lines.any(|line| {
        let line = String::from_utf8_lossy(line);
        let Some((name, value)) = line.split_once(':') else { return false };
        let name = name.trim();
        let is_name = name.eq_ignore_ascii_case("call-id") || name.eq_ignore_ascii_case("i");
        is_name && value.trim() == call_id
    })
}
