//! One leg: a socket, what is wanted of it, and the little state that its packets need.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use media::{
    Codec, FRAME_MS, FRAME_SAMPLES, Inband, LegMedia, LegStats, Playout, Reported, VoicePacket,
    g711,
};
use model::{CallId, LegId, Mono};
use rtp::{Header, OutStream, Packet, Quality, SequenceTracker, digits};

use super::browser::Browser;
use super::crypt::Crypt;
use super::frame::Paced;
use super::hush::Hush;
use super::origin::Origin;
use super::outward::Outward;
use super::pack::Packer;
use super::reports::Reports;
use super::tapes::Taped;
use super::wide::{self, Wide, is_wide};

/// The static payload type of comfort noise (RFC 3551 §6): some phones send it unasked.
const NOISE: u8 = 13;

/// What a packet carries, by its payload type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Voice in the leg's codec.
    Voice,
    /// A digit (RFC 4733).
    Digit,
    /// How its silence sounds (RFC 3389).
    Noise,
}

/// What a leg has been told to be.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// As it was told.
    pub(crate) media: LegMedia,
    pub(crate) origin: Origin,
}

impl Wanted {
    /// Whether something has to come from the leg: on hold, or where it only listens, nothing has.
    pub(crate) const fn awaits(&self) -> bool {
        self.media.sends && self.media.receives
    }
}

/// The newest packet of a voice; `bytes` is 0 if there is none that a frame could hold.
#[derive(Debug)]
struct Newest {
    arrived: Mono,
    ssrc: u32,
    timestamp: u32,
    bytes: usize,
    payload: [u8; FRAME_SAMPLES],
}

impl Default for Newest {
    fn default() -> Self {
        let payload = [0; FRAME_SAMPLES];
        Self { arrived: Mono(0), ssrc: 0, timestamp: 0, bytes: 0, payload }
    }
}

/// One leg.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) call: CallId,
    pub(crate) id: LegId,
    /// What it is found by; [`super::legs::Legs`] gives it.
    pub(crate) key: u64,
    /// Its own, or of a browser that of all.
    pub(crate) socket: Arc<UdpSocket>,
    /// The port to give back when it closes.
    pub(crate) port: Option<u16>,
    /// What is known of it where it is a browser's.
    pub(crate) browser: Option<Box<Browser>>,
    /// Until the first `Set`, packets are dropped.
    pub(crate) wanted: Option<Wanted>,
    pub(crate) out: OutStream,
    /// What protects its packets; `None` until they are.
    pub(super) crypt: Option<Box<Crypt>>,
    /// Voice that waits until it fills a packet; `None` until there is any.
    pub(super) packer: Option<Box<Packer>>,
    /// Of a leg whose codec has a memory; `None` until it is needed.
    wide: Option<Box<Wide>>,
    /// The last byte of voice that was sent, and whether another source follows it.
    seam: Option<(u8, bool)>,
    /// Indices of the legs that hear this one.
    pub(crate) listeners: Vec<u32>,
    pub(crate) paced: Paced,
    /// When its next frame is due.
    pub(crate) frame_due: Mono,
    /// Whether the wheel holds it.
    pub(crate) is_on_wheel: bool,
    /// Its newest voice, so that who begins to mix it hears it at once.
    newest: Newest,
    /// How many legs mix this one.
    mixed_by: u32,
    /// Its voice for those who mix it.
    pub(crate) playout: Option<Box<Playout>>,
    /// The recording that it is taped for.
    pub(crate) tape: Option<Taped>,
    pub(crate) digits: digits::Receiver,
    /// Keys heard as tones, of a phone that has no other way to send them.
    inband: Option<Box<Inband>>,
    /// Whether it is among those whose digit has not ended.
    pub(crate) is_pressing: bool,
    /// The noise of its phone's silence; `None` while that speaks.
    pub(super) hush: Option<Box<Hush>>,
    /// Whether it is among those whose noise is made.
    pub(super) is_hushed: bool,
    /// Its RTCP; `None` until there is any.
    pub(crate) reports: Option<Box<Reports>>,
    pub(crate) source: Option<u32>,
    /// The newest timestamp of a clock that is not telephone voice's, and how often it wrapped.
    newest_tick: i64,
    pub(crate) sequence: SequenceTracker,
    /// When its voice came last.
    pub(crate) heard: Mono,
    /// When its voice or a report came last.
    pub(crate) alive: Mono,
    pub(crate) is_silent: bool,
    pub(crate) stats: LegStats,
}

