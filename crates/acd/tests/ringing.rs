//! One call, several phones: ring all (群振) and ring progressively (逐个加振), in small stories.

mod room;

use acd::{
    Acd, Choice, Config, ConfigError, Input, MAX_RINGING, Output, Preferred, RingRule, Served,
    Strategy, Withdrawal,
};
use model::{AgentState, AgentStatus, CallId, MissedCause, NotReadyReason, OfferId, QueueId};
use room::{Room, agent, call, not_ready, queue};

const NAMES: [&str; 20] = [
    "8001", "8002", "8003", "8004", "8005", "8006", "8007", "8008", "8009", "8010", "8011", "8012",
    "8013", "8014", "8015", "8016", "8017", "8018", "8019", "8020",
];

/// One queue with so many agents, and another queue that some of them serve as well.
fn config(agents: usize, strategy: Strategy, ring: RingRule) -> Config {
    let mut group = queue("group", &[(1, 0), (2, 20_000)]);
    (group.strategy, group.ring) = (strategy, ring);
    let serves = |at: usize| if at < 2 { &["group", "claims"][..] } else { &["group"][..] };
    let agents = NAMES[..agents].iter().enumerate();
    Config {
        queues: vec![group, queue("claims", &[(1, 0)])],
        agents: agents.map(|(at, id)| agent(id, 1, serves(at))).collect(),
        ..Config::default()
    }
}

fn ring_all(agents: usize) -> Room {
    let mut room = Room::new(&config(agents, Strategy::RingAll, RingRule::default()));
    for agent in &NAMES[..agents] {
        room.ready(agent).pass(1);
    }
    room.said();
    room
}

/// Two at once, one more each five seconds.
fn progressive(agents: usize) -> Room {
    let rule = RingRule { at_once: 2, add: 1, add_after_ms: 5_000 };
    let mut room = Room::new(&config(agents, Strategy::RingProgressive, rule));
    for agent in &NAMES[..agents] {
        room.ready(agent).pass(1);
    }
    room.said();
    room
}

fn offered(room: &mut Room) -> Vec<String> {
    room.offers().into_iter().map(|(_, agent)| agent).collect()
}

/// To whom the call went, and from whom it was withdrawn and why.
fn ends(said: &[Output]) -> (Vec<String>, Vec<(String, Withdrawal)>) {
    let mut answered = Vec::new();
    let mut withdrawn = Vec::new();
    for output in said {
        match output {
            Output::Connected { agent, .. } => answered.push(agent.to_string()),
            Output::OfferWithdrawn { agent, why, .. } => withdrawn.push((agent.to_string(), *why)),
            _ => {}
        }
    }
    (answered, withdrawn)
}

fn ringing(room: &Room) -> Vec<String> {
    let views = room.acd.agents().filter(|view| view.state == AgentState::Ringing);
    views.map(|view| view.agent.to_string()).collect()
}

#[test]
fn all_phones_of_a_group_ring_and_the_first_gets_the_call() {
    let mut room = ring_all(3);
    room.enqueue(1, "group");
    assert_eq!(offered(&mut room), ["8001", "8002", "8003"], "who is idle longest first");
    let offers: Vec<OfferId> = NAMES[..3].iter().map(|agent| room.offer(agent)).collect();
    assert!(offers[0] != offers[1] && offers[1] != offers[2], "each has an offer of its own");
    let idle_since: Vec<_> = NAMES[..3].iter().map(|id| record(&room.acd, id).idle_since).collect();
    room.ringing("8001").ringing("8003").pass(2_000).said();
    room.answer("8002");
    let (answered, withdrawn) = ends(&room.said());
    assert_eq!(answered, ["8002"]);
    let elsewhere = |agent: &str| (agent.to_owned(), Withdrawal::AnsweredElsewhere);
    assert_eq!(withdrawn, [elsewhere("8001"), elsewhere("8003")]);
    for (at, id) in [(0, "8001"), (2, "8003")] {
        assert_eq!(room.state(id), (AgentStatus::Ready, AgentState::Idle));
        assert_eq!(room.view(id).missed.no_answer, 0, "{id} has missed nothing");
        assert_eq!(record(&room.acd, id).idle_since, idle_since[at], "{id} keeps the place");
    }
    // The next call rings those who are left, and the one who has rung longest in vain first.
    room.enqueue(2, "group");
    assert_eq!(offered(&mut room), ["8001", "8003"]);
}

fn record(acd: &Acd, agent: &str) -> acd::AgentRecord {
    acd.record(&agent.into()).expect("one of the group")
}

