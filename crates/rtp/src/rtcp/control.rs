//! One leg's exchange of reports: when ours is due and what it says, and what the phone's told.

use std::time::Duration;

use model::Mono;

use super::{Interval, Report, ReportBlock, Sent, VoipMetrics};
use crate::{BufferTooSmall, Malformed, OutStream, Quality, SequenceTracker};

/// A round trip longer than this is a broken or hostile report.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(10);
/// So much shorter than nothing a round trip may come out by rounding, in 65,536ths of a second.
const ROUNDING: u32 = 66;
/// The bytes of our CNAME: 96 random bits in hexadecimal (RFC 7022 §4.2).
const CNAME_BYTES: usize = 24;
/// Seconds from 1900 to 1970. Reports name times since the engine's start as if it was 1970: only
/// their differences count, and the host's clock is nobody's business.
const NTP_BASE: u64 = 2_208_988_800;

/// What the phone told in its reports of the voice that we send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// How many reports told of our stream.
    pub reports: u64,
    /// Packets of ours that did not come there, so far.
    pub lost: u32,
    /// Of those since the report before, in 256ths.
    pub fraction_lost: u8,
    /// Interarrival jitter there, in ticks of the stream's clock.
    pub jitter: u32,
    /// From here to there and back, in microseconds.
    pub round_trip_us: Option<u32>,
    /// The conversation's score as the phone reckons it, in hundredths (RFC 3611 §4.7.5).
    pub mos: Option<u16>,
    /// Whether it said BYE: it leaves, its dialog ends in a moment.
    pub has_left: bool,
}

/// The stream that comes from the phone.
#[derive(Debug)]
pub struct Heard<'a> {
    /// Its name.
    pub ssrc: u32,
    /// What arrived of it.
    pub sequence: &'a mut SequenceTracker,
    /// Milliseconds of audio in one of its packets.
    pub packet_ms: u32,
}

/// The last sender report of the phone.
#[derive(Debug, Clone, Copy)]
struct SenderReport {
    ssrc: u32,
    /// The middle 32 bits of its time.
    middle: u32,
    arrived: Mono,
}

/// One leg's RTCP.
#[derive(Debug, Clone)]
pub struct Control {
    interval: Interval,
    due: Mono,
    cname: [u8; CNAME_BYTES],
    /// The phone asked for VoIP metrics.
    wants_metrics: bool,
    sender: Option<SenderReport>,
    /// How many packets we had sent at the report before the last one, and at the last one.
    packets_before: [u64; 2],
    reports_sent: u64,
    told: Told,
}

impl Control {
    /// An exchange that begins at `now`; its first report is due soon after. Chance follows from
    /// the seed, which is to be random.
    pub fn new(seed: u64, now: Mono) -> Self {
        let mut interval = Interval::new(seed);
        let mut cname = [b'0'; CNAME_BYTES];
        let random = (u128::from(interval.chance()) << 64) | u128::from(interval.chance());
        for (at, into) in cname.iter_mut().enumerate() {
            *into = b"0123456789abcdef"[(random >> (4 * at)) as usize & 0xf];
        }
        let due = now + interval.next_interval();
        Self {
            interval,
            due,
            cname,
            wants_metrics: false,
            sender: None,
            packets_before: [0; 2],
            reports_sent: 0,
            told: Told::default(),
        }
    }

    /// Whether the phone is sent VoIP metrics: it has to ask for them (RFC 3611 §5).
    pub const fn set_wants_metrics(&mut self, wants: bool) {
        self.wants_metrics = wants;
    }

    /// What the phone told so far.
    pub const fn told(&self) -> &Told {
        &self.told
    }

    /// When the next report is due, and why.
    pub const fn poll_timeout(&self) -> (Mono, &'static str) {
        (self.due, "a report of RTCP")
    }

    /// A compound packet came from the phone, to which we send the stream `ours`.
    ///
    /// # Errors
    /// It is no RTCP; nothing has changed then.
    pub fn handle_datagram(
        &mut self,
        datagram: &[u8],
        ours: u32,
        now: Mono,
    ) -> Result<(), Malformed> {
        let report = Report::parse(datagram, Some(ours))?;
        self.interval.handle_packet(datagram.len());
        if let Some(sent) = report.sent {
            let middle = (sent.ntp >> 16) as u32;
            self.sender = Some(SenderReport { ssrc: report.ssrc, middle, arrived: now });
        }
        if let Some(block) = report.received {
            self.told.reports += 1;
            self.told.lost = block.lost;
            self.told.fraction_lost = block.fraction_lost;
            self.told.jitter = block.jitter;
            self.told.round_trip_us = round_trip_us(&block, now).or(self.told.round_trip_us);
        }
        if let Some(mos) = report.metrics.and_then(|metrics| metrics.conversation_mos) {
            self.told.mos = Some(u16::from(mos) * 10);
        }
        self.told.has_left |= report.bye;
        Ok(())
    }

