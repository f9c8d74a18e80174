//! Sessions and their users: who is told what, and what the room wants done about it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use model::{Permission, UserId, Wall};

use crate::{Command, CommandError, Event, MAX_AFTER};

/// One connection of one desktop; the engine counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// An event with its number and its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Stamped {
    /// One more than that of the event before.
    pub seq: u64,
    /// When it was published.
    pub at: Wall,
    /// What.
    pub event: Arc<Event>,
}

/// Who looks at a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// Who.
    pub user: UserId,
    /// What they may do.
    pub permissions: BTreeSet<Permission>,
}

/// Who is told an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// One user.
    User(UserId),
    /// All who hold `board.view`.
    Board,
    /// One user and all who hold `board.view`; who is both is told once.
    UserAndBoard(UserId),
}

/// Why the engine closes a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// It did not read what it was sent.
    TooSlow,
    /// The user opened more sessions than one may have; this was the oldest.
    Replaced,
}

impl CloseReason {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooSlow => "too_slow",
            Self::Replaced => "replaced",
        }
    }
}

/// Why a session is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectRefused {
    /// The engine has as many sessions as it may.
    TooManySessions,
    /// The engine has as many users with a session as it may.
    TooManyUsers,
    /// `after` is no number that was ever given out.
    BadAfter,
    /// The session is open already.
    AlreadyOpen,
}

impl fmt::Display for ConnectRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManySessions => f.write_str("too many desktops are connected; try later"),
            Self::TooManyUsers => f.write_str("too many users are connected; try later"),
            Self::BadAfter => write!(f, "'after' must be at most {MAX_AFTER}"),
            Self::AlreadyOpen => f.write_str("this session is open already"),
        }
    }
}

impl std::error::Error for ConnectRefused {}

/// What the room wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Send an event to a session.
    Deliver {
        /// To which.
        session: SessionId,
        /// The event.
        stamped: Arc<Stamped>,
    },
    /// Hand the present state to [`Cti::handle_snapshot`]: a session of this user begins afresh.
    SnapshotWanted {
        /// Whose stream.
        user: UserId,
        /// Whether the user may see the board.
        board: bool,
    },
    /// Do what a desktop asks, then say so to [`Cti::handle_done`].
    Perform {
        /// Which session asked first.
        session: SessionId,
        /// Whose it is.
        user: UserId,
        /// The desktop's id for it.
        id: String,
        /// What.
        command: Command,
    },
    /// Answer a command.
    Reply {
        /// To which session.
        session: SessionId,
        /// The id it gave.
        id: String,
        /// What became of it.
        result: Result<(), CommandError>,
    },
    /// Audit that a command was refused; its [`Output::Reply`] comes as well.
    Refused {
        /// To whom.
        user: UserId,
        /// What they lack.
        permission: Permission,
        /// The command's name.
        what: &'static str,
    },
    /// Close a session; nothing more is sent to it.
    Close {
        /// Which.
        session: SessionId,
        /// Why.
        reason: CloseReason,
    },
}

/// What the room holds, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Users with a stream.
    pub users: usize,
    /// Sessions open.
    pub sessions: usize,
    /// Sessions closed because they did not read.
    pub closed_too_slow: u64,
    /// Events left out of snapshots that were too big.
    pub snapshot_events_dropped: u64,
}
