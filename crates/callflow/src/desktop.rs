//! Desktops: who is connected, what they see first, what they ask for.

use acd::{AgentView, Input as AcdInput, QueueView};
use cti::{Audience, Colleague, Command, CommandError, Event, Line, MAX_COLLEAGUES, Viewer};
use model::{AgentAction, AgentId, FactBody, RefusalKind, UserId};

use crate::{Callflow, DesktopInput, Output};

impl Callflow {
    pub(crate) fn handle_desktop(&mut self, input: DesktopInput) {
        match input {
            DesktopInput::Connect { session, principal, after } => {
                let user = principal.user.clone();
                let permissions = principal.permissions.clone();
                let viewer = Viewer { user: user.clone(), permissions };
                match self.cti.connect(session, viewer, after, self.now) {
                    Ok(()) => self.sign_in(&AgentId::from(user.as_str())),
                    Err(refused) => {
                        let output = Output::DesktopRefused { session, refused };
                        self.outputs.push_back(output);
                    }
                }
            }
            DesktopInput::Disconnect { session } => self.cti.disconnect(session, self.now),
            DesktopInput::Overflow { session } => self.cti.handle_overflow(session, self.now),
            DesktopInput::Command { session, id, command } => {
                self.cti.handle_command(session, id, command, self.now);
            }
        }
    }

    /// An agent who opens the desktop is at work.
    fn sign_in(&mut self, agent: &AgentId) {
        let is_signed_out =
            self.acd.agent(agent).is_some_and(|view| view.status == model::AgentStatus::SignedOut);
        if is_signed_out {
            self.acd.handle_input(AcdInput::SignIn { agent: agent.clone() }, self.now);
        }
    }

    pub(crate) fn handle_cti(&mut self, output: cti::Output) {
        match output {
            cti::Output::SnapshotWanted { user, board } => {
                let events = self.snapshot(&user, board);
                let wall = self.wall();
                self.cti.handle_snapshot(&user, events, wall);
            }
            cti::Output::Perform { session: _, user, id, command } => {
                let result = self.perform_command(&AgentId::from(user.as_str()), command);
                self.cti.handle_done(&user, &id, result);
            }
            cti::Output::Refused { user, permission, what } => {
                let what = format!("{what}: {permission}");
                let kind = RefusalKind::Forbidden;
                self.note(FactBody::Refused {
                    user: Some(user),
                    source: String::new(),
                    kind,
                    what,
                });
            }
            cti::Output::Deliver { .. } | cti::Output::Reply { .. } | cti::Output::Close { .. } => {
                self.outputs.push_back(Output::Desktop(output));
            }
        }
    }

    fn perform_command(&mut self, agent: &AgentId, command: Command) -> Result<(), CommandError> {
        let agent = agent.clone();
        match command {
            Command::Ready => self.ask_acd(AcdInput::Ready { agent }),
            Command::NotReady { reason } => self.ask_acd(AcdInput::NotReady { agent, reason }),
            Command::SignOut => self.ask_acd(AcdInput::SignOut { agent }),
            Command::ExtendAcw { ms } => self.ask_acd(AcdInput::ExtendAcw { agent, ms }),
            Command::PopShown { offer } => {
                if self.handle_pop_shown(offer, &agent) {
                    Ok(())
                } else {
                    Err(CommandError::new("offer_over", format!("offer {offer} is over")))
                }
            }
            Command::HangUp => {
                let call = self.acd.agent(&agent).and_then(|view| view.call);
                match call.map(|call| self.about(call)) {
                    Some(call) if self.handle_hang_up(call, &agent) => Ok(()),
                    Some(_) | None => Err(CommandError::new("no_call", "there is no call to end")),
                }
            }
            Command::Dial { number } => self.handle_dial(agent, &number),
            Command::WrapUp { call, disposition } => self.handle_wrap_up(&agent, call, disposition),
            Command::ListTargets { search } => {
                self.list_targets(&agent, search);
                Ok(())
            }
            Command::Transfer { to } => self.handle_transfer(&agent, to, false),
            Command::Consult { to } => self.handle_consult(&agent, to),
            Command::CompleteTransfer => self.handle_complete(&agent),
            Command::SwapParties => self.handle_swap(&agent),
            Command::Conference => self.handle_conference(&agent),
            Command::CancelConsult => self.handle_cancel_consult(&agent),
            Command::PauseRecording { call, reason } => self.handle_pause(&agent, call, reason),
            Command::ResumeRecording { call } => self.handle_resume(&agent, call),
            Command::MoveCall { call, queue } => self.handle_move(&agent, call, queue),
            Command::AssignCall { call, agent: to } => self.handle_assign(&agent, call, to),
            Command::PreferCall { call, ms } => self.handle_prefer(&agent, call, ms),
            Command::CancelCallback { call } => self.handle_cancel_callback(&agent, call),
            Command::SetAgent { agent: whose, status } => {
                self.handle_set_agent(&agent, whose, status)
            }
            Command::DecideReason { agent: who, approved } => {
                self.handle_decide(&agent, who, approved)
            }
            Command::SwitchPlan { plan, on } => self.handle_switch_plan(&agent, &plan, on),
        }
    }

    /// Asks for something that may be refused at once.
    pub(crate) fn ask_acd(&mut self, input: AcdInput) -> Result<(), CommandError> {
        self.refusal = None;
        self.acd.handle_input(input, self.now);
        while let Some(output) = self.acd.poll_output() {
            self.handle_acd(output);
        }
        match self.refusal.take() {
            None => Ok(()),
            Some(why) => Err(CommandError::new(why.as_str(), refusal_text(why))),
        }
    }

