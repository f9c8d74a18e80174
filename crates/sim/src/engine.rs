//! The engine of the simulation: transaction layer and call flow, with media, store and desktops
//! played.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use access::{Principal, Tiers};
use callflow::{Callflow, DesktopInput, Input, Output};
use cti::{Command, CommandError, Event, SessionId};
use media::{LegMedia, LegStats, MediaCommand, MediaEvent, Source};
use model::{
    CallId, CustomerCard, Fact, LegId, Mono, OfferId, Permission, Pii, PlayId, PromptId,
    RecordingId, Role, Seal, Tier, Transport, UserId,
};
use sip::locate::{Answer, Question};
use sip::{Flow, Transactions, TransactionsConfig, TxOutput};

use crate::ears::Ears;
use crate::hotline::{self, Settings, engine_ip};
use crate::left;
use crate::network::Datagram;

/// How long a prompt is, whatever it says.
const PROMPT_MS: u64 = 2_000;
/// Until a leg's port is closed, in milliseconds.
const CLOSED_MS: u64 = 2;
/// The engine's SIP port.
const PORT: u16 = 5060;

/// How the store answers a caller's look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupBehaviour {
    /// A customer, after so long.
    Found(u64),
    /// Nobody has the number; after so long.
    Unknown(u64),
    /// An error, after so long.
    Fails(u64),
    /// Never.
    Silent,
}

/// What one desktop was told, and when.
#[derive(Debug, Clone, Default)]
pub struct DesktopLog {
    /// Events in order.
    pub events: Vec<(Mono, u64, Arc<Event>)>,
    /// Offers that popped, by when.
    pub pops: Vec<(Mono, OfferId)>,
}

#[derive(Debug)]
struct Desktop {
    user: UserId,
    shows_after_ms: Option<u64>,
    log: DesktopLog,
}

/// Something that the engine's surroundings will do.
#[derive(Debug)]
enum Later {
    Feed(Input),
    PlayFinished { leg: LegId, play: PlayId },
}

pub(crate) struct Engine {
    transactions: Transactions,
    callflow: Callflow,
    /// As it is configured now.
    distribution: acd::Config,
    pub(crate) facts: Vec<Fact>,
    pub(crate) media: BTreeMap<LegId, LegMedia>,
    /// What was played to each leg, but for music, and when it began.
    pub(crate) played: BTreeMap<PlayId, (Mono, LegId, Vec<PromptId>)>,
    /// Legs whose port was given and not taken back.
    pub(crate) ports: BTreeMap<LegId, CallId>,
    /// Recordings that run, with the leg on the agents' channel.
    pub(crate) taping: BTreeMap<RecordingId, Vec<LegId>>,
    /// What was measured of a leg's line; nothing where no test says so.
    lines: BTreeMap<LegId, LegStats>,
    desktops: BTreeMap<SessionId, Desktop>,
    later: BTreeMap<(Mono, u64), Later>,
    /// What became of each command.
    answers: BTreeMap<String, Result<(), CommandError>>,
    pub(crate) ears: Ears,
    counter: u64,
    pub(crate) lookup: LookupBehaviour,
    /// What the DNS says; nothing of all else.
    pub(crate) zone: BTreeMap<Question, Answer>,
    /// How often the DNS was asked.
    pub(crate) asked_zone: usize,
    /// Whether recordings that end are sealed.
    pub(crate) seals: bool,
    pub(crate) stopped: bool,
}

impl Engine {
    pub(crate) fn new(settings: &Settings) -> Self {
        let config = hotline::config(settings);
        let distribution = config.acd.clone();
        let mut callflow = match Callflow::new(config) {
            Ok(callflow) => callflow,
            Err(error) => panic!("the hotline's configuration is broken: {error}"),
        };
        callflow.begin("sim", "sim", left::recovery(settings));
        let config = TransactionsConfig { secret: [9; 32], ..TransactionsConfig::default() };
        Self {
            transactions: Transactions::new(config),
            callflow,
            distribution,
            facts: Vec::new(),
            media: BTreeMap::new(),
            played: BTreeMap::new(),
            ports: BTreeMap::new(),
            taping: BTreeMap::new(),
            lines: BTreeMap::new(),
            desktops: BTreeMap::new(),
            later: BTreeMap::new(),
            answers: BTreeMap::new(),
            ears: Ears::default(),
            counter: 0,
            lookup: LookupBehaviour::Found(50),
            zone: BTreeMap::new(),
            asked_zone: 0,
            seals: true,
            stopped: false,
        }
    }

