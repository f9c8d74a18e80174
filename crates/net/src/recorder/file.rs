//! One recording's file: pieces are made of what was taped and appended as the disk takes them.
//!
//! Writing may fail and be tried again later: the bytes of a piece are made once and written until
//! all of them are there. What waits longer than there is room for is given up, piece by piece,
//! and stands in the file as silence of its length.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::PathBuf;

use model::Seal;
use recording::{Header, Keyring, PIECE_FRAMES, Tape};

use super::draw;

/// Samples of a piece, both sides.
const PIECE: usize = 2 * PIECE_FRAMES as usize;
/// Samples that wait for the disk: two seconds.
const WAITING_LIMIT: usize = 4 * PIECE;
/// Samples for which there is room from the beginning: a piece and what comes until it is stored.
const ROOM: usize = PIECE + PIECE / 4;

/// One recording's file.
pub(crate) struct TapeFile {
    path: PathBuf,
    /// Made by the first store that succeeds in it.
    file: Option<File>,
    /// What makes the bytes; nothing any more once it has made the seal.
    tape: Option<Tape>,
    seal: Option<Seal>,
    /// What was taped and is in no piece yet.
    samples: Vec<i16>,
    /// Pieces before those samples that were given up.
    lost: u32,
    given_up: u32,
    /// Bytes that were made and that the disk has not taken, and where they belong.
    made: Vec<u8>,
    at: u64,
}

impl TapeFile {
    /// A file that is to be made at `path`, encrypted if there is a master key.
    ///
    /// # Errors
    /// The system gives no randomness, or the cipher refuses.
    pub(crate) fn new(path: PathBuf, header: Header, keys: &Keyring) -> io::Result<Self> {
        let (header, key) = header.with_key(keys, &draw()?).map_err(io::Error::other)?;
        let mut made = Vec::new();
        let tape = Some(Tape::new(&header, key, &mut made));
        let (file, seal, samples) = (None, None, Vec::with_capacity(ROOM));
        Ok(Self { path, file, tape, seal, samples, lost: 0, given_up: 0, made, at: 0 })
    }

    /// Appends interleaved frames, in memory.
    pub(crate) fn write(&mut self, frames: &[i16]) {
        if self.samples.len() >= WAITING_LIMIT {
            self.samples.drain(..PIECE);
            self.lost += 1;
            self.given_up += 1;
        }
        self.samples.extend_from_slice(frames);
    }

    /// Whether there is something to store: the file itself, or a piece.
    pub(crate) fn is_due(&self) -> bool {
        let waits = !self.made.is_empty() || self.lost > 0;
        self.file.is_none() || waits || self.samples.len() >= PIECE
    }

    /// Writes all whole pieces; `bytes` is room to make them in.
    ///
    /// # Errors
    /// What the disk says; to be called again later.
    pub(crate) fn store(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(create(&self.path)?);
        }
        let made = std::mem::take(&mut self.made);
        self.append(&made)?;
        while let Some(tape) = &mut self.tape {
            bytes.clear();
            if self.lost > 0 {
                tape.silence(bytes).map_err(io::Error::other)?;
                self.lost -= 1;
            } else if self.samples.len() >= PIECE {
                tape.sound(&self.samples[..PIECE], bytes).map_err(io::Error::other)?;
                self.samples.drain(..PIECE);
            } else {
                break;
            }
            self.append(bytes)?;
        }
        self.samples.shrink_to(ROOM);
        Ok(())
    }

    /// Pieces that were given up since this was asked last.
    pub(crate) fn newly_given_up(&mut self) -> u32 {
        std::mem::take(&mut self.given_up)
    }

    /// Stores the rest and the seal.
    ///
    /// # Errors
    /// What the disk says; to be called again later.
    pub(crate) fn finish(&mut self, bytes: &mut Vec<u8>) -> io::Result<Seal> {
        self.store(bytes)?;
        bytes.clear();
        if let Some(tape) = self.tape.as_mut().filter(|_| !self.samples.is_empty()) {
            tape.sound(&self.samples, bytes).map_err(io::Error::other)?;
            self.samples = Vec::new();
        }
        if let Some(tape) = self.tape.take() {
            self.seal = Some(tape.seal(bytes));
        }
        self.append(bytes)?;
        self.seal.clone().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Writes bytes behind all that is there. Those that the disk does not take are kept.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = &self.file else { return Err(io::ErrorKind::NotFound.into()) };
        let mut rest = bytes;
        let written = loop {
            if rest.is_empty() {
                break Ok(());
            }
            match file.write_at(rest, self.at) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    rest = &rest[count..];
                    self.at += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.made.extend_from_slice(rest);
        written
    }
}

/// Makes the file and the folders above it, readable by owner and group alone. A recording that
/// is there already is never overwritten.
pub(super) fn create(path: &PathBuf) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o750).create(folder)?;
    }
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o640).open(path)
}

