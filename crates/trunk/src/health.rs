//! Which servers of a line can be reached: asked by OPTIONS (RFC 3261 §11), and seen from what
//! becomes of calls. A target that is an address is one server; one that is a name is all that the
//! name leads to (RFC 3263), each of which is asked for itself.
//!
//! A server that is not reached is left out of calls. Where servers are asked, its next answer
//! brings it back; where they are not, it rests for a while.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use model::{Mono, TrunkId};
use sip::locate::Target as Server;

use crate::{Target, Trunk, Trunks};

/// How long a target rests that failed a call and is not asked.
const REST: Duration = Duration::from_secs(30);
/// The longest that a target's own wish to be left alone is followed.
const REST_MAX_S: u32 = 600;

/// Whom a line sends to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer {
    /// The line.
    pub trunk: TrunkId,
    /// Which of its targets.
    pub target: Target,
    /// Which of the servers that the target's name leads to; none where it is an address, or as
    /// long as its name has led nowhere.
    pub server: Option<Server>,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.server {
            Some(server) => write!(f, "{} at {}", self.target, server.address),
            None => self.target.fmt(f),
        }
    }
}

/// What is known of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// It answers, or has not been heard to fail.
    Up,
    /// It does not answer, or says that it cannot serve.
    Down,
    /// It is left alone until then.
    Resting { until: Mono },
}

/// Where the question to a server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// Nobody asks it.
    Never,
    /// It is asked then.
    At(Mono),
    /// It has been asked, and counts as silent then.
    Open(Mono),
}

/// One server.
#[derive(Debug)]
struct Place {
    reach: Reach,
    question: Question,
    interval: Duration,
    timeout: Duration,
    answered_at: Option<Mono>,
}

/// What is to be done, or has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthOutput {
    /// Ask this server; what comes of it goes to [`Health::handle_answer`].
    Ask(Peer),
    /// A server can be reached again, or not any more.
    Changed {
        /// Which.
        peer: Peer,
        /// Whether it can.
        reachable: bool,
        /// How many targets of the line can be reached now, by any of their servers.
        left: usize,
    },
}

/// How a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HealthView {
    /// How many targets it has.
    pub targets: usize,
    /// How many of them can be reached, by any of their servers.
    pub reachable: usize,
    /// When one of them answered last.
    pub answered_at: Option<Mono>,
}

/// All servers of all lines.
#[derive(Debug, Default)]
pub struct Health {
    places: BTreeMap<Peer, Place>,
    outputs: VecDeque<HealthOutput>,
}

impl Health {
    /// Everyone is deemed to be there until they are found not to be. Targets are asked one after
    /// the other from `now` on.
    pub fn new(trunks: &Trunks, now: Mono) -> Self {
        let mut places = BTreeMap::new();
        for trunk in trunks.iter().filter(|trunk| trunk.is_outward()) {
            for (target, place) in places_of(trunk, now) {
                let peer = Peer { trunk: trunk.id.clone(), target, server: None };
                places.entry(peer).or_insert(place);
            }
        }
        Self { places, outputs: VecDeque::new() }
    }

    /// Whether a target is there, as far as is known: any of its servers.
    pub fn is_reachable(&self, trunk: &TrunkId, target: &Target) -> bool {
        let mut places = self.of(trunk).filter(|(peer, _)| peer.target == *target).peekable();
        places.peek().is_none() || places.any(|(_, place)| place.reach == Reach::Up)
    }

    /// Whether a server is there, as far as is known.
    pub fn is_up(&self, peer: &Peer) -> bool {
        self.places.get(peer).is_none_or(|place| place.reach == Reach::Up)
    }

    /// Whether a server is one of those that the line's targets lead to now.
    pub fn knows(&self, peer: &Peer) -> bool {
        self.places.contains_key(peer)
    }

    /// How a line is.
    pub fn view(&self, trunk: &TrunkId) -> HealthView {
        let targets: BTreeSet<&Target> = self.of(trunk).map(|(peer, _)| &peer.target).collect();
        HealthView {
            targets: targets.len(),
            reachable: self.left(trunk),
            answered_at: self.of(trunk).filter_map(|(_, place)| place.answered_at).max(),
        }
    }

