//! Requests that come (RFC 3261 §17.2, RFC 6026 §7.1).

use model::Transport;

use super::{Bench, request_text};

const UDP: Transport = Transport::Udp;
const TCP: Transport = Transport::Tcp;

/// The ACK for a 2xx: a branch of its own, and our tag.
const ACK: [(&str, &str); 2] =
    [("bKone", "bKack"), ("95512@10.0.0.1>\r", "95512@10.0.0.1>;tag=ours\r")];

#[test]
fn an_invite_gets_100_when_its_answer_takes_long() {
    let mut bench = Bench::over(UDP);
    assert_eq!(bench.receive("INVITE", &[]), ["request INVITE"]);
    assert_eq!(bench.pass(1_000), ["200: send 100"]);
    assert_eq!(bench.receive("INVITE", &[]), ["send 100"]);
    assert_eq!(bench.respond(180), ["send 180"]);
    assert_eq!(bench.receive("INVITE", &[]), ["send 180"]);
    assert_eq!(bench.table.counts().repeats, 2);
    assert_eq!(bench.pass(60_000), [""; 0]);
}

#[test]
fn a_2xx_is_repeated_until_its_ack_and_the_ack_is_reported_once() {
    for transport in [UDP, TCP] {
        let mut bench = Bench::over(transport);
        bench.receive("INVITE", &[]);
        assert_eq!(bench.respond(200), ["send 200"]);
        assert_eq!(bench.pass(4_000), ["500: send 200", "1500: send 200", "3500: send 200"]);
        assert_eq!(bench.receive("INVITE", &[]), ["send 200"]);
        assert_eq!(bench.receive("ACK", &ACK), ["ack"]);
        assert_eq!(bench.receive("ACK", &ACK), [""; 0]);
        assert_eq!(bench.receive("INVITE", &[]), [""; 0]);
        assert_eq!(bench.pass(40_000), [""; 0]);
        assert!(bench.table.is_empty());
        assert_eq!(bench.receive("ACK", &ACK), [""; 0]);
        assert_eq!(bench.table.counts().stray, 1);
    }
}

#[test]
fn a_2xx_that_is_never_acknowledged_is_given_up_after_64_t1() {
    let mut bench = Bench::over(UDP);
    bench.receive("INVITE", &[]);
    bench.respond(200);
    let said = bench.pass(40_000);
    assert_eq!(said.last().map(String::as_str), Some("32000: ack timeout"));
    assert_eq!(said.len(), 11);
    assert_eq!(said[9], "31500: send 200");
    assert!(bench.table.is_empty());
}

#[test]
fn a_failure_is_repeated_until_its_ack_over_udp() {
    let mut bench = Bench::over(UDP);
    bench.receive("INVITE", &[]);
    assert_eq!(bench.respond(486), ["send 486"]);
    assert_eq!(bench.respond(200), [""; 0]);
    assert_eq!(
        bench.pass(8_000),
        ["500: send 486", "1500: send 486", "3500: send 486", "7500: send 486"]
    );
    assert_eq!(bench.receive("INVITE", &[]), ["send 486"]);
    let ack = [("95512@10.0.0.1>\r", "95512@10.0.0.1>;tag=ours\r")];
    assert_eq!(bench.receive("ACK", &ack), [""; 0]);
    assert_eq!(bench.receive("INVITE", &[]), [""; 0]);
    assert_eq!(bench.pass(4_999), [""; 0]);
    assert_eq!(bench.table.len(), 1);
    bench.pass(1);
    assert!(bench.table.is_empty());
}

#[test]
fn a_failure_is_sent_once_over_tcp_and_ends_with_its_ack_or_timer_h() {
    let mut bench = Bench::over(TCP);
    bench.receive("INVITE", &[]);
    bench.respond(404);
    assert_eq!(bench.pass(10_000), [""; 0]);
    bench.receive("ACK", &[]);
    assert!(bench.table.is_empty());
    bench.receive("INVITE", &[("bKone", "bKtwo")]);
    bench.respond(404);
    bench.pass(31_999);
    assert_eq!(bench.table.len(), 1);
    bench.pass(1);
    assert!(bench.table.is_empty());
}

#[test]
fn a_cancel_is_answered_and_reported_once() {
    let mut bench = Bench::over(UDP);
    bench.receive("INVITE", &[]);
    bench.respond(180);
    assert_eq!(bench.receive("CANCEL", &[]), ["send 200", "cancelled"]);
    assert_eq!(bench.receive("CANCEL", &[]), ["send 200"]);
    assert_eq!(bench.respond(487), ["send 487"]);
    assert_eq!(bench.receive("CANCEL", &[]), ["send 200"]);
}

#[test]
fn a_cancel_after_the_answer_changes_nothing_and_one_for_nothing_gets_481() {
    let mut bench = Bench::over(UDP);
    assert_eq!(bench.receive("CANCEL", &[]), ["send 481"]);
    bench.receive("INVITE", &[]);
    bench.respond(200);
    assert_eq!(bench.receive("CANCEL", &[]), ["send 200"]);
    assert_eq!(bench.receive("CANCEL", &[("bKone", "bKother")]), ["send 481"]);
}

