//! The steps of queues: who takes their calls, and what opens them to more agents, or to others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use acd::{MAX_LEVEL, MAX_STEPS, MAX_WINDOW_MS, ServiceRule, Skill};
use model::{AgentId, Opens, QueueId, Tier};
use serde::Deserialize;

use super::fault::{Fault, Places};
use super::{Config, Queue};

/// The longest name of a group, in bytes.
const NAME_MAX: usize = 64;

/// One of a queue's `tiers`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct TierStep {
    #[serde(default)]
    pub level: Option<u8>,
    #[serde(default)]
    pub after_ms: Option<u64>,
    #[serde(default)]
    pub wait_above_ms: Option<u64>,
    #[serde(default)]
    pub service_below_permille: Option<u32>,
    #[serde(default)]
    pub idle_at_most: Option<u32>,
    #[serde(default = "lowest_skill")]
    pub min_skill: u8,
    #[serde(default)]
    pub skill: Option<String>,
    #[serde(default)]
    pub any_skill: bool,
    #[serde(default)]
    pub groups: Vec<String>,
    #[serde(default)]
    pub sites: Vec<String>,
    #[serde(default)]
    pub replaces: bool,
}

const fn lowest_skill() -> u8 {
    1
}

/// `service` of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Service {
    pub within_ms: u64,
    pub window_ms: u64,
}

/// `[[group]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Group {
    pub name: String,
    #[serde(default)]
    pub site: bool,
    pub agents: Vec<String>,
}

impl Group {
    fn has(&self, agent: &AgentId) -> bool {
        self.agents.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(begins) => agent.as_str().starts_with(begins),
            None => agent.as_str() == pattern,
        })
    }
}

impl TierStep {
    /// As the distribution of calls has it.
    pub(crate) fn step(&self) -> acd::TierStep {
        let named = |names: &[String]| names.iter().map(|name| name.as_str().into()).collect();
        acd::TierStep {
            tier: self.level.map(|level| Tier { level }),
            min_level: self.min_skill,
            groups: named(&self.groups),
            sites: named(&self.sites),
            replaces: self.replaces,
            ..acd::TierStep::of(self.asks_for(), self.opens())
        }
    }

    fn asks_for(&self) -> Skill {
        match &self.skill {
            Some(queue) => Skill::Of(QueueId::from(queue.as_str())),
            None if self.any_skill => Skill::None,
            None => Skill::Own,
        }
    }

    const fn opens(&self) -> Opens {
        Opens {
            after_ms: self.after_ms,
            estimate_ms: self.wait_above_ms,
            service_permille: self.service_below_permille,
            idle: self.idle_at_most,
        }
    }
}

impl Queue {
    /// How its service level is taken, where a step goes by it.
    pub(crate) fn service_rule(&self) -> Option<ServiceRule> {
        self.service.map(|Service { within_ms, window_ms }| ServiceRule { within_ms, window_ms })
    }
}

impl Config {
    /// The groups that an agent is of.
    pub(crate) fn groups_of(&self, agent: &AgentId) -> BTreeSet<Arc<str>> {
        let groups = self.groups.iter().filter(|group| !group.site && group.has(agent));
        groups.map(|group| group.name.as_str().into()).collect()
    }

    /// The site where an agent is: the first that names them.
    pub(crate) fn site_of(&self, agent: &AgentId) -> Option<Arc<str>> {
        let mut sites = self.groups.iter().filter(|group| group.site && group.has(agent));
        sites.next().map(|site| site.name.as_str().into())
    }
}

