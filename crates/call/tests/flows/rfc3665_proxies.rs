//! RFC 3665 §3.3 to §3.6: calls through proxies that ask who calls, that are not there, that
//! rewrite what passes, and past a server that redirects. As in the figures of §3, we are the end
//! that is not written out.

use call::Outside;
use model::{HangupCause, Mono, Transport};
use sip::Method;
use sip::digest::Account;

use crate::line::{Line, described, routes};

const BOB: &str = "sip:bob@biloxi.example.com";
/// The proxies in front of Alice, and the one in front of Bob.
const SS1: &str = "192.0.2.111:5060";
const SS2: &str = "192.0.2.222:5060";

const CONTACT: (&str, &str) = ("Contact", "<sip:bob@client.biloxi.example.com>");
const RECORDED: (&str, &str) =
    ("Record-Route", "<sip:ss2.biloxi.example.com;lr>, <sip:ss1.atlanta.example.com;lr>");
const ROUTES: [&str; 2] = ["sip:ss1.atlanta.example.com;lr", "sip:ss2.biloxi.example.com;lr"];

/// F2 of §3.3: the first proxy asks who calls.
const ATLANTA_ASKS: (&str, &str) = (
    "Proxy-Authenticate",
    "Digest realm=\"atlanta.example.com\", qop=\"auth\", nonce=\"wf84f1cczx41ae6cbeaea9ce88d359\", \
     opaque=\"\", stale=FALSE, algorithm=MD5",
);
/// What the second one asks.
const BILOXI_ASKS: (&str, &str) = (
    "Proxy-Authenticate",
    "Digest realm=\"biloxi.example.com\", qop=\"auth\", nonce=\"c1e22c41ae6cbe5ae983a9c8e88d359\", \
     opaque=\"\", stale=FALSE, algorithm=MD5",
);

/// Bob's description.
const SDP: &str = "
v=0
o=bob 2890844527 2890844527 IN IP4 client.biloxi.example.com
s=-
c=IN IP4 192.0.2.201
t=0 0
m=audio 3456 RTP/AVP 0
a=rtpmap:0 PCMU/8000
";

fn alice() -> Outside {
    let (user, password) = ("alice".to_owned(), "wonderland".to_owned());
    Outside {
        account: Some(Account { user, password, realm: Some("atlanta.example.com".to_owned()) }),
        respond_by: Mono::from_ms(33_001),
        answer_by: Mono::from_ms(200_000),
    }
}

/// Bob answers with what F16 of §3.3 has, and hangs up; Alice's ACK and 200 go through the proxies.
fn talks_and_ends(alice: &mut Line, invite: &sip::Message) {
    alice.respond(invite, 100, "", &[], "");
    alice.respond(invite, 180, "3145678", &[CONTACT, RECORDED], "");
    alice.respond(invite, 200, "3145678", &[CONTACT, RECORDED], SDP);
    let ack = alice.next();
    assert_eq!((ack.method(), ack.uri()), (Method::Ack, "sip:bob@client.biloxi.example.com"));
    assert_eq!(routes(&ack), ROUTES);
    assert_eq!(ack.cseq().unwrap().number, invite.cseq().unwrap().number);
    let tag = invite.from().unwrap().tag().unwrap().to_owned();
    alice.receive(&format!(
        "\nBYE sip:alice@192.0.2.201 SIP/2.0\n\
         Via: SIP/2.0/UDP ss1.atlanta.example.com:5060;branch=z9hG4bK2d4790.1\n\
         Via: SIP/2.0/UDP ss2.biloxi.example.com:5060;branch=z9hG4bK721e4.1;received=192.0.2.222\n\
         Via: SIP/2.0/UDP client.biloxi.example.com:5060;branch=z9hG4bKnashds7\n\
         \x20;received=192.0.2.201\n\
         Max-Forwards: 68\n\
         From: Bob <sip:bob@biloxi.example.com>;tag=3145678\n\
         To: Alice <sip:alice@atlanta.example.com>;tag={tag}\n\
         Call-ID: {}\nCSeq: 1 BYE\nContent-Length: 0\n\n",
        invite.call_id()
    ));
    let ok = alice.next();
    assert_eq!((ok.status(), ok.vias().count()), (Some(200), 3));
    assert_eq!(alice.ended(), Some(HangupCause::RemoteBye));
    alice.assert_over();
}