#[test]
fn two_pick_up_at_the_same_moment_and_one_has_the_call() {
    let mut room = ring_all(2);
    room.enqueue(1, "group").ringing("8001").ringing("8002");
    let (one, two) = (room.offer("8001"), room.offer("8002"));
    room.said();
    room.tell(Input::OfferAnswered { offer: two }).tell(Input::OfferAnswered { offer: one });
    let (answered, withdrawn) = ends(&room.said());
    assert_eq!(answered, ["8002"]);
    assert_eq!(withdrawn, [("8001".to_owned(), Withdrawal::AnsweredElsewhere)]);
    // What the other phone says too late hurts nobody.
    room.tell(Input::OfferMissed { offer: one, cause: MissedCause::Error });
    assert_eq!(room.said(), []);
    assert_eq!(room.view("8001").missed.error, 0);
    assert_eq!(room.state("8001"), (AgentStatus::Ready, AgentState::Idle));
}

#[test]
fn one_rejects_and_the_others_ring_on() {
    let mut room = ring_all(3);
    room.enqueue(1, "group").ringing("8001").ringing("8002").ringing("8003").said();
    room.miss("8001", MissedCause::Rejected);
    assert_eq!(ringing(&room), ["8002", "8003"]);
    assert_eq!(room.state("8001").0, not_ready(NotReadyReason::Rejected));
    assert_eq!(ends(&room.said()), (vec![], vec![]), "nothing is withdrawn from the others");
    room.pass(20_000);
    let (_, withdrawn) = ends(&room.said());
    assert_eq!(withdrawn.len(), 2, "each rings out by itself: {withdrawn:?}");
    assert_eq!(room.line("group"), [call(1)], "and the call has its old place");
    room.ready("8002");
    assert_eq!(offered(&mut room), ["8002"]);
}

#[test]
fn the_caller_hangs_up_and_all_stop_ringing() {
    let mut room = ring_all(3);
    room.enqueue(1, "group").ringing("8002").said();
    room.dequeue(1);
    let (answered, withdrawn) = ends(&room.said());
    assert_eq!(answered, [""; 0]);
    assert!(withdrawn.iter().all(|(_, why)| *why == Withdrawal::CallerLeft), "{withdrawn:?}");
    assert_eq!(withdrawn.len(), 3);
    for id in &NAMES[..3] {
        assert_eq!(room.state(id), (AgentStatus::Ready, AgentState::Idle), "{id}");
    }
    assert_eq!(room.acd.poll_timeout(), None, "nothing is left to wait for");
}

#[test]
fn who_becomes_free_rings_along_unless_somebody_else_waits() {
    let mut room = ring_all(3);
    room.not_ready("8003").enqueue(1, "group").said();
    room.ready("8003");
    assert_eq!(offered(&mut room), ["8003"], "rings along");
    // Whoever rings in vain for the first call is free for the ones who wait, the oldest first.
    room.enqueue(2, "claims").pass(100).enqueue(3, "group").pass(100).enqueue(4, "claims").said();
    room.answer("8003");
    let said = room.said();
    let offers: Vec<(CallId, String)> = said
        .iter()
        .filter_map(|output| match output {
            Output::Offer { call, agent, .. } => Some((*call, agent.to_string())),
            _ => None,
        })
        .collect();
    assert_eq!(offers, [(call(2), "8001".to_owned()), (call(3), "8002".to_owned())]);
    assert_eq!(room.line("claims"), [call(2), call(4)]);
}

#[test]
fn more_and_more_phones_ring_while_nobody_answers() {
    let mut room = progressive(5);
    room.enqueue(1, "group");
    assert_eq!(offered(&mut room), ["8001", "8002"]);
    room.ringing("8001").ringing("8002").pass(4_999);
    assert_eq!(offered(&mut room), [""; 0]);
    room.pass(1);
    assert_eq!(offered(&mut room), ["8003"]);
    assert_eq!(room.view("8001").state, AgentState::Ringing, "the first ones ring on");
    // Who rejects is replaced at once: as many ring as may by now.
    room.ringing("8003").miss("8002", MissedCause::Rejected);
    assert_eq!(offered(&mut room), ["8004"]);
    room.ringing("8004").pass(5_000);
    assert_eq!(offered(&mut room), ["8005"]);
    room.ringing("8005").said();
    room.answer("8003");
    let (answered, withdrawn) = ends(&room.said());
    assert_eq!((answered, withdrawn.len()), (vec!["8003".to_owned()], 3));
    room.end(1).pass(60_000);
    assert_eq!(offered(&mut room), [""; 0], "nobody rings for a call that is over");
}

