//! `hotline trace`: asks a running engine for a call's SIP messages and draws them as a ladder.

mod ladder;

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use model::{CallId, Pii};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::say;

/// Where the password may be, so that it is on no command line.
const PASSWORD: &str = "HOTLINE_PASSWORD";
/// How long the engine may take for one answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest answer that is taken: the longest trace with all its messages.
const ANSWER_MAX: u64 = 512 << 20;

/// What is shown, and from where.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The call, such as c1-3-42: the desktop and the list of calls show it.
    call: CallId,
    /// Where the engine's web is.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Who asks: a supervisor or an administrator. The password is taken from HOTLINE_PASSWORD, or
    /// asked for.
    #[arg(long, default_value = "admin")]
    user: String,
    /// Write the messages to this file as well, for Wireshark.
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Show the whole text of each message below the ladder.
    #[arg(long)]
    full: bool,
}

/// A trace as the engine tells it.
#[derive(Debug, Deserialize)]
struct Trace {
    call_id: String,
    enabled: bool,
    complete: bool,
    cut: bool,
    items: Vec<Item>,
}

/// One message of it.
#[derive(Debug, Clone, Deserialize)]
struct Item {
    at: String,
    mono_us: u64,
    leg: String,
    agent_id: Option<String>,
    direction: String,
    transport: String,
    local: String,
    remote: String,
    summary: String,
    took_us: Option<u64>,
    message: String,
}

/// Shows the ladder.
///
/// # Errors
/// What went wrong, and what to do about it.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let engine = Engine::sign_in(args, password(&args.user)?)?;
    let shown = show(args, &engine);
    engine.sign_out();
    shown
}

fn show(args: &Args, engine: &Engine<'_>) -> anyhow::Result<()> {
    let path = format!("calls/{}/trace", args.call);
    let body = engine.get(&path)?;
    let trace: Trace = serde_json::from_slice(&body).context(
        "the engine answered with something else: is it of the same version as this command?",
    )?;
    if !trace.enabled {
        bail!("the engine traces nothing: set sip.trace_mb above 0 and restart it");
    }
    if trace.items.is_empty() {
        bail!(
            "the trace no longer holds {}: newer messages took its place, or the engine was \
             restarted since; a greater sip.trace_mb keeps calls longer",
            args.call
        );
    }
    say(ladder::draw(&trace).trim_end())?;
    if args.full {
        for item in &trace.items {
            let Item { at, transport, local, remote, .. } = item;
            let (from, to) = if item.direction == "in" { (remote, local) } else { (local, remote) };
            say(&format!("\n{at} {transport} {from} to {to}\n{}", plain(&item.message)))?;
        }
    }
    if let Some(file) = &args.pcap {
        let capture = engine.get(&format!("{path}.pcap"))?;
        std::fs::write(file, capture)
            .with_context(|| format!("{} cannot be written: name another file", file.display()))?;
        say(&format!("written   {}", file.display()))?;
    }
    Ok(())
}

/// A text from outside without what a terminal would obey.
fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{b7}' } else { c };
    text.replace("\r\n", "\n").chars().map(shown).collect()
}

/// The password: from the environment, else typed, unseen where there is a terminal.
fn password(user: &str) -> anyhow::Result<Pii<String>> {
    if let Ok(given) = std::env::var(PASSWORD) {
        return Ok(Pii::new(given));
    }
    let input = std::io::stdin();
    let before = if input.is_terminal() {
        eprint!("password of {user}: ");
        std::io::stderr().flush()?;
        tcgetattr(&input).ok()
    } else {
        None
    };
    if let Some(before) = &before {
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&input, OptionalActions::Now, &silent)?;
    }
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    if let Some(before) = &before {
        tcsetattr(&input, OptionalActions::Now, before)?;
        eprintln!();
    }
    read.context("no password was given")?;
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        bail!("no password was given: set {PASSWORD}, or type it");
    }
    Ok(Pii::from(line))
}

