//! What a party asks for outside of a dialog, how it answers a call, and who it says that it is.

use std::net::IpAddr;

use model::Mono;
use sip::digest::{Account, Algorithm, Secrets, Verdict, answer};
use sip::{Dialog, FromBrain, Message, Method, RequestBuilder, ResponseBuilder};

use super::{Media, Party, Role, Task};
use crate::engine::Engine;
use crate::hotline::REALM;
use crate::plan::{CallerPlan, PhonePlan};

impl Party {
    /// The challenge that a request is answered with, if it needs one.
    pub(super) fn ask_who_calls(&mut self, request: &Message, now: Mono) -> Option<Message> {
        let (realm, user, password) = match &self.role {
            Role::Caller(plan) => plan.challenges?,
            Role::Phone(plan) if request.method() == Method::Bye => {
                let (realm, user, _) = plan.challenges?;
                (realm, user, plan.challenges_bye?)
            }
            Role::Phone(plan) => plan.challenges?,
        };
        let algorithms = [Algorithm::Sha256, Algorithm::Md5];
        let secrets = Secrets::from_password(&algorithms, user, realm, password);
        let challenger = self.challenger.as_mut()?;
        let verdict = challenger.verify(request, Some(&secrets), now);
        if verdict == Verdict::Accepted {
            return None;
        }
        let values = challenger.challenge(&algorithms, verdict == Verdict::Stale, now);
        let response = ResponseBuilder::to(request, 401).to_tag("challenge");
        let with = |response: ResponseBuilder, value| response.header("WWW-Authenticate", value);
        Some(values.into_iter().fold(response, with).build())
    }

    /// The same for a re-INVITE or UPDATE: only carriers of callers ask.
    pub(super) fn ask_who_changes(&mut self, request: &Message, now: Mono) -> Option<Message> {
        match &self.role {
            Role::Caller(_) => self.ask_who_calls(request, now),
            Role::Phone(_) => None,
        }
    }

    /// What it does as one who calls.
    pub(super) fn caller_plan(&self) -> Option<CallerPlan> {
        match &self.role {
            Role::Caller(plan) => Some(plan.clone()),
            Role::Phone(_) => self.calls.clone(),
        }
    }

    /// Whether our call has an account that it has not shown yet.
    pub(super) fn may_answer_challenge(&self) -> bool {
        let Some(plan) = self.caller_plan() else { return false };
        plan.account.is_some() && self.challenge.is_none()
    }

    /// Sends a request without a body, outside of any dialog, at that time.
    pub fn ask(&mut self, at: Mono, method: Method) {
        self.ask_about(at, method, "");
    }

    /// The same about one user, to whom it is addressed.
    pub fn ask_about(&mut self, at: Mono, method: Method, whom: &'static str) {
        self.tasks.push((at, Task::Ask(method, whom)));
    }

    /// Sends this request, outside of any dialog that it knows, at that time.
    pub fn say(&mut self, at: Mono, request: Message) {
        self.sayings.push_back(request);
        self.tasks.push((at, Task::Say));
    }

    pub(super) fn send_question(&mut self, method: Method, whom: &str, now: Mono) {
        let user = self.user();
        let uri = match whom {
            "" => format!("sip:{}", Engine::address()),
            whom => format!("sip:{whom}@{}", Engine::address()),
        };
        let request = RequestBuilder::new(method, &uri)
            .from(&format!("<sip:{user}@{}>", self.home()), &self.tag())
            .to(&format!("<sip:{}>", Engine::address()), None)
            .call_id(&format!("question-{}@{}", self.next_tx, self.address))
            .cseq(1);
        self.send(request.build(), now);
    }

    pub(super) fn send_invite(&mut self, now: Mono) {
        let Some(plan) = self.caller_plan() else { return };
        let user = self.user();
        let asked = plan.contact.as_deref().unwrap_or(plan.number);
        let uri = format!("sip:{asked}@{}{}", Engine::address(), plan.params);
        let mut invite = RequestBuilder::new(Method::Invite, &uri)
            .from(&format!("<sip:{user}@{}>", self.home()), &self.tag())
            .to(&format!("<sip:{}@hotline>", plan.number), None)
            .call_id(&format!("{user}{}@{}", self.own_call_number(), self.address))
            .cseq(if self.challenge.is_some() { 2 } else { 1 })
            .contact(&self.contact());
        if let (Some(challenge), Some((user, password))) = (&self.challenge, plan.account) {
            let (user, password) = (user.to_owned(), password.to_owned());
            let account = Account { user, password, realm: Some(REALM.to_owned()) };
            let challenges = challenge.headers("WWW-Authenticate");
            let value = answer(challenges, &account, Method::Invite, &uri, 1, "cnonce");
            invite = invite.header("Authorization", value.unwrap_or_default());
        }
        let invite =
            plan.headers.iter().fold(invite, |invite, (name, value)| invite.header(name, value));
        let invite = match plan.offers {
            true => invite.body("application/sdp", self.describe(Media::Talks).as_bytes()),
            false => invite,
        };
        let invite = with_lines(invite.build(), plan.verbatim);
        self.invite = Some(invite.clone());
        self.began = Some(now);
        self.invite_tx = Some(self.send(invite, now));
        if let Some(ms) = plan.hangs_up_after_ms
            && self.challenge.is_none()
        {
            self.later(ms, Task::HangUp, now);
        }
    }

