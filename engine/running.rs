//! Starting the engine's parts in order, and ending them in the reverse.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use access::{Lockout, LockoutConfig};
use anyhow::Context as _;
use callflow::{Callflow, KeptAgent, Recovery, Remembered};
use crossbeam_channel::Receiver;
use media::{MediaEvent, Prompts};
use model::{AgentStatus, FactBody, QueueId, Wall};
use net::media::MediaWorkers;
use net::resolver::Resolver;
use net::sip::{BanLimits, Listener, SipWorkers, Tls, TlsFiles};
use recording::Keyring;
use report::{CallRecord, CallRecords, Figures, Limits, OpenRecording};
use sip::ToBrain;
use store::{Journal, Notice, Purpose, RecentCall, Store, Writer, WriterLimits};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::archiver::Archiving;
use crate::assemble;
use crate::backend::{Backend, Damaged, Replays};
use crate::brain::{Brain, Handle, Inbox, Parts, Remains};
use crate::clock::Clock;
use crate::config::Config;
use crate::figures::{ArchiveCounts, Published};
use crate::health::Watch;
use crate::lookups::Lookups;
use crate::recordings::{self, Keeper};
use crate::reload::{Current, Known, Live, Reload};
use crate::scripts::{self, Library};

/// Messages that may wait for the brain, beside those of the workers.
const INBOX: usize = 65_536;
/// SIP messages that may wait for the brain.
const SIP_EVENTS: usize = 65_536;
/// Media events that may wait for the brain.
const MEDIA_EVENTS: usize = 65_536;
/// How long the store may take to write the last facts.
const LAST_FACTS: Duration = Duration::from_secs(10);

/// Which peers are served.
pub type Admit = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// A running engine.
pub struct Running {
    /// Where SIP is spoken: the address of the first listener.
    pub sip: SocketAddr,
    /// Where the web is.
    pub http: SocketAddr,
    /// Reads the configuration again.
    pub reload: Arc<Reload>,
    handle: Handle,
    brain: JoinHandle<Remains>,
    web: tokio::task::JoinHandle<()>,
    stop_web: oneshot::Sender<()>,
    watch: Arc<Watch>,
    store: Store,
    archiving: Option<Archiving>,
}

/// Opens the configured database.
///
/// # Errors
/// It cannot be opened, or another engine has it.
pub async fn open_store(config: &Config, purpose: Purpose) -> anyhow::Result<Store> {
    std::fs::create_dir_all(&config.site.data)
        .with_context(|| format!("the data folder {}", config.site.data.display()))?;
    let database = match config.site.database.as_str() {
        "sqlite" => config.site.data.join("hotline.db").display().to_string(),
        url => url.to_owned(),
    };
    Ok(Store::open(&database, config.site.id, purpose).await?)
}

/// The recordings' folder.
pub fn recordings_folder(config: &Config) -> PathBuf {
    config.site.data.join(&config.recordings.folder)
}

/// The scripts and prompts that a configuration names, read and checked.
///
/// # Errors
/// What is wrong with them.
pub fn library(config: &Config) -> anyhow::Result<Library> {
    let queues: Vec<QueueId> =
        config.queues.iter().map(|queue| queue.name.as_str().into()).collect();
    let prompts = assemble::queue_prompts(config);
    scripts::load(config.ivr.scripts.as_deref(), &queues, prompts.all())
}

/// What the last engine left, as the new one takes it over.
struct Left {
    recovery: Recovery,
    unsealed: Vec<OpenRecording>,
    records: CallRecords,
    /// Records of calls that had ended, as the end of the last engine leaves them.
    settled: Vec<CallRecord>,
}

async fn left_behind(store: &Store, clock: Clock, config: &Config) -> anyhow::Result<Left> {
    let facts = store.unsettled_facts().await?;
    let mut records = CallRecords::new(Limits::default());
    let recovered = records.recover(&facts);
    let registrations = store.registrations(clock.wall()).await?.into_iter();
    let registrations = registrations.map(|known| FactBody::Registered {
        aor: known.aor,
        contact: known.contact,
        path: known.path,
        flow: known.flow,
        sip_call_id: known.sip_call_id,
        cseq: known.cseq,
        expires: known.expires,
        answers_options: known.answers_options,
        instance: known.instance,
        reg_id: known.reg_id,
    });
    let agents = store.agent_statuses().await?.into_iter();
    let agents = agents.filter(|last| last.status != AgentStatus::SignedOut);
    let recovery = Recovery {
        calls: recovered.open,
        registrations: registrations.collect(),
        agents: agents.map(kept).collect(),
        standing: store.standing_facts().await?,
        recent: recent(store, clock.wall(), config.priority.priorities().remembers_ms()).await?,
    };
    Ok(Left { recovery, unsealed: recovered.unsealed, records, settled: recovered.records })
}

