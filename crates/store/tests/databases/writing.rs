//! Facts and records that are written, in order and in groups.

use model::{AgentState, FactBody, Outcome, Pii};
use report::CallRecord;
use store::{Notice, PageRequest, WriterLimits};

use crate::every_fact::every_fact;
use crate::server::Database;
use crate::story::{Story, Written, call, recording, write};

on_both! {
    what_is_committed_reads_back
    what_is_queued_is_committed_in_order_and_in_groups
    what_nobody_waits_for_is_committed_with_what_somebody_does
    what_nobody_waits_for_is_committed_in_the_end
    writing_the_same_again_changes_nothing
    of_several_records_of_a_call_the_newest_is_kept
    what_cannot_be_written_is_left_out_alone
    a_caller_with_a_nul_in_the_number_is_written
    a_writer_that_is_stopped_writes_what_is_queued
    a_batch_of_any_size_is_written
    every_kind_of_fact_reads_back
}

async fn what_is_committed_reads_back(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    story.conversation(1, "+8613800138000", "8001", 0);
    let (facts, records) = story.take();
    let mut written = Written::start(&store);
    written.writer.append(facts.clone(), records.clone()).unwrap();
    written.until(|notice| matches!(notice, Notice::Committed { .. })).await;
    written.stop().await;
    let detail = store.call(call(1, 1)).await.unwrap().unwrap();
    let of_call: Vec<_> =
        facts.into_iter().filter(|fact| fact.body.call() == Some(call(1, 1))).collect();
    assert_eq!(detail.facts, of_call);
    assert_eq!(detail.record.as_ref(), records.last());
    assert_eq!(detail.record, store.call_record(call(1, 1)).await.unwrap());
    assert_eq!(detail.record.unwrap().acw_ms, Some(6_000));
    assert_eq!(store.call(call(1, 2)).await.unwrap(), None);
}

async fn what_is_queued_is_committed_in_order_and_in_groups(database: Database) {
    let store = database.open().await;
    let mut written = Written::start(&store);
    let mut story = Story::new(1);
    for counter in 1..=5_000 {
        let (facts, records) = story.arrives(counter, "13800138000", 0).take();
        written.writer.append(facts, records).unwrap();
    }
    written.until(|notice| *notice == Notice::Committed { up_to_seq: 5_000 }).await;
    let groups: Vec<u64> = written
        .told
        .iter()
        .map(|notice| match notice {
            Notice::Committed { up_to_seq } => *up_to_seq,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(groups.is_sorted(), "{groups:?}");
    assert!(groups.len() < 2_500, "{} transactions for 5,000 facts", groups.len());
    assert_eq!(written.writer.unwritten(), 0);
    written.stop().await;
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 5_000);
    assert_eq!(database.count("SELECT MAX(seq) FROM facts").await, 5_000);
}

/// A commit whose answer was lost is tried again.
async fn what_nobody_waits_for_is_committed_with_what_somebody_does(database: Database) {
    let store = database.open().await;
    let limits = WriterLimits { gather_ms: 3_600_000, ..WriterLimits::default() };
    let mut written = Written::start_with(&store, limits);
    let mut story = Story::new(1);
    for counter in 1..=3 {
        let (facts, records) = story.arrives(counter, "13800138000", 0).take();
        written.writer.append_gathered(facts, records).unwrap();
    }
    let (facts, records) = story.arrives(4, "13800138000", 0).take();
    written.writer.append(facts, records).unwrap();
    written.until(|notice| matches!(notice, Notice::Committed { .. })).await;
    assert_eq!(written.told, [Notice::Committed { up_to_seq: 4 }]);
    // Someone waits for what was said before, and nothing new is there to say.
    let (facts, records) = story.arrives(5, "13800138000", 0).take();
    written.writer.append_gathered(facts, records).unwrap();
    written.writer.append(Vec::new(), Vec::new()).unwrap();
    written.until(|notice| *notice == Notice::Committed { up_to_seq: 5 }).await;
    // And what is left is not forgotten when the writer stops.
    let (facts, records) = story.arrives(6, "13800138000", 0).take();
    written.writer.append_gathered(facts, records).unwrap();
    written.stop().await;
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 6);
}

async fn what_nobody_waits_for_is_committed_in_the_end(database: Database) {
    let store = database.open().await;
    let mut written = Written::start(&store);
    let (facts, records) = Story::new(1).arrives(1, "13800138000", 0).take();
    written.writer.append_gathered(facts, records).unwrap();
    written.until(|notice| *notice == Notice::Committed { up_to_seq: 1 }).await;
    written.stop().await;
}

async fn writing_the_same_again_changes_nothing(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    story.conversation(1, "13800138000", "8001", 0);
    let (facts, records) = story.take();
    let mut written = Written::start(&store);
    for _ in 0..2 {
        written.writer.append(facts.clone(), records.clone()).unwrap();
        written.until(|notice| matches!(notice, Notice::Committed { .. })).await;
    }
    written.stop().await;
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, facts.len() as i64);
    assert_eq!(database.count("SELECT COUNT(*) FROM call_records").await, 1);
    assert_eq!(database.count("SELECT COUNT(*) FROM recordings").await, 1);
    assert_eq!(store.call_record(call(1, 1)).await.unwrap().as_ref(), records.last());
}

