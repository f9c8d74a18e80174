//! SIPp as caller and as agent, with media and RFC 4733 digits.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::api::Client;
use crate::demo::{Demo, eventually};

/// How long a scenario may take, in seconds.
const LIMIT_S: u64 = 120;

/// A folder with the scenarios and a voice to speak with.
pub struct Stage {
    folder: TempDir,
}

/// A SIPp that runs. Killed when dropped.
pub struct Sipp {
    child: Child,
    log: PathBuf,
}

impl Stage {
    /// A stage whose parties speak a tone of `hertz`.
    pub fn new(hertz: f64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for scenario in ["register", "agent", "caller"] {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/sipp");
            let name = format!("{scenario}.xml");
            std::fs::copy(from.join(&name), folder.path().join(&name)).expect("it is copied");
        }
        let samples = media::tone::sine(hertz, 8_000, 8_000);
        let mut voice = vec![0; samples.len()];
        media::g711::encode(sdp::Codec::Pcma, &samples, &mut voice);
        std::fs::write(folder.path().join("voice.alaw"), voice).expect("it is written");
        Self { folder }
    }

    /// Starts SIPp with a scenario against `to`.
    pub fn start(&self, to: SocketAddr, scenario: &str, arguments: &[&str]) -> Sipp {
        let log = self.folder.path().join(format!("{scenario}-{}.log", arguments.join("-").len()));
        let output = std::fs::File::create(&log).expect("a log");
        let child = Command::new("sipp")
            .current_dir(self.folder.path())
            .arg(to.to_string())
            .args(["-sf", &format!("{scenario}.xml"), "-i", "127.0.0.1", "-nostdin"])
            .args(["-timeout", &LIMIT_S.to_string(), "-timeout_error", "-trace_err"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a log"))
            .stderr(output)
            .spawn()
            .expect("SIPp starts: scripts/install-peers installs it");
        Sipp { child, log }
    }

    /// Runs SIPp to its end; it must succeed.
    pub fn run(&self, to: SocketAddr, scenario: &str, arguments: &[&str]) {
        self.start(to, scenario, arguments).succeed();
    }

    /// Registers an agent's phone and lets it answer one call.
    pub fn agent(&self, demo: &Demo, agent: &str) -> Sipp {
        let port = free_port().to_string();
        self.run(demo.sip, "register", &["-p", &port, "-m", "1", "-key", "agent", agent]);
        let media = free_port().to_string();
        self.start(demo.sip, "agent", &["-p", &port, "-m", "1", "-min_rtp_port", &media])
    }
}

impl Sipp {
    /// Waits for its end; it must have succeeded.
    pub fn succeed(mut self) {
        let status = self.child.wait().expect("it ends");
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(40).collect();
        assert!(status.success(), "SIPp: {status}\n{}", tail.join("\n"));
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A UDP port that nobody has at the moment, from outside the engine's RTP range.
pub fn free_port() -> u16 {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("an address").port() & !1
}

/// The one call that has ended so far, as an inspector sees it.
pub fn ended_call(client: &Client) -> serde_json::Value {
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
        (!recording["seal"].is_null() || recording["sealed"] == json!(true)).then_some(recording)
    });
    let id = recording["id"].as_str().or(recording["recording_id"].as_str()).expect("an id");
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
