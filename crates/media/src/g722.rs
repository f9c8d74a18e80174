//! G.722 at 64 kbit/s: 7 kHz of voice in as many bytes as G.711 takes for 3.4 kHz.
//!
//! The blocks and tables are those of ITU-T G.722; each 16 kHz pair of samples is split into a low
//! and a high band (`bands.rs`) and both are coded by what they differ from a prediction
//! (`predict.rs`). A byte holds six bits of the low band and two of the high one.
//!
//! A voice of 8 kHz is the low band alone: it is coded and decoded without any resampling, and its
//! top octave is silence.

mod bands;
mod predict;
mod tables;

use bands::{Join, Split};
use predict::{HighBand, LowBand};

/// Makes bytes of samples. Goes on from call to call: one for each stream.
#[derive(Debug, Clone, Default)]
pub struct Encoder {
    split: Split,
    low: LowBand,
    high: HighBand,
}

impl Encoder {
    /// Two samples of 16 kHz a byte, as many as both hold.
    pub fn encode(&mut self, from: &[i16], into: &mut [u8]) {
        for (pair, byte) in from.as_chunks::<2>().0.iter().zip(into) {
            let (low, high) = self.split.pair(*pair);
            *byte = (self.high.encode(high) << 6) | self.low.encode(low);
        }
    }

    /// One sample of 8 kHz a byte, as many as both hold.
    pub fn encode_narrow(&mut self, from: &[i16], into: &mut [u8]) {
        for (sample, byte) in from.iter().zip(into) {
            // The bands have 15 bits: what a filter of full gain leaves of 16.
            let low = i32::from(*sample) >> 1;
            *byte = (self.high.encode(0) << 6) | self.low.encode(low);
        }
    }
}

/// Makes samples of bytes. Goes on from call to call: one for each stream.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    join: Join,
    low: LowBand,
    high: HighBand,
}

impl Decoder {
    /// Two samples of 16 kHz a byte, as many as both hold.
    pub fn decode(&mut self, from: &[u8], into: &mut [i16]) {
        for (byte, pair) in from.iter().zip(into.as_chunks_mut::<2>().0) {
            let (low, high) = (self.low.decode(*byte & 0x3f), self.high.decode(*byte >> 6));
            *pair = self.join.pair(low, high);
        }
    }

