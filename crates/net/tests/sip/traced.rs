//! What the trace holds of messages that really came and left.

use std::net::UdpSocket;

use model::{Transport, Wall};
use net::sip::{Direction, HepConfig, NoAnswer, TraceConfig, Traced};

use crate::stage::{Line, PATIENCE, Phone, Setting, Stage};

/// Direction and first line of each message.
fn told(messages: &[Traced]) -> Vec<(Direction, String)> {
    let first = |message: &Traced| {
        let text = String::from_utf8_lossy(&message.bytes).into_owned();
        (message.direction, text.lines().next().unwrap_or_default().to_owned())
    };
    messages.iter().map(first).collect()
}

fn with(trace: TraceConfig) -> Setting {
    Setting { trace, ..Setting::default() }
}

/// An INVITE that is answered 180 and 486, and its ACK.
fn one_call(stage: &Stage, phone: &Phone, call: &str) {
    phone.send(&phone.text("INVITE", call, call));
    let (tx, request, _) = stage.request();
    for status in [180, 486] {
        stage.respond(tx, &request, status);
        assert_eq!(phone.receive().status(), Some(status));
    }
    let to = "To: <sip:95512@127.0.0.1>";
    phone.send(&phone.text("ACK", call, call).replace(to, &format!("{to};tag=ours")));
    phone.send(&phone.text("OPTIONS", call, &format!("{call}o")));
    // The ACK has been taken when what came after it is told.
    stage.request();
}

#[test]
fn a_calls_messages_are_found_in_their_order_with_time_and_addresses() {
    let stage = Stage::new();
    let phone = Phone::new(&stage);
    one_call(&stage, &phone, "a");
    one_call(&stage, &phone, "b");
    let found = stage.workers.trace().find(&["a"]).unwrap();
    let lines = told(&found.messages);
    let (came, left) = (Direction::In, Direction::Out);
    let wanted = [
        (came, "INVITE sip:95512@127.0.0.1 SIP/2.0"),
        (left, "SIP/2.0 180 Ringing"),
        (left, "SIP/2.0 486 Busy Here"),
        (came, "ACK sip:95512@127.0.0.1 SIP/2.0"),
        (came, "OPTIONS sip:95512@127.0.0.1 SIP/2.0"),
    ];
    assert_eq!(lines, wanted.map(|(direction, line)| (direction, line.to_owned())));
    for message in &found.messages {
        assert_eq!((message.local, message.remote), (stage.addr, phone.addr()));
        assert_eq!((message.transport, message.is_malformed), (Transport::Udp, false));
    }
    assert!(found.messages.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert_eq!((found.complete_since.0, found.is_cut), (0, false));
    let both = stage.workers.trace().find(&["b", "a", "none"]).unwrap().messages;
    let calls: Vec<usize> = both.iter().map(|message| message.call).collect();
    assert_eq!(calls, [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
    assert!(stage.workers.trace().find(&["none"]).unwrap().messages.is_empty());
}

#[test]
fn with_several_workers_a_call_over_tcp_is_as_complete() {
    let stage = Stage::with(Setting { workers: 3, ..Setting::default() });
    let mut line = Line::new(&stage);
    for call in ["a", "b", "c", "d", "e"] {
        line.send(line.text("OPTIONS", call, call));
        let (tx, request, _) = stage.request();
        stage.respond(tx, &request, 200);
        assert_eq!(line.receive().call_id(), call);
        let found = stage.workers.trace().find(&[call]).unwrap();
        let lines = told(&found.messages);
        let directions: Vec<Direction> = lines.iter().map(|(direction, _)| *direction).collect();
        assert_eq!(directions, [Direction::In, Direction::Out], "{call}");
        assert_eq!(found.messages[0].transport, Transport::Tcp);
        let local = line.stream.local_addr().unwrap();
        assert_eq!(found.messages[1].remote, local);
    }
}

#[test]
fn secrets_stay_behind() {
    let stage = Stage::new();
    let phone = Phone::new(&stage);
    let secret = "Authorization: Digest username=\"8001\", response=\"d41d8cd9\"\r\nContent-Length";
    phone.send(&phone.text("OPTIONS", "a", "a").replacen("Content-Length", secret, 1));
    let (_, request, _) = stage.request();
    assert!(request.header("Authorization").unwrap().contains("d41d8cd9"), "the brain needs it");
    let found = stage.workers.trace().find(&["a"]).unwrap();
    let text = String::from_utf8(found.messages[0].bytes.clone()).unwrap();
    assert!(text.contains("username=\"8001\", response=**********\r\n"), "{text}");
}

#[test]
fn what_is_no_message_is_kept_short_and_found_by_its_call_id_line() {
    let stage = Stage::new();
    let phone = Phone::new(&stage);
    phone.send(&format!("INVITE\r\ni : lost\r\nSubject: {}\r\n", "x".repeat(1_000)));
    phone.send("hello");
    let mut line = Line::new(&stage);
    line.send("NONSENSE\r\nCall-ID: lost\r\n\r\n");
    line.wait_for_end();
    stage.counts(|counts| counts.malformed == 3);
    let found = stage.workers.trace().find(&["lost"]).unwrap();
    let kinds: Vec<_> = found.messages.iter().map(|m| (m.transport, m.is_malformed)).collect();
    assert_eq!(kinds, [(Transport::Udp, true), (Transport::Tcp, true)]);
    assert_eq!(found.messages[0].bytes.len(), net::sip::MALFORMED_CUT);
    assert!(found.messages[1].bytes.starts_with(b"NONSENSE"));
}

#[test]
fn a_trace_that_is_full_says_since_when_it_is_complete() {
    let trace = TraceConfig { budget_bytes: 1, ..TraceConfig::default() };
    let stage = Stage::with(with(trace));
    let phone = Phone::new(&stage);
    for number in 0..3_000 {
        let call = format!("n{number}");
        phone.send(&phone.text("OPTIONS", &call, &call));
        let (tx, request, _) = stage.request();
        stage.respond(tx, &request, 200);
        phone.receive();
    }
    let trace = stage.workers.trace();
    let (first, last) = (trace.find(&["n0"]).unwrap(), trace.find(&["n2999"]).unwrap());
    assert!(first.messages.is_empty() && first.complete_since.0 > 0);
    assert_eq!(last.messages.len(), 2);
    assert!(last.messages[0].at > last.complete_since);
}

#[test]
fn nothing_is_told_where_nothing_is_traced_or_the_workers_have_ended() {
    let off = TraceConfig { budget_bytes: 0, ..TraceConfig::default() };
    let stage = Stage::with(with(off));
    assert_eq!(stage.workers.trace().find(&["a"]), Err(NoAnswer::Off));
    let stage = Stage::new();
    let trace = stage.workers.trace();
    stage.workers.stop();
    assert_eq!(trace.find(&["a"]), Err(NoAnswer::Silent));
}

#[test]
fn many_may_ask_while_calls_go_on() {
    let stage = Stage::new();
    let phone = Phone::new(&stage);
    one_call(&stage, &phone, "a");
    let trace = stage.workers.trace();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(trace.find(&["a"]).unwrap().messages.len(), 5);
                }
            });
        }
        for number in 0..50 {
            let call = format!("n{number}");
            phone.send(&phone.text("OPTIONS", &call, &call));
            stage.request();
        }
    });
}

