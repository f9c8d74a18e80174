//! Facts and snapshots: what the room writes down of itself, and a room made from that.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use model::{AgentId, AgentState, CallId, IdSource, Mono, OfferId};

use crate::agent::{Activity, AgentIndex};
use crate::call::{Call, Place, Preference, Progress};
use crate::callback::Callback;
use crate::config::MAX_HEAD_START_MS;
use crate::estimate::Pace;
use crate::record::{
    AgentRecord, CallRecord, CallbackRecord, Change, Fact, QueueRecord, RingRecord, Snapshot,
    Stage, Turns,
};
use crate::ring::{Open, Ring};
use crate::timer::Timer;
use crate::{Acd, Config, ConfigError};

/// What is to be told.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    seq: u64,
    told: VecDeque<Fact>,
    pub(crate) agents: BTreeSet<AgentIndex>,
    pub(crate) queues: BTreeSet<u32>,
    pub(crate) plans: bool,
    /// Agents and queues that are gone.
    pub(crate) gone: Vec<Change>,
    /// As told last.
    counters: (IdSource, u64),
}

impl Acd {
    /// All that survives, as it is now.
    pub fn snapshot(&self) -> Snapshot {
        let agents = self.agents_by_id.iter();
        Snapshot {
            seq: self.journal.as_ref().map_or(0, |journal| journal.seq),
            at: self.now,
            agents: agents.map(|(id, at)| (id.clone(), self.agent_record(*at))).collect(),
            calls: self.calls.values().map(|c| (c.place.call, self.call_record(c))).collect(),
            queues: self
                .queues_by_id
                .iter()
                .map(|(id, at)| (id.clone(), self.queue_record(*at)))
                .collect(),
            plans: self.plans_on(),
            ids: self.ids.clone(),
            decisions: self.decisions.made(),
        }
    }

    /// From now on facts are told, which are to be polled after each input and each deadline.
    /// Returns the snapshot to which they apply.
    pub fn keep_facts(&mut self) -> Snapshot {
        let seq = self.journal.as_ref().map_or(0, |journal| journal.seq);
        self.begin_journal(seq);
        self.snapshot()
    }

    fn begin_journal(&mut self, seq: u64) {
        self.calls.changed = Some(BTreeSet::new());
        self.journal = Some(Box::new(Journal {
            seq,
            told: VecDeque::new(),
            agents: BTreeSet::new(),
            queues: BTreeSet::new(),
            plans: false,
            gone: Vec::new(),
            counters: (self.ids.clone(), self.decisions.made()),
        }));
    }

    /// The next fact, if any is left to tell and [`Self::keep_facts`] was asked for.
    pub fn poll_fact(&mut self) -> Option<Fact> {
        self.journal.as_mut()?.told.pop_front()
    }

    /// Writes down what an input or a deadline changed, once it is all done.
    pub(crate) fn tell_facts(&mut self) {
        let Some(mut journal) = self.journal.take() else { return };
        // Whoever is gone may be there again, or another in the same place of the table.
        let mut changes = std::mem::take(&mut journal.gone);
        for at in std::mem::take(&mut journal.agents) {
            let id = &self.agent_at(at).id;
            if self.known_agent(id) == Some(at) {
                changes.push(Change::Agent(self.agent_record(at)));
            }
        }
        for id in self.calls.changed.replace(BTreeSet::new()).unwrap_or_default() {
            changes.push(match self.calls.get(&id) {
                Some(call) => Change::Call(self.call_record(call)),
                None => Change::CallGone(id),
            });
        }
        let noted = std::mem::take(&mut journal.queues);
        for at in noted.into_iter().filter(|at| !self.former.is_gone(*at)) {
            changes.push(Change::Queue(self.queue_record(at)));
        }
        if std::mem::take(&mut journal.plans) {
            changes.push(Change::Plans(self.plans_on()));
        }
        let counters = (self.ids.clone(), self.decisions.made());
        if counters != journal.counters {
            journal.counters = counters.clone();
            let (ids, decisions) = counters;
            changes.push(Change::Counters { ids, decisions });
        }
        let count = changes.len();
        for (nth, change) in changes.into_iter().enumerate() {
            journal.seq += 1;
            let (seq, last) = (journal.seq, nth + 1 == count);
            journal.told.push_back(Fact { seq, at: self.now, last, change });
        }
        self.journal = Some(journal);
    }

