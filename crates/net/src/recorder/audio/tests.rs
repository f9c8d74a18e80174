//! Recordings as they are heard: whole, damaged, and not what they should be.

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
        for (from, count) in [(0, 1), (43, 2), (44, 7), (16_043, 9), (30_000, 26_044), (0, 99)] {
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

/// Where a file's three and a half pieces begin, and its seal.
fn starts(file: &[u8], keys: &Keyring) -> [usize; 5] {
    let piece = PIECE_MOST - if keys.is_empty() { 32 } else { 0 };
    let seal = file.len() - if keys.is_empty() { SEAL_BYTES } else { SEAL_MOST };
    [192, 192 + piece, 192 + 2 * piece, 192 + 3 * piece, seal]
}

/// What is told of a file when it is opened, and when it was played to its end.
fn told(path: &Path, bytes: &[u8], keys: &Keyring) -> [Vec<(u64, Damage)>; 2] {
    std::fs::write(path, bytes).unwrap();
    let mut audio = Audio::open(path, keys, &ANY).unwrap();
    let faults =
        |audio: &Audio| audio.faults().iter().map(|fault| (fault.second, fault.damage)).collect();
    let opened = faults(&audio);
    io::copy(&mut audio, &mut io::sink()).unwrap();
    [opened, faults(&audio)]
}

#[test]
fn pieces_that_are_swapped_missing_doubled_or_others_are_named_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tape");
    for keys in [Keyring::default(), keys()] {
        recorded(&path, &keys);
        let whole = std::fs::read(&path).unwrap();
        let at = starts(&whole, &keys);
        let part =
            |number: usize| &whole[at[number]..at.get(number + 1).map_or(whole.len(), |to| *to)];
        let made = |order: &[usize]| {
            order.iter().fold(whole[..192].to_vec(), |file, n| [&file[..], part(*n)].concat())
        };
        let both = |faults: &[(u64, Damage)]| [faults.to_vec(), faults.to_vec()];
        assert_eq!(told(&path, &whole, &keys), both(&[]));
        let swapped = [(0, Damage::Swapped), (1, Damage::Swapped)];
        assert_eq!(told(&path, &made(&[0, 2, 1, 3, 4]), &keys), both(&swapped));
        assert_eq!(told(&path, &made(&[0, 1, 3, 4]), &keys), both(&[(1, Damage::LeftOut)]));
        assert_eq!(told(&path, &made(&[0, 1, 4]), &keys), both(&[(1, Damage::LeftOut)]));
        assert_eq!(told(&path, &made(&[0, 1, 1, 2, 3, 4]), &keys), both(&[(0, Damage::Added)]));
        let foreign = [&whole[..at[2]], &[9; 700], &whole[at[2]..]].concat();
        assert_eq!(told(&path, &foreign, &keys), both(&[(1, Damage::Added)]));
        let replaced = [&whole[..at[1]], &[9; 700], &whole[at[2]..]].concat();
        assert_eq!(told(&path, &replaced, &keys), both(&[(0, Damage::Altered)]));
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_piece_made_anew_with_the_right_hash_is_not_played_and_its_neighbours_are() {
    use sha2::{Digest as _, Sha256};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tape");
    let keys = Keyring::default();
    let samples = recorded(&path, &keys);
    let whole = std::fs::read(&path).unwrap();
    let at = starts(&whole, &keys);
    let forged = |number: usize, byte: usize| {
        let mut file = whole.clone();
        let piece = &mut file[at[number]..at[number + 1]];
        piece[byte] ^= 1;
        let (body, hash) = piece.split_at_mut(piece.len() - 32);
        hash.copy_from_slice(&Sha256::digest(body));
        file
    };
    for number in 0..4 {
        // Its sound; and the last is named by the seal.
        let [opened, played] = told(&path, &forged(number, 900), &keys);
        let second = number as u64 / 2;
        assert_eq!((opened, played), (vec![], vec![(second, Damage::Altered)]), "{number}");
        let heard = super::super::file::tests::played(&path, &keys);
        let silent = 8_000 * number..(8_000 * (number + 1)).min(28_000);
        assert_eq!(heard[..silent.start], samples[..silent.start]);
        assert!(heard[silent.clone()].iter().all(|sample| *sample == 0));
        assert_eq!(heard[silent.end..], samples[silent.end..]);
    }
    // What it names as the one before: the header, or a piece that is not blamed for it alone.
    assert_eq!(told(&path, &forged(0, 30), &keys)[1], [(0, Damage::Altered)]);
    let mut flipped = whole.clone();
    flipped[at[2] + 30] ^= 1;
    assert_eq!(told(&path, &flipped, &keys)[1], [(1, Damage::Altered)], "the one before is whole");
}
