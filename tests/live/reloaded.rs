//! The configuration and the accounts change while the engine runs and callers wait: by SIGHUP, by
//! the API, and by the command line.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use sip::Method;

use crate::api::Client;
use crate::demo::Demo;
use crate::on_postgres::account;
use crate::phone::Phone;

const SOON: Duration = Duration::from_secs(30);

const CONFIG: &str = r#"
[site]
data = "DATA"
[sip]
listen = "127.0.0.1:0"
[http]
listen = "127.0.0.1:0"
[[trunk]]
name = "carrier"
sources = ["127.0.0.0/8"]
brand = "95512"
[trunk.numbers]
95500 = "queue:general"
[[queue]]
name = "general"
tiers = [{ level = 1, after_ms = 0 }, { level = 2, after_ms = 600000 }]
[[queue]]
name = "claims"
tiers = [{ level = 1, after_ms = 0 }, { level = 2, after_ms = 0 }]
[[queue]]
name = "complaints"
tiers = [{ level = 2, after_ms = 0 }]
"#;

fn write(config: &Path, from: &str, to: &str) {
    let data = config.parent().expect("a folder").join("data").display().to_string();
    let text = CONFIG.replace("DATA", &data);
    assert!(text.contains(from), "{from}");
    std::fs::write(config, text.replacen(from, to, 1)).expect("it is written");
}

fn named(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().filter_map(Value::as_str).collect()
}

#[test]
fn a_caller_who_waits_is_served_by_what_is_configured_while_they_wait() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("hotline.toml");
    write(&config, "", "");
    let expert = ["--role", "agent", "--tier", "2", "--queues", "general"];
    let phone = ["--digest", "md5", "--ready-when-registered"];
    account(&config, "8011", &[&expert[..], &phone[..]].concat());
    account(&config, "8012", &["--role", "agent", "--tier", "1", "--queues", "general"]);
    account(&config, "lead", &["--role", "supervisor"]);
    account(&config, "root", &["--role", "administrator"]);
    let engine = Demo::serve(folder, &config);
    let mut desk = Phone::new(engine.sip, "8011");
    assert_eq!(desk.register("demo"), 200);
    let mut board = Client::sign_in(&engine, "lead").events();
    let mut customer = Phone::new(engine.sip, "13900000009");
    let call = customer.dial("95500");
    board.wait("queue_state", SOON, |data| data["queue"] == "general" && data["waiting"] == 1);

    // A faulty file changes nothing, and says where and what to do.
    write(&config, "name = \"complaints\"", "name = \"complaints\"\nstrategy = \"luck\"");
    let admin = Client::sign_in(&engine, "root");
    let (status, body) = admin.post("/configuration/reload", &json!({}));
    let message = body["error"]["message"].as_str().unwrap_or_default();
    assert_eq!((status, body["error"]["code"].as_str()), (422, Some("invalid")), "{body}");
    for word in ["hotline.toml:", "queue.strategy", "luck", "remedy: "] {
        assert!(message.contains(word), "{word}: {message}");
    }

    // Whose tier was to be asked in ten minutes is asked at once.
    write(&config, "after_ms = 600000", "after_ms = 0");
    let told = Command::new("kill").args(["-HUP", &engine.pid().to_string()]).status();
    assert!(told.expect("kill runs").success());
    let invite = desk.expect(Method::Invite, SOON);
    desk.pick_up(&invite.message);
    board
        .wait("agent_state", SOON, |data| data["agent_id"] == "8011" && data["state"] == "talking");

    // The call goes on while its queue is as it was again, and what needs a restart is named.
    write(
        &config,
        "listen = \"127.0.0.1:0\"\n[http]",
        "listen = \"127.0.0.1:0\"\ncalls_max = 9\n[http]",
    );
    let supervisor = Client::sign_in(&engine, "lead");
    let (status, body) = supervisor.post("/configuration/reload", &json!({}));
    assert_eq!(status, 200, "{body}");
    assert_eq!(named(&body["changed"]), ["queue general"], "{body}");
    assert_eq!(named(&body["restart"]), ["sip.calls_max"], "{body}");
    let (status, body) = supervisor.post("/configuration/reload", &json!({}));
    assert_eq!((status, named(&body["changed"]).len()), (200, 0), "{body}");

    // An account that the command line adds is there without anyone asking.
    account(&config, "8013", &[&expert[..], &phone[..]].concat());
    board.wait("agent_state", SOON, |data| data["agent_id"] == "8013");
    let mut other = Phone::new(engine.sip, "8013");
    assert_eq!(other.register("demo"), 200);
    board.wait("agent_state", SOON, |data| data["agent_id"] == "8013" && data["status"] == "ready");

    let agent = Client::sign_in(&engine, "8012");
    let (status, body) = agent.post("/configuration/reload", &json!({}));
    assert_eq!((status, body["error"]["code"].as_str()), (403, Some("forbidden")), "{body}");
    customer.hang_up(&call);
    desk.respond(&desk.expect(Method::Bye, SOON).message, "200 OK", "");
    assert!(engine.stop());
}
