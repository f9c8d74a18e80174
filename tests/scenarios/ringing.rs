//! A call may ring several agents at once: the first who answers has it, and nobody else has missed
//! anything.

use acd::{RingRule, Strategy};
use model::{AgentState, Fact, FactBody, HangupCause, LegRole, Mono, Outcome};
use sim::{Answer, PartyId, PhonePlan, Settings, Weather, World, settings};

use crate::{assert_sound, call, ends, rings};

fn together() -> Settings {
    Settings { strategy: Strategy::RingAll, ..settings() }
}

fn progressively() -> Settings {
    let ring = RingRule { at_once: 1, add: 1, add_after_ms: 5_000 };
    Settings { strategy: Strategy::RingProgressive, ring, ..settings() }
}

fn phone(world: &mut World, agent: &str, answer: Answer) -> PartyId {
    world.phone(0, PhonePlan { answers: vec![answer], ..PhonePlan::of(agent) })
}

/// Who answered, in order.
fn answered(world: &World) -> Vec<&str> {
    let one = |fact| match fact {
        &Fact { body: FactBody::AgentAnswered { ref agent, .. }, .. } => Some(agent.as_str()),
        _ => None,
    };
    world.facts().iter().filter_map(one).collect()
}

fn missed(world: &World) -> usize {
    world.when(|body| matches!(body, FactBody::Missed { .. })).len()
}

/// How the leg to that agent's phone ended.
fn leg_ends(world: &World, agent: &str) -> Vec<HangupCause> {
    let one = |fact: &Fact| match &fact.body {
        FactBody::LegEnded { role: LegRole::Agent(of), cause, .. } if of.as_str() == agent => {
            Some(*cause)
        }
        _ => None,
    };
    world.facts().iter().filter_map(one).collect()
}

#[test]
fn all_phones_of_a_group_ring_and_the_first_gets_the_call() {
    let mut world = World::new(&together(), Weather::FAIR, 1);
    for (agent, after_ms) in [("8001", 9_000), ("8002", 4_000), ("8003", 7_000)] {
        phone(&mut world, agent, Answer::After(after_ms));
    }
    call(&mut world, 1_000, 30_000);
    world.run_until(4_500);
    for agent in ["8001", "8002", "8003"] {
        let first = rings(&world, agent);
        assert!(first.len() == 1 && first[0] < Mono::from_ms(1_200), "{agent} {first:?}");
    }
    world.run_until(20_000);
    assert_eq!((answered(&world), missed(&world)), (vec!["8002"], 0));
    for agent in ["8001", "8003"] {
        assert_eq!(leg_ends(&world, agent), [HangupCause::AnsweredElsewhere]);
        let is_idle = |body: &FactBody| {
            matches!(body, FactBody::AgentChanged { agent: of, state: AgentState::Idle, .. }
                if of.as_str() == agent)
        };
        assert!(world.when(is_idle).last().is_some_and(|at| *at > Mono::from_ms(5_000)), "{agent}");
    }
    world.run_until(100_000);
    assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
    assert_sound(&world);
}

#[test]
fn two_pick_up_at_the_same_moment_and_one_call_results() {
    for apart_ms in 0..=40 {
        let mut world = World::new(&together(), Weather::FAIR, apart_ms + 1);
        phone(&mut world, "8001", Answer::After(3_000));
        phone(&mut world, "8002", Answer::After(3_000 + apart_ms));
        call(&mut world, 1_000, 30_000);
        world.run_until(10_000);
        assert_eq!((answered(&world).len(), missed(&world)), (1, 0), "{apart_ms} ms apart");
        world.run_until(100_000);
        assert_eq!(ends(world.facts()).len(), 1);
        assert_sound(&world);
    }
}

#[test]
fn one_rejects_and_the_others_ring_on() {
    let mut world = World::new(&together(), Weather::FAIR, 1);
    phone(&mut world, "8001", Answer::Refuses(486, 1_000));
    phone(&mut world, "8002", Answer::After(6_000));
    phone(&mut world, "8003", Answer::RingsOnly);
    call(&mut world, 1_000, 30_000);
    world.run_until(6_000);
    assert_eq!((answered(&world).len(), missed(&world)), (0, 1));
    world.run_until(20_000);
    assert_eq!((answered(&world), missed(&world)), (vec!["8002"], 1));
    assert_eq!(leg_ends(&world, "8003"), [HangupCause::AnsweredElsewhere]);
    world.run_until(100_000);
    assert_sound(&world);
}

#[test]
fn the_caller_hangs_up_and_all_phones_stop() {
    let mut world = World::new(&together(), Weather::FAIR, 1);
    for agent in ["8001", "8002", "8003"] {
        phone(&mut world, agent, Answer::RingsOnly);
    }
    call(&mut world, 1_000, 5_000);
    world.run_until(20_000);
    assert_eq!(ends(world.facts())[0].0, Outcome::Abandoned);
    assert_eq!(missed(&world), 0);
    for agent in ["8001", "8002", "8003"] {
        assert_eq!(leg_ends(&world, agent).len(), 1, "{agent}");
    }
    world.run_until(100_000);
    assert_sound(&world);
}

#[test]
fn more_and_more_phones_ring_until_one_is_answered() {
    let mut world = World::new(&progressively(), Weather::FAIR, 1);
    for agent in ["8001", "8002", "8003"] {
        phone(&mut world, agent, Answer::RingsOnly);
    }
    call(&mut world, 1_000, 60_000);
    world.run_until(3_000);
    let rung = |world: &World| {
        let rang = world.when(|body| matches!(body, FactBody::Rang { .. }));
        rang.iter().map(|at| (at.as_ms() - 1_000) / 1_000).collect::<Vec<_>>()
    };
    assert_eq!(rung(&world), [0]);
    world.run_until(8_000);
    assert_eq!(rung(&world), [0, 5]);
    world.run_until(14_000);
    assert_eq!(rung(&world), [0, 5, 10], "and the first ones ring on");
    assert_eq!(missed(&world), 0);
    world.run_until(200_000);
    assert_sound(&world);
}

#[test]
fn who_rings_along_is_there_for_the_next_caller_at_once() {
    let mut world = World::new(&together(), Weather::FAIR, 1);
    phone(&mut world, "8001", Answer::After(2_000));
    phone(&mut world, "8002", Answer::After(4_000));
    call(&mut world, 1_000, 30_000);
    call(&mut world, 1_500, 30_000);
    world.run_until(3_000);
    world.run_until(12_000);
    assert_eq!(answered(&world).len(), 2, "both callers have somebody");
    assert_eq!(missed(&world), 0);
    world.run_until(100_000);
    assert_sound(&world);
}

#[test]
fn a_screen_pops_before_each_phone_rings() {
    let mut world = World::new(&together(), Weather::FAIR, 1);
    for (agent, shows_ms) in [("8001", 20), ("8002", 120), ("8003", 250)] {
        phone(&mut world, agent, Answer::RingsOnly);
        world.desktop(agent, 1, Some(shows_ms));
    }
    world.run_until(2_000);
    call(&mut world, 3_000, 8_000);
    world.run_until(8_000);
    let firsts: Vec<u64> =
        ["8001", "8002", "8003"].iter().map(|agent| rings(&world, agent)[0].as_ms()).collect();
    assert!(firsts.is_sorted(), "each waits for its own screen alone: {firsts:?}");
    world.run_until(100_000);
    assert_sound(&world);
}
