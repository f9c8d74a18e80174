//! The configuration is read again, and stored days run again, for those who may ask for it.

use std::sync::atomic::Ordering::SeqCst;

use web::ReplayReport;

use crate::client::Server;

const RELOAD: &str = "/api/v1/configuration/reload";
const REPLAY: &str = "/api/v1/replay";

#[test]
fn who_steers_or_administers_has_the_configuration_read_again() {
    let server = Server::start();
    for user in ["lead", "admin"] {
        let answer = server.send("POST", RELOAD, &server.fake.token(user), &[], b"");
        assert_eq!(answer.status, 200, "{user}");
        let body = answer.json();
        assert_eq!(body["changed"][0], "queue claims");
        assert_eq!(body["changed"][1], format!("account {user} (new)"), "it is told who asks");
        assert_eq!(body["restart"][0], "http.listen");
    }
    let refused = server.send("POST", RELOAD, &server.fake.token("8001"), &[], b"");
    assert_eq!((refused.status, refused.code().as_str()), (403, "forbidden"));
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_place_and_remedy() {
    let server = Server::start();
    let token = server.fake.token("admin");
    server.fake.store_fails.store(true, SeqCst);
    let answer = server.send("POST", RELOAD, &token, &[], b"");
    assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"));
    let message = answer.json()["error"]["message"].to_string();
    assert!(message.contains("hotline.toml:7") && message.contains("remedy: "), "{message}");
}

#[test]
fn a_day_runs_again_once_at_a_time_and_says_what_came_of_it() {
    let server = Server::start();
    let token = server.fake.token("lead");
    let json = [("Content-Type", "application/json")];
    let begin = |body: &str| server.send("POST", REPLAY, &token, &json, body.as_bytes());
    assert_eq!(server.get(REPLAY, &token).status, 404, "none was begun");
    let wrong = begin(r#"{"day":"yesterday"}"#);
    assert_eq!((wrong.status, wrong.code().as_str()), (422, "invalid"));
    let wanted = r#"{"day":"2026-11-22","strategy":"fewest_calls"}"#;
    assert_eq!(begin(wanted).status, 202);
    assert_eq!((begin(wanted).status, begin(wanted).code().as_str()), (409, "busy"));
    let running = server.get(REPLAY, &token).json();
    assert_eq!((&running["state"], &running["report"]), (&"running".into(), &().into()));
    assert_eq!(running["request"]["strategy"], "fewest_calls");
    let report = ReplayReport { facts: 9, calls: 3, ..ReplayReport::default() };
    server.fake.replay.lock().unwrap().as_mut().unwrap().came = Some(Ok(report.into()));
    let done = server.get(REPLAY, &token).json();
    assert_eq!((&done["state"], &done["report"]["calls"]), (&"done".into(), &3.into()));
    let agent = server.fake.token("8001");
    assert_eq!(server.get(REPLAY, &agent).status, 403);
}
