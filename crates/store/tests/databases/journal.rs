//! Facts that are in the journal before they are in the database.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::{Fact, Wall};
use sqlx::Connection;
use store::{Journal, Notice, WriterLimits};
use tempfile::tempdir;

use crate::failures::{impatient, lock};
use crate::server::Database;
use crate::story::{Story, Written, call, write};
use crate::writing::refuse;

on_both! {
    what_is_in_the_journal_is_committed_while_the_database_is_locked
    what_the_database_did_not_take_is_there_after_the_next_start
    a_line_that_was_cut_is_dropped_and_one_that_changed_is_set_aside
    a_fact_from_a_newer_engine_is_not_thrown_away
    an_epoch_that_has_facts_is_not_claimed_again_with_an_older_database
    what_the_database_never_takes_is_kept_in_a_file
    what_the_database_has_is_not_taken_over_again
    files_whose_facts_are_in_the_database_are_removed
    many_small_appends_become_few_transactions
    who_reads_finds_what_was_committed_before
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".facts"));
    names.sort();
    names
}

async fn what_is_in_the_journal_is_committed_while_the_database_is_locked(database: Database) {
    let (store, folder) = (database.open().await, tempdir().unwrap());
    let mut written = Written::start_in(folder.path(), &store, impatient()).await;
    let mut story = Story::new(1);
    let holder = lock(&database).await;
    written.write(story.arrives(1, "13800138000", 0)).await;
    written.until(|notice| matches!(notice, Notice::StoreFailing { .. })).await;
    written.write(story.arrives(2, "13800138000", 1)).await;
    assert_eq!(written.writer.unwritten(), 2);
    holder.close().await.unwrap();
    written.until(|notice| *notice == Notice::StoreRecovered).await;
    written.stop().await;
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 2);
    assert_eq!(names(folder.path()), [""; 0], "nothing is left where all is in the database");
}

async fn what_the_database_did_not_take_is_there_after_the_next_start(database: Database) {
    let (store, folder) = (database.open().await, tempdir().unwrap());
    let mut written = Written::start_in(folder.path(), &store, impatient()).await;
    let holder = lock(&database).await;
    let mut story = Story::new(1);
    story.conversation(1, "13800138000", "8001", 0);
    let (facts, records) = story.take();
    written.writer.append(facts.clone(), records).unwrap();
    written.until(|notice| matches!(notice, Notice::Committed { .. })).await;
    assert_eq!(written.writer.stop(Duration::ZERO).await, Ok(()), "nothing is lost");
    holder.close().await.unwrap();
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 0);
    let journal = Journal::open(folder.path(), &store).await.unwrap();
    let there: Vec<_> = store.call(call(1, 1)).await.unwrap().unwrap().facts;
    let of_call = facts.into_iter().filter(|fact| fact.body.call() == Some(call(1, 1)));
    assert_eq!(there, of_call.collect::<Vec<_>>());
    // Its record was not written, so that it is folded anew from the facts.
    assert_eq!(database.count("SELECT COUNT(*) FROM unsettled_calls").await, 1);
    drop(journal);
}

/// A journal with five calls that the database did not take.
async fn five_calls(database: &Database, folder: &Path) -> PathBuf {
    let store = database.open().await;
    let mut written = Written::start_in(folder, &store, impatient()).await;
    let holder = lock(database).await;
    let mut story = Story::new(3);
    for counter in 1..=5 {
        written.write(story.arrives(counter, "13800138000", 0)).await;
    }
    assert_eq!(written.writer.stop(Duration::ZERO).await, Ok(()));
    holder.close().await.unwrap();
    folder.join(&names(folder)[0])
}

