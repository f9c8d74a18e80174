//! A line that registers with its carrier, whose registrar is SIPp.

use std::time::Duration;

use crate::demo::{Demo, eventually};
use crate::sipp::{Stage, free_port};

const CONFIG: &str = r#"
[site]
data = "DATA"
[sip]
listen = "127.0.0.1:0"
[http]
listen = "127.0.0.1:0"
[[trunk]]
name = "carrier"
brand = "95512"
numbers = { 95512 = "hotline" }
[trunk.outbound]
targets = ["127.0.0.1:FIRST", "127.0.0.1:SECOND"]
caller_id = "02195512"
allowed = ["1[3-9]XXXXXXXXX"]
domain = "ims.example.com"
user = "02195512"
password = "sesame"
realm = "ims.example.com"
register = true
options_interval_ms = 0
"#;

#[test]
fn a_line_registers_where_there_is_room_and_takes_it_back_at_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("hotline.toml");
    let (first, second) = (free_port(), free_port());
    let text = CONFIG
        .replace("DATA", &folder.path().join("data").display().to_string())
        .replace("FIRST", &first.to_string())
        .replace("SECOND", &second.to_string());
    std::fs::write(&config, text).expect("it is written");
    let stage = Stage::new(440.0);
    let nobody = "127.0.0.1:9".parse().expect("an address");
    let serve = |scenario: &str, port: u16| {
        stage.start(nobody, scenario, &["-p", &port.to_string(), "-m", "1"])
    };
    let full = serve("registrar_full", first);
    let carrier = serve("registrar", second);
    let engine = Demo::serve(folder, &config);
    full.succeed();
    eventually("the registration", Duration::from_secs(60), || {
        stage.has("registered").then_some(())
    });
    assert!(engine.stop());
    carrier.succeed();
}
