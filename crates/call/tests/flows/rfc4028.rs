//! RFC 4028 §12, the example of a session that is refreshed, as Alice sees it: two proxies want a
//! longer interval each, and Bob is asked at half of what all agree to.

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
