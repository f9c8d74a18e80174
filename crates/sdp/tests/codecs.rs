//! Codecs that are agreed on by a dynamic payload type: Opus (RFC 7587) and L16 (RFC 3551).

use sdp::{
    Capabilities, Codec, Direction, Negotiated, OpusWishes, Refusal, Session, Srtp, accept, answer,
    offer,
};

fn engine(codecs: &[Codec]) -> Capabilities {
    Capabilities {
        address: "192.0.2.1:20000".parse().expect("an address"),
        codecs: codecs.to_vec(),
        digits: true,
        noise: true,
        session_id: 77,
        srtp: Srtp::OFF,
        browser: None,
    }
}

fn described(lines: &[&str]) -> Session {
    let head = ["v=0", "o=- 1 1 IN IP4 198.51.100.9", "s=-", "c=IN IP4 198.51.100.9", "t=0 0"];
    Session::parse([&head[..], lines].concat().join("\r\n").as_bytes()).expect("it can be read")
}

fn take(codecs: &[Codec], lines: &[&str]) -> Result<(Session, Negotiated), Refusal> {
    answer(&described(lines), &engine(codecs), 1, Direction::SendRecv)
}

/// As Chromium offers it.
const BROWSER: [&str; 9] = [
    "m=audio 9 RTP/AVP 111 0 8 13 110 126",
    "a=rtpmap:111 opus/48000/2",
    "a=fmtp:111 minptime=10; UseInbandFEC=1;maxaveragebitrate=20000;stereo=0",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:13 CN/8000",
    "a=rtpmap:110 telephone-event/48000",
    "a=rtpmap:126 telephone-event/8000",
    "a=ptime:20",
];

