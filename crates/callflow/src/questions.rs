//! Requests outside of any dialog that begin no call. Who is no line and has no phone registered is
//! told nothing of what we are and can: they are answered as their INVITE would be (RFC 3261 §8.2,
//! §11.2), and a source that asks on is banned by the SIP workers.

use call::RETRY_AFTER_S;
use sip::{Flow, FromBrain, Message, Method, ServerTx};

use crate::identify::Sender;
use crate::{Callflow, Output};

impl Callflow {
    /// OPTIONS, and what is not served at all, where the SIP workers have not refused that already.
    ///
    /// A phone and a line hear what we can (RFC 3261 §11.2), whatever the number that the question
    /// is sent to: carriers ask by it whether we are there. While we take no calls a line is told
    /// so, and may send its calls elsewhere.
    pub(crate) fn handle_question(&mut self, tx: ServerTx, request: &Message, flow: &Flow) {
        let is_options = request.method() == Method::Options;
        match self.sender(request, flow) {
            Sender::Stranger(Ok(status)) => self.respond(tx, request, status),
            Sender::Stranger(Err(challenge)) => {
                let message = *challenge;
                self.outputs.push_back(Output::Sip(FromBrain::Respond { tx, message }));
            }
            Sender::Phone | Sender::Line { .. } if !is_options => self.respond(tx, request, 405),
            Sender::Line { .. } if !self.takes_calls() => {
                self.turn_away(tx, request, RETRY_AFTER_S);
            }
            Sender::Phone | Sender::Line { .. } => self.respond(tx, request, 200),
        }
    }
}
