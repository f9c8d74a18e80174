//! What codecs leave of speech: the project's own prompts, there and back.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use std::path::{Path, PathBuf};

use media::{Codec, Inband, decode, g711, g722};

/// A frame quieter than this is a pause: there is nothing to compare.
const PAUSE: f64 = 200.0;

fn prompts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ivr-scripts/prompts");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "wav"))
        .collect();
    files.sort();
    assert!(files.len() > 50, "the prompts are there");
    files
}

/// The mean over all spoken frames of what is heard above what differs, in decibels.
fn segmental_snr(spoken: &[i16], heard: &[i16]) -> f64 {
    let mut ratios = Vec::new();
    for (spoken, heard) in spoken.chunks_exact(160).zip(heard.chunks_exact(160)) {
        let square = |sample: f64| sample * sample;
        let power: f64 = spoken.iter().map(|sample| square(f64::from(*sample))).sum();
        if power < 160.0 * PAUSE * PAUSE {
            continue;
        }
        let noise: f64 =
            spoken.iter().zip(heard).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
        ratios.push(10.0 * (power / (noise + 1.0)).log10());
    }
    ratios.iter().sum::<f64>() / ratios.len().max(1) as f64
}

#[test]
fn g_722_leaves_every_prompt_as_clear_as_a_law_or_nearly() {
    for path in prompts() {
        let spoken = decode(std::fs::read(&path).unwrap()).unwrap();
        let (mut bytes, mut heard) = (vec![0; spoken.len()], vec![0; spoken.len()]);
        g722::Encoder::default().encode_narrow(&spoken, &mut bytes);
        g722::Decoder::default().decode_narrow(&bytes, &mut heard);
        let wide = segmental_snr(&spoken, &heard);
        g711::encode(Codec::Pcma, &spoken, &mut bytes);
        g711::decode(Codec::Pcma, &bytes, &mut heard);
        let narrow = segmental_snr(&spoken, &heard);
        assert!(wide > 34.0, "{}: {wide:.1} dB", path.display());
        assert!(narrow > 34.0, "{}: {narrow:.1} dB", path.display());
        // Changed for a phone of G.711, as the engine does it, it is still as clear as that.
        let mut kept = vec![0; spoken.len()];
        g722::Encoder::default().encode_narrow(&spoken, &mut bytes);
        g722::Decoder::default().decode_narrow(&bytes, &mut heard);
        g711::encode(Codec::Pcma, &heard, &mut kept);
        g711::decode(Codec::Pcma, &kept, &mut heard);
        let changed = segmental_snr(&spoken, &heard);
        assert!(changed > 32.0, "{}: {changed:.1} dB", path.display());
    }
}

#[test]
fn no_word_of_the_prompts_sounds_like_a_key() {
    for path in prompts() {
        let spoken = decode(std::fs::read(&path).unwrap()).unwrap();
        // From everywhere in a block, as loud as it is, softer, and so loud that it is cut.
        for (skipped, gain) in [(0, 1.0), (20, 0.3), (40, 1.0), (60, 2.0)] {
            let mut inband = Inband::default();
            let samples = spoken[skipped..].iter();
            let samples = samples.map(|sample| (f32::from(*sample) * gain) as i16);
            inband.handle_samples(samples, model::Mono(0));
            inband.handle_timeout(model::Mono::from_ms(1_000));
            assert_eq!(inband.poll_output(), None, "{}", path.display());
        }
    }
}
