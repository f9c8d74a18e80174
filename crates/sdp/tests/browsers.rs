//! Streams of browsers, as Chromium and Firefox offer and answer them.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use sdp::{
    Browser, Capabilities, Codec, Direction, Fingerprint, Ice, Negotiated, Refusal, Session, Srtp,
    accept, answer, offer,
};

const HASH: &str = "75:74:5A:A6:A4:E5:52:F4:A7:67:4C:01:C7:EE:91:3F:\
                    21:3D:A2:E3:53:7B:6F:30:86:F2:30:AA:65:FB:04:24";

/// As Chromium offers, but for what is passed over.
const CHROMIUM: &str = "v=0\r
o=- 7614219274584779017 2 IN IP4 127.0.0.1\r
s=-\r
t=0 0\r
a=group:BUNDLE 0\r
a=extmap-allow-mixed\r
a=msid-semantic: WMS 5d2f\r
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r
c=IN IP4 0.0.0.0\r
a=rtcp:9 IN IP4 0.0.0.0\r
a=candidate:1 1 udp 2113937151 4f8f7a3e-0b6f.local 51472 typ host generation 0\r
a=ice-ufrag:EsAw\r
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r
a=ice-options:trickle\r
a=fingerprint:sha-256 HASH\r
a=setup:actpass\r
a=mid:0\r
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r
a=sendrecv\r
a=msid:5d2f 5d2g\r
a=rtcp-mux\r
a=rtcp-rsize\r
a=rtpmap:111 opus/48000/2\r
a=rtcp-fb:111 transport-cc\r
a=fmtp:111 minptime=10;useinbandfec=1\r
a=rtpmap:63 red/48000/2\r
a=rtpmap:9 G722/8000\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:8 PCMA/8000\r
a=rtpmap:13 CN/8000\r
a=rtpmap:110 telephone-event/48000\r
a=rtpmap:126 telephone-event/8000\r
a=ssrc:1399694169 cname:aZ\r
";

fn chromium() -> String {
    CHROMIUM.replace("HASH", HASH)
}

fn ice() -> Ice {
    Ice::new(*b"hotline0", *b"0123456789abcdefghijklmn")
}

fn engine() -> Capabilities {
    Capabilities {
        address: "192.0.2.1:20000".parse().unwrap(),
        codecs: vec![Codec::Pcma, Codec::Pcmu],
        digits: true,
        noise: false,
        session_id: 77,
        srtp: Srtp::OFF,
        browser: Some(Browser { ice: ice(), fingerprint: Fingerprint([0xab; 32]) }),
    }
}

fn take(text: &str) -> Result<(Session, Negotiated), Refusal> {
    let offer = Session::parse(text.as_bytes()).unwrap();
    answer(&offer, &engine(), 1, Direction::SendRecv)
}

#[test]
fn chromium_is_answered_as_it_has_to_be() {
    let (ours, agreed) = take(&chromium()).unwrap();
    let hash = ["AB"; 32].join(":");
    let wanted = format!(
        "v=0\r\no=- 77 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         a=group:BUNDLE 0\r\na=ice-lite\r\n\
         m=audio 20000 UDP/TLS/RTP/SAVPF 8 126\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:126 telephone-event/8000\r\na=fmtp:126 0-15\r\n\
         a=ptime:20\r\na=rtcp-mux\r\na=sendrecv\r\na=mid:0\r\n\
         a=ice-ufrag:hotline0\r\na=ice-pwd:0123456789abcdefghijklmn\r\n\
         a=fingerprint:sha-256 {hash}\r\na=setup:passive\r\n\
         a=candidate:1 1 udp 2130706431 192.0.2.1 20000 typ host\r\n"
    );
    assert_eq!(ours.to_string(), wanted);
    let association = agreed.browser.unwrap();
    assert_eq!((association.ice, association.is_client), (ice(), false));
    assert_eq!(association.fingerprint.0[..2], [0x75, 0x74]);
    assert_eq!(agreed.secured, None);
    assert_eq!(agreed.direction, Direction::SendRecv, "0.0.0.0 is no hold where ICE finds the way");
    assert!(agreed.rtcp.is_some_and(|rtcp| rtcp.is_muxed));
}

#[test]
fn a_browser_on_hold_is_on_hold() {
    let held = chromium().replace("a=sendrecv", "a=sendonly");
    assert_eq!(take(&held).unwrap().1.direction, Direction::RecvOnly);
}

#[test]
fn what_is_said_at_the_head_holds_for_the_stream() {
    // As Firefox does.
    let print = format!("a=fingerprint:sha-256 {HASH}\r\n");
    let text = chromium().replace(&print, "").replace("a=group", &format!("{print}a=group"));
    let (_, agreed) = take(&text).unwrap();
    assert_eq!(agreed.browser.unwrap().fingerprint.0[..2], [0x75, 0x74]);
    // A hash that is not known here beside the one that is.
    let two = chromium().replace(&print, &format!("a=fingerprint:sha-512 00:11\r\n{print}"));
    assert!(take(&two).is_ok());
}

