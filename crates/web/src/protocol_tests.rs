//! Holds `docs/protocol.md` to the types that are sent. Tests only.

use std::path::Path;

use crate::reference::{Block, Section, sections};

/// Where the document is.
const DOCUMENT: &str = "../../docs/protocol.md";
/// Set to anything, this writes the generated parts into the document instead of checking them.
const UPDATE: &str = "HOTLINE_UPDATE_DOCS";

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    std::fs::read_to_string(path).unwrap()
}

fn reference() -> Vec<Section> {
    sections(&crate::router::described().1)
}

fn marked(name: &str) -> (String, String) {
    (format!("<!-- generated: {name} -->\n"), format!("<!-- end of {name} -->\n"))
}

fn markdown(section: &Section) -> String {
    let mut text = String::new();
    for block in &section.blocks {
        match block {
            Block::Heading(level, heading) => {
                text += &format!("\n{} {heading}\n", "#".repeat(*level))
            }
            Block::Text(paragraph) => text += &format!("\n{paragraph}\n"),
            Block::Table(head, rows) => {
                text += &format!("\n| {} |\n", head.join(" | "));
                text += &format!("|{}\n", " --- |".repeat(head.len()));
                for row in rows {
                    let cells: Vec<_> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
                    text += &format!("| {} |\n", cells.join(" | "));
                }
            }
        }
    }
    text + "\n"
}

/// The document with its generated parts as they should be.
fn updated(document: &str) -> String {
    let mut text = document.to_owned();
    for section in reference() {
        let (begin, end) = marked(section.name);
        let from = text.find(&begin).unwrap_or_else(|| panic!("no '{begin}'")) + begin.len();
        let to = text.find(&end).unwrap_or_else(|| panic!("no '{end}'"));
        text.replace_range(from..to, &markdown(&section));
    }
    text
}

#[test]
fn the_document_says_what_is_sent() {
    let document = document();
    let wanted = updated(&document);
    if std::env::var_os(UPDATE).is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
        std::fs::write(path, &wanted).unwrap();
        return;
    }
    for (is, should) in document.lines().zip(wanted.lines()) {
        assert_eq!(is, should, "set {UPDATE}=1 and test again to write docs/protocol.md anew");
    }
    assert_eq!(document.len(), wanted.len(), "set {UPDATE}=1 and test again");
}

#[test]
fn every_event_and_command_is_in_the_document() {
    let document = document();
    let events = ["agent_state", "screen_pop", "screen_pop_update", "call_state", "queue_state"];
    let transfers =
        ["transfer_ended", "targets", "list_targets", "transfer", "consult", "conference"];
    let commands =
        ["ready", "not_ready", "sign_out", "pop_shown", "hang_up", "extend_acw", "wrap_up"];
    for name in events.iter().chain(&commands).chain(&transfers) {
        assert!(document.contains(&format!("\n### `{name}`\n")), "{name}");
    }
}

#[test]
fn every_duration_and_time_names_its_unit() {
    let mut seen = 0;
    for block in reference().into_iter().flat_map(|section| section.blocks) {
        let Block::Table(head, rows) = block else { continue };
        for row in rows.iter().filter(|_| head[0] == "field") {
            let (name, about) = (row[0].trim_matches('`'), &row[2]);
            assert!(!about.is_empty() && !row[1].is_empty(), "{row:?}");
            let unit = match name {
                "ms" => "milliseconds",
                _ if name.ends_with("_ms") => "milliseconds",
                _ if name.ends_with("_fen") => "fen",
                _ if name.ends_with("_at") || name == "since" || name == "at" => "RFC 3339",
                "bytes" => "bytes",
                _ => continue,
            };
            assert!(about.contains(unit), "{name}: {about}");
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

/// Codes are given where a command is refused, which is in several rooms: each must be explained.
#[test]
fn every_code_of_a_refused_command_is_in_the_document() {
    let document = document();
    let rooms = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut codes = 0;
    let mut folders = vec![rooms];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_none_or(|name| name != "tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                let source = source.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
                for given in source.split("CommandError::new(").skip(1) {
                    let Some(code) = given.trim_start().strip_prefix('"') else { continue };
                    let code = code.split('"').next().unwrap_or_default();
                    assert!(document.contains(&format!("| `{code}` |")), "{code}: {path:?}");
                    codes += 1;
                }
            }
        }
    }
    assert!(codes > 5, "{codes}");
}
