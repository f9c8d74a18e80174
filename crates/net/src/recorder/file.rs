//! One recording's file: `hound` on a spool, brought to disk by and by.

use std::cell::RefCell;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::rc::Rc;

use hound::WavWriter;

use super::spool::Spool;

/// The spool as both `hound` and [`WavFile`] hold it.
#[derive(Debug, Clone)]
struct Shared(Rc<RefCell<Spool>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.borrow_mut().seek(to)
    }
}

/// One recording's file.
pub(crate) struct WavFile {
    path: PathBuf,
    /// Made by the first store that succeeds in it.
    file: Option<File>,
    spool: Shared,
    writer: WavWriter<Shared>,
}

impl WavFile {
    /// A file that is to be made at `path`.
    ///
    /// # Errors
    /// None that is known: `hound` writes into memory.
    pub(crate) fn new(path: PathBuf) -> io::Result<Self> {
        let spool = Shared(Rc::new(RefCell::new(Spool::new())));
        let writer = WavWriter::new(spool.clone(), recording::SPEC).map_err(from_hound)?;
        Ok(Self { path, file: None, spool, writer })
    }

    /// Appends interleaved frames, in memory.
    pub(crate) fn write(&mut self, frames: &[i16]) -> io::Result<()> {
        let mut block = self.writer.get_i16_writer(frames.len() as u32);
        for sample in frames {
            block.write_sample(*sample);
        }
        block.flush().map_err(from_hound)
    }

    /// Brings all that was written to the disk; afterwards the file is playable up to there.
    ///
    /// # Errors
    /// What the disk says; to be called again later.
    pub(crate) fn store(&mut self) -> io::Result<()> {
        self.writer.flush().map_err(from_hound)?;
        let file = match self.file.take() {
            Some(file) => file,
            None => create(&self.path)?,
        };
        let stored = self.spool.0.borrow_mut().store(&file);
        self.file = Some(file);
        stored
    }

    /// Bytes that the disk did not take in time.
    pub(crate) fn given_up(&self) -> u64 {
        self.spool.0.borrow().given_up()
    }

    /// Stores the rest and gives the complete file away, open for reading.
    ///
    /// # Errors
    /// What the disk says; to be called again later.
    pub(crate) fn finish(&mut self) -> io::Result<(PathBuf, File)> {
        self.store()?;
        let file = self.file.take().ok_or(io::ErrorKind::NotFound)?;
        match file.set_len(self.spool.0.borrow().end()) {
            Ok(()) => Ok((std::mem::take(&mut self.path), file)),
            Err(error) => {
                self.file = Some(file);
                Err(error)
            }
        }
    }
}

/// Makes the file and the folders above it, readable by owner and group alone. A recording that
/// is there already is never overwritten.
fn create(path: &PathBuf) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o750).create(folder)?;
    }
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o640).open(path)
}

fn from_hound(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other @ (hound::Error::FormatError(_)
        | hound::Error::TooWide
        | hound::Error::UnfinishedSample
        | hound::Error::Unsupported
        | hound::Error::InvalidSampleFormat) => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_playable_after_every_store() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("2025/01/01/r1-1-1.wav");
        let mut file = WavFile::new(path.clone()).unwrap();
        file.store().unwrap();
        assert_eq!(hound::WavReader::open(&path).unwrap().duration(), 0);
        for seconds in 1..4 {
            file.write(&[1; 16_000]).unwrap();
            file.store().unwrap();
            assert_eq!(hound::WavReader::open(&path).unwrap().duration(), seconds * 8_000);
        }
        let (finished, _file) = file.finish().unwrap();
        assert_eq!(finished, path);
    }

    #[test]
    fn a_recording_that_is_there_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r1-1-1.wav");
        std::fs::write(&path, b"evidence").unwrap();
        let mut file = WavFile::new(path.clone()).unwrap();
        assert_eq!(file.store().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        drop(file);
        assert_eq!(std::fs::read(&path).unwrap(), b"evidence");
    }
}
