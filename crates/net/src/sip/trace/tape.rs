//! A worker's tape: the last messages in a fixed number of segments, the oldest dropped first.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use model::{Mono, Transport};
use sip::{Flow, Message};

use super::{Direction, HepQueue, MALFORMED_CUT};

/// Bytes of one segment. The longest message fits four times.
const SEGMENT_BYTES: usize = 256 * 1024;
/// Messages of one segment. At their usual length the bytes are used up before.
const SEGMENT_ENTRIES: usize = 1_024;
/// The fewest segments of a tape: one is written, one is full.
const SEGMENTS_MIN: usize = 2;

/// Asks a worker for what its tape holds.
pub(crate) type Question = Sender<Answer>;

/// What a tape holds at one moment.
pub(crate) struct Answer {
    /// The oldest first.
    pub(super) segments: Vec<Arc<Segment>>,
    /// Everything since then is in them.
    pub(super) complete_since: Mono,
}

/// One message of a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) at: Mono,
    /// The hash of its Call-ID; not of malformed ones.
    pub(super) call: u64,
    pub(super) direction: Direction,
    pub(super) transport: Transport,
    pub(super) is_malformed: bool,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    start: u32,
    end: u32,
}

/// Some messages, one behind the other.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

impl Segment {
    fn new() -> Self {
        let (bytes, entries) =
            (Vec::with_capacity(SEGMENT_BYTES), Vec::with_capacity(SEGMENT_ENTRIES));
        Self { bytes, entries }
    }

    /// Memory of one.
    const fn cost() -> usize {
        SEGMENT_BYTES + SEGMENT_ENTRIES * size_of::<Entry>()
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn bytes(&self, entry: &Entry) -> &[u8] {
        let at = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
        self.bytes.get(at(entry.start)..at(entry.end)).unwrap_or_default()
    }

    fn has_room(&self, bytes: &[u8]) -> bool {
        self.bytes.len() + bytes.len() <= SEGMENT_BYTES && self.entries.len() < SEGMENT_ENTRIES
    }

    fn push(&mut self, entry: Entry, bytes: &[u8]) {
        let place = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let start = place(self.bytes.len());
        self.bytes.extend_from_slice(bytes);
        self.entries.push(Entry { start, end: place(self.bytes.len()), ..entry });
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }
}

/// What one worker writes its messages to.
pub(crate) struct Tape {
    /// None where nothing is traced.
    ring: Option<Ring>,
    hep: Option<HepQueue>,
}

struct Ring {
    /// Being written; nobody else ever holds it.
    open: Segment,
    /// The oldest first.
    full: VecDeque<Arc<Segment>>,
    segments_max: usize,
    /// The time of the last message that was dropped.
    dropped: Option<Mono>,
    questions: Receiver<Question>,
}

impl Tape {
    /// A tape of so many bytes, which answers these questions.
    pub(crate) fn new(
        budget_bytes: usize,
        questions: Option<Receiver<Question>>,
        hep: Option<HepQueue>,
    ) -> Self {
        let segments_max = (budget_bytes / Segment::cost()).max(SEGMENTS_MIN);
        let ring = questions.map(|questions| Ring {
            open: Segment::new(),
            full: VecDeque::with_capacity(segments_max),
            segments_max,
            dropped: None,
            questions,
        });
        Self { ring, hep }
    }

    /// Writes a message down. `now` is asked only where something is traced.
    pub(crate) fn message(
        &mut self,
        direction: Direction,
        flow: &Flow,
        message: &Message,
        now: impl FnOnce() -> Mono,
    ) {
        if self.ring.is_none() && self.hep.is_none() {
            return;
        }
        let (at, bytes) = (now(), message.as_bytes());
        if let Some(ring) = &mut self.ring {
            let entry = entry(at, direction, flow, sip::hash_of(message.call_id()));
            ring.push(entry, bytes);
        }
        if let Some(hep) = &self.hep {
            hep.send(at, direction, flow, bytes);
        }
    }

    /// Writes down the beginning of what is no message.
    pub(crate) fn malformed(&mut self, flow: &Flow, bytes: &[u8], now: Mono) {
        if let Some(ring) = &mut self.ring {
            let cut = bytes.get(..MALFORMED_CUT).unwrap_or(bytes);
            let entry = Entry { is_malformed: true, ..entry(now, Direction::In, flow, 0) };
            ring.push(entry, cut);
        }
    }

    /// Answers who has asked.
    pub(crate) fn answer(&mut self) {
        let Some(ring) = &mut self.ring else { return };
        while let Ok(question) = ring.questions.try_recv() {
            let open = Arc::new(ring.open.clone());
            let segments = ring.full.iter().cloned().chain([open]).collect();
            let complete_since = ring.dropped.unwrap_or_default();
            // Who asked may have lost patience.
            let _ = question.try_send(Answer { segments, complete_since });
        }
    }
}

impl Ring {
    fn push(&mut self, entry: Entry, bytes: &[u8]) {
        if !self.open.has_room(bytes) {
            let next = self.next_segment();
            let full = std::mem::replace(&mut self.open, next);
            self.full.push_back(Arc::new(full));
        }
        self.open.push(entry, bytes);
    }

