//! Queues open and close by their calendars, at the moment itself and without a restart.

use std::collections::BTreeMap;
use std::sync::Arc;

use acd::{Calendar, Day, Limits, NamedDay, Overflow, Rule, SHANGHAI_OFFSET_S, Span, Weekday};
use cti::Command;
use model::{FactBody, HangupCause, Outcome, QueueId, Target, TransferEnd, Wall};
use sim::{CallerPlan, PartyId, Settings, Weather, World, settings};

use crate::overflow::said;
use crate::transfer::{end, hears, hears_music, transfers};
use crate::{assert_sound, call, ends, phone};

const MINUTE_MS: u64 = 60_000;

/// Mondays to Fridays from 8:30 to 12 and from 13:30 to 18, in Shanghai.
fn office() -> Calendar {
    let spans = [(510, 720), (810, 1_080)];
    let spans = spans.map(|(from_min, to_min)| Span { from_min, to_min }).to_vec();
    let mut week = std::array::from_fn(|_| spans.clone());
    week[5].clear();
    week[6].clear();
    Calendar { offset_s: SHANGHAI_OFFSET_S, week, named: BTreeMap::new() }
}

fn day(month: u8, day: u8) -> Day {
    Day::from_ymd(2026, month, day).expect("a day")
}

/// A minute of a day in Shanghai.
fn at(day: Day, hour: i64, minute: i64) -> Wall {
    let local_s = i64::from(day.0) * 86_400 + hour * 3_600 + minute * 60;
    Wall((local_s - i64::from(SHANGHAI_OFFSET_S)) * 1_000_000)
}

/// The general queue has these hours, and says so while it is closed.
fn hotline(calendar: Calendar, started: Wall, waiting_too: bool) -> Settings {
    closing("general", calendar, started, waiting_too)
}

/// The same for any queue.
fn closing(queue: &str, calendar: Calendar, started: Wall, waiting_too: bool) -> Settings {
    let queue = QueueId::from(queue);
    let to = Overflow::Announcement("closed".into());
    let limits = Limits { closed: Some(Rule { to, waiting_too }), ..Limits::default() };
    Settings {
        started,
        hours: BTreeMap::from([(queue.clone(), Arc::new(calendar))]),
        limits: BTreeMap::from([(queue, (10_000, limits))]),
        ..settings()
    }
}

/// When the queue opened or closed, in seconds, with what the day is.
fn changes(world: &World) -> Vec<(u64, bool, String)> {
    let change = |fact: &model::Fact| match &fact.body {
        FactBody::HoursChanged { open, why, .. } => {
            Some((fact.mono.as_ms() / 1_000, *open, why.clone()))
        }
        _ => None,
    };
    world.facts().iter().filter_map(change).collect()
}

fn change(at_s: u64, open: bool, why: &str) -> (u64, bool, String) {
    (at_s, open, why.to_owned())
}

const TURNED_AWAY: (Outcome, HangupCause) = (Outcome::TurnedAway, HangupCause::LocalBye);

#[test]
fn a_queue_closes_at_night_and_opens_in_the_morning_without_a_restart() {
    // A Thursday evening; the morning's half past eight is 14 hours and 31 minutes away.
    let settings = hotline(office(), at(day(9, 24), 17, 59), false);
    let mut world = World::new(&settings, Weather::FAIR, 1);
    phone(&mut world, "8001");
    let morning_ms = (14 * 60 + 31) * MINUTE_MS;
    call(&mut world, 30_000, 10_000);
    call(&mut world, 2 * MINUTE_MS, 600_000);
    call(&mut world, morning_ms - 10_000, 600_000);
    call(&mut world, morning_ms + 1_000, 10_000);
    world.run_until(morning_ms + 5 * MINUTE_MS);
    let open_at = morning_ms / 1_000;
    assert_eq!(
        changes(&world),
        [
            change(0, true, "weekday"),
            change(60, false, "weekday"),
            change(open_at, true, "weekday")
        ]
    );
    let answered = (Outcome::Answered, HangupCause::RemoteBye);
    assert_eq!(ends(world.facts()), [answered, TURNED_AWAY, TURNED_AWAY, answered]);
    let closed: Vec<u64> =
        said(&world).into_iter().filter(|(_, text)| text == "closed").map(|(at, _)| at).collect();
    assert_eq!(closed, [120, open_at - 10]);
    assert_sound(&world);
}

