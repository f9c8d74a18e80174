//! SIP over WebSocket (RFC 7118), in the clear and over TLS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use model::Transport;
use net::sip::{Listener, Tls, TlsFiles};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use sip::{ClientTx, FromBrain, Message, Method, RequestBuilder, ResponseBuilder, ToBrain};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::{Message as Told, WebSocket};

use crate::certificates::Authority;
use crate::stage::{Line, PATIENCE, Setting, Stage};

/// Where WebSockets are served on these stages.
const WEB: usize = 2;

fn setting(transport: Transport) -> Setting {
    let addr = "127.0.0.1:0".parse().unwrap();
    let listeners = vec![Listener { transport, addr, advertise: None }];
    Setting { listeners, ..Setting::default() }
}

fn address(stage: &Stage) -> SocketAddr {
    stage.workers.local_addrs()[WEB]
}

fn connect(stage: &Stage) -> TcpStream {
    let stream = TcpStream::connect(address(stage)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A browser, as far as WebSocket goes.
fn browser<S: Read + Write>(stream: S, scheme: &str) -> WebSocket<S> {
    let mut request = format!("{scheme}://localhost/").into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("Sec-WebSocket-Protocol", "sip".parse().unwrap());
    headers.insert("Origin", "https://desk.example".parse().unwrap());
    let (socket, response) = match tungstenite::client(request, stream) {
        Ok(opened) => opened,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "sip");
    socket
}

fn text(method: &str, call: &str) -> String {
    // RFC 7118 §5: a browser does not know its address.
    format!(
        "{method} sip:95512@localhost SIP/2.0\r\n\
         Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK{call};rport\r\n\
         From: <sip:8001@localhost>;tag=theirs\r\nTo: <sip:95512@localhost>\r\n\
         Call-ID: {call}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n\
         Contact: <sip:8001@df7jal23ls0d.invalid;transport=ws>\r\n\r\n"
    )
}

fn receive<S: Read + Write>(socket: &mut WebSocket<S>) -> Message {
    loop {
        match socket.read().unwrap() {
            Told::Text(text) => return Message::parse(text.as_bytes()).unwrap(),
            Told::Binary(bytes) => return Message::parse(&bytes).unwrap(),
            Told::Ping(_) | Told::Pong(_) | Told::Close(_) | Told::Frame(_) => {}
        }
    }
}

#[test]
fn each_message_is_a_frame_and_a_browser_is_called_on_its_own_connection() {
    let stage = Stage::with(setting(Transport::Ws));
    let mut phone = browser(connect(&stage), "ws");
    phone.send(Told::text(text("REGISTER", "a"))).unwrap();
    let (tx, request, flow) = stage.request();
    assert_eq!((flow.transport, request.call_id()), (Transport::Ws, "a"));
    stage.respond(tx, &request, 200);
    assert_eq!(receive(&mut phone).status(), Some(200));
    let invite = |number: u64| {
        let contact = "sip:8001@df7jal23ls0d.invalid;transport=ws";
        let message = RequestBuilder::new(Method::Options, contact)
            .from("<sip:95512@localhost>", "us")
            .to("<sip:8001@localhost>", None)
            .call_id(&format!("out{number}"))
            .cseq(1)
            .build();
        let tx = ClientTx::new(0, number);
        stage.workers.send(FromBrain::Request { tx, message, flow }).unwrap();
    };
    invite(1);
    let request = receive(&mut phone);
    assert_eq!((request.call_id(), request.top_via().unwrap().transport()), ("out1", "WS"));
    let answer = ResponseBuilder::to(&request, 200).to_tag("x").build();
    phone.send(Told::binary(answer.as_bytes().to_vec())).unwrap();
    assert!(matches!(stage.report(), ToBrain::Response { .. }));
    // RFC 7118 §5: nobody can connect to a browser. When it is gone, it is gone.
    phone.close(None).unwrap();
    assert!(matches!(stage.report(), ToBrain::FlowClosed { flow: gone } if gone == flow));
    invite(2);
    assert!(matches!(stage.report(), ToBrain::TransportFailed { tx } if tx.0 == 2));
}

#[test]
fn over_tls_it_is_the_same() {
    let authority = Authority::new();
    let ours = authority.sign("ours", &["localhost"]);
    let (certificate, key) = (ours.certificate, ours.key);
    // Browsers are not asked for certificates, which people would have to choose.
    let client_ca = Some(authority.root());
    let tls = Tls::load(TlsFiles { certificate, key, client_ca, server_ca: None }).unwrap();
    let stage = Stage::with(Setting { tls: Some(tls), ..setting(Transport::Wss) });
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority.root()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut phone = browser(rustls::StreamOwned::new(session, connect(&stage)), "wss");
    phone.send(Told::text(text("OPTIONS", "a"))).unwrap();
    let (tx, request, flow) = stage.request();
    assert_eq!(flow.transport, Transport::Wss);
    stage.respond(tx, &request, 200);
    assert_eq!(receive(&mut phone).status(), Some(200));
    let found = stage.workers.trace().find(&["a"]).unwrap().messages;
    assert_eq!(found[0].bytes, text("OPTIONS", "a").into_bytes(), "what was said");
}

#[test]
fn messages_in_pieces_are_whole_again_and_keep_alives_are_answered() {
    let stage = Stage::with(setting(Transport::Ws));
    let mut phone = browser(connect(&stage), "ws");
    let whole = text("OPTIONS", "pieces");
    let pieces: Vec<&str> = vec![&whole[..1], &whole[1..100], "", &whole[100..]];
    for (number, piece) in pieces.iter().enumerate() {
        let kind = if number == 0 { Data::Text } else { Data::Continue };
        let is_last = number + 1 == pieces.len();
        let frame = Frame::message(piece.as_bytes().to_vec(), OpCode::Data(kind), is_last);
        phone.send(Told::Frame(frame)).unwrap();
        // RFC 6455 §5.4: between the pieces of a message.
        phone.send(Told::Ping(vec![7; 3].into())).unwrap();
        assert_eq!(phone.read().unwrap(), Told::Pong(vec![7; 3].into()));
    }
    assert_eq!(stage.request().1.call_id(), "pieces");
    phone.send(Told::text("\r\n\r\n")).unwrap();
    assert_eq!(phone.read().unwrap(), Told::text("\r\n"));
}

#[test]
fn what_is_too_long_ends_the_connection_and_what_is_no_sip_does_not() {
    let stage = Stage::with(setting(Transport::Ws));
    let long = format!("{}\r\n{}", text("MESSAGE", "long").trim_end(), "x".repeat(70_000));
    let unmasked = b"\x81\x02hi".to_vec();
    let mut phone = browser(connect(&stage), "ws");
    phone.send(Told::text("hello")).unwrap();
    stage.counts(|counts| (counts.malformed, counts.connections) == (1, 1));
    // It may be closed before all of it is sent.
    let _ = phone.send(Told::text(long));
    while phone.read().is_ok() {}
    stage.counts(|counts| counts.malformed == 2 && counts.connections == 0);
    assert!(matches!(stage.report(), ToBrain::FlowClosed { .. }));
    let mut line = Line::over(connect(&stage));
    line.send(upgrade(&[]));
    line.send(unmasked);
    line.wait_for_end();
    stage.counts(|counts| counts.malformed == 3 && counts.connections == 0);
}

/// A request for the upgrade; `changes` replace whole lines, or take them away.
fn upgrade(changes: &[(&str, &str)]) -> String {
    let lines = [
        "GET / HTTP/1.1",
        "Host: localhost",
        "Upgrade: WebSocket",
        "Connection: keep-alive, Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: chat, sip",
        "Origin: https://desk.example",
    ];
    let changed = lines.map(|line| {
        let change = changes.iter().find(|(begin, _)| line.starts_with(begin));
        change.map_or(line, |(_, new)| new)
    });
    let kept: Vec<&str> = changed.into_iter().filter(|line| !line.is_empty()).collect();
    kept.join("\r\n") + "\r\n\r\n"
}

fn answer(stage: &Stage, request: &str) -> String {
    let mut stream = connect(stage);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
        answer.extend(byte);
    }
    String::from_utf8(answer).unwrap()
}

#[test]
fn the_upgrade_is_as_rfc_6455_says_and_nothing_else_is_taken() {
    let mut setting = setting(Transport::Ws);
    setting.ws_origins = vec!["https://desk.example".to_owned()];
    let stage = Stage::with(setting);
    let accepted = answer(&stage, &upgrade(&[]));
    assert!(accepted.starts_with("HTTP/1.1 101 "), "{accepted}");
    // The example of RFC 6455 §1.3.
    assert!(accepted.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    // Only browsers say where they come from.
    assert!(answer(&stage, &upgrade(&[("Origin", "")])).starts_with("HTTP/1.1 101 "));
    let long = format!("Host: {}", "x".repeat(9_000));
    for (begin, new, status) in [
        ("GET", "POST / HTTP/1.1", "405"),
        ("GET", "GET / HTTP/1.0", "400"),
        ("GET", "OPTIONS sip:h SIP/2.0", "400"),
        ("Host", "", "400"),
        ("Host", &long, "431"),
        ("Upgrade", "", "426"),
        ("Connection", "Connection: close", "426"),
        ("Sec-WebSocket-Key", "", "400"),
        ("Sec-WebSocket-Key", "Sec-WebSocket-Key: short", "400"),
        ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8", "426"),
        ("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: chat", "400"),
        ("Sec-WebSocket-Protocol", "", "400"),
        ("Origin", "Origin: https://evil.example", "403"),
    ] {
        let refused = answer(&stage, &upgrade(&[(begin, new)]));
        assert!(refused.starts_with(&format!("HTTP/1.1 {status} ")), "{begin} {new}: {refused}");
    }
    stage.counts(|counts| counts.malformed == 13);
}
