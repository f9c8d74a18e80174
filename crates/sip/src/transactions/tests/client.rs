//! Requests of ours (RFC 3261 §17.1 and §9.1, RFC 6026 §7.2).

use model::Transport;

use super::Bench;
use crate::{ClientTx, FromBrain, Message, Method, RequestBuilder};

const UDP: Transport = Transport::Udp;
const TCP: Transport = Transport::Tcp;

fn ack(tag: &str) -> Message {
    RequestBuilder::new(Method::Ack, "sip:8001@10.0.0.9")
        .from("<sip:95512@10.0.0.1>", "us")
        .to("<sip:8001@10.0.0.9>", Some(tag))
        .call_id("out")
        .cseq(3)
        .build()
}

fn cancel(number: u64) -> FromBrain {
    FromBrain::Cancel { tx: ClientTx::new(0, number), reason: "Q.850;cause=16" }
}

#[test]
fn an_invite_is_repeated_with_doubled_intervals_and_given_up() {
    let mut bench = Bench::over(UDP);
    assert_eq!(bench.send(Method::Invite, 1), ["send INVITE"]);
    let via = bench.sent.as_ref().unwrap().top_via().unwrap();
    assert_eq!((via.transport(), via.host(), via.port()), ("UDP", "10.0.0.1", Some(5060)));
    assert_eq!(
        bench.pass(40_000),
        [
            "500: send INVITE",
            "1500: send INVITE",
            "3500: send INVITE",
            "7500: send INVITE",
            "15500: send INVITE",
            "31500: send INVITE",
            "32000: timeout"
        ]
    );
    assert!(bench.table.is_empty());
}

#[test]
fn over_tcp_nothing_is_repeated() {
    let mut bench = Bench::over(TCP);
    bench.send(Method::Invite, 1);
    bench.send(Method::Options, 2);
    assert_eq!(bench.pass(32_000), ["32000: timeout", "32000: timeout"]);
}

#[test]
fn a_provisional_response_ends_the_repetitions() {
    let mut bench = Bench::over(UDP);
    bench.send(Method::Invite, 1);
    assert_eq!(bench.answer(100, ""), ["response 100"]);
    assert_eq!(bench.answer(180, "x"), ["response 180"]);
    assert_eq!(bench.answer(180, "x"), ["response 180"]);
    assert_eq!(bench.pass(120_000), [""; 0]);
    assert_eq!(bench.table.len(), 1);
}

#[test]
fn a_failure_is_acknowledged_each_time_and_reported_once() {
    let mut bench = Bench::over(UDP);
    bench.send(Method::Invite, 1);
    assert_eq!(bench.answer(486, "x"), ["send ACK", "response 486"]);
    assert_eq!(bench.answer(486, "x"), ["send ACK"]);
    assert_eq!(bench.pass(32_000), [""; 0]);
    assert!(bench.table.is_empty());
    assert_eq!(bench.answer(486, "x"), [""; 0]);
    assert_eq!(bench.table.counts().stray, 1);
}

#[test]
fn the_ack_for_a_failure_is_made_of_the_invite() {
    let mut bench = Bench::over(UDP);
    bench.send(Method::Invite, 1);
    let invite = bench.sent.clone().unwrap();
    let response = crate::ResponseBuilder::to(&invite, 404).to_tag("x").build();
    bench.table.handle_message(response, bench.flow, bench.now);
    let Some(crate::TxOutput::Transmit { message: ack, .. }) = bench.table.poll_output() else {
        panic!("no ACK");
    };
    assert_eq!(ack.header("Via"), invite.header("Via"));
    assert_eq!(ack.header("Route"), Some("<sip:10.0.0.9;lr>"));
    assert_eq!(ack.header("CSeq"), Some("3 ACK"));
    assert_eq!(ack.header("To"), Some("<sip:8001@10.0.0.9>;tag=x"));
    assert_eq!((ack.header("From"), ack.uri()), (invite.header("From"), invite.uri()));
    assert_eq!(ack.max_forwards(), Some(70));
}

#[test]
fn a_2xx_is_reported_once_a_fork_and_its_ack_is_repeated_with_it() {
    let mut bench = Bench::over(UDP);
    bench.send(Method::Invite, 1);
    bench.answer(180, "x");
    assert_eq!(bench.answer(200, "x"), ["response 200"]);
    assert_eq!(bench.answer(200, "x"), [""; 0]);
    let (tx, flow) = (ClientTx::new(0, 1), bench.flow);
    let acknowledged = bench.command(FromBrain::Ack { tx, message: ack("x"), flow });
    assert_eq!(acknowledged, ["send ACK"]);
    assert_eq!(bench.answer(200, "x"), ["send ACK"]);
    assert_eq!(bench.answer(200, "y"), ["response 200"]);
    assert_eq!(bench.answer(200, "y"), [""; 0]);
    assert_eq!(bench.answer(486, "z"), [""; 0]);
    assert_eq!(bench.pass(32_000), [""; 0]);
    assert!(bench.table.is_empty());
    let late = bench.command(FromBrain::Ack { tx, message: ack("y"), flow });
    assert_eq!(late, ["send ACK"], "an ACK is sent even where nothing is left to repeat it for");
}

