//! `kill -9`: whatever was told to be committed is there afterwards.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use store::{Journal, Notice, Purpose, Store, WriterLimits};

use crate::server::Database;
use crate::story::{Story, Written};

on_both! { whatever_was_committed_before_the_kill_is_there }

/// Where the killed process writes.
const DATABASE: &str = "HOTLINE_TEST_KILLED_DATABASE";

/// Where its journal is.
const JOURNAL: &str = "HOTLINE_TEST_KILLED_JOURNAL";

/// How many commits it tells before it is killed.
const COMMITS: usize = 50;

/// The process that is killed: this binary again, appending until it dies. Without the variable,
/// which is always but then, it does nothing.
#[tokio::test]
async fn appends_until_it_is_killed() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let store = Store::open(&url, 1, Purpose::Engine).await.unwrap();
    let journal = std::env::var(JOURNAL).unwrap();
    let limits = WriterLimits::default();
    let mut written = Written::start_in(Path::new(&journal), &store, limits).await;
    let mut story = Story::new(store.begin_epoch(crate::story::wall(0)).await.unwrap());
    for counter in 1.. {
        for at in 0..40 {
            story.conversation(counter * 100 + at, "13800138000", "8001", i64::from(counter));
        }
        let (facts, records) = story.take();
        written.writer.append(facts, records).unwrap();
        let told = written.until(|notice| matches!(notice, Notice::Committed { .. })).await;
        let Notice::Committed { up_to_seq } = told else { panic!("{told:?}") };
        let mut out = std::io::stdout().lock();
        writeln!(out, "committed {up_to_seq}").unwrap();
        out.flush().unwrap();
    }
}

async fn whatever_was_committed_before_the_kill_is_there(database: Database) {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::appends_until_it_is_killed", "--nocapture"])
        .env(DATABASE, &database.url)
        .env(JOURNAL, folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut committed = Vec::new();
    let told = BufReader::new(child.stdout.take().unwrap());
    for line in told.lines() {
        let line = line.unwrap();
        // The harness writes the test's name before its first line.
        let Some((_, seq)) = line.split_once("committed ") else { continue };
        committed.push(seq.parse::<i64>().unwrap());
        if committed.len() == COMMITS {
            child.kill().unwrap();
        }
    }
    assert!(committed.len() >= COMMITS, "it died by itself after {}", committed.len());
    assert!(!child.wait().unwrap().success());
    let last = *committed.last().unwrap();
    let store = database.open().await;
    Journal::open(folder.path(), &store).await.unwrap();
    assert_eq!(store.last_epoch().await.unwrap(), Some(1));
    let there = database.count("SELECT COUNT(*) FROM facts").await;
    assert!(there >= last, "{last} were told to be committed, {there} are there");
    assert_eq!(database.count("SELECT MAX(seq) FROM facts").await, there, "without a gap");
    // Where a call's end is, its record is, or will be folded from the facts.
    let ends = database.count("SELECT COUNT(*) FROM facts WHERE kind = 'call_ended'").await;
    let records = database.count(
        "SELECT COUNT(*) FROM facts WHERE kind = 'call_ended'
         AND (call_id IN (SELECT call_id FROM call_records)
              OR call_id IN (SELECT call_id FROM unsettled_calls))",
    );
    assert_eq!(records.await, ends);
    if !database.is_postgres() {
        let sound = database.count(
            "SELECT COUNT(*) FROM pragma_integrity_check('facts')
             WHERE integrity_check = 'ok'",
        );
        assert_eq!(sound.await, 1);
    }
}
