//! Someone guesses a phone's password: slowed, locked, and nobody who is there already suffers.

use sim::{PartyId, PhonePlan, Settings, Weather, World, settings};

use crate::{phone, rings, world};

/// A stranger who tries one wrong password for that agent then.
fn guess(world: &mut World, at_ms: u64, agent: &str) -> PartyId {
    let plan = PhonePlan { password: "guess", refreshes: false, ..PhonePlan::of(agent) };
    world.phone(at_ms, plan)
}

/// The answers to a party's REGISTERs.
fn answers(world: &World, who: PartyId) -> Vec<u16> {
    world.party(who).saw.registers.iter().map(|(_, status)| *status).collect()
}

#[test]
fn guesses_are_slowed_then_locked_alike_for_users_that_exist_and_that_do_not() {
    let mut said = Vec::new();
    for agent in ["8001", "8999"] {
        let mut world = world();
        let strangers: Vec<_> =
            (0..12).map(|number| guess(&mut world, 1_000 + 600 * number, agent)).collect();
        world.run_until(20_000);
        said.push(strangers.iter().map(|who| answers(&world, *who)).collect::<Vec<_>>());
    }
    assert_eq!(said[0], said[1], "nobody learns who has an account");
    let slowed = said[0].iter().filter(|answers| **answers == [401, 503]).count();
    assert!(slowed >= 4, "{said:?}");
    assert!(said[0].iter().all(|answers| !answers.contains(&200)));
}

#[test]
fn a_locked_user_gets_in_when_the_lock_is_over_not_before() {
    let mut world = world();
    for number in 0..6 {
        guess(&mut world, 1_000 + 10_000 * number, "8001");
    }
    let owner = world.phone(70_000, PhonePlan { refreshes: false, ..PhonePlan::of("8001") });
    world.run_until(80_000);
    assert_eq!(answers(&world, owner), [401, 503], "even the right password");
    let over = model::Mono::from_ms(71_000 + 300_000);
    world.party_mut(owner).register(over);
    world.run_until(380_000);
    assert_eq!(answers(&world, owner)[2..], [401, 200]);
}

/// Once the password is right: who has none learns nothing of domains.
#[test]
fn rfc_3261_section_10_3_a_phone_of_a_domain_that_is_not_served_is_not_found() {
    let registers = |domains: &[&str], domain: &'static str, password: &'static str| {
        let domains = domains.iter().map(|&name| name.to_owned()).collect();
        let mut world = World::new(&Settings { domains, ..settings() }, Weather::FAIR, 1);
        let refreshes = false;
        let plan = PhonePlan { domain, password, refreshes, ..PhonePlan::of("8001") };
        let phone = world.phone(0, plan);
        world.run_until(3_000);
        answers(&world, phone)
    };
    let ours = ["desk.example"];
    assert_eq!(registers(&ours, "desk.example", "demo"), [401, 200]);
    assert_eq!(registers(&ours, "DESK.example", "demo"), [401, 200]);
    assert_eq!(registers(&ours, sim::REALM, "demo"), [401, 200]);
    assert_eq!(registers(&ours, "other.example", "demo"), [401, 404]);
    assert_eq!(registers(&ours, "other.example", "guess"), [401, 401]);
    assert_eq!(registers(&[], "other.example", "demo"), [401, 200], "with none any is served");
}

#[test]
fn a_phone_whose_registration_stands_is_not_locked_out_by_strangers() {
    let mut world = world();
    let owner = phone(&mut world, "8001");
    for number in 0..20 {
        guess(&mut world, 1_000 + 9_000 * number, "8001");
    }
    world.run_until(200_000);
    let now = world.now();
    world.party_mut(owner).register(now);
    crate::call(&mut world, 210_000, 20_000);
    world.run_until(300_000);
    assert_eq!(answers(&world, owner), [401, 200, 401, 200]);
    assert_eq!(rings(&world, "8001").len(), 1);
}
