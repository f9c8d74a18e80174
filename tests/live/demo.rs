//! A `hotline demo` of a test's own.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

/// How long a debug build may take to make its sample data and start, on a busy machine.
const START: Duration = Duration::from_secs(120);
/// How long it may take to end its calls and stop.
const STOP: Duration = Duration::from_secs(30);

/// Where in its folder it says what went wrong.
const LOG: &str = "log";

/// A running demo. Killed when dropped; its data goes with it.
pub(crate) struct Demo {
    child: Child,
    /// Where it speaks SIP.
    pub(crate) sip: SocketAddr,
    /// Where its web is.
    pub(crate) http: SocketAddr,
    folder: TempDir,
}

impl Demo {
    /// Starts one on loopback, with ports that the system gives it and a few sample customers.
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0", &[])
    }

    /// Starts one on that SIP address, with further arguments.
    pub(crate) fn start_at(sip: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::start_in(folder, sip, arguments)
    }

    fn start_in(folder: TempDir, sip: &str, arguments: &[&str]) -> Self {
        let data = folder.path().join("data");
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotline"));
        command
            .args(["demo", "--sip", sip, "--http", "127.0.0.1:0", "--customers", "500", "--data"])
            .arg(data)
            .args(arguments);
        Self::launch(command, folder)
    }

    /// Starts `hotline serve` with that configuration, which is in `folder`.
    pub(crate) fn serve(folder: TempDir, config: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotline"));
        command.args(["serve", "--config"]).arg(config);
        Self::launch(command, folder)
    }

    fn launch(mut command: Command, folder: TempDir) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_of(&folder))
            .spawn()
            .expect("the engine starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let (sender, receiver) = mpsc::channel();
        // Reads to the end, so that the engine never waits for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|l| drop(sender.send(l))));
        let (mut sip, mut http) = (None, None);
        loop {
            let line = receiver.recv_timeout(START).unwrap_or_else(|why| {
                let log = std::fs::read_to_string(folder.path().join(LOG)).unwrap_or_default();
                panic!("the engine did not say that it is ready: {why}\n{log}")
            });
            if let Some((_, at)) = line.split_once("sip:95512@") {
                sip = at.split(' ').next().and_then(|address| address.parse().ok());
            }
            if let Some((_, at)) = line.split_once("http://") {
                http = at.trim_end_matches('/').parse().ok();
            }
            if let Some(ready) = line.strip_prefix("ready") {
                if let Some((_, at)) = ready.split_once("SIP on ") {
                    sip = at.split(',').next().and_then(|address| address.parse().ok());
                }
                break;
            }
        }
        let (sip, http) = (sip.expect("it told where"), http.expect("it told where"));
        Self { child, sip, http, folder }
    }

    /// The engine's process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Whether it runs.
    pub(crate) fn is_up(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// Kills it like a crash, and starts it anew on its data and the same SIP address.
    pub(crate) fn kill_and_restart(mut self) -> Self {
        let sip = self.sip.to_string();
        Self::start_in(self.kill(), &sip, &[])
    }

    /// Kills it like a crash, and serves anew with that configuration.
    pub(crate) fn kill_and_serve(mut self, config: &Path) -> Self {
        Self::serve(self.kill(), config)
    }

    /// Kills it like a crash; what is left is its folder.
    fn kill(&mut self) -> TempDir {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it is gone");
        std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"))
    }

    /// Tells it to end, as Ctrl-C does; whether it ended in order.
    pub(crate) fn stop(mut self) -> bool {
        let told = Command::new("kill").args(["-INT", &self.pid().to_string()]).status();
        assert!(told.expect("kill runs").success());
        let (sender, receiver) = mpsc::channel();
        let pid = self.pid();
        std::thread::spawn(move || {
            if receiver.recv_timeout(STOP).is_err() {
                // A test that hangs tells less than one that fails.
                drop(Command::new("kill").args(["-KILL", &pid.to_string()]).status());
            }
        });
        let ended = self.child.wait().expect("it ends");
        let _ = sender.send(());
        ended.success()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(30).collect();
            eprintln!("the engine's log, newest first:\n{}", tail.join("\n"));
        }
    }
}

/// The engine's log, kept over its restarts.
fn log_of(folder: &TempDir) -> File {
    let path = folder.path().join(LOG);
    File::options().create(true).append(true).open(path).expect("a log")
}

/// Runs one of the engine's other commands to its end.
pub(crate) fn hotline(arguments: &[&str], data: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotline"));
    command.args(arguments).stdin(Stdio::null());
    if let Some(data) = data {
        command.arg("--data").arg(data);
    }
    command.output().expect("it runs")
}

/// Runs one of the engine's other commands to its end, with this on its standard input.
pub(crate) fn hotline_reading(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotline"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it runs")
}

/// Asks again and again until there is an answer, for events that leave no other trace.
pub(crate) fn eventually<T>(what: &str, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = std::time::Instant::now() + within;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(std::time::Instant::now() < end, "not within {within:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}
