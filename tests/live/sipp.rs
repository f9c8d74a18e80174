//! SIPp as caller and as agent, with media and RFC 4733 digits.

use std::net::{Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::Client;
use crate::demo::{Demo, eventually};

/// How long a scenario may take, in seconds.
const LIMIT_S: u64 = 120;

/// A folder with the scenarios and a voice to speak with.
pub(crate) struct Stage {
    folder: TempDir,
}

/// A SIPp that runs. Killed when dropped.
pub(crate) struct Sipp {
    child: Child,
    log: PathBuf,
}

impl Stage {
    /// A stage whose parties speak a tone of `hertz`.
    pub(crate) fn new(hertz: f64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/sipp");
        for scenario in std::fs::read_dir(scenarios).expect("they are there") {
            let scenario = scenario.expect("it can be read");
            let to = folder.path().join(scenario.file_name());
            std::fs::copy(scenario.path(), to).expect("it is copied");
        }
        let samples = media::tone::sine(hertz, 8_000, 8_000);
        let mut voice = vec![0; samples.len()];
        media::g711::encode(sdp::Codec::Pcma, &samples, &mut voice);
        std::fs::write(folder.path().join("voice.alaw"), voice).expect("it is written");
        Self { folder }
    }

    /// Starts SIPp with a scenario against `to`.
    pub(crate) fn start(&self, to: SocketAddr, scenario: &str, arguments: &[&str]) -> Sipp {
        let (port, media) = (free_port().to_string(), free_port().to_string());
        let log = self.folder.path().join(format!("{scenario}-{port}.log"));
        let output = std::fs::File::create(&log).expect("a log");
        let child = Command::new("sipp")
            .current_dir(self.folder.path())
            .arg(to.to_string())
            .args(["-sf", &format!("{scenario}.xml"), "-i", "127.0.0.1", "-nostdin"])
            .args(["-timeout", &LIMIT_S.to_string(), "-timeout_error", "-trace_err"])
            .args(["-mp", &media])
            // The last of a kind counts.
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a log"))
            .stderr(output)
            .spawn()
            .expect("SIPp starts: scripts/install-peers installs it");
        Sipp { child, log }
    }

    /// Whether a scenario left a file of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }

    /// The line that a scenario left in a file of that name.
    pub(crate) fn left(&self, name: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.folder.path().join(name)).ok()?;
        Some(text.trim().to_owned())
    }

    /// Runs SIPp to its end; it must succeed.
    pub(crate) fn run(&self, to: SocketAddr, scenario: &str, arguments: &[&str]) {
        self.start(to, scenario, arguments).succeed();
    }

    /// Registers an agent's phone and lets it answer one call.
    pub(crate) fn agent(&self, demo: &Demo, agent: &str) -> Sipp {
        self.agent_who(demo, agent, "agent")
    }

    /// Registers an agent's phone and lets it do what the scenario says.
    pub(crate) fn agent_who(&self, demo: &Demo, agent: &str, scenario: &str) -> Sipp {
        let port = free_port().to_string();
        let register = self.register(demo, agent, "demo", &port);
        register.succeed();
        self.start(demo.sip, scenario, &["-p", &port, "-m", "1"])
    }

    /// Lets a phone at that port try to register.
    fn register(&self, demo: &Demo, agent: &str, password: &str, port: &str) -> Sipp {
        let who = ["-p", port, "-m", "1", "-key", "agent", agent];
        self.start(demo.sip, "register", &[&who[..], &["-au", agent, "-ap", password]].concat())
    }
}

impl Sipp {
    /// Waits for its end; it must have succeeded.
    pub(crate) fn succeed(mut self) {
        let status = self.child.wait().expect("it ends");
        self.check(status.success(), status);
    }

    /// Waits for its end; it must have failed.
    pub(crate) fn fail(mut self) {
        let status = self.child.wait().expect("it ends");
        self.check(!status.success(), status);
    }

