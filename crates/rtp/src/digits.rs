//! Digits as events in RTP (RFC 4733): received once each, sent so that their loss is survived.

use std::collections::VecDeque;
use std::time::Duration;

use model::Mono;

use crate::{CLOCK_RATE, Header, Packet};

/// The length of one event's payload.
pub const PAYLOAD_BYTES: usize = 4;

/// How long after its last packet an event whose end was lost is over. Phones send a packet at
/// least every 50 ms.
const END_LOST_AFTER: Duration = Duration::from_millis(200);
/// Keys that were pressed and not yet taken away; beyond it the oldest is dropped.
const MAX_PENDING: usize = 32;
/// A timestamp this far behind the last event's belongs to a new time line, not to a late packet.
const MAX_BEHIND_SECONDS: u32 = 10;
/// The longest duration that a packet can say, in ticks.
const MAX_DURATION: u16 = u16::MAX;
/// How often the end is sent (RFC 4733 §2.5.1.4).
const ENDS: u8 = 3;
/// Ticks from one packet of an event to the next.
const STEP: u16 = 160;
/// How loud the tone is to be made, in dBm0 below 0.
const VOLUME: u8 = 10;

/// The digits by event number (RFC 4733 §3.2).
const DIGITS: &[u8; 16] = b"0123456789*#ABCD";

/// One key, pressed and let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pressed {
    /// `0`-`9`, `*`, `#`, `A`-`D`.
    pub digit: char,
    /// How long, in milliseconds, as far as it was seen.
    pub duration_ms: u32,
}

/// An event that has begun and not ended.
#[derive(Debug, Clone, Copy)]
struct Current {
    ssrc: u32,
    timestamp: u32,
    event: u8,
    /// In ticks, of this segment.
    duration: u16,
    /// In ticks, of the segments before (RFC 4733 §2.5.1.3).
    before: u32,
    last_packet: Mono,
}

/// Puts the packets of events together again. A key is reported when it is let go.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Ticks a second of what events say.
    clock_rate: u32,
    current: Option<Current>,
    /// SSRC and timestamp of the last event that was reported: its end comes three times.
    reported: Option<(u32, u32)>,
    pending: VecDeque<Pressed>,
}

impl Default for Receiver {
    fn default() -> Self {
        Self { clock_rate: CLOCK_RATE, current: None, reported: None, pending: VecDeque::new() }
    }
}

impl Receiver {
    /// Ticks a second of what events say from now on; at least 1,000.
    pub const fn set_clock_rate(&mut self, rate: u32) {
        self.clock_rate = if rate < 1_000 { CLOCK_RATE } else { rate };
    }

    /// Takes in a packet whose payload type is that of digits. What is no digit is passed over.
    pub fn handle_packet(&mut self, packet: &Packet<'_>, now: Mono) {
        let Some(&[event, flags, high, low]) = packet.payload.first_chunk::<PAYLOAD_BYTES>() else {
            return;
        };
        let header = packet.header;
        if usize::from(event) >= DIGITS.len() || self.is_old(&header) {
            return;
        }
        let duration = u16::from_be_bytes([high, low]);
        match &mut self.current {
            Some(current) if current.is_same(&header) => {
                if current.event != event {
                    return;
                }
                current.duration = current.duration.max(duration);
                current.last_packet = now;
            }
            Some(current) if current.goes_on_with(&header, event) => {
                current.before += u32::from(MAX_DURATION);
                current.timestamp = header.timestamp;
                current.duration = duration;
                current.last_packet = now;
            }
            Some(_) | None => {
                // The end of the one before was lost.
                self.finish();
                let (ssrc, timestamp, before) = (header.ssrc, header.timestamp, 0);
                let last_packet = now;
                self.current =
                    Some(Current { ssrc, timestamp, event, duration, before, last_packet });
            }
        }
        if flags & 0x80 != 0 {
            self.finish();
        }
    }

    /// Ends an event whose end was lost.
    pub fn handle_timeout(&mut self, now: Mono) {
        if self.poll_timeout().is_some_and(|(due, _)| due <= now) {
            self.finish();
        }
    }

    /// The next key that was pressed and let go.
    pub fn poll_output(&mut self) -> Option<Pressed> {
        self.pending.pop_front()
    }