    /// A name leads to these servers now. What is known of those that stay is kept; those that are
    /// new are deemed to be there. The first ones are asked at even distances from `now` on, those
    /// that come later after an interval: a name that leads elsewhere each time that it is looked
    /// up is not asked without end.
    pub fn handle_servers(
        &mut self,
        (trunk, target): (&TrunkId, &Target),
        servers: &[Server],
        now: Mono,
    ) {
        let of = |peer: &Peer| peer.trunk == *trunk && peer.target == *target;
        let before: Vec<Peer> = self.places.keys().filter(|peer| of(peer)).cloned().collect();
        let pattern = before.first().and_then(|peer| self.places.get(peer));
        let Some(Place { interval, timeout, .. }) = pattern.filter(|_| !servers.is_empty()) else {
            return;
        };
        let (interval, timeout) = (*interval, *timeout);
        let was = self.is_reachable(trunk, target);
        let are_first = before.iter().all(|peer| peer.server.is_none());
        let count = u32::try_from(servers.len()).unwrap_or(u32::MAX);
        let peer = |server: Server| Peer {
            trunk: trunk.clone(),
            target: target.clone(),
            server: Some(server),
        };
        for (number, server) in (0..).zip(servers) {
            let wait = if are_first { interval * number / count } else { interval };
            let question = match interval.is_zero() {
                true => Question::Never,
                false => Question::At(now + wait),
            };
            let place = Place { reach: Reach::Up, question, interval, timeout, answered_at: None };
            self.places.entry(peer(*server)).or_insert(place);
        }
        self.places.retain(|known, _| {
            !of(known) || known.server.is_some_and(|server| servers.contains(&server))
        });
        let is = self.is_reachable(trunk, target);
        if let Some(first) = servers.first().filter(|_| was != is) {
            let (peer, left) = (peer(*first), self.left(trunk));
            self.outputs.push_back(HealthOutput::Changed { peer, reachable: is, left });
        }
    }

    /// A server answered the question, or a call: any answer says that it is there, but one that
    /// says that it cannot serve. `retry_after_s` is for how long it wants to be left alone.
    pub fn handle_answer(
        &mut self,
        peer: &Peer,
        status: u16,
        retry_after_s: Option<u32>,
        now: Mono,
    ) {
        let Some(place) = self.places.get_mut(peer) else { return };
        place.answered_at = Some(now);
        let reach = match (status, retry_after_s) {
            (503, Some(seconds)) if seconds > 0 => {
                let rest = Duration::from_secs(seconds.min(REST_MAX_S).into());
                Reach::Resting { until: now + rest }
            }
            (408 | 502..=504, _) => place.failed(now),
            (_, _) => Reach::Up,
        };
        self.turn(peer.clone(), reach, now);
    }

    /// A server gave no answer at all.
    pub fn handle_silence(&mut self, peer: &Peer, now: Mono) {
        let Some(place) = self.places.get(peer) else { return };
        let reach = place.failed(now);
        self.turn(peer.clone(), reach, now);
    }

    /// The question that was asked at `asked_at` will not be answered. Where that is not the one
    /// whose answer is waited for, more has been heard since, and nothing changes.
    pub fn handle_unanswered(&mut self, peer: &Peer, asked_at: Mono, now: Mono) {
        let place = self.places.get(peer);
        let is_it = |place: &Place| place.question == Question::Open(asked_at + place.timeout);
        if place.is_some_and(is_it) {
            self.handle_silence(peer, now);
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<HealthOutput> {
        self.outputs.pop_front()
    }

    /// When time is next waited for, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        // What is to be said is said at once.
        let said = self.outputs.front().map(|_| (Mono::default(), "what is known of carriers"));
        self.places.values().filter_map(Place::next).chain(said).min()
    }

    /// Time passed: to be called at or after [`Health::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Mono) {
        let is_due = |place: &Place| place.next().is_some_and(|(at, _)| at <= now);
        let due = self.places.iter().filter(|(_, place)| is_due(place));
        let due: Vec<_> = due.map(|(key, _)| key.clone()).collect();
        for key in due {
            self.handle_due(key, now);
        }
    }

