//! A customer calls, presses a key, talks with an agent and hangs up.

use model::{FactBody, HangupCause, MissedCause, Outcome};
use sim::CallerPlan;

use crate::{assert_sound, ends, phone, world};

#[test]
fn from_the_menu_to_the_agent_and_the_record() {
    let mut world = world();
    let agent = phone(&mut world, "8001");
    world.desktop("8001", 1, Some(40));
    let plan = CallerPlan {
        number: "95512",
        keys: vec![(3_000, '1')],
        hangs_up_after_ms: Some(30_000),
        ..CallerPlan::default()
    };
    let caller = world.caller(1_000, plan);
    world.run_until(60_000);

    assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
    let phone = &world.party(agent).saw;
    assert_eq!((phone.invites.len(), phone.byes.len()), (1, 1));
    assert_eq!(world.party(caller).saw.finals.len(), 1);
    let nothing_missed =
        |body: &FactBody| matches!(body, FactBody::Missed { cause: MissedCause::NoAnswer, .. });
    assert!(world.when(nothing_missed).is_empty());
    let sealed = |body: &FactBody| matches!(body, FactBody::RecordingSealed { .. });
    assert_eq!(world.when(sealed).len(), 1);
    assert_sound(&world);
}

#[test]
fn the_caller_is_answered_at_once_and_never_waits_for_the_look_up() {
    let mut world = world();
    world.lookups(sim::LookupBehaviour::Silent);
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(2_000);
    let (at, status) = world.party(caller).saw.finals[0];
    assert_eq!(status, 200);
    assert!(at.as_ms() <= 1_010, "answered at {} ms", at.as_ms());
}

#[test]
fn after_call_work_lasts_as_configured_and_then_the_agent_is_ready() {
    let mut world = world();
    phone(&mut world, "8001");
    crate::call(&mut world, 1_000, 5_000);
    world.run_until(30_000);
    let changes = |wanted| {
        world.when(
            move |body| matches!(body, FactBody::AgentChanged { state, .. } if *state == wanted),
        )
    };
    let work = changes(model::AgentState::Acw)[0];
    let idle = *changes(model::AgentState::Idle).last().expect("it is idle in the end");
    assert_eq!(idle.ms_since(work), 10_000);
    assert_sound(&world);
}
