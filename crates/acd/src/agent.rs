//! One agent: status, activity, and what may be asked for in each.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    AgentAction, AgentId, AgentState, AgentStatus, CallId, Mono, NotReadyReason, OfferId, Tier,
};

use crate::AgentConfig;
use crate::RestoredDay;
use crate::call::Place;
use crate::strategy::{CallChoice, Work};
use crate::view::{AgentView, MissedCounts};

/// An agent's place: in the order of the agents' ids, whoever was added when, and in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AgentIndex {
    order: u64,
    at: u32,
}

/// How far apart agents' places in the order are at the start: room for those who are added.
const APART: u64 = 1 << 40;

impl AgentIndex {
    pub(crate) const FIRST: Self = Self { order: 0, at: 0 };
    pub(crate) const LAST: Self = Self { order: u64::MAX, at: u32::MAX };

    /// The place of the agent of this number, of all who are configured at the start.
    pub(crate) fn at_start(at: u32) -> Self {
        Self { order: (u64::from(at) + 1) * APART, at }
    }

    /// A place in the table for the first of `count` agents who come after `before` and before
    /// `after`. Where no room is left between the two, who was added first comes first.
    pub(crate) fn between(before: Option<Self>, after: Option<Self>, count: u64, at: u32) -> Self {
        let least = before.map_or(0, |index| index.order);
        let order = match after {
            Some(after) => least + (after.order.saturating_sub(least)) / (count + 1),
            None => least.saturating_add(APART),
        };
        Self { order, at }
    }

    /// The place in the table.
    pub(crate) const fn at(self) -> usize {
        self.at as usize
    }
}

/// What the engine is doing with an agent. Whoever is not `Idle` is `Ready` by status: what an
/// agent asks for meanwhile is kept in `next_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    Idle,
    Reserved { call: CallId, offer: OfferId },
    Ringing { call: CallId, offer: OfferId },
    Talking { call: CallId },
    Acw { call: CallId, until: Mono, at_most: Mono },
}

/// One agent.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) tier: Tier,
    pub(crate) acw_ms: u64,
    /// The queues served, and those that their steps open to the agent besides.
    pub(crate) serves: Vec<Serves>,
    pub(crate) status: AgentStatus,
    pub(crate) activity: Activity,
    pub(crate) next_status: Option<AgentStatus>,
    /// For what the agent wants to be `NotReady`, if that waits for someone's approval.
    pub(crate) asks: Option<NotReadyReason>,
    pub(crate) reachable: bool,
    /// Since when status and state are these.
    pub(crate) since: Mono,
    /// Since when the agent could take a call, or could have but for one that hung up.
    pub(crate) idle_since: Mono,
    pub(crate) missed: MissedCounts,
    /// Missed since the agent last answered or became ready.
    pub(crate) missed_in_row: MissedCounts,
    /// Until when the agent, idle and ready, is left alone after a missed offer.
    pub(crate) rests_until: Option<Mono>,
    pub(crate) choice: CallChoice,
    pub(crate) work: Work,
    /// The calls that wait for this agent alone, by queue. Empty unless the agent is `Ready`.
    pub(crate) preferred: BTreeSet<(u32, Place)>,
    /// Is in the lists of idle agents: they could take a call, and are not just being offered one.
    pub(crate) listed: bool,
    /// As configured, where steps of queues ask for more than who serves them; with the queues that
    /// are configured no more and have calls left.
    pub(crate) config: Option<Box<AgentConfig>>,
    /// Is configured no more, and here until the present work is over.
    pub(crate) leaving: bool,
}

/// That an agent serves a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Serves {
    /// The queue's place in the table.
    pub(crate) queue: u32,
    /// The place of the agent's class there.
    pub(crate) class: usize,
    /// Only because a step of the queue says so.
    pub(crate) borrowed: bool,
    pub(crate) level: u8,
    pub(crate) share: u32,
    /// Offers from it since signing in.
    pub(crate) offers: u64,
    /// The number of the last decision that was an offer from it; 0 before the first.
    pub(crate) last_turn: u64,
    /// The same before that offer.
    pub(crate) turn_before: u64,
}

