//! What would have been: a stored day once more, with another configuration.
//!
//! What was put into the room ([`Input`]) is enough to run a day again bit for bit ([`replay`]).
//! With another configuration other agents are offered other calls, so that what was said about
//! offers means nothing any more. What stays is taken from the day as it was: when calls came and
//! what for, when agents came, paused and left, hours and emergencies; how long each caller who was
//! not answered had patience, how long each conversation lasted, how soon each agent answered and
//! was done afterwards. What is not known is assumed: who was answered would have waited as long as
//! it takes, a conversation that never was lasts as long as those of its queue on average, and
//! nobody misses an offer. Callbacks, conferences and agents' own calls are left out.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{AgentId, CallId, IdSource, Mono, OfferId, QueueId};

use crate::{Acd, Changes, Config, ConfigError, Input, NotEnqueued, Output, Overflow};

/// How a call ends for its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It got this agent.
    Answered(AgentId),
    /// The caller left, or was taken out.
    Left,
    /// It was sent elsewhere, not to a queue.
    Elsewhere,
    /// It was not enqueued.
    Refused,
    /// It waits still.
    Waits,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// The queue to which it came first.
    pub queue: QueueId,
    /// How long it waited, from the time at which it entered; 0 while it waits.
    pub waited_ms: u64,
    /// How it ended.
    pub end: End,
}

/// A day twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// As it was.
    pub before: BTreeMap<CallId, Fate>,
    /// As it would have been.
    pub after: BTreeMap<CallId, Fate>,
}

/// What many calls come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Got an agent.
    pub answered: u64,
    /// Left, went elsewhere, or were refused.
    pub lost: u64,
    /// What those who were answered waited, in milliseconds, together.
    pub waited_ms: u64,
}

impl Comparison {
    /// The calls whose fate would have been another, with both.
    pub fn changed(&self) -> impl Iterator<Item = (CallId, &Fate, &Fate)> {
        let both = self.before.iter().filter_map(|(call, before)| {
            let after = self.after.get(call)?;
            Some((*call, before, after))
        });
        both.filter(|(_, before, after)| before != after)
    }

    /// What all calls of a queue came to, and would have.
    pub fn sums(&self, queue: &QueueId) -> (Sum, Sum) {
        (sum(&self.before, queue), sum(&self.after, queue))
    }
}

fn sum(fates: &BTreeMap<CallId, Fate>, queue: &QueueId) -> Sum {
    let mut sum = Sum::default();
    for fate in fates.values().filter(|fate| fate.queue == *queue) {
        match fate.end {
            End::Answered(_) => {
                sum.answered += 1;
                sum.waited_ms = sum.waited_ms.saturating_add(fate.waited_ms);
            }
            End::Left | End::Elsewhere | End::Refused => sum.lost += 1,
            End::Waits => {}
        }
    }
    sum
}

/// Runs a stored day again: the same inputs at the same times, in the order of time. Offers are
/// numbered from `ids` as they were. What the room said then is what it says again.
///
/// # Errors
/// [`ConfigError`] if the configuration does not make sense.
pub fn replay(
    config: &Config,
    ids: IdSource,
    inputs: &[(Mono, Input)],
) -> Result<BTreeMap<CallId, Fate>, ConfigError> {
    Ok(watch(config, ids, inputs)?.fates.known)
}

/// Runs a stored day with another configuration, and says what would have become of each call.
///
/// # Errors
/// [`ConfigError`] if one of the configurations does not make sense.
pub fn what_if(
    then: &Config,
    instead: &Config,
    ids: IdSource,
    inputs: &[(Mono, Input)],
) -> Result<Comparison, ConfigError> {
    let seen = watch(then, ids.clone(), inputs)?;
    let (acd, fates) = (Acd::new(instead, ids)?, Fates::default());
    let (planned, plans) = (BTreeMap::new(), 0);
    let mut day = Instead { acd, seen: &seen, fates, planned, plans };
    for (at, input) in inputs {
        day.run_until(*at);
        match input {
            Input::Configure(changes) => {
                let changes = instead_of(changes, (then, instead));
                day.tell(&Input::Configure(Box::new(changes)), *at);
            }
            input if goes_on(input) => day.tell(input, *at),
            _ => {}
        }
        if let Input::Enqueue { call, .. } = input
            && let Some(left_at) = seen.patience.get(call)
        {
            day.plan(*left_at, Input::Dequeue { call: *call });
        }
    }
    day.run_until(Mono(u64::MAX));
    let after = day.fates.known;
    Ok(Comparison { before: seen.fates.known, after })
}

