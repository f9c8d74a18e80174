//! One spelling per telephone number, so that a number is found however a carrier wrote it.

/// The longest number that is looked up: 15 digits of E.164 and room for a national prefix.
const LONGEST: usize = 20;

/// The canonical spelling of `number`, or `None` if it is no telephone number.
///
/// A mainland mobile number is its 11 digits (`13800138000`), a mainland landline number has its
/// area code with the 0 (`01066668888`), a service number is as dialled (`95512`, `4001234567`),
/// and a foreign number starts with `+`. Understood are `+86`, `0086`, `86`, the 0 that some
/// exchanges put before a mobile number, spaces, dashes, dots, brackets, and URI parameters after
/// a `;`.
pub fn normalise(number: &str) -> Option<String> {
    let number = number.trim().split(';').next().unwrap_or_default();
    let number = number.strip_prefix("tel:").unwrap_or(number);
    let mut digits = String::with_capacity(number.len().min(LONGEST));
    let mut international = false;
    for (at, c) in number.chars().enumerate() {
        match c {
            '0'..='9' if digits.len() < LONGEST => digits.push(c),
            '0'..='9' => return None,
            '+' if at == 0 => international = true,
            ' ' | '-' | '.' | '(' | ')' | '\u{a0}' | '\u{2010}'..='\u{2015}' => {}
            _ => return None,
        }
    }
    if digits.is_empty() {
        return None;
    }
    if !international && let Some(rest) = digits.strip_prefix("00") {
        digits = rest.to_owned();
        international = true;
    }
    Some(match (international, digits.strip_prefix("86")) {
        (true, Some(national)) => national_number(national),
        (true, None) => format!("+{digits}"),
        // Without a plus, 86 is the country only where what follows is a whole mainland number.
        (false, Some(national)) if is_mobile(national.trim_start_matches('0')) => {
            national_number(national)
        }
        (false, Some(_) | None) => national_number(&digits),
    })
    .filter(|number| number.bytes().any(|b| b.is_ascii_digit()))
}

/// A mainland number without its country code.
fn national_number(digits: &str) -> String {
    let bare = digits.trim_start_matches('0');
    if is_mobile(bare) {
        bare.to_owned()
    } else if digits.starts_with('0') || digits.len() < 10 || is_freephone(digits) {
        digits.to_owned()
    } else if digits.len() <= 11 {
        // An area code without its 0, as it stands behind +86.
        format!("0{digits}")
    } else {
        digits.to_owned()
    }
}

/// Eleven digits from 13 to 19.
fn is_mobile(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    bytes.len() == 11 && bytes[0] == b'1' && (b'3'..=b'9').contains(&bytes[1])
}

/// 400 and 800 numbers: ten digits without an area code.
fn is_freephone(digits: &str) -> bool {
    digits.len() == 10 && (digits.starts_with("400") || digits.starts_with("800"))
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn every_spelling_of_a_number_is_one_number() {
        let mobile = [
            "13800138000",
            "+8613800138000",
            "008613800138000",
            "8613800138000",
            "013800138000",
            "+86013800138000",
            "138 0013 8000",
            "+86-138-0013-8000",
            " 138\u{2011}0013.8000 ",
            "tel:+86-138-0013-8000;phone-context=+86",
            "13800138000;user=phone",
        ];
        for spelling in mobile {
            assert_eq!(normalise(spelling).as_deref(), Some("13800138000"), "{spelling}");
        }
        for spelling in ["+861066668888", "00861066668888", "(010) 6666-8888", "1066668888"] {
            assert_eq!(normalise(spelling).as_deref(), Some("01066668888"), "{spelling}");
        }
        for spelling in ["+8675512345678", "0755-12345678", "008675512345678"] {
            assert_eq!(normalise(spelling).as_deref(), Some("075512345678"), "{spelling}");
        }
    }

    #[test]
    fn service_foreign_and_short_numbers_stay_what_they_are() {
        for (spelling, number) in [
            ("95512", "95512"),
            ("+8695512", "95512"),
            ("400-123-4567", "4001234567"),
            ("+864001234567", "4001234567"),
            ("8001", "8001"),
            ("66668888", "66668888"),
            ("+1 (415) 555-2671", "+14155552671"),
            ("0014155552671", "+14155552671"),
            ("86123456", "86123456"),
        ] {
            assert_eq!(normalise(spelling).as_deref(), Some(number), "{spelling}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in
            ["", " ", "anonymous", "+", "138o0138000", "-", "+86", "tel:", "123456789012345678901"]
        {
            assert_eq!(normalise(text), None, "{text}");
        }
        assert_eq!(normalise("1380013800+"), None);
        assert_eq!(normalise("１３８００１３８０００"), None);
    }
}
