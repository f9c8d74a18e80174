//! An agent has several phones: all ring for a call, and the first that answers has it.

use model::{FactBody, HangupCause, LegId, MissedCause, Outcome};
use sim::{Answer, PartyId, PhonePlan, Settings, Weather, World, settings};

use crate::transfer::{end, hears, hears_music, talking, to_agent};
use crate::{assert_sound, call, ends, rings, world};

const DESK: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

fn plan(agent: &str, answer: Answer) -> PhonePlan {
    PhonePlan { answers: vec![answer], ..PhonePlan::of(agent) }
}

/// One more phone of that agent.
fn phone(world: &mut World, agent: &str, answer: Answer) -> PartyId {
    world.phone(0, plan(agent, answer))
}

fn missed(world: &World) -> Vec<MissedCause> {
    let one = |fact: &model::Fact| match fact.body {
        FactBody::Missed { cause, .. } => Some(cause),
        _ => None,
    };
    world.facts().iter().filter_map(one).collect()
}

/// The legs by which phones of agents were rung, and how they ended.
fn legs(world: &World) -> Vec<(LegId, Option<HangupCause>)> {
    let rung = world.facts().iter().filter_map(|fact| match fact.body {
        FactBody::Rang { leg, .. } => Some(leg),
        _ => None,
    });
    let ended = |of: LegId| {
        world.facts().iter().find_map(|fact| match fact.body {
            FactBody::LegEnded { leg, cause, .. } if leg == of => Some(cause),
            _ => None,
        })
    };
    rung.map(|leg| (leg, ended(leg))).collect()
}

fn was_told_elsewhere(world: &World, party: PartyId) -> bool {
    let saw = &world.party(party).saw;
    saw.reasons.iter().any(|reason| reason.starts_with("SIP;cause=200"))
}

#[test]
fn all_phones_of_an_agent_ring_and_the_first_that_answers_has_the_call() {
    let mut world = world();
    let desk = phone(&mut world, "8001", Answer::After(9_000));
    let headset = phone(&mut world, "8001", Answer::After(4_000));
    let home = phone(&mut world, "8001", Answer::RingsOnly);
    let caller = call(&mut world, 1_000, 30_000);
    world.run_until(4_500);
    let rung = rings(&world, "8001");
    assert_eq!(rung.len(), 3);
    assert!(rung.iter().all(|at| at.ms_since(rung[0]) < 50), "together: {rung:?}");
    world.run_until(10_000);
    assert!(hears(&world, caller, headset) && hears(&world, headset, caller));
    for other in [desk, home] {
        assert_eq!(world.party(other).saw.cancels.len(), 1);
        assert!(was_told_elsewhere(&world, other), "{:?}", world.party(other).saw.reasons);
    }
    let answered = world.facts().iter().find_map(|fact| match fact.body {
        FactBody::AgentAnswered { leg, .. } => Some(leg),
        _ => None,
    });
    let (talks, over): (Vec<_>, Vec<_>) =
        legs(&world).into_iter().partition(|(_, end)| end.is_none());
    assert_eq!(talks.iter().map(|(leg, _)| Some(*leg)).collect::<Vec<_>>(), [answered]);
    assert!(over.iter().all(|(_, end)| *end == Some(HangupCause::AnsweredElsewhere)));
    assert_eq!(missed(&world), []);
    world.run_until(100_000);
    assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
    assert_sound(&world);
}

#[test]
fn a_phone_that_is_busy_leaves_the_others_ringing() {
    for status in [480, 486, 500, 503] {
        let mut world = world();
        phone(&mut world, "8001", Answer::Refuses(status, 200));
        let other = phone(&mut world, "8001", Answer::After(6_000));
        let caller = call(&mut world, 1_000, 30_000);
        world.run_until(10_000);
        assert!(hears(&world, caller, other), "{status}");
        assert_eq!((missed(&world), rings(&world, "8001").len()), (vec![], 2), "{status}");
        end(world, caller);
    }
}

#[test]
fn a_phone_that_declines_for_its_user_stops_the_others() {
    let mut world = world();
    phone(&mut world, "8001", Answer::Refuses(603, 2_000));
    let other = phone(&mut world, "8001", Answer::After(6_000));
    let next = world.phone(500, PhonePlan::of("8002"));
    let caller = call(&mut world, 1_000, 30_000);
    world.run_until(10_000);
    assert_eq!(missed(&world), [MissedCause::Rejected]);
    assert_eq!(world.party(other).saw.cancels.len(), 1);
    assert!(!was_told_elsewhere(&world, other), "nobody has answered then");
    assert!(hears(&world, caller, next));
    end(world, caller);
}

