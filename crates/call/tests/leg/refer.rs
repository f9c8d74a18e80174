//! REFER inside the dialog, and what its NOTIFYs say (RFC 3515, RFC 4488).

use call::Output;
use sip::{Message, Method};

use crate::stage::Stage;

const TO_A_COLLEAGUE: (&str, &str) = ("Refer-To", "<sip:8002@hotline>");

/// The REFER that the leg reported, accepted.
fn accept(stage: &mut Stage, headers: &[(&str, &str)]) -> (call::Referral, Message) {
    stage.send(Method::Refer, headers);
    let (tx, message) = stage.referred().expect("it is reported");
    let referral = stage.leg.accept_refer(tx, &message);
    stage.drain();
    (referral, stage.response())
}

fn told(notify: &Message) -> (String, String, String) {
    let header = |name: &str| notify.header(name).unwrap_or_default().to_owned();
    let body = String::from_utf8_lossy(notify.body()).into_owned();
    (header("Event"), header("Subscription-State"), body)
}

#[test]
fn rfc_3515_section_2_4_4_an_accepted_refer_is_notified_at_once_and_at_the_end() {
    let mut stage = Stage::answered(&[]);
    let (referral, response) = accept(&mut stage, &[TO_A_COLLEAGUE]);
    assert_eq!(response.status(), Some(202));
    assert!(response.header("Contact").is_some(), "it makes a dialog's usage");
    let notify = stage.ours();
    assert_eq!(notify.method(), Method::Notify);
    assert_eq!(notify.content_type(), Some("message/sipfrag;version=2.0"));
    let (event, state, body) = told(&notify);
    assert_eq!((&*event, &*body), ("refer;id=1", "SIP/2.0 100 Trying\r\n"));
    assert!(state.starts_with("active;expires="), "{state}");
    stage.respond(&notify, 200, &[], "");
    stage.leg.notify_referral(referral, 486);
    stage.drain();
    let (event, state, body) = told(&stage.ours());
    assert_eq!((&*event, &*body), ("refer;id=1", "SIP/2.0 486 Busy Here\r\n"));
    assert_eq!(state, "terminated;reason=noresource");
}

#[test]
fn rfc_3515_section_2_4_2_a_refer_names_someone() {
    let mut stage = Stage::answered(&[]);
    stage.send(Method::Refer, &[]);
    assert!(stage.referred().is_none());
    assert_eq!(stage.response().status(), Some(400));
}

#[test]
fn rfc_3515_section_2_4_2_a_refer_names_one_and_no_more() {
    let mut stage = Stage::answered(&[]);
    stage.send(Method::Refer, &[TO_A_COLLEAGUE, ("r", "<sip:8003@hotline>")]);
    assert!(stage.referred().is_none());
    assert_eq!(stage.response().status(), Some(400));
}

#[test]
fn rfc_3515_section_2_4_4_what_a_refer_began_is_refreshed_and_ended_by_subscribe() {
    let mut stage = Stage::answered(&[]);
    let (referral, _) = accept(&mut stage, &[TO_A_COLLEAGUE]);
    let event = told(&stage.ours()).0;
    let again = stage.request(Method::Subscribe, &[("Event", &event), ("Expires", "60")], "");
    assert_eq!((again.status(), again.header("Expires")), (Some(200), Some("60")));
    let (same, state, body) = told(&stage.ours());
    assert_eq!((&same, &*state, &*body), (&event, "active;expires=60", "SIP/2.0 100 Trying\r\n"));
    // Longer than we say is not agreed to.
    let long = stage.request(Method::Subscribe, &[("o", "refer"), ("Expires", "9999")], "");
    assert_eq!((long.status(), long.header("Expires")), (Some(200), Some("180")));
    stage.ours();
    let ended = stage.request(Method::Subscribe, &[("Event", &event), ("Expires", "0")], "");
    assert_eq!((ended.status(), ended.header("Expires")), (Some(200), Some("0")));
    assert_eq!(told(&stage.ours()).1, "terminated;reason=timeout");
    // Nobody is told any more, and nothing is there to be refreshed.
    stage.leg.notify_referral(referral, 200);
    stage.drain();
    assert!(!stage.outputs.iter().any(|output| matches!(output, Output::Request { .. })));
    assert_eq!(stage.request(Method::Subscribe, &[("Event", &event)], "").status(), Some(403));
    assert_eq!(stage.ended(), None);
}

#[test]
fn rfc_3515_section_3_a_subscribe_begins_nothing() {
    let mut stage = Stage::answered(&[]);
    let (referral, _) = accept(&mut stage, &[TO_A_COLLEAGUE]);
    stage.ours();
    for (event, status) in [("refer;id=77", 403), ("presence", 489), ("referral", 489)] {
        let refused = stage.request(Method::Subscribe, &[("Event", event)], "");
        assert_eq!(refused.status(), Some(status), "{event}");
        assert_eq!(refused.header("Allow-Events"), (status == 489).then_some("refer"));
    }
    assert_eq!(stage.request(Method::Subscribe, &[], "").status(), Some(489));
    stage.leg.notify_referral(referral, 200);
    stage.drain();
    assert!(told(&stage.ours()).1.starts_with("terminated"));
    assert_eq!(stage.request(Method::Subscribe, &[("Event", "refer")], "").status(), Some(403));
}

