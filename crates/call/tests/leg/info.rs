//! INFO in a call that stands and before it does (RFC 6086 §4.2.2, RFC 3261 §8.2.3).

use sip::Method;

use crate::stage::{Stage, TALK, sdp};

const ACCEPT: &str = "application/dtmf-relay, application/dtmf";

#[test]
fn an_info_without_a_body_is_taken_and_one_that_is_not_understood_says_what_would_be() {
    let mut call = Stage::standing(&[]);
    assert_eq!(call.request(Method::Info, &[], "").status(), Some(200));
    let refused = call.request(Method::Info, &[], &sdp(TALK));
    assert_eq!((refused.status(), refused.header("Accept")), (Some(415), Some(ACCEPT)));
    let optional = [("Content-Disposition", "session;handling=optional")];
    assert_eq!(call.request(Method::Info, &optional, &sdp(TALK)).status(), Some(200));
    assert_eq!(call.request(Method::Options, &[], "").status(), Some(200), "the call goes on");
}

#[test]
fn an_info_of_a_package_that_was_not_asked_for_is_told_which_are_taken() {
    let mut call = Stage::standing(&[]);
    let refused = call.request(Method::Info, &[("Info-Package", "conf-ctl")], "");
    assert_eq!((refused.status(), refused.header("Recv-Info")), (Some(469), Some("")));
}

#[test]
fn an_info_before_the_answer_does_not_end_what_it_is_about() {
    let mut called = Stage::ringing(&[], &sdp(TALK));
    assert_eq!(called.request(Method::Info, &[], "").status(), Some(200));
    assert_eq!(called.request(Method::Info, &[], &sdp(TALK)).status(), Some(415));
    let (mut calling, invite) = Stage::calling();
    calling.respond(&invite, 180, &[("Require", "100rel"), ("RSeq", "7")], "");
    assert_eq!(calling.request(Method::Info, &[], "").status(), Some(200));
}

#[test]
fn options_says_what_a_call_can() {
    let mut call = Stage::standing(&[]);
    let answer = call.request(Method::Options, &[], "");
    let header = |name| answer.header(name).unwrap_or_default().to_owned();
    assert!(header("Allow").contains("INFO") && header("Supported").contains("100rel"));
    for body in ["application/sdp", "multipart/mixed", "application/dtmf-relay"] {
        assert!(header("Accept").contains(body), "{body}");
    }
    assert_eq!(header("Accept-Encoding"), "identity");
}
