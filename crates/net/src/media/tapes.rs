//! The recordings that one worker feeds.

use std::collections::HashMap;
use std::time::Duration;

use media::{Codec, MediaEvent, TapedVoices, g711};
use model::{LegId, Mono, RecordingId};
use recording::{MAX_VOICES, Side};
use rtp::Header;

use super::legs::Legs;
use super::outbox::Outbox;
use crate::recorder::{Begin, Head, Tapper};

/// Where a leg's voice goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taped {
    slot: u32,
    side: Side,
    /// Its number on that side.
    voice: u8,
}

/// The legs of one side, by their numbers.
type Voices = [Option<LegId>; MAX_VOICES];

/// One recording.
#[derive(Debug)]
struct Tape {
    recording: RecordingId,
    callers: Voices,
    agents: Voices,
    /// Whether packets of it are being dropped, which has been told.
    is_dropping: bool,
    /// Whether anyone speaks, where that is asked for.
    listening: Option<Listening>,
}

/// For how long nobody on a recording has said anything.
#[derive(Debug, Clone, Copy)]
struct Listening {
    /// After how much of it that is told.
    quiet: Duration,
    /// When somebody spoke last, or the recording began.
    heard: Mono,
}

/// The mean level of a packet from which it counts as speech: 1% of full scale, some 10 dB above a
/// quiet line and 15 dB below a soft voice.
const SPEECH: u32 = 328;

impl Listening {
    /// Hears a packet; true when it has been quiet for so long.
    fn is_quiet_now(&mut self, voice: &Voice<'_>, now: Mono) -> bool {
        if !is_quiet(voice) {
            self.heard = now;
        }
        self.heard + self.quiet <= now
    }
}

/// Whether nobody speaks in a packet, which is in its codec's law.
fn is_quiet(voice: &Voice<'_>) -> bool {
    let sample = |byte: &u8| u32::from(g711::decode_sample(voice.codec, *byte).unsigned_abs());
    let sum: u32 = voice.payload.iter().map(sample).sum();
    let count = u32::try_from(voice.payload.len()).unwrap_or(u32::MAX).max(1);
    sum / count < SPEECH
}

/// What a leg's packet brings to a recording.
pub(crate) struct Voice<'a> {
    pub(crate) codec: Codec,
    pub(crate) header: Header,
    pub(crate) payload: &'a [u8],
}

/// The recordings that one worker feeds.
#[derive(Debug)]
pub(crate) struct Tapes {
    tapper: Tapper,
    slots: Vec<Option<Tape>>,
    free: Vec<u32>,
    by_id: HashMap<RecordingId, u32>,
    /// Legs that are to be taped and are not open yet.
    awaited: Vec<(LegId, Taped)>,
    /// Ends that the recorder had no room for; their slots are not free yet.
    ending: Vec<(u32, Mono)>,
}

impl Tapes {
    pub(crate) fn new(tapper: Tapper) -> Self {
        let (slots, free, awaited, ending) = Default::default();
        Self { tapper, slots, free, by_id: HashMap::new(), awaited, ending }
    }

