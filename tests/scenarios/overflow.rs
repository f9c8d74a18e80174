//! Who finds a queue full, unstaffed, or too slow goes where the queue says, and loses no place.

use std::collections::BTreeMap;

use acd::{Limits, Overflow, Rule, WaitLimit};
use model::{
    FactBody, HangupCause, MissedCause, Mono, Outcome, OverflowTarget, QueueId, TransferEnd,
    TransferKind,
};
use report::{CallRecord, CallRecords, Figures};
use sim::{Answer, CallerPlan, PhonePlan, Settings, Weather, World, settings};

use crate::transfer::{hears, hears_music, transfers};
use crate::{assert_sound, call, ends, phone};

const TURNED_AWAY: (Outcome, HangupCause) = (Outcome::TurnedAway, HangupCause::LocalBye);

/// What was said to all callers, in order, with the second at which it began.
pub(crate) fn said(world: &World) -> Vec<(u64, String)> {
    let line = |(at, _, prompts): (Mono, _, Vec<&str>)| (at.as_ms() / 1_000, prompts.join(" "));
    world.announcements().map(line).collect()
}

/// The general queue has these limits.
fn hotline(max_waiting: usize, limits: Limits) -> Settings {
    let limits = BTreeMap::from([(QueueId::from("general"), (max_waiting, limits))]);
    Settings { limits, ..settings() }
}

fn world(settings: &Settings) -> World {
    World::new(settings, Weather::FAIR, 1)
}

fn say(prompt: &str) -> Overflow {
    Overflow::Announcement(prompt.into())
}

/// A caller who chooses complaints in the menu, one second after the answer.
fn complains(world: &mut World, at_ms: u64, talks_ms: u64) {
    let plan = CallerPlan {
        number: "95512",
        keys: vec![(1_000, '3')],
        hangs_up_after_ms: Some(talks_ms),
        ..CallerPlan::default()
    };
    world.caller(at_ms, plan);
}

/// The overflows: from which queue, why, and where to.
fn overflows(world: &World) -> Vec<(String, String, OverflowTarget)> {
    let one = |fact: &model::Fact| match &fact.body {
        FactBody::Overflowed { queue, why, to, .. } => {
            Some((queue.to_string(), why.clone(), to.clone()))
        }
        _ => None,
    };
    world.facts().iter().filter_map(one).collect()
}

fn record(world: &World, which: usize) -> CallRecord {
    let mut records = CallRecords::new(report::Limits::default());
    let mut last = BTreeMap::new();
    for record in world.facts().iter().filter_map(|fact| records.apply(fact)) {
        last.insert(record.call, record);
    }
    last.into_values().nth(which).expect("so many calls have ended")
}

#[test]
fn the_twentieth_caller_of_a_full_queue_goes_to_the_other_queue() {
    let full = Some(Overflow::Queue("claims".into()));
    let mut world = world(&hotline(19, Limits { full, ..Limits::default() }));
    for caller in 1..=20 {
        call(&mut world, caller * 100, 40_000);
    }
    world.run_until(60_000);
    let to = OverflowTarget::Queue("claims".into());
    assert_eq!(overflows(&world), [("general".to_owned(), "full".to_owned(), to.clone())]);
    let record = record(&world, 19);
    assert_eq!(record.queue, Some("claims".into()), "its queue at the end");
    let sent: Vec<_> = record.overflows.iter().map(|sent| (&sent.queue, &sent.to)).collect();
    assert_eq!(sent, [(&"general".into(), &to)]);
    assert_eq!(record.outcome, Outcome::Abandoned);
    let waited_ms = record.waited_ms.expect("it waited");
    assert!((39_000..41_000).contains(&waited_ms), "waited {waited_ms} ms, counted once");
    assert_sound(&world);
}

#[test]
fn who_finds_the_queue_full_hears_so_and_the_line_is_cut() {
    let mut world =
        world(&hotline(1, Limits { full: Some(say("queue_full")), ..Limits::default() }));
    call(&mut world, 1_000, 20_000);
    call(&mut world, 2_000, 60_000);
    world.run_until(40_000);
    assert_eq!(ends(world.facts())[0], TURNED_AWAY);
    let told: Vec<_> = said(&world).into_iter().filter(|(at, _)| *at == 2).collect();
    assert_eq!(told, [(2, "queue_full".to_owned())], "and nothing else");
    let record = record(&world, 1);
    assert_eq!((record.outcome, record.waited_ms), (Outcome::TurnedAway, Some(0)));
    assert_sound(&world);
}

#[test]
fn who_hangs_up_while_hearing_that_nobody_takes_the_call_was_turned_away() {
    let mut world =
        world(&hotline(1, Limits { full: Some(say("queue_full")), ..Limits::default() }));
    call(&mut world, 1_000, 20_000);
    call(&mut world, 2_000, 1_000);
    world.run_until(40_000);
    assert_eq!(ends(world.facts())[0], (Outcome::TurnedAway, HangupCause::RemoteBye));
    assert_sound(&world);
}

