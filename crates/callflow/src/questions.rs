//! Requests outside of any dialog that begin no call. Who is no line and has no phone registered is
//! told nothing of what we are and can: they are answered as their INVITE would be (RFC 3261 §8.2,
//! §11.2), and a source that asks on is banned by the SIP workers.

use call::RETRY_AFTER_S;
use model::Target;
use sip::{Flow, FromBrain, Message, Method, ServerTx, Uri};

use crate::identify::Sender;
use crate::refer::Called;
use crate::{Callflow, Output};

impl Callflow {
    /// OPTIONS, and what is not served at all, where the SIP workers have not refused that already.
    ///
    /// A phone and a line hear what we can where an INVITE with the same Request-URI would reach
    /// someone, and else what that INVITE would hear (RFC 3261 §11.2). One without a user asks
    /// whether we are there. While we take no calls a line is told so, and may send its calls
    /// elsewhere.
    pub(crate) fn handle_question(&mut self, tx: ServerTx, request: &Message, flow: &Flow) {
        let is_options = request.method() == Method::Options;
        let is_subscribe = request.method() == Method::Subscribe;
        match self.sender(request, flow) {
            Sender::Stranger(Ok(status)) => self.respond(tx, request, status),
            Sender::Stranger(Err(challenge)) => {
                let message = *challenge;
                self.outputs.push_back(Output::Sip(FromBrain::Respond { tx, message }));
            }
            // A subscription is begun by REFER alone (RFC 3515 §3), and to no other event
            // (RFC 6665 §4.2.1.1).
            Sender::Phone | Sender::Line { .. } if is_subscribe => {
                let event = request.header("Event").and_then(|event| event.split(';').next());
                let is_refer = event.is_some_and(|event| event.trim() == call::EVENT);
                self.respond(tx, request, if is_refer { 403 } else { 489 });
            }
            Sender::Phone | Sender::Line { .. } if !is_options => self.respond(tx, request, 405),
            Sender::Line { .. } if !self.takes_calls() => {
                self.turn_away(tx, request, RETRY_AFTER_S);
            }
            Sender::Line { trunk, to_contact } => {
                let dialled = if to_contact { dialled_in_to(request) } else { user_of(request) };
                let reached = dialled.is_empty() || trunk.arrival(&dialled).is_ok();
                let status = if reached { 200 } else { trunk.unknown_number };
                self.respond(tx, request, status);
            }
            Sender::Phone => {
                let uri = Uri::parse(request.uri()).filter(|uri| !uri.user().is_empty());
                let status = match uri.map(|uri| self.called_by(&uri)) {
                    None => 200,
                    Some(Err(status)) => status,
                    Some(Ok(Called { whom: Target::Number(number), instance: _ })) => {
                        let ways = self.config.trunks.ways_out(number.reveal());
                        if ways.is_ok() { 200 } else { 403 }
                    }
                    Some(Ok(Called { whom: Target::Agent(_) | Target::Queue(_), .. })) => 200,
                };
                self.respond(tx, request, status);
            }
        }
    }
}

/// The number that a request is for.
fn user_of(request: &Message) -> String {
    Uri::parse(request.uri()).map(|uri| uri.user_decoded().into_owned()).unwrap_or_default()
}

/// The number that a request to a Contact of ours was for before.
fn dialled_in_to(request: &Message) -> String {
    let to = request.to().and_then(|to| to.uri());
    to.map(|uri| uri.user_decoded().into_owned()).unwrap_or_default()
}
