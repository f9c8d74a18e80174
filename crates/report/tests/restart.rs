//! What a restarted engine finds of the calls that were in progress.

mod story;

use model::{AgentState, FactBody, HangupCause, LegRole, LineQuality, Outcome};
use report::{CallRecords, Limits};
use story::{Story, agent, agent_leg, call, caller_leg, recording};

#[test]
fn open_calls_come_with_the_dialogs_that_can_be_ended() {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1);
    story.at(1_000).arrives(2).answered(2).queued(2, "claims");
    story.at(3_000).offered(2, 2, "8001").rang(2, 2, "8001").agent_answers(2, 2, "8001");
    story.at(4_000).arrives(3).answered(3);
    story.at(5_000).caller_leg_ends(3).ends(3, Outcome::AbandonedInMenu);
    story.at(6_000).arrives(4);
    let mut records = CallRecords::new(Limits::default());
    let recovered = records.recover(&story.facts);
    let legs: Vec<_> = recovered
        .open
        .iter()
        .map(|open| (open.call, open.dialogs.iter().map(|d| d.leg).collect::<Vec<_>>()))
        .collect();
    assert_eq!(
        legs,
        [
            (call(1), vec![caller_leg(1)]),
            (call(2), vec![caller_leg(2), agent_leg(2)]),
            (call(4), vec![]),
        ]
    );
    assert_eq!(recovered.open[1].dialogs[1].dialog.call_id, "agent");
}

#[test]
fn a_lost_call_gets_its_one_record_from_the_facts_that_end_it() {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1).queued(1, "claims");
    story.at(3_000).offered(1, 1, "8001").rang(1, 1, "8001").agent_answers(1, 1, "8001");
    story.agent_is("8001", AgentState::Talking, Some(1)).tapes(1, 1, "8001");
    let mut records = CallRecords::new(Limits::default());
    let recovered = records.recover(&story.facts);
    let lost: Vec<FactBody> = recovered.open[0].lost().collect();
    assert_eq!(lost.len(), 3);
    assert!(matches!(&lost[0], FactBody::LegEnded { role: LegRole::Caller, .. }));
    let mut next = Story::new(2);
    next.began_at(next.wall(3_600_000).0).at(5);
    lost.into_iter().for_each(|body| {
        next.tell(body);
    });
    next.at(900).seals(1, 1, true);
    let told: Vec<_> = next.facts.iter().filter_map(|fact| records.apply(fact)).collect();
    assert_eq!(told.len(), 2, "at its end, and when the recording was repaired");
    assert_eq!((told[0].outcome, told[0].cause), (Outcome::EngineLost, HangupCause::EngineLost));
    assert_eq!(told[0].waited_ms, Some(3_000));
    assert_eq!(told[0].talked_ms, None, "nobody saw the end");
    assert_eq!(told[0].ended, next.wall(5));
    assert!(told[1].recordings[0].recovered);
    assert_eq!(records.open_calls().count(), 0);
}

#[test]
fn an_ended_call_whose_recording_was_not_sealed_waits_for_the_repair() {
    let mut story = Story::new(1);
    story.conversation(1, 0);
    let mut records = CallRecords::new(Limits::default());
    let recovered = records.recover(&story.facts);
    assert!(recovered.open.is_empty());
    assert_eq!(recovered.records.iter().map(|r| r.settled).collect::<Vec<_>>(), [false]);
    assert_eq!(recovered.unsealed.len(), 1);
    assert_eq!(
        (recovered.unsealed[0].recording, &recovered.unsealed[0].agent),
        (recording(1), &agent("8001"))
    );
    assert_eq!(recovered.unsealed[0].path, "2025/07/01/r1.wav");
    let mut next = Story::new(2);
    next.at(10).seals(1, 1, true);
    let record = records.apply(&next.facts[0]).unwrap();
    assert!(record.settled, "the agent's work was lost with the engine");
    assert_eq!(record.acw_ms, None);
    assert_eq!(records.unsealed().count(), 0);
}

#[test]
fn a_call_that_only_missed_its_after_call_work_is_settled_by_the_loss() {
    let mut story = Story::new(1);
    story.conversation(1, 0).at(67_000).seals(1, 1, false);
    let mut records = CallRecords::new(Limits::default());
    let recovered = records.recover(&story.facts);
    assert_eq!(recovered.records.len(), 1);
    assert!(recovered.records[0].settled);
    // The agent can still say what it was about.
    let mut next = Story::new(2);
    next.at(10).wraps_up(1, "8001", "enquiry");
    let record = records.apply(&next.facts[0]).unwrap();
    assert_eq!(record.disposition.as_deref(), Some("enquiry"));
    assert!(records.is_empty());
}

