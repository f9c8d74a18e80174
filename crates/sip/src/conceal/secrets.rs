//! Secrets: what proves a password, keys of media, passwords in URIs.

use std::ops::Range;

use super::{header, hide, lines, part, pieces};

/// The parameters of digest that prove nothing (RFC 3261 §20.7, RFC 8760). All others are hidden:
/// `response` and `rspauth` let one guess the password without asking anybody.
const PLAIN: [&str; 11] = [
    "username",
    "realm",
    "nonce",
    "uri",
    "algorithm",
    "cnonce",
    "opaque",
    "qop",
    "nc",
    "nextnonce",
    "auts",
];

/// Hides what nobody may see of a message: the answers of digest and other credentials (RFC 3261
/// §20.7, §20.28, §20.6), the keys of SDP (RFC 4568, RFC 4567, RFC 4566 §5.12), ICE's passwords
/// (RFC 8839 §5.4) and passwords in URIs (RFC 3261 §19.1.1).
///
/// Headers are looked for in the body, too: it may hold a message (message/sipfrag).
pub fn hide_secrets(message: &mut [u8]) {
    for line in lines(message) {
        let range = line.range;
        if let Some((name, value)) = header(message, range.clone()) {
            match name.as_str() {
                "authorization" | "proxy-authorization" => credentials(message, value),
                "authentication-info" | "proxy-authentication-info" => params(message, value),
                "a=crypto" => after_words(message, value, 2),
                "a=key-mgmt" | "a=ice-pwd" => hide(message, value),
                _ => {}
            }
        }
        if part(message, range.clone()).starts_with(b"k=") {
            hide(message, range.start + 2..range.end);
        }
        uri_passwords(message, range);
    }
}

/// Credentials of any scheme; only those of digest are understood.
fn credentials(message: &mut [u8], value: Range<usize>) {
    let text = part(message, value.clone());
    let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let scheme = text.iter().skip(blanks).take_while(|byte| !byte.is_ascii_whitespace()).count();
    let after = value.start + blanks + scheme;
    let is_digest = part(message, value.start + blanks..after).eq_ignore_ascii_case(b"digest");
    if is_digest {
        params(message, after..value.end);
    } else {
        hide(message, after..value.end);
    }
}

/// Hides the values of all parameters that are not known to be plain.
fn params(message: &mut [u8], range: Range<usize>) {
    for piece in pieces(message, range, b',') {
        let equals = part(message, piece.clone()).iter().position(|byte| *byte == b'=');
        let Some(equals) = equals else {
            hide(message, piece);
            continue;
        };
        let name = String::from_utf8_lossy(part(message, piece.start..piece.start + equals));
        if !PLAIN.contains(&name.trim().to_ascii_lowercase().as_str()) {
            hide(message, piece.start + equals + 1..piece.end);
        }
    }
}

/// Hides what comes after so many words.
fn after_words(message: &mut [u8], range: Range<usize>, words: usize) {
    let (mut left, mut inside) = (words, false);
    for (at, byte) in range.clone().zip(part(message, range.clone()).to_vec()) {
        let blank = byte.is_ascii_whitespace();
        if inside && blank {
            left -= 1;
        }
        if left == 0 {
            return hide(message, at..range.end);
        }
        inside = !blank;
    }
}

/// Hides `secret` of every `sip:user:secret@host`.
fn uri_passwords(message: &mut [u8], range: Range<usize>) {
    let secrets = passwords(part(message, range.clone()).iter().copied());
    for secret in secrets {
        hide(message, range.start + secret.start..range.start + secret.end);
    }
}

/// Where the passwords in URIs are. A peer writes the line, and may fill it with `sip:`: an
/// iterator cannot go back, so that every byte is looked at once.
fn passwords(line: impl Iterator<Item = u8>) -> Vec<Range<usize>> {
    let (mut found, mut before) = (Vec::new(), [0; 4]);
    let (mut is_uri, mut colon) = (false, None);
    for (at, byte) in line.enumerate() {
        match byte {
            b':' if is_uri => colon = colon.or(Some(at)),
            b':' => is_uri = is_scheme(before),
            b'@' | b'<' | b'>' | b'"' | b' ' | b'\r' | b'\n' => {
                if let (b'@', Some(colon)) = (byte, colon) {
                    found.push(colon + 1..at);
                }
                (is_uri, colon) = (false, None);
            }
            _ => {}
        }
        let [_, third, second, last] = before;
        before = [third, second, last, byte.to_ascii_lowercase()];
    }
    found
}

