//! The agent asks someone while the caller waits, and then gives the call to them, takes the caller
//! back, or lets all three talk (RFC 5359 §2.5, §2.10).

use cti::{CallPhase, Command, Event};
use model::{AgentAction, FactBody, MissedCause, Mono, TransferEnd, TransferKind};
use sim::{Answer, PartyId, World};

use crate::transfer::{allowed, end, hears, hears_music, leg, talking, to_agent, transfers};
use crate::{assert_sound, rings};

const CONSULT: TransferKind = TransferKind::Consult;

/// 8001 asks 8002, who has answered; the caller hears music.
fn consulting() -> (World, PartyId, PartyId, PartyId) {
    let (mut world, caller, first, second) = talking(Answer::After(1_000));
    assert_eq!(world.ask("8001", Command::Consult { to: to_agent("8002") }), Ok(()));
    world.run_until(9_000);
    assert!(hears(&world, first, second) && hears(&world, second, first));
    assert!(hears_music(&world, caller));
    (world, caller, first, second)
}

#[test]
fn rfc_5359_section_2_5_attended_transfer() {
    let (mut world, caller, first, second) = consulting();
    assert_eq!(world.ask("8001", Command::CompleteTransfer), Ok(()));
    world.run_until(10_000);
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    assert!(!world.party(first).is_connected());
    assert_eq!(transfers(&world), [(CONSULT, TransferEnd::Completed)]);
    assert_eq!(world.taped(), [leg(&world, second)]);
    end(world, caller);
}

#[test]
fn the_agent_goes_between_caller_and_colleague() {
    let (mut world, caller, first, second) = consulting();
    assert_eq!(world.ask("8001", Command::SwapParties), Ok(()));
    assert!(hears(&world, caller, first) && hears(&world, first, caller));
    assert!(hears_music(&world, second));
    assert_eq!(world.ask("8001", Command::SwapParties), Ok(()));
    assert!(hears(&world, first, second) && hears_music(&world, caller));
    assert_eq!(world.ask("8001", Command::CancelConsult), Ok(()));
    world.run_until(10_000);
    assert!(hears(&world, caller, first) && hears(&world, first, caller));
    assert!(!world.party(second).is_connected());
    assert_eq!(transfers(&world), [(CONSULT, TransferEnd::TakenBack)]);
    end(world, caller);
}

#[test]
fn rfc_5359_section_2_10_three_talk_and_whoever_leaves_leaves_two() {
    for leaves in 0..2 {
        let (mut world, caller, first, second) = consulting();
        assert_eq!(world.ask("8001", Command::Conference), Ok(()));
        for (one, others) in
            [(caller, [first, second]), (first, [caller, second]), (second, [caller, first])]
        {
            assert!(others.iter().all(|other| hears(&world, one, *other)));
            assert!(!hears(&world, one, one));
        }
        assert_eq!(world.taped(), [leg(&world, first), leg(&world, second)], "both are taped");
        let (goes, stays) = [(first, second), (second, first)][leaves];
        world.party_mut(goes).hang_up(Mono::from_ms(12_000));
        world.run_until(13_000);
        assert!(hears(&world, caller, stays) && hears(&world, stays, caller));
        assert!(!world.party(goes).is_connected());
        assert_eq!(world.taped(), [leg(&world, stays)]);
        end(world, caller);
    }
}

#[test]
fn when_the_caller_leaves_a_conference_it_is_over() {
    let (mut world, caller, first, second) = consulting();
    world.command("8001", Command::Conference);
    world.party_mut(caller).hang_up(Mono::from_ms(12_000));
    world.run_until(13_000);
    assert!(!world.party(first).is_connected() && !world.party(second).is_connected());
    world.run_for(60_000);
    assert_sound(&world);
}

#[test]
fn a_colleague_who_does_not_answer_leaves_the_caller_with_the_agent() {
    for (answer, cause) in
        [(Answer::RingsOnly, MissedCause::NoAnswer), (Answer::Refuses(486, 300), MissedCause::Busy)]
    {
        let (mut world, caller, first, _) = talking(answer);
        world.command("8001", Command::Consult { to: to_agent("8002") });
        world.run_until(7_000);
        world.run_until(40_000);
        assert!(hears(&world, caller, first) && hears(&world, first, caller));
        assert_eq!(transfers(&world), [(CONSULT, TransferEnd::Missed(cause))]);
        end(world, caller);
    }
}

