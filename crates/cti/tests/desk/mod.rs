//! Desktops for the scenarios, in short words. Not every scenario uses every word.
#![allow(dead_code, reason = "shared by several test files, each of which uses a part")]
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use std::collections::BTreeSet;

use cti::{
    Audience, Command, CommandError, Config, Cti, Event, Output, SessionId, Stamped, Viewer,
};
use model::{AgentTotals, Mono, Permission, UserId, Wall};

pub(crate) const AGENT: &[Permission] = &[Permission::CallHandle, Permission::CallViewOwn];
pub(crate) const LEAD: &[Permission] = &[Permission::BoardView];

pub(crate) fn viewer(user: &str, permissions: &[Permission]) -> Viewer {
    Viewer { user: user.into(), permissions: permissions.iter().copied().collect() }
}

/// An event that is known by its number.
pub(crate) fn event(number: u32) -> Event {
    Event::QueueState {
        queue: "general".into(),
        waiting: number,
        callbacks: 0,
        longest_wait_ms: 0,
        expected: None,
        agents: AgentTotals::default(),
        open: true,
    }
}

pub(crate) fn number(stamped: &Stamped) -> u32 {
    match *stamped.event {
        Event::QueueState { waiting, .. } => waiting,
        _ => panic!("not made by event(): {stamped:?}"),
    }
}

/// The room with its clock.
pub(crate) struct Desk {
    pub(crate) cti: Cti,
    pub(crate) now_ms: u64,
}

impl Desk {
    pub(crate) fn new(config: Config) -> Self {
        Self { cti: Cti::new(config).unwrap(), now_ms: 0 }
    }

    pub(crate) fn now(&self) -> Mono {
        Mono::from_ms(self.now_ms)
    }

    pub(crate) fn pass(&mut self, ms: u64) -> &mut Self {
        self.now_ms += ms;
        self.cti.handle_timeout(Mono::from_ms(self.now_ms));
        self
    }

    pub(crate) fn connect(&mut self, session: u64, user: &str, after: Option<u64>) -> &mut Self {
        let permissions = if user == "lead" { LEAD } else { AGENT };
        let now = self.now();
        self.cti.connect(SessionId(session), viewer(user, permissions), after, now).unwrap();
        self
    }

    /// Connects a new desktop and gives it a snapshot in which there is nothing.
    pub(crate) fn open(&mut self, session: u64, user: &str) -> &mut Self {
        self.connect(session, user, None).snapshot(user)
    }

    pub(crate) fn snapshot(&mut self, user: &str) -> &mut Self {
        self.cti.handle_snapshot(&user.into(), Vec::new(), Wall(0));
        self
    }

    pub(crate) fn disconnect(&mut self, session: u64) -> &mut Self {
        let now = self.now();
        self.cti.disconnect(SessionId(session), now);
        self
    }

    pub(crate) fn publish(&mut self, user: &str, numbers: std::ops::RangeInclusive<u32>) {
        for number in numbers {
            self.cti.publish(Audience::User(user.into()), event(number), Wall(0));
        }
    }

    pub(crate) fn command(&mut self, session: u64, id: &str, command: Command) -> &mut Self {
        let now = self.now();
        self.cti.handle_command(SessionId(session), id.to_owned(), command, now);
        self
    }

    pub(crate) fn done(&mut self, user: &str, id: &str, result: Result<(), CommandError>) {
        self.cti.handle_done(&UserId::from(user), id, result);
    }

    pub(crate) fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.cti.poll_output()).collect()
    }

    /// What was delivered to a session since the last time, as numbers of stream and event.
    pub(crate) fn delivered(&mut self, to: u64) -> Vec<(u64, u32)> {
        let delivered = |output| match output {
            Output::Deliver { session, stamped } if session == SessionId(to) => {
                Some((stamped.seq, number(&stamped)))
            }
            _ => None,
        };
        self.outputs().into_iter().filter_map(delivered).collect()
    }

    /// The answers given since the last time: to whom, to what, and the error's code or "ok".
    pub(crate) fn replies(&mut self) -> Vec<(u64, String, &'static str)> {
        let reply = |output| match output {
            Output::Reply { session, id, result } => {
                Some((session.0, id, result.map_or_else(|error| error.code, |()| "ok")))
            }
            _ => None,
        };
        self.outputs().into_iter().filter_map(reply).collect()
    }

    /// How often something was asked to be done since the last time.
    pub(crate) fn performed(&mut self) -> Vec<String> {
        let performed = |output| match output {
            Output::Perform { id, .. } => Some(id),
            _ => None,
        };
        self.outputs().into_iter().filter_map(performed).collect()
    }
}

/// Permissions as a set.
pub(crate) fn set(permissions: &[Permission]) -> BTreeSet<Permission> {
    permissions.iter().copied().collect()
}
