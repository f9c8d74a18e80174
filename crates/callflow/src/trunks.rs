//! Lines to carriers: registered with them, asked whether they are there, shown on the board.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use call::ALLOW;
use cti::{Audience, Event};
use model::{FactBody, HangupCause, Id, LegId, Mono, TrunkId};
use sip::locate::Target as Server;
use sip::{
    ClientTx, Flow, Message, Method, RegistrarServer, Registration, RegistrationConfig,
    RegistrationOutput, RequestBuilder, ToBrain, Uri,
};
use trunk::{Health, HealthOutput, Outward, Peer, Target, Trunk};

use crate::Callflow;
use crate::places::Places;
use crate::sides::Side;

/// How often the board is told of a line's calls: each change at once would be thousands a second.
const SHOWN_EVERY: Duration = Duration::from_secs(1);
/// How long the engine's end waits for carriers to take registrations back.
const LEAVING: Duration = Duration::from_secs(2);
/// No leg has this number: what lines need tokens for.
pub(crate) const NO_LEG: LegId = LegId(Id(0));

/// A request to a carrier outside of any call.
#[derive(Debug)]
pub(crate) enum LineRequest {
    /// Is it there?
    Options { peer: Peer, asked_at: Mono },
    /// A REGISTER.
    Register { peer: Peer },
}

/// What is known of all lines.
#[derive(Default)]
pub(crate) struct Lines {
    health: Health,
    registrations: BTreeMap<TrunkId, Registration>,
    /// The servers that each of them knows, in its order.
    registrars: BTreeMap<TrunkId, Vec<Peer>>,
    /// Where targets are that are names.
    pub(crate) places: Places,
    requests: BTreeMap<ClientTx, LineRequest>,
    /// The user part of the Contact that a line is registered with.
    contacts: BTreeMap<String, TrunkId>,
    /// What the board has not been told, and when it will be.
    changed: BTreeSet<TrunkId>,
    shown_at: Option<Mono>,
    /// Until when registrations that are taken back are waited for.
    leave_by: Option<Mono>,
}

impl Lines {
    pub(crate) fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        let registrations = self.registrations.values().filter_map(Registration::poll_timeout);
        let shown = self.shown_at.map(|at| (at, "what the board is told of lines"));
        let left = self.leave_by.map(|at| (at, "registrations are taken back"));
        registrations.chain(self.health.poll_timeout()).chain(shown).chain(left).min()
    }

    /// Whether no registration is waited for at the engine's end.
    pub(crate) fn have_left(&self) -> bool {
        self.leave_by.is_none() || self.registrations.values().all(Registration::is_over)
    }

    pub(crate) fn is_reachable(&self, trunk: &TrunkId, target: &Target) -> bool {
        self.health.is_reachable(trunk, target)
    }

    pub(crate) fn is_up(&self, peer: &Peer) -> bool {
        self.health.is_up(peer)
    }

    pub(crate) fn knows(&self, peer: &Peer) -> bool {
        self.health.knows(peer)
    }
}

impl Callflow {
    /// Begins to register and to ask, as configured.
    pub(crate) fn start_lines(&mut self) {
        self.lines.health = Health::new(&self.config.trunks, self.now);
        let lines: Vec<Arc<Trunk>> =
            self.config.trunks.iter().filter(|trunk| trunk.is_outward()).cloned().collect();
        for trunk in lines {
            let targets = trunk.outward.iter().flat_map(|outward| &outward.targets);
            for target in targets {
                self.find_target(target);
            }
            self.start_registration(&trunk);
        }
        self.handle_lines_timeout();
    }