    fn check(&self, fine: bool, status: ExitStatus) {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(40).collect();
        assert!(fine, "SIPp: {status}\n{}", tail.join("\n"));
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An even port that nobody has at the moment, from outside the engine's RTP range and from
/// outside those that the system gives to whoever asks for any: between this and its use no other
/// test's connection can come to have it, nor those after it.
pub(crate) fn free_port() -> u16 {
    const FIRST: u32 = 30_000;
    // SIPp takes some after the one for its media: for RTCP, for pictures, for what it plays.
    const EACH: u32 = 16;
    const COUNT: u32 = 2_768 / EACH;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    for _ in 0..COUNT {
        let turn = std::process::id().wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + turn % COUNT * EACH;
        let port = u16::try_from(port).expect("ports are small");
        let any = (Ipv6Addr::UNSPECIFIED, port);
        // Whoever has it at one address has it for all.
        if UdpSocket::bind(any).is_ok() && TcpListener::bind(any).is_ok() {
            return port;
        }
    }
    panic!("all ports from {FIRST} on are taken");
}

/// The one call that has ended so far, as an inspector sees it.
pub(crate) fn ended_call(client: &Client) -> Value {
    eventually("the call's record", Duration::from_secs(20), || {
        let (status, calls) = client.get("/calls");
        assert_eq!(status, 200, "{calls}");
        calls["items"].as_array().and_then(|items| items.first()).cloned()
    })
}

#[test]
fn a_call_to_the_menu_is_answered_by_an_agent_recorded_and_on_record() {
    let demo = Demo::start();
    let stage = Stage::new(440.0);
    let agent = stage.agent(&demo, "8001");
    let arguments = ["-s", "95512", "-m", "1", "-d", "6000"];
    let keys = ["-key", "ani", "13800138000", "-key", "digit", "0"];
    stage.run(demo.sip, "caller", &[&arguments[..], &keys[..]].concat());
    agent.succeed();

    let inspector = Client::sign_in(&demo, "qa");
    let call = ended_call(&inspector);
    assert_eq!(call["outcome"], "answered", "{call}");
    assert_eq!(call["queue"], "general", "{call}");
    assert_eq!(call["dnis"], "95512", "{call}");
    let recording = eventually("the recording's seal", Duration::from_secs(10), || {
        let (_, recordings) = inspector.get("/recordings");
        let recording = recordings["items"].as_array()?.first()?.clone();
        (!recording["sha256"].is_null()).then_some(recording)
    });
    let id = recording["recording_id"].as_str().expect("an id");
    let wav = inspector.download(&format!("/recordings/{id}/audio"));
    let reader = hound::WavReader::new(&wav[..]).expect("it is a WAV file");
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, 8_000));
    assert!(reader.duration() > 8_000 * 2, "{} frames", reader.duration());
    assert!(demo.stop(), "the engine ends in order");
}

#[test]
fn a_number_straight_to_a_queue_needs_no_key() {
    let demo = Demo::start();
    let stage = Stage::new(440.0);
    let agent = stage.agent(&demo, "8011");
    // Tier 2 is reached after twenty seconds.
    let arguments = ["-s", "95500", "-m", "1", "-d", "26000"];
    let keys = ["-key", "ani", "13900000001", "-key", "digit", "5"];
    stage.run(demo.sip, "caller", &[&arguments[..], &keys[..]].concat());
    agent.succeed();
    let call = ended_call(&Client::sign_in(&demo, "qa"));
    assert_eq!(call["outcome"], "answered", "{call}");
}

/// The detailed record of the one call, once it is complete.
fn settled(client: &Client) -> Value {
    let id = ended_call(client)["call_id"].as_str().expect("an id").to_owned();
    eventually("the call is settled", Duration::from_secs(30), || {
        let (_, call) = client.get(&format!("/calls/{id}"));
        (call["settled"] == json!(true)).then_some(call)
    })
}

#[test]
fn a_caller_by_tcp_is_served_like_any_other() {
    let demo = Demo::start();
    let stage = Stage::new(440.0);
    let agent = stage.agent(&demo, "8001");
    let arguments = ["-t", "t1", "-s", "95500", "-m", "1", "-d", "2000"];
    let keys = ["-key", "ani", "13900000001", "-key", "digit", "5"];
    stage.run(demo.sip, "caller", &[&arguments[..], &keys[..]].concat());
    agent.succeed();
    let call = ended_call(&Client::sign_in(&demo, "qa"));
    assert_eq!(
        (&call["outcome"], &call["agent_id"]),
        (&json!("answered"), &json!("8001")),
        "{call}"
    );
}

