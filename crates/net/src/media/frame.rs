//! Frames that are made here, prompts, music and mixes: sent by the clock, one packet each.

use media::{FRAME_SAMPLES, MediaEvent};
use model::Mono;

use super::leg::Leg;
use super::mixing::{self, Mixing};
use super::outbox::Outbox;
use super::outward::Outward;
use super::pack::Way;
use super::playing::{FRAME_NANOS, Playing};
use super::wide;
use super::worker::Worker;

/// A frame later than this is not sent any more, in nanoseconds.
const CATCH_UP: u64 = 100_000_000;

/// What a leg is sent by the clock.
#[derive(Debug, Default)]
pub(crate) enum Paced {
    /// Nothing: it hears silence, or another leg's packets as they come.
    #[default]
    Nothing,
    /// Prompts or music.
    Playing(Playing),
    /// The sum of other legs.
    Mixing(Mixing),
}

impl Worker {
    /// Sends the frames that are due.
    pub(super) fn play(&mut self, now: Mono) {
        let Self { wheel, legs, outbox, outward, packet, mixer, .. } = self;
        wheel.turn(now, |wheel, key| {
            let Some((_, leg)) = legs.find(key) else { return };
            let goes_on = match leg.paced {
                Paced::Nothing => false,
                Paced::Playing(_) => play_leg(leg, now, packet, outbox, outward),
                Paced::Mixing(_) => mixing::mix_leg(key, now, legs, mixer, packet, outward),
            };
            let Some((_, leg)) = legs.find(key) else { return };
            leg.is_on_wheel = goes_on;
            if goes_on {
                wheel.insert(key, leg.frame_due);
            }
        });
    }
}

/// Passes over the frames of a leg for which the worker woke too late, and tells how many.
pub(super) fn catch_up(leg: &mut Leg, now: Mono) -> u64 {
    let behind = now.0.saturating_sub(leg.frame_due.0);
    if behind <= CATCH_UP {
        return 0;
    }
    let frames = behind / FRAME_NANOS;
    leg.frame_due.0 += frames * FRAME_NANOS;
    leg.out.begin_source();
    frames
}

/// Sends a frame that is due, unless the leg is on hold.
pub(super) fn send(leg: &mut Leg, frame: &[u8], packet: &mut [u8], outward: &mut Outward) {
    let Some((media, target)) = leg.sending() else { return };
    let (payload_type, codec) = (media.payload_type, media.codec);
    if u64::from(media.packet_ms) != media::FRAME_MS || wide::is_sized(codec) {
        let mut piece = [0; FRAME_SAMPLES];
        let piece = &mut piece[..frame.len().min(FRAME_SAMPLES)];
        piece.copy_from_slice(&frame[..piece.len()]);
        leg.join(wide::waiting(codec), piece);
        return leg.pack(piece, &mut Way { packet, outward }, leg.frame_due);
    }
    let header = leg.out.own(payload_type, FRAME_SAMPLES as u32, leg.frame_due);
    if let Ok(bytes) = header.write(frame, packet) {
        leg.join(codec, &mut packet[rtp::HEADER_BYTES..bytes]);
        leg.send(&packet[..bytes], target, outward);
    }
}

/// Sends what is due to one leg. False if its playing is over.
fn play_leg(
    leg: &mut Leg,
    now: Mono,
    packet: &mut [u8],
    outbox: &mut Outbox,
    outward: &mut Outward,
) -> bool {
    let skipped = catch_up(leg, now);
    let Paced::Playing(mut playing) = std::mem::take(&mut leg.paced) else { return false };
    if skipped > 0 {
        playing.skip(skipped);
        outward.counted.frames_skipped += skipped;
    }
    while leg.frame_due <= now {
        let Some(frame) = playing.next_frame() else {
            leg.flush(&mut Way { packet, outward }, leg.frame_due);
            outbox.push(MediaEvent::PlayFinished { leg: leg.id, play: playing.id() });
            return false;
        };
        send(leg, frame, packet, outward);
        leg.frame_due.0 += FRAME_NANOS;
    }
    leg.paced = Paced::Playing(playing);
    true
}
