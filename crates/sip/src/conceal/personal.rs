//! Personal data: telephone numbers, names, and whatever a body says of a person.

mod numbers;

use std::ops::Range;

use super::{Line, header, hide, lines, part, pieces};
use numbers::{mask_spaced, numbers};

/// Headers without personal data, by their long and compact names.
const PLAIN: [&str; 49] = [
    "via",
    "v",
    "call-id",
    "i",
    "cseq",
    "max-forwards",
    "content-length",
    "l",
    "content-type",
    "c",
    "content-encoding",
    "e",
    "content-disposition",
    "mime-version",
    "allow",
    "supported",
    "k",
    "require",
    "proxy-require",
    "unsupported",
    "expires",
    "min-expires",
    "session-expires",
    "x",
    "min-se",
    "user-agent",
    "server",
    "date",
    "retry-after",
    "rseq",
    "rack",
    "event",
    "o",
    "allow-events",
    "u",
    "subscription-state",
    "accept",
    "accept-encoding",
    "accept-language",
    "timestamp",
    "reason",
    "www-authenticate",
    "proxy-authenticate",
    "replaces",
    "join",
    "privacy",
    "session-id",
    "warning",
    "p-early-media",
];

/// Headers with addresses: names before `<` are hidden, numbers are masked.
const ADDRESSES: [&str; 24] = [
    "from",
    "f",
    "to",
    "t",
    "contact",
    "m",
    "route",
    "record-route",
    "path",
    "service-route",
    "p-asserted-identity",
    "p-preferred-identity",
    "p-called-party-id",
    "remote-party-id",
    "diversion",
    "history-info",
    "refer-to",
    "r",
    "referred-by",
    "b",
    "reply-to",
    "call-info",
    "alert-info",
    "target-dialog",
];

/// Headers in which numbers alone are masked.
const NUMBERS: [&str; 4] =
    ["authorization", "proxy-authorization", "authentication-info", "proxy-authentication-info"];

/// What is in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Sdp,
    /// A piece of a message (RFC 3420).
    Fragment,
    /// Digits that a caller keyed, texts, pictures: nothing of it is shown.
    Other,
}

/// Masks the personal data of a message: numbers of seven or more digits, names of people, the
/// whole of headers that are not known, and of bodies that are neither SDP nor message/sipfrag.
///
/// A text that is no message is hidden almost whole, for nothing is known of it.
pub fn hide_personal(message: &mut [u8]) {
    let lines = lines(message);
    let body = body_of(message, &lines);
    let mut is_first = true;
    for line in lines {
        match (line.is_body, body) {
            (false, _) => head_line(message, line.range, std::mem::take(&mut is_first)),
            (true, Body::Fragment) => {
                let starts = is_start(part(message, line.range.clone()));
                head_line(message, line.range, starts);
            }
            (true, Body::Sdp) => sdp_line(message, line.range),
            (true, Body::Other) => hide(message, line.range),
        }
    }
}

/// What all Content-Types agree on.
fn body_of(message: &[u8], lines: &[Line]) -> Body {
    let head = lines.iter().filter(|line| !line.is_body);
    let types = head.filter_map(|line| header(message, line.range.clone()));
    let types = types.filter(|(name, _)| name == "content-type" || name == "c");
    let mut kinds = types.map(|(_, value)| {
        let text = String::from_utf8_lossy(part(message, value)).to_ascii_lowercase();
        match text.split(';').next().unwrap_or_default().trim() {
            "application/sdp" => Body::Sdp,
            "message/sipfrag" => Body::Fragment,
            _ => Body::Other,
        }
    });
    let first = kinds.next().unwrap_or(Body::Other);
    if kinds.all(|kind| kind == first) { first } else { Body::Other }
}

/// Whether a line begins a message.
fn is_start(line: &[u8]) -> bool {
    line.starts_with(b"SIP/2.0 ") || line.ends_with(b" SIP/2.0")
}

fn head_line(message: &mut [u8], line: Range<usize>, is_first: bool) {
    if is_first {
        if is_start(part(message, line.clone())) {
            return numbers(message, line);
        }
        return hide(message, line);
    }
    match header(message, line.clone()) {
        Some((name, value)) => match name.as_str() {
            name if PLAIN.contains(&name) => {}
            name if ADDRESSES.contains(&name) => addresses(message, value),
            name if NUMBERS.contains(&name) => numbers(message, value),
            _ => hide(message, value),
        },
        None => hide(message, line),
    }
}

/// RFC 8866 §5: who made the session, how they are reached, what it is about.
fn sdp_line(message: &mut [u8], line: Range<usize>) {
    let value = line.start + 2..line.end;
    match part(message, line.clone()) {
        [b'v' | b'c' | b'b' | b't' | b'r' | b'z' | b'k' | b'a' | b'm', b'=', ..] => {}
        [b's' | b'i' | b'u' | b'e' | b'p', b'=', text @ ..] => {
            // A lone dash says that there is nothing to say.
            if text.trim_ascii() != b"-" {
                hide(message, value);
            }
        }
        [b'o', b'=', rest @ ..] => {
            let user = value.start..value.start + user_of(rest);
            if !mask_spaced(message, user.clone()) {
                numbers(message, user);
            }
        }
        _ => hide(message, line),
    }
}

/// How long the user of an origin line is: all but the five words behind it, for people write
/// numbers with blanks between. Of a line with fewer words it is the first.
fn user_of(origin: &[u8]) -> usize {
    let blanks = origin.iter().enumerate().filter(|(_, byte)| **byte == b' ');
    let mut ends = blanks.map(|(at, _)| at);
    let fifth = ends.clone().rev().nth(4);
    fifth.or_else(|| ends.next()).unwrap_or(origin.len())
}

/// Addresses as `name <uri>;params`, several with commas between.
fn addresses(message: &mut [u8], value: Range<usize>) {
    for piece in pieces(message, value, b',') {
        let text = part(message, piece.clone());
        let (mut quoted, mut escaped) = (false, false);
        let bracket = text.iter().position(|byte| {
            // A quote that is escaped ends no name (RFC 3261 §25.1, quoted-pair).
            let ends_name = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && quoted && !escaped;
            quoted ^= ends_name;
            *byte == b'<' && !quoted
        });
        if let Some(bracket) = bracket {
            display_name(message, piece.start..piece.start + bracket);
        }
        numbers(message, piece);
    }
}

/// Hides a name but for its first character; one that is a number is masked as numbers are.
fn display_name(message: &mut [u8], range: Range<usize>) {
    if mask_spaced(message, range.clone()) {
        return;
    }
    let text = part(message, range.clone());
    let is_mark = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'"';
    let Some(first) = text.iter().position(|byte| !is_mark(byte)) else { return };
    let is_inside = |byte: &&u8| (0x80..0xc0).contains(*byte);
    let shown = first + 1 + text.iter().skip(first + 1).take_while(is_inside).count();
    for at in range.start + shown..range.end {
        if let Some(byte) = message.get_mut(at)
            && !is_mark(byte)
        {
            *byte = b'*';
        }
    }
}

#[cfg(test)]
mod tests;
