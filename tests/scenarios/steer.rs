//! A supervisor steers: waiting calls, agents, what agents ask for, emergency plans. Every one of
//! them is a fact with the supervisor's name.

use std::collections::{BTreeMap, BTreeSet};

use acd::{Overflow, Plan, Rule};
use cti::{Command, Event};
use model::{AgentState, AgentStatus, CallId, FactBody, NotReadyReason, Outcome};
use sim::{Settings, Weather, World, settings};

use crate::overflow::said;
use crate::{assert_sound, call, ends, phone, rings};

fn flood() -> Settings {
    let say = |waiting_too| Rule { to: Overflow::Announcement("flood".into()), waiting_too };
    let queues = BTreeMap::from([("general".into(), say(true)), ("claims".into(), say(false))]);
    Settings { plans: vec![Plan { name: "flood".into(), queues }], ..settings() }
}

/// A hotline with a supervisor at the board.
fn world(settings: &Settings) -> World {
    let mut world = World::new(settings, Weather::FAIR, 1);
    world.supervisor("lead");
    world
}

fn switch(world: &mut World, on: bool) -> Result<(), &'static str> {
    world.ask("lead", Command::SwitchPlan { plan: "flood".to_owned(), on })
}

/// The calls that arrived, in order.
fn arrived(world: &World) -> Vec<CallId> {
    let one = |fact: &model::Fact| match &fact.body {
        FactBody::CallArrived { call, .. } => Some(*call),
        _ => None,
    };
    world.facts().iter().filter_map(one).collect()
}

/// Who answered which call, in order.
fn answers(world: &World) -> Vec<(CallId, String)> {
    let one = |fact: &model::Fact| match &fact.body {
        FactBody::AgentAnswered { call, agent, .. } => Some((*call, agent.to_string())),
        _ => None,
    };
    world.facts().iter().filter_map(one).collect()
}

/// What the supervisor did, as the audit has it.
fn steered(world: &World) -> Vec<(String, String)> {
    let one = |fact: &model::Fact| match &fact.body {
        FactBody::Steered { by, what, detail, .. } => {
            assert_eq!(by.as_str(), "lead");
            Some((what.clone(), detail.clone()))
        }
        _ => None,
    };
    world.facts().iter().filter_map(one).collect()
}

#[test]
fn an_emergency_plan_acts_at_once_on_all_its_queues_and_is_taken_back() {
    let mut world = world(&flood());
    call(&mut world, 1_000, 300_000);
    world.run_until(10_000);
    assert_eq!(switch(&mut world, true), Ok(()));
    world.run_until(20_000);
    assert_eq!(ends(world.facts())[0].0, Outcome::TurnedAway, "also who waited already");
    assert_eq!(said(&world).last(), Some(&(10, "flood".to_owned())));
    call(&mut world, 20_000, 300_000);
    world.run_until(30_000);
    assert_eq!(said(&world).last(), Some(&(20, "flood".to_owned())));
    assert_eq!(switch(&mut world, false), Ok(()));
    phone(&mut world, "8001");
    call(&mut world, 31_000, 20_000);
    world.run_until(80_000);
    assert_eq!(ends(world.facts()).last().map(|end| end.0), Some(Outcome::Answered));
    let switched: Vec<bool> = world
        .facts()
        .iter()
        .filter_map(|fact| match &fact.body {
            FactBody::PlanSwitched { on, by, .. } if by.as_str() == "lead" => Some(*on),
            _ => None,
        })
        .collect();
    assert_eq!(switched, [true, false]);
    assert_sound(&world);
}

#[test]
fn a_plan_is_shown_on_the_board_and_outlives_a_restart() {
    let mut before = world(&flood());
    assert_eq!(switch(&mut before, true), Ok(()));
    assert_eq!(switch(&mut before, true), Ok(()), "which changes nothing");
    assert_eq!(
        before.ask("lead", Command::SwitchPlan { plan: "fire".to_owned(), on: true }),
        Err("unknown_plan")
    );
    let settings = Settings { standing: before.facts().to_vec(), ..flood() };
    let mut world = world(&settings);
    call(&mut world, 1_000, 300_000);
    world.run_until(20_000);
    assert_eq!(said(&world), [(1, "flood".to_owned())]);
    let shown = |world: &World| {
        let log = world.desktop_log("lead").expect("it is there");
        let plans = log.events.iter().filter_map(|(_, _, event)| match &**event {
            Event::PlanState { plan, on } => Some((plan.to_string(), *on)),
            _ => None,
        });
        plans.collect::<Vec<_>>()
    };
    assert_eq!(shown(&before), [("flood".to_owned(), false), ("flood".to_owned(), true)]);
    assert_eq!(shown(&world), [("flood".to_owned(), true)]);
    assert_sound(&world);
}

#[test]
fn only_who_may_steer_does() {
    let mut world = world(&flood());
    phone(&mut world, "8001");
    world.desktop("8001", 1, Some(40));
    world.run_until(1_000);
    let plan = || "flood".to_owned();
    assert_eq!(world.ask("8001", Command::SwitchPlan { plan: plan(), on: true }), Err("forbidden"));
    let status = AgentStatus::SignedOut;
    let other = Command::SetAgent { agent: "8002".into(), status };
    assert_eq!(world.ask("8001", other), Err("forbidden"));
    let refused = world.when(|body| matches!(body, FactBody::Refused { .. }));
    assert_eq!(refused.len(), 2, "and it is written down");
}

