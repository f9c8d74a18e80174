//! Streams that are protected (RFC 4568), as telephones offer them.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use sdp::{
    Capabilities, Codec, Direction, MasterKey, Negotiated, Refusal, Session, Srtp, SrtpPolicy,
    Suite, accept, answer, offer,
};

/// That of RFC 4568 section 9.1, and another one.
const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const OTHER: &str = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB";

fn engine(policy: SrtpPolicy) -> Capabilities {
    Capabilities {
        address: "192.0.2.1:20000".parse().unwrap(),
        codecs: vec![Codec::Pcma],
        digits: false,
        noise: false,
        session_id: 77,
        srtp: Srtp { policy, keys: [MasterKey::new([8; 30]), MasterKey::new([3; 30])] },
        browser: None,
    }
}

fn offered(streams: &[&str]) -> Session {
    let head = "v=0\r\no=- 1 1 IN IP4 198.51.100.9\r\ns=-\r\nc=IN IP4 198.51.100.9\r\nt=0 0\r\n";
    Session::parse(format!("{head}{}\r\n", streams.join("\r\n")).as_bytes()).unwrap()
}

fn take(policy: SrtpPolicy, streams: &[&str]) -> Result<(Session, Negotiated), Refusal> {
    answer(&offered(streams), &engine(policy), 1, Direction::SendRecv)
}

fn crypto(tag: u32, suite: Suite, key: &str) -> String {
    format!("a=crypto:{tag} {} inline:{key}", suite.name())
}

const LONG: Suite = Suite::AesCm128HmacSha1_80;
const SHORT: Suite = Suite::AesCm128HmacSha1_32;

#[test]
fn the_first_way_that_both_know_is_taken_with_keys_of_both() {
    let lines = [
        "m=audio 4000 RTP/SAVP 8",
        "a=crypto:1 AEAD_AES_256_GCM inline:AAAA",
        &crypto(2, SHORT, KEY),
        &crypto(3, LONG, OTHER),
    ];
    for policy in [SrtpPolicy::Offer, SrtpPolicy::Require] {
        let (ours, agreed) = take(policy, &lines).unwrap();
        let secured = agreed.secured.unwrap();
        assert_eq!(secured.suite, SHORT);
        assert_eq!(secured.theirs.bytes()[..8], *b"YS___sem");
        assert_eq!(secured.ours, MasterKey::new([3; 30]));
        let text = ours.to_string();
        assert!(text.contains("m=audio 20000 RTP/SAVP 8\r\n"), "{text}");
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("a=crypto")).collect();
        let ours =
            "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD";
        assert_eq!(lines, [ours], "one way, under the number that it had in the offer");
    }
}

#[test]
fn what_the_policy_does_not_allow_is_refused_and_what_it_allows_is_taken() {
    let (key, bad) = (crypto(1, LONG, KEY), "a=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA");
    let plain = ["m=audio 4000 RTP/AVP 8"];
    let keyed = ["m=audio 4000 RTP/AVP 8", &key];
    let secure = ["m=audio 4000 RTP/SAVP 8", &key];
    let feedback = ["m=audio 4000 RTP/SAVPF 8", &key];
    let unknown = ["m=audio 4000 RTP/SAVP 8", bad];
    let keyless = ["m=audio 4000 RTP/AVP 8", bad];
    let (no, yes, open) = (Err(Refusal::NotSecure), Ok(true), Ok(false));
    for (streams, off, offer, require) in [
        (&plain[..], open, open, no),
        (&keyed, open, yes, yes),
        (&secure, no, yes, yes),
        (&feedback, no, yes, yes),
        (&unknown, no, no, no),
        (&keyless, open, open, no),
    ] {
        for (policy, wanted) in SrtpPolicy::ALL.into_iter().zip([off, offer, require]) {
            let taken = take(policy, streams);
            let secured = taken.as_ref().map(|(_, agreed)| agreed.secured.is_some());
            assert_eq!(secured.map_err(|refusal| *refusal), wanted, "{policy:?} {streams:?}");
            let Ok((ours, _)) = taken else { continue };
            assert_eq!(ours.to_string().contains("a=crypto"), wanted == yes);
            let profile = offered(streams).media[0].protocol.clone();
            assert_eq!(ours.media[0].protocol, profile, "the profile is that of the offer");
        }
    }
}

