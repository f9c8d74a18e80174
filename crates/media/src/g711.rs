//! G.711: A-law and µ-law, by tables made at compile time.
//!
//! The arithmetic is that of ITU-T G.191's reference code; samples are 16-bit, left-justified.

use crate::Codec;

/// The law in which the voice of that codec is kept here: what is no G.711 is kept in A-law, once
/// it was decoded.
pub const fn law(codec: Codec) -> Codec {
    match codec {
        Codec::Pcma | Codec::G722 | Codec::Opus | Codec::L16 | Codec::L16Wide => Codec::Pcma,
        Codec::Pcmu => Codec::Pcmu,
    }
}

/// What a silent sample is in that codec's [`law`].
pub const fn silence(codec: Codec) -> u8 {
    match codec {
        Codec::Pcma | Codec::G722 | Codec::Opus | Codec::L16 | Codec::L16Wide => 0xd5,
        Codec::Pcmu => 0xff,
    }
}

/// One sample of that codec's [`law`].
pub const fn decode_sample(codec: Codec, byte: u8) -> i16 {
    match codec {
        Codec::Pcma | Codec::G722 | Codec::Opus | Codec::L16 | Codec::L16Wide => {
            A_TO_LINEAR[byte as usize]
        }
        Codec::Pcmu => MU_TO_LINEAR[byte as usize],
    }
}

/// The byte for one sample, in that codec's [`law`].
pub const fn encode_sample(codec: Codec, sample: i16) -> u8 {
    match codec {
        Codec::Pcma | Codec::G722 | Codec::Opus | Codec::L16 | Codec::L16Wide => {
            LINEAR_TO_A[(sample as u16 >> 4) as usize]
        }
        Codec::Pcmu => LINEAR_TO_MU[(sample as u16 >> 2) as usize],
    }
}

/// Decodes as many bytes of that codec's [`law`] as both hold.
pub fn decode(codec: Codec, from: &[u8], into: &mut [i16]) {
    let table = match codec {
        Codec::Pcma | Codec::G722 | Codec::Opus | Codec::L16 | Codec::L16Wide => &A_TO_LINEAR,
        Codec::Pcmu => &MU_TO_LINEAR,
    };
    for (byte, sample) in from.iter().zip(into) {
        *sample = table[usize::from(*byte)];
    }
}

/// Encodes as many samples as both hold, in that codec's [`law`].
pub fn encode(codec: Codec, from: &[i16], into: &mut [u8]) {
    for (sample, byte) in from.iter().zip(into) {
        *byte = encode_sample(codec, *sample);
    }
}

/// Changes the bytes of one codec's [`law`] into those of the other's, in place.
pub fn transcode(from: Codec, to: Codec, bytes: &mut [u8]) {
    let is_mu = |codec| law(codec) == Codec::Pcmu;
    let table = match (is_mu(from), is_mu(to)) {
        (false, true) => &A_TO_MU,
        (true, false) => &MU_TO_A,
        (false, false) | (true, true) => return,
    };
    for byte in bytes {
        *byte = table[usize::from(*byte)];
    }
}

static A_TO_LINEAR: [i16; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = expand_a(at as u8);
        at += 1;
    }
    table
};

static MU_TO_LINEAR: [i16; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = expand_mu(at as u8);
        at += 1;
    }
    table
};

/// By the upper 12 bits of a sample: A-law hears no more.
static LINEAR_TO_A: [u8; 4096] = {
    let mut table = [0; 4096];
    let mut at = 0;
    while at < 4096 {
        table[at] = compress_a(((at as u16) << 4) as i16);
        at += 1;
    }
    table
};

/// By the upper 14 bits of a sample: µ-law hears no more.
static LINEAR_TO_MU: [u8; 16384] = {
    let mut table = [0; 16384];
    let mut at = 0;
    while at < 16384 {
        table[at] = compress_mu(((at as u16) << 2) as i16);
        at += 1;
    }
    table
};

static A_TO_MU: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = compress_mu(expand_a(at as u8));
        at += 1;
    }
    table
};

static MU_TO_A: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = compress_a(expand_mu(at as u8));
        at += 1;
    }
    table
};

/// G.191 `alaw_expand`.
const fn expand_a(byte: u8) -> i16 {
    let code = (byte ^ 0x55) & 0x7f;
    let (exponent, mantissa) = (code >> 4, (code & 0x0f) as i16);
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => (((mantissa + 16) << 4) + 8) << (exponent - 1),
    };
    if byte & 0x80 != 0 { magnitude } else { -magnitude }
}

/// G.191 `alaw_compress`.
const fn compress_a(sample: i16) -> u8 {
    let magnitude = (if sample < 0 { !sample } else { sample }) >> 4;
    let code = if magnitude < 32 {
        // Exponents 0 and 1 have the same step.
        magnitude as u8
    } else {
        let exponent = 12 - (magnitude as u16).leading_zeros() as u8;
        exponent << 4 | (magnitude >> (exponent - 1)) as u8 & 0x0f
    };
    let sign = if sample < 0 { 0 } else { 0x80 };
    (code | sign) ^ 0x55
}

/// G.191 `ulaw_expand`.
const fn expand_mu(byte: u8) -> i16 {
    let code = !byte;
    let (exponent, mantissa) = ((code >> 4) & 7, (code & 0x0f) as i16);
    let magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84;
    if byte & 0x80 != 0 { magnitude } else { -magnitude }
}

