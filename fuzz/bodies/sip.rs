//! What holds for any bytes that come as SIP, whatever they are. Shared by the fuzz targets and the
//! room's replay of their corpora.

use std::net::SocketAddr;

use model::{Mono, Transport};
use sip::digest::{Account, Algorithm, Authenticator, Secrets, Verdict};
use sip::{
    Dialog, DialogId, Flow, Frame, Framer, MAX_HEAD_BYTES, MAX_HEADERS, MAX_MESSAGE_BYTES, Message,
    NameAddr, Registrar, RegistrarConfig, ResponseBuilder, Uri, Via, validate,
};

pub(crate) fn flow() -> Flow {
    Flow {
        transport: Transport::Udp,
        local: SocketAddr::from(([192, 0, 2, 1], 5060)),
        remote: SocketAddr::from(([198, 51, 100, 9], 5060)),
        connection: 0,
        listener: 0,
    }
}

/// Everything that a message can be asked has an answer, and what was read once is read the same
/// again.
pub(crate) fn message(data: &[u8]) {
    let Ok(message) = Message::parse(data) else { return };
    assert!(message.as_bytes().len() <= data.len());
    assert!(message.fields().count() <= MAX_HEADERS);
    read_everything(&message);
    let again = Message::parse(message.as_bytes()).expect("it was read before");
    assert_eq!(again.kind(), message.kind());
    assert!(again.fields().eq(message.fields()));
    assert_eq!((again.body(), again.defect()), (message.body(), message.defect()));
    if message.is_request() {
        let verdict = validate(&message);
        let answer = match &verdict {
            Err(refusal) => {
                assert!((400..=699).contains(&refusal.status));
                refusal.response(&message, "t")
            }
            Ok(()) => ResponseBuilder::to(&message, 200).to_tag("t").contact("<sip:a@h>").build(),
        };
        let read = Message::parse(answer.as_bytes()).expect("we write what can be read");
        assert_eq!(read.status(), answer.status());
        if verdict.is_ok() {
            assert_eq!((read.call_id(), read.cseq()), (message.call_id(), message.cseq()));
            in_dialog(&message, &answer);
        }
    } else {
        let _ = Dialog::uac(&message, &message, &flow());
    }
}

/// A dialog that came out of it can be used and written down.
fn in_dialog(request: &Message, response: &Message) {
    let Some(mut dialog) = Dialog::uas(request, response, &flow()) else { return };
    let bye = dialog.bye().build();
    let read = Message::parse(bye.as_bytes()).expect("we write what can be read");
    assert_eq!(read.call_id(), request.call_id());
    let snapshot = dialog.snapshot(1);
    assert_eq!(Dialog::from_snapshot(&snapshot).id(), dialog.id());
    let _ = dialog.accept_request(request);
}

fn read_everything(message: &Message) {
    let _ = (message.method(), message.method_text(), message.cseq());
    let _ = (message.content_type(), message.sdp(), message.max_forwards(), message.flow());
    let _ = (message.part("application/sdp"), DialogId::of_request(message));
    let _ = DialogId::of_response(message);
    let addresses = [message.from(), message.to()].into_iter().flatten();
    let lists = message.contacts().chain(message.routes()).chain(message.record_routes());
    addresses.chain(lists).for_each(|address| read_address(&address));
    for via in message.vias() {
        let _ = (via.branch(), via.received(), via.rport(), via.unique_branch(), via.ip());
        let _ = via.response_addr(flow().remote);
    }
    for (name, _) in message.fields() {
        assert!(message.headers(name).map(str::len).sum::<usize>() <= message.as_bytes().len());
    }
}

fn read_address(address: &NameAddr<'_>) {
    let _ = (address.display(), address.tag(), address.without_params());
    assert!(address.params().iter().count() <= MAX_MESSAGE_BYTES);
    address.uri().iter().for_each(read_uri);
}

fn read_uri(uri: &Uri<'_>) {
    let _ = (uri.user_decoded(), uri.socket_addr(), uri.ip(), uri.headers());
    assert!(uri.is_equivalent(uri), "a URI is itself: {uri}");
    let printed = uri.to_string();
    let again = Uri::parse(&printed).expect("it prints as it reads");
    assert!(again.is_equivalent(uri) && again.to_string() == printed);
}

/// However a stream breaks into pieces, the same frames come out of it and little is held. The
/// first byte says how it breaks.
pub(crate) fn framer(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else { return };
    let (mut whole, mut wanted) = (Framer::new(), Vec::new());
    whole.feed(stream);
    let wanted_end = frames(&mut whole, &mut wanted);
    let (mut framer, mut came, mut end) = (Framer::new(), Vec::new(), Ok(()));
    for piece in stream.chunks(usize::from(*size) + 1) {
        framer.feed(piece);
        end = frames(&mut framer, &mut came);
        if end.is_err() {
            break;
        }
        let held = framer.pending();
        assert!(held <= MAX_MESSAGE_BYTES.max(MAX_HEAD_BYTES) + piece.len(), "{held} bytes");
    }
    // Where a stream is given up may differ by what had come by then; that it is may not.
    assert_eq!(end.is_err(), wanted_end.is_err());
    assert_eq!(came, wanted);
}

