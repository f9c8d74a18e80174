//! `hotline replay`: a stored day runs again, as it was and with another strategy, and it is told
//! what would have changed. The facts are read page by page; nothing is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use acd::{End, Fate, StoredDay, Strategy};
use anyhow::{Context as _, bail};
use jiff::tz::{Offset, TimeZone};
use model::{AgentId, CallId, Fact, FactBody, IdSource, QueueId, Wall};
use store::{FactKey, Store};
use web::{ReplayDifference, ReplayFigures, ReplayQueue, ReplayReport, ReplayRequest};

use crate::cli::say;
use crate::config::Config;

/// Facts that are read at a time.
const PAGE: u32 = 10_000;
/// The most facts of a day that are read: a hundred thousand calls have fewer.
const FACTS_MAX: u64 = 20_000_000;
/// The most differences that are shown one by one.
const SHOWN_MAX: usize = 10;
/// The most cautions of one day.
const CAUTIONS_MAX: usize = 20;
/// An answer within this time is in time, as in the live figures.
const IN_TIME_MS: u64 = 20_000;
const DAY_US: i64 = 86_400_000_000;

/// Which day is run again, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The day, such as 2026-11-22, in China's time.
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: String,
    /// How agents would have been chosen: longest_idle, least_occupied, round_robin, fewest_calls
    /// or skill_first.
    #[arg(long)]
    strategy: Option<String>,
    /// The queue that would have chosen so; all queues unless named.
    #[arg(long, requires = "strategy")]
    queue: Option<String>,
}

impl From<&Args> for ReplayRequest {
    fn from(args: &Args) -> Self {
        let Args { day, strategy, queue } = args.clone();
        Self { day, strategy, queue }
    }
}

/// What a queue's calls came to.
#[derive(Debug, Clone, Default)]
struct Came {
    figures: ReplayFigures,
    waits_ms: Vec<u64>,
}

impl Came {
    fn count(&mut self, fate: &Fate) {
        self.figures.calls += 1;
        match fate.end {
            End::Answered(_) => {
                self.figures.answered += 1;
                self.figures.in_time += u64::from(fate.waited_ms <= IN_TIME_MS);
                self.waits_ms.push(fate.waited_ms);
            }
            End::Left => self.figures.abandoned += 1,
            End::Elsewhere | End::Refused | End::Waits => {}
        }
    }

    /// The wait that so many percent of the answered did not exceed.
    fn wait_ms(&self, percent: usize) -> Option<u64> {
        let last = self.waits_ms.len().saturating_sub(1);
        self.waits_ms.get((self.waits_ms.len() * percent / 100).min(last)).copied()
    }

    fn sum_up(mut self) -> ReplayFigures {
        self.waits_ms.sort_unstable();
        let (median_ms, p90_ms) = (self.wait_ms(50), self.wait_ms(90));
        ReplayFigures { median_ms, p90_ms, ..self.figures }
    }
}

fn by_queue(fates: &BTreeMap<CallId, Fate>) -> BTreeMap<&QueueId, ReplayFigures> {
    let mut queues: BTreeMap<&QueueId, Came> = BTreeMap::new();
    for fate in fates.values() {
        queues.entry(&fate.queue).or_default().count(fate);
    }
    queues.into_iter().map(|(queue, came)| (queue, came.sum_up())).collect()
}

/// Runs a day again and says what came of it.
///
/// # Errors
/// The day, the strategy or the queue is none; nothing is kept of that day; or the database fails.
pub async fn run(store: &Store, config: &Config, args: &Args) -> anyhow::Result<()> {
    let request = ReplayRequest::from(args);
    let then = crate::assemble::distribution(config, &store.accounts().await?)?;
    let report = replay(store, (config, &then), &request, |how_far| eprintln!("replay: {how_far}"));
    let report = report.await?;
    for caution in &report.cautions {
        eprintln!("replay: {caution}");
    }
    say(&as_it_was(&request.day, &report))?;
    match &request.strategy {
        Some(strategy) => say(&with_another(&report, strategy, request.queue.as_deref())),
        None => Ok(()),
    }
}

/// Looks whether there are such a day, strategy and queue.
///
/// # Errors
/// There are not.
pub fn check(then: &acd::Config, request: &ReplayRequest) -> anyhow::Result<()> {
    instead(then, request)?;
    day_of(request).map(drop)
}

/// When a day begins and ends.
fn day_of(request: &ReplayRequest) -> anyhow::Result<(Wall, Wall)> {
    let Some(end) = recording::end_of_day(&request.day) else {
        bail!("{:?} is no day; write one like 2026-11-22", request.day);
    };
    Ok((Wall(end.0 - DAY_US), end))
}

