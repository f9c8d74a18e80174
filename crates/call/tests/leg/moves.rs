//! Where a leg's requests go (RFC 3261 §12.2.1.1), and what it says of itself.

use call::{Leg, Output, SessionLimits};
use model::{DialogSnapshot, HangupCause, Mono, Transport};
use sip::{Flow, Message, Method, RequestBuilder, ServerTx};

use crate::stage::{Stage, TALK, sdp};

fn flow(remote: &str) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: remote.parse().unwrap(),
        connection: 0,
        listener: 0,
    }
}

/// An UPDATE of the peer with that Contact, from 198.51.100.9; what the leg then wants.
fn update(leg: &mut Leg, cseq: u32, contact: &str) -> Vec<Output> {
    let flow = flow("198.51.100.9:5060");
    let request: Message = RequestBuilder::new(Method::Update, "sip:95512@192.0.2.1")
        .header("Via", "SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK2")
        .from("<sip:a@far>", "far")
        .to("<sip:95512@192.0.2.1>", Some(leg.tag()))
        .call_id("c")
        .cseq(cseq)
        .contact(contact)
        .build()
        .with_flow(flow);
    leg.handle_request(ServerTx(u64::from(cseq)), &request, flow, Mono::from_ms(2_000));
    std::iter::from_fn(|| leg.poll_output()).collect()
}

fn moved(outputs: &[Output]) -> Option<&DialogSnapshot> {
    outputs.iter().find_map(|output| match output {
        Output::Moved(dialog) => Some(&**dialog),
        _ => None,
    })
}

#[test]
fn who_moves_is_followed_and_written_down_again() {
    let mut call = Stage::standing(&[]);
    let same = update(&mut call.leg, 10, "<sip:a@198.51.100.9>");
    assert_eq!(moved(&same), None, "nothing has changed");
    let outputs = update(&mut call.leg, 11, "<sip:a@198.51.100.10:5070>");
    let dialog = moved(&outputs).unwrap();
    assert_eq!(dialog.remote_target, "sip:a@198.51.100.10:5070");
    assert_eq!((dialog.remote.to_string(), dialog.remote_cseq), ("198.51.100.10:5070".into(), 11));
    call.leg.hang_up(HangupCause::LocalBye, 480);
    let sent = std::iter::from_fn(|| call.leg.poll_output()).find_map(|output| match output {
        Output::Send { flow, .. } => Some(flow.remote.to_string()),
        _ => None,
    });
    assert_eq!(sent.unwrap(), "198.51.100.10:5070", "not where its last message came from");
}

#[test]
fn who_calls_itself_by_a_name_is_asked_for_and_written_down_where_it_is() {
    let mut call = Stage::standing(&[]);
    assert_eq!(call.leg.next_name(), None);
    let outputs = update(&mut call.leg, 10, "<sip:a@phone.example>");
    assert_eq!(moved(&outputs).unwrap().remote.to_string(), "198.51.100.9:5060");
    assert_eq!(call.leg.next_name(), Some("sip:a@phone.example"));
    call.leg.handle_located("sip:a@phone.example", flow("198.51.100.20:5060"));
    let outputs: Vec<Output> = std::iter::from_fn(|| call.leg.poll_output()).collect();
    assert_eq!(moved(&outputs).unwrap().remote.to_string(), "198.51.100.20:5060");
    call.leg.handle_located("sip:a@phone.example", flow("198.51.100.20:5060"));
    assert!(call.leg.poll_output().is_none(), "the same once more is nothing new");
}

#[test]
fn rfc_3261_section_21_4_13_what_is_not_understood_is_told_what_is() {
    let mut call = Stage::standing(&[]);
    let text = [("Content-Type", "text/plain")];
    let response = call.request(Method::Update, &text, "v=0");
    assert_eq!(response.status(), Some(415));
    assert_eq!(response.header("Accept"), Some("application/sdp"));
    assert_eq!(response.header("Accept-Encoding"), Some("identity"));
}

#[test]
fn session_timers_are_announced_only_where_they_are_on() {
    let off = SessionLimits { expires_s: 0, ..SessionLimits::default() };
    for (session, knows) in [(SessionLimits::default(), true), (off, false)] {
        let mut call = Stage::called_within(session, &[], &sdp(TALK));
        let answers = [call.response(), call.request(Method::Options, &[], "")];
        for answer in answers {
            let names: Vec<&str> = answer.all(sip::Name::Supported).collect();
            assert_eq!(names.contains(&"timer"), knows, "{names:?}");
            assert!(names.contains(&"100rel"));
        }
    }
}