    /// Whether there is nothing to record and nothing to end.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty() && self.ending.is_empty()
    }

    /// Begins a recording of two legs, or of one alone. One that is running already goes on as it
    /// is.
    pub(crate) fn start(
        &mut self,
        begin: Begin,
        (caller, agent): (LegId, Option<LegId>),
        quiet_ms: Option<u64>,
        (legs, outbox): (&mut Legs, &mut Outbox),
    ) {
        let (recording, heard) = (begin.recording, begin.at);
        if self.by_id.contains_key(&recording) {
            return;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        if !self.tapper.start(slot, begin) {
            self.free.push(slot);
            let error = "the recorder has no room for another recording".to_owned();
            outbox.push(MediaEvent::RecordingLost { recording, error, is_left: false });
            return;
        }
        let none = [None; MAX_VOICES];
        let quiet = quiet_ms.map(Duration::from_millis);
        let listening = quiet.map(|quiet| Listening { quiet, heard });
        let (callers, agents) = (none, none);
        let tape = Tape { recording, callers, agents, is_dropping: false, listening };
        self.slots[slot as usize] = Some(tape);
        self.by_id.insert(recording, slot);
        let (customers, agents) = ([caller].into(), agent.into_iter().collect());
        self.set_voices(&TapedVoices { recording, customers, agents }, legs);
    }

    /// Makes a recording hold these voices, whoever it held before. False if it is not running,
    /// or has no room for all of them: those that are too many are left out.
    pub(crate) fn set_voices(&mut self, wanted: &TapedVoices, legs: &mut Legs) -> bool {
        let recording = wanted.recording;
        let Some(slot) = self.by_id.get(&recording).copied() else { return false };
        let Some(tape) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) else {
            return false;
        };
        let mut has_room = true;
        for (side, voices, wanted) in [
            (Side::Caller, &mut tape.callers, &wanted.customers),
            (Side::Agent, &mut tape.agents, &wanted.agents),
        ] {
            let places = (0_u8..).map(|voice| Taped { slot, side, voice });
            for (leg, taped) in voices.iter_mut().zip(places.clone()) {
                if let Some(leg) = leg.take_if(|leg| !wanted.contains(leg)) {
                    self.awaited.retain(|(_, awaited)| *awaited != taped);
                    release(leg, taped, legs);
                }
            }
            for id in wanted.iter().copied() {
                let place = voices
                    .iter()
                    .position(|voice| *voice == Some(id))
                    .or_else(|| voices.iter().position(Option::is_none));
                let Some((at, taped)) = place.and_then(|at| Some((at, places.clone().nth(at)?)))
                else {
                    tracing::error!(%recording, leg = %id, "too many voices to tape");
                    has_room = false;
                    continue;
                };
                voices[at] = Some(id);
                match legs.find_id(id) {
                    Some((_, leg)) => leg.tape = Some(taped),
                    None if self.awaited.contains(&(id, taped)) => {}
                    None => self.awaited.push((id, taped)),
                }
            }
        }
        has_room
    }

    /// A leg was opened: it is taped if it was to be.
    pub(crate) fn welcome(&mut self, id: LegId, legs: &mut Legs) {
        if self.awaited.is_empty() {
            return;
        }
        let Some((_, leg)) = legs.find_id(id) else { return };
        self.awaited.retain(|(awaited, taped)| {
            if *awaited == id {
                leg.tape = Some(*taped);
            }
            *awaited != id
        });
    }

    /// Ends a recording. False if there is none of that id.
    pub(crate) fn stop(&mut self, recording: RecordingId, at: Mono, legs: &mut Legs) -> bool {
        let Some(slot) = self.by_id.remove(&recording) else { return false };
        if let Some(tape) = self.slots[slot as usize].take() {
            for (side, voices) in [(Side::Caller, tape.callers), (Side::Agent, tape.agents)] {
                for (voice, leg) in (0_u8..).zip(voices) {
                    if let Some(leg) = leg {
                        release(leg, Taped { slot, side, voice }, legs);
                    }
                }
            }
            self.awaited.retain(|(_, taped)| taped.slot != slot);
        }
        if self.tapper.stop(slot, at) {
            self.free.push(slot);
        } else {
            self.ending.push((slot, at));
        }
        true
    }

    /// Ends all recordings.
    pub(crate) fn stop_all(&mut self, at: Mono, legs: &mut Legs) {
        let all: Vec<RecordingId> = self.by_id.keys().copied().collect();
        for recording in all {
            self.stop(recording, at, legs);
        }
    }

    /// Tapes a packet. False if there was no room: the recording has a gap there.
    pub(crate) fn tap(
        &mut self,
        Taped { slot, side, voice: number }: Taped,
        voice: &Voice<'_>,
        arrived: Mono,
        outbox: &mut Outbox,
    ) -> bool {
        let Some(tape) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) else {
            return true;
        };
        if tape.listening.as_mut().is_some_and(|one| one.is_quiet_now(voice, arrived)) {
            tape.listening = None;
            outbox.push(MediaEvent::RecordingQuiet { recording: tape.recording });
        }
        let head = Head {
            slot,
            side,
            voice: number,
            codec: voice.codec,
            arrived,
            ssrc: voice.header.ssrc,
            timestamp: voice.header.timestamp,
            sequence: voice.header.sequence,
            bytes: u16::try_from(voice.payload.len()).unwrap_or(u16::MAX),
        };
        let is_taped = self.tapper.push(head, voice.payload);
        if is_taped == tape.is_dropping {
            tape.is_dropping = !is_taped;
            let recording = tape.recording;
            outbox.push(if is_taped {
                MediaEvent::RecordingResumed { recording }
            } else {
                let error = "the recorder is behind: the disk is too slow".to_owned();
                MediaEvent::RecordingGap { recording, error }
            });
        }
        is_taped
    }

    /// Hands on what was collected, and the ends that found no room before.
    pub(crate) fn flush(&mut self) {
        self.tapper.flush();
        let Self { tapper, free, ending, .. } = self;
        ending.retain(|(slot, at)| {
            let has_ended = tapper.stop(*slot, *at);
            if has_ended {
                free.push(*slot);
            }
            !has_ended
        });
    }
}

