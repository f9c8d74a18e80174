//! The writer's far end: what is queued goes into the journal, and then into the database.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use super::{Notice, Queue};
use crate::checkpoint::Checkpoints;
use crate::commit::{Connected, Work, is_hopeless};
use crate::error::{Error, Result};
use crate::journal::{Journal, LeftOut};
use crate::open::Store;

/// Runs until the queue is closed and empty, or given up. Returns how many facts were not written
/// anywhere.
pub(super) async fn run(
    store: Store,
    queue: Arc<Queue>,
    journal: Option<Journal>,
    notify: Box<dyn FnMut(Notice) + Send>,
) -> usize {
    let teller = Teller {
        left_out: journal.as_ref().map(Journal::left_out),
        notify: RefCell::new(notify),
        failing: RefCell::default(),
    };
    let mut settler = Settler {
        checkpoints: Checkpoints::new(queue.limits.log_bytes, queue.limits.log_pause_ms),
        connected: None,
        store,
        queue: &queue,
        teller: &teller,
    };
    let Some(mut journal) = journal else {
        settler.settle_queued().await;
        return queue.lock().facts;
    };
    tokio::join!(keep(&queue, &mut journal, &teller), settler.settle_kept());
    let inner = queue.lock();
    let (facts, kept) = (inner.facts, inner.kept_facts);
    drop(inner);
    if facts == 0 {
        journal.clear();
    } else {
        tracing::warn!(facts = kept, "stay in the journal until the next start");
    }
    facts - kept
}

/// Which of the two places failed.
#[derive(Debug, Clone, Copy)]
enum Place {
    Journal,
    Database,
}

/// Tells what goes wrong once, not at each attempt.
struct Teller {
    notify: RefCell<Box<dyn FnMut(Notice) + Send>>,
    failing: RefCell<[bool; 2]>,
    left_out: Option<LeftOut>,
}

impl Teller {
    fn tell(&self, notice: Notice) {
        (self.notify.borrow_mut())(notice);
    }

    fn failed(&self, place: Place, error: &Error) {
        let first = !std::mem::replace(&mut self.failing.borrow_mut()[place as usize], true);
        if first {
            tracing::error!(%error, ?place, "facts cannot be written; trying again");
            self.tell(Notice::StoreFailing { error: error.to_string() });
        }
    }

    /// A single thing can never be written.
    fn leave_out(&self, work: &Work, error: &Error) {
        let (what, error) = (work.describe(), error.to_string());
        tracing::error!(what, error, "cannot be written and is left out");
        if let Some(left_out) = &self.left_out {
            // A record is folded anew from its facts.
            left_out.keep(&work.facts);
        }
        self.tell(Notice::Unwritable { what, error });
    }

    fn recovered(&self, place: Place) {
        let all_work = {
            let mut failing = self.failing.borrow_mut();
            let was = std::mem::replace(&mut failing[place as usize], false);
            was && !failing.contains(&true)
        };
        if all_work {
            tracing::info!("facts are written again");
            self.tell(Notice::StoreRecovered);
        }
    }
}

/// The pauses between attempts.
struct Pauses {
    next_ms: u64,
    longest_ms: u64,
}

impl Pauses {
    fn new(queue: &Queue) -> Self {
        let limits = &queue.limits;
        Self { next_ms: limits.first_retry_ms, longest_ms: limits.longest_retry_ms }
    }

    async fn pause(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.next_ms)).await;
        self.next_ms = (self.next_ms * 2).min(self.longest_ms);
    }
}

/// Moves what is queued into the journal, and tells that it is kept.
async fn keep(queue: &Queue, journal: &mut Journal, teller: &Teller) {
    while let Some(work) = queue.next().await {
        let last = work.facts.last().map(|fact| fact.seq);
        let settled = queue.lock().settled;
        let file_bytes = queue.limits.journal_file_bytes;
        let kept = write(work, Place::Journal, queue, teller, async |work| {
            journal.append(&work.facts, file_bytes, settled)?;
            queue.keep(std::mem::take(work));
            Ok(())
        });
        let Some(left_out) = kept.await else { break };
        queue.lock().facts -= left_out;
        if let Some(up_to_seq) = last {
            teller.tell(Notice::Committed { up_to_seq });
        }
    }
    queue.keep_no_more();
}

/// Writes `work` by `attempt`, as often as it takes. What can never be written is found by halving
/// and left out. Returns how many facts that were, and `None` if the writer was stopped before it
/// succeeded.
async fn write(
    work: Work,
    place: Place,
    queue: &Queue,
    teller: &Teller,
    mut attempt: impl AsyncFnMut(&mut Work) -> Result<()>,
) -> Option<usize> {
    let mut left_out = 0;
    let mut works = vec![work];
    let mut pauses = Pauses::new(queue);
    while let Some(work) = works.last_mut() {
        let Err(error) = attempt(work).await else {
            works.pop();
            teller.recovered(place);
            continue;
        };
        if is_hopeless(&error) {
            match work.split() {
                // The first half is written first.
                Some(second) => works.insert(works.len() - 1, second),
                None => {
                    teller.leave_out(work, &error);
                    left_out += work.facts.len();
                    works.pop();
                }
            }
            continue;
        }
        teller.failed(place, &error);
        if queue.has_given_up() {
            return None;
        }
        pauses.pause().await;
    }
    Some(left_out)
}

/// Writes into the database.
struct Settler<'q> {
    store: Store,
    queue: &'q Queue,
    connected: Option<Connected>,
    checkpoints: Checkpoints,
    teller: &'q Teller,
}

impl Settler<'_> {
    /// Without a journal, what is committed is what the database has.
    async fn settle_queued(&mut self) {
        while let Some(work) = self.queue.next().await {
            let (facts, last) = (work.facts.len(), work.facts.last().map(|fact| fact.seq));
            if !self.write(work).await {
                return;
            }
            self.queue.lock().facts -= facts;
            if let Some(up_to_seq) = last {
                self.teller.tell(Notice::Committed { up_to_seq });
            }
            self.look_after_log().await;
        }
    }

    async fn settle_kept(&mut self) {
        while let Some(work) = self.queue.next_kept().await {
            let (facts, last) = (work.facts.len(), work.facts.last().map(|fact| fact.seq));
            let things = work.things();
            if !self.write(work).await {
                return;
            }
            {
                let mut inner = self.queue.lock();
                inner.facts -= facts;
                inner.kept_facts -= facts;
                inner.settled = last.unwrap_or(inner.settled);
                inner.things_settled += things;
            }
            self.queue.settled.notify_waiters();
            self.look_after_log().await;
        }
    }

    async fn look_after_log(&mut self) {
        if let Some(connected) = &mut self.connected {
            connected.after_commit(&self.store, &mut self.checkpoints).await;
        }
    }

    /// Returns false if the writer was stopped before it succeeded.
    async fn write(&mut self, work: Work) -> bool {
        let (queue, teller) = (self.queue, self.teller);
        let patience = Duration::from_millis(queue.limits.attempt_ms);
        let written = write(work, Place::Database, queue, teller, async |work| {
            let attempt = tokio::time::timeout(patience, self.commit(work));
            let attempt = attempt.await.unwrap_or(Err(Error::NoAnswer));
            if attempt.is_err() {
                // Whatever state the connection is in, a new one is clean.
                self.connected = None;
            }
            attempt
        });
        written.await.is_some()
    }

    async fn commit(&mut self, work: &Work) -> Result<()> {
        let connected = match &mut self.connected {
            Some(connected) => connected,
            none => none.insert(Connected::new(&self.store).await?),
        };
        connected.commit(&self.store, work).await
    }
}
