//! RFC 3665 §3, session establishment, as its end points see it. Names and addresses are the RFC's;
//! we are the end that is not written out.

use model::{HangupCause, Transport};
use sip::Method;

use crate::line::{Line, described, routes};

const ALICE: &str = "192.0.2.101:5060";
const BOB: &str = "192.0.2.204:5060";

/// F1 of §3.1.
const INVITE: &str = "
INVITE sip:bob@biloxi.example.com SIP/2.0
Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74bf9
Max-Forwards: 70
From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl
To: Bob <sip:bob@biloxi.example.com>
Call-ID: 3848276298220188511@atlanta.example.com
CSeq: 1 INVITE
Contact: <sip:alice@client.atlanta.example.com;transport=tcp>
Content-Type: application/sdp

v=0
o=alice 2890844526 2890844526 IN IP4 client.atlanta.example.com
s=-
c=IN IP4 192.0.2.101
t=0 0
m=audio 49172 RTP/AVP 0
a=rtpmap:0 PCMU/8000
";

/// F4 of §3.1: the ACK of the 200.
const ACK: &str = "
ACK sip:bob@client.biloxi.example.com SIP/2.0
Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74bd5
Max-Forwards: 70
From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl
To: Bob <sip:bob@biloxi.example.com>;tag={tag}
Call-ID: 3848276298220188511@atlanta.example.com
CSeq: 1 ACK
Content-Length: 0

";

/// Bob's description.
const BOBS_SDP: &str = "
v=0
o=bob 2890844527 2890844527 IN IP4 client.biloxi.example.com
s=-
c=IN IP4 192.0.2.204
t=0 0
m=audio 3456 RTP/AVP 0
a=rtpmap:0 PCMU/8000
";

const BOBS_CONTACT: (&str, &str) = ("Contact", "<sip:bob@client.biloxi.example.com>");

fn in_dialog(method: &str, cseq: u32, line: &Line, ours: &sip::Message) -> String {
    let to = ours.from().unwrap();
    assert_eq!(Some(line.leg.as_ref().unwrap().tag()), to.tag());
    format!(
        "\n{method} sip:alice@192.0.2.201 SIP/2.0\n\
         Via: SIP/2.0/UDP client.biloxi.example.com:5060;branch=z9hG4bKnashds{cseq}\n\
         Max-Forwards: 70\n\
         From: Bob <sip:bob@biloxi.example.com>;tag=8321234356\n\
         To: Alice <sip:alice@atlanta.example.com>;tag={{tag}}\n\
         Call-ID: {}\nCSeq: {cseq} {method}\nContent-Length: 0\n\n",
        ours.call_id()
    )
}

#[test]
fn rfc_3665_section_3_1_successful_session_establishment_seen_by_bob() {
    for transport in [Transport::Tcp, Transport::Udp] {
        let mut bob = Line::waiting(transport, ALICE);
        bob.receive(INVITE);
        let ok = bob.next();
        assert_eq!(
            (ok.status(), ok.call_id()),
            (Some(200), "3848276298220188511@atlanta.example.com")
        );
        assert_eq!(ok.from().unwrap().tag(), Some("9fxced76sl"));
        assert_eq!(ok.to().unwrap().tag(), Some(bob.leg.as_ref().unwrap().tag()));
        assert_eq!(ok.contacts().count(), 1);
        assert_eq!(described(&ok).media[0].formats, ["0"]);
        bob.receive(ACK);
        assert!(bob.pass(10_000).is_empty(), "what is acknowledged is not repeated");
        assert_eq!(
            bob.leg.as_ref().unwrap().media().unwrap().remote.to_string(),
            "192.0.2.101:49172"
        );
        bob.hang_up();
        let bye = bob.next();
        assert_eq!(bye.method(), Method::Bye);
        assert_eq!(bye.uri(), "sip:alice@client.atlanta.example.com;transport=tcp");
        assert_eq!(bye.to().unwrap().tag(), Some("9fxced76sl"));
        bob.respond(&bye, 200, "", &[], "");
        bob.assert_over();
    }
}

#[test]
fn rfc_3665_section_3_1_successful_session_establishment_seen_by_alice() {
    let (mut alice, invite) = Line::calling(Transport::Udp, BOB, "sip:bob@192.0.2.204");
    alice.respond(&invite, 180, "8321234356", &[BOBS_CONTACT], "");
    assert!(alice.was_told(|output| matches!(output, call::Output::Ringing)));
    alice.respond(&invite, 200, "8321234356", &[BOBS_CONTACT], BOBS_SDP);
    let ack = alice.next();
    assert_eq!((ack.method(), ack.uri()), (Method::Ack, "sip:bob@client.biloxi.example.com"));
    assert_eq!(ack.cseq().unwrap().number, invite.cseq().unwrap().number);
    assert_ne!(ack.top_via().unwrap().branch(), invite.top_via().unwrap().branch());
    assert_eq!(ack.to().unwrap().tag(), Some("8321234356"));
    // A repeated 200 gets its ACK again (RFC 3261 §13.2.2.4).
    alice.respond(&invite, 200, "8321234356", &[BOBS_CONTACT], BOBS_SDP);
    assert_eq!(alice.next().as_bytes(), ack.as_bytes());
    let bye = in_dialog("BYE", 1, &alice, &invite);
    alice.receive(&bye);
    assert_eq!(alice.next().status(), Some(200));
    assert_eq!(alice.ended(), Some(HangupCause::RemoteBye));
    alice.assert_over();
}

