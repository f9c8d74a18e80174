//! Messages as a ladder of three lines: caller, hotline, agents.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Item, Trace, plain};

/// Columns between two lines.
const GAP: usize = 36;
/// Columns before the first line: the time.
const MARGIN: usize = 12;

/// The ladder as text, at most 100 columns wide.
pub(super) fn draw(trace: &Trace) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = write!(out, "call {}", trace.call_id);
    let first = trace.items.first();
    if let Some(first) = first {
        let _ = write!(out, " from {}", first.at);
    }
    out.push_str("\n\n");
    heads(trace, &mut out);
    let agents: BTreeSet<&str> = agents(trace).collect();
    let began = first.map_or(0, |first| first.mono_us);
    for item in &trace.items {
        let offset = item.mono_us.saturating_sub(began);
        let name = item.agent_id.as_deref().filter(|_| agents.len() > 1);
        row(item, offset, name, &mut out);
    }
    if !trace.complete {
        out.push_str("\nOlder messages of this call are no longer held.\n");
    }
    if trace.cut {
        out.push_str("\nThere are more messages than are shown.\n");
    }
    out
}

fn agents(trace: &Trace) -> impl Iterator<Item = &str> {
    trace.items.iter().filter_map(|item| item.agent_id.as_deref())
}

/// The names of the three lines, and below them the addresses.
fn heads(trace: &Trace, out: &mut String) {
    let side = |leg: &str| trace.items.iter().find(|item| item.leg == leg);
    let (caller, agent) = (side("caller"), side("agent"));
    let mut known: Vec<&str> = Vec::new();
    for agent in agents(trace) {
        if !known.contains(&agent) {
            known.push(agent);
        }
    }
    let agent_name = match known[..] {
        [] => String::new(),
        [only] => format!("agent {only}"),
        [..] => "agents".to_owned(),
    };
    let address = |item: Option<&Item>| item.map_or(String::new(), |item| item.remote.clone());
    let ours = trace.items.first().map_or(String::new(), |item| item.local.clone());
    // Several phones have several addresses: each row names its agent instead.
    let phones = if known.len() > 1 { String::new() } else { address(agent) };
    columns(&["caller".to_owned(), "hotline".to_owned(), agent_name], out);
    columns(&[address(caller), ours, phones], out);
}

/// Texts centred over the lines.
fn columns(texts: &[String; 3], out: &mut String) {
    let mut line = String::new();
    for (nth, text) in texts.iter().enumerate() {
        let length = text.chars().count();
        let from = (MARGIN + nth * GAP).saturating_sub(length / 2);
        let fill = from.saturating_sub(line.chars().count());
        line.extend(std::iter::repeat_n(' ', fill));
        line.push_str(text);
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

fn row(item: &Item, offset_us: u64, name: Option<&str>, out: &mut String) {
    let (is_left, is_in) = (item.leg == "caller", item.direction == "in");
    let label = match name {
        Some(name) => format!("{name} {}", plain(&item.summary)),
        None => plain(&item.summary),
    };
    let arrow = arrow(&label, is_left == is_in);
    let empty = " ".repeat(GAP - 1);
    let (left, right) = if is_left { (arrow, empty) } else { (empty, arrow) };
    let time = format!("{:>9}", seconds(offset_us));
    let took = item.took_us.map_or(String::new(), |took| format!("  {}", milliseconds(took)));
    let _ = writeln!(out, "{time}   │{left}│{right}│{took}");
}

/// `─ INVITE (SDP) ───▶`, so long that it fits between two lines.
fn arrow(label: &str, is_to_the_right: bool) -> String {
    let room = GAP - 1;
    let label = shortened(label, room - 6);
    let length = label.chars().count() + 2;
    let left = (room - 1 - length) / 2;
    let right = room - 1 - length - left;
    let (left, right) = ("─".repeat(left), "─".repeat(right));
    if is_to_the_right {
        format!("{left} {label} {right}▶")
    } else {
        format!("◀{left} {label} {right}")
    }
}

fn shortened(text: &str, length: usize) -> String {
    let text = text.replace('\n', " ");
    if text.chars().count() <= length {
        return text;
    }
    text.chars().take(length - 1).chain(['…']).collect()
}

/// `+1.234 s`
fn seconds(us: u64) -> String {
    format!("+{}.{:03}", us / 1_000_000, us / 1_000 % 1_000)
}

/// `12.3 ms`
fn milliseconds(us: u64) -> String {
    format!("{}.{} ms", us / 1_000, us / 100 % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(ms: u64, leg: &str, direction: &str, summary: &str) -> Item {
        Item {
            at: "2026-11-21T10:00:00.000+08:00".to_owned(),
            mono_us: 5_000_000 + ms * 1_000,
            leg: leg.to_owned(),
            agent_id: (leg == "agent").then(|| "8001".to_owned()),
            direction: direction.to_owned(),
            transport: "udp".to_owned(),
            local: "192.0.2.9:5060".to_owned(),
            remote: if leg == "caller" { "192.0.2.1:5060" } else { "10.1.1.1:5062" }.to_owned(),
            summary: summary.to_owned(),
            took_us: (summary.starts_with('2')).then_some(12_340),
            message: String::new(),
        }
    }

    fn trace() -> Trace {
        let items = vec![
            item(0, "caller", "in", "INVITE (SDP)"),
            item(1, "caller", "out", "200 OK (INVITE, SDP)"),
            item(1_234, "agent", "out", "INVITE (SDP)"),
            item(70_001, "agent", "in", "183 Session Progress in many words (INVITE, SDP)"),
        ];
        let call_id = "c1-1-1".to_owned();
        Trace { call_id, enabled: true, complete: true, cut: false, items }
    }

    #[test]
    fn arrows_run_between_the_lines_that_the_message_went_between() {
        let lead = "────────";
        let blank = |columns: usize| " ".repeat(columns);
        let wanted = [
            "call c1-1-1 from 2026-11-21T10:00:00.000+08:00".to_owned(),
            String::new(),
            format!("         caller{}hotline{}agent 8001", blank(30), blank(27)),
            format!("     192.0.2.1:5060{0}192.0.2.9:5060{0} 10.1.1.1:5062", blank(22)),
            format!("   +0.000   │{lead}── INVITE (SDP) {lead}──▶│{}│", blank(35)),
            format!("   +0.001   │◀────── 200 OK (INVITE, SDP) ──────│{}│  12.3 ms", blank(35)),
            format!("   +1.234   │{}│{lead}── INVITE (SDP) {lead}──▶│", blank(35)),
            format!("  +70.001   │{}│◀─ 183 Session Progress in many… ──│", blank(35)),
        ];
        let drawn = draw(&trace());
        assert_eq!(drawn.lines().collect::<Vec<_>>(), wanted, "\n{drawn}");
        assert!(drawn.lines().all(|line| line.chars().count() <= 100));
    }

    #[test]
    fn with_several_agents_each_row_names_its_own() {
        let mut trace = trace();
        trace.items[2].agent_id = Some("8002".to_owned());
        let drawn = draw(&trace);
        assert!(drawn.contains(" 8002 INVITE (SDP) ─") && drawn.contains("agents"), "{drawn}");
        assert!(!drawn.contains("10.1.1.1"), "{drawn}");
    }

    #[test]
    fn what_is_missing_is_told() {
        let trace = Trace { complete: false, cut: true, ..trace() };
        let drawn = draw(&trace);
        assert!(drawn.contains("no longer held") && drawn.contains("more messages"), "{drawn}");
        let empty = Trace { items: Vec::new(), ..trace };
        assert!(draw(&empty).starts_with("call c1-1-1\n"));
    }
}