    /// Begins to register a line that does, as soon as it is known where that is.
    fn start_registration(&mut self, trunk: &Trunk) {
        let is_begun = self.lines.registrations.contains_key(&trunk.id);
        let config = (!is_begun && !self.stopping).then(|| self.registration(trunk)).flatten();
        let Some(config) = config else { return };
        let contact = Uri::parse(&config.contact).map(|uri| uri.user().to_owned());
        self.lines.contacts.extend(contact.map(|user| (user, trunk.id.clone())));
        let registration = Registration::new(config, self.now);
        self.lines.registrations.insert(trunk.id.clone(), registration);
        let servers = self.line_servers(trunk).into_iter().map(|(peer, _)| peer).collect();
        self.lines.registrars.insert(trunk.id.clone(), servers);
    }

    /// A name was looked up: lines ask, and register with, the servers that it has now.
    pub(crate) fn servers_changed(&mut self, target: &Target) {
        let has_it = |outward: &Outward| outward.targets.contains(target);
        let trunks = self.config.trunks.iter();
        let lines = trunks.filter(|trunk| trunk.outward.as_ref().is_some_and(has_it));
        let lines: Vec<Arc<Trunk>> = lines.cloned().collect();
        let found: Vec<Server> =
            self.servers(target).into_iter().filter_map(|(server, _)| server).collect();
        for trunk in lines {
            self.lines.health.handle_servers((&trunk.id, target), &found, self.now);
            self.start_registration(&trunk);
            self.health_changed(&trunk);
        }
    }

    /// What is known of a line's servers has changed: it is registered with one that is there.
    fn health_changed(&mut self, trunk: &Trunk) {
        let servers: Vec<Peer> =
            self.line_servers(trunk).into_iter().map(|(peer, _)| peer).collect();
        let Some(before) = self.lines.registrars.get(&trunk.id).filter(|_| !servers.is_empty())
        else {
            return;
        };
        let known = |peer: &Peer| RegistrarServer {
            was: before.iter().position(|one| one == peer),
            is_up: self.lines.is_up(peer),
        };
        let states: Vec<RegistrarServer> = servers.iter().map(known).collect();
        if let Some(registration) = self.lines.registrations.get_mut(&trunk.id) {
            registration.handle_servers(&states, self.now);
        }
        self.lines.registrars.insert(trunk.id.clone(), servers);
    }

    /// What a line registers with its carrier, if it does.
    fn registration(&self, trunk: &Trunk) -> Option<RegistrationConfig> {
        let outward = trunk.outward.as_ref()?;
        let (expires_s, account) = (outward.register_s?, outward.account.clone()?);
        let domain = domain(outward, outward.targets.first()?);
        let servers = self.line_servers(trunk);
        let (_, flow) = servers.first()?;
        let token = |purpose: &str| self.tokens.token(NO_LEG, &format!("{purpose} {}", trunk.id));
        let seed = u64::from_str_radix(&token("chance"), 16).unwrap_or(0);
        Some(RegistrationConfig {
            registrar: format!("sip:{domain}"),
            aor: format!("sip:{}@{domain}", account.user),
            contact: flow.our_uri(Some(&contact_user(&trunk.id))),
            expires_s,
            account,
            servers: servers.len(),
            call_id: token("register"),
            tag: token("register-tag"),
            seed,
        })
    }

    /// Takes all registrations back, for the engine ends.
    pub(crate) fn leave_carriers(&mut self) {
        for registration in self.lines.registrations.values_mut() {
            registration.leave();
        }
        self.lines.leave_by = Some(self.now + LEAVING);
        self.drain_lines();
    }

    pub(crate) fn handle_lines_timeout(&mut self) {
        let now = self.now;
        for registration in self.lines.registrations.values_mut() {
            registration.handle_timeout(now);
        }
        self.lines.health.handle_timeout(now);
        self.drain_lines();
        if self.lines.leave_by.is_some_and(|at| at <= now) {
            self.lines.leave_by = None;
        }
        if self.lines.shown_at.is_some_and(|at| at <= now) {
            self.lines.shown_at = None;
            for trunk in std::mem::take(&mut self.lines.changed) {
                self.publish_trunk(&trunk);
            }
        }
    }

