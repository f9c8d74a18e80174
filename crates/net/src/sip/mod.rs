//! SIP workers: threads that own sockets and transactions, and speak with the brain by messages.

mod config;

use std::io;
use std::net::SocketAddr;

use crossbeam_channel::Sender;
use sip::{FromBrain, ToBrain};

pub use config::{Admit, Config, Limits, Listener};

/// The queue to a worker is full; the command comes back.
#[derive(Debug)]
pub struct Full(pub FromBrain);

/// What the workers counted since they started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams and stream messages that came.
    pub received: u64,
    /// Datagrams and stream messages that left.
    pub sent: u64,
    /// Dropped because of their source.
    pub not_admitted: u64,
    /// Dropped because they were no SIP.
    pub malformed: u64,
    /// Absorbed as retransmissions.
    pub retransmissions: u64,
    /// Requests refused by the worker itself for a rule of SIP.
    pub refused: u64,
    /// Requests answered with 503 by the worker itself.
    pub overloaded: u64,
    /// Messages that could not be sent.
    pub send_failures: u64,
    /// Connections closed for a limit, a time-out or broken framing.
    pub connections_closed: u64,
    /// Connections now.
    pub connections: u64,
    /// Transactions now.
    pub transactions: u64,
}

/// The running workers.
pub struct SipWorkers {}

impl SipWorkers {
    /// Binds all listeners and starts the workers.
    ///
    /// # Errors
    /// A listener's address cannot be bound, or a thread cannot be started.
    pub fn start(config: Config, to_brain: Sender<ToBrain>) -> io::Result<SipWorkers> {
        let _ = (config, to_brain);
        unimplemented!()
    }

    /// Gives a command to the worker that it belongs to and wakes it. Never waits.
    ///
    /// # Errors
    /// The queue is full.
    pub fn send(&self, command: FromBrain) -> Result<(), Full> {
        let _ = command;
        unimplemented!()
    }

    /// The worker that a call's transactions belong to: for [`sip::ClientTx::new`].
    pub fn worker_of(&self, call_id: &str) -> u8 {
        let _ = call_id;
        unimplemented!()
    }

    /// What each listener is bound to, in the order of the configuration.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        unimplemented!()
    }

    /// The sum over all workers.
    pub fn counts(&self) -> Counts {
        unimplemented!()
    }

    /// Sends what is queued, closes everything and waits for the threads.
    pub fn stop(self) {}
}
