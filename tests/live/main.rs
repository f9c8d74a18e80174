//! The engine as it ships, over real sockets, with peers that nobody here wrote: SIPp, baresip,
//! Chromium. One subject a file; each test has an engine, ports and folders of its own.

mod api;
mod chromium;
mod demo;
mod sipp;
