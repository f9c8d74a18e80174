//! A room that dies and is made anew from its last snapshot and the facts since then.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod room;

use std::time::Duration;

use acd::{
    Acd, AcwRule, CallbackInput, CallbackRule, Config, Fact, First, Input, MissingFact, Output,
    Overflow, Party, Plan, Preferred, Rule, Snapshot, WaitLimit,
};
use model::{AgentState, MissedCause, NotReadyReason};
use room::{Room, call, demo};

fn config() -> Config {
    let mut config = demo();
    config.approval = [NotReadyReason::Meal].into();
    for queue in &mut config.queues {
        queue.callbacks = Some(CallbackRule::default());
        let to = Overflow::Mailbox("night".into());
        queue.limits.wait = Some(WaitLimit { ms: 600_000, to });
    }
    let rule = Rule { to: Overflow::Announcement("fire".into()), waiting_too: false };
    let queues = [("complaints".into(), rule)].into();
    config.plans = vec![Plan { name: "fire".into(), queues }];
    config
}

fn facts(room: &mut Room) -> Vec<Fact> {
    std::iter::from_fn(|| room.acd.poll_fact()).collect()
}

/// A morning with something of everything.
fn morning(room: &mut Room) {
    room.ready("8001").ready("8002").enqueue(1, "general").answer("8001");
    room.enqueue(2, "claims").ringing("8002").pass(1_000);
    room.enqueue(3, "general").enqueue(4, "claims").pass(10_000);
    let ask = CallbackInput::Ask { call: call(3), party: Party(7), first: First::Agent };
    room.tell(Input::Callback(ask));
    room.ready("8011").ready("8021").enqueue(6, "complaints").answer("8011");
    room.tell(Input::NotReady { agent: "8021".into(), reason: NotReadyReason::Meal });
    room.tell(Input::QueueOpen { queue: "general".into(), open: false });
    room.tell(Input::Emergency { plan: "fire".into(), on: true });
    room.tell(Input::Invite { agent: "8021".into(), call: call(1) });
    let preferred = Some(Preferred { agent: "8001".into(), for_ms: 60_000 });
    room.tell(Input::Enqueue {
        call: call(5),
        queue: "claims".into(),
        permission: None,
        entered: room.now(),
        head_start_ms: 500,
        preferred,
    });
}

/// What is left when the room is gone: a snapshot and facts.
fn died() -> (Room, Snapshot) {
    let mut room = Room::new(&config());
    let mut kept = room.acd.keep_facts();
    morning(&mut room);
    let facts = facts(&mut room);
    assert!(facts.iter().map(|fact| fact.seq).eq(1..=facts.len() as u64), "without gaps");
    assert!(facts.last().unwrap().last);
    for fact in &facts {
        kept.apply(fact).unwrap();
    }
    kept.at = room.now();
    (room, kept)
}

#[test]
fn after_a_death_order_times_agents_and_reservations_are_as_they_were() {
    let (before, kept) = died();
    let acd = Acd::restore(&config(), &kept).unwrap();
    assert_eq!((acd.snapshot(), before.acd.snapshot()), (kept.clone(), kept));
    assert!(acd.agents().eq(before.acd.agents()));
    for queue in ["general", "claims", "complaints"] {
        assert_eq!(acd.queue_snapshot(&queue.into()), before.acd.queue_snapshot(&queue.into()));
        assert!(acd.line(&queue.into()).eq(before.acd.line(&queue.into())));
        assert_eq!(acd.balance(&queue.into()), before.acd.balance(&queue.into()));
    }
    assert_eq!(acd.callback_of(Party(7)), Some(call(3)));
    assert_eq!(acd.poll_timeout(), before.acd.poll_timeout());
}

#[test]
fn nobody_is_offered_twice_and_what_was_offered_goes_on() {
    let (mut before, kept) = died();
    let mut after = Room::new(&config());
    after.acd = Acd::restore(&config(), &kept).unwrap();
    after.now_ms = before.now_ms;
    let shown = std::iter::from_fn(|| after.acd.poll_output());
    let decided = shown.filter(|output| !matches!(output, Output::QueueChanged(_))).count();
    assert_eq!(decided, 0, "nothing is decided anew");
    before.said();
    for room in [&mut before, &mut after] {
        room.miss("8002", MissedCause::Rejected).end(1).pass(30_000);
        room.tell(Input::QueueOpen { queue: "general".into(), open: true });
        room.ready("8002").pass(700_000);
    }
    let said = after.said();
    assert_eq!(said, before.said());
    assert!(said.iter().any(|output| matches!(output, Output::Offer { .. })), "{said:?}");
    assert!(said.iter().any(|output| matches!(output, Output::Overflowed { .. })), "{said:?}");
}

#[test]
fn a_missing_fact_is_noticed_and_one_told_twice_does_no_harm() {
    let mut room = Room::new(&config());
    let mut kept = room.acd.keep_facts();
    room.ready("8001").enqueue(1, "general");
    let facts = facts(&mut room);
    kept.apply(&facts[0]).unwrap();
    let before = kept.clone();
    assert_eq!(kept.apply(&facts[2]), Err(MissingFact { seq: 2 }));
    assert_eq!(kept.apply(&facts[0]), Ok(()));
    assert_eq!(kept, before);
}

#[test]
fn an_agent_who_is_not_configured_any_more_leaves_their_call_in_line() {
    let (_, kept) = died();
    let mut config = config();
    config.agents.retain(|agent| agent.agent.as_str() != "8002");
    config.queues.retain(|queue| queue.queue.as_str() != "complaints");
    for agent in &mut config.agents {
        agent.queues.retain(|served| served.queue.as_str() != "complaints");
    }
    config.plans.clear();
    let acd = Acd::restore(&config, &kept).unwrap();
    assert_eq!(acd.agent(&"8002".into()), None);
    let line: Vec<_> = acd.line(&"claims".into()).collect();
    assert_eq!(line, [call(2), call(4), call(5)]);
    let offered = acd.queue_snapshot(&"claims".into()).unwrap().offered;
    assert_eq!((offered, acd.agent(&"8001".into()).unwrap().state), (0, AgentState::Talking));
    assert_eq!(acd.queue_snapshot(&"complaints".into()), None);
}

#[test]
fn nobody_is_told_facts_who_did_not_ask() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general");
    assert_eq!(facts(&mut room), []);
}

#[test]
fn whoever_a_queue_had_for_a_colleague_works_by_its_rule_after_a_death_too() {
    let mut config = demo();
    config.queues[0].acw = Some(AcwRule { ms: 30_000, limit_ms: 40_000 });
    let mut room = Room::new(&config);
    room.ready("8001").tell(Input::Engage { agent: "8001".into(), call: call(1) });
    room.ready("8002").enqueue(2, "general").answer("8002");
    room.tell(Input::Bring { agent: "8002".into(), call: call(2), into: call(1) });
    let mut after = Room::new(&config);
    after.acd = Acd::restore(&config, &room.acd.snapshot()).unwrap();
    after.now_ms = room.now_ms;
    for room in [&mut room, &mut after] {
        room.end(1);
        let until = room.now() + Duration::from_millis(30_000);
        assert_eq!(room.view("8002").acw_until, Some(until));
    }
}
