//! What a supervisor does: moves, assigns and prefers waiting calls, changes agents' states,
//! decides on what agents ask for, takes callbacks back, and puts emergency plans on and off. What
//! was done is a fact before it is answered.

use std::sync::Arc;

use acd::{ASSIGNED_MS, CallbackInput, Input as AcdInput, Preferred};
use cti::{Audience, CommandError, Event};
use model::{AgentId, AgentStatus, CallId, Fact, FactBody, QueueId, UserId};

use crate::Callflow;
use crate::calls::Stage;
use crate::transfer::not_taken;

impl Callflow {
    /// A waiting call goes to another queue, with the time that it has waited.
    pub(crate) fn handle_move(
        &mut self,
        by: &AgentId,
        call: CallId,
        queue: QueueId,
    ) -> Result<(), CommandError> {
        let from = self.waits_unoffered(call)?;
        if from == queue {
            return Err(CommandError::new("bad_target", "the call waits there already"));
        }
        self.acd.takes(&queue, None).map_err(not_taken)?;
        self.steered(by, "move_call", (Some(call), None), queue.to_string());
        self.change_queue(call, queue, "moved");
        Ok(())
    }

    /// A waiting call waits for one agent alone for a while.
    pub(crate) fn handle_assign(
        &mut self,
        by: &AgentId,
        call: CallId,
        agent: AgentId,
    ) -> Result<(), CommandError> {
        let queue = self.waits_unoffered(call)?;
        let known = self.config.acd.agents.iter().find(|known| known.agent == agent);
        let Some(known) = known else {
            return Err(CommandError::new("unknown_target", "there is no such agent"));
        };
        if !known.queues.iter().any(|serves| serves.queue == queue) {
            let message = format!("agent {agent} does not serve the queue {queue}");
            return Err(CommandError::new("not_served", message));
        }
        if self.acd.agent(&agent).is_none_or(|view| view.status != AgentStatus::Ready) {
            let message = format!("agent {agent} takes no calls now");
            return Err(CommandError::new("agent_not_available", message));
        }
        self.steered(by, "assign_call", (Some(call), Some(agent.clone())), String::new());
        let preferred = Some(Preferred { agent, for_ms: ASSIGNED_MS });
        self.acd.handle_input(AcdInput::Prefer { call, more_ms: 0, preferred }, self.now);
        Ok(())
    }

    /// A waiting call is deemed to have entered earlier.
    pub(crate) fn handle_prefer(
        &mut self,
        by: &AgentId,
        call: CallId,
        ms: u64,
    ) -> Result<(), CommandError> {
        self.waits_unoffered(call)?;
        self.steered(by, "prefer_call", (Some(call), None), ms.to_string());
        let prefer = AcdInput::Prefer { call, more_ms: ms, preferred: None };
        self.acd.handle_input(prefer, self.now);
        Ok(())
    }

    /// The queue in which a caller waits who is not being offered to anyone.
    fn waits_unoffered(&self, call: CallId) -> Result<QueueId, CommandError> {
        let place = self.acd.position(call).filter(|_| !self.callbacks.has(call));
        let known = self.calls.get(&call);
        let waits = known.is_some_and(|known| matches!(known.stage, Stage::Waiting { .. }));
        match place.filter(|_| waits) {
            None => Err(CommandError::new("not_waiting", "the call does not wait in a queue")),
            Some(_) if self.acd.is_offered(call) => {
                Err(CommandError::new("being_offered", "an agent is being offered the call"))
            }
            Some(place) => Ok(place.queue),
        }
    }

    /// Somebody is not called back after all.
    pub(crate) fn handle_cancel_callback(
        &mut self,
        by: &AgentId,
        call: CallId,
    ) -> Result<(), CommandError> {
        if !self.callbacks.has(call) {
            return Err(CommandError::new("no_callback", "nobody is called back for that call"));
        }
        self.steered(by, "cancel_callback", (Some(call), None), String::new());
        let cancel = CallbackInput::Cancel { call };
        self.acd.handle_input(AcdInput::Callback(cancel), self.now);
        Ok(())
    }

