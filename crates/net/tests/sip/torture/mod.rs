//! RFC 4475 and RFC 5118 on the wire: each of their messages goes to real workers over UDP and
//! over TCP, gets what the RFC's text asks for, and the next OPTIONS is answered at once.

mod rows;

use std::path::Path;
use std::time::Duration;

use sip::{ClientTx, Defect, Flow, FromBrain, Message, Method, RequestBuilder, ToBrain};

use crate::stage::{Line, Phone, Stage};
use rows::row::{Row, Stream, Wanted};
use rows::{rfc4475_invalid, rfc4475_layers, rfc4475_valid, rfc5118};

/// How soon the next OPTIONS is answered: how long the workers may work on a message and on the
/// OPTIONS after it. That one is asked once.
const SOON: Duration = Duration::from_millis(100);
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

/// Asks whether the workers are there: the very next OPTIONS is answered. What became of the
/// message before.
fn probe(
    stage: &Stage,
    number: &mut u32,
    mut ask: impl FnMut(&str),
    mut next: impl FnMut() -> Message,
) -> Became {
    *number += 1;
    let call = format!("probe-{number}");
    ask(&call);
    let mut became = Became { status: None, heard: answer_until(stage, &call) };
    loop {
        let answer = next();
        if answer.call_id() == call {
            assert_eq!(answer.status(), Some(200));
            return became;
        }
        became.status = answer.status();
    }
}

/// What does not fit, if anything does not: what became of it, or what it cost.
fn fault(
    what: &str,
    stage: &Stage,
    wanted: Wanted,
    send: impl FnOnce() -> Became,
) -> Option<String> {
    let before = stage.worked();
    let became = send();
    let took = stage.worked() - before;
    (!became.is(wanted) || took > SOON).then(|| format!("{what}: {became:?} after {took:?}"))
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
        let what = format!("§{} {} over UDP", row.section, row.what);
        let send = || over_udp(&datagrams, |at| row.bytes(at, "UDP"), &mut number);
        faults.extend(fault(&what, &datagrams, row.wanted, send));
        let wanted = match row.stream {
            Stream::Same => row.wanted,
            Stream::Closed => Wanted::Refused(&[400]),
            Stream::Waits => Wanted::Dropped,
        };
        let what = format!("§{} {} over TCP", row.section, row.what);
        let send = || over_tcp(&streams, row, &mut number);
        faults.extend(fault(&what, &streams, wanted, send));
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

/// The messages of RFC 4475 that are to be read, by whatever else they are refused: the valid ones,
/// and those that are hard for who is above the parser (§3.1.2 alone is of invalid ones).
const TO_BE_READ: [(&str, &str); 30] = [
    ("3.1.1.1", "A Short Tortuous INVITE"),
    ("3.1.1.2", "Wide Range of Valid Characters"),
    ("3.1.1.3", "Valid Use of the % Escaping Mechanism"),
    ("3.1.1.4", "Escaped Nulls in URIs"),
    ("3.1.1.5", "Use of % When It Is Not an Escape"),
    ("3.1.1.6", "Message with No LWS between Display Name and <"),
    ("3.1.1.7", "Long Values in Header Fields"),
    ("3.1.1.8", "Extra Trailing Octets in a UDP Datagram"),
    ("3.1.1.9", "Semicolon-Separated Parameters in URI User Part"),
    ("3.1.1.10", "Varied and Unknown Transport Types"),
    ("3.1.1.11", "Multipart MIME Message"),
    ("3.1.1.12", "Unusual Reason Phrase"),
    ("3.1.1.13", "Empty Reason Phrase"),
    ("3.2.1", "Missing Transaction Identifier"),
    ("3.3.1", "Missing Required Header Fields"),
    ("3.3.2", "Request-URI with Unknown Scheme"),
    ("3.3.3", "Request-URI with Known but Atypical Scheme"),
    ("3.3.4", "Unknown URI Schemes in Header Fields"),
    ("3.3.5", "Proxy-Require and Require"),
    ("3.3.6", "Unknown Content-Type"),
    ("3.3.7", "Unknown Authorization Scheme"),
    ("3.3.8", "Multiple Values in Single Value Required Fields"),
    ("3.3.9", "Multiple Content-Length Values"),
    ("3.3.10", "200 OK Response with Broadcast Via Header Field Value"),
    ("3.3.11", "Max-Forwards of Zero"),
    ("3.3.12", "REGISTER with a Contact Header Parameter"),
    ("3.3.13", "REGISTER with a url-parameter"),
    ("3.3.14", "REGISTER with a URL Escaped Header"),
    ("3.3.15", "Unacceptable Accept Offering"),
    ("3.4.1", "INVITE with RFC 2543 Syntax"),
];

/// Whether all of it is read: every header, and the first line for what it is.
fn is_read(bytes: &[u8], section: &str) -> bool {
    // §3.3.9 says twice, and not the same, how long its body is: all else is read, and its 400
    // says what is wrong.
    let defect = (section == "3.3.9").then_some(Defect::ContentLength);
    Message::parse(bytes).is_ok_and(|message| {
        message.defect() == defect && message.cseq().is_some() && message.top_via().is_some()
    })
}

#[test]
fn all_30_of_rfc_4475_that_must_parse_do() {
    let rows = [rfc4475_valid::ROWS, rfc4475_layers::ROWS].concat();
    assert_eq!(rows.len(), TO_BE_READ.len());
    for (section, title) in TO_BE_READ {
        let row = rows.iter().find(|row| row.section == section).expect(title);
        assert!(is_read(&row.bytes("192.0.2.9:5060", "UDP"), section), "§{section} {title}");
    }
}

#[test]
fn all_of_rfc_5118_that_must_parse_do() {
    for row in rfc5118::ROWS {
        let message = Message::parse(&row.bytes("192.0.2.9:5060", "UDP"));
        let defect = message.as_ref().map(Message::defect);
        assert_eq!(defect, Ok(None), "§{} {}", row.section, row.what);
    }
    assert_eq!(rfc5118::ROWS.len(), 12);
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
    let (mut number, mut faults) = (0, Vec::new());
    let (mut compared, mut read) = (0, 0);
    let rows = [rfc4475_valid::ROWS, rfc4475_invalid::ROWS, rfc4475_layers::ROWS].concat();
    for line in table.lines().skip(1) {
        let mut fields = line.split(',');
        let (file, section) = (fields.next().unwrap(), fields.next().unwrap());
        let Some(row) = rows.iter().find(|row| row.section == section) else { continue };
        let bytes = std::fs::read(folder.join(file)).unwrap();
        // Their Via has no rport: the port that it names is to be ours.
        let send = || over_udp(&stage, |at| addressed(&bytes, at), &mut number);
        faults.extend(fault(&format!("{file} (§{section})"), &stage, row.wanted, send));
        if let Some((_, title)) = TO_BE_READ.iter().find(|(one, _)| *one == section) {
            assert!(line.contains(title) && line.ends_with(",Parse"), "{line}");
            assert!(is_read(&bytes, section), "{file} (§{section})");
            read += 1;
        }
        compared += 1;
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!((compared, read), (49, 30));
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
