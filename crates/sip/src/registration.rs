//! Registering with another's registrar, as a line does with its carrier (RFC 3261 §10.2).
//!
//! A [`Registration`] knows when a REGISTER has to leave and what its answers mean; it owns no
//! socket, clock or chance. Where the registrar does not answer the next of its servers is asked,
//! and once all have been, again after a while that grows (RFC 5626 §4.5).

use std::collections::VecDeque;
use std::time::Duration;

use model::Mono;

use crate::digest::{self, Account};
use crate::{Message, Method, Name, RequestBuilder};

/// The first pause after all servers have failed; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(15);
/// The longest pause, and that after a refusal, which a person has to mend.
const PAUSE_MAX: Duration = Duration::from_secs(600);
/// How often one REGISTER is challenged before that counts as a refusal: once, and once more where
/// the nonce was too old.
const CHALLENGES_MAX: u8 = 2;
/// The longest interval that a registrar may ask for, and the shortest that is believed.
const EXPIRES_MAX_S: u32 = 86_400;
const EXPIRES_MIN_S: u32 = 10;

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
    /// A REGISTER has no final response.
    Asked,
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
    /// Servers that have failed since one answered.
    failures: u32,
    challenges: u8,
    /// The header that answers, the challenges as they came, and how often they were answered.
    challenge: Option<(Name, Vec<String>, u32)>,
    chance: u64,
    leaving: bool,
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
            challenges: 0,
            challenge: None,
            chance: config.seed,
            leaving: false,
            outputs: VecDeque::new(),
            config,
        }
    }

    /// Whether the registrar keeps it now.
    pub fn is_registered(&self) -> bool {
        self.told == Some(true)
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<RegistrationOutput> {
        self.outputs.pop_front()
    }

    /// When time is next waited for, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        let next = match self.state {
            State::Waiting { at } => Some((at, "the next registering with a carrier")),
            State::Asked | State::Stopped => None,
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
            self.send();
        }
    }

    /// Takes it back: one last REGISTER leaves, whatever becomes of it (§10.2.2).
    pub fn leave(&mut self) {
        if self.is_registered() && !self.leaving {
            self.leaving = true;
            self.challenges = 0;
            self.send();
        }
        self.leaving = true;
        self.until = None;
        if !matches!(self.state, State::Asked) {
            self.state = State::Stopped;
        }
    }

    /// An answer to the REGISTER that left last; any other is not ours any more.
    pub fn handle_response(&mut self, response: &Message, now: Mono) {
        let number = response.cseq().map(|cseq| cseq.number);
        let status = response.status().unwrap_or(0);
        if self.state != State::Asked || number != Some(self.cseq) || status < 200 {
            return;
        }
        match status {
            200..=299 => self.accepted(response, now),
            401 | 407 if self.answer_challenge(response, status) => {}
            423 if self.ask_for_longer(response) => {}
            408 | 430 | 500..=599 => {
                let rest = response.first(Name::RetryAfter).and_then(leading_number);
                self.server_failed(Some(status), rest, now);
            }
            _ => {
                self.challenge = None;
                self.until = None;
                self.tell_failed(Some(status));
                self.pause(PAUSE_MAX, now);
            }
        }
    }

    /// Nobody answered it, or it could not be sent.
    pub fn handle_no_response(&mut self, now: Mono) {
        if self.state == State::Asked {
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
        self.state = State::Asked;
        let (message, server) = (request.build(), self.server);
        self.outputs.push_back(RegistrationOutput::Send { message, server });
    }

    /// The registrar's nonce is used again as long as it takes it: that spares a round trip.
    fn credentials(&mut self) -> Option<(Name, String)> {
        let cnonce = format!("{:016x}", self.draw());
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
        let share = 70 + u32::try_from(self.draw() % 11).unwrap_or(0);
        self.failures = 0;
        self.until = Some(now + lasts);
        self.state = State::Waiting { at: now + lasts * share / 100 };
        if self.told != Some(true) {
            self.told = Some(true);
            self.outputs.push_back(RegistrationOutput::Registered { server: self.server });
        }
    }

    /// The next server is asked at once, until all have failed.
    fn server_failed(&mut self, status: Option<u16>, rest_s: Option<u32>, now: Mono) {
        self.challenge = None;
        self.challenges = 0;
        self.failures = self.failures.saturating_add(1);
        self.server = (self.server + 1) % self.config.servers.max(1);
        if self.leaving {
            self.state = State::Stopped;
            return self.tell_failed(status);
        }
        if self.server != 0 {
            return self.send();
        }
        if self.until.is_none() {
            self.tell_failed(status);
        }
        let rounds = self.failures / u32::try_from(self.config.servers.max(1)).unwrap_or(1);
        let pause = PAUSE * 2_u32.saturating_pow(rounds.saturating_sub(1).min(10));
        let asked_for = Duration::from_secs(rest_s.unwrap_or(0).into());
        self.pause(pause.max(asked_for).min(PAUSE_MAX), now);
    }

    /// Waits for half of `most` at least: lines that failed together do not come back together.
    fn pause(&mut self, most: Duration, now: Mono) {
        if self.leaving {
            self.state = State::Stopped;
            return;
        }
        let share = 50 + u32::try_from(self.draw() % 51).unwrap_or(0);
        self.state = State::Waiting { at: now + most * share / 100 };
    }

    fn tell_failed(&mut self, status: Option<u16>) {
        if self.told != Some(false) {
            self.told = Some(false);
            self.outputs.push_back(RegistrationOutput::Failed { status });
        }
    }

    /// A number that a replay draws again (SplitMix64).
    const fn draw(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.chance ^ (self.chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The number that a value begins with: parameters and comments may follow.
fn leading_number(value: &str) -> Option<u32> {
    value.trim().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests;
