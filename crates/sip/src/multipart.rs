//! Bodies of several parts (RFC 5621, RFC 2046 §5.1): finding the one that is understood.

use crate::Message;
use crate::cut::cut_before;
use crate::params::Params;

/// The most parts of one body that are looked at.
pub const MAX_PARTS: usize = 16;

impl Message {
    /// The session description: the body, or its first part, that is `application/sdp`.
    pub fn sdp(&self) -> Option<&[u8]> {
        self.part("application/sdp")
    }

    /// The body if it is of this type, or its first part that is.
    pub fn part(&self, wanted: &str) -> Option<&[u8]> {
        if split_type(self.content_type()?).0.eq_ignore_ascii_case(wanted) {
            return Some(self.body()).filter(|body| !body.is_empty());
        }
        self.parts()?.find(|part| part.is(wanted)).map(|part| part.body)
    }

    /// Whether a part is of none of these types and yet says that it has to be understood
    /// (RFC 5621 §4). Of `multipart/alternative` one part is enough (RFC 2046 §5.1.4).
    ///
    /// A part that says nothing of it is not insisted on: carriers put ISUP and locations beside
    /// the description without a word, and would lose the call.
    pub(crate) fn insists_on_other_parts(&self, understood: &[&str]) -> bool {
        let is_choice = self
            .content_type()
            .is_some_and(|value| split_type(value).0.eq_ignore_ascii_case("multipart/alternative"));
        let unknown = |part: Part<'_>| {
            part.handling().is_some_and(|handling| handling.eq_ignore_ascii_case("required"))
                && !understood.iter().any(|known| part.is(known))
        };
        !is_choice && self.parts().is_some_and(|mut parts| parts.any(unknown))
    }

    /// The parts of a body that has some, no more than [`MAX_PARTS`].
    fn parts(&self) -> Option<impl Iterator<Item = Part<'_>>> {
        let (own, params) = split_type(self.content_type()?);
        let is_multipart = own.get(..10)?.eq_ignore_ascii_case("multipart/");
        let boundary = params.value("boundary").filter(|boundary| !boundary.is_empty())?;
        is_multipart.then(|| Parts::new(self.body(), boundary).take(MAX_PARTS))
    }
}

/// `type/subtype` and the parameters.
pub(crate) fn split_type(value: &str) -> (&str, Params<'_>) {
    let (name, params) = cut_before(value, b';');
    (name.trim(), Params::new(params))
}

/// One part of a body.
struct Part<'a> {
    content_type: &'a str,
    disposition: &'a str,
    body: &'a [u8],
}

impl<'a> Part<'a> {
    fn is(&self, wanted: &str) -> bool {
        split_type(self.content_type).0.eq_ignore_ascii_case(wanted)
    }

    /// What its Content-Disposition says of who does not understand it (RFC 3261 §20.11).
    fn handling(&self) -> Option<&'a str> {
        split_type(self.disposition).1.value("handling")
    }
}

/// The parts that are left.
struct Parts<'a> {
    rest: &'a [u8],
    delimiter: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn new(body: &'a [u8], boundary: &str) -> Self {
        let delimiter = [b"--", boundary.as_bytes()].concat();
        let start = find_line(body, &delimiter).map_or(body.len(), |(_, next)| next);
        Self { rest: body.get(start..).unwrap_or_default(), delimiter }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (end, next) = find_line(self.rest, &self.delimiter)?;
        let part = self.rest.get(..end)?;
        self.rest = self.rest.get(next..).unwrap_or_default();
        // The line break before a delimiter belongs to the delimiter.
        let part = part.strip_suffix(b"\n").unwrap_or(part);
        let part = part.strip_suffix(b"\r").unwrap_or(part);
        Some(split_part(part))
    }
}

/// Where a line begins that starts with `delimiter`, and where the next line does.
fn find_line(bytes: &[u8], delimiter: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    loop {
        let line = bytes.get(at..).filter(|line| !line.is_empty())?;
        let next = memchr::memchr(b'\n', line).map_or(bytes.len(), |end| at + end + 1);
        if line.starts_with(delimiter) {
            return Some((at, next));
        }
        at = next;
    }
}

fn split_part(part: &[u8]) -> Part<'_> {
    let (mut content_type, mut disposition) = ("text/plain", "");
    let mut at = 0;
    while let Some(rest) = part.get(at..).filter(|rest| !rest.is_empty()) {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let line = rest.get(..end).unwrap_or_default();
        at += end;
        match std::str::from_utf8(line).map(str::trim) {
            Ok("") => break,
            Ok(line) => match line.split_once(':').map(|(name, value)| (name.trim(), value.trim()))
            {
                Some((name, value)) if name.eq_ignore_ascii_case("Content-Type") => {
                    content_type = value;
                }
                Some((name, value)) if name.eq_ignore_ascii_case("Content-Disposition") => {
                    disposition = value;
                }
                Some(_) | None => {}
            },
            Err(_) => {}
        }
    }
    Part { content_type, disposition, body: part.get(at..).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use crate::{Message, Method, RequestBuilder};

    fn invite(content_type: &str, body: &[u8]) -> Message {
        RequestBuilder::new(Method::Invite, "sip:h").body(content_type, body).build()
    }

    #[test]
    fn the_description_is_the_body_or_a_part_of_it() {
        assert_eq!(invite("Application/SDP;x=y", b"v=0").sdp(), Some(&b"v=0"[..]));
        let body = b"preamble\r\n--b 1\r\nContent-Type: application/isup; version=x\r\n\r\n\
                     \x01\xff\r\n--b 1\r\nContent-ID: <x>\r\n\
                     content-type: application/sdp\r\n\r\nv=0\r\ns=-\r\n\r\n--b 1--\r\n";
        let message = invite("multipart/mixed; boundary=\"b 1\"", body);
        assert_eq!(message.sdp(), Some(&b"v=0\r\ns=-\r\n"[..]));
        assert_eq!(message.part("application/isup"), Some(&b"\x01\xff"[..]));
        assert_eq!(message.part("text/plain"), None);
    }

    #[test]
    fn broken_bodies_have_no_parts() {
        for (content_type, body) in [
            ("multipart/mixed", &b"--b\r\n\r\nv=0\r\n--b--"[..]),
            ("multipart/mixed;boundary=b", b"--b\r\nContent-Type: application/sdp\r\n\r\nv=0"),
            ("multipart/mixed;boundary=b", b""),
            ("text/plain", b"v=0"),
            ("application/sdp", b""),
        ] {
            assert_eq!(invite(content_type, body).sdp(), None);
        }
    }
}
