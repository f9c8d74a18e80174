//! An agent at home with nothing but a browser: Chromium takes a call of a baresip, and each hears
//! what the other says, over ICE, DTLS and SRTP of people who never read this code.

use serde_json::json;

use crate::api::Client;
use crate::chromium::Driver;
use crate::networks::Networks;
use crate::sipp::ended_call;
use crate::sound::{Baresip, SECOND, own_address};

/// What the customer says, and what the agent does.
pub(crate) const CALLER_HZ: f64 = 440.0;
pub(crate) const AGENT_HZ: f64 = 700.0;
/// Samples of a piece that is listened to at once: a tenth of a second.
const PIECE: usize = SECOND / 10;

/// How many pieces of what was heard are that tone: it crosses zero twice in each of its waves.
pub(crate) fn pieces_of(hertz: f64, heard: &[i16]) -> usize {
    let is_it = |piece: &&[i16]| {
        let crossings = piece.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
        let loudest = piece.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
        let found = crossings as f64 * SECOND as f64 / (2 * piece.len()) as f64;
        loudest > 1_000 && (found - hertz).abs() < 15.0
    };
    heard.chunks_exact(PIECE).filter(is_it).count()
}

#[test]
fn an_agent_in_a_browser_and_a_caller_hear_each_other() {
    let Some(host) = own_address() else { return };
    let (engine, networks) = Networks::with(host, host).start();
    let socket = format!("wss://{}/", networks.web);
    let tone = AGENT_HZ.to_string();
    let arguments = ["--socket", &socket, "--tone", &tone, "--talk-ms", "6000"];
    let browser = Driver::start(&engine, "headset", "8001", &arguments);
    browser.wait_for("registered");
    let voice = media::tone::sine(CALLER_HZ, 8_000, 60 * SECOND);
    let caller = Baresip::caller(networks.carriers, "95500", "PCMA/8000/1", &voice);
    browser.wait_for("connected");
    let heard = caller.heard();
    let told = browser.succeed();

    let said = told.iter().find(|line| line["event"] == "heard").expect("it listened");
    let pieces = said["hz"].as_array().expect("pieces");
    let hears = |hertz: &serde_json::Value| {
        hertz.as_f64().is_some_and(|hertz| (hertz - CALLER_HZ).abs() < 25.0)
    };
    let caller_was_heard = pieces.iter().filter(|piece| hears(piece)).count();
    assert!(2 * caller_was_heard > pieces.len(), "the browser did not hear the caller: {said}");
    assert_eq!(said["codec"], json!("audio/PCMA"), "no voice is decoded on the way: {said}");
    assert!(said["srtp"].as_str().is_some_and(|cipher| !cipher.is_empty()), "{said}");
    // 6 s were said; half of it leaves room for what a busy machine loses.
    let agent_was_heard = pieces_of(AGENT_HZ, &heard);
    assert!(agent_was_heard > 30, "the caller heard {agent_was_heard} pieces of the browser");

    let call = ended_call(&Client::sign_in(&engine, "qa"));
    assert_eq!(
        (&call["outcome"], &call["agent_id"]),
        (&json!("answered"), &json!("8001")),
        "{call}"
    );
}