    /// Does what lines want, until they want nothing more.
    fn drain_lines(&mut self) {
        loop {
            let ids: Vec<TrunkId> = self.lines.registrations.keys().cloned().collect();
            let mut any = false;
            for trunk in ids {
                let registration = self.lines.registrations.get_mut(&trunk);
                if let Some(output) = registration.and_then(Registration::poll_output) {
                    self.perform_registration(trunk, output);
                    any = true;
                }
            }
            if let Some(output) = self.lines.health.poll_output() {
                self.perform_health(output);
                any = true;
            }
            if !any {
                return;
            }
        }
    }

    fn perform_registration(&mut self, trunk: TrunkId, output: RegistrationOutput) {
        match output {
            RegistrationOutput::Send { message, server } => {
                let peer = self.lines.registrars.get(&trunk).and_then(|all| all.get(server));
                let peer = peer.cloned();
                if let Some(line) = self.config.trunks.by_id(&trunk).cloned() {
                    for target in line.outward.iter().flat_map(|outward| &outward.targets) {
                        self.find_target(target);
                    }
                }
                let flow = peer.as_ref().and_then(|peer| self.flow_of_peer(peer));
                match (peer, flow) {
                    (Some(peer), Some(flow)) => {
                        let tx = self.send(message, flow);
                        self.lines.requests.insert(tx, LineRequest::Register { peer });
                    }
                    (_, _) => self.register_failed(&trunk),
                }
            }
            RegistrationOutput::Registered { server: _ } => {
                self.note(FactBody::TrunkRegistered { trunk: trunk.clone() });
                self.clear_alarm(&registration_alarm(&trunk));
                self.show_trunk(trunk);
            }
            RegistrationOutput::Failed { status } => {
                self.note(FactBody::TrunkUnregistered { trunk: trunk.clone(), status });
                if !self.stopping {
                    self.raise_alarm(&registration_alarm(&trunk), why_unregistered(status));
                }
                self.show_trunk(trunk);
            }
        }
    }

    fn register_failed(&mut self, trunk: &TrunkId) {
        let now = self.now;
        if let Some(registration) = self.lines.registrations.get_mut(trunk) {
            registration.handle_no_response(now);
        }
    }

    fn perform_health(&mut self, output: HealthOutput) {
        match output {
            HealthOutput::Ask(peer) => self.ask_target(peer),
            HealthOutput::Changed { peer, reachable, left } => {
                let (name, trunk) = (peer.to_string(), peer.trunk);
                if let Some(line) = self.config.trunks.by_id(&trunk).cloned() {
                    self.health_changed(&line);
                }
                let alarm = targets_alarm(&trunk);
                self.note(match reachable {
                    true => FactBody::TrunkReachable { trunk: trunk.clone(), target: name },
                    false => FactBody::TrunkUnreachable { trunk: trunk.clone(), target: name },
                });
                if let Some(server) = peer.server.filter(|_| !reachable) {
                    self.target_failed(server, None);
                }
                if left == 0 {
                    let detail = "none of its targets can be reached: no calls go out over it; \
                                  look at the network and ask the carrier";
                    self.raise_alarm(&alarm, detail.to_owned());
                } else {
                    self.clear_alarm(&alarm);
                }
                self.show_trunk(trunk);
            }
        }
    }

    /// The way to a server of a line.
    fn flow_of_peer(&self, peer: &Peer) -> Option<Flow> {
        match peer.server {
            Some(server) => self.flow_to(&server, Side::Carrier),
            None => self.line_flow(&peer.target),
        }
    }

