//! Goodbyes to dialogs that no leg has: a BYE that its carrier challenges when the leg is gone
//! (RFC 3261 §22.3), and the end of a dialog that a 2xx makes which nobody waits for (§13.2.2.4).

use model::HangupCause;
use sip::digest::Account;
use sip::{Chance, Dialog, DialogId, Flow, Message, Method, RequestBuilder};

use crate::challenge::Credentials;
use crate::leg::{Leg, Output, Stage};
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
    fn new(
        (dialog, cause): (Dialog, HangupCause),
        account: Account,
        bye: &Message,
        chance: Chance,
    ) -> Self {
        let (credentials, uri) = (Credentials::default(), bye.uri().to_owned());
        Self { dialog, cause, account, credentials, uri, chance }
    }

    /// Ends a dialog that no leg has: the BYE, where it goes, and for an account's carrier what its
    /// response is to be given to. `chance` is for that BYE alone.
    pub fn goodbye(
        mut dialog: Dialog,
        cause: HangupCause,
        account: Option<Account>,
        chance: Chance,
    ) -> (Message, Flow, Option<Box<Self>>) {
        let bye = dialog.bye().header("Reason", reason::reason(cause)).build();
        let flow = dialog.flow();
        let farewell =
            account.map(|account| Box::new(Self::new((dialog, cause), account, &bye, chance)));
        (bye, flow, farewell)
    }

    /// What its challenge is answered with.
    pub const fn account(&self) -> &Account {
        &self.account
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

/// How many INVITEs of one leg are remembered for 2xx that come late or once more: one for each way
/// that was tried. One more forgets the oldest, whose 2xx is told goodbye without an account.
const ASKED_MAX: usize = 8;

/// What an INVITE of ours to a carrier was sent with.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Its CSeq.
    number: u32,
    /// What this way's challenges are answered with, and no other's.
    account: Account,
    /// What it was allowed with: its ACKs carry the same (RFC 3261 §13.2.2.4).
    credentials: Credentials,
}

impl Leg {
    /// Remembers what the present INVITE was sent with, before another way or the dialog takes its
    /// place. Nothing for a phone of ours, which asks for nothing.
    pub(crate) fn remember_invite(&mut self) {
        let Stage::Outgoing(outgoing) = &self.stage else { return };
        let outside = outgoing.ask.invitation.outside.as_ref();
        let account = outside.and_then(|outside| outside.account.clone());
        let (Some(account), Some(cseq)) = (account, outgoing.invite.cseq()) else { return };
        if self.asked.len() == ASKED_MAX {
            self.asked.remove(0);
        }
        let credentials = outgoing.ask.credentials.clone();
        self.asked.push(Asked { number: cseq.number, account, credentials });
    }

    /// Someone answered whom nobody waits for: a second phone of the same INVITE, or a way that was
    /// given up. They are acknowledged and told goodbye (RFC 3261 §13.2.2.4), in the name that they
    /// themselves know us by.
    pub(crate) fn refuse_fork(&mut self, response: &Message, flow: Flow) {
        let number = response.cseq().map(|cseq| cseq.number);
        let asked = self.asked.iter().find(|asked| Some(asked.number) == number);
        let credentials = asked.map(|asked| &asked.credentials);
        if let Some(Unwanted { ack, dialog }) = Unwanted::after(response, &flow, credentials) {
            let account = asked.map(|asked| asked.account.clone());
            self.outputs.push_back(Output::Ack { message: ack, flow: dialog.flow() });
            self.send_bye(dialog, account, HangupCause::LocalBye);
        }
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
        Self::after(answer, flow, None)
    }

    /// The same where it is known what the INVITE was allowed with.
    fn after(answer: &Message, flow: &Flow, credentials: Option<&Credentials>) -> Option<Self> {
        // All else of the INVITE that its dialog and its ACK need stands in the answer too.
        let invite = RequestBuilder::new(Method::Invite, "sip:nobody@invalid");
        let invite = invite.cseq(answer.cseq()?.number);
        let headers = credentials.map_or(&[][..], Credentials::headers).iter();
        let invite =
            headers.fold(invite, |invite, (name, value)| invite.header(name.as_str(), value));
        let invite = invite.build();
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

    /// The BYE, as [`Farewell::goodbye`] makes it.
    pub fn goodbye(
        self,
        account: Option<Account>,
        chance: Chance,
    ) -> (Message, Flow, Option<Box<Farewell>>) {
        Farewell::goodbye(self.dialog, HangupCause::LocalBye, account, chance)
    }
}
