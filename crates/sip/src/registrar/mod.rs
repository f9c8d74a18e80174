//! The registrar (RFC 3261 §10.3): where a phone is reached, and whether it answers.

use std::net::SocketAddr;

use model::Mono;

use crate::{Flow, Message};

/// Limits and times.
#[derive(Debug, Clone)]
pub struct RegistrarConfig {
    /// Shorter wishes get 423, in seconds.
    pub min_expiry_s: u32,
    /// What a request without a wish gets, in seconds.
    pub default_expiry_s: u32,
    /// Longer wishes get this, in seconds.
    pub max_expiry_s: u32,
    /// The most contacts of one address of record; one more gets 403.
    pub max_contacts: usize,
    /// The most contacts of all; one more gets 503.
    pub max_bindings: usize,
    /// How often a phone is asked by OPTIONS whether it is there, in milliseconds; 0 for never.
    pub probe_interval_ms: u64,
}

impl Default for RegistrarConfig {
    fn default() -> Self {
        Self {
            min_expiry_s: 60,
            default_expiry_s: 600,
            max_expiry_s: 3600,
            max_contacts: 4,
            max_bindings: 100_000,
            probe_interval_ms: 0,
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
    /// When it ends.
    pub expires_at: Mono,
    /// Preference in thousandths, 1000 unless given.
    pub q: u16,
    /// Whether the phone answers.
    pub reachable: bool,
    call_id: String,
    cseq: u32,
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
    /// Send an OPTIONS and say by [`Registrar::handle_probe`] whether an answer came.
    Probe {
        /// The user part of the address of record.
        aor: String,
        /// The contact's URI.
        contact: String,
        /// Where to.
        flow: Flow,
    },
}

/// All contacts.
#[derive(Debug)]
pub struct Registrar {}

impl Registrar {
    /// An empty registrar.
    pub fn new(config: RegistrarConfig) -> Self {
        let _ = config;
        Self {}
    }

    /// Takes a REGISTER whose credentials were accepted for `aor`; gives its response, with `tag`
    /// as ours.
    pub fn handle_register(
        &mut self,
        aor: &str,
        request: &Message,
        flow: Flow,
        tag: &str,
        now: Mono,
    ) -> Message {
        let _ = (aor, request, flow, tag, now);
        unimplemented!()
    }

    /// A TCP connection is gone: its contacts with it.
    pub fn handle_flow_closed(&mut self, flow: Flow) {
        let _ = flow;
    }

    /// Whether a phone answered (a probe, or any request).
    pub fn handle_probe(&mut self, aor: &str, contact: &str, answered: bool, now: Mono) {
        let _ = (aor, contact, answered, now);
    }

    /// Ends the contacts whose time is over; asks for probes that are due.
    pub fn handle_timeout(&mut self, now: Mono) {
        let _ = now;
    }

    /// When [`Registrar::handle_timeout`] is to be called next, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        None
    }

    /// The next change. Drain until `None`.
    pub fn poll_output(&mut self) -> Option<RegistrarOutput> {
        None
    }

    /// The contacts of an address of record: those that answer first, then by preference, then the
    /// newest first.
    pub fn bindings(&self, aor: &str) -> Vec<&Binding> {
        let _ = aor;
        Vec::new()
    }

    /// Whose phone sends from this address: by the source of its registration or the address in
    /// its Contact.
    pub fn agent_of(&self, remote: SocketAddr) -> Option<&str> {
        let _ = remote;
        None
    }
}
