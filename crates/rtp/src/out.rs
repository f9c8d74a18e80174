//! The stream that one receiver hears: one SSRC, one sequence, one time line, whatever its source.

use model::Mono;

use crate::{CLOCK_RATE, Header, Malformed, Packet};

/// A jump of the source's sequence beyond which its numbering began anew (RFC 3550 A.1).
const MAX_DROPOUT: u16 = 3000;
/// How far a packet may come behind the newest and still belong (RFC 3550 A.1).
const MAX_MISORDER: u16 = 100;
/// The least that a new source's first timestamp is ahead of the one before: a frame of 20 ms, so
/// that two frames never cover the same time.
const FRAME_TICKS: u32 = 160;
/// How much later than expected a frame made here may be before the pause counts as silence.
const MAX_LATENESS_TICKS: u32 = 1600;
/// Nanoseconds of one tick of telephone voice.
const TICK_NANOS: u64 = 1_000_000_000 / CLOCK_RATE as u64;

/// What is being sent, and how its numbers become ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Nothing yet, or the next packet begins a new source.
    None,
    /// Frames made here.
    Own {
        /// The length of the last one.
        samples: u32,
    },
    /// Packets of another leg, forwarded.
    Forwarded {
        /// Their stream.
        ssrc: u32,
        /// The newest of their sequence numbers.
        newest: u16,
        /// Ours minus theirs.
        sequence_shift: u16,
        /// Ours minus theirs.
        timestamp_shift: u32,
    },
    /// Another leg's voice, put into packets of another length.
    Repacked {
        /// Its stream.
        ssrc: u32,
        /// Ours minus theirs, in our ticks.
        timestamp_shift: u32,
    },
}

/// The stream that one receiver hears.
///
/// When the source changes, the sequence goes on without a gap, the timestamp goes on by the time
/// that has passed, and the first packet is marked. Lengths are told in samples of telephone voice,
/// 8,000 a second, also where the clock of the stream is a multiple of that.
#[derive(Debug, Clone)]
pub struct OutStream {
    ssrc: u32,
    /// Ticks of the stream's clock that one of telephone voice is.
    scale: u32,
    source: Source,
    /// The newest sequence number that was sent.
    sequence: u16,
    /// The newest timestamp that was sent.
    timestamp: u32,
    /// When [`Self::timestamp`] was sent for the first time.
    sent: Mono,
    /// The ticks that the newest packet covers, as far as it is known; at least a frame's.
    length: u32,
    /// Nothing has been sent since what was sent last had been heard: nobody spoke.
    has_rested: bool,
    packets: u64,
    payload_bytes: u64,
}

impl OutStream {
    /// A stream whose first packet has these numbers; they are to be random (RFC 3550 §5.1).
    pub const fn new(ssrc: u32, first_sequence: u16, first_timestamp: u32) -> Self {
        Self {
            ssrc,
            scale: 1,
            source: Source::None,
            sequence: first_sequence.wrapping_sub(1),
            timestamp: first_timestamp,
            sent: Mono(0),
            length: FRAME_TICKS,
            has_rested: false,
            packets: 0,
            payload_bytes: 0,
        }
    }

    /// The clock of what is sent from now on, in ticks a second: a multiple of [`CLOCK_RATE`], or
    /// else that.
    pub const fn set_clock_rate(&mut self, rate: u32) {
        let scale = if rate.is_multiple_of(CLOCK_RATE) && rate > 0 { rate / CLOCK_RATE } else { 1 };
        if scale != self.scale {
            self.length = self.length / self.scale * scale;
            self.scale = scale;
            self.source = Source::None;
        }
    }

    /// Ticks of the stream's clock that one of telephone voice is.
    pub const fn scale(&self) -> u32 {
        self.scale
    }

    /// The stream's name.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// How many packets were sent.
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// How many bytes of payload were sent, as a sender report counts them (RFC 3550 §6.4.1).
    pub const fn payload_bytes(&self) -> u64 {
        self.payload_bytes
    }

    /// The timestamp that belongs to `now`: for a sender report.
    pub fn timestamp_at(&self, now: Mono) -> u32 {
        self.timestamp.wrapping_add(self.ticks_until(now))
    }

