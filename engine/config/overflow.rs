//! Where a queue sends callers whom it does not take, or keeps no longer.

use acd::{Limits, Overflow, OverflowCause, Rule, WaitLimit};
use callflow::Onwards;
use model::{PromptId, QueueId};

use super::fault::{Fault, Places};
use super::{Config, Queue};

/// The shortest time for which a call may be kept in a queue.
const WAIT_MIN_MS: u64 = 1_000;
/// The longest: a day.
const WAIT_MAX_MS: u64 = 86_400_000;
/// The most callers in a queue.
pub(super) const WAITING_MAX: usize = 100_000;

/// The most places to which a queue sends its callers for one reason.
const PLACES_MAX: usize = 8;

const REMEDY: &str = "write \"queue:NAME\", \"number:DIGITS\", \"mailbox\", \"callback\" or \
     \"say:PROMPT\" for an announcement before the end; several with commas between";

/// Where such a text leads, written at queue `own`: each place with its turn.
///
/// # Errors
/// What of it says nothing, or is never come to.
pub(super) fn destinations(text: &str, own: &str) -> Result<Vec<Overflow>, String> {
    let places: Vec<Overflow> =
        text.split(',').map(|one| destination(one.trim(), own)).collect::<Result<_, _>>()?;
    let before_last = places.iter().rev().skip(1);
    let is_end =
        |place: &&Overflow| matches!(place, Overflow::Queue(_) | Overflow::Announcement(_));
    if before_last.into_iter().any(|place| is_end(&place)) {
        return Err(format!("{text:?}: nothing comes after a queue or an announcement"));
    }
    match places.len() {
        1..=PLACES_MAX => Ok(places),
        _ => Err(format!("{text:?} has more than {PLACES_MAX} places")),
    }
}

fn destination(text: &str, own: &str) -> Result<Overflow, String> {
    let digits = |name: &str| trunk::normalise(name);
    match text.split_once(':') {
        Some(("queue", name)) if !name.is_empty() => Ok(Overflow::Queue(QueueId::from(name))),
        Some(("say", name)) if !name.is_empty() => Ok(Overflow::Announcement(PromptId::from(name))),
        Some(("mailbox", name)) if !name.is_empty() => Ok(Overflow::Mailbox(name.into())),
        Some(("number", name)) if !digits(name).is_empty() => {
            Ok(Overflow::Number(digits(name).into()))
        }
        None if text == "mailbox" => Ok(Overflow::Mailbox(own.into())),
        None if text == "callback" => Ok(Overflow::Callback),
        Some(_) | None => Err(format!("{text:?} says nothing of where calls go")),
    }
}

/// What those hear who are sent there, if it is an announcement.
pub(super) fn announcement(text: &str) -> Option<PromptId> {
    let places = destinations(text, "").ok()?;
    places.into_iter().find_map(|place| match place {
        Overflow::Announcement(prompt) => Some(prompt),
        Overflow::Queue(_) | Overflow::Number(_) | Overflow::Mailbox(_) | Overflow::Callback => {
            None
        }
    })
}

/// The mailboxes and whether there is a callback in a text, of a queue or a plan for it.
pub(super) fn needs(text: &str, own: &str) -> (Vec<QueueId>, bool) {
    let places = destinations(text, own).unwrap_or_default();
    let mailbox = |place: &Overflow| match place {
        Overflow::Mailbox(mailbox) => Some(QueueId::from(&**mailbox)),
        Overflow::Queue(_)
        | Overflow::Announcement(_)
        | Overflow::Number(_)
        | Overflow::Callback => None,
    };
    let calls_back = places.contains(&Overflow::Callback);
    (places.iter().filter_map(mailbox).collect(), calls_back)
}