impl Leg {
    /// A leg that was just opened.
    pub(crate) fn new(
        call: CallId,
        id: LegId,
        socket: Arc<UdpSocket>,
        port: Option<u16>,
        out: OutStream,
        now: Mono,
    ) -> Self {
        Self {
            call,
            id,
            key: 0,
            socket,
            port,
            browser: None,
            wanted: None,
            out,
            crypt: None,
            packer: None,
            wide: None,
            seam: None,
            listeners: Vec::new(),
            paced: Paced::Nothing,
            frame_due: now,
            is_on_wheel: false,
            newest: Newest::default(),
            mixed_by: 0,
            playout: None,
            tape: None,
            digits: digits::Receiver::default(),
            inband: None,
            is_pressing: false,
            hush: None,
            is_hushed: false,
            reports: None,
            source: None,
            newest_tick: 0,
            sequence: SequenceTracker::default(),
            heard: now,
            alive: now,
            is_silent: false,
            stats: LegStats::default(),
        }
    }

    /// What the payload type means on this leg.
    pub(crate) fn content(&self, payload_type: u8) -> Option<Content> {
        let media = &self.wanted.as_ref()?.media;
        // What both agreed on comes first: a number that we would give may be theirs of another.
        if payload_type == media.payload_type {
            Some(Content::Voice)
        } else if Some(payload_type) == media.digits_payload_type {
            Some(Content::Digit)
        } else if Some(payload_type) == media.noise_payload_type || payload_type == NOISE {
            Some(Content::Noise)
        } else {
            (payload_type == media.codec.payload_type()).then_some(Content::Voice)
        }
    }

    /// Counts a packet that was taken.
    pub(crate) fn count(&mut self, packet: &Packet<'_>, bytes: usize, now: Mono) {
        let header = &packet.header;
        if self.source != Some(header.ssrc) {
            self.close_sequence();
            self.source = Some(header.ssrc);
        }
        self.sequence.handle_packet(header.sequence, header.timestamp, now);
        if self.stats.packets_received > 0 && self.hush.is_none() {
            let gap_ms = u32::try_from(now.ms_since(self.heard)).unwrap_or(u32::MAX);
            self.stats.longest_gap_ms = self.stats.longest_gap_ms.max(gap_ms);
        }
        self.stats.packets_received += 1;
        self.stats.bytes_received += bytes as u64;
        self.heard = now;
        self.alive = now;
        self.is_silent = false;
    }

    /// Adds what the present source's numbering tells to the leg's figures.
    fn close_sequence(&mut self) {
        let sequence = std::mem::take(&mut self.sequence);
        self.stats.packets_lost += sequence.lost();
        self.stats.loss_bursts += sequence.bursts();
        self.stats.packets_late += sequence.late();
    }

    /// The leg's figures up to now.
    pub(crate) fn stats(&self) -> LegStats {
        let mut stats = self.stats;
        let sequence = &self.sequence;
        stats.packets_lost += sequence.lost();
        stats.loss_bursts += sequence.bursts();
        stats.packets_late += sequence.late();
        if self.source.is_some() {
            stats.jitter_us = sequence.jitter_us();
        }
        let told = self.reports.as_ref().map(|reports| *reports.told());
        stats.round_trip_us = told.and_then(|told| told.round_trip_us);
        let quality = Quality {
            expected: stats.packets_received + stats.packets_lost,
            lost: stats.packets_lost,
            bursts: stats.loss_bursts,
            delay_ms: delay_ms(stats.jitter_us, stats.round_trip_us),
        };
        stats.mos = quality.mos().unwrap_or(0);
        stats.reported = told.filter(|told| told.reports > 0).map(|told| {
            let jitter_us = rtp::micros(told.jitter / self.out.scale());
            let lost = u64::from(told.lost);
            let quality = Quality {
                expected: self.out.packets(),
                lost,
                bursts: 0,
                delay_ms: delay_ms(jitter_us, stats.round_trip_us),
            };
            let mos = told.mos.or_else(|| quality.mos()).unwrap_or(0);
            Reported { packets_lost: lost, jitter_us, mos }
        });
        stats
    }