    /// An agent's status becomes another one, as if the agent had said so; nobody has to approve
    /// of what a supervisor says.
    pub(crate) fn handle_set_agent(
        &mut self,
        by: &AgentId,
        agent: AgentId,
        status: AgentStatus,
    ) -> Result<(), CommandError> {
        let (input, detail) = match status {
            AgentStatus::Ready => (AcdInput::Ready { agent: agent.clone() }, "ready"),
            AgentStatus::SignedOut => (AcdInput::SignOut { agent: agent.clone() }, "signed_out"),
            AgentStatus::NotReady { reason } => {
                (AcdInput::NotReady { agent: agent.clone(), reason }, reason.as_str())
            }
        };
        self.ask_acd(input).map_err(about_another)?;
        if self.acd.agent(&agent).is_some_and(|view| view.asks.is_some()) {
            self.ask_acd(AcdInput::Approve { agent: agent.clone() }).map_err(about_another)?;
        }
        self.steered(by, "set_agent", (None, Some(agent)), detail.to_owned());
        Ok(())
    }

    /// What an agent asks for is approved, or not.
    pub(crate) fn handle_decide(
        &mut self,
        by: &AgentId,
        agent: AgentId,
        approved: bool,
    ) -> Result<(), CommandError> {
        let asks = self.acd.agent(&agent).and_then(|view| view.asks);
        let (input, word) = match approved {
            true => (AcdInput::Approve { agent: agent.clone() }, "approved"),
            false => (AcdInput::Decline { agent: agent.clone() }, "declined"),
        };
        self.ask_acd(input).map_err(about_another)?;
        let reason = asks.map_or("", |reason| reason.as_str());
        self.steered(by, "decide_reason", (None, Some(agent)), format!("{word} {reason}"));
        Ok(())
    }

    fn steered(
        &mut self,
        by: &AgentId,
        what: &str,
        (call, agent): (Option<CallId>, Option<AgentId>),
        detail: String,
    ) {
        let (by, what) = (UserId::from(by.as_str()), what.to_owned());
        self.note(FactBody::Steered { by, what, call, agent, detail });
    }

    /// An emergency plan is put on or off, at once and for all its queues.
    pub(crate) fn handle_switch_plan(
        &mut self,
        by: &AgentId,
        plan: &str,
        on: bool,
    ) -> Result<(), CommandError> {
        let known = self.config.acd.plans.iter().find(|known| *known.name == *plan);
        let Some(name) = known.map(|known| Arc::clone(&known.name)) else {
            return Err(CommandError::new("unknown_plan", "there is no such emergency plan"));
        };
        if self.plans.contains(&name) == on {
            return Ok(());
        }
        let by = UserId::from(by.as_str());
        self.note(FactBody::PlanSwitched { plan: name.to_string(), on, by });
        self.switch_plan(name, on);
        Ok(())
    }

    fn switch_plan(&mut self, plan: Arc<str>, on: bool) {
        match on {
            true => self.plans.insert(Arc::clone(&plan)),
            false => self.plans.remove(&plan),
        };
        let event = Event::PlanState { plan: Arc::clone(&plan), on };
        self.cti.publish(Audience::Board, event, self.wall());
        self.acd.handle_input(AcdInput::Emergency { plan, on }, self.now);
    }

    /// The plans that were on before a restart are on, if they are still configured.
    pub(crate) fn restore_plans(&mut self, standing: &[Fact]) {
        for fact in standing {
            let FactBody::PlanSwitched { plan, on, .. } = &fact.body else { continue };
            let known = self.config.acd.plans.iter().find(|known| *known.name == **plan);
            if let Some(name) = known.map(|known| Arc::clone(&known.name)) {
                self.switch_plan(name, *on);
            }
        }
    }

    /// All plans, as a board shows them.
    pub(crate) fn plan_events(&self) -> impl Iterator<Item = Event> {
        self.config.acd.plans.iter().map(|plan| Event::PlanState {
            plan: Arc::clone(&plan.name),
            on: self.plans.contains(&plan.name),
        })
    }
}

/// A refusal in words about the agent, not to them.
fn about_another(error: CommandError) -> CommandError {
    let message = match error.code {
        "unknown_agent" => "there is no such agent",
        "phone_unreachable" => "the agent's phone is not registered",
        _ => return error,
    };
    CommandError::new(error.code, message)
}
