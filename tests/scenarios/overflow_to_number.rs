//! Whom a queue sends to a telephone outside hears music until it answers, and is sent on where
//! nobody does.

use std::collections::BTreeMap;

use acd::{Limits, Overflow, OverflowCause, Rule};
use callflow::Onwards;
use model::{FactBody, HangupCause, LegRole, Mono, Outcome, OverflowTarget, Pii, QueueId};
use report::{CallRecord, CallRecords};
use sim::{Answer, CallerPlan, PartyId, Settings, Weather, World, settings};

use crate::calls_out::{MOBILE, gateway, outward};
use crate::overflow::said;
use crate::transfer::{hears, hears_music};
use crate::{assert_sound, ends, phone};

/// What a queue that nobody is signed in at does with its callers: the first place, and the rest.
pub(crate) fn unstaffed(places: &[Overflow]) -> Settings {
    let to = places[0].clone();
    let unstaffed = Some(Rule { to, waiting_too: false });
    let limits = Limits { unstaffed, ..Limits::default() };
    let general = QueueId::from("general");
    let rest = places[1..].to_vec();
    let onwards = BTreeMap::from([((general.clone(), OverflowCause::Unstaffed), rest)]);
    Settings {
        outward: Some(outward()),
        trusts_carrier: true,
        limits: BTreeMap::from([(general, (100, limits))]),
        onwards: Onwards { queues: onwards, plans: BTreeMap::new() },
        callbacks: Some(acd::CallbackRule::default()),
        ..settings()
    }
}

pub(crate) fn number() -> Overflow {
    Overflow::Number(MOBILE.into())
}

pub(crate) fn say(prompt: &str) -> Overflow {
    Overflow::Announcement(prompt.into())
}

/// Where calls were sent, in order.
pub(crate) fn sent(world: &World) -> Vec<OverflowTarget> {
    let to = |fact: &model::Fact| match &fact.body {
        FactBody::Overflowed { to, .. } => Some(to.clone()),
        _ => None,
    };
    world.facts().iter().filter_map(to).collect()
}

pub(crate) fn records(world: &World) -> Vec<CallRecord> {
    let mut records = CallRecords::new(report::Limits::default());
    let mut last = BTreeMap::new();
    for record in world.facts().iter().filter_map(|fact| records.apply(fact)) {
        last.insert(record.call, record);
    }
    last.into_values().collect()
}

/// A caller in the second second, who stays for ten minutes if nobody ends the call.
pub(crate) fn caller(world: &mut World) -> PartyId {
    let plan = CallerPlan { hangs_up_after_ms: Some(600_000), ..CallerPlan::default() };
    world.caller(1_000, plan)
}

#[test]
fn the_caller_hears_music_until_the_number_answers_and_then_talks_with_it() {
    let mut world = World::new(&unstaffed(&[number(), say("no_agents")]), Weather::FAIR, 1);
    let outside = gateway(&mut world, 1, Answer::After(8_000));
    let caller = caller(&mut world);
    world.run_until(5_000);
    assert!(hears_music(&world, caller), "never silence");
    assert!(world.party(outside).saw.invitations[0].uri().contains(MOBILE), "as the line wants it");
    world.run_until(15_000);
    assert!(hears(&world, caller, outside) && hears(&world, outside, caller));
    world.party_mut(outside).hang_up(Mono::from_ms(30_000));
    world.run_until(60_000);
    assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
    assert_eq!(sent(&world), [OverflowTarget::Number(Pii::from(MOBILE))]);
    let record = records(&world).remove(0);
    assert!(record.settled, "nobody works after it");
    assert_eq!((record.agent, record.waited_ms), (None, Some(0)));
    let leg = record.legs.iter().find(|leg| leg.role == LegRole::Number(Pii::from(MOBILE)));
    assert!(leg.is_some_and(|leg| leg.answered.is_some()), "the record names the leg");
    assert!(record.talked_ms.is_some_and(|ms| ms > 15_000), "{:?}", record.talked_ms);
    assert_sound(&world);
}

#[test]
fn a_number_that_is_busy_is_followed_by_the_next_place() {
    let mut world = World::new(&unstaffed(&[number(), say("no_agents")]), Weather::FAIR, 1);
    gateway(&mut world, 1, Answer::Refuses(486, 500));
    caller(&mut world);
    world.run_until(30_000);
    let announced = OverflowTarget::Announcement("no_agents".into());
    assert_eq!(sent(&world), [OverflowTarget::Number(Pii::from(MOBILE)), announced]);
    let ended = ends(world.facts());
    assert_eq!(ended, [(Outcome::TurnedAway, HangupCause::LocalBye)]);
    assert_eq!(said(&world).last().map(|(_, said)| said.as_str()), Some("no_agents"));
    assert_sound(&world);
}

