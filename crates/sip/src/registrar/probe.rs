//! Is a phone there? It is asked by OPTIONS; silence makes it unreachable, any answer reachable.
//!
//! What is due costs what is due, however many phones are registered. A silent phone's question
//! goes on being repeated by its transaction, so a phone that comes back is noticed by its late
//! answer; it is asked anew when that transaction is over.

use std::time::Duration;

use model::Mono;

use super::table::{Number, Registrar};
use super::{Binding, Probe, RegistrarOutput};
use crate::T1_64;

/// Between two questions to phones that were taken over from before a restart: 2,000 a second.
const RESTORED_EVERY: Duration = Duration::from_micros(500);

impl Registrar {
    /// Whether a phone answered a probe: `false` if it could not even be sent. What it answers does
    /// not matter, nor how late.
    ///
    /// That a phone was not reached which has registered since it was asked, at `asked_at`, means
    /// nothing.
    pub fn handle_probe(
        &mut self,
        (aor, contact): (&str, &str),
        answered: bool,
        asked_at: Mono,
        now: Mono,
    ) {
        let known = self.of(aor).find(|(_, known)| known.binding.contact == contact);
        let Some((number, known)) = known else { return };
        if !answered && known.binding.refreshed_at > asked_at {
            return;
        }
        if answered {
            self.prove(number);
        }
        if !self.counts(number) {
            return self.turn(number, Probe::Off);
        }
        self.set_reachable(number, answered);
        let pause = if answered { self.interval() } else { T1_64 };
        self.plan_probe(number, now + pause);
    }

    /// Whether the silence of a phone means that it is not there: it says that it takes OPTIONS,
    /// or has answered once. Another that introduces itself is asked once after each REGISTER, to
    /// learn whether it does.
    pub(super) const fn is_asked(&self, answers_options: bool) -> bool {
        self.config.probe_interval_ms > 0 && (answers_options || self.config.probe_all)
    }

    fn counts(&self, number: Number) -> bool {
        let known = self.contacts.get(&number);
        self.config.probe_all || known.is_some_and(|known| known.binding.answers_options)
    }

    /// A phone has answered, whatever it said of itself.
    fn prove(&mut self, number: Number) {
        if let Some(known) = self.contacts.get_mut(&number) {
            known.binding.answers_options = true;
        }
    }

    const fn interval(&self) -> Duration {
        Duration::from_millis(self.config.probe_interval_ms)
    }

    pub(super) fn set_reachable(&mut self, number: Number, reachable: bool) {
        let Some(known) = self.contacts.get_mut(&number) else {
            return;
        };
        if known.binding.reachable == reachable {
            return;
        }
        known.binding.reachable = reachable;
        let (aor, contact) = (known.aor.clone(), known.binding.contact.clone());
        let left = self.reachable(&aor);
        self.outputs.push_back(RegistrarOutput::Reachable { aor, contact, reachable, left });
    }

    /// A phone has just registered: it is asked after half of the interval to all of it.
    pub(super) fn probe_registered(&mut self, number: Number, now: Mono) {
        let half = self.interval() / 2;
        // The golden ratio spreads consecutive numbers evenly.
        let place = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
        let share = u32::try_from(place).unwrap_or(0);
        self.plan_probe(number, now + half + half * share / 0x1_0000);
    }

    /// Phones from before a restart are asked one after the other, from now on.
    pub(super) fn probe_restored(&mut self, number: Number, now: Mono) {
        self.plan_probe(number, now + RESTORED_EVERY * self.restored);
        self.restored = self.restored.saturating_add(1);
    }

    /// Plans the next question; one that waits for its answer is settled.
    fn plan_probe(&mut self, number: Number, at: Mono) {
        let known = self.contacts.get(&number);
        let is_tried = known.is_some_and(|known| known.binding.introduces_itself);
        if self.config.probe_interval_ms > 0 && (is_tried || self.counts(number)) {
            self.turn(number, Probe::Planned(at));
        }
    }

    /// Changes where a phone's question stands.
    fn turn(&mut self, number: Number, probe: Probe) {
        let Some(known) = self.contacts.get_mut(&number) else { return };
        let old = std::mem::replace(&mut known.binding.probe, probe);
        if let Some(at) = deadline(old) {
            self.probes.remove(&(at, number));
        }
        if let Some(at) = deadline(probe) {
            self.probes.insert((at, number));
        }
    }

    /// Forgets a contact's question.
    pub(super) fn drop_probe(&mut self, number: Number, binding: &Binding) {
        if let Some(at) = deadline(binding.probe) {
            self.probes.remove(&(at, number));
        }
    }

    pub(super) fn probe_due(&mut self, now: Mono) {
        while let Some((_, number)) = self.probes.first().copied().filter(|(at, _)| *at <= now) {
            let Some(known) = self.contacts.get(&number) else { return };
            match known.binding.probe {
                Probe::Planned(_) => {
                    let (aor, contact) = (known.aor.clone(), known.binding.contact.clone());
                    let (flow, path) = (known.binding.flow, known.binding.path.clone());
                    let timeout = Duration::from_millis(self.config.probe_timeout_ms);
                    self.turn(number, Probe::Asked(now + timeout));
                    self.outputs.push_back(RegistrarOutput::Probe { aor, contact, flow, path });
                }
                Probe::Asked(_) if !self.counts(number) => self.turn(number, Probe::Off),
                Probe::Asked(_) => {
                    self.set_reachable(number, false);
                    self.turn(number, Probe::Planned(now + T1_64));
                }
                Probe::Off => return,
            }
        }
    }
}

const fn deadline(probe: Probe) -> Option<Mono> {
    match probe {
        Probe::Off => None,
        Probe::Planned(at) | Probe::Asked(at) => Some(at),
    }
}