/// The leg is not taped there any more; it may be taped elsewhere meanwhile.
fn release(leg: LegId, taped: Taped, legs: &mut Legs) {
    if let Some((_, leg)) = legs.find_id(leg) {
        leg.tape = leg.tape.filter(|now| *now != taped);
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::Receiver;
    use model::Id;

    use super::*;
    use crate::media::leg::Leg;
    use crate::recorder::{Link, ToRecorder};

    fn recording(counter: u32) -> RecordingId {
        RecordingId(Id::new(0, 0, counter))
    }

    fn leg(counter: u32) -> LegId {
        LegId(Id::new(0, 0, counter))
    }

    struct Stage {
        tapes: Tapes,
        legs: Legs,
        outbox: Outbox,
        events: Receiver<MediaEvent>,
        recorder: Receiver<ToRecorder>,
        link: Link,
    }

    /// A recorder that takes nothing by itself, with room for `control` starts and stops.
    fn stage(control: usize) -> Stage {
        let (sender, events) = crossbeam_channel::unbounded();
        let (link, recorder) = Link::new(control);
        let tapes = Tapes::new(Tapper::new(0, link.clone()));
        let (legs, outbox) = (Legs::default(), Outbox::new(sender));
        Stage { tapes, legs, outbox, events, recorder, link }
    }

    fn begin(counter: u32) -> Begin {
        Begin {
            recording: recording(counter),
            call: model::CallId(Id::new(0, 0, 1)),
            path: format!("{counter}.tape"),
            at: Mono(0),
        }
    }

    impl Stage {
        fn start(&mut self, counter: u32) {
            let Self { tapes, legs, outbox, .. } = self;
            tapes.start(begin(counter), (leg(1), Some(leg(2))), None, (legs, outbox));
        }

        /// A caller alone, of whose quiet for a second word is wanted.
        fn start_message(&mut self, counter: u32) {
            let Self { tapes, legs, outbox, .. } = self;
            tapes.start(begin(counter), (leg(1), None), Some(1_000), (legs, outbox));
        }

        fn say(&mut self, byte: u8, at_ms: u64) {
            let payload = &[byte; 160];
            let voice = Voice { codec: Codec::Pcma, header: Header::default(), payload };
            let taped = Taped { slot: 0, side: Side::Caller, voice: 0 };
            self.tapes.tap(taped, &voice, Mono::from_ms(at_ms), &mut self.outbox);
        }

        fn tap(&mut self) -> bool {
            let voice =
                Voice { codec: Codec::Pcma, header: Header::default(), payload: &[0xd5; 160] };
            let taped = Taped { slot: 0, side: Side::Caller, voice: 0 };
            self.tapes.tap(taped, &voice, Mono(0), &mut self.outbox)
        }

        fn told(&mut self) -> Vec<MediaEvent> {
            self.outbox.flush();
            self.events.try_iter().collect()
        }
    }

    #[test]
    fn a_speaker_who_falls_quiet_is_told_of_once_and_only_after_as_long_as_was_asked() {
        const SPEAKS: u8 = 0xa5;
        let quiet = g711::silence(Codec::Pcma);
        let mut stage = stage(4);
        stage.start_message(1);
        stage.say(quiet, 900);
        stage.say(SPEAKS, 950);
        stage.say(quiet, 1_940);
        assert_eq!(stage.told(), [], "it was not quiet for a whole second");
        stage.say(quiet, 1_960);
        stage.say(quiet, 5_000);
        assert_eq!(stage.told(), [MediaEvent::RecordingQuiet { recording: recording(1) }]);
    }

    #[test]
    fn quiet_is_quiet_in_every_codec() {
        let header = Header::default();
        for codec in Codec::ALL {
            let quiet = [g711::silence(codec); 160];
            assert!(is_quiet(&Voice { codec, header, payload: &quiet }), "{codec:?}");
            let spoken = [g711::encode_sample(codec, 3_000); 160];
            assert!(!is_quiet(&Voice { codec, header, payload: &spoken }), "{codec:?}");
        }
    }

    #[test]
    fn nobody_is_told_of_the_quiet_in_a_conversation() {
        let mut stage = stage(4);
        stage.start(1);
        stage.say(g711::silence(Codec::Pcma), 600_000);
        assert_eq!(stage.told(), []);
    }

    #[test]
    fn a_recorder_that_is_behind_is_told_once_and_so_is_its_return() {
        let mut stage = stage(1);
        stage.start(1);
        while stage.tap() {}
        for _ in 0..10 {
            assert!(!stage.tap());
        }
        let told = stage.told();
        assert!(
            matches!(&told[..], [MediaEvent::RecordingGap { recording: gap, .. }]
                if *gap == recording(1)),
            "{told:?}"
        );
        while let Ok(message) = stage.recorder.try_recv() {
            if let ToRecorder::Taps { chunk, .. } = message {
                stage.link.empty().give_back(chunk);
            }
        }
        assert!(stage.tap() && stage.tap());
        assert_eq!(stage.told(), [MediaEvent::RecordingResumed { recording: recording(1) }]);
    }

    #[test]
    fn a_recording_for_which_there_is_no_room_is_lost() {
        let mut stage = stage(0);
        while stage.recorder.len() < stage.recorder.capacity().unwrap_or(0) {
            stage.start(stage.recorder.len() as u32);
        }
        assert!(stage.told().is_empty());
        stage.start(1_000_000);
        assert!(matches!(&stage.told()[..], [MediaEvent::RecordingLost { is_left: false, .. }]));
    }

    #[test]
    fn voices_come_and_go_and_keep_their_numbers() {
        let mut stage = stage(1);
        stage.start(1);
        let open = |stage: &mut Stage, counter| {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let (call, out) = (model::CallId(Id::new(0, 0, 1)), rtp::OutStream::new(1, 1, 1));
            stage.legs.insert(Leg::new(call, leg(counter), socket.into(), None, out, Mono(0)));
            stage.tapes.welcome(leg(counter), &mut stage.legs);
        };
        let taped = |stage: &mut Stage, counter| {
            let taped = stage.legs.find_id(leg(counter)).and_then(|(_, leg)| leg.tape);
            taped.map(|taped| (taped.side, taped.voice))
        };
        let set = |stage: &mut Stage, agents: &[u32]| {
            let agents = agents.iter().copied().map(leg).collect();
            let customers = [leg(1)].into();
            let wanted = TapedVoices { recording: recording(1), customers, agents };
            stage.tapes.set_voices(&wanted, &mut stage.legs)
        };
        for counter in [1, 2, 3] {
            open(&mut stage, counter);
        }
        assert_eq!(taped(&mut stage, 1), Some((Side::Caller, 0)));
        assert_eq!(taped(&mut stage, 2), Some((Side::Agent, 0)));
        // A third and one that opens later.
        assert!(set(&mut stage, &[2, 3, 4]) && set(&mut stage, &[2, 3, 4]));
        assert_eq!(taped(&mut stage, 3), Some((Side::Agent, 1)));
        open(&mut stage, 4);
        assert_eq!(taped(&mut stage, 4), Some((Side::Agent, 2)));
        // The first leaves, its number is free, the others keep theirs.
        assert!(set(&mut stage, &[4, 3, 5]));
        open(&mut stage, 5);
        let numbers = [2, 3, 4, 5].map(|counter| taped(&mut stage, counter));
        let agent = |voice| Some((Side::Agent, voice));
        assert_eq!(numbers, [None, agent(1), agent(2), agent(0)]);
        // More than a side can have, and a recording that is not there.
        assert!(!set(&mut stage, &(10..30).collect::<Vec<u32>>()));
        assert!(stage.tapes.stop(recording(1), Mono(7), &mut stage.legs));
        assert_eq!(taped(&mut stage, 1), None);
        assert!(stage.tapes.awaited.is_empty());
        assert!(!set(&mut stage, &[2]));
    }

    #[test]
    fn an_end_that_finds_no_room_is_told_later_and_keeps_its_slot_till_then() {
        let mut stage = stage(1);
        stage.start(1);
        // Others have filled the recorder's queue.
        let stop = || ToRecorder::Stop { worker: 9, slot: 0, at: Mono(0) };
        while stage.link.sender.try_send(stop()).is_ok() {}
        assert!(stage.tapes.stop(recording(1), Mono(7), &mut stage.legs));
        assert!(!stage.tapes.is_empty() && stage.tapes.free.is_empty());
        while stage.recorder.try_recv().is_ok() {}
        stage.tapes.flush();
        assert!(stage.tapes.is_empty());
        assert_eq!(stage.tapes.free, [0]);
        let told = stage.recorder.try_recv();
        assert!(matches!(told, Ok(ToRecorder::Stop { worker: 0, slot: 0, at: Mono(7) })));
        // A new recording takes the slot, and the same recording is not begun twice.
        stage.start(2);
        stage.start(2);
        assert!(matches!(stage.recorder.try_recv(), Ok(ToRecorder::Start { slot: 0, .. })));
        assert!(stage.recorder.try_recv().is_err());
    }
}
