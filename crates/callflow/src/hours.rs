//! When queues open and close: at the moment itself, and right after a start.
//!
//! The queues' calendars tell the moments by the wall clock, which the engine's own clock carries
//! on from its start: it never jumps, and neither do the hours.

use std::collections::BTreeSet;

use acd::{Input as AcdInput, NamedDay};
use model::{FactBody, Mono, QueueId, Wall};

use crate::Callflow;

/// What queues wait for: at most one moment each.
#[derive(Debug, Default)]
pub(crate) struct Hours {
    due: BTreeSet<(Mono, QueueId)>,
}

impl Hours {
    pub(crate) fn next(&self) -> Option<(Mono, &'static str)> {
        self.due.first().map(|(at, _)| (*at, "a queue opens or closes"))
    }

    /// Takes the next moment that has come.
    fn pop_due(&mut self, now: Mono) -> Option<QueueId> {
        let (at, _) = self.due.first()?;
        if *at > now {
            return None;
        }
        self.due.pop_first().map(|(_, queue)| queue)
    }
}

impl Callflow {
    /// Right after the start every queue is as its hours say.
    pub(crate) fn begin_hours(&mut self) {
        let queues: Vec<QueueId> = self.config.hours.keys().cloned().collect();
        for queue in queues {
            self.follow_hours(queue);
        }
    }

    /// Opens and closes the queues whose moment has come.
    pub(crate) fn keep_hours(&mut self) {
        while let Some(queue) = self.hours.pop_due(self.now) {
            self.follow_hours(queue);
        }
    }

    /// The hours of a queue are others, or it has none any more and is open.
    pub(crate) fn change_hours(&mut self, queue: QueueId) {
        self.forget_hours(&queue);
        if self.config.hours.contains_key(&queue) {
            return self.follow_hours(queue);
        }
        let (open, why) = (true, "no_hours".to_owned());
        self.note(FactBody::HoursChanged { queue: queue.clone(), open, why });
        self.acd.handle_input(AcdInput::QueueOpen { queue, open }, self.now);
    }

    /// Nothing happens at the next moment that a queue's hours had.
    pub(crate) fn forget_hours(&mut self, queue: &QueueId) {
        self.hours.due.retain(|(_, of)| of != queue);
    }

    /// The queue is as its hours say now, until they say something else.
    fn follow_hours(&mut self, queue: QueueId) {
        let wall = self.wall();
        let Some(calendar) = self.config.hours.get(&queue) else { return };
        let open = calendar.is_open(wall);
        let why = match calendar.named(wall) {
            None => "weekday",
            Some(NamedDay::Holiday) => "holiday",
            Some(NamedDay::MakeUp(_)) => "make_up",
            Some(NamedDay::Hours(_)) => "own_hours",
        };
        if let Some((at, _)) = calendar.next_change(wall) {
            self.hours.due.insert((self.mono_at(at), queue.clone()));
        }
        self.note(FactBody::HoursChanged { queue: queue.clone(), open, why: why.to_owned() });
        self.acd.handle_input(AcdInput::QueueOpen { queue, open }, self.now);
    }

    /// When it is that time of day, on the engine's clock.
    fn mono_at(&self, wall: Wall) -> Mono {
        let since_start_us = wall.0.saturating_sub(self.config.started.0);
        Mono(u64::try_from(since_start_us).unwrap_or(0).saturating_mul(1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_moment_comes_once_and_none_before_its_time() {
        let mut hours = Hours::default();
        assert_eq!(hours.next(), None);
        hours.due.insert((Mono::from_ms(20), "claims".into()));
        hours.due.insert((Mono::from_ms(10), "general".into()));
        assert_eq!(hours.next(), Some((Mono::from_ms(10), "a queue opens or closes")));
        assert_eq!(hours.pop_due(Mono::from_ms(9)), None);
        assert_eq!(hours.pop_due(Mono::from_ms(20)), Some("general".into()));
        assert_eq!(hours.pop_due(Mono::from_ms(20)), Some("claims".into()));
        assert_eq!((hours.next(), hours.pop_due(Mono::from_ms(99))), (None, None));
    }
}
