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
