//! The machine: asks come in, queries go out, every ask ends exactly once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use model::{CallId, CustomerCard, Mono, Pii};

use crate::cache::Cache;
use crate::phone;

/// The limits of look-ups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How long a call's ask may wait for its answer.
    pub deadline_ms: u64,
    /// How many numbers' answers are kept. 0 keeps none.
    pub cache_capacity: usize,
    /// How long a kept answer is good.
    pub cache_ttl_ms: u64,
    /// How many asks may wait, and how many queries may be out; one more fails at once.
    pub pending_limit: usize,
    /// How long a query without an answer is believed to be under way. After that the same
    /// number is queried anew.
    pub give_up_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            deadline_ms: 300,
            cache_capacity: 10_000,
            cache_ttl_ms: 60_000,
            pending_limit: 5_000,
            give_up_ms: 30_000,
        }
    }
}

/// The source could not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Ask the source who has this number, and answer by [`Lookup::handle_answer`].
    Query {
        /// Names the query: the call that asked first.
        token: CallId,
        /// The number in canonical spelling.
        phone: Pii<String>,
    },
    /// The ask is over. Comes once for every ask.
    Ended {
        /// The call that asked.
        token: CallId,
        /// `Found`, `Unknown`, `Late` or `Failed`; never `Pending`.
        result: model::Lookup,
        /// From ask to end.
        took_ms: u64,
    },
}

/// Who is calling. Sans-I/O: every input is a call with the time, every effect an [`Output`].
#[derive(Debug)]
pub struct Lookup {
    config: Config,
    cache: Cache,
    asks: BTreeMap<CallId, Ask>,
    /// Asks by deadline.
    deadlines: BTreeSet<(Mono, CallId)>,
    queries: BTreeMap<CallId, Query>,
    /// The query that is out for a number.
    by_phone: BTreeMap<String, CallId>,
    /// Queries by when they are given up.
    give_ups: BTreeSet<(Mono, CallId)>,
    outputs: VecDeque<Output>,
}

/// A call that waits for its answer.
#[derive(Debug)]
struct Ask {
    asked: Mono,
    deadline: Mono,
    query: CallId,
}

/// A question that is out.
#[derive(Debug)]
struct Query {
    phone: String,
    give_up: Mono,
    /// The calls that share it and still wait.
    waiting: Vec<CallId>,
}

impl Lookup {
    /// With nothing asked and nothing known.
    pub fn new(config: Config) -> Self {
        Self {
            cache: Cache::new(config.cache_capacity),
            config,
            asks: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            queries: BTreeMap::new(),
            by_phone: BTreeMap::new(),
            give_ups: BTreeSet::new(),
            outputs: VecDeque::new(),
        }
    }

    /// A call of `token` came from `phone`, in any spelling. A token that waits already is ignored.
    pub fn handle_ask(&mut self, token: CallId, phone: Pii<String>, now: Mono) {
        self.handle_timeout(now);
        if self.asks.contains_key(&token) {
            return;
        }
        let Some(phone) = phone::normalise(phone.reveal()) else {
            self.end(token, model::Lookup::Unknown, 0);
            return;
        };
        if let Some(answer) = self.cache.find(&phone, now) {
            self.end(token, found(answer), 0);
            return;
        }
        if self.asks.len() >= self.config.pending_limit {
            self.end(token, model::Lookup::Failed, 0);
            return;
        }
        let Some(query) = self.query_for(token, phone, now) else {
            self.end(token, model::Lookup::Failed, 0);
            return;
        };
        let deadline = now + Duration::from_millis(self.config.deadline_ms);
        self.asks.insert(token, Ask { asked: now, deadline, query });
        self.deadlines.insert((deadline, token));
    }

