//! What holds for any bytes that come as a session description. Shared by the fuzz target and the
//! room's replay of its corpus.

use sdp::{
    Browser, Capabilities, Codec, Direction, Fingerprint, Ice, MasterKey, Session, Srtp,
    SrtpPolicy, answer,
};

/// Read or refused; what is read prints, reads back the same and can be answered.
pub(crate) fn session(data: &[u8]) {
    let Ok(session) = Session::parse(data) else { return };
    let printed = session.to_string();
    let again = Session::parse(printed.as_bytes());
    assert_eq!(again.map(|again| again.to_string()), Ok(printed), "it prints as it reads");
    let codecs = vec![Codec::Pcma, Codec::Pcmu];
    let address = ([192, 0, 2, 1], 20_000).into();
    let srtp = Srtp { policy: SrtpPolicy::Offer, keys: [MasterKey::new([1; 30]); 2] };
    let browser =
        Browser { ice: Ice::new([b'a'; 8], [b'b'; 24]), fingerprint: Fingerprint([1; 32]) };
    for browser in [None, Some(browser)] {
        let codecs = codecs.clone();
        let (digits, noise, session_id) = (true, true, 1);
        let ours = Capabilities { address, codecs, digits, noise, session_id, srtp, browser };
        let Ok((answered, agreed)) = answer(&session, &ours, 1, Direction::SendRecv) else {
            continue;
        };
        assert_eq!(answered.media.len(), session.media.len(), "RFC 3264 §6: line by line");
        assert_eq!(answered.media.iter().filter(|media| media.port != 0).count(), 1);
        assert!(agreed.payload_type < 128);
        assert_eq!(agreed.browser.is_some(), browser.is_some(), "by DTLS or not at all");
        assert_eq!(Session::parse(answered.to_string().as_bytes()), Ok(answered));
    }
}
