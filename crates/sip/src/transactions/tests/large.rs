//! Long requests over a stream, and back (RFC 3261 §18.1.1).

use model::Transport;

use super::{Bench, flow};
use crate::transactions::large::MAX_DATAGRAM_REQUEST;
use crate::{ClientTx, Flow, FromBrain, Method, RequestBuilder, TxOutput};

/// A table whose UDP listener has a TCP listener beside it, on another port.
fn bench() -> Bench {
    let mut bench = Bench::over(Transport::Udp);
    bench.table.set_streams(vec![Some((1, 5070)), None]);
    bench
}

fn request(method: Method, number: u64, body: usize, flow: Flow) -> FromBrain {
    let message = RequestBuilder::new(method, "sip:8001@10.0.0.9")
        .from("<sip:95512@10.0.0.1>", "us")
        .to("<sip:8001@10.0.0.9>", None)
        .call_id("out")
        .cseq(3)
        .body("text/plain", "x".repeat(body).as_bytes())
        .build();
    FromBrain::Request { tx: ClientTx::new(0, number), message, flow }
}

/// What the Via of the last request says.
fn via(bench: &Bench) -> String {
    let sent = bench.sent.as_ref().unwrap();
    let via = sent.top_via().unwrap();
    format!("{} {}:{}", via.transport(), via.host(), via.port().unwrap())
}

/// The stream to that peer could not be opened.
fn refused() -> Flow {
    Flow { transport: Transport::Tcp, connection: 0, listener: 1, ..flow(Transport::Udp) }
}

#[test]
fn what_no_datagram_carries_goes_over_tcp_and_what_fits_does_not() {
    let mut bench = bench();
    let udp = flow(Transport::Udp);
    assert_eq!(bench.command(request(Method::Options, 1, 900, udp)), ["send OPTIONS"]);
    assert_eq!(via(&bench), "UDP 10.0.0.1:5060");
    assert!(bench.sent.as_ref().unwrap().as_bytes().len() <= MAX_DATAGRAM_REQUEST);
    assert_eq!(bench.command(request(Method::Options, 2, 1_300, udp)), ["send OPTIONS"]);
    assert_eq!(via(&bench), "TCP 10.0.0.1:5070");
    assert_eq!(bench.answer(200, "x"), ["response 200"]);
    // The first one alone is repeated.
    assert_eq!(bench.pass(1_000), ["500: send OPTIONS"]);
}

#[test]
fn where_there_is_no_stream_it_stays_a_datagram() {
    let mut bench = bench();
    let second = Flow { listener: 1, ..flow(Transport::Udp) };
    bench.command(request(Method::Options, 1, 3_000, second));
    assert_eq!(via(&bench), "UDP 10.0.0.1:5060");
    let mut alone = Bench::over(Transport::Udp);
    alone.command(request(Method::Options, 1, 3_000, flow(Transport::Udp)));
    assert_eq!(via(&alone), "UDP 10.0.0.1:5060");
}

#[test]
fn a_peer_that_takes_no_stream_is_sent_datagrams_for_ten_minutes() {
    let mut bench = bench();
    let udp = flow(Transport::Udp);
    bench.command(request(Method::Invite, 1, 1_300, udp));
    assert_eq!(via(&bench), "TCP 10.0.0.1:5070");
    bench.table.handle_flow_not_opened(refused(), bench.now);
    assert_eq!(bench.said(), ["send INVITE"], "nobody is told");
    assert_eq!(via(&bench), "UDP 10.0.0.1:5060");
    assert_eq!(bench.pass(600), ["500: send INVITE"], "as datagrams are");
    assert_eq!(bench.answer(486, "x"), ["send ACK", "response 486"]);
    bench.command(request(Method::Options, 2, 1_300, udp));
    assert_eq!(via(&bench), "UDP 10.0.0.1:5060", "it is known");
    assert_eq!(bench.answer(200, "x"), ["response 200"]);
    bench.pass(600_000);
    bench.command(request(Method::Options, 3, 1_300, udp));
    assert_eq!(via(&bench), "TCP 10.0.0.1:5070", "it is tried again");
}

#[test]
fn a_request_that_was_answered_over_the_stream_fails_with_it() {
    let mut bench = bench();
    bench.command(request(Method::Invite, 1, 1_300, flow(Transport::Udp)));
    assert_eq!(bench.answer(180, "x"), ["response 180"]);
    bench.table.handle_flow_not_opened(refused(), bench.now);
    assert_eq!(bench.said(), ["transport failed"]);
    assert!(bench.table.is_empty());
}

#[test]
fn a_cancel_that_waited_moves_along() {
    let mut bench = bench();
    bench.command(request(Method::Invite, 1, 1_300, flow(Transport::Udp)));
    let cancel = FromBrain::Cancel { tx: ClientTx::new(0, 1), reason: "Q.850;cause=16" };
    assert_eq!(bench.command(cancel), [""; 0], "nothing has come yet (RFC 3261 §9.1)");
    bench.table.handle_flow_not_opened(refused(), bench.now);
    assert_eq!(bench.said(), ["send INVITE"]);
    let sent = bench.sent.clone();
    let said = bench.answer(100, "");
    assert_eq!(said, ["send CANCEL", "response 100"]);
    assert_eq!(bench.sent.as_ref().unwrap().method(), Method::Cancel);
    bench.sent = sent;
    assert_eq!(bench.answer(487, "x"), ["send ACK", "response 487"]);
}

#[test]
fn a_stream_that_was_open_is_no_reason_to_send_datagrams() {
    let mut bench = bench();
    let udp = flow(Transport::Udp);
    bench.command(request(Method::Options, 1, 1_300, udp));
    assert_eq!(via(&bench), "TCP 10.0.0.1:5070");
    // Another connection of that peer, by another listener, says nothing of this one.
    let other = Flow { connection: 8, listener: 3, ..refused() };
    bench.table.handle_flow_closed(other, bench.now);
    assert_eq!(bench.said(), ["flow closed"]);
    let open = Flow { connection: 7, ..refused() };
    bench.table.handle_flow_closed(open, bench.now);
    assert_eq!(bench.said(), ["transport failed", "flow closed"]);
    bench.command(request(Method::Options, 2, 1_300, udp));
    assert_eq!(via(&bench), "TCP 10.0.0.1:5070", "the peer takes streams all the same");
}

#[test]
fn rfc_5626_section_5_3_what_belongs_on_a_flow_stays_there_however_long() {
    let mut bench = bench();
    let FromBrain::Request { tx, message, flow } =
        request(Method::Invite, 1, 3_000, flow(Transport::Udp))
    else {
        panic!("it is a request");
    };
    let message = message.to_stay_on_flow();
    bench.command(FromBrain::Request { tx, message, flow });
    assert_eq!(via(&bench), "UDP 10.0.0.1:5060");
}

#[test]
fn a_long_ack_goes_the_way_of_what_it_acknowledges_and_leaves_nothing_behind() {
    let mut bench = bench();
    bench.table.handle_command(request(Method::Ack, 1, 3_000, flow(Transport::Udp)), bench.now);
    let Some(TxOutput::Transmit { flow: way, .. }) = bench.table.poll_output() else {
        panic!("nothing was sent");
    };
    assert_eq!(way, flow(Transport::Udp));
    assert!(bench.table.is_empty());
}
