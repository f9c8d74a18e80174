//! An INVITE that came and is not answered at once: the caller is told that it rings, hears what
//! there is to hear before the answer, and gets the 200 later (RFC 3261 §13.3.1, RFC 3960 §3).
//! And which dialog a Replaces means, answered or not (RFC 3891 §3).

use std::net::SocketAddr;

use model::Mono;
use sip::{Message, Name};

use crate::incoming::SDP;
use crate::leg::{Leg, Output, Stage};
use crate::negotiation::description_in;
use crate::refer::Replaces;

/// Whether an INVITE wants provisional responses reliably (RFC 3262 §3): then an unreliable one may
/// not be sent.
pub(crate) fn requires_reliable(invite: &Message) -> bool {
    invite.all(Name::Require).any(|name| name.eq_ignore_ascii_case("100rel"))
}

impl Leg {
    /// Where media of the INVITE that came will be received, for all that follows.
    pub fn take_media(&mut self, local_media: SocketAddr) {
        self.local_media = Some(local_media);
    }

    /// Tells the caller that it rings: 180, as often as this is asked; once where the INVITE wants
    /// that reliably (RFC 3262 §3).
    pub fn ring(&mut self, now: Mono) {
        self.progress(180, None, now);
    }

    /// Lets the caller hear what there is before the answer, once: 183 with our answer to the
    /// offer, and [`Output::MediaChanged`] follows. Only a ring where the INVITE has no offer that
    /// we can answer, or no place for media is known.
    pub fn ring_with_media(&mut self, now: Mono) {
        let Stage::Incoming(incoming) = &self.stage else { return };
        if self.negotiation.agreed().is_some() {
            return;
        }
        let (Ok(Some(offer)), Some(local_media)) =
            (description_in(&incoming.invite), self.local_media)
        else {
            return self.ring(now);
        };
        match self.answer_offer(&offer, local_media) {
            Ok((answer, _)) => {
                self.progress(183, Some(answer), now);
                self.outputs.push_back(Output::MediaChanged);
            }
            Err(_) => self.ring(now),
        }
    }

    /// Answers the INVITE now, with media at the place that [`Leg::take_media`] named; as
    /// [`Leg::accept`].
    pub fn pick_up(&mut self, now: Mono) {
        if let Some(local_media) = self.local_media {
            self.accept(local_media, now);
        }
    }

    fn progress(&mut self, status: u16, answer: Option<String>, now: Mono) {
        let Stage::Incoming(incoming) = &self.stage else { return };
        if requires_reliable(&incoming.invite) {
            return self.tell_reliably((status, answer), now);
        }
        let tx = incoming.tx;
        let response = self.full_response(&incoming.invite, status);
        let response = match answer {
            Some(answer) => response.body(SDP, answer.as_bytes()),
            None => response,
        };
        self.outputs.push_back(Output::Respond { tx, message: response.build() });
    }

    /// Whether a Replaces names this leg's dialog, early or not: its Call-ID, our tag and the other
    /// side's (RFC 3891 §3). An INVITE of ours is known by each tag that has answered it.
    pub fn is_named_by(&self, replaces: &Replaces) -> bool {
        let Replaces { call_id, to_tag, from_tag, early_only: _ } = replaces;
        if *to_tag != self.tag {
            return false;
        }
        match &self.stage {
            Stage::Incoming(incoming) => {
                let from = incoming.invite.from();
                incoming.invite.call_id() == call_id
                    && from.and_then(|from| from.tag()) == Some(from_tag)
            }
            Stage::Outgoing(outgoing) => {
                outgoing.invite.call_id() == call_id && outgoing.tags.contains(from_tag)
            }
            Stage::Established(established) => {
                established.dialog.call_id() == call_id
                    && established.dialog.remote_tag() == from_tag
            }
            Stage::Terminated => false,
        }
    }
}