#[test]
fn after_the_last_phone_the_agent_has_missed_the_call_for_what_says_most() {
    for (first, second, cause) in [
        ((486, 1_000), (503, 3_000), MissedCause::Busy),
        ((503, 1_000), (486, 3_000), MissedCause::Busy),
        ((480, 1_000), (486, 3_000), MissedCause::Rejected),
        ((500, 1_000), (404, 3_000), MissedCause::Error),
    ] {
        let mut world = world();
        phone(&mut world, "8001", Answer::Refuses(first.0, first.1));
        phone(&mut world, "8001", Answer::Refuses(second.0, second.1));
        call(&mut world, 1_000, 6_000);
        world.run_until(3_500);
        assert_eq!(missed(&world), [], "one still rings");
        world.run_until(5_000);
        assert_eq!(missed(&world), [cause], "{first:?} {second:?}");
        world.run_until(100_000);
        assert_sound(&world);
    }
}

#[test]
fn two_phones_are_picked_up_at_the_same_moment_and_one_has_the_call() {
    for apart_ms in 0..=40 {
        let mut world = World::new(&settings(), Weather::FAIR, apart_ms + 1);
        let first = phone(&mut world, "8001", Answer::After(3_000));
        let second = phone(&mut world, "8001", Answer::After(3_000 + apart_ms));
        let caller = call(&mut world, 1_000, 30_000);
        world.run_until(10_000);
        let has_it = [first, second].map(|party| world.party(party).is_connected());
        assert_eq!(has_it.iter().filter(|has| **has).count(), 1, "{apart_ms} ms apart: {has_it:?}");
        let (talks, other) = if has_it[0] { (first, second) } else { (second, first) };
        assert!(hears(&world, caller, talks) && hears(&world, talks, caller));
        // The other heard a CANCEL in time, or its 200 was acknowledged and answered by a BYE.
        let saw = &world.party(other).saw;
        assert_eq!((saw.unacknowledged, saw.byes.len()), (0, saw.connected.len()));
        end(world, caller);
    }
}

#[test]
fn a_phone_that_answers_in_spite_of_the_cancel_is_told_goodbye() {
    let mut world = world();
    phone(&mut world, "8001", Answer::After(2_000));
    let deaf = PhonePlan { hears_cancel: false, ..plan("8001", Answer::After(2_500)) };
    let deaf = world.phone(0, deaf);
    call(&mut world, 1_000, 20_000);
    world.run_until(10_000);
    let saw = &world.party(deaf).saw;
    assert_eq!((saw.cancels.len(), saw.unacknowledged, saw.byes.len()), (1, 0, 1));
    assert!(!world.party(deaf).is_connected());
    world.run_until(100_000);
    assert_sound(&world);
}

#[test]
fn a_phone_that_says_nothing_is_given_up_and_the_others_ring_on() {
    let mut world = world();
    phone(&mut world, "8001", Answer::Silence);
    let other = phone(&mut world, "8001", Answer::After(9_000));
    let caller = call(&mut world, 1_000, 30_000);
    world.run_until(15_000);
    assert!(hears(&world, caller, other));
    assert_eq!(missed(&world), []);
    end(world, caller);
}

#[test]
fn a_silent_phone_and_one_that_is_busy_keep_no_caller_waiting() {
    let mut world = world();
    phone(&mut world, "8001", Answer::Silence);
    phone(&mut world, "8001", Answer::Refuses(486, 500));
    let next = world.phone(500, PhonePlan::of("8002"));
    let caller = call(&mut world, 1_000, 30_000);
    world.run_until(8_500);
    assert_eq!(missed(&world), [MissedCause::Busy]);
    assert!(hears(&world, caller, next));
    end(world, caller);
}

#[test]
fn a_phone_that_is_known_to_be_dead_is_not_rung() {
    let mut world = world();
    let dead = phone(&mut world, "8001", Answer::After(1_000));
    let other = phone(&mut world, "8001", Answer::After(1_000));
    world.run_until(2_000);
    world.party_mut(dead).set_power(false);
    let caller = call(&mut world, 20_000, 30_000);
    world.run_until(25_000);
    assert_eq!(rings(&world, "8001").len(), 1);
    assert!(hears(&world, caller, other));
    end(world, caller);
}

