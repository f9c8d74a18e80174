//! SIP over WebSocket (RFC 7118): the upgrade, and one SIP message a WebSocket message. Bytes in,
//! bytes out, no socket; we are always the server.
//!
//! ```text
//! Upgrading ──GET with Upgrade and the subprotocol sip──▶ Open ──Close──▶ end
//!     └──anything else: 4xx──▶ end
//! ```

use std::io::{self, Read, Write};
use std::sync::Arc;

use sip::{MAX_MESSAGE_BYTES, Message};
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

use super::channel::Came;
use super::connection::Broken;

/// The most bytes of the request that asks for the upgrade.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// The most headers of it.
const HEADERS_MAX: usize = 64;
/// What tungstenite reads at once from what is in memory already.
const READ_BYTES: usize = 2 * 1024;
/// Bytes that may wait inside for one answer.
const WRITE_BYTES_MAX: usize = 2 * MAX_MESSAGE_BYTES;
/// The subprotocol (RFC 7118 §4).
const SUBPROTOCOL: &str = "sip";
/// A keep-alive and its answer (RFC 5626 §4.4.1, RFC 7118 §6).
const PING: &[u8] = b"\r\n\r\n";
const PONG: &str = "\r\n";

/// Whose pages may connect; empty for all.
pub(super) type Origins = Arc<[String]>;

/// One WebSocket.
pub(super) struct Web {
    state: State,
    pipe: Pipe,
    origins: Origins,
    /// Whether a message has begun and its rest is missing, as far as that can be seen.
    holds_part: bool,
}

enum State {
    Upgrading { head: Vec<u8> },
    Open(Box<WebSocketContext>),
}

/// What tungstenite reads from and writes to.
#[derive(Default)]
struct Pipe {
    incoming: Vec<u8>,
    read: usize,
    outgoing: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let waiting = self.incoming.get(self.read..).unwrap_or_default();
        if waiting.is_empty() {
            // None is an end.
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = waiting.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(waiting) {
            *to = *from;
        }
        self.read += count;
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Web {
    pub(super) fn new(origins: Origins) -> Self {
        let state = State::Upgrading { head: Vec::new() };
        Self { state, pipe: Pipe::default(), origins, holds_part: false }
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    pub(super) const fn holds_part(&self) -> bool {
        self.holds_part
    }

    /// Takes what came and gives out the messages.
    pub(super) fn receive(
        &mut self,
        bytes: &[u8],
        out: &mut dyn FnMut(Came),
    ) -> Result<(), Broken> {
        let rest = match &mut self.state {
            State::Upgrading { head } => {
                let room = HEAD_BYTES_MAX.saturating_sub(head.len());
                head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                let beyond = bytes.get(room..).unwrap_or_default().to_vec();
                let Some(end) = end_of_head(head) else {
                    return match head.len() {
                        HEAD_BYTES_MAX.. => self.refuse("431 Request Header Fields Too Large"),
                        _ => Ok(()),
                    };
                };
                let mut rest = head.split_off(end);
                rest.extend(beyond);
                match upgrade(head, &self.origins) {
                    Ok(accept) => self.open(&accept),
                    Err(refusal) => return self.refuse(refusal),
                }
                rest
            }
            State::Open(_) => bytes.to_vec(),
        };
        self.pipe.incoming = rest;
        self.pipe.read = 0;
        self.read(out)
    }

    fn open(&mut self, accept: &str) {
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        );
        self.pipe.outgoing.extend_from_slice(answer.as_bytes());
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BYTES_MAX)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        self.state = State::Open(Box::new(WebSocketContext::new(Role::Server, Some(config))));
    }

    fn refuse(&mut self, status: &str) -> Result<(), Broken> {
        let answer = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\
             Sec-WebSocket-Version: 13\r\n\r\n"
        );
        self.pipe.outgoing.extend_from_slice(answer.as_bytes());
        Err(Broken::Refused)
    }

