//! Writes an archive from a recording's own pieces.

use std::fmt;

use crate::flac;
use crate::header::{Hash, Header, field};
use crate::keys::{DataKey, Drawn, KeyFault, Keyring};
use crate::piece::{HASH_BYTES, Head, HeaderTag, Kind, Opener, nonces};

use super::form::{ArchiveHeader, ArchivedEnd, ArchivedHead, HEAD_BYTES};

/// Why a piece is not archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackFault {
    /// It is not the recording's next piece, or not what was written.
    NotNext,
    /// The encoder refused.
    Encoder,
    /// The cipher refused, or the key is not there.
    Key(KeyFault),
}

impl fmt::Display for PackFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNext => f.write_str("a piece is not what was written there"),
            Self::Encoder => f.write_str("the encoder refused"),
            Self::Key(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for PackFault {}

impl From<KeyFault> for PackFault {
    fn from(fault: KeyFault) -> Self {
        Self::Key(fault)
    }
}

/// Writes one archive: bytes come out in the order in which they belong into the file.
#[derive(Debug)]
pub struct Packer {
    hash: Hash,
    tag: HeaderTag,
    key: Option<DataKey>,
    original: Opener,
    number: u32,
}

impl Packer {
    /// Begins the archive of the recording with this header: appends the archive's own to `out`.
    ///
    /// # Errors
    /// The recording's key cannot be opened, or the cipher refused.
    pub fn new(
        original: Header,
        keys: &Keyring,
        drawn: &Drawn,
        out: &mut Vec<u8>,
    ) -> Result<Self, PackFault> {
        let opener = Opener::new(&original, original.data_key(keys)?);
        let (header, key) = ArchiveHeader::new(original, keys, drawn)?;
        out.extend(header.to_bytes());
        let (hash, tag) = (header.hash(), header.tag());
        Ok(Self { hash, tag, key, original: opener, number: 0 })
    }

    /// Appends the recording's next piece, `piece` as it lies in its file, to `out`. What is in
    /// `piece` is decrypted in place.
    ///
    /// # Errors
    /// It is not that, or cannot be written. Nothing was appended that counts.
    pub fn piece(&mut self, piece: &mut [u8], out: &mut Vec<u8>) -> Result<(), PackFault> {
        let head = Head::read(piece).filter(|head| head.number == self.number);
        let head = head.filter(|_| self.original.is_whole(piece)).ok_or(PackFault::NotNext)?;
        let hash = field(piece, piece.len() - HASH_BYTES);
        let peaks = self.original.peaks(piece).ok_or(PackFault::NotNext)?;
        let sound = match head.kind {
            Kind::Silence => [Vec::new(), Vec::new()],
            Kind::Sound => {
                let sound = self.original.sound_of_known(head, piece);
                let sound = &piece[sound.ok_or(PackFault::NotNext)?];
                let side = |from: usize| {
                    let side = sound[from..].chunks(4);
                    flac::encode(side.map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]])))
                };
                [side(0).ok_or(PackFault::Encoder)?, side(2).ok_or(PackFault::Encoder)?]
            }
        };
        let flac = ((sound[0].len() + sound[1].len()) as u32, sound[0].len() as u32);
        let is_encrypted = self.key.is_some();
        let begin = ArchivedHead { is_encrypted, tag: self.tag, flac, head, hash }.to_bytes();
        let from = out.len();
        out.extend(begin);
        out.extend_from_slice(&piece[peaks]);
        let (peaks_nonce, sound_nonce) = nonces(head.number);
        self.encrypt(&begin, peaks_nonce, from + HEAD_BYTES, out)?;
        let at = out.len();
        sound.iter().for_each(|side| out.extend_from_slice(side));
        self.encrypt(&begin, sound_nonce, at, out)?;
        let hash = crate::header::hash(&[&out[from..]]);
        out.extend(hash);
        self.number += 1;
        Ok(())
    }

    /// Appends the end, which is the recording's `seal` as it lies in its file.
    pub fn end(self, seal: &[u8], out: &mut Vec<u8>) {
        ArchivedEnd { tag: self.tag, seal: seal.to_vec() }.write(out);
    }

    /// Encrypts what `out` has from `at` on and appends the tag.
    fn encrypt(
        &self,
        begin: &[u8; HEAD_BYTES],
        nonce: u64,
        at: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), KeyFault> {
        if let Some(key) = &self.key {
            let tag = key.seal(nonce, &binding(&self.hash, begin), &mut out[at..])?;
            out.extend(tag);
        }
        Ok(())
    }
}

/// What encrypted parts are bound to: their archive's header and their piece's beginning.
pub(crate) fn binding(header: &Hash, begin: &[u8; HEAD_BYTES]) -> [u8; HASH_BYTES + HEAD_BYTES] {
    let mut bytes = [0; HASH_BYTES + HEAD_BYTES];
    bytes[..HASH_BYTES].copy_from_slice(header);
    bytes[HASH_BYTES..].copy_from_slice(begin);
    bytes
}
