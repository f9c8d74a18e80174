//! Reading a message (RFC 3261 §7 and §25): lenient, in one pass, without an answer of its own.
//!
//! Refused is only what cannot be indexed. What breaks a rule is marked as a [`Defect`] and gets
//! its answer from [`validate`](crate::validate).

use std::fmt;
use std::sync::Arc;

use memchr::memchr;

use crate::cut::find_byte;
use crate::message::{Defect, Field, Inner, MAX_HEADERS, MAX_MESSAGE_BYTES, Message, Span, Start};
use crate::{Method, Name};

/// How many headers an index has room for before it grows.
const USUAL_HEADERS: usize = 24;

/// Within how many bytes the colon of nearly every header is.
const USUAL_LABEL: usize = 32;

/// Why bytes are no SIP message: they are dropped, not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseError {
    /// Nothing but line breaks: a keep-alive (RFC 5626 §3.5.1).
    Empty,
    /// More than [`MAX_MESSAGE_BYTES`].
    TooLong,
    /// More than [`MAX_HEADERS`] header lines.
    TooManyHeaders,
    /// The first line is neither a request's nor a response's.
    StartLine,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty message",
            Self::TooLong => "a message of more than 65,535 bytes",
            Self::TooManyHeaders => "a message of more than 256 headers",
            Self::StartLine => "a first line that is not SIP",
        })
    }
}

impl std::error::Error for ParseError {}

impl Message {
    /// Reads one whole message, such as a datagram. Without Content-Length the body is all that
    /// follows the empty line; with it, what follows the body is ignored (RFC 3261 §18.3).
    ///
    /// # Errors
    /// What cannot be indexed as a message at all.
    pub fn parse(datagram: &[u8]) -> Result<Message, ParseError> {
        let blank = datagram.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let bytes = datagram.get(blank..).unwrap_or_default();
        if bytes.is_empty() {
            return Err(ParseError::Empty);
        }
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(ParseError::TooLong);
        }
        let mut index = Index::read(bytes)?;
        let unfolded: Vec<u8>;
        let mut bytes = bytes;
        if index.folded {
            unfolded = without_folds(bytes);
            bytes = &unfolded;
            index = Index::read(bytes)?;
        }
        let (text, raw) = texts(bytes);
        let Index { start, fields, body, defect, in_field: _, folded: _ } = index;
        Ok(Message(Arc::new(Inner {
            text,
            raw,
            start,
            fields,
            body,
            defect,
            flow: None,
            peer_names: None,
            stays_on_flow: false,
        })))
    }
}

/// The buffer as text and, where it is not UTF-8, as it came. Both have the same length.
pub(crate) fn texts(bytes: &[u8]) -> (Box<str>, Option<Box<[u8]>>) {
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return (text.into(), None);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    (text.into_boxed_str(), Some(bytes.into()))
}

/// The same bytes with each header in one line (RFC 3261 §7.3.1: a line that begins with a space
/// goes on where the last one ended). The line break becomes spaces, so that lengths stay.
fn without_folds(bytes: &[u8]) -> Vec<u8> {
    let mut whole = bytes.to_vec();
    let (start, mut at) = line_from(bytes, 0);
    let (mut end, mut in_field) = (start.range().end, false);
    while at < bytes.len() {
        let (line, next) = line_from(bytes, at);
        let inside = bytes.get(line.range()).unwrap_or_default();
        match inside.first() {
            None => break,
            Some(b' ' | b'\t') if in_field => {
                whole.get_mut(end..at).unwrap_or_default().fill(b' ');
            }
            Some(b' ' | b'\t') => {}
            Some(_) => in_field = memchr(b':', inside).is_some(),
        }
        (end, at) = (trimmed(bytes, line).range().end, next);
    }
    whole
}

