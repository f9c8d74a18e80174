//! RFC 4475 and RFC 5118 on the wire: each of their messages goes to real workers over UDP and
//! over TCP, gets what the RFC's text asks for, and the next OPTIONS is answered at once.

mod rows;

use std::path::Path;
use std::time::{Duration, Instant};

use sip::{ClientTx, Flow, FromBrain, Message, Method, RequestBuilder, ToBrain};

use crate::stage::{Line, Phone, Stage};
use rows::row::{Row, Stream, Wanted};
use rows::{rfc4475_invalid, rfc4475_layers, rfc4475_valid, rfc5118};

/// How soon the next OPTIONS is answered.
const SOON: Duration = Duration::from_millis(100);
/// How often it is asked where this machine had no time for the test itself.
const TRIES: u32 = 20;
/// What the brain says to all that it hears of.
const HEARD: u16 = 480;

/// What became of a message: the status of its answer, and whether the brain heard of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Became {
    status: Option<u16>,
    heard: bool,
}

impl Became {
    fn is(self, wanted: Wanted) -> bool {
        let refused =
            |with: &[u16]| !self.heard && self.status.is_some_and(|status| with.contains(&status));
        let served = self.heard && self.status == Some(HEARD);
        match wanted {
            Wanted::Served => served,
            Wanted::Refused(with) => refused(with),
            Wanted::Either(with) => served || refused(with),
            Wanted::Dropped => !self.heard && self.status.is_none(),
        }
    }
}

/// Answers as the brain until it hears of the probe, which it answers with 200; whether anything
/// else came before.
fn answer_until(stage: &Stage, probe: &str) -> bool {
    let mut heard = false;
    loop {
        match stage.report() {
            ToBrain::Request { tx, message, .. } if message.call_id() == probe => {
                stage.respond(tx, &message, 200);
                return heard;
            }
            ToBrain::Request { tx, message, .. } => {
                heard = true;
                stage.respond(tx, &message, HEARD);
            }
            ToBrain::FlowClosed { .. } => {}
            other => panic!("the brain was told {other:?}"),
        }
    }
}

/// Asks whether the workers are there, until the answer comes within [`SOON`]; what became of the
/// message before.
fn probe(
    stage: &Stage,
    number: &mut u32,
    mut ask: impl FnMut(&str),
    mut next: impl FnMut() -> Message,
) -> Became {
    let mut became = Became { status: None, heard: false };
    let mut quickest = Duration::MAX;
    for _ in 0..TRIES {
        *number += 1;
        let call = format!("probe-{number}");
        let begun = Instant::now();
        ask(&call);
        became.heard |= answer_until(stage, &call);
        loop {
            let answer = next();
            if answer.call_id() == call {
                assert_eq!(answer.status(), Some(200));
                break;
            }
            if !answer.call_id().starts_with("probe-") {
                became.status = answer.status();
            }
        }
        quickest = quickest.min(begun.elapsed());
        if quickest <= SOON {
            return became;
        }
    }
    panic!("the next OPTIONS took {quickest:?} at best");
}

fn over_udp(stage: &Stage, bytes: impl FnOnce(&str) -> Vec<u8>, number: &mut u32) -> Became {
    let phone = Phone::new(stage);
    let bytes = bytes(&phone.addr().to_string());
    phone.socket.send_to(&bytes, stage.addr).unwrap();
    let ask = |call: &str| phone.send(&phone.text("OPTIONS", call, call));
    probe(stage, number, ask, || phone.receive())
}

fn over_tcp(stage: &Stage, row: &Row, number: &mut u32) -> Became {
    let line = std::cell::RefCell::new(Line::new(stage));
    let at = line.borrow().stream.local_addr().unwrap().to_string();
    line.borrow_mut().send(row.bytes(&at, "TCP"));
    let mut refused = None;
    match row.stream {
        Stream::Same => {}
        Stream::Closed => {
            refused = line.borrow_mut().receive().status();
            line.borrow_mut().wait_for_end();
            line.replace(Line::new(stage));
        }
        Stream::Waits => drop(line.replace(Line::new(stage))),
    }
    let ask = |call: &str| {
        let text = line.borrow().text("OPTIONS", call, call);
        line.borrow_mut().send(text);
    };
    let became = probe(stage, number, ask, || line.borrow_mut().receive());
    Became { status: refused.or(became.status), ..became }
}