/// §3.2 as Bob sees it: F5 has been through both proxies.
#[test]
fn rfc_3665_section_3_2_through_two_proxies_seen_by_bob() {
    let mut bob = Line::waiting(Transport::Udp, "192.0.2.222:5060");
    let through = INVITE.replace(
        "Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74bf9\n",
        "Via: SIP/2.0/UDP ss2.biloxi.example.com:5060;branch=z9hG4bK721e4.1\n\
         Via: SIP/2.0/TCP ss1.atlanta.example.com:5060;branch=z9hG4bK2d4790.1\n\
         \x20;received=192.0.2.111\n\
         Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74bf9\n\
         \x20;received=192.0.2.101\n\
         Record-Route: <sip:ss2.biloxi.example.com;lr>, <sip:ss1.atlanta.example.com;lr>\n",
    );
    bob.receive(&through);
    let ok = bob.next();
    let hosts: Vec<_> = ok.vias().map(|via| via.host().to_owned()).collect();
    assert_eq!(
        hosts,
        ["ss2.biloxi.example.com", "ss1.atlanta.example.com", "client.atlanta.example.com"]
    );
    let recorded: Vec<_> = ok.record_routes().map(|route| route.uri_text().to_owned()).collect();
    let wanted = ["sip:ss2.biloxi.example.com;lr", "sip:ss1.atlanta.example.com;lr"];
    assert_eq!(recorded, wanted);
    bob.receive(ACK);
    bob.hang_up();
    let bye = bob.next();
    assert_eq!(routes(&bye), wanted, "RFC 3261 §12.1.1: in the order of the request");
    assert_eq!(bye.uri(), "sip:alice@client.atlanta.example.com;transport=tcp");
    bob.respond(&bye, 200, "", &[], "");
    bob.assert_over();
}

/// §3.2 as Alice sees it: the 200 records both proxies, her requests go back through them.
#[test]
fn rfc_3665_section_3_2_through_two_proxies_seen_by_alice() {
    let (mut alice, invite) =
        Line::calling(Transport::Udp, "192.0.2.111:5060", "sip:bob@biloxi.example.com");
    let recorded =
        ("Record-Route", "<sip:ss2.biloxi.example.com;lr>, <sip:ss1.atlanta.example.com;lr>");
    alice.respond(&invite, 100, "", &[], "");
    alice.respond(&invite, 180, "314159", &[BOBS_CONTACT, recorded], "");
    alice.respond(&invite, 200, "314159", &[BOBS_CONTACT, recorded], BOBS_SDP);
    let ack = alice.next();
    let wanted = ["sip:ss1.atlanta.example.com;lr", "sip:ss2.biloxi.example.com;lr"];
    assert_eq!(routes(&ack), wanted, "RFC 3261 §12.1.2: in reverse order");
    assert_eq!(ack.uri(), "sip:bob@client.biloxi.example.com");
    alice.hang_up();
    let bye = alice.next();
    assert_eq!((routes(&bye), bye.uri()), (wanted.map(str::to_owned).to_vec(), ack.uri()));
    assert_eq!(bye.cseq().unwrap().number, 2);
    alice.respond(&bye, 200, "", &[], "");
    alice.assert_over();
}

/// §3.6: F7 has no description; the ACK brings it.
#[test]
fn rfc_3665_section_3_6_sdp_in_ack() {
    let mut bob = Line::waiting(Transport::Udp, ALICE);
    let (head, body) = INVITE.split_once("\n\n").unwrap();
    bob.receive(&format!("{}\n\n", head.replace("\nContent-Type: application/sdp", "")));
    let ok = bob.next();
    assert_eq!(described(&ok).media[0].formats, ["8", "0", "13", "101"], "the offer is ours");
    assert!(bob.leg.as_ref().unwrap().media().is_none());
    let ack = ACK.replace("Content-Length: 0\n\n", "Content-Type: application/sdp\n\n");
    bob.receive(&format!("{ack}{body}"));
    let leg = bob.leg.as_ref().unwrap();
    assert_eq!(leg.media().unwrap().remote.to_string(), "192.0.2.101:49172");
    assert_eq!(leg.media().unwrap().codec, sdp::Codec::Pcmu);
    assert!(bob.was_told(|output| matches!(output, call::Output::MediaChanged)));
}

