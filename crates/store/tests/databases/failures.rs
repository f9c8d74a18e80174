//! A database that is locked, gone or full: nothing that was acknowledged is lost.

use std::time::Duration;

use sqlx::{Connection, Executor};
use store::{Full, Notice, Pressure, WriterLimits};

use crate::server::Database;
use crate::story::{Story, Written, call};

on_both! {
    a_locked_database_is_told_and_written_when_it_is_free
    a_writer_that_cannot_keep_up_refuses_calls_then_everything
    what_alone_is_more_than_the_limit_is_taken_by_an_empty_writer
    a_writer_that_is_stopped_while_it_fails_says_what_it_lost
    look_ups_go_on_while_the_writer_waits
}

pub fn impatient() -> WriterLimits {
    WriterLimits {
        first_retry_ms: 1,
        longest_retry_ms: 20,
        refuse_calls_at: 100,
        accept_calls_at: 10,
        full_at: 200,
        ..WriterLimits::default()
    }
}

/// Takes the lock that writing facts needs, and holds it as long as it lives.
pub async fn lock(database: &Database) -> sqlx::AnyConnection {
    let mut connection = database.connect().await;
    if database.is_postgres() {
        connection.execute("BEGIN").await.unwrap();
        connection.execute("LOCK TABLE facts IN ACCESS EXCLUSIVE MODE").await.unwrap();
    } else {
        connection.execute("BEGIN IMMEDIATE").await.unwrap();
    }
    connection
}

async fn a_locked_database_is_told_and_written_when_it_is_free(database: Database) {
    let store = database.open().await;
    let mut written = Written::start_with(&store, impatient());
    let mut story = Story::new(1);
    written.write(story.arrives(1, "13800138000", 0)).await;
    let holder = lock(&database).await;
    let (facts, records) = story.arrives(2, "13800138000", 1).take();
    written.writer.append(facts, records).unwrap();
    let told = written.until(|notice| matches!(notice, Notice::StoreFailing { .. })).await;
    let Notice::StoreFailing { error } = told else { panic!("{told:?}") };
    assert!(error.contains("lock"), "{error}");
    let (facts, records) = story.arrives(3, "13800138000", 2).take();
    written.writer.append(facts, records).unwrap();
    holder.close().await.unwrap();
    written.until(|notice| *notice == Notice::Committed { up_to_seq: 3 }).await;
    let failing = |notice: &&Notice| matches!(notice, Notice::StoreFailing { .. });
    assert_eq!(written.told.iter().filter(failing).count(), 1, "told once, not at each attempt");
    assert!(written.told.contains(&Notice::StoreRecovered));
    written.stop().await;
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 3);
}

async fn a_writer_that_cannot_keep_up_refuses_calls_then_everything(database: Database) {
    let store = database.open().await;
    let mut written = Written::start_with(&store, impatient());
    let holder = lock(&database).await;
    let mut story = Story::new(1);
    let mut counter = 0;
    let mut append = |written: &Written| {
        counter += 1;
        let (facts, records) = story.arrives(counter, "13800138000", 0).take();
        written.writer.append(facts, records)
    };
    for unwritten in 1..=200 {
        let pressure = append(&written).unwrap();
        let refuses = unwritten >= 100;
        assert_eq!(pressure == Pressure::RefuseCalls, refuses, "with {unwritten} unwritten");
    }
    let Err(Full { facts, .. }) = append(&written) else { panic!("more than the limit was taken") };
    assert_eq!(facts[0].seq, 201, "what was not taken comes back");
    assert_eq!(written.writer.unwritten(), 200);
    holder.close().await.unwrap();
    written.until(|notice| *notice == Notice::Committed { up_to_seq: 200 }).await;
    assert_eq!(written.writer.pressure(), Pressure::Normal);
    written.writer.append(facts, Vec::new()).unwrap();
    written.until(|notice| *notice == Notice::Committed { up_to_seq: 201 }).await;
    written.stop().await;
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 201);
}

