//! Keys of SRTP in a description (RFC 4568): `a=crypto`.

use std::fmt;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// Bytes of a master key and its salt.
pub const MASTER_KEY_BYTES: usize = 30;

/// The most `a=crypto` lines of one stream that are looked at.
pub const MAX_CRYPTOS: usize = 16;

/// How packets are protected (RFC 4568 §6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suite {
    /// AES of 128 bits in counter mode, tags of 80 bits.
    AesCm128HmacSha1_80,
    /// The same with tags of 32 bits, but for reports.
    AesCm128HmacSha1_32,
}

impl Suite {
    /// Every suite, the preferred one first.
    pub const ALL: [Self; 2] = [Self::AesCm128HmacSha1_80, Self::AesCm128HmacSha1_32];

    /// Its name in `a=crypto`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// The suite of that name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))
    }
}

/// A master key with its salt. Never shown but in a description that is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MasterKey([u8; MASTER_KEY_BYTES]);

impl MasterKey {
    /// 128 bits of key, then 112 bits of salt.
    pub const fn new(bytes: [u8; MASTER_KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// 128 bits of key, then 112 bits of salt.
    pub const fn bytes(&self) -> &[u8; MASTER_KEY_BYTES] {
        &self.0
    }

    fn from_base64(text: &str) -> Option<Self> {
        // Some phones fill up what needs no filling.
        let mut bytes = [0; MASTER_KEY_BYTES];
        let decoded = STANDARD_NO_PAD.decode_slice(text.trim_end_matches('='), &mut bytes);
        (decoded == Ok(MASTER_KEY_BYTES)).then_some(Self(bytes))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// A call of more than five hours at 50 packets a second.
const FEWEST_PACKETS: u64 = 1 << 20;

/// One way to protect a stream that its writer can: what it sends then is under this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crypto {
    /// Its number, by which the answer names it.
    pub tag: u32,
    /// How.
    pub suite: Suite,
    /// Its writer's key.
    pub key: MasterKey,
}

impl Crypto {
    /// Reads the value of `a=crypto`. `None` for what is not done here, as if it were not offered:
    /// other suites, more than one key, an MKI (RFC 4568 §6.1), and parameters that have to be
    /// understood (§6.3) but for the size of a replay window.
    ///
    /// A key that is good for fewer packets than [`FEWEST_PACKETS`] is not taken either: nobody
    /// counts here when another would be due.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_whitespace();
        let tag = words.next()?;
        // §9.1: digits, and no zero before them.
        let is_plain = tag.len() <= 9 && tag.bytes().all(|byte| byte.is_ascii_digit());
        let tag = Some(tag).filter(|tag| is_plain && !tag.starts_with('0'))?.parse().ok()?;
        let suite = Suite::from_name(words.next()?)?;
        let (method, parameters) = words.next()?.split_once(':')?;
        if !method.eq_ignore_ascii_case("inline") || parameters.contains(';') {
            return None;
        }
        let mut parts = parameters.split('|');
        let key = MasterKey::from_base64(parts.next()?)?;
        // `|lifetime`, `|mki:length`: an MKI is no number.
        if !parts.all(lasts) {
            return None;
        }
        let is_harmless = |word: &str| word.starts_with('-') || word.starts_with("WSH=");
        words.all(is_harmless).then_some(Self { tag, suite, key })
    }
}

impl fmt::Display for Crypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = Base64Display::new(self.key.bytes(), &STANDARD);
        write!(f, "{} {} inline:{key}", self.tag, self.suite.name())
    }
}

/// Whether a key lasts for a call: its lifetime, in packets, is written as a number or as a power
/// of two (RFC 4568 §6.1).
fn lasts(lifetime: &str) -> bool {
    let packets = match lifetime.strip_prefix("2^") {
        Some(power) => power.parse().ok().and_then(|power| 1_u64.checked_shl(power)),
        None => lifetime.parse().ok(),
    };
    packets.is_some_and(|packets| packets >= FEWEST_PACKETS)
}

