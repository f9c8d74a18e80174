//! The one writer of facts: groups what is queued, and tells what is committed. It has a thread of
//! its own, so that a busy web server cannot delay a call.
//!
//! With a [`Journal`], facts are committed when they are in it, and the database takes them soon
//! after, in larger groups. Without one they are committed when the database has them.

mod run;
mod settling;

pub use settling::Settling;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::Fact;
use report::CallRecord;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::commit::Work;
use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::open::Store;

/// The limits of the writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Facts in one transaction, unless one append alone has more.
    pub batch: usize,
    /// With so many facts unwritten, new calls are to be refused.
    pub refuse_calls_at: usize,
    /// With so few facts unwritten, new calls are welcome again.
    pub accept_calls_at: usize,
    /// With so many facts unwritten, nothing more is taken, unless one append alone has more.
    pub full_at: usize,
    /// The pause after the first failure; doubled with each further one.
    pub first_retry_ms: u64,
    /// The longest pause between two attempts.
    pub longest_retry_ms: u64,
    /// How long facts that nobody waits for may wait for others, to be committed with them: a
    /// commit costs as much as the facts of many calls.
    pub gather_ms: u64,
    /// How long facts that are in the journal may wait for others, to go into the database with
    /// them. So late does a query see them.
    pub settle_ms: u64,
    /// The length of a file of the journal.
    pub journal_file_bytes: u64,
    /// How long one attempt may take: a server that is frozen answers never.
    pub attempt_ms: u64,
    /// SQLite's write-ahead log is moved into the database when it is longer than this. A restart
    /// after a crash reads it once.
    pub log_bytes: u64,
    /// The pause after the log was moved.
    pub log_pause_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch: 2_000,
            refuse_calls_at: 50_000,
            accept_calls_at: 10_000,
            full_at: 200_000,
            gather_ms: 10,
            settle_ms: 100,
            journal_file_bytes: 8 * 1024 * 1024,
            first_retry_ms: 50,
            longest_retry_ms: 2_000,
            attempt_ms: 10_000,
            log_bytes: 32 * 1024 * 1024,
            log_pause_ms: 1_000,
        }
    }
}

/// What the writer tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Every fact up to this one survives the death of the process: what acknowledges them may
    /// leave.
    Committed {
        /// The newest committed fact's number in its epoch.
        up_to_seq: u64,
    },
    /// The database does not take what is written. Nothing is lost: it is tried again and again.
    StoreFailing {
        /// What it said.
        error: String,
    },
    /// The database works again.
    StoreRecovered,
    /// One thing can never be written, and was left out so that all else can.
    Unwritable {
        /// Which fact or record.
        what: String,
        /// Why.
        error: String,
    },
}

/// Whether the writer keeps up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// It does.
    Normal,
    /// It does not: refuse new calls, go on with those there are.
    RefuseCalls,
}

/// The writer has no room. What was to be appended comes back.
#[derive(Debug)]
pub struct Full {
    /// The facts.
    pub facts: Vec<Fact>,
    /// The records.
    pub records: Vec<CallRecord>,
}

#[derive(Debug, Clone, Copy)]
enum Due {
    Now,
    At(Instant),
}

/// The queue's near end. Dropping it lets the writer finish what is queued.
#[derive(Debug)]
pub struct Writer {
    queue: Arc<Queue>,
    ended: Option<oneshot::Receiver<usize>>,
}

#[derive(Debug)]
struct Queue {
    limits: Limits,
    inner: Mutex<Inner>,
    /// Something is queued.
    wake: Notify,
    /// Something is in the journal.
    kept: Notify,
    /// Something of it is in the database.
    settled: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    batches: VecDeque<Work>,
    /// In the journal and not in the database.
    kept: VecDeque<Work>,
    kept_facts: usize,
    /// When the first of them goes into the database.
    settle_at: Option<Instant>,
    /// Nothing more will come into the journal.
    keeps_no_more: bool,
    /// The last fact that is in the database.
    settled: u64,
    /// How many facts and records have come into the journal, and from there into the database.
    things_kept: u64,
    things_settled: u64,
    /// Facts that are not in the database.
    facts: usize,
    /// When the first that is queued is committed: at once, or when it has waited for others. None
    /// while nothing is queued.
    due: Option<Due>,
    refusing: bool,
    closed: bool,
    /// After this, what cannot be written is given up.
    give_up: Option<Instant>,
}

