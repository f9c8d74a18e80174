//! The command line of `hotline load`, checked and made a plan.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use media::Codec;

use super::line::Impairment;

/// The most calls of one run.
pub(super) const MAX_CALLS: u32 = 1_000_000;
/// The most that packets are delayed by, on purpose, in milliseconds.
const MAX_JITTER_MS: u64 = 1_000;
/// The most calls at a time.
pub(super) const MAX_CONCURRENT: u32 = 20_000;
/// The most agents that are played.
pub(super) const MAX_AGENTS: usize = 5_000;
/// The longest call, in milliseconds: a day.
const MAX_DURATION_MS: u64 = 86_400_000;

/// Loads a SIP server with calls, and plays agents who answer them.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where the calls go, such as 127.0.0.1:5060
    #[arg(long, value_name = "IP:PORT", required_unless_present = "kernel_loop")]
    pub to: Option<SocketAddr>,
    /// The number that is called
    #[arg(long, default_value = "95500")]
    pub number: String,
    /// The address to call from; unless given, the one that reaches the target
    #[arg(long, value_name = "IP")]
    pub from: Option<IpAddr>,
    /// How many calls
    #[arg(long, default_value_t = 1)]
    pub calls: u32,
    /// How many calls begin in a second
    #[arg(long, default_value_t = 10.0)]
    pub rate: f64,
    /// The most calls at a time; further ones wait their turn
    #[arg(long, default_value_t = 1000)]
    pub concurrent: u32,
    /// How long a call lasts from its answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5000)]
    pub duration: u64,
    /// Whether callers and agents speak and hear, only hear, or neither
    #[arg(long, value_enum, default_value_t = Media::On)]
    pub media: Media,
    /// What is spoken
    #[arg(long, value_enum, default_value_t = CodecName::Pcma)]
    pub codec: CodecName,
    /// Of a hundred packets of callers and agents so many are lost on purpose
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    pub loss: f64,
    /// Their packets take up to so many milliseconds longer, and overtake each other
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub jitter: u64,
    /// Keys that every caller presses, such as 1
    #[arg(long, default_value = "")]
    pub digits: String,
    /// When after the answer the first key is pressed, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    pub digits_after: u64,
    /// Callers are numbered after this prefix, eight digits each
    #[arg(long, value_name = "DIGITS", default_value = "139")]
    pub caller_prefix: String,
    /// In place of numbers after a prefix, those of this file, one a line, over and over
    #[arg(long, value_name = "FILE")]
    pub caller_numbers: Option<PathBuf>,
    /// Agents who are played, such as 8001-8004,8011
    #[arg(long, value_name = "NUMBERS", default_value = "")]
    pub agents: String,
    /// The password of all these agents
    #[arg(long, default_value = "")]
    pub password: String,
    /// How long an agent lets the phone ring, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub answer_after: u64,
    /// The server's web address, for a desktop of each agent that is shown its screen pops
    #[arg(long, value_name = "IP:PORT")]
    pub web: Option<SocketAddr>,
    /// How long to wait between the last registration and the first call, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 500)]
    pub settle: u64,
    /// The server's process: its CPU time, memory and threads are reported
    #[arg(long, value_name = "PID")]
    pub target_pid: Option<u32>,
    /// The only core to use
    #[arg(long)]
    pub core: Option<usize>,
    /// Instead of calling, measure what one packet costs the kernel here
    #[arg(long)]
    pub kernel_loop: bool,
}

/// What callers and agents do with their media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Media {
    /// They speak and hear.
    On,
    /// They hear.
    Listen,
    /// Neither: nothing that comes is read.
    Off,
}

/// A codec on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum CodecName {
    /// G.711 A-law.
    Pcma,
    /// G.711 µ-law.
    Pcmu,
}

/// The callers' numbers.
#[derive(Debug, Clone)]
pub(super) enum Numbers {
    /// Eight digits after this prefix.
    After(String),
    /// These, over and over; at least one.
    Listed(Vec<String>),
}

