//! An archive read as the file that was archived: where each of its parts would lie there, and what
//! stands there.
//!
//! What is damaged in the archive is damaged at the same place of what is read, so that whoever
//! verifies, plays or measures a recording need not know of archives.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use recording::{
    ARCHIVE_HEADER_BYTES, ARCHIVED_HEAD_BYTES, ArchiveHeader, Archived, ArchivedHead, Expected,
    HeaderFault, KeyFault, Keyring, Outline, Report, TAPE_HEADER_BYTES, Unpacker,
};

use super::taped::read_some;

/// Bytes that are looked through at once for where something begins.
const WINDOW: usize = 64 * 1024;
/// How a piece and a seal begin in the recording's own form.
const PIECE: &[u8] = b"PIEC";
const SEAL: &[u8] = b"SEAL";

/// What stands somewhere in the recording's own form.
#[derive(Debug, Clone)]
enum What {
    Header,
    /// A piece, which is archived at that byte of the file.
    Piece(u64),
    Seal(Vec<u8>),
    /// Something that is nothing; these bytes are how it begins, zeros follow.
    Rubble(&'static [u8]),
}

/// A part, and where it lies in the recording's own form.
#[derive(Debug)]
struct Part {
    from: u64,
    bytes: u64,
    what: What,
}

/// What a walk through an archive's file comes upon.
enum Found {
    Piece(u64, ArchivedHead),
    End(recording::ArchivedEnd),
    /// A part that was cut off: it is to begin so.
    Cut(&'static [u8]),
    Rubble(u64),
}

/// An archive that is read.
#[derive(Debug)]
pub(super) struct Unarchived {
    file: File,
    header: [u8; TAPE_HEADER_BYTES],
    parts: Vec<Part>,
    bytes: u64,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    unpacker: Option<Unpacker>,
    /// The part that was unpacked last, and what it is.
    current: usize,
    piece: Vec<u8>,
    archived: Vec<u8>,
}

impl Unarchived {
    /// Opens an archive; gives the file back where its key is not to be had. One whose header is
    /// not what was written is a recording with such a header, and nothing more.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn open(file: File, keys: &Keyring) -> io::Result<Result<Self, (File, KeyFault)>> {
        let (mut parts, mut unpacker) = (Vec::new(), None);
        let mut original = [0; TAPE_HEADER_BYTES];
        match read_header(&file)? {
            Ok(header) => {
                match Unpacker::new(&header, keys) {
                    Ok(opened) => unpacker = Some(opened),
                    Err(fault) => return Ok(Err((file, fault))),
                }
                original = header.original.to_bytes();
                parts.push((TAPE_HEADER_BYTES as u64, What::Header));
                walk(&file, &header, |found| parts.push(part(found)))?;
            }
            // As much of a header as is there, none of it what was written.
            Err(length) => parts.push((length.min(TAPE_HEADER_BYTES as u64), What::Rubble(&[]))),
        }
        let mut at = 0;
        let placed = parts.into_iter().map(|(bytes, what)| {
            at += bytes;
            Part { from: at - bytes, bytes, what }
        });
        let parts: Vec<Part> = placed.collect();
        let bytes = parts.last().map_or(0, |part| part.from + part.bytes);
        let (piece, archived) = (Vec::new(), Vec::new());
        let state = RefCell::new(State { unpacker, current: usize::MAX, piece, archived });
        Ok(Ok(Self { file, header: original, parts, bytes, state }))
    }

    /// The file that it is read from.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Bytes of the recording's own form.
    pub(super) fn length(&self) -> u64 {
        self.bytes
    }

