//! What is heard in place of a voice that did not come: its last sound, going on and fading.
//!
//! After the idea of ITU-T G.711 Appendix I: the pitch period at the end of what came is repeated,
//! at full level for 10 ms and fading to nothing at 60 ms. What is longer away is silence.

/// The shortest pitch period that is looked for, in samples: 200 Hz.
const MIN_PERIOD: usize = 40;
/// The longest: 66 Hz.
const MAX_PERIOD: usize = 120;
/// Samples that are compared with those a period before: 20 ms.
const COMPARED: usize = 160;
/// Samples of the past that are looked at.
pub const HISTORY: usize = MAX_PERIOD + COMPARED;
/// Samples at full level.
const FULL: i32 = 80;
/// Samples until nothing is left.
const FADED: i32 = 480;

/// Over so many samples a voice that comes again is faded in over its concealment: 5 ms.
pub const FADE: i64 = 40;

/// From what was made up to what came, `at` samples of [`FADE`] after it came.
pub const fn fade(made: i16, came: i16, at: i64) -> i16 {
    let (part, whole) = (at + 1, FADE + 1);
    ((came as i64 * part + made as i64 * (whole - part)) / whole) as i16
}

/// A voice going on by itself.
#[derive(Debug, Clone)]
pub struct Concealment {
    period: [i16; MAX_PERIOD],
    length: usize,
    /// Samples made so far; [`FADED`] means that nothing is left.
    made: i32,
}

impl Concealment {
    /// Nothing to go on with.
    pub const fn silent() -> Self {
        Self { period: [0; MAX_PERIOD], length: MIN_PERIOD, made: FADED }
    }

    /// Going on after `history`, the last sample of which was heard last.
    pub fn after(history: &[i16; HISTORY]) -> Self {
        let mut concealment = Self::silent();
        concealment.begin(history);
        concealment
    }

    /// Goes on after `history`, the last sample of which was heard last.
    pub fn begin(&mut self, history: &[i16; HISTORY]) {
        let length = period(history);
        self.period[..length].copy_from_slice(&history[HISTORY - length..]);
        // The period's end runs over into what came before its start, so that its repetition has
        // no step.
        let overlap = length / 4;
        for at in 0..overlap {
            let before = i32::from(history[HISTORY - length - overlap + at]);
            let end = &mut self.period[length - overlap + at];
            let (part, whole) = (at as i32 + 1, overlap as i32 + 1);
            *end = ((i32::from(*end) * (whole - part) + before * part) / whole) as i16;
        }
        (self.length, self.made) = (length, 0);
    }

    /// Whether only silence would follow.
    pub const fn is_over(&self) -> bool {
        self.made >= FADED
    }

    /// The next sample.
    pub fn next_sample(&mut self) -> i16 {
        if self.made >= FADED {
            return 0;
        }
        let sample = i32::from(self.period[self.made as usize % self.length]);
        let level = FADED - self.made.max(FULL);
        self.made += 1;
        (sample * level / (FADED - FULL)) as i16
    }
}

/// The pitch period at the end of `history`: where it is most like itself, by normalized
/// correlation.
fn period(history: &[i16; HISTORY]) -> usize {
    let recent = &history[MAX_PERIOD..];
    let mut best = (MAX_PERIOD, 0.0_f32);
    for lag in MIN_PERIOD..=MAX_PERIOD {
        let before = &history[MAX_PERIOD - lag..][..COMPARED];
        let (mut product, mut energy) = (0_i64, 1_i64);
        for (one, other) in recent.iter().zip(before) {
            product += i64::from(*one) * i64::from(*other);
            energy += i64::from(*other) * i64::from(*other);
        }
        let alike = product as f32 / (energy as f32).sqrt();
        if alike > best.1 {
            best = (lag, alike);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{sine, voice};

    fn begun(samples: &[i16]) -> Concealment {
        let mut concealment = Concealment::silent();
        concealment.begin(samples[samples.len() - HISTORY..].try_into().expect("its length"));
        concealment
    }

    #[test]
    fn a_steady_sound_goes_on_as_if_nothing_was_lost() {
        for hertz in [100.0, 125.0, 160.0, 200.0] {
            let tone = sine(hertz, 10_000, 1_000);
            let mut concealment = begun(&tone[..800]);
            for (at, wanted) in tone[800..880].iter().enumerate() {
                let made = concealment.next_sample();
                assert!((made - wanted).abs() < 1_500, "{hertz} Hz, sample {at}: {made} {wanted}");
            }
        }
    }

    #[test]
    fn it_fades_to_nothing_within_60_ms() {
        let mut concealment = begun(&voice(1, 12_000, 1_000));
        assert!(!concealment.is_over());
        let made: Vec<i16> = (0..480).map(|_| concealment.next_sample()).collect();
        let loudness = |part: &[i16]| part.iter().map(|s| u32::from(s.unsigned_abs())).sum::<u32>();
        assert!(loudness(&made[..80]) > 3 * loudness(&made[400..]));
        assert!(concealment.is_over());
        assert_eq!(concealment.next_sample(), 0);
    }

    #[test]
    fn no_step_is_louder_than_those_of_the_voice_itself() {
        let spoken = voice(3, 12_000, 4_000);
        let step = |samples: &[i16]| {
            samples.windows(2).map(|pair| pair[1].abs_diff(pair[0])).max().unwrap_or(0)
        };
        for end in (HISTORY..4_000).step_by(160) {
            let mut all = spoken[..end].to_vec();
            let mut concealment = begun(&all);
            all.extend((0..480).map(|_| concealment.next_sample()));
            assert!(step(&all[end - 1..]) <= step(&spoken) * 3 / 2, "after {end} samples");
        }
    }

    #[test]
    fn silence_goes_on_as_silence() {
        let mut concealment = begun(&[0; HISTORY]);
        assert!((0..480).all(|_| concealment.next_sample() == 0));
    }
}
