//! Calls that are not taken: an unknown number, no room, a trunk's limits, wrong credentials.

use sim::{CallerPlan, Settings, Weather, World, settings};

use crate::{assert_sound, call, ends, phone, rings, world};

#[test]
fn a_number_that_nobody_has_is_not_found() {
    let mut world = world();
    let plan = CallerPlan { number: "12345", ..CallerPlan::default() };
    let caller = world.caller(1_000, plan);
    world.run_until(40_000);
    assert_eq!(world.party(caller).saw.finals.iter().map(|end| end.1).collect::<Vec<_>>(), [404]);
    assert!(ends(world.facts()).is_empty(), "what was never a call has no record");
    assert_sound(&world);
}

#[test]
fn beyond_the_limit_a_call_is_told_to_come_again() {
    let few = Settings { calls_max: 2, ..settings() };
    let mut world = World::new(&few, Weather::FAIR, 1);
    for at in [1_000, 1_100] {
        call(&mut world, at, 20_000);
    }
    let refused = call(&mut world, 1_200, 20_000);
    let later = call(&mut world, 30_000, 5_000);
    world.run_until(60_000);
    assert_eq!(world.party(refused).saw.finals[0].1, 503);
    assert_eq!(world.party(later).saw.finals[0].1, 200);
    assert_sound(&world);
}

#[test]
fn a_carrier_without_an_extension_that_is_required_is_told_which() {
    let trunk_requires = vec!["timer".to_owned()];
    let mut world = World::new(&Settings { trunk_requires, ..settings() }, Weather::FAIR, 1);
    let caller = call(&mut world, 1_000, 20_000);
    world.run_until(40_000);
    assert_eq!(world.party(caller).saw.finals[0].1, 421);
    assert!(ends(world.facts()).is_empty(), "it was never a call");
    assert_sound(&world);
}

/// A hotline whose carrier may bring so much.
fn limited(calls: Option<u32>, calls_per_s: Option<u32>) -> World {
    let trunk_limits = trunk::Limits { calls, calls_per_s };
    World::new(&Settings { trunk_limits, ..settings() }, Weather::FAIR, 1)
}

#[test]
fn beyond_a_trunks_calls_it_is_told_to_come_again_and_a_call_that_ends_makes_room() {
    let mut world = limited(Some(2), None);
    for at in [1_000, 1_100] {
        call(&mut world, at, 20_000);
    }
    let refused = call(&mut world, 1_200, 20_000);
    let later = call(&mut world, 30_000, 5_000);
    world.run_until(60_000);
    assert_eq!(world.party(refused).saw.finals[0].1, 503);
    assert_eq!(world.party(later).saw.finals[0].1, 200);
    assert_sound(&world);
}

#[test]
fn a_trunk_that_calls_too_fast_is_told_to_come_again() {
    let mut world = limited(None, Some(3));
    let calls: Vec<_> =
        (0..5).map(|number| call(&mut world, 1_000 + 10 * number, 20_000)).collect();
    let later = call(&mut world, 3_000, 5_000);
    world.run_until(60_000);
    let answers: Vec<_> = calls.iter().map(|id| world.party(*id).saw.finals[0].1).collect();
    assert_eq!(answers, [200, 200, 200, 503, 503]);
    assert_eq!(world.party(later).saw.finals[0].1, 200);
    assert_sound(&world);
}

#[test]
fn a_line_without_an_address_is_known_by_its_password() {
    let mut world = world();
    phone(&mut world, "8001");
    let of =
        |account| CallerPlan { account, hangs_up_after_ms: Some(20_000), ..CallerPlan::default() };
    let branch = world.stranger(5_000, of(Some(("branch-7", "demo"))));
    let guesser = world.stranger(5_100, of(Some(("branch-7", "guess"))));
    let nobody = world.stranger(5_200, of(None));
    let unknown = world.stranger(5_300, of(Some(("branch-8", "demo"))));
    world.run_until(60_000);
    assert_eq!(world.party(branch).saw.finals[0].1, 200);
    for refused in [guesser, nobody, unknown] {
        assert_eq!(world.party(refused).saw.finals[0].1, 401);
    }
    assert_eq!(rings(&world, "8001").len(), 1);
    assert_eq!(ends(world.facts()).len(), 1);
    assert_sound(&world);
}
