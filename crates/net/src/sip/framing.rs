//! A connection's bytes and messages without its socket, for those who have the bytes from
//! elsewhere: fuzz targets, tests, whoever reads a capture.

use std::collections::VecDeque;

use model::Transport;
use sip::Message;

use super::channel::{Came, Channel};
use super::tls::Tls;
use super::websocket::Origins;

/// The most bytes that wait inside until hands are shaken.
const BACKLOG_BYTES_MAX: usize = 1 << 20;

/// One side of a connection as the SIP workers have it: TLS or nothing, and in it a stream
/// (RFC 3261 §18.3) or WebSocket (RFC 7118, where ours is always the server).
pub struct Framing(Channel);

/// The connection is over: the peer has ended it, or broke the framing or a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

impl Framing {
    /// The side that was connected to. `None` over UDP, and over TLS without certificates.
    pub fn accepted(transport: Transport, tls: Option<&Tls>) -> Option<Self> {
        let contexts = tls.map(Tls::contexts);
        let origins = Origins::default();
        Channel::accepted(transport, contexts.as_deref(), &origins, BACKLOG_BYTES_MAX).map(Self)
    }

    /// The side that connects to a server which must prove the name `host`. `None` as above, and
    /// over WebSocket, where only browsers connect.
    pub fn connected(transport: Transport, tls: Option<&Tls>, host: &str) -> Option<Self> {
        let contexts = tls.map(Tls::contexts);
        let contexts = contexts.as_deref();
        Channel::connected(transport, contexts, Some(host), BACKLOG_BYTES_MAX).map(Self)
    }

    /// Whether messages can pass: hands are shaken.
    pub fn is_open(&self) -> bool {
        self.0.is_open()
    }

    /// Puts what is to be said first behind `wire`.
    pub fn begin(&mut self, wire: &mut VecDeque<u8>) {
        self.0.begin(wire);
    }

    /// Takes what came, gives its messages to `out`, and puts what is to be answered behind `wire`.
    ///
    /// # Errors
    /// The connection is over.
    pub fn receive(
        &mut self,
        bytes: &[u8],
        wire: &mut VecDeque<u8>,
        out: &mut dyn FnMut(Message),
    ) -> Result<(), Broken> {
        let taken = self.0.receive(bytes, wire, &mut |came| match came {
            Came::Message(message) => out(message),
            // Its end was known: what follows is read all the same.
            Came::Malformed(_) => {}
        });
        taken.map_err(|_| Broken)
    }

    /// Puts a message behind `wire`, or keeps it until hands are shaken.
    ///
    /// # Errors
    /// The connection is over, or too much waits.
    pub fn send(&mut self, message: &[u8], wire: &mut VecDeque<u8>) -> Result<(), Broken> {
        self.0.send(message, wire).map_err(|_| Broken)
    }
}