    pub(super) fn send_register(&mut self, now: Mono) {
        let Role::Phone(plan) = self.role.clone() else { return };
        self.registered += 1;
        let uri = format!("sip:{}", Engine::address());
        let aor = format!("<sip:{}@{}>", plan.agent, plan.domain);
        let instance = plan.instance.map(|one| format!(";+sip.instance=\"<{one}>\""));
        let reg_id = plan.reg_id.map(|one| format!(";reg-id={one}"));
        let instance = instance.unwrap_or_default() + &reg_id.unwrap_or_default();
        let mut request = RequestBuilder::new(Method::Register, &uri)
            .from(&aor, &self.tag())
            .to(&aor, None)
            .call_id(&format!("register-{}", self.address))
            .cseq(self.registered)
            .contact(&format!("<sip:{}@{}>{instance}", plan.agent, self.address))
            .header("Allow", call::ALLOW)
            .header("Expires", plan.expires_s);
        if let Some(challenge) = &self.challenge {
            let account = Account {
                user: plan.agent,
                password: plan.password.to_owned(),
                realm: Some(REALM.to_owned()),
            };
            let challenges = challenge.headers("WWW-Authenticate");
            let value = answer(challenges, &account, Method::Register, &uri, 1, "cnonce");
            request = request.header("Authorization", value.unwrap_or_default());
        }
        self.send(request.build(), now);
    }

    /// Picks up.
    pub(super) fn accept(&mut self, now: Mono) {
        let Some((tx, invite)) = self.ringing.take() else { return };
        let response =
            ResponseBuilder::to(&invite, 200).to_tag(&self.tag()).contact(&self.contact());
        let response = self
            .headers()
            .into_iter()
            .fold(response, |response, (name, value)| response.header(name, value))
            .body("application/sdp", self.describe(Media::Talks).as_bytes())
            .build();
        self.dialog = Dialog::uas(&invite, &response, &self.flow());
        self.saw.connected.push(now);
        self.respond(tx, response, now);
        if let Role::Phone(PhonePlan { talks_ms: Some(ms), .. }) = &self.role {
            self.later(*ms, Task::HangUp, now);
        }
    }

    pub(super) fn refuse(&mut self, status: u16, now: Mono) {
        if let Some((tx, invite)) = self.ringing.take() {
            let response = ResponseBuilder::to(&invite, status).to_tag(&self.tag());
            let elsewhere = match &self.role {
                Role::Phone(plan) if (300..400).contains(&status) => {
                    let taken = self.calls_taken.saturating_sub(1);
                    let of_call = plan.elsewhere.get(taken).or(plan.elsewhere.last());
                    of_call.cloned().unwrap_or_default()
                }
                Role::Phone(_) | Role::Caller(_) => Vec::new(),
            };
            let response = elsewhere
                .into_iter()
                .fold(response, |response, contact| response.header("Contact", contact));
            self.respond(tx, response.build(), now);
        }
    }

    /// Hangs up: a BYE in a call, a CANCEL before its answer.
    pub(super) fn send_bye(&mut self, reason: &'static str, now: Mono) {
        match (self.dialog.take(), self.invite_tx) {
            (Some(mut dialog), _) => {
                let bye = dialog.bye();
                let bye = match reason {
                    "" => bye.build(),
                    reason => bye.header("Reason", reason).build(),
                };
                self.saw.disconnected.push(now);
                self.send(bye, now);
            }
            (None, Some(tx)) if self.saw.finals.is_empty() => {
                self.transactions.handle_command(FromBrain::Cancel { tx, reason }, now);
            }
            (None, _) => {}
        }
    }

    pub(super) fn send_cancel(&mut self, now: Mono) {
        if let Some(tx) = self.invite_tx {
            self.transactions.handle_command(FromBrain::Cancel { tx, reason: "" }, now);
        }
    }

    pub(super) fn tag(&self) -> String {
        format!("t{}", self.address.port())
    }

    /// Tells the calls of a phone apart.
    pub(super) fn own_call_number(&self) -> String {
        match &self.role {
            Role::Caller(_) => String::new(),
            Role::Phone(_) => format!("-{}", self.calls_made),
        }
    }

    pub(super) fn home(&self) -> &'static str {
        match &self.role {
            Role::Caller(_) => "carrier.example",
            Role::Phone(_) => REALM,
        }
    }

    /// A caller's number: from its address; a phone's agent.
    pub(super) fn user(&self) -> String {
        if let Role::Phone(plan) = &self.role {
            return plan.agent.clone();
        }
        let IpAddr::V4(ip) = self.address.ip() else { return "0".to_owned() };
        let [_, _, third, fourth] = ip.octets();
        format!("138{:08}", u32::from(third) * 256 + u32::from(fourth))
    }

    pub(super) fn contact(&self) -> String {
        let (user, at) = match &self.role {
            Role::Caller(plan) => (self.user(), plan.contact_at),
            Role::Phone(_) => ("phone".to_owned(), None),
        };
        format!("<sip:{user}@{}>", at.unwrap_or(self.address))
    }

    pub(super) fn headers(&self) -> Vec<(&'static str, &'static str)> {
        match &self.role {
            Role::Caller(plan) => plan.headers.clone(),
            Role::Phone(plan) => plan.headers.clone(),
        }
    }
}

/// The request with these lines before its other headers.
fn with_lines(request: Message, lines: &str) -> Message {
    let text = String::from_utf8_lossy(request.as_bytes()).into_owned();
    match text.split_once("\r\n") {
        Some((first, rest)) if !lines.is_empty() => {
            let longer = format!("{first}\r\n{lines}\r\n{rest}");
            Message::parse(longer.as_bytes()).unwrap_or(request)
        }
        Some(_) | None => request,
    }
}
