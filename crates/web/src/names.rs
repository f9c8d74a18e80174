//! The texts that stand for states and choices on the wire, each a type that documents its values.

use std::borrow::Cow;

use model::{
    AgentAction, AgentState, AgentStatus, Direction, Exclusion, HangupCause, LegRole, Lookup,
    MissedCause, NotReadyReason, Outcome, PauseReason, Permission, PolicyStatus, Role, TransferEnd,
    TransferKind, UnpauseCause,
};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! names {
    ($($(#[doc = $doc:literal])* $name:ident $(of $from:ty)?: $values:expr;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) &'static str);

        $(impl From<$from> for $name {
            fn from(value: $from) -> Self {
                Self(value.as_str())
            }
        })?

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let values: Vec<&'static str> = $values.to_vec();
                let description = [$($doc),*].concat();
                let text = ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some(description.trim().to_owned()))
                    .enum_values(Some(values));
                RefOr::T(Schema::Object(text.build()))
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

names! {
    /// The agent's own choice.
    StatusName: ["signed_out", "not_ready", "ready"];
    /// Why an agent takes no calls.
    ReasonName of NotReadyReason: reasons();
    /// A reason that an agent may choose.
    ChoiceName of NotReadyReason: choices();
    /// What the engine is doing with the agent.
    StateName of AgentState: [
        AgentState::Idle, AgentState::Reserved, AgentState::Ringing, AgentState::Talking,
        AgentState::Acw,
    ].map(AgentState::as_str);
    /// A command that an agent may give now.
    ActionName of AgentAction: AgentAction::ALL.map(AgentAction::as_str);
    /// How far the engine is with finding out who calls.
    LookupName: ["pending", "found", "unknown", "late", "failed"];
    /// Where a policy is in its life.
    PolicyStatusName of PolicyStatus: [
        PolicyStatus::NotYetInForce, PolicyStatus::InForce, PolicyStatus::Expired,
        PolicyStatus::Surrendered,
    ].map(PolicyStatus::as_str);
    /// Where a call is.
    PhaseName of cti::CallPhase: [
        cti::CallPhase::Dialling, cti::CallPhase::Menu, cti::CallPhase::Queued,
        cti::CallPhase::Offered, cti::CallPhase::Ringing, cti::CallPhase::Talking,
        cti::CallPhase::Transferring, cti::CallPhase::Consulting, cti::CallPhase::Conference,
        cti::CallPhase::Ended,
    ].map(cti::CallPhase::as_str);
    /// Who began a call: someone outside, or an agent.
    DirectionName of Direction: [Direction::Inbound, Direction::Outbound, Direction::Internal]
        .map(Direction::as_str);
    /// How a call ended. Every call has exactly one outcome.
    OutcomeName of Outcome: OUTCOMES.map(Outcome::as_str);
    /// Why a leg or call ended: what the network or a party said.
    CauseName: [
        "remote_bye", "remote_cancel", "local_bye", "agent_hang_up", "answered_elsewhere",
        "response", "ack_timeout", "transaction_timeout", "media_timeout", "session_expired",
        "q850", "transport_error", "engine_lost",
    ];
    /// Why an agent did not take an offered call.
    MissedName: ["no_answer", "rejected", "busy", "unreachable", "error"];
    /// How someone is brought into a call: to have it, or to be asked about it first.
    TransferKindName of TransferKind: [TransferKind::Blind, TransferKind::Consult]
        .map(TransferKind::as_str);
    /// What became of bringing someone into a call.
    TransferEndName of TransferEnd: TransferEnd::ALL.map(TransferEnd::as_str);
    /// Why a recording is paused: something is said that must not be kept, the other side does not
    /// want to be recorded, or it is not about the call's matter.
    PauseReasonName of PauseReason: [
        PauseReason::Secret, PauseReason::Declined, PauseReason::Private,
    ].map(PauseReason::as_str);
    /// Why a pause was over: someone asked for it, it was as long as may be, or the recording was
    /// over.
    UnpauseCauseName of UnpauseCause: [
        UnpauseCause::Asked, UnpauseCause::TimeOver, UnpauseCause::Ended,
    ].map(UnpauseCause::as_str);
    /// Why an agent, or a call, was not chosen from.
    ExclusionName of Exclusion: [
        Exclusion::SignedOut, Exclusion::NotReady, Exclusion::Busy, Exclusion::Resting,
        Exclusion::NotReached, Exclusion::NotPermitted, Exclusion::Offered, Exclusion::Preferring,
    ].map(Exclusion::as_str);
    /// Why an agent had a call or had it not: was offered it; was among the `next`; could have
    /// taken it but was `further_back`, or it waited for another agent (`not_preferred`), or
    /// nothing was given out just then (`free`); could not take it.
    WhyName: [
        "offered", "next", "further_back", "not_preferred", "free", "unknown_agent", "not_serving",
        "signed_out", "not_ready", "busy", "resting", "not_reached", "replaced", "not_permitted",
    ];
    /// What a party is in a call.
    LegRoleName: ["caller", "agent", "number"];
    /// What someone is employed as.
    RoleName of Role: [
        Role::Agent, Role::Supervisor, Role::Inspector, Role::Administrator,
    ].map(Role::as_str);
    /// Something that is allowed to some and refused to others.
    PermissionName of Permission: permissions();
}

/// Every outcome.
const OUTCOMES: [Outcome; 10] = [
    Outcome::Answered,
    Outcome::Abandoned,
    Outcome::SelfService,
    Outcome::AbandonedInMenu,
    Outcome::Refused,
    Outcome::Unanswered,
    Outcome::TurnedAway,
    Outcome::CalledBack,
    Outcome::Error,
    Outcome::EngineLost,
];

/// The outcome of that name.
pub(crate) fn outcome(name: &str) -> Option<Outcome> {
    OUTCOMES.into_iter().find(|outcome| outcome.as_str() == name)
}

fn reasons() -> [&'static str; NotReadyReason::ALL.len()] {
    NotReadyReason::ALL.map(NotReadyReason::as_str)
}

fn choices() -> Vec<&'static str> {
    let choices = NotReadyReason::ALL.into_iter().filter(|reason| reason.is_agents_choice());
    choices.map(NotReadyReason::as_str).collect()
}

fn permissions() -> Vec<&'static str> {
    Permission::ALL.iter().map(|permission| permission.as_str()).collect()
}

impl From<AgentStatus> for StatusName {
    fn from(status: AgentStatus) -> Self {
        Self(match status {
            AgentStatus::SignedOut => "signed_out",
            AgentStatus::NotReady { .. } => "not_ready",
            AgentStatus::Ready => "ready",
        })
    }
}

/// The reason of a status that has one.
pub(crate) fn reason_of(status: AgentStatus) -> Option<ReasonName> {
    match status {
        AgentStatus::NotReady { reason } => Some(reason.into()),
        AgentStatus::SignedOut | AgentStatus::Ready => None,
    }
}

impl From<&LegRole> for LegRoleName {
    fn from(role: &LegRole) -> Self {
        Self(match role {
            LegRole::Caller => "caller",
            LegRole::Agent(_) => "agent",
            LegRole::Number(_) => "number",
        })
    }
}

impl From<&Lookup> for LookupName {
    fn from(lookup: &Lookup) -> Self {
        Self(lookup.as_str())
    }
}

impl From<HangupCause> for CauseName {
    fn from(cause: HangupCause) -> Self {
        Self(match cause {
            HangupCause::RemoteBye => "remote_bye",
            HangupCause::RemoteCancel => "remote_cancel",
            HangupCause::LocalBye => "local_bye",
            HangupCause::AgentHangUp => "agent_hang_up",
            HangupCause::AnsweredElsewhere => "answered_elsewhere",
            HangupCause::Response(_) => "response",
            HangupCause::AckTimeout => "ack_timeout",
            HangupCause::TransactionTimeout => "transaction_timeout",
            HangupCause::MediaTimeout => "media_timeout",
            HangupCause::SessionExpired => "session_expired",
            HangupCause::Q850(_) => "q850",
            HangupCause::TransportError => "transport_error",
            HangupCause::EngineLost => "engine_lost",
        })
    }
}

/// The SIP status of a cause that is a response.
pub(crate) const fn sip_status(cause: HangupCause) -> Option<u16> {
    match cause {
        HangupCause::Response(status) => Some(status),
        HangupCause::RemoteBye
        | HangupCause::RemoteCancel
        | HangupCause::LocalBye
        | HangupCause::AgentHangUp
        | HangupCause::AnsweredElsewhere
        | HangupCause::AckTimeout
        | HangupCause::TransactionTimeout
        | HangupCause::MediaTimeout
        | HangupCause::SessionExpired
        | HangupCause::Q850(_)
        | HangupCause::TransportError
        | HangupCause::EngineLost => None,
    }
}

impl From<MissedCause> for MissedName {
    fn from(cause: MissedCause) -> Self {
        Self(match cause {
            MissedCause::NoAnswer => "no_answer",
            MissedCause::Rejected => "rejected",
            MissedCause::Busy => "busy",
            MissedCause::Unreachable => "unreachable",
            MissedCause::Error => "error",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values<T: PartialSchema>() -> Vec<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        let values = schema["enum"].as_array().unwrap();
        values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_documented_values_are_those_that_are_sent() {
        for reason in NotReadyReason::ALL {
            assert!(values::<ReasonName>().contains(&ReasonName::from(reason).0.to_owned()));
        }
        for cause in [HangupCause::RemoteBye, HangupCause::Response(486), HangupCause::EngineLost] {
            assert!(values::<CauseName>().contains(&CauseName::from(cause).0.to_owned()));
        }
        for outcome in OUTCOMES {
            assert_eq!(super::outcome(outcome.as_str()), Some(outcome));
        }
        assert_eq!(values::<ChoiceName>().first().unwrap(), "break");
        assert!(!values::<ChoiceName>().contains(&"no_answer".to_owned()));
        assert_eq!(super::outcome("lost"), None);
    }
}
