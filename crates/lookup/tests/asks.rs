//! Every ask ends exactly once: found, unknown, late or failed.

use std::sync::Arc;

use lookup::{Config, Failed, Lookup, Output};
use model::{CallId, CustomerCard, Id, Mono, Pii};

fn call(counter: u32) -> CallId {
    CallId(Id::new(1, 1, counter))
}

fn card(name: &str) -> Arc<CustomerCard> {
    Arc::new(CustomerCard {
        customer_id: name.to_owned(),
        name: Pii::from(name),
        phone: Pii::from("13800138000"),
        identity_number: Pii::from("11010519491231002X"),
        class: "a".to_owned(),
        steward: None,
        city: String::new(),
        policies: Vec::new(),
    })
}

fn ask(lookup: &mut Lookup, counter: u32, phone: &str, at_ms: u64) {
    lookup.handle_ask(call(counter), Pii::from(phone), Mono::from_ms(at_ms));
}

/// All that is to be done now, in words.
fn drain(lookup: &mut Lookup) -> Vec<String> {
    std::iter::from_fn(|| lookup.poll_output())
        .map(|output| match output {
            Output::Query { token, phone } => format!("query {token} {}", phone.reveal()),
            Output::Ended { token, result, took_ms } => {
                let who = result.card().map(|card| card.customer_id.clone()).unwrap_or_default();
                format!("{token} {} {who} {took_ms}", result.as_str())
            }
        })
        .collect()
}

#[test]
fn an_answer_before_the_deadline_is_found_or_unknown() {
    let mut lookup = Lookup::new(Config::default());
    ask(&mut lookup, 1, "+86 138-0013-8000", 0);
    ask(&mut lookup, 2, "13900139000", 0);
    assert_eq!(drain(&mut lookup), ["query c1-1-1 13800138000", "query c1-1-2 13900139000"]);
    lookup.handle_answer(call(1), Ok(Some(card("wang"))), Mono::from_ms(12));
    lookup.handle_answer(call(2), Ok(None), Mono::from_ms(13));
    assert_eq!(drain(&mut lookup), ["c1-1-1 found wang 12", "c1-1-2 unknown  13"]);
    assert_eq!(lookup.pending(), 0);
}

#[test]
fn at_the_deadline_it_is_late_and_the_answer_serves_the_next_call() {
    let mut lookup = Lookup::new(Config::default());
    ask(&mut lookup, 1, "13800138000", 100);
    drain(&mut lookup);
    assert_eq!(lookup.poll_timeout(), Some((Mono::from_ms(400), "lookup late")));
    lookup.handle_timeout(Mono::from_ms(399));
    assert_eq!(drain(&mut lookup), [""; 0]);
    lookup.handle_timeout(Mono::from_ms(400));
    assert_eq!(drain(&mut lookup), ["c1-1-1 late  300"]);
    lookup.handle_answer(call(1), Ok(Some(card("wang"))), Mono::from_ms(2_000));
    assert_eq!(drain(&mut lookup), [""; 0], "one end is all a call gets");
    ask(&mut lookup, 2, "13800138000", 3_000);
    assert_eq!(drain(&mut lookup), ["c1-1-2 found wang 0"]);
}

#[test]
fn an_answer_after_the_deadline_is_late_even_if_no_timeout_was_handled() {
    let mut lookup = Lookup::new(Config::default());
    ask(&mut lookup, 1, "13800138000", 0);
    drain(&mut lookup);
    lookup.handle_answer(call(1), Ok(None), Mono::from_ms(301));
    assert_eq!(drain(&mut lookup), ["c1-1-1 late  301"]);
}

#[test]
fn calls_of_one_number_share_a_query_each_with_its_own_deadline() {
    let mut lookup = Lookup::new(Config::default());
    ask(&mut lookup, 1, "13800138000", 0);
    ask(&mut lookup, 2, "008613800138000", 200);
    ask(&mut lookup, 3, "013800138000", 250);
    assert_eq!(drain(&mut lookup), ["query c1-1-1 13800138000"]);
    lookup.handle_timeout(Mono::from_ms(300));
    assert_eq!(drain(&mut lookup), ["c1-1-1 late  300"]);
    lookup.handle_answer(call(1), Ok(Some(card("wang"))), Mono::from_ms(350));
    assert_eq!(drain(&mut lookup), ["c1-1-2 found wang 150", "c1-1-3 found wang 100"]);
}

#[test]
fn a_failure_is_told_to_all_who_wait_and_is_not_remembered() {
    let mut lookup = Lookup::new(Config::default());
    ask(&mut lookup, 1, "13800138000", 0);
    ask(&mut lookup, 2, "13800138000", 0);
    drain(&mut lookup);
    lookup.handle_answer(call(1), Err(Failed), Mono::from_ms(5));
    assert_eq!(drain(&mut lookup), ["c1-1-1 failed  5", "c1-1-2 failed  5"]);
    ask(&mut lookup, 3, "13800138000", 6);
    assert_eq!(drain(&mut lookup), ["query c1-1-3 13800138000"]);
}

