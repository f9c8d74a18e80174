//! What an engine that was killed leaves to the next one, as the store would read it.

use std::collections::BTreeMap;

use callflow::{KeptAgent, Recovery};
use model::{AgentId, AgentStatus, Fact, FactBody};
use report::{CallRecords, Limits};

use crate::hotline::Settings;

/// What the next engine takes over: calls, phones and agents of `left`, and what stands besides.
pub(crate) fn recovery(settings: &Settings) -> Recovery {
    let left = &settings.left;
    let calls = CallRecords::new(Limits::default()).recover(left).open;
    let (mut phones, mut agents) = (BTreeMap::new(), BTreeMap::new());
    for fact in left {
        match &fact.body {
            FactBody::Registered { aor, contact, .. } => {
                phones.insert((aor.clone(), contact.clone()), fact.body.clone());
            }
            FactBody::Unregistered { aor, contact } => {
                phones.remove(&(aor.clone(), contact.clone()));
            }
            _ => agents.extend(last_of(fact)),
        }
    }
    let at_work = agents.into_values().filter(|kept| kept.status != AgentStatus::SignedOut);
    Recovery {
        calls,
        registrations: phones.into_values().collect(),
        agents: at_work.collect(),
        standing: left.iter().chain(&settings.standing).cloned().collect(),
        recent: Vec::new(),
    }
}

/// How an agent is from this fact on, if it says so.
fn last_of(fact: &Fact) -> Option<(AgentId, KeptAgent)> {
    let FactBody::AgentChanged { agent, status, state, call, next, day } = &fact.body else {
        return None;
    };
    let status = next.unwrap_or(*status);
    let (state, call, day) = (*state, *call, day.as_deref().cloned());
    Some((agent.clone(), KeptAgent { agent: agent.clone(), status, state, call, day }))
}

/// The number of the engine's start.
pub(crate) fn epoch(settings: &Settings) -> u32 {
    settings.left.last().map_or(1, |fact| fact.epoch + 1)
}
