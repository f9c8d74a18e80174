//! Calls to the outside: challenges, ways that fail, and how long anyone is waited for.

use call::Outside;
use model::{HangupCause, Mono};
use sip::digest::Account;
use sip::{Message, Method, ResponseBuilder};

use crate::stage::{Stage, TALK, sdp};

const CHALLENGE: &str = "Digest realm=\"ims\", nonce=\"1\", qop=\"auth\", algorithm=SHA-256";
const STALE: &str = "Digest realm=\"ims\", nonce=\"2\", qop=\"auth\", stale=true";

fn outside() -> Outside {
    let account = Account {
        user: "021".to_owned(),
        password: "sesame".to_owned(),
        realm: Some("ims".to_owned()),
    };
    Outside {
        account: Some(account),
        respond_by: Mono::from_ms(6_000),
        answer_by: Mono::from_ms(61_000),
    }
}

#[test]
fn rfc_3261_section_22_a_challenge_of_the_carrier_is_answered_in_the_same_call() {
    for (status, asks, answers) in [
        (401, "WWW-Authenticate", "Authorization"),
        (407, "Proxy-Authenticate", "Proxy-Authorization"),
    ] {
        let (mut stage, first) = Stage::calling_by(Some(outside()));
        stage.respond(&first, status, &[(asks, CHALLENGE)], "");
        let second = stage.invite();
        assert_eq!(second.call_id(), first.call_id());
        assert_eq!(second.cseq().map(|cseq| cseq.number), Some(2));
        let credentials = second.header(answers).expect("they are there");
        assert!(credentials.contains("realm=\"ims\"") && credentials.contains("nc=00000001"));
        assert!(!credentials.contains("sesame"));
        stage.respond(&second, 200, &[], &sdp(TALK));
        let ack = stage.our_ack().expect("it is acknowledged");
        assert_eq!(ack.header(answers), Some(credentials), "§13.2.2.4");
    }
}

#[test]
fn rfc_3261_section_22_who_refreshes_the_session_is_known_to_the_carrier_too() {
    for allow in [("Allow", "UPDATE"), ("Allow", "INVITE")] {
        let (mut stage, first) = Stage::calling_by(Some(outside()));
        let refresher = ("Session-Expires", "600;refresher=uac");
        stage.respond(&first, 200, &[refresher, allow], &sdp(TALK));
        assert!(stage.our_ack().is_some());
        stage.wait(300_000, 300_000);
        let asked = stage.ours();
        assert_eq!(asked.header("Proxy-Authorization"), None);
        stage.respond(&asked, 407, &[("Proxy-Authenticate", CHALLENGE)], "");
        let again = stage.ours();
        assert_eq!(again.method(), asked.method());
        let credentials = again.header("Proxy-Authorization").expect("they are there");
        assert!(credentials.contains(&format!("uri=\"{}\"", again.uri())), "{credentials}");
        // A wrong password is not tried for ever; the call goes on meanwhile.
        stage.respond(&again, 407, &[("Proxy-Authenticate", CHALLENGE)], "");
        if asked.method() == Method::Update {
            stage.wait(0, 0);
            assert_eq!(stage.ours().method(), Method::Invite);
        }
        assert_eq!(stage.ended(), None);
    }
}

/// What a carrier says to a request of ours.
fn answer(request: &Message, status: u16, headers: &[(&str, &str)]) -> Message {
    let response = ResponseBuilder::to(request, status).to_tag("far");
    headers.iter().fold(response, |response, (name, value)| response.header(name, value)).build()
}

