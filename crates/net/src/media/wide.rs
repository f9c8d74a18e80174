//! Legs of a codec that has a memory (G.722): their voice is kept here as A-law of 8 kHz, decoded
//! where it comes in and encoded where it goes out. Between two of them nothing is decoded.

use media::{Codec, FRAME_SAMPLES, g711, g722};

/// What makes bytes of samples and samples of bytes for one leg.
#[derive(Debug, Default)]
pub(crate) struct Wide {
    decoder: g722::Decoder,
    encoder: g722::Encoder,
}

/// Whether voice of that codec is no G.711: it is changed where it comes in and goes out.
pub(crate) const fn is_wide(codec: Codec) -> bool {
    match codec {
        Codec::G722 => true,
        Codec::Pcma | Codec::Pcmu => false,
    }
}

impl Wide {
    /// Voice that came: as many bytes of A-law.
    pub(crate) fn keep(&mut self, payload: &[u8], into: &mut [u8]) {
        let mut samples = [0; FRAME_SAMPLES];
        for (from, into) in payload.chunks(FRAME_SAMPLES).zip(into.chunks_mut(FRAME_SAMPLES)) {
            self.decoder.decode_narrow(from, &mut samples);
            g711::encode(Codec::Pcma, &samples[..from.len()], into);
        }
    }

    /// Voice that is kept in the law of `codec`, as it is sent.
    pub(crate) fn code(&mut self, codec: Codec, payload: &mut [u8]) {
        let mut samples = [0; FRAME_SAMPLES];
        for piece in payload.chunks_mut(FRAME_SAMPLES) {
            g711::decode(codec, piece, &mut samples);
            self.encoder.encode_narrow(&samples[..piece.len()], piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use media::{compare, tone};

    use super::*;

    #[test]
    fn a_voice_goes_out_and_comes_in_as_it_was() {
        for law in [Codec::Pcma, Codec::Pcmu] {
            let voice = tone::voice(5, 12_000, 8_000);
            let mut bytes = vec![0; 8_000];
            g711::encode(law, &voice, &mut bytes);
            let (mut here, mut there) = (Wide::default(), Wide::default());
            // In packets of 10, 20 and 30 ms.
            for (at, length) in [(0, 80), (80, 160), (240, 240), (480, 7_520)] {
                here.code(law, &mut bytes[at..at + length]);
            }
            let mut kept = vec![0; 8_000];
            there.keep(&bytes, &mut kept);
            let mut heard = vec![0; 8_000];
            g711::decode(Codec::Pcma, &kept, &mut heard);
            let found = compare::find(&voice, &heard);
            let found = found.filter(|found| found.lag == 0 && found.correlation > 0.99);
            assert!(found.is_some(), "{law:?}: {:?}", compare::find(&voice, &heard));
        }
    }
}
