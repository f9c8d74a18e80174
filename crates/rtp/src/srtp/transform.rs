//! What protects the packets of one direction: AES in counter mode with HMAC-SHA1 (RFC 3711), or in
//! Galois/counter mode (RFC 7714).

use sdp::{MasterKey, Suite};

use super::gcm::{self, Gcm};
use super::session::{Purpose, Session};
use super::{ENCRYPTED, INDEX_BYTES, Numbers, REPORT_HEADER_BYTES, REPORT_TAG_BYTES, word};

/// How packets of one direction are protected, and by which master key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Master {
    /// AES in counter mode of 128 bits, with HMAC-SHA1.
    Counter(Suite, MasterKey),
    /// AEAD_AES_128_GCM: key and salt.
    Gcm128([u8; 16], [u8; 12]),
    /// AEAD_AES_256_GCM: key and salt.
    Gcm256([u8; 32], [u8; 12]),
}

impl std::fmt::Debug for Master {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Counter(..) => "Master::Counter(…)",
            Self::Gcm128(..) => "Master::Gcm128(…)",
            Self::Gcm256(..) => "Master::Gcm256(…)",
        })
    }
}

/// A protection profile of DTLS-SRTP (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// SRTP_AES128_CM_HMAC_SHA1_80.
    AesCm128HmacSha1_80,
    /// SRTP_AEAD_AES_128_GCM.
    AeadAes128Gcm,
    /// SRTP_AEAD_AES_256_GCM.
    AeadAes256Gcm,
}

impl Profile {
    /// The master keys of the handshake's client and of its server, from what both exported
    /// (RFC 5764 §4.2): two keys, then two salts. `None` where there is less than that.
    pub fn masters(self, material: &[u8]) -> Option<[Master; 2]> {
        match self {
            Self::AesCm128HmacSha1_80 => {
                let [client, server] = parted::<16, 14>(material)?;
                let master = |(key, salt): ([u8; 16], [u8; 14])| {
                    let mut bytes = [0; 30];
                    bytes[..16].copy_from_slice(&key);
                    bytes[16..].copy_from_slice(&salt);
                    Master::Counter(Suite::AesCm128HmacSha1_80, MasterKey::new(bytes))
                };
                Some([master(client), master(server)])
            }
            Self::AeadAes128Gcm => {
                let both = parted::<16, 12>(material)?;
                Some(both.map(|(key, salt)| Master::Gcm128(key, salt)))
            }
            Self::AeadAes256Gcm => {
                let both = parted::<32, 12>(material)?;
                Some(both.map(|(key, salt)| Master::Gcm256(key, salt)))
            }
        }
    }
}

/// The client's and the server's key and salt.
fn parted<const KEY: usize, const SALT: usize>(
    material: &[u8],
) -> Option<[([u8; KEY], [u8; SALT]); 2]> {
    let (client, rest) = material.split_first_chunk::<KEY>()?;
    let (server, rest) = rest.split_first_chunk::<KEY>()?;
    let (client_salt, rest) = rest.split_first_chunk::<SALT>()?;
    let server_salt = rest.first_chunk::<SALT>()?;
    Some([(*client, *client_salt), (*server, *server_salt)])
}

/// What is done with the packets of one direction.
#[derive(Debug, Clone)]
pub(super) enum Transform {
    Counter { tag_bytes: usize, voice: Session, reports: Session },
    Gcm { voice: Gcm, reports: Gcm },
}

impl Transform {
    pub(super) fn new(master: &Master) -> Self {
        let (voice, reports) = (Purpose::Voice as u8, Purpose::Reports as u8);
        match master {
            Master::Counter(suite, key) => {
                let tag_bytes = match suite {
                    Suite::AesCm128HmacSha1_80 => 10,
                    Suite::AesCm128HmacSha1_32 => 4,
                };
                let voice = Session::new(key, Purpose::Voice);
                let reports = Session::new(key, Purpose::Reports);
                Self::Counter { tag_bytes, voice, reports }
            }
            Master::Gcm128(key, salt) => {
                let (voice, reports) =
                    (Gcm::short(key, salt, voice), Gcm::short(key, salt, reports));
                Self::Gcm { voice, reports }
            }
            Master::Gcm256(key, salt) => {
                let (voice, reports) = (Gcm::long(key, salt, voice), Gcm::long(key, salt, reports));
                Self::Gcm { voice, reports }
            }
        }
    }

    /// The bytes that an RTP packet grows by.
    pub(super) const fn tag_bytes(&self) -> usize {
        match self {
            Self::Counter { tag_bytes, .. } => *tag_bytes,
            Self::Gcm { .. } => gcm::TAG_BYTES,
        }
    }

    /// The bytes that a report grows by, but for its index.
    pub(super) const fn report_tag_bytes(&self) -> usize {
        match self {
            Self::Counter { .. } => REPORT_TAG_BYTES,
            Self::Gcm { .. } => gcm::TAG_BYTES,
        }
    }

