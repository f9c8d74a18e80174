//! Requests and responses over TCP.

use std::io::Read as _;
use std::net::TcpListener;

use model::Transport;
use net::sip::Limits;
use sip::{ClientTx, Flow, FromBrain, Method, RequestBuilder, ResponseBuilder, ToBrain};

use crate::stage::{Line, PATIENCE, Phone, Setting, Stage};

fn limits(change: impl FnOnce(&mut Limits)) -> Setting {
    let mut limits = Limits::default();
    change(&mut limits);
    Setting { limits, ..Setting::default() }
}

fn ask(stage: &Stage, number: u64, remote: std::net::SocketAddr, body: &[u8]) {
    let message = RequestBuilder::new(Method::Options, "sip:phone@127.0.0.1")
        .from("<sip:95512@127.0.0.1>", "us")
        .to("<sip:phone@127.0.0.1>", None)
        .call_id(&format!("out{number}"))
        .cseq(1)
        .body("text/plain", body)
        .build();
    let flow =
        Flow { transport: Transport::Tcp, local: stage.addr, remote, connection: 0, listener: 1 };
    let tx = ClientTx::new(0, number);
    stage.workers.send(FromBrain::Request { tx, message, flow }).unwrap();
}

#[test]
fn messages_are_found_however_the_stream_is_cut() {
    let stage = Stage::new();
    let mut line = Line::new(&stage);
    let text = line.text("OPTIONS", "a", "1").replace("Length: 0", "Length: 4") + "body";
    for byte in text.as_bytes() {
        line.send([*byte]);
    }
    let (tx, request, flow) = stage.request();
    assert_eq!(request.body(), b"body");
    assert_eq!((flow.transport, flow.remote), (Transport::Tcp, line.stream.local_addr().unwrap()));
    assert!(flow.connection > 0);
    stage.respond(tx, &request, 200);
    assert_eq!(line.receive().status(), Some(200));
    // Two and a half messages in one segment, and the rest in the next.
    let many = line.text("OPTIONS", "b", "2") + &line.text("OPTIONS", "c", "3");
    let last = line.text("OPTIONS", "d", "4");
    let (head, tail) = last.split_at(100);
    line.send(many + head);
    line.send(tail);
    for call in ["b", "c", "d"] {
        let (tx, request, _) = stage.request();
        assert_eq!(request.call_id(), call);
        stage.respond(tx, &request, 404);
        assert_eq!(line.receive().status(), Some(404));
    }
}

#[test]
fn a_keep_alive_is_answered() {
    use std::io::Read as _;
    let stage = Stage::new();
    let mut line = Line::new(&stage);
    line.send("\r\n\r\n");
    let mut answer = [0; 2];
    line.stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"\r\n");
}

#[test]
fn a_connection_that_cannot_be_followed_is_closed() {
    let stage = Stage::new();
    for bytes in ["hello\r\n\r\n".to_owned(), "x".repeat(40_000)] {
        let mut line = Line::new(&stage);
        line.send(bytes);
        line.wait_for_end();
        assert!(matches!(stage.report(), ToBrain::FlowClosed { .. }));
    }
    let without_length =
        |line: &Line| line.text("OPTIONS", "a", "1").replace("Content-Length: 0\r\n", "");
    let mut line = Line::new(&stage);
    line.send(without_length(&line));
    line.wait_for_end();
    let counts = stage.counts(|counts| counts.connections_closed == 3);
    assert_eq!((counts.malformed, counts.connections), (3, 0));
}

#[test]
fn one_source_has_a_limited_number_of_connections() {
    let stage = Stage::with(limits(|limits| limits.connections_per_source = 2));
    let mut first = Line::new(&stage);
    let mut second = Line::new(&stage);
    stage.counts(|counts| counts.connections == 2);
    Line::new(&stage).wait_for_end();
    stage.counts(|counts| counts.connections_closed == 1);
    // When one is gone there is room again.
    drop(std::mem::replace(&mut first, Line::over(second.stream.try_clone().unwrap())));
    stage.counts(|counts| counts.connections == 1);
    assert!(matches!(stage.report(), ToBrain::FlowClosed { .. }));
    let mut third = Line::new(&stage);
    for (line, branch) in [(&mut second, "1"), (&mut third, "2")] {
        line.send(line.text("OPTIONS", branch, branch));
        let (tx, request, _) = stage.request();
        stage.respond(tx, &request, 200);
        assert_eq!(line.receive().call_id(), branch);
    }
}

