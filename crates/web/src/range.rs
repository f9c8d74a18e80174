//! Byte ranges of RFC 9110 §14: which part of a content a request asks for.

use axum::http::HeaderMap;
use axum::http::header::{IF_RANGE, RANGE};

/// What to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it, with 200.
    Whole,
    /// The bytes from `first` to `last`, both included, with 206.
    Bytes { first: u64, last: u64 },
    /// Nothing, with 416.
    Unsatisfiable,
}

/// Which part of content of `length` bytes with the strong validator `etag` is asked for.
///
/// A range that cannot be read, is not in bytes, or is several ranges, is as if not sent: §14.2
/// lets a server ignore it, and no player asks for several.
pub(crate) fn requested(headers: &HeaderMap, length: u64, etag: Option<&str>) -> Part {
    let mut ranges = headers.get_all(RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else {
        return Part::Whole;
    };
    // §13.1.5: a validator that does not match, a weak one and a date (we have none) mean: all.
    if let Some(condition) = headers.get(IF_RANGE)
        && (etag.is_none() || condition.to_str().ok() != etag)
    {
        return Part::Whole;
    }
    range.to_str().ok().and_then(|range| parse(range, length)).unwrap_or(Part::Whole)
}

/// The part that `range` names; none if it cannot be read.
fn parse(range: &str, length: u64) -> Option<Part> {
    let (unit, set) = range.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    if first.is_empty() {
        let suffix = number(last)?;
        return Some(match suffix {
            0 => Part::Unsatisfiable,
            _ if length == 0 => Part::Unsatisfiable,
            _ => Part::Bytes { first: length.saturating_sub(suffix), last: length - 1 },
        });
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    if first >= length {
        return Some(Part::Unsatisfiable);
    }
    Some(Part::Bytes { first, last: last.min(length - 1) })
}

/// Digits as a number: more than fits is as large as can be, anything else is none.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    const ETAG: &str = "\"abc\"";

    fn part(range: &str, length: u64) -> Part {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_str(range).unwrap());
        requested(&headers, length, Some(ETAG))
    }

    #[test]
    fn ranges_are_cut_to_the_content() {
        for (range, first, last) in [
            ("bytes=0-0", 0, 0),
            ("bytes=0-99", 0, 99),
            ("bytes=10-", 10, 99),
            ("BYTES=10-20", 10, 20),
            ("bytes= 10-20 ", 10, 20),
            ("bytes=90-1000", 90, 99),
            ("bytes=90-99999999999999999999999", 90, 99),
            ("bytes=-1", 99, 99),
            ("bytes=-1000", 0, 99),
        ] {
            assert_eq!(part(range, 100), Part::Bytes { first, last }, "{range}");
        }
    }

    #[test]
    fn a_range_outside_of_the_content_is_refused() {
        for (range, length) in [
            ("bytes=100-", 100),
            ("bytes=100-200", 100),
            ("bytes=-0", 100),
            ("bytes=0-", 0),
            ("bytes=-5", 0),
            ("bytes=99999999999999999999999-", 100),
        ] {
            assert_eq!(part(range, length), Part::Unsatisfiable, "{range} of {length}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_as_if_not_sent() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-4",
            "bytes=+1-2",
            "bytes=1-2x",
            "items=0-1",
            "bytes=0-1,5-6",
            "bytes=0x1-2",
            "bytes=1--2",
        ] {
            assert_eq!(part(range, 100), Part::Whole, "{range}");
        }
    }

    #[test]
    fn a_condition_that_fails_asks_for_all() {
        let of = |condition: &'static str, etag| {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_static("bytes=0-1"));
            headers.insert(IF_RANGE, HeaderValue::from_static(condition));
            requested(&headers, 100, etag)
        };
        assert_eq!(of(ETAG, Some(ETAG)), Part::Bytes { first: 0, last: 1 });
        assert_eq!(of("\"other\"", Some(ETAG)), Part::Whole);
        assert_eq!(of("W/\"abc\"", Some(ETAG)), Part::Whole);
        assert_eq!(of("Sat, 21 Nov 2026 19:00:00 GMT", Some(ETAG)), Part::Whole);
        assert_eq!(of(ETAG, None), Part::Whole);
    }

    proptest! {
        #[test]
        fn no_text_asks_for_what_is_not_there(
            range in "(bytes=)?[0-9, -]{0,24}|\\PC{0,24}",
            length in 0u64..200,
        ) {
            let mut headers = HeaderMap::new();
            if let Ok(range) = HeaderValue::from_str(&range) {
                headers.insert(RANGE, range);
            }
            match requested(&headers, length, None) {
                Part::Bytes { first, last } => prop_assert!(first <= last && last < length),
                Part::Whole | Part::Unsatisfiable => {}
            }
        }
    }

    #[test]
    fn a_range_sent_twice_is_as_if_not_sent() {
        let mut headers = HeaderMap::new();
        headers.append(RANGE, HeaderValue::from_static("bytes=0-1"));
        headers.append(RANGE, HeaderValue::from_static("bytes=2-3"));
        assert_eq!(requested(&headers, 100, None), Part::Whole);
    }
}
