//! Targets that answer, fall silent, ask for rest and come back.

use super::*;
use crate::{Outward, trunk_for_tests};

const LINE: &str = "carrier";

fn target(number: usize) -> Target {
    format!("192.0.2.{number}").parse().expect("a target")
}

fn peer(number: usize) -> Peer {
    Peer { trunk: LINE.into(), target: target(number), server: None }
}

/// A line with two targets that are asked so often.
fn health(options_interval_ms: u64) -> Health {
    let targets = vec![target(1), target(2)];
    let outward = Outward { targets, options_interval_ms, ..Outward::default() };
    let line = Trunk { outward: Some(outward), ..trunk_for_tests(LINE) };
    Health::new(&Trunks::new(vec![line, trunk_for_tests("inward")]), Mono::default())
}

fn ms(ms: u64) -> Mono {
    Mono::from_ms(ms)
}

/// What is said until then: which target is asked or changed, and how.
fn until(health: &mut Health, end: u64) -> Vec<String> {
    let mut said = Vec::new();
    while let Some((at, _)) = health.poll_timeout().filter(|(at, _)| *at <= ms(end)) {
        health.handle_timeout(at);
        said.extend(drain(health).into_iter().map(|text| format!("{} {text}", at.as_ms())));
    }
    said
}

fn drain(health: &mut Health) -> Vec<String> {
    std::iter::from_fn(|| health.poll_output())
        .map(|output| match output {
            HealthOutput::Ask(peer) => format!("ask {peer}"),
            HealthOutput::Changed { peer, reachable, left } => {
                format!("{peer} {reachable} {left}")
            }
        })
        .collect()
}

fn answer(health: &mut Health, number: usize, status: u16, retry: Option<u32>, at: u64) {
    health.handle_answer(&peer(number), status, retry, ms(at));
}

#[test]
fn targets_are_asked_in_turn_and_a_silent_one_is_left_out_until_it_answers() {
    let mut health = health(10_000);
    assert_eq!(until(&mut health, 0), ["0 ask 192.0.2.1"]);
    // 405: it is there, whatever it thinks of OPTIONS.
    answer(&mut health, 1, 405, None, 100);
    assert_eq!(until(&mut health, 5_000), ["5000 ask 192.0.2.2"]);
    assert_eq!(until(&mut health, 9_500), ["9000 192.0.2.2 false 1"]);
    let trunk = TrunkId::from(LINE);
    assert!(health.is_reachable(&trunk, &target(1)) && !health.is_reachable(&trunk, &target(2)));
    let view = health.view(&trunk);
    assert_eq!((view.targets, view.reachable, view.answered_at), (2, 1, Some(ms(100))));
    assert_eq!(
        until(&mut health, 19_000),
        ["10100 ask 192.0.2.1", "14100 192.0.2.1 false 0", "19000 ask 192.0.2.2"]
    );
    answer(&mut health, 2, 200, None, 19_050);
    assert_eq!(drain(&mut health), ["192.0.2.2 true 1"]);
}

/// Both targets have been asked once, and have answered.
fn asked() -> Health {
    let mut health = health(10_000);
    for (at, number) in [(0, 1), (5_000, 2)] {
        until(&mut health, at);
        answer(&mut health, number, 200, None, at + 100);
    }
    assert!(drain(&mut health).is_empty(), "nothing has changed");
    health
}

#[test]
fn when_the_last_one_goes_nothing_is_left() {
    let mut health = asked();
    health.handle_silence(&peer(1), ms(6_000));
    health.handle_silence(&peer(2), ms(6_000));
    health.handle_silence(&peer(2), ms(6_100));
    assert_eq!(drain(&mut health), ["192.0.2.1 false 1", "192.0.2.2 false 0"]);
}

#[test]
fn one_that_asks_for_rest_is_asked_again_only_after_it() {
    let mut health = asked();
    answer(&mut health, 1, 503, Some(60), 5_200);
    assert_eq!(drain(&mut health), ["192.0.2.1 false 1"]);
    let said = until(&mut health, 65_199);
    assert!(!said.iter().any(|text| text.contains("192.0.2.1")), "{said:?}");
    assert!(until(&mut health, 65_200).contains(&"65200 ask 192.0.2.1".to_owned()));
    assert!(!health.is_up(&peer(1)), "not before it answers");
    answer(&mut health, 1, 200, None, 65_300);
    assert!(health.is_reachable(&LINE.into(), &target(1)));
}

#[test]
fn without_questions_one_that_failed_a_call_rests_and_comes_back() {
    let mut health = health(0);
    assert_eq!(health.poll_timeout(), None);
    answer(&mut health, 1, 503, None, 1_000);
    assert_eq!(drain(&mut health), ["192.0.2.1 false 1"]);
    assert_eq!(until(&mut health, 60_000), ["31000 192.0.2.1 true 2"]);
    answer(&mut health, 1, 503, Some(100_000), 60_000);
    drain(&mut health);
    assert_eq!(until(&mut health, 700_000), ["660000 192.0.2.1 true 2"], "not for ever");
}

#[test]
fn what_is_no_target_is_not_known() {
    let mut health = health(10_000);
    answer(&mut health, 9, 503, None, 1_000);
    health.handle_silence(&Peer { trunk: "inward".into(), ..peer(1) }, ms(1_000));
    assert!(drain(&mut health).is_empty());
    assert!(health.is_reachable(&LINE.into(), &target(9)));
    assert_eq!(health.view(&"inward".into()), HealthView::default());
}

