//! `kill -9` in the middle of calls: what was acknowledged is there afterwards, and nobody is left
//! on a dead line.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use sip::Method;

use crate::api::{Client, metric};
use crate::demo::{Demo, eventually, hotline};
use crate::phone::Phone;
use crate::sipp::Stage;

const SOON: Duration = Duration::from_secs(20);
/// Calls at the moment of the crash.
const CALLS: usize = 20;
/// Those of them that have reached an agent.
const TALKING: usize = 3;

#[test]
fn after_kill_9_every_call_is_on_record_and_every_phone_is_told() {
    let demo = Demo::start();
    let stage = Stage::new(440.0);
    let mut desk = Phone::new(demo.sip, "8004");
    assert_eq!(desk.register("demo"), 200);
    let mut events = Client::sign_in(&demo, "8004").events();
    events.wait("agent_state", SOON, |data| data["state"] == "idle" && data["status"] == "ready");

    // A whole call, which is in after-call work when the others are in full swing.
    let mut customer = Phone::new(demo.sip, "13900000009");
    let call = customer.dial("95500");
    desk.pick_up(&desk.expect(Method::Invite, SOON).message);
    let state = events.wait("agent_state", SOON, |data| data["state"] == "talking");
    let wrapped = state.event["data"]["call_id"].as_str().expect("an id").to_owned();
    // Afterwards no calls, so that the desk's phone is free after the crash.
    assert_eq!(events.command("not_ready", &json!({ "reason": "meal" }))["ok"], json!(true));
    customer.hang_up(&call);
    desk.respond(&desk.expect(Method::Bye, SOON).message, "200 OK", "");
    events.wait("agent_state", SOON, |data| data["state"] == "acw");
    assert_eq!(events.command("extend_acw", &json!({ "ms": 600_000 }))["ok"], json!(true));

    let mut board = Client::sign_in(&demo, "lead").events();
    let agents: Vec<_> =
        ["8001", "8002", "8003"].map(|agent| stage.agent(&demo, agent)).into_iter().collect();
    let calls = CALLS.to_string();
    let arguments = ["-s", "95500", "-l", &calls, "-m", &calls, "-r", &calls];
    let callers = stage.start(
        demo.sip,
        "waiter",
        &[&arguments[..], &["-key", "ani", "13900000001"]].concat(),
    );
    let (mut there, mut talking) = (BTreeSet::new(), BTreeSet::new());
    board.wait("call_state", SOON, |data| {
        let id = data["call_id"].as_str().expect("an id").to_owned();
        match data["state"].as_str() {
            Some("talking") => drop(talking.insert(id.clone())),
            Some("ended") => drop(talking.remove(&id)),
            _ => {}
        }
        there.insert(id);
        there.iter().filter(|id| **id != wrapped).count() == CALLS && talking.len() == TALKING
    });
    // What the engine sends leaves in order: with this answer every call's has left.
    assert_eq!(desk.register("demo"), 200);
    // Answered, and in the same moment the engine is gone.
    let wrap_up = json!({ "call_id": wrapped, "disposition": "follow_up" });
    let answer = events.command("wrap_up", &wrap_up);
    assert_eq!(answer["ok"], json!(true), "{answer}");
    let demo = demo.kill_and_restart();

    // Every party was told: SIPp ends well only if each of its calls got a BYE.
    callers.succeed();
    agents.into_iter().for_each(crate::sipp::Sipp::succeed);
    check_records(&demo, &wrapped);

    // The phone that registered before the crash is rung without registering again.
    let mut events = Client::sign_in(&demo, "8004").events();
    let state = events.wait("agent_state", SOON, |data| data["agent_id"] == "8004");
    let data = &state.event["data"];
    assert_eq!((&data["status"], &data["reason"]), (&json!("not_ready"), &json!("meal")), "{data}");
    assert_eq!(events.command("ready", &json!({}))["ok"], json!(true));
    // The others' phones are gone, and who has their ports now is not to be rung.
    let others: Vec<_> = ["8001", "8002", "8003"]
        .map(|agent| {
            let mut events = Client::sign_in(&demo, agent).events();
            let answer = events.command("not_ready", &json!({ "reason": "break" }));
            assert_eq!(answer["ok"], json!(true), "{answer}");
            events
        })
        .into_iter()
        .collect();
    let mut customer = Phone::new(demo.sip, "13900000010");
    let call = customer.dial("95500");
    desk.pick_up(&desk.expect(Method::Invite, Duration::from_secs(40)).message);
    customer.hang_up(&call);
    drop(others);
}

