//! Who would rather not wait hangs up, keeps the place, and is called when their turn comes.

use std::collections::BTreeMap;
use std::time::Duration;

use acd::{Calendar, CallbackRule, Span};
use callflow::Choice;
use model::{AgentState, CallId, Direction, FactBody, Mono, Outcome, Pii, QueueId, Wall};
use report::{CallRecord, CallRecords};
use sim::{Answer, CallerPlan, PartyId, PhonePlan, Settings, Weather, World, settings};

use crate::calls_out::{gateway, outward};
use crate::overflow::said;
use crate::{assert_sound, call, ends, rings};

pub(crate) const MINE: &str = "13911112222";
const OTHER: &str = "13733334444";
const DAY_US: i64 = 86_400_000_000;

/// Who waits in the general queue may press 1 to be called back, and 2 for the complaints.
pub(crate) fn hotline() -> Settings {
    let choices = [('1', Choice::Callback), ('2', Choice::Queue("complaints".into()))];
    let rule = CallbackRule { attempts: 2, retry_ms: 60_000, ..CallbackRule::default() };
    Settings {
        outward: Some(outward()),
        trusts_carrier: true,
        choices: BTreeMap::from([(QueueId::from("general"), choices.into())]),
        callbacks: Some(rule),
        ..settings()
    }
}

fn world() -> World {
    World::new(&hotline(), Weather::FAIR, 1)
}

/// Calls from [`MINE`] and presses these keys, a second apart, five seconds after the answer.
pub(crate) fn presses(world: &mut World, at_ms: u64, keys: &str) -> PartyId {
    let keys = (5_000..).step_by(1_000).zip(keys.chars()).collect();
    let plan = CallerPlan {
        keys,
        headers: vec![("P-Asserted-Identity", "<sip:13911112222@carrier>")],
        hangs_up_after_ms: Some(600_000),
        ..CallerPlan::default()
    };
    world.caller(at_ms, plan)
}

pub(crate) fn comes_to_work(world: &mut World, agent: &str, answer: Answer) {
    let at = world.now().as_ms();
    world.phone(at, PhonePlan { answers: vec![answer], ..PhonePlan::of(agent) });
}

pub(crate) fn records(world: &World) -> Vec<CallRecord> {
    let mut records = CallRecords::new(report::Limits::default());
    let mut last = BTreeMap::new();
    for record in world.facts().iter().filter_map(|fact| records.apply(fact)) {
        last.insert(record.call, record);
    }
    last.into_values().collect()
}

pub(crate) fn kinds(world: &World) -> Vec<&'static str> {
    let kinds = world.facts().iter().map(|fact| fact.body.kind());
    kinds.filter(|kind| kind.starts_with("callback")).collect()
}

pub(crate) fn outcomes(world: &World) -> Vec<Outcome> {
    ends(world.facts()).iter().map(|end| end.0).collect()
}

/// How each callback ended.
fn callback_ends(world: &World) -> Vec<(String, Option<CallId>)> {
    let end = |fact: &model::Fact| match &fact.body {
        FactBody::CallbackEnded { end, by, .. } => Some((end.clone(), *by)),
        _ => None,
    };
    world.facts().iter().filter_map(end).collect()
}

