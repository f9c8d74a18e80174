//! One playing of prompts to one leg, frame by frame.

use std::sync::Arc;

use media::{Codec, FRAME_SAMPLES, Play, Prompts};
use model::{Mono, PlayId};

/// Nanoseconds a frame lasts.
pub(crate) const FRAME_NANOS: u64 = media::FRAME_MS * 1_000_000;

/// One playing: the prompts' bytes, shared by all who hear them, and a place in them.
#[derive(Debug)]
pub(crate) struct Playing {
    id: PlayId,
    is_repeated: bool,
    tracks: Box<[Arc<[u8]>]>,
    track: usize,
    offset: usize,
}

impl Playing {
    /// What `play` asks for, and how many of its prompts are not there: they are passed over.
    ///
    /// Announcements begin at their start; what is repeated (music) is joined where it is by the
    /// engine's clock, so that it has gone on when a caller comes back to it.
    pub(crate) fn new(
        play: &Play,
        prompts: &Prompts,
        codec: Codec,
        now: Mono,
    ) -> (Self, Vec<model::PromptId>) {
        let missing =
            play.prompts.iter().filter(|id| prompts.find(id).is_none()).cloned().collect();
        let tracks = play
            .prompts
            .iter()
            .filter_map(|id| prompts.find(id))
            .map(|prompt| Arc::clone(prompt.audio(codec)))
            .filter(|track| track.len() >= FRAME_SAMPLES)
            .collect();
        let (id, is_repeated) = (play.id, play.repeat);
        let mut playing = Self { id, is_repeated, tracks, track: 0, offset: 0 };
        if is_repeated {
            playing.skip(now.0 / FRAME_NANOS);
        }
        (playing, missing)
    }

    pub(crate) fn id(&self) -> PlayId {
        self.id
    }

    /// The same place in other bytes: the leg's codec changed.
    pub(crate) fn recode(&mut self, play: &Play, prompts: &Prompts, codec: Codec, now: Mono) {
        let (fresh, _missing) = Self::new(play, prompts, codec, now);
        self.tracks = fresh.tracks;
    }

    /// The next frame; `None` at the end.
    pub(crate) fn next_frame(&mut self) -> Option<&[u8]> {
        loop {
            if self.track >= self.tracks.len() {
                if !self.is_repeated || self.tracks.iter().all(|track| frames_in(track) == 0) {
                    return None;
                }
                (self.track, self.offset) = (0, 0);
            }
            let (track, offset) = (self.track, self.offset);
            if offset + FRAME_SAMPLES <= self.tracks[track].len() {
                self.offset += FRAME_SAMPLES;
                return Some(&self.tracks[track][offset..offset + FRAME_SAMPLES]);
            }
            (self.track, self.offset) = (track + 1, 0);
        }
    }

    /// Passes over frames.
    pub(crate) fn skip(&mut self, frames: u64) {
        let total: u64 = self.tracks.iter().map(frames_in).sum();
        if total == 0 {
            return;
        }
        let passed: u64 = self.tracks[..self.track].iter().map(frames_in).sum();
        let mut frame = passed + (self.offset / FRAME_SAMPLES) as u64 + frames;
        if self.is_repeated {
            frame %= total;
        }
        for (at, track) in self.tracks.iter().enumerate() {
            if frame < frames_in(track) {
                (self.track, self.offset) = (at, frame as usize * FRAME_SAMPLES);
                return;
            }
            frame -= frames_in(track);
        }
        (self.track, self.offset) = (self.tracks.len(), 0);
    }
}

fn frames_in(track: &Arc<[u8]>) -> u64 {
    (track.len() / FRAME_SAMPLES) as u64
}

#[cfg(test)]
mod tests {
    use model::Id;

    use super::*;

    fn playing(frames: &[usize], is_repeated: bool) -> Playing {
        let mut value = 0;
        let tracks = frames
            .iter()
            .map(|frames| {
                let track = (0..*frames).flat_map(|_| {
                    value += 1;
                    [value; FRAME_SAMPLES]
                });
                track.collect::<Vec<u8>>().into()
            })
            .collect();
        Playing { id: PlayId(Id::new(0, 0, 1)), is_repeated, tracks, track: 0, offset: 0 }
    }

    fn next(playing: &mut Playing) -> Option<u8> {
        playing.next_frame().map(|frame| frame[0])
    }

    #[test]
    fn prompts_follow_each_other_and_end() {
        let mut playing = playing(&[2, 0, 1], false);
        let heard: Vec<u8> = std::iter::from_fn(|| next(&mut playing)).collect();
        assert_eq!(heard, [1, 2, 3]);
        assert_eq!(next(&mut playing), None);
    }

    #[test]
    fn music_begins_again() {
        let mut playing = playing(&[2, 1], true);
        let heard: Vec<u8> = std::iter::from_fn(|| next(&mut playing)).take(7).collect();
        assert_eq!(heard, [1, 2, 3, 1, 2, 3, 1]);
    }

    #[test]
    fn skipping_is_the_same_as_hearing_nothing_of_it() {
        for is_repeated in [false, true] {
            for skipped in 0..12 {
                let mut heard = playing(&[3, 1, 2], is_repeated);
                let mut passed = playing(&[3, 1, 2], is_repeated);
                next(&mut heard);
                next(&mut passed);
                for _ in 0..skipped {
                    next(&mut heard);
                }
                passed.skip(skipped);
                assert_eq!(next(&mut heard), next(&mut passed), "{skipped} {is_repeated}");
            }
        }
    }

    #[test]
    fn nothing_to_play_ends_at_once() {
        assert_eq!(next(&mut playing(&[], false)), None);
        let mut music = playing(&[0], true);
        music.skip(5);
        assert_eq!(next(&mut music), None);
    }
}
