//! The lists of calls and recordings: who sees what, filters, pages, masks.

use std::sync::atomic::Ordering::SeqCst;

use serde_json::{Value, json};
use web::Audit;

use crate::client::Server;
use crate::people::{HARMFUL, MASKED_PHONE, PHONE, SHA256};

fn ids(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["call_id"].as_str().unwrap()).collect()
}

#[test]
fn a_call_has_every_field_of_its_record() {
    let server = Server::start();
    let list = server.get("/api/v1/calls?limit=1", &server.fake.token("qa")).json();
    let wanted = json!({
        "call_id": "c1-1-3", "trunk": "demo", "ani": MASKED_PHONE, "dnis": "95512",
        "diverted_from": MASKED_PHONE,
        "callback_of": "c1-1-99",
        "sip_call_id": HARMFUL,
        "arrived_at": "2026-09-21T22:13:23.000+08:00",
        "answered_at": "2026-09-21T22:13:23.000+08:00",
        "queued_at": null,
        "agent_answered_at": "2026-09-21T22:13:23.000+08:00",
        "ended_at": "2026-09-21T22:13:23.000+08:00",
        "menu_path": ["welcome"], "inputs": [{"node": "welcome", "digits": "1"}],
        "queue": "claims", "tier": 1,
        "waited_ms": 4_200, "rang_ms": 900, "talked_ms": 61_000, "acw_ms": null,
        "offers": [{
            "offer_id": "o1-1-5", "agent_id": "8002", "at": "2026-09-21T22:13:23.000+08:00",
            "rang_ms": null, "missed": "busy",
        }],
        "legs": [{
            "leg_id": "l1-1-9", "role": "number", "agent_id": null, "number": MASKED_PHONE,
            "began_at": "2026-09-21T22:13:23.000+08:00", "answered_at": null,
            "ended_at": "2026-09-21T22:13:23.000+08:00", "cause": "response", "sip_status": 486,
            "line": {
                "from_party": null,
                "to_party": {"packets": 50, "lost": 1, "jitter_us": 900, "mos": 4.21},
                "round_trip_us": 41_000,
            },
        }],
        "transfers": [{
            "by": "8002", "agent_id": null, "queue": null, "number": MASKED_PHONE,
            "kind": "blind", "by_phone": true, "at": "2026-09-21T22:13:23.000+08:00",
            "end": "busy", "ended_at": null,
        }],
        "overflows": [{
            "queue": "general", "why": "full", "to_queue": "claims", "announcement": null,
            "to_number": null, "mailbox": null, "calls_back": false,
            "at": "2026-09-21T22:13:23.000+08:00",
        }],
        "agent_id": "8001", "outcome": "answered", "cause": "response", "sip_status": 486,
        "lookup": "found", "lookup_ms": 3, "customer_id": "K1", "direction": "inbound",
        "recordings": [{
            "recording_id": "r1-1-13", "call_id": "c1-1-3", "agent_id": "8001",
            "mailbox": null, "done_at": null, "done_by": null,
            "started_at": "2026-09-21T22:13:23.000+08:00", "duration_ms": 311,
            "bytes": 10_000, "sha256": SHA256, "gaps": 0, "pauses": 0, "lost": false,
            "recovered": false, "held": null, "deleted_at": null, "certificate": null,
        }],
        "disposition": "enquiry", "settled": true,
    });
    assert_eq!(list, json!({"items": [wanted], "next": "1"}));
}