#[test]
fn rfc_3665_section_3_3_session_with_proxy_authentication() {
    let (mut alice, first) = Line::calling_by(Transport::Udp, SS1, BOB, Some(alice()));
    assert_eq!(first.header("Proxy-Authorization"), None);
    alice.respond(&first, 407, "3flal12sf", &[ATLANTA_ASKS], "");
    let ack = alice.next();
    assert_eq!((ack.method(), ack.to().unwrap().tag()), (Method::Ack, Some("3flal12sf")));
    assert_eq!(ack.top_via().unwrap().branch(), first.top_via().unwrap().branch());
    // F4: the same call, the next number, a transaction of its own.
    let second = alice.next();
    assert_eq!((second.method(), second.call_id()), (Method::Invite, first.call_id()));
    assert_eq!(second.from().unwrap().tag(), first.from().unwrap().tag());
    assert_eq!(second.cseq().unwrap().number, first.cseq().unwrap().number + 1);
    assert_ne!(second.top_via().unwrap().branch(), first.top_via().unwrap().branch());
    let credentials = second.header("Proxy-Authorization").expect("they are there");
    assert!(credentials.starts_with("Digest username=\"alice\", realm=\"atlanta.example.com\""));
    assert!(credentials.contains("nonce=\"wf84f1cczx41ae6cbeaea9ce88d359\""), "{credentials}");
    talks_and_ends(&mut alice, &second);
}

/// Whoever asks on the way to the carrier: Alice is known to both proxies.
fn alice_of_both() -> Outside {
    let mut both = alice();
    if let Some(account) = &mut both.account {
        account.realm = None;
    }
    both
}

/// The realms that an INVITE has an answer for, each with how often its nonce was answered.
fn answered(invite: &sip::Message) -> Vec<(String, bool)> {
    let answers = invite.headers("Proxy-Authorization").map(|value| {
        let realm = sip::digest::realm(value).expect("it names its realm");
        (realm, value.contains("nc=00000001"))
    });
    answers.collect()
}

#[test]
fn rfc_3665_section_3_3_both_proxies_get_the_answers_to_their_challenges() {
    let (mut alice, first) = Line::calling_by(Transport::Udp, SS1, BOB, Some(alice_of_both()));
    alice.respond(&first, 407, "3flal12sf", &[ATLANTA_ASKS], "");
    assert_eq!(alice.next().method(), Method::Ack);
    let second = alice.next();
    assert_eq!(answered(&second), [("atlanta.example.com".to_owned(), true)]);
    // F6 to F8: it went through to the second proxy, which asks as well.
    alice.respond(&second, 100, "", &[], "");
    alice.respond(&second, 407, "837494893", &[BILOXI_ASKS], "");
    let ack = alice.next();
    assert_eq!((ack.method(), ack.to().unwrap().tag()), (Method::Ack, Some("837494893")));
    // F9: both answers go along, and the first nonce is answered for the second time.
    let third = alice.next();
    assert_eq!(third.cseq().unwrap().number, second.cseq().unwrap().number + 1);
    let both = [("atlanta.example.com".to_owned(), false), ("biloxi.example.com".to_owned(), true)];
    assert_eq!(answered(&third), both);
    let atlantas = third.header("Proxy-Authorization").unwrap();
    assert!(atlantas.contains("nc=00000002"), "{atlantas}");
    talks_and_ends(&mut alice, &third);
}

#[test]
fn rfc_3261_section_22_3_the_same_realm_that_asks_once_more_has_refused() {
    for (again, goes_on) in [("stale=FALSE", false), ("stale=TRUE", true)] {
        let (mut alice, first) = Line::calling_by(Transport::Udp, SS1, BOB, Some(alice_of_both()));
        alice.respond(&first, 407, "a", &[ATLANTA_ASKS], "");
        assert_eq!(alice.next().method(), Method::Ack);
        let second = alice.next();
        alice.respond(&second, 407, "b", &[BILOXI_ASKS], "");
        assert_eq!(alice.next().method(), Method::Ack);
        let third = alice.next();
        let (name, asks) = ATLANTA_ASKS;
        alice.respond(&third, 407, "c", &[(name, &asks.replace("stale=FALSE", again))], "");
        assert_eq!(alice.next().method(), Method::Ack);
        assert_eq!(!alice.is_silent(), goes_on, "{again}");
        assert_eq!(alice.ended().is_none(), goes_on, "{again}");
        if goes_on {
            assert_eq!(answered(&alice.next()).len(), 2);
        }
    }
}

