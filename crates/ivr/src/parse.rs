//! Reads a script's text.

use crate::{Diagnostic, Known, Script};

pub(crate) fn parse(
    _file: &str,
    _text: &str,
    _known: Known<'_>,
) -> (Option<Script>, Vec<Diagnostic>) {
    (None, Vec::new())
}
