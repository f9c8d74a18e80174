//! Is this audio in that audio? For tests and measurements; nothing on a call's path uses it.
//!
//! Normalized cross-correlation over every lag, by Fourier transform, so that a minute of audio is
//! searched in well under a second. It does not depend on loudness, and G.711 costs it little: the
//! same voice through one or two codings stays above 0.99.

use std::f64::consts::PI;

/// Audio quieter than this (root mean square) is silence: codec noise must not look like a find.
pub const SILENCE_RMS: u32 = 24;

/// Where audio was found in other audio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// How many samples after the start of the other audio.
    pub lag: usize,
    /// Normalized correlation there: 1 is the same up to loudness, 0 is nothing alike.
    pub correlation: f64,
}

/// Where `part` is most alike in `whole`; `None` if `part` is silent, empty or longer than
/// `whole`, or `whole` is silent throughout.
pub fn find(part: &[i16], whole: &[i16]) -> Option<Found> {
    if part.is_empty() || part.len() > whole.len() || is_silent(part) {
        return None;
    }
    let products = correlate(part, whole);
    let part_energy = energy(part) as f64;
    let floor = u64::from(SILENCE_RMS * SILENCE_RMS) * part.len() as u64;
    let mut window_energy = energy(&whole[..part.len()]);
    let mut best: Option<Found> = None;
    for (lag, product) in products.into_iter().enumerate() {
        if lag > 0 {
            window_energy += square(whole[lag + part.len() - 1]);
            window_energy -= square(whole[lag - 1]);
        }
        if window_energy < floor {
            continue;
        }
        let correlation = product / (part_energy * window_energy as f64).sqrt();
        if best.is_none_or(|found| correlation > found.correlation) {
            best = Some(Found { lag, correlation });
        }
    }
    best
}

/// How much of `part` is in `whole`, from 0 to 1: the share of its pieces, `piece` samples long,
/// that are found with at least `correlation`. Silent pieces are not counted.
///
/// Unlike [`find`] it forgives a receiver that stretched or dropped a few frames in between.
/// `None` if `part` has no piece that is not silent.
pub fn coverage(part: &[i16], whole: &[i16], piece: usize, correlation: f64) -> Option<f64> {
    let pieces = part.chunks_exact(piece).filter(|piece| !is_silent(piece));
    let found: Vec<bool> = pieces
        .map(|piece| find(piece, whole).is_some_and(|found| found.correlation >= correlation))
        .collect();
    let share = found.iter().filter(|found| **found).count() as f64 / found.len() as f64;
    (!found.is_empty()).then_some(share)
}

/// Whether the audio is quieter than [`SILENCE_RMS`].
pub fn is_silent(audio: &[i16]) -> bool {
    energy(audio) < u64::from(SILENCE_RMS * SILENCE_RMS) * audio.len() as u64 || audio.is_empty()
}

fn square(sample: i16) -> u64 {
    u64::from(sample.unsigned_abs()).pow(2)
}

fn energy(audio: &[i16]) -> u64 {
    audio.iter().map(|sample| square(*sample)).sum()
}

/// The inner product of `part` with `whole` at every lag at which it lies within.
fn correlate(part: &[i16], whole: &[i16]) -> Vec<f64> {
    let size = whole.len().next_power_of_two();
    // Both are real, so one transform does for both: `whole` as the real part, `part` as the
    // imaginary one. Lags at which the circle wraps around are beyond those that are asked for.
    let at = |audio: &[i16], at: usize| audio.get(at).map_or(0.0, |sample| f64::from(*sample));
    let mut mixed: Vec<Complex> = (0..size).map(|n| (at(whole, n), at(part, n))).collect();
    transform(&mut mixed, 1.0);
    let mut product: Vec<Complex> = (0..size)
        .map(|n| {
            let (a, b) = (mixed[n], mixed[(size - n) % size]);
            let whole = ((a.0 + b.0) / 2.0, (a.1 - b.1) / 2.0);
            let part = ((a.1 + b.1) / 2.0, (b.0 - a.0) / 2.0);
            multiply(whole, (part.0, -part.1))
        })
        .collect();
    transform(&mut product, -1.0);
    let lags = whole.len() - part.len() + 1;
    product[..lags].iter().map(|value| value.0 / size as f64).collect()
}

