//! What comes out of a channel does not depend on how the bytes were cut, and nothing that is put
//! into one panics or is kept without bound.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, OnceLock};

use proptest::prelude::*;
use rustls::pki_types::ServerName;

use super::*;
use crate::sip::certificates::Authority;
use crate::sip::tls::{Tls, TlsFiles};

const BACKLOG: usize = 1 << 20;
const BYE: &str = "BYE sip:h SIP/2.0\r\nCSeq: 1 BYE\r\nContent-Length: 4\r\n\r\nbody";
const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Protocol: sip\r\n\r\n";

/// Made once: keys take time.
fn tls() -> &'static (Authority, Tls) {
    static TLS: OnceLock<(Authority, Tls)> = OnceLock::new();
    TLS.get_or_init(|| {
        let authority = Authority::new();
        let ours = authority.sign("ours", &["localhost"]);
        let (certificate, key) = (ours.certificate, ours.key);
        let server_ca = Some(authority.root());
        let tls = Tls::load(TlsFiles { certificate, key, client_ca: None, server_ca }).unwrap();
        (authority, tls)
    })
}

fn channel(transport: Transport) -> Channel {
    let contexts = tls().1.contexts();
    Channel::accepted(transport, Some(&contexts), &Origins::default(), BACKLOG).unwrap()
}

/// A frame of a browser: masked, so with a key of its own.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let key = [1, 2, 3, 4];
    let mut frame = vec![0x80 | opcode];
    match u16::try_from(payload.len()).unwrap() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend(key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// Puts the pieces in until it is given up: the bodies that came out, and what is to leave.
fn feed<'a>(
    channel: &mut Channel,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<Vec<u8>>, VecDeque<u8>, Result<(), Broken>) {
    let (mut bodies, mut wire) = (Vec::new(), VecDeque::new());
    for piece in pieces {
        let outcome = channel.receive(piece, &mut wire, &mut |came| {
            bodies.push(match came {
                Came::Message(message) => message.body().to_vec(),
                Came::Malformed(bytes) => bytes,
            });
        });
        if outcome.is_err() {
            return (bodies, wire, outcome);
        }
    }
    (bodies, wire, Ok(()))
}

fn web_stream() -> Vec<u8> {
    let mut stream = UPGRADE.as_bytes().to_vec();
    stream.extend(frame(1, BYE.as_bytes()));
    stream.extend(frame(9, b"ping"));
    stream.extend(frame(2, BYE.replace("body", &"x".repeat(400)).as_bytes()));
    stream.extend(frame(1, b"\r\n\r\n"));
    stream
}

#[test]
fn a_websocket_cut_anywhere_says_the_same() {
    let stream = web_stream();
    let whole = feed(&mut channel(Transport::Ws), [stream.as_slice()].into_iter());
    assert_eq!((whole.0.len(), &whole.0[0][..], whole.2), (2, &b"body"[..], Ok(())));
    for size in [1, 2, 3, 7, 50, 127, 300] {
        let mut cut = channel(Transport::Ws);
        assert_eq!(feed(&mut cut, stream.chunks(size)), whole, "cut at {size}");
        assert!(cut.is_open() && !cut.holds_part());
        let begun = feed(&mut cut, [&frame(1, BYE.as_bytes())[..20]].into_iter());
        assert_eq!(begun.2, Ok(()));
        assert!(cut.holds_part(), "the rest is missing");
    }
}

/// A client of TLS over memory.
struct Client(rustls::ClientConnection);

impl Client {
    fn new() -> Self {
        let config = Arc::clone(&tls().1.contexts().outgoing);
        let name = ServerName::try_from("localhost").unwrap();
        Self(rustls::ClientConnection::new(config, name).unwrap())
    }

    /// What it has to say.
    fn told(&mut self) -> Vec<u8> {
        let mut wire = Vec::new();
        while self.0.wants_write() {
            self.0.write_tls(&mut wire).unwrap();
        }
        wire
    }

    fn hear(&mut self, wire: &mut VecDeque<u8>) {
        while !wire.is_empty() {
            self.0.read_tls(wire).unwrap();
            self.0.process_new_packets().unwrap();
        }
    }

    /// Shakes hands with the channel, in pieces of `size`.
    fn open(&mut self, channel: &mut Channel, size: usize) {
        for _ in 0..10 {
            let told = self.told();
            let (_, mut wire, outcome) = feed(channel, told.chunks(size));
            assert_eq!(outcome, Ok(()));
            self.hear(&mut wire);
            if channel.is_open() && !self.0.is_handshaking() && !self.0.wants_write() {
                return;
            }
        }
        panic!("the handshake does not end");
    }
}

