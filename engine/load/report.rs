//! The line of JSON at the end of a run.

use std::sync::Arc;
use std::time::Duration;

use model::Mono;
use serde_json::{Value, json};

use super::agent::AgentFigures;
use super::caller::CallFigures;
use super::histogram::Histogram;
use super::media::Outcome;
use super::plan::Plan;
use super::target::Usage;

/// The most samples of one run: at four a second, eleven days.
const MAX_SAMPLES: usize = 4_000_000;
/// The share of the most calls at a time that counts as full load.
const FULL: f64 = 0.98;

/// The target and the calls, four times a second.
#[derive(Debug)]
pub(super) struct Samples {
    pid: Option<u32>,
    all: Vec<Sample>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    at: Mono,
    talking: usize,
    target: Usage,
}

impl Samples {
    /// Samples of that process, or of the calls alone.
    ///
    /// # Errors
    /// There is no such process.
    pub(super) fn new(pid: Option<u32>) -> anyhow::Result<Self> {
        if let Some(pid) = pid {
            Usage::of(pid)?;
        }
        Ok(Self { pid, all: Vec::new() })
    }

    /// Takes one.
    ///
    /// # Errors
    /// The process has ended.
    pub(super) fn take(&mut self, at: Mono, talking: usize) -> anyhow::Result<()> {
        let target = self.pid.map(Usage::of).transpose()?.unwrap_or_default();
        if self.all.len() < MAX_SAMPLES {
            self.all.push(Sample { at, talking, target });
        }
        Ok(())
    }

    /// Over the whole run, or only while nearly all calls were there: the target's CPU time in
    /// milliseconds, the seconds of all calls together, and the run's own seconds.
    fn totals(&self, only_full: bool) -> (f64, f64, f64) {
        let most = self.all.iter().map(|sample| sample.talking).max().unwrap_or(0);
        let least = if only_full { (most as f64 * FULL).max(1.0) } else { 0.0 };
        let (mut cpu, mut call_seconds, mut seconds) = (0.0, 0.0, 0.0);
        for pair in self.all.windows(2) {
            let [from, to] = pair else { continue };
            if (from.talking.min(to.talking) as f64) < least {
                continue;
            }
            let passed = to.at.since(from.at).as_secs_f64();
            cpu += to.target.cpu_ms.saturating_sub(from.target.cpu_ms) as f64;
            call_seconds += passed * (from.talking + to.talking) as f64 / 2.0;
            seconds += passed;
        }
        (cpu, call_seconds, seconds)
    }

    fn to_json(&self, calls: u32) -> Value {
        let (Some(pid), Some(first)) = (self.pid, self.all.first()) else { return Value::Null };
        let peak = self.all.iter().map(|sample| sample.target.resident_kb).max();
        let threads = self.all.iter().map(|sample| sample.target.threads).max();
        let last = self.all.last().map(|sample| sample.target.resident_kb);
        let (cpu, call_seconds, _) = self.totals(false);
        let (full_cpu, full_call_seconds, full_seconds) = self.totals(true);
        json!({
            "pid": pid,
            "cpu_ms": cpu,
            "cpu_ms_a_call": ratio(cpu, f64::from(calls)),
            "cpu_ms_a_call_second": ratio(cpu, call_seconds),
            "full_load": {
                "seconds": rounded(full_seconds),
                "cpu_share": ratio(full_cpu / 1000.0, full_seconds),
                "cpu_ms_a_call_second": ratio(full_cpu, full_call_seconds),
            },
            "rss_kb": { "first": first.target.resident_kb, "peak": peak, "last": last },
            "threads": threads,
        })
    }
}

/// Everything that a run found out.
pub(super) struct Report {
    pub(super) plan: Arc<Plan>,
    pub(super) interrupted: bool,
    /// From the first call's beginning to the last one's.
    pub(super) begun_in: Duration,
    /// From the first call's beginning to the end.
    pub(super) ran: Duration,
    pub(super) calls: CallFigures,
    pub(super) agents: AgentFigures,
    pub(super) media: Outcome,
    pub(super) samples: Samples,
    pub(super) malformed: u64,
    pub(super) lateness: Histogram,
    pub(super) sip_cpu_nanos: u64,
}

