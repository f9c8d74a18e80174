//! Opening a database: which one, by whom, with which schema.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection, Executor};

use crate::error::{Error, Result};
use crate::lock::Lock;
use crate::lookers::{Looker, Lookers};

/// The schema's history. Applied in one go by whoever opens the database first.
static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Connections that only read.
const READERS: u32 = 4;

/// How long a query waits for a connection.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file of our own.
    Sqlite,
    /// A server.
    Postgres,
}

/// Who opens the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// An engine: the only one on this file, or of this site on this server.
    Engine,
    /// A tool that may work beside an engine.
    Tool,
}

/// How safe a connection's commits are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Survives the death of the process.
    Process,
    /// Survives a power cut as well.
    PowerCut,
}

/// The database. Cheap to clone; all clones share its connections.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    kind: Kind,
    site: u16,
    purpose: Purpose,
    /// For messages: without a password.
    name: String,
    options: AnyConnectOptions,
    readers: AnyPool,
    lookers: Lookers,
    durable: AnyPool,
    lock: Lock,
    /// The write-ahead log beside an SQLite file.
    wal: Option<PathBuf>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({}, site {})", self.shared.name, self.shared.site)
    }
}

impl Store {
    /// Opens `database`, the path of an SQLite file (made if it is not there) or a URL that begins
    /// with `postgres://`, and brings its schema up to date. `site` stamps what is written.
    pub async fn open(database: &str, site: u16, purpose: Purpose) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let (kind, name, options) = locate(database)?;
        let lock = match (purpose, kind) {
            (Purpose::Tool, _) => Lock::None,
            (Purpose::Engine, Kind::Sqlite) => Lock::file(&sqlite_path(database))?,
            (Purpose::Engine, Kind::Postgres) => Lock::advisory(&options, &name, site)
                .await
                .map_err(|error| cannot_open(&name, error))?,
        };
        migrate(kind, &name, &options).await?;
        let readers = pool(kind, &options, READERS, reader_settings(kind)).await?;
        let writers = match kind {
            // More would only wait for each other.
            Kind::Sqlite => 1,
            Kind::Postgres => READERS,
        };
        let durable = pool(kind, &options, writers, settings(kind, Durability::PowerCut)).await?;
        let wal = match kind {
            Kind::Sqlite => {
                let mut wal = sqlite_path(database).into_os_string();
                wal.push("-wal");
                Some(PathBuf::from(wal))
            }
            Kind::Postgres => None,
        };
        let lookers = Lookers::new(kind, options.clone(), reader_settings(kind), READERS);
        let shared =
            Shared { kind, site, purpose, name, options, readers, lookers, durable, lock, wal };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Which database it is.
    pub fn kind(&self) -> Kind {
        self.shared.kind
    }

    /// Whose data is written.
    pub fn site(&self) -> u16 {
        self.shared.site
    }

    /// The file, or the server without its password: for messages.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(self.readers()).await?;
        Ok(())
    }

    /// Waits for running queries and closes every connection.
    pub async fn close(&self) {
        self.shared.lookers.close().await;
        self.shared.readers.close().await;
        self.shared.durable.close().await;
    }

    /// For queries that change nothing.
    pub(crate) fn readers(&self) -> &AnyPool {
        &self.shared.readers
    }

    /// For what a call waits for.
    pub(crate) async fn looker(&self) -> Result<Looker<'_>> {
        self.shared.lookers.take().await
    }

    /// For changes that survive a power cut.
    pub(crate) fn durable(&self) -> &AnyPool {
        &self.shared.durable
    }

    pub(crate) fn lock(&self) -> &Lock {
        &self.shared.lock
    }

    /// The write-ahead log of an SQLite database.
    pub(crate) fn wal(&self) -> Option<&Path> {
        self.shared.wal.as_deref()
    }

    /// A connection of its own, outside the pools.
    pub(crate) async fn connect(&self, durability: Durability) -> Result<AnyConnection> {
        let mut connection = self.shared.options.connect().await?;
        for setting in settings(self.kind(), durability) {
            connection.execute(*setting).await?;
        }
        Ok(connection)
    }

    /// Lets an engine beside us write, after a transaction of ours that took `held`. SQLite has one
    /// lock for all who write, and whoever waits for it looks only now and then; a call waits for
    /// its facts.
    pub(crate) async fn make_way(&self, held: Duration) {
        match (self.shared.purpose, self.kind()) {
            (Purpose::Tool, Kind::Sqlite) => tokio::time::sleep(held / 2).await,
            (Purpose::Tool, Kind::Postgres) | (Purpose::Engine, _) => {}
        }
    }

    /// How a transaction that writes begins: on SQLite it takes the write lock at once, because a
    /// transaction that only wants it later fails without waiting.
    pub(crate) fn begin(&self) -> &'static str {
        match self.kind() {
            Kind::Sqlite => "BEGIN IMMEDIATE",
            Kind::Postgres => "BEGIN",
        }
    }
}