#[test]
fn who_waited_too_long_goes_to_the_other_queue_with_their_place() {
    let to = Overflow::Queue("complaints".into());
    let wait = Some(WaitLimit { ms: 10_000, to });
    let mut world = world(&hotline(100, Limits { wait, ..Limits::default() }));
    phone(&mut world, "8011");
    // One who is talked with, then the one who waits too long, then one who complains meanwhile.
    complains(&mut world, 500, 60_000);
    call(&mut world, 3_000, 90_000);
    complains(&mut world, 5_000, 120_000);
    world.run_until(200_000);
    let moved = world.when(|body| matches!(body, FactBody::Overflowed { .. }));
    assert_eq!(moved.len(), 1);
    assert!((13_000..13_100).contains(&moved[0].as_ms()), "{moved:?}");
    let why = &overflows(&world)[0].1;
    assert_eq!(why, "timed_out");
    // The first announcement after that tells the place in the new line: the next one.
    let told: Vec<_> = said(&world).into_iter().filter(|(at, _)| *at == 33).collect();
    assert_eq!(told, [(33, "position_next".to_owned())]);
    let answers: Vec<u64> = world
        .facts()
        .iter()
        .filter_map(|fact| match &fact.body {
            FactBody::AgentAnswered { call, .. } => Some(*call),
            _ => None,
        })
        .map(|call| u64::from(call.0.counter()))
        .collect();
    assert_eq!(answers.len(), 3);
    assert!(answers[0] < answers[1] && answers[1] < answers[2], "in the order of coming");
    assert_eq!(record(&world, 1).queue, Some("complaints".into()));
    let waited_ms = record(&world, 1).waited_ms.expect("it waited");
    assert!(waited_ms > 50_000, "from entering the first queue on: {waited_ms} ms");
    assert_sound(&world);
}

#[test]
fn while_nobody_is_signed_in_the_caller_goes_where_the_queue_says() {
    let unstaffed = Some(Rule { to: say("no_agents"), waiting_too: false });
    let mut world = world(&hotline(100, Limits { unstaffed, ..Limits::default() }));
    call(&mut world, 1_000, 60_000);
    world.run_until(10_000);
    assert_eq!(ends(world.facts()), [TURNED_AWAY]);
    assert_eq!(said(&world), [(1, "no_agents".to_owned())]);
    // As soon as someone is there, it goes on as ever.
    world.phone(11_000, PhonePlan::of("8001"));
    call(&mut world, 20_000, 10_000);
    world.run_until(60_000);
    assert_eq!(ends(world.facts())[1].0, Outcome::Answered);
    assert_sound(&world);
}

#[test]
fn who_is_sent_on_at_once_is_welcomed_by_the_queue_that_takes_them() {
    let full = Some(Overflow::Queue("complaints".into()));
    let mut world = world(&hotline(1, Limits { full, ..Limits::default() }));
    // The second tier is there, which takes general calls after twenty seconds only.
    phone(&mut world, "8011");
    call(&mut world, 1_000, 15_000);
    call(&mut world, 2_000, 10_000);
    world.run_until(40_000);
    let told: Vec<_> = said(&world).into_iter().filter(|(at, _)| *at == 2).collect();
    assert_eq!(told, [(2, "please_wait".to_owned())], "once, and not that all are busy");
    assert_eq!(ends(world.facts())[0].0, Outcome::Answered);
    assert_sound(&world);
}

#[test]
fn a_call_that_nobody_takes_comes_back_to_its_queue_though_that_is_full_by_then() {
    let mut world = world(&hotline(1, Limits::default()));
    let answers = vec![Answer::After(1_000), Answer::RingsOnly];
    let first = world.phone(0, PhonePlan { answers, ..PhonePlan::of("8001") });
    // The second tier takes general calls after twenty seconds only.
    let answers = vec![Answer::RingsOnly];
    world.phone(0, PhonePlan { answers, ..PhonePlan::of("8011") });
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(5_000);
    assert!(hears(&world, caller, first));
    let waiting = world.caller(5_500, CallerPlan::default());
    world.party_mut(first).refer(Mono::from_ms(6_000), "sip:8011@hotline", true);
    world.party_mut(first).hang_up(Mono::from_ms(6_200));
    world.run_until(35_000);
    let missed = TransferEnd::Missed(MissedCause::NoAnswer);
    assert_eq!(transfers(&world), [(TransferKind::Blind, missed)]);
    assert!(hears_music(&world, caller), "they are in line again");
    assert_eq!(ends(world.facts()), []);
    for party in [caller, waiting] {
        world.party_mut(party).hang_up(Mono::from_ms(40_000));
    }
    world.run_until(120_000);
    assert!(ends(world.facts()).iter().all(|(outcome, _)| *outcome != Outcome::TurnedAway));
    assert_sound(&world);
}

#[test]
fn who_is_refused_by_a_full_queue_without_a_rule_has_not_waited() {
    let mut world = world(&hotline(1, Limits::default()));
    call(&mut world, 1_000, 20_000);
    call(&mut world, 2_000, 60_000);
    world.run_until(2_500);
    let general = QueueId::from("general");
    let mut figures = Figures::new(report::FiguresConfig::default(), [general.clone()]);
    world.facts().iter().for_each(|fact| figures.apply(fact));
    let shown = figures.queues().find(|(queue, _)| **queue == general).expect("it is shown").1;
    assert_eq!(shown.waiting, 1, "who hears that there is no room is not in line");
    world.run_until(40_000);
    let record = record(&world, 1);
    assert_eq!((record.outcome, record.waited_ms), (Outcome::TurnedAway, Some(0)));
    let sent: Vec<_> =
        record.overflows.iter().map(|sent| (sent.queue.as_str(), sent.why.as_str())).collect();
    assert_eq!(sent, [("general", "full")]);
    assert_sound(&world);
}
