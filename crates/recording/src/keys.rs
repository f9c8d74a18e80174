//! Keys: each recording has one of its own, kept in its header, encrypted under a master key.
//!
//! AES-256-GCM (NIST SP 800-38D) by `ring`. A recording's key is drawn at random and used for
//! that recording alone, so the numbers of its pieces are nonces that never come twice; nothing
//! is appended to a recording once its writer is gone, so no number is used again after a crash
//! either. Under one master key at most 2³² recordings may be made (SP 800-38D §8.3, nonces drawn
//! at random; certificates of deletions count as well): 136 a second for a year.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, Tag, UnboundKey};
use zeroize::Zeroizing;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Bytes that encryption adds.
pub(crate) const TAG_BYTES: usize = 16;
/// The longest name of a master key, in bytes.
pub const NAME_MAX: usize = 32;
/// Master keys that a keyring holds at most.
pub const KEYS_MAX: usize = 64;
/// Bytes of a recording's key as its header keeps it.
pub(crate) const WRAPPED_BYTES: usize = KEY_BYTES + TAG_BYTES;

/// What is wrong with a text of master keys, or with a recording's key. Says nothing of the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFault {
    /// This line, counted from 1, is not `name = 64 hexadecimal digits`.
    Line(usize),
    /// Two keys have this name.
    Twice(String),
    /// There is no key in the text.
    Empty,
    /// There are more than [`KEYS_MAX`].
    TooMany,
    /// The recording's key is encrypted under the master key of this name, which is not here.
    Unknown(String),
    /// The master key of this name does not open the recording's key: it is another key, or the
    /// recording's header was altered.
    Refused(String),
    /// The cipher refused to work.
    Cipher,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => {
                write!(f, "line {line} is not 'name = 64 hexadecimal digits'")
            }
            Self::Twice(name) => write!(f, "two keys are named '{name}'"),
            Self::Empty => f.write_str("there is no key in it"),
            Self::TooMany => write!(f, "there are more than {KEYS_MAX} keys"),
            Self::Unknown(name) => {
                write!(f, "it is encrypted under the key '{name}', which is not configured")
            }
            Self::Refused(name) => write!(f, "the key '{name}' does not open it"),
            Self::Cipher => f.write_str("the cipher refused"),
        }
    }
}

impl std::error::Error for KeyFault {}

/// What is drawn at random for a recording.
pub struct Drawn {
    /// Its key.
    pub key: Zeroizing<[u8; KEY_BYTES]>,
    /// The nonce with which that is encrypted.
    pub nonce: [u8; NONCE_LEN],
}

/// A recording's key as its header keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// The master key's name.
    pub name: String,
    pub(crate) nonce: [u8; NONCE_LEN],
    pub(crate) key: [u8; WRAPPED_BYTES],
}

/// One recording's key, ready for work.
pub struct DataKey(LessSafeKey);

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(***)")
    }
}

impl DataKey {
    fn new(key: &[u8; KEY_BYTES]) -> Result<Self, KeyFault> {
        Ok(Self(bound(key)?))
    }

    /// Encrypts in place what is the recording's `number`-th to be encrypted.
    pub(crate) fn seal(
        &self,
        number: u64,
        bound_to: &[u8],
        bytes: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], KeyFault> {
        seal(&self.0, counted(number), bound_to, bytes)
    }

    /// Decrypts `bytes`, with their tag at the end, in place. False if they are not what was
    /// encrypted, or not with this number and binding.
    pub(crate) fn open(&self, number: u64, bound_to: &[u8], bytes: &mut [u8]) -> bool {
        let nonce = Nonce::assume_unique_for_key(counted(number));
        self.0.open_in_place(nonce, Aad::from(bound_to), bytes).is_ok()
    }
}

fn counted(number: u64) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce
}

fn bound(key: &[u8; KEY_BYTES]) -> Result<LessSafeKey, KeyFault> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| KeyFault::Cipher)
}

fn seal(
    key: &LessSafeKey,
    nonce: [u8; NONCE_LEN],
    bound_to: &[u8],
    bytes: &mut [u8],
) -> Result<[u8; TAG_BYTES], KeyFault> {
    let nonce = Nonce::assume_unique_for_key(nonce);
    let sealed = key.seal_in_place_separate_tag(nonce, Aad::from(bound_to), bytes);
    let tag: Tag = sealed.map_err(|_| KeyFault::Cipher)?;
    let mut bytes = [0; TAG_BYTES];
    bytes.copy_from_slice(tag.as_ref());
    Ok(bytes)
}