#[test]
fn all_together_have_a_limited_number_of_connections_and_strangers_none() {
    let stage = Stage::with(limits(|limits| limits.connections = 1));
    let stranger =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    stranger.bind(&"127.0.0.2:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    stranger.connect(&stage.addr.into()).unwrap();
    Line::over(stranger.into()).wait_for_end();
    stage.counts(|counts| counts.not_admitted == 1 && counts.connections == 0);
    let _held = Line::new(&stage);
    stage.counts(|counts| counts.connections == 1);
    Line::new(&stage).wait_for_end();
    stage.counts(|counts| counts.connections_closed == 1);
}

#[test]
fn a_message_that_does_not_end_and_a_line_that_rests_are_closed() {
    let stage = Stage::with(limits(|limits| {
        limits.connection_partial_ms = 100;
        limits.connection_idle_ms = 2_500;
    }));
    let mut resting = Line::new(&stage);
    // The first half of a keep-alive is no message.
    resting.send("\r\n");
    let mut slow = Line::new(&stage);
    slow.send("OPTIONS sip:h SIP/2.0\r\n");
    slow.wait_for_end();
    let counts = stage.counts(|counts| counts.connections_closed == 1);
    assert_eq!(counts.connections, 1, "the other one still lives");
    resting.wait_for_end();
    stage.counts(|counts| counts.connections_closed == 2 && counts.connections == 0);
}

#[test]
fn a_request_of_ours_opens_a_connection_and_the_next_one_uses_it() {
    let stage = Stage::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = listener.local_addr().unwrap();
    ask(&stage, 1, remote, b"");
    let (stream, _) = listener.accept().unwrap();
    let mut line = Line::over(stream);
    ask(&stage, 2, remote, b"");
    for call in ["out1", "out2"] {
        let request = line.receive();
        assert_eq!((request.call_id(), request.top_via().unwrap().transport()), (call, "TCP"));
        line.send(ResponseBuilder::to(&request, 200).to_tag("x").build());
        assert!(matches!(stage.report(), ToBrain::Response { .. }));
    }
    assert_eq!(stage.counts(|counts| counts.connections > 0).connections, 1);
    // What was asked over it and not answered fails with it.
    ask(&stage, 3, remote, b"");
    assert_eq!(line.receive().call_id(), "out3");
    drop(line);
    assert!(matches!(stage.report(), ToBrain::TransportFailed { tx } if tx == ClientTx::new(0, 3)));
    assert!(matches!(stage.report(), ToBrain::FlowClosed { flow } if flow.remote == remote));
}

#[test]
fn a_connection_of_ours_that_rests_is_kept_alive() {
    let stage = Stage::with(limits(|limits| limits.connection_ping_ms = 500));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    ask(&stage, 1, listener.local_addr().unwrap(), b"");
    let mut line = Line::over(listener.accept().unwrap().0);
    let request = line.receive();
    line.send(ResponseBuilder::to(&request, 200).to_tag("x").build());
    let mut ping = [0; 4];
    line.stream.read_exact(&mut ping).unwrap();
    assert_eq!(&ping, b"\r\n\r\n");
    // The answer to it is no message and no fault.
    line.send("\r\n");
    line.stream.read_exact(&mut ping).unwrap();
    assert_eq!(stage.counts(|counts| counts.connections == 1).malformed, 0);
}

#[test]
fn where_nobody_listens_a_request_fails_at_once() {
    let stage = Stage::new();
    let listener = TcpListener::bind("127.0.0.78:0").unwrap();
    let remote = listener.local_addr().unwrap();
    drop(listener);
    ask(&stage, 1, remote, b"");
    assert!(matches!(stage.report(), ToBrain::TransportFailed { .. }));
}

#[test]
fn an_answer_whose_connection_is_gone_opens_one_to_the_port_of_the_via() {
    let stage = Stage::new();
    let home = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut line = Line::new(&stage);
    let own = line.stream.local_addr().unwrap().to_string();
    let text = line.text("OPTIONS", "a", "1");
    line.send(text.replace(&own, &home.local_addr().unwrap().to_string()));
    let (tx, request, _) = stage.request();
    drop(line);
    assert!(matches!(stage.report(), ToBrain::FlowClosed { .. }));
    stage.respond(tx, &request, 200);
    let (stream, _) = home.accept().unwrap();
    assert_eq!(Line::over(stream).receive().status(), Some(200));
}

#[test]
fn a_peer_that_does_not_read_costs_no_more_than_its_backlog() {
    let stage = Stage::with(limits(|limits| limits.connection_backlog_bytes = 100_000));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = listener.local_addr().unwrap();
    ask(&stage, 1, remote, b"");
    let (_silent, _) = listener.accept().unwrap();
    let body = vec![b'x'; 60_000];
    let mut number = 1;
    // The kernel takes some megabytes, then the backlog fills, then the connection is closed.
    while !matches!(stage.reports.try_recv(), Ok(ToBrain::TransportFailed { .. })) {
        number += 1;
        assert!(number < 2_000, "nothing stops it");
        ask(&stage, number, remote, &body);
        stage.counts(|counts| counts.sent + counts.send_failures >= number);
    }
}

#[test]
fn udp_is_served_beside_streams() {
    let stage = Stage::new();
    let lines: Vec<_> = (0..50).map(|_| Line::new(&stage)).collect();
    stage.counts(|counts| counts.connections == 50);
    let phone = Phone::new(&stage);
    phone.send(&phone.text("OPTIONS", "a", "1"));
    let (tx, request, _) = stage.request();
    stage.respond(tx, &request, 200);
    assert_eq!(phone.receive().status(), Some(200));
    drop(lines);
    stage.counts(|counts| counts.connections == 0);
    assert!(PATIENCE.as_secs() > 1);
}