#[test]
fn pages_follow_one_another_to_the_end() {
    let server = Server::start();
    let token = server.fake.token("lead");
    let first = server.get("/api/v1/calls?limit=2", &token).json();
    assert_eq!(ids(&first), ["c1-1-3", "c1-1-2"]);
    let next = first["next"].as_str().unwrap();
    let second = server.get(&format!("/api/v1/calls?limit=2&cursor={next}"), &token).json();
    assert_eq!((ids(&second), &second["next"]), (vec!["c1-1-1"], &Value::Null));
    for (query, status, code) in [
        ("cursor=other", 400, "malformed"),
        ("limit=x", 400, "malformed"),
        ("limit=0", 422, "invalid"),
        ("limit=201", 422, "invalid"),
        ("outcome=gone", 422, "invalid"),
        ("from=yesterday", 422, "invalid"),
        ("until=2026-09-21", 422, "invalid"),
    ] {
        let answer = server.get(&format!("/api/v1/calls?{query}"), &token);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{query}");
    }
    let long = "x".repeat(300);
    for (name, code) in [("cursor", "malformed"), ("agent", "invalid"), ("ani", "invalid")] {
        assert_eq!(server.get(&format!("/api/v1/calls?{name}={long}"), &token).code(), code);
    }
}

#[test]
fn filters_narrow_the_list() {
    let server = Server::start();
    let token = server.fake.token("qa");
    for (query, wanted) in [
        ("agent=8002", vec!["c1-1-2"]),
        ("queue=claims&agent=", vec!["c1-1-3", "c1-1-2", "c1-1-1"]),
        ("queue=other", vec![]),
        ("outcome=abandoned", vec![]),
        ("ani=13800138078", vec!["c1-1-3", "c1-1-2", "c1-1-1"]),
        ("ani=13800138079", vec![]),
        ("from=2026-09-21T22:13:22%2B08:00", vec!["c1-1-3", "c1-1-2"]),
        ("from=2026-09-21T22:13:22+08:00&until=2026-09-21T14:13:23Z", vec!["c1-1-2"]),
    ] {
        assert_eq!(ids(&server.get(&format!("/api/v1/calls?{query}"), &token).json()), wanted);
    }
}

#[test]
fn an_agent_sees_their_own_calls_only() {
    let server = Server::start();
    let token = server.fake.token("8001");
    assert_eq!(ids(&server.get("/api/v1/calls", &token).json()), ["c1-1-3", "c1-1-1"]);
    assert_eq!(ids(&server.get("/api/v1/calls?agent=8001", &token).json()), ["c1-1-3", "c1-1-1"]);
    for path in ["/api/v1/calls?agent=8002", "/api/v1/calls/c1-1-2"] {
        let answer = server.get(path, &token);
        assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"), "{path}");
        assert_eq!(answer.json()["error"]["permission"], "call.view_all");
    }
    assert_eq!(server.fake.audits().len(), 2);
    assert_eq!(server.get("/api/v1/calls/c1-1-1", &token).status, 200);
    // One who was offered a call took part in it.
    assert_eq!(server.get("/api/v1/calls/c1-1-1", &server.fake.token("8002")).status, 200);
    let refused = server.get("/api/v1/recordings", &token);
    assert_eq!(refused.json()["error"]["permission"], "recording.play");
}

#[test]
fn who_may_unmask_sees_clear_numbers_and_is_on_record() {
    let server = Server::start();
    let token = server.fake.token("8021");
    let call = server.get("/api/v1/calls/c1-1-1", &server.fake.token("qa")).json();
    assert_eq!(call["ani"], MASKED_PHONE);
    assert_eq!(call["timeline"][0]["ani"], MASKED_PHONE);
    assert!(server.fake.audits().is_empty());

    // Of tier 3, and not their call: the refusal comes first.
    assert_eq!(server.get("/api/v1/calls/c1-1-1", &token).status, 403);
    assert!(ids(&server.get("/api/v1/calls", &token).json()).is_empty());
    assert_eq!(server.fake.audits().len(), 1, "nothing was shown: {:?}", server.fake.audits());
}

