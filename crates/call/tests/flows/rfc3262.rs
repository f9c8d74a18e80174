//! RFC 3262, reliable provisional responses, on the wire: what its sections ask of the one who is
//! called (§3), of the one who calls (§4), and of offer and answer (§5). Names and addresses are
//! those of RFC 3665, for this RFC draws no figures.

use model::{HangupCause, Transport};
use sip::{Message, Method};

use crate::line::{Line, described};

const ALICE: &str = "192.0.2.101:5060";
const BOB: &str = "192.0.2.204:5060";

const OFFER: &str = "
v=0
o=alice 2890844526 2890844526 IN IP4 client.atlanta.example.com
s=-
c=IN IP4 192.0.2.101
t=0 0
m=audio 49172 RTP/AVP 0
";

const RELIABLE: (&str, &str) = ("Require", "100rel");
const CONTACT: (&str, &str) = ("Contact", "<sip:bob@client.biloxi.example.com>");

/// A request of Alice's in the call that she makes; `{tag}` is ours.
fn alices(method: &str, cseq: u32, more: &str, body: &str) -> String {
    let to = if method == "INVITE" || method == "CANCEL" { "" } else { ";tag={tag}" };
    // CANCEL goes the way of its INVITE; another request has a branch of its own.
    let branch = if method == "CANCEL" { 1 } else { cseq };
    let body = body.trim_start();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
    format!(
        "\n{method} sip:bob@biloxi.example.com SIP/2.0\n\
         Via: SIP/2.0/UDP client.atlanta.example.com:5060;branch=z9hG4bK74bf{branch}\n\
         Max-Forwards: 70\nFrom: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\n\
         To: Bob <sip:bob@biloxi.example.com>{to}\n\
         Call-ID: 3848276298220188511@atlanta.example.com\nCSeq: {cseq} {method}\n\
         Contact: <sip:alice@192.0.2.101>\n{more}{kind}\n{body}"
    )
}

fn prack(cseq: u32, rack: &str, body: &str) -> String {
    alices("PRACK", cseq, &format!("RAck: {rack}\n"), body)
}

/// Alice has called and requires reliability; returns our ring, which waits for its PRACK.
fn called(transport: Transport, offer: &str) -> (Line, Message) {
    let mut bob = Line::waiting(transport, ALICE);
    bob.receive(&alices("INVITE", 1, "Require: 100rel\n", offer));
    let rings = bob.next();
    assert!(bob.is_silent(), "the 200 waits for the PRACK");
    (bob, rings)
}

fn rack_of(rings: &Message) -> String {
    format!("{} 1 INVITE", rings.header("RSeq").unwrap())
}

/// We have called Bob, and he rings reliably with this number.
fn ringing(rseq: &str) -> (Line, Message, Message) {
    let (mut alice, invite) = Line::calling(Transport::Udp, BOB, "sip:bob@192.0.2.204");
    alice.respond(&invite, 180, "bob", &[CONTACT, RELIABLE, ("RSeq", rseq)], "");
    let prack = alice.next();
    (alice, invite, prack)
}

fn statuses(line: &mut Line) -> Vec<u16> {
    std::iter::from_fn(|| (!line.is_silent()).then(|| line.next()))
        .map(|message| message.status().unwrap_or(0))
        .collect()
}

#[test]
fn rfc_3262_section_3_the_first_rseq_is_between_1_and_2_to_the_31st_less_one() {
    let (_, rings) = called(Transport::Udp, OFFER);
    assert_eq!((rings.status(), rings.header("Require")), (Some(180), Some("100rel")));
    let rseq: u64 = rings.header("RSeq").unwrap().parse().unwrap();
    assert!((1..1 << 31).contains(&rseq));
    assert!(rings.to().unwrap().tag().is_some() && rings.header("Contact").is_some());
}

#[test]
fn rfc_3262_section_3_100_is_never_sent_reliably() {
    let mut bob = Line::ringing(Transport::Udp, ALICE);
    bob.receive(&alices("INVITE", 1, "Require: 100rel\n", OFFER));
    bob.pass(200);
    let trying = bob.next();
    assert_eq!((trying.status(), trying.header("RSeq")), (Some(100), None));
    assert_eq!(trying.header("Require"), None);
}

#[test]
fn rfc_3262_section_3_it_is_repeated_from_t1_on_with_doubled_waits_and_given_up_after_64_t1() {
    // §3: it travels from end to end, so that it is repeated whatever carries it.
    for transport in [Transport::Udp, Transport::Tcp] {
        let (mut bob, rings) = called(transport, OFFER);
        assert_eq!(bob.pass(31_999), [500, 1_500, 3_500, 7_500, 15_500, 31_500]);
        for _ in 0..6 {
            assert_eq!(bob.next().as_bytes(), rings.as_bytes(), "the same, to the letter");
        }
        assert_eq!(bob.pass(1), [1]);
        assert_eq!(bob.next().status(), Some(504), "the INVITE is refused with 5xx");
        assert_eq!(bob.ended(), Some(HangupCause::TransactionTimeout));
        bob.receive(&prack(2, &rack_of(&rings), ""));
        assert_eq!(bob.next().status(), Some(481), "there is no such early dialog any more");
        bob.receive(&alices("ACK", 1, "", ""));
        bob.assert_over();
    }
}

