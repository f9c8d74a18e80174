//! The configuration and the accounts are read again while the engine runs.
//!
//! Whatever is wrong is found before anything changes; what differs is worked out here, away from
//! the call's path, and put into the call flow as one input. It is answered when the fact that says
//! who wanted it is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use access::Tiers;
use callflow::Reconfigured;
use model::{QueueId, UserId, Wall};
use net::sip::Tls;
use store::{Account, Store};
use tokio::sync::{Mutex, oneshot};
use tokio::task::AbortHandle;
use web::{DesktopConfig, ReloadError, Reloaded};

use crate::assemble;
use crate::brain::{Handle, Inbox};
use crate::config::Config;
use crate::scripts::{self, Library};

/// How often the table of accounts is looked at, which the command line changes.
const ACCOUNTS_EVERY: Duration = Duration::from_secs(5);
/// As many changes are named in the record of one; of more it is said how many.
const NAMED_MAX: usize = 100;

/// What others than the call flow go by, as it is now.
#[derive(Clone)]
pub struct Current {
    /// Who serves what, and who is asked when.
    pub acd: Arc<acd::Config>,
    /// What agents of each tier may do.
    pub tiers: Arc<Tiers>,
    /// What desktops are told of the configuration.
    pub desktop: Arc<DesktopConfig>,
    /// All of it.
    pub config: Arc<Config>,
}

/// The same, shared.
pub struct Live(RwLock<Current>);

impl Live {
    /// As it is at the start.
    pub fn new(current: Current) -> Self {
        Self(RwLock::new(current))
    }

    /// As it is now.
    pub fn get(&self) -> Current {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, current: Current) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = current;
    }
}

/// Reads everything again.
pub struct Reload {
    /// The accounts.
    pub store: Store,
    /// The way to the brain.
    pub brain: Handle,
    /// What others go by.
    pub live: Arc<Live>,
    /// The certificates.
    pub tls: Option<Tls>,
    /// The configuration of the start.
    pub first: Arc<Config>,
    /// The engine's start, and how many there were.
    pub started: (Wall, u32),
    /// What was read last. One at a time reads it again.
    pub known: Mutex<Known>,
    /// Who looks at the accounts.
    watching: OnceLock<AbortHandle>,
}

/// What was read last.
pub struct Known {
    /// The configuration, as far as it took effect.
    pub config: Arc<Config>,
    /// The accounts.
    pub accounts: Arc<Vec<Account>>,
    /// The scripts, and the prompts of the start.
    pub library: Arc<Library>,
}

impl Known {
    /// What was read at the start.
    pub fn new(config: &Config, accounts: Vec<Account>, library: Library) -> Self {
        let config = Arc::new(config.clone());
        Self { config, accounts: Arc::new(accounts), library: Arc::new(library) }
    }
}

/// All that was read, and how it differs.
struct Next {
    config: Config,
    library: Library,
    waits: Vec<String>,
    scripts: Vec<String>,
}

impl Reload {
    /// Begins to look at the accounts now and then.
    pub fn start(
        (store, brain): (Store, Handle),
        (live, tls): (Arc<Live>, Option<Tls>),
        (known, started): (Known, (Wall, u32)),
    ) -> Arc<Self> {
        let first = Arc::clone(&known.config);
        let (known, watching) = (Mutex::new(known), OnceLock::new());
        let reload = Arc::new(Self { store, brain, live, tls, first, started, known, watching });
        let watcher = tokio::spawn(Arc::clone(&reload).watch_accounts());
        let _ = reload.watching.set(watcher.abort_handle());
        reload
    }

    /// Looks at the accounts no more.
    pub fn stop(&self) {
        if let Some(watcher) = self.watching.get() {
            watcher.abort();
        }
    }

    /// Reads the file, the scripts and the accounts again.
    ///
    /// # Errors
    /// What is wrong, with place and remedy; nothing has changed.
    pub async fn reload(&self, by: UserId) -> Result<Reloaded, ReloadError> {
        let mut known = self.known.lock().await;
        let next = self.read(&known).await?;
        let accounts = self.accounts().await?;
        self.take_up(&mut known, next, accounts, by).await
    }