#[test]
fn after_kill_9_while_both_phones_of_an_agent_ring_the_caller_is_told_and_nothing_is_left() {
    let demo = Demo::start();
    let mut phones = [(); 2].map(|()| Phone::new(demo.sip, "8004"));
    for phone in &mut phones {
        assert_eq!(phone.register("demo"), 200);
    }
    let mut events = Client::sign_in(&demo, "8004").events();
    events.wait("agent_state", SOON, |data| data["state"] == "idle" && data["status"] == "ready");
    let mut customer = Phone::new(demo.sip, "13900000011");
    let _call = customer.dial("95500");
    let rung = phones.each_ref().map(|phone| {
        let invite = phone.expect(Method::Invite, SOON).message;
        phone.respond(&invite, "180 Ringing", "");
        invite.call_id().to_owned()
    });
    assert_ne!(rung[0], rung[1], "each phone has a leg of its own");
    let demo = demo.kill_and_restart();

    // Who was on the line is told.
    let bye = customer.expect(Method::Bye, SOON).message;
    customer.respond(&bye, "200 OK", "");
    let inspector = Client::sign_in(&demo, "qa");
    let record = crate::sipp::ended_call(&inspector);
    assert_eq!(record["outcome"], "engine_lost", "{record}");
    assert!(record["agent_id"].is_null(), "nobody has answered: {record}");
    assert_eq!(metric(&demo, "hotline_calls"), 0);
    // Both are rung for the next call as if nothing had been.
    let mut events = Client::sign_in(&demo, "8004").events();
    events.wait("agent_state", SOON, |data| data["agent_id"] == "8004" && data["state"] == "idle");
    let mut customer = Phone::new(demo.sip, "13900000012");
    let call = customer.dial("95500");
    let is_new = |message: &sip::Message| {
        let is_old = rung.iter().any(|known| *known == message.call_id());
        message.is_request() && message.method() == Method::Invite && !is_old
    };
    let again = phones.each_ref().map(|phone| phone.wait(SOON, is_new).expect("both ring").message);
    // RFC 3261 §9.1: before a provisional response there is no CANCEL.
    phones[1].respond(&again[1], "180 Ringing", "");
    phones[0].pick_up(&again[0]);
    let cancel = phones[1].expect(Method::Cancel, SOON).message;
    phones[1].respond(&cancel, "200 OK", "");
    phones[1].respond(&again[1], "487 Request Terminated", "");
    customer.hang_up(&call);
}

/// Every call has its record, and every recording its seal.
fn check_records(demo: &Demo, wrapped: &str) {
    let inspector = Client::sign_in(demo, "qa");
    let records = eventually("every call's record", SOON, || {
        let (_, calls) = inspector.get("/calls?limit=200");
        let items = calls["items"].as_array()?.clone();
        (items.len() == CALLS + 1).then_some(items)
    });
    let ids: BTreeSet<&str> =
        records.iter().filter_map(|call| call["sip_call_id"].as_str()).collect();
    assert_eq!(ids.len(), CALLS + 1, "each call once");
    let of = |outcome: &str| records.iter().filter(|call| call["outcome"] == outcome).count();
    assert_eq!((of("engine_lost"), of("answered")), (CALLS, 1), "{records:#?}");
    let talked = |call: &&Value| call["outcome"] == "engine_lost" && !call["agent_id"].is_null();
    assert_eq!(records.iter().filter(talked).count(), TALKING, "{records:#?}");
    // What was acknowledged just before the crash.
    let call = records.iter().find(|call| call["call_id"] == wrapped).expect("it is there");
    assert_eq!(call["disposition"], "follow_up", "{call}");

    eventually("every recording is sealed", SOON, || {
        let (_, recordings) = inspector.get("/recordings?limit=200");
        let items = recordings["items"].as_array()?.clone();
        let sealed = |recording: &&Value| !recording["sha256"].is_null();
        (items.iter().filter(sealed).count() == TALKING + 1).then_some(())
    });
    let verified = hotline(&["recordings", "verify"], Some(&demo.data()));
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success(), "{said}");
    assert!(said.contains("4 recordings are as sealed, 0 not sealed, 0 missing"), "{said}");
}
