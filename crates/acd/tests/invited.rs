//! Agents whom a colleague asks to join a call or to take it.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod room;

use std::time::Duration;

use acd::{
    AcwRule, Config, Input, MissedRule, MissedRules, NotEnqueued, Output, Refusal, Withdrawal,
};
use model::{AgentId, AgentState, AgentStatus, MissedCause, NotReadyReason, OfferId, Permission};
use room::{Room, call, demo, not_ready};

/// 8001 talks in call 1, 8002 is ready.
fn talking() -> Room {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general").answer("8001").ready("8002").pass(5_000);
    room.said();
    room
}

fn invite(room: &mut Room, agent: &str) -> Option<OfferId> {
    room.tell(Input::Invite { agent: agent.into(), call: call(1) });
    room.said().into_iter().find_map(|output| match output {
        Output::Invited { offer, .. } => Some(offer),
        _ => None,
    })
}

fn left(agent: &str) -> Input {
    Input::AgentLeft { agent: agent.into(), call: call(1) }
}

#[test]
fn who_is_asked_is_reserved_rung_and_in_conversation_and_offered_nothing_else() {
    let mut room = talking();
    let offer = invite(&mut room, "8002").unwrap();
    assert_eq!(room.state("8002").1, AgentState::Reserved);
    room.enqueue(2, "general").tell(Input::OfferRinging { offer });
    assert_eq!(room.state("8002").1, AgentState::Ringing);
    room.tell(Input::OfferAnswered { offer });
    assert_eq!(room.state("8002").1, AgentState::Talking);
    assert_eq!(room.offers(), [], "call 2 waits for someone who is free");
    room.end(1);
    for agent in ["8001", "8002"] {
        assert_eq!(room.state(agent).1, AgentState::Acw, "{agent}");
    }
}

#[test]
fn who_is_busy_away_or_unknown_cannot_be_asked() {
    let mut room = talking();
    for (agent, refusal) in [
        ("8001", Refusal::NotAvailable),
        ("8011", Refusal::NotAvailable),
        ("9999", Refusal::UnknownAgent),
    ] {
        room.tell(Input::Invite { agent: agent.into(), call: call(1) });
        let refused = Output::Refused { agent: agent.into(), why: refusal };
        assert_eq!(room.said(), [refused], "{agent}");
    }
}

#[test]
fn an_invitation_rings_out_as_an_offer_does() {
    let mut room = talking();
    let offer = invite(&mut room, "8002").unwrap();
    room.tell(Input::OfferRinging { offer }).pass(60_000);
    assert_eq!(room.state("8002"), (not_ready(NotReadyReason::NoAnswer), AgentState::Idle));
    let said = room.said();
    let agent = AgentId::from("8002");
    let missed = Output::Missed { offer, call: call(1), agent, cause: MissedCause::NoAnswer };
    assert!(said.contains(&missed), "{said:?}");
    room.tell(Input::OfferAnswered { offer });
    assert_eq!(room.state("8002").1, AgentState::Idle, "too late");
}

#[test]
fn one_that_is_taken_back_leaves_the_agent_as_before() {
    let mut room = talking();
    let offer = invite(&mut room, "8002").unwrap();
    room.enqueue(2, "general").said();
    room.tell(Input::TakeBack { offer });
    let said = room.said();
    let why = Withdrawal::TakenBack;
    let withdrawn = Output::OfferWithdrawn { offer, call: call(1), agent: "8002".into(), why };
    assert_eq!(said.first(), Some(&withdrawn));
    let offered = said.iter().any(|output| matches!(output, Output::Offer { .. }));
    assert!(offered, "the caller who waits is offered at once: {said:?}");
}

#[test]
fn who_hands_a_call_over_rests_and_the_other_stays_in_conversation() {
    let mut room = talking();
    let offer = invite(&mut room, "8002").unwrap();
    room.tell(Input::OfferAnswered { offer }).tell(left("8001"));
    assert_eq!(room.state("8001").1, AgentState::Acw);
    assert_eq!(room.state("8002").1, AgentState::Talking);
    // Whoever has gone already changes nothing.
    room.tell(left("8001")).tell(left("8021"));
    room.end(1);
    assert_eq!(room.state("8002").1, AgentState::Acw);
}

#[test]
fn a_call_that_comes_back_has_its_place() {
    let mut room = talking();
    room.tell(left("8001")).not_ready("8002").enqueue(2, "general");
    let now = room.now();
    let back = Input::Enqueue {
        call: call(1),
        queue: "general".into(),
        permission: None,
        entered: now,
        head_start_ms: 5_000,
        preferred: None,
    };
    room.tell(back);
    let queue = "general".into();
    assert_eq!(room.acd.line(&queue).collect::<Vec<_>>(), [call(1), call(2)]);
}

#[test]
fn the_end_of_the_call_ends_what_was_asked() {
    let mut room = talking();
    let offer = invite(&mut room, "8002").unwrap();
    room.tell(Input::OfferRinging { offer }).end(1);
    assert_eq!(room.state("8002"), (AgentStatus::Ready, AgentState::Idle));
    room.tell(Input::OfferAnswered { offer });
    assert_eq!(room.state("8002").1, AgentState::Idle);
}

