//! Whatever comes is read or refused, never a panic; what is printed reads back.

use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;
use sdp::{
    Browser, Capabilities, Codec, Direction, Fingerprint, Ice, MasterKey, Session, Srtp,
    SrtpPolicy, accept, answer, offer,
};

fn browser() -> impl Strategy<Value = Option<Browser>> {
    let some = (any::<[u8; 8]>(), any::<[u8; 24]>(), any::<[u8; 32]>()).prop_map(
        |(ufrag, password, hash)| Browser {
            ice: Ice::new(ufrag, password),
            fingerprint: Fingerprint(hash),
        },
    );
    prop_oneof![Just(None), some.prop_map(Some)]
}

fn capabilities() -> impl Strategy<Value = Capabilities> {
    let codecs = prop_oneof![
        Just(vec![Codec::Pcma]),
        Just(vec![Codec::Pcmu]),
        Just(vec![Codec::Pcma, Codec::Pcmu]),
        Just(vec![Codec::Pcmu, Codec::Pcma]),
    ];
    let policy =
        prop_oneof![Just(SrtpPolicy::Off), Just(SrtpPolicy::Offer), Just(SrtpPolicy::Require)];
    (any::<IpAddr>(), 1..u16::MAX, codecs, any::<bool>(), any::<u64>(), policy, browser())
        .prop_filter("an address that can be sent to", |(ip, ..)| !ip.is_unspecified())
        .prop_map(|(ip, port, codecs, digits, session_id, policy, browser)| Capabilities {
            address: SocketAddr::new(ip, port),
            codecs,
            digits,
            noise: digits,
            session_id,
            srtp: Srtp { policy, keys: [MasterKey::new([3; 30]), MasterKey::new([7; 30])] },
            browser,
        })
}

fn direction() -> impl Strategy<Value = Direction> {
    (any::<bool>(), any::<bool>()).prop_map(|(sends, receives)| Direction::of(sends, receives))
}

/// Lines that look like SDP, in any order and number.
fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("v=0".to_owned()),
        "[a-z]=.{0,40}",
        "m=(audio|video) [0-9]{1,6}(/[0-9])? (RTP/AVP|RTP/SAVP|udptl)( [0-9]{1,3}){0,5}",
        "m=audio [0-9]{1,5} UDP/TLS/RTP/SAVPF( [08]){1,2}",
        "a=(ice-ufrag|ice-pwd):[A-Za-z0-9+/ ]{0,30}",
        "a=fingerprint:sha-256 ([0-9A-F]{2}:){30,31}[0-9A-F]{2}",
        "a=(ice-lite|rtcp-mux|mid:.{0,4}|setup:(actpass|active|passive|x))",
        "a=group:(BUNDLE|LS)( [01]){0,3}",
        "a=candidate:.{0,3} 1 udp [0-9]{1,10} [0-9.]{7,11} [0-9]{1,5} typ (host|srflx)",
        "c=IN IP[46] [0-9a-f.:/]{0,20}",
        "a=rtpmap:[0-9]{1,3} (PCMA|pcmu|telephone-event)/(8000|48000)(/[12])?",
        "a=crypto:[0-9]{1,3} (AES_CM_128_HMAC_SHA1_(80|32)|X) inline:[A-Za-z0-9+/]{0,44}",
        "a=(sendonly|recvonly|inactive|sendrecv|ptime:[0-9]{1,4}|fmtp:[0-9]{1,3} .{0,10})",
        ".{0,20}",
    ];
    proptest::collection::vec(line, 0..30)
        .prop_map(|lines| format!("v=0\r\n{}", lines.join("\r\n")))
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Session::parse(&bytes);
    }

    #[test]
    fn what_is_read_prints_and_reads_back(text in lines(), ours in capabilities()) {
        let Ok(session) = Session::parse(text.as_bytes()) else { return Ok(()) };
        let printed = session.to_string();
        let again = Session::parse(printed.as_bytes());
        prop_assert_eq!(again.as_ref().map(ToString::to_string), Ok(printed));
        if let Ok((answered, _)) = answer(&session, &ours, 1, Direction::SendRecv) {
            prop_assert_eq!(answered.media.len(), session.media.len());
            let open = answered.media.iter().filter(|media| media.port != 0).count();
            prop_assert_eq!(open, 1);
            prop_assert_eq!(Session::parse(answered.to_string().as_bytes()), Ok(answered));
        }
    }

    /// Two engines that negotiate agree with each other.
    #[test]
    fn both_sides_see_the_same(
        one in capabilities(), other in capabilities(), wish in direction(), wanted in direction(),
    ) {
        let offered = offer(&one, 4, wish);
        let read = Session::parse(offered.to_string().as_bytes()).expect("what is printed reads");
        prop_assert_eq!(&read, &offered);
        let common = other.codecs.iter().any(|codec| one.codecs.contains(codec));
        match answer(&read, &other, 9, wanted) {
            Ok((answered, theirs)) => {
                let ours = accept(&offered, &answered).expect("they took it");
                prop_assert!(common);
                prop_assert_eq!(ours.codec, theirs.codec);
                prop_assert_eq!(ours.payload_type, theirs.payload_type);
                prop_assert_eq!(ours.digits_payload_type, theirs.digits_payload_type);
                prop_assert_eq!(ours.digits_payload_type.is_some(), one.digits && other.digits);
                prop_assert_eq!(ours.direction, theirs.direction.reversed());
                prop_assert_eq!((ours.remote, theirs.remote), (other.address, one.address));
                let policies = [one.srtp.policy, other.srtp.policy];
                let browsers = one.browser.zip(other.browser);
                let is_keyed = browsers.is_none() && !policies.contains(&SrtpPolicy::Off);
                prop_assert_eq!(ours.secured.is_some(), is_keyed);
                prop_assert_eq!(one.browser.is_some(), other.browser.is_some());
                let shown = browsers.map(|(one, other)| (one.ice, other.fingerprint));
                prop_assert_eq!(ours.browser.map(|it| (it.ice, it.fingerprint)), shown);
                let shown = browsers.map(|(one, other)| (other.ice, one.fingerprint));
                prop_assert_eq!(theirs.browser.map(|it| (it.ice, it.fingerprint)), shown);
                let begins = ours.browser.zip(theirs.browser);
                prop_assert!(begins.is_none_or(|(one, other)| one.is_client != other.is_client));
                let keys = ours.secured.map(|keys| (keys.suite, keys.ours, keys.theirs));
                prop_assert_eq!(keys, theirs.secured.map(|it| (it.suite, it.theirs, it.ours)));
            }
            Err(refusal) => {
                let policies = [one.srtp.policy, other.srtp.policy];
                let is_either = policies.contains(&SrtpPolicy::Off)
                    && policies.contains(&SrtpPolicy::Require);
                let is_mixed = one.browser.is_some() != other.browser.is_some();
                prop_assert!(!common || is_either || is_mixed, "{}", refusal);
            }
        }
    }
}
