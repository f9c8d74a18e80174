//! Recordings under attack: whatever is done to a file is found, and where.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use model::{CallId, Id, Mono, RecordingId, Seal, Wall};
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use recording::{
    Damage, Drawn, Expected, Fault, Head, Header, Keyring, PIECE_FRAMES, Report, TAPE_HEADER_BYTES,
    Tape, Verifier,
};

const ATTACKS: usize = 10_000;
const SEED: u64 = 20_261_122;

/// A recording's file, and where its pieces begin: one more than there are, for the seal.
struct Made {
    recording: RecordingId,
    file: Vec<u8>,
    starts: Vec<usize>,
    seal: Seal,
}

fn keyring() -> Keyring {
    Keyring::parse(&format!("k1 = {}", "c3".repeat(32))).unwrap()
}

fn header(counter: u32) -> Header {
    Header {
        recording: RecordingId(Id::new(1, 2, counter)),
        call: CallId(Id::new(1, 2, counter + 1)),
        wall: Wall(1_763_800_000_000_000 + i64::from(counter)),
        mono: Mono(u64::from(counter)),
        key: None,
    }
}

/// Pieces of noise, some of them lost, the last one shorter.
fn made(counter: u32, pieces: usize, is_encrypted: bool, rng: &mut ChaCha8Rng) -> Made {
    let keys = if is_encrypted { keyring() } else { Keyring::default() };
    let mut drawn = Drawn { key: [0; 32].into(), nonce: [0; 12] };
    rng.fill_bytes(&mut *drawn.key);
    rng.fill_bytes(&mut drawn.nonce);
    let (header, key) = header(counter).with_key(&keys, &drawn).unwrap();
    let (mut file, mut starts) = (Vec::new(), Vec::new());
    let mut tape = Tape::new(&header, key, &mut file);
    let mut frames = vec![0_i16; 2 * PIECE_FRAMES as usize];
    for piece in 0..pieces {
        starts.push(file.len());
        frames.fill_with(|| rng.random());
        if piece + 1 == pieces {
            let some = rng.random_range(1..=PIECE_FRAMES as usize);
            tape.sound(&frames[..2 * some], &mut file).unwrap();
        } else if rng.random_ratio(1, 8) {
            tape.silence(&mut file).unwrap();
        } else {
            tape.sound(&frames, &mut file).unwrap();
        }
    }
    starts.push(file.len());
    let seal = tape.seal(&mut file).unwrap();
    Made { recording: header.recording, file, starts, seal }
}

impl Made {
    fn pieces(&self) -> usize {
        self.starts.len() - 1
    }

    fn piece(&self, number: usize) -> &[u8] {
        &self.file[self.starts[number]..self.starts[number + 1]]
    }

    fn last_second(&self) -> u64 {
        (self.seal.frames - 1) / 8_000
    }

    /// The second of what lies at a byte.
    fn second_at(&self, byte: usize) -> u64 {
        if byte < TAPE_HEADER_BYTES {
            return 0;
        }
        let piece = self.starts.iter().rposition(|start| *start <= byte).unwrap();
        self.second_of(piece)
    }

    fn second_of(&self, piece: usize) -> u64 {
        (piece as u64 / 2).min(self.last_second())
    }

    fn with_pieces(&self, order: &[usize]) -> Vec<u8> {
        let mut file = self.file[..TAPE_HEADER_BYTES].to_vec();
        for number in order {
            file.extend(self.piece(*number));
        }
        file.extend(&self.file[self.starts[self.pieces()]..]);
        file
    }
}

/// Reads a file by pieces of any size.
fn verify(file: &[u8], expected: &Expected, keys: &Keyring, chunk: usize) -> Report {
    let mut verifier = Verifier::new(expected.clone(), Some(keys));
    for bytes in file.chunks(chunk.max(1)) {
        verifier.update(bytes);
    }
    verifier.finish()
}

fn expected(made: &Made) -> Expected {
    Expected { recording: Some(made.recording), seal: Some(made.seal.clone()) }
}

