//! The server's side: challenge, and check of the answer (RFC 3261 §22, RFC 7616 §3.4.6).

use std::borrow::Cow;

use model::Mono;
use subtle::ConstantTimeEq as _;

use super::credentials::Credentials;
use super::nonce::Nonces;
use super::{Algorithm, Question, Secrets};
use crate::{Message, Name, Uri};

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The credentials are right.
    Accepted,
    /// There are none for our realm: challenge.
    Missing,
    /// The password is right, but the nonce is too old or its count was used: challenge with
    /// `stale`, the phone tries again by itself.
    Stale,
    /// They are wrong, or the user is unknown: the same answer for both.
    Refused,
}

/// Challenges and checks for one realm.
#[derive(Debug)]
pub struct Authenticator {
    realm: String,
    nonces: Nonces,
    /// Stands in for the secrets of a user that does not exist.
    nobody: Secrets,
}

impl Authenticator {
    /// `secret` is random and may change at a restart; a nonce is good for `nonce_ttl_ms`.
    pub fn new(realm: &str, secret: [u8; 32], nonce_ttl_ms: u64) -> Self {
        let unknowable = hex::encode(secret);
        let algorithms = [Algorithm::Sha256, Algorithm::Md5];
        Self {
            realm: realm.to_owned(),
            nonces: Nonces::new(realm, secret, nonce_ttl_ms),
            nobody: Secrets::from_password(&algorithms, "", realm, &unknowable),
        }
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The values of the WWW-Authenticate headers of a 401, one an algorithm, preferred first. The
    /// nonce is the same in all.
    ///
    /// A caller that does not want to tell who exists gives unknown users the algorithms that most
    /// accounts have.
    pub fn challenge(&mut self, algorithms: &[Algorithm], stale: bool, now: Mono) -> Vec<String> {
        let nonce = self.nonces.make(now);
        let stale = if stale { ", stale=true" } else { "" };
        let value = |algorithm: &Algorithm| {
            format!(
                "Digest realm=\"{}\", nonce=\"{nonce}\", algorithm={}, qop=\"auth\"{stale}",
                self.realm,
                algorithm.as_str(),
            )
        };
        algorithms.iter().map(value).collect()
    }

    /// The user that a request claims to come from in its Authorization for our realm.
    pub fn claimed_user<'a>(&self, request: &'a Message) -> Option<Cow<'a, str>> {
        self.credentials(request)?.value("username").map(unescaped)
    }

    fn credentials<'a>(&self, request: &'a Message) -> Option<Credentials<'a>> {
        request
            .all(Name::Authorization)
            .filter_map(Credentials::parse)
            .find(|credentials| credentials.value("realm") == Some(&self.realm))
    }

    /// Checks a request's Authorization. `secrets` are those of the claimed user, `None` if there
    /// is no such user: that takes the same path and gives the same verdict as a wrong password.
    pub fn verify(&mut self, request: &Message, secrets: Option<&Secrets>, now: Mono) -> Verdict {
        let Some(credentials) = self.credentials(request) else {
            return Verdict::Missing;
        };
        let value = |name| credentials.value(name).unwrap_or("");
        let algorithm = Algorithm::from_name(value("algorithm")).unwrap_or(Algorithm::Sha256);
        let known = Algorithm::from_name(value("algorithm")).is_some();
        let hash = secrets.and_then(|secrets| secrets.hash(algorithm));
        let counted = (!value("qop").is_empty()).then(|| (value("nc"), value("cnonce")));
        let question = Question {
            algorithm,
            method: request.method_text(),
            uri: value("uri"),
            nonce: value("nonce"),
            counted,
        };
        let wanted = question.response(hash.or(self.nobody.hash(algorithm)).unwrap_or(""));
        let given = value("response").to_ascii_lowercase();
        let matches = bool::from(wanted.as_bytes().ct_eq(given.as_bytes()));
        let count = match counted {
            Some((count, cnonce)) if value("qop").eq_ignore_ascii_case("auth") => {
                let count = u32::from_str_radix(count, 16).ok();
                count.filter(|count| *count > 0 && !cnonce.is_empty())
            }
            Some(_) => None,
            // Without qop nothing counts: the nonce is good once.
            None => Some(1),
        };
        let resource = same_resource(value("uri"), request.uri());
        match count {
            Some(count) if matches && hash.is_some() && known && resource => {
                match self.nonces.spend(value("nonce"), count, now) {
                    true => Verdict::Accepted,
                    false => Verdict::Stale,
                }
            }
            Some(_) | None => Verdict::Refused,
        }
    }
}

/// Whether an answer was made for this Request-URI (RFC 7616 §3.4.6): user and host count, what a
/// proxy may have changed does not.
fn same_resource(signed: &str, request_uri: &str) -> bool {
    match (Uri::parse(signed), Uri::parse(request_uri)) {
        (Some(signed), Some(uri)) => {
            signed.user_decoded() == uri.user_decoded()
                && signed.host().eq_ignore_ascii_case(uri.host())
        }
        (_, _) => signed == request_uri,
    }
}

