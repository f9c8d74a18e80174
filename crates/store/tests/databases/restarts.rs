//! What a restarted engine reads: open calls, registrations, agents, the day's facts.

use model::{
    AgentDay, AgentId, AgentState, AgentStatus, FactBody, MissedCause, NotReadyReason, Outcome,
    Pii, UserId,
};
use report::{CallRecords, Limits};
use sqlx::Row;
use store::{FactKey, Registration};

use crate::server::Database;
use crate::story::{Story, Written, call, wall, write};

on_both! {
    the_facts_of_unsettled_calls_are_there_and_no_others
    a_disposition_that_came_after_the_record_was_settled_is_folded_anew
    registrations_are_the_newest_ones_that_are_still_valid
    agents_are_what_they_were_last
    how_an_agent_was_at_a_moment_is_one_step_in_an_index
    what_still_stands_is_found_without_reading_all_facts
    facts_are_read_part_by_part
    facts_between_two_moments_are_read_part_by_part
    a_fact_of_a_newer_version_does_not_keep_an_engine_from_starting
}

async fn what_still_stands_is_found_without_reading_all_facts(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    let booked = |counter| FactBody::CallbackBooked {
        call: call(1, counter),
        queue: "claims".into(),
        number: Pii::from("13800138000"),
        permission: None,
        entered: wall(1),
    };
    let missed = |attempt| FactBody::CallbackMissed {
        call: call(1, 2),
        attempt,
        cause: MissedCause::Busy,
        again_at: Some(wall(90)),
    };
    let switched = |plan: &str, on| {
        let by = UserId::from("lead");
        FactBody::PlanSwitched { plan: plan.to_owned(), on, by }
    };
    for counter in 1..=2 {
        story.tell(10, booked(counter));
    }
    let end = "reached".to_owned();
    story.tell(20, FactBody::CallbackEnded { call: call(1, 1), end, by: None });
    for attempt in 1..=2 {
        story.tell(30, missed(attempt));
    }
    for (plan, on) in [("flood", true), ("fire", true), ("fire", false)] {
        story.tell(40, switched(plan, on));
    }
    write(&store, &mut story).await;
    let standing = store.standing_facts().await.unwrap();
    let bodies: Vec<FactBody> = standing.into_iter().map(|fact| fact.body).collect();
    assert_eq!(bodies, [booked(2), missed(2), switched("flood", true)]);
    let mut next = Story::new(2);
    let end = "gave_up".to_owned();
    next.tell(100, FactBody::CallbackEnded { call: call(1, 2), end, by: None });
    next.tell(100, switched("flood", false));
    write(&store, &mut next).await;
    assert_eq!(store.standing_facts().await.unwrap(), []);
}

async fn the_facts_of_unsettled_calls_are_there_and_no_others(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    story.conversation(1, "13800138001", "8001", 0);
    story.arrives(2, "13800138002", 100).queued(2, "claims", 101);
    story.arrives(3, "13800138003", 110).ends(3, Outcome::AbandonedInMenu, 111);
    story.arrives(4, "13800138004", 120).agent_answers(4, "8002", 121).tapes(4, "8002", 121);
    story.ends(4, Outcome::Answered, 140);
    write(&store, &mut story).await;
    let facts = store.unsettled_facts().await.unwrap();
    let recovered = CallRecords::new(Limits::default()).recover(&facts);
    let open: Vec<_> = recovered.open.iter().map(|open| open.call).collect();
    assert_eq!(open, [call(1, 2)]);
    assert_eq!(recovered.unsealed.iter().map(|taped| taped.call).collect::<Vec<_>>(), [call(1, 4)]);
    assert!(facts.iter().all(|f| [Some(call(1, 2)), Some(call(1, 4))].contains(&f.body.call())));
    // The next engine ends and seals what the last one left; then nothing is left.
    let mut next = Story::new(2);
    for fact in facts {
        next.tell(fact.wall.0 / 1_000_000 - wall(0).0 / 1_000_000, fact.body);
    }
    next.take();
    recovered.open[0].lost().for_each(|body| {
        next.tell(200, body);
    });
    next.agent_is("8002", AgentState::Idle, 200);
    next.tell(
        201,
        FactBody::RecordingSealed {
            call: call(1, 4),
            recording: recovered.unsealed[0].recording,
            seal: model::Seal { sha256: "ab".repeat(32), bytes: 44, frames: 0 },
            recovered: true,
        },
    );
    write(&store, &mut next).await;
    assert_eq!(store.unsettled_facts().await.unwrap(), []);
    let lost = store.call_record(call(1, 2)).await.unwrap().unwrap();
    assert_eq!(lost.outcome, Outcome::EngineLost);
    let repaired = store.call_record(call(1, 4)).await.unwrap().unwrap();
    assert!(repaired.recordings[0].recovered);
}

