//! L16 (RFC 3551 §4.5.11): samples of 16 bits, the high byte first, 8,000 or 16,000 a second.
//!
//! Half of the samples of the higher rate are left out, or made, behind a half-band filter, so that
//! nothing above 4 kHz is folded into the voice.

use std::f32::consts::PI;

/// Samples of the higher rate on each side that count.
const REACH: usize = 23;
/// All of them.
const TAPS: usize = 2 * REACH + 1;

/// Samples as bytes; as many as both hold.
pub fn write(samples: &[i16], into: &mut [u8]) {
    for (sample, bytes) in samples.iter().zip(into.chunks_exact_mut(2)) {
        bytes.copy_from_slice(&sample.to_be_bytes());
    }
}

/// Bytes as samples; as many as both hold. Half a sample at the end is passed over.
pub fn read(bytes: &[u8], into: &mut [i16]) {
    for (bytes, sample) in bytes.chunks_exact(2).zip(into) {
        *sample = i16::from_be_bytes([bytes[0], bytes[1]]);
    }
}

/// A half-band filter and the samples that it remembers, all of the higher rate.
#[derive(Debug, Clone)]
struct HalfBand {
    taps: [f32; TAPS],
    heard: [f32; TAPS],
}

impl HalfBand {
    fn new() -> Self {
        let mut taps = [0.0; TAPS];
        for (at, tap) in taps.iter_mut().enumerate() {
            let distance = at as f32 - REACH as f32;
            let sinc = match distance == 0.0 {
                true => 0.5,
                false => (PI * distance / 2.0).sin() / (PI * distance),
            };
            let turn = PI * distance / (REACH as f32 + 1.0);
            *tap = sinc * (0.42 + 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos());
        }
        // So that a steady level stays what it is.
        let sum: f32 = taps.iter().sum();
        Self { taps: taps.map(|tap| tap / sum), heard: [0.0; TAPS] }
    }

    fn push(&mut self, sample: f32) {
        self.heard.copy_within(1.., 0);
        self.heard[TAPS - 1] = sample;
    }

    fn sum(&self) -> f32 {
        self.taps.iter().zip(&self.heard).map(|(tap, sample)| tap * sample).sum()
    }
}

/// Makes 8,000 samples a second of 16,000.
#[derive(Debug, Clone)]
pub struct Halver(HalfBand);

/// Makes 16,000 samples a second of 8,000.
#[derive(Debug, Clone)]
pub struct Doubler(HalfBand);

impl Default for Halver {
    fn default() -> Self {
        Self(HalfBand::new())
    }
}

impl Default for Doubler {
    fn default() -> Self {
        Self(HalfBand::new())
    }
}

impl Halver {
    /// One of each two samples; as many as both hold.
    pub fn halve(&mut self, samples: &[i16], into: &mut [i16]) {
        for (pair, sample) in samples.chunks_exact(2).zip(into) {
            // Between the two, so that both filters together delay by whole samples.
            self.0.push(pair[0].into());
            *sample = self.0.sum().round() as i16;
            self.0.push(pair[1].into());
        }
    }
}

impl Doubler {
    /// Two samples of each; as many as both hold.
    pub fn double(&mut self, samples: &[i16], into: &mut [i16]) {
        for (sample, pair) in samples.iter().zip(into.chunks_exact_mut(2)) {
            // Half of the power is in the image above 4 kHz, which the filter takes away.
            self.0.push(2.0 * f32::from(*sample));
            pair[0] = self.0.sum().round() as i16;
            self.0.push(0.0);
            pair[1] = self.0.sum().round() as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compare, tone};

    fn loudness(samples: &[i16]) -> f64 {
        let power: f64 = samples.iter().map(|it| f64::from(*it) * f64::from(*it)).sum();
        (power / samples.len() as f64).sqrt()
    }

    /// A tone at 16,000 samples a second.
    fn wide(hertz: f64) -> Vec<i16> {
        // The same angle a sample as half of it at the half rate.
        tone::sine(hertz / 2.0, 10_000, 8_000)
    }

    #[test]
    fn bytes_are_samples_the_high_one_first() {
        let mut bytes = [0; 7];
        write(&[0x1234, -2, 5], &mut bytes[..6]);
        assert_eq!(bytes, [0x12, 0x34, 0xff, 0xfe, 0, 5, 0]);
        let mut samples = [9; 4];
        read(&bytes, &mut samples);
        assert_eq!(samples, [0x1234, -2, 5, 9]);
    }

    #[test]
    fn a_voice_stays_what_it_is_at_the_other_rate_and_back() {
        let voice = tone::voice(4, 12_000, 8_000);
        let (mut doubled, mut back) = (vec![0; 16_000], vec![0; 8_000]);
        Doubler::default().double(&voice, &mut doubled);
        Halver::default().halve(&doubled, &mut back);
        let found = compare::find(&voice[..7_900], &back);
        assert!(found.as_ref().is_some_and(|it| it.correlation > 0.99), "{found:?}");
        let (was, is) = (loudness(&voice), loudness(&back));
        assert!((is / was - 1.0).abs() < 0.05, "{was} {is}");
    }

    #[test]
    fn what_telephone_voice_cannot_carry_is_not_folded_into_it() {
        for (hertz, is_heard) in
            [(500.0, true), (3_000.0, true), (5_200.0, false), (7_000.0, false)]
        {
            let mut heard = vec![0; 4_000];
            Halver::default().halve(&wide(hertz), &mut heard);
            let loud = loudness(&heard[200..]);
            assert_eq!(loud > 6_000.0, is_heard, "{hertz} Hz: {loud}");
            assert!(is_heard || loud < 30.0, "{hertz} Hz: {loud}");
        }
    }
}
