//! Exactly one record per call, with what its facts say.

mod story;

use model::{AgentState, FactBody, HangupCause, MissedCause, Outcome, Pii, QueueId, Tier, TrunkId};
use report::{CallRecord, CallRecords, Input, Limits};
use story::{Story, agent, call, offer, recording};

/// Every record that the facts give, in order.
fn fold(records: &mut CallRecords, story: &Story) -> Vec<CallRecord> {
    story.facts.iter().filter_map(|fact| records.apply(fact)).collect()
}

fn folded(story: &Story) -> Vec<CallRecord> {
    fold(&mut CallRecords::new(Limits::default()), story)
}

#[test]
fn a_conversation_has_a_record_with_all_its_times() {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1);
    story.at(50).tell(FactBody::LookupEnded {
        call: call(1),
        result: "found".to_owned(),
        customer_id: Some("C1".to_owned()),
        took_ms: 50,
    });
    story.at(100).tell(FactBody::MenuEntered { call: call(1), node: "welcome".to_owned() });
    story.at(2_000).tell(FactBody::DigitsCollected {
        call: call(1),
        node: "welcome".to_owned(),
        digits: "1".to_owned(),
    });
    story.at(2_000).queued(1, "claims").tier(1, "claims", 1);
    story.at(22_000).tier(1, "claims", 2).offered(1, 1, "8001");
    story.at(22_100).rang(1, 1, "8001");
    story.at(25_100).agent_answers(1, 1, "8001").tapes(1, 1, "8001");
    story.agent_is("8001", AgentState::Talking, Some(1));
    story.at(85_100).caller_leg_ends(1);
    story.at(85_150).agent_leg_ends(1, 1, "8001").agent_is("8001", AgentState::Acw, Some(1));
    story.at(85_150).ends(1, Outcome::Answered);
    let records = folded(&story);
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!((record.call, &record.trunk), (call(1), &TrunkId::from("demo")));
    assert_eq!((&record.ani, record.dnis.as_str()), (&Pii::from("13800138000"), "95512"));
    assert_eq!(record.sip_call_id, "sip-1");
    assert_eq!(record.arrived, story.wall(0));
    assert_eq!(record.answered, Some(story.wall(0)));
    assert_eq!(record.queued, Some(story.wall(2_000)));
    assert_eq!(record.agent_answered, Some(story.wall(25_100)));
    assert_eq!(record.ended, story.wall(85_150));
    assert_eq!(record.menu_path, ["welcome"]);
    assert_eq!(record.inputs, [Input { node: "welcome".to_owned(), digits: "1".to_owned() }]);
    assert_eq!(record.queue, Some(QueueId::from("claims")));
    assert_eq!(record.tier, Some(Tier { level: 2 }));
    assert_eq!(record.waited_ms, Some(23_100));
    assert_eq!(record.rang_ms, Some(3_000));
    assert_eq!(record.talked_ms, Some(60_000), "until the first leg ended");
    assert_eq!(record.acw_ms, None, "not over yet");
    assert_eq!(record.offers.len(), 1);
    assert_eq!((record.offers[0].rang_ms, record.offers[0].missed), (Some(3_000), None));
    assert_eq!(record.agent, Some(agent("8001")));
    assert_eq!((record.outcome, record.cause), (Outcome::Answered, HangupCause::RemoteBye));
    assert_eq!((record.lookup.as_deref(), record.lookup_ms), (Some("found"), Some(50)));
    assert_eq!(record.customer_id.as_deref(), Some("C1"));
    assert_eq!(record.recordings[0].recording, recording(1));
    assert!(!record.settled);
}

#[test]
fn what_comes_after_the_end_updates_the_record_until_nothing_can() {
    let mut story = Story::new(1);
    story.conversation(1, 0);
    story.at(66_200).seals(1, 1, false);
    story.at(72_000).wraps_up(1, "8001", "claim_registered");
    story.at(72_000).agent_is("8001", AgentState::Idle, None);
    story.at(99_000).wraps_up(1, "8001", "too late");
    let mut all = CallRecords::new(Limits::default());
    let records = fold(&mut all, &story);
    let told: Vec<_> = records
        .iter()
        .map(|r| (r.recordings[0].seal.is_some(), r.disposition.is_some(), r.acw_ms, r.settled))
        .collect();
    assert_eq!(
        told,
        [
            (false, false, None, false),
            (true, false, None, false),
            (true, true, None, false),
            (true, true, Some(6_000), true),
        ]
    );
    assert!(all.is_empty(), "a final record leaves memory");
}

