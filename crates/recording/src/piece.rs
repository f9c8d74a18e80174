//! The pieces of a recording: half a second of sound each, chained by their hashes, and the seal
//! behind the last one.
//!
//! ```text
//!  a piece                                     the seal
//!   0  magic "PIEC"                             0  magic "SEAL"
//!   4  kind, u8: 1 sound, 2 silence             4  how, u8: 1 in order, 2 after a crash
//!   5  cipher, u8: as in the header             5  cipher, u8: 0 where how is 2
//!   6  zeros                                    6  zeros
//!   8  tag: how the header's hash begins        8  tag
//!  16  number, u32                             16  pieces, u32
//!  20  frames, u32                             20  zeros
//!  24  hash of the piece before                24  frames, u64
//!  56  peaks, then sound (piece.rs, peaks.rs)  32  hash of the last piece
//!   …  SHA-256 of all before in the piece      64  where encrypted: tag of all before, 16 bytes
//!                                               …  SHA-256 of all before in the seal
//! ```
//! The first piece, or the seal of a recording without any, names the header's hash as the one
//! before. Peaks and sound are encrypted apart from each other, each with its tag behind it, so
//! that waveforms are drawn without reading the sound. A piece of silence stands for what could
//! not be written; it has a tag alone. So has the seal of an encrypted recording, under a number
//! that no piece has: who has not the key cannot end one anew. What is sealed after a crash is
//! sealed without the key, and says so.

use std::ops::Range;

use crate::header::{Hash, PIECE_FRAMES, field, hash};
use crate::keys::{DataKey, KeyFault, TAG_BYTES};
use crate::peaks;
use crate::wav::FRAME_BYTES;

/// Bytes before a piece's peaks.
pub(crate) const HEAD_BYTES: usize = 56;
/// Bytes of a hash.
pub(crate) const HASH_BYTES: usize = 32;
/// Bytes of a seal without a tag.
pub const SEAL_BYTES: usize = 96;
/// Bytes of the longest seal.
pub const SEAL_MOST: usize = SEAL_BYTES + TAG_BYTES;
/// Bytes of a seal before its tag or its hash.
const SEAL_FRONT: usize = 64;
/// The number under which the seal is authenticated; the numbers of pieces stay below 2^33.
const SEAL_NONCE: u64 = u64::MAX;
/// Bytes of the longest piece.
pub const PIECE_MOST: usize = HEAD_BYTES
    + peaks::peak_bytes(PIECE_FRAMES)
    + TAG_BYTES
    + PIECE_FRAMES as usize * FRAME_BYTES as usize
    + TAG_BYTES
    + HASH_BYTES;
/// Bytes from a piece's beginning to the end of its peaks, at most.
pub const FRONT_MOST: usize = HEAD_BYTES + peaks::peak_bytes(PIECE_FRAMES) + TAG_BYTES;

pub(crate) const PIECE_MAGIC: [u8; 4] = *b"PIEC";
pub(crate) const SEAL_MAGIC: [u8; 4] = *b"SEAL";

/// What names the header in each piece.
pub(crate) type HeaderTag = [u8; 8];

/// What a piece holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Peaks and sound.
    Sound,
    /// Nothing: what was said was lost, and is silence of its length.
    Silence,
}

/// A piece's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// What it holds.
    pub kind: Kind,
    /// Whether that is encrypted.
    pub is_encrypted: bool,
    pub(crate) tag: HeaderTag,
    /// Its number, from 0: it begins at frame `number` × [`PIECE_FRAMES`].
    pub number: u32,
    /// Its frames, 1 to [`PIECE_FRAMES`].
    pub frames: u32,
    pub(crate) previous: Hash,
}

