//! Legs of a codec that is no G.711: their voice is kept here as A-law of 8 kHz, decoded where it
//! comes in and encoded where it goes out. Between two of one codec nothing is decoded.

use media::{Codec, FRAME_SAMPLES, OpusWishes, g711, g722, l16, opus};
use rtp::Packet;

/// The most samples of one packet of L16.
const L16_SAMPLES: usize = rtp::MAX_PACKET_BYTES / 2;

/// Whether a packet says that nothing may follow it, as nobody speaks.
pub(crate) fn is_silence(codec: Codec, payload: &[u8]) -> bool {
    codec == Codec::Opus && opus::is_silence(payload)
}

/// What makes bytes of samples and samples of bytes for one leg. A codec's memory is made with its
/// first packet each way.
#[derive(Debug)]
pub(crate) enum Wide {
    G722 { decoder: g722::Decoder, encoder: g722::Encoder },
    Opus { decoder: Option<opus::Decoder>, encoder: Option<opus::Encoder> },
    L16,
    L16At16k { halver: l16::Halver, doubler: l16::Doubler },
}

/// What a packet became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Samples before those of the packet, in place of lost ones.
    pub(crate) lead: usize,
    /// All samples, those included: so many bytes of A-law.
    pub(crate) samples: usize,
}

/// Whether voice of that codec is no G.711: it is changed where it comes in and goes out.
pub(crate) const fn is_wide(codec: Codec) -> bool {
    match codec {
        Codec::G722 | Codec::Opus | Codec::L16 | Codec::L16Wide => true,
        Codec::Pcma | Codec::Pcmu => false,
    }
}

/// Whether a byte of that codec is no sample of 8 kHz: what is sent waits as A-law until it fills a
/// packet, and is encoded then.
pub(crate) const fn is_sized(codec: Codec) -> bool {
    match codec {
        Codec::Opus | Codec::L16 | Codec::L16Wide => true,
        Codec::Pcma | Codec::Pcmu | Codec::G722 => false,
    }
}

/// The codec of what waits for a packet of that one.
pub(crate) const fn waiting(codec: Codec) -> Codec {
    if is_sized(codec) { Codec::Pcma } else { codec }
}

impl Wide {
    /// For a codec that is wide; for G.711 it does nothing.
    pub(crate) fn new(codec: Codec) -> Self {
        match codec {
            Codec::G722 => Self::G722 { decoder: Default::default(), encoder: Default::default() },
            Codec::Opus => Self::Opus { decoder: None, encoder: None },
            Codec::L16Wide => {
                Self::L16At16k { halver: Default::default(), doubler: Default::default() }
            }
            Codec::L16 | Codec::Pcma | Codec::Pcmu => Self::L16,
        }
    }

    /// Voice that came, its timestamp in ticks of 8 kHz, as A-law. `None` if it cannot be decoded,
    /// or its place is filled already.
    pub(crate) fn keep(&mut self, packet: &Packet<'_>, into: &mut [u8]) -> Option<Kept> {
        let payload = packet.payload;
        let (lead, samples) = match self {
            Self::G722 { decoder, .. } => {
                let mut samples = [0; FRAME_SAMPLES];
                let into = into.get_mut(..payload.len())?;
                for (from, into) in
                    payload.chunks(FRAME_SAMPLES).zip(into.chunks_mut(FRAME_SAMPLES))
                {
                    decoder.decode_narrow(from, &mut samples);
                    g711::encode(Codec::Pcma, &samples[..from.len()], into);
                }
                (0, payload.len())
            }
            Self::Opus { decoder, .. } => {
                if decoder.is_none() {
                    *decoder = opus::Decoder::new();
                }
                let mut samples = [0; opus::MAX_LEAD + opus::MAX_SAMPLES];
                let at = (packet.header.sequence, packet.header.timestamp);
                let decoded = decoder.as_mut()?.decode(at, payload, &mut samples)?;
                let into = into.get_mut(..decoded.samples)?;
                g711::encode(Codec::Pcma, &samples, into);
                (decoded.lead, decoded.samples)
            }
            Self::L16 => {
                let mut samples = [0; L16_SAMPLES];
                l16::read(payload, &mut samples);
                let into = into.get_mut(..(payload.len() / 2).min(L16_SAMPLES))?;
                g711::encode(Codec::Pcma, &samples, into);
                (0, into.len())
            }
            Self::L16At16k { halver, .. } => {
                let (mut wide, mut samples) = ([0; L16_SAMPLES], [0; L16_SAMPLES / 2]);
                l16::read(payload, &mut wide);
                let length = (payload.len() / 4).min(samples.len());
                halver.halve(&wide[..2 * length], &mut samples);
                let into = into.get_mut(..length)?;
                g711::encode(Codec::Pcma, &samples, into);
                (0, length)
            }
        };
        Some(Kept { lead, samples }).filter(|kept| kept.samples > 0)
    }

    /// Its phone sends nothing from that packet on, for nobody speaks: as Opus does.
    pub(crate) fn fall_silent(&mut self, packet: &Packet<'_>) {
        if let Self::Opus { decoder, .. } = self {
            if decoder.is_none() {
                *decoder = opus::Decoder::new();
            }
            if let Some(decoder) = decoder {
                decoder.fall_silent(packet.header.sequence, packet.header.timestamp);
            }
        }
    }

    /// What is heard meanwhile.
    pub(crate) fn go_on(&mut self, samples: &mut [i16]) {
        match self {
            Self::Opus { decoder: Some(decoder), .. } => decoder.go_on(samples),
            _ => samples.fill(0),
        }
    }

