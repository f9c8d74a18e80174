//! What happens at the limits.

use model::Transport;

use super::{Bench, TransactionsConfig};
use crate::Method;

fn bench(limit: usize) -> Bench {
    let config = TransactionsConfig { limit, retry_after_s: 7, ..TransactionsConfig::default() };
    Bench::with(Transport::Udp, config)
}

fn branch(number: usize) -> [(&'static str, String); 2] {
    [("bKone", format!("bK{number}")), ("Call-ID: in", format!("Call-ID: {number}"))]
}

fn receive(bench: &mut Bench, method: &str, number: usize, inside: bool) -> Vec<String> {
    let [(one, to_one), (other, to_other)] = branch(number);
    let tagged = ("95512@10.0.0.1>\r", "95512@10.0.0.1>;tag=x\r");
    let changes = [(one, to_one.as_str()), (other, to_other.as_str()), tagged];
    bench.receive(method, if inside { &changes } else { &changes[..2] })
}

#[test]
fn the_last_tenth_of_the_table_is_for_dialogs_and_registrations() {
    let mut bench = bench(10);
    for number in 0..9 {
        // From two sources: neither has its share.
        bench.flow.remote.set_ip([10, 0, 0, 8 + u8::from(number % 2 == 0)].into());
        assert_eq!(receive(&mut bench, "INVITE", number, false), ["request INVITE"]);
    }
    assert_eq!(receive(&mut bench, "INVITE", 9, false), ["send 503"]);
    assert_eq!(receive(&mut bench, "OPTIONS", 9, false), ["send 503"]);
    assert_eq!(receive(&mut bench, "BYE", 10, true), ["request BYE"]);
    assert_eq!(receive(&mut bench, "BYE", 11, true), ["send 503"]);
    assert_eq!(receive(&mut bench, "INVITE", 3, false), [""; 0], "a repetition is no new request");
    assert_eq!(bench.send(Method::Bye, 1), ["transport failed"]);
    assert_eq!((bench.table.len(), bench.table.counts().overloaded), (10, 3));
}

#[test]
fn one_source_leaves_room_for_others_and_its_dialogs_go_on() {
    let mut bench = bench(100);
    for number in 0..75 {
        assert_eq!(receive(&mut bench, "OPTIONS", number, false), ["request OPTIONS"]);
    }
    assert_eq!(receive(&mut bench, "INVITE", 75, false), ["send 503"]);
    assert_eq!(receive(&mut bench, "BYE", 76, true), ["request BYE"]);
    let greedy = std::mem::replace(&mut bench.flow.remote, "10.0.0.8:4000".parse().unwrap());
    assert_eq!(receive(&mut bench, "INVITE", 77, false), ["request INVITE"]);
    bench.flow.remote = greedy;
    bench.pass(60_000);
    assert_eq!(receive(&mut bench, "INVITE", 78, false), ["request INVITE"], "all are forgotten");
}

#[test]
fn an_overloaded_engine_refuses_new_calls_alone() {
    let mut bench = bench(100);
    bench.table.set_overloaded(true);
    assert_eq!(receive(&mut bench, "INVITE", 1, false), ["send 503"]);
    assert_eq!(receive(&mut bench, "INVITE", 2, true), ["request INVITE"]);
    assert_eq!(receive(&mut bench, "BYE", 3, true), ["request BYE"]);
    assert_eq!(receive(&mut bench, "REGISTER", 4, false), ["request REGISTER"]);
    bench.table.set_overloaded(false);
    assert_eq!(receive(&mut bench, "INVITE", 1, false), ["request INVITE"]);
}

#[test]
fn a_flood_of_short_transactions_leaves_nothing_behind() {
    let mut bench = Bench::with(
        Transport::Tcp,
        TransactionsConfig { limit: 50, ..TransactionsConfig::default() },
    );
    for number in 0..40_000 {
        receive(&mut bench, "OPTIONS", number, false);
        bench.respond(200);
    }
    assert!(bench.table.is_empty());
    // Disarmed timers were thrown away on the way.
    assert!(bench.table.timers_waiting() < 10_000, "{}", bench.table.timers_waiting());
}
