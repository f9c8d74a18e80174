//! After a crash: make a recording whole again. At any time: is it still what was sealed?

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek as _};
use std::os::unix::fs::FileExt;
use std::path::Path;

use model::{CallId, Mono, RecordingId, Seal, Wall};
use recording::{
    Damage, Expected, HEADER_BYTES, Header, Keyring, Report, Sealer, TAPE_HEADER_BYTES, Tape,
    Verdict, Verifier,
};

use super::archived::outline;
use super::is_wav;
use super::taped::{Opened, Positioned, Taped, is_archive};

/// Bytes read at once: the file never is in memory as a whole.
const PIECE_BYTES: usize = 256 * 1024;

/// A recording that was made whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// Its seal.
    pub seal: Seal,
    /// What is not what was written though the file now ends as it has to; nothing where all of it
    /// is. A later verification finds the same.
    pub damage: Option<String>,
}

/// Makes the recording that a killed process left at `path` whole, and seals it: all pieces that
/// were written are kept, a half-written one at the end is cut off. No key is needed, nothing is
/// encrypted anew. A file that has its seal is not changed; what is damaged in it, or in one that
/// is sealed now, is told.
///
/// # Errors
/// There is no such file, it cannot be read or written, or its header cannot be read or is another
/// recording's: then it is left as it is.
pub fn repair(path: &Path, recording: RecordingId, call: CallId) -> io::Result<Mended> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let whole = |seal| Mended { seal, damage: None };
    if is_wav(path) {
        return repair_wav(&file).map(whole);
    }
    if file.metadata()?.len() < TAPE_HEADER_BYTES as u64 {
        return begin_anew(&file, recording, call).map(whole);
    }
    if is_archive(&file)? {
        // Only what is sealed is archived: it is the database that has forgotten.
        let what = "it is archived, and the database knows no seal of it";
        return Err(io::Error::new(io::ErrorKind::Unsupported, what));
    }
    // What a failed flush has lost may still be seen in memory: read what is on the disk.
    file.sync_data()?;
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    let nothing = Expected { recording: Some(recording), seal: None };
    let taped = Taped::File(file);
    let report = read(Positioned { taped: &taped, at: 0 }, nothing, None)?;
    let Taped::File(file) = taped else { return Err(io::ErrorKind::Unsupported.into()) };
    let refused = || io::Error::new(io::ErrorKind::InvalidData, report.to_string());
    if report.header.as_ref().is_none_or(|header| header.recording != recording) {
        return Err(refused());
    }
    let seal = match (&report.seal, report.mend()) {
        (Some(seal), _) => seal.clone(),
        (None, Some((at, bytes, seal))) => {
            file.set_len(at)?;
            file.write_all_at(&bytes, at)?;
            seal
        }
        (None, None) => return Err(refused()),
    };
    file.sync_all()?;
    Ok(Mended { seal, damage: damage(report) })
}

/// What is wrong beside that a killed process left the file without its end.
fn damage(mut report: Report) -> Option<String> {
    report.faults.retain(|fault| !matches!(fault.damage, Damage::Unsealed | Damage::Cut));
    (!report.is_whole()).then(|| report.to_string())
}

/// The process was killed before the header was written: nothing was taped yet.
fn begin_anew(file: &File, recording: RecordingId, call: CallId) -> io::Result<Seal> {
    let header = Header { recording, call, wall: Wall(0), mono: Mono(0), key: None };
    let mut bytes = Vec::new();
    let tape = Tape::new(&header, None, &mut bytes);
    let seal = tape.seal(&mut bytes).map_err(io::Error::other)?;
    file.set_len(0)?;
    file.write_all_at(&bytes, 0)?;
    file.sync_all()?;
    Ok(seal)
}

/// An old recording: by the file's length alone its half frame is cut off and its header corrected.
fn repair_wav(file: &File) -> io::Result<Seal> {
    let bytes = file.metadata()?.len();
    let whole = recording::repair(bytes);
    let mut header = [0; HEADER_BYTES];
    if bytes >= HEADER_BYTES as u64 {
        file.read_exact_at(&mut header, 0)?;
    }
    if header != whole.header {
        file.write_all_at(&whole.header, 0)?;
    }
    if bytes != whole.bytes {
        file.set_len(whole.bytes)?;
    }
    file.sync_all()?;
    let mut bytes = file;
    bytes.seek(io::SeekFrom::Start(0))?;
    read_seal(bytes)
}

