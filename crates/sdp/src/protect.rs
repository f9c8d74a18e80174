//! How a stream is protected by offer and answer: not at all, by keys in the descriptions
//! (RFC 4568), or by DTLS (RFC 5763).

use crate::browser::IceDtls;
use crate::negotiate::Refusal;
use crate::{
    Association, Browser, Capabilities, Crypto, Media, Negotiated, Secured, Session, Setup, Srtp,
    SrtpPolicy,
};

/// The profile of plain RTP (RFC 3551).
pub(crate) const PLAIN: &str = "RTP/AVP";
/// That of protected RTP (RFC 3711 §12).
pub(crate) const SECURE: &str = "RTP/SAVP";
/// That of browsers (RFC 8827 §6.5).
pub(crate) const BROWSER: &str = "UDP/TLS/RTP/SAVPF";
/// What is accepted. Profiles with feedback (RFC 4585, RFC 5124) may be spoken without any.
const PROFILES: [(&str, Profile); 6] = [
    (PLAIN, Profile::Plain),
    ("RTP/AVPF", Profile::Plain),
    (SECURE, Profile::Keyed),
    ("RTP/SAVPF", Profile::Keyed),
    (BROWSER, Profile::Dtls),
    ("UDP/TLS/RTP/SAVP", Profile::Dtls),
];

/// What a profile asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Nothing, though there may be keys.
    Plain,
    /// Keys in the descriptions.
    Keyed,
    /// Keys by DTLS.
    Dtls,
}

/// How a stream that was offered is taken.
pub(crate) enum Taken {
    Plain,
    /// With the other side's key.
    Keyed(Crypto),
    Dtls(Association, Browser),
}

/// How an offered stream is to be protected, if it is: the first of what the other side can.
pub(crate) fn take(offer: &Session, media: &Media, ours: &Capabilities) -> Result<Taken, Refusal> {
    if let Some(browser) = ours.browser {
        // Where browsers are heard, nobody else is.
        let theirs = media.ice_dtls.or(&offer.ice_dtls);
        let is_client = match theirs.setup {
            Some(Setup::Passive) => true,
            Some(Setup::Actpass | Setup::Active) | None => false,
        };
        let association = associate(media, &theirs, &browser, is_client)?;
        return Ok(Taken::Dtls(association, browser));
    }
    let first = media.cryptos.first().copied();
    match (ours.srtp.policy, media.profile()) {
        (_, Some(Profile::Dtls) | None) => Err(Refusal::NotSecure),
        (SrtpPolicy::Off, Some(Profile::Keyed)) => Err(Refusal::NotSecure),
        (SrtpPolicy::Off, Some(Profile::Plain)) => Ok(Taken::Plain),
        (SrtpPolicy::Offer, Some(Profile::Plain)) => Ok(first.map_or(Taken::Plain, Taken::Keyed)),
        (SrtpPolicy::Offer, Some(Profile::Keyed)) | (SrtpPolicy::Require, _) => {
            first.map(Taken::Keyed).ok_or(Refusal::NotSecure)
        }
    }
}

impl Taken {
    /// Says in the answer how the stream is taken, and keeps what was agreed on.
    pub(crate) fn announce(self, answer: &mut Media, agreed: &mut Negotiated, srtp: &Srtp) {
        match self {
            Self::Plain => {}
            Self::Keyed(theirs) => {
                let ours = srtp.answer(&theirs);
                answer.cryptos = vec![ours];
                agreed.secured =
                    Some(Secured { suite: ours.suite, ours: ours.key, theirs: theirs.key });
            }
            Self::Dtls(association, browser) => {
                let setup = if association.is_client { Setup::Active } else { Setup::Passive };
                answer.ice_dtls = IceDtls::ours(&browser, setup);
                agreed.browser = Some(association);
            }
        }
    }
}

/// How a stream that we offered is protected by the answer to it.
pub(crate) fn accept(
    ours: &Media,
    answer: &Session,
    theirs: &Media,
    agreed: &mut Negotiated,
) -> Result<(), Refusal> {
    match ours.ice_dtls.credentials().zip(ours.ice_dtls.fingerprint) {
        Some((ice, fingerprint)) => {
            let said = theirs.ice_dtls.or(&answer.ice_dtls);
            // Who begins is the answerer's choice, and its duty where it says nothing
            // (RFC 5763 §5).
            let is_client = match said.setup {
                Some(Setup::Passive) => true,
                Some(Setup::Active | Setup::Actpass) | None => false,
            };
            let browser = Browser { ice, fingerprint };
            agreed.browser = Some(associate(theirs, &said, &browser, is_client)?);
        }
        None => agreed.secured = secured(ours, theirs)?,
    }
    Ok(())
}

/// What is agreed on with a stream of the other side, as far as it says all that is needed.
fn associate(
    media: &Media,
    theirs: &IceDtls,
    ours: &Browser,
    is_client: bool,
) -> Result<Association, Refusal> {
    let is_dtls = media.profile() == Some(Profile::Dtls);
    // A port for reports alone there is none: browsers need none (RFC 8834 §4.5).
    let fingerprint = theirs.fingerprint.filter(|_| is_dtls && theirs.is_whole() && media.rtcp_mux);
    let fingerprint = fingerprint.ok_or(Refusal::NotSecure)?;
    Ok(Association { ice: ours.ice, fingerprint, is_client })
}

/// How a stream that we offered is protected by the keys of the answer to it: in one of the ways
/// that were offered (RFC 4568 §5.1.3).
fn secured(ours: &Media, theirs: &Media) -> Result<Option<Secured>, Refusal> {
    let chosen = theirs.cryptos.iter().find_map(|theirs| {
        let is_it = |ours: &&Crypto| (ours.tag, ours.suite) == (theirs.tag, theirs.suite);
        let ours = ours.cryptos.iter().find(is_it)?;
        Some(Secured { suite: ours.suite, ours: ours.key, theirs: theirs.key })
    });
    match chosen {
        None if ours.is_secure() || theirs.is_secure() => Err(Refusal::NotSecure),
        chosen => Ok(chosen),
    }
}

impl Session {
    /// The name that its writer's checks of connectivity are for: another one where ICE begins
    /// again (RFC 8839 §4.4.1.1.1).
    pub fn ufrag(&self) -> Option<&str> {
        let of_streams = self.media.iter().find_map(|media| media.ice_dtls.ufrag.as_deref());
        of_streams.or(self.ice_dtls.ufrag.as_deref())
    }

    /// Whether its writer is a browser: it has voice that is protected by DTLS.
    pub fn is_of_browser(&self) -> bool {
        self.media.iter().any(|media| media.is_audio() && media.is_found_by_ice())
    }
}

impl Media {
    /// What its profile asks for; `None` if it is not known here.
    pub(crate) fn profile(&self) -> Option<Profile> {
        let found = PROFILES.iter().find(|(name, _)| *name == self.protocol);
        found.map(|(_, profile)| *profile)
    }

    /// Whether its profile asks for protection.
    fn is_secure(&self) -> bool {
        self.profile().is_some_and(|profile| profile != Profile::Plain)
    }

    /// Whether the way to its writer is found by ICE: what it says of addresses is a guess.
    pub(crate) fn is_found_by_ice(&self) -> bool {
        self.profile() == Some(Profile::Dtls)
    }
}