/// §3.7: Alice's address changes from 192.0.2.101 to 192.0.2.103 (F9 to F11).
#[test]
fn rfc_3665_section_3_7_session_with_re_invite() {
    let mut bob = Line::waiting(Transport::Udp, ALICE);
    bob.receive(INVITE);
    let first = described(&bob.next());
    bob.receive(ACK);
    let moved = INVITE
        .replace("sip:bob@biloxi.example.com SIP", "sip:bob@client.biloxi.example.com SIP")
        .replace("z9hG4bK74bf9", "z9hG4bKlkld5l")
        .replace(
            "To: Bob <sip:bob@biloxi.example.com>",
            "To: Bob <sip:bob@biloxi.example.com>;tag={tag}",
        )
        .replace("CSeq: 1", "CSeq: 14")
        .replace("<sip:alice@client.atlanta.example.com;transport=tcp>", "<sip:alice@192.0.2.103>")
        .replace("192.0.2.101", "192.0.2.103")
        .replace("2890844526 2890844526", "2890844526 2890844527");
    bob.receive(&moved);
    let ok = bob.next();
    assert_eq!((ok.status(), ok.cseq().unwrap().number), (Some(200), 14));
    assert_eq!(described(&ok).origin.session_id, first.origin.session_id);
    assert_eq!(bob.leg.as_ref().unwrap().media().unwrap().remote.to_string(), "192.0.2.103:49172");
    bob.receive(&ACK.replace("CSeq: 1", "CSeq: 14").replace("z9hG4bK74bd5", "z9hG4bKlkld6"));
    bob.hang_up();
    let bye = bob.next();
    assert_eq!(bye.uri(), "sip:alice@192.0.2.103", "RFC 3261 §12.2: the target is the new one");
    bob.respond(&bye, 200, "", &[], "");
    bob.assert_over();
}

#[test]
fn rfc_3665_section_3_8_unsuccessful_no_answer_seen_by_alice() {
    let (mut alice, invite) = Line::calling(Transport::Udp, BOB, "sip:bob@192.0.2.204");
    alice.respond(&invite, 180, "3145678", &[BOBS_CONTACT], "");
    alice.hang_up();
    let cancel = alice.next();
    assert_eq!((cancel.method(), cancel.uri()), (Method::Cancel, invite.uri()));
    assert_eq!(cancel.top_via().unwrap().branch(), invite.top_via().unwrap().branch());
    assert_eq!(cancel.cseq().unwrap().number, invite.cseq().unwrap().number);
    alice.respond(&cancel, 200, "3145678", &[], "");
    assert!(alice.is_silent());
    alice.respond(&invite, 487, "3145678", &[], "");
    let ack = alice.next();
    assert_eq!(ack.method(), Method::Ack);
    assert_eq!(ack.top_via().unwrap().branch(), invite.top_via().unwrap().branch());
    alice.assert_over();
}

#[test]
fn rfc_3665_section_3_8_unsuccessful_no_answer_seen_by_bob() {
    let mut bob = Line::ringing(Transport::Udp, ALICE);
    bob.receive(INVITE);
    let own = |method: &str| {
        let (head, _) = INVITE.split_once("Contact").unwrap();
        let line = head.replacen("INVITE", method, 1).replace("1 INVITE", &format!("1 {method}"));
        format!("{line}Content-Length: 0\n\n")
    };
    bob.receive(&own("CANCEL"));
    let (one, other) = (bob.next(), bob.next());
    assert_eq!((one.status(), one.method()), (Some(200), Method::Cancel));
    assert_eq!((other.status(), other.method()), (Some(487), Method::Invite));
    assert_eq!(bob.pass(4_000), [500, 1_500, 3_500], "until it is acknowledged");
    let to = "To: Bob <sip:bob@biloxi.example.com>";
    bob.receive(&own("ACK").replace(to, &format!("{to};tag={{tag}}")));
    for _ in 0..3 {
        assert_eq!(bob.next().as_bytes(), other.as_bytes());
    }
    assert_eq!(bob.ended(), Some(HangupCause::RemoteCancel));
    bob.assert_over();
    assert!(bob.is_silent());
}

#[test]
fn rfc_3665_sections_3_9_and_3_11_unsuccessful_busy_or_temporarily_unavailable() {
    for status in [486, 480] {
        let (mut alice, invite) = Line::calling(Transport::Udp, BOB, "sip:bob@192.0.2.204");
        alice.respond(&invite, 100, "", &[], "");
        alice.respond(&invite, status, "314156", &[], "");
        let ack = alice.next();
        assert_eq!((ack.method(), ack.uri()), (Method::Ack, invite.uri()));
        assert_eq!(ack.top_via().unwrap().branch(), invite.top_via().unwrap().branch());
        // What comes again is acknowledged again (RFC 3261 §17.1.1.2).
        alice.respond(&invite, status, "314156", &[], "");
        assert_eq!(alice.next().as_bytes(), ack.as_bytes());
        assert_eq!(alice.ended(), Some(HangupCause::Response(status)));
        alice.assert_over();
    }
}

#[test]
fn rfc_3665_section_3_10_unsuccessful_no_response_from_user_agent() {
    let (mut alice, _) = Line::calling(Transport::Udp, BOB, "sip:bob@192.0.2.204");
    assert_eq!(alice.pass(32_001), [500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    assert_eq!(alice.ended(), Some(HangupCause::TransactionTimeout));
    alice.assert_over();
}
