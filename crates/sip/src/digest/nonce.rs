//! Nonces that need no memory to be recognised, and the little memory that stops their replay.
//!
//! A nonce is its time, a counter and a keyed hash over both and the realm: whether it is ours and
//! how old it is can be read from it. Only the highest count that was used with it is kept.

use std::collections::BTreeMap;

use model::Mono;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The most nonces whose counts are kept. Beyond it the oldest are forgotten, and every nonce that
/// is not younger than them counts as stale.
pub const MAX_NONCES: usize = 100_000;

/// Time in milliseconds and counter: what is readable in a nonce.
type Stamp = (u64, u32);

/// Makes nonces and recognises them.
#[derive(Debug)]
pub(super) struct Nonces {
    key: Vec<u8>,
    ttl_ms: u64,
    made: u32,
    counts: BTreeMap<Stamp, u32>,
    /// Nonces up to this one were forgotten.
    floor: Option<Stamp>,
}

impl Nonces {
    pub(super) fn new(realm: &str, secret: [u8; 32], ttl_ms: u64) -> Self {
        let key = [secret.as_slice(), realm.as_bytes()].concat();
        Self { key, ttl_ms, made: 0, counts: BTreeMap::new(), floor: None }
    }

    pub(super) fn make(&mut self, now: Mono) -> String {
        self.made = self.made.wrapping_add(1);
        let stamp = (now.as_ms(), self.made);
        format!("{:012x}{:08x}{}", stamp.0, stamp.1, self.seal(stamp))
    }

    /// HMAC's nesting (RFC 2104) with SHA-256, cut to 128 bits.
    fn seal(&self, stamp: Stamp) -> String {
        let inner = Sha256::new()
            .chain_update(&self.key)
            .chain_update([0x36; 32])
            .chain_update(stamp.0.to_be_bytes())
            .chain_update(stamp.1.to_be_bytes())
            .finalize();
        let outer = Sha256::new().chain_update(&self.key).chain_update([0x5c; 32]);
        let mut seal = hex::encode(outer.chain_update(inner).finalize().as_slice());
        seal.truncate(32);
        seal
    }

    /// Whether a nonce is ours, not too old, and `count` was not used with it yet. Keeps the count.
    pub(super) fn spend(&mut self, nonce: &str, count: u32, now: Mono) -> bool {
        let Some(stamp) = self.stamp_of(nonce) else {
            return false;
        };
        let oldest = now.as_ms().saturating_sub(self.ttl_ms);
        while self.counts.first_key_value().is_some_and(|(known, _)| known.0 < oldest) {
            self.counts.pop_first();
        }
        if stamp.0 < oldest || self.floor.is_some_and(|floor| stamp <= floor) {
            return false;
        }
        let last = self.counts.entry(stamp).or_insert(0);
        if count <= *last {
            return false;
        }
        *last = count;
        if self.counts.len() > MAX_NONCES {
            self.floor = self.counts.pop_first().map(|(stamp, _)| stamp);
        }
        true
    }

    fn stamp_of(&self, nonce: &str) -> Option<Stamp> {
        let (time, rest) = nonce.split_at_checked(12)?;
        let (counter, seal) = rest.split_at_checked(8)?;
        let stamp = (u64::from_str_radix(time, 16).ok()?, u32::from_str_radix(counter, 16).ok()?);
        bool::from(self.seal(stamp).as_bytes().ct_eq(seal.as_bytes())).then_some(stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_NONCES, Nonces};
    use model::Mono;

    #[test]
    fn a_nonce_is_good_for_rising_counts_until_it_is_too_old() {
        let mut nonces = Nonces::new("hotline", [7; 32], 1_000);
        let nonce = nonces.make(Mono::from_ms(5_000));
        assert!(nonces.spend(&nonce, 1, Mono::from_ms(5_001)));
        assert!(!nonces.spend(&nonce, 1, Mono::from_ms(5_002)));
        assert!(nonces.spend(&nonce, 5, Mono::from_ms(6_000)));
        assert!(!nonces.spend(&nonce, 4, Mono::from_ms(6_000)));
        assert!(!nonces.spend(&nonce, 6, Mono::from_ms(6_001)));
    }

    #[test]
    fn a_nonce_of_another_realm_secret_or_maker_is_not_ours() {
        let now = Mono::from_ms(1);
        let nonce = Nonces::new("hotline", [7; 32], 1_000).make(now);
        assert!(!Nonces::new("other", [7; 32], 1_000).spend(&nonce, 1, now));
        assert!(!Nonces::new("hotline", [8; 32], 1_000).spend(&nonce, 1, now));
        let mut nonces = Nonces::new("hotline", [7; 32], 1_000);
        for text in ["", "00", "äöüäöüäöüäöüäöüäöü", &nonce.replace('0', "1"), &nonce[1..]]
        {
            assert!(!nonces.spend(text, 1, now), "{text}");
        }
        assert!(nonces.spend(&nonce, 1, now));
    }

    #[test]
    fn forgotten_nonces_cannot_be_replayed_and_memory_stays_bounded() {
        let mut nonces = Nonces::new("hotline", [7; 32], 1_000_000);
        let now = Mono::from_ms(1);
        let first = nonces.make(now);
        assert!(nonces.spend(&first, 1, now));
        for _ in 0..MAX_NONCES + 10 {
            let nonce = nonces.make(now);
            assert!(nonces.spend(&nonce, 1, now));
        }
        assert_eq!(nonces.counts.len(), MAX_NONCES);
        assert!(!nonces.spend(&first, 2, now));
    }
}