    /// When [`Self::handle_timeout`] is due, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        self.current.map(|current| (current.last_packet + END_LOST_AFTER, "the end of a digit"))
    }

    /// Whether the packet belongs to an event that was reported, or to one before it.
    fn is_old(&self, header: &Header) -> bool {
        let newest = self.current.map(|current| (current.ssrc, current.timestamp));
        [self.reported.map(|(ssrc, timestamp)| (ssrc, timestamp.wrapping_add(1))), newest]
            .into_iter()
            .flatten()
            .any(|(ssrc, from)| {
                let behind = from.wrapping_sub(header.timestamp);
                let most = MAX_BEHIND_SECONDS * self.clock_rate;
                ssrc == header.ssrc && (1..most).contains(&behind)
            })
    }

    fn finish(&mut self) {
        let Some(current) = self.current.take() else { return };
        self.reported = Some((current.ssrc, current.timestamp));
        if self.pending.len() == MAX_PENDING {
            self.pending.pop_front();
        }
        let ticks = current.before + u32::from(current.duration);
        self.pending.push_back(Pressed {
            digit: char::from(DIGITS[usize::from(current.event)]),
            duration_ms: ticks / (self.clock_rate / 1000),
        });
    }
}

impl Current {
    const fn is_same(&self, header: &Header) -> bool {
        self.ssrc == header.ssrc && self.timestamp == header.timestamp
    }

    /// Whether a packet begins the next segment of an event too long for one.
    const fn goes_on_with(&self, header: &Header, event: u8) -> bool {
        self.duration == MAX_DURATION
            && self.ssrc == header.ssrc
            && self.event == event
            && !header.marker
            && self.timestamp.wrapping_add(MAX_DURATION as u32) == header.timestamp
    }
}

/// The payload of an event's packet for a clock of another rate: its duration is the same time.
/// What is longer than can be said is as long as can be said; `None` if it is no event's.
pub fn at_rate(payload: &[u8], from: u32, to: u32) -> Option<[u8; PAYLOAD_BYTES]> {
    let &[event, flags, high, low] = payload.first_chunk::<PAYLOAD_BYTES>()?;
    let duration = u64::from(u16::from_be_bytes([high, low])) * u64::from(to);
    let duration = duration.checked_div(u64::from(from))?.min(u64::from(MAX_DURATION)) as u16;
    let [high, low] = duration.to_be_bytes();
    Some([event, flags, high, low])
}

/// One packet's payload, and whether it is the event's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing {
    /// The event, its flags and its duration.
    pub payload: [u8; PAYLOAD_BYTES],
    /// The first packet is marked and gives the event its timestamp.
    pub first: bool,
}

/// Makes the packets of one key: one every 20 ms, the end three times.
#[derive(Debug, Clone)]
pub struct Sender {
    event: u8,
    /// In ticks.
    total: u16,
    /// In ticks, what the last packet said.
    said: u16,
    ends_left: u8,
}

impl Sender {
    /// A key held for `duration_ms` (at least 20, at most 8,191); `None` if it is no digit.
    pub fn new(digit: char, duration_ms: u32) -> Option<Self> {
        let digit = digit.to_ascii_uppercase();
        let event = DIGITS.iter().position(|known| char::from(*known) == digit)?;
        let ticks = duration_ms.saturating_mul(CLOCK_RATE / 1000);
        let total = ticks.clamp(u32::from(STEP), u32::from(MAX_DURATION)) as u16;
        Some(Self { event: event as u8, total, said: 0, ends_left: ENDS })
    }

