//! Keep-alives of datagrams: STUN binding requests on the SIP port are answered with the address
//! that they came from (RFC 5626 §4.4.2 and §8, RFC 8489).

use std::net::SocketAddr;

use rtp::stun::{Answer, Request};

/// The answer to a binding request; `None` for what is none. No SIP message begins with a zero.
pub(super) fn answer(datagram: &[u8], source: SocketAddr) -> Option<Answer> {
    Request::parse(datagram).map(|request| request.answer(source))
}

#[cfg(test)]
mod tests {
    use super::answer;

    /// The transaction of RFC 5769's samples.
    const REQUEST: [u8; 20] = [
        0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6,
        0x86, 0xfa, 0x87, 0xdf, 0xae,
    ];

    /// The value of XOR-MAPPED-ADDRESS.
    fn mapped(source: &str) -> Vec<u8> {
        let answer = answer(&REQUEST, source.parse().unwrap()).unwrap();
        let bytes = answer.as_bytes();
        assert_eq!((&bytes[..2], &bytes[4..20]), (&[1, 1][..], &REQUEST[4..]));
        assert_eq!(usize::from(bytes[3]), bytes.len() - 20);
        assert_eq!((&bytes[20..22], usize::from(bytes[23])), (&[0, 0x20][..], bytes.len() - 24));
        bytes[24..].to_vec()
    }

    #[test]
    fn the_samples_of_rfc_5769_come_out() {
        let v4 = [0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
        assert_eq!(mapped("192.0.2.1:32853"), v4);
        let v6 = [
            0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25,
            0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
        ];
        assert_eq!(mapped("[2001:db8:1234:5678:11:2233:4455:6677]:32853"), v6);
    }

    #[test]
    fn what_is_no_binding_request_has_no_answer() {
        let source = "192.0.2.1:32853".parse().unwrap();
        for length in 0..REQUEST.len() {
            assert!(answer(&REQUEST[..length], source).is_none(), "cut at {length}");
        }
        for place in 0..8 {
            let mut other = REQUEST;
            other[place] ^= 0x40;
            assert!(answer(&other, source).is_none(), "changed at {place}");
        }
        assert!(answer(b"OPTIONS sip:h SIP/2.0\r\n\r\n", source).is_none());
        // With attributes that are not looked at.
        let mut longer = REQUEST.to_vec();
        longer[3] = 8;
        longer.extend([0x80, 0x22, 0, 4, b't', b'e', b's', b't']);
        assert!(answer(&longer, source).is_some());
    }
}
