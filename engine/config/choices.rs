//! What who waits may choose instead, and how queues call back.

use std::collections::{BTreeMap, BTreeSet};

use acd::CallbackRule;
use callflow::Choice;
use model::QueueId;
use serde::Deserialize;

use super::fault::{Fault, Places};
use super::overflow::{fault_of, needs};
use super::{Config, Queue};

/// The keys of a telephone.
const KEYS: &str = "0123456789*#";
/// The destination of who would rather be called back.
const CALLBACK: &str = "callback";
/// That of who would rather leave a message.
const MAILBOX: &str = "mailbox";
/// The most callbacks that a queue may keep.
const CALLBACKS_MAX: usize = 100_000;
/// The most attempts to reach a customer.
const ATTEMPTS_MAX: u32 = 100;
/// The shortest and the longest time between two attempts: a second, and a day.
const RETRY_MS: (u64, u64) = (1_000, 86_400_000);
/// The shortest and the longest time for which a customer's telephone rings.
const DIAL_MS: (u64, u64) = (5_000, 180_000);
/// The shortest and the longest time for which a callback is kept: a minute, and a week.
const KEEP_MS: (u64, u64) = (60_000, 604_800_000);

/// `callback` of `[[queue]]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Callback {
    pub max: usize,
    pub attempts: u32,
    pub retry_ms: u64,
    pub dial_ms: u64,
    pub keep_ms: u64,
    pub first: First,
}

/// Who is called first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum First {
    /// The agent, and then the customer.
    #[default]
    Agent,
    /// The customer, while an agent is reserved; then the agent.
    Customer,
}

impl Default for Callback {
    fn default() -> Self {
        let CallbackRule { max, attempts, retry_ms, dial_timeout_ms, keep_ms } =
            CallbackRule::default();
        let first = First::default();
        Self { max, attempts, retry_ms, dial_ms: dial_timeout_ms, keep_ms, first }
    }
}

/// The prompt that tells of the choices, unless the queue has one of its own.
pub(super) fn prompt() -> String {
    "wait_choices".to_owned()
}

/// What a key stands for, at queue `own`.
fn choice(text: &str, own: &str) -> Option<Choice> {
    match text.split_once(':') {
        None if text == CALLBACK => Some(Choice::Callback),
        None if text == MAILBOX => Some(Choice::Mailbox(QueueId::from(own))),
        Some((MAILBOX, name)) if !name.is_empty() => Some(Choice::Mailbox(QueueId::from(name))),
        Some(("queue", name)) if !name.is_empty() => Some(Choice::Queue(QueueId::from(name))),
        Some(_) | None => None,
    }
}

impl Queue {
    /// What its callers may choose, by key.
    pub(crate) fn choices(&self) -> BTreeMap<char, Choice> {
        let read = |(key, text): (&String, &String)| {
            Some((key.chars().next()?, choice(text, &self.name)?))
        };
        self.choices.iter().filter_map(read).collect()
    }

    /// How it calls back, where it does.
    fn rule(&self) -> CallbackRule {
        let Callback { max, attempts, retry_ms, dial_ms, keep_ms, first: _ } = self.callback;
        CallbackRule { max, attempts, retry_ms, dial_timeout_ms: dial_ms, keep_ms }
    }
}

impl Config {
    /// Whether a queue's callers may choose to be called back, or are because they may not wait.
    pub(crate) fn calls_back(&self, queue: &Queue) -> bool {
        let sent = self.sent_from().filter(|(from, _)| *from == queue.name);
        queue.choices.values().any(|to| to == CALLBACK)
            || sent.into_iter().any(|(from, to)| needs(to, from).1)
    }

    /// How a queue calls back, if it does.
    pub(crate) fn callbacks(&self, queue: &Queue) -> Option<CallbackRule> {
        self.calls_back(queue).then(|| queue.rule())
    }

    /// Queues that call the customer first.
    pub(crate) fn customer_first(&self) -> BTreeSet<QueueId> {
        let queues = self.queues.iter().filter(|queue| queue.callback.first == First::Customer);
        queues.map(|queue| QueueId::from(queue.name.as_str())).collect()
    }

    /// The queues for whose people messages may be left, in whatever way.
    pub(crate) fn mailboxes(&self) -> BTreeSet<QueueId> {
        let sent = self.sent_from().flat_map(|(from, to)| needs(to, from).0);
        let chosen = self.queues.iter().flat_map(|queue| queue.choices().into_values());
        let chosen = chosen.filter_map(|choice| match choice {
            Choice::Mailbox(mailbox) => Some(mailbox),
            Choice::Callback | Choice::Queue(_) => None,
        });
        sent.chain(chosen).collect()
    }
}

