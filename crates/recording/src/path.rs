//! Where a recording lies below the recordings' folder.
//!
//! A path is made of a date and an id alone: nothing that a caller or a carrier sends gets into
//! it. Who reads a path back (from the store, from a request) asks [`is_safe`] first.

use model::{RecordingId, Wall};

/// `YYYY/MM/DD/<id>.tape`, by the day (UTC) on which the recording began.
pub fn relative_path(recording: RecordingId, began: Wall) -> String {
    let (year, month, day) = date(began.0.div_euclid(86_400_000_000));
    format!("{year:04}/{month:02}/{day:02}/{recording}.tape")
}

/// Whether a path stays below the folder that it is joined to, and is a recording's: a tape, or a
/// WAV as they were before.
///
/// Only letters, digits, `-`, `_`, `.` and single `/` between names; no name begins with a dot.
pub fn is_safe(path: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    path.len() <= 255
        && (path.ends_with(".tape") || path.ends_with(".wav"))
        && path
            .split('/')
            .all(|name| !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain))
}

/// The civil date of a day since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`).
pub(crate) fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year_of_era + era * 400 + next, month, day)
}

/// The days from 1970-01-01 to a civil date, the inverse of [`date`] (there `days_from_civil`); a
/// day beyond its month's last is the next month's.
pub(crate) fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use model::Id;

    use super::*;

    #[test]
    fn a_recording_lies_under_its_day() {
        let id = RecordingId(Id::new(1, 3, 42));
        for (seconds, path) in [
            (0, "1970/01/01/r1-3-42.tape"),
            (951_782_399, "2000/02/28/r1-3-42.tape"),
            (951_782_400, "2000/02/29/r1-3-42.tape"),
            (1_735_689_599, "2024/12/31/r1-3-42.tape"),
            (1_735_689_600, "2025/01/01/r1-3-42.tape"),
            (4_107_542_400, "2100/03/01/r1-3-42.tape"),
        ] {
            let path_then = relative_path(id, Wall(seconds * 1_000_000));
            assert_eq!(path_then, path);
            assert!(is_safe(&path_then) && is_safe(&path_then.replace(".tape", ".wav")));
        }
    }

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        for days in (-200_000..200_000).step_by(7) {
            let (year, month, day) = date(days);
            assert_eq!(days_of(year, month, day), days);
        }
        assert_eq!(days_of(2025, 2, 29), days_of(2025, 3, 1));
    }

    #[test]
    fn a_path_that_leaves_the_folder_is_not_safe() {
        for path in [
            "",
            ".wav",
            ".tape",
            "/etc/passwd.wav",
            "../x.wav",
            "2025/../../x.wav",
            "2025//x.wav",
            "2025/.hidden/x.wav",
            "2025/x.wav/",
            "2025/x.wav\0",
            "2025\\x.wav",
            "2025/x.mp3",
            "2025/x y.wav",
        ] {
            assert!(!is_safe(path), "{path:?}");
        }
    }
}
