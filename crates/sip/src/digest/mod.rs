//! Digest authentication (RFC 2617, 7616 and 8760): MD5 and SHA-256 with qop=auth.

use model::Mono;

use crate::Message;

/// A digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// The only one that some phones can.
    Md5,
    /// RFC 7616.
    Sha256,
}

/// What is kept of an account: per algorithm the hash of user, realm and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    entries: Vec<(Algorithm, String)>,
}

impl Secrets {
    /// From the password. The order of `algorithms` is that of the challenges: preferred first.
    pub fn from_password(
        algorithms: &[Algorithm],
        user: &str,
        realm: &str,
        password: &str,
    ) -> Secrets {
        let entries = algorithms
            .iter()
            .map(|algorithm| (*algorithm, ha1(*algorithm, user, realm, password)))
            .collect();
        Secrets { entries }
    }

    /// From hashes that were kept, in hexadecimal.
    pub fn from_hashes(entries: Vec<(Algorithm, String)>) -> Secrets {
        Secrets { entries }
    }

    /// The algorithms that may be used, preferred first.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.entries.iter().map(|(algorithm, _)| *algorithm)
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.algorithms()).finish()
    }
}

/// The hash of user, realm and password, in hexadecimal (RFC 7616 §3.4.2).
pub fn ha1(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> String {
    let _ = (algorithm, user, realm, password);
    unimplemented!()
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The credentials are right.
    Accepted,
    /// There are none for our realm: challenge.
    Missing,
    /// The credentials may be right but the nonce is too old or its count was used: challenge with
    /// `stale`.
    Stale,
    /// They are wrong, or the user is unknown: the same answer for both.
    Refused,
}

/// Challenges and checks for one realm.
#[derive(Debug)]
pub struct Authenticator {}

impl Authenticator {
    /// `secret` is random; a nonce is good for `nonce_ttl_ms`.
    pub fn new(realm: &str, secret: [u8; 32], nonce_ttl_ms: u64) -> Self {
        let _ = (realm, secret, nonce_ttl_ms);
        Self {}
    }

    /// The values of WWW-Authenticate headers, one an algorithm, preferred first.
    pub fn challenge(&self, algorithms: &[Algorithm], stale: bool, now: Mono) -> Vec<String> {
        let _ = (algorithms, stale, now);
        unimplemented!()
    }

    /// The user that a request claims to come from in its Authorization for our realm.
    pub fn claimed_user(&self, request: &Message) -> Option<String> {
        let _ = request;
        unimplemented!()
    }

    /// Checks a request's Authorization. `secrets` are those of the claimed user, `None` if there
    /// is no such user: that takes the same time and gives the same verdict as a wrong password.
    pub fn verify(&mut self, request: &Message, secrets: Option<&Secrets>, now: Mono) -> Verdict {
        let _ = (request, secrets, now);
        unimplemented!()
    }
}
