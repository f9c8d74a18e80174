//! What agents ask for, and after-call work.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{AgentStatus, CallId, Mono, NotReadyReason, QueueId};

use crate::agent::{Activity, AgentIndex};
use crate::timer::Timer;
use crate::{Acd, AcwRule, Output, Refusal, RestoredAgent, RestoredDay};

impl Acd {
    /// Puts an agent back as they were before a restart. For the start of the engine: it is refused
    /// for an agent that is not configured any more, and ignored for one that is busy already.
    ///
    /// Calls do not survive a restart, so the agent is idle or in what is left of after-call work.
    pub fn restore_agent(&mut self, restored: RestoredAgent, now: Mono) {
        self.handle_timeout(now);
        self.now = self.now.max(now);
        let RestoredAgent { agent, status, phone_reachable, acw, day } = restored;
        let Some(at) = self.known_agent(&agent) else {
            self.outputs.push_back(Output::Refused { agent, why: Refusal::UnknownAgent });
            return;
        };
        if self.agent_at(at).activity != Activity::Idle {
            return;
        }
        let now = self.now;
        self.cancel_rest(at);
        let acw = acw.filter(|acw| acw.until > now);
        let acw = acw.map(|acw| self.acw(at, acw.call, acw.until, acw.at_most));
        let turns = self.known_turns(&day);
        self.change(at, |agent| {
            agent.arrive(now);
            agent.take_up(&day, &turns);
            agent.reachable = phone_reachable;
            agent.next_status = (status != AgentStatus::Ready).then_some(status);
            match acw {
                Some(activity) => {
                    agent.status = AgentStatus::Ready;
                    agent.activity = activity;
                    agent.work.start(now);
                }
                None => {
                    agent.finish(now);
                    agent.idle_on(&day, now);
                }
            }
        });
        self.start_rest(at);
        self.serve_agent(at);
        self.finish();
    }

    /// The turns in the queues that there still are. What was decided before is not decided under
    /// the same number again.
    fn known_turns(&mut self, day: &RestoredDay) -> BTreeMap<u32, (u64, u64)> {
        let last = day.turns.values().map(|(_, last_turn)| *last_turn).max().unwrap_or(0);
        self.decisions.go_on_from(self.decisions.made().max(last));
        let known =
            |(queue, turns): (&QueueId, &(u64, u64))| Some((self.queue_index(queue)?, *turns));
        day.turns.iter().filter_map(known).collect()
    }

    pub(crate) fn sign_in(&mut self, at: AgentIndex) {
        let (now, reason) = (self.now, NotReadyReason::SignedIn);
        self.change(at, |agent| match agent.status {
            AgentStatus::SignedOut => {
                agent.arrive(now);
                agent.status = AgentStatus::NotReady { reason };
            }
            // Takes back a sign-out that is still to come; else there is nothing to do.
            AgentStatus::NotReady { .. } | AgentStatus::Ready => {
                if agent.next_status == Some(AgentStatus::SignedOut) {
                    agent.next_status = None;
                }
            }
        });
    }

    pub(crate) fn sign_out(&mut self, at: AgentIndex) {
        self.forget_asking(at);
        if let Activity::Acw { .. } = self.agent_at(at).activity {
            self.change(at, |agent| agent.next_status = Some(AgentStatus::SignedOut));
            self.finish_acw(at);
            return;
        }
        self.ask_status(at, AgentStatus::SignedOut);
    }

    pub(crate) fn not_ready(&mut self, at: AgentIndex, reason: NotReadyReason) {
        if !self.approval.contains(&reason) {
            self.forget_asking(at);
            return self.ask_status(at, AgentStatus::NotReady { reason });
        }
        self.sign_in(at);
        self.change(at, |agent| agent.asks = Some(reason));
    }

    /// Someone approves what the agent asks for.
    pub(crate) fn approve(&mut self, at: AgentIndex) {
        match self.agent_at(at).asks {
            Some(reason) => {
                self.forget_asking(at);
                self.ask_status(at, AgentStatus::NotReady { reason });
            }
            None => self.refuse(at, Refusal::NothingAsked),
        }
    }

    /// Someone does not.
    pub(crate) fn decline(&mut self, at: AgentIndex) {
        match self.agent_at(at).asks {
            Some(_) => self.forget_asking(at),
            None => self.refuse(at, Refusal::NothingAsked),
        }
    }

    fn forget_asking(&mut self, at: AgentIndex) {
        if self.agent_at(at).asks.is_some() {
            self.change(at, |agent| agent.asks = None);
        }
    }

    /// A status other than `Ready`: at once when idle, else at the end of all work.
    fn ask_status(&mut self, at: AgentIndex, status: AgentStatus) {
        self.cancel_rest(at);
        let now = self.now;
        self.change(at, |agent| match agent.activity {
            Activity::Idle => {
                agent.arrive(now);
                agent.set_status(status);
            }
            Activity::Reserved { .. }
            | Activity::Ringing { .. }
            | Activity::Talking { .. }
            | Activity::Acw { .. } => agent.next_status = Some(status),
        });
    }

