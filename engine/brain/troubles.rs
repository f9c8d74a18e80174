//! Alarms of what the brain itself sees go wrong: raised at the first loss, cleared after a quiet
//! minute.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{FactBody, Mono};

/// How long nothing of the kind must have happened.
const QUIET: Duration = Duration::from_secs(60);

/// When each trouble was seen last.
#[derive(Debug, Default)]
pub(super) struct Troubles(BTreeMap<&'static str, Mono>);

impl Troubles {
    /// Something went wrong; the alarm for it, unless it is raised.
    pub(super) fn see(&mut self, name: &'static str, detail: &str, now: Mono) -> Option<FactBody> {
        let is_new = self.0.insert(name, now).is_none();
        is_new.then(|| FactBody::AlarmRaised { alarm: name.into(), detail: detail.to_owned() })
    }

    /// The end of an alarm whose trouble was not seen for long enough.
    pub(super) fn settle(&mut self, now: Mono) -> Option<FactBody> {
        let is_over = |seen: Mono| now.since(seen) >= QUIET;
        let name = self.0.iter().find(|(_, seen)| is_over(**seen)).map(|(name, _)| *name)?;
        self.0.remove(name);
        Some(FactBody::AlarmCleared { alarm: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn cleared(name: &str) -> FactBody {
        FactBody::AlarmCleared { alarm: name.into() }
    }

    #[test]
    fn a_trouble_is_told_once_and_is_over_after_a_quiet_minute() {
        let mut troubles = Troubles::default();
        assert!(troubles.see("sip", "full", Mono(0)).is_some());
        assert_eq!(troubles.see("sip", "full", Mono(30 * SECOND)), None, "it is raised already");
        assert_eq!(troubles.settle(Mono(89 * SECOND)), None);
        assert_eq!(troubles.settle(Mono(90 * SECOND)), Some(cleared("sip")));
        assert_eq!(troubles.settle(Mono(90 * SECOND)), None);
        assert!(troubles.see("sip", "full", Mono(91 * SECOND)).is_some(), "a new one is told");
    }

    #[test]
    fn each_trouble_has_its_own_minute() {
        let mut troubles = Troubles::default();
        troubles.see("sip", "full", Mono(0));
        troubles.see("media", "no port", Mono(40 * SECOND));
        assert_eq!(troubles.settle(Mono(60 * SECOND)), Some(cleared("sip")));
        assert_eq!(troubles.settle(Mono(60 * SECOND)), None);
        assert_eq!(troubles.settle(Mono(100 * SECOND)), Some(cleared("media")));
    }
}
