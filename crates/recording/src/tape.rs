//! Writes a recording: its header, piece after piece, its seal. Bytes come out in the order in
//! which they belong into the file; none of them is ever changed afterwards.

use model::Seal;

use crate::header::{Hash, Header, PIECE_FRAMES, hash, hash_of};
use crate::keys::{DataKey, KeyFault};
use crate::peaks;
use crate::piece::{End, Head, HeaderTag, Kind, encrypt, nonces};

/// Writes one recording.
#[derive(Debug)]
pub struct Tape {
    header: Hash,
    key: Option<DataKey>,
    /// The hash of the piece before.
    previous: Hash,
    number: u32,
    frames: u64,
    bytes: u64,
}

impl Tape {
    /// Begins a recording: appends its header to `out`.
    pub fn new(header: &Header, key: Option<DataKey>, out: &mut Vec<u8>) -> Self {
        let bytes = header.to_bytes();
        out.extend(bytes);
        let hash = hash_of(&bytes);
        let (number, frames) = (0, 0);
        Self { header: hash, key, previous: hash, number, frames, bytes: bytes.len() as u64 }
    }

    /// Appends a piece with these interleaved frames to `out`: [`PIECE_FRAMES`] of them, in the
    /// last piece 1 to that.
    ///
    /// # Errors
    /// The cipher refused. Nothing was written.
    pub fn sound(&mut self, frames: &[i16], out: &mut Vec<u8>) -> Result<(), KeyFault> {
        let head = self.head(Kind::Sound, (frames.len() / 2) as u32);
        let from = out.len();
        out.extend(head.to_bytes());
        let (peaks_nonce, sound_nonce) = nonces(head.number);
        let peaks_at = out.len();
        peaks::push(frames, out);
        let encrypted = self.encrypt(head, peaks_nonce, peaks_at, out).and_then(|()| {
            let sound_at = out.len();
            out.extend(frames.iter().flat_map(|sample| sample.to_le_bytes()));
            self.encrypt(head, sound_nonce, sound_at, out)
        });
        self.end_piece(head, from, encrypted, out)
    }

    /// Appends a piece of silence for a whole piece that was lost.
    ///
    /// # Errors
    /// The cipher refused. Nothing was written.
    pub fn silence(&mut self, out: &mut Vec<u8>) -> Result<(), KeyFault> {
        let head = self.head(Kind::Silence, PIECE_FRAMES);
        let from = out.len();
        out.extend(head.to_bytes());
        let (nonce, _) = nonces(head.number);
        let encrypted = self.encrypt(head, nonce, out.len(), out);
        self.end_piece(head, from, encrypted, out)
    }

    /// Appends the seal to `out`: nothing may follow it.
    ///
    /// # Errors
    /// The cipher refused. Nothing was written.
    pub fn seal(self, out: &mut Vec<u8>) -> Result<Seal, KeyFault> {
        let mut end = End {
            is_recovered: false,
            tag: tag(&self.header),
            pieces: self.number,
            frames: self.frames,
            previous: self.previous,
            key_tag: None,
        };
        if let Some(key) = &self.key {
            end = end.with_tag(&self.header, key)?;
        }
        Ok(seal(end, self.bytes, out))
    }

    /// Frames written so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    fn head(&self, kind: Kind, frames: u32) -> Head {
        Head {
            kind,
            is_encrypted: self.key.is_some(),
            tag: tag(&self.header),
            number: self.number,
            frames,
            previous: self.previous,
        }
    }

    /// Encrypts what `out` has from `at` on and appends the tag.
    fn encrypt(
        &self,
        head: Head,
        nonce: u64,
        at: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), KeyFault> {
        encrypt(self.key.as_ref(), (&self.header, head), nonce, at, out)
    }

    fn end_piece(
        &mut self,
        head: Head,
        from: usize,
        encrypted: Result<(), KeyFault>,
        out: &mut Vec<u8>,
    ) -> Result<(), KeyFault> {
        if encrypted.is_err() {
            out.truncate(from);
            return encrypted;
        }
        self.previous = hash(&[&out[from..]]);
        out.extend(self.previous);
        self.bytes += (out.len() - from) as u64;
        self.number += 1;
        self.frames += u64::from(head.frames);
        Ok(())
    }
}

