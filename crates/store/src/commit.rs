//! One transaction of the writer: facts, what follows from them at once, and call records.

use std::collections::{BTreeMap, VecDeque};

use model::{Fact, FactBody, QueueId};
use report::CallRecord;
use sqlx::{AnyConnection, Executor};

use crate::checkpoint::{self, Checkpoints};
use crate::error::{Error, Result};
use crate::facts;
use crate::open::{Durability, Kind, Store};
use crate::record_row;
use crate::sql::{Batch, Value, big};
use crate::standing;

/// What is written in one transaction.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) facts: Vec<Fact>,
    pub(crate) records: Vec<CallRecord>,
}

impl Work {
    /// Adds what stands first in `queue`, while it is no more than `most` facts.
    pub(crate) fn take_more(&mut self, queue: &mut VecDeque<Work>, most: usize) {
        while let Some(more) =
            queue.pop_front_if(|more| self.facts.len() + more.facts.len() <= most)
        {
            self.facts.extend(more.facts);
            self.records.extend(more.records);
        }
    }

    /// How many facts and records.
    pub(crate) fn things(&self) -> u64 {
        big_len(self.facts.len()) + big_len(self.records.len())
    }

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

fn big_len(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
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
        let is_lasting = |fact: &Fact| {
            matches!(
                fact.body,
                FactBody::RecordingSealed { .. }
                    | FactBody::RecordingHeld { .. }
                    | FactBody::RecordingDoomed { .. }
                    | FactBody::RecordingDeleted { .. }
            )
        };
        let wanted = match work.facts.iter().any(is_lasting) {
            true => Durability::PowerCut,
            false => Durability::Process,
        };
        self.make(store.kind(), wanted).await?;
        let mut batch = Batch::for_connection(&self.connection);
        write(&mut batch, work)?;
        batch.commit(&mut self.connection, store.begin()).await
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

fn write(batch: &mut Batch, work: &Work) -> Result<()> {
    let rows = work.facts.iter().map(facts::row).collect::<Result<Vec<_>>>()?;
    batch.insert(facts::COLUMNS, rows, "ON CONFLICT (site, epoch, seq) DO NOTHING");
    write_unsettled(batch, &work.facts);
    write_registrations(batch, &work.facts)?;
    write_agents(batch, &work.facts)?;
    standing::write(batch, &work.facts);
    write_recordings(batch, &work.facts);
    write_keeping(batch, &work.facts)?;
    write_records(batch, &work.records)
}

/// From its arrival until its record is settled, a call is one that a restart must look at; and
/// once more when its disposition comes later than that, until the record has it.
fn write_unsettled(batch: &mut Batch, facts: &[Fact]) {
    let rows = facts.iter().filter_map(|fact| match &fact.body {
        FactBody::CallArrived { call, .. }
        | FactBody::CallPlaced { call, .. }
        | FactBody::CallbackBegun { call, .. }
        | FactBody::CalledInside { call, .. }
        | FactBody::WrappedUp { call, .. } => {
            Some([Value::Text(call.to_string()), Value::Int(i64::from(fact.site))])
        }
        _ => None,
    });
    let head = "unsettled_calls (call_id, site)";
    batch.insert(head, rows.collect(), "ON CONFLICT (call_id) DO NOTHING");
}

/// The last word on each contact: a row, or none.
fn write_registrations(batch: &mut Batch, facts: &[Fact]) -> Result<()> {
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
        let key =
            [Value::Int(fact.site.into()), Value::Text(aor.clone()), Value::Text(contact.clone())];
        match &fact.body {
            FactBody::Registered {
                path,
                flow,
                sip_call_id,
                cseq,
                expires,
                answers_options,
                instance,
                reg_id,
                ..
            } => {
                let [site, aor, contact] = key;
                rows.push([
                    site,
                    aor,
                    contact,
                    Value::json(path)?,
                    Value::Text(flow.clone()),
                    Value::Text(sip_call_id.clone()),
                    Value::Int(i64::from(*cseq)),
                    Value::Int(expires.0),
                    Value::Int(i64::from(*answers_options)),
                    Value::MaybeText(instance.clone()),
                    Value::MaybeInt(reg_id.map(i64::from)),
                ]);
            }
            _ => batch.add(
                "DELETE FROM registrations WHERE site = ? AND aor = ? AND contact = ?",
                key.into(),
            ),
        }
    }
    let head = "registrations (site, aor, contact, path, flow, sip_call_id, cseq, expires_us, \
         answers_options, instance, reg_id)";
    let tail = "ON CONFLICT (site, aor, contact) DO UPDATE SET path = excluded.path, \
         flow = excluded.flow, sip_call_id = excluded.sip_call_id, cseq = excluded.cseq, \
         expires_us = excluded.expires_us, answers_options = excluded.answers_options, \
         instance = excluded.instance, reg_id = excluded.reg_id";
    batch.insert(head, rows, tail);
    Ok(())
}

/// The last word on each agent.
fn write_agents(batch: &mut Batch, facts: &[Fact]) -> Result<()> {
    let mut last = BTreeMap::new();
    for fact in facts {
        if let FactBody::AgentChanged { agent, status, state, call, next, day } = &fact.body {
            last.insert(
                agent,
                [
                    Value::Text(agent.to_string()),
                    // What a restart takes the agent for.
                    Value::json(&next.unwrap_or(*status))?,
                    Value::Text(state.as_str().to_owned()),
                    Value::MaybeText(call.map(|call| call.to_string())),
                    Value::Int(fact.wall.0),
                    day.as_ref().map_or(Ok(Value::MaybeText(None)), Value::json)?,
                ],
            );
        }
    }
    let head = "agent_statuses (agent, status, state, call_id, changed_us, day)";
    let tail = "ON CONFLICT (agent) DO UPDATE SET status = excluded.status, \
         state = excluded.state, call_id = excluded.call_id, changed_us = excluded.changed_us, \
         day = excluded.day";
    batch.insert(head, last.into_values().collect(), tail);
    Ok(())
}

/// A recording is there from its start and is sealed once.
fn write_recordings(batch: &mut Batch, facts: &[Fact]) {
    let rows = facts.iter().filter_map(|fact| match &fact.body {
        FactBody::RecordingStarted { call, recording, agent, path, mailbox } => Some([
            Value::Text(recording.to_string()),
            Value::Text(call.to_string()),
            Value::Int(i64::from(fact.site)),
            Value::Text(agent.to_string()),
            Value::Text(path.clone()),
            Value::Int(fact.wall.0),
            Value::Int(0),
            Value::Int(0),
            Value::MaybeText(mailbox.as_ref().map(QueueId::to_string)),
        ]),
        _ => None,
    });
    let head = "recordings (recording_id, call_id, site, agent, path, started_us, gaps, recovered,
         mailbox)";
    batch.insert(head, rows.collect(), "ON CONFLICT (recording_id) DO NOTHING");
    for fact in facts {
        let FactBody::RecordingSealed { recording, seal, recovered, .. } = &fact.body else {
            continue;
        };
        batch.add(
            "UPDATE recordings SET sealed_us = ?, sha256 = ?, bytes = ?, frames = ?, recovered = ?
             WHERE recording_id = ?",
            vec![
                Value::Int(fact.wall.0),
                Value::Text(seal.sha256.clone()),
                Value::Int(big(seal.bytes)),
                Value::Int(big(seal.frames)),
                Value::Int(i64::from(*recovered)),
                Value::Text(recording.to_string()),
            ],
        );
    }
}