#[test]
fn an_agent_may_choose_the_disposition_after_the_work_is_over() {
    let mut story = Story::new(1);
    story.conversation(1, 0).at(66_200).seals(1, 1, false);
    story.at(76_000).agent_is("8001", AgentState::Idle, None);
    let mut all = CallRecords::new(Limits::default());
    assert!(fold(&mut all, &story).last().unwrap().settled);
    story.facts.clear();
    story.at(90_000).wraps_up(1, "8001", "enquiry");
    let late = fold(&mut all, &story);
    assert_eq!(late[0].disposition.as_deref(), Some("enquiry"));
    assert_eq!(late[0].acw_ms, Some(10_000));
    assert!(all.is_empty());
}

#[test]
fn an_agents_next_call_ends_the_work_on_the_last_one() {
    let mut story = Story::new(1);
    story.conversation(1, 0).at(67_000).seals(1, 1, false);
    story.at(70_000).agent_is("8001", AgentState::Reserved, Some(2));
    let records = folded(&story);
    assert_eq!(records.last().map(|r| (r.acw_ms, r.settled)), Some((Some(4_000), true)));
}

#[test]
fn missed_offers_are_in_the_record_with_their_causes() {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1).queued(1, "claims");
    story.at(1_000).offered(1, 1, "8001").rang(1, 1, "8001");
    story.at(21_000).missed(1, 1, "8001", MissedCause::NoAnswer);
    story.at(21_500).agent_leg_ends(1, 1, "8001");
    story.at(22_000).offered(1, 2, "8002").missed(1, 2, "8002", MissedCause::Unreachable);
    story.at(23_000).offered(1, 3, "8003").rang(1, 3, "8003");
    story.at(24_000).agent_answers(1, 3, "8003");
    story.at(30_000).caller_leg_ends(1).ends(1, Outcome::Answered);
    let records = folded(&story);
    let offers: Vec<_> =
        records[0].offers.iter().map(|o| (o.offer, o.agent.clone(), o.rang_ms, o.missed)).collect();
    assert_eq!(
        offers,
        [
            (offer(1), agent("8001"), Some(20_000), Some(MissedCause::NoAnswer)),
            (offer(2), agent("8002"), None, Some(MissedCause::Unreachable)),
            (offer(3), agent("8003"), Some(1_000), None),
        ]
    );
    assert_eq!((records[0].waited_ms, records[0].rang_ms), (Some(24_000), Some(1_000)));
    assert_eq!(records[0].agent, Some(agent("8003")));
}

#[test]
fn a_caller_who_leaves_while_the_phone_rings_is_abandoned_and_settled() {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1).queued(1, "claims");
    story.at(5_000).offered(1, 1, "8001").rang(1, 1, "8001");
    story.at(9_000).caller_leg_ends(1).agent_leg_ends(1, 1, "8001").ends(1, Outcome::Abandoned);
    let mut all = CallRecords::new(Limits::default());
    let records = fold(&mut all, &story);
    assert_eq!(records.len(), 1);
    assert_eq!((records[0].waited_ms, records[0].rang_ms), (Some(9_000), Some(4_000)));
    assert_eq!((records[0].talked_ms, records[0].agent.clone()), (None, None));
    assert!(records[0].settled && all.is_empty());
}

#[test]
fn a_call_that_changes_the_queue_has_waited_since_the_first() {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1);
    story.at(1_000).queued(1, "claims");
    story.at(11_000).queued(1, "general");
    story.at(15_000).offered(1, 1, "8001").agent_answers(1, 1, "8001");
    story.at(16_000).ends(1, Outcome::Answered);
    let record = folded(&story).remove(0);
    assert_eq!((record.queue, record.waited_ms), (Some(QueueId::from("general")), Some(14_000)));
    assert_eq!(record.queued, Some(story.wall(1_000)));
}

#[test]
fn facts_told_twice_or_of_unknown_calls_change_nothing() {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1);
    story.at(10).arrives(1);
    story.at(20).ends(1, Outcome::AbandonedInMenu).ends(1, Outcome::Error);
    story.at(30).seals(9, 9, false).ends(9, Outcome::Answered);
    story.at(40).agent_is("8001", AgentState::Idle, None);
    let records = folded(&story);
    assert_eq!(records.len(), 1);
    assert_eq!((records[0].outcome, records[0].arrived), (Outcome::AbandonedInMenu, story.wall(0)));
}