impl Numbers {
    /// The number of the `call`th caller.
    pub(super) fn of(&self, call: u32) -> String {
        match self {
            Self::After(prefix) => format!("{prefix}{call:08}"),
            Self::Listed(numbers) => numbers[call as usize % numbers.len()].clone(),
        }
    }
}

/// A command line that can be carried out.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) to: SocketAddr,
    pub(super) number: String,
    pub(super) from: IpAddr,
    pub(super) calls: u32,
    /// Between the beginnings of two calls.
    pub(super) interval: Duration,
    pub(super) concurrent: u32,
    pub(super) duration: Duration,
    pub(super) media: Media,
    pub(super) codec: Codec,
    pub(super) impairment: Impairment,
    pub(super) digits: String,
    pub(super) digits_after: Duration,
    pub(super) callers: Numbers,
    pub(super) web: Option<SocketAddr>,
    pub(super) agents: Vec<String>,
    pub(super) password: String,
    pub(super) answer_after: Duration,
    pub(super) settle: Duration,
    pub(super) target_pid: Option<u32>,
}

impl Args {
    /// Checks the command line.
    pub(super) fn plan(&self) -> anyhow::Result<Plan> {
        let to = self.to.context("--to IP:PORT is needed")?;
        ensure!((1..=MAX_CALLS).contains(&self.calls), "--calls: 1 to {MAX_CALLS}");
        ensure!(self.rate >= 0.01 && self.rate <= 100_000.0, "--rate: 0.01 to 100000 calls/s");
        let concurrent = 1..=MAX_CONCURRENT;
        ensure!(concurrent.contains(&self.concurrent), "--concurrent: 1 to {MAX_CONCURRENT}");
        ensure!(self.duration <= MAX_DURATION_MS, "--duration: at most {MAX_DURATION_MS} ms");
        ensure!((0.0..=100.0).contains(&self.loss), "--loss: 0 to 100 percent");
        ensure!(self.jitter <= MAX_JITTER_MS, "--jitter: at most {MAX_JITTER_MS} ms");
        let is_key = |digit: char| matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D' | 'a'..='d');
        ensure!(self.digits.chars().all(is_key), "--digits: only 0-9, *, #, A-D");
        let from = match self.from {
            Some(from) => from,
            None => address_towards(to)?,
        };
        ensure!(from.is_ipv4() == to.is_ipv4(), "--from and --to: both IPv4, or both IPv6");
        Ok(Plan {
            to,
            number: self.number.clone(),
            from,
            calls: self.calls,
            interval: Duration::from_secs_f64(1.0 / self.rate),
            concurrent: self.concurrent,
            duration: Duration::from_millis(self.duration),
            media: self.media,
            codec: match self.codec {
                CodecName::Pcma => Codec::Pcma,
                CodecName::Pcmu => Codec::Pcmu,
            },
            impairment: Impairment { loss_percent: self.loss, jitter_ms: self.jitter },
            digits: self.digits.clone(),
            digits_after: Duration::from_millis(self.digits_after),
            callers: self.callers()?,
            web: self.web,
            agents: numbers(&self.agents)?,
            password: self.password.clone(),
            answer_after: Duration::from_millis(self.answer_after),
            settle: Duration::from_millis(self.settle),
            target_pid: self.target_pid,
        })
    }
}

impl Args {
    fn callers(&self) -> anyhow::Result<Numbers> {
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let Some(file) = &self.caller_numbers else {
            ensure!(is_number(&self.caller_prefix), "--caller-prefix: only digits");
            return Ok(Numbers::After(self.caller_prefix.clone()));
        };
        let named = || format!("--caller-numbers {}", file.display());
        let text = std::fs::read_to_string(file).with_context(named)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let numbers: Vec<String> = lines.take(MAX_CALLS as usize).map(String::from).collect();
        ensure!(!numbers.is_empty(), "{}: holds no number", named());
        let odd = numbers.iter().position(|number| !is_number(number));
        ensure!(odd.is_none(), "{}: number {} is none", named(), odd.unwrap_or(0) + 1);
        Ok(Numbers::Listed(numbers))
    }
}

