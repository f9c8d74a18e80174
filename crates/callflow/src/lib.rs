//! The order of it all: one machine over the rooms that decides what happens to a call.
//!
//! The modules stand in the order in which a hotline call passes them. The machine is fed
//! [`Input`]s with the time and drained of [`Output`]s; it owns no clock, socket or thread, so that
//! a simulator can run a day of calls in seconds and a seed replays any run.

mod arrive;
mod identify;

mod greet;

mod queue;

mod offer;

mod connect;

mod transfer;

mod consult;

mod refer;

mod wrap_up;

mod report;

mod ask_queue;
mod called_back;
mod calls;
mod choices;
mod config;
mod conversation;
mod customer_first;
mod desktop;
mod dial;
mod dial_forks;
mod diverted;
mod farewells;
mod forks;
mod hours;
mod inside;
mod io;
mod kept;
mod keys;
mod locate;
mod message;
mod outward;
mod overflow;
mod own_calls;
mod pause;
mod phones;
mod places;
mod priority;
mod probes;
mod questions;
mod reconfigure;
mod recover;
mod redirected;
mod replaces;
mod sides;
mod signalling;
mod steer;
mod timers;
mod trunks;

pub use config::{
    CallbackPrompts, Choice, Config, ConfigError, MessageRule, Onwards, Phone, QueuePrompts,
};
pub use io::{DesktopInput, Input, KeptAgent, Output, Recovery};
pub use priority::{Priorities, Remembered, Within};
pub use reconfigure::Reconfigured;
pub use sides::{Listener, Side};

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use acd::Acd;
use call::Tokens;
use cti::Cti;
use lookup::Lookup;
use model::{AgentId, CallId, Found, IdSource, LegId, Mono, OfferId, RecordingId};
use sip::locate::{Locator, SearchId};
use sip::{ClientTx, Registrar, ServerTx};

use crate::called_back::Callbacks;
use crate::calls::{Call, LegEntry, Opening};
use crate::farewells::Farewells;
use crate::hours::Hours;
use crate::locate::After;
use crate::phones::Challenger;
use crate::probes::Probed;
use crate::replaces::Ended;
use crate::timers::{LegTimers, Timer, Timers};
use crate::trunks::Lines;

/// The machine.
pub struct Callflow {
    config: Config,
    ids: IdSource,
    tokens: Tokens,
    next_fact: u64,
    next_tx: u64,
    acd: Acd,
    lookup: Lookup,
    cti: Cti,
    /// What each trunk brings.
    loads: trunk::Loads,
    /// How each line to a carrier is.
    lines: Lines,
    registrar: Registrar,
    challenger: Challenger,
    locator: Locator,
    /// What searches for servers are for.
    searches: BTreeMap<SearchId, After>,
    /// Questions to phones that have no answer yet.
    probes: BTreeMap<ClientTx, Probed>,
    /// Agents who were ready before a restart and whose phones have not answered yet, as they are
    /// when that does.
    was_ready: BTreeMap<AgentId, acd::RestoredAgent>,
    calls: BTreeMap<CallId, Call>,
    legs: Found<LegId, Box<LegEntry>>,
    /// Legs that wait for their port.
    opening: BTreeMap<LegId, Opening>,
    /// Our tag as a number → the leg whose dialog it is.
    dialogs: Found<u64, LegId>,
    /// Who called a short while ago.
    recent: priority::Recent,
    /// INVITEs that came, in and outside of dialogs.
    incoming: Found<ServerTx, LegId>,
    /// Requests of ours.
    outgoing: Found<ClientTx, LegId>,
    /// BYEs that have no final response, of legs that are over.
    farewells: Farewells,
    /// The legs by which each agent's phones were rung, until they are over.
    rung: BTreeMap<AgentId, Vec<LegId>>,
    /// Dialogs of agents' phones that are over: what a late Replaces may name.
    ended: Ended,
    /// Recordings that are not sealed yet.
    recordings: BTreeMap<RecordingId, CallId>,
    /// Recordings that have a gap now.
    gaps: BTreeSet<RecordingId>,
    /// The last call of each agent: what a wrap-up may be about.
    last_calls: BTreeMap<AgentId, CallId>,
    /// What popped last on each agent's screen, until the agent is done with the call: for a
    /// desktop that begins afresh.
    pops: BTreeMap<AgentId, cti::Event>,
    /// Alarms that are raised, with what is wrong.
    alarms: BTreeMap<Arc<str>, String>,
    /// The queue's last word on something an agent asked for.
    refusal: Option<acd::Refusal>,
    /// The offer to a colleague whom an agent asked for.
    invited: Option<OfferId>,
    /// What stands in a queue for an agent who asks it → the call that they ask about; one for each
    /// time that a call's agent has asked, until the call ends.
    asked: BTreeMap<CallId, CallId>,
    /// Who is called back.
    callbacks: Callbacks,
    /// Emergency plans that are on.
    plans: BTreeSet<Arc<str>>,
    timers: Timers,
    leg_timers: LegTimers,
    hours: Hours,
    /// What the configuration was until it changed last, until somebody drops it.
    replaced: Option<Box<Config>>,
    outputs: VecDeque<Output>,
    /// The time of the input that is being handled.
    now: Mono,
    welcomes_calls: bool,
    stopping: bool,
    /// When the last recordings are given up, once the last call is over.
    seal_by: Option<Mono>,
    stopped: bool,
}

