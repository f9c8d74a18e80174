//! A registered phone dies: its agent is unreachable within ten seconds, and there again with it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use sip::{Message, digest};

use crate::api::{Client, Events};
use crate::demo::Demo;
use crate::phone::Phone;
use crate::sound::{Baresip, demo_for_baresip};

const SOON: Duration = Duration::from_secs(20);
/// What is promised, and what a busy machine may add.
const LIMIT: Duration = Duration::from_secs(12);

/// Waits until the agent's phone is reachable, or is not.
fn wait_until(board: &mut Events, agent: &str, reachable: bool) {
    board.wait("agent_state", SOON, |data| {
        data["agent_id"] == agent && data["phone_reachable"] == json!(reachable)
    });
}

#[test]
fn a_killed_baresip_makes_its_agent_unreachable_within_ten_seconds() {
    let Some(demo) = demo_for_baresip() else { return };
    let mut board = Client::sign_in(&demo, "lead").events();
    let phone = Baresip::agent(demo.sip, "8001", &media::tone::voice(1, 9_000, 8_000));
    wait_until(&mut board, "8001", true);
    let seen = board.seen.len();
    // Longer than a phone would be believed that does not answer.
    std::thread::park_timeout(LIMIT);
    drop(phone);
    let killed = Instant::now();
    wait_until(&mut board, "8001", false);
    assert!(killed.elapsed() < LIMIT, "after {:?}", killed.elapsed());
    let before = board.seen[seen..].iter().filter(|seen| seen.at < killed);
    let gone = before
        .map(|seen| &seen.event["data"])
        .filter(|data| data["agent_id"] == "8001" && data["phone_reachable"] == json!(false));
    assert_eq!(gone.count(), 0, "while it lived it answered");
}

#[test]
fn a_phone_that_answers_again_makes_its_agent_ready_again() {
    let demo = Demo::start();
    let mut board = Client::sign_in(&demo, "lead").events();
    let mut phone = Phone::new(demo.sip, "8001").taking_options();
    assert_eq!(phone.register("demo"), 200);
    wait_until(&mut board, "8001", true);
    let registered = Instant::now();
    // It is there, but does not answer.
    wait_until(&mut board, "8001", false);
    assert!(registered.elapsed() < LIMIT, "after {:?}", registered.elapsed());
    phone.stay(Duration::from_secs(5));
    board.wait("agent_state", SOON, |data| data["agent_id"] == "8001" && data["status"] == "ready");
}

#[test]
fn a_phone_is_unreachable_the_moment_its_connection_closes() {
    let demo = Demo::start();
    let mut board = Client::sign_in(&demo, "lead").events();
    let mut line = TcpStream::connect(demo.sip).expect("it is accepted");
    line.set_read_timeout(Some(SOON)).expect("a time-out");
    let (ours, uri) = (line.local_addr().expect("an address"), format!("sip:{}", demo.sip));
    let mut authorization = String::new();
    for cseq in 1..=2 {
        let request = format!(
            "REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/TCP {ours};branch=z9hG4bKtcp{cseq}\r\n\
             From: <sip:8001@hotline>;tag=t\r\nTo: <sip:8001@hotline>\r\n\
             Call-ID: tcp@{ours}\r\nCSeq: {cseq} REGISTER\r\nMax-Forwards: 70\r\n\
             Contact: <sip:8001@{ours};transport=tcp>\r\n{authorization}\
             Content-Length: 0\r\n\r\n"
        );
        line.write_all(request.as_bytes()).expect("it is sent");
        let mut buffer = [0; 4_096];
        let length = line.read(&mut buffer).expect("it is answered");
        let answer = Message::parse(&buffer[..length]).expect("the engine speaks SIP");
        if cseq == 2 {
            assert_eq!(answer.status(), Some(200));
            break;
        }
        let account = digest::Account { user: "8001".into(), password: "demo".into(), realm: None };
        let challenges = answer.headers("WWW-Authenticate");
        let value = digest::answer(challenges, &account, sip::Method::Register, &uri, 1, "cnonce");
        authorization = format!("Authorization: {}\r\n", value.expect("it can be answered"));
    }
    wait_until(&mut board, "8001", true);
    let closed = Instant::now();
    drop(line);
    wait_until(&mut board, "8001", false);
    assert!(closed.elapsed() < Duration::from_secs(5), "after {:?}", closed.elapsed());
}
