//! The thread that writes recordings.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};
use media::{MediaEvent, g711};
use model::{Mono, RecordingId};
use recording::{Disk, MAX_PACKET, Notice, Packet, Timeline};

use super::file::WavFile;
use super::sealer::Job;
use super::tap::{Chunk, Pool, ToRecorder};
use crate::media::clock::Clock;
use crate::media::outbox::Outbox;

/// How often the thread wakes.
const TURN: Duration = Duration::from_millis(40);
/// How often a file is brought to disk: with the horizon of the timeline and a turn, what a
/// killed process loses stays below a second.
const STORE_EVERY: Duration = Duration::from_millis(500);
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
    file: WavFile,
    disk: Disk,
    store_at: Mono,
    is_full: bool,
}

/// What the thread is made from; everything else is made within it.
pub(crate) struct RecorderThread {
    inbox: Receiver<ToRecorder>,
    pool: Arc<Pool>,
    jobs: Sender<Job>,
    dir: PathBuf,
    clock: Clock,
    outbox: Outbox,
}

impl RecorderThread {
    pub(crate) fn new(
        inbox: Receiver<ToRecorder>,
        pool: Arc<Pool>,
        jobs: Sender<Job>,
        dir: PathBuf,
        clock: Clock,
        outbox: Outbox,
    ) -> Self {
        Self { inbox, pool, jobs, dir, clock, outbox }
    }

    /// On the thread: files that are written share their spool within it.
    pub(crate) fn start(self) -> Tapes {
        Tapes {
            shell: self,
            running: Vec::new(),
            finishing: Vec::new(),
            waiting: None,
            samples: Box::new([0; MAX_PACKET]),
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
            ToRecorder::Start { worker, slot, recording, path, at } => {
                self.begin(worker, slot, recording, &path, at);
            }
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

    fn begin(&mut self, worker: u16, slot: u32, recording: RecordingId, path: &str, at: Mono) {
        let tape = if recording::is_safe(path) {
            WavFile::new(self.shell.dir.join(path)).map_err(|error| error.to_string())
        } else {
            Err(format!("'{path}' is not a path for recordings"))
        };
        match tape {
            Ok(file) => {
                let tape = Tape {
                    recording,
                    timeline: Timeline::new(at),
                    file,
                    disk: Disk::default(),
                    // At once, so that an alarm about the disk comes at once, too.
                    store_at: at,
                    is_full: false,
                };
                *self.slot(worker, slot) = Some(tape);
            }
            Err(error) => {
                tracing::error!(%recording, error, "cannot record");
                self.shell.outbox.push(MediaEvent::RecordingGap { recording, error });
            }
        }
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

    /// Stores each file on its own schedule.
    fn store_due(&mut self, now: Mono) {
        for tape in self.running.iter_mut().flatten().flatten() {
            if tape.store_at <= now && tape.disk.may_write(now) {
                let stored = tape.file.store();
                tape.store_at = now + STORE_EVERY;
                note(tape, stored.err().as_ref(), now, &mut self.shell.outbox);
            }
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
            match tape.file.finish() {
                Ok((path, file)) => {
                    note(tape, None, now, &mut self.shell.outbox);
                    let recording = self.finishing.swap_remove(at).recording;
                    self.waiting = Some(Job { recording, path, file, disk: Disk::default() });
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
        match self.shell.jobs.try_send(job) {
            Ok(()) => true,
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                self.waiting = Some(job);
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
            if self.shell.jobs.send(job).is_err() {
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

/// Moves what the timeline has ready into the file's spool.
fn pump(tape: &mut Tape, outbox: &mut Outbox) {
    let recording = tape.recording;
    while let Some(frames) = tape.timeline.poll_output() {
        if let Err(error) = tape.file.write(frames) {
            // The spool takes everything; should hound refuse, it is told like a disk's error.
            if let Some(Notice::Gap { error }) =
                tape.disk.handle_failure(&error.to_string(), tape.store_at)
            {
                outbox.push(MediaEvent::RecordingGap { recording, error });
            }
        }
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
            let lost = tape.file.given_up();
            tracing::info!(%recording, lost_bytes = lost, "a recording is written again");
            outbox.push(MediaEvent::RecordingResumed { recording });
        }
        None => {}
    }
}
