//! Why a call was offered to whom it was, and why one agent had it or had it not: as numbers, and
//! in words that a supervisor understands.

mod words;

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::Response;
use jiff::tz::TimeZone;
use model::{
    AgentId, CallId, Choice, Decision, Exclusion, OfferId, Permission, QueueId, Reason, Turn, Wall,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::calls::json;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{PathId, Viewer};
use crate::names::{ExclusionName, ReasonName, StateName, WhyName};
use crate::time::rfc3339;

/// Longest agent's number that is looked for, in bytes.
const MAX_AGENT_BYTES: usize = 64;

/// An offer, and why it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyOffer {
    /// When.
    pub at: Wall,
    /// The offer.
    pub offer: OfferId,
    /// From which queue; none for a call that an agent made and gives away.
    pub queue: Option<QueueId>,
    /// To whom.
    pub agent: AgentId,
    /// Why; none where no queue decided it, or an older version of the engine did.
    pub why: Option<Decision>,
}

/// Why one agent had a call or had it not, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyMoment {
    /// When.
    pub at: Wall,
    /// In which queue the call waited.
    pub queue: Option<QueueId>,
    /// The offer that was made then; none where the call waited on, or left without an agent.
    pub offered: Option<WhyOffer>,
    /// Why.
    pub reason: Reason,
    /// Since when the agent was as the reason says, where the agent's state is the reason.
    pub since: Option<Wall>,
}

/// The same in the two languages of the people who read it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct SaidBody {
    /// In Chinese.
    zh: String,
    /// In English.
    en: String,
}

/// Why a call's offers went where they went.
#[derive(Serialize, ToSchema)]
pub(crate) struct WhyBody {
    /// The call.
    call_id: String,
    /// Its offers, in order; of many the last ones. Empty where it was offered to nobody.
    offers: Vec<OfferWhyBody>,
}

/// One offer and the decision behind it.
#[derive(Serialize, ToSchema)]
pub(crate) struct OfferWhyBody {
    /// When, RFC 3339 with offset.
    at: String,
    /// The offer.
    offer_id: String,
    /// The queue; null for a call that an agent made and gives away.
    queue: Option<String>,
    /// Who was offered the call.
    agent_id: String,
    /// The decision; null where no queue decided it, such as where a colleague asked for the agent.
    decision: Option<DecisionBody>,
    /// All of it in words.
    said: SaidBody,
}

/// What a decision compared. Which fields are null depends on `chosen_from`.
#[derive(Serialize, ToSchema)]
pub(crate) struct DecisionBody {
    /// Its number, from 1.
    number: u64,
    /// `agents`: the call came, and an agent was chosen; `calls`: the agent became free, and a call
    /// was chosen; `preferred`: the call waited for this agent.
    chosen_from: &'static str,
    /// How the queue chooses an agent, as the configuration names it.
    strategy: Option<String>,
    /// What the strategy compared of the agent: the lowest wins. 0 where only `idle_ms` counts.
    key: Option<u64>,
    /// For how long the agent was idle, in milliseconds; of equal keys the longest wins.
    idle_ms: Option<u64>,
    /// The call's score in milliseconds: its age and what its queue adds; the highest wins.
    score_ms: Option<u64>,
    /// What the agent had to be allowed, if something special.
    permission: Option<String>,
    /// How many of the queue's steps the call had reached.
    steps_reached: u32,
    /// Who, or which calls, would have been next, in order; at most 5.
    next: Vec<NextBody>,
    /// How many agents of the queue, or calls of the agent's queues, were not chosen from, by why.
    excluded: Vec<ExcludedBody>,
}

/// One who was next.
#[derive(Serialize, ToSchema)]
pub(crate) struct NextBody {
    /// The agent, where agents were chosen from.
    agent_id: Option<String>,
    /// The call, where calls were chosen from.
    call_id: Option<String>,
    /// As in the decision.
    key: Option<u64>,
    /// As in the decision, in milliseconds.
    idle_ms: Option<u64>,
    /// As in the decision, in milliseconds.
    score_ms: Option<u64>,
}

/// So many were not chosen from.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExcludedBody {
    /// Why.
    reason: ExclusionName,
    /// How many.
    count: u32,
}

/// Why one agent had a call or had it not.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentWhyBody {
    /// The call.
    call_id: String,
    /// The agent.
    agent_id: String,
    /// Each offer of the call, and where it waited without one the end of that (or now), in order;
    /// of many the last ones. Empty where it never waited in a queue.
    moments: Vec<MomentBody>,
}

