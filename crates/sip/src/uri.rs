//! URIs: `sip:`, `sips:` (RFC 3261 §19.1) and `tel:` (RFC 3966), read in place.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::cut::{cut, cut_before, find};
use crate::params::Params;

/// The schemes that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Any other; the rest of the URI is not read.
    Other,
}

/// A URI, read in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    text: &'a str,
    scheme: Scheme,
    user: &'a str,
    password: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    params: Params<'a>,
    headers: &'a str,
}

impl<'a> Uri<'a> {
    /// Reads a URI without angle brackets around it. `None` if it has no scheme, or is a `sip:`
    /// or `sips:` URI without host, or with a port that is no port, or with spaces or control
    /// characters inside.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = cut(text, b':')?;
        if scheme.is_empty() || !scheme.bytes().all(is_scheme_byte) {
            return None;
        }
        let scheme = match scheme {
            _ if scheme.eq_ignore_ascii_case("sip") => Scheme::Sip,
            _ if scheme.eq_ignore_ascii_case("sips") => Scheme::Sips,
            _ if scheme.eq_ignore_ascii_case("tel") => Scheme::Tel,
            _ => Scheme::Other,
        };
        match scheme {
            Scheme::Sip | Scheme::Sips => Self::parse_sip(text, scheme, rest),
            Scheme::Tel => Self::parse_tel(text, rest),
            Scheme::Other => Some(Self { user: rest, ..Self::empty(text, scheme) }),
        }
    }

    const fn empty(text: &'a str, scheme: Scheme) -> Self {
        Self {
            text,
            scheme,
            user: "",
            password: None,
            host: "",
            port: None,
            params: Params::new(""),
            headers: "",
        }
    }

    fn parse_sip(text: &'a str, scheme: Scheme, rest: &'a str) -> Option<Self> {
        // A user part may hold `;` and `?` (RFC 3261 §25.1, user-unreserved), but never a bare `@`.
        let (user_info, rest) = match cut(rest, b'@') {
            Some((user_info, rest)) => (user_info, rest),
            None => ("", rest),
        };
        let (user, password) = match cut(user_info, b':') {
            Some((user, password)) => (user, Some(password)),
            None => (user_info, None),
        };
        let (rest, headers) = cut(rest, b'?').unwrap_or((rest, ""));
        let (host_port, params) = cut_before(rest, b';');
        let (host, port) = split_host_port(host_port)?;
        let bad =
            |text: &str| text.bytes().any(|byte| matches!(byte, 0..=b' ' | b'<' | b'>' | 0x7f));
        if bad(rest) || bad(user_info) || bad(headers) {
            return None;
        }
        let params = Params::new(params);
        Some(Self { text, scheme, user, password, host, port, params, headers })
    }

    fn parse_tel(text: &'a str, rest: &'a str) -> Option<Self> {
        let (number, params) = cut_before(rest, b';');
        let known = |byte: u8| byte.is_ascii_hexdigit() || b"+*#-.()".contains(&byte);
        if number.is_empty() || !number.bytes().all(known) {
            return None;
        }
        Some(Self { user: number, params: Params::new(params), ..Self::empty(text, Scheme::Tel) })
    }

    /// The URI as written.
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The user part as written; of a `tel:` URI the number; of an unknown scheme all of the rest.
    pub const fn user(&self) -> &'a str {
        self.user
    }

    /// The user part with `%xx` decoded (RFC 3261 §19.1.2), and of a `tel:` URI the number without
    /// visual separators (RFC 3966 §3).
    pub fn user_decoded(&self) -> Cow<'a, str> {
        match self.scheme {
            Scheme::Sip | Scheme::Sips => decoded(self.user),
            Scheme::Tel if self.user.contains(['-', '.', '(', ')']) => {
                Cow::Owned(self.user.replace(['-', '.', '(', ')'], ""))
            }
            Scheme::Tel | Scheme::Other => Cow::Borrowed(self.user),
        }
    }

    /// The password, which nobody should send.
    pub const fn password(&self) -> Option<&'a str> {
        self.password
    }

    /// The host as written, brackets around an IPv6 address left on; empty for `tel:`.
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The host as an address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        parse_ip(self.host)
    }

    /// The port, if written.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Host and port as an address, if the host is one: 5060 (5061 for `sips:`) where no port is
    /// written (RFC 3261 §19.1.2).
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        let default = match self.scheme {
            Scheme::Sips => 5061,
            Scheme::Sip | Scheme::Tel | Scheme::Other => 5060,
        };
        Some(SocketAddr::new(self.ip()?, self.port.unwrap_or(default)))
    }

    /// The parameters.
    pub const fn params(&self) -> Params<'a> {
        self.params
    }

    /// What follows `?`, as written.
    pub const fn headers(&self) -> &'a str {
        self.headers
    }

    /// Whether two URIs mean the same (RFC 3261 §19.1.4; `tel:` by RFC 3966 §4).
    pub fn is_equivalent(&self, other: &Uri<'_>) -> bool {
        // Also where a parameter is there twice, which is no URI at all (§19.1.1).
        if self.text == other.text {
            return true;
        }
        match (self.scheme, other.scheme) {
            (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => {
                decoded(self.user) == decoded(other.user)
                    && self.password == other.password
                    && self.host.eq_ignore_ascii_case(other.host)
                    && self.port == other.port
                    && same_params(self.params, other.params)
                    && same_headers(self.headers, other.headers)
            }
            (Scheme::Tel, Scheme::Tel) => {
                self.user_decoded().eq_ignore_ascii_case(&other.user_decoded())
                    && same_params(self.params, other.params)
            }
            (Scheme::Other, Scheme::Other) => self.text == other.text,
            (Scheme::Sip | Scheme::Sips | Scheme::Tel | Scheme::Other, _) => false,
        }
    }

    /// A copy that owns its text.
    pub fn to_owned(&self) -> OwnedUri {
        OwnedUri(self.text.to_owned())
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// A URI that owns its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnedUri(String);

impl OwnedUri {
    /// Keeps `text` if it can be read as a URI.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        Uri::parse(&text).is_some().then_some(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts.
    pub fn as_uri(&self) -> Uri<'_> {
        Uri::parse(&self.0).unwrap_or(Uri::empty(&self.0, Scheme::Other))
    }
}

impl fmt::Display for OwnedUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// Splits `host`, `host:port`, `[v6]` and `[v6]:port`. `None` if there is no host or the port is
/// not one.
pub(crate) fn split_host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let text = text.trim_ascii();
    let split = match text.strip_prefix('[') {
        Some(inside) => inside.find(']')? + 2,
        None => find(text, b':').unwrap_or(text.len()),
    };
    let (host, port) = text.split_at(split);
    if host.is_empty() {
        return None;
    }
    match port.trim_ascii_start().strip_prefix(':') {
        // A port that follows spaces is still one in a Via (RFC 3261 §25.1, COLON).
        Some(port) => Some((host.trim_ascii_end(), Some(port.trim_ascii_start().parse().ok()?))),
        None if port.trim_ascii().is_empty() => Some((host.trim_ascii_end(), None)),
        None => None,
    }
}

