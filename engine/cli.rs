//! The command line.

use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use model::{QueueId, Role, Tier};
use store::{DigestAlgorithms, Purpose, Serves};

use crate::accounts::{self, NewAccount};
use crate::config::{self, Config};
use crate::running::{self, Running};
use crate::{demo, policies, recordings, stop};

/// A call-center telephony engine for an insurer's national number.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the engine.
    Serve(ConfigFile),
    /// Print the commented default configuration.
    Config,
    /// Check the configuration and the scripts, without starting anything.
    Check(ConfigFile),
    /// Run a complete hotline with sample data, for peers on this host alone.
    Demo(demo::Args),
    /// Customers and their policies.
    Policies {
        #[command(subcommand)]
        command: policies::Command,
        #[command(flatten)]
        database: Database,
    },
    /// Recordings and their seals.
    Recordings {
        #[command(subcommand)]
        command: recordings::Command,
        #[command(flatten)]
        database: Database,
    },
    /// Who may sign in, on the web and by phone.
    Accounts {
        #[command(subcommand)]
        command: AccountsCommand,
        #[command(flatten)]
        database: Database,
    },
    /// Run a stored day again, as it was and with another strategy, and say what changes.
    Replay {
        #[command(flatten)]
        args: crate::replay::Args,
        #[command(flatten)]
        database: Database,
    },
    /// Show a call's SIP messages as a ladder, as the running engine holds them.
    Trace(crate::trace::Args),
    /// Load a hotline, or any other SIP peer, with calls and measure it.
    Load(crate::load::Args),
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration file; `hotline config` prints one to begin with.
    #[arg(long, value_name = "FILE", default_value = "hotline.toml")]
    config: PathBuf,
}

/// Which database a tool works on.
#[derive(Debug, clap::Args)]
pub struct Database {
    /// The configuration file that names the database.
    #[arg(long, value_name = "FILE", conflicts_with = "data", global = true)]
    config: Option<PathBuf>,
    /// The folder of a demo's data, in place of a configuration file.
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
}

impl Database {
    fn config(&self) -> anyhow::Result<Config> {
        match (&self.config, &self.data) {
            (Some(file), _) => Ok(Config::load(file)?),
            (None, Some(data)) => {
                let mut config = Config::without_trunks();
                config.site.data.clone_from(data);
                Ok(config)
            }
            (None, None) => Ok(Config::load(Path::new("hotline.toml"))?),
        }
    }
}

#[derive(Debug, Subcommand)]
enum AccountsCommand {
    /// Add an account, or change the one of the same user. Reads the password from standard input.
    Set {
        /// The number or name to sign in with; an agent's phone registers by it.
        user: String,
        /// The name that people see.
        #[arg(long, default_value = "")]
        name: String,
        /// agent, supervisor, inspector or administrator.
        #[arg(long, value_parser = role)]
        role: Role,
        /// An agent's tier.
        #[arg(long)]
        tier: Option<u8>,
        /// The queues that an agent serves, separated by commas: a name, with a level of skill
        /// from 1 to 10 behind it (claims:7), and with a share of the agent's calls (claims:7:2).
        #[arg(long, value_delimiter = ',')]
        queues: Vec<String>,
        /// How the phone is challenged: sha256+md5, sha256 or md5.
        #[arg(long, default_value = "sha256+md5", value_parser = digest)]
        digest: DigestAlgorithms,
        /// Ready as soon as the phone registers.
        #[arg(long)]
        ready_when_registered: bool,
    },
    /// List all accounts.
    List,
    /// Remove an account.
    Remove {
        /// Whose.
        user: String,
    },
}

fn role(text: &str) -> Result<Role, String> {
    Role::from_name(text)
        .ok_or_else(|| "choose among agent, supervisor, inspector, administrator".to_owned())
}

fn digest(text: &str) -> Result<DigestAlgorithms, String> {
    DigestAlgorithms::from_name(text)
        .ok_or_else(|| "choose among sha256+md5, sha256, md5".to_owned())
}

/// The largest share of an agent's calls that a queue may have.
const SHARE_MAX: u32 = 1_000;

/// What is logged unless `RUST_LOG` says otherwise. A slow statement's text may be a thousand
/// question marks long, and it is not the statement that is slow then but the disk.
const FILTER: &str = "info,sqlx=warn,sqlx::query=error,symphonia=warn";

/// Runs the command that the process was started with.
///
/// # Errors
/// What went wrong, for people.
pub fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(FILTER));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match cli.command {
        Command::Load(args) => crate::load::run(&args),
        Command::Trace(args) => crate::trace::run(&args),
        command => in_runtime(command),
    }
}

fn in_runtime(command: Command) -> anyhow::Result<()> {
    net::scheduling::defer();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(command))
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(ConfigFile { config }) => serve(&Config::load(&config)?).await,
        Command::Config => say(config::DEFAULT.trim_end()),
        Command::Check(ConfigFile { config }) => {
            let read = Config::load(&config)?;
            let library = running::library(&read)?;
            running::tls(&read)?;
            recordings::keys(&read)?;
            let wall = model::Wall(0);
            crate::assemble::callflow(&read, &[], &library, 1, wall)?;
            for caution in read.cautions() {
                say(&format!("warning: {caution}"))?;
            }
            let (file, scripts) = (config.display(), library.scripts.len());
            say(&format!("{file}: in order, with {scripts} scripts"))
        }
        Command::Demo(args) => demo::run(args).await,
        Command::Policies { command, database } => {
            let store = running::open_store(&database.config()?, Purpose::Tool).await?;
            policies::run(&store, command).await
        }
        Command::Recordings { command, database } => {
            let config = database.config()?;
            let keys = recordings::keys(&config)?;
            let store = running::open_store(&config, Purpose::Tool).await?;
            let folder = running::recordings_folder(&config);
            recordings::run(&store, (&folder, &keys), command).await
        }
        Command::Replay { args, database } => {
            let config = database.config()?;
            let store = running::open_store(&config, Purpose::Tool).await?;
            crate::replay::run(&store, &config, &args).await
        }
        Command::Accounts { command, database } => {
            let config = database.config()?;
            let store = running::open_store(&config, Purpose::Tool).await?;
            manage_accounts(&store, &config, command).await
        }
        Command::Load(_) | Command::Trace(_) => Ok(()),
    }
}