#[test]
fn a_number_that_nobody_has_is_refused_with_404() {
    let demo = Demo::start();
    let stage = Stage::new(440.0);
    stage.run(demo.sip, "refused", &["-s", "95599", "-m", "1", "-key", "ani", "13900000001"]);
}

#[test]
fn a_caller_who_leaves_while_the_phone_rings_stops_it_and_counts_as_abandoned() {
    let demo = Demo::start();
    let stage = Stage::new(440.0);
    let agent = stage.agent_who(&demo, "8001", "agent_cancelled");
    let arguments = ["-s", "95500", "-m", "1", "-d", "1000"];
    let keys = ["-key", "ani", "13900000001", "-key", "digit", "5"];
    stage.run(demo.sip, "caller", &[&arguments[..], &keys[..]].concat());
    agent.succeed();
    let call = settled(&Client::sign_in(&demo, "qa"));
    assert_eq!(call["outcome"], "abandoned", "{call}");
    assert_eq!(call["offers"][0]["agent_id"], "8001", "{call}");
    assert!(call["agent_id"].is_null(), "{call}");
    assert_eq!(call["recordings"], json!([]), "nobody spoke: {call}");
}

#[test]
fn an_agent_who_rejects_is_made_not_ready_and_the_next_is_rung() {
    let demo = Demo::start();
    let stage = Stage::new(440.0);
    // The one who is ready longest is offered first.
    let rejecting = stage.agent_who(&demo, "8001", "agent_rejects");
    let answering = stage.agent(&demo, "8002");
    let arguments = ["-s", "95500", "-m", "1", "-d", "3000"];
    let keys = ["-key", "ani", "13900000001", "-key", "digit", "5"];
    stage.run(demo.sip, "caller", &[&arguments[..], &keys[..]].concat());
    rejecting.succeed();
    answering.succeed();
    let call = settled(&Client::sign_in(&demo, "qa"));
    assert_eq!(
        (&call["outcome"], &call["agent_id"]),
        (&json!("answered"), &json!("8002")),
        "{call}"
    );
    let first = &call["offers"][0];
    assert_eq!((&first["agent_id"], &first["missed"]), (&json!("8001"), &json!("busy")), "{call}");

    let mut events = Client::sign_in(&demo, "8001").events();
    events.wait("agent_state", Duration::from_secs(5), |data| {
        data["agent_id"] == "8001" && data["status"] == "not_ready" && data["reason"] == "busy"
    });
}

#[test]
fn a_phone_with_a_wrong_password_never_registers() {
    let demo = Demo::start();
    let stage = Stage::new(440.0);
    let port = free_port().to_string();
    for password in ["wrong", "Demo", "DEMO", "demo1"] {
        stage.register(&demo, "8001", password, &port).fail();
    }
    stage.register(&demo, "9999", "demo", &port).fail();
    let mut events = Client::sign_in(&demo, "lead").events();
    let seen =
        events.wait("agent_state", Duration::from_secs(5), |data| data["agent_id"] == "8001");
    assert_eq!(seen.event["data"]["phone_reachable"], json!(false), "{seen:?}");
}

#[test]
fn rfc_5359_section_2_1_a_caller_holds_retrieves_and_says_why_it_hangs_up() {
    let demo = Demo::start();
    let stage = Stage::new(440.0);
    let agent = stage.agent(&demo, "8001");
    let arguments = ["-s", "95500", "-m", "1", "-d", "4000", "-key", "ani", "13900000001"];
    stage.run(demo.sip, "holder", &arguments);
    agent.succeed();
    let call = settled(&Client::sign_in(&demo, "qa"));
    assert_eq!((&call["outcome"], &call["cause"]), (&json!("answered"), &json!("q850")), "{call}");
}
