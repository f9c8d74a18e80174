//! A browser's half of a call by the `webrtc` crate (peers/webrtc), and a baresip on the other
//! side: each hears what the other says, over ICE, DTLS and SRTP that nobody here wrote.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use sip::Method;

use crate::api::Client;
use crate::demo::eventually;
use crate::headset::{AGENT_HZ, CALLER_HZ, pieces_of};
use crate::networks::Networks;
use crate::phone::Phone;
use crate::sipp::ended_call;
use crate::sound::{Baresip, SECOND, own_address};

/// How long a call takes to ring on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The peer's process.
struct Peer {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(host: IpAddr) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let program = root.join("target/peers/debug/hotline-webrtc-peer");
        let mut process = Command::new(&program)
            .args([AGENT_HZ.to_string(), host.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}: run make peers", program.display()));
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        Self { process, input, output }
    }

    fn offer(&mut self, description: &str) -> String {
        let input = self.input.as_mut().expect("it listens");
        writeln!(input, "{}", json!({ "offer": description })).expect("it reads");
        self.told("answer").as_str().expect("a description").to_owned()
    }

    /// What it tells next, which is this.
    fn told(&mut self, what: &str) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it tells");
        let told: Value = serde_json::from_str(&line).unwrap_or_default();
        assert!(!told[what].is_null(), "in place of {what}: {line}");
        told[what].clone()
    }

    /// It has talked enough: what it heard.
    fn heard(mut self) -> Vec<i16> {
        drop(self.input.take());
        let samples = self.told("heard");
        serde_json::from_value(samples).expect("samples")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_webrtc_crate_and_a_phone_hear_each_other() {
    let Some(host) = own_address() else { return };
    let (engine, networks) = Networks::with(host, host).start();
    let mut agent = Phone::over_web(networks.plain_web, &networks.origin(), "8001");
    assert_eq!(agent.register("demo"), 200);
    let voice = media::tone::sine(CALLER_HZ, 8_000, 60 * SECOND);
    let caller = Baresip::caller(networks.carriers, "95500", "PCMA/8000/1", &voice);
    let invite = agent.expect(Method::Invite, PATIENCE).message;
    let offer = std::str::from_utf8(invite.body()).expect("SDP is text");
    assert!(offer.contains("UDP/TLS/RTP/SAVPF") && offer.contains("a=ice-lite"), "{offer}");
    let mut peer = Peer::start(host);
    agent.pick_up_with(&invite, &peer.offer(offer));
    peer.told("connected");
    // Until the caller has heard what it takes to know the tone.
    eventually("the caller hears", PATIENCE, || caller.has_heard(5 * SECOND).then_some(()));
    let told = peer.heard();
    agent.hang_up_taken(&invite);
    let heard = caller.heard();

    // 5 s were said; half of it leaves room for what a busy machine loses.
    let (to_agent, to_caller) = (pieces_of(CALLER_HZ, &told), pieces_of(AGENT_HZ, &heard));
    assert!(to_agent > 25, "the peer heard {to_agent} pieces of {}", told.len() / (SECOND / 10));
    assert!(to_caller > 25, "the caller heard {to_caller} pieces of the peer");
    let call = ended_call(&Client::sign_in(&engine, "qa"));
    assert_eq!(
        (&call["outcome"], &call["agent_id"]),
        (&json!("answered"), &json!("8001")),
        "{call}"
    );
}
