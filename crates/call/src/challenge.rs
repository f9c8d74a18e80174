//! What a carrier is answered that asks who calls, for the first INVITE and within the dialog
//! (RFC 3261 §22.3).

use sip::digest::{self, Account};
use sip::{Message, Method, Name};

/// How many challenges are answered in a row: one of the carrier, one of a proxy before it, and
/// either once more where its nonce was too old.
const CHALLENGES_MAX: u8 = 4;

/// The answers that a request carries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials {
    headers: Vec<(Name, String)>,
    /// How many challenges they answer.
    challenges: u8,
}

impl Credentials {
    /// What to add to the request.
    pub(crate) fn headers(&self) -> &[(Name, String)] {
        &self.headers
    }

    /// Answers what `response` asks for, if it asks, if the account is for that, and if the same
    /// answer was not refused before. Whether the request is worth sending again.
    pub(crate) fn answer(
        &mut self,
        response: &Message,
        account: Option<&Account>,
        (method, target): (Method, &str),
        cnonce: &str,
    ) -> bool {
        let (asks, answers) = match response.status() {
            Some(401) => (Name::WwwAuthenticate, Name::Authorization),
            Some(407) => (Name::ProxyAuthenticate, Name::ProxyAuthorization),
            _ => return false,
        };
        let was_answered = self.headers.iter().any(|(name, _)| *name == answers);
        let is_refused = was_answered && !digest::is_stale(response.all(asks));
        if is_refused || self.challenges == CHALLENGES_MAX {
            return false;
        }
        let answer = account.and_then(|account| {
            digest::answer(response.all(asks), account, method, target, 1, cnonce)
        });
        let Some(answer) = answer else { return false };
        self.headers.retain(|(name, _)| *name != answers);
        self.headers.push((answers, answer));
        self.challenges += 1;
        true
    }
}
