//! From one source to the next without a click: the first samples glide from where the last ended.

use crate::{Codec, g711};

/// Samples over which a new source glides in: 5 ms.
const GLIDE: usize = 40;

/// Lets a packet begin at `last`, the byte that was sent last, and come to what it says itself
/// within 5 ms. Both are of that codec.
pub fn glide(codec: Codec, last: u8, payload: &mut [u8]) {
    let Some(first) = payload.first() else { return };
    let sample = |byte| i32::from(g711::decode_sample(codec, byte));
    let step = sample(last) - sample(*first);
    for (at, byte) in payload.iter_mut().take(GLIDE).enumerate() {
        let glided = sample(*byte) + step * (GLIDE - 1 - at) as i32 / GLIDE as i32;
        let bounded = glided.clamp(i32::from(i16::MIN), i32::from(i16::MAX));
        *byte = g711::encode_sample(codec, bounded as i16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::sine;

    fn steepest(codec: Codec, bytes: &[u8]) -> u16 {
        let samples: Vec<i16> = bytes.iter().map(|b| g711::decode_sample(codec, *b)).collect();
        samples.windows(2).map(|pair| pair[1].abs_diff(pair[0])).max().unwrap_or(0)
    }

    #[test]
    fn whatever_was_heard_last_there_is_no_step() {
        for codec in Codec::ALL {
            let tone = sine(300.0, 8_000, 160);
            let mut bytes = vec![0; 160];
            g711::encode(codec, &tone, &mut bytes);
            let natural = steepest(codec, &bytes);
            for last in [-20_000, -700, 0, 8_000, 20_000] {
                let last = g711::encode_sample(codec, last);
                let mut heard = bytes.clone();
                glide(codec, last, &mut heard);
                assert_eq!(heard[GLIDE..], bytes[GLIDE..], "the rest is as it came");
                heard.insert(0, last);
                // A step of the glide, and the width of G.711's coarsest one.
                assert!(steepest(codec, &heard) <= natural + 500 + 1_024, "{codec:?} {last}");
            }
        }
    }

    #[test]
    fn what_goes_on_as_it_was_is_left_as_it_is() {
        let mut payload = [0x31; 160];
        glide(Codec::Pcma, 0x31, &mut payload);
        assert_eq!(payload, [0x31; 160]);
        glide(Codec::Pcma, 0x31, &mut []);
        let mut short = [0xd5; 3];
        glide(Codec::Pcma, 0x31, &mut short);
        assert_ne!(short, [0xd5; 3]);
    }
}
