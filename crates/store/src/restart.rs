//! What an engine reads when it starts.

use model::{AgentDay, AgentId, AgentState, AgentStatus, CallId, Fact, Wall};

use crate::error::{Error, Result};
use crate::facts;
use crate::open::Store;
use crate::sql::{Columns, big};

/// One step in the index of agents' changes, however many there are.
const AGENT_BEFORE: &str = "SELECT * FROM facts
     WHERE kind = 'agent_changed' AND subject = $1 AND site = $2 AND (epoch, seq) < ($3, $4)
     ORDER BY epoch DESC, seq DESC LIMIT 1";

/// Where a phone is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The address of record.
    pub aor: String,
    /// The contact's URI.
    pub contact: String,
    /// Path URIs (RFC 3327), nearest first.
    pub path: Vec<String>,
    /// The flow it registered over, as it was written.
    pub flow: String,
    /// Call-ID of the registering.
    pub sip_call_id: String,
    /// CSeq of the last REGISTER.
    pub cseq: u32,
    /// Until when.
    pub expires: Wall,
    /// The phone said that it takes OPTIONS.
    pub answers_options: bool,
    /// Its own identity (`+sip.instance`).
    pub instance: Option<String>,
    /// Which of its own ways it is (`reg-id`).
    pub reg_id: Option<u32>,
}

/// What an agent was last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentLast {
    /// Who.
    pub agent: AgentId,
    /// Their choice.
    pub status: AgentStatus,
    /// The engine's doing.
    pub state: AgentState,
    /// With which call.
    pub call: Option<CallId>,
    /// Since when.
    pub changed: Wall,
    /// What their day has come to; `None` from an engine that did not say.
    pub day: Option<AgentDay>,
}

/// Names a fact within a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactKey {
    /// The engine's start count.
    pub epoch: u32,
    /// The number within it.
    pub seq: u64,
}

impl Store {
    /// Claims the next epoch of this site. It is never given again, not even after a power cut.
    pub async fn begin_epoch(&self, now: Wall) -> Result<u32> {
        let row = sqlx::query(
            "INSERT INTO epochs (site, epoch, began_us)
             SELECT $1, COALESCE(MAX(epoch), 0) + 1, $2 FROM epochs WHERE site = $3
             RETURNING epoch",
        )
        .bind(i64::from(self.site()))
        .bind(now.0)
        .bind(i64::from(self.site()))
        .fetch_one(self.durable())
        .await?;
        read_epoch(row.int("epoch")?)
    }

    /// The last epoch that was claimed at this site.
    pub async fn last_epoch(&self) -> Result<Option<u32>> {
        let row = sqlx::query("SELECT MAX(epoch) AS epoch FROM epochs WHERE site = $1")
            .bind(i64::from(self.site()))
            .fetch_one(self.readers())
            .await?;
        row.maybe_int("epoch")?.map(read_epoch).transpose()
    }

    /// The facts of this site's calls whose record is missing or not settled, oldest first: what
    /// `report::CallRecords::recover` wants.
    pub async fn unsettled_facts(&self) -> Result<Vec<Fact>> {
        let rows = sqlx::query(
            "SELECT * FROM facts
             WHERE call_id IN (SELECT call_id FROM unsettled_calls WHERE site = $1)
             ORDER BY epoch, seq",
        )
        .bind(i64::from(self.site()))
        .fetch_all(self.readers())
        .await?;
        Ok(facts::read_all(&rows))
    }

    /// Facts of this site in order, from the first one behind `after` or from the very first, at
    /// most `limit`. For what is folded anew.
    pub async fn facts_after(&self, after: Option<FactKey>, limit: u32) -> Result<Vec<Fact>> {
        let (epoch, seq) = after.map_or((0, 0), |after| (i64::from(after.epoch), big(after.seq)));
        let rows = sqlx::query(
            "SELECT * FROM facts WHERE site = $1 AND (epoch, seq) > ($2, $3)
             ORDER BY epoch, seq LIMIT $4",
        )
        .bind(i64::from(self.site()))
        .bind(epoch)
        .bind(seq)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        Ok(facts::read_all(&rows))
    }

