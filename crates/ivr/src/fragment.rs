//! Values said with recorded fragments: digits, counts, dates, the place in a queue.
//!
//! A fragment is a whole word of the sentence wherever that is possible (三位, 二零二七年, 十五日):
//! a single syllable out of its context is hard to understand on a telephone. They are named by
//! what they say: `customers_1` to `customers_99`, `policies_1` to `policies_20`, `year_2015` to
//! `year_2045`, `year` (年), `month_1` to `month_12`, `day_1` to `day_31`, `digit_0` to `digit_9`;
//! a status is called as it is in [`PolicyStatus::as_str`].

use model::{PolicyStatus, PromptId};

/// The years that are recorded as one fragment; any other is read digit by digit.
const YEARS: std::ops::RangeInclusive<u16> = 2015..=2045;

/// The most customers that are recorded.
const MAX_CUSTOMERS: u32 = 99;

/// The most policies that are recorded.
const MAX_POLICIES: u32 = crate::interpreter::MAX_POLICIES as u32;

/// What tells a caller their place in the queue; `position` 1 is the next to be served.
///
/// Any position can be said: beyond 100 the announcement is that there are a hundred or more.
pub fn position_prompts(position: u32) -> Vec<PromptId> {
    match position.saturating_sub(1) {
        0 => vec!["position_next".into()],
        ahead => match customers(ahead) {
            Some(number) => vec!["position_before".into(), number, "position_after".into()],
            None => vec!["position_many".into()],
        },
    }
}

/// Every prompt that [`position_prompts`] can need.
pub fn position_vocabulary() -> Vec<PromptId> {
    let around = ["position_next", "position_before", "position_after", "position_many"];
    let numbers = (1..=MAX_CUSTOMERS).filter_map(customers);
    around.map(PromptId::from).into_iter().chain(numbers).collect()
}

/// The digits of `text`, one by one; whatever is no digit is left out.
pub fn digits(text: &str) -> Vec<PromptId> {
    text.chars().filter(char::is_ascii_digit).map(|c| format!("digit_{c}").into()).collect()
}

/// So many customers (位): nothing where the number is not recorded (0, 100 and more).
pub fn customers(number: u32) -> Option<PromptId> {
    (1..=MAX_CUSTOMERS).contains(&number).then(|| format!("customers_{number}").into())
}

/// So many policies (份): nothing where the number is not recorded (0, more than 20).
pub fn policies(number: u32) -> Option<PromptId> {
    (1..=MAX_POLICIES).contains(&number).then(|| format!("policies_{number}").into())
}

/// Which policy it is that is spoken of, by its product's name (险种).
pub fn product(name: &str) -> PromptId {
    let prompt = if name.contains("交强") {
        "product_compulsory"
    } else if name.contains("商业") {
        "product_commercial"
    } else {
        "product_other"
    };
    prompt.into()
}

/// The day `date`, written `YYYY-MM-DD`: nothing where it is written otherwise.
pub fn date(date: &str) -> Vec<PromptId> {
    let mut parts = date.splitn(3, '-');
    let mut part = |width: usize| {
        let text = parts.next()?;
        let is_number = text.len() == width && text.bytes().all(|b| b.is_ascii_digit());
        if is_number { text.parse::<u16>().ok() } else { None }
    };
    let (Some(year), Some(month @ 1..=12), Some(day @ 1..=31)) = (part(4), part(2), part(2)) else {
        return Vec::new();
    };
    let mut prompts = if YEARS.contains(&year) {
        vec![format!("year_{year}").into()]
    } else {
        let mut prompts = digits(&format!("{year:04}"));
        prompts.push("year".into());
        prompts
    };
    prompts.push(format!("month_{month}").into());
    prompts.push(format!("day_{day}").into());
    prompts
}

/// What a policy's status is called.
pub fn status(status: PolicyStatus) -> PromptId {
    status.as_str().into()
}

/// Every fragment that [`digits`] can need.
pub fn digit_vocabulary() -> Vec<PromptId> {
    digits("0123456789")
}

/// Every fragment that [`policies`] can need.
pub fn policies_vocabulary() -> Vec<PromptId> {
    (1..=MAX_POLICIES).filter_map(policies).collect()
}

/// Every fragment that [`product`] can need.
pub fn product_vocabulary() -> Vec<PromptId> {
    ["product_compulsory", "product_commercial", "product_other"].map(PromptId::from).to_vec()
}

/// Every fragment that [`date`] can need.
pub fn date_vocabulary() -> Vec<PromptId> {
    let years = YEARS.map(|year| format!("year_{year}"));
    let months = (1..=12).map(|month| format!("month_{month}"));
    let days = (1..=31).map(|day| format!("day_{day}"));
    let named = years.chain(months).chain(days).map(PromptId::from);
    named.chain(["year".into()]).chain(digit_vocabulary()).collect()
}

/// Every fragment that [`status`] can need.
pub fn status_vocabulary() -> Vec<PromptId> {
    [
        PolicyStatus::NotYetInForce,
        PolicyStatus::InForce,
        PolicyStatus::Expired,
        PolicyStatus::Surrendered,
    ]
    .map(status)
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(prompts: &[PromptId]) -> String {
        prompts.iter().map(PromptId::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn any_position_can_be_said() {
        for (position, expected) in [
            (0, "position_next"),
            (1, "position_next"),
            (2, "position_before customers_1 position_after"),
            (38, "position_before customers_37 position_after"),
            (100, "position_before customers_99 position_after"),
            (101, "position_many"),
            (u32::MAX, "position_many"),
        ] {
            assert_eq!(said(&position_prompts(position)), expected, "{position}");
        }
        let vocabulary = position_vocabulary();
        for position in 0..=200 {
            assert!(position_prompts(position).iter().all(|p| vocabulary.contains(p)));
        }
    }

    #[test]
    fn days_are_said_as_people_say_them() {
        for (day, expected) in [
            ("2027-03-15", "year_2027 month_3 day_15"),
            ("2045-12-31", "year_2045 month_12 day_31"),
            ("2046-01-01", "digit_2 digit_0 digit_4 digit_6 year month_1 day_1"),
            ("2027-3-15", ""),
            ("2027-13-01", ""),
            ("2027-00-10", ""),
            ("2027-01-32", ""),
            ("2027-01", ""),
            ("2027-01-011", ""),
            ("", ""),
            ("二零二七", ""),
        ] {
            assert_eq!(said(&date(day)), expected, "{day}");
        }
        let vocabulary = date_vocabulary();
        for year in 1990..2060 {
            let said = date(&format!("{year}-06-30"));
            assert!(said.len() >= 3 && said.iter().all(|p| vocabulary.contains(p)), "{year}");
        }
    }

    #[test]
    fn digits_counts_and_products_are_said() {
        assert_eq!(said(&digits("80-1x")), "digit_8 digit_0 digit_1");
        assert_eq!(policies(2), Some("policies_2".into()));
        assert_eq!((policies(0), policies(21)), (None, None));
        assert_eq!((customers(0), customers(100)), (None, None));
        assert_eq!(product("交强险"), "product_compulsory".into());
        assert_eq!(product("机动车商业险"), "product_commercial".into());
        assert_eq!(product("意外险"), "product_other".into());
        assert_eq!(status_vocabulary().len(), 4);
    }
}