struct Index {
    start: Start,
    fields: Vec<Field>,
    body: Span,
    defect: Option<Defect>,
    /// Whether the last line was a header, which may go on.
    in_field: bool,
    /// Whether a header goes on in the next line: then nothing behind it was read.
    folded: bool,
}

impl Index {
    fn read(bytes: &[u8]) -> Result<Index, ParseError> {
        let (line, mut at) = line_from(bytes, 0);
        let (start, defect) = read_start(bytes, line)?;
        let mut index = Index {
            start,
            fields: Vec::with_capacity(USUAL_HEADERS),
            body: line,
            defect,
            in_field: false,
            folded: false,
        };
        let body = loop {
            if at >= bytes.len() {
                index.mark(Defect::NoEmptyLine);
                break at;
            }
            let (line, next) = line_from(bytes, at);
            match bytes.get(at) {
                _ if line.start == line.end => break next,
                Some(b' ' | b'\t') if index.in_field => {
                    index.folded = true;
                    return Ok(index);
                }
                Some(b' ' | b'\t') => index.mark(Defect::HeaderLine),
                _ => index.read_field(bytes, line)?,
            }
            at = next;
        };
        index.read_body(bytes, body);
        Ok(index)
    }

    /// The first thing that is wrong counts.
    fn mark(&mut self, defect: Defect) {
        self.defect.get_or_insert(defect);
    }

    fn read_field(&mut self, bytes: &[u8], line: Span) -> Result<(), ParseError> {
        let all = bytes.get(line.range()).unwrap_or_default();
        let base = line.range().start;
        let colon = find_byte(all.get(..USUAL_LABEL).unwrap_or(all), b':');
        let colon = colon.or_else(|| find_byte(all, b':'));
        self.in_field = colon.is_some();
        let Some(colon) = colon else {
            self.mark(Defect::HeaderLine);
            return Ok(());
        };
        let label = trimmed(bytes, Span::within(base, base + colon));
        let value = trimmed(bytes, Span::within(base + colon + 1, line.range().end));
        let written = bytes.get(label.range()).unwrap_or_default();
        let name = Name::from_bytes(written);
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        // A known name has no blank inside.
        if name == Name::Other && (written.is_empty() || written.iter().any(is_blank)) {
            self.mark(Defect::HeaderLine);
        }
        if self.fields.len() == MAX_HEADERS {
            return Err(ParseError::TooManyHeaders);
        }
        self.fields.push(Field { name, label, value });
        Ok(())
    }

    fn read_body(&mut self, bytes: &[u8], start: usize) {
        let text = |span: Span| std::str::from_utf8(bytes.get(span.range())?).ok();
        let mut wanted: Option<usize> = None;
        let mut differs = false;
        for field in self.fields.iter().filter(|field| field.name == Name::ContentLength) {
            let digits = text(field.value).filter(|text| !text.starts_with('+'));
            match (digits.and_then(|text| text.parse().ok()), wanted) {
                (Some(length), None) => wanted = Some(length),
                (Some(length), Some(other)) => differs |= length != other,
                (None, _) => differs = true,
            }
        }
        if differs {
            self.mark(Defect::ContentLength);
        }
        let there = bytes.len().saturating_sub(start);
        let length = match wanted {
            Some(length) if length > there => {
                self.mark(Defect::ShortBody);
                there
            }
            Some(length) => length,
            None => there,
        };
        self.body = Span::within(start, start + length);
    }
}

/// The line that begins at `at`, without its line break, and where the next one begins. A bare LF
/// ends a line too.
fn line_from(bytes: &[u8], at: usize) -> (Span, usize) {
    let rest = bytes.get(at..).unwrap_or_default();
    match memchr(b'\n', rest) {
        Some(0) => (Span::within(at, at), at + 1),
        Some(length) => {
            let ends_with_cr = rest.get(length - 1) == Some(&b'\r');
            (Span::within(at, at + length - usize::from(ends_with_cr)), at + length + 1)
        }
        None => (Span::within(at, bytes.len()), bytes.len()),
    }
}