    /// Reads some of the recording's own form: up to the end of the part that is there.
    pub(super) fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let number = self.parts.partition_point(|part| part.from + part.bytes <= at);
        let Some(part) = self.parts.get(number) else { return Ok(0) };
        let (from, left) = ((at - part.from) as usize, part.from + part.bytes - at);
        let count = usize::try_from(left).map_or(into.len(), |left| left.min(into.len()));
        let into = &mut into[..count];
        match &part.what {
            What::Header => into.copy_from_slice(&self.header[from..from + count]),
            What::Seal(seal) => into.copy_from_slice(&seal[from..from + count]),
            What::Rubble(begin) => {
                let begin = begin.get(from..).unwrap_or_default();
                let some = begin.len().min(count);
                into[..some].copy_from_slice(&begin[..some]);
                into[some..].fill(0);
            }
            What::Piece(place) => {
                let mut state = self.state.borrow_mut();
                if state.current == number {
                    into.copy_from_slice(&state.piece[from..from + count]);
                } else if !self.read_front(&state, *place, into, from)? {
                    state.unpack(&self.file, *place, part.bytes as usize)?;
                    state.current = number;
                    into.copy_from_slice(&state.piece[from..from + count]);
                }
            }
        }
        Ok(count)
    }

    /// Reads from a piece's beginning and peaks alone. False if more than those are asked for.
    fn read_front(
        &self,
        state: &State,
        place: u64,
        into: &mut [u8],
        from: usize,
    ) -> io::Result<bool> {
        let Some(head) = read_head(&self.file, place)? else { return Ok(false) };
        if from + into.len() > head.head.front_bytes() {
            return Ok(false);
        }
        let Some(unpacker) = &state.unpacker else { return Ok(false) };
        let mut front = vec![0; head.front_bytes()];
        self.file.read_exact_at(&mut front, place)?;
        let mut own = Vec::with_capacity(head.head.front_bytes());
        unpacker.front(&mut front, &mut own);
        into.copy_from_slice(&own[from..from + into.len()]);
        Ok(true)
    }
}

impl State {
    /// Unpacks the piece that is archived at `place`; it has `bytes`.
    fn unpack(&mut self, file: &File, place: u64, bytes: usize) -> io::Result<()> {
        self.current = usize::MAX;
        self.piece.clear();
        if let (Some(head), Some(unpacker)) = (read_head(file, place)?, &mut self.unpacker) {
            self.archived.resize(head.bytes(), 0);
            file.read_exact_at(&mut self.archived, place)?;
            unpacker.piece(&mut self.archived, &mut self.piece);
        }
        // Where the file is changed while it is read, it is damaged.
        self.piece.resize(bytes, 0);
        Ok(())
    }
}

fn part(found: Found) -> (u64, What) {
    match found {
        Found::Piece(place, head) => (head.head.bytes() as u64, What::Piece(place)),
        Found::End(end) => (end.seal.len() as u64, What::Seal(end.seal)),
        Found::Cut(begin) => (begin.len() as u64, What::Rubble(begin)),
        Found::Rubble(bytes) => (bytes, What::Rubble(&[])),
    }
}

/// What can be told of an archive by who has not its key because of `fault`.
///
/// # Errors
/// It cannot be read.
pub(super) fn outline(file: &File, expected: Expected, fault: KeyFault) -> io::Result<Report> {
    let header = read_header(file)?.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let mut outline = Outline::new(&header, expected, fault);
    let mut wrong = Ok(());
    walk(file, &header, |found| match found {
        Found::Piece(place, head) => {
            let mut piece = vec![0; head.bytes()];
            match file.read_exact_at(&mut piece, place) {
                Ok(()) => outline.piece(&piece),
                Err(error) => wrong = Err(error),
            }
        }
        Found::End(end) => outline.end(&end),
        Found::Cut(_) => {}
        Found::Rubble(_) => outline.rubble(),
    })?;
    wrong.map(|()| outline.finish())
}

/// An archive's header; its length where it is none that can be read.
///
/// # Errors
/// The file cannot be read, or a later version wrote it.
fn read_header(file: &File) -> io::Result<Result<ArchiveHeader, u64>> {
    let mut bytes = [0; ARCHIVE_HEADER_BYTES];
    let count = read_some(|into, at| file.read_at(into, at), &mut bytes, 0)?;
    if count < bytes.len() {
        return Ok(Err((count as u64).min(TAPE_HEADER_BYTES as u64 - 1)));
    }
    match ArchiveHeader::read(&bytes) {
        Ok(header) => Ok(Ok(header)),
        Err(HeaderFault::Newer) => {
            let what = "a later version archived it";
            Err(io::Error::new(io::ErrorKind::InvalidData, what))
        }
        Err(HeaderFault::NotOurs | HeaderFault::Altered) => Ok(Err(TAPE_HEADER_BYTES as u64)),
    }
}