#[test]
fn a_kept_answer_is_good_for_its_time_unless_it_is_forgotten() {
    let mut lookup = Lookup::new(Config { cache_ttl_ms: 1_000, ..Config::default() });
    ask(&mut lookup, 1, "13800138000", 0);
    lookup.handle_answer(call(1), Ok(Some(card("wang"))), Mono::from_ms(1));
    drain(&mut lookup);
    ask(&mut lookup, 2, "13800138000", 1_000);
    assert_eq!(drain(&mut lookup), ["c1-1-2 found wang 0"]);
    ask(&mut lookup, 3, "13800138000", 1_001);
    assert_eq!(drain(&mut lookup), ["query c1-1-3 13800138000"]);
    lookup.handle_answer(call(3), Ok(None), Mono::from_ms(1_002));
    drain(&mut lookup);
    ask(&mut lookup, 4, "13800138000", 1_003);
    assert_eq!(drain(&mut lookup), ["c1-1-4 unknown  0"]);
    lookup.forget(&Pii::from("+8613800138000"));
    ask(&mut lookup, 5, "13800138000", 1_004);
    assert_eq!(drain(&mut lookup), ["query c1-1-5 13800138000"]);
    lookup.handle_answer(call(5), Ok(None), Mono::from_ms(1_005));
    lookup.forget_all();
    assert_eq!(lookup.cached(), 0);
}

#[test]
fn a_caller_without_a_number_is_unknown_at_once() {
    let mut lookup = Lookup::new(Config::default());
    ask(&mut lookup, 1, "anonymous", 0);
    ask(&mut lookup, 2, "", 0);
    assert_eq!(drain(&mut lookup), ["c1-1-1 unknown  0", "c1-1-2 unknown  0"]);
    assert_eq!(lookup.poll_timeout(), None);
}

#[test]
fn at_the_limit_an_ask_fails_at_once() {
    let mut lookup = Lookup::new(Config { pending_limit: 2, ..Config::default() });
    ask(&mut lookup, 1, "13800138001", 0);
    ask(&mut lookup, 2, "13800138002", 0);
    ask(&mut lookup, 3, "13800138003", 0);
    assert_eq!(drain(&mut lookup)[2], "c1-1-3 failed  0");
    // Asks that are late make room; the queries that are still out do not.
    lookup.handle_timeout(Mono::from_ms(300));
    drain(&mut lookup);
    ask(&mut lookup, 4, "13800138004", 301);
    ask(&mut lookup, 5, "13800138002", 301);
    assert_eq!(drain(&mut lookup), ["c1-1-4 failed  0"]);
    lookup.handle_answer(call(2), Ok(None), Mono::from_ms(302));
    assert_eq!(drain(&mut lookup), ["c1-1-5 unknown  1"]);
}

#[test]
fn a_query_that_never_ends_is_given_up() {
    let mut lookup = Lookup::new(Config { give_up_ms: 1_000, ..Config::default() });
    ask(&mut lookup, 1, "13800138000", 0);
    drain(&mut lookup);
    ask(&mut lookup, 2, "13800138000", 900);
    assert_eq!(drain(&mut lookup), ["c1-1-1 late  900"]);
    assert_eq!(lookup.poll_timeout(), Some((Mono::from_ms(1_000), "lookup lost")));
    lookup.handle_timeout(Mono::from_ms(1_000));
    assert_eq!(drain(&mut lookup), ["c1-1-2 failed  100"]);
    assert_eq!(lookup.poll_timeout(), None);
    ask(&mut lookup, 3, "13800138000", 1_001);
    assert_eq!(drain(&mut lookup), ["query c1-1-3 13800138000"]);
    lookup.handle_answer(call(1), Ok(None), Mono::from_ms(1_002));
    assert_eq!(drain(&mut lookup), [""; 0], "the lost query's answer is nobody's");
}

#[test]
fn a_call_that_asks_twice_is_answered_once() {
    let mut lookup = Lookup::new(Config::default());
    ask(&mut lookup, 1, "13800138000", 0);
    ask(&mut lookup, 1, "13800138000", 1);
    assert_eq!(drain(&mut lookup).len(), 1);
    lookup.handle_answer(call(1), Ok(None), Mono::from_ms(2));
    assert_eq!(drain(&mut lookup), ["c1-1-1 unknown  2"]);
}

/// Whatever comes in whatever order: each ask ends once, by its deadline, and nothing grows.
#[test]
fn a_thousand_random_calls_each_end_once() {
    let config = Config { pending_limit: 20, cache_capacity: 8, ..Config::default() };
    for seed in 1..20_u64 {
        let mut lookup = Lookup::new(config.clone());
        let (mut random, mut now) = (seed, 0);
        let mut draw = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % below
        };
        let (mut out, mut ended) = (Vec::new(), vec![0; 1_001]);
        for counter in 1..=1_000_u32 {
            now += draw(40);
            ask(&mut lookup, counter, &format!("138001380{:02}", draw(30)), now);
            if !out.is_empty() && draw(3) > 0 {
                let token = out.swap_remove(draw(out.len() as u64) as usize);
                let answer = match draw(3) {
                    0 => Err(Failed),
                    1 => Ok(None),
                    _ => Ok(Some(card("wang"))),
                };
                lookup.handle_answer(token, answer, Mono::from_ms(now));
            }
            while let Some(output) = lookup.poll_output() {
                match output {
                    Output::Query { token, .. } => out.push(token),
                    Output::Ended { token, took_ms, .. } => {
                        ended[token.0.counter() as usize] += 1;
                        assert!(took_ms <= 340, "{token} took {took_ms} ms");
                    }
                }
            }
            assert!(lookup.pending() <= 20 && lookup.cached() <= 8);
        }
        lookup.handle_timeout(Mono::from_ms(now + 300));
        while let Some(output) = lookup.poll_output() {
            if let Output::Ended { token, .. } = output {
                ended[token.0.counter() as usize] += 1;
            }
        }
        assert!(ended[1..].iter().all(|ends| *ends == 1), "seed {seed}");
    }
}
