//! What commands do: open and close legs, make them what they are wanted to be, tape them.

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;

use media::{LegMedia, LegStats, MediaCommand, MediaEvent, Source};
use model::{CallId, LegId, Mono};
use rtp::OutStream;

use super::ToWorker;
use super::frame::Paced;
use super::leg::{Leg, Wanted};
use super::mixing::Mixing;
use super::origin::Origin;
use super::playing::Playing;
use super::worker::{Then, Worker};
use crate::recorder::Begin;

impl Worker {
    /// Does what it is told.
    pub(super) fn handle(&mut self, message: ToWorker, now: Mono) -> Then {
        match message {
            ToWorker::Open { call, leg, socket, port } => {
                if let Err(error) = self.open(call, leg, socket, port, now) {
                    tracing::error!(%leg, %error, "cannot watch a leg's socket");
                    if let Some(port) = port {
                        self.shared.ports.give_back(port);
                    }
                    let stats = LegStats::default();
                    self.outbox.push(MediaEvent::Closed { call, leg, stats });
                }
            }
            ToWorker::Command(MediaCommand::Set(media)) => self.set(media, now),
            ToWorker::Command(MediaCommand::Close { leg }) => self.close(leg),
            ToWorker::Command(MediaCommand::StartRecording {
                call,
                recording,
                caller,
                agent,
                path,
                at,
                quiet_ms,
            }) => {
                let begin = Begin { recording, call, path, at };
                let (legs, outbox) = (&mut self.legs, &mut self.outbox);
                self.tapes.start(begin, (caller, agent), quiet_ms, (legs, outbox));
            }
            ToWorker::Command(MediaCommand::TapeVoices(voices)) => {
                if !self.tapes.set_voices(&voices, &mut self.legs) {
                    self.outward.counted.commands_unknown += 1;
                }
            }
            ToWorker::Command(MediaCommand::StopRecording { recording, at }) => {
                if !self.tapes.stop(recording, at, &mut self.legs) {
                    self.outward.counted.commands_unknown += 1;
                }
            }
            ToWorker::Stop => return Then::Stop,
        }
        Then::GoOn
    }

    fn open(
        &mut self,
        call: CallId,
        leg: LegId,
        socket: Arc<UdpSocket>,
        port: Option<u16>,
        now: Mono,
    ) -> io::Result<()> {
        let random = getrandom::u64().map_err(io::Error::other)?.to_le_bytes();
        let [a, b, c, d, e, f, g, h] = random;
        // RFC 3550 §5.1: the first numbers are random. RFC 3711 §3.3.1: the sequence begins well
        // below its wrap, and so far above 0 that a packet that was overtaken is of the first
        // round.
        let sequence = u16::from_le_bytes([e, f]) & 0x7fff | 0x100;
        let timestamp = u32::from_le_bytes([g, h, a, e]);
        let out = OutStream::new(u32::from_le_bytes([a, b, c, d]), sequence, timestamp);
        // What comes to the port of all browsers is shared out there.
        if port.is_some() {
            self.readiness.add(self.legs.next_key(), &socket)?;
        }
        self.legs.insert(Leg::new(call, leg, socket, port, out, now));
        self.tapes.welcome(leg, &mut self.legs);
        self.outward.counted.legs_opened += 1;
        Ok(())
    }

