//! Requests and responses over UDP.

use model::Transport;
use sip::{ClientTx, Flow, FromBrain, Method, RequestBuilder, ToBrain};

use crate::stage::{Phone, Stage};

fn options(call: &str) -> sip::Message {
    RequestBuilder::new(Method::Options, "sip:phone@127.0.0.1")
        .from("<sip:95512@127.0.0.1>", "us")
        .to("<sip:phone@127.0.0.1>", None)
        .call_id(call)
        .cseq(1)
        .build()
}

fn flow_to(stage: &Stage, phone: &Phone) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: stage.addr,
        remote: phone.addr(),
        connection: 0,
        listener: 0,
    }
}

#[test]
fn a_request_is_reported_and_its_answer_goes_back() {
    let stage = Stage::new();
    let phone = Phone::new(&stage);
    phone.send(&phone.text("OPTIONS", "a", "1"));
    let (tx, request, flow) = stage.request();
    assert_eq!((flow.remote, flow.local, flow.connection), (phone.addr(), stage.addr, 0));
    assert_eq!(request.source(), Some(phone.addr()));
    stage.respond(tx, &request, 200);
    let response = phone.receive();
    assert_eq!((response.status(), response.call_id()), (Some(200), "a"));
    assert_eq!(response.top_via().unwrap().rport(), Some(Some(phone.addr().port())));
    let counts = stage.counts(|counts| counts.received == 1 && counts.sent == 1);
    assert_eq!(counts.transactions, 1);
}

#[test]
fn a_repeated_invite_is_answered_without_the_brain() {
    let stage = Stage::new();
    let phone = Phone::new(&stage);
    let invite = phone.text("INVITE", "a", "1");
    phone.send(&invite);
    let (tx, request, _) = stage.request();
    stage.respond(tx, &request, 180);
    assert_eq!(phone.receive().status(), Some(180));
    for _ in 0..3 {
        phone.send(&invite);
        assert_eq!(phone.receive().status(), Some(180));
    }
    stage.respond(tx, &request, 486);
    assert_eq!(phone.receive().status(), Some(486));
    let to = "To: <sip:95512@127.0.0.1>";
    phone.send(&phone.text("ACK", "a", "1").replace(to, &format!("{to};tag=ours")));
    phone.send(&phone.text("OPTIONS", "b", "2"));
    let (_, next, _) = stage.request();
    assert_eq!(next.call_id(), "b", "the brain hears of an INVITE once, of this ACK never");
    stage.counts(|counts| counts.retransmissions == 3);
}

#[test]
fn a_2xx_is_repeated_by_the_clock_until_its_ack() {
    let stage = Stage::new();
    let phone = Phone::new(&stage);
    phone.send(&phone.text("INVITE", "a", "1"));
    let (tx, request, _) = stage.request();
    stage.respond(tx, &request, 200);
    for _ in 0..2 {
        assert_eq!(phone.receive().status(), Some(200));
    }
    let to = "To: <sip:95512@127.0.0.1>";
    phone.send(&phone.text("ACK", "a", "ack").replace(to, &format!("{to};tag=ours")));
    assert!(matches!(stage.report(), ToBrain::Ack { .. }));
}

#[test]
fn an_invite_that_waits_gets_100_and_a_cancel_is_answered() {
    let stage = Stage::new();
    let phone = Phone::new(&stage);
    phone.send(&phone.text("INVITE", "a", "1"));
    let (tx, _, _) = stage.request();
    assert_eq!(phone.receive().status(), Some(100));
    phone.send(&phone.text("CANCEL", "a", "1"));
    let answer = phone.receive();
    assert_eq!((answer.status(), answer.method()), (Some(200), Method::Cancel));
    assert!(matches!(stage.report(), ToBrain::Cancelled { tx: same, .. } if same == tx));
}

#[test]
fn a_request_of_ours_is_repeated_until_it_is_answered() {
    let stage = Stage::new();
    let phone = Phone::new(&stage);
    let tx = ClientTx::new(0, 1);
    let flow = flow_to(&stage, &phone);
    stage.workers.send(FromBrain::Request { tx, message: options("out"), flow }).unwrap();
    let first = phone.receive();
    let again = phone.receive();
    assert_eq!(first, again);
    assert_eq!(first.top_via().unwrap().port(), Some(stage.addr.port()));
    let response = sip::ResponseBuilder::to(&again, 200).to_tag("x").build();
    phone.socket.send_to(response.as_bytes(), stage.addr).unwrap();
    match stage.report() {
        ToBrain::Response { tx: same, message, .. } => {
            assert_eq!((same, message.status()), (tx, Some(200)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_that_cannot_leave_this_host_fails_at_once() {
    let stage = Stage::new();
    let phone = Phone::new(&stage);
    // No way leads from loopback to another network.
    let flow = Flow { remote: "192.0.2.1:5060".parse().unwrap(), ..flow_to(&stage, &phone) };
    let tx = ClientTx::new(0, 1);
    stage.workers.send(FromBrain::Request { tx, message: options("lost"), flow }).unwrap();
    assert!(matches!(stage.report(), ToBrain::TransportFailed { tx: failed } if failed == tx));
    stage.counts(|counts| counts.send_failures == 1);
}

#[test]
fn strangers_and_noise_are_dropped_and_counted() {
    let stage = Stage::new();
    let stranger = Phone::on(&stage, "127.0.0.2:0");
    stranger.send(&stranger.text("INVITE", "a", "1"));
    let phone = Phone::new(&stage);
    for noise in ["\r\n\r\n", "\0", "hello", "GET / HTTP/1.1\r\n\r\n", "SIP/2.0 999 x\r\n\r\n"] {
        phone.send(noise);
    }
    phone.send(&phone.text("OPTIONS", "b", "1"));
    let (_, request, _) = stage.request();
    assert_eq!(request.call_id(), "b");
    stage.counts(|counts| (counts.not_admitted, counts.malformed) == (1, 3));
    phone.send(&phone.text("OPTIONS", "c", "2").replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"));
    assert_eq!(phone.receive().status(), Some(505));
    stage.counts(|counts| counts.refused == 1);
}

#[test]
fn what_was_queued_leaves_before_the_workers_stop() {
    let stage = Stage::new();
    let phone = Phone::new(&stage);
    let flow = flow_to(&stage, &phone);
    for number in 0..50 {
        let (tx, message) = (ClientTx::new(0, number), options(&number.to_string()));
        stage.workers.send(FromBrain::Request { tx, message, flow }).unwrap();
    }
    stage.workers.stop();
    for number in 0..50 {
        assert_eq!(phone.receive().call_id(), number.to_string());
    }
    assert!(stage.reports.recv().is_err(), "the workers have let go of the brain's queue");
}

#[test]
fn a_command_for_a_worker_that_is_not_there_comes_back() {
    let stage = Stage::new();
    let cancel = FromBrain::Cancel { tx: ClientTx::new(5, 1), reason: "" };
    assert!(matches!(stage.workers.send(cancel), Err(net::sip::Full(FromBrain::Cancel { .. }))));
}