#[test]
fn of_a_protected_and_a_plain_stream_the_one_is_taken_that_the_policy_wants() {
    let key = crypto(1, LONG, KEY);
    let both = ["m=audio 4000 RTP/AVP 8", "m=audio 4002 RTP/SAVP 8", &key];
    for (policy, port) in [(SrtpPolicy::Offer, 4000), (SrtpPolicy::Require, 4002)] {
        let (ours, agreed) = take(policy, &both).unwrap();
        assert_eq!(agreed.remote.port(), port);
        assert_eq!(ours.media.iter().filter(|media| media.port > 0).count(), 1);
    }
    let swapped = ["m=audio 4002 RTP/SAVP 8", &key, "m=audio 4000 RTP/AVP 8"];
    for (policy, port) in [(SrtpPolicy::Off, 4000), (SrtpPolicy::Offer, 4002)] {
        assert_eq!(take(policy, &swapped).unwrap().1.remote.port(), port);
    }
}

#[test]
fn our_offer_names_both_suites_and_the_answer_chooses() {
    let optional = offer(&engine(SrtpPolicy::Offer), 1, Direction::SendRecv);
    let must = offer(&engine(SrtpPolicy::Require), 1, Direction::SendRecv);
    assert_eq!((optional.media[0].cryptos.len(), must.media[0].cryptos.len()), (2, 2));
    assert_eq!(optional.media[0].protocol, "RTP/AVP");
    assert_eq!(must.media[0].protocol, "RTP/SAVP");
    let (long, short) = (crypto(1, LONG, KEY), crypto(2, SHORT, KEY));
    for (line, suite, byte) in [(&long, LONG, 8), (&short, SHORT, 3)] {
        for (ours, profile) in [(&optional, "RTP/AVP"), (&must, "RTP/SAVP")] {
            let stream = format!("m=audio 4000 {profile} 8");
            let agreed = accept(ours, &offered(&[&stream, line])).unwrap();
            let secured = agreed.secured.unwrap();
            assert_eq!((secured.suite, secured.ours), (suite, MasterKey::new([byte; 30])));
            assert_eq!(secured.theirs.bytes()[..8], *b"YS___sem");
        }
    }
    // Who knows of no keys takes it as plain, where that is allowed.
    let plain = offered(&["m=audio 4000 RTP/AVP 8"]);
    assert_eq!(accept(&optional, &plain).unwrap().secured, None);
    assert_eq!(accept(&must, &plain), Err(Refusal::NotSecure));
    // A number or a suite that was not offered is no choice.
    for line in [crypto(3, LONG, KEY), crypto(1, SHORT, KEY)] {
        let answered = offered(&["m=audio 4000 RTP/SAVP 8", &line]);
        assert_eq!(accept(&must, &answered), Err(Refusal::NotSecure), "{line}");
    }
    let off = offer(&engine(SrtpPolicy::Off), 1, Direction::SendRecv);
    assert!(!off.to_string().contains("crypto"));
}

#[test]
fn two_engines_have_each_others_keys() {
    let mut other = engine(SrtpPolicy::Offer);
    other.srtp.keys = [MasterKey::new([1; 30]), MasterKey::new([2; 30])];
    for policy in [SrtpPolicy::Offer, SrtpPolicy::Require] {
        let ours = offer(&engine(policy), 1, Direction::SendRecv);
        let read = Session::parse(ours.to_string().as_bytes()).unwrap();
        assert_eq!(read.media[0].cryptos, ours.media[0].cryptos);
        let (theirs, there) = answer(&read, &other, 1, Direction::SendRecv).unwrap();
        let here = accept(&ours, &theirs).unwrap().secured.unwrap();
        let there = there.secured.unwrap();
        assert_eq!((here.suite, here.ours, here.theirs), (there.suite, there.theirs, there.ours));
    }
}

#[test]
fn lines_of_keys_beyond_what_is_looked_at_are_passed_over() {
    let mut streams = vec!["m=audio 4000 RTP/SAVP 8".to_owned()];
    streams.extend((1..=40).map(|tag| crypto(tag, LONG, KEY)));
    let lines: Vec<&str> = streams.iter().map(String::as_str).collect();
    assert_eq!(offered(&lines).media[0].cryptos.len(), sdp::MAX_CRYPTOS);
}
