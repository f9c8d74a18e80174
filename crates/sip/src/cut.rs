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

/// Where the first `mark` is.
pub(crate) fn find(text: &str, mark: u8) -> Option<usize> {
    debug_assert!(mark.is_ascii());
    find_byte(text.as_bytes(), mark)
}

/// Where the first `mark` is. Most of what is cut is short: eight bytes at a time beat a vector
/// search, which has to be called.
pub(crate) fn find_byte(bytes: &[u8], mark: u8) -> Option<usize> {
    const SHORT: usize = 64;
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    if bytes.len() > SHORT {
        return memchr::memchr(mark, bytes);
    }
    let marks = ONES * u64::from(mark);
    let (words, rest) = bytes.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        // A byte that is the mark becomes 0, and the lowest 0 alone sets its high bit for certain.
        let differs = u64::from_le_bytes(*word) ^ marks;
        let found = differs.wrapping_sub(ONES) & !differs & HIGHS;
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    rest.iter().position(|byte| *byte == mark).map(|found| at + found)
}

#[cfg(test)]
mod tests {
    use super::{cut, cut_before, find_byte};

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

    #[test]
    fn the_first_of_several_marks_is_found_wherever_it_stands() {
        for length in 0..80 {
            for at in 0..length {
                let mut bytes = vec![b'x'; length];
                // What differs from the mark by one bit or by one, on both sides of it.
                bytes[..at].fill(b':' + 1);
                bytes[at] = b':';
                bytes[at + 1..].fill(b':');
                assert_eq!(find_byte(&bytes, b':'), Some(at), "{length}");
                assert_eq!(find_byte(&bytes, b'!'), None);
            }
            assert_eq!(find_byte(&vec![b':' ^ 0x80; length], b':'), None);
            assert_eq!(find_byte(&vec![0; length], 1), None);
        }
    }
}
