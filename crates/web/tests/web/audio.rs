//! A recording's audio: ranges, conditions, names, and the record of who listens.

use std::sync::atomic::Ordering::SeqCst;

use serde_json::json;
use web::Audit;

use crate::client::Server;
use crate::people::{LOST_RECORDING, SHA256};

const PATH: &str = "/api/v1/recordings/r1-1-11/audio";

#[test]
fn the_whole_is_described_and_sent() {
    let server = Server::start();
    let answer = server.get(PATH, &server.fake.token("qa"));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, server.fake.audio);
    for (name, value) in [
        ("content-type", "audio/wav"),
        ("content-length", "10000"),
        ("accept-ranges", "bytes"),
        ("etag", &format!("\"{SHA256}\"")),
        ("content-disposition", "inline; filename=\"r1-1-11.wav\""),
        ("cache-control", "no-store"),
        ("content-range", ""),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
}

#[test]
fn one_range_is_sent_as_a_part() {
    let server = Server::start();
    let token = server.fake.token("qa");
    for (range, first, last) in [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, 9_999),
        ("bytes=100-199", 100, 199),
        ("bytes=9990-20000", 9_990, 9_999),
        ("bytes=-10", 9_990, 9_999),
        ("bytes=-20000", 0, 9_999),
    ] {
        let answer = server.get_with(PATH, &token, &[("Range", range)]);
        assert_eq!(answer.status, 206, "{range}");
        assert_eq!(answer.body, server.fake.audio[first..=last], "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes {first}-{last}/10000"));
        assert_eq!(answer.header("content-length"), (last - first + 1).to_string());
    }
}

#[test]
fn a_range_outside_is_refused_and_says_how_long_the_content_is() {
    let server = Server::start();
    let token = server.fake.token("qa");
    for range in ["bytes=10000-", "bytes=10000-10001", "bytes=-0"] {
        let answer = server.get_with(PATH, &token, &[("Range", range)]);
        assert_eq!((answer.status, answer.code().as_str()), (416, "range_not_satisfiable"));
        assert_eq!(answer.header("content-range"), "bytes */10000", "{range}");
    }
    assert!(server.fake.audits().is_empty(), "nothing was heard");
}

#[test]
fn what_is_no_range_or_several_gets_the_whole() {
    let server = Server::start();
    let token = server.fake.token("qa");
    for range in ["bytes=5-4", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4", "bytes"] {
        let answer = server.get_with(PATH, &token, &[("Range", range)]);
        assert_eq!((answer.status, answer.body.len()), (200, 10_000), "{range}");
    }
}

#[test]
fn conditions_are_respected() {
    let server = Server::start();
    let token = server.fake.token("qa");
    let etag = format!("\"{SHA256}\"");
    let range = ("Range", "bytes=0-1");
    let with = |name, value: &str| server.get_with(PATH, &token, &[range, (name, value)]).status;
    assert_eq!(with("If-Range", &etag), 206);
    assert_eq!(with("If-Range", "\"other\""), 200);
    assert_eq!(with("If-Range", "Sat, 21 Nov 2026 19:00:00 GMT"), 200);
    assert_eq!(with("If-None-Match", &etag), 304);
    assert_eq!(with("If-None-Match", &format!("\"other\", W/{etag}")), 304);
    assert_eq!(with("If-None-Match", "\"other\""), 206);
    // Until it is sealed a recording has nothing to compare.
    let open = "/api/v1/recordings/r1-1-12/audio";
    let answer = server.get_with(open, &token, &[range, ("If-Range", "\"\"")]);
    assert_eq!((answer.status, answer.header("etag")), (200, ""));
}

#[test]
fn head_describes_the_whole_and_is_no_listening() {
    let server = Server::start();
    let token = server.fake.token("qa");
    let answer = server.send("HEAD", PATH, &token, &[("Range", "bytes=0-1")], b"");
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-length"), "10000");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert!(server.fake.audits().is_empty());
}

