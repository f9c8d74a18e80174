//! A stored day runs again as it was, and with other rules says what would have become of whom.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod room;

use acd::{
    Config, End, Input, Limits, Output, Overflow, Served, Strategy, Sum, WaitLimit, replay, what_if,
};
use model::{IdSource, Mono, QueueId};
use room::{agent, call, queue};

fn ids() -> IdSource {
    IdSource::new(1, 1)
}

/// Two agents, the second one an expert.
fn config(strategy: Strategy) -> Config {
    let mut general = queue("general", &[(1, 0)]);
    general.strategy = strategy;
    let mut expert = agent("8002", 1, &["general"]);
    expert.queues = vec![Served { level: 9, ..Served::from(QueueId::from("general")) }];
    Config {
        queues: vec![general],
        agents: vec![agent("8001", 1, &["general"]), expert],
        ..Config::default()
    }
}

/// A day as it was, with every offer answered after 2 s; a call comes every 15 s, and each lasts
/// half a minute. One caller leaves after 5 s.
fn day(config: &Config) -> Vec<(Mono, Input)> {
    let mut acd = acd::Acd::new(config, ids()).unwrap();
    let mut planned: Vec<(Mono, Input)> = Vec::new();
    for agent in ["8001", "8002"] {
        let agent = || agent.into();
        planned.push((Mono(0), Input::PhoneReachable { agent: agent(), reachable: true }));
        planned.push((Mono(0), Input::Ready { agent: agent() }));
    }
    for counter in 1..=20 {
        let at = Mono::from_ms(u64::from(counter) * 15_000);
        planned.push((
            at,
            Input::Enqueue {
                call: call(counter),
                queue: "general".into(),
                permission: None,
                entered: at,
                head_start_ms: 0,
                preferred: None,
            },
        ));
        if counter == 7 {
            let leaves = at + std::time::Duration::from_secs(5);
            planned.push((leaves, Input::Dequeue { call: call(7) }));
        }
    }
    let mut inputs = Vec::new();
    while !planned.is_empty() || acd.poll_timeout().is_some() {
        planned.sort_by_key(|(at, _)| *at);
        let at = planned.first().map_or(Mono(u64::MAX), |(at, _)| *at);
        let due = acd.poll_timeout().filter(|(due, _)| *due <= at);
        let now = match due {
            Some((due, _)) => {
                acd.handle_timeout(due);
                due
            }
            None => {
                let (at, input) = planned.remove(0);
                acd.handle_input(input.clone(), at);
                inputs.push((at, input));
                at
            }
        };
        while let Some(output) = acd.poll_output() {
            let later = |ms| now + std::time::Duration::from_millis(ms);
            match output {
                Output::Offer { offer, .. } => {
                    planned.push((now, Input::OfferRinging { offer }));
                    planned.push((later(2_000), Input::OfferAnswered { offer }));
                }
                Output::Connected { call, .. } => {
                    planned.push((later(30_000), Input::CallEnded { call }));
                }
                _ => {}
            }
        }
    }
    inputs
}

#[test]
fn a_stored_day_runs_again_as_it_was() {
    let config = config(Strategy::LongestIdle);
    let inputs = day(&config);
    let fates = replay(&config, ids(), &inputs).unwrap();
    assert_eq!(fates.len(), 20);
    assert_eq!(fates[&call(1)].end, End::Answered("8001".into()));
    assert_eq!(fates[&call(1)].waited_ms, 2_000);
    assert_eq!(fates, replay(&config, ids(), &inputs).unwrap());
}

#[test]
fn with_the_same_rules_nothing_would_have_been_different() {
    let config = config(Strategy::LongestIdle);
    let compared = what_if(&config, &config, ids(), &day(&config)).unwrap();
    assert_eq!(compared.changed().count(), 0, "{:?}", compared.changed().next());
    assert_eq!(compared.before, compared.after);
}

#[test]
fn with_another_strategy_the_expert_would_have_had_the_first_call() {
    let then = config(Strategy::LongestIdle);
    let compared = what_if(&then, &config(Strategy::SkillFirst), ids(), &day(&then)).unwrap();
    let first = compared.changed().next().unwrap();
    assert_eq!(first.0, call(1));
    assert_eq!(first.1.end, End::Answered("8001".into()));
    assert_eq!(first.2.end, End::Answered("8002".into()));
    let (before, after) = compared.sums(&"general".into());
    assert_eq!((before.answered + before.lost, after.answered + after.lost), (20, 20));
}

#[test]
fn with_another_agent_fewer_would_have_left() {
    let mut then = config(Strategy::LongestIdle);
    let instead = then.clone();
    then.agents.truncate(1);
    // The second agent comes to work that day, but is not configured: nobody hears them.
    let compared = what_if(&then, &instead, ids(), &day(&then)).unwrap();
    let (before, after) = compared.sums(&"general".into());
    assert!(after.waited_ms < before.waited_ms, "{before:?} {after:?}");
    assert!(after.answered >= before.answered && after.lost <= before.lost);
}

#[test]
fn with_a_limit_some_would_have_gone_elsewhere() {
    let mut then = config(Strategy::LongestIdle);
    then.agents.truncate(1);
    let mut instead = then.clone();
    let wait = Some(WaitLimit { ms: 30_000, to: Overflow::Callback });
    instead.queues[0].limits = Limits { wait, ..Limits::default() };
    let compared = what_if(&then, &instead, ids(), &day(&then)).unwrap();
    let elsewhere = compared.after.values().filter(|fate| fate.end == End::Elsewhere).count();
    assert!(elsewhere > 0);
    let nobody = compared.sums(&"claims".into());
    assert_eq!(nobody, (Sum::default(), Sum::default()));
}
