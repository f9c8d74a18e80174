//! A call's SIP messages: who sees them, what of them, and the capture.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering::SeqCst;

use model::Permission;
use serde_json::{Value, json};
use web::Audit;

use crate::client::Server;
use crate::people::{PHONE, call, trace};

const LADDER: &str = "/api/v1/calls/c1-1-1/trace";
const CAPTURE: &str = "/api/v1/calls/c1-1-1/trace.pcap";

#[test]
fn a_ladder_has_both_sides_in_one_order_and_says_how_long_answers_took() {
    let server = Server::start();
    let body = server.get(LADDER, &server.fake.token("lead")).json();
    assert_eq!((&body["call_id"], &body["enabled"]), (&json!("c1-1-1"), &json!(true)));
    assert_eq!((&body["complete"], &body["cut"]), (&json!(true), &json!(false)));
    let agent = json!({"leg_id": "l1-1-3", "agent_id": "8001", "sip_call_id": "call-3"});
    assert_eq!(body["legs"][1], agent);
    let items = body["items"].as_array().unwrap();
    let told: Vec<Value> = items
        .iter()
        .map(|item| json!([item["leg"], item["direction"], item["summary"], item["took_us"]]))
        .collect();
    assert_eq!(
        json!(told),
        json!([
            ["caller", "in", "INVITE (SDP)", null],
            ["caller", "out", "100 Trying (INVITE)", 40_000],
            ["caller", "in", "INVITE (SDP)", null],
            ["agent", "out", "INVITE", null],
            ["agent", "in", "200 OK (INVITE, SDP)", 25_000],
            ["caller", "out", "200 OK (INVITE, SDP)", 80_000],
            ["caller", "in", "malformed", null],
        ])
    );
    let mut first = items[4].clone();
    first.as_object_mut().unwrap().remove("message");
    assert_eq!(
        first,
        json!({
            "at": "2026-09-21T22:13:20.075+08:00", "mono_us": 1_075_000, "leg": "agent",
            "leg_id": "l1-1-3", "agent_id": "8001", "direction": "in", "transport": "udp",
            "local": "192.0.2.9:5060", "remote": "192.0.2.2:5062",
            "summary": "200 OK (INVITE, SDP)", "status": 200, "took_us": 25_000,
            "malformed": false,
        })
    );
}

#[test]
fn supervisors_and_administrators_look_and_it_is_on_record_before_they_do() {
    let server = Server::start();
    for user in ["lead", "admin"] {
        for path in [LADDER, CAPTURE] {
            assert_eq!(server.get(path, &server.fake.token(user)).status, 200, "{user} {path}");
        }
    }
    let looked = |user: &str| Audit::Traced { user: user.into(), call: call(1) };
    assert_eq!(server.fake.audits(), ["lead", "lead", "admin", "admin"].map(looked));
    server.fake.audit_fails.store(true, SeqCst);
    for path in [LADDER, CAPTURE] {
        assert_eq!(server.get(path, &server.fake.token("lead")).status, 503, "{path}");
    }
}

