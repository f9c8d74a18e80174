//! The form of a recording's file: 16-bit stereo WAV at 8,000 frames a second, written by `hound`;
//! and how a file that was cut off by a crash is made whole again.
//!
//! The header's two lengths are the only bytes that change while a recording grows. A process that
//! is killed leaves them behind the data; [`repair`] says what to do about that from the length of
//! the file alone. Source: Multimedia Programming Interface and Data Specifications 1.0 (RIFF).

/// Frames a second.
pub const RATE: u32 = 8_000;
/// Bytes of a frame: two channels of 16 bits.
pub const FRAME_BYTES: u64 = 4;
/// Bytes before the first frame.
pub const HEADER_BYTES: usize = 44;
/// Frames a recording can have: 36 hours, below the 4 GiB that WAV can hold.
pub const MAX_FRAMES: u64 = 36 * 3_600 * RATE as u64;

/// What `hound` writes.
pub const SPEC: hound::WavSpec = hound::WavSpec {
    channels: 2,
    sample_rate: RATE,
    bits_per_sample: 16,
    sample_format: hound::SampleFormat::Int,
};

/// The header of a file with `frames` frames, byte by byte as `hound` writes it.
pub fn header(frames: u64) -> [u8; HEADER_BYTES] {
    let data = (frames.min(MAX_FRAMES) * FRAME_BYTES) as u32;
    let bytes_a_second = RATE * FRAME_BYTES as u32;
    let mut header = [0; HEADER_BYTES];
    let mut at = 0;
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &(data + HEADER_BYTES as u32 - 8).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &SPEC.channels.to_le_bytes(),
        &RATE.to_le_bytes(),
        &bytes_a_second.to_le_bytes(),
        &(FRAME_BYTES as u16).to_le_bytes(),
        &SPEC.bits_per_sample.to_le_bytes(),
        b"data",
        &data.to_le_bytes(),
    ];
    for field in fields {
        header[at..at + field.len()].copy_from_slice(field);
        at += field.len();
    }
    header
}

/// What makes a file whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// What the file must begin with.
    pub header: [u8; HEADER_BYTES],
    /// Where it must end: a half frame at the end is cut off.
    pub bytes: u64,
    /// Frames in it.
    pub frames: u64,
}

/// What makes a recording of `bytes` bytes whole, whatever its header says.
///
/// A file that is shorter than a header becomes a recording without frames.
pub fn repair(bytes: u64) -> Repair {
    let frames = (bytes.saturating_sub(HEADER_BYTES as u64) / FRAME_BYTES).min(MAX_FRAMES);
    Repair { header: header(frames), bytes: HEADER_BYTES as u64 + frames * FRAME_BYTES, frames }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_what_hound_writes() {
        for frames in [0_u64, 1, 160, 8_000] {
            let mut file = std::io::Cursor::new(Vec::new());
            let mut writer = hound::WavWriter::new(&mut file, SPEC).unwrap();
            for _ in 0..2 * frames {
                writer.write_sample(7_i16).unwrap();
            }
            writer.finalize().unwrap();
            let file = file.into_inner();
            assert_eq!(file[..HEADER_BYTES], header(frames));
            assert_eq!(repair(file.len() as u64).header, header(frames));
        }
    }

    #[test]
    fn a_cut_file_loses_its_half_frame_and_no_more() {
        for (bytes, kept, frames) in
            [(0, 44, 0), (43, 44, 0), (44, 44, 0), (47, 44, 0), (48, 48, 1), (51, 48, 1)]
        {
            let repair = repair(bytes);
            assert_eq!((repair.bytes, repair.frames), (kept, frames), "{bytes} bytes");
        }
    }

    #[test]
    fn the_longest_recording_fits_its_header() {
        let bytes = MAX_FRAMES * FRAME_BYTES;
        assert!(bytes + HEADER_BYTES as u64 <= u64::from(u32::MAX));
        assert_eq!(header(MAX_FRAMES)[40..], (bytes as u32).to_le_bytes());
        assert_eq!(header(MAX_FRAMES + 1), header(MAX_FRAMES));
    }
}