#[test]
fn a_colleague_who_hangs_up_leaves_the_caller_with_the_agent() {
    let (mut world, caller, first, second) = consulting();
    world.party_mut(second).hang_up(Mono::from_ms(9_500));
    world.run_until(10_000);
    assert!(hears(&world, caller, first) && hears(&world, first, caller));
    assert_eq!(transfers(&world), [(CONSULT, TransferEnd::GuestLeft)]);
    end(world, caller);
}

#[test]
fn an_agent_who_hangs_up_while_asking_hands_the_call_over() {
    let (mut world, caller, first, second) = consulting();
    world.party_mut(first).hang_up(Mono::from_ms(9_500));
    world.run_until(10_000);
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    assert_eq!(transfers(&world), [(CONSULT, TransferEnd::Completed)]);
    end(world, caller);
}

#[test]
fn an_agent_whose_phone_dies_while_asking_hands_the_call_over() {
    let (mut world, caller, first, second) = consulting();
    let leg = world.media(first).expect("it has media").leg;
    world.lose_media(leg, 30_000);
    world.run_until(10_000);
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    end(world, caller);
}

#[test]
fn completing_while_the_colleague_is_rung_makes_the_transfer_a_blind_one() {
    let (mut world, caller, first, second) = talking(Answer::After(4_000));
    world.command("8001", Command::Consult { to: to_agent("8002") });
    world.run_until(8_000);
    assert_eq!(world.ask("8001", Command::CompleteTransfer), Ok(()));
    world.run_until(9_000);
    assert!(hears_music(&world, caller) && world.party(first).is_connected());
    world.run_until(14_000);
    assert!(hears(&world, caller, second) && !world.party(first).is_connected());
    end(world, caller);
}

#[test]
fn the_caller_hangs_up_in_the_consultation() {
    let (mut world, caller, first, second) = consulting();
    world.party_mut(caller).hang_up(Mono::from_ms(9_500));
    world.run_until(10_000);
    assert!(!world.party(first).is_connected() && !world.party(second).is_connected());
    assert_eq!(transfers(&world), [(CONSULT, TransferEnd::CallerLeft)]);
    world.run_for(60_000);
    assert_sound(&world);
}

#[test]
fn byes_of_all_three_cross() {
    let (mut world, caller, first, second) = consulting();
    world.command("8001", Command::Conference);
    for party in [caller, first, second] {
        world.party_mut(party).hang_up(Mono::from_ms(9_500));
    }
    world.run_for(60_000);
    assert_sound(&world);
}

#[test]
fn desktops_are_told_what_goes_on_and_what_may_be_done() {
    use AgentAction::{CancelConsult, CompleteTransfer, Conference, Consult, SwapParties};
    let (mut world, caller, ..) = consulting();
    let may = allowed(&world, "8001");
    for action in [CompleteTransfer, SwapParties, Conference, CancelConsult] {
        assert!(may.contains(&action), "{action:?}");
    }
    assert!(!may.contains(&Consult));
    assert!(!allowed(&world, "8002").contains(&CompleteTransfer));
    for agent in ["8001", "8002"] {
        let log = world.desktop_log(agent).expect("there is a desktop");
        let told = log.events.iter().rev().find_map(|(_, _, event)| match &**event {
            Event::CallState { phase, guest: Some(guest), .. } => Some((*phase, guest.answered)),
            _ => None,
        });
        assert_eq!(told, Some((CallPhase::Consulting, true)), "{agent}");
    }
    assert_eq!(world.ask("8002", Command::CompleteTransfer), Err("no_call"));
    world.command("8001", Command::CompleteTransfer);
    world.run_until(10_000);
    end(world, caller);
}

#[test]
fn who_is_asked_is_offered_nothing_else() {
    let (mut world, caller, ..) = consulting();
    let other = world.caller(9_100, sim::CallerPlan::default());
    world.run_until(20_000);
    let rung = rings(&world, "8002").len();
    assert_eq!(rung, 1, "only for the consultation");
    world.party_mut(other).hang_up(Mono::from_ms(20_500));
    world.command("8001", Command::CancelConsult);
    world.run_until(21_000);
    let answered = world.when(|body| matches!(body, FactBody::GuestAnswered { .. }));
    assert_eq!(answered.len(), 1);
    let now = world.now();
    world.party_mut(caller).hang_up(now);
    world.run_for(60_000);
    assert_sound(&world);
}

#[test]
fn the_engine_ends_while_three_talk() {
    let (mut world, _, first, second) = consulting();
    world.command("8001", Command::Conference);
    world.stop();
    world.run_for(10_000);
    assert!(world.is_stopped());
    assert!(!world.party(first).is_connected() && !world.party(second).is_connected());
    assert_sound(&world);
}
