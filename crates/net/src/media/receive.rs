//! Receiving: all that has arrived, one packet a ready socket at a time, and where it goes.

use std::net::SocketAddr;

use media::{MediaEvent, VoicePacket, g711};
use model::Mono;
use rtp::Packet;

use super::counters::Counters;
use super::leg::{Content, Leg};
use super::legs::Legs;
use super::outbox::Outbox;
use super::reports;
use super::ring::Came;
use super::tapes::Voice;
use super::wire::Readiness;
use super::worker::{Then, Worker};

/// Times a tick that the ready sockets are asked for: a flood on one of them gets no more packets
/// handled in a tick than this.
const ROUNDS: usize = 64;
/// Longer than any packet that is taken, so that one that is too long can be told.
const BUFFER_BYTES: usize = rtp::MAX_PACKET_BYTES + 4;

/// The memory that receiving needs.
pub(super) struct Ready {
    readiness: Readiness,
    buffer: Box<[u8; BUFFER_BYTES]>,
    copy: Box<[u8; BUFFER_BYTES]>,
}

impl Ready {
    pub(super) fn new() -> Self {
        let (buffer, copy) = (Box::new([0; BUFFER_BYTES]), Box::new([0; BUFFER_BYTES]));
        Self { readiness: Readiness::new(), buffer, copy }
    }
}

impl Worker {
    /// Takes in what has arrived, and what was commanded before it arrived.
    ///
    /// A command that was sent before a packet counts for that packet: so the sockets are asked
    /// first, then the commands are obeyed, then the packets are read.
    pub(super) fn receive(&mut self, memory: &mut Ready) -> Then {
        for _ in 0..ROUNDS {
            let (came, ready) = self.wire.ask(&mut memory.readiness);
            let then = self.obey();
            if came + ready == 0 || then != Then::GoOn {
                return then;
            }
            let now = self.now();
            // As many as there are buffers: more may be there.
            let mut is_more = ready > 0 || self.wire.is_full(came);
            for _ in 0..came {
                is_more |= self.take_next(now, memory);
            }
            for at in 0..ready {
                let key = memory.readiness.key(at);
                if reports::is_beside(key) {
                    let Self { legs, counted, .. } = self;
                    reports::receive(key, now, legs, &mut memory.buffer[..], counted);
                } else {
                    self.receive_one(key, now, memory);
                }
            }
            if !is_more {
                return Then::GoOn;
            }
        }
        Then::GoOn
    }

    /// One of those that came by the ring. Whether there is more where it came from.
    fn take_next(&mut self, now: Mono, memory: &mut Ready) -> bool {
        let ended = match self.wire.next(&mut memory.buffer[..]) {
            Some(Came::Packet { key, bytes, from, is_last }) => {
                self.handle_packet(key, (bytes, from), now, memory);
                is_last.then_some((key, true))
            }
            Some(Came::Ended { key, is_more }) => Some((key, is_more)),
            Some(Came::Sent) => {
                self.counted.packets_sent += 1;
                None
            }
            Some(Came::Unsent { key, bytes }) => {
                self.counted.send_errors += 1;
                if let Some((_, leg)) = self.legs.find(key) {
                    leg.handle_unsent(bytes);
                }
                None
            }
            Some(Came::Nothing) | None => None,
        };
        let Some((key, is_more)) = ended else { return false };
        let Some((_, leg)) = self.legs.find(key) else { return false };
        if let Err(error) = self.wire.add(key, &leg.socket) {
            tracing::error!(leg = %leg.id, %error, "is not heard any more");
        }
        is_more
    }

    /// Counts what was sent last.
    pub(super) fn count_last(&mut self) {
        let mut memory = Ready::new();
        let (came, _) = self.wire.ask(&mut memory.readiness);
        let now = self.now();
        for _ in 0..came {
            self.take_next(now, &mut memory);
        }
    }

    /// One packet of one leg, whose socket is ready.
    fn receive_one(&mut self, key: u64, now: Mono, memory: &mut Ready) {
        let Some((_, leg)) = self.legs.find(key) else { return };
        // Nothing there after all, or the network's answer to something sent: not a packet.
        let Ok(received) = leg.socket.recv_from(&mut memory.buffer[..]) else { return };
        self.handle_packet(key, received, now, memory);
    }

