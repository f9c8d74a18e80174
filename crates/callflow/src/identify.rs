//! Step 2: who sent this INVITE, and what does the dialled number mean?

use std::sync::Arc;

use model::{Pii, TrunkId};
use sip::{Flow, Message, Uri};
use trunk::{Destination, Refusal, Trunk};

use crate::Callflow;
use crate::diverted::dialled_first;
use crate::phones::Whose;

/// What an INVITE is.
#[derive(Debug)]
pub(crate) enum Identified {
    /// A customer's call.
    Caller(Box<Arrived>),
    /// An agent's phone calls out.
    Phone,
    /// Neither: answer with this status.
    Refused(u16),
    /// Its credentials are asked for, or not accepted: the answer.
    Challenged(Box<Message>),
}

/// A customer's call, as its line brings it.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) trunk: TrunkId,
    pub(crate) ani: Pii<String>,
    pub(crate) dnis: String,
    /// The number that was dialled first, where a line that is believed says that.
    pub(crate) diverted_from: Option<Pii<String>>,
    pub(crate) destination: Destination,
}

/// The longest caller's number that is kept.
const ANI_CHARS_MAX: usize = 64;

/// Who sends a request outside of any dialog.
#[derive(Debug)]
pub(crate) enum Sender {
    /// A registered phone.
    Phone,
    /// A line.
    Line {
        trunk: Arc<Trunk>,
        /// Whether the request is to the Contact that the line is registered with: what was dialled
        /// is in To then.
        to_contact: bool,
    },
    /// Nobody whom we know: answered with this status, or with a challenge where lines are known
    /// by their credentials.
    Stranger(Result<u16, Box<Message>>),
}

impl Callflow {
    /// What an INVITE is: that of an agent's phone, or a customer's call by its line.
    pub(crate) fn identify(&mut self, invite: &Message, flow: &Flow) -> Identified {
        if self.is_from_phone(flow) {
            return Identified::Phone;
        }
        let Some(uri) = Uri::parse(invite.uri()) else { return Identified::Refused(416) };
        match self.sender(invite, flow) {
            Sender::Phone => Identified::Phone,
            Sender::Line { trunk, to_contact: false } => {
                self.arrival(&trunk, invite, &uri.user_decoded())
            }
            // RFC 3261 §10.3: a call to our Contact.
            Sender::Line { trunk, to_contact: true } => {
                let to = invite.to().and_then(|to| to.uri());
                let dialled = to.map(|uri| uri.user_decoded().into_owned()).unwrap_or_default();
                self.arrival(&trunk, invite, &dialled)
            }
            Sender::Stranger(Ok(status)) => Identified::Refused(status),
            Sender::Stranger(Err(challenge)) => Identified::Challenged(challenge),
        }
    }

    /// A request from a registered contact is from that agent's phone; only otherwise it is matched
    /// to a trunk: by the Contact that it is registered with, by the name that its certificate
    /// proves, by its source, else by its credentials. Where the listener is for one side alone,
    /// the other side's addresses say nothing.
    pub(crate) fn sender(&mut self, request: &Message, flow: &Flow) -> Sender {
        if self.is_from_phone(flow) {
            return Sender::Phone;
        }
        let user = Uri::parse(request.uri()).map(|uri| uri.user_decoded().into_owned());
        if let Some(trunk) = self.line_of_contact(&user.unwrap_or_default(), flow) {
            return Sender::Line { trunk: Arc::clone(trunk), to_contact: true };
        }
        let trunks = &self.config.trunks;
        let by_place = match self.side_of(flow).serves_carriers() {
            true => {
                let named = trunks.by_tls_name(request.peer_names());
                named.or_else(|| trunks.by_source(flow.remote.ip()))
            }
            false => None,
        };
        let trunk = match by_place {
            Some(trunk) => Some(trunk),
            None if trunks.challenges() => {
                match self.check_credentials(request, flow, Whose::Trunk) {
                    Ok(user) => self.config.trunks.by_user(&user),
                    Err(answer) => return Sender::Stranger(Err(Box::new(answer))),
                }
            }
            None => None,
        };
        match trunk {
            Some(trunk) => Sender::Line { trunk: Arc::clone(trunk), to_contact: false },
            None => Sender::Stranger(Ok(Refusal::UnknownSource.status())),
        }
    }

