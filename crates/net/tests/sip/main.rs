//! SIP workers over real loopback sockets, on ports that the system gives.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod banned;
mod datagrams;
mod flood;
mod shards;
mod stage;
mod streams;
mod torture;
mod traced;
