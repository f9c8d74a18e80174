//! Ids that are unique across sites and restarts from the first day.

use std::fmt;
use std::str::FromStr;

/// What every id is made of: the site, the engine's start count there, and a counter.
///
/// Packed into 64 bits: 10 for the site, 22 for the epoch, 32 for the counter.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Id(pub u64);

impl Id {
    /// Packs the three parts. Bits beyond a part's width are dropped.
    pub const fn new(site: u16, epoch: u32, counter: u32) -> Self {
        let (site, epoch) = (site as u64 & 0x3ff, epoch as u64 & 0x3f_ffff);
        Self(site << 54 | epoch << 32 | counter as u64)
    }

    /// The site that made this id.
    pub const fn site(self) -> u16 {
        (self.0 >> 54) as u16
    }

    /// The engine's start count when it made this id.
    pub const fn epoch(self) -> u32 {
        (self.0 >> 32) as u32 & 0x3f_ffff
    }

    /// The counter within the epoch.
    pub const fn counter(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.site(), self.epoch(), self.counter())
    }
}

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseIdError;

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an id such as 'c1-3-42'")
    }
}

impl std::error::Error for ParseIdError {}

fn parse(text: &str, prefix: &str) -> Result<Id, ParseIdError> {
    let mut parts = text.strip_prefix(prefix).ok_or(ParseIdError)?.splitn(3, '-');
    let mut part = || parts.next()?.parse::<u32>().ok();
    let (site, epoch, counter) = (part(), part(), part());
    match (site, epoch, counter) {
        (Some(site @ 0..=0x3ff), Some(epoch @ 0..=0x3f_ffff), Some(counter)) => {
            Ok(Id::new(site as u16, epoch, counter))
        }
        (_, _, _) => Err(ParseIdError),
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Id);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{:?}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse(text, $prefix).map(Self)
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// All legs of one contact.
    CallId "c"
    /// One party's dialog and stream.
    LegId "l"
    /// One reservation of one agent for one waiting call.
    OfferId "o"
    /// One recording.
    RecordingId "r"
    /// One playing of prompts to one leg.
    PlayId "p"
}

/// Mints ids: deterministic, so that a replay mints the same ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdSource {
    site: u16,
    epoch: u32,
    next: u32,
}

impl IdSource {
    /// A source for the `epoch`th start of the engine at `site`.
    pub const fn new(site: u16, epoch: u32) -> Self {
        Self { site, epoch, next: 1 }
    }

    /// The next id: never the same twice within 2^32.
    pub fn mint(&mut self) -> Id {
        let id = Id::new(self.site, self.epoch, self.next);
        self.next = self.next.wrapping_add(1);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = CallId(Id::new(7, 4_000_000, u32::MAX));
        assert_eq!(id.to_string(), "c7-4000000-4294967295");
        assert_eq!("c7-4000000-4294967295".parse(), Ok(id));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "c", "c1-2", "l1-2-3", "c1-2-3-4", "c1024-2-3", "c1--3", "c1-2-+3x"] {
            assert_eq!(text.parse::<CallId>(), Err(ParseIdError), "{text}");
        }
    }
}
