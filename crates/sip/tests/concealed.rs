//! Whatever a message looks like, what must be hidden is, and nothing else about it changes.

use proptest::prelude::*;
use sip::{hide_personal, hide_secrets};

const SECRET: &str = "S3cr3tS3cr3t";
const NUMBER: &str = "13800138000";

/// Lines that give a secret away, as one peer or another may write them.
const SECRETS: [&str; 9] = [
    "Authorization: Digest username=\"8001\", realm=\"h\", response=\"S3cr3tS3cr3t\", nc=1",
    "Proxy-Authorization:Digest response=S3cr3tS3cr3t",
    "AUTHORIZATION : Basic S3cr3tS3cr3t",
    "Authorization: Digest\r\n username=\"a,\\\"b\",\r\n\tresponse = \"S3cr3tS3cr3t\"",
    "Authentication-Info: rspauth=\"S3cr3tS3cr3t\"",
    "Contact: <sip:bob:S3cr3tS3cr3t@h>",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:S3cr3tS3cr3t",
    "k=base64:S3cr3tS3cr3t",
    "a=ice-pwd:S3cr3tS3cr3t",
];

/// Lines that say who somebody is.
const PEOPLE: [&str; 9] = [
    "From: \"13800138000\" <sip:13800138000@h>;tag=1",
    "From: \"138 0013 8000\" <sip:8001@h>;tag=1",
    "To: (138) 0013.8000 <sip:8001@h>",
    "f: sip:+8613800138000@h",
    "P-Asserted-Identity: <tel:138-0013-8000>, <sip:13800138000@h>",
    "Diversion: <sip:13800138000@192.0.2.1>",
    "X-Customer: 13800138000",
    "13800138000",
    "Subject: call 13800138000\r\n and 13800138000",
];

const PLAIN: [&str; 6] = [
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
    "Call-ID: a",
    "CSeq: 1 INVITE",
    "Content-Type: text/plain",
    "",
    "v=0",
];

fn joined(lines: &[&str], breaks: &str) -> Vec<u8> {
    let mut text = "INVITE sip:95512@h SIP/2.0".to_owned();
    for line in lines {
        text += breaks;
        text += line;
    }
    text.into_bytes()
}

fn breaks() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["\r\n", "\n", "\r"])
}

fn lines(of: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    let one = prop_oneof![prop::sample::select(of), prop::sample::select(&PLAIN[..])];
    prop::collection::vec(one, 0..12)
}

/// The digits of a text, without what may stand between them.
fn digits(bytes: &[u8]) -> String {
    bytes.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect()
}

proptest! {
    #[test]
    fn no_secret_survives_wherever_its_line_stands(
        lines in lines(&SECRETS),
        breaks in breaks(),
    ) {
        let mut bytes = joined(&lines, breaks);
        hide_secrets(&mut bytes);
        let text = String::from_utf8(bytes).unwrap_or_default();
        prop_assert!(!text.contains(SECRET), "{text}");
    }

    #[test]
    fn no_number_survives_wherever_its_line_stands(
        lines in lines(&PEOPLE),
        breaks in breaks(),
    ) {
        let mut bytes = joined(&lines, breaks);
        hide_personal(&mut bytes);
        prop_assert!(!digits(&bytes).contains(NUMBER), "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_word_of_a_description_survives(kind in "[siuep]", text in "[!-~][ -~]{1,40}") {
        let head = ["Content-Type: application/sdp", "", "v=0"];
        let mut bytes = joined(&[&head[..], &[&format!("{kind}={text}")]].concat(), "\r\n");
        hide_personal(&mut bytes);
        let said = &bytes[bytes.len() - text.len()..];
        let is_gone = said.iter().all(|byte| matches!(byte, b'*' | b' '));
        prop_assert!(is_gone || text.trim() == "-", "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_bytes_keep_their_length_and_their_lines(
        mut bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let before = bytes.clone();
        hide_secrets(&mut bytes);
        hide_personal(&mut bytes);
        prop_assert_eq!(bytes.len(), before.len());
        for (is, was) in bytes.iter().zip(&before) {
            prop_assert!(is == was || *is == b'*', "{is} for {was}");
            prop_assert!(!matches!(was, b'\r' | b'\n') || is == was);
        }
    }

    #[test]
    fn a_message_with_any_edit_keeps_its_length(
        lines in lines(&SECRETS),
        more in lines(&PEOPLE),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = joined(&[lines, more].concat(), "\r\n");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let length = bytes.len();
        hide_personal(&mut bytes);
        hide_secrets(&mut bytes);
        prop_assert_eq!(bytes.len(), length);
    }
}