    /// A room as a snapshot says, which tells facts that go on from there. Agents, queues and plans
    /// that are not configured any more are left out, with their calls; a call whose agent is left
    /// out waits again. Why it decided so far it does not know.
    ///
    /// # Errors
    /// [`ConfigError`] if the configuration does not make sense.
    pub fn restore(config: &Config, snapshot: &Snapshot) -> Result<Self, ConfigError> {
        config.check()?;
        let config = config.with_former(snapshot);
        let mut acd = Self::of(&config, snapshot.ids.clone());
        acd.restore_former(&config, snapshot);
        (acd.now, acd.is_restoring) = (snapshot.at, true);
        acd.decisions.go_on_from(snapshot.decisions);
        for (plan, on) in &mut acd.plans {
            *on = snapshot.plans.contains(&plan.name);
        }
        acd.apply_plans();
        for record in snapshot.queues.values() {
            if let Some(at) = acd.queue_index(&record.queue) {
                let queue = acd.queue_mut(at);
                queue.open = record.open;
                (queue.balance, queue.called) = (record.balance, record.callbacks);
                if let Some(service) = &mut queue.service {
                    service.pieces = record.served.iter().copied().collect();
                }
                queue.watch_at = record.watch_at.filter(|_| queue.watched > 0);
                if let Some(next) = queue.watch_at {
                    acd.timers.set(next, Timer::Watch(at));
                }
            }
        }
        for record in snapshot.agents.values() {
            if let Some(at) = acd.known_agent(&record.agent) {
                acd.restore_record(at, record);
            }
        }
        for record in snapshot.calls.values() {
            acd.restore_call(record);
        }
        acd.swept.clear();
        acd.opened.clear();
        acd.widened.clear();
        acd.outputs.clear();
        acd.begin_journal(snapshot.seq);
        // With the same configuration there is nothing left to do.
        let calls: Vec<(CallId, Place)> =
            acd.calls.values().map(|call| (call.place.call, call.place)).collect();
        acd.returned.extend(calls.iter().map(|(id, _)| *id));
        acd.opened.extend(calls.iter().map(|(_, place)| *place));
        acd.widened
            .extend((0..).zip(&acd.queues).filter(|(_, q)| !q.roomy.is_empty()).map(|(at, _)| at));
        acd.serve_more();
        for record in snapshot.queues.values() {
            if let Some(at) = acd.queue_index(&record.queue) {
                acd.queues[at as usize].pace = Pace::of(&record.pace);
            }
        }
        acd.is_restoring = false;
        acd.clear_gone();
        acd.tell_facts();
        Ok(acd)
    }

    /// All of an agent that survives, as it is now; `None` if there is no such one.
    pub fn record(&self, agent: &AgentId) -> Option<AgentRecord> {
        self.known_agent(agent).map(|at| self.agent_record(at))
    }

    fn agent_record(&self, at: AgentIndex) -> AgentRecord {
        let agent = self.agent_at(at);
        let view = agent.view();
        let acw = match agent.activity {
            Activity::Acw { until, at_most, .. } => Some((until, at_most)),
            Activity::Idle
            | Activity::Reserved { .. }
            | Activity::Ringing { .. }
            | Activity::Talking { .. } => None,
        };
        let turns = agent.serves.iter().map(|serves| {
            let (offers, last_turn) = (serves.offers, serves.last_turn);
            let turns = Turns { offers, last_turn, turn_before: serves.turn_before };
            (self.queues[serves.queue as usize].id.clone(), turns)
        });
        let joined = view.call.and_then(|call| self.invitations.joined(call, at));
        let asked_by = joined.flatten().map(|queue| self.queues[queue as usize].id.clone());
        AgentRecord {
            agent: view.agent,
            status: agent.status,
            state: view.state,
            call: view.call,
            offer: view.offer,
            invited_until: view.offer.and_then(|offer| self.invitations.deadline(offer)),
            joined: joined.is_some(),
            asked_by,
            acw,
            next_status: agent.next_status,
            asks: agent.asks,
            reachable: agent.reachable,
            since: agent.since,
            idle_since: agent.idle_since,
            missed: agent.missed,
            missed_in_row: agent.missed_in_row,
            rests_until: agent.rests_until,
            work: agent.work,
            turns: turns.collect(),
            also_serves: self.also_served(agent),
            leaving: agent.leaving.then(|| Box::new(agent.last_config())),
        }
    }

