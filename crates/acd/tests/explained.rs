//! What is kept of a decision, and what is said from it long after the room forgot it.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod room;

use acd::{Config, Known, Moment, why_not};
use model::{
    AgentState, AgentStatus, Choice, Decision, Exclusion, MAX_NEXT, MissedCause, NotReadyReason,
    Opens, Permission, QueueId, Reason,
};
use room::{Room, agent, call, demo};

/// The newest decision about a call, as its fact keeps it.
fn decided(room: &Room, counter: u32) -> Decision {
    let made = room.acd.why(call(counter)).last().unwrap();
    room.acd.decided(call(counter), made.offer).unwrap()
}

fn idle() -> Known {
    Known { status: AgentStatus::Ready, state: AgentState::Idle, call: None, rests: false }
}

/// Why an agent has not the call that `8001` was offered.
fn asked(config: &Config, decision: &Decision, agent: &str, known: Option<Known>) -> Reason {
    let (queue, winner) = (QueueId::from("claims"), "8001".into());
    let decided = Some((&winner, decision));
    let moment = Moment { queue: &queue, waited_ms: 0, reached: 0, permission: None, decided };
    why_not(config, &moment, &agent.into(), known)
}

#[test]
fn a_decision_is_kept_with_its_numbers_and_in_a_bounded_size() {
    let mut config = demo();
    config.agents.extend((0..200).map(|n| agent(&format!("7{n:03}"), 1, &["claims"])));
    let mut room = Room::new(&config);
    room.ready("8001").pass(2_000);
    for n in 0..200 {
        room.ready(&format!("7{n:03}"));
    }
    room.pass(3_000).enqueue(1, "claims");
    let kept = decided(&room, 1);
    let Choice::Agents { strategy, turn, next, excluded } = &kept.choice else {
        panic!("{kept:?}")
    };
    assert_eq!((strategy.as_str(), turn.idle_ms), ("longest_idle", 5_000));
    assert_eq!((kept.number, kept.reached), (1, 1));
    assert_eq!(next.len(), MAX_NEXT);
    assert_eq!((next[0].0.as_str(), next[0].1.idle_ms), ("7000", 3_000));
    assert_eq!(*excluded, [(Exclusion::SignedOut, 3)].into());
}

#[test]
fn an_offer_that_no_queue_made_has_no_decision() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "claims");
    let made = room.acd.why(call(1)).next().unwrap().offer;
    assert!(room.acd.decided(call(2), made).is_none());
}

#[test]
fn an_agent_who_became_free_took_the_call_with_the_highest_score() {
    let mut room = Room::demo();
    room.enqueue(1, "claims").pass(1_000).enqueue(2, "claims").ready("8001");
    let kept = decided(&room, 1);
    let Choice::Calls { score, next, .. } = &kept.choice else { panic!("{kept:?}") };
    assert_eq!((*score, next.as_slice()), (1_000_000_000, &[(call(2), 0)][..]));
}

#[test]
fn the_decision_itself_says_who_won_and_who_was_next() {
    let mut room = Room::demo();
    room.ready("8001").pass(1).ready("8002").enqueue(1, "claims");
    let (config, kept) = (demo(), decided(&room, 1));
    assert_eq!(asked(&config, &kept, "8001", None), Reason::Offered);
    let next = asked(&config, &kept, "8002", None);
    assert!(matches!(next, Reason::Next { place: 2, .. }), "{next:?}");
}

#[test]
fn of_whom_it_does_not_name_the_agents_state_says_why() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "claims");
    let (config, kept) = (demo(), decided(&room, 1));
    let known = |agent: &str, known| asked(&config, &kept, agent, known);
    assert_eq!(known("8002", None), Reason::SignedOut, "never seen");
    let meal = NotReadyReason::Meal;
    let away = Known { status: AgentStatus::NotReady { reason: meal }, ..idle() };
    assert_eq!(known("8002", Some(away)), Reason::NotReady(meal));
    let talks = Known { state: AgentState::Talking, call: Some(call(9)), ..idle() };
    let busy = Reason::Busy(AgentState::Talking, Some(call(9)));
    assert_eq!(known("8002", Some(talks)), busy);
    assert_eq!(known("8002", Some(Known { rests: true, ..idle() })), Reason::Resting);
    assert_eq!(known("8002", Some(idle())), Reason::FurtherBack);
    let later = Reason::NotReached { step: Some((2, Opens::after(20_000))) };
    assert_eq!(known("8011", Some(idle())), later);
    assert_eq!(known("9999", Some(idle())), Reason::UnknownAgent);
}

#[test]
fn a_permission_and_a_queue_that_one_does_not_have_are_named() {
    let mut config = demo();
    config.agents.push(agent("8005", 1, &["general"]));
    let queue = QueueId::from("claims");
    let settle = Permission::ClaimSettle.as_str();
    let moment = Moment {
        queue: &queue,
        waited_ms: 50_000,
        reached: 0,
        permission: Some(settle),
        decided: None,
    };
    let why = |agent: &str| why_not(&config, &moment, &agent.into(), Some(idle()));
    assert_eq!(why("8001"), Reason::NotPermitted(settle.to_owned()));
    assert_eq!(why("8021"), Reason::Free, "holds it, and was reached after 40 s");
    assert_eq!(why("8005"), Reason::NotServing);
}

#[test]
fn a_call_that_waits_for_one_agent_alone_is_nobody_elses() {
    let kept = Decision { number: 1, permission: None, reached: 1, choice: Choice::Preferred };
    let config = demo();
    assert_eq!(asked(&config, &kept, "8002", Some(idle())), Reason::NotPreferred);
}

/// Each answer from what was kept agrees with what the room itself counted at that moment.
#[test]
fn what_is_derived_later_agrees_with_what_the_room_counted() {
    let mut room = Room::demo();
    room.ready("8001")
        .ready("8002")
        .ready("8011")
        .tell(acd::Input::SignIn { agent: "8021".into() });
    room.enqueue(1, "claims").miss("8001", MissedCause::Busy);
    let config = demo();
    let kept = decided(&room, 1);
    let Choice::Agents { excluded, .. } = &kept.choice else { panic!("{kept:?}") };
    let queue = QueueId::from("claims");
    let winner = "8002".into();
    let moment = Moment {
        queue: &queue,
        waited_ms: 0,
        reached: 0,
        permission: None,
        decided: Some((&winner, &kept)),
    };
    let mut derived = std::collections::BTreeMap::new();
    for agent in ["8001", "8011", "8021"] {
        let view = room.view(agent);
        let (status, state, call) = (view.status, view.state, view.call);
        let known = Known { status, state, call, rests: view.rests_until.is_some() };
        let reason = match why_not(&config, &moment, &agent.into(), Some(known)) {
            Reason::NotReady(_) => Exclusion::NotReady,
            Reason::NotReached { .. } => Exclusion::NotReached,
            other => panic!("{agent}: {other:?}"),
        };
        *derived.entry(reason).or_insert(0) += 1;
    }
    assert_eq!(derived, *excluded);
}
