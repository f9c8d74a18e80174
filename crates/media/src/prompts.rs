//! Prompts: audio files decoded once, at start, into the bytes that are sent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use model::PromptId;

use crate::{Codec, FRAME_SAMPLES, SAMPLE_RATE, decode, g711, g722};

/// The most prompts of one engine.
pub const MAX_PROMPTS: usize = 10_000;

/// One prompt, encoded for every codec whose bytes are samples, whole frames.
#[derive(Debug, Clone)]
pub struct Prompt {
    pcma: Arc<[u8]>,
    pcmu: Arc<[u8]>,
    g722: Arc<[u8]>,
}

impl Prompt {
    /// Encodes `samples` at 8 kHz; the last frame is filled up with silence.
    fn encode(samples: &[i16]) -> Self {
        let bytes = |codec| {
            let length = samples.len().next_multiple_of(FRAME_SAMPLES);
            let mut bytes = vec![g711::silence(codec); length];
            g711::encode(codec, samples, &mut bytes);
            bytes.into()
        };
        let mut g722 = vec![0; samples.len().next_multiple_of(FRAME_SAMPLES)];
        let (mut encoder, silence) = (g722::Encoder::default(), [0; FRAME_SAMPLES]);
        let (spoken, rest) = g722.split_at_mut(samples.len());
        encoder.encode_narrow(samples, spoken);
        encoder.encode_narrow(&silence, rest);
        Self { pcma: bytes(Codec::Pcma), pcmu: bytes(Codec::Pcmu), g722: g722.into() }
    }

    /// The bytes to send, a multiple of a frame; of a codec whose bytes are no samples those of
    /// A-law, of which each listener's own encoder makes what is sent.
    pub const fn audio(&self, codec: Codec) -> &Arc<[u8]> {
        match codec {
            Codec::Pcma | Codec::Opus | Codec::L16 | Codec::L16Wide => &self.pcma,
            Codec::Pcmu => &self.pcmu,
            Codec::G722 => &self.g722,
        }
    }

    /// The frame at that place, 20 ms long; `None` behind the last.
    pub fn frame(&self, codec: Codec, at: usize) -> Option<&[u8]> {
        self.audio(codec).chunks_exact(FRAME_SAMPLES).nth(at)
    }

    /// How many frames of 20 ms.
    pub fn frames(&self) -> usize {
        self.pcma.len() / FRAME_SAMPLES
    }

    /// Its length in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.pcma.len() as u64 * 1000 / u64::from(SAMPLE_RATE)
    }
}

/// Why a prompt's file could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptError {
    /// Which prompt.
    pub prompt: PromptId,
    /// What is wrong with its file.
    pub reason: String,
}

impl fmt::Display for PromptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "prompt '{}': {}", self.prompt, self.reason)
    }
}

impl std::error::Error for PromptError {}

/// All prompts of one engine, held in memory: 16 kB a second. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Prompts {
    by_id: Arc<BTreeMap<PromptId, Prompt>>,
}

impl Prompts {
    /// Decodes the files (WAV, MP3, FLAC or OGG), given as name and content.
    ///
    /// # Errors
    /// The first file that cannot be used, or whose name came before, or that is one too many.
    pub fn load<B>(files: impl IntoIterator<Item = (PromptId, B)>) -> Result<Self, PromptError>
    where
        B: AsRef<[u8]> + Send + Sync + 'static,
    {
        Self::collect(files.into_iter().map(|(id, file)| (id, decode::decode(file))))
    }

    /// Encodes samples at 8 kHz: prompts that are made, not read.
    ///
    /// # Errors
    /// As [`Prompts::load`].
    pub fn from_samples(
        samples: impl IntoIterator<Item = (PromptId, Vec<i16>)>,
    ) -> Result<Self, PromptError> {
        Self::collect(samples.into_iter().map(|(id, samples)| (id, Ok(samples))))
    }

    fn collect(
        prompts: impl Iterator<Item = (PromptId, Result<Vec<i16>, String>)>,
    ) -> Result<Self, PromptError> {
        let mut by_id = BTreeMap::new();
        for (prompt, samples) in prompts {
            let reason = match samples {
                Ok(samples) if samples.is_empty() => "holds no audio".into(),
                Ok(_) if by_id.len() == MAX_PROMPTS => format!("is beyond {MAX_PROMPTS} prompts"),
                Ok(samples) => match by_id.insert(prompt.clone(), Prompt::encode(&samples)) {
                    None => continue,
                    Some(_) => "is there twice".into(),
                },
                Err(reason) => reason,
            };
            return Err(PromptError { prompt, reason });
        }
        Ok(Self { by_id: Arc::new(by_id) })
    }

    /// The prompt of that name.
    pub fn find(&self, id: &PromptId) -> Option<&Prompt> {
        self.by_id.get(id)
    }

    /// Every prompt, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&PromptId, &Prompt)> {
        self.by_id.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::sine;

    #[test]
    fn the_last_frame_is_filled_up_with_silence() {
        let prompts =
            Prompts::from_samples([("a".into(), sine(1000.0, 20_000, 200))]).expect("it is audio");
        let prompt = prompts.find(&"a".into()).expect("it was loaded");
        assert_eq!((prompt.frames(), prompt.duration_ms()), (2, 40));
        for codec in [Codec::Pcma, Codec::Pcmu] {
            let last = prompt.frame(codec, 1).expect("two frames");
            assert!(last[40..].iter().all(|byte| *byte == g711::silence(codec)));
            assert!(last[..40].iter().any(|byte| *byte != g711::silence(codec)));
            assert_eq!(prompt.frame(codec, 2), None);
        }
    }

    #[test]
    fn errors_name_the_prompt() {
        let twice = [("a".into(), vec![1]), ("a".into(), vec![2])];
        let error = Prompts::from_samples(twice).expect_err("there twice");
        assert_eq!(error.to_string(), "prompt 'a': is there twice");
        let error = Prompts::from_samples([("b".into(), vec![])]).expect_err("empty");
        assert_eq!(error.to_string(), "prompt 'b': holds no audio");
        let error = Prompts::load([("c".into(), b"no audio file at all")]).expect_err("no file");
        assert!(error.to_string().starts_with("prompt 'c': not a WAV"), "{error}");
    }
}