fn sqlite_path(database: &str) -> PathBuf {
    let path = database.strip_prefix("sqlite:").unwrap_or(database);
    PathBuf::from(path.strip_prefix("//").unwrap_or(path))
}

fn locate(database: &str) -> Result<(Kind, String, AnyConnectOptions)> {
    if database.starts_with("postgres://") || database.starts_with("postgresql://") {
        let options: AnyConnectOptions = database.parse().map_err(|error: sqlx::Error| {
            // The URL may hold a password, so it is not repeated.
            Error::CannotOpen { database: "PostgreSQL".to_owned(), reason: error.to_string() }
        })?;
        let mut shown = options.database_url.clone();
        if shown.password().is_some() && shown.set_password(Some("***")).is_err() {
            return Err(Error::CannotOpen {
                database: "PostgreSQL".to_owned(),
                reason: "its URL has a password but no host".to_owned(),
            });
        }
        return Ok((Kind::Postgres, shown.to_string(), options));
    }
    let path = sqlite_path(database);
    let name = path.display().to_string();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if path.as_os_str().is_empty() || folder.is_some_and(|folder| !folder.is_dir()) {
        let reason = "its folder does not exist: make it first".to_owned();
        return Err(Error::CannotOpen { database: name, reason });
    }
    let options = sqlite_url(&path)
        .parse()
        .map_err(|error: sqlx::Error| cannot_open(&name, Error::Database(error)))?;
    Ok((Kind::Sqlite, name, options))
}

/// The URL of a file, with all that means something in a URL written as `%XX`.
fn sqlite_url(path: &Path) -> String {
    let mut url = String::from("sqlite:");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url.push_str("?mode=rwc");
    url
}

/// What every connection that writes is told first. How long it waits for another's lock is in
/// milliseconds; the writer of facts waits shorter, because it tells that it waits.
fn settings(kind: Kind, durability: Durability) -> &'static [&'static str] {
    match (kind, durability) {
        (Kind::Sqlite, Durability::Process) => &[
            "PRAGMA busy_timeout = 1000",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = NORMAL",
        ],
        (Kind::Sqlite, Durability::PowerCut) => &[
            "PRAGMA busy_timeout = 5000",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            // Nobody who signs in waits for the facts of others to move into the database.
            "PRAGMA wal_autocheckpoint = 0",
        ],
        (Kind::Postgres, Durability::Process) => &[
            "SET lock_timeout TO 1000",
            "SET synchronous_commit TO OFF",
            "SET client_min_messages TO WARNING",
        ],
        (Kind::Postgres, Durability::PowerCut) => &[
            "SET lock_timeout TO 5000",
            "SET synchronous_commit TO ON",
            "SET client_min_messages TO WARNING",
        ],
    }
}

fn reader_settings(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Sqlite => &["PRAGMA busy_timeout = 5000", "PRAGMA query_only = ON"],
        Kind::Postgres => &["SET default_transaction_read_only TO ON"],
    }
}

async fn pool(
    kind: Kind,
    options: &AnyConnectOptions,
    connections: u32,
    settings: &'static [&'static str],
) -> Result<AnyPool> {
    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A connection to a file does not die; asking it each time costs a look-up its time.
        .test_before_acquire(kind == Kind::Postgres)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                for setting in settings {
                    connection.execute(*setting).await?;
                }
                Ok(())
            })
        })
        .connect_with(options.clone())
        .await?;
    Ok(pool)
}

async fn migrate(kind: Kind, name: &str, options: &AnyConnectOptions) -> Result<()> {
    let failed = |error| cannot_open(name, Error::Database(error));
    let mut connection = options.connect().await.map_err(failed)?;
    for setting in settings(kind, Durability::PowerCut) {
        connection.execute(*setting).await.map_err(failed)?;
    }
    let migrated = MIGRATIONS.run(&mut connection).await;
    connection.close().await.map_err(failed)?;
    migrated.map_err(|error| match error {
        MigrateError::VersionMissing(version) => Error::Schema {
            database: name.to_owned(),
            reason: format!("it has migration {version}, which only a newer hotline knows"),
        },
        MigrateError::VersionMismatch(version) => Error::Schema {
            database: name.to_owned(),
            reason: format!("migration {version} is not the one that was applied"),
        },
        MigrateError::Execute(error) => failed(error),
        other => Error::Schema { database: name.to_owned(), reason: other.to_string() },
    })
}

fn cannot_open(name: &str, error: Error) -> Error {
    match error {
        Error::Database(error) => {
            let reason = match error.to_string() {
                text if text.contains("database is locked") => {
                    format!("{text}: another program has held it for seconds; end that program")
                }
                text if text.contains("file is not a database") => {
                    format!("{text}: name another file, or move this one away")
                }
                text => text,
            };
            Error::CannotOpen { database: name.to_owned(), reason }
        }
        other => other,
    }
}
