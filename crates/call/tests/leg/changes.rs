//! Offers and answers in a call that stands (RFC 3264 §8, RFC 3261 §14, RFC 3311).

use model::HangupCause;
use sdp::{Codec, Direction};
use sip::Method;

use crate::stage::{Stage, TALK, described, read, sdp};

const METHODS: [Method; 2] = [Method::Invite, Method::Update];

#[test]
fn rfc_3264_section_8_4_hold_and_retrieve_by_either_method() {
    for method in METHODS {
        for (hold, answer) in [
            (sdp("sendonly"), Direction::RecvOnly),
            (sdp("inactive"), Direction::Inactive),
            (described("0.0.0.0", 4000, "8", TALK), Direction::RecvOnly),
            (described("held.invalid", 4000, "8", TALK), Direction::RecvOnly),
        ] {
            let mut call = Stage::standing(&[]);
            assert!(!call.leg.is_holding());
            let response = call.request(method, &[], &hold);
            assert_eq!(response.status(), Some(200));
            assert_eq!(read(&response).media[0].direction, Some(answer), "{hold}");
            assert!(call.media_changed() && call.leg.is_holding());
            let media = call.leg.media().copied().unwrap();
            assert_eq!(media.remote.to_string(), "198.51.100.9:4000");
            let response = call.request(method, &[], &sdp(TALK));
            assert_eq!(read(&response).media[0].direction, Some(Direction::SendRecv));
            assert!(call.media_changed() && !call.leg.is_holding());
        }
    }
}

const NO_STREAM: &str = "v=0\r\no=- 1 1 IN IP4 198.51.100.9\r\ns=-\r\nt=0 0\r\n";

#[test]
fn rfc_3264_section_8_2_a_stream_that_is_taken_away_leaves_the_call_and_comes_back() {
    for method in METHODS {
        for (offer, streams) in
            [(described("198.51.100.9", 0, "8", TALK), 1), (NO_STREAM.to_owned(), 0)]
        {
            let mut call = Stage::standing(&[]);
            let response = call.request(method, &[], &offer);
            assert_eq!(response.status(), Some(200), "{offer}");
            let answer = read(&response);
            assert_eq!(answer.media.len(), streams);
            assert!(answer.media.iter().all(|media| media.port == 0));
            assert!(call.media_changed() && call.leg.is_holding() && call.ended().is_none());
            let response = call.request(method, &[], &sdp(TALK));
            assert_ne!(read(&response).media[0].port, 0);
            assert!(call.media_changed() && !call.leg.is_holding());
            assert_eq!(call.leg.media().unwrap().remote.to_string(), "198.51.100.9:4000");
        }
    }
}

#[test]
fn rfc_3264_section_5_a_call_may_begin_without_a_stream() {
    let mut call = Stage::called(&[], NO_STREAM);
    let response = call.response();
    assert_eq!((response.status(), read(&response).media.len()), (Some(200), 0));
    assert!(call.leg.media().is_none());
    call.ack("");
    assert_eq!(call.ended(), None);
    assert_eq!(call.request(Method::Invite, &[], &sdp(TALK)).status(), Some(200));
    assert!(call.leg.media().is_some());
}

#[test]
fn rfc_8866_section_5_7_a_host_name_is_an_address_that_is_learned() {
    let mut call = Stage::called(&[], &described("phone.example.com", 4000, "8", TALK));
    assert_eq!(call.response().status(), Some(200));
    let media = call.leg.media().unwrap();
    assert_eq!((media.remote.to_string().as_str(), media.direction), {
        ("0.0.0.0:4000", Direction::SendRecv)
    });
    assert!(!call.leg.is_holding());
}

#[test]
fn who_only_listens_has_put_nobody_on_hold() {
    let mut call = Stage::standing(&[]);
    call.request(Method::Invite, &[], &sdp("recvonly"));
    assert!(!call.leg.is_holding());
    assert_eq!(call.leg.media().unwrap().direction, Direction::SendOnly);
}

#[test]
fn rfc_3264_section_8_the_version_rises_only_when_something_changed() {
    let mut call = Stage::standing(&[]);
    let mut versions = Vec::new();
    for direction in [TALK, TALK, "sendonly", "sendonly", TALK] {
        let response = call.request(Method::Invite, &[], &sdp(direction));
        versions.push(read(&response).origin.version);
    }
    assert_eq!(versions, [1, 1, 2, 2, 3]);
}

