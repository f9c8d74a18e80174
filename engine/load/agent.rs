//! The agents: each registers, answers what rings, and waits for the other side to hang up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use model::Mono;
use sdp::{Direction, Negotiated, Session};
use sip::{
    ClientTx, Dialog, Flow, FromBrain, Message, Method, RequestBuilder, ResponseBuilder, ServerTx,
    ToBrain, Uri, digest,
};

use super::caller::capabilities;
use super::histogram::Histogram;
use super::media::{Leg, ToMedia};
use super::plan::Plan;
use super::station::{ALLOW, Do, parts, transaction};

/// How long a registration is asked for, in seconds: longer than any measurement.
const EXPIRES_S: u32 = 86_400;
/// Answers to a challenge before the password counts as wrong: one, and one for a stale nonce.
const MAX_ANSWERS: u32 = 2;
/// Marks the transaction of a BYE; the others are registrations.
const BYE: u32 = 1 << 31;
/// Between two agents' first registrations: 1,000 a second.
const REGISTER_EVERY: Duration = Duration::from_millis(1);

/// One agent.
#[derive(Debug)]
struct Agent {
    number: String,
    registered: bool,
    /// Requests so far: the CSeq of the next is one more.
    requests: u32,
    /// Answers to a challenge since the last success.
    answers: u32,
    expires_s: u32,
    call: Option<AgentCall>,
    /// An agent that answers waits for this.
    answer_at: Option<Mono>,
    /// Since when the agent is free, where a call has been.
    free_since: Option<Mono>,
}

#[derive(Debug)]
struct AgentCall {
    call_id: String,
    leg: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    Ringing {
        tx: ServerTx,
        invite: Message,
        flow: Flow,
    },
    /// Answered; `offer` is ours where the INVITE had none and its answer comes with the ACK.
    Talking {
        tx: ServerTx,
        dialog: Box<Dialog>,
        offer: Option<Box<Session>>,
    },
}

/// What came of the agents.
#[derive(Debug)]
pub(super) struct AgentFigures {
    pub(super) registered: u32,
    pub(super) refused: BTreeMap<String, u32>,
    pub(super) rang: u32,
    pub(super) answered: u32,
    pub(super) cancelled: u32,
    /// Rang while talking: the server gave one agent two calls.
    pub(super) busy: u32,
    pub(super) failed: BTreeMap<String, u32>,
    /// The 200 to the BYE of an agent's call → the INVITE of their next: where callers wait, what
    /// the server takes to offer a free agent the next of them.
    pub(super) free_to_invite: Histogram,
}

impl AgentFigures {
    fn new() -> Self {
        Self {
            registered: 0,
            refused: BTreeMap::new(),
            rang: 0,
            answered: 0,
            cancelled: 0,
            busy: 0,
            failed: BTreeMap::new(),
            free_to_invite: Histogram::new(),
        }
    }
}

/// All agents.
#[derive(Debug)]
pub(super) struct Agents {
    plan: Arc<Plan>,
    flow: Flow,
    ports: Vec<SocketAddr>,
    run: u128,
    agents: Vec<Agent>,
    by_number: BTreeMap<String, usize>,
    by_call: BTreeMap<String, usize>,
    timers: BTreeSet<(Mono, usize)>,
    legs: u32,
    finishing: bool,
    outputs: VecDeque<Do>,
    pub(super) figures: AgentFigures,
}

impl Agents {
    /// The plan's agents, registering from `now` on.
    pub(super) fn new(
        plan: Arc<Plan>,
        flow: Flow,
        ports: Vec<SocketAddr>,
        run: u128,
        now: Mono,
    ) -> Self {
        let agent = |number: &String| Agent {
            number: number.clone(),
            registered: false,
            requests: 0,
            answers: 0,
            expires_s: EXPIRES_S,
            call: None,
            answer_at: None,
            free_since: None,
        };
        let agents: Vec<Agent> = plan.agents.iter().map(agent).collect();
        let by_number = plan.agents.iter().cloned().zip(0..).collect();
        let timers = (0..agents.len()).map(|at| (now + REGISTER_EVERY * at as u32, at)).collect();
        Self {
            plan,
            flow,
            ports,
            run,
            agents,
            by_number,
            by_call: BTreeMap::new(),
            timers,
            legs: 0,
            finishing: false,
            outputs: VecDeque::new(),
            figures: AgentFigures::new(),
        }
    }

