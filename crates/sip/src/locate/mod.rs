//! Locating SIP servers (RFC 3263): from a URI to the addresses that a request may be sent to.
//!
//! A search begins with a [`Place`] and asks the DNS what it has to know ([`LocateOutput::Ask`]),
//! in up to three rounds: which transports (NAPTR, §4.1), which servers (SRV, §4.2), which
//! addresses (A and AAAA). It ends with [`LocateOutput::Located`] or [`LocateOutput::NotLocated`].
//! A place that says it all itself, an address or a name and a port, skips what it needs not ask.
//!
//! Answers are kept as long as their TTL allows, also those that say that there is nothing; who
//! asks meanwhile waits for the same answer. Targets that failed lately come last (§4.3).

mod cache;
mod locator;
mod place;
mod plan;
mod weigh;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub use locator::Locator;
pub use place::Place;

/// What carries SIP, as RFC 3263 tells it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carrier {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// TLS over TCP.
    Tls,
}

/// A version of IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Where a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// By what.
    pub carrier: Carrier,
    /// Where to.
    pub address: SocketAddr,
}

/// Which records are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// RFC 3403: which services a domain has.
    Naptr,
    /// RFC 2782: which servers a service has.
    Srv,
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
}

/// A question to the DNS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// What is asked for.
    pub kind: RecordKind,
    /// Of which name: in small letters, without a dot at its end.
    pub name: String,
}

/// A record of the kind that was asked for; aliases (CNAME) are followed by who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// RFC 3403 §4.1.
    Naptr {
        /// Lower first.
        order: u16,
        /// Lower first within one order.
        preference: u16,
        /// What the replacement is: `s` for the name of an SRV record.
        flags: String,
        /// `SIP+D2U` and the like.
        service: String,
        /// A rewriting of the name, which SIP has no use for: then empty.
        regexp: String,
        /// The next name; empty for the root.
        replacement: String,
    },
    /// RFC 2782.
    Srv {
        /// Lower first.
        priority: u16,
        /// The share within one priority.
        weight: u16,
        /// Where it listens.
        port: u16,
        /// The host; empty for the root: there is decidedly no such service.
        target: String,
    },
    /// Of a host.
    Address(IpAddr),
}

/// What the DNS says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// These records.
    Found {
        /// What there is; other kinds than the one asked for are passed over.
        records: Vec<Record>,
        /// How long that is true, in seconds.
        ttl_s: u32,
    },
    /// There is no such name, or nothing of this kind.
    Nothing {
        /// How long that is true, in seconds, if it is said (RFC 2308 §5).
        ttl_s: Option<u32>,
    },
    /// No server answered, or none could say (SERVFAIL).
    Failed,
}

/// Why there is nowhere to send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotLocated {
    /// The URI names no host.
    NoHost,
    /// It asks for a transport or a family of addresses that we do not have.
    Unsupported,
    /// The DNS knows no such host.
    Unknown,
    /// The DNS says that the service is not offered (RFC 2782: a target of ".").
    NoService,
    /// The DNS did not answer.
    Unanswered,
    /// Too many searches at one time, or this one asks too much.
    TooMany,
}

/// A search, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SearchId(pub u64);

/// What is to be done, or has been found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocateOutput {
    /// Ask the DNS and tell by [`Locator::handle_answer`].
    Ask(Question),
    /// A search is over.
    Located {
        /// Which.
        search: SearchId,
        /// Where to send, the best first; never empty.
        targets: Vec<Target>,
    },
    /// A search is over in vain.
    NotLocated {
        /// Which.
        search: SearchId,
        /// Why.
        why: NotLocated,
    },
}

/// Limits, times and what we can.
#[derive(Debug, Clone)]
pub struct LocateConfig {
    /// What we can send by, the preferred first: where a domain leaves the choice to us (§4.1).
    pub carriers: Vec<Carrier>,
    /// Which addresses we reach, the preferred first.
    pub families: Vec<Family>,
    /// The most answers remembered; for one more, the one that would go first goes.
    pub cache_entries: usize,
    /// The longest that an answer is remembered, whatever its TTL.
    pub ttl_max: Duration,
    /// The longest that is remembered that there is nothing; also taken where the answer does not
    /// say how long.
    pub negative_ttl_max: Duration,
    /// How long a question that failed is not asked again.
    pub unanswered_for: Duration,
    /// A question that was not answered after so long has failed.
    pub answer_timeout: Duration,
    /// How long a target that failed comes after the others.
    pub failed_for: Duration,
    /// The most targets remembered as failed; for one more, the one that would go first goes.
    pub failed_max: usize,
    /// The most searches at one time; one more is [`NotLocated::TooMany`].
    pub searches_max: usize,
}

impl Default for LocateConfig {
    fn default() -> Self {
        Self {
            carriers: vec![Carrier::Udp, Carrier::Tcp],
            families: vec![Family::V4, Family::V6],
            cache_entries: 10_000,
            ttl_max: Duration::from_secs(3_600),
            negative_ttl_max: Duration::from_secs(60),
            unanswered_for: Duration::from_secs(2),
            answer_timeout: Duration::from_secs(6),
            failed_for: Duration::from_secs(30),
            failed_max: 1_024,
            searches_max: 10_000,
        }
    }
}

impl Carrier {
    /// Where it is listened for if nothing else is said (RFC 3261 §19.1.2).
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
        }
    }
}

impl Family {
    /// Which an address is of.
    pub const fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

#[cfg(test)]
mod tests;