/// Without the blanks at both ends: of most there is one at the beginning or none.
fn trimmed(bytes: &[u8], span: Span) -> Span {
    let mut inside = bytes.get(span.range()).unwrap_or_default();
    let mut from = span.range().start;
    while let [b' ' | b'\t' | b'\r', rest @ ..] = inside {
        inside = rest;
        from += 1;
    }
    while let [rest @ .., b' ' | b'\t' | b'\r'] = inside {
        inside = rest;
    }
    Span::within(from, from + inside.len())
}

fn read_start(bytes: &[u8], line: Span) -> Result<(Start, Option<Defect>), ParseError> {
    let all = bytes.get(line.range()).unwrap_or_default();
    let base = line.range().start;
    if all.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case(b"SIP/")) {
        return read_status(all, base).map(|start| (start, None));
    }
    let first = memchr::memchr2(b' ', b'\t', all).ok_or(ParseError::StartLine)?;
    let tight = trimmed(bytes, line);
    let end = tight.range().end - base;
    let last = all.get(..end).and_then(|all| memchr::memrchr2(b' ', b'\t', all)).unwrap_or(first);
    let label = all.get(..first).unwrap_or_default();
    let method = std::str::from_utf8(label).map_or(Method::Other, Method::from_name);
    let mut version = Span::within(base + last + 1, base + end);
    let mut uri = trimmed(bytes, Span::within(base + first + 1, base + last.max(first + 1)));
    let mut written = bytes.get(version.range()).unwrap_or_default();
    if !written.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case(b"SIP/")) {
        // A version is missing, or something stands behind it. Who asks for what SIP has of a URI
        // of SIP is told what is wrong; all else may be HTTP, RTSP or nothing.
        uri = trimmed(bytes, Span::within(base + first + 1, base + end));
        let whom = bytes.get(uri.range()).unwrap_or_default();
        if method == Method::Other || !is_of_sip(whom) {
            return Err(ParseError::StartLine);
        }
        version = Span::within(base + end, base + end);
        written = &[];
    }
    if label.is_empty() {
        return Err(ParseError::StartLine);
    }
    let inside = bytes.get(uri.range()).unwrap_or_default();
    // One space on either side of the URI and none inside or behind (RFC 3261 §7.1).
    let plain = !inside.is_empty()
        && !written.is_empty()
        && all.get(first) == Some(&b' ')
        && all.get(last) == Some(&b' ')
        && inside.len() + first + 2 + written.len() == all.len()
        && find_byte(inside, b' ').or_else(|| find_byte(inside, b'\t')).is_none();
    let defect = (!plain).then_some(Defect::StartLine);
    let label = Span::within(base, base + first);
    Ok((Start::Request { method, label, uri, version }, defect))
}

/// Whether it begins as a URI that a request of SIP can be for.
fn is_of_sip(uri: &[u8]) -> bool {
    [&b"sip:"[..], b"sips:", b"tel:"]
        .iter()
        .any(|scheme| uri.get(..scheme.len()).is_some_and(|own| own.eq_ignore_ascii_case(scheme)))
}

fn read_status(all: &[u8], base: usize) -> Result<Start, ParseError> {
    let rest = match all.split_at_checked(8) {
        Some((version, rest)) if version.eq_ignore_ascii_case(b"SIP/2.0 ") => rest,
        Some(_) | None => return Err(ParseError::StartLine),
    };
    let status = match rest {
        [a @ b'1'..=b'6', b @ b'0'..=b'9', c @ b'0'..=b'9', tail @ ..]
            if matches!(tail.first(), None | Some(b' ')) =>
        {
            let digit = |byte: &u8| u16::from(byte - b'0');
            digit(a) * 100 + digit(b) * 10 + digit(c)
        }
        _ => return Err(ParseError::StartLine),
    };
    let reason = Span::within((base + 12).min(base + all.len()), base + all.len());
    Ok(Start::Response { status, reason })
}

