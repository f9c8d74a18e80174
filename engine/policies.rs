//! `hotline policies`: sample customers, and customers from a file.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use store::Store;
use store::policies::{ImportEvent, Loaded, Plan, ensure_generated, import};

use crate::cli::say;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make up realistic customers with motor policies. The same seed makes the same people.
    Generate {
        /// How many customers; half as many again policies.
        #[arg(long, default_value_t = 100_000)]
        count: u32,
        /// Which people.
        #[arg(long, default_value_t = 95_512)]
        seed: u64,
    },
    /// Import customers and policies from a CSV file; its columns are in docs/operations.md.
    Import {
        /// The file.
        file: PathBuf,
    },
}

/// Does it.
///
/// # Errors
/// The database or the file fails; bad rows are named and skipped instead.
pub async fn run(store: &Store, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Generate { count, seed } => generate(store, count, seed).await,
        Command::Import { file } => import_file(store, file).await,
    }
}

fn bar(length: u64, what: &'static str) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}")?;
    Ok(ProgressBar::new(length).with_style(style).with_message(what))
}

async fn generate(store: &Store, count: u32, seed: u64) -> anyhow::Result<()> {
    anyhow::ensure!(
        (1..=Plan::CUSTOMERS_LIMIT).contains(&count),
        "--count must be from 1 to {}",
        Plan::CUSTOMERS_LIMIT
    );
    let plan = Plan { customers: count, seed, today: jiff::Zoned::now().date() };
    let bar = bar(u64::from(count), "customers")?;
    let loaded =
        ensure_generated(store, plan, |progress| bar.set_position(progress.customers)).await?;
    bar.finish_and_clear();
    match loaded {
        Loaded::AlreadyThere => say("these customers are there already"),
        Loaded::Made { customers, policies } => {
            say(&format!("made {customers} customers with {policies} policies"))
        }
    }
}

async fn import_file(store: &Store, path: PathBuf) -> anyhow::Result<()> {
    let file = File::open(&path).with_context(|| path.display().to_string())?;
    let bar = bar(file.metadata()?.len(), "bytes")?;
    let summary = import(store, file, |event| match event {
        ImportEvent::Skipped(bad) => {
            bar.suspend(|| drop(say(&format!("{}: {bad}", path.display()))));
        }
        ImportEvent::Progress { lines: _, bytes } => bar.set_position(bytes),
    })
    .await?;
    bar.finish_and_clear();
    let (imported, skipped) = (summary.imported, summary.skipped);
    say(&format!("{} lines: {imported} imported, {skipped} skipped", summary.lines))
}