#[test]
fn forks_are_bounded() {
    let mut bench = Bench::over(UDP);
    bench.send(Method::Invite, 1);
    let reported: usize = (0..20).map(|fork| bench.answer(200, &format!("t{fork}")).len()).sum();
    assert_eq!(reported, crate::MAX_FORKS);
}

#[test]
fn a_cancel_waits_for_a_provisional_response() {
    let mut bench = Bench::over(UDP);
    bench.send(Method::Invite, 1);
    assert_eq!(bench.command(cancel(1)), [""; 0]);
    let invite = bench.sent.clone().unwrap();
    assert_eq!(bench.answer(180, "x"), ["send CANCEL", "response 180"]);
    let sent = bench.sent.clone().unwrap();
    assert_eq!(sent.header("Via"), invite.header("Via"));
    assert_eq!(sent.header("CSeq"), Some("3 CANCEL"));
    assert_eq!(sent.header("Reason"), Some("Q.850;cause=16"), "RFC 3326");
    assert_eq!(sent.header("To"), invite.header("To"));
    assert_eq!(bench.command(cancel(1)), [""; 0]);
    assert_eq!(bench.pass(600), ["500: send CANCEL"]);
    // The answer to the CANCEL is nobody's business; the INVITE's is.
    assert_eq!(bench.answer(200, "x"), [""; 0]);
    bench.sent = Some(invite);
    assert_eq!(bench.answer(487, "x"), ["send ACK", "response 487"]);
    assert_eq!(bench.pass(40_000), [""; 0]);
    assert!(bench.table.is_empty());
}

#[test]
fn an_invite_that_stays_silent_after_its_cancel_is_given_up() {
    let mut bench = Bench::over(UDP);
    bench.send(Method::Invite, 1);
    bench.answer(180, "x");
    assert_eq!(bench.command(cancel(1)), ["send CANCEL"]);
    bench.answer(200, "x");
    assert_eq!(bench.pass(32_000), ["32000: timeout"]);
    assert!(bench.table.is_empty());
}

#[test]
fn a_peer_that_says_nothing_more_after_a_provisional_response_is_cancelled_and_given_up() {
    let mut bench = Bench::over(UDP);
    bench.send(Method::Invite, 1);
    bench.answer(100, "");
    assert_eq!(bench.pass(180_999), [""; 0]);
    assert_eq!(bench.pass(1), ["1: send CANCEL"]);
    assert_eq!(bench.answer(200, "x"), [""; 0], "the CANCEL is answered, the INVITE is not");
    assert_eq!(bench.pass(32_000), ["32000: timeout"]);
    assert!(bench.table.is_empty());
}

#[test]
fn a_cancel_that_crosses_the_answer_does_no_harm() {
    let mut bench = Bench::over(UDP);
    bench.send(Method::Invite, 1);
    bench.answer(180, "x");
    let invite = bench.sent.clone();
    bench.command(cancel(1));
    bench.sent = invite;
    assert_eq!(bench.answer(200, "x"), ["response 200"]);
    assert_eq!(bench.command(cancel(1)), [""; 0]);
    assert_eq!(bench.command(cancel(99)), [""; 0]);
}

#[test]
fn another_request_is_repeated_up_to_t2_and_given_up() {
    let mut bench = Bench::over(UDP);
    bench.send(Method::Bye, 1);
    let said = bench.pass(32_000);
    let times: Vec<_> = said.iter().filter_map(|what| what.strip_suffix(": send BYE")).collect();
    let wanted =
        ["500", "1500", "3500", "7500", "11500", "15500", "19500", "23500", "27500", "31500"];
    assert_eq!(times, wanted);
    assert_eq!(said.last().map(String::as_str), Some("32000: timeout"));
}

#[test]
fn a_provisional_response_slows_another_request_down_and_the_final_one_ends_it() {
    let mut bench = Bench::over(UDP);
    bench.send(Method::Info, 1);
    assert_eq!(bench.answer(100, ""), ["response 100"]);
    assert_eq!(bench.pass(9_000), ["500: send INFO", "4500: send INFO", "8500: send INFO"]);
    assert_eq!(bench.answer(200, "x"), ["response 200"]);
    assert_eq!(bench.answer(200, "x"), [""; 0]);
    assert_eq!(bench.table.len(), 1);
    assert_eq!(bench.pass(5_000), [""; 0]);
    assert!(bench.table.is_empty());
}

#[test]
fn over_tcp_the_final_response_ends_the_transaction() {
    let mut bench = Bench::over(TCP);
    bench.send(Method::Info, 1);
    assert_eq!(bench.answer(100, ""), ["response 100"]);
    assert_eq!(bench.answer(200, "x"), ["response 200"]);
    bench.send(Method::Invite, 2);
    assert_eq!(bench.answer(603, "x"), ["send ACK", "response 603"]);
    assert!(bench.table.is_empty());
}

