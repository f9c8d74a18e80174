//! Twelve years in virtual time: recordings of all kinds come, policies are renewed, holds are put
//! and released; each goes when it has to, none before, none a day later, and never under a hold.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use model::{QueueId, Wall};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use recording::{Decision, KeepFrom, Retention, Rule, SWEEP_EVERY_MS, Taped};

const SEED: u64 = 20_261_122;
const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;
const YEARS: i64 = 12;

/// A recording, and what was seen of it.
struct Seen {
    taped: Taped,
    /// Since when it could have been gone: it was due and not held.
    free_since: Option<Wall>,
    deleted: Option<Wall>,
}

fn rules() -> Retention {
    let rule = |name: &str, queue: Option<&str>, class: Option<&str>, years, days, from| Rule {
        name: name.to_owned(),
        queue: queue.map(QueueId::from),
        class: class.map(str::to_owned),
        years,
        days,
        from,
    };
    Retention::new(vec![
        rule("complaints", None, Some("complaint"), 10, 0, KeepFrom::PolicyEnd),
        rule("surveys", Some("surveys"), None, 0, 30, KeepFrom::Recorded),
        rule("claims", Some("claims"), None, 6, 1, KeepFrom::PolicyEnd),
    ])
}

fn any(now: Wall, rng: &mut ChaCha8Rng) -> Taped {
    let queue = ["claims", "surveys", "general", ""][rng.random_range(0..4)];
    let class = ["complaint", "answered", ""][rng.random_range(0..3)];
    let policy_end =
        rng.random_ratio(2, 3).then(|| Wall(now.0 + rng.random_range(-YEAR..2 * YEAR)));
    Taped {
        queue: (!queue.is_empty()).then(|| QueueId::from(queue)),
        class: (!class.is_empty()).then(|| class.to_owned()),
        ended: Wall(now.0 + rng.random_range(0..HOUR)),
        policy_end,
        is_held: false,
    }
}

/// The least and the most that a recording is kept, worked out apart from the rules.
fn wanted(taped: &Taped) -> (i64, i64) {
    let queue = taped.queue.as_ref().map(QueueId::as_str);
    let (years, days, is_by_policy) = match (taped.class.as_deref(), queue) {
        (Some("complaint"), _) => (10, 0, true),
        (_, Some("surveys")) => (0, 30, false),
        (_, Some("claims")) => (6, 1, true),
        _ => (5, 0, true),
    };
    let policy_end = taped.policy_end.filter(|_| is_by_policy).map_or(i64::MIN, |end| end.0);
    let from = policy_end.max(taped.ended.0) + days * DAY;
    // A year has 365 or 366 days.
    (from + years * YEAR, from + years * YEAR + (years / 4 + 2).min(years) * DAY)
}

#[test]
fn nothing_goes_early_nothing_a_day_late_and_nothing_that_is_held() {
    let (retention, mut rng) = (rules(), ChaCha8Rng::seed_from_u64(SEED));
    let begin = Wall(1_700_000_000_000_000);
    let mut all: Vec<Seen> = Vec::new();
    let mut now = begin;
    let sweep = SWEEP_EVERY_MS as i64 * 1_000;
    while now.0 < begin.0 + YEARS * YEAR {
        if rng.random_ratio(1, 60) {
            let taped = any(now, &mut rng);
            all.push(Seen { taped, free_since: None, deleted: None });
        }
        if !all.is_empty() && rng.random_ratio(1, 20) {
            let one = rng.random_range(0..all.len());
            let Seen { taped, deleted, .. } = &mut all[one];
            match rng.random_range(0..3) {
                // A policy is renewed.
                0 if deleted.is_none() => {
                    taped.policy_end = taped.policy_end.map(|end| Wall(end.0 + YEAR))
                }
                1 => taped.is_held = true,
                _ => taped.is_held = false,
            }
        }
        let oldest = retention.oldest_kept(now);
        for seen in all.iter_mut().filter(|seen| seen.deleted.is_none()) {
            let (least, most) = wanted(&seen.taped);
            let decision = retention.decide(&seen.taped, now);
            if let Decision::Delete { due, .. } = decision {
                assert!(!seen.taped.is_held, "it is held");
                assert!((least..=most).contains(&due.0), "{due:?}: {least} to {most}");
                assert!(due <= now && seen.taped.ended <= oldest, "{:?}", seen.taped);
                seen.deleted = Some(now);
            }
            let is_free = !seen.taped.is_held && most <= now.0;
            seen.free_since = is_free.then(|| seen.free_since.unwrap_or(now));
            let since = seen.free_since.filter(|_| seen.deleted.is_none());
            assert!(since.is_none_or(|since| now.0 - since.0 < DAY), "{:?}", seen.taped);
        }
        now = Wall(now.0 + sweep);
    }
    let gone = all.iter().filter(|seen| seen.deleted.is_some()).count();
    let held = all.iter().filter(|seen| seen.taped.is_held && seen.deleted.is_none()).count();
    assert!(gone > 200 && held > 20, "{gone} of {} are gone, {held} are held", all.len());
}
