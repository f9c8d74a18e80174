//! Receiving: all that has arrived, one packet a ready socket at a time, and where it goes.

use std::net::SocketAddr;

use media::{Codec, LegMedia, MediaEvent, VoicePacket};
use model::Mono;
use rtp::{Header, Packet, digits};

use super::browsers;
use super::counters::Counters;
use super::leg::{Content, Leg};
use super::legs::Legs;
use super::outbox::Outbox;
use super::outward::Outward;
use super::pack::{Spoken, Way};
use super::readiness::Told;
use super::reports;
use super::tapes::Voice;
use super::wide;
use super::worker::{Then, Worker};

/// Times a tick that the ready sockets are asked for: a flood on one of them gets no more packets
/// handled in a tick than this.
const ROUNDS: usize = 64;
/// Longer than any packet that is taken, so that one that is too long can be told.
const BUFFER_BYTES: usize = rtp::MAX_PACKET_BYTES + 4;

/// The memory that receiving needs.
pub(super) struct Ready {
    told: Told,
    pub(super) buffer: Box<[u8; BUFFER_BYTES]>,
    copy: Box<[u8; BUFFER_BYTES]>,
    kept: Box<[u8; BUFFER_BYTES]>,
}

impl Ready {
    pub(super) fn new() -> Self {
        let room = || Box::new([0; BUFFER_BYTES]);
        let (buffer, copy, kept) = (room(), room(), room());
        Self { told: Told::new(), buffer, copy, kept }
    }
}

impl Worker {
    /// Takes in what has arrived, and what was commanded before it arrived.
    ///
    /// A command that was sent before a packet counts for that packet: so the sockets are asked
    /// first, then the commands are obeyed, then the packets are read.
    pub(super) fn receive(&mut self, memory: &mut Ready) -> Then {
        for _ in 0..ROUNDS {
            let ready = self.readiness.ask(&mut memory.told);
            let then = self.obey();
            if ready == 0 || then != Then::GoOn {
                return then;
            }
            let now = self.now();
            for at in 0..ready {
                let key = memory.told.key(at);
                if browsers::is_port(key) {
                    self.receive_browsers(key, now, memory);
                } else if reports::is_beside(key) {
                    let Self { legs, counted, .. } = self;
                    reports::receive(key, now, legs, &mut memory.buffer[..], counted);
                } else {
                    self.receive_one(key, now, memory);
                }
            }
        }
        Then::GoOn
    }

    /// One packet of one leg, whose socket is ready.
    fn receive_one(&mut self, key: u64, now: Mono, memory: &mut Ready) {
        let Some((_, leg)) = self.legs.find(key) else { return };
        // Nothing there after all, or the network's answer to something sent: not a packet.
        let Ok(received) = leg.socket.recv_from(&mut memory.buffer[..]) else { return };
        self.handle_packet(key, received, now, memory);
    }

    /// One packet of one leg, in the buffer.
    pub(super) fn handle_packet(
        &mut self,
        key: u64,
        (bytes, from): (usize, SocketAddr),
        now: Mono,
        memory: &mut Ready,
    ) {
        let Some((index, leg)) = self.legs.find(key) else { return };
        let Ready { buffer, copy, kept, .. } = memory;
        let Some(datagram) = leg.open(&mut buffer[..bytes], &mut self.outward.counted) else { return };
        if rtp::rtcp::is_rtcp(datagram) && leg.shares_its_port() {
            leg.handle_report(datagram, from, true, now, &mut self.outward.counted);
            return;
        }
        let Some((packet, content)) = read(leg, datagram, from, &mut self.outward.counted) else { return };
        let Some(media) = leg.wanted.as_ref().map(|wanted| &wanted.media) else { return };
        let (codec, digits_rate) = (media.codec, media.digits_clock_rate);
        if content == Content::Digit {
            leg.digits.handle_packet(&packet, now);
        }
        let timestamp = leg.narrowed(packet.header.timestamp);
        let packet = Packet { header: Header { timestamp, ..packet.header }, ..packet };
        leg.count(&packet, bytes, now);
        self.outward.counted.packets_received += 1;
        let mut decoded = None;
        match content {
            Content::Voice => {
                leg.hush = None;
                decoded = self.keep(index, &packet, &mut kept[..], now);
            }
            Content::Digit => {}
            Content::Noise => self.begin_hush(key, &packet, now),
        }
        if let Some((_, leg)) = self.legs.find(key) {
            tell_digits(leg, &mut self.outbox);
            if !leg.is_pressing && leg.digit_due().is_some() {
                leg.is_pressing = true;
                self.pressing.push(key);
            }
        }
        let (header, payload) = (packet.header, payload_range(&packet, datagram));
        let kept = decoded.map(|(header, samples)| (header, &kept[..samples]));
        let came = Came { content, codec, digits_rate, header, payload, kept };
        self.forward(index, &came, datagram, &mut copy[..], now);
    }

