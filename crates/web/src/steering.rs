//! What a supervisor's desktop sends: the `data` of the commands that steer.

use cti::Command;
use model::{AgentId, AgentStatus, CallId, NotReadyReason, QueueId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::names::{ChoiceName, StatusName};

/// `move_call`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveCallData {
    /// The call; it must wait, and not be offered to an agent.
    #[schema(value_type = String)]
    pub(crate) call_id: CallId,
    /// The queue.
    #[schema(value_type = String)]
    pub(crate) queue: QueueId,
}

/// `assign_call`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignCallData {
    /// The call; it must wait, and not be offered to an agent.
    #[schema(value_type = String)]
    pub(crate) call_id: CallId,
    /// The agent, who must serve its queue; one who is not ready does not keep it waiting.
    #[schema(value_type = String)]
    pub(crate) agent_id: AgentId,
}

/// `prefer_call`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreferCallData {
    /// The call; it must wait, and not be offered to an agent.
    #[schema(value_type = String)]
    pub(crate) call_id: CallId,
    /// By how much, in milliseconds: 1 to 3,600,000. A call is never preferred by more than an
    /// hour in all.
    pub(crate) ms: u64,
}

/// `cancel_callback`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelCallbackData {
    /// The call that asked for it.
    #[schema(value_type = String)]
    pub(crate) call_id: CallId,
}

/// `set_agent`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetAgentData {
    /// The agent.
    #[schema(value_type = String)]
    pub(crate) agent_id: AgentId,
    /// What they are to be.
    #[schema(value_type = StatusName)]
    pub(crate) status: Wanted,
    /// Why, where that is `not_ready`.
    #[schema(value_type = Option<ChoiceName>)]
    #[serde(default)]
    pub(crate) reason: Option<NotReadyReason>,
}

/// A status by its name.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    SignedOut,
    NotReady,
    Ready,
}

/// `decide_reason`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecideReasonData {
    /// The agent who asks.
    #[schema(value_type = String)]
    pub(crate) agent_id: AgentId,
    /// Whether they may.
    pub(crate) approved: bool,
}

/// `switch_plan`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchPlanData {
    /// The plan, as the configuration names it.
    pub(crate) plan: String,
    /// Whether it is on from now on.
    pub(crate) on: bool,
}

impl From<SetAgentData> for Command {
    /// `not_ready` without a reason is one that no agent may choose, which is refused as
    /// `bad_reason`.
    fn from(SetAgentData { agent_id, status, reason }: SetAgentData) -> Self {
        let reason = reason.unwrap_or(NotReadyReason::SignedIn);
        let status = match status {
            Wanted::SignedOut => AgentStatus::SignedOut,
            Wanted::NotReady => AgentStatus::NotReady { reason },
            Wanted::Ready => AgentStatus::Ready,
        };
        Self::SetAgent { agent: agent_id, status }
    }
}