    /// When what was sent last has been heard, by its timestamp, and the next frame may follow
    /// it: not before `now`, and at most that packet's length after it.
    pub fn next_due(&self, now: Mono) -> Mono {
        let nanos = u64::from(self.length / self.scale) * TICK_NANOS;
        match self.packets {
            0 => now,
            _ => Mono((self.sent.0 + nanos).clamp(now.0, now.0 + nanos)),
        }
    }

    /// The next packet comes from another source, or after a pause: it is marked, and its
    /// timestamp goes on by the time that has passed.
    pub const fn begin_source(&mut self) {
        self.source = Source::None;
    }

    /// The header of the next frame made here, `samples` long, which follows the one before.
    ///
    /// The timestamp counts samples, not the moment of sending, so that a late tick is not heard;
    /// only after a pause of more than 200 ms does it go on by the time that has passed.
    pub fn own(&mut self, payload_type: u8, samples: u32, now: Mono) -> Header {
        let scale = self.scale;
        let next = match self.source {
            Source::Own { samples } if ticks(self.sent, now) <= samples + MAX_LATENESS_TICKS => {
                Some(self.timestamp.wrapping_add(samples.wrapping_mul(scale)))
            }
            Source::Own { .. }
            | Source::None
            | Source::Forwarded { .. }
            | Source::Repacked { .. } => None,
        };
        let marker = std::mem::take(&mut self.has_rested) || next.is_none();
        self.advance(next.unwrap_or_else(|| self.timestamp_of_new_source(now)), now);
        self.source = Source::Own { samples };
        self.length = samples.max(FRAME_TICKS) * scale;
        self.count(samples as usize);
        self.header(payload_type, marker)
    }

    /// The header of the next packet, `samples` long, into which another leg's voice was put: that
    /// of the stream `ssrc` from `timestamp` on, in ticks of telephone voice. Its pauses stay as
    /// they are; what was lost of it is a pause, too.
    pub fn repacked(
        &mut self,
        payload_type: u8,
        (ssrc, timestamp): (u32, u32),
        samples: u32,
        now: Mono,
    ) -> Header {
        let theirs = timestamp.wrapping_mul(self.scale);
        let next = self.among_others(ssrc).map(|shift| theirs.wrapping_add(shift));
        let marker = std::mem::take(&mut self.has_rested) || next.is_none();
        let ours = next.unwrap_or_else(|| self.timestamp_of_new_source(now));
        self.advance(ours, now);
        self.source = Source::Repacked { ssrc, timestamp_shift: ours.wrapping_sub(theirs) };
        self.length = samples.max(FRAME_TICKS) * self.scale;
        self.count(samples as usize);
        self.header(payload_type, marker)
    }

    /// The header of a packet of another leg's digit whose clock is another one than ours: of the
    /// stream `ssrc`, at `timestamp` in ticks of telephone voice. Those of one digit have one
    /// timestamp here, too.
    pub fn relayed_digit(
        &mut self,
        payload_type: u8,
        (ssrc, timestamp): (u32, u32),
        marker: bool,
        now: Mono,
    ) -> Header {
        let theirs = timestamp.wrapping_mul(self.scale);
        match self.among_others(ssrc) {
            Some(_) => self.sequence = self.sequence.wrapping_add(1),
            None => {
                let ours = self.timestamp_of_new_source(now);
                self.advance(ours, now);
                self.source = Source::Repacked { ssrc, timestamp_shift: ours.wrapping_sub(theirs) };
            }
        }
        let timestamp = theirs.wrapping_add(self.among_others(ssrc).unwrap_or(0));
        self.count(crate::digits::PAYLOAD_BYTES);
        Header { timestamp, ..self.header(payload_type, marker) }
    }

    /// Ours minus theirs, in our ticks, if what was sent last was put together anew of that stream.
    fn among_others(&self, stream: u32) -> Option<u32> {
        match self.source {
            Source::Repacked { ssrc, timestamp_shift } if ssrc == stream => Some(timestamp_shift),
            Source::Own { .. }
            | Source::None
            | Source::Forwarded { .. }
            | Source::Repacked { .. } => None,
        }
    }

    /// The last packet that was made of so many samples has so many bytes of payload.
    pub const fn correct_payload(&mut self, samples: usize, bytes: usize) {
        self.payload_bytes = self.payload_bytes.saturating_sub(samples as u64) + bytes as u64;
    }