#[test]
fn who_is_called_back_has_the_place_that_they_had_and_later_callers_wait_behind() {
    let mut world = world();
    let customer = gateway(&mut world, 1, Answer::After(2_000));
    let caller = presses(&mut world, 1_000, "11");
    call(&mut world, 20_000, 300_000);
    world.run_until(60_000);
    assert_eq!(outcomes(&world), [Outcome::CalledBack]);
    assert_eq!(world.party(caller).saw.byes.len(), 1, "who is called back need not hang up");
    world.desktop("8001", 1, Some(40));
    comes_to_work(&mut world, "8001", Answer::After(1_000));
    world.run_until(90_000);

    let saw = &world.party(customer).saw;
    assert_eq!(saw.invitations[0].uri(), format!("sip:+86{MINE}@10.3.0.1"));
    let pops = &world.desktop_log("8001").expect("it is there").pops;
    assert!(pops[0].0 < rings(&world, "8001")[0], "the screen pops before the phone rings");
    assert!(rings(&world, "8001")[0] < saw.invites[0], "the agent first");
    assert!(world.party(customer).is_connected());
    world.party_mut(customer).hang_up(Mono::from_ms(100_000));
    world.run_until(400_000);

    assert_eq!(kinds(&world), ["callback_booked", "callback_begun", "callback_ended"]);
    let back = records(&world).remove(2);
    let reached = ("reached".to_owned(), Some(back.call));
    assert_eq!(callback_ends(&world), [reached], "it names the call by which they were");
    assert_eq!((back.direction, back.outcome), (Direction::Outbound, Outcome::Answered));
    assert_eq!((back.queue, back.ani), (Some("general".into()), Pii::from(MINE)));
    assert_eq!(back.agent, Some("8001".into()));
    assert!(back.acw_ms.is_some_and(|ms| ms >= 9_000), "after-call work as after any call");
    // The one who came later was answered after that.
    assert_eq!(rings(&world, "8001").len(), 2);
    assert_sound(&world);
}

#[test]
fn the_caller_hears_the_choices_and_the_number_and_that_it_is_kept() {
    let mut world = world();
    presses(&mut world, 1_000, "11");
    world.run_until(60_000);
    let said: Vec<String> = said(&world).into_iter().map(|(_, said)| said).collect();
    let digits: Vec<String> = MINE.chars().map(|digit| format!("digit_{digit}")).collect();
    let confirm = format!("callback_number {} callback_confirm", digits.join(" "));
    assert_eq!(said, ["no_agents wait_choices", &confirm, "callback_booked"]);
    world.stop();
    world.run_until(70_000);
    assert_sound(&world);
}

#[test]
fn another_number_is_keyed_and_one_for_help_is_not_taken() {
    let mut world = world();
    let customer = gateway(&mut world, 1, Answer::After(2_000));
    presses(&mut world, 1_000, &format!("12110#{OTHER}#1"));
    world.run_until(60_000);
    comes_to_work(&mut world, "8001", Answer::After(1_000));
    world.run_until(90_000);
    let called = world.party(customer).saw.invitations[0].uri().to_owned();
    assert_eq!(called, format!("sip:+86{OTHER}@10.3.0.1"));
    assert!(said(&world).iter().any(|(_, said)| said == "callback_wrong callback_ask"));
    world.party_mut(customer).hang_up(Mono::from_ms(90_000));
    world.run_until(120_000);
    assert_sound(&world);
}

#[test]
fn who_changes_their_mind_or_presses_nothing_more_waits_on_in_the_same_place() {
    for keys in ["10", "1", "12", "12137"] {
        let mut world = world();
        let caller = presses(&mut world, 1_000, keys);
        call(&mut world, 30_000, 300_000);
        world.run_until(150_000);
        comes_to_work(&mut world, "8001", Answer::After(1_000));
        world.run_until(160_000);
        assert!(kinds(&world).is_empty(), "{keys}");
        let answered = world.facts().iter().find_map(|fact| match &fact.body {
            FactBody::AgentAnswered { call, .. } => Some(call.0.counter()),
            _ => None,
        });
        let first = world.facts().iter().find_map(|fact| match &fact.body {
            FactBody::CallArrived { call, .. } => Some(call.0.counter()),
            _ => None,
        });
        assert_eq!(answered, first, "{keys}: who came first is answered first");
        assert!(world.party(caller).is_connected(), "{keys}");
        world.run_until(700_000);
        assert_sound(&world);
    }
}