async fn a_line_that_was_cut_is_dropped_and_one_that_changed_is_set_aside(database: Database) {
    let folder = tempdir().unwrap();
    let file = five_calls(&database, folder.path()).await;
    let mut bytes = fs::read(&file).unwrap();
    let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 40;
    bytes[second] ^= 1;
    bytes.truncate(bytes.len() - 7);
    fs::write(&file, &bytes).unwrap();
    Journal::open(folder.path(), &database.open().await).await.unwrap();
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 3);
    assert_eq!(database.count("SELECT CAST(SUM(seq) AS BIGINT) FROM facts").await, 1 + 3 + 4);
    assert_eq!(fs::read(file.with_extension("damaged")).unwrap(), bytes, "all that is left of it");
    assert_eq!(names(folder.path()), ["00000002.facts"], "the damaged one is not read again");
}

async fn a_fact_from_a_newer_engine_is_not_thrown_away(database: Database) {
    let folder = tempdir().unwrap();
    let file = five_calls(&database, folder.path()).await;
    let mut bytes = fs::read(&file).unwrap();
    let json = r#"{"seq":6,"body":{"type":"call_teleported"}}"#;
    bytes.extend(format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes())).bytes());
    fs::write(&file, &bytes).unwrap();
    let refused = Journal::open(folder.path(), &database.open().await).await.unwrap_err();
    let refused = refused.to_string();
    assert!(refused.contains("00000001.facts line 6"), "{refused}");
    assert!(refused.contains("start the version that wrote it"), "{refused}");
    assert_eq!(fs::read(&file).unwrap(), bytes, "nothing is taken from it");
}

/// An older backup of the database, or an empty one, beside a journal that went on.
async fn an_epoch_that_has_facts_is_not_claimed_again_with_an_older_database(database: Database) {
    let folder = tempdir().unwrap();
    five_calls(&database, folder.path()).await;
    let store = database.open().await;
    assert_eq!(store.last_epoch().await.unwrap(), None);
    Journal::open(folder.path(), &store).await.unwrap();
    assert_eq!(store.begin_epoch(Wall(0)).await.unwrap(), 4);
}

async fn what_the_database_never_takes_is_kept_in_a_file(database: Database) {
    let (store, folder) = (database.open().await, tempdir().unwrap());
    refuse(&database, 2).await;
    let mut written = Written::start_in(folder.path(), &store, impatient()).await;
    let mut story = Story::new(1);
    for counter in 1..=3 {
        story.arrives(counter, "13800138000", 0);
    }
    written.write(&mut story).await;
    written.stop().await;
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 2);
    let left_out = fs::read_to_string(folder.path().join("left-out.jsonl")).unwrap();
    let facts: Vec<Fact> =
        left_out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(facts.iter().map(|fact| fact.seq).collect::<Vec<_>>(), [2]);
}

/// A call that is settled must not become unsettled because its arrival is read once more.
async fn what_the_database_has_is_not_taken_over_again(database: Database) {
    let (store, folder) = (database.open().await, tempdir().unwrap());
    let kept = tempdir().unwrap();
    let mut written = Written::start_in(folder.path(), &store, impatient()).await;
    let mut story = Story::new(1);
    story.conversation(1, "13800138000", "8001", 0);
    written.write(&mut story).await;
    let name = names(folder.path()).pop().unwrap();
    fs::copy(folder.path().join(&name), kept.path().join(&name)).unwrap();
    written.stop().await;
    let facts = database.count("SELECT COUNT(*) FROM facts").await;
    Journal::open(kept.path(), &store).await.unwrap();
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, facts);
    assert_eq!(database.count("SELECT COUNT(*) FROM unsettled_calls").await, 0);
}

async fn files_whose_facts_are_in_the_database_are_removed(database: Database) {
    let (store, folder) = (database.open().await, tempdir().unwrap());
    let limits = WriterLimits { journal_file_bytes: 1, settle_ms: 0, ..WriterLimits::default() };
    let mut written = Written::start_in(folder.path(), &store, limits).await;
    let mut story = Story::new(1);
    let mut files = Vec::new();
    // The database takes them while others come: some time there are fewer files than before.
    while files.is_empty() || files.is_sorted() {
        let counter = u32::try_from(files.len()).unwrap() + 1;
        assert!(counter < 10_000, "no file was removed");
        written.write(story.arrives(counter, "13800138000", 0)).await;
        files.push(names(folder.path()).len());
    }
    written.stop().await;
    assert_eq!(names(folder.path()), [""; 0]);
    let facts = i64::try_from(files.len()).unwrap();
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, facts);
}

