//! The engine is killed and starts again: what agents had done, missed and still had before them
//! is as it was.

use std::time::Duration;

use acd::{MissedRule, MissedRules, Strategy};
use model::{AgentState, AgentStatus, FactBody, MissedCause, NotReadyReason, Outcome};
use sim::{Answer, PhonePlan, Settings, Weather, World, settings};

use crate::{assert_sound, call, ends, rings};

/// The engine is gone at this moment, and the next one starts in the same. Its phones are plugged
/// in where they were, in the order of `agents`.
fn killed(before: &World, settings: &mut Settings, agents: &[PhonePlan]) -> World {
    settings.started = settings.started.after(Duration::from_nanos(before.now().0));
    settings.left.extend_from_slice(before.facts());
    let mut world = World::new(settings, Weather::FAIR, 2);
    for plan in agents {
        world.phone(60_000, plan.clone());
    }
    for plan in agents {
        world.desktop(&plan.agent, 1, Some(10));
    }
    world
}

fn hotline(settings: &Settings, agents: &[PhonePlan]) -> World {
    let mut world = World::new(settings, Weather::FAIR, 1);
    for plan in agents {
        world.phone(0, plan.clone());
    }
    for plan in agents {
        world.desktop(&plan.agent, 1, Some(10));
    }
    world
}

/// When each call was offered to whom, in milliseconds.
fn offers(world: &World) -> Vec<(u64, String)> {
    let offered = world.facts().iter().filter_map(|fact| match &fact.body {
        FactBody::Offered { agent, .. } => Some((fact.mono.as_ms(), agent.to_string())),
        _ => None,
    });
    offered.collect()
}

/// How an agent is, as the first fact about them says.
fn first_state(world: &World, who: &str) -> Option<(AgentStatus, AgentState)> {
    world.facts().iter().find_map(|fact| match &fact.body {
        FactBody::AgentChanged { agent, status, state, .. } if agent.as_str() == who => {
            Some((*status, *state))
        }
        _ => None,
    })
}

#[test]
fn after_call_work_goes_on_for_what_was_left_of_it() {
    let mut settings = Settings { acw_ms: 30_000, ..settings() };
    let agents = [PhonePlan::of("8001")];
    let mut before = hotline(&settings, &agents);
    call(&mut before, 1_000, 10_000);
    before.run_until(20_000);
    let ended = before.when(|body| matches!(body, FactBody::CallEnded { .. }))[0].as_ms();

    let mut world = killed(&before, &mut settings, &agents);
    call(&mut world, 1_000, 60_000);
    world.run_until(200_000);
    assert_eq!(first_state(&world, "8001"), Some((AgentStatus::Ready, AgentState::Acw)));
    let rung = rings(&world, "8001")[0].as_ms() + 20_000 - ended;
    assert!((30_000..30_500).contains(&rung), "rung {rung} ms after the end of the last call");
    assert_sound(&world);
}

#[test]
fn who_was_talking_has_after_call_work_and_its_disposition_counts() {
    let mut settings = Settings { acw_ms: 30_000, ..settings() };
    let agents = [PhonePlan::of("8001")];
    let mut before = hotline(&settings, &agents);
    call(&mut before, 1_000, 600_000);
    before.run_until(20_000);
    let lost = before.facts().iter().find_map(|fact| match fact.body {
        FactBody::AgentAnswered { call, .. } => Some(call),
        _ => None,
    });
    let lost = lost.expect("it is answered");

    let mut world = killed(&before, &mut settings, &agents);
    call(&mut world, 1_000, 20_000);
    world.run_until(9_000);
    assert_eq!(ends(world.facts())[0].0, Outcome::EngineLost);
    assert_eq!(offers(&world), [], "the agent works on what was lost");
    let disposition = "enquiry_answered".to_owned();
    let wrap_up = cti::Command::WrapUp { call: lost, disposition };
    assert_eq!(world.ask("8001", wrap_up), Ok(()));
    world.run_until(10_000);
    assert_eq!(offers(&world), [(9_000, "8001".to_owned())]);
    world.run_until(200_000);
    let outcomes: Vec<_> = ends(world.facts()).into_iter().map(|(outcome, _)| outcome).collect();
    assert_eq!(outcomes, [Outcome::EngineLost, Outcome::Answered]);
}

#[test]

fn missed_offers_are_counted_on_and_who_rests_goes_on_resting() {
    let rule = MissedRule { limit: 3, rest_ms: 40_000 };
    let missed = MissedRules { no_answer: rule, ..MissedRules::default() };
    let mut settings = Settings { missed, ..settings() };
    let agents = [PhonePlan { answers: vec![Answer::RingsOnly], ..PhonePlan::of("8001") }];
    let mut before = hotline(&settings, &agents);
    call(&mut before, 1_000, 600_000);
    before.run_until(30_000);
    let by_silence =
        |body: &FactBody| matches!(body, FactBody::Missed { cause: MissedCause::NoAnswer, .. });
    let missed = before.when(by_silence);
    assert_eq!(missed.len(), 1);

    let mut world = killed(&before, &mut settings, &agents);
    call(&mut world, 1_000, 600_000);
    world.run_until(300_000);
    let rung = rings(&world, "8001")[0].as_ms() + 30_000 - missed[0].as_ms();
    assert!((40_000..40_500).contains(&rung), "rung {rung} ms after the miss");
    // The third in a row, one of them in the engine's life before.
    assert_eq!(world.when(by_silence).len(), 2);
    let no_answer = AgentStatus::NotReady { reason: NotReadyReason::NoAnswer };
    let last = world.facts().iter().rev().find_map(|fact| match &fact.body {
        FactBody::AgentChanged { status, day, .. } => Some((*status, day.clone()?.missed)),
        _ => None,
    });
    assert_eq!(last, Some((no_answer, [3, 0, 0, 0, 0])));
}