/// A change of the day, of queues whose agents are chosen in another way.
fn instead_of(changes: &Changes, (then, instead): (&Config, &Config)) -> Changes {
    let mut changes = changes.clone();
    let other = instead.queues.iter().filter(|one| {
        let was = then.queues.iter().find(|then| then.queue == one.queue);
        was.is_some_and(|then| then.strategy != one.strategy)
    });
    for queue in other {
        if let Some(Some(changed)) = changes.queues.get_mut(&queue.queue) {
            changed.strategy = queue.strategy;
        }
    }
    changes
}

/// Whether an input means the same whoever is offered what.
const fn goes_on(input: &Input) -> bool {
    match input {
        Input::SignIn { .. }
        | Input::SignOut { .. }
        | Input::Ready { .. }
        | Input::NotReady { .. }
        | Input::Approve { .. }
        | Input::Decline { .. }
        | Input::PhoneReachable { .. }
        | Input::Enqueue { .. }
        | Input::QueueOpen { .. }
        | Input::Configure(_)
        | Input::Emergency { .. } => true,
        Input::Dequeue { .. }
        | Input::Ask { .. }
        | Input::Leave { .. }
        | Input::ComeBack { .. }
        | Input::Prefer { .. }
        | Input::Callback(_)
        | Input::OfferRinging { .. }
        | Input::OfferAnswered { .. }
        | Input::OfferMissed { .. }
        | Input::Invite { .. }
        | Input::TakeBack { .. }
        | Input::AgentLeft { .. }
        | Input::Bring { .. }
        | Input::CallEnded { .. }
        | Input::Engage { .. }
        | Input::Disengage { .. }
        | Input::ExtendAcw { .. }
        | Input::WrapUp { .. } => false,
    }
}

/// The fates of calls, as far as the room has told them.
#[derive(Debug, Default)]
struct Fates {
    known: BTreeMap<CallId, Fate>,
}

impl Fates {
    fn enters(&mut self, call: CallId, queue: &QueueId) {
        let (queue, waited_ms, end) = (queue.clone(), 0, End::Waits);
        self.known.entry(call).or_insert(Fate { queue, waited_ms, end });
    }

    fn hear(&mut self, output: &Output) {
        let (call, waited, ended) = match output {
            Output::Connected { call, agent, waited_ms, .. } => {
                (call, *waited_ms, End::Answered(agent.clone()))
            }
            Output::Dequeued { call, waited_ms, .. } => (call, *waited_ms, End::Left),
            Output::Overflowed { call, to, waited_ms, .. } if !is_queue(to) => {
                (call, *waited_ms, End::Elsewhere)
            }
            Output::NotEnqueued { call, why, .. } if *why != NotEnqueued::AlreadyKnown => {
                (call, 0, End::Refused)
            }
            Output::Overflowed { .. }
            | Output::NotEnqueued { .. }
            | Output::Offer { .. }
            | Output::OfferWithdrawn { .. }
            | Output::Missed { .. }
            | Output::Invited { .. }
            | Output::Joined { .. }
            | Output::Callback(_)
            | Output::TierReached { .. }
            | Output::AgentChanged(_)
            | Output::Refused { .. }
            | Output::QueueGone { .. }
            | Output::AgentGone { .. }
            | Output::QueueChanged(_) => return,
        };
        if let Some(fate) = self.known.get_mut(call).filter(|fate| fate.end == End::Waits) {
            (fate.waited_ms, fate.end) = (waited, ended);
        }
    }
}

const fn is_queue(to: &Overflow) -> bool {
    match to {
        Overflow::Queue(_) => true,
        Overflow::Number(_)
        | Overflow::Announcement(_)
        | Overflow::Mailbox(_)
        | Overflow::Callback => false,
    }
}

/// A sum of times, and of how many.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    ns: u64,
    count: u64,
}

impl Mean {
    fn add(&mut self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.ns = self.ns.saturating_add(ns);
        self.count += 1;
    }

    fn get(self) -> Option<Duration> {
        Some(Duration::from_nanos(self.ns.checked_div(self.count)?))
    }
}

/// What a day shows of callers and agents that would have been the same.
#[derive(Debug, Default)]
struct Seen {
    fates: Fates,
    /// When those left who were not answered.
    patience: BTreeMap<CallId, Mono>,
    talks: BTreeMap<CallId, Duration>,
    talk_of: BTreeMap<QueueId, Mean>,
    /// How soon each agent answered, from the offer.
    answers: BTreeMap<AgentId, Mean>,
    /// How soon after a call its agent was done with it, if they said so.
    wraps: BTreeMap<CallId, Duration>,
    offered: BTreeMap<OfferId, Mono>,
    talking: BTreeMap<CallId, (QueueId, Mono)>,
    ended: BTreeMap<CallId, Mono>,
}

