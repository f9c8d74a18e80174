//! Why calls went where they went, derived from what is kept of them: the decision with each offer,
//! and how an agent was at that moment, which is one step in the facts' index of agents.

use std::future::Future;

use acd::{Known, Moment, named, why_not};
use model::{AgentId, Fact, FactBody, Mono, QueueId, Reason, Wall};
use store::FactKey;
use web::{BackendError, WhyMoment, WhyOffer};

/// The most offers that are told of one call: the last ones.
const OFFERS_MAX: usize = 100;
/// The most moments at which one agent is looked for: the last ones. Each is one fact to be read.
const MOMENTS_MAX: usize = 20;

/// A call's offers, in order.
pub(super) fn offers(facts: &[Fact]) -> Vec<WhyOffer> {
    let mut offers: Vec<WhyOffer> = facts.iter().filter_map(offer).collect();
    offers.drain(..offers.len().saturating_sub(OFFERS_MAX));
    offers
}

fn offer(fact: &Fact) -> Option<WhyOffer> {
    let FactBody::Offered { call: _, offer, queue, agent, why } = &fact.body else { return None };
    let why = why.as_deref().cloned();
    let (offer, queue, agent) = (*offer, queue.clone(), agent.clone());
    Some(WhyOffer { at: fact.wall, offer, queue, agent, why })
}

/// A call that waits in a queue.
#[derive(Debug, Clone)]
struct Waiting {
    queue: QueueId,
    epoch: u32,
    entered: Mono,
    permission: Option<String>,
    /// How many of the queue's steps it was told to have reached.
    reached: usize,
}

/// A moment at which it can be asked about an agent.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// What came before this was so at that moment.
    before: FactKey,
    at: Wall,
    queue: Option<QueueId>,
    waited_ms: u64,
    reached: usize,
    permission: Option<String>,
    offered: Option<WhyOffer>,
}

impl Asked {
    fn of(fact: &Fact, waiting: Option<&Waiting>, offered: Option<WhyOffer>) -> Self {
        let queue = offered.as_ref().and_then(|offered| offered.queue.clone());
        let waited = waiting.filter(|waiting| waiting.epoch == fact.epoch);
        Self {
            before: FactKey { epoch: fact.epoch, seq: fact.seq },
            at: fact.wall,
            queue: queue.or_else(|| waiting.map(|waiting| waiting.queue.clone())),
            waited_ms: waited.map_or(0, |waiting| fact.mono.ms_since(waiting.entered)),
            reached: waiting.map_or(0, |waiting| waiting.reached),
            permission: waiting.and_then(|waiting| waiting.permission.clone()),
            offered,
        }
    }
}

/// The moments of a call: each offer, and where it waited without one the end of that, or now.
pub(super) fn moments(facts: &[Fact], now: (Wall, Mono)) -> Vec<Asked> {
    let mut waiting: Option<Waiting> = None;
    let mut asked = Vec::new();
    for fact in facts {
        match &fact.body {
            FactBody::Queued { queue, entered, permission, .. } => {
                let (queue, permission) = (queue.clone(), permission.clone());
                let (epoch, entered) = (fact.epoch, *entered);
                waiting = Some(Waiting { queue, epoch, entered, permission, reached: 0 });
            }
            FactBody::TierReached { step, .. } => {
                if let Some(waiting) = &mut waiting {
                    waiting.reached = waiting.reached.max(*step as usize);
                }
            }
            FactBody::Offered { .. } => {
                asked.push(Asked::of(fact, waiting.as_ref(), offer(fact)));
            }
            FactBody::AgentAnswered { .. } => waiting = None,
            FactBody::Overflowed { .. }
            | FactBody::CallbackBooked { .. }
            | FactBody::CallEnded { .. } => {
                if let Some(waited) = waiting.take() {
                    asked.push(Asked::of(fact, Some(&waited), None));
                }
            }
            _ => {}
        }
    }
    asked.extend(waiting.map(|waiting| Asked {
        before: FactKey { epoch: u32::MAX, seq: u64::MAX },
        at: now.0,
        waited_ms: now.1.ms_since(waiting.entered),
        queue: Some(waiting.queue),
        reached: waiting.reached,
        permission: waiting.permission,
        offered: None,
    }));
    asked.drain(..asked.len().saturating_sub(MOMENTS_MAX));
    asked
}