/// Who called a short while ago, as far as that matters.
async fn recent(store: &Store, now: Wall, within_ms: u64) -> anyhow::Result<Vec<Remembered>> {
    if within_ms == 0 {
        return Ok(Vec::new());
    }
    let since = Wall(now.0 - i64::try_from(within_ms)?.saturating_mul(1_000));
    let calls = store.recent_calls(since).await?.into_iter();
    let remembered = calls.map(|call| {
        let RecentCall { number, ended, agent } = call;
        Remembered { number, ended, agent }
    });
    Ok(remembered.collect())
}

fn kept(last: store::AgentLast) -> KeptAgent {
    let store::AgentLast { agent, status, state, call, changed: _, day } = last;
    KeptAgent { agent, status, state, call, day }
}

/// How the parts are, what is shown of them, the number up to which facts are committed, and what
/// was archived.
type Shared = (Arc<Watch>, Arc<Published>, Arc<AtomicU64>, Arc<ArchiveCounts>);

/// The live figures of all queues.
fn figures(config: &acd::Config) -> Figures {
    let queues: Vec<_> = config.queues.iter().map(|queue| queue.queue.clone()).collect();
    Figures::new(report::FiguresConfig::default(), queues)
}

/// Starts what commits facts, and puts the records away that the last start left open, so that
/// their facts are not read again at every start.
fn writer(
    (store, journal): (&Store, Journal),
    notify: impl FnMut(Notice) + Send + 'static,
    settled: Vec<CallRecord>,
) -> anyhow::Result<Writer> {
    let writer = Writer::start(store, Some(journal), WriterLimits::default(), notify)?;
    writer.append(Vec::new(), settled).map_err(|_| anyhow::anyhow!("no room"))?;
    Ok(writer)
}

/// Starts the thread that decides.
fn think(parts: Parts) -> std::io::Result<JoinHandle<Remains>> {
    let thread = std::thread::Builder::new().name("brain".to_owned());
    thread.spawn(move || Brain::new(parts).run())
}

impl Running {
    /// Starts everything; what it returns is open for calls.
    ///
    /// # Errors
    /// What cannot be started, and why.
    pub async fn start(config: &Config, store: Store, admit: Admit) -> anyhow::Result<Self> {
        let clock = Clock::start();
        config.cautions().iter().for_each(|caution| tracing::warn!("{caution}"));
        let (library, keys) = (library(config)?, recordings::keys(config)?);
        let accounts = store.accounts().await?;
        let journal = Journal::open(&config.site.data.join("journal"), &store).await?;
        let epoch = store.begin_epoch(clock.wall()).await?;
        let left = left_behind(&store, clock, config).await?;
        let mut machine = assemble::callflow(config, &accounts, &library, epoch, clock.started())?;
        let (session_queue, secret) = (machine.cti.session_queue, machine.secret);
        let (live, prompts) = (live(config, &machine)?, Arc::clone(&library.prompts));
        let (watch, published, committed, archived): Shared = Default::default();
        let (handle, inbox) = Handle::bounded(INBOX);
        let notify = notices(handle.clone(), Arc::clone(&committed), Arc::clone(&watch));
        let writer = writer((&store, journal), notify, left.settled)?;

        let tls = tls(config)?;
        let allowed = (&admit, &left.recovery);
        let (sip, sip_events) = signalling(config, clock, allowed, (&mut machine, tls.clone()))?;
        let sip_address = sip.local_addrs().first().copied().unwrap_or(config.sip.listen);
        let (trace, settling) = (sip.trace(), writer.settling());
        let (media, media_events) = media(config, (clock, prompts), &keys, &mut machine)?;

        let mut parts = Parts {
            figures: figures(&machine.acd),
            callflow: Callflow::new(machine)?,
            clock,
            sip_events,
            sip,
            media_events,
            media,
            inbox,
            writer,
            committed,
            records: left.records,
            archive: Arc::clone(&archived),
            published: Arc::clone(&published),
            watch: Arc::clone(&watch),
            lookups: lookups(&store, &handle, clock),
            resolver: resolver(config, handle.clone())?,
            media_address: config.advertised(),
        };
        parts.callflow.begin(env!("CARGO_PKG_VERSION"), &config.sha256(), left.recovery);
        let brain = think(parts)?;
        let keeper = Keeper::new(config, (&store, &settling), &handle, &keys);
        let (keeping, archiving) = keeper.keep(config, left.unsealed, (clock, epoch), archived)?;

        let known = (Known::new(config, accounts, library), (clock.started(), epoch));
        let reload = Reload::start((store.clone(), handle.clone()), (live, tls), known);
        let backend = Backend {
            store: store.clone(),
            settling,
            brain: handle.clone(),
            clock,
            replays: Replays::default(),
            reload: Arc::clone(&reload),
            lockout: Mutex::new(Lockout::new(LockoutConfig::default())),
            sessions: Arc::default(),
            verifying: tokio::sync::Semaphore::new(crate::backend::VERIFYING_MAX),
            recordings: recordings_folder(config),
            damaged: Damaged::default(),
            keeping,
            keys,
            published,
            watch: Arc::clone(&watch),
            session_queue,
            next_session: AtomicU64::new(1),
            trace,
            tokens: call::Tokens::new(secret),
        };
        let ((http, web, stop_web), sip) = (serve_web(config, backend, admit).await?, sip_address);
        Ok(Self { sip, http, reload, handle, brain, web, stop_web, watch, store, archiving })
    }

