//! Some callers are put forward in their queue, and some go to the agent who knows them.

use callflow::{Priorities, Within};
use model::{CallId, Fact, FactBody};
use sim::{Answer, CallerPlan, LookupBehaviour, Settings, Weather, World, settings};

use crate::callbacks::comes_to_work;
use crate::{assert_sound, call};

const MINUTE: u64 = 60_000;

fn hotline(priorities: Priorities) -> World {
    let settings = Settings { priorities, trusts_carrier: true, ..settings() };
    World::new(&settings, Weather::FAIR, 1)
}

/// Who is of class `a`, as all are whom the look-up finds, counts as if they waited for a minute.
fn by_class() -> Priorities {
    Priorities { classes_ms: [("a".to_owned(), MINUTE)].into(), ..Priorities::default() }
}

/// The calls in the order in which agents answered them, with who did.
fn answered(world: &World) -> Vec<(CallId, &str)> {
    let one = |fact: &'_ Fact| match &fact.body {
        FactBody::AgentAnswered { call, .. } => Some(*call),
        _ => None,
    };
    let calls = world.facts().iter().filter_map(one);
    let agents = world.facts().iter().filter_map(|fact| match &fact.body {
        FactBody::AgentAnswered { agent, .. } => Some(agent.as_str()),
        _ => None,
    });
    calls.zip(agents).collect()
}

/// What counted, by call: the head start, the reasons and the agent.
fn counted(world: &World) -> Vec<(u64, &str, Option<&str>)> {
    let one = |fact| match fact {
        &Fact {
            body: FactBody::Prioritised { head_start_ms, ref why, ref preferred, .. }, ..
        } => Some((head_start_ms, why.as_str(), preferred.as_ref().map(|agent| agent.as_str()))),
        _ => None,
    };
    world.facts().iter().filter_map(one).collect()
}

fn arrived(world: &World) -> Vec<CallId> {
    let one = |fact: &Fact| match fact.body {
        FactBody::CallArrived { call, .. } => Some(call),
        _ => None,
    };
    world.facts().iter().filter_map(one).collect()
}

/// Calls from this number and hangs up after so long.
fn calls_from(world: &mut World, at_ms: u64, identity: &'static str, hangs_up_after_ms: u64) {
    let headers = vec![("P-Asserted-Identity", identity)];
    let hangs_up_after_ms = Some(hangs_up_after_ms);
    world.caller(at_ms, CallerPlan { headers, hangs_up_after_ms, ..CallerPlan::default() });
}

const WANG: &str = "<sip:13911112222@carrier>";
const LI: &str = "<sip:13733334444@carrier>";

#[test]
fn a_customer_of_a_class_goes_before_who_came_a_little_earlier() {
    let mut world = hotline(by_class());
    world.lookups(LookupBehaviour::Unknown(5));
    call(&mut world, 1_000, 120_000);
    world.run_until(9_000);
    world.lookups(LookupBehaviour::Found(5));
    call(&mut world, 10_000, 120_000);
    world.run_until(30_000);
    comes_to_work(&mut world, "8001", Answer::After(0));
    world.run_until(40_000);
    let calls = arrived(&world);
    assert_eq!(answered(&world), [(calls[1], "8001")]);
    assert_eq!(counted(&world), [(MINUTE, "class", None)]);
    world.run_until(400_000);
    assert_sound(&world);
}

#[test]
fn who_waited_for_longer_than_the_head_start_goes_first_all_the_same() {
    let mut world = hotline(by_class());
    world.lookups(LookupBehaviour::Unknown(5));
    call(&mut world, 1_000, 200_000);
    world.run_until(60_000);
    world.lookups(LookupBehaviour::Found(5));
    call(&mut world, 62_000, 200_000);
    world.run_until(80_000);
    comes_to_work(&mut world, "8001", Answer::After(0));
    world.run_until(100_000);
    assert_eq!(answered(&world)[0].0, arrived(&world)[0]);
    world.run_until(500_000);
    assert_sound(&world);
}

