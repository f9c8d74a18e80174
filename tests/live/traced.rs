//! A call of SIPp's, seen afterwards: by the web, by `hotline trace`, by Wireshark.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::api::Client;
use crate::demo::Demo;
use crate::sipp::{Stage, ended_call};

/// Runs `hotline trace` against the demo.
fn trace(demo: &Demo, user: &str, call: &str, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hotline"))
        .args(["trace", call, "--user", user, "--url", &format!("http://{}", demo.http)])
        .args(more)
        .env("HOTLINE_PASSWORD", "demo")
        .output()
        .expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Where each of `wanted` begins a summary of that side, one after the other.
fn in_order(items: &[Value], leg: &str, wanted: &[(&str, &str)]) {
    let side: Vec<(&str, &str)> = items
        .iter()
        .filter(|item| item["leg"] == leg)
        .filter_map(|item| Some((item["direction"].as_str()?, item["summary"].as_str()?)))
        .collect();
    let mut rest = side.iter();
    for (direction, begins) in wanted {
        let found = rest.any(|(way, summary)| way == direction && summary.starts_with(begins));
        assert!(found, "{leg}: no {direction} {begins} in its place: {side:?}");
    }
}

#[test]
fn both_sides_of_a_call_are_in_its_trace_in_order_and_the_command_draws_them() {
    let demo = Demo::start();
    let stage = Stage::new(440.0);
    let agent = stage.agent(&demo, "8001");
    let arguments = ["-s", "95512", "-m", "1", "-d", "4000"];
    let keys = ["-key", "ani", "13800138000", "-key", "digit", "0"];
    stage.run(demo.sip, "caller", &[&arguments[..], &keys[..]].concat());
    agent.succeed();
    let call = ended_call(&Client::sign_in(&demo, "qa"));
    let id = call["call_id"].as_str().expect("an id");

    let (status, trace_of) = Client::sign_in(&demo, "lead").get(&format!("/calls/{id}/trace"));
    assert_eq!((status, trace_of["complete"].as_bool()), (200, Some(true)), "{trace_of}");
    let items = trace_of["items"].as_array().expect("a list");
    let caller = [("in", "INVITE (SDP)"), ("out", "200 OK (INVITE, SDP)"), ("in", "ACK")];
    let agent = [("out", "INVITE (SDP)"), ("in", "200 OK (INVITE, SDP)"), ("out", "ACK")];
    in_order(items, "caller", &[&caller[..], &[("in", "BYE"), ("out", "200 OK (BYE)")]].concat());
    in_order(items, "agent", &[&agent[..], &[("out", "BYE"), ("in", "200 OK (BYE)")]].concat());
    let times: Vec<u64> = items.iter().filter_map(|item| item["mono_us"].as_u64()).collect();
    assert!(times.windows(2).all(|pair| pair[0] <= pair[1]), "one order of time: {times:?}");

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("call.pcap");
    let drawn = trace(&demo, "admin", id, &["--full", "--pcap", &file.display().to_string()]);
    let (ladder, errors) = (text(&drawn.stdout), text(&drawn.stderr));
    assert!(drawn.status.success(), "{ladder}\n{errors}");
    for row in ["─ INVITE (SDP) ─", "─ 200 OK (INVITE, SDP) ─", "─ ACK ─", "─ BYE ─", "agent 8001"]
    {
        assert!(ladder.contains(row), "{row} in\n{ladder}");
    }
    assert!(ladder.contains("138******00") && !ladder.contains("13800138000"), "{ladder}");
    wireshark_agrees(&file, items.len());
}

/// Wireshark's command line finds as many SIP messages.
fn wireshark_agrees(file: &Path, messages: usize) {
    let read = Command::new("tshark").args(["-Y", "sip", "-r"]).arg(file).output();
    let read = read.expect("tshark runs: scripts/install-peers installs it");
    assert_eq!(text(&read.stdout).lines().count(), messages, "{}", text(&read.stderr));
    let bytes = std::fs::read(file).expect("it was written");
    assert_eq!(bytes.get(..4), Some(&[0xd4, 0xc3, 0xb2, 0xa1][..]));
}

#[test]
fn who_may_not_look_and_what_is_not_there_is_told_with_a_remedy() {
    let demo = Demo::start();
    for (user, call, remedy) in [
        ("8001", "c1-1-1", "--user"),
        ("lead", "c1-1-999", "take the id from"),
        ("nobody", "c1-1-1", "HOTLINE_PASSWORD"),
    ] {
        let told = trace(&demo, user, call, &[]);
        assert!(!told.status.success());
        assert!(text(&told.stderr).contains(remedy), "{}", text(&told.stderr));
    }
    let (status, refusal) = Client::sign_in(&demo, "qa").get("/calls/c1-1-1/trace");
    assert_eq!((status, refusal["error"]["permission"].as_str()), (403, Some("call.trace")));
}
