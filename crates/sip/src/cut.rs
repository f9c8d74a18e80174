//! Cutting text at a single ASCII byte: what `str::split_once` does, without its searcher.

/// What stands before the first `mark` and what behind it.
pub(crate) fn cut(text: &str, mark: u8) -> Option<(&str, &str)> {
    let at = find(text, mark)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// What stands before the first `mark`, and the rest from it on; the rest is empty if there is
/// none.
pub(crate) fn cut_before(text: &str, mark: u8) -> (&str, &str) {
    text.split_at(find(text, mark).unwrap_or(text.len()))
}

/// Where the first `mark` is. Most of what is cut is short: a loop beats a vector search.
pub(crate) fn find(text: &str, mark: u8) -> Option<usize> {
    debug_assert!(mark.is_ascii());
    const SHORT: usize = 32;
    let bytes = text.as_bytes();
    match bytes.len() {
        0..=SHORT => bytes.iter().position(|byte| *byte == mark),
        _ => memchr::memchr(mark, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, cut_before};

    #[test]
    fn text_is_cut_at_the_first_mark() {
        assert_eq!(cut("a=b=c", b'='), Some(("a", "b=c")));
        assert_eq!(cut("号=码", b'='), Some(("号", "码")));
        assert_eq!(cut("abc", b'='), None);
        assert_eq!(cut_before("sip:a;b;c", b';'), ("sip:a", ";b;c"));
        assert_eq!(cut_before("", b';'), ("", ""));
        let long = format!("{}@h", "x".repeat(100));
        assert_eq!(cut(&long, b'@').map(|(user, host)| (user.len(), host)), Some((100, "h")));
    }
}
