//! How a recording's file begins: whose it is, when it began, what form its sound has, its key.
//!
//! ```text
//!   0  magic "HOTLTAPE"       24  recording     64  name of the master key, zeros behind it
//!   8  version, u16: 1        32  call          96  nonce of the wrapped key
//!  10  codec, u8: 1 = L16     40  Wall, i64    108  the wrapped key and its tag
//!  11  channels, u8           48  Mono, u64    156  zeros
//!  12  rate, u32              56  cipher, u8:  160  SHA-256 of all before
//!  16  bytes of the header         0 none
//!  20  frames of a piece           1 AES-256-GCM, then zeros
//! ```
//! Numbers are little-endian. The wrapped key is bound to the first 96 bytes.

use model::{CallId, Id, Mono, RecordingId, Wall};
use sha2::{Digest, Sha256};

use crate::keys::{DataKey, Drawn, KeyFault, Keyring, NAME_MAX, WRAPPED_BYTES, Wrapped};
use crate::wav::RATE;

/// Bytes of a header.
pub const TAPE_HEADER_BYTES: usize = 192;
/// Frames of a piece, but for the last: half a second, so that no piece has parts of two seconds
/// and what a killed process loses stays below one.
pub const PIECE_FRAMES: u32 = RATE / 2;
/// How a file begins.
pub const TAPE_MAGIC: [u8; 8] = *b"HOTLTAPE";

/// The version that is written.
const VERSION: u16 = 1;
const L16: u8 = 1;
const CHANNELS: u8 = 2;
const BOUND_BYTES: usize = 96;
const HASH_AT: usize = 160;

/// A SHA-256.
pub(crate) type Hash = [u8; 32];

/// SHA-256 of all parts, one after the other.
pub(crate) fn hash(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// The bytes of a field; zeros where there are none.
pub(crate) fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut field = [0; N];
    if let Some(found) = bytes.get(at..at + N) {
        field.copy_from_slice(found);
    }
    field
}

/// What a recording's file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The recording.
    pub recording: RecordingId,
    /// Its call.
    pub call: CallId,
    /// The time of day of its first frame.
    pub wall: Wall,
    /// The engine's clock at its first frame.
    pub mono: Mono,
    /// Its key; `None` if it is not encrypted.
    pub key: Option<Wrapped>,
}

/// Why bytes are not the header of a recording that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    /// It is no recording.
    NotOurs,
    /// It is whole, and of a version or form that is not known here.
    Newer,
    /// It is not what was written.
    Altered,
}

impl Header {
    /// The header with a key of its own, if there is a master key; and that key.
    ///
    /// # Errors
    /// The cipher refused.
    pub fn with_key(
        mut self,
        keys: &Keyring,
        drawn: &Drawn,
    ) -> Result<(Self, Option<DataKey>), KeyFault> {
        self.key = None;
        let bound_to = |name: &str| self.bound(Some(name)).to_vec();
        match keys.wrap(drawn, bound_to) {
            None => Ok((self, None)),
            Some(wrapped) => {
                let (wrapped, key) = wrapped?;
                self.key = Some(wrapped);
                Ok((self, Some(key)))
            }
        }
    }

    /// The recording's key, opened; `None` if it is not encrypted.
    ///
    /// # Errors
    /// The master key is not there, or is another.
    pub fn data_key(&self, keys: &Keyring) -> Result<Option<DataKey>, KeyFault> {
        let Some(wrapped) = &self.key else { return Ok(None) };
        keys.unwrap(wrapped, &self.bound(Some(&wrapped.name))).map(Some)
    }

