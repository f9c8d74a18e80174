//! One worker: its transactions, and the sockets that it reads.
//!
//! The first worker reads all sockets and owns the connections; what belongs to another's
//! transactions is handed over, and what others send over them comes back the same way. UDP is sent
//! by whoever has something to send.

mod leaving;

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use model::{Mono, Transport};
use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use sip::{
    Flow, FromBrain, MAX_MESSAGE_BYTES, Message, Method, ToBrain, Transactions, worker_of_response,
};

use super::admission::Admission;
use super::bans::Guard;
use super::bind::Bound;
use super::config::{Config, Listener};
use super::counts::{Counts, Shared};
use super::local::Local;
use super::quota::Quota;
use super::streams::{FIRST_CONNECTION, Streams};
use super::stun;
use super::trace::{Direction, Tape};
use super::wake::Waker;

/// Commands and hand-overs taken before the sockets have their turn.
const COMMANDS: usize = 256;
/// Events that epoll tells at once.
const EVENTS: usize = 256;
/// The epoll key of the waker; listeners have the keys from 0 on.
const WAKER: u64 = FIRST_CONNECTION - 1;
/// Requests that wait for room in the brain's queue; one more is answered with 503. What else waits
/// there is bounded by the transactions and connections that it belongs to.
const UNSENT_MAX: usize = 65_536;
/// How long slow peers may take what is left for them when the workers stop.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// The longest sleep, so that what is counted is never old.
const SLEEP_MAX: Duration = Duration::from_millis(500);

/// What one worker hands to another.
pub(super) enum Handover {
    /// A message of the other's transactions.
    Message(Message, Flow),
    /// A connection is gone.
    Closed(Flow),
    /// None could be opened.
    NotConnected(Flow),
    /// To be sent over a connection of the first worker.
    Send(Flow, Message),
}

/// The way to a worker.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) handovers: Sender<Handover>,
    pub(super) waker: Waker,
}

pub(super) struct Worker {
    pub(super) number: usize,
    pub(super) config: Config,
    pub(super) sockets: Arc<Vec<Bound>>,
    /// What each is bound to.
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) ways: Vec<Way>,
    pub(super) commands: Receiver<FromBrain>,
    pub(super) handovers: Receiver<Handover>,
    pub(super) to_brain: Sender<ToBrain>,
    /// How many events all workers have sent to the brain.
    pub(super) told: Arc<AtomicU64>,
    /// Who is banned.
    pub(super) guard: Arc<Guard>,
    pub(super) shared: Arc<Shared>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) transactions: Transactions,
    pub(super) tape: Tape,
}

impl Worker {
    /// For each UDP listener the TCP listener on the same address and port, which its peers know:
    /// long requests leave by it.
    fn streams(&self) -> Vec<Option<(u16, u16)>> {
        let listeners = || self.config.listeners.iter().zip(&self.addresses);
        let beside = |address: &SocketAddr| {
            let tcp = |(_, (one, at)): &(u16, (&Listener, &SocketAddr))| {
                one.transport == Transport::Tcp && *at == address
            };
            let found = (0..).zip(listeners()).find(tcp);
            found.map(|(number, (_, at))| (number, at.port()))
        };
        listeners()
            .map(|(one, at)| (one.transport == Transport::Udp).then(|| beside(at)).flatten())
            .collect()
    }

    /// Works until it is told to stop and everything that was queued has left.
    pub(super) fn run(mut self) -> io::Result<()> {
        self.transactions.set_streams(self.streams());
        let epoll = Arc::new(epoll::create(epoll::CreateFlags::CLOEXEC)?);
        let waker = self.ways.get(self.number).map(|way| way.waker.clone());
        let waker = waker.ok_or(io::ErrorKind::NotFound)?;
        // Each wake is told once, so that its number need not be read.
        let flags = EventFlags::IN | EventFlags::ET;
        epoll::add(&*epoll, waker.fd(), EventData::new_u64(WAKER), flags)?;
        if self.number == 0 {
            for (key, socket) in (0..).zip(self.sockets.iter()) {
                let data = EventData::new_u64(key);
                match socket {
                    Bound::Udp(socket) => epoll::add(&*epoll, socket, data, EventFlags::IN)?,
                    Bound::Tcp(listener) => epoll::add(&*epoll, listener, data, EventFlags::IN)?,
                }
            }
        }
        let streams = Streams::new(Arc::clone(&epoll), &self.config);
        let bound = self.addresses.iter().zip(&self.config.listeners);
        let locals = bound.map(|(bound, one)| Local::new(*bound, one.advertise)).collect();
        let quotas = vec![Quota::default(); self.addresses.len()];
        let (unsent, counts) = (VecDeque::new(), Counts::default());
        let patience = Duration::from_millis(self.config.limits.brain_wait_ms);
        let admission = Admission::new(patience);
        let worker = self;
        Running { worker, epoll, waker, streams, locals, quotas, counts, unsent, admission }.run()
    }

    fn now(&self) -> Mono {
        since(self.config.started)
    }
}