    /// Whether every agent has registered or was refused.
    pub(super) fn are_settled(&self) -> bool {
        let refused: u32 = self.figures.refused.values().sum();
        self.figures.registered as usize + refused as usize >= self.agents.len()
    }

    /// Whether no agent talks and, after [`Self::handle_finish`], none is registered.
    pub(super) fn are_done(&self) -> bool {
        self.by_call.is_empty() && !self.agents.iter().any(|agent| agent.registered)
    }

    /// Takes in what the transactions report.
    pub(super) fn handle_event(&mut self, event: ToBrain, now: Mono) {
        match event {
            ToBrain::Response { tx, message, .. } => self.handle_response(tx, &message),
            ToBrain::Timeout { tx } => self.handle_refusal(tx, "timeout"),
            ToBrain::TransportFailed { tx } => self.handle_refusal(tx, "transport"),
            ToBrain::Request { tx, message, flow } => self.handle_request(tx, message, flow, now),
            ToBrain::Ack { message, .. } => self.handle_ack(&message),
            ToBrain::Cancelled { tx, .. } => self.handle_cancelled(tx),
            ToBrain::AckTimeout { tx } => self.handle_ack_timeout(tx),
            ToBrain::FlowClosed { .. } => {}
        }
    }

    fn register(&mut self, at: usize, authorization: Option<String>) {
        let (to, local, run) = (self.plan.to, self.flow.local, self.run);
        let agent = &mut self.agents[at];
        agent.requests += 1;
        let (number, requests) = (&agent.number, agent.requests);
        let address = format!("<sip:{number}@{to}>");
        let request = RequestBuilder::new(Method::Register, &format!("sip:{to}"))
            .from(&address, &format!("{at}-{run:x}"))
            .to(&address, None)
            .call_id(&format!("{number}.{run:x}@{}", local.ip()))
            .cseq(requests)
            .contact(&format!("<sip:{number}@{local}>"))
            .header("Expires", agent.expires_s)
            .header("Allow", ALLOW)
            .header("User-Agent", "hotline load");
        let request = match authorization {
            Some(value) => request.header("Authorization", value),
            None => request,
        };
        let (tx, message) = (transaction(at as u32, requests), request.build());
        self.sip(FromBrain::Request { tx, message, flow: self.flow });
    }

    fn handle_response(&mut self, tx: ClientTx, response: &Message) {
        let (at, step) = parts(tx);
        let at = at as usize;
        let (Some(status), Some(agent)) = (response.status(), self.agents.get_mut(at)) else {
            return;
        };
        if step & BYE != 0 {
            return;
        }
        match status {
            ..=199 => {}
            200..=299 => {
                agent.answers = 0;
                let was_registered = std::mem::replace(&mut agent.registered, agent.expires_s > 0);
                self.figures.registered += u32::from(agent.registered && !was_registered);
            }
            401 if agent.answers < MAX_ANSWERS => {
                agent.answers += 1;
                let account = digest::Account {
                    user: agent.number.clone(),
                    password: self.plan.password.clone(),
                    realm: None,
                };
                let challenges = response.headers("WWW-Authenticate");
                let (uri, cnonce) = (format!("sip:{}", self.plan.to), format!("{:x}", self.run));
                let method = Method::Register;
                match digest::answer(challenges, &account, method, &uri, 1, &cnonce) {
                    Some(authorization) => self.register(at, Some(authorization)),
                    None => self.handle_refusal(tx, "no_known_challenge"),
                }
            }
            401 => self.handle_refusal(tx, "wrong_password"),
            status => self.handle_refusal(tx, &status.to_string()),
        }
    }

    fn handle_refusal(&mut self, tx: ClientTx, reason: &str) {
        let (at, step) = parts(tx);
        let agent = self.agents.get_mut(at as usize).filter(|_| step & BYE == 0);
        if agent.is_some_and(|agent| !std::mem::take(&mut agent.registered)) {
            *self.figures.refused.entry(reason.to_owned()).or_default() += 1;
        }
    }

    fn handle_request(&mut self, tx: ServerTx, request: Message, flow: Flow, now: Mono) {
        match request.method() {
            Method::Invite => self.handle_invite(tx, request, flow, now),
            Method::Bye => {
                let whose = self.take_call(request.call_id());
                if let Some(at) = whose {
                    self.agents[at].free_since = Some(now);
                }
                self.respond(tx, &request, if whose.is_some() { 200 } else { 481 });
            }
            Method::Options => self.respond(tx, &request, 200),
            _ => self.respond(tx, &request, 405),
        }
    }

