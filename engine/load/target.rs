//! The loaded server's process, as `/proc` shows it (proc(5)).

use std::fs;

use anyhow::Context as _;

/// What a process has used and uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// CPU time of all its threads, user and system, in milliseconds.
    pub(super) cpu_ms: u64,
    /// Resident memory in kB.
    pub(super) resident_kb: u64,
    /// Threads.
    pub(super) threads: u64,
}

/// The clock that `/proc` counts CPU time with, in ticks a second: the same on every Linux.
const TICKS_A_SECOND: u64 = 100;

impl Usage {
    /// Reads what `pid` uses now.
    pub(super) fn of(pid: u32) -> anyhow::Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            fs::read_to_string(&path).with_context(|| format!("--target-pid {pid}: {path}"))
        };
        let (stat, status) = (read("stat")?, read("status")?);
        parse(&stat, &status).with_context(|| format!("--target-pid {pid}: /proc has no figures"))
    }
}

fn parse(stat: &str, status: &str) -> Option<Usage> {
    // The second field is the command in parentheses, which may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let figure = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    Some(Usage {
        cpu_ms: (user + system) * 1000 / TICKS_A_SECOND,
        resident_kb: figure("VmRSS")?,
        threads: figure("Threads")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_whatever_the_command_is_called() {
        let stat = "42 (odd) name) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 7 0 100";
        let status = "Name:\todd) name\nVmRSS:\t  12345 kB\nThreads:\t7\n";
        let wanted = Usage { cpu_ms: 1750, resident_kb: 12_345, threads: 7 };
        assert_eq!(parse(stat, status), Some(wanted));
        assert_eq!(parse("42 (x) S 1", status), None);
    }

    #[test]
    fn a_process_that_is_not_there_is_named() {
        let own = Usage::of(std::process::id()).expect("this process is there");
        assert!(own.resident_kb > 0 && own.threads > 0);
        let error = Usage::of(u32::MAX).expect_err("no process has this number");
        assert!(error.to_string().contains("--target-pid 4294967295"), "{error}");
    }
}
