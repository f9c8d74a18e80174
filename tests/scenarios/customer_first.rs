//! A queue that calls the customer first: an agent is reserved and sees who it is, the customer is
//! called, and the agent's phone rings as soon as they answer.

use std::collections::BTreeSet;

use model::{AgentState, FactBody, Mono, Outcome};
use sim::{Answer, PhonePlan, Settings, Weather, World};

use crate::callbacks::{MINE, comes_to_work, hotline, kinds, outcomes, presses, records};
use crate::calls_out::gateway;
use crate::overflow::said;
use crate::transfer::{hears, hears_music};
use crate::{assert_sound, call, rings};

fn world() -> World {
    let customer_first = BTreeSet::from(["general".into()]);
    World::new(&Settings { customer_first, ..hotline() }, Weather::FAIR, 1)
}

/// The states that an agent went through.
fn states(world: &World, who: &str) -> Vec<AgentState> {
    let state = |fact: &model::Fact| match &fact.body {
        FactBody::AgentChanged { agent, state, .. } if agent.as_str() == who => Some(*state),
        _ => None,
    };
    world.facts().iter().filter_map(state).collect()
}

#[test]
fn the_screen_pops_then_the_customer_is_called_and_the_phone_rings_when_they_answer() {
    let mut world = world();
    let customer = gateway(&mut world, 1, Answer::After(6_000));
    presses(&mut world, 1_000, "11");
    call(&mut world, 20_000, 300_000);
    world.run_until(60_000);
    world.desktop("8001", 1, Some(40));
    let at = world.now().as_ms();
    let phone = PhonePlan { answers: vec![Answer::After(1_000)], ..PhonePlan::of("8001") };
    let agent = world.phone(at, phone);
    world.run_until(64_000);
    let pops = world.desktop_log("8001").expect("it is there").pops.clone();
    let saw = &world.party(customer).saw;
    assert_eq!(pops.len(), 1, "the agent sees whom it is about");
    assert!(pops[0].0 <= saw.invites[0]);
    assert!(rings(&world, "8001").is_empty(), "nobody is on the line yet");
    world.run_until(66_500);
    let rung = rings(&world, "8001");
    assert_eq!(rung.len(), 1, "as soon as the customer answers");
    assert!(said(&world).iter().any(|(_, said)| said == "callback_hello"));
    world.run_until(75_000);
    assert!(hears(&world, customer, agent) && hears(&world, agent, customer));
    assert_eq!(world.desktop_log("8001").expect("it is there").pops.len(), 1, "popped once");
    world.party_mut(customer).hang_up(Mono::from_ms(100_000));
    world.run_until(400_000);
    assert_eq!(kinds(&world), ["callback_booked", "callback_begun", "callback_ended"]);
    let back = records(&world).remove(2);
    assert_eq!((back.outcome, back.ani.reveal().as_str()), (Outcome::Answered, MINE));
    assert_eq!((back.queue, back.agent), (Some("general".into()), Some("8001".into())));
    assert!(back.waited_ms.is_some_and(|ms| ms < 3_000), "on the line: {:?}", back.waited_ms);
    assert_sound(&world);
}

#[test]
fn a_customer_who_does_not_answer_costs_the_agent_no_ringing_and_is_tried_again() {
    let mut world = world();
    gateway(&mut world, 1, Answer::Refuses(486, 500));
    presses(&mut world, 1_000, "11");
    world.run_until(30_000);
    comes_to_work(&mut world, "8001", Answer::After(1_000));
    world.run_until(200_000);
    let all = ["callback_booked", "callback_begun", "callback_missed", "callback_begun"];
    assert_eq!(kinds(&world), [&all[..], &["callback_missed", "callback_ended"]].concat());
    assert!(rings(&world, "8001").is_empty());
    assert_eq!(states(&world, "8001").last(), Some(&AgentState::Idle), "free for others");
    let tried = [Outcome::CalledBack, Outcome::Unanswered, Outcome::Unanswered];
    assert_eq!(outcomes(&world), tried);
    assert_sound(&world);
}

