//! The adaptive prediction of G.722 and the two bands' quantizers (G.722 §3 and §4).

use super::tables::{HIGH_STEPS, ILB, LOW_STEPS, Q6, QM2, QM4, QM6};

/// A sum in 16 bits.
pub(super) const fn saturate(value: i32) -> i16 {
    if value > i16::MAX as i32 {
        i16::MAX
    } else if value < i16::MIN as i32 {
        i16::MIN
    } else {
        value as i16
    }
}

const fn limit(value: i32) -> i32 {
    saturate(value) as i32
}

/// A product of two numbers of which one is a fraction in 15 bits.
const fn scaled(value: i32, fraction: i32) -> i32 {
    (value * fraction) >> 15
}

/// Two poles and six zeros that follow the signal.
#[derive(Debug, Clone, Default)]
struct Predictor {
    /// What is predicted next, and the part of it that the zeros have.
    signal: i32,
    zeros_part: i32,
    /// Poles' and zeros' coefficients.
    poles: [i32; 2],
    zeros: [i32; 6],
    /// The last two signals and the last two without the poles' part.
    signals: [i32; 2],
    partials: [i32; 2],
    /// The last six differences.
    differences: [i32; 6],
}

impl Predictor {
    /// Takes in the difference that was coded.
    fn follow(&mut self, difference: i32) {
        let signal = limit(self.signal + difference);
        let partial = limit(self.zeros_part + difference);
        self.move_poles(partial);
        self.move_zeros(difference);
        self.signals = [signal, self.signals[0]];
        self.partials = [partial, self.partials[0]];
        self.differences.copy_within(..5, 1);
        self.differences[0] = difference;
        self.predict();
    }

    /// UPPOL2 and UPPOL1.
    fn move_poles(&mut self, partial: i32) {
        let is_same = |other: i32| (partial < 0) == (other < 0);
        let [first, second] = self.poles;
        let lean = limit(first << 2);
        let lean = if is_same(self.partials[0]) { limit(-lean) } else { lean };
        let push = if is_same(self.partials[1]) { 128 } else { -128 };
        let second = ((lean >> 7) + push + scaled(second, 32_512)).clamp(-12_288, 12_288);
        let push = if is_same(self.partials[0]) { 192 } else { -192 };
        let bound = limit(15_360 - second);
        let first = limit(push + scaled(first, 32_640)).clamp(-bound, bound);
        self.poles = [first, second];
    }

    /// UPZERO.
    fn move_zeros(&mut self, difference: i32) {
        let push = if difference == 0 { 0 } else { 128 };
        for (zero, before) in self.zeros.iter_mut().zip(self.differences) {
            let push = if (before < 0) == (difference < 0) { push } else { -push };
            *zero = limit(push + scaled(*zero, 32_640));
        }
    }

    /// FILTEP, FILTEZ, PREDIC.
    fn predict(&mut self) {
        let part = |(coefficient, value): (&i32, &i32)| scaled(limit(value + value), *coefficient);
        let poles = limit(self.poles.iter().zip(&self.signals).map(part).sum());
        self.zeros_part = limit(self.zeros.iter().zip(&self.differences).map(part).sum());
        self.signal = limit(poles + self.zeros_part);
    }
}

/// How large a step is: it follows the codes.
#[derive(Debug, Clone)]
struct Scale {
    log: i32,
    step: i32,
}

impl Scale {
    /// LOGSC and SCALE: `shift` and `most` are the band's.
    const fn follow(&mut self, by: i32, shift: i32, most: i32) {
        let log = ((self.log * 127) >> 7) + by;
        self.log = if log < 0 {
            0
        } else if log > most {
            most
        } else {
            log
        };
        let down = shift - (self.log >> 11);
        let step = ILB[((self.log >> 6) & 31) as usize];
        self.step = (if down < 0 { step << -down } else { step >> down }) << 2;
    }
}

