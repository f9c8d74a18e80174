//! Legs of browsers: ICE-lite and DTLS are offered and answered, and ICE may begin again.

use model::Transport;
use sdp::{Direction, Fingerprint, Session};
use sip::{Message, Method, RequestBuilder};

use crate::stage::{Stage, read, sdp};

/// What a browser offers, with that name of ICE and that byte in its certificate's hash.
fn offered(ufrag: &str, hash: &str, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 8\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-mux\r\n\
         a=ice-ufrag:{ufrag}\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=setup:actpass\r\n\
         a=fingerprint:sha-256 {}\r\na={direction}\r\n",
        [hash; 32].join(":")
    )
}

fn ufrag(answer: &Session) -> String {
    answer.ufrag().expect("a name of ICE").to_owned()
}

#[test]
fn a_browser_is_answered_with_our_certificate_and_the_way_is_left_to_ice() {
    let mut call = Stage::called(&[], &offered("EsAw", "75", "sendrecv"));
    let response = call.response();
    assert_eq!(response.status(), Some(200));
    let answer = read(&response);
    assert!(answer.is_ice_lite && answer.is_of_browser());
    assert_eq!(answer.media[0].candidates, ["192.0.2.1:20000".parse().unwrap()]);
    assert_eq!(answer.media[0].ice_dtls.fingerprint, Some(Fingerprint([3; 32])));
    let agreed = call.leg.media().copied().unwrap();
    assert_eq!(agreed.direction, Direction::SendRecv);
    let association = agreed.browser.unwrap();
    assert_eq!(association.fingerprint, Fingerprint([0x75; 32]));
    assert_eq!(association.ice.ufrag(), ufrag(&answer).as_bytes());
}

#[test]
fn a_browser_speaks_g_711_or_else_opus_and_is_asked_for_no_comfort_noise() {
    for (formats, answered, codec) in
        [("111 8 13", "8", sdp::Codec::Pcma), ("111 13", "111", sdp::Codec::Opus)]
    {
        let plain = offered("EsAw", "75", "sendrecv");
        let offer = plain.replace("SAVPF 8\r", &format!("SAVPF {formats}\r"));
        let mut call = Stage::called(&[], &format!("{offer}a=rtpmap:111 opus/48000/2\r\n"));
        let answer = read(&call.response());
        assert_eq!(answer.media[0].formats, [answered]);
        let agreed = call.leg.media().copied().unwrap();
        assert_eq!((agreed.codec, agreed.noise_payload_type), (codec, None));
    }
}

#[test]
fn rfc_8839_section_4_4_ours_begins_again_with_the_browsers_and_only_then() {
    let mut call = Stage::called(&[], &offered("EsAw", "75", "sendrecv"));
    let mut names = vec![ufrag(&read(&call.response()))];
    for (theirs, direction) in
        [("EsAw", "sendonly"), ("Ff00", "sendrecv"), ("Ff00", "sendrecv"), ("EsAw", "sendrecv")]
    {
        let answer = call.request(Method::Invite, &[], &offered(theirs, "75", direction));
        names.push(ufrag(&read(&answer)));
        let agreed = call.leg.media().and_then(|media| media.browser).unwrap();
        assert_eq!(agreed.ice.ufrag(), names.last().unwrap().as_bytes());
    }
    assert_eq!((&names[0], &names[2]), (&names[1], &names[3]), "without a reason they stay");
    assert!(names[1] != names[2] && names[3] != names[4] && names[0] != names[4]);
}

#[test]
fn a_page_that_was_loaded_again_has_another_certificate() {
    let mut call = Stage::called(&[], &offered("EsAw", "75", "sendrecv"));
    assert_eq!(call.response().status(), Some(200));
    let response = call.request(Method::Invite, &[], &offered("Ff00", "76", "sendrecv"));
    assert_eq!(response.status(), Some(200));
    assert!(call.media_changed());
    let agreed = call.leg.media().and_then(|media| media.browser).unwrap();
    assert_eq!(agreed.fingerprint, Fingerprint([0x76; 32]));
    // A plain stream is none for a browser's address: what was agreed on stays.
    assert_eq!(call.request(Method::Invite, &[], &sdp("sendrecv")).status(), Some(488));
    assert_eq!(call.leg.media().and_then(|media| media.browser), Some(agreed));
}

#[test]
fn what_an_invite_offers_says_whether_it_is_a_browsers() {
    let invite = |body: &str| -> Message {
        let invite = RequestBuilder::new(Method::Invite, "sip:95512@192.0.2.1").call_id("c");
        match body {
            "" => invite.cseq(1).build(),
            body => invite.cseq(1).body("application/sdp", body.as_bytes()).build(),
        }
    };
    let is = |body: &str, way| call::Leg::is_of_browser(&invite(body), way);
    let browsers = offered("EsAw", "75", "sendrecv");
    for way in Transport::ALL {
        assert!(is(&browsers, way), "also behind a proxy");
        assert!(!is(&sdp("sendrecv"), way));
        assert!(!is("nonsense", way));
        assert_eq!(is("", way), way.is_web(), "of one that offers nothing its way says it");
    }
}
