//! The run: callers begin at their pace, sockets and clock drive the machines, samples are taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use model::Mono;
use rustix::event::{PollFd, PollFlags, Timespec};
use serde_json::Value;

use super::agent::Agents;
use super::caller::{Callers, time_to_end};
use super::desktop::Screens;
use super::histogram::Histogram;
use super::media::MediaThread;
use super::plan::{Media, Plan};
use super::report::{Report, Samples};
use super::station::{Do, Station, run_number};
use super::{Clock, thread_cpu};

/// The longest wait, so that Ctrl-C is noticed.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// Between two samples of the target.
const SAMPLE_EVERY: Duration = Duration::from_millis(250);
/// Calls begun and datagrams read before the other side has its turn.
const MAX_A_TURN: usize = 64;
/// How long registering may take, for each agent and at all.
const REGISTER_WITHIN: Duration = Duration::from_secs(20);
/// How long calls may take to end after Ctrl-C, and agents to leave.
const END_WITHIN: Duration = Duration::from_secs(5);

/// Carries the plan out.
pub(super) fn run(plan: &Plan) -> anyhow::Result<Value> {
    let interrupted = watch_interrupt()?;
    let mut run = Run::open(plan, interrupted)?;
    run.register()?;
    run.call()?;
    run.leave()?;
    run.report()
}

/// Set when Ctrl-C was pressed; a second time ends the process at once.
fn watch_interrupt() -> anyhow::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("load-interrupt".into()).spawn(move || {
        runtime.block_on(async {
            // Where signals cannot be had, the process ends in the usual way.
            while tokio::signal::ctrl_c().await.is_ok() {
                if flag.swap(true, Ordering::Relaxed) {
                    std::process::exit(130);
                }
            }
        });
    })?;
    Ok(interrupted)
}

struct Run {
    plan: Arc<Plan>,
    clock: Clock,
    /// Of callers and of agents: the server must tell them apart.
    stations: [Station; 2],
    callers: Callers,
    agents: Agents,
    media: MediaThread,
    screens: Screens,
    interrupted: Arc<AtomicBool>,
    samples: Samples,
    next_sample: Mono,
    /// How much later than planned calls began: the generator's own ceiling.
    lateness: Histogram,
    began: Mono,
    /// From the first call's beginning to the last one's.
    begun_in: Duration,
    cpu_before: u64,
}

/// Places in [`Run::stations`].
const CALLERS: usize = 0;
const AGENTS: usize = 1;

impl Run {
    fn open(plan: &Plan, interrupted: Arc<AtomicBool>) -> anyhow::Result<Self> {
        let (plan, clock, number) = (Arc::new(plan.clone()), Clock::start(), run_number());
        let station = || Station::open(plan.from, plan.to);
        let stations = [station()?, station()?];
        let legs = plan.concurrent.min(plan.calls) as usize + plan.agents.len();
        let (speaks, hears) = match plan.media {
            Media::On => (true, true),
            Media::Listen => (false, true),
            Media::Off => (false, false),
        };
        let media =
            MediaThread::start(plan.from, legs, plan.codec, speaks, hears, plan.impairment, clock)?;
        let ports = media.ports().to_vec();
        let now = clock.now();
        let callers = Callers::new(plan.clone(), stations[CALLERS].flow(), ports.clone(), number);
        let agents = Agents::new(plan.clone(), stations[AGENTS].flow(), ports, number, now);
        Ok(Self {
            samples: Samples::new(plan.target_pid)?,
            clock,
            stations,
            callers,
            agents,
            media,
            screens: Screens::open(&plan, clock)?,
            interrupted,
            plan,
            next_sample: now,
            lateness: Histogram::new(),
            began: now,
            begun_in: Duration::ZERO,
            cpu_before: 0,
        })
    }

    /// Agents register; an agent that cannot is an error, for without it no figure is right.
    fn register(&mut self) -> anyhow::Result<()> {
        let deadline = self.clock.now() + REGISTER_WITHIN;
        while !self.agents.are_settled() && self.clock.now() < deadline && !self.is_interrupted() {
            self.turn(deadline)?;
        }
        let (registered, wanted) = (self.agents.figures.registered, self.plan.agents.len());
        ensure!(
            registered as usize == wanted || self.is_interrupted(),
            "only {registered} of {wanted} agents could register at {}: {:?}",
            self.plan.to,
            self.agents.figures.refused,
        );
        self.screens.handle_registered();
        let settled = self.clock.now() + self.plan.settle;
        while self.clock.now() < settled && wanted > 0 && !self.is_interrupted() {
            self.turn(settled)?;
        }
        Ok(())
    }

    /// Calls begin, last and end.
    fn call(&mut self) -> anyhow::Result<()> {
        self.cpu_before = thread_cpu();
        self.began = self.clock.now();
        self.next_sample = self.began;
        let (mut due, mut deadline) = (self.began, None::<(Mono, bool)>);
        loop {
            let now = self.clock.now();
            if self.is_interrupted() && deadline.is_none_or(|(_, interrupted)| !interrupted) {
                self.callers.handle_finish();
                deadline = Some((now + END_WITHIN, true));
            }
            let all_begun = self.callers.figures.begun == self.plan.calls;
            if all_begun && deadline.is_none() {
                deadline = Some((now + time_to_end(&self.plan), false));
            }
            if deadline.is_none() {
                due = self.begin(due, now);
            }
            self.sample(now)?;
            match deadline {
                Some(_) if self.callers.len() == 0 => break,
                Some((deadline, _)) if now >= deadline => break self.callers.give_up(),
                Some(_) | None => {}
            }
            let waits = self.callers.len() >= self.plan.concurrent as usize || deadline.is_some();
            self.turn(if waits { now + LONGEST_WAIT } else { due })?;
        }
        self.sample(self.next_sample)
    }

