//! Offers and answers as real telephones write them (RFC 3264, RFC 4317).

use sdp::{
    Capabilities, Codec, Direction, Negotiated, OpusWishes, Problem, Refusal, Rtcp, Session, Srtp,
    accept, answer, answer_without_media, offer,
};

/// The description of these lines, each ended by CRLF.
fn read(lines: &[&str]) -> Session {
    Session::parse(lines.join("\r\n").as_bytes()).expect("it can be read")
}

fn engine() -> Capabilities {
    Capabilities {
        address: "192.0.2.1:20000".parse().expect("an address"),
        codecs: vec![Codec::Pcma, Codec::Pcmu],
        digits: true,
        noise: true,
        session_id: 77,
        srtp: Srtp::OFF,
        browser: None,
    }
}

const HEAD: [&str; 5] =
    ["v=0", "o=- 1 1 IN IP4 198.51.100.9", "s=-", "c=IN IP4 198.51.100.9", "t=0 0"];

fn offered(lines: &[&str]) -> Session {
    read(&[&HEAD[..], lines].concat())
}

fn take(lines: &[&str]) -> Result<(Session, Negotiated), Refusal> {
    answer(&offered(lines), &engine(), 1, Direction::SendRecv)
}

#[test]
fn a_telephones_offer_is_answered_with_one_codec_and_digits() {
    let (ours, agreed) = take(&[
        "m=audio 49170 RTP/AVP 0 8 18 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000/1",
        "a=rtpmap:18 G729/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=ptime:30",
    ])
    .expect("there is common ground");
    assert_eq!(
        agreed,
        Negotiated {
            remote: "198.51.100.9:49170".parse().expect("an address"),
            codec: Codec::Pcma,
            payload_type: 8,
            digits_payload_type: Some(101),
            digits_clock_rate: 8_000,
            noise_payload_type: None,
            opus: OpusWishes::default(),
            direction: Direction::SendRecv,
            ptime_ms: 30,
            max_ptime_ms: None,
            secured: None,
            browser: None,
            rtcp: Some(Rtcp {
                remote: "198.51.100.9:49171".parse().expect("an address"),
                is_muxed: false,
                wants_metrics: false,
            }),
        }
    );
    assert_eq!(
        ours.to_string(),
        "v=0\r\no=- 77 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
}

#[test]
fn codecs_are_known_by_static_type_or_by_map_alone() {
    let (_, agreed) = take(&["m=audio 4000 RTP/AVP 0"]).expect("static type 0");
    assert_eq!((agreed.codec, agreed.payload_type), (Codec::Pcmu, 0));
    assert_eq!(agreed.digits_payload_type, None);
    let (ours, agreed) = take(&[
        "m=audio 4000 RTP/AVP 96 97 98",
        "a=rtpmap:96 telephone-event/48000",
        "a=rtpmap:97 telephone-event/8000",
        "a=rtpmap:98 pcma/8000",
    ])
    .expect("a dynamic type");
    assert_eq!((agreed.payload_type, agreed.digits_payload_type), (98, Some(97)));
    assert_eq!(ours.media[0].formats, ["98", "97"]);
    // A map overrides the static meaning; wide-band and stereo are other codecs.
    for map in ["a=rtpmap:8 PCMA/16000", "a=rtpmap:8 PCMA/8000/2", "a=rtpmap:8 opus/48000"] {
        assert_eq!(take(&["m=audio 4000 RTP/AVP 8", map]), Err(Refusal::NoCodec), "{map}");
    }
}

#[test]
fn every_stream_has_its_place_in_the_answer_and_one_is_taken() {
    let (ours, agreed) = take(&[
        "m=video 5000 RTP/AVP 96",
        "a=rtpmap:96 H264/90000",
        "m=audio 0 RTP/AVP 8",
        "m=audio 5002 RTP/SAVP 8",
        "m=audio 5004 RTP/AVP 18",
        "m=audio 5006 RTP/AVP 8",
        "m=audio 5008 RTP/AVP 8",
        "m=image 5010 udptl t38",
    ])
    .expect("one can be taken");
    assert_eq!(agreed.remote.port(), 5006);
    let ports: Vec<u16> = ours.media.iter().map(|media| media.port).collect();
    assert_eq!(ports, [0, 0, 0, 0, 20_000, 0, 0]);
    let kinds: Vec<&str> = ours.media.iter().map(|media| media.kind.as_str()).collect();
    assert_eq!(kinds, ["video", "audio", "audio", "audio", "audio", "audio", "image"]);
    assert!(ours.to_string().contains("m=image 0 udptl t38\r\n"));
}

#[test]
fn hold_is_answered_by_its_mirror() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for (theirs, wanted, agreed) in [
        (SendOnly, SendRecv, RecvOnly),
        (RecvOnly, SendRecv, SendOnly),
        (Inactive, SendRecv, Inactive),
        (SendRecv, SendOnly, SendOnly),
        (SendOnly, SendOnly, Inactive),
        (SendRecv, RecvOnly, RecvOnly),
    ] {
        let line = format!("a={}", theirs.as_str());
        let lines = ["m=audio 4000 RTP/AVP 8", &line];
        let (ours, negotiated) =
            answer(&offered(&lines), &engine(), 1, wanted).expect("there is common ground");
        assert_eq!(negotiated.direction, agreed, "{theirs:?} {wanted:?}");
        assert_eq!(ours.media[0].direction, Some(agreed));
    }
    // At session level, and overridden by the stream's own.
    let held = ["v=0", HEAD[1], "c=IN IP4 198.51.100.9", "a=sendonly", "m=audio 4000 RTP/AVP 8"];
    let directions = |lines: &[&str]| {
        answer(&read(lines), &engine(), 1, SendRecv).expect("common ground").1.direction
    };
    assert_eq!(directions(&held), RecvOnly);
    assert_eq!(directions(&[&held[..], &["a=sendrecv"]].concat()), SendRecv);
}