/// An address, IPv6 with or without brackets.
pub(crate) fn parse_ip(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inside) => inside.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

/// The user part of a SIP URI that means `name`: what may not stand there as it is is escaped, byte
/// by byte of its UTF-8 (RFC 3261 §19.1.2, §25.1).
pub fn escape_user(name: &str) -> Cow<'_, str> {
    let stands = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte);
    if name.bytes().all(stands) {
        return Cow::Borrowed(name);
    }
    let mut escaped = String::with_capacity(name.len() * 3);
    for byte in name.bytes() {
        if stands(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            let digits = [byte >> 4, byte & 0xf].map(|half| char::from_digit(half.into(), 16));
            escaped.extend(digits.into_iter().flatten().map(|digit| digit.to_ascii_uppercase()));
        }
    }
    Cow::Owned(escaped)
}

/// `%xx` decoded; where the outcome is not UTF-8, or an escape is not one, the text stays.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escape = match tail {
            [high, low, ..] if *first == b'%' => hex_value(*high).zip(hex_value(*low)),
            _ => None,
        };
        match escape {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Parameters in both must be equal; of those in one only, these four count (RFC 3261 §19.1.4).
/// Of one that is there several times the first counts.
fn same_params(one: Params<'_>, other: Params<'_>) -> bool {
    const MUST_BE_IN_BOTH: [&str; 4] = ["user", "ttl", "method", "maddr"];
    let (one, other) = (by_name(one), by_name(other));
    let fits = |one: &[(&str, &str)], other: &[(&str, &str)]| {
        one.iter().all(|(name, value)| {
            let at = other.partition_point(|(known, _)| folded(known).lt(folded(name)));
            match other.get(at).filter(|(known, _)| known.eq_ignore_ascii_case(name)) {
                Some((_, theirs)) => decoded(value).eq_ignore_ascii_case(&decoded(theirs)),
                None => !MUST_BE_IN_BOTH.iter().any(|known| known.eq_ignore_ascii_case(name)),
            }
        })
    };
    fits(&one, &other) && fits(&other, &one)
}

/// Parameters in the order of their names; those of one name as they came.
fn by_name(params: Params<'_>) -> Vec<(&str, &str)> {
    let mut sorted: Vec<_> = params.iter().collect();
    sorted.sort_by(|(one, _), (other, _)| folded(one).cmp(folded(other)));
    sorted
}

/// A name whose case does not matter.
fn folded(name: &str) -> impl Iterator<Item = u8> + '_ {
    name.bytes().map(|byte| byte.to_ascii_lowercase())
}