    fn call_record(&self, call: &Call) -> CallRecord {
        let named = |agent: AgentIndex| self.agent_at(agent).id.clone();
        CallRecord {
            call: call.place.call,
            queue: self.queues[call.queue as usize].id.clone(),
            entered: call.entered,
            head_start_ms: call.head_start_ms,
            joined: call.joined,
            permission: call.permission,
            reached: call.reached,
            limit_at: call.limit_at,
            kept: call.kept,
            preferred: call.preference.map(|Preference { agent, until }| (named(agent), until)),
            callback: call.callback.map(|callback| {
                let Callback { party, first, attempts, booked } = callback;
                CallbackRecord { party, first, attempts, booked }
            }),
            singly: call.singly,
            ring: self.rings.get(&call.place.call).map(|ring| RingRecord {
                others: ring.others.iter().map(|o| (o.offer, named(o.agent), o.deadline)).collect(),
                allowed: ring.allowed,
                more_at: ring.more_at,
            }),
            stage: match call.progress {
                Progress::Waiting => Stage::Waiting,
                Progress::Offered { offer, agent, deadline } => {
                    Stage::Offered { offer, agent: named(agent), deadline }
                }
                Progress::Dialing { offer, agent, deadline } => {
                    Stage::Dialing { offer, agent: named(agent), deadline }
                }
                Progress::Resting { until } => Stage::Resting { until },
                Progress::Talking { agent } => Stage::Talking { agent: named(agent) },
            },
        }
    }

    fn queue_record(&self, at: u32) -> QueueRecord {
        let queue = &self.queues[at as usize];
        let is_closing = self.former.closing.contains(&at);
        QueueRecord {
            queue: queue.id.clone(),
            open: queue.open,
            balance: queue.balance,
            callbacks: queue.called,
            pace: queue.pace.record(),
            served: queue.service.iter().flat_map(|service| &service.pieces).copied().collect(),
            watch_at: queue.watch_at,
            closing: is_closing.then(|| Box::new(queue.config.clone())),
        }
    }

    fn restore_record(&mut self, at: AgentIndex, record: &AgentRecord) {
        let activity = activity_of(record);
        let turns: BTreeMap<u32, Turns> = record
            .turns
            .iter()
            .filter_map(|(queue, turns)| Some((self.queue_index(queue)?, *turns)))
            .collect();
        self.change(at, |agent| {
            (agent.status, agent.activity) = (record.status, activity);
            (agent.next_status, agent.asks) = (record.next_status, record.asks);
            (agent.reachable, agent.idle_since) = (record.reachable, record.idle_since);
            (agent.missed, agent.missed_in_row) = (record.missed, record.missed_in_row);
            (agent.rests_until, agent.work) = (record.rests_until, record.work);
            for serves in &mut agent.serves {
                let turns = turns.get(&serves.queue).copied().unwrap_or_default();
                (serves.offers, serves.last_turn) = (turns.offers, turns.last_turn);
                serves.turn_before = turns.turn_before;
            }
        });
        // Nothing is ordered by it.
        self.agents[at.at()].since = record.since;
        if let Some((until, _)) = record.acw {
            self.timers.set(until, Timer::Acw(at));
        }
        self.start_rest(at);
        if let (Some(call), Some(offer), Some(deadline)) =
            (record.call, record.offer, record.invited_until)
        {
            self.invitations.invite(offer, call, at, deadline);
            self.timers.set(deadline, Timer::Offer(offer));
        }
        if let Some(call) = record.call.filter(|_| record.joined) {
            let queue = record.asked_by.as_ref().and_then(|queue| self.queue_index(queue));
            self.invitations.join(call, at, queue);
        }
    }

    fn restore_call(&mut self, record: &CallRecord) {
        let Some(at) = self.queue_index(&record.queue) else { return };
        let (id, entered) = (record.call, record.entered);
        let queue = &self.queues[at as usize];
        let head_start = queue.head_start_ms.saturating_add(record.head_start_ms);
        // One that is called back may have waited for longer before a restart.
        let head_start = match record.callback {
            Some(_) => head_start,
            None => head_start.min(MAX_HEAD_START_MS),
        };
        let ring = self.known_ring(record);
        let first = ring.as_ref().and_then(|ring| ring.others.first());
        let progress = match (self.progress_of(&record.stage), first) {
            // The one whose offer was told as the call's own is gone, others ring on.
            (Progress::Waiting, Some(&Open { offer, agent, deadline })) => {
                Progress::Offered { offer, agent, deadline }
            }
            (progress, _) => progress,
        };
        let is_talking = matches!(progress, Progress::Talking { .. });
        let reached = match is_talking {
            true => record.reached,
            false => record.reached.min(queue.steps.len()),
        };
        let mut left = queue.steps.get(reached..).unwrap_or_default().iter();
        let next_ms = left.find_map(|step| step.opens.after_ms).filter(|_| !is_talking);
        let call = Call {
            queue: at,
            place: Place::new(id, entered, head_start),
            entered,
            head_start_ms: record.head_start_ms,
            joined: record.joined,
            permission: record.permission,
            reached,
            next_step_at: next_ms.map(|ms| entered + Duration::from_millis(ms)),
            limit_at: record.limit_at,
            kept: record.kept,
            preference: record.preferred.as_ref().and_then(|(agent, until)| {
                Some(Preference { agent: self.known_agent(agent)?, until: *until })
            }),
            singly: record.singly,
            callback: record.callback.map(|callback| {
                let CallbackRecord { party, first, attempts, booked } = callback;
                Callback { party, first, attempts, booked }
            }),
            progress,
        };
        self.calls.insert(id, call);
        if is_talking {
            return;
        }
        if let Some(callback) = call.callback {
            self.parties.insert(callback.party, id);
        }
        let preferred = call.preference.map(|preference| preference.until);
        for (due, timer) in [
            (call.next_step_at, Timer::Tier(id)),
            (call.limit_at, Timer::Limit(id)),
            (preferred, Timer::Preference(id)),
        ] {
            if let Some(due) = due {
                self.timers.set(due, timer);
            }
        }
        self.queue_mut(at).join(&call);
        self.restore_progress(&call);
        if let (Some(ring), Progress::Offered { offer, .. }) = (ring, progress) {
            self.restore_ring(&call, Ring { others: without(ring.others, offer), ..ring });
        }
    }

