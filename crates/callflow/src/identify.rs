//! Step 2: who sent this INVITE, and what does the dialled number mean?

use model::{Pii, TrunkId};
use sip::{Flow, Message, Uri};
use trunk::{Destination, Refusal, Trunk};

use crate::Callflow;
use crate::phones::Whose;

/// What an INVITE is.
#[derive(Debug)]
pub(crate) enum Identified {
    /// A customer's call.
    Caller { trunk: TrunkId, ani: Pii<String>, dnis: String, destination: Destination },
    /// An agent's phone calls out.
    Phone,
    /// Neither: answer with this status.
    Refused(u16),
    /// Its credentials are asked for, or not accepted: the answer.
    Challenged(Box<Message>),
}

/// The longest caller's number that is kept.
const ANI_CHARS_MAX: usize = 64;

impl Callflow {
    /// An INVITE from a registered contact is that agent's phone; only otherwise it is matched to a
    /// trunk: by its source, else by its credentials. Where the listener is for one side alone, the
    /// other side's addresses say nothing.
    pub(crate) fn identify(&mut self, invite: &Message, flow: &Flow) -> Identified {
        let side = self.side_of(flow);
        if side.serves_agents() && self.registrar.agent_of(flow.remote).is_some() {
            return Identified::Phone;
        }
        let Some(dialled) = Uri::parse(invite.uri()) else { return Identified::Refused(416) };
        let dialled = dialled.user_decoded();
        // RFC 3261 §10.3: a call to our Contact; what was dialled is in To then.
        if let Some(trunk) = self.line_of_contact(&dialled, flow) {
            let to = invite.to().and_then(|to| to.uri());
            let dialled = to.map(|uri| uri.user_decoded().into_owned()).unwrap_or_default();
            let trunk = trunk.clone();
            return self.arrival(&trunk, invite, &dialled);
        }
        let source = flow.remote.ip();
        let has_source = side.serves_carriers() && self.config.trunks.by_source(source).is_some();
        let user = if has_source || !self.config.trunks.challenges() {
            None
        } else {
            match self.check_credentials(invite, flow, Whose::Trunk) {
                Ok(user) => Some(user),
                Err(answer) => return Identified::Challenged(Box::new(answer)),
            }
        };
        let trunk = match &user {
            Some(user) => self.config.trunks.by_user(user),
            None if has_source => self.config.trunks.by_source(source),
            None => None,
        };
        let Some(trunk) = trunk else {
            return Identified::Refused(Refusal::UnknownSource.status());
        };
        let trunk = trunk.clone();
        self.arrival(&trunk, invite, &dialled)
    }

    fn arrival(&mut self, trunk: &Trunk, invite: &Message, dialled: &str) -> Identified {
        match trunk.arrival(dialled) {
            Ok(arrival) => Identified::Caller {
                trunk: arrival.trunk.id.clone(),
                ani: caller_number(invite, arrival.trunk.asserts_identity),
                dnis: arrival.number.to_owned(),
                destination: arrival.destination.clone(),
            },
            Err(refusal) => {
                self.loads.handle_unknown_number(&trunk.id);
                Identified::Refused(refusal.status())
            }
        }
    }
}

/// The caller's number: what a trusted carrier asserts (RFC 3325 §9.1), else what From says.
fn caller_number(invite: &Message, asserts_identity: bool) -> Pii<String> {
    let asserted = asserts_identity.then(|| invite.header("P-Asserted-Identity")).flatten();
    let asserted = asserted.and_then(sip::NameAddr::parse);
    let uri = asserted.or_else(|| invite.from()).and_then(|address| address.uri());
    let user = uri.map(|uri| trunk::normalise(&uri.user_decoded())).unwrap_or_default();
    Pii::new(user.chars().take(ANI_CHARS_MAX).collect())
}
