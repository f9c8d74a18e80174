//! `hotline replay`: a stored day runs again, as it was and with another strategy, and it is told
//! what would have changed. The facts are read page by page; nothing is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use acd::{End, Fate, StoredDay, Strategy};
use anyhow::{Context as _, bail};
use jiff::tz::{Offset, TimeZone};
use model::{CallId, Fact, FactBody, IdSource, QueueId, Wall};
use store::{FactKey, Store};

use crate::cli::say;
use crate::config::Config;

/// Facts that are read at a time.
const PAGE: u32 = 10_000;
/// The most facts of a day that are read: a hundred thousand calls have fewer.
const FACTS_MAX: u64 = 20_000_000;
/// The most differences that are shown one by one.
const SHOWN_MAX: usize = 10;
/// An answer within this time is in time, as in the live figures.
const IN_TIME_MS: u64 = 20_000;
const DAY_US: i64 = 86_400_000_000;

/// Which day is run again, and how.
#[derive(Debug, clap::Args)]
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

/// What a queue's calls came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Came {
    calls: u64,
    answered: u64,
    in_time: u64,
    lost: u64,
    waits_ms: Vec<u64>,
}

impl Came {
    fn count(&mut self, fate: &Fate) {
        self.calls += 1;
        match fate.end {
            End::Answered(_) => {
                self.answered += 1;
                self.in_time += u64::from(fate.waited_ms <= IN_TIME_MS);
                self.waits_ms.push(fate.waited_ms);
            }
            End::Left => self.lost += 1,
            End::Elsewhere | End::Refused | End::Waits => {}
        }
    }

    /// The wait that so many percent of the answered did not exceed, in seconds.
    fn wait_s(&self, percent: usize) -> String {
        let last = self.waits_ms.len().saturating_sub(1);
        let wait = self.waits_ms.get((self.waits_ms.len() * percent / 100).min(last));
        wait.map_or_else(|| "-".to_owned(), |ms| format!("{}.{}", ms / 1_000, ms % 1_000 / 100))
    }

    fn level(&self) -> String {
        let of = self.answered + self.lost;
        (self.in_time * 1_000).checked_div(of).map_or_else(
            || "-".to_owned(),
            |permille| format!("{}.{}%", permille / 10, permille % 10),
        )
    }
}

fn by_queue(fates: &BTreeMap<CallId, Fate>) -> BTreeMap<&QueueId, Came> {
    let mut queues: BTreeMap<&QueueId, Came> = BTreeMap::new();
    for fate in fates.values() {
        queues.entry(&fate.queue).or_default().count(fate);
    }
    queues.values_mut().for_each(|came| came.waits_ms.sort_unstable());
    queues
}

/// Runs a day again and says what came of it.
///
/// # Errors
/// The day, the strategy or the queue is none; nothing is kept of that day; or the database fails.
pub async fn run(store: &Store, config: &Config, args: &Args) -> anyhow::Result<()> {
    let then = crate::assemble::distribution(config, &store.accounts().await?)?;
    let instead = instead(&then, args)?;
    let Some(end) = recording::end_of_day(&args.day) else {
        bail!("{:?} is no day; write one like 2026-11-22", args.day);
    };
    let begins = Wall(end.0 - DAY_US);
    let (day, facts) = read(store, config, &then, (begins, end)).await?;
    if facts == 0 {
        bail!("nothing is kept of {}: no call and no agent was there that day", args.day);
    }
    say(&as_it_was(&args.day, &day, facts))?;
    let Some(instead) = instead else { return Ok(()) };
    eprintln!("replay: {} calls once more, with the other strategy", day.calls());
    let compared = acd::what_if(&then, &instead, ids(), day.inputs())?;
    let wanted = args.queue.as_deref();
    say(&with_another(&compared, args.strategy.as_deref().unwrap_or_default(), wanted))
}

/// Any source gives the same offers the same numbers.
fn ids() -> IdSource {
    IdSource::new(1, 1)
}

/// The configuration with the other strategy, if one is asked for.
fn instead(then: &acd::Config, args: &Args) -> anyhow::Result<Option<acd::Config>> {
    let Some(name) = &args.strategy else { return Ok(None) };
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
    if let Some(wanted) = &args.queue
        && !known.contains(&wanted.as_str())
    {
        bail!("there is no queue {wanted:?}; choose among {}", known.join(", "));
    }
    for queue in &mut instead.queues {
        if args.queue.as_deref().is_none_or(|wanted| wanted == queue.queue.as_str()) {
            queue.strategy = strategy;
        }
    }
    Ok(Some(instead))
}