#[test]
fn what_cannot_be_put_on_record_is_not_shown() {
    let server = Server::start();
    let token = unmasking_viewer(&server);
    let list = server.get("/api/v1/calls", &token).json();
    assert_eq!(list["items"][0]["ani"], PHONE);
    let call = server.get("/api/v1/calls/c1-1-1", &token).json();
    assert_eq!((&call["ani"], &call["timeline"][0]["ani"]), (&json!(PHONE), &json!(PHONE)));
    let unmasked = |what: &str| Audit::Unmasked { user: "8021".into(), what: what.to_owned() };
    let wanted = [unmasked("calls c1-1-3 c1-1-2 c1-1-1"), unmasked("call c1-1-1")];
    assert_eq!(server.fake.audits(), wanted);
    server.fake.audit_fails.store(true, SeqCst);
    for path in ["/api/v1/calls", "/api/v1/calls/c1-1-1"] {
        let answer = server.get(path, &token);
        assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"), "{path}");
        assert!(!String::from_utf8(answer.body).unwrap().contains(PHONE));
    }
}

/// One who may see all calls and unmask them: no role of the demo, but a configuration may say so.
fn unmasking_viewer(server: &Server) -> String {
    let token = server.fake.token("8021");
    server.fake.grant(&token, model::Permission::CallViewAll);
    token
}

#[test]
fn a_call_tells_what_happened_in_order() {
    let server = Server::start();
    let call = server.get("/api/v1/calls/c1-1-1", &server.fake.token("qa")).json();
    assert_eq!(call["call_id"], "c1-1-1");
    let timeline = call["timeline"].as_array().unwrap();
    assert_eq!(timeline.len(), server.fake.facts.len());
    for (entry, fact) in timeline.iter().zip(&server.fake.facts) {
        assert_eq!(entry["seq"], fact.seq);
        assert_eq!(entry["type"], fact.body.kind());
    }
    let wanted = json!({
        "seq": 1, "at": "2026-09-21T22:13:20.000+08:00", "type": "call_arrived",
        "leg_id": "l1-1-2", "trunk": "demo", "ani": MASKED_PHONE, "dnis": "95512",
    });
    assert_eq!(timeline[0], wanted);
    let of = |kind: &str| {
        let mut entry = timeline.iter().find(|entry| entry["type"] == kind).unwrap().clone();
        let fields = entry.as_object_mut().unwrap();
        fields.retain(|name, _| !["seq", "at", "type"].contains(&name.as_str()));
        entry
    };
    for (kind, wanted) in [
        ("call_answered", json!({})),
        ("dialog_established", json!({"leg_id": "l1-1-2", "agent_id": "8001"})),
        ("called_inside", json!({"leg_id": "l1-1-2", "by": "8001", "agent_id": "8002"})),
        ("digits_collected", json!({"node": "welcome", "digits": "1"})),
        ("lookup_ended", json!({"lookup": "found", "took_ms": 3, "customer_id": "K1"})),
        ("tier_reached", json!({"queue": "claims", "tier": 2, "step": 2, "why": "idle"})),
        ("popped", json!({"offer_id": "o1-1-5", "agent_id": "8001", "desktop": true})),
        ("missed", json!({"offer_id": "o1-1-5", "agent_id": "8001", "missed": "no_answer"})),
        ("rang", json!({"offer_id": "o1-1-5", "agent_id": "8001", "leg_id": "l1-1-2"})),
        ("leg_ended", json!({"leg_id": "l1-1-2", "cause": "response", "sip_status": 487})),
        ("call_ended", json!({"outcome": "answered", "cause": "remote_bye"})),
        (
            "message_left",
            json!({"recording_id": "r1-1-11", "mailbox": "claims", "took_ms": 20_000}),
        ),
        ("message_done", json!({"recording_id": "r1-1-11", "by": "8011"})),
        ("recording_gap", json!({"recording_id": "r1-1-11", "error": "disk full"})),
        (
            "recording_sealed",
            json!({"recording_id": "r1-1-11", "sha256": SHA256, "recovered": true}),
        ),
        (
            "agent_changed",
            json!({"agent_id": "8001", "status": "not_ready", "reason": "break", "state": "acw"}),
        ),
        ("wrapped_up", json!({"agent_id": "8001", "disposition": "enquiry"})),
        ("played", json!({"recording_id": "r1-1-11", "user": "qa"})),
        ("traced", json!({"user": "lead"})),
    ] {
        assert_eq!(of(kind), wanted, "{kind}");
    }
    let text = serde_json::to_string(&call).unwrap();
    assert!(!text.contains("secret"), "neither dialogs nor paths: {text}");
    // Who listens to an agent or looks into a call is not for the agent to see.
    let own = server.get("/api/v1/calls/c1-1-1", &server.fake.token("8001")).json();
    assert_eq!(own["timeline"].as_array().unwrap().len(), timeline.len() - 2);
}

