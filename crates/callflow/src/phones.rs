//! Agents' phones: REGISTER, and whether a phone can be rung.

use acd::Input as AcdInput;
use model::{AgentId, AgentStatus, FactBody, NotReadyReason, Transport, UserId};
use sip::digest::{Algorithm, Authenticator, Verdict};
use sip::{Flow, FromBrain, Message, RegistrarOutput, ResponseBuilder, ServerTx, Uri};

use crate::{Callflow, Config, Output};

/// How long a nonce is good: a phone that registers less often is challenged anew, which it does
/// not notice.
const NONCE_TTL_MS: u64 = 3_600_000;

/// Challenges phones.
pub(crate) struct Challenger {
    pub(crate) authenticator: Authenticator,
}

impl Challenger {
    pub(crate) fn new(config: &Config) -> Self {
        let authenticator = Authenticator::new(&config.realm, config.secret, NONCE_TTL_MS);
        Self { authenticator }
    }
}

impl Callflow {
    /// REGISTER is always challenged (RFC 3261 §10.3, §22).
    pub(crate) fn handle_register(&mut self, tx: ServerTx, request: &Message, flow: Flow) {
        let user = self.challenger.authenticator.claimed_user(request);
        let phone = user.as_deref().and_then(|user| self.config.phones.get(user));
        let secrets = phone.map(|phone| &phone.secrets);
        let verdict = self.challenger.authenticator.verify(request, secrets, self.now);
        let message = match (verdict, user) {
            (Verdict::Accepted, Some(user)) => self.register(&user, request, flow),
            (Verdict::Accepted, None) | (Verdict::Missing | Verdict::Refused, _) => {
                self.challenge(request, false)
            }
            (Verdict::Stale, _) => self.challenge(request, true),
        };
        self.outputs.push_back(Output::Sip(FromBrain::Respond { tx, message }));
    }

    /// 401 with a challenge for each algorithm of the account that To names; where it names none,
    /// the default's, so that nobody learns who has an account.
    fn challenge(&mut self, request: &Message, stale: bool) -> Message {
        let to = request.to().and_then(|to| to.uri());
        let user = to.map(|uri| uri.user_decoded().into_owned()).unwrap_or_default();
        let algorithms: Vec<Algorithm> = match self.config.phones.get(user.as_str()) {
            Some(phone) => phone.secrets.algorithms().collect(),
            None => self.config.default_algorithms.clone(),
        };
        let mut response = ResponseBuilder::to(request, 401).to_tag("challenge");
        for value in self.challenger.authenticator.challenge(&algorithms, stale, self.now) {
            response = response.header("WWW-Authenticate", value);
        }
        response.build()
    }

    fn register(&mut self, user: &str, request: &Message, flow: Flow) -> Message {
        let to = request.to().and_then(|to| to.uri());
        if to.is_none_or(|uri| uri.user_decoded() != user) {
            // RFC 3261 §10.3 step 4: not one's own address of record.
            return ResponseBuilder::to(request, 403).to_tag("register").build();
        }
        let response = self.registrar.handle_register(user, request, flow, "register", self.now);
        if response.status() == Some(200) {
            self.note_bindings(user);
        }
        self.drain_registrar();
        if response.status() == Some(200) && !self.registrar.bindings(user).is_empty() {
            self.phone_registered(&AgentId::from(user));
        }
        response
    }

    /// Every registration is a fact, so that a restarted engine knows its phones.
    fn note_bindings(&mut self, user: &str) {
        let bindings: Vec<FactBody> = self
            .registrar
            .bindings(user)
            .into_iter()
            .map(|binding| FactBody::Registered {
                aor: user.to_owned(),
                contact: binding.contact.clone(),
                path: Vec::new(),
                flow: written(&binding.flow),
                sip_call_id: binding.call_id().to_owned(),
                cseq: binding.cseq(),
                expires: self.wall_at(binding.expires_at),
            })
            .collect();
        for body in bindings {
            self.note(body);
        }
    }

