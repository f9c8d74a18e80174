//! Both sides ask at once (RFC 3261 §14, RFC 3311 §5).

use model::HangupCause;
use sip::Method;

use crate::stage::{Stage, TALK, read, sdp};

const TIMER: (&str, &str) = ("Supported", "timer");
const NINE_MINUTES: (&str, &str) = ("Session-Expires", "540");
const UPDATE: (&str, &str) = ("Allow", "INVITE, ACK, BYE, UPDATE");

/// A caller whom we have just sent a re-INVITE that has no answer yet.
fn with_our_invite() -> (Stage, sip::Message) {
    let mut call = Stage::standing(&[TIMER, NINE_MINUTES]);
    call.wait(270_000, 270_000);
    let ours = call.ours();
    assert_eq!(ours.method(), Method::Invite);
    (call, ours)
}

#[test]
fn rfc_3261_section_14_2_an_invite_that_crosses_ours_gets_491() {
    let (mut call, ours) = with_our_invite();
    let hold = sdp("sendonly");
    assert_eq!(call.request(Method::Invite, &[], &hold).status(), Some(491));
    assert_eq!(call.request(Method::Update, &[], &hold).status(), Some(491));
    assert_eq!(call.request(Method::Update, &[], "").status(), Some(200));
    call.respond(&ours, 200, &[], &sdp(TALK));
    assert!(call.our_ack().is_some());
    assert_eq!(call.request(Method::Invite, &[], &hold).status(), Some(200));
    assert!(call.leg.is_holding());
}

#[test]
fn rfc_3311_section_5_2_a_hold_may_cross_an_update_without_an_offer() {
    let mut call = Stage::standing(&[TIMER, NINE_MINUTES, UPDATE]);
    call.wait(270_000, 270_000);
    let ours = call.ours();
    assert_eq!((ours.method(), ours.body()), (Method::Update, &b""[..]));
    assert_eq!(call.request(Method::Invite, &[], &sdp("sendonly")).status(), Some(200));
    assert!(call.leg.is_holding());
}

#[test]
fn rfc_3261_section_14_1_who_was_called_tries_again_within_two_seconds() {
    let (mut call, ours) = with_our_invite();
    call.respond(&ours, 491, &[], "");
    call.wait(0, 2_000);
    let again = call.ours();
    assert_eq!(again.method(), Method::Invite);
    assert!(again.cseq().unwrap().number > ours.cseq().unwrap().number);
    assert_eq!(read(&again), read(&ours));
}

#[test]
fn rfc_3261_section_14_1_who_called_tries_again_after_two_to_four_seconds() {
    let mut call = Stage::answered(&[("Session-Expires", "540;refresher=uac")]);
    call.wait(270_000, 270_000);
    let mut waits = Vec::new();
    for _ in 0..40 {
        let ours = call.ours();
        let before = call.now;
        call.respond(&ours, 491, &[], "");
        let (at, _) = call.leg.poll_timeout().unwrap();
        if call.leg.poll_timeout().unwrap().1 == "the session's end" {
            break;
        }
        call.wait(2_100, 4_000);
        waits.push(at.ms_since(before));
    }
    assert!(waits.iter().all(|wait| wait % 10 == 0), "{waits:?}");
    waits.dedup();
    assert!(waits.len() > 10, "{waits:?}");
}

#[test]
fn while_our_offer_waits_for_its_ack_theirs_gets_491() {
    let mut call = Stage::standing(&[]);
    call.request(Method::Invite, &[], "");
    assert_eq!(call.request(Method::Update, &[], &sdp("sendonly")).status(), Some(491));
    assert_eq!(call.request(Method::Invite, &[], &sdp("sendonly")).status(), Some(491));
    assert_eq!(call.request(Method::Update, &[], "").status(), Some(200));
}

#[test]
fn rfc_3261_section_14_2_an_invite_before_the_answer_to_the_first_is_to_wait() {
    let mut call = Stage::called(&[("Require", "100rel")], &sdp(TALK));
    call.response();
    for method in [Method::Invite, Method::Update] {
        let response = call.request(method, &[], &sdp(TALK));
        assert_eq!(response.status(), Some(500));
        let seconds: u32 = response.header("Retry-After").unwrap().parse().unwrap();
        assert!(seconds <= 10);
    }
}

#[test]
fn a_refusal_that_says_when_is_followed_and_a_dialog_that_is_not_known_is_over() {
    let (mut call, ours) = with_our_invite();
    call.respond(&ours, 500, &[("Retry-After", "7")], "");
    call.wait(7_000, 7_000);
    let again = call.ours();
    call.respond(&again, 503, &[], "");
    call.wait(10_000, 10_000);
    let again = call.ours();
    call.respond(&again, 481, &[], "");
    assert!(call.bye().is_some());
    assert_eq!(call.ended(), Some(HangupCause::Response(481)));
}

#[test]
fn a_refused_re_invite_of_ours_leaves_all_as_it_was() {
    let (mut call, ours) = with_our_invite();
    let before = call.leg.media().copied();
    call.respond(&ours, 488, &[], "");
    assert_eq!((call.leg.media().copied(), call.ended()), (before, None));
    assert_eq!(call.request(Method::Invite, &[], &sdp("sendonly")).status(), Some(200));
}
