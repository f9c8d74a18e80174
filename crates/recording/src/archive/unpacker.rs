//! Reads an archive: makes the recording's own pieces again, byte by byte as they were sealed.

use crate::flac::Decoder;
use crate::header::{Hash, hash};
use crate::keys::{DataKey, KeyFault, Keyring, TAG_BYTES};
use crate::piece::{HASH_BYTES, Head, HeaderTag, Kind, encrypt, nonces};

use super::form::{ArchiveHeader, ArchivedHead, HEAD_BYTES, hash_of_original, is_whole_archived};
use super::packer::binding;

/// Reads the pieces of one archive.
#[derive(Debug)]
pub struct Unpacker {
    hash: Hash,
    tag: HeaderTag,
    key: Option<DataKey>,
    /// The recording's own header and key.
    original: (Hash, Option<DataKey>),
    flac: Decoder,
}

impl Unpacker {
    /// For the archive with this header.
    ///
    /// # Errors
    /// Its key, or the recording's own, cannot be opened.
    pub fn new(header: &ArchiveHeader, keys: &Keyring) -> Result<Self, KeyFault> {
        let key = header.data_key(keys)?;
        let original = (hash_of_original(header), header.original.data_key(keys)?);
        let flac = Decoder::new().ok_or(KeyFault::Cipher)?;
        Ok(Self { hash: header.hash(), tag: header.tag(), key, original, flac })
    }

    /// Appends the recording's piece that `archived` stands for to `out`, and says whether it is
    /// what was archived. If not, what is appended has the length of that piece and is none: who
    /// reads it finds it altered, or of another recording where it is that.
    pub fn piece(&mut self, archived: &mut [u8], out: &mut Vec<u8>) -> bool {
        let Some(head) = ArchivedHead::read(archived).filter(|head| head.bytes() == archived.len())
        else {
            return false;
        };
        let from = out.len();
        let whole = is_whole_archived(archived);
        if whole && head.tag == self.tag && self.write(head, archived, out).is_some() {
            return true;
        }
        out.truncate(from);
        out.extend(head.head.to_bytes());
        out.resize(from + head.head.bytes() - HASH_BYTES, 0);
        if whole && head.head.tag != self.original.0[..8] {
            let hash = hash(&[&out[from..]]);
            out.extend(hash);
        } else {
            out.extend(head.hash.map(|byte| !byte));
        }
        false
    }

    /// Appends the beginning of the recording's piece with its peaks, as far as `front`, the
    /// archived piece up to the end of its peaks, is what was archived; zeros for peaks otherwise.
    pub fn front(&self, front: &mut [u8], out: &mut Vec<u8>) {
        let Some(head) = ArchivedHead::read(front) else { return };
        let from = out.len();
        out.extend(head.head.to_bytes());
        if self.peaks(head, front, out).is_none() {
            out.truncate(from);
            out.extend(head.head.to_bytes());
            out.resize(from + head.head.front_bytes(), 0);
        }
    }

    fn write(&mut self, head: ArchivedHead, archived: &mut [u8], out: &mut Vec<u8>) -> Option<()> {
        out.extend(head.head.to_bytes());
        self.peaks(head, archived, out)?;
        if head.head.kind == Kind::Sound {
            let sound = self.open(head, nonces(head.head.number).1, head.sound(), archived)?;
            let (caller, agent) = archived[sound].split_at(head.flac.1 as usize);
            let frames = head.head.frames;
            let (caller, agent) =
                (self.flac.decode(caller, frames)?, self.flac.decode(agent, frames)?);
            let at = out.len();
            for (caller, agent) in caller.iter().zip(&agent) {
                out.extend(caller.to_le_bytes());
                out.extend(agent.to_le_bytes());
            }
            self.close(head.head, nonces(head.head.number).1, at, out)?;
        }
        out.extend(head.hash);
        Some(())
    }

    fn peaks(&self, head: ArchivedHead, archived: &mut [u8], out: &mut Vec<u8>) -> Option<()> {
        let nonce = nonces(head.head.number).0;
        let peaks = self.open(head, nonce, head.peaks(), archived)?;
        let at = out.len();
        out.extend_from_slice(&archived[peaks]);
        self.close(head.head, nonce, at, out)
    }

    /// Decrypts a part of an archived piece in place and says where it is.
    fn open(
        &self,
        head: ArchivedHead,
        nonce: u64,
        part: std::ops::Range<usize>,
        bytes: &mut [u8],
    ) -> Option<std::ops::Range<usize>> {
        let begin: [u8; HEAD_BYTES] = head.to_bytes();
        let is_ours = head.tag == self.tag && head.is_encrypted == self.key.is_some();
        let bytes = bytes.get_mut(part.clone()).filter(|_| is_ours)?;
        let Some(key) = &self.key else { return Some(part) };
        let is_open = key.open(nonce, &binding(&self.hash, &begin), bytes);
        is_open.then_some(part.start..part.end - TAG_BYTES)
    }