/// G.191 `ulaw_compress`.
const fn compress_mu(sample: i16) -> u8 {
    let biased = (if sample < 0 { !sample } else { sample } >> 2) as u16 + 33;
    let magnitude = if biased > 0x1fff { 0x1fff } else { biased };
    let segment = 11 - magnitude.leading_zeros() as u8;
    let mantissa = (magnitude >> segment) as u8 & 0x0f;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (segment - 1) << 4 | mantissa)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference code's loops, kept as they are written in G.191.
    fn reference_a(sample: i16) -> u8 {
        let mut ix = if sample < 0 { !sample >> 4 } else { sample >> 4 };
        if ix > 15 {
            let mut exponent = 1;
            while ix > 16 + 15 {
                ix >>= 1;
                exponent += 1;
            }
            ix -= 16;
            ix += exponent << 4;
        }
        if sample >= 0 {
            ix |= 0x80;
        }
        (ix ^ 0x55) as u8
    }

    fn reference_mu(sample: i16) -> u8 {
        let absolute =
            (if sample < 0 { (!sample >> 2) + 33 } else { (sample >> 2) + 33 }).min(0x1fff);
        let mut rest = absolute >> 6;
        let mut segment = 1;
        while rest != 0 {
            segment += 1;
            rest >>= 1;
        }
        let high = 8 - segment;
        let low = 0x0f - ((absolute >> segment) & 0x0f);
        let out = high << 4 | low;
        (if sample >= 0 { out | 0x80 } else { out }) as u8
    }

    #[test]
    fn every_sample_is_encoded_as_the_reference_code_does() {
        for sample in i16::MIN..=i16::MAX {
            assert_eq!(encode_sample(Codec::Pcma, sample), reference_a(sample), "A {sample}");
            assert_eq!(encode_sample(Codec::Pcmu, sample), reference_mu(sample), "µ {sample}");
        }
    }

    #[test]
    fn every_byte_survives_decoding_and_encoding() {
        for byte in 0..=255 {
            for codec in Codec::ALL {
                let back = encode_sample(codec, decode_sample(codec, byte));
                // µ-law has two zeros (G.711 table 2b): the negative one reads back as positive.
                let wanted = if codec == Codec::Pcmu && byte == 0x7f { 0xff } else { byte };
                assert_eq!(back, wanted, "{codec:?} {byte:#x}");
            }
        }
    }

    #[test]
    fn decision_values_of_the_recommendation_decode() {
        // G.711 tables 1a, 1b, 2a, 2b, column "value of decoder output", left-justified to 16 bits.
        for (byte, sample) in [
            (0xaa, 4032 << 3),
            (0xa5, 2112 << 3),
            (0xb5, 1056 << 3),
            (0x85, 528 << 3),
            (0x95, 264 << 3),
            (0xe5, 132 << 3),
            (0xf5, 66 << 3),
            (0xd5, 1 << 3),
            (0x2a, -(4032 << 3)),
            (0x55, -(1 << 3)),
        ] {
            assert_eq!(decode_sample(Codec::Pcma, byte), sample, "A {byte:#x}");
        }
        for (byte, sample) in [
            (0x80, 8031 << 2),
            (0x8f, 4191 << 2),
            (0x9f, 2079 << 2),
            (0xaf, 1023 << 2),
            (0xbf, 495 << 2),
            (0xcf, 231 << 2),
            (0xdf, 99 << 2),
            (0xef, 33 << 2),
            (0xfe, 2 << 2),
            (0xff, 0),
            (0x7f, 0),
            (0x00, -(8031 << 2)),
        ] {
            assert_eq!(decode_sample(Codec::Pcmu, byte), sample, "µ {byte:#x}");
        }
    }

    #[test]
    fn the_digital_milliwatt_is_a_sine_of_1000_hz_at_0_dbm0() {
        // G.711 tables 5 and 6; the load capacity in hundredths of a dBm0 (§3.2.3).
        for (codec, period, overload) in [
            (Codec::Pcma, [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4], 314),
            (Codec::Pcmu, [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e], 317),
        ] {
            let peak = 32768.0 / 10_f64.powf(f64::from(overload) / 2000.0);
            for (at, byte) in period.into_iter().enumerate() {
                let angle = (at as f64 + 0.5) * std::f64::consts::FRAC_PI_4;
                let wanted = -peak * angle.sin();
                let sample = f64::from(decode_sample(codec, byte));
                assert!((sample - wanted).abs() < peak * 0.02, "{codec:?} {at}: {sample} {wanted}");
            }
        }
    }

    #[test]
    fn slices_are_decoded_encoded_and_transcoded_alike() {
        let sine = crate::tone::sine(440.0, 12_000, 160);
        let mut bytes = [0; 160];
        encode(Codec::Pcma, &sine, &mut bytes);
        transcode(Codec::Pcma, Codec::Pcmu, &mut bytes);
        let mut back = [0; 160];
        decode(Codec::Pcmu, &bytes, &mut back);
        for (sent, heard) in sine.iter().zip(back) {
            assert!((i32::from(*sent) - i32::from(heard)).abs() <= 512 + 256, "{sent} {heard}");
        }
        transcode(Codec::Pcmu, Codec::Pcma, &mut bytes);
        let mut same = bytes;
        transcode(Codec::Pcma, Codec::Pcma, &mut same);
        assert_eq!(same, bytes);
    }
}
