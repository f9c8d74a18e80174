//! Puts an archive in a recording's place, so that at every moment one of the two is there, whole.
//!
//! ```text
//!  write r1-2-3.tape.new ─▶ fsync ─▶ read it back against the seal ─▶ exchange the two names
//!        ─▶ fsync the folder ─▶ overwrite the header of what is now r1-2-3.tape.new ─▶ remove it
//! ```
//! Whatever lies beside a recording under that name is scrap: half an archive, or what an archive
//! has replaced. Who is killed in between leaves that, and the next attempt removes it first.
//!
//! A recording may be deleted while its archive is written. The one who deletes takes away its name
//! first and the scrap after it; the one who writes makes the scrap first and then looks whether
//! the recording still has a name. Whichever of them comes first, no sound stays under a name for
//! which nobody looks any more.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use model::{RecordingId, Seal};
use recording::{
    ARCHIVE_HEADER_BYTES, Expected, Head, Keyring, PIECE_MOST, Packer, SEAL_MOST,
    TAPE_HEADER_BYTES, Verdict,
};
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::audio::read_header;
use super::repair::verify;
use super::taped::{Taped, is_archive, read_some};
use super::{draw, is_wav};

/// Bytes that are written at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// What archiving a recording came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// Bytes of the recording's own form.
    pub before: u64,
    /// Bytes of the archive.
    pub after: u64,
    /// SHA-256 of the archive's file, in hexadecimal digits.
    pub sha256: String,
}

/// A moment of archiving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The new file was made.
    Made,
    /// Another piece is on its way into it.
    Packed,
    /// All of it was written.
    Written,
    /// It came to rest on the disk.
    Flushed,
    /// It was read back and is what was sealed.
    Verified,
    /// It has the recording's name.
    Exchanged,
    /// The name came to rest on the disk.
    Settled,
    /// The header of what was replaced is overwritten.
    Blanked,
    /// What was replaced is gone.
    Removed,
}

/// Told of each step; an error ends the work there, and what was begun is undone.
pub type Watch<'a> = &'a mut dyn FnMut(Step) -> io::Result<()>;

/// What there is to do for a recording.
#[derive(Debug)]
pub enum Prepared {
    /// Its archive lies beside it.
    Ready(Ready),
    /// It is archived already.
    Already(Archived),
    /// Its archive would be no smaller: it stays as it is.
    NoSmaller,
}

/// An archive that may be put in its recording's place. Where it is not, it is removed.
#[derive(Debug)]
pub struct Ready {
    path: PathBuf,
    archived: Archived,
    is_replaced: bool,
}

/// Writes the archive of the sealed recording at `path` beside it and reads it back: it is what was
/// sealed, to the last byte.
///
/// # Errors
/// The recording is not what was sealed, or is of the old form; a key is not there; the disk fails
/// or is full. Nothing has changed then.
pub fn prepare(
    path: &Path,
    (recording, seal): (RecordingId, &Seal),
    keys: &Keyring,
    watch: Watch<'_>,
) -> io::Result<Prepared> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    if is_wav(path) {
        return Err(invalid("recordings of the old form are not archived".to_owned()));
    }
    scrap(path)?;
    let expected = Expected { recording: Some(recording), seal: Some(seal.clone()) };
    let is_whole = |path: &Path| match verify(path, &expected, keys)? {
        Verdict::Ok => Ok(()),
        Verdict::Undecrypted(fault) => Err(io::Error::new(io::ErrorKind::PermissionDenied, fault)),
        Verdict::Damaged(report) => Err(invalid(report.to_string())),
        Verdict::Missing => Err(io::ErrorKind::NotFound.into()),
        Verdict::Unknown | Verdict::Changed { .. } => Err(invalid("it is a WAV".to_owned())),
    };
    let file = File::open(path)?;
    if is_archive(&file)? {
        is_whole(path)?;
        let (sha256, after) = hashed(&file)?;
        return Ok(Prepared::Already(Archived { before: seal.bytes, after, sha256 }));
    }
    let before = file.metadata()?.len();
    let mut ready = Ready {
        path: path.to_owned(),
        archived: Archived { before, after: 0, sha256: String::new() },
        is_replaced: false,
    };
    let new = beside(path);
    let written = write(Taped::File(file), &new, keys, watch);
    let (sha256, after) = match written {
        Ok(written) => written,
        // What is wrong with the recording says where it is more exactly.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            is_whole(path)?;
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    if after >= before {
        return Ok(Prepared::NoSmaller);
    }
    is_whole(&new)?;
    watch(Step::Verified)?;
    ready.archived = Archived { before, after, sha256 };
    Ok(Prepared::Ready(ready))
}

