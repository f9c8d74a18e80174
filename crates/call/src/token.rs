//! Tags and Call-IDs that nobody can guess and that a replay makes again.

use std::fmt;

use model::LegId;
use sdp::{MASTER_KEY_BYTES, MasterKey, Suite};
use sha2::{Digest, Sha256};
use sip::Chance;

/// Makes tokens from a secret that is new at each start.
#[derive(Clone)]
pub struct Tokens {
    secret: [u8; 32],
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(…)")
    }
}

impl Tokens {
    /// `secret` comes from the operating system's randomness.
    pub const fn new(secret: [u8; 32]) -> Self {
        Self { secret }
    }

    /// The Call-ID of a leg that calls someone.
    pub fn call_id(&self, leg: LegId) -> String {
        self.token(leg, "call-id")
    }

    /// A key of SRTP, as secret as the secret it is made of: what a tag shows of that says nothing
    /// of it. Whoever is asked after another, by the INVITE of that number, has one of their own.
    pub(crate) fn master_key(&self, leg: LegId, suite: Suite, invite: u32) -> MasterKey {
        let digest = self.digest(leg, &format!("{} {invite}", suite.name()));
        let mut key = [0; MASTER_KEY_BYTES];
        for (byte, random) in key.iter_mut().zip(digest) {
            *byte = random;
        }
        MasterKey::new(key)
    }

    /// What ICE's names and passwords of a leg are made of, secret as its keys.
    pub(crate) fn ice_secret(&self, leg: LegId) -> [u8; 32] {
        self.digest(leg, "ice")
    }

    /// 64 bits that depend on the leg and the purpose: RFC 3261 §19.3 asks for 32.
    pub fn token(&self, leg: LegId, purpose: &str) -> String {
        hex::encode(self.digest(leg, purpose).get(..8).unwrap_or_default())
    }

    fn digest(&self, leg: LegId, purpose: &str) -> [u8; 32] {
        let digest = Sha256::new()
            .chain_update(self.secret)
            .chain_update(leg.0.0.to_be_bytes())
            .chain_update(purpose);
        digest.finalize().into()
    }

    /// The chance of a leg: numbers that nobody outside can guess.
    pub(crate) fn chance(&self, leg: LegId) -> Chance {
        let seed = u64::from_str_radix(&self.token(leg, "chance"), 16);
        Chance(seed.unwrap_or(leg.0.0))
    }
}

/// The number that a tag of ours stands for: what it is found by. `None` for what no token can be.
pub fn tag_number(tag: &str) -> Option<u64> {
    let is_token = tag.len() == 16 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(tag, 16).ok().filter(|_| is_token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Id;

    #[test]
    fn tokens_differ_by_leg_purpose_and_secret() {
        let (one, two) = (LegId(Id::new(1, 1, 1)), LegId(Id::new(1, 1, 2)));
        let tokens = Tokens::new([7; 32]);
        assert_eq!(tokens.token(one, "tag"), tokens.token(one, "tag"));
        assert_ne!(tokens.token(one, "tag"), tokens.token(two, "tag"));
        assert_ne!(tokens.token(one, "tag"), tokens.token(one, "call-id"));
        assert_ne!(tokens.token(one, "tag"), Tokens::new([8; 32]).token(one, "tag"));
        assert_eq!(tokens.token(one, "tag").len(), 16);
    }

    #[test]
    fn keys_differ_by_leg_suite_and_secret_and_are_not_shown() {
        let (one, two) = (LegId(Id::new(1, 1, 1)), LegId(Id::new(1, 1, 2)));
        let tokens = Tokens::new([7; 32]);
        let [long, short] = Suite::ALL;
        let key = tokens.master_key(one, long, 1);
        assert_eq!(key, tokens.master_key(one, long, 1));
        for other in [
            tokens.master_key(two, long, 1),
            tokens.master_key(one, short, 1),
            tokens.master_key(one, long, 2),
            Tokens::new([8; 32]).master_key(one, long, 1),
        ] {
            assert_ne!(key, other);
        }
        assert!(!format!("{tokens:?}").contains("7, 7"));
    }

    #[test]
    fn a_tag_is_a_number_and_nothing_else_is() {
        let tag = Tokens::new([7; 32]).token(LegId(Id::new(1, 1, 1)), "tag");
        let number = tag_number(&tag).unwrap();
        assert_eq!(format!("{number:016x}"), tag);
        for other in
            ["", "1", "+123456789abcdef", "0123456789abcdeg", "0123456789abcdef0", "人人人人人1"]
        {
            assert_eq!(tag_number(other), None, "{other}");
        }
    }

    #[test]
    fn chance_is_spread_and_comes_again_in_a_replay() {
        let (one, two) = (LegId(Id::new(1, 1, 1)), LegId(Id::new(1, 1, 2)));
        let tokens = Tokens::new([7; 32]);
        let draw = |leg| {
            let mut chance = tokens.chance(leg);
            (0..200).map(|_| chance.below(10)).collect::<Vec<u64>>()
        };
        assert_eq!(draw(one), draw(one));
        assert_ne!(draw(one), draw(two));
        assert!((0..10).all(|number| draw(one).contains(&number)));
    }
}