/// The engine had forgotten the call, or was killed before the record had the disposition.
async fn a_disposition_that_came_after_the_record_was_settled_is_folded_anew(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    story.conversation(1, "13800138001", "8001", 0);
    write(&store, &mut story).await;
    assert_eq!(store.unsettled_facts().await.unwrap(), []);
    let (facts, _) = story.wraps_up(1, "8001", "complaint", 90).take();
    let written = Written::start(&store);
    written.writer.append(facts, Vec::new()).unwrap();
    written.stop().await;
    let facts = store.unsettled_facts().await.unwrap();
    let mut recovered = CallRecords::new(Limits::default()).recover(&facts);
    assert_eq!(recovered.records.len(), 1);
    let record = recovered.records.remove(0);
    assert!(record.disposition.is_some());
    let written = Written::start(&store);
    written.writer.append(Vec::new(), vec![record]).unwrap();
    written.stop().await;
    assert_eq!(store.unsettled_facts().await.unwrap(), []);
}

fn registered(aor: &str, contact: &str, cseq: u32, expires_s: i64) -> FactBody {
    FactBody::Registered {
        aor: aor.to_owned(),
        contact: contact.to_owned(),
        path: vec!["<sip:edge;lr>".to_owned()],
        flow: "udp 10.0.0.2:5060".to_owned(),
        sip_call_id: "reg-1".to_owned(),
        cseq,
        expires: wall(expires_s),
        answers_options: true,
        instance: (cseq > 1).then(|| "<urn:uuid:1>".to_owned()),
        reg_id: (cseq > 1).then_some(cseq),
    }
}

async fn registrations_are_the_newest_ones_that_are_still_valid(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    story.tell(0, registered("8001", "sip:8001@a", 1, 60));
    story.tell(0, registered("8001", "sip:8001@b", 1, 600));
    story.tell(1, registered("8002", "sip:8002@a", 1, 600));
    story.tell(2, registered("8003", "sip:8003@a", 1, 30));
    write(&store, &mut story).await;
    // Renewed, gone, and gone and back within one commit.
    story.tell(40, registered("8001", "sip:8001@a", 2, 700));
    story.tell(
        41,
        FactBody::Unregistered { aor: "8002".to_owned(), contact: "sip:8002@a".to_owned() },
    );
    story.tell(
        42,
        FactBody::Unregistered { aor: "8001".to_owned(), contact: "sip:8001@b".to_owned() },
    );
    story.tell(43, registered("8001", "sip:8001@b", 3, 800));
    write(&store, &mut story).await;
    let known = store.registrations(wall(50)).await.unwrap();
    let told: Vec<_> =
        known.iter().map(|r| (r.aor.as_str(), r.contact.as_str(), r.cseq, r.expires)).collect();
    assert_eq!(told, [("8001", "sip:8001@a", 2, wall(700)), ("8001", "sip:8001@b", 3, wall(800))]);
    let Registration { path, flow, sip_call_id, .. } = &known[0];
    assert_eq!(path, &["<sip:edge;lr>"]);
    assert_eq!((flow.as_str(), sip_call_id.as_str()), ("udp 10.0.0.2:5060", "reg-1"));
    assert_eq!(store.registrations(wall(800)).await.unwrap(), []);
}

async fn agents_are_what_they_were_last(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    let changed = |agent: &str, status, state| FactBody::AgentChanged {
        agent: AgentId::from(agent),
        status,
        state,
        call: Some(call(1, 1)),
        next: None,
        day: None,
    };
    story.tell(1, changed("8001", AgentStatus::Ready, AgentState::Idle));
    story.tell(2, changed("8002", AgentStatus::Ready, AgentState::Talking));
    let reason = NotReadyReason::NoAnswer;
    story.tell(3, changed("8001", AgentStatus::NotReady { reason }, AgentState::Idle));
    write(&store, &mut story).await;
    story.tell(9, changed("8002", AgentStatus::SignedOut, AgentState::Acw));
    // Called inside while at a meal: what follows is what a restart takes them for.
    let meal = AgentStatus::NotReady { reason: NotReadyReason::Meal };
    let (agent, status, state) = ("8003".into(), AgentStatus::Ready, AgentState::Talking);
    let next = Some(meal);
    let day = Some(Box::new(AgentDay { calls: 3, ..AgentDay::default() }));
    story.tell(9, FactBody::AgentChanged { agent, status, state, call: None, next, day });
    write(&store, &mut story).await;
    let last = store.agent_statuses().await.unwrap();
    let told: Vec<_> = last.iter().map(|a| (a.agent.as_str(), a.status, a.state)).collect();
    assert_eq!(
        told,
        [
            ("8001", AgentStatus::NotReady { reason }, AgentState::Idle),
            ("8002", AgentStatus::SignedOut, AgentState::Acw),
            ("8003", meal, AgentState::Talking),
        ]
    );
    assert_eq!((last[1].changed, last[1].call), (wall(9), Some(call(1, 1))));
    let days: Vec<_> = last.iter().map(|a| a.day.as_ref().map(|day| day.calls)).collect();
    assert_eq!(days, [None, None, Some(3)]);
}

