//! A call that goes from one to another has one record that names them all.

mod story;

use model::{
    AgentState, FactBody, LegRole, MissedCause, Outcome, Pii, Target, TransferEnd, TransferKind,
};
use report::{CallRecord, CallRecords, Limits};
use story::{Story, agent, agent_leg, call};

fn last(story: &Story) -> CallRecord {
    let mut records = CallRecords::new(Limits::default());
    let folded: Vec<CallRecord> =
        story.facts.iter().filter_map(|fact| records.apply(fact)).collect();
    folded.last().cloned().expect("the call has ended")
}

fn target() -> Target {
    Target::Agent(agent("8002"))
}

/// 8001 talks from the 6th second on, and asks 8002 at the 20th.
fn asked(kind: TransferKind) -> Story {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1).queued(1, "claims");
    story.at(2_000).offered(1, 1, "8001").rang(1, 1, "8001");
    story.at(6_000).agent_answers(1, 1, "8001").agent_is("8001", AgentState::Talking, Some(1));
    story.at(20_000).tell(FactBody::TransferBegun {
        call: call(1),
        by: agent("8001"),
        to: target(),
        kind,
        by_phone: false,
    });
    story.offered(1, 2, "8002").rang(1, 2, "8002");
    story
}

fn ends(story: &mut Story, kind: TransferKind, end: TransferEnd) {
    let (call, by) = (call(1), agent("8001"));
    story.tell(FactBody::TransferEnded { call, by, to: target(), kind, end });
}

#[test]
fn a_call_that_is_handed_over_is_the_last_ones_and_names_everyone() {
    let mut story = asked(TransferKind::Blind);
    story.at(24_000);
    ends(&mut story, TransferKind::Blind, TransferEnd::Completed);
    let role = LegRole::Agent(agent("8002"));
    story.tell(FactBody::CallTaken { call: call(1), leg: agent_leg(2), role });
    story.agent_leg_ends(1, 1, "8001").agent_is("8001", AgentState::Acw, Some(1));
    story.agent_is("8002", AgentState::Talking, Some(1));
    // The first agent's work is over while the second still talks.
    story.at(34_000).agent_is("8001", AgentState::Idle, None);
    story.at(66_000).caller_leg_ends(1).agent_leg_ends(1, 2, "8002");
    story.agent_is("8002", AgentState::Acw, Some(1)).ends(1, Outcome::Answered);
    story.at(70_000).agent_is("8002", AgentState::Idle, None);
    let record = last(&story);
    assert_eq!(record.agent, Some(agent("8002")));
    assert_eq!(record.talked_ms, Some(60_000), "the caller talked with the one, then the other");
    assert_eq!(record.acw_ms, Some(4_000), "of the one who had the call last");
    assert!(record.settled);
    let roles: Vec<_> = record.legs.iter().map(|leg| leg.role.clone()).collect();
    let agents = [LegRole::Agent(agent("8001")), LegRole::Agent(agent("8002"))];
    assert_eq!(roles, [&[LegRole::Caller], &agents[..]].concat());
    assert!(record.legs.iter().all(|leg| leg.ended.is_some() && leg.cause.is_some()));
    assert_eq!(record.legs[1].ended, Some(story.wall(24_000)));
    let [transfer] = &record.transfers[..] else { panic!("{:?}", record.transfers) };
    assert_eq!((&transfer.by, &transfer.to), (&agent("8001"), &target()));
    assert_eq!((transfer.kind, transfer.end), (TransferKind::Blind, Some(TransferEnd::Completed)));
    assert_eq!(transfer.ended, Some(story.wall(24_000)));
}

#[test]
fn one_who_is_only_asked_leaves_the_call_with_the_first() {
    let mut story = asked(TransferKind::Consult);
    story.at(24_000).tell(FactBody::GuestAnswered {
        call: call(1),
        leg: agent_leg(2),
        role: LegRole::Agent(agent("8002")),
    });
    story.agent_is("8002", AgentState::Talking, Some(1));
    story.at(30_000);
    ends(&mut story, TransferKind::Consult, TransferEnd::TakenBack);
    story.agent_leg_ends(1, 2, "8002").agent_is("8002", AgentState::Acw, Some(1));
    story.at(66_000).caller_leg_ends(1).agent_leg_ends(1, 1, "8001");
    story.agent_is("8001", AgentState::Acw, Some(1)).ends(1, Outcome::Answered);
    let record = last(&story);
    assert_eq!(record.agent, Some(agent("8001")));
    assert_eq!(record.talked_ms, Some(60_000));
    assert_eq!(record.transfers[0].end, Some(TransferEnd::TakenBack));
}

#[test]
fn a_miss_is_on_record_with_its_cause_and_an_engine_that_dies_leaves_no_end() {
    let mut story = asked(TransferKind::Blind);
    story.at(40_000).missed(1, 2, "8002", MissedCause::NoAnswer);
    let end = TransferEnd::Missed(MissedCause::NoAnswer);
    ends(&mut story, TransferKind::Blind, end);
    story.at(41_000).tell(FactBody::TransferBegun {
        call: call(1),
        by: agent("8001"),
        to: Target::Number(Pii::from("13900139000")),
        kind: TransferKind::Consult,
        by_phone: true,
    });
    story.at(66_000).ends(1, Outcome::EngineLost);
    let record = last(&story);
    let ends: Vec<_> = record.transfers.iter().map(|transfer| transfer.end).collect();
    assert_eq!(ends, [Some(end), None]);
    assert_eq!(record.offers[1].missed, Some(MissedCause::NoAnswer));
    assert!(record.transfers[1].by_phone);
}

