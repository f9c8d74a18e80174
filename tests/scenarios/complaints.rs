//! What users of today's systems complain about, each with the thread in which they do, played in
//! full: carrier, phones, desktops and a supervisor. Every one fails if its defect came back. Those
//! that are about the distribution alone stand in `crates/acd/tests`, those about callbacks and
//! unreachable phones in files of their own here, each beside its thread's name as well.

use std::collections::BTreeMap;

use cti::Event;
use model::{AgentState, FactBody, Mono, Outcome, QueueId};
use sim::{Answer, CallerPlan, PartyId, PhonePlan, Settings, Weather, World, settings};

use crate::callbacks::{comes_to_work, hotline, outcomes, presses};
use crate::calls_out::gateway;
use crate::transfer::{hears, leg};
use crate::{assert_sound, call, ends, phone, rings, world};

/// The state that an agent is in by the facts.
fn state(world: &World, who: &str) -> Option<AgentState> {
    let state = |fact: &model::Fact| match &fact.body {
        FactBody::AgentChanged { agent, state, .. } if agent.as_str() == who => Some(*state),
        _ => None,
    };
    world.facts().iter().rev().find_map(state)
}

/// What the board of a supervisor says last of a queue: who waits, and who is called back.
fn board(world: &World, of: &str) -> Option<(u32, u32)> {
    let log = world.desktop_log("lead")?;
    log.events.iter().rev().find_map(|(_, _, event)| match &**event {
        Event::QueueState { queue, waiting, callbacks, .. } if queue.as_str() == of => {
            Some((*waiting, *callbacks))
        }
        _ => None,
    })
}

/// A caller who chooses complaints in the menu, one second after the answer.
fn complains(world: &mut World, at_ms: u64, talks_ms: u64) -> PartyId {
    let plan = CallerPlan {
        number: "95512",
        keys: vec![(1_000, '3')],
        hangs_up_after_ms: Some(talks_ms),
        ..CallerPlan::default()
    };
    world.caller(at_ms, plan)
}

/// signalwire/freeswitch#1973: callers are listed as answered hours after they have hung up, by a
/// race between the agent's answer and the caller's end.
#[test]
fn a_caller_who_hangs_up_as_the_agent_answers_is_in_no_list_afterwards() {
    for talks_ms in (1_900..2_200).step_by(10) {
        let mut world = world();
        world.supervisor("lead");
        let answers = vec![Answer::After(1_000)];
        world.phone(0, PhonePlan { answers, ..PhonePlan::of("8001") });
        call(&mut world, 1_000, talks_ms - 1_000);
        world.run_until(30_000);
        assert_eq!(world.calls(), 0, "{talks_ms}: it is over");
        assert_eq!(ends(world.facts()).len(), 1, "{talks_ms}: exactly once");
        assert_eq!(board(&world, "general"), Some((0, 0)), "{talks_ms}");
        assert_eq!(state(&world, "8001"), Some(AgentState::Idle), "{talks_ms}");
        assert_sound(&world);
    }
}

/// signalwire/freeswitch#2540: with many agents and calls at once agents stay reserved for ever.
#[test]
fn nobody_stays_reserved_after_a_rush() {
    let mut world = world();
    let agents = ["8001", "8002", "8003", "8004", "8011", "8012", "8021"];
    for (at, agent) in agents.into_iter().enumerate() {
        let answer = [Answer::After(500), Answer::RingsOnly, Answer::Refuses(486, 200)][at % 3];
        let answers = vec![answer, Answer::After(700)];
        world.phone(0, PhonePlan { answers, ..PhonePlan::of(agent) });
    }
    for caller in 0..40 {
        call(&mut world, 1_000 + caller * 37, 500 + caller * 1_900);
    }
    world.run_until(600_000);
    for agent in agents {
        assert_eq!(state(&world, agent), Some(AgentState::Idle), "{agent}");
    }
    assert_sound(&world);
}

/// signalwire/freeswitch PR#1221 (fixes #1216): the last unavailable agent stops the distribution.
#[test]
fn an_agent_whose_phone_is_dead_does_not_hold_up_the_queue() {
    let mut world = world();
    // Idle longest, so that they are asked first.
    world.phone(0, PhonePlan { answers: vec![Answer::Silence], ..PhonePlan::of("8001") });
    world.phone(500, PhonePlan::of("8002"));
    call(&mut world, 2_000, 60_000);
    world.run_until(10_000);
    assert_eq!(rings(&world, "8002").len(), 1, "within the time that a phone has to say anything");
    world.run_until(90_000);
    assert_eq!(ends(world.facts())[0].0, Outcome::Answered);
    assert_sound(&world);
}

/// OpenSIPS/opensips#3123: an agent is locked in a call for ever whose other side is gone.
#[test]
fn an_agent_whose_caller_vanished_without_a_word_takes_the_next_call() {
    let mut world = world();
    let agent = phone(&mut world, "8001");
    let gone =
        world.caller(1_000, CallerPlan { silent_after_ms: Some(10_000), ..CallerPlan::default() });
    world.run_until(5_000);
    assert!(hears(&world, agent, gone));
    let dead = leg(&world, gone);
    world.run_until(41_000);
    world.lose_media(dead, 30_000);
    world.run_until(55_000);
    let next = call(&mut world, 55_000, 60_000);
    world.run_until(65_000);
    assert!(hears(&world, agent, next));
    world.run_until(300_000);
    assert_eq!(state(&world, "8001"), Some(AgentState::Idle));
    assert_eq!(ends(world.facts()).len(), 2);
}

