//! STUN (RFC 8489) as it is needed by who is always reachable: binding requests are answered, those
//! of ICE (RFC 8445 §7.3) only with the right password. Nothing here allocates.

use std::net::SocketAddr;

use hmac::Mac;
use sdp::{PASSWORD_BYTES, UFRAG_BYTES};

use crate::srtp::mac_of;

/// The longest request that is read: more than any browser sends.
pub const MAX_REQUEST_BYTES: usize = 1_024;

const HEADER: usize = 20;
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const USERNAME: u16 = 0x0006;
const INTEGRITY: u16 = 0x0008;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
/// From here on who does not know an attribute passes over it (§14).
const OPTIONAL: u16 = 0x8000;
/// Bytes of an attribute's type and length.
const HEAD: usize = 4;
const INTEGRITY_BYTES: usize = 20;
const FINGERPRINT_BYTES: usize = 4;
/// What the checksum of a fingerprint is mixed with (§14.7).
const FINGERPRINT_MASK: u32 = 0x5354_554e;
/// Of an answer: header, address of IPv6, integrity, fingerprint.
const ANSWER_MAX: usize = HEADER + HEAD + 20 + HEAD + INTEGRITY_BYTES + HEAD + FINGERPRINT_BYTES;

/// A binding request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    datagram: &'a [u8],
    header: &'a [u8; HEADER],
    attributes: &'a [u8],
}

impl<'a> Request<'a> {
    /// `None` for what is none. No packet of RTP or DTLS begins as it does (RFC 7983).
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        let (header, attributes) = datagram.split_first_chunk::<HEADER>()?;
        let [a, b, c, d, cookie @ .., _, _, _, _, _, _, _, _, _, _, _, _] = header;
        let length = usize::from(u16::from_be_bytes([*c, *d]));
        let is_request = [*a, *b] == BINDING_REQUEST && *cookie == MAGIC_COOKIE;
        let is_whole = length == attributes.len() && datagram.len() <= MAX_REQUEST_BYTES;
        (is_request && is_whole).then_some(Self { datagram, header, attributes })
    }

    /// The answer: that it came from `source` (§14.2).
    pub fn answer(&self, source: SocketAddr) -> Answer {
        let mut answer = Answer { bytes: [0; ANSWER_MAX], length: 0 };
        answer.put(BINDING_SUCCESS);
        answer.put([0, 0]);
        // The port is masked with the cookie's first half, the address with cookie and transaction.
        let mask = self.header[4..].iter().copied();
        answer.put(mask.clone());
        let (family, octets) = match source {
            SocketAddr::V4(_) => (1, 4),
            SocketAddr::V6(_) => (2, 16),
        };
        answer.begin(XOR_MAPPED_ADDRESS, 4 + octets);
        answer.put([0, family]);
        answer.put(source.port().to_be_bytes().into_iter().zip(mask.clone()).map(|(a, b)| a ^ b));
        match source {
            SocketAddr::V4(v4) => {
                answer.put(v4.ip().octets().into_iter().zip(mask).map(|(a, b)| a ^ b));
            }
            SocketAddr::V6(v6) => {
                answer.put(v6.ip().octets().into_iter().zip(mask).map(|(a, b)| a ^ b));
            }
        }
        answer.end(0);
        answer
    }
}

/// An answer, to be sent where the request came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    bytes: [u8; ANSWER_MAX],
    length: usize,
}

