//! The network loses and doubles what it carries: every call is one call all the same.

use model::FactBody;
use sim::{PhonePlan, Weather, World, settings};

use crate::{assert_sound, call, ends};

#[test]
fn a_doubled_invite_is_one_call_with_one_answer() {
    let doubling = Weather { doubled: 1.0, ..Weather::FAIR };
    let mut world = World::new(&settings(), doubling, 3);
    let agent = world.phone(0, PhonePlan::of("8001"));
    let caller = call(&mut world, 1_000, 20_000);
    world.run_until(60_000);
    let arrived = |body: &FactBody| matches!(body, FactBody::CallArrived { .. });
    assert_eq!(world.when(arrived).len(), 1);
    assert_eq!(world.party(caller).saw.finals.len(), 1);
    assert_eq!(world.party(agent).saw.invites.len(), 1);
    assert_eq!(ends(world.facts()).len(), 1);
    assert_sound(&world);
}

#[test]
fn a_network_that_loses_a_fifth_loses_no_call() {
    let bad = Weather { loss: 0.2, ..Weather::FOUL };
    let mut world = World::new(&settings(), bad, 11);
    for agent in ["8001", "8002", "8003"] {
        world.phone(0, PhonePlan::of(agent));
    }
    let callers: Vec<_> = (0..20).map(|at| call(&mut world, 5_000 + at * 8_000, 20_000)).collect();
    world.run_until(600_000);
    for caller in callers {
        assert!(world.party(caller).saw.finals.len() <= 1);
    }
    assert_sound(&world);
}
