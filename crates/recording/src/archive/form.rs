//! The archived form, byte by byte.

use crate::header::{Hash, Header, HeaderFault, TAPE_HEADER_BYTES, field, hash, hash_of};
use crate::keys::{DataKey, Drawn, KeyFault, Keyring, NAME_MAX, TAG_BYTES, WRAPPED_BYTES, Wrapped};
use crate::piece::{End, HASH_BYTES, Head, HeaderTag, PIECE_MOST, SEAL_BYTES, SEAL_MOST};
use crate::tape::tag;

/// Bytes of an archive's header.
pub const ARCHIVE_HEADER_BYTES: usize = 352;
/// How an archive begins.
pub const ARCHIVE_MAGIC: [u8; 8] = *b"HOTLARCH";
/// Bytes before an archived piece's peaks.
pub const HEAD_BYTES: usize = 112;

const VERSION: u16 = 1;
const FLAC: u8 = 2;
const ORIGINAL_AT: usize = 128;
const HASH_AT: usize = 320;
const PIECE_MAGIC: [u8; 4] = *b"FLPC";
const END_MAGIC: [u8; 4] = *b"FLEN";
const END_FRONT: usize = 24;
/// FLAC that a piece has at most: what does not compress is a few bytes longer than it was.
const FLAC_MOST: u32 = PIECE_MOST as u32;

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveHeader {
    /// The recording's header, as it was sealed.
    pub original: Header,
    /// The archive's own key; `None` if it is not encrypted.
    pub(crate) key: Option<Wrapped>,
}

impl ArchiveHeader {
    /// For the recording with this header, with a key of its own if there is a master key.
    ///
    /// # Errors
    /// The cipher refused.
    pub(crate) fn new(
        original: Header,
        keys: &Keyring,
        drawn: &Drawn,
    ) -> Result<(Self, Option<DataKey>), KeyFault> {
        let mut header = Self { original, key: None };
        let bound_to = |name: &str| header.bound(Some(name)).to_vec();
        match keys.wrap(drawn, bound_to) {
            None => Ok((header, None)),
            Some(wrapped) => {
                let (wrapped, key) = wrapped?;
                header.key = Some(wrapped);
                Ok((header, Some(key)))
            }
        }
    }

    /// The archive's key, opened; `None` if it is not encrypted.
    ///
    /// # Errors
    /// The master key is not there, or is another.
    pub(crate) fn data_key(&self, keys: &Keyring) -> Result<Option<DataKey>, KeyFault> {
        let Some(wrapped) = &self.key else { return Ok(None) };
        keys.unwrap(wrapped, &self.bound(Some(&wrapped.name))).map(Some)
    }

    /// All but the wrapped key and the hash: what the key is bound to.
    fn bound(&self, name: Option<&str>) -> [u8; HASH_AT] {
        let mut bytes = [0; HASH_AT];
        bytes[..8].copy_from_slice(&ARCHIVE_MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[10] = FLAC;
        bytes[12..16].copy_from_slice(&(ARCHIVE_HEADER_BYTES as u32).to_le_bytes());
        if let Some(name) = name {
            bytes[11] = 1;
            for (byte, letter) in bytes[32..].iter_mut().zip(name.bytes()) {
                *byte = letter;
            }
        }
        bytes[ORIGINAL_AT..].copy_from_slice(&self.original.to_bytes());
        bytes
    }

    /// As it is written.
    pub(crate) fn to_bytes(&self) -> [u8; ARCHIVE_HEADER_BYTES] {
        let mut bytes = [0; ARCHIVE_HEADER_BYTES];
        let name = self.key.as_ref().map(|key| key.name.as_str());
        bytes[..HASH_AT].copy_from_slice(&self.bound(name));
        if let Some(key) = &self.key {
            bytes[64..76].copy_from_slice(&key.nonce);
            bytes[76..76 + WRAPPED_BYTES].copy_from_slice(&key.key);
        }
        let hash = hash(&[&bytes[..HASH_AT]]);
        bytes[HASH_AT..].copy_from_slice(&hash);
        bytes
    }

    /// Reads an archive's header.
    ///
    /// # Errors
    /// It is none, or not what was written, or not by this version.
    pub fn read(bytes: &[u8; ARCHIVE_HEADER_BYTES]) -> Result<Self, HeaderFault> {
        if bytes[..8] != ARCHIVE_MAGIC {
            return Err(HeaderFault::NotOurs);
        }
        if hash(&[&bytes[..HASH_AT]]) != bytes[HASH_AT..] {
            return Err(HeaderFault::Altered);
        }
        let original: [u8; TAPE_HEADER_BYTES] = field(bytes, ORIGINAL_AT);
        let name = bytes[32..32 + NAME_MAX].split(|byte| *byte == 0).next().unwrap_or_default();
        let key = match bytes[11] {
            0 => None,
            1 => Some(Wrapped {
                name: String::from_utf8_lossy(name).into_owned(),
                nonce: field(bytes, 64),
                key: field(bytes, 76),
            }),
            _ => return Err(HeaderFault::Newer),
        };
        let header = Self { original: Header::read(&original)?, key };
        if header.to_bytes() == *bytes { Ok(header) } else { Err(HeaderFault::Newer) }
    }

    /// The hash by which pieces know it.
    pub(crate) fn hash(&self) -> Hash {
        field(&self.to_bytes(), HASH_AT)
    }

    /// What names it in each piece.
    pub fn tag(&self) -> HeaderTag {
        tag(&self.hash())
    }
}

/// How an archived piece begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchivedHead {
    /// Whether peaks and sound are encrypted.
    pub(crate) is_encrypted: bool,
    pub(crate) tag: HeaderTag,
    /// Bytes of FLAC, and those of them that are the caller's.
    pub(crate) flac: (u32, u32),
    /// How the recording's own piece begins.
    pub head: Head,
    /// The hash of the recording's own piece.
    pub(crate) hash: Hash,
}

