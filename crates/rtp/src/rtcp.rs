//! RTCP (RFC 3550 §6): sender and receiver reports with their CNAME, the VoIP metrics of RFC 3611,
//! and BYE. Here is what a compound packet says; [`Control`] is one leg's exchange of them.

mod control;
mod interval;
mod metrics;

pub use control::{Control, Heard, Told};
pub use interval::Interval;
pub(crate) use metrics::GMIN;
pub use metrics::{METRICS_BYTES, VoipMetrics};

use crate::{BufferTooSmall, Malformed};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const EXTENDED_REPORT: u8 = 207;
/// The item of a source description that names the participant.
const CNAME: u8 = 1;
/// The longest CNAME that is written.
pub const MAX_CNAME_BYTES: usize = 64;
/// What [`Report::write`] needs at most.
pub const MAX_REPORT_BYTES: usize = 28 + 24 + 8 + 2 + MAX_CNAME_BYTES + 4 + 8 + METRICS_BYTES + 8;

/// Whether a datagram on a port shared with RTP is RTCP (RFC 5761 §4).
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [first, 192..=223, ..] if first >> 6 == 2)
}

/// What a participant says about itself and about the stream that it receives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// The participant's stream.
    pub ssrc: u32,
    /// Present in a sender report.
    pub sent: Option<Sent>,
    /// On one of the streams that it receives.
    pub received: Option<ReportBlock>,
    /// How good that stream sounded there (RFC 3611 §4.7).
    pub metrics: Option<VoipMetrics>,
    /// Whether a BYE came with it.
    pub bye: bool,
}

/// What a sender says about itself (§6.4.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Seconds since 1900 in the upper half, their fraction in the lower.
    pub ntp: u64,
    /// The stream's timestamp at that moment.
    pub timestamp: u32,
    /// Packets so far.
    pub packets: u32,
    /// Bytes of payload so far.
    pub payload_bytes: u32,
}

/// What a receiver says about one stream (§6.4.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: u32,
    /// Lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost so far; duplicates never make it negative here. 23 bits.
    pub lost: u32,
    /// The newest sequence number, with the count of its wraps.
    pub highest: u32,
    /// In ticks.
    pub jitter: u32,
    /// The middle 32 bits of the last sender report's time; 0: none came.
    pub last_report: u32,
    /// How long ago that was, in 65,536ths of a second.
    pub since_last_report: u32,
}

impl Report {
    /// Writes the report with the participant's `cname` (cut to [`MAX_CNAME_BYTES`]), and BYE if
    /// wanted; returns the length.
    ///
    /// # Errors
    /// `into` is too short; [`MAX_REPORT_BYTES`] are always enough.
    pub fn write(&self, cname: &str, into: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let mut out = Out { into, at: 0 };
        let blocks = u8::from(self.received.is_some());
        let kind = if self.sent.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
        let words = 1 + if self.sent.is_some() { 5 } else { 0 } + 6 * u16::from(blocks);
        out.put(&[0x80 | blocks, kind])?;
        out.put(&words.to_be_bytes())?;
        out.put(&self.ssrc.to_be_bytes())?;
        if let Some(sent) = &self.sent {
            out.put(&sent.ntp.to_be_bytes())?;
            for word in [sent.timestamp, sent.packets, sent.payload_bytes] {
                out.put(&word.to_be_bytes())?;
            }
        }
        if let Some(block) = &self.received {
            block.write(&mut out)?;
        }
        let cname = &cname.as_bytes()[..cname.len().min(MAX_CNAME_BYTES)];
        // The items end with at least one zero byte and are padded to a word (§6.5).
        let padding = 4 - (2 + cname.len()) % 4;
        let words = (4 + 2 + cname.len() + padding) / 4;
        out.put(&[0x81, DESCRIPTION, 0, words as u8])?;
        out.put(&self.ssrc.to_be_bytes())?;
        out.put(&[CNAME, cname.len() as u8])?;
        out.put(cname)?;
        out.put(&[0; 4][..padding])?;
        if let Some(metrics) = &self.metrics {
            out.put(&[0x80, EXTENDED_REPORT, 0, 1 + (METRICS_BYTES / 4) as u8])?;
            out.put(&self.ssrc.to_be_bytes())?;
            out.put(&metrics.to_bytes())?;
        }
        if self.bye {
            out.put(&[0x81, BYE, 0, 1])?;
            out.put(&self.ssrc.to_be_bytes())?;
        }
        Ok(out.at)
    }

