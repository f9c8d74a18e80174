//! Connections (TCP, TLS, WebSocket) and their listeners, with the one worker that owns them all.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use model::Mono;
use rustix::event::epoll::{self, EventData, EventFlags};
use sip::{Flow, Message};
use socket2::{Domain, Protocol, Socket, Type};

use super::channel::{Came, Channel};
use super::config::{Config, Limits, Listener};
use super::connection::{Broken, Connection, READ_BYTES};
use super::counts::Counts;
use super::local::Local;
use super::tls::Tls;
use super::websocket::Origins;

/// Epoll keys of connections; those below are listeners and the waker.
pub(super) const FIRST_CONNECTION: u64 = 1 << 16;
/// How often connections are looked through for those that rest.
const SWEEP: Duration = Duration::from_millis(1_000);
/// Connections accepted before other work has its turn.
const ACCEPTS: usize = 64;
/// Steps of TLS handshakes taken before other work has its turn: each may cost a millisecond, in
/// which no datagram is read.
const HANDSHAKES: usize = 8;

/// What streams have to say.
pub(super) enum StreamEvent {
    Message(Message, Flow),
    /// The beginning of what was read last from a connection that cannot be followed.
    Malformed(Vec<u8>, Flow),
    /// The beginning of what was read from a connection on which hands could not be shaken.
    Unopened(Vec<u8>, Flow),
    Closed(Flow),
    /// One of ours that never was open.
    NotConnected(Flow),
}

/// Where a connection leads: listener, peer, and the name, in lower case, that a server that we
/// connected to over TLS has to prove; none for all others.
type Place = (u16, SocketAddr, Option<String>);

/// Why a message could not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsent {
    /// There is no connection, and none can be opened.
    NotConnected,
    /// The connection is broken: that is told as an event.
    Closed,
}

pub(super) struct Streams {
    epoll: Arc<OwnedFd>,
    limits: Limits,
    listeners: Vec<Listener>,
    tls: Option<Tls>,
    origins: Origins,
    connections: BTreeMap<u64, Connection>,
    /// One for each name that servers at one address have proved to us.
    by_remote: BTreeMap<Place, u64>,
    by_source: BTreeMap<IpAddr, usize>,
    next: u64,
    next_sweep: Mono,
    /// Listeners whose connections cannot be accepted now: descriptors are used up.
    paused: Vec<u16>,
    buffer: Vec<u8>,
    /// How many steps of handshakes may still be taken in this turn.
    handshakes: usize,
    pub(super) events: VecDeque<StreamEvent>,
}

impl Streams {
    pub(super) fn new(epoll: Arc<OwnedFd>, config: &Config) -> Self {
        Self {
            epoll,
            limits: config.limits.clone(),
            listeners: config.listeners.clone(),
            tls: config.tls.clone(),
            origins: config.ws_origins.clone(),
            connections: BTreeMap::new(),
            by_remote: BTreeMap::new(),
            by_source: BTreeMap::new(),
            next: FIRST_CONNECTION,
            next_sweep: Mono::default(),
            paused: Vec::new(),
            buffer: vec![0; READ_BYTES],
            handshakes: HANDSHAKES,
            events: VecDeque::new(),
        }
    }

    /// The next turn of the worker begins.
    pub(super) fn begin_turn(&mut self) {
        self.handshakes = HANDSHAKES;
    }

    pub(super) fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether some peer has not taken everything yet.
    pub(super) fn has_backlog(&self) -> bool {
        self.connections.values().any(Connection::has_backlog)
    }

    pub(super) fn next_sweep(&self) -> Option<Mono> {
        let waits = !self.connections.is_empty() || !self.paused.is_empty();
        waits.then_some(self.next_sweep)
    }

