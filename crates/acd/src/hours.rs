//! Hours and holidays: when a queue is open, as a calendar of values.
//!
//! A day has the hours of its weekday, unless it is named: a holiday has none or its own, and a
//! make-up working day (调休上班日), usually a Saturday or Sunday, those of the weekday that it makes
//! up for. The zone is an offset from UTC: Asia/Shanghai has had one of eight hours, without
//! daylight saving time, since 1992.
//!
//! The room itself only knows that a queue is open or not
//! ([`Input::QueueOpen`](crate::Input::QueueOpen)): who has the time of day asks the calendar when
//! that changes next.

use std::collections::BTreeMap;
use std::fmt;

use model::Wall;

/// Spans of one day.
pub const MAX_SPANS: usize = 16;
/// Named days of a calendar: ten years of them.
pub const MAX_NAMED_DAYS: usize = 3_660;
/// How far ahead changes are looked for.
pub const MAX_DAYS_AHEAD: i32 = 3_660;
/// China's offset from UTC.
pub const SHANGHAI_OFFSET_S: i32 = 8 * 3_600;

const MINUTES_A_DAY: u16 = 24 * 60;
const MINUTE_US: i64 = 60_000_000;
const DAY_US: i64 = 86_400_000_000;

/// A day of the Gregorian calendar, as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub i32);

impl Day {
    /// The day of this year, month and day of the month; `None` if there is no such day, or not in
    /// the years 1 to 9999.
    pub fn from_ymd(year: i32, month: u8, day: u8) -> Option<Self> {
        let in_range = (1..=9_999).contains(&year) && (1..=12).contains(&month) && day >= 1;
        if !in_range || day > days_in(year, month) {
            return None;
        }
        let months = (1..month).map(|month| i32::from(days_in(year, month))).sum::<i32>();
        let before = year - 1;
        let leap_days = before / 4 - before / 100 + before / 400;
        // 719,162 days from 0001-01-01 to 1970-01-01.
        Some(Self(before * 365 + leap_days + months + i32::from(day) - 1 - 719_162))
    }

    /// Which day of the week it is.
    pub const fn weekday(self) -> Weekday {
        // 1970-01-01 was a Thursday.
        match (self.0 as i64 + 3).rem_euclid(7) {
            0 => Weekday::Monday,
            1 => Weekday::Tuesday,
            2 => Weekday::Wednesday,
            3 => Weekday::Thursday,
            4 => Weekday::Friday,
            5 => Weekday::Saturday,
            _ => Weekday::Sunday,
        }
    }

    /// The day of that moment where local time is `offset_s` ahead of UTC.
    pub fn at(at: Wall, offset_s: i32) -> Self {
        Self::of(at, offset_s).0
    }

    /// The day of that moment, and the microseconds since it began.
    fn of(at: Wall, offset_s: i32) -> (Self, i64) {
        let local = at.0.saturating_add(i64::from(offset_s) * 1_000_000);
        let day = i32::try_from(local.div_euclid(DAY_US)).unwrap_or(0);
        (Self(day), local.rem_euclid(DAY_US))
    }
}

const fn days_in(year: i32, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A time of one day in which a queue is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// From this minute of the day on.
    pub from_min: u16,
    /// Until this one, which is not in it any more; 1,440 is midnight, and who opens again with the
    /// next day has not closed.
    pub to_min: u16,
}

impl Span {
    /// The whole day.
    pub const ALL_DAY: Self = Self { from_min: 0, to_min: MINUTES_A_DAY };
}

/// What a day that is named is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedDay {
    /// Closed all day.
    Holiday,
    /// A working day with the hours of this weekday: that for which it makes up.
    MakeUp(Weekday),
    /// Its own hours.
    Hours(Vec<Span>),
}

/// When a queue is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Local time less UTC.
    pub offset_s: i32,
    /// The hours of each weekday, from Monday.
    pub week: [Vec<Span>; 7],
    /// The days that are different.
    pub named: BTreeMap<Day, NamedDay>,
}

/// Why a calendar makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoursError {
    /// The offset is a day or more.
    Offset,
    /// More than [`MAX_NAMED_DAYS`].
    TooManyDays,
    /// More than [`MAX_SPANS`] in a day, one that ends before it begins or after midnight, or two
    /// that are not apart and in order.
    Spans {
        /// On which named day; `None`: in the week.
        day: Option<Day>,
    },
}