/// Headers must be equal, in any order.
fn same_headers(one: &str, other: &str) -> bool {
    one == other || one.split('&').collect::<BTreeSet<_>>() == other.split('&').collect()
}

#[cfg(test)]
mod tests {
    use super::{OwnedUri, Scheme, Uri};

    fn uri(text: &str) -> Uri<'_> {
        Uri::parse(text).unwrap()
    }

    #[test]
    fn the_parts_of_a_sip_uri_are_found() {
        let uri = uri("sips:alice:secret@[2001:db8::1]:5071;transport=tcp;lr?Subject=a&x=y");
        assert_eq!(uri.scheme(), Scheme::Sips);
        assert_eq!((uri.user(), uri.password()), ("alice", Some("secret")));
        assert_eq!((uri.host(), uri.port()), ("[2001:db8::1]", Some(5071)));
        assert_eq!(uri.socket_addr(), Some("[2001:db8::1]:5071".parse().unwrap()));
        assert_eq!(uri.params().value("transport"), Some("tcp"));
        assert!(uri.params().has("lr"));
        assert_eq!(uri.headers(), "Subject=a&x=y");
    }

    #[test]
    fn a_user_part_may_hold_what_else_separates() {
        let uri = uri("sip:user;par=u%40example.net?x@example.com;y=z");
        assert_eq!(uri.user(), "user;par=u%40example.net?x");
        assert_eq!(uri.host(), "example.com");
        assert_eq!(uri.user_decoded(), "user;par=u@example.net?x");
    }

    #[test]
    fn a_telephone_number_loses_its_separators() {
        let uri = uri("tel:+86-10-(9551)2;phone-context=example.com");
        assert_eq!((uri.scheme(), uri.host()), (Scheme::Tel, ""));
        assert_eq!(uri.user_decoded(), "+861095512");
        assert_eq!(uri.params().value("phone-context"), Some("example.com"));
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for text in [
            "",
            "alice",
            "sip:",
            "sip:a@",
            "sip:a@h:x",
            "sip:a@h:70000",
            "sip:a b@h",
            "sip:a@h ;x",
            "tel:",
            "tel:95512@h",
            "1<:x",
            "sip:a@[::1",
            "sip:<a@h>",
        ] {
            assert_eq!(Uri::parse(text), None, "{text}");
        }
        assert_eq!(uri("http://example.com").scheme(), Scheme::Other);
        assert_eq!(OwnedUri::new("nonsense"), None);
    }

    #[test]
    fn of_a_parameter_that_is_there_twice_the_first_counts() {
        assert!(!uri("sip:a@b;x=1;X=1").is_equivalent(&uri("sip:a@b;x=1;x=2;y")));
        assert!(uri("sip:a@b;x=1;X=1").is_equivalent(&uri("sip:a@b;y;x=1;x=1")));
    }

    #[test]
    fn uris_as_long_as_a_message_are_compared_without_comparing_each_part_with_each() {
        let parts = |from: usize, between: &str| {
            let part = |number: usize| format!("{between}{:x}", number % 12_000);
            (from..from + 12_000).map(part).collect::<String>()
        };
        for between in [";", "&"] {
            let begin = if between == "&" { "sip:a@b?z" } else { "sip:a@b" };
            let of = |from: usize| format!("{begin}{}", parts(from, between));
            let (one, other) = (of(0), of(6_000));
            let begun = std::time::Instant::now();
            assert!(uri(&one).is_equivalent(&uri(&other)));
            // Each parameter with each takes two seconds.
            assert!(begun.elapsed().as_millis() < 500, "{:?}", begun.elapsed());
        }
    }

    #[test]
    fn uris_are_compared_as_section_19_1_4_says() {
        for (one, other) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
            ("sip:a@b.com?method=x&subject=y", "sip:a@b.com?subject=y&method=x"),
            ("tel:+1-201-555", "tel:+1201555"),
        ] {
            assert!(uri(one).is_equivalent(&uri(other)), "{one} {other}");
        }
        for (one, other) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;user=phone"),
            ("sip:a@b.com;security=on", "sip:a@b.com;security=off"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ] {
            assert!(!uri(one).is_equivalent(&uri(other)), "{one} {other}");
        }
    }
}