#[test]
fn tls_cut_anywhere_says_the_same_and_answers_are_encrypted() {
    for (transport, stream) in [
        (Transport::Tls, format!("{BYE}\r\n\r\n{BYE}").into_bytes()),
        (Transport::Wss, web_stream()),
    ] {
        for size in [1, 5, 100, 4_096] {
            let (mut client, mut channel) = (Client::new(), channel(transport));
            // RFC 7118: hands are shaken twice.
            if transport == Transport::Tls {
                client.open(&mut channel, size);
            } else {
                let (_, mut wire, _) = feed(&mut channel, client.told().chunks(size));
                client.hear(&mut wire);
            }
            client.0.writer().write_all(&stream).unwrap();
            let (bodies, mut wire, outcome) = feed(&mut channel, client.told().chunks(size));
            assert_eq!((bodies.len(), outcome), (2, Ok(())), "{transport:?} {size}");
            let sent: Vec<u8> = wire.iter().copied().collect();
            assert!(sent.windows(4).all(|four| four != b"\r\n\r\n"));
            let mut answer = vec![0; 1_000];
            client.hear(&mut wire);
            let count = client.0.reader().read(&mut answer).unwrap();
            assert!(count > 0 && channel.is_open());
        }
    }
}

#[test]
fn a_goodbye_is_said_in_every_language() {
    let mut wire = VecDeque::new();
    let (mut client, mut secure) = (Client::new(), channel(Transport::Tls));
    client.open(&mut secure, 4_096);
    secure.close(&mut wire);
    client.hear(&mut wire);
    let mut nothing = [0; 10];
    assert_eq!(client.0.reader().read(&mut nothing).unwrap(), 0, "it was closed, not cut off");
    let mut web = channel(Transport::Ws);
    assert_eq!(feed(&mut web, [UPGRADE.as_bytes()].into_iter()).2, Ok(()));
    web.close(&mut wire);
    assert_eq!(wire.iter().copied().collect::<Vec<u8>>(), [0x88, 0]);
}

#[test]
fn what_waits_for_a_handshake_is_bounded() {
    let contexts = tls().1.contexts();
    let message = vec![b'x'; 10_000];
    let connected = Channel::connected(Transport::Tls, Some(&contexts), Some("localhost"), 100_000);
    let (mut channel, mut wire) = (connected.unwrap(), VecDeque::new());
    let taken = (0..100).take_while(|_| channel.send(&message, &mut wire).is_ok()).count();
    assert_eq!(taken, 10);
    for (transport, host) in [(Transport::Tls, None), (Transport::Wss, Some("h"))] {
        assert!(Channel::connected(transport, Some(&contexts), host, BACKLOG).is_none());
    }
    assert!(Channel::connected(Transport::Tls, None, Some("h"), BACKLOG).is_none());
    assert!(Channel::accepted(Transport::Wss, None, &Origins::default(), BACKLOG).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn noise_breaks_nothing(
        which in 0..4_usize,
        head in 0..400_usize,
        noise in proptest::collection::vec(any::<u8>(), 0..600),
        size in 1..700_usize,
    ) {
        let transport = [Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss][which];
        let begin = match transport {
            Transport::Ws => web_stream(),
            Transport::Tcp => BYE.as_bytes().to_vec(),
            Transport::Tls | Transport::Wss | Transport::Udp => Client::new().told(),
        };
        let mut stream = begin[..head.min(begin.len())].to_vec();
        stream.extend(noise);
        let mut channel = channel(transport);
        let (bodies, wire, outcome) = feed(&mut channel, stream.chunks(size));
        prop_assert!(bodies.len() <= 3 && wire.len() < 8_192);
        if outcome == Err(Broken::Refused) {
            prop_assert!(channel.take_fault().len() <= MALFORMED_CUT);
        }
    }

    #[test]
    fn changed_bytes_break_nothing(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        size in 1..700_usize,
    ) {
        let mut stream = web_stream();
        for (place, byte) in changes {
            let place = place.index(stream.len());
            stream[place] = byte;
        }
        let (_, wire, _) = feed(&mut channel(Transport::Ws), stream.chunks(size));
        prop_assert!(wire.len() < 8_192);
    }
}
