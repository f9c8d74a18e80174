//! OPTIONS outside of any dialog: lines and registered phones are told what we can, and nobody else
//! is told anything (RFC 3261 §11.2).

use model::Mono;
use sim::{CallerPlan, PartyId, Settings, Weather, World, settings};
use sip::{Message, Method};

use crate::{assert_sound, phone, world};

/// What `party` is answered that asks now.
fn ask(world: &mut World, party: PartyId, method: Method) -> Message {
    ask_about(world, party, method, "")
}

/// The same about one user.
fn ask_about(world: &mut World, party: PartyId, method: Method, whom: &'static str) -> Message {
    let now = world.now();
    world.party_mut(party).ask_about(now, method, whom);
    world.run_for(1_000);
    world.party(party).saw.answers.last().expect("it is answered").clone()
}

fn brief() -> CallerPlan {
    CallerPlan { hangs_up_after_ms: Some(500), ..CallerPlan::default() }
}

/// Headers that tell of us.
const TELLING: [&str; 5] = ["Allow", "Supported", "Accept", "Server", "User-Agent"];

#[test]
fn rfc_3261_section_11_2_a_line_and_a_phone_are_told_what_we_can() {
    let mut world = world();
    let phone = phone(&mut world, "8001");
    let carrier = world.caller(1_000, brief());
    world.run_until(3_000);
    for party in [phone, carrier] {
        let answer = ask(&mut world, party, Method::Options);
        assert_eq!(answer.status(), Some(200));
        assert_eq!(answer.header("Allow"), Some(call::ALLOW));
        assert!(answer.header("Supported").is_some_and(|all| all.contains("100rel")));
        assert!(answer.header("Accept").is_some_and(|all| all.contains("application/sdp")));
    }
    world.run_for(30_000);
    assert_sound(&world);
}

#[test]
fn rfc_3261_section_11_2_a_question_is_answered_as_the_call_would_be() {
    let mut world = world();
    let phone = phone(&mut world, "8001");
    let carrier = world.caller(1_000, brief());
    world.run_until(3_000);
    for (party, whom, status) in [
        (carrier, "95512", 200),
        (carrier, "+8695512", 200),
        (carrier, "12345", 404),
        (carrier, "ping", 404),
        (phone, "8001", 200),
        (phone, "claims", 200),
        (phone, "nobody", 404),
        (phone, "13800138000", 403),
    ] {
        let answer = ask_about(&mut world, party, Method::Options, whom);
        assert_eq!(answer.status(), Some(status), "{whom}");
        assert_eq!(answer.header("Allow").is_some(), status == 200, "{whom}");
    }
    world.run_for(30_000);
    assert_sound(&world);
}

#[test]
fn rfc_6665_section_4_2_1_nobody_is_subscribed_to_anything() {
    let mut world = world();
    let phone = phone(&mut world, "8001");
    let carrier = world.caller(1_000, brief());
    let stranger = world.stranger(1_000, brief());
    world.run_until(3_000);
    for party in [phone, carrier] {
        let answer = ask_about(&mut world, party, Method::Subscribe, "95512");
        assert_eq!((answer.status(), answer.header("Allow-Events")), (Some(489), Some("refer")));
    }
    let answer = ask(&mut world, stranger, Method::Subscribe);
    assert_eq!((answer.status(), answer.header("Allow-Events")), (Some(401), None));
    world.run_for(30_000);
    assert_sound(&world);
}

#[test]
fn who_is_neither_a_line_nor_registered_is_told_nothing_of_us() {
    let mut world = world();
    let stranger = world.stranger(1_000, brief());
    let gone = phone(&mut world, "8001");
    world.run_until(2_000);
    world.party_mut(gone).unregister(Mono::from_ms(2_000));
    world.run_until(4_000);
    for party in [stranger, gone] {
        let answer = ask(&mut world, party, Method::Options);
        assert_eq!(answer.status(), Some(401), "as its INVITE would be");
        let told: Vec<_> = TELLING.iter().filter(|name| answer.header(name).is_some()).collect();
        assert!(told.is_empty(), "{told:?}");
    }
    assert_sound(&world);
}

#[test]
fn a_line_is_told_while_we_take_no_calls_and_a_phone_is_served() {
    let full = Settings { calls_max: 0, ..settings() };
    let mut world = World::new(&full, Weather::FAIR, 1);
    let phone = phone(&mut world, "8001");
    let carrier = world.caller(1_000, brief());
    world.run_until(3_000);
    let answer = ask(&mut world, carrier, Method::Options);
    assert_eq!((answer.status(), answer.header("Retry-After")), (Some(503), Some("5")));
    assert_eq!(ask(&mut world, phone, Method::Options).status(), Some(200));
    assert_sound(&world);
}