    /// An empty segment: the oldest one's memory, unless somebody still searches it.
    fn next_segment(&mut self) -> Segment {
        // One more is open.
        if self.full.len() + 2 <= self.segments_max {
            return Segment::new();
        }
        let Some(oldest) = self.full.pop_front() else { return Segment::new() };
        self.dropped = oldest.entries.last().map(|entry| entry.at).or(self.dropped);
        match Arc::try_unwrap(oldest) {
            Ok(mut segment) => {
                segment.clear();
                segment
            }
            Err(_) => Segment::new(),
        }
    }
}

fn entry(at: Mono, direction: Direction, flow: &Flow, call: u64) -> Entry {
    let Flow { transport, local, remote, .. } = *flow;
    Entry { at, call, direction, transport, is_malformed: false, local, remote, start: 0, end: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow() -> Flow {
        let addr = "127.0.0.1:5060".parse().unwrap();
        Flow { transport: Transport::Udp, local: addr, remote: addr, connection: 0, listener: 0 }
    }

    fn tape(budget: usize) -> (Tape, Sender<Question>) {
        let (asks, questions) = crossbeam_channel::bounded(1);
        (Tape::new(budget, Some(questions), None), asks)
    }

    fn held(tape: &mut Tape, asks: &Sender<Question>) -> Answer {
        let (answer, answered) = crossbeam_channel::bounded(1);
        asks.send(answer).unwrap();
        tape.answer();
        answered.recv().unwrap()
    }

    fn times(answer: &Answer) -> Vec<u64> {
        answer.segments.iter().flat_map(|one| one.entries()).map(|entry| entry.at.0).collect()
    }

    #[test]
    fn the_oldest_goes_first_and_memory_stays_what_it_was() {
        let (mut tape, asks) = tape(3 * Segment::cost());
        let noise = [b'x'; MALFORMED_CUT];
        let total = 20 * SEGMENT_ENTRIES as u64;
        for at in 1..=total {
            tape.malformed(&flow(), &noise, Mono(at));
        }
        let answer = held(&mut tape, &asks);
        assert_eq!(answer.segments.len(), 3);
        let times = times(&answer);
        assert_eq!(times.last(), Some(&total));
        assert_eq!(times.first(), Some(&(answer.complete_since.0 + 1)), "what is told is so");
        assert!(times.windows(2).all(|pair| pair[0] + 1 == pair[1]));
        for segment in &answer.segments {
            assert!(segment.bytes.capacity() == SEGMENT_BYTES, "it never grew");
            assert!(segment.entries.capacity() == SEGMENT_ENTRIES, "it never grew");
        }
    }

    #[test]
    fn the_memory_of_the_oldest_is_used_again_unless_it_is_being_read() {
        let (mut tape, asks) = tape(0);
        let big = vec![b'x'; MALFORMED_CUT];
        let fill = |tape: &mut Tape, at: u64| {
            for _ in 0..SEGMENT_ENTRIES {
                tape.malformed(&flow(), &big, Mono(at));
            }
        };
        fill(&mut tape, 1);
        fill(&mut tape, 2);
        let place = |answer: &Answer| answer.segments[0].bytes.as_ptr();
        let (first, second) = (held(&mut tape, &asks), place(&held(&mut tape, &asks)));
        assert_eq!(place(&first), second, "nobody copies what is full");
        fill(&mut tape, 3);
        assert_eq!(times(&first)[0], 1, "who reads keeps what they read");
        let before = place(&held(&mut tape, &asks));
        drop(first);
        fill(&mut tape, 4);
        fill(&mut tape, 5);
        assert_eq!(place(&held(&mut tape, &asks)), before, "two segments take turns");
    }

    #[test]
    fn a_message_as_long_as_can_be_fits_and_noise_is_cut() {
        let (mut tape, asks) = tape(0);
        let head = "OPTIONS sip:h SIP/2.0\r\nCall-ID: a\r\n\r\n";
        let long = format!("{head}{}", "x".repeat(sip::MAX_MESSAGE_BYTES - head.len()));
        let message = Message::parse(long.as_bytes()).unwrap();
        for _ in 0..9 {
            tape.message(Direction::Out, &flow(), &message, || Mono(7));
        }
        tape.malformed(&flow(), &[b'y'; 1_000], Mono(8));
        let answer = held(&mut tape, &asks);
        let last = answer.segments.last().unwrap();
        let lengths: Vec<_> = last.entries().iter().map(|e| last.bytes(e).len()).collect();
        assert_eq!(lengths, [sip::MAX_MESSAGE_BYTES, MALFORMED_CUT]);
    }

    #[test]
    fn where_nothing_is_traced_not_even_the_clock_is_asked() {
        let mut tape = Tape::new(0, None, None);
        let message = Message::parse(b"OPTIONS sip:h SIP/2.0\r\nCall-ID: a\r\n\r\n").unwrap();
        tape.message(Direction::In, &flow(), &message, || panic!("the clock was asked"));
        tape.malformed(&flow(), b"x", Mono(1));
        tape.answer();
    }
}