#[test]
fn opus_is_taken_with_keys_by_its_clock_and_without_comfort_noise() {
    let (ours, agreed) = take(&[Codec::Opus, Codec::Pcma], &BROWSER).expect("there is Opus");
    assert_eq!((agreed.codec, agreed.payload_type), (Codec::Opus, 111));
    assert_eq!((agreed.digits_payload_type, agreed.digits_clock_rate), (Some(110), 48_000));
    assert_eq!(agreed.noise_payload_type, None, "Opus has its own");
    let none = OpusWishes::default();
    assert_eq!(agreed.opus, OpusWishes { fec: true, max_bitrate: Some(20_000), ..none });
    assert_eq!(ours.media[0].formats, ["111", "110"]);
    let text = ours.to_string();
    for line in [
        "a=rtpmap:111 opus/48000/2\r\n",
        "a=fmtp:111 useinbandfec=1;stereo=0;sprop-stereo=0\r\n",
        "a=rtpmap:110 telephone-event/48000\r\n",
        "a=fmtp:110 0-15\r\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    // Whoever prefers G.711 gets that, with the keys and the noise of its clock.
    let (ours, agreed) = take(&[Codec::Pcma, Codec::Opus], &BROWSER).expect("there is A-law");
    assert_eq!((agreed.codec, agreed.digits_payload_type), (Codec::Pcma, Some(126)));
    assert_eq!((agreed.noise_payload_type, agreed.opus), (Some(13), OpusWishes::default()));
    assert_eq!(ours.media[0].formats, ["8", "13", "126"]);
}

#[test]
fn opus_with_keys_by_the_other_clock_is_taken_and_what_is_no_opus_is_not() {
    let lines =
        ["m=audio 9 RTP/AVP 96 101", "a=rtpmap:96 OPUS/48000", "a=rtpmap:101 telephone-event/8000"];
    let (_, agreed) = take(&[Codec::Opus], &lines).expect("some write one channel");
    assert_eq!((agreed.payload_type, agreed.digits_payload_type), (96, Some(101)));
    assert_eq!((agreed.digits_clock_rate, agreed.opus), (8_000, OpusWishes::default()));
    for map in ["a=rtpmap:96 opus/16000/2", "a=rtpmap:96 opus", "a=rtpmap:96 L16/48000", "a=x"] {
        let refused = take(&[Codec::Opus, Codec::L16], &["m=audio 9 RTP/AVP 96", map]);
        assert_eq!(refused, Err(Refusal::NoCodec), "{map}");
    }
    for (fmtp, cbr, dtx) in [
        ("usedtx=1; cbr=0", false, true),
        ("maxplaybackrate=8000;CBR=1;stereo=1;sprop-maxcapturerate=16000", true, false),
    ] {
        let fmtp = format!("a=fmtp:96 {fmtp}");
        let (_, agreed) = take(&[Codec::Opus], &[lines[0], lines[1], &fmtp]).expect("it is Opus");
        assert_eq!(agreed.opus, OpusWishes { cbr, dtx, ..OpusWishes::default() }, "{fmtp}");
    }
    let odd = ["useinbandfec=2", "maxaveragebitrate=-1", "useinbandfec", ";;=;=1", "usedtx=x;cbr"];
    for fmtp in odd {
        let fmtp = format!("a=fmtp:96 {fmtp}");
        let (_, agreed) = take(&[Codec::Opus], &[lines[0], lines[1], &fmtp]).expect("it is Opus");
        assert_eq!(agreed.opus, OpusWishes::default(), "{fmtp}");
    }
}

#[test]
fn our_offer_has_them_with_keys_for_each_clock_and_the_answer_decides() {
    let ours = offer(&engine(&[Codec::Pcma, Codec::Opus, Codec::L16Wide]), 1, Direction::SendRecv);
    assert_eq!(ours.media[0].formats, ["8", "111", "97", "13", "101", "110", "112"]);
    let text = ours.to_string();
    assert!(text.contains("a=rtpmap:97 L16/16000\r\n"), "{text}");
    assert!(text.contains("a=rtpmap:112 telephone-event/16000\r\n"), "{text}");
    assert_eq!(Session::parse(text.as_bytes()), Ok(ours.clone()), "it reads as it prints");
    let agreed = |lines: &[&str]| accept(&ours, &described(lines)).expect("it was accepted");
    let opus = agreed(&["m=audio 9 RTP/AVP 111 110", BROWSER[1], BROWSER[2], BROWSER[6]]);
    assert_eq!((opus.codec, opus.digits_payload_type), (Codec::Opus, Some(110)));
    assert!(opus.opus.fec);
    let wide = agreed(&[
        "m=audio 9 RTP/AVP 97 101",
        "a=rtpmap:97 L16/16000",
        "a=rtpmap:101 telephone-event/8000",
    ]);
    assert_eq!((wide.codec, wide.digits_clock_rate), (Codec::L16Wide, 8_000));
    let plain = agreed(&["m=audio 9 RTP/AVP 8"]);
    assert_eq!((plain.codec, plain.digits_payload_type), (Codec::Pcma, None));
}

#[test]
fn l16_is_told_apart_by_its_rate() {
    let all = [Codec::L16, Codec::L16Wide];
    for (rate, codec) in [(8_000, Codec::L16), (16_000, Codec::L16Wide)] {
        let map = format!("a=rtpmap:99 L16/{rate}");
        let (_, agreed) = take(&all, &["m=audio 9 RTP/AVP 99", &map]).expect("there is L16");
        assert_eq!((agreed.codec, agreed.payload_type), (codec, 99));
    }
    let stereo = take(&all, &["m=audio 9 RTP/AVP 99", "a=rtpmap:99 L16/8000/2"]);
    assert_eq!(stereo, Err(Refusal::NoCodec));
}

#[test]
fn a_configuration_names_each_codec_by_one_name() {
    for codec in Codec::ALL {
        assert_eq!(Codec::from_name(&codec.name().to_lowercase()), Some(codec));
    }
    assert_eq!(Codec::from_name("G729"), None);
}