#[test]
fn rfc_3262_section_3_the_prack_ends_the_repetitions_and_the_call_is_answered() {
    let (mut bob, rings) = called(Transport::Udp, OFFER);
    assert_eq!(bob.pass(600), [500]);
    assert_eq!(bob.next().header("RSeq"), rings.header("RSeq"));
    bob.receive(&prack(2, &rack_of(&rings), ""));
    let (accepted, answered) = (bob.next(), bob.next());
    assert_eq!((accepted.status(), accepted.method()), (Some(200), Method::Prack));
    assert_eq!((answered.status(), answered.method()), (Some(200), Method::Invite));
    bob.receive(&alices("ACK", 1, "", "").replace("bf1", "bd5"));
    assert_eq!(bob.pass(64_000), [0_u64; 0], "nothing is repeated any more");
    assert_eq!(bob.ended(), None);
}

#[test]
fn rfc_3262_section_3_a_prack_that_comes_again_is_answered_again_and_acknowledges_once() {
    let (mut bob, rings) = called(Transport::Udp, OFFER);
    let prack = prack(2, &rack_of(&rings), "");
    bob.receive(&prack);
    assert_eq!(statuses(&mut bob), [200, 200], "PRACK and INVITE");
    bob.receive(&prack);
    assert_eq!(statuses(&mut bob), [200], "the PRACK alone: it is the same one");
    bob.receive(&prack.replace("74bf2", "74bf3").replace("CSeq: 2", "CSeq: 3"));
    assert_eq!(statuses(&mut bob), [481], "another one has nothing to acknowledge");
}

#[test]
fn rfc_3262_section_3_a_prack_that_matches_no_response_is_refused_with_481() {
    let (mut bob, rings) = called(Transport::Udp, OFFER);
    let rseq = rings.header("RSeq").unwrap().to_owned();
    let next = rseq.parse::<u64>().unwrap() + 1;
    // §7.2: the RSeq, the number of the INVITE and its method, all three.
    for (cseq, rack) in (2..).zip([
        format!("{next} 1 INVITE"),
        format!("{rseq} 2 INVITE"),
        format!("{rseq} 1 UPDATE"),
        format!("{rseq} 1"),
        format!("x{rseq} 1 INVITE"),
        String::new(),
    ]) {
        bob.receive(&prack(cseq, &rack, ""));
        assert_eq!(statuses(&mut bob), [481], "{rack:?}");
    }
    assert_eq!(bob.pass(500), [500], "it still waits for its own");
    assert_eq!(bob.next().header("RSeq"), Some(&*rseq));
    bob.receive(&prack(9, &rack_of(&rings), ""));
    assert_eq!(statuses(&mut bob), [200, 200]);
}

#[test]
fn rfc_3262_section_3_an_invite_that_comes_again_meanwhile_gets_the_same_ring() {
    let (mut bob, rings) = called(Transport::Udp, OFFER);
    bob.receive(&alices("INVITE", 1, "Require: 100rel\n", OFFER));
    assert_eq!(bob.next().header("RSeq"), rings.header("RSeq"));
    assert!(bob.is_silent());
}

#[test]
fn rfc_3262_section_3_a_final_response_ends_the_repetitions() {
    let (mut bob, rings) = called(Transport::Udp, OFFER);
    bob.receive(&alices("CANCEL", 1, "", ""));
    assert_eq!(statuses(&mut bob), [200, 487]);
    bob.receive(&prack(2, &rack_of(&rings), ""));
    assert_eq!(statuses(&mut bob), [481], "RFC 3261 §12.3: the early dialog is over");
    let again = bob.pass(400);
    assert!(again.is_empty(), "{again:?}");
    bob.pass(300);
    assert_eq!(statuses(&mut bob), [487], "of what is repeated only the 487 is left");
}

#[test]
fn rfc_3262_section_4_a_reliable_ring_is_acknowledged_in_its_early_dialog() {
    let (mut alice, invite, prack) = ringing("988789");
    assert_eq!(prack.method(), Method::Prack);
    assert_eq!(prack.header("RAck"), Some("988789 1 INVITE"));
    assert_eq!(prack.call_id(), invite.call_id());
    assert_eq!(prack.to().unwrap().tag(), Some("bob"));
    assert_eq!(prack.uri(), "sip:bob@client.biloxi.example.com");
    assert_eq!(prack.cseq().unwrap().number, invite.cseq().unwrap().number + 1);
    // It is a request like any other: sent again until it is answered (RFC 3261 §17.1.2).
    assert_eq!(alice.pass(3_600), [500, 1_500, 3_500]);
    for _ in 0..3 {
        assert_eq!(alice.next().as_bytes(), prack.as_bytes());
    }
    alice.respond(&prack, 200, "", &[], "");
    assert_eq!(alice.pass(10_000), [0_u64; 0]);
    alice.respond(&invite, 200, "bob", &[CONTACT], OFFER);
    assert_eq!(alice.next().method(), Method::Ack);
}