    /// Reads a compound packet: what it says of the stream `about`, or without one of the first
    /// stream that it names. Other streams, and what else it holds, are passed over.
    ///
    /// # Errors
    /// It is no RTCP, or does not begin with a report (§6.1).
    pub fn parse(datagram: &[u8], about: Option<u32>) -> Result<Report, Malformed> {
        let mut report: Option<Report> = None;
        let mut rest = datagram;
        while let Some((&[first, kind, high, low], _)) = rest.split_first_chunk::<4>() {
            if first >> 6 != 2 {
                return Err(Malformed::Version);
            }
            let length = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
            let (packet, next) = rest.split_at_checked(length).ok_or(Malformed::Short)?;
            rest = next;
            match (kind, &mut report) {
                (SENDER_REPORT | RECEIVER_REPORT, None) => {
                    report = Some(read_report(kind, first & 0x1f, packet, about)?);
                }
                // More blocks than one packet can hold come in receiver reports (§6.1).
                (RECEIVER_REPORT, Some(report)) => {
                    let more = read_report(kind, first & 0x1f, packet, about)?;
                    report.received = report.received.or(more.received);
                }
                (EXTENDED_REPORT, Some(report)) => {
                    let about = about.or(report.received.map(|block| block.ssrc));
                    report.metrics = report.metrics.or(VoipMetrics::find(packet, about));
                }
                (BYE, Some(report)) => report.bye = true,
                (_, Some(_)) => {}
                (_, None) => return Err(Malformed::Short),
            }
        }
        report.ok_or(Malformed::Short)
    }
}

impl ReportBlock {
    /// The length of one on the wire.
    const BYTES: usize = 24;

    fn write(&self, out: &mut Out<'_>) -> Result<(), BufferTooSmall> {
        let lost = u32::from(self.fraction_lost) << 24 | self.lost.min(0x7f_ffff);
        for word in [self.ssrc, lost, self.highest, self.jitter, self.last_report] {
            out.put(&word.to_be_bytes())?;
        }
        out.put(&self.since_last_report.to_be_bytes())
    }

    fn read(packet: &[u8], at: usize) -> Result<Self, Malformed> {
        let lost = word(packet, at + 4)?;
        Ok(Self {
            ssrc: word(packet, at)?,
            fraction_lost: (lost >> 24) as u8,
            // A negative count (more came than was sent) is 0 here.
            lost: Some(lost & 0xff_ffff).filter(|lost| *lost <= 0x7f_ffff).unwrap_or(0),
            highest: word(packet, at + 8)?,
            jitter: word(packet, at + 12)?,
            last_report: word(packet, at + 16)?,
            since_last_report: word(packet, at + 20)?,
        })
    }
}

fn word(packet: &[u8], at: usize) -> Result<u32, Malformed> {
    let bytes = packet.get(at..).and_then(<[u8]>::first_chunk::<4>).ok_or(Malformed::Short)?;
    Ok(u32::from_be_bytes(*bytes))
}

/// A report of at most 31 blocks.
fn read_report(
    kind: u8,
    blocks: u8,
    packet: &[u8],
    about: Option<u32>,
) -> Result<Report, Malformed> {
    let ssrc = word(packet, 4)?;
    let (sent, at) = match kind {
        SENDER_REPORT => {
            let ntp = u64::from(word(packet, 8)?) << 32 | u64::from(word(packet, 12)?);
            let (timestamp, packets) = (word(packet, 16)?, word(packet, 20)?);
            (Some(Sent { ntp, timestamp, packets, payload_bytes: word(packet, 24)? }), 28)
        }
        _ => (None, 8),
    };
    let mut received = None;
    for block in 0..usize::from(blocks) {
        let block = ReportBlock::read(packet, at + block * ReportBlock::BYTES)?;
        if about.is_none_or(|about| about == block.ssrc) {
            received = received.or(Some(block));
        }
    }
    Ok(Report { ssrc, sent, received, metrics: None, bye: false })
}