    fn handle_invite(&mut self, tx: ServerTx, invite: Message, flow: Flow, now: Mono) {
        if self.by_call.contains_key(invite.call_id()) {
            // A change of the session is refused, which leaves it as it is (RFC 3261 §14.2).
            return self.respond(tx, &invite, 488);
        }
        let number = Uri::parse(invite.uri()).map(|uri| uri.user_decoded().into_owned());
        let at = number.and_then(|number| self.by_number.get(&number).copied());
        let Some((at, agent)) = at.and_then(|at| Some((at, self.agents.get_mut(at)?))) else {
            return self.respond(tx, &invite, 404);
        };
        self.figures.rang += 1;
        if agent.call.is_some() {
            self.figures.busy += 1;
            return self.respond(tx, &invite, 486);
        }
        if let Some(free_since) = agent.free_since.take() {
            self.figures.free_to_invite.record(now.since(free_since));
        }
        let leg = self.legs * 2 + 1;
        self.legs += 1;
        let call_id = invite.call_id().to_owned();
        self.by_call.insert(call_id.clone(), at);
        let state = State::Ringing { tx, invite: invite.clone(), flow };
        agent.call = Some(AgentCall { call_id, leg, state });
        let answer_at = now + self.plan.answer_after;
        agent.answer_at = Some(answer_at);
        self.timers.insert((answer_at, at));
        let agent = agent.number.clone();
        self.outputs.push_back(Do::Offered { shown: callers_of(&invite), agent });
        self.respond(tx, &invite, 180);
    }

    fn respond(&mut self, tx: ServerTx, request: &Message, status: u16) {
        let local = self.flow.local;
        let response = ResponseBuilder::to(request, status).to_tag(&tag(request));
        let response = response.contact(&format!("<sip:{local}>")).build();
        self.sip(FromBrain::Respond { tx, message: response });
    }

    /// Fires what is due: registrations and answers.
    pub(super) fn handle_timeout(&mut self, now: Mono) {
        while let Some((due, at)) = self.timers.first().copied() {
            if due > now {
                break;
            }
            self.timers.pop_first();
            match self.agents[at].answer_at.take_if(|due| *due <= now) {
                Some(_) => self.answer(at),
                None if self.agents[at].requests == 0 => self.register(at, None),
                None => {}
            }
        }
    }

    fn answer(&mut self, at: usize) {
        let Some(call) = self.agents[at].call.take() else { return };
        let (leg, call_id) = (call.leg, call.call_id);
        let State::Ringing { tx, invite, flow } = call.state else { return };
        let capabilities = {
            let address = self.ports[leg as usize % self.ports.len()];
            capabilities(address, self.plan.codec, u64::from(leg))
        };
        let ours = if invite.body().is_empty() {
            Some((sdp::offer(&capabilities, 1, Direction::SendRecv), None))
        } else {
            let offer = Session::parse(invite.body()).ok();
            let answer =
                offer.map(|offer| sdp::answer(&offer, &capabilities, 1, Direction::SendRecv));
            answer.and_then(Result::ok).map(|(answer, agreed)| (answer, Some(agreed)))
        };
        let Some((ours, agreed)) = ours else {
            self.by_call.remove(&call_id);
            self.fail("bad_sdp");
            return self.respond(tx, &invite, 488);
        };
        let contact = format!("<sip:{}@{}>", self.agents[at].number, self.flow.local);
        let response = ResponseBuilder::to(&invite, 200)
            .to_tag(&tag(&invite))
            .contact(&contact)
            .header("Allow", ALLOW)
            .body("application/sdp", ours.to_string().as_bytes())
            .build();
        let Some(dialog) = Dialog::uas(&invite, &response, &flow) else {
            self.by_call.remove(&call_id);
            self.fail("no_dialog");
            return self.respond(tx, &invite, 400);
        };
        self.sip(FromBrain::Respond { tx, message: response });
        self.figures.answered += 1;
        let offer = agreed.is_none().then(|| Box::new(ours));
        let state = State::Talking { tx, dialog: Box::new(dialog), offer };
        self.agents[at].call = Some(AgentCall { call_id, leg, state });
        if let Some(agreed) = agreed {
            self.open(leg, &agreed);
        }
    }

