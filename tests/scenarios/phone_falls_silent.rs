//! A registered phone stops answering OPTIONS: nobody rings it, and its agent is offered calls
//! again when it answers again.

use model::{AgentStatus, FactBody, Mono, NotReadyReason};
use sim::{Answer, PartyId, PhonePlan, World};

use crate::{assert_sound, call, phone, rings, world};

const CUT_MS: u64 = 60_000;

/// When the agent became unreachable.
fn unreachable(world: &World, agent: &str) -> Vec<Mono> {
    let gone = AgentStatus::NotReady { reason: NotReadyReason::Unreachable };
    world.when(|body| {
        matches!(body, FactBody::AgentChanged { agent: who, status, .. }
            if who.as_str() == agent && *status == gone)
    })
}

/// The phone of 8001, whose power is cut after a minute.
fn cut() -> (World, PartyId) {
    let mut world = world();
    let cut = phone(&mut world, "8001");
    world.run_until(CUT_MS);
    world.party_mut(cut).set_power(false);
    (world, cut)
}

#[test]
fn it_is_unreachable_within_ten_seconds_and_not_rung() {
    let (mut world, _) = cut();
    call(&mut world, CUT_MS + 10_000, 60_000);
    world.phone(CUT_MS + 30_000, PhonePlan::of("8002"));
    world.run_until(CUT_MS + 120_000);
    let gone = unreachable(&world, "8001");
    assert_eq!(gone.len(), 1);
    assert!(gone[0] <= Mono::from_ms(CUT_MS + 10_000), "{gone:?}");
    assert!(rings(&world, "8001").is_empty());
    assert_eq!(rings(&world, "8002").len(), 1);
    assert_sound(&world);
}

#[test]
fn it_is_offered_calls_again_when_it_answers_again() {
    let (mut world, cut) = cut();
    call(&mut world, CUT_MS + 15_000, 60_000);
    world.run_until(CUT_MS + 20_000);
    assert!(rings(&world, "8001").is_empty());
    world.party_mut(cut).set_power(true);
    world.run_until(CUT_MS + 120_000);
    let rung = rings(&world, "8001");
    assert_eq!(rung.len(), 1);
    // The question is repeated every four seconds, so that its answer is not long in coming.
    assert!(rung[0] <= Mono::from_ms(CUT_MS + 25_000), "{rung:?}");
    assert_sound(&world);
}

#[test]
fn it_is_offered_calls_again_when_it_registers_again() {
    let (mut world, cut) = cut();
    call(&mut world, CUT_MS + 100_000, 20_000);
    // Long after it was noticed.
    world.run_until(CUT_MS + 97_000);
    let now = world.now();
    let back = world.party_mut(cut);
    back.set_power(true);
    back.register(now);
    world.run_until(CUT_MS + 200_000);
    assert_eq!(rings(&world, "8001").len(), 1);
    assert_sound(&world);
}

#[test]
fn a_phone_that_answers_stays_reachable_for_hours() {
    let mut world = world();
    let there = phone(&mut world, "8001");
    world.run_until(7_200_000);
    assert!(unreachable(&world, "8001").is_empty());
    let probes = world.party(there).saw.probes.len();
    assert!((1_300..=1_445).contains(&probes), "one in five seconds: {probes}");
}

#[test]
fn a_phone_that_is_deaf_to_invites_but_answers_options_is_missed_once() {
    let mut world = world();
    world.phone(0, PhonePlan { answers: vec![Answer::Silence], ..PhonePlan::of("8001") });
    call(&mut world, 10_000, 50_000);
    world.run_until(200_000);
    assert_eq!(rings(&world, "8001").len(), 1, "its answers to OPTIONS do not make it ready");
    assert_sound(&world);
}

/// The first phone was given up before it said anything, and says something while the second one is
/// awaited: that is no word of the second one.
#[test]
fn what_a_phone_says_that_was_given_up_keeps_nobody_waiting_for_the_next() {
    let mut world = world();
    let first = phone(&mut world, "8001");
    world.run_until(5_000);
    world.phone(5_000, PhonePlan { answers: vec![Answer::Silence], ..PhonePlan::of("8002") });
    world.run_until(10_000);
    phone(&mut world, "8003");
    world.run_until(20_000);
    world.party_mut(first).set_power(false);
    call(&mut world, 20_100, 60_000);
    world.run_until(25_500);
    assert_eq!(rings(&world, "8002").len(), 1, "{:?}", rings(&world, "8001"));
    world.party_mut(first).set_power(true);
    world.run_until(120_000);
    let (second, third) = (rings(&world, "8002")[0], rings(&world, "8003"));
    assert!(third[0].ms_since(second) < 6_000, "{second:?} {third:?}");
    assert_sound(&world);
}
