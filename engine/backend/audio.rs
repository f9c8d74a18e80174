//! A recording read by threads that may wait for a disk, for those that may not; and what is said
//! when it turns out not to be what was recorded.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use model::{FactBody, RecordingId};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tokio::task::JoinHandle;

/// The most bytes read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Recordings of which it is remembered that they were told to be damaged; beyond that, one is told
/// again when it is played again.
const TOLD_MAX: usize = 1_024;

/// The damaged recordings that someone was told of since the engine began.
#[derive(Debug, Clone, Default)]
pub struct Damaged(Arc<Mutex<BTreeSet<RecordingId>>>);

impl Damaged {
    /// The alarm for a recording that is not what was recorded, the first time.
    fn see(&self, recording: RecordingId, audio: &net::recorder::Audio) -> Option<FactBody> {
        let faults = audio.faults();
        if faults.is_empty() {
            return None;
        }
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= TOLD_MAX {
            told.clear();
        }
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let detail = format!("{recording}: {}", faults.join(", "));
        told.insert(recording)
            .then(|| FactBody::AlarmRaised { alarm: "recording damaged".into(), detail })
    }
}

/// A recording that is listened to: what is wrong with it is told where it is come upon.
pub(super) struct Watched<T> {
    audio: net::recorder::Audio,
    recording: RecordingId,
    damaged: Damaged,
    tell: T,
}

impl<T: Fn(FactBody)> Watched<T> {
    /// Tells at once what is known when it is opened.
    pub(super) fn new(
        audio: net::recorder::Audio,
        recording: RecordingId,
        damaged: Damaged,
        tell: T,
    ) -> Self {
        let watched = Self { audio, recording, damaged, tell };
        watched.look();
        watched
    }

    fn look(&self) {
        if let Some(alarm) = self.damaged.see(self.recording, &self.audio) {
            (self.tell)(alarm);
        }
    }
}

impl<T: Fn(FactBody)> Read for Watched<T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.audio.read(into)?;
        self.look();
        Ok(count)
    }
}

impl<T> Seek for Watched<T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.audio.seek(to)
    }
}

/// A reader whose reads may wait and whose positioning does not.
pub(super) struct Offloaded<R> {
    state: State<R>,
    /// What was read and found no room, and how much of it is done.
    rest: (Vec<u8>, usize),
}

enum State<R> {
    Idle(Box<R>),
    Reading(JoinHandle<(Box<R>, io::Result<Vec<u8>>)>),
    /// A read did not come back.
    Gone,
}

impl<R> Offloaded<R> {
    /// Reads from `reader`.
    pub(super) fn new(reader: R) -> Self {
        Self { state: State::Idle(Box::new(reader)), rest: (Vec::new(), 0) }
    }

    /// Hands out what was read, as far as there is room.
    fn put(&mut self, into: &mut ReadBuf<'_>) {
        let (bytes, done) = &mut self.rest;
        let count = (bytes.len() - *done).min(into.remaining());
        into.put_slice(&bytes[*done..*done + count]);
        *done += count;
    }
}

impl<R: Read + Send + Unpin + 'static> AsyncRead for Offloaded<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.rest.1 < self.rest.0.len() {
            self.put(into);
            return Poll::Ready(Ok(()));
        }
        if let State::Idle(_) = &self.state
            && let State::Idle(mut reader) = std::mem::replace(&mut self.state, State::Gone)
        {
            let mut bytes = vec![0; into.remaining().min(CHUNK_BYTES)];
            self.state = State::Reading(tokio::task::spawn_blocking(move || {
                let read = reader.read(&mut bytes);
                (
                    reader,
                    read.map(|count| {
                        bytes.truncate(count);
                        bytes
                    }),
                )
            }));
        }
        let State::Reading(reading) = &mut self.state else {
            return Poll::Ready(Err(io::Error::other("an earlier read failed")));
        };
        let read = ready!(Pin::new(reading).poll(cx));
        self.state = State::Gone;
        let (reader, bytes) = read.map_err(io::Error::other)?;
        self.state = State::Idle(reader);
        self.rest = (bytes?, 0);
        self.put(into);
        Poll::Ready(Ok(()))
    }
}

impl<R: Seek + Unpin> AsyncSeek for Offloaded<R> {
    /// Refused while a read is under way.
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        let (bytes, done) = std::mem::take(&mut self.rest);
        let to = match to {
            SeekFrom::Current(by) => SeekFrom::Current(by - (bytes.len() - done) as i64),
            SeekFrom::Start(_) | SeekFrom::End(_) => to,
        };
        match &mut self.state {
            State::Idle(reader) => reader.seek(to).map(|_| ()),
            State::Reading(_) | State::Gone => Err(io::Error::other("it is being read")),
        }
    }

    fn poll_complete(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(match &mut self.state {
            State::Idle(reader) => reader.stream_position(),
            State::Reading(_) | State::Gone => Err(io::Error::other("it is being read")),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

    use super::*;

    #[tokio::test]
    async fn what_is_read_is_what_is_there_from_any_place() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
        let mut reader = Offloaded::new(Cursor::new(bytes.clone()));
        let mut read = Vec::new();
        reader.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, bytes);
        assert_eq!(reader.seek(SeekFrom::Start(150_000)).await.unwrap(), 150_000);
        let mut part = vec![0; 500];
        reader.read_exact(&mut part).await.unwrap();
        assert_eq!(part, bytes[150_000..150_500]);
        // Given up in the middle, and asked again with less room.
        let mut few = [0; 3];
        let wide = &mut [0; 1_000];
        let waits = futures_util::poll!(std::pin::pin!(reader.read(wide))).is_pending();
        reader.read_exact(&mut few).await.unwrap();
        let from = if waits { 150_500 } else { 151_500 };
        assert_eq!(few, bytes[from..from + 3]);
    }

    #[test]
    fn a_damaged_recording_is_told_once_and_with_the_second_where_it_is_come_upon() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        let recording = RecordingId(model::Id::new(1, 1, 1));
        let header = recording::Header {
            recording,
            call: model::CallId(model::Id::new(1, 1, 2)),
            wall: model::Wall(0),
            mono: model::Mono(0),
            key: None,
        };
        let mut bytes = Vec::new();
        let mut tape = recording::Tape::new(&header, None, &mut bytes);
        (0..8).for_each(|_| tape.sound(&[9; 8_000], &mut bytes).unwrap());
        tape.seal(&mut bytes).unwrap();
        bytes[192 + 4 * 16_188 + 300] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let (damaged, told) = (Damaged::default(), Mutex::new(Vec::new()));
        for _ in 0..2 {
            let (keys, any) = (recording::Keyring::default(), net::recorder::Expected::default());
            let audio = net::recorder::Audio::open(&path, &keys, &any).unwrap();
            let tell = |alarm| told.lock().unwrap().push(alarm);
            let mut watched = Watched::new(audio, recording, damaged.clone(), tell);
            io::copy(&mut watched.by_ref().take(44 + 32_000), &mut io::sink()).unwrap();
            assert!(told.lock().unwrap().len() <= 1, "nothing is known of it before");
            io::copy(&mut watched, &mut io::sink()).unwrap();
        }
        let detail = "r1-1-1: altered at second 2".to_owned();
        let alarm = FactBody::AlarmRaised { alarm: "recording damaged".into(), detail };
        assert_eq!(*told.lock().unwrap(), [alarm]);
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::InvalidData.into())
        }
    }

    #[tokio::test]
    async fn an_error_is_told_as_it_is() {
        let error = Offloaded::new(Broken).read(&mut [0; 9]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
