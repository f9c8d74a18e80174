//! The one writer of facts: groups what is queued into one transaction, and tells what is
//! committed. It has a thread of its own, so that a busy web server cannot delay a call.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::Fact;
use report::CallRecord;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::checkpoint::Checkpoints;
use crate::commit::{Connected, Work, is_hopeless};
use crate::error::{Error, Result};
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
    /// With so many facts unwritten, nothing more is taken.
    pub full_at: usize,
    /// The pause after the first failure; doubled with each further one.
    pub first_retry_ms: u64,
    /// The longest pause between two attempts.
    pub longest_retry_ms: u64,
    /// How long facts that nobody waits for may wait for others, to be committed with them: a
    /// commit costs as much as the facts of many calls.
    pub gather_ms: u64,
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
    /// Every fact up to this one is committed: what acknowledges them may leave.
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
    wake: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    batches: VecDeque<Work>,
    /// Facts queued and under way.
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
    /// Starts the writer of `store`. `notify` is called on the writer's thread and must not wait.
    pub fn start(
        store: &Store,
        limits: Limits,
        notify: impl FnMut(Notice) + Send + 'static,
    ) -> Result<Self> {
        let queue = Arc::new(Queue { limits, inner: Mutex::default(), wake: Notify::new() });
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
                let unwritten = runtime.block_on(Run::new(store_too, far, notify).run());
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
        if inner.facts + facts.len() > self.queue.limits.full_at {
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

    /// How many facts are not committed yet.
    pub fn unwritten(&self) -> usize {
        self.queue.lock().facts
    }

    /// Writes what is queued and ends. If the database fails for longer than `within`, gives up and
    /// returns how many facts were not written.
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
                    while let Some(more) = inner.batches.front()
                        && work.facts.len() + more.facts.len() <= self.limits.batch
                    {
                        let Some(more) = inner.batches.pop_front() else { break };
                        work.facts.extend(more.facts);
                        work.records.extend(more.records);
                    }
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

    fn has_given_up(&self) -> bool {
        self.lock().give_up.is_some_and(|at| Instant::now() >= at)
    }
}

/// The queue's far end.
struct Run {
    store: Store,
    queue: Arc<Queue>,
    connected: Option<Connected>,
    checkpoints: Checkpoints,
    failing: bool,
    notify: Box<dyn FnMut(Notice) + Send>,
}

impl Run {
    fn new(store: Store, queue: Arc<Queue>, notify: Box<dyn FnMut(Notice) + Send>) -> Self {
        let checkpoints = Checkpoints::new(queue.limits.log_bytes, queue.limits.log_pause_ms);
        Self { store, queue, connected: None, checkpoints, failing: false, notify }
    }

    /// Until the queue is closed and empty, or given up. Returns how many facts were not written.
    async fn run(&mut self) -> usize {
        while let Some(work) = self.queue.next().await {
            let facts = work.facts.len();
            let up_to_seq = work.facts.last().map(|fact| fact.seq);
            if !self.write(work).await {
                return self.queue.lock().facts;
            }
            self.queue.lock().facts -= facts;
            if let Some(up_to_seq) = up_to_seq {
                (self.notify)(Notice::Committed { up_to_seq });
            }
            if let Some(connected) = &mut self.connected {
                connected.after_commit(&self.store, &mut self.checkpoints).await;
            }
        }
        0
    }

    /// Writes `work`, as often as it takes. What can never be written is found by halving and left
    /// out. Returns false if the writer was stopped before it succeeded.
    async fn write(&mut self, work: Work) -> bool {
        let mut works = vec![work];
        let mut pause_ms = self.queue.limits.first_retry_ms;
        while let Some(work) = works.last_mut() {
            let Err(error) = self.attempt(work).await else {
                works.pop();
                self.recovered();
                continue;
            };
            // Whatever state the connection is in, a new one is clean.
            self.connected = None;
            if is_hopeless(&error) {
                match work.split() {
                    // The first half is written first.
                    Some(second) => works.insert(works.len() - 1, second),
                    None => {
                        let (what, error) = (work.describe(), error.to_string());
                        tracing::error!(what, error, "cannot be written and is left out");
                        (self.notify)(Notice::Unwritable { what, error });
                        works.pop();
                    }
                }
                continue;
            }
            self.failed(&error);
            if self.queue.has_given_up() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            pause_ms = (pause_ms * 2).min(self.queue.limits.longest_retry_ms);
        }
        true
    }

    async fn attempt(&mut self, work: &Work) -> Result<()> {
        let patience = Duration::from_millis(self.queue.limits.attempt_ms);
        let attempt = tokio::time::timeout(patience, self.commit(work));
        attempt.await.unwrap_or_else(|_| Err(Error::NoAnswer))
    }

    async fn commit(&mut self, work: &Work) -> Result<()> {
        let connected = match &mut self.connected {
            Some(connected) => connected,
            none => none.insert(Connected::new(&self.store).await?),
        };
        connected.commit(&self.store, work).await
    }

    fn failed(&mut self, error: &Error) {
        if !self.failing {
            self.failing = true;
            tracing::error!(%error, "facts cannot be written; trying again");
            (self.notify)(Notice::StoreFailing { error: error.to_string() });
        }
    }

    fn recovered(&mut self) {
        if self.failing {
            self.failing = false;
            tracing::info!("facts are written again");
            (self.notify)(Notice::StoreRecovered);
        }
    }
}
