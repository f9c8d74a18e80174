//! An agent's phone is gone: it is not rung, and what waits goes to someone else.

use model::Mono;
use sim::PhonePlan;

use crate::{assert_sound, call, phone, rings, world};

/// fusionpbx#2831: the phone is gone, and the agent still available.
#[test]
fn a_phone_that_took_itself_back_is_not_rung() {
    let mut world = world();
    let gone = phone(&mut world, "8001");
    world.run_until(1_000);
    world.party_mut(gone).unregister(Mono::from_ms(2_000));
    call(&mut world, 3_000, 30_000);
    world.phone(10_000, PhonePlan::of("8002"));
    world.run_until(60_000);
    assert!(rings(&world, "8001").is_empty());
    assert_eq!(rings(&world, "8002").len(), 1);
    assert_sound(&world);
}

#[test]
fn a_phone_that_comes_after_its_desktop_makes_its_agent_ready() {
    let mut world = world();
    world.desktop("8001", 1, Some(10));
    world.run_until(1_000);
    phone(&mut world, "8001");
    call(&mut world, 3_000, 10_000);
    world.run_until(60_000);
    assert_eq!(rings(&world, "8001").len(), 1);
    assert_sound(&world);
}

#[test]
fn so_does_a_phone_that_was_away_while_its_desktop_stayed() {
    let mut world = world();
    let first = phone(&mut world, "8001");
    world.desktop("8001", 1, Some(10));
    world.run_until(1_000);
    world.party_mut(first).unregister(Mono::from_ms(2_000));
    world.phone(5_000, PhonePlan::of("8001"));
    call(&mut world, 7_000, 10_000);
    world.run_until(60_000);
    assert_eq!(rings(&world, "8001").len(), 1);
    assert_sound(&world);
}

#[test]
fn a_registration_that_expires_is_over() {
    let mut world = world();
    let plan = PhonePlan { expires_s: 60, refreshes: false, ..PhonePlan::of("8001") };
    world.phone(0, plan);
    call(&mut world, 70_000, 20_000);
    world.run_until(120_000);
    assert!(rings(&world, "8001").is_empty());
    assert_sound(&world);
}

#[test]
fn a_phone_that_refreshes_stays() {
    let mut world = world();
    world.phone(0, PhonePlan { expires_s: 60, ..PhonePlan::of("8001") });
    call(&mut world, 300_000, 20_000);
    world.run_until(400_000);
    assert_eq!(rings(&world, "8001").len(), 1);
    assert_sound(&world);
}
