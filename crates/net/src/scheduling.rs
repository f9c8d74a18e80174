//! Who goes first where threads are more than processors: voices.
//!
//! A thread that wakes takes the processor from another at once, and a packet of signalling wakes
//! three in turn: most of what a call then costs is their coming and going. Threads that may wait a
//! moment defer: they begin when the processor is free, and do more at a time. A voice may not
//! wait: its threads still go before them.
//!
//! A system that does not know this, or forbids it, works as well, a little dearer.

use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// This thread, and those that it starts, take the processor from nobody (`SCHED_BATCH`).
pub fn defer() {
    set(NormalThreadSchedulePolicy::Batch);
}

/// This thread takes its turn as threads usually do (`SCHED_OTHER`).
pub fn take_turns() {
    set(NormalThreadSchedulePolicy::Other);
}

fn set(policy: NormalThreadSchedulePolicy) {
    let set = set_thread_priority_and_policy(
        thread_native_id(),
        ThreadPriority::Min,
        ThreadSchedulePolicy::Normal(policy),
    );
    if let Err(error) = set {
        tracing::debug!(?policy, ?error, "the system does not schedule threads so");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]
mod tests {
    use thread_priority::thread_schedule_policy;

    use super::*;

    fn policy() -> ThreadSchedulePolicy {
        thread_schedule_policy().unwrap()
    }

    #[test]
    fn a_thread_of_one_that_defers_does_too_until_it_takes_its_turns() {
        let policies = std::thread::spawn(|| {
            defer();
            let inherited = std::thread::spawn(|| {
                let before = policy();
                take_turns();
                (before, policy())
            });
            (policy(), inherited.join().unwrap())
        });
        let batch = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
        let other = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
        assert_eq!(policies.join().unwrap(), (batch, (batch, other)));
    }
}
