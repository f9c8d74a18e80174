//! Addresses: `"Display" <uri>;tag=x`, the value of From, To, Contact, Route (RFC 3261 §20.10).

use std::borrow::Cow;

use crate::Uri;
use crate::cut::{cut, cut_before, find};
use crate::params::{Params, unquoted};

/// An address, read in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    display: &'a str,
    uri: &'a str,
    params: Params<'a>,
    text: &'a str,
}

impl<'a> NameAddr<'a> {
    /// Reads one address. `None` where quotes or angle brackets have no end, nothing is inside, or
    /// a display name without quotes holds what only quotes allow.
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim_ascii();
        let (display, rest) = if let Some(inside) = text.strip_prefix('"') {
            let end = end_of_quoted(inside)?;
            let rest = inside.get(end + 1..)?.trim_ascii_start();
            if !rest.starts_with('<') {
                return None;
            }
            (text.get(..end + 2)?, rest)
        } else if let Some(open) = find(text, b'<') {
            let display = text.get(..open)?.trim_ascii_end();
            // RFC 3261 §25.1: a display name is tokens and spaces unless it is quoted.
            let is_outside = |byte: u8| matches!(byte, b',' | b';' | b'"' | b'>' | b'@');
            if display.bytes().any(is_outside) {
                return None;
            }
            (display, text.get(open..)?)
        } else {
            // Without brackets, what follows `;` is the header's and `?` may not be there (§20.10).
            let (uri, params) = cut_before(text, b';');
            let uri = uri.trim_ascii_end();
            let is_outside = |byte: u8| matches!(byte, b'?' | b',' | b' ' | b'>' | b'"');
            let plain = !uri.is_empty() && !uri.bytes().any(is_outside);
            return plain.then_some(Self { display: "", uri, params: Params::new(params), text });
        };
        let (uri, params) = cut(rest.strip_prefix('<')?, b'>')?;
        let params = params.trim_ascii_start();
        if uri.is_empty() || !(params.is_empty() || params.starts_with(';')) {
            return None;
        }
        Some(Self { display, uri, params: Params::new(params), text })
    }

    /// The display name as it shall be shown, quotes and escapes taken off; empty if none.
    pub fn display(&self) -> Cow<'a, str> {
        let inside = unquoted(self.display);
        if !inside.contains('\\') {
            return Cow::Borrowed(inside);
        }
        let mut shown = String::with_capacity(inside.len());
        let mut chars = inside.chars();
        while let Some(c) = chars.next() {
            shown.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        Cow::Owned(shown)
    }

    /// The URI as written.
    pub const fn uri_text(&self) -> &'a str {
        self.uri
    }

    /// The URI; `None` if it cannot be read.
    pub fn uri(&self) -> Option<Uri<'a>> {
        Uri::parse(self.uri)
    }

    /// The parameters of the header, not of the URI.
    pub const fn params(&self) -> Params<'a> {
        self.params
    }

    /// The tag, if there is one.
    pub fn tag(&self) -> Option<&'a str> {
        self.params.value("tag").filter(|tag| !tag.is_empty())
    }

    /// How much a Contact is preferred, in thousandths (RFC 3261 §20.10, `q`); 1000 where that is
    /// not said, or not in a way that can be read.
    pub fn preference(&self) -> u16 {
        self.params.value("q").and_then(thousandths).unwrap_or(1000)
    }

    /// The whole value as written.
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// The value up to its parameters: display name and URI.
    pub fn without_params(&self) -> &'a str {
        let end = self.text.len() - self.params.as_str().len();
        self.text.get(..end).unwrap_or(self.text).trim_ascii_end()
    }
}

/// `0.75` as 750 (RFC 3261 §25.1, qvalue).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = part.bytes().chain(std::iter::repeat(b'0')).take(3);
    let value = digits.fold(0, |value, digit| value * 10 + u16::from(digit - b'0'));
    match whole {
        "0" => Some(value),
        // Some leave the zero out.
        "" if !part.is_empty() => Some(value),
        "1" if value == 0 => Some(1000),
        _ => None,
    }
}

/// The closing quote in `text`, which follows the opening one.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| match byte {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' => {
            escaped = true;
            false
        }
        _ => byte == b'"',
    })
}

#[cfg(test)]
mod tests {
    use super::NameAddr;

    fn parsed(text: &str) -> NameAddr<'_> {
        NameAddr::parse(text).unwrap()
    }

    #[test]
    fn an_address_is_taken_apart() {
        let address = parsed(r#""A \"B\", <C>" <sip:a@h;lr?x=y> ;tag=1;q=0.5"#);
        assert_eq!(address.display(), "A \"B\", <C>");
        assert_eq!(address.uri_text(), "sip:a@h;lr?x=y");
        assert_eq!(address.tag(), Some("1"));
        assert_eq!(address.params().value("q"), Some("0.5"));
        assert_eq!(address.preference(), 500);
        assert_eq!(address.without_params(), r#""A \"B\", <C>" <sip:a@h;lr?x=y>"#);
    }

    #[test]
    fn a_preference_that_cannot_be_read_is_none() {
        for (said, preference) in [
            ("0", 0),
            ("0.75", 750),
            (".5", 500),
            ("1.000", 1000),
            ("0.001", 1),
            ("", 1000),
            (".", 1000),
            ("0.+5", 1000),
            ("0.1234", 1000),
            ("7", 1000),
        ] {
            let address = format!("<sip:a@h>;q={said}");
            assert_eq!(parsed(&address).preference(), preference, "{said}");
        }
    }

    #[test]
    fn without_brackets_parameters_are_the_headers() {
        let address = parsed("sip:a@h;tag=9");
        assert_eq!((address.uri_text(), address.tag()), ("sip:a@h", Some("9")));
        assert_eq!(address.without_params(), "sip:a@h");
        assert_eq!(parsed("caller<sip:a@h>;tag=2").display(), "caller");
        assert_eq!(parsed("<sip:a@h>").display(), "");
    }

    #[test]
    fn broken_addresses_are_refused() {
        for text in [
            "",
            "\"Mr. J. User <sip:j@example.com>",
            "Bell, Alexander <sip:a@h>",
            "<sip:a@h",
            "<>",
            "sip:a@h?Route=x",
            "\"A\" sip:a@h",
            "<sip:a@h> tag=1",
            "sip:a, b@h",
        ] {
            assert_eq!(NameAddr::parse(text), None, "{text}");
        }
    }
}
