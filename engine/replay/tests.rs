//! Simulated days whose facts went through a real database run again.

use model::AgentId;
use sim::{CallerPlan, PhonePlan, Weather, World, settings};
use store::{Purpose, Writer, WriterLimits};

use super::*;

/// When simulated days begin.
const DAY: &str = "2027-01-15";

/// Three hours of a hotline: agents of different speed, callers who lose patience, one phone that
/// does not answer, and agents who come and go.
fn facts() -> Vec<Fact> {
    facts_of(&settings())
}

/// Three numbers that call again and again.
const REGULARS: [&str; 3] =
    ["<sip:13911112222@carrier>", "<sip:13733334444@carrier>", "<sip:13655556666@carrier>"];

fn facts_of(settings: &sim::Settings) -> Vec<Fact> {
    let mut world = World::new(settings, Weather::FAIR, 7);
    for (agent, talks_ms) in [("8001", 45_000), ("8002", 65_000), ("8003", 90_000)] {
        world.phone(0, PhonePlan { talks_ms: Some(talks_ms), ..PhonePlan::of(agent) });
    }
    let rings = vec![sim::Answer::RingsOnly, sim::Answer::After(2_000)];
    let late = PhonePlan { answers: rings, talks_ms: Some(140_000), ..PhonePlan::of("8004") };
    world.phone(600_000, late);
    for count in 1..=300_u64 {
        let hangs_up_after_ms = (count % 7 == 0).then_some(20_000 + count * 100);
        let is_regular = settings.trusts_carrier && count % 3 == 0;
        let number = is_regular.then_some(REGULARS[(count / 3 % 3) as usize]);
        let headers = number.map(|number| ("P-Asserted-Identity", number)).into_iter().collect();
        let plan = CallerPlan { hangs_up_after_ms, headers, ..CallerPlan::default() };
        world.caller(count * 21_000 + count % 5 * 3_000, plan);
    }
    world.run_until(3 * 3_600_000);
    world.facts().to_vec()
}

async fn store(facts: Vec<Fact>) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("hotline.db").display().to_string();
    let store = Store::open(&database, 1, Purpose::Engine).await.unwrap();
    let writer = Writer::start(&store, None, WriterLimits::default(), |_| {}).unwrap();
    for some in facts.chunks(1_000) {
        writer.append(some.to_vec(), Vec::new()).unwrap();
    }
    writer.stop(std::time::Duration::from_secs(30)).await.unwrap();
    (folder, store)
}

/// Runs the day again, as it was or with another strategy.
async fn again(store: &Store, then: &acd::Config, strategy: Option<&str>) -> ReplayReport {
    let config = Config::without_trunks();
    let request = ReplayRequest::from(&args(strategy, None));
    replay(store, (&config, then), &request, |_| ()).await.unwrap()
}

fn args(strategy: Option<&str>, queue: Option<&str>) -> Args {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Args { day: DAY.to_owned(), strategy: owned(strategy), queue: owned(queue) }
}

#[tokio::test]
async fn a_stored_day_offers_every_call_to_the_same_agents_again() {
    let facts = facts();
    let count = facts.len() as u64;
    let (_folder, store) = store(facts).await;
    let report = again(&store, &sim::config(&settings()).acd, None).await;
    assert_eq!(report.facts, count, "every fact is read once");
    assert_eq!(report.calls, 300);
    assert!(report.offers > 250, "{}", report.offers);
    let text = as_it_was(DAY, &report);
    assert!(text.ends_with("every offer went to the same agent again"), "{text}");
}

#[tokio::test]
async fn calls_that_were_put_forward_or_waited_for_one_agent_run_again_as_they_did() {
    let priorities = callflow::Priorities {
        repeat: Some(callflow::Within { within_ms: 1_800_000, ms: 45_000 }),
        last_agent: Some(callflow::Within { within_ms: 3_600_000, ms: 20_000 }),
        ..callflow::Priorities::default()
    };
    let settings = sim::Settings { priorities, trusts_carrier: true, ..settings() };
    let facts = facts_of(&settings);
    let counted = |fact: &&Fact| matches!(fact.body, FactBody::Prioritised { .. });
    assert!(facts.iter().filter(counted).count() > 50);
    let (_folder, store) = store(facts).await;
    let report = again(&store, &sim::config(&settings).acd, None).await;
    let text = as_it_was(DAY, &report);
    assert!(text.ends_with("every offer went to the same agent again"), "{text}");
}

