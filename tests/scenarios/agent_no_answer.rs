//! An agent does not answer: the call keeps its place, the agent becomes not ready.

use model::{AgentStatus, FactBody, MissedCause, NotReadyReason, Outcome};
use sim::{Answer, PhonePlan};

use crate::{assert_sound, call, ends, rings, world};

#[test]
fn the_phone_rings_for_twenty_seconds_and_the_next_agent_is_rung() {
    let mut world = world();
    let plan = PhonePlan { answers: vec![Answer::RingsOnly], ..PhonePlan::of("8001") };
    world.phone(0, plan);
    world.phone(500, PhonePlan::of("8002"));
    let caller = call(&mut world, 1_000, 60_000);
    world.run_until(120_000);

    let (first, second) = (rings(&world, "8001"), rings(&world, "8002"));
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_eq!(second[0].ms_since(first[0]), 20_000);
    let not_ready = |body: &FactBody| {
        let reason = NotReadyReason::NoAnswer;
        matches!(
            body,
            FactBody::AgentChanged { agent, status, .. }
                if agent.as_str() == "8001" && *status == AgentStatus::NotReady { reason }
        )
    };
    assert!(!world.when(not_ready).is_empty());
    assert_eq!(ends(world.facts())[0].0, Outcome::Answered);
    assert_eq!(world.party(caller).saw.finals.len(), 1);
    assert_sound(&world);
}

#[test]
fn a_missed_call_goes_before_one_that_came_later() {
    let mut world = world();
    let plan = PhonePlan { answers: vec![Answer::RingsOnly], ..PhonePlan::of("8001") };
    world.phone(0, plan);
    let first = call(&mut world, 1_000, 100_000);
    let second = call(&mut world, 5_000, 100_000);
    // Another agent comes after the first call was missed.
    world.phone(30_000, PhonePlan { talks_ms: Some(5_000), ..PhonePlan::of("8002") });
    world.run_until(150_000);
    let connected = |id| world.party(id).saw.disconnected.first().copied();
    assert!(connected(first) < connected(second) || connected(second).is_none());
    let answered: Vec<_> = world
        .facts()
        .iter()
        .filter_map(|fact| match fact.body {
            FactBody::AgentAnswered { call, .. } => Some(call),
            _ => None,
        })
        .collect();
    let arrived: Vec<_> = world
        .facts()
        .iter()
        .filter_map(|fact| match fact.body {
            FactBody::CallArrived { call, .. } => Some(call),
            _ => None,
        })
        .collect();
    assert_eq!(answered, arrived, "they are answered in the order of their coming");
    assert_sound(&world);
}

#[test]
fn a_phone_that_says_nothing_at_all_is_unreachable_soon() {
    let mut world = world();
    let plan = PhonePlan { answers: vec![Answer::Silence], ..PhonePlan::of("8001") };
    world.phone(0, plan);
    world.phone(500, PhonePlan::of("8002"));
    call(&mut world, 1_000, 60_000);
    world.run_until(120_000);
    let missed =
        |body: &FactBody| matches!(body, FactBody::Missed { cause: MissedCause::Unreachable, .. });
    let missed = world.when(missed);
    assert_eq!(missed.len(), 1);
    assert_eq!(missed[0].ms_since(rings(&world, "8001")[0]), 5_000);
    assert_eq!(ends(world.facts())[0].0, Outcome::Answered);
    assert_sound(&world);
}