/// Runs a day again. Says now and then how far it is.
///
/// # Errors
/// As of [`run`].
pub async fn replay(
    store: &Store,
    (config, then): (&Config, &acd::Config),
    request: &ReplayRequest,
    how_far: impl Fn(String),
) -> anyhow::Result<ReplayReport> {
    let instead = instead(then, request)?;
    let day = day_of(request)?;
    let mut report = ReplayReport::default();
    let day = read(store, (config, then), day, (&mut report, &how_far)).await?;
    if report.facts == 0 {
        bail!("nothing is kept of {}: no call and no agent was there that day", request.day);
    }
    (report.calls, report.offers) = (day.calls() as u64, day.offers().len() as u64);
    let differences = day.differences();
    report.differing = differences.len() as u64;
    report.differences = differences.into_iter().filter_map(shown).take(SHOWN_MAX).collect();
    if let Some(instead) = instead {
        how_far(format!("{} calls once more, with the other strategy", day.calls()));
        let compared = acd::what_if(then, &instead, ids(), day.inputs())?;
        report.queues = compare(&compared);
    }
    Ok(report)
}

fn shown(difference: acd::Difference) -> Option<ReplayDifference> {
    let acd::Difference { then, again } = difference;
    let one = then.as_ref().or(again.as_ref())?;
    let (at, call, queue) = (one.at, one.call, one.queue.clone());
    let whom = |offer: Option<acd::OfferMade>| offer.map(|offer| offer.agent);
    Some(ReplayDifference { at, call, queue, then: whom(then), again: whom(again) })
}

fn compare(compared: &acd::Comparison) -> Vec<ReplayQueue> {
    let (before, mut after) = (by_queue(&compared.before), by_queue(&compared.after));
    let mut moved: BTreeMap<&QueueId, u64> = BTreeMap::new();
    for (_, then, instead) in compared.changed() {
        *moved.entry(&then.queue).or_default() += u64::from(then.end != instead.end);
    }
    let queues = before.into_iter().map(|(queue, then)| ReplayQueue {
        queue: queue.clone(),
        then,
        instead: after.remove(queue).unwrap_or_default(),
        ended_otherwise: moved.get(queue).copied().unwrap_or(0),
    });
    queues.collect()
}

/// Any source gives the same offers the same numbers.
fn ids() -> IdSource {
    IdSource::new(1, 1)
}

/// The configuration with the other strategy, if one is asked for.
fn instead(then: &acd::Config, request: &ReplayRequest) -> anyhow::Result<Option<acd::Config>> {
    let Some(name) = &request.strategy else {
        anyhow::ensure!(request.queue.is_none(), "name the strategy that the queue would have had");
        return Ok(None);
    };
    // How soon each of several phones would have been answered is in no day.
    let single = |strategy: &Strategy| !strategy.rings_several();
    let Some(strategy) = Strategy::from_name(name).filter(single) else {
        let known: Vec<&str> = Strategy::ALL
            .iter()
            .filter(|known| single(known))
            .map(|known| known.as_str())
            .collect();
        bail!("there is no strategy {name:?}; choose among {}", known.join(", "));
    };
    let mut instead = then.clone();
    let known: Vec<&str> = then.queues.iter().map(|queue| queue.queue.as_str()).collect();
    if let Some(wanted) = &request.queue
        && !known.contains(&wanted.as_str())
    {
        bail!("there is no queue {wanted:?}; choose among {}", known.join(", "));
    }
    for queue in &mut instead.queues {
        if request.queue.as_deref().is_none_or(|wanted| wanted == queue.queue.as_str()) {
            queue.strategy = strategy;
        }
    }
    Ok(Some(instead))
}

/// Reads a day, and how everything was before it.
async fn read(
    store: &Store,
    (config, then): (&Config, &acd::Config),
    (begins, end): (Wall, Wall),
    (report, how_far): (&mut ReplayReport, &impl Fn(String)),
) -> anyhow::Result<StoredDay> {
    // Who was idle for longer before the day is so in it as well.
    let mut day = StoredDay::new(then, ids(), Wall(begins.0 - DAY_US))?;
    let mut page = store.facts_between((begins, end), None, PAGE).await?;
    let Some(first) = page.first() else { return Ok(day) };
    before(store, then, &mut day, FactKey { epoch: first.epoch, seq: first.seq }).await?;
    day.hours(config.calendars().iter().map(|(queue, hours)| (queue, hours.is_open(begins))));
    let ours = config.sha256();
    while let Some(last) = page.last() {
        report.facts += page.len() as u64;
        how_far(format!("read {} facts, up to {}", report.facts, clock(last.wall)));
        if report.facts > FACTS_MAX {
            bail!("there are more than {FACTS_MAX} facts of that day");
        }
        page.iter().for_each(|fact| day.apply(fact));
        let changes = page.iter().filter_map(|fact| of_change(&ours, fact));
        let room = CAUTIONS_MAX.saturating_sub(report.cautions.len());
        report.cautions.extend(changes.take(room));
        let (wall, key) = (last.wall, FactKey { epoch: last.epoch, seq: last.seq });
        page = store.facts_between((begins, end), Some((wall, key)), PAGE).await?;
    }
    day.finish(end);
    Ok(day)
}

