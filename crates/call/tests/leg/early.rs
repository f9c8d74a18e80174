//! What goes on before an answer, either way, and which dialog a Replaces means then (RFC 3261
//! §13, RFC 3960 §3, RFC 3891 §3).

use call::{LegState, Replaces};
use model::{HangupCause, Mono};

use crate::stage::{Stage, TALK, described, read, sdp};

/// Any time will do.
const NOW: Mono = Mono::from_ms(5_000);

fn replaces(value: &str) -> Replaces {
    Replaces::parse(value).unwrap()
}

#[test]
fn an_invite_that_is_not_answered_at_once_rings_and_is_picked_up_later() {
    let mut stage = Stage::ringing(&[], &sdp(TALK));
    stage.leg.ring(NOW);
    stage.drain();
    let ringing = stage.response();
    assert_eq!(ringing.status(), Some(180));
    assert!(ringing.body().is_empty());
    assert!(ringing.contacts().next().is_some(), "it begins a dialog (RFC 3261 §12.1.1)");
    stage.leg.pick_up(Mono::from_ms(5_000));
    stage.drain();
    let answer = stage.response();
    assert_eq!(answer.status(), Some(200));
    let tag = |message: &sip::Message| message.to().unwrap().tag().unwrap().to_owned();
    assert_eq!(tag(&ringing), tag(&answer), "one dialog, early and then confirmed");
    assert_eq!(stage.leg.state(), LegState::Established);
}

#[test]
fn rfc_3261_section_13_3_1_1_what_is_heard_early_is_heard_on_after_the_answer() {
    let mut stage = Stage::ringing(&[], &sdp(TALK));
    stage.leg.ring_with_media(NOW);
    stage.leg.ring_with_media(NOW);
    stage.drain();
    let early = stage.response();
    assert_eq!(early.status(), Some(183));
    assert!(stage.media_changed() && stage.leg.media().is_some());
    assert!(stage.outputs.is_empty(), "it is said once");
    stage.leg.pick_up(Mono::from_ms(5_000));
    stage.drain();
    let answer = stage.response();
    assert_eq!(read(&early), read(&answer), "the answer is the same (RFC 3261 §13.2.1)");
}

#[test]
fn without_an_offer_or_with_an_unknown_codec_it_only_rings() {
    for body in [String::new(), described("198.51.100.9", 4000, "18", TALK)] {
        let mut stage = Stage::ringing(&[], &body);
        stage.leg.ring_with_media(NOW);
        stage.drain();
        assert_eq!(stage.response().status(), Some(180));
        assert!(stage.leg.media().is_none());
    }
}

/// What a reliable response is acknowledged by.
fn acknowledge(stage: &mut Stage, response: &sip::Message, body: &str) -> sip::Message {
    let rack = format!("{} 1 INVITE", response.header("RSeq").expect("it is reliable"));
    stage.request(sip::Method::Prack, &[("RAck", &rack)], body)
}

#[test]
fn rfc_3262_section_3_what_has_to_be_reliable_is_said_so_and_one_at_a_time() {
    let mut stage = Stage::ringing(&[("Require", "100rel")], &sdp(TALK));
    stage.leg.ring(NOW);
    stage.leg.ring(NOW);
    stage.leg.ring_with_media(NOW);
    stage.drain();
    let rings = stage.response();
    assert_eq!((rings.status(), rings.header("Require")), (Some(180), Some("100rel")));
    let responded = |output: &call::Output| matches!(output, call::Output::Respond { .. });
    assert!(!stage.outputs.iter().any(responded), "the next one waits for the PRACK");
    assert_eq!(acknowledge(&mut stage, &rings, "").status(), Some(200));
    // RFC 3262 section 5: the answer is in the second, and in nothing that comes after it.
    let early = stage.response();
    let number = |response: &sip::Message| -> u64 {
        response.header("RSeq").expect("it is reliable").parse().unwrap()
    };
    assert_eq!((early.status(), number(&early)), (Some(183), number(&rings) + 1));
    assert_eq!(read(&early).media[0].formats, ["8"]);
    assert!(stage.leg.media().is_some());
    assert_eq!(acknowledge(&mut stage, &early, "").status(), Some(200));
    assert_eq!(acknowledge(&mut stage, &early, "").status(), Some(481), "once");
    stage.leg.pick_up(NOW);
    stage.drain();
    let answer = stage.response();
    assert_eq!((answer.status(), answer.body()), (Some(200), &b""[..]));
    assert_eq!(stage.leg.state(), LegState::Established);
}