    /// The other offers of a call, of agents who are still configured.
    fn known_ring(&self, record: &CallRecord) -> Option<Ring> {
        let RingRecord { others, allowed, more_at } = record.ring.as_ref()?;
        let known = |(offer, agent, deadline): &(OfferId, AgentId, Mono)| {
            let agent = self.known_agent(agent)?;
            Some(Open { offer: *offer, agent, deadline: *deadline })
        };
        let others = others.iter().filter_map(known).collect();
        Some(Ring { others, allowed: *allowed, more_at: *more_at })
    }

    fn restore_ring(&mut self, call: &Call, ring: Ring) {
        let id = call.place.call;
        for open in &ring.others {
            self.offers.insert(open.offer, id);
            self.timers.set(open.deadline, Timer::Offer(open.offer));
        }
        if let Some(at) = ring.more_at {
            self.timers.set(at, Timer::RingMore(id));
        }
        self.rings.insert(id, ring);
        self.note_room(call);
    }

    /// Puts a call of a line where its progress belongs.
    fn restore_progress(&mut self, call: &Call) {
        let id = call.place.call;
        match call.progress {
            Progress::Waiting => self.wait(call),
            Progress::Offered { offer, deadline, .. } => {
                self.queue_mut(call.queue).set_offered(true);
                self.offers.insert(offer, id);
                self.timers.set(deadline, Timer::Offer(offer));
            }
            Progress::Dialing { deadline, .. } => {
                self.queue_mut(call.queue).set_offered(true);
                self.timers.set(deadline, Timer::Dial(id));
            }
            Progress::Resting { until } => {
                self.queue_mut(call.queue).resting_calls += 1;
                if let Some(until) = until {
                    self.timers.set(until, Timer::Again(id));
                }
            }
            Progress::Talking { .. } => {}
        }
    }

    fn progress_of(&self, stage: &Stage) -> Progress {
        let known = |agent: &AgentId| self.known_agent(agent);
        let with_agent = match stage {
            Stage::Waiting => None,
            Stage::Offered { offer, agent, deadline } => known(agent)
                .map(|agent| Progress::Offered { offer: *offer, agent, deadline: *deadline }),
            Stage::Dialing { offer, agent, deadline } => known(agent)
                .map(|agent| Progress::Dialing { offer: *offer, agent, deadline: *deadline }),
            Stage::Resting { until } => Some(Progress::Resting { until: *until }),
            Stage::Talking { agent } => known(agent).map(|agent| Progress::Talking { agent }),
        };
        with_agent.unwrap_or(Progress::Waiting)
    }
}

fn without(mut others: Vec<Open>, offer: OfferId) -> Vec<Open> {
    others.retain(|open| open.offer != offer);
    others
}

/// What the engine was doing with an agent. A record that contradicts itself says nothing.
fn activity_of(record: &AgentRecord) -> Activity {
    let offered: Option<(CallId, OfferId)> = record.call.zip(record.offer);
    let acw: Option<(CallId, (Mono, Mono))> = record.call.zip(record.acw);
    match (record.state, record.call, offered, acw) {
        (AgentState::Reserved, _, Some((call, offer)), _) => Activity::Reserved { call, offer },
        (AgentState::Ringing, _, Some((call, offer)), _) => Activity::Ringing { call, offer },
        (AgentState::Talking, Some(call), _, _) => Activity::Talking { call },
        (AgentState::Acw, _, _, Some((call, (until, at_most)))) => {
            Activity::Acw { call, until, at_most }
        }
        (
            AgentState::Idle
            | AgentState::Reserved
            | AgentState::Ringing
            | AgentState::Talking
            | AgentState::Acw,
            _,
            _,
            _,
        ) => Activity::Idle,
    }
}