    /// All that a desktop that begins afresh has to know, the most important first.
    fn snapshot(&self, user: &UserId, board: bool) -> Vec<Event> {
        let mut events = Vec::new();
        let agent = AgentId::from(user.as_str());
        if let Some(view) = self.acd.agent(&agent) {
            events.push(self.agent_event(&view));
            if let Some(call) = view.call.map(|call| self.about(call)) {
                events.extend(self.pops.get(&agent).cloned());
                events.extend(self.phase(call).and_then(|phase| self.call_event(call, phase)));
            }
        }
        if board {
            events.extend(self.alarms.iter().map(|(alarm, detail)| Event::Alarm {
                alarm: alarm.clone(),
                raised: true,
                detail: detail.clone(),
            }));
            events.extend(self.acd.queues().map(|view| self.queue_event(&view)));
            events.extend(self.plan_events());
            let lines = self.config.trunks.iter();
            events.extend(lines.filter_map(|trunk| self.trunk_event(&trunk.id)));
            let others = self.acd.agents().filter(|other| other.agent != agent);
            events.extend(others.map(|view| self.agent_event(&view)));
            let calls = self.calls.keys().copied();
            events.extend(calls.filter_map(|call| self.call_event(call, self.phase(call)?)));
        }
        events
    }

    pub(crate) fn handle_agent_changed(&mut self, view: &AgentView) {
        if view.call.is_none() {
            self.pops.remove(&view.agent);
        }
        self.note(FactBody::AgentChanged {
            agent: view.agent.clone(),
            status: view.status,
            state: view.state,
            call: view.call.map(|call| self.about(call)),
            next: view.next_status,
            day: self.day(&view.agent),
        });
        self.publish_view(view);
    }

    /// What an agent may ask for has changed with their call.
    pub(crate) fn publish_agent(&mut self, agent: &AgentId) {
        if let Some(view) = self.acd.agent(agent) {
            self.publish_view(&view);
        }
    }

    fn publish_view(&mut self, view: &AgentView) {
        let audience = Audience::UserAndBoard(UserId::from(view.agent.as_str()));
        let event = self.agent_event(view);
        self.cti.publish(audience, event, self.wall());
    }

    /// What an agent may ask for: as such, and in the call that they have.
    fn allowed(&self, view: &AgentView) -> Vec<AgentAction> {
        let call = view.call.and_then(|call| self.calls.get(&self.about(call)));
        let conversation = call.and_then(|known| known.conversation());
        let of_call = conversation.map_or(&[][..], |talking| talking.allowed(&view.agent));
        let of_tape = view.call.and_then(|call| self.allowed_of_tape(&view.agent, call));
        [view.allowed, of_tape.as_slice(), of_call].concat()
    }

    /// Tells an agent to whom a call could be given.
    fn list_targets(&mut self, asks: &AgentId, search: String) {
        let wanted = search.to_lowercase();
        let found = |name: &str| name.to_lowercase().contains(&wanted);
        let mut agents: Vec<Colleague> = self
            .acd
            .agents()
            .filter(|view| view.agent != *asks && found(view.agent.as_str()))
            .map(|view| Colleague {
                available: view.is_available(),
                agent: view.agent,
                status: view.status,
                state: view.state,
            })
            .collect();
        agents.sort_by_key(|colleague| {
            let signed_out = colleague.status == model::AgentStatus::SignedOut;
            (!colleague.available, signed_out, colleague.agent.clone())
        });
        let more = agents.len() > MAX_COLLEAGUES;
        agents.truncate(MAX_COLLEAGUES);
        let queues = self.acd.queues().filter(|view| found(view.queue.as_str()));
        let queues = queues.map(|view| Line {
            queue: view.queue,
            waiting: view.waiting,
            idle: view.agents.idle,
        });
        let queues = queues.collect();
        self.publish_to(asks, Event::Targets { search, agents, queues, more });
    }

    fn agent_event(&self, view: &AgentView) -> Event {
        let mut allowed = self.allowed(view);
        allowed.extend(self.may_dial(view).then_some(AgentAction::Dial));
        Event::AgentState {
            agent: view.agent.clone(),
            status: view.status,
            state: view.state,
            since: self.wall_at(view.since),
            next_status: view.next_status,
            allowed,
            call: view.call.map(|call| self.about(call)),
            acw_until: view.acw_until.map(|until| self.wall_at(until)),
            phone_reachable: view.phone_reachable,
            asks: view.asks,
        }
    }

    pub(crate) fn publish_queue(&mut self, view: &QueueView) {
        let event = self.queue_event(view);
        self.cti.publish(Audience::Board, event, self.wall());
    }

    fn queue_event(&self, view: &QueueView) -> Event {
        let expected = self.acd.newcomers_estimate(&view.queue);
        Event::QueueState {
            queue: view.queue.clone(),
            waiting: view.waiting,
            callbacks: view.callbacks,
            longest_wait_ms: view.longest_since.map_or(0, |since| self.now.ms_since(since)),
            expected: expected
                .map(|acd::Estimate { median_ms, p90_ms }| cti::ExpectedWait { median_ms, p90_ms }),
            agents: view.agents,
            open: view.open,
        }
    }
}

const fn refusal_text(why: acd::Refusal) -> &'static str {
    match why {
        acd::Refusal::UnknownAgent => "you are not an agent",
        acd::Refusal::PhoneUnreachable => "your phone is not registered: connect it first",
        acd::Refusal::NotInAcw => "you are not in after-call work",
        acd::Refusal::NotIdle => "you are busy, or not at work",
        acd::Refusal::AcwLimit => "after-call work is as long as it may be",
        acd::Refusal::NothingAsked => "the agent asks for nothing",
        acd::Refusal::NotAvailable => "the agent cannot take a call now",
    }
}
