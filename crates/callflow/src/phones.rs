//! Agents' phones: REGISTER, credentials, and whether a phone can be rung.

use std::collections::BTreeMap;

use access::{Lockout, Verdict as Attempt};
use acd::Input as AcdInput;
use model::{AgentId, AgentStatus, FactBody, Id, LegId, NotReadyReason, Transport, UserId};
use sip::digest::{Algorithm, Authenticator, Verdict};
use sip::{
    Binding, Flow, FromBrain, Message, Method, Name, RegistrarOutput, ResponseBuilder, ServerTx,
    Uri,
};

use crate::{Callflow, Config, Output};

/// How long a nonce is good: a phone that registers less often is challenged anew, which it does
/// not notice.
const NONCE_TTL_MS: u64 = 3_600_000;

/// How many phones of one agent ring together, however many may register.
const RINGING_MAX: usize = 10;

/// Where a phone is rung: the way to it, its URI, and the proxies before it.
pub(crate) type Contact = (Flow, String, Vec<String>);

/// No leg has this number.
const NOBODY: LegId = LegId(Id(0));

/// One phone of an agent's, by the identity that it registers with (RFC 5626 §4.1): whoever calls
/// a GRUU means that one (RFC 5627).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance(pub(crate) String);

/// Who is challenged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// An agent's phone.
    Phone,
    /// A line that is known by its credentials.
    Trunk,
}

/// Challenges phones and trunks.
pub(crate) struct Challenger {
    pub(crate) authenticator: Authenticator,
    pub(crate) lockout: Lockout,
    /// Which algorithms accounts have, and how many have them.
    algorithms: BTreeMap<Vec<Algorithm>, u64>,
}

impl Challenger {
    pub(crate) fn new(config: &Config) -> Self {
        let mut algorithms: BTreeMap<Vec<Algorithm>, u64> = BTreeMap::new();
        for phone in config.phones.values() {
            *algorithms.entry(phone.secrets.algorithms().collect()).or_default() += 1;
        }
        Self {
            authenticator: Authenticator::new(&config.realm, config.secret, NONCE_TTL_MS),
            lockout: Lockout::new(config.lockout),
            algorithms,
        }
    }

    /// The algorithms of an account that does not exist: those of one that could, the same each
    /// time and as often as among the accounts that do.
    fn algorithms_of_nobody(&self, chance: u64) -> Option<Vec<Algorithm>> {
        let accounts: u64 = self.algorithms.values().sum();
        let mut place = chance.checked_rem(accounts)?;
        for (algorithms, count) in &self.algorithms {
            match place.checked_sub(*count) {
                Some(left) => place = left,
                None => return Some(algorithms.clone()),
            }
        }
        None
    }
}

impl Callflow {
    /// REGISTER is always challenged (RFC 3261 §10.3, §22), where phones are served at all.
    pub(crate) fn handle_register(&mut self, tx: ServerTx, request: &Message, flow: Flow) {
        let message = if self.side_of(&flow).serves_agents() {
            match self.check_credentials(request, &flow, Whose::Phone) {
                Ok(user) => self.register(&user, request, flow),
                Err(refusal) => refusal,
            }
        } else {
            ResponseBuilder::to(request, 403).to_tag("register").build()
        };
        self.outputs.push_back(Output::Sip(FromBrain::Respond { tx, message }));
    }

    /// The user whose credentials a request has, or the answer to those that are not accepted.
    /// Whether such a user exists changes neither the answer nor the work.
    pub(crate) fn check_credentials(
        &mut self,
        request: &Message,
        flow: &Flow,
        whose: Whose,
    ) -> Result<String, Message> {
        let user = self.challenger.authenticator.claimed_user(request);
        let Some(user) = user.map(std::borrow::Cow::into_owned) else {
            return Err(self.challenge(request, whose, false));
        };
        let (source, now) = (flow.remote.ip(), self.now);
        // A phone whose registration stands is not locked out by what others guess.
        let (stands, name) = match whose {
            Whose::Phone => (self.registrar.is_host_of(source, &user), user.clone()),
            Whose::Trunk => (false, format!("trunk {user}")),
        };
        if !stands {
            match self.challenger.lockout.handle_look(&name, source, now) {
                Attempt::Check => {}
                Attempt::Wait { retry_after_ms } | Attempt::Locked { retry_after_ms } => {
                    let retry_after_s = retry_after_ms.div_ceil(1_000);
                    let response = ResponseBuilder::to(request, 503).to_tag("locked");
                    return Err(response.header("Retry-After", retry_after_s).build());
                }
            }
        }
        let secrets = match whose {
            Whose::Phone => self.config.phones.get(user.as_str()).map(|phone| &phone.secrets),
            Whose::Trunk => self.config.trunk_secrets.get(&user),
        };
        match self.challenger.authenticator.verify(request, secrets, now) {
            Verdict::Accepted => {
                self.challenger.lockout.handle_succeeded(&name);
                Ok(user)
            }
            Verdict::Stale => Err(self.challenge(request, whose, true)),
            Verdict::Missing => Err(self.challenge(request, whose, false)),
            Verdict::Refused => {
                if !stands {
                    self.challenger.lockout.handle_refused(&name, source, now);
                }
                Err(self.challenge(request, whose, false))
            }
        }
    }

