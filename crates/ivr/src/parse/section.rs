//! One table of a script while it is read: typed values, and the keys that nobody asked for.

use std::collections::BTreeSet;

use model::{Permission, PromptId, QueueId};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Reading, Reference};
use crate::piece::{Piece, Value};
use crate::script::NodeName;

/// A table, its name, and what was read of it.
pub(super) struct Section<'a> {
    path: String,
    line: usize,
    table: &'a DeTable<'a>,
    asked: BTreeSet<&'static str>,
}

impl<'a> Section<'a> {
    /// The table at `path` (empty: the document), whose header is in `line`.
    pub(super) fn new(path: &str, line: usize, table: &'a DeTable<'a>) -> Self {
        Self { path: path.to_owned(), line, table, asked: BTreeSet::new() }
    }

    /// The name of `key` with its tables.
    pub(super) fn path(&self, key: &str) -> String {
        match (self.path.as_str(), key) {
            ("", key) => key.to_owned(),
            (path, "") => path.to_owned(),
            (path, key) => format!("{path}.{key}"),
        }
    }

    /// Reports what is wrong with the value of `key`, at its line or else the table's.
    pub(super) fn wrong(&self, r: &mut Reading<'_>, key: &str, message: String, remedy: &str) {
        let line = match self.table.get(key) {
            Some(value) => r.findings.line(value.span().start),
            None => self.line,
        };
        r.findings.add(line, &self.path(key), message, remedy);
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.insert(key);
        self.table.get(key)
    }

    fn missing(&self, r: &mut Reading<'_>, key: &str, example: &str) {
        let remedy = format!("add {key} = {example}");
        self.wrong(r, key, format!("'{key}' is missing"), &remedy);
    }