#[test]
fn ringing_progressively_begins_with_the_highest_levels() {
    let rule = RingRule { at_once: 1, add: 1, add_after_ms: 5_000 };
    let mut config = config(3, Strategy::RingProgressive, rule);
    for (agent, level) in config.agents.iter_mut().zip([1, 9, 5]) {
        agent.queues = vec![Served { queue: QueueId::from("group"), level, share: 1 }];
    }
    let mut room = Room::new(&config);
    room.ready("8001").ready("8002").ready("8003").said();
    room.enqueue(1, "group").ringing("8002").pass(5_000).ringing("8003").pass(5_000);
    assert_eq!(offered(&mut room), ["8002", "8003", "8001"]);
    let decisions: Vec<_> = room.acd.why(call(1)).cloned().collect();
    assert_eq!(decisions.len(), 3, "each offer has its reasons");
    let Choice::Agents { strategy, next, excluded, .. } = &decisions[1].choice else {
        panic!("{:?}", decisions[1])
    };
    assert_eq!((*strategy, next[0].0.as_str()), (Strategy::RingProgressive, "8001"));
    assert_eq!(excluded.busy, 1, "8002 rings already");
}

#[test]
fn no_call_rings_more_than_sixteen() {
    let mut room = ring_all(20);
    room.enqueue(1, "group");
    assert_eq!(offered(&mut room).len(), usize::from(MAX_RINGING));
    room.enqueue(2, "group");
    assert_eq!(offered(&mut room), NAMES[16..], "the next call has those who are left");
}

#[test]
fn who_waited_for_one_who_signs_out_as_all_stop_ringing_goes_before_later_callers() {
    let mut room = ring_all(2);
    room.enqueue(1, "group").ringing("8001").tell(Input::SignOut { agent: "8001".into() });
    room.pass(100);
    room.tell(Input::Enqueue {
        call: call(2),
        queue: "group".into(),
        permission: None,
        entered: room.now(),
        head_start_ms: 0,
        preferred: Some(Preferred { agent: "8001".into(), for_ms: 10_000 }),
    });
    room.pass(100).enqueue(3, "group").said();
    room.dequeue(1);
    let offers: Vec<CallId> = room
        .said()
        .iter()
        .filter_map(|output| match output {
            Output::Offer { call, .. } => Some(*call),
            _ => None,
        })
        .collect();
    assert_eq!(room.state("8001").0, AgentStatus::SignedOut);
    assert_eq!(offers, [call(2)], "8002 takes who has waited for longer");
}

#[test]
fn who_waits_for_one_agent_alone_rings_that_one_alone_and_so_does_an_agent_who_asks() {
    let mut room = ring_all(3);
    room.tell(Input::Enqueue {
        call: call(1),
        queue: "group".into(),
        permission: None,
        entered: room.now(),
        head_start_ms: 0,
        preferred: Some(Preferred { agent: "8002".into(), for_ms: 10_000 }),
    });
    assert_eq!(offered(&mut room), ["8002"]);
    room.tell(Input::Ask { call: call(2), queue: "group".into(), permission: None });
    assert_eq!(offered(&mut room), ["8001"]);
}

#[test]
fn a_room_that_dies_while_three_ring_goes_on_with_the_same_offers() {
    let config = config(4, Strategy::RingAll, RingRule { at_once: 3, ..RingRule::default() });
    let mut room = Room::new(&config);
    let mut kept = room.acd.keep_facts();
    for agent in &NAMES[..4] {
        room.ready(agent);
    }
    room.enqueue(1, "group").ringing("8001").ringing("8003");
    while let Some(fact) = room.acd.poll_fact() {
        kept.apply(&fact).unwrap();
    }
    let mut next = Room::new(&config);
    (next.acd, next.now_ms) = (Acd::restore(&config, &kept).unwrap(), room.now_ms);
    assert_eq!(next.acd.snapshot(), room.acd.snapshot());
    assert!(
        next.tell(Input::CallEnded { call: call(9) }).said().is_empty(),
        "nothing is said twice"
    );
    for room in [&mut room, &mut next] {
        room.said();
        room.answer("8003");
    }
    assert_eq!(room.said(), next.said());
    assert_eq!(room.acd.snapshot().calls, next.acd.snapshot().calls);
    // Who is not configured any more does not ring; the others do.
    let mut fewer = config.clone();
    fewer.agents.remove(0);
    let mut last = Room::new(&fewer);
    last.acd = Acd::restore(&fewer, &kept).unwrap();
    last.now_ms = room.now_ms;
    assert_eq!(last.view("8002").call, Some(call(1)));
    last.answer("8002");
    assert_eq!(last.state("8002").1, AgentState::Talking);
}

#[test]
fn counts_that_make_no_sense_are_refused() {
    let fine = RingRule::default();
    for ring in [
        RingRule { at_once: 0, ..fine },
        RingRule { at_once: 17, ..fine },
        RingRule { add: 0, ..fine },
        RingRule { add_after_ms: 999, ..fine },
    ] {
        let config = config(1, Strategy::RingAll, ring);
        let refused = Acd::new(&config, model::IdSource::new(1, 1)).unwrap_err();
        assert_eq!(refused, ConfigError::Ring { queue: "group".into() });
        assert!(refused.to_string().contains("ring_at_once"), "{refused}");
    }
}
