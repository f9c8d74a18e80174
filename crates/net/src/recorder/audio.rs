//! A recording as it is listened to: 16-bit WAV, whatever its file is, decrypted on the way.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use recording::{
    Expected, FRAME_BYTES, HEADER_BYTES, Head, Header, HeaderFault, Keyring, Kind, Opener,
    PEAK_BYTES, PIECE_FRAMES, PIECE_MOST, SEAL_MOST, TAPE_HEADER_BYTES,
};

/// Bytes of sound in a piece.
const PIECE_BYTES: u64 = PIECE_FRAMES as u64 * FRAME_BYTES;
/// Bytes that are enough to know where a piece ends.
const HEAD_MOST: usize = 64;

/// Lowest and highest of the caller, lowest and highest of the agent.
pub type Peak = [i8; PEAK_BYTES];

/// A recording that is being read as WAV.
#[derive(Debug)]
pub struct Audio {
    content: Content,
    bytes: u64,
    at: u64,
}

#[derive(Debug)]
enum Content {
    /// An old recording: the file is what is heard.
    Wav(File),
    Tape(Box<TapeAudio>),
}

impl Audio {
    /// Opens the recording at `path`: as much of it as there is now.
    ///
    /// # Errors
    /// It cannot be read, is no recording or not the `expected` one, does not end with the seal
    /// that is expected, or is encrypted under a key that is not among `keys`. Of an old WAV
    /// nothing but its length is compared.
    pub fn open(path: &Path, keys: &Keyring, expected: &Expected) -> io::Result<Self> {
        let file = File::open(path)?;
        let (content, bytes) = if super::is_wav(path) {
            let bytes = file.metadata()?.len();
            if expected.seal.as_ref().is_some_and(|seal| seal.bytes != bytes) {
                return Err(not_sealed());
            }
            (Content::Wav(file), bytes)
        } else {
            let tape = TapeAudio::open(file, keys, expected)?;
            let bytes = HEADER_BYTES as u64 + tape.frames * FRAME_BYTES;
            (Content::Tape(Box::new(tape)), bytes)
        };
        Ok(Self { content, bytes, at: 0 })
    }

    /// Bytes of the whole WAV.
    pub fn length(&self) -> u64 {
        self.bytes
    }

    /// The seconds, from 0, in which something is silence because it is not there or not what was
    /// written: as far as it was read.
    pub fn holes(&self) -> BTreeSet<u64> {
        match &self.content {
            Content::Wav(_) => BTreeSet::new(),
            Content::Tape(tape) => tape.holes.iter().map(|number| second(*number)).collect(),
        }
    }

    /// Whether it ends with its seal; nobody can tell of an old WAV.
    pub fn is_sealed(&self) -> bool {
        match &self.content {
            Content::Wav(_) => true,
            Content::Tape(tape) => tape.is_sealed,
        }
    }
}

