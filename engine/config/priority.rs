//! `[priority]`: which callers are put forward in their queue, and who should take their calls.

use acd::{MAX_HEAD_START_MS, MAX_PREFERENCE_MS};
use callflow::{Priorities, Within};

use super::fault::{Fault, Places};
use super::{Config, Priority};

/// The classes of customers.
const CLASSES: [&str; 4] = ["excellent", "a", "b", "c"];
/// For how long callers may be remembered, in milliseconds: 30 days.
const WITHIN_MAX_MS: u64 = 30 * 86_400_000;

impl Priority {
    /// As the flow of calls has it.
    pub(crate) fn priorities(&self) -> Priorities {
        let within = |within_ms, ms| (ms > 0).then_some(Within { within_ms, ms });
        Priorities {
            classes_ms: self.classes.clone(),
            elderly: (self.elderly_ms > 0).then_some((self.elderly_age, self.elderly_ms)),
            open_claim_ms: self.open_claim_ms,
            repeat: within(self.repeat_within_ms, self.repeat_ms),
            steward_ms: self.steward_ms,
            last_agent: within(self.last_agent_within_ms, self.last_agent_ms),
        }
    }
}

/// What is wrong with it.
pub(super) fn check(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    let priority = &config.priority;
    let mut fault = |key, message: String, remedy: &str| {
        faults.push(places.fault("priority", 0, key, message, remedy));
    };
    for class in priority.classes.keys().filter(|class| !CLASSES.contains(&class.as_str())) {
        let remedy = format!("choose among {}", CLASSES.join(", "));
        fault("classes", format!("there is no class {class:?}"), &remedy);
    }
    let classes = priority.classes.values().map(|ms| ("classes", *ms, MAX_HEAD_START_MS));
    let others = [
        ("elderly_ms", priority.elderly_ms, MAX_HEAD_START_MS),
        ("open_claim_ms", priority.open_claim_ms, MAX_HEAD_START_MS),
        ("repeat_ms", priority.repeat_ms, MAX_HEAD_START_MS),
        ("steward_ms", priority.steward_ms, MAX_PREFERENCE_MS),
        ("last_agent_ms", priority.last_agent_ms, MAX_PREFERENCE_MS),
        ("repeat_within_ms", priority.repeat_within_ms, WITHIN_MAX_MS),
        ("last_agent_within_ms", priority.last_agent_within_ms, WITHIN_MAX_MS),
    ];
    for (key, ms, most) in classes.chain(others).filter(|(_, ms, most)| ms > most) {
        fault(key, format!("{ms} ms is too long"), &format!("write at most {most}"));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(section: &str) -> Result<Config, super::super::Faults> {
        let text = format!("{}\n[priority]\n{section}\n", super::super::tests::TRUNK);
        Config::parse(Path::new("hotline.toml"), &text)
    }

    #[test]
    fn what_is_not_written_puts_nobody_forward() {
        assert_eq!(parse("").unwrap().priority.priorities(), Priorities::default());
        let some = parse("classes = { excellent = 60000 }\nelderly_ms = 30000\nlast_agent_ms = 9");
        let priorities = some.unwrap().priority.priorities();
        assert_eq!(priorities.classes_ms["excellent"], 60_000);
        assert_eq!(priorities.elderly, Some((65, 30_000)));
        assert_eq!(priorities.last_agent, Some(Within { within_ms: 86_400_000, ms: 9 }));
        assert_eq!((priorities.repeat, priorities.remembers_ms()), (None, 86_400_000));
    }

    #[test]
    fn a_class_that_there_is_not_and_times_that_are_too_long_are_named_with_a_remedy() {
        for (section, key, remedy) in [
            ("classes = { gold = 1 }", "classes", "choose among excellent, a, b, c"),
            ("classes = { a = 3600001 }", "classes", "write at most 3600000"),
            ("repeat_ms = 3600001", "repeat_ms", "write at most 3600000"),
            ("last_agent_ms = 600001", "last_agent_ms", "write at most 600000"),
            ("steward_ms = 600001", "steward_ms", "write at most 600000"),
            ("repeat_within_ms = 2592000001", "repeat_within_ms", "write at most 2592000000"),
        ] {
            let faults = parse(section).unwrap_err().0;
            assert_eq!(faults.len(), 1, "{section}");
            assert!(faults[0].key.contains(key), "{:?}", faults[0].key);
            assert_eq!(faults[0].remedy, remedy);
        }
    }
}
