//! Opus (RFC 6716) as telephone voice: 8 kHz, one channel, whatever bandwidth comes.
//!
//! The work is libopus's, which reads what comes from outside with the care of many years. Nothing
//! is allocated for a packet.

use std::fmt;

use opus::{Application, Bitrate, Channels, Signal};
use sdp::OpusWishes;

use crate::SAMPLE_RATE;

/// The most samples that one packet has: 120 ms (RFC 6716 §3.2.5).
pub const MAX_SAMPLES: usize = 960;
/// The most samples before a packet that are made up when others were lost: 60 ms. What is missing
/// beyond it is left to whoever plays the voice.
pub const MAX_LEAD: usize = 480;
/// The longest packet that is made, in bytes.
pub const MAX_BYTES: usize = 400;

/// Samples of the shortest frame, 2.5 ms; all lengths are multiples of it.
const UNIT: usize = 20;
/// Bits a second: more is not heard at 8 kHz.
const BITRATE: u32 = 24_000;
/// The least that is sent however little is wished (RFC 7587 §6.1).
const LEAST_BITRATE: u32 = 6_000;
/// How hard the encoder tries, of 10: half of the work for nearly all of the sound.
const COMPLEXITY: i32 = 5;
/// The loss in percent that repeats are made for where they are wished.
const EXPECTED_LOSS: i32 = 10;
/// A packet so far behind the newest, or ahead of it, is of another numbering.
const NEAR: i16 = 100;

/// Samples that a packet has at 8 kHz; `None` if it is no Opus.
pub fn samples_in(payload: &[u8]) -> Option<usize> {
    opus::packet::get_nb_samples(payload, SAMPLE_RATE).ok().filter(|samples| *samples > 0)
}

/// Whether a packet says that nobody speaks, and how that sounds is left to who hears it: a frame
/// without content, at most with its count (RFC 6716 §3.2.1, §3.2.5). Behind it nothing may be sent
/// for as long as nobody speaks (RFC 7587 §3.1.3).
pub fn is_silence(payload: &[u8]) -> bool {
    payload.len() <= 2 && samples_in(payload).is_some()
}

/// What a packet became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// Samples that lie before those of the packet: what was lost, from its repeats or made up.
    pub lead: usize,
    /// All samples, those included.
    pub samples: usize,
}

/// Where the voice has got to.
#[derive(Debug, Clone, Copy)]
struct Next {
    sequence: u16,
    /// In ticks of 8 kHz.
    timestamp: u32,
}

/// Makes samples of one stream's packets, in the order in which they come.
pub struct Decoder {
    inner: opus::Decoder,
    next: Option<Next>,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("next", &self.next).finish_non_exhaustive()
    }
}

impl Decoder {
    /// `None` where there is no memory for it: some 20 kB.
    pub fn new() -> Option<Self> {
        let inner = opus::Decoder::new(SAMPLE_RATE, Channels::Mono).ok()?;
        Some(Self { inner, next: None })
    }

    /// Decodes one packet, whose timestamp is in ticks of 8 kHz. Those lost just before it are
    /// made of what it repeats of them (RFC 6716 §2.1.7), or made up. `None` if it is no Opus, or
    /// comes behind a newer one: its place is filled.
    ///
    /// `into` has room for [`MAX_LEAD`] and [`MAX_SAMPLES`].
    pub fn decode(
        &mut self,
        (sequence, timestamp): (u16, u32),
        payload: &[u8],
        into: &mut [i16],
    ) -> Option<Decoded> {
        let samples = samples_in(payload)?;
        let lead = match self.next {
            Some(next) => {
                let ahead = sequence.wrapping_sub(next.sequence) as i16;
                let gap = timestamp.wrapping_sub(next.timestamp) as i32;
                if (-NEAR..0).contains(&ahead) {
                    return None;
                }
                let is_lost = (1..NEAR).contains(&ahead) && gap > 0;
                if is_lost { (gap as usize).min(MAX_LEAD) / UNIT * UNIT } else { 0 }
            }
            None => 0,
        };
        let (before, rest) = into.split_at_mut_checked(lead)?;
        let made = if lead > 0 { self.inner.decode(payload, before, true).unwrap_or(0) } else { 0 };
        // A lead that could not be made is left out.
        before[made.min(lead)..].fill(0);
        let room = rest.get_mut(..samples)?;
        let decoded = self.inner.decode(payload, room, false).ok()?;
        let (sequence, ticks) = (sequence.wrapping_add(1), decoded as u32);
        self.next = Some(Next { sequence, timestamp: timestamp.wrapping_add(ticks) });
        Some(Decoded { lead, samples: lead + decoded })
    }