    pub(crate) fn address() -> SocketAddr {
        SocketAddr::new(engine_ip(), PORT)
    }

    pub(crate) fn calls(&self) -> usize {
        self.callflow.calls()
    }

    pub(crate) fn legs_with_ports(&self) -> usize {
        self.ports.len()
    }

    pub(crate) fn desktop(&self, user: &str) -> Option<&DesktopLog> {
        self.desktops.values().find(|desktop| desktop.user.as_str() == user).map(|d| &d.log)
    }

    pub(crate) fn newest_desktop(&self, user: &str) -> Option<&DesktopLog> {
        self.desktops.values().rev().find(|desktop| desktop.user.as_str() == user).map(|d| &d.log)
    }

    /// An agent's desktop connects; it says that a pop is shown after so long, or never.
    pub(crate) fn connect_desktop(
        &mut self,
        user: &str,
        tier: u8,
        shows_after_ms: Option<u64>,
        now: Mono,
    ) {
        self.counter += 1;
        let session = SessionId(self.counter);
        let level = Tier { level: tier };
        let held = [(level, [Permission::PolicyView])];
        let tiers = Tiers::new(held).unwrap_or_else(|error| panic!("{error}"));
        let user = UserId::from(user);
        let principal = Principal::new(user.clone(), Role::Agent, Some(level), &tiers)
            .unwrap_or_else(|error| panic!("{error}"));
        let log = DesktopLog::default();
        self.desktops.insert(session, Desktop { user, shows_after_ms, log });
        let connect = DesktopInput::Connect { session, principal, after: None };
        self.feed(Input::Desktop(connect), now);
    }

    /// A supervisor's desktop connects.
    pub(crate) fn connect_supervisor(&mut self, user: &str, now: Mono) {
        self.counter += 1;
        let session = SessionId(self.counter);
        let none: [(Tier, [Permission; 0]); 0] = [];
        let tiers = Tiers::new(none).unwrap_or_else(|error| panic!("{error}"));
        let user = UserId::from(user);
        let principal = Principal::new(user.clone(), Role::Supervisor, None, &tiers)
            .unwrap_or_else(|error| panic!("{error}"));
        let log = DesktopLog::default();
        self.desktops.insert(session, Desktop { user, shows_after_ms: None, log });
        let connect = DesktopInput::Connect { session, principal, after: None };
        self.feed(Input::Desktop(connect), now);
    }

    /// An agent's desktop asks for something; the id under which the answer will come.
    pub(crate) fn command(&mut self, user: &str, command: Command, now: Mono) -> String {
        let session = self.desktops.iter().find(|(_, desktop)| desktop.user.as_str() == user);
        let Some(session) = session.map(|(session, _)| *session) else {
            panic!("{user} has no desktop");
        };
        self.counter += 1;
        let id = format!("command-{}", self.counter);
        let asked = DesktopInput::Command { session, id: id.clone(), command };
        self.feed(Input::Desktop(asked), now);
        id
    }

    pub(crate) fn answer_to(&mut self, id: &str) -> Option<Result<(), CommandError>> {
        self.answers.remove(id)
    }

    /// The caller whose phone hears at `remote` presses a key.
    pub(crate) fn press(&mut self, remote: SocketAddr, digit: char, now: Mono) {
        let leg = self.media.iter().find(|(_, media)| media.remote == remote).map(|(leg, _)| *leg);
        if let Some(leg) = leg {
            let event = MediaEvent::Digit { leg, digit, duration_ms: 100 };
            self.feed(Input::Media(event), now);
        }
    }

    pub(crate) fn lose_media(&mut self, leg: LegId, for_ms: u64, now: Mono) {
        self.feed(Input::Media(MediaEvent::Silent { leg, for_ms }), now);
    }

    /// So much is known of a leg's line from now on.
    pub(crate) fn measure(&mut self, leg: LegId, stats: LegStats, now: Mono) {
        self.lines.insert(leg, stats);
        let event = MediaEvent::Measured { leg, quality: stats.quality() };
        self.feed(Input::Media(event), now);
    }

    pub(crate) fn disk(&mut self, recording: RecordingId, fails: bool, now: Mono) {
        let event = match fails {
            true => MediaEvent::RecordingGap { recording, error: "disk full".to_owned() },
            false => MediaEvent::RecordingResumed { recording },
        };
        self.feed(Input::Media(event), now);
    }

