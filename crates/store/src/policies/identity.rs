//! 身份证号: the citizen's identity number of GB 11643-1999.

use jiff::civil::Date;

/// The weights of the first 17 digits (ISO 7064, MOD 11-2), as GB 11643 gives them.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// The check digit by remainder.
const CHECKS: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];

/// The 18th character that belongs to 17 digits; `None` if they are not 17 digits.
pub fn check_digit(digits: &str) -> Option<char> {
    if digits.len() != WEIGHTS.len() {
        return None;
    }
    let mut sum = 0;
    for (c, weight) in digits.chars().zip(WEIGHTS) {
        sum += c.to_digit(10)? * weight;
    }
    CHECKS.get(sum as usize % CHECKS.len()).copied()
}

/// Whether `text` is an identity number: 17 digits with a possible birthday in the right place,
/// and the check digit that belongs to them, `X` in upper case.
pub fn is_identity_number(text: &str) -> bool {
    text.is_ascii()
        && text.len() == 18
        && text.chars().last() == check_digit(&text[..17])
        && birthday(text).is_some()
}

/// The birthday in an identity number.
fn birthday(number: &str) -> Option<Date> {
    let part = |from: usize, to: usize| number.get(from..to)?.parse::<i16>().ok();
    let (year, month, day) = (part(6, 10)?, part(10, 12)?, part(12, 14)?);
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    (year >= 1900).then_some(date)
}

/// The number of someone from `region` (GB/T 2260), born on `birthday`, the `sequence`th of that
/// day there; odd for a man, even for a woman.
pub(crate) fn identity_number(region: u32, birthday: Date, sequence: u32) -> String {
    let digits = format!(
        "{region:06}{:04}{:02}{:02}{:03}",
        birthday.year(),
        birthday.month(),
        birthday.day(),
        sequence % 1000
    );
    let check = check_digit(&digits);
    digits.chars().chain(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_examples_check() {
        // Annex A of GB 11643-1999.
        assert_eq!(check_digit("11010519491231002"), Some('X'));
        assert_eq!(check_digit("44052418800101001"), Some('4'));
        assert!(is_identity_number("11010519491231002X"));
    }

    #[test]
    fn what_is_no_identity_number_is_refused() {
        for text in [
            "",
            "110105194912310021", // wrong check digit
            "11010519491231002x", // small x
            "110105194913310020", // month 13
            "1101051949123100",   // 16 characters
            "身份证号身份证",     // 18 bytes and more, not digits
            "44052418800101001",  // 17 digits
            "440524188001010014", // born in 1880
        ] {
            assert!(!is_identity_number(text), "{text}");
        }
    }

    #[test]
    fn a_number_is_built_from_its_parts() {
        let birthday = Date::constant(1949, 12, 31);
        assert_eq!(identity_number(110_105, birthday, 2), "11010519491231002X");
    }
}
