//! Replays on the stable toolchain what the fuzz targets of a room have found, and random bytes and
//! edits through the same bodies. A room's `tests/corpora.rs` says what its `TARGETS` are and has
//! this as a module.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::TARGETS;

/// A target: its name and what it does with bytes.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// What to do with which bytes.
type Input = (fn(&[u8]), Vec<u8>);

/// What is committed for a target.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn every_corpus_is_replayed() {
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        assert!(inputs.len() >= 4, "{name} has {} inputs", inputs.len());
        inputs.iter().for_each(|input| target(input));
    }
}

/// One input of each corpus, cut, edited, and spliced with another.
fn edited() -> impl Strategy<Value = Vec<Input>> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..10);
    let picks = (any::<prop::sample::Index>(), any::<prop::sample::Index>());
    (picks, edits, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |((one, other), edits, cut, splices)| {
            let edit = |(name, target): Target| {
                let all = corpus(name);
                let mut bytes = all[one.index(all.len())].clone();
                bytes.push(0);
                for (at, byte) in &edits {
                    let at = at.index(bytes.len());
                    bytes[at] = *byte;
                }
                bytes.truncate(cut.index(bytes.len()) + 1);
                if splices {
                    let tail = &all[other.index(all.len())];
                    bytes.extend_from_slice(&tail[cut.index(tail.len() + 1)..]);
                }
                (target, bytes)
            };
            TARGETS.map(edit).to_vec()
        },
    )
}

proptest! {
    #[test]
    fn no_edit_cut_or_splice_breaks_what_holds(inputs in edited()) {
        inputs.iter().for_each(|(target, bytes)| target(bytes));
    }

    #[test]
    fn no_bytes_break_what_holds(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        TARGETS.iter().for_each(|(_, target)| target(&bytes));
    }
}
