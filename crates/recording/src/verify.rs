//! Whether a recording is what was written: its file is read as a stream, and what is wrong with
//! it is found and located to the second.
//!
//! Each piece has the hash of itself and names that of the piece before; so a piece that was
//! altered is told from one that lies in another place, and one that was made anew from both: what
//! follows it, or the seal, names another. Who makes a whole file anew from its beginning has to
//! make another seal, and the seal is a fact that is kept elsewhere; without the recording's key
//! he does not get that far.

use model::{RecordingId, Seal};

use crate::faults::{Damage, Fault, Report, Tail};
use crate::header::{
    Hash, Header, HeaderFault, PIECE_FRAMES, TAPE_HEADER_BYTES, field, hash, hash_of,
};
use crate::keys::{KeyFault, Keyring};
use crate::piece::{
    End, HASH_BYTES, Head, HeaderTag, Kind, Opener, PIECE_MAGIC, PIECE_MOST, SEAL_MAGIC, SEAL_MOST,
};
use crate::tape::tag;
use crate::wav::RATE;

/// Bytes from which on something is recognized: a magic and the header's tag.
const START_BYTES: usize = 16;
/// Before the end of the file nothing is judged of which less than this is here.
const AHEAD: usize = PIECE_MOST + SEAL_MOST;

/// What is known of a recording beforehand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Which one it has to be.
    pub recording: Option<RecordingId>,
    /// Its seal, as it was told when it was sealed.
    pub seal: Option<Seal>,
}

/// What the next piece may name as the one before.
#[derive(Debug, Clone, Copy)]
enum Links {
    /// One of these.
    To(Hash, Hash),
    /// What was before is not known, which has been told.
    Anything,
}

/// A piece in the place of another: what that means is seen from the next.
#[derive(Debug, Clone, Copy)]
struct Displaced {
    wanted: u32,
    found: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Header,
    Pieces,
    Sealed,
    /// There is no use in reading on.
    Over,
}

/// Reads a recording's file from its first byte to its last.
#[derive(Debug)]
pub struct Verifier<'a> {
    expected: Expected,
    keys: Option<&'a Keyring>,
    opener: Option<Opener>,
    bytes: Vec<u8>,
    /// How many of `bytes` are done.
    done: usize,
    /// Where `bytes` begins in the file.
    at: u64,
    stage: Stage,
    tag: Option<HeaderTag>,
    /// The number of the piece that has to be next.
    number: u32,
    links: Links,
    displaced: Option<Displaced>,
    /// The last piece of another recording: those that follow it there are the same fault.
    foreign: Option<(HeaderTag, Hash)>,
    has_told_end: bool,
    /// The seal is of one who has not the key.
    is_forged: bool,
    report: Report,
}

impl<'a> Verifier<'a> {
    /// For a file of which `expected` is known. With `keys` the encryption is verified, too, where
    /// its key is among them.
    pub fn new(expected: Expected, keys: Option<&'a Keyring>) -> Self {
        Self {
            expected,
            keys,
            opener: None,
            bytes: Vec::new(),
            done: 0,
            at: 0,
            stage: Stage::Header,
            tag: None,
            number: 0,
            links: Links::Anything,
            displaced: None,
            foreign: None,
            has_told_end: false,
            is_forged: false,
            report: Report::empty(),
        }
    }