    pub(crate) fn fall_quiet(&mut self, recording: RecordingId, now: Mono) {
        self.feed(Input::Media(MediaEvent::RecordingQuiet { recording }), now);
    }

    pub(crate) fn lose_recording(&mut self, recording: RecordingId, is_left: bool, now: Mono) {
        self.taping.remove(&recording);
        let error = "there is no room".to_owned();
        self.feed(Input::Media(MediaEvent::RecordingLost { recording, error, is_left }), now);
    }

    pub(crate) fn receive(&mut self, datagram: &Datagram, now: Mono) {
        let flow = Flow {
            transport: Transport::Udp,
            local: Self::address(),
            remote: datagram.from,
            connection: 0,
            listener: 0,
        };
        // What is no message is dropped, as the workers do.
        let _ = self.transactions.handle_datagram(&datagram.bytes, flow, now);
    }

    pub(crate) fn configure(&mut self, settings: &Settings, now: Mono) {
        let config = hotline::config(settings);
        let changes = acd::Changes::between(&self.distribution, &config.acd);
        self.distribution = config.acd.clone();
        let (by, what) = (UserId::from("lead"), "scenario".to_owned());
        let new = callflow::Reconfigured { by, what, changes, config: Box::new(config) };
        self.feed(Input::Configure(Box::new(new)), now);
    }

    pub(crate) fn stop(&mut self, now: Mono) {
        self.feed(Input::Stop, now);
    }

    fn feed(&mut self, input: Input, now: Mono) {
        self.callflow.handle_input(input, now);
    }