impl ArchivedHead {
    /// As it is written.
    pub(crate) fn to_bytes(self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..4].copy_from_slice(&PIECE_MAGIC);
        bytes[4] = u8::from(self.is_encrypted);
        bytes[8..16].copy_from_slice(&self.tag);
        bytes[16..20].copy_from_slice(&self.flac.0.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.flac.1.to_le_bytes());
        bytes[24..80].copy_from_slice(&self.head.to_bytes());
        bytes[80..].copy_from_slice(&self.hash);
        bytes
    }

    /// Reads the beginning of an archived piece; `None` if this can be none.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..HEAD_BYTES)?;
        if !bytes.starts_with(&PIECE_MAGIC) {
            return None;
        }
        let head = Self {
            is_encrypted: bytes[4] == 1,
            tag: field(bytes, 8),
            flac: (u32::from_le_bytes(field(bytes, 16)), u32::from_le_bytes(field(bytes, 20))),
            head: Head::read(&bytes[24..80])?,
            hash: field(bytes, 80),
        };
        let is_one = head.flac.0 <= FLAC_MOST && head.flac.1 <= head.flac.0;
        (is_one && head.to_bytes() == *bytes).then_some(head)
    }

    fn tag_bytes(self) -> usize {
        if self.is_encrypted { TAG_BYTES } else { 0 }
    }

    /// Whether it is of the archive with this tag.
    pub fn is_of(self, tag: HeaderTag) -> bool {
        self.tag == tag
    }

    /// Bytes from its beginning to the end of its peaks.
    pub fn front_bytes(self) -> usize {
        self.peaks().end
    }

    /// Where the peaks are, with their tag.
    pub(crate) fn peaks(self) -> std::ops::Range<usize> {
        HEAD_BYTES..HEAD_BYTES + self.head.peak_bytes() + self.tag_bytes()
    }

    /// Where the FLAC is, with its tag.
    pub(crate) fn sound(self) -> std::ops::Range<usize> {
        let from = self.peaks().end;
        from..from + self.flac.0 as usize + self.tag_bytes()
    }

    /// Bytes of the whole archived piece.
    pub fn bytes(self) -> usize {
        self.sound().end + HASH_BYTES
    }
}

/// The end of an archive: the recording's seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedEnd {
    pub(crate) tag: HeaderTag,
    /// The recording's seal, as it was.
    pub seal: Vec<u8>,
}

impl ArchivedEnd {
    /// Appends it to `out`.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let from = out.len();
        out.extend(END_MAGIC);
        out.extend([0; 4]);
        out.extend(self.tag);
        out.extend((self.seal.len() as u32).to_le_bytes());
        out.extend([0; 4]);
        out.extend(&self.seal);
        let hash = hash(&[&out[from..]]);
        out.extend(hash);
    }

    /// Reads an end; `None` if it is not what was written.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let length = u32::from_le_bytes(field(bytes.get(..END_FRONT)?, 16)) as usize;
        if length != SEAL_BYTES && length != SEAL_MOST {
            return None;
        }
        let bytes = bytes.get(..END_FRONT + length + HASH_BYTES)?;
        let (body, stored) = bytes.split_at(END_FRONT + length);
        let end = Self { tag: field(bytes, 8), seal: body[END_FRONT..].to_vec() };
        let mut written = Vec::with_capacity(bytes.len());
        end.write(&mut written);
        (written == bytes && stored.len() == HASH_BYTES).then_some(end)
    }

    /// Bytes of it as it is written.
    pub fn bytes(&self) -> usize {
        END_FRONT + self.seal.len() + HASH_BYTES
    }

    /// What the recording's seal says, if it can be one.
    pub(crate) fn end(&self) -> Option<End> {
        End::read(&self.seal)
    }
}

/// What begins at a place of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Archived {
    /// A piece.
    Piece(ArchivedHead),
    /// The end.
    End(ArchivedEnd),
    /// So many bytes are needed before anything can be said of what may begin here.
    Cut,
}