/// What is wrong with them.
pub(super) fn check(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    groups(config, places, faults);
    for (index, queue) in config.queues.iter().enumerate() {
        let mut fault = |key, message: String, remedy: &str| {
            faults.push(places.fault("queue", index, key, message, remedy));
        };
        if queue.tiers.is_empty() {
            let remedy = "write tiers = [{ level = 1, after_ms = 0 }]";
            fault("tiers", "no tier ever serves it".to_owned(), remedy);
        }
        if queue.tiers.len() > MAX_STEPS {
            let message = format!("{} steps are too many", queue.tiers.len());
            fault("tiers", message, &format!("write at most {MAX_STEPS}"));
        }
        for (at, step) in (1_usize..).zip(&queue.tiers) {
            who(config, step, &mut |message, remedy| {
                fault("tiers", format!("step {at}: {message}"), remedy);
            });
            when(queue, at, step, &mut |message, remedy| {
                fault("tiers", format!("step {at}: {message}"), remedy);
            });
        }
        order(queue, &mut fault);
        if let Some(Service { within_ms, window_ms }) = queue.service
            && (within_ms == 0 || !(1..=MAX_WINDOW_MS).contains(&window_ms))
        {
            let message = format!("{within_ms} ms within {window_ms} ms");
            let remedy = format!("write 1 or more, and a window_ms of at most {MAX_WINDOW_MS}");
            fault("service", message, &remedy);
        }
    }
}

fn groups(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    let mut names = BTreeSet::new();
    for (index, group) in config.groups.iter().enumerate() {
        let mut fault = |key, message: String, remedy: &str| {
            faults.push(places.fault("group", index, key, message, remedy));
        };
        if !(1..=NAME_MAX).contains(&group.name.len()) {
            let remedy = format!("give it a name of 1 to {NAME_MAX} bytes");
            fault("name", format!("{:?} is no name", group.name), &remedy);
        }
        if !names.insert(&group.name) {
            fault("name", format!("there are two groups {:?}", group.name), "rename one");
        }
        if group.agents.is_empty() {
            let remedy = "write agents = [\"8001\", \"81*\"]";
            fault("agents", "nobody is of it".to_owned(), remedy);
        }
    }
}

/// What is wrong with whom a step opens to.
fn who(config: &Config, step: &TierStep, fault: &mut impl FnMut(String, &str)) {
    if let Some(level) = step.level.filter(|level| !config.tiers.iter().any(|t| t.level == *level))
    {
        let remedy = "add a [[tier]] of that level, or choose another";
        fault(format!("there is no tier {level}"), remedy);
    }
    if !(1..=MAX_LEVEL).contains(&step.min_skill) {
        let message = format!("there is no skill of level {}", step.min_skill);
        fault(message, &format!("write a min_skill of 1 to {MAX_LEVEL}"));
    }
    let is_queue = |name: &&String| config.queues.iter().any(|queue| queue.name == **name);
    if let Some(skill) = step.skill.as_ref().filter(|name| !is_queue(name)) {
        let message = format!("there is no queue {skill:?} to be skilled for");
        fault(message, "name a queue, or write any_skill = true");
    }
    if step.any_skill && (step.skill.is_some() || step.min_skill > 1) {
        let message = "any_skill asks for none".to_owned();
        fault(message, "leave out any_skill, or both skill and min_skill");
    }
    let known = |name: &str, is_site: bool| {
        config.groups.iter().any(|group| group.name == name && group.site == is_site)
    };
    for name in step.groups.iter().filter(|name| !known(name, false)) {
        let remedy = format!("add a [[group]] with name = {name:?}, or choose another");
        fault(format!("there is no group {name:?}"), &remedy);
    }
    for name in step.sites.iter().filter(|name| !known(name, true)) {
        let remedy = format!("add a [[group]] with name = {name:?} and site = true");
        fault(format!("there is no site {name:?}"), &remedy);
    }
}