/// One moment. Which fields are null depends on `reason`.
#[derive(Serialize, ToSchema)]
pub(crate) struct MomentBody {
    /// When, RFC 3339 with offset.
    at: String,
    /// In which queue the call waited.
    queue: Option<String>,
    /// The offer that was made then; null where none was.
    offer_id: Option<String>,
    /// Who was offered the call.
    offered_to: Option<String>,
    /// Why.
    reason: WhyName,
    /// The agent's place, where it is `next`: 1 is who was offered the call.
    place: Option<usize>,
    /// As in the decision, where it is `next`.
    key: Option<u64>,
    /// As in the decision, where it is `next`, in milliseconds.
    idle_ms: Option<u64>,
    /// Why the agent took no calls, where it is `not_ready`.
    not_ready_reason: Option<ReasonName>,
    /// What the agent was doing, where it is `busy`.
    state: Option<StateName>,
    /// With which call, where it is `busy`.
    busy_with: Option<String>,
    /// Since when, RFC 3339 with offset, where it is the agent's state.
    since: Option<String>,
    /// The number of the queue's step that opens to the agent, from 1, where it is `not_reached`
    /// (null where none does); where it is `replaced`, of that which took the call from them.
    step: Option<u32>,
    /// After how many milliseconds that step opens, if it does after a time.
    after_ms: Option<u64>,
    /// What was missing, where it is `not_permitted`.
    permission: Option<String>,
    /// All of it in words.
    said: SaidBody,
}

/// The call and the agent in a path. What is none names nothing: 404.
pub(crate) struct CallAndAgent(CallId, AgentId);

impl FromRequestParts<Arc<App>> for CallAndAgent {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let pair = axum::extract::Path::<(String, String)>::from_request_parts(parts, app).await;
        let pair = pair.ok().and_then(|axum::extract::Path((call, agent))| {
            let fits = (1..=MAX_AGENT_BYTES).contains(&agent.len());
            let call = call.parse().ok().filter(|_| fits)?;
            Some(Self(call, AgentId::from(agent)))
        });
        pair.ok_or_else(|| ApiError::not_found("call or agent"))
    }
}

/// Why a call was offered to whom it was, also while it goes on.
///
/// Needs `call.view_all`; with `call.view_own` it tells of the offers to oneself, without who was
/// next.
#[utoipa::path(
    get,
    path = "/api/v1/calls/{id}/why",
    operation_id = "call_why",
    tag = "calls",
    params(("id" = String, Path, description = "The call, such as `c1-2-3`.")),
    responses(
        (status = 200, description = "The decisions.", body = WhyBody),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 404, description = "There is no such call.", body = ErrorBody),
    )
)]
pub(crate) async fn offers(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathId(call): PathId<CallId>,
) -> Result<Response, ApiError> {
    let all = viewer.holds(Permission::CallViewAll);
    if !all {
        viewer.require(&app, Permission::CallViewOwn).await?;
    }
    let found = app.backend.why(call).await?;
    let mut offers = found.ok_or_else(|| ApiError::not_found("call"))?;
    if !all {
        let own = viewer.agent();
        offers.retain(|offer| offer.agent == own);
        if offers.is_empty() {
            viewer.require(&app, Permission::CallViewAll).await?;
        }
        for why in offers.iter_mut().filter_map(|offer| offer.why.as_mut()) {
            forget_next(why);
        }
    }
    let zone = &app.config.zone;
    let offers = offers.iter().map(|offer| offer_body(offer, zone)).collect();
    Ok(json(&WhyBody { call_id: call.to_string(), offers }))
}

/// Why one agent had a call or had it not, also while it waits.
///
/// Needs `call.view_all`, or `call.view_own` for a call that was offered to oneself. Of the agents
/// whom a decision names it is told from the decision; of the others from what was kept of their
/// state at that moment and from the configuration of today.
#[utoipa::path(
    get,
    path = "/api/v1/calls/{id}/why/{agent}",
    operation_id = "call_why_agent",
    tag = "calls",
    params(
        ("id" = String, Path, description = "The call, such as `c1-2-3`."),
        ("agent" = String, Path, description = "The agent, such as `8001`."),
    ),
    responses(
        (status = 200, description = "The answer.", body = AgentWhyBody),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 404, description = "There is no such call.", body = ErrorBody),
    )
)]
pub(crate) async fn agent(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    CallAndAgent(call, agent): CallAndAgent,
) -> Result<Response, ApiError> {
    let all = viewer.holds(Permission::CallViewAll);
    if !all {
        viewer.require(&app, Permission::CallViewOwn).await?;
        if agent != viewer.agent() {
            viewer.require(&app, Permission::CallViewAll).await?;
        }
    }
    let found = app.backend.why_agent(call, &agent).await?;
    let mut moments = found.ok_or_else(|| ApiError::not_found("call"))?;
    if !all {
        moments.retain(|moment| moment.reason == Reason::Offered);
        if moments.is_empty() {
            viewer.require(&app, Permission::CallViewAll).await?;
        }
    }
    let zone = &app.config.zone;
    let moments = moments.iter().map(|moment| moment_body(moment, &agent, zone)).collect();
    let (call_id, agent_id) = (call.to_string(), agent.to_string());
    Ok(json(&AgentWhyBody { call_id, agent_id, moments }))
}

