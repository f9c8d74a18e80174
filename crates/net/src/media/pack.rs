//! Voice put into packets of the length that a phone asked for (`a=ptime`, `a=maxptime`).
//!
//! Packets that are forwarded stay as they come, unless they are longer than the phone takes. What
//! is made here (prompts, mixes) and what is coded anew has the length that it wishes.

use media::{Codec, FRAME_SAMPLES, LegMedia, g711};
use model::Mono;
use rtp::{HEADER_BYTES, Header, digits};

use super::leg::Leg;
use super::outward::Outward;
use super::wide::{is_sized, waiting};

/// Samples of a millisecond.
const MS_SAMPLES: usize = FRAME_SAMPLES / media::FRAME_MS as usize;
/// Voice that waits for its packet: less than the longest one, and a piece that comes to it.
const ROOM: usize = sdp::MAX_PTIME_MS as usize * MS_SAMPLES + FRAME_SAMPLES;
/// Voice that comes so much later than what was sent already, in ticks, is not late but of another
/// time line: a second.
const ANEW: i32 = 8_000;

/// The longest payload that is made here: 40 ms of L16 with 16,000 samples a second.
const PAYLOAD_BYTES: usize = 1_280;
/// The longest packets of that, and those of Opus, in milliseconds.
const L16_WIDE_MS: u32 = 40;
const OPUS_MS: u32 = 20;

/// The longest packet that is made here.
pub(crate) const PACKET_BYTES: usize = HEADER_BYTES + PAYLOAD_BYTES;

/// Whose voice, and the timestamp of its first sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct At {
    ssrc: u32,
    timestamp: u32,
}

/// Voice that waits until it fills a packet.
#[derive(Debug)]
pub(crate) struct Packer {
    bytes: [u8; ROOM],
    filled: usize,
    /// What the first byte is of the source whose packets are taken apart; `None` for what was
    /// made here.
    first: Option<At>,
}

impl Default for Packer {
    fn default() -> Self {
        Self { bytes: [0; ROOM], filled: 0, first: None }
    }
}

impl Packer {
    /// Adds a piece of at most a frame.
    fn push(&mut self, piece: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.filled..self.filled + piece.len()) {
            room.copy_from_slice(piece);
            self.filled += piece.len();
        }
    }

    /// Takes so many bytes from the front, if there are as many; else `None`.
    fn take(&mut self, bytes: usize, into: &mut [u8]) -> Option<Option<At>> {
        if bytes == 0 || self.filled < bytes {
            return None;
        }
        into.get_mut(..bytes)?.copy_from_slice(&self.bytes[..bytes]);
        self.bytes.copy_within(bytes..self.filled, 0);
        self.filled -= bytes;
        let first = self.first;
        if let Some(at) = &mut self.first {
            at.timestamp = at.timestamp.wrapping_add(bytes as u32);
        }
        Some(first)
    }

    /// Fills up with silence to so many bytes of A-law.
    fn fill_up(&mut self, bytes: usize) {
        if let Some(room) = self.bytes.get_mut(self.filled..bytes) {
            room.fill(g711::silence(Codec::Pcma));
            self.filled = bytes;
        }
    }

    /// Forgets what waits.
    fn clear(&mut self) {
        (self.filled, self.first) = (0, None);
    }

    /// Whether the voice at that place goes on with what was taken in before.
    fn follows(&self, at: At) -> Follows {
        let Some(first) = self.first.filter(|first| first.ssrc == at.ssrc) else {
            return Follows::Anew;
        };
        let next = first.timestamp.wrapping_add(self.filled as u32);
        match at.timestamp.wrapping_sub(next) as i32 {
            0 => Follows::On,
            1.. => Follows::AfterGap,
            late if late > -ANEW => Follows::Late,
            _ => Follows::Anew,
        }
    }
}

/// How a packet follows those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follows {
    /// Without a gap.
    On,
    /// Something between did not come, or was not sent.
    AfterGap,
    /// Its place has gone by.
    Late,
    /// It is of another source, or of another numbering.
    Anew,
}

/// Milliseconds of voice in the packets that are made for a leg.
fn packet_ms(media: &LegMedia) -> u32 {
    match media.codec {
        Codec::Pcma | Codec::Pcmu | Codec::G722 | Codec::L16 => media.packet_ms,
        Codec::L16Wide => media.packet_ms.min(L16_WIDE_MS),
        Codec::Opus if media.max_packet_ms.is_some_and(|most| most < OPUS_MS) => OPUS_MS / 2,
        Codec::Opus => OPUS_MS,
    }
}

