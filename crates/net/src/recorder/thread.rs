//! The thread that writes recordings.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};
use media::{MediaEvent, g711};
use model::{Mono, RecordingId};
use recording::{Disk, Header, MAX_PACKET, Notice, PIECE_MOST, Packet, Timeline};

use super::Settings;
use super::file::TapeFile;
use super::sealer::{Job, ToSealer, Unflushed};
use super::tap::{Begin, Chunk, Pool, ToRecorder};
use crate::media::clock::Clock;
use crate::media::outbox::Outbox;

/// How often the thread wakes.
const TURN: Duration = Duration::from_millis(40);
/// Complete recordings that may wait for their disk.
const FINISHING_LIMIT: usize = 4_096;
/// Messages handled before the files are looked at again.
const MESSAGES_A_TURN: usize = 1_024;
/// How long the last events wait for the brain to take them.
const PATIENCE: Duration = Duration::from_secs(1);

/// One recording that is being written.
struct Tape {
    recording: RecordingId,
    timeline: Timeline,
    file: TapeFile,
    disk: Disk,
    is_full: bool,
}

/// What the thread is made from; everything else is made within it.
pub(crate) struct RecorderThread {
    pub(crate) inbox: Receiver<ToRecorder>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) jobs: Sender<ToSealer>,
    pub(crate) unflushed: Unflushed,
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
}

impl RecorderThread {
    /// On the thread: what it has room for is made there.
    pub(crate) fn start(self) -> Tapes {
        Tapes {
            shell: self,
            running: Vec::new(),
            finishing: Vec::new(),
            waiting: None,
            samples: Box::new([0; MAX_PACKET]),
            bytes: Vec::with_capacity(PIECE_MOST),
        }
    }
}

/// All recordings of one recorder.
pub(crate) struct Tapes {
    shell: RecorderThread,
    /// By worker and its slot.
    running: Vec<Vec<Option<Tape>>>,
    /// Complete but for what the disk has not taken.
    finishing: Vec<Tape>,
    /// A finished file that the sealer had no room for.
    waiting: Option<Job>,
    samples: Box<[i16; MAX_PACKET]>,
    /// Room for the bytes of a piece.
    bytes: Vec<u8>,
}

impl Tapes {
    /// Writes until all workers are gone.
    pub(crate) fn run(mut self) {
        loop {
            let began = std::time::Instant::now();
            let has_ended = self.turn();
            if has_ended {
                break;
            }
            if self.is_idle() {
                match self.shell.inbox.recv() {
                    Ok(message) => self.handle(message),
                    Err(_) => break,
                }
            } else {
                std::thread::sleep(TURN.saturating_sub(began.elapsed()));
            }
        }
        self.end();
    }

    fn is_idle(&self) -> bool {
        self.finishing.is_empty()
            && self.waiting.is_none()
            && self.shell.outbox.is_empty()
            && self.running.iter().flatten().all(Option::is_none)
    }

    /// Takes in what has come and stores what is due. True if nothing will come any more.
    fn turn(&mut self) -> bool {
        let now = self.shell.clock.now();
        let mut has_ended = false;
        for _ in 0..MESSAGES_A_TURN {
            match self.shell.inbox.try_recv() {
                Ok(message) => self.handle(message),
                Err(TryRecvError::Empty) => {
                    // Only now is it certain that no packet from before `now` is still to come.
                    self.pass_time(now);
                    break;
                }
                Err(TryRecvError::Disconnected) => {
                    has_ended = true;
                    break;
                }
            }
        }
        self.store_due(now);
        self.finish_due(now, false);
        self.shell.outbox.flush();
        has_ended
    }

    fn handle(&mut self, message: ToRecorder) {
        match message {
            ToRecorder::Taps { worker, chunk } => {
                self.write(worker, &chunk);
                self.shell.pool.give_back(chunk);
            }
            ToRecorder::Start { worker, slot, begin } => self.begin(worker, slot, begin),
            ToRecorder::Stop { worker, slot, at } => {
                if let Some(mut tape) = self.slot(worker, slot).take() {
                    tape.timeline.finish(at);
                    pump(&mut tape, &mut self.shell.outbox);
                    self.finish(tape);
                }
            }
        }
    }

    /// Takes a complete recording to be stored and sealed.
    fn finish(&mut self, tape: Tape) {
        if self.finishing.len() < FINISHING_LIMIT {
            self.finishing.push(tape);
            return;
        }
        let recording = tape.recording;
        let error = "too many recordings wait for their disk: this one stays unsealed".to_owned();
        tracing::error!(%recording, error);
        self.shell.outbox.push(MediaEvent::RecordingGap { recording, error });
    }

