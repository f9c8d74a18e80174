//! `kill -9`: whatever was told to be committed is there afterwards.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use store::{Notice, Purpose, Store};

use crate::server::Database;
use crate::story::{Story, Written};

on_both! { whatever_was_committed_before_the_kill_is_there }

/// Where the killed process writes.
const DATABASE: &str = "HOTLINE_TEST_KILLED_DATABASE";

/// How many commits it tells before it is killed.
const COMMITS: usize = 50;

/// The process that is killed: this binary again, appending until it dies. Without the variable,
/// which is always but then, it does nothing.
#[tokio::test]
async fn appends_until_it_is_killed() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let store = Store::open(&url, 1, Purpose::Engine).await.unwrap();
    let mut written = Written::start(&store);
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
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::appends_until_it_is_killed", "--nocapture"])
        .env(DATABASE, &database.url)
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
    assert_eq!(store.last_epoch().await.unwrap(), Some(1));
    let there = database.count("SELECT COUNT(*) FROM facts").await;
    assert!(there >= last, "{last} were told to be committed, {there} are there");
    assert_eq!(database.count("SELECT MAX(seq) FROM facts").await, there, "without a gap");
    // A record is there exactly where its call's end is.
    let ends = database.count("SELECT COUNT(*) FROM facts WHERE kind = 'call_ended'").await;
    assert_eq!(database.count("SELECT COUNT(*) FROM call_records").await, ends);
    if !database.is_postgres() {
        let sound = database.count(
            "SELECT COUNT(*) FROM pragma_integrity_check('facts')
             WHERE integrity_check = 'ok'",
        );
        assert_eq!(sound.await, 1);
    }
}
