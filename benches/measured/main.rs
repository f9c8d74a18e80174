//! M1 to M5 on this machine, beside the bare kernel loop of the same run: `make bench`.
//!
//! The engine runs on the first core, `hotline load` on the second, over loopback. The table goes
//! into docs/performance.md; with QUICK=1 everything is short and the table is only printed.

mod in_dialog;
mod lab;
mod messages;
mod overload;
mod relay;
mod table;
mod verified;

use std::io::Write as _;

use anyhow::Context as _;
use serde_json::Value;

use lab::{Engine, Lab};
use table::{Row, Table};

/// Calls a second at which most of what is measured is the waking of threads.
const LIGHT_RATE: u32 = 200;
/// Calls a second at which that weighs little.
const BUSY_RATE: u32 = 1_500;
/// The same of calls with two legs.
const BUSY_BRIDGED_RATE: u32 = 750;
/// The rates of which the highest clean one is looked for, in calls a second.
const RATES: [u32; 6] = [500, 1_000, 1_500, 2_000, 3_000, 4_000];
/// Bridged calls, and what they may cost beside the least relay there could be.
const RELAYED: [(u32, f64); 2] = [(100, 0.25), (1_000, 0.75)];
/// Clean calls a second on one core of a machine where the kernel loop takes 1.2 µs a packet.
const CLEAN_RATE_MIN: f64 = 4_000.0;
/// The generator is at its ceiling when one packet of a hundred leaves so late.
const AT_CEILING_MS: f64 = 20.0;

/// A part of the table.
type Part = fn(&Lab, &mut Table) -> anyhow::Result<()>;

/// What there is to be measured, in this order: `ONLY=relayed,overload` measures some of it, and
/// writes nothing down.
const PARTS: [(&str, Part); 6] = [
    ("messages", |_, table| {
        messages::rows(table);
        Ok(())
    }),
    ("in-dialog", |lab, table| in_dialog::rows(lab, table)),
    ("calls", calls),
    ("verified", |_, table| verified::rows(table)),
    ("overload", overloaded),
    ("relayed", relayed),
];

fn main() -> anyhow::Result<()> {
    let wanted = std::env::var("ONLY").ok();
    let is_wanted = |part: &str| {
        let only = wanted.as_deref();
        only.is_none_or(|only| only.split(',').any(|named| named.trim() == part))
    };
    let lab = Lab::set_up()?;
    let mut table = Table::new(lab.kernel_loop()?, lab.cores);
    for (name, part) in PARTS {
        if is_wanted(name) {
            part(&lab, &mut table)?;
        }
    }
    table.add_kernel_loop(lab.kernel_loop()?);
    let text = table.to_markdown();
    writeln!(std::io::stdout(), "{text}")?;
    match (lab.is_quick || wanted.is_some(), table.is_quiet() || std::env::var_os("ANYWAY").is_some())
    {
        (true, _) => Ok(()),
        (false, true) => table::write_into_docs(&text),
        (false, false) => anyhow::bail!(
            "the machine was busy when the run began: the figures are not written down; \
             ANYWAY=1 writes them"
        ),
    }
}

/// Calls whose signalling is measured, on one engine.
fn calls(lab: &Lab, table: &mut Table) -> anyhow::Result<()> {
    let engine = lab.engine(false)?;
    answer_and_hang_up(lab, &engine, table)?;
    prompts(lab, &engine, table)?;
    queued(lab, &engine, table)?;
    both_legs(lab, &engine, table)
}

fn overloaded(lab: &Lab, table: &mut Table) -> anyhow::Result<()> {
    let _engine = lab.engine(false)?;
    overload::rows(lab, table)
}

/// Bridged calls, not recorded and recorded, each on an engine of its own, so that its memory is
/// theirs.
fn relayed(lab: &Lab, table: &mut Table) -> anyhow::Result<()> {
    let least = least_relay(lab, table)?;
    let engine = lab.engine(false)?;
    let unrecorded = bridged(lab, &engine, table, "M2 bridged", &[], &least)?;
    drop(engine);
    let engine = lab.engine(true)?;
    bridged(lab, &engine, table, "M3 recorded", &unrecorded, &least)?;
    Ok(())
}

/// Whether a target was met; unknown where the generator could not keep up or much was lost, for
/// then an engine looks cheap that was only not asked to work.
fn verdict(run: &Value, met: bool) -> Option<bool> {
    let late = run.pointer("/own/packets_sent_late_ms/p99").and_then(Value::as_f64);
    let count = |path: &str| run.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    let lost = count("/media/lost") * 1000 > count("/media/received");
    (late.is_none_or(|late| late <= AT_CEILING_MS) && !lost).then_some(met)
}

/// A figure of a run; an error names it and shows the run.
fn figure(run: &Value, path: &str) -> anyhow::Result<f64> {
    run.pointer(path).and_then(Value::as_f64).with_context(|| format!("{path} is not in {run}"))
}