/// As what a queue counts one of its agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figure {
    pub(crate) status: AgentStatus,
    pub(crate) state: AgentState,
    pub(crate) rests: bool,
}

impl Figure {
    /// Takes calls, busy or not.
    pub(crate) const fn is_at_work(self) -> bool {
        let is_idle = matches!(self.state, AgentState::Idle);
        !is_idle || matches!(self.status, AgentStatus::Ready)
    }
}

/// What others see of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    status: AgentStatus,
    activity: Activity,
    next_status: Option<AgentStatus>,
    asks: Option<NotReadyReason>,
    reachable: bool,
    since: Mono,
    missed: MissedCounts,
    rests_until: Option<Mono>,
}

impl Agent {
    pub(crate) const fn state(&self) -> AgentState {
        match self.activity {
            Activity::Idle => AgentState::Idle,
            Activity::Reserved { .. } => AgentState::Reserved,
            Activity::Ringing { .. } => AgentState::Ringing,
            Activity::Talking { .. } => AgentState::Talking,
            Activity::Acw { .. } => AgentState::Acw,
        }
    }

    /// Whether the agent could be offered a call now.
    pub(crate) const fn is_available(&self) -> bool {
        match (self.status, self.activity) {
            (AgentStatus::Ready, Activity::Idle) => self.reachable && self.rests_until.is_none(),
            (AgentStatus::SignedOut | AgentStatus::NotReady { .. } | AgentStatus::Ready, _) => {
                false
            }
        }
    }

    /// Signs in: everything is counted anew.
    pub(crate) fn arrive(&mut self, now: Mono) {
        if self.status == AgentStatus::SignedOut {
            self.missed = MissedCounts::default();
            self.work = Work::begin(now);
            for serves in &mut self.serves {
                serves.offers = 0;
            }
        }
    }

    /// Goes on with a day that a restart interrupted; `turns` by the queue's place in the table.
    pub(crate) fn take_up(&mut self, day: &RestoredDay, turns: &BTreeMap<u32, (u64, u64)>) {
        (self.missed, self.missed_in_row) = (day.missed, day.missed_in_row);
        (self.asks, self.work, self.rests_until) = (day.asks, day.work, None);
        for serves in &mut self.serves {
            let (offers, last_turn) = turns.get(&serves.queue).copied().unwrap_or_default();
            (serves.offers, serves.last_turn) = (offers, last_turn);
            serves.turn_before = last_turn;
        }
    }

    /// Was idle before the restart already: keeps the place among the idle, and goes on resting.
    pub(crate) fn idle_on(&mut self, day: &RestoredDay, now: Mono) {
        let Some(since) = day.idle_since else { return };
        self.idle_since = since;
        self.work.occupied_ppm = day.work.occupied_ppm;
        if self.status == AgentStatus::Ready {
            self.rests_until = day.rests_until.filter(|until| *until > now);
        }
    }

    /// Is being offered a call.
    pub(crate) fn reserve(&mut self, call: CallId, offer: OfferId, now: Mono) {
        self.activity = Activity::Reserved { call, offer };
        self.work.start(now);
    }

    /// The offer is a queue's: the decision's number is the agent's last turn there.
    pub(crate) fn take_turn(&mut self, queue: u32, seq: u64) {
        for serves in self.serves.iter_mut().filter(|serves| serves.queue == queue) {
            serves.turn_before = std::mem::replace(&mut serves.last_turn, seq);
            serves.offers += 1;
        }
    }

    /// Becomes idle because the caller hung up, or the colleague thought better of it, before the
    /// answer: as if nothing had been offered by a queue.
    pub(crate) fn release(&mut self, queue: Option<u32>) {
        for serves in self.serves.iter_mut().filter(|serves| Some(serves.queue) == queue) {
            serves.last_turn = serves.turn_before;
            serves.offers = serves.offers.saturating_sub(1);
        }
        self.work.forget();
        self.become_idle();
    }