#[cfg(test)]
pub(super) mod tests {
    use model::{CallId, Id, Mono, RecordingId, Wall};
    use recording::{Expected, SEAL_BYTES, TAPE_HEADER_BYTES};

    use super::super::audio::Audio;
    use super::*;

    pub(crate) fn header() -> Header {
        Header {
            recording: RecordingId(Id::new(1, 1, 1)),
            call: CallId(Id::new(1, 1, 2)),
            wall: Wall(3),
            mono: Mono(4),
            key: None,
        }
    }

    pub(crate) fn keys() -> Keyring {
        Keyring::parse(&format!("k1 = {}", "07".repeat(32))).unwrap()
    }

    pub(crate) fn played(path: &std::path::Path, keys: &Keyring) -> Vec<i16> {
        let audio = std::io::BufReader::new(Audio::open(path, keys).unwrap());
        let mut reader = hound::WavReader::new(audio).unwrap();
        assert_eq!(reader.spec(), recording::SPEC);
        reader.samples::<i16>().map(Result::unwrap).collect()
    }

    fn assert_whole(path: &std::path::Path, seal: Seal, keys: &Keyring) {
        let expected = Expected { recording: Some(header().recording), seal: Some(seal) };
        let verdict = super::super::verify(path, &expected, keys).unwrap();
        assert_eq!(verdict, super::super::Verdict::Ok);
    }

    #[test]
    fn the_file_plays_after_every_store_and_is_whole_at_the_end() {
        for keys in [Keyring::default(), keys()] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("2025/01/01/r1-1-1.tape");
            let mut file = TapeFile::new(path.clone(), header(), &keys).unwrap();
            let mut bytes = Vec::new();
            assert!(file.is_due(), "the file itself is");
            file.store(&mut bytes).unwrap();
            assert!(!file.is_due());
            assert!(played(&path, &keys).is_empty());
            for pieces in 1..4 {
                file.write(&[pieces as i16; PIECE]);
                assert!(file.is_due());
                file.store(&mut bytes).unwrap();
                assert_eq!(played(&path, &keys).len(), pieces * PIECE);
            }
            file.write(&[9; 20]);
            assert!(!file.is_due());
            let seal = file.finish(&mut bytes).unwrap();
            assert_eq!(seal.frames, 12_010);
            assert_eq!(file.finish(&mut bytes).unwrap(), seal, "once is enough");
            let played = played(&path, &keys);
            assert!(played[..PIECE].iter().all(|sample| *sample == 1));
            assert_eq!(played[3 * PIECE..], [9; 20]);
            assert_whole(&path, seal, &keys);
        }
    }

    #[test]
    fn a_recording_that_is_there_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r1-1-1.tape");
        std::fs::write(&path, b"evidence").unwrap();
        let mut file = TapeFile::new(path.clone(), header(), &Keyring::default()).unwrap();
        let error = file.store(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        drop(file);
        assert_eq!(std::fs::read(&path).unwrap(), b"evidence");
    }

    #[test]
    fn what_waits_too_long_becomes_silence_of_its_length() {
        for keys in [Keyring::default(), keys()] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("r1-1-1.tape");
            let mut file = TapeFile::new(path.clone(), header(), &keys).unwrap();
            for block in 0..6 * PIECE / 320 {
                file.write(&[block as i16 + 1; 320]);
            }
            assert_eq!((file.newly_given_up(), file.newly_given_up()), (2, 0));
            let seal = file.finish(&mut Vec::new()).unwrap();
            assert_eq!(seal.frames, 6 * u64::from(PIECE_FRAMES));
            let played = played(&path, &keys);
            assert!(played[..2 * PIECE].iter().all(|sample| *sample == 0));
            assert_eq!(played[2 * PIECE], 2 * PIECE as i16 / 320 + 1);
            assert_whole(&path, seal, &keys);
        }
    }

    #[test]
    fn a_failed_store_loses_nothing_and_encrypts_nothing_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r1-1-1.tape");
        let keys = keys();
        let mut file = TapeFile::new(path.clone(), header(), &keys).unwrap();
        let mut bytes = Vec::new();
        file.store(&mut bytes).unwrap();
        let writable = file.file.replace(File::open(&path).unwrap());
        file.write(&[5; PIECE]);
        assert!(file.store(&mut bytes).is_err());
        let kept = file.made.clone();
        assert!(file.store(&mut bytes).is_err());
        assert_eq!(file.made, kept, "the same bytes wait");
        assert!(file.finish(&mut bytes).is_err());
        file.file = writable;
        let seal = file.finish(&mut bytes).unwrap();
        assert_eq!(std::fs::read(&path).unwrap()[TAPE_HEADER_BYTES..][..kept.len()], kept);
        assert_eq!(seal.bytes, (TAPE_HEADER_BYTES + kept.len() + SEAL_BYTES) as u64);
        assert_whole(&path, seal, &keys);
    }
}
