//! The corpora of the fuzz targets of this room, replayed on the stable toolchain, and random bytes
//! and edits through the same bodies.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use std::fs;
use std::path::Path;

use proptest::prelude::*;

#[path = "../../../fuzz/bodies/sip.rs"]
mod body;
#[path = "../../../fuzz/bodies/transactions.rs"]
mod transactions;

/// A target: its name and what it does with bytes.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 7] = [
    ("message", body::message),
    ("framer", body::framer),
    ("uri", body::uri),
    ("digest", body::digest),
    ("conceal", body::conceal),
    ("registrar", body::registrar),
    ("transactions", transactions::peer),
];

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

/// What to do with which bytes.
type Input = (fn(&[u8]), Vec<u8>);

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

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Each of the four machines against a peer that does anything at any time.
    #[test]
    fn a_random_peer_leaves_nothing_behind(script in prop::collection::vec(any::<u8>(), 0..300)) {
        transactions::peer(&script);
    }
}

/// What the random peer proves, it proves of every kind of report.
#[test]
fn random_scripts_reach_every_kind_of_report() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut chance = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32).to_le_bytes()[0]
    };
    let mut least = [0; 8];
    for _ in 0..2_000 {
        let script: Vec<u8> = (0..300).map(|_| chance()).collect();
        let seen = transactions::play(&script);
        let all = [
            seen.requests,
            seen.acks,
            seen.cancelled,
            seen.ack_timeouts,
            seen.responses,
            seen.forked,
            seen.timeouts,
            seen.failures,
        ];
        for (least, one) in least.iter_mut().zip(all) {
            *least += one;
        }
    }
    assert!(least.iter().all(|count| *count >= 10), "{least:?}");
}