#[test]
fn an_old_question_that_nobody_answered_says_nothing_of_now() {
    let mut health = asked();
    let unanswered = |health: &mut Health, asked_at, at| {
        health.handle_unanswered(&peer(1), ms(asked_at), ms(at));
        drain(health)
    };
    // Asked at 0 and at 10,100; the transaction of the first one ends 32 s after it.
    assert!(unanswered(&mut health, 0, 9_000).is_empty(), "it was answered meanwhile");
    assert_eq!(until(&mut health, 10_100), ["10100 ask 192.0.2.1"]);
    assert!(unanswered(&mut health, 0, 10_200).is_empty(), "another one is under way");
    assert_eq!(unanswered(&mut health, 10_100, 10_300), ["192.0.2.1 false 1"]);
}

fn name() -> Target {
    "sbc.carrier.example".parse().expect("a target")
}

fn server(number: u8) -> Server {
    let address = std::net::SocketAddr::from(([192, 0, 2, number], 5060));
    Server { carrier: sip::locate::Carrier::Udp, address }
}

fn at(number: u8) -> Peer {
    Peer { trunk: LINE.into(), target: name(), server: Some(server(number)) }
}

/// A line with one target that is a name, asked so often.
fn named(options_interval_ms: u64) -> Health {
    let outward = Outward { targets: vec![name()], options_interval_ms, ..Outward::default() };
    let line = Trunk { outward: Some(outward), ..trunk_for_tests(LINE) };
    Health::new(&Trunks::new(vec![line]), Mono::default())
}

fn leads_to(health: &mut Health, numbers: &[u8], at: u64) {
    let servers: Vec<Server> = numbers.iter().map(|number| server(*number)).collect();
    health.handle_servers((&LINE.into(), &name()), &servers, ms(at));
}

const AT_1: &str = "sbc.carrier.example at 192.0.2.1:5060";
const AT_2: &str = "sbc.carrier.example at 192.0.2.2:5060";

#[test]
fn each_server_of_a_name_is_asked_and_judged_for_itself() {
    let mut health = named(10_000);
    leads_to(&mut health, &[1, 2], 0);
    assert_eq!(until(&mut health, 0), [format!("0 ask {AT_1}")]);
    assert_eq!(
        until(&mut health, 5_000),
        [format!("4000 {AT_1} false 1"), format!("5000 ask {AT_2}")]
    );
    health.handle_answer(&at(2), 200, None, ms(5_100));
    assert!(drain(&mut health).is_empty());
    let trunk = TrunkId::from(LINE);
    assert!(health.is_reachable(&trunk, &name()), "by its other server");
    assert!(!health.is_up(&at(1)) && health.is_up(&at(2)));
    assert_eq!((health.view(&trunk).targets, health.view(&trunk).reachable), (1, 1));
    health.handle_silence(&at(2), ms(6_000));
    assert_eq!(drain(&mut health), [format!("{AT_2} false 0")]);
    assert!(!health.is_reachable(&trunk, &name()));
    health.handle_answer(&at(1), 200, None, ms(14_100));
    assert_eq!(drain(&mut health), [format!("{AT_1} true 1")]);
}

#[test]
fn what_is_known_of_a_server_stays_as_long_as_the_name_leads_there() {
    let mut health = named(10_000);
    leads_to(&mut health, &[1, 2], 0);
    health.handle_silence(&at(1), ms(100));
    drain(&mut health);
    leads_to(&mut health, &[2, 1], 200);
    assert!(!health.is_up(&at(1)), "in another order");
    leads_to(&mut health, &[2, 3], 300);
    assert!(!health.knows(&at(1)) && health.knows(&at(3)) && health.is_up(&at(3)));
    leads_to(&mut health, &[], 400);
    assert!(health.knows(&at(2)), "nothing is no news");
    // What was asked of one that is gone says nothing.
    health.handle_silence(&at(1), ms(500));
    assert!(drain(&mut health).is_empty());
}

#[test]
fn a_line_is_back_when_its_name_leads_to_others() {
    let mut health = named(10_000);
    let nowhere = Peer { server: None, ..at(1) };
    health.handle_silence(&nowhere, ms(100));
    assert_eq!(drain(&mut health), ["sbc.carrier.example false 0"]);
    leads_to(&mut health, &[1], 200);
    assert_eq!(health.poll_timeout().map(|(at, _)| at), Some(Mono::default()), "told at once");
    assert_eq!(drain(&mut health), [format!("{AT_1} true 1")]);
    health.handle_silence(&at(1), ms(300));
    drain(&mut health);
    leads_to(&mut health, &[2], 400);
    assert_eq!(drain(&mut health), [format!("{AT_2} true 1")]);
}

#[test]
fn a_name_that_leads_elsewhere_each_time_is_not_asked_without_end() {
    let mut health = named(10_000);
    leads_to(&mut health, &[1], 0);
    assert_eq!(until(&mut health, 0).len(), 1);
    for number in 2..100 {
        leads_to(&mut health, &[number], 100);
        assert!(until(&mut health, 200).is_empty());
    }
    assert_eq!(health.view(&LINE.into()).targets, 1);
}