#[test]
fn a_waiting_call_is_moved_with_the_time_that_it_has_waited() {
    let mut world = world(&settings());
    call(&mut world, 1_000, 90_000);
    world.run_until(10_000);
    let waits = arrived(&world)[0];
    let there = Command::MoveCall { call: waits, queue: "general".into() };
    assert_eq!(world.ask("lead", there), Err("bad_target"));
    let moved = Command::MoveCall { call: waits, queue: "complaints".into() };
    assert_eq!(world.ask("lead", moved.clone()), Ok(()));
    phone(&mut world, "8011");
    world.run_until(20_000);
    assert_eq!(answers(&world), [(waits, "8011".to_owned())]);
    assert_eq!(world.ask("lead", moved), Err("not_waiting"), "they talk");
    assert_eq!(steered(&world), [("move_call".to_owned(), "complaints".to_owned())]);
    world.run_until(200_000);
    assert_sound(&world);
}

#[test]
fn a_call_that_is_preferred_goes_first_and_one_that_is_assigned_to_its_agent() {
    let mut world = world(&settings());
    for at in [1_000, 2_000, 3_000] {
        call(&mut world, at, 90_000);
    }
    world.run_until(10_000);
    let calls = arrived(&world);
    assert_eq!(world.ask("lead", Command::PreferCall { call: calls[2], ms: 60_000 }), Ok(()));
    let assign = |call, agent: &str| Command::AssignCall { call, agent: agent.into() };
    assert_eq!(world.ask("lead", assign(calls[0], "8001")), Err("agent_not_available"));
    assert_eq!(world.ask("lead", assign(calls[0], "9999")), Err("unknown_target"));
    phone(&mut world, "8001");
    world.run_until(20_000);
    assert_eq!(answers(&world), [(calls[2], "8001".to_owned())], "who is preferred comes first");
    // Who waits for the busy agent alone is not given to one who is free.
    assert_eq!(world.ask("lead", assign(calls[0], "8001")), Ok(()));
    phone(&mut world, "8002");
    world.run_until(30_000);
    assert_eq!(answers(&world)[1], (calls[1], "8002".to_owned()));
    assert_eq!(rings(&world, "8001").len(), 1);
    world.run_until(300_000);
    assert_eq!(steered(&world).len(), 2);
    assert_sound(&world);
}

#[test]
fn an_agents_state_is_changed_and_a_reason_that_needs_it_is_approved() {
    let approval = BTreeSet::from([NotReadyReason::Training]);
    let mut world = world(&Settings { approval, ..settings() });
    phone(&mut world, "8001");
    world.desktop("8001", 1, Some(40));
    world.run_until(1_000);
    let status = |world: &World| {
        world.facts().iter().rev().find_map(|fact| match &fact.body {
            FactBody::AgentChanged { status, state, .. } => Some((*status, *state)),
            _ => None,
        })
    };
    let not_ready = |reason| Some((AgentStatus::NotReady { reason }, AgentState::Idle));
    let reason = NotReadyReason::Training;
    assert_eq!(world.ask("8001", Command::NotReady { reason }), Ok(()));
    assert_eq!(status(&world), Some((AgentStatus::Ready, AgentState::Idle)), "not yet");
    let log = world.desktop_log("lead").expect("it is there");
    let asks = log.events.iter().rev().find_map(|(_, _, event)| match &**event {
        Event::AgentState { asks, .. } => Some(*asks),
        _ => None,
    });
    assert_eq!(asks, Some(Some(reason)), "the board shows it");
    let decide = |approved| Command::DecideReason { agent: "8001".into(), approved };
    assert_eq!(world.ask("lead", decide(false)), Ok(()));
    assert_eq!(world.ask("lead", decide(true)), Err("nothing_asked"));
    assert_eq!(world.ask("8001", Command::NotReady { reason }), Ok(()));
    assert_eq!(world.ask("lead", decide(true)), Ok(()));
    assert_eq!(status(&world), not_ready(reason));
    let set = |status| Command::SetAgent { agent: "8001".into(), status };
    assert_eq!(world.ask("lead", set(AgentStatus::Ready)), Ok(()));
    assert_eq!(status(&world), Some((AgentStatus::Ready, AgentState::Idle)));
    let training = AgentStatus::NotReady { reason };
    assert_eq!(world.ask("lead", set(training)), Ok(()), "a supervisor needs no approval");
    assert_eq!(status(&world), not_ready(reason));
    let engines = AgentStatus::NotReady { reason: NotReadyReason::Busy };
    assert_eq!(world.ask("lead", set(engines)), Err("bad_reason"));
    let details: Vec<String> = steered(&world).into_iter().map(|(_, detail)| detail).collect();
    assert_eq!(details, ["declined training", "approved training", "ready", "training"]);
    assert_sound(&world);
}