#[test]
fn texts_from_outside_stay_texts() {
    let server = Server::start();
    let answer = server.get("/api/v1/calls/c1-1-1", &server.fake.token("qa"));
    assert_eq!(answer.header("x-evil"), "");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.json()["sip_call_id"], HARMFUL);
    let answer = server.get("/api/v1/calls?outcome=%22%3E%3Cscript%3E", &server.fake.token("qa"));
    assert_eq!(answer.code(), "invalid");
}

#[test]
fn recordings_are_listed_without_their_paths() {
    let server = Server::start();
    let token = server.fake.token("qa");
    let answer = server.get("/api/v1/recordings?call=c1-1-2", &token);
    assert!(!String::from_utf8_lossy(&answer.body).contains("secret"));
    let wanted = json!({
        "recording_id": "r1-1-12", "call_id": "c1-1-2", "agent_id": "8002",
        "mailbox": "claims", "done_at": null, "done_by": null,
        "started_at": "2026-09-21T22:13:22.000+08:00", "duration_ms": null,
        "bytes": null, "sha256": null, "gaps": 0, "pauses": 0, "lost": false, "recovered": false,
        "held": null, "deleted_at": null, "certificate": null,
    });
    assert_eq!(answer.json(), json!({"items": [wanted], "next": null}));
    assert_eq!(server.get("/api/v1/recordings?call=x", &token).code(), "invalid");
    assert_eq!(ids(&server.get("/api/v1/recordings", &token).json()).len(), 3);
}

#[test]
fn a_store_that_fails_is_told_as_such() {
    let server = Server::start();
    server.fake.store_fails.store(true, SeqCst);
    let token = server.fake.token("qa");
    for path in ["/api/v1/calls", "/api/v1/calls/c1-1-1", "/api/v1/recordings"] {
        let answer = server.get(path, &token);
        assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"), "{path}");
    }
}

#[test]
fn an_inspector_holds_a_recording_and_releases_it_and_nobody_else_does() {
    let server = Server::start();
    let path = "/api/v1/recordings/r1-1-11/hold";
    let put = |path: &str, token: &str, why: &str| {
        let body = json!({"why": why}).to_string();
        let json = [("Content-Type", "application/json")];
        server.send("PUT", path, token, &json, body.as_bytes())
    };
    for user in ["8001", "8021"] {
        let refused = put(path, &server.fake.token(user), "case 7");
        assert_eq!(refused.json()["error"]["permission"], "recording.hold");
    }
    let token = server.fake.token("qa");
    let refusals = server.fake.audits().len();
    for wrong in ["", "  ", &"x".repeat(501)] {
        assert_eq!(put(path, &token, wrong).status, 422, "{wrong:?}");
    }
    let missing = put("/api/v1/recordings/r9-9-9/hold", &token, "case 7");
    assert_eq!(missing.status, 404);
    assert_eq!(put(path, &token, " case 7 ").status, 204);
    // It is not held here, where the fake keeps nothing: there is nothing to release.
    assert_eq!(server.send("DELETE", path, &token, &[], b"").status, 204);
    let audits = server.fake.audits();
    let [Audit::Held { user, recording, why, .. }] = &audits[refusals..] else {
        panic!("{audits:?}");
    };
    assert_eq!(
        (user.as_str(), recording.to_string(), why.as_str()),
        ("qa", "r1-1-11".to_owned(), "case 7")
    );
}