    /// Facts of this site from one moment to another, in the order in which they happened: at most
    /// `limit` of those behind `after`, or from the first one on.
    pub async fn facts_between(
        &self,
        (from, until): (Wall, Wall),
        after: Option<(Wall, FactKey)>,
        limit: u32,
    ) -> Result<Vec<Fact>> {
        let (wall, key) = after.unwrap_or((from, FactKey { epoch: 0, seq: 0 }));
        let rows = sqlx::query(
            "SELECT * FROM facts WHERE site = $1 AND wall_us >= $2 AND wall_us < $3
             AND (wall_us > $4 OR (epoch, seq) > ($5, $6))
             ORDER BY wall_us, epoch, seq LIMIT $7",
        )
        .bind(i64::from(self.site()))
        .bind(wall.0)
        .bind(until.0)
        .bind(wall.0)
        .bind(i64::from(key.epoch))
        .bind(big(key.seq))
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        Ok(facts::read_all(&rows))
    }

    /// How an agent was at a moment, as the last fact before `before` says that tells it: a change
    /// tells all of it, so nothing older need be read. `None` if nothing is known.
    pub async fn agent_before(&self, agent: &AgentId, before: FactKey) -> Result<Option<Fact>> {
        let rows = sqlx::query(AGENT_BEFORE)
            .bind(agent.as_str())
            .bind(i64::from(self.site()))
            .bind(i64::from(before.epoch))
            .bind(big(before.seq))
            .fetch_all(self.readers())
            .await?;
        Ok(facts::read_all(&rows).pop())
    }

    /// The phones of this site that are still registered at `now`.
    pub async fn registrations(&self, now: Wall) -> Result<Vec<Registration>> {
        let rows = sqlx::query(
            "SELECT * FROM registrations WHERE site = $1 AND expires_us > $2
             ORDER BY aor, contact",
        )
        .bind(i64::from(self.site()))
        .bind(now.0)
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|row| {
                let aor = row.text("aor")?;
                let corrupt = |reason: String| Error::Corrupt {
                    table: "registrations",
                    row: aor.clone(),
                    reason,
                };
                Ok(Registration {
                    contact: row.text("contact")?,
                    path: serde_json::from_str(&row.text("path")?)
                        .map_err(|error| corrupt(error.to_string()))?,
                    flow: row.text("flow")?,
                    sip_call_id: row.text("sip_call_id")?,
                    cseq: u32::try_from(row.int("cseq")?)
                        .map_err(|error| corrupt(error.to_string()))?,
                    expires: row.wall("expires_us")?,
                    answers_options: row.flag("answers_options")?,
                    instance: row.maybe_text("instance")?,
                    reg_id: row.maybe_int("reg_id")?.and_then(|id| u32::try_from(id).ok()),
                    aor,
                })
            })
            .collect()
    }

    /// What every agent was last, by agent.
    pub async fn agent_statuses(&self) -> Result<Vec<AgentLast>> {
        let rows = sqlx::query("SELECT * FROM agent_statuses ORDER BY agent")
            .fetch_all(self.readers())
            .await?;
        rows.iter()
            .map(|row| {
                let agent = row.text("agent")?;
                let corrupt = |reason: String| Error::Corrupt {
                    table: "agent_statuses",
                    row: agent.clone(),
                    reason,
                };
                let state = row.text("state")?;
                let call = row.maybe_text("call_id")?;
                Ok(AgentLast {
                    status: serde_json::from_str(&row.text("status")?)
                        .map_err(|error| corrupt(error.to_string()))?,
                    state: serde_json::from_value(state.into())
                        .map_err(|error| corrupt(error.to_string()))?,
                    call: call
                        .map(|call| call.parse())
                        .transpose()
                        .map_err(|error| corrupt(format!("call_id: {error}")))?,
                    changed: row.wall("changed_us")?,
                    day: row
                        .maybe_text("day")?
                        .map(|day| serde_json::from_str(&day))
                        .transpose()
                        .map_err(|error| corrupt(format!("day: {error}")))?,
                    agent: AgentId::from(agent),
                })
            })
            .collect()
    }
}

fn read_epoch(epoch: i64) -> Result<u32> {
    u32::try_from(epoch).map_err(|_| Error::Corrupt {
        table: "epochs",
        row: epoch.to_string(),
        reason: "is no epoch".to_owned(),
    })
}