/// asterisk/asterisk#1006 and PR#1377: after-call work ends early, or looks like being available.
#[test]
fn after_call_work_is_a_state_that_is_seen_and_lasts_as_long_as_it_is() {
    let mut world = world();
    phone(&mut world, "8001");
    world.supervisor("lead");
    call(&mut world, 1_000, 9_000);
    call(&mut world, 5_000, 60_000);
    world.run_until(15_000);
    assert_eq!(state(&world, "8001"), Some(AgentState::Acw));
    let shown = world.desktop_log("lead").expect("it is there").events.iter().rev();
    let mut shown = shown.filter_map(|(_, _, event)| match &**event {
        Event::QueueState { queue, agents, .. } if queue.as_str() == "general" => Some(*agents),
        _ => None,
    });
    let agents = shown.next().expect("the board has it");
    assert_eq!((agents.idle, agents.acw), (0, 1), "nobody is free");
    assert_eq!(rings(&world, "8001").len(), 1);
    world.run_until(19_900);
    assert_eq!(rings(&world, "8001").len(), 1, "not a moment before its ten seconds are over");
    world.run_until(21_000);
    assert_eq!(rings(&world, "8001").len(), 2);
    world.run_until(120_000);
    assert_sound(&world);
}

/// asterisk/asterisk#1637, PR#1640 and #1561: a call that waits longest in one queue blocks agents
/// who serve another one.
#[test]
fn a_call_that_nobody_there_may_take_keeps_no_other_queue_waiting() {
    let mut world = world();
    phone(&mut world, "8001");
    // Complaints are the second tier's, of which nobody is at work: it waits longest.
    complains(&mut world, 500, 300_000);
    for caller in 0..3 {
        call(&mut world, 10_000 + caller * 20_000, 8_000);
    }
    world.run_until(80_000);
    let answered = outcomes(&world).iter().filter(|end| **end == Outcome::Answered).count();
    assert_eq!(answered, 3, "each at once");
    world.run_until(400_000);
    assert_sound(&world);
}

/// MicrosoftDocs/OfficeDocs-SkypeForBusiness#9902: who comes to a queue again is the last one.
#[test]
fn who_is_sent_from_queue_to_queue_is_not_the_last_one_again() {
    let wait = Some(acd::WaitLimit { ms: 20_000, to: acd::Overflow::Queue("complaints".into()) });
    let limits = acd::Limits { wait, ..acd::Limits::default() };
    let limits = BTreeMap::from([(QueueId::from("general"), (100, limits))]);
    let settings = Settings { limits, ..settings() };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    let first = call(&mut world, 1_000, 600_000);
    // In the other queue when the first comes there, but later on the line.
    let second = complains(&mut world, 10_000, 600_000);
    world.run_until(60_000);
    let agent = world.phone(60_000, PhonePlan::of("8011"));
    world.run_until(70_000);
    assert!(hears(&world, agent, first) && !hears(&world, agent, second));
    for caller in [first, second] {
        world.party_mut(caller).hang_up(Mono::from_ms(80_000));
    }
    world.run_until(200_000);
    assert_sound(&world);
}

/// twilio-labs/plugin-queued-callbacks-and-voicemail#9: callbacks jump ahead of who waits on the
/// line, because the time at which they entered cannot be kept.
#[test]
fn a_callback_neither_jumps_ahead_nor_falls_behind() {
    let mut world = World::new(&hotline(), Weather::FAIR, 1);
    let customer = gateway(&mut world, 1, Answer::After(1_000));
    let before = call(&mut world, 1_000, 600_000);
    presses(&mut world, 5_000, "11");
    let after = call(&mut world, 10_000, 600_000);
    world.run_until(60_000);
    let agent = world.phone(60_000, PhonePlan::of("8001"));
    let mut heard = Vec::new();
    for at in (61_000..200_000).step_by(1_000) {
        world.run_until(at);
        for (name, party) in [("before", before), ("customer", customer), ("after", after)] {
            if hears(&world, agent, party) && !heard.contains(&name) {
                heard.push(name);
                world.party_mut(party).hang_up(Mono::from_ms(at + 5_000));
            }
        }
    }
    assert_eq!(heard, ["before", "customer", "after"]);
    world.run_until(300_000);
    assert_sound(&world);
}

/// service-cloud-voice/examples-from-doc#17: a callback vanishes from the supervisor's view when
/// the caller's call drops.
#[test]
fn a_callback_stays_on_the_board_when_the_caller_hangs_up() {
    let mut world = World::new(&hotline(), Weather::FAIR, 1);
    world.supervisor("lead");
    let customer = gateway(&mut world, 1, Answer::After(1_000));
    let caller = presses(&mut world, 1_000, "11");
    world.run_until(8_500);
    world.party_mut(caller).hang_up(Mono::from_ms(8_500));
    world.run_until(30_000);
    assert_eq!(world.calls(), 0, "the call has dropped");
    assert_eq!(board(&world, "general"), Some((0, 1)), "and the callback has not");
    comes_to_work(&mut world, "8001", Answer::After(1_000));
    world.run_until(60_000);
    assert_eq!(board(&world, "general"), Some((0, 0)), "the customer is talked with");
    world.party_mut(customer).hang_up(Mono::from_ms(60_000));
    world.run_until(120_000);
    assert_sound(&world);
}

/// amazon-connect-streams#292: the only agent is rung again and again after rejecting.
#[test]
fn the_only_agent_is_not_rung_again_after_rejecting() {
    let mut world = world();
    world.phone(0, PhonePlan { answers: vec![Answer::Refuses(603, 200)], ..PhonePlan::of("8001") });
    call(&mut world, 1_000, 120_000);
    world.run_until(200_000);
    assert_eq!(rings(&world, "8001").len(), 1);
    assert_eq!(outcomes(&world), [Outcome::Abandoned]);
    assert_sound(&world);
}