#[test]
fn rfc_3261_section_22_3_a_challenged_bye_is_sent_again_with_credentials() {
    for (status, asks, answers) in [
        (401, "WWW-Authenticate", "Authorization"),
        (407, "Proxy-Authenticate", "Proxy-Authorization"),
    ] {
        let (mut stage, invite) = Stage::calling_by(Some(outside()));
        stage.respond(&invite, 200, &[], &sdp(TALK));
        stage.leg.hang_up(HangupCause::AgentHangUp, 480);
        stage.drain();
        let (bye, farewell) = stage.farewell().unwrap();
        assert_eq!(bye.header(answers), None);
        let mut farewell = farewell.expect("the line has an account");
        let asked = answer(&bye, status, &[(asks, CHALLENGE)]);
        let (again, _) = farewell.handle_response(&asked).expect("the BYE leaves again");
        assert_eq!((again.method(), again.uri()), (Method::Bye, bye.uri()));
        assert_eq!(
            (again.call_id(), again.header("Reason")),
            (bye.call_id(), bye.header("Reason"))
        );
        assert_eq!(again.to().unwrap().tag(), Some("far"));
        assert_eq!(again.cseq().unwrap().number, bye.cseq().unwrap().number + 1);
        let credentials = again.header(answers).expect("they are there");
        assert!(credentials.contains(&format!("uri=\"{}\"", bye.uri())), "{credentials}");
        assert!(!credentials.contains("sesame"));
        // The same password is not tried again, but for a nonce that was too old.
        let stale = answer(&again, status, &[(asks, STALE)]);
        assert!(farewell.handle_response(&stale).is_some());
        assert!(farewell.handle_response(&asked).is_none());
    }
}

#[test]
fn a_bye_that_is_accepted_or_asked_about_by_others_is_not_sent_again() {
    let (mut stage, invite) = Stage::calling_by(Some(outside()));
    stage.respond(&invite, 200, &[], &sdp(TALK));
    stage.leg.hang_up(HangupCause::AgentHangUp, 480);
    stage.drain();
    let (bye, farewell) = stage.farewell().unwrap();
    let mut farewell = farewell.unwrap();
    let foreign = "Digest realm=\"evil\", nonce=\"1\", qop=\"auth\"";
    for response in [
        answer(&bye, 200, &[]),
        answer(&bye, 481, &[]),
        answer(&bye, 401, &[]),
        answer(&bye, 401, &[("WWW-Authenticate", foreign)]),
    ] {
        assert!(farewell.handle_response(&response).is_none(), "{:?}", response.status());
    }
    let mut phone = Stage::answered(&[]);
    phone.leg.hang_up(HangupCause::LocalBye, 480);
    phone.drain();
    assert!(phone.farewell().unwrap().1.is_none(), "a phone of ours has no account");
}

#[test]
fn rfc_3261_section_22_3_whom_we_hang_up_on_after_the_cancel_may_ask_too() {
    let (mut stage, invite) = Stage::calling_by(Some(outside()));
    stage.leg.hang_up(HangupCause::AgentHangUp, 480);
    stage.respond(&invite, 200, &[], &sdp(TALK));
    assert!(stage.our_ack().is_some());
    assert!(stage.farewell().unwrap().1.is_some());
    assert_eq!(stage.ended(), Some(HangupCause::AgentHangUp));
}

#[test]
fn rfc_3261_section_22_3_a_challenged_prack_is_sent_again_with_credentials() {
    let (mut stage, invite) = Stage::calling_by(Some(outside()));
    let reliable = [("Require", "100rel"), ("RSeq", "7")];
    stage.respond(&invite, 180, &reliable, "");
    let prack = stage.ours();
    stage.respond(&prack, 407, &[("Proxy-Authenticate", CHALLENGE)], "");
    let again = stage.ours();
    assert_eq!((again.method(), again.header("RAck")), (Method::Prack, Some("7 1 INVITE")));
    assert_eq!(again.cseq().unwrap().number, prack.cseq().unwrap().number + 1);
    assert!(again.header("Proxy-Authorization").unwrap().contains("realm=\"ims\""));
    // A refusal is the end of it, and what is no answer to it changes nothing.
    stage.respond(&again, 407, &[("Proxy-Authenticate", CHALLENGE)], "");
    stage.respond(&prack, 407, &[("Proxy-Authenticate", CHALLENGE)], "");
    let asked = |output: &call::Output| matches!(output, call::Output::Request { .. });
    assert!(!stage.outputs.iter().any(asked));
    // The next one begins anew, as each request may be challenged.
    stage.respond(&invite, 180, &[("Require", "100rel"), ("RSeq", "8")], "");
    assert_eq!(stage.ours().header("Proxy-Authorization"), None);
    stage.respond(&invite, 200, &[], &sdp(TALK));
    assert!(stage.our_ack().is_some());
    assert_eq!(stage.ended(), None);
}

