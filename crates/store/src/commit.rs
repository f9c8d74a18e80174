//! One transaction of the writer: facts, what follows from them at once, and call records.

use std::collections::BTreeMap;

use model::{Fact, FactBody};
use report::CallRecord;
use sqlx::{AnyConnection, Connection, Executor};

use crate::checkpoint::{self, Checkpoints};
use crate::error::{Error, Result};
use crate::facts;
use crate::open::{Durability, Kind, Store};
use crate::record_row;
use crate::sql::{Sql, Value, big, insert_rows};

/// What is written in one transaction.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) facts: Vec<Fact>,
    pub(crate) records: Vec<CallRecord>,
}

impl Work {
    /// Two halves, or `None` of a single thing.
    pub(crate) fn split(&mut self) -> Option<Work> {
        if self.facts.len() > 1 {
            let facts = self.facts.split_off(self.facts.len() / 2);
            return Some(Work { facts, records: std::mem::take(&mut self.records) });
        }
        let keep = if self.facts.is_empty() { self.records.len() / 2 } else { 0 };
        if self.records.is_empty() || (self.facts.is_empty() && keep == 0) {
            return None;
        }
        Some(Work { facts: Vec::new(), records: self.records.split_off(keep) })
    }

    /// What it is, for a message about a single thing that cannot be written.
    pub(crate) fn describe(&self) -> String {
        match (self.facts.first(), self.records.first()) {
            (Some(fact), _) => format!("fact {} ({})", facts::key(fact), fact.body.kind()),
            (None, Some(record)) => format!("the record of call {}", record.call),
            (None, None) => "nothing".to_owned(),
        }
    }
}

/// The writer's connection, and how safe its next commit is.
pub(crate) struct Connected {
    connection: AnyConnection,
    durability: Durability,
}

impl Connected {
    pub(crate) async fn new(store: &Store) -> Result<Self> {
        store.lock().ensure().await?;
        let durability = Durability::Process;
        let mut connection = store.connect(durability).await?;
        if store.kind() == Kind::Sqlite {
            for setting in checkpoint::SETTINGS {
                connection.execute(setting).await?;
            }
        }
        Ok(Self { connection, durability })
    }

    /// To be called between commits, when nobody waits.
    pub(crate) async fn after_commit(&mut self, store: &Store, checkpoints: &mut Checkpoints) {
        checkpoints.after_commit(store, &mut self.connection).await;
    }

