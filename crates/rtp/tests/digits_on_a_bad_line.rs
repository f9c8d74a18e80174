//! A hundred thousand keys over a line that loses, delays and reorders: none is lost, none doubled.
//!
//! Virtual time: some five hours of pressing.

use model::Mono;
use rtp::digits::{PAYLOAD_BYTES, Receiver, Sender};
use rtp::{Header, OutStream, Packet};

const KEYS: usize = 100_000;
const LOSS_PERCENT: u64 = 5;
/// More than two packets' time: they overtake each other, also those of two keys.
const JITTER_MS: u64 = 50;

/// A small generator (Marsaglia's xorshift64): the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// A packet on its way.
struct Sent {
    arrives_ms: u64,
    header: Header,
    payload: [u8; PAYLOAD_BYTES],
}

/// The keys that were pressed, and the packets that arrive, in their order.
fn pressed(dice: &mut Dice) -> (String, Vec<Sent>) {
    let (mut out, mut now_ms) = (OutStream::new(7, 65_000, u32::MAX - 1_000_000), 0);
    let (mut keys, mut sent) = (String::new(), Vec::new());
    for _ in 0..KEYS {
        let key = char::from(b"0123456789*#ABCD"[dice.roll(16) as usize]);
        keys.push(key);
        let mut sender = Sender::new(key, 60 + dice.roll(140) as u32).expect("it is a key");
        while let Some(packet) = sender.next_packet() {
            let header = out.digit(101, packet.first, Mono::from_ms(now_ms));
            let arrives_ms = now_ms + 20 + dice.roll(JITTER_MS + 1);
            if dice.roll(100) >= LOSS_PERCENT {
                sent.push(Sent { arrives_ms, header, payload: packet.payload });
            }
            now_ms += 20;
        }
        now_ms += 40 + dice.roll(60);
    }
    sent.sort_by_key(|packet| packet.arrives_ms);
    (keys, sent)
}

#[test]
fn of_a_hundred_thousand_keys_with_one_packet_in_twenty_lost_none_is_lost_and_none_doubled() {
    let (keys, sent) = pressed(&mut Dice(4_733));
    let (mut receiver, mut heard) = (Receiver::default(), String::with_capacity(KEYS));
    let mut take = |receiver: &mut Receiver| {
        heard.extend(std::iter::from_fn(|| receiver.poll_output()).map(|key| key.digit));
    };
    for Sent { arrives_ms, header, payload } in &sent {
        let now = Mono::from_ms(*arrives_ms);
        receiver.handle_timeout(now);
        receiver.handle_packet(&Packet { header: *header, payload }, now);
        take(&mut receiver);
    }
    receiver.handle_timeout(Mono(u64::MAX));
    take(&mut receiver);
    let differs = keys.chars().zip(heard.chars()).position(|(one, other)| one != other);
    assert_eq!((differs, heard.len()), (None, KEYS));
}
