//! The client's side: the answer to a challenge (RFC 7616 §3.4, RFC 8760 §2.4).

use std::fmt;

use super::credentials::Credentials;
use super::{Algorithm, Question, ha1};
use crate::Method;

/// What we answer a challenge with.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
    /// The only realm that may have them; `None` for whichever asks.
    pub realm: Option<String>,
}

/// Without the password.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("user", &self.user).finish_non_exhaustive()
    }
}

/// The value of Authorization (or Proxy-Authorization), or `None` if no challenge is of the
/// account's realm, of a known algorithm and of a quality that we can.
///
/// `challenges` are the values of WWW-Authenticate (or Proxy-Authenticate) in the order of the
/// message: the first that can be answered is (RFC 8760 §2.4). `count` is how often this nonce has
/// been answered, this time included; `cnonce` is random.
pub fn answer<'a>(
    challenges: impl Iterator<Item = &'a str>,
    account: &Account,
    method: Method,
    uri: &str,
    count: u32,
    cnonce: &str,
) -> Option<String> {
    let mut challenges = challenges.filter_map(Credentials::parse);
    let (challenge, algorithm) = challenges.find_map(|challenge| {
        let realm = challenge.value("realm")?;
        let algorithm = Algorithm::from_name(challenge.value("algorithm").unwrap_or(""))?;
        let wanted = account.realm.as_deref().is_none_or(|wanted| wanted == realm);
        (wanted && quality(&challenge).is_some()).then_some((challenge, algorithm))
    })?;
    let (realm, nonce) = (challenge.value("realm")?, challenge.value("nonce")?);
    let count = format!("{count:08x}");
    let counts = quality(&challenge) == Some(Quality::Auth);
    let counted = counts.then_some((count.as_str(), cnonce));
    let question = Question { algorithm, method: method.as_str(), uri, nonce, counted };
    let response = question.response(&ha1(algorithm, &account.user, realm, &account.password));
    let mut value = format!(
        "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         response=\"{response}\", algorithm={}",
        account.user,
        algorithm.as_str(),
    );
    if counts {
        value.push_str(&format!(", qop=auth, nc={count}, cnonce=\"{cnonce}\""));
    }
    if let Some(opaque) = challenge.value("opaque") {
        value.push_str(&format!(", opaque=\"{opaque}\""));
    }
    Some(value)
}

/// The realm that a challenge is of; none for one that is no digest's.
pub fn realm(challenge: &str) -> Option<String> {
    Some(Credentials::parse(challenge)?.value("realm")?.to_owned())
}

/// Whether one of the challenges says that only the nonce of the answer before was too old: the
/// same password answers it again (RFC 7616 §3.3).
pub fn is_stale<'a>(challenges: impl Iterator<Item = &'a str>) -> bool {
    let mut challenges = challenges.filter_map(Credentials::parse);
    challenges.any(|challenge| {
        challenge.value("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true"))
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Quality {
    /// RFC 2069.
    None,
    /// qop=auth.
    Auth,
}

/// `None` where only qualities are offered that we cannot (auth-int).
fn quality(challenge: &Credentials<'_>) -> Option<Quality> {
    match challenge.value("qop") {
        None => Some(Quality::None),
        Some(offered) => offered
            .split(',')
            .any(|quality| quality.trim().eq_ignore_ascii_case("auth"))
            .then_some(Quality::Auth),
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, answer, is_stale, realm};
    use crate::Method;

    fn account(realm: Option<&str>) -> Account {
        Account {
            user: "bob".to_owned(),
            password: "zanzibar".to_owned(),
            realm: realm.map(str::to_owned),
        }
    }

    fn answered(challenges: &[&str], realm: Option<&str>) -> Option<String> {
        let account = account(realm);
        answer(
            challenges.iter().copied(),
            &account,
            Method::Invite,
            "sip:bob@biloxi.com",
            1,
            "0a4f113b",
        )
    }

    /// The example of draft-smith-sip-auth-examples §3.3, which stacks are checked with.
    #[test]
    fn a_known_example_comes_out() {
        let challenge = "Digest realm=\"biloxi.com\", qop=\"auth,auth-int\", algorithm=MD5, \
                         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc\"";
        let value = answered(&[challenge], Some("biloxi.com")).unwrap();
        assert!(value.contains("response=\"89eb0059246c02b2f6ee02c7961d5ea3\""), "{value}");
        assert!(value.contains("nc=00000001") && value.contains("opaque=\"5ccc\""), "{value}");
    }

    #[test]
    fn the_first_challenge_that_can_be_answered_is() {
        let value = answered(
            &[
                "Basic realm=\"r\"",
                "Digest realm=\"r\", nonce=\"1\", algorithm=SHA-512-256",
                "Digest realm=\"r\", nonce=\"2\", qop=\"auth-int\"",
                "Digest realm=\"r\", nonce=\"3\", algorithm=SHA-256, qop=\"auth\"",
                "Digest realm=\"r\", nonce=\"4\"",
            ],
            None,
        );
        assert!(value.unwrap().contains("nonce=\"3\""));
        assert!(!answered(&["Digest realm=\"r\", nonce=\"4\""], None).unwrap().contains("nc="));
    }

    #[test]
    fn a_foreign_realm_gets_nothing() {
        let challenge = ["Digest realm=\"evil\", nonce=\"1\", qop=\"auth\""];
        assert_eq!(answered(&challenge, Some("biloxi.com")), None);
        assert!(!format!("{:?}", account(None)).contains("zanzibar"));
    }

    #[test]
    fn a_challenge_is_of_one_realm() {
        assert_eq!(realm("Digest nonce=\"1\", realm=\"a, b\"").as_deref(), Some("a, b"));
        assert_eq!(realm("Digest nonce=\"1\""), None);
        assert_eq!(realm("Basic realm=\"r\""), None);
    }

    #[test]
    fn only_a_challenge_that_says_so_is_stale() {
        let stale = |challenge: &str| is_stale([challenge].into_iter());
        assert!(stale("Digest realm=\"r\", nonce=\"1\", stale=TRUE"));
        assert!(stale("Digest realm=\"r\", stale=\"true\", nonce=\"1\""));
        assert!(!stale("Digest realm=\"stale=true\", nonce=\"1\", stale=false"));
        assert!(!stale("Basic stale=true"));
    }
}
