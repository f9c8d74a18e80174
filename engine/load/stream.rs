//! One leg's media, without its socket: what is sent each 20 ms, and what is counted of what comes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use media::{FRAME_MS, FRAME_SAMPLES};
use model::Mono;
use rtp::digits::Sender;
use rtp::{Arrival, HEADER_BYTES, OutStream, Packet, Quality, SequenceTracker, rtcp};

use super::histogram::Histogram;

/// The length of a packet of 20 ms.
pub(super) const PACKET_BYTES: usize = HEADER_BYTES + FRAME_SAMPLES;
/// Begins the payload of our packets; the time of sending follows, in nanoseconds.
const STAMP: &[u8; 8] = b"hotline\x01";
/// How long a key is held.
const KEY_MS: u32 = 100;
/// Frames between two keys.
const FRAMES_BETWEEN_KEYS: u32 = 5;

/// What was sent and received, added up over legs.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    pub(super) sent: u64,
    pub(super) send_errors: u64,
    /// Lost on purpose.
    pub(super) dropped: u64,
    pub(super) received: u64,
    pub(super) lost: u64,
    pub(super) late: u64,
    pub(super) duplicates: u64,
    pub(super) longest_gap: Duration,
    /// Legs that heard something, the sum of their scores in hundredths, and the least of them.
    pub(super) legs_scored: u64,
    pub(super) mos_sum: u64,
    pub(super) mos_least: Option<u16>,
    /// From a packet's sending here to its coming back here on another leg.
    pub(super) relay: Histogram,
}

impl Counts {
    pub(super) fn new() -> Self {
        Self {
            sent: 0,
            send_errors: 0,
            dropped: 0,
            legs_scored: 0,
            mos_sum: 0,
            mos_least: None,
            received: 0,
            lost: 0,
            late: 0,
            duplicates: 0,
            longest_gap: Duration::ZERO,
            relay: Histogram::new(),
        }
    }
}

/// How a leg sends.
#[derive(Debug, Clone)]
pub(super) struct Speech {
    pub(super) payload_type: u8,
    pub(super) digits_payload_type: Option<u8>,
    /// Whether voice is sent; keys are in any case.
    pub(super) speaks: bool,
    /// Whole frames, spoken again and again.
    pub(super) voice: Arc<[u8]>,
}

/// One leg's media.
#[derive(Debug)]
pub(super) struct Stream {
    speech: Speech,
    out: OutStream,
    /// Where in the voice.
    frame: usize,
    keys: VecDeque<char>,
    /// When the first of the keys is to be pressed.
    keys_from: Mono,
    key: Option<Sender>,
    /// Frames until the next key.
    rest: u32,
    /// The last key was let go; told once.
    released: Option<Mono>,
    tracker: SequenceTracker,
    /// Of streams that came before: received, lost, late and doubled packets.
    before: [u64; 4],
    ssrc: Option<u32>,
    last_packet: Option<Mono>,
    longest_gap: Duration,
}

impl Stream {
    /// A leg whose numbers are derived from `number`.
    pub(super) fn new(number: u32, speech: Speech) -> Self {
        let frames = speech.voice.len() / FRAME_SAMPLES;
        Self {
            out: OutStream::new(0x4c00_0000 | number, number as u16, number.wrapping_mul(160)),
            // So that no two legs say the same at the same time.
            frame: number as usize * 7 % frames.max(1),
            speech,
            keys: VecDeque::new(),
            keys_from: Mono(0),
            key: None,
            rest: 0,
            released: None,
            tracker: SequenceTracker::default(),
            before: [0; 4],
            ssrc: None,
            last_packet: None,
            longest_gap: Duration::ZERO,
        }
    }

    /// Presses these keys, from then on.
    pub(super) fn press(&mut self, keys: &str, from: Mono) {
        if self.speech.digits_payload_type.is_some() {
            self.keys.extend(keys.chars());
            self.keys_from = from;
        }
    }