/// A quoted string's inside without its escapes.
fn unescaped(text: &str) -> Cow<'_, str> {
    match text.contains('\\') {
        true => Cow::Owned(text.replace("\\\"", "\"").replace("\\\\", "\\")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{Authenticator, Verdict};
    use crate::digest::{Account, Algorithm, Secrets, answer};
    use crate::{Message, Method, RequestBuilder};
    use model::Mono;

    const NOW: Mono = Mono::from_ms(10_000);
    const BOTH: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Md5];

    fn authenticator() -> Authenticator {
        Authenticator::new("hotline", [3; 32], 60_000)
    }

    fn account(password: &str) -> Account {
        Account {
            user: "8001".to_owned(),
            password: password.to_owned(),
            realm: Some("hotline".to_owned()),
        }
    }

    fn secrets(algorithms: &[Algorithm]) -> Secrets {
        Secrets::from_password(algorithms, "8001", "hotline", "demo")
    }

    fn register(authorization: &str) -> Message {
        RequestBuilder::new(Method::Register, "sip:127.0.0.1")
            .header("Authorization", authorization)
            .build()
    }

    fn answered(challenges: &[String], password: &str, count: u32) -> Message {
        let challenges = challenges.iter().map(String::as_str);
        let value =
            answer(challenges, &account(password), Method::Register, "sip:127.0.0.1", count, "abc");
        register(&value.unwrap())
    }

    #[test]
    fn the_right_password_is_accepted_with_each_algorithm() {
        for algorithms in [&BOTH[..], &BOTH[..1], &BOTH[1..]] {
            let mut server = authenticator();
            let challenges = server.challenge(algorithms, false, NOW);
            assert_eq!(challenges.len(), algorithms.len());
            let request = answered(&challenges, "demo", 1);
            assert_eq!(server.claimed_user(&request).as_deref(), Some("8001"));
            let verdict = server.verify(&request, Some(&secrets(algorithms)), NOW);
            assert_eq!(verdict, Verdict::Accepted);
        }
    }

    #[test]
    fn wrong_password_and_unknown_user_get_the_same_verdict() {
        let mut server = authenticator();
        let challenges = server.challenge(&BOTH, false, NOW);
        let request = answered(&challenges, "guess", 1);
        assert_eq!(server.verify(&request, Some(&secrets(&BOTH)), NOW), Verdict::Refused);
        assert_eq!(server.verify(&request, None, NOW), Verdict::Refused);
        let right = answered(&challenges, "demo", 1);
        assert_eq!(server.verify(&right, None, NOW), Verdict::Refused);
    }

    #[test]
    fn an_algorithm_that_the_account_may_not_use_is_refused() {
        let mut server = authenticator();
        let challenges = server.challenge(&[Algorithm::Md5], false, NOW);
        let request = answered(&challenges, "demo", 1);
        let only_sha = secrets(&[Algorithm::Sha256]);
        assert_eq!(server.verify(&request, Some(&only_sha), NOW), Verdict::Refused);
    }

    #[test]
    fn a_replay_and_an_old_nonce_are_stale() {
        let mut server = authenticator();
        let challenges = server.challenge(&BOTH, false, NOW);
        let secrets = secrets(&BOTH);
        let request = answered(&challenges, "demo", 1);
        assert_eq!(server.verify(&request, Some(&secrets), NOW), Verdict::Accepted);
        assert_eq!(server.verify(&request, Some(&secrets), NOW), Verdict::Stale);
        let next = answered(&challenges, "demo", 2);
        assert_eq!(server.verify(&next, Some(&secrets), NOW), Verdict::Accepted);
        let late = answered(&challenges, "demo", 3);
        assert_eq!(server.verify(&late, Some(&secrets), Mono::from_ms(80_000)), Verdict::Stale);
        assert!(server.challenge(&BOTH, true, NOW)[0].contains("stale=true"));
    }

    #[test]
    fn what_is_not_digest_for_our_realm_is_missing() {
        let mut server = authenticator();
        let none = RequestBuilder::new(Method::Register, "sip:127.0.0.1").build();
        assert_eq!(server.verify(&none, None, NOW), Verdict::Missing);
        for value in ["NoOneKnows x=y", "Digest realm=\"other\", username=\"8001\"", "Digest"] {
            assert_eq!(server.verify(&register(value), None, NOW), Verdict::Missing);
        }
    }

    #[test]
    fn an_answer_for_another_resource_or_method_is_refused() {
        let mut server = authenticator();
        let challenges = server.challenge(&BOTH, false, NOW);
        let challenges: Vec<_> = challenges.iter().map(String::as_str).collect();
        for (method, uri) in
            [(Method::Register, "sip:elsewhere"), (Method::Invite, "sip:127.0.0.1")]
        {
            let challenges = challenges.iter().copied();
            let value = answer(challenges, &account("demo"), method, uri, 1, "c").unwrap();
            let verdict = server.verify(&register(&value), Some(&secrets(&BOTH)), NOW);
            assert_eq!(verdict, Verdict::Refused);
        }
    }
}
