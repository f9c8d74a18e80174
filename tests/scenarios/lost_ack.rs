//! The caller never acknowledges our 200: after 64 × T1 the call is ended with a BYE.

use model::HangupCause;
use sim::CallerPlan;

use crate::{assert_sound, ends, world};

#[test]
fn the_dialog_gets_a_bye_after_thirty_two_seconds() {
    let mut world = world();
    let plan = CallerPlan { acknowledges: false, ..CallerPlan::default() };
    let caller = world.caller(1_000, plan);
    world.run_until(80_000);
    let ends = ends(world.facts());
    assert_eq!(ends.len(), 1);
    assert_eq!(ends[0].1, HangupCause::AckTimeout);
    let bye = world.party(caller).saw.byes[0].as_ms();
    assert!((33_000..33_100).contains(&bye), "the BYE came at {bye} ms");
    assert_sound(&world);
}
