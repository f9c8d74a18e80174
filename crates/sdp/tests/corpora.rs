//! The corpora of the fuzz targets of this room, replayed on the stable toolchain, and random bytes
//! and edits through the same bodies.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use std::fs;
use std::path::Path;

use proptest::prelude::*;

#[path = "../../../fuzz/bodies/sdp.rs"]
mod body;

/// A target: its name and what it does with bytes.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 1] = [("sdp", body::session)];

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

proptest! {
    #[test]
    fn no_edit_or_cut_breaks_what_holds(
        pick in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..10),
        cut in any::<prop::sample::Index>(),
    ) {
        for (name, target) in TARGETS {
            let all = corpus(name);
            let mut bytes = all[pick.index(all.len())].clone();
            bytes.push(0);
            for (at, byte) in &edits {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            target(&bytes);
            bytes.truncate(cut.index(bytes.len()) + 1);
            target(&bytes);
        }
    }

    #[test]
    fn no_bytes_break_what_holds(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        TARGETS.iter().for_each(|(_, target)| target(&bytes));
    }
}