/// Facts that piled up where the writer did not take them must find their way back.
async fn what_alone_is_more_than_the_limit_is_taken_by_an_empty_writer(database: Database) {
    let store = database.open().await;
    let mut written = Written::start_with(&store, impatient());
    let mut story = Story::new(1);
    for counter in 1..=300 {
        story.arrives(counter, "13800138000", 0);
    }
    let (facts, records) = story.take();
    assert_eq!(written.writer.append(facts, records).unwrap(), Pressure::RefuseCalls);
    written.until(|notice| *notice == Notice::Committed { up_to_seq: 300 }).await;
    written.stop().await;
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 300);
}

async fn a_writer_that_is_stopped_while_it_fails_says_what_it_lost(database: Database) {
    let store = database.open().await;
    let mut written = Written::start_with(&store, impatient());
    let holder = lock(&database).await;
    let (facts, records) =
        Story::new(1).arrives(1, "13800138000", 0).arrives(2, "13800138000", 0).take();
    written.writer.append(facts, records).unwrap();
    written.until(|notice| matches!(notice, Notice::StoreFailing { .. })).await;
    assert_eq!(written.writer.stop(Duration::ZERO).await, Err(2));
    holder.close().await.unwrap();
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 0);
}

async fn look_ups_go_on_while_the_writer_waits(database: Database) {
    let store = database.open().await;
    let mut written = Written::start_with(&store, impatient());
    let mut story = Story::new(1);
    written.write(story.arrives(1, "13800138000", 0)).await;
    let holder = lock(&database).await;
    let (facts, records) = story.arrives(2, "13800138000", 0).take();
    written.writer.append(facts, records).unwrap();
    written.until(|notice| matches!(notice, Notice::StoreFailing { .. })).await;
    assert_eq!(store.setting("a").await.unwrap(), None);
    if !database.is_postgres() {
        // PostgreSQL's test lock keeps readers of this one table away as well.
        assert!(store.call(call(1, 1)).await.unwrap().is_some());
    }
    holder.close().await.unwrap();
    written.stop().await;
}

/// A disk that is full, as SQLite says it.
#[tokio::test]
async fn a_full_disk_is_told_and_overcome() {
    let database = Database::sqlite();
    let store = database.open().await;
    // Only the writer's own connection can be limited, so the limit is the database's: a trigger
    // that fails as a full disk does, until it is dropped.
    let mut beside = database.connect().await;
    beside
        .execute(
            "CREATE TRIGGER full BEFORE INSERT ON facts
             BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END",
        )
        .await
        .unwrap();
    let mut written = Written::start_with(&store, impatient());
    let (facts, records) = Story::new(1).arrives(1, "13800138000", 0).take();
    written.writer.append(facts, records).unwrap();
    let told = written.until(|notice| !matches!(notice, Notice::Committed { .. })).await;
    assert!(matches!(&told, Notice::StoreFailing { error } if error.contains("full")), "{told:?}");
    beside.execute("DROP TRIGGER full").await.unwrap();
    written.until(|notice| *notice == Notice::Committed { up_to_seq: 1 }).await;
    written.stop().await;
}

/// The server restarts under the engine: its connections and its lock are gone, and come back.
#[tokio::test]
async fn a_server_that_drops_every_connection_is_overcome() {
    let Some(database) = Database::postgres().await else { return };
    let store = database.open().await;
    let mut written = Written::start_with(&store, impatient());
    let mut story = Story::new(1);
    written.write(story.arrives(1, "13800138000", 0)).await;
    let mut beside = database.connect().await;
    beside
        .execute(
            "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    written.write(story.arrives(2, "13800138000", 1)).await;
    assert!(written.told.contains(&Notice::StoreRecovered));
    store.ping().await.unwrap();
    // The lock was taken again, so a second engine is still kept out.
    let second = store::Store::open(&database.url, 1, store::Purpose::Engine).await;
    assert!(matches!(second, Err(store::Error::LockedByAnother { .. })));
    written.stop().await;
}
