//! One engine on several networks: carriers over UDP, agents over TLS and IPv6 and in browsers over
//! secure WebSocket, each with a client that nobody here wrote: SIPp, baresip, JsSIP in Chromium.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::api::Client;
use crate::chromium::Driver;
use crate::demo::Demo;
use crate::on_postgres::account;
use crate::sipp::{Stage, ended_call, free_port};
use crate::sound::{Baresip, own_address};

/// Listeners by their ports, and the certificate of those that are encrypted.
pub(crate) struct Networks {
    folder: TempDir,
    pub(crate) carriers: SocketAddr,
    tls: SocketAddr,
    /// Agents over UDP.
    pub(crate) phones: SocketAddr,
    six: SocketAddr,
    pub(crate) web: SocketAddr,
    /// The same where nothing is encrypted, as behind a proxy.
    pub(crate) plain_web: SocketAddr,
    http: SocketAddr,
}

impl Networks {
    /// Agents over TLS are where `host` is.
    fn new(host: IpAddr) -> Self {
        Self::with(IpAddr::from([127, 0, 0, 1]), host)
    }

    /// Agents over TLS are where `host` is, carriers and browsers somewhere else.
    pub(crate) fn with(others: IpAddr, host: IpAddr) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |ip: IpAddr| SocketAddr::new(ip, free_port());
        let (local, six) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]));
        let (carriers, tls, six) = (at(others), at(host), at(six));
        let networks = Self {
            folder,
            carriers,
            tls,
            phones: at(host),
            six,
            web: at(others),
            plain_web: at(others),
            http: at(local),
        };
        networks.make_certificate(host);
        std::fs::write(networks.config(), networks.text()).expect("it is written");
        for user in ["8001", "8002"] {
            let agent = ["--role", "agent", "--tier", "1", "--queues", "general,claims"];
            // JsSIP and Debian's baresip know no other.
            let phone = ["--digest", "md5", "--ready-when-registered"];
            account(&networks.config(), user, &[&agent[..], &phone[..]].concat());
        }
        account(&networks.config(), "qa", &["--role", "inspector"]);
        networks
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn config(&self) -> PathBuf {
        self.path("hotline.toml")
    }

    fn text(&self) -> String {
        let listener = |address: SocketAddr, transports: &str, side: &str| {
            format!(
                "[[sip.listener]]\naddress = \"{address}\"\ntransports = [{transports}]\n\
                 side = \"{side}\"\n"
            )
        };
        let shown = |file: &str| self.path(file).display().to_string();
        let listeners = [
            listener(self.carriers, "\"udp\", \"tcp\"", "carrier"),
            listener(self.tls, "\"tls\"", "agent"),
            listener(self.phones, "\"udp\"", "agent"),
            listener(self.six, "\"udp\", \"tcp\"", "agent"),
            listener(self.web, "\"wss\"", "agent"),
            listener(self.plain_web, "\"ws\"", "agent"),
        ];
        format!(
            "[site]\ndata = \"{}\"\n[sip]\nws_origins = [\"http://{}\"]\n{}\
             [sip.tls]\ncertificate = \"{}\"\nkey = \"{}\"\n[http]\nlisten = \"{}\"\n\
             [[trunk]]\nname = \"carrier\"\nbrand = \"95512\"\n\
             sources = [\"127.0.0.0/8\", \"{}/32\"]\n\
             [trunk.numbers]\n95512 = \"hotline\"\n95500 = \"queue:general\"\n",
            shown("data"),
            self.http,
            listeners.concat(),
            shown("cert.pem"),
            shown("key.pem"),
            self.http,
            self.carriers.ip(),
        )
    }

    /// One that proves the addresses which it is reached at, signed by itself.
    fn make_certificate(&self, host: IpAddr) {
        let output = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
            .args(["-nodes", "-days", "2", "-subj", "/CN=hotline", "-addext"])
            .arg(format!("subjectAltName=IP:127.0.0.1,IP:{host}"))
            .arg("-keyout")
            .arg(self.path("key.pem"))
            .arg("-out")
            .arg(self.path("cert.pem"))
            .output()
            .expect("openssl runs");
        assert!(output.status.success(), "{output:?}");
    }

    /// As a browser names the page of its agent.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.http)
    }

    pub(crate) fn start(self) -> (Demo, Self) {
        let config = self.config();
        let folder = tempfile::tempdir().expect("a folder");
        // Where what the drivers print is kept.
        std::fs::create_dir(folder.path().join("data")).expect("a folder");
        (Demo::serve(folder, &config), self)
    }
}