    /// The packet of this tick, written to `into`; 0 if there is none.
    pub(super) fn tick(&mut self, now: Mono, into: &mut [u8; PACKET_BYTES]) -> usize {
        if let Some(length) = self.key_packet(now, into) {
            return length;
        }
        if !self.speech.speaks {
            return 0;
        }
        let frames = self.speech.voice.len() / FRAME_SAMPLES;
        let at = self.frame * FRAME_SAMPLES;
        let mut payload = [0; FRAME_SAMPLES];
        let Some(voice) = self.speech.voice.get(at..at + FRAME_SAMPLES) else { return 0 };
        payload.copy_from_slice(voice);
        payload[..8].copy_from_slice(STAMP);
        payload[8..16].copy_from_slice(&now.0.to_be_bytes());
        self.frame = (self.frame + 1) % frames;
        let header = self.out.own(self.speech.payload_type, FRAME_SAMPLES as u32, now);
        header.write(&payload, into).unwrap_or(0)
    }

    fn key_packet(&mut self, now: Mono, into: &mut [u8; PACKET_BYTES]) -> Option<usize> {
        let payload_type = self.speech.digits_payload_type?;
        if self.key.is_none() {
            if self.keys.is_empty() || now < self.keys_from {
                return None;
            }
            if self.rest > 0 {
                self.rest -= 1;
                return None;
            }
            self.key = self.keys.pop_front().and_then(|digit| Sender::new(digit, KEY_MS));
        }
        match self.key.as_mut()?.next_packet() {
            Some(packet) => {
                let is_end = packet.payload[1] & 0x80 != 0;
                if is_end && self.keys.is_empty() && self.released.is_none() {
                    self.released = Some(now);
                }
                let header = self.out.digit(payload_type, packet.first, now);
                Some(header.write(&packet.payload, into).unwrap_or(0))
            }
            None => {
                self.key = None;
                self.rest = FRAMES_BETWEEN_KEYS;
                None
            }
        }
    }

    /// When the last key was let go; once.
    pub(super) fn take_released(&mut self) -> Option<Mono> {
        match self.released {
            Some(Mono(u64::MAX)) | None => None,
            Some(_) => self.released.replace(Mono(u64::MAX)),
        }
    }

    /// Counts a packet that came.
    pub(super) fn handle_packet(&mut self, datagram: &[u8], now: Mono, relay: &mut Histogram) {
        if rtcp::is_rtcp(datagram) {
            return;
        }
        let Ok(packet) = Packet::parse(datagram) else { return };
        if self.ssrc.replace(packet.header.ssrc).is_some_and(|ssrc| ssrc != packet.header.ssrc) {
            self.before = self.totals();
            self.tracker = SequenceTracker::default();
        }
        match self.tracker.handle_packet(packet.header.sequence, packet.header.timestamp, now) {
            Arrival::Newest { .. } | Arrival::Late | Arrival::Restarted | Arrival::Astray => {}
            Arrival::Duplicate => return,
        }
        if let Some(last) = self.last_packet.replace(now) {
            self.longest_gap = self.longest_gap.max(now.since(last));
        }
        let stamp = packet.payload.split_first_chunk::<8>();
        let sent = stamp.filter(|(stamp, _)| *stamp == STAMP);
        if let Some(sent) = sent.and_then(|(_, rest)| rest.first_chunk::<8>()) {
            relay.record(now.since(Mono(u64::from_be_bytes(*sent))));
        }
    }

    /// Received, lost, late and doubled packets so far.
    fn totals(&self) -> [u64; 4] {
        let tracker = &self.tracker;
        let now = [tracker.received(), tracker.lost(), tracker.late(), tracker.duplicates()];
        std::array::from_fn(|at| self.before[at] + now[at])
    }

    /// How good what was heard is by the E-model, in hundredths, of what is known here: what was
    /// lost, and the delay of a packet and of what a receiver keeps back for that jitter.
    fn mos(&self, received: u64, lost: u64) -> Option<u16> {
        let delay_ms = FRAME_MS as u32 + 2 * (self.tracker.jitter_us() / 1_000);
        let bursts = self.tracker.bursts();
        (received > 0)
            .then_some(Quality { expected: received + lost, lost, bursts, delay_ms })
            .and_then(|quality| quality.mos())
    }