#[test]
fn hold_by_the_address_0_0_0_0_sends_nothing() {
    for nowhere in ["c=IN IP4 0.0.0.0", "c=IN IP6 ::", "c=IN IP6 held.INVALID"] {
        let (_, agreed) =
            take(&["m=audio 4000 RTP/AVP 8", nowhere]).expect("there is common ground");
        assert_eq!(agreed.direction, Direction::RecvOnly, "{nowhere}");
    }
}

#[test]
fn the_address_is_the_streams_own_or_the_sessions_and_may_be_ip6() {
    let (ours, agreed) = take(&["m=audio 4000 RTP/AVP 8", "c=IN IP6 2001:db8::7"]).expect("IPv6");
    assert_eq!(agreed.remote, "[2001:db8::7]:4000".parse().expect("an address"));
    assert!(ours.to_string().contains("c=IN IP4 192.0.2.1\r\n"));
    let six = Capabilities { address: "[::1]:20000".parse().expect("an address"), ..engine() };
    let printed = offer(&six, 1, Direction::SendRecv).to_string();
    assert!(printed.contains("o=- 77 1 IN IP6 ::1\r\n") && printed.contains("c=IN IP6 ::1\r\n"));
    // RFC 8866 section 5.7: a name is an address that is not known yet, and holds nobody.
    let (_, named) =
        take(&["m=audio 4000 RTP/AVP 8", "c=IN IP4 phone.example.com"]).expect("common ground");
    assert_eq!(named.remote, "0.0.0.0:4000".parse().expect("an address"));
    assert_eq!(named.direction, Direction::SendRecv);
    let nowhere = read(&["v=0", HEAD[1], "m=audio 4000 RTP/AVP 8"]);
    assert_eq!(answer(&nowhere, &engine(), 1, Direction::SendRecv), Err(Refusal::NoAddress));
}