#[test]
fn rfc_3262_section_4_copies_and_what_comes_out_of_order_are_not_acknowledged() {
    let (mut alice, invite, first) = ringing("10");
    alice.respond(&first, 200, "", &[], "");
    for rseq in ["10", "12", "9", "11x", ""] {
        alice.respond(&invite, 180, "bob", &[CONTACT, RELIABLE, ("RSeq", rseq)], "");
        assert!(alice.is_silent(), "{rseq:?}");
    }
    for (rseq, number) in [("11", 3), ("12", 4)] {
        alice.respond(&invite, 183, "bob", &[CONTACT, RELIABLE, ("RSeq", rseq)], "");
        let prack = alice.next();
        assert_eq!(prack.header("RAck"), Some(&*format!("{rseq} 1 INVITE")));
        assert_eq!(prack.cseq().unwrap().number, number);
    }
}

#[test]
fn rfc_3262_section_4_what_is_not_reliable_is_not_acknowledged() {
    let (mut alice, invite) = Line::calling(Transport::Udp, BOB, "sip:bob@192.0.2.204");
    for (status, headers) in [
        (100, &[RELIABLE, ("RSeq", "1")][..]),
        (180, &[CONTACT, ("RSeq", "1")]),
        (180, &[CONTACT, RELIABLE]),
        (183, &[CONTACT, ("Supported", "100rel"), ("RSeq", "1")]),
    ] {
        alice.respond(&invite, status, "bob", headers, "");
        assert!(alice.is_silent(), "{status} {headers:?}");
    }
}

#[test]
fn rfc_3262_section_4_each_fork_counts_for_itself() {
    let (mut alice, invite, first) = ringing("1");
    alice.respond(&invite, 180, "carol", &[CONTACT, RELIABLE, ("RSeq", "7000")], "");
    let second = alice.next();
    assert_eq!(second.header("RAck"), Some("7000 1 INVITE"));
    assert_eq!(second.to().unwrap().tag(), Some("carol"));
    assert_eq!(second.cseq().unwrap().number, first.cseq().unwrap().number);
}

#[test]
fn rfc_3262_section_4_who_has_given_up_still_acknowledges_what_rings() {
    let (mut alice, invite, first) = ringing("1");
    alice.respond(&first, 200, "", &[], "");
    alice.hang_up();
    let cancel = alice.next();
    assert_eq!(cancel.method(), Method::Cancel);
    alice.respond(&invite, 183, "bob", &[CONTACT, RELIABLE, ("RSeq", "2")], OFFER);
    let prack = alice.next();
    assert_eq!(prack.header("RAck"), Some("2 1 INVITE"));
    alice.respond(&cancel, 200, "bob", &[], "");
    alice.respond(&prack, 200, "", &[], "");
    alice.respond(&invite, 487, "bob", &[], "");
    assert_eq!(alice.next().method(), Method::Ack);
    assert_eq!(alice.ended(), Some(HangupCause::LocalBye));
    alice.assert_over();
}

#[test]
fn rfc_3262_section_5_the_offer_of_a_call_without_one_is_in_the_first_reliable_response() {
    let (mut bob, rings) = called(Transport::Udp, "");
    assert_eq!(rings.status(), Some(183));
    assert_eq!(described(&rings).media[0].formats, ["8", "0", "13", "101"]);
    bob.receive(&prack(2, &rack_of(&rings), OFFER));
    let (accepted, answered) = (bob.next(), bob.next());
    assert_eq!((accepted.status(), accepted.body()), (Some(200), &b""[..]));
    assert_eq!((answered.status(), answered.body()), (Some(200), &b""[..]), "both have spoken");
}

#[test]
fn rfc_3262_section_5_a_prack_that_owes_the_answer_and_has_none_is_refused() {
    let (mut bob, rings) = called(Transport::Udp, "");
    bob.receive(&prack(2, &rack_of(&rings), ""));
    assert_eq!(statuses(&mut bob), [400, 400], "PRACK and INVITE");
    assert_eq!(bob.ended(), Some(HangupCause::Response(400)));
}

#[test]
fn rfc_3262_section_5_the_answer_in_a_reliable_response_is_the_answer() {
    let (mut alice, invite) = Line::calling(Transport::Udp, BOB, "sip:bob@192.0.2.204");
    alice.respond(&invite, 183, "bob", &[CONTACT, RELIABLE, ("RSeq", "1")], OFFER);
    let prack = alice.next();
    assert_eq!((prack.method(), prack.body()), (Method::Prack, &b""[..]), "nothing more to say");
    alice.respond(&prack, 200, "", &[], "");
    alice.respond(&invite, 200, "bob", &[CONTACT], "");
    assert_eq!(alice.next().method(), Method::Ack, "a 200 without a description will do");
    assert_eq!(alice.leg.as_ref().unwrap().media().unwrap().payload_type, 0);
    assert_eq!(alice.ended(), None);
}