/// What is wrong with the choices of queues.
pub(super) fn check(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    let calls_out = config.trunks.iter().any(|trunk| trunk.outbound.is_some());
    for (index, queue) in config.queues.iter().enumerate() {
        let mut fault = |key, message: String, remedy: &str| {
            faults.push(places.fault("queue", index, key, message, remedy));
        };
        for (key, text) in &queue.choices {
            if key.len() != 1 || !KEYS.contains(key.as_str()) {
                let remedy = "write one of 0 to 9, or \"*\" or \"#\" in quotation marks";
                fault("choices", format!("{key:?} is no key of a telephone"), remedy);
            }
            match choice(text, &queue.name) {
                None => {
                    let message = format!("{text:?} is nothing that callers can choose");
                    fault("choices", message, "write \"callback\", \"mailbox\" or \"queue:NAME\"");
                }
                Some(Choice::Mailbox(_)) => {
                    if let Some((message, remedy)) = fault_of(config, text, &queue.name) {
                        fault("choices", message, &remedy);
                    }
                }
                Some(Choice::Callback) if !calls_out => {
                    let message = "no trunk calls out, so nobody can be called back".to_owned();
                    fault("choices", message, "add [trunk.outbound] to a trunk, or leave it out");
                }
                Some(Choice::Queue(next)) if !is_other(config, &next, queue) => {
                    let message = format!("there is no other queue {:?}", next.as_str());
                    fault("choices", message, "name one of [[queue]], but not this one");
                }
                Some(Choice::Callback | Choice::Queue(_)) => {}
            }
        }
        check_callback(&queue.callback, &mut fault);
    }
}

fn is_other(config: &Config, name: &QueueId, than: &Queue) -> bool {
    name.as_str() != than.name && config.queues.iter().any(|queue| queue.name == name.as_str())
}

fn check_callback(wanted: &Callback, fault: &mut impl FnMut(&'static str, String, &str)) {
    let Callback { max, attempts, retry_ms, dial_ms, keep_ms, first: _ } = *wanted;
    let mut range = |what: &str, is_in: bool, (from, to): (u64, u64)| {
        if !is_in {
            let remedy = format!("give a number from {from} to {to}");
            fault("callback", format!("its {what} is out of range"), &remedy);
        }
    };
    let within = |ms: u64, (from, to): (u64, u64)| (from..=to).contains(&ms);
    range("max", (1..=CALLBACKS_MAX).contains(&max), (1, 100_000));
    range("attempts", (1..=ATTEMPTS_MAX).contains(&attempts), (1, ATTEMPTS_MAX.into()));
    range("retry_ms", within(retry_ms, RETRY_MS), RETRY_MS);
    range("dial_ms", within(dial_ms, DIAL_MS), DIAL_MS);
    range("keep_ms", within(keep_ms, KEEP_MS), KEEP_MS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_a_callback_a_message_or_another_queue() {
        let choice = |text| choice(text, "general");
        assert_eq!(choice("callback"), Some(Choice::Callback));
        assert_eq!(choice("queue:claims"), Some(Choice::Queue("claims".into())));
        assert_eq!(choice("mailbox"), Some(Choice::Mailbox("general".into())), "its own");
        assert_eq!(choice("mailbox:claims"), Some(Choice::Mailbox("claims".into())));
        for wrong in ["", "queue:", "say:closed", "callback:", "claims", "mailbox:"] {
            assert_eq!(choice(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn how_a_queue_calls_back_is_the_rooms_default_and_has_limits() {
        let faults = |callback: &Callback| {
            let mut faults = Vec::new();
            check_callback(callback, &mut |_, message, _: &str| faults.push(message));
            faults
        };
        let usual = Callback::default();
        assert!(faults(&usual).is_empty());
        for wrong in [
            Callback { max: 0, ..usual.clone() },
            Callback { attempts: 0, ..usual.clone() },
            Callback { retry_ms: 999, ..usual.clone() },
            Callback { dial_ms: 180_001, ..usual.clone() },
            Callback { keep_ms: 0, ..usual },
        ] {
            assert_eq!(faults(&wrong).len(), 1, "{wrong:?}");
        }
    }
}
