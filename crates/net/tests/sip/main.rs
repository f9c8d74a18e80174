//! SIP workers over real loopback sockets, on ports that the system gives.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod banned;
mod certificates;
mod datagrams;
mod families;
mod flood;
mod identities;
mod secured;
mod shards;
mod stage;
mod streams;
mod torture;
mod traced;
mod web;