    fn read(&mut self, out: &mut dyn FnMut(Came)) -> Result<(), Broken> {
        let State::Open(socket) = &mut self.state else { return Ok(()) };
        self.holds_part = !self.pipe.incoming.is_empty();
        loop {
            let frame = match socket.read(&mut self.pipe) {
                Ok(frame) => frame,
                Err(error) => match error {
                    tungstenite::Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        return Ok(());
                    }
                    tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => {
                        return Err(Broken::Ended);
                    }
                    _ => return Err(Broken::Refused),
                },
            };
            self.holds_part = false;
            let bytes = match &frame {
                tungstenite::Message::Text(text) => text.as_bytes(),
                tungstenite::Message::Binary(bytes) => bytes,
                // Pongs and the answer to Close are tungstenite's.
                tungstenite::Message::Ping(_)
                | tungstenite::Message::Pong(_)
                | tungstenite::Message::Close(_)
                | tungstenite::Message::Frame(_) => {
                    socket.flush(&mut self.pipe).map_err(|_| Broken::Ended)?;
                    continue;
                }
            };
            if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
                if bytes == PING {
                    let pong = tungstenite::Message::text(PONG);
                    socket.write(&mut self.pipe, pong).map_err(|_| Broken::Ended)?;
                }
                continue;
            }
            out(match Message::parse(bytes) {
                Ok(message) => Came::Message(message),
                Err(_) => Came::malformed(bytes.to_vec()),
            });
        }
    }

    /// Puts a message into a frame: a text where it is one (RFC 7118 §5).
    pub(super) fn send(&mut self, message: &[u8]) -> Result<(), Broken> {
        let State::Open(socket) = &mut self.state else { return Err(Broken::Refused) };
        let frame = match std::str::from_utf8(message) {
            Ok(text) => tungstenite::Message::text(text),
            Err(_) => tungstenite::Message::binary(message.to_vec()),
        };
        let sent = socket.write(&mut self.pipe, frame).and_then(|()| socket.flush(&mut self.pipe));
        sent.map_err(|_| Broken::Ended)
    }

    /// What is to leave.
    pub(super) fn take_outgoing(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pipe.outgoing)
    }

    /// Says that nothing more will come.
    pub(super) fn close(&mut self) {
        if let State::Open(socket) = &mut self.state {
            // One that is closed already has nothing to say.
            let _ = socket.close(&mut self.pipe, None);
        }
    }
}

/// Just behind the empty line.
fn end_of_head(head: &[u8]) -> Option<usize> {
    head.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// The answer's Sec-WebSocket-Accept (RFC 6455 §4.2, RFC 7118 §4), or the status that refuses.
fn upgrade(head: &[u8], origins: &Origins) -> Result<String, &'static str> {
    const BAD: &str = "400 Bad Request";
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    if !matches!(request.parse(head), Ok(httparse::Status::Complete(_))) {
        return Err(BAD);
    }
    if request.method != Some("GET") {
        return Err("405 Method Not Allowed");
    }
    let values = |name: &'static str| {
        let named = request.headers.iter().filter(move |one| one.name.eq_ignore_ascii_case(name));
        named.filter_map(|one| std::str::from_utf8(one.value).ok())
    };
    let lists = |name: &'static str, wanted: &str| {
        let mut words = values(name).flat_map(|value| value.split(',')).map(str::trim);
        words.any(|word| word.eq_ignore_ascii_case(wanted))
    };
    if !lists("Upgrade", "websocket") || !lists("Connection", "upgrade") {
        return Err("426 Upgrade Required");
    }
    if values("Sec-WebSocket-Version").next().map(str::trim) != Some("13") {
        return Err("426 Upgrade Required");
    }
    let mut origin = values("Origin").map(str::trim);
    let is_allowed = |origin: &str| origins.iter().any(|known| known.eq_ignore_ascii_case(origin));
    // Only browsers say where they come from, and only they can be used against their people.
    if !origins.is_empty() && !origin.all(is_allowed) {
        return Err("403 Forbidden");
    }
    if request.version != Some(1) || values("Host").count() != 1 {
        return Err(BAD);
    }
    if !lists("Sec-WebSocket-Protocol", SUBPROTOCOL) {
        return Err(BAD);
    }
    // 16 bytes in base64.
    let key = values("Sec-WebSocket-Key").next().map(str::trim).unwrap_or_default();
    let fits = key.len() == 24
        && key.ends_with("==")
        && key.bytes().take(22).all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
    match fits {
        true => Ok(derive_accept_key(key.as_bytes())),
        false => Err(BAD),
    }
}
