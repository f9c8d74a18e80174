//! Fuzzes what `bodies/transactions.rs` says of `peer`.

#![no_main]

#[path = "../bodies/transactions.rs"]
#[allow(dead_code, reason = "each target runs one of them")]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::peer(data));
