//! Reliable provisional responses (RFC 3262), ours and theirs.

use model::HangupCause;
use sip::{Method, ResponseBuilder};

use crate::stage::{Stage, TALK, described, read, sdp};

const REQUIRED: (&str, &str) = ("Require", "100rel");

fn rack(response: &sip::Message) -> String {
    format!("{} 1 INVITE", response.header("RSeq").unwrap())
}

#[test]
fn rfc_3262_section_3_who_requires_it_hears_reliably_that_it_rings() {
    let mut call = Stage::called(&[REQUIRED], &sdp(TALK));
    let rings = call.response();
    assert_eq!((rings.status(), rings.header("Require")), (Some(180), Some("100rel")));
    assert!(call.outputs.is_empty(), "the 200 waits for the PRACK");
    let rack = rack(&rings);
    let wrong = call.request(Method::Prack, &[("RAck", "1 2 INVITE")], "");
    assert_eq!(wrong.status(), Some(481));
    let answered = call.request(Method::Prack, &[("RAck", &rack)], "");
    assert_eq!((answered.status(), answered.method()), (Some(200), Method::Prack));
    let response = call.response();
    assert_eq!((response.status(), response.method()), (Some(200), Method::Invite));
    assert_eq!(read(&response).media[0].formats, ["8"]);
    assert_eq!(call.request(Method::Prack, &[("RAck", &rack)], "").status(), Some(481));
    let bye = call.request(Method::Bye, &[], "");
    assert_eq!(bye.status(), Some(200));
}

#[test]
fn who_only_supports_it_is_answered_at_once() {
    let mut call = Stage::called(&[("Supported", "100rel")], &sdp(TALK));
    assert_eq!(call.response().status(), Some(200));
}

#[test]
fn rfc_3262_section_3_it_is_repeated_and_then_the_call_is_refused() {
    let mut call = Stage::called(&[REQUIRED], &sdp(TALK));
    let rings = call.response();
    for wait in [500, 1_000, 2_000, 4_000, 8_000, 16_000] {
        call.wait(wait, wait);
        assert_eq!(call.response().header("RSeq"), rings.header("RSeq"));
    }
    call.wait(500, 500);
    assert_eq!(call.response().status(), Some(504));
    assert_eq!(call.ended(), Some(HangupCause::TransactionTimeout));
}

#[test]
fn rfc_3262_section_5_without_an_offer_ours_is_in_it_and_the_answer_in_the_prack() {
    let mut call = Stage::called(&[REQUIRED], "");
    let rings = call.response();
    assert_eq!(rings.status(), Some(183));
    assert_eq!(read(&rings).media[0].formats, ["8", "0", "13", "101"]);
    let answer = described("198.51.100.9", 4000, "0", TALK);
    let answered = call.request(Method::Prack, &[("RAck", &rack(&rings))], &answer);
    assert_eq!(answered.status(), Some(200));
    let response = call.response();
    assert_eq!((response.status(), response.body()), (Some(200), &b""[..]));
    assert_eq!(call.leg.media().unwrap().payload_type, 0);
    call.ack("");
    assert_eq!(call.ended(), None);
}

#[test]
fn a_prack_without_the_answer_that_it_owes_ends_the_call() {
    let mut call = Stage::called(&[REQUIRED], "");
    let rings = call.response();
    let refused = call.request(Method::Prack, &[("RAck", &rack(&rings))], "");
    assert_eq!(refused.status(), Some(400));
    assert_eq!(call.response().status(), Some(400));
    assert_eq!(call.ended(), Some(HangupCause::Response(400)));
}

#[test]
fn rfc_3262_section_4_a_phones_reliable_ring_is_acknowledged_once_and_in_order() {
    let (mut call, invite) = Stage::calling();
    assert_eq!(invite.header("Supported"), Some(&*call::supported(call::SessionLimits::default())));
    let reliably = |call: &mut Stage, rseq: &str| {
        call.respond(&invite, 180, &[REQUIRED, ("RSeq", rseq)], "");
        call.outputs.retain(|output| matches!(output, call::Output::Request { .. }));
        call.outputs.pop().map(|output| match output {
            call::Output::Request { message, .. } => message,
            other => panic!("{other:?}"),
        })
    };
    let prack = reliably(&mut call, "776656").unwrap();
    assert_eq!(prack.method(), Method::Prack);
    assert_eq!(prack.header("RAck"), Some("776656 1 INVITE"));
    assert_eq!(prack.cseq().unwrap().number, 2);
    assert!(reliably(&mut call, "776656").is_none(), "repeated");
    assert!(reliably(&mut call, "776658").is_none(), "one is missing");
    assert_eq!(reliably(&mut call, "776657").unwrap().cseq().unwrap().number, 3);
    call.respond(&prack, 200, &[], "");
    call.respond(&invite, 200, &[], &sdp(TALK));
    assert_eq!(call.our_ack().unwrap().cseq().unwrap().number, 1);
    call.leg.hang_up(HangupCause::LocalBye, 480);
    call.outputs.clear();
    let bye = match call.leg.poll_output() {
        Some(call::Output::Send { message, .. }) => message,
        other => panic!("{other:?}"),
    };
    assert_eq!(bye.cseq().unwrap().number, 4, "numbers go on after the PRACKs");
}

#[test]
fn each_phone_that_rings_has_an_early_dialog_of_its_own() {
    let (mut call, invite) = Stage::calling();
    for tag in ["one", "two"] {
        call.respond_as(tag, &invite, 180, &[REQUIRED, ("RSeq", "5")], "");
        let prack = call.ours();
        assert_eq!(prack.to().unwrap().tag(), Some(tag));
        assert_eq!(prack.cseq().unwrap().number, 2);
    }
}

