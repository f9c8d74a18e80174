//! A phone: a carrier's caller or an agent's, over the engine's own transaction layer.
//!
//! What a party does is a [`plan`](crate::plan), so that a scenario is data; what it saw is kept
//! for the test.

mod asks;
mod in_dialog;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use model::{Mono, Transport};
use sip::digest::Authenticator;
use sip::{
    ClientTx, Dialog, Flow, FromBrain, Message, Method, ResponseBuilder, ServerTx, ToBrain,
    Transactions, TransactionsConfig, TxOutput,
};

pub use in_dialog::Media;

use crate::engine::Engine;
use crate::network::Datagram;
use crate::plan::{Answer, CallerPlan, PhonePlan};

/// What a party saw, for the test to judge.
#[derive(Debug, Clone, Default)]
pub struct Saw {
    /// Final responses to its INVITE, retransmissions left out.
    pub finals: Vec<(Mono, u16)>,
    /// INVITEs that came.
    pub invites: Vec<Mono>,
    /// The same as they were, those included that were answered with a challenge.
    pub invitations: Vec<Message>,
    /// BYEs that came.
    pub byes: Vec<Mono>,
    /// CANCELs that came.
    pub cancels: Vec<Mono>,
    /// The Reason of each BYE and CANCEL that came.
    pub reasons: Vec<String>,
    /// Final responses to its own re-INVITEs and UPDATEs.
    pub changes: Vec<(Mono, Method, u16)>,
    /// The descriptions in those.
    pub descriptions: Vec<sdp::Session>,
    /// Re-INVITEs and UPDATEs of the engine.
    pub asked: Vec<(Mono, Method)>,
    /// Provisional responses to its own INVITE, 100 left out.
    pub provisional: Vec<(Mono, u16)>,
    /// Reliable provisional responses, or PRACKs, that came.
    pub reliable: usize,
    /// Final responses to its REGISTERs.
    pub registers: Vec<(Mono, u16)>,
    /// REGISTERs that came.
    pub registrations: Vec<Message>,
    /// OPTIONS that came.
    pub probes: Vec<Mono>,
    /// Final responses to its REFERs.
    pub refers: Vec<(Mono, u16)>,
    /// Final responses to all else that it asked.
    pub answers: Vec<Message>,
    /// What NOTIFYs said: the subscription's state and the status line.
    pub notified: Vec<(String, String)>,
    /// Its 200s that were never acknowledged.
    pub unacknowledged: usize,
    /// When its dialog began.
    pub connected: Vec<Mono>,
    /// When it ended.
    pub disconnected: Vec<Mono>,
}

#[derive(Debug, Clone)]
enum Role {
    Caller(CallerPlan),
    Phone(PhonePlan),
}