    /// An optional text.
    pub(super) fn optional_text(
        &mut self,
        key: &'static str,
        example: &str,
        r: &mut Reading<'_>,
    ) -> Option<&'a str> {
        match self.value(key)?.get_ref() {
            DeValue::String(text) => Some(text),
            _ => {
                let remedy = format!("write {key} = {example}");
                self.wrong(r, key, format!("'{key}' must be a text"), &remedy);
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn text(
        &mut self,
        key: &'static str,
        example: &str,
        r: &mut Reading<'_>,
    ) -> Option<&'a str> {
        if !self.has(key) {
            self.asked.insert(key);
            self.missing(r, key, example);
            return None;
        }
        self.optional_text(key, example, r)
    }

    /// The name of a node that must be there.
    pub(super) fn target(&mut self, key: &'static str, r: &mut Reading<'_>) -> Option<NodeName> {
        let target = NodeName::from(self.text(key, "\"the name of a node\"", r)?);
        self.refer(key, &target, r);
        Some(target)
    }

    fn refer(&self, key: &str, target: &NodeName, r: &mut Reading<'_>) {
        let line = self.table.get(key).map_or(self.line, |v| r.findings.line(v.span().start));
        r.references.push(Reference { key: self.path(key), line, target: target.clone() });
    }

    /// Every key of this table with the node that it names.
    pub(super) fn all_targets(&mut self, r: &mut Reading<'_>) -> Vec<(&'a str, NodeName)> {
        let mut targets = Vec::new();
        for (key, value) in self.table {
            let key: &'a str = key.get_ref();
            if let DeValue::String(target) = value.get_ref() {
                let target = NodeName::from(target.as_ref());
                self.refer(key, &target, r);
                targets.push((key, target));
            } else {
                let remedy = format!("write {key} = \"the name of a node\"");
                self.wrong(r, key, "a key leads to a node".to_owned(), &remedy);
            }
        }
        targets
    }

    /// A table inside this one, with the line of its header.
    pub(super) fn table(
        &mut self,
        key: &'static str,
        r: &mut Reading<'_>,
    ) -> Option<(usize, &'a DeTable<'a>)> {
        let Some(value) = self.value(key) else {
            let path = self.path(key);
            let remedy = format!("add the table [{path}]");
            self.wrong(r, key, format!("the table '{path}' is missing"), &remedy);
            return None;
        };
        match value.get_ref() {
            DeValue::Table(table) => Some((r.findings.line(value.span().start), table)),
            _ => {
                let remedy = format!("write it as a table: [{}]", self.path(key));
                self.wrong(r, key, format!("'{key}' must be a table"), &remedy);
                None
            }
        }
    }

    /// A whole number within `range`; `default` where it is not given.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
        r: &mut Reading<'_>,
    ) -> u64 {
        let Some(value) = self.value(key) else { return default };
        let number = match value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => number,
            None => {
                let (least, most) = (range.start(), range.end());
                let message = format!("'{key}' must be a whole number from {least} to {most}");
                self.wrong(r, key, message, &format!("write {key} = {default}"));
                default
            }
        }
    }

    /// Yes or no; `default` where it is not given.
    pub(super) fn flag(&mut self, key: &'static str, default: bool, r: &mut Reading<'_>) -> bool {
        match self.value(key).map(Spanned::get_ref) {
            None => default,
            Some(DeValue::Boolean(flag)) => *flag,
            Some(_) => {
                let message = format!("'{key}' must be true or false");
                self.wrong(r, key, message, &format!("write {key} = {default}"));
                default
            }
        }
    }

    /// A key of the telephone.
    pub(super) fn key(
        &mut self,
        key: &'static str,
        example: char,
        r: &mut Reading<'_>,
    ) -> Option<char> {
        let text = self.optional_text(key, &format!("\"{example}\""), r)?;
        let read = telephone_key(text);
        if read.is_none() {
            let message = format!("'{text}' is no key of a telephone");
            self.wrong(r, key, message, "write one of 0-9, * and #");
        }
        read
    }

    /// A list of texts; a single text is a list of one.
    pub(super) fn texts(
        &mut self,
        key: &'static str,
        example: &str,
        r: &mut Reading<'_>,
    ) -> Vec<&'a str> {
        let Some(value) = self.value(key) else {
            self.missing(r, key, &format!("[{example}]"));
            return Vec::new();
        };
        let texts: Option<Vec<&'a str>> = match value.get_ref() {
            DeValue::String(text) => Some(vec![text.as_ref()]),
            DeValue::Array(values) => values
                .iter()
                .map(|value| match value.get_ref() {
                    DeValue::String(text) => Some(text.as_ref()),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        match texts {
            Some(texts) if !texts.is_empty() => texts,
            Some(_) => {
                let remedy = format!("write {key} = [{example}]");
                self.wrong(r, key, format!("'{key}' is empty"), &remedy);
                Vec::new()
            }
            None => {
                let remedy = format!("write {key} = [{example}]");
                self.wrong(r, key, format!("'{key}' must be a list of texts"), &remedy);
                Vec::new()
            }
        }
    }

    /// A list of prompts and of values in braces.
    pub(super) fn pieces(&mut self, key: &'static str, r: &mut Reading<'_>) -> Vec<Piece> {
        let texts = self.texts(key, "\"the name of a prompt\"", r);
        texts.into_iter().filter_map(|text| self.piece(key, text, r)).collect()
    }

    fn piece(&self, key: &str, text: &str, r: &mut Reading<'_>) -> Option<Piece> {
        let Some(name) = text.strip_prefix('{') else {
            return self.prompt(key, text, r).map(Piece::Prompt);
        };
        let name = name.strip_suffix('}').unwrap_or(name);
        let value = Value::ALL.into_iter().find(|value| value.as_str() == name);
        let Some(value) = value else {
            let remedy = choices(name, Value::ALL.into_iter().map(Value::as_str));
            self.wrong(r, key, format!("there is no value '{text}'"), &remedy);
            return None;
        };
        let needed = value.prompts();
        if let Some(lacking) = needed.iter().find(|prompt| !r.known.prompts.contains(*prompt)) {
            let message = format!("'{text}' is read with the prompt '{lacking}', which is missing");
            self.wrong(r, key, message, "add its text to prompts.tsv and render it");
        }
        Some(Piece::Value(value))
    }

    /// A list of prompts.
    pub(super) fn prompts(&mut self, key: &'static str, r: &mut Reading<'_>) -> Vec<PromptId> {
        let texts = self.texts(key, "\"the name of a prompt\"", r);
        texts.into_iter().filter_map(|text| self.prompt(key, text, r)).collect()
    }

    fn prompt(&self, key: &str, name: &str, r: &mut Reading<'_>) -> Option<PromptId> {
        let prompt = r.known.prompts.get(name).cloned();
        if prompt.is_none() {
            let closest = choices(name, r.known.prompts.iter().map(PromptId::as_str));
            let remedy = format!("add its text to prompts.tsv and render it, or {closest}");
            self.wrong(r, key, format!("there is no prompt '{name}'"), &remedy);
        }
        prompt
    }

    /// The name of a queue of the configuration.
    pub(super) fn queue(&mut self, key: &'static str, r: &mut Reading<'_>) -> Option<QueueId> {
        let name = self.text(key, "\"the name of a queue\"", r)?;
        let queue = r.known.queues.get(name).cloned();
        if queue.is_none() {
            let closest = choices(name, r.known.queues.iter().map(QueueId::as_str));
            let remedy = format!("add the queue to the configuration, or {closest}");
            self.wrong(r, key, format!("there is no queue '{name}'"), &remedy);
        }
        queue
    }

    /// A permission, if one is given.
    pub(super) fn permission(
        &mut self,
        key: &'static str,
        r: &mut Reading<'_>,
    ) -> Option<Permission> {
        let name = self.optional_text(key, "\"claim.register\"", r)?;
        let permission = Permission::from_name(name);
        if permission.is_none() {
            let remedy = choices(name, Permission::ALL.iter().map(|p| p.as_str()));
            self.wrong(r, key, format!("there is no permission '{name}'"), &remedy);
        }
        permission
    }

    /// Reports the keys that were not asked for.
    pub(super) fn finish(&self, r: &mut Reading<'_>) {
        for (key, _) in self.table {
            let name: &str = key.get_ref();
            if !self.asked.contains(name) {
                let line = r.findings.line(key.span().start);
                let remedy = choices(name, self.asked.iter().copied());
                let message = format!("'{name}' means nothing here");
                r.findings.add(line, &self.path(name), message, &format!("delete it, or {remedy}"));
            }
        }
    }
}

/// The key of a telephone that `text` is.
pub(super) fn telephone_key(text: &str) -> Option<char> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(key @ ('0'..='9' | '*' | '#')), None) => Some(key),
        _ => None,
    }
}

/// The most names that a remedy lists.
const MAX_CHOICES: usize = 12;

/// What to write in place of `name`: the closest of `names`, or all of them.
pub(super) fn choices<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.collect();
    if let Some(closest) = names.iter().min_by_key(|known| distance(name, known))
        && distance(name, closest) <= 2
    {
        return format!("write '{closest}' if that was meant");
    }
    let left_out = names.len().saturating_sub(MAX_CHOICES);
    names.truncate(MAX_CHOICES);
    let more = if left_out > 0 { format!(" or one of {left_out} more") } else { String::new() };
    if names.is_empty() {
        return "define one first".to_owned();
    }
    format!("write one of: {}{more}", names.join(", "))
}

/// How many insertions, deletions and replacements make one text of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.chars().count()]
}