    pub(crate) fn next(&self) -> Option<Mono> {
        [
            self.callflow.poll_timeout().map(|(at, _)| at),
            self.transactions.poll_timeout().map(|(at, _)| at),
            self.later.first_key_value().map(|((at, _), _)| *at),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due, until nothing is; returns what leaves for the network.
    pub(crate) fn work(&mut self, now: Mono) -> Vec<Datagram> {
        let mut leaving = Vec::new();
        while let Some(entry) = self.later.first_entry() {
            if entry.key().0 > now {
                break;
            }
            match entry.remove() {
                Later::Feed(input) => self.feed(input, now),
                Later::PlayFinished { leg, play } => self.finish_play(leg, play, now),
            }
        }
        if self.transactions.poll_timeout().is_some_and(|(at, _)| at <= now) {
            self.transactions.handle_timeout(now);
        }
        if self.callflow.poll_timeout().is_some_and(|(at, _)| at <= now) {
            self.callflow.handle_timeout(now);
        }
        loop {
            if let Some(output) = self.transactions.poll_output() {
                match output {
                    TxOutput::Transmit { flow, message } => leaving.push(Datagram {
                        from: Self::address(),
                        to: flow.remote,
                        bytes: message.as_bytes().to_vec(),
                    }),
                    TxOutput::ToBrain(event) => self.feed(Input::Sip(event), now),
                }
            } else if let Some(output) = self.callflow.poll_output() {
                self.perform(output, now);
            } else {
                self.ears.listen(&self.media);
                return leaving;
            }
        }
    }

    fn after(&mut self, ms: u64, later: Later, now: Mono) {
        self.counter += 1;
        self.later.insert((now + Duration::from_millis(ms), self.counter), later);
    }

    fn perform(&mut self, output: Output, now: Mono) {
        match output {
            Output::Fact(fact) => {
                self.ears.handle(&fact);
                self.facts.push(fact);
            }
            Output::Sip(command) => self.transactions.handle_command(command, now),
            Output::OpenMedia { call, leg } => {
                self.ports.insert(leg, call);
                let port = 20_000 + u16::try_from(leg.0.counter() % 20_000).unwrap_or(0) * 2;
                let address = Some(SocketAddr::new(engine_ip(), port));
                self.feed(Input::MediaOpened { leg, address }, now);
            }
            Output::Media(command) => self.move_media(command, now),
            Output::FindCaller { token, phone } => self.find_caller(token, &phone, now),
            Output::FindPolicy { call, query: _ } => {
                let answer = ivr::PolicyAnswer::Unknown;
                self.after(20, Later::Feed(Input::PolicyFound { call, answer }), now);
            }
            Output::Resolve(question) => {
                let answer = self.ask_zone(&question);
                self.after(30, Later::Feed(Input::Resolved { question, answer }), now);
            }
            Output::Desktop(output) => self.show(output, now),
            Output::DesktopRefused { .. } => {}
            Output::Stopped => self.stopped = true,
        }
    }

    /// What the DNS says. As servers do, it begins with another record each time (RFC 1794).
    fn ask_zone(&mut self, question: &Question) -> Answer {
        self.asked_zone += 1;
        let Some(known) = self.zone.get_mut(question) else {
            return Answer::Nothing { ttl_s: None };
        };
        let answer = known.clone();
        if let Answer::Found { records, .. } = known
            && !records.is_empty()
        {
            records.rotate_left(1);
        }
        answer
    }

    fn move_media(&mut self, command: MediaCommand, now: Mono) {
        match command {
            MediaCommand::Set(media) => {
                if let Source::Play(play) = &media.hears
                    && !play.repeat
                {
                    let heard = (now, media.leg, play.prompts.clone());
                    self.played.entry(play.id).or_insert(heard);
                    let finished = Later::PlayFinished { leg: media.leg, play: play.id };
                    self.after(PROMPT_MS * play.prompts.len() as u64, finished, now);
                }
                self.media.insert(media.leg, media);
            }
            MediaCommand::Close { leg } => {
                self.media.remove(&leg);
                if let Some(call) = self.ports.remove(&leg) {
                    let stats = self.lines.remove(&leg).unwrap_or_default();
                    let event = MediaEvent::Closed { call, leg, stats };
                    self.after(CLOSED_MS, Later::Feed(Input::Media(event)), now);
                }
            }
            MediaCommand::StartRecording { recording, agent, .. } => {
                self.taping.insert(recording, agent.into_iter().collect());
            }
            MediaCommand::TapeVoices(voices) => {
                self.taping.insert(voices.recording, voices.agents.to_vec());
            }
            MediaCommand::StopRecording { recording, .. } => {
                if self.taping.remove(&recording).is_some() && self.seals {
                    let seal = Seal { sha256: "sim".to_owned(), bytes: 44, frames: 0 };
                    let event = MediaEvent::RecordingSealed { recording, seal };
                    self.after(100, Later::Feed(Input::Media(event)), now);
                }
            }
        }
    }

    fn finish_play(&mut self, leg: LegId, play: PlayId, now: Mono) {
        let hears = self.media.get(&leg).map(|media| &media.hears);
        let plays_on = matches!(hears, Some(Source::Play(current)) if current.id == play);
        if plays_on {
            self.feed(Input::Media(MediaEvent::PlayFinished { leg, play }), now);
        }
    }

    fn find_caller(&mut self, token: CallId, phone: &Pii<String>, now: Mono) {
        let (after_ms, answer) = match self.lookup {
            LookupBehaviour::Found(ms) => (ms, Ok(Some(Arc::new(customer(phone))))),
            LookupBehaviour::Unknown(ms) => (ms, Ok(None)),
            LookupBehaviour::Fails(ms) => (ms, Err(lookup::Failed)),
            LookupBehaviour::Silent => return,
        };
        self.after(after_ms, Later::Feed(Input::CallerFound { token, answer }), now);
    }

    fn show(&mut self, output: cti::Output, now: Mono) {
        if let cti::Output::Reply { id, result, .. } = &output
            && id.starts_with("command-")
        {
            self.answers.insert(id.clone(), result.clone());
        }
        let cti::Output::Deliver { session, stamped } = output else { return };
        let Some(desktop) = self.desktops.get_mut(&session) else { return };
        desktop.log.events.push((now, stamped.seq, Arc::clone(&stamped.event)));
        let Event::ScreenPop { offer, .. } = &*stamped.event else { return };
        desktop.log.pops.push((now, *offer));
        if let Some(ms) = desktop.shows_after_ms {
            let command = Command::PopShown { offer: *offer };
            let id = format!("shown-{offer}");
            let command = DesktopInput::Command { session, id, command };
            self.after(ms, Later::Feed(Input::Desktop(command)), now);
        }
    }
}

fn customer(phone: &Pii<String>) -> CustomerCard {
    CustomerCard {
        customer_id: format!("C{}", phone.reveal()),
        name: Pii::from("王小明"),
        phone: phone.clone(),
        identity_number: Pii::from("110101199003070134"),
        class: "a".to_owned(),
        city: "上海".to_owned(),
        steward: None,
        policies: Vec::new(),
    }
}