/// One attack: the file after it, the second where it happened, and what it may be called.
fn attack(
    kind: usize,
    made: &Made,
    other: &Made,
    rng: &mut ChaCha8Rng,
) -> (Vec<u8>, u64, &'static [Damage]) {
    let mut file = made.file.clone();
    let piece = rng.random_range(0..made.pieces());
    match kind {
        0 => {
            let bit = rng.random_range(0..8 * file.len());
            file[bit / 8] ^= 1 << (bit % 8);
            (file, made.second_at(bit / 8), &[Damage::Altered])
        }
        1 => {
            let at = rng.random_range(0..file.len());
            file.truncate(at);
            // Without a byte of the seal, what is cut off is the last second.
            (file, made.second_at(at), &[Damage::Cut])
        }
        2 => {
            let with = (piece + rng.random_range(1..made.pieces())) % made.pieces();
            let mut order: Vec<usize> = (0..made.pieces()).collect();
            order.swap(piece, with);
            let first = made.second_of(piece.min(with));
            (made.with_pieces(&order), first, &[Damage::Swapped])
        }
        3 => {
            let by = other.piece(rng.random_range(0..other.pieces()));
            file.splice(made.starts[piece]..made.starts[piece + 1], by.iter().copied());
            (file, made.second_of(piece), &[Damage::Foreign])
        }
        4 => {
            let (from, to) = (made.starts[piece], made.starts[piece + 1]);
            rng.fill_bytes(&mut file[from..to]);
            (file, made.second_of(piece), &[Damage::Altered])
        }
        5 => (Vec::new(), 0, &[Damage::Cut]),
        6 => {
            let mut more = vec![0; rng.random_range(1..40_000)];
            rng.fill_bytes(&mut more);
            file.extend(more);
            (file, made.last_second(), &[Damage::Added])
        }
        7 => {
            file.extend(other.piece(0));
            (file, made.last_second(), &[Damage::Added])
        }
        8 => {
            let mut order: Vec<usize> = (0..made.pieces()).collect();
            order.remove(piece);
            (made.with_pieces(&order), made.second_of(piece), &[Damage::LeftOut])
        }
        9 => {
            let mut order: Vec<usize> = (0..made.pieces()).collect();
            order.insert(piece + 1, piece);
            (made.with_pieces(&order), made.second_of(piece + 1), &[Damage::Added])
        }
        10 => {
            let some: Vec<u8> = (0..rng.random_range(1..50_000)).map(|_| rng.random()).collect();
            let at = made.starts[piece];
            file.splice(at..at, some);
            // Much of it is read before its end is seen.
            (file, made.second_of(piece), &[Damage::Added, Damage::Altered])
        }
        _ => (other.file.clone(), 0, &[Damage::Foreign]),
    }
}

#[test]
fn ten_thousand_attacks_are_all_found_and_located_to_the_second() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let keys = keyring();
    let mut found = [0_usize; 12];
    let mut pair = (made(1, 7, false, &mut rng), made(2, 9, false, &mut rng));
    for number in 0..ATTACKS {
        if number % 100 == 0 {
            let is_encrypted = number % 200 == 0;
            let pieces = (rng.random_range(2..24), rng.random_range(2..24));
            pair.0 = made(number as u32, pieces.0, is_encrypted, &mut rng);
            pair.1 = made(number as u32 + 7, pieces.1, is_encrypted, &mut rng);
            let whole = verify(&pair.0.file, &expected(&pair.0), &keys, 40_000);
            assert!(whole.is_whole(), "{whole}");
        }
        let (one, other) = (&pair.0, &pair.1);
        let kind = number % found.len();
        let (file, second, names) = attack(kind, one, other, &mut rng);
        let chunk = rng.random_range(1_000..100_000);
        let report = verify(&file, &expected(one), &keys, chunk);
        let first = report.faults.first();
        let is_right =
            first.is_some_and(|fault| fault.second == second && names.contains(&fault.damage));
        assert!(is_right, "attack {number} of kind {kind} at {second}: {report}");
        // Nothing else is blamed but what an attack has two places of.
        let places: std::collections::BTreeSet<u64> =
            report.faults.iter().map(|fault| fault.second).collect();
        assert!(kind == 11 || places.len() <= 2, "attack {number} of kind {kind}: {report}");
        found[kind] += 1;
    }
    println!("attacks found and located, by their kinds: {found:?}");
    assert_eq!(found.iter().sum::<usize>(), ATTACKS);
}

