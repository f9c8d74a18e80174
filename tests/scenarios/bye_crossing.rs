//! Both sides hang up in the same moment: one record, no leg left.

use model::Outcome;

use crate::{assert_sound, call, ends, phone, world};

#[test]
fn two_byes_that_cross_end_one_call() {
    let mut world = world();
    let agent = phone(&mut world, "8001");
    let caller = call(&mut world, 1_000, 20_000);
    world.run_until(10_000);
    let hangs_up = model::Mono::from_ms(21_000);
    world.party_mut(agent).hang_up(hangs_up);
    world.run_until(60_000);
    let ends = ends(world.facts());
    assert_eq!(ends.len(), 1);
    assert_eq!(ends[0].0, Outcome::Answered);
    assert!(!world.party(agent).is_connected() && !world.party(caller).is_connected());
    assert_sound(&world);
}

#[test]
fn the_agent_may_hang_up_first() {
    let mut world = world();
    let agent = phone(&mut world, "8001");
    let caller = world.caller(1_000, sim::CallerPlan::default());
    world.run_until(10_000);
    world.party_mut(agent).hang_up(model::Mono::from_ms(15_000));
    world.run_until(60_000);
    assert_eq!(world.party(caller).saw.byes.len(), 1);
    assert_eq!(ends(world.facts())[0].0, Outcome::Answered);
    assert_sound(&world);
}
