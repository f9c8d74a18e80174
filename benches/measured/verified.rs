//! How fast recordings are verified: from their files, as `hotline recordings verify` does it.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use model::{CallId, Id, Mono, RecordingId, Wall};
use net::recorder::{Expected, Verdict, verify};
use recording::{Drawn, Header, Keyring, PIECE_FRAMES, Tape};

use crate::table::{Row, Table};

/// How long the conversation was, in seconds.
const SECONDS: u32 = 1_800;
/// How often it is verified; the slowest counts.
const TIMES: u32 = 3;
/// How many times faster than listening to it verifying has to be.
const TARGET: f64 = 200.0;

/// One row for a recording as it is by default, and one for an encrypted one.
pub(crate) fn rows(table: &mut Table) -> anyhow::Result<()> {
    let locked = Keyring::parse(&format!("bench = {}", "5a".repeat(32)))?;
    for (keys, what) in [(Keyring::default(), "not encrypted"), (locked, "encrypted")] {
        let ratio = slowest(&keys)?;
        table.add(Row {
            work: format!("verifying a recording of {} minutes, {what}", SECONDS / 60),
            measured: format!("{ratio:.0} × real time"),
            beside: String::new(),
            target: "≥ 200 × real time",
            met: Some(ratio >= TARGET),
            remarks: String::from("one thread, from a file that was just written"),
        });
    }
    Ok(())
}

/// How many times faster than real time, at its slowest.
fn slowest(keys: &Keyring) -> anyhow::Result<f64> {
    let header = Header {
        recording: RecordingId(Id::new(1, 1, 1)),
        call: CallId(Id::new(1, 1, 2)),
        wall: Wall(0),
        mono: Mono(0),
        key: None,
    };
    let drawn = Drawn { key: [7; 32].into(), nonce: [9; 12] };
    let (header, key) = header.with_key(keys, &drawn)?;
    let mut bytes = Vec::new();
    let mut tape = Tape::new(&header, key, &mut bytes);
    let samples = media::tone::voice(5, 12_000, 2 * PIECE_FRAMES as usize);
    for _ in 0..2 * SECONDS {
        tape.sound(&samples, &mut bytes)?;
    }
    let seal = tape.seal(&mut bytes)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("r1-1-1.tape");
    std::fs::write(&path, &bytes)?;
    let expected = Expected { recording: Some(header.recording), seal: Some(seal) };
    let mut ratios = Vec::new();
    for _ in 0..TIMES {
        let began = Instant::now();
        let verdict = verify(&path, &expected, keys)?;
        ratios.push(f64::from(SECONDS) / began.elapsed().as_secs_f64());
        ensure!(verdict == Verdict::Ok, "{verdict:?}");
    }
    ratios.into_iter().reduce(f64::min).context("it was verified at least once")
}
