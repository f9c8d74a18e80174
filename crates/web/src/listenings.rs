//! Who is listening to what, so that one listening is one audit entry however many ranges a
//! player reads for it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::{RecordingId, UserId};

/// Listenings that are remembered.
const MAX_LISTENINGS: usize = 4_096;
/// How long after its first range a listening counts as the same.
const SAME_LISTENING: Duration = Duration::from_secs(600);

/// The listenings that are on record.
#[derive(Default)]
pub(crate) struct Listenings(Mutex<BTreeMap<(UserId, RecordingId), Instant>>);

impl Listenings {
    /// Whether reading `recording` at `now` goes on with a listening of `user` that is on record.
    pub(crate) fn goes_on(&self, user: &UserId, recording: RecordingId, now: Instant) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(user.clone(), recording)).is_some_and(|begun| is_same(*begun, now))
    }

    /// Notes that a listening of `user` is on record from `now`.
    pub(crate) fn begin(&self, user: UserId, recording: RecordingId, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_LISTENINGS {
            known.retain(|_, begun| is_same(*begun, now));
        }
        // A full table only means one more audit entry for a range that goes on.
        if known.len() < MAX_LISTENINGS {
            known.insert((user, recording), now);
        }
    }
}

fn is_same(begun: Instant, now: Instant) -> bool {
    now.saturating_duration_since(begun) < SAME_LISTENING
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Id;

    fn recording(counter: u32) -> RecordingId {
        RecordingId(Id::new(1, 1, counter))
    }

    #[test]
    fn a_listening_is_of_one_user_one_recording_and_some_minutes() {
        let (listenings, begun) = (Listenings::default(), Instant::now());
        let qa = UserId::from("qa");
        assert!(!listenings.goes_on(&qa, recording(1), begun));
        listenings.begin(qa.clone(), recording(1), begun);
        assert!(listenings.goes_on(&qa, recording(1), begun + SAME_LISTENING / 2));
        assert!(!listenings.goes_on(&qa, recording(1), begun + SAME_LISTENING));
        assert!(!listenings.goes_on(&qa, recording(2), begun));
        assert!(!listenings.goes_on(&UserId::from("lead"), recording(1), begun));
    }

    #[test]
    fn a_full_table_forgets_the_old_and_takes_no_more_of_the_new() {
        let (listenings, begun) = (Listenings::default(), Instant::now());
        let qa = UserId::from("qa");
        let most = u32::try_from(MAX_LISTENINGS).unwrap();
        (0..most).for_each(|at| listenings.begin(qa.clone(), recording(at), begun));
        listenings.begin(qa.clone(), recording(most), begun);
        assert!(!listenings.goes_on(&qa, recording(most), begun), "it is full");
        let later = begun + SAME_LISTENING;
        listenings.begin(qa.clone(), recording(most), later);
        assert!(listenings.goes_on(&qa, recording(most), later));
    }
}