    /// Asks a carrier whether it is there (RFC 3261 §11).
    pub(crate) fn ask_server(&mut self, peer: Peer) {
        let Some(flow) = self.flow_of_peer(&peer) else {
            return self.lines.health.handle_silence(&peer, self.now);
        };
        let number = self.mint_leg();
        let token = |purpose| self.tokens.token(number, purpose);
        let ours = format!("<{}>", flow.our_uri(None));
        let uri = format!("sip:{}", peer.target.host_port());
        let request = RequestBuilder::new(Method::Options, &uri)
            .from(&ours, &token("tag"))
            .to(&format!("<{uri}>"), None)
            .call_id(&token("call-id"))
            .cseq(1)
            .contact(&ours)
            .header("Allow", ALLOW)
            .header("Accept", "application/sdp")
            .build();
        let (tx, asked_at) = (self.send(request, flow), self.now);
        self.lines.requests.insert(tx, LineRequest::Options { peer, asked_at });
    }

    /// Whether an event is about a request to a carrier outside of any call; if so, it is dealt
    /// with.
    pub(crate) fn handle_line_event(&mut self, event: &ToBrain) -> bool {
        match event {
            ToBrain::Response { tx, message, flow: _ } => {
                let is_final = message.status().is_some_and(|status| status >= 200);
                if !self.lines.requests.contains_key(tx) {
                    return false;
                }
                if is_final && let Some(asked) = self.lines.requests.remove(tx) {
                    self.line_answered(&asked, message);
                }
                true
            }
            ToBrain::Timeout { tx } | ToBrain::TransportFailed { tx } => {
                let Some(asked) = self.lines.requests.remove(tx) else { return false };
                match asked {
                    LineRequest::Options { peer, asked_at } => {
                        self.lines.health.handle_unanswered(&peer, asked_at, self.now);
                    }
                    LineRequest::Register { peer } => {
                        self.register_failed(&peer.trunk);
                        self.learn_from_try(&peer, HangupCause::TransactionTimeout, None);
                    }
                }
                self.drain_lines();
                true
            }
            ToBrain::Request { .. }
            | ToBrain::Ack { .. }
            | ToBrain::Cancelled { .. }
            | ToBrain::AckTimeout { .. }
            | ToBrain::FlowClosed { .. } => false,
        }
    }

    fn line_answered(&mut self, asked: &LineRequest, response: &Message) {
        let now = self.now;
        match asked {
            LineRequest::Options { peer, asked_at: _ } => {
                if let Some(server) = &peer.server {
                    self.target_worked(server);
                }
                let status = response.status().unwrap_or(0);
                let rest = response.retry_after_s();
                self.lines.health.handle_answer(peer, status, rest, now);
                self.show_trunk_later(peer.trunk.clone());
            }
            LineRequest::Register { peer } => {
                if let Some(registration) = self.lines.registrations.get_mut(&peer.trunk) {
                    registration.handle_response(response, now);
                }
                let cause = HangupCause::Response(response.status().unwrap_or(0));
                if let Some(server) = peer.server.filter(|_| cause != HangupCause::Response(503)) {
                    self.target_worked(&server);
                }
                self.learn_from_try(peer, cause, response.retry_after_s());
            }
        }
        self.drain_lines();
    }

    /// What became of a call or of a REGISTER says whether its server is there: one that is silent
    /// is not, nor one that asks to be left alone. Another refusal is about what was asked.
    pub(crate) fn learn_from_try(
        &mut self,
        peer: &Peer,
        cause: HangupCause,
        retry_after_s: Option<u32>,
    ) {
        let is_down = match cause {
            HangupCause::TransactionTimeout | HangupCause::TransportError => true,
            other => other == HangupCause::Response(503),
        };
        if let Some(server) = peer.server.filter(|_| is_down) {
            self.target_failed(server, retry_after_s);
        }
        let now = self.now;
        match (cause, retry_after_s) {
            (HangupCause::TransactionTimeout | HangupCause::TransportError, _) => {
                self.lines.health.handle_silence(peer, now);
            }
            (HangupCause::Response(503), Some(_)) => {
                self.lines.health.handle_answer(peer, 503, retry_after_s, now);
            }
            (_, _) => {}
        }
        self.drain_lines();
    }