#[tokio::test]
async fn a_day_of_queues_that_ring_everyone_runs_again_as_it_was() {
    let settings = sim::Settings { strategy: Strategy::RingAll, ..settings() };
    let facts = facts_of(&settings);
    let rang = |fact: &&Fact| matches!(fact.body, FactBody::Offered { .. });
    let offers = facts.iter().filter(rang).count();
    assert!(offers > 350, "many calls ring several: {offers}");
    let (_folder, store) = store(facts).await;
    let then = sim::config(&settings).acd;
    let report = again(&store, &then, Some("longest_idle")).await;
    assert_eq!((report.calls, report.offers), (300, offers as u64));
    let text = as_it_was(DAY, &report);
    assert!(text.ends_with("every offer went to the same agent again"), "{text}");
    let general = report.queues.iter().find(|one| one.queue.as_str() == "general").unwrap();
    assert!(general.then.answered > 250 && general.instead.answered > 250, "{general:?}");
}

#[tokio::test]
async fn another_strategy_changes_who_gets_calls_and_says_what_that_does_to_waits() {
    let (_folder, store) = store(facts()).await;
    let then = sim::config(&settings()).acd;
    let report = again(&store, &then, Some("fewest_calls")).await;
    let general = report.queues.iter().find(|one| one.queue.as_str() == "general").unwrap();
    assert!(general.ended_otherwise > 10, "{general:?}");
    let before = general.then.clone();
    assert!(before.answered > 250 && before.abandoned > 0, "{before:?}");
    let text = with_another(&report, "fewest_calls", None);
    for part in ["with fewest_calls:", "median wait, s", "answered within 20 s", "ended otherwise"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    // The same strategy changes nothing of who was answered.
    let same = again(&store, &then, Some("longest_idle")).await;
    let general = same.queues.iter().find(|one| one.queue.as_str() == "general").unwrap();
    assert_eq!(general.then, before);
}

#[tokio::test]
async fn where_the_room_decides_otherwise_the_first_offer_that_differs_is_named() {
    let mut facts = facts();
    let other = AgentId::from("8021");
    let changed = facts.iter_mut().find_map(|fact| match &mut fact.body {
        FactBody::Offered { call, agent, .. } => {
            Some((*call, std::mem::replace(agent, other.clone())))
        }
        _ => None,
    });
    let (call, agent) = changed.unwrap();
    let (_folder, store) = store(facts).await;
    let report = again(&store, &sim::config(&settings()).acd, None).await;
    let text = as_it_was(DAY, &report);
    let named = format!("{call} in general: 8021 then, {agent} now");
    assert!(text.contains(&named), "{named}: {text}");
}

#[tokio::test]
async fn what_cannot_be_run_again_is_said() {
    let (_folder, store) = store(Vec::new()).await;
    let config = Config::without_trunks();
    let failed = async |args: Args| run(&store, &config, &args).await.unwrap_err().to_string();
    let nothing = failed(args(None, None)).await;
    assert!(nothing.contains("nothing is kept of 2027-01-15"), "{nothing}");
    let strategy = failed(args(Some("luck"), None)).await;
    let known = "longest_idle, least_occupied, skill_first, round_robin, fewest_calls";
    assert!(strategy.ends_with(known), "{strategy}");
    let queue = failed(args(Some("skill_first"), Some("sales"))).await;
    assert!(queue.contains("no queue \"sales\"") && queue.contains("general"), "{queue}");
    let day = failed(Args { day: "yesterday".to_owned(), ..args(None, None) }).await;
    assert!(day.contains("is no day"), "{day}");
}