#[test]
fn a_refused_answer_is_not_given_again_but_for_a_stale_nonce() {
    let (mut stage, first) = Stage::calling_by(Some(outside()));
    stage.respond(&first, 407, &[("Proxy-Authenticate", CHALLENGE)], "");
    let second = stage.invite();
    stage.respond(&second, 407, &[("Proxy-Authenticate", STALE)], "");
    let third = stage.invite();
    assert!(third.header("Proxy-Authorization").is_some_and(|value| value.contains("\"2\"")));
    stage.respond(&third, 407, &[("Proxy-Authenticate", CHALLENGE)], "");
    assert_eq!(stage.ended(), Some(HangupCause::Response(407)));
}

#[test]
fn a_foreign_realm_and_a_phone_of_ours_get_no_password() {
    let foreign = "Digest realm=\"evil\", nonce=\"1\", qop=\"auth\"";
    let (mut stage, first) = Stage::calling_by(Some(outside()));
    stage.respond(&first, 401, &[("WWW-Authenticate", foreign)], "");
    assert_eq!(stage.ended(), Some(HangupCause::Response(401)));
    let (mut stage, first) = Stage::calling();
    stage.respond(&first, 401, &[("WWW-Authenticate", CHALLENGE)], "");
    assert_eq!(stage.ended(), Some(HangupCause::Response(401)));
}

#[test]
fn a_way_that_fails_is_no_end_and_the_next_begins_without_what_it_knew() {
    let (mut stage, first) = Stage::calling_by(Some(outside()));
    stage.respond(&first, 401, &[("WWW-Authenticate", CHALLENGE)], "");
    let second = stage.invite();
    stage.respond(&second, 503, &[("Retry-After", "30")], "");
    assert_eq!(stage.unreachable(), Some((HangupCause::Response(503), Some(30))));
    assert_eq!(stage.ended(), None);
    let third = stage.call_again(outside());
    assert_eq!(third.header("Authorization"), None, "another host");
    assert_eq!(third.cseq().map(|cseq| cseq.number), Some(3));
    assert!(!third.body().is_empty());
    stage.respond(&third, 200, &[], &sdp(TALK));
    assert!(stage.our_ack().is_some() && stage.leg.media().is_some());
}

#[test]
fn who_was_asked_first_has_not_the_keys_that_the_next_one_is_offered() {
    let keys = |invite: &Message| {
        let body = String::from_utf8_lossy(invite.body()).into_owned();
        let keys = body.lines().filter_map(|line| Some(line.split_once("inline:")?.1.to_owned()));
        keys.collect::<Vec<_>>()
    };
    let (mut stage, first) = Stage::calling_by(Some(outside()));
    stage.respond(&first, 401, &[("WWW-Authenticate", CHALLENGE)], "");
    let second = stage.invite();
    assert_eq!(keys(&first), keys(&second), "the same way");
    stage.respond(&second, 503, &[], "");
    let third = stage.call_again(outside());
    assert_eq!((keys(&first).len(), keys(&third).len()), (2, 2));
    assert!(keys(&third).iter().all(|key| !keys(&first).contains(key)));
}

#[test]
fn what_the_called_one_says_is_the_end() {
    for status in [486, 603, 404, 480] {
        let (mut stage, first) = Stage::calling_by(Some(outside()));
        stage.respond(&first, status, &[], "");
        assert_eq!(stage.ended(), Some(HangupCause::Response(status)));
    }
}

#[test]
fn rfc_3261_section_8_1_3_4_while_another_contact_is_left_only_a_6xx_speaks_for_all() {
    for (status, are_left, goes_on) in
        [(486, true, true), (404, true, true), (486, false, false), (603, true, false)]
    {
        let (mut stage, first) = Stage::calling_by(Some(outside()));
        stage.leg.expect_others(are_left);
        stage.respond(&first, status, &[], "");
        let cause = HangupCause::Response(status);
        assert_eq!(stage.unreachable(), goes_on.then_some((cause, None)), "{status}");
        assert_eq!(stage.ended(), (!goes_on).then_some(cause), "{status}");
    }
}

#[test]
fn a_phone_of_ours_that_forwards_its_calls_has_refused_this_one() {
    let (mut stage, first) = Stage::calling();
    stage.respond(&first, 302, &[("Contact", "<sip:13900139000@far>")], "");
    assert_eq!(stage.ended(), Some(HangupCause::Response(302)));
    assert!(stage.outputs.iter().all(|one| !matches!(one, call::Output::Redirected { .. })));
}

