//! A recording as it is listened to: 16-bit WAV, whatever its file is, decrypted on the way.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use model::RecordingId;
use recording::{
    Damage, Expected, FRAME_BYTES, Fault, HEADER_BYTES, Head, Header, HeaderFault, Keyring, Kind,
    Opener, PEAK_BYTES, PIECE_FRAMES, PIECE_MOST, SEAL_BYTES, SEAL_MOST, TAPE_HEADER_BYTES,
};

use places::Places;

use super::taped::Taped;

mod places;

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
        let (content, bytes) = if super::is_wav(path) {
            let file = File::open(path)?;
            let bytes = file.metadata()?.len();
            if expected.seal.as_ref().is_some_and(|seal| seal.bytes != bytes) {
                return Err(not_sealed());
            }
            (Content::Wav(file), bytes)
        } else {
            let tape = TapeAudio::open(Taped::open(path, keys)?, keys, expected)?;
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

    /// What is wrong with it and where: pieces that are missing or lie elsewhere are known when it
    /// is opened, what is not what was written when it was read.
    pub fn faults(&self) -> Vec<Fault> {
        match &self.content {
            Content::Wav(_) => Vec::new(),
            Content::Tape(tape) => tape.faults.iter().copied().collect(),
        }
    }

    /// Whether it ends with its seal; nobody can tell of an old WAV.
    pub fn is_sealed(&self) -> bool {
        match &self.content {
            Content::Wav(_) => true,
            Content::Tape(tape) => tape.seal.is_some(),
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
    file: Taped,
    recording: RecordingId,
    opener: Opener,
    header: [u8; HEADER_BYTES],
    frames: u64,
    /// Where each piece begins; nothing where that cannot be seen.
    pieces: Vec<Option<u64>>,
    /// Pieces that are silence and were not written as that: as far as is known.
    holes: BTreeSet<usize>,
    /// What is wrong, as far as is known; at most a few for each piece.
    faults: BTreeSet<Fault>,
    /// Where its seal begins, if it has one.
    seal: Option<u64>,
    /// The piece read last, where its sound is in it, and its bytes.
    current: (usize, Range<usize>),
    piece: Vec<u8>,
}

impl TapeAudio {
    fn open(file: Taped, keys: &Keyring, expected: &Expected) -> io::Result<Self> {
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
            && seal.as_ref().is_none_or(|(found, _, _)| *found != wanted.sha256)
        {
            return Err(not_sealed());
        }
        let Places { mut pieces, mut frames, mut faults } = Places::of(&file, &opener)?;
        let found = pieces.len();
        let seal = seal.map(|(_, sealed, at)| {
            if sealed <= recording::MAX_FRAMES {
                // What is missing before the seal is a hole, too.
                frames = frames.max(sealed);
                let count = frames.div_ceil(u64::from(PIECE_FRAMES)) as usize;
                pieces.resize(count.max(found), None);
            }
            at
        });
        let holes: BTreeSet<usize> =
            (0..pieces.len()).filter(|number| pieces[*number].is_none()).collect();
        let left_out = holes.iter().map(|number| fault(*number, Damage::LeftOut));
        // What is altered there is told already.
        let is_new = |left: &Fault| !faults.contains(&Fault { damage: Damage::Altered, ..*left });
        let left_out: Vec<Fault> = left_out.filter(is_new).collect();
        faults.extend(left_out);
        for fault in &faults {
            tracing::error!(recording = %header.recording, "{fault}");
        }
        let recording = header.recording;
        let header = recording::header(frames);
        let (current, piece) = ((usize::MAX, 0..0), Vec::with_capacity(PIECE_MOST));
        Ok(Self {
            file,
            recording,
            opener,
            header,
            frames,
            pieces,
            holes,
            faults,
            seal,
            current,
            piece,
        })
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
        match self.read_piece(number, at) {
            Ok(Some(sound)) => {
                self.current.1 = sound;
                return;
            }
            Ok(None) => {
                let (recording, fault) = (self.recording, fault(number, Damage::Altered));
                tracing::error!(%recording, "{fault}: played as silence");
                self.faults.insert(fault);
            }
            Err(error) => {
                let (recording, second) = (self.recording, second(number));
                tracing::error!(%recording, second, %error, "not to be read: played as silence");
            }
        }
        self.holes.insert(number);
    }

    /// Reads the piece that begins there and says where its sound is; nothing if it is not what
    /// was written, by its own hash or by what names it.
    fn read_piece(&mut self, number: usize, at: u64) -> io::Result<Option<Range<usize>>> {
        let head = read_head(&self.file, at)?;
        self.piece.resize(head.map_or(0, Head::bytes), 0);
        self.file.read_exact_at(&mut self.piece, at)?;
        let sound = self.opener.sound(&mut self.piece);
        let is_named = (number > 0 || self.opener.names(&self.piece, None))
            && (sound.is_none() || self.is_named(number)?);
        Ok(sound.filter(|_| is_named))
    }

    /// Whether what follows the piece that was just read, the next one or the seal, names it. One
    /// that is itself not what was written says nothing.
    fn is_named(&self, number: usize) -> io::Result<bool> {
        let is_last = number + 1 == self.pieces.len();
        let next = if is_last { self.seal } else { self.pieces[number + 1] };
        let Some(at) = next else { return Ok(true) };
        let mut begin = [0; HEAD_MOST];
        let count = self.file.read_some(&mut begin, at)?;
        if self.opener.names(&begin[..count], Some(&self.piece)) {
            return Ok(true);
        }
        let Some(head) = Head::read(&begin[..count]) else { return Ok(!is_last) };
        let mut next = vec![0; head.bytes()];
        let is_read = self.file.read_exact_at(&mut next, at).is_ok();
        Ok(!(is_read && self.opener.is_whole(&next)))
    }
}

/// What is wrong with a piece.
fn fault(number: usize, damage: Damage) -> Fault {
    Fault { second: second(number), damage }
}

/// The second in which a piece is.
fn second(number: usize) -> u64 {
    number as u64 * u64::from(PIECE_FRAMES) / u64::from(recording::RATE)
}

fn not_sealed() -> io::Error {
    let what = "it is not what was sealed: `hotline recordings verify` says what was done to it";
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The hash and the frames of the seal that a file ends with, and where it begins.
fn read_seal(file: &Taped, opener: &Opener) -> io::Result<Option<(String, u64, u64)>> {
    let mut bytes = [0; SEAL_MOST];
    let length = file.length()?;
    let count = file.read_some(&mut bytes, length.saturating_sub(SEAL_MOST as u64))?;
    let bytes = &bytes[..count];
    Ok(opener.seal_at_end(bytes).map(|(hash, frames)| {
        let is_long = count == SEAL_MOST && opener.owns_seal(bytes);
        let seal = if is_long { SEAL_MOST } else { SEAL_BYTES };
        (hash, frames, length.saturating_sub(seal as u64))
    }))
}

/// The header of a file of pieces.
pub(super) fn read_header(file: &Taped) -> io::Result<Header> {
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

fn read_head(file: &Taped, at: u64) -> io::Result<Option<Head>> {
    let mut bytes = [0; HEAD_MOST];
    let count = file.read_some(&mut bytes, at)?;
    Ok(Head::read(&bytes[..count]))
}

/// The peaks of the recording at `path`: the caller's lowest and highest sample of each 20 ms and
/// the agent's, their upper 8 bits. `None` for an old WAV, which has none.
///
/// # Errors
/// As [`Audio::open`].
pub fn peaks(path: &Path, keys: &Keyring, expected: &Expected) -> io::Result<Option<Vec<Peak>>> {
    if super::is_wav(path) {
        return File::open(path).map(|_| None);
    }
    let tape = TapeAudio::open(Taped::open(path, keys)?, keys, expected)?;
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