/// What became of recordings long after their calls: archives, messages, holds, and deletions.
fn write_keeping(batch: &mut Batch, facts: &[Fact]) -> Result<()> {
    for fact in facts {
        let at = Value::Int(fact.wall.0);
        match &fact.body {
            FactBody::MessageLeft { recording, .. } => batch.add(
                "UPDATE recordings SET message_us = ? WHERE recording_id = ?",
                vec![at, Value::Text(recording.to_string())],
            ),
            FactBody::MessageDone { recording, by, .. } => batch.add(
                "UPDATE recordings SET done_us = ?, done_by = ? WHERE recording_id = ?",
                vec![at, Value::Text(by.to_string()), Value::Text(recording.to_string())],
            ),
            FactBody::RecordingHeld { recording, by, why, .. } => batch.add(
                "UPDATE recordings SET held_us = ?, held_by = ?, held_why = ?
                 WHERE recording_id = ?",
                vec![
                    at,
                    Value::Text(by.to_string()),
                    Value::Text(why.clone()),
                    Value::Text(recording.to_string()),
                ],
            ),
            FactBody::RecordingReleased { recording, .. } => batch.add(
                "UPDATE recordings SET held_us = NULL, held_by = NULL, held_why = NULL
                 WHERE recording_id = ?",
                vec![Value::Text(recording.to_string())],
            ),
            FactBody::RecordingArchived { recording, bytes, sha256, .. } => batch.add(
                "UPDATE recordings SET archived_us = ?, archived_bytes = ?, archived_sha256 = ?
                 WHERE recording_id = ?",
                vec![
                    at,
                    Value::Int(big(*bytes)),
                    Value::Text(sha256.clone()),
                    Value::Text(recording.to_string()),
                ],
            ),
            FactBody::RecordingDoomed { recording, deletion, .. } => batch.add(
                "UPDATE recordings SET doom = ? WHERE recording_id = ?",
                vec![Value::json(&**deletion)?, Value::Text(recording.to_string())],
            ),
            FactBody::RecordingDeleted { recording, certificate, .. } => batch.add(
                "UPDATE recordings SET deleted_us = ?, certificate_number = ?, certificate = ?
                 WHERE recording_id = ?",
                vec![
                    at,
                    Value::Int(big(certificate.number)),
                    Value::Text(certificate.text.clone()),
                    Value::Text(recording.to_string()),
                ],
            ),
            _ => {}
        }
    }
    Ok(())
}

/// The newest record of each call; a settled call need not be looked at any more.
fn write_records(batch: &mut Batch, records: &[CallRecord]) -> Result<()> {
    let newest: BTreeMap<_, _> = records.iter().map(|record| (record.call, record)).collect();
    let rows = newest.values().map(|record| record_row::row(record)).collect::<Result<_>>()?;
    batch.insert(record_row::COLUMNS, rows, record_row::REPLACE);
    let parties = newest.values().flat_map(|record| record_row::parties(record)).collect();
    let head = "call_parties (call_id, agent, arrived_us)";
    batch.insert(head, parties, "ON CONFLICT (call_id, agent) DO NOTHING");
    for taped in newest.values().flat_map(|record| &record.recordings) {
        if taped.gaps > 0 || taped.pauses > 0 || taped.lost {
            batch.add(
                "UPDATE recordings SET gaps = ?, pauses = ?, lost = ? WHERE recording_id = ?",
                vec![
                    Value::Int(taped.gaps.into()),
                    Value::Int(taped.pauses.into()),
                    Value::Int(taped.lost.into()),
                    Value::Text(taped.recording.to_string()),
                ],
            );
        }
    }
    let settled = newest.values().filter(|record| record.settled);
    let settled = settled.map(|record| Value::Text(record.call.to_string())).collect();
    batch.add_for_each_of("DELETE FROM unsettled_calls WHERE call_id IN", settled);
    Ok(())
}