/// A buffer being filled.
struct Out<'a> {
    into: &'a mut [u8],
    at: usize,
}

impl Out<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), BufferTooSmall> {
        let end = self.at + bytes.len();
        self.into.get_mut(self.at..end).ok_or(BufferTooSmall)?.copy_from_slice(bytes);
        self.at = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> ReportBlock {
        ReportBlock {
            ssrc: 9,
            fraction_lost: 64,
            lost: 3,
            highest: 0x1_0004,
            jitter: 40,
            last_report: 5,
            since_last_report: 6,
        }
    }

    #[test]
    fn reports_read_back_what_they_say() {
        let sent = Sent { ntp: 0x1234_5678_9abc_def0, timestamp: 7, packets: 8, payload_bytes: 9 };
        for sent in [None, Some(sent)] {
            for received in [None, Some(block())] {
                for (bye, cname) in [(false, "a"), (true, "hotline@127.0.0.1"), (false, "")] {
                    let metrics = received.map(|block| VoipMetrics::unknown(block.ssrc));
                    let report = Report { ssrc: 0xdead_beef, sent, received, metrics, bye };
                    let mut buffer = [0; MAX_REPORT_BYTES];
                    let length = report.write(cname, &mut buffer).expect("it fits");
                    assert_eq!(length % 4, 0);
                    assert!(is_rtcp(&buffer[..length]));
                    assert_eq!(Report::parse(&buffer[..length], None), Ok(report));
                }
            }
        }
    }

    #[test]
    fn a_buffer_too_small_is_refused_at_every_length() {
        let report = Report { received: Some(block()), ..Report::default() };
        let mut buffer = [0; MAX_REPORT_BYTES];
        let length = report.write("engine", &mut buffer).expect("it fits");
        for short in 0..length {
            assert_eq!(report.write("engine", &mut buffer[..short]), Err(BufferTooSmall));
        }
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let report = Report { sent: Some(Sent::default()), ..Report::default() };
        let mut buffer = [0; MAX_REPORT_BYTES];
        let length = report.write("engine", &mut buffer).expect("it fits");
        for short in 0..28 {
            assert!(Report::parse(&buffer[..short], None).is_err(), "{short}");
        }
        buffer[0] = 0x40;
        assert_eq!(Report::parse(&buffer[..length], None), Err(Malformed::Version));
        assert!(!is_rtcp(&[0x80, 8, 0, 0]), "RTP is no RTCP");
    }

    #[test]
    fn the_block_about_a_stream_is_found_among_others() {
        let mut packet = vec![0x83, RECEIVER_REPORT, 0, 1 + 3 * 6, 0, 0, 0, 7];
        for ssrc in [1, 2, 3] {
            let mut block_bytes = [0; ReportBlock::BYTES];
            let mut out = Out { into: &mut block_bytes, at: 0 };
            ReportBlock { ssrc, jitter: 10 * ssrc, ..block() }.write(&mut out).expect("it fits");
            packet.extend(block_bytes);
        }
        let jitter = |about| {
            let report = Report::parse(&packet, about).expect("a report");
            report.received.map(|block| block.jitter)
        };
        assert_eq!((jitter(Some(2)), jitter(None), jitter(Some(9))), (Some(20), Some(10), None));
        // In a second packet of the compound, too.
        let mut compound = vec![0x80, RECEIVER_REPORT, 0, 1, 0, 0, 0, 7];
        compound.extend(&packet);
        let report = Report::parse(&compound, Some(3)).expect("a report");
        assert_eq!(report.received.map(|block| block.jitter), Some(30));
    }
}