fn read_head(file: &File, at: u64) -> io::Result<Option<ArchivedHead>> {
    let mut bytes = [0; ARCHIVED_HEAD_BYTES];
    let count = read_some(|into, at| file.read_at(into, at), &mut bytes, at)?;
    Ok(ArchivedHead::read(&bytes[..count]))
}

/// Walks from part to part. What is nothing is passed over up to the next part that is whole.
fn walk(file: &File, header: &ArchiveHeader, mut take: impl FnMut(Found)) -> io::Result<()> {
    let (length, tag) = (file.metadata()?.len(), header.tag());
    let mut at = ARCHIVE_HEADER_BYTES as u64;
    while at < length {
        let mut bytes = [0; Archived::AHEAD];
        let count = read_some(|into, at| file.read_at(into, at), &mut bytes, at)?;
        let found = Archived::read(&bytes[..count], None);
        let rest = length - at;
        let (found, bytes) = match found {
            Some(Archived::Piece(head)) if is_piece(file, at, length, &head, tag)? => {
                (Found::Piece(at, head), head.bytes() as u64)
            }
            Some(Archived::End(end)) => {
                // Whatever follows it was added.
                let bytes = end.bytes() as u64;
                take(Found::End(end));
                (Found::Rubble(rest - bytes), rest)
            }
            found => match next_start(file, at + 1, length, tag)? {
                Some(next) => (Found::Rubble(next - at), next - at),
                None => {
                    let begin = match found {
                        Some(Archived::Piece(head)) if head.bytes() as u64 > rest => Some(PIECE),
                        Some(Archived::Cut) if bytes[2] == b'E' => Some(SEAL),
                        Some(Archived::Cut) => Some(PIECE),
                        Some(Archived::Piece(_) | Archived::End(_)) | None => None,
                    };
                    let begin = begin.map(|begin| &begin[..begin.len().min(count)]);
                    (begin.map_or(Found::Rubble(rest), Found::Cut), rest)
                }
            },
        };
        if !matches!(found, Found::Rubble(0)) {
            take(found);
        }
        at += bytes;
    }
    Ok(())
}

/// Whether an archived piece begins here: one of this archive if something begins where it ends,
/// any other one if it is whole.
fn is_piece(
    file: &File,
    at: u64,
    length: u64,
    head: &ArchivedHead,
    tag: [u8; 8],
) -> io::Result<bool> {
    let end = at + head.bytes() as u64;
    if end > length {
        return Ok(false);
    }
    let mut next = [0; Archived::AHEAD];
    let count = read_some(|into, at| file.read_at(into, at), &mut next, end)?;
    if head.is_of(tag) && (count == 0 || Archived::read(&next[..count], Some(tag)).is_some()) {
        return Ok(true);
    }
    let mut piece = vec![0; head.bytes()];
    file.read_exact_at(&mut piece, at)?;
    Ok(recording::is_whole_archived(&piece))
}

/// Where the next piece of the archive or its end begins, at `from` or later.
fn next_start(file: &File, mut from: u64, length: u64, tag: [u8; 8]) -> io::Result<Option<u64>> {
    let mut bytes = vec![0; WINDOW + Archived::AHEAD];
    while from < length {
        let count = read_some(|into, at| file.read_at(into, at), &mut bytes, from)?;
        let found = (0..count.min(WINDOW)).find(|at| {
            let rest = &bytes[*at..count.min(at + Archived::AHEAD)];
            rest[0] == b'F'
                && matches!(
                    Archived::read(rest, Some(tag)),
                    Some(Archived::Piece(_) | Archived::End(_))
                )
        });
        if let Some(found) = found {
            return Ok(Some(from + found as u64));
        }
        from += WINDOW as u64;
    }
    Ok(None)
}
