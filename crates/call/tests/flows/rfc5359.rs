//! RFC 5359 §2, services of phones, as the held end sees them. Names are the RFC's.

use model::Transport;
use sdp::Direction;
use sip::Message;

use crate::line::{Line, described};

const BOB: &str = "192.0.2.202:5060";

/// A message of Bob's phone in Alice's call: the description is at port 3456 with these lines.
fn from_bob(method: &str, cseq: u32, to_tag: &str, description: &str) -> String {
    let kind = match description {
        "" => "",
        _ => "Content-Type: application/sdp\n",
    };
    format!(
        "\n{method} sip:alice@192.0.2.201 SIP/2.0\n\
         Via: SIP/2.0/UDP biloxi.example.com:5060;branch=z9hG4bKnashds{cseq}{method}\n\
         Max-Forwards: 70\n\
         From: Bob <sips:bob@biloxi.example.com>;tag=23431\n\
         To: Alice <sips:alice@atlanta.example.com>{to_tag}\n\
         Call-ID: 12345600@atlanta.example.com\n\
         CSeq: {cseq} {method}\n\
         Contact: <sip:bob@192.0.2.202:5060>\n\
         {kind}\n{description}"
    )
}

fn description(version: u32, address: &str, port: u16, lines: &str) -> String {
    format!(
        "v=0\no=bob 2890844527 {version} IN IP4 192.0.2.202\ns=-\nc=IN IP4 {address}\nt=0 0\n\
         m=audio {port} RTP/AVP 0\na=rtpmap:0 PCMU/8000\n{lines}"
    )
}

const IN_DIALOG: &str = ";tag={tag}";

fn direction(message: &Message) -> Option<Direction> {
    described(message).media[0].direction
}

/// Bob has called Alice and they talk.
fn talking() -> Line {
    let mut alice = Line::waiting(Transport::Udp, BOB);
    alice.receive(&from_bob("INVITE", 1, "", &description(1, "192.0.2.202", 3456, "")));
    assert_eq!(alice.next().status(), Some(200));
    alice.receive(&from_bob("ACK", 1, IN_DIALOG, ""));
    alice
}

/// Bob changes the session; our answer.
fn change(alice: &mut Line, cseq: u32, body: &str) -> Message {
    alice.receive(&from_bob("INVITE", cseq, IN_DIALOG, body));
    let ok = alice.next();
    assert_eq!((ok.status(), ok.cseq().unwrap().number), (Some(200), cseq));
    ok
}

fn end(mut alice: Line, cseq: u32) {
    alice.receive(&from_bob("BYE", cseq, IN_DIALOG, ""));
    assert_eq!(alice.next().status(), Some(200));
    alice.assert_over();
}

#[test]
fn rfc_5359_section_2_1_call_hold() {
    let mut alice = talking();
    let held = change(&mut alice, 2, &description(2, "192.0.2.202", 3456, "a=sendonly\n"));
    assert_eq!(direction(&held), Some(Direction::RecvOnly));
    alice.receive(&from_bob("ACK", 2, IN_DIALOG, ""));
    assert!(alice.leg.as_ref().unwrap().is_holding());
    // F12: the direction is left out, which is both (RFC 3264 §5.1).
    let back = change(&mut alice, 3, &description(3, "192.0.2.202", 3456, ""));
    assert_eq!(direction(&back).unwrap_or_default(), Direction::SendRecv);
    alice.receive(&from_bob("ACK", 3, IN_DIALOG, ""));
    assert!(!alice.leg.as_ref().unwrap().is_holding());
    let versions = [&held, &back].map(|message| described(message).origin.version);
    assert!(versions[0] < versions[1], "RFC 3264 §8: {versions:?}");
    end(alice, 4);
}

/// Bob holds Alice and calls Carol; then he comes back. Each of his calls is a dialog of its own.
#[test]
fn rfc_5359_section_2_2_consultation_hold() {
    let mut alice = talking();
    change(&mut alice, 2, &description(2, "192.0.2.202", 3456, "a=sendonly\n"));
    alice.receive(&from_bob("ACK", 2, IN_DIALOG, ""));
    let mut carol = Line::waiting(Transport::Udp, BOB);
    let other =
        |text: String| text.replace("12345600", "sdjfdjfskdf").replace("tag=23431", "tag=9");
    carol.receive(&other(from_bob("INVITE", 1, "", &description(1, "192.0.2.202", 3460, ""))));
    assert_eq!(carol.next().status(), Some(200));
    carol.receive(&other(from_bob("ACK", 1, IN_DIALOG, "")));
    assert!(alice.leg.as_ref().unwrap().is_holding() && !carol.leg.as_ref().unwrap().is_holding());
    carol.receive(&other(from_bob("BYE", 2, IN_DIALOG, "")));
    assert_eq!(carol.next().status(), Some(200));
    carol.assert_over();
    change(&mut alice, 3, &description(3, "192.0.2.202", 3456, "a=sendrecv\n"));
    alice.receive(&from_bob("ACK", 3, IN_DIALOG, ""));
    assert!(!alice.leg.as_ref().unwrap().is_holding());
    end(alice, 4);
}

/// Bob's phone asks without an offer, and its ACK leads Alice's media to the music (RFC 7088 §2.8
/// as well).
#[test]
fn rfc_5359_section_2_3_music_on_hold() {
    let mut alice = talking();
    let offer = change(&mut alice, 2, "");
    assert_eq!(direction(&offer), Some(Direction::SendRecv));
    let music = description(2, "192.0.2.77", 49170, "a=sendonly\n");
    alice.receive(&from_bob("ACK", 2, IN_DIALOG, &music));
    let media = *alice.leg.as_ref().unwrap().media().unwrap();
    assert_eq!(
        (media.remote.to_string().as_str(), media.direction),
        ("192.0.2.77:49170", Direction::RecvOnly)
    );
    change(&mut alice, 3, &description(3, "192.0.2.202", 3456, ""));
    alice.receive(&from_bob("ACK", 3, IN_DIALOG, ""));
    let media = *alice.leg.as_ref().unwrap().media().unwrap();
    assert_eq!(
        (media.remote.to_string().as_str(), media.direction),
        ("192.0.2.202:3456", Direction::SendRecv)
    );
    end(alice, 4);
}
