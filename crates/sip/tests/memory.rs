//! What comes never takes more memory than a few times its length. A program of its own, without
//! a test runner: the allocator counts for all its threads.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]
#![allow(clippy::print_stdout, reason = "a program of its own says what it saw")]

use peak_alloc::PeakAlloc;
use sip::{Frame, Framer, Message, NameAddr, ResponseBuilder, Uri, Via, validate};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Reading takes at most so many bytes for each that came: the buffer, once more where it is not
/// UTF-8, its bytes while they are replaced, and 16 for each header of at least two bytes, with
/// the room that a list grows into.
const FACTOR: usize = 12;
/// And so many whatever came: the usual number of headers, an answer's fixed words.
const FIXED: usize = 8_192;

/// xorshift64*: chance that a seed repeats.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit.max(1)
    }
}

fn peak(of: impl FnOnce()) -> usize {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    of();
    let after = MEMORY.current_usage();
    assert!(after <= before, "{} bytes are kept", after - before);
    MEMORY.peak_usage().saturating_sub(before)
}

fn read(bytes: &[u8]) {
    let Ok(message) = Message::parse(bytes) else { return };
    let addresses = [message.from(), message.to()].into_iter().flatten();
    for address in addresses.chain(message.contacts()).chain(message.routes()) {
        let _ = (address.display(), address.uri().map(|uri| uri.user_decoded().len()));
    }
    let _ = (message.vias().count(), message.sdp().map(<[u8]>::len), message.clone());
    if message.is_request() {
        let refusal = validate(&message).err();
        let _ = refusal.map(|refusal| refusal.response(&message, "t"));
        let _ = ResponseBuilder::to(&message, 200).to_tag("t").build();
    }
}

fn stream(bytes: &[u8], piece: usize) {
    let mut framer = Framer::new();
    for piece in bytes.chunks(piece) {
        framer.feed(piece);
        while let Ok(Some(frame)) = framer.next_frame() {
            assert!(matches!(frame, Frame::Message(_) | Frame::Malformed(_) | Frame::Ping));
        }
    }
}

fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = Uri::parse(&text).map(|uri| uri.user_decoded().len());
    let _ = NameAddr::parse(&text).map(|address| address.display().len());
    let _ = Via::parse(&text).map(|via| via.params().iter().count());
}

fn samples() -> Vec<Vec<u8>> {
    let head = "INVITE sip:95512@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
                From: \"a\" <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n";
    [
        format!("{head}Contact: <sip:a@h>\r\nContent-Length: 4\r\n\r\nv=0\n"),
        format!("{head}{}\r\n", "a:\r\n".repeat(240)),
        format!("{head}Via: {}\r\n\r\n", "SIP/2.0/UDP h,".repeat(4_000)),
        format!("{head}Contact: {}\r\n\r\n", "<sip:%61@h>,".repeat(5_000)),
        format!("{head}Subject: {}\r\n\r\n", "\r\n x".repeat(15_000)),
        format!("{head}c: multipart/mixed;boundary=b\r\n\r\n{}", "--b\r\n\r\n".repeat(8_000)),
        format!("{head}X: {}\r\n\r\n", "\u{fffd}".repeat(20_000)),
        format!("OPTIONS sip:{}@h SIP/2.0\r\n\r\n", "%41".repeat(20_000)),
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect()
}

fn reading_takes_a_few_times_what_came_and_keeps_nothing() {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let samples = samples();
    for round in 0..600 {
        let mut bytes = samples[round % samples.len()].clone();
        for _ in 0..round / samples.len() {
            let at = chance.below(bytes.len());
            bytes[at] = chance.below(256) as u8;
        }
        if round >= samples.len() {
            bytes.truncate(1 + chance.below(bytes.len()));
        }
        let piece = 1 + chance.below(3_000);
        for taken in [peak(|| read(&bytes)), peak(|| stream(&bytes, piece)), peak(|| text(&bytes))]
        {
            let allowed = FACTOR * bytes.len() + FIXED;
            assert!(taken <= allowed, "{taken} bytes for {} that came", bytes.len());
        }
    }
}

fn main() {
    reading_takes_a_few_times_what_came_and_keeps_nothing();
}