impl Writer {
    /// Starts the writer of `store`, behind `journal` where there is one. `notify` is called on the
    /// writer's thread and must not wait.
    pub fn start(
        store: &Store,
        journal: Option<Journal>,
        limits: Limits,
        notify: impl FnMut(Notice) + Send + 'static,
    ) -> Result<Self> {
        let queue = Arc::new(Queue {
            limits,
            inner: Mutex::default(),
            wake: Notify::new(),
            kept: Notify::new(),
            settled: Notify::new(),
        });
        let (done, ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| failed(store, source))?;
        let (far, store_too) = (Arc::clone(&queue), store.clone());
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                let notify = Box::new(notify);
                let unwritten = runtime.block_on(run::run(store_too, far, journal, notify));
                // Nobody waits where the writer was dropped instead of stopped.
                let _ = done.send(unwritten);
            })
            .map_err(|source| failed(store, source))?;
        Ok(Self { queue, ended: Some(ended) })
    }

    /// Queues facts, in order, with the records that they made, and has them committed at once,
    /// with what was queued before, which may be all there is. Never waits.
    pub fn append(&self, facts: Vec<Fact>, records: Vec<CallRecord>) -> Result<Pressure, Full> {
        self.queue(facts, records, |_| Due::Now)
    }

    /// Queues facts that nobody waits for: they are committed with the next that somebody does, or
    /// after [`Limits::gather_ms`].
    pub fn append_gathered(
        &self,
        facts: Vec<Fact>,
        records: Vec<CallRecord>,
    ) -> Result<Pressure, Full> {
        let at = Instant::now() + Duration::from_millis(self.queue.limits.gather_ms);
        self.queue(facts, records, |due| due.unwrap_or(Due::At(at)))
    }

    fn queue(
        &self,
        facts: Vec<Fact>,
        records: Vec<CallRecord>,
        due: impl FnOnce(Option<Due>) -> Due,
    ) -> Result<Pressure, Full> {
        let mut inner = self.queue.lock();
        // Whatever comes finds room where nothing else is.
        if inner.facts > 0 && inner.facts + facts.len() > self.queue.limits.full_at {
            return Err(Full { facts, records });
        }
        if !facts.is_empty() || !records.is_empty() {
            inner.facts += facts.len();
            inner.batches.push_back(Work { facts, records });
        }
        if !inner.batches.is_empty() {
            let due = due(inner.due);
            // A writer that knows when to wake need not be told again.
            let news = matches!(due, Due::Now) || inner.due.is_none();
            inner.due = Some(due);
            if news {
                self.queue.wake.notify_one();
            }
        }
        Ok(inner.pressure(&self.queue.limits))
    }

    /// Whether new calls are to be refused.
    pub fn pressure(&self) -> Pressure {
        self.queue.lock().pressure(&self.queue.limits)
    }

    /// How many facts are not in the database yet.
    pub fn unwritten(&self) -> usize {
        self.queue.lock().facts
    }

    /// Writes what is queued and ends. If the database fails for longer than `within`, gives up;
    /// what is in the journal stays there for the next start.
    ///
    /// # Errors
    /// So many facts were not written anywhere.
    pub async fn stop(mut self, within: Duration) -> Result<(), usize> {
        self.queue.close(Some(Instant::now() + within));
        let Some(ended) = self.ended.take() else { return Ok(()) };
        match ended.await {
            Ok(0) => Ok(()),
            Ok(unwritten) => Err(unwritten),
            Err(_) => Err(self.queue.lock().facts),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close(None);
    }
}

fn failed(store: &Store, source: std::io::Error) -> Error {
    Error::CannotOpen {
        database: store.name().to_owned(),
        reason: format!("its writer cannot be started: {source}"),
    }
}

impl Inner {
    /// Whether there is no point in waiting for more.
    fn is_pressing(&self, limits: &Limits) -> bool {
        self.closed || self.facts >= limits.batch
    }

    fn pressure(&mut self, limits: &Limits) -> Pressure {
        let limit = if self.refusing { limits.accept_calls_at } else { limits.refuse_calls_at };
        self.refusing = self.facts >= limit;
        if self.refusing { Pressure::RefuseCalls } else { Pressure::Normal }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds this lock; if it did, the counts are still whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self, give_up: Option<Instant>) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.give_up = inner.give_up.or(give_up);
        self.wake.notify_one();
        self.kept.notify_one();
    }

    /// What is queued, up to a batch, as one; `None` when nothing more will come.
    async fn next(&self) -> Option<Work> {
        loop {
            let due = {
                let mut inner = self.lock();
                let due = match inner.due {
                    Some(Due::At(at))
                        if at > Instant::now() && !inner.is_pressing(&self.limits) =>
                    {
                        Some(at)
                    }
                    Some(Due::Now | Due::At(_)) | None => None,
                };
                if due.is_none()
                    && let Some(mut work) = inner.batches.pop_front()
                {
                    work.take_more(&mut inner.batches, self.limits.batch);
                    if inner.batches.is_empty() {
                        inner.due = None;
                    }
                    return Some(work);
                }
                if inner.closed && due.is_none() {
                    return None;
                }
                due
            };
            match due {
                // Either way the queue is looked at again.
                Some(at) => drop(tokio::time::timeout_at(at, self.wake.notified()).await),
                None => self.wake.notified().await,
            }
        }
    }

    /// `work` is in the journal.
    fn keep(&self, work: Work) {
        let mut inner = self.lock();
        inner.kept_facts += work.facts.len();
        inner.things_kept += work.things();
        inner.kept.push_back(work);
        let first = inner.settle_at.is_none();
        let settle_at = Instant::now() + Duration::from_millis(self.limits.settle_ms);
        inner.settle_at.get_or_insert(settle_at);
        if first || inner.kept_facts >= self.limits.batch {
            self.kept.notify_one();
        }
    }

    fn keep_no_more(&self) {
        self.lock().keeps_no_more = true;
        self.kept.notify_one();
    }

    /// What the database takes next, up to a batch; `None` when nothing more will come.
    async fn next_kept(&self) -> Option<Work> {
        loop {
            let settle_at = {
                let mut inner = self.lock();
                let presses = inner.closed || inner.kept_facts >= self.limits.batch;
                let settle_at = inner.settle_at.filter(|at| !presses && *at > Instant::now());
                if settle_at.is_none()
                    && let Some(mut work) = inner.kept.pop_front()
                {
                    work.take_more(&mut inner.kept, self.limits.batch);
                    if inner.kept.is_empty() {
                        inner.settle_at = None;
                    }
                    return Some(work);
                }
                if inner.keeps_no_more && inner.kept.is_empty() {
                    return None;
                }
                settle_at
            };
            match settle_at {
                // Either way it is looked at again.
                Some(at) => drop(tokio::time::timeout_at(at, self.kept.notified()).await),
                None => self.kept.notified().await,
            }
        }
    }

    fn has_given_up(&self) -> bool {
        self.lock().give_up.is_some_and(|at| Instant::now() >= at)
    }
}