#[test]
fn a_queue_says_beforehand_whether_it_takes_a_call() {
    let room = talking();
    let settle = Some(Permission::ClaimSettle);
    assert_eq!(room.acd.takes(&"general".into(), settle), Ok(()));
    let nobody = Err(NotEnqueued::UnknownQueue);
    assert_eq!(room.acd.takes(&"nowhere".into(), None), nobody);
    assert_eq!(
        room.acd.takes(&"general".into(), Some(Permission::Administer)),
        Err(NotEnqueued::NobodyMay)
    );
}

#[test]
fn whoever_a_queue_has_for_a_colleague_works_after_it_as_after_any_call_of_the_queue() {
    let mut config = demo();
    config.queues[0].acw = Some(AcwRule { ms: 30_000, limit_ms: 40_000 });
    let of_agent = config.agents[0].acw_ms;
    assert_ne!(of_agent, 30_000);
    for leaves in [false, true] {
        let mut room = Room::new(&config);
        room.ready("8001").tell(Input::Engage { agent: "8001".into(), call: call(1) });
        room.ready("8002").enqueue(2, "general").answer("8002");
        room.tell(Input::Bring { agent: "8002".into(), call: call(2), into: call(1) });
        match leaves {
            true => room.tell(left("8002")),
            false => room.end(1),
        };
        let now = room.now();
        let until = |ms| Some(now + Duration::from_millis(ms));
        assert_eq!(room.view("8002").acw_until, until(30_000), "leaves: {leaves}");
        if !leaves {
            assert_eq!(room.view("8001").acw_until, until(of_agent), "no queue gave them the call");
        }
    }
}

/// 8001 has called someone: call 1 is no queue's.
fn engaged() -> Room {
    let mut room = Room::demo();
    room.ready("8001").ready("8002").pass(5_000);
    room.tell(Input::Engage { agent: "8001".into(), call: call(1) });
    assert_eq!(room.state("8001").1, AgentState::Talking);
    room.said();
    room
}

#[test]
fn everyone_works_after_a_call_that_an_agent_made_and_shared() {
    let mut room = engaged();
    let offer = invite(&mut room, "8002").unwrap();
    room.tell(Input::OfferRinging { offer }).tell(Input::OfferAnswered { offer });
    room.end(1);
    for agent in ["8001", "8002"] {
        assert_eq!(room.state(agent).1, AgentState::Acw, "{agent}");
    }
}

#[test]
fn who_made_a_call_and_leaves_it_works_after_it_and_it_may_enter_a_queue() {
    let mut room = engaged();
    room.tell(left("8001")).enqueue(1, "general");
    assert_eq!(room.state("8001").1, AgentState::Acw);
    assert_eq!(room.offers(), [(call(1), "8002".to_owned())]);
    room.answer("8002").end(1);
    assert_eq!(room.state("8002").1, AgentState::Acw);
}

#[test]
fn a_call_that_nobody_answered_leaves_no_work_and_only_its_own_agent() {
    let mut room = engaged();
    let disengage = |counter| Input::Disengage { agent: "8001".into(), call: call(counter) };
    room.tell(disengage(2));
    assert_eq!(room.state("8001").1, AgentState::Talking, "another call is not theirs");
    room.tell(disengage(1));
    assert_eq!(room.state("8001").1, AgentState::Idle);
    room.end(1);
    assert_eq!(room.state("8001").1, AgentState::Idle, "nothing of it is left");
}

#[test]
fn who_misses_a_colleague_rests_by_the_same_rule_as_for_a_queue() {
    let busy = MissedRule { limit: 2, rest_ms: 5_000 };
    let missed = MissedRules { busy, ..MissedRules::default() };
    let mut room = Room::new(&Config { missed, ..room::demo() });
    room.ready("8001").enqueue(1, "general").answer("8001").ready("8002");
    for resting in [true, false] {
        let offer = invite(&mut room, "8002").unwrap();
        room.tell(Input::OfferMissed { offer, cause: MissedCause::Busy });
        assert_eq!(room.view("8002").rests_until.is_some(), resting);
        room.pass(5_000);
    }
    assert_eq!(room.state("8002").0, not_ready(NotReadyReason::Busy));
}

#[test]
fn whoever_a_queue_has_for_a_colleague_is_in_the_call_that_it_is_about() {
    let mut room = talking();
    let bring = |agent: &str| Input::Bring { agent: agent.into(), call: call(2), into: call(1) };
    room.enqueue(2, "general").tell(bring("8002"));
    assert_eq!(room.view("8002").call, Some(call(2)), "nobody is brought before they answer");
    room.answer("8002").tell(bring("8002"));
    assert_eq!(room.state("8002").1, AgentState::Talking);
    assert_eq!(room.view("8002").call, Some(call(1)));
    room.end(2);
    assert_eq!(room.state("8002").1, AgentState::Talking, "nothing is left of what waited");
    room.tell(left("8001"));
    assert_eq!(
        (room.state("8001").1, room.state("8002").1),
        (AgentState::Acw, AgentState::Talking)
    );
    room.end(1);
    assert_eq!(room.state("8002").1, AgentState::Acw);
}
