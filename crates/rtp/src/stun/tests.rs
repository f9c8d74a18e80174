//! Requests as RFC 5769 and browsers make them, and what is not believed.

use super::*;

const UFRAG: &[u8; UFRAG_BYTES] = b"hotline0";
const PASSWORD: &[u8; PASSWORD_BYTES] = b"0123456789abcdefghijklmn";

/// Attributes behind a header; written as a browser does it.
struct Writing(Vec<u8>);

impl Writing {
    fn new() -> Self {
        let header = [
            0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
            0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
        ];
        Self(header.to_vec())
    }

    fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.0.extend(kind.to_be_bytes());
        self.0.extend((value.len() as u16).to_be_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0x20);
        self.length(0)
    }

    fn length(mut self, more: usize) -> Self {
        let length = (self.0.len() - HEADER + more) as u16;
        self.0[2..4].copy_from_slice(&length.to_be_bytes());
        self
    }

    fn integrity(self, password: &[u8]) -> Self {
        let writing = self.length(HEAD + INTEGRITY_BYTES);
        let tag = mac_of(password).chain_update(&writing.0).finalize().into_bytes();
        writing.attribute(INTEGRITY, &tag)
    }

    fn fingerprint(self) -> Vec<u8> {
        let writing = self.length(HEAD + FINGERPRINT_BYTES);
        let checksum = crc32fast::hash(&writing.0) ^ FINGERPRINT_MASK;
        writing.attribute(FINGERPRINT, &checksum.to_be_bytes()).0
    }
}

/// As Chromium asks.
fn asked() -> Writing {
    Writing::new()
        .attribute(USERNAME, b"hotline0:EsAw")
        .attribute(0xc057, &[0, 1, 0, 10])
        .attribute(0x802a, &[1; 8])
        .attribute(PRIORITY, &[0x6e, 0x7f, 0x1e, 0xff])
}

fn source() -> SocketAddr {
    "192.0.2.1:32853".parse().unwrap()
}

#[test]
fn a_check_with_the_password_is_answered_with_proof() {
    for (nominated, username) in [(false, &b"hotline0:EsAw"[..]), (true, b"hotline0:e")] {
        let mut asked = Writing::new().attribute(USERNAME, username);
        if nominated {
            asked = asked.attribute(USE_CANDIDATE, &[]);
        }
        let datagram = asked.integrity(PASSWORD).fingerprint();
        let check = Check::parse(&datagram).unwrap();
        assert_eq!((check.ufrag(), check.is_nominated()), (UFRAG, nominated));
        let answer = check.answer(PASSWORD, source()).unwrap();
        let bytes = answer.as_bytes();
        assert_eq!((&bytes[..2], &bytes[4..20]), (&[1, 1][..], &datagram[4..20]));
        // The sample of RFC 5769 §2.2.
        assert_eq!(bytes[20..32], [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        let again = Writing(bytes[..32].to_vec()).integrity(PASSWORD).fingerprint();
        assert_eq!(bytes, again);
        assert_eq!(check.answer(b"0123456789abcdefghijklmo", source()), None);
    }
}

#[test]
fn what_was_changed_anywhere_is_not_answered() {
    let datagram = asked().integrity(PASSWORD).fingerprint();
    let answered = |datagram: &[u8]| {
        Check::parse(datagram).and_then(|check| check.answer(PASSWORD, source())).is_some()
    };
    assert!(answered(&datagram));
    for at in 0..datagram.len() {
        let mut other = datagram.clone();
        other[at] ^= 0x40;
        assert!(!answered(&other), "changed at {at}");
        assert!(!answered(&datagram[..at]), "cut at {at}");
        // One who does not know the password can make the fingerprint fit.
        let body = datagram.len() - HEAD - FINGERPRINT_BYTES;
        if at < body {
            let forged = Writing(other[..body].to_vec()).fingerprint();
            let is_length = (2..4).contains(&at);
            assert!(is_length || !answered(&forged), "forged at {at}");
        }
    }
}

#[test]
fn what_no_check_of_ours_could_be_is_passed_over() {
    let long = vec![b'a'; MAX_REQUEST_BYTES];
    for (datagram, why) in [
        (Writing::new().integrity(PASSWORD).fingerprint(), "no name"),
        (asked().fingerprint(), "no integrity"),
        (asked().integrity(PASSWORD).0, "no fingerprint"),
        (Writing::new().attribute(USERNAME, b"hotline0").integrity(PASSWORD).fingerprint(), "one"),
        (Writing::new().attribute(USERNAME, b"hot:lines").integrity(PASSWORD).fingerprint(), "s"),
        (asked().attribute(0x0033, &[]).integrity(PASSWORD).fingerprint(), "unknown"),
        (asked().attribute(0x8033, &long).integrity(PASSWORD).fingerprint(), "too long"),
        (Writing(asked().integrity(PASSWORD).fingerprint()).attribute(0x8033, &[]).0, "behind it"),
    ] {
        assert_eq!(Check::parse(&datagram), None, "{why}");
    }
    // What stands behind message integrity was added by another on the way, and says nothing.
    let added = asked().integrity(PASSWORD).attribute(USE_CANDIDATE, &[]).fingerprint();
    assert!(Check::parse(&added).is_some_and(|check| !check.is_nominated()));
}

#[test]
fn rfc_5769_section_2_1_the_sample_request_is_read() {
    // Its user name has nine letters before the dot, so it is for none of ours: only its integrity
    // and fingerprint can be tried.
    let sample = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74\
                  002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020\
                  000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf";
    let bytes: Vec<u8> = (0..sample.len() / 2)
        .map(|at| u8::from_str_radix(&sample[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let body = bytes.len() - HEAD - FINGERPRINT_BYTES;
    assert_eq!(Writing(bytes[..body].to_vec()).fingerprint(), bytes);
    let before = body - HEAD - INTEGRITY_BYTES;
    let password = b"VOkJxbRl1RmTxUk/WvJxBt";
    let signed = Writing(bytes[..before].to_vec()).integrity(password).fingerprint();
    assert_eq!(signed, bytes);
    assert!(Request::parse(&bytes).is_some());
}

#[test]
fn the_address_of_either_family_comes_out_as_rfc_5769_has_it() {
    let datagram = Writing::new().0;
    let request = Request::parse(&datagram).unwrap();
    let four = request.answer(source());
    assert_eq!(four.as_bytes()[24..], [0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
    let six = request.answer("[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap());
    let wanted = [
        0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4,
        0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
    ];
    assert_eq!(six.as_bytes()[24..], wanted);
    for answer in [four, six] {
        assert_eq!(usize::from(answer.as_bytes()[3]), answer.as_bytes().len() - HEADER);
    }
}