#[test]
fn whose_turn_it_is_does_not_begin_anew() {
    let mut settings = Settings { strategy: Strategy::RoundRobin, acw_ms: 1_000, ..settings() };
    let agents = ["8001", "8002", "8003"].map(PhonePlan::of);
    let mut before = hotline(&settings, &agents);
    call(&mut before, 1_000, 5_000);
    call(&mut before, 11_000, 5_000);
    before.run_until(30_000);
    let asked: Vec<_> = offers(&before).into_iter().map(|(_, agent)| agent).collect();
    assert_eq!(asked, ["8001", "8002"]);

    let mut world = killed(&before, &mut settings, &agents);
    for nth in 0..3 {
        call(&mut world, 1_000 + nth * 10_000, 5_000);
    }
    world.run_until(100_000);
    let asked: Vec<_> = offers(&world).into_iter().map(|(_, agent)| agent).collect();
    assert_eq!(asked, ["8003", "8001", "8002"]);
    assert_sound(&world);
}

#[test]
fn who_was_idle_longest_still_is() {
    let mut settings = Settings { acw_ms: 1_000, ..settings() };
    let agents = ["8001", "8002", "8003"].map(PhonePlan::of);
    let mut before = hotline(&settings, &agents);
    call(&mut before, 1_000, 5_000);
    before.run_until(30_000);
    // Killed twice, so that what is left of the order is told on.
    let mut between = killed(&before, &mut settings, &agents);
    between.run_until(30_000);
    let mut world = killed(&between, &mut settings, &agents);
    for nth in 0..3 {
        call(&mut world, 1_000 + nth, 5_000);
    }
    world.run_until(100_000);
    let asked: Vec<_> = offers(&world).into_iter().map(|(_, agent)| agent).collect();
    assert_eq!(asked, ["8002", "8003", "8001"]);
    assert_sound(&world);
}

#[test]
fn a_decision_is_kept_with_its_offer_and_counted_on() {
    let mut settings = settings();
    let agents = ["8001", "8002"].map(PhonePlan::of);
    let mut before = hotline(&settings, &agents);
    call(&mut before, 1_000, 5_000);
    before.run_until(30_000);
    let mut world = killed(&before, &mut settings, &agents);
    call(&mut world, 1_000, 5_000);
    world.run_until(100_000);
    let decided = |world: &World| {
        let made = world.facts().iter().find_map(|fact| match &fact.body {
            FactBody::Offered { why, .. } => why.clone(),
            _ => None,
        });
        made.expect("a queue decided it")
    };
    let (first, second) = (decided(&before), decided(&world));
    assert_eq!((first.number, second.number), (1, 2));
    let model::Choice::Agents { strategy, next, .. } = &first.choice else { panic!("{first:?}") };
    assert_eq!((strategy.as_str(), next[0].0.as_str()), ("longest_idle", "8002"));
}

#[test]
fn who_was_rung_together_for_a_call_that_is_lost_is_ready_again_and_has_missed_nothing() {
    let mut settings = Settings { strategy: Strategy::RingAll, ..settings() };
    let agents = ["8001", "8002", "8003"].map(|agent| {
        let answers = vec![Answer::RingsOnly];
        PhonePlan { answers, ..PhonePlan::of(agent) }
    });
    let mut before = hotline(&settings, &agents);
    call(&mut before, 1_000, 600_000);
    before.run_until(4_000);
    for agent in ["8001", "8002", "8003"] {
        assert_eq!(rings(&before, agent).len(), 1, "{agent}");
    }

    let mut world = killed(&before, &mut settings, &agents);
    call(&mut world, 5_000, 10_000);
    world.run_until(60_000);
    assert_eq!(ends(world.facts())[0].0, Outcome::EngineLost);
    for agent in ["8001", "8002", "8003"] {
        assert_eq!(rings(&world, agent).len(), 1, "{agent} is rung for the next call");
    }
    assert!(world.when(|body| matches!(body, FactBody::Missed { .. })).is_empty());
    assert_eq!(world.calls(), 0);
}

#[test]
fn nothing_is_left_of_an_offer_for_which_two_phones_rang() {
    let mut settings = settings();
    let rings_only = PhonePlan { answers: vec![Answer::RingsOnly], ..PhonePlan::of("8001") };
    let agents = [rings_only.clone(), rings_only];
    let mut before = hotline(&settings, &agents);
    call(&mut before, 1_000, 600_000);
    before.run_until(10_000);
    assert_eq!(rings(&before, "8001").len(), 2);

    let mut world = killed(&before, &mut settings, &agents);
    call(&mut world, 70_000, 10_000);
    world.run_until(75_000);
    assert_eq!(ends(world.facts())[0].0, Outcome::EngineLost);
    assert_eq!(rings(&world, "8001").len(), 2, "both ring for the next caller");
    world.run_until(200_000);
    let outcomes: Vec<_> = ends(world.facts()).into_iter().map(|(outcome, _)| outcome).collect();
    assert_eq!(outcomes, [Outcome::EngineLost, Outcome::Abandoned]);
    assert_eq!((world.calls(), world.open_ports()), (0, 0));
}
