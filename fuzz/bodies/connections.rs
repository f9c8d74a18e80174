//! What holds for any bytes that come over a connection. Shared by the fuzz targets and the room's
//! replay of their corpora; whoever includes it has `certificates` beside it.

use std::collections::VecDeque;
use std::sync::OnceLock;

use model::Transport;
use net::sip::{Framing, Tls, TlsFiles};
use sip::{MAX_MESSAGE_BYTES, Message};

use crate::certificates::Authority;

/// What a browser says first.
const UPGRADE: &[u8] =
    b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Protocol: sip\r\n\r\n";
/// What we may say beside as many bytes as came: an upgrade or its refusal, or a handshake.
const ANSWERS_MAX: usize = 16 * 1024;

/// What came out of a side: the messages as they read, and whether it goes on.
type Came = (Vec<Vec<u8>>, bool);

fn feed<'a>(side: &mut Framing, pieces: impl Iterator<Item = &'a [u8]>) -> (Came, VecDeque<u8>) {
    let (mut messages, mut wire) = (Vec::new(), VecDeque::new());
    for piece in pieces {
        let mut out = |message: Message| messages.push(message.as_bytes().to_vec());
        if side.receive(piece, &mut wire, &mut out).is_err() {
            return ((messages, false), wire);
        }
    }
    ((messages, true), wire)
}

fn side(transport: Transport) -> Framing {
    Framing::accepted(transport, Some(tls())).expect("it has certificates")
}

/// However a WebSocket breaks into pieces, the same messages come out of it, and no more is said
/// than was heard. The first byte says how it breaks; its highest bit, that a browser has upgraded
/// it.
pub(crate) fn websocket(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let begin = if first & 0x80 == 0 { &[][..] } else { UPGRADE };
    let (size, stream) = (usize::from(first & 0x7f) + 1, [begin, rest].concat());
    let (whole, said) = feed(&mut side(Transport::Ws), [stream.as_slice()].into_iter());
    let mut cut = side(Transport::Ws);
    assert_eq!(feed(&mut cut, stream.chunks(size)), (whole.clone(), said.clone()));
    assert!(said.len() <= ANSWERS_MAX + stream.len());
    assert!(whole.0.iter().all(|message| message.len() <= MAX_MESSAGE_BYTES));
    assert!(whole.0.is_empty() || cut.is_open(), "nobody is heard before the upgrade");
}

/// Certificates of one authority: keys take time.
fn tls() -> &'static Tls {
    static TLS: OnceLock<(Authority, Tls)> = OnceLock::new();
    let (_, tls) = TLS.get_or_init(|| {
        let authority = Authority::new();
        let ours = authority.sign("ours", &["localhost"]);
        let (certificate, key) = (ours.certificate, ours.key);
        let server_ca = Some(authority.root());
        let files = TlsFiles { certificate, key, client_ca: None, server_ca };
        let tls = Tls::load(files).expect("they are certificates");
        (authority, tls)
    });
    tls
}

/// Encrypted, however it breaks into pieces, the same comes out as in plain; of what was changed on
/// its way nothing does; and bytes that are no handshake lead nowhere. The first byte says how it
/// breaks, the second what is changed, if it is not 0.
pub(crate) fn tls_stream(data: &[u8]) {
    let [size, change, plain @ ..] = data else { return };
    let size = usize::from(*size) + 1;
    let (nothing, said) = feed(&mut side(Transport::Tls), plain.chunks(size));
    assert!(nothing.0.is_empty() && said.len() <= ANSWERS_MAX);

    let (mut client, mut server) = shaken_hands(size);
    let mut wire = VecDeque::new();
    // Nothing but a message is ever sent, but what is one only the other side knows.
    let sent = client.send(plain, &mut wire);
    assert!(sent.is_ok() || plain.len() > MAX_MESSAGE_BYTES);
    let mut stream: Vec<u8> = wire.into();
    let (wanted, _) = feed(&mut side(Transport::Tcp), [plain].into_iter());
    if *change == 0 {
        let ((messages, _), _) = feed(&mut server, stream.chunks(size));
        assert_eq!(messages, wanted.0);
    } else if !stream.is_empty() {
        let at = usize::from(*change) % stream.len();
        stream[at] ^= change;
        let ((messages, _), _) = feed(&mut server, stream.chunks(size));
        assert!(wanted.0.starts_with(&messages), "what was changed is not believed");
    }
}

/// A client of ours and a server of ours that messages can pass between.
fn shaken_hands(size: usize) -> (Framing, Framing) {
    let connected = Framing::connected(Transport::Tls, Some(tls()), "localhost");
    let (mut client, mut server) = (connected.expect("it has roots"), side(Transport::Tls));
    let mut wire = VecDeque::new();
    client.begin(&mut wire);
    for _ in 0..10 {
        let to_server: Vec<u8> = wire.drain(..).collect();
        let ((_, goes_on), to_client) = feed(&mut server, to_server.chunks(size));
        let to_client: Vec<u8> = to_client.into();
        let ((_, heard), rest) = feed(&mut client, to_client.chunks(size));
        assert!(goes_on && heard, "the handshake breaks");
        wire = rest;
        if wire.is_empty() && client.is_open() && server.is_open() {
            return (client, server);
        }
    }
    panic!("the handshake does not end");
}