/// fusionpbx#1322 and PR#6515, NethServer/dev#7566, onCloud feedback#46: a virtual queue is wanted,
/// with retries.
#[test]
fn who_is_not_reached_is_tried_again_and_then_given_up() {
    let mut world = world();
    gateway(&mut world, 1, Answer::Refuses(486, 500));
    presses(&mut world, 1_000, "11");
    world.run_until(30_000);
    comes_to_work(&mut world, "8001", Answer::After(1_000));
    world.run_until(60_000);
    let states = world.facts().iter().filter_map(|fact| match &fact.body {
        FactBody::AgentChanged { state, .. } => Some(*state),
        _ => None,
    });
    let states: Vec<AgentState> = states.collect();
    assert_eq!(states.last(), Some(&AgentState::Idle), "the agent is free again");
    assert!(!states.contains(&AgentState::Acw), "with nothing to work on");
    world.run_until(200_000);
    let all = ["callback_booked", "callback_begun", "callback_missed", "callback_begun"];
    assert_eq!(kinds(&world), [&all[..], &["callback_missed", "callback_ended"]].concat());
    let missed = world.when(|body| matches!(body, FactBody::CallbackMissed { .. }));
    assert!(missed[1].ms_since(missed[0]) >= 60_000);
    assert_eq!(callback_ends(&world), [("gave_up".to_owned(), None)]);
    let tried = [Outcome::CalledBack, Outcome::Unanswered, Outcome::Unanswered];
    assert_eq!(outcomes(&world), tried);
    assert_sound(&world);
}

#[test]
fn an_agent_who_does_not_answer_costs_the_customer_nothing() {
    let mut world = world();
    let customer = gateway(&mut world, 1, Answer::After(2_000));
    presses(&mut world, 1_000, "11");
    world.run_until(30_000);
    comes_to_work(&mut world, "8001", Answer::Refuses(480, 500));
    world.run_until(40_000);
    comes_to_work(&mut world, "8002", Answer::After(1_000));
    world.run_until(60_000);
    assert!(world.party(customer).is_connected());
    assert_eq!(world.party(customer).saw.invites.len(), 1);
    world.party_mut(customer).hang_up(Mono::from_ms(60_000));
    world.run_until(90_000);
    let back = records(&world).remove(1);
    let offered: Vec<&str> = back.offers.iter().map(|offer| offer.agent.as_str()).collect();
    assert_eq!(offered, ["8001", "8002"], "one call, offered until somebody took it");
    assert_sound(&world);
}

#[test]
fn who_dials_again_has_their_own_place_and_is_not_called_back_as_well() {
    let mut world = world();
    let customer = gateway(&mut world, 1, Answer::After(2_000));
    presses(&mut world, 1_000, "11");
    call(&mut world, 20_000, 300_000);
    let again = presses(&mut world, 100_000, "");
    world.run_until(110_000);
    let (end, by) = callback_ends(&world).remove(0);
    assert_eq!((end.as_str(), by.is_some()), ("rejoined", true));
    comes_to_work(&mut world, "8001", Answer::After(1_000));
    world.run_until(130_000);
    let hears = world.media(again).map(|media| &media.hears);
    assert!(matches!(hears, Some(media::Source::Leg(_))), "before who came later: {hears:?}");
    world.run_until(800_000);
    assert!(world.party(customer).saw.invitations.is_empty());
    let joined = records(&world).into_iter().find(|record| Some(record.call) == by);
    let waited_ms = joined.and_then(|record| record.waited_ms).expect("it waited");
    assert!(waited_ms > 100_000, "since the first call: {waited_ms} ms");
    assert_sound(&world);
}

#[test]
fn who_dials_again_while_being_called_is_the_agents_next_call() {
    let mut world = world();
    let customer = gateway(&mut world, 1, Answer::RingsOnly);
    presses(&mut world, 1_000, "11");
    world.run_until(30_000);
    comes_to_work(&mut world, "8001", Answer::After(1_000));
    let again = presses(&mut world, 40_000, "");
    world.run_until(50_000);
    assert_eq!(world.party(customer).saw.cancels.len(), 1, "nobody calls them any more");
    let hears = world.media(again).map(|media| &media.hears);
    assert!(matches!(hears, Some(media::Source::Leg(_))), "{hears:?}");
    world.run_until(800_000);
    assert_sound(&world);
}

