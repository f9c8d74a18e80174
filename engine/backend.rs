//! What stands behind the web: the store for what was, the brain for what is.

mod audio;
mod replays;
mod sessions;
mod traces;
mod why;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access::{Lockout, Verdict};
use async_trait::async_trait;
use cti::SessionId;
use model::{AgentId, CallId, FactBody, Pii, RecordingId, RefusalKind, UserId};
use net::recorder::Expected;
use store::{Settling, Store};
use tokio::sync::{mpsc, oneshot};
use web::{
    Audio, Audit, BackendError, CallDetail, CallFilter, CallRecording, CallTrace, CommandRefused,
    CommandSink, ConnectError, Connection, DesktopConfig, Health, Page, PageRequest, Peak,
    RecordingFilter, ReloadError, Reloaded, Replay, ReplayError, ReplayRequest, Session,
    SignInError, WhyMoment, WhyOffer,
};

pub use audio::Damaged;

use crate::brain::{Handle, Inbox};
use crate::clock::Clock;
use crate::figures::Published;
use crate::health::Watch;
use crate::passwords;
use crate::reload::Reload;
use crate::retention::Keeping;
pub use replays::Replays;
pub use sessions::Sessions;

/// Passwords that are verified at once.
pub const VERIFYING_MAX: usize = 2;
/// How long a reader waits for a database that is behind.
pub(crate) const CATCH_UP: Duration = Duration::from_secs(1);

/// Answers for the web.
pub struct Backend {
    /// The database.
    pub store: Store,
    /// Its way from the journal.
    pub settling: Settling,
    /// The way to the brain.
    pub brain: Handle,
    /// The clocks.
    pub clock: Clock,
    /// The replay that was begun last.
    pub replays: Replays,
    /// Has it read again.
    pub reload: Arc<Reload>,
    /// Wrong passwords by user and source.
    pub lockout: Mutex<Lockout>,
    /// Who is signed in.
    pub sessions: Arc<Sessions>,
    /// Lets few passwords be verified at once.
    pub verifying: tokio::sync::Semaphore,
    /// Where recordings are.
    pub recordings: PathBuf,
    /// Those of them that someone was told to be damaged.
    pub damaged: Damaged,
    /// Taken while one is put under hold.
    pub keeping: Keeping,
    /// What opens them.
    pub keys: Arc<recording::Keyring>,
    /// The live figures.
    pub published: Arc<Published>,
    /// How the parts are.
    pub watch: Arc<Watch>,
    /// Events that may wait for one desktop.
    pub session_queue: usize,
    /// The next desktop's number.
    pub next_session: AtomicU64,
    /// SIP messages of the last while.
    pub trace: net::sip::Trace,
    /// What our Call-IDs are made of.
    pub tokens: call::Tokens,
}

impl Backend {
    /// The store, with all that anyone was told to be kept; a little behind where it fails.
    async fn records(&self) -> &Store {
        self.settling.catch_up(CATCH_UP).await;
        &self.store
    }

    fn failed(error: impl std::fmt::Display) -> BackendError {
        tracing::error!(%error, "the store did not answer");
        BackendError::Internal(error.to_string())
    }

    /// Where a recording is and what it has to be; `None` if there is none.
    async fn recording_file(
        &self,
        id: RecordingId,
    ) -> Result<Option<(PathBuf, Expected)>, BackendError> {
        let Some(entry) = self.records().await.recording(id).await.map_err(Self::failed)? else {
            return Ok(None);
        };
        if !recording::is_safe(&entry.recording.path) {
            return Err(BackendError::Internal("the recording's path is not safe".to_owned()));
        }
        if entry.recording.doomed {
            return Ok(None);
        }
        let expected = Expected { recording: Some(id), seal: entry.recording.seal };
        Ok(Some((self.recordings.join(&entry.recording.path), expected)))
    }

