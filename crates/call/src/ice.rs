//! What a browser's checks have to name and know (RFC 8445 §5.3): made of a leg's secret, and new
//! ones where the browser begins again (RFC 8839 §4.4.1.1.1).

use sdp::{Ice, PASSWORD_BYTES, UFRAG_BYTES};
use sha2::{Digest, Sha256};

/// The letters that may stand there (RFC 8839 §5.4): 64, for six bits each.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The credentials of one leg.
pub(crate) struct IceCredentials {
    secret: [u8; 32],
    /// How often the browser began again.
    restarts: u32,
}

impl std::fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IceCredentials(…, {})", self.restarts)
    }
}

impl IceCredentials {
    pub(crate) const fn new(secret: [u8; 32]) -> Self {
        Self { secret, restarts: 0 }
    }

    /// Those that hold now.
    pub(crate) fn present(&self) -> Ice {
        let digest =
            Sha256::new().chain_update(self.secret).chain_update(self.restarts.to_be_bytes());
        let letters = digest.finalize().into_iter().map(|byte| LETTERS[usize::from(byte & 63)]);
        let (mut ufrag, mut password) = ([0; UFRAG_BYTES], [0; PASSWORD_BYTES]);
        for (place, letter) in ufrag.iter_mut().chain(&mut password).zip(letters) {
            *place = letter;
        }
        Ice::new(ufrag, password)
    }

    /// The browser began again: so do we.
    pub(crate) const fn renew(&mut self) {
        self.restarts = self.restarts.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_stay_until_the_browser_begins_again_and_differ_by_leg() {
        let mut one = IceCredentials::new([1; 32]);
        let other = IceCredentials::new([2; 32]);
        let before = one.present();
        assert_eq!(one.present(), before);
        assert_ne!(before, other.present());
        one.renew();
        assert_ne!(one.present().ufrag(), before.ufrag());
        assert_ne!(one.present().password(), before.password());
        let shown = format!("{one:?}");
        assert_eq!(shown, "IceCredentials(…, 1)");
    }

    #[test]
    fn they_are_letters_that_may_stand_there() {
        let ice = IceCredentials::new([7; 32]).present();
        let all = ice.ufrag().iter().chain(ice.password());
        assert!(all.clone().all(|letter| LETTERS.contains(letter)));
        assert!(all.copied().collect::<std::collections::BTreeSet<u8>>().len() > 8, "many letters");
    }
}
