//! A telephone's socket and transactions: what callers share, and what agents share.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::SystemTime;

use anyhow::Context as _;
use model::{Mono, Transport};
use sip::{ClientTx, Flow, FromBrain, ToBrain, Transactions, TransactionsConfig, TxOutput};

use super::Clock;
use super::media::ToMedia;

/// What the machines of callers and agents want done.
#[derive(Debug)]
pub(super) enum Do {
    /// By the SIP socket.
    Sip(FromBrain),
    /// By the media thread.
    Media(ToMedia),
    /// An agent's phone was called on behalf of a caller.
    Offered {
        /// Whatever the INVITE shows of the caller's number; some of it may be masked by `*`.
        shown: Vec<String>,
        /// The agent's number.
        agent: String,
    },
}

/// What both sides take.
pub(super) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS";
/// The most transactions of one socket.
const MAX_TRANSACTIONS: usize = 1_000_000;

/// One socket.
#[derive(Debug)]
pub(super) struct Station {
    socket: UdpSocket,
    flow: Flow,
    transactions: Transactions,
    buffer: Vec<u8>,
    /// Datagrams that were no SIP.
    pub(super) malformed: u64,
}

impl Station {
    /// Opens a socket on `from` that speaks to `to`.
    ///
    /// # Errors
    /// The socket cannot be opened.
    pub(super) fn open(from: IpAddr, to: SocketAddr) -> anyhow::Result<Self> {
        let socket =
            UdpSocket::bind((from, 0)).with_context(|| format!("--from {from}: a SIP socket"))?;
        socket.set_nonblocking(true)?;
        // For whoever may; others do with the system's limit.
        let _limited = rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, 8 << 20);
        let local = socket.local_addr()?;
        let transport = Transport::Udp;
        let flow = Flow { transport, local, remote: to, connection: 0, listener: 0 };
        let config = TransactionsConfig {
            secret: secret(local),
            limit: MAX_TRANSACTIONS,
            ..TransactionsConfig::default()
        };
        let transactions = Transactions::new(config);
        Ok(Self { socket, flow, transactions, buffer: vec![0; 65_536], malformed: 0 })
    }

    /// The way to the server.
    pub(super) const fn flow(&self) -> Flow {
        self.flow
    }

    /// To wait for.
    pub(super) const fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Takes in one datagram; tells when it came.
    pub(super) fn receive(&mut self, clock: Clock) -> Option<Mono> {
        // An error means that nothing has come, or that something sent before was not taken:
        // its retransmission will tell.
        let (length, remote) = self.socket.recv_from(&mut self.buffer).ok()?;
        let now = clock.now();
        let flow = Flow { remote, ..self.flow };
        if self.transactions.handle_datagram(&self.buffer[..length], flow, now).is_err() {
            self.malformed += 1;
        }
        Some(now)
    }

    /// Does what a machine asks.
    pub(super) fn perform(&mut self, command: FromBrain, now: Mono) {
        self.transactions.handle_command(command, now);
    }

    /// Fires timers.
    pub(super) fn handle_timeout(&mut self, now: Mono) {
        self.transactions.handle_timeout(now);
    }

    /// When [`Self::handle_timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        self.transactions.poll_timeout().map(|(due, _)| due)
    }

    /// The next event, after sending what is to be sent.
    pub(super) fn poll_event(&mut self) -> Option<ToBrain> {
        loop {
            match self.transactions.poll_output()? {
                TxOutput::Transmit { flow, message } => {
                    // What the system does not take is lost, as on any network.
                    let _lost = self.socket.send_to(message.as_bytes(), flow.remote);
                }
                TxOutput::ToBrain(event) => return Some(event),
            }
        }
    }
}

/// Not secret, only different from run to run: branches and tags come from it.
fn secret(local: SocketAddr) -> [u8; 32] {
    let mut secret = [0; 32];
    secret[..16].copy_from_slice(&run_number().to_be_bytes());
    secret[16..18].copy_from_slice(&local.port().to_be_bytes());
    secret
}

/// A number that no other run of this host has.
pub(super) fn run_number() -> u128 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_nanos() << 32 | u128::from(std::process::id())
}

/// The transaction for the `step`th request of one call or agent: 4 bits for the step.
pub(super) const fn transaction(of: u32, step: u32) -> ClientTx {
    ClientTx::new(0, (of as u64) << 32 | step as u64)
}

/// What [`transaction`] was made of.
pub(super) const fn parts(tx: ClientTx) -> (u32, u32) {
    ((tx.0 >> 32) as u32 & 0x00ff_ffff, tx.0 as u32)
}
