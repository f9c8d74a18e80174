//! A SIP phone small enough to be read, for what SIPp cannot tell: when exactly something came, and
//! what was heard.

use std::cell::RefCell;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media::{Codec, FRAME_SAMPLES, g711};
use rtp::{Header, Packet};
use sdp::Session;
use sip::{Message, Method, digest};
use tungstenite::WebSocket;
use tungstenite::client::IntoClientRequest as _;

/// How long an answer may take on a busy machine.
const ANSWER: Duration = Duration::from_secs(10);
/// One packet's audio.
const FRAME: Duration = Duration::from_millis(20);

/// What a phone's messages go over.
enum Line {
    Datagrams(UdpSocket),
    /// As a browser's do (RFC 7118).
    Web(RefCell<Box<WebSocket<TcpStream>>>),
}

impl Line {
    fn send(&self, bytes: &[u8], engine: SocketAddr) {
        match self {
            Self::Datagrams(socket) => drop(socket.send_to(bytes, engine).expect("it is sent")),
            Self::Web(web) => {
                let text = std::str::from_utf8(bytes).expect("it is text");
                web.borrow_mut().send(tungstenite::Message::text(text)).expect("it is sent");
            }
        }
    }

    /// The next message, if one comes within that time.
    fn receive(&self, within: Duration) -> Option<Message> {
        let bytes = match self {
            Self::Datagrams(socket) => {
                socket.set_read_timeout(Some(within)).expect("a time-out");
                let mut buffer = [0; 65_536];
                let (length, _) = socket.recv_from(&mut buffer).ok()?;
                buffer[..length].to_vec()
            }
            Self::Web(web) => {
                let mut web = web.borrow_mut();
                web.get_mut().set_read_timeout(Some(within)).expect("a time-out");
                web.read().ok()?.into_data().to_vec()
            }
        };
        Some(Message::parse(&bytes).expect("the engine speaks SIP"))
    }
}

/// A phone.
pub(crate) struct Phone {
    line: Line,
    media: UdpSocket,
    engine: SocketAddr,
    user: String,
    requests: u32,
    takes_options: bool,
}

/// A message and when it came.
pub(crate) struct Came {
    pub(crate) at: Instant,
    pub(crate) message: Message,
}

/// A call that this phone made and that was answered.
pub(crate) struct Dialled {
    answer: Message,
}

impl Phone {
    /// A phone of that number, on loopback.
    pub(crate) fn new(engine: SocketAddr, user: &str) -> Self {
        let open = || UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        let (line, media, user) = (Line::Datagrams(open()), open(), user.to_owned());
        Self { line, media, engine, user, requests: 0, takes_options: false }
    }

    /// The same over WebSocket, as the page at `origin`.
    pub(crate) fn over_web(engine: SocketAddr, origin: &str, user: &str) -> Self {
        let stream = TcpStream::connect(engine).expect("the engine listens");
        let mut request = format!("ws://{engine}/").into_client_request().expect("it is one");
        for (name, value) in [("Sec-WebSocket-Protocol", "sip"), ("Origin", origin)] {
            request.headers_mut().insert(name, value.parse().expect("it is one"));
        }
        let (web, _) = tungstenite::client(request, stream).expect("it is taken");
        let line = Line::Web(RefCell::new(Box::new(web)));
        Self { line, ..Self::new(engine, user) }
    }

    /// From now on it says, when it registers, that it takes OPTIONS: so it will be asked.
    pub(crate) fn taking_options(mut self) -> Self {
        self.takes_options = true;
        self
    }

    /// Where it is, as its Contact says; a browser does not know (RFC 7118 §5).
    fn address(&self) -> String {
        match &self.line {
            Line::Datagrams(socket) => socket.local_addr().expect("it is bound").to_string(),
            Line::Web(_) => format!("{}.invalid;transport=ws", self.user),
        }
    }

    /// The beginning of its Via.
    fn via(&self) -> String {
        match &self.line {
            Line::Datagrams(_) => format!("Via: SIP/2.0/UDP {}", self.address()),
            Line::Web(_) => format!("Via: SIP/2.0/WS {}.invalid", self.user),
        }
    }

