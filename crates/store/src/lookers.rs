//! The connections of look-ups, which a call waits for.
//!
//! A pool asks a connection whether it lives each time that it comes back, which wakes two threads
//! more than the look-up itself. So look-ups have connections of their own, which are only put
//! aside; one whose query failed, or was given up, is closed instead.

use std::sync::{Mutex, PoisonError};

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::Result;
use crate::open::{ACQUIRE_TIMEOUT, Kind};

/// Connections that are not in use, and how many may be.
pub(crate) struct Lookers {
    kind: Kind,
    options: AnyConnectOptions,
    settings: &'static [&'static str],
    idle: Mutex<Vec<AnyConnection>>,
    room: Semaphore,
}

/// A connection that one look-up has for itself.
pub(crate) struct Looker<'a> {
    pub(crate) connection: AnyConnection,
    of: &'a Lookers,
    _room: SemaphorePermit<'a>,
}

impl Lookers {
    /// At most `most` at a time: who comes then waits.
    pub(crate) fn new(
        kind: Kind,
        options: AnyConnectOptions,
        settings: &'static [&'static str],
        most: u32,
    ) -> Self {
        let room = Semaphore::new(most as usize);
        Self { kind, options, settings, idle: Mutex::default(), room }
    }

    /// A connection, a new one if none is put aside.
    ///
    /// # Errors
    /// The database cannot be reached, or none is free within [`ACQUIRE_TIMEOUT`].
    pub(crate) async fn take(&self) -> Result<Looker<'_>> {
        tokio::time::timeout(ACQUIRE_TIMEOUT, self.ready())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
    }

    async fn ready(&self) -> Result<Looker<'_>> {
        // Whoever closes them has no look-ups any more.
        let room = self.room.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        while let Some(mut connection) = self.next_idle() {
            // A connection to a file does not die; a server may have ended one meanwhile.
            if self.kind == Kind::Sqlite || connection.ping().await.is_ok() {
                return Ok(Looker { connection, of: self, _room: room });
            }
        }
        let mut connection = self.options.connect().await?;
        for setting in self.settings {
            connection.execute(*setting).await?;
        }
        Ok(Looker { connection, of: self, _room: room })
    }

    /// Closes those that are put aside; nobody gets one any more.
    pub(crate) async fn close(&self) {
        self.room.close();
        while let Some(connection) = self.next_idle() {
            // It was asked nothing: what closing says is nobody's business.
            let _closed = connection.close().await;
        }
    }

    fn next_idle(&self) -> Option<AnyConnection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

impl Looker<'_> {
    /// All was answered: the next may have it.
    pub(crate) fn done(self) {
        if !self.of.room.is_closed() {
            self.of.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookers(folder: &tempfile::TempDir, most: u32) -> Lookers {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite:{}?mode=rwc", folder.path().join("l.db").display());
        Lookers::new(Kind::Sqlite, url.parse().unwrap(), &["PRAGMA query_only = ON"], most)
    }

    async fn ask(looker: &mut Looker<'_>, what: &'static str) -> bool {
        sqlx::query(what).execute(&mut looker.connection).await.is_ok()
    }

    #[tokio::test]
    async fn a_connection_is_put_aside_and_used_again_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let lookers = lookers(&folder, 2);
        let mut looker = lookers.take().await.unwrap();
        assert!(ask(&mut looker, "PRAGMA cache_size = 77").await);
        assert!(!ask(&mut looker, "CREATE TABLE t (a BIGINT)").await, "it only reads");
        looker.done();
        assert_eq!(lookers.idle.lock().unwrap().len(), 1);
        let again = lookers.take().await.unwrap();
        assert_eq!(lookers.idle.lock().unwrap().len(), 0, "the same one");
        // Given up: it is closed.
        drop(again);
        assert_eq!((lookers.idle.lock().unwrap().len(), lookers.room.available_permits()), (0, 2));
    }

    #[tokio::test]
    async fn no_more_than_allowed_look_at_a_time_and_none_once_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let lookers = lookers(&folder, 1);
        let first = lookers.take().await.unwrap();
        let mut second = std::pin::pin!(lookers.take());
        let waits = std::future::poll_fn(|context| {
            std::task::Poll::Ready(second.as_mut().poll(context).is_pending())
        });
        assert!(waits.await, "there is no room");
        first.done();
        second.await.unwrap().done();
        lookers.close().await;
        assert!(lookers.take().await.is_err());
        assert!(lookers.idle.lock().unwrap().is_empty());
    }
}
