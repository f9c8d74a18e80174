//! Desktops that connect, lose their connection and come back in any order, over restarts of the
//! engine: their numbers have no gap, and nothing is missed without a snapshot.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod desk;

use std::collections::BTreeSet;

use cti::{Audience, Config, Cti, Output, SessionId};
use desk::{AGENT, LEAD, event, number, viewer};
use model::{Mono, UserId, Wall};
use proptest::prelude::*;

const USERS: [&str; 3] = ["8001", "8002", "lead"];
/// Browser tabs of each user: one more than may be connected at once.
const TABS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    Connect { tab: usize, afresh: bool },
    Disconnect { tab: usize },
    Overflow { tab: usize },
    Publish { audience: usize, times: u8 },
    Snapshots,
    Pass { ms: u64 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let tab = 0..USERS.len() * TABS;
    prop_oneof![
        5 => (tab.clone(), prop::bool::weighted(0.2))
            .prop_map(|(tab, afresh)| Step::Connect { tab, afresh }),
        3 => tab.clone().prop_map(|tab| Step::Disconnect { tab }),
        1 => tab.prop_map(|tab| Step::Overflow { tab }),
        6 => (0_usize..7, 1_u8..5).prop_map(|(audience, times)| Step::Publish { audience, times }),
        3 => Just(Step::Snapshots),
        1 => (0_u64..800).prop_map(|ms| Step::Pass { ms }),
        1 => Just(Step::Restart),
    ]
}

/// How a tab that is connected may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// With the event after the last one it saw, or, where a snapshot is coming, with whatever is
    /// published next, which has this place in the user's list.
    Either(Option<usize>),
    /// With the event of this place.
    Place(usize),
}

#[derive(Debug, Clone)]
struct Tab {
    user: usize,
    session: Option<SessionId>,
    last_seq: Option<u64>,
    /// The place, in the user's list, of the last event that it saw.
    last_place: Option<usize>,
    next: Next,
}

struct World {
    cti: Cti,
    epoch: u32,
    now: Mono,
    tabs: Vec<Tab>,
    sessions: u64,
    events: u32,
    /// What was published to each user, by the events' numbers.
    published: [Vec<u32>; USERS.len()],
    wanted: BTreeSet<usize>,
}

fn config(epoch: u32) -> Config {
    Config {
        epoch,
        history: 6,
        max_users: 2,
        max_sessions: 5,
        max_sessions_per_user: 2,
        max_snapshot: 4,
        session_queue: 300,
        retention_ms: 1_000,
        ..Config::default()
    }
}

fn user_at(at: usize) -> UserId {
    USERS[at].into()
}

impl World {
    fn new() -> Self {
        let tab = |at| Tab {
            user: at / TABS,
            session: None,
            last_seq: None,
            last_place: None,
            next: Next::Place(0),
        };
        Self {
            cti: Cti::new(config(1)).unwrap(),
            epoch: 1,
            now: Mono::default(),
            tabs: (0..USERS.len() * TABS).map(tab).collect(),
            sessions: 0,
            events: 0,
            published: [const { Vec::new() }; USERS.len()],
            wanted: BTreeSet::new(),
        }
    }