/// Makes a piece anew, with other bytes and the right hash: what someone does who knows the form.
fn forge(file: &mut [u8], from: usize) {
    use sha2::{Digest as _, Sha256};
    let bytes = Head::read(&file[from..]).unwrap().bytes();
    file[from + 200] ^= 1;
    let (body, hash) = file[from..from + bytes].split_at_mut(bytes - 32);
    hash.copy_from_slice(&Sha256::digest(body));
}

#[test]
fn a_piece_made_anew_with_the_right_hash_is_found_by_those_that_name_it() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut made = made(1, 1, false, &mut rng);
    while made.pieces() < 12 {
        made = self::made(1, 12, false, &mut rng);
    }
    for piece in (0..12).filter(|piece| made.piece(*piece).len() > 400) {
        let mut file = made.file.clone();
        forge(&mut file, made.starts[piece]);
        let report = verify(&file, &Expected::default(), &Keyring::default(), 9_999);
        let second = made.second_of(piece);
        assert_eq!(report.faults, [Fault { second, damage: Damage::Altered }], "piece {piece}");
    }
}

/// Makes a file anew from a piece on, with all hashes and the seal right.
fn forge_all(made: &Made, from: usize) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let mut file = made.file.clone();
    file[made.starts[from] + 200] ^= 1;
    let mut previous: Option<[u8; 32]> = None;
    for number in from..made.pieces() {
        let piece = &mut file[made.starts[number]..made.starts[number + 1]];
        if let Some(previous) = previous {
            piece[24..56].copy_from_slice(&previous);
        }
        let (body, hash) = piece.split_at_mut(piece.len() - 32);
        hash.copy_from_slice(&Sha256::digest(body));
        previous = hash.try_into().ok();
    }
    let seal = &mut file[made.starts[made.pieces()]..];
    seal[32..64].copy_from_slice(&previous.unwrap());
    let at = seal.len() - 32;
    let (body, hash) = seal.split_at_mut(at);
    hash.copy_from_slice(&Sha256::digest(body));
    file
}

#[test]
fn a_whole_file_made_anew_is_not_what_was_sealed_and_an_encrypted_one_says_where() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    for is_encrypted in [false, true] {
        let made = loop {
            let made = made(1, 12, is_encrypted, &mut rng);
            if made.piece(6).len() > 400 {
                break made;
            }
        };
        let forged = forge_all(&made, 6);
        let (nobody, keys) = (Keyring::default(), keyring());
        let blind = Expected { seal: None, ..expected(&made) };
        assert!(verify(&forged, &blind, &nobody, 7_777).is_whole(), "in itself it is");
        let report = verify(&forged, &expected(&made), &nobody, 7_777);
        assert_eq!(report.faults, [Fault { second: 0, damage: Damage::NotAsSealed }]);
        if is_encrypted {
            let report = verify(&forged, &blind, &keys, 7_777);
            assert_eq!(report.faults[0], Fault { second: 3, damage: Damage::Altered });
        }
    }
}

/// Ends a file after some pieces, with a seal that is right in itself.
fn forge_cut(made: &Made, pieces: usize) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let (end, seal_at) = (made.starts[pieces], made.starts[made.pieces()]);
    let mut seal = made.file[seal_at..].to_vec();
    seal[16..20].copy_from_slice(&(pieces as u32).to_le_bytes());
    seal[24..32].copy_from_slice(&(pieces as u64 * u64::from(PIECE_FRAMES)).to_le_bytes());
    seal[32..64].copy_from_slice(&made.file[end - 32..end]);
    let at = seal.len() - 32;
    let (body, hash) = seal.split_at_mut(at);
    hash.copy_from_slice(&Sha256::digest(body));
    [&made.file[..end], &seal].concat()
}

