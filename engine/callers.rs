//! `hotline demo --callers N`: simulated customers, and agents for them, so that a newcomer sees
//! the hotline live. They are `hotline load` in a process of its own, over real SIP and RTP.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use store::Store;
use tokio::process::{Child, Command};

/// The most simulated customers.
pub const CALLERS_MAX: u32 = 1_000;
/// The first simulated agent's number; the others follow.
const FIRST_AGENT: u32 = 9_001;
/// How long a conversation lasts, in milliseconds.
const TALK_MS: u32 = 25_000;
/// A caller's whole call with menu, waiting and conversation, in seconds: so often a caller's place
/// is taken by the next one.
const CALL_S: f64 = 45.0;
/// How many customers take turns in calling.
const CUSTOMERS: u32 = 1_000;
/// More than anyone watches.
const CALLS: u32 = 1_000_000;

/// The numbers of the simulated agents: one for two callers.
pub fn agents(callers: u32) -> Vec<String> {
    let count = if callers == 0 { 0 } else { callers.div_ceil(2).max(2) };
    (FIRST_AGENT..FIRST_AGENT + count).map(|number| number.to_string()).collect()
}

/// The process that calls.
pub struct Callers {
    _child: Option<Child>,
}

impl Callers {
    /// Starts calling, as customers of `customers`' store; their numbers are left in its folder.
    /// With 0 callers nothing is started.
    ///
    /// # Errors
    /// The process cannot be started.
    pub async fn start(
        sip: SocketAddr,
        callers: u32,
        password: &str,
        customers: (&Store, &Path),
    ) -> anyhow::Result<Self> {
        let agents = agents(callers);
        let (Some(first), Some(last)) = (agents.first(), agents.last()) else {
            return Ok(Self { _child: None });
        };
        let numbers = numbers(customers).await?;
        let program = std::env::current_exe().context("the callers' program")?;
        let child = Command::new(program)
            .args(["load", "--to", &sip.to_string(), "--number", "95512"])
            .args(["--agents", &format!("{first}-{last}"), "--password", password])
            .args(["--calls", &CALLS.to_string(), "--concurrent", &callers.to_string()])
            .args(["--rate", &format!("{:.3}", (f64::from(callers) / CALL_S).max(0.05))])
            .args(["--duration", &TALK_MS.to_string(), "--answer-after", "2500"])
            .args(["--digits", "1", "--digits-after", "6000"])
            .arg("--caller-numbers")
            .arg(numbers)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("the simulated callers cannot be started")?;
        Ok(Self { _child: Some(child) })
    }

    /// Ends the process: its calls are ended by the engine.
    pub fn stop(self) {
        drop(self);
    }
}

/// A file of customers' numbers, one a line, in the data folder.
async fn numbers((store, folder): (&Store, &Path)) -> anyhow::Result<PathBuf> {
    let phones = store.some_phones(CUSTOMERS).await?;
    let mut lines: String = phones.iter().map(|phone| format!("{}\n", phone.reveal())).collect();
    if lines.is_empty() {
        // Without customers strangers call.
        lines.push_str("13900000000\n");
    }
    let file = folder.join("callers.txt");
    std::fs::write(&file, lines).with_context(|| file.display().to_string())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::agents;

    #[test]
    fn there_is_an_agent_for_two_callers() {
        assert!(agents(0).is_empty());
        assert_eq!(agents(1), ["9001", "9002"]);
        assert_eq!(agents(20).len(), 10);
    }
}