/// How the agents were when the day began.
async fn before(
    store: &Store,
    then: &acd::Config,
    day: &mut StoredDay,
    first: FactKey,
) -> anyhow::Result<()> {
    let mut agents = Vec::new();
    for known in &then.agents {
        let last = store.agent_before(&known.agent, first).await;
        agents.extend(last.with_context(|| format!("agent {} cannot be read", known.agent))?);
    }
    agents.sort_by_key(|fact| (fact.epoch, fact.seq));
    agents.iter().for_each(|fact| day.apply(fact));
    Ok(())
}

/// With other queues and agents than then, nothing can be the same again.
fn of_change(ours: &str, fact: &Fact) -> Option<String> {
    let at = clock(fact.wall);
    match &fact.body {
        FactBody::EngineStarted { config_sha256, .. } if config_sha256 != ours => {
            Some(format!("at {at} the engine started with another configuration than this"))
        }
        FactBody::Steered { what, detail, .. } if what == "configure" => {
            Some(format!("at {at} the configuration changed: {detail}"))
        }
        _ => None,
    }
}

fn as_it_was(name: &str, report: &ReplayReport) -> String {
    let ReplayReport { facts, calls, offers, differing, differences, .. } = report;
    let mut text = format!("{name}: {facts} facts, {calls} calls in queues, {offers} offers\n");
    if *differing == 0 {
        text += "as it was: every offer went to the same agent again";
        return text;
    }
    let _ = write!(text, "as it was: of {differing} calls not every offer was the same again:");
    for difference in differences {
        let ReplayDifference { at, call, queue, then, again } = difference;
        let whom = |agent: &Option<AgentId>| {
            agent.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string)
        };
        let (then, again, at) = (whom(then), whom(again), clock(*at));
        let _ = write!(text, "\n  {at} {call} in {queue}: {then} then, {again} now");
    }
    let more = differing.saturating_sub(differences.len() as u64);
    if more > 0 {
        let _ = write!(text, "\n  and {more} more");
    }
    text
}

fn with_another(report: &ReplayReport, strategy: &str, wanted: Option<&str>) -> String {
    let mut text =
        format!("with {strategy}{}:", wanted.map_or(String::new(), |q| format!(" in {q}")));
    for ReplayQueue { queue, then, instead, ended_otherwise } in &report.queues {
        let line = |text: &mut String, what: &str, then: String, now: String| {
            let _ = write!(text, "\n    {what:<22} {then:>8} {now:>8}");
        };
        let both = |text: &mut String, what: &str, of: &dyn Fn(&ReplayFigures) -> String| {
            line(text, what, of(then), of(instead));
        };
        let _ = write!(text, "\n  {queue:<24} {:>8} {:>8}", "then", "instead");
        both(&mut text, "calls", &|of| of.calls.to_string());
        both(&mut text, "answered", &|of| of.answered.to_string());
        both(&mut text, "abandoned", &|of| of.abandoned.to_string());
        both(&mut text, "median wait, s", &|of| seconds(of.median_ms));
        both(&mut text, "P90 wait, s", &|of| seconds(of.p90_ms));
        both(&mut text, "answered within 20 s", &level);
        line(&mut text, "ended otherwise", "-".to_owned(), ended_otherwise.to_string());
    }
    text
}

fn seconds(ms: Option<u64>) -> String {
    ms.map_or_else(|| "-".to_owned(), |ms| format!("{}.{}", ms / 1_000, ms % 1_000 / 100))
}

fn level(of: &ReplayFigures) -> String {
    let all = of.answered + of.abandoned;
    (of.in_time * 1_000)
        .checked_div(all)
        .map_or_else(|| "-".to_owned(), |permille| format!("{}.{}%", permille / 10, permille % 10))
}

/// The time of day in China.
fn clock(at: Wall) -> String {
    let zone = TimeZone::fixed(Offset::constant(8));
    jiff::Timestamp::from_microsecond(at.0).map_or_else(
        |_| at.0.to_string(),
        |at| at.to_zoned(zone).strftime("%H:%M:%S%.3f").to_string(),
    )
}

#[cfg(test)]
mod tests;
