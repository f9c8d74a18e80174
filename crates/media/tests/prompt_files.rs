//! Prompts come as WAV, MP3, FLAC or OGG of any rate and are what they were when they are sent.

use std::io::Cursor;

use media::{Codec, Prompts, compare, decode, g711, g722, tone};

/// What all files in `audio/` say; its README tells how they were made.
fn said() -> Vec<i16> {
    tone::voice(95_512, 16_000, 12_000)
}

/// A WAV file of these samples, repeated on every channel.
fn wav(samples: &[i16], rate: u32, channels: u16, format: hound::SampleFormat) -> Vec<u8> {
    let bits_per_sample = match format {
        hound::SampleFormat::Int => 16,
        hound::SampleFormat::Float => 32,
    };
    let spec =
        hound::WavSpec { channels, sample_rate: rate, bits_per_sample, sample_format: format };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).expect("memory can be written");
    for sample in samples {
        for _ in 0..channels {
            match format {
                hound::SampleFormat::Int => writer.write_sample(*sample),
                hound::SampleFormat::Float => writer.write_sample(f32::from(*sample) / 32768.0),
            }
            .expect("memory can be written");
        }
    }
    writer.finalize().expect("memory can be written");
    file.into_inner()
}

#[test]
fn telephone_wav_is_taken_sample_by_sample() {
    for channels in [1, 2] {
        for format in [hound::SampleFormat::Int, hound::SampleFormat::Float] {
            let file = wav(&said(), 8000, channels, format);
            assert_eq!(decode(file).as_ref(), Ok(&said()), "{channels} {format:?}");
        }
    }
}

#[test]
fn compressed_files_of_other_rates_say_the_same() {
    for (name, file) in [
        ("48 kHz stereo MP3", &include_bytes!("audio/said-48k-stereo.mp3")[..]),
        ("44.1 kHz FLAC", &include_bytes!("audio/said-44k.flac")[..]),
        ("16 kHz OGG", &include_bytes!("audio/said-16k.ogg")[..]),
        ("A-law WAV", &include_bytes!("audio/said-alaw.wav")[..]),
        ("24 bit WAV of 22.05 kHz", &include_bytes!("audio/said-22k-24bit.wav")[..]),
    ] {
        let heard = decode(file).unwrap_or_else(|reason| panic!("{name}: {reason}"));
        let padded = [&[0; 2000][..], &heard, &[0; 2000]].concat();
        let found = compare::find(&said(), &padded).expect("it is not silent");
        assert!(found.correlation > 0.98, "{name}: {found:?}");
        // An MP3 encoder puts up to 50 ms before the sound.
        let length = heard.len().abs_diff(said().len());
        assert!(found.lag.abs_diff(2000) < 500 && length < 1000, "{name}: {found:?} {length}");
    }
}

#[test]
fn what_is_sent_is_what_the_file_says_in_every_codec() {
    let file = include_bytes!("audio/said-44k.flac");
    let prompts = Prompts::load([("welcome".into(), &file[..])]).expect("it can be decoded");
    let prompt = prompts.find(&"welcome".into()).expect("it was loaded");
    for codec in Codec::ALL {
        let mut heard = vec![0; prompt.audio(codec).len()];
        match codec {
            // Each listener's encoder makes Opus and L16 of the A-law.
            Codec::Pcma | Codec::Pcmu | Codec::Opus | Codec::L16 | Codec::L16Wide => {
                g711::decode(codec, prompt.audio(codec), &mut heard);
            }
            Codec::G722 => {
                g722::Decoder::default().decode_narrow(prompt.audio(codec), &mut heard);
            }
        }
        let found = compare::find(&said()[..11_000], &heard).expect("it is not silent");
        assert!(found.correlation > 0.99 && found.lag < 3, "{codec:?}: {found:?}");
    }
    assert_eq!((prompt.duration_ms(), prompts.iter().count()), (1500, 1));
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let good = wav(&said(), 8000, 1, hound::SampleFormat::Int);
    for (file, reason) in [
        (Vec::new(), "not a WAV, MP3, FLAC or OGG file"),
        (b"#!/bin/sh\necho no audio\n".repeat(200), "not a WAV, MP3, FLAC or OGG file"),
        (wav(&[], 8000, 1, hound::SampleFormat::Int), "holds no audio"),
        (wav(&said(), 1000, 1, hound::SampleFormat::Int), "sampling rate of 1000 Hz"),
        (good[..good.len() / 2].to_vec(), "cut off"),
    ] {
        let error = decode(file).expect_err(reason);
        assert!(error.contains(reason), "{error:?} does not say {reason:?}");
    }
}

#[test]
fn no_damage_to_a_file_is_a_panic() {
    let files = [
        &include_bytes!("audio/said-48k-stereo.mp3")[..],
        &include_bytes!("audio/said-44k.flac")[..],
        &include_bytes!("audio/said-16k.ogg")[..],
        &include_bytes!("audio/said-alaw.wav")[..],
    ];
    for file in files {
        for at in (0..file.len()).step_by(file.len() / 40) {
            let _ = decode(file[..at].to_vec());
            let mut damaged = file.to_vec();
            damaged[at] ^= 0xff;
            let _ = decode(damaged);
        }
    }
}