/// One packet of another leg's voice, in the codec that is sent on or in that one's law.
pub(crate) struct Spoken<'a> {
    pub(crate) codec: Codec,
    pub(crate) header: Header,
    pub(crate) payload: &'a [u8],
}

/// How a packet leaves.
pub(crate) struct Way<'a> {
    /// Room to write it, [`PACKET_BYTES`] at least.
    pub(crate) packet: &'a mut [u8],
    pub(crate) outward: &'a mut Outward,
}

impl Leg {
    /// Whether another leg's packet of so many samples cannot be sent on as it came.
    pub(crate) fn repacks(&self, ssrc: u32, codec: Codec, samples: usize) -> bool {
        let Some((media, _)) = self.sending() else { return false };
        if is_sized(codec) || is_sized(media.codec) {
            return codec != media.codec;
        }
        let goes_on = |packer: &Packer| packer.first.is_some_and(|at| at.ssrc == ssrc);
        // One packet that can be sent as it came does not make it another stream.
        if self.packer.as_deref().is_some_and(goes_on) {
            return true;
        }
        let is_too_long =
            media.max_packet_ms.is_some_and(|most| samples > most as usize * MS_SAMPLES);
        let is_coded = codec != media.codec;
        is_too_long || (is_coded && samples != media.packet_ms as usize * MS_SAMPLES)
    }

    /// Sends another leg's voice in packets of the length that this one's phone wishes.
    pub(crate) fn repack(&mut self, spoken: &Spoken<'_>, way: &mut Way<'_>, now: Mono) {
        let Some(to) = self.sending().map(|(media, _)| media.codec) else { return };
        let (ssrc, timestamp) = (spoken.header.ssrc, spoken.header.timestamp);
        let at = At { ssrc, timestamp };
        match self.packer.get_or_insert_default().follows(at) {
            Follows::On => {}
            Follows::Late => return,
            Follows::AfterGap => self.flush(way, now),
            Follows::Anew => {
                self.forget_packed();
                self.out.begin_source();
            }
        }
        let packer = self.packer.get_or_insert_default();
        if packer.filled == 0 {
            packer.first = Some(at);
        }
        let mut room = [0; FRAME_SAMPLES];
        for piece in spoken.payload.chunks(FRAME_SAMPLES) {
            let room = &mut room[..piece.len()];
            room.copy_from_slice(piece);
            if spoken.codec != to {
                self.code(spoken.codec, waiting(to), room);
            }
            self.join(waiting(to), room);
            self.packer.get_or_insert_default().push(room);
            self.send_packed(way, now);
        }
    }

    /// Sends a frame that was made here, as soon as it fills a packet.
    pub(crate) fn pack(&mut self, frame: &[u8], way: &mut Way<'_>, now: Mono) {
        let packer = self.packer.get_or_insert_default();
        if packer.first.is_some() {
            packer.clear();
        }
        packer.push(frame);
        self.send_packed(way, now);
    }

    /// Sends what waits, though it fills no packet: nothing follows it at once.
    pub(crate) fn flush(&mut self, way: &mut Way<'_>, now: Mono) {
        let Some(media) = self.sending().map(|(media, _)| media) else { return };
        let (is_opus, whole) = (media.codec == Codec::Opus, packet_ms(media) as usize * MS_SAMPLES);
        let Some(packer) = self.packer.as_mut().filter(|packer| packer.filled > 0) else { return };
        if is_opus {
            // It has frames of some lengths only.
            packer.fill_up(whole);
        }
        let filled = packer.filled;
        self.send_taken(filled, way, now);
    }

    /// Sends a digit of another leg whose clock is another one. `event` is its payload for ours.
    pub(crate) fn relay_digit(
        &mut self,
        theirs: &Header,
        event: &[u8; digits::PAYLOAD_BYTES],
        way: &mut Way<'_>,
        now: Mono,
    ) {
        let Some((media, target)) = self.sending() else { return };
        let Some(payload_type) = media.digits_payload_type else { return };
        let at = (theirs.ssrc, theirs.timestamp);
        let header = self.out.relayed_digit(payload_type, at, theirs.marker, now);
        let Way { packet, outward } = way;
        if let Ok(bytes) = header.write(event, packet) {
            self.send(&packet[..bytes], target, outward);
        }
    }

