//! The configuration changes while callers wait, phones ring and agents talk: nobody loses a place,
//! a call or a sign-in, and from then on everything is as configured.

use acd::{Limits, Overflow, Plan, Rule, WaitLimit};
use cti::Command;
use model::{AgentState, AgentStatus, FactBody, Outcome};
use sim::{CallerPlan, Settings, World, settings};

use crate::{call, ends, phone, rings, world};

/// Nobody heard silence, and nothing is left of any call.
fn assert_all_over(world: &World, calls: usize) {
    assert!(world.silences().is_empty(), "{}", world.silences().join("\n"));
    let ended = ends(world.facts());
    assert_eq!(ended.len(), calls, "{ended:?}");
    assert_eq!((world.calls(), world.open_ports()), (0, 0), "something is left");
}

/// What was configured, as the audit has it.
fn configured(world: &World) -> usize {
    let is_it =
        |body: &FactBody| matches!(body, FactBody::Steered { what, .. } if what == "configure");
    world.when(is_it).len()
}

/// When callers with these calls were answered, in order.
fn answers(world: &World) -> Vec<String> {
    let one = |fact: &model::Fact| match &fact.body {
        FactBody::AgentAnswered { agent, .. } => Some(agent.to_string()),
        _ => None,
    };
    world.facts().iter().filter_map(one).collect()
}

fn status(world: &World, wanted: &str) -> Option<(AgentStatus, AgentState)> {
    let one = |fact: &model::Fact| match &fact.body {
        FactBody::AgentChanged { agent, status, state, .. } if agent.as_str() == wanted => {
            Some((*status, *state))
        }
        _ => None,
    };
    world.facts().iter().rev().find_map(one)
}

fn steps(tiers: &[(u8, u64)]) -> Vec<acd::TierStep> {
    tiers.iter().map(|(level, ms)| acd::TierStep::new(model::Tier { level: *level }, *ms)).collect()
}

#[test]
fn a_call_that_waits_is_open_to_the_second_tier_as_soon_as_its_wait_is_shortened() {
    let mut world = world();
    phone(&mut world, "8011");
    call(&mut world, 1_000, 30_000);
    world.run_until(6_000);
    assert!(rings(&world, "8011").is_empty(), "tier 2 is asked after 20 s");
    let steps = [("general".into(), steps(&[(1, 0), (2, 3_000), (3, 40_000)]))].into();
    world.configure(&Settings { steps, ..settings() });
    world.run_until(6_500);
    assert_eq!(rings(&world, "8011").len(), 1, "at once: the caller has waited for 5 s");
    world.run_until(120_000);
    assert_eq!((answers(&world).len(), configured(&world)), (1, 1));
    assert_all_over(&world, 1);
}

#[test]
fn a_call_whose_queue_is_configured_no_more_is_answered_in_its_turn() {
    let mut world = world();
    call(&mut world, 1_000, 90_000);
    world.run_until(5_000);
    world.configure(&Settings { without: ["claims".into()].into(), ..settings() });
    let fewer = Settings { without: ["claims".into(), "complaints".into()].into(), ..settings() };
    world.configure(&fewer);
    phone(&mut world, "8001");
    world.run_until(200_000);
    assert_eq!(answers(&world), ["8001"], "a queue that stays is not touched");
    assert_all_over(&world, 1);

    let mut world = crate::world();
    let claims = CallerPlan {
        number: "95512",
        keys: vec![(1_000, '1')],
        hangs_up_after_ms: Some(60_000),
        ..CallerPlan::default()
    };
    world.caller(1_000, claims);
    world.run_until(10_000);
    world.configure(&Settings { without: ["claims".into()].into(), ..settings() });
    world.run_until(15_000);
    phone(&mut world, "8001");
    world.run_until(200_000);
    assert_eq!(answers(&world), ["8001"], "who serves it serves its last caller");
    let gone =
        |body: &FactBody| matches!(body, FactBody::Steered { what, .. } if what == "queue_gone");
    assert_eq!(world.when(gone).len(), 1, "after its last call it is gone, and that is told");
    assert_all_over(&world, 1);
}

