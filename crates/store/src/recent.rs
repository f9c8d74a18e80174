//! Who called a short while ago: what puts those forward who call again.

use model::{AgentId, Pii, Wall};

use crate::error::Result;
use crate::open::Store;
use crate::sql::Columns;

/// The most calls that are read: the newest.
const CALLS_MAX: i64 = 100_000;

/// A call that is over, of somebody outside who sought or had an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentCall {
    /// The number of the one outside.
    pub number: Pii<String>,
    /// When it ended.
    pub ended: Wall,
    /// Who spoke with them, if somebody did.
    pub agent: Option<AgentId>,
}

impl Store {
    /// Calls that arrived at `since` or later and sought an agent or had one, in the order of their
    /// ends; of very many the newest.
    pub async fn recent_calls(&self, since: Wall) -> Result<Vec<RecentCall>> {
        let rows = sqlx::query(
            "SELECT ani, dnis, direction, ended_us, agent, agent_answered_us FROM call_records
             WHERE arrived_us >= $1 AND direction <> 'internal'
               AND outcome IN ('answered', 'abandoned', 'turned_away', 'error')
             ORDER BY arrived_us DESC, call_id DESC LIMIT $2",
        )
        .bind(since.0)
        .bind(CALLS_MAX)
        .fetch_all(self.readers())
        .await?;
        let mut calls = Vec::with_capacity(rows.len());
        for row in &rows {
            let outside = match row.text("direction")?.as_str() {
                "outbound" => row.text("dnis")?,
                _ => row.text("ani")?,
            };
            let spoke = row.maybe_wall("agent_answered_us")?.is_some();
            let agent = row.maybe_text("agent")?.filter(|_| spoke).map(AgentId::from);
            let ended = row.wall("ended_us")?;
            calls.push(RecentCall { number: Pii::new(outside), ended, agent });
        }
        calls.sort_by_key(|call| call.ended);
        Ok(calls)
    }
}
