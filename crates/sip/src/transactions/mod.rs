//! The transaction layer (RFC 3261 §17, RFC 6026): one table for one worker, sans I/O.
//!
//! Four machines, a file each; `incoming` and `outgoing` lead messages and commands to them,
//! `table` keeps them and does what they want. Whatever comes again is absorbed here, so that above
//! it each thing happens once.

mod effect;
mod incoming;
mod invite_client;
mod invite_server;
mod key;
mod large;
mod late;
mod other_client;
mod other_server;
mod outgoing;
mod table;
mod timer;

#[cfg(test)]
mod tests;

use crate::{Flow, Message, ToBrain};

pub use invite_client::MAX_FORKS;
pub use key::worker_of_response;
pub use large::MAX_DATAGRAM_REQUEST;
pub use table::Transactions;
pub use timer::{T1, T1_64, T2, T4, TRYING};

/// The most transactions of one worker, whatever is configured: what a [`ServerTx`] can number.
///
/// [`ServerTx`]: crate::ServerTx
pub const MAX_TRANSACTIONS: usize = 1 << 24;

/// How one worker's table is set up.
#[derive(Debug, Clone)]
pub struct TransactionsConfig {
    /// The worker's number: the top 8 bits of its transactions' numbers.
    pub worker: u8,
    /// Random bytes, new at each start: branches and tags are derived from them.
    pub secret: [u8; 32],
    /// The most transactions at a time, at most [`MAX_TRANSACTIONS`]. Beyond nine tenths of it a
    /// request outside of dialogs gets 503, but for REGISTER; beyond all of it every request does.
    /// One address alone gets 503 for requests outside of dialogs beyond three quarters.
    pub limit: usize,
    /// What Retry-After says in these 503, in seconds.
    pub retry_after_s: u32,
}

impl Default for TransactionsConfig {
    fn default() -> Self {
        Self { worker: 0, secret: [0; 32], limit: 400_000, retry_after_s: 5 }
    }
}

/// What the table wants done.
#[derive(Debug, Clone)]
pub enum TxOutput {
    /// Send this.
    Transmit {
        /// Where to. Connection 0 over TCP: any connection to there, a new one if need be.
        flow: Flow,
        /// What: [`Message::as_bytes`].
        message: Message,
    },
    /// Report this.
    ToBrain(ToBrain),
}

/// What the table did by itself, counted since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransactionCounts {
    /// Repeated requests and responses that were absorbed.
    pub repeats: u64,
    /// Requests refused for a rule of SIP.
    pub refused: u64,
    /// Requests answered with 503 for a limit.
    pub overloaded: u64,
    /// Responses and ACKs that belong to nothing, and responses that cannot be read.
    pub stray: u64,
}
