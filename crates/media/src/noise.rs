//! Comfort noise (RFC 3389): what is heard of a phone that sends nothing while nobody speaks.

/// Samples of a level of 0 dBov have this mean power's root: a square wave as loud as can be.
const OVERLOAD: f64 = 32_768.0;
/// The highest number that a level can have: −127 dBov.
const QUIETEST: u8 = 127;
/// A uniform distribution's greatest value, as a multiple of its effective one.
const PEAK: f64 = 1.732_050_8;

/// Noise of one level, white: what a packet says of its spectrum is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComfortNoise {
    /// The greatest sample.
    peak: i32,
    /// Of the generator.
    state: u32,
}

impl ComfortNoise {
    /// Of the level that a packet's payload says: its first byte, in dB below overload (§3.1). An
    /// empty one is silence.
    pub fn new(payload: &[u8]) -> Self {
        let peak = payload.first().map_or(0.0, |level| {
            let decibels = f64::from(level & QUIETEST);
            OVERLOAD * PEAK * 10_f64.powf(-decibels / 20.0)
        });
        Self { peak: peak.min(f64::from(i16::MAX)) as i32, state: 0x2545_f491 }
    }

    /// The noise goes on.
    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            // Marsaglia's xorshift32: what follows is the same in every run.
            self.state ^= self.state << 13;
            self.state ^= self.state >> 17;
            self.state ^= self.state << 5;
            let part = i64::from(self.state as i32) * i64::from(self.peak);
            *sample = (part >> 31) as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(payload: &[u8]) -> f64 {
        let mut samples = [0; 8_000];
        ComfortNoise::new(payload).fill(&mut samples);
        let power: f64 = samples.iter().map(|it| f64::from(*it) * f64::from(*it)).sum();
        20.0 * ((power / 8_000.0).sqrt() / OVERLOAD).log10()
    }

    #[test]
    fn rfc_3389_section_3_1_noise_is_as_loud_as_it_is_said_to_be() {
        for wanted in [20_u8, 40, 55, 70] {
            let heard = level(&[wanted, 1, 2, 3]);
            assert!((heard + f64::from(wanted)).abs() < 1.0, "{heard} dBov, not -{wanted}");
        }
        assert!(level(&[127]) < -90.0 && level(&[]) < -90.0);
        assert!(level(&[0]) < 0.0, "the loudest is cut and does not wrap");
        assert_eq!(ComfortNoise::new(&[0x80 | 40]), ComfortNoise::new(&[40]), "a reserved bit");
    }

    #[test]
    fn noise_goes_on_and_does_not_repeat_itself() {
        let (mut noise, mut one, mut other) = (ComfortNoise::new(&[30]), [0; 160], [0; 160]);
        noise.fill(&mut one);
        noise.fill(&mut other);
        assert_ne!(one, other);
        let mean: i32 = one.iter().chain(&other).map(|it| i32::from(*it)).sum::<i32>() / 320;
        assert!(mean.abs() < 200, "{mean}");
    }
}
