//! A caller hangs up while waiting; nobody's phone rings.

use model::{HangupCause, Outcome};

use crate::{assert_sound, call, ends, world};

#[test]
fn a_caller_who_gives_up_has_abandoned() {
    let mut world = world();
    let caller = call(&mut world, 1_000, 12_000);
    world.run_until(60_000);
    assert_eq!(ends(world.facts()), [(Outcome::Abandoned, HangupCause::RemoteBye)]);
    assert_eq!(world.party(caller).saw.byes.len(), 0);
    assert_sound(&world);
}

#[test]
fn one_who_gives_up_makes_room_for_the_next() {
    let mut world = world();
    let agent = world.phone(20_000, sim::PhonePlan::of("8001"));
    call(&mut world, 1_000, 10_000);
    call(&mut world, 2_000, 60_000);
    world.run_until(120_000);
    assert_eq!(world.party(agent).saw.invites.len(), 1);
    let outcomes: Vec<Outcome> = ends(world.facts()).iter().map(|(outcome, _)| *outcome).collect();
    assert_eq!(outcomes, [Outcome::Abandoned, Outcome::Answered]);
    assert_sound(&world);
}
