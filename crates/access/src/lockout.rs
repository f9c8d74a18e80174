//! Wrong passwords are slowed and then locked, by user and by source.

use std::net::{IpAddr, Ipv6Addr};

use model::Mono;
use sha2::{Digest, Sha256};

use crate::table::Table;

/// When one key (a user, or a source) is slowed and locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Failures that cost nothing; each further one makes the next attempt wait.
    pub free_failures: u32,
    /// The first wait; it doubles with every failure, up to `max_delay_ms`.
    pub first_delay_ms: u64,
    /// The longest wait before the lock.
    pub max_delay_ms: u64,
    /// The failure that locks.
    pub lock_after: u32,
    /// How long a lock lasts.
    pub lock_ms: u64,
    /// Failures are forgotten when this long passed since the last one (not during a lock).
    pub forget_ms: u64,
}

/// The limits of a [`Lockout`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockoutConfig {
    /// For one user name, from wherever; whether or not such a user exists.
    pub user: Limits,
    /// For one source, whichever user it tries: an IPv4 address, or the /64 of an IPv6 one.
    pub source: Limits,
    /// Users and sources remembered, each.
    pub capacity: usize,
    /// While a table is full of keys that may not be forgotten yet, all keys that are not in it
    /// share one attempt in this time.
    pub crowd_gap_ms: u64,
}

/// What is done with an attempt to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Verify the password, then say [`Lockout::handle_failed`] or [`Lockout::handle_succeeded`].
    Check,
    /// Too soon after a failure: verify nothing, ask to come again later.
    Wait {
        /// How much later.
        retry_after_ms: u64,
    },
    /// Too many failures: verify nothing.
    Locked {
        /// Until it is over.
        retry_after_ms: u64,
    },
}

/// How much a [`Lockout`] remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// User names with failures.
    pub users: usize,
    /// Sources with failures.
    pub sources: usize,
}

impl Default for LockoutConfig {
    fn default() -> Self {
        let (minute, hour) = (60_000, 3_600_000);
        Self {
            user: Limits {
                free_failures: 2,
                first_delay_ms: 1_000,
                max_delay_ms: 8_000,
                lock_after: 6,
                lock_ms: 5 * minute,
                forget_ms: hour,
            },
            // A branch office signs in from one address, so a source gets more than a user.
            source: Limits {
                free_failures: 15,
                first_delay_ms: 1_000,
                max_delay_ms: 8_000,
                lock_after: 30,
                lock_ms: 15 * minute,
                forget_ms: hour,
            },
            capacity: 50_000,
            crowd_gap_ms: 100,
        }
    }
}

/// Slows and locks those who guess passwords.
///
/// Ask [`handle_attempt`](Self::handle_attempt) before verifying a password. It is told the name
/// that was typed, never whether such a user exists, so what it answers cannot tell either; the
/// engine keeps that promise by verifying against a dummy hash where there is no user.
///
/// An attempt counts as the user's failure from the moment it is let through, so that a thousand
/// attempts sent at once are not all verified before the first of them is known to have failed.
/// Sources are counted when an attempt has failed: many people may sign in at once from one.
#[derive(Debug)]
pub struct Lockout {
    users: Table<[u8; 32]>,
    sources: Table<IpAddr>,
}

impl Lockout {
    /// Nobody has failed yet.
    pub fn new(config: LockoutConfig) -> Self {
        let LockoutConfig { user, source, capacity, crowd_gap_ms } = config;
        Self {
            users: Table::new(user, capacity, crowd_gap_ms),
            sources: Table::new(source, capacity, crowd_gap_ms),
        }
    }

    /// Whether the password of an attempt is to be verified now.
    ///
    /// After [`Verdict::Check`], say how it went: a check that is never reported stays counted as
    /// the user's failure.
    pub fn handle_attempt(&mut self, user: &str, source: IpAddr, now: Mono) -> Verdict {
        let user = user_key(user);
        match self.sources.verdict(source_key(source), now) {
            Verdict::Check => {}
            refused @ (Verdict::Wait { .. } | Verdict::Locked { .. }) => return refused,
        }
        let verdict = self.users.verdict(user, now);
        if verdict == Verdict::Check {
            self.users.charge(user, now);
        }
        verdict
    }

    /// The password was wrong, or there is no such user.
    pub fn handle_failed(&mut self, source: IpAddr, now: Mono) {
        self.sources.charge(source_key(source), now);
    }

    /// The password was right. The user's failures are forgiven, the source's are not: or else one
    /// valid account would buy any number of guesses at the others.
    pub fn handle_succeeded(&mut self, user: &str) {
        self.users.forgive(user_key(user));
    }

    /// Until when a source is locked, in milliseconds; none if it is not.
    pub fn source_locked_ms(&mut self, source: IpAddr, now: Mono) -> Option<u64> {
        match self.sources.verdict(source_key(source), now) {
            Verdict::Locked { retry_after_ms } => Some(retry_after_ms),
            Verdict::Check | Verdict::Wait { .. } => None,
        }
    }

    /// Whether credentials that are checked at once (SIP's digests) are to be checked now. Nothing
    /// is counted: say [`Lockout::handle_refused`] if they are wrong.
    pub fn handle_look(&mut self, user: &str, source: IpAddr, now: Mono) -> Verdict {
        match self.sources.verdict(source_key(source), now) {
            Verdict::Check => self.users.verdict(user_key(user), now),
            refused @ (Verdict::Wait { .. } | Verdict::Locked { .. }) => refused,
        }
    }

    /// Credentials that were checked at once were wrong, or there is no such user: that counts for
    /// both user and source.
    pub fn handle_refused(&mut self, user: &str, source: IpAddr, now: Mono) {
        self.users.charge(user_key(user), now);
        self.handle_failed(source, now);
    }

    /// How much is remembered, for a metric.
    pub fn remembered(&self) -> Remembered {
        Remembered { users: self.users.len(), sources: self.sources.len() }
    }
}

/// A name of any length in 32 bytes.
fn user_key(user: &str) -> [u8; 32] {
    Sha256::digest(user.as_bytes()).into()
}

/// An IPv6 host owns a whole /64, so that is what counts; an IPv4 address counts as itself even
/// when it comes mapped into IPv6.
fn source_key(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (!0_u128 << 64)).into(),
    }
}
