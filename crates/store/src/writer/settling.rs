//! Whoever was told that something is kept finds it in the database, too.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Queue, Writer};

/// The way from the journal into the database, as readers see it.
#[derive(Debug, Clone)]
pub struct Settling(Arc<Queue>);

impl Writer {
    /// For those who read what this writes.
    pub fn settling(&self) -> Settling {
        Settling(Arc::clone(&self.queue))
    }
}

impl Settling {
    /// Waits until the database has all that is committed now, which it is given at once; at most
    /// for `within`. False if it does not take it: then what is read is a little old.
    pub async fn catch_up(&self, within: Duration) -> bool {
        let Some(wanted) = self.0.hurry() else { return true };
        timeout(within, self.0.have_settled(wanted)).await.is_ok()
    }
}

impl Queue {
    /// Has what is in the journal written now. How much has to be settled until all of it is;
    /// `None` if it is already.
    fn hurry(&self) -> Option<u64> {
        let mut inner = self.lock();
        if inner.things_settled == inner.things_kept {
            return None;
        }
        if !inner.kept.is_empty() {
            inner.settle_at = Some(Instant::now());
            self.kept.notify_one();
        }
        Some(inner.things_kept)
    }

    async fn have_settled(&self, wanted: u64) {
        loop {
            let mut settled = std::pin::pin!(self.settled.notified());
            // What is told between the look and the waiting is heard.
            settled.as_mut().enable();
            if self.lock().things_settled >= wanted {
                return;
            }
            settled.await;
        }
    }
}
