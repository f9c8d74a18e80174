//! The soak: 200,000 calls at a steady 300 a second, then 20,000 that are offered to agents at 50 a
//! second, `make soak`. It fails by its exit code.
//!
//! The first calls warm the engine up: until the trace is full and every pool has its size. From
//! then on nothing may grow: the engine has as much memory at the end as after the warm-up, as many
//! threads, and no call, transaction or port is left. No phone of an agent may ring before the
//! desktop has been shown who calls. `SOAK_CALLS` shortens all of it, to try it.

#[path = "../measured/lab.rs"]
#[allow(dead_code, reason = "what only the measured tables need")]
mod lab;

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use lab::{Engine, Lab};

/// All calls, unless `SOAK_CALLS` says otherwise.
const CALLS: u32 = 200_000;
/// Calls that begin in a second.
const RATE: u32 = 300;
/// One of so many calls is offered to an agent, after the others and at a pace of its own.
const OFFERED_SHARE: u32 = 10;
const OFFERED_RATE: u32 = 50;
/// Their agents: each is free again long before its turn.
const OFFERED_AGENTS: u32 = 200;
/// One of so many calls warms up: at 200,000, more than fill the trace.
const WARM_UP_SHARE: u32 = 5;
/// How much the resident memory may differ after the warm-up: pages that come and go.
const GROWTH_MAX: f64 = 0.05;
/// And so many kilobytes whatever there is, for a short soak.
const GROWTH_MAX_KB: f64 = 8_192.0;
/// Transactions of the last calls end after 64 × T1 and T4; twice that is allowed.
const SETTLES_WITHIN: Duration = Duration::from_secs(80);

fn main() -> anyhow::Result<()> {
    let calls = match std::env::var("SOAK_CALLS") {
        Ok(text) => text.parse().context("SOAK_CALLS is no number")?,
        Err(_) => CALLS,
    };
    ensure!(calls >= 1_000, "fewer than 1,000 calls soak nothing");
    let lab = Lab::set_up()?;
    let engine = lab.engine(false)?;
    let before = first(&lab)?;
    let warm_up = calls / WARM_UP_SHARE;
    let warmed = run(&lab, &engine, warm_up)?;
    let soaked = run(&lab, &engine, calls - warm_up)?;
    let after = settled(&lab, before)?;
    let mut verdicts = verdicts(&[&warmed, &soaked], before, after)?;
    let offered = offer(&lab, &engine, calls / OFFERED_SHARE)?;
    verdicts.extend(offered_verdicts(&offered, calls / OFFERED_SHARE)?);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{calls} calls at {RATE} a second:")?;
    for verdict in &verdicts {
        let holds = if verdict.holds { "yes" } else { "NO " };
        writeln!(out, "  {holds} {}: {}", verdict.what, verdict.seen)?;
    }
    ensure!(verdicts.iter().all(|verdict| verdict.holds), "the engine does not soak");
    Ok(())
}

/// Callers who are answered and talk for a second.
fn run(lab: &Lab, engine: &Engine, calls: u32) -> anyhow::Result<Value> {
    let (rate, calls) = (RATE.to_string(), calls.to_string());
    lab.load(
        engine,
        &["--number", "95512", "--duration", "1000", "--media", "off"],
        &[("--rate", &rate), ("--calls", &calls), ("--concurrent", "5000")],
    )
}

/// Customers who are offered to agents whose desktops say at once that they show the pop.
fn offer(lab: &Lab, engine: &Engine, calls: u32) -> anyhow::Result<Value> {
    let (rate, calls) = (OFFERED_RATE.to_string(), calls.to_string());
    let agents = lab.agents(OFFERED_AGENTS);
    lab.load(
        engine,
        &["--number", "95500", "--duration", "500", "--media", "off", "--web", &lab.web],
        &[
            ("--rate", &rate),
            ("--calls", &calls),
            ("--agents", &agents),
            ("--caller-numbers", lab.known_callers()),
        ],
    )
}