    /// Writes `work` whole or not at all. Writing the same again changes nothing.
    pub(crate) async fn commit(&mut self, store: &Store, work: &Work) -> Result<()> {
        let sealed = |fact: &Fact| matches!(fact.body, FactBody::RecordingSealed { .. });
        let wanted =
            if work.facts.iter().any(sealed) { Durability::PowerCut } else { Durability::Process };
        self.make(store.kind(), wanted).await?;
        let mut transaction = self.connection.begin_with(store.begin()).await?;
        write(&mut transaction, work).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// SQLite takes this setting only between transactions.
    async fn make(&mut self, kind: Kind, wanted: Durability) -> Result<()> {
        if self.durability == wanted {
            return Ok(());
        }
        let setting = match (kind, wanted) {
            (Kind::Sqlite, Durability::Process) => "PRAGMA synchronous = NORMAL",
            (Kind::Sqlite, Durability::PowerCut) => "PRAGMA synchronous = FULL",
            (Kind::Postgres, Durability::Process) => "SET synchronous_commit TO OFF",
            (Kind::Postgres, Durability::PowerCut) => "SET synchronous_commit TO ON",
        };
        self.connection.execute(setting).await?;
        self.durability = wanted;
        Ok(())
    }
}

/// Whether trying again would fail again: the thing itself cannot be stored.
pub(crate) fn is_hopeless(error: &Error) -> bool {
    match error {
        Error::Database(sqlx::Error::Database(refused)) => {
            refused.is_unique_violation()
                || refused.is_foreign_key_violation()
                || refused.is_check_violation()
                // PostgreSQL's class 22, data exception.
                || refused.code().is_some_and(|code| code.len() == 5 && code.starts_with("22"))
        }
        Error::Database(sqlx::Error::Encode(_)) | Error::Corrupt { .. } => true,
        Error::Database(_)
        | Error::LockedByAnother { .. }
        | Error::CannotOpen { .. }
        | Error::File { .. }
        | Error::Schema { .. }
        | Error::NoAnswer
        | Error::BadCursor(_) => false,
    }
}

async fn write(on: &mut AnyConnection, work: &Work) -> Result<()> {
    let rows = work.facts.iter().map(facts::row).collect::<Result<Vec<_>>>()?;
    insert_rows(on, facts::COLUMNS, rows, "ON CONFLICT (site, epoch, seq) DO NOTHING").await?;
    write_arrived(on, &work.facts).await?;
    write_registrations(on, &work.facts).await?;
    write_agents(on, &work.facts).await?;
    write_recordings(on, &work.facts).await?;
    write_records(on, &work.records).await
}

/// From its arrival until its record is settled, a call is one that a restart must look at.
async fn write_arrived(on: &mut AnyConnection, facts: &[Fact]) -> Result<()> {
    let rows = facts.iter().filter_map(|fact| match &fact.body {
        FactBody::CallArrived { call, .. } => {
            Some([Value::Text(call.to_string()), Value::Int(i64::from(fact.site))])
        }
        _ => None,
    });
    let head = "unsettled_calls (call_id, site)";
    insert_rows(on, head, rows.collect(), "ON CONFLICT (call_id) DO NOTHING").await?;
    Ok(())
}

/// The last word on each contact: a row, or none.
async fn write_registrations(on: &mut AnyConnection, facts: &[Fact]) -> Result<()> {
    let mut last = BTreeMap::new();
    for fact in facts {
        if let FactBody::Registered { aor, contact, .. } | FactBody::Unregistered { aor, contact } =
            &fact.body
        {
            last.insert((aor, contact), fact);
        }
    }
    let mut rows = Vec::new();
    for ((aor, contact), fact) in last {
        let site = i64::from(fact.site);
        match &fact.body {
            FactBody::Registered { path, flow, sip_call_id, cseq, expires, .. } => rows.push([
                Value::Int(site),
                Value::Text(aor.clone()),
                Value::Text(contact.clone()),
                Value::Text(serde_json::json!(path).to_string()),
                Value::Text(flow.clone()),
                Value::Text(sip_call_id.clone()),
                Value::Int(i64::from(*cseq)),
                Value::Int(expires.0),
            ]),
            _ => {
                let mut sql = Sql::new("DELETE FROM registrations WHERE site = ");
                sql.bind(site)?.push(" AND aor = ").bind(aor.as_str())?;
                sql.push(" AND contact = ").bind(contact.as_str())?;
                sql.execute(&mut *on).await?;
            }
        }
    }
    let head = "registrations (site, aor, contact, path, flow, sip_call_id, cseq, expires_us)";
    let tail = "ON CONFLICT (site, aor, contact) DO UPDATE SET path = excluded.path, \
         flow = excluded.flow, sip_call_id = excluded.sip_call_id, cseq = excluded.cseq, \
         expires_us = excluded.expires_us";
    insert_rows(on, head, rows, tail).await?;
    Ok(())
}

/// The last word on each agent.
async fn write_agents(on: &mut AnyConnection, facts: &[Fact]) -> Result<()> {
    let mut last = BTreeMap::new();
    for fact in facts {
        if let FactBody::AgentChanged { agent, status, state, call } = &fact.body {
            last.insert(
                agent,
                [
                    Value::Text(agent.to_string()),
                    Value::Text(serde_json::json!(status).to_string()),
                    Value::Text(state.as_str().to_owned()),
                    Value::MaybeText(call.map(|call| call.to_string())),
                    Value::Int(fact.wall.0),
                ],
            );
        }
    }
    let head = "agent_statuses (agent, status, state, call_id, changed_us)";
    let tail = "ON CONFLICT (agent) DO UPDATE SET status = excluded.status, \
         state = excluded.state, call_id = excluded.call_id, changed_us = excluded.changed_us";
    insert_rows(on, head, last.into_values().collect(), tail).await?;
    Ok(())
}

/// A recording is there from its start and is sealed once.
async fn write_recordings(on: &mut AnyConnection, facts: &[Fact]) -> Result<()> {
    let rows = facts.iter().filter_map(|fact| match &fact.body {
        FactBody::RecordingStarted { call, recording, agent, path } => Some([
            Value::Text(recording.to_string()),
            Value::Text(call.to_string()),
            Value::Int(i64::from(fact.site)),
            Value::Text(agent.to_string()),
            Value::Text(path.clone()),
            Value::Int(fact.wall.0),
            Value::Int(0),
            Value::Int(0),
        ]),
        _ => None,
    });
    let head = "recordings (recording_id, call_id, site, agent, path, started_us, gaps, recovered)";
    insert_rows(on, head, rows.collect(), "ON CONFLICT (recording_id) DO NOTHING").await?;
    for fact in facts {
        let FactBody::RecordingSealed { recording, seal, recovered, .. } = &fact.body else {
            continue;
        };
        let mut sql = Sql::new("UPDATE recordings SET sealed_us = ");
        sql.bind(fact.wall.0)?.push(", sha256 = ").bind(seal.sha256.as_str())?;
        sql.push(", bytes = ").bind(big(seal.bytes))?.push(", frames = ").bind(big(seal.frames))?;
        sql.push(", recovered = ").bind(i64::from(*recovered))?;
        sql.push(" WHERE recording_id = ").bind(recording.to_string())?;
        sql.execute(&mut *on).await?;
    }
    Ok(())
}

/// The newest record of each call; a settled call need not be looked at any more.
async fn write_records(on: &mut AnyConnection, records: &[CallRecord]) -> Result<()> {
    let newest: BTreeMap<_, _> = records.iter().map(|record| (record.call, record)).collect();
    let rows = newest.values().map(|record| record_row::row(record)).collect();
    insert_rows(on, record_row::COLUMNS, rows, record_row::REPLACE).await?;
    for taped in newest.values().flat_map(|record| &record.recordings) {
        if taped.gaps > 0 {
            let mut sql = Sql::new("UPDATE recordings SET gaps = ");
            sql.bind(i64::from(taped.gaps))?;
            sql.push(" WHERE recording_id = ").bind(taped.recording.to_string())?;
            sql.execute(&mut *on).await?;
        }
    }
    let settled: Vec<String> =
        newest.values().filter(|r| r.settled).map(|r| r.call.to_string()).collect();
    for some in settled.chunks(100) {
        let mut sql = Sql::new("DELETE FROM unsettled_calls WHERE call_id IN (");
        sql.bind_list(some.iter().map(String::as_str))?.push(")");
        sql.execute(&mut *on).await?;
    }
    Ok(())
}