#[test]
fn what_nobody_wraps_up_after_a_restart_is_dropped_in_time() {
    let mut story = Story::new(1);
    story.conversation(1, 0).at(67_000).seals(1, 1, false);
    let limits = Limits { keep_ms: 60_000, ..Limits::default() };
    let mut records = CallRecords::new(limits);
    records.recover(&story.facts);
    let mut next = Story::new(2);
    next.at(60_000).arrives(2).at(60_001).arrives(3);
    records.apply(&next.facts[0]);
    assert_eq!(records.len(), 2);
    records.apply(&next.facts[1]);
    assert_eq!(records.len(), 2, "the old one is gone, the new ones are there");
}

/// A call whose recording could not be sealed is not forgotten because the engine went on for long
/// before it was lost.
#[test]
fn a_recording_is_repaired_however_long_the_engine_ran_after_its_call() {
    let mut story = Story::new(1);
    story.conversation(1, 0).at(100_000_000).arrives(2);
    let mut next = Story::new(2);
    next.at(100_000_000).arrives(3);
    story.facts.extend(next.facts);
    let recovered = CallRecords::new(Limits::default()).recover(&story.facts);
    let unsealed: Vec<_> = recovered.unsealed.iter().map(|taped| taped.call).collect();
    assert_eq!(unsealed, [call(1)]);
    assert_eq!(recovered.records.iter().map(|record| record.call).collect::<Vec<_>>(), [call(1)]);
}

#[test]
fn a_dialog_that_changed_is_known_as_it_is_now() {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1);
    let mut dialog = story::dialog("caller");
    dialog.local_cseq = 7;
    story.tell(FactBody::DialogEstablished {
        call: call(1),
        leg: caller_leg(1),
        role: LegRole::Caller,
        dialog,
        trunk: None,
    });
    let recovered = CallRecords::new(Limits::default()).recover(&story.facts);
    assert_eq!(recovered.open[0].dialogs.len(), 1);
    assert_eq!(recovered.open[0].dialogs[0].dialog.local_cseq, 7);
}

#[test]
fn an_engine_that_is_lost_while_it_recovers_loses_nothing() {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1);
    story.at(10).arrives(2).answered(2);
    // The second engine ended one of the two calls before it was lost as well.
    let first = CallRecords::new(Limits::default()).recover(&story.facts);
    let mut second = Story::new(2);
    first.open[0].lost().for_each(|body| {
        second.tell(body);
    });
    let facts = story.facts.iter().chain(&second.facts);
    let recovered = CallRecords::new(Limits::default()).recover(facts);
    assert_eq!(recovered.open.iter().map(|open| open.call).collect::<Vec<_>>(), [call(2)]);
    // The call's end is a fact, but its record may not have been written: it is given again.
    assert_eq!(recovered.records.len(), 1);
    assert_eq!(recovered.records[0].outcome, Outcome::EngineLost);
}

#[test]
fn a_record_waits_for_its_lines_and_a_restart_waits_no_more() {
    let quality = LineQuality { round_trip_us: Some(30_000), ..LineQuality::default() };
    let (call, leg) = (call(1), caller_leg(1));
    let mut story = Story::new(1);
    story.arrives(1).answered(1);
    story.tell(FactBody::LegEnded {
        call,
        leg,
        role: LegRole::Caller,
        cause: HangupCause::RemoteBye,
        measured: true,
    });
    story.ends(1, Outcome::AbandonedInMenu);
    let mut lost = CallRecords::new(Limits::default());
    let recovered = lost.recover(&story.facts);
    assert!(recovered.records[0].settled, "nobody measures it any more");
    assert_eq!(recovered.records[0].legs[0].quality, None);
    story.tell(FactBody::LegMeasured { call, leg, quality });
    let mut whole = CallRecords::new(Limits::default());
    let records: Vec<_> = story.facts.iter().filter_map(|fact| whole.apply(fact)).collect();
    let settled: Vec<bool> = records.iter().map(|record| record.settled).collect();
    assert_eq!((settled, records[1].legs[0].quality), (vec![false, true], Some(quality)));
    assert!(whole.is_empty(), "it is final");
}
