//! `rsip` reads plain messages as we do: an independent second opinion, where it can read at all
//! (it knows neither folding nor compact names nor a space before the colon).

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