    /// One packet of one leg, in the buffer.
    fn handle_packet(
        &mut self,
        key: u64,
        (bytes, from): (usize, SocketAddr),
        now: Mono,
        memory: &mut Ready,
    ) {
        let Some((index, leg)) = self.legs.find(key) else { return };
        let Ready { buffer, copy, .. } = memory;
        let datagram = &mut buffer[..bytes];
        if rtp::rtcp::is_rtcp(datagram) && leg.shares_its_port() {
            leg.handle_report(datagram, from, true, now, &mut self.counted);
            return;
        }
        let Some((packet, content)) = read(leg, datagram, from, &mut self.counted) else { return };
        leg.count(&packet, bytes, now);
        self.counted.packets_received += 1;
        match content {
            Content::Voice => {
                let codec = leg.wanted.as_ref().map(|wanted| wanted.media.codec);
                if let Some(codec) = codec {
                    let (ssrc, timestamp) = (packet.header.ssrc, packet.header.timestamp);
                    let (arrived, payload) = (now, packet.payload);
                    let voice = VoicePacket { arrived, ssrc, timestamp, codec, payload };
                    leg.handle_voice(&voice);
                }
                if let (Some(tape), Some(codec)) = (leg.tape, codec) {
                    let voice = Voice { codec, header: packet.header, payload: packet.payload };
                    if !self.tapes.tap(tape, &voice, now, &mut self.outbox) {
                        self.counted.taps_dropped += 1;
                    }
                }
            }
            Content::Digit => {
                leg.digits.handle_packet(&packet, now);
                tell_digits(leg, &mut self.outbox);
                if !leg.is_pressing && leg.digits.poll_timeout().is_some() {
                    leg.is_pressing = true;
                    self.pressing.push(key);
                }
            }
        }
        let payload = payload_range(&packet, datagram);
        self.forward(index, content, (datagram, payload), &mut copy[..], now);
    }
}

impl Worker {
    /// Sends a packet on to those who hear the leg at `index`, without decoding where the codecs
    /// are the same.
    fn forward(
        &mut self,
        index: u32,
        content: Content,
        (datagram, payload): (&mut [u8], std::ops::Range<usize>),
        copy: &mut [u8],
        now: Mono,
    ) {
        let Some(leg) = self.legs.at(index) else { return };
        let listeners = leg.listeners.len();
        let Some(codec) = leg.wanted.as_ref().map(|wanted| wanted.media.codec) else { return };
        for at in 0..listeners {
            let Some(listener) = nth_listener(&mut self.legs, index, at) else { return };
            let Some((media, target)) = listener.sending() else { continue };
            let (to, voice, digit) = (media.codec, media.payload_type, media.digits_payload_type);
            let Some(payload_type) = (match content {
                Content::Voice => Some(voice),
                Content::Digit => digit,
            }) else {
                continue;
            };
            // Each gets the packet as it came: the last may have the original.
            let datagram = if at + 1 == listeners {
                &mut *datagram
            } else {
                let copy = &mut copy[..datagram.len()];
                copy.copy_from_slice(datagram);
                copy
            };
            if listener.out.forward(datagram, payload_type, now).is_err() {
                continue;
            }
            if content == Content::Voice {
                g711::transcode(codec, to, &mut datagram[payload.clone()]);
                listener.join(to, &mut datagram[payload.clone()]);
            }
            listener.send(&mut self.wire, datagram, target, &mut self.counted);
        }
    }
}

fn nth_listener(legs: &mut Legs, index: u32, nth: usize) -> Option<&mut Leg> {
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
    while let Some(pressed) = leg.digits.poll_output() {
        let (digit, duration_ms) = (pressed.digit, pressed.duration_ms);
        outbox.push(MediaEvent::Digit { leg: leg.id, digit, duration_ms });
    }
}

/// Where in its datagram a packet's payload is.
fn payload_range(packet: &Packet<'_>, datagram: &[u8]) -> std::ops::Range<usize> {
    let start = packet.payload.as_ptr() as usize - datagram.as_ptr() as usize;
    start..start + packet.payload.len()
}
