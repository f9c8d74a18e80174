//! A database for each test: an SQLite file, or a database on a PostgreSQL server that this test
//! binary starts for itself.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions, Executor};
use store::{Purpose, Store};
use tempfile::TempDir;

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
        let mut connection = server.connect("postgres").await;
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

struct Server {
    folder: PathBuf,
    /// Its standard input is what keeps the server running: when this process ends, however it
    /// ends, the server is stopped and its folder removed.
    _keeper: Child,
}

impl Server {
    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.folder.display())
    }

    async fn connect(&self, database: &str) -> AnyConnection {
        sqlx::any::install_default_drivers();
        self.url(database).parse::<AnyConnectOptions>().unwrap().connect().await.unwrap()
    }
}

fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let Some(programs) = programs() else {
            assert!(
                std::env::var_os("CI").is_none(),
                "PostgreSQL is not installed: apt-get install postgresql"
            );
            // Past the harness, which keeps what a passing test prints to itself.
            let skipped = "SKIPPED: PostgreSQL is not installed, nothing is tested on it";
            let mut terminal = std::io::stderr().lock();
            writeln!(terminal, "{skipped}").unwrap();
            return None;
        };
        Some(start(&programs))
    });
    server.as_ref()
}

/// The newest installed server's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|programs| programs.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}

/// Makes a server in a folder of its own and waits until it answers. A server refuses to run as
/// root, so root runs it as `postgres`.
fn start(programs: &Path) -> Server {
    const SCRIPT: &str = r#"
        set -e
        trap '' INT
        folder=$(mktemp -d /tmp/hotline-postgres-XXXXXX)
        "$0/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >&2
        "$0/pg_ctl" -D "$folder/data" -l "$folder/log" -w start >&2 \
            -o "-k $folder -c listen_addresses= -c max_connections=300 -c fsync=off"
        echo "$folder"
        cat > /dev/null || true
        "$0/pg_ctl" -D "$folder/data" -m immediate stop >&2
        rm -rf "$folder"
    "#;
    let root = rustix::process::geteuid().is_root();
    let mut command = if root { Command::new("runuser") } else { Command::new("sh") };
    if root {
        command.args(["-u", "postgres", "--", "sh"]);
    }
    let mut keeper = command
        .args(["-c", SCRIPT])
        .arg(programs)
        .current_dir("/tmp")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut folder = String::new();
    BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut folder).unwrap();
    assert!(!folder.is_empty(), "PostgreSQL did not start; run its initdb by hand to see why");
    Server { folder: PathBuf::from(folder.trim()), _keeper: keeper }
}
