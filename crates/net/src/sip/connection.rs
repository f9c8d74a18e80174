//! One connection: what it has read of a message, and what its peer has not taken yet.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use model::Mono;
use rustix::event::epoll::EventFlags;
use sip::Flow;

use super::channel::{Came, Channel};
use super::config::Limits;

/// Bytes read from one connection before the next one has its turn.
pub(super) const READ_BYTES: usize = 16 * 1024;

/// A keep-alive.
const PING: &[u8] = b"\r\n\r\n";

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// The peer closed it, or it failed.
    Ended,
    /// It broke a limit or the framing.
    Refused,
    /// Hands could not be shaken: no TLS, no WebSocket, or not as we want it.
    Unopened,
}

/// One connection.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) flow: Flow,
    pub(super) is_connecting: bool,
    /// Whether we opened it.
    is_ours: bool,
    /// The name that the server has to prove, where we connected to it over TLS.
    pub(super) proves: Option<String>,
    channel: Channel,
    opened: Mono,
    backlog: VecDeque<u8>,
    backlog_max: usize,
    last_used: Mono,
    last_pinged: Mono,
    /// Since when a message waits for its rest.
    partial_since: Option<Mono>,
    /// What epoll was asked for.
    asked: EventFlags,
}

impl Connection {
    pub(super) fn new(
        stream: TcpStream,
        flow: Flow,
        (channel, is_connecting): (Channel, bool),
        limits: &Limits,
        now: Mono,
    ) -> Self {
        let mut connection = Self {
            stream,
            flow,
            is_connecting,
            is_ours: is_connecting,
            proves: None,
            channel,
            opened: now,
            backlog: VecDeque::new(),
            backlog_max: limits.connection_backlog_bytes,
            last_used: now,
            last_pinged: now,
            partial_since: None,
            asked: EventFlags::empty(),
        };
        connection.channel.begin(&mut connection.backlog);
        connection.asked = connection.wanted();
        connection
    }

    /// What epoll shall tell.
    pub(super) fn wanted(&self) -> EventFlags {
        match self.is_connecting || !self.backlog.is_empty() {
            true => EventFlags::IN | EventFlags::OUT,
            false => EventFlags::IN,
        }
    }

    /// What epoll shall be asked for now, where that has changed.
    pub(super) fn changed(&mut self) -> Option<EventFlags> {
        let wanted = self.wanted();
        (std::mem::replace(&mut self.asked, wanted) != wanted).then_some(wanted)
    }

    /// Whether the peer has not taken everything yet.
    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Sends a message, now or when the peer takes it.
    pub(super) fn send(&mut self, message: &[u8], now: Mono) -> Result<(), Broken> {
        self.last_used = now;
        if self.backlog.len() + message.len() > self.backlog_max {
            return Err(Broken::Refused);
        }
        self.channel.send(message, &mut self.backlog)?;
        self.flush()
    }

    /// Says that we are still there, where nothing else has said so for a while (RFC 5626 §4.4.1).
    /// That it leaves is no use of the connection: one that only rests ends all the same.
    pub(super) fn ping(&mut self, limits: &Limits, now: Mono) -> Result<(), Broken> {
        let since = self.last_used.max(self.last_pinged);
        let is_resting = self.is_ours && !self.is_connecting && self.channel.is_open();
        if !is_resting || now.ms_since(since) < limits.connection_ping_ms {
            return Ok(());
        }
        self.last_pinged = now;
        self.channel.send(PING, &mut self.backlog)?;
        self.flush()
    }

    /// Says goodbye, if the peer takes it at once.
    pub(super) fn say_goodbye(&mut self) {
        self.channel.close(&mut self.backlog);
        // The connection is closed in any case.
        let _ = self.flush();
    }

    /// The beginning of what could not be followed.
    pub(super) fn take_fault(&mut self) -> Vec<u8> {
        self.channel.take_fault()
    }

    /// Writes what the peer takes.
    pub(super) fn flush(&mut self) -> Result<(), Broken> {
        while !self.is_connecting {
            let (first, _) = self.backlog.as_slices();
            if first.is_empty() {
                break;
            }
            match self.stream.write(first) {
                Ok(0) => break,
                Ok(count) => drop(self.backlog.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Broken::Ended),
            }
        }
        Ok(())
    }

    /// The connection is open, or could not be opened.
    pub(super) fn finish_connecting(&mut self) -> Result<(), Broken> {
        if self.is_connecting {
            if !matches!(self.stream.take_error(), Ok(None)) {
                return Err(Broken::Ended);
            }
            self.is_connecting = false;
        }
        self.flush()
    }

    /// Reads what has come, at most `buffer` of it, and gives out the messages.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        now: Mono,
        mut out: impl FnMut(Came, Flow),
    ) -> Result<(), Broken> {
        let count = match self.stream.read(buffer) {
            Ok(0) => return Err(Broken::Ended),
            Ok(count) => count,
            Err(error) => {
                return match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(()),
                    _ => Err(Broken::Ended),
                };
            }
        };
        self.last_used = now;
        let (mut is_whole, flow) = (false, self.flow);
        let bytes = buffer.get(..count).unwrap_or_default();
        let outcome = self.channel.receive(bytes, &mut self.backlog, &mut |came| {
            is_whole = true;
            out(came, flow);
        });
        // What refuses the peer leaves before the connection is closed.
        let flushed = self.flush();
        outcome.and(flushed)?;
        if self.backlog.len() > self.backlog_max {
            return Err(Broken::Refused);
        }
        // The time runs for each message anew.
        self.partial_since = match (self.channel.holds_part(), self.partial_since) {
            (false, _) => None,
            (true, Some(since)) if !is_whole => Some(since),
            (true, _) => Some(now),
        };
        Ok(())
    }

    /// Whether the peer has taken the connection at all.
    pub(super) const fn was_connected(&self) -> bool {
        !self.is_connecting
    }

    /// Whether it was the peer who wanted it.
    pub(super) const fn was_accepted(&self) -> bool {
        !self.is_ours
    }

    /// Whether what comes next may cost as much as keys do.
    pub(super) fn is_shaking_hands(&self) -> bool {
        self.flow.transport.is_encrypted() && !self.channel.is_open()
    }

    /// Whether it takes too long to open, rests for too long or holds back the rest of a message.
    pub(super) fn is_stale(&self, limits: &Limits, now: Mono) -> bool {
        let is_open = !self.is_connecting && self.channel.is_open();
        (!is_open && now.ms_since(self.opened) >= limits.connection_open_ms)
            || now.ms_since(self.last_used) >= limits.connection_idle_ms
            || self
                .partial_since
                .is_some_and(|since| now.ms_since(since) >= limits.connection_partial_ms)
    }
}