impl Answer {
    /// What is sent.
    pub fn as_bytes(&self) -> &[u8] {
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

    fn begin(&mut self, attribute: u16, bytes: u16) {
        self.put(attribute.to_be_bytes());
        self.put(bytes.to_be_bytes());
    }

    /// The header says that so many bytes follow what is written (§14.5, §14.7).
    fn end(&mut self, more: usize) {
        let length = (self.length - HEADER + more) as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
    }

    /// The same with proof that we know the password: message integrity and fingerprint.
    fn signed(mut self, password: &[u8; PASSWORD_BYTES]) -> Self {
        self.end(HEAD + INTEGRITY_BYTES);
        let tag: [u8; INTEGRITY_BYTES] =
            mac_of(password).chain_update(self.as_bytes()).finalize().into_bytes().into();
        self.begin(INTEGRITY, INTEGRITY_BYTES as u16);
        self.put(tag);
        self.end(HEAD + FINGERPRINT_BYTES);
        let checksum = crc32fast::hash(self.as_bytes()) ^ FINGERPRINT_MASK;
        self.begin(FINGERPRINT, FINGERPRINT_BYTES as u16);
        self.put(checksum.to_be_bytes());
        self
    }
}

/// A check of connectivity (RFC 8445 §7): a binding request that names whom it is for, and that is
/// to be proved by the password of that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check<'a> {
    request: Request<'a>,
    ufrag: &'a [u8; UFRAG_BYTES],
    /// Where its message integrity begins.
    integrity_at: usize,
    is_nominated: bool,
}

impl<'a> Check<'a> {
    /// `None` for what is none, or could not be for any of ours: one without the attributes that
    /// all checks have, with a wrong fingerprint, or with what has to be understood and is not.
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        let request = Request::parse(datagram)?;
        let (mut at, mut rest) = (HEADER, request.attributes);
        let (mut ufrag, mut integrity_at, mut is_nominated, mut is_proved) =
            (None, None, false, false);
        while let Some((head, tail)) = rest.split_first_chunk::<HEAD>() {
            // Nothing follows a fingerprint.
            if is_proved {
                return None;
            }
            let [a, b, c, d] = *head;
            let (kind, length) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let value = tail.get(..usize::from(length))?;
            let padded = usize::from(length).next_multiple_of(4);
            match kind {
                FINGERPRINT => {
                    let checksum = crc32fast::hash(&datagram[..at]) ^ FINGERPRINT_MASK;
                    is_proved = value == checksum.to_be_bytes();
                    if !is_proved {
                        return None;
                    }
                }
                // What follows message integrity is not proved by it (§14.5).
                _ if integrity_at.is_some() => {}
                INTEGRITY if value.len() == INTEGRITY_BYTES => integrity_at = Some(at),
                USERNAME => ufrag = Some(named(value)?),
                USE_CANDIDATE => is_nominated = true,
                PRIORITY | OPTIONAL.. => {}
                _ => return None,
            }
            at += HEAD + padded;
            rest = tail.get(padded..)?;
        }
        let (ufrag, integrity_at) = (ufrag?, integrity_at.filter(|_| is_proved)?);
        rest.is_empty().then_some(Self { request, ufrag, integrity_at, is_nominated })
    }

    /// Whom it is for.
    pub const fn ufrag(&self) -> &'a [u8; UFRAG_BYTES] {
        self.ufrag
    }

    /// Whether its sender has chosen this way (RFC 8445 §7.3.1.5).
    pub const fn is_nominated(&self) -> bool {
        self.is_nominated
    }

    /// The answer to it, that it came from `source`; `None` if it was not made with that password.
    pub fn answer(&self, password: &[u8; PASSWORD_BYTES], source: SocketAddr) -> Option<Answer> {
        let Self { request, integrity_at, .. } = self;
        let mut header = *request.header;
        let length = (integrity_at - HEADER + HEAD + INTEGRITY_BYTES) as u16;
        header[2..4].copy_from_slice(&length.to_be_bytes());
        let before = request.datagram.get(HEADER..*integrity_at)?;
        let tag = request.datagram.get(integrity_at + HEAD..)?.get(..INTEGRITY_BYTES)?;
        let proved = mac_of(password).chain_update(header).chain_update(before);
        proved.verify_slice(tag).ok()?;
        Some(request.answer(source).signed(password))
    }
}

/// The first of the two that a user name has: that of the one who is asked (RFC 8445 §7.2.2).
fn named(username: &[u8]) -> Option<&[u8; UFRAG_BYTES]> {
    let (ufrag, rest) = username.split_first_chunk()?;
    (rest.first() == Some(&b':')).then_some(ufrag)
}

#[cfg(test)]
mod tests;
