//! Messages out of a stream (RFC 3261 §18.3): Content-Length says where each ends.

use std::fmt;

use crate::message::MAX_MESSAGE_BYTES;
use crate::{Message, Name, ParseError};

/// The most bytes of first line and headers.
pub const MAX_HEAD_BYTES: usize = 32_768;

/// Why a stream cannot be followed any further: the connection is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FramingError {
    /// No empty line within [`MAX_HEAD_BYTES`].
    HeadTooLong,
    /// The message would be longer than [`MAX_MESSAGE_BYTES`].
    MessageTooLong,
    /// A message without a Content-Length that can be read (RFC 3261 §18.3: MUST be there).
    NoContentLength,
    /// What came is no message.
    NotSip(ParseError),
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeadTooLong => f.write_str("headers without end"),
            Self::MessageTooLong => f.write_str("a message of more than 65,535 bytes"),
            Self::NoContentLength => f.write_str("a message without Content-Length on a stream"),
            Self::NotSip(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for FramingError {}

/// What a stream holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// One message.
    Message(Message),
    /// CRLF CRLF, to be answered by CRLF (RFC 5626 §4.4.1).
    Ping,
}

/// Cuts a stream into messages. Holds at most one message and what was fed last.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Where the next message begins.
    start: usize,
    /// Up to where the empty line was looked for already.
    searched: usize,
}

impl Framer {
    /// An empty framer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends what was read. Drain by [`Framer::next_frame`] before feeding more.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// How many bytes wait for the rest of their message.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// The next message, if all of it is there.
    ///
    /// # Errors
    /// The stream cannot be followed any further; no more will come out.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FramingError> {
        if let Some(ping) = self.skip_blank() {
            return Ok(Some(ping));
        }
        let waiting = self.buffer.get(self.start..).unwrap_or_default();
        if waiting.is_empty() {
            return Ok(None);
        }
        let from = self.searched.saturating_sub(3);
        let Some(head) = end_of_head(waiting, from) else {
            self.searched = waiting.len();
            return match waiting.len() {
                0..=MAX_HEAD_BYTES => Ok(None),
                _ => Err(FramingError::HeadTooLong),
            };
        };
        if head > MAX_HEAD_BYTES {
            return Err(FramingError::HeadTooLong);
        }
        let length = content_length(waiting.get(..head).unwrap_or_default())?;
        let total = head.saturating_add(length);
        if total > MAX_MESSAGE_BYTES {
            return Err(FramingError::MessageTooLong);
        }
        let Some(whole) = waiting.get(..total) else {
            self.searched = head;
            return Ok(None);
        };
        let message = Message::parse(whole).map_err(FramingError::NotSip)?;
        self.start += total;
        self.searched = 0;
        Ok(Some(Frame::Message(message)))
    }

    /// Skips line breaks between messages; two in a row are a keep-alive.
    fn skip_blank(&mut self) -> Option<Frame> {
        if self.searched > 0 {
            return None;
        }
        let waiting = self.buffer.get(self.start..).unwrap_or_default();
        if waiting.starts_with(b"\r\n\r\n") {
            self.start += 4;
            return Some(Frame::Ping);
        }
        // A single one may be the first half of a keep-alive: it stays until more has come.
        if waiting != b"\r\n" && waiting != b"\r" && waiting != b"\r\n\r" {
            self.start += waiting.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        }
        None
    }
}

/// Just behind the first empty line.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let newline = at + memchr::memchr(b'\n', bytes.get(at..)?)?;
        match bytes.get(newline + 1..)? {
            [b'\n', ..] => return Some(newline + 2),
            [b'\r', b'\n', ..] => return Some(newline + 3),
            _ => at = newline + 1,
        }
    }
}

/// The Content-Length of a head; all that are there must agree.
fn content_length(head: &[u8]) -> Result<usize, FramingError> {
    let message = Message::parse(head).map_err(FramingError::NotSip)?;
    let mut length = None;
    for value in message.all(Name::ContentLength) {
        let digits = Some(value).filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
        let this = digits.and_then(|value| value.parse::<usize>().ok());
        if this.is_none() || length.is_some_and(|other| Some(other) != this) {
            return Err(FramingError::NoContentLength);
        }
        length = this;
    }
    length.ok_or(FramingError::NoContentLength)
}