#[test]
fn waits_and_talks_of_a_call_that_goes_to_another_queue_are_added_up() {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1).queued(1, "claims");
    story.at(2_000).offered(1, 1, "8001").rang(1, 1, "8001").agent_answers(1, 1, "8001");
    story.agent_is("8001", AgentState::Talking, Some(1));
    story.at(12_000).agent_leg_ends(1, 1, "8001").agent_is("8001", AgentState::Acw, Some(1));
    story.queued(1, "complaints");
    story.at(15_000).offered(1, 2, "8011").rang(1, 2, "8011").agent_answers(1, 2, "8011");
    story.agent_is("8011", AgentState::Talking, Some(1));
    story.at(20_000).agent_is("8001", AgentState::Idle, None);
    story.at(35_000).caller_leg_ends(1).agent_leg_ends(1, 2, "8011");
    story.agent_is("8011", AgentState::Acw, Some(1)).ends(1, Outcome::Answered);
    let record = last(&story);
    assert_eq!((record.waited_ms, record.talked_ms), (Some(5_000), Some(30_000)));
    assert_eq!(record.agent, Some(agent("8011")));
}

#[test]
fn a_call_that_is_given_to_a_number_outside_is_still_the_agents_and_names_the_number() {
    let number = || Pii::from("13900139000");
    let (leg, role) = (agent_leg(9), LegRole::Number(number()));
    let mut story = Story::new(1);
    story.at(0).arrives(1);
    story.tell(FactBody::CallDiverted { call: call(1), number: Pii::from("4008000000") });
    story.answered(1).queued(1, "claims");
    story.at(2_000).offered(1, 1, "8001").rang(1, 1, "8001");
    story.at(6_000).agent_answers(1, 1, "8001").agent_is("8001", AgentState::Talking, Some(1));
    let (to, kind) = (Target::Number(number()), TransferKind::Blind);
    let (by, by_phone) = (agent("8001"), false);
    let begun = FactBody::TransferBegun { call: call(1), by, to: to.clone(), kind, by_phone };
    story.at(20_000).tell(begun);
    story.tell(FactBody::Dialled { call: call(1), leg, number: number() });
    let dialog = story::dialog("outside");
    let established =
        FactBody::DialogEstablished { call: call(1), leg, role: role.clone(), dialog, trunk: None };
    story.at(24_000).tell(established);
    let (by, end) = (agent("8001"), TransferEnd::Completed);
    story.tell(FactBody::TransferEnded { call: call(1), by, to, kind, end });
    story.tell(FactBody::CallTaken { call: call(1), leg, role: role.clone() });
    story.agent_leg_ends(1, 1, "8001").agent_is("8001", AgentState::Acw, Some(1));
    story.at(34_000).agent_is("8001", AgentState::Idle, None);
    let cause = model::HangupCause::RemoteBye;
    story.at(66_000).tell(FactBody::LegEnded {
        call: call(1),
        leg,
        role: role.clone(),
        cause,
        measured: false,
    });
    story.caller_leg_ends(1).ends(1, Outcome::Answered);
    let record = last(&story);
    assert_eq!(record.agent, Some(agent("8001")));
    assert_eq!((record.talked_ms, record.acw_ms), (Some(18_000), Some(10_000)), "the agent's");
    assert_eq!(record.diverted_from, Some(Pii::from("4008000000")));
    let outside = record.legs.iter().find(|leg| leg.role == role).expect("it is named");
    assert_eq!(outside.began, story.wall(20_000));
    assert_eq!(outside.answered, Some(story.wall(24_000)));
    assert_eq!(outside.ended, Some(story.wall(66_000)));
    assert!(record.settled);
}

#[test]
fn a_leg_that_takes_anothers_place_is_in_the_record_and_the_talk_goes_on() {
    let role = LegRole::Agent(agent("8001"));
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1).queued(1, "claims");
    story.at(2_000).offered(1, 1, "8001").rang(1, 1, "8001");
    story.at(6_000).agent_answers(1, 1, "8001").agent_is("8001", AgentState::Talking, Some(1));
    let (leg, dialog) = (agent_leg(9), story::dialog("other-phone"));
    let established =
        FactBody::DialogEstablished { call: call(1), leg, role: role.clone(), dialog, trunk: None };
    story.at(20_000).tell(established);
    story.tell(FactBody::CallTaken { call: call(1), leg, role });
    story.agent_leg_ends(1, 1, "8001");
    story.at(66_000).caller_leg_ends(1).agent_leg_ends(1, 9, "8001");
    story.agent_is("8001", AgentState::Acw, Some(1)).ends(1, Outcome::Answered);
    let record = last(&story);
    assert_eq!(record.talked_ms, Some(60_000));
    assert_eq!(record.legs.iter().filter(|known| known.ended.is_some()).count(), 3);
}