    fn run(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Connect { tab, afresh } => return self.connect(tab, afresh),
            Step::Disconnect { tab } => {
                if let Some(session) = self.tabs[tab].session.take() {
                    self.cti.disconnect(session, self.now);
                }
            }
            Step::Overflow { tab } => {
                if let Some(session) = self.tabs[tab].session {
                    self.cti.handle_overflow(session, self.now);
                }
            }
            Step::Publish { audience, times } => {
                for _ in 0..times {
                    self.publish(audience);
                }
            }
            Step::Snapshots => {
                for user in std::mem::take(&mut self.wanted) {
                    let number = self.note(&[user]);
                    self.cti.handle_snapshot(&user_at(user), vec![event(number)], Wall(0));
                }
            }
            Step::Pass { ms } => {
                self.now = self.now + std::time::Duration::from_millis(ms);
                self.cti.handle_timeout(self.now);
            }
            Step::Restart => {
                self.epoch += 1;
                self.cti = Cti::new(config(self.epoch)).unwrap();
                self.wanted.clear();
                for tab in &mut self.tabs {
                    tab.session = None;
                }
            }
        }
        self.drain()
    }

    fn connect(&mut self, at: usize, afresh: bool) -> Result<(), TestCaseError> {
        if self.tabs[at].session.is_some() {
            return Ok(());
        }
        let user = self.tabs[at].user;
        self.sessions += 1;
        let session = SessionId(self.sessions);
        let permissions = if USERS[user] == "lead" { LEAD } else { AGENT };
        let after = self.tabs[at].last_seq.filter(|_| !afresh);
        let viewer = viewer(USERS[user], permissions);
        if self.cti.connect(session, viewer, after, self.now).is_err() {
            return self.drain();
        }
        let outputs: Vec<Output> = std::iter::from_fn(|| self.cti.poll_output()).collect();
        let asks = |output: &Output| matches!(output, Output::SnapshotWanted { .. });
        let coming = self.wanted.contains(&user);
        let next = self.published[user].len();
        let tab = &mut self.tabs[at];
        tab.session = Some(session);
        tab.next = match (outputs.iter().any(asks), coming) {
            (true, _) => Next::Place(next),
            (false, true) => Next::Either(Some(next)),
            (false, false) => Next::Either(None),
        };
        if after.is_none() {
            tab.last_seq = None;
            prop_assert!(coming || outputs.iter().any(asks), "fresh and without a snapshot");
            tab.next = Next::Place(next);
        }
        self.judge(outputs)
    }

    /// Numbers an event and lists it for those it goes to.
    fn note(&mut self, users: &[usize]) -> u32 {
        self.events += 1;
        for &user in users {
            self.published[user].push(self.events);
        }
        self.events
    }

    fn publish(&mut self, audience: usize) {
        let (audience, users) = match audience {
            user @ 0..=2 => (Audience::User(user_at(user)), vec![user]),
            3 => (Audience::Board, vec![2]),
            both => {
                let user = both - 4;
                let users = if user == 2 { vec![2] } else { vec![user, 2] };
                (Audience::UserAndBoard(user_at(user)), users)
            }
        };
        let number = self.note(&users);
        self.cti.publish(audience, event(number), Wall(0));
    }

    fn drain(&mut self) -> Result<(), TestCaseError> {
        let outputs = std::iter::from_fn(|| self.cti.poll_output()).collect();
        self.judge(outputs)
    }

    fn judge(&mut self, outputs: Vec<Output>) -> Result<(), TestCaseError> {
        for output in outputs {
            match output {
                Output::Deliver { session, stamped } => {
                    let of_session = |tab: &&mut Tab| tab.session == Some(session);
                    let tab = self.tabs.iter_mut().find(of_session);
                    prop_assert!(tab.is_some(), "delivered to nobody");
                    let tab = tab.unwrap();
                    if let Some(last) = tab.last_seq {
                        prop_assert_eq!(stamped.seq, last + 1, "a gap");
                    }
                    let published = &self.published[tab.user];
                    let place = published.binary_search(&number(&stamped)).unwrap();
                    let after_last = tab.last_place.map_or(0, |last| last + 1);
                    let expected = match tab.next {
                        Next::Place(place) => vec![place],
                        Next::Either(next) => next.into_iter().chain([after_last]).collect(),
                    };
                    prop_assert!(expected.contains(&place), "{place} is not in {expected:?}");
                    tab.last_seq = Some(stamped.seq);
                    tab.last_place = Some(place);
                    tab.next = Next::Place(place + 1);
                }
                Output::SnapshotWanted { user, board } => {
                    let user = USERS.iter().position(|&name| user.as_str() == name).unwrap();
                    prop_assert_eq!(board, USERS[user] == "lead");
                    // Twice where a stream went before its snapshot came.
                    self.wanted.insert(user);
                }
                Output::Close { session, .. } => {
                    for tab in self.tabs.iter_mut().filter(|tab| tab.session == Some(session)) {
                        tab.session = None;
                    }
                }
                Output::Perform { .. } | Output::Reply { .. } | Output::Refused { .. } => {
                    prop_assert!(false, "nobody asked anything");
                }
            }
        }
        let figures = self.cti.figures();
        let connected = self.tabs.iter().filter(|tab| tab.session.is_some()).count();
        prop_assert_eq!(figures.sessions, connected);
        prop_assert!(figures.users <= 2 && figures.sessions <= 5);
        Ok(())
    }
}

fn four_thousand() -> ProptestConfig {
    ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(four_thousand())]

    #[test]
    fn numbers_have_no_gap_and_nothing_is_missed_without_a_snapshot(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new();
        for step in steps {
            world.run(step)?;
        }
    }
}
