//! A fact as a row, and back.

use model::{AgentId, Fact, FactBody, Mono, UserId};
use sqlx::any::AnyRow;

use crate::error::{Error, Result};
use crate::sql::{Columns, Value, big};

/// The columns of a fact, in the order of [`row`].
pub(crate) const COLUMNS: &str =
    "facts (site, epoch, seq, mono_ns, wall_us, version, kind, call_id, subject, body)";

/// `fact` as a row.
pub(crate) fn row(fact: &Fact) -> Result<[Value; 10]> {
    let body = serde_json::to_string(&fact.body).map_err(|error| Error::Corrupt {
        table: "facts",
        row: key(fact),
        reason: format!("cannot be written: {error}"),
    })?;
    Ok([
        Value::Int(i64::from(fact.site)),
        Value::Int(i64::from(fact.epoch)),
        Value::Int(big(fact.seq)),
        Value::Int(big(fact.mono.0)),
        Value::Int(fact.wall.0),
        Value::Int(i64::from(fact.version)),
        Value::Text(fact.body.kind().to_owned()),
        Value::MaybeText(fact.body.call().map(|call| call.to_string())),
        Value::MaybeText(subject(&fact.body).map(str::to_owned)),
        Value::Text(body),
    ])
}

/// A fact's key for messages.
pub(crate) fn key(fact: &Fact) -> String {
    format!("{}-{}-{}", fact.site, fact.epoch, fact.seq)
}

/// The fact in `row`.
pub(crate) fn read(row: &AnyRow) -> Result<Fact> {
    let (site, epoch, seq) = (row.int("site")?, row.int("epoch")?, row.int("seq")?);
    let corrupt = |reason: String| Error::Corrupt {
        table: "facts",
        row: format!("{site}-{epoch}-{seq}"),
        reason,
    };
    let number = |_| corrupt("a number is out of range".to_owned());
    Ok(Fact {
        site: u16::try_from(site).map_err(number)?,
        epoch: u32::try_from(epoch).map_err(number)?,
        seq: u64::try_from(seq).map_err(number)?,
        mono: Mono(u64::try_from(row.int("mono_ns")?).map_err(number)?),
        wall: row.wall("wall_us")?,
        version: u16::try_from(row.int("version")?).map_err(number)?,
        body: serde_json::from_str(&row.text("body")?)
            .map_err(|error| corrupt(error.to_string()))?,
    })
}

/// The facts in `rows`. One that cannot be read (a newer version wrote it) is left out and logged:
/// it must not keep an engine from starting.
pub(crate) fn read_all<'r>(rows: impl IntoIterator<Item = &'r AnyRow>) -> Vec<Fact> {
    rows.into_iter()
        .filter_map(|row| {
            read(row).inspect_err(|error| tracing::warn!(%error, "a fact is left out")).ok()
        })
        .collect()
}

/// Whom a fact is about, where that is asked for: the user of an audit's entry, an agent, a phone.
#[expect(clippy::too_many_lines, reason = "every kind of fact is named")]
fn subject(body: &FactBody) -> Option<&str> {
    match body {
        FactBody::SessionOpened { user, .. }
        | FactBody::Unmasked { user, .. }
        | FactBody::Played { user, .. }
        | FactBody::Traced { user, .. } => Some(user.as_str()),
        FactBody::Refused { user, .. } => user.as_ref().map(UserId::as_str),
        FactBody::AgentChanged { agent, .. }
        | FactBody::Offered { agent, .. }
        | FactBody::Popped { agent, .. }
        | FactBody::Rang { agent, .. }
        | FactBody::Missed { agent, .. }
        | FactBody::AgentAnswered { agent, .. }
        | FactBody::CallPlaced { agent, .. }
        | FactBody::CalledInside { agent, .. }
        | FactBody::PhoneRung { agent, .. }
        | FactBody::NumberAnswered { agent, .. }
        | FactBody::WrappedUp { agent, .. }
        | FactBody::RecordingStarted { agent, .. } => Some(AgentId::as_str(agent)),
        FactBody::Steered { by, .. }
        | FactBody::PlanSwitched { by, .. }
        | FactBody::RecordingPaused { by, .. }
        | FactBody::MessageDone { by, .. }
        | FactBody::RecordingHeld { by, .. }
        | FactBody::RecordingReleased { by, .. } => Some(by.as_str()),
        FactBody::RecordingUnpaused { by, .. } => by.as_ref().map(UserId::as_str),
        FactBody::TransferBegun { by, .. }
        | FactBody::TransferEnded { by, .. }
        | FactBody::ConferenceBegun { by, .. } => Some(by.as_str()),
        FactBody::Registered { aor, .. } | FactBody::Unregistered { aor, .. } => Some(aor),
        FactBody::EngineStarted { .. }
        | FactBody::EngineStopped
        | FactBody::CallArrived { .. }
        | FactBody::CallDiverted { .. }
        | FactBody::CallAnswered { .. }
        | FactBody::DialogEstablished { .. }
        | FactBody::MenuEntered { .. }
        | FactBody::DigitsCollected { .. }
        | FactBody::LookupEnded { .. }
        | FactBody::Queued { .. }
        | FactBody::Prioritised { .. }
        | FactBody::Overflowed { .. }
        | FactBody::CallbackBooked { .. }
        | FactBody::CallbackBegun { .. }
        | FactBody::CallbackMissed { .. }
        | FactBody::CallbackEnded { .. }
        | FactBody::TierReached { .. }
        | FactBody::Dialled { .. }
        | FactBody::GuestAnswered { .. }
        | FactBody::CallTaken { .. }
        | FactBody::Held { .. }
        | FactBody::Retrieved { .. }
        | FactBody::TrunkTried { .. }
        | FactBody::LegEnded { .. }
        | FactBody::LegMeasured { .. }
        | FactBody::CallEnded { .. }
        | FactBody::MessageLeft { .. }
        | FactBody::RecordingGap { .. }
        | FactBody::RecordingResumed { .. }
        | FactBody::RecordingLost { .. }
        | FactBody::RecordingArchived { .. }
        | FactBody::RecordingDoomed { .. }
        | FactBody::RecordingDeleted { .. }
        | FactBody::RecordingSealed { .. }
        | FactBody::TrunkReachable { .. }
        | FactBody::TrunkUnreachable { .. }
        | FactBody::HoursChanged { .. }
        | FactBody::TrunkRegistered { .. }
        | FactBody::TrunkUnregistered { .. }
        | FactBody::AlarmRaised { .. }
        | FactBody::AlarmCleared { .. } => None,
    }
}