#[test]
fn a_card_that_comes_late_counts_from_then_on() {
    let mut world = hotline(by_class());
    world.lookups(LookupBehaviour::Unknown(5));
    call(&mut world, 1_000, 120_000);
    world.run_until(1_500);
    world.lookups(LookupBehaviour::Found(150));
    call(&mut world, 2_000, 120_000);
    world.run_until(2_100);
    assert_eq!(counted(&world), []);
    world.run_until(3_000);
    assert_eq!(counted(&world), [(MINUTE, "class", None)]);
    comes_to_work(&mut world, "8001", Answer::After(0));
    world.run_until(10_000);
    assert_eq!(answered(&world)[0].0, arrived(&world)[1]);
    world.run_until(400_000);
    assert_sound(&world);
}

fn by_agent(ms: u64) -> Priorities {
    let within_ms = 60 * MINUTE;
    Priorities { last_agent: Some(Within { within_ms, ms }), ..Priorities::default() }
}

#[test]
fn who_calls_again_goes_to_the_agent_who_knows_them_though_another_is_idle_for_longer() {
    let mut world = hotline(by_agent(30_000));
    comes_to_work(&mut world, "8002", Answer::After(0));
    calls_from(&mut world, 1_000, WANG, 20_000);
    world.run_until(2_000);
    comes_to_work(&mut world, "8001", Answer::After(0));
    world.run_until(60_000);
    calls_from(&mut world, 60_000, LI, 20_000);
    calls_from(&mut world, 61_000, WANG, 20_000);
    world.run_until(70_000);
    let agents: Vec<&str> = answered(&world).into_iter().map(|(_, agent)| agent).collect();
    assert_eq!(agents, ["8002", "8001", "8002"]);
    assert_eq!(counted(&world), [(0, "last_agent", Some("8002"))]);
    world.run_until(200_000);
    assert_sound(&world);
}

#[test]
fn an_agent_who_stays_busy_is_waited_for_only_so_long() {
    let mut world = hotline(by_agent(15_000));
    comes_to_work(&mut world, "8002", Answer::After(0));
    calls_from(&mut world, 1_000, WANG, 20_000);
    world.run_until(40_000);
    calls_from(&mut world, 40_000, LI, 300_000);
    world.run_until(45_000);
    comes_to_work(&mut world, "8001", Answer::After(0));
    world.run_until(50_000);
    calls_from(&mut world, 50_000, WANG, 60_000);
    world.run_until(64_000);
    assert_eq!(answered(&world).len(), 2, "8001 is left alone for fifteen seconds");
    world.run_until(66_000);
    assert_eq!(answered(&world)[2].1, "8001");
    world.run_until(500_000);
    assert_sound(&world);
}

#[test]
fn an_agent_who_takes_no_calls_is_not_waited_for() {
    let mut world = hotline(by_agent(15_000));
    comes_to_work(&mut world, "8002", Answer::After(0));
    world.desktop("8002", 1, Some(5));
    calls_from(&mut world, 1_000, WANG, 20_000);
    world.run_until(40_000);
    let reason = model::NotReadyReason::Meal;
    assert_eq!(world.ask("8002", cti::Command::NotReady { reason }), Ok(()));
    comes_to_work(&mut world, "8001", Answer::After(0));
    world.run_until(50_000);
    calls_from(&mut world, 50_000, WANG, 20_000);
    world.run_until(51_000);
    assert_eq!(answered(&world)[1].1, "8001");
    world.run_until(200_000);
    assert_sound(&world);
}

#[test]
fn who_waited_in_vain_and_calls_again_is_put_forward_once() {
    let repeat = Some(Within { within_ms: 10 * MINUTE, ms: 2 * MINUTE });
    let mut world = hotline(Priorities { repeat, ..Priorities::default() });
    calls_from(&mut world, 1_000, WANG, 20_000);
    calls_from(&mut world, 30_000, LI, 300_000);
    calls_from(&mut world, 40_000, WANG, 300_000);
    world.run_until(60_000);
    assert_eq!(counted(&world), [(2 * MINUTE, "repeat", None)]);
    comes_to_work(&mut world, "8001", Answer::After(0));
    world.run_until(70_000);
    assert_eq!(answered(&world)[0].0, arrived(&world)[2]);
    world.run_until(400_000);
    // Ten minutes after their last call they are callers like others.
    calls_from(&mut world, 1_000_000, WANG, 20_000);
    world.run_until(1_100_000);
    assert_eq!(counted(&world).len(), 1);
    assert_sound(&world);
}
