//! Whether bytes that are read back are what was written: a run of whole parts of one file.

use crate::header::{Header, TAPE_HEADER_BYTES, TAPE_MAGIC, field, hash, hash_of};
use crate::piece::{End, HASH_BYTES, Head, SEAL_MAGIC};

/// Whether these bytes are parts of one recording (its header, pieces, its seal), whole, one behind
/// the other as they were written. No key is needed. Nothing at all is such a run.
pub fn is_whole_run(mut bytes: &[u8]) -> bool {
    let mut previous = None;
    while !bytes.is_empty() {
        let Some((length, named, own)) = part(bytes) else { return false };
        if previous.is_some_and(|previous| previous != named) {
            return false;
        }
        previous = Some(own);
        bytes = &bytes[length..];
    }
    true
}

/// The part that begins here if it is whole: its length, the hash that it names as the one before
/// it, and its own.
fn part(bytes: &[u8]) -> Option<(usize, [u8; 32], [u8; 32])> {
    if bytes.starts_with(&TAPE_MAGIC) {
        let header: [u8; TAPE_HEADER_BYTES] = field(bytes.get(..TAPE_HEADER_BYTES)?, 0);
        Header::read(&header).ok()?;
        return Some((TAPE_HEADER_BYTES, [0; 32], hash_of(&header)));
    }
    if bytes.starts_with(&SEAL_MAGIC) {
        let seal = bytes.get(..End::length(bytes))?;
        return Some((seal.len(), End::read(seal)?.previous, End::hash(seal)));
    }
    let head = Head::read(bytes)?;
    let (body, stored) = bytes.get(..head.bytes())?.split_at(head.bytes() - HASH_BYTES);
    let own = hash(&[body]);
    (own == *stored).then_some((head.bytes(), head.previous, own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;
    use crate::header::tests::{drawn, header, keyring};

    #[test]
    fn a_run_from_any_part_to_any_other_is_whole_and_with_one_bit_flipped_it_is_not() {
        let (header, key) = header(1).with_key(&keyring(), &drawn(3)).unwrap();
        let (mut file, mut parts) = (Vec::new(), vec![0]);
        let mut tape = Tape::new(&header, key, &mut file);
        for _ in 0..3 {
            parts.push(file.len());
            tape.sound(&[7; 20], &mut file).unwrap();
        }
        parts.push(file.len());
        tape.seal(&mut file).unwrap();
        parts.push(file.len());
        for (number, from) in parts.iter().enumerate() {
            for to in &parts[number..] {
                assert!(is_whole_run(&file[*from..*to]), "{from} to {to}");
            }
        }
        assert!(!is_whole_run(&file[..parts[1] - 1]) && !is_whole_run(&file[1..]));
        let swapped = [&file[parts[2]..parts[3]], &file[parts[1]..parts[2]]].concat();
        assert!(!is_whole_run(&swapped));
        for bit in (0..8 * file.len()).step_by(7) {
            file[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_whole_run(&file), "bit {bit}");
            file[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
