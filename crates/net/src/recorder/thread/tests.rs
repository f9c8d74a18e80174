//! A recorder that turns when it is told to.

use model::Id;

use super::super::tap::{Link, Tapper};
use super::*;

/// A recorder that turns when it is told to, and what it tells.
struct Stage {
    tapes: Tapes,
    tapper: Tapper,
    jobs: Receiver<ToSealer>,
    events: Receiver<MediaEvent>,
    flushes: Flushes,
    dir: tempfile::TempDir,
}

fn stage() -> Stage {
    let (link, inbox) = Link::new(4);
    let (sender, jobs) = crossbeam_channel::bounded(9);
    let (outbox, events) = crossbeam_channel::unbounded();
    let (flushes, dir) = (Flushes::default(), tempfile::tempdir().unwrap());
    let thread = RecorderThread {
        inbox,
        pool: link.empty(),
        jobs: sender,
        flushes: flushes.clone(),
        settings: Settings { dir: dir.path().to_owned(), ..Settings::default() },
        clock: Clock::new(std::time::Instant::now()),
        outbox: Outbox::new(outbox),
    };
    let (tapes, tapper) = (thread.start(), Tapper::new(0, link));
    Stage { tapes, tapper, jobs, events, flushes, dir }
}

const RECORDING: RecordingId = RecordingId(Id::new(1, 1, 1));

impl Stage {
    fn start(&mut self) {
        let call = model::CallId(Id::new(1, 1, 2));
        let path = "2025/a.tape".to_owned();
        assert!(self.tapper.start(0, Begin { recording: RECORDING, call, path, at: Mono(0) }));
    }

    /// The caller speaks from one packet of 20 ms to another.
    fn speak(&mut self, packets: std::ops::Range<u16>) {
        for sequence in packets {
            let head = super::super::tap::Head {
                slot: 0,
                side: recording::Side::Caller,
                voice: 0,
                codec: media::Codec::Pcma,
                arrived: Mono::from_ms(20 * u64::from(sequence)),
                ssrc: 1,
                timestamp: u32::from(sequence) * 160,
                sequence,
                bytes: 160,
            };
            assert!(self.tapper.push(head, &[0x2a; 160]));
        }
        self.tapper.flush();
    }

    fn told(&mut self) -> Vec<&'static str> {
        self.tapes.shell.outbox.flush();
        let named = |event| match event {
            MediaEvent::RecordingGap { .. } => "gap",
            MediaEvent::RecordingResumed { .. } => "resumed",
            other => panic!("{other:?}"),
        };
        self.events.try_iter().map(named).collect()
    }

    fn heard(&self) -> Vec<i16> {
        let path = self.dir.path().join("2025/a.tape");
        super::super::file::tests::played(&path, &recording::Keyring::default())
    }
}

#[test]
fn a_recorder_that_stood_still_for_seconds_loses_nothing_while_the_disk_works() {
    let mut stage = stage();
    stage.start();
    // All this came while one write did not return.
    stage.speak(0..500);
    assert!(stage.tapper.stop(0, Mono::from_ms(10_000)));
    stage.tapes.turn();
    assert_eq!(stage.told(), [""; 0]);
    assert!(matches!(stage.jobs.try_recv(), Ok(ToSealer::Finished(_))));
    let heard = stage.heard();
    assert_eq!(heard.len(), 2 * 80_000);
    let silent = heard.iter().step_by(2).filter(|sample| **sample == 0).count();
    assert!(silent <= 320, "{silent} frames are silent");
}

#[test]
fn what_a_failing_disk_has_no_room_for_is_a_gap_of_its_length() {
    let mut stage = stage();
    std::fs::write(stage.dir.path().join("2025"), b"no folder").unwrap();
    stage.start();
    stage.speak(0..500);
    stage.tapes.turn();
    assert_eq!(stage.told(), ["gap"]);
    std::fs::remove_file(stage.dir.path().join("2025")).unwrap();
    assert!(stage.tapper.stop(0, Mono::from_ms(10_000)));
    stage.tapes.turn();
    stage.tapes.finish_due(Mono(u64::MAX), true);
    assert_eq!(stage.told(), ["resumed"]);
    let heard = stage.heard();
    assert_eq!(heard.len(), 2 * 80_000);
    assert!(heard[..2 * 64_000].iter().all(|sample| *sample == 0));
    assert!(heard[2 * 72_000..2 * 79_000].iter().step_by(2).all(|sample| *sample != 0));
}

#[test]
fn a_flush_that_fails_is_a_gap_of_calls_that_go_on_until_all_is_flushed() {
    let mut stage = stage();
    stage.start();
    stage.speak(0..100);
    stage.tapes.turn();
    let flush = |stage: &mut Stage, is_good| {
        stage.flushes.begin();
        stage.flushes.end(is_good);
        stage.tapes.turn();
        stage.told()
    };
    assert_eq!(flush(&mut stage, false), ["gap"]);
    assert_eq!(flush(&mut stage, false), [""; 0], "it is told once");
    assert_eq!(flush(&mut stage, true), ["resumed"]);
    assert_eq!(flush(&mut stage, true), [""; 0]);
    let marks = stage.jobs.try_iter().filter(|job| matches!(job, ToSealer::Written)).count();
    assert!(marks >= 2, "what was written again is to be flushed");
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
        flushes: Flushes::default(),
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