struct Running {
    worker: Worker,
    epoll: Arc<OwnedFd>,
    waker: Waker,
    streams: Streams,
    locals: Vec<Local>,
    quotas: Vec<Quota>,
    counts: Counts,
    /// Reports that found the brain's queue full: all but new INVITEs, which are refused then.
    unsent: VecDeque<ToBrain>,
    admission: Admission,
}

impl Running {
    fn run(mut self) -> io::Result<()> {
        let mut events =
            vec![Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; EVENTS];
        let mut datagram = vec![0; MAX_MESSAGE_BYTES];
        let mut patience = None;
        loop {
            let count = self.sleep(&mut events)?;
            let now = self.worker.now();
            self.streams.begin_turn();
            for event in events.iter().take(count) {
                self.handle_event(*event, &mut datagram, now);
            }
            self.take_commands(now);
            self.worker.transactions.handle_timeout(now);
            self.resume_accepting(now);
            self.streams.sweep(&mut self.counts, now);
            self.drain(now);
            self.worker.tape.answer();
            self.publish();
            if self.worker.stop.load(Ordering::Acquire) && self.has_finished(now, &mut patience) {
                return Ok(());
            }
        }
    }

    /// Whether everything that was queued has left, as far as it will.
    fn has_finished(&self, now: Mono, patience: &mut Option<Mono>) -> bool {
        let until = *patience.get_or_insert(now + LAST_WORDS);
        let idle = self.worker.commands.is_empty() && self.worker.handovers.is_empty();
        idle && (now >= until || !self.streams.has_backlog())
    }