impl Seen {
    fn see(&mut self, input: &Input, at: Mono) {
        match input {
            Input::Enqueue { call, queue, .. } => self.fates.enters(*call, queue),
            Input::CallEnded { call } | Input::AgentLeft { call, .. } => {
                if let Some((queue, since)) = self.talking.remove(call) {
                    self.talks.insert(*call, at - since);
                    self.talk_of.entry(queue).or_default().add(at - since);
                    self.ended.insert(*call, at);
                }
            }
            Input::WrapUp { call, .. } => {
                if let Some(since) = self.ended.remove(call) {
                    self.wraps.insert(*call, at - since);
                }
            }
            _ => {}
        }
    }

    fn hear(&mut self, output: &Output, at: Mono) {
        self.fates.hear(output);
        match output {
            Output::Offer { offer, .. } => {
                self.offered.insert(*offer, at);
            }
            Output::Connected { offer, call, queue, agent, .. } => {
                if let Some(since) = self.offered.remove(offer) {
                    self.answers.entry(agent.clone()).or_default().add(at - since);
                }
                self.talking.insert(*call, (queue.clone(), at));
            }
            Output::Dequeued { call, .. } => {
                self.patience.insert(*call, at);
            }
            _ => {}
        }
    }
}

/// Runs what is due until this time, and hears what comes of it.
fn advance(acd: &mut Acd, until: Mono, mut hear: impl FnMut(&Output, Mono)) {
    while let Some((due, _)) = acd.poll_timeout().filter(|(due, _)| *due <= until) {
        acd.handle_timeout(due);
        while let Some(output) = acd.poll_output() {
            hear(&output, due);
        }
    }
}

/// Runs a day as it was, and notes what it shows.
fn watch(config: &Config, ids: IdSource, inputs: &[(Mono, Input)]) -> Result<Seen, ConfigError> {
    let mut acd = Acd::new(config, ids)?;
    let mut seen = Seen::default();
    for (at, input) in inputs {
        advance(&mut acd, *at, |output, due| seen.hear(output, due));
        seen.see(input, *at);
        acd.handle_input(input.clone(), *at);
        while let Some(output) = acd.poll_output() {
            seen.hear(&output, *at);
        }
    }
    Ok(seen)
}

/// The day as it would have been, so far.
struct Instead<'a> {
    acd: Acd,
    seen: &'a Seen,
    fates: Fates,
    /// What will be said, in the order of time and then of planning.
    planned: BTreeMap<(Mono, u64), Input>,
    plans: u64,
}

impl Instead<'_> {
    fn plan(&mut self, at: Mono, input: Input) {
        self.plans += 1;
        self.planned.insert((at, self.plans), input);
    }

    /// All that is planned or due until this time happens.
    fn run_until(&mut self, until: Mono) {
        loop {
            let planned = self.planned.keys().next().map(|(at, _)| *at);
            let due = self.acd.poll_timeout().map(|(due, _)| due);
            let Some(next) = planned.into_iter().chain(due).min().filter(|at| *at <= until) else {
                return;
            };
            // What is due goes first, as in the room itself.
            if due == Some(next) {
                self.acd.handle_timeout(next);
                self.drain(next);
            } else if let Some((_, input)) = self.planned.pop_first() {
                self.tell(&input, next);
            }
        }
    }

    fn tell(&mut self, input: &Input, at: Mono) {
        if let Input::Enqueue { call, queue, .. } = input {
            self.fates.enters(*call, queue);
        }
        self.acd.handle_input(input.clone(), at);
        self.drain(at);
    }

    /// Callers and agents do as they did.
    fn drain(&mut self, now: Mono) {
        while let Some(output) = self.acd.poll_output() {
            self.fates.hear(&output);
            match output {
                Output::Offer { offer, agent, .. } => {
                    let after = self.seen.answers.get(&agent).and_then(|mean| mean.get());
                    self.plan(now, Input::OfferRinging { offer });
                    self.plan(now + after.unwrap_or_default(), Input::OfferAnswered { offer });
                }
                Output::Connected { call, queue, agent, .. } => {
                    let known = self.seen.talks.get(&call).copied();
                    let mean = || self.seen.talk_of.get(&queue).and_then(|mean| mean.get());
                    let ends = now + known.or_else(mean).unwrap_or_default();
                    self.plan(ends, Input::CallEnded { call });
                    if let Some(wrap) = self.seen.wraps.get(&call) {
                        self.plan(ends + *wrap, Input::WrapUp { agent, call });
                    }
                }
                _ => {}
            }
        }
    }
}
