//! What `hound` has written and the disk has not taken yet.
//!
//! `hound` writes into memory and never sees an error; [`Spool::store`] brings the bytes to the
//! file, and may fail and be called again. Bytes that wait longer than the spool is large are
//! given up: the file has a hole in their place, which reads as zeros, and zeros are silence.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use recording::HEADER_BYTES;

/// Bytes that wait for the disk: two seconds.
const WAITING_LIMIT: usize = 64 * 1024;

/// Memory that is kept from one store to the next: more was needed for once only.
const KEPT_BYTES: usize = 32 * 1024;

/// The file as `hound` sees it: a header that may be written again, and data that only grows.
#[derive(Debug)]
pub(crate) struct Spool {
    header: [u8; HEADER_BYTES],
    header_changed: bool,
    cursor: u64,
    /// Where the waiting bytes belong.
    stored: u64,
    waiting: Vec<u8>,
    given_up: u64,
}

impl Spool {
    pub(crate) fn new() -> Self {
        Self {
            header: [0; HEADER_BYTES],
            header_changed: false,
            cursor: 0,
            stored: HEADER_BYTES as u64,
            waiting: Vec::new(),
            given_up: 0,
        }
    }

    /// The length that the file has when all is stored.
    pub(crate) fn end(&self) -> u64 {
        self.stored + self.waiting.len() as u64
    }

    /// Bytes that were given up.
    pub(crate) fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Brings what waits to the file: data first, so that the header never claims too much.
    ///
    /// # Errors
    /// What the disk says. What it took is not written again.
    pub(crate) fn store(&mut self, file: &File) -> io::Result<()> {
        let mut taken = 0;
        let data = loop {
            if taken == self.waiting.len() {
                break Ok(());
            }
            match file.write_at(&self.waiting[taken..], self.stored + taken as u64) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => taken += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.waiting.drain(..taken);
        if self.waiting.is_empty() && self.waiting.capacity() > KEPT_BYTES {
            self.waiting = Vec::new();
        }
        self.stored += taken as u64;
        data?;
        if self.header_changed {
            file.write_all_at(&self.header, 0)?;
            self.header_changed = false;
        }
        Ok(())
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let at = usize::try_from(self.cursor).unwrap_or(usize::MAX);
        let taken = if let Some(header) = self.header.get_mut(at..).filter(|rest| !rest.is_empty())
        {
            let taken = header.len().min(bytes.len());
            header[..taken].copy_from_slice(&bytes[..taken]);
            self.header_changed = true;
            taken
        } else if self.cursor == self.end() {
            if self.waiting.len() + bytes.len() > WAITING_LIMIT {
                self.given_up += self.waiting.len() as u64;
                self.stored += self.waiting.len() as u64;
                self.waiting.clear();
            }
            self.waiting.extend_from_slice(bytes);
            bytes.len()
        } else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        self.cursor += taken as u64;
        Ok(taken)
    }

    /// Nothing: see [`Spool::store`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Spool {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.cursor, by),
            SeekFrom::End(by) => (self.end(), by),
        };
        self.cursor = from.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool() -> Spool {
        let mut spool = Spool::new();
        spool.write_all(&[7; HEADER_BYTES]).unwrap();
        spool
    }

    #[test]
    fn data_is_appended_and_the_header_written_again() {
        let file = tempfile::tempfile().unwrap();
        let mut spool = spool();
        spool.write_all(b"abcd").unwrap();
        spool.store(&file).unwrap();
        spool.seek(SeekFrom::Start(40)).unwrap();
        spool.write_all(b"size").unwrap();
        spool.seek(SeekFrom::End(0)).unwrap();
        spool.write_all(b"efgh").unwrap();
        spool.store(&file).unwrap();
        let mut read = [0; 52];
        file.read_exact_at(&mut read, 0).unwrap();
        assert_eq!(&read[..40], &[7; 40]);
        assert_eq!(&read[40..], b"sizeabcdefgh");
    }

    #[test]
    fn nothing_but_the_header_may_be_written_again() {
        let mut spool = spool();
        spool.write_all(b"abcd").unwrap();
        spool.seek(SeekFrom::Start(45)).unwrap();
        assert!(spool.write_all(b"x").is_err());
    }

    #[test]
    fn what_waits_too_long_becomes_a_hole_of_its_length() {
        let file = tempfile::tempfile().unwrap();
        let mut spool = spool();
        for piece in 0..WAITING_LIMIT / 1_000 + 1 {
            spool.write_all(&[piece as u8 + 1; 1_000]).unwrap();
        }
        assert_eq!(spool.given_up(), 65_000);
        spool.store(&file).unwrap();
        assert_eq!(file.metadata().unwrap().len(), spool.end());
        let mut read = vec![1; 66_000];
        file.read_exact_at(&mut read, HEADER_BYTES as u64).unwrap();
        assert!(read[..65_000].iter().all(|byte| *byte == 0));
        assert!(read[65_000..].iter().all(|byte| *byte == 66));
    }

    #[test]
    fn a_failed_store_loses_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"").unwrap();
        let mut spool = spool();
        spool.write_all(b"abcd").unwrap();
        let read_only = File::open(&path).unwrap();
        assert!(spool.store(&read_only).is_err());
        spool.store(&File::options().write(true).open(&path).unwrap()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap()[HEADER_BYTES..], *b"abcd");
    }
}
