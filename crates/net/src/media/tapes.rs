//! The recordings that one worker feeds.

use std::collections::HashMap;

use media::{Codec, MediaEvent};
use model::{LegId, Mono, RecordingId};
use recording::Side;
use rtp::Header;

use super::legs::Legs;
use super::outbox::Outbox;
use crate::recorder::{Head, Tapper};

/// One recording.
#[derive(Debug)]
struct Tape {
    recording: RecordingId,
    caller: LegId,
    agent: LegId,
    /// Whether packets of it are being dropped, which has been told.
    is_dropping: bool,
}

/// What a leg's packet brings to a recording.
pub(crate) struct Voice<'a> {
    pub(crate) codec: Codec,
    pub(crate) header: Header,
    pub(crate) payload: &'a [u8],
}

/// The recordings that one worker feeds.
#[derive(Debug)]
pub(crate) struct Tapes {
    tapper: Tapper,
    slots: Vec<Option<Tape>>,
    by_id: HashMap<RecordingId, u32>,
    /// Ends that the recorder had no room for; their slots are not free yet.
    ending: Vec<(u32, Mono)>,
}

impl Tapes {
    pub(crate) fn new(tapper: Tapper) -> Self {
        Self { tapper, slots: Vec::new(), by_id: HashMap::new(), ending: Vec::new() }
    }

    /// Whether there is nothing to record and nothing to end.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty() && self.ending.is_empty()
    }

    /// Begins a recording of two legs. One that is running already goes on.
    pub(crate) fn start(
        &mut self,
        recording: RecordingId,
        (caller, agent): (LegId, LegId),
        (path, at): (String, Mono),
        legs: &mut Legs,
        outbox: &mut Outbox,
    ) {
        if self.by_id.contains_key(&recording) {
            return;
        }
        let is_free = |slot: &Option<Tape>| slot.is_none();
        let slot = self.slots.iter().enumerate().position(|(at, slot)| {
            is_free(slot) && self.ending.iter().all(|(ending, _)| *ending as usize != at)
        });
        let slot = slot.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if !self.tapper.start(slot as u32, recording, path, at) {
            let error = "the recorder has no room for another recording".to_owned();
            outbox.push(MediaEvent::RecordingGap { recording, error });
            return;
        }
        self.slots[slot] = Some(Tape { recording, caller, agent, is_dropping: false });
        self.by_id.insert(recording, slot as u32);
        for (leg, side) in [(caller, Side::Caller), (agent, Side::Agent)] {
            if let Some((_, leg)) = legs.find_id(leg) {
                leg.tape = Some((slot as u32, side));
            }
        }
    }

    /// Ends a recording. False if there is none of that id.
    pub(crate) fn stop(&mut self, recording: RecordingId, at: Mono, legs: &mut Legs) -> bool {
        let Some(slot) = self.by_id.remove(&recording) else { return false };
        if let Some(tape) = self.slots[slot as usize].take() {
            for leg in [tape.caller, tape.agent] {
                if let Some((_, leg)) = legs.find_id(leg) {
                    leg.tape = leg.tape.filter(|(taped, _)| *taped != slot);
                }
            }
        }
        if !self.tapper.stop(slot, at) {
            self.ending.push((slot, at));
        }
        true
    }

    /// Ends all recordings.
    pub(crate) fn stop_all(&mut self, at: Mono, legs: &mut Legs) {
        let all: Vec<RecordingId> = self.by_id.keys().copied().collect();
        for recording in all {
            self.stop(recording, at, legs);
        }
    }

    /// Tapes a packet. False if there was no room: the recording has a gap there.
    pub(crate) fn tap(
        &mut self,
        (slot, side): (u32, Side),
        voice: &Voice<'_>,
        arrived: Mono,
        outbox: &mut Outbox,
    ) -> bool {
        let Some(tape) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) else {
            return true;
        };
        let head = Head {
            slot,
            side,
            codec: voice.codec,
            arrived,
            ssrc: voice.header.ssrc,
            timestamp: voice.header.timestamp,
            sequence: voice.header.sequence,
            bytes: u16::try_from(voice.payload.len()).unwrap_or(u16::MAX),
        };
        let is_taped = self.tapper.push(head, voice.payload);
        if is_taped == tape.is_dropping {
            tape.is_dropping = !is_taped;
            let recording = tape.recording;
            outbox.push(if is_taped {
                MediaEvent::RecordingResumed { recording }
            } else {
                let error = "the recorder is behind: the disk is too slow".to_owned();
                MediaEvent::RecordingGap { recording, error }
            });
        }
        is_taped
    }

    /// Hands on what was collected, and the ends that found no room before.
    pub(crate) fn flush(&mut self) {
        self.tapper.flush();
        let tapper = &mut self.tapper;
        self.ending.retain(|(slot, at)| !tapper.stop(*slot, *at));
    }
}