/// Whether the last bytes before a colon make the scheme of SIP.
const fn is_scheme(before: [u8; 4]) -> bool {
    matches!(before, [_, b's', b'i', b'p'] | [b's', b'i', b'p', b's'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        hide_secrets(&mut bytes);
        assert_eq!(bytes.len(), text.len(), "lengths are kept");
        String::from_utf8(bytes).unwrap()
    }

    fn header_of(value: &str) -> String {
        let hidden = hidden(&format!("REGISTER sip:h SIP/2.0\r\n{value}\r\nTo: <sip:a@b>\r\n\r\n"));
        hidden.lines().nth(1).unwrap_or_default().to_owned()
    }

    #[test]
    fn what_proves_a_password_is_hidden_and_the_rest_of_digest_is_not() {
        assert_eq!(
            header_of(
                r#"Authorization: Digest username="8001", realm="h", response="6629fae49393",nc=1"#
            ),
            r#"Authorization: Digest username="8001", realm="h", response=**************,nc=1"#
        );
        assert_eq!(
            header_of(r#"proxy-authorization :digest RESPONSE = abc , opaque="x,response=y""#),
            r#"proxy-authorization :digest RESPONSE = *** , opaque="x,response=y""#
        );
        assert_eq!(
            header_of(r#"Authentication-Info: rspauth="ab", nextnonce="n""#),
            r#"Authentication-Info: rspauth=****, nextnonce="n""#
        );
        assert_eq!(header_of("Authorization: Digest response"), "Authorization: Digest ********");
    }

    #[test]
    fn other_credentials_are_hidden_whole() {
        assert_eq!(header_of("Authorization: Basic dXNlcg=="), "Authorization: Basic ********");
        assert_eq!(
            header_of("Authorization: Bearer realm=x, response=y"),
            "Authorization: Bearer ******** **********"
        );
    }

    #[test]
    fn a_folded_header_hides_nothing_less() {
        let text = "OPTIONS sip:h SIP/2.0\r\nAuthorization: Digest\r\n realm=\"r\",\r\n\
                    \tresponse=\"abc\"\r\nVia: x\r\n\r\n";
        let hidden = hidden(text);
        assert!(!hidden.contains("abc") && hidden.contains("realm=\"r\""), "{hidden}");
        assert!(hidden.ends_with("Via: x\r\n\r\n"));
    }

    #[test]
    fn keys_of_media_are_hidden() {
        let sdp = "v=0\r\nk=clear:secret\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 \
                   inline:WVNf|2^20|1:4 FEC_ORDER=x\r\na=ice-pwd:pw\r\na=key-mgmt:mikey AQ\r\n\
                   a=ice-ufrag:kept\r\n";
        let text = format!("INVITE sip:h SIP/2.0\r\nVia: x\r\n\r\n{sdp}");
        assert_eq!(
            hidden(&text).split_once("\r\n\r\n").unwrap().1,
            "v=0\r\nk=************\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 \
             ******************** ***********\r\na=ice-pwd:**\r\na=key-mgmt:***** **\r\n\
             a=ice-ufrag:kept\r\n"
        );
    }

    #[test]
    fn passwords_in_uris_are_hidden_and_ports_are_not() {
        assert_eq!(
            header_of("Contact: <sip:bob:pass@h:5060>, <SIPS:eve:x@[2001:db8::1]>, <sip:h:5061>"),
            "Contact: <sip:bob:****@h:5060>, <SIPS:eve:*@[2001:db8::1]>, <sip:h:5061>"
        );
        assert_eq!(header_of("Contact: sip:bob@h:5060"), "Contact: sip:bob@h:5060");
    }

    #[test]
    fn a_uri_after_another_without_a_password_is_looked_at_too() {
        for (value, shown) in [
            ("sip:a@h;x=sip:bob:pass@h", "sip:a@h;x=sip:bob:****@h"),
            ("sip:a,sips:bob:pass@h", "sip:a,sips:********@h"),
            ("sip:a sip:bob:pass@h", "sip:a sip:bob:****@h"),
            ("sip:bob:pass@sip:eve:word@h", "sip:bob:****@sip:eve:****@h"),
            ("sip:bob:5060 x@h, si:bob:pass@h", "sip:bob:5060 x@h, si:bob:pass@h"),
        ] {
            assert_eq!(header_of(&format!("Contact: {value}")), format!("Contact: {shown}"));
        }
    }

    #[test]
    fn a_line_full_of_schemes_is_read_once_and_its_password_is_hidden() {
        for (unit, hides) in [("sip:", true), ("sip:a", true), ("sip:a@", false), ("sip:a ", false)]
        {
            let many = unit.repeat(60_000 / unit.len());
            let line = format!("{many} sip:bob:pass@h");
            let steps = std::cell::Cell::new(0);
            let found = passwords(line.bytes().inspect(|_| steps.set(steps.get() + 1)));
            assert_eq!(steps.get(), line.len(), "{unit}: every byte once");
            let found: Vec<_> = found.into_iter().map(|secret| &line[secret]).collect();
            assert_eq!(found, ["pass"], "{unit}");
            assert_eq!(hidden(&line), format!("{many} sip:bob:****@h"));

            let secrets = passwords(format!("{many}@h").bytes());
            assert_eq!(!secrets.is_empty(), hides, "{unit}");
        }
    }

    #[test]
    fn a_message_inside_a_body_and_a_broken_datagram_give_nothing_away() {
        let text = "NOTIFY sip:h SIP/2.0\r\n\r\nSIP/2.0 200 OK\r\nAuthorization: Basic abc\r\n";
        assert!(!hidden(text).contains("abc"));
        assert!(!hidden("\nAuthorization:Digest response=abc").contains("abc"));
        for text in ["", ":", "Authorization:", "a=crypto:", "k=", "sip:", "sip::@"] {
            hidden(text);
        }
    }
}
