//! What is wrong with a script, said so that its author can mend it.

use std::fmt;

/// One finding of the checker. A script with any finding is not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as it was named to [`crate::Script::parse`].
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The key with its tables, such as `node.menu.keys.1`.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, key, message, remedy } = self;
        write!(f, "{file}:{line}: ")?;
        if !key.is_empty() {
            write!(f, "{key}: ")?;
        }
        write!(f, "{message}; {remedy}")
    }
}

/// The findings about one file so far.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    file: &'a str,
    /// Where each line begins.
    starts: Vec<usize>,
    found: Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(file: &'a str, text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { file, starts, found: Vec::new() }
    }

    /// The line, from 1, of the byte at `offset`.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    pub(crate) fn add(&mut self, line: usize, key: &str, message: impl Into<String>, remedy: &str) {
        self.found.push(Diagnostic {
            file: self.file.to_owned(),
            line,
            key: key.to_owned(),
            message: message.into(),
            remedy: remedy.to_owned(),
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// In the order of the file.
    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|finding| finding.line);
        self.found
    }
}