#[cfg(test)]
mod tests {
    use super::{MAX_HEADERS, ParseError};
    use crate::{Defect, Kind, Message, Method, Name};

    fn parsed(text: &[u8]) -> Message {
        Message::parse(text).unwrap()
    }

    #[test]
    fn a_request_is_read_as_it_is_written() {
        let message = parsed(
            b"\r\n\r\nINVITE sip:95512@h;x=y SIP/2.0\r\nv: SIP/2.0/UDP a, SIP/2.0/TCP b\r\n\
              f: \"A\" <sip:a@h>;tag=1\r\nt: <sip:b@h>\r\ni: c\r\nCSeq: 7 INVITE\r\n\
              VIA: SIP/2.0/UDP c\r\nX-Own : 1, 2\r\nl: 3\r\n\r\nv=0trailing",
        );
        let kind = Kind::Request { method: Method::Invite, uri: "sip:95512@h;x=y" };
        assert_eq!((message.kind(), message.defect()), (kind, None));
        assert_eq!(message.from().unwrap().tag(), Some("1"));
        assert_eq!(message.to().unwrap().uri_text(), "sip:b@h");
        assert_eq!((message.call_id(), message.cseq().unwrap().number), ("c", 7));
        let hosts: Vec<_> = message.vias().map(|via| via.host().to_owned()).collect();
        assert_eq!(hosts, ["a", "b", "c"]);
        assert_eq!(message.headers("x-own").collect::<Vec<_>>(), ["1, 2"]);
        assert_eq!(message.header("Via"), Some("SIP/2.0/UDP a, SIP/2.0/TCP b"));
        assert_eq!((message.body(), message.fields().count()), (&b"v=0"[..], 8));
    }

    #[test]
    fn a_response_is_read_with_or_without_reason() {
        for (line, reason) in
            [("SIP/2.0 180 Ringing now", "Ringing now"), ("sip/2.0 180 ", ""), ("SIP/2.0 180", "")]
        {
            let message = parsed(format!("{line}\nCSeq: 1 BYE\n\n").as_bytes());
            assert_eq!(message.kind(), Kind::Response { status: 180, reason });
            assert_eq!((message.method(), message.method_text()), (Method::Bye, "BYE"));
        }
    }

    #[test]
    fn folded_headers_are_one_line() {
        let message = parsed(
            b"OPTIONS sip:h SIP/2.0\r\nSubject:  one\r\n\ttwo \r\n three\r\n\
              CSeq: 9\r\n  OPTIONS\r\n\
              To:\r\n <sip:x@h>\r\nl: 0\r\n\r\n",
        );
        let words: Vec<_> = message.header("s").unwrap().split_whitespace().collect();
        assert_eq!(words, ["one", "two", "three"]);
        assert_eq!(message.cseq().unwrap().method, Method::Options);
        assert_eq!(message.to().unwrap().uri_text(), "sip:x@h");
        let again = parsed(message.as_bytes());
        assert_eq!(again.header("s"), message.header("s"));
    }

    #[test]
    fn bytes_that_are_not_utf_8_stay_as_they_came() {
        let bytes = b"INVITE sip:h SIP/2.0\r\nSubject: caf\xe9\r\n\
                      From: \"\xff\xfe\" <sip:a@h>;tag=1\r\n\
                      Call-ID: c\r\nl: 4\r\n\r\n\x00\xff\x01\x02";
        let message = parsed(bytes);
        assert_eq!(message.header("Subject"), Some("caf?"));
        assert_eq!(message.from().unwrap().tag(), Some("1"));
        assert_eq!(message.call_id(), "c");
        assert_eq!(message.body(), b"\x00\xff\x01\x02");
        assert_eq!(message.as_bytes(), bytes);
        let response = crate::ResponseBuilder::to(&message, 200).build();
        let from = b"From: \"\xff\xfe\" <sip:a@h>;tag=1\r\n";
        assert!(response.as_bytes().windows(from.len()).any(|window| window == from));
    }