#[test]
fn others_are_refused_and_that_is_on_record() {
    let server = Server::start();
    for (user, path) in [("8001", LADDER), ("qa", LADDER), ("8021", CAPTURE)] {
        let answer = server.get(path, &server.fake.token(user));
        assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"), "{user}");
        assert_eq!(answer.json()["error"]["permission"], "call.trace");
        let refused = server.fake.audits().pop();
        let Some(Audit::Refused { permission, what, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((permission, what), (Permission::CallTrace, format!("GET {path}")));
    }
    assert_eq!(server.get(LADDER, "").status, 401);
    let token = server.fake.token("lead");
    assert_eq!(server.get("/api/v1/calls/c1-1-9/trace", &token).code(), "not_found");
    assert_eq!(server.get("/api/v1/calls/x/trace.pcap", &token).code(), "not_found");
    server.fake.store_fails.store(true, SeqCst);
    assert_eq!(server.get(LADDER, &token).code(), "unavailable");
}

#[test]
fn personal_data_is_masked_unless_one_may_see_it() {
    let server = Server::start();
    let token = server.fake.token("lead");
    for path in [LADDER, CAPTURE] {
        let body = server.get(path, &token).body;
        let text = String::from_utf8_lossy(&body);
        assert!(!text.contains(PHONE) && !text.contains("王小明"), "{path}: {text}");
        assert!(text.contains("sip:138******78@192.0.2.1"), "{path}: {text}");
    }
    server.fake.grant(&token, Permission::CustomerUnmask);
    for path in [LADDER, CAPTURE] {
        let body = server.get(path, &token).body;
        assert!(String::from_utf8_lossy(&body).contains(PHONE), "{path}");
        let unmasked = Audit::Unmasked { user: "lead".into(), what: "trace c1-1-1".to_owned() };
        assert_eq!(server.fake.audits().pop(), Some(unmasked));
    }
}

/// What a packet of a capture says, read without anything of what wrote it.
#[derive(Debug, PartialEq, Eq)]
struct Packet {
    at_us: u64,
    source: String,
    destination: String,
    payload: Vec<u8>,
}

fn read_capture(file: &[u8]) -> Vec<Packet> {
    let little = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    assert_eq!((little(0), little(4), little(20)), (0xa1b2_c3d4, 0x0004_0002, 101));
    let (mut at, mut packets) = (24, Vec::new());
    while at < file.len() {
        let (seconds, micros, length) = (little(at), little(at + 4), little(at + 8) as usize);
        assert_eq!(length, little(at + 12) as usize, "nothing is cut");
        let ip = &file[at + 16..at + 16 + length];
        assert_eq!((ip[0], ip[9]), (0x45, 17), "IPv4 with UDP");
        let port = |at: usize| u16::from_be_bytes([ip[at], ip[at + 1]]);
        let end = |at: usize, port: u16| {
            format!("{}.{}.{}.{}:{port}", ip[at], ip[at + 1], ip[at + 2], ip[at + 3])
        };
        packets.push(Packet {
            at_us: u64::from(seconds) * 1_000_000 + u64::from(micros),
            source: end(12, port(20)),
            destination: end(16, port(22)),
            payload: ip[28..].to_vec(),
        });
        at += 16 + length;
    }
    packets
}

#[test]
fn the_capture_holds_every_message_with_its_time_and_its_ends() {
    let server = Server::start();
    let token = server.fake.token("lead");
    server.fake.grant(&token, Permission::CustomerUnmask);
    let answer = server.get(CAPTURE, &token);
    assert_eq!(answer.header("content-type"), "application/vnd.tcpdump.pcap");
    let name = "attachment; filename=\"c1-1-1.pcap\"";
    assert_eq!(answer.header("content-disposition"), name);
    let wanted: Vec<Packet> = trace()
        .messages
        .into_iter()
        .map(|message| {
            let (local, remote) = (message.local.to_string(), message.remote.to_string());
            let (source, destination) =
                if message.is_from_us { (local, remote) } else { (remote, local) };
            let at_us = u64::try_from(message.at.0).unwrap();
            Packet { at_us, source, destination, payload: message.bytes.into_revealed() }
        })
        .collect();
    assert_eq!(read_capture(&answer.body), wanted);
}

/// Where Wireshark's command line is installed, it must agree; elsewhere the test above stands.
#[test]
fn wireshark_reads_the_capture_and_finds_its_sums_right() {
    let server = Server::start();
    let capture = server.get(CAPTURE, &server.fake.token("lead")).body;
    let child = Command::new("tshark")
        .args(["-r", "-", "-T", "fields", "-E", "separator=/t"])
        .args(["-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"])
        .args(["-e", "ip.checksum.status", "-e", "udp.checksum.status"])
        .args(["-e", "sip.Method", "-e", "sip.Status-Code"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return };
    child.stdin.take().unwrap().write_all(&capture).unwrap();
    let told = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let lines: Vec<&str> = told.lines().map(str::trim_end).collect();
    let of = |said: &str| format!("1\t1\t{said}").trim_end().to_owned();
    let wanted = ["INVITE", "\t100", "INVITE", "INVITE", "\t200", "\t200", ""].map(of);
    assert_eq!(lines, wanted);
}
