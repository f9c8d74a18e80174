//! What goes to a desktop: `cti`'s events as JSON, personal data masked for those who may not see
//! it. The doc comments here are the protocol's reference, which OpenAPI and `docs/protocol.md`
//! show.

mod encode;

use std::borrow::Cow;

use model::{Permission, Pii};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use encode::encode;

use crate::line::LineBody;
use crate::names::{
    ActionName, DirectionName, LegRoleName, LookupName, OutcomeName, PauseReasonName, PhaseName,
    PolicyStatusName, ReasonName, StateName, StatusName, TransferEndName, TransferKindName,
};

/// What a viewer may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Personal data in clear (`customer.unmask`).
    pub(crate) personal: bool,
    /// Policies (`policy.view`).
    pub(crate) policies: bool,
}

impl Sight {
    /// What `principal` may see.
    pub(crate) fn of(principal: &access::Principal) -> Self {
        Self {
            personal: principal.holds(Permission::CustomerUnmask),
            policies: principal.holds(Permission::PolicyView),
        }
    }

    /// `data` as this viewer may see it.
    pub(crate) fn show<'a>(self, data: &'a Pii<String>) -> Cow<'a, str> {
        if self.personal {
            Cow::Borrowed(data.reveal())
        } else {
            Cow::Owned(data.masked().to_string())
        }
    }
}

/// One event. `seq` grows by one from event to event of a user's stream, without gaps.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventFrame<'a> {
    /// The event's number. Name the last one that was seen as `after` to go on from there.
    pub(crate) seq: u64,
    /// When it was said, RFC 3339 with offset.
    pub(crate) at: String,
    /// What it is, and its data.
    #[serde(flatten)]
    pub(crate) body: EventBody<'a>,
}

