//! Values said with recorded fragments: digits, counts, dates, the place in a queue.
//!
//! Fragments are named by what they say: `digit_0` to `digit_9`, `number_10` to `number_99`,
//! `number_2_counted` (两, which counts where 二 names), `year_2020` to `year_2039`, `year` (年),
//! `month_1` to `month_12`, `day_1` to `day_31`, and a status by its own name.

use model::{PolicyStatus, PromptId};

/// The years that are recorded as one fragment; any other is read digit by digit.
const YEARS: std::ops::RangeInclusive<u16> = 2020..=2039;

/// The largest number that is recorded.
const LARGEST_NUMBER: u32 = 99;

/// What tells a caller their place in the queue; `position` 1 is the next to be served.
///
/// Any position can be said: beyond 100 the announcement is that there are a hundred or more.
pub fn position_prompts(position: u32) -> Vec<PromptId> {
    match position.saturating_sub(1) {
        0 => vec!["position_next".into()],
        ahead @ 1..=LARGEST_NUMBER => {
            let mut prompts = vec!["position_before".into()];
            prompts.extend(count(ahead));
            prompts.push("position_after".into());
            prompts
        }
        _ => vec!["position_many".into()],
    }
}

/// Every prompt that [`position_prompts`] can need.
pub fn position_vocabulary() -> Vec<PromptId> {
    let mut prompts = count_vocabulary();
    prompts.extend(
        ["position_next", "position_before", "position_after", "position_many"].map(PromptId::from),
    );
    prompts
}

/// The digits of `text`, one by one; whatever is no digit is left out.
pub fn digits(text: &str) -> Vec<PromptId> {
    text.chars().filter(char::is_ascii_digit).map(|c| format!("digit_{c}").into()).collect()
}

/// The last four digits of a policy's number, one by one.
pub fn tail(policy_number: &str) -> Vec<PromptId> {
    let all = digits(policy_number);
    all[all.len().saturating_sub(4)..].to_vec()
}

/// How many of something there are: `None` where the number is not recorded (0, 100 and more).
pub fn count(number: u32) -> Option<PromptId> {
    match number {
        2 => Some("number_2_counted".into()),
        1 | 3..=9 => Some(format!("digit_{number}").into()),
        10..=LARGEST_NUMBER => Some(format!("number_{number}").into()),
        _ => None,
    }
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

/// Every fragment that [`count`] can need.
pub fn count_vocabulary() -> Vec<PromptId> {
    (1..=LARGEST_NUMBER).filter_map(count).collect()
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
