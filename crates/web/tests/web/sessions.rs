//! Signing in and out, and what every answer has in common.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::Ordering::SeqCst;

use model::Permission;
use serde_json::json;
use web::Audit;

use crate::client::Server;

#[test]
fn one_who_signs_in_gets_a_token_that_works_until_signed_out() {
    let server = Server::start();
    let answer = server.post("/api/v1/sessions", r#"{"user":"8001","password":"demo"}"#);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("cache-control"), "no-store");
    let session = answer.json();
    let token = session["token"].as_str().unwrap();
    let me = json!({
        "user": "8001", "name": "王芳", "role": "agent", "tier": 1,
        "permissions": ["policy.view", "claim.register", "call.handle", "call.view_own"],
    });
    let mut wanted = me.clone();
    wanted["token"] = token.into();
    assert_eq!(session, wanted);
    assert_eq!(server.get("/api/v1/me", token).json(), me);
    assert_eq!(server.send("DELETE", "/api/v1/sessions/current", token, &[], b"").status, 204);
    assert_eq!(server.get("/api/v1/me", token).code(), "not_signed_in");
}

#[test]
fn who_has_no_tier_has_null() {
    let server = Server::start();
    let me = server.get("/api/v1/me", &server.fake.token("qa")).json();
    assert_eq!((&me["role"], &me["tier"]), (&json!("inspector"), &json!(null)));
}

#[test]
fn an_unknown_user_and_a_wrong_password_are_the_same() {
    let server = Server::start();
    let long = format!(r#"{{"user":"8001","password":"{}"}}"#, "x".repeat(257));
    let answers = [
        r#"{"user":"8001","password":"wrong"}"#,
        r#"{"user":"nobody","password":"demo"}"#,
        r#"{"user":"","password":"demo"}"#,
        long.as_str(),
    ]
    .map(|body| server.post("/api/v1/sessions", body));
    for answer in &answers {
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.body, answers[0].body);
        assert_eq!(answer.code(), "wrong_credentials");
    }
    // What is too long is not even looked at.
    assert_eq!(server.fake.sign_ins.load(SeqCst), 2);
}

#[test]
fn who_is_slowed_or_locked_is_told_for_how_long() {
    let server = Server::start();
    for (user, code, ms, seconds) in
        [("slow", "slowed", 1_500, "2"), ("locked", "locked", 60_000, "60")]
    {
        let body = format!(r#"{{"user":"{user}","password":"demo"}}"#);
        let answer = server.post("/api/v1/sessions", &body);
        assert_eq!((answer.status, answer.code().as_str()), (429, code));
        assert_eq!(answer.header("retry-after"), seconds);
        assert_eq!(answer.json()["error"]["retry_after_ms"], ms);
    }
    let answer = server.post("/api/v1/sessions", r#"{"user":"down","password":"demo"}"#);
    assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"));
    assert_eq!(answer.header("retry-after"), "1");
}

#[test]
fn a_body_that_cannot_be_taken_is_refused_in_the_one_shape() {
    let server = Server::start();
    let json = [("Content-Type", "application/json; charset=utf-8")];
    let huge = format!(r#"{{"user":"{}","password":""}}"#, "x".repeat(20_000));
    for (headers, body, status, code) in [
        (&json[..], "{", 400, "malformed"),
        (&json[..], "", 400, "malformed"),
        (&json[..], "[]", 422, "invalid"),
        (&json[..], r#"{"user":"8001"}"#, 422, "invalid"),
        (&json[..], r#"{"user":"8001","password":1}"#, 422, "invalid"),
        (&json[..], r#"{"user":"8001","password":"demo","more":1}"#, 422, "invalid"),
        (&json[..], huge.as_str(), 413, "too_large"),
        (&[("Content-Type", "text/plain")][..], "{}", 415, "unsupported_media_type"),
        (&[][..], "{}", 415, "unsupported_media_type"),
    ] {
        let answer = server.send("POST", "/api/v1/sessions", "", headers, body.as_bytes());
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body:.40}");
    }
}

#[test]
fn without_a_valid_token_nothing_is_told() {
    let server = Server::start();
    for path in [
        "/api/v1/me",
        "/api/v1/config",
        "/api/v1/calls",
        "/api/v1/calls/c1-1-1",
        "/api/v1/recordings",
        "/api/v1/recordings/r1-1-11/audio",
        "/api/v1/recordings/r1-1-11/audio?token=unknown",
        "/api/v1/events",
    ] {
        for token in ["", "unknown", "bad token", &"x".repeat(300)] {
            let answer = server.get(path, token);
            assert_eq!((answer.status, answer.code().as_str()), (401, "not_signed_in"), "{path}");
        }
    }
    // Only where a browser can send no header may the token stand in the address.
    let token = server.fake.token("qa");
    assert_eq!(server.get(&format!("/api/v1/calls?token={token}"), "").status, 401);
    let basic = [("Authorization", "Basic cWE6ZGVtbw==")];
    assert_eq!(server.get_with("/api/v1/me", "", &basic).status, 401);
    let lower = format!("bearer {token}");
    assert_eq!(server.get_with("/api/v1/me", "", &[("Authorization", &lower)]).status, 200);
}

#[test]
fn what_is_not_there_is_told_in_the_one_shape() {
    let server = Server::start();
    let token = server.fake.token("qa");
    for path in [
        "/api",
        "/api/v2/calls",
        "/api/v1/calls/",
        "/api/v1/calls/c1-1-99",
        "/api/v1/calls/1",
        "/api/v1/calls/r1-1-11",
        "/api/v1/recordings/r1-1-99/audio",
        "/api/v1/recordings/..%2f..%2fetc%2fpasswd/audio",
        "/nothing.txt",
    ] {
        let answer = server.get(path, &token);
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
    }
    for (method, path, allow) in [
        ("PUT", "/api/v1/sessions", "POST"),
        ("POST", "/api/v1/calls/c1-1-1", "GET,HEAD"),
        ("DELETE", "/healthz", "GET,HEAD"),
        ("POST", "/agent", "GET, HEAD"),
    ] {
        let answer = server.send(method, path, &token, &[], b"");
        assert_eq!((answer.status, answer.code().as_str()), (405, "method_not_allowed"), "{path}");
        assert_eq!(answer.header("allow"), allow, "{path}");
    }
}

#[test]
fn every_answer_protects_who_reads_it() {
    let server = Server::start();
    for path in ["/", "/api/docs", "/api/v1/openapi.json", "/healthz", "/metrics", "/api/x"] {
        let answer = server.get(path, "");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    let page = server.get("/", "");
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
}

#[test]
fn the_description_and_its_page_are_served() {
    let server = Server::start();
    let description = server.get("/api/v1/openapi.json", "").json();
    assert_eq!(description["openapi"], "3.1.0");
    assert!(description["paths"]["/api/v1/calls/{id}"]["get"].is_object());
    assert!(description["components"]["schemas"]["ScreenPopData"].is_object());
    assert!(description["components"]["schemas"]["CommandBody"].is_object());
    let page = server.get("/api/docs", "");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    // Every path that is described is one that answers.
    let token = server.fake.token("qa");
    for path in description["paths"].as_object().unwrap().keys() {
        let path = path.replace("/calls/{id}", "/calls/c1-1-1").replace("{id}", "r1-1-11");
        assert_ne!(server.get(&path, &token).status, 404, "{path}");
    }
}

#[test]
fn health_says_where_calls_should_not_go() {
    let server = Server::start();
    let health = server.get("/healthz", "");
    assert_eq!(health.status, 200);
    let wanted = json!({"status": "ok", "parts": {"store": "ok", "sip": "ok"}});
    assert_eq!(health.json(), wanted);
    server.fake.draining.store(true, SeqCst);
    let health = server.get("/healthz", "");
    assert_eq!((health.status, &health.json()["status"]), (503, &json!("draining")));
    server.fake.store_fails.store(true, SeqCst);
    let health = server.get("/healthz", "");
    assert_eq!((health.status, &health.json()["status"]), (503, &json!("failing")));
    assert_eq!(health.json()["parts"]["store"], "disk full");
}

#[test]
fn the_figures_are_the_engines_and_the_rooms_own() {
    let server = Server::start();
    assert_eq!(server.get("/api/v1/me", "").status, 401);
    let answer = server.get("/metrics", "");
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4");
    let figures = String::from_utf8(answer.body).unwrap();
    assert!(figures.starts_with("# TYPE hotline_calls gauge\nhotline_calls 3\n#"), "{figures}");
    assert!(figures.contains("hotline_web_responses_total{class=\"4xx\"} 1\n"), "{figures}");
}

#[test]
fn a_desktop_learns_what_may_be_chosen() {
    let server = Server::start();
    let config = server.get("/api/v1/config", &server.fake.token("8001")).json();
    let wanted = json!({
        "numbers": ["95512"],
        "dispositions": [{"code": "enquiry", "zh": "咨询", "en": "Enquiry"}],
        "not_ready_reasons": ["break", "meal", "training", "meeting", "back_office"],
        "queues": [{"code": "claims", "zh": "理赔", "en": "Claims"}],
        "acw_ms": 10_000, "ring_timeout_ms": 20_000, "version": "0.1.0",
    });
    assert_eq!(config, wanted);
}

#[test]
fn a_refusal_names_the_permission_and_is_on_record_first() {
    let server = Server::start();
    let token = server.fake.token("admin");
    let answer = server.get("/api/v1/calls?ani=13800138078", &token);
    assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
    assert_eq!(answer.json()["error"]["permission"], "call.view_own");
    let refused = Audit::Refused {
        user: "admin".into(),
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        permission: Permission::CallViewOwn,
        what: "GET /api/v1/calls".to_owned(),
    };
    assert_eq!(server.fake.audits(), [refused]);
    server.fake.audit_fails.store(true, SeqCst);
    assert_eq!(server.get("/api/v1/calls", &token).code(), "unavailable");
}
