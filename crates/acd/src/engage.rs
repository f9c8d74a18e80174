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
        self.invitations.join(call, at, None);
    }

    /// That call came to nothing.
    pub(crate) fn disengage(&mut self, at: AgentIndex, call: CallId) {
        let is_in_it = self.agent_at(at).activity == (Activity::Talking { call });
        if is_in_it && self.invitations.leave(call, at).is_some() {
            self.finish_acw(at);
        }
    }
}
