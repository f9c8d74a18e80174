//! Any rules, any holds, any clock: nothing is deleted early or while it is held, and nothing is
//! there a day after it was due, by the clock that it was decided by.
//!
//! Virtual time, and another calendar's reckoning.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use jiff::civil::{Date, date};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use model::{QueueId, Wall};
use proptest::prelude::*;
use recording::{Decision, KeepFrom, Retention, Rule, SWEEP_EVERY_MS, Taped, end_of_day};

const DAY_MICROS: i64 = 86_400_000_000;
const HOUR_MICROS: i64 = DAY_MICROS / 24;
const SWEEP_MICROS: i64 = SWEEP_EVERY_MS as i64 * 1_000;
/// 2024-01-01 in Greenwich.
const FROM: i64 = 1_704_067_200_000_000;
/// How far the clock may be set at once.
const STEP_HOURS: i64 = 12;

fn queue() -> impl Strategy<Value = String> {
    prop_oneof![Just("claims".to_owned()), Just("general".to_owned()), Just("sales".to_owned())]
}

fn class() -> impl Strategy<Value = String> {
    prop_oneof![Just("answered".to_owned()), Just("complaint".to_owned())]
}

fn rule() -> impl Strategy<Value = Rule> {
    let of = (proptest::option::of(queue()), proptest::option::of(class()));
    (of, 0..4_u16, 0..500_u32, any::<bool>()).prop_map(|((queue, class), years, days, policy)| {
        Rule {
            name: format!("{years} years {days} days"),
            queue: queue.map(QueueId::from),
            class,
            years,
            // None keeps nothing at all: the configuration refuses that.
            days: if years == 0 { days + 1 } else { days },
            from: if policy { KeepFrom::PolicyEnd } else { KeepFrom::Recorded },
        }
    })
}

/// A recording, and the last day of its customer's policy.
fn taped() -> impl Strategy<Value = (Taped, Option<Date>)> {
    // Leap days and the days beside them come more often than they would.
    let leap = (0..3_i32).prop_map(|by| date(2024, 2, 28) + by.days());
    let any_day = (0..1_200_i32).prop_map(|by| date(2023, 6, 1) + by.days());
    let policy = proptest::option::of(prop_oneof![leap, any_day]);
    let ended = prop_oneof![0..2 * 365 * DAY_MICROS, 58 * DAY_MICROS..61 * DAY_MICROS];
    (queue(), class(), ended, policy).prop_map(|(queue, class, ended, policy)| {
        let taped = Taped {
            queue: Some(QueueId::from(queue)),
            class: Some(class),
            ended: Wall(FROM + ended),
            policy_end: policy.map(|day| end_of_day(&day.to_string()).unwrap()),
            is_held: false,
        };
        (taped, policy)
    })
}

/// Spans in which it is held, each from a day after the recording on, for some days.
fn holds() -> impl Strategy<Value = Vec<(i64, i64)>> {
    proptest::collection::vec((0..1_500_i64, 1..400_i64), 0..4)
}

/// What is done between two sweeps: nothing, or the clock is set, or the engine does not run.
#[derive(Debug, Clone, Copy)]
enum Between {
    Nothing,
    ClockSet(i64),
    Off(i64),
}

fn between() -> impl Strategy<Value = Between> {
    prop_oneof![
        40 => Just(Between::Nothing),
        1 => (-STEP_HOURS..=STEP_HOURS).prop_map(Between::ClockSet),
        1 => (1..100_i64).prop_map(Between::Off),
    ]
}

/// When it is due, by the calendar of `jiff`.
fn reckoned(rules: &[Rule], taped: &Taped, policy: Option<Date>) -> i64 {
    let zone = TimeZone::fixed(Offset::constant(8));
    let fits = |rule: &&Rule| {
        (rule.queue.is_none() || rule.queue == taped.queue)
            && (rule.class.is_none() || rule.class == taped.class)
    };
    let (years, days, counts_policy) = match rules.iter().find(fits) {
        Some(rule) => (rule.years, rule.days, rule.from == KeepFrom::PolicyEnd),
        None => (5, 0, true),
    };
    let recorded = Timestamp::from_microsecond(taped.ended.0).unwrap().to_zoned(zone.clone());
    let policy = policy.filter(|_| counts_policy);
    let policy = policy.map(|day| day.tomorrow().unwrap().to_zoned(zone.clone()).unwrap());
    let from = policy.map_or(recorded.clone(), |policy| policy.max(recorded));
    let (day, year) = (from.date(), from.year() + years as i16);
    let is_missing = day.month() == 2 && day.day() == 29 && !date(year, 1, 1).in_leap_year();
    let day = match is_missing {
        true => date(year, 3, 1),
        false => date(year, day.month(), day.day()),
    };
    let day = day + i64::from(days).days();
    day.to_datetime(from.time()).to_zoned(zone).unwrap().timestamp().as_microsecond()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_goes_early_or_while_held_and_nothing_stays_a_day_longer(
        rules in proptest::collection::vec(rule(), 0..5),
        (mut taped, policy) in taped(),
        holds in holds(),
        course in proptest::collection::vec(between(), 64),
        phase in 0..SWEEP_MICROS,
    ) {
        let retention = Retention::new(rules.clone());
        let due = reckoned(&rules, &taped, policy);
        let held_at = |clock: i64| holds.iter().any(|(day, days)| {
            let from = taped.ended.0 + day * DAY_MICROS;
            (from..from + days * DAY_MICROS).contains(&clock)
        });
        // The clock, and since when it has shown that the recording has to be gone.
        let (mut clock, mut overdue) = (FROM + phase, None::<i64>);
        let ends = FROM + 14 * 365 * DAY_MICROS;
        let mut is_gone = false;
        for between in course.iter().cycle().take(100_000) {
            let is_held = held_at(clock);
            taped.is_held = is_held;
            let decision = retention.decide(&taped, Wall(clock));
            let is_deleted = matches!(decision, Decision::Delete { .. });
            prop_assert_eq!(is_deleted, clock >= due && !is_held, "at {}", clock);
            if is_deleted {
                prop_assert!(taped.ended < retention.oldest_kept(Wall(clock)), "it is not read");
                prop_assert!(overdue.is_none_or(|since| clock - since <= DAY_MICROS), "late");
                is_gone = true;
                break;
            }
            // Looked at each minute between two sweeps, as long as the engine runs.
            overdue = None;
            let next = clock + SWEEP_MICROS;
            if let Some(since) = (clock.max(due)..next).step_by(60_000_000).find(|at| {
                *at >= due && !held_at(*at)
            }) {
                overdue = Some(since);
            }
            clock = next;
            match between {
                Between::Nothing => {}
                Between::ClockSet(hours) => clock += hours * HOUR_MICROS,
                // Nobody can delete then; the next engine looks at once.
                Between::Off(hours) => {
                    clock += hours * HOUR_MICROS;
                    overdue = None;
                }
            }
            if clock > ends {
                break;
            }
        }
        prop_assert!(is_gone || clock <= ends, "it is kept for ever");
    }
}