/// What a desktop is told. Every event tells a whole state, so that the same one twice changes
/// nothing.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub(crate) enum EventBody<'a> {
    /// An agent's status or state, or what the agent may ask for, changed.
    AgentState(AgentStateData),
    /// Who is calling and what they are insured for; it comes before the phone rings. The phone
    /// rings as soon as `pop_shown` is sent, or a moment later without it.
    ScreenPop(ScreenPopData<'a>),
    /// The look-up ended after the pop was shown.
    ScreenPopUpdate(ScreenPopUpdateData<'a>),
    /// A call moved on. The caller's number is always masked here: a board is no place for it.
    CallState(CallStateData<'a>),
    /// What became of bringing someone into a call, for the agent who asked: while the call goes
    /// on it is the agent's again unless `end` is `completed`.
    TransferEnded(TransferEndedData<'a>),
    /// To whom a call can be given, as `list_targets` asked.
    Targets(TargetsData<'a>),
    /// A queue's figures changed.
    QueueState(QueueStateData),
    /// An emergency plan was put on or off; only on the board.
    PlanState(PlanStateData<'a>),
    /// A line's health, or what it carries, changed; calls are told of once a second at most.
    TrunkState(TrunkStateData<'a>),
    /// Something that an operator must see began or is over.
    Alarm(AlarmData<'a>),
}

/// `agent_state`
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentStateData {
    /// The agent's number.
    agent_id: String,
    /// The agent's own choice.
    status: StatusName,
    /// Why, where the status is `not_ready`.
    reason: Option<ReasonName>,
    /// What the engine is doing with the agent.
    state: StateName,
    /// Since when status and state are these, RFC 3339 with offset.
    since: String,
    /// The status that begins when the present work is over, if one was asked for.
    next_status: Option<StatusName>,
    /// The reason of `next_status`, where that is `not_ready`.
    next_reason: Option<ReasonName>,
    /// The commands that the agent may give now.
    allowed: Vec<ActionName>,
    /// The call that the agent is busy with.
    call_id: Option<String>,
    /// When after-call work ends by itself, RFC 3339 with offset.
    acw_until: Option<String>,
    /// Whether the agent's phone can be rung.
    phone_reachable: bool,
    /// The reason for which the agent wants to be `not_ready`, while nobody has decided on it.
    asks: Option<ReasonName>,
}

/// `screen_pop`
#[derive(Serialize, ToSchema)]
pub(crate) struct ScreenPopData<'a> {
    /// The call.
    call_id: String,
    /// The offer, by which a pop is known: answer it with `pop_shown`.
    offer_id: String,
    /// The colleague who brings the call, if one does.
    brought_by: Option<&'a str>,
    /// What for.
    transfer: Option<TransferKindName>,
    /// Whether the customer is to be called back, as they asked for: when you have answered.
    callback: bool,
    /// The caller's number; masked without `customer.unmask`.
    ani: Cow<'a, str>,
    /// The number that was dialled.
    dnis: &'a str,
    /// The queue that the caller waited in; none where an agent called them.
    queue: Option<&'a str>,
    /// How long the caller waited there, in milliseconds.
    waited_ms: u64,
    /// What the caller did in the menu.
    ivr: IvrData<'a>,
    /// Whether it is known who calls; while `pending`, one `screen_pop_update` follows.
    lookup: LookupName,
    /// The customer, where `lookup` is `found`.
    customer: Option<CustomerData<'a>>,
    /// The customer's policies, newest first, at most 20; empty without `policy.view`.
    policies: Vec<PolicyData<'a>>,
}

/// What a caller did in the menu.
#[derive(Serialize, ToSchema)]
pub(crate) struct IvrData<'a> {
    /// The places that the caller passed, in order, as the script names them.
    path: &'a [String],
    /// What the caller keyed.
    inputs: Vec<InputData<'a>>,
}

/// What a caller keyed at one place.
#[derive(Serialize, ToSchema)]
pub(crate) struct InputData<'a> {
    /// The place.
    pub(crate) node: &'a str,
    /// The digits; always masked where they identify a person.
    pub(crate) digits: &'a str,
}

/// A customer.
#[derive(Serialize, ToSchema)]
pub(crate) struct CustomerData<'a> {
    /// The customer's number.
    customer_id: &'a str,
    /// The name; masked without `customer.unmask`.
    name: Cow<'a, str>,
    /// The mobile number; masked without `customer.unmask`.
    phone: Cow<'a, str>,
    /// The identity number; masked without `customer.unmask`.
    identity_number: Cow<'a, str>,
    /// The customer's class: `excellent`, `a`, `b` or `c`.
    class: &'a str,
    /// Province and city.
    city: &'a str,
}

/// A policy.
#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyData<'a> {
    /// The policy's number, digits only.
    policy_number: &'a str,
    /// What is insured, such as `商业险` or `交强险`.
    product: &'a str,
    /// The plate; masked without `customer.unmask`.
    plate: Cow<'a, str>,
    /// The vehicle.
    vehicle: &'a str,
    /// Whether it is in force.
    status: PolicyStatusName,
    /// First day, `YYYY-MM-DD`.
    starts_on: &'a str,
    /// Last day, `YYYY-MM-DD`.
    ends_on: &'a str,
    /// The premium, in fen (1/100 yuan).
    premium_fen: i64,
    /// Claims, newest first, at most 10.
    claims: Vec<ClaimData<'a>>,
}

/// A past or open claim.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimData<'a> {
    /// The claim's number.
    claim_number: &'a str,
    /// The day of the loss, `YYYY-MM-DD`.
    lost_on: &'a str,
    /// `open` or `closed`.
    status: &'a str,
    /// What was paid, in fen (1/100 yuan); 0 while open.
    paid_fen: i64,
}

/// `screen_pop_update`
#[derive(Serialize, ToSchema)]
pub(crate) struct ScreenPopUpdateData<'a> {
    /// The call.
    call_id: String,
    /// Whether it is known who calls.
    lookup: LookupName,
    /// The customer, where `lookup` is `found`.
    customer: Option<CustomerData<'a>>,
    /// The customer's policies, newest first, at most 20; empty without `policy.view`.
    policies: Vec<PolicyData<'a>>,
}

/// `call_state`
#[derive(Serialize, ToSchema)]
pub(crate) struct CallStateData<'a> {
    /// The call.
    call_id: String,
    /// Where it is now.
    state: PhaseName,
    /// Since when, RFC 3339 with offset.
    since: String,
    /// Who began it.
    direction: DirectionName,
    /// The number of the one outside, who calls or is called; always masked.
    ani: Cow<'a, str>,
    /// Our number: the one that was dialled, or that the called one is shown.
    dnis: &'a str,
    /// The queue it waits or waited in.
    queue: Option<&'a str>,
    /// The agent it is offered to or talks with.
    agent_id: Option<&'a str>,
    /// The recording that runs, or ran last.
    recording_id: Option<String>,
    /// Why silence is taped now; null where voices are.
    recording_paused: Option<PauseReasonName>,
    /// Who is brought in beside caller and agent.
    guest: Option<GuestData<'a>>,
    /// How good the lines of its parties are, as far as that is known; told again where a line's
    /// worse score has changed by 0.1.
    lines: Vec<PartyLineData>,
    /// How it ended, where `state` is `ended`.
    outcome: Option<OutcomeName>,
}

/// How good the line of one party of a call is.
#[derive(Serialize, ToSchema)]
pub(crate) struct PartyLineData {
    /// What the party is.
    role: LegRoleName,
    /// The line.
    line: LineBody,
}

