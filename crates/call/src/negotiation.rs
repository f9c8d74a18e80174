//! What was said and agreed on about media in one dialog (RFC 3264 §5 to §8).

use sdp::{Capabilities, Direction, Negotiated, Session};
use sip::Message;

/// Offers and answers of one dialog, in order.
#[derive(Debug, Default)]
pub(crate) struct Negotiation {
    /// Our last description that left, offer or answer.
    described: Option<Session>,
    /// Our offer that has no answer yet.
    offered: Option<Session>,
    agreed: Option<Negotiated>,
    /// The name of ICE in the other side's last description that was taken.
    their_ufrag: Option<String>,
}

impl Negotiation {
    /// Whether an offer begins ICE again (RFC 8839 §4.4.1.1.1): it has another name than before.
    pub(crate) fn is_ice_restart(&self, offer: &Session) -> bool {
        let offered = offer.ufrag();
        self.their_ufrag.is_some() && offered.is_some() && self.their_ufrag.as_deref() != offered
    }

    /// What holds now. A refused offer leaves it as it was (RFC 3261 §14.1).
    pub(crate) const fn agreed(&self) -> Option<&Negotiated> {
        self.agreed.as_ref()
    }

    /// The version of our last description; 0 before the first.
    pub(crate) fn version(&self) -> u64 {
        self.described.as_ref().map_or(0, |description| description.origin.version)
    }

    /// Whether an offer of ours waits for its answer: until then the other side's has to wait.
    pub(crate) const fn is_offering(&self) -> bool {
        self.offered.is_some()
    }

    /// All that we can, as an offer.
    pub(crate) fn offer(&mut self, capabilities: &Capabilities) -> String {
        let offer = self.describe(sdp::offer(capabilities, 0, Direction::SendRecv));
        let text = offer.to_string();
        self.offered = Some(offer);
        text
    }

    /// Our last description once more as an offer: its version says that nothing changed
    /// (RFC 4028 §7.4).
    pub(crate) fn repeat(&mut self, capabilities: &Capabilities) -> String {
        match self.described.clone() {
            Some(description) => {
                let text = description.to_string();
                self.offered = Some(description);
                text
            }
            None => self.offer(capabilities),
        }
    }

    /// Our answer to an offer, and whether it changed what was agreed on.
    ///
    /// # Errors
    /// 488 where there is no common ground; nothing has changed then.
    pub(crate) fn answer(
        &mut self,
        offer: &Session,
        capabilities: &Capabilities,
    ) -> Result<(String, bool), u16> {
        if let Some(answer) = sdp::answer_without_media(offer, capabilities, 0) {
            let text = self.describe(answer).to_string();
            return Ok((text, self.rest()));
        }
        let (answer, agreed) =
            sdp::answer(offer, capabilities, 0, Direction::SendRecv).map_err(|_| 488_u16)?;
        let text = self.describe(answer).to_string();
        self.their_ufrag = offer.ufrag().map(String::from);
        Ok((text, self.agree(agreed)))
    }

    /// The answer to our offer came; whether it changed what was agreed on.
    ///
    /// # Errors
    /// 488 where the answer does not fit the offer; nothing has changed then.
    pub(crate) fn accept(&mut self, answer: &Session) -> Result<bool, u16> {
        let Some(offer) = self.offered.take() else { return Ok(false) };
        let agreed = sdp::accept(&offer, answer).map_err(|_| 488_u16)?;
        self.their_ufrag = answer.ufrag().map(String::from);
        Ok(self.agree(agreed))
    }

    /// What the other side sends before its answer: it counts until that comes (RFC 3261 §13.2.1).
    /// Whether it changed what was agreed on; one that does not fit is not heard.
    pub(crate) fn preview(&mut self, answer: &Session) -> bool {
        let Some(offer) = &self.offered else { return false };
        let agreed = sdp::accept(offer, answer).ok();
        agreed.is_some_and(|agreed| self.agree(agreed))
    }

    /// What was agreed on with the one who answers counts, also beyond the answer to our offer.
    pub(crate) fn settle(&mut self, agreed: Negotiated) {
        self.offered = None;
        self.agreed = Some(agreed);
    }

    /// Another is asked: nothing is agreed on with that one.
    pub(crate) fn begin_again(&mut self) {
        self.offered = None;
        self.agreed = None;
        self.their_ufrag = None;
    }

    /// Our offer was refused, or never answered.
    pub(crate) fn withdraw(&mut self) {
        self.offered = None;
    }

    /// Nothing is sent or received until the next offer: as on hold, and all that was agreed on
    /// besides stays known. Whether that changed anything.
    fn rest(&mut self) -> bool {
        let Some(agreed) = &mut self.agreed else { return false };
        std::mem::replace(&mut agreed.direction, Direction::Inactive) != Direction::Inactive
    }

    fn agree(&mut self, mut agreed: Negotiated) -> bool {
        // The address 0.0.0.0 of an old hold says that nothing is to be sent, not where to: what
        // comes is told by where the phone was before.
        if let Some(before) = self.agreed.filter(|_| agreed.remote.ip().is_unspecified()) {
            (agreed.remote, agreed.rtcp) = (before.remote, before.rtcp);
        }
        self.agreed.replace(agreed) != Some(agreed)
    }

    /// Gives a description its version: one more only where it says something else than the last
    /// one (RFC 3264 §8).
    fn describe(&mut self, mut description: Session) -> Session {
        let before = self.version();
        description.origin.version = before;
        if self.described.as_ref() != Some(&description) {
            description.origin.version = before + 1;
        }
        self.described = Some(description.clone());
        description
    }
}