#[test]
fn an_agent_who_is_configured_no_more_talks_on_and_is_gone_after_the_call() {
    let mut world = world();
    phone(&mut world, "8001");
    call(&mut world, 1_000, 30_000);
    world.run_until(10_000);
    assert_eq!(answers(&world), ["8001"]);
    let mut fewer = settings();
    fewer.agents.retain(|(agent, _)| agent != "8001");
    world.configure(&fewer);
    world.run_until(20_000);
    let talking = Some((AgentStatus::Ready, AgentState::Talking));
    assert_eq!(status(&world, "8001"), talking, "the call goes on");
    call(&mut world, 40_000, 10_000);
    world.run_until(120_000);
    assert_eq!(status(&world, "8001"), Some((AgentStatus::SignedOut, AgentState::Idle)));
    let outcomes: Vec<Outcome> = ends(world.facts()).iter().map(|(end, _)| *end).collect();
    assert_eq!(outcomes, [Outcome::Answered, Outcome::Abandoned]);
    assert_eq!(answers(&world).len(), 1, "nobody is offered the second caller");
    assert_all_over(&world, 2);
}

#[test]
fn an_agent_who_is_new_takes_the_caller_who_waits_as_soon_as_the_phone_is_there() {
    let mut few = settings();
    few.agents.retain(|(agent, _)| agent != "8002");
    let mut world = World::new(&few, sim::Weather::FAIR, 1);
    call(&mut world, 1_000, 60_000);
    world.run_until(5_000);
    world.configure(&settings());
    phone(&mut world, "8002");
    world.run_until(150_000);
    assert_eq!(answers(&world), ["8002"]);
    assert_all_over(&world, 1);
}

#[test]
fn an_agent_whose_phone_rings_keeps_the_call_when_the_queue_is_taken_from_them() {
    let mut world = world();
    phone(&mut world, "8011");
    world.desktop("8011", 2, Some(50));
    let complaint = CallerPlan {
        number: "95512",
        keys: vec![(1_000, '3')],
        hangs_up_after_ms: Some(40_000),
        ..CallerPlan::default()
    };
    world.caller(1_000, complaint);
    let mut ms = 1_000;
    while rings(&world, "8011").is_empty() {
        ms += 100;
        assert!(ms < 60_000, "the phone never rang");
        world.run_until(ms);
    }
    let steps = [("complaints".into(), steps(&[(3, 0)]))].into();
    world.configure(&Settings { steps, ..settings() });
    world.run_until(ms + 10_000);
    assert_eq!(answers(&world), ["8011"], "what rings goes on");
    let plan = CallerPlan { number: "95512", keys: vec![(1_000, '3')], ..CallerPlan::default() };
    let plan = CallerPlan { hangs_up_after_ms: Some(20_000), ..plan };
    world.caller(ms + 60_000, plan);
    world.run_until(ms + 200_000);
    assert_eq!(rings(&world, "8011").len(), 1, "the next one is not offered to them");
    assert_all_over(&world, 2);
}

#[test]
fn a_shorter_limit_counts_for_who_waits_already() {
    let mut world = world();
    call(&mut world, 1_000, 90_000);
    world.run_until(30_000);
    let wait = Some(WaitLimit { ms: 10_000, to: Overflow::Announcement("all_busy".into()) });
    let limits = (100, Limits { wait, ..Limits::default() });
    world.configure(&Settings { limits: [("general".into(), limits)].into(), ..settings() });
    world.run_until(45_000);
    let sent =
        |body: &FactBody| matches!(body, FactBody::Overflowed { why, .. } if why == "timed_out");
    assert_eq!(world.when(sent).len(), 1, "the caller has waited for longer than one may");
    assert_all_over(&world, 1);
}

#[test]
fn a_plan_that_is_on_and_configured_no_more_is_off() {
    let rule = Rule { to: Overflow::Announcement("flood".into()), waiting_too: false };
    let plan = Plan { name: "flood".into(), queues: [("general".into(), rule)].into() };
    let with = Settings { plans: vec![plan], ..settings() };
    let mut world = World::new(&with, sim::Weather::FAIR, 1);
    world.supervisor("lead");
    let on = Command::SwitchPlan { plan: "flood".to_owned(), on: true };
    assert_eq!(world.ask("lead", on.clone()), Ok(()));
    world.configure(&with);
    phone(&mut world, "8001");
    world.configure(&settings());
    let off = |body: &FactBody| matches!(body, FactBody::PlanSwitched { on: false, .. });
    assert_eq!(world.when(off).len(), 1);
    assert_eq!(world.ask("lead", on), Err("unknown_plan"));
    call(&mut world, 2_000, 10_000);
    world.run_until(60_000);
    assert_eq!(answers(&world), ["8001"], "callers are taken as before");
    assert_all_over(&world, 1);
}