async fn of_several_records_of_a_call_the_newest_is_kept(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    story.arrives(1, "13800138000", 0).queued(1, "claims", 1);
    story.agent_answers(1, "8001", 5).tapes(1, "8001", 5);
    story.ends(1, Outcome::Answered, 60);
    write(&store, &mut story).await;
    let first = store.call_record(call(1, 1)).await.unwrap().unwrap();
    assert_eq!((first.disposition, first.acw_ms, first.settled), (None, None, false));
    assert_eq!(database.count("SELECT COUNT(*) FROM unsettled_calls").await, 1);
    story.tell(
        61,
        FactBody::RecordingGap {
            call: call(1, 1),
            recording: recording(1, 1),
            error: "disk full".to_owned(),
        },
    );
    story.seals(1, 61).wraps_up(1, "8001", "enquiry", 70);
    story.agent_is("8001", AgentState::Idle, 70);
    write(&store, &mut story).await;
    let last = store.call_record(call(1, 1)).await.unwrap().unwrap();
    assert_eq!((last.disposition.as_deref(), last.acw_ms), (Some("enquiry"), Some(0)));
    assert_eq!((last.recordings[0].gaps, last.settled), (1, true));
    assert_eq!(last.recordings[0].seal.as_ref().unwrap().frames, 8_000);
    assert_eq!(database.count("SELECT COUNT(*) FROM unsettled_calls").await, 0);
}

/// Makes the database refuse a fact whatever is tried.
pub async fn refuse(database: &Database, seq: u64) {
    let trigger = if database.is_postgres() {
        format!("ALTER TABLE facts ADD CONSTRAINT refused CHECK (seq <> {seq})")
    } else {
        format!(
            "CREATE TRIGGER refused BEFORE INSERT ON facts WHEN NEW.seq = {seq}
             BEGIN INSERT INTO sessions VALUES ('x', 'nobody', 1, 1); END"
        )
    };
    sqlx::query(sqlx::AssertSqlSafe(trigger)).execute(&mut database.connect().await).await.unwrap();
}

/// One fact that the database will never take must not keep back all others.
async fn what_cannot_be_written_is_left_out_alone(database: Database) {
    let store = database.open().await;
    refuse(&database, 13).await;
    let mut story = Story::new(1);
    for counter in 1..=50 {
        story.arrives(counter, "13800138000", 0).ends(counter, Outcome::AbandonedInMenu, 1);
    }
    let mut written = Written::start(&store);
    written.write(&mut story).await;
    let left_out: Vec<&Notice> =
        written.told.iter().filter(|notice| !matches!(notice, Notice::Committed { .. })).collect();
    let [Notice::Unwritable { what, .. }] = left_out[..] else { panic!("{left_out:?}") };
    assert_eq!(what, "fact 1-1-13 (call_arrived)");
    written.stop().await;
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 99);
    assert_eq!(database.count("SELECT COUNT(*) FROM call_records").await, 50);
}

async fn a_caller_with_a_nul_in_the_number_is_written(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    story.arrives(1, "138\0 OR 1=1; --'\"\u{1f600}", 0).ends(1, Outcome::AbandonedInMenu, 1);
    write(&store, &mut story).await;
    let record: CallRecord = store.call_record(call(1, 1)).await.unwrap().unwrap();
    assert_eq!(record.ani, Pii::from("138\u{fffd} OR 1=1; --'\"\u{1f600}"));
}

async fn a_writer_that_is_stopped_writes_what_is_queued(database: Database) {
    let store = database.open().await;
    let written = Written::start(&store);
    let mut story = Story::new(1);
    for counter in 1..=3_000 {
        let (facts, records) = story.arrives(counter, "13800138000", 0).take();
        written.writer.append(facts, records).unwrap();
    }
    written.stop().await;
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 3_000);
}

async fn a_batch_of_any_size_is_written(database: Database) {
    let store = database.open().await;
    let mut written = Written::start(&store);
    let mut story = Story::new(1);
    let mut counter = 0;
    for size in [1, 2, 3, 255, 256, 257, 511, 5_000] {
        for _ in 0..size {
            counter += 1;
            story.arrives(counter, "13800138000", 0);
        }
        written.write(&mut story).await;
        assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, i64::from(counter));
    }
    written.stop().await;
    let page = store.calls(&Default::default(), &PageRequest::default()).await.unwrap();
    assert!(page.items.is_empty(), "calls that go on have no record yet");
    let since = store.facts_after(None, 10).await.unwrap();
    assert_eq!(since.len(), 10);
}

async fn every_kind_of_fact_reads_back(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    let bodies = every_fact();
    let mut kinds: Vec<_> = bodies.iter().map(FactBody::kind).collect();
    bodies.into_iter().for_each(|body| {
        story.tell(1, body);
    });
    let (facts, records) = story.take();
    let written = Written::start(&store);
    written.writer.append(facts.clone(), records).unwrap();
    written.stop().await;
    assert_eq!(store.facts_after(None, 100).await.unwrap(), facts);
    for fact in &facts {
        let stored = serde_json::to_value(&fact.body).unwrap();
        assert_eq!(stored["type"], fact.body.kind());
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), facts.len(), "each kind once");
}

/// The log is moved into the database while facts go on, and does not grow without end.
#[tokio::test]
async fn the_write_ahead_log_stays_short() {
    const LIMIT: u64 = 512 * 1024;
    let database = Database::sqlite();
    let store = database.open().await;
    let limits = WriterLimits { log_bytes: LIMIT, log_pause_ms: 0, ..WriterLimits::default() };
    let mut written = Written::start_with(&store, limits);
    let mut story = Story::new(1);
    let mut longest = 0;
    for counter in 1..=600 {
        written.write(story.arrives(counter, "13800138000", 0)).await;
        let length = std::fs::metadata(format!("{}-wal", database.url)).unwrap().len();
        longest = longest.max(length);
    }
    written.stop().await;
    assert!(longest > LIMIT, "it is not moved at every commit, {longest}");
    assert!(longest < 8 * LIMIT, "{longest}");
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 600);
}