    /// Waits for something to happen, at most until the next deadline.
    fn sleep(&self, events: &mut [Event]) -> io::Result<usize> {
        let now = self.worker.now();
        let timer = self.worker.transactions.poll_timeout().map(|(at, _)| at);
        let next = timer.into_iter().chain(self.streams.next_sweep()).min();
        let mut patience = next.map_or(SLEEP_MAX, |at| at.since(now)).min(SLEEP_MAX);
        let waits = !self.worker.commands.is_empty() || !self.worker.handovers.is_empty();
        if waits {
            patience = Duration::ZERO;
        } else if !self.unsent.is_empty() || self.worker.stop.load(Ordering::Acquire) {
            patience = patience.min(Duration::from_millis(1));
        }
        let timeout = Timespec::try_from(patience).unwrap_or_default();
        match epoll::wait(&*self.epoll, events, Some(&timeout)) {
            Ok(count) => Ok(count),
            Err(rustix::io::Errno::INTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    fn handle_event(&mut self, event: Event, datagram: &mut [u8], now: Mono) {
        let (key, flags) = (event.data.u64(), event.flags);
        if key == WAKER {
            return self.waker.reset();
        }
        if key >= FIRST_CONNECTION {
            return self.streams.handle(key, flags, &mut self.counts, now);
        }
        let sockets = Arc::clone(&self.worker.sockets);
        let number = u16::try_from(key).unwrap_or(u16::MAX);
        match sockets.get(usize::from(number)) {
            Some(Bound::Udp(socket)) => self.read_datagrams(socket, number, datagram, now),
            Some(Bound::Tcp(listener)) => {
                let Some(local) = self.locals.get_mut(usize::from(number)) else { return };
                let (admit, guard) = (&self.worker.config.admit, &self.worker.guard);
                let admit = |source| admit(source) && !guard.is_banned(source, now);
                self.streams.accept((listener, number), local, &admit, &mut self.counts, now);
            }
            None => {}
        }
    }

    /// Tries the listeners again that had no descriptor left for a connection.
    fn resume_accepting(&mut self, now: Mono) {
        for number in self.streams.take_paused(now) {
            if let Some(Bound::Tcp(listener)) = self.worker.sockets.get(usize::from(number)) {
                let data = EventData::new_u64(number.into());
                // Not told again, it would only stay paused.
                let _ = epoll::modify(&*self.epoll, listener, data, EventFlags::IN);
            }
        }
    }

    fn read_datagrams(&mut self, socket: &UdpSocket, number: u16, buffer: &mut [u8], now: Mono) {
        let Some(mut quota) = self.quotas.get(usize::from(number)).copied() else { return };
        let mut read = 0;
        while read < quota.datagrams() {
            // Nothing more, or an ICMP error of an earlier datagram.
            let Ok((count, remote)) = socket.recv_from(buffer) else { break };
            read += 1;
            if !(self.worker.config.admit)(remote.ip().to_canonical()) {
                self.counts.not_admitted += 1;
                continue;
            }
            if self.worker.guard.is_banned(remote.ip(), now) {
                self.counts.banned += 1;
                continue;
            }
            self.counts.received += 1;
            let Some(local) = self.locals.get_mut(usize::from(number)) else { return };
            let local = local.towards(remote.ip());
            let flow =
                Flow { transport: Transport::Udp, local, remote, connection: 0, listener: number };
            let bytes = buffer.get(..count).unwrap_or_default();
            // RFC 5626 §4.4.2: the keep-alive of datagrams, answered at once and never twice.
            if let Some(answer) = stun::answer(bytes, remote) {
                let _ = socket.send_to(answer.as_bytes(), remote);
                continue;
            }
            // RFC 5626 §3.5.1: keep-alives of CRLF alone.
            if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                continue;
            }
            match Message::parse(bytes) {
                Ok(message) => self.assign(message, flow, now),
                Err(_) => {
                    self.counts.malformed += 1;
                    self.worker.guard.note_malformed(remote.ip(), now);
                    self.worker.tape.malformed(&flow, bytes, now);
                }
            }
        }
        quota.adapt(read, now);
        if let Some(kept) = self.quotas.get_mut(usize::from(number)) {
            *kept = quota;
        }
    }

    /// Gives a message to the worker whose transactions it belongs to.
    fn assign(&mut self, message: Message, flow: Flow, now: Mono) {
        let workers = self.worker.ways.len();
        let owner = if workers == 1 {
            0
        } else if message.is_request() {
            usize::from(sip::worker_of(message.call_id(), workers))
        } else {
            worker_of_response(&message).map_or(workers, usize::from)
        };
        if owner == self.worker.number {
            self.handle_message(message, flow, now);
        } else {
            self.hand_over(owner, Handover::Message(message, flow));
        }
    }

    /// What a message leads to is done before the next one: the room in the brain's queue is known,
    /// and an answer does not wait for the rest of the batch.
    fn handle_message(&mut self, message: Message, flow: Flow, now: Mono) {
        self.overload(now);
        self.worker.guard.note_received(&message, flow.remote.ip(), now);
        self.trace(Direction::In, &flow, &message);
        self.worker.transactions.handle_message(message, flow, now);
        self.perform(now);
    }

    /// New INVITEs leave room in the brain's queue for what must not be lost, and they stay out
    /// while others wait there for too long.
    fn overload(&mut self, now: Mono) {
        let queue = &self.worker.to_brain;
        let capacity = queue.capacity().unwrap_or(usize::MAX);
        // A short queue is not all reserve.
        let reserved = self.worker.config.limits.reserved.min(capacity / 2);
        let waiting = queue.len();
        let is_full = capacity.saturating_sub(waiting) <= reserved || !self.unsent.is_empty();
        let told = self.worker.told.load(Ordering::Relaxed);
        let is_late = self.admission.is_overloaded(told, waiting, now);
        self.worker.transactions.set_overloaded(is_full || is_late);
    }

    /// A hand-over that finds no room is like a datagram that was lost.
    fn hand_over(&mut self, to: usize, what: Handover) {
        let Some(way) = self.worker.ways.get(to) else {
            self.counts.malformed += 1;
            return;
        };
        if way.handovers.try_send(what).is_err() {
            self.counts.send_failures += 1;
        }
        way.waker.wake();
    }

    fn take_commands(&mut self, now: Mono) {
        for _ in 0..COMMANDS {
            let Ok(mut command) = self.worker.commands.try_recv() else { break };
            self.hear_first(now);
            match &mut command {
                FromBrain::Request { flow, .. } | FromBrain::Ack { flow, .. } => self.settle(flow),
                FromBrain::Respond { .. } | FromBrain::Cancel { .. } => {}
            }
            self.worker.transactions.handle_command(command, now);
        }
        self.take_handovers(now);
    }

    /// The end of a connection is heard before what the brain asked for after it was told of that:
    /// else it would take along a request that is about to open a connection of its own.
    fn hear_first(&mut self, now: Mono) {
        self.take_handovers(now);
        if !self.streams.events.is_empty() {
            self.drain(now);
        }
    }

    /// Takes what other workers have handed over so far.
    fn take_handovers(&mut self, now: Mono) {
        for _ in 0..self.worker.handovers.len() {
            let Ok(handed) = self.worker.handovers.try_recv() else { break };
            match handed {
                Handover::Message(message, flow) => self.handle_message(message, flow, now),
                Handover::Closed(flow) => {
                    self.worker.transactions.handle_flow_closed(flow, now);
                }
                Handover::NotConnected(flow) => {
                    self.worker.transactions.handle_flow_not_opened(flow, now);
                }
                Handover::Send(flow, message) => self.send_stream(&flow, &message, now),
            }
        }
    }

    fn publish(&mut self) {
        let counted = self.worker.transactions.counts();
        let counts = Counts {
            retransmissions: counted.repeats,
            refused: counted.refused,
            overloaded: self.counts.overloaded + counted.overloaded,
            connections: self.streams.len() as u64,
            transactions: self.worker.transactions.len() as u64,
            bans: if self.worker.number == 0 { self.worker.guard.len() as u64 } else { 0 },
            ..self.counts
        };
        self.worker.shared.write(&counts);
    }
}

fn since(started: Instant) -> Mono {
    Mono(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX))
}

/// An INVITE outside of dialogs.
fn is_new_call(request: &Message) -> bool {
    let outside = request.to().is_none_or(|to| to.tag().is_none());
    request.method() == Method::Invite && outside
}