    /// Whether a phone is registered where a message came from, on a side where phones are.
    pub(crate) fn is_from_phone(&self, flow: &Flow) -> bool {
        self.side_of(flow).serves_agents() && self.registrar.agent_of(flow.remote).is_some()
    }

    fn arrival(&mut self, trunk: &Trunk, invite: &Message, dialled: &str) -> Identified {
        match trunk.arrival(dialled) {
            Ok(arrival) => Identified::Caller(Box::new(Arrived {
                trunk: arrival.trunk.id.clone(),
                ani: caller_number(invite, arrival.trunk.asserts_identity),
                dnis: arrival.number.to_owned(),
                diverted_from: match arrival.trunk.asserts_identity {
                    true => dialled_first(invite, arrival.number),
                    false => None,
                },
                destination: arrival.destination.clone(),
            })),
            Err(refusal) => {
                self.loads.handle_unknown_number(&trunk.id);
                Identified::Refused(refusal.status())
            }
        }
    }
}

/// The caller's number: what a trusted carrier asserts (RFC 3325 §9.1), unless the caller wants it
/// kept from who is called (§9.3, RFC 3323 §4.2); else what From says.
fn caller_number(invite: &Message, asserts_identity: bool) -> Pii<String> {
    let is_believed = asserts_identity && !wants_privacy(invite);
    let asserted = is_believed.then(|| invite.header("P-Asserted-Identity")).flatten();
    let asserted = asserted.and_then(sip::NameAddr::parse);
    let uri = asserted.or_else(|| invite.from()).and_then(|address| address.uri());
    let user = uri.map(|uri| trunk::normalise(&uri.user_decoded())).unwrap_or_default();
    Pii::new(user.chars().take(ANI_CHARS_MAX).collect())
}

/// Whether Privacy asks to keep the caller's identity from who is called.
fn wants_privacy(invite: &Message) -> bool {
    let values = invite.headers("Privacy").flat_map(|value| value.split([';', ',']));
    values
        .map(str::trim)
        .any(|value| ["id", "user", "header"].iter().any(|kept| value.eq_ignore_ascii_case(kept)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip::{Method, RequestBuilder};

    fn caller(headers: &[(&str, &str)], asserts_identity: bool) -> String {
        let invite = RequestBuilder::new(Method::Invite, "sip:95512@h")
            .from("<sip:111@far>", "t")
            .call_id("c")
            .cseq(1);
        let invite =
            headers.iter().fold(invite, |invite, (name, value)| invite.header(name, value));
        caller_number(&invite.build(), asserts_identity).reveal().clone()
    }

    #[test]
    fn only_a_trusted_carrier_says_who_calls() {
        let asserted = ("P-Asserted-Identity", "<sip:+8613800138000@ims>");
        assert_eq!(caller(&[asserted], true), "13800138000");
        assert_eq!(caller(&[asserted], false), "111");
        assert_eq!(caller(&[("p-asserted-identity", "<tel:138>")], true), "138");
        assert_eq!(caller(&[("P-Preferred-Identity", "<tel:138>")], true), "111");
        assert_eq!(caller(&[], true), "111");
    }

    #[test]
    fn rfc_3325_section_9_3_who_wants_privacy_is_not_named() {
        let asserted = ("P-Asserted-Identity", "<sip:138@ims>");
        for privacy in ["id", "header;ID", "critical ; user"] {
            assert_eq!(caller(&[asserted, ("Privacy", privacy)], true), "111", "{privacy}");
        }
        assert_eq!(caller(&[asserted, ("Privacy", "none")], true), "138");
    }
}