async fn many_small_appends_become_few_transactions(database: Database) {
    let (store, folder) = (database.open().await, tempdir().unwrap());
    let limits = WriterLimits { settle_ms: 3_600_000, ..WriterLimits::default() };
    let mut written = Written::start_in(folder.path(), &store, limits).await;
    let mut story = Story::new(1);
    for counter in 1..=200 {
        written.write(story.arrives(counter, "13800138000", 0)).await;
    }
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 0, "they wait for more");
    written.stop().await;
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 200);
}

async fn who_reads_finds_what_was_committed_before(database: Database) {
    let (store, folder) = (database.open().await, tempdir().unwrap());
    let limits = WriterLimits { settle_ms: 3_600_000, ..impatient() };
    let mut written = Written::start_in(folder.path(), &store, limits).await;
    let settling = written.writer.settling();
    let mut story = Story::new(1);
    assert!(settling.catch_up(Duration::ZERO).await, "there is nothing to wait for");
    for counter in 1..=3 {
        written.write(story.arrives(counter, "13800138000", 0)).await;
        assert!(settling.catch_up(Duration::from_secs(60)).await);
        assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, i64::from(counter));
    }
    let holder = lock(&database).await;
    written.write(story.arrives(4, "13800138000", 0)).await;
    assert!(!settling.catch_up(Duration::from_millis(1)).await, "nobody waits for ever");
    holder.close().await.unwrap();
    assert!(settling.catch_up(Duration::from_secs(60)).await);
    written.stop().await;
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_is_told_and_overcome() {
    let (database, folder) = (Database::sqlite(), tempdir().unwrap());
    let (store, folder) = (database.open().await, folder.path().join("journal"));
    let limits = WriterLimits { journal_file_bytes: 1, ..impatient() };
    let mut written = Written::start_in(&folder, &store, limits).await;
    let mut story = Story::new(1);
    written.write(story.arrives(1, "13800138000", 0)).await;
    // The next file cannot be made where there is no folder.
    let away = folder.with_extension("away");
    fs::rename(&folder, &away).unwrap();
    let (facts, records) = story.arrives(2, "13800138000", 1).take();
    written.writer.append(facts, records).unwrap();
    let told = written.until(|notice| matches!(notice, Notice::StoreFailing { .. })).await;
    assert!(
        matches!(&told, Notice::StoreFailing { error } if error.contains(".facts")),
        "{told:?}"
    );
    fs::rename(&away, &folder).unwrap();
    written.until(|notice| *notice == Notice::Committed { up_to_seq: 2 }).await;
    assert!(written.told.contains(&Notice::StoreRecovered));
    written.stop().await;
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 2);
}

#[tokio::test]
async fn a_journal_has_one_writer() {
    let (database, folder) = (Database::sqlite(), tempdir().unwrap());
    let store = database.open().await;
    let journal = Journal::open(folder.path(), &store).await.unwrap();
    let second = Journal::open(folder.path(), &store).await;
    assert!(matches!(second, Err(store::Error::LockedByAnother { .. })), "{second:?}");
    drop(journal);
    Journal::open(folder.path(), &store).await.unwrap();
}

#[tokio::test]
async fn what_is_no_journal_is_left_alone() {
    let (database, folder) = (Database::sqlite(), tempdir().unwrap());
    let store = database.open().await;
    write(&store, Story::new(1).arrives(1, "13800138000", 0)).await;
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    fs::write(folder.path().join("00000007.facts"), [0xff, b'\n', b'x', b'\n']).unwrap();
    Journal::open(folder.path(), &store).await.unwrap();
    assert_eq!(names(folder.path()), ["00000008.facts"]);
    assert!(folder.path().join("00000007.damaged").exists());
    assert_eq!(fs::read(folder.path().join("notes.txt")).unwrap(), b"mine");
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, 1);
}
