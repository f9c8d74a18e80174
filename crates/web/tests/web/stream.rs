//! The event stream: who may open it, how it goes on, and how it ends.

use std::io::{Read, Write};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use serde_json::Value;
use tokio_tungstenite::tungstenite::{Error, Message};
use web::Config;

use crate::client::{Desktop, Server};
use crate::people::agent_state;

fn seq(frame: &Value) -> u64 {
    frame["seq"].as_u64().unwrap()
}

fn publish(server: &Server, times: usize) {
    for _ in 0..times {
        server.fake.brain().publish("8001", agent_state("8001"));
    }
}

/// The numbers of the next events.
fn numbers(desktop: &mut Desktop<'_>, times: usize) -> Vec<u64> {
    (0..times).map(|_| seq(&desktop.next())).collect()
}

/// The status with which a WebSocket is refused.
fn refusal(server: &Server, path: &str, headers: &[(&'static str, &str)]) -> u16 {
    match server.try_desktop(path, headers).err().expect("it was accepted") {
        Error::Http(response) => response.status().as_u16(),
        other => panic!("{other}"),
    }
}

fn path_of(server: &Server) -> String {
    format!("/api/v1/events?token={}", server.fake.token("8001"))
}

#[test]
fn who_may_not_connect_is_told_so_before_the_upgrade() {
    let server = Server::start();
    let path = path_of(&server);
    assert_eq!(refusal(&server, "/api/v1/events", &[]), 401);
    assert_eq!(refusal(&server, "/api/v1/events?token=unknown", &[]), 401);
    assert_eq!(refusal(&server, &format!("{path}&after=x"), &[]), 400);
    assert_eq!(refusal(&server, &format!("{path}&after=9999999999999999999"), &[]), 400);
    assert_eq!(refusal(&server, &path, &[("origin", "http://evil.example")]), 403);
    let answer = server.get(&path, "");
    assert_eq!((answer.status, answer.code().as_str()), (426, "upgrade_required"));
    assert_eq!(answer.header("upgrade"), "websocket");
    let answer = server.get_with(&path, "", &[("Origin", "null")]);
    assert_eq!(answer.code(), "foreign_origin");
}

#[test]
fn a_page_of_this_server_and_a_program_with_a_header_may_connect() {
    let server = Server::start();
    let origin = format!("http://{}", server.address);
    assert!(server.try_desktop(&path_of(&server), &[("origin", &origin)]).is_ok());
    let bearer = format!("Bearer {}", server.fake.token("8001"));
    assert!(server.try_desktop("/api/v1/events", &[("authorization", &bearer)]).is_ok());
}

#[test]
fn a_new_desktop_begins_with_the_present_state() {
    let server = Server::start();
    server.fake.brain().snapshot = vec![agent_state("8001"), agent_state("8002")];
    let mut desktop = server.desktop("8001");
    let (first, second) = (desktop.next(), desktop.next());
    assert_eq!(first["data"]["agent_id"], "8001");
    assert_eq!(second["data"]["agent_id"], "8002");
    assert_eq!(seq(&second), seq(&first) + 1);
}

#[test]
fn a_desktop_that_comes_back_misses_nothing() {
    let server = Server::start();
    let path = path_of(&server);
    let mut desktop = server.desktop_at(&path);
    publish(&server, 3);
    let before = numbers(&mut desktop, 3);
    drop(desktop);
    publish(&server, 200);
    let after = before[1];
    let mut desktop = server.desktop_at(&format!("{path}&after={after}"));
    publish(&server, 5);
    let wanted: Vec<u64> = (after + 1..=after + 1 + 205).collect();
    assert_eq!(numbers(&mut desktop, 206), wanted);
}

#[test]
fn a_number_of_another_life_is_gone_on_from_with_the_present_state() {
    let server = Server::start();
    server.fake.brain().snapshot = vec![agent_state("8001")];
    let mut desktop = server.desktop_at(&format!("{}&after=700000", path_of(&server)));
    publish(&server, 2);
    assert_eq!(numbers(&mut desktop, 3), [700_001, 700_002, 700_003]);
}

#[test]
fn two_desktops_of_a_user_see_the_same_numbers() {
    let server = Server::start();
    let (mut one, mut other) = (server.desktop("8001"), server.desktop("8001"));
    publish(&server, 50);
    assert_eq!(numbers(&mut one, 50), numbers(&mut other, 50));
}

#[test]
fn a_desktop_that_falls_behind_is_let_go_and_can_resume() {
    let server = Server::start();
    server.fake.brain().capacity = 16;
    let path = path_of(&server);
    let mut desktop = server.desktop_at(&path);
    {
        // All at once, so that nothing is taken out of the channel meanwhile.
        let mut brain = server.fake.brain();
        (0..100).for_each(|_| brain.publish("8001", agent_state("8001")));
    }
    let (code, reason) = desktop.closed();
    assert_eq!((code, reason.as_str()), (1013, "too_slow"));
    server.wait_for_figure("hotline_web_desktops_ended_total{reason=\"slow\"} 1");
    server.fake.brain().capacity = 2_048;
    let mut desktop = server.desktop_at(&format!("{path}&after=10"));
    assert_eq!(numbers(&mut desktop, 90), (11..=100).collect::<Vec<u64>>());
}

#[test]
fn a_desktop_that_reads_nothing_is_dropped() {
    let stall_timeout = Duration::from_millis(100);
    let server = Server::start_with(Config { stall_timeout, ..Config::default() });
    let _desktop = server.desktop("8001");
    let figure = "hotline_web_desktops_ended_total{reason=\"slow\"} 1";
    // More than any socket's buffers hold, a little at a time, until the room has had enough.
    for _ in 0..2_000 {
        publish(&server, 200);
        let figures = String::from_utf8(server.get("/metrics", "").body).unwrap();
        if figures.lines().any(|line| line == figure) {
            return;
        }
    }
    panic!("it is still served");
}

#[test]
fn one_who_signs_out_is_disconnected_everywhere() {
    let server = Server::start();
    let token = server.fake.token("8001");
    let mut desktop = server.desktop_at(&format!("/api/v1/events?token={token}"));
    assert_eq!(server.send("DELETE", "/api/v1/sessions/current", &token, &[], b"").status, 204);
    assert_eq!(desktop.closed(), (4001, "session_over".to_owned()));
}

#[test]
fn a_session_that_expires_ends_its_desktop() {
    let ping_interval = Duration::from_millis(20);
    let server = Server::start_with(Config { ping_interval, ..Config::default() });
    let token = server.fake.token("8001");
    let mut desktop = server.desktop_at(&format!("/api/v1/events?token={token}"));
    assert!(matches!(desktop.frame(), Message::Ping(_)));
    server.fake.expire(&token);
    assert_eq!(desktop.closed(), (4001, "session_over".to_owned()));
}

#[test]
fn a_permission_that_is_given_counts_from_then_on() {
    let ping_interval = Duration::from_millis(20);
    let server = Server::start_with(Config { ping_interval, ..Config::default() });
    let token = server.fake.token("8001");
    let mut desktop = server.desktop_at(&format!("/api/v1/events?token={token}"));
    server.fake.grant(&token, model::Permission::CustomerUnmask);
    let mut shown = || {
        server.fake.brain().publish("8001", crate::people::pop(model::Lookup::Pending));
        desktop.next()["data"]["ani"] == crate::people::PHONE
    };
    assert!((0..10_000).any(|_| shown()));
}

#[test]
fn the_oldest_of_too_many_desktops_is_replaced() {
    let server = Server::start();
    let most = cti::Config::default().max_sessions_per_user;
    let mut desktops: Vec<_> = (0..=most).map(|_| server.desktop("8001")).collect();
    assert_eq!(desktops[0].closed(), (4002, "replaced".to_owned()));
    publish(&server, 1);
    assert_eq!(numbers(&mut desktops[most], 1).len(), 1);
}

#[test]
fn a_desktop_that_answers_pings_stays() {
    let ping_interval = Duration::from_millis(10);
    let server = Server::start_with(Config { ping_interval, ..Config::default() });
    let mut desktop = server.desktop("8001");
    for _ in 0..20 {
        assert!(matches!(desktop.frame(), Message::Ping(_)));
    }
    publish(&server, 1);
    assert_eq!(numbers(&mut desktop, 1).len(), 1);
}

/// The code of the first close frame in what the server sent (RFC 6455 §5.2; a server's frames are
/// not masked, and these are all short).
fn close_code(mut frames: &[u8]) -> Option<u16> {
    while let [first, length, rest @ ..] = frames {
        let (payload, after) = rest.split_at_checked(usize::from(*length))?;
        match (first & 0x0f, payload) {
            (0x8, [high, low, ..]) => return Some(u16::from_be_bytes([*high, *low])),
            (_, _) => frames = after,
        }
    }
    None
}

#[test]
fn a_desktop_that_answers_no_ping_is_let_go() {
    let (ping_interval, silence_timeout) = (Duration::from_millis(20), Duration::from_millis(60));
    let config = Config { ping_interval, silence_timeout, ..Config::default() };
    let server = Server::start_with(config);
    let mut stream = server.dial();
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        path_of(&server),
        server.address
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    assert_eq!(close_code(&answer[head..]), Some(4000));
}

#[test]
fn the_engine_that_stops_says_so() {
    let server = Server::start();
    let mut desktop = server.desktop("8001");
    server.stop();
    assert_eq!(desktop.closed(), (1001, "stopping".to_owned()));
    server.stopped();
}

#[test]
fn an_engine_that_stops_first_lets_its_desktops_go_as_such() {
    let server = Server::start();
    let mut desktop = server.desktop("8001");
    server.fake.draining.store(true, SeqCst);
    server.fake.brain().let_all_go();
    assert_eq!(desktop.closed(), (1001, "stopping".to_owned()));
}

#[test]
fn there_are_only_so_many_desktops() {
    let server = Server::start_with(Config { max_desktops: 1, ..Config::default() });
    let desktop = server.desktop("8001");
    assert_eq!(refusal(&server, &path_of(&server), &[]), 503);
    drop(desktop);
    server.wait_for_figure("hotline_web_desktops_ended_total{reason=\"left\"} 1");
    assert!(server.try_desktop(&path_of(&server), &[]).is_ok());
}
