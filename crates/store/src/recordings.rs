//! Recordings: lists with filters, one, and all of them for verifying.

use model::{AgentId, CallId, QueueId, RecordingId, Seal, UserId, Wall};
use report::{CallRecord, Message, Recording};
use sqlx::any::AnyRow;

use crate::calls::CallFilter;
use crate::error::{Error, Result};
use crate::kept;
use crate::open::Store;
use crate::page::{Page, PageRequest};
use crate::sql::{Columns, Sql};

/// How many recordings [`Recordings::next`] reads at once.
const VERIFY_CHUNK: i64 = 500;

/// One recording with its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingEntry {
    /// The call that was taped.
    pub call: CallId,
    /// The recording.
    pub recording: Recording,
    /// When it was sealed.
    pub sealed: Option<Wall>,
    /// The SHA-256 of its file, in hexadecimal digits, if that is an archive.
    pub archived: Option<String>,
    /// The call's record; nothing while it goes on.
    pub record: Option<CallRecord>,
}

impl Store {
    /// Recordings, newest first. The filter's times and agent are the recording's.
    pub async fn recordings(
        &self,
        filter: &CallFilter,
        request: &PageRequest,
    ) -> Result<Page<RecordingEntry>> {
        let mut sql = Sql::new(
            "SELECT r.* FROM recordings r LEFT JOIN call_records c ON c.call_id = r.call_id
             WHERE 1 = 1",
        );
        sql.and_if(" AND r.started_us >= ", filter.from.map(|wall| wall.0))?
            .and_if(" AND r.started_us < ", filter.to.map(|wall| wall.0))?
            .and_if(" AND r.agent = ", filter.agent.as_ref().map(AgentId::as_str))?;
        // What was too short for one is none; what the engine was lost with may be one.
        sql.and_if(
            " AND (r.message_us IS NOT NULL OR r.recovered = 1) AND r.mailbox = ",
            filter.mailbox.as_ref().map(QueueId::as_str),
        )?;
        if filter.open {
            sql.push(
                " AND (r.message_us IS NOT NULL OR r.recovered = 1) AND r.mailbox IS NOT NULL
                 AND r.done_us IS NULL",
            );
        }
        filter.push_record(&mut sql)?;
        if let Some((wall, recording)) = request.key()? {
            sql.push(" AND (r.started_us, r.recording_id) < (").bind(wall.0)?;
            sql.push(", ").bind(recording)?.push(")");
        }
        sql.push(" ORDER BY r.started_us DESC, r.recording_id DESC LIMIT ");
        sql.bind(request.rows())?;
        let rows = sql.fetch_all(self.readers()).await?;
        let entries = rows.iter().map(entry).collect::<Result<Vec<_>>>()?;
        let mut page = request.page(entries, |entry| {
            (entry.recording.started, entry.recording.recording.to_string())
        });
        self.add_records(&mut page.items).await?;
        Ok(page)
    }

    /// One recording.
    pub async fn recording(&self, recording: RecordingId) -> Result<Option<RecordingEntry>> {
        let row = sqlx::query("SELECT * FROM recordings WHERE recording_id = $1")
            .bind(recording.to_string())
            .fetch_optional(self.readers())
            .await?;
        let mut found: Vec<RecordingEntry> = row.iter().map(entry).collect::<Result<Vec<_>>>()?;
        self.add_records(&mut found).await?;
        Ok(found.pop())
    }

    /// Every recording, oldest first, for verifying; records are not filled in.
    pub fn all_recordings(&self) -> Recordings {
        Recordings { store: self.clone(), after: None, read: Vec::new().into_iter(), done: false }
    }

    async fn add_records(&self, entries: &mut [RecordingEntry]) -> Result<()> {
        let records = self.records_of(entries.iter().map(|entry| entry.call)).await?;
        for entry in entries {
            entry.record = records.get(&entry.call).cloned();
        }
        Ok(())
    }
}

/// All recordings, read part by part: as many as there are, in bounded memory.
#[derive(Debug)]
pub struct Recordings {
    store: Store,
    after: Option<(i64, String)>,
    read: std::vec::IntoIter<RecordingEntry>,
    done: bool,
}

impl Recordings {
    /// The next one.
    pub async fn next(&mut self) -> Result<Option<RecordingEntry>> {
        loop {
            if let Some(entry) = self.read.next() {
                return Ok(Some(entry));
            }
            if self.done {
                return Ok(None);
            }
            self.read_more().await?;
        }
    }

    async fn read_more(&mut self) -> Result<()> {
        let mut sql = Sql::new("SELECT * FROM recordings");
        if let Some((micros, recording)) = &self.after {
            sql.push(" WHERE (started_us, recording_id) > (").bind(*micros)?;
            sql.push(", ").bind(recording.as_str())?.push(")");
        }
        sql.push(" ORDER BY started_us, recording_id LIMIT ").bind(VERIFY_CHUNK)?;
        let rows = sql.fetch_all(self.store.readers()).await?;
        let entries = rows.iter().map(entry).collect::<Result<Vec<_>>>()?;
        match entries.last() {
            None => self.done = true,
            Some(last) => {
                let recording = &last.recording;
                self.after = Some((recording.started.0, recording.recording.to_string()));
            }
        }
        self.read = entries.into_iter();
        Ok(())
    }
}

fn entry(row: &AnyRow) -> Result<RecordingEntry> {
    let (call, recording, sealed) = read(row)?;
    let archived = row.maybe_text("archived_sha256")?;
    Ok(RecordingEntry { call, recording, sealed, archived, record: None })
}

/// What `row` says of a message, if it is of one.
fn message(row: &AnyRow) -> Result<Option<Message>> {
    let Some(mailbox) = row.maybe_text("mailbox")? else { return Ok(None) };
    let done = row.maybe_text("done_by")?.map(UserId::from).zip(row.maybe_wall("done_us")?);
    Ok(Some(Message { mailbox: QueueId::from(mailbox), left: row.maybe_wall("message_us")?, done }))
}

/// The recording in `row`, with its call and when it was sealed.
pub(crate) fn read(row: &AnyRow) -> Result<(CallId, Recording, Option<Wall>)> {
    let id = row.text("recording_id")?;
    let corrupt = |reason: &str| Error::Corrupt {
        table: "recordings",
        row: id.clone(),
        reason: reason.to_owned(),
    };
    let seal = match (row.maybe_text("sha256")?, row.maybe_ms("bytes")?, row.maybe_ms("frames")?) {
        (Some(sha256), Some(bytes), Some(frames)) => Some(Seal { sha256, bytes, frames }),
        (None, None, None) => None,
        (_, _, _) => return Err(corrupt("its seal is incomplete")),
    };
    let recording = Recording {
        recording: id.parse().map_err(|_| corrupt("its id is no id"))?,
        agent: AgentId::from(row.text("agent")?),
        message: message(row)?,
        path: row.text("path")?,
        started: row.wall("started_us")?,
        gaps: u32::try_from(row.int("gaps")?).map_err(|_| corrupt("its gaps are no count"))?,
        pauses: u32::try_from(row.int("pauses")?)
            .map_err(|_| corrupt("its pauses are no count"))?,
        lost: row.flag("lost")?,
        seal,
        recovered: row.flag("recovered")?,
        held: row.maybe_text("held_why")?,
        doomed: row.maybe_text("doom")?.is_some(),
        deleted: row.maybe_wall("deleted_us")?.zip(kept::certificate(row)?),
    };
    let call = row.text("call_id")?.parse().map_err(|_| corrupt("its call is no id"))?;
    Ok((call, recording, row.maybe_wall("sealed_us")?))
}
