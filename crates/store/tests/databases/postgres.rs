//! A PostgreSQL server that a test binary starts for itself.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running server with a database `postgres`.
pub(crate) struct Server {
    folder: PathBuf,
    /// Its standard input is what keeps the server running: when this process ends, however it
    /// ends, the server is stopped and its folder removed.
    _keeper: Child,
}

impl Server {
    /// `None`, visibly, where there is no PostgreSQL to start and nobody insists.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(
                std::env::var_os("CI").is_none(),
                "PostgreSQL is not installed: apt-get install postgresql"
            );
            // Past the harness, which keeps what a passing test prints to itself.
            let skipped = "SKIPPED: PostgreSQL is not installed, nothing is tested on it";
            let mut terminal = std::io::stderr().lock();
            writeln!(terminal, "{skipped}").expect("it is heard");
            return None;
        };
        Some(start(&programs))
    }

    /// What [`store::Store::open`] is given for one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.folder.display())
    }
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
        .expect("it starts");
    let mut folder = String::new();
    let stdout = keeper.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut folder).expect("it can be read");
    assert!(!folder.is_empty(), "PostgreSQL did not start; run its initdb by hand to see why");
    Server { folder: PathBuf::from(folder.trim()), _keeper: keeper }
}
