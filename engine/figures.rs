//! The live figures as Prometheus text, rendered by the brain and read by the web.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use model::{Mono, TrunkId, Wall};
use report::{Figures, ServiceLevel, occupancy_permille};
use trunk::TrunkFigures;

/// How old the text may be, in microseconds.
const AGE_MAX_US: i64 = 500_000;

/// The last rendered figures.
#[derive(Debug, Default)]
pub struct Published {
    text: Mutex<Arc<str>>,
    rendered_at: AtomicI64,
}

impl Published {
    /// Renders, if the last rendering is too old.
    pub fn publish(&self, figures: &mut Figures, now: Wall, moved: impl FnOnce() -> Moved) {
        if now.0 - self.rendered_at.load(Ordering::Relaxed) < AGE_MAX_US {
            return;
        }
        self.rendered_at.store(now.0, Ordering::Relaxed);
        figures.turn_day(now);
        let text: Arc<str> = render(figures, &moved()).into();
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    /// The text as last rendered.
    pub fn text(&self) -> Arc<str> {
        Arc::clone(&self.text.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What became of recordings that were to be archived, since the engine began.
#[derive(Debug, Default)]
pub struct ArchiveCounts {
    /// Archived.
    pub archived: AtomicU64,
    /// Bytes that that saved.
    pub saved_bytes: AtomicU64,
    /// Left as they are: an archive would be no smaller.
    pub left: AtomicU64,
    /// Attempts that failed.
    pub failed: AtomicU64,
}

/// What the engine's parts have moved, and what waits in them.
#[derive(Debug)]
pub struct Moved {
    /// When, on the engine's clock.
    pub now: Mono,
    /// Calls in progress.
    pub calls: usize,
    /// Acknowledgements that wait for their facts to be committed.
    pub held: usize,
    /// Facts that are not committed yet.
    pub unwritten: usize,
    /// The SIP workers' counts.
    pub sip: net::sip::Counts,
    /// The media workers' counts.
    pub media: net::media::Counters,
    /// RTP ports that can still be opened.
    pub free_ports: usize,
    /// What each trunk brings.
    pub trunks: Vec<(TrunkId, TrunkFigures)>,
    /// What was archived.
    pub archive: Arc<ArchiveCounts>,
}

/// A metric's head.
pub(crate) fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// A metric without labels.
pub(crate) fn plain(out: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    head(out, name, kind, help);
    let _ = writeln!(out, "{name} {value}");
}

fn render(figures: &Figures, moved: &Moved) -> String {
    let mut out = String::with_capacity(8_192);
    render_moved(&mut out, moved);
    render_trunks(&mut out, &moved.trunks);
    render_archive(&mut out, &moved.archive);
    plain(
        &mut out,
        "hotline_calls_arrived_total",
        "counter",
        "Calls accepted since the engine started.",
        figures.arrived(),
    );
    head(&mut out, "hotline_calls_ended_total", "counter", "Calls ended, by outcome.");
    for (outcome, count) in figures.outcomes() {
        let outcome = outcome.as_str();
        let _ = writeln!(out, "hotline_calls_ended_total{{outcome=\"{outcome}\"}} {count}");
    }
    head(&mut out, "hotline_queue_waiting", "gauge", "Callers waiting, by queue.");
    for (queue, figures) in figures.queues() {
        let _ = writeln!(out, "hotline_queue_waiting{{queue=\"{queue}\"}} {}", figures.waiting);
    }
    head(&mut out, "hotline_queue_talking", "gauge", "Callers in conversation, by queue.");
    for (queue, figures) in figures.queues() {
        let _ = writeln!(out, "hotline_queue_talking{{queue=\"{queue}\"}} {}", figures.talking);
    }
    head(&mut out, "hotline_queue_entered_total", "counter", "Calls that entered, by queue.");
    for (queue, figures) in figures.queues() {
        let entered = figures.total.entered;
        let _ = writeln!(out, "hotline_queue_entered_total{{queue=\"{queue}\"}} {entered}");
    }
    head(&mut out, "hotline_queue_answered_total", "counter", "Calls answered, by queue.");
    for (queue, figures) in figures.queues() {
        let answered = figures.total.answered;
        let _ = writeln!(out, "hotline_queue_answered_total{{queue=\"{queue}\"}} {answered}");
    }
    render_waits(&mut out, figures, moved.now);
    render_agents(&mut out, figures, moved.now);
    out
}

/// Thousandths as Prometheus writes a ratio.
fn ratio(permille: u64) -> String {
    format!("{}.{:03}", permille / 1_000, permille % 1_000)
}

fn render_waits(out: &mut String, figures: &Figures, now: Mono) {
    let waits = figures.waits(now);
    let of = |queue| waits.get(queue).copied().unwrap_or_default();
    let name = "hotline_queue_longest_wait_seconds";
    head(out, name, "gauge", "How long the first of those who wait has waited, by queue.");
    for (queue, _) in figures.queues() {
        let _ = writeln!(out, "{name}{{queue=\"{queue}\"}} {}", of(queue).longest_ms / 1_000);
    }
    let name = "hotline_queue_abandoned_total";
    head(out, name, "counter", "Calls whose caller left, by queue.");
    for (queue, figures) in figures.queues() {
        let _ = writeln!(out, "{name}{{queue=\"{queue}\"}} {}", figures.total.abandoned);
    }
    let name = "hotline_queue_service_level_ratio";
    head(out, name, "gauge", "Service level since midnight, by queue and formula.");
    for (queue, figures) in figures.queues() {
        for formula in ServiceLevel::ALL {
            let Some(level) = formula.permille(&figures.today, of(queue).late) else { continue };
            let (formula, level) = (formula.as_str(), ratio(level));
            let _ = writeln!(out, "{name}{{queue=\"{queue}\",formula=\"{formula}\"}} {level}");
        }
    }
}

fn render_agents(out: &mut String, figures: &Figures, now: Mono) {
    let doing = figures.doing(now);
    head(out, "hotline_agents", "gauge", "Agents at work, by what they do.");
    for (state, done) in &doing {
        let _ = writeln!(out, "hotline_agents{{state=\"{}\"}} {}", state.as_str(), done.agents);
    }
    let name = "hotline_agent_seconds_total";
    head(out, name, "counter", "Time of all agents at work, by what they did.");
    for (state, done) in &doing {
        let _ = writeln!(out, "{name}{{state=\"{}\"}} {}", state.as_str(), done.ms / 1_000);
    }
    if let Some(occupancy) = occupancy_permille(&doing) {
        let name = "hotline_agent_occupancy_ratio";
        head(out, name, "gauge", "How much of their time at work agents were busy with calls.");
        let _ = writeln!(out, "{name} {}", ratio(occupancy));
    }
}

fn render_moved(out: &mut String, moved: &Moved) {
    let Moved { calls, held, unwritten, sip, media, free_ports, trunks: _, archive: _, now: _ } =
        moved;
    let count = |value: &usize| *value as u64;
    for (name, kind, help, value) in [
        ("calls", "gauge", "Calls in progress.", count(calls)),
        ("acknowledgements_held", "gauge", "Answers that wait for the store.", count(held)),
        ("facts_unwritten", "gauge", "Facts that are not committed yet.", count(unwritten)),
        ("rtp_ports_free", "gauge", "RTP ports that can still be opened.", count(free_ports)),
        ("sip_received_total", "counter", "SIP messages that came.", sip.received),
        ("sip_sent_total", "counter", "SIP messages that left.", sip.sent),
        ("sip_malformed_total", "counter", "Dropped because they were no SIP.", sip.malformed),
        ("sip_not_admitted_total", "counter", "Dropped for their source.", sip.not_admitted),
        ("sip_banned_total", "counter", "Dropped from banned sources.", sip.banned),
        ("sip_bans", "gauge", "Sources that are banned.", sip.bans),
        ("sip_repeats_total", "counter", "Repeated messages absorbed.", sip.retransmissions),
        ("sip_refused_total", "counter", "Refused for a rule of SIP.", sip.refused),
        ("sip_overloaded_total", "counter", "Answered 503 by a worker.", sip.overloaded),
        ("sip_send_failures_total", "counter", "SIP that could not be sent.", sip.send_failures),
        ("sip_hep_dropped_total", "counter", "Not told to the collector.", sip.hep_dropped),
        ("sip_connections", "gauge", "TCP connections.", sip.connections),
        ("sip_transactions", "gauge", "SIP transactions.", sip.transactions),
        ("rtp_received_total", "counter", "RTP packets taken.", media.packets_received),
        ("rtp_sent_total", "counter", "RTP packets sent.", media.packets_sent),
        ("rtp_refused_source_total", "counter", "Not from the leg.", media.refused_source),
        ("rtp_refused_content_total", "counter", "No RTP, or not agreed.", media.refused_content),
        ("rtp_refused_forged_total", "counter", "SRTP not to believe.", media.refused_forged),
        ("ice_refused_total", "counter", "Checks of no leg here.", media.refused_checks),
        ("rtcp_received_total", "counter", "RTCP packets taken.", media.reports_received),
        ("rtcp_sent_total", "counter", "RTCP packets sent.", media.reports_sent),
        ("rtcp_ports_missing_total", "counter", "Legs without RTCP.", media.report_ports_missing),
        ("rtp_send_errors_total", "counter", "RTP the system did not take.", media.send_errors),
        ("taps_dropped_total", "counter", "Packets lost to a recording.", media.taps_dropped),
    ] {
        plain(out, &format!("hotline_{name}"), kind, help, value);
    }
}

fn render_archive(out: &mut String, counts: &ArchiveCounts) {
    for (name, help, count) in [
        ("archived_total", "Recordings archived.", &counts.archived),
        ("archive_saved_bytes_total", "Bytes that archiving saved.", &counts.saved_bytes),
        ("archive_left_total", "Not archived: no smaller.", &counts.left),
        ("archive_failures_total", "Attempts to archive that failed.", &counts.failed),
    ] {
        let name = format!("hotline_recordings_{name}");
        plain(out, &name, "counter", help, count.load(Ordering::Relaxed));
    }
}

fn render_trunks(out: &mut String, trunks: &[(TrunkId, TrunkFigures)]) {
    head(out, "hotline_trunk_calls", "gauge", "Calls in progress, by trunk.");
    for (trunk, figures) in trunks {
        let _ = writeln!(out, "hotline_trunk_calls{{trunk=\"{trunk}\"}} {}", figures.calls);
    }
    let name = "hotline_trunk_refused_total";
    head(out, name, "counter", "Calls that a trunk brought and may not, by why.");
    for (trunk, figures) in trunks {
        for (why, count) in [
            ("calls", figures.refused_calls),
            ("rate", figures.refused_rate),
            ("number", figures.refused_number),
        ] {
            let _ = writeln!(out, "{name}{{trunk=\"{trunk}\",why=\"{why}\"}} {count}");
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{AgentState, AgentStatus, CallId, Fact, FactBody, Id};

    use super::*;

    /// A call that waits since second 1, and an agent who is ready since second 2.
    fn waiting_and_ready() -> Vec<Fact> {
        let (call, at) = (CallId(Id::new(1, 1, 1)), Mono::from_ms);
        let (status, state) = (AgentStatus::Ready, AgentState::Idle);
        let bodies = [
            FactBody::Queued {
                call,
                queue: "general".into(),
                entered: at(1_000),
                permission: None,
            },
            FactBody::AgentChanged {
                agent: "8001".into(),
                status,
                state,
                call: None,
                next: None,
                day: None,
            },
        ];
        let fact = |(seq, body)| {
            let (mono, version) = (at(seq * 1_000), model::SCHEMA_VERSION);
            Fact { site: 1, epoch: 1, seq, mono, wall: Wall(0), version, body }
        };
        (1..).zip(bodies).map(fact).collect()
    }

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let queues = ["general".into()];
        let mut figures = Figures::new(report::FiguresConfig::default(), queues);
        waiting_and_ready().iter().for_each(|fact| figures.apply(fact));
        let moved = Moved {
            now: Mono::from_ms(30_000),
            calls: 3,
            held: 0,
            unwritten: 0,
            sip: net::sip::Counts::default(),
            media: net::media::Counters::default(),
            free_ports: 9,
            trunks: vec![("carrier".into(), TrunkFigures { calls: 2, ..Default::default() })],
            archive: Arc::new(ArchiveCounts { saved_bytes: 77.into(), ..Default::default() }),
        };
        let text = render(&figures, &moved);
        assert!(text.contains("\nhotline_calls 3\n"), "{text}");
        assert!(text.contains("\nhotline_trunk_calls{trunk=\"carrier\"} 2\n"), "{text}");
        assert!(text.contains("\nhotline_recordings_archive_saved_bytes_total 77\n"), "{text}");
        let refused = "\nhotline_trunk_refused_total{trunk=\"carrier\",why=\"rate\"} 0\n";
        assert!(text.contains(refused), "{text}");
        for line in [
            "hotline_queue_waiting{queue=\"general\"} 1\n",
            "hotline_queue_longest_wait_seconds{queue=\"general\"} 29\n",
            "hotline_agents{state=\"idle\"} 1\n",
            "hotline_agent_seconds_total{state=\"idle\"} 28\n",
            "hotline_agent_occupancy_ratio 0.000\n",
            // Nobody was answered, and one waits for too long already.
            "{queue=\"general\",formula=\"sl_abandon_negative\"} 0.000\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        assert!(!text.contains("sl_answered"), "there is nothing to divide by: {text}");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            assert!(name.starts_with("hotline_"), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
}