type Complex = (f64, f64);

const fn multiply(a: Complex, b: Complex) -> Complex {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

/// The discrete Fourier transform in place (Cooley, Tukey 1965); the length is a power of two.
fn transform(values: &mut [Complex], sign: f64) {
    let size = values.len();
    let bits = size.trailing_zeros();
    if bits == 0 {
        return;
    }
    for at in 0..size {
        let mirrored = at.reverse_bits() >> (usize::BITS - bits);
        if at < mirrored {
            values.swap(at, mirrored);
        }
    }
    let mut half = 1;
    while half < size {
        let turns: Vec<Complex> = (0..half)
            .map(|at| -sign * PI * at as f64 / half as f64)
            .map(|angle| (angle.cos(), angle.sin()))
            .collect();
        for block in values.chunks_exact_mut(2 * half) {
            let (lower, upper) = block.split_at_mut(half);
            for ((one, other), turn) in lower.iter_mut().zip(upper).zip(&turns) {
                let turned = multiply(*other, *turn);
                *other = (one.0 - turned.0, one.1 - turned.1);
                *one = (one.0 + turned.0, one.1 + turned.1);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{sine, voice};
    use crate::{Codec, g711};

    /// Two hands' work: every lag, one by one.
    fn slowly(part: &[i16], whole: &[i16]) -> Vec<f64> {
        let product = |window: &[i16]| -> f64 {
            part.iter().zip(window).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        whole.windows(part.len()).map(product).collect()
    }

    #[test]
    fn the_transform_gives_what_multiplying_gives() {
        for (part, whole) in [(3, 7), (1, 1), (64, 64), (100, 1000)] {
            let (part, whole) = (voice(3, 9000, part), voice(4, 9000, whole));
            let (fast, slow) = (correlate(&part, &whole), slowly(&part, &whole));
            assert_eq!(fast.len(), slow.len());
            for (fast, slow) in fast.iter().zip(slow) {
                assert!((fast - slow).abs() < 1.0, "{fast} {slow}");
            }
        }
    }

    #[test]
    fn audio_is_found_where_it_is_quieter_and_coded() {
        let part = voice(5, 20_000, 16_000);
        let mut whole = voice(6, 8000, 50_000);
        for (to, from) in whole[12_345..].iter_mut().zip(&part) {
            *to = from / 4;
        }
        let mut bytes = vec![0; whole.len()];
        g711::encode(Codec::Pcma, &whole, &mut bytes);
        g711::transcode(Codec::Pcma, Codec::Pcmu, &mut bytes);
        g711::decode(Codec::Pcmu, &bytes, &mut whole);
        let found = find(&part, &whole).expect("it is there");
        assert_eq!(found.lag, 12_345);
        assert!(found.correlation > 0.99, "{found:?}");
        let other = find(&voice(7, 20_000, 16_000), &whole).expect("something is most alike");
        assert!(other.correlation < 0.3, "{other:?}");
    }

    #[test]
    fn silence_is_never_found() {
        let tone = sine(440.0, 8000, 800);
        assert_eq!(find(&[], &tone), None);
        assert_eq!(find(&[8; 100], &tone), None);
        assert_eq!(find(&tone, &tone[..799]), None);
        assert_eq!(find(&tone, &[8; 2000]), None);
        assert_eq!(coverage(&[0; 800], &tone, 160, 0.9), None);
    }

    #[test]
    fn coverage_forgives_a_dropped_frame_and_sees_a_missing_half() {
        let part = voice(8, 15_000, 16_000);
        let stretched = [&part[..7000], &part[7160..]].concat();
        let covered = coverage(&part, &stretched, 1600, 0.95).expect("it is not silent");
        assert!(covered >= 0.9, "{covered}");
        assert!(find(&part, &stretched).is_none(), "the whole is longer than what came");
        let half = coverage(&part, &part[..8000], 1600, 0.95).expect("it is not silent");
        assert!((half - 0.5).abs() < 0.01, "{half}");
    }
}