/// How others stand is not for every agent to see.
fn forget_next(why: &mut Decision) {
    match &mut why.choice {
        Choice::Agents { next, .. } => next.clear(),
        Choice::Calls { next, .. } => next.clear(),
        Choice::Preferred => {}
    }
}

fn offer_body(offer: &WhyOffer, zone: &TimeZone) -> OfferWhyBody {
    OfferWhyBody {
        at: rfc3339(offer.at, zone),
        offer_id: offer.offer.to_string(),
        queue: offer.queue.as_ref().map(ToString::to_string),
        agent_id: offer.agent.to_string(),
        decision: offer.why.as_ref().map(decision_body),
        said: words::offer(offer),
    }
}

const fn millis(score_ns: u64) -> u64 {
    score_ns / 1_000_000
}

fn decision_body(decision: &Decision) -> DecisionBody {
    let Decision { number, permission, reached, choice } = decision;
    let body = DecisionBody {
        number: *number,
        chosen_from: "preferred",
        strategy: None,
        key: None,
        idle_ms: None,
        score_ms: None,
        permission: permission.clone(),
        steps_reached: *reached,
        next: Vec::new(),
        excluded: Vec::new(),
    };
    match choice {
        Choice::Preferred => body,
        Choice::Agents { strategy, turn, next, excluded } => DecisionBody {
            chosen_from: "agents",
            strategy: Some(strategy.clone()),
            key: Some(turn.key),
            idle_ms: Some(turn.idle_ms),
            next: next.iter().map(|(agent, turn)| next_agent(agent, *turn)).collect(),
            excluded: excluded.iter().map(excluded_body).collect(),
            ..body
        },
        Choice::Calls { score, next, excluded } => DecisionBody {
            chosen_from: "calls",
            score_ms: Some(millis(*score)),
            next: next.iter().map(|(call, score)| next_call(*call, *score)).collect(),
            excluded: excluded.iter().map(excluded_body).collect(),
            ..body
        },
    }
}

fn next_agent(agent: &AgentId, turn: Turn) -> NextBody {
    let Turn { key, idle_ms } = turn;
    let agent_id = Some(agent.to_string());
    NextBody { agent_id, call_id: None, key: Some(key), idle_ms: Some(idle_ms), score_ms: None }
}

fn next_call(call: CallId, score: u64) -> NextBody {
    let (call_id, score_ms) = (Some(call.to_string()), Some(millis(score)));
    NextBody { agent_id: None, call_id, key: None, idle_ms: None, score_ms }
}

fn excluded_body((reason, count): (&Exclusion, &u32)) -> ExcludedBody {
    ExcludedBody { reason: (*reason).into(), count: *count }
}

fn moment_body(moment: &WhyMoment, agent: &AgentId, zone: &TimeZone) -> MomentBody {
    let body = MomentBody {
        at: rfc3339(moment.at, zone),
        queue: moment.queue.as_ref().map(ToString::to_string),
        offer_id: moment.offered.as_ref().map(|offered| offered.offer.to_string()),
        offered_to: moment.offered.as_ref().map(|offered| offered.agent.to_string()),
        reason: WhyName(moment.reason.as_str()),
        place: None,
        key: None,
        idle_ms: None,
        not_ready_reason: None,
        state: None,
        busy_with: None,
        since: moment.since.map(|since| rfc3339(since, zone)),
        step: None,
        after_ms: None,
        permission: None,
        said: words::moment(moment, agent),
    };
    match &moment.reason {
        Reason::Next { place, turn } => {
            let (key, idle_ms) = (Some(turn.key), Some(turn.idle_ms));
            MomentBody { place: Some(*place), key, idle_ms, ..body }
        }
        Reason::NotReady(reason) => MomentBody { not_ready_reason: Some((*reason).into()), ..body },
        Reason::Busy(state, call) => {
            let busy_with = call.map(|call| call.to_string());
            MomentBody { state: Some((*state).into()), busy_with, ..body }
        }
        Reason::NotReached { step } => MomentBody {
            step: step.map(|(number, _)| number),
            after_ms: step.and_then(|(_, opens)| opens.after_ms),
            ..body
        },
        Reason::Replaced { by } => MomentBody { step: Some(*by), ..body },
        Reason::NotPermitted(permission) => {
            MomentBody { permission: Some(permission.clone()), ..body }
        }
        Reason::Offered
        | Reason::FurtherBack
        | Reason::NotPreferred
        | Reason::UnknownAgent
        | Reason::NotServing
        | Reason::SignedOut
        | Reason::Resting
        | Reason::Free => body,
    }
}
