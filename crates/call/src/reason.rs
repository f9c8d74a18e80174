//! Why a party went: the Reason header (RFC 3326) with causes of Q.850, in requests and in final
//! responses (RFC 6432), and what those causes are in SIP (RFC 3398).

use model::HangupCause;
use sip::{Message, Name};

/// Normal clearing, and normal without more being said: the usual end of a call (Q.850 §2.2.7).
const NORMAL: [u8; 2] = [16, 31];

/// The Reason header of each cause that we give.
macro_rules! causes {
    ($($cause:literal $text:literal,)*) => {
        const fn header(cause: u8) -> Option<&'static str> {
            match cause {
                $($cause => Some(concat!("Q.850;cause=", $cause, ";text=\"", $text, "\"")),)*
                _ => None,
            }
        }
    };
}

causes! {
    1 "unallocated number",
    2 "no route to network",
    3 "no route to destination",
    16 "normal call clearing",
    17 "user busy",
    18 "no user responding",
    19 "no answer from the user",
    20 "subscriber absent",
    21 "call rejected",
    22 "number changed",
    23 "redirection to new destination",
    25 "exchange routing error",
    26 "non-selected user clearing",
    27 "destination out of order",
    28 "address incomplete",
    29 "facility rejected",
    31 "normal unspecified",
    34 "no circuit available",
    38 "network out of order",
    41 "temporary failure",
    42 "switching equipment congestion",
    47 "resource unavailable",
    55 "incoming calls barred",
    57 "bearer capability not authorized",
    58 "bearer capability not available",
    63 "service or option not available",
    65 "no common codec",
    70 "restricted digital only",
    79 "service or option not implemented",
    87 "user not member of group",
    88 "incompatible destination",
    102 "recovery on timer expiry",
    111 "protocol error",
    127 "interworking",
}

/// RFC 3326 §3.1: a phone that hears it has missed no call.
const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";
const NORMAL_CLEARING: &str = "Q.850;cause=16;text=\"normal call clearing\"";

/// The Reason header of what is sent because of `cause`: a BYE, a CANCEL or a final response.
pub const fn reason(cause: HangupCause) -> &'static str {
    if matches!(cause, HangupCause::AnsweredElsewhere) {
        return ELSEWHERE;
    }
    match header(q850_of(cause)) {
        Some(header) => header,
        None => NORMAL_CLEARING,
    }
}

/// The Q.850 cause of an end: of a SIP status as RFC 3398 §8.2.6.1 maps it.
const fn q850_of(cause: HangupCause) -> u8 {
    match cause {
        HangupCause::Q850(cause) => cause,
        HangupCause::Response(status) => cause_of(status),
        HangupCause::AckTimeout | HangupCause::TransactionTimeout | HangupCause::SessionExpired => {
            102
        }
        HangupCause::MediaTimeout | HangupCause::TransportError | HangupCause::EngineLost => 41,
        HangupCause::RemoteBye
        | HangupCause::RemoteCancel
        | HangupCause::LocalBye
        | HangupCause::AnsweredElsewhere
        | HangupCause::AgentHangUp => 16,
    }
}

/// RFC 3398 §8.2.6.1. A status that is not in its table is taken as the first of its class
/// (RFC 3261 §8.1.3.2); 488 and 606, whose cause depends on what they warn of, as a call that has
/// no common codec, for which we give and get them.
const fn cause_of(status: u16) -> u8 {
    match status {
        401..=403 | 407 | 603 => 21,
        404 | 485 | 604 => 1,
        405 => 63,
        406 | 415 | 501 => 79,
        408 | 504 => 102,
        410 => 22,
        413 | 414 | 416 | 420 | 421 | 423 | 505 | 513 => 127,
        480 => 18,
        482 | 483 => 25,
        484 => 28,
        486 | 600 => 17,
        // Given up by who called: there is nothing to map (§8.2.6.1).
        487 => 16,
        488 | 606 => 65,
        502 => 38,
        301 => 22,
        300..=399 => 31,
        400..=599 => 41,
        601..=699 => 17,
        _ => 16,
    }
}

/// The SIP status by which a cause is told to who called (RFC 3398 §7.2.4.1); a cause that is not
/// in its table is like the first one of its class (Q.850 §2.2.7).
pub const fn status_of_cause(cause: u8) -> u16 {
    match cause {
        1..=3 | 26 => 404,
        17 => 486,
        18 => 408,
        19 | 20 | 31 => 480,
        // §7.2.4.1 (+): the user has said it, not the network.
        21 => 603,
        22 | 23 => 410,
        27 => 502,
        28 => 484,
        29 | 79 => 501,
        55 | 57 | 87 => 403,
        65 | 70 => 488,
        102 => 504,
        32..=63 | 88 => 503,
        64..=79 => 501,
        80..=127 => 500,
        _ => 480,
    }
}

/// Why the other side ended it with this BYE, CANCEL or final response: `usual`, unless it gives a
/// Q.850 cause other than normal clearing.
pub(crate) fn read_cause(message: &Message, usual: HangupCause) -> HangupCause {
    match q850(message) {
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
    fn rfc_3398_section_8_2_6_1_each_status_has_its_cause() {
        for (statuses, cause) in [
            (&[400, 481, 500, 503][..], 41),
            (&[401, 402, 403, 407, 603], 21),
            (&[404, 485, 604], 1),
            (&[405], 63),
            (&[406, 415, 501], 79),
            (&[408, 504], 102),
            (&[410], 22),
            (&[413, 414, 416, 420, 421, 423, 505, 513], 127),
            (&[480], 18),
            (&[482, 483], 25),
            (&[484], 28),
            (&[486, 600], 17),
            (&[502], 38),
        ] {
            for status in statuses {
                let said = reason(HangupCause::Response(*status));
                assert!(said.starts_with(&format!("Q.850;cause={cause};")), "{status}: {said}");
            }
        }
        for status in 300..=699 {
            assert!(header(cause_of(status)).is_some(), "{status}");
        }
    }

    #[test]
    fn rfc_3398_section_7_2_4_1_each_cause_has_its_status() {
        for (causes, status) in [
            (&[1, 2, 3, 26][..], 404),
            (&[17], 486),
            (&[18], 408),
            (&[19, 20, 31], 480),
            (&[21], 603),
            (&[22, 23], 410),
            (&[27], 502),
            (&[28], 484),
            (&[29, 79], 501),
            (&[34, 38, 41, 42, 47, 58, 88], 503),
            (&[55, 57, 87], 403),
            (&[65, 70], 488),
            (&[102], 504),
            (&[111, 127], 500),
        ] {
            for cause in causes {
                assert_eq!(status_of_cause(*cause), status, "{cause}");
                assert!(reason(HangupCause::Q850(*cause)).contains(&format!("={cause};")));
            }
        }
        assert!((0..=u8::MAX).all(|cause| (400..700).contains(&status_of_cause(cause))));
        assert_eq!(reason(HangupCause::Q850(99)), NORMAL_CLEARING, "none that we could name");
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
