//! CSeq (RFC 3261 §20.16): the order of requests in a dialog, and a response's method.

use crate::Method;

/// A sequence number and its method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq {
    /// Less than 2^31 in a valid message (RFC 3261 §8.1.1.5).
    pub number: u32,
    /// The request's method.
    pub method: Method,
}

impl CSeq {
    /// Reads a value. `None` if it is not a 32-bit number and a name.
    pub fn parse(text: &str) -> Option<CSeq> {
        let (number, method) = split(text)?;
        Some(CSeq { number, method: Method::from_name(method) })
    }
}

/// Number and method's name.
pub(crate) fn split(text: &str) -> Option<(u32, &str)> {
    let text = text.trim_ascii();
    let blank = text.bytes().position(|byte| matches!(byte, b' ' | b'\t'))?;
    let (number, method) = text.split_at(blank);
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let method = method.trim_ascii_start();
    (!method.is_empty()).then_some((number.parse().ok()?, method))
}

#[cfg(test)]
mod tests {
    use super::CSeq;
    use crate::Method;

    #[test]
    fn a_sequence_number_is_read_in_full_or_not_at_all() {
        let read = |text| CSeq::parse(text).map(|cseq| (cseq.number, cseq.method));
        assert_eq!(read("0009  INVITE"), Some((9, Method::Invite)));
        assert_eq!(read("7\tNEW"), Some((7, Method::Other)));
        for text in ["", "8", "INVITE", "-1 INVITE", "+1 INVITE", "36893488147419103232 REGISTER"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
