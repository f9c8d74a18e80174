//! What reading a recording found: what is wrong and where, and what makes it whole.

use std::fmt;

use model::Seal;

use crate::header::{Hash, Header, hash_of};
use crate::keys::KeyFault;
use crate::piece::{End, SEAL_BYTES};
use crate::tape::{seal, tag};

/// Faults that a report names one by one; further ones are counted.
pub const FAULTS_MAX: usize = 64;

/// What is wrong at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// What is there is not what was written.
    Altered,
    /// A piece of this recording that belongs elsewhere.
    Swapped,
    /// It is part of another recording, or the whole file is.
    Foreign,
    /// Something is missing, and what follows it is there.
    LeftOut,
    /// Something was put in, or appended.
    Added,
    /// From here on there is nothing, and there was.
    Cut,
    /// It has no seal: the call goes on, or the engine must start to mend it.
    Unsealed,
    /// It is whole in itself and not what was sealed: all of it was made anew.
    NotAsSealed,
    /// It is of a form that a later version writes.
    Newer,
}

/// One fault with its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// In which second of the recording, from 0.
    pub second: u64,
    /// What.
    pub damage: Damage,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.damage {
            Damage::Altered => "altered",
            Damage::Swapped => "pieces swapped",
            Damage::Foreign => "of another recording",
            Damage::LeftOut => "pieces missing",
            Damage::Added => "something was added",
            Damage::Cut => "cut off",
            Damage::Unsealed => return write!(f, "not sealed, {} s so far", self.second),
            Damage::NotAsSealed => return f.write_str("whole, but not what was sealed"),
            Damage::Newer => return f.write_str("written by a later version"),
        };
        write!(f, "{what} at second {}", self.second)
    }
}

/// Where a file that was not sealed can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) at: u64,
    pub(crate) previous: Hash,
    pub(crate) pieces: u32,
    pub(crate) frames: u64,
}

/// What a file was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What its header says; `None` if it cannot be read.
    pub header: Option<Header>,
    /// Its frames, with those of pieces that are not what was written.
    pub frames: u64,
    /// Its seal, if it has one.
    pub seal: Option<Seal>,
    /// What is wrong, in the order of the file, at most [`FAULTS_MAX`].
    pub faults: Vec<Fault>,
    /// Faults beyond those.
    pub further: u64,
    /// Whether its seal was put there after a crash: without its key.
    pub is_recovered: bool,
    /// Why nothing of it was decrypted, though it is encrypted.
    pub undecrypted: Option<KeyFault>,
    pub(crate) tail: Option<Tail>,
}

impl Report {
    /// Before anything was read.
    pub(crate) fn empty() -> Self {
        let (header, seal, undecrypted, tail) = Default::default();
        let (faults, further, is_recovered) = (Vec::new(), 0, false);
        Self { header, frames: 0, seal, faults, further, is_recovered, undecrypted, tail }
    }

    /// Notes a fault, unless it is the one noted last.
    pub(crate) fn add(&mut self, fault: Fault) {
        if self.faults.last() == Some(&fault) {
            return;
        }
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        } else {
            self.further += 1;
        }
    }

    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty()
    }

    /// What makes a file that a killed process left whole: where to cut it off, the seal to put
    /// there, and what that says. `None` if it has one, or no header.
    pub fn mend(&self) -> Option<(u64, Vec<u8>, Seal)> {
        let (header, tail) = (self.header.as_ref()?, self.tail?);
        if self.seal.is_some() {
            return None;
        }
        let end = End {
            is_recovered: true,
            tag: tag(&hash_of(&header.to_bytes())),
            pieces: tail.pieces,
            frames: tail.frames,
            previous: tail.previous,
            key_tag: None,
        };
        let mut bytes = Vec::with_capacity(SEAL_BYTES);
        let seal = seal(end, tail.at, &mut bytes);
        Some((tail.at, bytes, seal))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.faults.iter().enumerate() {
            write!(f, "{}{fault}", if number == 0 { "" } else { ", " })?;
        }
        match self.further {
            0 if self.faults.is_empty() && self.is_recovered => {
                f.write_str("whole, sealed after a crash")?;
            }
            0 if self.faults.is_empty() => f.write_str("whole")?,
            0 => {}
            further => write!(f, ", and {further} more")?,
        }
        match &self.undecrypted {
            Some(fault) => write!(f, " (not decrypted: {fault})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::tests::header;

    #[test]
    fn a_report_says_what_is_wrong_and_where_and_is_never_long() {
        let mut report = Report::empty();
        assert_eq!(report.to_string(), "whole");
        report.undecrypted = Some(KeyFault::Unknown("k7".to_owned()));
        let told = "whole (not decrypted: it is encrypted under the key 'k7', which is not \
                    configured)";
        assert_eq!(report.to_string(), told);
        report.undecrypted = None;
        report.add(Fault { second: 3, damage: Damage::Swapped });
        report.add(Fault { second: 3, damage: Damage::Swapped });
        report.add(Fault { second: 9, damage: Damage::Cut });
        assert_eq!(report.to_string(), "pieces swapped at second 3, cut off at second 9");
        for second in 10..110 {
            report.add(Fault { second, damage: Damage::Altered });
        }
        assert_eq!((report.faults.len(), report.further), (FAULTS_MAX, 38));
        assert!(report.to_string().ends_with("altered at second 71, and 38 more"), "{report}");
    }

    #[test]
    fn without_a_header_or_with_a_seal_nothing_is_mended() {
        let tail = Tail { at: 192, previous: [1; 32], pieces: 0, frames: 0 };
        let mut report = Report { tail: Some(tail), ..Report::empty() };
        assert!(report.mend().is_none());
        report.header = Some(header(1));
        let (at, bytes, seal) = report.mend().unwrap();
        assert_eq!((at, seal.bytes, seal.frames), (192, 192 + bytes.len() as u64, 0));
        assert_eq!(End::read(&bytes).map(|end| end.is_recovered), Some(true));
        report.seal = Some(seal);
        assert!(report.mend().is_none());
    }
}