    /// Keeps the voice of the leg at `index` for those who tape and mix it. That of a codec that is
    /// no G.711 is decoded into `room` only where somebody needs it: where it begins, and how many
    /// samples it has, if it was.
    fn keep(
        &mut self,
        index: u32,
        packet: &Packet<'_>,
        room: &mut [u8],
        now: Mono,
    ) -> Option<(Header, usize)> {
        let codec = self.legs.at(index)?.wanted.as_ref()?.media.codec;
        let is_wide = wide::is_wide(codec);
        if is_wide && !self.is_decoded(index, codec) {
            return None;
        }
        let leg = self.legs.at(index)?;
        let (header, payload) = leg.keep(packet, room)?;
        if leg.listens() {
            leg.listen(codec, payload, now);
        }
        self.take_in(index, codec, header, payload, now);
        is_wide.then_some((header, payload.len()))
    }

    /// Gives the voice of the leg at `index`, as it is kept here, to those who mix and tape it.
    pub(super) fn take_in(
        &mut self,
        index: u32,
        codec: Codec,
        header: Header,
        payload: &[u8],
        arrived: Mono,
    ) {
        let Some(leg) = self.legs.at(index) else { return };
        let (ssrc, timestamp) = (header.ssrc, header.timestamp);
        leg.handle_voice(&VoicePacket { arrived, ssrc, timestamp, codec, payload });
        let Some(tape) = leg.tape else { return };
        let voice = Voice { codec, header, payload };
        if !self.tapes.tap(tape, &voice, arrived, &mut self.outbox) {
            self.outward.counted.taps_dropped += 1;
        }
    }

    /// Whether somebody needs the samples of the leg at `index`: who tapes it, who mixes it, who
    /// hears it in another codec, or who listens for keys.
    fn is_decoded(&mut self, index: u32, codec: Codec) -> bool {
        let Some(leg) = self.legs.at(index) else { return false };
        if leg.tape.is_some() || leg.playout.is_some() || leg.listens() {
            return true;
        }
        let listeners = leg.listeners.len();
        (0..listeners).any(|at| {
            let listener = nth_listener(&mut self.legs, index, at);
            let sending = listener.as_deref().and_then(Leg::sending);
            sending.is_some_and(|(media, _)| media.codec != codec)
        })
    }
}

/// A packet that came, as it is sent on.
struct Came<'a> {
    content: Content,
    codec: Codec,
    /// Ticks a second of what its digits say.
    digits_rate: u32,
    /// Its timestamp in ticks of 8 kHz.
    header: Header,
    /// Where its payload is in the datagram.
    payload: std::ops::Range<usize>,
    /// Its voice decoded, and where that begins.
    kept: Option<(Header, &'a [u8])>,
}

impl Came<'_> {
    /// The payload type that it has for a leg; `None` if that one did not agree on such.
    fn payload_type(&self, media: &LegMedia) -> Option<u8> {
        match self.content {
            Content::Voice => Some(media.payload_type),
            Content::Digit => media.digits_payload_type,
            Content::Noise => media.noise_payload_type,
        }
    }

    /// Whether it cannot be heard in that codec: it was not decoded.
    fn is_lost_on(&self, to: Codec) -> bool {
        let is_voice = self.content == Content::Voice;
        is_voice && self.codec != to && self.kept.is_none() && wide::is_wide(self.codec)
    }

    /// Its voice for a leg of that codec that gets it in packets of another length.
    fn spoken<'a>(&'a self, to: Codec, datagram: &'a [u8]) -> Spoken<'a> {
        let codec = self.codec;
        match self.kept {
            Some((header, payload)) if codec != to => Spoken { codec, header, payload },
            Some(_) | None => {
                Spoken { codec, header: self.header, payload: &datagram[self.payload.clone()] }
            }
        }
    }
}

