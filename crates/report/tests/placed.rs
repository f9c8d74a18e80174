//! Calls that agents made, and gave away: one record that names everyone.

mod story;

use model::{
    AgentState, Direction, FactBody, HangupCause, LegId, LegRole, Outcome, Pii, Target,
    TransferEnd, TransferKind, TrunkId,
};
use report::{CallRecord, CallRecords, Limits};
use story::{Story, agent, agent_leg, call, caller_leg, dialog};

const NUMBER: &str = "13800138000";

fn folded(story: &Story) -> CallRecord {
    let mut records = CallRecords::new(Limits::default());
    let all = story.facts.iter().filter_map(|fact| records.apply(fact));
    all.last().expect("there is a record")
}

fn established(story: &mut Story, leg: LegId, role: LegRole) {
    let dialog = dialog("one");
    story.tell(FactBody::DialogEstablished { call: call(1), leg, role, dialog, trunk: None });
}

fn leg_ends(story: &mut Story, leg: LegId, role: LegRole) {
    let cause = HangupCause::RemoteBye;
    story.tell(FactBody::LegEnded { call: call(1), leg, role, cause, measured: false });
}

fn outside() -> LegRole {
    LegRole::Number(Pii::from(NUMBER))
}

/// 8011 calls a number, which answers after five seconds.
fn talking() -> Story {
    let mut story = Story::new(1);
    story.at(0).tell(FactBody::CallPlaced {
        call: call(1),
        agent: agent("8011"),
        trunk: TrunkId::from("demo"),
        number: Pii::from(NUMBER),
        shown: "02195512".to_owned(),
    });
    story.agent_is("8011", AgentState::Talking, Some(1));
    established(&mut story, agent_leg(9), LegRole::Agent(agent("8011")));
    story.at(1_000).tell(FactBody::TrunkTried {
        call: call(1),
        leg: caller_leg(1),
        trunk: TrunkId::from("demo"),
        target: "10.3.0.1:5060".to_owned(),
    });
    story.at(5_000);
    established(&mut story, caller_leg(1), outside());
    let (call, leg) = (call(1), caller_leg(1));
    story.tell(FactBody::NumberAnswered { call, leg, agent: agent("8011") });
    story
}

#[test]
fn a_call_that_was_given_away_names_every_leg_and_who_had_it_last() {
    let mut story = talking();
    let (by, to) = (agent("8011"), Target::Agent(agent("8001")));
    let (kind, end) = (TransferKind::Blind, TransferEnd::Completed);
    story.at(20_000).tell(FactBody::TransferBegun {
        call: call(1),
        by: by.clone(),
        to: to.clone(),
        kind,
        by_phone: false,
    });
    let offered = FactBody::Offered {
        call: call(1),
        offer: story::offer(1),
        queue: None,
        agent: agent("8001"),
        why: None,
    };
    story.tell(offered).rang(1, 1, "8001");
    story.at(23_000);
    let colleague = LegRole::Agent(agent("8001"));
    leg_ends(&mut story, agent_leg(9), LegRole::Agent(agent("8011")));
    story.tell(FactBody::TransferEnded { call: call(1), by, to, kind, end });
    let taken = agent_leg(1);
    established(&mut story, taken, colleague.clone());
    story.tell(FactBody::CallTaken { call: call(1), leg: taken, role: colleague.clone() });
    story.agent_is("8011", AgentState::Acw, Some(1));
    story.at(65_000);
    leg_ends(&mut story, caller_leg(1), outside());
    leg_ends(&mut story, taken, colleague);
    story.agent_is("8001", AgentState::Acw, Some(1)).ends(1, Outcome::Answered);
    let record = folded(&story);
    assert_eq!((record.direction, record.agent), (Direction::Outbound, Some(agent("8001"))));
    assert_eq!(record.talked_ms, Some(60_000), "from the answer to the end, whoever had it");
    assert_eq!(record.queue, None);
    let mut roles: Vec<String> = record.legs.iter().map(|leg| format!("{:?}", leg.role)).collect();
    roles.sort();
    assert_eq!(roles.len(), 3, "{roles:?}");
    assert!(record.legs.iter().all(|leg| leg.ended.is_some()));
    assert_eq!(record.transfers.len(), 1);
    assert_eq!(record.offers.len(), 1);
}

#[test]
fn who_was_called_and_waits_in_a_queue_waits_until_they_hang_up() {
    let mut story = talking();
    story.at(20_000);
    leg_ends(&mut story, agent_leg(9), LegRole::Agent(agent("8011")));
    story.agent_is("8011", AgentState::Acw, Some(1)).queued(1, "claims");
    story.at(50_000);
    leg_ends(&mut story, caller_leg(1), outside());
    // A leg that is let go may take its time: the call ends with it.
    story.at(58_000).ends(1, Outcome::Abandoned);
    let record = folded(&story);
    assert_eq!((record.waited_ms, record.talked_ms), (Some(30_000), Some(15_000)));
}

#[test]
fn a_second_number_is_a_leg_of_its_own_and_changes_nothing_of_the_call() {
    // 8011 consults a second number, on another line, which is tried twice; then the first one's
    // own number once more.
    for number in ["13900139000", NUMBER] {
        let mut story = talking();
        let (leg, role) = (agent_leg(8), LegRole::Number(Pii::from(number)));
        let tried = |trunk: &str| FactBody::TrunkTried {
            call: call(1),
            leg,
            trunk: TrunkId::from(trunk),
            target: "10.4.0.1:5060".to_owned(),
        };
        story.at(20_000).tell(tried("other"));
        story.tell(FactBody::Dialled { call: call(1), leg, number: Pii::from(number) });
        story.at(21_000).tell(tried("third"));
        story.at(25_000);
        let dialog = dialog("two");
        let established = FactBody::DialogEstablished {
            call: call(1),
            leg,
            role: role.clone(),
            dialog,
            trunk: None,
        };
        story.tell(established);
        let agent_role = LegRole::Agent(agent("8011"));
        for (leg, role) in [(leg, role), (agent_leg(9), agent_role), (caller_leg(1), outside())] {
            story.at(40_000);
            leg_ends(&mut story, leg, role);
        }
        story.agent_is("8011", AgentState::Acw, Some(1)).ends(1, Outcome::Answered);
        let record = folded(&story);
        let all: Vec<LegId> = record.legs.iter().map(|leg| leg.leg).collect();
        assert_eq!(all, [agent_leg(9), caller_leg(1), leg], "each leg once");
        let [_, called, second] = &record.legs[..] else { panic!("{:?}", record.legs) };
        assert_eq!((&called.role, called.answered), (&outside(), Some(story.wall(5_000))));
        assert_eq!(second.role, LegRole::Number(Pii::from(number)));
        assert_eq!((second.began, second.answered), (story.wall(20_000), Some(story.wall(25_000))));
        assert!(record.legs.iter().all(|leg| leg.ended.is_some()), "{:?}", record.legs);
        assert_eq!((record.trunk, record.sip_call_id.as_str()), (TrunkId::from("demo"), "one"));
    }
}