/// How long the end of the engine waits for its last recordings, in milliseconds: a disk that takes
/// longer leaves them to the next start, which mends them.
const SEALING_MS: u64 = 5_000;

impl Callflow {
    /// A hotline without calls.
    ///
    /// # Errors
    /// What the configuration of queues, agents or desktops lacks.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let ids = IdSource::new(config.site, config.epoch);
        let offers = IdSource::new(config.site, config.epoch);
        Ok(Self {
            acd: Acd::new(&config.acd, offers)?,
            lookup: Lookup::new(config.lookup.clone()),
            cti: Cti::new(config.cti.clone())?,
            loads: trunk::Loads::new(&config.trunks),
            lines: Lines::default(),
            registrar: Registrar::new(config.registrar.clone()),
            locator: Locator::new(config.locate.clone()),
            searches: BTreeMap::new(),
            probes: BTreeMap::new(),
            was_ready: BTreeMap::new(),
            challenger: Challenger::new(&config),
            tokens: Tokens::new(config.secret),
            ids,
            config,
            next_fact: 1,
            next_tx: 1,
            calls: BTreeMap::new(),
            legs: Found::default(),
            opening: BTreeMap::new(),
            dialogs: Found::default(),
            recent: priority::Recent::default(),
            incoming: Found::default(),
            outgoing: Found::default(),
            farewells: Farewells::default(),
            rung: BTreeMap::new(),
            ended: Ended::default(),
            recordings: BTreeMap::new(),
            gaps: BTreeSet::new(),
            last_calls: BTreeMap::new(),
            pops: BTreeMap::new(),
            alarms: BTreeMap::new(),
            refusal: None,
            invited: None,
            asked: BTreeMap::new(),
            callbacks: Callbacks::default(),
            plans: BTreeSet::new(),
            timers: Timers::default(),
            leg_timers: LegTimers::default(),
            hours: Hours::default(),
            replaced: None,
            outputs: VecDeque::new(),
            now: Mono::default(),
            welcomes_calls: true,
            stopping: false,
            seal_by: None,
            stopped: false,
        })
    }

    /// Something happened. Drain [`Callflow::poll_output`] afterwards.
    pub fn handle_input(&mut self, input: Input, now: Mono) {
        self.now = now.max(self.now);
        self.keep_hours();
        match input {
            Input::Sip(event) => self.handle_sip(event),
            Input::Media(event) => self.handle_media(event),
            Input::MediaOpened { leg, address } => self.handle_media_opened(leg, address),
            Input::CallerFound { token, answer } => {
                self.lookup.handle_answer(token, answer, self.now);
            }
            Input::PolicyFound { call, answer } => self.handle_policy(call, answer),
            Input::Resolved { question, answer } => self.handle_resolved(&question, answer),
            Input::Desktop(input) => self.handle_desktop(input),
            Input::Note(body) => self.handle_note(body),
            Input::Configure(new) => self.reconfigure(*new),
            Input::Admission(welcome) => self.welcomes_calls = welcome,
            Input::Stop => self.handle_stop(),
        }
        self.drain_rooms();
    }

    /// Time passed: to be called at or after [`Callflow::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Mono) {
        self.now = now.max(self.now);
        self.keep_hours();
        while let Some((call, timer)) = self.timers.expired(self.now) {
            match timer {
                Timer::Menu => self.handle_menu_timeout(call),
                Timer::Announcement => self.announce_position(call),
                Timer::PopShown(offer) => self.ring(call, offer),
                Timer::PhoneFree(offer) => self.ring_now(call, offer),
                Timer::PhoneResponds(offer) => self.give_up_silent(call, offer),
                Timer::Pause => self.handle_pause_timeout(call),
                Timer::Choice => self.handle_choice_timeout(call),
                Timer::Message => self.message_is_whole(call),
            }
            self.drain_rooms();
        }
        while let Some(leg) = self.leg_timers.expired(self.now) {
            let now = self.now;
            self.with_leg(leg, |entry| entry.leg.handle_timeout(now));
            self.drain_rooms();
        }
        self.acd.handle_timeout(self.now);
        self.lookup.handle_timeout(self.now);
        self.cti.handle_timeout(self.now);
        self.locator.handle_timeout(self.now);
        self.drain_locator();
        self.expire_registrations();
        self.handle_lines_timeout();
        self.drain_rooms();
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When time is next waited for, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        [
            self.timers.next(),
            self.leg_timers.next(),
            self.hours.next(),
            self.acd.poll_timeout(),
            self.lookup.poll_timeout(),
            self.cti.poll_timeout(),
            self.registrar.poll_timeout(),
            self.lines.poll_timeout(),
            self.locator.poll_timeout(),
            self.seal_by.filter(|_| !self.stopped).map(|at| (at, "recordings are sealed")),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Calls in progress.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// What each trunk brings, and what was refused of it.
    pub fn trunk_figures(&self) -> impl Iterator<Item = (&model::TrunkId, trunk::TrunkFigures)> {
        self.loads.figures()
    }

    /// Translates what the rooms say until none has anything to say.
    fn drain_rooms(&mut self) {
        loop {
            if let Some(output) = self.acd.poll_output() {
                self.handle_acd(output);
            } else if let Some(output) = self.lookup.poll_output() {
                self.handle_lookup(output);
            } else if let Some(output) = self.cti.poll_output() {
                self.handle_cti(output);
            } else {
                break;
            }
        }
        self.stop_if_over();
    }

    /// The engine ends when its last call is over, the last recording is sealed and carriers know
    /// that its lines are gone.
    fn stop_if_over(&mut self) {
        let calls_are_over = self.calls.is_empty() && self.opening.is_empty();
        if !self.stopping || self.stopped || !calls_are_over || !self.lines.have_left() {
            return;
        }
        let patience = Duration::from_millis(SEALING_MS);
        let seal_by = *self.seal_by.get_or_insert(self.now + patience);
        if self.recordings.is_empty() || self.now >= seal_by {
            self.stopped = true;
            self.note(model::FactBody::EngineStopped);
            self.outputs.push_back(Output::Stopped);
        }
    }

    fn mint_call(&mut self) -> CallId {
        CallId(self.ids.mint())
    }

    fn mint_leg(&mut self) -> LegId {
        LegId(self.ids.mint())
    }
}
