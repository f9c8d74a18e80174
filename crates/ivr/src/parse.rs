//! Reads a script's text: every finding is collected, not only the first.

mod node;
mod section;

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use crate::check;
use crate::diagnostic::{Diagnostic, Findings};
use crate::script::{Known, Node, NodeName, Script};
use section::{Section, choices};

/// A node's name where it is referred to.
#[derive(Debug)]
pub(crate) struct Reference {
    key: String,
    line: usize,
    target: NodeName,
}

/// What is read so far.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) known: Known<'a>,
    pub(crate) findings: Findings<'a>,
    references: Vec<Reference>,
}

pub(crate) fn parse(file: &str, text: &str, known: Known<'_>) -> (Option<Script>, Vec<Diagnostic>) {
    let mut findings = Findings::new(file, text);
    if text.len() > Script::MAX_BYTES {
        let message = format!("the script is longer than {} bytes", Script::MAX_BYTES);
        findings.add(1, "", message, "split it into one script a hotline");
        return (None, findings.into_sorted());
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let line = findings.line(span.start);
        let key = text.get(span).unwrap_or_default().lines().next().unwrap_or_default();
        let remedy = if error.message() == "duplicate key" {
            "give each key once: keep one of the two and delete or rename the other"
        } else {
            "write it as TOML, see https://toml.io"
        };
        findings.add(line, key.trim(), error.message().to_owned(), remedy);
    }
    if !findings.is_empty() {
        return (None, findings.into_sorted());
    }
    let mut reading = Reading { known, findings, references: Vec::new() };
    let read = reading.script(document.get_ref());
    let mut findings = reading.findings;
    if let Some((script, lines)) = read.filter(|_| findings.is_empty()) {
        check::check(&script, &lines, &mut findings);
        if findings.is_empty() {
            return (Some(script), Vec::new());
        }
    }
    (None, findings.into_sorted())
}

/// The line of each node's table.
pub(crate) type Lines = BTreeMap<NodeName, usize>;

impl Reading<'_> {
    fn script(&mut self, document: &DeTable<'_>) -> Option<(Script, Lines)> {
        let mut root = Section::new("", 1, document);
        let start = root.target("start", self);
        let exhausted = root.target("exhausted", self);
        let (nodes, lines) = self.nodes(&mut root);
        root.finish(self);
        self.check_references(&lines);
        Some((Script { start: start?, exhausted: exhausted?, nodes }, lines))
    }

    fn nodes(&mut self, root: &mut Section<'_>) -> (BTreeMap<NodeName, Node>, Lines) {
        let (mut nodes, mut lines) = (BTreeMap::new(), Lines::new());
        let Some((_, table)) = root.table("node", self) else {
            return (nodes, lines);
        };
        if table.len() > Script::MAX_NODES {
            let message = format!("there are more than {} nodes", Script::MAX_NODES);
            self.findings.add(1, "node", message, "split the script into one a hotline");
        }
        for (name, value) in table {
            let line = self.findings.line(name.span().start);
            let path = format!("node.{}", name.get_ref());
            let name = NodeName::from(name.get_ref().as_ref());
            lines.insert(name.clone(), line);
            let DeValue::Table(table) = value.get_ref() else {
                let remedy = format!("write it as a table: [{path}]");
                self.findings.add(line, &path, "a node is a table", &remedy);
                continue;
            };
            if let Some(node) = node::read(&mut Section::new(&path, line, table), self) {
                nodes.insert(name, node);
            }
        }
        (nodes, lines)
    }

    /// Every node that is referred to exists. A node that could not be read counts: it was
    /// reported where it is.
    fn check_references(&mut self, lines: &Lines) {
        for Reference { key, line, target } in std::mem::take(&mut self.references) {
            if !lines.contains_key(&target) {
                let message = format!("there is no node '{target}'");
                let remedy = choices(&target, lines.keys().map(AsRef::as_ref));
                self.findings.add(line, &key, message, &remedy);
            }
        }
    }
}
