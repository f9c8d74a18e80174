//! Where it is measured: an engine with 150,000 policies and 1,000 agents, and the generator.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The engine's program.
const HOTLINE: &str = env!("CARGO_BIN_EXE_hotline");
/// Where the engine is, off the usual ports, so that a running demo is not disturbed.
pub(crate) const SIP: &str = "127.0.0.1:15060";
const WEB: &str = "127.0.0.1:18080";
/// The generator's own address.
pub(crate) const FROM: &str = "127.0.0.2";
const FIRST_AGENT: u32 = 20_001;
const AGENTS: u32 = 1_000;
const PASSWORD: &str = "measured";
/// Customers whose numbers the generator knows, beside those that are generated.
const KNOWN_CALLERS: u32 = 1_000;
/// How long the engine may take to be ready, and to end.
const START_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Cost of a packet without a program around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KernelLoop {
    pub(crate) us_a_packet: f64,
    pub(crate) us_sending_alone: f64,
}

/// The place and its data.
pub(crate) struct Lab {
    folder: PathBuf,
    known: String,
    pub(crate) web: String,
    pub(crate) is_quick: bool,
    /// How many cores there are: later most of this process keeps to one of them.
    pub(crate) cores: usize,
    pinned: bool,
}

impl Lab {
    /// Makes the data where it is not there yet.
    pub(crate) fn set_up() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = root.join("target/bench");
        fs::create_dir_all(&folder)?;
        let known = folder.join("known-callers.txt").display().to_string();
        let cores = std::thread::available_parallelism()?.get();
        let is_quick = std::env::var_os("QUICK").is_some();
        let pinned = cores > 1 && Command::new("taskset").arg("-V").output().is_ok();
        let lab = Self { folder, known, web: WEB.into(), is_quick, cores, pinned };
        lab.make_data()?;
        Ok(lab)
    }

    /// Shorter in a quick run.
    pub(crate) fn seconds(&self, seconds: u32) -> u32 {
        if self.is_quick { seconds.div_ceil(5) } else { seconds }
    }

    /// Smaller in a quick run.
    pub(crate) fn size(&self, calls: u32) -> u32 {
        if self.is_quick { calls.div_ceil(10) } else { calls }
    }

    /// That many agents.
    pub(crate) fn agents(&self, count: u32) -> String {
        format!("{FIRST_AGENT}-{}", FIRST_AGENT + count.min(AGENTS) - 1)
    }

    /// The file of numbers whose customers are known.
    pub(crate) fn known_callers(&self) -> &str {
        &self.known
    }

    fn config(&self, recorded: bool) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(format!("recorded-{recorded}.toml"));
        let data = self.folder.join("data");
        let text = format!(
            "[site]\ndata = {:?}\n[sip]\nlisten = \"{SIP}\"\ncalls_max = 20000\n\
             [media]\nports = \"20000-29999\"\n[http]\nlisten = \"{WEB}\"\n\
             [acd]\nacw_ms = 0\n[recordings]\nenabled = {recorded}\n\
             [[trunk]]\nname = \"bench\"\nsources = [\"{FROM}/32\"]\nbrand = \"95512\"\n\
             language = \"zh-CN\"\nasserts_identity = true\n\
             [trunk.numbers]\n95512 = \"hotline\"\n95500 = \"queue:general\"\n",
            data.display().to_string(),
        );
        fs::write(&path, text)?;
        Ok(path)
    }

    fn make_data(&self) -> anyhow::Result<()> {
        let complete = self.folder.join("data/complete");
        if complete.exists() {
            return Ok(());
        }
        eprintln!("making 150,000 policies and {AGENTS} agents, once");
        let config = self.config(false)?;
        let config = config.to_str().context("the folder's name is not UTF-8")?;
        run(&["policies", "--config", config, "generate", "--count", "100000"], "")?;
        let file = self.folder.join("known-callers.csv");
        let (csv, numbers) = known_customers();
        fs::write(&file, csv)?;
        fs::write(&self.known, numbers)?;
        let file = file.to_str().context("the folder's name is not UTF-8")?;
        run(&["policies", "--config", config, "import", file], "")?;
        let list = Command::new(HOTLINE).args(["accounts", "--config", config, "list"]).output()?;
        let list = String::from_utf8_lossy(&list.stdout).into_owned();
        let there: Vec<&str> = list.lines().filter_map(|line| line.split('\t').next()).collect();
        for number in FIRST_AGENT..FIRST_AGENT + AGENTS {
            let number = number.to_string();
            if there.contains(&number.as_str()) {
                continue;
            }
            let account = ["accounts", "--config", config, "set", &number, "--role", "agent"];
            let agent = ["--tier", "1", "--queues", "general,claims", "--ready-when-registered"];
            run(&[&account[..], &agent[..]].concat(), PASSWORD)?;
        }
        Ok(fs::write(complete, "")?)
    }

    /// Starts the engine and waits until it is ready.
    pub(crate) fn engine(&self, recorded: bool) -> anyhow::Result<Engine> {
        let config = self.config(recorded)?;
        let log = fs::File::create(self.folder.join(format!("recorded-{recorded}.log")))?;
        let mut command = self.on_core("0", HOTLINE);
        command.arg("serve").arg("--config").arg(config).env("RUST_LOG", "warn");
        let mut process = command.stdout(Stdio::piped()).stderr(log).spawn()?;
        let output = process.stdout.take().context("the engine has no output")?;
        let engine = Engine { process, recordings: self.folder.join("data/recordings") };
        let (tell, ready) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if line.starts_with("ready") {
                    let _nobody_waits = tell.send(());
                }
            }
        });
        let log = self.folder.display();
        ready.recv_timeout(START_WITHIN).with_context(|| format!("no engine, see {log}/*.log"))?;
        Ok(engine)
    }

    /// Runs the generator; the figures that it found.
    pub(crate) fn load(
        &self,
        engine: &Engine,
        options: &[&str],
        more: &[(&str, &str)],
    ) -> anyhow::Result<Value> {
        let pid = engine.process.id().to_string();
        let mut command = self.on_core("1", HOTLINE);
        command.args(["load", "--to", SIP, "--from", FROM, "--target-pid", &pid]);
        command.args(["--password", PASSWORD]).args(options);
        more.iter().for_each(|(option, value)| {
            command.arg(option).arg(value);
        });
        eprintln!("load {} {more:?}", options.join(" "));
        json(&mut command)
    }

    /// What a packet costs the kernel, on the engine's core.
    pub(crate) fn kernel_loop(&self) -> anyhow::Result<KernelLoop> {
        let line = json(self.on_core("0", HOTLINE).args(["load", "--kernel-loop"]))?;
        let figure = |name: &str| line[name].as_f64().with_context(|| format!("no {name}: {line}"));
        Ok(KernelLoop {
            us_a_packet: figure("us_a_packet")?,
            us_sending_alone: figure("us_sending_alone")?,
        })
    }

    /// Where the engine is, if it has a place of its own.
    pub(crate) fn first_core(&self) -> Option<rustix::thread::CpuSet> {
        let mut cores = rustix::thread::CpuSet::new();
        cores.set(0);
        self.pinned.then_some(cores)
    }

    /// Keeps this thread where the generator is.
    pub(crate) fn stay_on_second_core(&self) -> anyhow::Result<()> {
        let mut cores = rustix::thread::CpuSet::new();
        cores.set(1);
        if self.pinned {
            rustix::thread::sched_setaffinity(None, &cores)?;
        }
        Ok(())
    }

    fn on_core(&self, core: &str, program: &str) -> Command {
        if !self.pinned {
            return Command::new(program);
        }
        let mut command = Command::new("taskset");
        command.args(["-c", core, program]);
        command
    }
}