/// A running engine that one is signed in to.
struct Engine<'a> {
    args: &'a Args,
    agent: ureq::Agent,
    token: Pii<String>,
}

impl<'a> Engine<'a> {
    fn sign_in(args: &'a Args, password: Pii<String>) -> anyhow::Result<Self> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let body = json!({ "user": args.user, "password": password.reveal() });
        let mut response = agent
            .post(address(args, "sessions"))
            .send_json(body)
            .map_err(|error| unreachable(args, &error))?;
        let status = response.status().as_u16();
        let body: Value = response.body_mut().read_json().unwrap_or_default();
        let token = body["token"].as_str().map(Pii::from);
        match token {
            Some(token) => Ok(Self { args, agent, token }),
            None => Err(refusal(args, status, &body)),
        }
    }

    fn get(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let mut response = self
            .agent
            .get(address(self.args, path))
            .header("Authorization", self.bearer())
            .call()
            .map_err(|error| unreachable(self.args, &error))?;
        let status = response.status().as_u16();
        let body = response
            .body_mut()
            .with_config()
            .limit(ANSWER_MAX)
            .read_to_vec()
            .map_err(|error| unreachable(self.args, &error))?;
        if status == 200 {
            return Ok(body);
        }
        Err(refusal(self.args, status, &serde_json::from_slice(&body).unwrap_or_default()))
    }

    fn sign_out(&self) {
        let request = self.agent.delete(address(self.args, "sessions/current"));
        // The session ends by itself, too.
        let _ = request.header("Authorization", self.bearer()).call();
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token.reveal())
    }
}

fn address(args: &Args, path: &str) -> String {
    format!("{}/api/v1/{path}", args.url.trim_end_matches('/'))
}

fn unreachable(args: &Args, error: &ureq::Error) -> anyhow::Error {
    anyhow!("no engine answers at {} ({error}): start it, or name its web by --url", args.url)
}

/// What the engine refused, and what to do about it.
fn refusal(args: &Args, status: u16, body: &Value) -> anyhow::Error {
    let Args { call, url, user, .. } = args;
    let code = body["error"]["code"].as_str().unwrap_or_default();
    let wait = body["error"]["retry_after_ms"].as_u64().unwrap_or(0).div_ceil(1_000);
    match code {
        "wrong_credentials" => anyhow!(
            "{user} cannot sign in with that password: correct {PASSWORD}, or name another \
             user by --user"
        ),
        "slowed" | "locked" => anyhow!("too many wrong passwords: try again in {wait} s"),
        "forbidden" => anyhow!(
            "{user} may not see SIP messages: name a supervisor or an administrator by --user"
        ),
        "not_found" => {
            anyhow!("there is no call {call}: take the id from the desktop or the list of calls")
        }
        "unavailable" => anyhow!("the engine is busy or stopping: try again in a moment"),
        _ => anyhow!("{url} answered {status} {code}: is it a hotline's web? name it by --url"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> Args {
        Args {
            call: "c1-1-1".parse().expect("an id"),
            url: "http://h:1/".to_owned(),
            user: "admin".to_owned(),
            pcap: None,
            full: false,
        }
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        for (code, remedy) in [
            ("wrong_credentials", "HOTLINE_PASSWORD"),
            ("locked", "try again in 3 s"),
            ("forbidden", "--user"),
            ("not_found", "the list of calls"),
            ("unavailable", "try again"),
            ("", "--url"),
        ] {
            let body = json!({"error": {"code": code, "retry_after_ms": 2_500}});
            let told = refusal(&args(), 400, &body).to_string();
            assert!(told.contains(remedy), "{code}: {told}");
        }
        assert_eq!(address(&args(), "calls"), "http://h:1/api/v1/calls");
    }

    #[test]
    fn a_message_cannot_drive_the_terminal() {
        assert_eq!(plain("a\r\nb\u{1b}[2Jc\rd\u{9b}e\tf"), "a\nb\u{b7}[2Jc\u{b7}d\u{b7}e\tf");
    }
}
