//! Calls to the outside: which line may carry them, and how its carrier wants a number written.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use model::{Transport, TrunkId};
use sip::Uri;
use sip::digest::Account;

use crate::{Pattern, Trunk, Trunks, normalise};

/// SIP's port where none is written (RFC 3261 §19.1.2).
const SIP_PORT: u16 = 5060;
const SIPS_PORT: u16 = 5061;

/// How a line calls out. What its lists do not name cannot be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outward {
    /// Where its carrier is reached, the preferred one first.
    pub targets: Vec<Target>,
    /// The carrier's domain in Request-URI, To and From; the target's own host if empty.
    pub domain: String,
    /// The numbers that may be called, as people write them at home.
    pub allowed: Vec<Pattern>,
    /// Numbers that everyone may call, past all limits and unchanged: those that save lives.
    pub emergency: Vec<String>,
    /// What may be dialled before a number to reach the outside; empty for nothing.
    pub access_code: String,
    /// How the carrier wants numbers written; the first rule that matches counts.
    pub rewrites: Vec<Rewrite>,
    /// The number that the called party is shown.
    pub caller_id: String,
    /// Whether the carrier is asked not to show it (RFC 3323 §4.2, RFC 3325 §9.3).
    pub hides_caller_id: bool,
    /// What the carrier's challenges are answered with; its realm must be named.
    pub account: Option<Account>,
    /// How long a called party may let it ring, in milliseconds.
    pub ring_timeout_ms: u64,
    /// How often its targets are asked by OPTIONS whether they are there, in milliseconds; 0 for
    /// never.
    pub options_interval_ms: u64,
    /// How long an answer to that may take, in milliseconds.
    pub options_timeout_ms: u64,
    /// For how many seconds the line registers with its carrier as its account, if it does
    /// (RFC 3261 §10.2).
    pub register_s: Option<u32>,
}

impl Default for Outward {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            domain: String::new(),
            allowed: Vec::new(),
            emergency: Vec::new(),
            access_code: String::new(),
            rewrites: Vec::new(),
            caller_id: String::new(),
            hides_caller_id: false,
            account: None,
            ring_timeout_ms: 60_000,
            options_interval_ms: 0,
            options_timeout_ms: 4_000,
            register_s: None,
        }
    }
}

/// Where a carrier is reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// A host's name or address, without brackets.
    pub host: String,
    /// The port, where one is named.
    pub port: Option<u16>,
    /// What carries requests there.
    pub transport: Transport,
}

impl Target {
    /// Its address, where it is written as one.
    pub fn address(&self) -> Option<SocketAddr> {
        let usual = match self.transport {
            Transport::Udp | Transport::Tcp | Transport::Ws | Transport::Wss => SIP_PORT,
            Transport::Tls => SIPS_PORT,
        };
        Some(SocketAddr::new(self.host.parse().ok()?, self.port.unwrap_or(usual)))
    }

    /// Host and port as a URI has them: `192.0.2.10:5070`, `[2001:db8::1]`.
    pub fn host_port(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host_port())?;
        match self.transport {
            Transport::Udp => Ok(()),
            other @ (Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss) => {
                write!(f, ";transport={}", other.as_str())
            }
        }
    }
}

/// A text that names no target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseTargetError;

impl fmt::Display for ParseTargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a host such as '192.0.2.10:5060' or 'gw.example.com;transport=tcp'")
    }
}

impl std::error::Error for ParseTargetError {}

impl FromStr for Target {
    type Err = ParseTargetError;

    fn from_str(text: &str) -> Result<Self, ParseTargetError> {
        let written = match text.starts_with("sip:") {
            true => text.to_owned(),
            false => format!("sip:{text}"),
        };
        let uri = Uri::parse(&written).ok_or(ParseTargetError)?;
        let transport = match uri.params().value("transport").map(Transport::from_name) {
            None => Transport::Udp,
            Some(Some(known @ (Transport::Udp | Transport::Tcp | Transport::Tls))) => known,
            // WebSocket is what browsers speak; a carrier does not listen for it.
            Some(Some(Transport::Ws | Transport::Wss) | None) => return Err(ParseTargetError),
        };
        let host = uri.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || !uri.user().is_empty() || uri.port() == Some(0) {
            return Err(ParseTargetError);
        }
        Ok(Self { host: host.to_owned(), port: uri.port(), transport })
    }
}

/// How a carrier wants some numbers written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// Which.
    pub pattern: Pattern,
    /// How many digits are taken off their front.
    pub strip: usize,
    /// What is put there instead.
    pub prefix: String,
}

/// Why a number is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoWay {
    /// It is no telephone number.
    NotANumber,
    /// No line may call it.
    NotAllowed,
}

/// One line that may call a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The line.
    pub trunk: TrunkId,
    /// The number as its carrier wants it.
    pub number: String,
    /// Whether it is one that everyone may call, past all limits.
    pub is_emergency: bool,
}

impl Outward {
    /// How `dialled` is written for the carrier, if the line may call it: as it stands, else
    /// without the access code.
    fn way(&self, trunk: &TrunkId, dialled: &str) -> Option<Way> {
        let inner = dialled.strip_prefix(self.access_code.as_str());
        let inner = inner.filter(|_| !self.access_code.is_empty());
        let number = [Some(dialled), inner].into_iter().flatten();
        let way = |number: String, is_emergency| Way { trunk: trunk.clone(), number, is_emergency };
        for number in number {
            if self.emergency.iter().any(|emergency| emergency == number) {
                return Some(way(number.to_owned(), true));
            }
            if self.allowed.iter().any(|allowed| allowed.matches(number)) {
                return Some(way(self.rewritten(number), false));
            }
        }
        None
    }

    fn rewritten(&self, number: &str) -> String {
        match self.rewrites.iter().find(|rule| rule.pattern.matches(number)) {
            Some(rule) => {
                let rest = number.get(rule.strip..).unwrap_or_default();
                format!("{}{rest}", rule.prefix)
            }
            None => number.to_owned(),
        }
    }
}

impl Trunk {
    /// Whether calls go out over it.
    pub fn is_outward(&self) -> bool {
        self.outward.as_ref().is_some_and(|outward| !outward.targets.is_empty())
    }
}

impl Trunks {
    /// The lines that may call `dialled`, in their order, each with the number as its carrier wants
    /// it. Who may call is for others to say, unless the number is one that everyone may.
    ///
    /// # Errors
    /// It is no number, or no line may call it.
    pub fn ways_out(&self, dialled: &str) -> Result<Vec<Way>, NoWay> {
        let number = normalise(dialled);
        let is_number = number.chars().any(|c| c.is_ascii_digit())
            && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | '+'));
        if !is_number {
            return Err(NoWay::NotANumber);
        }
        let lines = self.iter().filter(|trunk| trunk.is_outward());
        let ways: Vec<Way> =
            lines.filter_map(|trunk| trunk.outward.as_ref()?.way(&trunk.id, &number)).collect();
        if ways.is_empty() { Err(NoWay::NotAllowed) } else { Ok(ways) }
    }
}

#[cfg(test)]
mod tests;
