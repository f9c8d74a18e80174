//! One engine per database: two would both think that they are the site.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions};
use tokio::sync::Mutex;

use crate::error::{Error, Result};

/// The first key of the advisory lock on PostgreSQL: "HOTL". The second is the site.
const ADVISORY_KEY: i32 = 0x484f_544c;
/// How often a lock is asked for that another has.
const ATTEMPTS: usize = 30;
/// The pause after each time.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(100);

/// Held as long as it lives; the kernel or the server gives it back if the process dies.
#[derive(Debug)]
pub(crate) enum Lock {
    /// A tool works beside an engine and holds nothing.
    None,
    /// An exclusive lock on a file beside the SQLite file.
    File { _held: File },
    /// An advisory lock, held by a connection of its own.
    Advisory(Box<Advisory>),
}

#[derive(Debug)]
pub(crate) struct Advisory {
    database: String,
    site: u16,
    options: AnyConnectOptions,
    connection: Mutex<AnyConnection>,
}

impl Lock {
    /// Locks the SQLite database at `path`.
    pub(crate) fn file(path: &Path) -> Result<Self> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".lock");
        let beside = Path::new(&beside);
        let failed = |source| Error::File { path: beside.to_owned(), source };
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(beside)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).map_err(failed)?;
                file.rewind().map_err(failed)?;
                write!(file, "{}", std::process::id()).map_err(failed)?;
                Ok(Self::File { _held: file })
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The number is a courtesy: the message is as true without it.
                let known = file.read_to_string(&mut holder).is_ok();
                let known =
                    known && !holder.is_empty() && holder.bytes().all(|b| b.is_ascii_digit());
                Err(Error::LockedByAnother {
                    database: path.display().to_string(),
                    holder: if known { format!(" (process {holder})") } else { String::new() },
                })
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Locks `site` of the PostgreSQL database that `options` reach.
    pub(crate) async fn advisory(
        options: &AnyConnectOptions,
        database: &str,
        site: u16,
    ) -> Result<Self> {
        let mut connection = options.connect().await?;
        take(&mut connection, database, site).await?;
        Ok(Self::Advisory(Box::new(Advisory {
            database: database.to_owned(),
            site,
            options: options.clone(),
            connection: Mutex::new(connection),
        })))
    }

    /// Makes sure that the lock is still held: a server that restarted has forgotten it.
    pub(crate) async fn ensure(&self) -> Result<()> {
        let Self::Advisory(advisory) = self else { return Ok(()) };
        let mut connection = advisory.connection.lock().await;
        if sqlx::query("SELECT 1").execute(&mut *connection).await.is_ok() {
            return Ok(());
        }
        let mut fresh = advisory.options.connect().await?;
        take(&mut fresh, &advisory.database, advisory.site).await?;
        *connection = fresh;
        Ok(())
    }
}

/// The server notices a little later that an engine is gone which stopped or was killed.
async fn take(connection: &mut AnyConnection, database: &str, site: u16) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2)")
            .bind(ADVISORY_KEY)
            .bind(i32::from(site))
            .fetch_one(&mut *connection)
            .await?;
        if taken {
            return Ok(());
        }
        tokio::time::sleep(BETWEEN_ATTEMPTS).await;
    }
    Err(Error::LockedByAnother { database: database.to_owned(), holder: format!(" (site {site})") })
}
