//! The service level of a queue, counted a second time.

use std::time::Duration;

use acd::QueueConfig;
use model::{CallId, Mono};

use super::reference::{Reference, Stage};

/// Waits that ended: since when they count together, how many were in time, and how many in all.
pub(super) type Served = Vec<(Mono, u64, u64)>;

impl Reference {
    /// A caller's wait is over, by an answer or not.
    pub(super) fn serves_caller(&mut self, id: CallId, answered: bool, now: Mono) {
        let call = &self.calls[&id];
        let (queue, waited_ms) = (call.queue.clone(), now.ms_since(call.entered));
        let Some(rule) = self.queue(&queue).and_then(|queue| queue.service) else { return };
        let in_time = u64::from(answered && waited_ms <= rule.within_ms);
        let piece = Duration::from_millis(rule.window_ms.div_ceil(60));
        let served = self.served.entry(queue).or_default();
        match served.last_mut().filter(|(from, ..)| now < *from + piece) {
            Some((_, good, all)) => (*good, *all) = (*good + in_time, *all + 1),
            None => served.push((now, in_time, 1)),
        }
    }

    pub(super) fn service_permille(&self, queue: &QueueConfig, now: Mono) -> Option<u64> {
        let rule = queue.service?;
        let window = Duration::from_millis(rule.window_ms);
        let served = self.served.get(&queue.queue).into_iter().flatten();
        let recent = served.filter(|(from, ..)| now < *from + window);
        let (good, all) = recent.fold((0, 0), |sum, piece| (sum.0 + piece.1, sum.1 + piece.2));
        let late = self.calls.values().filter(|call| {
            let in_line = !matches!(call.stage, Stage::Talking | Stage::Over);
            let waits = in_line && call.callback.is_none() && call.queue == queue.queue;
            waits && now.since(call.entered) > Duration::from_millis(rule.within_ms)
        });
        (good * 1_000).checked_div(all + late.count() as u64)
    }
}
