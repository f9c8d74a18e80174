//! A backend in memory, around the real `cti`.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use access::Principal;
use async_trait::async_trait;
use cti::{Audience, Cti, Event, Output, SessionId, Viewer};
use model::{AgentId, CallId, Fact, Mono, Permission, Pii, RecordingId, UserId, Wall};
use report::CallRecord;
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tokio::sync::mpsc;
use web::{
    Audio, Audit, Backend, BackendError, CallDetail, CallFilter, CallRecording, CallTrace,
    CommandRefused, CommandSink, ConnectError, Connection, DesktopConfig, Health, Named, Page,
    PageRequest, Peak, RecordingFilter, ReloadError, Reloaded, Replay, ReplayError, ReplayRequest,
    Session, SignInError, ToDesktop, WhyMoment, WhyOffer,
};

use crate::people;

/// The brain's side of the event streams.
pub(crate) struct Brain {
    cti: Cti,
    desktops: BTreeMap<SessionId, (UserId, mpsc::Sender<ToDesktop>)>,
    next: u64,
    /// Commands that were done, in order.
    pub(crate) done: Vec<(UserId, cti::Command)>,
    /// Whether commands stay unanswered.
    pub(crate) hold: bool,
    /// How many events a desktop's channel holds.
    pub(crate) capacity: usize,
    /// What a desktop that begins afresh is told.
    pub(crate) snapshot: Vec<Event>,
}

impl Brain {
    pub(crate) fn publish(&mut self, user: &str, event: Event) {
        self.cti.publish(Audience::User(user.into()), event, Wall(1_790_000_000_123_456));
        self.pump();
    }

    /// Drops all ways to desktops, as when the brain ends.
    pub(crate) fn let_all_go(&mut self) {
        self.desktops.clear();
    }

    fn pump(&mut self) {
        while let Some(output) = self.cti.poll_output() {
            match output {
                Output::Deliver { session, stamped } => {
                    self.send(session, ToDesktop::Event(stamped));
                }
                Output::SnapshotWanted { user, .. } => {
                    let events = self.snapshot.clone();
                    self.cti.handle_snapshot(&user, events, Wall(1_790_000_000_000_000));
                }
                Output::Perform { user, id, command, .. } => {
                    self.done.push((user.clone(), command));
                    if !self.hold {
                        self.cti.handle_done(&user, &id, Ok(()));
                    }
                }
                Output::Reply { session, id, result } => {
                    self.send(session, ToDesktop::Reply { id, result });
                }
                Output::Refused { .. } => {}
                Output::Close { session, reason } => {
                    self.send(session, ToDesktop::Close(reason));
                    self.desktops.remove(&session);
                }
            }
        }
    }

    fn send(&mut self, session: SessionId, told: ToDesktop) {
        let Some((_, sender)) = self.desktops.get(&session) else { return };
        if sender.try_send(told).is_err() {
            self.desktops.remove(&session);
            self.cti.disconnect(session, Mono(0));
        }
    }
}

/// What the tests look at and set.
pub(crate) struct Fake {
    brain: Arc<Mutex<Brain>>,
    audits: Mutex<Vec<Audit>>,
    sessions: Mutex<BTreeMap<String, Session>>,
    pub(crate) audit_fails: AtomicBool,
    pub(crate) store_fails: AtomicBool,
    pub(crate) draining: AtomicBool,
    pub(crate) replay: Mutex<Option<Replay>>,
    pub(crate) sign_ins: AtomicUsize,
    pub(crate) records: Vec<CallRecord>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) audio: Vec<u8>,
    pub(crate) audio_is_short: AtomicBool,
    /// So long a recording that no socket's buffer holds it.
    pub(crate) audio_is_endless: AtomicBool,
}

