//! Messages out of a stream (RFC 3261 §18.3): Content-Length says where each ends.

use std::fmt;

use crate::message::MAX_MESSAGE_BYTES;
use crate::{Message, Method, Name, ParseError, Refusal};

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
    /// One message by its length that cannot be read: it is dropped, what follows is not.
    Malformed(Vec<u8>),
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

    /// Whether a message has begun and its rest is missing. Line breaks begin none.
    pub fn holds_part(&self) -> bool {
        let waiting = self.buffer.get(self.start..).unwrap_or_default();
        !waiting.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
    }

    /// The next message, if all of it is there.
    ///
    /// # Errors
    /// The stream cannot be followed any further; no more will come out.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FramingError> {
        if self.searched == 0 {
            match self.blank() {
                Blank::None(count) => self.start += count,
                Blank::Ping => {
                    self.start += PING.len();
                    return Ok(Some(Frame::Ping));
                }
                Blank::Begun => return Ok(None),
            }
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
        let frame = match Message::parse(whole) {
            Ok(message) => Frame::Message(message),
            Err(_) => Frame::Malformed(whole.to_vec()),
        };
        self.start += total;
        self.searched = 0;
        Ok(Some(frame))
    }

    /// What the request gets whose Content-Length does not tell where it ends, before the
    /// connection is closed (RFC 3261 §18.3): 400. `None` where nobody waits for an answer.
    pub fn refusal(&self) -> Option<Message> {
        let waiting = self.buffer.get(self.start..)?;
        let head = Message::parse(waiting.get(..end_of_head(waiting, 0)?)?).ok()?;
        let waits = head.is_request() && head.method() != Method::Ack && head.top_via().is_some();
        let refusal = Refusal::because(400, "Malformed Content-Length");
        waits.then(|| refusal.response(&head, "unbounded"))
    }

    /// What line breaks stand before the next message.
    fn blank(&self) -> Blank {
        let waiting = self.buffer.get(self.start..).unwrap_or_default();
        if waiting.starts_with(PING) {
            Blank::Ping
        } else if PING.starts_with(waiting) {
            Blank::Begun
        } else {
            Blank::None(waiting.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count())
        }
    }
}

/// A keep-alive (RFC 5626 §4.4.1).
const PING: &[u8] = b"\r\n\r\n";

/// Line breaks between two messages.
enum Blank {
    /// No keep-alive; as many bytes are to be skipped.
    None(usize),
    /// A keep-alive.
    Ping,
    /// Perhaps the first part of one, or nothing at all.
    Begun,
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
    match Message::parse(head) {
        Ok(message) => agreed(message.all(Name::ContentLength)),
        Err(error) => {
            // What calls itself SIP may be wrong in its first line, or too long, and still say
            // where it ends.
            let mut lines = head.split(|byte| *byte == b'\n');
            let first = lines.next().unwrap_or_default().to_ascii_uppercase();
            let claims = first.windows(4).any(|four| four == b"SIP/");
            let lengths = lines.filter_map(length_of_line);
            let length = if claims { agreed(lengths) } else { Err(FramingError::NotSip(error)) };
            length.map_err(|_| FramingError::NotSip(error))
        }
    }
}

/// The value of a line that is a Content-Length.
fn length_of_line(line: &[u8]) -> Option<&str> {
    let (name, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
    (Name::from_text(name.trim_end()) == Name::ContentLength).then_some(value.trim())
}

fn agreed<'a>(values: impl Iterator<Item = &'a str>) -> Result<usize, FramingError> {
    let mut length = None;
    for value in values {
        let digits = Some(value).filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
        let this = digits.and_then(|value| value.parse::<usize>().ok());
        if this.is_none() || length.is_some_and(|other| Some(other) != this) {
            return Err(FramingError::NoContentLength);
        }
        length = this;
    }
    length.ok_or(FramingError::NoContentLength)
}

#[cfg(test)]
mod tests {
    use super::{Frame, Framer, FramingError, MAX_HEAD_BYTES};
    use crate::ParseError;

    const BYE: &str = "BYE sip:h SIP/2.0\r\nCSeq: 1 BYE\r\nContent-Length: 4\r\n\r\nbody";