/// What went wrong in a run, and whether its figures are the generator's rather than the engine's.
fn remarks(run: &Value) -> String {
    let mut remarks = Vec::new();
    let count = |path: &str| run.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    let (begun, ok) = (count("/calls/begun"), count("/calls/ok"));
    if ok < begun {
        remarks.push(format!("{} of {begun} calls failed: {}", begun - ok, run["calls"]["failed"]));
    }
    let (lost, received) = (count("/media/lost"), count("/media/received"));
    if received > 0 {
        remarks.push(format!("{lost} of {received} packets lost"));
    }
    let late = run.pointer("/own/packets_sent_late_ms/p99").and_then(Value::as_f64);
    if late.is_some_and(|late| late > AT_CEILING_MS) {
        remarks.push("the generator was at its ceiling".into());
    }
    remarks.join("; ")
}

/// M1: a number that answers at once; the caller hangs up at once.
fn answer_and_hang_up(lab: &Lab, engine: &Engine, table: &mut Table) -> anyhow::Result<()> {
    let call = |rate: u32, seconds: u32| {
        let (rate_text, calls) = (rate.to_string(), (rate * seconds).to_string());
        lab.load(
            engine,
            &["--number", "95512", "--duration", "0", "--media", "off"],
            &[("--rate", &rate_text), ("--calls", &calls), ("--concurrent", "20000")],
        )
    };
    for (rate, target) in [(LIGHT_RATE, None), (BUSY_RATE, Some(("≤ 0.15 ms scaled", 0.15)))] {
        let run = call(rate, lab.seconds(15))?;
        let work = format!("M1 answer and hang up, {rate} calls/s: CPU a call");
        let row = signalling(table, &run, work, target)?;
        table.add(row);
    }
    let (mut clean, mut last) = (0, String::from("not one rate was clean"));
    for rate in RATES {
        let run = call(rate, lab.seconds(5))?;
        let all = figure(&run, "/calls/ok")? >= figure(&run, "/calls/begun")?;
        // Beyond T1 (500 ms) an INVITE is sent again: that is no clean answer any more.
        let in_time = figure(&run, "/setup_ms/p99").is_ok_and(|p99| p99 < 500.0);
        let kept_pace = figure(&run, "/rate/achieved")? >= f64::from(rate) * 0.95;
        let used = figure(&run, "/own/sip_cpu_share")?;
        let setup = run["setup_ms"]["p99"].as_f64().unwrap_or(0.0);
        last = format!("at {rate}/s: p99 of set-up {setup:.1} ms, generator {:.0} %", used * 100.0);
        if !(all && in_time && kept_pace) {
            last = format!("{last}; not clean {}", remarks(&run));
            break;
        }
        clean = rate;
    }
    let scaled = table.scaled_rate(clean.into());
    table.add(Row {
        work: format!("M1 highest clean rate of {RATES:?}"),
        measured: format!("{clean} calls/s"),
        beside: format!("{scaled:.0} calls/s where the loop takes 1.2 µs"),
        target: "≥ 4,000 calls/s scaled",
        met: Some(scaled >= CLEAN_RATE_MIN),
        remarks: last,
    });
    Ok(())
}

