//! Fuzzes what `bodies/rtp.rs` says of `stun`.

#![no_main]

#[path = "../bodies/rtp.rs"]
#[allow(dead_code, reason = "each target runs one of them")]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::stun(data));
