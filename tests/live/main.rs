//! The engine as it ships, over real sockets, with peers that nobody here wrote: SIPp, baresip,
//! linphone, Chromium. One subject a file; each test has an engine, ports and folders of its own.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod api;
mod demo;
mod peers;
mod phone;
#[path = "../../crates/store/tests/databases/postgres.rs"]
mod postgres;

mod bad_input;
mod chromium;
mod clear;
mod configuration;
mod crash;
mod desktop_events;
mod headset;
mod lines;
mod linphone;
mod lossy;
mod networks;
mod on_postgres;
mod phone_gone;
mod referred;
mod registrar;
mod reloaded;
mod sipp;
mod sipp_peers;
mod sound;
mod torture;
mod traced;
mod webrtc;