    /// The sender says by the packet of that number ([`is_silence`]) that from there on nobody
    /// speaks. Numbers that are missing before it are not looked for any more.
    pub fn fall_silent(&mut self, sequence: u16, timestamp: u32) {
        let next = Next { sequence: sequence.wrapping_add(1), timestamp };
        let is_old =
            |known: &Next| (-NEAR..0).contains(&(sequence.wrapping_sub(known.sequence) as i16));
        if !self.next.as_ref().is_some_and(is_old) {
            self.next = Some(next);
        }
    }

    /// What is heard while nobody speaks: the noise behind the voice goes on. `samples` is a
    /// multiple of 2.5 ms long; what cannot be made is silence.
    pub fn go_on(&mut self, samples: &mut [i16]) {
        let made = self.inner.decode(&[], samples, false).unwrap_or(0).min(samples.len());
        samples[made..].fill(0);
        if let Some(next) = &mut self.next {
            next.timestamp = next.timestamp.wrapping_add(samples.len() as u32);
        }
    }
}

/// Makes packets of samples.
pub struct Encoder {
    inner: opus::Encoder,
    wishes: OpusWishes,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("wishes", &self.wishes).finish_non_exhaustive()
    }
}

impl Encoder {
    /// For a receiver who wishes that. `None` where there is no memory for it: some 30 kB.
    pub fn new(wishes: OpusWishes) -> Option<Self> {
        let mut inner = opus::Encoder::new(SAMPLE_RATE, Channels::Mono, Application::Voip).ok()?;
        let most = wishes.max_bitrate.unwrap_or(BITRATE).clamp(LEAST_BITRATE, BITRATE);
        inner.set_bitrate(Bitrate::Bits(most as i32)).ok()?;
        inner.set_complexity(COMPLEXITY).ok()?;
        inner.set_signal(Signal::Voice).ok()?;
        inner.set_inband_fec(wishes.fec).ok()?;
        inner.set_packet_loss_perc(if wishes.fec { EXPECTED_LOSS } else { 0 }).ok()?;
        inner.set_vbr(!wishes.cbr).ok()?;
        inner.set_dtx(wishes.dtx).ok()?;
        Some(Self { inner, wishes })
    }

    /// What it was made for.
    pub const fn wishes(&self) -> OpusWishes {
        self.wishes
    }