    /// Writes our report, and when the next one is due follows from that; returns its length. The
    /// last one of a leg says BYE.
    ///
    /// # Errors
    /// `into` is too short; [`super::MAX_REPORT_BYTES`] are always enough.
    pub fn write(
        &mut self,
        out: &OutStream,
        heard: Option<Heard<'_>>,
        bye: bool,
        now: Mono,
        into: &mut [u8],
    ) -> Result<usize, BufferTooSmall> {
        let (mut received, mut metrics) = (None, None);
        if let Some(heard) = heard {
            let mut block = heard.sequence.report(heard.ssrc);
            // Both directions have one codec, and so one clock.
            block.jitter = block.jitter.saturating_mul(out.scale());
            if let Some(sender) = self.sender.filter(|sender| sender.ssrc == heard.ssrc) {
                block.last_report = sender.middle;
                block.since_last_report = fractions(now.0.saturating_sub(sender.arrived.0)) as u32;
            }
            received = Some(block);
            metrics = self.wants_metrics.then(|| self.metrics(&heard));
        }
        // Who has sent nothing since the report before the last is no sender (§6.4).
        let is_sender = out.packets() > self.packets_before[0];
        let sent = is_sender.then(|| Sent {
            ntp: ntp(now),
            timestamp: out.timestamp_at(now),
            packets: out.packets() as u32,
            payload_bytes: out.payload_bytes() as u32,
        });
        let report = Report { ssrc: out.ssrc(), sent, received, metrics, bye };
        let cname = std::str::from_utf8(&self.cname).unwrap_or("hotline");
        let bytes = report.write(cname, into)?;
        self.packets_before = [self.packets_before[1], out.packets()];
        self.reports_sent += 1;
        self.interval.handle_packet(bytes);
        self.due = now + self.interval.next_interval();
        Ok(bytes)
    }

    /// Whether a BYE may be sent: who never sent anything has to leave without a word (§6.3.7).
    pub const fn may_leave(&self, out: &OutStream) -> bool {
        self.reports_sent > 0 || out.packets() > 0
    }

    fn metrics(&self, heard: &Heard<'_>) -> VoipMetrics {
        let sequence = &*heard.sequence;
        let round_trip_ms = self.told.round_trip_us.unwrap_or(0) / 1_000;
        let buffer_ms = heard.packet_ms + 2 * sequence.jitter_us() / 1_000;
        let quality = Quality {
            expected: sequence.expected(),
            lost: sequence.lost(),
            bursts: sequence.bursts(),
            delay_ms: 0,
        };
        let conversed = Quality { delay_ms: buffer_ms + round_trip_ms / 2, ..quality };
        let tenths = |mos: u16| (mos / 10) as u8;
        let figures = sequence.gaps().figures();
        let ms = |packets: u64| clamped(packets.saturating_mul(heard.packet_ms.into()));
        let loss = (quality.lost << 8).checked_div(quality.expected).unwrap_or(0);
        VoipMetrics {
            loss_rate: loss.min(255) as u8,
            burst_density: figures.burst_density,
            gap_density: figures.gap_density,
            burst_ms: ms(figures.burst_packets),
            gap_ms: ms(figures.gap_packets),
            round_trip_ms: clamped(round_trip_ms.into()),
            end_system_ms: clamped(buffer_ms.into()),
            rating: conversed.rating(),
            listening_mos: quality.mos().map(tenths),
            conversation_mos: conversed.mos().map(tenths),
            buffer_ms: clamped(buffer_ms.into()),
            ..VoipMetrics::unknown(heard.ssrc)
        }
    }
}

fn clamped(value: u64) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

/// Nanoseconds as 65,536ths of a second.
const fn fractions(nanos: u64) -> u64 {
    ((nanos as u128 * 65_536) / 1_000_000_000) as u64
}

/// A moment as a sender report names it.
fn ntp(now: Mono) -> u64 {
    let (seconds, nanos) = (now.0 / 1_000_000_000, now.0 % 1_000_000_000);
    ((NTP_BASE + seconds) << 32) | ((nanos << 32) / 1_000_000_000)
}

