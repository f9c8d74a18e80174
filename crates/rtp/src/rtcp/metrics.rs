//! The VoIP metrics block of an extended report (RFC 3611 §4.7): how one voice sounded where it
//! was received.

/// The length of the block, its header included.
pub const METRICS_BYTES: usize = 36;

/// The block's type.
const VOIP_METRICS: u8 = 7;
/// What a level, a rating or a score is that is not known.
const UNKNOWN: u8 = 127;
/// As many packets in a row must come that a gap separates two bursts (§4.7.2 recommends 16).
pub(crate) const GMIN: u8 = 16;
/// A receiver that conceals (10), with a buffer that adapts (11), at no known rate (§4.7.6).
const CONCEALS_AND_ADAPTS: u8 = 0b1011_0000;

/// What a receiver says of one voice. Rates and densities are in 256ths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoipMetrics {
    /// The stream.
    pub ssrc: u32,
    /// Packets that did not come, of all.
    pub loss_rate: u8,
    /// Packets that came and were not played, of all.
    pub discard_rate: u8,
    /// Lost or discarded packets, of those in bursts.
    pub burst_density: u8,
    /// Lost or discarded packets, of those between bursts.
    pub gap_density: u8,
    /// The mean length of a burst, in milliseconds.
    pub burst_ms: u16,
    /// The mean length of what is between two, in milliseconds.
    pub gap_ms: u16,
    /// From here to there and back, in milliseconds; 0 if unknown.
    pub round_trip_ms: u16,
    /// What the receiver itself adds, in milliseconds.
    pub end_system_ms: u16,
    /// The E-model's rating, 0 to 100.
    pub rating: Option<u8>,
    /// The score of what is heard, in tenths, 10 to 50: delay left out.
    pub listening_mos: Option<u8>,
    /// The score of the conversation, in tenths, 10 to 50: delay counts.
    pub conversation_mos: Option<u8>,
    /// What the receiver keeps back at present, in milliseconds.
    pub buffer_ms: u16,
}

impl VoipMetrics {
    /// Nothing is known of the stream.
    pub const fn unknown(ssrc: u32) -> Self {
        Self {
            ssrc,
            loss_rate: 0,
            discard_rate: 0,
            burst_density: 0,
            gap_density: 0,
            burst_ms: 0,
            gap_ms: 0,
            round_trip_ms: 0,
            end_system_ms: 0,
            rating: None,
            listening_mos: None,
            conversation_mos: None,
            buffer_ms: 0,
        }
    }

    /// The block, its header first.
    pub(crate) fn to_bytes(self) -> [u8; METRICS_BYTES] {
        let mut bytes = [0; METRICS_BYTES];
        bytes[..4].copy_from_slice(&[VOIP_METRICS, 0, 0, (METRICS_BYTES / 4 - 1) as u8]);
        bytes[4..8].copy_from_slice(&self.ssrc.to_be_bytes());
        bytes[8..12].copy_from_slice(&[
            self.loss_rate,
            self.discard_rate,
            self.burst_density,
            self.gap_density,
        ]);
        let times = [self.burst_ms, self.gap_ms, self.round_trip_ms, self.end_system_ms];
        for (into, time) in bytes[12..20].chunks_exact_mut(2).zip(times) {
            into.copy_from_slice(&time.to_be_bytes());
        }
        let or_unknown = |value: Option<u8>| value.unwrap_or(UNKNOWN);
        // Signal, noise and echo are not measured here.
        bytes[20..24].copy_from_slice(&[UNKNOWN, UNKNOWN, UNKNOWN, GMIN]);
        bytes[24] = or_unknown(self.rating);
        bytes[25] = UNKNOWN;
        bytes[26] = or_unknown(self.listening_mos);
        bytes[27] = or_unknown(self.conversation_mos);
        bytes[28] = CONCEALS_AND_ADAPTS;
        for into in bytes[30..36].chunks_exact_mut(2) {
            into.copy_from_slice(&self.buffer_ms.to_be_bytes());
        }
        bytes
    }