    fn frames(framer: &mut Framer) -> Vec<String> {
        let next = || framer.next_frame().unwrap();
        std::iter::from_fn(next)
            .map(|frame| match frame {
                Frame::Message(message) => String::from_utf8(message.body().to_vec()).unwrap(),
                Frame::Malformed(bytes) => format!("{} bytes", bytes.len()),
                Frame::Ping => "ping".to_owned(),
            })
            .collect()
    }

    #[test]
    fn messages_come_out_however_the_stream_is_cut() {
        let stream = format!("\r\n{BYE}\r\n\r\n{BYE}{BYE}\r\n\r\n\r\n");
        let wanted = ["body", "ping", "body", "body", "ping"];
        for size in 1..stream.len() {
            let mut framer = Framer::new();
            let mut out = Vec::new();
            for piece in stream.as_bytes().chunks(size) {
                framer.feed(piece);
                out.extend(frames(&mut framer));
            }
            assert_eq!(out, wanted, "cut at {size}");
            assert!(framer.pending() <= 2 && !framer.holds_part());
            framer.feed(b"BYE");
            assert!(framer.holds_part());
        }
    }

    #[test]
    fn a_stream_that_cannot_be_followed_is_given_up() {
        for (stream, error) in [
            ("BYE sip:h SIP/2.0\r\nCSeq: 1 BYE\r\n\r\n".to_owned(), FramingError::NoContentLength),
            (BYE.replace(": 4", ": x"), FramingError::NoContentLength),
            (BYE.replace(": 4", ": 4\r\nl: 5"), FramingError::NoContentLength),
            (BYE.replace(": 4", ": 65535"), FramingError::MessageTooLong),
            (BYE.replace(": 4", ": 18446744073709551615"), FramingError::MessageTooLong),
            ("x".repeat(MAX_HEAD_BYTES + 1), FramingError::HeadTooLong),
            ("hello\r\n\r\n".to_owned(), FramingError::NotSip(ParseError::StartLine)),
        ] {
            let mut framer = Framer::new();
            framer.feed(stream.as_bytes());
            assert_eq!(framer.next_frame(), Err(error));
        }
    }

    #[test]
    fn a_message_that_cannot_be_read_is_passed_over_where_its_end_is_known() {
        let first = BYE.replace("BYE sip:h SIP/2.0", "SIP/2.0 4294967301 no");
        let many = BYE.replace("CSeq", &format!("{}CSeq", "a: b\r\n".repeat(300)));
        let mut framer = Framer::new();
        framer.feed(format!("{first}{BYE}{many}{BYE}").as_bytes());
        let (first, many) = (format!("{} bytes", first.len()), format!("{} bytes", many.len()));
        assert_eq!(frames(&mut framer), [first.as_str(), "body", &many, "body"]);
    }

    #[test]
    fn a_request_without_an_end_gets_400_and_nothing_else_does() {
        let head = "SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nCSeq: 1 ";
        for (first, method, status) in [
            ("BYE sip:h ", "BYE\r\nl: -9", Some(400)),
            ("BYE sip:h ", "BYE\r\nl: 1\r\nl: 2", Some(400)),
            ("BYE sip:h ", "BYE", Some(400)),
            ("ACK sip:h ", "ACK", None),
            ("", "BYE", None),
        ] {
            let start = if first.is_empty() { "SIP/2.0 200 OK\r\n" } else { first };
            let head = head.trim_start_matches(if first.is_empty() { "SIP/2.0\r\n" } else { "" });
            let mut framer = Framer::new();
            framer.feed(format!("{start}{head}{method}\r\n\r\n").as_bytes());
            assert_eq!(framer.next_frame(), Err(FramingError::NoContentLength), "{method}");
            assert_eq!(framer.refusal().and_then(|answer| answer.status()), status, "{method}");
        }
    }

    #[test]
    fn an_endless_head_costs_one_search_a_byte() {
        let mut framer = Framer::new();
        for _ in 0..MAX_HEAD_BYTES / 8 {
            framer.feed(b"a: bcd\r\n");
            assert_eq!(framer.next_frame(), Ok(None));
        }
        framer.feed(b"a: bcd\r\n");
        assert_eq!(framer.next_frame(), Err(FramingError::HeadTooLong));
    }
}
