//! `[[hours]]`: when queues are open, as people write it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use acd::{Calendar, Day, NamedDay, Span, Weekday};
use model::QueueId;
use serde::Deserialize;

use super::Config;
use super::fault::{Fault, Places};

/// `[[hours]]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Hours {
    pub name: String,
    #[serde(default = "shanghai")]
    pub utc_offset: String,
    #[serde(default)]
    pub monday: String,
    #[serde(default)]
    pub tuesday: String,
    #[serde(default)]
    pub wednesday: String,
    #[serde(default)]
    pub thursday: String,
    #[serde(default)]
    pub friday: String,
    #[serde(default)]
    pub saturday: String,
    #[serde(default)]
    pub sunday: String,
    #[serde(default)]
    pub holidays: Vec<String>,
    #[serde(default)]
    pub make_up: BTreeMap<String, String>,
    #[serde(default)]
    pub days: BTreeMap<String, String>,
}

fn shanghai() -> String {
    "+08:00".to_owned()
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// What is wrong with a section: at which key, what, and the remedy.
type Wrong = (&'static str, String, &'static str);

const DAY_REMEDY: &str = "write a day as year, month and day, such as 2026-10-01";
const SPANS_REMEDY: &str = "write spans of a day, apart and in order, such as \
                            \"08:30-12:00, 13:30-18:00\"; 24:00 is midnight";

impl Hours {
    /// The calendar, or all that is wrong.
    fn read(&self) -> Result<Calendar, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let offset_s = offset_s(&self.utc_offset).unwrap_or_else(|| {
            let message = format!("{:?} is no offset from UTC", self.utc_offset);
            wrong.push(("utc_offset", message, "write utc_offset = \"+08:00\""));
            acd::SHANGHAI_OFFSET_S
        });
        let mut calendar =
            Calendar { offset_s, week: self.week(&mut wrong), named: BTreeMap::new() };
        let mut name = |key, day: Day, text: &str, what, wrong: &mut Vec<Wrong>| {
            if calendar.named.insert(day, what).is_some() {
                wrong.push((key, format!("{text} is named twice"), "leave one of the two out"));
            }
        };
        for text in &self.holidays {
            match days(text) {
                Some(days) => days.for_each(|day| {
                    name("holidays", Day(day), text, NamedDay::Holiday, &mut wrong);
                }),
                None => {
                    let message = format!("{text:?} is no day, and no range of days");
                    let remedy = "write 2027-01-01, or 2026-10-01..2026-10-07 for a year at most";
                    wrong.push(("holidays", message, remedy));
                }
            }
        }
        for (text, like) in &self.make_up {
            let weekday = WEEKDAYS.iter().find(|(name, _)| name == like);
            match (day(text), weekday) {
                (Some(day), Some((_, weekday))) => {
                    name("make_up", day, text, NamedDay::MakeUp(*weekday), &mut wrong);
                }
                (None, _) => wrong.push(("make_up", format!("{text:?} is no day"), DAY_REMEDY)),
                (Some(_), None) => {
                    let remedy = "write the weekday that it makes up for: \"monday\" to \"sunday\"";
                    wrong.push(("make_up", format!("{like:?} is no weekday"), remedy));
                }
            }
        }
        for (text, hours) in &self.days {
            match (day(text), spans(hours)) {
                (Some(day), Some(spans)) => {
                    name("days", day, text, NamedDay::Hours(spans), &mut wrong);
                }
                (None, _) => wrong.push(("days", format!("{text:?} is no day"), DAY_REMEDY)),
                (Some(_), None) => {
                    wrong.push(("days", format!("{hours:?} are no hours"), SPANS_REMEDY));
                }
            }
        }
        if let (true, Err(error)) = (wrong.is_empty(), calendar.check()) {
            wrong.push(("name", error.to_string(), SPANS_REMEDY));
        }
        if wrong.is_empty() { Ok(calendar) } else { Err(wrong) }
    }

    fn week(&self, wrong: &mut Vec<Wrong>) -> [Vec<Span>; 7] {
        let Self { monday, tuesday, wednesday, thursday, friday, saturday, sunday, .. } = self;
        let texts = [monday, tuesday, wednesday, thursday, friday, saturday, sunday];
        std::array::from_fn(|at| {
            spans(texts[at]).unwrap_or_else(|| {
                wrong.push((WEEKDAYS[at].0, format!("{:?} are no hours", texts[at]), SPANS_REMEDY));
                Vec::new()
            })
        })
    }
}

/// "+08:00" in seconds.
fn offset_s(text: &str) -> Option<i32> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let minutes = minute(rest).filter(|minutes| *minutes < 24 * 60)?;
    Some(sign * i32::from(minutes) * 60)
}

/// "08:30" in minutes; "24:00" is the end of the day.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    let in_range = minutes < 60 && hours * 60 + minutes <= 24 * 60;
    u16::try_from(hours * 60 + minutes).ok().filter(|_| in_range)
}