impl Queue {
    /// Where it sends calls, by the key that says so.
    pub(super) fn destinations(&self) -> impl Iterator<Item = (&'static str, &str)> {
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

    fn places(&self, text: Option<&String>) -> Vec<Overflow> {
        text.and_then(|text| destinations(text, &self.name).ok()).unwrap_or_default()
    }

    /// Its limits, as the distribution of calls has them.
    pub(crate) fn limits(&self) -> Limits {
        let to = |text: &Option<String>| self.places(text.as_ref()).into_iter().next();
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

    /// What comes after the first place of each of them.
    fn onwards(&self) -> impl Iterator<Item = ((QueueId, OverflowCause), Vec<Overflow>)> {
        let keys = [
            (OverflowCause::Full, &self.when_full),
            (OverflowCause::Unstaffed, &self.when_unstaffed),
            (OverflowCause::Closed, &self.when_closed),
            (OverflowCause::TimedOut, &self.when_waited),
        ];
        keys.into_iter().filter_map(|(why, to)| {
            let rest: Vec<Overflow> = self.places(to.as_ref()).into_iter().skip(1).collect();
            let key = (QueueId::from(self.name.as_str()), why);
            (!rest.is_empty()).then_some((key, rest))
        })
    }
}

impl Config {
    /// Where callers go for whom the first place of a queue or a plan is none.
    pub fn onwards(&self) -> Onwards {
        let plans = self.plans.iter().flat_map(|plan| {
            plan.queues.iter().filter_map(|(queue, to)| {
                let places = destinations(to, queue).ok()?;
                let rest: Vec<Overflow> = places.into_iter().skip(1).collect();
                let key = (plan.name.as_str().into(), QueueId::from(queue.as_str()));
                (!rest.is_empty()).then_some((key, rest))
            })
        });
        Onwards {
            queues: self.queues.iter().flat_map(Queue::onwards).collect(),
            plans: plans.collect(),
        }
    }

    /// All texts that send callers elsewhere, with the queue that does.
    pub(super) fn sent_from(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self
            .queues
            .iter()
            .flat_map(|queue| queue.destinations().map(|(_, to)| (queue.name.as_str(), to)));
        let plans = self.plans.iter().flat_map(|plan| &plan.queues);
        own.chain(plans.map(|(queue, to)| (queue.as_str(), to.as_str())))
    }
}

/// What is wrong with one such text of queue `own`, if anything, and what to do about it.
pub(super) fn fault_of(config: &Config, text: &str, own: &str) -> Option<(String, String)> {
    let places = match destinations(text, own) {
        Ok(places) => places,
        Err(message) => return Some((message, REMEDY.to_owned())),
    };
    places.iter().find_map(|place| fault_of_place(config, place))
}

fn fault_of_place(config: &Config, place: &Overflow) -> Option<(String, String)> {
    let known = || {
        let known: Vec<&str> = config.queues.iter().map(|queue| queue.name.as_str()).collect();
        format!("choose among {}", known.join(", "))
    };
    match place {
        Overflow::Queue(next) if !is_there(config, next.as_str()) => {
            Some((format!("there is no queue {:?}", next.as_str()), known()))
        }
        Overflow::Mailbox(name) if !is_there(config, name) => {
            Some((format!("there is no queue {name:?} whose people would hear it"), known()))
        }
        Overflow::Mailbox(_) if !config.recordings.enabled => {
            let message = "nothing is recorded, so nobody can leave a message".to_owned();
            Some((message, "set recordings.enabled, or leave the mailbox out".to_owned()))
        }
        Overflow::Number(number) if !may_be_called(config, number) => {
            let message = format!("no trunk may call {number}");
            Some((message, "name it in `allowed` of a trunk's [trunk.outbound]".to_owned()))
        }
        Overflow::Callback if config.trunks.iter().all(|trunk| trunk.outbound.is_none()) => {
            let message = "no trunk calls out, so nobody can be called back".to_owned();
            Some((message, "add [trunk.outbound] to a trunk, or leave it out".to_owned()))
        }
        Overflow::Queue(_)
        | Overflow::Mailbox(_)
        | Overflow::Number(_)
        | Overflow::Announcement(_)
        | Overflow::Callback => None,
    }
}

/// Whether the list of some trunk allows that number. One for help is called for nobody else.
fn may_be_called(config: &Config, number: &str) -> bool {
    let outbound = config.trunks.iter().filter_map(|trunk| trunk.outbound.as_ref());
    let allows = |pattern: &String| {
        pattern.parse::<trunk::Pattern>().is_ok_and(|pattern| pattern.matches(number))
    };
    let is_emergency = |one: &str| one == number;
    outbound.into_iter().any(|outbound| {
        outbound.allowed.iter().any(allows)
            && !outbound.emergency.iter().any(|one| is_emergency(one))
    })
}

/// What is wrong with the limits of queues.
pub(super) fn check(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    for (index, queue) in config.queues.iter().enumerate() {
        let mut fault = |key: &str, message: String, remedy: &str| {
            faults.push(places.fault("queue", index, key, message, remedy));
        };
        for (key, to) in queue.destinations() {
            if let Some((message, remedy)) = fault_of(config, to, &queue.name) {
                fault(key, message, &remedy);
            } else if let Some(next) = next_queue(to)
                && leads_to(config, next, &queue.name)
            {
                let message = format!("calls may come back from queue {next:?}");
                fault(key, message, "send them where they stay, or write \"say:PROMPT\"");
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

fn is_there(config: &Config, name: &str) -> bool {
    config.queues.iter().any(|queue| queue.name == name)
}

/// The queue to which calls go at last, if it is one: only the last place can be.
pub(super) fn next_queue(text: &str) -> Option<&str> {
    text.rsplit(',').next()?.trim().strip_prefix("queue:")
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
            if let Some(next) = next_queue(next)
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
    fn a_destination_is_one_place_or_several_in_order() {
        let places = |text| destinations(text, "claims");
        assert_eq!(places("queue:general"), Ok(vec![Overflow::Queue("general".into())]));
        assert_eq!(places("say:closed"), Ok(vec![Overflow::Announcement("closed".into())]));
        assert_eq!(places("mailbox"), Ok(vec![Overflow::Mailbox("claims".into())]), "its own");
        assert_eq!(
            places("number:021-5888 0000, callback, mailbox:general, queue:general"),
            Ok(vec![
                Overflow::Number("02158880000".into()),
                Overflow::Callback,
                Overflow::Mailbox("general".into()),
                Overflow::Queue("general".into()),
            ])
        );
        for wrong in ["", "queue:", "say:", "claims", "Queue:claims", "number:", "mailbox:", ","] {
            assert!(places(wrong).is_err(), "{wrong}");
        }
        for never in ["say:closed, mailbox", "queue:general, say:closed"] {
            let message = places(never).expect_err(never);
            assert!(message.contains("nothing comes after"), "{message}");
        }
        assert!(places(&["callback"; 9].join(",")).is_err(), "there are too many");
    }

    #[test]
    fn what_comes_last_leads_to_a_queue_or_says_something() {
        assert_eq!(next_queue("number:02158880000, queue:claims"), Some("claims"));
        assert_eq!(next_queue("number:02158880000, mailbox"), None);
        assert_eq!(announcement("callback, say:closed"), Some("closed".into()));
        assert_eq!(needs("callback, mailbox", "claims"), (vec!["claims".into()], true));
        assert_eq!(needs("mailbox:general", "claims"), (vec!["general".into()], false));
    }
}
