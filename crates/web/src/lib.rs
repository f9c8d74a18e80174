//! HTTP and WebSocket for desktops and integrators.
mod backend;
pub use backend::{
    Audio, AudioReader, Audit, Backend, BackendError, CallDetail, CallFilter, CallRecording,
    CommandRefused, CommandSink, ConnectError, Connection, DesktopConfig, Health, Named, Page,
    PageRequest, RecordingFilter, Session, SignInError, ToDesktop,
};
/// Most items of one page of a list.
pub const MAX_PAGE_ITEMS: usize = 200;
/// Longest cursor that is taken back, in bytes.
pub const MAX_CURSOR_BYTES: usize = 256;
/// Most facts in one call's timeline; later ones are cut off.
pub const MAX_TIMELINE_FACTS: usize = 1_000;
