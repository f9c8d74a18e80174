//! The load generator against a small server of this test's own: what it counts is what happened.

mod peer;

use clap::Parser as _;
use hotline::load;
use peer::Peer;
use serde_json::Value;

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    args: load::Args,
}

/// The figures of a run against `peer`.
fn measure(peer: &Peer, options: &str) -> anyhow::Result<Value> {
    let line = format!("load --to {} {options}", peer.address);
    load::measure(&Line::try_parse_from(line.split_whitespace())?.args)
}

fn count(figures: &Value, path: &str) -> u64 {
    let value = figures.pointer(path).and_then(Value::as_u64);
    value.unwrap_or_else(|| panic!("{path} is not in {figures}"))
}

#[test]
fn agents_answer_callers_and_their_voices_cross() {
    let peer = Peer::start();
    let figures = measure(
        &peer,
        "--number 95500 --calls 8 --rate 40 --concurrent 4 --duration 500 \
         --agents 8001-8004 --password demo --settle 0",
    )
    .expect("the peer is there");
    assert_eq!(count(&figures, "/calls/ok"), 8, "{figures}");
    assert!(count(&figures, "/calls/most_at_a_time") <= 4);
    assert_eq!(count(&figures, "/setup_ms/count"), 8);
    assert_eq!(count(&figures, "/agent_invite_ms/count"), 8);
    assert_eq!(count(&figures, "/agents/answered"), 8);
    assert_eq!(count(&figures, "/agents/rang_while_talking"), 0);
    // 8 callers and 8 agents speak for half a second each, and hear each other.
    assert!(count(&figures, "/media/sent") >= 2 * 8 * 20, "{figures}");
    assert!(count(&figures, "/media/received") >= 2 * 8 * 15, "{figures}");
    assert_eq!(count(&figures, "/media/lost"), 0, "{figures}");
    let relayed = count(&figures, "/media/relay_ms/count");
    assert_eq!(relayed, count(&figures, "/media/received"));
    let (seen, registrations) = peer.stop();
    assert_eq!(seen.as_slice(), ["95500"; 8]);
    assert_eq!(registrations, 0, "the agents have left");
}

#[test]
fn a_pressed_key_is_timed_until_the_agents_phone_rings() {
    let peer = Peer::start();
    let figures = measure(
        &peer,
        "--number 95512 --calls 2 --rate 10 --duration 1200 --media off --digits 1 \
         --digits-after 100 --agents 8001-8002 --password demo --settle 0",
    )
    .expect("the peer is there");
    assert_eq!(count(&figures, "/calls/ok"), 2, "{figures}");
    assert_eq!(count(&figures, "/key_to_agent_invite_ms/count"), 2, "{figures}");
    assert_eq!(figures["agent_invite_ms"], Value::Null);
    assert_eq!(count(&figures, "/media/received"), 0, "nobody listens");
}

#[test]
fn calls_that_fail_are_counted_by_their_reason() {
    let peer = Peer::start();
    let own = std::process::id();
    let options = format!("--number 404404 --calls 3 --rate 50 --target-pid {own}");
    let figures = measure(&peer, &options).expect("the peer is there");
    assert_eq!(count(&figures, "/calls/ok"), 0);
    assert_eq!(count(&figures, "/calls/failed/404"), 3, "{figures}");
    assert_eq!(count(&figures, "/target/pid"), u64::from(own));
    // One that hangs up on its callers.
    let figures = measure(&peer, "--number 95599 --calls 2 --rate 50").expect("the peer is there");
    assert_eq!(count(&figures, "/calls/answered"), 2);
    assert_eq!(count(&figures, "/calls/failed/hung_up_on"), 2, "{figures}");
}

#[test]
fn an_agent_that_cannot_register_ends_the_run() {
    let peer = Peer::start();
    let error = measure(&peer, "--agents 8001 --password wrong").expect_err("a wrong password");
    let error = error.to_string();
    assert!(error.contains("only 0 of 1 agents could register"), "{error}");
    assert!(error.contains("wrong_password"), "{error}");
}
