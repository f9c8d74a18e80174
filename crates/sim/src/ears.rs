//! What callers hear: from the first agent's answer on somebody or music, always.

use std::collections::{BTreeMap, BTreeSet};

use media::{LegMedia, Source};
use model::{CallId, Fact, FactBody, LegId, Mono, Target};

/// The most silences that are kept: the first ones tell enough.
const SILENCES_MAX: usize = 20;

#[derive(Debug, Default)]
pub(crate) struct Ears {
    now: Mono,
    callers: BTreeMap<LegId, CallId>,
    served: BTreeSet<CallId>,
    silences: Vec<String>,
}

impl Ears {
    pub(crate) fn handle(&mut self, fact: &Fact) {
        self.now = fact.mono;
        match &fact.body {
            FactBody::CallArrived { call, leg, .. } => {
                self.callers.insert(*leg, *call);
            }
            FactBody::CalledInside { call, leg, to: Target::Queue(_), .. } => {
                self.callers.insert(*leg, *call);
            }
            FactBody::AgentAnswered { call, .. } => {
                self.served.insert(*call);
            }
            // Whom an agent has called has the caller's place.
            FactBody::NumberAnswered { call, leg, .. } => {
                self.callers.insert(*leg, *call);
                self.served.insert(*call);
            }
            FactBody::LegEnded { call, leg, .. } if self.callers.contains_key(leg) => {
                self.callers.remove(leg);
                self.served.remove(call);
            }
            _ => {}
        }
    }

    /// Looks at every caller whom an agent has answered. To be called when all is done that a
    /// moment brings.
    pub(crate) fn listen(&mut self, media: &BTreeMap<LegId, LegMedia>) {
        let served = self.callers.iter().filter(|(_, call)| self.served.contains(call));
        for (leg, call) in served {
            let Some(hears) = media.get(leg).map(|media| &media.hears) else { continue };
            let is_heard = match hears {
                Source::Silence => false,
                Source::Play(_) => true,
                Source::Leg(other) => media.contains_key(other),
                Source::Mix(others) => others.iter().any(|other| media.contains_key(other)),
            };
            if !is_heard && self.silences.len() < SILENCES_MAX {
                let at = self.now.as_ms();
                self.silences.push(format!("at {at} ms the caller of {call} hears {hears:?}"));
            }
        }
    }

    pub(crate) fn silences(&self) -> &[String] {
        &self.silences
    }
}
