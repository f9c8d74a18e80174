//! Every event as it goes over the wire, masked and in clear.

use std::sync::atomic::Ordering::SeqCst;

use cti::{CallPhase, Event, ExpectedWait};
use model::{
    AgentState, AgentStatus, AgentTotals, LegRole, LineQuality, Lookup, MissedCause,
    NotReadyReason, Outcome, Pii, Target, TransferEnd, TransferKind, Wall,
};
use serde_json::{Value, json};
use web::Audit;

use crate::client::{Desktop, Server};
use crate::people::{HARMFUL, MASKED_PHONE, PHONE, agent_state, call, customer, pop};

/// What a desktop of `user` is sent for `event`: its type and its data.
fn seen(server: &Server, user: &str, event: Event) -> (String, Value) {
    told(server, &mut server.desktop(user), user, event)
}

fn told(server: &Server, desktop: &mut Desktop<'_>, user: &str, event: Event) -> (String, Value) {
    server.fake.brain().publish(user, event);
    let frame = desktop.next();
    assert_eq!(frame["at"], "2026-09-21T22:13:20.123+08:00", "{frame}");
    assert!(frame["seq"].is_u64() && frame.as_object().unwrap().len() == 4, "{frame}");
    (frame["type"].as_str().unwrap().to_owned(), frame["data"].clone())
}

fn masked_customer() -> Value {
    json!({
        "customer_id": "K1", "name": "王**", "phone": MASKED_PHONE,
        "identity_number": "110*************34", "class": "a", "city": "上海市",
    })
}

fn policy(plate: &str) -> Value {
    json!({
        "policy_number": "1050012026", "product": "商业险", "plate": plate,
        "vehicle": "大众朗逸", "status": "in_force",
        "starts_on": "2026-01-01", "ends_on": "2026-12-31", "premium_fen": 412_300,
        "claims": [{
            "claim_number": "B1", "lost_on": "2026-03-04", "status": "closed", "paid_fen": 90_000,
        }],
    })
}

#[test]
fn an_agents_state() {
    let server = Server::start();
    let wanted = json!({
        "agent_id": "8001", "status": "not_ready", "reason": "meal", "state": "acw",
        "since": "2026-09-21T22:13:20.000+08:00",
        "next_status": "ready", "next_reason": null, "allowed": ["ready", "wrap_up"],
        "call_id": "c1-1-1", "acw_until": "2026-09-21T22:13:30.000+08:00",
        "phone_reachable": true, "asks": null,
    });
    let seen = seen(&server, "8001", agent_state("8001"));
    assert_eq!(seen, ("agent_state".to_owned(), wanted));
}

#[test]
fn a_pop_is_masked_for_one_who_may_not_see_more() {
    let server = Server::start();
    let wanted = json!({
        "call_id": "c1-1-1", "offer_id": "o1-1-5", "brought_by": "8002", "transfer": "consult",
        "callback": false,
        "ani": MASKED_PHONE, "dnis": "95512",
        "queue": "claims", "waited_ms": 4_200,
        "ivr": {"path": ["welcome", "claims"], "inputs": [{"node": "welcome", "digits": "1"}]},
        "lookup": "found", "customer": masked_customer(), "policies": [policy("沪A1**45")],
    });
    let (kind, data) = seen(&server, "8001", pop(customer()));
    assert_eq!((kind.as_str(), data), ("screen_pop", wanted));
    assert!(server.fake.audits().is_empty());
}

#[test]
fn a_pop_is_in_clear_for_one_who_may_see_so_and_that_is_on_record() {
    let server = Server::start();
    let mut desktop = server.desktop("8021");
    let mut told = |event| told(&server, &mut desktop, "8021", event).1;
    let data = told(pop(customer()));
    assert_eq!(data["ani"], PHONE);
    assert_eq!(data["customer"]["name"], "王小明");
    assert_eq!(data["customer"]["phone"], PHONE);
    assert_eq!(data["customer"]["identity_number"], "110101199003070134");
    assert_eq!(data["policies"], json!([policy("沪A12345")]));
    let unmasked = |what: &str| Audit::Unmasked { user: "8021".into(), what: what.to_owned() };
    assert_eq!(server.fake.audits(), [unmasked("screen_pop c1-1-1")]);
    let update = |lookup| Event::ScreenPopUpdate { call: call(1), lookup };
    let data = told(update(customer()));
    assert_eq!(data["customer"]["name"], "王小明");
    assert_eq!(server.fake.audits()[1..], [unmasked("screen_pop_update c1-1-1")]);
    told(update(Lookup::Unknown));
    assert_eq!(server.fake.audits().len(), 2, "nobody was shown");
}

#[test]
fn a_pop_that_cannot_be_put_on_record_is_masked() {
    let server = Server::start();
    server.fake.audit_fails.store(true, SeqCst);
    let (_, data) = seen(&server, "8021", pop(customer()));
    assert_eq!((&data["ani"], &data["customer"]), (&json!(MASKED_PHONE), &masked_customer()));
    assert_eq!(data["policies"].as_array().unwrap().len(), 1, "policies are not lost by that");
}

#[test]
fn policies_are_for_those_who_may_view_them() {
    let server = Server::start();
    let (_, data) = seen(&server, "8009", pop(customer()));
    assert_eq!((&data["customer"], &data["policies"]), (&masked_customer(), &json!([])));
}

