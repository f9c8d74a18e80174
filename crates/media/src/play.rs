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

    /// What is being played.
    pub const fn play(&self) -> &Play {
        &self.play
    }

    /// The next frame; `None` at the end, and where nothing that is listed can be played.
    pub fn next_frame<'a>(&mut self, prompts: &'a Prompts, codec: Codec) -> Option<&'a [u8]> {
        // The prompt that has just ended, the turn to the list's start, and once round the list.
        for _ in 0..self.play.prompts.len() + 2 {
            let Some(id) = self.play.prompts.get(self.prompt) else {
                if !self.play.repeat {
                    return None;
                }
                self.prompt = 0;
                continue;
            };
            if let Some(frame) = prompts.find(id).and_then(|found| found.frame(codec, self.frame)) {
                self.frame += 1;
                return Some(frame);
            }
            self.prompt += 1;
            self.frame = 0;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use model::{Id, PromptId};

    use super::*;
    use crate::g711::encode_sample;

    /// Prompts `a` of two frames and `b` of one, told apart by their level.
    fn prompts() -> Prompts {
        Prompts::from_samples([("a".into(), vec![1000; 320]), ("b".into(), vec![-5000; 160])])
            .expect("they are audio")
    }

    fn heard(ids: &[&str], repeat: bool, frames: usize) -> String {
        let prompts = prompts();
        let ids = ids.iter().map(|id| PromptId::from(*id)).collect();
        let mut playing = Playing::new(Play { id: PlayId(Id(1)), prompts: ids, repeat });
        let names: String = (0..frames)
            .map_while(|_| playing.next_frame(&prompts, Codec::Pcma))
            .map(|frame| if frame[0] == encode_sample(Codec::Pcma, 1000) { 'a' } else { 'b' })
            .collect();
        if names.len() < frames {
            assert!(playing.next_frame(&prompts, Codec::Pcma).is_none(), "the end stays the end");
        }
        names
    }

    #[test]
    fn prompts_follow_one_another_and_end() {
        assert_eq!(heard(&["a", "b", "b"], false, 9), "aabb");
        assert_eq!(heard(&["b", "nothing", "a"], false, 9), "baa");
        assert_eq!(heard(&["nothing"], false, 9), "");
        assert_eq!(heard(&[], false, 9), "");
    }

    #[test]
    fn music_begins_again() {
        assert_eq!(heard(&["b", "a"], true, 8), "baabaaba");
        assert_eq!(heard(&["b"], true, 3), "bbb");
        assert_eq!(heard(&["nothing", "b", "nothing"], true, 3), "bbb");
        assert_eq!(heard(&["nothing", "nothing"], true, 3), "");
        assert_eq!(heard(&[], true, 3), "");
    }
}
