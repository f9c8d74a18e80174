//! A supervisor at a call: who hears whom, as wanted states of every leg.
//!
//! | | customers hear | agents hear | the supervisor hears |
//! | --- | --- | --- | --- |
//! | monitor | agents | customers | all |
//! | whisper | agents | customers, the supervisor | all |
//! | barge | agents, the supervisor | customers, the supervisor | all |
//! | takeover | the supervisor | nothing | customers |
//!
//! Several customers hear one another, and so do several agents (but after a takeover).

use std::sync::Arc;

use model::LegId;

use crate::Source;

/// What a supervisor does at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supervision {
    /// Hears all and is heard by nobody.
    Monitor,
    /// Is heard by the agents; the customers do not notice.
    Whisper,
    /// Is heard by all.
    Barge,
    /// Speaks with the customers in the agents' place.
    Takeover,
}

/// The legs of a call, by their part in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sides<'a> {
    /// Those who called, or were called for them.
    pub customers: &'a [LegId],
    /// Those who serve them.
    pub agents: &'a [LegId],
}

impl Sides<'_> {
    /// What every leg hears in a call or a conference without a supervisor: all others.
    pub fn conference(&self) -> Vec<(LegId, Source)> {
        let all = [self.customers, self.agents].concat();
        let everyone: Arc<[LegId]> = all.as_slice().into();
        all.iter().map(|leg| (*leg, source(&everyone, *leg))).collect()
    }

    /// What every leg hears while `supervisor` is at the call.
    pub fn supervised(&self, supervision: Supervision, supervisor: LegId) -> Vec<(LegId, Source)> {
        let (customers, agents, boss) = (self.customers, self.agents, &[supervisor][..]);
        let nobody: &[LegId] = &[];
        let [by_customers, by_agents, by_supervisor] = match supervision {
            Supervision::Monitor => [
                [customers, agents, nobody],
                [customers, agents, nobody],
                [customers, agents, nobody],
            ],
            Supervision::Whisper => [
                [customers, agents, nobody],
                [customers, agents, boss],
                [customers, agents, nobody],
            ],
            Supervision::Barge => {
                [[customers, agents, boss], [customers, agents, boss], [customers, agents, nobody]]
            }
            Supervision::Takeover => {
                [[customers, nobody, boss], [nobody, nobody, nobody], [customers, nobody, nobody]]
            }
        };
        let mut wanted = Vec::with_capacity(customers.len() + agents.len() + 1);
        for (listeners, heard) in
            [(customers, by_customers), (agents, by_agents), (boss, by_supervisor)]
        {
            let heard: Arc<[LegId]> = heard.concat().into();
            wanted.extend(listeners.iter().map(|leg| (*leg, source(&heard, *leg))));
        }
        wanted
    }

    /// Whose voices the recording's agent channel holds: the agents', and the supervisor's as far
    /// as customers hear it; a whisper only if it is `whispers_taped`.
    pub fn taped_agents(
        &self,
        supervision: Supervision,
        supervisor: LegId,
        whispers_taped: bool,
    ) -> Arc<[LegId]> {
        let is_taped = match supervision {
            Supervision::Monitor => false,
            Supervision::Whisper => whispers_taped,
            Supervision::Barge | Supervision::Takeover => true,
        };
        let agents = match supervision {
            Supervision::Monitor | Supervision::Whisper | Supervision::Barge => self.agents,
            Supervision::Takeover => &[],
        };
        agents.iter().copied().chain(is_taped.then_some(supervisor)).collect()
    }
}

/// What `listener` hears of `heard`: of one other leg its packets as they come, of several the sum.
fn source(heard: &Arc<[LegId]>, listener: LegId) -> Source {
    let mut others = heard.iter().filter(|leg| **leg != listener);
    match (others.next(), others.next()) {
        (None, _) => Source::Silence,
        (Some(only), None) => Source::Leg(*only),
        (Some(_), Some(_)) => Source::Mix(Arc::clone(heard)),
    }
}