#[test]
fn a_listening_is_on_record_once_and_before_it_begins() {
    let server = Server::start();
    let token = server.fake.token("qa");
    server.fake.audit_fails.store(true, SeqCst);
    assert_eq!(server.get(PATH, &token).code(), "unavailable");
    server.fake.audit_fails.store(false, SeqCst);
    for range in ["bytes=5-", "bytes=0-", "bytes=100-200"] {
        assert_eq!(server.get_with(PATH, &token, &[("Range", range)]).status, 206);
    }
    assert_eq!(server.get("/api/v1/recordings/r1-1-12/audio", &token).status, 200);
    let played = |call: &str, recording: &str| Audit::Played {
        user: "qa".into(),
        call: call.parse().unwrap(),
        recording: recording.parse().unwrap(),
    };
    let wanted = [played("c1-1-1", "r1-1-11"), played("c1-1-2", "r1-1-12")];
    assert_eq!(server.fake.audits(), wanted);
}

#[test]
fn a_player_may_name_its_token_in_the_address() {
    let server = Server::start();
    let path = format!("{PATH}?token={}", server.fake.token("qa"));
    assert_eq!(server.get(&path, "").status, 200);
    let answer = server.get(&format!("{PATH}?token={}", server.fake.token("8001")), "");
    assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
}

#[test]
fn a_file_that_is_gone_is_not_found() {
    let server = Server::start();
    let path = format!("/api/v1/recordings/{LOST_RECORDING}/audio");
    let answer = server.get(&path, &server.fake.token("qa"));
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
}

#[test]
fn no_path_leaves_the_ids() {
    let server = Server::start();
    let token = server.fake.token("qa");
    for id in ["..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "r1-1-11%00", "r1-1-11/..", "%ff"] {
        let request = format!(
            "GET /api/v1/recordings/{id}/audio HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\n\r\n"
        );
        let answer = server.raw(request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 404"), "{id}: {answer}");
    }
}

#[test]
fn content_that_ends_too_soon_breaks_off() {
    let server = Server::start();
    server.fake.audio_is_short.store(true, SeqCst);
    let request = format!(
        "GET {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
        server.fake.token("qa")
    );
    let answer = server.raw(request.as_bytes());
    // The length is promised before the end is seen: the connection breaks off, nothing is padded.
    assert!(answer.len() < 10_000, "{answer:.300}");
    assert!(!answer.contains("\"error\""), "{answer:.300}");
}

#[test]
fn a_waveform_has_as_many_points_as_are_wanted() {
    let server = Server::start();
    let token = server.fake.token("qa");
    let path = "/api/v1/recordings/r1-1-11/peaks";
    let all = server.get(path, &token).json();
    assert_eq!((&all["recording_id"], &all["point_ms"]), (&json!("r1-1-11"), &json!(20)));
    assert_eq!(all["caller"].as_array().map(Vec::len), Some(200));
    assert_eq!(all["caller"][199], json!(99));
    let few = server.get(&format!("{path}?points=3"), &token).json();
    assert_eq!(few["point_ms"], json!(680));
    assert_eq!(few["caller"], json!([-33, 33, -67, 67, -99, 99]));
    assert_eq!(few["agent"], json!([0, 33, 0, 67, 0, 99]));
    assert!(server.fake.audits().is_empty(), "nothing was heard");
}

#[test]
fn waveforms_are_refused_like_the_audio() {
    let server = Server::start();
    let path = "/api/v1/recordings/r1-1-11/peaks";
    assert_eq!(server.get(path, "nobody").status, 401);
    assert_eq!(server.get(path, &server.fake.token("8001")).status, 403);
    let token = server.fake.token("qa");
    for (query, status) in [("points=0", 422), ("points=10001", 422), ("points=x", 400)] {
        assert_eq!(server.get(&format!("{path}?{query}"), &token).status, status, "{query}");
    }
    let lost = format!("/api/v1/recordings/{LOST_RECORDING}/peaks");
    assert_eq!(server.get(&lost, &token).status, 404);
}