    /// Makes a leg what it is wanted to be.
    fn set(&mut self, media: LegMedia, now: Mono) {
        let Some((index, leg)) =
            self.legs.find_id(media.leg).filter(|(_, leg)| leg.call == media.call)
        else {
            self.outward.counted.commands_unknown += 1;
            return;
        };
        let before = leg.wanted.take();
        let origin = match &before {
            Some(before) if before.origin.agreed() == media.remote => before.origin,
            Some(_) | None => Origin::new(media.remote),
        };
        let was_sending = before.as_ref().is_some_and(|before| before.media.sends);
        if !was_sending && media.sends {
            leg.out.begin_source();
            leg.pause();
        }
        let was_awaited = before.as_ref().is_some_and(Wanted::awaits);
        let hears = media.hears.clone();
        let codec = media.codec;
        leg.out.set_clock_rate(codec.clock_rate());
        leg.digits.set_clock_rate(media.digits_clock_rate);
        let wanted = Wanted { media, origin };
        if !was_awaited && wanted.awaits() {
            (leg.heard, leg.alive, leg.is_silent) = (now, now, false);
        }
        leg.wanted = Some(wanted);
        leg.protect();
        if let Some(before) = &before {
            leg.leave_behind(&before.media);
        }
        let had = before.map(|before| (before.media.hears, before.media.codec));
        self.set_browser(index);
        self.set_reports(index, now);
        let Some(leg) = self.legs.at(index) else { return };
        match (&had, &hears) {
            (Some((Source::Play(old), old_codec)), Source::Play(new)) if old.id == new.id => {
                if let Paced::Playing(playing) = &mut leg.paced
                    && *old_codec != codec
                {
                    playing.recode(new, &self.prompts, codec, now);
                }
                return;
            }
            (Some((old, _)), new) if old == new => return,
            (Some(_) | None, _) => {}
        }
        match hears {
            Source::Silence => leg.pause(),
            Source::Leg(_) | Source::Play(_) | Source::Mix(_) => leg.turn(),
        }
        let was_paced = match had {
            Some((Source::Play(_) | Source::Mix(_), _)) => true,
            Some((Source::Silence | Source::Leg(_), _)) | None => false,
        };
        if !(was_paced && leg.is_on_wheel) {
            leg.out.begin_source();
        }
        let before = std::mem::take(&mut leg.paced);
        if let Some((Source::Leg(heard), _)) = had {
            self.legs.unlink(heard, index);
        }
        self.hear(index, hears, now);
        // Only now, so that a voice which is mixed before and after is not decoded anew.
        if let Paced::Mixing(before) = before {
            before.leave(&mut self.legs);
        }
    }

    /// The leg at `index` hears something else from now on.
    fn hear(&mut self, index: u32, hears: Source, now: Mono) {
        let Some(leg) = self.legs.at(index) else { return };
        let Some(codec) = leg.wanted.as_ref().map(|wanted| wanted.media.codec) else { return };
        match hears {
            Source::Silence => {}
            Source::Leg(heard) => self.legs.link(heard, index),
            Source::Mix(parties) => {
                let listener = leg.id;
                let (mixing, left_out) = Mixing::new(&parties, listener, &mut self.legs);
                if left_out > 0 {
                    tracing::error!(leg = %listener, left_out, "a mix has too many parties");
                    self.outward.counted.commands_unknown += 1;
                }
                if let Some(leg) = self.legs.at(index) {
                    leg.paced = Paced::Mixing(mixing);
                }
                self.pace(index, now);
            }
            Source::Play(play) => {
                let (playing, missing) = Playing::new(&play, &self.prompts, codec, now);
                leg.paced = Paced::Playing(playing);
                self.pace(index, now);
                for prompt in missing {
                    tracing::error!(%prompt, "a prompt is missing: it is passed over");
                    self.outward.counted.commands_unknown += 1;
                }
            }
        }
    }

    /// The leg at `index` is sent frames from now on: on its beat if it has one, else when what
    /// was sent to it last has been heard.
    fn pace(&mut self, index: u32, now: Mono) {
        let key = self.legs.key_at(index);
        let Some(leg) = self.legs.at(index).filter(|leg| !leg.is_on_wheel) else { return };
        leg.is_on_wheel = true;
        leg.frame_due = leg.out.next_due(now);
        self.wheel.insert(key, leg.frame_due);
    }

    /// Closes a leg and tells what it sent and received.
    pub(super) fn close(&mut self, id: LegId) {
        let heard = self.legs.find_id(id).and_then(|(index, leg)| {
            match leg.wanted.as_ref().map(|wanted| &wanted.media.hears) {
                Some(Source::Leg(heard)) => Some((*heard, index)),
                Some(Source::Silence | Source::Play(_) | Source::Mix(_)) | None => None,
            }
        });
        if let Some((heard, index)) = heard {
            self.legs.unlink(heard, index);
        }
        let Some(mut leg) = self.legs.remove(id) else {
            self.outward.counted.commands_unknown += 1;
            return;
        };
        if let Paced::Mixing(mixing) = std::mem::take(&mut leg.paced) {
            mixing.leave(&mut self.legs);
        }
        let (call, port) = (leg.call, leg.port);
        leg.report(true, self.clock.now(), &mut self.outward.counted);
        self.browsers.forget(&mut leg);
        let stats = leg.stats();
        drop(leg);
        if let Some(port) = port {
            self.shared.ports.give_back(port);
        }
        self.outward.counted.legs_closed += 1;
        self.outbox.push(MediaEvent::Closed { call, leg: id, stats });
    }
}
