//! One media worker: its tick, and what commands do.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError};
use media::{FRAME_SAMPLES, LegMedia, MediaCommand, MediaEvent, Prompts, Source};
use model::{CallId, LegId, Mono};
use rtp::OutStream;
use rustix::event::epoll;
use rustix::fd::OwnedFd;

use super::clock::Clock;
use super::counters::Counters;
use super::leg::{Leg, Wanted};
use super::legs::Legs;
use super::origin::Origin;
use super::outbox::Outbox;
use super::playing::{FRAME_NANOS, Playing};
use super::tapes::Tapes;
use super::wheel::Wheel;
use super::{COMMAND_LIMIT, Shared, ToWorker};

/// A frame later than this is not sent any more, in nanoseconds.
const CATCH_UP: u64 = 100_000_000;
/// How often taps are handed to the recorder, in nanoseconds.
const TAPS_EVERY: u64 = 20_000_000;
/// So much longer a leg may be silent that has not sent anything yet: some phones and carriers send
/// nothing until somebody speaks.
const NEVER_SPOKE_FACTOR: u64 = 10;
/// How often silent legs are looked for, in nanoseconds, or oftener if silence is to be told soon.
const SILENCE_EVERY: u64 = 1_000_000_000;
/// How long the last events wait for the brain to take them.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a worker is made from.
pub(super) struct Setup {
    pub(super) tick_us: u64,
    pub(super) silent_after_ms: u64,
    pub(super) clock: Clock,
    pub(super) prompts: Arc<Prompts>,
    pub(super) shared: Arc<Shared>,
    pub(super) tapes: Tapes,
    pub(super) outbox: Outbox,
}

/// One media worker.
pub(super) struct Worker {
    inbox: Receiver<ToWorker>,
    tick_nanos: u64,
    silent_after_ms: u64,
    clock: Clock,
    prompts: Arc<Prompts>,
    shared: Arc<Shared>,
    pub(super) epoll: OwnedFd,
    pub(super) legs: Legs,
    pub(super) tapes: Tapes,
    pub(super) outbox: Outbox,
    pub(super) counted: Counters,
    wheel: Wheel,
    /// Legs whose digit has begun and not ended.
    pub(super) pressing: Vec<u64>,
    packet: [u8; rtp::HEADER_BYTES + FRAME_SAMPLES],
    taps_due: Mono,
    silence_due: Mono,
}

/// Whether a worker goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    GoOn,
    /// In order: everything is closed and completed.
    Stop,
    /// Everyone who could tell it something is gone.
    Vanish,
}

impl Worker {
    pub(super) fn new(inbox: Receiver<ToWorker>, setup: Setup) -> io::Result<Self> {
        let tick_nanos = setup.tick_us.clamp(100, 20_000) * 1_000;
        Ok(Self {
            inbox,
            tick_nanos,
            silent_after_ms: setup.silent_after_ms.max(1),
            clock: setup.clock,
            prompts: setup.prompts,
            shared: setup.shared,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            legs: Legs::default(),
            tapes: setup.tapes,
            outbox: setup.outbox,
            counted: Counters::default(),
            wheel: Wheel::new(tick_nanos),
            pressing: Vec::new(),
            packet: [0; rtp::HEADER_BYTES + FRAME_SAMPLES],
            taps_due: Mono(0),
            silence_due: Mono(0),
        })
    }

    /// Works until it is stopped.
    pub(super) fn run(mut self) {
        let mut ready = super::receive::Ready::new();
        loop {
            let is_idle = self.legs.is_empty() && self.tapes.is_empty();
            match if is_idle { self.wait() } else { self.receive(&mut ready) } {
                Then::GoOn => {}
                Then::Stop => return self.stop(),
                Then::Vanish => return,
            }
            self.tick();
            let now = self.clock.now();
            let next = (now.0 / self.tick_nanos + 1) * self.tick_nanos;
            std::thread::sleep(Duration::from_nanos(next - now.0));
        }
    }

    pub(super) fn now(&self) -> Mono {
        self.clock.now()
    }