    #[test]
    fn what_cannot_be_indexed_is_refused() {
        for (bytes, error) in [
            (&b""[..], ParseError::Empty),
            (b"\r\n\r\n", ParseError::Empty),
            (b"hello\r\n\r\n", ParseError::StartLine),
            (b"GET / HTTP/1.1\r\n\r\n", ParseError::StartLine),
            (b"INVITE * RTSP/1.0\r\n\r\n", ParseError::StartLine),
            (b"INVITE\r\n\r\n", ParseError::StartLine),
            (b" INVITE sip:h SIP/2.0\r\n\r\n", ParseError::StartLine),
            (b"SIP/2.0 99 x\r\n\r\n", ParseError::StartLine),
            (b"SIP/2.0 700 x\r\n\r\n", ParseError::StartLine),
            (b"SIP/2.0 4294967301 x\r\n\r\n", ParseError::StartLine),
            (b"SIP/2.1 200 OK\r\n\r\n", ParseError::StartLine),
            (&[b'x'; 65_536], ParseError::TooLong),
        ] {
            assert_eq!(Message::parse(bytes).unwrap_err(), error);
        }
        let many = format!("BYE sip:h SIP/2.0\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS + 1));
        assert_eq!(Message::parse(many.as_bytes()).unwrap_err(), ParseError::TooManyHeaders);
        let most = format!("BYE sip:h SIP/2.0\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS));
        assert_eq!(parsed(most.as_bytes()).fields().count(), MAX_HEADERS);
    }

    #[test]
    fn what_is_wrong_is_marked() {
        for (text, defect) in [
            ("BYE  sip:h SIP/2.0\r\n\r\n", Defect::StartLine),
            ("BYE sip:h SIP/2.0 \r\n\r\n", Defect::StartLine),
            ("BYE sip:h ;x SIP/2.0\r\n\r\n", Defect::StartLine),
            ("BYE SIP/2.0\r\n\r\n", Defect::StartLine),
            ("BYE sip:h SIP/2.0\r\nnothing\r\n\r\n", Defect::HeaderLine),
            ("BYE sip:h SIP/2.0\r\n: x\r\n\r\n", Defect::HeaderLine),
            ("BYE sip:h SIP/2.0\r\na b: x\r\n\r\n", Defect::HeaderLine),
            ("BYE sip:h SIP/2.0\r\n x\r\n\r\n", Defect::HeaderLine),
            ("BYE sip:h SIP/2.0\r\na: b\r\nnothing\r\n x\r\n\r\n", Defect::HeaderLine),
            ("BYE sip:h SIP/2.0\r\na: x", Defect::NoEmptyLine),
            ("BYE sip:h SIP/2.0\r\nl: +1\r\n\r\nx", Defect::ContentLength),
            ("BYE sip:h SIP/2.0\r\nl: 1\r\nl: 0\r\n\r\nx", Defect::ContentLength),
            ("BYE sip:h SIP/2.0\r\nl: 99999999999999999999\r\n\r\n", Defect::ContentLength),
            ("BYE sip:h SIP/2.0\r\nl: 2\r\n\r\nx", Defect::ShortBody),
        ] {
            let message = parsed(text.as_bytes());
            assert_eq!(message.defect(), Some(defect), "{text}");
            // What was read is not changed by what is wrong.
            assert_eq!(parsed(message.as_bytes()).defect(), Some(defect), "{text}");
        }
        let twice = parsed(b"BYE sip:h SIP/2.0\r\nl: 1\r\nl: 1\r\n\r\nxy");
        assert_eq!((twice.defect(), twice.body()), (None, &b"x"[..]));
        assert_eq!(twice.count(Name::ContentLength), 2);
    }
}
