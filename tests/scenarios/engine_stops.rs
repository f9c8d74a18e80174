//! The engine is told to stop: every call is ended in order, whatever it was doing.

use model::{FactBody, Outcome};

use crate::{assert_sound, call, ends, phone, world};

#[test]
fn all_calls_end_and_no_new_one_is_taken() {
    let mut world = world();
    phone(&mut world, "8001");
    let talking = call(&mut world, 1_000, 90_000);
    let waiting = call(&mut world, 2_000, 90_000);
    world.run_until(10_000);
    world.stop();
    let late = call(&mut world, 10_001, 90_000);
    world.run_until(100_000);
    assert!(world.is_stopped());
    let mut outcomes: Vec<Outcome> = ends(world.facts()).iter().map(|(end, _)| *end).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, [Outcome::Answered, Outcome::EngineLost]);
    for party in [talking, waiting] {
        assert_eq!(world.party(party).saw.byes.len(), 1);
    }
    assert_eq!(world.party(late).saw.finals[0].1, 503);
    let at = |kind| world.when(|body| body.kind() == kind);
    assert_eq!(at("recording_sealed").len(), 1);
    assert!(at("recording_sealed") <= at("engine_stopped"), "the recording is whole at the end");
    assert_sound(&world);
}

#[test]
fn a_disk_that_never_seals_does_not_hold_up_the_end() {
    let mut world = world();
    world.seals_nothing();
    phone(&mut world, "8001");
    call(&mut world, 1_000, 90_000);
    world.run_until(10_000);
    world.stop();
    world.run_until(14_900);
    assert!(!world.is_stopped(), "there is still hope");
    world.run_until(15_500);
    assert!(world.is_stopped());
    assert_eq!(world.when(|body| matches!(body, FactBody::EngineStopped)).len(), 1);
}