#[test]
fn rfc_3261_section_22_3_two_realms_in_one_response_are_both_answered() {
    let (mut alice, first) = Line::calling_by(Transport::Udp, SS1, BOB, Some(alice_of_both()));
    alice.respond(&first, 407, "3flal12sf", &[ATLANTA_ASKS, BILOXI_ASKS], "");
    assert_eq!(alice.next().method(), Method::Ack);
    assert_eq!(answered(&alice.next()).len(), 2);
}

/// An account that is of one realm is nobody else's business.
#[test]
fn rfc_3665_section_3_3_a_second_proxy_is_not_told_what_belongs_to_the_firsts_realm() {
    let (mut alice, first) = Line::calling_by(Transport::Udp, SS1, BOB, Some(alice()));
    alice.respond(&first, 407, "3flal12sf", &[ATLANTA_ASKS], "");
    assert_eq!(alice.next().method(), Method::Ack);
    let second = alice.next();
    alice.respond(&second, 407, "837494893", &[BILOXI_ASKS], "");
    let ack = alice.next();
    assert_eq!((ack.method(), ack.to().unwrap().tag()), (Method::Ack, Some("837494893")));
    assert!(alice.is_silent());
    assert_eq!(alice.ended(), Some(HangupCause::Response(407)));
    alice.assert_over();
}

/// F1 and F2: the redirect server says where Bob is, and the call goes on by another proxy. Whether
/// it does is decided above the leg; the figure's other half, with the description in the ACK, is
/// that of Bob's end.
#[test]
fn rfc_3665_section_3_6_session_via_redirect_and_proxy_servers_seen_by_alice() {
    let (mut alice, first) = Line::calling_by(Transport::Udp, SS1, BOB, Some(alice()));
    let elsewhere = ("Contact", "<sip:bob@chicago.example.com;transport=tcp>");
    alice.respond(&first, 302, "53fHlqlQ2", &[elsewhere], "");
    let ack = alice.next();
    assert_eq!((ack.method(), ack.to().unwrap().tag()), (Method::Ack, Some("53fHlqlQ2")));
    let told = |output: &call::Output| match output {
        call::Output::Redirected { status: 302, contacts } => {
            contacts == &["sip:bob@chicago.example.com;transport=tcp"]
        }
        _ => false,
    };
    assert!(alice.was_told(told) && alice.ended().is_none() && alice.is_silent());
    // F4: the same From, To and Call-ID, the next number, without the tag of who redirected.
    let second = alice.call_again(SS2, "sip:bob@chicago.example.com", self::alice());
    assert_eq!((second.uri(), second.call_id()), ("sip:bob@chicago.example.com", first.call_id()));
    assert_eq!(second.from().unwrap().as_str(), first.from().unwrap().as_str());
    assert_eq!(second.to().unwrap().as_str(), first.to().unwrap().as_str());
    assert_eq!(second.cseq().unwrap().number, first.cseq().unwrap().number + 1);
    assert_ne!(second.top_via().unwrap().branch(), first.top_via().unwrap().branch());
    talks_and_ends(&mut alice, &second);
}