impl Ready {
    /// Puts the archive in its recording's place. From then on it is the recording.
    ///
    /// # Errors
    /// The disk fails. What is under the recording's name is whole all the same: the archive, if
    /// the two names were exchanged before, which a further attempt finds.
    pub fn replace(mut self, watch: Watch<'_>) -> io::Result<Archived> {
        let new = beside(&self.path);
        let old = OpenOptions::new().write(true).open(&self.path)?;
        let exchanged =
            rustix::fs::renameat_with(CWD, &new, CWD, &self.path, RenameFlags::EXCHANGE);
        match exchanged {
            Ok(()) => {}
            // The file system knows no exchange: then the old one has no name from here on.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                std::fs::rename(&new, &self.path)?;
            }
            Err(error) => return Err(error.into()),
        }
        self.is_replaced = true;
        watch(Step::Exchanged)?;
        settle(&self.path)?;
        watch(Step::Settled)?;
        blank(&old)?;
        drop(old);
        watch(Step::Blanked)?;
        unlink(&new)?;
        watch(Step::Removed)?;
        Ok(self.archived.clone())
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if !self.is_replaced
            && let Err(error) = scrap(&self.path)
        {
            let path = self.path.display();
            tracing::warn!(%path, %error, "what is left of an archive cannot be removed yet");
        }
    }
}

/// Removes a recording so that neither a power cut nor a disk's own memory brings it back: its
/// header, where its key is, is overwritten before. So is what may lie beside it. One that is gone
/// is no error.
///
/// # Errors
/// The disk fails. It is to be called again then.
pub fn erase(path: &Path) -> io::Result<()> {
    // In this order: who makes an archive after it finds that the recording has no name.
    erase_one(path)?;
    scrap(path)
}

/// Removes what lies beside the recording at `path`.
fn scrap(path: &Path) -> io::Result<()> {
    erase_one(&beside(path))
}

fn erase_one(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).open(path) {
        Ok(file) => blank(&file)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    unlink(path)
}

/// Where an archive is made, and what it replaces goes.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// Overwrites a header, of whatever form.
fn blank(file: &File) -> io::Result<()> {
    let most = ARCHIVE_HEADER_BYTES.max(TAPE_HEADER_BYTES) as u64;
    let header = file.metadata()?.len().min(most);
    file.write_all_at(&vec![0; header as usize], 0)?;
    file.sync_all()
}

/// Removes a file's name, for good.
fn unlink(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    settle(path)
}

/// Makes the names of a file's folder survive a power cut.
fn settle(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Writes the archive of a recording to a new file, and flushes it. Gives its hash and its bytes.
///
/// # Errors
/// As those of [`prepare`]; [`io::ErrorKind::NotFound`] where the recording was deleted.
fn write(from: Taped, to: &Path, keys: &Keyring, watch: Watch<'_>) -> io::Result<(String, u64)> {
    let header = read_header(&from)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(to)?;
    watch(Step::Made)?;
    if !from.has_name()? {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut out = Vec::with_capacity(CHUNK_BYTES + PIECE_MOST);
    let packed = Packer::new(header, keys, &draw()?, &mut out);
    let invalid = |fault| io::Error::new(io::ErrorKind::InvalidData, fault);
    let mut packer = packed.map_err(invalid)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut flush = |out: &mut Vec<u8>| -> io::Result<()> {
        file.write_all(out)?;
        hash.update(&*out);
        bytes += out.len() as u64;
        out.clear();
        Ok(())
    };
    let (mut at, mut piece) = (TAPE_HEADER_BYTES as u64, vec![0; PIECE_MOST]);
    loop {
        let count = from.read_some(&mut piece, at)?;
        let head = Head::read(&piece[..count]).filter(|head| head.bytes() <= count);
        let Some(head) = head else {
            // The seal; of anything else it turns out when it is read back that it is none.
            packer.end(&piece[..count.min(SEAL_MOST)], &mut out);
            break;
        };
        packer.piece(&mut piece[..head.bytes()], &mut out).map_err(invalid)?;
        at += head.bytes() as u64;
        watch(Step::Packed)?;
        if out.len() >= CHUNK_BYTES {
            flush(&mut out)?;
        }
    }
    flush(&mut out)?;
    watch(Step::Written)?;
    file.sync_all()?;
    // It is to be read back from the disk.
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    watch(Step::Flushed)?;
    Ok((hex::encode(hash.finalize()), bytes))
}

/// The SHA-256 of a file, in hexadecimal digits, and its bytes.
///
/// # Errors
/// It cannot be read.
pub fn hashed(file: &File) -> io::Result<(String, u64)> {
    let (mut hash, mut at, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK_BYTES]);
    loop {
        let count = read_some(|into, at| file.read_at(into, at), &mut chunk, at)?;
        if count == 0 {
            return Ok((hex::encode(hash.finalize()), at));
        }
        hash.update(&chunk[..count]);
        at += count as u64;
    }
}

#[cfg(test)]
mod attacked;
#[cfg(test)]
mod tests;