    /// The header of the next packet of a digit made here ([`crate::digits::Sender`]): all packets
    /// of one digit have the timestamp of their first (RFC 4733 §2.5.1.2).
    pub fn digit(&mut self, payload_type: u8, first: bool, now: Mono) -> Header {
        if first {
            self.advance(self.timestamp_of_new_source(now), now);
        } else {
            self.sequence = self.sequence.wrapping_add(1);
        }
        self.source = Source::None;
        self.count(crate::digits::PAYLOAD_BYTES);
        self.header(payload_type, first)
    }

    /// Makes another leg's packet of the same clock ours, in place: its loss, order and timing stay
    /// as they are.
    ///
    /// A packet that comes behind the first one of its source takes a number that was used for the
    /// source before; the receiver drops it as seen.
    ///
    /// # Errors
    /// The datagram is no RTP packet; it is left as it was.
    pub fn forward(
        &mut self,
        datagram: &mut [u8],
        payload_type: u8,
        now: Mono,
    ) -> Result<Header, Malformed> {
        let packet = Packet::parse(datagram)?;
        let payload_bytes = packet.payload.len();
        let theirs = packet.header;
        if let Some(header) = self.among_repacked(&theirs, payload_type) {
            header.overwrite(datagram);
            self.count(payload_bytes);
            return Ok(header);
        }
        let (header, is_newest) = match self.continued(&theirs) {
            Some((sequence, timestamp, is_newest)) => {
                let marker = theirs.marker;
                (Header { payload_type, marker, sequence, timestamp, ssrc: self.ssrc }, is_newest)
            }
            None => {
                self.advance(self.timestamp_of_new_source(now), now);
                self.source = Source::Forwarded {
                    ssrc: theirs.ssrc,
                    newest: theirs.sequence,
                    sequence_shift: self.sequence.wrapping_sub(theirs.sequence),
                    timestamp_shift: self.timestamp.wrapping_sub(theirs.timestamp),
                };
                (self.header(payload_type, true), false)
            }
        };
        // A byte is a sample in nearly every codec of this clock; digits are shorter than a frame.
        // How long a packet of another clock is, it does not say.
        let known = if self.scale == 1 { payload_bytes as u32 } else { 0 };
        self.length = known.max(FRAME_TICKS * self.scale);
        if is_newest {
            self.sequence = header.sequence;
            if header.timestamp != self.timestamp {
                self.timestamp = header.timestamp;
                self.sent = now;
            }
        }
        header.overwrite(datagram);
        self.count(payload_bytes);
        Ok(header)
    }

    /// So many samples, made here or of another leg's voice, are not sent, as nobody speaks: their
    /// time passes, no number is left out, and the next packet is marked (RFC 3551 §4.1).
    pub const fn rest(&mut self, samples: u32) {
        self.has_rested = true;
        if let Source::Own { samples: before } = &mut self.source {
            *before = before.saturating_add(samples);
        }
    }

    /// Another leg's packet is not sent on: that leaves no gap in our numbers, as if it was lost.
    pub const fn leave_out(&mut self, theirs: &Header) {
        if let Source::Forwarded { ssrc, newest, sequence_shift, .. } = &mut self.source
            && *ssrc == theirs.ssrc
            && theirs.sequence == newest.wrapping_add(1)
        {
            *newest = theirs.sequence;
            *sequence_shift = sequence_shift.wrapping_sub(1);
        }
    }

    /// The header of a packet that is sent as it came between those that were put together anew of
    /// the same stream: a digit. It keeps its place in time and is numbered as the next one.
    fn among_repacked(&mut self, theirs: &Header, payload_type: u8) -> Option<Header> {
        let timestamp_shift = self.among_others(theirs.ssrc)?;
        self.sequence = self.sequence.wrapping_add(1);
        let timestamp = theirs.timestamp.wrapping_add(timestamp_shift);
        let (sequence, marker, ssrc) = (self.sequence, theirs.marker, self.ssrc);
        Some(Header { payload_type, marker, sequence, timestamp, ssrc })
    }

