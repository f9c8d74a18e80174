//! Step 2: who sent this INVITE, and what does the dialled number mean?

use model::{Pii, TrunkId};
use sip::{Flow, Message, Uri};
use trunk::Destination;

use crate::Callflow;

/// What an INVITE is.
#[derive(Debug)]
pub(crate) enum Identified {
    /// A customer's call.
    Caller { trunk: TrunkId, ani: Pii<String>, dnis: String, destination: Destination },
    /// An agent's phone calls out.
    Phone,
    /// Neither: answer with this status.
    Refused(u16),
}

/// The longest caller's number that is kept.
const ANI_CHARS_MAX: usize = 64;

impl Callflow {
    /// An INVITE from a registered contact is that agent's phone; only otherwise it is matched to a
    /// trunk.
    pub(crate) fn identify(&self, invite: &Message, flow: &Flow) -> Identified {
        if self.registrar.agent_of(flow.remote).is_some() {
            return Identified::Phone;
        }
        let Some(dialled) = Uri::parse(invite.uri()) else { return Identified::Refused(416) };
        let dialled = dialled.user_decoded();
        match self.config.trunks.identify(flow.remote.ip(), &dialled) {
            Ok(arrival) => Identified::Caller {
                trunk: arrival.trunk.id.clone(),
                ani: caller_number(invite, arrival.trunk.asserts_identity),
                dnis: arrival.number.to_owned(),
                destination: arrival.destination.clone(),
            },
            Err(refusal) => Identified::Refused(refusal.status()),
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
