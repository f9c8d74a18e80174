//! What a final response to our INVITE means for the one who was called.

use model::{HangupCause, MissedCause};

/// Why an agent whose phone ended like this did not take the call.
///
/// Phones say "declined" with 603, and many with 480 or 403; 486 and 600 are "busy"
/// (RFC 3261 §21.4.19, §21.4.24, §21.6). What never reached a person is unreachable.
pub const fn missed(cause: HangupCause) -> MissedCause {
    match cause {
        HangupCause::Response(603 | 480 | 403 | 487) => MissedCause::Rejected,
        HangupCause::Response(486 | 600) => MissedCause::Busy,
        HangupCause::Response(404 | 408 | 410 | 430 | 502 | 503 | 504 | 604)
        | HangupCause::TransactionTimeout
        | HangupCause::TransportError => MissedCause::Unreachable,
        HangupCause::Response(_)
        | HangupCause::RemoteBye
        | HangupCause::RemoteCancel
        | HangupCause::LocalBye
        | HangupCause::AgentHangUp
        | HangupCause::AckTimeout
        | HangupCause::MediaTimeout
        | HangupCause::EngineLost => MissedCause::Error,
    }
}

/// The Reason header (RFC 3326) of a BYE or CANCEL sent because of `cause`, with Q.850 causes as
/// RFC 3398 §8.2.1 maps them.
pub const fn reason(cause: HangupCause) -> &'static str {
    match cause {
        HangupCause::AckTimeout | HangupCause::TransactionTimeout => {
            "Q.850;cause=102;text=\"recovery on timer expiry\""
        }
        HangupCause::MediaTimeout => "Q.850;cause=41;text=\"no media\"",
        HangupCause::TransportError | HangupCause::EngineLost => {
            "Q.850;cause=41;text=\"temporary failure\""
        }
        HangupCause::RemoteBye
        | HangupCause::RemoteCancel
        | HangupCause::LocalBye
        | HangupCause::AgentHangUp
        | HangupCause::Response(_) => "Q.850;cause=16;text=\"normal call clearing\"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phones_answer_says_why_the_call_was_missed() {
        for (status, missed_cause) in [
            (486, MissedCause::Busy),
            (600, MissedCause::Busy),
            (603, MissedCause::Rejected),
            (480, MissedCause::Rejected),
            (404, MissedCause::Unreachable),
            (503, MissedCause::Unreachable),
            (500, MissedCause::Error),
            (488, MissedCause::Error),
        ] {
            assert_eq!(missed(HangupCause::Response(status)), missed_cause, "{status}");
        }
        assert_eq!(missed(HangupCause::TransactionTimeout), MissedCause::Unreachable);
    }

    #[test]
    fn a_reason_is_what_rfc_3326_allows() {
        for cause in [HangupCause::LocalBye, HangupCause::AckTimeout, HangupCause::EngineLost] {
            let reason = reason(cause);
            assert!(reason.starts_with("Q.850;cause="), "{reason}");
        }
    }
}
