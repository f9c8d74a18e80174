//! Events on their way to the brain: kept for a while when it is busy, so that none is lost.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};
use media::MediaEvent;

/// Events that wait while the brain does not take any; the oldest is dropped beyond that.
const WAITING_LIMIT: usize = 65_536;

/// Events on their way to the brain.
#[derive(Debug)]
pub(crate) struct Outbox {
    events: Sender<MediaEvent>,
    waiting: VecDeque<MediaEvent>,
    dropped: u64,
}

impl Outbox {
    pub(crate) fn new(events: Sender<MediaEvent>) -> Self {
        Self { events, waiting: VecDeque::new(), dropped: 0 }
    }

    /// Takes an event, to be told by the next [`Outbox::flush`].
    pub(crate) fn push(&mut self, event: MediaEvent) {
        if self.waiting.len() >= WAITING_LIMIT {
            self.waiting.pop_front();
            self.dropped += 1;
        }
        self.waiting.push_back(event);
    }

    /// Sends what waits as far as there is room. Never blocks.
    pub(crate) fn flush(&mut self) {
        while let Some(event) = self.waiting.pop_front() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.waiting.push_front(event);
                    return;
                }
                // The brain is gone: there is nobody to tell.
                Err(TrySendError::Disconnected(_)) => self.waiting.clear(),
            }
        }
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Sends what waits, waiting for room no longer than `patience`.
    pub(crate) fn close(mut self, patience: Duration) {
        let until = Instant::now() + patience;
        while let Some(event) = self.waiting.pop_front() {
            if self.events.send_deadline(event, until).is_err() {
                return;
            }
        }
    }

    /// How many events were dropped since this was last asked.
    pub(crate) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use model::{Id, RecordingId};

    use super::*;

    fn event(counter: u32) -> MediaEvent {
        MediaEvent::RecordingResumed { recording: RecordingId(Id::new(0, 0, counter)) }
    }

    #[test]
    fn events_wait_in_order_for_a_busy_brain() {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let mut outbox = Outbox::new(sender);
        for counter in 0..4 {
            outbox.push(event(counter));
        }
        outbox.flush();
        let mut came = Vec::new();
        while let Ok(event) = receiver.try_recv() {
            came.push(event);
            outbox.flush();
        }
        assert_eq!(came, [event(0), event(1), event(2), event(3)]);
    }

    #[test]
    fn beyond_the_limit_the_oldest_is_dropped_and_counted() {
        let (sender, receiver) = crossbeam_channel::bounded(0);
        let mut outbox = Outbox::new(sender);
        for counter in 0..WAITING_LIMIT as u32 + 3 {
            outbox.push(event(counter));
        }
        assert_eq!(outbox.take_dropped(), 3);
        assert_eq!(outbox.take_dropped(), 0);
        assert_eq!(outbox.waiting.front(), Some(&event(3)));
        drop(receiver);
        outbox.flush();
        assert!(outbox.waiting.is_empty());
    }
}
