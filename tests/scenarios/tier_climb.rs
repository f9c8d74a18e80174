//! A call climbs the tiers while it waits, until someone may do what the caller needs.

use model::FactBody;
use sim::{CallerPlan, PhonePlan};

use crate::{assert_sound, call, rings, world};

#[test]
fn the_second_tier_is_rung_after_twenty_seconds_the_third_after_forty() {
    for (agent, after_ms) in [("8001", 0), ("8011", 20_000), ("8021", 40_000)] {
        let mut world = world();
        world.phone(0, PhonePlan::of(agent));
        call(&mut world, 1_000, 90_000);
        world.run_until(150_000);
        let rang = rings(&world, agent)[0].as_ms() - 1_000;
        assert!((after_ms..after_ms + 20).contains(&rang), "{agent} rang after {rang} ms");
        assert_sound(&world);
    }
}

#[test]
fn a_complaint_is_never_offered_to_the_first_tier() {
    let mut world = world();
    world.phone(0, PhonePlan::of("8001"));
    world.phone(0, PhonePlan::of("8011"));
    let plan = CallerPlan {
        number: "95512",
        keys: vec![(1_000, '3')],
        hangs_up_after_ms: Some(20_000),
        ..CallerPlan::default()
    };
    world.caller(1_000, plan);
    world.run_until(60_000);
    assert!(rings(&world, "8001").is_empty());
    assert_eq!(rings(&world, "8011").len(), 1);
    assert_sound(&world);
}

#[test]
fn every_tier_that_is_reached_is_a_fact() {
    let mut world = world();
    call(&mut world, 1_000, 50_000);
    world.run_until(90_000);
    let reached: Vec<u8> = world
        .facts()
        .iter()
        .filter_map(|fact| match fact.body {
            FactBody::TierReached { tier, .. } => tier.map(|tier| tier.level),
            _ => None,
        })
        .collect();
    assert!(reached.ends_with(&[2, 3]), "{reached:?}");
    assert_sound(&world);
}
