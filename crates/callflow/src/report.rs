//! Step 8: what happened is written down as facts, and shown to whoever watches.

use std::sync::Arc;

use cti::{Audience, CallPhase, Event, PartyLine};
use model::{AgentId, CallId, Fact, FactBody, SCHEMA_VERSION, UserId, Wall};

use crate::conversation::Conversation;
use crate::{Callflow, Output};

impl Callflow {
    /// The time of day.
    pub(crate) fn wall(&self) -> Wall {
        self.wall_at(self.now)
    }

    pub(crate) fn wall_at(&self, mono: model::Mono) -> Wall {
        self.config.started.after(std::time::Duration::from_nanos(mono.0))
    }

    /// Appends a fact.
    pub(crate) fn note(&mut self, body: FactBody) {
        let fact = Fact {
            site: self.config.site,
            epoch: self.config.epoch,
            seq: self.next_fact,
            mono: self.now,
            wall: self.wall(),
            version: SCHEMA_VERSION,
            body,
        };
        self.next_fact += 1;
        self.outputs.push_back(Output::Fact(fact));
    }

    /// A fact that others saw; alarms are shown as well.
    pub(crate) fn handle_note(&mut self, body: FactBody) {
        match body {
            FactBody::AlarmRaised { alarm, detail } => self.raise_alarm(&alarm, detail),
            FactBody::AlarmCleared { alarm } => self.clear_alarm(&alarm),
            other => self.note(other),
        }
    }

    /// An alarm that is raised already stays as it is.
    pub(crate) fn raise_alarm(&mut self, name: &str, detail: String) {
        if self.alarms.contains_key(name) {
            return;
        }
        let alarm: Arc<str> = Arc::from(name);
        self.alarms.insert(Arc::clone(&alarm), detail.clone());
        self.note(FactBody::AlarmRaised { alarm: Arc::clone(&alarm), detail: detail.clone() });
        let event = Event::Alarm { alarm, raised: true, detail };
        self.cti.publish(Audience::Board, event, self.wall());
    }

    pub(crate) fn clear_alarm(&mut self, name: &str) {
        let Some((alarm, _)) = self.alarms.remove_entry(name) else { return };
        self.note(FactBody::AlarmCleared { alarm: Arc::clone(&alarm) });
        let event = Event::Alarm { alarm, raised: false, detail: String::new() };
        self.cti.publish(Audience::Board, event, self.wall());
    }

    /// Tells the board, and the call's agent, where the call is.
    pub(crate) fn publish_call(&mut self, call: CallId, phase: CallPhase) {
        let Some(event) = self.call_event(call, phase) else { return };
        let agent = self.calls.get(&call).and_then(|known| known.agent());
        let audience = match agent {
            Some(agent) => Audience::UserAndBoard(UserId::from(agent.as_str())),
            None => Audience::Board,
        };
        let guest = self.calls.get(&call).and_then(|known| known.conversation()?.guest());
        let guest = guest.and_then(|guest| guest.agent()).cloned();
        let mut others = self.calls.get(&call).map(|known| known.engaged.clone());
        let others = others.get_or_insert_default();
        others.extend(self.calls.get(&call).into_iter().flat_map(|known| known.rung()));
        others.extend(guest);
        others.retain(|other| agent != Some(other));
        let others = std::mem::take(others);
        self.cti.publish(audience, event.clone(), self.wall());
        for other in others {
            self.publish_to(&other, event.clone());
        }
    }

    pub(crate) fn publish_call_ended(&mut self, call: CallId) {
        self.publish_call(call, CallPhase::Ended);
    }

    /// Tells once more where the call is, with what has become known of it.
    pub(crate) fn publish_again(&mut self, call: CallId) {
        match self.phase(call) {
            Some(CallPhase::Ended) | None => {}
            Some(phase) => self.publish_call(call, phase),
        }
    }

    /// How good the lines of a call's parties are, as far as that is known.
    fn lines(&self, call: CallId) -> Vec<PartyLine> {
        let legs = self.calls.get(&call).into_iter().flat_map(|known| &known.legs);
        let known = legs.filter_map(|leg| {
            let entry = self.legs.get(leg)?;
            entry.quality.worst_mos()?;
            Some(PartyLine { role: entry.leg.role().clone(), quality: entry.quality })
        });
        known.collect()
    }

    pub(crate) fn call_event(&self, call: CallId, phase: CallPhase) -> Option<Event> {
        let known = self.calls.get(&call)?;
        let since = if phase == CallPhase::Ended { self.now } else { known.stage_since };
        Some(Event::CallState {
            call,
            phase,
            since: self.wall_at(since),
            direction: known.direction,
            ani: known.ani.clone(),
            dnis: known.dnis.clone(),
            queue: known.queue().cloned(),
            agent: known.agent().cloned(),
            recording: known.recording.as_ref().map(|tape| tape.recording),
            recording_paused: known.recording.as_ref().and_then(|tape| tape.paused),
            guest: known.conversation().and_then(Conversation::guest_state),
            lines: self.lines(call),
            outcome: known
                .outcome
                .filter(|_| phase == CallPhase::Ended)
                .map(|(outcome, _)| outcome),
        })
    }

    /// The look-up of a call's caller ended: the screen, if it popped, is told once.
    pub(crate) fn handle_lookup(&mut self, output: lookup::Output) {
        match output {
            lookup::Output::Query { token, phone } => {
                self.outputs.push_back(Output::FindCaller { token, phone });
            }
            lookup::Output::Ended { token: call, result, took_ms } => {
                let customer_id = result.card().map(|card| card.customer_id.clone());
                let name = result.as_str().to_owned();
                self.note(FactBody::LookupEnded { call, result: name, customer_id, took_ms });
                let Some(known) = self.calls.get_mut(&call) else { return };
                known.lookup = result.clone();
                self.favour_late(call);
                let Some(known) = self.calls.get(&call) else { return };
                let agents: Vec<AgentId> = known.agent().cloned().into_iter().collect();
                let rung: Vec<AgentId> = known.rung().collect();
                for agent in if rung.is_empty() { agents } else { rung } {
                    self.update_pop(call, &agent, &result);
                }
            }
        }
    }

    /// Who is calling is known now on a screen that has popped.
    fn update_pop(&mut self, call: CallId, agent: &AgentId, result: &model::Lookup) {
        if let Some(Event::ScreenPop { call: popped, lookup, .. }) = self.pops.get_mut(agent)
            && *popped == call
        {
            *lookup = result.clone();
            self.publish_to(agent, Event::ScreenPopUpdate { call, lookup: result.clone() });
        }
    }

    pub(crate) fn publish_to(&mut self, agent: &AgentId, event: Event) {
        let audience = Audience::User(UserId::from(agent.as_str()));
        self.cti.publish(audience, event, self.wall());
    }
}