    /// A phone that can be rung; by the account's setting its agent is ready with it, unless the
    /// agent has said otherwise. After a call that was missed an agent at a desktop says so there;
    /// who only waited for the phone does not have to.
    fn phone_registered(&mut self, agent: &AgentId) {
        let reachable = AcdInput::PhoneReachable { agent: agent.clone(), reachable: true };
        self.acd.handle_input(reachable, self.now);
        let makes_ready =
            self.config.phones.get(agent).is_some_and(|phone| phone.ready_when_registered);
        let at_desktop = self.cti.is_connected(&UserId::from(agent.as_str()));
        let Some(status) = self.acd.agent(agent).map(|view| view.status) else { return };
        let by_engine = match status {
            AgentStatus::SignedOut => true,
            AgentStatus::NotReady { reason } => {
                let waited_for_phone =
                    matches!(reason, NotReadyReason::SignedIn | NotReadyReason::Unreachable);
                !reason.is_agents_choice() && (!at_desktop || waited_for_phone)
            }
            AgentStatus::Ready => false,
        };
        if makes_ready && by_engine {
            self.acd.handle_input(AcdInput::Ready { agent: agent.clone() }, self.now);
        }
    }

    pub(crate) fn expire_registrations(&mut self) {
        self.registrar.handle_timeout(self.now);
        self.drain_registrar();
    }

    pub(crate) fn drain_registrar(&mut self) {
        while let Some(output) = self.registrar.poll_output() {
            match output {
                RegistrarOutput::Bound { .. } => {}
                RegistrarOutput::Unbound { aor, contact, cause: _, left } => {
                    self.note(FactBody::Unregistered { aor: aor.clone(), contact });
                    self.phone_reachable(&aor, left > 0);
                }
                RegistrarOutput::Reachable { aor, contact: _, reachable: _, left } => {
                    self.phone_reachable(&aor, left > 0);
                }
                // Probing is off: a phone that is gone is noticed when it is rung.
                RegistrarOutput::Probe { .. } => {}
            }
        }
    }

    fn phone_reachable(&mut self, aor: &str, reachable: bool) {
        let agent = AgentId::from(aor);
        self.acd.handle_input(AcdInput::PhoneReachable { agent, reachable }, self.now);
    }

    /// Where an agent's phone is rung.
    pub(crate) fn phone_contact(&self, agent: &AgentId) -> Option<(Flow, String, Vec<String>)> {
        let bindings = self.registrar.bindings(agent.as_str());
        let binding = bindings.into_iter().find(|binding| binding.reachable)?;
        let mut flow = binding.flow;
        // Without a proxy in between a UDP phone is where its Contact says, if that is an address;
        // behind NAT it is where the REGISTER came from (RFC 3581), which the flow is.
        if flow.transport == Transport::Udp
            && let Some(address) = Uri::parse(&binding.contact).and_then(|uri| uri.socket_addr())
            && address.ip() == flow.remote.ip()
        {
            flow.remote = address;
        }
        Some((flow, binding.contact.clone(), Vec::new()))
    }
}

/// A flow as a fact keeps it: `udp 192.0.2.1:5060 192.0.2.7:5062`.
pub(crate) fn written(flow: &Flow) -> String {
    let transport = match flow.transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
    };
    format!("{transport} {} {}", flow.local, flow.remote)
}

/// The flow back from a fact. A TCP connection did not survive: a new one will be opened.
pub(crate) fn read_flow(text: &str) -> Option<Flow> {
    let mut words = text.split(' ');
    let transport = match words.next()? {
        "udp" => Transport::Udp,
        "tcp" => Transport::Tcp,
        _ => return None,
    };
    let (local, remote) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Flow { transport, local, remote, connection: 0, listener: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_read_back_as_written() {
        for text in ["udp 192.0.2.1:5060 192.0.2.7:5062", "tcp [::1]:5060 [::1]:40000"] {
            let flow = read_flow(text).expect("it is a flow");
            assert_eq!(written(&flow), text);
        }
        for text in ["", "udp", "sctp 192.0.2.1:5060 192.0.2.7:5062", "udp x y"] {
            assert!(read_flow(text).is_none(), "{text}");
        }
    }
}