    /// The way to the brain.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Ends all calls in order, writes what there is to write, and ends.
    ///
    /// # Errors
    /// Facts could not be written.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.watch.drain();
        self.reload.stop();
        if let Some(archiving) = self.archiving {
            tokio::task::spawn_blocking(|| archiving.stop()).await?;
        }
        self.handle.send_surely(Inbox::Stop);
        let brain = self.brain;
        let remains = tokio::task::spawn_blocking(move || brain.join())
            .await?
            .map_err(|_| anyhow::anyhow!("the brain panicked"))?;
        // The web goes last but for the store: desktops have seen the calls end.
        let _ = self.stop_web.send(());
        self.web.await?;
        let Remains { sip, media, writer } = remains;
        tokio::task::spawn_blocking(move || {
            sip.stop();
            media.stop();
        })
        .await?;
        let unwritten = writer.stop(LAST_FACTS).await;
        self.store.close().await;
        unwritten.map_err(|count| anyhow::anyhow!("{count} facts could not be written"))
    }
}

/// What others than the call flow go by.
fn live(config: &Config, machine: &callflow::Config) -> anyhow::Result<Arc<Live>> {
    Ok(Arc::new(Live::new(Current {
        acd: Arc::new(machine.acd.clone()),
        tiers: Arc::new(assemble::tiers(config)?),
        desktop: Arc::new(assemble::desktop(config)),
        config: Arc::new(config.clone()),
    })))
}

fn lookups(store: &Store, brain: &Handle, clock: Clock) -> Lookups {
    let runtime = tokio::runtime::Handle::current();
    Lookups { store: store.clone(), runtime, brain: brain.clone(), clock }
}

/// The DNS; an answer that finds no room in the brain's inbox is one that never came.
fn resolver(config: &Config, brain: Handle) -> anyhow::Result<Resolver> {
    let runtime = tokio::runtime::Handle::current();
    let tell = Arc::new(move |question, answer| {
        brain.send(Inbox::Resolved { question, answer });
    });
    let resolver = Resolver::start(&assemble::resolver(config), runtime, tell);
    resolver.context("the DNS cannot be asked")
}

/// Opens the web.
async fn serve_web(
    config: &Config,
    backend: Backend,
    allow: Admit,
) -> anyhow::Result<(SocketAddr, tokio::task::JoinHandle<()>, oneshot::Sender<()>)> {
    let wanted = config.http.listen;
    let listener = TcpListener::bind(wanted)
        .await
        .with_context(|| format!("the web cannot be served on {wanted}: choose another address"))?;
    let address = listener.local_addr()?;
    let (stop, stops) = oneshot::channel();
    let config = web::Config { allow, ..web::Config::default() };
    let web = tokio::spawn(web::serve(listener, Arc::new(backend), config, async move {
        // A dropped sender stops the web as well.
        let _ = stops.await;
    }));
    Ok((address, web, stop))
}

/// What the store's writer tells, passed on.
fn notices(
    handle: Handle,
    committed: Arc<AtomicU64>,
    watch: Arc<Watch>,
) -> impl FnMut(Notice) + Send + 'static {
    let raise = |detail: String| FactBody::AlarmRaised { alarm: "store".into(), detail };
    move |notice| {
        let message = match notice {
            Notice::Committed { up_to_seq } => {
                committed.store(up_to_seq, Ordering::Release);
                Inbox::Committed
            }
            Notice::StoreFailing { error } => {
                tracing::error!(%error, "the database does not take what is written");
                watch.set("store", Some(error.clone()));
                Inbox::Note { body: raise(error), kept: None }
            }
            Notice::StoreRecovered => {
                tracing::info!("the database works again");
                watch.set("store", None);
                Inbox::Note { body: FactBody::AlarmCleared { alarm: "store".into() }, kept: None }
            }
            Notice::Unwritable { what, error } => {
                tracing::error!(what, error, "one fact cannot be written");
                // Until the next start: somebody has to look at what was left out.
                let (alarm, detail) = ("left out".into(), format!("{what}: {error}"));
                Inbox::Note { body: FactBody::AlarmRaised { alarm, detail }, kept: None }
            }
        };
        // A brain whose inbox is full looks at the number in its next turn all the same.
        handle.send(message);
    }
}

