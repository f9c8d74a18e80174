//! An audio file's bytes, decoded to samples of telephone voice.

use std::io::Cursor;

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use crate::resample::to_telephone_rate;

/// The longest file that is decoded, in seconds: half an hour of music.
pub const MAX_SECONDS: usize = 1800;
/// The sampling rates that are decoded.
pub const RATES: std::ops::RangeInclusive<u32> = 4000..=192_000;

/// Decodes WAV, MP3, FLAC or OGG to 8 kHz, one channel.
///
/// # Errors
/// Says what is wrong with the file.
pub fn decode<B>(file: B) -> Result<Vec<i16>, String>
where
    B: AsRef<[u8]> + Send + Sync + 'static,
{
    let stream = MediaSourceStream::new(Box::new(Cursor::new(file)), Default::default());
    let (format, metadata) = (FormatOptions::default(), MetadataOptions::default());
    let mut reader = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, format, metadata)
        .map_err(|error| format!("not a WAV, MP3, FLAC or OGG file ({error})"))?;
    let track = reader.default_track(TrackType::Audio).ok_or("holds no audio")?;
    let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters.ok_or("holds no audio")?, &AudioDecoderOptions::default())
        .map_err(|error| format!("its audio cannot be decoded ({error})"))?;
    let track = track.id;
    let (samples, rate) = decode_track(reader.as_mut(), decoder.as_mut(), track)?;
    if samples.is_empty() {
        return Err("holds no audio".into());
    }
    let scaled = |sample: f32| (sample * 32768.0).round().clamp(-32768.0, 32767.0) as i16;
    let samples = to_telephone_rate(&samples, rate)
        .map_err(|error| format!("its sampling rate of {rate} Hz cannot be changed ({error})"))?;
    Ok(samples.into_iter().map(scaled).collect())
}

/// All samples of one track, its channels averaged, and their rate.
fn decode_track(
    reader: &mut dyn FormatReader,
    decoder: &mut dyn AudioDecoder,
    track: u32,
) -> Result<(Vec<f32>, u32), String> {
    let (mut samples, mut rate, mut interleaved) = (Vec::new(), None, Vec::new());
    while let Some(packet) =
        reader.next_packet().map_err(|error| format!("is damaged or cut off ({error})"))?
    {
        if packet.track_id != track {
            continue;
        }
        let audio = match decoder.decode(&packet) {
            Ok(audio) => audio,
            // One damaged packet is a click; the rest can still be heard.
            Err(Error::DecodeError(_)) => continue,
            Err(error) => return Err(format!("its audio cannot be decoded ({error})")),
        };
        let packet_rate = audio.spec().rate();
        if *rate.get_or_insert(packet_rate) != packet_rate || !RATES.contains(&packet_rate) {
            return Err(format!("its sampling rate of {packet_rate} Hz cannot be used"));
        }
        let channels = audio.spec().channels().count().max(1);
        interleaved.resize(audio.samples_interleaved(), 0.0);
        audio.copy_to_slice_interleaved(&mut interleaved);
        let mixed = |frame: &[f32]| frame.iter().sum::<f32>() / channels as f32;
        samples.extend(interleaved.chunks_exact(channels).map(mixed));
        if samples.len() > MAX_SECONDS * packet_rate as usize {
            return Err(format!("is longer than {MAX_SECONDS} seconds"));
        }
    }
    Ok((samples, rate.unwrap_or(crate::SAMPLE_RATE)))
}
