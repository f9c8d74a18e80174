//! A callback is two calls with a record each: the one that asked for it, and the one that was
//! made.

mod story;

use model::{Direction, FactBody, LegRole, MissedCause, Outcome, Pii, Wall};
use report::{CallRecord, CallRecords, Figures, FiguresConfig, Limits};
use story::{Story, agent, call, caller_leg, dialog};

const NUMBER: &str = "13800138000";

fn records(story: &Story) -> Vec<CallRecord> {
    let mut records = CallRecords::new(Limits::default());
    story.facts.iter().filter_map(|fact| records.apply(fact)).collect()
}

/// In the general queue at second 0, to be called back at 30, hears so until 34.
fn booked() -> Story {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1).queued(1, "general").at(30_000);
    story.tell(FactBody::CallbackBooked {
        call: call(1),
        queue: "general".into(),
        number: Pii::from(NUMBER),
        permission: None,
        entered: Wall(0),
    });
    story
}

/// The call by which the customer is called, offered to 8001 at 60, whose phone rings at 61.
fn begun(story: &mut Story) {
    story.at(34_000).caller_leg_ends(1).ends(1, Outcome::CalledBack).at(60_000);
    story.tell(FactBody::CallbackBegun {
        call: call(2),
        callback: call(1),
        queue: "general".into(),
        trunk: "carrier".into(),
        number: Pii::from(NUMBER),
        shown: "02195512".to_owned(),
    });
    story.offered(2, 1, "8001").at(61_000).rang(2, 1, "8001").at(65_000);
    let role = LegRole::Agent(agent("8001"));
    let (leg, dialog) = (story::agent_leg(1), dialog("phone"));
    story.tell(FactBody::DialogEstablished { call: call(2), leg, role, dialog, trunk: None });
}

#[test]
fn who_is_called_back_waited_until_they_asked_for_it_and_is_no_abandoned_call() {
    let mut story = booked();
    begun(&mut story);
    let record = records(&story).remove(0);
    assert_eq!((record.outcome, record.waited_ms), (Outcome::CalledBack, Some(30_000)));
    assert_eq!((record.queue, record.agent), (Some("general".into()), None));
    assert_eq!(record.callback_of, None);
    let mut figures = Figures::new(FiguresConfig::default(), Vec::new());
    for fact in &story.facts {
        figures.apply(fact);
    }
    let (_, general) = figures.queues().next().expect("the queue is known");
    assert_eq!((general.total.entered, general.total.abandoned, general.waiting), (1, 0, 0));
    assert_eq!(figures.outcomes().get(&Outcome::CalledBack), Some(&1));
}

#[test]
fn who_hears_that_they_are_called_back_waits_no_longer() {
    let mut figures = Figures::new(FiguresConfig::default(), Vec::new());
    for fact in &booked().facts {
        figures.apply(fact);
    }
    assert_eq!(figures.queues().map(|(_, general)| general.waiting).sum::<u64>(), 0);
}

#[test]
fn the_call_that_is_made_is_the_queues_and_rings_only_until_the_agent_answers() {
    let mut story = booked();
    begun(&mut story);
    story.at(75_000);
    let (leg, who) = (caller_leg(2), agent("8001"));
    story.tell(FactBody::NumberAnswered { call: call(2), leg, agent: who });
    story.at(95_000).ends(2, Outcome::Answered);
    let record = records(&story).pop().expect("it has ended");
    assert_eq!((record.direction, record.trunk), (Direction::Outbound, "carrier".into()));
    assert_eq!(record.callback_of, Some(call(1)));
    assert_eq!((record.ani, record.queue), (Pii::from(NUMBER), Some("general".into())));
    assert_eq!((record.agent, record.outcome), (Some(agent("8001")), Outcome::Answered));
    assert_eq!((record.rang_ms, record.talked_ms), (Some(4_000), Some(20_000)));
}

#[test]
fn what_is_told_of_a_callback_after_its_call_changes_no_record() {
    let mut story = booked();
    begun(&mut story);
    let before = records(&story).len();
    let (cause, again_at) = (MissedCause::Busy, Some(Wall(9)));
    story.tell(FactBody::CallbackMissed { call: call(1), attempt: 1, cause, again_at });
    story.tell(FactBody::CallbackEnded { call: call(1), end: "gave_up".to_owned(), by: None });
    assert_eq!(records(&story).len(), before);
}