/// Whether the file at `path` is what was written, and what was sealed: read as a stream, with
/// `keys` also as who has them sees it.
///
/// # Errors
/// It is there and cannot be read.
pub fn verify(path: &Path, expected: &Expected, keys: &Keyring) -> io::Result<Verdict> {
    match read_at(path, expected, keys) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Verdict::Missing),
        Err(error) => Err(error),
        Ok(None) => match &expected.seal {
            Some(seal) => Ok(recording::compare(seal, Some(read_seal(File::open(path)?)?))),
            None => Ok(Verdict::Unknown),
        },
        Ok(Some(report)) => Ok(match report.undecrypted.clone() {
            _ if !report.is_whole() => Verdict::Damaged(Box::new(report)),
            Some(fault) => Verdict::Undecrypted(fault),
            None => Verdict::Ok,
        }),
    }
}

/// What the file at `path` is found to be, whatever it should be; `None` for an old WAV, which says
/// nothing of itself.
///
/// # Errors
/// It cannot be read.
pub fn examine(path: &Path, keys: &Keyring) -> io::Result<Option<Report>> {
    read_at(path, &Expected::default(), keys)
}

/// What is found at `path`; `None` for an old WAV.
fn read_at(path: &Path, expected: &Expected, keys: &Keyring) -> io::Result<Option<Report>> {
    if is_wav(path) {
        return File::open(path).map(|_| None);
    }
    match Taped::look(path, keys)? {
        Opened::Taped(taped) => {
            let from = Positioned { taped: &taped, at: 0 };
            read(from, expected.clone(), Some(keys)).map(Some)
        }
        Opened::Locked(file, fault) => outline(&file, expected.clone(), fault).map(Some),
    }
}

fn read(from: impl Read, expected: Expected, keys: Option<&Keyring>) -> io::Result<Report> {
    let mut verifier = Verifier::new(expected, keys);
    each_piece(from, |piece| verifier.update(piece))?;
    Ok(verifier.finish())
}

fn read_seal(from: impl Read) -> io::Result<Seal> {
    let mut sealer = Sealer::new();
    each_piece(from, |piece| sealer.update(piece))?;
    Ok(sealer.finish())
}

