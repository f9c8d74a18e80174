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

/// The status decides whether another way is looked for, the network's cause what is told of it.
#[test]
fn rfc_6432_a_final_response_may_say_why() {
    for (status, reason, cause) in [
        (480, "Q.850;cause=17", HangupCause::Q850(17)),
        (404, "SIP;cause=404, Q.850;cause=1;text=\"Unallocated\"", HangupCause::Q850(1)),
        (603, "Q.850;cause=16", HangupCause::Response(603)),
        (486, "Preemption;cause=1", HangupCause::Response(486)),
        (500, "Q.850;cause=34", HangupCause::Q850(34)),
    ] {
        let (mut call, invite) = Stage::calling();
        call.respond(&invite, status, &[("Reason", reason)], "");
        assert_eq!(call.ended(), Some(cause), "{status} {reason}");
    }
}

#[test]
fn rfc_6432_what_a_network_said_is_told_to_who_called() {
    for (cause, said) in [
        (HangupCause::Q850(34), Some("Q.850;cause=34;text=\"no circuit available\"")),
        (HangupCause::Response(503), None),
    ] {
        let mut call = Stage::ringing(&[], &sdp(TALK));
        call.leg.hang_up(cause, 503);
        call.drain();
        assert_eq!(call.response().header("Reason"), said);
    }
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