    pub(crate) fn ready(&mut self, at: AgentIndex) {
        let agent = self.agent_at(at);
        let waits_for_phone = match agent.activity {
            Activity::Idle | Activity::Acw { .. } => !agent.reachable,
            Activity::Reserved { .. } | Activity::Ringing { .. } | Activity::Talking { .. } => {
                false
            }
        };
        if waits_for_phone {
            self.refuse(at, Refusal::PhoneUnreachable);
            return;
        }
        let (now, activity, status) = (self.now, agent.activity, agent.status);
        self.forget_asking(at);
        match activity {
            Activity::Idle if status == AgentStatus::Ready => {
                if self.cancel_rest(at) {
                    self.finish_rest(at);
                }
            }
            Activity::Idle => {
                self.free(at, |agent| {
                    agent.arrive(now);
                    agent.finish(now);
                });
            }
            Activity::Reserved { .. } | Activity::Ringing { .. } | Activity::Talking { .. } => {
                self.change(at, |agent| agent.next_status = None);
            }
            Activity::Acw { .. } => {
                self.change(at, |agent| agent.next_status = None);
                self.finish_acw(at);
            }
        }
    }

    pub(crate) fn phone_reachable(&mut self, at: AgentIndex, reachable: bool) {
        if !reachable {
            self.cancel_rest(at);
        }
        self.change(at, |agent| {
            agent.reachable = reachable;
            if agent.activity == Activity::Idle {
                agent.set_status(agent.status);
            }
        });
    }

    pub(crate) fn extend_acw(&mut self, at: AgentIndex, ms: u64) {
        let Activity::Acw { call, until, at_most } = self.agent_at(at).activity else {
            self.refuse(at, Refusal::NotInAcw);
            return;
        };
        if until >= at_most {
            self.refuse(at, Refusal::AcwLimit);
            return;
        }
        let longer = (until + Duration::from_millis(ms)).min(at_most);
        self.timers.cancel(until, Timer::Acw(at));
        self.timers.set(longer, Timer::Acw(at));
        self.change(at, |agent| agent.activity = Activity::Acw { call, until: longer, at_most });
    }

    pub(crate) fn wrap_up(&mut self, at: AgentIndex, wrapped: CallId) {
        match self.agent_at(at).activity {
            Activity::Acw { call, .. } if call == wrapped => self.finish_acw(at),
            Activity::Idle
            | Activity::Reserved { .. }
            | Activity::Ringing { .. }
            | Activity::Talking { .. }
            | Activity::Acw { .. } => {}
        }
    }

    /// An agent is left alone for a while after a missed offer.
    pub(crate) fn start_rest(&mut self, at: AgentIndex) {
        if let Some(until) = self.agent_at(at).rests_until {
            self.timers.set(until, Timer::Rest(at));
        }
    }

    /// An agent who rests may be offered calls again.
    pub(crate) fn finish_rest(&mut self, at: AgentIndex) {
        let now = self.now;
        self.free(at, |agent| {
            agent.rests_until = None;
            agent.idle_since = now;
        });
    }

    /// Cancels the deadline of a rest, which the caller ends; false if there is none.
    pub(crate) fn cancel_rest(&mut self, at: AgentIndex) -> bool {
        let until = self.agent_at(at).rests_until;
        if let Some(until) = until {
            self.timers.cancel(until, Timer::Rest(at));
        }
        until.is_some()
    }

    /// After-call work begins; it is ended by its deadline or by the agent, by nothing else.
    pub(crate) fn start_acw(&mut self, at: AgentIndex, call: CallId, rule: AcwRule) {
        let until = self.now + Duration::from_millis(rule.ms);
        let at_most = self.now + Duration::from_millis(rule.limit_ms);
        let acw = self.acw(at, call, until, at_most);
        self.change(at, |agent| agent.activity = acw);
    }

    /// After-call work with its deadline set.
    fn acw(&mut self, at: AgentIndex, call: CallId, until: Mono, at_most: Mono) -> Activity {
        let at_most = at_most.max(until);
        self.timers.set(until, Timer::Acw(at));
        Activity::Acw { call, until, at_most }
    }

    pub(crate) fn finish_acw(&mut self, at: AgentIndex) {
        let now = self.now;
        self.leave_activity(at);
        self.free(at, |agent| agent.finish(now));
    }

    /// Cancels the deadline that an agent's after-call work has set.
    fn leave_activity(&mut self, at: AgentIndex) {
        match self.agent_at(at).activity {
            Activity::Acw { until, .. } => self.timers.cancel(until, Timer::Acw(at)),
            Activity::Idle
            | Activity::Reserved { .. }
            | Activity::Ringing { .. }
            | Activity::Talking { .. } => {}
        }
    }

    fn refuse(&mut self, at: AgentIndex, why: Refusal) {
        let agent = self.agent_at(at).id.clone();
        self.outputs.push_back(Output::Refused { agent, why });
    }
}
