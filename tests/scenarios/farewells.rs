//! Goodbyes that need more than one word: a carrier that asks who hangs up, one that answers when
//! nobody waits any more.

use std::net::SocketAddr;

use callflow::{Callflow, Input, Output, Recovery};
use cti::Command;
use model::{CallId, DialogSnapshot, Id, LegId, LegRole, Mono, Outcome, Pii, Transport, TrunkId};
use report::{OpenCall, OpenDialog};
use sim::{Answer, CallerPlan, PartyId, PhonePlan, Settings, Weather, World, settings};
use sip::digest::Account;
use sip::{ClientTx, Flow, FromBrain, Message, Method, ResponseBuilder, ToBrain};
use trunk::Outward;

use crate::calls_out::{MOBILE, outward};
use crate::{assert_sound, ends, phone};

/// A line whose carrier asks who calls.
fn outward_with_account() -> Outward {
    let account = Account {
        user: "hotline".to_owned(),
        password: "sesame".to_owned(),
        realm: Some("ims".to_owned()),
    };
    Outward { account: Some(account), ..outward() }
}

/// An agent who talks with someone behind a carrier that asks who calls and who hangs up.
fn talking(password: &'static str) -> (World, PartyId, PartyId) {
    let settings = Settings { outward: Some(outward_with_account()), ..settings() };
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

#[test]
fn rfc_3261_section_22_3_a_carrier_that_answers_late_may_ask_who_hangs_up() {
    let settings = Settings { outward: Some(outward_with_account()), ..settings() };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    let agent = phone(&mut world, "8011");
    world.desktop("8011", 2, Some(10));
    let called = world.gateway(
        1,
        PhonePlan {
            challenges: Some(("ims", "hotline", "sesame")),
            challenges_bye: Some("sesame"),
            answers: vec![Answer::After(60_000)],
            hears_cancel: false,
            ..PhonePlan::of("gateway")
        },
    );
    world.run_until(1_000);
    world.command("8011", Command::Dial { number: Pii::from(MOBILE) });
    world.run_until(6_000);
    world.party_mut(agent).hang_up(Mono::from_ms(6_500));
    world.run_until(80_000);
    assert_eq!(world.party(called).saw.byes.len(), 2, "asked once, told once");
    assert!(!world.party(called).is_connected());
    assert_sound(&world);
}

/// The next BYE that the engine sends.
fn bye_of(callflow: &mut Callflow) -> Option<(ClientTx, Message, Flow)> {
    std::iter::from_fn(|| callflow.poll_output()).find_map(|output| match output {
        Output::Sip(FromBrain::Request { tx, message, flow }) => {
            (message.method() == Method::Bye).then_some((tx, message, flow))
        }
        _ => None,
    })
}

#[test]
fn rfc_3261_section_22_3_a_call_that_a_lost_engine_left_is_ended_whoever_asks() {
    is_ended_whoever_asks(outward_with_account(), None);
}

#[test]
fn rfc_3261_section_22_3_also_where_the_lines_carrier_is_known_by_name() {
    // Where that leads to is not known yet, so right after the start.
    let targets = vec!["sbc.example.com".parse().expect("a target")];
    let named = Outward { targets, ..outward_with_account() };
    is_ended_whoever_asks(named, Some("carrier".into()));
}

fn is_ended_whoever_asks(outward: Outward, trunk: Option<TrunkId>) {
    let settings = Settings { outward: Some(outward), ..settings() };
    let mut callflow = Callflow::new(sim::config(&settings)).expect("it is sound");
    let (call, leg) = (CallId(Id::new(1, 1, 7)), LegId(Id::new(1, 1, 8)));
    let dialog = DialogSnapshot {
        call_id: "left".to_owned(),
        local_tag: "us".to_owned(),
        remote_tag: "them".to_owned(),
        local_uri: "<sip:02195512@10.0.0.1>".to_owned(),
        remote_uri: "<sip:+8613800138000@10.3.0.1>".to_owned(),
        remote_target: "sip:10.3.0.1:5060".to_owned(),
        route_set: Vec::new(),
        local_cseq: 2,
        remote_cseq: 0,
        transport: Transport::Udp,
        local: SocketAddr::from(([10, 0, 0, 1], 5_060)),
        remote: SocketAddr::from(([10, 3, 0, 1], 5_060)),
        sdp_version: 1,
    };
    let role = LegRole::Number(Pii::from(MOBILE));
    let dialogs = vec![OpenDialog { leg, role, dialog, trunk }];
    let calls = vec![OpenCall { call, queue: None, dialogs }];
    callflow.begin("next", "same", Recovery { calls, ..Recovery::default() });
    let (tx, bye, flow) = bye_of(&mut callflow).expect("nobody else would tell them");
    let asks = "Digest realm=\"ims\", nonce=\"1\", qop=\"auth\", algorithm=SHA-256";
    let asked = ResponseBuilder::to(&bye, 407).header("Proxy-Authenticate", asks).build();
    let response = ToBrain::Response { tx, message: asked, flow };
    callflow.handle_input(Input::Sip(response), Mono::from_ms(100));
    let (_, again, _) = bye_of(&mut callflow).expect("it is told who asks");
    let credentials = again.header("Proxy-Authorization").expect("they are there");
    assert!(credentials.contains("username=\"hotline\""), "{credentials}");
    assert!(again.cseq().map(|cseq| cseq.number) > bye.cseq().map(|cseq| cseq.number));
}

/// A caller behind a line with an account, whose BYE is challenged in `realm`, and what it saw.
fn hung_up_on(realm: &'static str, plan: CallerPlan) -> (World, PartyId, PartyId) {
    let settings = Settings { outward: Some(outward_with_account()), ..settings() };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    let agent = phone(&mut world, "8001");
    let challenges = Some((realm, "hotline", "sesame"));
    let caller = world.caller(1_000, CallerPlan { challenges, ..plan });
    (world, agent, caller)
}

#[test]
fn rfc_3261_section_22_3_the_carrier_of_a_call_that_came_in_may_ask_who_hangs_up() {
    for (realm, goodbyes) in [("ims", 2), ("another", 1)] {
        let (mut world, agent, caller) = hung_up_on(realm, CallerPlan::default());
        world.party_mut(agent).hang_up(Mono::from_ms(10_000));
        world.run_until(60_000);
        assert_eq!(world.party(caller).saw.byes.len(), goodbyes, "{realm}");
        assert_eq!(world.party(caller).is_connected(), goodbyes == 1);
        assert_sound(&world);
    }
}

#[test]
fn rfc_3261_section_22_3_the_carrier_of_a_call_that_came_in_may_ask_who_refreshes() {
    for (allow, method) in [("INVITE, UPDATE", Method::Update), ("INVITE", Method::Invite)] {
        let headers = vec![("Supported", "timer"), ("Session-Expires", "90"), ("Allow", allow)];
        let (mut world, _, caller) =
            hung_up_on("ims", CallerPlan { headers, ..CallerPlan::default() });
        world.run_until(150_000);
        assert!(world.party(caller).is_connected(), "the session lasts");
        let asked = &world.party(caller).saw.asked;
        assert!(asked.len() >= 2 && asked.iter().all(|(_, asked)| *asked == method), "{asked:?}");
        world.party_mut(caller).hang_up(Mono::from_ms(151_000));
        world.run_until(200_000);
        assert_sound(&world);
    }
}

#[test]
fn rfc_3261_section_22_4_whom_a_caller_names_in_contact_is_not_told_who_we_are() {
    let far = PhonePlan {
        challenges: Some(("ims", "hotline", "sesame")),
        challenges_bye: Some("sesame"),
        ..PhonePlan::of("far")
    };
    for (host, goodbyes) in [([10, 3, 0, 9], 1), ([10, 3, 0, 1], 2)] {
        let number = host[3];
        let contact_at = Some(SocketAddr::from((host, 5_060)));
        let (mut world, agent, _) =
            hung_up_on("ims", CallerPlan { contact_at, ..CallerPlan::default() });
        let there = world.gateway(number, far.clone());
        world.party_mut(agent).hang_up(Mono::from_ms(10_000));
        world.run_until(60_000);
        let saw = world.party(there).saw.byes.len();
        assert_eq!(saw, goodbyes, "{number}: only the line's own target is told");
        assert_sound(&world);
    }
}
