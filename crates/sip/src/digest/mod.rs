//! Digest authentication (RFC 2617, 7616 and 8760): MD5 and SHA-256 with qop=auth.

mod answer;
mod authenticator;
mod credentials;
mod nonce;

use std::fmt;

use md5::Md5;
use sha2::Sha256;

pub use answer::{Account, answer, is_stale, realm};
pub use authenticator::{Authenticator, Verdict};
pub use nonce::MAX_NONCES;

/// A digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// The only one that some phones can.
    Md5,
    /// RFC 7616.
    Sha256,
}

impl Algorithm {
    /// The name in challenge and answer.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    /// The algorithm of that name; MD5 where none is named (RFC 7616 §3.3).
    pub fn from_name(name: &str) -> Option<Algorithm> {
        match name {
            "" => Some(Self::Md5),
            _ if name.eq_ignore_ascii_case("MD5") => Some(Self::Md5),
            _ if name.eq_ignore_ascii_case("SHA-256") => Some(Self::Sha256),
            _ => None,
        }
    }

    /// The hash of `parts` with colons between them, in hexadecimal.
    fn hash(self, parts: &[&str]) -> String {
        fn joined<D: sha2::Digest>(parts: &[&str]) -> String {
            let mut digest = D::new();
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    digest.update(b":");
                }
                digest.update(part.as_bytes());
            }
            hex::encode(digest.finalize().as_slice())
        }
        match self {
            Self::Md5 => joined::<Md5>(parts),
            Self::Sha256 => joined::<Sha256>(parts),
        }
    }
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
        let hash = |algorithm: &Algorithm| (*algorithm, ha1(*algorithm, user, realm, password));
        Secrets { entries: algorithms.iter().map(hash).collect() }
    }

    /// From hashes that were kept, in hexadecimal.
    pub fn from_hashes(entries: Vec<(Algorithm, String)>) -> Secrets {
        Secrets { entries }
    }

    /// The algorithms that may be used, preferred first.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.entries.iter().map(|(algorithm, _)| *algorithm)
    }

    fn hash(&self, wanted: Algorithm) -> Option<&str> {
        let mut entries = self.entries.iter();
        entries.find(|(algorithm, _)| *algorithm == wanted).map(|(_, hash)| hash.as_str())
    }
}

/// Without the hashes.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.algorithms()).finish()
    }
}

/// The hash of user, realm and password, in hexadecimal (RFC 7616 §3.4.2).
pub fn ha1(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> String {
    algorithm.hash(&[user, realm, password])
}

/// What an answer is computed from, but for the secret.
struct Question<'a> {
    algorithm: Algorithm,
    method: &'a str,
    uri: &'a str,
    nonce: &'a str,
    /// Count and client nonce, where qop=auth is used.
    counted: Option<(&'a str, &'a str)>,
}

impl Question<'_> {
    /// RFC 7616 §3.4.1; without qop as RFC 2617 §3.2.2.1 keeps it for RFC 2069.
    fn response(&self, ha1: &str) -> String {
        let ha2 = self.algorithm.hash(&[self.method, self.uri]);
        match self.counted {
            Some((count, cnonce)) => {
                self.algorithm.hash(&[ha1, self.nonce, count, cnonce, "auth", &ha2])
            }
            None => self.algorithm.hash(&[ha1, self.nonce, &ha2]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, Question, Secrets, ha1};

    /// RFC 7616 §3.9.1 has one example in both algorithms.
    #[test]
    fn the_examples_of_the_rfc_come_out() {
        for (algorithm, wanted) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let question = Question {
                algorithm,
                method: "GET",
                uri: "/dir/index.html",
                nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                counted: Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
            };
            let ha1 = ha1(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life");
            assert_eq!(question.response(&ha1), wanted);
        }
    }

    /// RFC 2069 §2.4 as its erratum 749 corrects it.
    #[test]
    fn an_answer_without_qop_is_the_old_one() {
        let question = Question {
            algorithm: Algorithm::Md5,
            method: "GET",
            uri: "/dir/index.html",
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            counted: None,
        };
        let ha1 = ha1(Algorithm::Md5, "Mufasa", "testrealm@host.com", "CircleOfLife");
        assert_eq!(question.response(&ha1), "1949323746fe6a43ef61f9606e7febea");
    }

    #[test]
    fn secrets_print_without_their_hashes() {
        let secrets = Secrets::from_password(&[Algorithm::Md5], "8001", "hotline", "demo");
        assert_eq!(format!("{secrets:?}"), "[Md5]");
    }
}
