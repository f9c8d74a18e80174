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
mod tests;