#[test]
fn rfc_3264_section_8_2_an_offer_that_wants_no_media_is_answered_without() {
    let answered = |lines: &[&str]| answer_without_media(&read(lines), &engine(), 3);
    let refused = answered(&[HEAD[0], HEAD[1], "m=audio 0 RTP/AVP 8", "m=video 0 RTP/AVP 31"]);
    let refused = refused.expect("nothing is wanted");
    let streams: Vec<_> = refused.media.iter().map(|one| (one.kind.as_str(), one.port)).collect();
    assert_eq!(streams, [("audio", 0), ("video", 0)]);
    assert_eq!(refused.origin.version, 3);
    assert!(answered(&HEAD).expect("RFC 3264 section 5").media.is_empty());
    for wanted in ["m=audio 4000 RTP/AVP 8", "m=video 4000 RTP/AVP 31"] {
        assert_eq!(answered(&[HEAD[0], HEAD[1], "m=audio 0 RTP/AVP 8", wanted]), None, "{wanted}");
    }
}

#[test]
fn without_common_ground_the_reason_is_named() {
    for (lines, refusal) in [
        (&[][..], Refusal::NoAudio),
        (&["m=audio 0 RTP/AVP 8"], Refusal::NoAudio),
        (&["m=audio 4000 RTP/SAVPF 8"], Refusal::NotSecure),
        (&["m=audio 4000 UDP/TLS/RTP/SAVPF 8"], Refusal::NotSecure),
        (&["m=video 4000 RTP/AVP 8"], Refusal::NoAudio),
        (&["m=audio 4000 RTP/AVP 18 3"], Refusal::NoCodec),
        (&["m=audio 4000 RTP/AVP nonsense"], Refusal::NoCodec),
    ] {
        assert_eq!(take(lines), Err(refusal), "{lines:?}");
    }
}

#[test]
fn our_order_of_codecs_decides_and_digits_can_be_off() {
    let mu_first =
        Capabilities { codecs: vec![Codec::Pcmu, Codec::Pcma], digits: false, ..engine() };
    let theirs = offered(&["m=audio 4000 RTP/AVP 8 0 101", "a=rtpmap:101 telephone-event/8000"]);
    let (ours, agreed) =
        answer(&theirs, &mu_first, 3, Direction::SendRecv).expect("there is common ground");
    assert_eq!((agreed.codec, agreed.digits_payload_type), (Codec::Pcmu, None));
    assert_eq!((ours.media[0].formats.join(" "), ours.origin.version), ("0".into(), 3));
}

#[test]
fn a_late_offer_is_ours_and_the_answer_is_read() {
    let ours = offer(&engine(), 1, Direction::SendRecv);
    assert_eq!(ours.media[0].formats, ["8", "0", "13", "101"]);
    let (theirs, their_view) = answer(
        &Session::parse(ours.to_string().as_bytes()).expect("what we print can be read"),
        &Capabilities {
            address: "203.0.113.5:7000".parse().expect("an address"),
            codecs: vec![Codec::Pcmu],
            digits: true,
            noise: true,
            session_id: 5,
            srtp: Srtp::OFF,
            browser: None,
        },
        1,
        Direction::SendRecv,
    )
    .expect("there is common ground");
    let our_view = accept(&ours, &theirs).expect("it was accepted");
    assert_eq!((our_view.codec, their_view.codec), (Codec::Pcmu, Codec::Pcmu));
    assert_eq!(our_view.remote, "203.0.113.5:7000".parse().expect("an address"));
    assert_eq!(our_view.digits_payload_type, Some(101));
}

