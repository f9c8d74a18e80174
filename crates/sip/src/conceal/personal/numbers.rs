//! Telephone numbers, as URIs and people write them.

use std::ops::Range;

use crate::conceal::{hide, part};

/// Shorter runs of digits are extensions and service numbers, which belong to nobody.
const NUMBER_MIN: usize = 7;
/// Digits that stay visible at the beginning and at the end of a number: 138******78.
const HEAD: usize = 3;
const TAIL: usize = 2;

/// Masks telephone numbers: digits, escaped ones (`%31`) included, with the visual separators of
/// RFC 3966 §5.1.1 between them. IPv4 addresses and `;tag=` are none.
pub(super) fn numbers(message: &mut [u8], range: Range<usize>) {
    let mut at = range.start;
    while at < range.end {
        let rest = part(message, at..range.end);
        if starts_with_tag(rest) {
            let ends = |byte: &u8| matches!(byte, b';' | b',' | b'>') || byte.is_ascii_whitespace();
            at += 5 + rest.iter().skip(5).take_while(|byte| !ends(byte)).count();
            continue;
        }
        let (length, digits) = run(rest);
        if digits.len() >= NUMBER_MIN && !is_ipv4(part(message, at..at + length)) {
            mask(message, at, &digits);
        }
        at += length.max(1);
    }
}

/// Masks `range` as one number if nothing but digits and what people write between them is in it;
/// false if it says more than that.
///
/// Blanks do not part numbers here: a display name is one thing, `"138 0013 8000"` one number.
pub(super) fn mask_spaced(message: &mut [u8], range: Range<usize>) -> bool {
    let text = part(message, range.clone());
    if !text.iter().all(|byte| byte.is_ascii_digit() || b" \t\r\n\"+-.()".contains(byte)) {
        return false;
    }
    let digits = text.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit());
    let digits: Vec<_> = digits.map(|(at, _)| at..at + 1).collect();
    if digits.len() >= NUMBER_MIN {
        mask(message, range.start, &digits);
    }
    true
}

/// Hides the middle of a number whose digits are `digits` after `start`.
fn mask(message: &mut [u8], start: usize, digits: &[Range<usize>]) {
    for (nth, digit) in digits.iter().enumerate() {
        let shown = nth < HEAD || nth + TAIL >= digits.len();
        if !shown || digit.len() > 1 {
            hide(message, start + digit.start..start + digit.end);
        }
    }
}

fn starts_with_tag(text: &[u8]) -> bool {
    text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b";tag="))
}

/// How long the number at the beginning of `text` is, and where its digits are.
fn run(text: &[u8]) -> (usize, Vec<Range<usize>>) {
    let (mut at, mut digits) = (0, Vec::new());
    while let Some(byte) = text.get(at) {
        let width = match (byte, text.get(at + 1), text.get(at + 2)) {
            (b'0'..=b'9', ..) => 1,
            (b'%', Some(b'3'), Some(b'0'..=b'9')) => 3,
            (b'-' | b'.' | b'(' | b')', ..) if !digits.is_empty() => {
                at += 1;
                continue;
            }
            _ => break,
        };
        digits.push(at..at + width);
        at += width;
    }
    (at, digits)
}

/// Four groups of one to three digits; a separator may follow.
fn is_ipv4(run: &[u8]) -> bool {
    let text = String::from_utf8_lossy(run);
    let groups: Vec<&str> = text.trim_end_matches(['.', '-', ')', '(']).split('.').collect();
    let is_group = |group: &&str| {
        (1..=3).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_digit())
    };
    groups.len() == 4 && groups.iter().all(is_group)
}
