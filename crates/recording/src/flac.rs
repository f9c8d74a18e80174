//! The sound of one side of a piece as a FLAC frame by itself (RFC 9639): lossless.
//!
//! One crate encodes and another decodes, so that an archive that was read back whole has been
//! understood by two that know nothing of each other. Each side is a frame of its own: two people
//! who talk in turn have nothing in common that a stereo frame could save, and what decodes a
//! single channel has no sum of two that could grow beyond its type.

use flac_codec::encode::{FlacStreamWriter, Options};
use symphonia::core::codecs::audio::well_known::CODEC_ID_FLAC;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};
use symphonia::default::codecs::FlacDecoder;

use crate::header::PIECE_FRAMES;
use crate::wav::RATE;

/// Bits of a sample.
const BITS: u32 = 16;

/// One side's samples as a frame; `None` if the encoder refuses.
pub(crate) fn encode(samples: impl Iterator<Item = i16>) -> Option<Vec<u8>> {
    let samples: Vec<i32> = samples.map(i32::from).collect();
    let mut out = Vec::with_capacity(samples.len());
    FlacStreamWriter::new(&mut out, Options::default()).write(RATE, 1, BITS, &samples).ok()?;
    Some(out)
}

/// Reads frames that [`encode`] wrote.
pub(crate) struct Decoder(FlacDecoder);

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decoder")
    }
}

impl Decoder {
    /// `None` if the crate does not take what the stream is.
    pub(crate) fn new() -> Option<Self> {
        let mut parameters = AudioCodecParameters::new();
        parameters.for_codec(CODEC_ID_FLAC).with_extra_data(Box::new(stream_info()));
        FlacDecoder::try_new(&parameters, &AudioDecoderOptions::default()).ok().map(Self)
    }

    /// Appends a frame's samples to `into`, each of which is every second of what lies there:
    /// `None` if it is not a frame of `frames` samples.
    pub(crate) fn decode(&mut self, frame: &[u8], frames: u32) -> Option<Vec<i16>> {
        let packet = PacketRef::new(0, Timestamp::new(0), Duration::new(frames.into()), frame);
        let decoded = self.0.decode_ref(&packet).ok()?;
        let mut samples = Vec::with_capacity(frames as usize);
        decoded.copy_to_vec_interleaved::<i16>(&mut samples);
        (samples.len() == frames as usize).then_some(samples)
    }
}

/// What stands at the beginning of a FLAC file (RFC 9639 section 8.2): of one channel, in frames of
/// up to a piece.
fn stream_info() -> [u8; 34] {
    let mut info = [0; 34];
    let frames = (PIECE_FRAMES as u16).to_be_bytes();
    info[..2].copy_from_slice(&16_u16.to_be_bytes());
    info[2..4].copy_from_slice(&frames);
    // Rate in 20 bits, channels less one in 3, bits of a sample less one in 5, the length in 36.
    let packed = (u64::from(RATE) << 44) | (u64::from(BITS - 1) << 36);
    info[10..18].copy_from_slice(&packed.to_be_bytes());
    info
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn round(samples: &[i16]) -> usize {
        let frame = encode(samples.iter().copied()).unwrap();
        let decoded = Decoder::new().unwrap().decode(&frame, samples.len() as u32);
        assert_eq!(decoded.as_deref(), Some(samples));
        frame.len()
    }

    #[test]
    fn all_lengths_and_the_widest_samples_come_back_as_they_were() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for length in (1..40).chain([159, 160, 1_000, 3_999, 4_000]) {
            let samples: Vec<i16> = (0..length).map(|_| rng.random()).collect();
            round(&samples);
        }
        for extreme in [i16::MIN, i16::MAX, 0, -1] {
            round(&[extreme; 4_000]);
        }
        let square: Vec<i16> =
            (0..4_000).map(|n| if n % 2 == 0 { i16::MIN } else { i16::MAX }).collect();
        round(&square);
    }

    #[test]
    fn silence_costs_nothing_and_a_voice_less_than_half() {
        assert!(round(&[0; 4_000]) < 20);
        let voice = media::tone::voice(3, 12_000, 4_000);
        let bytes = round(&voice);
        assert!(bytes < 6_000, "{bytes} of 8,000");
    }

    #[test]
    fn no_bytes_are_read_with_harm() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let frame = encode((0..4_000).map(|n| (n * 37) as i16)).unwrap();
        let mut decoder = Decoder::new().unwrap();
        for _ in 0..3_000 {
            let mut other = frame.clone();
            // Behind the frame's own head, so that it is not refused at once.
            let from = rng.random_range(0..other.len());
            let to = (from + rng.random_range(1..60)).min(other.len());
            rng.fill_bytes(&mut other[from..to]);
            other.truncate(rng.random_range(0..=other.len()));
            let _ = decoder.decode(&other, 4_000);
        }
        assert!(decoder.decode(&frame, 4_000).is_some(), "it reads on as before");
        assert!(decoder.decode(&frame, 3_999).is_none(), "another length");
    }
}