    /// What waits for its packet is not sent any more; what comes next of the source whose packets
    /// were taken apart begins a stream anew, so that its own numbers count again.
    pub(crate) fn forget_packed(&mut self) {
        let Some(packer) = &mut self.packer else { return };
        if packer.first.is_some() {
            self.out.begin_source();
        }
        packer.clear();
    }

    /// Sends all packets that are full.
    fn send_packed(&mut self, way: &mut Way<'_>, now: Mono) {
        let Some((media, _)) = self.sending() else { return self.forget_packed() };
        let bytes = packet_ms(media) as usize * MS_SAMPLES;
        while self.send_taken(bytes, way, now) {}
    }

    /// Sends so many bytes of what waits. False if there are not as many.
    fn send_taken(&mut self, bytes: usize, way: &mut Way<'_>, now: Mono) -> bool {
        let Some((media, target)) = self.sending() else { return false };
        let (payload_type, codec) = (media.payload_type, media.codec);
        let Some(packer) = self.packer.as_mut() else { return false };
        let (mut taken, mut payload) = ([0; ROOM], [0; PAYLOAD_BYTES]);
        let Some(first) = packer.take(bytes, &mut taken) else { return false };
        let length = if is_sized(codec) {
            // What cannot be encoded is left out, as if it was lost.
            let Some(length) = self.encode(&taken[..bytes], &mut payload) else { return true };
            length
        } else {
            payload[..bytes].copy_from_slice(&taken[..bytes]);
            bytes
        };
        let header = match first {
            Some(At { ssrc, timestamp }) => {
                self.out.repacked(payload_type, (ssrc, timestamp), bytes as u32, now)
            }
            None => self.out.own(payload_type, bytes as u32, now),
        };
        self.out.correct_payload(bytes, length);
        let Way { packet, outward } = way;
        if let Ok(length) = header.write(&payload[..length], packet) {
            self.send(&packet[..length], target, outward);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(timestamp: u32) -> At {
        At { ssrc: 7, timestamp }
    }

    #[test]
    fn pieces_of_any_length_become_packets_of_one() {
        let mut packer = Packer { first: Some(at(u32::MAX - 99)), ..Packer::default() };
        let voice: Vec<u8> = (0..=255).cycle().take(960).collect();
        let (mut packets, mut given) = (Vec::new(), 0);
        let mut room = [0; ROOM];
        for length in [80, 160, 40, 160, 160, 120, 80, 160] {
            packer.push(&voice[given..given + length]);
            given += length;
            while let Some(first) = packer.take(240, &mut room) {
                packets.push((first.map(|at| at.timestamp), room[..240].to_vec()));
            }
        }
        let wanted: Vec<_> = voice
            .chunks(240)
            .enumerate()
            .map(|(nth, bytes)| {
                (Some((u32::MAX - 99).wrapping_add(nth as u32 * 240)), bytes.to_vec())
            })
            .collect();
        assert_eq!(packets, wanted);
        assert_eq!(packer.filled, 0);
        assert_eq!(packer.take(0, &mut room), None, "nothing is no packet");
    }

    #[test]
    fn what_follows_and_what_does_not() {
        let mut packer = Packer { first: Some(at(1_000)), ..Packer::default() };
        packer.push(&[0; 160]);
        assert_eq!(packer.follows(at(1_160)), Follows::On);
        assert_eq!(packer.follows(at(1_320)), Follows::AfterGap);
        assert_eq!(packer.follows(at(1_000)), Follows::Late);
        assert_eq!(packer.follows(at(0_u32.wrapping_sub(20_000))), Follows::Anew);
        assert_eq!(packer.follows(At { ssrc: 8, timestamp: 1_160 }), Follows::Anew);
        packer.clear();
        assert_eq!(packer.follows(at(1_160)), Follows::Anew);
    }

    #[test]
    fn what_finds_no_room_is_left_out() {
        let mut packer = Packer::default();
        for _ in 0..10 {
            packer.push(&[1; FRAME_SAMPLES]);
        }
        assert_eq!(packer.filled, 4 * FRAME_SAMPLES);
    }
}