#[test]
fn a_collector_is_told_of_every_message_without_its_secrets() {
    let collector = UdpSocket::bind("127.0.0.1:0").unwrap();
    collector.set_read_timeout(Some(PATIENCE)).unwrap();
    let hep = HepConfig {
        collector: collector.local_addr().unwrap(),
        capture_id: 2_001,
        auth_key: Some("key".to_owned()),
    };
    assert!(!format!("{hep:?}").contains("key\""), "a key is in no log");
    let wall_at_zero = Wall(1_790_000_000_000_000);
    let trace = TraceConfig { budget_bytes: 0, wall_at_zero, hep: Some(hep) };
    let stage = Stage::with(with(trace));
    let phone = Phone::new(&stage);
    let secret = "Authorization: Basic c2VjcmV0\r\nContent-Length";
    phone.send(&phone.text("OPTIONS", "a", "a").replacen("Content-Length", secret, 1));
    let (tx, request, _) = stage.request();
    stage.respond(tx, &request, 200);
    phone.receive();
    let mut seen = Vec::new();
    for (source, destination) in [(phone.addr(), stage.addr), (stage.addr, phone.addr())] {
        let mut packet = [0; 2_000];
        let (length, _) = collector.recv_from(&mut packet).expect("the collector was told");
        let chunks = chunks(&packet[..length]);
        let chunk = |kind: u16| chunks.iter().find(|(is, _)| *is == kind).map(|(_, value)| *value);
        assert_eq!(chunk(7), Some(&source.port().to_be_bytes()[..]));
        assert_eq!(chunk(8), Some(&destination.port().to_be_bytes()[..]));
        assert_eq!(chunk(12), Some(&2_001_u32.to_be_bytes()[..]));
        assert_eq!(chunk(14), Some(&b"key"[..]));
        let seconds = u32::from_be_bytes(chunk(9).unwrap().try_into().unwrap());
        assert!((1_790_000_000..1_790_000_100).contains(&seconds), "{seconds}");
        seen.push(String::from_utf8(chunk(15).unwrap().to_vec()).unwrap());
    }
    assert!(seen[0].starts_with("OPTIONS ") && seen[1].starts_with("SIP/2.0 200 "), "{seen:?}");
    assert!(seen[0].contains("Authorization: Basic ********\r\n"), "{seen:?}");
    assert_eq!(stage.workers.counts().hep_dropped, 0);
    stage.workers.stop();
}

/// A HEPv3 packet taken apart: types and values of its chunks.
fn chunks(packet: &[u8]) -> Vec<(u16, &[u8])> {
    let number = |at: usize| usize::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
    assert_eq!((&packet[..4], number(4)), (&b"HEP3"[..], packet.len()));
    let (mut at, mut chunks) = (6, Vec::new());
    while at < packet.len() {
        let length = number(at + 4);
        chunks.push((u16::try_from(number(at + 2)).unwrap(), &packet[at + 6..at + length]));
        at += length;
    }
    chunks
}
