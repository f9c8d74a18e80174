//! Archives under attack: whatever is done to a file is found, and where, as it is in a recording's
//! own form.

use recording::{Archived as Part, Damage, Report};

use super::super::file::tests::keys;
use super::tests::{archived, taped};
use super::*;

const ATTACKS: usize = 1_000;

/// A small generator (Marsaglia's xorshift64): the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn noise(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.roll(256) as u8).collect()
    }
}

/// An archive, and where its pieces begin: one more than there are, for the end.
struct Made {
    file: Vec<u8>,
    starts: Vec<usize>,
    of: (RecordingId, Seal),
}

fn made(folder: &Path, counter: u32, pieces: usize, keys: &Keyring) -> Made {
    let (file, header, seal) = taped(counter, pieces, keys);
    let path = folder.join(format!("{counter}.tape"));
    std::fs::write(&path, file).unwrap();
    let of = (header.recording, seal);
    archived(&path, &of, keys);
    let file = std::fs::read(&path).unwrap();
    let mut starts = vec![ARCHIVE_HEADER_BYTES];
    while let Some(Part::Piece(head)) = Part::read(&file[starts[starts.len() - 1]..], None) {
        starts.push(starts[starts.len() - 1] + head.bytes());
    }
    assert_eq!(starts.len(), pieces + 1);
    Made { file, starts, of }
}

impl Made {
    fn pieces(&self) -> usize {
        self.starts.len() - 1
    }

    fn last_second(&self) -> u64 {
        (self.of.1.frames - 1) / 8_000
    }

    fn second_of(&self, piece: usize) -> u64 {
        (piece as u64 / 2).min(self.last_second())
    }

    /// The second of what lies at a byte.
    fn second_at(&self, byte: usize) -> u64 {
        let piece = self.starts.iter().rposition(|start| *start <= byte);
        piece.map_or(0, |piece| self.second_of(piece))
    }

    fn piece(&self, number: usize) -> &[u8] {
        &self.file[self.starts[number]..self.starts[number + 1]]
    }

    fn with_pieces(&self, order: &[usize]) -> Vec<u8> {
        let mut file = self.file[..ARCHIVE_HEADER_BYTES].to_vec();
        order.iter().for_each(|number| file.extend(self.piece(*number)));
        file.extend(&self.file[self.starts[self.pieces()]..]);
        file
    }
}

/// One attack: the file after it, the second where it happened, and what it may be called.
fn attack(
    kind: usize,
    (made, other): (&Made, &Made),
    dice: &mut Dice,
) -> (Vec<u8>, u64, &'static [Damage]) {
    let mut file = made.file.clone();
    let piece = dice.roll(made.pieces());
    let mut order: Vec<usize> = (0..made.pieces()).collect();
    match kind {
        0 => {
            let bit = dice.roll(8 * file.len());
            file[bit / 8] ^= 1 << (bit % 8);
            (file, made.second_at(bit / 8), &[Damage::Altered])
        }
        1 => {
            let at = dice.roll(file.len());
            file.truncate(at);
            (file, made.second_at(at), &[Damage::Cut])
        }
        2 => {
            let with = (piece + 1 + dice.roll(made.pieces() - 1)) % made.pieces();
            order.swap(piece, with);
            (made.with_pieces(&order), made.second_of(piece.min(with)), &[Damage::Swapped])
        }
        3 => {
            let by = other.piece(dice.roll(other.pieces()));
            file.splice(made.starts[piece]..made.starts[piece + 1], by.iter().copied());
            (file, made.second_of(piece), &[Damage::Foreign])
        }
        4 => {
            let (from, to) = (made.starts[piece], made.starts[piece + 1]);
            file[from..to].copy_from_slice(&dice.noise(to - from));
            (file, made.second_of(piece), &[Damage::Altered])
        }
        5 => (Vec::new(), 0, &[Damage::Cut]),
        6 => {
            let some = 1 + dice.roll(40_000);
            file.extend(dice.noise(some));
            (file, made.last_second(), &[Damage::Added])
        }
        7 => {
            file.extend(other.piece(0));
            (file, made.last_second(), &[Damage::Added])
        }
        8 => {
            order.remove(piece);
            (made.with_pieces(&order), made.second_of(piece), &[Damage::LeftOut])
        }
        9 => {
            order.insert(piece + 1, piece);
            (made.with_pieces(&order), made.second_of(piece + 1), &[Damage::Added])
        }
        10 => {
            let some = 1 + dice.roll(50_000);
            let (at, noise) = (made.starts[piece], dice.noise(some));
            file.splice(at..at, noise);
            (file, made.second_of(piece), &[Damage::Added, Damage::Altered])
        }
        _ => (other.file.clone(), 0, &[Damage::Foreign]),
    }
}

