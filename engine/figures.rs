//! The live figures as Prometheus text, rendered by the brain and read by the web.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use callflow::Callflow;
use model::Wall;
use report::Figures;

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
    pub fn publish(&self, figures: &mut Figures, callflow: &Callflow, now: Wall) {
        if now.0 - self.rendered_at.load(Ordering::Relaxed) < AGE_MAX_US {
            return;
        }
        self.rendered_at.store(now.0, Ordering::Relaxed);
        figures.turn_day(now);
        let text: Arc<str> = render(figures, callflow).into();
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    /// The text as last rendered.
    pub fn text(&self) -> Arc<str> {
        Arc::clone(&self.text.lock().unwrap_or_else(PoisonError::into_inner))
    }
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

fn render(figures: &Figures, callflow: &Callflow) -> String {
    let mut out = String::with_capacity(4_096);
    let calls = callflow.calls() as u64;
    plain(&mut out, "hotline_calls", "gauge", "Calls in progress.", calls);
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
    out
}
