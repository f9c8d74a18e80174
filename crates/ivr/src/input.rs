//! What a caller keyed, and what it is.

use model::Pii;

/// Right digits, by what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// An identity number with its X written as such.
    IdentityNumber(Pii<String>),
    /// A policy number.
    PolicyNumber(Pii<String>),
    /// Other digits.
    Digits(Pii<String>),
}

/// Whether `number` is an identity number of GB 11643-1999: 6 digits of the place, 8 of the day of
/// birth, 3 of sequence, and the check character of ISO 7064 MOD 11-2 (a digit or `X`).
pub fn identity_number_is_valid(number: &str) -> bool {
    let bytes: &[u8; 18] = match number.as_bytes().try_into() {
        Ok(bytes) => bytes,
        Err(_) => return false,
    };
    let (body, check) = (&bytes[..17], bytes[17]);
    if !body.iter().all(u8::is_ascii_digit) || !is_day(&bytes[6..14]) {
        return false;
    }
    // a(1) = check; the sum over i of a(i) * 2^(i-1) is 1 modulo 11.
    let sum = body.iter().fold(0, |sum, digit| (sum + u32::from(digit - b'0')) * 2 % 11);
    let expected = (12 - sum) % 11;
    match check {
        b'X' => expected == 10,
        b'0'..=b'9' => expected == u32::from(check - b'0'),
        _ => false,
    }
}

/// Whether eight digits are a day that someone living may be born on.
fn is_day(digits: &[u8]) -> bool {
    let number = |range: &[u8]| range.iter().fold(0, |n, d| n * 10 + u32::from(d - b'0'));
    let (year, month, day) = (number(&digits[..4]), number(&digits[4..6]), number(&digits[6..]));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return false,
    };
    (1900..2100).contains(&year) && (1..=last).contains(&day)
}
