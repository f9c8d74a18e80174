//! Why a party went (RFC 3326).

use model::HangupCause;
use sip::{Method, RequestBuilder};

use crate::stage::{Stage, TALK, sdp};

#[test]
fn rfc_3326_a_bye_with_a_cause_of_q_850_says_why() {
    for (reason, cause) in [
        ("Q.850;cause=16;text=\"Terminated\"", HangupCause::RemoteBye),
        ("SIP;cause=200, Q.850;cause=38", HangupCause::Q850(38)),
        ("Preemption;cause=1", HangupCause::RemoteBye),
    ] {
        let mut call = Stage::standing(&[]);
        assert_eq!(call.request(Method::Bye, &[("Reason", reason)], "").status(), Some(200));
        assert_eq!(call.ended(), Some(cause), "{reason}");
    }
}

#[test]
fn rfc_3326_a_cancel_may_say_why() {
    let mut call = Stage::called(&[("Require", "100rel")], &sdp(TALK));
    call.response();
    let cancel = RequestBuilder::new(Method::Cancel, "sip:h").header("Reason", "Q.850;cause=102");
    call.leg.handle_cancelled(&cancel.build());
    while let Some(output) = call.leg.poll_output() {
        call.outputs.push(output);
    }
    assert_eq!(call.response().status(), Some(487));
    assert_eq!(call.ended(), Some(HangupCause::Q850(102)));
}

#[test]
fn our_cancel_and_bye_say_why() {
    let (mut call, _) = Stage::calling();
    call.leg.hang_up(HangupCause::LocalBye, 480);
    let Some(call::Output::Cancel(reason)) = call.leg.poll_output() else { panic!("no CANCEL") };
    assert!(reason.starts_with("Q.850;cause=16"));
    let mut call = Stage::standing(&[]);
    call.leg.hang_up(HangupCause::MediaTimeout, 480);
    let Some(call::Output::Send { message, .. }) = call.leg.poll_output() else { panic!("no BYE") };
    assert!(message.header("Reason").unwrap().starts_with("Q.850;cause=41"));
}
