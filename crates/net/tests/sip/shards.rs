//! Several workers: each call is with one of them, whoever reads the socket.

use std::collections::BTreeSet;

use model::Transport;
use sip::{ClientTx, Flow, FromBrain, Method, RequestBuilder, ResponseBuilder, ToBrain};

use crate::stage::{Line, Phone, Setting, Stage};

fn stage() -> Stage {
    Stage::with(Setting { workers: 2, ..Setting::default() })
}

#[test]
fn calls_are_shared_out_and_stay_where_they_are() {
    let stage = stage();
    let phone = Phone::new(&stage);
    let mut used = BTreeSet::new();
    for number in 0..32 {
        let (call, branch) = (format!("call{number}"), format!("b{number}"));
        let invite = phone.text("INVITE", &call, &branch);
        phone.send(&invite);
        let (tx, request, _) = stage.request();
        assert_eq!(tx.worker(), stage.workers.worker_of(&call));
        used.insert(tx.worker());
        stage.respond(tx, &request, 200);
        assert_eq!(phone.receive().status(), Some(200));
        // Its repetition, its CANCEL and its ACK find it.
        phone.send(&invite);
        assert_eq!(phone.receive().status(), Some(200));
        phone.send(&phone.text("CANCEL", &call, &branch));
        assert_eq!(phone.receive().status(), Some(200));
        let to = "To: <sip:95512@127.0.0.1>";
        let ack = phone.text("ACK", &call, &format!("a{number}"));
        phone.send(&ack.replace(to, &format!("{to};tag=ours")));
        assert!(matches!(stage.report(), ToBrain::Ack { .. }));
    }
    assert_eq!(used, BTreeSet::from([0, 1]));
    let counts = stage.counts(|c| c.retransmissions == 32 && c.received == 128);
    assert_eq!((counts.transactions, counts.received), (32, 128));
}

#[test]
fn responses_find_the_worker_that_asked() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let stage = stage();
        let phone = Phone::new(&stage);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let is_stream = transport.is_reliable();
        let remote = if is_stream { listener.local_addr().unwrap() } else { phone.addr() };
        let listener_number = u16::from(is_stream);
        let mut line = None;
        for number in 0..8u64 {
            let tx = ClientTx::new((number % 2) as u8, number);
            let message = RequestBuilder::new(Method::Options, "sip:phone@127.0.0.1")
                .from("<sip:95512@127.0.0.1>", "us")
                .to("<sip:phone@127.0.0.1>", None)
                .call_id(&format!("out{number}"))
                .cseq(1)
                .build();
            let flow = Flow {
                transport,
                local: stage.addr,
                remote,
                connection: 0,
                listener: listener_number,
            };
            stage.workers.send(FromBrain::Request { tx, message, flow }).unwrap();
            let answer =
                |request: &sip::Message| ResponseBuilder::to(request, 200).to_tag("x").build();
            if is_stream {
                let line = line.get_or_insert_with(|| Line::over(listener.accept().unwrap().0));
                let response = answer(&line.receive());
                line.send(response);
            } else {
                let response = answer(&phone.receive());
                phone.socket.send_to(response.as_bytes(), stage.addr).unwrap();
            }
            match stage.report() {
                ToBrain::Response { tx: same, .. } => assert_eq!(same, tx),
                other => panic!("{other:?}"),
            }
        }
        drop(line);
    }
}

#[test]
fn a_stream_serves_the_calls_of_both_and_its_end_reaches_both() {
    let stage = stage();
    let mut line = Line::new(&stage);
    let mut used = BTreeSet::new();
    let mut flow = None;
    for number in 0..16 {
        line.send(line.text("OPTIONS", &format!("call{number}"), &format!("b{number}")));
        let (tx, request, way) = stage.request();
        used.insert(tx.worker());
        flow = Some(way);
        stage.respond(tx, &request, 200);
        assert_eq!(line.receive().status(), Some(200));
    }
    assert_eq!(used.len(), 2);
    let flow = flow.unwrap();
    for worker in [0, 1] {
        let message = RequestBuilder::new(Method::Info, "sip:phone@127.0.0.1")
            .from("<sip:95512@127.0.0.1>", "us")
            .to("<sip:phone@127.0.0.1>", Some("t"))
            .call_id("info")
            .cseq(1)
            .build();
        let tx = ClientTx::new(worker, 7);
        stage.workers.send(FromBrain::Request { tx, message, flow }).unwrap();
        assert_eq!(line.receive().method(), Method::Info);
    }
    drop(line);
    let mut failed = BTreeSet::new();
    let mut closed = 0;
    for _ in 0..3 {
        match stage.report() {
            ToBrain::TransportFailed { tx } => {
                failed.insert(tx.worker());
            }
            ToBrain::FlowClosed { .. } => closed += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((failed.len(), closed), (2, 1));
}

#[test]
fn as_many_workers_as_there_may_be_start_and_stop() {
    let stage = Stage::with(Setting { workers: 16, ..Setting::default() });
    let phone = Phone::new(&stage);
    for number in 0..64 {
        phone.send(&phone.text("OPTIONS", &number.to_string(), &number.to_string()));
    }
    let calls: BTreeSet<_> = (0..64).map(|_| stage.request().1.call_id().to_owned()).collect();
    assert_eq!(calls.len(), 64);
    stage.workers.stop();
}
