//! Calls that are not taken: an unknown number, no room.

use sim::{CallerPlan, Settings, Weather, World, settings};

use crate::{assert_sound, call, ends, world};

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
