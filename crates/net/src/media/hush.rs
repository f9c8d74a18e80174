//! Phones that send nothing while nobody speaks: whoever tapes or mixes them, or hears them and did
//! not agree on comfort noise, gets noise, frame by frame, until they speak again.
//!
//! G.711 and G.722 say how loud it is (RFC 3389). Opus sends a packet without content now and then,
//! or none (RFC 7587 §3.1.3): its decoder goes on with the noise that was behind the voice.

use media::{Codec, ComfortNoise, FRAME_SAMPLES, LegMedia, g711};
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
const FRAME_TICKS: i32 = FRAME_SAMPLES as i32;

/// The noise of a phone that is silent.
#[derive(Debug)]
pub(crate) struct Hush {
    /// `None` where its codec has its own.
    noise: Option<ComfortNoise>,
    /// That of the next frame.
    header: Header,
    /// When that frame has been heard, as if it had come as a packet.
    due: Mono,
}

impl Hush {
    fn new(codec: Codec, packet: &Packet<'_>, now: Mono) -> Self {
        let noise = (codec != Codec::Opus).then(|| ComfortNoise::new(packet.payload));
        Self { noise, header: packet.header, due: Mono(now.0 + FRAME_NANOS) }
    }

    /// The silence goes on and may sound differently. What is made of it keeps its beat, however
    /// often the phone says so.
    fn renew(&mut self, codec: Codec, packet: &Packet<'_>, now: Mono) {
        let ahead = packet.header.timestamp.wrapping_sub(self.header.timestamp) as i32;
        if packet.header.ssrc == self.header.ssrc && ahead.unsigned_abs() <= NEAR.unsigned_abs() {
            if let Some(noise) = &mut self.noise {
                *noise = ComfortNoise::new(packet.payload);
            }
            self.header.sequence = packet.header.sequence;
        } else {
            *self = Self::new(codec, packet, now);
        }
    }

    /// The header of the next frame if it is due.
    fn next(&mut self, now: Mono) -> Option<Header> {
        if self.due > now {
            return None;
        }
        let behind = now.0 - self.due.0;
        if behind > CATCH_UP {
            self.pass(behind / FRAME_NANOS);
        }
        let header = self.header;
        self.pass(1);
        Some(header)
    }

