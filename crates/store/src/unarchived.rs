//! Sealed recordings that are not archived.

use model::{CallId, RecordingId, Seal, Wall};
use sqlx::any::AnyRow;

use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Columns, Sql};

/// How many recordings are read at once.
const CHUNK: i64 = 500;

/// A sealed recording whose file is as it was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unarchived {
    /// Its call.
    pub call: CallId,
    /// The recording.
    pub recording: RecordingId,
    /// The file, relative to the recordings' folder.
    pub path: String,
    /// When it began.
    pub started: Wall,
    /// Its seal.
    pub seal: Seal,
}

impl Store {
    /// This site's recordings that were sealed, neither archived nor about to be deleted, and began
    /// before `before`, oldest first, some hundred at once: those behind `after`.
    pub async fn unarchived_recordings(
        &self,
        before: Wall,
        after: Option<&Unarchived>,
    ) -> Result<Vec<Unarchived>> {
        let mut sql = Sql::new(
            "SELECT recording_id, call_id, path, started_us, sha256, bytes, frames FROM recordings
             WHERE archived_us IS NULL AND deleted_us IS NULL AND sha256 IS NOT NULL
             AND doom IS NULL AND path LIKE '%.tape' AND site = ",
        );
        sql.bind(i64::from(self.site()))?.push(" AND started_us < ").bind(before.0)?;
        if let Some(after) = after {
            sql.push(" AND (started_us, recording_id) > (").bind(after.started.0)?;
            sql.push(", ").bind(after.recording.to_string())?.push(")");
        }
        sql.push(" ORDER BY started_us, recording_id LIMIT ").bind(CHUNK)?;
        sql.fetch_all(self.readers()).await?.iter().map(read).collect()
    }
}

fn read(row: &AnyRow) -> Result<Unarchived> {
    let id = row.text("recording_id")?;
    let corrupt = |reason: &str| Error::Corrupt {
        table: "recordings",
        row: id.clone(),
        reason: reason.to_owned(),
    };
    let incomplete = || corrupt("its seal is incomplete");
    Ok(Unarchived {
        call: row.text("call_id")?.parse().map_err(|_| corrupt("its call is no id"))?,
        recording: id.parse().map_err(|_| corrupt("its id is no id"))?,
        path: row.text("path")?,
        started: row.wall("started_us")?,
        seal: Seal {
            sha256: row.text("sha256")?,
            bytes: row.maybe_ms("bytes")?.ok_or_else(incomplete)?,
            frames: row.maybe_ms("frames")?.ok_or_else(incomplete)?,
        },
    })
}
