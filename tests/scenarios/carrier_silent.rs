//! The carrier falls silent: nothing more leaves or arrives. Nobody is stuck.

use model::Outcome;
use sim::{CallerPlan, PhonePlan};

use crate::{assert_sound, ends, world};

#[test]
fn a_carrier_that_dies_before_its_ack_costs_a_minute_at_most() {
    let mut world = world();
    let plan = CallerPlan { silent_after_ms: Some(1), ..CallerPlan::default() };
    world.caller(1_000, plan);
    world.run_until(70_000);
    assert_eq!(ends(world.facts()).len(), 1);
    assert_sound(&world);
}

#[test]
fn an_agent_who_hangs_up_on_a_dead_line_is_free() {
    let mut world = world();
    let agent = world.phone(0, PhonePlan { talks_ms: Some(20_000), ..PhonePlan::of("8001") });
    let plan = CallerPlan { silent_after_ms: Some(5_000), ..CallerPlan::default() };
    world.caller(1_000, plan);
    world.run_until(120_000);
    assert_eq!(ends(world.facts())[0].0, Outcome::Answered);
    assert!(!world.party(agent).is_connected());
    assert_sound(&world);
}
