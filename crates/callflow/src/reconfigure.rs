//! The configuration changes while calls go on: what is said, played, opened and closed is as it
//! says from now on. Who is in a queue that is configured no more hears what they would have heard.

use std::collections::BTreeSet;
use std::mem::swap;
use std::sync::Arc;

use acd::Input as AcdInput;
use cti::{Audience, Event};
use model::{AgentId, FactBody, QueueId, UserId};

use crate::{Callflow, Config};

/// Everything as it is from now on.
#[derive(Debug, Clone)]
pub struct Reconfigured {
    /// Who wants it so.
    pub by: UserId,
    /// What is otherwise, for the record.
    pub what: String,
    /// How the distribution of calls differs from what it was.
    pub changes: acd::Changes,
    /// All of it. What the engine reads at its start alone is left as it was.
    pub config: Box<Config>,
}

impl Callflow {
    pub(crate) fn reconfigure(&mut self, new: Reconfigured) {
        let Reconfigured { by, what, changes, mut config } = new;
        let (call, agent) = (None, None);
        let (done, detail) = ("configure".to_owned(), what);
        self.note(FactBody::Steered { by: by.clone(), what: done, call, agent, detail });
        self.keep_closing(&mut config);
        let hours = self.other_hours(&config);
        let plans: BTreeSet<Arc<str>> = self.plan_names().collect();
        let is_new = |agent: &&AgentId| self.acd.agent(agent).is_none();
        let wanted = changes.agents.iter().filter_map(|(id, agent)| agent.as_ref().map(|_| id));
        let newcomers: Vec<AgentId> = wanted.filter(is_new).cloned().collect();
        self.take_up(&mut config);
        self.acd.handle_input(AcdInput::Configure(Box::new(changes)), self.now);
        for queue in hours {
            self.change_hours(queue);
        }
        self.change_plans(&by, &plans);
        self.drain_rooms();
        for agent in newcomers {
            self.find_newcomer(&agent);
        }
        self.replaced = Some(config);
    }

    /// What was replaced last: tables that are large, perhaps, for who has time to drop them.
    pub fn replaced(&mut self) -> Option<Box<Config>> {
        self.replaced.take()
    }

    /// Exchanges what may change at run time.
    fn take_up(&mut self, config: &mut Config) {
        let own = &mut self.config;
        swap(&mut own.scripts, &mut config.scripts);
        swap(&mut own.acd, &mut config.acd);
        swap(&mut own.hours, &mut config.hours);
        swap(&mut own.priorities, &mut config.priorities);
        swap(&mut own.customer_first, &mut config.customer_first);
        swap(&mut own.onwards, &mut config.onwards);
        swap(&mut own.messages, &mut config.messages);
        swap(&mut own.choices, &mut config.choices);
        swap(&mut own.phones, &mut config.phones);
        swap(&mut own.dispositions, &mut config.dispositions);
        swap(&mut own.prompts, &mut config.prompts);
        own.pop_timeout_ms = config.pop_timeout_ms;
        own.unreachable_after_ms = config.unreachable_after_ms;
        own.announce_every_ms = config.announce_every_ms;
        own.records = config.records;
        own.pause_max_ms = config.pause_max_ms;
    }

    /// Queues that are configured no more keep what their callers hear and where they go.
    fn keep_closing(&self, config: &mut Config) {
        let known: BTreeSet<QueueId> =
            config.acd.queues.iter().map(|queue| queue.queue.clone()).collect();
        let own = &self.config;
        for queue in self.acd.queues().map(|view| view.queue) {
            if known.contains(&queue) {
                continue;
            }
            let keep = |of: &QueueId| *of == queue;
            let kept = own.hours.get(&queue).map(|hours| (queue.clone(), Arc::clone(hours)));
            config.hours.extend(kept);
            let kept = own.messages.get(&queue).map(|rule| (queue.clone(), *rule));
            config.messages.extend(kept);
            let kept = own.choices.get(&queue).map(|keys| (queue.clone(), keys.clone()));
            config.choices.extend(kept);
            config.customer_first.extend(own.customer_first.get(&queue).cloned());
            let onwards = own.onwards.queues.iter().filter(|((of, _), _)| keep(of));
            config.onwards.queues.extend(onwards.map(|(key, to)| (key.clone(), to.clone())));
            let (now, then) = (&mut config.prompts, &own.prompts);
            now.says_wait.extend(then.says_wait.get(&queue).cloned());
            for (now, then) in [
                (&mut now.welcome, &then.welcome),
                (&mut now.choices, &then.choices),
                (&mut now.message_greetings, &then.message_greetings),
            ] {
                now.extend(then.get(&queue).map(|said| (queue.clone(), said.clone())));
            }
        }
    }

    /// Queues whose hours are others from now on, if they are configured.
    fn other_hours(&self, config: &Config) -> Vec<QueueId> {
        let named: BTreeSet<&QueueId> =
            self.config.hours.keys().chain(config.hours.keys()).collect();
        let differs = |queue: &&QueueId| self.config.hours.get(*queue) != config.hours.get(*queue);
        let known = |queue: &&QueueId| config.acd.queues.iter().any(|one| one.queue == **queue);
        let mut others: Vec<QueueId> =
            named.into_iter().filter(differs).filter(known).cloned().collect();
        // One that is new is open until its hours say otherwise.
        let fresh = config.hours.keys().filter(|queue| self.acd.queue_snapshot(queue).is_none());
        others.extend(fresh.cloned());
        others.sort();
        others.dedup();
        others
    }

    /// The room says that a queue has lost its last call: nothing is said of it any more.
    pub(crate) fn queue_gone(&mut self, queue: &QueueId) {
        let is_configured = self.config.acd.queues.iter().any(|known| known.queue == *queue);
        if !is_configured {
            self.config.hours.remove(queue);
            self.forget_hours(queue);
        }
        let by = UserId::from("engine");
        let (what, detail) = ("queue_gone".to_owned(), queue.to_string());
        self.note(FactBody::Steered { by, what, call: None, agent: None, detail });
    }

    fn plan_names(&self) -> impl Iterator<Item = Arc<str>> {
        self.config.acd.plans.iter().map(|plan| Arc::clone(&plan.name))
    }

    /// A plan that is configured no more is on no more; boards are told of those that are new.
    fn change_plans(&mut self, by: &UserId, before: &BTreeSet<Arc<str>>) {
        let now: BTreeSet<Arc<str>> = self.plan_names().collect();
        for plan in before.difference(&now) {
            if self.plans.remove(plan) {
                let (plan, by) = (plan.to_string(), by.clone());
                self.note(FactBody::PlanSwitched { plan, on: false, by });
            }
            let off = Event::PlanState { plan: Arc::clone(plan), on: false };
            self.cti.publish(Audience::Board, off, self.wall());
        }
        for plan in now.difference(before) {
            let off = Event::PlanState { plan: Arc::clone(plan), on: false };
            self.cti.publish(Audience::Board, off, self.wall());
        }
    }

    /// An agent who was not one a moment ago may have a phone that is registered, or a desktop.
    fn find_newcomer(&mut self, agent: &AgentId) {
        if self.cti.is_connected(&UserId::from(agent.as_str())) {
            self.acd.handle_input(AcdInput::SignIn { agent: agent.clone() }, self.now);
        }
        let bindings = self.registrar.bindings(agent.as_str());
        if bindings.into_iter().any(|binding| binding.reachable) {
            self.phone_registered(agent);
        }
    }
}