/// What a call costs, as measured and on a machine where a packet costs the kernel 1.2 µs.
fn signalling(
    table: &Table,
    run: &Value,
    work: String,
    target: Option<(&'static str, f64)>,
) -> anyhow::Result<Row> {
    let cost = figure(run, "/target/cpu_ms_a_call")?;
    let scaled = table.scaled(cost);
    // A call that is refused is cheap.
    let all = figure(run, "/calls/ok")? >= figure(run, "/calls/begun")?;
    Ok(Row {
        work,
        measured: format!("{cost:.3} ms"),
        beside: format!("{scaled:.3} ms where the loop takes 1.2 µs"),
        target: target.map_or("", |(text, _)| text),
        met: target.and_then(|(_, limit)| verdict(run, scaled <= limit)).filter(|_| all),
        remarks: remarks(run),
    })
}

/// A caller and an agent, bridged and over at once: what both legs' signalling costs.
fn both_legs(lab: &Lab, engine: &Engine, table: &mut Table) -> anyhow::Result<()> {
    let agents = lab.agents(lab.size(1_000));
    for (rate, target) in
        [(LIGHT_RATE, None), (BUSY_BRIDGED_RATE, Some(("≤ 0.25 ms scaled", 0.25)))]
    {
        let (calls, rate) = ((rate * lab.seconds(15)).to_string(), rate.to_string());
        let run = lab.load(
            engine,
            &["--number", "95500", "--duration", "0", "--media", "off", "--concurrent", "5000"],
            &[("--calls", &calls), ("--rate", &rate), ("--agents", &agents)],
        )?;
        let work =
            format!("both legs of a bridged call, signalling only, {rate} calls/s: CPU a call");
        let row = signalling(table, &run, work, target)?;
        table.add(row);
    }
    Ok(())
}

/// M4: callers who hear the menu and say nothing.
fn prompts(lab: &Lab, engine: &Engine, table: &mut Table) -> anyhow::Result<()> {
    for calls in [100, 1000] {
        let calls = lab.size(calls);
        let run = held(lab, engine, "95512", calls, &["--media", "listen"])?;
        let cost = figure(&run, "/target/full_load/cpu_ms_a_call_second")?;
        let ratio = cost / (50.0 * table.sending_alone_ms());
        table.add(Row {
            work: format!("M4 a prompt is heard, {calls} calls: CPU a call-second"),
            measured: format!("{cost:.3} ms"),
            beside: format!("{ratio:.1} × sending alone"),
            target: "≤ 2.0 × sending alone",
            met: verdict(&run, ratio <= 2.0),
            remarks: remarks(&run),
        });
    }
    Ok(())
}

/// Calls that all begin within some seconds and last until each was there together for a while.
fn held(
    lab: &Lab,
    engine: &Engine,
    number: &str,
    calls: u32,
    options: &[&str],
) -> anyhow::Result<Value> {
    let ramp_s = calls.div_ceil(100).max(2);
    let duration = ((ramp_s + lab.seconds(15)) * 1000).to_string();
    let (calls, rate) = (calls.to_string(), calls.div_ceil(ramp_s).to_string());
    lab.load(
        engine,
        options,
        &[
            ("--number", number),
            ("--calls", &calls),
            ("--concurrent", &calls),
            ("--rate", &rate),
            ("--duration", &duration),
        ],
    )
}

/// The yardstick of M2 and M3.
fn least_relay(lab: &Lab, table: &mut Table) -> anyhow::Result<Vec<f64>> {
    let mut costs = Vec::new();
    for (calls, _share) in RELAYED {
        let calls = lab.size(calls);
        let relay::Cost { ms_a_call_second: cost, lost } = relay::cost(lab, calls)?;
        let loops = cost / (100.0 * table.kernel_loop_ms());
        table.add(Row {
            work: format!("the least epoll relay, {calls} calls: CPU a call-second"),
            measured: format!("{cost:.3} ms"),
            beside: format!("{loops:.1} × the loop"),
            target: "",
            met: None,
            remarks: format!("a yardstick, no engine; {:.1} % of the packets lost", lost * 100.0),
        });
        costs.push(cost);
    }
    Ok(costs)
}

/// M2 and M3: caller and agent bridged, media through the engine. Returns the costs, beside which
/// those of recorded calls are shown.
fn bridged(
    lab: &Lab,
    engine: &Engine,
    table: &mut Table,
    name: &str,
    unrecorded: &[f64],
    least: &[f64],
) -> anyhow::Result<Vec<f64>> {
    let (mut costs, mut idle_kb) = (Vec::new(), None);
    for (at, (calls, share)) in RELAYED.into_iter().enumerate() {
        let calls = lab.size(calls);
        let agents = lab.agents(calls);
        let run = held(lab, engine, "95500", calls, &["--agents", &agents])?;
        let cost = figure(&run, "/target/full_load/cpu_ms_a_call_second")?;
        let loops = cost / (100.0 * table.kernel_loop_ms());
        let of_least = cost / least.get(at).copied().unwrap_or(f64::NAN);
        let (target, met) = match unrecorded.get(at) {
            Some(unrecorded) => ("≤ M2 + 0.10 ms scaled", table.scaled(cost - unrecorded) <= 0.10),
            None if at == 0 => ("≤ 0.25 × the least relay", of_least <= share),
            None => ("≤ 0.75 × the least relay", of_least <= share),
        };
        table.add(Row {
            work: format!("{name}, {calls} calls: CPU a call-second"),
            measured: format!("{cost:.3} ms"),
            beside: format!("{loops:.1} × the loop, {of_least:.2} × the least relay"),
            target,
            met: verdict(&run, met),
            remarks: remarks(&run),
        });
        costs.push(cost);
        let rss = |which: &str| figure(&run, &format!("/target/rss_kb/{which}"));
        let idle = *idle_kb.get_or_insert(rss("first")?);
        if at == 0 {
            continue;
        }
        let a_call = (rss("peak")? - idle) / f64::from(calls);
        let limit = if unrecorded.is_empty() { 60.0 } else { 120.0 };
        table.add(Row {
            work: format!("{name}, {calls} calls: resident memory a call"),
            measured: format!("{a_call:.0} kB"),
            beside: format!("{:.0} MB at most", rss("peak")? / 1024.0),
            target: if unrecorded.is_empty() { "≤ 60 kB" } else { "≤ 120 kB" },
            met: verdict(&run, a_call <= limit),
            remarks: format!("{} threads", run["target"]["threads"]),
        });
        let relay = &run["media"]["relay_ms"];
        table.add(Row {
            work: format!("{name}, {calls} calls: a packet's way through the engine, p50 / p99"),
            measured: format!("{} / {} ms", relay["p50"], relay["p99"]),
            beside: String::new(),
            target: "",
            met: None,
            remarks: "the generator looks once a millisecond".into(),
        });
    }
    Ok(costs)
}

/// M5: from the caller's INVITE or key to the agent's INVITE and to the screen pop.
fn queued(lab: &Lab, engine: &Engine, table: &mut Table) -> anyhow::Result<()> {
    let (agents, calls) = (lab.agents(50), (10 * lab.seconds(20)).to_string());
    let always = [("--calls", calls.as_str()), ("--rate", "10"), ("--agents", agents.as_str())];
    let short = ["--number", "95500", "--duration", "500", "--media", "off"];
    let run = lab.load(engine, &short, &always)?;
    table.add(times(&run, "agent_invite_ms", "M5 caller's INVITE → agent's INVITE", (2.0, 5.0))?);
    let cost = figure(&run, "/target/cpu_ms_a_call")?;
    table.add(Row {
        work: "M5 CPU a queued call, two legs".into(),
        measured: format!("{cost:.2} ms"),
        beside: format!("{:.3} ms where the loop takes 1.2 µs", table.scaled(cost)),
        target: "≤ 1 ms scaled",
        met: Some(table.scaled(cost) <= 1.0),
        remarks: format!("at 10 calls/s, each of which wakes every thread {}", remarks(&run)),
    });
    let keys = ["--number", "95512", "--duration", "2000", "--media", "off", "--digits", "1"];
    let run = lab.load(engine, &keys, &always)?;
    let key = "M5 last key let go → agent's INVITE, on 95512";
    table.add(times(&run, "key_to_agent_invite_ms", key, (2.0, 5.0))?);
    let web = [&short[..], &["--web", &lab.web, "--caller-numbers", lab.known_callers()]].concat();
    let run = lab.load(engine, &web, &always)?;
    let mut row =
        times(&run, "pop_ms", "M5 caller's INVITE → screen pop on the desktop", (2.0, 5.0))?;
    let early = figure(&run, "/rang_before_pop")?;
    row.target = "before the ring";
    row.met = verdict(&run, early == 0.0);
    row.remarks = format!("{early} phones rang before; {}", remarks(&run));
    table.add(row);
    let ring = "M5 caller's INVITE → agent's INVITE, after the desktop's answer";
    let mut row = times(&run, "agent_invite_ms", ring, (2.0, 5.0))?;
    (row.target, row.met) = ("", None);
    table.add(row);
    next_offered(lab, engine, table)
}

/// M5: an agent is free, and as many callers as agents wait. They hang up after twice the time in
/// which as many come as there are agents: half of them wait then, the others talk.
fn next_offered(lab: &Lab, engine: &Engine, table: &mut Table) -> anyhow::Result<()> {
    const HALF_S: u32 = 10;
    let count = lab.size(500);
    let rate = f64::from(count) / f64::from(HALF_S);
    let calls = (count * 2 + (rate * f64::from(lab.seconds(20))) as u32).to_string();
    let agents = lab.agents(count);
    let run = lab.load(
        engine,
        &["--number", "95500", "--media", "off", "--concurrent", "2000"],
        &[
            ("--calls", &calls),
            ("--rate", &rate.to_string()),
            ("--duration", &(2 * HALF_S * 1000).to_string()),
            ("--agents", &agents),
        ],
    )?;
    let offered = &run["agents"]["free_to_invite_ms"];
    let most = figure(&run, "/calls/most_at_a_time")?;
    let work = format!("M5 an agent is free → the next caller's INVITE, {count} agents");
    let mut row = times(&run, "agents/free_to_invite_ms", &work, (5.0, 5.0))?;
    row.target = "p99 ≤ 5 ms";
    row.remarks = format!(
        "{} offers while {} waited; {}",
        offered["count"],
        most - f64::from(count),
        remarks(&run)
    );
    table.add(row);
    Ok(())
}

fn times(run: &Value, name: &str, work: &str, limits: (f64, f64)) -> anyhow::Result<Row> {
    let (p50, p99) = (figure(run, &format!("/{name}/p50"))?, figure(run, &format!("/{name}/p99"))?);
    Ok(Row {
        work: format!("{work}, p50 / p99"),
        measured: format!("{p50:.2} / {p99:.2} ms"),
        beside: String::new(),
        target: "≤ 2 / 5 ms",
        met: verdict(run, p50 <= limits.0 && p99 <= limits.1),
        remarks: remarks(run),
    })
}