/// What a party will do by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    Invite,
    Register,
    Answer,
    Refuse(u16),
    HangUp,
    Cancel,
    HangUpBecause(&'static str),
    Change(Method, Media),
    Press(char),
    Refer(&'static str, bool),
    Ask(Method, &'static str),
    /// The next of what it was given to say.
    Say,
}

/// A phone.
pub struct Party {
    address: SocketAddr,
    role: Role,
    transactions: Transactions,
    next_tx: u64,
    tasks: Vec<(Mono, Task)>,
    began: Option<Mono>,
    invite: Option<Message>,
    invite_tx: Option<ClientTx>,
    ringing: Option<(ServerTx, Message)>,
    dialog: Option<Dialog>,
    /// The call that a phone makes by itself, and how many it has made.
    calls: Option<CallerPlan>,
    calls_made: u32,
    /// The dialog before the 200 of our INVITE.
    early: Option<Dialog>,
    /// The tag of who rings for its own INVITE.
    rung_by: Option<String>,
    /// Our re-INVITE that has no final response.
    reinvite: Option<Message>,
    change_answers: VecDeque<Option<u16>>,
    /// Requests that it was given to send.
    sayings: VecDeque<Message>,
    /// Answers to NOTIFYs, which the engine's own transaction layer takes from nobody.
    answers: Vec<Datagram>,
    vanishes_at: Option<Mono>,
    challenge: Option<Message>,
    challenger: Option<Authenticator>,
    /// Without power nothing arrives or leaves.
    has_power: bool,
    registered: u32,
    calls_taken: usize,
    /// What it saw.
    pub saw: Saw,
}

impl Party {
    pub(crate) fn caller(address: SocketAddr, plan: CallerPlan, at: Mono) -> Self {
        let challenger = challenger(plan.challenges);
        let caller = Self::new(address, Role::Caller(plan), (at, Task::Invite));
        Self { challenger, ..caller }
    }

    pub(crate) fn phone(address: SocketAddr, plan: PhonePlan, at: Mono) -> Self {
        Self::new(address, Role::Phone(plan), (at, Task::Register))
    }

    /// A phone that is reached without registering.
    pub(crate) fn gateway(address: SocketAddr, plan: PhonePlan) -> Self {
        let challenger = challenger(plan.challenges);
        let phone = Self::phone(address, plan, Mono::default());
        Self { tasks: Vec::new(), challenger, ..phone }
    }

    fn new(address: SocketAddr, role: Role, first: (Mono, Task)) -> Self {
        let mut secret = [0; 32];
        for (place, byte) in secret.iter_mut().zip(address.to_string().bytes()) {
            *place = byte;
        }
        let config = TransactionsConfig { secret, ..TransactionsConfig::default() };
        Self {
            address,
            role,
            transactions: Transactions::new(config),
            next_tx: 1,
            tasks: vec![first],
            began: None,
            invite: None,
            invite_tx: None,
            ringing: None,
            dialog: None,
            calls: None,
            calls_made: 0,
            early: None,
            rung_by: None,
            reinvite: None,
            change_answers: VecDeque::new(),
            sayings: VecDeque::new(),
            answers: Vec::new(),
            vanishes_at: None,
            challenge: None,
            challenger: None,
            has_power: true,
            registered: 0,
            calls_taken: 0,
            saw: Saw::default(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it would hear.
    pub(crate) fn hears_at(&self) -> SocketAddr {
        SocketAddr::new(self.address.ip(), 4_000)
    }

    /// Whether it is in a call.
    pub fn is_connected(&self) -> bool {
        self.dialog.is_some()
    }

    /// Cuts its power or gives it back; what it was doing goes on then.
    pub fn set_power(&mut self, has_power: bool) {
        self.has_power = has_power;
    }

    /// Registers again, now or then.
    pub fn register(&mut self, at: Mono) {
        self.challenge = None;
        self.tasks.push((at, Task::Register));
    }

    /// Takes its registration back.
    pub fn unregister(&mut self, at: Mono) {
        if let Role::Phone(plan) = &mut self.role {
            plan.expires_s = 0;
            plan.refreshes = false;
        }
        self.tasks.push((at, Task::Register));
    }

    /// Hangs up at that time, if it is in a call.
    pub fn hang_up(&mut self, at: Mono) {
        self.tasks.push((at, Task::HangUp));
    }

    fn is_silent(&self, now: Mono) -> bool {
        if !self.has_power || self.vanishes_at.is_some_and(|at| now >= at) {
            return true;
        }
        let Role::Caller(CallerPlan { silent_after_ms: Some(ms), .. }) = &self.role else {
            return false;
        };
        self.began.is_some_and(|began| now.ms_since(began) >= *ms)
    }

    pub(crate) fn next(&self, now: Mono) -> Option<Mono> {
        if self.is_silent(now) {
            return None;
        }
        let task = self.tasks.iter().map(|(at, _)| *at).min();
        let timer = self.transactions.poll_timeout().map(|(at, _)| at);
        task.into_iter().chain(timer).min()
    }

    fn flow(&self) -> Flow {
        Flow {
            transport: Transport::Udp,
            local: self.address,
            remote: Engine::address(),
            connection: 0,
            listener: 0,
        }
    }

    pub(crate) fn receive(&mut self, datagram: &Datagram, now: Mono) {
        if self.is_silent(now) || self.ignores(&datagram.bytes) {
            return;
        }
        if datagram.bytes.starts_with(b"CANCEL ") {
            self.saw.cancels.push(now);
            self.keep_reason(Message::parse(&datagram.bytes).ok().as_ref());
        }
        if datagram.bytes.starts_with(b"NOTIFY ") {
            return self.answer_notify(&datagram.bytes);
        }
        // What is no message is dropped.
        let _ = self.transactions.handle_datagram(&datagram.bytes, self.flow(), now);
    }

    /// A phone that is dead to INVITEs does not even say 100.
    fn ignores(&self, bytes: &[u8]) -> bool {
        bytes.starts_with(b"INVITE ") && self.answer() == Some(Answer::Silence)
    }

    fn hears_cancel(&self) -> bool {
        match &self.role {
            Role::Caller(_) => true,
            Role::Phone(plan) => plan.hears_cancel,
        }
    }

    fn answer(&self) -> Option<Answer> {
        let Role::Phone(plan) = &self.role else { return None };
        plan.answers.get(self.calls_taken).or(plan.answers.last()).copied()
    }

    /// Does what is due; returns what leaves, and the keys that are pressed.
    pub(crate) fn work(&mut self, now: Mono) -> (Vec<Datagram>, Vec<char>) {
        let mut leaving = std::mem::take(&mut self.answers);
        let mut keys = Vec::new();
        if self.is_silent(now) {
            return (leaving, keys);
        }
        let mut due: Vec<(Mono, Task)> = self.tasks.extract_if(.., |(at, _)| *at <= now).collect();
        due.sort_unstable();
        for (_, task) in due {
            match task {
                Task::Press(key) => keys.push(key),
                Task::Refer(to, told) => self.send_refer(to, told, now),
                Task::Ask(method, user) => self.send_question(method, user, now),
                Task::Say => {
                    if let Some(request) = self.sayings.pop_front() {
                        self.send(request, now);
                    }
                }
                Task::Invite => self.send_invite(now),
                Task::Register => self.send_register(now),
                Task::Answer => self.accept(now),
                Task::Refuse(status) => self.refuse(status, now),
                Task::HangUp => self.send_bye("", now),
                Task::Cancel => self.send_cancel(now),
                Task::HangUpBecause(reason) => self.send_bye(reason, now),
                Task::Change(method, media) => self.send_change(method, media, now),
            }
        }
        if self.transactions.poll_timeout().is_some_and(|(at, _)| at <= now) {
            self.transactions.handle_timeout(now);
        }
        while let Some(output) = self.transactions.poll_output() {
            match output {
                TxOutput::Transmit { flow, message } => leaving.push(Datagram {
                    from: self.address,
                    to: flow.remote,
                    bytes: message.as_bytes().to_vec(),
                }),
                TxOutput::ToBrain(event) => self.handle(event, now),
            }
        }
        (leaving, keys)
    }

    fn later(&mut self, ms: u64, task: Task, now: Mono) {
        self.tasks.push((now + Duration::from_millis(ms), task));
    }

    fn send(&mut self, message: Message, now: Mono) -> ClientTx {
        let tx = ClientTx::new(0, self.next_tx);
        self.next_tx += 1;
        let flow = self.flow();
        self.transactions.handle_command(FromBrain::Request { tx, message, flow }, now);
        tx
    }

    fn respond(&mut self, tx: ServerTx, message: Message, now: Mono) {
        self.transactions.handle_command(FromBrain::Respond { tx, message }, now);
    }

    fn handle(&mut self, event: ToBrain, now: Mono) {
        match event {
            ToBrain::Request { tx, message, flow: _ } => self.handle_request(tx, &message, now),
            ToBrain::Response { tx, message, flow: _ } => self.handle_response(tx, &message, now),
            ToBrain::Cancelled { .. } if !self.hears_cancel() => {}
            ToBrain::Cancelled { tx, .. } => {
                if let Some((ringing, invite)) = self.ringing.take() {
                    let response = ResponseBuilder::to(&invite, 487).to_tag("phone").build();
                    self.respond(if ringing == tx { tx } else { ringing }, response, now);
                }
            }
            ToBrain::AckTimeout { .. } => {
                self.saw.unacknowledged += 1;
                self.dialog = None;
            }
            ToBrain::Timeout { .. } => self.dialog = None,
            ToBrain::Ack { .. } | ToBrain::TransportFailed { .. } | ToBrain::FlowClosed { .. } => {}
        }
    }

    fn handle_request(&mut self, tx: ServerTx, request: &Message, now: Mono) {
        match request.method() {
            Method::Invite if request.to().is_some_and(|to| to.tag().is_none()) => {
                self.saw.invitations.push(request.clone());
                if let Some(challenge) = self.ask_who_calls(request, now) {
                    return self.respond(tx, challenge, now);
                }
                self.saw.invites.push(now);
                let answer = self.answer();
                self.calls_taken += 1;
                self.ringing = Some((tx, request.clone()));
                let with_media = matches!(&self.role, Role::Phone(plan) if plan.rings_with_media);
                let status = if with_media { 183 } else { 180 };
                let mut rings = ResponseBuilder::to(request, status).to_tag(&self.tag());
                if with_media {
                    let early = self.describe(Media::Talks);
                    rings = rings.contact(&self.contact());
                    rings = rings.body("application/sdp", early.as_bytes());
                }
                if matches!(&self.role, Role::Phone(plan) if plan.rings_reliably) {
                    rings = rings.contact(&self.contact());
                    rings = rings.header("Require", "100rel").header("RSeq", "41");
                }
                self.respond(tx, rings.build(), now);
                match answer {
                    Some(Answer::After(ms)) => self.later(ms, Task::Answer, now),
                    Some(Answer::Refuses(status, ms)) => {
                        self.later(ms, Task::Refuse(status), now);
                    }
                    Some(Answer::RingsOnly | Answer::Silence) | None => {}
                }
            }
            Method::Invite | Method::Update => match self.ask_who_changes(request, now) {
                Some(challenge) => self.respond(tx, challenge, now),
                None => self.answer_change(tx, request, now),
            },
            Method::Prack => {
                self.saw.reliable += 1;
                self.respond(tx, ResponseBuilder::to(request, 200).build(), now);
            }
            Method::Bye => {
                self.saw.byes.push(now);
                if let Some(challenge) = self.ask_who_calls(request, now) {
                    return self.respond(tx, challenge, now);
                }
                self.keep_reason(Some(request));
                let status = if self.dialog.take().is_some() { 200 } else { 481 };
                self.saw.disconnected.push(now);
                self.respond(tx, ResponseBuilder::to(request, status).build(), now);
            }
            method => {
                if method == Method::Register {
                    self.saw.registrations.push(request.clone());
                    if let Some(challenge) = self.ask_who_calls(request, now) {
                        return self.respond(tx, challenge, now);
                    }
                }
                if method == Method::Options {
                    self.saw.probes.push(now);
                }
                self.respond(tx, ResponseBuilder::to(request, 200).build(), now);
            }
        }
    }

    fn handle_response(&mut self, tx: ClientTx, response: &Message, now: Mono) {
        let status = response.status().unwrap_or(0);
        if response.method() == Method::Register && status >= 200 {
            self.saw.registers.push((now, status));
        }
        if response.method() == Method::Refer && status >= 200 {
            self.saw.refers.push((now, status));
        }
        match response.method() {
            Method::Invite if status == 401 && self.may_answer_challenge() => {
                self.challenge = Some(response.clone());
                self.send_invite(now);
            }
            Method::Invite if (101..200).contains(&status) && Some(tx) == self.invite_tx => {
                self.saw.provisional.push((now, status));
                self.rung_by = response.to().and_then(|to| to.tag()).map(str::to_owned);
                self.acknowledge_ringing(response, now);
            }
            Method::Invite | Method::Update if status >= 200 && Some(tx) != self.invite_tx => {
                if let Some(cseq) = response.cseq() {
                    self.handle_changed(tx, response, cseq, now);
                }
            }
            Method::Invite if status >= 200 && Some(tx) == self.invite_tx => {
                self.saw.finals.push((now, status));
                if status < 300 {
                    self.confirm(tx, response, now);
                }
            }
            Method::Register if status == 401 && self.challenge.is_none() => {
                self.challenge = Some(response.clone());
                self.send_register(now);
            }
            Method::Register if status == 200 => {
                self.challenge = None;
                let Role::Phone(plan) = &self.role else { return };
                if plan.refreshes {
                    self.later(u64::from(plan.expires_s) * 500, Task::Register, now);
                }
            }
            _ if status >= 200 => self.saw.answers.push(response.clone()),
            _ => {}
        }
    }

    /// Our call is answered.
    fn confirm(&mut self, tx: ClientTx, response: &Message, now: Mono) {
        let Some(plan) = self.caller_plan() else { return };
        let Some(invite) = self.invite.clone() else { return };
        let Some(mut dialog) = Dialog::uac(&invite, response, &self.flow()) else { return };
        if let Some(early) = self.early.take() {
            dialog.go_on(&early);
        }
        if plan.acknowledges {
            let mut ack = dialog.ack(&invite);
            if !plan.offers && !response.body().is_empty() {
                ack = ack.body("application/sdp", self.describe(Media::Talks).as_bytes());
            }
            let (message, flow) = (ack.build(), self.flow());
            self.transactions.handle_command(FromBrain::Ack { tx, message, flow }, now);
        }
        self.dialog = Some(dialog);
        self.saw.connected.push(now);
        for (ms, key) in plan.keys {
            self.later(ms, Task::Press(key), now);
        }
    }

    fn keep_reason(&mut self, request: Option<&Message>) {
        let reason = request.and_then(|request| request.header("Reason"));
        self.saw.reasons.extend(reason.map(str::to_owned));
    }
}

/// Who asks for the credentials of that realm.
fn challenger(asks: Option<(&str, &str, &str)>) -> Option<Authenticator> {
    asks.map(|(realm, ..)| Authenticator::new(realm, [5; 32], 60_000))
}
