//! Telephone numbers as people and carriers write them, brought to one form.

/// The most digits a number may have: E.164 has 15, a national prefix and an access code more.
const DIGITS_MAX: usize = 32;

/// `number` without visual separators (RFC 3966 §5.1.1), parameters and the Chinese country code.
///
/// What is no number (letters) stays as it is, so that names can be dialled too.
pub fn normalise(number: &str) -> String {
    let number = number.split(';').next().unwrap_or_default();
    let dialled = |c: &char| c.is_ascii_digit() || matches!(c, '*' | '#' | '+');
    let separator = |c: char| matches!(c, '-' | '.' | '(' | ')' | ' ');
    if !number.chars().all(|c| dialled(&c) || separator(c)) {
        return number.to_owned();
    }
    let digits: String = number.chars().filter(dialled).take(DIGITS_MAX).collect();
    for prefix in ["+86", "0086"] {
        if let Some(national) = digits.strip_prefix(prefix) {
            return national.to_owned();
        }
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn one_number_has_one_form() {
        for (written, normal) in [
            ("95512", "95512"),
            ("+8695512", "95512"),
            ("0086 138-0013-8000", "13800138000"),
            ("(021) 6888.0000", "02168880000"),
            ("95512;phone-context=+86", "95512"),
            ("sales", "sales"),
            ("", ""),
        ] {
            assert_eq!(normalise(written), normal, "{written}");
        }
    }

    #[test]
    fn an_endless_number_is_cut() {
        assert_eq!(normalise(&"1".repeat(10_000)).len(), super::DIGITS_MAX);
    }
}
