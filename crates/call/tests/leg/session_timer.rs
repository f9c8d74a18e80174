//! Session timers (RFC 4028), from both sides.

use call::SessionLimits;
use model::HangupCause;
use sip::Method;

use crate::stage::{Stage, TALK, read, sdp};

const TIMER: (&str, &str) = ("Supported", "timer");
const UPDATE: (&str, &str) = ("Allow", "INVITE, ACK, BYE, UPDATE");

fn answer_to(headers: &[(&str, &str)]) -> (Option<String>, Option<String>) {
    let mut call = Stage::called(headers, &sdp(TALK));
    let response = call.response();
    assert_eq!(response.status(), Some(200));
    let text = |name| response.header(name).map(str::to_owned);
    (text("Session-Expires"), text("Require"))
}

#[test]
fn rfc_4028_section_9_the_caller_is_answered_as_it_can() {
    assert_eq!(answer_to(&[]), (None, None));
    assert_eq!(answer_to(&[TIMER]), (Some("1800;refresher=uas".to_owned()), None));
    let theirs = answer_to(&[TIMER, ("Session-Expires", "600;refresher=uac")]);
    assert_eq!(theirs, (Some("600;refresher=uac".to_owned()), Some("timer".to_owned())));
}

#[test]
fn a_call_without_session_timers_waits_for_nothing() {
    let call = Stage::standing(&[]);
    assert_eq!(call.leg.poll_timeout(), None);
    let off = SessionLimits { expires_s: 0, ..SessionLimits::default() };
    let mut call = Stage::called_within(off, &[TIMER, ("Session-Expires", "600")], &sdp(TALK));
    assert_eq!(call.response().header("Session-Expires"), None);
    assert_eq!(call.leg.poll_timeout(), None);
}

#[test]
fn rfc_4028_section_7_4_refreshed_by_update_where_it_is_allowed() {
    let mut call = Stage::standing(&[TIMER, ("x", "600"), UPDATE]);
    for _ in 0..3 {
        call.wait(300_000, 300_000);
        let ours = call.ours();
        assert_eq!((ours.method(), ours.body()), (Method::Update, &b""[..]));
        assert_eq!(ours.header("Session-Expires"), Some("600;refresher=uac"));
        call.respond(&ours, 200, &[("Session-Expires", "600;refresher=uac")], "");
        assert!(call.our_ack().is_none() && !call.media_changed());
    }
}

#[test]
fn rfc_4028_section_7_4_else_by_re_invite_that_changes_nothing() {
    let mut call = Stage::standing(&[TIMER, ("x", "600")]);
    call.wait(300_000, 300_000);
    let ours = call.ours();
    assert_eq!(ours.method(), Method::Invite);
    assert_eq!(read(&ours).origin.version, 1);
    call.respond(&ours, 200, &[("x", "600;refresher=uac")], &sdp(TALK));
    let ack = call.our_ack().unwrap();
    assert_eq!(ack.cseq().unwrap().number, ours.cseq().unwrap().number);
    assert!(!call.media_changed());
    call.wait(300_000, 300_000);
}

#[test]
fn who_refuses_update_is_asked_by_re_invite() {
    let mut call = Stage::standing(&[TIMER, ("x", "600"), UPDATE]);
    call.wait(300_000, 300_000);
    let ours = call.ours();
    call.respond(&ours, 405, &[], "");
    call.wait(0, 0);
    assert_eq!(call.ours().method(), Method::Invite);
}

#[test]
fn rfc_4028_section_10_a_peer_that_is_gone_gets_a_bye() {
    let mut call = Stage::standing(&[TIMER, ("x", "600"), UPDATE]);
    call.wait(300_000, 300_000);
    let cseq = call.ours().cseq().unwrap();
    let now = call.now;
    call.leg.handle_no_response(cseq, HangupCause::TransactionTimeout, now);
    while let Some(output) = call.leg.poll_output() {
        call.outputs.push(output);
    }
    let bye = call.bye().unwrap();
    assert!(bye.header("Reason").unwrap().starts_with("Q.850;cause=102"));
    assert_eq!(call.ended(), Some(HangupCause::TransactionTimeout));
}