impl Archived {
    /// What begins here, of the archive with this tag where that is known; `None` if nothing does.
    pub fn read(bytes: &[u8], tag: Option<HeaderTag>) -> Option<Self> {
        let is_ours = |found| tag.is_none_or(|tag| tag == found);
        if bytes.starts_with(&PIECE_MAGIC) && bytes.len() >= HEAD_BYTES {
            return ArchivedHead::read(bytes).filter(|head| is_ours(head.tag)).map(Self::Piece);
        }
        if let Some(end) = ArchivedEnd::read(bytes) {
            return is_ours(end.tag).then_some(Self::End(end));
        }
        let begins = |magic: &[u8]| {
            let count = bytes.len().min(magic.len());
            count > 0 && bytes[..count] == magic[..count]
        };
        let is_short = bytes.len() < HEAD_BYTES && begins(&PIECE_MAGIC);
        (is_short || (begins(&END_MAGIC) && is_cut_end(bytes))).then_some(Self::Cut)
    }

    /// Bytes from which on what begins at a place is known.
    pub const AHEAD: usize = END_MOST;
}

/// Whether what begins as an end does is less than one: the seal within it says how long it is, as
/// the end does.
fn is_cut_end(bytes: &[u8]) -> bool {
    let Some(seal) = bytes.get(END_FRONT..).filter(|seal| seal.len() > 5) else { return true };
    let length = u32::from_le_bytes(field(bytes, 16)) as usize;
    length == End::length(seal) && bytes.len() < END_FRONT + length + HASH_BYTES
}

/// Bytes of the longest end.
const END_MOST: usize = END_FRONT + SEAL_MOST + HASH_BYTES;

/// Whether a whole archived piece has the hash that it says.
pub fn is_whole_archived(piece: &[u8]) -> bool {
    let Some(at) = piece.len().checked_sub(HASH_BYTES) else { return false };
    let (body, stored) = piece.split_at(at);
    hash(&[body]) == *stored
}

/// The hash of the recording's own header.
pub(crate) fn hash_of_original(header: &ArchiveHeader) -> Hash {
    hash_of(&header.original.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::tests::{drawn, header, keyring};
    use crate::piece::Kind;

    #[test]
    fn every_flipped_bit_of_a_header_is_found_and_its_key_opens_under_it_alone() {
        let (archive, key) = ArchiveHeader::new(header(1), &keyring(), &drawn(3)).unwrap();
        assert!(key.is_some() && archive.data_key(&keyring()).unwrap().is_some());
        let bytes = archive.to_bytes();
        assert_eq!(ArchiveHeader::read(&bytes).as_ref(), Ok(&archive));
        for bit in 0..8 * bytes.len() {
            let mut other = bytes;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(ArchiveHeader::read(&other).is_err(), "bit {bit}");
        }
        let foreign = ArchiveHeader { original: header(2), ..archive };
        assert!(matches!(foreign.data_key(&keyring()), Err(KeyFault::Refused(_))));
        let (plain, none) = ArchiveHeader::new(header(1), &Keyring::default(), &drawn(3)).unwrap();
        assert!(none.is_none() && ArchiveHeader::read(&plain.to_bytes()) == Ok(plain));
    }

    #[test]
    fn every_flipped_bit_of_an_end_is_found() {
        let mut long = vec![8; SEAL_MOST];
        long[5] = 1;
        for seal in [vec![7; SEAL_BYTES], long] {
            let end = ArchivedEnd { tag: [3; 8], seal };
            let mut bytes = Vec::new();
            end.write(&mut bytes);
            assert_eq!(bytes.len(), end.bytes());
            assert_eq!(Archived::read(&bytes, Some([3; 8])), Some(Archived::End(end)));
            assert_eq!(Archived::read(&bytes, Some([4; 8])), None);
            assert_eq!(Archived::read(&bytes[..50], None), Some(Archived::Cut));
            for bit in 0..8 * bytes.len() {
                let mut other = bytes.clone();
                other[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(ArchivedEnd::read(&other), None, "bit {bit}");
            }
        }
    }

    #[test]
    fn what_begins_no_archived_piece_is_told_from_what_does() {
        let head = Head {
            kind: Kind::Sound,
            is_encrypted: true,
            tag: [1; 8],
            number: 7,
            frames: 4_000,
            previous: [2; 32],
        };
        let (flac, hash) = ((900, 400), [5; 32]);
        let head = ArchivedHead { is_encrypted: true, tag: [3; 8], flac, head, hash };
        let bytes = head.to_bytes();
        assert_eq!(ArchivedHead::read(&bytes), Some(head));
        assert_eq!(head.bytes(), 112 + 100 + 16 + 900 + 16 + 32);
        for (at, byte) in [(0, b'f'), (4, 2), (5, 1), (18, 9), (21, 9), (24, 0), (28, 0)] {
            let mut other = bytes;
            other[at] = byte;
            assert_eq!(ArchivedHead::read(&other), None, "byte {at}");
        }
        assert_eq!(Archived::read(&bytes[..111], None), Some(Archived::Cut));
        assert_eq!(Archived::read(b"noth", None), None);
    }
}
