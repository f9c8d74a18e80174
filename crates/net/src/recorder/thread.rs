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
use super::flushes::{Flushed, Flushes};
use super::sealer::{Job, ToSealer, tell};
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

/// What is told of a flush that failed; the sealer logs why.
const UNFLUSHED: &str = "what was recorded could not be flushed to the disk";

/// One recording that is being made.
struct Tape {
    timeline: Timeline,
    is_full: bool,
    writing: Writing,
}

/// What of a recording goes to the disk.
struct Writing {
    recording: RecordingId,
    file: TapeFile,
    disk: Disk,
}

/// What the thread is made from; everything else is made within it.
pub(crate) struct RecorderThread {
    pub(crate) inbox: Receiver<ToRecorder>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) jobs: Sender<ToSealer>,
    pub(crate) flushes: Flushes,
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
            flushed: Flushed::default(),
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
    finishing: Vec<Writing>,
    /// A finished file that the sealer had no room for.
    waiting: Option<Box<Job>>,
    /// What was known of flushes when that was last looked at.
    flushed: Flushed,
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
        self.heed_flushes();
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
                    let now = self.shell.clock.now();
                    pump(&mut tape, &mut self.bytes, now, &mut self.shell.outbox);
                    self.finish(tape.writing);
                }
            }
        }
    }

    /// Takes a complete recording to be stored and sealed.
    fn finish(&mut self, writing: Writing) {
        if self.finishing.len() < FINISHING_LIMIT {
            self.finishing.push(writing);
            return;
        }
        let (recording, is_left) = (writing.recording, true);
        let error = "too many recordings wait for their disk: this one stays unsealed".to_owned();
        tracing::error!(%recording, error);
        self.shell.outbox.push(MediaEvent::RecordingLost { recording, error, is_left });
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
                let writing = Writing { recording, file, disk: Disk::default() };
                let tape = Tape { timeline: Timeline::new(at), is_full: false, writing };
                *self.slot(worker, slot) = Some(tape);
            }
            Err(error) => {
                let (error, is_left) = (error.to_string(), false);
                tracing::error!(%recording, error, "cannot record");
                self.shell.outbox.push(MediaEvent::RecordingLost { recording, error, is_left });
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
        let file = TapeFile::new(settings.dir.join(path), header, &settings.keys)?;
        Ok(file.flushed_by(self.shell.flushes.clone()))
    }

    /// Puts packets on their timelines.
    fn write(&mut self, worker: u16, chunk: &Chunk) {
        let Some(tapes) = self.running.get_mut(usize::from(worker)) else { return };
        let now = self.shell.clock.now();
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
            pump(tape, &mut self.bytes, now, &mut self.shell.outbox);
        }
    }

    fn pass_time(&mut self, now: Mono) {
        for tape in self.running.iter_mut().flatten().flatten() {
            tape.timeline.handle_timeout(now);
            pump(tape, &mut self.bytes, now, &mut self.shell.outbox);
        }
    }

    /// Tells of flushes that failed, and of what has come to rest since.
    fn heed_flushes(&mut self) {
        let flushed = self.shell.flushes.now();
        if flushed == self.flushed {
            return;
        }
        self.flushed = flushed;
        let running = self.running.iter_mut().flatten().flatten().map(|tape| &mut tape.writing);
        for writing in running.chain(&mut self.finishing) {
            let notice = if writing.file.heed(flushed) {
                writing.disk.handle_unflushed(UNFLUSHED)
            } else if !writing.file.is_in_doubt() && !writing.file.is_doubtful() {
                writing.disk.handle_flushed()
            } else {
                None
            };
            tell(notice, writing.recording, &mut self.shell.outbox);
        }
    }

    /// Stores what has a piece to be stored.
    fn store_due(&mut self, now: Mono) {
        let mut has_stored = false;
        for tape in self.running.iter_mut().flatten().flatten() {
            let writing = &mut tape.writing;
            if writing.file.is_due() && writing.disk.may_write(now) {
                store(writing, &mut self.bytes, now, &mut self.shell.outbox);
            }
            has_stored |= writing.file.has_stored();
        }
        if has_stored {
            self.shell.flushes.mark(&self.shell.jobs);
        }
    }

    /// Gives complete files to the sealer; `is_last` where no later attempt will come.
    fn finish_due(&mut self, now: Mono, is_last: bool) {
        let mut at = 0;
        while self.waiting.take().is_none_or(|job| self.give(job)) && at < self.finishing.len() {
            let writing = &mut self.finishing[at];
            if !is_last && !writing.disk.may_write(now) {
                at += 1;
                continue;
            }
            match writing.file.finish(&mut self.bytes) {
                Ok(seal) => {
                    note(writing, None, now, &mut self.shell.outbox);
                    let Writing { recording, mut file, disk } = self.finishing.swap_remove(at);
                    file.close();
                    self.waiting = Some(Box::new(Job { recording, seal, disk, file }));
                }
                Err(error) => {
                    note(writing, Some(&error), now, &mut self.shell.outbox);
                    if writing.file.has_stored() {
                        self.shell.flushes.mark(&self.shell.jobs);
                    }
                    at += 1;
                }
            }
        }
    }

    /// Hands a finished file to the sealer. False if it has to wait.
    fn give(&mut self, job: Box<Job>) -> bool {
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
        self.shell.flushes.close();
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

/// Moves what the timeline has ready to the file. What came while this thread stood still is stored
/// as it comes; only what a disk that fails has no room for is given up.
fn pump(tape: &mut Tape, bytes: &mut Vec<u8>, now: Mono, outbox: &mut Outbox) {
    let Tape { timeline, is_full, writing } = tape;
    while let Some(frames) = timeline.poll_output() {
        writing.file.write(frames);
        if writing.file.is_full() {
            if writing.disk.may_write(now) {
                store(writing, bytes, now, outbox);
            }
            if writing.file.is_full() {
                writing.file.give_up();
            }
        }
    }
    if timeline.is_complete() && !*is_full {
        *is_full = true;
        if timeline.frames() >= recording::MAX_FRAMES {
            let (recording, error) = (writing.recording, "it has reached its greatest length");
            outbox.push(MediaEvent::RecordingGap { recording, error: error.to_owned() });
        }
    }
}

/// Writes what is ready and tells what that came to.
fn store(writing: &mut Writing, bytes: &mut Vec<u8>, now: Mono, outbox: &mut Outbox) {
    let stored = writing.file.store(bytes);
    note(writing, stored.err().as_ref(), now, outbox);
}

/// Tells what a store came to.
fn note(writing: &mut Writing, error: Option<&io::Error>, now: Mono, outbox: &mut Outbox) {
    let recording = writing.recording;
    let notice = match error {
        Some(error) => writing.disk.handle_failure(&error.to_string(), now),
        None => writing.disk.handle_success(),
    };
    match &notice {
        Some(Notice::Gap { error }) => {
            tracing::error!(%recording, error, "cannot write a recording; the call goes on");
        }
        Some(Notice::Resumed) => {
            let lost = writing.file.newly_given_up();
            tracing::info!(%recording, lost_half_seconds = lost, "a recording is written again");
        }
        None => {}
    }
    tell(notice, recording, outbox);
}

#[cfg(test)]
mod tests;