#[test]
fn an_interrupted_recording_counts_its_gaps() {
    let mut story = Story::new(1);
    story.conversation(1, 0);
    let (call, recording) = (call(1), recording(1));
    let gap = || FactBody::RecordingGap { call, recording, error: "disk full".to_owned() };
    story.at(67_000).tell(gap()).tell(FactBody::RecordingResumed { call, recording }).tell(gap());
    story.at(68_000).seals(1, 1, false);
    let records = folded(&story);
    let gaps: Vec<u32> = records.iter().map(|record| record.recordings[0].gaps).collect();
    assert_eq!(gaps, [0, 1, 2, 2]);
}

#[test]
fn lists_in_a_record_are_bounded() {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1);
    for at in 0..CallRecord::MENU_LIMIT as u64 + 50 {
        story.at(at).tell(FactBody::MenuEntered { call: call(1), node: format!("n{at}") });
    }
    for number in 0..CallRecord::OFFER_LIMIT as u32 + 50 {
        story.offered(1, number, "8001").missed(1, number, "8001", MissedCause::Rejected);
    }
    story.at(1_000).ends(1, Outcome::Abandoned);
    let record = folded(&story).remove(0);
    assert_eq!(record.menu_path.len(), CallRecord::MENU_LIMIT);
    assert_eq!(record.offers.len(), CallRecord::OFFER_LIMIT);
    assert_eq!(record.offers.last().unwrap().offer, offer(CallRecord::OFFER_LIMIT as u32 + 49));
}

#[test]
fn ended_calls_are_dropped_at_their_limits() {
    let limits = Limits { ended_calls: 3, keep_ms: 1_000_000 };
    let mut all = CallRecords::new(limits.clone());
    let mut story = Story::new(1);
    for counter in 1..=10 {
        story.conversation(counter, u64::from(counter) * 100_000);
    }
    assert_eq!(fold(&mut all, &story).len(), 19, "ten at their end, nine when the work was over");
    assert_eq!(all.len(), 4, "three, and the one that ended last");
}

#[test]
fn what_only_lacks_a_disposition_is_dropped_in_time() {
    let limits = Limits { keep_ms: 1_000_000, ..Limits::default() };
    let mut all = CallRecords::new(limits);
    let mut story = Story::new(1);
    story.conversation(1, 0).at(66_200).seals(1, 1, false);
    story.at(76_000).agent_is("8001", AgentState::Idle, None);
    story.at(9_000_000).arrives(2);
    fold(&mut all, &story);
    assert_eq!(all.len(), 1, "the one that arrived");
}

#[test]
fn a_late_seal_and_long_after_call_work_reach_the_record() {
    let limits = Limits { keep_ms: 1_000_000, ..Limits::default() };
    let mut all = CallRecords::new(limits);
    let mut story = Story::new(1);
    story.conversation(1, 0).at(9_000_000).seals(1, 1, false);
    story.at(9_000_000).wraps_up(1, "8001", "enquiry");
    story.at(9_000_000).agent_is("8001", AgentState::Idle, None);
    let record = fold(&mut all, &story).pop().unwrap();
    assert_eq!(record.disposition.as_deref(), Some("enquiry"));
    assert_eq!(record.acw_ms, Some(9_000_000 - 66_000));
    assert!(record.settled && record.recordings[0].seal.is_some());
}

/// Whatever the order and number of facts: one record at the end of each call.
#[test]
fn random_stories_give_each_ended_call_one_first_record() {
    for seed in 1..50_u64 {
        let mut random = seed;
        let mut draw = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % below
        };
        let mut story = Story::new(1);
        for counter in 1..=20 {
            story.at(u64::from(counter)).arrives(counter);
        }
        for step in 0..600 {
            let counter = draw(20) as u32 + 1;
            let who = ["8001", "8002", "8003"][draw(3) as usize];
            story.at(100 + step * 10);
            match draw(9) {
                0 => story.answered(counter),
                1 => story.queued(counter, "claims"),
                2 => story.offered(counter, counter, who).rang(counter, counter, who),
                3 => story.missed(counter, counter, who, MissedCause::Busy),
                4 => story.agent_answers(counter, counter, who).tapes(counter, counter, who),
                5 => story.agent_is(who, AgentState::Acw, Some(counter)),
                6 => story.agent_is(who, AgentState::Idle, None),
                7 => story.seals(counter, counter, false),
                _ => story.wraps_up(counter, who, "x"),
            };
        }
        for counter in 1..=20 {
            story.at(10_000).ends(counter, Outcome::Answered);
        }
        let mut all = CallRecords::new(Limits::default());
        let records = fold(&mut all, &story);
        let mut seen: Vec<_> = records.iter().map(|record| record.call).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!((records.len(), seen.len()), (20, 20), "seed {seed}");
        assert_eq!(all.open_calls().count(), 0);
    }
}
