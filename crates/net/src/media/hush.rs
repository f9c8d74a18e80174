//! Phones that send nothing while nobody speaks (RFC 3389): whoever tapes or mixes them, or hears
//! them and did not agree on comfort noise, gets noise of the level that they said, frame by frame,
//! until they speak again.

use media::{Codec, ComfortNoise, FRAME_SAMPLES, g711};
use model::Mono;
use rtp::{Header, Packet};

use super::leg::Leg;
use super::pack::{Spoken, Way};
use super::playing::FRAME_NANOS;
use super::worker::Worker;

/// A frame of noise later than this is not made any more, in nanoseconds.
const CATCH_UP: u64 = 100_000_000;
/// A packet of noise so many ticks from where the noise has got to does not move it: 200 ms.
const NEAR: i32 = 1_600;

/// The noise of a phone that is silent.
#[derive(Debug)]
pub(crate) struct Hush {
    noise: ComfortNoise,
    /// That of the next frame.
    header: Header,
    /// When that frame has been heard, as if it had come as a packet.
    due: Mono,
}

impl Hush {
    fn new(packet: &Packet<'_>, now: Mono) -> Self {
        let noise = ComfortNoise::new(packet.payload);
        Self { noise, header: packet.header, due: Mono(now.0 + FRAME_NANOS) }
    }

    /// The silence goes on and may sound differently. What is made of it keeps its beat, however
    /// often the phone says so.
    fn renew(&mut self, packet: &Packet<'_>, now: Mono) {
        let ahead = packet.header.timestamp.wrapping_sub(self.header.timestamp) as i32;
        if packet.header.ssrc == self.header.ssrc && ahead.unsigned_abs() <= NEAR.unsigned_abs() {
            self.noise = ComfortNoise::new(packet.payload);
            self.header.sequence = packet.header.sequence;
        } else {
            *self = Self::new(packet, now);
        }
    }

    /// The next frame if it is due, in the law of that codec, with its header.
    fn next(&mut self, codec: Codec, now: Mono, frame: &mut [u8; FRAME_SAMPLES]) -> Option<Header> {
        if self.due > now {
            return None;
        }
        let behind = now.0 - self.due.0;
        if behind > CATCH_UP {
            self.pass(behind / FRAME_NANOS);
        }
        let mut samples = [0; FRAME_SAMPLES];
        self.noise.fill(&mut samples);
        g711::encode(codec, &samples, frame);
        let header = self.header;
        self.pass(1);
        Some(header)
    }

    fn pass(&mut self, frames: u64) {
        self.due.0 += frames * FRAME_NANOS;
        let ticks = (frames as u32).wrapping_mul(FRAME_SAMPLES as u32);
        self.header.timestamp = self.header.timestamp.wrapping_add(ticks);
    }
}

impl Leg {
    /// The phone says how its silence sounds.
    pub(super) fn hush(&mut self, packet: &Packet<'_>, now: Mono) {
        match &mut self.hush {
            Some(hush) => hush.renew(packet, now),
            None => self.hush = Some(Box::new(Hush::new(packet, now))),
        }
    }
}

impl Worker {
    /// The leg of that key said how its silence sounds.
    pub(super) fn begin_hush(&mut self, key: u64, packet: &Packet<'_>, now: Mono) {
        let Some((_, leg)) = self.legs.find(key) else { return };
        leg.hush(packet, now);
        if !std::mem::replace(&mut leg.is_hushed, true) {
            self.hushed.push(key);
        }
    }

    /// Makes the noise that is due of phones that are silent.
    pub(super) fn hush(&mut self, now: Mono) {
        let mut hushed = std::mem::take(&mut self.hushed);
        hushed.retain(|key| self.hush_leg(*key, now));
        self.hushed = hushed;
    }

    /// The same of one leg. False if its phone speaks again, or is gone.
    fn hush_leg(&mut self, key: u64, now: Mono) -> bool {
        let Some((index, leg)) = self.legs.find(key) else { return false };
        let codec = leg.wanted.as_ref().map(|wanted| wanted.media.codec);
        let (Some(codec), Some(mut hush)) = (codec, leg.hush.take()) else {
            (leg.hush, leg.is_hushed) = (None, false);
            return false;
        };
        let mut frame = [0; FRAME_SAMPLES];
        while let Some(header) = hush.next(codec, now, &mut frame) {
            let law = g711::law(codec);
            self.take_in(index, codec, header, &frame, now);
            self.comfort(index, &Spoken { codec: law, header, payload: &frame }, now);
        }
        if let Some((_, leg)) = self.legs.find(key) {
            leg.hush = Some(hush);
        }
        true
    }

    /// Sends noise to those who hear the leg at `index` and are not sent its comfort noise.
    fn comfort(&mut self, index: u32, spoken: &Spoken<'_>, now: Mono) {
        let Self { legs, packet, outward, .. } = self;
        let listeners = legs.at(index).map_or(0, |leg| leg.listeners.len());
        for at in 0..listeners {
            let Some(listener) = super::receive::nth_listener(legs, index, at) else { return };
            if listener.sending().is_some_and(|(media, _)| media.noise_payload_type.is_none()) {
                listener.repack(spoken, &mut Way { packet: &mut packet[..], outward }, now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(timestamp: u32, payload: &[u8]) -> Packet<'_> {
        Packet { header: Header { timestamp, ssrc: 7, ..Header::default() }, payload }
    }

    #[test]
    fn noise_is_made_on_the_beat_and_what_is_too_late_is_passed_over() {
        let mut hush = Hush::new(&said(u32::MAX - 159, &[40]), Mono::from_ms(80));
        let mut frame = [0; FRAME_SAMPLES];
        let mut at = |ms| {
            let next = hush.next(Codec::Pcma, Mono::from_ms(ms), &mut frame);
            next.map(|header| header.timestamp)
        };
        assert_eq!(at(99), None);
        assert_eq!(at(100), Some(u32::MAX - 159));
        assert_eq!(at(119), None);
        assert_eq!((at(145), at(145), at(145)), (Some(0), Some(160), None));
        // It stood still for a second.
        assert_eq!(at(1_160), Some(160 + 51 * 160));
        assert_eq!(at(1_160), None);
        assert!(frame.iter().any(|byte| *byte != frame[0]), "it is noise");
    }

    #[test]
    fn a_phone_that_says_it_with_every_frame_is_heard_and_one_that_jumps_is_followed() {
        let mut hush = Hush::new(&said(0, &[60]), Mono::from_ms(0));
        let mut frame = [0; FRAME_SAMPLES];
        let mut made = 0;
        for nth in 0..50 {
            let now = Mono::from_ms(u64::from(nth) * 20);
            hush.renew(&said(nth * 160, &[30]), now);
            while let Some(header) = hush.next(Codec::Pcma, now, &mut frame) {
                assert_eq!(header.timestamp, made * 160);
                made += 1;
            }
        }
        assert_eq!(made, 49);
        let loudest = frame.iter().map(|byte| g711::decode_sample(Codec::Pcma, *byte)).max();
        assert!(loudest > Some(1_000), "the new level holds: {loudest:?}");
        hush.renew(&said(1_000_000, &[30]), Mono::from_ms(1_000));
        assert_eq!(hush.next(Codec::Pcma, Mono::from_ms(1_019), &mut frame), None);
        let next = hush.next(Codec::Pcma, Mono::from_ms(1_020), &mut frame);
        assert_eq!(next.map(|header| header.timestamp), Some(1_000_000));
    }
}