/// The session description that a message brings; `None` if it brings none.
///
/// # Errors
/// 400 for one that cannot be read, 415 for a body of another kind that must be understood.
pub(crate) fn description_in(message: &Message) -> Result<Option<Session>, u16> {
    if let Some(text) = message.sdp() {
        return Session::parse(text).map(Some).map_err(|_| 400);
    }
    let optional = is_optional(message);
    match message.content_type() {
        // Some phones leave the type out, and mean what everybody means.
        None if !message.body().is_empty() => {
            Session::parse(message.body()).map(Some).map_err(|_| 400)
        }
        Some(_) if !message.body().is_empty() && !optional => Err(415),
        None | Some(_) => Ok(None),
    }
}

/// Whether a body may be passed over that is not understood (RFC 3261 §20.11).
pub(crate) fn is_optional(message: &Message) -> bool {
    let disposition = message.header("Content-Disposition");
    disposition.is_some_and(|value| value.to_ascii_lowercase().contains("handling=optional"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdp::{Codec, MasterKey, Srtp, SrtpPolicy};

    fn engine() -> Capabilities {
        Capabilities {
            address: "192.0.2.1:20000".parse().expect("an address"),
            codecs: vec![Codec::Pcma, Codec::Pcmu],
            digits: true,
            noise: false,
            session_id: 7,
            srtp: Srtp { policy: SrtpPolicy::Offer, keys: [MasterKey::new([5; 30]); 2] },
            browser: None,
        }
    }

    fn theirs(connection: &str, formats: &str, direction: &str) -> Session {
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 198.51.100.9\r\ns=-\r\nc=IN IP4 {connection}\r\nt=0 0\r\n\
             m=audio 4000 RTP/AVP {formats}\r\na={direction}\r\n"
        );
        Session::parse(text.as_bytes()).expect("it can be read")
    }

    #[test]
    fn rfc_3264_section_8_the_version_rises_only_with_a_change() {
        let mut negotiation = Negotiation::default();
        let plain = theirs("198.51.100.9", "8", "sendrecv");
        let hold = theirs("198.51.100.9", "8", "sendonly");
        for (offer, version, changes) in
            [(&plain, 1, true), (&plain, 1, false), (&hold, 2, true), (&plain, 3, true)]
        {
            let (_, changed) = negotiation.answer(offer, &engine()).expect("common ground");
            assert_eq!((negotiation.version(), changed), (version, changes));
        }
        let before = negotiation.repeat(&engine());
        assert!(before.contains("o=- 7 3 IN"), "{before}");
    }

    #[test]
    fn rfc_3261_section_14_1_a_refused_offer_changes_nothing() {
        let mut negotiation = Negotiation::default();
        negotiation.answer(&theirs("198.51.100.9", "8", "sendrecv"), &engine()).expect("one codec");
        let before = (negotiation.version(), negotiation.agreed().copied());
        assert_eq!(negotiation.answer(&theirs("198.51.100.9", "18", "sendrecv"), &engine()), {
            Err(488)
        });
        assert_eq!((negotiation.version(), negotiation.agreed().copied()), before);
    }

    #[test]
    fn rfc_3264_section_8_4_the_old_hold_keeps_where_the_phone_was() {
        let mut negotiation = Negotiation::default();
        negotiation.answer(&theirs("198.51.100.9", "8", "sendrecv"), &engine()).expect("one codec");
        negotiation.answer(&theirs("0.0.0.0", "8", "sendrecv"), &engine()).expect("one codec");
        let held = negotiation.agreed().copied().expect("agreed");
        assert_eq!(held.remote.to_string(), "198.51.100.9:4000");
        assert!(!held.direction.sends());
    }

    #[test]
    fn rfc_4568_section_7_keys_of_ours_stay_and_theirs_may_change() {
        let protected = |byte: char| {
            let key = byte.to_string().repeat(40);
            let text = theirs("198.51.100.9", "8", "sendrecv").to_string();
            let text = text.replace("RTP/AVP", "RTP/SAVP");
            let line = format!("a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n");
            Session::parse((text + &line).as_bytes()).expect("it can be read")
        };
        let mut negotiation = Negotiation::default();
        let mut keys = Vec::new();
        for (byte, version, changes) in [('A', 1, true), ('A', 1, false), ('B', 1, true)] {
            let (_, changed) = negotiation.answer(&protected(byte), &engine()).expect("a suite");
            assert_eq!((negotiation.version(), changed), (version, changes));
            keys.extend(negotiation.agreed().and_then(|agreed| agreed.secured));
        }
        assert!(keys.iter().all(|secured| secured.ours == keys[0].ours));
        assert!(keys[0].theirs == keys[1].theirs && keys[1].theirs != keys[2].theirs);
        // Said once more, it is the same way with the same key.
        let again = negotiation.repeat(&engine());
        assert!(again.contains("RTP/SAVP 8") && again.contains("a=crypto:4 AES"), "{again}");
    }

    #[test]
    fn an_offer_of_ours_waits_until_it_is_answered_or_withdrawn() {
        let mut negotiation = Negotiation::default();
        negotiation.offer(&engine());
        assert!(negotiation.is_offering());
        assert_eq!(negotiation.accept(&theirs("198.51.100.9", "0", "sendrecv")), Ok(true));
        assert_eq!(negotiation.agreed().map(|agreed| agreed.codec), Some(Codec::Pcmu));
        negotiation.offer(&engine());
        negotiation.withdraw();
        assert!(!negotiation.is_offering());
        assert_eq!(negotiation.accept(&theirs("198.51.100.9", "8", "sendrecv")), Ok(false));
    }
}