impl Worker {
    /// Sends a packet on to those who hear the leg at `index`, without decoding where the codecs
    /// are the same.
    fn forward(
        &mut self,
        index: u32,
        came: &Came<'_>,
        datagram: &mut [u8],
        copy: &mut [u8],
        now: Mono,
    ) {
        let Self { legs, outward, .. } = self;
        let Some(leg) = legs.at(index) else { return };
        let (listeners, scale) = (leg.listeners.len(), leg.out.scale());
        for at in 0..listeners {
            let Some(listener) = nth_listener(legs, index, at) else { return };
            let Some((media, _)) = listener.sending() else { continue };
            let (to, digits_rate) = (media.codec, media.digits_clock_rate);
            let Some(payload_type) = came.payload_type(media) else {
                listener.out.leave_out(&came.header);
                continue;
            };
            if came.is_lost_on(to) {
                continue;
            }
            let samples = came.kept.map_or(came.payload.len(), |(_, kept)| kept.len());
            let is_voice = came.content == Content::Voice;
            if is_voice && listener.repacks(came.header.ssrc, came.codec, samples) {
                let spoken = came.spoken(to, datagram);
                listener.repack(&spoken, &mut Way { packet: copy, outward }, now);
                continue;
            }
            let event = match came.content {
                Content::Digit if digits_rate != came.digits_rate => {
                    digits::at_rate(&datagram[came.payload.clone()], came.digits_rate, digits_rate)
                }
                Content::Voice | Content::Digit | Content::Noise => None,
            };
            if listener.out.scale() != scale {
                // Only events and what was decoded have a meaning by another clock.
                let said = datagram[came.payload.clone()].first_chunk().copied();
                if let Some(event) = event.or(said).filter(|_| came.content == Content::Digit) {
                    let way = &mut Way { packet: copy, outward };
                    listener.relay_digit(&came.header, &event, way, now);
                }
                continue;
            }
            // Each gets the packet as it came: the last may have the original.
            let datagram = if at + 1 == listeners {
                &mut *datagram
            } else {
                let copy = &mut copy[..datagram.len()];
                copy.copy_from_slice(datagram);
                copy
            };
            if let Some(event) = event {
                datagram[came.payload.clone()][..event.len()].copy_from_slice(&event);
            }
            send_on(listener, came, (datagram, payload_type), outward, now);
        }
    }
}

/// Sends a packet on in the length in which it came.
fn send_on(
    listener: &mut Leg,
    came: &Came<'_>,
    (datagram, payload_type): (&mut [u8], u8),
    outward: &mut Outward,
    now: Mono,
) {
    let Some((to, target)) = listener.sending().map(|(media, target)| (media.codec, target)) else {
        return;
    };
    if listener.out.forward(datagram, payload_type, now).is_err() {
        return;
    }
    if came.content == Content::Voice {
        let voice = &mut datagram[came.payload.clone()];
        if came.codec != to {
            if let Some((_, kept)) = came.kept {
                voice.copy_from_slice(kept);
            }
            listener.code(came.codec, to, voice);
        }
        listener.join(to, voice);
    }
    listener.send(datagram, target, outward);
}

/// The nth of those who hear the leg at `index`.
pub(super) fn nth_listener(legs: &mut Legs, index: u32, nth: usize) -> Option<&mut Leg> {
    let listener = *legs.at(index)?.listeners.get(nth)?;
    legs.at(listener)
}

/// What a datagram is to a leg; `None`, counted, if it is not the leg's.
fn read<'a>(
    leg: &mut Leg,
    datagram: &'a [u8],
    from: SocketAddr,
    counted: &mut Counters,
) -> Option<(Packet<'a>, Content)> {
    let packet = Packet::parse(datagram).ok().filter(|_| datagram.len() <= rtp::MAX_PACKET_BYTES);
    let known = packet.and_then(|packet| Some((packet, leg.content(packet.header.payload_type)?)));
    let Some(known) = known else {
        leg.stats.packets_refused += 1;
        counted.refused_content += 1;
        return None;
    };
    if leg.wanted.as_mut().is_some_and(|wanted| wanted.origin.admits(from)) {
        Some(known)
    } else {
        leg.stats.packets_refused += 1;
        counted.refused_source += 1;
        None
    }
}

/// Tells of the digits that have ended.
pub(super) fn tell_digits(leg: &mut Leg, outbox: &mut Outbox) {
    while let Some(pressed) = leg.next_digit() {
        let (digit, duration_ms) = (pressed.digit, pressed.duration_ms);
        outbox.push(MediaEvent::Digit { leg: leg.id, digit, duration_ms });
    }
}

/// Where in its datagram a packet's payload is.
fn payload_range(packet: &Packet<'_>, datagram: &[u8]) -> std::ops::Range<usize> {
    let start = packet.payload.as_ptr() as usize - datagram.as_ptr() as usize;
    start..start + packet.payload.len()
}
