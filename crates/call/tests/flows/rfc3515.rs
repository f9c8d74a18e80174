//! RFC 3515 §4, the examples, as Agent B sees them who is asked to call somebody. There the REFER
//! makes a dialog of its own; a phone that gives its call away sends it inside the call's.

use call::Referral;
use model::Transport;
use sip::{Message, Method};

use crate::line::Line;

const AGENT_A: &str = "192.0.2.10:5060";

/// A message of Agent A in its call with us.
fn from_a(method: &str, cseq: u32, to_tag: &str, more: &str) -> String {
    format!(
        "\n{method} sip:b@192.0.2.201 SIP/2.0\n\
         Via: SIP/2.0/UDP agenta.atlanta.example.com;branch=z9hG4bK2293940223{cseq}{method}\n\
         To: <sip:b@atlanta.example.com>{to_tag}\n\
         From: <sip:a@atlanta.example.com>;tag=193402342\n\
         Call-ID: 898234234@agenta.atlanta.example.com\n\
         CSeq: {cseq} {method}\nMax-Forwards: 70\n\
         Contact: <sip:a@192.0.2.10>\n{more}"
    )
}

const IN_DIALOG: &str = ";tag={tag}";
const SDP: &str = "Content-Type: application/sdp\n\nv=0\no=a 1 1 IN IP4 192.0.2.10\ns=-\n\
                   c=IN IP4 192.0.2.10\nt=0 0\nm=audio 4000 RTP/AVP 0\n";

/// Agent A has called Agent B and they talk.
fn talking() -> Line {
    let mut agent_b = Line::waiting(Transport::Udp, AGENT_A);
    agent_b.receive(&from_a("INVITE", 1, "", SDP));
    assert_eq!(agent_b.next().status(), Some(200));
    agent_b.receive(&from_a("ACK", 1, IN_DIALOG, "Content-Length: 0\n\n"));
    agent_b
}

/// F1 to F4: A refers B, which accepts and says that it tries.
fn refers(agent_b: &mut Line, cseq: u32, to: &str) -> (Referral, String) {
    let more = format!("Refer-To: <sip:{to}@carol.example.org>\nContent-Length: 0\n\n");
    agent_b.receive(&from_a("REFER", cseq, IN_DIALOG, &more));
    let referral = agent_b.accept_refer();
    let accepted = agent_b.next();
    assert_eq!((accepted.status(), accepted.method()), (Some(202), Method::Refer));
    let event = is_told(agent_b, "active;expires=", "SIP/2.0 100 Trying\r\n");
    (referral, event)
}

/// The NOTIFY that B sends says this, and A hears it; its Event.
fn is_told(agent_b: &mut Line, state: &str, said: &str) -> String {
    let notify: Message = agent_b.next();
    assert_eq!((notify.method(), notify.uri()), (Method::Notify, "sip:a@192.0.2.10"));
    assert_eq!(notify.content_type(), Some("message/sipfrag;version=2.0"));
    assert_eq!(notify.body(), said.as_bytes());
    assert!(notify.header("Subscription-State").is_some_and(|header| header.starts_with(state)));
    agent_b.respond(&notify, 200, "", &[], "");
    notify.header("Event").unwrap().to_owned()
}

fn ends(mut agent_b: Line, cseq: u32) {
    agent_b.receive(&from_a("BYE", cseq, IN_DIALOG, "Content-Length: 0\n\n"));
    assert_eq!(agent_b.next().status(), Some(200));
    agent_b.assert_over();
}

#[test]
fn rfc_3515_section_4_1_prototypical_refer_call_flow() {
    let mut agent_b = talking();
    let (referral, event) = refers(&mut agent_b, 2, "c");
    // F5 and F6: it is done.
    agent_b.refer_ended(referral, 200);
    assert_eq!(is_told(&mut agent_b, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n"), event);
    ends(agent_b, 3);
}

#[test]
fn rfc_3515_section_4_2_multiple_refers_in_a_dialog() {
    let mut agent_b = talking();
    let (first, first_event) = refers(&mut agent_b, 2, "c");
    agent_b.refer_ended(first, 503);
    let refused = "SIP/2.0 503 Service Unavailable\r\n";
    assert_eq!(is_told(&mut agent_b, "terminated;reason=noresource", refused), first_event);
    let (second, second_event) = refers(&mut agent_b, 3, "d");
    assert_ne!(first_event, second_event, "§2.4.6: each has its number");
    agent_b.refer_ended(second, 200);
    let done = "SIP/2.0 200 OK\r\n";
    assert_eq!(is_told(&mut agent_b, "terminated;reason=noresource", done), second_event);
    ends(agent_b, 4);
}
