//! `hotline load`: the load generator.
//!
//! Speaks real SIP and RTP to any address, so that it can load a peer too: callers, and agents that
//! register and answer. It runs in threads of its own, one for SIP and one for RTP, and says how
//! much of them it needed, so that a figure never hides its own ceiling.

mod agent;
mod caller;
mod desktop;
mod drive;
mod histogram;
mod kernel_loop;
mod line;
mod media;
mod plan;
mod report;
mod station;
mod stream;
mod target;

use std::io::Write as _;
use std::time::Instant;

use model::Mono;

pub use plan::Args;

/// Does what the command line asks and prints one line of JSON.
///
/// # Errors
/// As [`measure`], or the line cannot be written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let line = measure(args)?;
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// Does what the command line asks; the figures that it found.
///
/// # Errors
/// The command line cannot be carried out, an address cannot be used, an agent cannot register, or
/// the target's process has ended. Calls that fail are no error: they are counted.
pub fn measure(args: &Args) -> anyhow::Result<serde_json::Value> {
    if let Some(core) = args.core {
        stay_on(core)?;
    }
    if args.kernel_loop {
        return Ok(kernel_loop::measure(args.from)?.to_json());
    }
    drive::run(&args.plan()?)
}

/// Keeps this thread, and those it starts, on one core.
fn stay_on(core: usize) -> anyhow::Result<()> {
    let mut cores = rustix::thread::CpuSet::new();
    anyhow::ensure!(core < rustix::thread::CpuSet::MAX_CPU, "--core {core}: there is no such core");
    cores.set(core);
    rustix::thread::sched_setaffinity(None, &cores)
        .map_err(|error| anyhow::anyhow!("--core {core}: {error}"))
}

/// The generator's clock: all of its threads count from the same moment.
#[derive(Debug, Clone, Copy)]
struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn now(self) -> Mono {
        Mono(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// What this thread has used of its core so far, in nanoseconds.
fn thread_cpu() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}