#[test]
fn a_customer_whose_telephone_rings_on_is_given_up_after_the_queues_time() {
    let mut world = world();
    let customer = gateway(&mut world, 1, Answer::RingsOnly);
    presses(&mut world, 1_000, "11");
    world.run_until(30_000);
    comes_to_work(&mut world, "8001", Answer::After(1_000));
    world.run_until(80_000);
    assert_eq!(world.party(customer).saw.cancels.len(), 1);
    assert_eq!(states(&world, "8001").last(), Some(&AgentState::Idle));
    world.run_until(300_000);
    assert_sound(&world);
}

#[test]
fn a_reserved_agent_who_does_not_pick_up_leaves_the_customer_at_the_head_of_the_line() {
    let mut world = world();
    let customer = gateway(&mut world, 1, Answer::After(2_000));
    presses(&mut world, 1_000, "11");
    world.run_until(30_000);
    comes_to_work(&mut world, "8001", Answer::RingsOnly);
    call(&mut world, 40_000, 300_000);
    world.run_until(45_000);
    assert!(world.party(customer).is_connected() && hears_music(&world, customer));
    world.run_until(56_000);
    let next = world.phone(56_000, PhonePlan::of("8002"));
    world.run_until(62_000);
    assert!(hears(&world, customer, next), "before who came later");
    world.party_mut(customer).hang_up(Mono::from_ms(70_000));
    world.run_until(400_000);
    let back = records(&world).into_iter().find(|record| record.ani.reveal() == MINE);
    let offered = |record: &report::CallRecord| record.offers.len();
    assert_eq!(back.map(|back| offered(&back)), Some(0), "the first call was offered to nobody");
    assert_sound(&world);
}

#[test]
fn a_customer_who_hangs_up_before_the_agent_picks_up_has_left_the_line() {
    let mut world = world();
    let customer = gateway(&mut world, 1, Answer::After(2_000));
    presses(&mut world, 1_000, "11");
    world.run_until(30_000);
    comes_to_work(&mut world, "8001", Answer::RingsOnly);
    world.run_until(36_000);
    world.party_mut(customer).hang_up(Mono::from_ms(36_000));
    world.run_until(60_000);
    assert_eq!(outcomes(&world), [Outcome::CalledBack, Outcome::Abandoned]);
    assert_eq!(states(&world, "8001").last(), Some(&AgentState::Idle));
    assert_sound(&world);
}

#[test]
fn a_reserved_agent_who_declines_costs_the_customer_no_attempt() {
    let mut world = world();
    let customer = gateway(&mut world, 1, Answer::After(10_000));
    presses(&mut world, 1_000, "11");
    world.run_until(30_000);
    world.desktop("8001", 1, Some(40));
    comes_to_work(&mut world, "8001", Answer::After(1_000));
    world.run_until(35_000);
    world.command("8001", cti::Command::HangUp);
    world.run_until(40_000);
    assert_eq!(world.party(customer).saw.cancels.len(), 1, "for nobody");
    comes_to_work(&mut world, "8002", Answer::After(1_000));
    world.run_until(60_000);
    assert!(world.party(customer).is_connected());
    assert!(!kinds(&world).contains(&"callback_missed"), "{:?}", kinds(&world));
    world.party_mut(customer).hang_up(Mono::from_ms(70_000));
    world.run_until(120_000);
    assert_sound(&world);
}

#[test]
fn an_agent_who_hangs_up_while_the_customer_rings_costs_them_no_attempt() {
    let mut world = World::new(&hotline(), Weather::FAIR, 1);
    let customer = gateway(&mut world, 1, Answer::After(10_000));
    presses(&mut world, 1_000, "11");
    world.run_until(30_000);
    let at = world.now().as_ms();
    let phone = PhonePlan { answers: vec![Answer::After(1_000)], ..PhonePlan::of("8001") };
    let agent = world.phone(at, phone);
    world.run_until(36_000);
    assert_eq!(world.party(customer).saw.invites.len(), 1, "the agent first");
    world.party_mut(agent).hang_up(Mono::from_ms(36_000));
    world.run_until(40_000);
    assert!(!kinds(&world).contains(&"callback_missed"), "{:?}", kinds(&world));
    comes_to_work(&mut world, "8002", Answer::After(1_000));
    world.run_until(60_000);
    assert!(world.party(customer).is_connected(), "at once, and not after a rest");
    world.party_mut(customer).hang_up(Mono::from_ms(70_000));
    world.run_until(120_000);
    assert_sound(&world);
}