impl Report {
    pub(super) fn to_json(&self) -> Value {
        let (calls, agents, counts) = (&self.calls, &self.agents, &self.media.counts);
        let begun_in = self.begun_in.as_secs_f64();
        // The first call begins at 0 s, so one interval less than calls.
        let achieved = ratio(f64::from(calls.begun.saturating_sub(1)), begun_in);
        json!({
            "kind": "load",
            "to": self.plan.to.to_string(),
            "number": self.plan.number,
            "interrupted": self.interrupted,
            "calls": {
                "begun": calls.begun,
                "answered": calls.answered,
                "ok": calls.ok,
                "failed": calls.failed,
                "most_at_a_time": calls.most_at_a_time,
            },
            "rate": {
                "wanted": rounded(1.0 / self.plan.interval.as_secs_f64()),
                "achieved": achieved,
            },
            "setup_ms": calls.setup.to_json(),
            "agent_invite_ms": calls.agent_invite.to_json(),
            "key_to_agent_invite_ms": calls.key_to_agent_invite.to_json(),
            "pop_ms": calls.pop.to_json(),
            "rang_before_pop": calls.rang_before_pop,
            "agents": {
                "registered": agents.registered,
                "rang": agents.rang,
                "answered": agents.answered,
                "cancelled": agents.cancelled,
                "rang_while_talking": agents.busy,
                "failed": agents.failed,
                "free_to_invite_ms": agents.free_to_invite.to_json(),
            },
            "media": {
                "sent": counts.sent,
                "received": counts.received,
                "lost": counts.lost,
                "late": counts.late,
                "duplicates": counts.duplicates,
                "send_errors": counts.send_errors,
                "strays": self.media.strays,
                "dropped_on_purpose": counts.dropped,
                "mos": {
                    "mean": ratio(counts.mos_sum as f64 / 100.0, counts.legs_scored as f64),
                    "least": counts.mos_least.map(|mos| f64::from(mos) / 100.0),
                },
                "longest_gap_ms": rounded(counts.longest_gap.as_secs_f64() * 1000.0),
                "relay_ms": counts.relay.to_json(),
            },
            "malformed": self.malformed,
            "own": self.own(),
            "target": self.samples.to_json(calls.begun),
        })
    }

    /// What the generator needed itself, and how late it was: where calls begin late or packets
    /// leave late, its figures are its own and not the target's.
    fn own(&self) -> Value {
        let (sip, media) = (self.sip_cpu_nanos as f64 / 1e6, self.media.cpu_nanos as f64 / 1e6);
        let ran = self.ran.as_secs_f64() * 1000.0;
        json!({
            "sip_cpu_share": ratio(sip, ran),
            "media_cpu_share": ratio(media, ran),
            "calls_begun_late_ms": self.lateness.to_json(),
            "packets_sent_late_ms": self.media.lateness.to_json(),
            "ceiling_calls_a_second": ratio(f64::from(self.calls.begun) * 1000.0, sip),
        })
    }
}

/// Three digits after the point are enough for every figure here.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// `null` where nothing was counted.
fn ratio(value: f64, by: f64) -> Value {
    if by > 0.0 { rounded(value / by).into() } else { Value::Null }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two seconds up to 100 calls, three at 100, one down: 200 ms of CPU time in each.
    fn samples() -> Samples {
        let talking = [0, 50, 100, 100, 100, 100, 0];
        let sample = |(at, talking): (usize, usize)| Sample {
            at: Mono::from_ms(at as u64 * 1000),
            talking,
            target: Usage { cpu_ms: at as u64 * 200, resident_kb: 1000 + at as u64, threads: 5 },
        };
        Samples { pid: Some(1), all: talking.into_iter().enumerate().map(sample).collect() }
    }

    #[test]
    fn only_the_time_of_full_load_counts_for_the_cost_of_a_call() {
        let samples = samples();
        assert_eq!(samples.totals(true), (600.0, 300.0, 3.0));
        assert_eq!(samples.totals(false), (1200.0, 25.0 + 75.0 + 300.0 + 50.0, 6.0));
        let line = samples.to_json(100);
        assert_eq!(line["full_load"]["cpu_ms_a_call_second"], 2.0);
        assert_eq!(line["full_load"]["cpu_share"], 0.2);
        assert_eq!(line["cpu_ms_a_call"], 12.0);
        assert_eq!((&line["rss_kb"]["peak"], &line["threads"]), (&1006.into(), &5.into()));
    }

    #[test]
    fn without_a_target_or_samples_there_are_no_figures() {
        let mut samples = Samples::new(None).expect("nothing to look for");
        assert_eq!(samples.to_json(1), Value::Null);
        samples.take(Mono(0), 3).expect("nothing to look at");
        assert_eq!(samples.totals(false), (0.0, 0.0, 0.0));
        assert!(Samples::new(Some(u32::MAX)).is_err());
    }
}
