//! RFC 3264 §10, its examples, as one who has telephone audio and nothing else answers them. The
//! RFC's host names are addresses here: nobody resolves names on a call's path.

use sdp::{Capabilities, Codec, Direction, Negotiated, Refusal, Session, Srtp, answer};

fn bob() -> Capabilities {
    Capabilities {
        address: "192.0.2.4:49920".parse().expect("an address"),
        codecs: vec![Codec::Pcma, Codec::Pcmu],
        digits: true,
        noise: false,
        session_id: 2_890_844_730,
        srtp: Srtp::OFF,
        browser: None,
    }
}

/// Alice's description: its version and its media lines.
fn offer(version: u64, media: &str) -> Session {
    let head = format!(
        "v=0\no=alice 2890844526 {version} IN IP4 192.0.2.3\ns=\nc=IN IP4 192.0.2.3\nt=0 0\n"
    );
    let text = format!("{head}{}", media.trim_start()).replace('\n', "\r\n");
    Session::parse(text.as_bytes()).expect("it can be read")
}

fn take(offer: &Session, version: u64) -> Result<(Session, Negotiated), Refusal> {
    answer(offer, &bob(), version, Direction::SendRecv)
}

fn ports(session: &Session) -> Vec<u16> {
    session.media.iter().map(|media| media.port).collect()
}

const BASIC: &str = "
m=audio 49170 RTP/AVP 0
a=rtpmap:0 PCMU/8000
m=video 51372 RTP/AVP 31
a=rtpmap:31 H261/90000
m=video 53000 RTP/AVP 32
a=rtpmap:32 MPV/90000
";

#[test]
fn rfc_3264_section_10_1_basic_exchange() {
    let (answered, agreed) = take(&offer(2_890_844_526, BASIC), 1).expect("audio is taken");
    assert_eq!(ports(&answered), [49_920, 0, 0], "line by line, 0 for what is not taken");
    let kinds: Vec<_> = answered.media.iter().map(|media| media.kind.as_str()).collect();
    assert_eq!(kinds, ["audio", "video", "video"]);
    assert_eq!(answered.media[0].formats, ["0"]);
    assert_eq!(agreed.remote.to_string(), "192.0.2.3:49170");
    assert_eq!((agreed.codec, agreed.direction), (Codec::Pcmu, Direction::SendRecv));
}

/// The second offer: audio moves to another port, and a stream of events is added behind.
#[test]
fn rfc_3264_section_10_1_a_second_offer_moves_one_stream_and_adds_another() {
    let (first, _) = take(&offer(2_890_844_526, BASIC), 1).expect("audio is taken");
    let second = "
m=audio 65422 RTP/AVP 0
a=rtpmap:0 PCMU/8000
m=video 0 RTP/AVP 31
m=video 53000 RTP/AVP 32
a=rtpmap:32 MPV/90000
m=audio 51434 RTP/AVP 110
a=rtpmap:110 telephone-events/8000
a=recvonly
";
    let (answered, agreed) = take(&offer(2_890_844_527, second), 2).expect("audio is taken");
    assert_eq!(ports(&answered), [49_920, 0, 0, 0], "§8: lines stay in their places");
    assert_eq!(agreed.remote.port(), 65_422);
    assert_eq!(answered.origin.session_id, first.origin.session_id);
    assert_eq!(answered.origin.version, first.origin.version + 1);
}

/// §10.2: all codecs are offered inactive, then the one that was chosen is offered alone.
#[test]
fn rfc_3264_section_10_2_one_of_n_codec_selection() {
    let several = "
m=audio 62986 RTP/AVP 0 4 18
a=rtpmap:0 PCMU/8000
a=rtpmap:4 G723/8000
a=rtpmap:18 G729/8000
a=inactive
";
    let (answered, agreed) = take(&offer(2_890_844_526, several), 1).expect("one is common");
    assert_eq!(answered.media[0].formats, ["0"]);
    assert_eq!(answered.media[0].direction, Some(Direction::Inactive));
    assert_eq!((agreed.codec, agreed.direction), (Codec::Pcmu, Direction::Inactive));
    let alone = |format: &str| format!("m=audio 62986 RTP/AVP {format}\na=sendrecv\n");
    let (answered, agreed) = take(&offer(2_890_844_527, &alone("0")), 2).expect("it was chosen");
    assert_eq!(answered.media[0].direction, Some(Direction::SendRecv));
    assert_eq!(agreed.direction, Direction::SendRecv);
    let refused = take(&offer(2_890_844_528, &alone("4")), 3);
    assert_eq!(refused, Err(Refusal::NoCodec), "what was not chosen is not to be had later");
}
