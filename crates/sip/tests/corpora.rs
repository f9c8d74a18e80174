//! The fuzz targets of this room: [`replay`] says what is done with them.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

#[path = "../../../fuzz/bodies/sip.rs"]
mod body;
#[path = "../../../fuzz/replay/mod.rs"]
mod replay;
#[path = "../../../fuzz/bodies/transactions.rs"]
mod transactions;

use proptest::prelude::*;

const TARGETS: [replay::Target; 7] = [
    ("message", body::message),
    ("framer", body::framer),
    ("uri", body::uri),
    ("digest", body::digest),
    ("conceal", body::conceal),
    ("registrar", body::registrar),
    ("transactions", transactions::peer),
];

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
