//! Registering with another's registrar, as a line does with its carrier (RFC 3261 §10.2).
//!
//! A [`Registration`] knows when a REGISTER has to leave and what its answers mean; it owns no
//! socket, clock or chance. Where the registrar does not answer the next of its servers is asked,
//! and once all have been, again after a while that grows (RFC 5626 §4.5).

use std::collections::VecDeque;
use std::time::Duration;

use model::Mono;

use crate::digest::{self, Account};
use crate::message::leading_number;
use crate::{Chance, Message, Method, Name, RequestBuilder};

/// The first pause after all servers have failed; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(15);
/// The longest pause, and that after a refusal, which a person has to mend.
const PAUSE_MAX: Duration = Duration::from_secs(600);
/// The longest that a server's own wish to be left alone is followed.
const REST_MAX_S: u32 = 3_600;
/// How often one REGISTER is challenged before that counts as a refusal: once, and once more where
/// the nonce was too old.
const CHALLENGES_MAX: u8 = 2;
/// The longest interval that a registrar may ask for, and the shortest that is believed.
const EXPIRES_MAX_S: u32 = 86_400;
const EXPIRES_MIN_S: u32 = 10;

/// How often a registration is made anew at most because its server is gone: a name that leads
/// elsewhere each time that it is looked up would have us register without end.
const ANEW_EVERY: Duration = Duration::from_secs(30);

/// What is registered, and where.
#[derive(Debug, Clone)]
pub struct RegistrationConfig {
    /// The Request-URI: the registrar's domain, such as `sip:ims.example.com`.
    pub registrar: String,
    /// The address of record, such as `sip:02195512@ims.example.com`.
    pub aor: String,
    /// Our Contact's URI.
    pub contact: String,
    /// For how many seconds.
    pub expires_s: u32,
    /// What challenges are answered with; its realm alone gets it.
    pub account: Account,
    /// How many servers there are to ask, the preferred one first.
    pub servers: usize,
    /// Call-ID and tag, which nobody else has.
    pub call_id: String,
    /// The tag of From.
    pub tag: String,
    /// Where the chance of pauses and client nonces begins.
    pub seed: u64,
}

/// One of a registrar's servers, as others know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrarServer {
    /// Its place among the servers before, from 0; none if it is new.
    pub was: Option<usize>,
    /// Whether it is there.
    pub is_up: bool,
}

/// What is to be done, or has happened.
#[derive(Debug, Clone)]
pub enum RegistrationOutput {
    /// Send this to that server; what comes of it goes to [`Registration::handle_response`] or
    /// [`Registration::handle_no_response`].
    Send {
        /// The REGISTER.
        message: Message,
        /// Which server, from 0.
        server: usize,
    },
    /// Registered, after not having been.
    Registered {
        /// With which server.
        server: usize,
    },
    /// Not registered, after having been, or when it was first tried.
    Failed {
        /// The registrar's last answer, if it gave one.
        status: Option<u16>,
    },
}

/// Where a registration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is under way; a REGISTER leaves then.
    Waiting { at: Mono },
    /// A REGISTER has no final response; whether it takes the registration back.
    Asked { removes: bool },
    /// It is taken back, and over.
    Stopped,
}

/// One registration of ours.
#[derive(Debug)]
pub struct Registration {
    config: RegistrationConfig,
    state: State,
    server: usize,
    cseq: u32,
    /// What the registrar agreed to, at least.
    expires_s: u32,
    /// Until when the registrar keeps it.
    until: Option<Mono>,
    /// What was said last: registered or not.
    told: Option<bool>,
    /// How often servers have failed, one after the other, since one answered.
    failures: usize,
    /// Until when each server wants to be left alone.
    rests: Vec<Mono>,
    /// Whether each server is there, as far as others know.
    up: Vec<bool>,
    challenges: u8,
    /// The header that answers, the challenges as they came, and how often they were answered.
    challenge: Option<(Name, Vec<String>, u32)>,
    chance: Chance,
    leaving: bool,
    /// When it is, or was, made anew last because its server was gone.
    anew_at: Option<Mono>,
    /// The server that was asked last is gone, and has not answered yet.
    is_asked_gone: bool,
    outputs: VecDeque<RegistrationOutput>,
}

