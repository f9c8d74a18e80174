//! Two callers, one agent: the second waits and comes when the agent is free, in order.

use crate::{assert_sound, call, phone, world};

#[test]
fn the_second_caller_comes_after_the_first_and_the_after_call_work() {
    let mut world = world();
    let agent = phone(&mut world, "8001");
    call(&mut world, 1_000, 20_000);
    call(&mut world, 2_000, 60_000);
    world.run_until(120_000);
    let invites = &world.party(agent).saw.invites;
    assert_eq!(invites.len(), 2);
    let between = invites[1].as_ms() - 21_000;
    assert!((10_000..10_050).contains(&between), "the second came {between} ms after the first");
    assert_sound(&world);
}

#[test]
fn wrapping_up_early_brings_the_next_caller_early() {
    let mut world = world();
    let agent = phone(&mut world, "8001");
    world.desktop("8001", 1, Some(10));
    let first = call(&mut world, 1_000, 20_000);
    call(&mut world, 2_000, 60_000);
    world.run_until(23_000);
    assert_eq!(world.party(first).saw.disconnected.len(), 1);
    let calls = world.facts().iter().find_map(|fact| match fact.body {
        model::FactBody::AgentAnswered { call, .. } => Some(call),
        _ => None,
    });
    let call = calls.expect("the first call was answered");
    let disposition = "enquiry_answered".to_owned();
    world.command("8001", cti::Command::WrapUp { call, disposition });
    world.run_until(120_000);
    let second = world.party(agent).saw.invites[1].as_ms();
    assert!((23_000..23_100).contains(&second), "the second came at {second} ms");
    assert_sound(&world);
}