    /// The next packet, to be sent 20 ms after the one before; `None` when all are sent.
    pub fn next_packet(&mut self) -> Option<Outgoing> {
        let first = self.said == 0;
        self.said = self.said.saturating_add(STEP).min(self.total);
        let mut flags = VOLUME;
        if self.said == self.total && !first {
            self.ends_left = self.ends_left.checked_sub(1)?;
            flags |= 0x80;
        }
        let [high, low] = self.said.to_be_bytes();
        Some(Outgoing { payload: [self.event, flags, high, low], first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One packet of key `event`: timestamp, duration, end, and when it comes.
    fn feed(to: &mut Receiver, timestamp: u32, event: u8, duration: u16, end: bool, ms: u64) {
        let [high, low] = duration.to_be_bytes();
        let payload = [event, if end { 0x8a } else { 0x0a }, high, low];
        let header = Header { payload_type: 101, timestamp, ssrc: 1, ..Header::default() };
        to.handle_packet(&Packet { header, payload: &payload }, Mono::from_ms(ms));
    }

    fn heard(receiver: &mut Receiver) -> Vec<(char, u32)> {
        std::iter::from_fn(|| receiver.poll_output())
            .map(|pressed| (pressed.digit, pressed.duration_ms))
            .collect()
    }

    #[test]
    fn an_event_of_another_clock_lasts_as_long_also_in_segments() {
        let mut receiver = Receiver::default();
        receiver.set_clock_rate(48_000);
        feed(&mut receiver, 0, 5, 960, false, 0);
        feed(&mut receiver, 0, 5, 4_800, true, 80);
        assert_eq!(heard(&mut receiver), [('5', 100)]);
        // Two seconds: more than one packet can say.
        feed(&mut receiver, 100_000, 6, u16::MAX, false, 1_000);
        feed(&mut receiver, 165_535, 6, 30_465, true, 2_000);
        assert_eq!(heard(&mut receiver), [('6', 2_000)]);
    }

    #[test]
    fn an_event_is_said_at_another_rate() {
        assert_eq!(at_rate(&[5, 0x8a, 0x12, 0xc0], 48_000, 8_000), Some([5, 0x8a, 0x03, 0x20]));
        assert_eq!(at_rate(&[5, 0x0a, 0x03, 0x20], 8_000, 48_000), Some([5, 0x0a, 0x12, 0xc0]));
        assert_eq!(at_rate(&[5, 0, 0xff, 0], 8_000, 48_000), Some([5, 0, 0xff, 0xff]));
        assert_eq!(at_rate(&[5, 0, 1], 8_000, 48_000), None);
        assert_eq!(at_rate(&[5, 0, 1, 1], 0, 48_000), None);
    }

    #[test]
    fn an_end_sent_three_times_is_one_key() {
        let mut receiver = Receiver::default();
        feed(&mut receiver, 1000, 5, 160, false, 0);
        feed(&mut receiver, 1000, 5, 320, false, 20);
        assert_eq!(heard(&mut receiver), []);
        for at in 0..3 {
            feed(&mut receiver, 1000, 5, 800, true, 100 + at);
        }
        assert_eq!(heard(&mut receiver), [('5', 100)]);
        // A packet of it that comes late does not begin it anew.
        feed(&mut receiver, 1000, 5, 640, false, 110);
        feed(&mut receiver, 840, 4, 640, true, 110);
        assert_eq!((heard(&mut receiver), receiver.poll_timeout()), (vec![], None));
    }

    #[test]
    fn one_end_alone_is_a_key() {
        let mut receiver = Receiver::default();
        feed(&mut receiver, u32::MAX, 11, 800, true, 0);
        feed(&mut receiver, 1599, 11, 400, true, 200);
        assert_eq!(heard(&mut receiver), [('#', 100), ('#', 50)]);
    }

    #[test]
    fn a_lost_end_is_made_up_by_the_next_key_or_by_time() {
        let mut receiver = Receiver::default();
        feed(&mut receiver, 1000, 1, 400, false, 0);
        feed(&mut receiver, 3000, 2, 160, false, 250);
        assert_eq!(heard(&mut receiver), [('1', 50)]);
        assert_eq!(receiver.poll_timeout(), Some((Mono::from_ms(450), "the end of a digit")));
        receiver.handle_timeout(Mono::from_ms(449));
        assert_eq!(heard(&mut receiver), []);
        receiver.handle_timeout(Mono::from_ms(450));
        assert_eq!(heard(&mut receiver), [('2', 20)]);
        assert_eq!(receiver.poll_timeout(), None);
        // The end comes after all.
        feed(&mut receiver, 3000, 2, 1600, true, 460);
        assert_eq!(heard(&mut receiver), []);
    }

    #[test]
    fn a_key_held_for_long_comes_in_segments() {
        let mut receiver = Receiver::default();
        feed(&mut receiver, 0, 9, 65_535, false, 8191);
        feed(&mut receiver, 65_535, 9, 800, true, 8291);
        assert_eq!(heard(&mut receiver), [('9', 8291)]);
    }

    #[test]
    fn what_is_no_digit_is_passed_over() {
        let mut receiver = Receiver::default();
        feed(&mut receiver, 0, 16, 800, true, 0);
        let header = Header::default();
        receiver.handle_packet(&Packet { header, payload: &[1, 0x80, 0] }, Mono(0));
        assert_eq!(heard(&mut receiver), []);
    }

    #[test]
    fn what_nobody_takes_away_is_bounded() {
        let mut receiver = Receiver::default();
        for at in 0..100 {
            feed(&mut receiver, at * 2000, (at % 10) as u8, 800, true, 0);
        }
        assert_eq!(heard(&mut receiver).len(), MAX_PENDING);
    }

    #[test]
    fn a_sender_marks_the_first_and_ends_three_times() {
        let mut sender = Sender::new('d', 50).expect("a digit");
        let packets: Vec<Outgoing> = std::iter::from_fn(|| sender.next_packet()).collect();
        let durations: Vec<u16> = packets
            .iter()
            .map(|packet| u16::from_be_bytes([packet.payload[2], packet.payload[3]]))
            .collect();
        assert_eq!(durations, [160, 320, 400, 400, 400]);
        let ends: Vec<bool> = packets.iter().map(|packet| packet.payload[1] & 0x80 != 0).collect();
        assert_eq!(ends, [false, false, true, true, true]);
        assert!(packets[0].first && !packets[1].first);
        assert!(packets.iter().all(|packet| packet.payload[0] == 15));
        assert!(Sender::new('x', 100).is_none());
    }
}