    /// The line that a call came over because its Contact is registered there: from one of the
    /// addresses that it is registered with.
    pub(crate) fn line_of_contact(&self, user: &str, flow: &Flow) -> Option<&Arc<Trunk>> {
        let trunk = self.config.trunks.by_id(self.lines.contacts.get(user)?)?;
        self.is_host_of(trunk, flow.remote.ip()).then_some(trunk)
    }

    /// Whether a line's carrier is at an address: one of its targets leads there, or its calls come
    /// from there.
    pub(crate) fn is_host_of(&self, trunk: &Trunk, ip: IpAddr) -> bool {
        let mut targets = trunk.outward.iter().flat_map(|outward| &outward.targets);
        targets.any(|target| self.lines.places.is_at(target, ip))
            || trunk.sources.iter().any(|cidr| cidr.contains(ip))
    }

    /// Shows a line on the board at once.
    fn show_trunk(&mut self, trunk: TrunkId) {
        self.publish_trunk(&trunk);
        self.lines.changed.remove(&trunk);
    }

    /// Shows a line on the board soon.
    pub(crate) fn show_trunk_later(&mut self, trunk: TrunkId) {
        self.lines.changed.insert(trunk);
        self.lines.shown_at.get_or_insert(self.now + SHOWN_EVERY);
    }

    fn publish_trunk(&mut self, trunk: &TrunkId) {
        if let Some(event) = self.trunk_event(trunk) {
            self.cti.publish(Audience::Board, event, self.wall());
        }
    }

    /// A line as the board shows it.
    pub(crate) fn trunk_event(&self, trunk: &TrunkId) -> Option<Event> {
        let figures = self.loads.figures().find(|(id, _)| *id == trunk)?.1;
        let health = self.lines.health.view(trunk);
        Some(Event::TrunkState {
            trunk: trunk.clone(),
            calls: figures.calls,
            refused: figures.refused_calls + figures.refused_rate + figures.refused_number,
            targets: u32::try_from(health.targets).unwrap_or(u32::MAX),
            reachable: u32::try_from(health.reachable).unwrap_or(u32::MAX),
            registered: self.lines.registrations.get(trunk).map(Registration::is_registered),
            answered_at: health.answered_at.map(|at| self.wall_at(at)),
        })
    }
}

/// The carrier's domain: what is configured, else the target itself.
pub(crate) fn domain(outward: &Outward, target: &Target) -> String {
    match outward.domain.as_str() {
        "" => target.host_port(),
        domain => domain.to_owned(),
    }
}

/// The user part of the Contact that a line is registered with. It is the same after a restart, so
/// that the carrier then has one Contact of ours and not two.
fn contact_user(trunk: &TrunkId) -> String {
    format!("line-{:016x}", sip::hash_of(trunk.as_str()))
}

fn targets_alarm(trunk: &TrunkId) -> String {
    format!("trunk {trunk}")
}

fn registration_alarm(trunk: &TrunkId) -> String {
    format!("registration {trunk}")
}

fn why_unregistered(status: Option<u16>) -> String {
    match status {
        Some(401 | 403 | 407) => "the carrier does not accept the credentials: check `user`, \
                                  `password` and `realm`"
            .to_owned(),
        Some(404) => "the carrier does not know the user: check `user` and `domain`".to_owned(),
        Some(status) => format!("the carrier answered {status}; it is tried again"),
        None => "the carrier did not answer; it is tried again".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_the_same_each_time_and_another_for_each_line() {
        let (one, two) = (contact_user(&"carrier".into()), contact_user(&"branch".into()));
        assert_eq!(one, contact_user(&"carrier".into()));
        assert_ne!(one, two);
        assert!(Uri::parse(&format!("sip:{one}@192.0.2.1")).is_some());
    }

    #[test]
    fn an_alarm_says_what_to_look_at() {
        assert!(why_unregistered(Some(403)).contains("`password`"));
        assert!(why_unregistered(Some(404)).contains("`domain`"));
        assert!(why_unregistered(Some(500)).contains("500"));
        assert!(why_unregistered(None).contains("did not answer"));
    }
}
