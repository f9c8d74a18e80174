//! What a final response to our INVITE means for the one who was called.

use model::{HangupCause, MissedCause};

/// Why an agent whose phone ended like this did not take the call.
///
/// Phones say "declined" with 603, and many with 480 or 403; 486 and 600 are "busy"
/// (RFC 3261 §21.4.19, §21.4.24, §21.6). What never reached a person is unreachable.
pub const fn missed(cause: HangupCause) -> MissedCause {
    match cause {
        HangupCause::Response(603 | 480 | 403 | 487) | HangupCause::Q850(21) => {
            MissedCause::Rejected
        }
        HangupCause::Response(486 | 600) | HangupCause::Q850(17) => MissedCause::Busy,
        HangupCause::Q850(18 | 19) => MissedCause::NoAnswer,
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
        | HangupCause::SessionExpired
        | HangupCause::Q850(_)
        | HangupCause::EngineLost => MissedCause::Error,
    }
}

/// Why a telephone outside that ended like this was not reached: there 480 is a telephone that is
/// off or rang in vain (RFC 3398 §7.2.4.1: Q.850's causes 19 and 20), not one that declined.
pub const fn not_reached(cause: HangupCause) -> MissedCause {
    if matches!(cause, HangupCause::Response(480)) {
        return MissedCause::NoAnswer;
    }
    missed(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephone_outside_that_nobody_answers_declined_nothing() {
        assert_eq!(not_reached(HangupCause::Response(480)), MissedCause::NoAnswer);
        assert_eq!(not_reached(HangupCause::Q850(19)), MissedCause::NoAnswer);
        assert_eq!(not_reached(HangupCause::Response(486)), MissedCause::Busy);
        assert_eq!(not_reached(HangupCause::Q850(17)), MissedCause::Busy);
        assert_eq!(not_reached(HangupCause::Q850(21)), MissedCause::Rejected);
    }

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
}