impl Read for Audio {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.bytes.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let into = if into.len() > left { &mut into[..left] } else { into };
        let count = match &mut self.content {
            Content::Wav(file) => file.read_at(into, self.at)?,
            Content::Tape(tape) => tape.read_at(into, self.at)?,
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Audio {
    /// Never waits for the disk.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.at, by),
            SeekFrom::End(by) => (self.bytes, by),
        };
        self.at = from.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// A file of pieces, read as one WAV.
#[derive(Debug)]
pub(super) struct TapeAudio {
    file: File,
    opener: Opener,
    header: [u8; HEADER_BYTES],
    frames: u64,
    /// Where each piece begins; nothing where that cannot be seen.
    pieces: Vec<Option<u64>>,
    /// Pieces that are silence and were not written as that: as far as is known.
    holes: BTreeSet<usize>,
    is_sealed: bool,
    /// The piece read last, where its sound is in it, and its bytes.
    current: (usize, Range<usize>),
    piece: Vec<u8>,
}

impl TapeAudio {
    fn open(file: File, keys: &Keyring, expected: &Expected) -> io::Result<Self> {
        let header = read_header(&file)?;
        if let Some(wanted) = expected.recording.filter(|wanted| *wanted != header.recording) {
            let what = format!("it is the recording {}, not {wanted}", header.recording);
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let key = header.data_key(keys);
        let key = key.map_err(|fault| io::Error::new(io::ErrorKind::PermissionDenied, fault))?;
        let opener = Opener::new(&header, key);
        let seal = read_seal(&file, &opener)?;
        if let Some(wanted) = &expected.seal
            && seal.as_ref().is_none_or(|(found, _)| *found != wanted.sha256)
        {
            return Err(not_sealed());
        }
        let (mut pieces, mut frames) = pieces(&file, &opener)?;
        let is_sealed = seal.is_some();
        if let Some((_, sealed)) = seal.filter(|(_, sealed)| *sealed <= recording::MAX_FRAMES) {
            // What is missing before the seal is a hole, too.
            frames = frames.max(sealed);
            let count = frames.div_ceil(u64::from(PIECE_FRAMES)) as usize;
            pieces.resize(count.max(pieces.len()), None);
        }
        let holes: BTreeSet<usize> =
            (0..pieces.len()).filter(|number| pieces[*number].is_none()).collect();
        if !holes.is_empty() {
            let lost = holes.len();
            tracing::error!(lost, "pieces of a recording cannot be found: played as silence");
        }
        let header = recording::header(frames);
        let (current, piece) = ((usize::MAX, 0..0), Vec::with_capacity(PIECE_MOST));
        Ok(Self { file, opener, header, frames, pieces, holes, is_sealed, current, piece })
    }

    fn read_at(&mut self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let (header, sound) = (HEADER_BYTES as u64, at.saturating_sub(HEADER_BYTES as u64));
        if at < header {
            let rest = &self.header[at as usize..];
            let count = rest.len().min(into.len());
            into[..count].copy_from_slice(&rest[..count]);
            return Ok(count);
        }
        let (number, from) = ((sound / PIECE_BYTES) as usize, (sound % PIECE_BYTES) as usize);
        if number >= self.pieces.len() {
            return Ok(0);
        }
        self.load(number);
        let piece = &self.piece[self.current.1.clone()];
        let frames = self.frames - number as u64 * u64::from(PIECE_FRAMES);
        let bytes = (frames * FRAME_BYTES).min(PIECE_BYTES) as usize;
        let count = bytes.saturating_sub(from).min(into.len());
        match piece.get(from..from + count) {
            Some(found) => into[..count].copy_from_slice(found),
            None => into[..count].fill(0),
        }
        Ok(count)
    }

    /// Reads a piece. One that was lost, cannot be read or is not what was written is silence.
    fn load(&mut self, number: usize) {
        if self.current.0 == number {
            return;
        }
        self.current = (number, 0..0);
        let Some(at) = self.pieces[number] else { return };
        match self.read_piece(at) {
            Ok(Some(sound)) => {
                self.current.1 = sound;
                return;
            }
            Ok(None) => {
                let second = second(number);
                tracing::error!(second, "a piece of a recording is altered: played as silence");
            }
            Err(error) => {
                let second = second(number);
                tracing::error!(second, %error, "a recording cannot be read: played as silence");
            }
        }
        self.holes.insert(number);
    }

    /// Reads the piece that begins there and says where its sound is; nothing if it is not what
    /// was written.
    fn read_piece(&mut self, at: u64) -> io::Result<Option<Range<usize>>> {
        let head = read_head(&self.file, at)?;
        self.piece.resize(head.map_or(0, Head::bytes), 0);
        self.file.read_exact_at(&mut self.piece, at)?;
        Ok(self.opener.sound(&mut self.piece))
    }
}

/// The second in which a piece is.
fn second(number: usize) -> u64 {
    number as u64 * u64::from(PIECE_FRAMES) / u64::from(recording::RATE)
}

fn not_sealed() -> io::Error {
    let what = "it is not what was sealed: `hotline recordings verify` says what was done to it";
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The hash and the frames of the seal that a file ends with.
fn read_seal(file: &File, opener: &Opener) -> io::Result<Option<(String, u64)>> {
    let mut bytes = [0; SEAL_MOST];
    let from = file.metadata()?.len().saturating_sub(SEAL_MOST as u64);
    let count = read_some(file, &mut bytes, from)?;
    Ok(opener.seal_at_end(&bytes[..count]))
}

/// The header of a file of pieces.
pub(super) fn read_header(file: &File) -> io::Result<Header> {
    let mut bytes = [0; TAPE_HEADER_BYTES];
    file.read_exact_at(&mut bytes, 0)?;
    Header::read(&bytes).map_err(|fault| {
        let what = match fault {
            HeaderFault::NotOurs => "it does not begin as a recording does",
            HeaderFault::Newer => "a later version wrote it",
            HeaderFault::Altered => "its header was altered",
        };
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

fn read_head(file: &File, at: u64) -> io::Result<Option<Head>> {
    let mut bytes = [0; HEAD_MOST];
    let count = read_some(file, &mut bytes, at)?;
    Ok(Head::read(&bytes[..count]))
}

/// Reads as much as there is.
fn read_some(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    let mut count = 0;
    while count < bytes.len() {
        match file.read_at(&mut bytes[count..], at + count as u64) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// Where each piece begins, and how many frames they have. Each lies where its number says; what
/// cannot be read is passed over up to the next piece or the seal. A half-written one at the end is
/// left out.
fn pieces(file: &File, opener: &Opener) -> io::Result<(Vec<Option<u64>>, u64)> {
    let length = file.metadata()?.len();
    let (mut pieces, mut frames, mut at) = (Vec::new(), 0, TAPE_HEADER_BYTES as u64);
    let limit = (recording::MAX_FRAMES / u64::from(PIECE_FRAMES)) as usize;
    loop {
        if let Some(head) = piece_at(file, at, length, pieces.len(), opener) {
            let number = head.number as usize;
            if number > limit {
                break;
            }
            if number >= pieces.len() {
                pieces.resize(number + 1, None);
            }
            pieces[number].get_or_insert(at);
            let before = u64::from(head.number) * u64::from(PIECE_FRAMES);
            frames = frames.max(before + u64::from(head.frames));
            at += head.bytes() as u64;
        } else if let Some(next) = next_start(file, at + 1, length, opener) {
            at = next;
        } else {
            break;
        }
    }
    Ok((pieces, frames))
}

/// The head of the piece that begins here. It is believed where it has the number that is wanted
/// and something begins where it ends, otherwise only if the whole piece is what was written.
fn piece_at(file: &File, at: u64, length: u64, wanted: usize, opener: &Opener) -> Option<Head> {
    let head = read_head(file, at).ok()?.filter(|head| opener.owns(head))?;
    let end = at + head.bytes() as u64;
    if end > length {
        return None;
    }
    let is_next = head.number as usize == wanted;
    if is_next && (end == length || follows(file, end, opener).unwrap_or(false)) {
        return Some(head);
    }
    let mut piece = vec![0; head.bytes()];
    file.read_exact_at(&mut piece, at).ok()?;
    opener.sound(&mut piece).map(|_| head)
}

/// Where the next piece of the recording or its seal begins, at `from` or later.
fn next_start(file: &File, mut from: u64, length: u64, opener: &Opener) -> Option<u64> {
    let mut bytes = vec![0; PIECE_MOST + HEAD_MOST];
    while from < length {
        let count = read_some(file, &mut bytes, from).unwrap_or(0);
        let found = (0..count).find(|at| {
            let rest = &bytes[*at..count];
            let is_piece = || Head::read(rest).is_some_and(|head| opener.owns(&head));
            (rest[0] == b'P' && is_piece()) || (rest[0] == b'S' && opener.owns_seal(rest))
        });
        if let Some(found) = found {
            return Some(from + found as u64);
        }
        // What begins at the very end of this is read again; what cannot be read is passed over.
        from += PIECE_MOST as u64;
    }
    None
}

/// Whether a piece of the recording or its seal begins at a place.
fn follows(file: &File, at: u64, opener: &Opener) -> io::Result<bool> {
    let mut bytes = [0; HEAD_MOST];
    let count = read_some(file, &mut bytes, at)?;
    let head = Head::read(&bytes[..count]);
    Ok(head.is_some_and(|head| opener.owns(&head)) || opener.owns_seal(&bytes[..count]))
}

/// The peaks of the recording at `path`: the caller's lowest and highest sample of each 20 ms and
/// the agent's, their upper 8 bits. `None` for an old WAV, which has none.
///
/// # Errors
/// As [`Audio::open`].
pub fn peaks(path: &Path, keys: &Keyring, expected: &Expected) -> io::Result<Option<Vec<Peak>>> {
    let file = File::open(path)?;
    if super::is_wav(path) {
        return Ok(None);
    }
    let tape = TapeAudio::open(file, keys, expected)?;
    let mut all = Vec::with_capacity(tape.pieces.len() * 100);
    let mut front = Vec::with_capacity(recording::FRONT_MOST);
    for (number, at) in tape.pieces.iter().enumerate() {
        let wanted = recording::peak_bytes(PIECE_FRAMES) * (number + 1);
        // What cannot be read is as good as altered.
        let head = at.and_then(|at| Some((read_head(&tape.file, at).ok()??, at)));
        if let Some((head, at)) = head.filter(|(head, _)| head.kind == Kind::Sound) {
            front.resize(head.front_bytes(), 0);
            let is_read = tape.file.read_exact_at(&mut front, at).is_ok();
            if is_read && let Some(peaks) = tape.opener.peaks(&mut front) {
                all.extend_from_slice(&front[peaks]);
            }
        }
        // Only the last piece may have less; what was lost or altered is silence.
        if number + 1 < tape.pieces.len() {
            all.resize(wanted, 0);
        }
    }
    let peak = |bytes: &[u8]| {
        let mut peak = Peak::default();
        peak.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte as i8);
        peak
    };
    Ok(Some(all.chunks_exact(PEAK_BYTES).map(peak).collect()))
}

#[cfg(test)]
mod tests {
    use super::super::file::TapeFile;
    use super::super::file::tests::{ANY, header, keys, played};
    use super::*;

    /// Three and a half pieces of counting samples.
    fn recorded(path: &Path, keys: &Keyring) -> Vec<i16> {
        let mut file = TapeFile::new(path.to_owned(), header(), keys).unwrap();
        let samples: Vec<i16> = (0..28_000).collect();
        for block in samples.chunks(320) {
            file.write(block);
        }
        file.finish(&mut Vec::new()).unwrap();
        samples
    }

    #[test]
    fn any_range_of_the_wav_is_read_as_the_whole_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        for keys in [Keyring::default(), keys()] {
            let samples = recorded(&path, &keys);
            let mut whole = Vec::new();
            let mut audio = Audio::open(&path, &keys, &ANY).unwrap();
            audio.read_to_end(&mut whole).unwrap();
            assert_eq!(whole.len() as u64, audio.length());
            assert_eq!(whole[..44], recording::header(14_000));
            let wanted: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            assert_eq!(whole[44..], wanted);
            for (from, count) in [(0, 1), (43, 2), (44, 7), (16_043, 9), (30_000, 26_044), (0, 99)]
            {
                let mut part = vec![0; count];
                audio.seek(SeekFrom::Start(from as u64)).unwrap();
                audio.read_exact(&mut part).unwrap();
                assert_eq!(part, whole[from..from + count], "{count} bytes from {from}");
            }
            audio.seek(SeekFrom::End(10)).unwrap();
            assert_eq!(audio.read(&mut [0; 10]).unwrap(), 0);
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn an_encrypted_recording_is_not_played_without_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        recorded(&path, &keys());
        let error = Audio::open(&path, &Keyring::default(), &ANY).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("'k1', which is not configured"), "{error}");
        let other = Keyring::parse(&format!("k1 = {}", "08".repeat(32))).unwrap();
        let error = Audio::open(&path, &other, &ANY).unwrap_err();
        assert!(error.to_string().contains("does not open"), "{error}");
        std::fs::write(&path, [7; 500]).unwrap();
        let error = Audio::open(&path, &keys(), &ANY).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn what_was_altered_is_silence_and_the_rest_is_played() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        for keys in [Keyring::default(), keys()] {
            let samples = recorded(&path, &keys);
            let whole = std::fs::read(&path).unwrap();
            let second = 192 + if keys.is_empty() { PIECE_MOST - 32 } else { PIECE_MOST };
            // Its sound, its beginning, its length, its kind.
            for byte in [second + 500, second, second + 20, second + 21, second + 4] {
                let mut altered = whole.clone();
                altered[byte] ^= 3;
                std::fs::write(&path, &altered).unwrap();
                let heard = played(&path, &keys);
                assert_eq!(heard[..8_000], samples[..8_000]);
                assert!(heard[8_000..16_000].iter().all(|sample| *sample == 0), "{byte}");
                assert_eq!(heard[16_000..], samples[16_000..]);
            }
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn two_neighbours_that_are_gone_do_not_end_what_is_played() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        for keys in [Keyring::default(), keys()] {
            let samples = recorded(&path, &keys);
            let mut altered = std::fs::read(&path).unwrap();
            let piece = PIECE_MOST - if keys.is_empty() { 32 } else { 0 };
            altered[192 + 4] ^= 0xff;
            altered[192 + piece + 4] ^= 0xff;
            std::fs::write(&path, &altered).unwrap();
            let heard = played(&path, &keys);
            assert!(heard[..16_000].iter().all(|sample| *sample == 0));
            assert_eq!(heard[16_000..], samples[16_000..]);
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn each_piece_is_played_where_its_number_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        for keys in [Keyring::default(), keys()] {
            let samples = recorded(&path, &keys);
            let whole = std::fs::read(&path).unwrap();
            let piece = PIECE_MOST - if keys.is_empty() { 32 } else { 0 };
            let (first, second) = (192..192 + piece, 192 + piece..192 + 2 * piece);
            let behind = &whole[second.end..];
            let swapped = [&whole[..192], &whole[second.clone()], &whole[first.clone()], behind];
            std::fs::write(&path, swapped.concat()).unwrap();
            assert_eq!(played(&path, &keys), samples, "swapped");
            std::fs::write(&path, [&whole[..first.end], behind].concat()).unwrap();
            let heard = played(&path, &keys);
            assert_eq!(heard[..8_000], samples[..8_000]);
            assert!(heard[8_000..16_000].iter().all(|sample| *sample == 0), "left out");
            assert_eq!(heard[16_000..], samples[16_000..]);
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn peaks_are_those_of_the_sound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        for keys in [Keyring::default(), keys()] {
            let samples = recorded(&path, &keys);
            let peaks = peaks(&path, &keys, &ANY).unwrap().unwrap();
            assert_eq!(peaks.len(), samples.len().div_ceil(320));
            for (peak, block) in peaks.iter().zip(samples.chunks(320)) {
                let highest = block[block.len() - 2..].iter().map(|sample| (sample + 255) >> 8);
                let wanted: Vec<i8> = highest.flat_map(|high| [0, high as i8]).collect();
                assert_eq!(peak, &wanted[..]);
            }
            std::fs::remove_file(&path).unwrap();
        }
        let old = folder.path().join("old.wav");
        std::fs::write(&old, recording::header(0)).unwrap();
        assert_eq!(super::peaks(&old, &keys(), &ANY).unwrap(), None);
    }

    #[test]
    fn another_recording_and_one_that_was_sealed_otherwise_are_not_played() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        for keys in [Keyring::default(), keys()] {
            let mut file = TapeFile::new(path.clone(), header(), &keys).unwrap();
            file.write(&[7; 20_000]);
            let seal = file.finish(&mut Vec::new()).unwrap();
            let id = Some(header().recording);
            let opened = |expected: &Expected| Audio::open(&path, &keys, expected).map(|_| ());
            let expected = Expected { recording: id, seal: Some(seal.clone()) };
            opened(&expected).unwrap();
            let other = model::RecordingId(model::Id::new(9, 9, 9));
            let error = opened(&Expected { recording: Some(other), seal: None }).unwrap_err();
            assert!(error.to_string().contains("not r9-9-9"), "{error}");
            let sha256 = "0".repeat(64);
            let anew = Expected { recording: id, seal: Some(model::Seal { sha256, ..seal }) };
            assert_eq!(opened(&anew).unwrap_err().kind(), io::ErrorKind::InvalidData);
            // Cut off; and what is left of it is not silently the whole.
            let length = std::fs::metadata(&path).unwrap().len();
            let cut = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            cut.set_len(length - 1).unwrap();
            assert_eq!(opened(&expected).unwrap_err().kind(), io::ErrorKind::InvalidData);
            assert!(!Audio::open(&path, &keys, &ANY).unwrap().is_sealed());
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn holes_are_told_also_those_before_the_seal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        for keys in [Keyring::default(), keys()] {
            recorded(&path, &keys);
            let whole = std::fs::read(&path).unwrap();
            let piece = PIECE_MOST - if keys.is_empty() { 32 } else { 0 };
            let holes = |bytes: &[u8]| {
                std::fs::write(&path, bytes).unwrap();
                let mut audio = Audio::open(&path, &keys, &ANY).unwrap();
                assert_eq!(io::copy(&mut audio, &mut io::sink()).unwrap(), 44 + 2 * 28_000);
                audio.holes().into_iter().collect::<Vec<u64>>()
            };
            assert_eq!(holes(&whole), [0_u64; 0]);
            let mut altered = whole.clone();
            altered[192 + 2 * piece + 500] ^= 1;
            assert_eq!(holes(&altered), [1]);
            let seal = whole.len() - if keys.is_empty() { 96 } else { SEAL_MOST };
            let fewer = [&whole[..192 + 2 * piece], &whole[seal..]].concat();
            assert_eq!(holes(&fewer), [1], "two pieces before the seal are missing");
            std::fs::remove_file(&path).unwrap();
        }
    }
}
