//! Any sampling rate to that of the telephone.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

use crate::SAMPLE_RATE;

/// How much of a second is looked at together, or more where the two rates ask for that: enough for
/// 50 dB beside a transition band from 3,400 to 4,600 Hz.
const PART: usize = 16;

/// `samples` at `rate`, resampled to [`SAMPLE_RATE`].
pub(crate) fn to_telephone_rate(samples: &[f32], rate: u32) -> Result<Vec<f32>, String> {
    if rate == SAMPLE_RATE || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    let (from, to) = (rate as usize, SAMPLE_RATE as usize);
    // An even number of samples has its middle between samples of both rates: an odd one would
    // move the sound by a part of a sample.
    let chunk = (from / PART).next_multiple_of(2 * from / greatest_common_divisor(from, to));
    let window = WindowFunction::BlackmanHarris2;
    let mut resampler = Fft::<f32>::new_custom(from, to, chunk, 1, 1, window, FixedSync::Both)
        .map_err(|error| error.to_string())?;
    let length = samples.len();
    let input = InterleavedSlice::new(samples, 1, length).map_err(|error| error.to_string())?;
    let output = resampler.process_all(&input, length, None).map_err(|error| error.to_string())?;
    let mut output = output.take_data();
    // What a last part of an output sample would be is nothing.
    output.truncate(length * to / from);
    Ok(output)
}

fn greatest_common_divisor(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    fn sine(hertz: f64, rate: u32, seconds: f64) -> Vec<f32> {
        let step = hertz * 2.0 * PI / f64::from(rate);
        (0..(f64::from(rate) * seconds) as usize)
            .map(|at| (step * at as f64).sin() as f32)
            .collect()
    }

    /// The level of what is left after the wanted tone is taken out, in dB below it, away from
    /// the ends.
    fn rest_db(heard: &[f32], wanted: &[f32]) -> f64 {
        let middle = 200..heard.len().min(wanted.len()) - 200;
        let power = |of: &mut dyn Iterator<Item = f64>| of.map(|x| x * x).sum::<f64>();
        let tone = power(&mut wanted[middle.clone()].iter().map(|x| f64::from(*x)));
        let rest = power(&mut middle.map(|at| f64::from(heard[at]) - f64::from(wanted[at])));
        10.0 * (rest / tone).log10()
    }

    #[test]
    fn voice_comes_through_unchanged_at_every_usual_rate() {
        for rate in [11_025, 11_127, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000] {
            for hertz in [200.0, 1000.0, 3000.0, 3400.0] {
                let heard = to_telephone_rate(&sine(hertz, rate, 0.5), rate).unwrap();
                assert!((3999..=4000).contains(&heard.len()), "{rate}: {}", heard.len());
                let rest = rest_db(&heard, &sine(hertz, SAMPLE_RATE, 0.5));
                assert!(rest < -50.0, "{rate} Hz, tone of {hertz} Hz: {rest:.1} dB");
            }
        }
    }

    #[test]
    fn what_the_telephone_cannot_carry_does_not_fold_back() {
        for (hertz, rate) in [(4800.0, 16_000), (5000.0, 48_000), (7000.0, 44_100)] {
            let heard = to_telephone_rate(&sine(hertz, rate, 0.5), rate).unwrap();
            // A tone that begins all at once clicks, so the ends do not count.
            let middle = &heard[200..heard.len() - 200];
            let power: f64 = middle.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
            let level = 10.0 * (2.0 * power / middle.len() as f64).log10();
            assert!(level < -50.0, "{hertz} Hz at {rate}: {level:.1} dB");
        }
    }

    #[test]
    fn a_lower_rate_is_filled_in() {
        let heard = to_telephone_rate(&sine(1000.0, 6000, 0.5), 6000).unwrap();
        assert!(rest_db(&heard, &sine(1000.0, SAMPLE_RATE, 0.5)) < -50.0);
    }

    #[test]
    fn the_shortest_audio_is_resampled_too() {
        assert_eq!(to_telephone_rate(&[], 48_000).unwrap(), []);
        assert_eq!(to_telephone_rate(&[1.0; 5], 48_000).unwrap(), []);
        assert_eq!(to_telephone_rate(&[1.0; 6], 48_000).unwrap().len(), 1);
    }
}
