//! What the store does on this machine: facts a second, how long a commit takes at a call center's
//! pace, how long a look-up takes.
//!
//! `cargo run --release -p store --example measure -- [DATABASE] [SECONDS]`: a new SQLite file or a
//! `postgres://` URL of an empty database, and for how long the paced part runs.
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::{
    CallId, Fact, FactBody, HangupCause, Id, LegId, Mono, Outcome, Pii, QueueId, SCHEMA_VERSION,
    TrunkId, Wall,
};
use report::{CallRecord, CallRecords, Limits};
use store::policies::{Plan, date_of, ensure_generated, generate};
use store::{Notice, Purpose, Store, Writer, WriterLimits};

/// 2025-07-01 in China.
const TODAY: Wall = Wall(1_751_299_200_000_000);

/// Calls that begin and end in a second of the paced part.
const CALLS_A_SECOND: u64 = 50;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let database = arguments.next().unwrap_or_else(|| "measure.db".to_owned());
    let seconds: u64 = arguments.next().map_or(Ok(10), |seconds| seconds.parse())?;
    let store = Store::open(&database, 1, Purpose::Engine).await?;
    let epoch = store.begin_epoch(TODAY).await?;
    let mut calls = Calls { epoch, seq: 0, next: 0, records: CallRecords::new(Limits::default()) };
    at_full_speed(&store, &mut calls).await?;
    at_a_pace(&store, &mut calls, seconds).await?;
    look_ups(&store).await?;
    Ok(())
}

/// An engine's calls: nine facts and a record each.
struct Calls {
    epoch: u32,
    seq: u64,
    next: u32,
    records: CallRecords,
}

impl Calls {
    fn one(&mut self) -> (Vec<Fact>, Vec<CallRecord>) {
        self.next += 1;
        let call = CallId(Id::new(1, self.epoch, self.next));
        let leg = LegId(Id::new(1, self.epoch, self.next));
        let menu = |node: &str| FactBody::MenuEntered { call, node: node.to_owned() };
        let bodies = [
            FactBody::CallArrived {
                call,
                leg,
                trunk: TrunkId::from("demo"),
                ani: Pii::from("13800138000"),
                dnis: "95512".to_owned(),
                sip_call_id: format!("{call}@10.0.0.1"),
            },
            FactBody::CallAnswered { call },
            FactBody::LookupEnded {
                call,
                result: "found".to_owned(),
                customer_id: Some("C00000001".to_owned()),
                took_ms: 1,
            },
            menu("welcome"),
            menu("main"),
            FactBody::DigitsCollected { call, node: "main".to_owned(), digits: "1".to_owned() },
            FactBody::Queued {
                call,
                queue: QueueId::from("claims"),
                entered: Mono(0),
                permission: None,
            },
            FactBody::LegEnded {
                call,
                leg,
                role: model::LegRole::Caller,
                cause: HangupCause::RemoteBye,
                measured: false,
            },
            FactBody::CallEnded {
                call,
                outcome: Outcome::Abandoned,
                cause: HangupCause::RemoteBye,
            },
        ];
        let (mut facts, mut records) = (Vec::with_capacity(bodies.len()), Vec::new());
        for body in bodies {
            self.seq += 1;
            let fact = Fact {
                site: 1,
                epoch: self.epoch,
                seq: self.seq,
                mono: Mono(self.seq),
                wall: Wall(TODAY.0 + i64::try_from(self.seq).unwrap_or(0)),
                version: SCHEMA_VERSION,
                body,
            };
            records.extend(self.records.apply(&fact));
            facts.push(fact);
        }
        (facts, records)
    }
}

/// As many as the writer takes.
async fn at_full_speed(store: &Store, calls: &mut Calls) -> Result<(), Box<dyn std::error::Error>> {
    let batches: Vec<_> = (0..20_000).map(|_| calls.one()).collect();
    let facts: usize = batches.iter().map(|(facts, _)| facts.len()).sum();
    let writer = Writer::start(store, None, WriterLimits::default(), |_| {})?;
    let began = Instant::now();
    for (facts, records) in batches {
        if writer.append(facts, records).is_err() {
            return Err("the queue is too short for this".into());
        }
    }
    if writer.stop(Duration::from_secs(600)).await.is_err() {
        return Err("the facts could not be written".into());
    }
    let took = began.elapsed();
    println!(
        "{facts} facts and 20,000 records in {} ms: {:.0} facts/s",
        took.as_millis(),
        facts as f64 / took.as_secs_f64()
    );
    Ok(())
}

/// From appending a call's facts to the notice that they are committed.
async fn at_a_pace(
    store: &Store,
    calls: &mut Calls,
    seconds: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let waiting = Arc::new(Mutex::new(VecDeque::<(u64, Instant)>::new()));
    let took = Arc::new(Mutex::new(Vec::new()));
    let (far, times) = (Arc::clone(&waiting), Arc::clone(&took));
    let writer = Writer::start(store, None, WriterLimits::default(), move |notice| {
        let Notice::Committed { up_to_seq } = notice else { return };
        let mut far = far.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((_, since)) = far.pop_front_if(|(seq, _)| *seq <= up_to_seq) {
            times.lock().unwrap_or_else(PoisonError::into_inner).push(since.elapsed());
        }
    })?;
    // One fact at a time, as a call's steps come: each is waited for by someone.
    let steps = CALLS_A_SECOND * 9;
    let mut tick = tokio::time::interval(Duration::from_nanos(1_000_000_000 / steps));
    for _ in 0..CALLS_A_SECOND * seconds {
        let (facts, mut records) = calls.one();
        let last = facts.len() - 1;
        for (at, fact) in facts.into_iter().enumerate() {
            tick.tick().await;
            let entry = (fact.seq, Instant::now());
            waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(entry);
            let records = if at == last { std::mem::take(&mut records) } else { Vec::new() };
            if writer.append(vec![fact], records).is_err() {
                return Err("the writer does not keep up".into());
            }
        }
    }
    if writer.stop(Duration::from_secs(60)).await.is_err() {
        return Err("the facts could not be written".into());
    }
    let mut took = took.lock().unwrap_or_else(PoisonError::into_inner);
    show(&format!("commit at {steps} facts/s"), &mut took);
    Ok(())
}

async fn look_ups(store: &Store) -> Result<(), Box<dyn std::error::Error>> {
    let plan = Plan { customers: 100_000, seed: 1, today: date_of(TODAY) };
    let began = Instant::now();
    let loaded = ensure_generated(store, plan, |_| {}).await?;
    println!("{loaded:?} in {} ms", began.elapsed().as_millis());
    let mut took = Vec::new();
    for customer in generate(plan).step_by(50) {
        let began = Instant::now();
        if store.customer_by_phone(&customer.phone, TODAY).await?.is_none() {
            return Err("a customer is missing".into());
        }
        took.push(began.elapsed());
    }
    show("look-up by phone among 100,000 customers", &mut took);
    Ok(())
}

fn show(what: &str, took: &mut [Duration]) {
    took.sort_unstable();
    let at = |permille: usize| took.get(took.len() * permille / 1000).map_or(0, |t| t.as_micros());
    println!(
        "{what}: {} times, p50 {} us, p99 {} us, p99.9 {} us, longest {} us",
        took.len(),
        at(500),
        at(990),
        at(999),
        took.last().map_or(0, Duration::as_micros)
    );
}