    /// The place of a recording; made if there is none.
    fn slot(&mut self, worker: u16, slot: u32) -> &mut Option<Tape> {
        let (worker, slot) = (usize::from(worker), slot as usize);
        if self.running.len() <= worker {
            self.running.resize_with(worker + 1, Vec::new);
        }
        let tapes = &mut self.running[worker];
        if tapes.len() <= slot {
            tapes.resize_with(slot + 1, || None);
        }
        &mut tapes[slot]
    }

    fn begin(&mut self, worker: u16, slot: u32, begin: Begin) {
        let (recording, at) = (begin.recording, begin.at);
        match self.file(begin) {
            Ok(file) => {
                let (timeline, disk) = (Timeline::new(at), Disk::default());
                let tape = Tape { recording, timeline, file, disk, is_full: false };
                *self.slot(worker, slot) = Some(tape);
            }
            Err(error) => {
                let error = error.to_string();
                tracing::error!(%recording, error, "cannot record");
                self.shell.outbox.push(MediaEvent::RecordingGap { recording, error });
            }
        }
    }

    fn file(&self, Begin { recording, call, path, at }: Begin) -> io::Result<TapeFile> {
        if !recording::is_safe(&path) {
            return Err(io::Error::other(format!("'{path}' is not a path for recordings")));
        }
        let settings = &self.shell.settings;
        let wall = settings.started.after(Duration::from_nanos(at.0));
        let header = Header { recording, call, wall, mono: at, key: None };
        TapeFile::new(settings.dir.join(path), header, &settings.keys)
    }

    /// Puts packets on their timelines.
    fn write(&mut self, worker: u16, chunk: &Chunk) {
        let Some(tapes) = self.running.get_mut(usize::from(worker)) else { return };
        for (head, audio) in chunk.iter() {
            let Some(tape) = tapes.get_mut(head.slot as usize).and_then(Option::as_mut) else {
                continue;
            };
            let samples = &mut self.samples[..audio.len().min(MAX_PACKET)];
            g711::decode(head.codec, audio, samples);
            let packet = Packet {
                arrived: head.arrived,
                ssrc: head.ssrc,
                sequence: head.sequence,
                timestamp: head.timestamp,
                samples,
            };
            tape.timeline.handle_voice(head.side, head.voice, &packet);
            pump(tape, &mut self.shell.outbox);
        }
    }

    fn pass_time(&mut self, now: Mono) {
        for tape in self.running.iter_mut().flatten().flatten() {
            tape.timeline.handle_timeout(now);
            pump(tape, &mut self.shell.outbox);
        }
    }

    /// Stores what has a piece to be stored.
    fn store_due(&mut self, now: Mono) {
        let mut has_stored = false;
        for tape in self.running.iter_mut().flatten().flatten() {
            if tape.file.is_due() && tape.disk.may_write(now) {
                let stored = tape.file.store(&mut self.bytes);
                has_stored |= stored.is_ok();
                note(tape, stored.err().as_ref(), now, &mut self.shell.outbox);
            }
        }
        if has_stored {
            self.shell.unflushed.mark(&self.shell.jobs);
        }
    }

    /// Gives complete files to the sealer; `is_last` where no later attempt will come.
    fn finish_due(&mut self, now: Mono, is_last: bool) {
        let mut at = 0;
        while self.waiting.take().is_none_or(|job| self.give(job)) && at < self.finishing.len() {
            let tape = &mut self.finishing[at];
            if !is_last && !tape.disk.may_write(now) {
                at += 1;
                continue;
            }
            match tape.file.finish(&mut self.bytes) {
                Ok(seal) => {
                    note(tape, None, now, &mut self.shell.outbox);
                    let recording = self.finishing.swap_remove(at).recording;
                    self.waiting = Some(Job { recording, seal, disk: Disk::default() });
                }
                Err(error) => {
                    note(tape, Some(&error), now, &mut self.shell.outbox);
                    at += 1;
                }
            }
        }
    }

    /// Hands a finished file to the sealer. False if it has to wait.
    fn give(&mut self, job: Job) -> bool {
        match self.shell.jobs.try_send(ToSealer::Finished(job)) {
            Ok(()) => true,
            Err(TrySendError::Full(back) | TrySendError::Disconnected(back)) => {
                if let ToSealer::Finished(job) = back {
                    self.waiting = Some(job);
                }
                false
            }
        }
    }

    /// The last attempt for what is complete; what was not stopped stays as it was stored last.
    fn end(mut self) {
        let now = self.shell.clock.now();
        self.finish_due(now, true);
        while let Some(job) = self.waiting.take() {
            // The sealer empties its queue before it ends.
            if self.shell.jobs.send(ToSealer::Finished(job)).is_err() {
                break;
            }
            self.finish_due(now, true);
        }
        for tape in &self.finishing {
            tracing::error!(recording = %tape.recording, "not stored: repair it at the next start");
        }
        self.shell.outbox.close(PATIENCE);
    }
}

