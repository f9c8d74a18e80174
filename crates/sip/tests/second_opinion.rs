//! `rsip` reads plain messages as we do: an independent second opinion, where it can read at all
//! (it knows neither folding nor compact names nor a space before the colon). Where the two do not
//! agree about the torture messages of RFC 4475 and RFC 5118 and all else in the corpus of fuzzing,
//! it is written down why.

use proptest::prelude::*;
use rsip::SipMessage;
use rsip::prelude::{HeadersExt, ToTypedHeader, UntypedHeader};
use sip::{Kind, Message};

fn host() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}\\.example\\.com", Just("192.0.2.44".to_owned())]
}

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z0-9][A-Za-z0-9.-]{0,15}"
}

prop_compose! {
    fn plain()(
        user in "[a-z0-9]{1,12}",
        host in host(),
        display in "[A-Za-z ]{0,12}",
        branch in token(),
        tag in token(),
        call_id in token(),
        cseq in 1u32..0x7fff_ffff,
        port in 1u16..,
        subject in "[A-Za-z0-9][ -~]{0,30}",
        body in "[a-z0-9=\r\n ]{0,80}",
        status in prop::option::of(100u16..699),
    ) -> String {
        let first = match status {
            Some(status) => format!("SIP/2.0 {status} Whatever"),
            None => format!("INVITE sip:{user}@{host}:{port} SIP/2.0"),
        };
        format!(
            "{first}\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{branch}\r\n\
             Max-Forwards: 70\r\nFrom: \"{display}\" <sip:{user}@{host}>;tag={tag}\r\n\
             To: <sip:95512@{host}>\r\nCall-ID: {call_id}@{host}\r\nCSeq: {cseq} INVITE\r\n\
             Contact: <sip:{user}@{host}:{port}>\r\nSubject: {subject}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

proptest! {
    #[test]
    fn plain_messages_are_read_alike(text in plain()) {
        let ours = Message::parse(text.as_bytes()).unwrap();
        let theirs = SipMessage::try_from(text.as_str()).unwrap();
        match (&theirs, ours.kind()) {
            (SipMessage::Request(request), Kind::Request { uri, .. }) => {
                prop_assert_eq!(request.method.to_string(), ours.method_text());
                prop_assert_eq!(request.uri.to_string(), uri);
            }
            (SipMessage::Response(response), Kind::Response { status, .. }) => {
                prop_assert_eq!(response.status_code.code(), status);
            }
            (_, kind) => prop_assert!(false, "{:?}", kind),
        }
        prop_assert_eq!(theirs.call_id_header().unwrap().value(), ours.call_id());
        prop_assert_eq!(theirs.from_header().unwrap().value(), ours.header("From").unwrap());
        prop_assert_eq!(theirs.to_header().unwrap().value(), ours.header("To").unwrap());
        let cseq = theirs.cseq_header().unwrap().typed().unwrap();
        prop_assert_eq!(cseq.seq, ours.cseq().unwrap().number);
        let from = theirs.from_header().unwrap().typed().unwrap();
        prop_assert_eq!(from.tag().map(|tag| tag.value()), ours.from().unwrap().tag());
        let via = theirs.via_header().unwrap().typed().unwrap();
        let our_via = ours.top_via().unwrap();
        prop_assert_eq!(via.branch().map(|branch| branch.value()), our_via.branch());
        prop_assert_eq!(via.uri.host().to_string(), our_via.host());
        prop_assert_eq!(via.uri.port().map(|port| *port.value()), our_via.port());
        let body = match &theirs {
            SipMessage::Request(request) => request.body(),
            SipMessage::Response(response) => response.body(),
        };
        prop_assert_eq!(body, ours.body());
    }

    #[test]
    fn what_we_write_is_read_alike(tag in token(), call_id in token(), cseq in 1u32..0x7fff_ffff) {
        let request = sip::RequestBuilder::new(sip::Method::Invite, "sip:8001@192.0.2.9:5070")
            .header("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx")
            .from("\"Hotline\" <sip:95512@192.0.2.1>", &tag)
            .to("<sip:8001@192.0.2.9>", None)
            .call_id(&call_id)
            .cseq(cseq)
            .contact("<sip:192.0.2.1>")
            .body("application/sdp", b"v=0\r\n")
            .build();
        let theirs = rsip::Request::try_from(request.as_bytes()).unwrap();
        prop_assert_eq!(theirs.uri.to_string(), request.uri());
        prop_assert_eq!(theirs.call_id_header().unwrap().value(), call_id);
        let from = theirs.from_header().unwrap().typed().unwrap();
        prop_assert_eq!(from.tag().map(|tag| tag.value().to_owned()), Some(tag));
        prop_assert_eq!(theirs.cseq_header().unwrap().typed().unwrap().seq, cseq);
        prop_assert_eq!(theirs.body(), request.body());
    }
}

/// What two readers of one message may agree on, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Opinion {
    /// Both read it, and the same.
    Alike,
    /// Neither takes it.
    Neither,
    /// We read it without a defect, `rsip` does not at all.
    OursAlone,
    /// `rsip` reads it; for us it is none, or has a defect.
    TheirsAlone,
    /// Both read it; this is not the same.
    Other(&'static str),
}

fn opinion(bytes: &[u8]) -> Opinion {
    let ours = Message::parse(bytes).ok().filter(|message| message.defect().is_none());
    let theirs = SipMessage::try_from(bytes);
    match (ours, theirs) {
        (None, Err(_)) => Opinion::Neither,
        (Some(_), Err(_)) => Opinion::OursAlone,
        (None, Ok(_)) => Opinion::TheirsAlone,
        (Some(ours), Ok(theirs)) => differ(&ours, &theirs).map_or(Opinion::Alike, Opinion::Other),
    }
}

/// The first thing in which the two readings are not the same.
fn differ(ours: &Message, theirs: &SipMessage) -> Option<&'static str> {
    let (first, body) = match (theirs, ours.kind()) {
        (SipMessage::Request(request), Kind::Request { uri, .. }) => {
            let method = request.method.to_string() == ours.method_text();
            (method && request.uri.to_string() == uri, request.body())
        }
        (SipMessage::Response(response), Kind::Response { status, .. }) => {
            (response.status_code.code() == status, response.body())
        }
        (_, _) => (false, &ours.body().to_vec()),
    };
    let text = |value: Option<&str>| value.unwrap_or_default().trim().to_owned();
    let call_id = theirs.call_id_header().map(|header| header.value().trim().to_owned());
    let from = theirs.from_header().map(|header| header.value().trim().to_owned());
    let to = theirs.to_header().map(|header| header.value().trim().to_owned());
    let cseq = theirs.cseq_header().ok().and_then(|header| header.typed().ok());
    let via = theirs.via_header().ok().and_then(|header| header.typed().ok());
    let branch = via.and_then(|via| via.branch().map(|branch| branch.value().to_owned()));
    let our_branch = ours.top_via().and_then(|via| via.branch().map(str::to_owned));
    let alike = [
        ("the first line", first),
        ("Call-ID", call_id.unwrap_or_default() == ours.call_id()),
        ("From", from.unwrap_or_default() == text(ours.header("From"))),
        ("To", to.unwrap_or_default() == text(ours.header("To"))),
        ("CSeq", cseq.map(|cseq| cseq.seq) == ours.cseq().map(|cseq| cseq.number)),
        ("the branch", branch == our_branch),
        ("the body", body == ours.body()),
    ];
    alike.iter().find(|(_, alike)| !alike).map(|(what, _)| *what)
}

/// A disagreement that is accepted: the messages, what it is, and why.
type Accepted = (&'static [&'static str], Opinion, &'static str);

const ACCEPTED: &[Accepted] = &[
    (
        &["4475-3_1_1_1", "4475-3_1_1_3", "4475-3_1_1_9", "4475-3_1_2_4"],
        Opinion::OursAlone,
        "folded lines: `rsip` knows none",
    ),
    (&["4475-3_1_1_7"], Opinion::OursAlone, "long headers, which `rsip` cannot take apart"),
    (
        &["4475-3_1_1_2", "4475-3_1_1_5", "4475-3_1_2_18"],
        Opinion::OursAlone,
        "any token may be a method (RFC 3261 section 7.1): `rsip` knows only those of its list",
    ),
    (
        &["4475-3_1_2_11", "4475-3_3_2"],
        Opinion::OursAlone,
        "a Request-URI that is not for us is read, and refused by 400 or 416: `rsip` gives up",
    ),
    (&["4475-3_1_2_16"], Opinion::OursAlone, "another version is read, and refused by 505"),
    (
        &[
            "5118-4_1",
            "5118-4_10",
            "5118-4_10b",
            "5118-4_2",
            "5118-4_3",
            "5118-4_4",
            "5118-4_5",
            "5118-4_5b",
            "5118-4_6",
            "5118-4_8",
            "nul-in-call-id",
        ],
        Opinion::OursAlone,
        "`rsip` takes a colon in an address of IPv6 for that before a port",
    ),
    (
        &["4475-3_1_2_2", "4475-3_1_2_3", "4475-3_3_9"],
        Opinion::TheirsAlone,
        "Content-Length says more than there is, less than nothing, or two things",
    ),
    (&["4475-3_1_1_8"], Opinion::Other("Call-ID"), "`rsip` does not know the compact name"),
];

#[test]
fn the_torture_messages_and_the_corpus_are_read_alike_but_for_what_is_written_down() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/message");
    let files = std::fs::read_dir(corpus).unwrap().map(|file| file.unwrap());
    let mut found: Vec<(String, Opinion)> = files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, opinion(&std::fs::read(file.path()).unwrap()))
        })
        .filter(|(_, opinion)| ![Opinion::Alike, Opinion::Neither].contains(opinion))
        .collect();
    found.sort();
    let mut accepted: Vec<(String, Opinion)> = ACCEPTED
        .iter()
        .flat_map(|(names, opinion, _)| names.iter().map(|name| ((*name).to_owned(), *opinion)))
        .collect();
    accepted.sort();
    let new: Vec<_> = found.iter().filter(|one| !accepted.contains(one)).collect();
    let gone: Vec<_> = accepted.iter().filter(|one| !found.contains(one)).collect();
    assert!(new.is_empty() && gone.is_empty(), "not accepted: {new:#?}\nno more: {gone:#?}");
}
