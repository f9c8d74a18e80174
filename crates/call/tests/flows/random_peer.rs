//! A peer that does anything at any time, against the dialog: it ends in a legal state, once, and
//! nothing is left, no timer either.

use model::Transport;
use proptest::prelude::*;
use sip::{Message, Method};

use crate::line::Line;

const PEER: &str = "198.51.100.9:5060";
const METHODS: [&str; 9] =
    ["INVITE", "ACK", "BYE", "UPDATE", "PRACK", "INFO", "OPTIONS", "CANCEL", "INVITE"];
const STATUSES: [u16; 10] = [100, 180, 183, 200, 200, 302, 422, 486, 491, 500];
const DIRECTIONS: [&str; 4] = ["sendrecv", "sendonly", "recvonly", "inactive"];

/// What the peer, the user or the clock does next.
#[derive(Debug, Clone)]
enum Step {
    Asks { method: usize, cseq: u32, body: usize, header: usize },
    Answers { back: usize, status: usize, tag: usize, body: usize },
    Passes(u64),
    HangsUp,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..METHODS.len(), 1..9_u32, 0..7_usize, 0..6_usize)
            .prop_map(|(method, cseq, body, header)| Step::Asks { method, cseq, body, header }),
        4 => (0..4_usize, 0..STATUSES.len(), 0..3_usize, 0..7_usize)
            .prop_map(|(back, status, tag, body)| Step::Answers { back, status, tag, body }),
        3 => prop_oneof![0..40_000_u64, 0..2_000_000_u64].prop_map(Step::Passes),
        1 => Just(Step::HangsUp),
    ]
}

fn body(kind: usize) -> String {
    let Some(direction) = DIRECTIONS.get(kind) else {
        return ["", "nonsense\n", "v=0\n"][(kind - DIRECTIONS.len()) % 3].to_owned();
    };
    format!(
        "v=0\no=- 1 1 IN IP4 198.51.100.9\ns=-\nc=IN IP4 198.51.100.9\nt=0 0\n\
         m=audio 4000 RTP/AVP 8 101\na={direction}\n"
    )
}

fn request(
    method: &str,
    cseq: u32,
    call_id: &str,
    to_tag: &str,
    with: usize,
    text: &str,
) -> String {
    let header = [
        "",
        "Require: 100rel\n",
        "Supported: timer\nSession-Expires: 90;refresher=uac\n",
        "Session-Expires: 5\nSupported: timer\n",
        "RAck: 1 1 INVITE\n",
        "Allow: INVITE, ACK, BYE, UPDATE\n",
    ][with];
    let kind = if text.is_empty() { "" } else { "Content-Type: application/sdp\n" };
    format!(
        "\n{method} sip:bob@192.0.2.201 SIP/2.0\n\
         Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK{cseq}\n\
         From: <sip:a@far.example.com>;tag=far\nTo: <sip:bob@near.example.com>{to_tag}\n\
         Call-ID: {call_id}\nCSeq: {cseq} {method}\nMax-Forwards: 70\n\
         Contact: <sip:a@198.51.100.9>\n{header}{kind}\n{text}"
    )
}

/// Plays the steps, then our side gives up and the peer stays silent.
fn play(mut line: Line, call_id: &str, mut ours: Vec<Message>, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Asks { method, cseq, body: kind, header } => {
                let text = body(*kind);
                let tag = if line.leg.is_some() { ";tag={tag}" } else { "" };
                let text = request(METHODS[*method], *cseq, call_id, tag, *header, &text);
                line.receive(&text);
            }
            Step::Answers { back, status, tag, body: kind } => {
                let Some(at) = ours.len().checked_sub(back + 1) else { continue };
                let tag = ["far", "fork", ""][*tag];
                let contact = ("Contact", "<sip:a@198.51.100.9>");
                line.respond(&ours[at].clone(), STATUSES[*status], tag, &[contact], &body(*kind));
            }
            Step::Passes(ms) => drop(line.pass(*ms)),
            Step::HangsUp if line.leg.is_some() => line.hang_up(),
            Step::HangsUp => {}
        }
        while !line.is_silent() {
            let sent = line.next();
            assert!(Message::parse(sent.as_bytes()).is_ok());
            if sent.is_request() && sent.method() != Method::Ack {
                ours.push(sent);
            }
        }
        assert!(ours.len() < 2_000, "it never ceases to ask");
    }
    if line.leg.is_some() {
        line.hang_up();
        // Timers B and F of what was asked last, and of what they lead to.
        line.pass(200_000);
        line.assert_over();
    }
    assert!(line.ends() <= 1, "it ends once");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_call_that_came_ends_whatever_its_peer_does(
        transport in prop_oneof![Just(Transport::Udp), Just(Transport::Tcp)],
        answers: bool,
        first in 0..7_usize,
        header in 0..6_usize,
        steps in prop::collection::vec(step(), 0..40),
    ) {
        let mut line = match answers {
            true => Line::waiting(transport, PEER),
            false => Line::ringing(transport, PEER),
        };
        line.receive(&request("INVITE", 1, "random", "", header, &body(first)));
        play(line, "random", Vec::new(), &steps);
    }

    #[test]
    fn a_call_of_ours_ends_whatever_its_peer_does(
        transport in prop_oneof![Just(Transport::Udp), Just(Transport::Tcp)],
        steps in prop::collection::vec(step(), 0..40),
    ) {
        let (line, invite) = Line::calling(transport, PEER, "sip:a@198.51.100.9");
        let call_id = invite.call_id().to_owned();
        play(line, &call_id, vec![invite], &steps);
    }
}
