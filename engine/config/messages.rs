//! `message` of `[[queue]]`: how callers leave messages for its people.

use callflow::MessageRule;
use serde::Deserialize;

use super::Config;
use super::fault::{Fault, Places};

/// The shortest and the longest time that a message may be asked to have at least.
const MIN_MS: (u64, u64) = (0, 10_000);
/// The shortest and the longest time that a message may be allowed.
const MAX_MS: (u64, u64) = (5_000, 600_000);
/// The shortest and the longest quiet after which a message is over.
const QUIET_MS: (u64, u64) = (2_000, 60_000);

/// `message` of `[[queue]]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Message {
    pub prompt: String,
    pub min_ms: u64,
    pub max_ms: u64,
    pub quiet_ms: u64,
}

impl Default for Message {
    fn default() -> Self {
        let prompt = "mailbox_greeting".to_owned();
        Self { prompt, min_ms: 2_000, max_ms: 180_000, quiet_ms: 8_000 }
    }
}

impl Message {
    /// In the call flow's terms.
    pub(crate) const fn rule(&self) -> MessageRule {
        let Self { min_ms, max_ms, quiet_ms, .. } = *self;
        MessageRule { min_ms, max_ms, quiet_ms }
    }

    /// Which of its times is out of which range.
    fn out_of_range(&self) -> impl Iterator<Item = (&'static str, (u64, u64))> {
        let all = [
            ("min_ms", self.min_ms, MIN_MS),
            ("max_ms", self.max_ms, MAX_MS),
            ("quiet_ms", self.quiet_ms, QUIET_MS),
        ];
        let wrong = all.into_iter().filter(|(_, ms, (from, to))| !(*from..=*to).contains(ms));
        wrong.map(|(name, _, range)| (name, range))
    }
}

/// What is wrong with how messages are taken.
pub(super) fn check(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    for (index, queue) in config.queues.iter().enumerate() {
        for (name, (from, to)) in queue.message.out_of_range() {
            let message = format!("its {name} is out of range");
            let remedy = format!("give a number from {from} to {to}");
            faults.push(places.fault("queue", index, "message", message, &remedy));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_of_a_message_has_its_range() {
        let usual = Message::default();
        assert_eq!(usual.out_of_range().count(), 0);
        let rule = MessageRule { min_ms: 2_000, max_ms: 180_000, quiet_ms: 8_000 };
        assert_eq!(usual.rule(), rule);
        for (wrong, name) in [
            (Message { min_ms: 10_001, ..usual.clone() }, "min_ms"),
            (Message { max_ms: 4_999, ..usual.clone() }, "max_ms"),
            (Message { max_ms: 600_001, ..usual.clone() }, "max_ms"),
            (Message { quiet_ms: 1_999, ..usual }, "quiet_ms"),
        ] {
            let found: Vec<&str> = wrong.out_of_range().map(|(name, _)| name).collect();
            assert_eq!(found, [name]);
        }
    }
}