async fn serve(config: &Config) -> anyhow::Result<()> {
    crate::files::allow(config.sip.calls_max);
    let store = running::open_store(config, Purpose::Engine).await?;
    let engine = Running::start(config, store, Arc::new(|_| true)).await?;
    say(&format!("ready     SIP on {}, web on http://{}/", engine.sip, engine.http))?;
    stop::reload_at_hangup(Arc::clone(&engine.reload))?;
    stop::wait().await?;
    engine.stop().await
}

/// A queue as the command line names it: `claims`, `claims:7` with a level of skill, or
/// `claims:7:2` with a share of the agent's calls, too.
fn serves(config: &Config, text: &str) -> anyhow::Result<Serves> {
    let is_queue = |name: &str| config.queues.iter().any(|known| known.name == name);
    let (name, numbers) = match text.split_once(':') {
        Some((name, numbers)) if !is_queue(text) => (name, Some(numbers)),
        Some(_) | None => (text, None),
    };
    anyhow::ensure!(is_queue(name), "there is no queue {name:?} in the configuration");
    let serves = Serves::from(QueueId::from(name));
    let Some(numbers) = numbers else { return Ok(serves) };
    let (level, share) = numbers.split_once(':').unwrap_or((numbers, "1"));
    let level = level.parse().ok().filter(|level| (1..=acd::MAX_LEVEL).contains(level));
    let share = share.parse().ok().filter(|share| (1..=SHARE_MAX).contains(share));
    let (Some(level), Some(share)) = (level, share) else {
        let most = acd::MAX_LEVEL;
        anyhow::bail!(
            "{text:?}: write {name}:LEVEL or {name}:LEVEL:SHARE, a level of 1 to {most} and a \
             share of 1 to {SHARE_MAX}"
        );
    };
    Ok(Serves { level, share, ..serves })
}

/// The same, as it is listed.
fn served(serves: &Serves) -> String {
    match serves {
        Serves { queue, level: 1, share: 1 } => queue.to_string(),
        Serves { queue, level, share: 1 } => format!("{queue}:{level}"),
        Serves { queue, level, share } => format!("{queue}:{level}:{share}"),
    }
}

async fn manage_accounts(
    store: &store::Store,
    config: &Config,
    command: AccountsCommand,
) -> anyhow::Result<()> {
    match command {
        AccountsCommand::Set { user, name, role, tier, queues, digest, ready_when_registered } => {
            let tiers = crate::assemble::tiers(config)?;
            let level = tier.map(|level| Tier { level });
            let user_id = model::UserId::from(user.as_str());
            access::Principal::new(user_id, role, level, &tiers)?;
            let queues = queues.iter().map(|text| serves(config, text));
            let queues = queues.collect::<anyhow::Result<Vec<_>>>()?;
            let mut password = String::new();
            std::io::stdin().lock().read_line(&mut password).context("no password was given")?;
            let password = password.trim_end_matches(['\r', '\n']);
            anyhow::ensure!(!password.is_empty(), "the password is empty; give it on one line");
            let name = if name.is_empty() { user.as_str() } else { name.as_str() };
            let new = NewAccount {
                user: &user,
                name,
                role,
                tier,
                queues: &queues,
                digest,
                ready_when_registered,
            };
            accounts::put(store, &config.sip.realm, &new, password).await?;
            say(&format!("{user} may sign in; a running engine sees it within seconds"))
        }
        AccountsCommand::List => {
            for account in store.accounts().await? {
                let tier = account.tier.map_or(String::new(), |tier| format!(" {}", tier.level));
                let queues: Vec<String> = account.queues.iter().map(served).collect();
                let role = account.role.as_str();
                say(&format!(
                    "{}\t{}\t{role}{tier}\t{}",
                    account.user,
                    account.name,
                    queues.join(",")
                ))?;
            }
            Ok(())
        }
        AccountsCommand::Remove { user } => {
            let was_there = store.remove_account(&user.as_str().into()).await?;
            anyhow::ensure!(was_there, "there is no account {user:?}");
            Ok(())
        }
    }
}

/// Prints a line for people and scripts. A reader that has gone away is no error.
pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        said => Ok(said?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_may_be_named_with_a_level_and_a_share() {
        let config = Config::without_trunks();
        let read = |text: &str| serves(&config, text).map(|serves| served(&serves));
        for text in ["claims", "claims:7", "claims:7:2"] {
            assert_eq!(read(text).unwrap(), text);
        }
        assert_eq!(read("claims:1:1").unwrap(), "claims");
        for (text, word) in [
            ("sales", "no queue \"sales\""),
            ("claims:0", "a level of 1 to 10"),
            ("claims:11", "a level of 1 to 10"),
            ("claims:x", "claims:LEVEL"),
            ("claims:7:0", "a share of 1 to 1000"),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(word), "{text}: {message}");
        }
    }
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