#[test]
fn rfc_5626_section_6_a_phone_that_registered_two_ways_rings_once() {
    let mut world = world();
    for reg_id in [1, 2] {
        let one = PhonePlan { instance: Some(DESK), reg_id: Some(reg_id), ..PhonePlan::of("8001") };
        world.phone(0, one);
    }
    let other = phone(&mut world, "8001", Answer::RingsOnly);
    let caller = call(&mut world, 1_000, 10_000);
    world.run_until(5_000);
    assert_eq!(rings(&world, "8001").len(), 2, "one way to the phone, and the other phone");
    assert_eq!(world.party(other).saw.invites.len(), 1);
    end(world, caller);
}

#[test]
fn where_it_is_configured_so_one_phone_rings_alone() {
    let settings = Settings { ring_all_phones: false, ..settings() };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    let first = phone(&mut world, "8001", Answer::RingsOnly);
    let last = world.phone(500, PhonePlan::of("8001"));
    let caller = call(&mut world, 1_000, 30_000);
    world.run_until(5_000);
    assert!(hears(&world, caller, last), "the one that registered last");
    assert!(world.party(first).saw.invites.is_empty());
    end(world, caller);
}

#[test]
fn the_caller_hangs_up_and_all_phones_of_the_agent_stop() {
    let mut world = world();
    let phones = [(); 3].map(|()| phone(&mut world, "8001", Answer::RingsOnly));
    call(&mut world, 1_000, 5_000);
    world.run_until(8_000);
    for party in phones {
        assert_eq!(world.party(party).saw.cancels.len(), 1);
        assert!(!was_told_elsewhere(&world, party));
    }
    assert_eq!((ends(world.facts())[0].0, missed(&world)), (Outcome::Abandoned, vec![]));
    world.run_until(100_000);
    assert_sound(&world);
}

#[test]
fn all_phones_ring_out_together_and_the_next_agent_is_rung() {
    let mut world = world();
    let phones = [(); 2].map(|()| phone(&mut world, "8001", Answer::RingsOnly));
    let next = world.phone(500, PhonePlan::of("8002"));
    let caller = call(&mut world, 1_000, 60_000);
    world.run_until(30_000);
    assert_eq!(missed(&world), [MissedCause::NoAnswer]);
    assert!(phones.iter().all(|party| world.party(*party).saw.cancels.len() == 1));
    assert!(hears(&world, caller, next));
    end(world, caller);
}

#[test]
fn a_colleague_who_is_asked_answers_by_any_of_their_phones() {
    let (mut world, caller, first, _) = talking(Answer::RingsOnly);
    let other = world.phone(6_100, plan("8002", Answer::After(3_000)));
    world.run_until(6_500);
    world.command("8001", cti::Command::Consult { to: to_agent("8002") });
    world.run_until(8_000);
    assert_eq!(rings(&world, "8002").len(), 2);
    world.run_until(12_000);
    assert!(hears(&world, first, other) && hears(&world, other, first));
    assert!(hears_music(&world, caller));
    end(world, caller);
}

#[test]
fn a_colleague_none_of_whose_phones_takes_the_call_is_not_waited_for() {
    let (mut world, caller, first, _) = talking(Answer::Refuses(486, 500));
    world.phone(6_100, plan("8002", Answer::Refuses(480, 1_500)));
    world.run_until(6_500);
    world.command("8001", cti::Command::Consult { to: to_agent("8002") });
    world.run_until(7_800);
    assert_eq!(missed(&world), [], "one still rings");
    world.run_until(10_000);
    assert_eq!(missed(&world), [MissedCause::Rejected]);
    assert!(hears(&world, caller, first) && hears(&world, first, caller));
    end(world, caller);
}

#[test]
fn in_bad_weather_no_call_and_no_phone_is_left() {
    for seed in 1..=20 {
        let mut world = World::new(&settings(), Weather::FOUL, seed);
        for (agent, ms) in [("8001", 2_000), ("8001", 2_020), ("8002", 3_000), ("8002", 900)] {
            phone(&mut world, agent, Answer::After(ms));
        }
        for at in 1..=6 {
            call(&mut world, at * 4_000, 9_000);
        }
        world.run_until(400_000);
        assert_sound(&world);
    }
}
