//! The room over real loopback sockets, with a backend that lives in memory.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]
// A record has more fields than `json!` takes in one.
#![recursion_limit = "256"]

mod audio;
mod backend;
mod client;
mod commands;
mod configuration;
mod limits;
mod messages;
mod people;
mod records;
mod sessions;
mod shapes;
mod stream;
mod traces;
mod why;