impl Head {
    pub(crate) fn to_bytes(self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..4].copy_from_slice(&PIECE_MAGIC);
        bytes[4] = match self.kind {
            Kind::Sound => 1,
            Kind::Silence => 2,
        };
        bytes[5] = u8::from(self.is_encrypted);
        bytes[8..16].copy_from_slice(&self.tag);
        bytes[16..20].copy_from_slice(&self.number.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.frames.to_le_bytes());
        bytes[24..].copy_from_slice(&self.previous);
        bytes
    }

    /// Reads the beginning of a piece; `None` if this can be none.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..HEAD_BYTES)?;
        let kind = match bytes[4] {
            1 => Kind::Sound,
            2 => Kind::Silence,
            _ => return None,
        };
        let head = Self {
            kind,
            is_encrypted: bytes[5] == 1,
            tag: field(bytes, 8),
            number: u32::from_le_bytes(field(bytes, 16)),
            frames: u32::from_le_bytes(field(bytes, 20)),
            previous: field(bytes, 24),
        };
        let is_one = (1..=PIECE_FRAMES).contains(&head.frames) && head.to_bytes() == *bytes;
        is_one.then_some(head)
    }

    fn tag_bytes(self) -> usize {
        if self.is_encrypted { TAG_BYTES } else { 0 }
    }

    /// Bytes of its peaks.
    pub(crate) fn peak_bytes(self) -> usize {
        match self.kind {
            Kind::Sound => peaks::peak_bytes(self.frames),
            Kind::Silence => 0,
        }
    }

    /// Where its peaks are, with their tag.
    fn peaks(self) -> Range<usize> {
        HEAD_BYTES..HEAD_BYTES + self.peak_bytes() + self.tag_bytes()
    }

    /// Where its sound is, with its tag.
    fn sound(self) -> Range<usize> {
        let from = self.peaks().end;
        match self.kind {
            Kind::Sound => {
                let bytes = self.frames as usize * FRAME_BYTES as usize;
                from..from + bytes + self.tag_bytes()
            }
            Kind::Silence => from..from,
        }
    }

    /// Bytes from its beginning to the end of its peaks.
    pub fn front_bytes(self) -> usize {
        self.peaks().end
    }

    /// Bytes of the whole piece.
    pub fn bytes(self) -> usize {
        self.sound().end + HASH_BYTES
    }
}

/// What encrypted parts are bound to: their recording's header and their piece's beginning.
pub(crate) fn binding(header: &Hash, head: Head) -> [u8; HASH_BYTES + HEAD_BYTES] {
    let mut bytes = [0; HASH_BYTES + HEAD_BYTES];
    bytes[..HASH_BYTES].copy_from_slice(header);
    bytes[HASH_BYTES..].copy_from_slice(&head.to_bytes());
    bytes
}

/// Encrypts what `out` has from `at` on, a part of the piece that begins with `head`, under the
/// number `nonce`, and appends the tag; nothing where there is no key.
///
/// # Errors
/// The cipher refused.
pub(crate) fn encrypt(
    key: Option<&DataKey>,
    (header, head): (&Hash, Head),
    nonce: u64,
    at: usize,
    out: &mut Vec<u8>,
) -> Result<(), KeyFault> {
    if let Some(key) = key {
        let tag = key.seal(nonce, &binding(header, head), &mut out[at..])?;
        out.extend(tag);
    }
    Ok(())
}

/// The numbers under which a piece's peaks and its sound are encrypted.
pub(crate) fn nonces(number: u32) -> (u64, u64) {
    (2 * u64::from(number), 2 * u64::from(number) + 1)
}

/// Reads the pieces of one recording.
#[derive(Debug)]
pub struct Opener {
    header: Hash,
    key: Option<DataKey>,
}

impl Opener {
    /// For the recording with this header; `key` if it is encrypted.
    pub fn new(header: &crate::Header, key: Option<DataKey>) -> Self {
        Self { header: crate::header::hash_of(&header.to_bytes()), key }
    }

    /// Whether `head` begins a piece of this recording.
    pub fn owns(&self, head: &Head) -> bool {
        head.tag == self.header[..8] && head.is_encrypted == self.key.is_some()
    }

    /// Whether the seal of this recording begins here.
    pub fn owns_seal(&self, bytes: &[u8]) -> bool {
        bytes.starts_with(&SEAL_MAGIC) && bytes.get(8..16) == Some(&self.header[..8])
    }

    /// Whether what begins with `next`, a piece or the seal, names what it has to as the one before
    /// it: the whole piece `before`, or the header where there is none.
    pub fn names(&self, next: &[u8], before: Option<&[u8]>) -> bool {
        let named: Hash = match next.starts_with(&SEAL_MAGIC) {
            true => field(next, 32),
            false => field(next, 24),
        };
        let own = match before {
            Some(piece) => field(piece, piece.len().saturating_sub(HASH_BYTES)),
            None => self.header,
        };
        named == own
    }