    /// Begins the calls that are due; returns when the next one is.
    fn begin(&mut self, mut due: Mono, now: Mono) -> Mono {
        for _ in 0..MAX_A_TURN {
            let room = self.callers.len() < self.plan.concurrent as usize;
            if due > now || !room || self.callers.figures.begun == self.plan.calls {
                break;
            }
            let begins = self.clock.now();
            self.lateness.record(begins.since(due));
            self.begun_in = begins.since(self.began);
            self.callers.handle_begin(begins);
            self.perform(begins);
            due = due + self.plan.interval;
        }
        // Calls that waited for room do not come all at once when there is some.
        if self.callers.len() >= self.plan.concurrent as usize { due.max(now) } else { due }
    }

    /// Waits until something comes or is due, at most until `until`, and deals with it.
    fn turn(&mut self, until: Mono) -> anyhow::Result<()> {
        let deadlines = [
            self.stations[CALLERS].poll_timeout(),
            self.stations[AGENTS].poll_timeout(),
            self.callers.poll_timeout(),
            self.agents.poll_timeout(),
            Some(until),
        ];
        let now = self.clock.now();
        let due = deadlines.into_iter().flatten().min().unwrap_or(until);
        let wait = due.since(now).min(LONGEST_WAIT);
        let timeout = Timespec {
            tv_sec: i64::try_from(wait.as_secs())?,
            tv_nsec: wait.subsec_nanos().into(),
        };
        let [callers, agents] = &self.stations;
        let mut sockets =
            [callers, agents].map(|station| PollFd::new(station.socket(), PollFlags::IN));
        match rustix::event::poll(&mut sockets, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("waiting for the sockets"),
        }
        for at in [AGENTS, CALLERS] {
            for _ in 0..MAX_A_TURN {
                let Some(now) = self.stations[at].receive(self.clock) else { break };
                self.drain(at, now);
            }
            let now = self.clock.now();
            self.stations[at].handle_timeout(now);
            self.drain(at, now);
        }
        while let Some(shown) = self.screens.next_shown() {
            self.callers.handle_popped(&shown);
        }
        let now = self.clock.now();
        self.callers.handle_timeout(now);
        self.agents.handle_timeout(now);
        self.perform(now);
        Ok(())
    }

    /// Hands a station's events to its machine.
    fn drain(&mut self, at: usize, now: Mono) {
        while let Some(event) = self.stations[at].poll_event() {
            match at {
                CALLERS => self.callers.handle_event(event, now),
                _ => self.agents.handle_event(event, now),
            }
        }
        self.perform(now);
    }

    /// Does what the machines want done.
    fn perform(&mut self, now: Mono) {
        loop {
            let (at, wanted) = match self.callers.poll_output() {
                Some(wanted) => (CALLERS, wanted),
                None => match self.agents.poll_output() {
                    Some(wanted) => (AGENTS, wanted),
                    None => return,
                },
            };
            match wanted {
                Do::Sip(command) => {
                    self.stations[at].perform(command, now);
                    while let Some(event) = self.stations[at].poll_event() {
                        match at {
                            CALLERS => self.callers.handle_event(event, now),
                            _ => self.agents.handle_event(event, now),
                        }
                    }
                }
                Do::Media(command) => self.media.tell(command),
                Do::Offered { shown, agent } => self.handle_offered(&shown, agent, now),
            }
        }
    }

    /// An agent's phone rings: whose call it is, and whether the desktop knew.
    fn handle_offered(&mut self, shown: &[String], agent: String, now: Mono) {
        while let Some(released) = self.media.next_released() {
            self.callers.handle_released(released);
        }
        while let Some(shown) = self.screens.next_shown() {
            self.callers.handle_popped(&shown);
        }
        if let Some(call) = self.callers.handle_offered(shown, now) {
            let shown = self.screens.handle_rang(agent, call, now);
            shown.iter().for_each(|shown| self.callers.handle_popped(shown));
        }
    }

    fn sample(&mut self, now: Mono) -> anyhow::Result<()> {
        if now >= self.next_sample {
            self.next_sample = now + SAMPLE_EVERY;
            self.samples.take(self.clock.now(), self.callers.talking())?;
        }
        Ok(())
    }

    /// Agents leave.
    fn leave(&mut self) -> anyhow::Result<()> {
        let deadline = self.clock.now() + END_WITHIN;
        // The server hangs up on the agents when the callers have left.
        self.agents.handle_finish();
        while !self.agents.are_done() && self.clock.now() < deadline {
            self.turn(deadline)?;
        }
        Ok(())
    }

    fn report(self) -> anyhow::Result<Value> {
        let sip_cpu = thread_cpu() - self.cpu_before;
        let report = Report {
            interrupted: self.interrupted.load(Ordering::Relaxed),
            begun_in: self.begun_in,
            ran: self.clock.now().since(self.began),
            media: self.media.finish()?,
            malformed: self.stations.iter().map(|station| station.malformed).sum(),
            lateness: self.lateness,
            sip_cpu_nanos: sip_cpu,
            samples: self.samples,
            calls: self.callers.figures,
            agents: self.agents.figures,
            plan: self.plan,
        };
        Ok(report.to_json())
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
