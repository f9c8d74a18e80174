//! Carriers that say that the called number is elsewhere (3xx): what is followed, and what is not.

use cti::Command;
use model::{HangupCause, Outcome, Pii};
use sim::{Answer, PartyId, PhonePlan, Settings, Weather, World, settings};
use trunk::Outward;

use crate::calls_out::{MOBILE, gateway, outward, tried};
use crate::{assert_sound, ends, phone};

const OTHER: &str = "sip:+8613900139000@";

/// An agent who may call out, and a carrier with the gateways of 10.3.0.0/24.
fn world() -> World {
    let settings = Settings { outward: Some(outward()), ..settings() };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    phone(&mut world, "8011");
    world.desktop("8011", 2, Some(40));
    world.run_until(1_000);
    world
}

/// The `number`th gateway, which sends calls on to these Contacts.
fn redirects(world: &mut World, number: u8, status: u16, to: &[&'static str]) -> PartyId {
    let answers = vec![Answer::Refuses(status, 100)];
    let elsewhere = vec![to.to_vec()];
    world.gateway(number, PhonePlan { answers, elsewhere, ..PhonePlan::of("gateway") })
}

fn dial(world: &mut World, number: &str) {
    world.command("8011", Command::Dial { number: Pii::from(number) });
}

fn asked(world: &World, party: PartyId) -> Vec<String> {
    world.party(party).saw.invitations.iter().map(|invite| invite.uri().to_owned()).collect()
}

#[test]
fn rfc_3261_section_8_1_3_4_a_number_that_moved_is_called_where_it_is() {
    for status in [300, 301, 302] {
        let mut world = world();
        redirects(&mut world, 1, status, &["<sip:+8613900139000@10.3.0.2>"]);
        let second = gateway(&mut world, 2, Answer::After(500));
        dial(&mut world, MOBILE);
        world.run_until(15_000);
        assert_eq!(asked(&world, second), ["sip:+8613900139000@10.3.0.2"], "{status}");
        let invite = &world.party(second).saw.invitations[0];
        assert!(invite.to().unwrap().as_str().contains("+8613800138000"), "To stays");
        assert_eq!(invite.cseq().unwrap().number, 2);
        assert!(world.party(second).is_connected());
        world.command("8011", Command::HangUp);
        world.run_until(60_000);
        assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::AgentHangUp)]);
        assert_sound(&world);
    }
}

#[test]
fn the_preferred_contact_is_called_first_and_the_next_one_if_it_refuses() {
    let mut world = world();
    let contacts = ["<sip:+8613900139000@10.3.0.2>;q=0.1", "<sip:+8613700137000@10.3.0.2>;q=0.9"];
    redirects(&mut world, 1, 302, &contacts);
    let answers = vec![Answer::Refuses(486, 100), Answer::After(500)];
    let second = world.gateway(2, PhonePlan { answers, ..PhonePlan::of("gateway") });
    dial(&mut world, MOBILE);
    world.run_until(15_000);
    let both = ["sip:+8613700137000@10.3.0.2", "sip:+8613900139000@10.3.0.2"];
    assert_eq!(asked(&world, second), both);
    assert!(world.party(second).is_connected());
    world.command("8011", Command::HangUp);
    world.run_until(60_000);
    assert_sound(&world);
}

#[test]
fn a_telephone_number_without_a_place_is_called_over_the_lines_that_may_call_it() {
    for contact in ["<tel:+86-139-0013-9000>", "<sip:+8613900139000@far.example;user=phone>"] {
        let mut world = world();
        let answers = vec![Answer::Refuses(302, 100), Answer::After(500)];
        let elsewhere = vec![vec![contact]];
        let first = world.gateway(1, PhonePlan { answers, elsewhere, ..PhonePlan::of("gateway") });
        dial(&mut world, MOBILE);
        world.run_until(15_000);
        assert_eq!(asked(&world, first)[1], format!("{OTHER}10.3.0.1"), "{contact}");
        assert!(world.party(first).is_connected());
        world.command("8011", Command::HangUp);
        world.run_until(60_000);
        assert_sound(&world);
    }
}

