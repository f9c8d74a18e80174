//! Which targets of a line can be reached: asked by OPTIONS (RFC 3261 §11), and seen from what
//! becomes of calls.
//!
//! A target that is not reached is left out of calls. Where targets are asked, its next answer
//! brings it back; where they are not, it rests for a while.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use model::{Mono, TrunkId};

use crate::{Target, Trunk, Trunks};

/// How long a target rests that failed a call and is not asked.
const REST: Duration = Duration::from_secs(30);
/// The longest that a target's own wish to be left alone is followed.
const REST_MAX_S: u32 = 600;

/// What is known of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// It answers, or has not been heard to fail.
    Up,
    /// It does not answer, or says that it cannot serve.
    Down,
    /// It is left alone until then.
    Resting { until: Mono },
}

/// Where the question to a target stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// Nobody asks it.
    Never,
    /// It is asked then.
    At(Mono),
    /// It has been asked, and counts as silent then.
    Open(Mono),
}

/// One target.
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
    /// Ask this target; what comes of it goes to [`Health::handle_answer`].
    Ask {
        /// Of which line.
        trunk: TrunkId,
        /// Whom.
        target: Target,
    },
    /// A target can be reached again, or not any more.
    Changed {
        /// Of which line.
        trunk: TrunkId,
        /// Which.
        target: Target,
        /// Whether it can.
        reachable: bool,
        /// How many targets of the line can be reached now.
        left: usize,
    },
}

/// How a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HealthView {
    /// How many targets it has.
    pub targets: usize,
    /// How many of them can be reached.
    pub reachable: usize,
    /// When one of them answered last.
    pub answered_at: Option<Mono>,
}

/// All targets of all lines.
#[derive(Debug, Default)]
pub struct Health {
    places: BTreeMap<(TrunkId, Target), Place>,
    outputs: VecDeque<HealthOutput>,
}

impl Health {
    /// Everyone is deemed to be there until they are found not to be. Targets are asked one after
    /// the other from `now` on.
    pub fn new(trunks: &Trunks, now: Mono) -> Self {
        let mut places = BTreeMap::new();
        for trunk in trunks.iter().filter(|trunk| trunk.is_outward()) {
            for (target, place) in places_of(trunk, now) {
                places.entry((trunk.id.clone(), target)).or_insert(place);
            }
        }
        Self { places, outputs: VecDeque::new() }
    }

    /// Whether a target is there, as far as is known.
    pub fn is_reachable(&self, trunk: &TrunkId, target: &Target) -> bool {
        let place = self.places.get(&(trunk.clone(), target.clone()));
        place.is_none_or(|place| place.reach == Reach::Up)
    }

    /// How a line is.
    pub fn view(&self, trunk: &TrunkId) -> HealthView {
        self.of(trunk).fold(HealthView::default(), |view, place| HealthView {
            targets: view.targets + 1,
            reachable: view.reachable + usize::from(place.reach == Reach::Up),
            answered_at: view.answered_at.max(place.answered_at),
        })
    }

    /// A target answered the question, or a call: any answer says that it is there, but one that
    /// says that it cannot serve. `retry_after_s` is for how long it wants to be left alone.
    pub fn handle_answer(
        &mut self,
        (trunk, target): (&TrunkId, &Target),
        status: u16,
        retry_after_s: Option<u32>,
        now: Mono,
    ) {
        let key = (trunk.clone(), target.clone());
        let Some(place) = self.places.get_mut(&key) else { return };
        place.answered_at = Some(now);
        let reach = match (status, retry_after_s) {
            (503, Some(seconds)) if seconds > 0 => {
                let rest = Duration::from_secs(seconds.min(REST_MAX_S).into());
                Reach::Resting { until: now + rest }
            }
            (408 | 502..=504, _) => place.failed(now),
            (_, _) => Reach::Up,
        };
        self.turn(key, reach, now);
    }

    /// A target gave no answer at all.
    pub fn handle_silence(&mut self, (trunk, target): (&TrunkId, &Target), now: Mono) {
        let key = (trunk.clone(), target.clone());
        let Some(place) = self.places.get(&key) else { return };
        let reach = place.failed(now);
        self.turn(key, reach, now);
    }

    /// The question that was asked at `asked_at` will not be answered. Where that is not the one
    /// whose answer is waited for, more has been heard since, and nothing changes.
    pub fn handle_unanswered(&mut self, key: (&TrunkId, &Target), asked_at: Mono, now: Mono) {
        let place = self.places.get(&(key.0.clone(), key.1.clone()));
        let is_it = |place: &Place| place.question == Question::Open(asked_at + place.timeout);
        if place.is_some_and(is_it) {
            self.handle_silence(key, now);
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<HealthOutput> {
        self.outputs.pop_front()
    }

    /// When time is next waited for, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        self.places.values().filter_map(Place::next).min()
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

    fn handle_due(&mut self, key: (TrunkId, Target), now: Mono) {
        let Some(place) = self.places.get_mut(&key) else { return };
        match (place.reach, place.question) {
            (Reach::Resting { until }, Question::Never) if until <= now => {
                self.turn(key, Reach::Up, now);
            }
            // It is asked whether it is fit again, rather than believed.
            (Reach::Resting { until }, _) if until > now => {}
            (_, Question::At(at)) if at <= now => {
                place.question = Question::Open(now + place.timeout);
                if let Reach::Resting { .. } = place.reach {
                    place.reach = Reach::Down;
                }
                let (trunk, target) = key;
                self.outputs.push_back(HealthOutput::Ask { trunk, target });
            }
            (_, Question::Open(by)) if by <= now => {
                let reach = place.failed(now);
                self.turn(key, reach, now);
            }
            (_, Question::Never | Question::At(_) | Question::Open(_)) => {}
        }
    }

    /// Changes what is known of a target and plans the next question.
    fn turn(&mut self, key: (TrunkId, Target), reach: Reach, now: Mono) {
        let Some(place) = self.places.get_mut(&key) else { return };
        let was = std::mem::replace(&mut place.reach, reach) == Reach::Up;
        place.question = match (place.question, reach) {
            (Question::Never, _) => Question::Never,
            (_, Reach::Resting { until }) => Question::At(until),
            (_, Reach::Up | Reach::Down) => Question::At(now + place.interval),
        };
        let is = reach == Reach::Up;
        if is != was {
            let (trunk, target) = key;
            let left = self.of(&trunk).filter(|place| place.reach == Reach::Up).count();
            self.outputs.push_back(HealthOutput::Changed { trunk, target, reachable: is, left });
        }
    }

    fn of<'a>(&'a self, trunk: &'a TrunkId) -> impl Iterator<Item = &'a Place> {
        self.places.iter().filter(move |((of, _), _)| of == trunk).map(|(_, place)| place)
    }
}

impl Place {
    /// What a target is that did not serve: asked again, or left alone for a while.
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