/// A number of so many digits.
fn digits(text: &str, count: usize) -> Option<i32> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// "08:30-12:00, 13:30-18:00"; nothing for a day that is closed.
fn spans(text: &str) -> Option<Vec<Span>> {
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    let span = |text: &str| {
        let (from, to) = text.split_once('-')?;
        let span = Span { from_min: minute(from)?, to_min: minute(to)? };
        (span.from_min < span.to_min).then_some(span)
    };
    let spans: Vec<Span> = text.split(',').map(span).collect::<Option<_>>()?;
    let apart = spans.windows(2).all(|two| two[0].to_min < two[1].from_min);
    (apart && spans.len() <= acd::MAX_SPANS).then_some(spans)
}

/// "2026-10-01"
fn day(text: &str) -> Option<Day> {
    let mut parts = text.trim().split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let (month, day) = (digits(month, 2)?, digits(day, 2)?);
    let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    Day::from_ymd(digits(year, 4)?, month, day).filter(|_| parts.next().is_none())
}

/// "2026-10-01", or "2026-10-01..2026-10-07": a year at most.
fn days(text: &str) -> Option<std::ops::RangeInclusive<i32>> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (Day(first), Day(last)) = (day(first)?, day(last)?);
    (first <= last && last - first <= 366).then_some(first..=last)
}

impl Config {
    /// When each queue is open that has hours.
    pub(crate) fn calendars(&self) -> BTreeMap<QueueId, Arc<Calendar>> {
        let known: BTreeMap<&str, Arc<Calendar>> = self
            .hours
            .iter()
            .filter_map(|hours| Some((hours.name.as_str(), Arc::new(hours.read().ok()?))))
            .collect();
        let with_hours = self.queues.iter().filter_map(|queue| {
            let calendar = known.get(queue.hours.as_deref()?)?;
            Some((QueueId::from(queue.name.as_str()), Arc::clone(calendar)))
        });
        with_hours.collect()
    }
}

/// What is wrong with the hours, and with those of queues.
pub(super) fn check(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    let mut names = BTreeSet::new();
    for (index, hours) in config.hours.iter().enumerate() {
        if !names.insert(hours.name.as_str()) {
            let message = format!("there are two hours {:?}", hours.name);
            faults.push(places.fault("hours", index, "name", message, "rename one"));
        }
        for (key, message, remedy) in hours.read().err().into_iter().flatten() {
            faults.push(places.fault("hours", index, key, message, remedy));
        }
    }
    for (index, queue) in config.queues.iter().enumerate() {
        let Some(wanted) = &queue.hours else { continue };
        if !names.contains(wanted.as_str()) {
            let message = format!("there are no hours {wanted:?}");
            let known: Vec<&str> = names.iter().copied().collect();
            let remedy = match known.is_empty() {
                true => format!("add [[hours]] with name = {wanted:?}"),
                false => format!("choose among {}, or add [[hours]]", known.join(", ")),
            };
            faults.push(places.fault("queue", index, "hours", message, remedy));
        }
        if queue.when_closed.is_none() {
            let message = "nothing says what becomes of who calls while it is closed";
            let remedy = "write when_closed = \"say:PROMPT\" or \"queue:NAME\"";
            faults.push(places.fault("queue", index, "hours", message, remedy));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_as_people_write_them() {
        let span = |from_min, to_min| Span { from_min, to_min };
        assert_eq!(spans("08:30-12:00, 13:30-18:00"), Some(vec![span(510, 720), span(810, 1_080)]));
        assert_eq!(spans("00:00-24:00"), Some(vec![Span::ALL_DAY]));
        assert_eq!(spans(" "), Some(Vec::new()));
        for wrong in ["8:30-12:00", "08:30", "12:00-08:30", "08:30-25:00", "08:60-09:00", "x-y"] {
            assert_eq!(spans(wrong), None, "{wrong}");
        }
        assert_eq!(spans("08:00-12:00, 11:00-18:00"), None, "they overlap");
        assert_eq!(spans("+8:30-12:00"), None);
    }

    #[test]
    fn days_and_offsets_are_read_as_people_write_them() {
        assert_eq!(day("1970-01-02"), Some(Day(1)));
        for wrong in ["2026-02-29", "2026-13-01", "26-01-01", "2026-1-1", "2026-01-01-01", ""] {
            assert_eq!(day(wrong), None, "{wrong}");
        }
        let week = days("2026-10-01..2026-10-07").expect("a range");
        assert_eq!(week.count(), 7);
        assert_eq!(days("2026-10-07..2026-10-01"), None);
        assert_eq!(days("2026-01-01..2028-01-01"), None, "more than a year");
        assert_eq!(offset_s("+08:00"), Some(acd::SHANGHAI_OFFSET_S));
        assert_eq!(offset_s("-03:30"), Some(-12_600));
        for wrong in ["08:00", "+8", "+24:00", "", "你好"] {
            assert_eq!(offset_s(wrong), None, "{wrong}");
        }
    }
}
