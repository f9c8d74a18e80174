//! Where a queue sends callers whom it does not take, or keeps no longer.

use acd::{Limits, Overflow, Rule, WaitLimit};
use model::{PromptId, QueueId};

use super::fault::{Fault, Places};
use super::{Config, Queue};

/// The shortest time for which a call may be kept in a queue.
const WAIT_MIN_MS: u64 = 1_000;
/// The longest: a day.
const WAIT_MAX_MS: u64 = 86_400_000;
/// The most callers in a queue.
pub(super) const WAITING_MAX: usize = 100_000;

const REMEDY: &str = "write \"queue:NAME\", or \"say:PROMPT\" for an announcement before the end";

/// Where "queue:NAME" or "say:PROMPT" leads.
pub(super) fn destination(text: &str) -> Result<Overflow, String> {
    match text.split_once(':') {
        Some(("queue", name)) if !name.is_empty() => Ok(Overflow::Queue(QueueId::from(name))),
        Some(("say", name)) if !name.is_empty() => Ok(Overflow::Announcement(PromptId::from(name))),
        Some(("number" | "mailbox" | "callback", _)) => {
            Err(format!("{text:?}: calls cannot be sent to a number, a mailbox or a callback yet"))
        }
        _ if matches!(text, "number" | "mailbox" | "callback") => {
            Err(format!("{text:?}: calls cannot be sent to a number, a mailbox or a callback yet"))
        }
        _ => Err(format!("{text:?} says nothing of where calls go")),
    }
}

/// What those hear who are sent there, if it is an announcement.
pub(super) fn announcement(text: &str) -> Option<PromptId> {
    match destination(text) {
        Ok(Overflow::Announcement(prompt)) => Some(prompt),
        Ok(
            Overflow::Queue(_) | Overflow::Number(_) | Overflow::Mailbox(_) | Overflow::Callback,
        )
        | Err(_) => None,
    }
}

impl Queue {
    /// Where it sends calls, by the key that says so.
    fn destinations(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let keys = [
            ("when_full", &self.when_full),
            ("when_unstaffed", &self.when_unstaffed),
            ("when_closed", &self.when_closed),
            ("when_waited", &self.when_waited),
        ];
        keys.into_iter().filter_map(|(key, to)| Some((key, to.as_deref()?)))
    }

    /// What those hear whom it sends away.
    pub(crate) fn announcements(&self) -> impl Iterator<Item = PromptId> {
        self.destinations().filter_map(|(_, to)| announcement(to))
    }

    /// Its limits, as the distribution of calls has them.
    pub(crate) fn limits(&self) -> Limits {
        let to = |text: &Option<String>| destination(text.as_deref()?).ok();
        let rule = |text, waiting_too| to(text).map(|to| Rule { to, waiting_too });
        let wait = self.wait_max_ms.zip(to(&self.when_waited));
        Limits {
            full: to(&self.when_full),
            wait: wait.map(|(ms, to)| WaitLimit { ms, to }),
            unstaffed: rule(&self.when_unstaffed, self.unstaffed_waiting_too),
            closed: rule(&self.when_closed, self.closed_waiting_too),
            ..Limits::default()
        }
    }
}

/// What is wrong with the limits of queues.
pub(super) fn check(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    for (index, queue) in config.queues.iter().enumerate() {
        let mut fault = |key: &str, message: String, remedy: &str| {
            faults.push(places.fault("queue", index, key, message, remedy));
        };
        for (key, to) in queue.destinations() {
            match destination(to) {
                Err(message) => fault(key, message, REMEDY),
                Ok(Overflow::Queue(next)) if !is_there(config, &next) => {
                    let known: Vec<&str> =
                        config.queues.iter().map(|queue| queue.name.as_str()).collect();
                    let message = format!("there is no queue {:?}", next.as_str());
                    fault(key, message, &format!("choose among {}", known.join(", ")));
                }
                Ok(Overflow::Queue(next)) if leads_to(config, next.as_str(), &queue.name) => {
                    let message = format!("calls may come back from queue {:?}", next.as_str());
                    fault(key, message, "send them where they stay, or write \"say:PROMPT\"");
                }
                Ok(_) => {}
            }
        }
        if !(1..=WAITING_MAX).contains(&queue.waiting_max) {
            let message = format!("{} is out of range", queue.waiting_max);
            fault("waiting_max", message, &format!("give a number from 1 to {WAITING_MAX}"));
        }
        match (queue.wait_max_ms, &queue.when_waited) {
            (Some(ms), Some(_)) if !(WAIT_MIN_MS..=WAIT_MAX_MS).contains(&ms) => {
                let remedy = format!("give a number from {WAIT_MIN_MS} to {WAIT_MAX_MS}");
                fault("wait_max_ms", format!("{ms} is out of range"), &remedy);
            }
            (Some(_), None) => {
                let message = "nothing says where those go who waited for so long".to_owned();
                fault("wait_max_ms", message, "add when_waited = \"queue:NAME\" or \"say:PROMPT\"");
            }
            (None, Some(_)) => {
                let message = "nothing says how long that is".to_owned();
                fault("when_waited", message, "add wait_max_ms = 600000");
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        for (key, too, rule) in [
            ("closed_waiting_too", queue.closed_waiting_too, &queue.when_closed),
            ("unstaffed_waiting_too", queue.unstaffed_waiting_too, &queue.when_unstaffed),
        ] {
            if too && rule.is_none() {
                let message = "nothing says where those go who wait".to_owned();
                let rule = key.replace("_waiting_too", "");
                fault(key, message, &format!("add when_{rule} = \"queue:NAME\""));
            }
        }
    }
}

fn is_there(config: &Config, name: &QueueId) -> bool {
    config.queues.iter().any(|queue| queue.name == name.as_str())
}

/// Whether calls of queue `from` may come to queue `to`, by whatever way.
pub(super) fn leads_to(config: &Config, from: &str, to: &str) -> bool {
    let mut reached = vec![from];
    let mut at = 0;
    while let Some(name) = reached.get(at).copied() {
        if name == to {
            return true;
        }
        let queues = config.queues.iter().filter(|queue| queue.name == name);
        for (_, next) in queues.flat_map(Queue::destinations) {
            if let Some(next) = next.strip_prefix("queue:")
                && !reached.contains(&next)
            {
                reached.push(next);
            }
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_queue_or_an_announcement_and_nothing_else_yet() {
        assert_eq!(destination("queue:claims"), Ok(Overflow::Queue("claims".into())));
        assert_eq!(destination("say:closed"), Ok(Overflow::Announcement("closed".into())));
        for later in ["number:95500", "mailbox:general", "callback", "callback:"] {
            let message = destination(later).expect_err(later);
            assert!(message.contains("yet"), "{message}");
        }
        for wrong in ["", "queue:", "say:", "claims", "Queue:claims"] {
            assert!(destination(wrong).is_err(), "{wrong}");
        }
    }
}
