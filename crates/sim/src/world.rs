//! Virtual time: what happens next happens now.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use cti::Command;
use media::LegStats;
use model::{Fact, FactBody, LegId, Mono, RecordingId};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use sip::locate::{Answer, Question};

use crate::engine::{DesktopLog, Engine, LookupBehaviour};
use crate::hotline::{CARRIER, Settings};
use crate::network::{Network, Weather};
use crate::party::Party;
use crate::plan::{CallerPlan, PhonePlan};

/// Which party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyId(usize);

/// The engine, its peers and the network between them.
pub struct World {
    now: Mono,
    engine: Engine,
    parties: Vec<Party>,
    by_address: BTreeMap<SocketAddr, usize>,
    /// Parties by when they next want to do something: kept as hints, checked when they come.
    wake: BTreeMap<(Mono, usize), ()>,
    network: Network,
    chance: ChaCha8Rng,
}

impl World {
    /// A hotline without callers, at time 0.
    pub fn new(settings: &Settings, weather: Weather, seed: u64) -> Self {
        Self {
            now: Mono::default(),
            engine: Engine::new(settings),
            parties: Vec::new(),
            by_address: BTreeMap::new(),
            wake: BTreeMap::new(),
            network: Network::new(weather),
            chance: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// The time.
    pub fn now(&self) -> Mono {
        self.now
    }

    /// A caller who calls at that time.
    pub fn caller(&mut self, at_ms: u64, plan: CallerPlan) -> PartyId {
        let number = self.parties.len();
        let [first, second] = CARRIER;
        let low = u16::try_from(number % 65_536).unwrap_or(0).to_be_bytes();
        let high = u16::try_from(number / 65_536).unwrap_or(0);
        let ip = IpAddr::from([first, second, low[0], low[1]]);
        let address = SocketAddr::new(ip, 5_060 + high);
        self.add(Party::caller(address, plan, Mono::from_ms(at_ms)))
    }

    /// A caller from an address that no trunk has, who calls at that time.
    pub fn stranger(&mut self, at_ms: u64, plan: CallerPlan) -> PartyId {
        let [third, fourth] = u16::try_from(self.parties.len()).unwrap_or(0).to_be_bytes();
        let address = SocketAddr::new(IpAddr::from([10, 9, third, fourth]), 5_060);
        self.add(Party::caller(address, plan, Mono::from_ms(at_ms)))
    }

    /// An agent's phone that registers at that time.
    pub fn phone(&mut self, at_ms: u64, plan: PhonePlan) -> PartyId {
        let number = u16::try_from(self.parties.len()).unwrap_or(0).to_be_bytes();
        let address = SocketAddr::new(IpAddr::from([10, 2, number[0], number[1]]), 5_060);
        self.add(Party::phone(address, plan, Mono::from_ms(at_ms)))
    }

    /// A caller behind the `number`th gateway of a carrier.
    pub fn caller_behind(&mut self, number: u8, at_ms: u64, plan: CallerPlan) -> PartyId {
        let address = SocketAddr::new(IpAddr::from([10, 3, 0, number]), 5_080);
        self.add(Party::caller(address, plan, Mono::from_ms(at_ms)))
    }

    /// The `number`th gateway of a carrier: numbers outside are called there.
    pub fn gateway(&mut self, number: u8, plan: PhonePlan) -> PartyId {
        let address = SocketAddr::new(IpAddr::from([10, 3, 0, number]), 5_060);
        self.add(Party::gateway(address, plan))
    }

    fn add(&mut self, party: Party) -> PartyId {
        let id = self.parties.len();
        self.by_address.insert(party.address(), id);
        self.parties.push(party);
        self.plan(id);
        PartyId(id)
    }

    /// An agent's desktop, which says that a pop is shown after so long, or never.
    pub fn desktop(&mut self, agent: &str, tier: u8, shows_after_ms: Option<u64>) {
        self.engine.connect_desktop(agent, tier, shows_after_ms, self.now);
        self.settle();
    }

    /// A supervisor's desktop, which is shown the board.
    pub fn supervisor(&mut self, user: &str) {
        self.engine.connect_supervisor(user, self.now);
        self.settle();
    }

    /// The engine is configured as such a hotline from now on; settings that it reads at its start
    /// alone are left as they were. Nothing comes of it where nothing changes.
    pub fn configure(&mut self, settings: &Settings) {
        self.engine.configure(settings, self.now);
        self.settle();
    }

    /// An agent asks for something on the desktop.
    pub fn command(&mut self, agent: &str, command: Command) {
        // Whoever wants to know what became of it asks by `ask`.
        let _ = self.ask(agent, command);
    }

    /// An agent asks for something on the desktop; the code of the refusal if it is refused.
    ///
    /// # Errors
    /// The refusal's code.
    pub fn ask(&mut self, agent: &str, command: Command) -> Result<(), &'static str> {
        let id = self.engine.command(agent, command, self.now);
        self.settle();
        match self.engine.answer_to(&id) {
            Some(answer) => answer.map_err(|error| error.code),
            None => Err("no answer"),
        }
    }

    /// How the store answers from now on.
    pub fn lookups(&mut self, behaviour: LookupBehaviour) {
        self.engine.lookup = behaviour;
    }

    /// What the DNS says to a question; it says nothing to all others.
    pub fn resolves(&mut self, question: Question, answer: Answer) {
        self.engine.zone.insert(question, answer);
    }

    /// How often the engine has asked the DNS.
    pub fn questions(&self) -> usize {
        self.engine.asked_zone
    }

    /// Where a party is.
    pub fn address(&self, id: PartyId) -> SocketAddr {
        self.party(id).address()
    }

    /// One party.
    pub fn party(&self, id: PartyId) -> &Party {
        &self.parties[id.0]
    }

    /// One party, to be told something; it is looked at in the next step.
    pub fn party_mut(&mut self, id: PartyId) -> &mut Party {
        self.wake.insert((self.now, id.0), ());
        &mut self.parties[id.0]
    }

    /// What the media worker was told last of a party's leg.
    pub fn media(&self, id: PartyId) -> Option<&media::LegMedia> {
        let ip = self.parties[id.0].hears_at().ip();
        self.engine.media.values().find(|media| media.remote.ip() == ip)
    }

    /// Whose voices are on the agents' channel of the recording that runs, if one does.
    pub fn taped(&self) -> &[LegId] {
        self.engine.taping.values().next().map_or(&[], Vec::as_slice)
    }

    /// When a caller whom an agent had answered heard nobody and nothing: never, in a good run.
    pub fn silences(&self) -> &[String] {
        self.engine.ears.silences()
    }

    /// What a desktop was told.
    pub fn desktop_log(&self, agent: &str) -> Option<&DesktopLog> {
        self.engine.desktop(agent)
    }

    /// What the desktop was told that the agent opened last.
    pub fn newest_desktop_log(&self, agent: &str) -> Option<&DesktopLog> {
        self.engine.newest_desktop(agent)
    }

    /// All facts so far.
    pub fn facts(&self) -> &[Fact] {
        &self.engine.facts
    }

    /// The facts that a test asks about, with their times.
    pub fn when(&self, wanted: impl Fn(&FactBody) -> bool) -> Vec<Mono> {
        self.facts().iter().filter(|fact| wanted(&fact.body)).map(|fact| fact.mono).collect()
    }

    /// From now on no recording is ever sealed.
    pub fn seals_nothing(&mut self) {
        self.engine.seals = false;
    }

    /// What callers heard from their first to their last word, but for music.
    pub fn announcements(&self) -> impl Iterator<Item = (Mono, LegId, Vec<&str>)> {
        self.engine.played.values().map(|(at, leg, prompts)| {
            (*at, *leg, prompts.iter().map(|prompt| prompt.as_str()).collect())
        })
    }

    /// Calls in progress.
    pub fn calls(&self) -> usize {
        self.engine.calls()
    }

    /// Legs that hold a port.
    pub fn open_ports(&self) -> usize {
        self.engine.legs_with_ports()
    }

    /// Whether the engine has ended in order after [`World::stop`].
    pub fn is_stopped(&self) -> bool {
        self.engine.stopped
    }

    /// The media worker says that nothing came from a leg for so long.
    pub fn lose_media(&mut self, leg: LegId, for_ms: u64) {
        self.engine.lose_media(leg, for_ms, self.now);
        self.settle();
    }

    /// The media worker says how good a leg's line is.
    pub fn measure(&mut self, leg: LegId, stats: LegStats) {
        self.engine.measure(leg, stats, self.now);
        self.settle();
    }

    /// Whoever speaks on a recording has said nothing for as long as was asked.
    pub fn fall_quiet(&mut self, recording: RecordingId) {
        self.engine.fall_quiet(recording, self.now);
        self.settle();
    }

    /// The disk under a recording fails, or works again.
    pub fn disk(&mut self, recording: RecordingId, fails: bool) {
        self.engine.disk(recording, fails, self.now);
        self.settle();
    }

    /// A recording will not be sealed: there is nothing of it, or what there is is left to the next
    /// start.
    pub fn loses(&mut self, recording: RecordingId, is_left: bool) {
        self.engine.lose_recording(recording, is_left, self.now);
        self.settle();
    }

    /// Tells the engine to end.
    pub fn stop(&mut self) {
        self.engine.stop(self.now);
        self.settle();
    }

    /// Lets time pass until `ms` after the start.
    pub fn run_until(&mut self, ms: u64) {
        let end = Mono::from_ms(ms);
        self.settle();
        while let Some(next) = self.next().filter(|next| *next <= end) {
            self.now = next.max(self.now);
            self.step();
        }
        self.now = end;
    }

    /// Lets so much time pass.
    pub fn run_for(&mut self, ms: u64) {
        self.run_until((self.now + Duration::from_millis(ms)).as_ms());
    }

    fn next(&self) -> Option<Mono> {
        let party = self.wake.first_key_value().map(|((at, _), ())| *at);
        [self.engine.next(), self.network.next(), party].into_iter().flatten().min()
    }

    fn step(&mut self) {
        while let Some(datagram) = self.network.arrive(self.now) {
            if datagram.to == Engine::address() {
                self.engine.receive(&datagram, self.now);
                self.settle();
            } else if let Some(id) = self.by_address.get(&datagram.to).copied() {
                self.parties[id].receive(&datagram, self.now);
                self.work(id);
            }
        }
        while let Some(((at, id), ())) = self.wake.first_key_value() {
            if *at > self.now {
                break;
            }
            let id = *id;
            self.wake.pop_first();
            self.work(id);
        }
        self.settle();
    }

    fn work(&mut self, id: usize) {
        let (leaving, keys) = self.parties[id].work(self.now);
        for datagram in &leaving {
            self.network.send(datagram, self.now, &mut self.chance);
        }
        let hears_at = self.parties[id].hears_at();
        for key in keys {
            self.engine.press(hears_at, key, self.now);
            self.settle();
        }
        self.plan(id);
    }

    fn plan(&mut self, id: usize) {
        if let Some(at) = self.parties[id].next(self.now) {
            self.wake.insert((at.max(self.now), id), ());
        }
    }

    fn settle(&mut self) {
        for datagram in self.engine.work(self.now) {
            self.network.send(&datagram, self.now, &mut self.chance);
        }
    }
}
