//! What of a configuration takes effect while the engine runs, and what at its next start.

use std::path::Path;

use super::fault::Places;
use super::{Config, Faults, Recordings, checks, text_of};

/// Something that differs, as it is named to people: `queue claims`, `acd.ring_timeout_ms`.
pub(super) type Named = String;

impl Config {
    /// Reads the file again: what the engine would be configured as from now on, and the keys whose
    /// new values wait for its next start. `self` is how it runs, `first` how it was started.
    ///
    /// # Errors
    /// The file has faults, or what may change does not fit what waits for the next start.
    pub fn reload(&self, first: &Config, file: &Path) -> Result<(Config, Vec<String>), Faults> {
        let text = text_of(file)?;
        let wanted = Self::parse(file, &text)?;
        let waits = wanted.waits_for_restart(first);
        let next = Config {
            acd: wanted.acd,
            priority: wanted.priority,
            tiers: wanted.tiers,
            hours: wanted.hours,
            queues: wanted.queues,
            plans: wanted.plans,
            dispositions: wanted.dispositions,
            recordings: Recordings {
                enabled: wanted.recordings.enabled,
                pause_max_ms: wanted.recordings.pause_max_ms,
                ..self.recordings.clone()
            },
            ..self.clone()
        };
        let mut faults = checks::check(&next, &Places::new(file, &text));
        for fault in &mut faults {
            fault.remedy += "; or restart the engine, for this has to do with what it reads at \
                             its start alone";
        }
        if faults.is_empty() { Ok((next, waits)) } else { Err(Faults(faults)) }
    }

    /// The keys that count from the next start on.
    fn waits_for_restart(&self, first: &Config) -> Vec<Named> {
        let keys = |section: &str, keys: Vec<&'static str>| -> Vec<Named> {
            keys.into_iter().map(|key| format!("{section}.{key}")).collect()
        };
        let mut recordings = self.recordings.differing(&first.recordings);
        recordings.retain(|key| !matches!(*key, "enabled" | "pause_max_ms"));
        let mut waits = [
            keys("site", self.site.differing(&first.site)),
            keys("sip", self.sip.differing(&first.sip)),
            keys("dns", self.dns.differing(&first.dns)),
            keys("registrar", self.registrar.differing(&first.registrar)),
            keys("media", self.media.differing(&first.media)),
            keys("http", self.http.differing(&first.http)),
            keys("ivr", self.ivr.differing(&first.ivr)),
            keys("lookup", self.lookup.differing(&first.lookup)),
            keys("recordings", recordings),
        ]
        .concat();
        waits.extend((self.retention != first.retention).then(|| "retention".to_owned()));
        waits.extend(differing("trunk", &self.trunks, &first.trunks, |trunk| trunk.name.clone()));
        waits
    }

    /// What takes effect at once of what differs from how the engine ran.
    pub fn takes_effect(&self, before: &Config) -> Vec<String> {
        let keys = |section: &str, keys: Vec<&'static str>| -> Vec<Named> {
            keys.into_iter().map(|key| format!("{section}.{key}")).collect()
        };
        let mut named = keys("acd", self.acd.differing(&before.acd));
        named.extend(keys("priority", self.priority.differing(&before.priority)));
        named.extend(keys("recordings", self.recordings.differing(&before.recordings)));
        named.extend(differing("tier", &self.tiers, &before.tiers, |tier| tier.level.to_string()));
        named.extend(differing("hours", &self.hours, &before.hours, |hours| hours.name.clone()));
        named.extend(differing("queue", &self.queues, &before.queues, |one| one.name.clone()));
        named.extend(differing("plan", &self.plans, &before.plans, |plan| plan.name.clone()));
        let code = |one: &super::Disposition| one.code.clone();
        named.extend(differing("disposition", &self.dispositions, &before.dispositions, code));
        named
    }
}

/// What of a list is new, gone or otherwise, by name.
pub fn differing<T: PartialEq>(
    what: &str,
    now: &[T],
    before: &[T],
    name: impl Fn(&T) -> String,
) -> Vec<String> {
    let find = |all: &[T], wanted: &str| all.iter().position(|one| name(one) == wanted);
    let mut named = Vec::new();
    for one in now {
        let id = name(one);
        match find(before, &id) {
            None => named.push(format!("{what} {id} (new)")),
            Some(at) if before[at] != *one => named.push(format!("{what} {id}")),
            Some(_) => {}
        }
    }
    let gone = before.iter().map(&name).filter(|id| find(now, id).is_none());
    named.extend(gone.map(|id| format!("{what} {id} (gone)")));
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[sip]\nadvertise = \"192.0.2.1\"\n\
                        [[trunk]]\nname = \"carrier\"\nsources = [\"192.0.2.0/24\"]\n\
                        brand = \"95512\"\nnumbers = { 95500 = \"queue:general\" }\n\
                        [[queue]]\nname = \"general\"\ntiers = [{ level = 1, after_ms = 0 }]\n";

    fn reloaded(more: &str) -> Result<(Config, Config, Vec<String>), Faults> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("hotline.toml");
        std::fs::write(&file, FILE).expect("it is written");
        let first = Config::load(&file)?;
        std::fs::write(&file, more).expect("it is written");
        let (next, waits) = first.reload(&first, &file)?;
        Ok((first, next, waits))
    }

    #[test]
    fn what_may_change_changes_and_what_may_not_is_named() {
        let text = FILE.replace("brand", "calls_max = 3\nbrand")
            + "acw_ms = 1000\n[acd]\nacw_ms = 7\n[http]\nlisten = \"127.0.0.1:9\"\n\
               [recordings]\nenabled = false\nflush_ms = 500\n\
               [[plan]]\nname = \"flood\"\nqueues = { general = \"say:closed\" }\n";
        let (first, next, waits) = reloaded(&text).expect("it is in order");
        assert_eq!(waits, ["http.listen", "recordings.flush_ms", "trunk carrier"]);
        let named = next.takes_effect(&first);
        let wanted = ["acd.acw_ms", "recordings.enabled", "queue general", "plan flood (new)"];
        assert_eq!(named, wanted);
        assert_eq!((next.acd.acw_ms, next.http.listen), (7, first.http.listen));
        assert_eq!((next.recordings.enabled, next.recordings.flush_ms), (false, 1_000));
        assert_eq!(next.trunks, first.trunks);
    }

    #[test]
    fn a_file_without_a_queue_that_a_line_of_the_start_leads_to_is_refused() {
        let text = FILE.replace("queue:general", "queue:other").replace("\"general\"", "\"other\"");
        let faults = reloaded(&text).expect_err("the line goes on as it was").to_string();
        assert!(faults.contains("general") && faults.contains("restart the engine"), "{faults}");
    }

    #[test]
    fn a_file_with_a_fault_is_named_with_its_line() {
        let faults = reloaded(&FILE.replace("after_ms = 0", "after_ms = \"soon\""));
        let faults = faults.expect_err("it is no number").to_string();
        assert!(faults.contains("hotline.toml:10"), "{faults}");
    }
}
