//! TCP: listeners and connections of the one worker that owns them all.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use model::{Mono, Transport};
use rustix::event::epoll::{self, EventData, EventFlags};
use sip::{Flow, Frame, Framer, Message};
use socket2::{Domain, Protocol, Socket, Type};

use super::config::Limits;
use super::counts::Counts;

/// Epoll keys of connections; those below are listeners and the waker.
pub(super) const FIRST_CONNECTION: u64 = 1 << 16;
/// Bytes read from one connection before the next one has its turn.
const READ_BYTES: usize = 16 * 1024;
/// How often connections are looked through for those that rest.
const SWEEP: Duration = Duration::from_millis(1_000);
/// Connections accepted before other work has its turn.
const ACCEPTS: usize = 64;

struct Connection {
    stream: TcpStream,
    flow: Flow,
    framer: Framer,
    /// What the peer has not taken yet.
    backlog: VecDeque<u8>,
    is_connecting: bool,
    last_used: Mono,
    /// Since when a message waits for its rest.
    partial_since: Option<Mono>,
}

/// What streams have to say.
pub(super) enum StreamEvent {
    Message(Message, Flow),
    Closed(Flow),
}

pub(super) struct Streams {
    epoll: Arc<OwnedFd>,
    limits: Limits,
    connections: BTreeMap<u64, Connection>,
    by_remote: BTreeMap<(u16, SocketAddr), u64>,
    by_source: BTreeMap<IpAddr, usize>,
    next: u64,
    next_sweep: Mono,
    pub(super) events: VecDeque<StreamEvent>,
}