    /// The query that `token` waits for: one that is out for the same number, or a new one.
    /// `None` at the limit.
    fn query_for(&mut self, token: CallId, phone: String, now: Mono) -> Option<CallId> {
        if let Some(&out) = self.by_phone.get(&phone)
            && let Some(query) = self.queries.get_mut(&out)
        {
            query.waiting.push(token);
            return Some(out);
        }
        // A token whose own query is still out for another number must not replace it.
        if self.queries.len() >= self.config.pending_limit || self.queries.contains_key(&token) {
            return None;
        }
        let give_up = now + Duration::from_millis(self.config.give_up_ms);
        self.by_phone.insert(phone.clone(), token);
        self.give_ups.insert((give_up, token));
        self.outputs.push_back(Output::Query { token, phone: Pii::new(phone.clone()) });
        self.queries.insert(token, Query { phone, give_up, waiting: vec![token] });
        Some(token)
    }

    /// The source answered the query `token`. An answer nobody waits for any more fills the cache.
    pub fn handle_answer(
        &mut self,
        token: CallId,
        answer: Result<Option<Arc<CustomerCard>>, Failed>,
        now: Mono,
    ) {
        self.handle_timeout(now);
        let Some(query) = self.take_query(token) else { return };
        let result = match answer {
            Ok(answer) => {
                let good_until = now + Duration::from_millis(self.config.cache_ttl_ms);
                self.cache.keep(&query.phone, answer.clone(), good_until);
                found(answer)
            }
            Err(Failed) => model::Lookup::Failed,
        };
        for waiting in query.waiting {
            self.end_ask(waiting, result.clone(), now);
        }
    }

    /// A customer's data changed: the next call from `phone` asks the source again.
    pub fn forget(&mut self, phone: &Pii<String>) {
        if let Some(phone) = phone::normalise(phone.reveal()) {
            self.cache.remove(&phone);
        }
    }

    /// Many customers' data changed: every next call asks the source again.
    pub fn forget_all(&mut self) {
        self.cache.clear();
    }

    /// Ends the asks whose deadline has come as `Late`, and gives up on lost queries.
    pub fn handle_timeout(&mut self, now: Mono) {
        while let Some(&(deadline, token)) = self.deadlines.first()
            && deadline <= now
        {
            self.deadlines.pop_first();
            if let Some(ask) = self.asks.get(&token)
                && let Some(query) = self.queries.get_mut(&ask.query)
            {
                query.waiting.retain(|waiting| *waiting != token);
            }
            self.end_ask(token, model::Lookup::Late, now);
        }
        while let Some(&(give_up, token)) = self.give_ups.first()
            && give_up <= now
        {
            self.give_ups.pop_first();
            let waiting = self.take_query(token).map(|query| query.waiting).unwrap_or_default();
            for waiting in waiting {
                self.end_ask(waiting, model::Lookup::Failed, now);
            }
        }
    }

    /// When [`Lookup::handle_timeout`] is due next, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        let late = self.deadlines.first().map(|&(at, _)| (at, "lookup late"));
        let lost = self.give_ups.first().map(|&(at, _)| (at, "lookup lost"));
        late.into_iter().chain(lost).min()
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// How many asks wait.
    pub fn pending(&self) -> usize {
        self.asks.len()
    }

    /// How many numbers' answers are kept.
    pub fn cached(&self) -> usize {
        self.cache.len()
    }

    fn take_query(&mut self, token: CallId) -> Option<Query> {
        let query = self.queries.remove(&token)?;
        self.by_phone.remove(&query.phone);
        self.give_ups.remove(&(query.give_up, token));
        Some(query)
    }

    fn end_ask(&mut self, token: CallId, result: model::Lookup, now: Mono) {
        let Some(ask) = self.asks.remove(&token) else { return };
        self.deadlines.remove(&(ask.deadline, token));
        self.end(token, result, now.ms_since(ask.asked));
    }

    fn end(&mut self, token: CallId, result: model::Lookup, took_ms: u64) {
        self.outputs.push_back(Output::Ended { token, result, took_ms });
    }
}

fn found(answer: Option<Arc<CustomerCard>>) -> model::Lookup {
    answer.map_or(model::Lookup::Unknown, model::Lookup::Found)
}