#[cfg(test)]
mod tests {
    use model::Id;

    use super::*;

    const CUSTOMER: LegId = LegId(Id(1));
    const OTHER: LegId = LegId(Id(2));
    const AGENT: LegId = LegId(Id(3));
    const EXPERT: LegId = LegId(Id(4));
    const BOSS: LegId = LegId(Id(5));

    /// Who hears whom, as `listener<speakers`.
    fn matrix(wanted: Vec<(LegId, Source)>) -> Vec<String> {
        let name = |leg: &LegId| ["", "C", "O", "A", "E", "B"][leg.0.0 as usize];
        let row = |(listener, source): (LegId, Source)| {
            let heard: String = match source {
                Source::Silence => String::new(),
                Source::Leg(leg) => name(&leg).to_owned(),
                Source::Mix(legs) => {
                    legs.iter().filter(|leg| **leg != listener).map(name).collect()
                }
                Source::Play(_) => panic!("nobody asked for music"),
            };
            format!("{}<{heard}", name(&listener))
        };
        wanted.into_iter().map(row).collect()
    }

    #[test]
    fn one_customer_and_one_agent() {
        let sides = Sides { customers: &[CUSTOMER], agents: &[AGENT] };
        assert_eq!(matrix(sides.conference()), ["C<A", "A<C"]);
        let of = |supervision| matrix(sides.supervised(supervision, BOSS));
        assert_eq!(of(Supervision::Monitor), ["C<A", "A<C", "B<CA"]);
        assert_eq!(of(Supervision::Whisper), ["C<A", "A<CB", "B<CA"]);
        assert_eq!(of(Supervision::Barge), ["C<AB", "A<CB", "B<CA"]);
        assert_eq!(of(Supervision::Takeover), ["C<B", "A<", "B<C"]);
    }

    #[test]
    fn a_conference_of_two_sides() {
        let sides = Sides { customers: &[CUSTOMER, OTHER], agents: &[AGENT, EXPERT] };
        assert_eq!(matrix(sides.conference()), ["C<OAE", "O<CAE", "A<COE", "E<COA"]);
        let of = |supervision| matrix(sides.supervised(supervision, BOSS));
        assert_eq!(of(Supervision::Monitor), ["C<OAE", "O<CAE", "A<COE", "E<COA", "B<COAE"]);
        assert_eq!(of(Supervision::Whisper), ["C<OAE", "O<CAE", "A<COEB", "E<COAB", "B<COAE"]);
        assert_eq!(of(Supervision::Barge), ["C<OAEB", "O<CAEB", "A<COEB", "E<COAB", "B<COAE"]);
        assert_eq!(of(Supervision::Takeover), ["C<OB", "O<CB", "A<", "E<", "B<CO"]);
    }

    #[test]
    fn a_call_of_two_is_forwarded_not_mixed() {
        let sides = Sides { customers: &[CUSTOMER], agents: &[AGENT] };
        let monitored = sides.supervised(Supervision::Monitor, BOSS);
        assert_eq!(monitored[..2], sides.conference()[..], "nobody can tell that he listens");
        assert_eq!(monitored[0].1, Source::Leg(AGENT));
    }

    #[test]
    fn the_recording_has_what_the_customer_hears_and_a_whisper_by_choice() {
        let sides = Sides { customers: &[CUSTOMER], agents: &[AGENT] };
        let taped =
            |supervision, whispers| sides.taped_agents(supervision, BOSS, whispers).to_vec();
        assert_eq!(taped(Supervision::Monitor, true), [AGENT]);
        assert_eq!(taped(Supervision::Whisper, false), [AGENT]);
        assert_eq!(taped(Supervision::Whisper, true), [AGENT, BOSS]);
        assert_eq!(taped(Supervision::Barge, false), [AGENT, BOSS]);
        assert_eq!(taped(Supervision::Takeover, false), [BOSS]);
    }
}