/// Starts the SIP workers, whose addresses the machine is told.
fn signalling(
    config: &Config,
    clock: Clock,
    allowed: (&Admit, &Recovery),
    (machine, tls): (&mut callflow::Config, Option<Tls>),
) -> anyhow::Result<(SipWorkers, Receiver<ToBrain>)> {
    let (sender, events) = crossbeam_channel::bounded(SIP_EVENTS);
    let wanted = sip_config(config, clock, allowed, (machine, tls))?;
    let sip = SipWorkers::start(wanted, sender).context("SIP cannot be spoken")?;
    machine.listeners = assemble::listeners(config, sip.local_addrs());
    Ok((sip, events))
}

fn sip_config(
    config: &Config,
    clock: Clock,
    (admit, recovery): (&Admit, &Recovery),
    (machine, tls): (&callflow::Config, Option<Tls>),
) -> anyhow::Result<net::sip::Config> {
    let trunks = machine.trunks.clone();
    let bans = BanLimits {
        after: config.sip.ban_after,
        ban_ms: config.sip.ban_ms,
        ..BanLimits::default()
    };
    let listeners = config.sip.listening().into_iter().map(|one| Listener {
        transport: one.transport,
        addr: one.address,
        advertise: one.advertise,
    });
    Ok(net::sip::Config {
        listeners: listeners.collect(),
        tls,
        ws_origins: config.sip.ws_origins.clone().into(),
        workers: u8::try_from(config.sip.workers)?,
        limits: net::sip::Limits {
            brain_wait_ms: config.sip.overload_after_ms,
            bans,
            ..net::sip::Limits::default()
        },
        admit: Arc::clone(admit),
        spare: Arc::new(move |source| trunks.by_source(source).is_some()),
        trusted: recovery.sources().collect(),
        started: clock.origin(),
        secret: crate::passwords::secret()?,
        trace: trace_config(config, clock),
    })
}

/// The certificates, where any are configured.
///
/// # Errors
/// They cannot be read, or do not fit together.
pub fn tls(config: &Config) -> anyhow::Result<Option<Tls>> {
    let Some(files) = &config.sip.tls else { return Ok(None) };
    let files = TlsFiles {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        client_ca: files.client_ca.clone(),
        server_ca: files.server_ca.clone(),
    };
    Ok(Some(Tls::load(files).context("[sip.tls] cannot be used")?))
}

fn trace_config(config: &Config, clock: Clock) -> net::sip::TraceConfig {
    let hep = config.sip.hep.as_ref().map(|hep| net::sip::HepConfig {
        collector: hep.collector,
        capture_id: hep.capture_id,
        auth_key: hep.auth_key.clone(),
    });
    let budget_bytes = config.sip.trace_mb << 20;
    net::sip::TraceConfig { budget_bytes, wall_at_zero: clock.started(), hep }
}

/// Starts the media workers, whose certificate the machine shows to browsers.
fn media(
    config: &Config,
    (clock, prompts): (Clock, Arc<Prompts>),
    keys: &Arc<Keyring>,
    machine: &mut callflow::Config,
) -> anyhow::Result<(MediaWorkers, Receiver<MediaEvent>)> {
    let (sender, events) = crossbeam_channel::bounded(MEDIA_EVENTS);
    let media = MediaWorkers::start(media_config(config, clock, keys), prompts, sender)
        .context("the media workers cannot be started")?;
    machine.browsers = media.fingerprint();
    Ok((media, events))
}

fn media_config(config: &Config, clock: Clock, keys: &Arc<Keyring>) -> net::media::Config {
    let (first, last) = config.media_ports().unwrap_or((20_000, 29_999));
    let (ip, other_ip) = config.sip.media_addresses();
    net::media::Config {
        ip,
        other_ip,
        port_range: first..=last,
        workers: config.media.workers,
        tick_us: config.media.tick_us,
        silent_after_ms: config.media.silent_after_ms,
        browsers: config.media.browsers,
        recordings: net::recorder::Settings {
            dir: recordings_folder(config),
            keys: Arc::clone(keys),
            flush_ms: config.recordings.flush_ms,
            started: clock.started(),
        },
        origin: clock.origin(),
        ..net::media::Config::default()
    }
}
