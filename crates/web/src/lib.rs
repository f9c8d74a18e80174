//! HTTP and WebSocket for desktops and integrators.
//!
//! [`serve`] answers on a listener until it is told to stop. Everything it says comes from a
//! [`Backend`]; what goes over the wire is in `wire.rs` and `command.rs` (events and commands),
//! `record.rs` (calls and recordings) and `error.rs` (refusals), and is documented in
//! `docs/protocol.md`, which a test holds to these types. Personal data is masked here, while it is
//! encoded, unless the viewer may see it in clear; who does is on record before it is sent.

mod app;
mod backend;
mod calls;
mod command;
mod configuration;
mod counters;
mod desktop;
mod desktop_config;
mod docs_page;
mod error;
mod events;
mod extract;
mod holds;
mod line;
mod listenings;
mod messages;
mod names;
mod openapi;
mod pcap;
mod peaks;
#[cfg(test)]
mod protocol_tests;
mod range;
mod record;
mod recordings;
mod reference;
mod replays;
mod router;
mod schema;
mod serve;
mod sessions;
mod stall;
mod status;
mod steering;
mod time;
mod timeline;
mod trace;
mod why;
mod wire;

pub use app::Config;
pub use backend::{
    Audio, AudioReader, Audit, Backend, BackendError, CallDetail, CallFilter, CallRecording,
    CallTrace, CommandRefused, CommandSink, ConnectError, Connection, DesktopConfig, Health, Named,
    PEAK_MS, Page, PageRequest, Peak, RecordingFilter, ReloadError, Reloaded, Replay,
    ReplayDifference, ReplayError, ReplayFigures, ReplayQueue, ReplayReport, ReplayRequest,
    Session, SignInError, ToDesktop, TraceLeg, TraceMessage,
};
pub use serve::serve;
pub use why::{WhyMoment, WhyOffer};

/// Most items of one page of a list.
pub const MAX_PAGE_ITEMS: usize = 200;
/// Items of a page when the request does not say how many.
pub const DEFAULT_PAGE_ITEMS: usize = 50;
/// Longest cursor that is taken back, in bytes.
pub const MAX_CURSOR_BYTES: usize = 256;
/// Most facts in one call's timeline; later ones are cut off.
pub const MAX_TIMELINE_FACTS: usize = 1_000;
/// Longest body of a request, in bytes.
pub const MAX_BODY_BYTES: usize = 16 * 1024;
/// Longest frame and message that a desktop may send, in bytes.
pub const MAX_FRAME_BYTES: usize = 8 * 1024;
/// Commands of one desktop that may wait for their answer at the same time.
pub const MAX_PENDING_COMMANDS: usize = 32;
/// Malformed frames in a row after which a desktop's connection is closed.
pub const MAX_MALFORMED_FRAMES: usize = 8;
