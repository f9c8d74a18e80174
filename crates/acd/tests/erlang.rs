//! Simulated days on the real room beside queueing theory: what callers of a plain queue live
//! through must be what Erlang's formulas say, for twenty-four hours a day of random calls.
//!
//! Two oracles: the table (from two independent programs), and this test's own formulas, which must
//! agree with the table before the room is compared with either. A figure of the simulation is the
//! mean of 30 batches, and its interval Student's for 99.9 % (29 degrees of freedom); one interval
//! in a thousand may miss by chance, so the seed is fixed.
#![allow(clippy::print_stdout, reason = "the intervals are what this test states")]
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

#[path = "erlang/day.rs"]
mod day;
#[path = "erlang/formulas.rs"]
mod formulas;

use day::Day;
use formulas::{Figures, Load};

/// Calls an hour, handling time, agents, mean patience (0: they wait for ever), then the figures:
/// who waits, mean wait of all, answered within 20 s (15 s in the first), who leaves, occupancy.
type Row = (f64, f64, usize, f64, f64, [f64; 5]);

#[rustfmt::skip]
const ROWS: [Row; 14] = [
    (720.0, 240.0, 55, 0.0, 15.0, [0.238701, 8.184032, 0.845883, 0.0, 0.872727]),
    (100.0, 180.0, 6, 0.0, 20.0, [0.587516, 105.752961, 0.474267, 0.0, 0.833333]),
    (300.0, 180.0, 17, 0.0, 20.0, [0.520272, 46.824508, 0.583398, 0.0, 0.882353]),
    (1_000.0, 240.0, 70, 0.0, 20.0, [0.589210, 42.423123, 0.553694, 0.0, 0.952381]),
    (2_880.0, 60.0, 50, 0.0, 20.0, [0.694456, 20.833668, 0.643455, 0.0, 0.960000]),
    (2_880.0, 60.0, 50, 120.0, 20.0, [0.467774, 3.709470, 0.943019, 0.030912, 0.930324]),
    (100.0, 180.0, 6, 60.0, 20.0, [0.309940, 8.075273, 0.776043, 0.134588, 0.721177]),
    (300.0, 180.0, 15, 90.0, 20.0, [0.455833, 10.773661, 0.713664, 0.119707, 0.880293]),
    (300.0, 180.0, 13, 90.0, 20.0, [0.632038, 17.838199, 0.547302, 0.198202, 0.925151]),
    (1_000.0, 240.0, 66, 180.0, 20.0, [0.512124, 10.341788, 0.745094, 0.057454, 0.952066]),
    (1_000.0, 240.0, 70, 180.0, 20.0, [0.334486, 5.580747, 0.866910, 0.031004, 0.922853]),
    (6_000.0, 300.0, 500, 120.0, 20.0, [0.394772, 2.622284, 0.970717, 0.021852, 0.978148]),
    (60.0, 300.0, 5, 300.0, 20.0, [0.559507, 52.640211, 0.496873, 0.175467, 0.824533]),
    (12_000.0, 300.0, 1_010, 60.0, 20.0, [0.239106, 0.744815, 0.987586, 0.012414, 0.977808]),
];

/// Student's t for 99.9 % with 29 degrees of freedom.
const STUDENT: f64 = 3.659;
const BATCHES: usize = 30;
/// The figure that varies most.
const MEAN_WAIT: usize = 1;
const SEED: u64 = 1917;

fn load(row: &Row) -> Load {
    let &(calls_an_hour, handling_s, agents, patience_s, within_s, _) = row;
    Load {
        arrivals_a_s: calls_an_hour / 3_600.0,
        handling_s,
        agents,
        patience_s: (patience_s > 0.0).then_some(patience_s),
        within_s,
    }
}

#[test]
fn the_formulas_agree_with_the_table() {
    for row in &ROWS {
        let computed = formulas::figures(&load(row)).all();
        for (at, (one, other)) in computed.iter().zip(row.5).enumerate() {
            assert!((one - other).abs() < 2e-5 * other.max(1.0), "{row:?}: figure {at} is {one}");
        }
    }
}

#[test]
fn simulated_days_on_the_room_agree_with_queueing_theory() {
    println!("seed {SEED}; measured ± interval (table)");
    let (even, odd) = std::thread::scope(|scope| {
        let even = scope.spawn(|| misses(0));
        let odd = misses(1);
        (even.join().unwrap(), odd)
    });
    let misses = [even, odd].concat();
    assert!(misses.is_empty(), "\n{}", misses.join("\n"));
}

/// Simulates every other row, and tells of the figures that do not agree.
fn misses(first: u64) -> Vec<String> {
    let mut misses = Vec::new();
    for (at, row) in (0..).zip(&ROWS).skip(first as usize).step_by(2) {
        let load = load(row);
        // The nearer the load to what can be carried, and the more agents, the longer a queue
        // remembers: longer batches.
        let long = load.patience_s.is_none() || load.agents >= 500;
        let calls = if long { 20_000 } else { 6_000 };
        let mut day = Day::new(&load, SEED + at);
        day.run(calls);
        let batches: Vec<Figures> = (0..BATCHES).map(|_| day.run(calls)).collect();
        let mut told = format!("{:>6} calls/h, {:>4} agents:", row.0, row.2);
        for (figure, expected) in row.5.into_iter().enumerate() {
            let of = |batch: &Figures| batch.all()[figure];
            let (mean, interval) = mean_and_interval(batches.iter().map(of));
            told += &format!(" {mean:.4} ± {interval:.4} ({expected:.4})");
            // An interval that is wide enough to hide a wrong queue shows nothing.
            let widest = if figure == MEAN_WAIT { 0.35 } else { 0.25 };
            let tight = interval <= widest * expected.max(0.05);
            if (mean - expected).abs() > interval.max(1e-9) || !tight {
                misses.push(format!("{row:?}: figure {figure} is {mean} ± {interval}"));
            }
        }
        println!("{told}");
    }
    misses
}

fn mean_and_interval(batches: impl Iterator<Item = f64>) -> (f64, f64) {
    let batches: Vec<f64> = batches.collect();
    let count = batches.len() as f64;
    let mean = batches.iter().sum::<f64>() / count;
    let squares: f64 = batches.iter().map(|batch| (batch - mean).powi(2)).sum();
    (mean, STUDENT * (squares / (count - 1.0) / count).sqrt())
}