    /// Looks whether the accounts are others than they were.
    async fn look_at_accounts(&self) -> Result<Reloaded, ReloadError> {
        let mut known = self.known.lock().await;
        let accounts = self.accounts().await?;
        if accounts == *known.accounts {
            return Ok(Reloaded::default());
        }
        let library = Library {
            scripts: known.library.scripts.clone(),
            prompts: known.library.prompts.clone(),
        };
        let config = Config::clone(&known.config);
        let next = Next { config, library, waits: Vec::new(), scripts: Vec::new() };
        self.take_up(&mut known, next, accounts, UserId::from("accounts")).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, ReloadError> {
        let accounts = self.store.accounts().await;
        accounts.map_err(|error| ReloadError::Failed(format!("the accounts: {error}")))
    }

    /// Reads the file and the scripts.
    async fn read(&self, known: &Known) -> Result<Next, ReloadError> {
        let (first, config) = (Arc::clone(&self.first), Arc::clone(&known.config));
        let library = Arc::clone(&known.library);
        let reading = tokio::task::spawn_blocking(move || -> anyhow::Result<Next> {
            let (config, waits) = match &first.file {
                Some(file) => config.reload(&first, file)?,
                None => (Config::clone(&config), Vec::new()),
            };
            let queues: Vec<QueueId> =
                config.queues.iter().map(|queue| queue.name.as_str().into()).collect();
            let prompts = assemble::queue_prompts(&config);
            let folder = config.ivr.scripts.as_deref();
            let next = scripts::reload(folder, &queues, prompts.all(), &library.prompts)?;
            let names = changed_scripts(&next.scripts, &library.scripts);
            Ok(Next { config, library: next, waits, scripts: names })
        });
        match reading.await {
            Ok(Ok(next)) => Ok(next),
            Ok(Err(error)) => Err(ReloadError::Refused(format!("{error:#}"))),
            Err(error) => Err(ReloadError::Failed(error.to_string())),
        }
    }

    async fn take_up(
        &self,
        known: &mut Known,
        next: Next,
        accounts: Vec<Account>,
        by: UserId,
    ) -> Result<Reloaded, ReloadError> {
        let Next { config, library, waits, scripts } = next;
        let mut named = config.takes_effect(&known.config);
        named.extend(scripts);
        named.extend(crate::config::differing("account", &accounts, &known.accounts, |account| {
            account.user.to_string()
        }));
        let reloaded = Reloaded { changed: named, restart: waits };
        if reloaded.changed.is_empty() {
            return Ok(reloaded);
        }
        let (library, accounts) = (Arc::new(library), Arc::new(accounts));
        let config = Arc::new(config);
        let (ours, theirs, scripts) = (config.clone(), accounts.clone(), library.clone());
        let (before, (started, epoch)) = (self.live.get().acd, self.started);
        let what = in_short(&reloaded.changed);
        let working_out = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
            let machine = assemble::callflow(&ours, &theirs, &scripts, epoch, started)?;
            machine.acd.check()?;
            let changes = acd::Changes::between(&before, &machine.acd);
            let current = Current {
                acd: Arc::new(machine.acd.clone()),
                tiers: Arc::new(assemble::tiers(&ours)?),
                desktop: Arc::new(assemble::desktop(&ours)),
                config: ours,
            };
            let new = Reconfigured { by, what, changes, config: Box::new(machine) };
            Ok((new, current))
        });
        let worked_out = working_out.await.map_err(|e| ReloadError::Failed(e.to_string()))?;
        let (new, current) =
            worked_out.map_err(|error| ReloadError::Refused(format!("{error:#}")))?;
        let (kept, is_kept) = oneshot::channel();
        if !self.brain.send(Inbox::Configure { new: Box::new(new), kept }) {
            return Err(ReloadError::Failed("the engine is busy or stopping".to_owned()));
        }
        // The call flow goes by it from here on, whether or not it is known to be kept.
        self.live.set(current);
        *known = Known { config, accounts, library };
        is_kept.await.map_err(|_| ReloadError::Failed("the engine stops".to_owned()))?;
        Ok(reloaded)
    }

    /// Reads everything again, as somebody at the host wants, certificates included; the log says
    /// what came of it. A certificate that was renewed counts though the file may have faults.
    pub async fn reload_and_log(&self) {
        if let Some(tls) = self.tls.clone() {
            match tokio::task::spawn_blocking(move || tls.reload()).await {
                Ok(Ok(())) => tracing::info!("the certificates were read again"),
                Ok(Err(error)) => tracing::error!(%error, "the certificates stay as they were"),
                Err(error) => tracing::error!(%error, "the certificates were not read"),
            }
        }
        match self.reload(UserId::from("hangup")).await {
            Ok(reloaded) => log(&reloaded),
            Err(error) => tracing::error!("the configuration stays as it was: {error}"),
        }
    }

    /// Sees to it that accounts which the command line changes are seen.
    async fn watch_accounts(self: Arc<Self>) {
        let mut every = tokio::time::interval(ACCOUNTS_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut told = String::new();
        loop {
            every.tick().await;
            match self.look_at_accounts().await {
                Ok(reloaded) if reloaded.changed.is_empty() => told.clear(),
                Ok(reloaded) => log(&reloaded),
                Err(error) if error.to_string() == told => {}
                Err(error) => {
                    told = error.to_string();
                    tracing::error!("the accounts stay as they were: {error}");
                }
            }
        }
    }
}

fn log(reloaded: &Reloaded) {
    let Reloaded { changed, restart } = reloaded;
    match changed.is_empty() {
        true => tracing::info!("the configuration was read again; nothing takes effect now"),
        false => tracing::info!("the configuration has changed: {}", in_short(changed)),
    }
    if !restart.is_empty() {
        tracing::warn!("this needs a restart to take effect: {}", in_short(restart));
    }
}

fn in_short(named: &[String]) -> String {
    let more = named.len().saturating_sub(NAMED_MAX);
    let shown = named[..named.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// Scripts that are new, gone or otherwise.
fn changed_scripts(
    now: &BTreeMap<String, Arc<ivr::Script>>,
    before: &BTreeMap<String, Arc<ivr::Script>>,
) -> Vec<String> {
    let text = |all: &BTreeMap<String, Arc<ivr::Script>>| -> Vec<(String, String)> {
        all.iter().map(|(name, script)| (name.clone(), format!("{script:?}"))).collect()
    };
    crate::config::differing("script", &text(now), &text(before), |(name, _)| name.clone())
}
