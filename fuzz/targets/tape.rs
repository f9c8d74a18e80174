//! Fuzzes what `bodies/tape.rs` says of `recording`.

#![no_main]

#[path = "../bodies/tape.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::tape(data));