/// Moves what the timeline has ready to the file.
fn pump(tape: &mut Tape, outbox: &mut Outbox) {
    let recording = tape.recording;
    while let Some(frames) = tape.timeline.poll_output() {
        tape.file.write(frames);
    }
    if tape.timeline.is_complete() && !tape.is_full {
        tape.is_full = true;
        if tape.timeline.frames() >= recording::MAX_FRAMES {
            let error = "the recording has reached its greatest length".to_owned();
            outbox.push(MediaEvent::RecordingGap { recording, error });
        }
    }
}

/// Tells what a store came to.
fn note(tape: &mut Tape, error: Option<&std::io::Error>, now: Mono, outbox: &mut Outbox) {
    let recording = tape.recording;
    let notice = match error {
        Some(error) => tape.disk.handle_failure(&error.to_string(), now),
        None => tape.disk.handle_success(),
    };
    match notice {
        Some(Notice::Gap { error }) => {
            tracing::error!(%recording, error, "cannot write a recording; the call goes on");
            outbox.push(MediaEvent::RecordingGap { recording, error });
        }
        Some(Notice::Resumed) => {
            let lost = tape.file.newly_given_up();
            tracing::info!(%recording, lost_half_seconds = lost, "a recording is written again");
            outbox.push(MediaEvent::RecordingResumed { recording });
        }
        None => {
            // The disk works, and yet it, or this thread, stood still for longer than is kept.
            let lost = tape.file.newly_given_up();
            if error.is_none() && lost > 0 {
                let error = format!("{lost} half seconds came while nothing could be written");
                tracing::error!(%recording, error, "a recording has a hole");
                outbox.push(MediaEvent::RecordingGap { recording, error });
                outbox.push(MediaEvent::RecordingResumed { recording });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Id;

    use super::super::tap::Link;
    use super::*;

    #[test]
    fn a_hole_is_told_though_the_disk_never_failed() {
        let folder = tempfile::tempdir().unwrap();
        let header = Header {
            recording: RecordingId(Id::new(1, 1, 1)),
            call: model::CallId(Id::new(1, 1, 2)),
            wall: model::Wall(0),
            mono: Mono(0),
            key: None,
        };
        let file =
            TapeFile::new(folder.path().join("a.tape"), header, &recording::Keyring::default())
                .unwrap();
        let timeline = Timeline::new(Mono(0));
        let recording = RecordingId(Id::new(1, 1, 1));
        let mut tape = Tape { recording, timeline, file, disk: Disk::default(), is_full: false };
        let (events, told) = crossbeam_channel::unbounded();
        let mut outbox = Outbox::new(events);
        let mut stored = |tape: &mut Tape, half_seconds: usize| {
            (0..half_seconds).for_each(|_| tape.file.write(&[0; 8_000]));
            tape.file.store(&mut Vec::new()).unwrap();
            note(tape, None, Mono(0), &mut outbox);
            outbox.flush();
            told.try_iter().collect::<Vec<_>>()
        };
        assert_eq!(stored(&mut tape, 2), []);
        let events = stored(&mut tape, 10);
        let [MediaEvent::RecordingGap { .. }, MediaEvent::RecordingResumed { .. }] = &events[..]
        else {
            panic!("{events:?}");
        };
        assert_eq!(stored(&mut tape, 1), [], "it is told once");
    }

    #[test]
    fn a_recorder_with_untold_events_does_not_go_to_sleep() {
        let (link, inbox) = Link::new(4);
        let (jobs, _finished) = crossbeam_channel::bounded(1);
        let (events, told) = crossbeam_channel::bounded(1);
        let clock = Clock::new(std::time::Instant::now());
        let thread = RecorderThread {
            inbox,
            pool: link.empty(),
            jobs,
            unflushed: Unflushed::default(),
            settings: Settings::default(),
            clock,
            outbox: Outbox::new(events),
        };
        let mut tapes = thread.start();
        assert!(!tapes.turn() && tapes.is_idle());
        for counter in 1..=2 {
            let (recording, error) = (RecordingId(Id::new(1, 1, counter)), "full".to_owned());
            tapes.shell.outbox.push(MediaEvent::RecordingGap { recording, error });
        }
        assert!(!tapes.turn() && !tapes.is_idle(), "the brain has room for one alone");
        told.try_recv().unwrap();
        assert!(!tapes.turn() && tapes.is_idle());
        assert!(told.try_recv().is_ok());
    }
}