/// Why an agent had the call or had it not at those moments. What a decision says itself is not
/// looked for; of all else `read` finds how the agent was, one fact a moment.
pub(super) async fn explain<R, F>(
    config: &acd::Config,
    asked: Vec<Asked>,
    agent: &AgentId,
    read: R,
) -> Result<Vec<WhyMoment>, BackendError>
where
    R: Fn(FactKey) -> F,
    F: Future<Output = Result<Option<Fact>, BackendError>>,
{
    let mut told = Vec::new();
    for Asked { before, at, queue, waited_ms, reached, permission, offered } in asked {
        let to_agent = offered.as_ref().is_some_and(|offered| offered.agent == *agent);
        let undecided = offered.as_ref().is_some_and(|offered| offered.why.is_none());
        let (reason, since) = match &queue {
            _ if to_agent => (Reason::Offered, None),
            // Nobody else was compared with who was offered it.
            Some(queue) if !undecided => {
                let decided = offered.as_ref().and_then(|o| Some((&o.agent, o.why.as_ref()?)));
                let permission = permission.as_deref();
                let moment = Moment { queue, waited_ms, reached, permission, decided };
                match named(&moment, agent) {
                    Some(reason) => (reason, None),
                    None => derived(config, &moment, agent, read(before).await?),
                }
            }
            Some(_) | None => continue,
        };
        told.push(WhyMoment { at, queue, offered, reason, since });
    }
    Ok(told)
}

/// What the agent's last change before the moment says.
fn derived(
    config: &acd::Config,
    moment: &Moment<'_>,
    agent: &AgentId,
    last: Option<Fact>,
) -> (Reason, Option<Wall>) {
    let known = last.as_ref().and_then(|last| match &last.body {
        FactBody::AgentChanged { status, state, call, day, .. } => Some(Known {
            status: *status,
            state: *state,
            call: *call,
            rests: day.as_ref().is_some_and(|day| day.rests_until.is_some()),
        }),
        _ => None,
    });
    let reason = why_not(config, moment, agent, known);
    let since = match reason {
        Reason::SignedOut | Reason::NotReady(_) | Reason::Busy(..) | Reason::Resting => {
            last.map(|last| last.wall)
        }
        Reason::Offered
        | Reason::Next { .. }
        | Reason::FurtherBack
        | Reason::NotPreferred
        | Reason::UnknownAgent
        | Reason::NotServing
        | Reason::NotReached { .. }
        | Reason::Replaced { .. }
        | Reason::NotPermitted(_)
        | Reason::Free => None,
    };
    (reason, since)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]
mod tests {
    use std::cell::RefCell;

    use model::{
        AgentState, AgentStatus, CallId, Choice, Decision, HangupCause, Id, NotReadyReason,
        OfferId, Outcome, Tier, Turn,
    };

    use super::*;

    fn call() -> CallId {
        CallId(Id::new(1, 1, 1))
    }

    /// The facts of one call, a second apart.
    fn story(bodies: impl IntoIterator<Item = FactBody>) -> Vec<Fact> {
        let told = (1_u64..).zip(bodies).map(|(seq, body)| {
            let mono = Mono::from_ms(seq * 1_000);
            let wall = Wall(i64::try_from(mono.0 / 1_000).unwrap());
            Fact { site: 1, epoch: 1, seq, mono, wall, version: model::SCHEMA_VERSION, body }
        });
        told.collect()
    }

    fn queued() -> FactBody {
        let (call, queue) = (call(), "claims".into());
        FactBody::Queued { call, queue, entered: Mono::from_ms(1_000), permission: None }
    }

    fn offered(nth: u32, why: Option<Decision>) -> FactBody {
        let (call, offer) = (call(), OfferId(Id::new(1, 1, nth)));
        let (queue, agent) = (Some("claims".into()), "8001".into());
        FactBody::Offered { call, offer, queue, agent, why: why.map(Box::new) }
    }

    fn decision(next: &[&str]) -> Decision {
        let turn = Turn { key: 0, idle_ms: 5_000 };
        let next = next.iter().map(|agent| (AgentId::from(*agent), turn)).collect();
        let strategy = "longest_idle".to_owned();
        let choice = Choice::Agents { strategy, turn, next, excluded: [].into() };
        Decision { number: 1, permission: None, reached: 1, choice }
    }