    /// Sends whatever this is to the engine.
    pub(crate) fn send(&self, bytes: &[u8]) {
        self.line.send(bytes, self.engine);
    }

    /// The next message that `fits`; all others are passed over, but OPTIONS is answered.
    pub(crate) fn wait(&self, within: Duration, fits: impl Fn(&Message) -> bool) -> Option<Came> {
        let end = Instant::now() + within;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let Some(message) = self.line.receive(left) else { continue };
            let at = Instant::now();
            if fits(&message) {
                return Some(Came { at, message });
            }
            if message.is_request() && message.method() == Method::Options {
                self.respond(&message, "200 OK", "");
            }
        }
    }

    /// Is there for so long: answers OPTIONS, passes over all else.
    pub(crate) fn stay(&self, time: Duration) {
        drop(self.wait(time, |_| false));
    }

    /// The next request of that method; it must come.
    pub(crate) fn expect(&self, method: Method, within: Duration) -> Came {
        let came = self.wait(within, |message| message.is_request() && message.method() == method);
        came.unwrap_or_else(|| panic!("no {method:?} came to {} within {within:?}", self.user))
    }

    /// The final response to a request of that method; it must come.
    pub(crate) fn expect_final(&self, method: Method) -> Message {
        let came = self.wait(ANSWER, |message| {
            message.status().is_some_and(|status| status >= 200) && message.method() == method
        });
        came.unwrap_or_else(|| panic!("{method:?} was not answered")).message
    }

    /// Registers; tells the last status.
    pub(crate) fn register(&mut self, password: &str) -> u16 {
        let uri = format!("sip:{}", self.engine);
        let mut authorization = String::new();
        for count in 1..=2 {
            let (user, address) = (&self.user, self.address());
            let allow =
                if self.takes_options { "Allow: INVITE, ACK, BYE, OPTIONS\r\n" } else { "" };
            let more = format!(
                "Contact: <sip:{user}@{address}>\r\nExpires: 600\r\n{allow}{authorization}"
            );
            let request =
                self.request("REGISTER", &uri, &format!("<sip:{user}@hotline>"), &more, "");
            self.send(request.as_bytes());
            let answer = self.expect_final(Method::Register);
            if answer.status() != Some(401) || count == 2 {
                return answer.status().expect("a status");
            }
            let account = digest::Account {
                user: self.user.clone(),
                password: password.to_owned(),
                realm: None,
            };
            let challenges = answer.headers("WWW-Authenticate");
            let value = digest::answer(challenges, &account, Method::Register, &uri, 1, "0a4f113b");
            authorization = format!("Authorization: {}\r\n", value.expect("it can be answered"));
        }
        unreachable!("the second answer is final");
    }

    /// Calls a number; the answer, which is acknowledged.
    pub(crate) fn dial(&mut self, number: &str) -> Dialled {
        let own = self.sdp();
        self.dial_with(number, &own)
    }

    /// The same with a description of one's own.
    pub(crate) fn dial_with(&mut self, number: &str, description: &str) -> Dialled {
        let answer = self.invite(number, description);
        assert_eq!(answer.status(), Some(200), "{answer:?}");
        Dialled { answer }
    }

    /// Sends an INVITE with that body; the final response, which is acknowledged.
    pub(crate) fn invite(&mut self, number: &str, body: &str) -> Message {
        let uri = format!("sip:{number}@{}", self.engine);
        let contact = format!("Contact: <sip:{}@{}>\r\n", self.user, self.address());
        let invite = self.request("INVITE", &uri, &format!("<{uri}>"), &contact, body);
        self.send(invite.as_bytes());
        let answer = self.expect_final(Method::Invite);
        let via = if answer.status() == Some(200) {
            format!("{};branch=z9hG4bKack{}", self.via(), self.requests)
        } else {
            invite.lines().nth(1).expect("a Via").to_owned()
        };
        let ack = self.within(&answer, "ACK", &uri, &via, answer.cseq().map_or(1, |c| c.number));
        self.send(ack.as_bytes());
        answer
    }

    /// Ends a call that this phone made.
    pub(crate) fn hang_up(&mut self, call: &Dialled) {
        self.requests += 1;
        let to = call.answer.contacts().next().expect("a contact");
        let uri = to.without_params().trim_matches(['<', '>']).to_owned();
        let via = format!("{};branch=z9hG4bKbye{}", self.via(), self.requests);
        let bye = self.within(&call.answer, "BYE", &uri, &via, self.requests);
        self.send(bye.as_bytes());
        assert_eq!(self.expect_final(Method::Bye).status(), Some(200));
    }

    /// Ends a call that came to this phone.
    pub(crate) fn hang_up_taken(&mut self, invite: &Message) {
        self.requests += 1;
        let field = |name| invite.header(name).expect("it is there");
        let contact = invite.contacts().next().expect("a contact");
        let bye = format!(
            "BYE {} SIP/2.0\r\n{};branch=z9hG4bKbye{}\r\nMax-Forwards: 70\r\n\
             From: {};tag=phone{}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} BYE\r\n",
            contact.uri_text(),
            self.via(),
            self.requests,
            field("To"),
            self.user,
            field("From"),
            invite.call_id(),
            self.requests,
        );
        self.send(with_body(&bye, "").as_bytes());
        assert_eq!(self.expect_final(Method::Bye).status(), Some(200));
    }

    /// Answers a request, with a body where one is given.
    pub(crate) fn respond(&self, to: &Message, status: &str, body: &str) {
        let mut out = format!("SIP/2.0 {status}\r\n");
        for (name, value) in to.fields() {
            let repeated = ["Via", "From", "To", "Call-ID", "CSeq", "Record-Route"];
            if !repeated.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                continue;
            }
            let tag = name.eq_ignore_ascii_case("To") && !value.contains(";tag=");
            let tag = if tag { format!(";tag=phone{}", self.user) } else { String::new() };
            out.push_str(&format!("{name}: {value}{tag}\r\n"));
        }
        out.push_str(&format!("Contact: <sip:{}@{}>\r\n", self.user, self.address()));
        self.send(with_body(&out, body).as_bytes());
    }

    /// Answers an INVITE with 200 and takes its ACK.
    pub(crate) fn pick_up(&self, invite: &Message) {
        self.pick_up_with(invite, &self.sdp());
    }

    /// The same with a description of one's own.
    pub(crate) fn pick_up_with(&self, invite: &Message, description: &str) {
        self.respond(invite, "200 OK", description);
        self.expect(Method::Ack, ANSWER);
    }

    /// Where its media come and go, for those who do that themselves.
    pub(crate) fn media(&self) -> UdpSocket {
        self.media.try_clone().expect("a socket")
    }

    pub(crate) fn media_address(&self) -> SocketAddr {
        self.media.local_addr().expect("it is bound")
    }

    /// What this phone can.
    pub(crate) fn sdp(&self) -> String {
        let at = self.media.local_addr().expect("it is bound");
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n\
             a=rtpmap:101 telephone-event/8000\r\n",
            ip = at.ip(),
            port = at.port()
        )
    }

    /// Speaks into a call that this phone made, and listens.
    pub(crate) fn talk(&self, call: &Dialled, samples: &[i16]) -> Voice {
        self.talk_to(media_of(&call.answer), samples)
    }

    fn talk_to(&self, to: SocketAddr, samples: &[i16]) -> Voice {
        Voice::start(self.media.try_clone().expect("a socket"), to, samples)
    }

    /// Speaks into a call that came to this phone, and listens.
    pub(crate) fn answer_voice(&self, invite: &Message, samples: &[i16]) -> Voice {
        self.talk_to(media_of(invite), samples)
    }

    fn request(&mut self, method: &str, uri: &str, to: &str, more: &str, body: &str) -> String {
        self.requests += 1;
        let (user, number, via) = (&self.user, self.requests, self.via());
        let call = format!("{number}.{user}@{}", self.media.local_addr().expect("it is bound"));
        let head = format!(
            "{method} {uri} SIP/2.0\r\n{via};branch=z9hG4bK{number}.{user}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@hotline>;tag=t{number}\r\nTo: {to}\r\n\
             Call-ID: {call}\r\nCSeq: {number} {method}\r\n{more}"
        );
        with_body(&head, body)
    }

    /// A request of the dialog that `answer` made.
    fn within(&self, answer: &Message, method: &str, uri: &str, via: &str, cseq: u32) -> String {
        let field = |name| answer.header(name).expect("it is there");
        let head = format!(
            "{method} {uri} SIP/2.0\r\n{via}\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\n\
             Call-ID: {}\r\nCSeq: {cseq} {method}\r\n",
            field("From"),
            field("To"),
            answer.call_id()
        );
        with_body(&head, "")
    }
}

