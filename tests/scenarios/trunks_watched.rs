//! Lines to carriers: registered, asked whether they are there, and shown on the board.

use cti::{Command, Event};
use model::{Mono, Pii};
use sim::{Answer, CallerPlan, PartyId, PhonePlan, Settings, Weather, World, settings};
use sip::digest::Account;
use trunk::Outward;

use crate::{assert_sound, ends, phone};

/// A carrier with that many gateways, asked every ten seconds.
fn outward(gateways: u8) -> Outward {
    let targets = (1..=gateways).map(|number| format!("10.3.0.{number}"));
    Outward {
        targets: targets.map(|one| one.parse().expect("a target")).collect(),
        allowed: vec![".".parse().expect("a pattern")],
        caller_id: "02195512".to_owned(),
        options_interval_ms: 10_000,
        options_timeout_ms: 4_000,
        ..Outward::default()
    }
}

fn world(outward: Outward) -> World {
    World::new(&Settings { outward: Some(outward), ..settings() }, Weather::FAIR, 1)
}

fn gateway(world: &mut World, number: u8) -> PartyId {
    world.gateway(number, PhonePlan { answers: vec![Answer::After(500)], ..gateway_plan() })
}

fn gateway_plan() -> PhonePlan {
    PhonePlan::of("gateway")
}

fn when(world: &World, kind: &str) -> Vec<Mono> {
    world.when(|body| body.kind() == kind)
}

#[test]
fn a_gateway_that_falls_silent_is_left_out_and_comes_back_with_its_answer() {
    let mut world = world(outward(2));
    phone(&mut world, "8011");
    world.desktop("8011", 2, Some(40));
    let (one, two) = (gateway(&mut world, 1), gateway(&mut world, 2));
    world.run_until(20_000);
    assert!(world.party(one).saw.probes.len() >= 2 && when(&world, "trunk_unreachable").is_empty());
    world.party_mut(one).set_power(false);
    world.run_until(40_000);
    let gone = when(&world, "trunk_unreachable");
    assert!(gone.len() == 1 && gone[0].as_ms() <= 34_000, "{gone:?}");
    assert!(when(&world, "alarm_raised").is_empty(), "there is another");
    world.command("8011", Command::Dial { number: Pii::from("13800138000") });
    world.run_until(45_000);
    assert!(world.party(two).is_connected());
    assert_eq!(when(&world, "trunk_tried").len(), 1, "the silent one is not tried at all");
    world.command("8011", Command::HangUp);
    world.party_mut(one).set_power(true);
    world.run_until(80_000);
    assert_eq!(when(&world, "trunk_reachable").len(), 1);
    assert_sound(&world);
}

#[test]
fn when_the_last_gateway_goes_there_is_an_alarm_until_one_is_back() {
    let mut world = world(outward(1));
    phone(&mut world, "8011");
    world.desktop("8011", 2, Some(40));
    let only = gateway(&mut world, 1);
    world.run_until(15_000);
    world.party_mut(only).set_power(false);
    world.run_until(40_000);
    assert_eq!(when(&world, "alarm_raised").len(), 1);
    world.command("8011", Command::Dial { number: Pii::from("13800138000") });
    world.run_until(50_000);
    let outcome = ends(world.facts());
    assert_eq!(outcome.len(), 1, "it is given up without trying");
    assert!(when(&world, "trunk_tried").is_empty());
    world.party_mut(only).set_power(true);
    world.run_until(70_000);
    assert_eq!(when(&world, "alarm_cleared").len(), 1);
    assert_sound(&world);
}

#[test]
fn a_503_without_retry_after_is_about_that_call_alone() {
    let mut world = world(outward(2));
    phone(&mut world, "8011");
    world.desktop("8011", 2, Some(40));
    let plan = PhonePlan { answers: vec![Answer::Refuses(503, 10)], ..gateway_plan() };
    let one = world.gateway(1, plan);
    let two = gateway(&mut world, 2);
    world.run_until(2_000);
    world.command("8011", Command::Dial { number: Pii::from("13800138000") });
    world.run_until(8_000);
    assert!(world.party(two).is_connected());
    // RFC 3261 §21.5.4.
    assert!(when(&world, "trunk_unreachable").is_empty());
    assert_eq!(world.party(one).saw.invites.len(), 1);
    world.command("8011", Command::HangUp);
    world.run_until(60_000);
    assert_sound(&world);
}

