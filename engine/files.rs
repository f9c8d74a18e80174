//! How many files the engine may have open: each leg has two sockets, each recording a file.

use rustix::process::{Resource, getrlimit, setrlimit};

/// What a call of two legs has open, recorded: two sockets a leg, for RTP and RTCP, and a file.
const FILES_A_CALL: u64 = 5;

/// What is open beside the calls: the database, the journal, the web's and SIP's connections.
const RESERVED: u64 = 1_024;

/// Takes all that the system allows, and says so where that is not enough for `calls_max` calls.
pub(crate) fn allow(calls_max: usize) {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit of open files cannot be raised");
        }
    }
    let allowed = getrlimit(Resource::Nofile).current;
    if let Some(calls) = too_few_for(allowed, calls_max as u64) {
        let wanted = wanted(calls_max as u64);
        tracing::warn!(
            "the system allows this process {} open files, which is enough for {calls} recorded \
             calls of the {calls_max} that sip.calls_max allows: set LimitNOFILE={wanted} in its \
             unit, or a smaller sip.calls_max",
            allowed.unwrap_or_default()
        );
    }
}

fn wanted(calls_max: u64) -> u64 {
    calls_max.saturating_mul(FILES_A_CALL).saturating_add(RESERVED)
}

/// For how many calls that many files are enough, if for fewer than wished; no limit is enough.
fn too_few_for(allowed: Option<u64>, calls_max: u64) -> Option<u64> {
    let allowed = allowed.filter(|allowed| *allowed < wanted(calls_max))?;
    Some(allowed.saturating_sub(RESERVED) / FILES_A_CALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_enough_is_no_matter_and_what_is_not_is_counted_in_calls() {
        assert_eq!(too_few_for(None, 10_000), None);
        assert_eq!(too_few_for(Some(wanted(10_000)), 10_000), None);
        assert_eq!(too_few_for(Some(wanted(10_000) - 1), 10_000), Some(9_999));
        assert_eq!(too_few_for(Some(1_024), 10_000), Some(0));
        assert_eq!(too_few_for(Some(u64::MAX), u64::MAX), None);
    }

    #[test]
    fn all_that_the_system_allows_is_taken() {
        allow(1);
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