    /// Where to send, and as what; `None` while on hold, before the first `Set`, and to a browser
    /// that is not reached, or not proven.
    pub(crate) fn sending(&self) -> Option<(&LegMedia, SocketAddr)> {
        let wanted = self.wanted.as_ref().filter(|wanted| wanted.media.sends)?;
        let target = wanted.origin.target().filter(|_| self.has_keys())?;
        Some((&wanted.media, target))
    }

    /// Voice came, in the leg's codec.
    pub(crate) fn handle_voice(&mut self, voice: &VoicePacket<'_>) {
        if let Some(playout) = self.playout.as_mut() {
            playout.handle_packet(voice);
        }
        let Newest { arrived, ssrc, timestamp, bytes, payload } = &mut self.newest;
        *bytes = 0;
        if let Some(room) = payload.get_mut(..voice.payload.len()) {
            room.copy_from_slice(voice.payload);
            *bytes = room.len();
            (*arrived, *ssrc, *timestamp) = (voice.arrived, voice.ssrc, voice.timestamp);
        }
    }

    /// What came is in another codec than what will come.
    fn forget_voice(&mut self) {
        self.newest.bytes = 0;
        self.wide = None;
        self.inband = None;
        self.forget_packed();
    }

    /// What was told of the leg before does not hold any more in these respects.
    pub(crate) fn leave_behind(&mut self, before: &LegMedia) {
        let Some(media) = self.wanted.as_ref().map(|wanted| &wanted.media) else { return };
        let has_events = media.digits_payload_type.is_some();
        if media.codec != before.codec {
            self.forget_voice();
            self.pause();
        } else if media.packet_ms != before.packet_ms {
            self.forget_packed();
        }
        if has_events {
            self.inband = None;
        }
    }

    /// Whether keys have to be heard as tones: the phone sends no events (RFC 4733).
    pub(crate) fn listens(&self) -> bool {
        let media = self.wanted.as_ref().map(|wanted| &wanted.media);
        media.is_some_and(|media| media.digits_payload_type.is_none())
    }

    /// Listens for keys in the voice that came.
    pub(crate) fn listen(&mut self, codec: Codec, payload: &[u8], now: Mono) {
        let samples = payload.iter().map(|byte| g711::decode_sample(codec, *byte));
        self.inband.get_or_insert_default().handle_samples(samples, now);
    }

    /// When a digit ends whose end was lost; `None` if there is none.
    pub(crate) fn digit_due(&self) -> Option<Mono> {
        let tone = self.inband.as_ref().and_then(|inband| inband.poll_timeout());
        [self.digits.poll_timeout(), tone].into_iter().flatten().map(|(due, _)| due).min()
    }

    /// Ends digits whose end was lost.
    pub(crate) fn end_digits(&mut self, now: Mono) {
        self.digits.handle_timeout(now);
        if let Some(inband) = &mut self.inband {
            inband.handle_timeout(now);
        }
    }

    /// The next digit that ended, as an event or as a tone.
    pub(crate) fn next_digit(&mut self) -> Option<digits::Pressed> {
        let tone = |inband: &mut Box<Inband>| inband.poll_output();
        self.digits.poll_output().or_else(|| self.inband.as_mut().and_then(tone))
    }

    /// A timestamp of its phone in ticks of 8 kHz, whatever the clock of its codec is.
    pub(crate) fn narrowed(&mut self, timestamp: u32) -> u32 {
        let scale = self.out.scale();
        if scale == 1 {
            return timestamp;
        }
        let step = timestamp.wrapping_sub(self.newest_tick as u32) as i32;
        self.newest_tick += i64::from(step);
        self.newest_tick.div_euclid(i64::from(scale)) as u32
    }

