//! What verifying a recording tells; and the seal of an old one, which is over its whole file.

use model::Seal;
use sha2::{Digest, Sha256};

use crate::faults::Report;
use crate::keys::KeyFault;
use crate::wav::{FRAME_BYTES, HEADER_BYTES};

/// Computes the seal of a WAV file that is handed in piece by piece, from its first byte.
#[derive(Debug, Clone, Default)]
pub struct Sealer {
    hash: Sha256,
    bytes: u64,
}

impl Sealer {
    /// Nothing handed in yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The file's next bytes.
    pub fn update(&mut self, piece: &[u8]) {
        self.hash.update(piece);
        self.bytes += piece.len() as u64;
    }

    /// The seal of all that was handed in.
    pub fn finish(self) -> Seal {
        Seal {
            sha256: hex::encode(self.hash.finalize()),
            bytes: self.bytes,
            frames: self.bytes.saturating_sub(HEADER_BYTES as u64) / FRAME_BYTES,
        }
    }
}

/// What verifying a recording found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is byte by byte what was sealed.
    Ok,
    /// It is what was sealed, as far as can be told without its key.
    Undecrypted(KeyFault),
    /// It is not there.
    Missing,
    /// It was never sealed, and is of the old form: nothing can be told of it.
    Unknown,
    /// It is not what was written; the report says where.
    Damaged(Box<Report>),
    /// An old one that is not what was sealed.
    Changed {
        /// What was sealed.
        sealed: Seal,
        /// What is there.
        found: Seal,
    },
}

/// Compares what was sealed with what is there now, `None` if nothing is.
pub fn compare(sealed: &Seal, found: Option<Seal>) -> Verdict {
    match found {
        None => Verdict::Missing,
        Some(found) if found == *sealed => Verdict::Ok,
        Some(found) => Verdict::Changed { sealed: sealed.clone(), found },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(pieces: &[&[u8]]) -> Seal {
        let mut sealer = Sealer::new();
        for piece in pieces {
            sealer.update(piece);
        }
        sealer.finish()
    }

    #[test]
    fn the_seal_is_the_sha_256_of_the_whole() {
        // FIPS 180-2, appendix B.1.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(seal(&[b"a", b"", b"bc"]).sha256, known);
        assert_eq!(seal(&[&[0; 44], &[1; 9]]).frames, 2);
        assert_eq!(seal(&[&[0; 44], &[1; 9]]).bytes, 53);
    }

    #[test]
    fn every_change_is_found() {
        let sealed = seal(&[b"voices"]);
        assert_eq!(compare(&sealed, Some(seal(&[b"voi", b"ces"]))), Verdict::Ok);
        assert_eq!(compare(&sealed, None), Verdict::Missing);
        for other in [&b"voicet"[..], b"voice", b"voicess", b"", b"ovices"] {
            let found = seal(&[other]);
            let verdict = compare(&sealed, Some(found.clone()));
            assert_eq!(verdict, Verdict::Changed { sealed: sealed.clone(), found });
        }
    }
}
