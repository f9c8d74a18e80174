//! Times of day as RFC 3339 texts, both ways.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::Wall;

/// `wall` as RFC 3339 with milliseconds and the offset of `zone`.
pub(crate) fn rfc3339(wall: Wall, zone: &TimeZone) -> String {
    let timestamp = match Timestamp::from_microsecond(wall.0) {
        Ok(timestamp) => timestamp,
        Err(_) if wall.0 < 0 => Timestamp::MIN,
        Err(_) => Timestamp::MAX,
    };
    let mut text = String::with_capacity(29);
    let zoned = timestamp.to_zoned(zone.clone());
    // Writing into a string cannot fail; what is written is one of jiff's own formats.
    let _ = write!(text, "{}", zoned.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z"));
    text
}

/// The time of an RFC 3339 text with any offset. A blank is read as the `+` that a form turned
/// into one.
pub(crate) fn parse(text: &str) -> Option<Wall> {
    let timestamp: Timestamp = text.replacen(' ', "+", 1).parse().ok()?;
    Some(Wall(timestamp.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::Offset;

    #[test]
    fn a_time_carries_its_offset_both_ways() {
        let china = TimeZone::fixed(Offset::constant(8));
        let wall = Wall(1_790_000_000_123_456);
        assert_eq!(rfc3339(wall, &china), "2026-09-21T22:13:20.123+08:00");
        assert_eq!(rfc3339(Wall(0), &TimeZone::UTC), "1970-01-01T00:00:00.000+00:00");
        for text in [
            "2026-09-21T22:13:20.123456+08:00",
            "2026-09-21T22:13:20.123456 08:00",
            "2026-09-21T14:13:20.123456Z",
        ] {
            assert_eq!(parse(text), Some(wall), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_with_offset_is_none() {
        for text in ["", "now", "2026-09-21", "2026-09-21T22:13:20", "1790000000"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn no_time_is_too_far_to_be_written() {
        for wall in [Wall(i64::MIN), Wall(i64::MAX)] {
            assert!(!rfc3339(wall, &TimeZone::UTC).is_empty());
        }
    }
}
