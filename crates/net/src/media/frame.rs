//! Frames of prompts and music: sent by the clock, one packet each.

use media::{FRAME_SAMPLES, MediaEvent};
use model::Mono;

use super::counters::Counters;
use super::leg::Leg;
use super::outbox::Outbox;
use super::playing::FRAME_NANOS;
use super::worker::Worker;

/// A frame later than this is not sent any more, in nanoseconds.
const CATCH_UP: u64 = 100_000_000;

impl Worker {
    /// Sends the frames that are due.
    pub(super) fn play(&mut self, now: Mono) {
        let Self { wheel, legs, outbox, counted, packet, .. } = self;
        wheel.turn(now, |wheel, key| {
            let Some((_, leg)) = legs.find(key) else { return };
            if play_leg(leg, now, packet, outbox, counted) {
                wheel.insert(key, leg.frame_due);
            } else {
                leg.is_on_wheel = false;
            }
        });
    }
}

/// Sends what is due to one leg. False if its playing is over.
fn play_leg(
    leg: &mut Leg,
    now: Mono,
    packet: &mut [u8],
    outbox: &mut Outbox,
    counted: &mut Counters,
) -> bool {
    let behind = now.0.saturating_sub(leg.frame_due.0);
    if behind > CATCH_UP {
        let frames = behind / FRAME_NANOS;
        if let Some(playing) = leg.playing.as_mut() {
            playing.skip(frames);
            counted.frames_skipped += frames;
        }
        leg.frame_due.0 += frames * FRAME_NANOS;
        leg.out.begin_source();
    }
    while leg.frame_due <= now {
        let Some(mut playing) = leg.playing.take() else { return false };
        let Some(frame) = playing.next_frame() else {
            outbox.push(MediaEvent::PlayFinished { leg: leg.id, play: playing.id() });
            return false;
        };
        if let Some((media, target)) = leg.sending() {
            let payload_type = media.payload_type;
            let header = leg.out.own(payload_type, FRAME_SAMPLES as u32, leg.frame_due);
            if let Ok(bytes) = header.write(frame, packet) {
                match leg.send(&packet[..bytes], target) {
                    true => counted.packets_sent += 1,
                    false => counted.send_errors += 1,
                }
            }
        }
        leg.playing = Some(playing);
        leg.frame_due.0 += FRAME_NANOS;
    }
    leg.playing.is_some()
}