#[test]
fn a_number_that_nobody_picks_up_rings_for_as_long_as_its_line_allows() {
    let mut settings = unstaffed(&[number()]);
    let line = settings.outward.as_mut().expect("it calls out");
    line.ring_timeout_ms = 20_000;
    let mut world = World::new(&settings, Weather::FAIR, 1);
    let outside = gateway(&mut world, 1, Answer::RingsOnly);
    let caller = caller(&mut world);
    world.run_until(20_000);
    assert!(hears_music(&world, caller));
    world.run_until(40_000);
    assert_eq!(world.party(outside).saw.cancels.len(), 1);
    assert_eq!(ends(world.facts()), [(Outcome::TurnedAway, HangupCause::LocalBye)]);
    assert_eq!(said(&world).last().map(|(_, said)| said.as_str()), Some("sorry"), "a goodbye");
    assert_sound(&world);
}

#[test]
fn another_queue_after_the_number_has_the_caller_with_the_time_that_they_waited() {
    let complaints = Overflow::Queue("complaints".into());
    let mut world = World::new(&unstaffed(&[number(), complaints]), Weather::FAIR, 1);
    gateway(&mut world, 1, Answer::Refuses(480, 5_000));
    // The second tier serves complaints, and general calls after twenty seconds only; but it signs
    // in when the queue has sent the caller away.
    let caller = caller(&mut world);
    world.run_until(2_000);
    let agent = world.phone(2_000, sim::PhonePlan::of("8011"));
    world.run_until(20_000);
    assert!(hears(&world, caller, agent));
    world.party_mut(caller).hang_up(Mono::from_ms(30_000));
    world.run_until(60_000);
    let record = records(&world).remove(0);
    assert_eq!((record.queue, record.outcome), (Some("complaints".into()), Outcome::Answered));
    assert_eq!(record.overflows.len(), 2, "to the number, and to the queue");
    assert_sound(&world);
}

#[test]
fn a_caller_who_gives_up_while_the_number_rings_has_left_and_it_stops_ringing() {
    let mut world = World::new(&unstaffed(&[number()]), Weather::FAIR, 1);
    let outside = gateway(&mut world, 1, Answer::RingsOnly);
    let caller = caller(&mut world);
    world.run_until(6_000);
    world.party_mut(caller).hang_up(Mono::from_ms(6_000));
    world.run_until(20_000);
    assert_eq!(world.party(outside).saw.cancels.len(), 1);
    assert_eq!(ends(world.facts()), [(Outcome::Abandoned, HangupCause::RemoteBye)]);
    assert_sound(&world);
}

#[test]
fn a_number_that_no_line_may_call_is_passed_over() {
    let forbidden = Overflow::Number("0085212345678".into());
    let help = Overflow::Number("110".into());
    let places = [forbidden, help, say("no_agents")];
    let mut world = World::new(&unstaffed(&places), Weather::FAIR, 1);
    caller(&mut world);
    world.run_until(30_000);
    assert_eq!(sent(&world), [OverflowTarget::Announcement("no_agents".into())]);
    assert!(world.when(|body| matches!(body, FactBody::TrunkTried { .. })).is_empty());
    assert_sound(&world);
}

#[test]
fn an_emergency_plan_has_places_of_its_own() {
    let general = QueueId::from("general");
    let rule = Rule { to: number(), waiting_too: true };
    let queues = BTreeMap::from([(general.clone(), rule)]);
    let plan = acd::Plan { name: "flood".into(), queues };
    let after = BTreeMap::from([(("flood".into(), general), vec![say("closed")])]);
    let onwards = Onwards { queues: BTreeMap::new(), plans: after };
    let settings = Settings { outward: Some(outward()), plans: vec![plan], onwards, ..settings() };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    gateway(&mut world, 1, Answer::Refuses(486, 500));
    phone(&mut world, "8021");
    let caller = caller(&mut world);
    world.run_until(5_000);
    assert!(hears_music(&world, caller), "in line");
    world.supervisor("chief");
    world.command("chief", cti::Command::SwitchPlan { plan: "flood".into(), on: true });
    world.run_until(30_000);
    let announced = OverflowTarget::Announcement("closed".into());
    assert_eq!(sent(&world), [OverflowTarget::Number(Pii::from(MOBILE)), announced]);
    assert_eq!(ends(world.facts())[0].0, Outcome::TurnedAway);
    assert_sound(&world);
}