/// What calls hold as long as they live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    calls: u64,
    transactions: u64,
    free_ports: u64,
}

impl Left {
    fn of(lab: &Lab) -> anyhow::Result<Self> {
        let url = format!("http://{}/metrics", lab.web);
        let text = ureq::get(&url).call()?.into_body().read_to_string()?;
        let gauge = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse().ok()).with_context(|| format!("no {name}"))
        };
        Ok(Self {
            calls: gauge("hotline_calls")?,
            transactions: gauge("hotline_sip_transactions")?,
            free_ports: gauge("hotline_rtp_ports_free")?,
        })
    }
}

/// What there is before any call. The engine tells nothing until its first turn is over.
fn first(lab: &Lab) -> anyhow::Result<Left> {
    let deadline = Instant::now() + SETTLES_WITHIN;
    loop {
        match Left::of(lab) {
            Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(100)),
            told => return told,
        }
    }
}

/// Waits until as much is left as was there before the calls; what is left then, or at the end of
/// patience.
fn settled(lab: &Lab, before: Left) -> anyhow::Result<Left> {
    let deadline = Instant::now() + SETTLES_WITHIN;
    loop {
        let left = Left::of(lab)?;
        if left == before || Instant::now() >= deadline {
            return Ok(left);
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// One thing that must hold.
struct Verdict {
    what: &'static str,
    holds: bool,
    seen: String,
}

fn of(run: &Value, path: &str) -> anyhow::Result<f64> {
    run.pointer(path).and_then(Value::as_f64).with_context(|| format!("no {path} in {run}"))
}

fn offered_verdicts(run: &Value, calls: u32) -> anyhow::Result<[Verdict; 2]> {
    let (ok, shown, early) =
        (of(run, "/calls/ok")?, of(run, "/pop_ms/count")?, of(run, "/rang_before_pop")?);
    Ok([
        Verdict {
            what: "every call of a customer was offered and its pop was shown",
            holds: ok >= f64::from(calls) && shown >= f64::from(calls),
            seen: format!("{shown} pops and {ok} good calls of {calls} at {OFFERED_RATE} a second"),
        },
        Verdict {
            what: "no phone rang before its pop",
            holds: early == 0.0,
            seen: format!("{early} rang before"),
        },
    ])
}

fn verdicts(runs: &[&Value], before: Left, after: Left) -> anyhow::Result<Vec<Verdict>> {
    let sum = |path: &str| runs.iter().map(|run| of(run, path)).sum::<anyhow::Result<f64>>();
    let (begun, ok) = (sum("/calls/begun")?, sum("/calls/ok")?);
    let soaked = runs.last().context("nothing ran")?;
    let (first, last) = (of(soaked, "/target/rss_kb/first")?, of(soaked, "/target/rss_kb/last")?);
    let growth_max = (first * GROWTH_MAX).max(GROWTH_MAX_KB);
    let threads: Vec<f64> =
        runs.iter().map(|run| of(run, "/target/threads")).collect::<anyhow::Result<_>>()?;
    let achieved = of(soaked, "/rate/achieved")?;
    Ok(vec![
        Verdict {
            what: "every call was answered and ended",
            holds: ok >= begun,
            seen: format!("{ok} of {begun}"),
        },
        Verdict {
            what: "the rate was steady",
            holds: achieved >= f64::from(RATE) * 0.99,
            seen: format!("{achieved:.1} calls/s"),
        },
        Verdict {
            what: "no call, transaction or port is left",
            holds: after == before,
            seen: format!("before {before:?}, after {after:?}"),
        },
        Verdict {
            what: "memory is flat after the warm-up",
            holds: last - first <= growth_max,
            seen: format!("{first:.0} kB, then {last:.0} kB"),
        },
        Verdict {
            what: "threads are constant",
            holds: threads.windows(2).all(|pair| pair[0] == pair[1]),
            seen: format!("{threads:?}"),
        },
    ])
}
