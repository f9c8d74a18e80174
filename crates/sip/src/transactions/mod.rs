//! The transaction layer (RFC 3261 §17, RFC 6026): one table for one worker, sans I/O.

use model::Mono;

use crate::{Flow, FromBrain, Message, ParseError, ToBrain};

/// How one worker's table is set up.
#[derive(Debug, Clone)]
pub struct TransactionsConfig {
    /// The worker's number: the top 8 bits of its transactions' numbers.
    pub worker: u8,
    /// Random bytes, the same for all workers of one start: branches and tags are derived from them.
    pub secret: [u8; 32],
    /// The most transactions at a time. Beyond nine tenths of it new INVITEs and other requests
    /// outside of dialogs get 503, beyond all of it everything does.
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
    /// Send these bytes.
    Transmit {
        /// Where to.
        flow: Flow,
        /// What; [`Message::as_bytes`].
        message: Message,
    },
    /// Report this.
    ToBrain(ToBrain),
}

/// All transactions of one worker.
#[derive(Debug)]
pub struct Transactions {}

impl Transactions {
    /// An empty table.
    pub fn new(config: TransactionsConfig) -> Self {
        let _ = config;
        Self {}
    }

    /// Takes a datagram.
    ///
    /// # Errors
    /// It is no message; it was dropped and counted.
    pub fn handle_datagram(
        &mut self,
        datagram: &[u8],
        flow: Flow,
        now: Mono,
    ) -> Result<(), ParseError> {
        self.handle_message(Message::parse(datagram)?, flow, now);
        Ok(())
    }

    /// Takes a message that came.
    pub fn handle_message(&mut self, message: Message, flow: Flow, now: Mono) {
        let _ = (message, flow, now);
    }

    /// Does what the transaction user asks.
    pub fn handle_command(&mut self, command: FromBrain, now: Mono) {
        let _ = (command, now);
    }

    /// A TCP connection is gone, or could not be opened (connection 0).
    pub fn handle_flow_closed(&mut self, flow: Flow, now: Mono) {
        let _ = (flow, now);
    }

    /// While set, new INVITEs outside of dialogs get 503 with Retry-After.
    pub fn set_overloaded(&mut self, overloaded: bool) {
        let _ = overloaded;
    }

    /// Fires the timers that are due.
    pub fn handle_timeout(&mut self, now: Mono) {
        let _ = now;
    }

    /// When [`Transactions::handle_timeout`] is to be called next, and for which timer.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        None
    }

    /// The next thing to do. Drain until `None`.
    pub fn poll_output(&mut self) -> Option<TxOutput> {
        None
    }
}
