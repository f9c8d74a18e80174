//! SIP over TLS, with OpenSSL's own client and server as the peers.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use model::Transport;
use net::sip::{Limits, Listener, Tls, TlsFiles};
use sip::{
    ClientTx, Flow, Frame, Framer, FromBrain, Message, Method, RequestBuilder, ResponseBuilder,
    ToBrain,
};

use crate::certificates::{Authority, Files};
use crate::stage::{Line, PATIENCE, Phone, Setting, Stage};

/// The TLS listener's number on these stages.
const TLS: u16 = 2;

pub(crate) fn tls(authority: &Authority, ours: &Files) -> Tls {
    Tls::load(TlsFiles {
        certificate: ours.certificate.clone(),
        key: ours.key.clone(),
        client_ca: Some(authority.root()),
        server_ca: Some(authority.root()),
    })
    .unwrap()
}

pub(crate) fn setting(tls: &Tls) -> Setting {
    let addr = "127.0.0.1:0".parse().unwrap();
    let listeners = vec![Listener { transport: Transport::Tls, addr, advertise: None }];
    Setting { listeners, tls: Some(tls.clone()), ..Setting::default() }
}

pub(crate) fn stage(authority: &Authority) -> Stage {
    Stage::with(setting(&tls(authority, &authority.sign("ours", &["localhost", "127.0.0.1"]))))
}

pub(crate) fn address(stage: &Stage) -> SocketAddr {
    stage.workers.local_addrs()[usize::from(TLS)]
}

/// `openssl s_client` or `s_server`: what goes in comes out at the other end, encrypted between.
pub(crate) struct OpenSsl {
    process: Child,
    framer: Framer,
}

impl OpenSsl {
    fn run(arguments: &[&str]) -> Self {
        let process = Command::new("openssl")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl is installed");
        Self { process, framer: Framer::new() }
    }

    /// Connects; the engine must prove that it is `name`.
    pub(crate) fn client(
        to: SocketAddr,
        roots: &Path,
        name: &str,
        certificate: Option<&Files>,
    ) -> Self {
        let (to, roots) = (to.to_string(), roots.display().to_string());
        let mut arguments =
            vec!["s_client", "-quiet", "-verify_return_error", "-connect", &to, "-CAfile", &roots];
        arguments.extend(["-verify_hostname", name]);
        let files = certificate.map(|files| [&files.certificate, &files.key]);
        let files = files.map(|files| files.map(|file| file.display().to_string()));
        if let Some([certificate, key]) = &files {
            arguments.extend(["-cert", certificate, "-key", key]);
        }
        Self::run(&arguments)
    }

    pub(crate) fn send(&mut self, text: impl AsRef<[u8]>) {
        self.process.stdin.as_mut().unwrap().write_all(text.as_ref()).unwrap();
    }

    pub(crate) fn receive(&mut self) -> Message {
        loop {
            match self.framer.next_frame().unwrap() {
                Some(Frame::Message(message)) => return message,
                Some(Frame::Malformed(_) | Frame::Ping) | None => {}
            }
            let mut buffer = [0; 4_096];
            let count = self.process.stdout.as_mut().unwrap().read(&mut buffer).unwrap();
            assert!(count > 0, "openssl has ended");
            self.framer.feed(&buffer[..count]);
        }
    }

