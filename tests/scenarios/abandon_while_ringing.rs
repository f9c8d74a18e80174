//! A caller hangs up while the agent's phone rings: it stops at once.

use model::{AgentStatus, FactBody, HangupCause, Outcome};
use sim::{Answer, PhonePlan};

use crate::{assert_sound, call, ends, world};

#[test]
fn the_phone_stops_and_the_agent_stays_ready() {
    let mut world = world();
    let plan = PhonePlan { answers: vec![Answer::RingsOnly], ..PhonePlan::of("8001") };
    let agent = world.phone(0, plan);
    call(&mut world, 1_000, 8_000);
    world.run_until(60_000);

    assert_eq!(ends(world.facts()), [(Outcome::Abandoned, HangupCause::RemoteBye)]);
    let cancels = &world.party(agent).saw.cancels;
    assert_eq!(cancels.len(), 1);
    assert!(cancels[0].as_ms() <= 9_020, "cancelled at {} ms", cancels[0].as_ms());
    let made_not_ready = |body: &FactBody| {
        matches!(body, FactBody::AgentChanged { status: AgentStatus::NotReady { .. }, .. })
    };
    assert!(world.when(made_not_ready).is_empty());
    assert_sound(&world);
}

#[test]
fn a_cancel_that_crosses_the_answer_ends_in_a_bye() {
    let mut world = world();
    // The 200 leaves the phone in the very moment in which the caller's BYE reaches the engine.
    let plan = PhonePlan { answers: vec![Answer::After(8_000)], ..PhonePlan::of("8001") };
    let agent = world.phone(0, plan);
    call(&mut world, 1_000, 8_002);
    world.run_until(60_000);
    let saw = &world.party(agent).saw;
    assert!(!world.party(agent).is_connected());
    assert_eq!(saw.connected.len(), saw.disconnected.len());
    assert_sound(&world);
}

#[test]
fn the_next_call_rings_the_phone_when_it_has_let_the_last_one_go() {
    let mut world = world();
    let plan = PhonePlan { answers: vec![Answer::RingsOnly], ..PhonePlan::of("8001") };
    let agent = world.phone(0, plan);
    call(&mut world, 1_000, 8_000);
    call(&mut world, 2_000, 30_000);
    world.run_until(60_000);
    let saw = &world.party(agent).saw;
    assert_eq!(saw.cancels.len(), 2);
    let gap_ms = saw.invites[1].ms_since(saw.cancels[0]);
    assert!((1..500).contains(&gap_ms), "its 487 had come: {gap_ms} ms after the CANCEL");
    assert_sound(&world);
}
