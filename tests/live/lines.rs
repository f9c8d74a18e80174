//! A line that is known by the name that its certificate proves (RFC 5922), whose carrier is
//! baresip over TLS.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::api::Client;
use crate::demo::{Demo, eventually};
use crate::on_postgres::account;
use crate::sipp::{Stage, ended_call, free_port};
use crate::sound::{Baresip, SECOND, own_address};

const CONFIG: &str = r#"
[site]
data = "AT/data"
[[sip.listener]]
address = "CARRIERS"
transports = ["tls"]
side = "carrier"
[[sip.listener]]
address = "AGENTS"
transports = ["udp"]
side = "agent"
[sip.tls]
certificate = "AT/engine.crt"
key = "AT/engine.key"
client_ca = "AT/root.pem"
[http]
listen = "127.0.0.1:0"
[[trunk]]
name = "carrier"
tls_names = ["sbc.carrier.example"]
brand = "95512"
numbers = { 95500 = "queue:general" }
"#;

/// A root, and what it has signed: our certificate, the carrier's and that of somebody else.
fn make_certificates(at: &Path, host: IpAddr) {
    const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    let sign = |name: &str, san: &str| {
        format!(
            "openssl req {KEY} -subj /CN={name} -keyout {name}.key -out {name}.csr
             echo subjectAltName={san} > {name}.ext
             openssl x509 -req -in {name}.csr -CA root.pem -CAkey root.key -CAcreateserial \\
               -days 2 -extfile {name}.ext -out {name}.crt
             cat {name}.crt {name}.key > {name}.pem\n"
        )
    };
    let root = "-x509 -days 2 -subj /CN=root -keyout root.key -out root.pem";
    let steps = [
        format!("openssl req {KEY} {root}\n"),
        sign("engine", &format!("IP:{host}")),
        sign("carrier", "DNS:sbc.carrier.example"),
        sign("somebody", "DNS:sbc.elsewhere.example"),
    ];
    let output = Command::new("sh").current_dir(at).args(["-ec", &steps.concat()]).output();
    let output = output.expect("openssl runs");
    assert!(output.status.success(), "{output:?}");
}

/// The engine, and where it serves carriers and agents.
fn engine(host: IpAddr) -> (Demo, SocketAddr, SocketAddr, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().to_owned();
    make_certificates(&at, host);
    let carriers = SocketAddr::new(host, free_port());
    let agents = SocketAddr::new(IpAddr::from([127, 0, 0, 1]), free_port());
    let text = CONFIG
        .replace("AT/", &format!("{}/", at.display()))
        .replace("CARRIERS", &carriers.to_string())
        .replace("AGENTS", &agents.to_string());
    let config = at.join("hotline.toml");
    std::fs::write(&config, text).expect("it is written");
    let agent = ["--role", "agent", "--tier", "1", "--queues", "general"];
    let phone = ["--digest", "md5", "--ready-when-registered"];
    account(&config, "8001", &[&agent[..], &phone[..]].concat());
    account(&config, "qa", &["--role", "inspector"]);
    (Demo::serve(folder, &config), carriers, agents, at)
}

#[test]
fn a_line_is_known_by_the_name_that_its_certificate_proves() {
    let Some(host) = own_address() else { return };
    let (engine, carriers, agents, at) = engine(host);
    let stage = Stage::new(440.0);
    let port = free_port().to_string();
    let who = ["-p", &port, "-m", "1", "-key", "agent", "8001", "-au", "8001", "-ap", "demo"];
    stage.run(agents, "register", &who);
    let answers = stage.start(agents, "agent", &["-p", &port, "-m", "1"]);

    let voice = media::tone::sine(440.0, 8_000, 4 * SECOND);
    let shows = |name: &str| {
        let at = at.display();
        format!("sip_cafile {at}/root.pem\nsip_certificate {at}/{name}.pem\n")
    };
    let somebody = Baresip::caller_over_tls(carriers, "95500", &voice, &shows("somebody"));
    eventually("somebody else is refused", Duration::from_secs(30), || {
        somebody.log().contains("session closed").then_some(())
    });
    drop(somebody);
    let carrier = Baresip::caller_over_tls(carriers, "95500", &voice, &shows("carrier"));
    answers.succeed();
    let inspector = Client::sign_in(&engine, "qa");
    let call = ended_call(&inspector);
    let known = (&call["outcome"], &call["trunk"]);
    assert_eq!(known, (&json!("answered"), &json!("carrier")), "{call}");
    let (_, calls) = inspector.get("/calls");
    assert_eq!(calls["items"].as_array().map(Vec::len), Some(1), "{calls}");
    drop(carrier);
}