fn play(rows: &[Row]) {
    // Two workers: the same request on a second way would be a merged one (RFC 3261 §8.2.2.2).
    let (datagrams, streams) = (Stage::new(), Stage::new());
    let mut number = 0;
    let mut faults = Vec::new();
    for row in rows {
        let became = over_udp(&datagrams, |at| row.bytes(at, "UDP"), &mut number);
        if !became.is(row.wanted) {
            faults.push(format!("§{} {} over UDP: {became:?}", row.section, row.what));
        }
        let became = over_tcp(&streams, row, &mut number);
        let wanted = match row.stream {
            Stream::Same => row.wanted,
            Stream::Closed => Wanted::Refused(&[400]),
            Stream::Waits => Wanted::Dropped,
        };
        if !became.is(wanted) {
            faults.push(format!("§{} {} over TCP: {became:?}", row.section, row.what));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn rfc_4475_section_3_1_1_valid_messages() {
    assert_eq!(rfc4475_valid::ROWS.len(), 13);
    play(rfc4475_valid::ROWS);
}

#[test]
fn rfc_4475_section_3_1_2_invalid_messages() {
    assert_eq!(rfc4475_invalid::ROWS.len(), 19);
    play(rfc4475_invalid::ROWS);
}

#[test]
fn rfc_4475_sections_3_2_to_3_4_what_is_hard_for_other_layers() {
    assert_eq!(rfc4475_layers::ROWS.len(), 17);
    play(rfc4475_layers::ROWS);
}

#[test]
fn rfc_5118_section_4_messages_of_ipv6() {
    assert_eq!(rfc5118::ROWS.len(), 12);
    play(rfc5118::ROWS);
}

/// RFC 4475 §3.1: all that must parse do, by whatever else they are refused.
#[test]
fn all_of_rfc_4475_and_rfc_5118_that_must_parse_do() {
    let read = rfc4475_valid::ROWS.iter().chain(rfc4475_layers::ROWS);
    // §3.3.9 cannot say how long its body is: that is found while reading.
    let read: Vec<_> = read.filter(|row| row.section != "3.3.9").chain(rfc5118::ROWS).collect();
    for row in &read {
        let message = Message::parse(&row.bytes("192.0.2.9:5060", "UDP"));
        let defect = message.as_ref().map(Message::defect);
        assert_eq!(defect, Ok(None), "§{} {}", row.section, row.what);
    }
    assert_eq!(read.len(), 13 + 16 + 12);
}

/// RFC 4475 §3.1.1.12 and §3.1.1.13: the reason phrase is for people.
#[test]
fn rfc_4475_section_3_1_1_12_responses_with_unusual_reasons_are_taken() {
    let stage = Stage::new();
    let phone = Phone::new(&stage);
    let reasons: [(u16, &[u8], &str); 2] = [
        (100, b"", ""),
        (200, b"= 2**3 * 5**2 \xd0\xbd\xd0\xbe \xff", "= 2**3 * 5**2 \u{43d}\u{43e} ?"),
    ];
    let flow = Flow {
        transport: model::Transport::Udp,
        local: stage.addr,
        remote: phone.addr(),
        connection: 0,
        listener: 0,
    };
    let invite = RequestBuilder::new(Method::Invite, "sip:8001@127.0.0.1")
        .from("<sip:95512@127.0.0.1>", "us")
        .to("<sip:8001@127.0.0.1>", None)
        .call_id("reasons")
        .cseq(1)
        .contact("<sip:127.0.0.1>")
        .build();
    let tx = ClientTx::new(0, 1);
    stage.workers.send(FromBrain::Request { tx, message: invite, flow }).unwrap();
    let sent = phone.receive();
    for (status, written, read) in reasons {
        let head = format!("SIP/2.0 {status} ");
        let rest = format!(
            "\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=t\r\nCall-ID: reasons\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:8001@127.0.0.1>\r\nContent-Length: 0\r\n\r\n",
            sent.header("Via").unwrap(),
            sent.header("From").unwrap(),
            sent.header("To").unwrap(),
        );
        let bytes = [head.as_bytes(), written, rest.as_bytes()].concat();
        phone.socket.send_to(&bytes, stage.addr).unwrap();
        match stage.report() {
            ToBrain::Response { message, .. } => {
                assert_eq!(message.kind(), sip::Kind::Response { status, reason: read });
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The RFC's own 49 messages, where they are at hand: they get what ours of the same section get.
#[test]
fn the_messages_of_rfc_4475_itself_get_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/rfc4475");
    let Ok(table) = std::fs::read_to_string(folder.join("expected.csv")) else {
        assert!(std::env::var_os("CI").is_none(), "RFC 4475 is not at {}", folder.display());
        println!("SKIPPED: the messages of RFC 4475 are not at {}", folder.display());
        return;
    };
    let stage = Stage::new();
    let (mut number, mut faults, mut compared) = (0, Vec::new(), 0);
    let rows = [rfc4475_valid::ROWS, rfc4475_invalid::ROWS, rfc4475_layers::ROWS].concat();
    for line in table.lines().skip(1) {
        let mut fields = line.split(',');
        let (file, section) = (fields.next().unwrap(), fields.next().unwrap());
        let Some(row) = rows.iter().find(|row| row.section == section) else { continue };
        let bytes = std::fs::read(folder.join(file)).unwrap();
        // Their Via has no rport: the port that it names is to be ours.
        let became = over_udp(&stage, |at| addressed(&bytes, at), &mut number);
        if !became.is(row.wanted) {
            faults.push(format!("{file} (§{section}): {became:?}"));
        }
        compared += 1;
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(compared, 49);
}

/// The message with a port behind the host of its first Via, so that the answer comes to us.
fn addressed(bytes: &[u8], at: &str) -> Vec<u8> {
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let lower = text.to_ascii_lowercase();
    let header = ["\r\nvia", "\r\nv:", "\r\nv "].iter().filter_map(|name| lower.find(name)).min();
    let host = header.and_then(|at| {
        // Behind the transport, wherever the line was folded.
        let slashes = text[at..].match_indices('/').nth(1)?.0 + at + 1;
        let blank = |c: char| c.is_ascii_whitespace();
        let transport = text[slashes..].find(|c| !blank(c))? + slashes;
        let space = text[transport..].find(blank)? + transport;
        let host = text[space..].find(|c| !blank(c))? + space;
        let end = text[host..].find(|c: char| ";, \r\n".contains(c))? + host;
        Some(host..end)
    });
    let Some(host) = host else { return bytes.to_vec() };
    let text = [&text[..host.start], at, &text[host.end..]].concat();
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}
