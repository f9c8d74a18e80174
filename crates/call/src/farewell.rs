//! Goodbyes to dialogs that no leg has: a BYE that its carrier challenges when the leg is gone
//! (RFC 3261 §22.3), and the end of a dialog that a 2xx makes which nobody waits for (§13.2.2.4).

use model::HangupCause;
use sip::digest::Account;
use sip::{Chance, Dialog, DialogId, Flow, Message, Method, RequestBuilder};

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
        let request = (Method::Bye, &*self.uri);
        if !self.credentials.answer(response, Some(&self.account), request, &cnonce) {
            return None;
        }
        let bye = self.dialog.bye().header("Reason", reason::reason(self.cause));
        let headers = self.credentials.headers().iter();
        let bye = headers.fold(bye, |bye, (name, value)| bye.header(name.as_str(), value));
        Some((bye.build(), self.dialog.flow()))
    }
}

/// What a 2xx to an INVITE of ours is told that nobody waits for: another phone has answered, or we
/// have given up. It is acknowledged, and its dialog ended (RFC 3261 §13.2.2.4).
#[derive(Debug, Clone)]
pub struct Unwanted {
    /// The ACK.
    pub ack: Message,
    /// The dialog that a BYE is owed to.
    pub(crate) dialog: Dialog,
}

impl Unwanted {
    /// `answer` is the 2xx, which came by `flow`; `None` if it makes no dialog.
    pub fn of(answer: &Message, flow: &Flow) -> Option<Self> {
        // All of the INVITE that its dialog needs stands in the answer too.
        let invite = RequestBuilder::new(Method::Invite, "sip:nobody@invalid");
        let invite = invite.cseq(answer.cseq()?.number).build();
        let mut dialog = Dialog::uac(&invite, answer, flow)?;
        let ack = dialog.ack(&invite).build();
        // It may have had PRACKs in its early state, which nobody remembers.
        dialog.leave_gap();
        Some(Self { ack, dialog })
    }

    /// Where ACK and BYE go.
    pub fn flow(&self) -> Flow {
        self.dialog.flow()
    }

    /// Which dialog.
    pub const fn id(&self) -> &DialogId {
        self.dialog.id()
    }

    /// The BYE.
    pub fn bye(&mut self) -> Message {
        self.dialog.bye().header("Reason", reason::reason(HangupCause::LocalBye)).build()
    }
}