#[test]
fn rfc_3515_section_4_1_a_refer_in_no_dialog_is_told_of_in_one_of_its_own() {
    let mut stage = Stage::answered(&[]);
    let of_dialog = |method, cseq, to_tag: Option<&str>, headers: &[(&str, &str)]| {
        let request = sip::RequestBuilder::new(method, "sip:95512@192.0.2.1")
            .header("Via", "SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK77")
            .from("<sip:8001@hotline>", "refers")
            .to("<sip:95512@hotline>", to_tag)
            .call_id("outside")
            .cseq(cseq)
            .contact("<sip:8001@198.51.100.9:5070>");
        let request = headers.iter().fold(request, |one, (name, value)| one.header(name, value));
        request.build()
    };
    let refer = of_dialog(Method::Refer, 93, None, &[TO_A_COLLEAGUE]);
    let referral = stage.leg.accept_refer(sip::ServerTx(77), &refer);
    stage.drain();
    let accepted = stage.response();
    let tag = accepted.to().unwrap().tag().unwrap().to_owned();
    assert_eq!((accepted.status(), accepted.call_id()), (Some(202), "outside"));
    let notify = stage.ours();
    assert_eq!((notify.call_id(), notify.uri()), ("outside", "sip:8001@198.51.100.9:5070"));
    assert_eq!(notify.to().unwrap().tag(), Some("refers"));
    assert_eq!(told(&notify).0, "refer;id=93");
    // It is refreshed there, and nothing else is done there.
    let flow = *stage.leg.flow();
    for (cseq, method, status) in [(94, Method::Subscribe, 200), (95, Method::Bye, 481)] {
        let event = [("Event", "refer")];
        let request = of_dialog(method, cseq, Some(&tag), &event);
        stage.leg.handle_request(sip::ServerTx(78), &request, flow, stage.now);
        stage.drain();
        assert_eq!(stage.response().status(), Some(status));
    }
    assert_eq!(stage.ours().call_id(), "outside");
    stage.leg.notify_referral(referral, 200);
    stage.drain();
    let last = stage.ours();
    assert_eq!((last.call_id(), &*told(&last).1), ("outside", "terminated;reason=noresource"));
    assert_eq!(stage.ended(), None);
}

#[test]
fn of_many_refers_the_oldest_is_told_of_no_more() {
    let mut stage = Stage::answered(&[]);
    let (first, _) = accept(&mut stage, &[TO_A_COLLEAGUE]);
    for _ in 0..8 {
        accept(&mut stage, &[TO_A_COLLEAGUE]);
    }
    stage.outputs.clear();
    stage.leg.notify_referral(first, 200);
    stage.drain();
    assert!(stage.outputs.is_empty());
}

#[test]
fn rfc_4488_section_4_who_does_not_want_to_know_is_not_told() {
    let mut stage = Stage::answered(&[]);
    let (referral, response) = accept(&mut stage, &[TO_A_COLLEAGUE, ("Refer-Sub", "false")]);
    assert_eq!(response.status(), Some(202));
    assert_eq!(response.header("Refer-Sub"), Some("false"));
    stage.leg.notify_referral(referral, 200);
    stage.drain();
    let told = stage.outputs.iter().any(|output| matches!(output, Output::Request { .. }));
    assert!(!told);
}

#[test]
fn rfc_3515_section_2_4_6_two_refers_are_told_apart() {
    let mut stage = Stage::answered(&[]);
    accept(&mut stage, &[TO_A_COLLEAGUE]);
    let first = told(&stage.ours()).0;
    accept(&mut stage, &[TO_A_COLLEAGUE]);
    assert_ne!(told(&stage.ours()).0, first);
}

#[test]
fn a_notify_that_nobody_answers_does_not_end_the_call() {
    let mut stage = Stage::answered(&[]);
    accept(&mut stage, &[TO_A_COLLEAGUE]);
    let notify = stage.ours();
    stage.respond(&notify, 481, &[], "");
    let cseq = notify.cseq().expect("it has a CSeq");
    let now = stage.now;
    stage.leg.handle_no_response(cseq, model::HangupCause::TransactionTimeout, now);
    stage.drain();
    assert_eq!(stage.ended(), None);
    assert_eq!(stage.request(Method::Options, &[], "").status(), Some(200));
}

#[test]
fn a_refer_that_is_refused_changes_nothing() {
    let mut stage = Stage::answered(&[]);
    stage.send(Method::Refer, &[TO_A_COLLEAGUE]);
    let (tx, message) = stage.referred().expect("it is reported");
    stage.leg.refuse_refer(tx, &message, 403);
    stage.drain();
    assert_eq!(stage.response().status(), Some(403));
    assert!(stage.outputs.is_empty());
}
