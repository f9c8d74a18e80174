//! What an agent's day has come to, beside status and state: kept with every change of the agent,
//! so that the last one says all that a restart must not lose.

use std::collections::BTreeMap;

use crate::{NotReadyReason, QueueId, Wall};

/// What an agent's day has come to. Times are the wall clock's, for they outlive the engine's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct AgentDay {
    /// When the agent signed in.
    pub since: Wall,
    /// Since when the agent could take a call, or could have but for the present one.
    pub idle_since: Wall,
    /// Offers missed since then: no answer, rejected, busy, unreachable, error.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "is_none_missed"))]
    pub missed: [u32; 5],
    /// The same since the agent last answered or became ready.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "is_none_missed"))]
    pub missed_in_row: [u32; 5],
    /// Until when the agent is left alone after a missed offer.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub rests_until: Option<Wall>,
    /// When after-call work ends by itself, and the latest time to which it can be extended.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub acw: Option<(Wall, Wall)>,
    /// For what the agent wants to be `NotReady`, if that waits for someone's approval.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub asks: Option<NotReadyReason>,
    /// Calls answered.
    pub calls: u64,
    /// Since when the agent is busy, if so.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub busy_since: Option<Wall>,
    /// How long the agent was busy before, in microseconds.
    pub busy_us: u64,
    /// The share of the time that was, in millionths, as the agent last became idle.
    pub occupied_ppm: u64,
    /// From each queue that offered the agent something: offers since signing in, and the number
    /// of the last decision for the agent.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "BTreeMap::is_empty"))]
    pub turns: BTreeMap<QueueId, (u64, u64)>,
}

#[cfg(feature = "serde")]
fn is_none_missed(missed: &[u32; 5]) -> bool {
    missed.iter().all(|count| *count == 0)
}

#[cfg(all(test, feature = "serde"))]
#[allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_day_is_short_and_comes_back_whole() {
        let turns = [("claims".into(), (12, 345))].into();
        let (since, idle_since) = (Wall(1_790_000_000_000_000), Wall(1_790_000_900_000_000));
        let day = AgentDay { since, idle_since, calls: 12, turns, ..AgentDay::default() };
        let text = serde_json::to_string(&day).unwrap();
        assert!(text.len() < 160, "{} bytes: {text}", text.len());
        assert_eq!(serde_json::from_str::<AgentDay>(&text).unwrap(), day);
        assert_eq!(serde_json::from_str::<AgentDay>("{}").unwrap(), AgentDay::default());
    }

    #[test]
    fn all_of_a_bad_day_comes_back() {
        let day = AgentDay {
            missed: [1, 2, 3, 4, 5],
            missed_in_row: [1, 0, 0, 0, 0],
            rests_until: Some(Wall(5)),
            acw: Some((Wall(6), Wall(7))),
            asks: Some(NotReadyReason::Break),
            busy_since: Some(Wall(8)),
            busy_us: 9,
            occupied_ppm: 10,
            ..AgentDay::default()
        };
        let text = serde_json::to_string(&day).unwrap();
        assert_eq!(serde_json::from_str::<AgentDay>(&text).unwrap(), day);
    }
}