    /// Our numbers for a packet that goes on with the forwarded source, and whether it is its
    /// newest; `None` if it begins a source.
    fn continued(&mut self, theirs: &Header) -> Option<(u16, u32, bool)> {
        match &mut self.source {
            Source::Forwarded { ssrc, newest, sequence_shift, timestamp_shift }
                if *ssrc == theirs.ssrc =>
            {
                let ahead = theirs.sequence.wrapping_sub(*newest);
                let is_newest = (1..MAX_DROPOUT).contains(&ahead);
                if is_newest {
                    *newest = theirs.sequence;
                } else if ahead != 0 && ahead < MAX_MISORDER.wrapping_neg() {
                    return None;
                }
                let sequence = theirs.sequence.wrapping_add(*sequence_shift);
                let timestamp = theirs.timestamp.wrapping_add(*timestamp_shift);
                Some((sequence, timestamp, is_newest))
            }
            Source::None
            | Source::Own { .. }
            | Source::Forwarded { .. }
            | Source::Repacked { .. } => None,
        }
    }

    fn timestamp_of_new_source(&self, now: Mono) -> u32 {
        match self.packets {
            0 => self.timestamp,
            _ => self.timestamp.wrapping_add(self.ticks_until(now).max(self.length)),
        }
    }

    /// Ticks of the stream's clock since its newest timestamp was sent.
    const fn ticks_until(&self, now: Mono) -> u32 {
        ticks(self.sent, now).wrapping_mul(self.scale)
    }

    const fn advance(&mut self, timestamp: u32, now: Mono) {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = timestamp;
        self.sent = now;
    }

    const fn count(&mut self, payload_bytes: usize) {
        self.packets += 1;
        self.payload_bytes += payload_bytes as u64;
    }

    const fn header(&self, payload_type: u8, marker: bool) -> Header {
        let (sequence, timestamp) = (self.sequence, self.timestamp);
        Header { payload_type, marker, sequence, timestamp, ssrc: self.ssrc }
    }
}

