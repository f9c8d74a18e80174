//! What stands between the bytes of a connection and the messages in them: TLS or nothing, and a
//! stream (RFC 3261 §18.3) or WebSocket (RFC 7118). Bytes in, bytes out, no socket.

use std::collections::VecDeque;

use model::Transport;
use sip::{Frame, Framer, FramingError, Message};

use super::connection::Broken;
use super::secure::Secure;
use super::tls::Contexts;
use super::trace::MALFORMED_CUT;
use super::websocket::{Origins, Web};

/// The way from bytes to messages and back.
pub(super) struct Channel {
    secure: Option<Box<Secure>>,
    framing: Framing,
    /// The beginning of what could not be followed: decrypted, where it could be.
    fault: Vec<u8>,
}

/// What came out of a connection.
pub(super) enum Came {
    /// A message.
    Message(Message),
    /// The beginning of one that could not be read, though its end was known.
    Malformed(Vec<u8>),
}

impl Came {
    /// Of a message that could not be read.
    pub(super) fn malformed(mut bytes: Vec<u8>) -> Self {
        bytes.truncate(MALFORMED_CUT);
        Self::Malformed(bytes)
    }
}

enum Framing {
    Stream(Framer),
    Web(Box<Web>),
}

impl Framing {
    fn receive(
        &mut self,
        bytes: &[u8],
        replies: &mut Vec<u8>,
        out: &mut dyn FnMut(Came),
    ) -> Result<(), Broken> {
        match self {
            Self::Stream(framer) => {
                framer.feed(bytes);
                loop {
                    match framer.next_frame() {
                        Ok(Some(Frame::Message(message))) => out(Came::Message(message)),
                        Ok(Some(Frame::Malformed(bytes))) => out(Came::malformed(bytes)),
                        // RFC 5626 §4.4.1.
                        Ok(Some(Frame::Ping)) => replies.extend_from_slice(b"\r\n"),
                        Ok(None) => return Ok(()),
                        Err(error) => {
                            if error == FramingError::NoContentLength
                                && let Some(refusal) = framer.refusal()
                            {
                                replies.extend_from_slice(refusal.as_bytes());
                            }
                            return Err(Broken::Refused);
                        }
                    }
                }
            }
            Self::Web(web) => {
                let outcome = web.receive(bytes, out);
                replies.extend(web.take_outgoing());
                outcome
            }
        }
    }
}

impl Channel {
    /// Of a connection that a peer opened. `None` where the transport needs a certificate that is
    /// not there, or is no connection.
    pub(super) fn accepted(
        transport: Transport,
        contexts: Option<&Contexts>,
        origins: &Origins,
        backlog_max: usize,
    ) -> Option<Self> {
        let server = match transport {
            Transport::Udp => return None,
            Transport::Tcp | Transport::Ws => None,
            Transport::Tls => Some(&contexts?.peers),
            Transport::Wss => Some(&contexts?.browsers),
        };
        let secure = match server {
            Some(config) => Some(Box::new(Secure::accept(config, backlog_max)?)),
            None => None,
        };
        let framing = match transport.is_web() {
            true => Framing::Web(Box::new(Web::new(origins.clone()))),
            false => Framing::Stream(Framer::new()),
        };
        Some(Self { secure, framing, fault: Vec::new() })
    }

    /// Of a connection of ours to `host`. `None` for a browser, which nobody can connect to, and
    /// where TLS is not set up or has no name to check.
    pub(super) fn connected(
        transport: Transport,
        contexts: Option<&Contexts>,
        host: Option<&str>,
        backlog_max: usize,
    ) -> Option<Self> {
        let secure = match transport {
            Transport::Udp | Transport::Ws | Transport::Wss => return None,
            Transport::Tcp => None,
            Transport::Tls => Some(Box::new(Secure::connect(contexts?, host?, backlog_max)?)),
        };
        Some(Self { secure, framing: Framing::Stream(Framer::new()), fault: Vec::new() })
    }

