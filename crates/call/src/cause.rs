//! What a final response to our INVITE means for the one who was called.

use model::{HangupCause, MissedCause};

/// Why an agent whose phone ended like this did not take the call.
///
/// Phones say "declined" with 603, and many with 480 or 403; 486 and 600 are "busy"
/// (RFC 3261 §21.4.19, §21.4.24, §21.6). What never reached a person is unreachable. A phone that
/// forwards its calls (3xx) does not take this one: the call stays with those whom the queue chose.
pub const fn missed(cause: HangupCause) -> MissedCause {
    match cause {
        HangupCause::Response(300..=399 | 603 | 480 | 403 | 487)
        | HangupCause::Q850(21 | 55 | 57 | 87) => MissedCause::Rejected,
        HangupCause::Response(486 | 600) | HangupCause::Q850(17) => MissedCause::Busy,
        HangupCause::Q850(18..=20) => MissedCause::NoAnswer,
        HangupCause::Response(404 | 408 | 410 | 430 | 502 | 503 | 504 | 604)
        | HangupCause::Q850(1..=3 | 22 | 26..=28 | 34 | 38 | 41 | 42 | 47 | 58 | 102)
        | HangupCause::TransactionTimeout
        | HangupCause::TransportError => MissedCause::Unreachable,
        HangupCause::Response(_)
        | HangupCause::RemoteBye
        | HangupCause::RemoteCancel
        | HangupCause::LocalBye
        | HangupCause::AgentHangUp
        | HangupCause::AnsweredElsewhere
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
    match cause {
        HangupCause::Response(480) => MissedCause::NoAnswer,
        // They are elsewhere, where no line may call them.
        HangupCause::Response(300..=399) => MissedCause::Unreachable,
        _ => missed(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephone_outside_that_nobody_answers_declined_nothing() {
        assert_eq!(not_reached(HangupCause::Response(480)), MissedCause::NoAnswer);
        assert_eq!(not_reached(HangupCause::Q850(19)), MissedCause::NoAnswer);
        assert_eq!(not_reached(HangupCause::Response(302)), MissedCause::Unreachable);
        assert_eq!(not_reached(HangupCause::Response(486)), MissedCause::Busy);
        assert_eq!(not_reached(HangupCause::Q850(17)), MissedCause::Busy);
        assert_eq!(not_reached(HangupCause::Q850(21)), MissedCause::Rejected);
        assert_eq!(not_reached(HangupCause::Q850(1)), MissedCause::Unreachable);
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
            (302, MissedCause::Rejected),
            (500, MissedCause::Error),
            (488, MissedCause::Error),
        ] {
            assert_eq!(missed(HangupCause::Response(status)), missed_cause, "{status}");
        }
        assert_eq!(missed(HangupCause::TransactionTimeout), MissedCause::Unreachable);
    }
}