/// The ticks of telephone voice from `from` to `to`; they wrap as timestamps do.
const fn ticks(from: Mono, to: Mono) -> u32 {
    (to.0.saturating_sub(from.0) / TICK_NANOS) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(ssrc: u32, sequence: u16, timestamp: u32) -> Vec<u8> {
        let mut buffer = vec![0; 172];
        let header = Header { payload_type: 8, marker: false, sequence, timestamp, ssrc };
        header.write(&[0xd5; 160], &mut buffer).expect("it fits");
        buffer
    }

    fn forward(out: &mut OutStream, ssrc: u32, sequence: u16, timestamp: u32, ms: u64) -> Header {
        let mut datagram = datagram(ssrc, sequence, timestamp);
        let header = out.forward(&mut datagram, 0, Mono::from_ms(ms)).expect("it is RTP");
        assert_eq!(Packet::parse(&datagram).expect("it still is").header, header);
        header
    }

    #[test]
    fn prompt_music_and_agent_are_one_stream_for_the_caller() {
        let mut out = OutStream::new(7, 65_534, u32::MAX - 200);
        let prompt: Vec<Header> =
            (0..3).map(|at| out.own(8, 160, Mono::from_ms(at * 20))).collect();
        out.begin_source();
        let music = [out.own(8, 160, Mono::from_ms(60)), out.own(8, 160, Mono::from_ms(85))];
        let agent = [
            forward(&mut out, 99, 5000, 1_000_000, 135),
            forward(&mut out, 99, 5001, 1_000_160, 155),
        ];
        let all: Vec<Header> = prompt.into_iter().chain(music).chain(agent).collect();
        let numbers: Vec<u16> = all.iter().map(|header| header.sequence).collect();
        assert_eq!(numbers, [65_534, 65_535, 0, 1, 2, 3, 4]);
        let first = u32::MAX - 200;
        let times: Vec<u32> =
            all.iter().map(|header| header.timestamp.wrapping_sub(first)).collect();
        // The music's second frame left at 85 ms but is heard at 80; the agent comes 50 ms later.
        assert_eq!(times, [0, 160, 320, 480, 640, 640 + 50 * 8, 640 + 70 * 8]);
        let marks: Vec<bool> = all.iter().map(|header| header.marker).collect();
        assert_eq!(marks, [true, false, false, true, false, true, false]);
        assert!(all.iter().all(|header| header.ssrc == 7));
        assert_eq!((out.packets(), out.payload_bytes()), (7, 7 * 160));
    }

    #[test]
    fn loss_and_order_of_the_source_stay_visible() {
        let mut out = OutStream::new(1, 100, 0);
        forward(&mut out, 9, 40, 0, 0);
        assert_eq!(forward(&mut out, 9, 43, 480, 60).sequence, 103);
        let late = forward(&mut out, 9, 42, 320, 61);
        assert_eq!((late.sequence, late.timestamp), (102, 320));
        assert_eq!(forward(&mut out, 9, 44, 640, 80).sequence, 104);
    }

    #[test]
    fn what_is_not_sent_on_leaves_no_gap_and_what_was_lost_does() {
        let mut out = OutStream::new(1, 100, 0);
        let left = |sequence, ssrc| Header { sequence, ssrc, ..Header::default() };
        out.leave_out(&left(39, 9));
        forward(&mut out, 9, 40, 0, 0);
        out.leave_out(&left(41, 9));
        out.leave_out(&left(41, 9));
        assert_eq!(forward(&mut out, 9, 42, 320, 40).sequence, 101);
        // 43 was lost before it, and another's is not theirs.
        out.leave_out(&left(44, 9));
        out.leave_out(&left(43, 8));
        assert_eq!(forward(&mut out, 9, 45, 800, 100).sequence, 104);
        assert_eq!(forward(&mut out, 9, 46, 960, 120).timestamp, 960);
    }

    #[test]
    fn a_source_whose_numbers_jump_is_a_new_source() {
        let mut out = OutStream::new(1, 100, 0);
        forward(&mut out, 9, 40, 0, 0);
        for (sequence, wanted) in [(40 + MAX_DROPOUT, 101), (40, 102), (40_000, 103)] {
            let header = forward(&mut out, 9, sequence, 123_456, 20);
            assert_eq!((header.sequence, header.marker), (wanted, true), "{sequence}");
        }
    }

    #[test]
    fn after_a_pause_the_time_has_gone_on() {
        let mut out = OutStream::new(1, 0, 0);
        out.own(8, 160, Mono::from_ms(0));
        let header = out.own(8, 160, Mono::from_ms(1000));
        assert_eq!((header.timestamp, header.marker), (8000, true));
        assert_eq!(out.timestamp_at(Mono::from_ms(1010)), 8080);
        // A source that begins at once does not overlap the frame before.
        out.begin_source();
        assert_eq!(out.own(8, 160, Mono::from_ms(1001)).timestamp, 8160);
    }

    #[test]
    fn frames_follow_when_what_was_sent_last_has_been_heard() {
        let mut out = OutStream::new(1, 0, 0);
        assert_eq!(out.next_due(Mono::from_ms(50)), Mono::from_ms(50), "nothing was sent yet");
        forward(&mut out, 9, 1, 0, 100);
        assert_eq!(out.next_due(Mono::from_ms(107)), Mono::from_ms(120));
        assert_eq!(out.next_due(Mono::from_ms(130)), Mono::from_ms(130), "never in the past");
        assert_eq!(out.next_due(Mono::from_ms(90)), Mono::from_ms(110), "at most a frame ahead");
        out.begin_source();
        assert_eq!(out.own(8, 160, Mono::from_ms(120)).timestamp, 160, "without a gap");
        out.own(8, 480, Mono::from_ms(140));
        assert_eq!(out.next_due(Mono::from_ms(150)), Mono::from_ms(200), "after all 60 ms of it");
    }

    #[test]
    fn a_digit_has_one_timestamp_and_voice_follows_it() {
        let mut out = OutStream::new(1, 0, 0);
        out.own(8, 160, Mono::from_ms(0));
        let packets: Vec<Header> =
            (0..4).map(|at| out.digit(101, at == 0, Mono::from_ms(20 + at * 20))).collect();
        assert!(packets.iter().all(|header| header.timestamp == 160));
        assert_eq!(packets.iter().filter(|header| header.marker).count(), 1);
        let voice = out.own(8, 160, Mono::from_ms(100));
        assert_eq!((voice.sequence, voice.timestamp), (5, 160 + 80 * 8));
    }

    #[test]
    fn voice_in_packets_of_another_length_keeps_its_time_and_its_digits() {
        let mut out = OutStream::new(1, 0, 0);
        out.own(8, 480, Mono::from_ms(0));
        // It begins while the 60 ms before it are still heard.
        let first = out.repacked(8, (9, 50_000), 80, Mono::from_ms(20));
        assert_eq!((first.sequence, first.timestamp, first.marker), (1, 480, true));
        let second = out.repacked(8, (9, 50_080), 80, Mono::from_ms(20));
        assert_eq!((second.sequence, second.timestamp, second.marker), (2, 560, false));
        // A digit has its place among them, each of its packets a number of its own.
        for (sequence, ours) in [(700, 3), (701, 4), (702, 5)] {
            let digit = forward(&mut out, 9, sequence, 50_160, 40);
            assert_eq!((digit.sequence, digit.timestamp), (ours, 640), "{sequence}");
        }
        // What was lost, or not sent, is time that goes by.
        let third = out.repacked(8, (9, 51_000), 80, Mono::from_ms(140));
        assert_eq!((third.sequence, third.timestamp, third.marker), (6, 1_480, false));
        let other = out.repacked(8, (10, 7), 80, Mono::from_ms(160));
        assert_eq!((other.timestamp, other.marker), (1_480 + 160, true));
        assert_eq!(forward(&mut out, 11, 1, 1, 200).timestamp, 1_480 + 160 + 320);
    }

    #[test]
    fn a_stream_of_another_clock_counts_its_own_ticks() {
        let mut out = OutStream::new(1, 0, u32::MAX - 959);
        out.set_clock_rate(48_000);
        assert_eq!(out.scale(), 6);
        let own: Vec<u32> =
            (0..3).map(|at| out.own(111, 160, Mono::from_ms(at * 20)).timestamp).collect();
        assert_eq!(own, [u32::MAX - 959, 0, 960]);
        assert_eq!(out.timestamp_at(Mono::from_ms(50)), 960 + 480);
        assert_eq!(out.next_due(Mono::from_ms(40)), Mono::from_ms(60));
        // What another leg says in ticks of telephone voice, its wrap included.
        let first = out.repacked(111, (9, u32::MAX - 159), 160, Mono::from_ms(60));
        let second = out.repacked(111, (9, 0), 160, Mono::from_ms(80));
        assert_eq!((first.timestamp, second.timestamp), (1_920, 2_880));
        // A digit among it keeps its place, all of its packets the same one.
        for (sequence, marker) in [(5, true), (6, false)] {
            let digit = out.relayed_digit(110, (9, 160), marker, Mono::from_ms(100));
            assert_eq!((digit.timestamp, digit.sequence), (3_840, sequence));
            assert_eq!((digit.marker, digit.payload_type), (marker, 110));
        }
        assert_eq!(out.repacked(111, (9, 480), 160, Mono::from_ms(140)).timestamp, 5_760);
        // One whose first is a digit begins there.
        assert_eq!(out.relayed_digit(110, (7, 5), true, Mono::from_ms(180)).timestamp, 7_680);
        assert_eq!(out.repacked(111, (7, 165), 160, Mono::from_ms(200)).timestamp, 8_640);
        // Forwarded, a packet is as long as a frame, whatever its bytes.
        forward(&mut out, 3, 1, 77, 220);
        assert_eq!(out.next_due(Mono::from_ms(221)), Mono::from_ms(240));
        // Back at the other clock time goes on.
        out.set_clock_rate(8_000);
        let back = out.own(8, 160, Mono::from_ms(260));
        assert_eq!((back.timestamp, back.marker), (9_600 + 320, true));
        out.set_clock_rate(44_100);
        assert_eq!(out.scale(), 1, "no multiple");
        let before = out.payload_bytes();
        out.own(8, 160, Mono::from_ms(280));
        out.correct_payload(160, 43);
        assert_eq!(out.payload_bytes(), before + 43);
    }

    #[test]
    fn what_is_no_packet_is_left_as_it_was() {
        let mut out = OutStream::new(1, 0, 0);
        let mut datagram = *b"not a packet at all";
        assert_eq!(out.forward(&mut datagram, 8, Mono(0)), Err(Malformed::Version));
        assert_eq!(&datagram, b"not a packet at all");
        assert_eq!(out.packets(), 0);
    }
}