    /// The file's next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        while self.bytes.len() - self.done >= AHEAD && self.stage != Stage::Over {
            self.step();
        }
        if self.stage == Stage::Over {
            self.done = self.bytes.len();
        }
        self.bytes.drain(..self.done);
        self.at += self.done as u64;
        self.done = 0;
    }

    /// The file has ended: what it was found to be.
    pub fn finish(mut self) -> Report {
        if self.bytes.is_empty() && self.stage == Stage::Header {
            self.fault(Damage::Cut, 0);
            return self.report;
        }
        while self.done < self.bytes.len() && self.stage != Stage::Over {
            self.step();
        }
        self.settle(None);
        if matches!(self.stage, Stage::Pieces) && !self.has_told_end {
            let has_been_sealed = self.expected.seal.is_some();
            let damage = if has_been_sealed { Damage::Cut } else { Damage::Unsealed };
            self.fault(damage, self.second(self.number));
        }
        let (is_clean, is_known) = (self.report.faults.is_empty(), self.expected.seal.is_some());
        if is_clean && is_known && self.expected.seal != self.report.seal {
            // Anyone can put a seal behind fewer pieces: what is missing says where.
            let was = self.expected.seal.as_ref().map_or(0, |seal| seal.frames);
            match was > self.report.frames {
                true => self.fault(Damage::Cut, self.second(self.number)),
                false => self.fault(Damage::NotAsSealed, 0),
            }
        } else if is_clean && self.is_forged {
            self.fault(Damage::Altered, self.last_second());
        }
        self.report
    }

    /// The second of a piece: not beyond the end, where that is known.
    fn second(&self, number: u32) -> u64 {
        let second = u64::from(number) * u64::from(PIECE_FRAMES) / u64::from(RATE);
        let seal = self.expected.seal.as_ref();
        let last = seal.map(|seal| seal.frames.saturating_sub(1) / u64::from(RATE));
        second.min(last.unwrap_or(u64::MAX))
    }

    fn last_second(&self) -> u64 {
        self.second(self.number.saturating_sub(1))
    }

    fn fault(&mut self, damage: Damage, second: u64) {
        self.report.add(Fault { second, damage });
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.done..]
    }

    fn step(&mut self) {
        match self.stage {
            Stage::Header => self.header(),
            Stage::Pieces => self.next(),
            Stage::Sealed => {
                self.fault(Damage::Added, self.last_second());
                self.done = self.bytes.len();
            }
            Stage::Over => {}
        }
    }

    fn header(&mut self) {
        self.stage = Stage::Pieces;
        if self.rest().len() < TAPE_HEADER_BYTES {
            self.fault(Damage::Cut, 0);
            (self.stage, self.has_told_end) = (Stage::Over, true);
            return;
        }
        let bytes: [u8; TAPE_HEADER_BYTES] = field(self.rest(), 0);
        match Header::read(&bytes) {
            Ok(header) => {
                let hash = hash_of(&bytes);
                (self.tag, self.links) = (Some(tag(&hash)), Links::To(hash, hash));
                if self.expected.recording.is_some_and(|wanted| wanted != header.recording) {
                    self.fault(Damage::Foreign, 0);
                }
                self.done += TAPE_HEADER_BYTES;
                self.open(&header);
                self.report.header = Some(header);
                let at = TAPE_HEADER_BYTES as u64;
                self.report.tail = Some(Tail { at, previous: hash, pieces: 0, frames: 0 });
            }
            Err(HeaderFault::Newer) => {
                self.fault(Damage::Newer, 0);
                self.stage = Stage::Over;
            }
            Err(HeaderFault::NotOurs | HeaderFault::Altered) => {
                self.fault(Damage::Altered, 0);
                // What stands in its place is passed over by whoever looks for the first piece.
                self.done += self.find(0).unwrap_or(0);
            }
        }
    }

    fn open(&mut self, header: &Header) {
        match self.keys.map(|keys| header.data_key(keys)) {
            Some(Ok(key)) => self.opener = Some(Opener::new(header, key)),
            // The wrapped key is not what was written, or the master key is another.
            Some(Err(fault @ (KeyFault::Refused(_) | KeyFault::Cipher))) => {
                self.fault(Damage::Altered, 0);
                self.report.undecrypted = Some(fault);
            }
            Some(Err(
                fault @ (KeyFault::Unknown(_)
                | KeyFault::Line(_)
                | KeyFault::Twice(_)
                | KeyFault::Empty
                | KeyFault::TooMany),
            )) => self.report.undecrypted = Some(fault),
            None => {}
        }
    }

    /// Where the next piece or the seal begins, `from` bytes on or later; looked for no further
    /// than is here at any time, so that it makes no difference in which parts a file is read.
    fn find(&self, from: usize) -> Option<usize> {
        let rest = self.rest();
        let rest = &rest[..rest.len().min(AHEAD)];
        (from..rest.len().saturating_sub(START_BYTES - 1)).find(|at| self.begins(&rest[*at..]))
    }

    /// Whether a piece of this recording or its seal may begin here.
    fn begins(&self, bytes: &[u8]) -> bool {
        let magic: [u8; 4] = field(bytes, 0);
        (magic == PIECE_MAGIC || magic == SEAL_MAGIC)
            && bytes.len() >= START_BYTES
            && self.tag.is_none_or(|tag| field(bytes, 8) == tag)
    }

    /// What stands next: a piece, the seal, or rubble.
    fn next(&mut self) {
        let rest = self.rest();
        if rest.starts_with(&SEAL_MAGIC) && rest.len() >= End::length(rest) {
            self.seal();
            return;
        }
        match Head::read(rest) {
            Some(head) if head.bytes() <= rest.len() => self.piece(head),
            Some(_) | None => self.rubble(),
        }
    }

    /// Something that is nothing, up to the next piece or to the end.
    fn rubble(&mut self) {
        self.settle(None);
        let rest = self.rest();
        let second = self.second(self.number);
        let Some(at) = self.find(1) else {
            let begins = rest.iter().zip(&PIECE_MAGIC).all(|(is, wanted)| is == wanted);
            let seals = rest.iter().zip(&SEAL_MAGIC).all(|(is, wanted)| is == wanted);
            let is_cut = rest.len() < PIECE_MOST && (begins || seals);
            let damage = if is_cut { Damage::Cut } else { Damage::Altered };
            let second = if seals && !begins { self.last_second() } else { second };
            let (is_last, bytes) = (rest.len() < AHEAD, rest.len().min(AHEAD));
            self.fault(damage, second);
            self.has_told_end |= is_last;
            // Of a long one the end may be the beginning of something.
            self.done += if is_last { bytes } else { bytes - START_BYTES };
            return;
        };
        let next = &rest[at..];
        let number = match next[..4] == SEAL_MAGIC {
            true => u32::from_le_bytes(field(next, 16)),
            false => Head::read(next).map_or(self.number.saturating_add(1), |head| head.number),
        };
        let damage = if number == self.number { Damage::Added } else { Damage::Altered };
        self.fault(damage, second);
        // A number that leads far away is itself altered.
        let is_near = number.checked_sub(self.number).is_some_and(|by| by <= (at / 64) as u32 + 1);
        self.number = if is_near { number } else { self.number.saturating_add(1) };
        self.links = Links::Anything;
        self.foreign = None;
        self.done += at;
    }

    fn piece(&mut self, head: Head) {
        let bytes = head.bytes();
        let piece = &self.rest()[..bytes];
        let (body, stored) = piece.split_at(bytes - HASH_BYTES);
        let (computed, stored) = (hash(&[body]), field(stored, 0));
        if computed != stored {
            self.altered(bytes, computed, stored);
            return;
        }
        if self.tag.is_none() {
            // The header is not readable: this has been told, and the first piece stands for it.
            (self.tag, self.number) = (Some(head.tag), head.number);
        }
        if self.tag != Some(head.tag) {
            self.settle(None);
            if self.foreign != Some((head.tag, head.previous)) {
                self.fault(Damage::Foreign, self.second(self.number));
            }
            self.foreign = Some((head.tag, stored));
            self.number = self.number.saturating_add(1);
            self.links = Links::Anything;
            self.report.frames += u64::from(head.frames);
            self.done += bytes;
            return;
        }
        self.settle(Some(head.number));
        if head.number == self.number {
            self.link(head.previous, self.number);
            let mut piece = piece_of(&self.bytes, self.done, bytes, self.opener.is_some());
            let header = self.report.header.as_ref();
            let fits = header.is_none_or(|header| header.key.is_some() == head.is_encrypted);
            if !fits || self.opener.as_ref().is_some_and(|opener| !opens(opener, head, &mut piece))
            {
                self.fault(Damage::Altered, self.second(self.number));
            }
            self.links = Links::To(stored, stored);
        } else {
            self.displaced = Some(Displaced { wanted: self.number, found: head.number });
            self.links = Links::Anything;
        }
        self.foreign = None;
        self.number = self.number.saturating_add(1);
        self.report.frames += u64::from(head.frames);
        self.done += bytes;
        if self.report.header.is_some() {
            let (at, frames) = (self.at + self.done as u64, self.report.frames);
            self.report.tail = Some(Tail { at, previous: stored, pieces: self.number, frames });
        }
    }

    /// A piece that is not what was written; where the next one begins shows whether its length
    /// is.
    fn altered(&mut self, bytes: usize, computed: Hash, stored: Hash) {
        let rest = self.rest();
        if rest.len() > bytes && !self.begins(&rest[bytes..]) && self.find(1).is_some() {
            self.rubble();
            return;
        }
        self.settle(None);
        self.fault(Damage::Altered, self.second(self.number));
        self.links = Links::To(stored, computed);
        self.foreign = None;
        self.number = self.number.saturating_add(1);
        self.report.frames += u64::from(PIECE_FRAMES);
        self.done += bytes;
    }

    /// What stands at `number` names `previous`: if that is not what is there, then what is there
    /// was made anew.
    fn link(&mut self, previous: Hash, number: u32) {
        match self.links {
            Links::To(one, other) if previous != one && previous != other => {
                self.fault(Damage::Altered, self.second(number.saturating_sub(1)));
            }
            Links::To(_, _) | Links::Anything => {}
        }
    }

    /// Says what a piece in the place of another meant, now that `next` follows it.
    fn settle(&mut self, next: Option<u32>) {
        let Some(Displaced { wanted, found }) = self.displaced.take() else { return };
        let second = self.second(wanted);
        match next {
            Some(next) if next == found.wrapping_add(1) && next != wanted.wrapping_add(1) => {
                let is_ahead = found > wanted;
                self.fault(if is_ahead { Damage::LeftOut } else { Damage::Added }, second);
                self.number = next;
            }
            Some(_) | None => self.fault(Damage::Swapped, second),
        }
    }

    fn seal(&mut self) {
        let length = End::length(self.rest());
        let bytes = self.rest()[..length].to_vec();
        self.stage = Stage::Sealed;
        let Some(end) = End::read(&bytes) else {
            self.settle(None);
            self.fault(Damage::Altered, self.last_second());
            // How long it was is not known for certain.
            self.done += self.rest().len().min(SEAL_MOST);
            return;
        };
        let is_locked = self.report.header.as_ref().map(|header| header.key.is_some());
        let fits =
            is_locked.is_none_or(|locked| (locked && !end.is_recovered) == end.key_tag.is_some());
        self.is_forged = !fits || self.opener.as_ref().is_some_and(|opener| !opener.is_ours(&end));
        self.report.is_recovered = end.is_recovered;
        self.settle(Some(end.pieces));
        if self.tag.is_some_and(|tag| tag != end.tag) {
            self.fault(Damage::Foreign, self.last_second());
        } else if end.pieces > self.number {
            self.fault(Damage::LeftOut, self.second(self.number));
        } else if end.pieces < self.number {
            self.fault(Damage::Added, self.second(end.pieces));
        } else {
            self.link(end.previous, self.number);
            if self.report.faults.is_empty() && end.frames != self.report.frames {
                self.fault(Damage::Altered, self.last_second());
            }
        }
        self.done += length;
        let sha256 = hex::encode(End::hash(&bytes));
        let bytes = self.at + self.done as u64;
        self.report.seal = Some(Seal { sha256, bytes, frames: end.frames });
    }
}

/// A copy to be decrypted, where there is a key.
fn piece_of(bytes: &[u8], from: usize, count: usize, is_wanted: bool) -> Vec<u8> {
    if is_wanted { bytes[from..from + count].to_vec() } else { Vec::new() }
}

fn opens(opener: &Opener, head: Head, piece: &mut [u8]) -> bool {
    let peaks = opener.peaks(piece).is_some();
    // Decrypting the peaks in place has changed the piece: its hash is known to be right.
    peaks && (head.kind == Kind::Silence || opener.sound_of_known(head, piece).is_some())
}