    /// 401 with a challenge for each algorithm of the account that asks; where it names none,
    /// those of an account that could be, so that nobody learns who has one.
    fn challenge(&mut self, request: &Message, whose: Whose, stale: bool) -> Message {
        let algorithms = match whose {
            Whose::Phone => self.phones_algorithms(request),
            Whose::Trunk => self.config.default_algorithms.clone(),
        };
        let mut response = ResponseBuilder::to(request, 401).to_tag("challenge");
        for value in self.challenger.authenticator.challenge(&algorithms, stale, self.now) {
            response = response.header("WWW-Authenticate", value);
        }
        response.build()
    }

    fn phones_algorithms(&self, request: &Message) -> Vec<Algorithm> {
        // A REGISTER is about the address in To, a call is made by the one in From.
        let whose = match request.method() {
            Method::Register => request.to(),
            _ => request.from(),
        };
        let uri = whose.and_then(|address| address.uri());
        let user = uri.map(|uri| uri.user_decoded().into_owned()).unwrap_or_default();
        match self.config.phones.get(user.as_str()) {
            Some(phone) => phone.secrets.algorithms().collect(),
            None => {
                let token = self.tokens.token(NOBODY, &format!("algorithms {user}"));
                let chance = u64::from_str_radix(&token, 16).unwrap_or(0);
                let like_others = self.challenger.algorithms_of_nobody(chance);
                like_others.unwrap_or_else(|| self.config.default_algorithms.clone())
            }
        }
    }

    fn register(&mut self, user: &str, request: &Message, flow: Flow) -> Message {
        let to = request.to().and_then(|to| to.uri());
        if to.is_none_or(|uri| uri.user_decoded() != user) {
            // RFC 3261 §10.3 step 4: not one's own address of record.
            return ResponseBuilder::to(request, 403).to_tag("register").build();
        }
        let domains = [Uri::parse(request.uri()), to];
        let is_elsewhere = |uri: &Uri<'_>| !self.is_ours(uri);
        if !self.config.domains.is_empty() && domains.iter().flatten().any(is_elsewhere) {
            // Steps 1 and 5: of no domain that is served here.
            return ResponseBuilder::to(request, 404).to_tag("register").build();
        }
        let response = self.registrar.handle_register(user, request, flow, "register", self.now);
        // One without a Contact only asks (RFC 3261 §10.2.3).
        let changes = request.first(Name::Contact).is_some();
        // What is gone first: a contact may have been taken back and bound again.
        self.drain_registrar();
        if response.status() == Some(200) && changes {
            self.note_bindings(user);
        }
        if response.status() == Some(200) && changes && self.registrar.reachable(user) > 0 {
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
                path: binding.path.clone(),
                flow: written(&binding.flow),
                sip_call_id: binding.call_id().to_owned(),
                cseq: binding.cseq(),
                expires: self.wall_at(binding.expires_at),
                answers_options: binding.answers_options,
                instance: binding.instance.clone(),
                reg_id: binding.reg_id,
            })
            .collect();
        for body in bindings {
            self.note(body);
        }
    }

    /// A phone that can be rung; by the account's setting its agent is ready with it, unless the
    /// agent has said otherwise. After a call that was missed an agent at a desktop says so there;
    /// who only waited for the phone does not have to.
    pub(crate) fn phone_registered(&mut self, agent: &AgentId) {
        self.phone_reachable(agent, true);
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
                    self.phone_reachable(&AgentId::from(aor), left > 0);
                }
                RegistrarOutput::Reachable { aor, contact: _, reachable: true, left: _ } => {
                    self.phone_answers_again(&AgentId::from(aor));
                }
                RegistrarOutput::Reachable { aor, contact: _, reachable: false, left } => {
                    self.phone_reachable(&AgentId::from(aor), left > 0);
                }
                RegistrarOutput::Probe { aor, contact, flow, path } => {
                    self.probe(aor, contact, flow, &path);
                }
            }
        }
    }

    pub(crate) fn phone_reachable(&mut self, agent: &AgentId, reachable: bool) {
        let agent = agent.clone();
        self.acd.handle_input(AcdInput::PhoneReachable { agent, reachable }, self.now);
    }

    /// Where an agent's phones are rung: all of them together, by the configuration, or the best
    /// alone.
    pub(crate) fn phone_contacts(
        &self,
        agent: &AgentId,
        instance: Option<&Instance>,
    ) -> Vec<Contact> {
        let most = if self.config.ring_all_phones { RINGING_MAX } else { 1 };
        self.phones_meant(agent, instance).into_iter().take(most).map(contact_of).collect()
    }

    /// The agent's phones that answer, the best first. Of one phone that has registered several
    /// ways the first alone: it would ring against itself (RFC 5626 §6).
    fn phones_meant(&self, agent: &AgentId, instance: Option<&Instance>) -> Vec<&Binding> {
        let mut meant: Vec<&Binding> = Vec::new();
        for binding in self.registrar.bindings(agent.as_str()) {
            let named = binding.instance.as_deref();
            let is_again = |known: &&Binding| named.is_some() && known.instance.as_deref() == named;
            let is_meant = instance.is_none_or(|one| named == Some(&*one.0));
            if binding.reachable && is_meant && !meant.iter().any(is_again) {
                meant.push(binding);
            }
        }
        meant
    }
}