#[test]
fn rfc_3262_section_3_who_picks_up_meanwhile_waits_for_the_prack() {
    let mut stage = Stage::ringing(&[("Require", "100rel")], &sdp(TALK));
    stage.leg.ring_with_media(NOW);
    stage.leg.pick_up(NOW);
    stage.drain();
    let early = stage.response();
    assert_eq!((early.status(), stage.leg.state()), (Some(183), LegState::Incoming));
    // RFC 3262 section 5: a PRACK may offer anew, and its 200 answers that.
    let moved = described("198.51.100.77", 6000, "0", TALK);
    let response = acknowledge(&mut stage, &early, &moved);
    assert_eq!(response.status(), Some(200));
    assert_eq!(read(&response).media[0].formats, ["0"]);
    assert_eq!(stage.leg.media().unwrap().remote.to_string(), "198.51.100.77:6000");
    let answer = stage.response();
    assert_eq!((answer.status(), answer.body()), (Some(200), &b""[..]));
}

#[test]
fn rfc_3262_section_3_a_ring_that_is_never_acknowledged_is_repeated_and_refused() {
    let mut stage = Stage::ringing(&[("Require", "100rel")], &sdp(TALK));
    stage.leg.ring(stage.now);
    stage.drain();
    let rings = stage.response();
    for wait in [500, 1_000, 2_000, 4_000, 8_000, 16_000] {
        stage.wait(wait, wait);
        assert_eq!(stage.response().as_bytes(), rings.as_bytes());
    }
    stage.wait(500, 500);
    assert_eq!(stage.response().status(), Some(504));
    assert_eq!(stage.ended(), Some(HangupCause::TransactionTimeout));
}

#[test]
fn what_the_called_one_sends_early_counts_until_its_answer() {
    let (mut stage, invite) = Stage::calling();
    stage.respond(&invite, 180, &[], "");
    assert!(stage.leg.media().is_none());
    stage.respond(&invite, 183, &[], &described("198.51.100.9", 4000, "8", TALK));
    let early = stage.leg.media().unwrap().remote;
    stage.respond(&invite, 183, &[], &described("198.51.100.9", 4000, "8", TALK));
    assert_eq!(stage.early_media(), 1, "the same again changes nothing");
    stage.respond(&invite, 200, &[], &described("198.51.100.9", 4002, "8", TALK));
    assert_ne!(stage.leg.media().unwrap().remote, early);
    assert_eq!(stage.leg.state(), LegState::Established);
}

#[test]
fn an_early_description_that_does_not_fit_is_not_heard() {
    let (mut stage, invite) = Stage::calling();
    stage.respond(&invite, 183, &[], &described("198.51.100.9", 4000, "18", TALK));
    stage.respond(&invite, 183, &[], "nonsense");
    assert!(stage.leg.media().is_none());
    stage.respond(&invite, 200, &[], &sdp(TALK));
    assert_eq!(stage.leg.state(), LegState::Established);
}

#[test]
fn rfc_3891_section_3_a_dialog_is_named_by_all_three_parts_in_every_state() {
    let (mut stage, invite) = Stage::calling();
    let (call_id, tag) = (invite.call_id().to_owned(), stage.leg.tag().to_owned());
    let named = replaces(&format!("{call_id};to-tag={tag};from-tag=far"));
    assert!(!stage.leg.is_named_by(&named), "nobody has answered");
    stage.respond(&invite, 180, &[], "");
    assert!(stage.leg.is_named_by(&named));
    let other = replaces(&format!("{call_id};to-tag={tag};from-tag=fork"));
    assert!(!stage.leg.is_named_by(&other));
    stage.respond_as("fork", &invite, 180, &[], "");
    assert!(stage.leg.is_named_by(&other), "an INVITE may have several early dialogs");
    stage.respond(&invite, 200, &[], &sdp(TALK));
    assert!(stage.leg.is_named_by(&named) && !stage.leg.is_named_by(&other));
    for wrong in [
        format!("x{call_id};to-tag={tag};from-tag=far"),
        format!("{call_id};to-tag=far;from-tag={tag}"),
        format!("{call_id};to-tag={tag}x;from-tag=far"),
    ] {
        assert!(!stage.leg.is_named_by(&replaces(&wrong)), "{wrong}");
    }
    let waiting = Stage::ringing(&[], &sdp(TALK));
    let named = replaces(&format!("c;to-tag={};from-tag=far", waiting.leg.tag()));
    assert!(waiting.leg.is_named_by(&named));
}

#[test]
fn whoever_is_refused_for_want_of_room_is_told_when_to_come_again() {
    let mut stage = Stage::ringing(&[], &sdp(TALK));
    stage.leg.hang_up(HangupCause::Response(503), 503);
    stage.drain();
    let refused = stage.response();
    assert_eq!((refused.status(), refused.header("Retry-After")), (Some(503), Some("5")));
}
