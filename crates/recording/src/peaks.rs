//! What a waveform is drawn from: the lowest and the highest sample of each 20 ms, on each side.

/// Frames that one peak stands for.
pub const PEAK_FRAMES: u32 = 160;
/// Bytes of a peak: lowest and highest of the caller, lowest and highest of the agent, each the
/// upper 8 bits of the sample, rounded outwards.
pub const PEAK_BYTES: usize = 4;

/// Bytes of the peaks of so many frames.
pub const fn peak_bytes(frames: u32) -> usize {
    frames.div_ceil(PEAK_FRAMES) as usize * PEAK_BYTES
}

/// Appends the peaks of interleaved frames.
pub(crate) fn push(frames: &[i16], out: &mut Vec<u8>) {
    for part in frames.chunks(2 * PEAK_FRAMES as usize) {
        let mut lowest = [0_i16; 2];
        let mut highest = [0_i16; 2];
        for frame in part.chunks_exact(2) {
            for side in 0..2 {
                lowest[side] = lowest[side].min(frame[side]);
                highest[side] = highest[side].max(frame[side]);
            }
        }
        for side in 0..2 {
            let low = lowest[side] >> 8;
            let high = (i32::from(highest[side]) + 255) >> 8;
            out.extend([low as i8 as u8, high.min(127) as i8 as u8]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peaks(frames: &[i16]) -> Vec<i8> {
        let mut out = Vec::new();
        push(frames, &mut out);
        assert_eq!(out.len(), peak_bytes(frames.len() as u32 / 2));
        out.into_iter().map(|byte| byte as i8).collect()
    }

    #[test]
    fn each_side_has_its_lowest_and_its_highest() {
        let mut frames = [0_i16; 2 * 320];
        frames[10] = 300;
        frames[12] = -1;
        frames[321] = i16::MIN;
        frames[323] = i16::MAX;
        assert_eq!(peaks(&frames), [-1, 2, 0, 0, 0, 0, -128, 127]);
    }

    #[test]
    fn what_is_left_over_has_a_peak_too() {
        assert_eq!(peaks(&[]), [0_i8; 0]);
        assert_eq!(peaks(&[256, -256]), [0, 1, -1, 0]);
        assert_eq!(peaks(&[1; 2 * 161]), [0, 1, 0, 1, 0, 1, 0, 1]);
    }
}