/// Runs the program to its end with a line of input.
fn run(args: &[&str], input: &str) -> anyhow::Result<()> {
    let mut command = Command::new(HOTLINE);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::null()).env("RUST_LOG", "error");
    let mut process = command.spawn()?;
    if let Some(mut stdin) = process.stdin.take() {
        // A program that does not read its input may have ended already.
        let _unread = writeln!(stdin, "{input}");
    }
    let status = process.wait()?;
    ensure!(status.success(), "hotline {}: {status}", args.join(" "));
    Ok(())
}

fn json(command: &mut Command) -> anyhow::Result<Value> {
    let output = command.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{command:?}: {}", output.status);
    }
    serde_json::from_str(&text).with_context(|| format!("{command:?} said {text}"))
}

/// Customers with one policy each, as a policies file, and their numbers, one a line.
fn known_customers() -> (String, String) {
    let mut csv = String::from(
        "customer_id,name,phone,identity_number,policy_number,product,plate,vehicle,starts_on,\
         ends_on,premium_yuan\n",
    );
    let mut numbers = String::new();
    for at in 0..KNOWN_CALLERS {
        let phone = format!("1990000{at:04}");
        let identity = identity_number(at);
        csv.push_str(&format!(
            "measured-{at},测量{at},{phone},{identity},99{at:09},商业险,京A{at:05},测量牌轿车,\
             2026-01-01,2030-12-31,1234.50\n"
        ));
        numbers.push_str(&format!("{phone}\n"));
    }
    (csv, numbers)
}

/// A number with a valid check digit (GB 11643-1999), each its own.
fn identity_number(at: u32) -> String {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let body = format!("110101{}0101{:03}", 1950 + at / 500, at % 500);
    let digits = body.bytes().map(|byte| u32::from(byte - b'0'));
    let sum: u32 = digits.zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    let check = char::from(b"10X98765432"[(sum % 11) as usize]);
    format!("{body}{check}")
}

/// A running engine; ended in order when dropped, its recordings removed.
pub(crate) struct Engine {
    process: Child,
    recordings: PathBuf,
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The generator has ended its calls; whatever fails here, the figures are made already.
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        let asked = pid.is_some_and(|pid| kill_process(pid, Signal::INT).is_ok());
        let deadline = Instant::now() + STOP_WITHIN;
        while asked && Instant::now() < deadline && matches!(self.process.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ended = self.process.kill();
        let _ended = self.process.wait();
        let _not_there = fs::remove_dir_all(&self.recordings);
    }
}
