//! What the engine does for recordings beside the calls, as long as it runs: those that a killed
//! engine left are made whole, files without a fact are named, what is old enough is archived, and
//! what is due is deleted.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use recording::Keyring;
use report::OpenRecording;
use store::{Settling, Store};

use super::{mended, warn_of_strays};
use crate::archiver::{Archiver, Archiving};
use crate::backend::CATCH_UP;
use crate::brain::{Handle, Inbox};
use crate::clock::Clock;
use crate::config::Config;
use crate::figures::ArchiveCounts;
use crate::retention::{self, Keeping, Sweeper};
use crate::running::recordings_folder;

/// What all of that needs.
pub struct Keeper {
    store: Store,
    settling: Settling,
    handle: Handle,
    keys: Arc<Keyring>,
    folder: PathBuf,
}

impl Keeper {
    /// As configured.
    pub fn new(
        config: &Config,
        (store, settling): (&Store, &Settling),
        handle: &Handle,
        keys: &Arc<Keyring>,
    ) -> Self {
        Self {
            store: store.clone(),
            settling: settling.clone(),
            handle: handle.clone(),
            keys: Arc::clone(keys),
            folder: recordings_folder(config),
        }
    }

    /// Starts all of it, for the engine of `epoch`: `unsealed` is what the one before left.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn keep(
        self,
        config: &Config,
        unsealed: Vec<OpenRecording>,
        (clock, epoch): (Clock, u32),
        counts: Arc<ArchiveCounts>,
    ) -> anyhow::Result<(Keeping, Option<Archiving>)> {
        self.look_for_strays(clock, epoch);
        self.repair(unsealed)?;
        let keeping = Keeping::default();
        let archiver = Archiver {
            store: self.store.clone(),
            settling: self.settling.clone(),
            brain: self.handle.clone(),
            folder: self.folder.clone(),
            after: Duration::from_secs(config.recordings.archive_after_days * 86_400),
            keys: Arc::clone(&self.keys),
            keeping: Arc::clone(&keeping),
            counts,
            runtime: tokio::runtime::Handle::current(),
        };
        let archiving = (!archiver.after.is_zero()).then(|| archiver.start(clock));
        let archiving = archiving.transpose().context("no thread for archiving")?;
        let sweeper = Sweeper {
            store: self.store,
            settling: self.settling,
            brain: self.handle,
            folder: self.folder,
            retention: retention::policy(config),
            keys: self.keys,
            keeping: Arc::clone(&keeping),
        };
        tokio::spawn(sweeper.run(clock, epoch));
        Ok((keeping, archiving))
    }

    /// Names recordings of which a power cut took the facts and left the files.
    fn look_for_strays(&self, clock: Clock, epoch: u32) {
        let (store, settling) = (self.store.clone(), self.settling.clone());
        let folder = self.folder.clone();
        tokio::spawn(async move {
            settling.catch_up(CATCH_UP).await;
            warn_of_strays(&store, &folder, clock.wall(), epoch).await;
        });
    }

    /// Makes recordings whole that a killed engine left, on a thread of its own.
    fn repair(&self, unsealed: Vec<OpenRecording>) -> anyhow::Result<()> {
        if unsealed.is_empty() {
            return Ok(());
        }
        let (folder, handle) = (self.folder.clone(), self.handle.clone());
        std::thread::Builder::new().name("repair".to_owned()).spawn(move || {
            for body in unsealed.into_iter().flat_map(|left| mended(&folder, left)) {
                handle.send_surely(Inbox::Note { body, kept: None });
            }
        })?;
        Ok(())
    }
}
