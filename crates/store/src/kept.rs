//! Recordings whose time may be over, with all that decides on it; and the certificates of those
//! that were deleted.

use model::{CallId, Certificate, Deletion, QueueId, RecordingId, Wall};
use sqlx::any::AnyRow;

use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Columns, Sql};

/// How many recordings or certificates are read at once.
const CHUNK: i64 = 500;

/// A recording that was not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRecording {
    /// Its call.
    pub call: CallId,
    /// The recording.
    pub recording: RecordingId,
    /// The file, relative to the recordings' folder.
    pub path: String,
    /// When it began.
    pub started: Wall,
    /// Its frames and the hash of its seal; nothing until it is sealed.
    pub sealed: Option<(u64, String)>,
    /// Whether it will never be sealed.
    pub lost: bool,
    /// Whether it must not be deleted.
    pub is_held: bool,
    /// What was noted before its file was to be removed: nothing keeps it any more.
    pub doom: Option<Deletion>,
    /// The queue of its call.
    pub queue: Option<QueueId>,
    /// What its call was about.
    pub disposition: Option<String>,
    /// The last day of the customer's last policy, `YYYY-MM-DD`.
    pub policy_ends_on: Option<String>,
}

/// A certificate, and the recording that it has to be of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    /// The recording.
    pub recording: RecordingId,
    /// Its file, relative to the recordings' folder.
    pub path: String,
    /// The certificate.
    pub certificate: Certificate,
}

/// What is read of a recording that is kept.
const KEPT: &str = "SELECT r.recording_id, r.call_id, r.path, r.started_us, r.sha256, r.frames,
            r.lost, r.held_us, r.doom, c.queue, c.disposition,
            (SELECT MAX(COALESCE(p.surrendered_on, p.ends_on)) FROM policies p
             WHERE p.customer_id = c.customer_id) AS policy_ends_on
     FROM recordings r LEFT JOIN call_records c ON c.call_id = r.call_id
     WHERE r.deleted_us IS NULL AND r.site = ";

impl Store {
    /// This site's recordings that were not deleted and began before `before`, oldest first, some
    /// hundred at once: those behind `after`.
    pub async fn kept_recordings(
        &self,
        before: Wall,
        after: Option<&KeptRecording>,
    ) -> Result<Vec<KeptRecording>> {
        let mut sql = Sql::new(KEPT);
        sql.bind(i64::from(self.site()))?.push(" AND r.started_us < ").bind(before.0)?;
        if let Some(after) = after {
            sql.push(" AND (r.started_us, r.recording_id) > (").bind(after.started.0)?;
            sql.push(", ").bind(after.recording.to_string())?.push(")");
        }
        sql.push(" ORDER BY r.started_us, r.recording_id LIMIT ").bind(CHUNK)?;
        sql.fetch_all(self.readers()).await?.iter().map(read).collect()
    }

    /// One recording, unless it was deleted.
    pub async fn kept_recording(&self, recording: RecordingId) -> Result<Option<KeptRecording>> {
        let mut sql = Sql::new(KEPT);
        sql.bind(i64::from(self.site()))?.push(" AND r.recording_id = ");
        sql.bind(recording.to_string())?;
        sql.fetch_all(self.readers()).await?.iter().map(read).next().transpose()
    }

    /// This site's recordings of which a deletion was begun and not ended.
    pub async fn doomed_recordings(&self) -> Result<Vec<KeptRecording>> {
        let mut sql = Sql::new(KEPT);
        sql.bind(i64::from(self.site()))?.push(" AND r.doom IS NOT NULL");
        sql.push(" ORDER BY r.started_us, r.recording_id LIMIT ").bind(CHUNK)?;
        sql.fetch_all(self.readers()).await?.iter().map(read).collect()
    }

    /// This site's certificates in the order of their numbers, some hundred at once: those behind
    /// the one of number `after`.
    pub async fn certificates(&self, after: u64) -> Result<Vec<Certified>> {
        let mut sql = Sql::new(
            "SELECT recording_id, path, certificate_number, certificate FROM recordings
             WHERE certificate_number IS NOT NULL AND site = ",
        );
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        sql.bind(i64::from(self.site()))?.push(" AND certificate_number > ").bind(after)?;
        sql.push(" ORDER BY certificate_number, recording_id LIMIT ").bind(CHUNK)?;
        sql.fetch_all(self.readers()).await?.iter().map(certified).collect()
    }

    /// This site's last certificate.
    pub async fn last_certificate(&self) -> Result<Option<Certificate>> {
        let mut sql = Sql::new(
            "SELECT recording_id, path, certificate_number, certificate FROM recordings
             WHERE certificate_number IS NOT NULL AND site = ",
        );
        sql.bind(i64::from(self.site()))?;
        sql.push(" ORDER BY certificate_number DESC LIMIT 1");
        let last = sql.fetch_all(self.readers()).await?.iter().map(certified).next().transpose()?;
        Ok(last.map(|last| last.certificate))
    }

    /// When the newest fact of this site was that an engine before the one of `epoch` kept.
    pub async fn newest_wall_before(&self, epoch: u32) -> Result<Option<Wall>> {
        let mut sql = Sql::new("SELECT wall_us FROM facts WHERE site = ");
        sql.bind(i64::from(self.site()))?.push(" AND epoch < ").bind(i64::from(epoch))?;
        sql.push(" ORDER BY epoch DESC, seq DESC LIMIT 1");
        let rows = sql.fetch_all(self.readers()).await?;
        rows.first().map(|row| row.wall("wall_us")).transpose()
    }
}

fn read(row: &AnyRow) -> Result<KeptRecording> {
    let id = row.text("recording_id")?;
    let corrupt = |reason: &str| Error::Corrupt {
        table: "recordings",
        row: id.clone(),
        reason: reason.to_owned(),
    };
    let doom = row.maybe_text("doom")?.map(|text| serde_json::from_str(&text)).transpose();
    Ok(KeptRecording {
        call: row.text("call_id")?.parse().map_err(|_| corrupt("its call is no id"))?,
        recording: id.parse().map_err(|_| corrupt("its id is no id"))?,
        path: row.text("path")?,
        started: row.wall("started_us")?,
        sealed: row.maybe_ms("frames")?.zip(row.maybe_text("sha256")?),
        lost: row.flag("lost")?,
        is_held: row.maybe_int("held_us")?.is_some(),
        doom: doom.map_err(|_| corrupt("its doom cannot be read"))?,
        queue: row.maybe_text("queue")?.map(QueueId::from),
        disposition: row.maybe_text("disposition")?,
        policy_ends_on: row.maybe_text("policy_ends_on")?,
    })
}

fn certified(row: &AnyRow) -> Result<Certified> {
    let id = row.text("recording_id")?;
    let corrupt = |reason: &str| Error::Corrupt {
        table: "recordings",
        row: id.clone(),
        reason: reason.to_owned(),
    };
    Ok(Certified {
        recording: id.parse().map_err(|_| corrupt("its id is no id"))?,
        path: row.text("path")?,
        certificate: certificate(row)?.ok_or_else(|| corrupt("it has no certificate"))?,
    })
}

/// The certificate in a recording's row.
pub(crate) fn certificate(row: &AnyRow) -> Result<Option<Certificate>> {
    let number = row.maybe_ms("certificate_number")?;
    let text = row.maybe_text("certificate")?;
    Ok(number.zip(text).map(|(number, text)| Certificate { number, text }))
}