impl Dialled {
    /// Where the engine wants this call's RTP.
    pub(crate) fn media(&self) -> SocketAddr {
        media_of(&self.answer)
    }
}

fn with_body(head: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!("{head}{kind}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// Where the sender of that message wants RTP.
pub(crate) fn media_of(message: &Message) -> SocketAddr {
    let text = std::str::from_utf8(message.body()).expect("SDP is text");
    assert!(Session::parse(message.body()).is_ok(), "{text}");
    let of = |prefix| text.lines().find_map(|line: &str| line.strip_prefix(prefix));
    let port = of("m=audio ").and_then(|rest| rest.split(' ').next()).expect("a port");
    let address = of("c=IN IP4 ").expect("an address").trim();
    format!("{address}:{port}").parse().expect("an address")
}

/// Someone who speaks, over and over again, and listens.
pub(crate) struct Voice {
    stop: Arc<AtomicBool>,
    heard: Receiver<usize>,
    thread: JoinHandle<Vec<i16>>,
}

impl Voice {
    fn start(socket: UdpSocket, to: SocketAddr, samples: &[i16]) -> Self {
        let mut coded = vec![0; samples.len()];
        g711::encode(Codec::Pcma, samples, &mut coded);
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let (tell, heard) = channel();
        let thread = std::thread::spawn(move || talk(&socket, to, &coded, &flag, &tell));
        Self { stop, heard, thread }
    }

    /// Waits until so many more samples were heard.
    pub(crate) fn hear(&self, samples: usize) {
        let before: usize = self.heard.try_iter().sum();
        let mut more = 0;
        while more < samples {
            let frame = self.heard.recv_timeout(ANSWER);
            more += frame.unwrap_or_else(|_| panic!("silence after {before} + {more} samples"));
        }
    }

    /// Falls silent; what was heard.
    pub(crate) fn stop(self) -> Vec<i16> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("it did not panic")
    }
}

/// Sends a frame every 20 ms and keeps what comes meanwhile.
fn talk(
    socket: &UdpSocket,
    to: SocketAddr,
    coded: &[u8],
    stop: &AtomicBool,
    tell: &Sender<usize>,
) -> Vec<i16> {
    let mut heard = Vec::new();
    let (mut out, mut buffer) = ([0; 256], [0; 2048]);
    let mut next = Instant::now();
    let frames = coded.chunks_exact(FRAME_SAMPLES).cycle();
    for (number, frame) in frames.enumerate() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (sequence, timestamp) = (number as u16, (number * FRAME_SAMPLES) as u32);
        let header = Header { payload_type: 8, marker: number == 0, sequence, timestamp, ssrc: 77 };
        let length = header.write(frame, &mut out).expect("it fits");
        socket.send_to(&out[..length], to).expect("it is sent");
        next += FRAME;
        loop {
            let left = next.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            socket.set_read_timeout(Some(left)).expect("a time-out");
            let Ok((length, _)) = socket.recv_from(&mut buffer) else { break };
            let Ok(packet) = Packet::parse(&buffer[..length]) else { continue };
            if packet.header.payload_type == 8 {
                heard.extend(packet.payload.iter().map(|b| g711::decode_sample(Codec::Pcma, *b)));
                // Nobody may be waiting.
                let _ = tell.send(packet.payload.len());
            }
        }
    }
    heard
}