    /// The header of the next frame if it is over when that packet begins, soon.
    fn next_before(&mut self, voice: &Header) -> Option<Header> {
        let ahead = voice.timestamp.wrapping_sub(self.header.timestamp) as i32;
        let is_near = voice.ssrc == self.header.ssrc && (FRAME_TICKS..=NEAR).contains(&ahead);
        is_near.then(|| {
            let header = self.header;
            self.pass(1);
            header
        })
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
        let Some(codec) = self.wanted.as_ref().map(|wanted| wanted.media.codec) else { return };
        match &mut self.hush {
            Some(hush) => hush.renew(codec, packet, now),
            None => self.hush = Some(Box::new(Hush::new(codec, packet, now))),
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
        // Nothing is decoded for nobody.
        let is_heard = hush.noise.is_some() || self.is_decoded(index, codec);
        while let Some(header) = hush.next(now) {
            if is_heard {
                self.sound(index, codec, (&mut hush, header), now);
            }
        }
        if let Some((_, leg)) = self.legs.find(key) {
            leg.hush = Some(hush);
        }
        true
    }

    /// The phone of that key speaks again, in a packet with that header: what was to be heard
    /// before it is made at once, or it would be missing.
    pub(super) fn end_hush(&mut self, key: u64, voice: &Header, now: Mono) {
        let Some((index, leg)) = self.legs.find(key) else { return };
        let Some(mut hush) = leg.hush.take() else { return };
        let Some(codec) = leg.wanted.as_ref().map(|wanted| wanted.media.codec) else { return };
        if hush.noise.is_none() && !self.is_decoded(index, codec) {
            return;
        }
        while let Some(header) = hush.next_before(voice) {
            self.sound(index, codec, (&mut hush, header), now);
        }
    }

    /// Makes a frame of noise of the leg at `index`, whose phone speaks that codec.
    fn sound(&mut self, index: u32, codec: Codec, (hush, header): (&mut Hush, Header), now: Mono) {
        let (mut samples, mut frame) = ([0; FRAME_SAMPLES], [0; FRAME_SAMPLES]);
        match &mut hush.noise {
            Some(noise) => noise.fill(&mut samples),
            None => {
                if let Some(leg) = self.legs.at(index) {
                    leg.go_on(codec, &mut samples);
                }
            }
        }
        g711::encode(codec, &samples, &mut frame);
        self.take_in(index, codec, header, &frame, now);
        let spoken = Spoken { codec: g711::law(codec), header, payload: &frame };
        self.comfort(index, codec, &spoken, now);
    }

    /// Sends noise to those who hear the leg at `index`, whose phone speaks that codec, and are not
    /// sent what it says of its silence.
    fn comfort(&mut self, index: u32, codec: Codec, spoken: &Spoken<'_>, now: Mono) {
        let Self { legs, packet, counted, .. } = self;
        let listeners = legs.at(index).map_or(0, |leg| leg.listeners.len());
        for at in 0..listeners {
            let Some(listener) = super::receive::nth_listener(legs, index, at) else { return };
            let is_told = |media: &LegMedia| match codec {
                Codec::Opus => media.codec == codec,
                _ => media.noise_payload_type.is_some(),
            };
            if listener.sending().is_some_and(|(media, _)| !is_told(media)) {
                listener.repack(spoken, &mut Way { packet: &mut packet[..], counted }, now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PCMA: Codec = Codec::Pcma;

    fn said(timestamp: u32, payload: &[u8]) -> Packet<'_> {
        Packet { header: Header { timestamp, ssrc: 7, ..Header::default() }, payload }
    }

    #[test]
    fn noise_is_made_on_the_beat_and_what_is_too_late_is_passed_over() {
        let mut hush = Hush::new(PCMA, &said(u32::MAX - 159, &[40]), Mono::from_ms(80));
        let mut at = |ms| hush.next(Mono::from_ms(ms)).map(|header| header.timestamp);
        assert_eq!(at(99), None);
        assert_eq!(at(100), Some(u32::MAX - 159));
        assert_eq!(at(119), None);
        assert_eq!((at(145), at(145), at(145)), (Some(0), Some(160), None));
        // It stood still for a second.
        assert_eq!(at(1_160), Some(160 + 51 * 160));
        assert_eq!(at(1_160), None);
    }

    #[test]
    fn what_is_missing_before_a_voice_is_made_if_it_is_not_much() {
        let missing = |voice| {
            let mut hush = Hush::new(PCMA, &said(u32::MAX - 159, &[40]), Mono::from_ms(0));
            let voice = said(voice, &[]).header;
            std::iter::from_fn(|| hush.next_before(&voice)).count()
        };
        assert_eq!([0, 159, 160, 1_440].map(missing), [1, 1, 2, 10]);
        assert_eq!([u32::MAX - 159, u32::MAX - 1, 1_441, 1 << 31].map(missing), [0; 4]);
    }

    #[test]
    fn a_phone_that_says_it_with_every_frame_is_heard_and_one_that_jumps_is_followed() {
        let mut hush = Hush::new(PCMA, &said(0, &[60]), Mono::from_ms(0));
        let mut made = 0;
        for nth in 0..50 {
            let now = Mono::from_ms(u64::from(nth) * 20);
            hush.renew(PCMA, &said(nth * 160, &[30]), now);
            while let Some(header) = hush.next(now) {
                assert_eq!(header.timestamp, made * 160);
                made += 1;
            }
        }
        assert_eq!(made, 49);
        let mut frame = [0; FRAME_SAMPLES];
        hush.noise.as_mut().unwrap().fill(&mut frame);
        assert!(frame.iter().any(|sample| *sample > 1_000), "the new level holds: {frame:?}");
        hush.renew(PCMA, &said(1_000_000, &[30]), Mono::from_ms(1_000));
        assert_eq!(hush.next(Mono::from_ms(1_019)), None);
        let next = hush.next(Mono::from_ms(1_020));
        assert_eq!(next.map(|header| header.timestamp), Some(1_000_000));
    }
}
