//! A-law (ITU-T G.711), written anew: the peer has nothing of the engine's.

/// A byte's sample, of 16 bits.
pub(crate) fn decode(byte: u8) -> i16 {
    let code = byte ^ 0x55;
    let (segment, low) = ((code >> 4) & 7, i16::from(code & 0x0f));
    let size = match segment {
        0 => (low << 4) + 8,
        1.. => ((low << 4) + 0x108) << (segment - 1),
    };
    if code & 0x80 == 0 { -size } else { size }
}

/// The byte whose sample is nearest: few are encoded, so all 256 are tried.
pub(crate) fn encode(sample: i16) -> u8 {
    let distance = |byte: &u8| i32::from(decode(*byte)).abs_diff(i32::from(sample));
    (0..=u8::MAX).min_by_key(distance).unwrap_or(0xd5)
}
