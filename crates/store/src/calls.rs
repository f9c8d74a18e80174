//! Call records: lists with filters, and one call with all its facts.

use std::collections::BTreeMap;

use model::{AgentId, CallId, Fact, Outcome, QueueId, Wall};
use report::CallRecord;

use crate::error::Result;
use crate::facts;
use crate::open::Store;
use crate::page::{Page, PageRequest};
use crate::record_row;
use crate::recordings;
use crate::sql::{Columns, Sql};

/// Which calls. Everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Arrived (or taped) from this time on.
    pub from: Option<Wall>,
    /// Arrived (or taped) before this time.
    pub to: Option<Wall>,
    /// The last queue.
    pub queue: Option<QueueId>,
    /// Who took part: answered, was asked, called out (or was taped).
    pub agent: Option<AgentId>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Who called, in any spelling.
    pub ani: Option<String>,
    /// Of recordings: messages for the people of this queue.
    pub mailbox: Option<QueueId>,
    /// Of messages: those with which nobody has dealt.
    pub open: bool,
    /// Part of the call's id, caller, dialled number, customer, agent or disposition; upper and
    /// lower case are the same.
    pub text: Option<String>,
}

/// One call with all that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct CallDetail {
    /// Its record; nothing while it goes on.
    pub record: Option<CallRecord>,
    /// Its facts, in order.
    pub facts: Vec<Fact>,
}

/// How a list of calls is asked for.
struct Listed {
    calls: &'static str,
    from: &'static str,
    to: &'static str,
    after: &'static str,
    order: &'static str,
}

impl Listed {
    const ALL: Self = Self {
        calls: "SELECT c.* FROM call_records c WHERE 1 = 1",
        from: " AND c.arrived_us >= ",
        to: " AND c.arrived_us < ",
        after: " AND (c.arrived_us, c.call_id) < (",
        order: " ORDER BY c.arrived_us DESC, c.call_id DESC LIMIT ",
    };

    /// Found, and in order, by the table of who took part.
    const OF_AGENT: Self = Self {
        calls: "SELECT c.* FROM call_parties p JOIN call_records c ON c.call_id = p.call_id
                WHERE 1 = 1",
        from: " AND p.arrived_us >= ",
        to: " AND p.arrived_us < ",
        after: " AND (p.arrived_us, p.call_id) < (",
        order: " ORDER BY p.arrived_us DESC, p.call_id DESC LIMIT ",
    };
}

impl Store {
    /// Records of ended calls, newest first.
    pub async fn calls(
        &self,
        filter: &CallFilter,
        request: &PageRequest,
    ) -> Result<Page<CallRecord>> {
        let Listed { calls, from, to, after, order } = match &filter.agent {
            Some(_) => Listed::OF_AGENT,
            None => Listed::ALL,
        };
        let mut sql = Sql::new(calls);
        sql.and_if(from, filter.from.map(|wall| wall.0))?
            .and_if(to, filter.to.map(|wall| wall.0))?
            .and_if(" AND p.agent = ", filter.agent.as_ref().map(AgentId::as_str))?;
        filter.push_record(&mut sql)?;
        if let Some((wall, call)) = request.key()? {
            sql.push(after).bind(wall.0)?.push(", ").bind(call)?.push(")");
        }
        sql.push(order).bind(request.rows())?;
        let rows = sql.fetch_all(self.readers()).await?;
        let records = rows.iter().map(record_row::read).collect::<Result<Vec<_>>>()?;
        let mut page = request.page(records, |record| (record.arrived, record.call.to_string()));
        self.add_recordings(page.items.iter_mut()).await?;
        Ok(page)
    }

    /// One call, `None` if nothing is known of it.
    pub async fn call(&self, call: CallId) -> Result<Option<CallDetail>> {
        let rows = sqlx::query("SELECT * FROM facts WHERE call_id = $1 ORDER BY epoch, seq")
            .bind(call.to_string())
            .fetch_all(self.readers())
            .await?;
        let facts = facts::read_all(&rows);
        let record = self.records_of([call]).await?.remove(&call);
        Ok((record.is_some() || !facts.is_empty()).then_some(CallDetail { record, facts }))
    }

    /// The record of `call`, `None` while it goes on.
    pub async fn call_record(&self, call: CallId) -> Result<Option<CallRecord>> {
        Ok(self.records_of([call]).await?.remove(&call))
    }

    /// The records of those calls that have one.
    pub(crate) async fn records_of(
        &self,
        calls: impl IntoIterator<Item = CallId>,
    ) -> Result<BTreeMap<CallId, CallRecord>> {
        let calls: Vec<String> = calls.into_iter().map(|call| call.to_string()).collect();
        if calls.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut sql = Sql::new("SELECT * FROM call_records WHERE call_id IN (");
        sql.bind_list(calls)?.push(")");
        let rows = sql.fetch_all(self.readers()).await?;
        let mut records = BTreeMap::new();
        for row in &rows {
            let record = record_row::read(row)?;
            records.insert(record.call, record);
        }
        self.add_recordings(records.values_mut()).await?;
        Ok(records)
    }

    /// Fills in the recordings of `records`.
    async fn add_recordings(&self, records: impl Iterator<Item = &mut CallRecord>) -> Result<()> {
        let mut by_call: BTreeMap<String, &mut CallRecord> =
            records.map(|record| (record.call.to_string(), record)).collect();
        if by_call.is_empty() {
            return Ok(());
        }
        let mut sql = Sql::new("SELECT * FROM recordings WHERE call_id IN (");
        sql.bind_list(by_call.keys().map(String::as_str))?;
        sql.push(") ORDER BY started_us, recording_id");
        for row in &sql.fetch_all(self.readers()).await? {
            let (_, recording, _) = recordings::read(row)?;
            if let Some(record) = by_call.get_mut(&row.text("call_id")?) {
                record.recordings.push(recording);
            }
        }
        Ok(())
    }
}

impl CallFilter {
    /// Adds the conditions on a record, which the statement calls `c`; times and agent are left to
    /// the caller, who knows what they are of.
    pub(crate) fn push_record(&self, sql: &mut Sql) -> Result<()> {
        let ani = self.ani.as_ref().map(|ani| lookup::normalise(ani).unwrap_or(ani.clone()));
        sql.and_if(" AND c.queue = ", self.queue.as_ref().map(QueueId::as_str))?
            .and_if(" AND c.outcome = ", self.outcome.map(Outcome::as_str))?
            .and_if(" AND c.ani_key = ", ani)?;
        let Some(text) = self.text.as_ref().filter(|text| !text.is_empty()) else {
            return Ok(());
        };
        let pattern = like(text);
        sql.push(" AND (c.call_id LIKE ").bind(pattern.clone())?.push(" ESCAPE '!'");
        for column in [
            " OR LOWER(c.ani) LIKE ",
            " OR c.ani_key LIKE ",
            " OR LOWER(c.dnis) LIKE ",
            " OR LOWER(c.customer_id) LIKE ",
            " OR LOWER(c.agent) LIKE ",
            " OR LOWER(c.disposition) LIKE ",
        ] {
            sql.push(column).bind(pattern.clone())?.push(" ESCAPE '!'");
        }
        sql.push(")");
        Ok(())
    }
}

/// A pattern that finds `text` anywhere, in lower case.
fn like(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn a_pattern_finds_its_text_and_nothing_cleverer() {
        assert_eq!(like("100%_A!"), "%100!%!_a!!%");
    }
}
