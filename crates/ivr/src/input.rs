//! What a caller keyed, and what it is.

use std::fmt;

use model::Pii;

use crate::script::Accepts;

/// Keys beyond the longest right number after which the caller is not waited for any more.
const MAX_EXCESS: usize = 32;

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

/// Keys in the order in which they came. They may identify a person: printed, they are masked.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Keyed {
    digits: String,
    excess: usize,
}

impl Keyed {
    /// Keeps `digit`, or only counts it where there are already `max`.
    pub(crate) fn push(&mut self, digit: char, max: usize) {
        if self.digits.len() < max {
            self.digits.push(digit);
        } else {
            self.excess = self.excess.saturating_add(1);
        }
    }

    pub(crate) fn pop_first(&mut self) -> Option<char> {
        if self.digits.is_empty() { None } else { Some(self.digits.remove(0)) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.digits.is_empty()
    }

    /// Whether the caller leans on the keys.
    pub(crate) fn is_endless(&self) -> bool {
        self.excess >= MAX_EXCESS
    }

    /// The digits as facts and logs may hold them.
    pub(crate) fn shown(&self, is_personal: bool) -> String {
        if is_personal {
            Pii::new(self.digits.as_str()).masked().to_string()
        } else {
            self.digits.clone()
        }
    }

    /// What the digits are: the first of `accepts` that they fit.
    pub(crate) fn read(&self, accepts: &[Accepts]) -> Option<Input> {
        if self.excess > 0 {
            return None;
        }
        accepts.iter().find_map(|accepts| match *accepts {
            Accepts::IdentityNumber => {
                let number = match self.digits.strip_suffix('*') {
                    Some(body) => format!("{body}X"),
                    None => self.digits.clone(),
                };
                let is_right = identity_number_is_valid(&number);
                is_right.then(|| Input::IdentityNumber(Pii::new(number)))
            }
            Accepts::PolicyNumber { min, max } => {
                let number = self.digits_between(min, max)?;
                Some(Input::PolicyNumber(Pii::new(number)))
            }
            Accepts::Digits { min, max } => {
                let number = self.digits_between(min, max)?;
                Some(Input::Digits(Pii::new(number)))
            }
        })
    }

    fn digits_between(&self, min: usize, max: usize) -> Option<String> {
        let is_right = (min..=max).contains(&self.digits.len())
            && self.digits.bytes().all(|b| b.is_ascii_digit());
        is_right.then(|| self.digits.clone())
    }
}

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Pii::new(self.digits.as_str()))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_character_of_an_identity_number_counts() {
        // The examples of GB 11643-1999, annex A.
        for number in ["11010519491231002X", "440524188001010014"] {
            let is_of_this_age = !number.starts_with("4405241880");
            assert_eq!(identity_number_is_valid(number), is_of_this_age, "{number}");
        }
        let right = "11010519491231002X";
        for at in 0..18 {
            let mut wrong = right.as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'4' { b'5' } else { b'4' };
            let wrong = String::from_utf8(wrong).expect("still digits");
            assert!(!identity_number_is_valid(&wrong), "{wrong}");
        }
    }

    #[test]
    fn an_identity_number_holds_a_day_of_birth() {
        // Each with the check character that its digits give.
        for (number, is_valid) in [
            ("110105200002290013", true),
            ("110105190002290017", false),
            ("110105199004310019", false),
            ("110105199013010018", false),
            ("110105199012000010", false),
            ("1101051949123100", false),
            ("11010519491231002x", false),
            ("", false),
        ] {
            assert_eq!(identity_number_is_valid(number), is_valid, "{number}");
        }
    }

    fn keyed(text: &str, max: usize) -> Keyed {
        let mut keyed = Keyed::default();
        text.chars().for_each(|c| keyed.push(c, max));
        keyed
    }

    #[test]
    fn digits_are_what_they_fit_first() {
        let accepts = [Accepts::IdentityNumber, Accepts::PolicyNumber { min: 8, max: 17 }];
        let read = |text: &str| keyed(text, 18).read(&accepts);
        let identity = |text: &str| Some(Input::IdentityNumber(text.into()));
        assert_eq!(read("11010519491231002*"), identity("11010519491231002X"));
        assert_eq!(read("110105200002290013"), identity("110105200002290013"));
        assert_eq!(read("260100000015"), Some(Input::PolicyNumber("260100000015".into())));
        for wrong in ["", "1234567", "12345678*", "1234567A", "110105200002290014", "*"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(keyed("1234567890", 9).read(&[Accepts::Digits { min: 1, max: 9 }]), None);
    }

    #[test]
    fn keyed_digits_print_masked() {
        let keyed = keyed("11010519491231002*", 18);
        assert_eq!(format!("{keyed:?}"), "110*************2*");
        assert_eq!(keyed.shown(true), "110*************2*");
        assert_eq!(keyed.shown(false), "11010519491231002*");
    }
}