fn each_piece(mut from: impl Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use recording::{Fault, PIECE_MOST};

    use super::super::file::TapeFile;
    use super::super::file::tests::{header, keys, played};
    use super::*;

    fn recorded(path: &Path, keys: &Keyring, frames: usize) -> Seal {
        let mut file = TapeFile::new(path.to_owned(), header(), keys).unwrap();
        let samples: Vec<i16> = (0..2 * frames).map(|n| n as i16).collect();
        samples.chunks(320).for_each(|block| file.write(block));
        file.finish(&mut Vec::new()).unwrap()
    }

    fn mended(path: &Path) -> io::Result<Seal> {
        let mended = repair(path, header().recording, header().call)?;
        assert_eq!(mended.damage, None);
        Ok(mended.seal)
    }

    fn sealed(seal: &Seal) -> Expected {
        Expected { recording: Some(header().recording), seal: Some(seal.clone()) }
    }

    #[test]
    fn a_whole_file_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        let seal = recorded(&path, &keys(), 9_000);
        let before = std::fs::read(&path).unwrap();
        assert_eq!(mended(&path).unwrap(), seal);
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(verify(&path, &sealed(&seal), &keys()).unwrap(), Verdict::Ok);
        let unopened = verify(&path, &sealed(&seal), &Keyring::default()).unwrap();
        assert_eq!(unopened, Verdict::Undecrypted(recording::KeyFault::Unknown("k1".to_owned())));
        assert!(examine(&path, &Keyring::default()).unwrap().unwrap().is_whole());
    }

    #[test]
    fn a_file_cut_anywhere_plays_up_to_the_last_piece_before_the_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        recorded(&path, &keys(), 9_000);
        let whole = std::fs::read(&path).unwrap();
        for bytes in (0..whole.len()).step_by(97) {
            std::fs::write(&path, &whole[..bytes]).unwrap();
            let seal = mended(&path).unwrap();
            let samples = played(&path, &keys());
            let piece = recording::PIECE_MOST;
            let pieces = bytes.saturating_sub(TAPE_HEADER_BYTES) / piece;
            let left = whole.len() - bytes;
            let frames = if left <= recording::SEAL_MOST { 9_000 } else { 4_000 * pieces };
            assert_eq!((seal.frames, samples.len()), (frames as u64, 2 * frames), "{bytes}");
            assert!(samples.iter().enumerate().all(|(n, sample)| *sample == n as i16));
            assert_eq!(verify(&path, &sealed(&seal), &keys()).unwrap(), Verdict::Ok);
        }
    }

    #[test]
    fn a_flipped_bit_a_cut_and_a_missing_file_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        let seal = recorded(&path, &Keyring::default(), 20_000);
        let whole = std::fs::read(&path).unwrap();
        let fault = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            match verify(&path, &sealed(&seal), &keys()).unwrap() {
                Verdict::Damaged(report) => report.faults[0],
                other => panic!("{other:?}"),
            }
        };
        let mut flipped = whole.clone();
        flipped[40_000] ^= 0x10;
        assert_eq!(fault(&flipped), Fault { second: 1, damage: Damage::Altered });
        let cut = Fault { second: 1, damage: Damage::Cut };
        assert_eq!(fault(&whole[..40_000]), cut);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(verify(&path, &sealed(&seal), &keys()).unwrap(), Verdict::Missing);
        assert_eq!(mended(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_with_a_hole_is_kept_sealed_or_not_and_the_hole_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        let seal = recorded(&path, &keys(), 12_000);
        let mut altered = std::fs::read(&path).unwrap();
        altered[TAPE_HEADER_BYTES + PIECE_MOST + 99] ^= 1;
        let again = || repair(&path, header().recording, header().call).unwrap();
        let told = Some("altered at second 0".to_owned());
        // Its seal had reached the disk: nothing of it is touched.
        std::fs::write(&path, &altered).unwrap();
        assert_eq!(again(), Mended { seal: seal.clone(), damage: told.clone() });
        assert_eq!(std::fs::read(&path).unwrap(), altered);
        // Killed before that: it is sealed as it is.
        altered.truncate(TAPE_HEADER_BYTES + 3 * PIECE_MOST);
        std::fs::write(&path, &altered).unwrap();
        let Mended { seal: found, damage } = again();
        assert_eq!((damage, found.frames), (told, seal.frames));
        let Verdict::Damaged(report) = verify(&path, &sealed(&found), &keys()).unwrap() else {
            panic!("it is damaged")
        };
        assert_eq!(report.faults, [Fault { second: 0, damage: Damage::Altered }]);
    }

    #[test]
    fn another_recording_in_its_place_is_not_taken_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        recorded(&path, &Keyring::default(), 9_000);
        let other = RecordingId(model::Id::new(1, 1, 77));
        let error = repair(&path, other, header().call).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn what_is_no_recording_is_not_mended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        std::fs::write(&path, [9; 1_000]).unwrap();
        assert_eq!(mended(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(std::fs::read(&path).unwrap(), [9; 1_000]);
    }

    #[test]
    fn old_recordings_are_mended_verified_and_played_as_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let samples: Vec<u8> = (0..1_600_u16).flat_map(u16::to_le_bytes).collect();
        // Killed: the header claims less than there is, and half a frame stands at the end.
        let left = [&recording::header(100)[..], &samples, &[1]].concat();
        std::fs::write(&path, &left).unwrap();
        assert_eq!(verify(&path, &Expected::default(), &keys()).unwrap(), Verdict::Unknown);
        let seal = mended(&path).unwrap();
        assert_eq!((seal.frames, seal.bytes), (800, 44 + 3_200));
        assert_eq!(mended(&path).unwrap(), seal);
        assert_eq!(verify(&path, &sealed(&seal), &keys()).unwrap(), Verdict::Ok);
        let heard = played(&path, &Keyring::default());
        assert!(examine(&path, &keys()).unwrap().is_none(), "it says nothing of itself");
        assert!(heard.iter().enumerate().all(|(n, sample)| *sample == n as i16));
        assert_eq!(heard.len(), 1_600);
        let mut flipped = std::fs::read(&path).unwrap();
        flipped[50] ^= 1;
        std::fs::write(&path, flipped).unwrap();
        let verdict = verify(&path, &sealed(&seal), &keys()).unwrap();
        assert!(matches!(verdict, Verdict::Changed { .. }), "{verdict:?}");
    }
}
