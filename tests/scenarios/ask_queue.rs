//! An agent asks a queue about a call: whoever of it is free next, from the desktop or by the
//! phone.

use std::collections::BTreeMap;

use acd::{Limits, Overflow, WaitLimit};
use cti::Command;
use media::Source;
use model::{
    AgentState, FactBody, HangupCause, Mono, Outcome, QueueId, Target, TransferEnd, TransferKind,
};
use sim::{Answer, CallerPlan, Media, PartyId, PhonePlan, Settings, Weather, World, settings};
use sip::Method;

use crate::own_calls::{calls, second_line};
use crate::transfer::{end, hears, hears_music, talking, transfers};
use crate::{assert_sound, ends, phone, rings, world};

const CONSULT: TransferKind = TransferKind::Consult;

fn ask(world: &mut World, queue: &str) {
    let to = Target::Queue(queue.into());
    assert_eq!(world.ask("8001", Command::Consult { to }), Ok(()));
}

fn hears_ringing(world: &World, ear: PartyId) -> bool {
    let heard = world.media(ear).map(|media| &media.hears);
    matches!(heard, Some(Source::Play(play)) if play.prompts[0].as_str() == "ringback")
}

/// 8001, who talks with a caller, asks `claims`, of which 8002 answers.
fn asking() -> (World, PartyId, PartyId, PartyId) {
    let (mut world, caller, first, second) = talking(Answer::After(1_000));
    ask(&mut world, "claims");
    world.run_until(6_500);
    assert!(hears_ringing(&world, first) && hears_music(&world, caller));
    world.run_until(9_000);
    assert!(hears(&world, first, second) && hears(&world, second, first));
    assert!(hears_music(&world, caller));
    (world, caller, first, second)
}

/// How many callers wait, as far as the facts tell.
fn offers(world: &World) -> usize {
    world.when(|body| matches!(body, FactBody::Offered { .. })).len()
}

#[test]
fn whoever_the_queue_has_is_asked_and_may_be_given_the_call() {
    let (mut world, caller, first, second) = asking();
    assert_eq!(rings(&world, "8002").len(), 1);
    assert_eq!(world.ask("8001", Command::CompleteTransfer), Ok(()));
    world.run_until(10_000);
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    assert!(!world.party(first).is_connected());
    assert_eq!(transfers(&world), [(CONSULT, TransferEnd::Completed)]);
    end(world, caller);
}

#[test]
fn whoever_the_queue_has_joins_all_three_or_leaves_again() {
    let (mut world, caller, first, second) = asking();
    assert_eq!(world.ask("8001", Command::SwapParties), Ok(()));
    assert!(hears(&world, caller, first) && hears_music(&world, second));
    assert_eq!(world.ask("8001", Command::Conference), Ok(()));
    assert!(hears(&world, caller, second) && hears(&world, caller, first));
    assert_eq!(world.ask("8002", Command::HangUp), Ok(()), "it is their call, too");
    world.run_until(10_000);
    assert!(hears(&world, caller, first) && !world.party(second).is_connected());
    assert_eq!(transfers(&world), [(CONSULT, TransferEnd::GuestLeft)]);
    let worked = |body: &FactBody| {
        matches!(body, FactBody::AgentChanged { agent, state: AgentState::Acw, .. }
            if agent.as_str() == "8002")
    };
    assert_eq!(world.when(worked).len(), 1);
    end(world, caller);
}

#[test]
fn who_does_not_take_it_is_passed_over_for_the_next() {
    for answer in [Answer::Refuses(486, 300), Answer::RingsOnly] {
        let (mut world, caller, first, _) = talking(answer);
        ask(&mut world, "claims");
        world.run_until(7_500);
        let third = phone(&mut world, "8003");
        world.run_until(40_000);
        assert_eq!(rings(&world, "8002").len(), 1, "{answer:?}");
        assert!(hears(&world, first, third) && hears_music(&world, caller), "{answer:?}");
        assert!(transfers(&world).is_empty());
        assert_eq!(world.ask("8001", Command::CancelConsult), Ok(()));
        world.run_until(41_000);
        assert!(hears(&world, caller, first) && !world.party(third).is_connected());
        end(world, caller);
    }
}

#[test]
fn an_agent_who_asks_no_more_is_not_waited_for() {
    for ask_again in [false, true] {
        let mut world = world();
        let first = phone(&mut world, "8001");
        world.desktop("8001", 1, Some(10));
        let caller = world.caller(1_000, CallerPlan::default());
        world.run_until(5_000);
        ask(&mut world, "claims");
        world.run_until(8_000);
        assert!(hears_ringing(&world, first), "nobody is there");
        assert_eq!(world.ask("8001", Command::CancelConsult), Ok(()));
        assert!(hears(&world, caller, first) && hears(&world, first, caller));
        if ask_again {
            ask(&mut world, "general");
        }
        let second = phone(&mut world, "8002");
        world.run_until(14_000);
        assert_eq!(rings(&world, "8002").len(), usize::from(ask_again));
        assert_eq!(hears(&world, first, second), ask_again);
        end(world, caller);
    }
}

