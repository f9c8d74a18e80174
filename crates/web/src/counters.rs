//! What this room counts about itself, appended to the engine's figures.

use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use axum::http::StatusCode;

/// Why a connection was closed unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    /// The peer's address is not served.
    NotAllowed,
    /// As many connections as there may be.
    Full,
    /// As many connections of this address as there may be.
    SourceFull,
}

/// Why a desktop's WebSocket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The desktop closed it, or its network did.
    Left,
    /// It did not read what it was sent.
    Slow,
    /// It sent too much that is malformed, or too large.
    Malformed,
    /// It answered no ping.
    Silent,
    /// Its session was over.
    SessionOver,
    /// The engine stops.
    Stopping,
}

const TURNED: [(Turned, &str); 3] = [
    (Turned::NotAllowed, "not_allowed"),
    (Turned::Full, "full"),
    (Turned::SourceFull, "source_full"),
];

const ENDED: [(Ended, &str); 6] = [
    (Ended::Left, "left"),
    (Ended::Slow, "slow"),
    (Ended::Malformed, "malformed"),
    (Ended::Silent, "silent"),
    (Ended::SessionOver, "session_over"),
    (Ended::Stopping, "stopping"),
];

/// Classes of HTTP status, from 1xx.
const CLASSES: usize = 5;

/// The room's own figures.
#[derive(Default)]
pub(crate) struct Counters {
    connections: AtomicI64,
    desktops: AtomicI64,
    responses: [AtomicU64; CLASSES],
    turned: [AtomicU64; TURNED.len()],
    ended: [AtomicU64; ENDED.len()],
    events: AtomicU64,
}

impl Counters {
    pub(crate) fn connection_opened(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    pub(crate) fn connection_closed(&self) {
        self.connections.fetch_sub(1, Relaxed);
    }

    pub(crate) fn turned_away(&self, why: Turned) {
        self.turned[why as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn responded(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES) - 1;
        self.responses[class].fetch_add(1, Relaxed);
    }

    pub(crate) fn desktop_connected(&self) {
        self.desktops.fetch_add(1, Relaxed);
    }

    pub(crate) fn desktop_ended(&self, why: Ended) {
        self.desktops.fetch_sub(1, Relaxed);
        self.ended[why as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn event_sent(&self) {
        self.events.fetch_add(1, Relaxed);
    }

    /// Appends all figures in Prometheus' text format, version 0.0.4.
    pub(crate) fn write(&self, text: &mut String) {
        let mut family = |name: &str, kind: &str, help: &str, values: &[(String, i128)]| {
            let _ = writeln!(text, "# HELP hotline_web_{name} {help}");
            let _ = writeln!(text, "# TYPE hotline_web_{name} {kind}");
            for (labels, value) in values {
                let _ = writeln!(text, "hotline_web_{name}{labels} {value}");
            }
        };
        let one = |value: i128| [(String::new(), value)];
        let connections = one(self.connections.load(Relaxed).into());
        family("connections", "gauge", "Open HTTP connections.", &connections);
        let desktops = one(self.desktops.load(Relaxed).into());
        family("desktops", "gauge", "Open event streams.", &desktops);
        let events = one(self.events.load(Relaxed).into());
        family("events_total", "counter", "Events sent to desktops.", &events);
        let responses: Vec<_> = self
            .responses
            .iter()
            .enumerate()
            .map(|(class, count)| {
                (format!("{{class=\"{}xx\"}}", class + 1), count.load(Relaxed).into())
            })
            .collect();
        family("responses_total", "counter", "HTTP responses by class.", &responses);
        let turned: Vec<_> = TURNED
            .iter()
            .map(|(why, name)| {
                let count = self.turned[*why as usize].load(Relaxed);
                (format!("{{reason=\"{name}\"}}"), count.into())
            })
            .collect();
        family("turned_away_total", "counter", "Connections closed unread.", &turned);
        let ended: Vec<_> = ENDED
            .iter()
            .map(|(why, name)| {
                let count = self.ended[*why as usize].load(Relaxed);
                (format!("{{reason=\"{name}\"}}"), count.into())
            })
            .collect();
        family("desktops_ended_total", "counter", "Event streams that ended.", &ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_line() {
        let counters = Counters::default();
        for (why, _) in TURNED {
            counters.turned_away(why);
        }
        for (why, _) in ENDED {
            counters.desktop_connected();
            counters.desktop_ended(why);
        }
        counters.responded(StatusCode::NOT_FOUND);
        let mut text = String::new();
        counters.write(&mut text);
        assert!(text.contains("hotline_web_responses_total{class=\"4xx\"} 1\n"), "{text}");
        assert!(text.contains("hotline_web_desktops 0\n"), "{text}");
        let ones = text.lines().filter(|line| line.ends_with("\"} 1")).count();
        assert_eq!(ones, TURNED.len() + ENDED.len() + 1, "{text}");
    }
}