#[test]
fn an_answer_may_decline_or_choose_what_was_not_offered() {
    let only_a = Capabilities { codecs: vec![Codec::Pcma], digits: false, ..engine() };
    let ours = offer(&only_a, 1, Direction::SendOnly);
    let answered = |line: &str| accept(&ours, &offered(&[line]));
    assert_eq!(answered("m=audio 0 RTP/AVP 8"), Err(Refusal::Declined));
    assert_eq!(answered("m=audio 4000 RTP/AVP 0"), Err(Refusal::NoCodec));
    assert_eq!(accept(&ours, &offered(&[])), Err(Refusal::NoAudio));
    // Its first format that was offered counts, and our own wish still holds.
    let agreed = answered("m=audio 4000 RTP/AVP 0 8").expect("A-law was offered");
    assert_eq!((agreed.codec, agreed.direction), (Codec::Pcma, Direction::SendOnly));
}

#[test]
fn sloppy_descriptions_are_read() {
    let text = b"\nv=0\no=phone nonsense 99999999999999999999999 IN IP4 10.0.0.1\n\ns= \n\
        z=unknown line\nc=IN IP4 224.2.1.1/127/3\nm=audio 4000/2 RTP/AVP  8   0 \n\
        a=rtpmap:bad\na=rtpmap:200 PCMA/8000\na=fmtp:x\na=ptime:0\na=rtcp:4001 IN IP4 10.0.0.1\n\
        a=unknown\n";
    let session = Session::parse(text).expect("sloppy, but clear");
    let media = &session.media[0];
    assert_eq!((session.origin.session_id, session.origin.version), (0, 0));
    assert_eq!(media.formats, ["8", "0"]);
    assert_eq!((media.port, media.ptime_ms, media.rtcp_port), (4000, None, Some(4001)));
    assert!(media.maps.is_empty() && media.parameters.is_empty());
    let (_, agreed) = answer(&session, &engine(), 1, Direction::SendRecv).expect("common ground");
    assert_eq!(agreed.remote, "224.2.1.1:4000".parse().expect("an address"));
}

#[test]
fn an_error_names_the_line() {
    for (text, line, problem) in [
        ("", 0, Problem::Empty),
        ("\r\n \r\n", 0, Problem::Empty),
        ("o=- 1 1 IN IP4 1.1.1.1", 1, Problem::Version),
        ("v=1", 1, Problem::Version),
        ("v=0\r\nhello", 2, Problem::NotALine),
        ("v=0\r\no=- 1 1", 2, Problem::Origin),
        ("v=0\r\no=- 1 1 IN IP9 x", 2, Problem::Origin),
        ("v=0\r\ns=-\r\nc=IN IP4", 3, Problem::Connection),
        ("v=0\r\nm=audio", 2, Problem::Media),
        ("v=0\r\nm=audio x RTP/AVP 8", 2, Problem::Media),
        ("v=0\r\nm=audio 70000 RTP/AVP 8", 2, Problem::Media),
        ("v=0\r\nm=audio 4000 RTP/AVP", 2, Problem::Media),
    ] {
        let error = Session::parse(text.as_bytes()).expect_err(text);
        assert_eq!((error.line, error.problem), (line, problem), "{text:?}");
    }
    let error = Session::parse(b"v=0\nm=audio").expect_err("no port");
    assert_eq!(error.to_string(), "SDP line 2: expected 'm=kind port protocol format …'");
    let error = Session::parse(b"v=0\ns=\xff").expect_err("not text");
    assert_eq!(error.to_string(), "SDP: the description is not UTF-8");
}