    /// One sample of 8 kHz a byte, as many as both hold: what is above 4 kHz is left out.
    pub fn decode_narrow(&mut self, from: &[u8], into: &mut [i16]) {
        for (byte, sample) in from.iter().zip(into) {
            let low = self.low.decode(*byte & 0x3f);
            // Its state is kept up, should the whole band be wanted later.
            self.high.decode(*byte >> 6);
            *sample = predict::saturate(low << 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice at 16 kHz: tones of both bands that come and go.
    fn voice(samples: usize) -> Vec<i16> {
        let wave =
            |hertz: f64, at: usize| (at as f64 * hertz * std::f64::consts::TAU / 16_000.0).sin();
        (0..samples)
            .map(|at| {
                let level = 9_000.0 * wave(3.0, at).abs();
                let tones = [(220.0, 0.5), (650.0, 0.3), (1_900.0, 0.15), (5_200.0, 0.05)];
                let sum: f64 = tones.iter().map(|(hertz, part)| part * wave(*hertz, at)).sum();
                (level * sum) as i16
            })
            .collect()
    }

    /// Decibels of a signal above what another, `delay` samples later, differs from it.
    fn snr(signal: &[i16], heard: &[i16], delay: usize) -> f64 {
        let (mut power, mut noise) = (0.0, 1e-9);
        for (one, other) in signal.iter().zip(&heard[delay..]) {
            let (one, other) = (f64::from(*one), f64::from(*other));
            power += one * one;
            noise += (one - other) * (one - other);
        }
        10.0 * (power / noise).log10()
    }

    #[test]
    fn a_wide_voice_comes_back_a_filters_length_later() {
        let voice = voice(32_000);
        let (mut bytes, mut heard) = (vec![0; 16_000], vec![0; 32_000]);
        Encoder::default().encode(&voice, &mut bytes);
        Decoder::default().decode(&bytes, &mut heard);
        // Two filters of 24 taps: 22 samples, 1.4 ms.
        let best = snr(&voice, &heard, 22);
        assert!(best > 22.0, "{best} dB");
        for delay in [0, 20, 21, 23, 24] {
            assert!(snr(&voice, &heard, delay) < best, "{delay}");
        }
    }

    #[test]
    fn a_narrow_voice_comes_back_at_once() {
        let voice = crate::tone::voice(7, 12_000, 16_000);
        let (mut bytes, mut heard) = (vec![0; 16_000], vec![0; 16_000]);
        Encoder::default().encode_narrow(&voice, &mut bytes);
        Decoder::default().decode_narrow(&bytes, &mut heard);
        let ratio = snr(&voice, &heard, 0);
        assert!(ratio > 25.0, "{ratio} dB");
    }

    #[test]
    fn bytes_in_pieces_are_the_same_as_at_once() {
        let voice = voice(640);
        let mut whole = [0; 320];
        Encoder::default().encode(&voice, &mut whole);
        let (mut pieces, mut encoder) = ([0; 320], Encoder::default());
        for (from, into) in voice.chunks(320).zip(pieces.chunks_mut(160)) {
            encoder.encode(from, into);
        }
        assert_eq!(whole, pieces);
        assert_ne!(whole[..160], whole[160..], "it is no silence");
    }

    #[test]
    fn a_decoder_that_joins_late_soon_hears_the_same() {
        let voice = crate::tone::voice(3, 12_000, 8_000);
        let mut bytes = vec![0; 8_000];
        Encoder::default().encode_narrow(&voice, &mut bytes);
        let (mut whole, mut late) = (vec![0; 8_000], vec![0; 6_000]);
        Decoder::default().decode_narrow(&bytes, &mut whole);
        Decoder::default().decode_narrow(&bytes[2_000..], &mut late);
        // What is not known of the past fades: after a quarter of a second nothing of it is left.
        let ratio = snr(&whole[4_000..], &late[2_000..], 0);
        assert!(ratio > 30.0, "{ratio} dB");
    }

    #[test]
    fn any_bytes_and_the_loudest_samples_stay_within_bounds() {
        let (mut decoder, mut heard) = (Decoder::default(), vec![0; 2 * 65_536]);
        let bytes: Vec<u8> =
            (0..65_536_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        decoder.decode(&bytes, &mut heard);
        for level in [i16::MIN, i16::MAX] {
            let square: Vec<i16> =
                (0..16_000).map(|at| if at / 8 % 2 == 0 { level } else { -1 - level }).collect();
            let mut coded = vec![0; 8_000];
            Encoder::default().encode(&square, &mut coded);
            let mut back = vec![0; 16_000];
            Decoder::default().decode(&coded, &mut back);
            assert!(back.iter().any(|sample| sample.unsigned_abs() > 16_000), "{level}");
        }
    }

    #[test]
    fn silence_stays_silence() {
        let (mut bytes, mut heard) = ([0; 160], [1; 160]);
        Encoder::default().encode_narrow(&[0; 160], &mut bytes);
        Decoder::default().decode_narrow(&bytes, &mut heard);
        assert!(heard.iter().all(|sample| sample.unsigned_abs() < 16), "{heard:?}");
    }

    /// FNV-1a over numbers.
    fn sum(numbers: impl Iterator<Item = u64>) -> u64 {
        let step = |hash: u64, number: u64| (hash ^ number).wrapping_mul(0x0100_0000_01b3);
        numbers.fold(0xcbf2_9ce4_8422_2325, step)
    }

    #[test]
    fn bytes_and_samples_are_those_of_libg722() {
        // What that library (of spandsp, which passes the ITU's sequences) makes of this.
        let samples: Vec<i16> = (0..3_200_i64)
            .map(|at| ((at * at * 37 + at * 1_201) % 20_011 - 10_005) as i16)
            .collect();
        let (mut bytes, mut heard) = ([0; 1_600], [0; 3_200]);
        Encoder::default().encode(&samples, &mut bytes);
        assert_eq!(bytes[..12], [46, 132, 32, 133, 34, 132, 4, 147, 26, 56, 175, 42]);
        assert_eq!(sum(bytes.iter().map(|byte| u64::from(*byte))), 0x288d_fa5e_f3db_092c);
        Decoder::default().decode(&bytes, &mut heard);
        let heard = heard.iter().map(|sample| u64::from(*sample as u16));
        assert_eq!(sum(heard), 0xa7fe_8232_45d6_8bd1);
    }
}