#[test]
fn rfc_3261_section_12_2_1_1_who_is_not_waited_for_is_told_goodbye_after_their_pracks() {
    let (mut call, invite) = Stage::calling();
    for rseq in ["5", "6"] {
        call.respond_as("two", &invite, 183, &[REQUIRED, ("RSeq", rseq)], "");
    }
    assert_eq!((call.ours().cseq().unwrap().number, call.ours().cseq().unwrap().number), (2, 3));
    call.respond_as("one", &invite, 200, &[], &sdp(TALK));
    assert!(call.our_ack().is_some());
    call.respond_as("two", &invite, 200, &[], &sdp(TALK));
    let (ack, bye) = (call.our_ack().unwrap(), call.bye().unwrap());
    assert_eq!(ack.cseq().unwrap().number, 1, "the INVITE's");
    assert_eq!(bye.to().unwrap().tag(), Some("two"));
    assert!(bye.cseq().unwrap().number > 3, "else it would be refused with 500 (§12.2.2)");
}

#[test]
fn rfc_3261_section_12_2_1_1_a_prack_goes_where_the_contact_says() {
    let (mut call, invite) = Stage::calling();
    let contact = "<sip:8001@198.51.100.77:5070>";
    let rings = ResponseBuilder::to(&invite, 180).to_tag("far").contact(contact);
    let rings = rings.header("Require", "100rel").header("RSeq", "1").build();
    let source = *call.leg.flow();
    call.leg.handle_response(&rings, source, call.now);
    call.drain();
    let sent = call.outputs.iter().find_map(|output| match output {
        call::Output::Request { flow, .. } => Some(flow.remote),
        _ => None,
    });
    assert_eq!(sent, Some("198.51.100.77:5070".parse().unwrap()));
}

#[test]
fn rfc_3262_section_5_the_answer_may_come_before_the_200() {
    let (mut call, invite) = Stage::calling();
    let early = described("198.51.100.9", 4000, "0", TALK);
    call.respond(&invite, 183, &[REQUIRED, ("RSeq", "1")], &early);
    assert!(call.leg.media().is_some(), "it is heard");
    assert_eq!(call.leg.state(), call::LegState::Early, "and counts with the 200");
    call.respond(&invite, 200, &[], "");
    assert_eq!(call.leg.media().unwrap().payload_type, 0);
    assert_eq!(call.ended(), None);
}

#[test]
fn a_200_without_any_answer_ends_the_call() {
    let (mut call, invite) = Stage::calling();
    call.respond(&invite, 183, &[], &sdp(TALK));
    call.respond(&invite, 200, &[], "");
    assert!(call.our_ack().is_some() && call.bye().is_some());
    assert_eq!(call.ended(), Some(HangupCause::Response(400)));
}

#[test]
fn rfc_3311_section_5_1_a_ringing_phone_offers_anew_once_its_answer_came_reliably() {
    let (mut call, invite) = Stage::calling();
    let early = described("198.51.100.9", 4000, "8", TALK);
    call.respond(&invite, 183, &[REQUIRED, ("RSeq", "1")], &early);
    assert_eq!(call.early_media(), 1);
    let unknown = described("198.51.100.9", 4000, "18", TALK);
    assert_eq!(call.request(Method::Update, &[], &unknown).status(), Some(488));
    assert_eq!(call.leg.media().unwrap().payload_type, 8, "what was agreed on stays");
    let offer = described("198.51.100.9", 4002, "0", TALK);
    let answered = call.request(Method::Update, &[], &offer);
    assert_eq!(
        (answered.status(), &*read(&answered).media[0].formats),
        (Some(200), &["0".into()][..])
    );
    assert_eq!(call.early_media(), 2);
    call.respond(&invite, 183, &[REQUIRED, ("RSeq", "2")], &early);
    assert_eq!(call.leg.media().unwrap().remote.port(), 4002, "the first answer counts no more");
    call.respond(&invite, 200, &[], "");
    assert_eq!(call.leg.state(), call::LegState::Established);
    let media = call.leg.media().unwrap();
    assert_eq!((media.payload_type, media.remote.port()), (0, 4002));
    let held = call.request(Method::Invite, &[], &described("198.51.100.9", 4002, "0", "sendonly"));
    assert_eq!(held.status(), Some(200), "no offer of ours is open");
}

#[test]
fn what_a_ringing_phone_offered_anew_binds_no_other_phone() {
    let (mut call, invite) = Stage::calling();
    let early = described("198.51.100.9", 4000, "8", TALK);
    call.respond(&invite, 183, &[REQUIRED, ("RSeq", "1")], &early);
    let offer = described("198.51.100.9", 4002, "0", TALK);
    assert_eq!(call.request(Method::Update, &[], &offer).status(), Some(200));
    call.respond_as("other", &invite, 200, &[], &described("198.51.100.9", 4004, "8", TALK));
    let media = call.leg.media().unwrap();
    assert_eq!((media.payload_type, media.remote.port()), (8, 4004));
}

#[test]
fn rfc_3311_section_5_2_a_ringing_phone_may_refresh_but_not_offer() {
    let (mut call, invite) = Stage::calling();
    call.respond(&invite, 180, &[REQUIRED, ("RSeq", "1")], "");
    assert_eq!(call.request(Method::Update, &[], "").status(), Some(200));
    assert_eq!(call.request(Method::Update, &[], &sdp(TALK)).status(), Some(491));
    assert_eq!(call.request(Method::Bye, &[], "").status(), Some(481));
}
