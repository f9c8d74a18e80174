//! What can be told of an archive by who has not its keys: whether it is whole in itself, in order,
//! and ends with the seal that is expected.

use crate::faults::{Damage, Fault, Report};
use crate::header::{Hash, PIECE_FRAMES, hash_of};
use crate::keys::KeyFault;
use crate::piece::HeaderTag;
use crate::verify::Expected;
use crate::wav::RATE;

use super::form::{ArchiveHeader, ArchivedEnd, ArchivedHead, is_whole_archived};

/// Reads an archive's parts in the order of the file.
#[derive(Debug)]
pub struct Outline {
    expected: Expected,
    tag: HeaderTag,
    number: u32,
    /// The hash of the recording's piece before, or of its header.
    previous: Hash,
    has_ended: bool,
    report: Report,
}

impl Outline {
    /// For the archive with this header, whose key is not to be had because of `fault`.
    pub fn new(header: &ArchiveHeader, expected: Expected, fault: KeyFault) -> Self {
        let mut report = Report::empty();
        // The wrapped key is not what was written, or the master key is another.
        if matches!(fault, KeyFault::Refused(_) | KeyFault::Cipher) {
            report.add(Fault { second: 0, damage: Damage::Altered });
        }
        let recording = header.original.recording;
        if expected.recording.is_some_and(|wanted| wanted != recording) {
            report.add(Fault { second: 0, damage: Damage::Foreign });
        }
        report.undecrypted = Some(fault);
        report.header = Some(header.original.clone());
        let previous = hash_of(&header.original.to_bytes());
        Self { expected, tag: header.tag(), number: 0, previous, has_ended: false, report }
    }

    /// The next piece.
    pub fn piece(&mut self, piece: &[u8]) {
        let head = ArchivedHead::read(piece).filter(|_| is_whole_archived(piece));
        let Some(head) = head else {
            self.fault(Damage::Altered, self.number);
            self.number = self.number.saturating_add(1);
            return;
        };
        let number = head.head.number;
        if head.tag != self.tag {
            self.fault(Damage::Foreign, self.number);
            self.number = self.number.saturating_add(1);
            return;
        }
        if number != self.number {
            let is_ahead = number > self.number;
            let damage = if is_ahead { Damage::LeftOut } else { Damage::Swapped };
            self.fault(damage, self.number.min(number));
        } else if head.head.previous != self.previous && self.report.is_whole() {
            self.fault(Damage::Altered, number.saturating_sub(1));
        }
        (self.number, self.previous) = (number.saturating_add(1), head.hash);
        self.report.frames += u64::from(head.head.frames);
    }

    /// Something that is nothing.
    pub fn rubble(&mut self) {
        self.fault(Damage::Altered, self.number);
    }

    /// The end.
    pub fn end(&mut self, end: &ArchivedEnd) {
        self.has_ended = true;
        let Some(seal) = end.end() else {
            self.fault(Damage::Altered, self.number.saturating_sub(1));
            return;
        };
        if end.tag != self.tag {
            self.fault(Damage::Foreign, self.number.saturating_sub(1));
        }
        if self.report.is_whole() && (seal.pieces, seal.previous) != (self.number, self.previous) {
            let damage = if seal.pieces > self.number { Damage::Cut } else { Damage::Altered };
            self.fault(damage, self.number);
        }
        let sha256 = hex::encode(crate::piece::End::hash(&end.seal));
        let wanted = self.expected.seal.as_ref();
        if self.report.is_whole() && wanted.is_some_and(|wanted| wanted.sha256 != sha256) {
            self.report.add(Fault { second: 0, damage: Damage::NotAsSealed });
        }
    }

    /// What it was found to be.
    pub fn finish(mut self) -> Report {
        if !self.has_ended {
            self.fault(Damage::Cut, self.number);
        }
        self.report
    }

    fn fault(&mut self, damage: Damage, number: u32) {
        let second = u64::from(number) * u64::from(PIECE_FRAMES) / u64::from(RATE);
        let seal = self.expected.seal.as_ref();
        let last = seal.map_or(u64::MAX, |seal| seal.frames.saturating_sub(1) / u64::from(RATE));
        self.report.add(Fault { second: second.min(last), damage });
    }
}
