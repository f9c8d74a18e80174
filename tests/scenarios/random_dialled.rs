//! Agents call out and do anything at all with the call, at any time; so do those whom they call.
//! Whatever it is, every call and leg ends, nobody is left in silence, and every agent is free.

use std::collections::BTreeSet;

use cti::Command;
use model::{FactBody, Mono, Pii, Target, TransferEnd};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sim::{Answer, PartyId, PhonePlan, World};

use crate::calls_out::MOBILE;
use crate::own_calls::{calls, world};
use crate::{assert_sound, ends};

const AGENTS: [(&str, u8); 3] = [("8011", 2), ("8012", 2), ("8001", 1)];
const STEPS: usize = 14;

/// How someone answers a call.
fn answer(chance: &mut ChaCha8Rng) -> Answer {
    match chance.random_range(0..6) {
        0 => Answer::RingsOnly,
        1 => Answer::Refuses(486, chance.random_range(1..3_000)),
        _ => Answer::After(chance.random_range(1..4_000)),
    }
}

/// Two gateways, each of which has one line.
fn gateways(world: &mut World, chance: &mut ChaCha8Rng) -> [PartyId; 2] {
    [1, 2].map(|number| {
        let first = Answer::After(chance.random_range(1..3_000));
        let answers = vec![first, Answer::Refuses(500, 20)];
        world.gateway(number, PhonePlan { answers, ..PhonePlan::of("gateway") })
    })
}

fn target(chance: &mut ChaCha8Rng) -> Target {
    match chance.random_range(0..6) {
        0 => Target::Queue("general".into()),
        1 => Target::Number(Pii::from("13900139000")),
        number => Target::Agent(AGENTS[number % AGENTS.len()].0.into()),
    }
}

fn command(chance: &mut ChaCha8Rng) -> Command {
    match chance.random_range(0..9) {
        0 | 1 => Command::Transfer { to: target(chance) },
        2 | 3 => Command::Consult { to: target(chance) },
        4 => Command::SwapParties,
        5 => Command::Conference,
        6 => Command::CompleteTransfer,
        7 => Command::CancelConsult,
        _ => Command::Dial { number: Pii::from(MOBILE) },
    }
}

/// One thing that somebody does.
fn act(world: &mut World, parties: &[PartyId], chance: &mut ChaCha8Rng) {
    let now = Mono::from_ms(world.now().as_ms() + 1);
    match chance.random_range(0..12) {
        0 => {
            let party = parties[chance.random_range(0..parties.len())];
            world.party_mut(party).hang_up(now);
        }
        1 => {
            let phone = parties[chance.random_range(0..AGENTS.len())];
            let to = ["sip:8001@hotline", "sip:8012@hotline", "sip:general@hotline"];
            world.party_mut(phone).refer(now, to[chance.random_range(0..to.len())], true);
        }
        number => {
            // Who has the call most often asks.
            let agent = AGENTS[[0, 0, 0, 1, 2][number % 5]].0;
            world.command(agent, command(chance));
        }
    }
}

/// A run by a seed; which kinds of facts came of it.
fn run(seed: u64) -> BTreeSet<&'static str> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut world = world();
    let mut parties: Vec<PartyId> = Vec::new();
    for (agent, tier) in AGENTS {
        let answers = vec![Answer::After(300), answer(&mut chance), answer(&mut chance)];
        parties.push(world.phone(0, PhonePlan { answers, ..PhonePlan::of(agent) }));
        world.desktop(agent, tier, Some(10));
    }
    parties.extend(gateways(&mut world, &mut chance));
    world.run_until(1_000);
    if chance.random_bool(0.5) {
        world.command("8011", Command::Dial { number: Pii::from(MOBILE) });
    } else {
        world.party_mut(parties[0]).call(Mono::from_ms(1_000), calls("8011", MOBILE));
    }
    for _ in 0..STEPS {
        world.run_for(chance.random_range(1..5_000));
        act(&mut world, &parties, &mut chance);
    }
    // Those who were called hang up, and agents whose calls have not come about.
    for _ in 0..3 {
        world.run_for(70_000);
        for (agent, _) in AGENTS {
            world.command(agent, Command::HangUp);
        }
        let now = world.now();
        for party in &parties {
            world.party_mut(*party).hang_up(now);
        }
    }
    world.run_for(120_000);
    let placed = world.when(|body| matches!(body, FactBody::CallPlaced { .. })).len();
    assert_eq!(ends(world.facts()).len(), placed, "seed {seed}");
    assert_sound(&world);
    let taken = world.facts().iter().map(|fact| fact.body.kind());
    let ends = world.facts().iter().filter_map(|fact| match &fact.body {
        FactBody::TransferEnded { end: TransferEnd::Completed, .. } => Some("completed"),
        FactBody::TransferEnded { end: TransferEnd::Missed(_), .. } => Some("missed"),
        FactBody::TransferEnded { end: TransferEnd::TakenBack, .. } => Some("taken back"),
        FactBody::TransferEnded { end: TransferEnd::GuestLeft, .. } => Some("guest left"),
        FactBody::TransferEnded { end: TransferEnd::CallerLeft, .. } => Some("caller left"),
        _ => None,
    });
    taken.chain(ends).collect()
}

#[test]
fn whatever_is_done_with_a_call_that_an_agent_made_it_ends_and_everyone_is_free() {
    let seen: BTreeSet<&str> = (0..150).flat_map(run).collect();
    for kind in ["conference_begun", "queued", "call_taken", "guest_answered", "dialled"] {
        assert!(seen.contains(kind), "no run has come to {kind}");
    }
    for end in ["completed", "missed", "taken back", "guest left", "caller left"] {
        assert!(seen.contains(end), "no transfer was {end}");
    }
}
