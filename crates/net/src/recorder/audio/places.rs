//! Where the pieces of a recording's file are, and what does not lie as it was written.

use std::collections::BTreeSet;
use std::io;

use recording::{Damage, Fault, Head, Opener, PIECE_FRAMES, PIECE_MOST, TAPE_HEADER_BYTES};

use super::super::taped::Taped;
use super::{HEAD_MOST, fault, read_head};

/// What a walk through a file finds.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Where each piece begins; nothing where that cannot be seen. Each lies where its number says.
    pub(super) pieces: Vec<Option<u64>>,
    /// The frames up to the end of the last one.
    pub(super) frames: u64,
    /// Pieces that lie elsewhere than they were written, and what is no piece.
    pub(super) faults: BTreeSet<Fault>,
}

impl Places {
    /// Walks from head to head. What cannot be read is passed over up to the next piece or the
    /// seal; a half-written one at the end is left out.
    pub(super) fn of(file: &Taped, opener: &Opener) -> io::Result<Self> {
        let length = file.length()?;
        let limit = (recording::MAX_FRAMES / u64::from(PIECE_FRAMES)) as usize;
        let (mut places, mut at) = (Self::default(), TAPE_HEADER_BYTES as u64);
        // The numbers as they lie, and those before which something lies that is none.
        let (mut order, mut rubble) = (Vec::new(), Vec::new());
        loop {
            let wanted = order.last().map_or(0, |last| last + 1);
            if let Some(head) = piece_at(file, at, length, wanted, opener) {
                let number = head.number as usize;
                if number > limit {
                    break;
                }
                places.add(number, at, head);
                order.push(number);
                at += head.bytes() as u64;
            } else if let Some(next) = next_start(file, at + 1, length, opener) {
                rubble.push(wanted);
                at = next;
            } else {
                break;
            }
        }
        places.judge(order, &rubble);
        Ok(places)
    }

    fn add(&mut self, number: usize, at: u64, head: Head) {
        if number >= self.pieces.len() {
            self.pieces.resize(number + 1, None);
        }
        match &mut self.pieces[number] {
            Some(_) => drop(self.faults.insert(fault(number, Damage::Added))),
            none => *none = Some(at),
        }
        let before = u64::from(head.number) * u64::from(PIECE_FRAMES);
        self.frames = self.frames.max(before + u64::from(head.frames));
    }

    /// Finds what is not in its place: where the numbers are not those that an ordered file has.
    fn judge(&mut self, order: Vec<usize>, rubble: &[usize]) {
        let mut sorted = order.clone();
        sorted.sort_unstable();
        let displaced = order.iter().zip(&sorted).filter(|(is, wanted)| is != wanted);
        let displaced = displaced.map(|(_, wanted)| fault(*wanted, Damage::Swapped));
        self.faults.extend(displaced);
        self.faults.extend(rubble.iter().map(|number| {
            let is_there = self.pieces.get(*number).is_some_and(Option::is_some);
            fault(*number, if is_there { Damage::Added } else { Damage::Altered })
        }));
    }
}

/// The head of the piece that begins here. It is believed where it has the number that is wanted
/// and something begins where it ends, otherwise only if the whole piece is what was written.
fn piece_at(file: &Taped, at: u64, length: u64, wanted: usize, opener: &Opener) -> Option<Head> {
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
fn next_start(file: &Taped, mut from: u64, length: u64, opener: &Opener) -> Option<u64> {
    let mut bytes = vec![0; PIECE_MOST + HEAD_MOST];
    while from < length {
        let count = file.read_some(&mut bytes, from).unwrap_or(0);
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
fn follows(file: &Taped, at: u64, opener: &Opener) -> io::Result<bool> {
    let mut bytes = [0; HEAD_MOST];
    let count = file.read_some(&mut bytes, at)?;
    let head = Head::read(&bytes[..count]);
    Ok(head.is_some_and(|head| opener.owns(&head)) || opener.owns_seal(&bytes[..count]))
}