/// What is wrong with what opens a step.
fn when(queue: &Queue, at: usize, step: &TierStep, fault: &mut impl FnMut(String, &str)) {
    let opens = step.opens();
    if at == 1 && opens.after_ms.is_none() {
        let remedy = "write after_ms = 0 in the first step, for calls to have somebody";
        fault("no time opens it".to_owned(), remedy);
    } else if opens.is_never() {
        let remedy =
            "write after_ms, wait_above_ms, service_below_permille or idle_at_most, or several";
        fault("nothing opens it".to_owned(), remedy);
    }
    if opens.estimate_ms == Some(0) {
        fault("every wait is above 0".to_owned(), "write a wait_above_ms of 1 or more");
    }
    if let Some(permille) = opens.service_permille {
        if !(1..=1_000).contains(&permille) {
            let message = format!("no service level is below {permille} ‰ at times only");
            fault(message, "write 1 to 1000, such as 800 for 80 %");
        }
        if queue.service.is_none() {
            let remedy = "write service = { within_ms = 20000, window_ms = 900000 } in the queue";
            fault("what the queue's service level is is not said".to_owned(), remedy);
        }
    }
}

/// What is wrong with how the steps follow each other.
fn order(queue: &Queue, fault: &mut impl FnMut(&'static str, String, &str)) {
    let times: Vec<u64> = queue.tiers.iter().filter_map(|step| step.after_ms).collect();
    if !times.is_sorted() {
        let remedy = "list the steps by after_ms, the soonest first";
        fault("tiers", "steps are out of order".to_owned(), remedy);
    }
    let mut named = BTreeMap::new();
    for (at, step) in (1_usize..).zip(&queue.tiers) {
        // After a step that replaces them the others may come again.
        if step.replaces {
            named.clear();
        }
        let acd::TierStep { tier, skill, groups, sites, .. } = step.step();
        let before = named.insert((tier, skill, groups, sites), step.min_skill);
        if before.is_some_and(|before| before <= step.min_skill) {
            let whom = step.level.map_or_else(String::new, |level| format!("tier {level}: "));
            let message = format!("step {at}: {whom}named again and reaches nobody else");
            let remedy = "give the later step a lower min_skill, or leave it out";
            fault("tiers", message, remedy);
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Faults;
    use super::super::tests::TRUNK;
    use super::*;

    const GROUPS: &str = "[[group]]\nname = \"office\"\nagents = [\"8001\", \"82*\"]\n\
                          [[group]]\nname = \"east\"\nsite = true\nagents = [\"8*\"]\n";

    fn parse(steps: &str, more: &str) -> Result<Config, Faults> {
        let queues = format!(
            "[[queue]]\nname = \"general\"\ntiers = [{{ level = 1, after_ms = 0 }}]\n\
             [[queue]]\nname = \"claims\"\ntiers = [{steps}]\n{more}\n"
        );
        Config::parse(Path::new("hotline.toml"), &format!("{TRUNK}\n{GROUPS}{queues}"))
    }

    #[test]
    fn a_step_says_who_and_when_and_whether_it_replaces_others() {
        let steps = "{ after_ms = 0, sites = [\"east\"] }, \
                     { skill = \"general\", min_skill = 5, idle_at_most = 1 }, \
                     { level = 2, after_ms = 9000, wait_above_ms = 60000 }, \
                     { any_skill = true, groups = [\"office\"], service_below_permille = 800, \
                       replaces = true }";
        let service = "service = { within_ms = 20000, window_ms = 900000 }";
        let config = parse(steps, service).unwrap();
        let queue = &config.queues[1];
        let steps: Vec<acd::TierStep> = queue.tiers.iter().map(TierStep::step).collect();
        assert_eq!((&steps[0].skill, steps[0].tier), (&Skill::Own, None));
        assert_eq!(steps[0].sites, ["east".into()].into());
        assert_eq!((&steps[1].skill, steps[1].min_level), (&Skill::Of("general".into()), 5));
        assert_eq!(steps[1].opens, Opens { idle: Some(1), ..Opens::default() });
        let opens = Opens { estimate_ms: Some(60_000), ..Opens::after(9_000) };
        assert_eq!((steps[2].opens, steps[2].tier), (opens, Some(Tier { level: 2 })));
        assert_eq!((&steps[3].skill, steps[3].replaces), (&Skill::None, true));
        assert_eq!(steps[3].opens.service_permille, Some(800));
        let rule = ServiceRule { within_ms: 20_000, window_ms: 900_000 };
        assert_eq!(queue.service_rule(), Some(rule));
    }

    #[test]
    fn agents_are_of_groups_and_at_a_site_by_their_numbers() {
        let config = parse("{ level = 1, after_ms = 0 }", "").unwrap();
        let of = |agent: &str| {
            let agent = AgentId::from(agent);
            (config.groups_of(&agent).len(), config.site_of(&agent).is_some())
        };
        let told = ["8001", "8002", "8299", "82", "9001"].map(of);
        assert_eq!(told, [(1, true), (0, true), (1, true), (1, true), (0, false)]);
    }

    #[test]
    fn each_fault_names_its_step_and_a_remedy() {
        let first = "{ level = 1, after_ms = 0 }, ";
        for (steps, more, message, remedy) in [
            ("", "", "no tier ever serves it", "after_ms = 0"),
            ("{ level = 1, idle_at_most = 0 }", "", "step 1: no time opens it", "after_ms = 0"),
            ("{ level = 2 }", "", "step 2: nothing opens it", "idle_at_most"),
            ("{ level = 7, after_ms = 9 }", "", "step 2: there is no tier 7", "[[tier]]"),
            ("{ level = 2, after_ms = 9, skill = \"x\" }", "", "no queue \"x\"", "any_skill"),
            ("{ any_skill = true, min_skill = 2, after_ms = 9 }", "", "asks for none", "leave out"),
            ("{ groups = [\"east\"], after_ms = 9 }", "", "no group \"east\"", "[[group]]"),
            ("{ sites = [\"office\"], after_ms = 9 }", "", "no site \"office\"", "site = true"),
            ("{ level = 2, wait_above_ms = 0 }", "", "every wait", "1 or more"),
            ("{ level = 2, service_below_permille = 1 }", "", "is not said", "within_ms"),
            ("{ level = 1, after_ms = 9 }", "", "named again", "lower min_skill"),
        ] {
            let steps = match message.contains("step 1") || steps.is_empty() {
                true => steps.to_owned(),
                false => format!("{first}{steps}"),
            };
            let faults = parse(&steps, more).unwrap_err().0;
            assert_eq!(faults.len(), 1, "{message}: {faults:?}");
            assert_eq!(faults[0].key, "queue.tiers");
            assert!(faults[0].message.contains(message), "{:?}", faults[0].message);
            assert!(faults[0].remedy.contains(remedy), "{:?}", faults[0].remedy);
        }
        let zero = "service = { within_ms = 0, window_ms = 1 }";
        let faults = parse("{ level = 1, after_ms = 0 }", zero).unwrap_err().0;
        assert_eq!(faults[0].key, "queue.service");
        let permille = "{ level = 1, after_ms = 0 }, { level = 2, service_below_permille = 1001 }";
        let service = "service = { within_ms = 1, window_ms = 1 }";
        let faults = parse(permille, service).unwrap_err().0;
        assert!(faults[0].remedy.contains("800 for 80 %"), "{faults:?}");
    }

    #[test]
    fn who_was_replaced_may_be_named_again() {
        let steps = "{ level = 1, after_ms = 0 }, { level = 2, after_ms = 5, replaces = true }, \
                     { level = 1, after_ms = 9 }";
        assert!(parse(steps, "").is_ok());
    }

    #[test]
    fn a_group_needs_a_name_of_its_own_and_agents() {
        let more = "[[group]]\nname = \"office\"\nagents = []\n";
        let faults = parse("{ level = 1, after_ms = 0 }", more).unwrap_err().0;
        let keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, ["group.name", "group.agents"], "{faults:?}");
    }
}
