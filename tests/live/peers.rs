//! Phones of different makers, two by two: what each says is what the other hears. What SIPp hears
//! it says again, so that who talks to it hears itself when both directions work.
//!
//! baresip with Chromium is in `headset`, two of baresip in `sound`.

use media::tone::voice;
use serde_json::{Value, json};

use crate::api::Client;
use crate::chromium::Driver;
use crate::demo::Demo;
use crate::headset::{AGENT_HZ, CALLER_HZ, pieces_of};
use crate::linphone::Linphone;
use crate::networks::Networks;
use crate::sipp::{Sipp, Stage, ended_call, free_port};
use crate::sound::{Baresip, SECOND, own_address, share};

/// How much of what was said must be heard, on a machine that does other things besides.
const LEAST: f64 = 0.8;

/// An engine that phones reach by an address which is not loopback.
fn start() -> Option<(Demo, Networks)> {
    let host = own_address()?;
    Some(Networks::with(host, host).start())
}

/// The call went to the agent.
fn assert_answered(engine: &Demo) {
    let call = ended_call(&Client::sign_in(engine, "qa"));
    assert_eq!(
        (&call["outcome"], &call["agent_id"]),
        (&json!("answered"), &json!("8001")),
        "{call}"
    );
}

/// The greatest share of four seconds of what was said in what was heard: who speaks before the
/// other one is there says the first words to nobody.
fn share_of_some(said: &[i16], heard: &[i16]) -> f64 {
    let shares = (0..12).map(|at| share(&said[at * SECOND..][..4 * SECOND], heard));
    shares.fold(0.0, f64::max)
}

/// A SIPp that says what it hears as agent 8001.
fn agent_that_echoes(stage: &Stage, networks: &Networks) -> Sipp {
    let (host, port) = (networks.phones.ip().to_string(), free_port().to_string());
    let at = ["-i", &host, "-mi", &host, "-p", &port, "-m", "1"];
    let uri = networks.phones.to_string();
    let who = ["-key", "agent", "8001", "-au", "8001", "-ap", "demo", "-auth_uri", &uri];
    stage.run(networks.phones, "register", &[&at[..], &who[..]].concat());
    stage.start(networks.phones, "agent_echoes", &[&at[..], &["-rtp_echo"]].concat())
}

/// A SIPp that says what it hears as a customer, for so long.
fn caller_that_echoes(stage: &Stage, networks: &Networks, milliseconds: &str) -> Sipp {
    let host = networks.carriers.ip().to_string();
    let arguments = [
        "-i",
        &host,
        "-mi",
        &host,
        "-m",
        "1",
        "-s",
        "95500",
        "-d",
        milliseconds,
        "-key",
        "ani",
        "13800138000",
        "-rtp_echo",
    ];
    stage.start(networks.carriers, "caller_echoes", &arguments)
}

/// A browser as agent 8001, registered.
fn browser(engine: &Demo, networks: &Networks) -> Driver {
    let (socket, tone) = (format!("wss://{}/", networks.web), AGENT_HZ.to_string());
    let arguments = ["--socket", &socket, "--tone", &tone, "--talk-ms", "6000"];
    let browser = Driver::start(engine, "headset", "8001", &arguments);
    browser.wait_for("registered");
    browser
}

/// A browser heard that tone for most of the time.
fn assert_browser_heard(told: &[Value], hertz: f64) {
    let said = told.iter().find(|line| line["event"] == "heard").expect("it listened");
    let pieces = said["hz"].as_array().expect("pieces");
    let is_it = |piece: &&Value| piece.as_f64().is_some_and(|found| (found - hertz).abs() < 25.0);
    let heard = pieces.iter().filter(is_it).count();
    assert!(2 * heard > pieces.len(), "the browser did not hear {hertz} Hz: {said}");
}

#[test]
fn linphone_answers_baresip() {
    let Some((engine, networks)) = start() else { return };
    let (said_by_agent, said_by_caller) =
        (voice(1, 12_000, 30 * SECOND), voice(2, 12_000, 16 * SECOND));
    let mut agent = Linphone::start(&said_by_agent);
    agent.register("8001", networks.phones);
    let caller = Baresip::caller(networks.carriers, "95500", "PCMA/8000/1", &said_by_caller);
    agent.wait_for("ACK sip:");
    let heard_by_caller = caller.heard();
    agent.wait_for("BYE sip:");
    let heard_by_agent = agent.heard();
    let heard = share(&said_by_agent[SECOND..5 * SECOND], &heard_by_caller);
    assert!(heard >= LEAST, "baresip heard {heard} of linphone");
    let heard = share_of_some(&said_by_caller, &heard_by_agent);
    assert!(heard >= LEAST, "linphone heard {heard} of baresip");
    assert_answered(&engine);
}

#[test]
fn sipp_answers_baresip() {
    let Some((engine, networks)) = start() else { return };
    let stage = Stage::new(440.0);
    let agent = agent_that_echoes(&stage, &networks);
    let said = voice(3, 12_000, 16 * SECOND);
    let caller = Baresip::caller(networks.carriers, "95500", "PCMA/8000/1", &said);
    let heard = share_of_some(&said, &caller.heard());
    assert!(heard >= LEAST, "baresip heard {heard} of itself");
    agent.succeed();
    assert_answered(&engine);
}

#[test]
fn linphone_answers_sipp() {
    let Some((engine, networks)) = start() else { return };
    let stage = Stage::new(440.0);
    let said = voice(4, 12_000, 30 * SECOND);
    let mut agent = Linphone::start(&said);
    agent.register("8001", networks.phones);
    caller_that_echoes(&stage, &networks, "10000").succeed();
    agent.wait_for("BYE sip:");
    let heard = share_of_some(&said, &agent.heard());
    assert!(heard >= LEAST, "linphone heard {heard} of itself");
    assert_answered(&engine);
}

#[test]
fn a_browser_answers_sipp() {
    let Some((engine, networks)) = start() else { return };
    let stage = Stage::new(440.0);
    let browser = browser(&engine, &networks);
    // The browser hangs up when it has said all: SIPp waits for that.
    let caller = caller_that_echoes(&stage, &networks, "60000");
    let told = browser.succeed();
    assert_browser_heard(&told, AGENT_HZ);
    drop(caller);
    assert_answered(&engine);
}

#[test]
fn a_browser_answers_linphone() {
    let Some((engine, networks)) = start() else { return };
    let browser = browser(&engine, &networks);
    let mut caller = Linphone::start(&media::tone::sine(CALLER_HZ, 8_000, 60 * SECOND));
    caller.call("95500", networks.carriers);
    let told = browser.succeed();
    caller.wait_for("BYE sip:");
    assert_browser_heard(&told, CALLER_HZ);
    let heard = pieces_of(AGENT_HZ, &caller.heard());
    assert!(heard > 30, "linphone heard {heard} pieces of the browser");
    assert_answered(&engine);
}
