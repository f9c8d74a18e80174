//! SIP workers: threads that own sockets and transactions, and speak with the brain by messages.
//!
//! Each worker has an epoll of its own. Requests are shared out by Call-ID, so that all of a call's
//! transactions are with one worker; responses go where their branch says.

mod admission;
mod bans;
mod bind;
#[cfg(test)]
#[path = "../../tests/sip/certificates.rs"]
mod certificates;
mod channel;
mod config;
mod connection;
mod counts;
mod framing;
mod identity;
mod local;
mod quota;
mod secure;
mod streams;
mod stun;
mod tls;
mod trace;
mod wake;
mod websocket;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::Sender;
use model::Mono;
use sip::{FromBrain, ToBrain, Transactions, TransactionsConfig};

use bans::Guard;
use bind::bind;
pub use config::{Admit, BanLimits, Config, Limits, Listener, Spare};
pub use counts::Counts;
use counts::Shared;
pub use framing::{Broken, Framing};
pub use tls::{Tls, TlsFiles};
pub use trace::{
    Direction, Found, HepConfig, HepPacket, MALFORMED_CUT, NoAnswer, TRACED_MAX, Trace,
    TraceConfig, Traced, encode,
};
use trace::{Hep, Tape};
use wake::Waker;
use worker::{Way, Worker};

/// The most workers: their number is in 8 bits of a transaction's.
const WORKERS_MAX: u8 = 64;

/// The queue to a worker is full; the command comes back.
#[derive(Debug)]
pub struct Full(pub FromBrain);

/// The running workers.
pub struct SipWorkers {
    workers: Vec<Running>,
    addresses: Vec<SocketAddr>,
    stop: Arc<AtomicBool>,
    trace: Trace,
    hep: Option<Hep>,
}

struct Running {
    commands: Sender<FromBrain>,
    waker: Waker,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl SipWorkers {
    /// Binds all listeners and starts the workers.
    ///
    /// # Errors
    /// A listener's address cannot be bound, or a thread cannot be started.
    pub fn start(config: Config, to_brain: Sender<ToBrain>) -> io::Result<SipWorkers> {
        if config.workers == 0 || config.workers > WORKERS_MAX {
            let message = format!("1 to {WORKERS_MAX} SIP workers, not {}", config.workers);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let needs = config.listeners.iter().find(|one| one.transport.is_encrypted());
        if let (Some(listener), None) = (needs, &config.tls) {
            let message =
                format!("{:?} on {} without certificate", listener.transport, listener.addr);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let (sockets, addresses) = bind(&config.listeners)?;
        let sockets = Arc::new(sockets);
        let stop = Arc::new(AtomicBool::new(false));
        let mut ways = Vec::new();
        let mut inboxes = Vec::new();
        for _ in 0..config.workers {
            let (sender, receiver) = crossbeam_channel::bounded(config.limits.handovers);
            ways.push(Way { handovers: sender, waker: Waker::new()? });
            inboxes.push(receiver);
        }
        let guard = Arc::new(Guard::new(config.limits.bans, Arc::clone(&config.spare)));
        guard.trust(&config.trusted, Mono::default());
        let told = Arc::new(AtomicU64::new(0));
        let (hep, copies) = Hep::start(&config.trace)?.unzip();
        let budget_bytes = config.trace.budget_bytes / usize::from(config.workers);
        let (mut workers, mut tapes) = (Vec::new(), Vec::new());
        for (number, handovers) in (0..config.workers).zip(inboxes) {
            let (commands, receiver) = crossbeam_channel::bounded(config.limits.commands);
            let shared = Arc::new(Shared::default());
            let transactions = Transactions::new(TransactionsConfig {
                worker: number,
                secret: config.secret,
                limit: config.limits.transactions,
                retry_after_s: config.limits.retry_after_s,
            });
            let number = usize::from(number);
            let (asks, questions) = trace::questions(&config.trace).unzip();
            tapes.extend(asks.map(|asks| (asks, ways[number].waker.clone())));
            let worker = Worker {
                number,
                config: config.clone(),
                sockets: Arc::clone(&sockets),
                addresses: addresses.clone(),
                ways: ways.clone(),
                commands: receiver,
                handovers,
                to_brain: to_brain.clone(),
                told: Arc::clone(&told),
                guard: Arc::clone(&guard),
                shared: Arc::clone(&shared),
                stop: Arc::clone(&stop),
                transactions,
                tape: Tape::new(budget_bytes, questions, copies.clone()),
            };
            let run = move || {
                if let Err(error) = worker.run() {
                    tracing::error!(%error, number, "a SIP worker has ended");
                }
            };
            let thread = std::thread::Builder::new().name(format!("sip-{number}")).spawn(run)?;
            let waker = ways[number].waker.clone();
            workers.push(Running { commands, waker, shared, thread });
        }
        Ok(Self { workers, addresses, stop, trace: Trace::new(tapes), hep })
    }

    /// Gives a command to the worker that it belongs to and wakes it. Never waits.
    ///
    /// # Errors
    /// The queue is full.
    pub fn send(&self, command: FromBrain) -> Result<(), Full> {
        let number = match &command {
            FromBrain::Respond { tx, .. } => tx.worker(),
            FromBrain::Request { tx, .. }
            | FromBrain::Cancel { tx, .. }
            | FromBrain::Ack { tx, .. } => tx.worker(),
        };
        let Some(worker) = self.workers.get(usize::from(number)) else {
            return Err(Full(command));
        };
        worker.commands.try_send(command).map_err(|refused| Full(refused.into_inner()))?;
        worker.waker.wake();
        Ok(())
    }

    /// The worker that a call's transactions belong to: for [`sip::ClientTx::new`].
    pub fn worker_of(&self, call_id: &str) -> u8 {
        sip::worker_of(call_id, self.workers.len())
    }

    /// What each listener is bound to, in the order of the configuration.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The way to what is written down of messages. It may be used by any thread.
    pub fn trace(&self) -> Trace {
        self.trace.clone()
    }

    /// The sum over all workers.
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for worker in &self.workers {
            worker.shared.add_to(&mut sum);
        }
        sum.hep_dropped += self.hep.as_ref().map_or(0, Hep::dropped);
        sum
    }

    /// Sends what is queued, closes everything and waits for the threads.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        for worker in &self.workers {
            worker.waker.wake();
        }
        for worker in self.workers {
            if worker.thread.join().is_err() {
                tracing::error!("a SIP worker panicked");
            }
        }
        if let Some(hep) = self.hep {
            hep.stop();
        }
    }
}