    /// What the wrapped key is bound to.
    fn bound(&self, name: Option<&str>) -> [u8; BOUND_BYTES] {
        let mut bytes = [0; BOUND_BYTES];
        bytes[..8].copy_from_slice(&TAPE_MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[10] = L16;
        bytes[11] = CHANNELS;
        bytes[12..16].copy_from_slice(&RATE.to_le_bytes());
        bytes[16..20].copy_from_slice(&(TAPE_HEADER_BYTES as u32).to_le_bytes());
        bytes[20..24].copy_from_slice(&PIECE_FRAMES.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.recording.0.0.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.call.0.0.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.wall.0.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.mono.0.to_le_bytes());
        if let Some(name) = name {
            bytes[56] = 1;
            for (byte, letter) in bytes[64..].iter_mut().zip(name.bytes()) {
                *byte = letter;
            }
        }
        bytes
    }

    /// As it is written.
    pub fn to_bytes(&self) -> [u8; TAPE_HEADER_BYTES] {
        let mut bytes = [0; TAPE_HEADER_BYTES];
        let name = self.key.as_ref().map(|key| key.name.as_str());
        bytes[..BOUND_BYTES].copy_from_slice(&self.bound(name));
        if let Some(key) = &self.key {
            bytes[96..108].copy_from_slice(&key.nonce);
            bytes[108..108 + WRAPPED_BYTES].copy_from_slice(&key.key);
        }
        let hash = hash(&[&bytes[..HASH_AT]]);
        bytes[HASH_AT..].copy_from_slice(&hash);
        bytes
    }

    /// Reads what [`Header::to_bytes`] wrote.
    ///
    /// # Errors
    /// It was not, or not by this version.
    pub fn read(bytes: &[u8; TAPE_HEADER_BYTES]) -> Result<Self, HeaderFault> {
        if bytes[..8] != TAPE_MAGIC {
            return Err(HeaderFault::NotOurs);
        }
        if hash(&[&bytes[..HASH_AT]]) != bytes[HASH_AT..] {
            return Err(HeaderFault::Altered);
        }
        let id = |at| Id(u64::from_le_bytes(field(bytes, at)));
        let name = bytes[64..64 + NAME_MAX].split(|byte| *byte == 0).next().unwrap_or_default();
        let key = match bytes[56] {
            0 => None,
            1 => Some(Wrapped {
                name: String::from_utf8_lossy(name).into_owned(),
                nonce: field(bytes, 96),
                key: field(bytes, 108),
            }),
            _ => return Err(HeaderFault::Newer),
        };
        let header = Self {
            recording: RecordingId(id(24)),
            call: CallId(id(32)),
            wall: Wall(i64::from_le_bytes(field(bytes, 40))),
            mono: Mono(u64::from_le_bytes(field(bytes, 48))),
            key,
        };
        // Whatever else is in it is constant in this version.
        if header.to_bytes() == *bytes { Ok(header) } else { Err(HeaderFault::Newer) }
    }
}

/// The hash of a header, by which its pieces name it.
pub(crate) fn hash_of(bytes: &[u8; TAPE_HEADER_BYTES]) -> Hash {
    field(bytes, HASH_AT)
}

#[cfg(test)]
pub(crate) mod tests {
    use zeroize::Zeroizing;

    use super::*;

    pub(crate) fn header(counter: u32) -> Header {
        Header {
            recording: RecordingId(Id::new(1, 2, counter)),
            call: CallId(Id::new(1, 2, 1_000 + counter)),
            wall: Wall(1_763_800_000_000_000),
            mono: Mono(77_000_000_000),
            key: None,
        }
    }

    pub(crate) fn keyring() -> Keyring {
        Keyring::parse(&format!("k1 = {}", "5a".repeat(32))).unwrap()
    }

    pub(crate) fn drawn(seed: u8) -> Drawn {
        Drawn { key: Zeroizing::new([seed; 32]), nonce: [seed; 12] }
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let plain = header(5);
        assert_eq!(Header::read(&plain.to_bytes()), Ok(plain.clone()));
        assert!(plain.data_key(&keyring()).unwrap().is_none());
        let (locked, key) = plain.clone().with_key(&keyring(), &drawn(9)).unwrap();
        assert!(key.is_some());
        let read = Header::read(&locked.to_bytes()).unwrap();
        assert_eq!(read, locked);
        assert!(read.data_key(&keyring()).unwrap().is_some());
        let same = plain.clone().with_key(&Keyring::default(), &drawn(9)).unwrap();
        assert_eq!(same.0, plain);
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_found() {
        let (locked, _) = header(5).with_key(&keyring(), &drawn(9)).unwrap();
        let bytes = locked.to_bytes();
        for bit in 0..8 * TAPE_HEADER_BYTES {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let fault = if bit < 64 { HeaderFault::NotOurs } else { HeaderFault::Altered };
            assert_eq!(Header::read(&flipped), Err(fault), "bit {bit}");
        }
    }

    #[test]
    fn a_key_moved_into_another_header_does_not_open() {
        let (locked, _) = header(5).with_key(&keyring(), &drawn(9)).unwrap();
        let moved = Header { key: locked.key.clone(), ..header(6) };
        let refused = Err(KeyFault::Refused("k1".to_owned()));
        assert_eq!(moved.data_key(&keyring()).map(|_| ()), refused);
    }

    #[test]
    fn what_a_later_version_wrote_is_said_to_be_that() {
        let mut bytes = header(5).to_bytes();
        bytes[8] = 2;
        let hash = hash(&[&bytes[..HASH_AT]]);
        bytes[HASH_AT..].copy_from_slice(&hash);
        assert_eq!(Header::read(&bytes), Err(HeaderFault::Newer));
    }
}
