//! Taps: copies of packets on their way from a media worker to a recorder, in reused chunks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender};
use media::Codec;
use model::{CallId, Mono, RecordingId};
use recording::Side;

/// Chunks between the workers and one recorder: what may wait while a disk is slow.
const POOL_CHUNKS: usize = 384;
/// Empty chunks that keep their memory: 3 MB.
const WARM_CHUNKS: usize = 64;
/// Packets a chunk holds.
const CHUNK_TAPS: usize = 256;
/// Bytes of audio a chunk holds.
const CHUNK_BYTES: usize = CHUNK_TAPS * 160;

/// What is known of one tapped packet beside its audio.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    /// The worker's number of the recording.
    pub(crate) slot: u32,
    pub(crate) side: Side,
    /// Which of the side's voices.
    pub(crate) voice: u8,
    pub(crate) codec: Codec,
    pub(crate) arrived: Mono,
    pub(crate) ssrc: u32,
    pub(crate) timestamp: u32,
    pub(crate) sequence: u16,
    /// Bytes of audio: its samples, as G.711 has one byte a sample.
    pub(crate) bytes: u16,
}

/// Some taps of one worker, in the order of their arrival.
#[derive(Debug)]
pub(crate) struct Chunk {
    heads: Vec<Head>,
    audio: Vec<u8>,
}

impl Chunk {
    /// Whether a packet of that many bytes finds room.
    fn has_room(&self, bytes: usize) -> bool {
        self.heads.len() < CHUNK_TAPS && self.audio.len() + bytes <= CHUNK_BYTES
    }

    fn push(&mut self, head: Head, audio: &[u8]) {
        self.heads.push(head);
        self.audio.extend_from_slice(audio);
    }

    /// The taps with their audio.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Head, &[u8])> {
        let mut rest = self.audio.as_slice();
        self.heads.iter().map(move |head| {
            let (audio, after) = rest.split_at(usize::from(head.bytes).min(rest.len()));
            rest = after;
            (head, audio)
        })
    }
}

/// Empty chunks: a fixed number, of which only those in use and a few more have memory.
#[derive(Debug)]
pub(crate) struct Pool {
    empty: Mutex<Empty>,
}

#[derive(Debug)]
struct Empty {
    /// With memory: the one given back last is taken first.
    warm: Vec<Chunk>,
    /// How many more there are, without memory.
    cold: usize,
}

impl Pool {
    fn new() -> Self {
        Self { empty: Mutex::new(Empty { warm: Vec::new(), cold: POOL_CHUNKS }) }
    }

    fn empty(&self) -> MutexGuard<'_, Empty> {
        self.empty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Chunk> {
        let mut empty = self.empty();
        if let Some(chunk) = empty.warm.pop() {
            return Some(chunk);
        }
        empty.cold = empty.cold.checked_sub(1)?;
        drop(empty);
        Some(Chunk {
            heads: Vec::with_capacity(CHUNK_TAPS),
            audio: Vec::with_capacity(CHUNK_BYTES),
        })
    }

    /// Takes an emptied chunk back.
    pub(crate) fn give_back(&self, mut chunk: Chunk) {
        chunk.heads.clear();
        chunk.audio.clear();
        let mut empty = self.empty();
        if empty.warm.len() < WARM_CHUNKS {
            empty.warm.push(chunk);
        } else {
            empty.cold += 1;
        }
    }
}

/// A recording that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Begin {
    pub(crate) recording: RecordingId,
    pub(crate) call: CallId,
    /// The file, relative to the recordings' folder.
    pub(crate) path: String,
    /// The time of its first frame.
    pub(crate) at: Mono,
}

/// What a worker tells a recorder.
#[derive(Debug)]
pub(crate) enum ToRecorder {
    /// Packets.
    Taps { worker: u16, chunk: Chunk },
    /// A new recording; `slot` names it from now on.
    Start { worker: u16, slot: u32, begin: Begin },
    /// The recording of that slot is complete; the slot is free.
    Stop { worker: u16, slot: u32, at: Mono },
}

/// The way to a recorder.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) sender: Sender<ToRecorder>,
    pool: Arc<Pool>,
}

impl Link {
    /// A way with room for every chunk and for `control` starts and stops, and its other end.
    pub(crate) fn new(control: usize) -> (Self, Receiver<ToRecorder>) {
        let (sender, inbox) = crossbeam_channel::bounded(POOL_CHUNKS + control);
        (Self { sender, pool: Arc::new(Pool::new()) }, inbox)
    }

    /// Where emptied chunks go, without the way itself: the recorder ends when all ways are gone.
    pub(crate) fn empty(&self) -> Arc<Pool> {
        Arc::clone(&self.pool)
    }
}

/// One worker's end of the way to its recorder. Never blocks and, once warm, never allocates.
#[derive(Debug)]
pub(crate) struct Tapper {
    worker: u16,
    link: Link,
    chunk: Option<Chunk>,
}

