//! `[[plan]]`: emergency plans, which a supervisor puts on and off.

use std::collections::{BTreeMap, BTreeSet};

use model::{PromptId, QueueId};
use serde::Deserialize;

use super::Config;
use super::fault::{Fault, Places};
use super::overflow::{announcement, destinations, fault_of, next_queue};

/// The longest name of a plan, in bytes: what a command may name.
const NAME_MAX: usize = 64;

/// `[[plan]]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Plan {
    pub name: String,
    #[serde(default)]
    pub waiting_too: bool,
    pub queues: BTreeMap<String, String>,
}

impl Plan {
    /// As the distribution of calls has it.
    pub(crate) fn plan(&self) -> acd::Plan {
        let rule = |(queue, to): (&String, &String)| {
            let to = destinations(to, queue).ok()?.into_iter().next()?;
            let rule = acd::Rule { to, waiting_too: self.waiting_too };
            Some((QueueId::from(queue.as_str()), rule))
        };
        let queues = self.queues.iter().filter_map(rule).collect();
        acd::Plan { name: self.name.as_str().into(), queues }
    }

    /// What those hear whom it sends away.
    pub(crate) fn announcements(&self) -> impl Iterator<Item = PromptId> {
        self.queues.values().filter_map(|to| announcement(to))
    }
}

/// What is wrong with the plans. That calls go in no circle, the plans' ways included, is checked
/// by the distribution of calls itself.
pub(super) fn check(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    let mut names = BTreeSet::new();
    for (index, plan) in config.plans.iter().enumerate() {
        let mut fault = |key, message: String, remedy: &str| {
            faults.push(places.fault("plan", index, key, message, remedy));
        };
        if !(1..=NAME_MAX).contains(&plan.name.len()) {
            let remedy = format!("give it a name of 1 to {NAME_MAX} bytes");
            fault("name", format!("{:?} is no name", plan.name), &remedy);
        }
        if !names.insert(plan.name.as_str()) {
            fault("name", format!("there are two plans {:?}", plan.name), "rename one");
        }
        if index == acd::MAX_PLANS {
            let message = format!("there are more than {} plans", acd::MAX_PLANS);
            fault("name", message, "leave out what is never used");
        }
        for (queue, to) in &plan.queues {
            let is_there = |name: &str| config.queues.iter().any(|known| known.name == name);
            if !is_there(queue) {
                fault("queues", format!("there is no queue {queue:?}"), "name one of [[queue]]");
            }
            if let Some((message, remedy)) = fault_of(config, to, queue) {
                fault("queues", message, &remedy);
            }
        }
    }
    if faults.is_empty()
        && let Some((queue, index)) = circle(config)
    {
        let message = format!("calls of queue {queue:?} may come back to it");
        let remedy = "send them where they stay, or write \"say:PROMPT\"";
        faults.push(places.fault("plan", index, "queues", message, remedy));
    }
}

/// A queue from which calls may come back to it, and the plan by which.
fn circle(config: &Config) -> Option<(String, usize)> {
    config.plans.iter().enumerate().find_map(|(index, plan)| {
        let with = |queue: &str, to: &str| next_queue(to).is_some_and(|next| next == queue);
        let direct = plan.queues.iter().find(|(queue, to)| with(queue, to));
        let queues = plan.queues.iter().filter_map(|(queue, to)| {
            let next = next_queue(to)?;
            super::overflow::leads_to(config, next, queue).then(|| queue.clone())
        });
        let found = direct.map(|(queue, _)| queue.clone()).or_else(|| queues.into_iter().next());
        found.map(|queue| (queue, index))
    })
}
