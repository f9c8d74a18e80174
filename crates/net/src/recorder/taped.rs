//! A recording's file as its pieces were written: as it lies, or out of its archive.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt as _};
use std::path::Path;

use recording::{ARCHIVE_MAGIC, KeyFault, Keyring};

use super::archived::Unarchived;

/// Bytes that can be read at any place: those of the recording's own form, whatever form it has.
#[derive(Debug)]
pub(super) enum Taped {
    File(File),
    Archive(Box<Unarchived>),
}

/// A recording that was opened, or an archive whose key is not to be had.
#[derive(Debug)]
pub(super) enum Opened {
    Taped(Taped),
    Locked(File, KeyFault),
}

impl Taped {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn look(path: &Path, keys: &Keyring) -> io::Result<Opened> {
        let file = File::open(path)?;
        if !is_archive(&file)? {
            return Ok(Opened::Taped(Self::File(file)));
        }
        Ok(match Unarchived::open(file, keys)? {
            Ok(archive) => Opened::Taped(Self::Archive(Box::new(archive))),
            Err((file, fault)) => Opened::Locked(file, fault),
        })
    }

    /// Opens the file at `path` to be listened to.
    ///
    /// # Errors
    /// It cannot be read, or is an archive under a key that is not to be had.
    pub(super) fn open(path: &Path, keys: &Keyring) -> io::Result<Self> {
        match Self::look(path, keys)? {
            Opened::Taped(taped) => Ok(taped),
            Opened::Locked(_, fault) => Err(io::Error::new(io::ErrorKind::PermissionDenied, fault)),
        }
    }

    /// Bytes of the recording's own form.
    pub(super) fn length(&self) -> io::Result<u64> {
        match self {
            Self::File(file) => Ok(file.metadata()?.len()),
            Self::Archive(archive) => Ok(archive.length()),
        }
    }

    /// Whether it is to be found under some name: one that was deleted can be read on.
    pub(super) fn has_name(&self) -> io::Result<bool> {
        let file = match self {
            Self::File(file) => file,
            Self::Archive(archive) => archive.file(),
        };
        Ok(file.metadata()?.nlink() > 0)
    }

    pub(super) fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read_at(into, at),
            Self::Archive(archive) => archive.read_at(into, at),
        }
    }

    pub(super) fn read_exact_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        match self.read_some(into, at)? == into.len() {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Reads as much as there is.
    pub(super) fn read_some(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        read_some(|into, at| self.read_at(into, at), into, at)
    }
}

/// Whether a file begins as an archive does.
pub(super) fn is_archive(file: &File) -> io::Result<bool> {
    let mut magic = [0; ARCHIVE_MAGIC.len()];
    let count = read_some(|into, at| file.read_at(into, at), &mut magic, 0)?;
    Ok(magic[..count] == ARCHIVE_MAGIC)
}

/// Reads as much as there is, by what reads some of it.
pub(super) fn read_some(
    read_at: impl Fn(&mut [u8], u64) -> io::Result<usize>,
    bytes: &mut [u8],
    at: u64,
) -> io::Result<usize> {
    let mut count = 0;
    while count < bytes.len() {
        match read_at(&mut bytes[count..], at + count as u64) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// Reads from the start to the end, without a cursor of the system's.
pub(super) struct Positioned<'a> {
    pub(super) taped: &'a Taped,
    pub(super) at: u64,
}

impl Read for Positioned<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.taped.read_at(into, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