fn found(path: &Path, file: &[u8], of: &(RecordingId, Seal), keys: &Keyring) -> Option<Report> {
    std::fs::write(path, file).unwrap();
    let expected = Expected { recording: Some(of.0), seal: Some(of.1.clone()) };
    match verify(path, &expected, keys).unwrap() {
        Verdict::Damaged(report) => Some(*report),
        Verdict::Ok | Verdict::Undecrypted(_) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_thousand_attacks_on_archives_are_all_found_and_located_to_the_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("attacked.tape");
    let mut dice = Dice(20_261_122);
    let mut kinds = [0_usize; 12];
    let mut pair = None;
    for number in 0..ATTACKS {
        let keys = if number / 50 % 2 == 0 { keys() } else { Keyring::default() };
        if number % 50 == 0 {
            let pieces = [2 + dice.roll(18), 2 + dice.roll(18)];
            let counter = 2 * number as u32;
            let both = [0, 1].map(|n| made(folder.path(), counter + n as u32, pieces[n], &keys));
            assert_eq!(found(&path, &both[0].file, &both[0].of, &keys), None);
            pair = Some(both);
        }
        let [one, other] = pair.as_ref().unwrap();
        let kind = number % kinds.len();
        let (file, second, names) = attack(kind, (one, other), &mut dice);
        let report = found(&path, &file, &one.of, &keys);
        let report =
            report.unwrap_or_else(|| panic!("attack {number} of kind {kind} is not found"));
        let is_right = report
            .faults
            .first()
            .is_some_and(|fault| fault.second == second && names.contains(&fault.damage));
        assert!(is_right, "attack {number} of kind {kind} at {second}: {report}");
        let places: std::collections::BTreeSet<u64> =
            report.faults.iter().map(|fault| fault.second).collect();
        assert!(kind == 11 || places.len() <= 2, "attack {number} of kind {kind}: {report}");
        kinds[kind] += 1;
    }
    println!("attacks found and located, by their kinds: {kinds:?}");
    assert_eq!(kinds.iter().sum::<usize>(), ATTACKS);
}

#[test]
fn who_has_no_key_finds_what_was_done_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("attacked.tape");
    let (one, other) = (made(folder.path(), 1, 9, &keys()), made(folder.path(), 2, 9, &keys()));
    let nobody = Keyring::default();
    assert_eq!(found(&path, &one.file, &one.of, &nobody), None);
    let mut dice = Dice(7);
    for number in 0..480 {
        let kind = number % 12;
        let (file, second, _) = attack(kind, (&one, &other), &mut dice);
        let report = found(&path, &file, &one.of, &nobody);
        let report =
            report.unwrap_or_else(|| panic!("attack {number} of kind {kind} is not found"));
        // Without what the pieces hold, the one before or behind may be blamed.
        let near = report.faults.iter().any(|fault| fault.second.abs_diff(second) <= 1);
        assert!(near, "attack {number} of kind {kind} at {second}: {report}");
    }
}

#[test]
fn a_key_under_which_a_piece_was_archived_before_is_no_way_to_put_it_back() {
    // Two archives of one recording: a piece of the one is not taken for a piece of the other.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.tape");
    let (file, header, seal) = taped(1, 9, &keys());
    let of = (header.recording, seal);
    let mut both = [Vec::new(), Vec::new()];
    for archive in &mut both {
        std::fs::write(&path, &file).unwrap();
        archived(&path, &of, &keys());
        *archive = std::fs::read(&path).unwrap();
    }
    let Some(Part::Piece(head)) = Part::read(&both[0][ARCHIVE_HEADER_BYTES..], None) else {
        panic!("it begins with a piece");
    };
    let first = ARCHIVE_HEADER_BYTES..ARCHIVE_HEADER_BYTES + head.bytes();
    let mixed = [&both[0][..first.start], &both[1][first.clone()], &both[0][first.end..]].concat();
    let report = found(&path, &mixed, &of, &keys()).unwrap();
    assert_eq!(report.to_string(), "altered at second 0");
}
