//! What a carrier is answered that asks who calls, for the first INVITE and within the dialog
//! (RFC 3261 §22.3).

use sip::digest::{self, Account};
use sip::{Message, Method, Name};

/// How many challenges are answered in a row: one of the carrier, one of a proxy before it, and
/// either once more where its nonce was too old.
const CHALLENGES_MAX: u8 = 4;

/// How many realms may ask in one response: those beyond are not read.
const REALMS_MAX: usize = 4;

/// The answers that a request carries: one for each realm that has asked (§22.3). The next request
/// carries those that were given before as well, for each proxy on the way wants its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials {
    given: Vec<Given>,
    headers: Vec<(Name, String)>,
    /// How many responses with challenges they answer.
    challenges: u8,
}

/// What one realm asked, and was answered.
#[derive(Debug, Clone)]
struct Given {
    /// Authorization or Proxy-Authorization.
    name: Name,
    realm: String,
    challenges: Vec<String>,
    /// How often its nonce has been answered (RFC 7616 §3.4).
    count: u32,
}

impl Credentials {
    /// What to add to the request.
    pub(crate) fn headers(&self) -> &[(Name, String)] {
        &self.headers
    }

    /// Answers what `response` asks for, if it asks, if the account is for that, and if the same
    /// realm has not refused our answer before. Whether the request is worth sending again.
    pub(crate) fn answer(
        &mut self,
        response: &Message,
        account: Option<&Account>,
        (method, target): (Method, &str),
        cnonce: &str,
    ) -> bool {
        let (asks, name) = match response.status() {
            Some(401) => (Name::WwwAuthenticate, Name::Authorization),
            Some(407) => (Name::ProxyAuthenticate, Name::ProxyAuthorization),
            _ => return false,
        };
        let Some(account) = account else { return false };
        let asking = by_realm(response.all(asks));
        let is_refused = |(realm, challenges): &(String, Vec<String>)| {
            self.has_answered(name, realm) && !digest::is_stale(texts(challenges))
        };
        if self.challenges == CHALLENGES_MAX || asking.iter().any(is_refused) {
            return false;
        }
        let answered = |challenges: &[String], count| {
            digest::answer(texts(challenges), account, method, target, count, cnonce)
        };
        let mut is_new = false;
        for (realm, challenges) in asking {
            if answered(&challenges, 1).is_some() {
                self.given.retain(|given| given.name != name || given.realm != realm);
                self.given.push(Given { name, realm, challenges, count: 0 });
                is_new = true;
            }
        }
        if !is_new {
            return false;
        }
        self.challenges += 1;
        self.headers.clear();
        for given in &mut self.given {
            given.count += 1;
            let value = answered(&given.challenges, given.count);
            self.headers.extend(value.map(|value| (given.name, value)));
        }
        true
    }

    fn has_answered(&self, name: Name, realm: &str) -> bool {
        self.given.iter().any(|given| given.name == name && given.realm == realm)
    }
}

fn texts(challenges: &[String]) -> impl Iterator<Item = &str> {
    challenges.iter().map(String::as_str)
}

/// The challenges of each realm, in the order of the message: a realm may ask by several
/// algorithms (RFC 8760 §2.4).
fn by_realm<'a>(challenges: impl Iterator<Item = &'a str>) -> Vec<(String, Vec<String>)> {
    let mut realms: Vec<(String, Vec<String>)> = Vec::new();
    for challenge in challenges {
        let Some(realm) = digest::realm(challenge) else { continue };
        if let Some((_, of_realm)) = realms.iter_mut().find(|(known, _)| *known == realm) {
            of_realm.push(challenge.to_owned());
        } else if realms.len() < REALMS_MAX {
            realms.push((realm, vec![challenge.to_owned()]));
        }
    }
    realms
}
