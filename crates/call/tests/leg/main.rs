//! Legs against a peer that says what the RFCs' own figures say, one request at a time.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod browsers;
mod changes;
mod early;
mod glare;
mod info;
mod moves;
mod outside;
mod refer;
mod reliable;
mod session_timer;
mod stage;
mod why;
