//! The registrar (RFC 3261 §10.3): where a phone is reached, and whether it answers.
//!
//! A contact is `Bound` by a REGISTER, refreshed by others, and `Unbound` by one with expiry 0, by
//! time, by a newer contact of the same phone, or with its connection. In between it may be asked
//! by OPTIONS whether it is there.

mod gruu;
mod outbound;
mod probe;
mod register;
mod table;

use std::collections::VecDeque;

use model::Mono;

use crate::Flow;

pub use table::{Known, Registrar};

/// Limits and times.
#[derive(Debug, Clone)]
pub struct RegistrarConfig {
    /// Shorter wishes get 423, in seconds.
    pub min_expiry_s: u32,
    /// What a request without a wish gets, in seconds.
    pub default_expiry_s: u32,
    /// Longer wishes get this, in seconds.
    pub max_expiry_s: u32,
    /// The most contacts of one address of record: for one more, the one that was refreshed longest
    /// ago gives way.
    pub max_contacts: usize,
    /// The most contacts of all; one more gets 503.
    pub max_bindings: usize,
    /// How long after its last sign of life a phone is asked by OPTIONS whether it is there, in
    /// milliseconds; 0 for never. A new contact is asked after half of it to all of it, so that
    /// phones that registered together are not asked together.
    pub probe_interval_ms: u64,
    /// A phone that has not answered after so long is unreachable, in milliseconds. The sum of
    /// both is how long a dead phone goes unnoticed at most.
    pub probe_timeout_ms: u64,
    /// Take the silence of every phone for its absence, also of one that never answered: see
    /// [`Binding::answers_options`].
    pub probe_all: bool,
}

impl Default for RegistrarConfig {
    fn default() -> Self {
        Self {
            min_expiry_s: 60,
            default_expiry_s: 600,
            max_expiry_s: 3600,
            max_contacts: 4,
            max_bindings: 100_000,
            probe_interval_ms: 5_000,
            probe_timeout_ms: 4_000,
            probe_all: false,
        }
    }
}

/// One contact of an address of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The Contact's URI as registered.
    pub contact: String,
    /// How the phone is reached: the way the REGISTER came.
    pub flow: Flow,
    /// The URIs of the proxies before the phone, the first one first (Path, RFC 3327): what a
    /// request to it needs as Route.
    pub path: Vec<String>,
    /// When it ends.
    pub expires_at: Mono,
    /// Preference in thousandths, 1000 unless given.
    pub q: u16,
    /// Whether the phone answers.
    pub reachable: bool,
    /// The phone's own identity (`+sip.instance`, RFC 5626 §4.1), if it tells one.
    pub instance: Option<String>,
    /// Which of the phone's own ways this is (`reg-id`, RFC 5626 §4.2.1), if it has several.
    pub reg_id: Option<u32>,
    /// Whether the phone said that it takes OPTIONS: in its Allow (RFC 3261 §20.5), or, where it
    /// has none, by telling its extensions in Supported; or whether it has answered one. Of a phone
    /// that says nothing at all about itself, and has never answered, silence means nothing.
    pub answers_options: bool,
    /// Whether its REGISTER said anything of the phone at all (Allow, Supported, User-Agent): then
    /// it is asked once whether it answers OPTIONS, whatever else it said.
    introduces_itself: bool,
    /// When it was last refreshed.
    pub refreshed_at: Mono,
    /// The users of its temporary GRUUs (RFC 5627 §3.1.2), the newest last.
    temporary: VecDeque<String>,
    call_id: String,
    cseq: u32,
    probe: Probe,
}

/// Where the question to a phone stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    /// It is never asked.
    Off,
    /// It is asked then.
    Planned(Mono),
    /// It was asked; silence until then makes it unreachable.
    Asked(Mono),
}

/// Why a contact is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unbound {
    /// The phone took it back.
    Removed,
    /// It was not refreshed in time.
    Expired,
    /// Its connection closed.
    FlowClosed,
    /// A newer contact of the same phone, or one too many, took its place.
    Replaced,
}

/// What changed, and what is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrarOutput {
    /// A new contact (a refresh is not reported).
    Bound {
        /// The user part of the address of record.
        aor: String,
        /// The contact's URI.
        contact: String,
        /// How it is reached.
        flow: Flow,
    },
    /// A contact is gone.
    Unbound {
        /// The user part of the address of record.
        aor: String,
        /// The contact's URI.
        contact: String,
        /// Why.
        cause: Unbound,
        /// How many of the address's contacts are left that answer.
        left: usize,
    },
    /// A contact began or ceased to answer.
    Reachable {
        /// The user part of the address of record.
        aor: String,
        /// The contact's URI.
        contact: String,
        /// Which.
        reachable: bool,
        /// How many of the address's contacts answer now.
        left: usize,
    },
    /// Send an OPTIONS and say by [`Registrar::handle_probe`] when an answer comes, however late,
    /// or that it cannot be sent. Silence needs not be told.
    Probe {
        /// The user part of the address of record.
        aor: String,
        /// The contact's URI.
        contact: String,
        /// Where to.
        flow: Flow,
        /// The proxies before it, as in [`Binding::path`].
        path: Vec<String>,
    },
}

impl Binding {
    /// Call-ID of its last REGISTER.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// CSeq of its last REGISTER.
    pub const fn cseq(&self) -> u32 {
        self.cseq
    }
}

#[cfg(test)]
mod tests;