/// Whether a stream is to be protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SrtpPolicy {
    /// Never: a stream that has to be is refused.
    #[default]
    Off,
    /// Where the other side does, too: it is offered as RTP/AVP with keys, which who knows of none
    /// takes as plain.
    Offer,
    /// Always: a stream that is not is refused.
    Require,
}

impl SrtpPolicy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Off, Self::Offer, Self::Require];

    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Offer => "offer",
            Self::Require => "require",
        }
    }

    /// The policy of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

/// Whether a leg's stream is to be protected, and our keys if it is, one for each of
/// [`Suite::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Srtp {
    /// Whether.
    pub policy: SrtpPolicy,
    /// Nobody else's, and the same for all descriptions of one dialog.
    pub keys: [MasterKey; Suite::ALL.len()],
}

impl Srtp {
    /// Never protected.
    pub const OFF: Self =
        Self { policy: SrtpPolicy::Off, keys: [MasterKey([0; MASTER_KEY_BYTES]); 2] };

    /// What we offer.
    pub(crate) fn cryptos(&self) -> Vec<Crypto> {
        match self.policy {
            SrtpPolicy::Off => Vec::new(),
            SrtpPolicy::Offer | SrtpPolicy::Require => (1..)
                .zip(Suite::ALL.into_iter().zip(self.keys))
                .map(|(tag, (suite, key))| Crypto { tag, suite, key })
                .collect(),
        }
    }

    /// What we answer: the same number and suite with our key.
    pub(crate) fn answer(&self, theirs: &Crypto) -> Crypto {
        let [long, short] = self.keys;
        let key = match theirs.suite {
            Suite::AesCm128HmacSha1_80 => long,
            Suite::AesCm128HmacSha1_32 => short,
        };
        Crypto { key, ..*theirs }
    }
}

/// How a stream is protected, seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secured {
    /// How.
    pub suite: Suite,
    /// The key of what we send.
    pub ours: MasterKey,
    /// The key of what comes.
    pub theirs: MasterKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of RFC 4568 §9.1.
    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    #[test]
    fn rfc_4568_section_9_a_line_is_read_and_written() {
        for text in [
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("12 AES_CM_128_HMAC_SHA1_32 inline:{KEY}"),
        ] {
            let crypto = Crypto::parse(&text).unwrap();
            assert_eq!(crypto.to_string(), text);
            assert_eq!(crypto.key.bytes()[..8], *b"YS___sem");
        }
        let plain = Crypto::parse(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"));
        for same in [
            format!("1 aes_cm_128_hmac_sha1_80 INLINE:{KEY}|2^20"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|281474976710656"),
            format!("1  AES_CM_128_HMAC_SHA1_80   inline:{KEY}== -X=1 WSH=128"),
        ] {
            assert_eq!(Crypto::parse(&same), plain, "{same}");
        }
    }

    #[test]
    fn what_is_not_done_here_is_passed_over() {
        for other in [
            String::new(),
            "1 AES_CM_128_HMAC_SHA1_80".into(),
            format!("x AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("1234567890 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("1 F8_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("1 AEAD_AES_256_GCM inline:{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 uri:{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{}", &KEY[1..]),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{}!", &KEY[1..]),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:4"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY};inline:{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^10"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1000"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^64"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|"),
            format!("+5 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("05 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} KDR=1"),
        ] {
            assert_eq!(Crypto::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn no_key_is_shown() {
        let crypto = Crypto::parse(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}")).unwrap();
        let secured = Secured { suite: crypto.suite, ours: crypto.key, theirs: crypto.key };
        let srtp = Srtp { policy: SrtpPolicy::Offer, keys: [crypto.key; 2] };
        let shown = format!("{crypto:?} {secured:?} {srtp:?}");
        assert!(shown.contains("MasterKey(…)"), "{shown}");
        assert!(!shown.contains("89, 83") && !shown.contains("WVNf"), "{shown}");
    }

    #[test]
    fn policies_have_names() {
        for policy in SrtpPolicy::ALL {
            assert_eq!(SrtpPolicy::from_name(policy.name()), Some(policy));
        }
        assert_eq!(SrtpPolicy::from_name("on"), None);
    }
}
