//! Reading and writing are each other's inverse, and nothing that comes in can break the reader.

use proptest::prelude::*;
use sip::{
    Frame, Framer, Message, Method, Name, NameAddr, RequestBuilder, ResponseBuilder, Uri, Via,
    validate,
};

const INVITE: &[u8] = b"INVITE sip:95512@h;user=phone SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK77;rport, SIP/2.0/TCP p;branch=z9hG4bK1\r\n\
    From: \"Zhang \\\"San\\\"\" <sip:13800138000@h>;tag=1c\r\n\
    To: <sip:95512@h>\r\n\
    Call-ID: a84b4c76e66710\r\n\
    CSeq: 314159 INVITE\r\n\
    Subject: folded\r\n  over\r\n\tlines\r\n\
    m: <sip:13800138000@192.0.2.1:5060;ob>;expires=60\r\n\
    Authorization: Digest username=\"a\", realm=\"h\", nonce=\"x,y\", uri=\"sip:h\",\r\n \
    response=\"0\"\r\n\
    Content-Type: multipart/mixed;boundary=b\r\n\
    Content-Length: 50\r\n\r\n\
    --b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n";

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        Just(Method::Invite),
        Just(Method::Bye),
        Just(Method::Options),
        Just(Method::Register),
        Just(Method::Info),
    ]
}

/// Text of a header: anything that people type, and what tries to break out.
fn value() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,40}", "\\PC{0,20}", "[a-z\r\n\t ,;<>\"]{0,20}"]
}

/// Everything that a message can be asked.
fn read_everything(message: &Message) {
    let _ = (message.kind(), message.method(), message.cseq(), message.call_id());
    let _ = (message.top_via(), message.content_type(), message.sdp(), message.max_forwards());
    let addresses = [message.from(), message.to()].into_iter().flatten();
    for address in addresses.chain(message.contacts()).chain(message.routes()) {
        let _ = (address.display(), address.tag(), address.without_params());
        if let Some(uri) = address.uri() {
            let _ = (uri.user_decoded(), uri.socket_addr(), uri.is_equivalent(&uri));
            let _ = (uri.params().iter().count(), uri.headers());
        }
    }
    for via in message.vias() {
        let _ = (via.branch(), via.received(), via.rport(), via.unique_branch());
    }
    for (name, _) in message.fields() {
        assert!(message.headers(name).count() < 70_000);
    }
    if message.is_request() {
        let refusal = validate(message).err();
        let answer = refusal.map(|refusal| refusal.response(message, "t"));
        let answer = answer.unwrap_or_else(|| ResponseBuilder::to(message, 200).build());
        assert!(Message::parse(answer.as_bytes()).is_ok());
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        method in method(),
        call_id in "[a-z0-9@.-]{1,30}",
        cseq in 0u32..0x7fff_ffff,
        headers in prop::collection::vec(("[A-Za-z][A-Za-z0-9-]{0,20}", value()), 0..12),
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let request = headers
            .iter()
            .fold(
                RequestBuilder::new(method, "sip:a@h")
                    .from("<sip:b@h>", "tag")
                    .to("<sip:a@h>", None)
                    .call_id(&call_id)
                    .cseq(cseq),
                |request, (name, value)| request.header(&format!("X-{name}"), value),
            )
            .body("application/octet-stream", &body)
            .build();
        let again = Message::parse(request.as_bytes()).unwrap();
        prop_assert_eq!(again.defect(), None);
        prop_assert_eq!(again.body(), &body[..]);
        prop_assert_eq!(again.call_id(), &call_id);
        prop_assert_eq!(again.cseq().unwrap().number, cseq);
        prop_assert_eq!(again.method(), method);
        prop_assert_eq!(again.fields().count(), headers.len() + 7);
        for (one, other) in request.fields().zip(again.fields()) {
            prop_assert_eq!((one.0, one.1.trim()), (other.0, other.1.trim()));
        }
        let twice = Message::parse(again.as_bytes()).unwrap();
        prop_assert!(twice.fields().eq(again.fields()));
        let response = ResponseBuilder::to(&again, 180).to_tag("x").build();
        let response = Message::parse(response.as_bytes()).unwrap();
        prop_assert_eq!(response.cseq(), again.cseq());
        prop_assert_eq!(response.to().unwrap().tag(), Some("x"));
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(message) = Message::parse(&bytes) {
            read_everything(&message);
        }
    }

    #[test]
    fn no_edit_and_no_cut_breaks_the_reader(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
        grow in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut bytes = INVITE.to_vec();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for at in grow {
            let at = at.index(bytes.len());
            let tail = bytes[at..].to_vec();
            bytes.extend(tail);
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        if let Ok(message) = Message::parse(&bytes) {
            read_everything(&message);
            // What was read once is read the same again.
            let again = Message::parse(message.as_bytes()).unwrap();
            prop_assert!(message.fields().eq(again.fields()));
            prop_assert_eq!(message.kind(), again.kind());
        }
    }

    #[test]
    fn no_text_breaks_a_view(
        text in "\\PC{0,60}",
        mixed in "[a-z:;@<>\"\\\\,=?%\\[\\] 0-9/.]{0,60}",
    ) {
        for text in [text.as_str(), mixed.as_str()] {
            let _ = Uri::parse(text).map(|uri| (uri.socket_addr(), uri.user_decoded().len()));
            let _ = Via::parse(text).map(|via| via.params().iter().count());
            let _ = NameAddr::parse(text).map(|address| address.display().len());
        }
    }

    #[test]
    fn a_stream_is_cut_into_the_same_messages_wherever_it_breaks(
        pieces in prop::collection::vec(1usize..400, 1..40),
        noise in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut stream = INVITE.repeat(3);
        stream.extend(&noise);
        let mut whole = Framer::new();
        whole.feed(&stream);
        let mut wanted = Vec::new();
        while let Ok(Some(frame)) = whole.next_frame() {
            wanted.push(frame);
        }
        let (mut framer, mut frames, mut at) = (Framer::new(), Vec::new(), 0usize);
        for size in pieces.into_iter().chain([usize::MAX]) {
            let end = at.saturating_add(size).min(stream.len());
            framer.feed(&stream[at..end]);
            at = end;
            while let Ok(Some(frame)) = framer.next_frame() {
                frames.push(frame);
            }
        }
        prop_assert!(frames.len() >= 3);
        prop_assert_eq!(frames, wanted);
    }
}

#[test]
fn the_sample_itself_is_whole() {
    let message = Message::parse(INVITE).unwrap();
    assert_eq!((message.defect(), validate(&message)), (None, Ok(())));
    assert_eq!(message.sdp(), Some(&b"v=0"[..]));
    assert_eq!(message.all(Name::Via).count(), 2);
    let mut framer = Framer::new();
    framer.feed(INVITE);
    assert!(matches!(framer.next_frame(), Ok(Some(Frame::Message(same))) if same == message));
}
