//! A carrier that is named by its host (RFC 3263), in a zone of the test's own: each server that
//! the name leads to is asked, registered with and called for itself.

use cti::Command;
use model::{Fact, FactBody, Pii};
use sim::{Answer, PartyId, PhonePlan, Settings, Weather, World, settings};
use sip::digest::Account;
use trunk::Outward;

use crate::calls_out::{MOBILE, named, outward, tried};
use crate::{assert_sound, phone};

const NAME: &str = "sbc.carrier.example";

/// A line to the carrier's name, whose servers are asked every ten seconds.
fn line() -> Outward {
    Outward {
        targets: vec![NAME.parse().expect("a target")],
        options_interval_ms: 10_000,
        options_timeout_ms: 4_000,
        ..outward()
    }
}

/// The carrier's two servers, which ask who registers and calls; the zone is known after a minute,
/// for that there was nothing is remembered so long.
fn world(outward: Outward) -> (World, [PartyId; 2]) {
    let settings = Settings { outward: Some(outward), ..settings() };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    phone(&mut world, "8011");
    world.desktop("8011", 2, Some(40));
    let plan = || PhonePlan { answers: vec![Answer::After(500)], ..PhonePlan::of("gateway") };
    let challenges = Some(("ims", "02195512", "sesame"));
    let servers = [1, 2].map(|number| world.gateway(number, PhonePlan { challenges, ..plan() }));
    named(&mut world, NAME, &servers);
    world.run_until(75_000);
    (world, servers)
}

fn account() -> Option<Account> {
    let (user, password) = ("02195512".to_owned(), "sesame".to_owned());
    Some(Account { user, password, realm: Some("ims".to_owned()) })
}

fn at(number: u8) -> String {
    format!("{NAME} at 10.3.0.{number}:5060")
}

/// How many alarms were raised.
fn alarms(world: &World) -> usize {
    world.when(|body| matches!(body, FactBody::AlarmRaised { .. })).len()
}

/// Calls a number and ends the call; the servers that were tried for it.
fn dial(world: &mut World) -> Vec<String> {
    let before = tried(world).len();
    world.command("8011", Command::Dial { number: Pii::from(MOBILE) });
    world.run_for(8_000);
    world.command("8011", Command::HangUp);
    world.run_for(15_000);
    tried(world).split_off(before)
}

#[test]
fn rfc_3263_section_4_3_calls_skip_a_server_that_no_longer_answers_options() {
    let (mut world, [one, two]) = world(Outward { account: account(), ..line() });
    world.run_until(90_000);
    let probes = |world: &World, party| world.party(party).saw.probes.len();
    assert!(probes(&world, one) >= 1 && probes(&world, two) >= 1, "each is asked for itself");
    let turned = |world: &World| {
        let of_one = |fact: &Fact| match &fact.body {
            FactBody::TrunkUnreachable { target, .. } if *target == at(1) => Some(false),
            FactBody::TrunkReachable { target, .. } if *target == at(1) => Some(true),
            _ => None,
        };
        world.facts().iter().filter_map(of_one).collect::<Vec<_>>()
    };
    let (before, from) = (alarms(&world), turned(&world).len());
    world.party_mut(one).set_power(false);
    world.run_until(110_000);
    assert_eq!(turned(&world)[from..], [false]);
    assert_eq!(alarms(&world), before, "the line can be reached all the time");
    assert_eq!(dial(&mut world), [at(2)], "the dead one is not tried at all");
    assert_eq!(world.party(two).saw.connected.len(), 1);
    world.party_mut(one).set_power(true);
    world.run_for(30_000);
    assert_eq!(turned(&world)[from..], [false, true]);
    assert_eq!(dial(&mut world), [at(1)], "the zone prefers it");
    world.run_for(60_000);
    assert_sound(&world);
}

#[test]
fn when_the_names_last_server_goes_there_is_an_alarm_until_one_is_back() {
    let (mut world, [one, two]) = world(Outward { account: account(), ..line() });
    world.run_until(90_000);
    let before = alarms(&world);
    for server in [one, two] {
        world.party_mut(server).set_power(false);
    }
    world.run_until(120_000);
    assert_eq!(alarms(&world), before + 1);
    assert!(dial(&mut world).is_empty(), "it is given up without trying");
    world.party_mut(two).set_power(true);
    world.run_for(30_000);
    assert_eq!(dial(&mut world), [at(2)]);
    world.run_for(60_000);
    assert_sound(&world);
}

#[test]
fn rfc_3263_section_4_3_a_line_registers_with_the_names_next_server_where_the_first_is_gone() {
    let (mut world, [one, two]) = world(Outward {
        domain: "ims.example.com".to_owned(),
        account: account(),
        register_s: Some(100),
        ..line()
    });
    let registered = |world: &World, party| world.party(party).saw.registrations.len();
    assert_eq!((registered(&world, one), registered(&world, two)), (2, 0), "challenged once");
    assert_eq!(world.party(one).saw.registrations[1].uri(), "sip:ims.example.com");
    world.party_mut(one).set_power(false);
    world.run_until(300_000);
    assert!(registered(&world, two) >= 2);
    let unregistered = |body: &FactBody| matches!(body, FactBody::TrunkUnregistered { .. });
    let again = |body: &FactBody| matches!(body, FactBody::TrunkRegistered { .. });
    let (lost, back) = (world.when(unregistered), world.when(again));
    assert!(back.last() > lost.last(), "it is registered: {lost:?} {back:?}");
}

#[test]
fn a_line_whose_server_no_longer_answers_options_registers_with_the_next_at_once() {
    let (mut world, [one, two]) =
        world(Outward { account: account(), register_s: Some(3_600), ..line() });
    let registered = |world: &World, party| world.party(party).saw.registrations.len();
    assert_eq!((registered(&world, one), registered(&world, two)), (2, 0), "challenged once");
    world.party_mut(one).set_power(false);
    world.run_until(110_000);
    assert_eq!(registered(&world, two), 2, "and not when the registration has to be renewed");
    let lost = |body: &FactBody| matches!(body, FactBody::TrunkUnregistered { .. });
    assert!(world.when(lost).iter().all(|at| at.as_ms() < 75_000), "it is registered throughout");
    world.party_mut(one).set_power(true);
    world.run_until(200_000);
    assert_eq!(registered(&world, one), 2, "it stays where it is");
    assert_sound(&world);
}