impl Streams {
    pub(super) fn new(epoll: Arc<OwnedFd>, limits: Limits) -> Self {
        Self {
            epoll,
            limits,
            connections: BTreeMap::new(),
            by_remote: BTreeMap::new(),
            by_source: BTreeMap::new(),
            next: FIRST_CONNECTION,
            next_sweep: Mono::default(),
            events: VecDeque::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.connections.len()
    }

    pub(super) fn next_sweep(&self) -> Option<Mono> {
        (!self.connections.is_empty()).then_some(self.next_sweep)
    }

    /// Takes what waits at a listener.
    pub(super) fn accept(
        &mut self,
        (listener, number): (&TcpListener, u16),
        admit: &dyn Fn(IpAddr) -> bool,
        counts: &mut Counts,
        now: Mono,
    ) {
        for _ in 0..ACCEPTS {
            let Ok((stream, remote)) = listener.accept() else { return };
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
            let Ok(local) = stream.local_addr() else { continue };
            if stream.set_nonblocking(true).is_ok() {
                // Without it a response waits for an ACK of the packet before.
                let _ = stream.set_nodelay(true);
                self.add(stream, (local, remote, number), false, now);
            }
        }
    }

    fn add(
        &mut self,
        stream: TcpStream,
        (local, remote, listener): (SocketAddr, SocketAddr, u16),
        is_connecting: bool,
        now: Mono,
    ) -> Option<u64> {
        let key = self.next;
        let flags = if is_connecting { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        epoll::add(&*self.epoll, &stream, EventData::new_u64(key), flags).ok()?;
        self.next += 1;
        let flow =
            Flow { transport: Transport::Tcp, local, remote, connection: key, listener };
        self.by_remote.insert((listener, remote), key);
        *self.by_source.entry(remote.ip()).or_default() += 1;
        let connection = Connection {
            stream,
            flow,
            framer: Framer::new(),
            backlog: VecDeque::new(),
            is_connecting,
            last_used: now,
            partial_since: None,
        };
        self.connections.insert(key, connection);
        Some(key)
    }

    /// Sends over the flow's connection; where that is gone, over any to the same peer, or a new
    /// one (RFC 3261 §18.2.2, RFC 5626 §5.3). False if it cannot be sent.
    pub(super) fn send(&mut self, flow: &Flow, bytes: &[u8], now: Mono) -> bool {
        let known = self.connections.contains_key(&flow.connection).then_some(flow.connection);
        let key = known
            .or_else(|| self.by_remote.get(&(flow.listener, flow.remote)).copied())
            .or_else(|| self.connect(flow, now));
        let Some(key) = key else { return false };
        let Some(connection) = self.connections.get_mut(&key) else { return false };
        connection.last_used = now;
        if connection.backlog.len() + bytes.len() > self.limits.connection_backlog_bytes {
            self.close(key);
            return false;
        }
        connection.backlog.extend(bytes);
        self.flush(key)
    }

    fn connect(&mut self, flow: &Flow, now: Mono) -> Option<u64> {
        if self.connections.len() >= self.limits.connections {
            return None;
        }
        let socket =
            Socket::new(Domain::for_address(flow.remote), Type::STREAM, Some(Protocol::TCP)).ok()?;
        socket.set_nonblocking(true).ok()?;
        let _ = socket.set_tcp_nodelay(true);
        match socket.connect(&flow.remote.into()) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            Err(_) => return None,
        }
        let stream = TcpStream::from(socket);
        self.add(stream, (flow.local, flow.remote, flow.listener), true, now)
    }

    /// Writes what the peer takes; asks to be told when it takes more.
    fn flush(&mut self, key: u64) -> bool {
        let Some(connection) = self.connections.get_mut(&key) else { return false };
        if connection.is_connecting {
            return true;
        }
        loop {
            let (first, _) = connection.backlog.as_slices();
            if first.is_empty() {
                break;
            }
            match connection.stream.write(first) {
                Ok(0) => break,
                Ok(count) => drop(connection.backlog.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.close(key);
                    return false;
                }
            }
        }
        let waits = !connection.backlog.is_empty();
        let flags = if waits { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        let modified =
            epoll::modify(&*self.epoll, &connection.stream, EventData::new_u64(key), flags);
        if modified.is_err() {
            self.close(key);
            return false;
        }
        true
    }

    /// Something happened on a connection.
    pub(super) fn handle(&mut self, key: u64, flags: EventFlags, counts: &mut Counts, now: Mono) {
        if flags.intersects(EventFlags::OUT | EventFlags::ERR | EventFlags::HUP) {
            let Some(connection) = self.connections.get_mut(&key) else { return };
            if connection.is_connecting {
                if !matches!(connection.stream.take_error(), Ok(None)) {
                    return self.close(key);
                }
                connection.is_connecting = false;
            }
            if !self.flush(key) {
                return;
            }
        }
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::RDHUP) {
            self.read(key, counts, now);
        }
    }

    fn read(&mut self, key: u64, counts: &mut Counts, now: Mono) {
        let mut buffer = [0; READ_BYTES];
        let Some(connection) = self.connections.get_mut(&key) else { return };
        let count = match connection.stream.read(&mut buffer) {
            Ok(0) => return self.close(key),
            Ok(count) => count,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                return;
            }
            Err(_) => return self.close(key),
        };
        connection.last_used = now;
        connection.framer.feed(buffer.get(..count).unwrap_or_default());
        loop {
            match connection.framer.next_frame() {
                Ok(Some(Frame::Message(message))) => {
                    counts.received += 1;
                    self.events.push_back(StreamEvent::Message(message, connection.flow));
                }
                Ok(Some(Frame::Ping)) => connection.backlog.extend(b"\r\n"),
                Ok(None) => break,
                Err(_) => {
                    counts.malformed += 1;
                    counts.connections_closed += 1;
                    return self.close(key);
                }
            }
        }
        connection.partial_since = match connection.framer.pending() {
            0 => None,
            _ => connection.partial_since.or(Some(now)),
        };
        if !connection.backlog.is_empty() {
            self.flush(key);
        }
    }

    /// Closes connections that rest for too long or hold back the rest of a message.
    pub(super) fn sweep(&mut self, counts: &mut Counts, now: Mono) {
        if now < self.next_sweep {
            return;
        }
        self.next_sweep = now + SWEEP;
        let limits = &self.limits;
        let stale = |connection: &Connection| {
            let rests = now.ms_since(connection.last_used) >= limits.connection_idle_ms;
            let partial = connection.partial_since;
            rests || partial.is_some_and(|at| now.ms_since(at) >= limits.connection_partial_ms)
        };
        let stale: Vec<u64> = self
            .connections
            .iter()
            .filter(|(_, connection)| stale(connection))
            .map(|(key, _)| *key)
            .collect();
        for key in stale {
            counts.connections_closed += 1;
            self.close(key);
        }
    }

    fn close(&mut self, key: u64) {
        let Some(connection) = self.connections.remove(&key) else { return };
        // The descriptor goes with the stream; the kernel forgets it then anyway.
        let _ = epoll::delete(&*self.epoll, &connection.stream);
        let flow = connection.flow;
        let place = (flow.listener, flow.remote);
        if self.by_remote.get(&place) == Some(&key) {
            self.by_remote.remove(&place);
        }
        if let Some(count) = self.by_source.get_mut(&flow.remote.ip()) {
            *count -= 1;
            if *count == 0 {
                self.by_source.remove(&flow.remote.ip());
            }
        }
        self.events.push_back(StreamEvent::Closed(flow));
    }
}