#[test]
fn limits_are_kept() {
    let many = |line: &str, count: usize| format!("v=0\n{}", format!("{line}\n").repeat(count));
    let problem = |text: &str| Session::parse(text.as_bytes()).map_err(|error| error.problem);
    assert!(problem(&many("m=audio 1 RTP/AVP 8", sdp::MAX_MEDIA)).is_ok());
    assert_eq!(problem(&many("m=audio 1 RTP/AVP 8", sdp::MAX_MEDIA + 1)), Err(Problem::TooMany));
    assert_eq!(problem(&many("a=x", sdp::MAX_LINES)), Err(Problem::TooLong));
    assert_eq!(problem(&" ".repeat(sdp::MAX_BYTES + 1)), Err(Problem::TooLong));
    for (line, limit) in [("a=rtpmap:9 x/1", sdp::MAX_FORMATS), ("a=fmtp:9 x", sdp::MAX_FORMATS)] {
        let text = |count| many(line, count).replacen('\n', "\nm=audio 1 RTP/AVP 8\n", 1);
        assert!(problem(&text(limit)).is_ok());
        assert_eq!(problem(&text(limit + 1)), Err(Problem::TooMany), "{line}");
    }
    let formats = |count| format!("v=0\nm=audio 1 RTP/AVP{}", " 8".repeat(count));
    assert!(problem(&formats(sdp::MAX_FORMATS)).is_ok());
    assert_eq!(problem(&formats(sdp::MAX_FORMATS + 1)), Err(Problem::TooMany));
}

/// How reports go to a phone that offers these lines, and whether our answer speaks of it.
fn reports(lines: &[&str]) -> (Option<(String, bool, bool)>, [bool; 2]) {
    let (ours, agreed) = take(&[&["m=audio 4000 RTP/AVP 8"], lines].concat()).expect("agreed");
    let text = ours.to_string();
    let rtcp = agreed.rtcp.map(|it| (it.remote.to_string(), it.is_muxed, it.wants_metrics));
    (rtcp, ["a=rtcp-mux\r\n", "a=rtcp-xr:voip-metrics\r\n"].map(|line| text.contains(line)))
}

#[test]
fn reports_go_beside_rtp_or_with_it_as_the_offer_says() {
    let to = |address: &str, muxed, metrics| Some((address.to_owned(), muxed, metrics));
    let plain = [false, false];
    assert_eq!(reports(&[]), (to("198.51.100.9:4001", false, false), plain));
    assert_eq!(reports(&["a=rtcp:5005"]), (to("198.51.100.9:5005", false, false), plain));
    let elsewhere = ["a=rtcp:5005 IN IP4 198.51.100.77"];
    assert_eq!(reports(&elsewhere), (to("198.51.100.77:5005", false, false), plain));
    let all = ["a=rtcp:5005", "a=rtcp-mux", "a=rtcp-xr:rcvr-rtt=all voip-metrics"];
    assert_eq!(reports(&all), (to("198.51.100.9:4000", true, true), [true, true]));
    let other = ["a=rtcp-xr:rcvr-rtt=all stat-summary=loss"];
    assert_eq!(reports(&other), (to("198.51.100.9:4001", false, false), plain));
    // No port is nowhere.
    assert_eq!(reports(&["a=rtcp:0"]), (None, plain));
    let (_, agreed) = take(&["m=audio 65535 RTP/AVP 8"]).expect("agreed");
    assert_eq!(agreed.rtcp, None, "there is no port after the last");
}

#[test]
fn an_offer_of_ours_shares_the_port_where_the_answer_does() {
    let ours = offer(&engine(), 1, Direction::SendRecv);
    assert!(ours.to_string().contains("a=rtcp-mux\r\na=rtcp-xr:voip-metrics\r\n"), "{ours}");
    assert_eq!(read(&ours.to_string().lines().collect::<Vec<_>>()), ours);
    let rtcp = |ours: &Session, lines: &[&str]| {
        let theirs = offered(&[&["m=audio 4000 RTP/AVP 8"], lines].concat());
        accept(ours, &theirs).expect("agreed").rtcp.expect("reports")
    };
    let beside = rtcp(&ours, &[]);
    assert_eq!((beside.remote.port(), beside.is_muxed), (4001, false));
    let muxed = rtcp(&ours, &["a=rtcp-mux", "a=rtcp-xr:voip-metrics"]);
    assert_eq!((muxed.remote.port(), muxed.is_muxed, muxed.wants_metrics), (4000, true, true));
    // An answer may not bring up what was not offered.
    let mut silent = ours.clone();
    silent.media[0].rtcp_mux = false;
    let refused = rtcp(&silent, &["a=rtcp-mux"]);
    assert_eq!((refused.remote.port(), refused.is_muxed), (4001, false));
}