    /// Takes what waits at a listener.
    pub(super) fn accept(
        &mut self,
        (listener, number): (&TcpListener, u16),
        local: &mut Local,
        admit: &dyn Fn(IpAddr) -> bool,
        counts: &mut Counts,
        now: Mono,
    ) {
        let Some(transport) = self.listeners.get(usize::from(number)).map(|one| one.transport)
        else {
            return;
        };
        let contexts = self.tls.as_ref().map(Tls::contexts);
        for _ in 0..ACCEPTS {
            let (stream, remote) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) => {
                    if is_exhausted(&error) {
                        // Epoll would tell of the same connection without end.
                        self.pause(listener, number, now);
                    }
                    return;
                }
            };
            if !admit(remote.ip().to_canonical()) {
                counts.not_admitted += 1;
                continue;
            }
            let of_source = self.by_source.get(&remote.ip()).copied().unwrap_or(0);
            let full = self.connections.len() >= self.limits.connections
                || of_source >= self.limits.connections_per_source;
            if full {
                counts.connections_closed += 1;
                continue;
            }
            let local = local.towards(remote.ip());
            let flow = Flow { transport, local, remote, connection: 0, listener: number };
            let max = self.limits.connection_backlog_bytes;
            let channel = Channel::accepted(transport, contexts.as_deref(), &self.origins, max);
            if let (Ok(()), Some(channel)) = (stream.set_nonblocking(true), channel) {
                // Without it a response waits for an ACK of the packet before.
                let _ = stream.set_nodelay(true);
                self.add(stream, flow, (channel, false, None), now);
            }
        }
    }

    fn pause(&mut self, listener: &TcpListener, number: u16, now: Mono) {
        let data = EventData::new_u64(number.into());
        if epoll::modify(&*self.epoll, listener, data, EventFlags::empty()).is_ok() {
            self.paused.push(number);
            self.next_sweep = now + SWEEP;
        }
    }

    /// Listeners that may be tried again.
    pub(super) fn take_paused(&mut self, now: Mono) -> Vec<u16> {
        match now >= self.next_sweep {
            true => std::mem::take(&mut self.paused),
            false => Vec::new(),
        }
    }

    fn add(
        &mut self,
        stream: TcpStream,
        flow: Flow,
        (channel, is_ours, proves): (Channel, bool, Option<String>),
        now: Mono,
    ) -> Option<u64> {
        let key = self.next;
        let Flow { remote, listener, .. } = flow;
        let flow = Flow { connection: key, ..flow };
        let mut connection = Connection::new(stream, flow, (channel, is_ours), &self.limits, now);
        connection.proves = proves;
        let (data, flags) = (EventData::new_u64(key), connection.wanted());
        epoll::add(&*self.epoll, &connection.stream, data, flags).ok()?;
        self.next += 1;
        self.by_remote.insert((listener, remote, connection.proves.clone()), key);
        *self.by_source.entry(remote.ip()).or_default() += 1;
        self.connections.insert(key, connection);
        Some(key)
    }

    /// Sends over the flow's connection; where that is gone, over any to the same peer, or a new
    /// one (RFC 3261 §18.2.2, RFC 5626 §5.3).
    pub(super) fn send(&mut self, flow: &Flow, message: &Message, now: Mono) -> Result<(), Unsent> {
        let key = match self.connections.contains_key(&flow.connection) {
            true => Some(flow.connection),
            false => self.key_to(flow, message, now),
        };
        let Some((key, connection)) =
            key.and_then(|key| Some((key, self.connections.get_mut(&key)?)))
        else {
            return Err(Unsent::NotConnected);
        };
        let sent = connection.send(message.as_bytes(), now);
        if self.settle(key, sent) { Ok(()) } else { Err(Unsent::Closed) }
    }

    /// The connection to a peer that there is none to by number.
    fn key_to(&mut self, flow: &Flow, message: &Message, now: Mono) -> Option<u64> {
        let flow = Flow { remote: reopened(flow, message), ..*flow };
        if !flow.transport.is_encrypted() {
            return self.open_to(&flow, None).or_else(|| self.connect(&flow, None, now));
        }
        let host = host_of(message)?.to_ascii_lowercase();
        self.open_to(&flow, Some(&host)).or_else(|| self.connect(&flow, Some(&host), now))
    }

    /// A connection that is there already and whose peer is known to be `host`.
    fn open_to(&self, flow: &Flow, host: Option<&str>) -> Option<u64> {
        let place = (flow.listener, flow.remote, host.map(str::to_owned));
        self.by_remote.get(&place).copied()
    }

    fn connect(&mut self, flow: &Flow, host: Option<&str>, now: Mono) -> Option<u64> {
        if self.connections.len() >= self.limits.connections {
            return None;
        }
        let contexts = self.tls.as_ref().map(Tls::contexts);
        let max = self.limits.connection_backlog_bytes;
        let channel = Channel::connected(flow.transport, contexts.as_deref(), host, max)?;
        let domain = Domain::for_address(flow.remote);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP)).ok()?;
        socket.set_nonblocking(true).ok()?;
        let _ = socket.set_tcp_nodelay(true);
        match socket.connect(&flow.remote.into()) {
            Ok(()) => {}
            Err(error) => {
                let in_progress = rustix::io::Errno::INPROGRESS.raw_os_error();
                if error.raw_os_error() != Some(in_progress) {
                    return None;
                }
            }
        }
        let stream = TcpStream::from(socket);
        self.add(stream, *flow, (channel, true, host.map(str::to_owned)), now)
    }

    /// Something happened on a connection.
    pub(super) fn handle(&mut self, key: u64, flags: EventFlags, counts: &mut Counts, now: Mono) {
        let Some(connection) = self.connections.get_mut(&key) else { return };
        if connection.is_shaking_hands() {
            // Epoll tells of it again, behind what else is ready.
            let Some(left) = self.handshakes.checked_sub(1) else { return };
            self.handshakes = left;
        }
        let mut outcome = Ok(());
        if flags.intersects(EventFlags::OUT | EventFlags::ERR | EventFlags::HUP) {
            outcome = connection.finish_connecting();
        }
        if outcome.is_ok() && flags.intersects(EventFlags::IN | EventFlags::HUP) {
            let events = &mut self.events;
            outcome = connection.read(&mut self.buffer, now, |came, flow| match came {
                Came::Message(message) => {
                    counts.received += 1;
                    events.push_back(StreamEvent::Message(message, flow));
                }
                Came::Malformed(cut) => {
                    counts.malformed += 1;
                    events.push_back(StreamEvent::Malformed(cut, flow));
                }
            });
        }
        let event = match outcome {
            Err(Broken::Refused) => {
                Some(StreamEvent::Malformed(connection.take_fault(), connection.flow))
            }
            Err(Broken::Unopened) if connection.was_accepted() => {
                Some(StreamEvent::Unopened(connection.take_fault(), connection.flow))
            }
            Ok(()) | Err(Broken::Ended | Broken::Unopened) => None,
        };
        counts.malformed += u64::from(event.is_some());
        counts.connections_closed += u64::from(event.is_some());
        self.events.extend(event);
        self.settle(key, outcome);
    }

    /// Closes what is broken; tells epoll what the connection waits for now.
    fn settle(&mut self, key: u64, outcome: Result<(), Broken>) -> bool {
        let Some(connection) = self.connections.get_mut(&key) else { return false };
        let told = match connection.changed() {
            Some(flags) => {
                let data = EventData::new_u64(key);
                epoll::modify(&*self.epoll, &connection.stream, data, flags).is_ok()
            }
            None => true,
        };
        let lives = outcome.is_ok() && told;
        if !lives {
            self.close(key);
        }
        lives
    }

    /// Closes connections that rest for too long or hold back the rest of a message.
    pub(super) fn sweep(&mut self, counts: &mut Counts, now: Mono) {
        if now < self.next_sweep {
            return;
        }
        self.next_sweep = now + SWEEP;
        let limits = &self.limits;
        let pinged = self.connections.iter_mut();
        let broken = pinged
            .filter_map(|(key, connection)| connection.ping(limits, now).is_err().then_some(*key));
        for key in broken.collect::<Vec<u64>>() {
            self.close(key);
        }
        let limits = &self.limits;
        let connections = self.connections.iter();
        let stale = connections.filter(|(_, connection)| connection.is_stale(limits, now));
        let stale: Vec<u64> = stale.map(|(key, _)| *key).collect();
        for key in stale {
            counts.connections_closed += 1;
            if let Some(connection) = self.connections.get_mut(&key) {
                connection.say_goodbye();
            }
            self.close(key);
        }
    }

    fn close(&mut self, key: u64) {
        let Some(connection) = self.connections.remove(&key) else { return };
        // The descriptor goes with the stream; the kernel forgets it then anyway.
        let _ = epoll::delete(&*self.epoll, &connection.stream);
        let flow = connection.flow;
        let place = (flow.listener, flow.remote, connection.proves.clone());
        if self.by_remote.get(&place) == Some(&key) {
            self.by_remote.remove(&place);
        }
        if let Some(count) = self.by_source.get_mut(&flow.remote.ip()) {
            *count -= 1;
            if *count == 0 {
                self.by_source.remove(&flow.remote.ip());
            }
        }
        self.events.push_back(match connection.was_connected() {
            true => StreamEvent::Closed(flow),
            false => StreamEvent::NotConnected(flow),
        });
    }
}

/// Where a message goes whose connection is gone: a request to the same peer, a response to the
/// port that its Via names (RFC 3261 §18.2.2), for the peer's own port was the connection's alone.
fn reopened(flow: &Flow, message: &Message) -> SocketAddr {
    match message.top_via() {
        Some(via) if !message.is_request() => {
            let usual = if flow.transport.is_encrypted() { 5061 } else { 5060 };
            SocketAddr::new(flow.remote.ip(), via.port().unwrap_or(usual))
        }
        Some(_) | None => flow.remote,
    }
}

/// The name that a server must prove to be sent this (RFC 5922 §7.3): where a request goes next, or
/// where the Via of a response says.
fn host_of(message: &Message) -> Option<&str> {
    match message.is_request() {
        true => message.next_hop_host(),
        false => message.top_via().map(|via| via.host()),
    }
}

/// Whether there is no descriptor or no memory left for one more connection.
fn is_exhausted(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    exhausted.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