    /// Adds this leg's counts.
    pub(super) fn add_to(&self, counts: &mut Counts) {
        let [received, lost, late, duplicates] = self.totals();
        counts.sent += self.out.packets();
        counts.received += received;
        counts.lost += lost;
        counts.late += late;
        counts.duplicates += duplicates;
        counts.longest_gap = counts.longest_gap.max(self.longest_gap);
        if let Some(mos) = self.mos(received, lost) {
            counts.legs_scored += 1;
            counts.mos_sum += u64::from(mos);
            counts.mos_least = Some(counts.mos_least.map_or(mos, |least| least.min(mos)));
        }
    }
}

#[cfg(test)]
mod tests {
    use media::{Codec, g711};

    use super::*;

    fn stream(speaks: bool, digits_payload_type: Option<u8>) -> Stream {
        let voice = vec![g711::silence(Codec::Pcma); FRAME_SAMPLES * 3].into();
        Stream::new(9, Speech { payload_type: 8, digits_payload_type, speaks, voice })
    }

    #[test]
    fn what_one_leg_says_another_hears_with_its_age() {
        let (mut caller, mut agent) = (stream(true, None), stream(false, None));
        let (mut packet, mut relay) = ([0; PACKET_BYTES], Histogram::new());
        for tick in 0..10 {
            let now = Mono::from_ms(tick * 20);
            assert_eq!(caller.tick(now, &mut packet), PACKET_BYTES);
            if tick != 4 {
                agent.handle_packet(&packet, now + Duration::from_millis(3), &mut relay);
            }
        }
        let mut counts = Counts::new();
        agent.add_to(&mut counts);
        caller.add_to(&mut counts);
        assert_eq!((counts.sent, counts.received, counts.lost), (10, 9, 1));
        assert_eq!(counts.longest_gap, Duration::from_millis(40));
        // Who only speaks is not scored; a tenth lost is heard.
        assert_eq!(counts.legs_scored, 1);
        assert!(counts.mos_least.is_some_and(|mos| (100..400).contains(&mos)), "{counts:?}");
        assert_eq!((&relay.to_json()["count"], &relay.to_json()["max"]), (&9.into(), &3.0.into()));
    }

    #[test]
    fn keys_are_pressed_in_turn_and_streams_counted_apart() {
        let (mut caller, mut packet) = (stream(false, Some(101)), [0; PACKET_BYTES]);
        caller.press("1#", Mono::from_ms(40));
        let (mut heard, mut receiver) = (String::new(), rtp::digits::Receiver::default());
        let mut released = Vec::new();
        for tick in 0..40 {
            let now = Mono::from_ms(tick * 20);
            let length = caller.tick(now, &mut packet);
            if let Ok(packet) = Packet::parse(&packet[..length]) {
                receiver.handle_packet(&packet, now);
            }
            heard.extend(std::iter::from_fn(|| receiver.poll_output()).map(|key| key.digit));
            released.extend(caller.take_released().map(Mono::as_ms));
        }
        assert_eq!(heard, "1#");
        // 40 ms, then 4 packets, 3 ends, 1 silent tick, 5 more, 4 packets: the end.
        assert_eq!(released, [40 + 17 * 20]);
        // A new stream is counted for itself.
        let mut relay = Histogram::new();
        for (ssrc, sequence) in [(1, 10), (1, 12), (2, 900), (2, 901)] {
            let header = rtp::Header { sequence, ssrc, ..rtp::Header::default() };
            let length = header.write(&[0; 20], &mut packet).expect("it fits");
            caller.handle_packet(&packet[..length], Mono(0), &mut relay);
        }
        assert_eq!(caller.totals(), [4, 1, 0, 0]);
        // Nothing is pressed where the other side knows no keys.
        let mut deaf = stream(false, None);
        deaf.press("1", Mono(0));
        assert_eq!(deaf.tick(Mono(0), &mut packet), 0);
    }
}
