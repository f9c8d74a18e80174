//! A day of calls with random faults, by a seed. What must hold, holds.

use std::collections::{BTreeMap, BTreeSet};

use cti::Command;
use model::{AgentId, AgentState, Fact, FactBody, LegId, Mono, Outcome, Target, TransferEnd};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sim::{Answer, CallerPlan, Media, PartyId, PhonePlan, Weather, World, settings};
use sip::Method;

const CALLS: usize = 10_000;
const DAY_MS: u64 = 10 * 3_600_000;

fn answers(chance: &mut ChaCha8Rng) -> Vec<Answer> {
    (0..40)
        .map(|_| match chance.random_range(0..100) {
            0 => Answer::RingsOnly,
            1 => Answer::Refuses(486, chance.random_range(0..2_000)),
            2 => Answer::Refuses(603, chance.random_range(0..2_000)),
            3 => Answer::Silence,
            _ => Answer::After(chance.random_range(200..8_000)),
        })
        .collect()
}

fn caller(chance: &mut ChaCha8Rng) -> CallerPlan {
    let number = if chance.random_bool(0.5) { "95512" } else { "95500" };
    let key = ['0', '1', '3', '7'][chance.random_range(0..4)];
    CallerPlan {
        number,
        keys: vec![(chance.random_range(100..9_000), key)],
        hangs_up_after_ms: Some(chance.random_range(1..120_000)),
        acknowledges: chance.random_bool(0.995),
        silent_after_ms: chance.random_bool(0.01).then(|| chance.random_range(1..60_000)),
        offers: chance.random_bool(0.9),
        headers: headers(chance),
        ..CallerPlan::default()
    }
}

/// What the peer asks for: reliable ringing, session timers, nothing.
fn headers(chance: &mut ChaCha8Rng) -> Vec<(&'static str, &'static str)> {
    let required = chance.random_bool(0.1).then_some(("Require", "100rel"));
    let timer = [("Supported", "timer"), ("Session-Expires", "90")];
    let timed = chance.random_range(0..2) * timer.len();
    required.into_iter().chain(timer.into_iter().take(timed)).collect()
}

/// Holds, retrievals and moves at any time, wanted or not.
fn change(world: &mut World, party: PartyId, from_ms: u64, chance: &mut ChaCha8Rng) {
    let kinds = [Media::Talks, Media::SendOnly, Media::Inactive, Media::Late, Media::Unknown];
    for _ in 0..chance.random_range(0..4) {
        let at = Mono::from_ms(from_ms + chance.random_range(0..90_000));
        let method = [Method::Invite, Method::Update][chance.random_range(0..2)];
        let media = match (method, kinds[chance.random_range(0..kinds.len())]) {
            (Method::Update, Media::Late) => Media::MovedToMulaw,
            (_, media) => media,
        };
        world.party_mut(party).change(at, method, media);
    }
}

/// Who talks, read from the facts as they come.
#[derive(Default)]
struct Talkers {
    read: usize,
    agents: Vec<AgentId>,
}

impl Talkers {
    fn follow(&mut self, facts: &[Fact]) {
        for fact in &facts[self.read..] {
            let FactBody::AgentChanged { agent, state, .. } = &fact.body else { continue };
            self.agents.retain(|talking| talking != agent);
            if *state == AgentState::Talking {
                self.agents.push(agent.clone());
            }
        }
        self.read = facts.len();
    }
}

/// Callers' legs without an end.
fn still_there(facts: &[Fact]) -> BTreeSet<LegId> {
    let mut legs = BTreeSet::new();
    for fact in facts {
        match &fact.body {
            FactBody::CallArrived { leg, .. } => drop(legs.insert(*leg)),
            FactBody::LegEnded { leg, .. } => drop(legs.remove(leg)),
            _ => {}
        }
    }
    legs
}

