//! Years of recordings in virtual time: nothing is deleted early or while it is held, and nothing
//! is there a day after it was due.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use model::{QueueId, Wall};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use recording::{Decision, KeepFrom, Retention, Rule, SWEEP_EVERY_MS, Taped, end_of_day};

const SEED: u64 = 20_261_122;
const RECORDINGS: usize = 1_500;
const DAY_MICROS: i64 = 86_400_000_000;
/// 2024-01-01 in Greenwich; twelve years with three leap days in them.
const FROM: i64 = 1_704_067_200_000_000;
const DAYS: i64 = 12 * 365 + 3;

fn rule(name: &str, queue: Option<&str>, class: Option<&str>, years: u16, days: u32) -> Rule {
    Rule {
        name: name.to_owned(),
        queue: queue.map(QueueId::from),
        class: class.map(str::to_owned),
        years,
        days,
        from: if name == "claims" { KeepFrom::PolicyEnd } else { KeepFrom::Recorded },
    }
}

fn retention() -> Retention {
    Retention::new(vec![
        rule("complaints", None, Some("complaint_recorded"), 4, 17),
        rule("claims", Some("claims"), None, 2, 0),
        rule("short", Some("general"), None, 0, 90),
    ])
}

/// A recording, and from when to when it is held.
struct Life {
    taped: Taped,
    policy_ends_on: Option<Date>,
    held: Option<(i64, i64)>,
}

fn life(rng: &mut ChaCha8Rng) -> Life {
    let ended = Wall(FROM + rng.random_range(0..4 * 365 * DAY_MICROS));
    let day: Date = Timestamp::from_microsecond(ended.0).unwrap().to_zoned(zone()).date();
    // Every tenth policy ends on a leap day or beside it.
    let policy_ends_on = match rng.random_range(0..10) {
        0 => Some(jiff::civil::date(2028, 2, 27) + rng.random_range(0..3).days()),
        1..6 => Some(day.saturating_add(rng.random_range(-400..900).days())),
        _ => None,
    };
    let pick = |rng: &mut ChaCha8Rng, from: [&str; 3]| from[rng.random_range(0..3)].to_owned();
    let held = rng.random_ratio(1, 4).then(|| {
        let from = ended.0 + rng.random_range(0..6 * 365) * DAY_MICROS;
        (from, from + rng.random_range(1..900) * DAY_MICROS)
    });
    let taped = Taped {
        queue: Some(QueueId::from(pick(rng, ["claims", "general", "sales"]))),
        class: Some(pick(rng, ["complaint_recorded", "answered", "sold"])),
        ended,
        policy_end: policy_ends_on.map(|day| end_of_day(&day.to_string()).unwrap()),
        is_held: false,
    };
    Life { taped, policy_ends_on, held }
}

fn zone() -> TimeZone {
    TimeZone::fixed(Offset::constant(8))
}

/// When it is due as another calendar reckons it: it takes the last day of February where there is
/// no 29th, which is a day less.
fn reckoned(life: &Life) -> (Wall, bool) {
    let Taped { queue, class, ended, .. } = &life.taped;
    let (years, days, counts_policy) = match (class.as_deref(), queue.as_ref().unwrap().as_str()) {
        (Some("complaint_recorded"), _) => (4, 17, false),
        (_, "claims") => (2, 0, true),
        (_, "general") => (0, 90, false),
        (_, _) => (5, 0, true),
    };
    let recorded = Timestamp::from_microsecond(ended.0).unwrap().to_zoned(zone());
    let policy = life.policy_ends_on.filter(|_| counts_policy);
    let policy = policy.map(|day| day.tomorrow().unwrap().to_zoned(zone()).unwrap());
    let from = policy.map_or(recorded.clone(), |policy| policy.max(recorded));
    let is_leap_day = from.date().month() == 2 && from.date().day() == 29;
    let due = &(&from + i64::from(years).years()) + i64::from(days).days();
    (Wall(due.timestamp().as_microsecond()), is_leap_day)
}

#[test]
fn nothing_goes_early_nothing_stays_a_day_longer_and_a_hold_is_stronger_than_both() {
    let (mut rng, retention) = (ChaCha8Rng::seed_from_u64(SEED), retention());
    let (mut deleted, mut leap_days, mut were_held) = (0, 0, 0);
    for number in 0..RECORDINGS {
        let mut life = life(&mut rng);
        let (due, is_leap_day) = reckoned(&life);
        let begins = FROM + rng.random_range(0..SWEEP_EVERY_MS as i64 * 1_000);
        let sweeps = (begins..FROM + DAYS * DAY_MICROS).step_by(SWEEP_EVERY_MS as usize * 1_000);
        let gone = sweeps.map(Wall).find(|now| {
            life.taped.is_held = life.held.is_some_and(|(from, to)| (from..to).contains(&now.0));
            let is_due = matches!(retention.decide(&life.taped, *now), Decision::Delete { .. });
            // What is not read because it is too young must not be due.
            assert!(!is_due || life.taped.ended < retention.oldest_kept(*now));
            is_due
        });
        let gone = gone.unwrap_or_else(|| panic!("recording {number} is kept for ever"));
        assert!(gone >= due, "recording {number} is deleted early");
        let mut last = due.0 + i64::from(is_leap_day) * DAY_MICROS;
        if let Some((from, to)) = life.held {
            assert!(!(from..to).contains(&gone.0), "recording {number} is held");
            last = if from <= last { last.max(to) } else { last };
            were_held += usize::from(last == to);
        }
        assert!(gone.0 - last <= DAY_MICROS, "recording {number} is deleted late");
        (deleted, leap_days) = (deleted + 1, leap_days + usize::from(is_leap_day));
    }
    println!("{deleted} deleted in time, {leap_days} counted from a leap day, {were_held} held");
    assert!(deleted == RECORDINGS && leap_days > 3 && were_held > 10);
}