#[test]
fn a_look_up_says_how_far_it_is() {
    let server = Server::start();
    for (lookup, name) in [
        (Lookup::Pending, "pending"),
        (Lookup::Unknown, "unknown"),
        (Lookup::Late, "late"),
        (Lookup::Failed, "failed"),
    ] {
        let event = Event::ScreenPopUpdate { call: call(1), lookup };
        let wanted = json!({"call_id": "c1-1-1", "lookup": name, "customer": null, "policies": []});
        assert_eq!(seen(&server, "8001", event), ("screen_pop_update".to_owned(), wanted));
    }
}

#[test]
fn a_call_on_the_board_never_shows_its_number() {
    let server = Server::start();
    let state = |phase, outcome| Event::CallState {
        call: call(1),
        phase,
        since: Wall(1_790_000_000_000_000),
        direction: model::Direction::Inbound,
        ani: Pii::from(PHONE),
        dnis: "95512".to_owned(),
        queue: Some("claims".into()),
        agent: None,
        recording: Some("r1-1-11".parse().unwrap()),
        recording_paused: Some(model::PauseReason::Secret),
        guest: Some(cti::GuestState {
            whom: Target::Number(Pii::from(PHONE)),
            by: "8001".into(),
            kind: TransferKind::Consult,
            answered: true,
            with_caller: false,
        }),
        lines: vec![cti::PartyLine {
            role: LegRole::Number(Pii::from(PHONE)),
            quality: LineQuality { round_trip_us: Some(30_000), ..LineQuality::default() },
        }],
        outcome,
    };
    let wanted = |phase: &str, outcome: Value| {
        json!({
            "call_id": "c1-1-1", "state": phase, "since": "2026-09-21T22:13:20.000+08:00",
            "direction": "inbound", "ani": MASKED_PHONE, "dnis": "95512", "queue": "claims",
            "agent_id": null, "recording_id": "r1-1-11", "recording_paused": "secret",
            "outcome": outcome,
            "guest": {
                "agent_id": null, "number": MASKED_PHONE, "queue": null, "by": "8001",
                "transfer": "consult", "answered": true, "with_caller": false,
            },
            "lines": [{
                "role": "number",
                "line": {"from_party": null, "to_party": null, "round_trip_us": 30_000},
            }],
        })
    };
    for user in ["lead", "8021"] {
        let (kind, data) = seen(&server, user, state(CallPhase::Queued, None));
        assert_eq!((kind.as_str(), data), ("call_state", wanted("queued", Value::Null)));
    }
    let (_, data) = seen(&server, "lead", state(CallPhase::Ended, Some(Outcome::Abandoned)));
    assert_eq!(data, wanted("ended", json!("abandoned")));
    assert!(server.fake.audits().is_empty());
}

#[test]
fn a_queues_figures() {
    let server = Server::start();
    let agents = AgentTotals {
        signed_out: 1,
        not_ready: 2,
        idle: 3,
        reserved: 4,
        ringing: 5,
        talking: 6,
        acw: 7,
    };
    let state = |waiting, longest_wait_ms| Event::QueueState {
        queue: "claims".into(),
        waiting,
        callbacks: 3,
        longest_wait_ms,
        expected: (waiting > 0).then_some(ExpectedWait { median_ms: 41_000, p90_ms: 95_000 }),
        agents,
        open: true,
    };
    let wanted = json!({
        "queue": "claims", "waiting": 2, "callbacks": 3, "longest_wait_ms": 20_123, "open": true,
        "longest_wait_since": "2026-09-21T22:13:00.000+08:00",
        "expected_wait": { "median_ms": 41_000, "p90_ms": 95_000 },
        "agents": {
            "signed_out": 1, "not_ready": 2, "idle": 3, "reserved": 4, "ringing": 5,
            "talking": 6, "acw": 7,
        },
    });
    assert_eq!(seen(&server, "lead", state(2, 20_123)), ("queue_state".to_owned(), wanted));
    let (_, data) = seen(&server, "lead", state(0, 0));
    assert_eq!(data["longest_wait_since"], Value::Null);
    assert_eq!(data["expected_wait"], Value::Null);
}

#[test]
fn what_became_of_a_transfer_and_to_whom_one_may_go() {
    let server = Server::start();
    let ended = Event::TransferEnded {
        call: call(1),
        to: Target::Agent("8002".into()),
        kind: TransferKind::Blind,
        end: TransferEnd::Missed(MissedCause::NoAnswer),
    };
    let wanted = json!({
        "call_id": "c1-1-1", "agent_id": "8002", "number": null, "queue": null,
        "transfer": "blind", "end": "no_answer",
    });
    assert_eq!(seen(&server, "8001", ended), ("transfer_ended".to_owned(), wanted));
    let targets = Event::Targets {
        search: "80".to_owned(),
        agents: vec![cti::Colleague {
            agent: "8002".into(),
            status: AgentStatus::NotReady { reason: NotReadyReason::Meal },
            state: AgentState::Idle,
            available: false,
        }],
        queues: vec![cti::Line { queue: "claims".into(), waiting: 3, idle: 0 }],
        more: true,
    };
    let wanted = json!({
        "search": "80", "more": true,
        "agents": [{
            "agent_id": "8002", "status": "not_ready", "reason": "meal", "state": "idle",
            "available": false,
        }],
        "queues": [{"queue": "claims", "waiting": 3, "idle": 0}],
    });
    assert_eq!(seen(&server, "8001", targets), ("targets".to_owned(), wanted));
}

#[test]
fn an_alarm_stays_text_whatever_it_says() {
    let server = Server::start();
    let event = Event::Alarm { alarm: "disk".into(), raised: true, detail: HARMFUL.to_owned() };
    let wanted = json!({"alarm": "disk", "raised": true, "detail": HARMFUL});
    assert_eq!(seen(&server, "lead", event), ("alarm".to_owned(), wanted));
}