#[test]
fn rfc_4028_section_10_a_session_that_nobody_refreshes_is_over() {
    let mut call = Stage::standing(&[TIMER, ("x", "600;refresher=uac")]);
    call.pass(200_000);
    let refreshed = call.request(Method::Update, &[TIMER, ("x", "600;refresher=uac")], "");
    assert_eq!(refreshed.header("Session-Expires"), Some("600;refresher=uac"));
    assert_eq!(refreshed.header("Require"), Some("timer"));
    call.wait(568_000, 568_000);
    assert!(call.bye().unwrap().header("Reason").unwrap().contains("cause=102"));
    assert_eq!(call.ended(), Some(HangupCause::SessionExpired));
}

#[test]
fn a_hold_refreshes_and_leaves_the_roles_as_they_were() {
    let mut call = Stage::standing(&[TIMER, ("x", "600;refresher=uac")]);
    call.pass(100_000);
    let response = call.request(Method::Invite, &[TIMER], &sdp("sendonly"));
    assert_eq!(response.header("Session-Expires"), Some("1800;refresher=uac"));
    call.wait(1_768_000, 1_768_000);
    assert_eq!(call.ended(), Some(HangupCause::SessionExpired));
}

#[test]
fn rfc_4028_section_9_a_refresh_that_is_too_short_gets_422() {
    let limits = SessionLimits { expires_s: 1_800, min_se_s: 120 };
    let mut call = Stage::called_within(limits, &[TIMER, ("x", "600")], &sdp(TALK));
    call.response();
    let response = call.request(Method::Update, &[TIMER, ("x", "100")], "");
    assert_eq!((response.status(), response.header("Min-SE")), (Some(422), Some("120")));
}

#[test]
fn rfc_4028_section_7_3_our_invite_is_sent_again_with_the_interval_asked_for() {
    let (mut call, invite) = Stage::calling();
    assert_eq!(invite.header("Session-Expires"), Some("1800"));
    assert_eq!(invite.header("Min-SE"), Some("90"));
    call.respond(&invite, 422, &[("Min-SE", "3600")], "");
    let again = call.invite();
    assert_eq!(again.header("Session-Expires"), Some("3600"));
    assert_eq!(again.header("Min-SE"), Some("3600"));
    assert_eq!((again.call_id(), again.body()), (invite.call_id(), invite.body()));
    assert_eq!(again.cseq().unwrap().number, 2);
    call.respond(&again, 200, &[("Session-Expires", "3600;refresher=uac")], &sdp(TALK));
    assert_eq!(call.ended(), None);
    call.wait(1_800_000, 1_800_000);
    assert_eq!(call.ours().header("Min-SE"), Some("3600"));
}

#[test]
fn who_never_is_content_with_an_interval_is_given_up() {
    let (mut call, mut invite) = Stage::calling();
    for more in 0..4 {
        call.respond(&invite, 422, &[("Min-SE", &(1_000 + more).to_string())], "");
        invite = call.invite();
    }
    call.respond(&invite, 422, &[("Min-SE", "5000")], "");
    assert_eq!(call.ended(), Some(HangupCause::Response(422)));
}

#[test]
fn rfc_4028_section_7_2_a_phone_without_session_timers_has_none() {
    let call = Stage::answered(&[]);
    assert_eq!(call.leg.poll_timeout(), None);
    let mut call = Stage::answered(&[("Session-Expires", "90;refresher=uas")]);
    call.wait(60_000, 60_000);
    assert_eq!(call.ended(), Some(HangupCause::SessionExpired));
}

#[test]
fn a_refresh_that_is_too_short_for_the_way_is_asked_again_with_more() {
    let mut call = Stage::standing(&[TIMER, ("x", "600"), UPDATE]);
    call.wait(300_000, 300_000);
    let ours = call.ours();
    call.respond(&ours, 422, &[("Min-SE", "900")], "");
    call.wait(0, 0);
    let again = call.ours();
    assert_eq!(again.header("Session-Expires"), Some("900;refresher=uac"));
    assert_eq!(again.header("Min-SE"), Some("900"));
}
