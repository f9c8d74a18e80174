//! What a caller hears while waiting: the truth about who is there and how many are before them.

use std::collections::BTreeMap;

use model::FactBody;
use sim::{CallerPlan, PhonePlan, World};

use crate::{assert_sound, call, phone, world};

/// What was said to all callers, in order, with the second at which it began.
fn said(world: &World) -> Vec<(u64, String)> {
    let line =
        |(at, _, prompts): (model::Mono, _, Vec<&str>)| (at.as_ms() / 1_000, prompts.join(" "));
    world.announcements().map(line).collect()
}

#[test]
fn while_nobody_is_at_work_the_caller_is_told_so() {
    let mut world = world();
    call(&mut world, 1_000, 40_000);
    world.run_until(60_000);
    assert_eq!(said(&world), [(1, "no_agents".to_owned()), (31, "no_agents".to_owned())]);
    assert_sound(&world);
}

#[test]
fn who_finds_all_agents_busy_hears_that_and_then_the_position() {
    let mut world = world();
    phone(&mut world, "8001");
    call(&mut world, 1_000, 200_000);
    call(&mut world, 2_000, 100_000);
    world.run_until(100_000);
    let said: Vec<_> = said(&world).into_iter().filter(|(at, _)| *at >= 2).collect();
    let line = |at, text: &str| (at, text.to_owned());
    assert_eq!(
        said,
        [
            line(2, "please_wait all_busy"),
            line(32, "position_next"),
            line(62, "still_busy position_next"),
            line(92, "still_busy position_next"),
        ]
    );
}

/// The longest wait that an announcement tells, if it tells one.
fn most_s(prompts: &[&str]) -> Option<u64> {
    match *prompts.iter().find(|prompt| prompt.starts_with("wait_"))? {
        "wait_soon" => Some(60),
        "wait_beyond" => None,
        _ => {
            let minutes = prompts.iter().find_map(|prompt| prompt.strip_prefix("minutes_"))?;
            Some(minutes.parse::<u64>().expect("a number") * 60)
        }
    }
}

/// Four agents with calls of different lengths, and at first more callers than they can take, then
/// fewer, so that a line grows and shrinks.
fn busy() -> World {
    let mut world = world();
    for (agent, talks_ms) in
        [("8001", 45_000), ("8002", 65_000), ("8003", 90_000), ("8004", 140_000)]
    {
        world.phone(0, PhonePlan { talks_ms: Some(talks_ms), ..PhonePlan::of(agent) });
    }
    let busy = (1..=120).map(|count| count * 17_000);
    for at in busy.chain((1..=80).map(|count| 120 * 17_000 + count * 26_000)) {
        world.caller(at, CallerPlan { hangs_up_after_ms: None, ..CallerPlan::default() });
    }
    world.run_until(3 * 3_600_000);
    world
}

#[test]
fn the_wait_that_callers_are_told_is_the_wait_that_they_have() {
    let world = busy();
    let mut legs = BTreeMap::new();
    let mut answered = BTreeMap::new();
    for fact in world.facts() {
        match &fact.body {
            FactBody::CallArrived { call, leg, .. } => {
                legs.insert(*leg, *call);
            }
            FactBody::AgentAnswered { call, .. } => {
                answered.insert(*call, fact.mono);
            }
            _ => {}
        }
    }
    let (mut told, mut kept, mut ends) = (0, 0, BTreeMap::new());
    for (at, leg, prompts) in world.announcements() {
        let (Some(most_s), Some(call)) = (most_s(&prompts), legs.get(&leg)) else { continue };
        told += 1;
        let until_s = at.as_ms() / 1_000 + most_s;
        kept += u32::from(answered[call].as_ms() / 1_000 <= until_s);
        let before = ends.insert(leg, until_s).unwrap_or(0);
        // All are ten minutes at most, which are told to the minute.
        assert!(before < until_s + 60, "{leg:?}: until {before} s, and then until {until_s} s");
    }
    assert!(told >= 100 && ends.len() >= 30, "{told} announcements to {} callers", ends.len());
    assert!(kept * 10 >= told * 9, "{kept} of {told}");
    assert_sound(&world);
}

#[test]
fn nobody_is_told_of_a_wait_before_the_queue_has_shown_how_fast_it_moves() {
    let mut world = world();
    phone(&mut world, "8001");
    call(&mut world, 1_000, 400_000);
    call(&mut world, 2_000, 300_000);
    world.run_until(500_000);
    let is_wait = |prompts: &[&str]| prompts.iter().any(|prompt| prompt.starts_with("wait_"));
    assert!(world.announcements().all(|(_, _, prompts)| !is_wait(&prompts)));
    assert_sound(&world);
}
