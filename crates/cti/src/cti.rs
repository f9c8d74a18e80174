//! The streams and sessions of all users.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use model::{Mono, Permission, UserId, Wall};

use crate::command::MAX_COMMAND_ID;
use crate::commands::{Commands, Heard};
use crate::session::{Audience, CloseReason, ConnectRefused, Figures, Output, SessionId, Viewer};
use crate::stream::{Joined, Stream};
use crate::{Command, CommandError, Config, ConfigError, Event, MAX_AFTER};

#[derive(Debug)]
struct User {
    stream: Stream,
    commands: Commands,
    board: bool,
    snapshot_wanted: bool,
    /// When the stream goes, while there is no session.
    gone_at: Option<Mono>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Command(UserId, String),
    Retention(UserId),
}

/// The streams and sessions of all users.
#[derive(Debug)]
pub struct Cti {
    config: Config,
    users: BTreeMap<UserId, User>,
    board: BTreeSet<UserId>,
    sessions: BTreeMap<SessionId, Viewer>,
    timers: BTreeSet<(Mono, Timer)>,
    /// The number that a new stream begins with: beyond those that streams which are gone gave out,
    /// so that a desktop that comes back to a new stream is seen to come from an old one.
    first_seq: u64,
    figures: Figures,
    outputs: VecDeque<Output>,
}