    /// Voice that is kept in the law of `codec`, as it is sent where a byte is a sample.
    pub(crate) fn code(&mut self, codec: Codec, payload: &mut [u8]) {
        let Self::G722 { encoder, .. } = self else { return };
        let mut samples = [0; FRAME_SAMPLES];
        for piece in payload.chunks_mut(FRAME_SAMPLES) {
            g711::decode(codec, piece, &mut samples);
            encoder.encode_narrow(&samples[..piece.len()], piece);
        }
    }

    /// A packet's worth of A-law, as it is sent where a byte is no sample: how many bytes. `None`
    /// if it cannot be encoded: of Opus, if it is no frame.
    pub(crate) fn pack(
        &mut self,
        kept: &[u8],
        wishes: OpusWishes,
        into: &mut [u8],
    ) -> Option<usize> {
        let mut samples = [0; sdp::MAX_PTIME_MS as usize * 8];
        let samples = samples.get_mut(..kept.len())?;
        g711::decode(Codec::Pcma, kept, samples);
        match self {
            Self::G722 { .. } => None,
            Self::Opus { encoder, .. } => {
                if encoder.as_ref().is_none_or(|encoder| encoder.wishes() != wishes) {
                    *encoder = opus::Encoder::new(wishes);
                }
                encoder.as_mut()?.encode(samples, into)
            }
            Self::L16 => {
                let into = into.get_mut(..2 * samples.len())?;
                l16::write(samples, into);
                Some(into.len())
            }
            Self::L16At16k { doubler, .. } => {
                let mut wide = [0; sdp::MAX_PTIME_MS as usize * 16];
                let wide = wide.get_mut(..2 * samples.len())?;
                doubler.double(samples, wide);
                let into = into.get_mut(..2 * wide.len())?;
                l16::write(wide, into);
                Some(into.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use media::{compare, tone};
    use rtp::Header;

    use super::*;

    fn packet(timestamp: usize, payload: &[u8]) -> Packet<'_> {
        let (sequence, timestamp) = ((timestamp / 160) as u16, timestamp as u32);
        Packet { header: Header { sequence, timestamp, ..Header::default() }, payload }
    }

    fn assert_alike(voice: &[i16], kept: &[u8], least: f64, what: &str) {
        let mut heard = vec![0; kept.len()];
        g711::decode(Codec::Pcma, kept, &mut heard);
        let found = compare::find(&voice[..voice.len() - 800], &heard);
        assert!(found.is_some_and(|it| it.correlation > least), "{what}: {found:?}");
    }

    #[test]
    fn a_voice_goes_out_and_comes_in_as_it_was() {
        for law in [Codec::Pcma, Codec::Pcmu] {
            let voice = tone::voice(5, 12_000, 8_000);
            let mut bytes = vec![0; 8_000];
            g711::encode(law, &voice, &mut bytes);
            let (mut here, mut there) = (Wide::new(Codec::G722), Wide::new(Codec::G722));
            // In packets of 10, 20 and 30 ms.
            for (at, length) in [(0, 80), (80, 160), (240, 240), (480, 7_520)] {
                here.code(law, &mut bytes[at..at + length]);
            }
            let mut kept = vec![0; 8_000];
            let all = Some(Kept { lead: 0, samples: 8_000 });
            assert_eq!(there.keep(&packet(0, &bytes), &mut kept), all);
            assert_alike(&voice, &kept, 0.99, law.name());
        }
    }

    #[test]
    fn a_voice_goes_out_and_comes_in_where_bytes_are_no_samples() {
        let voice = tone::voice(5, 12_000, 16_000);
        let mut bytes = vec![0; 16_000];
        g711::encode(Codec::Pcma, &voice, &mut bytes);
        for (codec, size, least) in [
            (Codec::L16, Some(320), 0.99),
            (Codec::L16Wide, Some(640), 0.99),
            (Codec::Opus, None, 0.95),
        ] {
            let (mut here, mut there) = (Wide::new(codec), Wide::new(codec));
            let mut kept = Vec::new();
            for (nth, frame) in bytes.chunks(160).enumerate() {
                let (mut sent, mut came) = ([0; 1_280], [0; 1_500]);
                let length = here.pack(frame, OpusWishes::default(), &mut sent).expect("a frame");
                assert!(size.is_none_or(|size| size == length), "{length}");
                let there = there.keep(&packet(nth * 160, &sent[..length]), &mut came);
                assert_eq!(there, Some(Kept { lead: 0, samples: 160 }));
                kept.extend(&came[..160]);
            }
            assert_alike(&voice, &kept, least, codec.name());
        }
    }

    #[test]
    fn what_cannot_be_decoded_or_encoded_is_left_out() {
        for codec in [Codec::Opus, Codec::L16, Codec::L16Wide, Codec::G722] {
            let mut wide = Wide::new(codec);
            assert_eq!(wide.keep(&packet(0, &[]), &mut [0; 1_500]), None, "{codec:?}");
            let longest = [0; rtp::MAX_PACKET_BYTES];
            let kept = wide.keep(&packet(0, &longest), &mut [0; 1_500]);
            assert!(kept.is_none_or(|kept| kept.samples <= 1_500), "{codec:?}");
            let mut sent = [0; 100];
            assert_eq!(wide.pack(&[0xd5; 77], OpusWishes::default(), &mut sent), None);
        }
    }
}