impl Registration {
    /// The first REGISTER leaves at `at`.
    pub fn new(config: RegistrationConfig, at: Mono) -> Self {
        Self {
            state: State::Waiting { at },
            server: 0,
            cseq: 0,
            expires_s: config.expires_s.clamp(EXPIRES_MIN_S, EXPIRES_MAX_S),
            until: None,
            told: None,
            failures: 0,
            rests: vec![Mono::default(); config.servers.max(1)],
            up: vec![true; config.servers.max(1)],
            challenges: 0,
            challenge: None,
            chance: Chance(config.seed),
            leaving: false,
            anew_at: None,
            is_asked_gone: false,
            outputs: VecDeque::new(),
            config,
        }
    }

    /// Whether the registrar keeps it now.
    pub fn is_registered(&self) -> bool {
        self.told == Some(true)
    }

    /// Whether it was taken back, and nothing more is to be waited for.
    pub fn is_over(&self) -> bool {
        self.state == State::Stopped
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<RegistrationOutput> {
        self.outputs.pop_front()
    }

    /// When time is next waited for, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        let next = match self.state {
            State::Waiting { at } => Some((at, "the next registering with a carrier")),
            State::Asked { .. } | State::Stopped => None,
        };
        let until = self.until.map(|until| (until, "the end of a registration with a carrier"));
        next.into_iter().chain(until).min()
    }

    /// Time passed: to be called at or after [`Registration::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Mono) {
        if self.until.is_some_and(|until| until <= now) {
            self.until = None;
            self.tell_failed(None);
        }
        if let State::Waiting { at } = self.state
            && at <= now
        {
            self.challenges = 0;
            self.skip_unfit(now);
            self.send();
        }
    }

    /// These are the servers now, the preferred one first: a name leads to others than before, or
    /// one was seen to fail or to be back. One that is not there is passed over as long as another
    /// is. A registration whose own server is gone is made anew with another at once, but once in
    /// 30 s: calls would not find us where it stands. Nothing where there are none.
    pub fn handle_servers(&mut self, servers: &[RegistrarServer], now: Mono) {
        if servers.is_empty() {
            return;
        }
        let rest = |server: &RegistrarServer| {
            server.was.and_then(|was| self.rests.get(was).copied()).unwrap_or_default()
        };
        self.rests = servers.iter().map(rest).collect();
        self.up = servers.iter().map(|server| server.is_up).collect();
        let place = servers.iter().position(|server| server.was == Some(self.server));
        self.server = place.unwrap_or(0);
        let is_lost = place.is_none_or(|place| !self.is_fit(place, now));
        let has_another = (0..servers.len()).any(|place| self.is_fit(place, now));
        if !is_lost || !has_another || self.leaving {
            return;
        }
        match self.state {
            State::Waiting { .. } if self.is_registered() => self.register_anew(now),
            State::Asked { removes: false } => self.is_asked_gone = true,
            State::Waiting { .. } | State::Asked { removes: true } | State::Stopped => {}
        }
    }

    /// The next REGISTER leaves now, or as soon as one may again that nobody asked for.
    fn register_anew(&mut self, now: Mono) {
        let next = self.anew_at.map_or(now, |last| now.max(last + ANEW_EVERY));
        if let State::Waiting { at } = self.state
            && next < at
        {
            self.state = State::Waiting { at: next };
            self.anew_at = Some(next);
        }
    }

    /// Whether a server may be asked: it wants to be, and is there, unless none is.
    fn is_fit(&self, place: usize, now: Mono) -> bool {
        let has_rested = self.rests.get(place).is_none_or(|until| *until <= now);
        let is_up = self.up.get(place).is_none_or(|up| *up);
        has_rested && (is_up || !self.up.contains(&true))
    }

    /// Takes it back by a last REGISTER (§10.2.2). One that is under way is waited for: what the
    /// registrar makes of it is not known before (§10.2). [`Registration::is_over`] says when it is
    /// done.
    pub fn leave(&mut self) {
        if std::mem::replace(&mut self.leaving, true) {
            return;
        }
        self.until = None;
        match self.state {
            State::Waiting { .. } if self.is_registered() => {
                self.challenges = 0;
                self.send();
            }
            State::Waiting { .. } => self.state = State::Stopped,
            State::Asked { .. } | State::Stopped => {}
        }
    }

    /// An answer to the REGISTER that left last; any other is not ours any more.
    pub fn handle_response(&mut self, response: &Message, now: Mono) {
        let number = response.cseq().map(|cseq| cseq.number);
        let status = response.status().unwrap_or(0);
        let State::Asked { removes } = self.state else { return };
        if number != Some(self.cseq) || status < 200 {
            return;
        }
        // The registrar has made no binding, and shall not any more.
        let is_nothing_left = self.leaving && !removes && !self.is_registered();
        match status {
            200..=299 if self.leaving && !removes => {
                self.told = Some(true);
                self.challenges = 0;
                self.send();
            }
            200..=299 => self.accepted(response, now),
            _ if is_nothing_left => {
                self.state = State::Stopped;
                self.tell_failed(Some(status));
            }
            401 | 407 if self.answer_challenge(response, status) => {}
            423 if self.ask_for_longer(response) => {}
            408 | 430 | 500..=599 => {
                self.server_failed(Some(status), response.retry_after_s(), now);
            }
            _ => {
                self.challenge = None;
                self.failures = 0;
                self.until = None;
                self.tell_failed(Some(status));
                self.pause(PAUSE_MAX, now);
            }
        }
    }

    /// Nobody answered it, or it could not be sent.
    pub fn handle_no_response(&mut self, now: Mono) {
        if let State::Asked { .. } = self.state {
            self.server_failed(None, None, now);
        }
    }

    fn send(&mut self) {
        self.cseq += 1;
        let Self { config, cseq, .. } = self;
        let aor = format!("<{}>", config.aor);
        let expires_s = if self.leaving { 0 } else { self.expires_s };
        let mut request = RequestBuilder::new(Method::Register, &config.registrar)
            .from(&aor, &config.tag)
            .to(&aor, None)
            .call_id(&config.call_id)
            .cseq(*cseq)
            .contact(&format!("<{}>", config.contact))
            .header("Expires", expires_s);
        if let Some((header, value)) = self.credentials() {
            request = request.header(header.as_str(), value);
        }
        self.state = State::Asked { removes: self.leaving };
        self.is_asked_gone = false;
        let (message, server) = (request.build(), self.server);
        self.outputs.push_back(RegistrationOutput::Send { message, server });
    }

    /// The registrar's nonce is used again as long as it takes it: that spares a round trip.
    fn credentials(&mut self) -> Option<(Name, String)> {
        let cnonce = format!("{:016x}", self.chance.draw());
        let (header, challenges, count) = self.challenge.as_mut()?;
        *count += 1;
        let challenges = challenges.iter().map(String::as_str);
        let (account, uri) = (&self.config.account, &self.config.registrar);
        let value = digest::answer(challenges, account, Method::Register, uri, *count, &cnonce)?;
        Some((*header, value))
    }

    fn answer_challenge(&mut self, response: &Message, status: u16) -> bool {
        let (asks, answers) = match status {
            401 => (Name::WwwAuthenticate, Name::Authorization),
            _ => (Name::ProxyAuthenticate, Name::ProxyAuthorization),
        };
        let was_fresh = self.challenge.as_ref().is_some_and(|(_, _, count)| *count == 1);
        let is_refused = was_fresh && !digest::is_stale(response.all(asks));
        if is_refused || self.challenges == CHALLENGES_MAX {
            return false;
        }
        let challenges: Vec<String> = response.all(asks).map(str::to_owned).collect();
        let account = &self.config.account;
        let uri = &self.config.registrar;
        let values = challenges.iter().map(String::as_str);
        if digest::answer(values, account, Method::Register, uri, 1, "").is_none() {
            return false;
        }
        self.challenges += 1;
        self.challenge = Some((answers, challenges, 0));
        self.send();
        true
    }

    /// §10.2.8: the registrar wants it for longer.
    fn ask_for_longer(&mut self, response: &Message) -> bool {
        let least = response.first(Name::MinExpires).and_then(leading_number).unwrap_or(0);
        if least <= self.expires_s || least > EXPIRES_MAX_S {
            return false;
        }
        self.expires_s = least;
        self.challenges = 0;
        self.send();
        true
    }

    fn accepted(&mut self, response: &Message, now: Mono) {
        if self.leaving {
            self.state = State::Stopped;
            return self.tell_failed(None);
        }
        // §10.2.4: our binding's own expires parameter, else Expires, else what we asked for.
        let ours = response.contacts().find(|contact| contact.uri_text() == self.config.contact);
        let own = ours.and_then(|contact| leading_number(contact.params().value("expires")?));
        let all = || response.first(Name::Expires).and_then(leading_number);
        let given = own.or_else(all).unwrap_or(self.expires_s);
        let seconds = given.clamp(EXPIRES_MIN_S, EXPIRES_MAX_S);
        let lasts = Duration::from_secs(seconds.into());
        // Between 70 and 80 % of it, so that lines do not come all at once.
        let share = 70 + self.share(11);
        self.failures = 0;
        self.until = Some(now + lasts);
        self.state = State::Waiting { at: now + lasts * share / 100 };
        if self.told != Some(true) {
            self.told = Some(true);
            self.outputs.push_back(RegistrationOutput::Registered { server: self.server });
        }
        if std::mem::take(&mut self.is_asked_gone) {
            self.register_anew(now);
        }
    }

    /// The next server is asked at once, until each has failed since one answered; who wants to be
    /// left alone is passed over.
    fn server_failed(&mut self, status: Option<u16>, rest_s: Option<u32>, now: Mono) {
        self.challenge = None;
        self.challenges = 0;
        if self.leaving {
            self.state = State::Stopped;
            return self.tell_failed(status);
        }
        let rest = Duration::from_secs(rest_s.unwrap_or(0).min(REST_MAX_S).into());
        // Lines that were sent away together do not come back together, and none too early.
        let rest = rest * (100 + self.share(11)) / 100;
        if let Some(until) = self.rests.get_mut(self.server) {
            *until = now + rest;
        }
        let servers = self.rests.len();
        loop {
            self.failures += 1;
            self.server = (self.server + 1) % servers;
            if self.failures.is_multiple_of(servers) {
                break;
            }
            if self.is_fit(self.server, now) {
                return self.send();
            }
        }
        if self.until.is_none() {
            self.tell_failed(status);
        }
        let rounds = u32::try_from(self.failures / servers).unwrap_or(u32::MAX);
        let pause = PAUSE * 2_u32.saturating_pow(rounds.saturating_sub(1).min(10));
        self.pause(pause.min(PAUSE_MAX), now);
    }

    /// The next server that may be asked, from the one whose turn it is.
    fn skip_unfit(&mut self, now: Mono) {
        let servers = self.rests.len();
        let mut places = (0..servers).map(|step| (self.server + step) % servers);
        if let Some(place) = places.find(|place| self.is_fit(*place, now)) {
            self.server = place;
        }
    }

    /// Waits for half of `most` at least, so that lines that failed together do not come back
    /// together, and until one of the servers wants to be asked again.
    fn pause(&mut self, most: Duration, now: Mono) {
        if self.leaving {
            self.state = State::Stopped;
            return;
        }
        let at = now + most * (50 + self.share(51)) / 100;
        let rested = self.rests.iter().min().copied().unwrap_or_default();
        self.state = State::Waiting { at: at.max(rested) };
    }

    /// A number below `bound`, by chance.
    fn share(&mut self, bound: u64) -> u32 {
        u32::try_from(self.chance.below(bound)).unwrap_or(0)
    }

    fn tell_failed(&mut self, status: Option<u16>) {
        if self.told != Some(false) {
            self.told = Some(false);
            self.outputs.push_back(RegistrationOutput::Failed { status });
        }
    }
}

#[cfg(test)]
mod tests;
