//! A million small call centers in which everything happens in a random order, each step judged by
//! a reference that knows the rules but none of the room's indexes.
//!
//! A failure names its seed, and `ACD_SEED=<seed> cargo test -p acd --test random_orders` runs
//! that one alone.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod random;

use std::collections::BTreeMap;

use acd::{Acd, Input, Output};
use model::{IdSource, Mono, Opened};
use random::reference::Reference;
use random::world::{Rng, World};

const WORLDS: u64 = 1_000_000;
const EVENTS: usize = 40;
const THREADS: usize = 2;

fn seeds() -> std::ops::Range<u64> {
    match std::env::var("ACD_SEED").ok().and_then(|seed| seed.parse::<u64>().ok()) {
        Some(seed) => seed..seed + 1,
        None => 0..worlds(),
    }
}

/// `ACD_WORLDS` asks for fewer while one works.
fn worlds() -> u64 {
    std::env::var("ACD_WORLDS").ok().and_then(|count| count.parse().ok()).unwrap_or(WORLDS)
}

/// What was put in and what came out, queue figures left out.
struct Run {
    world: World,
    inputs: Vec<(Input, Mono)>,
    outputs: Vec<Output>,
}

/// Runs one world, looking at every deadline and judging every step.
fn run_judged(seed: u64) -> Run {
    let mut rng = Rng::new(seed);
    let mut world = World::new(&mut rng);
    let mut acd = Acd::new(world.first(), IdSource::new(1, 1)).unwrap();
    let mut reference = Reference::new(world.first(), seed);
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    let mut event = 0;
    while event < EVENTS + world.endings() {
        let until = world.advance(&mut rng);
        while let Some((due, _)) = acd.poll_timeout()
            && due <= until
        {
            acd.handle_timeout(due);
            outputs.extend(reference.judge(&mut acd, None, due));
        }
        let input =
            if event < EVENTS { world.input(&mut rng, &acd) } else { world.ending(event - EVENTS) };
        reference.expect(&input, until);
        acd.handle_input(input.clone(), until);
        outputs.extend(reference.judge(&mut acd, Some(&input), until));
        inputs.push((input, until));
        event += 1;
    }
    reference.judge_end();
    Run { world, inputs, outputs }
}

/// What comes out when the same is put in but nobody looks at deadlines between.
fn run_lazily(run: &Run) -> Vec<Output> {
    let mut acd = Acd::new(run.world.first(), IdSource::new(1, 1)).unwrap();
    let mut outputs = Vec::new();
    for (input, now) in &run.inputs {
        acd.handle_input(input.clone(), *now);
        let said = std::iter::from_fn(|| acd.poll_output());
        outputs.extend(said.filter(|output| !matches!(output, Output::QueueChanged(_))));
    }
    outputs
}

/// The same once more, with facts written down, and a room that dies and is made anew from them
/// before this input.
fn run_restored(run: &Run, seed: u64, at: usize) -> Vec<Output> {
    let mut config = run.world.first().clone();
    let mut acd = Acd::new(&config, IdSource::new(1, 1)).unwrap();
    let mut kept = acd.keep_facts();
    let mut outputs = Vec::new();
    for (nth, (input, now)) in run.inputs.iter().enumerate() {
        if nth == at {
            acd = Acd::restore(&config, &kept).unwrap();
            assert_eq!(acd.snapshot(), kept, "seed {seed}: another room than before");
        }
        if let Input::Configure(changes) = input {
            changes.make(&mut config);
        }
        acd.handle_input(input.clone(), *now);
        let said = std::iter::from_fn(|| acd.poll_output());
        outputs.extend(said.filter(|output| !matches!(output, Output::QueueChanged(_))));
        while let Some(fact) = acd.poll_fact() {
            kept.apply(&fact).unwrap();
        }
        // The time passes without facts as well.
        kept.at = acd.snapshot().at;
    }
    assert_eq!(acd.snapshot(), kept, "seed {seed}: the facts say something else");
    outputs
}

#[test]
fn in_any_order_of_events_every_rule_holds_and_the_same_comes_out_again() {
    let seeds = seeds();
    println!("seeds {seeds:?}, {EVENTS} events each");
    let judged = std::thread::scope(|scope| {
        let all = seeds.clone();
        let seeds = (0..THREADS).map(|first| all.clone().skip(first).step_by(THREADS));
        let threads: Vec<_> = seeds.map(|seeds| scope.spawn(|| judge(seeds))).collect();
        let judged = threads.into_iter().map(|thread| thread.join().unwrap());
        judged.fold(Judged::default(), Judged::and)
    });
    println!("{} offers judged, steps opened: {:?}", judged.offers, judged.opened);
    assert!(judged.offers > 0, "nothing was judged");
    // Every reason for which a step may open is met in so many worlds. Estimates need
    // a queue that has moved for longer, as in tests/escalation.rs.
    assert!(seeds.end - seeds.start < 10_000 || judged.opened.len() >= 4, "{:?}", judged.opened);
}

/// What was judged.
#[derive(Default)]
struct Judged {
    offers: usize,
    opened: BTreeMap<Opened, usize>,
}

impl Judged {
    fn and(mut self, other: Self) -> Self {
        self.offers += other.offers;
        for (why, count) in other.opened {
            *self.opened.entry(why).or_default() += count;
        }
        self
    }

    fn read(&mut self, output: &Output) {
        match output {
            Output::Offer { .. } => self.offers += 1,
            Output::TierReached { why, .. } => *self.opened.entry(*why).or_default() += 1,
            _ => {}
        }
    }
}

/// Judges the worlds of these seeds.
fn judge(seeds: impl Iterator<Item = u64>) -> Judged {
    let mut judged = Judged::default();
    for seed in seeds {
        let run = run_judged(seed);
        assert_eq!(run_lazily(&run), run.outputs, "seed {seed}: deadlines looked at late");
        if seed % 4 == 0 {
            let at = usize::try_from(seed / 4).unwrap() % run.inputs.len();
            let restored = run_restored(&run, seed, at);
            assert_eq!(restored, run.outputs, "seed {seed}: died before input {at}");
        }
        run.outputs.iter().for_each(|output| judged.read(output));
    }
    judged
}