/// Reads a day, and how everything was before it. Says on standard error how far it is.
async fn read(
    store: &Store,
    config: &Config,
    then: &acd::Config,
    (begins, end): (Wall, Wall),
) -> anyhow::Result<(StoredDay, u64)> {
    // Who was idle for longer before the day is so in it as well.
    let mut day = StoredDay::new(then, ids(), Wall(begins.0 - DAY_US))?;
    let mut page = store.facts_between((begins, end), None, PAGE).await?;
    let Some(first) = page.first() else { return Ok((day, 0)) };
    before(store, then, &mut day, FactKey { epoch: first.epoch, seq: first.seq }).await?;
    day.hours(config.calendars().iter().map(|(queue, hours)| (queue, hours.is_open(begins))));
    let mut facts = 0;
    while let Some(last) = page.last() {
        facts += page.len() as u64;
        eprintln!("replay: read {facts} facts, up to {}", clock(last.wall));
        if facts > FACTS_MAX {
            bail!("there are more than {FACTS_MAX} facts of that day");
        }
        page.iter().for_each(|fact| day.apply(fact));
        warn_of_change(config, &page);
        let (wall, key) = (last.wall, FactKey { epoch: last.epoch, seq: last.seq });
        page = store.facts_between((begins, end), Some((wall, key)), PAGE).await?;
    }
    day.finish(end);
    Ok((day, facts))
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
fn warn_of_change(config: &Config, facts: &[Fact]) {
    let ours = config.sha256();
    for fact in facts {
        if let FactBody::EngineStarted { config_sha256, .. } = &fact.body
            && *config_sha256 != ours
        {
            let at = clock(fact.wall);
            eprintln!("replay: at {at} the engine started with another configuration than this");
        }
    }
}

fn as_it_was(name: &str, day: &StoredDay, facts: u64) -> String {
    let (offers, differences) = (day.offers().len(), day.differences());
    let calls = day.calls();
    let mut text = format!("{name}: {facts} facts, {calls} calls in queues, {offers} offers\n");
    if differences.is_empty() {
        text += "as it was: every offer went to the same agent again";
        return text;
    }
    let count = differences.len();
    let _ = write!(text, "as it was: of {count} calls not every offer was the same again:");
    for difference in differences.iter().take(SHOWN_MAX) {
        let Some(one) = difference.then.as_ref().or(difference.again.as_ref()) else { continue };
        let whom = |offer: &Option<acd::OfferMade>| {
            offer.as_ref().map_or_else(|| "nobody".to_owned(), |offer| offer.agent.to_string())
        };
        let (then, again) = (whom(&difference.then), whom(&difference.again));
        let (at, call, queue) = (clock(one.at), one.call, &one.queue);
        let _ = write!(text, "\n  {at} {call} in {queue}: {then} then, {again} now");
    }
    if count > SHOWN_MAX {
        let _ = write!(text, "\n  and {} more", count - SHOWN_MAX);
    }
    text
}

fn with_another(compared: &acd::Comparison, strategy: &str, wanted: Option<&str>) -> String {
    let (before, after) = (by_queue(&compared.before), by_queue(&compared.after));
    let mut moved: BTreeMap<&QueueId, u64> = BTreeMap::new();
    for (_, then, instead) in compared.changed() {
        *moved.entry(&then.queue).or_default() += u64::from(then.end != instead.end);
    }
    let mut text =
        format!("with {strategy}{}:", wanted.map_or(String::new(), |q| format!(" in {q}")));
    let none = Came::default();
    for (queue, then) in &before {
        let now = after.get(queue).unwrap_or(&none);
        let line = |text: &mut String, what: &str, then: String, now: String| {
            let _ = write!(text, "\n    {what:<22} {then:>8} {now:>8}");
        };
        let _ = write!(text, "\n  {queue:<24} {:>8} {:>8}", "then", "instead");
        line(&mut text, "calls", then.calls.to_string(), now.calls.to_string());
        line(&mut text, "answered", then.answered.to_string(), now.answered.to_string());
        line(&mut text, "abandoned", then.lost.to_string(), now.lost.to_string());
        line(&mut text, "median wait, s", then.wait_s(50), now.wait_s(50));
        line(&mut text, "P90 wait, s", then.wait_s(90), now.wait_s(90));
        line(&mut text, "answered within 20 s", then.level(), now.level());
        let elsewhere = moved.get(queue).copied().unwrap_or(0).to_string();
        line(&mut text, "ended otherwise", "-".to_owned(), elsewhere);
    }
    text
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
