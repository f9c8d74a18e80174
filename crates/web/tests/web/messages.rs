//! Messages that callers left: who hears them, and who has dealt with them.

use web::Audit;

use crate::client::Server;

#[test]
fn who_handles_messages_hears_those_and_no_conversation() {
    let server = Server::start();
    let token = server.fake.token("lead");
    let list = server.get("/api/v1/recordings?mailbox=claims&open=true", &token).json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["items"][0]["recording_id"], "r1-1-12");
    let other = server.get("/api/v1/recordings?mailbox=general", &token).json();
    assert_eq!(other["items"].as_array().map(Vec::len), Some(0));
    assert_eq!(server.get("/api/v1/recordings/r1-1-12/audio", &token).status, 200);
    for path in ["/api/v1/recordings", "/api/v1/recordings/r1-1-11/audio"] {
        let refused = server.get(path, &token);
        assert_eq!(refused.status, 403, "{path}");
        assert_eq!(refused.json()["error"]["permission"], "recording.play");
    }
}

#[test]
fn who_may_neither_play_nor_handle_messages_hears_nothing() {
    let server = Server::start();
    let token = server.fake.token("8001");
    for path in ["/api/v1/recordings?mailbox=claims", "/api/v1/recordings/r1-1-12/audio"] {
        assert_eq!(server.get(path, &token).status, 403, "{path}");
    }
}

#[test]
fn a_message_is_done_once_it_is_said_by_whom() {
    let server = Server::start();
    let put = |path: &str, user: &str| {
        server.send("PUT", path, &server.fake.token(user), &[], b"").status
    };
    assert_eq!(put("/api/v1/recordings/r1-1-12/done", "qa"), 403);
    let refusals = server.fake.audits().len();
    assert_eq!(put("/api/v1/recordings/r1-1-12/done", "lead"), 204);
    let audits = server.fake.audits();
    let [Audit::MessageDone { user, call, recording }] = &audits[refusals..] else {
        panic!("{audits:?}");
    };
    assert_eq!(
        (user.as_str(), call.to_string(), recording.to_string()),
        ("lead", "c1-1-2".to_owned(), "r1-1-12".to_owned())
    );
    // A conversation is none, and what is not there is not either.
    for path in ["/api/v1/recordings/r1-1-11/done", "/api/v1/recordings/r9-9-9/done"] {
        assert_eq!(put(path, "lead"), 404, "{path}");
    }
}