/// A line that registers with its first gateway.
fn registering() -> Outward {
    let account = Account {
        user: "02195512".to_owned(),
        password: "sesame".to_owned(),
        realm: Some("ims".to_owned()),
    };
    Outward {
        domain: "ims.example.com".to_owned(),
        account: Some(account),
        register_s: Some(100),
        ..outward(1)
    }
}

fn registrar(world: &mut World, password: &'static str) -> PartyId {
    let challenges = Some(("ims", "02195512", password));
    world.gateway(1, PhonePlan { challenges, ..gateway_plan() })
}

#[test]
fn a_line_registers_with_its_carrier_and_calls_to_its_contact_are_its_own() {
    let mut world = world(registering());
    let carrier = registrar(&mut world, "sesame");
    let agent = phone(&mut world, "8001");
    world.run_until(5_000);
    let seen = world.party(carrier).saw.registrations.clone();
    assert_eq!(seen.len(), 2, "challenged once");
    assert_eq!(seen[1].uri(), "sip:ims.example.com");
    assert_eq!(when(&world, "trunk_registered").len(), 1);
    let contact = seen[1].contacts().next().expect("it has one");
    let contact = contact.uri().expect("a URI").user().to_owned();

    let plan = CallerPlan {
        contact: Some(contact.clone()),
        hangs_up_after_ms: Some(10_000),
        ..CallerPlan::default()
    };
    let caller = world.caller_behind(1, 6_000, plan.clone());
    let stranger = world.stranger(6_500, plan);
    world.run_until(30_000);
    assert_eq!(world.party(caller).saw.finals[0].1, 200);
    assert_eq!(world.party(agent).saw.invites.len(), 1);
    assert_ne!(world.party(stranger).saw.finals[0].1, 200, "the Contact alone opens nothing");
    world.run_until(90_000);
    let again = world.party(carrier).saw.registrations.len();
    assert!(again >= 3, "refreshed before its end, with the nonce that it has");
    assert!(when(&world, "trunk_unregistered").is_empty());
    assert_sound(&world);
}

#[test]
fn a_registration_that_is_refused_is_an_alarm_and_not_a_flood() {
    let mut world = world(registering());
    let carrier = registrar(&mut world, "another");
    world.run_until(60_000);
    assert_eq!(world.party(carrier).saw.registrations.len(), 2);
    assert_eq!(when(&world, "trunk_unregistered").len(), 1);
    assert_eq!(when(&world, "alarm_raised").len(), 1);
}

#[test]
fn the_engine_takes_its_registration_back_when_it_stops() {
    let mut world = world(registering());
    let carrier = registrar(&mut world, "sesame");
    world.run_until(5_000);
    world.stop();
    world.run_until(10_000);
    let last = world.party(carrier).saw.registrations.last().cloned().expect("there are some");
    assert_eq!(last.header("Expires"), Some("0"));
}

#[test]
fn the_board_is_told_of_a_lines_health_and_of_its_calls() {
    let mut world = world(outward(2));
    world.supervisor("lead");
    let one = gateway(&mut world, 1);
    gateway(&mut world, 2);
    crate::call(&mut world, 5_000, 20_000);
    world.run_until(10_000);
    let states = |world: &World| -> Vec<(u32, u32, u32)> {
        let log = world.desktop_log("lead").expect("a desktop");
        let seen = log.events.iter().filter_map(|(_, _, event)| match &**event {
            Event::TrunkState { trunk, calls, targets, reachable, .. }
                if trunk.as_str() == "carrier" =>
            {
                Some((*calls, *targets, *reachable))
            }
            _ => None,
        });
        seen.collect()
    };
    assert_eq!(states(&world).first(), Some(&(0, 2, 2)));
    assert_eq!(states(&world).last(), Some(&(1, 2, 2)));
    world.party_mut(one).set_power(false);
    world.run_until(60_000);
    assert_eq!(states(&world).last(), Some(&(0, 2, 1)));
}

#[test]
fn a_registration_that_is_under_way_when_the_engine_stops_is_taken_back_as_well() {
    let mut world = world(registering());
    let carrier = registrar(&mut world, "sesame");
    // The answer to the challenge is there, and what the registrar says to it is on its way.
    let asked = |world: &World| world.party(carrier).saw.registrations.len();
    let mut at = 0;
    while asked(&world) < 2 {
        at += 1;
        world.run_until(at);
    }
    world.stop();
    world.run_until(at + 5_000);
    let all = &world.party(carrier).saw.registrations;
    let expires: Vec<_> = all.iter().filter_map(|register| register.header("Expires")).collect();
    assert_eq!(expires.last(), Some(&"0"), "{expires:?}");
}
