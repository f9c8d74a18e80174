//! RFC 4475 and RFC 5118 against the whole engine: each of their messages over a real socket gets
//! what its table says, from whichever part of the engine it is for, and the next OPTIONS is
//! answered at once.

#[path = "../../crates/net/tests/sip/torture/rows/mod.rs"]
mod rows;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use sip::{Frame, Framer, Message};

use crate::demo::Demo;
use rows::row::{Row, Stream, Wanted};
use rows::{rfc4475_invalid, rfc4475_layers, rfc4475_valid, rfc5118};

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// How soon the next OPTIONS is answered: how long the engine may work on a message and on the
/// OPTIONS after it.
const SOON: Duration = Duration::from_millis(100);
/// How long nobody says anything to what is dropped.
const SILENCE: Duration = Duration::from_millis(20);

/// Somebody who speaks to the engine.
enum Peer {
    Datagrams { socket: UdpSocket, engine: SocketAddr },
    Connection { stream: TcpStream, framer: Framer },
}

impl Peer {
    fn over(by: &str, engine: SocketAddr) -> Self {
        if by == "UDP" {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            return Self::Datagrams { socket, engine };
        }
        let stream = TcpStream::connect(engine).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::Connection { stream, framer: Framer::new() }
    }

    fn at(&self) -> SocketAddr {
        match self {
            Self::Datagrams { socket, .. } => socket.local_addr().unwrap(),
            Self::Connection { stream, .. } => stream.local_addr().unwrap(),
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        match self {
            Self::Datagrams { socket, engine } => drop(socket.send_to(bytes, *engine).unwrap()),
            Self::Connection { stream, .. } => stream.write_all(bytes).unwrap(),
        }
    }

    /// The first final response in that call, or in any but a probe's where it has no name.
    fn answer(&mut self, call: Option<&str>, within: Duration) -> Option<u16> {
        let end = Instant::now() + within;
        loop {
            let message = self.next(end)?;
            let fits = match call {
                Some(call) => message.call_id() == call,
                None => !message.call_id().starts_with("probe-"),
            };
            if let Some(status @ 200..) = message.status().filter(|_| fits) {
                return Some(status);
            }
        }
    }

    /// The next message, if one comes until then.
    fn next(&mut self, end: Instant) -> Option<Message> {
        let mut buffer = [0; 65_536];
        loop {
            if let Self::Connection { framer, .. } = self
                && let Some(Frame::Message(message)) = framer.next_frame().unwrap()
            {
                return Some(message);
            }
            let left = end.saturating_duration_since(Instant::now());
            let left = Some(left).filter(|left| !left.is_zero())?;
            match self {
                Self::Datagrams { socket, .. } => {
                    socket.set_read_timeout(Some(left)).unwrap();
                    if let Ok(length) = socket.recv(&mut buffer) {
                        return Some(Message::parse(&buffer[..length]).unwrap());
                    }
                }
                Self::Connection { stream, framer } => {
                    stream.set_read_timeout(Some(left)).unwrap();
                    match stream.read(&mut buffer) {
                        Ok(0) => return None,
                        Ok(length) => framer.feed(&buffer[..length]),
                        Err(_) => {}
                    }
                }
            }
        }
    }

    /// Whether the engine closes the connection.
    fn is_closed(&mut self) -> bool {
        let Self::Connection { stream, .. } = self else { return false };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut buffer = [0; 65_536];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
            }
        }
    }

    /// Asks whether the engine is there: the very next OPTIONS is answered.
    fn probe(&mut self, by: &str, number: usize) {
        let (at, call) = (self.at(), format!("probe-{number}"));
        let text = format!(
            "OPTIONS sip:95512@127.0.0.1 SIP/2.0\r\n\
             Via: SIP/2.0/{by} {at};branch=z9hG4bK{call};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:t@127.0.0.1>;tag=t\r\nTo: <sip:95512@127.0.0.1>\r\n\
             Call-ID: {call}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        self.send(text.as_bytes());
        assert_eq!(self.answer(Some(&call), PATIENCE), Some(200), "OPTIONS by {by}");
    }
}

/// How long all threads of the engine have worked so far. What it costs to answer is counted, not
/// how long this machine stood still or had its processors elsewhere meanwhile.
fn worked(engine: &Demo) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", engine.pid())).unwrap();
    // proc(5): after the name, which may contain anything, the 12th and 13th fields are the time
    // in user and kernel mode, in hundredths of a second.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks =
        fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// Whether who was to be served was heard and understood: refused for what was wanted, such as a
/// number that nobody has, and not for how it was said (RFC 3261 §21.4.1, §21.4.14, §21.4.15) or
/// because something broke (§21.5).
fn is_service(status: u16) -> bool {
    (200..500).contains(&status) && ![400, 416, 420].contains(&status)
}

fn fits(wanted: Wanted, status: Option<u16>) -> bool {
    match (wanted, status) {
        (Wanted::Served, Some(status)) => is_service(status),
        (Wanted::Refused(with), Some(status)) => with.contains(&status),
        (Wanted::Either(with), Some(status)) => is_service(status) || with.contains(&status),
        (Wanted::Dropped, None) => true,
        (Wanted::Dropped, Some(_))
        | (Wanted::Served | Wanted::Refused(_) | Wanted::Either(_), None) => false,
    }
}

/// Sends one message; what does not fit.
fn play(row: &Row, by: &str, number: usize, demo: &Demo) -> Option<String> {
    let mut peer = Peer::over(by, demo.sip);
    let bytes = row.bytes(&peer.at().to_string(), by);
    let before = worked(demo);
    peer.send(&bytes);
    // Over a stream, what is behind a message is one more, with an answer of its own.
    let read = Message::parse(&bytes).ok();
    let call = read.as_ref().map(Message::call_id).filter(|call| !call.is_empty());
    let stream = if by == "UDP" { Stream::Same } else { row.stream };
    let (wanted, closed) = match stream {
        Stream::Same => (row.wanted, true),
        Stream::Closed => (Wanted::Dropped, peer.is_closed()),
        Stream::Waits => (Wanted::Dropped, true),
    };
    let patience = if wanted == Wanted::Dropped { SILENCE } else { PATIENCE };
    let status = peer.answer(call, patience);
    if stream != Stream::Same {
        peer = Peer::over(by, demo.sip);
    }
    peer.probe(by, number);
    let took = worked(demo) - before;
    assert!(took <= SOON, "§{} {} over {by} and OPTIONS took {took:?}", row.section, row.what);
    let is_fine = closed && fits(wanted, status);
    let named = || format!("§{} {} over {by}: {status:?}, {closed}", row.section, row.what);
    (!is_fine).then(named)
}

fn play_all(by: &str) {
    let tables = [
        (rfc4475_valid::ROWS, 13),
        (rfc4475_invalid::ROWS, 19),
        (rfc4475_layers::ROWS, 17),
        (rfc5118::ROWS, 12),
    ];
    let mut demo = Demo::start();
    let (mut faults, mut played) = (Vec::new(), 0);
    for (rows, count) in tables {
        assert_eq!(rows.len(), count);
        for row in rows {
            played += 1;
            faults.extend(play(row, by, played, &demo));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(demo.is_up());
}

#[test]
fn rfc_4475_and_rfc_5118_messages_get_what_they_should_from_the_engine_over_udp() {
    play_all("UDP");
}

/// An engine of its own: on a second way the same requests would be merged ones (RFC 3261
/// §8.2.2.2).
#[test]
fn rfc_4475_and_rfc_5118_messages_get_what_they_should_from_the_engine_over_tcp() {
    play_all("TCP");
}