    fn open(&mut self, leg: u32, agreed: &Negotiated) {
        self.outputs.push_back(Do::Media(ToMedia::Open(Leg {
            leg,
            socket: leg as usize % self.ports.len(),
            remote: agreed.remote,
            payload_type: agreed.payload_type,
            digits_payload_type: agreed.digits_payload_type,
            keys: None,
        })));
    }

    /// The answer to an offer of ours comes with the ACK (RFC 3261 §13.2.1).
    fn handle_ack(&mut self, ack: &Message) {
        let Some(at) = self.by_call.get(ack.call_id()).copied() else { return };
        let Some(AgentCall { leg, state: State::Talking { offer, .. }, .. }) =
            &mut self.agents[at].call
        else {
            return;
        };
        let Some(offer) = offer.take() else { return };
        let leg = *leg;
        let agreed = Session::parse(ack.body()).ok().map(|answer| sdp::accept(&offer, &answer));
        match agreed {
            Some(Ok(agreed)) => self.open(leg, &agreed),
            Some(Err(_)) | None => self.fail("bad_sdp"),
        }
    }

    fn handle_cancelled(&mut self, cancelled: ServerTx) {
        let ringing = self.agents.iter().find_map(|agent| match &agent.call {
            Some(AgentCall { call_id, state: State::Ringing { tx, invite, .. }, .. })
                if *tx == cancelled =>
            {
                Some((call_id.clone(), invite.clone()))
            }
            Some(_) | None => None,
        });
        if let Some((call_id, invite)) = ringing {
            self.take_call(&call_id);
            self.figures.cancelled += 1;
            self.respond(cancelled, &invite, 487);
        }
    }

    fn handle_ack_timeout(&mut self, lost: ServerTx) {
        let unacknowledged = self.agents.iter_mut().find_map(|agent| match &mut agent.call {
            Some(AgentCall { call_id, state: State::Talking { tx, dialog, .. }, .. })
                if *tx == lost =>
            {
                Some((call_id.clone(), dialog.bye().build()))
            }
            Some(_) | None => None,
        });
        if let Some((call_id, bye)) = unacknowledged {
            let at = self.take_call(&call_id).unwrap_or_default();
            self.agents[at].requests += 1;
            let tx = transaction(at as u32, BYE | self.agents[at].requests);
            self.sip(FromBrain::Request { tx, message: bye, flow: self.flow });
            self.fail("no_ack");
        }
    }

    /// The call is over; whose it was.
    fn take_call(&mut self, call_id: &str) -> Option<usize> {
        let at = self.by_call.remove(call_id)?;
        let call = self.agents[at].call.take()?;
        self.agents[at].answer_at = None;
        self.outputs.push_back(Do::Media(ToMedia::Close { leg: call.leg }));
        Some(at)
    }

    /// All agents leave; once.
    pub(super) fn handle_finish(&mut self) {
        if std::mem::replace(&mut self.finishing, true) {
            return;
        }
        for at in 0..self.agents.len() {
            if self.agents[at].registered {
                self.agents[at].expires_s = 0;
                self.register(at, None);
            }
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// What is to be done next.
    pub(super) fn poll_output(&mut self) -> Option<Do> {
        self.outputs.pop_front()
    }

    fn fail(&mut self, reason: &str) {
        *self.figures.failed.entry(reason.to_owned()).or_default() += 1;
    }

    fn sip(&mut self, command: FromBrain) {
        self.outputs.push_back(Do::Sip(command));
    }
}

/// Whose call it is: servers show the caller in one of these.
fn callers_of(invite: &Message) -> Vec<String> {
    let asserted = invite.header("P-Asserted-Identity").and_then(sip::NameAddr::parse);
    let addresses = [asserted, invite.from()];
    let users = addresses.iter().flatten().filter_map(sip::NameAddr::uri);
    let users = users.map(|uri| uri.user_decoded().into_owned());
    let names = addresses.iter().flatten().map(|address| address.display().into_owned());
    users.chain(names).filter(|shown| !shown.is_empty()).collect()
}

/// Our tag in all responses to one INVITE: derived from it, so that nothing need be kept.
fn tag(request: &Message) -> String {
    let digits = request
        .call_id()
        .bytes()
        .fold(0_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("agent-{digits:x}")
}

#[cfg(test)]
mod tests;