/// Someone who is brought into a call: a colleague, a telephone outside, or whoever a queue has.
#[derive(Serialize, ToSchema)]
pub(crate) struct GuestData<'a> {
    /// The colleague, where it is one.
    agent_id: Option<&'a str>,
    /// The telephone outside, where it is one; always masked.
    number: Option<String>,
    /// The queue, as long as it has nobody.
    queue: Option<&'a str>,
    /// The agent who asked.
    by: &'a str,
    /// To have the call, or to be asked about it first.
    transfer: TransferKindName,
    /// Whether they have answered.
    answered: bool,
    /// Whether the agent hears the caller.
    with_caller: bool,
}

/// `transfer_ended`
#[derive(Serialize, ToSchema)]
pub(crate) struct TransferEndedData<'a> {
    /// The call.
    call_id: String,
    /// The colleague, where it was one.
    agent_id: Option<&'a str>,
    /// The telephone outside, where it was one; always masked.
    number: Option<String>,
    /// The queue, where it was one.
    queue: Option<&'a str>,
    /// To have the call, or to be asked about it first.
    transfer: TransferKindName,
    /// What became of it.
    end: TransferEndName,
}

/// `targets`
#[derive(Serialize, ToSchema)]
pub(crate) struct TargetsData<'a> {
    /// What was looked for.
    search: &'a str,
    /// Colleagues, those who are free first; at most 50.
    agents: Vec<ColleagueData<'a>>,
    /// Queues, by name.
    queues: Vec<LineData<'a>>,
    /// Whether there are more colleagues than these.
    more: bool,
}

/// A colleague to whom a call can be given.
#[derive(Serialize, ToSchema)]
pub(crate) struct ColleagueData<'a> {
    /// The agent's number.
    agent_id: &'a str,
    /// The agent's own choice.
    status: StatusName,
    /// Why, where the status is `not_ready`.
    reason: Option<ReasonName>,
    /// What the engine is doing with the agent.
    state: StateName,
    /// Whether the agent could be asked now.
    available: bool,
}

/// A queue to which a call can be given.
#[derive(Serialize, ToSchema)]
pub(crate) struct LineData<'a> {
    /// The queue.
    queue: &'a str,
    /// Callers in it.
    waiting: u32,
    /// Agents of it who are ready and have nothing to do.
    idle: u32,
}

/// `queue_state`
#[derive(Serialize, ToSchema)]
pub(crate) struct QueueStateData {
    /// The queue.
    queue: String,
    /// Callers waiting for an agent or being offered to one.
    waiting: u32,
    /// Those beside them who are called back when their turn comes.
    callbacks: u32,
    /// How long the first of them had waited when this was said, in milliseconds.
    longest_wait_ms: u64,
    /// Since when the first of them waits, RFC 3339 with offset; null where nobody waits.
    longest_wait_since: Option<String>,
    /// How long who comes now is likely to wait; null while that is not known.
    expected_wait: Option<ExpectedWaitData>,
    /// What the queue's agents are doing; every agent is counted once.
    agents: AgentTotalsData,
    /// Whether its hours are now; one without hours is open always.
    open: bool,
}

/// How long a newcomer is likely to wait.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExpectedWaitData {
    /// Half of them wait no longer, in milliseconds.
    median_ms: u64,
    /// Nine of ten wait no longer, in milliseconds.
    p90_ms: u64,
}

/// How many agents are doing what.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentTotalsData {
    /// Not at work.
    signed_out: u32,
    /// At work, taking no calls.
    not_ready: u32,
    /// Ready, with nothing to do.
    idle: u32,
    /// Meant for a call; the phone does not ring yet.
    reserved: u32,
    /// Being rung.
    ringing: u32,
    /// In conversation.
    talking: u32,
    /// In after-call work.
    acw: u32,
}

/// `plan_state`
#[derive(Serialize, ToSchema)]
pub(crate) struct PlanStateData<'a> {
    /// The plan.
    plan: &'a str,
    /// Whether it is on.
    on: bool,
}

/// `trunk_state`
#[derive(Serialize, ToSchema)]
pub(crate) struct TrunkStateData<'a> {
    /// The line's name.
    trunk: &'a str,
    /// Calls over it now, both ways.
    calls: u32,
    /// Calls that were refused since the engine's start, for their number or the line's limits.
    refused: u64,
    /// How many targets it calls out to; 0 for a line that does not.
    targets: u32,
    /// How many of those can be reached.
    reachable: u32,
    /// Whether its carrier has its registration; null where it does not register.
    registered: Option<bool>,
    /// When one of its targets answered a question last, RFC 3339 with offset.
    answered_at: Option<String>,
}

/// `alarm`
#[derive(Serialize, ToSchema)]
pub(crate) struct AlarmData<'a> {
    /// Its name.
    alarm: &'a str,
    /// False when it is over.
    raised: bool,
    /// What is wrong and what to do.
    detail: &'a str,
}