/// How pieces name their header.
pub(crate) fn tag(header: &Hash) -> HeaderTag {
    crate::header::field(header, 0)
}

/// Appends a seal that stands at byte `at` of its file.
pub(crate) fn seal(end: End, at: u64, out: &mut Vec<u8>) -> Seal {
    let from = out.len();
    end.write(out);
    Seal {
        sha256: hex::encode(End::hash(&out[from..])),
        bytes: at + (out.len() - from) as u64,
        frames: end.frames,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::TAPE_HEADER_BYTES;
    use crate::header::tests::{drawn, header, keyring};
    use crate::piece::{Opener, PIECE_MOST, SEAL_MOST};

    fn samples(seed: i16) -> Vec<i16> {
        (0..2 * PIECE_FRAMES as i16).map(|n| n.wrapping_mul(seed)).collect()
    }

    #[test]
    fn what_is_written_is_read_with_and_without_encryption() {
        for is_encrypted in [false, true] {
            let (header, key) = match is_encrypted {
                true => header(1).with_key(&keyring(), &drawn(3)).unwrap(),
                false => (header(1), None),
            };
            let mut file = Vec::new();
            let mut tape = Tape::new(&header, key, &mut file);
            tape.sound(&samples(3), &mut file).unwrap();
            tape.silence(&mut file).unwrap();
            tape.sound(&samples(5)[..10], &mut file).unwrap();
            assert_eq!(tape.frames(), 8_005);
            let seal = tape.seal(&mut file).unwrap();
            assert_eq!((seal.frames, seal.bytes), (8_005, file.len() as u64));

            let opener = Opener::new(&header, header.data_key(&keyring()).unwrap());
            let mut at = TAPE_HEADER_BYTES;
            let mut read = Vec::new();
            let end = opener.seal_at_end(&file).unwrap();
            assert_eq!(end, (seal.sha256, seal.frames));
            while file.len() - at > SEAL_MOST {
                let head = Head::read(&file[at..]).unwrap();
                let piece = &mut file[at..at + head.bytes()].to_vec();
                let front = &mut piece[..head.front_bytes()].to_vec();
                let peaks = opener.peaks(front).unwrap();
                let mut wanted = Vec::new();
                assert!(
                    opener.is_whole(piece) && opener.names(&file[at + piece.len()..], Some(piece))
                );
                assert_eq!(opener.names(&file[at..], None), head.number == 0);
                let sound = opener.sound(piece).unwrap();
                let sound: Vec<i16> = piece[sound]
                    .chunks(2)
                    .map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]]))
                    .collect();
                if head.kind == Kind::Sound {
                    peaks::push(&sound, &mut wanted);
                }
                assert_eq!(front[peaks], wanted);
                read.push(sound);
                at += head.bytes();
            }
            assert_eq!(read, [samples(3), Vec::new(), samples(5)[..10].to_vec()]);
        }
    }

    #[test]
    fn nothing_that_was_said_is_in_an_encrypted_file_and_no_two_pieces_are_alike() {
        let (header, key) = header(1).with_key(&keyring(), &drawn(3)).unwrap();
        let mut file = Vec::new();
        let mut tape = Tape::new(&header, key, &mut file);
        for _ in 0..4 {
            tape.sound(&[0x2a2a; 2 * PIECE_FRAMES as usize], &mut file).unwrap();
        }
        assert_eq!(file.len(), TAPE_HEADER_BYTES + 4 * PIECE_MOST);
        assert!(!file.windows(4).any(|bytes| bytes == [0x2a; 4]));
        let bodies: std::collections::BTreeSet<&[u8]> =
            file[TAPE_HEADER_BYTES..].chunks(PIECE_MOST).map(|piece| &piece[60..200]).collect();
        assert_eq!(bodies.len(), 4);
    }
}
