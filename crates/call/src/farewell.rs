//! A BYE that its receiver asks about: a carrier may challenge it as it does the INVITE
//! (RFC 3261 §22.3), when the leg that sent it is gone already.

use model::HangupCause;
use sip::digest::Account;
use sip::{Chance, Dialog, Flow, Message};

use crate::challenge::Credentials;
use crate::reason;

/// A BYE of ours that has no final response, and what a challenge to it is answered with.
#[derive(Debug, Clone)]
pub struct Farewell {
    dialog: Dialog,
    cause: HangupCause,
    account: Account,
    credentials: Credentials,
    /// The Request-URI that it was sent to.
    uri: String,
    chance: Chance,
}

impl Farewell {
    /// For the BYE that was sent in `dialog` to an account's carrier.
    pub(crate) fn new(
        (dialog, cause): (Dialog, HangupCause),
        account: Account,
        bye: &Message,
        chance: Chance,
    ) -> Self {
        let (credentials, uri) = (Credentials::default(), bye.uri().to_owned());
        Self { dialog, cause, account, credentials, uri, chance }
    }

    /// The same BYE with what its challenge asks for, and where to; none where the response is no
    /// challenge, or one that the account is not for or has answered already. Then the dialog is
    /// over all the same (RFC 3261 §15.1.1).
    pub fn handle_response(&mut self, response: &Message) -> Option<(Message, Flow)> {
        let cnonce = format!("{:016x}", self.chance.below(u64::MAX));
        let request = (sip::Method::Bye, &*self.uri);
        if !self.credentials.answer(response, Some(&self.account), request, &cnonce) {
            return None;
        }
        let bye = self.dialog.bye().header("Reason", reason::reason(self.cause));
        let headers = self.credentials.headers().iter();
        let bye = headers.fold(bye, |bye, (name, value)| bye.header(name.as_str(), value));
        Some((bye.build(), self.dialog.flow()))
    }
}
