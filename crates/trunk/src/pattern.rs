//! Patterns of telephone numbers: what may be called, and which numbers are written anew.

use std::fmt;
use std::str::FromStr;

/// The most places of one pattern: longer than any number.
const PLACES_MAX: usize = 32;

/// Which numbers are meant: `95512` is that number, `X` any digit, `[3-9]` or `[358]` one of those,
/// and a `.` at the end any digits that follow, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    places: Vec<Place>,
    /// Whether more digits follow.
    is_open: bool,
}

/// What may stand at one place of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    This(char),
    /// One bit for each digit, from 0 up.
    OneOf(u16),
}

impl Place {
    fn takes(self, digit: char) -> bool {
        match self {
            Self::This(own) => own == digit,
            Self::OneOf(set) => digit.to_digit(10).is_some_and(|digit| set & (1 << digit) != 0),
        }
    }
}

impl Pattern {
    /// Whether `number` is one of those meant.
    pub fn matches(&self, number: &str) -> bool {
        let mut digits = number.chars();
        let fits = self.places.iter().all(|place| digits.next().is_some_and(|c| place.takes(c)));
        let rest = digits.as_str();
        fits && match self.is_open {
            true => !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()),
            false => rest.is_empty(),
        }
    }
}

/// A text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsePatternError;

impl fmt::Display for ParsePatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected digits, X for any digit, [3-9] for one of some and a '.' at the end for any \
             that follow, such as '1[3-9]XXXXXXXXX' or '021.'; at most {PLACES_MAX} places"
        )
    }
}

impl std::error::Error for ParsePatternError {}

impl FromStr for Pattern {
    type Err = ParsePatternError;

    fn from_str(text: &str) -> Result<Self, ParsePatternError> {
        let (text, is_open) = match text.strip_suffix('.') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let mut places = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            places.push(match c {
                '0'..='9' | '+' | '*' | '#' => Place::This(c),
                'X' | 'x' => Place::OneOf(0x3ff),
                '[' => {
                    let (inside, after) = rest.as_str().split_once(']').ok_or(ParsePatternError)?;
                    rest = after.chars();
                    Place::OneOf(set(inside)?)
                }
                _ => return Err(ParsePatternError),
            });
        }
        let is_empty = places.is_empty() && !is_open;
        if is_empty || places.len() > PLACES_MAX {
            return Err(ParsePatternError);
        }
        Ok(Self { places, is_open })
    }
}

/// The digits between brackets: single ones, and ranges with a `-`.
fn set(inside: &str) -> Result<u16, ParsePatternError> {
    let digit = |c: char| c.to_digit(10).ok_or(ParsePatternError);
    let (mut digits, mut set) = (inside.chars().peekable(), 0);
    while let Some(c) = digits.next() {
        let first = digit(c)?;
        let last = match digits.next_if_eq(&'-') {
            Some(_) => digit(digits.next().ok_or(ParsePatternError)?)?,
            None => first,
        };
        if last < first {
            return Err(ParsePatternError);
        }
        set |= (first..=last).fold(0, |set, digit| set | 1 << digit);
    }
    if set == 0 { Err(ParsePatternError) } else { Ok(set) }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn matches(pattern: &str, number: &str) -> bool {
        pattern.parse::<Pattern>().unwrap_or_else(|_| panic!("{pattern}")).matches(number)
    }

    #[test]
    fn every_place_counts_and_nothing_may_follow() {
        assert!(matches("95512", "95512"));
        assert!(!matches("95512", "955123"));
        assert!(!matches("95512", "9551"));
        assert!(matches("1[3-9]XXXXXXXXX", "13800138000"));
        assert!(!matches("1[3-9]XXXXXXXXX", "12800138000"));
        assert!(!matches("1[3-9]XXXXXXXXX", "1380013800"));
        assert!(matches("9[157-9]X", "980"));
        assert!(!matches("9[157-9]X", "960"));
        assert!(matches("+8610X", "+86109"));
        assert!(!matches("X", "*"));
    }

    #[test]
    fn an_open_pattern_takes_digits_and_nothing_else_after_it() {
        assert!(matches("021.", "02168880000"));
        assert!(!matches("021.", "021"));
        assert!(!matches("021.", "0216888#"));
        assert!(matches(".", "1"));
        assert!(!matches(".", ""));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let endless = "1".repeat(33);
        for text in ["", "sales", "1[", "1[]", "[9-3]", "[3-]", "[a]", "1.2", "1-2", &endless] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }
}