    /// The block about a stream (or, without one, the first) in an extended report.
    pub(crate) fn find(packet: &[u8], about: Option<u32>) -> Option<Self> {
        let mut rest = packet.get(8..)?;
        while let Some((&[kind, _, high, low], _)) = rest.split_first_chunk::<4>() {
            let length = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
            let (block, next) = rest.split_at_checked(length)?;
            rest = next;
            if kind == VOIP_METRICS
                && let Some(metrics) = block.first_chunk().map(Self::read)
                && about.is_none_or(|about| about == metrics.ssrc)
            {
                return Some(metrics);
            }
        }
        None
    }

    fn read(bytes: &[u8; METRICS_BYTES]) -> Self {
        let half = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let score = |at: usize| Some(bytes[at]).filter(|score| (10..=50).contains(score));
        Self {
            ssrc: u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            loss_rate: bytes[8],
            discard_rate: bytes[9],
            burst_density: bytes[10],
            gap_density: bytes[11],
            burst_ms: half(12),
            gap_ms: half(14),
            round_trip_ms: half(16),
            end_system_ms: half(18),
            rating: Some(bytes[24]).filter(|rating| *rating <= 100),
            listening_mos: score(26),
            conversation_mos: score(27),
            buffer_ms: half(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> VoipMetrics {
        VoipMetrics {
            ssrc: 0xfeed_f00d,
            loss_rate: 1,
            discard_rate: 2,
            burst_density: 3,
            gap_density: 4,
            burst_ms: 500,
            gap_ms: 600,
            round_trip_ms: 700,
            end_system_ms: 800,
            rating: Some(93),
            listening_mos: Some(44),
            conversation_mos: Some(43),
            buffer_ms: 60,
        }
    }

    #[test]
    fn a_block_has_the_places_of_the_rfc() {
        let bytes = metrics().to_bytes();
        assert_eq!(bytes[..8], [7, 0, 0, 8, 0xfe, 0xed, 0xf0, 0x0d]);
        assert_eq!(bytes[12..20], [0x01, 0xf4, 0x02, 0x58, 0x02, 0xbc, 0x03, 0x20]);
        assert_eq!(bytes[20..28], [127, 127, 127, 16, 93, 127, 44, 43]);
        assert_eq!(bytes[30..], [0, 60, 0, 60, 0, 60]);
        assert_eq!(VoipMetrics::read(&bytes), metrics());
    }

    #[test]
    fn what_is_not_known_is_no_number() {
        let unknown = VoipMetrics::unknown(5);
        assert_eq!(VoipMetrics::read(&unknown.to_bytes()), unknown);
        let mut odd = metrics().to_bytes();
        // A score of 0 or of 51, or a rating of 101, is none.
        (odd[24], odd[26], odd[27]) = (101, 0, 51);
        let read = VoipMetrics::read(&odd);
        assert_eq!((read.rating, read.listening_mos, read.conversation_mos), (None, None, None));
    }

    #[test]
    fn it_is_found_behind_other_blocks_and_about_the_right_stream() {
        let mut packet = vec![0x80, 207, 0, 0, 0, 0, 0, 1];
        // Receiver reference time (§4.4), then a metrics block that is too short.
        packet.extend([4, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
        packet.extend([7, 0, 0, 1, 0, 0, 0, 9]);
        packet.extend(VoipMetrics { ssrc: 9, ..metrics() }.to_bytes());
        packet.extend(metrics().to_bytes());
        assert_eq!(VoipMetrics::find(&packet, Some(0xfeed_f00d)), Some(metrics()));
        assert_eq!(VoipMetrics::find(&packet, None).map(|found| found.ssrc), Some(9));
        assert_eq!(VoipMetrics::find(&packet, Some(1)), None);
        packet.truncate(packet.len() - 1);
        assert_eq!(VoipMetrics::find(&packet, Some(0xfeed_f00d)), None, "cut off");
    }
}
