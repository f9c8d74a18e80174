//! RFC 4028 §12, the example of a session that is refreshed, as Alice sees it: two proxies want a
//! longer interval each, and Bob is asked at half of what all agree to; and as Bob does, whom the
//! third INVITE reaches.

use model::{HangupCause, Transport};
use sip::Method;

use crate::line::Line;

const PROXY: &str = "192.0.2.111:5060";
const BOB: &str = "sips:bob@192.0.2.4";

const SDP: &str = "
v=0
o=bob 1 1 IN IP4 192.0.2.4
s=-
c=IN IP4 192.0.2.4
t=0 0
m=audio 3456 RTP/AVP 0
";

/// The answer of one who has session timers and takes UPDATE.
const ANSWER: [(&str, &str); 5] = [
    ("Contact", "<sip:bob@192.0.2.4>"),
    ("Supported", "timer"),
    ("Require", "timer"),
    ("Allow", "INVITE, ACK, BYE, UPDATE"),
    ("Session-Expires", "4000;refresher=uac"),
];

/// Alice's call until Bob has answered.
fn talking() -> Line {
    let (mut alice, first) = Line::calling(Transport::Udp, PROXY, BOB);
    assert!(first.header("Supported").is_some_and(|supported| supported.contains("timer")));
    let mut invite = first.clone();
    // Message 2 is the first proxy's refusal, message 7 the second one's.
    for min_se in ["3600", "4000"] {
        alice.respond(&invite, 422, "2", &[("Min-SE", min_se)], "");
        assert_eq!(alice.next().method(), Method::Ack);
        let again = alice.next();
        assert_eq!((again.method(), again.call_id()), (Method::Invite, first.call_id()));
        assert_eq!(again.cseq().unwrap().number, invite.cseq().unwrap().number + 1);
        assert_eq!(again.header("Session-Expires"), Some(min_se));
        assert_eq!(again.header("Min-SE"), Some(min_se));
        invite = again;
    }
    alice.respond(&invite, 200, "9as888nd", &ANSWER, SDP);
    assert_eq!(alice.next().method(), Method::Ack);
    alice
}

#[test]
fn rfc_4028_section_12_the_example_of_two_refusals_and_a_refresh() {
    let mut alice = talking();
    for round in 0..2 {
        assert_eq!(alice.pass(1_999_999), [0_u64; 0], "round {round}");
        assert_eq!(alice.pass(1), [1], "at half of the interval");
        let update = alice.next();
        assert_eq!((update.method(), update.body()), (Method::Update, &b""[..]));
        assert_eq!(update.header("Session-Expires"), Some("4000;refresher=uac"));
        assert_eq!(update.header("Min-SE"), Some("4000"));
        alice.respond(&update, 200, "", &ANSWER, "");
    }
    alice.hang_up();
    let bye = alice.next();
    assert_eq!(bye.method(), Method::Bye);
    alice.respond(&bye, 200, "", &[], "");
    alice.assert_over();
}

#[test]
fn rfc_4028_section_12_bob_who_does_not_answer_the_refresh_is_gone() {
    let mut alice = talking();
    alice.pass(2_000_000);
    let update = alice.next();
    assert_eq!(update.method(), Method::Update);
    alice.pass(32_001);
    let bye = std::iter::from_fn(|| (!alice.is_silent()).then(|| alice.next()))
        .find(|message| message.method() == Method::Bye);
    let bye = bye.expect("§10: the dialog is ended where nobody answers");
    alice.respond(&bye, 481, "", &[], "");
    assert_eq!(alice.ended(), Some(HangupCause::TransactionTimeout));
    alice.assert_over();
}

/// A message of Alice's in the example, as the second proxy sends it on to Bob.
fn from_alice(method: &str, cseq: u32, to_tag: &str, more: &str) -> String {
    format!(
        "\n{method} sip:bob@192.0.2.4 SIP/2.0\n\
         Via: SIP/2.0/UDP p2.biloxi.example.com:5060;branch=z9hG4bKnashds{cseq}\n\
         Via: SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bKnashdt{cseq}\n\
         \x20;received=192.0.2.1\n\
         Max-Forwards: 69\nSupported: timer\n\
         From: Alice <sip:alice@atlanta.example.com>;tag=1928301774\n\
         To: Bob <sip:bob@biloxi.example.com>{to_tag}\n\
         Call-ID: a84b4c76e66710\nCSeq: {cseq} {method}\n\
         Allow: INVITE, ACK, BYE, UPDATE\n\
         Contact: <sip:alice@pc33.atlanta.example.com>\n{more}"
    )
}

const TO_BOB: &str = ";tag={tag}";

/// Bob's call until Alice has acknowledged. She has not said who is to refresh, so Bob, who may
/// choose (table 2), does it: a peer that is gone is noticed at half of the interval.
fn called() -> Line {
    let mut bob = Line::waiting(Transport::Udp, PROXY);
    let offer = SDP.trim_start().replace("o=bob", "o=alice");
    let asks = "Session-Expires: 4000\nMin-SE: 4000\nContent-Type: application/sdp\n\n";
    // Message 11.
    bob.receive(&from_alice("INVITE", 314_161, "", &format!("{asks}{offer}")));
    let ok = bob.next();
    assert_eq!((ok.status(), ok.vias().count()), (Some(200), 2));
    assert_eq!(ok.header("Session-Expires"), Some("4000;refresher=uas"));
    bob.receive(&from_alice("ACK", 314_161, TO_BOB, "Content-Length: 0\n\n"));
    bob
}

/// Message 18: Alice refreshes, and is who does from then on.
fn alice_refreshes(bob: &mut Line, cseq: u32) {
    let asks = "Session-Expires: 4000;refresher=uac\nMin-SE: 4000\nContent-Length: 0\n\n";
    bob.receive(&from_alice("UPDATE", cseq, TO_BOB, asks));
    let ok = bob.next();
    assert_eq!((ok.status(), ok.body()), (Some(200), &b""[..]));
    assert_eq!(ok.header("Session-Expires"), Some("4000;refresher=uac"));
    assert!(ok.header("Require").is_some_and(|tags| tags.contains("timer")), "§9");
}

#[test]
fn rfc_4028_section_12_the_example_seen_by_bob() {
    let mut bob = called();
    for cseq in [314_162, 314_163] {
        bob.pass(1_900_000);
        assert!(bob.is_silent(), "it is not yet half of the interval");
        alice_refreshes(&mut bob, cseq);
    }
    bob.receive(&from_alice("BYE", 314_164, TO_BOB, "Content-Length: 0\n\n"));
    assert_eq!(bob.next().status(), Some(200));
    bob.assert_over();
}

#[test]
fn rfc_4028_section_12_alice_who_does_not_refresh_is_gone_for_bob() {
    let mut bob = called();
    bob.pass(1_000_000);
    alice_refreshes(&mut bob, 314_162);
    // §10: before the session expires by 32 seconds, or a third of it where that is less.
    bob.pass(3_967_999);
    assert!(bob.is_silent(), "she has time");
    bob.pass(1);
    let bye = bob.next();
    assert_eq!(bye.method(), Method::Bye);
    bob.respond(&bye, 200, "", &[], "");
    bob.assert_over();
}
