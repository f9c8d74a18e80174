//! What the distribution costs with many agents, queues and callers, each line with its target:
//! `cargo bench -p acd`.
//!
//! What an event costs is told in time of a processor: what others take from it on a busy machine
//! is not in it. Centers of all sizes have their rounds in turns, and the middle turn counts. All
//! that the room says is taken from it.
#![allow(clippy::print_stdout, reason = "the figures are what this program is for")]
#![allow(clippy::unwrap_used, reason = "what is unwrapped was made here")]

#[path = "scale/center.rs"]
mod center;
#[path = "scale/day.rs"]
mod day;

use std::time::Instant;

use acd::{Acd, Input, Overflow, replay};
use center::{Center, QUEUES, WAITING};
use model::{IdSource, Mono};

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];
/// The size whose rate and decisions have a target.
const USUAL: usize = 10_000;
const TURNS: usize = 15;
const ROUNDS: usize = 4_000;

fn main() {
    println!("| work | measured | target | met |\n| --- | --- | --- | --- |");
    idle_agents();
    events();
    replayed();
    sign_outs();
}

fn line(work: &str, measured: &str, target: &str, met: Option<bool>) {
    let met = met.map_or("", |met| if met { "yes" } else { "no" });
    println!("| {work} | {measured} | {target} | {met} |");
}

/// First: what was freed before would be used again, and not be seen.
fn idle_agents() {
    let agents = 100_000;
    let config = center::config(agents);
    let before = resident_bytes();
    let mut acd = Acd::new(&config, IdSource::new(1, 1)).unwrap();
    for at in 0..agents {
        let agent = || center::agent(at);
        let phone = Input::PhoneReachable { agent: agent(), reachable: true };
        for input in [phone, Input::Ready { agent: agent() }] {
            acd.handle_input(input, Mono::from_ms(at as u64));
            while acd.poll_output().is_some() {}
        }
    }
    let each = resident_bytes().saturating_sub(before) / agents;
    let work = format!("memory an idle agent, of {agents}");
    line(&work, &format!("{each} B"), "≤ 1,000 B", Some(each <= 1_000));
}

fn events() {
    let mut centers: Vec<Center> = SIZES.iter().map(|agents| Center::new(*agents)).collect();
    let mut costs: Vec<Vec<f64>> = vec![Vec::new(); SIZES.len()];
    for _ in 0..=TURNS {
        for (center, costs) in centers.iter_mut().zip(&mut costs) {
            (center.events, center.decisions) = (0, Vec::with_capacity(ROUNDS));
            let before = cpu_ns();
            for _ in 0..ROUNDS {
                center.round();
            }
            costs.push((cpu_ns() - before) as f64 / center.events as f64);
        }
    }
    let costs_ns: Vec<f64> = costs.into_iter().map(|turns| middle(&turns[1..])).collect();
    for ((agents, ns), center) in SIZES.iter().zip(&costs_ns).zip(&mut centers) {
        center.decisions.sort_unstable();
        let at = |permille: usize| center.decisions[ROUNDS * permille / 1_000] as f64 / 1e3;
        let (p50, p99) = (at(500), at(990));
        let usual = *agents == USUAL;
        let place = format!("{agents} agents, {QUEUES} queues, {WAITING} waiting");
        let rate = 1e9 / ns;
        let (target, met) = (if usual { "≥ 300,000/s" } else { "" }, usual.then_some(rate >= 3e5));
        line(&format!("events a second of one core: {place}"), &format!("{rate:.0}"), target, met);
        let (target, met) =
            (if usual { "p99 ≤ 100 µs" } else { "" }, usual.then_some(p99 <= 100.0));
        let told = format!("p50 {p50:.1} µs, p99 {p99:.1} µs");
        line(&format!("a decision: {place}"), &told, target, met);
    }
    let (ns, told) = centers[2].expected();
    let work =
        format!("what a newcomer would wait, of {told} queues with {} in line", WAITING / QUEUES);
    line(&work, &format!("{ns} ns"), "", None);
    let grows = costs_ns[SIZES.len() - 1] / costs_ns[0];
    let work = format!("an event with {} agents, beside one with {}", SIZES[3], SIZES[0]);
    line(&work, &format!("{grows:.2} ×"), "≤ 3 ×", Some(grows <= 3.0));
}

fn replayed() {
    let (config, inputs) = day::stored();
    let before = cpu_ns();
    let fates = replay(&config, IdSource::new(1, 1), &inputs).unwrap();
    let s = (cpu_ns() - before) as f64 / 1e9;
    let work = format!("a day of {} calls, {} inputs, replayed", fates.len(), inputs.len());
    line(&work, &format!("{s:.2} s"), "≤ 20 s", Some(s <= 20.0));
}

fn sign_outs() {
    for (to, place) in [
        (Overflow::Announcement("no_agents".into()), "an announcement"),
        (Overflow::Queue("other".into()), "another queue"),
    ] {
        let (took, sent) = day::last_sign_out(&to);
        let work = format!("the last agent signs out: {sent} who wait go to {place}");
        line(&work, &format!("{:.1} ms", took.as_secs_f64() * 1e3), "", None);
    }
}

fn middle(of: &[f64]) -> f64 {
    let mut of = of.to_vec();
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// How long this thread has had a processor. Without it (not on Linux), the time.
fn cpu_ns() -> u64 {
    static BEGAN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ns = told.and_then(|told| told.split(' ').next()?.parse().ok());
    ns.unwrap_or_else(|| u64::try_from(BEGAN.elapsed().as_nanos()).unwrap())
}

/// What the process has in memory; 0 where the system does not tell.
fn resident_bytes() -> usize {
    let told = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = told.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4_096
}