impl fmt::Display for HoursError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset => write!(f, "the offset from UTC must be less than a day"),
            Self::TooManyDays => write!(f, "there may be {MAX_NAMED_DAYS} named days"),
            Self::Spans { .. } => write!(
                f,
                "hours must be at most {MAX_SPANS} spans a day, in order and apart, none empty, \
                 until midnight at the latest"
            ),
        }
    }
}

impl std::error::Error for HoursError {}

impl Calendar {
    /// Open always.
    pub fn always(offset_s: i32) -> Self {
        let week = std::array::from_fn(|_| vec![Span::ALL_DAY]);
        Self { offset_s, week, named: BTreeMap::new() }
    }

    /// Checks that every span is one.
    ///
    /// # Errors
    /// [`HoursError`] names what is wrong.
    pub fn check(&self) -> Result<(), HoursError> {
        if i64::from(self.offset_s).abs() * 1_000_000 >= DAY_US {
            return Err(HoursError::Offset);
        }
        if self.named.len() > MAX_NAMED_DAYS {
            return Err(HoursError::TooManyDays);
        }
        let own = self.named.iter().filter_map(|(day, named)| match named {
            NamedDay::Hours(spans) => Some((Some(*day), spans)),
            NamedDay::Holiday | NamedDay::MakeUp(_) => None,
        });
        for (day, spans) in self.week.iter().map(|spans| (None, spans)).chain(own) {
            let whole = |span: &Span| span.from_min < span.to_min && span.to_min <= MINUTES_A_DAY;
            let apart = spans.windows(2).all(|two| two[0].to_min < two[1].from_min);
            if spans.len() > MAX_SPANS || !spans.iter().all(whole) || !apart {
                return Err(HoursError::Spans { day });
            }
        }
        Ok(())
    }

    /// Whether it is open at this moment.
    pub fn is_open(&self, at: Wall) -> bool {
        let (day, passed_us) = Day::of(at, self.offset_s);
        let minute = passed_us / MINUTE_US;
        let within =
            |span: &Span| (i64::from(span.from_min)..i64::from(span.to_min)).contains(&minute);
        self.hours(day).iter().any(within)
    }

    /// What the day of this moment is, if it is named.
    pub fn named(&self, at: Wall) -> Option<&NamedDay> {
        self.named.get(&Day::at(at, self.offset_s))
    }

    /// When it opens next: now, if it is open. `None` if that is more than [`MAX_DAYS_AHEAD`] days
    /// away.
    pub fn next_opening(&self, at: Wall) -> Option<Wall> {
        match self.is_open(at) {
            true => Some(at),
            false => self.next_change(at).map(|(opens, _)| opens),
        }
    }

    /// When it opens or closes next, after this moment, and whether it is open then. `None` if
    /// nothing changes within [`MAX_DAYS_AHEAD`] days.
    pub fn next_change(&self, at: Wall) -> Option<(Wall, bool)> {
        let (today, passed_us) = Day::of(at, self.offset_s);
        let midnight = at.0.saturating_sub(passed_us);
        let is_open = self.is_open(at);
        let mut closes = None;
        for ahead in 0..=MAX_DAYS_AHEAD {
            let begins = midnight.saturating_add(i64::from(ahead) * DAY_US);
            for span in self.hours(Day(today.0.saturating_add(ahead))) {
                let moment = |minute| begins.saturating_add(i64::from(minute) * MINUTE_US);
                let (from, to) = (moment(span.from_min), moment(span.to_min));
                match closes {
                    _ if to <= at.0 => {}
                    None if is_open => closes = Some(to),
                    None => return Some((Wall(from), true)),
                    // It goes on over midnight.
                    Some(end) if end == from => closes = Some(to),
                    Some(end) => return Some((Wall(end), false)),
                }
            }
            let next_day = begins.saturating_add(DAY_US);
            if let Some(end) = closes.filter(|end| *end < next_day) {
                return Some((Wall(end), false));
            }
        }
        None
    }

    fn hours(&self, day: Day) -> &[Span] {
        let of_week = |weekday: Weekday| self.week[weekday as usize].as_slice();
        match self.named.get(&day) {
            Some(NamedDay::Holiday) => &[],
            Some(NamedDay::MakeUp(weekday)) => of_week(*weekday),
            Some(NamedDay::Hours(spans)) => spans,
            None => of_week(day.weekday()),
        }
    }
}
