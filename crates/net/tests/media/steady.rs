//! Tests about the beat of 20 ms, on machines that stand still now and then.
//!
//! What is heard frame by frame is only then what a test expects if the engine, the phones and the
//! test itself get the processor in time. A machine that has other work may withhold it for longer
//! than any buffer lasts; then the engine skips what is too late, as it should. So a watch looks
//! for such pauses, and what failed beside one is tried again. A failure without one is final.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often the watch looks.
const LOOKS_EVERY: Duration = Duration::from_millis(5);
/// So much later than that it looks where the machine stood still.
const STILL: Duration = Duration::from_millis(25);
/// How often a scenario is tried at most.
const TRIES: usize = 8;

/// How often the machine stood still since the first scenario began.
fn pauses() -> &'static AtomicU64 {
    static PAUSES: OnceLock<AtomicU64> = OnceLock::new();
    PAUSES.get_or_init(|| {
        std::thread::spawn(|| {
            loop {
                let looked = Instant::now();
                let _ = crossbeam_channel::at(looked + LOOKS_EVERY).recv();
                if looked.elapsed() > LOOKS_EVERY + STILL {
                    pauses().fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        AtomicU64::new(0)
    })
}

/// Runs a scenario, again where it failed while the machine stood still.
pub(crate) fn unhindered(scenario: impl Fn()) {
    tried_beside(scenario, || {
        // The watch may wake after the scenario: it is given the time to have looked.
        let _ = crossbeam_channel::at(Instant::now() + 2 * STILL).recv();
        pauses().load(Ordering::SeqCst)
    });
}

fn tried_beside(scenario: impl Fn(), pauses: impl Fn() -> u64) {
    let mut before = pauses();
    for tries_left in (0..TRIES).rev() {
        let Err(failed) = catch_unwind(AssertUnwindSafe(&scenario)) else { return };
        let after = pauses();
        if after == before || tries_left == 0 {
            resume_unwind(failed);
        }
        before = after;
    }
}

#[test]
fn only_what_fails_beside_a_pause_is_tried_again_and_not_for_ever() {
    let (tried, paused) = (AtomicU64::new(0), AtomicU64::new(0));
    let run = |pauses_until: u64, fails_until: u64| {
        tried.store(0, Ordering::SeqCst);
        let scenario = || {
            let count = tried.fetch_add(1, Ordering::SeqCst) + 1;
            if count <= pauses_until {
                paused.fetch_add(1, Ordering::SeqCst);
            }
            assert!(count > fails_until, "it fails");
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            tried_beside(scenario, || paused.load(Ordering::SeqCst));
        }));
        (outcome.is_ok(), tried.load(Ordering::SeqCst))
    };
    assert_eq!(run(0, 0), (true, 1));
    assert_eq!(run(2, 2), (true, 3));
    assert_eq!(run(2, 3), (false, 3), "the third failed without a pause");
    assert_eq!(run(0, 1), (false, 1));
    assert_eq!(run(u64::MAX, u64::MAX), (false, TRIES as u64));
}
