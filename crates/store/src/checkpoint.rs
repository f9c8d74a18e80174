//! Moving SQLite's write-ahead log into the database without keeping a commit waiting.
//!
//! Left to itself, SQLite does it within a commit whenever the log has 1,000 pages: at a call
//! center's pace three times a second, and each time some commit waits for the disk. Here another
//! connection moves the bulk while commits go on, and the writer's own moves the little that came
//! meanwhile: only then is the log whole in the database, and begins anew.

use std::time::Duration;

use sqlx::{AnyConnection, Connection, Executor};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::error::Result;
use crate::open::{Durability, Store};

/// Told to the writer's connection: it moves nothing by itself, and cuts the log when that begins
/// anew, so that its length tells how much is in it.
pub(crate) const SETTINGS: [&str; 2] =
    ["PRAGMA wal_autocheckpoint = 0", "PRAGMA journal_size_limit = 65536"];

/// A log that has grown to so many times the length at which it is moved makes commits wait until
/// it is: a disk that is slower than the facts shows in the queue, which has a limit.
const LOG_AT_MOST: u64 = 4;

const MOVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// What the writer looks after between commits.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    log_bytes: u64,
    pause: Duration,
    bulk: Option<JoinHandle<Result<()>>>,
    not_before: Instant,
}

impl Checkpoints {
    /// Moves a log that is longer than `log_bytes`, and then waits for `pause_ms`: a log that a
    /// long reading query holds is not emptied sooner by trying.
    pub(crate) fn new(log_bytes: u64, pause_ms: u64) -> Self {
        let pause = Duration::from_millis(pause_ms);
        Self { log_bytes, pause, bulk: None, not_before: Instant::now() }
    }

    /// Looks whether there is something to move. A failure is only logged: the log is as durable
    /// as the database, and the next time comes.
    pub(crate) async fn after_commit(&mut self, store: &Store, writer: &mut AnyConnection) {
        let Some(wal) = store.wal() else { return };
        let length = std::fs::metadata(wal).map_or(0, |wal| wal.len());
        if let Some(bulk) = &mut self.bulk {
            if !bulk.is_finished() && length < LOG_AT_MOST * self.log_bytes {
                return;
            }
            let moved = bulk.await;
            self.bulk = None;
            self.not_before = Instant::now() + self.pause;
            match moved {
                Ok(Ok(())) => log(writer.execute(MOVE).await.map(drop)),
                Ok(Err(error)) => tracing::warn!(%error, "the write-ahead log was not moved"),
                Err(error) => tracing::warn!(%error, "the write-ahead log was not moved"),
            }
            return;
        }
        if length > self.log_bytes && Instant::now() >= self.not_before {
            self.bulk = Some(tokio::spawn(move_bulk(store.clone())));
        }
    }
}

async fn move_bulk(store: Store) -> Result<()> {
    let mut connection = store.connect(Durability::Process).await?;
    connection.execute(MOVE).await?;
    connection.close().await?;
    Ok(())
}

fn log(moved: sqlx::Result<()>) {
    if let Err(error) = moved {
        tracing::warn!(%error, "the write-ahead log was not moved");
    }
}
