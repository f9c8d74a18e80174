//! One media worker: its tick. What it does within: `command.rs`, `receive.rs`, `frame.rs`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError};
use media::{MediaEvent, Mixer, Prompts};
use model::Mono;

use super::browsers::{Browsers, Gate};
use super::clock::Clock;
use super::leg::Wanted;
use super::flow::{self, Inflow};
use super::legs::Legs;
use super::outbox::Outbox;
use super::outward::Outward;
use super::pack::PACKET_BYTES;
use super::readiness::Readiness;
use super::tapes::Tapes;
use super::wheel::Wheel;
use super::{COMMAND_LIMIT, Shared, ToWorker, reports};

/// How often taps are handed to the recorder, in nanoseconds.
const TAPS_EVERY: u64 = 20_000_000;
/// So much longer a leg may be silent that has not sent anything yet, or that said how its silence
/// sounds: some phones and carriers send nothing until somebody speaks.
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
    pub(super) gate: Option<Arc<Gate>>,
    /// Its number among the workers.
    pub(super) number: usize,
    pub(super) tapes: Tapes,
    pub(super) outbox: Outbox,
}

/// One media worker.
pub(super) struct Worker {
    inbox: Receiver<ToWorker>,
    tick_nanos: u64,
    silent_after_ms: u64,
    pub(super) clock: Clock,
    pub(super) prompts: Arc<Prompts>,
    pub(super) shared: Arc<Shared>,
    pub(super) readiness: Readiness,
    pub(super) legs: Legs,
    pub(super) browsers: Browsers,
    pub(super) tapes: Tapes,
    pub(super) outbox: Outbox,
    pub(super) outward: Outward,
    pub(super) wheel: Wheel,
    pub(super) reports_due: reports::Due,
    /// Legs whose digit has begun and not ended.
    pub(super) pressing: Vec<u64>,
    /// Legs whose phone is silent and said how that sounds.
    pub(super) hushed: Vec<u64>,
    pub(super) mixer: Mixer,
    pub(super) packet: [u8; PACKET_BYTES],
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
        let readiness = Readiness::new()?;
        Ok(Self {
            inbox,
            tick_nanos,
            silent_after_ms: setup.silent_after_ms.max(1),
            clock: setup.clock,
            prompts: setup.prompts,
            shared: setup.shared,
            browsers: Browsers::new(setup.gate, setup.number, &readiness)?,
            readiness,
            legs: Legs::default(),
            tapes: setup.tapes,
            outbox: setup.outbox,
            outward: Outward::default(),
            wheel: Wheel::new(tick_nanos),
            reports_due: reports::Due::default(),
            pressing: Vec::new(),
            hushed: Vec::new(),
            mixer: Mixer::default(),
            packet: [0; PACKET_BYTES],
            taps_due: Mono(0),
            silence_due: Mono(0),
        })
    }

    /// Works until it is stopped.
    pub(super) fn run(mut self) {
        crate::scheduling::take_turns();
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
        self.look_after_browsers(now);
        self.play(now);
        self.end_digits(now);
        self.hush(now);
        self.report(now);
        if self.taps_due <= now {
            self.tapes.flush();
            self.taps_due = Mono(now.0 + TAPS_EVERY);
        }
        if self.silence_due <= now {
            self.find_silent(now);
            let every = SILENCE_EVERY.min(self.silent_after_ms * 250_000);
            self.silence_due = Mono(now.0 + every);
        }
        self.outward.counted.events_dropped += self.outbox.take_dropped();
        self.outward.counted.ticks += 1;
        // Before the events are told: who hears of something finds it counted.
        self.shared.counters.take(&mut self.outward.counted);
        self.outbox.flush();
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

    /// Ends digits whose end was lost.
    fn end_digits(&mut self, now: Mono) {
        let Self { pressing, legs, outbox, .. } = self;
        pressing.retain(|key| {
            let Some((_, leg)) = legs.find(*key) else { return false };
            if leg.digit_due().is_some_and(|due| due <= now) {
                leg.end_digits(now);
                super::receive::tell_digits(leg, outbox);
            }
            leg.is_pressing = leg.digit_due().is_some();
            leg.is_pressing
        });
    }

    /// Tells of legs from which nothing comes. On hold nothing has to come.
    fn find_silent(&mut self, now: Mono) {
        for leg in self.legs.iter_mut() {
            // A browser on hold asks whether it may send, all the same.
            let is_expected =
                leg.browser.is_some() || leg.wanted.as_ref().is_some_and(Wanted::awaits);
            let for_ms = now.ms_since(leg.alive);
            let never_spoke = leg.stats.packets_received == 0;
            let may_be_quiet = never_spoke || leg.hush.is_some();
            let patience = if may_be_quiet { NEVER_SPOKE_FACTOR } else { 1 };
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
        self.shared.counters.take(&mut self.outward.counted);
        self.outbox.close(PATIENCE);
    }
}
