//! A real browser on the desktop that ships: sign in, the pop before the phone rings, wrap-up, and
//! an inspector who plays the recording.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::demo::Demo;
use crate::sipp::Stage;

/// A driver of `desktop/e2e`, running.
pub(crate) struct Driver {
    child: Child,
    output: PathBuf,
}

impl Driver {
    pub(crate) fn start(demo: &Demo, script: &str, user: &str, arguments: &[&str]) -> Self {
        let desktop = Path::new(env!("CARGO_MANIFEST_DIR")).join("desktop");
        let output = demo.data().join(format!("{script}.json"));
        let file = std::fs::File::create(&output).expect("a file");
        let child = Command::new("node")
            .current_dir(&desktop)
            .arg(format!("e2e/{script}.mjs"))
            .args(["--url", &format!("http://{}/", demo.http), "--user", user])
            .args(["--password", "demo", "--timeout-ms", "120000", "--screenshot-dir"])
            .arg(demo.data().join("screens"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a file"))
            .stderr(file)
            .spawn()
            .expect("node starts: `make desktop` installs what the drivers need");
        Self { child, output }
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.output).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// When it told `event`, in milliseconds of the wall clock.
    fn at(&self, event: &str) -> Option<u64> {
        self.lines().iter().find(|line| line["event"] == event)?["at_ms"].as_u64()
    }

    pub(crate) fn wait_for(&self, event: &str) -> u64 {
        let patience = std::time::Duration::from_secs(90);
        crate::demo::eventually(event, patience, || self.at(event))
    }

    pub(crate) fn succeed(mut self) -> Vec<Value> {
        let status = self.child.wait().expect("it ends");
        let text = std::fs::read_to_string(&self.output).unwrap_or_default();
        assert!(status.success(), "the driver failed:\n{text}");
        self.lines()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_screen_pops_before_the_phone_rings_and_an_inspector_plays_the_recording() {
    let demo = Demo::start();
    let stage = Stage::new(440.0);
    let phone = stage.agent(&demo, "8001");
    let desktop = Driver::start(&demo, "agent", "8001", &[]);
    desktop.wait_for("ready");

    let arguments = ["-s", "95512", "-m", "1", "-d", "9000"];
    let keys = ["-key", "ani", "13800138000", "-key", "digit", "0"];
    stage.run(demo.sip, "caller", &[&arguments[..], &keys[..]].concat());
    phone.succeed();
    let (popped, rang) = (desktop.wait_for("pop_received"), desktop.wait_for("ringing"));
    assert!(popped <= rang, "popped at {popped}, rang at {rang}");
    desktop.wait_for("wrapped_up");
    desktop.succeed();

    let inspector = Driver::start(&demo, "inspector", "qa", &[]);
    inspector.succeed();
}