async fn how_an_agent_was_at_a_moment_is_one_step_in_an_index(database: Database) {
    let store = database.open().await;
    for epoch in [1, 2] {
        let mut story = Story::new(epoch);
        for nth in 0..50 {
            story.agent_is("8001", AgentState::Talking, nth).agent_is("8002", AgentState::Acw, nth);
            story.agent_is("8001", AgentState::Idle, nth).arrives(nth as u32, "13800138000", nth);
        }
        write(&store, &mut story).await;
    }
    let before = async |agent: &str, epoch, seq| {
        let found = store.agent_before(&agent.into(), FactKey { epoch, seq }).await.unwrap()?;
        match found.body {
            FactBody::AgentChanged { state, .. } => Some((found.epoch, found.seq, state)),
            _ => None,
        }
    };
    assert_eq!(before("8001", 1, 1).await, None, "nothing is before the first");
    assert_eq!(before("8001", 1, 2).await, Some((1, 1, AgentState::Talking)));
    assert_eq!(before("8001", 2, 4).await, Some((2, 3, AgentState::Idle)));
    // From the start of an engine before, and what is newest of all.
    assert_eq!(before("8001", 2, 1).await, Some((1, 199, AgentState::Idle)));
    assert_eq!(before("8002", u32::MAX, u64::MAX).await, Some((2, 198, AgentState::Acw)));
    assert_eq!(before("8009", 2, 9).await, None);
    if database.is_postgres() {
        // It reads so few rows from the table itself.
        return;
    }
    let plan = "EXPLAIN QUERY PLAN SELECT * FROM facts
         WHERE kind = 'agent_changed' AND subject = '8001' AND site = 1 AND (epoch, seq) < (2, 9)
         ORDER BY epoch DESC, seq DESC LIMIT 1";
    let plan = sqlx::query(plan).fetch_all(&mut database.connect().await).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get::<String, _>("detail")).collect();
    assert!(plan[0].contains("SEARCH") && plan[0].contains("facts_of_agents"), "{plan:?}");
    assert_eq!(plan.len(), 1, "nothing is sorted: {plan:?}");
}

async fn facts_are_read_part_by_part(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    (0..10).for_each(|at| {
        story.arrives(at, "13800138000", i64::from(at));
    });
    write(&store, &mut story).await;
    let mut next = Story::new(2);
    (0..10).for_each(|at| {
        next.arrives(at, "13800138000", 20 + i64::from(at));
    });
    write(&store, &mut next).await;
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let part = store.facts_after(after, 4).await.unwrap();
        assert!(part.len() <= 4);
        let Some(last) = part.last() else { break };
        after = Some(FactKey { epoch: last.epoch, seq: last.seq });
        read.extend(part.iter().map(|fact| (fact.epoch, fact.seq)));
    }
    let wanted: Vec<_> = (1..=10).map(|seq| (1, seq)).chain((1..=10).map(|seq| (2, seq))).collect();
    assert_eq!(read, wanted);
}

async fn facts_between_two_moments_are_read_part_by_part(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    // Three at each second, more than are read at a time.
    for counter in 0..30_u32 {
        story.arrives(counter, "13800138000", i64::from(counter / 3));
    }
    write(&store, &mut story).await;
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let part = store.facts_between((wall(2), wall(7)), after, 2).await.unwrap();
        assert!(part.len() <= 2);
        let Some(last) = part.last() else { break };
        after = Some((last.wall, FactKey { epoch: last.epoch, seq: last.seq }));
        read.extend(part.iter().map(|fact| fact.wall));
    }
    let wanted: Vec<_> = (2..7).flat_map(|second| [wall(second); 3]).collect();
    assert_eq!(read, wanted, "from the first moment, and not the last one");
}

async fn a_fact_of_a_newer_version_does_not_keep_an_engine_from_starting(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    story.arrives(1, "13800138000", 0).queued(1, "claims", 1);
    write(&store, &mut story).await;
    sqlx::query("UPDATE facts SET body = '{\"type\":\"teleported\"}' WHERE kind = 'queued'")
        .execute(&mut database.connect().await)
        .await
        .unwrap();
    let facts = store.unsettled_facts().await.unwrap();
    assert_eq!(facts.len(), 1);
    assert_eq!(store.call(call(1, 1)).await.unwrap().unwrap().facts, facts);
}