/// An agent who talks gives the call away, asks someone or thinks better of it: by the desktop or
/// by the phone, wanted or not.
fn meddle(
    world: &mut World,
    talkers: &mut Talkers,
    phones: &BTreeMap<AgentId, PartyId>,
    chance: &mut ChaCha8Rng,
) {
    talkers.follow(world.facts());
    if talkers.agents.is_empty() {
        return;
    }
    let agent = talkers.agents[chance.random_range(0..talkers.agents.len())].clone();
    let picked = phones.keys().nth(chance.random_range(0..phones.len())).cloned();
    let to = Target::Agent(picked.unwrap_or_else(|| agent.clone()));
    let command = match chance.random_range(0..12) {
        0..3 => Command::Transfer { to },
        3 => Command::Transfer { to: Target::Queue("complaints".into()) },
        4..7 => Command::Consult { to },
        7 => Command::CompleteTransfer,
        8 => Command::SwapParties,
        9 => Command::Conference,
        10 => Command::CancelConsult,
        _ => {
            let now = world.now();
            let target = ["sip:8501@hotline", "sip:complaints@hotline", "sip:x@elsewhere"];
            let target = target[chance.random_range(0..target.len())];
            let told = chance.random_bool(0.7);
            return world.party_mut(phones[&agent]).refer(now, target, told);
        }
    };
    world.command(agent.as_str(), command);
}

#[allow(clippy::print_stdout, reason = "a run that fails is replayed by its seed")]
fn day(seed: u64, calls: usize) {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut settings = settings();
    settings.agents.extend((0..40).map(|number| (format!("85{number:02}"), 1)));
    settings.acw_ms = 3_000;
    // Rarer than usual, so that the day passes in seconds.
    settings.probe_interval_ms = 60_000;
    let mut world = World::new(&settings, Weather::FOUL, seed);
    let mut phones = BTreeMap::new();
    for (agent, tier) in &settings.agents {
        let talks_ms = Some(chance.random_range(5_000..90_000));
        let answers = answers(&mut chance);
        let rings_reliably = chance.random_bool(0.3);
        let plan =
            PhonePlan { answers, talks_ms, expires_s: 600, rings_reliably, ..PhonePlan::of(agent) };
        let phone = world.phone(chance.random_range(0..60_000), plan);
        phones.insert(AgentId::from(agent.as_str()), phone);
        world.desktop(agent, *tier, Some(50));
    }
    let mut callers = Vec::new();
    for _ in 0..calls {
        let at = chance.random_range(0..DAY_MS * calls as u64 / CALLS as u64);
        let plan = caller(&mut chance);
        // Nobody notices that someone who is on hold has lost the network, but by a session timer.
        let keeps_network = plan.silent_after_ms.is_none();
        let caller = world.caller(at, plan);
        if keeps_network {
            change(&mut world, caller, at, &mut chance);
        }
        callers.push(caller);
    }
    let mut moments: Vec<u64> = (0..calls * 3)
        .map(|_| chance.random_range(0..DAY_MS * calls as u64 / CALLS as u64))
        .collect();
    moments.sort_unstable();
    let mut talkers = Talkers::default();
    for at_ms in moments {
        world.run_until(at_ms);
        meddle(&mut world, &mut talkers, &phones, &mut chance);
    }
    world.run_until(DAY_MS + 300_000);
    // Who was given to a queue in which nobody is ready any more waits no longer.
    for caller in callers {
        if world.party(caller).is_connected() {
            let now = world.now();
            world.party_mut(caller).hang_up(now);
        }
    }
    world.run_until(DAY_MS + 400_000);
    // Of those whose network went, the media workers tell.
    for leg in still_there(world.facts()) {
        world.lose_media(leg, 30_000);
    }
    world.run_until(DAY_MS + 600_000);

    let audit = sim::check(world.facts(), &settings, true);
    println!("seed {seed}: {:?}", audit.outcomes);
    let shown: Vec<&String> = audit.faults.iter().take(20).collect();
    assert!(audit.faults.is_empty(), "seed {seed}: {} faults: {shown:#?}", audit.faults.len());
    assert_eq!((world.calls(), world.open_ports()), (0, 0), "seed {seed}: something is left");
    assert!(world.silences().is_empty(), "seed {seed}: {:#?}", world.silences());
    let done = |fact: &&Fact| {
        matches!(fact.body, FactBody::TransferEnded { end: TransferEnd::Completed, .. })
    };
    let transfers = world.facts().iter().filter(done).count();
    assert!(transfers > calls / 50, "seed {seed}: only {transfers} calls were given away");
    let answered = audit.outcomes.get(&Outcome::Answered).copied().unwrap_or(0);
    assert!(answered > calls / 5, "seed {seed}: only {answered} calls were answered");
}

#[test]
fn ten_thousand_calls_with_random_faults() {
    day(95_512, CALLS);
}

#[test]
fn many_short_days() {
    for seed in 0..8 {
        day(seed, 250);
    }
}
