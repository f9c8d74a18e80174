//! What agents are good at and what follows for whom they are offered: levels of skill in the steps
//! of queues, after-call work of queues, missed offers, and which call an agent is offered.

use acd::{AcwRule, CallChoice, MAX_GAIN_PERMILLE, MIN_REST_MS, MissedRule, MissedRules};
use serde::Deserialize;

use super::fault::{Fault, Places};
use super::{Config, Queue};

/// The longest after-call work, extensions included.
pub(crate) const ACW_LIMIT_MS: u64 = 3_600_000;
/// How an agent's next call is chosen, by name.
const CHOICES: [(&str, CallChoice); 3] = [
    ("highest_score", CallChoice::HighestScore),
    ("skill_first", CallChoice::SkillFirst),
    ("shares", CallChoice::Shares),
];
/// The longest rest after a missed offer, in milliseconds.
const REST_MAX_MS: u64 = 3_600_000;

/// `acd.missed`: what missed offers mean for an agent, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Missed {
    pub no_answer: MissedTimes,
    pub rejected: MissedTimes,
    pub busy: MissedTimes,
    pub unreachable: MissedTimes,
    pub error: MissedTimes,
}

/// The same for one cause.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct MissedTimes {
    pub limit: u32,
    pub rest_ms: u64,
}

impl Default for MissedTimes {
    fn default() -> Self {
        let MissedRule { limit, rest_ms } = MissedRule::default();
        Self { limit, rest_ms }
    }
}

impl Missed {
    /// As the distribution of calls has it.
    pub(crate) fn rules(&self) -> MissedRules {
        let rule = |times: MissedTimes| MissedRule { limit: times.limit, rest_ms: times.rest_ms };
        MissedRules {
            no_answer: rule(self.no_answer),
            rejected: rule(self.rejected),
            busy: rule(self.busy),
            unreachable: rule(self.unreachable),
            error: rule(self.error),
        }
    }