#[test]
fn a_repeated_request_gets_the_same_answer_until_timer_j() {
    let mut bench = Bench::over(UDP);
    assert_eq!(bench.receive("BYE", &[]), ["request BYE"]);
    assert_eq!(bench.receive("BYE", &[]), [""; 0]);
    assert_eq!(bench.respond(200), ["send 200"]);
    assert_eq!(bench.respond(500), [""; 0]);
    bench.pass(31_999);
    assert_eq!(bench.receive("BYE", &[]), ["send 200"]);
    bench.pass(1);
    assert!(bench.table.is_empty());
    assert_eq!(bench.receive("BYE", &[]), ["request BYE"]);
}

#[test]
fn over_tcp_an_answered_request_is_forgotten_at_once() {
    let mut bench = Bench::over(TCP);
    bench.receive("OPTIONS", &[]);
    assert_eq!(bench.respond(100), ["send 100"]);
    assert_eq!(bench.respond(200), ["send 200"]);
    assert!(bench.table.is_empty());
}

#[test]
fn a_request_that_nobody_answers_is_forgotten() {
    let mut bench = Bench::over(UDP);
    bench.receive("INFO", &[]);
    assert_eq!(bench.pass(32_000), [""; 0]);
    assert!(bench.table.is_empty());
    assert_eq!(bench.respond(200), [""; 0], "an answer that comes too late goes nowhere");
}

#[test]
fn a_late_answer_does_not_reach_the_next_transaction_in_its_place() {
    let mut bench = Bench::over(UDP);
    bench.receive("INFO", &[]);
    let old = bench.request.clone();
    bench.pass(32_000);
    bench.receive("OPTIONS", &[("bKone", "bKnext")]);
    bench.request = old;
    assert_eq!(bench.respond(200), [""; 0]);
}

#[test]
fn peers_of_rfc_2543_are_matched_without_branch() {
    let mut bench = Bench::over(UDP);
    let old = [(";branch=z9hG4bKone", "")];
    assert_eq!(bench.receive("INVITE", &old), ["request INVITE"]);
    assert_eq!(bench.receive("INVITE", &old), [""; 0]);
    bench.respond(404);
    assert_eq!(bench.receive("ACK", &old), [""; 0]);
    assert_eq!(bench.receive("INVITE", &old), [""; 0]);
    let next = [old[0], ("CSeq: 1 ", "CSeq: 2 ")];
    assert_eq!(bench.receive("INVITE", &next), ["request INVITE"]);
}

#[test]
fn a_refused_request_gets_the_same_answer_without_a_transaction() {
    let mut bench = Bench::over(UDP);
    let text = request_text("INVITE", &[("Call-ID: in\r\n", "Call-ID: in\r\nRequire: x\r\n")]);
    for _ in 0..2 {
        assert_eq!(bench.receive_text(&text), ["send 420"]);
    }
    assert_eq!(bench.receive("ACK", &[]), [""; 0]);
    assert_eq!((bench.table.len(), bench.table.counts().refused), (0, 2));
}

#[test]
fn the_same_request_on_another_way_gets_482() {
    let mut bench = Bench::over(UDP);
    bench.receive("OPTIONS", &[("bKone", "bKasked")]);
    assert_eq!(bench.receive("OPTIONS", &[("bKone", "bKagain")]), ["send 482"]);
    let mut bench = Bench::over(UDP);
    bench.receive("INVITE", &[]);
    assert_eq!(bench.receive("INVITE", &[("bKone", "bKtwo")]), ["send 482"]);
    let inside = [("bKone", "bKthree"), ("95512@10.0.0.1>\r", "95512@10.0.0.1>;tag=x\r")];
    assert_eq!(bench.receive("INVITE", &inside), ["request INVITE"]);
}

#[test]
fn answers_go_where_the_via_says() {
    use crate::transactions::TxOutput;
    for (via, wanted) in [
        ("SIP/2.0/UDP 192.168.1.1:5070;branch=z9hG4bKa", "10.0.0.9:5070"),
        ("SIP/2.0/UDP 192.168.1.1:5070;rport;branch=z9hG4bKb", "10.0.0.9:4000"),
        ("SIP/2.0/UDP host.example.com;branch=z9hG4bKc", "10.0.0.9:5060"),
    ] {
        let mut bench = Bench::over(UDP);
        let changes = [("SIP/2.0/UDP 10.0.0.9:4000;branch=z9hG4bKone", via)];
        bench.receive("OPTIONS", &changes);
        let (tx, request) = bench.request.clone().unwrap();
        let message = crate::ResponseBuilder::to(&request, 200).build();
        let top = message.top_via().unwrap();
        assert_eq!(top.received(), Some("10.0.0.9".parse().unwrap()));
        assert_eq!(top.rport(), via.contains("rport").then_some(Some(4000)));
        bench.table.handle_command(crate::FromBrain::Respond { tx, message }, bench.now);
        match bench.table.poll_output() {
            Some(TxOutput::Transmit { flow, .. }) => assert_eq!(flow.remote.to_string(), wanted),
            other => panic!("{other:?}"),
        }
    }
}
