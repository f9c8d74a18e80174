//! The filter banks of G.722: 16 kHz into two bands of 8 kHz, and back.

use super::predict::saturate;
use super::tables::QMF;

/// Taps of the filter.
const TAPS: usize = 2 * QMF.len();

/// The last samples that a filter saw, the newest at the end.
#[derive(Debug, Clone, Default)]
struct Past([i32; TAPS]);

impl Past {
    fn push(&mut self, one: i32, other: i32) {
        self.0.copy_within(2.., 0);
        self.0[TAPS - 2] = one;
        self.0[TAPS - 1] = other;
    }

    /// The sums over every other sample: those at even places and those at odd ones.
    fn sums(&self) -> (i32, i32) {
        let (mut even, mut odd) = (0, 0);
        for (at, [one, other]) in self.0.as_chunks::<2>().0.iter().enumerate() {
            even += one * QMF[at];
            odd += other * QMF[QMF.len() - 1 - at];
        }
        (even, odd)
    }
}

/// Splits the voice that is coded.
#[derive(Debug, Clone, Default)]
pub(super) struct Split(Past);

impl Split {
    /// The low and the high band's next sample.
    pub(super) fn pair(&mut self, [one, other]: [i16; 2]) -> (i32, i32) {
        self.0.push(one.into(), other.into());
        let (even, odd) = self.0.sums();
        ((odd + even) >> 14, (odd - even) >> 14)
    }
}

/// Joins the bands that were decoded.
#[derive(Debug, Clone, Default)]
pub(super) struct Join(Past);

impl Join {
    /// The next two samples.
    pub(super) fn pair(&mut self, low: i32, high: i32) -> [i16; 2] {
        self.0.push(low + high, low - high);
        let (even, odd) = self.0.sums();
        [saturate(odd >> 11), saturate(even >> 11)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_split_and_joined_is_what_it_was() {
        let wave = |hertz: f64, at: usize| {
            (at as f64 * hertz * std::f64::consts::TAU / 16_000.0).sin() * 8_000.0
        };
        for hertz in [100.0, 1_000.0, 3_900.0, 4_100.0, 6_800.0] {
            let tone: Vec<i16> = (0..2_000).map(|at| wave(hertz, at) as i16).collect();
            let (mut split, mut join) = (Split::default(), Join::default());
            let mut heard = Vec::new();
            for pair in tone.as_chunks::<2>().0 {
                let (low, high) = split.pair(*pair);
                heard.extend(join.pair(low, high));
            }
            for (was, is) in tone.iter().zip(&heard[22..]).skip(100) {
                assert!((was - is).abs() < 80, "{hertz} Hz: {was} became {is}");
            }
        }
    }

    #[test]
    fn each_band_has_its_own_tones() {
        for (hertz, is_low) in [(1_000.0_f64, true), (7_000.0, false)] {
            let mut split = Split::default();
            let (mut low_power, mut high_power) = (0_i64, 0_i64);
            for at in (0..4_000).step_by(2) {
                let sample = |at: usize| {
                    let phase = at as f64 * hertz * std::f64::consts::TAU / 16_000.0;
                    (phase.sin() * 8_000.0) as i16
                };
                let (low, high) = split.pair([sample(at), sample(at + 1)]);
                low_power += i64::from(low * low);
                high_power += i64::from(high * high);
            }
            let ratio = low_power as f64 / high_power.max(1) as f64;
            assert_eq!(ratio > 1.0, is_low, "{hertz}: {ratio}");
            assert!(!(0.001..1_000.0).contains(&ratio), "{hertz}: {ratio}");
        }
    }
}