    fn handle_due(&mut self, peer: Peer, now: Mono) {
        let Some(place) = self.places.get_mut(&peer) else { return };
        match (place.reach, place.question) {
            (Reach::Resting { until }, Question::Never) if until <= now => {
                self.turn(peer, Reach::Up, now);
            }
            // It is asked whether it is fit again, rather than believed.
            (Reach::Resting { until }, _) if until > now => {}
            (_, Question::At(at)) if at <= now => {
                place.question = Question::Open(now + place.timeout);
                if let Reach::Resting { .. } = place.reach {
                    place.reach = Reach::Down;
                }
                self.outputs.push_back(HealthOutput::Ask(peer));
            }
            (_, Question::Open(by)) if by <= now => {
                let reach = place.failed(now);
                self.turn(peer, reach, now);
            }
            (_, Question::Never | Question::At(_) | Question::Open(_)) => {}
        }
    }

    /// Changes what is known of a server and plans the next question.
    fn turn(&mut self, peer: Peer, reach: Reach, now: Mono) {
        let Some(place) = self.places.get_mut(&peer) else { return };
        let was = std::mem::replace(&mut place.reach, reach) == Reach::Up;
        place.question = match (place.question, reach) {
            (Question::Never, _) => Question::Never,
            (_, Reach::Resting { until }) => Question::At(until),
            (_, Reach::Up | Reach::Down) => Question::At(now + place.interval),
        };
        let is = reach == Reach::Up;
        if is != was {
            let left = self.left(&peer.trunk);
            self.outputs.push_back(HealthOutput::Changed { peer, reachable: is, left });
        }
    }

    fn of<'a>(&'a self, trunk: &'a TrunkId) -> impl Iterator<Item = (&'a Peer, &'a Place)> {
        self.places.iter().filter(move |(peer, _)| peer.trunk == *trunk)
    }

    /// How many targets of a line can be reached.
    fn left(&self, trunk: &TrunkId) -> usize {
        let up = self.of(trunk).filter(|(_, place)| place.reach == Reach::Up);
        up.map(|(peer, _)| &peer.target).collect::<BTreeSet<_>>().len()
    }
}

impl Place {
    /// What a server is that did not serve: asked again, or left alone for a while.
    fn failed(&self, now: Mono) -> Reach {
        match self.question {
            Question::Never => Reach::Resting { until: now + REST },
            Question::At(_) | Question::Open(_) => Reach::Down,
        }
    }

    fn next(&self) -> Option<(Mono, &'static str)> {
        match (self.question, self.reach) {
            (Question::At(at), _) => Some((at, "the next question to a carrier")),
            (Question::Open(by), _) => Some((by, "a carrier's answer")),
            (Question::Never, Reach::Resting { until }) => Some((until, "a carrier's rest")),
            (Question::Never, Reach::Up | Reach::Down) => None,
        }
    }
}

/// A line's targets, asked at even distances over the first interval.
fn places_of(trunk: &Trunk, now: Mono) -> Vec<(Target, Place)> {
    let Some(outward) = &trunk.outward else { return Vec::new() };
    let interval = Duration::from_millis(outward.options_interval_ms);
    let timeout = Duration::from_millis(outward.options_timeout_ms);
    let count = u32::try_from(outward.targets.len()).unwrap_or(1).max(1);
    let place = |(number, target): (u32, &Target)| {
        let question = match interval.is_zero() {
            true => Question::Never,
            false => Question::At(now + interval * number / count),
        };
        let place = Place { reach: Reach::Up, question, interval, timeout, answered_at: None };
        (target.clone(), place)
    };
    (0..).zip(&outward.targets).map(place).collect()
}

#[cfg(test)]
mod tests;
