//! The table, and its place in docs/performance.md.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::lab::KernelLoop;

/// What the kernel loop costs, in microseconds, on the machine that costs of signalling are stated
/// for.
const REFERENCE_LOOP_US: f64 = 1.2;
const BEGIN: &str = "<!-- measured: begin (make bench writes what is between) -->";
const END: &str = "<!-- measured: end -->";

/// One figure.
pub(crate) struct Row {
    pub(crate) work: String,
    pub(crate) measured: String,
    /// How much of the bare kernel loop that is.
    pub(crate) beside: String,
    pub(crate) target: &'static str,
    pub(crate) met: Option<bool>,
    pub(crate) remarks: String,
}

/// All figures of a run.
pub(crate) struct Table {
    loops: Vec<KernelLoop>,
    rows: Vec<Row>,
    load_before: String,
    cores: usize,
}

impl Table {
    pub(crate) fn new(kernel_loop: KernelLoop, cores: usize) -> Self {
        Self { loops: vec![kernel_loop], rows: Vec::new(), load_before: load_average(), cores }
    }

    /// Whether the machine had next to nothing else to do when the run began.
    pub(crate) fn is_quiet(&self) -> bool {
        self.load_before.parse::<f64>().is_ok_and(|load| load < 1.0)
    }

    pub(crate) fn add(&mut self, row: Row) {
        eprintln!("{}: {} {} ({})", row.work, row.measured, row.beside, row.remarks);
        self.rows.push(row);
    }

    pub(crate) fn add_kernel_loop(&mut self, kernel_loop: KernelLoop) {
        self.loops.push(kernel_loop);
    }

    /// What a packet costs to receive and send again, in milliseconds: the loop before the run.
    pub(crate) fn kernel_loop_ms(&self) -> f64 {
        self.loops.first().map_or(0.0, |cost| cost.us_a_packet) / 1000.0
    }

    /// What that time would be on a machine where the kernel loop costs 1.2 µs.
    pub(crate) fn scaled(&self, ms: f64) -> f64 {
        ms * REFERENCE_LOOP_US / (self.kernel_loop_ms() * 1000.0)
    }

    /// And how often a second something would be done there that is done so often here.
    pub(crate) fn scaled_rate(&self, rate: f64) -> f64 {
        rate * self.kernel_loop_ms() * 1000.0 / REFERENCE_LOOP_US
    }

    /// What a packet costs to send, in milliseconds.
    pub(crate) fn sending_alone_ms(&self) -> f64 {
        self.loops.first().map_or(0.0, |cost| cost.us_sending_alone) / 1000.0
    }

    pub(crate) fn to_markdown(&self) -> String {
        let mut text = String::new();
        let loops: Vec<String> = self
            .loops
            .iter()
            .map(|cost| format!("{:.2} ({:.2})", cost.us_a_packet, cost.us_sending_alone))
            .collect();
        let commit = output("git", &["rev-parse", "--short", "HEAD"]);
        let date = output("date", &["-u", "+%Y-%m-%d"]);
        let (kernel, cores) = (output("uname", &["-sr"]), self.cores);
        // Writing to a string cannot fail.
        let _infallible = writeln!(
            text,
            "Measured on {date} at {commit}: {}, {cores} cores, {kernel}; load average before it \
             {}. Bare kernel loop before and after: {} µs a packet (sending alone).\n\n\
             | work | measured | beside the bare kernel loop | target | met | remarks |\n\
             | --- | --- | --- | --- | --- | --- |",
            processor(),
            self.load_before,
            loops.join(" and "),
        );
        for Row { work, measured, beside, target, met, remarks } in &self.rows {
            let met = met.map_or("", |met| if met { "yes" } else { "no" });
            let _infallible =
                writeln!(text, "| {work} | {measured} | {beside} | {target} | {met} | {remarks} |");
        }
        text
    }
}

/// Puts the table between its marks.
pub(crate) fn write_into_docs(table: &str) -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let shown = path.display();
    let page = fs::read_to_string(&path).with_context(|| format!("{shown}"))?;
    let (before, rest) = page.split_once(BEGIN).with_context(|| format!("{shown}: {BEGIN}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("{shown}: {END}"))?;
    Ok(fs::write(&path, format!("{before}{BEGIN}\n{table}{END}{after}"))?)
}

fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find(|line| line.starts_with("model name"));
    let name = model.and_then(|line| line.split_once(':')).map(|(_, name)| name.trim().to_owned());
    name.unwrap_or_else(|| "unknown processor".into())
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().ok();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".into())
}
