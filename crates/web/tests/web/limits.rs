//! Who is let in, how much they may send, and how long they may take.

use std::io::{Read, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use web::Config;

use crate::client::Server;

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

/// Whether the other side has closed, or does now, without a word.
fn is_closed(stream: &mut impl Read) -> bool {
    !matches!(stream.read(&mut [0; 1]), Ok(1))
}

#[test]
fn only_peers_that_are_allowed_are_heard() {
    let asked = |source: IpAddr| !source.is_loopback();
    let server = Server::start_with(Config { allow: Arc::new(asked), ..Config::default() });
    let mut stream = server.dial();
    let _ = stream.write_all(HEALTH);
    assert!(is_closed(&mut stream));
}

#[test]
fn a_peer_has_only_so_many_connections() {
    for config in [
        Config { max_connections: 2, ..Config::default() },
        Config { max_connections_per_source: 2, ..Config::default() },
    ] {
        let server = Server::start_with(config);
        let mut open: Vec<_> = (0..2).map(|_| server.dial()).collect();
        for stream in &mut open {
            // An answer shows that the connection has its place.
            stream.write_all(HEALTH).unwrap();
            assert_eq!(stream.read(&mut [0; 8]).unwrap(), 8);
        }
        let mut more = server.dial();
        let _ = more.write_all(HEALTH);
        assert!(is_closed(&mut more));
        drop(open);
        // A place that is given back is used again, as soon as the room has noticed.
        let served = || server.raw(b"GET /healthz HTTP/1.0\r\n\r\n").starts_with("HTTP/1");
        assert!((0..10_000).any(|_| served()));
    }
}

#[test]
fn a_head_that_does_not_come_ends_the_connection() {
    let header_timeout = Duration::from_millis(300);
    let server = Server::start_with(Config { header_timeout, ..Config::default() });
    for head in ["", "GET /heal", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow"] {
        let answer = server.raw(head.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    // A connection that rests between two requests is closed likewise.
    let answer = server.raw(HEALTH);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let request_timeout = Duration::from_millis(50);
    let server = Server::start_with(Config { request_timeout, ..Config::default() });
    let answer = server.raw(
        b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
          Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"user\"",
    );
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("\"code\":\"unavailable\""), "{answer}");
}

#[test]
fn what_is_no_http_is_refused() {
    let server = Server::start();
    let many = "X: y\r\n".repeat(200);
    let long = "x".repeat(100_000);
    for (bytes, status) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), "400"),
        (b"INVITE sip:95512@x SIP/2.0\r\n\r\n".to_vec(), "400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_vec(), "400"),
        (format!("GET / HTTP/1.1\r\n{many}\r\n").into_bytes(), "431"),
        (format!("GET / HTTP/1.1\r\nX: {long}\r\n\r\n").into_bytes(), "431"),
    ] {
        let answer = server.raw(&bytes);
        let right = answer.starts_with(&format!("HTTP/1.1 {status}"))
            || answer.starts_with(&format!("HTTP/1.0 {status}"));
        assert!(right || answer.is_empty(), "{answer:.60}");
    }
    assert_eq!(server.get("/healthz", "").status, 200, "it is as well as before");
}

#[test]
fn a_listener_that_takes_nothing_is_dropped() {
    let stall_timeout = Duration::from_millis(100);
    let server = Server::start_with(Config { stall_timeout, ..Config::default() });
    server.fake.audio_is_endless.store(true, SeqCst);
    let mut stream = server.dial();
    let request = format!(
        "GET /api/v1/recordings/r1-1-11/audio?token={} HTTP/1.1\r\nHost: x\r\n\r\n",
        server.fake.token("qa")
    );
    stream.write_all(request.as_bytes()).unwrap();
    assert_eq!(stream.read(&mut [0; 12]).unwrap(), 12);
    // What remains is the connection that asks.
    server.wait_for_figure("hotline_web_connections 1");
}

#[test]
fn a_request_under_way_is_answered_when_the_room_stops() {
    let server = Server::start();
    let mut stream = server.dial();
    let body = br#"{"user":"8001","password":"demo"}"#;
    let head = format!(
        "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The room says so when it has begun to wait for the body.
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.stop();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    server.stopped();
}

#[test]
fn one_that_does_not_end_is_not_waited_for_longer_than_the_grace() {
    let grace = Duration::from_millis(50);
    let server = Server::start_with(Config { grace, ..Config::default() });
    server.fake.audio_is_endless.store(true, SeqCst);
    let mut stream = server.dial();
    let request = format!(
        "GET /api/v1/recordings/r1-1-11/audio?token={} HTTP/1.1\r\nHost: x\r\n\r\n",
        server.fake.token("qa")
    );
    stream.write_all(request.as_bytes()).unwrap();
    assert_eq!(stream.read(&mut [0; 12]).unwrap(), 12);
    server.stop();
    server.stopped();
}
