//! Session keys of AES in Galois/counter mode (RFC 7714), and what is done with them: what browsers
//! prefer, and what the processor does fastest.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256, Block};
use aes_gcm::aead::{AeadInOut, inout::InOutBuf};
use aes_gcm::{Aes128Gcm, Aes256Gcm, Nonce, Tag};

/// Bytes of a tag.
pub(super) const TAG_BYTES: usize = 16;
/// Bytes of a salt.
pub(super) const SALT_BYTES: usize = 12;
/// Where the label of a derivation goes into the salt, as in RFC 3711: before 48 bits of an index
/// that is 0.
const LABEL_AT: usize = 7;

#[derive(Clone)]
enum Cipher {
    Short(Box<Aes128Gcm>),
    Long(Box<Aes256Gcm>),
}

/// The keys of one direction, of RTP or of RTCP.
#[derive(Clone)]
pub(super) struct Gcm {
    cipher: Cipher,
    salt: [u8; SALT_BYTES],
}

impl std::fmt::Debug for Gcm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gcm(…)")
    }
}

impl Gcm {
    /// Derived from a master key of 128 bits; `label` is that of the key, and the salt's is two
    /// more (RFC 3711 §4.3.2).
    pub(super) fn short(master: &[u8; 16], salt: &[u8; SALT_BYTES], label: u8) -> Self {
        let aes = Aes128::new(&(*master).into());
        let (key, salt) = derive::<16>(&|block| aes.encrypt_block(block), salt, label);
        Self { cipher: Cipher::Short(Box::new(Aes128Gcm::new(&key.into()))), salt }
    }

    /// The same from one of 256 bits.
    pub(super) fn long(master: &[u8; 32], salt: &[u8; SALT_BYTES], label: u8) -> Self {
        let aes = Aes256::new(&(*master).into());
        let (key, salt) = derive::<32>(&|block| aes.encrypt_block(block), salt, label);
        Self { cipher: Cipher::Long(Box::new(Aes256Gcm::new(&key.into()))), salt }
    }

    /// Encrypts in place, for a packet of that source and index; returns the tag of that and of
    /// what stands `beside` it in the clear. `None` for more than the cipher can do.
    pub(super) fn seal(
        &self,
        numbers: (u32, u64),
        beside: &[u8],
        bytes: &mut [u8],
    ) -> Option<[u8; TAG_BYTES]> {
        let (nonce, bytes) = (self.nonce(numbers), InOutBuf::from(bytes));
        let tag = match &self.cipher {
            Cipher::Short(cipher) => cipher.encrypt_inout_detached(&nonce, beside, bytes),
            Cipher::Long(cipher) => cipher.encrypt_inout_detached(&nonce, beside, bytes),
        };
        tag.ok().map(Into::into)
    }

    /// Decrypts in place what has that tag; whether it has. If not, nothing has changed.
    pub(super) fn open(
        &self,
        numbers: (u32, u64),
        beside: &[u8],
        bytes: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> bool {
        let (nonce, tag, bytes) = (self.nonce(numbers), Tag::from(*tag), InOutBuf::from(bytes));
        match &self.cipher {
            Cipher::Short(cipher) => cipher.decrypt_inout_detached(&nonce, beside, bytes, &tag),
            Cipher::Long(cipher) => cipher.decrypt_inout_detached(&nonce, beside, bytes, &tag),
        }
        .is_ok()
    }

    /// §8.1 and §9.1: two zero bytes, the SSRC, the index in 48 bits; all with the salt.
    fn nonce(&self, (ssrc, index): (u32, u64)) -> Nonce<aes::cipher::consts::U12> {
        let mut nonce = self.salt;
        let numbers = ssrc.to_be_bytes().into_iter().chain(index.to_be_bytes().into_iter().skip(2));
        for (byte, part) in nonce.iter_mut().skip(2).zip(numbers) {
            *byte ^= part;
        }
        nonce.into()
    }
}

/// A session's key and salt (§11): the key stream of the master key from its salt with a label on.
fn derive<const KEY: usize>(
    encrypt: &dyn Fn(&mut Block),
    salt: &[u8; SALT_BYTES],
    label: u8,
) -> ([u8; KEY], [u8; SALT_BYTES]) {
    let stream = |label: u8, into: &mut [u8]| {
        for (number, part) in (0_u16..).zip(into.chunks_mut(16)) {
            let mut block = [0; 16];
            block[..SALT_BYTES].copy_from_slice(salt);
            block[LABEL_AT] ^= label;
            block[14..].copy_from_slice(&number.to_be_bytes());
            let mut block = Block::from(block);
            encrypt(&mut block);
            part.copy_from_slice(&block[..part.len()]);
        }
    };
    let (mut key, mut session_salt) = ([0; KEY], [0; SALT_BYTES]);
    stream(label, &mut key);
    stream(label + 2, &mut session_salt);
    (key, session_salt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_anywhere_is_not_opened_and_not_changed() {
        let gcm = Gcm::long(&[7; 32], &[3; 12], 0);
        let mut bytes = *b"what is said";
        let tag = gcm.seal((5, 9), b"head", &mut bytes).unwrap();
        let sealed = bytes;
        let mut other = tag;
        other[15] ^= 1;
        assert!(!gcm.open((5, 9), b"head", &mut bytes, &other));
        assert!(!gcm.open((5, 10), b"head", &mut bytes, &tag));
        assert!(!gcm.open((6, 9), b"head", &mut bytes, &tag));
        assert!(!gcm.open((5, 9), b"heap", &mut bytes, &tag));
        assert_eq!(bytes, sealed);
        assert!(gcm.open((5, 9), b"head", &mut bytes, &tag));
        assert_eq!(&bytes, b"what is said");
    }

    #[test]
    fn each_direction_and_purpose_has_keys_of_its_own() {
        let mut tags = Vec::new();
        for gcm in [
            Gcm::short(&[7; 16], &[3; 12], 0),
            Gcm::short(&[7; 16], &[3; 12], 3),
            Gcm::short(&[8; 16], &[3; 12], 0),
            Gcm::short(&[7; 16], &[4; 12], 0),
            Gcm::long(&[7; 32], &[3; 12], 0),
        ] {
            tags.push(gcm.seal((1, 1), b"", &mut []).unwrap());
        }
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 5);
    }
}
