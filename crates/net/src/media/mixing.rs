//! Conferences: each leg that hears several gets their sum, by the clock, a packet a frame.
//!
//! Who is heard keeps its voice decoded in a playout buffer of its own, made when the first leg
//! mixes it and gone with the last. Each leg that mixes reads those buffers on its own beat.

use std::sync::Arc;

use media::{FRAME_SAMPLES, MAX_PARTIES, Mixer};
use model::{LegId, Mono};

use super::frame::{self, Paced};
use super::leg::Leg;
use super::legs::Legs;
use super::wide;

/// One party of a leg's mix.
#[derive(Debug)]
struct Party {
    id: LegId,
    /// Where it is; `None` while it is not open.
    key: Option<u64>,
}

/// What one leg mixes.
#[derive(Debug)]
pub(crate) struct Mixing {
    parties: Vec<Party>,
}

impl Mixing {
    /// What `listener` is to hear: the others of the list, each once. Those beyond
    /// [`MAX_PARTIES`] are left out; their number comes back, too.
    pub(crate) fn new(parties: &Arc<[LegId]>, listener: LegId, legs: &mut Legs) -> (Self, usize) {
        let mut mixing = Self { parties: Vec::with_capacity(parties.len().min(MAX_PARTIES)) };
        let mut left_out = 0;
        for id in parties.iter().copied().filter(|id| *id != listener) {
            if mixing.parties.iter().any(|party| party.id == id) {
                continue;
            }
            if mixing.parties.len() == MAX_PARTIES {
                left_out += 1;
                continue;
            }
            let key = join(id, legs);
            mixing.parties.push(Party { id, key });
        }
        (mixing, left_out)
    }

    /// The leg does not mix these any more.
    pub(crate) fn leave(self, legs: &mut Legs) {
        for key in self.parties.into_iter().filter_map(|party| party.key) {
            let Some((_, leg)) = legs.find(key) else { continue };
            leg.leave_mix();
        }
    }

    /// Sums what is to be heard from `at` on.
    fn sum(&mut self, at: Mono, legs: &mut Legs, mixer: &mut Mixer) {
        mixer.clear();
        let mut voice = [0; FRAME_SAMPLES];
        for party in &mut self.parties {
            let key = party.key.filter(|key| legs.find(*key).is_some());
            party.key = key.or_else(|| join(party.id, legs));
            let Some(key) = party.key else { continue };
            let Some(playout) = legs.find(key).and_then(|(_, leg)| leg.playout.as_mut()) else {
                continue;
            };
            if playout.read(at, &mut voice) {
                mixer.add(&voice);
            }
        }
    }
}

/// One more mixes that leg. `None` while it is not open.
fn join(id: LegId, legs: &mut Legs) -> Option<u64> {
    let (index, leg) = legs.find_id(id)?;
    leg.join_mix();
    Some(legs.key_at(index))
}

/// Sends what is due to the leg of that key. False if it mixes no more.
pub(super) fn mix_leg(
    key: u64,
    now: Mono,
    legs: &mut Legs,
    mixer: &mut Mixer,
    packet: &mut [u8],
    outward: &mut Outward,
) -> bool {
    let Some((_, leg)) = legs.find(key) else { return false };
    let skipped = frame::catch_up(leg, now);
    outward.counted.frames_skipped += skipped;
    let Some(mut mixing) = take(leg) else { return false };
    loop {
        let Some((_, leg)) = legs.find(key) else { return false };
        let due = leg.frame_due;
        if due > now {
            leg.paced = Paced::Mixing(mixing);
            return true;
        }
        let codec = leg.sending().map(|(media, _)| media.codec);
        if let Some(codec) = codec {
            mixing.sum(due, legs, mixer);
            let mut payload = [0; FRAME_SAMPLES];
            mixer.encode(codec, &mut payload);
            let Some((_, leg)) = legs.find(key) else { return false };
            if wide::is_wide(codec) && !wide::is_sized(codec) {
                leg.code(codec, codec, &mut payload);
            }
            frame::send(leg, &payload, packet, outward);
        }
        let Some((_, leg)) = legs.find(key) else { return false };
        leg.frame_due.0 += super::playing::FRAME_NANOS;
    }
}

fn take(leg: &mut Leg) -> Option<Mixing> {
    match std::mem::take(&mut leg.paced) {
        Paced::Mixing(mixing) => Some(mixing),
        other @ (Paced::Nothing | Paced::Playing(_)) => {
            leg.paced = other;
            None
        }
    }
}