#[test]
fn rfc_3264_section_8_3_address_and_codec_may_move() {
    let mut call = Stage::standing(&[]);
    let moved = described("198.51.100.77", 6000, "0", TALK);
    let response = call.request(Method::Update, &[], &moved);
    assert_eq!(read(&response).media[0].formats, ["0"]);
    let media = call.leg.media().unwrap();
    assert_eq!((media.remote.to_string().as_str(), media.codec), {
        ("198.51.100.77:6000", Codec::Pcmu)
    });
    assert!(call.media_changed());
}

#[test]
fn rfc_3261_section_14_2_a_refused_offer_leaves_all_as_it_was() {
    for method in METHODS {
        let mut call = Stage::standing(&[]);
        let before = call.leg.media().copied();
        let refused = described("198.51.100.9", 4000, "18", "sendonly");
        assert_eq!(call.request(method, &[], &refused).status(), Some(488));
        assert_eq!(call.request(method, &[], "nonsense").status(), Some(400));
        assert_eq!(call.leg.media().copied(), before);
        assert!(!call.media_changed() && call.ended().is_none());
        let response = call.request(method, &[], &sdp(TALK));
        assert_eq!(read(&response).origin.version, 1);
    }
}

#[test]
fn rfc_3261_section_14_2_a_re_invite_without_an_offer_gets_ours() {
    let mut call = Stage::standing(&[]);
    call.request(Method::Invite, &[], &sdp("sendonly"));
    assert!(call.leg.is_holding());
    let response = call.request(Method::Invite, &[], "");
    let offer = read(&response);
    assert_eq!(offer.media[0].formats, ["8", "0", "13", "101"]);
    assert_eq!(offer.media[0].direction, Some(Direction::SendRecv));
    assert!(call.leg.is_holding(), "nothing holds before the answer");
    call.ack(&sdp(TALK));
    assert!(!call.leg.is_holding() && call.media_changed());
}

#[test]
fn a_late_offer_that_is_not_answered_changes_nothing() {
    let mut call = Stage::standing(&[]);
    let before = call.leg.media().copied();
    call.request(Method::Invite, &[], "");
    call.ack("");
    assert_eq!((call.leg.media().copied(), call.ended()), (before, None));
    assert_eq!(call.request(Method::Invite, &[], &sdp("sendonly")).status(), Some(200));
}

#[test]
fn rfc_3261_section_13_2_1_the_first_offer_may_be_ours() {
    let mut call = Stage::called(&[], "");
    let response = call.response();
    assert_eq!(read(&response).media[0].formats, ["8", "0", "13", "101"]);
    assert!(call.leg.media().is_none());
    call.ack(&described("198.51.100.9", 4000, "0", TALK));
    assert!(call.media_changed());
    assert_eq!(call.leg.media().unwrap().codec, Codec::Pcmu);
}

#[test]
fn a_first_offer_without_an_answer_in_the_ack_ends_the_call() {
    for answer in ["", "nonsense", &described("198.51.100.9", 4000, "18", TALK)] {
        let mut call = Stage::called(&[], "");
        call.response();
        call.ack(answer);
        assert!(call.bye().is_some());
        assert_eq!(call.ended(), Some(HangupCause::Response(488)));
    }
}

#[test]
fn an_update_without_an_offer_changes_nothing() {
    let mut call = Stage::standing(&[]);
    let response = call.request(Method::Update, &[], "");
    assert_eq!((response.status(), response.body()), (Some(200), &b""[..]));
    assert!(!call.media_changed());
}

#[test]
fn rfc_3261_section_12_2_2_what_is_out_of_order_gets_500() {
    let mut call = Stage::standing(&[]);
    assert_eq!(call.request_numbered(7, Method::Update, &[], "").status(), Some(200));
    for late in [7, 6, 1] {
        let response = call.request_numbered(late, Method::Invite, &[], &sdp("sendonly"));
        assert_eq!(response.status(), Some(500), "{late}");
    }
    assert!(!call.leg.is_holding());
}

#[test]
fn what_is_said_of_us_is_what_we_do() {
    let mut call = Stage::standing(&[]);
    let response = call.request(Method::Options, &[], "");
    assert_eq!(
        response.header("Supported"),
        Some(&*call::supported(call::SessionLimits::default()))
    );
    for method in response.header("Allow").unwrap().split(", ") {
        assert!(call::ALLOW.contains(method));
    }
    let refused = call.request(Method::Publish, &[], "");
    assert_eq!((refused.status(), refused.header("Allow")), (Some(405), Some(call::ALLOW)));
}