/// Whoever answers could otherwise have the house call whom they like, where they like.
#[test]
fn nobody_outside_sends_a_call_to_where_no_list_allows_it() {
    for contact in [
        // Another's host, by address and by name; a number that no list has; no number; a number
        // for help; nothing that can be called.
        "<sip:+8613900139000@198.51.100.66>",
        "<sip:+8613900139000@premium.example>",
        "<sip:0044123456789@10.3.0.2>",
        "<tel:+44123456789>",
        "<sip:bob@10.3.0.2>",
        "<sip:110@10.3.0.2>",
        "<mailto:bob@example.com>",
        "*",
    ] {
        let mut world = world();
        redirects(&mut world, 1, 302, &[contact]);
        let second = gateway(&mut world, 2, Answer::After(500));
        dial(&mut world, MOBILE);
        world.run_until(30_000);
        assert!(asked(&world, second).is_empty(), "{contact}");
        assert_eq!(tried(&world), ["10.3.0.1"], "{contact}");
        let end = (Outcome::Unanswered, HangupCause::Response(302));
        assert_eq!(ends(world.facts()), [end], "{contact}");
        assert_sound(&world);
    }
}

#[test]
fn a_call_for_help_is_sent_on_to_help_alone() {
    let mut world = world();
    redirects(&mut world, 1, 302, &["<sip:+8613900139000@10.3.0.2>"]);
    let second = gateway(&mut world, 2, Answer::After(500));
    dial(&mut world, "110");
    world.run_until(30_000);
    assert!(asked(&world, second).is_empty());
    assert_sound(&world);
}

#[test]
fn nobody_is_led_in_a_circle_or_on_and_on() {
    let mut world = world();
    redirects(&mut world, 1, 302, &["<sip:+8613800138000@10.3.0.2>"]);
    let second = redirects(&mut world, 2, 302, &["<sip:+8613800138000@10.3.0.1>"]);
    dial(&mut world, MOBILE);
    world.run_until(30_000);
    assert_eq!(tried(&world), ["10.3.0.1", "10.3.0.2"]);
    assert_eq!(asked(&world, second).len(), 1);
    assert_eq!(ends(world.facts()), [(Outcome::Unanswered, HangupCause::Response(302))]);
    assert_sound(&world);

    // A new number each time: after five the call is given up.
    let mut world = self::world();
    let contact = |number| format!("<sip:+861390013900{number}@10.3.0.1>").leak();
    let elsewhere = (1..=9).map(|number| vec![&*contact(number)]).collect();
    let answers = vec![Answer::Refuses(302, 100)];
    let first = world.gateway(1, PhonePlan { answers, elsewhere, ..PhonePlan::of("gateway") });
    dial(&mut world, MOBILE);
    world.run_until(30_000);
    assert_eq!(asked(&world, first).len(), 6, "the number itself and five others");
    assert_eq!(ends(world.facts()), [(Outcome::Unanswered, HangupCause::Response(302))]);
    assert_sound(&world);
}

#[test]
fn rfc_3261_section_21_3_4_the_proxy_of_a_305_is_asked_for_the_same_number() {
    for (contact, is_followed) in [("<sip:10.1.0.77:5070>", true), ("<sip:198.51.100.66>", false)] {
        let mut world = world_of_sources();
        redirects(&mut world, 1, 305, &[contact]);
        dial(&mut world, MOBILE);
        world.run_until(30_000);
        let expected: &[&str] =
            if is_followed { &["10.3.0.1", "10.1.0.77:5070"] } else { &["10.3.0.1"] };
        assert_eq!(tried(&world), expected, "{contact}");
    }
}

/// A carrier whose hosts are known by their addresses, beyond its targets.
fn world_of_sources() -> World {
    let targets = vec!["10.3.0.1".parse().expect("a target")];
    let outward = Outward { targets, ..outward() };
    let settings = Settings { outward: Some(outward), ..settings() };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    phone(&mut world, "8011");
    world.desktop("8011", 2, Some(40));
    world.run_until(1_000);
    world
}

#[test]
fn a_phone_that_forwards_what_its_agent_dials_is_not_followed() {
    let mut world = world();
    let answers = vec![Answer::Refuses(302, 100)];
    let elsewhere = vec![vec!["<sip:+8613900139000@10.3.0.2>"]];
    world.phone(1_000, PhonePlan { answers, elsewhere, ..PhonePlan::of("8021") });
    world.desktop("8021", 3, Some(40));
    let second = gateway(&mut world, 2, Answer::After(500));
    world.run_until(3_000);
    world.command("8021", Command::Dial { number: Pii::from(MOBILE) });
    world.run_until(30_000);
    assert!(asked(&world, second).is_empty() && tried(&world).is_empty());
    assert_eq!(ends(world.facts()), [(Outcome::Unanswered, HangupCause::Response(302))]);
    assert_sound(&world);
}
