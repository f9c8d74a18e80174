//! Calls between agents: one record that names both, and no figure of the hotline's callers.

mod story;

use model::{
    AgentId, AgentState, Direction, FactBody, HangupCause, LegId, LegRole, Outcome, Target,
};
use report::{CallRecord, CallRecords, Limits};
use story::{Story, agent, agent_leg, call, dialog};

fn folded(story: &Story) -> CallRecord {
    let mut records = CallRecords::new(Limits::default());
    let all = story.facts.iter().filter_map(|fact| records.apply(fact));
    all.last().expect("there is a record")
}

fn role(agent: &AgentId) -> LegRole {
    LegRole::Agent(agent.clone())
}

fn established(story: &mut Story, leg: LegId, of: &AgentId, call_id: &str) {
    let (role, dialog) = (role(of), dialog(call_id));
    story.tell(FactBody::DialogEstablished { call: call(1), leg, role, dialog, trunk: None });
}

fn leg_ends(story: &mut Story, leg: LegId, of: &AgentId) {
    let (cause, role) = (HangupCause::RemoteBye, role(of));
    story.tell(FactBody::LegEnded { call: call(1), leg, role, cause, measured: false });
}

#[test]
fn a_call_to_a_colleague_names_both_legs_and_who_called_whom() {
    let (first, second) = (agent("8001"), agent("8002"));
    let (ours, theirs) = (agent_leg(1), agent_leg(2));
    let mut story = Story::new(1);
    let to = Target::Agent(second.clone());
    story.at(0).tell(FactBody::CalledInside { call: call(1), leg: ours, agent: first.clone(), to });
    story.agent_is("8001", AgentState::Talking, Some(1));
    story.agent_is("8002", AgentState::Talking, Some(1));
    story.at(4_000);
    established(&mut story, theirs, &second, "to the colleague");
    let (answered, by) = (theirs, first.clone());
    story.tell(FactBody::NumberAnswered { call: call(1), leg: answered, agent: by });
    established(&mut story, ours, &first, "from the phone");
    story.at(34_000);
    leg_ends(&mut story, theirs, &second);
    story.agent_is("8001", AgentState::Idle, None).agent_is("8002", AgentState::Idle, None);
    leg_ends(&mut story, ours, &first);
    story.ends(1, Outcome::Answered);
    let record = folded(&story);
    assert_eq!(record.direction, Direction::Internal);
    assert_eq!((record.ani.reveal().as_str(), record.dnis.as_str()), ("8001", "8002"));
    assert_eq!((record.trunk.as_str(), record.sip_call_id.as_str()), ("", "from the phone"));
    assert_eq!(record.agent, Some(first.clone()));
    assert_eq!((record.talked_ms, record.acw_ms), (Some(30_000), Some(0)));
    let legs: Vec<_> = record.legs.iter().map(|leg| (leg.leg, leg.role.clone())).collect();
    assert_eq!(legs, [(ours, role(&first)), (theirs, role(&second))]);
    assert!(record.legs.iter().all(|leg| leg.answered.is_some() && leg.ended.is_some()));
    assert!(record.settled);
}

#[test]
fn a_colleague_who_does_not_answer_is_in_the_record_as_whom_was_called() {
    let mut story = Story::new(1);
    let (ours, theirs, first, second) = (agent_leg(1), agent_leg(2), agent("8001"), agent("8002"));
    let to = Target::Agent(second.clone());
    story.at(0).tell(FactBody::CalledInside { call: call(1), leg: ours, agent: first.clone(), to });
    // Their own phone is rung first where they call on the desktop.
    story.tell(FactBody::PhoneRung { call: call(1), leg: ours, agent: first.clone() });
    story.at(1_000);
    story.tell(FactBody::PhoneRung { call: call(1), leg: theirs, agent: second.clone() });
    story.at(20_000);
    leg_ends(&mut story, theirs, &second);
    leg_ends(&mut story, ours, &first);
    story.ends(1, Outcome::Unanswered);
    let record = folded(&story);
    assert_eq!((record.dnis.as_str(), record.outcome), ("8002", Outcome::Unanswered));
    assert_eq!((record.answered, record.agent), (None, None));
    let legs = record.legs.iter().map(|leg| (leg.leg, leg.role.clone(), leg.answered));
    let both = [(ours, role(&first), None), (theirs, role(&second), None)];
    assert_eq!(legs.collect::<Vec<_>>(), both);
    assert!(record.legs.iter().all(|leg| leg.ended.is_some()));
}