#[test]
fn another_queue_by_key_keeps_the_time_waited() {
    let mut world = world();
    presses(&mut world, 1_000, "2");
    world.run_until(10_000);
    let queued: Vec<String> = world
        .facts()
        .iter()
        .filter_map(|fact| match &fact.body {
            FactBody::Queued { queue, .. } => Some(queue.to_string()),
            FactBody::Overflowed { why, .. } => Some(why.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(queued, ["general", "chosen", "complaints"]);
    comes_to_work(&mut world, "8011", Answer::After(1_000));
    world.run_until(700_000);
    let record = records(&world).remove(0);
    assert_eq!((record.queue, record.outcome), (Some("complaints".into()), Outcome::Answered));
    assert!(record.waited_ms.is_some_and(|ms| ms > 9_000), "{:?}", record.waited_ms);
    assert_sound(&world);
}

#[test]
fn callbacks_outlive_a_restart_and_keep_their_place() {
    let mut before = world();
    presses(&mut before, 1_000, "11");
    before.run_until(60_000);
    let standing = before.facts().to_vec();
    let started = settings().started.after(Duration::from_secs(60));
    let settings = Settings { standing, started, ..hotline() };
    let mut world = World::new(&settings, Weather::FAIR, 2);
    let customer = gateway(&mut world, 1, Answer::After(2_000));
    // Someone new is there before the first agent.
    call(&mut world, 1_000, 300_000);
    world.run_until(10_000);
    world.desktop("8001", 1, Some(40));
    comes_to_work(&mut world, "8001", Answer::After(1_000));
    world.run_until(30_000);
    assert!(world.party(customer).is_connected());
    let log = world.desktop_log("8001").expect("it is there");
    let waited = log.events.iter().find_map(|(_, _, event)| match &**event {
        cti::Event::ScreenPop { waited_ms, .. } => Some(*waited_ms),
        _ => None,
    });
    assert!(waited.is_some_and(|ms| ms > 60_000), "since long before the start: {waited:?}");
    world.party_mut(customer).hang_up(Mono::from_ms(40_000));
    world.run_until(600_000);
    assert_eq!(callback_ends(&world)[0].0, "reached");
    assert_sound(&world);
}

#[test]
fn an_engine_that_stops_leaves_its_callbacks_to_the_next() {
    let mut world = world();
    gateway(&mut world, 1, Answer::RingsOnly);
    presses(&mut world, 1_000, "11");
    world.run_until(30_000);
    comes_to_work(&mut world, "8001", Answer::After(1_000));
    world.run_until(40_000);
    world.stop();
    world.run_until(60_000);
    assert!(world.is_stopped());
    assert!(callback_ends(&world).is_empty(), "it is still to be done");
    assert_sound(&world);
}

#[test]
fn after_a_restart_at_night_nobody_is_called_until_the_queue_opens() {
    let mut before = world();
    presses(&mut before, 1_000, "11");
    before.run_until(60_000);
    let standing = before.facts().iter().filter(|fact| fact.body.kind() == "callback_booked");
    // It opens a minute after the start.
    let opens = Span { from_min: 180, to_min: 1_440 };
    let week = std::array::from_fn(|_| vec![opens]);
    let calendar = Calendar { offset_s: 0, week, named: BTreeMap::new() };
    let night = Wall(settings().started.0 / DAY_US * DAY_US + 179 * 60_000_000);
    let settings = Settings {
        standing: standing.cloned().collect(),
        started: night,
        hours: BTreeMap::from([("general".into(), calendar.into())]),
        ..hotline()
    };
    let mut world = World::new(&settings, Weather::FAIR, 2);
    let customer = gateway(&mut world, 1, Answer::After(2_000));
    comes_to_work(&mut world, "8001", Answer::After(1_000));
    world.run_until(59_000);
    assert!(rings(&world, "8001").is_empty(), "it is closed");
    world.run_until(70_000);
    assert!(world.party(customer).is_connected(), "it is open");
    world.party_mut(customer).hang_up(Mono::from_ms(70_000));
    world.run_until(120_000);
    assert_sound(&world);
}