    /// The leg's voice as it is kept here, in its law: what came, or the A-law made of it, which
    /// may begin earlier. `None` if there is nothing of it to be heard.
    pub(crate) fn keep<'a>(
        &mut self,
        packet: &Packet<'a>,
        room: &'a mut [u8],
    ) -> Option<(Header, &'a [u8])> {
        let codec = self.wanted.as_ref()?.media.codec;
        if !is_wide(codec) {
            return Some((packet.header, packet.payload));
        }
        let kept = self.wide(codec).keep(packet, room)?;
        let timestamp = packet.header.timestamp.wrapping_sub(kept.lead as u32);
        Some((Header { timestamp, ..packet.header }, room.get(..kept.samples)?))
    }

    fn wide(&mut self, codec: Codec) -> &mut Wide {
        self.wide.get_or_insert_with(|| Box::new(Wide::new(codec)))
    }

    /// A packet's worth of what waits, as it is sent in a codec whose bytes are no samples.
    pub(super) fn encode(&mut self, kept: &[u8], into: &mut [u8]) -> Option<usize> {
        let media = &self.wanted.as_ref()?.media;
        let (codec, wishes) = (media.codec, media.opus);
        self.wide(codec).pack(kept, wishes, into)
    }

    /// Makes voice that is kept in the law of `from` what is sent to a leg of the codec `to`, this
    /// one, or what waits to be encoded for it.
    pub(crate) fn code(&mut self, from: Codec, to: Codec, payload: &mut [u8]) {
        if is_wide(to) && !wide::is_sized(to) {
            self.wide(to).code(from, payload);
        } else {
            g711::transcode(from, to, payload);
        }
    }

    /// One more leg mixes this one.
    pub(crate) fn join_mix(&mut self) {
        self.mixed_by += 1;
        if self.playout.is_some() {
            return;
        }
        let mut playout = Box::new(Playout::default());
        if let Some(wanted) = self.wanted.as_ref().filter(|_| self.newest.bytes > 0) {
            let Newest { arrived, ssrc, timestamp, bytes, payload } = &self.newest;
            let (arrived, ssrc, timestamp) = (*arrived, *ssrc, *timestamp);
            let (codec, payload) = (wanted.media.codec, &payload[..*bytes]);
            playout.handle_packet(&VoicePacket { arrived, ssrc, timestamp, codec, payload });
        }
        self.playout = Some(playout);
    }

    /// One leg less mixes this one.
    pub(crate) fn leave_mix(&mut self) {
        self.mixed_by = self.mixed_by.saturating_sub(1);
        if self.mixed_by == 0 {
            self.playout = None;
        }
    }

    /// What is sent from now on comes from another source.
    pub(crate) fn turn(&mut self) {
        self.seam = self.seam.map(|(last, _)| (last, true));
        self.forget_packed();
    }

    /// After a pause nothing has to be joined.
    pub(crate) fn pause(&mut self) {
        self.seam = None;
        self.forget_packed();
    }

    /// Joins the next voice in the leg's codec to what was sent before, without a click.
    pub(crate) fn join(&mut self, codec: Codec, payload: &mut [u8]) {
        if is_wide(codec) {
            // What its bytes say depends on all that came before.
            self.seam = None;
            return;
        }
        if let Some((last, true)) = self.seam {
            media::glide(codec, last, payload);
        }
        self.seam = payload.last().map(|last| (*last, false)).or(self.seam);
    }

    /// Sends a packet, protected where that was agreed on. One that the system does not take is
    /// lost, as on any network; one that cannot be protected is not sent.
    pub(crate) fn send(&mut self, packet: &[u8], target: SocketAddr, outward: &mut Outward) {
        let sealed = match &mut self.crypt {
            Some(crypt) => crypt.seal(packet),
            None => Some(packet),
        };
        let (key, socket) = (self.key, &self.socket);
        let sent = sealed.and_then(|packet| outward.send(key, socket, packet, target).ok());
        let Some(bytes) = sent else {
            self.stats.send_errors += 1;
            outward.counted.send_errors += 1;
            return;
        };
        self.stats.packets_sent += 1;
        self.stats.bytes_sent += bytes as u64;
        outward.counted.packets_sent += 1;
    }
}

/// From mouth to ear as far as it is known: half of the way there and back, what a receiver has to
/// keep back for that jitter, and a packet.
fn delay_ms(jitter_us: u32, round_trip_us: Option<u32>) -> u32 {
    FRAME_MS as u32 + (2 * (jitter_us / 1_000)).saturating_add(round_trip_us.unwrap_or(0) / 2_000)
}