#[test]
fn a_response_must_fit_in_branch_method_and_way() {
    let mut bench = Bench::over(UDP);
    bench.send(Method::Invite, 1);
    let request = bench.sent.clone().unwrap();
    let good = crate::ResponseBuilder::to(&request, 180).to_tag("x").build();
    let text = String::from_utf8(good.as_bytes().to_vec()).unwrap();
    let branch = request.top_via().unwrap().branch().unwrap().to_owned();
    for (from, to) in [
        (branch.as_str(), "z9hG4bK1.1"),
        ("3 INVITE", "3 BYE"),
        ("3 INVITE", "3 CANCEL"),
        ("\r\nFrom", "\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom"),
        ("Content-Length: 0", "Content-Length: 5"),
    ] {
        assert!(text.contains(from));
        assert_eq!(bench.receive_text(&text.replacen(from, to, 1)), [""; 0], "{to}");
    }
    assert_eq!(bench.table.counts().stray, 5);
    assert_eq!(bench.receive_text(&text), ["response 180"]);
}

#[test]
fn what_went_over_a_connection_fails_with_it() {
    let mut bench = Bench::over(TCP);
    bench.send(Method::Invite, 1);
    bench.send(Method::Options, 2);
    let mut other = bench.flow;
    other.connection = 8;
    bench.table.handle_flow_closed(other, bench.now);
    assert_eq!(bench.said(), ["flow closed"]);
    bench.table.handle_flow_closed(bench.flow, bench.now);
    assert_eq!(bench.said(), ["transport failed", "transport failed", "flow closed"]);
    assert!(bench.table.is_empty());
    // A connection that could not be opened has no number.
    bench.flow.connection = 0;
    bench.send(Method::Options, 3);
    bench.table.handle_flow_closed(bench.flow, bench.now);
    assert_eq!(bench.said(), ["transport failed"]);
}

#[test]
fn a_number_that_is_in_use_is_not_used_again() {
    let mut bench = Bench::over(UDP);
    bench.send(Method::Options, 1);
    assert_eq!(bench.send(Method::Invite, 1), [""; 0]);
    assert_eq!(bench.table.len(), 1);
}

#[test]
fn rfc3261_16_7_each_101_to_199_has_timer_c_begin_anew() {
    let mut bench = Bench::over(Transport::Udp);
    bench.send(Method::Invite, 1);
    let invite = bench.sent.clone();
    bench.answer(100, "");
    for minute in 0..10 {
        assert_eq!(bench.answer(180, "x"), ["response 180"], "minute {minute}");
        assert!(bench.pass(60_000).is_empty(), "it still rings in minute {minute}");
        bench.sent.clone_from(&invite);
    }
    // 100 says that a proxy is there, and nothing of who is called.
    bench.answer(100, "");
    let said = bench.pass(400_000);
    let cancelled = said.iter().position(|what| what.ends_with("send CANCEL"));
    assert!(cancelled.is_some(), "{said:?}");
    assert_eq!(said.last().map(|what| what.ends_with("timeout")), Some(true), "{said:?}");
}

#[test]
fn rfc_3261_section_13_2_2_4_a_2xx_that_comes_too_late_is_told_all_the_same() {
    // The INVITE failed, was given up, or was accepted by another long ago.
    for (first, passes_ms) in
        [(Some(486), 0), (Some(486), 40_000), (None, 40_000), (Some(200), 40_000)]
    {
        let mut bench = Bench::over(UDP);
        bench.send(Method::Invite, 1);
        let invite = bench.sent.clone();
        first.map(|status| bench.answer(status, "x"));
        bench.pass(passes_ms);
        bench.sent = invite;
        assert_eq!(bench.answer(200, "late"), ["response 200"], "{first:?} {passes_ms}");
        let (tx, flow) = (ClientTx::new(0, 1), bench.flow);
        let acknowledged = bench.command(FromBrain::Ack { tx, message: ack("late"), flow });
        assert_eq!(acknowledged, ["send ACK"]);
        assert_eq!(bench.answer(180, "late"), [""; 0], "nothing else is");
        bench.pass(40_000);
        assert!(bench.table.is_empty(), "and nothing is kept of it");
    }
}

#[test]
fn a_late_2xx_must_carry_a_branch_of_ours_and_they_must_not_be_many() {
    let mut bench = Bench::over(UDP);
    bench.send(Method::Invite, 1);
    let invite = bench.sent.clone().unwrap();
    bench.pass(40_000);
    let forged = invite.with_top_via("Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1.1\r\n");
    bench.sent = Some(forged);
    assert_eq!(bench.answer(200, "late"), [""; 0]);
    bench.sent = Some(invite);
    let told: usize = (0..1_000).map(|tag| bench.answer(200, &format!("t{tag}")).len()).sum();
    assert_eq!(told, 50);
    assert!(bench.table.is_empty());
}