#[test]
fn packets_are_as_long_as_the_telephone_wishes_and_no_longer_than_it_takes() {
    for (lines, wished, most) in [
        (&[][..], 20, None),
        (&["a=ptime:10"], 10, None),
        (&["a=ptime:40"], 40, None),
        (&["a=ptime:60", "a=maxptime:120"], 60, Some(120)),
        // What is not made here is made as near to it as can be.
        (&["a=ptime:35"], 30, None),
        (&["a=ptime:2"], 10, None),
        (&["a=ptime:200"], 60, None),
        (&["a=ptime:62.5"], 60, None),
        (&["a=maxptime:10"], 10, Some(10)),
        (&["a=ptime:40", "a=maxptime:30"], 30, Some(30)),
        (&["a=ptime:20", "a=maxptime:5"], 10, Some(10)),
        (&["a=ptime:twenty", "a=maxptime:0"], 20, None),
    ] {
        let all = [&["m=audio 4000 RTP/AVP 8"][..], lines].concat();
        let (_, agreed) = take(&all).expect("there is common ground");
        assert_eq!((agreed.ptime_ms, agreed.max_ptime_ms), (wished, most), "{lines:?}");
    }
    let theirs = offered(&["m=audio 4000 RTP/AVP 8", "a=ptime:30", "a=maxptime:60"]);
    assert!(theirs.to_string().contains("a=ptime:30\r\na=maxptime:60\r\n"));
}

#[test]
fn comfort_noise_is_agreed_on_where_both_sides_have_it() {
    for (format, map) in
        [("13", "a=rtpmap:13 CN/8000"), ("13", "a=x"), ("97", "a=rtpmap:97 cn/8000")]
    {
        let stream = format!("m=audio 4000 RTP/AVP 8 {format} 101");
        let lines = [&stream[..], "a=rtpmap:101 telephone-event/8000", map];
        let (ours, agreed) = take(&lines).expect("there is common ground");
        assert_eq!(agreed.noise_payload_type, format.parse().ok(), "{lines:?}");
        assert_eq!(ours.media[0].formats, ["8", format, "101"]);
        assert!(ours.to_string().contains(&format!("a=rtpmap:{format} CN/8000\r\n")));
        let deaf = Capabilities { noise: false, ..engine() };
        let (ours, agreed) =
            answer(&offered(&lines), &deaf, 1, Direction::SendRecv).expect("there is, too");
        assert_eq!((agreed.noise_payload_type, ours.to_string().contains("CN")), (None, false));
    }
    for lines in
        [&["m=audio 4000 RTP/AVP 8 13", "a=rtpmap:13 CN/16000"][..], &["m=audio 4000 RTP/AVP 8"]]
    {
        assert_eq!(take(lines).expect("there is common ground").1.noise_payload_type, None);
    }
}

#[test]
fn comfort_noise_is_offered_and_holds_where_the_answer_has_it() {
    let ours = offer(&engine(), 1, Direction::SendRecv);
    assert_eq!(ours.media[0].formats, ["8", "0", "13", "101"]);
    let agreed = |ours: &Session, stream: &str| {
        accept(ours, &offered(&[stream])).expect("it was accepted").noise_payload_type
    };
    assert_eq!(agreed(&ours, "m=audio 4000 RTP/AVP 8 13"), Some(13));
    assert_eq!(agreed(&ours, "m=audio 4000 RTP/AVP 8"), None);
    let silent = offer(&Capabilities { noise: false, ..engine() }, 1, Direction::SendRecv);
    assert_eq!(agreed(&silent, "m=audio 4000 RTP/AVP 8 13"), None, "nobody offered it");
}
