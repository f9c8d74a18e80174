//! Fuzzes what `bodies/connections.rs` says of `websocket`.

#![no_main]
#![allow(clippy::unwrap_used, reason = "certificates that cannot be made end the run")]

#[path = "../bodies/connections.rs"]
#[allow(dead_code, reason = "each target runs one of them")]
mod body;
#[path = "../../crates/net/tests/sip/certificates.rs"]
mod certificates;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::websocket(data));