#[test]
fn a_browser_over_secure_websocket_is_rung_and_a_phone_over_tls_answers_in_its_place() {
    let Some(host) = own_address() else { return };
    let (engine, networks) = Networks::new(host).start();
    let stage = Stage::new(440.0);
    let socket = format!("wss://{}/", networks.web);
    let browser = Driver::start(&engine, "webphone", "8001", &["--socket", &socket]);
    browser.wait_for("registered");

    let arguments = ["-s", "95500", "-m", "1", "-d", "15000", "-key", "ani", "13800138000"];
    let caller = stage.start(
        networks.carriers,
        "caller",
        &[&arguments[..], &["-key", "digit", "5"]].concat(),
    );
    browser.wait_for("rung");
    // Only now, so that the browser was the only one to be rung.
    // It hangs up when it has said all.
    let voice = media::tone::sine(440.0, 8_000, 30 * 8_000);
    let phone = Baresip::agent_over_tls(networks.tls, "8002", &voice, &networks.path("cert.pem"));
    caller.succeed();
    let call = ended_call(&Client::sign_in(&engine, "qa"));
    assert_eq!(
        (&call["outcome"], &call["agent_id"]),
        (&json!("answered"), &json!("8002")),
        "{call}"
    );
    drop(phone);
    let told = browser.succeed();
    let rung = told.iter().find(|line| line["event"] == "rung").expect("it was rung");
    let via = rung["via"].as_str().unwrap_or_default();
    assert!(via.starts_with(&format!("SIP/2.0/WSS {}", networks.web)), "{rung}");
    let contact = rung["contact"].as_str().unwrap_or_default();
    assert!(contact.contains(&format!("@{};transport=wss", networks.web)), "{rung}");
}

#[test]
fn a_phone_on_ipv6_answers_a_caller_on_ipv4_and_no_phone_registers_with_carriers() {
    let (engine, networks) = Networks::new(IpAddr::from([127, 0, 0, 1])).start();
    let stage = Stage::new(440.0);
    let port = free_port().to_string();
    let six = ["-i", "::1", "-p", &port, "-m", "1"];
    // SIPp forgets the brackets of its own accord.
    let uri = networks.six.to_string();
    let who = ["-key", "agent", "8001", "-au", "8001", "-ap", "demo", "-auth_uri", &uri];
    stage.run(networks.six, "register", &[&six[..], &who[..]].concat());
    let agent = stage.start(networks.six, "agent", &[&six[..], &["-mi", "::1"]].concat());
    let keys = ["-key", "ani", "13800138000", "-key", "digit", "5"];
    let arguments = ["-s", "95500", "-m", "1", "-d", "3000"];
    stage.run(networks.carriers, "caller", &[&arguments[..], &keys[..]].concat());
    agent.succeed();
    let call = ended_call(&Client::sign_in(&engine, "qa"));
    assert_eq!(
        (&call["outcome"], &call["agent_id"]),
        (&json!("answered"), &json!("8001")),
        "{call}"
    );

    let port = free_port().to_string();
    let four = ["-p", &port, "-m", "1", "-key", "agent", "8002", "-au", "8002", "-ap", "demo"];
    stage.start(networks.carriers, "register", &four).fail();
}

#[test]
fn a_certificate_is_changed_at_hangup_without_a_restart() {
    let (engine, networks) = Networks::new(IpAddr::from([127, 0, 0, 1])).start();
    let seen = || fingerprint(networks.web);
    let first = seen();
    networks.make_certificate(IpAddr::from([127, 0, 0, 1]));
    let told = Command::new("kill").args(["-HUP", &engine.pid().to_string()]).status();
    assert!(told.expect("kill runs").success());
    crate::demo::eventually("the new certificate", Duration::from_secs(20), || {
        let now = seen();
        (now.is_some() && now != first).then_some(())
    });
    assert!(first.is_some());
}

/// The certificate that is shown at an address.
fn fingerprint(at: SocketAddr) -> Option<String> {
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "openssl s_client -connect {at} </dev/null 2>/dev/null \
             | openssl x509 -noout -fingerprint"
        ))
        .output()
        .expect("openssl runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.contains("Fingerprint=").then_some(text)
}