#[test]
fn who_waits_for_our_handshake_gets_it() {
    for (said, ours, is_client) in [
        ("a=setup:passive\r\n", "a=setup:active\r\n", true),
        ("a=setup:active\r\n", "a=setup:passive\r\n", false),
        ("", "a=setup:passive\r\n", false),
    ] {
        let (answered, agreed) = take(&chromium().replace("a=setup:actpass\r\n", said)).unwrap();
        assert!(answered.to_string().contains(ours), "{said:?}");
        assert_eq!(agreed.browser.unwrap().is_client, is_client);
    }
}

#[test]
fn without_a_proof_of_who_it_is_or_on_two_ports_it_is_not_taken() {
    for gone in [
        format!("a=fingerprint:sha-256 {HASH}\r\n"),
        "a=ice-ufrag:EsAw\r\n".into(),
        "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n".into(),
        "a=rtcp-mux\r\n".into(),
    ] {
        let text = chromium().replace(&gone, "");
        assert_eq!(take(&text).map(|_| ()), Err(Refusal::NotSecure), "{gone}");
    }
    let plain = chromium().replace("UDP/TLS/RTP/SAVPF", "RTP/AVP");
    assert_eq!(take(&plain).map(|_| ()), Err(Refusal::NotSecure), "a plain one where browsers are");
    // A browser where none are heard.
    let offer = Session::parse(chromium().as_bytes()).unwrap();
    assert!(offer.is_of_browser() && !Session::parse(plain.as_bytes()).unwrap().is_of_browser());
    let without = Capabilities { browser: None, ..engine() };
    let refused = answer(&offer, &without, 1, Direction::SendRecv);
    assert_eq!(refused.map(|_| ()), Err(Refusal::NotSecure));
}

#[test]
fn of_voice_and_pictures_the_voice_is_taken() {
    let text = chromium()
        + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtcp-mux\r\n\
           a=rtpmap:96 VP8/90000\r\n";
    let text = text.replace("BUNDLE 0", "BUNDLE 0 1");
    let (ours, _) = take(&text).unwrap();
    assert_eq!(ours.bundle, ["0"], "RFC 9143 §7.3.3: a refused stream is in no group");
    let mids: Vec<_> = ours.media.iter().map(|media| (media.mid.as_deref(), media.port)).collect();
    assert_eq!(mids, [(Some("0"), 20_000), (Some("1"), 0)]);
}

#[test]
fn our_offer_is_taken_as_a_browser_answers_it() {
    let ours = offer(&engine(), 1, Direction::SendRecv);
    let text = ours.to_string();
    for line in [
        "a=group:BUNDLE 0\r\n",
        "a=ice-lite\r\n",
        "m=audio 20000 UDP/TLS/RTP/SAVPF 8 0 101\r\n",
        "a=setup:actpass\r\n",
        "a=rtcp-mux\r\n",
        "a=mid:0\r\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("a=rtcp-xr") && !text.contains("a=crypto"), "{text}");
    assert_eq!(Session::parse(text.as_bytes()), Ok(ours.clone()));
    let formats = "111 63 9 0 8 13 110 126";
    for (setup, is_client) in [("active", false), ("passive", true)] {
        let answered = chromium().replace("actpass", setup).replace(formats, "8 101");
        let answered = answered.replace("a=rtpmap:126", "a=rtpmap:101");
        let answered = Session::parse(answered.as_bytes()).unwrap();
        let agreed = accept(&ours, &answered).unwrap();
        let association = agreed.browser.unwrap();
        assert_eq!((association.ice, association.is_client), (ice(), is_client));
        assert_eq!(association.fingerprint.0[..2], [0x75, 0x74]);
        assert_eq!((agreed.codec, agreed.digits_payload_type), (Codec::Pcma, Some(101)));
    }
    let plain = chromium().replace("UDP/TLS/RTP/SAVPF", "RTP/AVP");
    let plain = Session::parse(plain.as_bytes()).unwrap();
    assert_eq!(accept(&ours, &plain), Err(Refusal::NotSecure));
}

#[test]
fn candidates_beyond_what_is_looked_at_are_passed_over() {
    let many: String = (0..40)
        .map(|n| format!("a=candidate:1 1 udp 5 192.0.2.9 {} typ host\r\n", 4_000 + n))
        .collect();
    let session = Session::parse((chromium() + &many).as_bytes()).unwrap();
    assert_eq!(session.media[0].candidates.len(), sdp::MAX_CANDIDATES);
}
