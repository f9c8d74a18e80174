//! The engine as it is installed: `hotline serve` with a configuration file, on PostgreSQL.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::api::Client;
use crate::demo::{Demo, eventually, hotline};
use crate::postgres::Server;
use crate::sipp::{Stage, ended_call};

const CONFIG: &str = r#"
[site]
data = "DATA"
database = "DATABASE"
[sip]
listen = "127.0.0.1:0"
[http]
listen = "127.0.0.1:0"
[[trunk]]
name = "carrier"
sources = ["127.0.0.0/8"]
brand = "95512"
[trunk.numbers]
95512 = "hotline"
95500 = "queue:general"
"#;

/// Adds an account with the password `demo`.
pub(crate) fn account(config: &Path, user: &str, arguments: &[&str]) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hotline"))
        .args(["accounts", "--config"])
        .arg(config)
        .args(["set", user])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it runs");
    child.stdin.take().expect("it is piped").write_all(b"demo\n").expect("it reads");
    assert!(child.wait().expect("it ends").success(), "{user}");
}

#[test]
fn an_installed_hotline_takes_a_call_and_its_record_outlives_the_engine() {
    let Some(server) = Server::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("hotline.toml");
    let data = folder.path().join("data").display().to_string();
    let text = CONFIG.replace("DATABASE", &server.url("postgres")).replace("DATA", &data);
    std::fs::write(&config, text).expect("it is written");
    let named = config.display().to_string();
    let run = |arguments: &[&str]| {
        let output = hotline(&[arguments, &["--config", &named]].concat(), None);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run(&["check"]);
    run(&["policies", "generate", "--count", "300", "--seed", "7"]);
    let agent = ["--role", "agent", "--tier", "1", "--queues", "general,claims"];
    let phone = ["--digest", "md5", "--ready-when-registered"];
    account(&config, "8001", &[&agent[..], &phone[..]].concat());
    account(&config, "qa", &["--role", "inspector"]);
    assert!(run(&["accounts", "list"]).contains("8001\t8001\tagent 1\tgeneral,claims"));

    let engine = Demo::serve(folder, &config);
    let stage = Stage::new(440.0);
    let agent = stage.agent(&engine, "8001");
    let arguments = ["-s", "95500", "-m", "1", "-d", "2000"];
    let keys = ["-key", "ani", "13900000001", "-key", "digit", "5"];
    stage.run(engine.sip, "caller", &[&arguments[..], &keys[..]].concat());
    agent.succeed();
    let call = ended_call(&Client::sign_in(&engine, "qa"));
    assert_eq!(
        (&call["outcome"], &call["agent_id"]),
        (&json!("answered"), &json!("8001")),
        "{call}"
    );

    let engine = engine.kill_and_serve(&config);
    let kept = ended_call(&Client::sign_in(&engine, "qa"));
    assert_eq!(kept["call_id"], call["call_id"]);
    eventually("the recording is whole and sealed", Duration::from_secs(20), || {
        let output = hotline(&["recordings", "verify", "--config", &named], None);
        String::from_utf8_lossy(&output.stdout).contains("1 recordings are as sealed").then_some(())
    });
    assert!(engine.stop(), "the engine ends in order");
}