#[test]
fn a_cut_behind_which_a_seal_was_forged_is_located() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    for is_encrypted in [false, true] {
        let made = made(1, 12, is_encrypted, &mut rng);
        for pieces in 1..12 {
            let file = forge_cut(&made, pieces);
            let report = verify(&file, &expected(&made), &keyring(), 7_777);
            let second = made.second_of(pieces);
            assert_eq!(report.faults, [Fault { second, damage: Damage::Cut }], "{pieces}");
        }
    }
}

#[test]
fn nobody_ends_an_encrypted_recording_anew_without_its_key() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let made = made(1, 12, true, &mut rng);
    let nothing = Expected::default();
    for pieces in 1..12 {
        let forged = forge_cut(&made, pieces);
        let report = verify(&forged, &nothing, &keyring(), 7_777);
        let second = made.second_of(pieces - 1);
        assert_eq!(report.faults, [Fault { second, damage: Damage::Altered }], "{pieces}");
        // Neither with a seal as a plain recording has it, nor under another's key.
        let seal_at = made.starts[pieces];
        let mut plain = forged[..seal_at + 64].to_vec();
        plain[seal_at + 5] = 0;
        plain.extend(<sha2::Sha256 as sha2::Digest>::digest(&plain[seal_at..]));
        for keys in [keyring(), Keyring::default()] {
            let report = verify(&plain, &nothing, &keys, 7_777);
            assert_eq!(report.faults, [Fault { second, damage: Damage::Altered }], "{pieces}");
        }
        // What says that it was sealed after a crash needs no key, and says that it was.
        plain.truncate(seal_at + 64);
        plain[seal_at + 4] = 2;
        plain.extend(<sha2::Sha256 as sha2::Digest>::digest(&plain[seal_at..]));
        let report = verify(&plain, &nothing, &keyring(), 7_777);
        assert_eq!(report.to_string(), "whole, sealed after a crash");
        let known = verify(&plain, &expected(&made), &Keyring::default(), 7_777);
        let second = made.second_of(pieces);
        assert_eq!(known.faults, [Fault { second, damage: Damage::Cut }]);
    }
}

/// Puts another header before a recording, with all that names it made anew.
fn forge_header(made: &Made, mut header: [u8; TAPE_HEADER_BYTES]) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let hash = Sha256::digest(&header[..160]);
    header[160..].copy_from_slice(&hash);
    let mut previous: [u8; 32] = hash.into();
    let tag = header[160..168].to_vec();
    let mut file = [&header, &made.file[TAPE_HEADER_BYTES..]].concat();
    for number in 0..made.pieces() {
        let piece = &mut file[made.starts[number]..made.starts[number + 1]];
        piece[8..16].copy_from_slice(&tag);
        piece[24..56].copy_from_slice(&previous);
        let (body, hash) = piece.split_at_mut(piece.len() - 32);
        hash.copy_from_slice(&Sha256::digest(body));
        previous.copy_from_slice(hash);
    }
    let seal = &mut file[made.starts[made.pieces()]..];
    seal[8..16].copy_from_slice(&tag);
    seal[32..64].copy_from_slice(&previous);
    let at = seal.len() - 32;
    let (body, hash) = seal.split_at_mut(at);
    hash.copy_from_slice(&Sha256::digest(body));
    file
}

#[test]
fn a_header_that_does_not_fit_its_pieces_is_found_without_any_seal() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let (plain, locked) = (made(1, 6, false, &mut rng), made(1, 6, true, &mut rng));
    let header = |made: &Made| made.file[..TAPE_HEADER_BYTES].try_into().unwrap();
    let mut other_key: [u8; TAPE_HEADER_BYTES] = header(&locked);
    other_key[110] ^= 1;
    let at_once = Fault { second: 0, damage: Damage::Altered };
    let nothing = Expected::default();
    let first = |file: &[u8], keys: &Keyring| verify(file, &nothing, keys, 9_999).faults[0];
    assert!(verify(&forge_header(&plain, header(&plain)), &nothing, &keyring(), 999).is_whole());
    assert_eq!(first(&forge_header(&locked, other_key), &keyring()), at_once, "its key");
    for keys in [Keyring::default(), keyring()] {
        assert_eq!(first(&forge_header(&locked, header(&plain)), &keys), at_once, "a plain one");
        assert_eq!(first(&forge_header(&plain, header(&locked)), &keys), at_once, "a locked one");
    }
}

