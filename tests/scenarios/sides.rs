//! Listeners for one side: phones are nobody on the carriers' network, nor carriers on theirs.

use callflow::Side;
use sim::{CallerPlan, Settings, Weather, World, settings};

use crate::{assert_sound, call, phone, rings};

fn world(side: Side) -> World {
    World::new(&Settings { side, ..settings() }, Weather::FAIR, 1)
}

#[test]
fn on_the_carriers_side_no_phone_registers_and_calls_come() {
    let mut world = world(Side::Carrier);
    phone(&mut world, "8001");
    let caller = call(&mut world, 3_000, 20_000);
    world.run_until(60_000);
    assert_eq!(world.party(caller).saw.finals[0].1, 200);
    assert!(rings(&world, "8001").is_empty(), "nobody was let in");
    assert_sound(&world);
}

#[test]
fn on_the_agents_side_a_trunk_is_known_by_its_password_alone() {
    let mut world = world(Side::Agent);
    phone(&mut world, "8001");
    let by_address = call(&mut world, 3_000, 20_000);
    let account = Some(("branch-7", "demo"));
    let plan = CallerPlan { account, hangs_up_after_ms: Some(20_000), ..CallerPlan::default() };
    let by_password = world.stranger(5_000, plan);
    world.run_until(60_000);
    assert_eq!(world.party(by_address).saw.finals[0].1, 401);
    assert_eq!(world.party(by_password).saw.finals[0].1, 200);
    assert_eq!(rings(&world, "8001").len(), 1);
    assert_sound(&world);
}