    /// Encodes a frame of 10, 20, 40 or 60 ms; its bytes. One that [`is_silence`] need not be sent.
    /// `None` if it is none of those, or `into` has no room: [`MAX_BYTES`] are enough.
    pub fn encode(&mut self, samples: &[i16], into: &mut [u8]) -> Option<usize> {
        let most = into.len().min(MAX_BYTES);
        self.inner.encode(samples, &mut into[..most]).ok().filter(|bytes| *bytes > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compare, tone};

    const FEC: OpusWishes = OpusWishes { fec: true, max_bitrate: None, cbr: false, dtx: false };

    /// What becomes of a voice in frames of so many samples, of which `is_lost` are lost.
    fn through(
        voice: &[i16],
        frame: usize,
        wishes: OpusWishes,
        is_lost: impl Fn(usize) -> bool,
    ) -> (Vec<i16>, usize) {
        let mut encoder = Encoder::new(wishes).expect("memory");
        let mut decoder = Decoder::new().expect("memory");
        let (mut heard, mut leads) = (vec![0; voice.len()], 0);
        let mut room = [0; MAX_LEAD + MAX_SAMPLES];
        for (nth, samples) in voice.chunks_exact(frame).enumerate() {
            let mut packet = [0; MAX_BYTES];
            let bytes = encoder.encode(samples, &mut packet).expect("a frame");
            assert_eq!(samples_in(&packet[..bytes]), Some(frame));
            if is_lost(nth) {
                continue;
            }
            // Numbers that wrap.
            let sequence = 65_530_u16.wrapping_add(nth as u16);
            let timestamp = (u32::MAX - 999).wrapping_add((nth * frame) as u32);
            let at = (sequence, timestamp);
            let decoded = decoder.decode(at, &packet[..bytes], &mut room).expect("it is Opus");
            let from = nth * frame - decoded.lead;
            heard[from..from + decoded.samples].copy_from_slice(&room[..decoded.samples]);
            leads += decoded.lead;
        }
        (heard, leads)
    }

    fn likeness(voice: &[i16], heard: &[i16]) -> f64 {
        let part = &voice[..voice.len() - 400];
        compare::find(part, heard).map_or(0.0, |found| found.correlation)
    }

    #[test]
    fn a_voice_is_heard_as_it_was_in_frames_of_every_length() {
        let voice = tone::voice(5, 12_000, 9_600);
        for frame in [80, 160, 320, 480] {
            let (heard, leads) = through(&voice, frame, OpusWishes::default(), |_| false);
            assert!(likeness(&voice, &heard) > 0.95, "{frame}: {}", likeness(&voice, &heard));
            assert_eq!(leads, 0);
        }
    }

    #[test]
    fn what_was_lost_is_heard_from_its_repeat_and_better_than_made_up() {
        let voice = tone::voice(3, 12_000, 32_000);
        let is_lost = |nth| nth % 7 == 3;
        let (repeated, leads) = through(&voice, 160, FEC, is_lost);
        assert_eq!(leads, 28 * 160, "each of them, and nothing else");
        let (made_up, _) = through(&voice, 160, OpusWishes::default(), is_lost);
        let error = |heard: &[i16]| -> f64 {
            let lag = compare::find(&voice[..31_600], heard).map_or(0, |found| found.lag);
            let lost = (0..200).filter(|nth| is_lost(*nth));
            let at = lost.flat_map(|nth| nth * 160..nth * 160 + 160);
            let of = |at: usize| {
                let heard = heard.get(at + lag).copied().unwrap_or(0);
                f64::from(voice[at]) - f64::from(heard)
            };
            at.map(of).map(|error| error * error).sum()
        };
        assert!(error(&repeated) < error(&made_up), "{} {}", error(&repeated), error(&made_up));
    }

    #[test]
    fn what_comes_late_or_is_no_opus_is_passed_over_and_a_pause_is_no_loss() {
        let (mut encoder, mut packet) = (Encoder::new(FEC).expect("memory"), [0; MAX_BYTES]);
        let bytes = encoder.encode(&tone::sine(440.0, 9_000, 160), &mut packet).expect("a frame");
        let packet = &packet[..bytes];
        let mut decoder = Decoder::new().expect("memory");
        let mut room = [0; MAX_LEAD + MAX_SAMPLES];
        let mut decode = |at, payload: &[u8]| decoder.decode(at, payload, &mut room);
        let whole = |lead| Some(Decoded { lead, samples: lead + 160 });
        assert_eq!(decode((10, 1_600), packet), whole(0));
        assert_eq!(decode((12, 1_920), packet), whole(160));
        assert_eq!(decode((11, 1_760), packet), None, "its place is filled");
        // It sent nothing while nobody spoke: the numbers go on, the time has gone.
        assert_eq!(decode((13, 8_000), packet), whole(0));
        // Long lost: the last of it is made up.
        assert_eq!(decode((33, 11_360), packet), whole(MAX_LEAD));
        // Another numbering.
        assert_eq!(decode((40_000, 5), packet), whole(0));
        for wrong in [&[][..], &[0xff; 3], &[0x03, 0x00]] {
            assert_eq!(decode((40_001, 165), wrong), None, "{wrong:?}");
        }
        assert_eq!(decode((40_001, 165), packet), whole(0));
        assert_eq!(
            Decoder::new().and_then(|mut it| it.decode((1, 1), packet, &mut [0; 159])),
            None
        );
    }

    #[test]
    fn who_wishes_no_packets_of_silence_gets_next_to_none_and_hears_the_noise_go_on() {
        let wishes = OpusWishes { dtx: true, ..OpusWishes::default() };
        // A voice, two seconds of a room's noise, and a voice again.
        let mut noise = vec![0; 16_000];
        crate::ComfortNoise::new(&[60]).fill(&mut noise);
        let voice = tone::voice(4, 12_000, 16_000);
        let all = [&voice[..], &noise, &voice].concat();
        let mut encoder = Encoder::new(wishes).expect("memory");
        let (mut decoder, mut packet) = (Decoder::new().expect("memory"), [0; MAX_BYTES]);
        let (mut heard, mut sent, mut is_silent) = (vec![0; all.len()], vec![], false);
        for (nth, frame) in all.chunks_exact(160).enumerate() {
            let bytes = encoder.encode(frame, &mut packet).expect("a frame");
            let heard = &mut heard[nth * 160..][..160];
            let at = (sent.len() as u16, nth as u32 * 160);
            let is_said = !is_silence(&packet[..bytes]);
            if is_said {
                let mut room = [0; MAX_LEAD + MAX_SAMPLES];
                let decoded = decoder.decode(at, &packet[..bytes], &mut room).expect("it is Opus");
                assert_eq!(decoded, Decoded { lead: 0, samples: 160 }, "nothing was lost");
                heard.copy_from_slice(&room[..160]);
            } else {
                if !is_silent {
                    decoder.fall_silent(at.0, at.1);
                }
                decoder.go_on(heard);
            }
            if is_said || !is_silent {
                sent.push(nth);
            }
            is_silent = !is_said;
        }
        let while_silent = sent.iter().filter(|nth| (120..200).contains(*nth)).count();
        assert!(while_silent <= 40, "{while_silent} of 80 packets of silence");
        assert!(sent.len() > 200, "a voice is sent: {}", sent.len());
        let loudness = |from: usize| {
            let squares = heard[from..from + 4_000].iter().map(|it| f64::from(*it).powi(2));
            (squares.sum::<f64>() / 4_000.0).sqrt()
        };
        let (quiet, loud) = (loudness(24_000), loudness(36_000));
        assert!((5.0..200.0).contains(&quiet) && loud > 1_000.0, "{quiet} {loud}");
    }

    #[test]
    fn who_wishes_one_length_gets_it() {
        let voice = tone::voice(2, 12_000, 8_000);
        let lengths = |cbr| {
            let mut encoder = Encoder::new(OpusWishes { cbr, ..FEC }).expect("memory");
            let mut packet = [0; MAX_BYTES];
            let all =
                voice.chunks_exact(160).filter_map(|frame| encoder.encode(frame, &mut packet));
            all.collect::<std::collections::BTreeSet<usize>>().len()
        };
        assert_eq!(lengths(true), 1);
        assert!(lengths(false) > 10);
    }

    #[test]
    fn no_bytes_make_it_fall_over() {
        let mut decoder = Decoder::new().expect("memory");
        let mut room = [0; MAX_LEAD + MAX_SAMPLES];
        let mut state = 0x1234_5678_u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state
        };
        for round in 0..20_000_u32 {
            let length = (next() % 80) as usize;
            let payload: Vec<u8> = (0..length).map(|_| next() as u8).collect();
            // Some are lost, some late.
            let at = ((round + next() % 3) as u16, round * 160);
            if let Some(decoded) = decoder.decode(at, &payload, &mut room) {
                assert!(decoded.lead < decoded.samples && decoded.samples <= room.len());
            }
        }
    }

    #[test]
    fn a_wish_for_less_is_heeded_within_reason() {
        let voice = tone::voice(2, 12_000, 16_000);
        let bytes = |max_bitrate| -> usize {
            let wishes = OpusWishes { max_bitrate, ..OpusWishes::default() };
            let mut encoder = Encoder::new(wishes).expect("memory");
            assert_eq!(encoder.wishes(), wishes);
            let mut packet = [0; MAX_BYTES];
            let frames = voice.chunks_exact(160);
            frames.map(|frame| encoder.encode(frame, &mut packet).expect("a frame")).sum()
        };
        let (usual, little) = (bytes(None), bytes(Some(8_000)));
        assert!(little * 3 < usual * 2, "{little} {usual}");
        assert_eq!(bytes(Some(1)), bytes(Some(LEAST_BITRATE)));
        assert_eq!(bytes(Some(500_000)), usual);
        let mut encoder = Encoder::new(FEC).expect("memory");
        assert_eq!(encoder.encode(&[0; 33], &mut [0; MAX_BYTES]), None, "no frame's length");
        assert_eq!(encoder.encode(&[0; 160], &mut []), None);
    }
}