#[test]
fn a_make_up_sunday_is_open_and_a_plain_one_and_a_holiday_are_not() {
    let mut calendar = office();
    calendar.named.insert(day(9, 20), NamedDay::MakeUp(Weekday::Friday));
    calendar.named.insert(day(10, 1), NamedDay::Holiday);
    for (date, why, open) in [
        (day(9, 20), "make_up", true),
        (day(9, 27), "weekday", false),
        (day(9, 30), "weekday", true),
        (day(10, 1), "holiday", false),
    ] {
        let settings = hotline(calendar.clone(), at(date, 10, 0), false);
        let mut world = World::new(&settings, Weather::FAIR, 1);
        phone(&mut world, "8001");
        call(&mut world, 1_000, 20_000);
        world.run_until(60_000);
        assert_eq!(changes(&world), [change(0, open, why)], "right after the start");
        let outcome = if open { Outcome::Answered } else { Outcome::TurnedAway };
        assert_eq!(ends(world.facts())[0].0, outcome, "{why}");
        assert_sound(&world);
    }
}

#[test]
fn who_waits_when_the_queue_closes_stays_or_goes_as_configured() {
    for waiting_too in [false, true] {
        let settings = hotline(office(), at(day(9, 24), 11, 59), waiting_too);
        let mut world = World::new(&settings, Weather::FAIR, 1);
        call(&mut world, 30_000, 55_000);
        world.run_until(5 * MINUTE_MS);
        let (outcome, told) = match waiting_too {
            false => (Outcome::Abandoned, vec![(30, "no_agents"), (60, "no_agents")]),
            true => (Outcome::TurnedAway, vec![(30, "no_agents"), (60, "closed")]),
        };
        assert_eq!(ends(world.facts())[0].0, outcome, "{waiting_too}");
        let told: Vec<_> = told.into_iter().map(|(at, text)| (at, text.to_owned())).collect();
        assert_eq!(said(&world), told);
        assert_sound(&world);
    }
}

#[test]
fn nobody_is_given_to_a_queue_that_has_closed() {
    let settings = hotline(office(), at(day(9, 24), 17, 59), false);
    let mut world = World::new(&settings, Weather::FAIR, 1);
    let agent = phone(&mut world, "8001");
    world.desktop("8001", 1, Some(10));
    let caller = call(&mut world, 30_000, 600_000);
    world.run_until(2 * MINUTE_MS);
    assert!(hears(&world, caller, agent));
    let general = || Target::Queue("general".into());
    for command in [Command::Transfer { to: general() }, Command::Consult { to: general() }] {
        assert_eq!(world.ask("8001", command), Err("queue_closed"));
    }
    let now = world.now();
    world.party_mut(agent).refer(now, "sip:general@hotline", true);
    world.run_for(2_000);
    let told = world.party(agent).saw.notified.last().expect("it is told").1.clone();
    assert!(told.starts_with("SIP/2.0 480"), "{told}");
    assert!(hears(&world, caller, agent) && hears(&world, agent, caller), "they talk on");
    let closed = said(&world).into_iter().filter(|(_, text)| text == "closed").count();
    assert_eq!(closed, 0, "the caller is not told so");
    world.run_until(15 * MINUTE_MS);
    assert_sound(&world);
}

/// 8001, whose desktop is open, talks with a caller of the general queue; claims have office hours.
fn talking(started: Wall) -> (World, PartyId, PartyId) {
    let settings = closing("claims", office(), started, false);
    let mut world = World::new(&settings, Weather::FAIR, 1);
    let first = phone(&mut world, "8001");
    world.desktop("8001", 1, Some(10));
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(5_000);
    assert!(hears(&world, caller, first));
    (world, caller, first)
}

#[test]
fn who_is_given_to_an_asked_queue_after_it_closed_has_the_place_that_was_let_stay() {
    let (mut world, caller, first) = talking(at(day(9, 24), 17, 59));
    let to = Target::Queue("claims".into());
    assert_eq!(world.ask("8001", Command::Consult { to }), Ok(()));
    world.run_until(90_000);
    assert_eq!(changes(&world), [change(0, true, "weekday"), change(60, false, "weekday")]);
    assert_eq!(world.ask("8001", Command::CompleteTransfer), Ok(()));
    world.run_until(100_000);
    assert!(!world.party(first).is_connected());
    assert!(transfers(&world).iter().all(|(_, end)| *end == TransferEnd::Completed));
    assert_eq!(ends(world.facts()), []);
    let second = phone(&mut world, "8002");
    world.run_until(130_000);
    assert!(hears(&world, caller, second) || hears(&world, caller, first));
    assert!(!hears_music(&world, caller));
    end(world, caller);
}