    /// What reading a recording came to; `None` if its file is gone.
    fn found<T>(id: RecordingId, read: std::io::Result<T>) -> Result<Option<T>, BackendError> {
        match read {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                tracing::error!(recording = %id, %error, "a recording cannot be read");
                Err(BackendError::Internal(error.to_string()))
            }
        }
    }

    /// Keeps a fact and waits until it is kept.
    async fn keep(&self, body: FactBody) -> Result<(), BackendError> {
        let (kept, is_kept) = oneshot::channel();
        if !self.brain.send(Inbox::Note { body, kept: Some(kept) }) {
            return Err(BackendError::Unavailable);
        }
        is_kept.await.map_err(|_| BackendError::Unavailable)
    }

    /// Puts a recording under hold: what was told to be held is not deleted.
    async fn hold(
        &self,
        by: UserId,
        call: CallId,
        recording: RecordingId,
        why: String,
    ) -> Result<(), BackendError> {
        let _taken = self.keeping.lock().await;
        self.is_not_doomed(recording).await?;
        self.keep(FactBody::RecordingHeld { call, recording, by, why }).await?;
        // The engine of another site may have begun to delete it in the same moment.
        self.is_not_doomed(recording).await
    }

    /// Fails where nothing keeps a recording any more: it was there a moment ago, and who asks
    /// again is told that it is not.
    async fn is_not_doomed(&self, recording: RecordingId) -> Result<(), BackendError> {
        let found = self.records().await.recording(recording).await.map_err(Self::failed)?;
        match found.is_some_and(|found| !found.recording.doomed) {
            true => Ok(()),
            false => Err(BackendError::Unavailable),
        }
    }

    async fn refused(&self, user: Option<&str>, source: IpAddr, kind: RefusalKind) {
        let body = FactBody::Refused {
            user: user.map(UserId::from),
            source: source.to_string(),
            kind,
            what: "sign_in".to_owned(),
        };
        if self.keep(body).await.is_err() {
            tracing::warn!("a refused sign-in could not be put on record");
        }
    }

    /// Whether the password is right, with few at work on that at once: each costs a core for tens
    /// of milliseconds, which calls need more.
    ///
    /// # Errors
    /// The source was locked while this waited for its turn.
    async fn verify(
        &self,
        password: &Pii<String>,
        hashed: Option<String>,
        source: IpAddr,
    ) -> Result<bool, SignInError> {
        let permit = self.verifying.acquire().await;
        let _permit = permit.map_err(|_| SignInError::Unavailable)?;
        let locked_ms = self.lockout().source_locked_ms(source, self.clock.mono());
        if let Some(retry_after_ms) = locked_ms {
            return Err(SignInError::Locked { retry_after_ms });
        }
        let given = password.clone();
        let verify = move || passwords::verify(given.reveal(), hashed.as_deref());
        Ok(tokio::task::spawn_blocking(verify).await.unwrap_or(false))
    }

    /// A password was wrong. That it locks is put on record once: what comes while the lock lasts
    /// costs nothing. A name that nobody has may be a password in the wrong field: it is not kept.
    async fn failed_sign_in(&self, user: &str, is_known: bool, source: IpAddr) {
        let now = self.clock.mono();
        let verdict = {
            let mut lockout = self.lockout();
            lockout.handle_failed(source, now);
            lockout.handle_look(user, source, now)
        };
        let name = is_known.then_some(user);
        self.refused(name, source, RefusalKind::WrongPassword).await;
        if let Verdict::Locked { .. } = verdict {
            self.refused(name, source, RefusalKind::LockedOut).await;
        }
    }

    fn lockout(&self) -> std::sync::MutexGuard<'_, Lockout> {
        self.lockout.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl web::Backend for Backend {
    async fn sign_in(
        &self,
        user: &str,
        password: &Pii<String>,
        source: IpAddr,
    ) -> Result<Session, SignInError> {
        let verdict = self.lockout().handle_attempt(user, source, self.clock.mono());
        match verdict {
            Verdict::Check => {}
            Verdict::Wait { retry_after_ms } => return Err(SignInError::Slowed { retry_after_ms }),
            Verdict::Locked { retry_after_ms } => {
                return Err(SignInError::Locked { retry_after_ms });
            }
        }
        let account = self.store.account(&UserId::from(user)).await.map_err(|error| {
            tracing::error!(%error, "the store did not answer");
            SignInError::Unavailable
        })?;
        let account = account.filter(|account| account.enabled);
        let hashed = account.as_ref().map(|account| account.password_hash.clone());
        let right = self.verify(password, hashed, source).await?;
        let is_known = account.is_some();
        let Some(account) = account.filter(|_| right) else {
            self.failed_sign_in(user, is_known, source).await;
            return Err(SignInError::Wrong);
        };
        self.lockout().handle_succeeded(user);
        let tiers = self.reload.live.get().tiers;
        let session = self.sessions.open(&self.store, &tiers, account, self.clock.wall());
        let session = session.await.map_err(|error| {
            tracing::error!(%error, "the session could not be opened");
            SignInError::Unavailable
        })?;
        let user = session.principal.user.clone();
        let opened = FactBody::SessionOpened { user, source: source.to_string() };
        self.keep(opened).await.map_err(|_| SignInError::Unavailable)?;
        Ok(session)
    }

    async fn sign_out(&self, token: &Pii<String>) -> Result<(), BackendError> {
        let desktops = self.sessions.close(&self.store, token).await.map_err(Self::failed)?;
        for session in desktops {
            self.brain.send(Inbox::SessionOver { session });
        }
        Ok(())
    }

    async fn authenticate(&self, token: &Pii<String>) -> Result<Option<Session>, BackendError> {
        let now = self.clock.wall();
        let tiers = self.reload.live.get().tiers;
        self.sessions.find(&self.store, &tiers, token, now).await.map_err(Self::failed)
    }

    async fn connect(
        &self,
        session: &Session,
        after: Option<u64>,
    ) -> Result<Connection, ConnectError> {
        let id = SessionId(self.next_session.fetch_add(1, Ordering::Relaxed));
        let (sender, events) = mpsc::channel(self.session_queue);
        let (accepted, is_accepted) = oneshot::channel();
        let connect = Inbox::Connect {
            session: id,
            principal: Arc::clone(&session.principal),
            after,
            events: sender,
            accepted,
        };
        if !self.brain.send(connect) {
            return Err(ConnectError::Unavailable);
        }
        match is_accepted.await {
            Ok(Ok(())) => {}
            Ok(Err(refused)) => return Err(ConnectError::Refused(refused)),
            Err(_) => return Err(ConnectError::Unavailable),
        }
        self.sessions.add_desktop(&session.token, id);
        let way_back = WayBack {
            session: id,
            brain: self.brain.clone(),
            sessions: Arc::clone(&self.sessions),
            token: session.token.clone(),
        };
        Ok(Connection { events, commands: Box::new(way_back) })
    }

    async fn calls(
        &self,
        filter: &CallFilter,
        page: &PageRequest,
    ) -> Result<Page<report::CallRecord>, BackendError> {
        let filter = store::CallFilter {
            from: filter.from,
            to: filter.until,
            queue: filter.queue.clone(),
            agent: filter.agent.clone(),
            outcome: filter.outcome,
            ani: filter.ani.as_ref().map(|ani| ani.reveal().clone()),
            text: None,
            mailbox: None,
            open: false,
        };
        let found = self.records().await.calls(&filter, &asked(page)).await.map_err(page_error)?;
        Ok(Page { items: found.items, next: found.next })
    }

    async fn call(&self, call: CallId) -> Result<Option<CallDetail>, BackendError> {
        let found = self.records().await.call(call).await.map_err(Self::failed)?;
        Ok(found.and_then(|found| Some(CallDetail { record: found.record?, facts: found.facts })))
    }

    async fn trace(&self, call: CallId) -> Result<Option<CallTrace>, BackendError> {
        let found = self.records().await.call(call).await.map_err(Self::failed)?;
        let Some(found) = found else { return Ok(None) };
        let legs = traces::legs(&found.facts, &self.tokens);
        let ids: Vec<String> = legs.iter().map(|leg| leg.sip_call_id.clone()).collect();
        let trace = self.trace.clone();
        // It waits for the workers.
        let answer = tokio::task::spawn_blocking(move || {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            trace.find(&ids)
        });
        let answer = answer.await.map_err(|_| BackendError::Unavailable)?;
        traces::trace(&found.facts, legs, answer, self.clock.started()).map(Some)
    }

    async fn why(&self, call: CallId) -> Result<Option<Vec<WhyOffer>>, BackendError> {
        let found = self.records().await.call(call).await.map_err(Self::failed)?;
        Ok(found.map(|found| why::offers(&found.facts)))
    }

    async fn why_agent(
        &self,
        call: CallId,
        agent: &AgentId,
    ) -> Result<Option<Vec<WhyMoment>>, BackendError> {
        let store = self.records().await;
        let found = store.call(call).await.map_err(Self::failed)?;
        let Some(found) = found else { return Ok(None) };
        let now = (self.clock.wall(), self.clock.mono());
        let asked = why::moments(&found.facts, now);
        let read =
            |before| async move { store.agent_before(agent, before).await.map_err(Self::failed) };
        why::explain(&self.reload.live.get().acd, asked, agent, read).await.map(Some)
    }

    async fn recordings(
        &self,
        filter: &RecordingFilter,
        page: &PageRequest,
    ) -> Result<Page<CallRecording>, BackendError> {
        if let Some(call) = filter.call {
            let record = self.records().await.call_record(call).await.map_err(Self::failed)?;
            let items =
                record.into_iter().flat_map(|record| record.recordings).filter(|recording| {
                    let of_agent = filter.agent.as_ref().is_none_or(|one| *one == recording.agent);
                    let message = recording.message.as_ref();
                    let of_mailbox = filter.mailbox.as_ref().is_none_or(|mailbox| {
                        message.is_some_and(|message| message.mailbox == *mailbox)
                    });
                    let is_open = message.is_some_and(|message| message.done.is_none());
                    of_agent && of_mailbox && (is_open || !filter.open)
                });
            let items = items.map(|recording| CallRecording { call, recording }).collect();
            return Ok(Page { items, next: None });
        }
        let filter = store::CallFilter {
            from: filter.from,
            to: filter.until,
            agent: filter.agent.clone(),
            mailbox: filter.mailbox.clone(),
            open: filter.open,
            ..store::CallFilter::default()
        };
        let found =
            self.records().await.recordings(&filter, &asked(page)).await.map_err(page_error)?;
        let items = found.items.into_iter();
        let items = items
            .map(|entry| CallRecording { call: entry.call, recording: entry.recording })
            .collect();
        Ok(Page { items, next: found.next })
    }

    async fn recording(&self, id: RecordingId) -> Result<Option<CallRecording>, BackendError> {
        let found = self.records().await.recording(id).await.map_err(Self::failed)?;
        Ok(found.map(|entry| CallRecording { call: entry.call, recording: entry.recording }))
    }

    async fn open_audio(&self, id: RecordingId) -> Result<Option<Audio>, BackendError> {
        let Some((path, expected)) = self.recording_file(id).await? else { return Ok(None) };
        let keys = Arc::clone(&self.keys);
        let opening = tokio::task::spawn_blocking(move || {
            net::recorder::Audio::open(&path, &keys, &expected)
        });
        let opened = Self::found(id, opening.await.map_err(Self::failed)?)?;
        Ok(opened.map(|audio| {
            let (bytes, brain) = (audio.length(), self.brain.clone());
            let tell = move |body| brain.send_surely(Inbox::Note { body, kept: None });
            let watched = audio::Watched::new(audio, id, self.damaged.clone(), tell);
            Audio { reader: Box::new(audio::Offloaded::new(watched)), bytes }
        }))
    }

    async fn peaks(&self, id: RecordingId) -> Result<Option<Vec<Peak>>, BackendError> {
        let Some((path, expected)) = self.recording_file(id).await? else { return Ok(None) };
        let keys = Arc::clone(&self.keys);
        let reading =
            tokio::task::spawn_blocking(move || net::recorder::peaks(&path, &keys, &expected));
        let peaks = Self::found(id, reading.await.map_err(Self::failed)?)?.flatten();
        let peak = |bytes: &[i8; 4]| {
            let [caller_low, caller_high, agent_low, agent_high] = *bytes;
            Peak { caller: [caller_low, caller_high], agent: [agent_low, agent_high] }
        };
        Ok(peaks.map(|peaks| peaks.iter().map(peak).collect()))
    }

    async fn audit(&self, entry: Audit) -> Result<(), BackendError> {
        self.keep(match entry {
            Audit::Refused { user, source, permission, what } => FactBody::Refused {
                user: Some(user),
                source: source.to_string(),
                kind: RefusalKind::Forbidden,
                what: format!("{what}: {permission}"),
            },
            Audit::Unmasked { user, what } => FactBody::Unmasked { user, what },
            Audit::Played { user, call, recording } => FactBody::Played { user, recording, call },
            Audit::Held { user, call, recording, why } => {
                return self.hold(user, call, recording, why).await;
            }
            Audit::Released { user: by, call, recording } => {
                FactBody::RecordingReleased { call, recording, by }
            }
            Audit::MessageDone { user: by, call, recording } => {
                FactBody::MessageDone { call, recording, by }
            }
            Audit::Traced { user, call } => FactBody::Traced { user, call },
        })
        .await
    }

    async fn reload(&self, by: UserId) -> Result<Reloaded, ReloadError> {
        self.reload.reload(by).await
    }

    async fn begin_replay(&self, request: ReplayRequest) -> Result<(), ReplayError> {
        self.replays.begin(&self.store, self.reload.live.get(), request)
    }

    fn replay(&self) -> Option<Replay> {
        self.replays.last()
    }

    async fn health(&self) -> Health {
        self.watch.health()
    }

    async fn metrics(&self) -> String {
        self.published.text().to_string()
    }

    fn desktop_config(&self) -> Arc<DesktopConfig> {
        self.reload.live.get().desktop
    }
}

fn asked(page: &PageRequest) -> store::PageRequest {
    let limit = u32::try_from(page.limit).unwrap_or(u32::MAX);
    store::PageRequest { after: page.cursor.clone(), limit }
}

fn page_error(error: store::Error) -> BackendError {
    match error {
        store::Error::BadCursor(_) => BackendError::BadCursor,
        other => Backend::failed(other),
    }
}

/// One desktop's way to the brain.
struct WayBack {
    session: SessionId,
    brain: Handle,
    sessions: Arc<Sessions>,
    token: Pii<String>,
}

impl CommandSink for WayBack {
    fn send(&self, id: String, command: cti::Command) -> Result<(), CommandRefused> {
        let message = Inbox::Command { session: self.session, id, command };
        if self.brain.send(message) { Ok(()) } else { Err(CommandRefused::Busy) }
    }
}

impl Drop for WayBack {
    fn drop(&mut self) {
        self.sessions.remove_desktop(&self.token, self.session);
        self.brain.send_surely(Inbox::Disconnect { session: self.session });
    }
}
