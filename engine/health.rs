//! How the parts are, for load balancers and people.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use web::Health;

/// The parts that are watched.
const PARTS: [&str; 4] = ["store", "sip", "media", "recordings"];

/// What is wrong now.
#[derive(Debug, Default)]
pub struct Watch {
    draining: AtomicBool,
    wrong: Mutex<BTreeMap<&'static str, String>>,
}

impl Watch {
    /// The engine is about to stop.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Something is wrong with a part; none means that it works again.
    pub fn set(&self, part: &'static str, wrong: Option<String>) {
        let mut all = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        match wrong {
            Some(wrong) => drop(all.insert(part, wrong)),
            None => drop(all.remove(part)),
        }
    }

    /// An alarm began or is over. Those of parts that mend themselves are passed on; the store's
    /// comes from its writer.
    pub fn handle_alarm(&self, alarm: &str, wrong: Option<&str>) {
        let part = match alarm {
            "recording" => "recordings",
            "sip" => "sip",
            "media" => "media",
            _ => return,
        };
        self.set(part, wrong.map(str::to_owned));
    }

    /// How everything is.
    pub fn health(&self) -> Health {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        Health {
            draining: self.draining.load(Ordering::Relaxed),
            parts: PARTS.map(|part| (part, wrong.get(part).cloned())).to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Watch;

    #[test]
    fn what_is_wrong_is_told_until_it_works_again() {
        let watch = Watch::default();
        assert!(watch.health().parts.iter().all(|(_, wrong)| wrong.is_none()));
        watch.set("store", Some("locked".to_owned()));
        assert!(watch.health().parts.contains(&("store", Some("locked".to_owned()))));
        watch.handle_alarm("recording", Some("disk full"));
        assert!(watch.health().parts.contains(&("recordings", Some("disk full".to_owned()))));
        watch.handle_alarm("recording", None);
        watch.handle_alarm("sip", Some("full"));
        assert!(watch.health().parts.contains(&("sip", Some("full".to_owned()))));
        assert!(watch.health().parts.contains(&("media", None)));
        watch.handle_alarm("trunk north", Some("no answer"));
        watch.handle_alarm("sip", None);
        assert!(watch.health().parts.contains(&("sip", None)));
        watch.set("store", None);
        watch.drain();
        let health = watch.health();
        assert!(health.draining && health.parts.contains(&("store", None)));
    }
}