/// F1 to F7 get no answer, and the next proxy has the call.
#[test]
fn rfc_3665_section_3_4_session_with_proxy_failure() {
    let (mut alice, first) = Line::calling_by(Transport::Udp, SS1, BOB, Some(alice()));
    assert_eq!(alice.pass(31_999), [500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    for _ in 0..6 {
        assert_eq!(alice.next().as_bytes(), first.as_bytes(), "F2 to F7 are F1");
    }
    alice.pass(1);
    let timed_out = |output: &call::Output| {
        matches!(output, call::Output::Unreachable { cause: HangupCause::TransactionTimeout, .. })
    };
    assert!(alice.was_told(timed_out) && alice.ended().is_none());
    let second =
        alice.call_again(SS2, BOB, Outside { respond_by: Mono::from_ms(70_000), ..self::alice() });
    assert_eq!((second.call_id(), second.body()), (first.call_id(), first.body()));
    // F9: this one asks who calls.
    alice.respond(&second, 407, "3flal12sf", &[ATLANTA_ASKS], "");
    assert_eq!(alice.next().method(), Method::Ack);
    let third = alice.next();
    assert!(third.header("Proxy-Authorization").is_some());
    talks_and_ends(&mut alice, &third);
}

/// An application level gateway stands in the way of both signalling and media.
#[test]
fn rfc_3665_section_3_5_session_through_a_sip_alg_seen_by_alice() {
    let (mut alice, invite) = Line::calling(Transport::Udp, "192.0.2.128:5060", BOB);
    let contact = ("Contact", "<sip:bob@192.0.2.128:5060>");
    alice.respond(&invite, 180, "314159", &[contact], "");
    // The description that comes is the gateway's: our media goes there.
    let through =
        SDP.replace("c=IN IP4 192.0.2.201", "c=IN IP4 192.0.2.128").replace("3456", "9124");
    alice.respond(&invite, 200, "314159", &[contact], &through);
    let ack = alice.next();
    assert_eq!((ack.uri(), routes(&ack).len()), ("sip:bob@192.0.2.128:5060", 0));
    let remote = alice.leg.as_ref().unwrap().media().unwrap().remote;
    assert_eq!(remote.to_string(), "192.0.2.128:9124");
    alice.hang_up();
    let bye = alice.next();
    assert_eq!((bye.method(), bye.uri()), (Method::Bye, ack.uri()));
    alice.respond(&bye, 200, "", &[], "");
    alice.assert_over();
}

#[test]
fn rfc_3665_section_3_5_session_through_a_sip_alg_seen_by_bob() {
    let mut bob = Line::waiting(Transport::Udp, "192.0.2.128:5060");
    let (head, tail) = (
        "Via: SIP/2.0/UDP 192.0.2.128:5060;branch=z9hG4bKalg.1\n\
         Via: SIP/2.0/UDP ss1.atlanta.example.com:5060;branch=z9hG4bK2d4790.1\n\
         \x20;received=192.0.2.111\nMax-Forwards: 68\n\
         From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\n",
        "Call-ID: 2xTb9vxSit55XU7p8@atlanta.example.com\n",
    );
    let to = "To: Bob <sip:bob@biloxi.example.com>";
    bob.receive(&format!(
        "\nINVITE {BOB} SIP/2.0\n{head}{to}\n{tail}CSeq: 1 INVITE\n\
         Record-Route: <sip:192.0.2.128:5060;lr>, <sip:ss1.atlanta.example.com;lr>\n\
         Contact: <sip:alice@192.0.2.128:5060>\nContent-Type: application/sdp\n\n\
         v=0\no=alice 2890844526 2890844526 IN IP4 192.0.2.128\ns=-\nc=IN IP4 192.0.2.128\n\
         t=0 0\nm=audio 49170 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n"
    ));
    let ok = bob.next();
    assert_eq!((ok.status(), ok.vias().count()), (Some(200), 2));
    assert_eq!(described(&ok).media[0].formats, ["0"]);
    bob.receive(&format!(
        "\nACK sip:bob@192.0.2.201 SIP/2.0\n{head}{to};tag={{tag}}\n{tail}CSeq: 1 ACK\n\
         Content-Length: 0\n\n"
    ));
    let remote = bob.leg.as_ref().unwrap().media().unwrap().remote;
    assert_eq!(remote.to_string(), "192.0.2.128:49170");
    bob.hang_up();
    let bye = bob.next();
    assert_eq!(bye.uri(), "sip:alice@192.0.2.128:5060");
    assert_eq!(routes(&bye), ["sip:192.0.2.128:5060;lr", "sip:ss1.atlanta.example.com;lr"]);
    bob.respond(&bye, 200, "", &[], "");
    bob.assert_over();
}
