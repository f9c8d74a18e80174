//! Agents who call someone themselves: busy with that call, offered no other.

use model::{AgentStatus, CallId};

use crate::agent::{Activity, AgentIndex};
use crate::{Acd, Output, Refusal};

impl Acd {
    /// The agent is in a call of their own. Whoever is not ready is so again afterwards.
    pub(crate) fn engage(&mut self, at: AgentIndex, call: CallId) {
        let agent = self.agent_at(at);
        let why = match (agent.activity, agent.status) {
            (Activity::Idle, AgentStatus::NotReady { .. } | AgentStatus::Ready) => {
                (!agent.reachable).then_some(Refusal::PhoneUnreachable)
            }
            (Activity::Idle, AgentStatus::SignedOut)
            | (
                Activity::Reserved { .. }
                | Activity::Ringing { .. }
                | Activity::Talking { .. }
                | Activity::Acw { .. },
                _,
            ) => Some(Refusal::NotIdle),
        };
        if let Some(why) = why {
            let agent = agent.id.clone();
            return self.outputs.push_back(Output::Refused { agent, why });
        }
        self.cancel_rest(at);
        let now = self.now;
        self.change(at, |agent| {
            agent.rests_until = None;
            agent.work.start(now);
            agent.next_status = match agent.status {
                AgentStatus::Ready => None,
                status @ (AgentStatus::SignedOut | AgentStatus::NotReady { .. }) => Some(status),
            };
            agent.status = AgentStatus::Ready;
            agent.activity = Activity::Talking { call };
        });
    }

    /// That call is over.
    pub(crate) fn disengage(&mut self, at: AgentIndex, call: CallId, talked: bool) {
        let agent = self.agent_at(at);
        if agent.activity != (Activity::Talking { call }) || self.calls.contains_key(&call) {
            return;
        }
        match talked {
            true => self.work_after(at, call, None),
            false => self.finish_acw(at),
        }
    }
}