impl Cti {
    /// Nobody is connected yet.
    ///
    /// # Errors
    /// [`ConfigError`] if the limits do not go together.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            first_seq: config.first_seq(),
            config,
            users: BTreeMap::new(),
            board: BTreeSet::new(),
            sessions: BTreeMap::new(),
            timers: BTreeSet::new(),
            figures: Figures::default(),
            outputs: VecDeque::new(),
        })
    }

    /// A desktop connects; `after` is the number of the last event that it saw, if any.
    ///
    /// It is sent what it missed, or, if that is no longer known, a snapshot; either way the
    /// numbers go on from `after + 1`.
    ///
    /// # Errors
    /// [`ConnectRefused`] if a limit is reached or `after` is absurd.
    pub fn connect(
        &mut self,
        session: SessionId,
        viewer: Viewer,
        after: Option<u64>,
        now: Mono,
    ) -> Result<(), ConnectRefused> {
        if after.is_some_and(|after| after > MAX_AFTER) {
            return Err(ConnectRefused::BadAfter);
        }
        if self.sessions.contains_key(&session) {
            return Err(ConnectRefused::AlreadyOpen);
        }
        self.make_room(&viewer.user, now)?;
        let user = viewer.user.clone();
        self.open_stream(&viewer);
        let Some(known) = self.users.get_mut(&user) else {
            return Err(ConnectRefused::TooManyUsers);
        };
        let outputs = &mut self.outputs;
        let joined = known.stream.join(session, after, |stamped| {
            outputs.push_back(Output::Deliver { session, stamped });
        });
        if joined == Joined::Afresh && !known.snapshot_wanted {
            known.snapshot_wanted = true;
            let board = known.board;
            self.outputs.push_back(Output::SnapshotWanted { user, board });
        }
        self.sessions.insert(session, viewer);
        Ok(())
    }

    /// A desktop is gone. Its stream stays for a while, so that it can come back.
    pub fn disconnect(&mut self, session: SessionId, now: Mono) {
        let Some(viewer) = self.sessions.remove(&session) else { return };
        let Some(user) = self.users.get_mut(&viewer.user) else { return };
        user.stream.leave(session);
        if user.stream.session_count() == 0 {
            let gone_at = now + Duration::from_millis(self.config.retention_ms);
            user.gone_at = Some(gone_at);
            self.timers.insert((gone_at, Timer::Retention(viewer.user)));
        }
    }

    /// The queue of a session is full: it is closed, and may come back for what it missed.
    pub fn handle_overflow(&mut self, session: SessionId, now: Mono) {
        if self.sessions.contains_key(&session) {
            self.figures.closed_too_slow += 1;
            self.close(session, CloseReason::TooSlow, now);
        }
    }

    /// A desktop asks something, under an id of its choice.
    pub fn handle_command(&mut self, session: SessionId, id: String, command: Command, now: Mono) {
        let Some(viewer) = self.sessions.get(&session) else { return };
        if let Err(error) = check_command(viewer, &id, &command) {
            if error.code == FORBIDDEN {
                self.outputs.push_back(Output::Refused {
                    user: viewer.user.clone(),
                    permission: command.permission(),
                    what: command.type_name(),
                });
            }
            self.outputs.push_back(Output::Reply { session, id, result: Err(error) });
            return;
        }
        let user = viewer.user.clone();
        let Some(known) = self.users.get_mut(&user) else { return };
        let deadline = now + Duration::from_millis(self.config.command_timeout_ms);
        match known.commands.hear(session, &id, &command, deadline) {
            Heard::Perform => {
                self.timers.insert((deadline, Timer::Command(user.clone(), id.clone())));
                self.outputs.push_back(Output::Perform { session, user, id, command });
            }
            Heard::Answer(result) => {
                self.outputs.push_back(Output::Reply { session, id, result });
            }
            Heard::Wait => {}
        }
    }

    /// A command was done or refused: whoever asked it is told.
    pub fn handle_done(&mut self, user: &UserId, id: &str, result: Result<(), CommandError>) {
        let Some(known) = self.users.get_mut(user) else { return };
        let Some((waiting, deadline)) = known.commands.finish(id, result.clone()) else { return };
        self.timers.remove(&(deadline, Timer::Command(user.clone(), id.to_owned())));
        for session in waiting {
            if self.sessions.contains_key(&session) {
                let (id, result) = (id.to_owned(), result.clone());
                self.outputs.push_back(Output::Reply { session, id, result });
            }
        }
    }

    /// Tells an event to its audience: to the connected ones now, to those who lost their
    /// connection when they are back.
    pub fn publish(&mut self, audience: Audience, event: Event, wall: Wall) {
        let event = Arc::new(event);
        let (one, board) = match audience {
            Audience::User(user) => (Some(user), false),
            Audience::Board => (None, true),
            Audience::UserAndBoard(user) => (Some(user), true),
        };
        let outputs = &mut self.outputs;
        let mut push = |user: &mut User| {
            user.stream.push(wall, Arc::clone(&event), |session, stamped| {
                outputs.push_back(Output::Deliver { session, stamped });
            });
        };
        if let Some(one) = &one
            && !(board && self.board.contains(one))
            && let Some(user) = self.users.get_mut(one)
        {
            push(user);
        }
        if board {
            for watcher in &self.board {
                if let Some(user) = self.users.get_mut(watcher) {
                    push(user);
                }
            }
        }
    }

    /// The present state, most important first, as [`Output::SnapshotWanted`] asked for it. All
    /// sessions of the user see it; to those who knew it already it says nothing new.
    pub fn handle_snapshot(&mut self, user: &UserId, events: Vec<Event>, wall: Wall) {
        let Some(known) = self.users.get_mut(user) else { return };
        known.snapshot_wanted = false;
        let dropped = events.len().saturating_sub(self.config.max_snapshot);
        self.figures.snapshot_events_dropped += dropped as u64;
        let outputs = &mut self.outputs;
        for event in events.into_iter().take(self.config.max_snapshot) {
            known.stream.push(wall, Arc::new(event), |session, stamped| {
                outputs.push_back(Output::Deliver { session, stamped });
            });
        }
    }

    /// Commands that took too long are answered so; streams that nobody came back to go.
    pub fn handle_timeout(&mut self, now: Mono) {
        while let Some((deadline, _)) = self.timers.first()
            && *deadline <= now
            && let Some((_, timer)) = self.timers.pop_first()
        {
            match timer {
                Timer::Command(user, id) => {
                    let message = "the engine did not come to an end with it; \
                                   ask again under the same id to learn what became of it";
                    self.handle_done(&user, &id, Err(CommandError::new("timed_out", message)));
                }
                Timer::Retention(user) => self.drop_stream(&user),
            }
        }
    }

    /// What to do next, if anything.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        self.timers.first().map(|(deadline, timer)| {
            let reason = match timer {
                Timer::Command(..) => "a command takes too long",
                Timer::Retention(_) => "a stream without a session goes",
            };
            (*deadline, reason)
        })
    }

    /// Whether a user has a desktop connected that could show a pop.
    pub fn is_connected(&self, user: &UserId) -> bool {
        self.users.get(user).is_some_and(|user| user.stream.session_count() > 0)
    }

    /// What the room holds.
    pub fn figures(&self) -> Figures {
        Figures { users: self.users.len(), sessions: self.sessions.len(), ..self.figures }
    }

    fn close(&mut self, session: SessionId, reason: CloseReason, now: Mono) {
        self.disconnect(session, now);
        self.outputs.push_back(Output::Close { session, reason });
    }

    /// Sees to it that one more session of `user` fits.
    fn make_room(&mut self, user: &UserId, now: Mono) -> Result<(), ConnectRefused> {
        let known = self.users.get(user);
        let oldest = known
            .filter(|known| known.stream.session_count() >= self.config.max_sessions_per_user)
            .and_then(|known| known.stream.sessions().min());
        if let Some(oldest) = oldest {
            self.close(oldest, CloseReason::Replaced, now);
        } else if self.sessions.len() >= self.config.max_sessions {
            return Err(ConnectRefused::TooManySessions);
        } else if known.is_none() && self.users.len() >= self.config.max_users {
            let idle = self.timers.iter().find_map(|(_, timer)| match timer {
                Timer::Retention(user) => Some(user.clone()),
                Timer::Command(..) => None,
            });
            match idle {
                Some(idle) => self.drop_stream(&idle),
                None => return Err(ConnectRefused::TooManyUsers),
            }
        }
        Ok(())
    }

    /// Makes or wakes the stream of a user who connects.
    fn open_stream(&mut self, viewer: &Viewer) {
        let board = viewer.permissions.contains(&Permission::BoardView);
        let user = self.users.entry(viewer.user.clone()).or_insert_with(|| User {
            stream: Stream::new(self.first_seq, self.config.history),
            commands: Commands::new(self.config.max_commands),
            board,
            snapshot_wanted: false,
            gone_at: None,
        });
        user.board = board;
        if let Some(gone_at) = user.gone_at.take() {
            self.timers.remove(&(gone_at, Timer::Retention(viewer.user.clone())));
        }
        if board {
            self.board.insert(viewer.user.clone());
        } else {
            self.board.remove(&viewer.user);
        }
    }

    fn drop_stream(&mut self, user: &UserId) {
        let Some(gone) = self.users.remove(user) else { return };
        self.board.remove(user);
        if let Some(gone_at) = gone.gone_at {
            self.timers.remove(&(gone_at, Timer::Retention(user.clone())));
        }
        for (deadline, id) in gone.commands.deadlines() {
            self.timers.remove(&(deadline, Timer::Command(user.clone(), id.to_owned())));
        }
        self.first_seq += gone.stream.pushed();
    }
}

const FORBIDDEN: &str = "forbidden";

fn check_command(viewer: &Viewer, id: &str, command: &Command) -> Result<(), CommandError> {
    if id.is_empty() || id.len() > MAX_COMMAND_ID {
        let message = format!("a command's id has 1 to {MAX_COMMAND_ID} bytes");
        return Err(CommandError::new("bad_id", message));
    }
    let permission = command.permission();
    if !viewer.permissions.contains(&permission) {
        let message = format!("this needs the permission '{permission}'");
        return Err(CommandError::new(FORBIDDEN, message));
    }
    command.check()
}
