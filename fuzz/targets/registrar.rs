//! Fuzzes what `bodies/sip.rs` says of `registrar`.

#![no_main]

#[path = "../bodies/sip.rs"]
#[allow(dead_code, reason = "each target runs one of them")]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::registrar(data));
