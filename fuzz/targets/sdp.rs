//! Fuzzes what `bodies/sdp.rs` says of `session`.

#![no_main]

#[path = "../bodies/sdp.rs"]
#[allow(dead_code, reason = "each target runs one of them")]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::session(data));
