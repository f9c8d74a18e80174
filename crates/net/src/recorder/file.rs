//! One recording's file: pieces are made of what was taped and appended as the disk takes them.
//!
//! Writing may fail and be tried again later: the bytes of a piece are made once and written until
//! all of them are there. While the disk fails, what waits longer than there is room for is given
//! up, piece by piece, and stands in the file as silence of its length. What a failed flush may
//! have lost is read back and written again, byte by byte what it was.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::PathBuf;

use model::Seal;
use recording::{Header, Keyring, PIECE_FRAMES, Tape};

use super::draw;
use super::flushes::{AtRisk, Flushed, Flushes};

/// Samples of a piece, both sides.
const PIECE: usize = 2 * PIECE_FRAMES as usize;
/// Samples that wait for the disk: two seconds.
const WAITING_LIMIT: usize = 4 * PIECE;
/// Samples for which there is room from the beginning: a piece and what comes until it is stored.
const ROOM: usize = PIECE + PIECE / 4;
/// Bytes that are written again at most: two minutes. What was behind no good flush for longer
/// stays unsealed.
const AGAIN_LIMIT: u64 = 4 * 1_024 * 1_024;

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
    /// Where the part begins that was written last.
    part: u64,
    flushes: Flushes,
    risk: AtRisk,
    /// From where on to write again.
    again: Option<u64>,
    is_doubtful: bool,
    has_stored: bool,
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
        Ok(Self {
            path,
            file: None,
            tape,
            seal: None,
            samples: Vec::with_capacity(ROOM),
            lost: 0,
            given_up: 0,
            made,
            at: 0,
            part: 0,
            flushes: Flushes::default(),
            risk: AtRisk::default(),
            again: None,
            is_doubtful: false,
            has_stored: false,
        })
    }

    /// Its disk is flushed by these.
    pub(crate) fn flushed_by(mut self, flushes: Flushes) -> Self {
        self.flushes = flushes;
        self
    }

    /// Appends interleaved frames, in memory.
    pub(crate) fn write(&mut self, frames: &[i16]) {
        self.samples.extend_from_slice(frames);
    }

    /// Whether no more may wait for the disk.
    pub(crate) fn is_full(&self) -> bool {
        self.samples.len() >= WAITING_LIMIT
    }

    /// Gives up the oldest piece that waits.
    pub(crate) fn give_up(&mut self) {
        self.samples.drain(..PIECE.min(self.samples.len()));
        self.lost += 1;
        self.given_up += 1;
    }

    /// Whether there is something to store: the file itself, a piece, or something again.
    pub(crate) fn is_due(&self) -> bool {
        let waits = !self.made.is_empty() || self.lost > 0 || self.again.is_some();
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
        self.secure()?;
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
            self.part = self.at;
            self.append(bytes)?;
        }
        self.samples.shrink_to(ROOM);
        Ok(())
    }

    /// Whether the disk has taken anything since this was asked last.
    pub(crate) fn has_stored(&mut self) -> bool {
        std::mem::take(&mut self.has_stored)
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
            self.seal = Some(tape.seal(bytes).map_err(io::Error::other)?);
        }
        if !bytes.is_empty() {
            self.part = self.at;
        }
        self.append(bytes)?;
        self.seal.clone().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Closes the file of which everything is stored: it is opened again if it must be.
    pub(crate) fn close(&mut self) {
        self.file = None;
    }

    /// Takes in what is known of flushes. True if one failed that may have lost something of this
    /// file: it is written again by the next store.
    pub(crate) fn heed(&mut self, flushed: Flushed) -> bool {
        self.again = self.risk.settle(flushed);
        self.again.is_some()
    }

    /// Writes again what a failed flush may have lost.
    ///
    /// # Errors
    /// What the disk says; to be called again later.
    pub(crate) fn secure(&mut self) -> io::Result<()> {
        let flushed = self.flushes.now();
        self.heed(flushed);
        let Some(from) = self.again else { return Ok(()) };
        if self.at - from > AGAIN_LIMIT {
            self.is_doubtful = true;
        } else {
            self.write_again(from)?;
        }
        self.risk.wrote_again(from, self.flushes.now().begun, flushed.failed);
        self.again = None;
        Ok(())
    }

    /// Whether something was written again that no flush has taken in since.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.risk.is_in_doubt()
    }

    /// Whether nobody can say any more that what was written is on the disk.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.is_doubtful
    }

    /// Reads back what was written from `from` on and writes it again, if it is still what it was.
    fn write_again(&mut self, from: u64) -> io::Result<()> {
        let opened;
        let file = match &self.file {
            Some(file) => file,
            None => {
                opened = OpenOptions::new().read(true).write(true).open(&self.path)?;
                &opened
            }
        };
        let mut bytes = vec![0; (self.at - from) as usize];
        let is_read = file.read_exact_at(&mut bytes, from).is_ok();
        let stored = bytes.len();
        // The part that was written last may not be there as a whole.
        bytes.extend_from_slice(&self.made);
        if is_read && recording::is_whole_run(&bytes) {
            self.has_stored = true;
            file.write_all_at(&bytes[..stored], from)
        } else {
            self.is_doubtful = true;
            Ok(())
        }
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
        if rest.len() < bytes.len() {
            // Asked only now: what a flush began behind before this is not in it.
            self.risk.wrote(self.part, self.flushes.now().begun);
            self.has_stored = true;
        }
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
    use recording::{Expected, SEAL_MOST, TAPE_HEADER_BYTES};

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

    /// Any recording will do.
    pub(crate) const ANY: Expected = Expected { recording: None, seal: None };

    pub(crate) fn played(path: &std::path::Path, keys: &Keyring) -> Vec<i16> {
        let audio = std::io::BufReader::new(Audio::open(path, keys, &ANY).unwrap());
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
                if file.is_full() {
                    file.give_up();
                }
            }
            assert_eq!((file.newly_given_up(), file.newly_given_up()), (3, 0));
            let seal = file.finish(&mut Vec::new()).unwrap();
            assert_eq!(seal.frames, 6 * u64::from(PIECE_FRAMES));
            let played = played(&path, &keys);
            assert!(played[..3 * PIECE].iter().all(|sample| *sample == 0));
            assert_eq!(played[3 * PIECE], 3 * PIECE as i16 / 320 + 1);
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
        assert_eq!(seal.bytes, (TAPE_HEADER_BYTES + kept.len() + SEAL_MOST) as u64);
        assert_whole(&path, seal, &keys);
    }

    fn long_ago(path: &std::path::Path) -> bool {
        std::fs::metadata(path).unwrap().modified().unwrap() == std::time::UNIX_EPOCH
    }

    fn as_long_ago(path: &std::path::Path) {
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(std::time::UNIX_EPOCH)
            .unwrap();
    }

    fn flush(flushes: &Flushes, is_good: bool) {
        flushes.begin();
        flushes.end(is_good);
    }

    #[test]
    fn what_a_failed_flush_may_have_lost_is_written_again_before_another_one_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r1-1-1.tape");
        let (flushes, keys, mut bytes) = (Flushes::default(), keys(), Vec::new());
        let file = TapeFile::new(path.clone(), header(), &keys).unwrap();
        let mut file = file.flushed_by(flushes.clone());
        file.write(&[3; PIECE]);
        file.store(&mut bytes).unwrap();
        flush(&flushes, true);
        file.write(&[4; PIECE]);
        file.store(&mut bytes).unwrap();
        as_long_ago(&path);
        file.store(&mut bytes).unwrap();
        assert!(long_ago(&path), "nothing is written twice while flushes succeed");
        flush(&flushes, false);
        flush(&flushes, true);
        assert!(file.heed(flushes.now()) && file.is_due());
        file.store(&mut bytes).unwrap();
        assert!(!long_ago(&path) && file.is_in_doubt() && !file.is_doubtful());
        flush(&flushes, true);
        assert!(!file.heed(flushes.now()) && !file.is_in_doubt());
        // Also of a file that was finished and closed.
        let seal = file.finish(&mut bytes).unwrap();
        file.close();
        flush(&flushes, false);
        as_long_ago(&path);
        file.secure().unwrap();
        assert!(!long_ago(&path) && !file.is_doubtful());
        assert_whole(&path, seal, &keys);
    }

    #[test]
    fn what_cannot_be_read_back_as_it_was_is_doubtful_and_not_made_worse() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r1-1-1.tape");
        let flushes = Flushes::default();
        let file = TapeFile::new(path.clone(), header(), &Keyring::default()).unwrap();
        let mut file = file.flushed_by(flushes.clone());
        file.write(&[3; PIECE]);
        file.store(&mut Vec::new()).unwrap();
        flush(&flushes, false);
        // The system has let go of the page that it could not write.
        file.file.as_ref().unwrap().write_all_at(&[0; 100], 400).unwrap();
        as_long_ago(&path);
        file.store(&mut Vec::new()).unwrap();
        assert!(long_ago(&path) && file.is_doubtful());
    }
}
