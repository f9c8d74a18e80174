//! Why an agent had a call or had it not at one moment, from what was kept of that moment: the
//! decision, if one was made, and how the agent was then. The configuration says the rest.

use model::{
    AgentId, AgentState, AgentStatus, CallId, Decision, Permission, QueueId, Reason, Turn,
};

use crate::step::in_force;
use crate::{AgentConfig, Config, QueueConfig, TierStep};

/// A moment in the life of a waiting call.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The queue in which it waited.
    pub queue: &'a QueueId,
    /// How long it had waited since it entered, in milliseconds: where nothing was decided, that
    /// says which steps it had reached at least.
    pub waited_ms: u64,
    /// How many steps were told that it had reached by then.
    pub reached: usize,
    /// What its agent must be allowed, if something special.
    pub permission: Option<&'a str>,
    /// Who was offered the call at that moment, and why.
    pub decided: Option<(&'a AgentId, &'a Decision)>,
}

/// How an agent was at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The agent's own choice.
    pub status: AgentStatus,
    /// What the engine was doing with the agent.
    pub state: AgentState,
    /// With which call.
    pub call: Option<CallId>,
    /// Whether the agent was left alone after a missed offer.
    pub rests: bool,
}

/// Why `agent` had the call or had it not. `known` is how the agent was; of whom nothing is known
/// was never signed in.
pub fn why_not(
    config: &Config,
    moment: &Moment<'_>,
    agent: &AgentId,
    known: Option<Known>,
) -> Reason {
    if let Some(named) = named(moment, agent) {
        return named;
    }
    let Some(configured) = config.agents.iter().find(|one| one.agent == *agent) else {
        return Reason::UnknownAgent;
    };
    let queue = config.queues.iter().find(|one| one.queue == *moment.queue);
    let served = configured.queues.iter().find(|served| served.queue == *moment.queue);
    let Some(queue) = queue else { return Reason::NotServing };
    let admits = |step: &TierStep| step.admits(configured, &queue.queue);
    if served.is_none() && !queue.steps.iter().any(admits) {
        return Reason::NotServing;
    }
    let known = known.unwrap_or(Known {
        status: AgentStatus::SignedOut,
        state: AgentState::Idle,
        call: None,
        rests: false,
    });
    unavailable(&known).or_else(|| not_open(config, moment, configured, queue)).unwrap_or(
        match moment.decided {
            Some((_, Decision { choice: model::Choice::Preferred, .. })) => Reason::NotPreferred,
            Some((_, Decision { choice: model::Choice::Agents { .. }, .. })) => Reason::FurtherBack,
            // The winner had just become free; whoever was free before had been asked already.
            Some((_, Decision { choice: model::Choice::Calls { .. }, .. })) | None => Reason::Free,
        },
    )
}

/// What the decision itself says of the agent; `None` of whom it does not name.
pub fn named(moment: &Moment<'_>, agent: &AgentId) -> Option<Reason> {
    let (winner, decision) = moment.decided?;
    if winner == agent {
        return Some(Reason::Offered);
    }
    match &decision.choice {
        model::Choice::Agents { next, .. } => {
            let at = next.iter().position(|(named, _)| named == agent)?;
            let turn: Turn = next.get(at)?.1;
            Some(Reason::Next { place: at + 2, turn })
        }
        model::Choice::Preferred | model::Choice::Calls { .. } => None,
    }
}

/// Why the agent could take no call at all.
fn unavailable(known: &Known) -> Option<Reason> {
    match (known.state, known.status) {
        (
            state @ (AgentState::Reserved
            | AgentState::Ringing
            | AgentState::Talking
            | AgentState::Acw),
            _,
        ) => Some(Reason::Busy(state, known.call)),
        (AgentState::Idle, AgentStatus::SignedOut) => Some(Reason::SignedOut),
        (AgentState::Idle, AgentStatus::NotReady { reason }) => Some(Reason::NotReady(reason)),
        (AgentState::Idle, AgentStatus::Ready) => known.rests.then_some(Reason::Resting),
    }
}

/// Why the agent could not take this call.
fn not_open(
    config: &Config,
    moment: &Moment<'_>,
    agent: &AgentConfig,
    queue: &QueueConfig,
) -> Option<Reason> {
    let steps = &queue.steps;
    let reached = match moment.decided {
        Some((_, decision)) => usize::try_from(decision.reached).unwrap_or(usize::MAX),
        None => {
            let due =
                |step: &TierStep| step.opens.after_ms.is_some_and(|ms| ms <= moment.waited_ms);
            let by_time = steps.iter().rposition(due).map_or(0, |at| at + 1);
            by_time.max(moment.reached)
        }
    };
    let open = in_force(steps, reached);
    let admits = |step: &TierStep| step.admits(agent, &queue.queue);
    if !steps[open.clone()].iter().any(admits) {
        let later = steps[open.end..].iter().position(admits);
        let later = later.map(|at| open.end + at);
        let before = steps[..open.start].iter().any(admits);
        let number = |at: usize| u32::try_from(at + 1).unwrap_or(u32::MAX);
        return Some(match later {
            None if before => Reason::Replaced { by: number(open.start) },
            _ => Reason::NotReached { step: later.map(|at| (number(at), steps[at].opens)) },
        });
    }
    let needed = moment.decided.and_then(|(_, decision)| decision.permission.as_deref());
    let needed = needed.or(moment.permission)?;
    let held = config.permissions.get(&agent.tier);
    // A permission that this engine does not know is held by nobody.
    let permission = Permission::from_name(needed);
    let is_held = permission.zip(held).is_some_and(|(needed, held)| held.contains(&needed));
    (!is_held).then(|| Reason::NotPermitted(needed.to_owned()))
}
