//! Why a call went to whom it went: who is told, the numbers, and the words.

use serde_json::{Value, json};
use web::Audit;

use crate::client::Server;

const WHY: &str = "/api/v1/calls/c1-1-1/why";

fn why_not(server: &Server, agent: &str, user: &str) -> Value {
    server.get(&format!("{WHY}/{agent}"), &server.fake.token(user)).json()
}

#[test]
fn each_offer_has_its_decision_as_numbers() {
    let server = Server::start();
    let body = server.get(WHY, &server.fake.token("lead")).json();
    assert_eq!(body["call_id"], "c1-1-1");
    let first = &body["offers"][0];
    assert_eq!((&first["agent_id"], &first["queue"]), (&json!("8001"), &json!("claims")));
    let next = json!({
        "agent_id": "8003", "call_id": null, "key": 0, "idle_ms": 80_000, "score_ms": null,
    });
    assert_eq!(first["decision"]["next"][0], next);
    let mut decision = first["decision"].clone();
    decision.as_object_mut().unwrap().remove("next");
    assert_eq!(
        decision,
        json!({
            "number": 12, "chosen_from": "agents", "strategy": "longest_idle", "key": 0,
            "idle_ms": 90_000, "score_ms": null, "permission": "claim.settle",
            "steps_reached": 2,
            "excluded": [
                {"reason": "busy", "count": 3}, {"reason": "not_permitted", "count": 2},
            ],
        })
    );
    let free = &body["offers"][1]["decision"];
    assert_eq!((&free["chosen_from"], &free["score_ms"]), (&json!("calls"), &json!(95_000)));
    assert_eq!(free["next"][0]["call_id"], "c1-1-2");
    assert_eq!(body["offers"][2]["decision"], Value::Null, "no queue decided it");
}

#[test]
fn a_supervisor_reads_it_in_chinese_and_in_english() {
    let server = Server::start();
    let body = server.get(WHY, &server.fake.token("lead")).json();
    assert_eq!(
        body["offers"][0]["said"],
        json!({
            "zh": "按最长空闲给了座席 8001（空闲 90 秒）。其次是 8003（空闲 80 秒）、\
                   8004（空闲 70 秒）、8005（空闲 60 秒）。\
                   未参选：3 位正忙，2 位缺少权限 claim.settle。",
            "en": "By longest idle it went to agent 8001 (idle for 90 s). Next: 8003 (idle for \
                   80 s), 8004 (idle for 70 s), 8005 (idle for 60 s). Not chosen from: 3 busy, 2 \
                   without the permission claim.settle.",
        })
    );
    assert_eq!(
        body["offers"][1]["said"],
        json!({
            "zh": "座席 8002 空闲下来，接得分最高的来电（95 分）。其次是 c1-1-2（40 分）。\
                   未参选：1 通正在振其他座席。",
            "en": "Agent 8002 became free and took the call with the highest score (score 95). \
                   Next: c1-1-2 (score 40). Not chosen from: 1 being offered to others.",
        })
    );
}

#[test]
fn who_did_not_get_it_is_told_who_was_before_and_why() {
    let server = Server::start();
    let body = why_not(&server, "8005", "qa");
    let moment = &body["moments"][0];
    let numbers = ["reason", "place", "idle_ms", "offered_to"].map(|name| moment[name].clone());
    assert_eq!(numbers, [json!("next"), json!(4), json!(60_000), json!("8001")]);
    assert_eq!(
        moment["said"]["zh"],
        "3 位空闲更久的座席在前：8001（空闲 90 秒）、8003（空闲 80 秒）、8004（空闲 70 秒）；\
         座席 8005（空闲 60 秒）排第 4。"
    );
    assert_eq!(
        moment["said"]["en"],
        "3 agents idle for longer were before: 8001 (idle for 90 s), 8003 (idle for 80 s), 8004 \
         (idle for 70 s); agent 8005 (idle for 60 s) had place 4."
    );
}

#[test]
fn whom_the_decision_does_not_name_is_told_of_their_own_state() {
    let server = Server::start();
    let body = why_not(&server, "8012", "lead");
    let told = |at: usize| {
        let moment = &body["moments"][at];
        (moment["reason"].as_str().unwrap(), moment["said"]["zh"].as_str().unwrap())
    };
    assert_eq!(told(0), ("busy", "座席 8012 正在通话（c1-1-3）。"));
    assert_eq!(told(1), ("not_permitted", "座席 8012 缺少权限 claim.settle。"));
    assert_eq!(told(2), ("not_ready", "座席 8012 示忙（用餐）。"));
    assert_eq!(
        told(3),
        ("not_reached", "来电要到第 2 步（等满 20 秒）才对座席 8012 开放，当时还没到。")
    );
    let moments = &body["moments"];
    assert_eq!(
        (&moments[0]["state"], &moments[0]["busy_with"]),
        (&json!("talking"), &json!("c1-1-3"))
    );
    assert_eq!(moments[2]["not_ready_reason"], "meal");
    assert_eq!(moments[2]["since"], "2026-09-21T22:13:20.000+08:00");
    assert_eq!((&moments[3]["after_ms"], &moments[3]["offer_id"]), (&json!(20_000), &Value::Null));
    assert_eq!(moments[3]["step"], 2);
}

#[test]
fn agents_see_the_offers_to_themselves_and_not_how_others_stood() {
    let server = Server::start();
    let own = server.get(WHY, &server.fake.token("8001")).json();
    let offers = own["offers"].as_array().unwrap();
    assert_eq!((offers.len(), &offers[0]["agent_id"]), (1, &json!("8001")));
    assert_eq!(offers[0]["decision"]["next"], json!([]));
    assert!(!own.to_string().contains("8003"), "{own}");
    let moments = why_not(&server, "8001", "8001");
    assert_eq!(moments["moments"].as_array().map(Vec::len), Some(1), "{moments}");
    assert_eq!(server.fake.audits(), []);
}

#[test]
fn other_calls_and_other_agents_are_refused_and_that_is_on_record() {
    let server = Server::start();
    let own = format!("{WHY}/8021");
    for (user, path) in
        [("8001", &format!("{WHY}/8002")), ("8021", &own), ("8021", &WHY.to_owned())]
    {
        let answer = server.get(path, &server.fake.token(user));
        assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"), "{user} {path}");
        let refused = server.fake.audits().pop();
        assert!(matches!(refused, Some(Audit::Refused { .. })), "{user} {path}");
    }
}

#[test]
fn what_is_no_call_or_no_agent_names_nothing() {
    let server = Server::start();
    let long = format!("{WHY}/{}", "8".repeat(65));
    let unknown = "/api/v1/calls/c1-1-99/why";
    let paths = [unknown, "/api/v1/calls/c1-1-99/why/8001", "/api/v1/calls/nonsense/why", &long];
    for path in paths {
        assert_eq!(server.get(path, &server.fake.token("lead")).status, 404, "{path}");
    }
    assert_eq!(server.get(WHY, "nobody").status, 401);
}