#[test]
fn an_agent_who_does_not_wait_for_the_queue_leaves_the_caller_in_it() {
    for hangs_up in [false, true] {
        let mut world = world();
        let first = phone(&mut world, "8001");
        world.desktop("8001", 1, Some(10));
        let caller = world.caller(1_000, CallerPlan::default());
        world.run_until(5_000);
        let answers = vec![Answer::RingsOnly, Answer::After(500)];
        let second = world.phone(5_000, PhonePlan { answers, ..PhonePlan::of("8002") });
        world.run_until(6_000);
        ask(&mut world, "claims");
        world.run_until(8_000);
        match hangs_up {
            true => world.party_mut(first).hang_up(Mono::from_ms(8_000)),
            false => assert_eq!(world.ask("8001", Command::CompleteTransfer), Ok(())),
        }
        world.run_until(12_000);
        assert!(!world.party(first).is_connected());
        assert_eq!(transfers(&world), [(CONSULT, TransferEnd::Completed)]);
        assert!(hears(&world, caller, second) && hears(&world, second, caller));
        end(world, caller);
    }
}

#[test]
fn a_caller_who_hangs_up_while_the_queue_is_asked_leaves_nothing_in_it() {
    for answer in [Answer::RingsOnly, Answer::After(500)] {
        let (mut world, caller, first, second) = talking(answer);
        ask(&mut world, "claims");
        world.run_until(8_000);
        world.party_mut(caller).hang_up(Mono::from_ms(8_000));
        world.run_until(9_000);
        assert!(!world.party(first).is_connected() && !world.party(second).is_connected());
        let before = offers(&world);
        world.run_until(60_000);
        assert_eq!(offers(&world), before);
        assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
        assert_sound(&world);
    }
}

#[test]
fn a_queue_that_does_not_exist_or_may_not_is_not_asked() {
    let (mut world, caller, first, _) = talking(Answer::After(1_000));
    let to = Target::Queue("nowhere".into());
    assert_eq!(world.ask("8001", Command::Consult { to }), Err("unknown_target"));
    assert!(hears(&world, caller, first));
    end(world, caller);
}

#[test]
fn a_phone_asks_a_queue_by_a_call_of_its_own() {
    let (mut world, caller, first, second) = talking(Answer::After(1_500));
    let line = second_line(&mut world, "8001");
    let now = world.now();
    world.party_mut(first).change(now, Method::Invite, Media::SendOnly);
    world.party_mut(line).call(now, calls("8001", "claims"));
    world.run_for(1_000);
    let provisional = world.party(line).saw.provisional.iter().map(|(_, status)| *status);
    assert!(provisional.into_iter().all(|status| status == 180));
    assert!(!world.party(line).saw.provisional.is_empty());
    world.run_for(4_000);
    assert!(hears(&world, line, second) && hears(&world, second, line));
    assert!(hears_music(&world, caller));
    let now = world.now();
    world.party_mut(line).hang_up(now);
    world.run_for(500);
    assert!(!world.party(second).is_connected());
    assert_eq!(transfers(&world), [(CONSULT, TransferEnd::TakenBack)]);
    let now = world.now();
    world.party_mut(first).change(now, Method::Invite, Media::Talks);
    world.run_for(500);
    assert!(hears(&world, caller, first) && hears(&world, first, caller));
    end(world, caller);
}

#[test]
fn a_caller_is_left_in_the_queue_to_which_the_asked_one_has_sent_the_agent_on() {
    let to = Overflow::Queue("complaints".into());
    let wait = Some(WaitLimit { ms: 10_000, to });
    let claims = (100, Limits { wait, ..Limits::default() });
    let limits = BTreeMap::from([(QueueId::from("claims"), claims)]);
    let mut world = World::new(&Settings { limits, ..settings() }, Weather::FAIR, 1);
    phone(&mut world, "8001");
    world.desktop("8001", 1, Some(10));
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(5_000);
    ask(&mut world, "claims");
    world.run_until(17_000);
    assert_eq!(world.ask("8001", Command::CompleteTransfer), Ok(()));
    let queued = |fact: &model::Fact| match &fact.body {
        FactBody::Queued { queue, .. } => Some(queue.to_string()),
        _ => None,
    };
    let last = world.facts().iter().rev().find_map(queued);
    assert_eq!(last.as_deref(), Some("complaints"));
    // Complaints are the second tier's.
    let second = phone(&mut world, "8011");
    world.run_until(22_000);
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    end(world, caller);
}
