//! One hard message, where the RFC describes it, and what is to become of it on the wire.

/// A description that has nothing special.
const SDP: &str = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n\
                   m=audio 49217 RTP/AVP 0 12\n";

/// What the RFC's text asks of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It reaches the transaction user, whose answer goes back.
    Served,
    /// It is answered with one of these before anybody else hears of it.
    Refused(&'static [u16]),
    /// Where the text leaves the choice: served, or refused with one of these.
    Either(&'static [u16]),
    /// Nobody answers, nobody hears of it.
    Dropped,
}

/// What is different over a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Nothing.
    Same,
    /// Where the message ends cannot be known: it gets 400, the connection is closed (RFC 3261
    /// §18.3).
    Closed,
    /// More of the message is waited for.
    Waits,
}

/// One message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// Of the RFC.
    pub(crate) section: &'static str,
    pub(crate) what: &'static str,
    pub(crate) wanted: Wanted,
    pub(crate) stream: Stream,
    /// As RFC 4475 §2 writes its own, so that this file stays readable: lines end with LF,
    /// `<+>` at the end of one joins it with the next, `<text*20>` repeats, `<0A>` is a byte,
    /// `<AT>` where the peer is, `<BY>` its transport, `<LENGTH>` that of the body; `<SDP>` is a
    /// description that has nothing special.
    text: &'static str,
}

impl Row {
    pub(crate) const fn new(
        section: &'static str,
        what: &'static str,
        wanted: Wanted,
        text: &'static str,
    ) -> Self {
        Self { section, what, wanted, stream: Stream::Same, text }
    }

    pub(crate) const fn on_stream(self, stream: Stream) -> Self {
        Self { stream, ..self }
    }

    /// The message as it goes out from a peer at `at` over `by`.
    pub(crate) fn bytes(&self, at: &str, by: &str) -> Vec<u8> {
        let text = self.text.strip_prefix('\n').unwrap_or(self.text);
        let text = text.replace("<+>\n", "").replace("<SDP>\n", SDP);
        let text = text.replace("<AT>", at).replace("<BY>", by);
        let all = unescaped(&text.replace('\n', "\r\n"));
        let end =
            all.windows(4).position(|four| four == b"\r\n\r\n").map_or(all.len(), |at| at + 4);
        let length = (all.len() - end).to_string();
        replaced(&all, b"<LENGTH>", length.as_bytes())
    }
}

fn replaced(all: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match all.windows(from.len()).position(|window| window == from) {
        Some(at) => [&all[..at], to, &all[at + from.len()..]].concat(),
        None => all.to_vec(),
    }
}

/// `<0A>` and `<text*20>` as what they stand for; any other `<` as itself.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        let inside = rest[1..].split(['>', '<', '\r']).next().unwrap_or_default();
        let is_closed = rest[1 + inside.len()..].starts_with('>');
        let upper = |byte: u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
        let repeat = inside
            .rsplit_once('*')
            .and_then(|(what, times)| times.parse::<usize>().ok().map(|times| what.repeat(times)));
        if is_closed && inside.len() == 2 && inside.bytes().all(upper) {
            out.push(u8::from_str_radix(inside, 16).unwrap());
            rest = &rest[4..];
        } else if let Some(repeated) = repeat.filter(|_| is_closed) {
            out.extend_from_slice(repeated.as_bytes());
            rest = &rest[inside.len() + 2..];
        } else {
            out.push(b'<');
            rest = &rest[1..];
        }
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

#[test]
fn a_row_is_written_out_as_it_says() {
    let row =
        Row::new("0", "", Wanted::Served, "\na: <<ab*2>><00><+>\n<FF>@<AT>\nl: <LENGTH>\n\nxy\n");
    let wanted = b"a: <abab>\x00\xff@h:1\r\nl: 4\r\n\r\nxy\r\n";
    assert_eq!(row.bytes("h:1", "UDP"), wanted);
}
