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
        let (own, params) = split_type(self.content_type()?);
        if own.eq_ignore_ascii_case(wanted) {
            return Some(self.body()).filter(|body| !body.is_empty());
        }
        let is_multipart = own.get(..10)?.eq_ignore_ascii_case("multipart/");
        let boundary = params.value("boundary").filter(|boundary| !boundary.is_empty())?;
        is_multipart.then_some(())?;
        Parts::new(self.body(), boundary)
            .take(MAX_PARTS)
            .find(|(content_type, _)| split_type(content_type).0.eq_ignore_ascii_case(wanted))
            .map(|(_, body)| body)
    }
}

/// `type/subtype` and the parameters.
pub(crate) fn split_type(value: &str) -> (&str, Params<'_>) {
    let (name, params) = cut_before(value, b';');
    (name.trim(), Params::new(params))
}

/// Content-Type and content of each part.
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
    type Item = (&'a str, &'a [u8]);

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

fn split_part(part: &[u8]) -> (&str, &[u8]) {
    let mut content_type = "text/plain";
    let mut at = 0;
    while let Some(rest) = part.get(at..).filter(|rest| !rest.is_empty()) {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let line = rest.get(..end).unwrap_or_default();
        at += end;
        match std::str::from_utf8(line).map(str::trim) {
            Ok("") => break,
            Ok(line) => {
                if let Some((name, value)) = line.split_once(':')
                    && name.trim().eq_ignore_ascii_case("Content-Type")
                {
                    content_type = value.trim();
                }
            }
            Err(_) => {}
        }
    }
    (content_type, part.get(at..).unwrap_or_default())
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