    /// Encrypts what `out` has from `at` on as the recording's own piece has it. That is the same
    /// again under the same number, and is compared, not kept.
    fn close(&self, head: Head, nonce: u64, at: usize, out: &mut Vec<u8>) -> Option<()> {
        let (header, key) = &self.original;
        if head.is_encrypted != key.is_some() || head.tag != header[..8] {
            return None;
        }
        encrypt(key.as_ref(), (header, head), nonce, at, out).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::tests::{drawn, header, keyring};
    use crate::header::{Header, TAPE_HEADER_BYTES, field};
    use crate::{ARCHIVE_HEADER_BYTES, Archived, PIECE_FRAMES, Packer, Tape};

    /// A recording's file, and where its parts begin.
    fn taped(keys: &Keyring) -> (Vec<u8>, Vec<usize>) {
        let (header, key) = header(1).with_key(keys, &drawn(3)).unwrap();
        let (mut file, mut parts) = (Vec::new(), Vec::new());
        let mut tape = Tape::new(&header, key, &mut file);
        let voice = said();
        for _ in 0..2 {
            parts.push(file.len());
            tape.sound(&voice, &mut file).unwrap();
        }
        parts.push(file.len());
        tape.silence(&mut file).unwrap();
        parts.push(file.len());
        tape.sound(&voice[..14], &mut file).unwrap();
        parts.push(file.len());
        tape.seal(&mut file).unwrap();
        parts.push(file.len());
        (file, parts)
    }

    /// A piece of two voices, interleaved.
    fn said() -> Vec<i16> {
        let voices = [3, 4].map(|n| media::tone::voice(n, 12_000, PIECE_FRAMES as usize));
        voices[0].iter().zip(&voices[1]).flat_map(|(a, b)| [*a, *b]).collect()
    }

    fn packed(file: &[u8], parts: &[usize], keys: &Keyring, seed: u8) -> Vec<u8> {
        let bytes: [u8; TAPE_HEADER_BYTES] = field(file, 0);
        let mut out = Vec::new();
        let mut packer =
            Packer::new(Header::read(&bytes).unwrap(), keys, &drawn(seed), &mut out).unwrap();
        let seal = parts.len() - 2;
        for ends in parts[..=seal].windows(2) {
            packer.piece(&mut file[ends[0]..ends[1]].to_vec(), &mut out).unwrap();
        }
        packer.end(&file[parts[seal]..], &mut out);
        out
    }

    fn unpacked(archive: &[u8], keys: &Keyring) -> Vec<u8> {
        let bytes: [u8; ARCHIVE_HEADER_BYTES] = field(archive, 0);
        let header = ArchiveHeader::read(&bytes).unwrap();
        let mut unpacker = Unpacker::new(&header, keys).unwrap();
        let (mut out, mut at) = (header.original.to_bytes().to_vec(), ARCHIVE_HEADER_BYTES);
        loop {
            match Archived::read(&archive[at..], None).unwrap() {
                Archived::Piece(head) => {
                    let piece = &mut archive[at..at + head.bytes()].to_vec();
                    let (from, mut front) = (out.len(), Vec::new());
                    unpacker.front(&mut piece[..head.front_bytes()].to_vec(), &mut front);
                    assert!(unpacker.piece(piece, &mut out));
                    assert_eq!(front, out[from..from + head.head.front_bytes()]);
                    at += head.bytes();
                }
                Archived::End(end) => {
                    out.extend(&end.seal);
                    assert_eq!(at + end.bytes(), archive.len());
                    return out;
                }
                Archived::Cut => panic!("cut at {at}"),
            }
        }
    }

    #[test]
    fn what_was_archived_comes_back_byte_by_byte_encrypted_or_not() {
        for (taped_by, packed_by) in [
            (Keyring::default(), Keyring::default()),
            (Keyring::default(), keyring()),
            (keyring(), keyring()),
        ] {
            let (file, parts) = taped(&taped_by);
            let archive = packed(&file, &parts, &packed_by, 9);
            assert!(archive.len() < file.len() * 4 / 5, "{} of {}", archive.len(), file.len());
            assert_eq!(unpacked(&archive, &packed_by), file);
        }
    }

    #[test]
    fn two_archives_of_one_recording_have_no_encrypted_byte_in_common() {
        let (file, parts) = taped(&keyring());
        let (one, other) =
            (packed(&file, &parts, &keyring(), 8), packed(&file, &parts, &keyring(), 9));
        let (from, to) = (ARCHIVE_HEADER_BYTES + HEAD_BYTES, ARCHIVE_HEADER_BYTES + 3_000);
        let same = one[from..to].iter().zip(&other[from..to]).filter(|(a, b)| a == b).count();
        assert!(same < 100, "{same} bytes");
        let side = crate::flac::encode(said().chunks(2).map(|frame| frame[0])).unwrap();
        assert!(!one.windows(16).any(|bytes| *bytes == side[40..56]), "FLAC in the clear");
    }

    #[test]
    fn what_is_not_the_next_piece_or_not_whole_is_not_archived() {
        let (file, parts) = taped(&Keyring::default());
        let header = Header::read(&field(&file, 0)).unwrap();
        let mut out = Vec::new();
        let mut packer = Packer::new(header.clone(), &keyring(), &drawn(5), &mut out).unwrap();
        let mut second = file[parts[1]..parts[2]].to_vec();
        assert!(packer.piece(&mut second, &mut out).is_err(), "it is not the first");
        let mut altered = file[parts[0]..parts[1]].to_vec();
        altered[700] ^= 1;
        assert!(packer.piece(&mut altered, &mut out).is_err());
        let (locked, _) = header.with_key(&keyring(), &drawn(3)).unwrap();
        let none = Packer::new(locked, &Keyring::default(), &drawn(5), &mut out);
        assert!(none.is_err(), "its key is not there");
    }
}