    /// Protects an RTP packet with room for its tag. False for what cannot be.
    pub(super) fn seal(&self, packet: &mut [u8], numbers: &Numbers, index: u64) -> bool {
        let Some(length) = packet.len().checked_sub(self.tag_bytes()) else { return false };
        let (plain, tag) = packet.split_at_mut(length);
        let Numbers { ssrc, payload, .. } = *numbers;
        match self {
            Self::Counter { voice, .. } => {
                voice.apply(ssrc, index, &mut plain[payload..]);
                let whole = voice.tag(plain, &rollover(index));
                tag.copy_from_slice(&whole[..tag.len()]);
                true
            }
            Self::Gcm { voice, .. } => {
                let (head, bytes) = plain.split_at_mut(payload);
                let sealed = voice.seal((ssrc, index), head, bytes);
                sealed.inspect(|whole| tag.copy_from_slice(whole)).is_some()
            }
        }
    }

    /// Makes an RTP packet plain. False, and nothing has changed, if its tag is wrong.
    pub(super) fn open(&self, packet: &mut [u8], numbers: &Numbers, index: u64) -> bool {
        let Some(length) = packet.len().checked_sub(self.tag_bytes()) else { return false };
        let (cipher, tag) = packet.split_at_mut(length);
        let Numbers { ssrc, payload, .. } = *numbers;
        match self {
            Self::Counter { voice, .. } => {
                let is_true = voice.is_tag(cipher, &rollover(index), tag);
                if is_true {
                    voice.apply(ssrc, index, &mut cipher[payload..]);
                }
                is_true
            }
            Self::Gcm { voice, .. } => {
                let (head, bytes) = cipher.split_at_mut(payload);
                let tag = tag.first_chunk::<{ gcm::TAG_BYTES }>();
                tag.is_some_and(|tag| voice.open((ssrc, index), head, bytes, tag))
            }
        }
    }

    /// Protects a report of `length` bytes, with room for its tag and its index. False for what
    /// cannot be.
    pub(super) fn seal_report(
        &self,
        packet: &mut [u8],
        length: usize,
        (ssrc, index): (u32, u64),
    ) -> bool {
        let flagged = (ENCRYPTED | index as u32).to_be_bytes();
        let (plain, behind) = packet.split_at_mut(length);
        let (head, bytes) = plain.split_at_mut(REPORT_HEADER_BYTES);
        match self {
            Self::Counter { reports, .. } => {
                reports.apply(ssrc, index, bytes);
                behind[..INDEX_BYTES].copy_from_slice(&flagged);
                let (known, tag) = packet.split_at_mut(length + INDEX_BYTES);
                tag.copy_from_slice(&reports.tag(known, &[])[..REPORT_TAG_BYTES]);
                true
            }
            // RFC 7714 §9.2: the index stands behind the tag.
            Self::Gcm { reports, .. } => {
                let beside = beside(head, flagged);
                let Some(tag) = reports.seal((ssrc, index), &beside, bytes) else { return false };
                behind[..gcm::TAG_BYTES].copy_from_slice(&tag);
                behind[gcm::TAG_BYTES..].copy_from_slice(&flagged);
                true
            }
        }
    }

    /// The flag and index of a report whose plain part has `length` bytes.
    pub(super) fn flagged(&self, packet: &[u8], length: usize) -> Option<u32> {
        match self {
            Self::Counter { .. } => word(packet, length),
            Self::Gcm { .. } => word(packet, length + gcm::TAG_BYTES),
        }
    }

    /// Makes a report plain. False, and nothing has changed, if its tag is wrong.
    pub(super) fn open_report(
        &self,
        packet: &mut [u8],
        length: usize,
        (ssrc, flagged): (u32, u32),
    ) -> bool {
        let index = u64::from(flagged & !ENCRYPTED);
        let is_encrypted = flagged & ENCRYPTED != 0;
        match self {
            Self::Counter { reports, .. } => {
                let (known, tag) = packet.split_at_mut(length + INDEX_BYTES);
                let is_true = reports.is_tag(known, &[], tag);
                if is_true && is_encrypted {
                    reports.apply(ssrc, index, &mut known[REPORT_HEADER_BYTES..length]);
                }
                is_true
            }
            Self::Gcm { reports, .. } => {
                let (cipher, behind) = packet.split_at_mut(length);
                let Some(tag) = behind.first_chunk() else { return false };
                let (head, bytes) = cipher.split_at_mut(REPORT_HEADER_BYTES);
                // §9.3: one that is not encrypted is not taken here. Nobody sends any.
                let beside = beside(head, flagged.to_be_bytes());
                is_encrypted && reports.open((ssrc, index), &beside, bytes, tag)
            }
        }
    }
}

/// What of a report is authenticated and not encrypted (RFC 7714 §9.2).
fn beside(head: &[u8], flagged: [u8; INDEX_BYTES]) -> [u8; REPORT_HEADER_BYTES + INDEX_BYTES] {
    let mut beside = [0; REPORT_HEADER_BYTES + INDEX_BYTES];
    beside[..REPORT_HEADER_BYTES].copy_from_slice(&head[..REPORT_HEADER_BYTES]);
    beside[REPORT_HEADER_BYTES..].copy_from_slice(&flagged);
    beside
}

/// The rollover counter of an index, as it is authenticated with the packet (RFC 3711 §4.2).
const fn rollover(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}
