//! What is wrong with a file, where, and what to do about it.

use std::fmt;
use std::path::Path;

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file as the user named it.
    pub file: String,
    /// From 1; 0 where no line is at fault.
    pub line: usize,
    /// The key with its section, such as `sip.listen`; empty where no key is at fault.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}\n  remedy: {}", self.message, self.remedy)
    }
}

/// All that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Finds the lines that faults are about.
#[derive(Debug)]
pub(super) struct Places<'a> {
    file: String,
    text: &'a str,
}

impl<'a> Places<'a> {
    pub(super) fn new(file: &Path, text: &'a str) -> Self {
        Self { file: file.display().to_string(), text }
    }

    /// A fault at `key` of the `index`th (from 0) `[section]` or `[[section]]`.
    pub(super) fn fault(
        &self,
        section: &str,
        index: usize,
        key: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Fault {
        let key_path = [section, key].join(".").trim_end_matches('.').to_owned();
        Fault {
            file: self.file.clone(),
            line: self.line(section, index, key),
            key: key_path,
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// A fault of the syntax, or of a value's type.
    pub(super) fn of_syntax(&self, error: &toml::de::Error) -> Fault {
        let at = error.span().map_or(0, |span| span.start.min(self.text.len()));
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let written = self.text.lines().nth(line - 1).unwrap_or_default();
        let section = section_of(written).or_else(|| before.lines().rev().find_map(section_of));
        let missing = error.message().strip_prefix("missing field `");
        let key = match missing.and_then(|rest| rest.split('`').next()) {
            Some(missing) => missing,
            None => written.split_once('=').map_or("", |(key, _)| key.trim()),
        };
        let path = [section.unwrap_or_default(), key].join(".");
        Fault {
            file: self.file.clone(),
            line,
            key: path.trim_matches('.').to_owned(),
            message: error.message().trim().replace('\n', "; "),
            remedy: "see `hotline config` for every key, its meaning and its default".into(),
        }
    }

    /// The line of a key; of its section where the key is not written; else 0.
    fn line(&self, section: &str, index: usize, key: &str) -> usize {
        let mut seen = 0;
        let (mut inside, mut header) = (false, 0);
        for (number, line) in self.text.lines().enumerate() {
            if let Some(name) = section_of(line) {
                let nested = name.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'));
                if name == section {
                    inside = seen == index;
                    seen += 1;
                    header = if inside { number + 1 } else { header };
                } else if !nested {
                    inside = false;
                }
            }
            let written = line.split_once('=').map(|(key, _)| key.trim().trim_matches('"'));
            if inside && !key.is_empty() && written == Some(key) {
                return number + 1;
            }
        }
        header
    }
}

/// The section that a line opens.
fn section_of(line: &str) -> Option<&str> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    Some(name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name).trim())
}