    fn named(&self) -> [(&'static str, MissedTimes); 5] {
        [
            ("no_answer", self.no_answer),
            ("rejected", self.rejected),
            ("busy", self.busy),
            ("unreachable", self.unreachable),
            ("error", self.error),
        ]
    }
}

impl Config {
    /// How an agent's next call is chosen.
    pub(crate) fn call_choice(&self) -> CallChoice {
        choice(&self.acd.call_choice).unwrap_or_default()
    }
}

impl Queue {
    /// After-call work after this queue's calls; `None`: that of all.
    pub(crate) fn acw(&self) -> Option<AcwRule> {
        let limit_ms = self.acw_max_ms.unwrap_or(ACW_LIMIT_MS);
        self.acw_ms.map(|ms| AcwRule { ms, limit_ms })
    }
}

fn choice(name: &str) -> Option<CallChoice> {
    CHOICES.iter().find(|(known, _)| *known == name).map(|(_, choice)| *choice)
}

/// What is wrong with them.
pub(super) fn check(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    if choice(&config.acd.call_choice).is_none() {
        let message = format!("{:?} chooses no call", config.acd.call_choice);
        let remedy = "choose among highest_score, skill_first, shares";
        faults.push(places.fault("acd", 0, "call_choice", message, remedy));
    }
    for (cause, MissedTimes { limit, rest_ms }) in config.acd.missed.named() {
        let rests = limit == 1 || (MIN_REST_MS..=REST_MAX_MS).contains(&rest_ms);
        if limit == 0 || !rests || rest_ms > REST_MAX_MS {
            let message = format!("{cause}: a limit of {limit} with {rest_ms} ms of rest");
            let remedy = format!(
                "give a limit of 1 or more, and above 1 a rest_ms of {MIN_REST_MS} to {REST_MAX_MS}"
            );
            faults.push(places.fault("acd", 0, "missed", message, &remedy));
        }
    }
    for (index, queue) in config.queues.iter().enumerate() {
        let mut fault = |key, message: String, remedy: &str| {
            faults.push(places.fault("queue", index, key, message, remedy));
        };
        if queue.gain_permille > MAX_GAIN_PERMILLE {
            let message = format!("{} is too much", queue.gain_permille);
            fault("gain_permille", message, &format!("write at most {MAX_GAIN_PERMILLE}"));
        }
        let most = queue.acw_max_ms.unwrap_or(ACW_LIMIT_MS);
        if most > ACW_LIMIT_MS || queue.acw_ms.is_some_and(|ms| ms > most) {
            let remedy = "write at most 3600000, and acw_ms at most acw_max_ms";
            fault("acw_ms", "after-call work is longer than it may be".to_owned(), remedy);
        } else if queue.acw_max_ms.is_some() && queue.acw_ms.is_none() {
            fault("acw_max_ms", "it limits nothing".to_owned(), "write acw_ms as well");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Faults;
    use super::super::tests::TRUNK;
    use super::*;

    const QUEUE: &str = "[[queue]]\nname = \"general\"\ntiers = [{ level = 1, after_ms = 0 }]\n";

    fn parse(acd: &str, queue: &str) -> Result<Config, Faults> {
        let text = format!("{TRUNK}\n[acd]\n{acd}\n{queue}");
        Config::parse(Path::new("hotline.toml"), &text)
    }

    #[test]
    fn what_is_not_written_is_as_before() {
        let config = parse("", QUEUE).unwrap();
        assert_eq!(config.acd.missed.rules(), MissedRules::default());
        assert_eq!(config.call_choice(), CallChoice::HighestScore);
        assert_eq!((config.queues[0].acw(), config.queues[0].tiers[0].min_skill), (None, 1));
    }

    #[test]
    fn rules_are_read() {
        let missed = "missed = { no_answer = { limit = 3, rest_ms = 5000 } }";
        let steps = "{ level = 1, after_ms = 0, min_skill = 7 }, { level = 1, after_ms = 9 }";
        let queue = format!(
            "[[queue]]\nname = \"general\"\ntiers = [{steps}]\nacw_ms = 5000\nacw_max_ms = 60000\n\
             gain_permille = 500\n"
        );
        let config = parse(&format!("call_choice = \"shares\"\n{missed}"), &queue).unwrap();
        assert_eq!(config.call_choice(), CallChoice::Shares);
        let rules = config.acd.missed.rules();
        assert_eq!(rules.no_answer, MissedRule { limit: 3, rest_ms: 5_000 });
        assert_eq!(rules.busy, MissedRule::default());
        let queue = &config.queues[0];
        assert_eq!(queue.acw(), Some(AcwRule { ms: 5_000, limit_ms: 60_000 }));
        assert_eq!(queue.tiers.iter().map(|step| step.min_skill).collect::<Vec<_>>(), [7, 1]);
    }

    #[test]
    fn each_fault_names_its_key_and_a_remedy() {
        let queue = |more: &str| format!("{QUEUE}{more}\n");
        let steps = |steps: &str| format!("[[queue]]\nname = \"general\"\ntiers = [{steps}]\n");
        let twice = "{ level = 1, after_ms = 0 }, { level = 1, after_ms = 9 }";
        for (acd, queue, key, remedy) in [
            ("call_choice = \"best\"", queue(""), "acd.call_choice", "highest_score"),
            ("missed = { busy = { limit = 0 } }", queue(""), "acd.missed", "limit of 1 or more"),
            ("missed = { busy = { limit = 2 } }", queue(""), "acd.missed", "rest_ms of 1000"),
            ("", queue("acw_ms = 3600001"), "queue.acw_ms", "at most 3600000"),
            ("", queue("acw_ms = 9\nacw_max_ms = 8"), "queue.acw_ms", "at most acw_max_ms"),
            ("", queue("acw_max_ms = 8"), "queue.acw_max_ms", "acw_ms as well"),
            ("", queue("gain_permille = 100001"), "queue.gain_permille", "at most 100000"),
            ("", steps("{ level = 1, after_ms = 0, min_skill = 11 }"), "queue.tiers", "1 to 10"),
            ("", steps(twice), "queue.tiers", "lower min_skill"),
        ] {
            let faults = parse(acd, &queue).unwrap_err().0;
            assert_eq!(faults.len(), 1, "{key}: {faults:?}");
            assert_eq!(faults[0].key, key);
            assert!(faults[0].remedy.contains(remedy), "{:?}", faults[0].remedy);
        }
    }
}
