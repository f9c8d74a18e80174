//! What a desktop is told and may ask.
//!
//! Every user has one stream of [`Event`]s, numbered without gaps, of which the last are kept: a
//! desktop that lost its connection names the last number that it saw and goes on from there. A
//! desktop that is new, or was away for too long, is given a snapshot first. A [`Command`] carries
//! an id of the desktop's choice: the same id twice is done once and answered the same.
//!
//! One shape as everywhere: `handle_…(…, now)`, [`Cti::poll_output`], [`Cti::poll_timeout`].
//! Personal data stays inside `Pii`; `web` masks it by [`Viewer::permissions`] while encoding.

mod command;
mod commands;
mod config;
mod cti;
mod event;
mod session;
mod stream;

pub use command::{
    Command, CommandError, MAX_COMMAND_ID, MAX_DISPOSITION, MAX_EXTEND_MS, MAX_NUMBER, MAX_TARGET,
};
pub use config::{Config, ConfigError, MAX_AFTER, MAX_SEQ};
pub use cti::Cti;
pub use event::{
    CallPhase, Colleague, Event, ExpectedWait, GuestState, Line, MAX_COLLEAGUES, MenuInput,
    PartyLine,
};
pub use session::{
    Audience, CloseReason, ConnectRefused, Figures, Output, SessionId, Stamped, Viewer,
};
