//! A call record as a row, and back.

use std::collections::BTreeSet;

use model::{
    AgentId, Decision, Direction, HangupCause, LegId, LegRole, LineQuality, Outcome,
    OverflowTarget, Pii, QueueId, Target, Tier, TransferEnd, TransferKind, TrunkId, Wall,
};
use report::{CallLeg, CallRecord, Input, Offer, Overflow, Transfer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::error::{Error, Result};
use crate::sql::{Columns, Value, big};

/// The columns of a record, in the order of [`row`].
pub(crate) const COLUMNS: &str = "call_records (call_id, site, trunk, ani, ani_key, dnis, \
     sip_call_id, arrived_us, answered_us, queued_us, agent_answered_us, ended_us, menu_path, \
     inputs, queue, tier, waited_ms, rang_ms, talked_ms, acw_ms, offers, agent, outcome, cause, \
     lookup, lookup_ms, customer_id, disposition, settled, legs, transfers, direction, \
     diverted_from, overflows, callback_of)";

/// What happens to a record that is there: all that can change after its first writing is
/// replaced.
pub(crate) const REPLACE: &str = "ON CONFLICT (call_id) DO UPDATE SET \
     talked_ms = excluded.talked_ms, acw_ms = excluded.acw_ms, offers = excluded.offers, \
     rang_ms = excluded.rang_ms, lookup = excluded.lookup, lookup_ms = excluded.lookup_ms, \
     customer_id = excluded.customer_id, disposition = excluded.disposition, \
     outcome = excluded.outcome, trunk = excluded.trunk, \
     sip_call_id = excluded.sip_call_id, cause = excluded.cause, ended_us = excluded.ended_us, \
     settled = excluded.settled, legs = excluded.legs, transfers = excluded.transfers, \
     overflows = excluded.overflows";

/// An input as JSON keeps it.
#[derive(Serialize, Deserialize)]
struct StoredInput {
    node: String,
    digits: String,
}

/// An offer as JSON keeps it.
#[derive(Serialize, Deserialize)]
struct StoredOffer {
    offer: model::OfferId,
    agent: AgentId,
    at: Wall,
    rang_ms: Option<u64>,
    missed: Option<model::MissedCause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<Box<Decision>>,
}

/// A leg as JSON keeps it.
#[derive(Serialize, Deserialize)]
struct StoredLeg {
    leg: LegId,
    role: LegRole,
    began: Wall,
    answered: Option<Wall>,
    ended: Option<Wall>,
    cause: Option<HangupCause>,
    #[serde(default)]
    quality: Option<LineQuality>,
}

/// A transfer as JSON keeps it.
#[derive(Serialize, Deserialize)]
struct StoredTransfer {
    by: AgentId,
    to: Target,
    kind: TransferKind,
    by_phone: bool,
    at: Wall,
    end: Option<TransferEnd>,
    ended: Option<Wall>,
}

/// An overflow as JSON keeps it.
#[derive(Serialize, Deserialize)]
struct StoredOverflow {
    queue: QueueId,
    why: String,
    to: OverflowTarget,
    at: Wall,
}

impl From<StoredInput> for Input {
    fn from(StoredInput { node, digits }: StoredInput) -> Self {
        Self { node, digits }
    }
}

impl From<StoredOffer> for Offer {
    fn from(StoredOffer { offer, agent, at, rang_ms, missed, why }: StoredOffer) -> Self {
        Self { offer, agent, at, rang_ms, missed, why }
    }
}

impl From<&CallLeg> for StoredLeg {
    fn from(leg: &CallLeg) -> Self {
        let CallLeg { leg, role, began, answered, ended, cause, quality } = leg.clone();
        Self { leg, role, began, answered, ended, cause, quality }
    }
}

impl From<StoredLeg> for CallLeg {
    fn from(leg: StoredLeg) -> Self {
        let StoredLeg { leg, role, began, answered, ended, cause, quality } = leg;
        Self { leg, role, began, answered, ended, cause, quality }
    }
}

impl From<&Transfer> for StoredTransfer {
    fn from(transfer: &Transfer) -> Self {
        let Transfer { by, to, kind, by_phone, at, end, ended } = transfer.clone();
        Self { by, to, kind, by_phone, at, end, ended }
    }
}

impl From<StoredTransfer> for Transfer {
    fn from(transfer: StoredTransfer) -> Self {
        let StoredTransfer { by, to, kind, by_phone, at, end, ended } = transfer;
        Self { by, to, kind, by_phone, at, end, ended }
    }
}

impl From<&Overflow> for StoredOverflow {
    fn from(overflow: &Overflow) -> Self {
        let Overflow { queue, why, to, at } = overflow.clone();
        Self { queue, why, to, at }
    }
}

impl From<StoredOverflow> for Overflow {
    fn from(overflow: StoredOverflow) -> Self {
        let StoredOverflow { queue, why, to, at } = overflow;
        Self { queue, why, to, at }
    }
}

/// `record` as a row. Its recordings have rows of their own.
///
/// # Errors
/// A part of it is no JSON.
pub(crate) fn row(record: &CallRecord) -> Result<[Value; 35]> {
    let ani = record.ani.reveal();
    let inputs: Vec<StoredInput> = record
        .inputs
        .iter()
        .map(|input| StoredInput { node: input.node.clone(), digits: input.digits.clone() })
        .collect();
    let offers: Vec<StoredOffer> = record
        .offers
        .iter()
        .map(|offer| StoredOffer {
            offer: offer.offer,
            agent: offer.agent.clone(),
            at: offer.at,
            rang_ms: offer.rang_ms,
            missed: offer.missed,
            why: offer.why.clone(),
        })
        .collect();
    let legs: Vec<StoredLeg> = record.legs.iter().map(StoredLeg::from).collect();
    let transfers: Vec<StoredTransfer> =
        record.transfers.iter().map(StoredTransfer::from).collect();
    let overflows: Vec<StoredOverflow> =
        record.overflows.iter().map(StoredOverflow::from).collect();
    let micros = |wall: Option<Wall>| Value::MaybeInt(wall.map(|wall| wall.0));
    let ms = |ms: Option<u64>| Value::MaybeInt(ms.map(big));
    Ok([
        Value::Text(record.call.to_string()),
        Value::Int(i64::from(record.call.0.site())),
        Value::Text(record.trunk.to_string()),
        Value::Text(ani.clone()),
        Value::Text(lookup::normalise(ani).unwrap_or_else(|| ani.clone())),
        Value::Text(record.dnis.clone()),
        Value::Text(record.sip_call_id.clone()),
        Value::Int(record.arrived.0),
        micros(record.answered),
        micros(record.queued),
        micros(record.agent_answered),
        Value::Int(record.ended.0),
        Value::json(&record.menu_path)?,
        Value::json(&inputs)?,
        Value::MaybeText(record.queue.as_ref().map(QueueId::to_string)),
        Value::MaybeInt(record.tier.map(|tier| i64::from(tier.level))),
        ms(record.waited_ms),
        ms(record.rang_ms),
        ms(record.talked_ms),
        ms(record.acw_ms),
        Value::json(&offers)?,
        Value::MaybeText(record.agent.as_ref().map(AgentId::to_string)),
        Value::Text(record.outcome.as_str().to_owned()),
        Value::json(&record.cause)?,
        Value::MaybeText(record.lookup.clone()),
        ms(record.lookup_ms),
        Value::MaybeText(record.customer_id.clone()),
        Value::MaybeText(record.disposition.clone()),
        Value::Int(i64::from(record.settled)),
        Value::json(&legs)?,
        Value::json(&transfers)?,
        Value::Text(record.direction.as_str().to_owned()),
        Value::MaybeText(record.diverted_from.as_ref().map(|number| number.reveal().clone())),
        Value::json(&overflows)?,
        Value::MaybeText(record.callback_of.map(|call| call.to_string())),
    ])
}

/// Every agent who took part, as rows of `call_parties`: who had the call, whose phone answered.
pub(crate) fn parties(record: &CallRecord) -> Vec<[Value; 3]> {
    let answered = record.legs.iter().filter(|leg| leg.answered.is_some());
    let agents: BTreeSet<&AgentId> =
        answered.filter_map(|leg| leg.role.agent()).chain(&record.agent).collect();
    let row = |agent: &AgentId| {
        let (call, agent) = (record.call.to_string(), agent.to_string());
        [Value::Text(call), Value::Text(agent), Value::Int(record.arrived.0)]
    };
    agents.into_iter().map(row).collect()
}

/// A list that a column keeps as JSON.
fn list<T: DeserializeOwned>(
    row: &AnyRow,
    column: &str,
    json: impl Fn(&str, serde_json::Error) -> Error,
) -> Result<Vec<T>> {
    serde_json::from_str(&row.text(column)?).map_err(|error| json(column, error))
}

/// The record in `row`, without its recordings.
pub(crate) fn read(row: &AnyRow) -> Result<CallRecord> {
    let call = row.text("call_id")?;
    let corrupt = |column: &str, reason: String| Error::Corrupt {
        table: "call_records",
        row: call.clone(),
        reason: format!("{column}: {reason}"),
    };
    let json = |column: &str, error: serde_json::Error| corrupt(column, error.to_string());
    let inputs: Vec<StoredInput> = list(row, "inputs", json)?;
    let offers: Vec<StoredOffer> = list(row, "offers", json)?;
    let legs: Vec<StoredLeg> = list(row, "legs", json)?;
    let transfers: Vec<StoredTransfer> = list(row, "transfers", json)?;
    let overflows: Vec<StoredOverflow> = list(row, "overflows", json)?;
    let outcome: Outcome = serde_json::from_value(row.text("outcome")?.into())
        .map_err(|error| json("outcome", error))?;
    let cause: HangupCause =
        serde_json::from_str(&row.text("cause")?).map_err(|error| json("cause", error))?;
    let direction: Direction = serde_json::from_value(row.text("direction")?.into())
        .map_err(|error| json("direction", error))?;
    let tier = match row.maybe_int("tier")? {
        None => None,
        Some(level) => Some(Tier {
            level: u8::try_from(level).map_err(|error| corrupt("tier", error.to_string()))?,
        }),
    };
    let callback_of = row.maybe_text("callback_of")?.map(|asked| asked.parse());
    let callback_of =
        callback_of.transpose().map_err(|_| corrupt("callback_of", "is no id".to_owned()))?;
    Ok(CallRecord {
        call: call.parse().map_err(|_| corrupt("call_id", "is no id".to_owned()))?,
        direction,
        trunk: TrunkId::from(row.text("trunk")?),
        ani: Pii::new(row.text("ani")?),
        dnis: row.text("dnis")?,
        diverted_from: row.maybe_text("diverted_from")?.map(Pii::new),
        callback_of,
        sip_call_id: row.text("sip_call_id")?,
        arrived: row.wall("arrived_us")?,
        answered: row.maybe_wall("answered_us")?,
        queued: row.maybe_wall("queued_us")?,
        agent_answered: row.maybe_wall("agent_answered_us")?,
        ended: row.wall("ended_us")?,
        menu_path: serde_json::from_str(&row.text("menu_path")?)
            .map_err(|error| json("menu_path", error))?,
        inputs: inputs.into_iter().map(Input::from).collect(),
        queue: row.maybe_text("queue")?.map(QueueId::from),
        tier,
        waited_ms: row.maybe_ms("waited_ms")?,
        rang_ms: row.maybe_ms("rang_ms")?,
        talked_ms: row.maybe_ms("talked_ms")?,
        acw_ms: row.maybe_ms("acw_ms")?,
        offers: offers.into_iter().map(Offer::from).collect(),
        legs: legs.into_iter().map(CallLeg::from).collect(),
        transfers: transfers.into_iter().map(Transfer::from).collect(),
        overflows: overflows.into_iter().map(Overflow::from).collect(),
        agent: row.maybe_text("agent")?.map(AgentId::from),
        outcome,
        cause,
        lookup: row.maybe_text("lookup")?,
        lookup_ms: row.maybe_ms("lookup_ms")?,
        customer_id: row.maybe_text("customer_id")?,
        recordings: Vec::new(),
        disposition: row.maybe_text("disposition")?,
        settled: row.flag("settled")?,
    })
}
