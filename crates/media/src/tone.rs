//! Sounds that are made: for tests, measurements and the load generator.

use crate::SAMPLE_RATE;

/// `samples` of a sine of `hertz`, peak `amplitude`.
pub fn sine(hertz: f64, amplitude: i16, samples: usize) -> Vec<i16> {
    let step = hertz * std::f64::consts::TAU / f64::from(SAMPLE_RATE);
    (0..samples).map(|at| ((step * at as f64).sin() * f64::from(amplitude)) as i16).collect()
}

/// `samples` that sound like nothing else: every seed its own voice, in the telephone's band, so
/// that [`crate::compare::find`] tells which was heard and where it began.
///
/// A sequence of short tones whose pitches and levels follow from the seed.
pub fn voice(seed: u64, amplitude: i16, samples: usize) -> Vec<i16> {
    /// 60 ms: about the length of a spoken sound.
    const SOUND: usize = 480;
    let mut state = seed;
    let (mut hertz, mut other, mut level, mut phase, mut second) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let voice = (0..samples).map(|at| {
        if at % SOUND == 0 {
            hertz = 250.0 + (next(&mut state) % 700) as f64;
            other = 1000.0 + (next(&mut state) % 2200) as f64;
            level = 0.4 + (next(&mut state) % 600) as f64 / 1000.0;
        }
        phase += hertz * std::f64::consts::TAU / f64::from(SAMPLE_RATE);
        second += other * std::f64::consts::TAU / f64::from(SAMPLE_RATE);
        let swell = (std::f64::consts::PI * (at % SOUND) as f64 / SOUND as f64).sin();
        let sound: f64 = 0.6 * f64::sin(phase) + 0.4 * f64::sin(second);
        (sound * swell * level * f64::from(amplitude)) as i16
    });
    voice.collect()
}

/// SplitMix64 (Steele, Lea, Flood 2014).
const fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::find;

    #[test]
    fn every_seed_has_a_voice_of_its_own() {
        let one = voice(1, 12_000, 8000);
        assert_eq!(one, voice(1, 12_000, 8000));
        let (itself, other) = (find(&one, &one), find(&one, &voice(2, 12_000, 16_000)));
        assert!(itself.is_some_and(|found| found.lag == 0 && found.correlation > 0.999_999));
        assert!(other.is_none_or(|found| found.correlation < 0.35), "{other:?}");
        let peak = one.iter().map(|sample| sample.unsigned_abs()).max();
        assert!(peak.is_some_and(|peak| (6000..=12_000).contains(&peak)), "{peak:?}");
    }

    #[test]
    fn a_sine_has_the_frequency_that_was_asked_for() {
        let crossings = sine(1000.0, 10_000, 8000)
            .windows(2)
            .filter(|pair| pair[0] < 0 && pair[1] >= 0)
            .count();
        assert!((998..=1000).contains(&crossings), "{crossings}");
    }
}
