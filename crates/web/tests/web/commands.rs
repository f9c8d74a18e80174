//! What a desktop sends, and how it is answered.

use cti::Command;
use model::{Pii, Target};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::client::{Desktop, Server};

const READY: &str = r#"{"id":"1","type":"ready"}"#;

fn done(reply_to: &str) -> Value {
    json!({"reply_to": reply_to, "ok": true})
}

/// The code of a refusal and the id that it names.
fn refused(answer: &Value) -> (&str, &Value) {
    assert_eq!(answer["ok"], false, "{answer}");
    assert!(!answer["error"]["message"].as_str().unwrap().is_empty(), "{answer}");
    (answer["error"]["code"].as_str().unwrap(), &answer["reply_to"])
}

#[test]
fn every_command_reaches_the_engine_and_is_answered() {
    let server = Server::start();
    let mut desktop = server.desktop("8001");
    for (at, command) in [
        json!({"type": "ready"}),
        json!({"type": "not_ready", "data": {"reason": "break"}}),
        json!({"type": "pop_shown", "data": {"offer_id": "o1-1-5"}}),
        json!({"type": "hang_up", "data": {}}),
        json!({"type": "extend_acw", "data": {"ms": 30_000}}),
        json!({"type": "wrap_up", "data": {"call_id": "c1-1-1", "disposition": "enquiry"}}),
        json!({"type": "list_targets"}),
        json!({"type": "transfer", "data": {"queue": "claims"}}),
        json!({"type": "consult", "data": {"agent_id": "8002"}}),
        json!({"type": "consult", "data": {"number": "+8613800138000"}}),
        json!({"type": "complete_transfer"}),
        json!({"type": "swap_parties"}),
        json!({"type": "conference"}),
        json!({"type": "cancel_consult"}),
        json!({"type": "pause_recording", "data": {"reason": "secret"}}),
        json!({"type": "resume_recording", "data": {}}),
        json!({"type": "sign_out", "data": null}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut command = command;
        command["id"] = at.to_string().into();
        assert_eq!(desktop.ask(&command.to_string()), done(&at.to_string()));
    }
    let brain = server.fake.brain();
    let names: Vec<_> = brain.done.iter().map(|(_, command)| command.type_name()).collect();
    let wanted = [
        "ready",
        "not_ready",
        "pop_shown",
        "hang_up",
        "extend_acw",
        "wrap_up",
        "list_targets",
        "transfer",
        "consult",
        "consult",
        "complete_transfer",
        "swap_parties",
        "conference",
        "cancel_consult",
        "pause_recording",
        "resume_recording",
        "sign_out",
    ];
    assert_eq!(names, wanted);
    assert!(brain.done.iter().all(|(user, _)| user.as_str() == "8001"));
    assert_eq!(brain.done[4].1, Command::ExtendAcw { ms: 30_000 });
    assert_eq!(brain.done[7].1, Command::Transfer { to: Target::Queue("claims".into()) });
    let number = Target::Number(Pii::from("+8613800138000"));
    assert_eq!(brain.done[9].1, Command::Consult { to: number });
}

#[test]
fn a_call_goes_to_exactly_one() {
    let server = Server::start();
    let mut desktop = server.desktop("8001");
    for (id, data) in [
        ("1", json!({})),
        ("2", json!({"agent_id": "8002", "queue": "claims"})),
        ("3", json!({"agent_id": ""})),
        ("4", json!({"number": "tel:1"})),
        ("5", json!({"number": "+"})),
        ("6", json!({"agent_id": "8".repeat(65)})),
    ] {
        let command = json!({"id": id, "type": "transfer", "data": data});
        assert_eq!(refused(&desktop.ask(&command.to_string())), ("bad_target", &json!(id)));
    }
    assert!(server.fake.brain().done.is_empty());
}

#[test]
fn the_same_id_twice_is_done_once_and_answered_twice() {
    let server = Server::start();
    let mut desktop = server.desktop("8001");
    assert_eq!(desktop.ask(READY), done("1"));
    assert_eq!(desktop.ask(READY), done("1"));
    drop(desktop);
    // Also on another connection, as after a broken one.
    assert_eq!(server.desktop("8001").ask(READY), done("1"));
    assert_eq!(server.fake.brain().done.len(), 1);
}

#[test]
fn a_command_that_is_not_allowed_is_refused_by_the_engine() {
    let server = Server::start();
    let mut inspector = server.desktop("qa");
    assert_eq!(refused(&inspector.ask(READY)), ("forbidden", &json!("1")));
    let mut agent = server.desktop("8001");
    let answer = agent.ask(r#"{"id":"2","type":"not_ready","data":{"reason":"no_answer"}}"#);
    assert_eq!(refused(&answer), ("bad_reason", &json!("2")));
    assert!(server.fake.brain().done.is_empty());
}

#[test]
fn a_malformed_frame_is_told_what_is_wrong() {
    let server = Server::start();
    let mut desktop = server.desktop("8001");
    for (frame, code, id) in [
        ("hello", "malformed", Value::Null),
        ("{}", "invalid", Value::Null),
        (r#"{"id":"7","type":"dance"}"#, "invalid", json!("7")),
        (r#"{"id":"<b>","type":"wrap_up","data":{"call_id":"c1-1-1"}}"#, "invalid", json!("<b>")),
    ] {
        assert_eq!(refused(&desktop.ask(frame)), (code, &id), "{frame}");
    }
    desktop.send(Message::binary(READY.as_bytes().to_vec()));
    assert_eq!(refused(&desktop.next()), ("malformed", &Value::Null));
    assert_eq!(desktop.ask(READY), done("1"), "the connection is as good as before");
}

fn send_malformed(desktop: &mut Desktop<'_>, times: usize) {
    for _ in 0..times {
        assert_eq!(refused(&desktop.ask("?")), ("malformed", &Value::Null));
    }
}

#[test]
fn too_many_malformed_frames_in_a_row_end_the_connection() {
    let server = Server::start();
    let mut desktop = server.desktop("8001");
    send_malformed(&mut desktop, web::MAX_MALFORMED_FRAMES - 1);
    assert_eq!(desktop.ask(READY), done("1"), "a good one ends the row");
    send_malformed(&mut desktop, web::MAX_MALFORMED_FRAMES);
    assert_eq!(desktop.closed(), (1008, "malformed".to_owned()));
    server.wait_for_figure("hotline_web_desktops_ended_total{reason=\"malformed\"} 1");
}

#[test]
fn a_frame_that_is_too_large_ends_the_connection() {
    let server = Server::start();
    let mut desktop = server.desktop("8001");
    let padded = |length: usize| format!("{}{READY}", " ".repeat(length - READY.len()));
    assert_eq!(desktop.ask(&padded(web::MAX_FRAME_BYTES)), done("1"));
    desktop.say(&padded(web::MAX_FRAME_BYTES + 1));
    assert_eq!(desktop.closed(), (1009, "too_large".to_owned()));
}

#[test]
fn a_frame_that_breaks_the_websockets_rules_ends_the_connection() {
    let server = Server::start();
    let mut desktop = server.desktop("8001");
    // Text that is not UTF-8 (RFC 6455 §8.1).
    let text = tungstenite::Bytes::from_static(&[0xff, 0xfe]);
    let opcode = OpCode::Data(Data::Text);
    desktop.send(Message::Frame(Frame::message(text, opcode, true)));
    assert_eq!(desktop.closed(), (1008, "malformed".to_owned()));
}

#[test]
fn only_so_many_commands_may_wait() {
    let server = Server::start();
    server.fake.brain().hold = true;
    let mut desktop = server.desktop("8001");
    for id in 0..=web::MAX_PENDING_COMMANDS {
        desktop.say(&format!(r#"{{"id":"{id}","type":"ready"}}"#));
    }
    let last = json!(web::MAX_PENDING_COMMANDS.to_string());
    assert_eq!(refused(&desktop.next()), ("busy", &last));
    assert_eq!(server.fake.brain().done.len(), web::MAX_PENDING_COMMANDS);
}
