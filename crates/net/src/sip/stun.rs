//! Keep-alives of datagrams: STUN binding requests on the SIP port are answered with the address
//! that they came from (RFC 5626 §4.4.2 and §8, RFC 8489).

use std::net::SocketAddr;

const HEADER: usize = 20;
/// With XOR-MAPPED-ADDRESS of IPv6.
const ANSWER_MAX: usize = HEADER + 4 + 20;
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const XOR_MAPPED_ADDRESS: [u8; 2] = [0x00, 0x20];

/// An answer, no longer than that of IPv6.
pub(super) struct Answer {
    bytes: [u8; ANSWER_MAX],
    length: usize,
}

impl Answer {
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn put(&mut self, bytes: impl IntoIterator<Item = u8>) {
        for byte in bytes {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = byte;
                self.length += 1;
            }
        }
    }
}

/// The answer to a binding request; `None` for what is none. No SIP message begins with a zero.
pub(super) fn answer(datagram: &[u8], source: SocketAddr) -> Option<Answer> {
    if datagram.first() != Some(&0) {
        return None;
    }
    let (header, attributes) = datagram.split_at_checked(HEADER)?;
    let [a, b, c, d, cookie @ .., _, _, _, _, _, _, _, _, _, _, _, _] = header else { return None };
    let length = usize::from(u16::from_be_bytes([*c, *d]));
    let is_request = [*a, *b] == BINDING_REQUEST && cookie == MAGIC_COOKIE;
    if !is_request || length != attributes.len() {
        return None;
    }
    // RFC 8489 §14.2: the port with the cookie's first half, the address with cookie and
    // transaction.
    let mask = header.get(4..).unwrap_or_default().iter().copied();
    let mut answer = Answer { bytes: [0; ANSWER_MAX], length: 0 };
    let (family, octets) = match source {
        SocketAddr::V4(_) => (1, 4),
        SocketAddr::V6(_) => (2, 16),
    };
    answer.put(BINDING_SUCCESS);
    answer.put([0, 8 + octets]);
    answer.put(mask.clone());
    answer.put(XOR_MAPPED_ADDRESS);
    answer.put([0, 4 + octets, 0, family]);
    answer.put(source.port().to_be_bytes().into_iter().zip(mask.clone()).map(|(a, b)| a ^ b));
    match source {
        SocketAddr::V4(v4) => {
            answer.put(v4.ip().octets().into_iter().zip(mask).map(|(a, b)| a ^ b));
        }
        SocketAddr::V6(v6) => {
            answer.put(v6.ip().octets().into_iter().zip(mask).map(|(a, b)| a ^ b));
        }
    }
    Some(answer)
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