    /// Whether messages can pass: TLS and WebSocket have shaken hands.
    pub(super) fn is_open(&self) -> bool {
        let is_upgraded = match &self.framing {
            Framing::Stream(_) => true,
            Framing::Web(web) => web.is_open(),
        };
        is_upgraded && self.secure.as_ref().is_none_or(|secure| secure.is_open())
    }

    /// Whether a message has begun and its rest is missing.
    pub(super) fn holds_part(&self) -> bool {
        match &self.framing {
            Framing::Stream(framer) => framer.holds_part(),
            Framing::Web(web) => web.holds_part(),
        }
    }

    /// The beginning of what could not be followed.
    pub(super) fn take_fault(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.fault)
    }

    /// Takes what came: gives out the messages, and puts behind `wire` what is to be answered, also
    /// where the connection is to be closed then.
    pub(super) fn receive(
        &mut self,
        bytes: &[u8],
        wire: &mut VecDeque<u8>,
        out: &mut dyn FnMut(Came),
    ) -> Result<(), Broken> {
        let Self { secure, framing, fault } = self;
        let mut replies = Vec::new();
        let mut take = |plain: &[u8], out: &mut dyn FnMut(Came)| {
            let taken = framing.receive(plain, &mut replies, out);
            if taken == Err(Broken::Refused) {
                fault.extend_from_slice(plain.get(..MALFORMED_CUT).unwrap_or(plain));
            }
            taken
        };
        let outcome = match secure {
            None => take(bytes, out),
            Some(secure) => secure.receive(bytes, &mut |plain, names| match names {
                None => take(plain, out),
                Some(names) => take(plain, &mut |came| match came {
                    Came::Message(message) => {
                        out(Came::Message(message.with_peer_names(names.clone())));
                    }
                    Came::Malformed(_) => out(came),
                }),
            }),
        };
        if outcome == Err(Broken::Refused) && fault.is_empty() {
            fault.extend_from_slice(bytes.get(..MALFORMED_CUT).unwrap_or(bytes));
        }
        let said = self.put(&replies, wire);
        match outcome.and(said) {
            Err(Broken::Refused) if !self.is_open() => Err(Broken::Unopened),
            other => other,
        }
    }

    /// Puts a message behind `wire`, or keeps it inside until hands are shaken.
    pub(super) fn send(&mut self, message: &[u8], wire: &mut VecDeque<u8>) -> Result<(), Broken> {
        match &mut self.framing {
            Framing::Stream(_) => self.put(message, wire),
            Framing::Web(web) => {
                web.send(message)?;
                let framed = web.take_outgoing();
                self.put(&framed, wire)
            }
        }
    }

    /// Says that nothing more will come.
    pub(super) fn close(&mut self, wire: &mut VecDeque<u8>) {
        let last = match &mut self.framing {
            Framing::Stream(_) => Vec::new(),
            Framing::Web(web) => {
                web.close();
                web.take_outgoing()
            }
        };
        // Whoever does not hear it sees the connection end.
        let _ = self.put(&last, wire);
        if let Some(secure) = &mut self.secure {
            secure.close();
            secure.drain(wire);
        }
    }

    /// What TLS has to say before anything else does: the client speaks first.
    pub(super) fn begin(&mut self, wire: &mut VecDeque<u8>) {
        if let Some(secure) = &mut self.secure {
            secure.drain(wire);
        }
    }

    fn put(&mut self, plain: &[u8], wire: &mut VecDeque<u8>) -> Result<(), Broken> {
        match &mut self.secure {
            None => {
                wire.extend(plain);
                Ok(())
            }
            Some(secure) => {
                let sent = match plain.is_empty() {
                    true => Ok(()),
                    false => secure.send(plain),
                };
                secure.drain(wire);
                sent
            }
        }
    }
}

#[cfg(test)]
mod tests;
