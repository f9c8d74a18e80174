//! After a crash: make a recording whole again. At any time: is it still what was sealed?

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use model::Seal;
use recording::{HEADER_BYTES, Sealer, Verdict};

/// Bytes read at once: the file never is in memory as a whole.
const PIECE_BYTES: usize = 256 * 1024;

/// Makes the recording that a killed process left at `path` whole, by the file's length alone: cuts
/// a half frame off, corrects the header, and seals it. A whole file is not changed.
///
/// # Errors
/// There is no such file, or it cannot be read or written.
pub fn repair(path: &Path) -> io::Result<Seal> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let bytes = file.metadata()?.len();
    let whole = recording::repair(bytes);
    let mut header = [0; HEADER_BYTES];
    let has_header = bytes >= HEADER_BYTES as u64;
    if has_header {
        file.read_exact_at(&mut header, 0)?;
    }
    if header != whole.header {
        file.write_all_at(&whole.header, 0)?;
    }
    if bytes != whole.bytes {
        file.set_len(whole.bytes)?;
    }
    seal(&file)
}

/// Whether the file at `path` is byte by byte what was sealed.
///
/// # Errors
/// It is there and cannot be read.
pub fn verify(path: &Path, sealed: &Seal) -> io::Result<Verdict> {
    let found = match File::open(path) {
        Ok(file) => Some(read_seal(file)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok(recording::compare(sealed, found))
}

/// Flushes a file down to the disk and computes the seal of what is there.
pub(super) fn seal(file: &File) -> io::Result<Seal> {
    file.sync_all()?;
    read_seal(Positioned { file, at: 0 })
}

fn read_seal(mut from: impl Read) -> io::Result<Seal> {
    let mut sealer = Sealer::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(sealer.finish()),
            Ok(count) => sealer.update(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads a file from its start without moving its cursor.
struct Positioned<'a> {
    file: &'a File,
    at: u64,
}

impl Read for Positioned<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(into, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::file::WavFile;

    fn recorded(path: &Path, frames: usize) -> Seal {
        let mut file = WavFile::new(path.to_owned()).unwrap();
        let samples: Vec<i16> = (0..2 * frames).map(|n| n as i16).collect();
        file.write(&samples).unwrap();
        let (_path, file) = file.finish().unwrap();
        seal(&file).unwrap()
    }

    #[test]
    fn a_whole_file_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let sealed = recorded(&path, 1_000);
        assert_eq!(sealed.frames, 1_000);
        assert_eq!(sealed.bytes, 44 + 4_000);
        assert_eq!(repair(&path).unwrap(), sealed);
        assert_eq!(verify(&path, &sealed).unwrap(), Verdict::Ok);
    }

    #[test]
    fn a_file_cut_anywhere_plays_up_to_the_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        recorded(&path, 100);
        let whole = std::fs::read(&path).unwrap();
        for bytes in 0..whole.len() {
            std::fs::write(&path, &whole[..bytes]).unwrap();
            let seal = repair(&path).unwrap();
            let mut reader = hound::WavReader::open(&path).unwrap();
            assert_eq!(reader.spec(), recording::SPEC);
            let samples: Vec<i16> = reader.samples::<i16>().map(Result::unwrap).collect();
            let frames = bytes.saturating_sub(44) / 4;
            assert_eq!(seal.frames, frames as u64);
            assert!(samples.iter().enumerate().all(|(n, sample)| *sample == n as i16));
            assert_eq!(samples.len(), 2 * frames);
            assert_eq!(verify(&path, &seal).unwrap(), Verdict::Ok);
        }
    }

    #[test]
    fn a_flipped_bit_a_cut_a_longer_file_and_a_missing_one_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let sealed = recorded(&path, 500);
        let whole = std::fs::read(&path).unwrap();
        for byte in [0, 43, 44, 1_000, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[byte] ^= 0x10;
            std::fs::write(&path, &changed).unwrap();
            assert!(matches!(verify(&path, &sealed).unwrap(), Verdict::Changed { .. }), "{byte}");
        }
        std::fs::write(&path, &whole[..whole.len() - 4]).unwrap();
        assert!(matches!(verify(&path, &sealed).unwrap(), Verdict::Changed { .. }));
        std::fs::write(&path, [&whole[..], &[0]].concat()).unwrap();
        assert!(matches!(verify(&path, &sealed).unwrap(), Verdict::Changed { .. }));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(verify(&path, &sealed).unwrap(), Verdict::Missing);
        assert_eq!(repair(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
