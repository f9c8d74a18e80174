//! Whom a call was for before: read from carriers that are believed, told to those that calls are
//! given on to (RFC 5806, RFC 7044).

use cti::Command;
use model::{FactBody, Pii, Target};
use sim::{Answer, CallerPlan, Settings, Weather, World, settings};

use crate::calls_out::{MOBILE, gateway, outward};
use crate::phone;
use crate::transfer::end;

/// A call that was diverted here is given on; what was noted of it, and the INVITE that left.
fn given_on(trusts_carrier: bool) -> (Vec<String>, sip::Message) {
    let settings = Settings {
        agents: vec![("8011".to_owned(), 2)],
        outward: Some(outward()),
        trusts_carrier,
        ..settings()
    };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    phone(&mut world, "8011");
    world.desktop("8011", 2, Some(10));
    let headers = vec![
        ("Diversion", "<sip:95513@c>;reason=no-answer, <sip:4008000000@c>;reason=unconditional"),
        ("History-Info", "<sip:4008000000@c>;index=1, <sip:95500@c>;index=1.1;mp=1"),
    ];
    let caller = world.caller(1_000, CallerPlan { headers, ..CallerPlan::default() });
    let number = gateway(&mut world, 1, Answer::After(1_000));
    world.run_until(30_000);
    let to = Target::Number(Pii::from(MOBILE));
    assert_eq!(world.ask("8011", Command::Transfer { to }), Ok(()));
    world.run_until(35_000);
    let first = |fact: &model::Fact| match &fact.body {
        FactBody::CallDiverted { number, .. } => Some(number.reveal().clone()),
        _ => None,
    };
    let noted = world.facts().iter().filter_map(first).collect();
    let invite = world.party(number).saw.invitations[0].clone();
    end(world, caller);
    (noted, invite)
}

#[test]
fn rfc_5806_what_a_believed_carrier_says_is_noted_and_goes_on() {
    let (noted, invite) = given_on(true);
    assert_eq!(noted, ["4008000000"]);
    let diversions: Vec<&str> = invite.headers("Diversion").collect();
    assert_eq!(diversions.len(), 2);
    assert!(diversions[0].starts_with("<sip:95500@"), "ours is the last one: {diversions:?}");
    assert!(diversions[1].starts_with("<sip:4008000000@"));
}

#[test]
fn rfc_7044_the_history_of_a_call_ends_with_whom_it_is_for_now() {
    let (_, invite) = given_on(true);
    let history: Vec<&str> = invite.headers("History-Info").collect();
    let users: Vec<bool> = ["sip:4008000000@", "sip:95500@", "sip:+8613800138000@"]
        .iter()
        .zip(&history)
        .map(|(user, entry)| entry.contains(user))
        .collect();
    assert_eq!(users, [true; 3], "{history:?}");
    for (entry, index) in history.iter().zip(["index=1", "index=1.1;", "index=1.1.1;"]) {
        assert!(entry.contains(index), "{entry}");
    }
}

#[test]
fn what_others_say_is_neither_noted_nor_told_on() {
    let (noted, invite) = given_on(false);
    assert!(noted.is_empty());
    assert!(!String::from_utf8_lossy(invite.as_bytes()).contains("4008000000"));
    let diversions: Vec<&str> = invite.headers("Diversion").collect();
    assert_eq!(diversions.len(), 1, "that it was given on by us is ours to say");
    assert!(diversions[0].starts_with("<sip:95500@"));
    assert_eq!(invite.headers("History-Info").count(), 2);
}
