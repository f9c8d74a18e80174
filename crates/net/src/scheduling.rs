//! Who goes first where threads are more than processors: voices.
//!
//! A thread that wakes takes the processor from another at once, and a packet of signalling wakes
//! three in turn: most of what a call then costs is their coming and going. Threads that may wait a
//! moment defer: they begin when the processor is free, and do more at a time. A voice may not
//! wait: its threads still go before them.
//!
//! A system that does not know this, or forbids it, works as well, a little dearer.

use rustix::process::getpriority_process;
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
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

/// This thread works when nobody else does (`SCHED_IDLE`).
pub fn stand_back() {
    set(NormalThreadSchedulePolicy::Idle);
}

fn set(policy: NormalThreadSchedulePolicy) {
    let policy = ThreadSchedulePolicy::Normal(policy);
    let Some(priority) = present(policy) else { return };
    let set = set_thread_priority_and_policy(thread_native_id(), priority, policy);
    if let Err(error) = set {
        tracing::debug!(?policy, ?error, "the system does not schedule threads so");
    }
}

/// The niceness that this thread has, as the crate counts it: whoever started the engine chose it.
fn present(policy: ThreadSchedulePolicy) -> Option<ThreadPriority> {
    let nice = getpriority_process(None).ok()?;
    let values = (0_u8..=99).filter_map(|value| ThreadPriorityValue::try_from(value).ok());
    let mut priorities = values.map(ThreadPriority::Crossplatform);
    priorities.find(|priority| priority.to_posix(policy).is_ok_and(|posix| posix == nice))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]
mod tests {
    use thread_priority::thread_schedule_policy;

    use super::*;

    fn policy() -> (ThreadSchedulePolicy, i32) {
        (thread_schedule_policy().unwrap(), getpriority_process(None).unwrap())
    }

    #[test]
    fn every_niceness_can_be_kept() {
        let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
        let priority = |value: u8| {
            let value = ThreadPriorityValue::try_from(value).unwrap();
            ThreadPriority::Crossplatform(value).to_posix(policy).unwrap()
        };
        let reached: std::collections::BTreeSet<i32> = (0..=99).map(priority).collect();
        assert_eq!(reached, (-20..=19).collect());
    }

    #[test]
    fn a_thread_of_one_that_defers_does_too_until_it_takes_its_turns() {
        let nice = getpriority_process(None).unwrap();
        let policies = std::thread::spawn(|| {
            defer();
            let inherited = std::thread::spawn(|| {
                let before = policy();
                take_turns();
                (before, policy())
            });
            (policy(), inherited.join().unwrap())
        });
        let batch = (ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch), nice);
        let other = (ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other), nice);
        assert_eq!(policies.join().unwrap(), (batch, (batch, other)));
    }
}