    /// Whether a whole piece of this recording has the hash that it says, encrypted as it lies.
    pub fn is_whole(&self, piece: &[u8]) -> bool {
        let Some(head) = Head::read(piece).filter(|head| piece.len() == head.bytes()) else {
            return false;
        };
        let (body, stored) = piece.split_at(piece.len() - HASH_BYTES);
        self.owns(&head) && hash(&[body]) == stored
    }

    /// The hash and the frames of the seal of this recording, if these bytes end with it; also as
    /// who has the key sees it.
    pub fn seal_at_end(&self, bytes: &[u8]) -> Option<(String, u64)> {
        [SEAL_BYTES, SEAL_MOST].into_iter().find_map(|length| {
            let bytes = &bytes[bytes.len().checked_sub(length)?..];
            let end = End::read(bytes).filter(|end| self.owns_seal(bytes) && self.is_ours(end))?;
            Some((hex::encode(End::hash(bytes)), end.frames))
        })
    }

    /// Whether whoever put this seal had the key, where that is needed.
    pub(crate) fn is_ours(&self, end: &End) -> bool {
        match (&self.key, end.key_tag) {
            (None, None) => true,
            (Some(_), None) => end.is_recovered,
            (None, Some(_)) => false,
            (Some(key), Some(mut tag)) => {
                key.open(SEAL_NONCE, &end.binding(&self.header), &mut tag)
            }
        }
    }

    /// Bytes of a piece of sound of [`PIECE_FRAMES`].
    pub fn full_piece_bytes(&self) -> usize {
        PIECE_MOST - if self.key.is_some() { 0 } else { 2 * TAG_BYTES }
    }

    /// Decrypts a whole piece's sound in place and says where it is: little-endian samples, the
    /// caller's and the agent's in turn; nothing for silence. `None` if the piece is not what was
    /// written.
    pub fn sound(&self, piece: &mut [u8]) -> Option<Range<usize>> {
        let head = Head::read(piece).filter(|_| self.is_whole(piece))?;
        let (_, nonce) = nonces(head.number);
        match head.kind {
            Kind::Sound => self.open(head, nonce, head.sound(), piece),
            Kind::Silence => Some(0..0),
        }
    }

    /// Decrypts the sound of a piece whose hash is known to be right, and says where it is. `None`
    /// if it was made anew.
    pub(crate) fn sound_of_known(&self, head: Head, piece: &mut [u8]) -> Option<Range<usize>> {
        let (_, nonce) = nonces(head.number);
        self.open(head, nonce, head.sound(), piece)
    }

    /// Decrypts the peaks of a piece of which at least [`Head::front_bytes`] are here. `None` if
    /// they are not what was encrypted; without encryption nobody can tell.
    pub fn peaks(&self, front: &mut [u8]) -> Option<Range<usize>> {
        let head = Head::read(front).filter(|head| self.owns(head))?;
        let (nonce, _) = nonces(head.number);
        self.open(head, nonce, head.peaks(), front)
    }

    fn open(
        &self,
        head: Head,
        nonce: u64,
        part: Range<usize>,
        bytes: &mut [u8],
    ) -> Option<Range<usize>> {
        let Some(key) = &self.key else { return Some(part) };
        let is_open = key.open(nonce, &binding(&self.header, head), bytes.get_mut(part.clone())?);
        is_open.then_some(part.start..part.end - TAG_BYTES)
    }
}

/// The end of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) is_recovered: bool,
    pub(crate) tag: HeaderTag,
    pub(crate) pieces: u32,
    pub(crate) frames: u64,
    pub(crate) previous: Hash,
    /// What shows that whoever put it had the recording's key.
    pub(crate) key_tag: Option<[u8; TAG_BYTES]>,
}

impl End {
    /// With the tag that shows that whoever has `key` put it.
    pub(crate) fn with_tag(mut self, header: &Hash, key: &DataKey) -> Result<Self, KeyFault> {
        self.key_tag = Some([0; TAG_BYTES]);
        self.key_tag = Some(key.seal(SEAL_NONCE, &self.binding(header), &mut [])?);
        Ok(self)
    }

