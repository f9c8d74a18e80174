//! A database for each test: an SQLite file, or a database on a PostgreSQL server that this test
//! binary starts for itself.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions, Executor};
use store::{Purpose, Store};
use tempfile::TempDir;

use crate::postgres::Server;

/// A database of a test's own.
pub struct Database {
    /// What [`Store::open`] is given.
    pub url: String,
    /// The folder of an SQLite file; removed at the end.
    _folder: Option<TempDir>,
}

impl Database {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A path that a careless URL would break.
        let url = folder.path().join("hot line#1?.db").display().to_string();
        Self { url, _folder: Some(folder) }
    }

    /// `None`, visibly, where there is no PostgreSQL to start and nobody insists.
    pub async fn postgres() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = server()?;
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut connection = connect(server, "postgres").await;
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        Some(Self { url: server.url(&name), _folder: None })
    }

    pub fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    /// Opened as an engine of site 1 does.
    pub async fn open(&self) -> Store {
        Store::open(&self.url, 1, Purpose::Engine).await.unwrap()
    }

    /// Opened as a tool does.
    pub async fn open_tool(&self) -> Store {
        Store::open(&self.url, 1, Purpose::Tool).await.unwrap()
    }

    /// A connection past the store, to see and to disturb.
    pub async fn connect(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        let url = if self.is_postgres() {
            self.url.clone()
        } else {
            format!("sqlite:{}", self.url.replace('#', "%23").replace('?', "%3F"))
        };
        url.parse::<AnyConnectOptions>().unwrap().connect().await.unwrap()
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        let mut connection = self.connect().await;
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
    }
}

async fn connect(server: &Server, database: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    server.url(database).parse::<AnyConnectOptions>().unwrap().connect().await.unwrap()
}

fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(Server::start).as_ref()
}
