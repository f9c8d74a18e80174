//! Is a phone there? It is asked by OPTIONS (RFC 3261 §11), and its agent is offered calls only
//! while it answers.

use std::time::Duration;

use call::ALLOW;
use model::{AgentId, AgentStatus, Mono, NotReadyReason};
use sip::{ClientTx, Flow, Message, Method, RequestBuilder, ToBrain};

use crate::Callflow;
use crate::phones::way_to;
use crate::signalling::on_its_flow;

/// How long after a restart an agent who was ready before it is ready again with the phone's
/// answer; later they may have left with the phone.
const RECOVERY: Duration = Duration::from_secs(30);

/// A question that has left.
#[derive(Debug)]
pub(crate) struct Probed {
    aor: String,
    contact: String,
    asked_at: Mono,
    /// Whether a proxy stands before the phone and may answer in its place.
    by_proxy: bool,
}

impl Callflow {
    /// Asks a phone whether it is there.
    pub(crate) fn probe(&mut self, aor: String, contact: String, flow: Flow, path: &[String]) {
        let flow = way_to(&contact, flow, path);
        let number = self.mint_leg();
        let token = |purpose| self.tokens.token(number, purpose);
        let ours = format!("<{}>", flow.our_uri(None));
        let request = RequestBuilder::new(Method::Options, &contact)
            .from(&ours, &token("tag"))
            .to(&format!("<{contact}>"), None)
            .call_id(&token("call-id"))
            .cseq(1)
            .contact(&ours);
        let request = path
            .iter()
            .fold(request, |request, proxy| request.header("Route", format_args!("<{proxy}>")));
        let request = request.header("Allow", ALLOW).header("Accept", "application/sdp").build();
        let by_proxy = !path.is_empty();
        let tx = self.send(on_its_flow(request), flow);
        self.probes.insert(tx, Probed { aor, contact, asked_at: self.now, by_proxy });
    }

    /// Whether an event is about a question to a phone; if so, it is dealt with.
    pub(crate) fn handle_probe_event(&mut self, event: &ToBrain) -> bool {
        match event {
            ToBrain::Response { tx, message, flow: _ } => self.probe_answered(*tx, message),
            // The registrar has noticed the silence long before.
            ToBrain::Timeout { tx } => self.probes.remove(tx).is_some(),
            ToBrain::TransportFailed { tx } => self.probe_unsent(*tx),
            ToBrain::Request { .. }
            | ToBrain::Ack { .. }
            | ToBrain::Cancelled { .. }
            | ToBrain::AckTimeout { .. }
            | ToBrain::FlowClosed { .. } => false,
        }
    }

    /// Any answer of a phone says that it is there.
    fn probe_answered(&mut self, tx: ClientTx, response: &Message) -> bool {
        let Some(asked) = self.probes.get(&tx) else { return false };
        let status = response.status().unwrap_or(0);
        if asked.by_proxy && status < 200 {
            return true;
        }
        if let Some(asked) = self.probes.remove(&tx) {
            let answered = !(asked.by_proxy && is_proxys_own(status));
            self.probe_ended(&asked, answered);
        }
        true
    }

    fn probe_ended(&mut self, asked: &Probed, answered: bool) {
        let Probed { aor, contact, asked_at, by_proxy: _ } = asked;
        self.registrar.handle_probe((aor, contact), answered, *asked_at, self.now);
        self.drain_registrar();
    }

    /// A phone that cannot even be asked is not there.
    fn probe_unsent(&mut self, tx: ClientTx) -> bool {
        let Some(asked) = self.probes.remove(&tx) else { return false };
        self.probe_ended(&asked, false);
        true
    }

    /// A phone answers again: an agent who was ready until it fell silent is ready with it, by the
    /// account's setting; who was ready before a restart is so by what was acknowledged then.
    pub(crate) fn phone_answers_again(&mut self, agent: &AgentId) {
        self.phone_reachable(agent, true);
        let setting =
            self.config.phones.get(agent).is_some_and(|phone| phone.ready_when_registered);
        let recovers = self.now < Mono::default() + RECOVERY;
        let returns = self.was_ready.remove(agent).filter(|_| recovers);
        let status = self.acd.agent(agent).map(|view| view.status);
        let waits = status == Some(AgentStatus::NotReady { reason: NotReadyReason::Unreachable });
        match returns {
            // With all that their day had come to.
            Some(restored) if waits => self.acd.restore_agent(restored, self.now),
            Some(_) | None if waits && setting => {
                let ready = acd::Input::Ready { agent: agent.clone() };
                self.acd.handle_input(ready, self.now);
            }
            Some(_) | None => {}
        }
    }
}

/// What a proxy says itself of a phone that it does not reach (RFC 3261 §16.7, RFC 5626 §5.3.1).
const fn is_proxys_own(status: u16) -> bool {
    matches!(status, 408 | 430 | 480 | 500 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use super::is_proxys_own;

    #[test]
    fn what_only_a_phone_says_is_a_sign_of_life() {
        for status in [200, 401, 404, 405, 481, 486, 501, 603] {
            assert!(!is_proxys_own(status), "{status}");
        }
        for status in [408, 430, 480, 503, 504] {
            assert!(is_proxys_own(status), "{status}");
        }
    }
}