    /// What is due by the clock.
    fn tick(&mut self) {
        let now = self.clock.now();
        self.play(now);
        self.end_digits(now);
        if self.taps_due <= now {
            self.tapes.flush();
            self.taps_due = Mono(now.0 + TAPS_EVERY);
        }
        if self.silence_due <= now {
            self.find_silent(now);
            let every = SILENCE_EVERY.min(self.silent_after_ms * 250_000);
            self.silence_due = Mono(now.0 + every);
        }
        self.outbox.flush();
        self.counted.events_dropped += self.outbox.take_dropped();
        self.counted.ticks += 1;
        self.shared.counters.take(&mut self.counted);
    }

    /// Without legs there is nothing to do but to wait for one.
    fn wait(&mut self) -> Then {
        let message = self.inbox.recv();
        let now = self.clock.now();
        self.wheel.turn(now, |_, _| {});
        match message {
            Ok(message) => self.handle(message, now),
            Err(_) => Then::Vanish,
        }
    }

    /// Obeys all commands that are there.
    pub(super) fn obey(&mut self) -> Then {
        for _ in 0..COMMAND_LIMIT {
            let then = match self.inbox.try_recv() {
                Ok(message) => self.handle(message, self.clock.now()),
                Err(TryRecvError::Empty) => return Then::GoOn,
                Err(TryRecvError::Disconnected) => Then::Vanish,
            };
            if then != Then::GoOn {
                return then;
            }
        }
        Then::GoOn
    }