#[test]
fn a_master_key_of_the_right_name_that_does_not_open_is_no_proof() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let made = made(1, 6, true, &mut rng);
    let other = Keyring::parse(&format!("k1 = {}", "c4".repeat(32))).unwrap();
    let report = verify(&made.file, &expected(&made), &other, 9_999);
    assert_eq!(report.faults, [Fault { second: 0, damage: Damage::Altered }]);
    assert!(report.to_string().ends_with("the key 'k1' does not open it)"), "{report}");
    let none = verify(&made.file, &expected(&made), &Keyring::default(), 9_999);
    assert!(none.is_whole(), "who has no key sees the seal alone");
    assert!(none.to_string().contains("'k1', which is not configured"), "{none}");
}

#[test]
fn a_file_that_a_killed_process_left_is_mended_and_loses_nothing_whole() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let made = made(1, 9, true, &mut rng);
    let nothing = Expected::default();
    for cut in (TAPE_HEADER_BYTES..made.file.len()).step_by(61) {
        let left = &made.file[..cut];
        let report = verify(left, &nothing, &Keyring::default(), 30_000);
        assert_eq!(report.faults.len(), 1, "{report}");
        let (at, bytes, seal) = report.mend().unwrap();
        let whole = made.starts.iter().filter(|start| **start <= cut).count() - 1;
        assert_eq!(at as usize, made.starts[whole]);
        let mended = [&left[..at as usize], &bytes].concat();
        assert_eq!(seal.bytes, mended.len() as u64);
        let expected = Expected { recording: Some(made.recording), seal: Some(seal) };
        let report = verify(&mended, &expected, &keyring(), 30_000);
        assert!(report.is_whole(), "{report}");
        assert!(report.mend().is_none(), "it is sealed");
    }
    assert!(verify(&made.file[..100], &nothing, &keyring(), 99).mend().is_none(), "no header");
}

#[test]
fn a_recording_without_a_seal_says_so_and_how_far_it_is() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let made = made(1, 9, false, &mut rng);
    let running = &made.file[..made.starts[6]];
    let report = verify(running, &Expected::default(), &Keyring::default(), 5_000);
    assert_eq!(report.faults, [Fault { second: 3, damage: Damage::Unsealed }]);
    assert_eq!(report.to_string(), "not sealed, 3 s so far");
    assert_eq!(report.frames, 24_000);
}

#[test]
fn bytes_of_any_kind_are_read_without_harm() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let made = made(1, 5, true, &mut rng);
    for round in 0..300 {
        let mut file = made.file.clone();
        for _ in 0..rng.random_range(1..60) {
            let at = rng.random_range(0..file.len());
            let to = (at + rng.random_range(1..2_000)).min(file.len());
            match round % 3 {
                0 => rng.fill_bytes(&mut file[at..to]),
                1 => file[at..to].fill(0),
                _ => file.copy_within(at..to, 0),
            }
        }
        let report = verify(&file, &expected(&made), &keyring(), rng.random_range(1..50_000));
        assert!(!report.is_whole());
    }
}

#[test]
fn verifying_is_far_faster_than_listening() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let made = made(1, 600, true, &mut rng);
    let began = std::time::Instant::now();
    assert!(verify(&made.file, &expected(&made), &keyring(), 256 * 1024).is_whole());
    let ratio = 300.0 / began.elapsed().as_secs_f64();
    // Told, not asserted: a test must hold on a machine that stands still for a while.
    println!("verified and decrypted at {ratio:.0} times real time, in a build for tests");
}