/// RFC 3550 §6.4.1: now, less when our report left, less how long it lay there. `None` where the
/// phone had no report of ours, or what it says cannot be.
fn round_trip_us(block: &ReportBlock, now: Mono) -> Option<u32> {
    if block.last_report == 0 {
        return None;
    }
    let now = (ntp(now) >> 16) as u32;
    let fractions = now.wrapping_sub(block.last_report).wrapping_sub(block.since_last_report);
    let fractions = if fractions >= ROUNDING.wrapping_neg() { 0 } else { fractions };
    let micros = u64::from(fractions) * 1_000_000 / 65_536;
    (micros <= MAX_ROUND_TRIP.as_micros() as u64).then_some(micros as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::MAX_REPORT_BYTES;

    /// One side of a call: its stream out, what it hears, its RTCP.
    struct Side {
        out: OutStream,
        heard: SequenceTracker,
        control: Control,
    }

    impl Side {
        fn new(ssrc: u32) -> Self {
            let control = Control::new(u64::from(ssrc), Mono(0));
            Self { out: OutStream::new(ssrc, 1, 1), heard: SequenceTracker::default(), control }
        }

        fn report(&mut self, other: u32, bye: bool, now: Mono) -> Vec<u8> {
            let heard = (self.heard.received() > 0).then_some(Heard {
                ssrc: other,
                sequence: &mut self.heard,
                packet_ms: 20,
            });
            let mut buffer = [0; MAX_REPORT_BYTES];
            let bytes = self.control.write(&self.out, heard, bye, now, &mut buffer);
            buffer[..bytes.expect("it fits")].to_vec()
        }
    }

    fn ms(ms: u64) -> Mono {
        Mono::from_ms(ms)
    }

    /// A second of voice from one to the other, each tenth packet lost.
    fn talk(from: &mut Side, to: &mut Side, start_ms: u64) {
        for frame in 0..50 {
            let now = ms(start_ms + frame * 20);
            let header = from.out.own(8, 160, now);
            if frame % 10 != 9 || frame == 49 {
                to.heard.handle_packet(
                    header.sequence,
                    header.timestamp,
                    now + Duration::from_millis(30),
                );
            }
        }
    }

    #[test]
    fn both_sides_learn_loss_and_round_trip() {
        let (mut one, mut other) = (Side::new(1), Side::new(2));
        talk(&mut one, &mut other, 0);
        // 30 ms each way; the report lies 500 ms at the other side.
        let said = one.report(2, false, ms(1_000));
        other.control.handle_datagram(&said, 2, ms(1_030)).expect("a report");
        assert_eq!(other.control.told().reports, 0, "nothing was heard yet");
        let answer = other.report(1, false, ms(1_530));
        one.control.handle_datagram(&answer, 1, ms(1_560)).expect("a report");
        let told = *one.control.told();
        assert_eq!((told.reports, told.lost, told.fraction_lost), (1, 4, 20));
        let round_trip = told.round_trip_us.expect("a round trip");
        assert!((59_900..=60_100).contains(&round_trip), "{round_trip}");
        assert_eq!(told.mos, None, "nobody asked for metrics");
    }

    #[test]
    fn metrics_come_to_who_asks_for_them() {
        let (mut one, mut other) = (Side::new(1), Side::new(2));
        talk(&mut one, &mut other, 0);
        other.control.set_wants_metrics(true);
        let said = other.report(1, false, ms(1_000));
        let report = Report::parse(&said, Some(1)).expect("a report");
        let metrics = report.metrics.expect("metrics");
        assert_eq!((metrics.ssrc, metrics.loss_rate), (1, 20));
        assert!(metrics.rating.is_some_and(|rating| rating < 85), "{metrics:?}");
        one.control.handle_datagram(&said, 1, ms(1_000)).expect("a report");
        assert!(one.control.told().mos.is_some_and(|mos| (200..=420).contains(&mos)));
    }

    #[test]
    fn who_sends_nothing_any_more_is_a_receiver_after_two_reports() {
        let (mut one, mut other) = (Side::new(1), Side::new(2));
        talk(&mut one, &mut other, 0);
        let is_sender = |said: &[u8]| said[1] == 200;
        let said = [1_000, 4_000, 8_000].map(|at| is_sender(&one.report(2, false, ms(at))));
        assert_eq!(said, [true, true, false]);
        assert!(!is_sender(&other.report(1, false, ms(1_000))));
    }

    #[test]
    fn the_next_report_is_due_within_the_interval_and_the_last_says_bye() {
        let mut side = Side::new(1);
        let (first, why) = side.control.poll_timeout();
        assert!(first > ms(900) && first < ms(2_800), "{first:?}");
        assert_eq!(why, "a report of RTCP");
        assert!(!side.control.may_leave(&side.out), "it never said anything");
        side.report(2, false, first);
        let (next, _) = side.control.poll_timeout();
        assert!(next > first + Duration::from_millis(1_800), "{next:?}");
        assert!(side.control.may_leave(&side.out));
        let mut other = Side::new(2);
        other.control.handle_datagram(&side.report(2, true, next), 2, next).expect("a report");
        assert!(other.control.told().has_left);
    }

    #[test]
    fn a_round_trip_that_cannot_be_is_none() {
        let mut side = Side::new(1);
        let block = ReportBlock { ssrc: 1, last_report: 77, ..ReportBlock::default() };
        let report = Report { ssrc: 2, received: Some(block), ..Report::default() };
        let mut buffer = [0; MAX_REPORT_BYTES];
        let bytes = report.write("x", &mut buffer).expect("it fits");
        side.control.handle_datagram(&buffer[..bytes], 1, ms(50_000)).expect("a report");
        assert_eq!(side.control.told().round_trip_us, None);
        assert!(side.control.handle_datagram(&buffer[..9], 1, ms(50_000)).is_err());
        assert_eq!(side.control.told().reports, 1);
    }
}
