//! Hours, holidays and make-up working days, compared with a clock that looks at every minute.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use std::collections::BTreeMap;

use acd::{Calendar, Day, HoursError, MAX_SPANS, NamedDay, SHANGHAI_OFFSET_S, Span, Weekday};
use model::Wall;
use proptest::prelude::*;

const MINUTE_US: i64 = 60_000_000;

fn day(year: i32, month: u8, day: u8) -> Day {
    Day::from_ymd(year, month, day).unwrap()
}

/// This minute of a day in Shanghai.
fn at(day: Day, hour: i64, minute: i64) -> Wall {
    let utc_min = i64::from(day.0) * 1_440 + (hour - 8) * 60 + minute;
    Wall(utc_min * MINUTE_US)
}

const OFFICE: Span = Span { from_min: 510, to_min: 1_050 };

/// Half past eight to half past five from Monday to Friday, with the year 2025's National Day and
/// the two days that made up for it.
fn office() -> Calendar {
    let mut named = BTreeMap::new();
    for date in 1..=8 {
        named.insert(day(2025, 10, date), NamedDay::Holiday);
    }
    named.insert(day(2025, 9, 28), NamedDay::MakeUp(Weekday::Monday));
    named.insert(day(2025, 10, 11), NamedDay::MakeUp(Weekday::Friday));
    let week = std::array::from_fn(|weekday| if weekday < 5 { vec![OFFICE] } else { vec![] });
    let calendar = Calendar { offset_s: SHANGHAI_OFFSET_S, week, named };
    assert_eq!(calendar.check(), Ok(()));
    calendar
}

