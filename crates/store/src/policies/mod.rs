//! Customers and their policies: made up for demonstrations and measuring, or read from a file.
//!
//! [`generate()`] is pure: the same plan gives the same people. [`ensure_generated`] and [`import`]
//! write them.

mod customer;
mod generate;
mod identity;
mod import;
mod load;
mod people;
mod places;
mod row;
mod samples;
mod vehicles;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use model::Wall;

pub use customer::{Claim, Customer, Policy};
pub use generate::{Generator, Plan, generate};
pub use identity::{check_digit, is_identity_number};
pub use import::{COLUMNS, ImportEvent, ImportSummary, import};
pub use load::{Loaded, Progress, ensure_generated};
pub use row::BadRow;
pub use samples::samples;

/// The hotline's days begin at China's midnight.
const CHINA: Offset = Offset::constant(8);

/// The day in China at `now`.
pub fn date_of(now: Wall) -> Date {
    // Beyond the years that a calendar knows, the first day is as good as any.
    let timestamp = Timestamp::from_microsecond(now.0).unwrap_or_default();
    CHINA.to_datetime(timestamp).date()
}

/// The day in China at `now`, `YYYY-MM-DD`.
pub(crate) fn day_of(now: Wall) -> String {
    date_of(now).to_string()
}