impl Tapper {
    pub(crate) fn new(worker: u16, link: Link) -> Self {
        Self { worker, link, chunk: None }
    }

    /// Taps a packet. False if the recorder is so far behind that there is no room.
    pub(crate) fn push(&mut self, head: Head, audio: &[u8]) -> bool {
        if self.chunk.as_ref().is_some_and(|chunk| !chunk.has_room(audio.len())) {
            self.flush();
        }
        if self.chunk.is_none() {
            self.chunk = self.link.pool.take();
        }
        match self.chunk.as_mut() {
            Some(chunk) if chunk.has_room(audio.len()) => {
                chunk.push(head, audio);
                true
            }
            Some(_) | None => false,
        }
    }

    /// Sends the taps collected so far.
    pub(crate) fn flush(&mut self) {
        let Some(chunk) = self.chunk.take_if(|chunk| !chunk.heads.is_empty()) else { return };
        let worker = self.worker;
        if let Err(refused) = self.link.sender.try_send(ToRecorder::Taps { worker, chunk }) {
            // Cannot be for want of room, which there is for every chunk of the pool: the
            // recorder has ended.
            drop(refused);
        }
    }

    /// Begins a recording. False if there is no room for it.
    pub(crate) fn start(&mut self, slot: u32, begin: Begin) -> bool {
        let worker = self.worker;
        self.link.sender.try_send(ToRecorder::Start { worker, slot, begin }).is_ok()
    }

    /// Ends a recording, behind its taps. False if there is no room: to be tried again.
    pub(crate) fn stop(&mut self, slot: u32, at: Mono) -> bool {
        self.flush();
        let worker = self.worker;
        self.link.sender.try_send(ToRecorder::Stop { worker, slot, at }).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(sequence: u16, bytes: u16) -> Head {
        Head {
            slot: 0,
            side: Side::Caller,
            voice: 0,
            codec: Codec::Pcma,
            arrived: Mono(0),
            ssrc: 1,
            timestamp: 0,
            sequence,
            bytes,
        }
    }

    #[test]
    fn packets_of_any_size_come_out_as_they_went_in() {
        let (link, receiver) = Link::new(1);
        let mut tapper = Tapper::new(3, link);
        let sent: Vec<Vec<u8>> =
            (0..1_000_usize).map(|n| vec![n as u8; [160, 0, 240, 80, 1_480][n % 5]]).collect();
        for (n, audio) in sent.iter().enumerate() {
            assert!(tapper.push(head(n as u16, audio.len() as u16), audio));
        }
        tapper.flush();
        let mut came = Vec::new();
        while let Ok(ToRecorder::Taps { worker: 3, chunk }) = receiver.try_recv() {
            for (head, audio) in chunk.iter() {
                assert_eq!(usize::from(head.sequence), came.len());
                came.push(audio.to_vec());
            }
        }
        assert_eq!(came, sent);
    }

    #[test]
    fn a_recorder_that_stands_still_costs_taps_and_nothing_else() {
        let (link, receiver) = Link::new(1);
        let mut tapper = Tapper::new(0, link.clone());
        let mut taken = 0;
        while tapper.push(head(0, 160), &[0; 160]) {
            taken += 1;
        }
        assert_eq!(taken, POOL_CHUNKS * CHUNK_TAPS);
        // There is still room for a stop, and taps go on when a chunk comes back.
        assert!(tapper.stop(0, Mono(0)));
        if let Ok(ToRecorder::Taps { chunk, .. }) = receiver.try_recv() {
            link.empty().give_back(chunk);
        }
        assert!(tapper.push(head(0, 160), &[0; 160]));
    }

    #[test]
    fn few_chunks_are_used_when_few_are_needed() {
        let (link, receiver) = Link::new(1);
        let mut tapper = Tapper::new(0, link.clone());
        for _ in 0..1_000 {
            assert!(tapper.push(head(0, 160), &[0; 160]));
            tapper.flush();
            if let Ok(ToRecorder::Taps { chunk, .. }) = receiver.try_recv() {
                link.empty().give_back(chunk);
            }
        }
        assert_eq!(link.pool.empty().warm.len(), 1);
    }

    #[test]
    fn after_a_backlog_the_memory_is_given_up() {
        let (link, receiver) = Link::new(1);
        let mut tapper = Tapper::new(0, link.clone());
        while tapper.push(head(0, 160), &[0; 160]) {}
        while let Ok(ToRecorder::Taps { chunk, .. }) = receiver.try_recv() {
            link.empty().give_back(chunk);
        }
        let empty = link.pool.empty();
        assert_eq!((empty.warm.len(), empty.cold), (WARM_CHUNKS, POOL_CHUNKS - WARM_CHUNKS));
    }
}