#[test]
fn who_hangs_up_while_the_call_is_redirected_ends_it() {
    let (mut stage, first) = Stage::calling_by(Some(outside()));
    stage.leg.hang_up(HangupCause::AgentHangUp, 480);
    stage.respond(&first, 302, &[("Contact", "<sip:13900139000@far>")], "");
    assert_eq!(stage.ended(), Some(HangupCause::AgentHangUp));
}

#[test]
fn a_silent_way_is_cancelled_and_what_it_answers_later_is_ended() {
    let (mut stage, first) = Stage::calling_by(Some(outside()));
    stage.wait(5_000, 5_000);
    assert!(stage.cancels());
    assert_eq!(stage.unreachable(), Some((HangupCause::TransactionTimeout, None)));
    let second = stage.call_again(outside());
    stage.respond(&first, 200, &[], &sdp(TALK));
    assert!(stage.our_ack().is_some() && stage.bye().is_some(), "nobody is left talking");
    stage.respond(&second, 180, &[], "");
    stage.respond(&second, 200, &[], &sdp(TALK));
    assert!(stage.our_ack().is_some() && stage.bye().is_none());
}

/// What a late answer to the INVITE of each of two ways is told goodbye with, once challenged.
fn names_told(stage: &mut Stage, invite: &Message, tag: &str) -> String {
    stage.respond_as(tag, invite, 200, &[], &sdp(TALK));
    let (bye, farewell) = stage.farewell().expect("it is told goodbye");
    let asked = answer(&bye, 407, &[("Proxy-Authenticate", CHALLENGE)]);
    let (again, _) = farewell.expect("the way has an account").handle_response(&asked).unwrap();
    again.header("Proxy-Authorization").expect("credentials").to_owned()
}

#[test]
fn each_way_is_told_goodbye_in_the_name_that_it_knows() {
    let (mut stage, first) = Stage::calling_by(Some(outside()));
    stage.wait(5_000, 5_000);
    let account = outside().account.map(|account| Account { user: "010".to_owned(), ..account });
    let second = stage.call_again(Outside { account, ..outside() });
    assert!(names_told(&mut stage, &first, "early").contains("username=\"021\""));
    stage.respond(&second, 200, &[], &sdp(TALK));
    assert_eq!(stage.leg.state(), call::LegState::Established);
    assert!(names_told(&mut stage, &first, "late").contains("username=\"021\""));
    assert!(names_told(&mut stage, &second, "fork").contains("username=\"010\""));
}

#[test]
fn rfc_3261_section_13_2_2_4_a_forks_ack_has_the_credentials_of_its_invite() {
    let (mut stage, first) = Stage::calling_by(Some(outside()));
    stage.respond(&first, 407, &[("Proxy-Authenticate", CHALLENGE)], "");
    let second = stage.invite();
    for tag in ["one", "two"] {
        stage.respond_as(tag, &second, 200, &[], &sdp(TALK));
        let ack = stage.our_ack().unwrap();
        let credentials = second.header("Proxy-Authorization");
        assert!(credentials.is_some());
        assert_eq!(ack.header("Proxy-Authorization"), credentials, "{tag}");
    }
}

#[test]
fn with_no_other_way_a_silent_one_is_waited_for_until_it_cannot_answer_any_more() {
    let (mut stage, first) = Stage::calling_by(Some(outside()));
    stage.wait(5_000, 5_000);
    stage.give_up();
    assert_eq!(stage.ended(), None);
    stage.respond(&first, 487, &[], "");
    assert_eq!(stage.ended(), Some(HangupCause::TransactionTimeout));
}

#[test]
fn a_way_that_answered_may_take_its_time_but_not_for_ever() {
    let (mut stage, first) = Stage::calling_by(Some(outside()));
    stage.respond(&first, 100, &[], "");
    stage.wait(60_000, 60_000);
    assert!(stage.cancels() && stage.unreachable().is_none());
    stage.respond(&first, 487, &[], "");
    assert_eq!(stage.ended(), Some(HangupCause::Q850(19)));
}

#[test]
fn who_hangs_up_between_two_ways_ends_the_call_at_once() {
    let (mut stage, first) = Stage::calling_by(Some(outside()));
    stage.respond(&first, 503, &[], "");
    assert!(stage.unreachable().is_some());
    stage.leg.hang_up(HangupCause::AgentHangUp, 480);
    assert!(matches!(stage.leg.poll_output(), Some(call::Output::Ended(HangupCause::AgentHangUp))));
}
