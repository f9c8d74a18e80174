//! Any sampling rate to that of the telephone: a windowed sinc, linear in phase.

use std::f64::consts::PI;

use crate::SAMPLE_RATE;

/// Zero crossings of the sinc on each side: enough for 70 dB beside the transition band.
const CROSSINGS: f64 = 32.0;
/// Where the pass band ends, as a part of the lower of the two Nyquist frequencies.
const PASS: f64 = 0.93;

/// `samples` at `rate`, resampled to [`SAMPLE_RATE`].
pub(crate) fn to_telephone_rate(samples: &[f32], rate: u32) -> Vec<f32> {
    if rate == SAMPLE_RATE {
        return samples.to_vec();
    }
    let shared = greatest_common_divisor(rate, SAMPLE_RATE);
    // Output sample n lies at input place n * step / phases.
    let (phases, step) = ((SAMPLE_RATE / shared) as usize, (rate / shared) as usize);
    let kernel = Kernel::new(rate, phases);
    let length = samples.len() * phases / step;
    (0..length)
        .map(|at| {
            let place = at * step;
            kernel.apply(samples, place / phases, place % phases)
        })
        .collect()
}

/// The filter's coefficients for every fraction of an input sample that occurs.
struct Kernel {
    /// Input samples before and after the place that count.
    reach: usize,
    /// `2 * reach` for each phase.
    taps: Vec<f32>,
}

impl Kernel {
    fn new(rate: u32, phases: usize) -> Self {
        // In cycles an input sample: where the pass band ends.
        let cutoff = 0.5 * PASS * (f64::from(SAMPLE_RATE) / f64::from(rate)).min(1.0);
        let reach = (CROSSINGS / (2.0 * cutoff)).ceil() as usize;
        let mut taps = Vec::with_capacity(phases * 2 * reach);
        for phase in 0..phases {
            let fraction = phase as f64 / phases as f64;
            let row = (0..2 * reach).map(|tap| {
                let distance = tap as f64 + 1.0 - reach as f64 - fraction;
                sinc(2.0 * cutoff * distance) * blackman(distance / reach as f64)
            });
            let row: Vec<f64> = row.collect();
            // So that silence and steady level stay what they are.
            let sum: f64 = row.iter().sum();
            taps.extend(row.iter().map(|tap| (tap / sum) as f32));
        }
        Self { reach, taps }
    }

    fn apply(&self, samples: &[f32], place: usize, phase: usize) -> f32 {
        let width = 2 * self.reach;
        let taps = &self.taps[phase * width..][..width];
        // Tap 0 belongs to the input sample `place + 1 - reach`; beyond both ends is silence.
        let skipped = (self.reach - 1).saturating_sub(place);
        let first = (place + 1 + skipped) - self.reach;
        taps[skipped..].iter().zip(&samples[first..]).map(|(tap, sample)| tap * sample).sum()
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// The window at `x` in -1..1.
fn blackman(x: f64) -> f64 {
    if x.abs() >= 1.0 { 0.0 } else { 0.42 + 0.5 * (PI * x).cos() + 0.08 * (2.0 * PI * x).cos() }
}

fn greatest_common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
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
        for rate in [11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000] {
            for hertz in [200.0, 1000.0, 3000.0, 3400.0] {
                let heard = to_telephone_rate(&sine(hertz, rate, 0.5), rate);
                assert!((3999..=4000).contains(&heard.len()), "{rate}: {}", heard.len());
                let rest = rest_db(&heard, &sine(hertz, SAMPLE_RATE, 0.5));
                assert!(rest < -50.0, "{rate} Hz, tone of {hertz} Hz: {rest:.1} dB");
            }
        }
    }

    #[test]
    fn what_the_telephone_cannot_carry_does_not_fold_back() {
        for (hertz, rate) in [(4800.0, 16_000), (5000.0, 48_000), (7000.0, 44_100)] {
            let heard = to_telephone_rate(&sine(hertz, rate, 0.5), rate);
            // A tone that begins all at once clicks, so the ends do not count.
            let middle = &heard[200..heard.len() - 200];
            let power: f64 = middle.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
            let level = 10.0 * (2.0 * power / middle.len() as f64).log10();
            assert!(level < -50.0, "{hertz} Hz at {rate}: {level:.1} dB");
        }
    }

    #[test]
    fn a_lower_rate_is_filled_in() {
        let heard = to_telephone_rate(&sine(1000.0, 6000, 0.5), 6000);
        assert!(rest_db(&heard, &sine(1000.0, SAMPLE_RATE, 0.5)) < -50.0);
    }

    #[test]
    fn the_shortest_audio_is_resampled_too() {
        assert_eq!(to_telephone_rate(&[], 48_000), []);
        assert_eq!(to_telephone_rate(&[1.0; 5], 48_000), []);
        assert_eq!(to_telephone_rate(&[1.0; 6], 48_000).len(), 1);
    }
}
