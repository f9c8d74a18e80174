//! The media workers and their recorders over real sockets: phones on loopback, each test with an
//! address of its own. Nothing waits for time to pass but the phones' own beat of 20 ms; all else
//! waits for packets and events, with a deadline.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bridge;
mod browsers;
mod comfort;
mod digits;
mod disk;
mod killed;
mod mixed;
mod opus;
mod packets;
mod ports;
mod prompts;
mod protected;
mod recording;
mod reports;
mod source;
mod stage;
mod steady;
mod supervised;
mod ways;
mod wideband;