    /// Reads until it ends.
    fn wait_for_end(mut self) -> String {
        let mut rest = String::new();
        self.process.stdout.as_mut().unwrap().read_to_string(&mut rest).unwrap();
        rest
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn options(call: &str) -> String {
    format!(
        "OPTIONS sip:95512@localhost SIP/2.0\r\n\
         Via: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bK{call};rport\r\n\
         From: <sip:caller@localhost>;tag=theirs\r\nTo: <sip:95512@localhost>\r\n\
         Call-ID: {call}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
}

pub(crate) fn ask(stage: &Stage, number: u64, remote: SocketAddr, uri: &str) {
    let message = RequestBuilder::new(Method::Options, uri)
        .from("<sip:95512@127.0.0.1>", "us")
        .to(&format!("<{uri}>"), None)
        .call_id(&format!("out{number}"))
        .cseq(1)
        .build();
    let local = address(stage);
    let flow = Flow { transport: Transport::Tls, local, remote, connection: 0, listener: TLS };
    let tx = ClientTx::new(0, number);
    stage.workers.send(FromBrain::Request { tx, message, flow }).unwrap();
}

#[test]
fn a_request_over_tls_is_answered_on_its_connection_and_one_of_ours_takes_it_too() {
    let authority = Authority::new();
    let stage = stage(&authority);
    let mut phone = OpenSsl::client(address(&stage), &authority.root(), "localhost", None);
    phone.send(options("a"));
    let (tx, request, flow) = stage.request();
    assert_eq!((flow.transport, flow.listener, request.call_id()), (Transport::Tls, TLS, "a"));
    assert!(request.peer_names().is_empty(), "it has proved no name");
    stage.respond(tx, &request, 200);
    assert_eq!(phone.receive().status(), Some(200));
    let message = RequestBuilder::new(Method::Options, "sip:phone@127.0.0.1")
        .from("<sip:95512@127.0.0.1>", "us")
        .to("<sip:phone@127.0.0.1>", None)
        .call_id("back")
        .cseq(1)
        .build();
    stage.workers.send(FromBrain::Request { tx: ClientTx::new(0, 1), message, flow }).unwrap();
    let request = phone.receive();
    let via = request.top_via().unwrap();
    assert_eq!((via.transport(), via.port()), ("TLS", Some(address(&stage).port())));
    phone.send(ResponseBuilder::to(&request, 200).to_tag("x").build());
    assert!(matches!(stage.report(), ToBrain::Response { .. }));
}

#[test]
fn a_certificate_of_ours_proves_its_names_and_a_strangers_opens_nothing() {
    let authority = Authority::new();
    let stage = stage(&authority);
    for (names, proved) in [
        (&["SIP.carrier.example", "b.example"][..], &["sip.carrier.example", "b.example"][..]),
        // RFC 5922 §7.1: a SIP URI without user says it, and DNS names do not count beside it.
        (&["sip:carrier.example", "sip:not@this.example", "www.example"], &["carrier.example"]),
    ] {
        let theirs = authority.sign("theirs", names);
        let root = authority.root();
        let mut carrier = OpenSsl::client(address(&stage), &root, "localhost", Some(&theirs));
        carrier.send(options(proved[0]));
        let (tx, request, _) = stage.request();
        assert_eq!(request.peer_names(), proved);
        stage.respond(tx, &request, 200);
        assert_eq!(carrier.receive().status(), Some(200));
        drop(carrier);
        assert!(matches!(stage.report(), ToBrain::FlowClosed { .. }));
    }
    let other = Authority::new();
    let strangers = other.sign("strangers", &["sip.carrier.example"]);
    let to = address(&stage);
    let mut stranger = OpenSsl::client(to, &authority.root(), "localhost", Some(&strangers));
    stranger.send(options("stranger"));
    assert_eq!(stranger.wait_for_end(), "");
    assert!(matches!(stage.report(), ToBrain::FlowClosed { .. }));
    stage.counts(|counts| counts.connections == 0 && counts.malformed == 1);
}

/// A server of OpenSSL's on a port that was free a moment ago.
fn server(files: &Files) -> (OpenSsl, SocketAddr) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let [certificate, key] =
        [&files.certificate, &files.key].map(|file| file.display().to_string());
    let accept = free.to_string();
    let arguments = ["s_server", "-quiet", "-accept", &accept, "-cert", &certificate, "-key", &key];
    let server = OpenSsl::run(&arguments);
    let deadline = std::time::Instant::now() + PATIENCE;
    // It serves one connection after the other; this one ends at once.
    while TcpStream::connect(free).is_err() {
        assert!(std::time::Instant::now() < deadline, "the server does not start");
        std::thread::yield_now();
    }
    (server, free)
}

#[test]
fn a_server_is_sent_requests_only_where_it_proves_the_name_that_is_called() {
    let authority = Authority::new();
    let stage = stage(&authority);
    let theirs = authority.sign("theirs", &["sip.carrier.example", "127.0.0.1"]);
    let (mut carrier, remote) = server(&theirs);
    for (number, host) in [(1, "other.example"), (2, "127.0.0.2")] {
        ask(&stage, number, remote, &format!("sip:95512@{host}"));
        let failed = stage.report();
        assert!(matches!(failed, ToBrain::TransportFailed { tx } if tx.0 == number), "{failed:?}");
        assert!(matches!(stage.report(), ToBrain::FlowClosed { .. }));
    }
    for (number, host) in [(3, "sip.carrier.example"), (4, "sip.carrier.example")] {
        ask(&stage, number, remote, &format!("sip:95512@{host}"));
        let request = carrier.receive();
        assert_eq!(request.call_id(), format!("out{number}"));
        carrier.send(ResponseBuilder::to(&request, 200).to_tag("x").build());
        assert!(matches!(stage.report(), ToBrain::Response { .. }));
    }
    assert_eq!(stage.counts(|counts| counts.connections == 1).connections, 1, "one for both");
    drop(carrier);
    assert!(matches!(stage.report(), ToBrain::FlowClosed { .. }));
    // An address is proved like a name.
    let (mut carrier, remote) = server(&theirs);
    ask(&stage, 5, remote, "sip:95512@127.0.0.1");
    assert_eq!(carrier.receive().call_id(), "out5");
}

#[test]
fn a_handshake_that_is_none_or_does_not_end_is_closed() {
    let authority = Authority::new();
    let tls = tls(&authority, &authority.sign("ours", &["localhost"]));
    let mut setting = setting(&tls);
    setting.limits = Limits { connection_open_ms: 100, ..Limits::default() };
    let stage = Stage::with(setting);
    let mut plain = Line::over(TcpStream::connect(address(&stage)).unwrap());
    plain.send("OPTIONS sip:h SIP/2.0\r\n");
    plain.wait_for_end();
    stage.counts(|counts| counts.malformed == 1);
    let mut silent = Line::over(TcpStream::connect(address(&stage)).unwrap());
    silent.wait_for_end();
    // The first bytes of a ClientHello, and nothing more.
    let mut slow = Line::over(TcpStream::connect(address(&stage)).unwrap());
    slow.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]);
    slow.wait_for_end();
    stage.counts(|counts| counts.connections == 0 && counts.connections_closed == 3);
}