struct MasterKey {
    name: String,
    key: LessSafeKey,
}

/// The master keys: the last one encrypts, all of them open.
#[derive(Default)]
pub struct Keyring {
    keys: Vec<MasterKey>,
}

impl fmt::Debug for Keyring {
    /// Names alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.iter().map(|key| &key.name)).finish()
    }
}

impl Keyring {
    /// Reads `name = 64 hexadecimal digits`, one key a line or separated by commas, the newest
    /// last; what follows a `#` is a remark. A name is up to [`NAME_MAX`] letters, digits, `-`,
    /// `_` and `.`.
    ///
    /// # Errors
    /// What is wrong with it, without the keys themselves.
    pub fn parse(text: &str) -> Result<Self, KeyFault> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            let line = line.split('#').next().unwrap_or_default();
            for entry in line.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
                let (name, digits) = entry.split_once('=').ok_or(KeyFault::Line(number))?;
                let (name, digits) = (name.trim(), digits.trim());
                let mut key = Zeroizing::new([0; KEY_BYTES]);
                if !is_name(name) || hex::decode_to_slice(digits, &mut *key).is_err() {
                    return Err(KeyFault::Line(number));
                }
                if keys.iter().any(|other| other.name == name) {
                    return Err(KeyFault::Twice(name.to_owned()));
                }
                if keys.len() == KEYS_MAX {
                    return Err(KeyFault::TooMany);
                }
                keys.push(MasterKey { name: name.to_owned(), key: bound(&key)? });
            }
        }
        if keys.is_empty() { Err(KeyFault::Empty) } else { Ok(Self { keys }) }
    }

    /// Whether nothing is to be encrypted.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The name of the key that encrypts.
    pub fn newest(&self) -> Option<&str> {
        self.keys.last().map(|key| key.name.as_str())
    }

    /// Encrypts a recording's key, bound to what `bound_to` makes of the master key's name. `None`
    /// if there is no master key.
    pub(crate) fn wrap(
        &self,
        drawn: &Drawn,
        bound_to: impl FnOnce(&str) -> Vec<u8>,
    ) -> Option<Result<(Wrapped, DataKey), KeyFault>> {
        let master = self.keys.last()?;
        let name = master.name.clone();
        let mut key = [0; WRAPPED_BYTES];
        key[..KEY_BYTES].copy_from_slice(&*drawn.key);
        let bound_to = bound_to(&name);
        let sealed = seal(&master.key, drawn.nonce, &bound_to, &mut key[..KEY_BYTES]);
        Some(sealed.and_then(|tag| {
            key[KEY_BYTES..].copy_from_slice(&tag);
            Ok((Wrapped { name, nonce: drawn.nonce, key }, DataKey::new(&drawn.key)?))
        }))
    }

    /// Signs a text with the key that encrypts. `None` if there is no master key. The text must
    /// begin in a way that nothing else does that a master key is used for; `nonce` is drawn at
    /// random.
    pub(crate) fn sign(
        &self,
        nonce: [u8; NONCE_LEN],
        text: &[u8],
    ) -> Option<Result<[u8; TAG_BYTES], KeyFault>> {
        // AES-GCM of nothing, bound to the text, is its authentication alone (GMAC).
        self.keys.last().map(|master| seal(&master.key, nonce, text, &mut []))
    }

    /// Whether the key of this name signed the text.
    ///
    /// # Errors
    /// There is no key of this name.
    pub(crate) fn has_signed(
        &self,
        name: &str,
        nonce: [u8; NONCE_LEN],
        mut tag: [u8; TAG_BYTES],
        text: &[u8],
    ) -> Result<bool, KeyFault> {
        let unknown = || KeyFault::Unknown(name.to_owned());
        let master = self.keys.iter().find(|key| key.name == name).ok_or_else(unknown)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        Ok(master.key.open_in_place(nonce, Aad::from(text), &mut tag).is_ok())
    }

    /// Opens a recording's key.
    pub(crate) fn unwrap(&self, wrapped: &Wrapped, bound_to: &[u8]) -> Result<DataKey, KeyFault> {
        let unknown = || KeyFault::Unknown(wrapped.name.clone());
        let master = self.keys.iter().find(|key| key.name == wrapped.name).ok_or_else(unknown)?;
        let mut key = Zeroizing::new(wrapped.key);
        let nonce = Nonce::assume_unique_for_key(wrapped.nonce);
        let opened = master.key.open_in_place(nonce, Aad::from(bound_to), &mut *key);
        let opened = opened.map_err(|_| KeyFault::Refused(wrapped.name.clone()))?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        key.copy_from_slice(opened);
        DataKey::new(&key)
    }
}

fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= NAME_MAX && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u8) -> Drawn {
        Drawn { key: Zeroizing::new([seed; KEY_BYTES]), nonce: [seed; NONCE_LEN] }
    }

    fn line(name: &str, byte: u8) -> String {
        format!("{name} = {}\n", hex::encode([byte; KEY_BYTES]))
    }

    fn bytes(name: &str) -> Vec<u8> {
        name.as_bytes().to_vec()
    }

    #[test]
    fn keys_are_read_from_lines_and_the_newest_is_the_last() {
        let text = format!("# ours\n{}\n{}", line("2025", 1), line("2026-a", 2).trim_end());
        let keys = Keyring::parse(&text).unwrap();
        assert_eq!(keys.newest(), Some("2026-a"));
        assert_eq!(format!("{keys:?}"), r#"{"2025", "2026-a"}"#, "no key is printed");
        let on_one_line = line("a", 1).trim_end().to_owned() + "," + &line("b", 2);
        assert_eq!(Keyring::parse(&on_one_line).unwrap().newest(), Some("b"));
        assert!(Keyring::default().is_empty());
    }

    #[test]
    fn what_is_no_key_is_named_by_its_line_and_nothing_else() {
        let good = line("a", 1);
        for (text, fault) in [
            (String::new(), KeyFault::Empty),
            ("# a = 00".to_owned(), KeyFault::Empty),
            (format!("{good}b = 0011"), KeyFault::Line(2)),
            (format!("{good}\nb {}", "0".repeat(64)), KeyFault::Line(3)),
            (format!("a b = {}", "0".repeat(64)), KeyFault::Line(1)),
            (format!("a = {}", "g".repeat(64)), KeyFault::Line(1)),
            (format!("{good}{good}"), KeyFault::Twice("a".to_owned())),
            (line(&"n".repeat(33), 1), KeyFault::Line(1)),
            ((0..65).map(|n| line(&n.to_string(), 1)).collect(), KeyFault::TooMany),
        ] {
            let found = Keyring::parse(&text).unwrap_err();
            assert_eq!(found, fault, "{text}");
            assert!(!found.to_string().contains("00"), "{found}");
        }
    }

    #[test]
    fn after_a_rotation_old_recordings_open_and_new_ones_take_the_new_key() {
        let old = Keyring::parse(&line("old", 1)).unwrap();
        let both = Keyring::parse(&(line("old", 1) + &line("new", 2))).unwrap();
        let (first, key) = old.wrap(&drawn(7), bytes).unwrap().unwrap();
        let (second, _) = both.wrap(&drawn(8), bytes).unwrap().unwrap();
        assert_eq!((first.name.as_str(), second.name.as_str()), ("old", "new"));
        let mut secret = *b"voices";
        let tag = key.seal(3, b"piece", &mut secret).unwrap();
        assert_ne!(&secret, b"voices");
        let opened = both.unwrap(&first, b"old").unwrap();
        let mut sealed = [&secret[..], &tag].concat();
        assert!(opened.open(3, b"piece", &mut sealed.clone()));
        assert!(!opened.open(4, b"piece", &mut sealed.clone()), "another number");
        assert!(!opened.open(3, b"peace", &mut sealed.clone()), "another place");
        sealed[0] ^= 1;
        assert!(!opened.open(3, b"piece", &mut sealed));
        let unknown = old.unwrap(&second, b"new").unwrap_err();
        assert_eq!(unknown, KeyFault::Unknown("new".to_owned()));
        assert!(Keyring::default().wrap(&drawn(1), bytes).is_none());
    }

    #[test]
    fn a_wrapped_key_opens_under_its_own_master_key_and_header_alone() {
        let right = Keyring::parse(&line("k", 1)).unwrap();
        let wrong = Keyring::parse(&line("k", 2)).unwrap();
        let (wrapped, _) = right.wrap(&drawn(7), bytes).unwrap().unwrap();
        assert!(right.unwrap(&wrapped, b"k").is_ok());
        let refused = KeyFault::Refused("k".to_owned());
        assert_eq!(wrong.unwrap(&wrapped, b"k").unwrap_err(), refused);
        assert_eq!(right.unwrap(&wrapped, b"other").unwrap_err(), refused);
        assert!(!wrapped.key.windows(KEY_BYTES).any(|part| part == [7; KEY_BYTES]));
    }
}