    /// Becomes idle with the status that was to come, at the end of all work.
    pub(crate) fn finish(&mut self, now: Mono) {
        self.idle_since = now;
        self.work.stop(now);
        self.become_idle();
    }

    fn become_idle(&mut self) {
        self.activity = Activity::Idle;
        let status = self.next_status.take().unwrap_or(AgentStatus::Ready);
        self.set_status(status);
    }

    /// Sets the status of an idle agent. Nobody is ready whose phone cannot be rung.
    pub(crate) fn set_status(&mut self, status: AgentStatus) {
        let unreachable = AgentStatus::NotReady { reason: NotReadyReason::Unreachable };
        self.status = match status {
            AgentStatus::Ready if !self.reachable => unreachable,
            AgentStatus::SignedOut | AgentStatus::NotReady { .. } | AgentStatus::Ready => status,
        };
        if self.status != AgentStatus::Ready {
            self.missed_in_row = MissedCounts::default();
            self.rests_until = None;
        }
    }

    /// As what its queues count the agent.
    pub(crate) const fn figure(&self) -> Figure {
        let rests = self.rests_until.is_some();
        Figure { status: self.status, state: self.state(), rests }
    }

    /// All that [`Self::view`] shows and that can change: cheap to compare.
    pub(crate) const fn shown(&self) -> Shown {
        Shown {
            status: self.status,
            activity: self.activity,
            next_status: self.next_status,
            asks: self.asks,
            reachable: self.reachable,
            since: self.since,
            missed: self.missed,
            rests_until: self.rests_until,
        }
    }

    pub(crate) fn view(&self) -> AgentView {
        let (call, offer, acw_until) = match self.activity {
            Activity::Idle => (None, None, None),
            Activity::Reserved { call, offer } | Activity::Ringing { call, offer } => {
                (Some(call), Some(offer), None)
            }
            Activity::Talking { call } => (Some(call), None, None),
            Activity::Acw { call, until, .. } => (Some(call), None, Some(until)),
        };
        AgentView {
            agent: self.id.clone(),
            tier: self.tier,
            status: self.status,
            state: self.state(),
            call,
            offer,
            since: self.since,
            next_status: self.next_status,
            asks: self.asks,
            acw_until,
            phone_reachable: self.reachable,
            allowed: self.allowed(),
            missed: self.missed,
            rests_until: self.rests_until,
        }
    }

    /// What the agent may ask for now.
    fn allowed(&self) -> &'static [AgentAction] {
        use AgentAction::{ExtendAcw, HangUp, NotReady, Ready, SignOut, WrapUp};
        match (self.activity, self.status, self.reachable) {
            (Activity::Idle, AgentStatus::SignedOut, true) => &[Ready, NotReady],
            (Activity::Idle, AgentStatus::SignedOut, false) => &[NotReady],
            (Activity::Idle, AgentStatus::NotReady { .. }, true) => &[Ready, NotReady, SignOut],
            (Activity::Idle, AgentStatus::NotReady { .. }, false) => &[NotReady, SignOut],
            (Activity::Idle, AgentStatus::Ready, _) => match self.rests_until {
                Some(_) => &[Ready, NotReady, SignOut],
                None => &[NotReady, SignOut],
            },
            (Activity::Reserved { .. }, _, _) => match self.next_status {
                Some(_) => &[Ready, NotReady, SignOut],
                None => &[NotReady, SignOut],
            },
            (Activity::Ringing { .. } | Activity::Talking { .. }, _, _) => match self.next_status {
                Some(_) => &[Ready, NotReady, SignOut, HangUp],
                None => &[NotReady, SignOut, HangUp],
            },
            (Activity::Acw { .. }, _, true) => &[Ready, NotReady, SignOut, ExtendAcw, WrapUp],
            (Activity::Acw { .. }, _, false) => &[NotReady, SignOut, ExtendAcw, WrapUp],
        }
    }
}