/// The band up to 4 kHz: six bits.
#[derive(Debug, Clone)]
pub(super) struct LowBand {
    predictor: Predictor,
    scale: Scale,
}

impl Default for LowBand {
    fn default() -> Self {
        Self { predictor: Predictor::default(), scale: Scale { log: 0, step: 32 } }
    }
}

impl LowBand {
    /// The code of the next sample, and what follows from it.
    pub(super) fn encode(&mut self, sample: i32) -> u8 {
        let error = limit(sample - self.predictor.signal);
        let magnitude = if error < 0 { -(error + 1) } else { error };
        let is_below = |level: &&i32| magnitude >= (**level * self.scale.step) >> 12;
        let level = Q6.iter().take_while(is_below).count() as u8;
        // Codes of errors below nothing go up from 4, but for the two smallest; those of others
        // from 32 (table 15).
        let code = match (error < 0, level) {
            (true, 0) => 63,
            (true, 1) => 62,
            (true, level) => 33 - level,
            (false, level) => 61 - level,
        };
        self.follow(code);
        code
    }

    /// The sample that a code stands for.
    pub(super) fn decode(&mut self, code: u8) -> i32 {
        let difference = scaled(self.scale.step, QM6[usize::from(code)]);
        let sample = limit(self.predictor.signal + difference).clamp(-16_384, 16_383);
        self.follow(code);
        sample
    }

    fn follow(&mut self, code: u8) {
        let coarse = usize::from(code >> 2);
        let difference = scaled(self.scale.step, QM4[coarse]);
        self.scale.follow(LOW_STEPS[coarse], 8, 18_432);
        self.predictor.follow(difference);
    }
}

/// The band from 4 kHz on: two bits.
#[derive(Debug, Clone)]
pub(super) struct HighBand {
    predictor: Predictor,
    scale: Scale,
}

impl Default for HighBand {
    fn default() -> Self {
        Self { predictor: Predictor::default(), scale: Scale { log: 0, step: 8 } }
    }
}

impl HighBand {
    /// The code of the next sample, and what follows from it.
    pub(super) fn encode(&mut self, sample: i32) -> u8 {
        let error = limit(sample - self.predictor.signal);
        let magnitude = if error < 0 { -(error + 1) } else { error };
        let is_large = magnitude >= (564 * self.scale.step) >> 12;
        let code = match (error < 0, is_large) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        self.follow(code);
        code
    }

    /// The sample that a code stands for.
    pub(super) fn decode(&mut self, code: u8) -> i32 {
        let difference = scaled(self.scale.step, QM2[usize::from(code & 3)]);
        let sample = limit(self.predictor.signal + difference).clamp(-16_384, 16_383);
        self.follow(code);
        sample
    }

    fn follow(&mut self, code: u8) {
        let code = usize::from(code & 3);
        let difference = scaled(self.scale.step, QM2[code]);
        self.scale.follow(HIGH_STEPS[code], 10, 22_528);
        self.predictor.follow(difference);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_low_band_decodes_to_its_own_level() {
        for code in 4..64 {
            let mut encoder = LowBand::default();
            encoder.scale.step = 4_096;
            let mut decoder = encoder.clone();
            let sample = decoder.decode(code);
            assert_eq!(encoder.encode(sample), code, "{sample}");
        }
    }

    #[test]
    fn both_sides_keep_the_same_state_for_ever() {
        let (mut encoder, mut decoder) = (LowBand::default(), LowBand::default());
        let (mut above, mut above_decoder) = (HighBand::default(), HighBand::default());
        for at in 0..20_000_i32 {
            let sample = (f64::from(at * at % 7_919) * 0.7).sin() * 12_000.0;
            decoder.decode(encoder.encode(sample as i32));
            above_decoder.decode(above.encode(sample as i32 / 8));
            assert_eq!(encoder.predictor.signal, decoder.predictor.signal);
            assert_eq!(above.scale.step, above_decoder.scale.step);
        }
    }
}