fn contact_of(binding: &Binding) -> Contact {
    let flow = way_to(&binding.contact, binding.flow, &binding.path);
    (flow, binding.contact.clone(), binding.path.clone())
}

/// Where a request to a contact goes. Without a proxy in between a UDP phone is where its Contact
/// says, if that is an address; behind NAT or a proxy it is reached the way that its REGISTER came
/// (RFC 3581, RFC 3327), which the flow is.
pub(crate) fn way_to(contact: &str, mut flow: Flow, path: &[String]) -> Flow {
    if flow.transport == Transport::Udp
        && path.is_empty()
        && let Some(address) = Uri::parse(contact).and_then(|uri| uri.socket_addr())
        && address.ip() == flow.remote.ip()
    {
        flow.remote = address;
    }
    flow
}

/// A flow as a fact keeps it: `udp 192.0.2.1:5060 192.0.2.7:5062`.
pub(crate) fn written(flow: &Flow) -> String {
    format!("{} {} {}", flow.transport.as_str(), flow.local, flow.remote)
}

/// The flow back from a fact. A connection did not survive: a new one will be opened.
pub(crate) fn read_flow(text: &str) -> Option<Flow> {
    let mut words = text.split(' ');
    let transport = Transport::from_name(words.next()?)?;
    let (local, remote) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Flow { transport, local, remote, connection: 0, listener: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_where_its_contact_says_unless_a_proxy_or_a_nat_is_before_it() {
        let from = read_flow("udp 192.0.2.1:5060 192.0.2.7:40000").expect("it is a flow");
        let to = |contact: &str, path: &[&str]| {
            let path: Vec<String> = path.iter().map(|uri| (*uri).to_owned()).collect();
            way_to(contact, from, &path).remote.to_string()
        };
        assert_eq!(to("sip:8001@192.0.2.7:5070", &[]), "192.0.2.7:5070");
        assert_eq!(to("sip:8001@10.0.0.7:5070", &[]), "192.0.2.7:40000", "behind NAT");
        assert_eq!(to("sip:8001@phone.invalid", &[]), "192.0.2.7:40000");
        // RFC 3327 §5.1: the proxy that passed the REGISTER on is the way.
        let path = ["sip:edge@192.0.2.7;lr"];
        assert_eq!(to("sip:8001@192.0.2.7:5070", &path), "192.0.2.7:40000");
        let over_tcp = Flow { transport: Transport::Tcp, ..from };
        assert_eq!(way_to("sip:8001@192.0.2.7:5070", over_tcp, &[]), over_tcp);
    }

    #[test]
    fn unknown_users_have_the_algorithms_that_accounts_have_as_often() {
        let (strong, weak) = (vec![Algorithm::Sha256, Algorithm::Md5], vec![Algorithm::Md5]);
        let mut challenger = Challenger {
            authenticator: Authenticator::new("hotline", [1; 32], NONCE_TTL_MS),
            lockout: Lockout::new(access::LockoutConfig::default()),
            algorithms: BTreeMap::from([(strong.clone(), 3), (weak.clone(), 7)]),
        };
        let picks: Vec<_> =
            (0..10).filter_map(|chance| challenger.algorithms_of_nobody(chance)).collect();
        let count = |wanted: &Vec<Algorithm>| picks.iter().filter(|pick| *pick == wanted).count();
        assert_eq!((count(&strong), count(&weak)), (3, 7));
        assert_eq!(challenger.algorithms_of_nobody(13), challenger.algorithms_of_nobody(3));
        challenger.algorithms.clear();
        assert_eq!(challenger.algorithms_of_nobody(1), None, "there are no accounts");
    }

    #[test]
    fn a_flow_is_read_back_as_written() {
        for text in ["udp 192.0.2.1:5060 192.0.2.7:5062", "wss [::1]:5060 [::1]:40000"] {
            let flow = read_flow(text).expect("it is a flow");
            assert_eq!(written(&flow), text);
        }
        for text in ["", "udp", "sctp 192.0.2.1:5060 192.0.2.7:5062", "udp x y"] {
            assert!(read_flow(text).is_none(), "{text}");
        }
    }
}