/// The address of this host from which `to` is reached.
fn address_towards(to: SocketAddr) -> anyhow::Result<IpAddr> {
    let any: SocketAddr = if to.is_ipv4() { ([0; 4], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.connect(to).with_context(|| format!("--to {to}"))?;
    Ok(socket.local_addr()?.ip())
}

/// `8001-8004,8011` in full.
fn numbers(list: &str) -> anyhow::Result<Vec<String>> {
    let mut all = Vec::new();
    for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let read = |text: &str| {
            text.parse::<u64>().with_context(|| format!("--agents: '{text}' is no number"))
        };
        let (from, to) = (read(first)?, read(last)?);
        if to < from || to - from >= MAX_AGENTS as u64 {
            bail!("--agents: '{part}' is no range of at most {MAX_AGENTS} numbers");
        }
        let width = first.len();
        all.extend((from..=to).map(|number| format!("{number:0width$}")));
        ensure!(all.len() <= MAX_AGENTS, "--agents: at most {MAX_AGENTS}");
    }
    let mut sorted = all.clone();
    sorted.sort();
    sorted.dedup();
    ensure!(sorted.len() == all.len(), "--agents: a number is there twice");
    Ok(all)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn plan(options: &str) -> anyhow::Result<Plan> {
        let words = ["load"].into_iter().chain(options.split_whitespace());
        Line::try_parse_from(words)?.args.plan()
    }

    #[test]
    fn a_command_line_becomes_a_plan() {
        let plan = plan("--to 127.0.0.1:5060 --rate 4 --agents 8001-8003,0011 --digits 1*")
            .expect("it can be carried out");
        assert_eq!(plan.agents, ["8001", "8002", "8003", "0011"]);
        assert_eq!(plan.interval, Duration::from_millis(250));
        assert_eq!((plan.number.as_str(), plan.from), ("95500", [127, 0, 0, 1].into()));
    }

    #[test]
    fn what_cannot_be_carried_out_says_which_option_and_why() {
        for (options, wanted) in [
            ("", "--to"),
            ("--to here", "--to"),
            ("--to 127.0.0.1:5060 --calls 0", "--calls: 1 to 1000000"),
            ("--to 127.0.0.1:5060 --rate 0", "--rate: 0.01"),
            ("--to 127.0.0.1:5060 --rate NaN", "--rate: 0.01"),
            ("--to 127.0.0.1:5060 --concurrent 30000", "--concurrent: 1 to 20000"),
            ("--to 127.0.0.1:5060 --duration 86400001", "--duration: at most"),
            ("--to 127.0.0.1:5060 --loss 101", "--loss: 0 to 100"),
            ("--to 127.0.0.1:5060 --loss NaN", "--loss: 0 to 100"),
            ("--to 127.0.0.1:5060 --jitter 1001", "--jitter: at most 1000"),
            ("--to 127.0.0.1:5060 --digits 1x", "--digits: only"),
            ("--to 127.0.0.1:5060 --caller-prefix +86", "--caller-prefix: only digits"),
            ("--to 127.0.0.1:5060 --caller-numbers /none", "--caller-numbers /none"),
            ("--to 127.0.0.1:5060 --caller-numbers /dev/null", "holds no number"),
            ("--to 127.0.0.1:5060 --caller-numbers Cargo.toml", "number 1 is none"),
            ("--to 127.0.0.1:5060 --from ::1", "--from and --to"),
            ("--to 127.0.0.1:5060 --agents 8001-x", "--agents: 'x' is no number"),
            ("--to 127.0.0.1:5060 --agents 8004-8001", "--agents: '8004-8001' is no range"),
            ("--to 127.0.0.1:5060 --agents 1-9999", "--agents: '1-9999' is no range"),
            ("--to 127.0.0.1:5060 --agents 8001,8001", "--agents: a number is there twice"),
        ] {
            let error = plan(options).expect_err(options).to_string();
            assert!(error.contains(wanted), "{options}: {error}");
        }
    }
}
