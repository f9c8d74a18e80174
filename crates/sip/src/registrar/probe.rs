//! Is a phone there? It is asked by OPTIONS; silence makes it unreachable, any answer reachable.

use std::time::Duration;

use model::Mono;

use super::table::{Number, Registrar};
use super::{Binding, RegistrarOutput};

impl Registrar {
    /// Whether a phone answered: a probe, or any other request. What it answers does not matter.
    pub fn handle_probe(&mut self, aor: &str, contact: &str, answered: bool, now: Mono) {
        let known = self.of(aor).find(|(_, known)| known.binding.contact == contact);
        if let Some((number, _)) = known {
            self.set_reachable(number, answered);
            if answered {
                self.plan_probe(number, now);
            }
        }
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

    /// When a contact's next turn is: the end of the probe that waits, or the next probe.
    fn turn(binding: &Binding) -> Option<Mono> {
        binding.probe_ends.or(binding.probe_at)
    }

    /// Plans the next probe; one that waits is answered.
    pub(super) fn plan_probe(&mut self, number: Number, now: Mono) {
        let interval = Duration::from_millis(self.config.probe_interval_ms);
        if interval.is_zero() {
            return;
        }
        if let Some(known) = self.contacts.get_mut(&number) {
            if let Some(at) = Self::turn(&known.binding) {
                self.probes.remove(&(at, number));
            }
            let at = now + interval;
            (known.binding.probe_at, known.binding.probe_ends) = (Some(at), None);
            self.probes.insert((at, number));
        }
    }

    /// Forgets a contact's probe.
    pub(super) fn drop_probe(&mut self, number: Number, binding: &Binding) {
        if let Some(at) = Self::turn(binding) {
            self.probes.remove(&(at, number));
        }
    }

    pub(super) fn probe_due(&mut self, now: Mono) {
        while let Some((at, number)) = self.probes.first().copied().filter(|(at, _)| *at <= now) {
            self.probes.remove(&(at, number));
            let timeout = Duration::from_millis(self.config.probe_timeout_ms);
            let interval = Duration::from_millis(self.config.probe_interval_ms);
            let Some(known) = self.contacts.get_mut(&number) else {
                continue;
            };
            if known.binding.probe_ends.take().is_some() {
                let next = now + interval;
                known.binding.probe_at = Some(next);
                self.probes.insert((next, number));
                self.set_reachable(number, false);
                continue;
            }
            let ends = now + timeout;
            known.binding.probe_ends = Some(ends);
            let (aor, contact) = (known.aor.clone(), known.binding.contact.clone());
            let flow = known.binding.flow;
            self.probes.insert((ends, number));
            self.outputs.push_back(RegistrarOutput::Probe { aor, contact, flow });
        }
    }
}