#[test]
fn new_certificates_are_taken_without_a_restart_and_broken_ones_are_not() {
    let authority = Authority::new();
    let ours = authority.sign("ours", &["old.example"]);
    let tls = tls(&authority, &ours);
    let stage = Stage::with(setting(&tls));
    let is_named = |name: &str| {
        let mut phone = OpenSsl::client(address(&stage), &authority.root(), name, None);
        phone.send(options(name));
        match stage.report() {
            ToBrain::Request { tx, message, .. } => {
                stage.respond(tx, &message, 200);
                assert_eq!(phone.receive().status(), Some(200));
                drop(phone);
                assert!(matches!(stage.report(), ToBrain::FlowClosed { .. }));
                true
            }
            ToBrain::FlowClosed { .. } => false,
            other => panic!("{other:?}"),
        }
    };
    assert!(is_named("old.example"));
    authority.sign("ours", &["new.example"]);
    tls.reload().unwrap();
    assert!(is_named("new.example"));
    assert!(!is_named("old.example"), "the client turned away");
    std::fs::write(&ours.certificate, "nothing").unwrap();
    let error = tls.reload().unwrap_err().to_string();
    assert!(error.contains("ours.crt"), "{error}");
    assert!(is_named("new.example"), "what was read before goes on");
}

#[test]
fn keys_and_certificates_that_do_not_fit_are_refused_by_name() {
    let authority = Authority::new();
    let (one, other) = (authority.sign("one", &["a.example"]), authority.sign("other", &["b"]));
    let files = TlsFiles {
        certificate: one.certificate.clone(),
        key: other.key,
        client_ca: None,
        server_ca: None,
    };
    assert!(Tls::load(files.clone()).is_err(), "the key is another's");
    for file in [authority.root().with_file_name("nowhere"), authority.root()] {
        let error = Tls::load(TlsFiles { key: file.clone(), ..files.clone() }).unwrap_err();
        assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    }
    let setting = Setting {
        listeners: vec![Listener {
            transport: Transport::Wss,
            addr: "127.0.0.1:0".parse().unwrap(),
            advertise: None,
        }],
        ..Setting::default()
    };
    let error = Stage::try_with(setting).err().unwrap();
    assert!(error.to_string().contains("without certificate"), "{error}");
}

#[test]
fn the_trace_shows_what_was_said_and_not_what_was_sent() {
    let authority = Authority::new();
    let stage = stage(&authority);
    let mut phone = OpenSsl::client(address(&stage), &authority.root(), "localhost", None);
    phone.send(options("traced"));
    let (tx, request, _) = stage.request();
    stage.respond(tx, &request, 404);
    assert_eq!(phone.receive().status(), Some(404));
    let found = stage.workers.trace().find(&["traced"]).unwrap();
    let seen: Vec<_> = found.messages.iter().map(|one| one.transport).collect();
    assert_eq!(seen, [Transport::Tls; 2]);
}

#[test]
fn many_at_once_all_get_through_and_datagrams_do_not_wait_for_them() {
    let authority = Authority::new();
    let stage = stage(&authority);
    let mut phones: Vec<OpenSsl> = (0..24)
        .map(|number| {
            let root = authority.root();
            let mut phone = OpenSsl::client(address(&stage), &root, "localhost", None);
            phone.send(options(&format!("many{number}")));
            phone
        })
        .collect();
    let udp = Phone::new(&stage);
    udp.send(&udp.text("OPTIONS", "datagram", "d"));
    for _ in 0..25 {
        let (tx, request, _) = stage.request();
        stage.respond(tx, &request, 200);
    }
    assert_eq!(udp.receive().call_id(), "datagram");
    for phone in &mut phones {
        assert_eq!(phone.receive().status(), Some(200));
    }
}