    fn handle(&mut self, message: ToWorker, now: Mono) -> Then {
        match message {
            ToWorker::Open { call, leg, socket, port } => {
                if let Err(error) = self.open(call, leg, socket, port, now) {
                    tracing::error!(%leg, %error, "cannot watch a leg's socket");
                    self.shared.ports.give_back(port);
                    self.outbox.push(MediaEvent::Closed { leg, stats: media::LegStats::default() });
                }
            }
            ToWorker::Command(MediaCommand::Set(media)) => self.set(media, now),
            ToWorker::Command(MediaCommand::Close { leg }) => self.close(leg),
            ToWorker::Command(MediaCommand::StartRecording {
                call: _,
                recording,
                caller,
                agent,
                path,
                at,
            }) => {
                let (legs, outbox) = (&mut self.legs, &mut self.outbox);
                self.tapes.start(recording, (caller, agent), (path, at), legs, outbox);
            }
            ToWorker::Command(MediaCommand::StopRecording { recording, at }) => {
                if !self.tapes.stop(recording, at, &mut self.legs) {
                    self.counted.commands_unknown += 1;
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
        socket: std::net::UdpSocket,
        port: u16,
        now: Mono,
    ) -> io::Result<()> {
        let random = getrandom::u64().map_err(io::Error::other)?.to_le_bytes();
        let [a, b, c, d, e, f, g, h] = random;
        // RFC 3550 §5.1: the first numbers are random; the sequence stays below its wrap.
        let sequence = u16::from_le_bytes([e, f]) & 0x7fff;
        let timestamp = u32::from_le_bytes([g, h, a, e]);
        let out = OutStream::new(u32::from_le_bytes([a, b, c, d]), sequence, timestamp);
        let data = epoll::EventData::new_u64(self.legs.next_key());
        epoll::add(&self.epoll, &socket, data, epoll::EventFlags::IN)?;
        self.legs.insert(Leg::new(call, leg, socket, port, out, now));
        self.counted.legs_opened += 1;
        Ok(())
    }

    /// Makes a leg what it is wanted to be.
    fn set(&mut self, media: LegMedia, now: Mono) {
        let Some((index, leg)) =
            self.legs.find_id(media.leg).filter(|(_, leg)| leg.call == media.call)
        else {
            self.counted.commands_unknown += 1;
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
            (leg.heard, leg.is_silent) = (now, false);
        }
        let hears = media.hears.clone();
        let codec = media.codec;
        let had = before.map(|before| (before.media.hears, before.media.codec));
        leg.wanted = Some(Wanted { media, origin });
        match (&had, &hears) {
            (Some((Source::Play(old), old_codec)), Source::Play(new)) if old.id == new.id => {
                if let Some(playing) = leg.playing.as_mut().filter(|_| *old_codec != codec) {
                    playing.recode(new, &self.prompts, codec, now);
                }
                return;
            }
            (Some((old, _)), new) if old == new => return,
            (Some(_) | None, _) => {}
        }
        leg.playing = None;
        let keeps_beat = matches!(had, Some((Source::Play(_), _))) && leg.is_on_wheel;
        if !keeps_beat {
            leg.out.begin_source();
        }
        if let Some((Source::Leg(heard), _)) = had {
            self.legs.unlink(heard, index);
        }
        self.hear(index, hears, now);
    }

    /// The leg at `index` hears something else from now on.
    fn hear(&mut self, index: u32, hears: Source, now: Mono) {
        let key = self.legs.key_at(index);
        let Some(leg) = self.legs.at(index) else { return };
        let Some(codec) = leg.wanted.as_ref().map(|wanted| wanted.media.codec) else { return };
        match hears {
            Source::Silence => {}
            Source::Leg(heard) => self.legs.link(heard, index),
            Source::Play(play) => {
                let (playing, missing) = Playing::new(&play, &self.prompts, codec, now);
                leg.playing = Some(playing);
                if !leg.is_on_wheel {
                    leg.is_on_wheel = true;
                    leg.frame_due = now;
                    self.wheel.insert(key, now);
                }
                for prompt in missing {
                    tracing::error!(%prompt, "a prompt is missing: it is passed over");
                    self.counted.commands_unknown += 1;
                }
            }
        }
    }

    fn close(&mut self, id: LegId) {
        let heard = self.legs.find_id(id).and_then(|(index, leg)| {
            match leg.wanted.as_ref().map(|wanted| &wanted.media.hears) {
                Some(Source::Leg(heard)) => Some((*heard, index)),
                Some(Source::Silence | Source::Play(_)) | None => None,
            }
        });
        if let Some((heard, index)) = heard {
            self.legs.unlink(heard, index);
        }
        let Some(leg) = self.legs.remove(id) else {
            self.counted.commands_unknown += 1;
            return;
        };
        let port = leg.port;
        let stats = leg.into_stats();
        self.shared.ports.give_back(port);
        self.counted.legs_closed += 1;
        self.outbox.push(MediaEvent::Closed { leg: id, stats });
    }

    /// Sends the frames that are due.
    fn play(&mut self, now: Mono) {
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

    /// Ends digits whose end was lost.
    fn end_digits(&mut self, now: Mono) {
        let Self { pressing, legs, outbox, .. } = self;
        pressing.retain(|key| {
            let Some((_, leg)) = legs.find(*key) else { return false };
            if leg.digits.poll_timeout().is_some_and(|(due, _)| due <= now) {
                leg.digits.handle_timeout(now);
                super::receive::tell_digits(leg, outbox);
            }
            leg.is_pressing = leg.digits.poll_timeout().is_some();
            leg.is_pressing
        });
    }

    /// Tells of legs from which nothing comes. On hold nothing has to come.
    fn find_silent(&mut self, now: Mono) {
        for leg in self.legs.iter_mut() {
            let is_expected = leg.wanted.as_ref().is_some_and(|wanted| wanted.media.sends);
            let for_ms = now.ms_since(leg.heard);
            let never_spoke = leg.stats.packets_received == 0;
            let patience = if never_spoke { NEVER_SPOKE_FACTOR } else { 1 };
            if is_expected && !leg.is_silent && for_ms >= self.silent_after_ms * patience {
                leg.is_silent = true;
                self.outbox.push(MediaEvent::Silent { leg: leg.id, for_ms });
            }
        }
    }

    /// Completes every recording and closes every leg.
    fn stop(mut self) {
        let now = self.clock.now();
        self.tapes.stop_all(now, &mut self.legs);
        for leg in self.legs.ids() {
            self.close(leg);
        }
        let until = std::time::Instant::now() + PATIENCE;
        self.tapes.flush();
        while !self.tapes.is_empty() && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
            self.tapes.flush();
        }
        self.shared.counters.take(&mut self.counted);
        self.outbox.close(PATIENCE);
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