impl Fake {
    pub(crate) fn new() -> Arc<Self> {
        let brain = Brain {
            cti: Cti::new(cti::Config::default()).unwrap(),
            desktops: BTreeMap::new(),
            next: 1,
            done: Vec::new(),
            hold: false,
            capacity: 2_048,
            snapshot: Vec::new(),
        };
        Arc::new(Self {
            brain: Arc::new(Mutex::new(brain)),
            audits: Mutex::default(),
            sessions: Mutex::default(),
            audit_fails: AtomicBool::new(false),
            store_fails: AtomicBool::new(false),
            replay: Mutex::default(),
            draining: AtomicBool::new(false),
            sign_ins: AtomicUsize::new(0),
            records: people::records(),
            facts: people::facts(),
            audio: (0..10_000u32).map(|at| (at % 251) as u8).collect(),
            audio_is_short: AtomicBool::new(false),
            audio_is_endless: AtomicBool::new(false),
        })
    }

    pub(crate) fn brain(&self) -> MutexGuard<'_, Brain> {
        self.brain.lock().unwrap()
    }

    pub(crate) fn audits(&self) -> Vec<Audit> {
        self.audits.lock().unwrap().clone()
    }

    /// A token of `user`, without asking for a password.
    pub(crate) fn token(&self, user: &str) -> String {
        let principal = people::principal(user).unwrap();
        let mut sessions = self.sessions.lock().unwrap();
        let token = format!("token_{user}-{}", sessions.len());
        let session = Session {
            token: Pii::from(token.as_str()),
            principal: Arc::new(principal),
            name: "王芳".to_owned(),
        };
        sessions.insert(token.clone(), session);
        token
    }

    /// Gives the user of a token one more permission.
    pub(crate) fn grant(&self, token: &str, permission: Permission) {
        let mut sessions = self.sessions.lock().unwrap();
        let session = sessions.get_mut(token).unwrap();
        Arc::make_mut(&mut session.principal).permissions.insert(permission);
    }

    /// Makes a token void without telling any desktop, as when it expires.
    pub(crate) fn expire(&self, token: &str) {
        self.sessions.lock().unwrap().remove(token);
    }

    fn works(&self) -> Result<(), BackendError> {
        if self.store_fails.load(SeqCst) { Err(BackendError::Unavailable) } else { Ok(()) }
    }
}

struct Sink {
    brain: Arc<Mutex<Brain>>,
    session: SessionId,
}

impl CommandSink for Sink {
    fn send(&self, id: String, command: cti::Command) -> Result<(), CommandRefused> {
        let mut brain = self.brain.lock().unwrap();
        brain.cti.handle_command(self.session, id, command, Mono(0));
        brain.pump();
        Ok(())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let mut brain = self.brain.lock().unwrap();
        brain.cti.disconnect(self.session, Mono(0));
        brain.desktops.remove(&self.session);
    }
}

/// A reader without an end.
struct Endless;

