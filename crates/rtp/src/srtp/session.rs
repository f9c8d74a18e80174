//! Session keys: derived from a master key (RFC 3711 §4.3), and what is done with them: AES in
//! counter mode (§4.1.1) and HMAC-SHA1 (§4.2.1).

use aes::Aes128;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipher};
use ctr::{Ctr128BE, CtrCore, flavors};
use hmac::{Hmac, Mac};
use sdp::{MASTER_KEY_BYTES, MasterKey};
use sha1::Sha1;

/// Bytes of a key for encryption.
const KEY_BYTES: usize = 16;
/// Bytes of a key for authentication.
const AUTH_KEY_BYTES: usize = 20;
/// Bytes of a salt.
const SALT_BYTES: usize = 14;
/// Where the label of a derivation goes into the salt: before 48 bits of an index that is 0, as no
/// key is derived again.
const LABEL_AT: usize = 7;

/// What is derived (RFC 3711 §4.3.2): the first label of three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// For RTP.
    Voice = 0,
    /// For RTCP.
    Reports = 3,
}

/// The keys of one direction, of RTP or of RTCP.
#[derive(Clone)]
pub(super) struct Session {
    cipher: Aes128,
    mac: Hmac<Sha1>,
    salt: [u8; SALT_BYTES],
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session(…)")
    }
}

impl Session {
    pub(super) fn new(master: &MasterKey, purpose: Purpose) -> Self {
        let label = purpose as u8;
        let (mut key, mut auth, mut salt) = ([0; KEY_BYTES], [0; AUTH_KEY_BYTES], [0; SALT_BYTES]);
        derive(master, label, &mut key);
        derive(master, label + 1, &mut auth);
        derive(master, label + 2, &mut salt);
        Self { cipher: Aes128::new(&key.into()), mac: mac_of(&auth), salt }
    }

    /// Encrypts or decrypts in place, for a packet of that source and index.
    pub(super) fn apply(&self, ssrc: u32, index: u64, bytes: &mut [u8]) {
        // §4.1.1: (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16).
        let mut iv = [0; 16];
        iv[..SALT_BYTES].copy_from_slice(&self.salt);
        for (byte, part) in iv[4..8].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= part;
        }
        for (byte, part) in iv[8..14].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= part;
        }
        apply(&self.cipher, iv, bytes);
    }

    /// The tag of these bytes; as many of its bytes count as the suite says.
    pub(super) fn tag(&self, bytes: &[u8], rollover: &[u8]) -> [u8; 20] {
        self.hashed(bytes, rollover).finalize().into_bytes().into()
    }

    /// Whether this is the tag of these bytes, told in the same time whatever it is.
    pub(super) fn is_tag(&self, bytes: &[u8], rollover: &[u8], tag: &[u8]) -> bool {
        self.hashed(bytes, rollover).verify_truncated_left(tag).is_ok()
    }

    fn hashed(&self, bytes: &[u8], rollover: &[u8]) -> Hmac<Sha1> {
        let mut mac = self.mac.clone();
        mac.update(bytes);
        mac.update(rollover);
        mac
    }
}

/// HMAC-SHA1 with that key; of one that is longer than a block, the first of it.
pub(crate) fn mac_of(key: &[u8]) -> Hmac<Sha1> {
    // Keys of HMAC that are shorter than a block are filled up with zeros (RFC 2104 §2).
    let mut block = hmac::digest::common::Key::<Hmac<Sha1>>::default();
    for (byte, key) in block.iter_mut().zip(key) {
        *byte = *key;
    }
    Hmac::new(&block)
}

/// The key stream of the master key from the salt with this label on (§4.3.3).
fn derive(master: &MasterKey, label: u8, into: &mut [u8]) {
    let bytes: &[u8; MASTER_KEY_BYTES] = master.bytes();
    let (mut key, mut iv) = ([0; KEY_BYTES], [0; 16]);
    key.copy_from_slice(&bytes[..KEY_BYTES]);
    iv[..SALT_BYTES].copy_from_slice(&bytes[KEY_BYTES..]);
    iv[LABEL_AT] ^= label;
    into.fill(0);
    apply(&Aes128::new(&key.into()), iv, into);
}

/// Adds the key stream that begins with that block.
fn apply(cipher: &Aes128, iv: [u8; 16], bytes: &mut [u8]) {
    let core = CtrCore::<&Aes128, flavors::Ctr128BE>::inner_iv_init(cipher, &iv.into());
    Ctr128BE::from_core(core).apply_keystream(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
    }

    /// That of RFC 3711 appendix B.3.
    fn master() -> MasterKey {
        MasterKey::new(bytes("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6"))
    }

    #[test]
    fn rfc_3711_appendix_b_2_the_key_stream() {
        let key: [u8; 16] = bytes("2B7E151628AED2A6ABF7158809CF4F3C");
        let salt = bytes("F0F1F2F3F4F5F6F7F8F9FAFBFCFD");
        let session = Session { cipher: Aes128::new(&key.into()), mac: mac_of(&[0; 20]), salt };
        // Blocks 0 to 2, and 0xff00 to 0xff01.
        let mut stream = vec![0; 0xff02 * 16];
        session.apply(0, 0, &mut stream);
        for (block, wanted) in [
            (0, "E03EAD0935C95E80E166B16DD92B4EB4"),
            (1, "D23513162B02D0F72A43A2FE4A5F97AB"),
            (2, "41E95B3BB0A2E8DD477901E4FCA894C0"),
            (0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"),
            (0xff00, "362B7C3C6773516318A077D7FC5073AE"),
            (0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"),
        ] {
            assert_eq!(stream[block * 16..][..16], bytes::<16>(wanted), "{block:x}");
        }
    }

    #[test]
    fn rfc_3711_appendix_b_3_keys_are_derived() {
        let (mut key, mut salt, mut auth) = ([0; 16], [0; 14], [0; 94]);
        derive(&master(), 0, &mut key);
        assert_eq!(key, bytes("C61E7A93744F39EE10734AFE3FF7A087"));
        derive(&master(), 2, &mut salt);
        assert_eq!(salt, bytes("30CBBC08863D8C85D49DB34A9AE1"));
        derive(&master(), 1, &mut auth);
        assert_eq!(
            auth,
            bytes(concat!(
                "CEBE321F6FF7716B6FD4AB49AF256A15",
                "6D38BAA48F0A0ACF3C34E2359E6CDBCE",
                "E049646C43D9327AD175578EF7227098",
                "6371C10C9A369AC2F94A8C5FBCDDDC25",
                "6D6E919A48B610EF17C2041E47403576",
                "6B68642C59BBFC2F34DB60DBDFB2",
            ))
        );
    }

    #[test]
    fn voice_and_reports_have_other_keys_and_none_is_shown() {
        let (voice, reports) =
            (Session::new(&master(), Purpose::Voice), Session::new(&master(), Purpose::Reports));
        assert_ne!(voice.tag(b"same", b""), reports.tag(b"same", b""));
        let (mut one, mut other) = ([0; 32], [0; 32]);
        voice.apply(1, 2, &mut one);
        reports.apply(1, 2, &mut other);
        assert_ne!(one, other);
        assert_eq!(format!("{voice:?}"), "Session(…)");
    }
}