fn frames(framer: &mut Framer, out: &mut Vec<Frame>) -> Result<(), sip::FramingError> {
    while let Some(frame) = framer.next_frame()? {
        out.push(frame);
    }
    Ok(())
}

/// Views of what is text.
pub(crate) fn uri(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    Uri::parse(&text).iter().for_each(read_uri);
    NameAddr::parse(&text).iter().for_each(read_address);
    if let Some(via) = Via::parse(&text) {
        let _ = (via.received(), via.rport(), via.params().iter().count());
    }
    let _ = sip::CSeq::parse(&text);
}

/// Nobody gets in by credentials that were made up, and no challenge makes us say our password.
pub(crate) fn digest(data: &[u8]) {
    let text = String::from_utf8_lossy(data).replace(['\r', '\n', '\0'], " ");
    let mut authenticator = Authenticator::new("hotline", [7; 32], 60_000);
    let algorithms = [Algorithm::Sha256, Algorithm::Md5];
    let secrets = Secrets::from_password(&algorithms, "8001", "hotline", "correct horse");
    let request = sip::RequestBuilder::new(sip::Method::Register, "sip:hotline")
        .from("<sip:8001@hotline>", "a")
        .to("<sip:8001@hotline>", None)
        .call_id("c")
        .cseq(1)
        .header("Authorization", &text)
        .build();
    let _ = authenticator.claimed_user(&request);
    for secrets in [Some(&secrets), None] {
        let verdict = authenticator.verify(&request, secrets, Mono::from_ms(5));
        assert!(matches!(verdict, Verdict::Missing | Verdict::Refused), "{verdict:?}");
    }
    let account = Account {
        user: "8001".to_owned(),
        password: "correct horse".to_owned(),
        realm: Some("hotline".to_owned()),
    };
    let challenges = std::iter::once(text.as_str());
    let said = sip::digest::answer(
        challenges,
        &account,
        sip::Method::Register,
        "sip:hotline",
        1,
        "0a4f113b",
    );
    if let Some(said) = said {
        assert!(text.contains("hotline") && !said.contains("correct horse"));
    }
}

/// What hides keeps every length and every line, and hiding again uncovers nothing.
pub(crate) fn conceal(data: &[u8]) {
    for hide in [sip::hide_secrets, sip::hide_personal] {
        let mut once = data.to_vec();
        hide(&mut once);
        assert_eq!(once.len(), data.len());
        let mut twice = once.clone();
        hide(&mut twice);
        assert!(data.iter().zip(&once).all(|(byte, hidden)| byte == hidden || *hidden == b'*'));
        assert!(once.iter().zip(&twice).all(|(one, two)| one == two || *two == b'*'));
    }
}

/// Requests one after the other, each as a REGISTER of the same user: whatever they ask for, the
/// limits hold, every answer can be read, and in the end every binding has run out.
pub(crate) fn registrar(data: &[u8]) {
    // Short lives: each phone is asked every few seconds of its time.
    let config = RegistrarConfig {
        default_expiry_s: 90,
        max_expiry_s: 120,
        max_bindings: 16,
        max_contacts: 3,
        ..RegistrarConfig::default()
    };
    let mut registrar = Registrar::new(config);
    let mut now = Mono::from_ms(1);
    for (number, headers) in (1u32..).zip(data.split(|byte| *byte == 0)).take(64) {
        let head = format!(
            "REGISTER sip:hotline SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{number}\r\n\
             From: <sip:8001@h>;tag=1\r\nTo: <sip:8001@h>\r\nCall-ID: c\r\n\
             CSeq: {number} REGISTER\r\n"
        );
        let bytes = [head.as_bytes(), headers, b"\r\n\r\n"].concat();
        let Ok(request) = Message::parse(&bytes) else { continue };
        if validate(&request).is_err() {
            continue;
        }
        let answer =
            registrar.handle_register("8001", &request.with_flow(flow()), flow(), "t", now);
        let read = Message::parse(answer.as_bytes()).expect("we write what can be read");
        assert!(read.status().is_some_and(|status| status >= 200));
        assert!(registrar.bindings("8001").len() <= 3 && registrar.len() <= 16);
        while registrar.poll_output().is_some() {}
        now = Mono(now.0 + 1_000_000_000);
    }
    let mut steps = 0;
    while let Some((at, _)) = registrar.poll_timeout() {
        now = now.max(at);
        registrar.handle_timeout(now);
        while registrar.poll_output().is_some() {}
        steps += 1;
        assert!(steps < 10_000, "it never ends");
    }
    assert!(registrar.is_empty(), "a binding outlives its time");
}