impl AsyncRead for Endless {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        into.initialize_unfilled();
        into.set_filled(into.capacity());
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for Endless {
    fn start_seek(self: Pin<&mut Self>, _: std::io::SeekFrom) -> std::io::Result<()> {
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<u64>> {
        Poll::Ready(Ok(0))
    }
}

#[async_trait]
impl Backend for Fake {
    async fn sign_in(
        &self,
        user: &str,
        password: &Pii<String>,
        _: IpAddr,
    ) -> Result<Session, SignInError> {
        self.sign_ins.fetch_add(1, SeqCst);
        match user {
            "slow" => Err(SignInError::Slowed { retry_after_ms: 1_500 }),
            "locked" => Err(SignInError::Locked { retry_after_ms: 60_000 }),
            "down" => Err(SignInError::Unavailable),
            _ if password.reveal() != "demo" || people::principal(user).is_none() => {
                Err(SignInError::Wrong)
            }
            _ => {
                let token = self.token(user);
                Ok(self.sessions.lock().unwrap()[&token].clone())
            }
        }
    }

    async fn sign_out(&self, token: &Pii<String>) -> Result<(), BackendError> {
        let session = self.sessions.lock().unwrap().remove(token.reveal()).unwrap();
        let brain = self.brain();
        for (user, sender) in brain.desktops.values() {
            if *user == session.principal.user {
                sender.try_send(ToDesktop::SessionOver).unwrap();
            }
        }
        Ok(())
    }

    async fn authenticate(&self, token: &Pii<String>) -> Result<Option<Session>, BackendError> {
        Ok(self.sessions.lock().unwrap().get(token.reveal()).cloned())
    }

    async fn connect(
        &self,
        session: &Session,
        after: Option<u64>,
    ) -> Result<Connection, ConnectError> {
        let mut brain = self.brain();
        let id = SessionId(brain.next);
        brain.next += 1;
        let Principal { user, permissions, .. } = session.principal.as_ref().clone();
        let viewer = Viewer { user: user.clone(), permissions };
        let (sender, events) = mpsc::channel(brain.capacity);
        brain.desktops.insert(id, (user, sender));
        brain.cti.connect(id, viewer, after, Mono(0)).map_err(ConnectError::Refused)?;
        brain.pump();
        let commands = Box::new(Sink { brain: self.brain.clone(), session: id });
        Ok(Connection { events, commands })
    }

    async fn calls(
        &self,
        filter: &CallFilter,
        page: &PageRequest,
    ) -> Result<Page<CallRecord>, BackendError> {
        self.works()?;
        let from: usize = match &page.cursor {
            Some(cursor) => cursor.parse().map_err(|_| BackendError::BadCursor)?,
            None => 0,
        };
        let wanted = |record: &&CallRecord| {
            filter.agent.as_ref().is_none_or(|agent| record.agent.as_ref() == Some(agent))
                && filter.queue.as_ref().is_none_or(|queue| record.queue.as_ref() == Some(queue))
                && filter.outcome.is_none_or(|outcome| record.outcome == outcome)
                && filter.ani.as_ref().is_none_or(|ani| record.ani == *ani)
                && filter.from.is_none_or(|from| record.arrived >= from)
                && filter.until.is_none_or(|until| record.arrived < until)
        };
        let all: Vec<_> = self.records.iter().filter(wanted).cloned().collect();
        let items: Vec<_> = all.iter().skip(from).take(page.limit).cloned().collect();
        let next = from + items.len();
        Ok(Page { items, next: (next < all.len()).then(|| next.to_string()) })
    }

    async fn call(&self, call: CallId) -> Result<Option<CallDetail>, BackendError> {
        self.works()?;
        let record = self.records.iter().find(|record| record.call == call).cloned();
        Ok(record.map(|record| CallDetail { record, facts: self.facts.clone() }))
    }

    async fn trace(&self, call: CallId) -> Result<Option<CallTrace>, BackendError> {
        self.works()?;
        let is_known = self.records.iter().any(|record| record.call == call);
        Ok(is_known.then(people::trace))
    }

    async fn why(&self, call: CallId) -> Result<Option<Vec<WhyOffer>>, BackendError> {
        self.works()?;
        Ok((call == people::call(1)).then(people::why))
    }

    async fn why_agent(
        &self,
        call: CallId,
        agent: &AgentId,
    ) -> Result<Option<Vec<WhyMoment>>, BackendError> {
        self.works()?;
        Ok((call == people::call(1)).then(|| people::why_agent(agent)))
    }

    async fn recordings(
        &self,
        filter: &RecordingFilter,
        page: &PageRequest,
    ) -> Result<Page<CallRecording>, BackendError> {
        self.works()?;
        let of = |record: &CallRecord| {
            let call = record.call;
            let made = record.recordings.clone().into_iter();
            made.map(move |recording| CallRecording { call, recording })
        };
        let all = self.records.iter().flat_map(of);
        let all = all.filter(|made| filter.call.is_none_or(|call| call == made.call));
        let all = all.filter(|made| {
            let message = made.recording.message.as_ref();
            let of = |mailbox: &model::QueueId| {
                message.is_some_and(|message| message.mailbox == *mailbox)
            };
            let is_open = message.is_some_and(|message| message.done.is_none());
            filter.mailbox.as_ref().is_none_or(of) && (!filter.open || is_open)
        });
        Ok(Page { items: all.take(page.limit).collect(), next: None })
    }

    async fn recording(&self, id: RecordingId) -> Result<Option<CallRecording>, BackendError> {
        let (filter, all) =
            (RecordingFilter::default(), PageRequest { limit: usize::MAX, cursor: None });
        let all = self.recordings(&filter, &all).await?.items;
        Ok(all.into_iter().find(|made| made.recording.recording == id))
    }

    async fn open_audio(&self, id: RecordingId) -> Result<Option<Audio>, BackendError> {
        if id == people::LOST_RECORDING.parse().unwrap() {
            return Ok(None);
        }
        if self.audio_is_endless.load(SeqCst) {
            return Ok(Some(Audio { reader: Box::new(Endless), bytes: 1 << 40 }));
        }
        let mut content = self.audio.clone();
        let bytes = content.len() as u64;
        if self.audio_is_short.load(SeqCst) {
            content.truncate(5_000);
        }
        Ok(Some(Audio { reader: Box::new(Cursor::new(content)), bytes }))
    }

    async fn peaks(&self, id: RecordingId) -> Result<Option<Vec<Peak>>, BackendError> {
        let is_lost = id == people::LOST_RECORDING.parse().unwrap();
        let peak = |n: i8| Peak { caller: [-n, n], agent: [0, n] };
        Ok((!is_lost).then(|| (0..100).map(peak).collect()))
    }

    async fn audit(&self, entry: Audit) -> Result<(), BackendError> {
        if self.audit_fails.load(SeqCst) {
            return Err(BackendError::Unavailable);
        }
        self.audits.lock().unwrap().push(entry);
        Ok(())
    }

    async fn reload(&self, by: UserId) -> Result<Reloaded, ReloadError> {
        if self.store_fails.load(SeqCst) {
            let fault = "hotline.toml:7: queue.name: it is empty\n  remedy: name it".to_owned();
            return Err(ReloadError::Refused(fault));
        }
        let changed = vec!["queue claims".to_owned(), format!("account {by} (new)")];
        Ok(Reloaded { changed, restart: vec!["http.listen".to_owned()] })
    }

    async fn begin_replay(&self, request: ReplayRequest) -> Result<(), ReplayError> {
        if request.day != "2026-11-22" {
            return Err(ReplayError::Refused(format!("{:?} is no day", request.day)));
        }
        let mut replay = self.replay.lock().unwrap();
        if replay.as_ref().is_some_and(|replay| replay.came.is_none()) {
            return Err(ReplayError::Busy);
        }
        *replay = Some(Replay { request, came: None });
        Ok(())
    }

    fn replay(&self) -> Option<Replay> {
        self.replay.lock().unwrap().clone()
    }

    async fn health(&self) -> Health {
        let wrong = self.store_fails.load(SeqCst).then(|| "disk full".to_owned());
        let draining = self.draining.load(SeqCst);
        Health { draining, parts: vec![("store", wrong), ("sip", None)] }
    }

    async fn metrics(&self) -> String {
        "# TYPE hotline_calls gauge\nhotline_calls 3".to_owned()
    }

    fn desktop_config(&self) -> Arc<DesktopConfig> {
        let named = |code: &str, zh: &str, en: &str| Named {
            code: code.to_owned(),
            zh: zh.to_owned(),
            en: en.to_owned(),
        };
        Arc::new(DesktopConfig {
            numbers: vec!["95512".to_owned()],
            dispositions: vec![named("enquiry", "咨询", "Enquiry")],
            queues: vec![named("claims", "理赔", "Claims")],
            acw_ms: 10_000,
            ring_timeout_ms: 20_000,
            version: "0.1.0".to_owned(),
        })
    }
}