#[test]
fn days_are_those_of_the_calendar() {
    assert_eq!(day(1970, 1, 1), Day(0));
    assert_eq!(day(2000, 2, 29).0, 11_016);
    assert_eq!(day(2025, 10, 1).weekday(), Weekday::Wednesday);
    assert_eq!(day(1969, 12, 31).weekday(), Weekday::Wednesday);
    let mut expected = day(1600, 1, 1).0;
    for year in 1_600..2_400 {
        for (month, days) in (1..).zip([31, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
            let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            let days = if month == 2 { 28 + u8::from(leap) } else { days };
            for date in 1..=days {
                assert_eq!(Day::from_ymd(year, month, date), Some(Day(expected)));
                expected += 1;
            }
            assert_eq!(Day::from_ymd(year, month, days + 1), None);
        }
    }
    for (year, month, date) in [(2025, 0, 1), (2025, 13, 1), (2025, 1, 0), (0, 1, 1)] {
        assert_eq!(Day::from_ymd(year, month, date), None);
    }
}

#[test]
fn an_office_opens_and_closes_to_the_minute() {
    let (calendar, monday) = (office(), day(2025, 9, 22));
    for (hour, minute, open) in [(8, 29, false), (8, 30, true), (17, 29, true), (17, 30, false)] {
        assert_eq!(calendar.is_open(at(monday, hour, minute)), open, "{hour}:{minute}");
    }
    assert_eq!(calendar.next_change(at(monday, 12, 0)), Some((at(monday, 17, 30), false)));
    let tuesday = day(2025, 9, 23);
    assert_eq!(calendar.next_change(at(monday, 17, 30)), Some((at(tuesday, 8, 30), true)));
    assert_eq!(calendar.next_opening(at(monday, 12, 0)), Some(at(monday, 12, 0)));
}

#[test]
fn a_make_up_sunday_is_open_as_the_day_it_makes_up_for_and_a_holiday_is_not() {
    let calendar = office();
    let (saturday, sunday) = (day(2025, 9, 27), day(2025, 9, 28));
    assert_eq!(sunday.weekday(), Weekday::Sunday);
    assert!(calendar.is_open(at(sunday, 9, 0)) && !calendar.is_open(at(saturday, 9, 0)));
    assert_eq!(calendar.next_opening(at(saturday, 9, 0)), Some(at(sunday, 8, 30)));
    // From the eve of National Day to the day after it, which is a Thursday.
    let (eve, after) = (day(2025, 9, 30), day(2025, 10, 9));
    assert_eq!(calendar.next_opening(at(eve, 17, 30)), Some(at(after, 8, 30)));
    assert!(calendar.is_open(at(day(2025, 10, 11), 10, 0)), "a Saturday that makes up");
    assert!(!calendar.is_open(at(day(2025, 10, 12), 10, 0)));
}

#[test]
fn a_night_shift_does_not_close_at_midnight() {
    let mut calendar = office();
    let night = vec![Span { from_min: 0, to_min: 360 }, Span { from_min: 1_200, to_min: 1_440 }];
    calendar.week = std::array::from_fn(|_| night.clone());
    calendar.named.clear();
    let monday = day(2025, 9, 22);
    let morning = at(day(2025, 9, 23), 6, 0);
    assert_eq!(calendar.next_change(at(monday, 21, 0)), Some((morning, false)));
    assert_eq!(calendar.next_change(at(monday, 7, 0)), Some((at(monday, 20, 0), true)));
}

#[test]
fn who_is_always_open_never_closes_but_on_a_named_day() {
    let mut calendar = Calendar::always(SHANGHAI_OFFSET_S);
    let now = at(day(2025, 9, 22), 12, 0);
    assert_eq!((calendar.next_change(now), calendar.next_opening(now)), (None, Some(now)));
    let festival = day(2026, 2, 17);
    calendar.named.insert(festival, NamedDay::Holiday);
    assert_eq!(calendar.next_change(now), Some((at(festival, 0, 0), false)));
    let never = Calendar { week: std::array::from_fn(|_| vec![]), ..Calendar::always(0) };
    assert_eq!((never.next_change(now), never.next_opening(now)), (None, None));
    for extreme in [Wall(i64::MIN), Wall(i64::MAX)] {
        assert_eq!(never.next_change(extreme), None, "nothing from outside may panic");
        calendar.is_open(extreme);
        calendar.next_change(extreme);
    }
}

#[test]
fn hours_that_make_no_sense_are_refused() {
    let with = |spans: Vec<Span>| {
        let mut calendar = office();
        calendar.week[2] = spans;
        calendar.check()
    };
    let span = |from_min, to_min| Span { from_min, to_min };
    let wrong = Err(HoursError::Spans { day: None });
    for spans in [
        vec![span(60, 60)],
        vec![span(0, 1_441)],
        vec![span(60, 120), span(120, 180)],
        vec![span(120, 180), span(0, 60)],
    ] {
        assert_eq!(with(spans), wrong);
    }
    let many = (0..=MAX_SPANS as u16).map(|n| span(n * 20, n * 20 + 10)).collect();
    assert_eq!(with(many), wrong);
    let mut calendar = office();
    calendar.named.insert(Day(0), NamedDay::Hours(vec![span(9, 8)]));
    assert_eq!(calendar.check(), Err(HoursError::Spans { day: Some(Day(0)) }));
    assert_eq!(Calendar::always(86_400).check(), Err(HoursError::Offset));
    assert!(HoursError::Offset.to_string().contains("less than a day"));
}

fn spans() -> impl Strategy<Value = Vec<Span>> {
    prop::collection::btree_set(0_u16..=48, 0..8).prop_map(|edges| {
        let edges: Vec<u16> = edges.into_iter().map(|edge| edge * 30).collect();
        edges.chunks_exact(2).map(|two| Span { from_min: two[0], to_min: two[1] }).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_next_change_is_the_first_minute_at_which_something_changed(
        week in prop::array::uniform7(spans()),
        own in prop::collection::btree_map(20_000_i32..20_010, spans(), 0..4),
        start_min in 0_i64..(8 * 1_440),
    ) {
        let named = own.into_iter().map(|(day, spans)| (Day(day), NamedDay::Hours(spans)));
        let named = named.collect();
        let calendar = Calendar { offset_s: SHANGHAI_OFFSET_S, week, named };
        prop_assert_eq!(calendar.check(), Ok(()));
        let now = at(Day(20_000), 0, start_min);
        let open = calendar.is_open(now);
        // Nine days at most: a week without hours, and named days before it.
        let minutes = (1..20 * 1_440).map(|minute| Wall(now.0 + minute * MINUTE_US));
        let expected = minutes.into_iter().find(|at| calendar.is_open(*at) != open);
        prop_assert_eq!(calendar.next_change(now), expected.map(|at| (at, !open)));
    }
}
