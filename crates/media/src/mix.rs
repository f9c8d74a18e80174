//! The sum of several voices: what one party of a conference hears.
//!
//! Voices are summed in 32 bits, so that their order does not matter and nothing wraps; what is
//! louder than G.711 can say is bent, not cut (a cut voice rasps). One voice alone is passed on as
//! it came, bit by bit.

use crate::{Codec, FRAME_SAMPLES, g711};

/// The most parties that one leg can hear at a time.
pub const MAX_PARTIES: usize = 16;

/// No louder than this, a sample is silence: both laws' silent bytes decode to no more.
pub(crate) const SILENT: u16 = 8;

/// A sum quieter than this is passed on as it is.
const KNEE: i32 = 24_576;
/// What the loudest sum comes near to.
const CEILING: i32 = 32_767;

/// Sums voices, frame by frame; used again and again without allocating.
#[derive(Debug, Clone)]
pub struct Mixer {
    sum: [i32; FRAME_SAMPLES],
    voices: usize,
}

impl Default for Mixer {
    fn default() -> Self {
        Self { sum: [0; FRAME_SAMPLES], voices: 0 }
    }
}

impl Mixer {
    /// Begins a new frame.
    pub fn clear(&mut self) {
        if self.voices > 0 {
            self.sum.fill(0);
            self.voices = 0;
        }
    }

    /// Adds one voice. Beyond [`MAX_PARTIES`] a voice is left out; false then.
    pub fn add(&mut self, voice: &[i16; FRAME_SAMPLES]) -> bool {
        if self.voices == MAX_PARTIES {
            return false;
        }
        for (sum, sample) in self.sum.iter_mut().zip(voice) {
            *sum += i32::from(*sample);
        }
        self.voices += 1;
        true
    }

    /// How many voices were added.
    pub const fn voices(&self) -> usize {
        self.voices
    }

    /// The sum as samples.
    pub fn samples(&self) -> impl Iterator<Item = i16> {
        let bend = if self.voices > 1 { soft_clip } else { saturate };
        self.sum.iter().map(move |sum| bend(*sum))
    }

    /// The sum as bytes of that codec: silence if nothing was added.
    pub fn encode(&self, codec: Codec, into: &mut [u8; FRAME_SAMPLES]) {
        if self.voices == 0 {
            into.fill(g711::silence(codec));
            return;
        }
        for (byte, sample) in into.iter_mut().zip(self.samples()) {
            *byte = g711::encode_sample(codec, sample);
        }
    }
}

const fn saturate(sum: i32) -> i16 {
    if sum > i16::MAX as i32 {
        i16::MAX
    } else if sum < i16::MIN as i32 {
        i16::MIN
    } else {
        sum as i16
    }
}

/// The same up to [`KNEE`], from there ever flatter towards [`CEILING`], without a corner: the
/// slope at the knee is 1.
const fn soft_clip(sum: i32) -> i16 {
    let magnitude = sum.abs();
    if magnitude <= KNEE {
        return sum as i16;
    }
    let (over, room) = (magnitude - KNEE, CEILING - KNEE);
    // At most 16 voices of 2^15 are summed: the product stays below 2^33, hence 64 bits.
    let bent = KNEE + ((room as i64 * over as i64) / (room as i64 + over as i64)) as i32;
    if sum < 0 { -bent as i16 } else { bent as i16 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{sine, voice};

    fn frame(samples: &[i16]) -> [i16; FRAME_SAMPLES] {
        samples.try_into().expect("a frame's worth")
    }

    #[test]
    fn one_voice_is_passed_on_bit_by_bit() {
        for codec in Codec::ALL {
            for amplitude in [100, 12_000, 32_000] {
                let mut bytes = [0; FRAME_SAMPLES];
                g711::encode(codec, &voice(1, amplitude, FRAME_SAMPLES), &mut bytes);
                let mut samples = [0; FRAME_SAMPLES];
                g711::decode(codec, &bytes, &mut samples);
                let mut mixer = Mixer::default();
                assert!(mixer.add(&samples));
                let mut mixed = [0; FRAME_SAMPLES];
                mixer.encode(codec, &mut mixed);
                let mut heard = [0; FRAME_SAMPLES];
                g711::decode(codec, &mixed, &mut heard);
                assert_eq!(heard, samples);
            }
        }
    }

    #[test]
    fn voices_are_summed_and_a_frame_begins_empty() {
        let mut mixer = Mixer::default();
        mixer.add(&[1000; FRAME_SAMPLES]);
        mixer.add(&[-300; FRAME_SAMPLES]);
        assert!(mixer.samples().all(|sample| sample == 700));
        mixer.clear();
        assert_eq!(mixer.voices(), 0);
        for codec in Codec::ALL {
            let mut bytes = [0; FRAME_SAMPLES];
            mixer.encode(codec, &mut bytes);
            assert!(bytes.iter().all(|byte| *byte == g711::silence(codec)));
        }
        mixer.add(&[5; FRAME_SAMPLES]);
        assert!(mixer.samples().all(|sample| sample == 5));
    }

    #[test]
    fn sixteen_shouting_voices_are_bent_and_never_wrap() {
        let mut mixer = Mixer::default();
        let loud = frame(&sine(500.0, 32_000, FRAME_SAMPLES));
        for _ in 0..MAX_PARTIES {
            assert!(mixer.add(&loud));
        }
        assert!(!mixer.add(&loud), "the seventeenth is left out");
        assert_eq!(mixer.voices(), MAX_PARTIES);
        for (mixed, one) in mixer.samples().zip(loud) {
            assert_eq!(mixed.signum(), one.signum(), "{one} became {mixed}");
            let (mixed, one) = (i32::from(mixed), i32::from(one));
            assert!(mixed.abs() >= one.abs() * 4 / 5, "{one} became {mixed}");
        }
    }

    #[test]
    fn the_bend_has_no_step_and_no_corner() {
        let mut last = soft_clip(0);
        let most = 16 * 32_768;
        for sum in 1..=most {
            let bent = soft_clip(sum);
            assert!(bent >= last && bent - last <= 1, "{sum}: {last} to {bent}");
            assert_eq!(soft_clip(-sum), -bent);
            last = bent;
        }
        assert_eq!(soft_clip(KNEE), KNEE as i16);
        assert!(soft_clip(most) < i16::MAX);
        assert_eq!((saturate(40_000), saturate(-40_000)), (i16::MAX, i16::MIN));
    }
}