    fn config() -> acd::Config {
        let tier = Tier { level: 1 };
        let agents = ["8001", "8002", "8003"];
        let agents = agents.map(|agent| {
            acd::AgentConfig::new(agent.into(), tier, vec![QueueId::from("claims").into()], 0)
        });
        let steps = vec![acd::TierStep::new(tier, 0)];
        let queues = vec![acd::QueueConfig::new("claims".into(), steps)];
        acd::Config { agents: agents.into(), queues, ..acd::Config::default() }
    }

    fn at_meal(agent: &str) -> Fact {
        let status = AgentStatus::NotReady { reason: NotReadyReason::Meal };
        let (agent, state) = (agent.into(), AgentState::Idle);
        let body =
            FactBody::AgentChanged { agent, status, state, call: None, next: None, day: None };
        story([body]).remove(0)
    }

    /// Asks about an agent who is at a meal; what was told, and which facts were read.
    fn ask(facts: &[Fact], agent: &str) -> (Vec<WhyMoment>, Vec<FactKey>) {
        let read = RefCell::new(Vec::new());
        let asked = moments(facts, (Wall(99), Mono::from_ms(99_000)));
        let agent = AgentId::from(agent);
        let find = |key| {
            read.borrow_mut().push(key);
            std::future::ready(Ok(Some(at_meal("8003"))))
        };
        let config = config();
        let told = explain(&config, asked, &agent, find);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let told = runtime.block_on(told).unwrap();
        (told, read.into_inner())
    }

    fn reasons(told: &[WhyMoment]) -> Vec<Reason> {
        told.iter().map(|moment| moment.reason.clone()).collect()
    }

    #[test]
    fn whom_the_decision_names_is_answered_without_reading_anything() {
        let facts = story([queued(), offered(1, Some(decision(&["8002"])))]);
        let (told, read) = ask(&facts[..2], "8002");
        assert!(matches!(told[0].reason, Reason::Next { place: 2, .. }), "{told:?}");
        let (won, _) = ask(&facts[..2], "8001");
        assert_eq!(won[0].reason, Reason::Offered);
        // The call still waits: how it is now has to be looked for, the offer not.
        assert_eq!(read, [FactKey { epoch: u32::MAX, seq: u64::MAX }]);
    }

    #[test]
    fn who_was_away_is_told_so_with_since_when() {
        let facts = story([queued(), offered(1, Some(decision(&[])))]);
        let (told, read) = ask(&facts, "8003");
        assert_eq!(reasons(&told[..1]), [Reason::NotReady(NotReadyReason::Meal)]);
        assert_eq!((told[0].at, told[0].since), (Wall(2_000_000), Some(Wall(1_000_000))));
        assert_eq!(read[0], FactKey { epoch: 1, seq: 2 }, "as it was before the offer");
    }

    #[test]
    fn a_call_that_left_without_an_agent_is_asked_about_at_its_end() {
        let (outcome, cause) = (Outcome::Abandoned, HangupCause::RemoteBye);
        let facts = story([queued(), FactBody::CallEnded { call: call(), outcome, cause }]);
        let (told, read) = ask(&facts, "8003");
        assert_eq!((told.len(), read), (1, vec![FactKey { epoch: 1, seq: 2 }]));
        assert!(told[0].offered.is_none());
        assert!(ask(&story([]), "8003").0.is_empty());
    }

    #[test]
    fn an_offer_that_no_queue_decided_says_nothing_of_others() {
        let facts = story([offered(1, None)]);
        assert_eq!(ask(&facts, "8003").0, []);
        assert_eq!(reasons(&ask(&facts, "8001").0), [Reason::Offered]);
    }

    /// However long the call's story is and however many agents there are, so many facts are read.
    #[test]
    fn the_work_of_an_answer_has_a_bound() {
        let many = (1..=5_000).map(|nth| offered(nth, Some(decision(&[]))));
        let facts = story(std::iter::once(queued()).chain(many));
        let (told, read) = ask(&facts, "8003");
        assert_eq!((told.len(), read.len()), (MOMENTS_MAX, MOMENTS_MAX));
        assert_eq!(offers(&facts).len(), OFFERS_MAX);
        assert_eq!(offers(&facts)[OFFERS_MAX - 1].at, facts[5_000].wall, "the last ones");
    }
}