    /// What its tag is bound to.
    fn binding(&self, header: &Hash) -> [u8; HASH_BYTES + SEAL_FRONT] {
        let mut bytes = [0; HASH_BYTES + SEAL_FRONT];
        bytes[..HASH_BYTES].copy_from_slice(header);
        bytes[HASH_BYTES..].copy_from_slice(&self.front());
        bytes
    }

    fn front(&self) -> [u8; SEAL_FRONT] {
        let mut bytes = [0; SEAL_FRONT];
        bytes[..4].copy_from_slice(&SEAL_MAGIC);
        bytes[4] = if self.is_recovered { 2 } else { 1 };
        bytes[5] = u8::from(self.key_tag.is_some());
        bytes[8..16].copy_from_slice(&self.tag);
        bytes[16..20].copy_from_slice(&self.pieces.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.frames.to_le_bytes());
        bytes[32..].copy_from_slice(&self.previous);
        bytes
    }

    /// Appends it to `out`.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let from = out.len();
        out.extend(self.front());
        out.extend(self.key_tag.iter().flatten());
        let hash = hash(&[&out[from..]]);
        out.extend(hash);
    }

    /// Bytes of the seal that begins here: these may be too few.
    pub(crate) fn length(bytes: &[u8]) -> usize {
        if bytes.get(5) == Some(&1) { SEAL_MOST } else { SEAL_BYTES }
    }

    /// Reads a seal; `None` if it is not what was written.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..Self::length(bytes))?;
        let end = Self {
            is_recovered: bytes[4] == 2,
            tag: field(bytes, 8),
            pieces: u32::from_le_bytes(field(bytes, 16)),
            frames: u64::from_le_bytes(field(bytes, 24)),
            previous: field(bytes, 32),
            key_tag: (bytes[5] == 1).then(|| field(bytes, SEAL_FRONT)),
        };
        let (body, stored) = bytes.split_at(bytes.len() - HASH_BYTES);
        let is_one = body[..SEAL_FRONT] == end.front() && hash(&[body]) == stored;
        // Who mends has no key.
        (is_one && !(end.is_recovered && end.key_tag.is_some())).then_some(end)
    }

    /// The hash that a seal ends with.
    pub(crate) fn hash(bytes: &[u8]) -> Hash {
        field(bytes, bytes.len().saturating_sub(HASH_BYTES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_as_they_were_written_and_nothing_else_is() {
        let head = Head {
            kind: Kind::Sound,
            is_encrypted: true,
            tag: [1; 8],
            number: 7,
            frames: 4_000,
            previous: [9; 32],
        };
        let bytes = head.to_bytes();
        assert_eq!(Head::read(&bytes), Some(head));
        assert_eq!(head.bytes(), PIECE_MOST);
        assert_eq!(Head::read(&bytes[..55]), None);
        for (at, byte) in [(0, b'p'), (4, 0), (4, 3), (5, 2), (6, 1), (20, 0xa1), (21, 0xff)] {
            let mut other = bytes;
            other[at] = byte;
            assert_eq!(Head::read(&other), None, "byte {at}");
        }
        let silence = Head { kind: Kind::Silence, ..head };
        assert_eq!(silence.bytes(), HEAD_BYTES + TAG_BYTES + HASH_BYTES);
        let plain = Head { is_encrypted: false, ..silence };
        assert_eq!(plain.bytes(), HEAD_BYTES + HASH_BYTES);
    }

    #[test]
    fn every_flipped_bit_of_a_seal_is_found() {
        let end = End {
            is_recovered: false,
            tag: [3; 8],
            pieces: 9,
            frames: 35_999,
            previous: [7; 32],
            key_tag: None,
        };
        for end in [end, End { is_recovered: true, ..end }, End { key_tag: Some([5; 16]), ..end }] {
            let mut bytes = Vec::new();
            end.write(&mut bytes);
            assert_eq!(bytes.len(), End::length(&bytes));
            assert_eq!(End::read(&bytes), Some(end));
            for bit in 0..8 * bytes.len() {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(End::read(&flipped), None, "bit {bit}");
            }
        }
        let mut bytes = Vec::new();
        End { is_recovered: true, key_tag: Some([5; 16]), ..end }.write(&mut bytes);
        assert_eq!(End::read(&bytes), None, "who mends has no key");
    }
}
