//! The configuration changes while calls wait and agents talk.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod room;

use acd::{
    Acd, CallbackInput, CallbackRule, Changes, Config, First, Input, Output, Party, Strategy, Times,
};
use model::{AgentState, AgentStatus, IdSource, Mono, NotReadyReason};
use room::{Room, agent, call, demo, steps};

/// The room goes on from one configuration to the other.
fn configure(room: &mut Room, before: &Config, after: &Config) {
    after.check().unwrap();
    let changes = Changes::between(before, after);
    assert!(!changes.is_empty(), "nothing changes");
    room.tell(Input::Configure(Box::new(changes)));
}

fn without_agent(id: &str) -> Config {
    let mut config = demo();
    config.agents.retain(|known| known.agent.as_str() != id);
    config
}

#[test]
fn what_does_not_differ_is_no_change_and_what_differs_is_that_alone() {
    assert!(Changes::between(&demo(), &demo()).is_empty());
    let mut other = demo();
    other.queues[1].strategy = Strategy::RoundRobin;
    other.agents.remove(0);
    other.agents.push(agent("8031", 1, &["claims"]));
    let changes = Changes::between(&demo(), &other);
    let queues: Vec<&str> = changes.queues.keys().map(|queue| queue.as_str()).collect();
    let agents: Vec<(&str, bool)> =
        changes.agents.iter().map(|(id, agent)| (id.as_str(), agent.is_some())).collect();
    assert_eq!(queues, ["claims"]);
    assert_eq!(agents, [("8001", false), ("8031", true)]);
    let mut made = demo();
    changes.make(&mut made);
    assert_eq!(made, other);
}

#[test]
fn a_change_that_changes_nothing_is_heard_by_nobody() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general");
    room.said();
    room.tell(Input::Configure(Box::default()));
    assert_eq!(room.said(), []);
}

#[test]
fn the_next_phone_rings_as_long_as_is_configured_now_and_the_present_one_as_it_began() {
    let mut room = Room::demo();
    room.ready("8001").ready("8002").enqueue(1, "general");
    room.ringing("8001");
    let after = Config { ring_timeout_ms: 5_000, ..demo() };
    configure(&mut room, &demo(), &after);
    room.pass(19_999);
    assert_eq!(room.state("8001").1, AgentState::Ringing);
    room.pass(1);
    assert_eq!(room.state("8001").1, AgentState::Idle, "20 s were up");
    room.ringing("8002").pass(5_000);
    assert_eq!(room.state("8002").1, AgentState::Idle, "5 s are");
    let times =
        Times { reserve_timeout_ms: 5_000, ring_timeout_ms: 5_000, acw_limit_ms: 3_600_000 };
    assert_eq!(Changes::between(&demo(), &after).times, Some(times));
}

#[test]
fn whoever_is_new_stands_among_the_others_by_their_number() {
    let mut before = demo();
    before.agents.retain(|known| known.agent.as_str() != "8002");
    let mut room = Room::new(&before);
    let mut after = demo();
    after.agents.push(agent("8000", 1, &["general"]));
    configure(&mut room, &before, &after);
    let ids: Vec<String> = room.acd.agents().map(|view| view.agent.to_string()).collect();
    assert_eq!(ids, ["8000", "8001", "8002", "8011", "8021"]);
    // All are idle since the same moment: then the number counts.
    for id in ["8002", "8001", "8000"] {
        room.ready(id);
    }
    room.said();
    room.enqueue(1, "general").enqueue(2, "general").enqueue(3, "general");
    let order: Vec<String> = room.offers().into_iter().map(|(_, agent)| agent).collect();
    assert_eq!(order, ["8000", "8001", "8002"]);
}

#[test]
fn an_agent_who_is_gone_and_comes_back_is_signed_out() {
    let mut room = Room::demo();
    room.ready("8001");
    room.said();
    configure(&mut room, &demo(), &without_agent("8001"));
    assert_eq!(room.acd.agent(&"8001".into()), None);
    let gone = Output::AgentGone { agent: "8001".into() };
    assert!(room.said().contains(&gone));
    room.enqueue(1, "general");
    assert_eq!(room.offers(), [], "nobody is left");
    configure(&mut room, &without_agent("8001"), &demo());
    assert_eq!(room.state("8001"), (AgentStatus::SignedOut, AgentState::Idle));
    room.ready("8001");
    assert_eq!(room.offers(), [(call(1), "8001".to_owned())]);
}

#[test]
fn callbacks_that_were_asked_for_go_on_when_no_more_are_taken() {
    let rule = CallbackRule { dial_timeout_ms: 5_000, ..CallbackRule::default() };
    let mut before = demo();
    before.queues[0].callbacks = Some(rule);
    let mut room = Room::new(&before);
    room.enqueue(1, "general");
    let ask = |counter, party| {
        let (call, party, first) = (call(counter), Party(party), First::Customer);
        Input::Callback(CallbackInput::Ask { call, party, first })
    };
    room.tell(ask(1, 7));
    assert_eq!(room.acd.callback_of(Party(7)), Some(call(1)));
    configure(&mut room, &before, &demo());
    room.enqueue(2, "general").tell(ask(2, 8));
    assert_eq!(room.acd.callback_of(Party(8)), None, "no more are taken");
    assert_eq!(room.acd.callback_of(Party(7)), Some(call(1)), "this one is kept");
    room.said();
    room.ready("8001");
    let dials =
        |output: &Output| matches!(output, Output::Callback(acd::CallbackOutput::Dial { .. }));
    assert!(room.said().iter().any(dials), "the customer is called in their turn");
    room.pass(10_000).tell(Input::Callback(CallbackInput::Answered { call: call(1) }));
    assert_eq!(room.state("8001").1, AgentState::Reserved, "45 s is the default");
}

#[test]
fn what_needs_no_approval_any_more_is_approved() {
    let before = Config { approval: [NotReadyReason::Meal].into(), ..demo() };
    let mut room = Room::new(&before);
    let reason = NotReadyReason::Meal;
    room.ready("8001").tell(Input::NotReady { agent: "8001".into(), reason });
    assert_eq!(room.state("8001").0, AgentStatus::Ready, "somebody has to approve");
    configure(&mut room, &before, &demo());
    assert_eq!(room.state("8001").0, AgentStatus::NotReady { reason });
}

#[test]
fn in_ten_thousand_agents_a_change_costs_what_changes() {
    let mut config = demo();
    config.agents = (0..10_000).map(|n| agent(&format!("{n:05}"), 1, &["general"])).collect();
    let mut acd = Acd::new(&config, IdSource::new(1, 1)).unwrap();
    let mut after = config.clone();
    after.agents[5_000].queues.push(model::QueueId::from("claims").into());
    after.queues[2].steps = steps(&[(2, 0), (3, 5_000)]);
    let changes = Changes::between(&config, &after);
    assert_eq!((changes.queues.len(), changes.agents.len()), (1, 1));
    acd.handle_input(Input::Configure(Box::new(changes)), Mono::from_ms(1));
    let changed = std::iter::from_fn(|| acd.poll_output());
    let queues = changed.filter(|output| matches!(output, Output::QueueChanged(_)));
    assert_eq!(queues.count(), 3, "those of the one agent, and the one queue");
}
