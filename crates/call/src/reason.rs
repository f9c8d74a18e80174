//! Why a party went: the Reason header (RFC 3326) with causes of Q.850.

use model::HangupCause;
use sip::{Message, Name};

/// Normal clearing, and normal without more being said: the usual end of a call (Q.850 §2.2.7).
const NORMAL: [u8; 2] = [16, 31];

/// The Reason header of a BYE or CANCEL sent because of `cause`, with Q.850 causes as RFC 3398
/// §8.2.1 maps them.
pub const fn reason(cause: HangupCause) -> &'static str {
    match cause {
        HangupCause::AckTimeout | HangupCause::TransactionTimeout | HangupCause::SessionExpired => {
            "Q.850;cause=102;text=\"recovery on timer expiry\""
        }
        HangupCause::MediaTimeout => "Q.850;cause=41;text=\"no media\"",
        HangupCause::TransportError | HangupCause::EngineLost => {
            "Q.850;cause=41;text=\"temporary failure\""
        }
        HangupCause::Response(488) => "Q.850;cause=65;text=\"no common codec\"",
        HangupCause::RemoteBye
        | HangupCause::RemoteCancel
        | HangupCause::LocalBye
        | HangupCause::AgentHangUp
        | HangupCause::Q850(_)
        | HangupCause::Response(_) => "Q.850;cause=16;text=\"normal call clearing\"",
    }
}

/// Why the other side ended it with this BYE or CANCEL: `usual`, unless it gives a Q.850 cause
/// other than normal clearing.
pub(crate) fn read_cause(request: &Message, usual: HangupCause) -> HangupCause {
    match q850(request) {
        Some(cause) if !NORMAL.contains(&cause) => HangupCause::Q850(cause),
        Some(_) | None => usual,
    }
}

/// The Q.850 cause in a message, 1 to 127.
fn q850(message: &Message) -> Option<u8> {
    message.all(Name::Reason).find_map(|value| {
        let (protocol, params) = value.split_once(';')?;
        let is_q850 = protocol.trim().eq_ignore_ascii_case("Q.850");
        let mut params = params.split(';').filter_map(|param| param.split_once('='));
        let (_, cause) = params.find(|(name, _)| name.trim().eq_ignore_ascii_case("cause"))?;
        let cause = cause.trim().parse().ok()?;
        (is_q850 && (1..=127).contains(&cause)).then_some(cause)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip::{Method, RequestBuilder};

    fn cause(values: &[&str]) -> HangupCause {
        let bye = RequestBuilder::new(Method::Bye, "sip:h").call_id("c").cseq(1);
        let bye = values.iter().fold(bye, |bye, value| bye.header("Reason", value)).build();
        read_cause(&bye, HangupCause::RemoteBye)
    }

    #[test]
    fn a_reason_is_what_rfc_3326_allows() {
        for cause in [HangupCause::LocalBye, HangupCause::AckTimeout, HangupCause::EngineLost] {
            let reason = reason(cause);
            assert!(reason.starts_with("Q.850;cause="), "{reason}");
        }
    }

    #[test]
    fn rfc_3326_a_cause_that_says_more_than_goodbye_is_kept() {
        assert_eq!(cause(&[]), HangupCause::RemoteBye);
        assert_eq!(cause(&["Q.850;cause=16;text=\"Terminated\""]), HangupCause::RemoteBye);
        assert_eq!(cause(&["q.850 ; text=\"x\" ; Cause=38"]), HangupCause::Q850(38));
        assert_eq!(cause(&["SIP;cause=600, Q.850;cause=34"]), HangupCause::Q850(34));
        assert_eq!(cause(&["SIP;cause=480", "Q.850;cause=102"]), HangupCause::Q850(102));
        for strange in
            ["Q.850", "Q.850;cause=x", "Q.850;cause=0", "Q.850;cause=999", ";", "cause=1"]
        {
            assert_eq!(cause(&[strange]), HangupCause::RemoteBye, "{strange}");
        }
    }
}
