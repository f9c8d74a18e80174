//! Goodbyes that need more than one word: a carrier that asks who hangs up, one that answers when
//! nobody waits any more.

use cti::Command;
use model::{Mono, Outcome, Pii};
use sim::{Answer, PartyId, PhonePlan, Settings, Weather, World, settings};
use sip::digest::Account;
use trunk::Outward;

use crate::calls_out::{MOBILE, outward};
use crate::{assert_sound, ends, phone};

/// An agent who talks with someone behind a carrier that asks who calls and who hangs up.
fn talking(password: &'static str) -> (World, PartyId, PartyId) {
    let account = Account {
        user: "hotline".to_owned(),
        password: "sesame".to_owned(),
        realm: Some("ims".to_owned()),
    };
    let outward = Outward { account: Some(account), ..outward() };
    let settings = Settings { outward: Some(outward), ..settings() };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    let agent = phone(&mut world, "8011");
    world.desktop("8011", 2, Some(10));
    let called = world.gateway(
        1,
        PhonePlan {
            challenges: Some(("ims", "hotline", "sesame")),
            challenges_bye: Some(password),
            answers: vec![Answer::After(500)],
            ..PhonePlan::of("gateway")
        },
    );
    world.run_until(1_000);
    world.command("8011", Command::Dial { number: Pii::from(MOBILE) });
    world.run_until(6_000);
    assert!(world.party(called).is_connected());
    (world, agent, called)
}

#[test]
fn rfc_3261_section_22_3_a_carrier_that_asks_who_hangs_up_is_answered() {
    let (mut world, agent, called) = talking("sesame");
    world.party_mut(agent).hang_up(Mono::from_ms(6_500));
    world.run_until(8_000);
    assert!(!world.party(called).is_connected(), "the carrier has let the call go");
    assert_eq!(world.party(called).saw.byes.len(), 2, "asked once, told once");
    world.run_for(60_000);
    assert_eq!(ends(world.facts())[0].0, Outcome::Answered);
    assert_sound(&world);
}

#[test]
fn a_carrier_that_refuses_the_answer_is_not_asked_for_ever() {
    let (mut world, agent, called) = talking("something else");
    world.party_mut(agent).hang_up(Mono::from_ms(6_500));
    world.run_for(120_000);
    assert_eq!(world.party(called).saw.byes.len(), 2);
    assert_eq!(ends(world.facts()).len(), 1, "for us the call is over whatever it says");
}

#[test]
fn rfc_3261_section_13_2_2_4_who_answers_when_nobody_waits_any_more_gets_ack_and_bye() {
    // Half a minute after the CANCEL, which it never heard, the INVITE is forgotten; or it is not.
    for answers_ms in [20_000, 60_000] {
        let settings = Settings { outward: Some(outward()), ..settings() };
        let mut world = World::new(&settings, Weather::FAIR, 1);
        let agent = phone(&mut world, "8011");
        world.desktop("8011", 2, Some(10));
        let called = world.gateway(
            1,
            PhonePlan {
                answers: vec![Answer::After(answers_ms)],
                hears_cancel: false,
                ..PhonePlan::of("gateway")
            },
        );
        world.run_until(1_000);
        world.command("8011", Command::Dial { number: Pii::from(MOBILE) });
        world.run_until(6_000);
        world.party_mut(agent).hang_up(Mono::from_ms(6_500));
        world.run_until(50_000);
        assert_eq!(ends(world.facts())[0].0, Outcome::Unanswered, "for us it was over long ago");
        world.run_until(70_000);
        let saw = &world.party(called).saw;
        assert_eq!(saw.byes.len(), 1, "{answers_ms}");
        assert_eq!(saw.unacknowledged, 0);
        assert!(!world.party(called).is_connected());
        assert_sound(&world);
    }
}
