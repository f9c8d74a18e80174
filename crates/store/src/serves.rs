//! That an agent serves a queue, and how well.

use model::QueueId;
use serde::{Deserialize, Serialize};

/// A queue that an agent serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serves {
    /// Which.
    pub queue: QueueId,
    /// How well, from 1 up.
    pub level: u8,
    /// How much of the agent's calls should come from it, compared with the other queues' shares.
    pub share: u32,
}

impl From<QueueId> for Serves {
    /// With the lowest level.
    fn from(queue: QueueId) -> Self {
        Self { queue, level: 1, share: 1 }
    }
}

/// As the database has it: a name, where there is no more to be said.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Name(QueueId),
    Rated { queue: QueueId, level: u8, share: u32 },
}

/// The queues as JSON.
pub(crate) fn to_json(serves: &[Serves]) -> String {
    let stored = serves.iter().map(|Serves { queue, level, share }| match (*level, *share) {
        (1, 1) => Stored::Name(queue.clone()),
        (level, share) => Stored::Rated { queue: queue.clone(), level, share },
    });
    serde_json::json!(stored.collect::<Vec<_>>()).to_string()
}

/// The queues that JSON names.
pub(crate) fn from_json(text: &str) -> Result<Vec<Serves>, serde_json::Error> {
    let stored: Vec<Stored> = serde_json::from_str(text)?;
    let serves = stored.into_iter().map(|one| match one {
        Stored::Name(queue) => queue.into(),
        Stored::Rated { queue, level, share } => Serves { queue, level, share },
    });
    Ok(serves.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_shares_come_back_and_what_was_stored_before_there_were_any_is_read() {
        let serves = [
            QueueId::from("general").into(),
            Serves { queue: "claims".into(), level: 7, share: 2 },
        ];
        let text = to_json(&serves);
        assert_eq!(text, r#"["general",{"level":7,"queue":"claims","share":2}]"#);
        assert_eq!(from_json(&text).unwrap(), serves);
        assert_eq!(from_json(r#"["general"]"#).unwrap(), serves[..1]);
        assert!(from_json(r#"[{"queue":"claims"}]"#).is_err());
    }
}
